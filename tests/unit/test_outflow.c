/* SPDX-License-Identifier: Apache-2.0 */
/* Output in a thread of its own: all bytes in their order, errors with the next call, and no hang when nobody reads. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
/* cmocka needs the first four above */
#include <cmocka.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/wait.h>

#include "scratch.h"
#include "stream/outflow.h"
#include "stream/writer.h"
#include "sys/machine.h"
#include "sys/signals.h"
#include "sys/sys.h"

static struct err e;

static void put(struct buf *b, size_t n, char c) {
    assert_int_equal(buf_reserve(b, n), 0);
    memset(b->data + b->len, c, n);
    b->len += n;
}

/* What came through the pipe, up to its end. */
struct sink {
    int fd;
    uint64_t bytes, wrong;
};

/* Byte number i is that of the buffer it was in: buffers are 100,000 bytes of 'a', 'b', … */
static void *read_all(void *arg) {
    struct sink *s = arg;
    char bytes[65536];
    ssize_t n;
    while ((n = read(s->fd, bytes, sizeof bytes)) > 0)
        for (ssize_t i = 0; i < n; i++, s->bytes++) s->wrong += bytes[i] != (char)('a' + s->bytes / 100000 % 26);
    return NULL;
}

static void test_all_bytes_come_in_their_order(void **state) {
    (void)state;
    int p[2];
    pthread_t reader;
    struct buf b = {0};
    assert_int_equal(pipe2(p, O_CLOEXEC), 0);
    struct sink sink = {.fd = p[0]};
    assert_int_equal(pthread_create(&reader, NULL, read_all, &sink), 0);
    struct outflow *o = outflow_start(p[1], "out");
    assert_non_null(o);
    for (int i = 0; i < 500; i++) {
        put(&b, 100000, (char)('a' + i % 26));
        assert_int_equal(outflow_give(o, &b, &e), 0);
        assert_int_equal(b.len, 0);
    }
    assert_int_equal(outflow_wait(o, &e), 0);
    outflow_free(o);
    close(p[1]);
    pthread_join(reader, NULL);
    assert_int_equal(sink.bytes, 500 * 100000);
    assert_int_equal(sink.wrong, 0);
    close(p[0]);
    buf_release(&b);
}

static void test_an_error_is_that_of_the_next_call(void **state) {
    (void)state;
    int p[2];
    struct buf b = {0};
    assert_int_equal(pipe2(p, O_CLOEXEC), 0);
    close(p[0]);
    struct outflow *o = outflow_start(p[1], "out");
    put(&b, 1000, 'a');
    assert_int_equal(outflow_give(o, &b, &e), 0);
    assert_int_equal(outflow_wait(o, &e), G_PIPE);
    assert_string_equal(e.text, "the reader of 'out' went away");
    put(&b, 1000, 'b');
    assert_int_equal(outflow_give(o, &b, &e), G_PIPE);
    assert_int_equal(b.len, 1000); /* still the caller's */
    outflow_free(o);
    close(p[1]);
    buf_release(&b);
}

/* In a process of its own: the signal stays. */
static int stopped(void) {
    int p[2];
    struct buf b = {0};
    signals_init(true);
    assert_int_equal(pipe2(p, O_CLOEXEC), 0);
    struct outflow *o = outflow_start(p[1], "out");
    put(&b, 4 << 20, 'a');
    int given = outflow_give(o, &b, &e);
    raise(SIGTERM);
    int64_t from = sys.boot_ns();
    int g = outflow_wait(o, &e);
    int64_t took = sys.boot_ns() - from;
    outflow_free(o);
    buf_release(&b);
    return given == 0 && g == G_STOPPED && took >= 800000000 && took < 10000000000 ? 0 : 1;
}

/* 64 KiB each 50 ms: slower than a look, and never without progress. */
static void *read_slowly(void *arg) {
    struct sink *s = arg;
    char bytes[65536];
    ssize_t n;
    while ((n = read(s->fd, bytes, sizeof bytes)) > 0) {
        s->bytes += (uint64_t)n;
        usleep(50000);
    }
    return NULL;
}

static int slow_but_read(void) {
    int p[2];
    struct buf b = {0};
    pthread_t reader;
    signals_init(true);
    assert_int_equal(pipe2(p, O_CLOEXEC), 0);
    struct sink sink = {.fd = p[0]};
    struct outflow *o = outflow_start(p[1], "out");
    put(&b, 3 << 20, 'a');
    int given = outflow_give(o, &b, &e);
    raise(SIGTERM);
    pthread_create(&reader, NULL, read_slowly, &sink);
    int g = outflow_wait(o, &e);
    outflow_free(o);
    close(p[1]);
    pthread_join(reader, NULL);
    return given == 0 && g == 0 && sink.bytes == 3 << 20 ? 0 : 1;
}

static void expect_of_child(int (*what)(void)) {
    int status;
    pid_t child = fork();
    if (child == 0) _exit(what());
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static void test_a_signal_ends_the_wait_for_who_does_not_read(void **state) {
    (void)state;
    expect_of_child(stopped);
}

static void test_a_signal_does_not_cut_off_who_reads_slowly(void **state) {
    (void)state;
    expect_of_child(slow_but_read);
}

static void test_a_writer_flushes_what_is_on_its_way(void **state) {
    (void)state;
    char name[SCRATCH_MAX];
    scratch_name(name, "outflow");
    int fd = mkstemp(name);
    assert_true(fd >= 0);
    unlink(name);
    struct writer w;
    writer_init(&w, fd, "out", true);
    writer_use_thread(&w);
    const struct block_header like = {.flags = BLOCK_JSON_VALID};
    char value[1000];
    memset(value, '7', sizeof value);
    for (uint64_t i = 0; i < 5000; i++) {
        const struct record r = {
            .offset = i, .time = NO_TIME, .value = value, .value_size = sizeof value, .value_type = VALUE_JSON};
        assert_int_equal(writer_record(&w, &like, &r, &e), 0);
    }
    assert_int_equal(writer_flush(&w, &e), 0);
    assert_int_equal(lseek(fd, 0, SEEK_END), (off_t)w.written);
    assert_true(w.written > 5000 * sizeof value);
    assert_int_equal(w.records, 5000);
    writer_release(&w);
    close(fd);
}

int main(void) {
    const struct CMUnitTest anywhere[] = {cmocka_unit_test(test_a_writer_flushes_what_is_on_its_way)};
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_bytes_come_in_their_order),
        cmocka_unit_test(test_an_error_is_that_of_the_next_call),
        cmocka_unit_test(test_a_signal_ends_the_wait_for_who_does_not_read),
        cmocka_unit_test(test_a_signal_does_not_cut_off_who_reads_slowly),
        cmocka_unit_test(test_a_writer_flushes_what_is_on_its_way),
    };
    signal(SIGPIPE, SIG_IGN);
    if (machine_processors() == 1) return cmocka_run_group_tests(anywhere, NULL, NULL); /* there is no thread then */
    return cmocka_run_group_tests(tests, NULL, NULL);
}
