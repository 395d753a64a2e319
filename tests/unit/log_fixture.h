/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A log in a temporary folder, with one topic, for the tests of libcommon/log. Every call asserts that it worked.
 */
#ifndef LEAT_TESTS_LOG_FIXTURE_H
#define LEAT_TESTS_LOG_FIXTURE_H

#include "log/cursor.h"
#include "log/partition.h"
#include "scratch.h"

struct log_fixture {
    char path[SCRATCH_MAX];
    struct log log;
    struct topic topic;
};

/* `settings` NULL: the defaults, with segments of 4,096 bytes. */
void log_fixture_open(struct log_fixture *f, uint32_t partitions, const struct topic_settings *settings);
void log_fixture_close(struct log_fixture *f);
void log_fixture_reopen(struct log_fixture *f); /* the topic, after its file was changed */

/* One block of n records, durable. Record number i has the key `key` (NULL: none), the time `i` and the value
 * {"n":i,"pad":"…"} with `pad` letters (-1: a tombstone), i being its offset. */
void log_fixture_append(struct log_fixture *f, uint32_t partition, unsigned n, const char *key, int pad);

/* The whole of topics/t/FILE, and back. The caller frees. */
char *log_fixture_load(const struct log_fixture *f, const char *file, size_t *ret_size);
void log_fixture_store(const struct log_fixture *f, const char *file, const char *bytes, size_t n);
bool log_fixture_has(const struct log_fixture *f, const char *file);
void log_fixture_remove(const struct log_fixture *f, const char *file);

/* The offsets that a reader gets, in order. Returns how many (at most `max`), and the grade that ended it. */
size_t log_fixture_read(struct log_fixture *f, uint32_t partition, uint64_t *offsets, size_t max, int *ret_grade);

#endif
