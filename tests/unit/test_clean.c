/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Retention, trimming, compression, compaction: what goes, what stays, what a reader sees meanwhile, and what a failure
 * in the middle leaves. RELIABILITY.md, traps 8, 10 and 15.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "log/clean.h"
#include "log/rewrite.h"
#include "log/verify.h"
#include "log_fixture.h"
#include "sys/lock.h"
#include "sys/sys.h"

#define HOUR INT64_C(3600000000000)

static struct sys_ops real;
static int64_t ahead_ns;

static int64_t shifted_wall(void) {
    return real.wall_ns() + ahead_ns;
}

static int64_t shifted_boot(void) {
    return real.boot_ns() + ahead_ns;
}

static int put_sys_back(void **state) {
    (void)state;
    sys = real;
    return 0;
}

static struct maintain_report maintain(struct log_fixture *f, unsigned what, int want) {
    struct maintain_report m;
    struct err e = {0};
    int g = partition_maintain(&f->topic, 0, what, &m, &e);
    if (g != want) fail_msg("%d instead of %d: %s", g, want, e.text);
    return m;
}

static void open_with(struct log_fixture *f, const char *const *settings) {
    struct topic_settings s = topic_settings_default;
    struct err e;
    s.segment_size = 4096;
    for (; *settings; settings++) assert_int_equal(topic_setting_parse(&s, *settings, &e), 0);
    log_fixture_open(f, 1, &s);
}

#define OPEN(f, ...) open_with(f, (const char *const[]){__VA_ARGS__ __VA_OPT__(, ) NULL})

static void expect_sound(struct log_fixture *f) {
    struct verification v = {0};
    struct err e = {0};
    if (verify_partition(&f->topic, 0, false, &v, &e) < 0) fail_msg("%s", e.text);
    for (size_t i = 0; i < v.count; i++)
        if (v.list[i].weight != DAMAGE_NOTE) fail_msg("%s: %s", v.list[i].file, v.list[i].what);
    verification_release(&v);
}

/* What is read is exactly [from, end). */
static void expect_range(struct log_fixture *f, uint64_t from, uint64_t end) {
    uint64_t offsets[400];
    int g;
    size_t n = log_fixture_read(f, 0, offsets, 400, &g);
    assert_int_equal(g, G_WAIT);
    assert_int_equal(n, end - from);
    for (size_t i = 0; i < n; i++) assert_int_equal(offsets[i], from + i);
}

static void expect_offsets(struct log_fixture *f, const uint64_t *want, size_t count) {
    uint64_t offsets[400];
    int g;
    size_t n = log_fixture_read(f, 0, offsets, 400, &g);
    assert_int_equal(g, G_WAIT);
    for (size_t i = 0; i < n && i < count; i++) assert_int_equal(offsets[i], want[i]);
    assert_int_equal(n, count);
}

/* Eight records to a segment, in four blocks. */
static void fill(struct log_fixture *f, int blocks) {
    for (int i = 0; i < blocks; i++) log_fixture_append(f, 0, 2, NULL, 380);
}

/* ---- retention and trimming ---- */

static void retention_by_size_removes_the_oldest(void **state) {
    (void)state;
    struct log_fixture f;
    OPEN(&f, "retention_size=9000");
    fill(&f, 14); /* segments at 0, 8, 16, 24 */
    struct maintain_report m = maintain(&f, MAINTAIN_RETENTION, 0);
    assert_int_equal(m.removed_segments, 2);
    assert_int_equal(m.start, 16);
    assert_false(log_fixture_has(&f, "0/00000000000000000000.leat"));
    assert_false(log_fixture_has(&f, "0/00000000000000000008.leat"));
    assert_false(log_fixture_has(&f, "0/00000000000000000008.idx"));
    assert_true(log_fixture_has(&f, "0/00000000000000000016.leat"));
    expect_range(&f, 16, 28);
    expect_sound(&f);
    m = maintain(&f, MAINTAIN_RETENTION, 0);
    assert_int_equal(m.removed_segments, 0);
    fill(&f, 2);
    expect_range(&f, 16, 32);
    log_fixture_close(&f);
}

