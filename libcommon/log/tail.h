/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The mapped tail page of a partition: leat-log(5), section "Tail". A hint that makes appending and reading fast; never
 * the only place of a truth. Every word is read and written with one atomic access.
 */
#ifndef LEAT_LOG_TAIL_H
#define LEAT_LOG_TAIL_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

#define TAIL_BYTES 4096u

enum tail_state { TAIL_DELETED = 1, TAIL_POISONED = 2 };

struct tail {
    char magic[8]; /* "LEATTAIL" */
    uint32_t version;
    uint32_t partition;
    uint64_t topic_id;
    _Atomic uint64_t boot;
    _Atomic uint64_t segment;
    _Atomic uint64_t written_size;
    _Atomic uint64_t written_offset;
    _Atomic uint64_t stable_offset;
    _Atomic uint64_t synced_offset;
    _Atomic uint64_t start_offset;
    _Atomic uint32_t epoch;
    _Atomic uint32_t appending;
    _Atomic uint32_t state;
    _Atomic uint32_t syncs;
    _Atomic uint32_t syncing;
    _Atomic uint32_t cleaning;
};

/* Map dir/tail, made of zeros if it is not there (a zero page is not valid and asks for recovery). *ret_writable is
 * false when this process may only read. */
int tail_map(int dir, struct tail **ret, bool *ret_writable, struct err *e) NODISCARD;
void tail_unmap(struct tail *t);

/* Does it belong to this partition? Says nothing about the boot. */
bool tail_valid(const struct tail *t, uint64_t topic_id, uint32_t partition);

/* Make a page of this partition out of one that is not: all words but `state` and `boot`, which become 0, are the
 * caller's, who has set them before. Does nothing to a valid one. */
void tail_format(struct tail *t, uint64_t topic_id, uint32_t partition);

/* Make the page durable. It is a hint, but one that knows the durable end: without it a segment that policy none sealed
 * and a power cut tore could not be told from a damaged one. */
int tail_save(int dir, struct err *e) NODISCARD;

/* Raise a word; never lowers it. */
void tail_raise(_Atomic uint64_t *word, uint64_t value);

#endif
