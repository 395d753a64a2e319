/* SPDX-License-Identifier: Apache-2.0 */
/* Files written by a thread of their own: what is put arrives, is durable when it should be, and the first failure is
 * the one that is told, with a thread and without one. */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "sys/behind.h"
#include "sys/sys.h"

static struct sys_ops real;
static atomic_int writes, syncs, ranges, closes;
static int fail_write, fail_sync; /* which one in the row; 0: none */

static ssize_t count_pwrite(int fd, const void *p, size_t n, off_t at) {
    if (++writes != fail_write) return real.pwrite(fd, p, n, at);
    errno = ENOSPC;
    return -1;
}

static int count_fdatasync(int fd) {
    if (++syncs != fail_sync) return real.fdatasync(fd);
    errno = EIO;
    return -1;
}

static int refuse_range(int fd, off_t at, off_t n, unsigned flags) {
    struct stat st;
    ranges++;
    assert_int_equal(flags, SYNC_FILE_RANGE_WRITE);
    assert_int_equal(fstat(fd, &st), 0);
    assert_true(at >= 0 && n > 0 && at + n <= st.st_size);
    errno = ENOSYS; /* nothing depends on it */
    return -1;
}

static int count_close(int fd) {
    closes++;
    return real.close(fd);
}

static int begin(void **state) {
    (void)state;
    if (!real.pwrite) real = sys;
    sys.pwrite = count_pwrite;
    sys.fdatasync = count_fdatasync;
    sys.sync_file_range = refuse_range;
    sys.close = count_close;
    writes = syncs = ranges = closes = 0;
    fail_write = fail_sync = 0;
    return 0;
}

static int finish(void **state) {
    (void)state;
    sys = real;
    return 0;
}

/* On one processor, or on all that there are. */
static struct behind *start(bool alone) {
    struct behind *b;
    struct err e = {0};
    cpu_set_t all, one;
    assert_int_equal(sched_getaffinity(0, sizeof all, &all), 0);
    CPU_ZERO(&one);
    CPU_SET(sched_getcpu(), &one);
    if (alone) assert_int_equal(sched_setaffinity(0, sizeof one, &one), 0);
    assert_int_equal(behind_start(&b, &e), 0);
    assert_int_equal(sched_setaffinity(0, sizeof all, &all), 0);
    return b;
}

static char letter(size_t file, size_t at) {
    return (char)(file + at + at / 251 + at / 65521);
}

/* A file of n bytes, put in pieces of uneven sizes. Returns a second descriptor of it. */
static int put_file(struct behind *b, size_t number, size_t n, bool durable, int *ret_g, struct err *e) {
    static const size_t sizes[] = {1, 131072, 70001, 0, 400000, 131071};
    char name[16], *bytes = malloc(n + 1);
    int fd = memfd_create("file", MFD_CLOEXEC), again = dup(fd), g = 0;
    assert_true(fd >= 0 && again >= 0 && bytes);
    for (size_t i = 0; i < n; i++) bytes[i] = letter(number, i);
    (void)snprintf(name, sizeof name, "file %zu", number);
    behind_begin(b, fd, name, durable);
    memset(name, 'x', sizeof name); /* it was copied */
    for (size_t at = 0, i = 0; g == 0 && at < n; i++) {
        size_t k = sizes[i % 6] < n - at ? sizes[i % 6] : n - at;
        g = behind_put(b, bytes + at, k, e);
        at += k;
    }
    *ret_g = g < 0 ? g : behind_end(b, e);
    free(bytes);
    return again;
}

static void expect_file(int fd, size_t number, size_t n) {
    struct stat st;
    char *bytes = malloc(n + 1);
    assert_int_equal(fstat(fd, &st), 0);
    assert_int_equal(st.st_size, n);
    assert_int_equal(pread(fd, bytes, n, 0), n);
    for (size_t i = 0; i < n; i++)
        if (bytes[i] != letter(number, i)) fail_msg("file %zu: byte %zu is wrong", number, i);
    free(bytes);
    assert_int_equal(close(fd), 0);
}

static void write_files(bool alone) {
    static const size_t sizes[] = {0, 1, 131071, 131072, 131073, 262144, 20000001};
    enum { FILES = sizeof sizes / sizeof *sizes };
    struct behind *b = start(alone);
    struct err e = {0};
    int fds[FILES], g;
    for (size_t i = 0; i < FILES; i++) {
        fds[i] = put_file(b, i, sizes[i], i != 1, &g, &e);
        assert_int_equal(g, 0);
    }
    assert_int_equal(behind_wait(b, &e), 0);
    assert_int_equal(syncs, FILES - 1);
    assert_int_equal(ranges, 2); /* 20 MB, 8 MiB each */
    assert_int_equal(closes, FILES);
    behind_free(b);
    assert_int_equal(closes, FILES);
    for (size_t i = 0; i < FILES; i++) expect_file(fds[i], i, sizes[i]);
}

static void test_a_thread(void **state) {
    (void)state;
    write_files(false);
}

static void test_one_processor(void **state) {
    (void)state;
    write_files(true);
}

/* Files go on until a call fails; then what is told is always the same. */
static void expect_failure(bool alone, const char *want) {
    struct behind *b = start(alone);
    struct err e = {0};
    int fds[40], g = 0, n = 0;
    while (g == 0 && n < 40) {
        fds[n] = put_file(b, (size_t)n, 300000, true, &g, &e);
        n++;
    }
    assert_int_equal(g, G_IO);
    assert_string_equal(e.text, want);
    e = (struct err){0};
    assert_int_equal(behind_wait(b, &e), G_IO);
    assert_string_equal(e.text, want);
    behind_free(b);
    assert_int_equal(closes, n); /* the one that was not ended, too */
    for (int i = 0; i < n; i++) close(fds[i]);
}

static void test_the_first_failure(void **state) {
    for (int alone = 0; alone < 2; alone++) {
        begin(state);
        fail_write = 15; /* ten for each file */
        fail_sync = 2;
        expect_failure(alone, "cannot write to 'file 1': No space left on device");
        assert_int_equal(writes, 15);
        assert_int_equal(syncs, 1);
        begin(state);
        fail_sync = 2;
        expect_failure(alone, "cannot sync 'file 1': Input/output error");
        assert_int_equal(syncs, 2); /* never a second time, nor of another file */
    }
}

/* A failure that nobody has seen yet is told by the wait, also behind the last file. */
static void test_a_failure_at_the_end(void **state) {
    (void)state;
    for (int alone = 0; alone < 2; alone++) {
        struct behind *b = start(alone);
        struct err e = {0};
        int g;
        syncs = 0;
        fail_sync = 1;
        close(put_file(b, 3, 10, true, &g, &e));
        assert_true(g == 0 || g == G_IO);
        assert_int_equal(behind_wait(b, &e), G_IO);
        assert_string_equal(e.text, "cannot sync 'file 3': Input/output error");
        behind_free(b);
    }
}

static void test_nothing_at_all(void **state) {
    (void)state;
    struct err e = {0};
    struct behind *b = start(false);
    assert_int_equal(behind_wait(b, &e), 0);
    behind_free(b);
    behind_free(NULL);
    assert_int_equal(writes + syncs + closes, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_a_thread, begin, finish),
        cmocka_unit_test_setup_teardown(test_one_processor, begin, finish),
        cmocka_unit_test_setup_teardown(test_the_first_failure, begin, finish),
        cmocka_unit_test_setup_teardown(test_a_failure_at_the_end, begin, finish),
        cmocka_unit_test_setup_teardown(test_nothing_at_all, begin, finish),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