static void count_lost(void *ctx, const struct err *what) {
    assert_string_equal(what->text, "'t/0': 16 records from offset 0 on were removed by retention");
    ++*(int *)ctx;
}

static void a_reader_that_goes_on_is_told_what_retention_removed_under_it(void **state) {
    (void)state;
    struct log_fixture f;
    struct cursor c;
    struct cursor_block b;
    struct err e;
    uint64_t at = 0;
    int lost = 0;
    OPEN(&f, "retention_size=9000");
    fill(&f, 14); /* segments at 0, 8, 16, 24 */
    assert_int_equal(cursor_open(&c, &f.topic, 0, false, &e), 0);
    maintain(&f, MAINTAIN_RETENTION, 0);
    assert_int_equal(cursor_find_time(&c, INT64_MIN, &at, &e), 0);
    assert_int_equal(at, 16);
    assert_int_equal(cursor_next_kept(&c, 18, count_lost, &lost, &b, &e), 0);
    assert_int_equal(b.first, 16);
    assert_int_equal(cursor_next_kept(&c, 18, count_lost, &lost, &b, &e), G_EOF);
    assert_int_equal(cursor_next_kept(&c, 20, count_lost, &lost, &b, &e), 0);
    assert_int_equal(b.first, 18);
    assert_int_equal(cursor_seek(&c, 28, &e), 0);
    assert_int_equal(cursor_next_kept(&c, UINT64_MAX, count_lost, &lost, &b, &e), G_WAIT);
    assert_int_equal(lost, 1);
    atomic_fetch_or(&c.part.tail->state, TAIL_DELETED);
    assert_int_equal(cursor_next_kept(&c, UINT64_MAX, count_lost, &lost, &b, &e), G_ABSENT);
    assert_string_equal(e.text, "topic 't' was deleted");
    cursor_close(&c);
    log_fixture_close(&f);
}

static void the_active_segment_is_never_removed(void **state) {
    (void)state;
    struct log_fixture f;
    OPEN(&f, "retention_size=1", "retention_age=1ns");
    fill(&f, 6);
    struct maintain_report m = maintain(&f, MAINTAIN_RETENTION, 0);
    assert_int_equal(m.start, 8);
    expect_range(&f, 8, 12);
    expect_sound(&f);
    log_fixture_close(&f);
}

static void retention_by_age_counts_from_the_sealing(void **state) {
    (void)state;
    struct log_fixture f;
    OPEN(&f, "retention_age=1h");
    fill(&f, 10);
    ahead_ns = HOUR - 60000000000;
    sys.boot_ns = shifted_boot;
    assert_int_equal(maintain(&f, MAINTAIN_RETENTION, 0).removed_segments, 0);
    ahead_ns = HOUR + 1;
    assert_int_equal(maintain(&f, MAINTAIN_RETENTION, 0).removed_segments, 2);
    expect_range(&f, 16, 20);
    log_fixture_close(&f);
}

static void age_is_of_the_steady_clock_within_a_boot_and_of_the_wall_clock_else(void **state) {
    (void)state;
    struct segment_info s = {
        .boot_id = sys_boot_id(), .monotonic_ns = sys.boot_ns() - 2 * HOUR, .created_ns = INT64_MAX / 2};
    assert_true(sealed_since(&s, HOUR)); /* the wall clock was set back meanwhile: of no account */
    s.monotonic_ns = sys.boot_ns();
    s.created_ns = 0;
    assert_false(sealed_since(&s, HOUR));
    s.boot_id++;
    assert_true(sealed_since(&s, HOUR));
    s.created_ns = sys.wall_ns() + 5 * HOUR; /* a time in the future keeps it */
    assert_false(sealed_since(&s, HOUR));
}

