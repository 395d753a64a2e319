/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A log in memory (tmpfs) with one topic, "t", for the fuzz targets of libcommon/log: made once, filled anew by each
 * run, removed at exit. Its topic has always the same identity, so that inputs of one run are good for the next.
 */
#ifndef LEAT_TESTS_FUZZ_LOG_DIR_H
#define LEAT_TESTS_FUZZ_LOG_DIR_H

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "input.h"
#include "log/partition.h"
#include "sys/file.h"
#include "sys/sys.h"

#define LOG_DIR_TOPIC_ID UINT64_C(0x7ea77ea77ea77ea7)

struct log_dir {
    char path[64];
    struct log log;
    int topic_dir; /* topics/t */
};

static struct log_dir log_dir;

static inline int log_dir_no_sync(int fd) {
    (void)fd;
    return 0;
}

static void log_dir_remove(void) {
    (void)!dir_remove_tree(log_dir.log.root, "topics", NULL);
    (void)!dir_remove_tree(log_dir.log.root, "groups", NULL);
    (void)!dir_remove_tree(log_dir.log.root, "tmp", NULL);
    (void)rmdir(log_dir.path);
}

/* The topic file as it should be. */
static inline void log_dir_reset(void) {
    struct topic t = {
        .log = &log_dir.log, .name = "t", .dir = log_dir.topic_dir, .id = LOG_DIR_TOPIC_ID, .partitions = 2};
    t.settings = topic_settings_default;
    t.settings.segment_size = 4096;
    REQUIRE(topic_write_file(&t, NULL) == 0);
}

static inline void log_dir_init(void) {
    if (log_dir.path[0]) return;
    sys.fsync = sys.fdatasync = log_dir_no_sync;
    const char *tmp = getenv("TMPDIR");
    (void)snprintf(log_dir.path, sizeof log_dir.path, "%.40s/leat-fuzz-XXXXXX", tmp ? tmp : "/dev/shm");
    REQUIRE(mkdtemp(log_dir.path));
    REQUIRE(log_open(&log_dir.log, log_dir.path, true, true, NULL) == 0);
    REQUIRE(topic_create(&log_dir.log, "t", 2, &topic_settings_default, false, NULL) == 0);
    log_dir.topic_dir = dir_open(log_dir.log.topics, "t", false, NULL);
    REQUIRE(log_dir.topic_dir >= 0);
    log_dir_reset();
    atexit(log_dir_remove);
}

static inline void log_dir_store(int dir, const char *name, const void *p, size_t n) {
    int fd = openat(dir, name, O_WRONLY | O_CREAT | O_TRUNC | O_NONBLOCK | O_NOFOLLOW, 0600);
    if (fd < 0) return; /* another kind of file is in its place */
    if (n) (void)!write(fd, p, n);
    close(fd);
}

#endif