static void leftovers_below_the_start_go_the_next_time(void **state) {
    (void)state;
    struct log_fixture f;
    struct err e;
    OPEN(&f);
    fill(&f, 10);
    int dir = topic_partition_dir(&f.topic, 0, false, &e);
    assert_int_equal(partition_write_start(dir, 11, &e), 0); /* a cleaner that died behind this step */
    close(dir);
    struct maintain_report m = maintain(&f, MAINTAIN_RETENTION, 0);
    assert_int_equal(m.removed_segments, 1);
    assert_int_equal(m.start, 11);
    expect_range(&f, 11, 20);
    expect_sound(&f);
    log_fixture_close(&f);
}

static void trim_may_end_within_a_segment(void **state) {
    (void)state;
    struct log_fixture f;
    struct maintain_report m;
    struct err e;
    OPEN(&f);
    fill(&f, 10);
    assert_int_equal(partition_trim(&f.topic, 0, 13, false, &m, &e), 0);
    assert_int_equal(m.removed_segments, 1);
    assert_int_equal(m.start, 13);
    expect_range(&f, 0, 20); /* it was only a question */
    assert_int_equal(partition_trim(&f.topic, 0, 13, true, &m, &e), 0);
    assert_int_equal(m.removed_segments, 1);
    expect_range(&f, 13, 20);
    expect_sound(&f);
    assert_int_equal(partition_trim(&f.topic, 0, 5, true, &m, &e), 0); /* never back */
    assert_int_equal(m.start, 13);
    assert_int_equal(partition_trim(&f.topic, 0, UINT64_MAX, true, &m, &e), 0);
    assert_int_equal(m.start, 20);
    expect_range(&f, 20, 20);
    expect_sound(&f);
    fill(&f, 1);
    expect_range(&f, 20, 22);
    log_fixture_close(&f);
}

/* ---- compression ---- */

static void compression_keeps_every_record_and_joins_small_blocks(void **state) {
    (void)state;
    struct log_fixture f;
    struct verification v = {0};
    struct err e;
    OPEN(&f, "codec=zstd");
    for (int i = 0; i < 100; i++) log_fixture_append(&f, 0, 1, "key", 100);
    struct maintain_report m = maintain(&f, MAINTAIN_COMPRESS, 0);
    assert_true(m.compressed_segments >= 4);
    assert_true(m.rewritten_after * 3 < m.rewritten_before);
    assert_int_equal(verify_partition(&f.topic, 0, true, &v, &e), 0);
    assert_int_equal(v.faults, 0);
    assert_int_equal(v.count, 0);
    assert_int_equal(v.records, 100);
    assert_true(v.blocks < 30);
    verification_release(&v);
    expect_range(&f, 0, 100);
    m = maintain(&f, MAINTAIN_COMPRESS, 0);
    assert_int_equal(m.compressed_segments, 0);
    log_fixture_close(&f);
}

static void a_codec_that_was_chosen_later_is_applied_to_old_segments(void **state) {
    (void)state;
    struct log_fixture f;
    struct err e;
    OPEN(&f, "compact=true");
    for (int i = 0; i < 50; i++) log_fixture_append(&f, 0, 1, NULL, 100);
    assert_true(maintain(&f, MAINTAIN_ALL | MAINTAIN_FORCE, 0).compacted_segments >= 2); /* rewritten, raw */
    struct topic_settings s = f.topic.settings;
    s.zstd = true;
    assert_int_equal(topic_alter(&f.topic, 1, &s, &e), 0);
    assert_true(maintain(&f, MAINTAIN_COMPRESS, 0).compressed_segments >= 2);
    assert_int_equal(maintain(&f, MAINTAIN_COMPRESS, 0).compressed_segments, 0);
    expect_range(&f, 0, 50);
    expect_sound(&f);
    log_fixture_close(&f);
}

/* ---- compaction ---- */

static void compaction_keeps_the_last_record_of_each_key(void **state) {
    (void)state;
    struct log_fixture f;
    OPEN(&f, "compact=true");
    static const char *const keys[] = {"a", "b", NULL, "a", "c", "b", "a", NULL, "d", "e", "f", "g", "h", "c"};
    /* two records to a segment: 0 1 | 2 3 | 4 5 | 6 7 | 8 9 | 10 11 | 12 13, the last two active */
    for (int i = 0; i < 14; i++) log_fixture_append(&f, 0, 1, keys[i], 1700);
    struct maintain_report m = maintain(&f, MAINTAIN_COMPACT, 0);
    static const uint64_t want[] = {2, 5, 6, 7, 8, 9, 10, 11, 12, 13};
    expect_offsets(&f, want, 10);
    assert_int_equal(m.dropped_records, 4);
    assert_int_equal(m.compacted_segments, 6);
    expect_sound(&f);
    m = maintain(&f, MAINTAIN_COMPACT, 0); /* nothing is new */
    assert_int_equal(m.compacted_segments, 0);
    log_fixture_append(&f, 0, 1, "b", 1700);
    m = maintain(&f, MAINTAIN_COMPACT | MAINTAIN_FORCE, 0);
    static const uint64_t later[] = {2, 6, 7, 8, 9, 10, 11, 12, 13, 14};
    expect_offsets(&f, later, 10);
    expect_sound(&f);
    log_fixture_close(&f);
}

static void tombstones_stay_for_their_time(void **state) {
    (void)state;
    struct log_fixture f;
    OPEN(&f, "compact=true", "tombstone_retention=1h");
    log_fixture_append(&f, 0, 1, "a", 1700);
    log_fixture_append(&f, 0, 1, "b", 1700);
    log_fixture_append(&f, 0, 1, "a", -1);
    log_fixture_append(&f, 0, 1, "c", 3000);
    log_fixture_append(&f, 0, 1, "d", 3000);
    maintain(&f, MAINTAIN_COMPACT | MAINTAIN_FORCE, 0);
    static const uint64_t want[] = {1, 2, 3, 4};
    expect_offsets(&f, want, 4);
    ahead_ns = 2 * HOUR;
    sys.boot_ns = shifted_boot;
    maintain(&f, MAINTAIN_COMPACT | MAINTAIN_FORCE, 0);
    static const uint64_t later[] = {1, 3, 4};
    expect_offsets(&f, later, 3);
    expect_sound(&f);
    log_fixture_close(&f);
}

static void compaction_waits_until_half_is_new(void **state) {
    (void)state;
    struct log_fixture f;
    OPEN(&f, "compact=true");
    for (int i = 0; i < 16; i++) log_fixture_append(&f, 0, 2, i % 2 ? "a" : NULL, 1700); /* 15 sealed */
    assert_int_equal(maintain(&f, MAINTAIN_COMPACT, 0).compacted_segments, 15);
    log_fixture_append(&f, 0, 2, "a", 1700);
    assert_int_equal(maintain(&f, MAINTAIN_COMPACT, 0).compacted_segments, 0);
    for (int i = 0; i < 16; i++) log_fixture_append(&f, 0, 2, NULL, 1700);
    assert_true(maintain(&f, MAINTAIN_COMPACT, 0).compacted_segments >= 16);
    expect_sound(&f);
    log_fixture_close(&f);
}

static void compaction_may_leave_a_segment_empty(void **state) {
    (void)state;
    struct log_fixture f;
    OPEN(&f, "compact=true", "codec=zstd");
    for (int i = 0; i < 12; i++) log_fixture_append(&f, 0, 1, "k", 1700);
    maintain(&f, MAINTAIN_ALL, 0);
    static const uint64_t want[] = {11};
    uint64_t offsets[20];
    int g;
    size_t n = log_fixture_read(&f, 0, offsets, 20, &g);
    assert_int_equal(g, G_WAIT);
    assert_true(n >= 1 && n <= 2); /* the active segment is left alone */
    assert_int_equal(offsets[n - 1], want[0]);
    struct cursor c; /* a range that is a gap */
    struct cursor_block b;
    struct err e;
    assert_int_equal(cursor_open(&c, &f.topic, 0, false, &e), 0);
    assert_int_equal(cursor_next_kept(&c, 5, NULL, NULL, &b, &e), G_EOF);
    cursor_close(&c);
    expect_sound(&f);
    log_fixture_close(&f);
}

/* ---- failures ---- */

static void a_damaged_segment_is_left_as_it_is(void **state) {
    (void)state;
    struct log_fixture f;
    size_t n, m;
    OPEN(&f, "codec=zstd");
    fill(&f, 14);
    char *bytes = log_fixture_load(&f, "0/00000000000000000008.leat", &n);
    bytes[900] ^= 1;
    log_fixture_store(&f, "0/00000000000000000008.leat", bytes, n);
    struct maintain_report r = maintain(&f, MAINTAIN_ALL, G_CORRUPT);
    assert_int_equal(r.compressed_segments, 2);
    char *after = log_fixture_load(&f, "0/00000000000000000008.leat", &m);
    assert_int_equal(m, n);
    assert_memory_equal(after, bytes, n);
    free(bytes);
    free(after);
    log_fixture_close(&f);
}

static void a_tombstone_does_not_go_before_what_it_deletes(void **state) {
    (void)state;
    struct log_fixture f;
    size_t n;
    OPEN(&f, "compact=true", "tombstone_retention=0");
    log_fixture_append(&f, 0, 1, "a", 3000);
    log_fixture_append(&f, 0, 1, "a", -1);
    log_fixture_append(&f, 0, 1, "x", 3900);
    log_fixture_append(&f, 0, 1, "y", 3900);
    char *bytes = log_fixture_load(&f, "0/00000000000000000000.leat", &n);
    log_fixture_append(&f, 0, 1, "z", 3900);
    bytes[900] ^= 1; /* the record that the tombstone deletes cannot be read now */
    log_fixture_store(&f, "0/00000000000000000000.leat", bytes, n);
    maintain(&f, MAINTAIN_COMPACT | MAINTAIN_FORCE, G_CORRUPT);
    bytes[900] ^= 1;
    log_fixture_store(&f, "0/00000000000000000000.leat", bytes, n);
    static const uint64_t want[] = {0, 1, 2, 3, 4};
    expect_offsets(&f, want, 5);
    maintain(&f, MAINTAIN_COMPACT | MAINTAIN_FORCE, 0);
    static const uint64_t later[] = {2, 3, 4};
    expect_offsets(&f, later, 3);
    free(bytes);
    log_fixture_close(&f);
}

static int fail_after, fail_errno;

static bool fails_now(void) {
    return fail_after-- == 0;
}

static int failing_rename(int a, const char *from, int b, const char *to) {
    if (!fails_now()) return real.renameat(a, from, b, to);
    errno = fail_errno;
    return -1;
}

static int failing_fsync(int fd) {
    if (!fails_now()) return real.fsync(fd);
    errno = fail_errno;
    return -1;
}

static int failing_unlink(int dir, const char *path, int flags) {
    if (!fails_now()) return real.unlinkat(dir, path, flags);
    errno = fail_errno;
    return -1;
}

static ssize_t failing_pwrite(int fd, const void *p, size_t n, off_t at) {
    if (!fails_now()) return real.pwrite(fd, p, n, at);
    errno = fail_errno;
    return -1;
}

/* Every call that cleaning makes fails once: the records are the same, the log is sound, and the next run finishes. */
static void a_call_that_fails_leaves_a_log_that_means_the_same(void **state) {
    (void)state;
    for (int which = 0; which < 4; which++)
        for (int at = 0; at < 40; at++) {
            struct log_fixture f;
            struct maintain_report m;
            struct err e = {0};
            OPEN(&f, "codec=zstd", "retention_size=12000");
            fill(&f, 18);
            fail_after = at;
            fail_errno = which == 3 ? ENOSPC : EIO;
            if (which == 0) sys.renameat = failing_rename;
            if (which == 1) sys.fsync = failing_fsync;
            if (which == 2) sys.unlinkat = failing_unlink;
            if (which == 3) sys.pwrite = failing_pwrite;
            int g = partition_maintain(&f.topic, 0, MAINTAIN_ALL, &m, &e);
            bool reached = fail_after < 0;
            assert_true(g == 0 || (reached && g == G_IO));
            sys = real;
            expect_sound(&f);
            maintain(&f, MAINTAIN_ALL, 0);
            expect_sound(&f);
            expect_range(&f, 16, 36);
            log_fixture_close(&f);
            if (!reached) break;
        }
}

static void another_cleaner_at_work_is_left_to_it(void **state) {
    (void)state;
    struct log_fixture f;
    struct err e;
    OPEN(&f, "codec=zstd");
    fill(&f, 10);
    int dir = topic_partition_dir(&f.topic, 0, false, &e);
    int fd = openat(dir, "lock", O_RDWR | O_CLOEXEC);
    assert_int_equal(lock_try(fd, LOCK_CLEAN, &e), 0);
    struct maintain_report m = maintain(&f, MAINTAIN_ALL, 0);
    assert_true(m.busy);
    assert_int_equal(m.compressed_segments, 0);
    close(fd);
    m = maintain(&f, MAINTAIN_ALL, 0);
    assert_false(m.busy);
    assert_int_equal(m.compressed_segments, 2);
    close(dir);
    log_fixture_close(&f);
}

static void leftovers_of_the_dead_are_swept_after_an_hour(void **state) {
    (void)state;
    struct log_fixture f;
    struct err e;
    OPEN(&f);
    fill(&f, 1);
    log_fixture_store(&f, "0/00000000000000000007.leat.tmp", "x", 1);
    log_fixture_store(&f, "topic.json.1.tmp", "x", 1);
    int tmp = openat(f.log.root, "tmp", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_int_equal(mkdirat(tmp, "new-1-1", 0700), 0);
    assert_int_equal(mkdirat(tmp, "new-1-1/0", 0700), 0);
    assert_int_equal(maintain(&f, MAINTAIN_SWEEP, 0).swept, 0);
    assert_true(log_fixture_has(&f, "topic.json.1.tmp"));
    ahead_ns = 2 * HOUR;
    sys.wall_ns = shifted_wall;
    assert_int_equal(maintain(&f, MAINTAIN_SWEEP, 0).swept, 3);
    assert_false(log_fixture_has(&f, "topic.json.1.tmp"));
    assert_int_equal(faccessat(tmp, "new-1-1", F_OK, 0), -1);
    assert_true(log_fixture_has(&f, "topic.json"));
    (void)e;
    close(tmp);
    log_fixture_close(&f);
}

/* ---- all at once ---- */

static volatile sig_atomic_t stop;

static void on_term(int signal_number) {
    (void)signal_number;
    stop = 1;
}

static pid_t start(void (*body)(struct log_fixture *f), struct log_fixture *f) {
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid > 0) return pid;
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL); /* a test that failed does not wait for its children */
    signal(SIGTERM, on_term);
    body(f);
    _exit(0);
}

static void finish(pid_t pid) {
    int status;
    assert_int_equal(kill(pid, SIGTERM), 0);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

/* A topic is opened anew in each process, as a program would. */
static void append_until_told(struct log_fixture *f) {
    while (!stop) {
        log_fixture_append(f, 0, 3, NULL, 100);
        usleep(200);
    }
}

static void clean_until_told(struct log_fixture *f) {
    while (!stop) {
        struct maintain_report m;
        struct err e;
        if (partition_maintain(&f->topic, 0, MAINTAIN_ALL, &m, &e) < 0) _exit(1);
    }
}

static uint64_t read_for(struct log_fixture *f, int64_t ns, bool may_skip) {
    struct cursor c;
    struct cursor_block b;
    struct buf bytes = {0}, raw = {0};
    struct err e = {0};
    const char *body;
    uint64_t next = 0, seen = 0;
    int64_t end = sys.boot_ns() + ns;
    assert_int_equal(cursor_open(&c, &f->topic, 0, false, &e), 0);
    while (sys.boot_ns() < end) {
        int g = cursor_next(&c, &b, &e);
        if (g == G_WAIT) {
            usleep(500);
            continue;
        }
        if (g == G_ABSENT && may_skip) {
            next = c.next_offset;
            continue;
        }
        if (g != 0) fail_msg("%s", e.text);
        struct record_walk w;
        struct record r;
        if (cursor_load(&b, &bytes, &raw, &body, &e) < 0) fail_msg("%s", e.text);
        record_walk_init(&w, &b.h, body, RECORD_LIMIT_MAX);
        while ((g = record_next(&w, &r, &e)) > 0) {
            if (r.offset < b.first) continue;
            if (may_skip ? r.offset < next : r.offset != next) fail_msg("%" PRIu64 " behind %" PRIu64, r.offset, next);
            next = r.offset + 1;
            seen++;
        }
        assert_int_equal(g, 0);
    }
    cursor_close(&c);
    buf_release(&bytes);
    buf_release(&raw);
    return seen;
}

static void a_reader_sees_every_offset_once_while_others_append_and_clean(void **state) {
    (void)state;
    struct log_fixture f;
    OPEN(&f, "codec=zstd");
    fill(&f, 1);
    pid_t appender = start(append_until_told, &f), cleaner = start(clean_until_told, &f);
    pid_t second = start(clean_until_told, &f);
    uint64_t seen = read_for(&f, 3000000000, false);
    seen += read_for(&f, 1000000000, false);
    assert_true(seen > 500);
    finish(appender);
    finish(cleaner);
    finish(second);
    maintain(&f, MAINTAIN_ALL | MAINTAIN_WAIT, 0);
    expect_sound(&f);
    log_fixture_close(&f);
}

static void retention_never_takes_what_a_reader_was_promised(void **state) {
    (void)state;
    struct log_fixture f;
    OPEN(&f, "codec=zstd", "retention_size=20000");
    fill(&f, 1);
    pid_t appender = start(append_until_told, &f), cleaner = start(clean_until_told, &f);
    assert_true(read_for(&f, 2000000000, true) > 200);
    finish(appender);
    finish(cleaner);
    expect_sound(&f);
    log_fixture_close(&f);
}

int main(void) {
    real = sys;
#define TEST(name) cmocka_unit_test_teardown(name, put_sys_back)
    const struct CMUnitTest tests[] = {
        TEST(retention_by_size_removes_the_oldest),
        TEST(a_reader_that_goes_on_is_told_what_retention_removed_under_it),
        TEST(the_active_segment_is_never_removed),
        TEST(retention_by_age_counts_from_the_sealing),
        TEST(age_is_of_the_steady_clock_within_a_boot_and_of_the_wall_clock_else),
        TEST(leftovers_below_the_start_go_the_next_time),
        TEST(trim_may_end_within_a_segment),
        TEST(compression_keeps_every_record_and_joins_small_blocks),
        TEST(a_codec_that_was_chosen_later_is_applied_to_old_segments),
        TEST(compaction_keeps_the_last_record_of_each_key),
        TEST(tombstones_stay_for_their_time),
        TEST(compaction_waits_until_half_is_new),
        TEST(compaction_may_leave_a_segment_empty),
        TEST(a_damaged_segment_is_left_as_it_is),
        TEST(a_tombstone_does_not_go_before_what_it_deletes),
        TEST(a_call_that_fails_leaves_a_log_that_means_the_same),
        TEST(another_cleaner_at_work_is_left_to_it),
        TEST(leftovers_of_the_dead_are_swept_after_an_hour),
        TEST(a_reader_sees_every_offset_once_while_others_append_and_clean),
        TEST(retention_never_takes_what_a_reader_was_promised),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
