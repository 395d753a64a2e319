/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stream/relay: bytes come out in their order whatever a reader takes and when, policies hold, readers that leave and
 * writes that fail end one relay alone.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
/* cmocka needs the three above */
#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "scratch.h"
#include "stream/relay.h"
#include "sys/sys.h"

static struct err e;
static struct sys_ops real;
static char folder[SCRATCH_MAX], fifo[SCRATCH_MAX + 8];

static int begin(void **state) {
    (void)state;
    sys = real;
    err_clear(&e);
    scratch_name(folder, "relay");
    if (!mkdtemp(folder)) return -1;
    (void)snprintf(fifo, sizeof fifo, "%s/fifo", folder);
    return mkfifo(fifo, 0600);
}

static int finish(void **state) {
    (void)state;
    sys = real;
    (void)unlink(fifo);
    return rmdir(folder);
}

/* Byte number `at` of all that is put. */
static char byte_at(uint64_t at) {
    return (char)(at * 2654435761u >> 13);
}

static void put(struct relay *r, uint64_t *at, size_t n) {
    char *p = malloc(n);
    assert_non_null(p);
    for (size_t i = 0; i < n; i++) p[i] = byte_at(*at + i);
    assert_int_equal(relay_put(r, p, n, &e), 0);
    *at += n;
    free(p);
}

/* Read what is there, `most` at most, and compare. */
static void take(int fd, uint64_t *at, size_t most) {
    static char p[1 << 16];
    while (most > 0) {
        ssize_t n = read(fd, p, most < sizeof p ? most : sizeof p);
        if (n <= 0) return;
        for (ssize_t i = 0; i < n; i++) assert_int_equal(p[i], byte_at(*at + (uint64_t)i));
        *at += (uint64_t)n;
        most -= (size_t)n;
    }
}

/* A FIFO's relay with its reader, who does not wait. */
static int open_both(struct relay *r, enum relay_slow slow, struct spill_budget *budget) {
    int fd = open(fifo, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(relay_open_path(r, fifo, slow, budget, &e), 0);
    assert_true(r->fd >= 0);
    return fd;
}

static void pump(struct relay *r, size_t times) {
    while (times-- > 0) assert_int_equal(relays_pump(&r, 1, -1, 0, &e), 0);
}

static void pieces_of_any_size(enum relay_slow slow) {
    struct spill_budget budget = {.limit = 1u << 30};
    struct relay r;
    uint64_t in = 0, out = 0;
    unsigned seed = 7;
    int fd = open_both(&r, slow, &budget);
    for (int i = 0; i < 600; i++) {
        if (!relay_full(&r)) put(&r, &in, 1 + (size_t)rand_r(&seed) % 200000);
        if (rand_r(&seed) % 4 == 0) take(fd, &out, (size_t)rand_r(&seed) % 300000);
        if (rand_r(&seed) % 4 == 0) pump(&r, 1);
        assert_true(slow != RELAY_SPILL || r.queue.len - r.at <= RELAY_QUEUE_BYTES);
    }
    while (relay_waiting(&r) > 0) {
        take(fd, &out, SIZE_MAX);
        pump(&r, 1);
    }
    take(fd, &out, SIZE_MAX);
    assert_int_equal(out, in);
    assert_int_equal(r.written, in);
    assert_true(slow == RELAY_SPILL ? budget.most > 0 : budget.most == 0);
    struct relay *one = &r;
    assert_int_equal(relays_finish(&one, 1, false, &e), 0);
    assert_int_equal(r.state, RELAY_CLOSED);
    relay_release(&r);
    assert_int_equal(budget.used, 0);
    close(fd);
}

static void test_order(void **state) {
    (void)state;
    pieces_of_any_size(RELAY_BLOCK);
    pieces_of_any_size(RELAY_DROP);
    pieces_of_any_size(RELAY_SPILL);
}

static void test_full(void **state) {
    (void)state;
    struct relay r;
    uint64_t in = 0, out = 0;
    int fd = open_both(&r, RELAY_BLOCK, NULL);
    assert_false(relay_full(&r));
    while (!relay_full(&r)) put(&r, &in, 65536);
    assert_in_range(relay_waiting(&r), RELAY_QUEUE_BYTES, RELAY_QUEUE_BYTES + 65535);
    pump(&r, 3);
    assert_true(relay_full(&r));
    take(fd, &out, SIZE_MAX);
    pump(&r, 1);
    assert_false(relay_full(&r));
    relay_release(&r);
    close(fd);
}

static void test_no_reader_yet(void **state) {
    (void)state;
    struct relay r;
    uint64_t in = 0, out = 0;
    assert_int_equal(relay_open_path(&r, fifo, RELAY_BLOCK, NULL, &e), 0);
    assert_int_equal(r.fd, -1);
    put(&r, &in, 3000);
    assert_int_equal(relay_waiting(&r), 3000);
    int fd = open(fifo, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    for (int i = 0; i < 200 && relay_waiting(&r) > 0; i++) {
        struct relay *one = &r;
        assert_int_equal(relays_pump(&one, 1, -1, 100, &e), 0);
    }
    take(fd, &out, SIZE_MAX);
    assert_int_equal(out, 3000);
    relay_release(&r);
    close(fd);
}

static void test_reader_leaves(void **state) {
    (void)state;
    struct relay r, s;
    struct relay *both[] = {&r, &s};
    uint64_t in = 0, in_s = 0, out = 0;
    int other[2];
    int fd = open_both(&r, RELAY_BLOCK, NULL);
    assert_int_equal(pipe2(other, O_CLOEXEC | O_NONBLOCK), 0);
    relay_open_fd(&s, other[1], "other", RELAY_BLOCK, NULL);
    put(&r, &in, 100);
    put(&s, &in_s, 100);
    close(fd);
    assert_int_equal(relays_pump(both, 2, -1, -1, &e), 0); /* it is seen with nothing to write */
    assert_int_equal(r.state, RELAY_GONE);
    assert_int_equal(r.why.grade, G_PIPE);
    put(&r, &in, 100); /* goes nowhere */
    assert_int_equal(relay_waiting(&r), 0);
    assert_int_equal(s.state, RELAY_OPEN);
    assert_int_equal(relays_finish(both, 2, false, &e), 0);
    assert_int_equal(s.state, RELAY_CLOSED);
    take(other[0], &out, SIZE_MAX);
    assert_int_equal(out, in_s);
    char c;
    assert_int_equal(read(other[0], &c, 1), 0); /* the lent descriptor was closed, too */
    relay_release(&r);
    relay_release(&s);
    close(other[0]);
}

static void test_socket_closes(void **state) {
    (void)state;
    struct relay r;
    struct relay *one = &r;
    uint64_t in = 0, out = 0;
    int pair[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
    relay_open_fd(&r, pair[1], "socket", RELAY_BLOCK, NULL);
    for (int i = 0; i < 40; i++) put(&r, &in, 65536); /* waits for nobody, though the socket does not say so */
    assert_true(relay_waiting(&r) > 0);
    assert_int_equal(fcntl(pair[1], F_GETFL) & O_NONBLOCK, 0);
    assert_int_equal(fcntl(pair[0], F_SETFL, O_NONBLOCK), 0);
    while (relay_waiting(&r) > 0) {
        take(pair[0], &out, SIZE_MAX);
        pump(&r, 1);
    }
    take(pair[0], &out, SIZE_MAX);
    assert_int_equal(out, in);
    close(pair[0]);
    assert_int_equal(relays_pump(&one, 1, -1, 0, &e), 0);
    assert_int_equal(r.state, RELAY_GONE);
    relay_release(&r);
    close(pair[1]);
}

static void test_spill_limit(void **state) {
    (void)state;
    struct spill_budget budget = {.limit = 100000};
    struct relay r;
    uint64_t in = 0;
    int fd = open_both(&r, RELAY_SPILL, &budget);
    for (int i = 0; i < 200; i++) put(&r, &in, 65536);
    assert_int_equal(r.state, RELAY_FAILED);
    assert_int_equal(r.why.grade, G_IO);
    assert_non_null(strstr(r.why.text, "--spill-limit"));
    assert_int_equal(budget.used, 0);
    relay_release(&r);
    close(fd);
}

static ssize_t no_space(int fd, const void *p, size_t n) {
    (void)fd;
    (void)p;
    (void)n;
    errno = ENOSPC;
    return -1;
}

static void test_write_fails(void **state) {
    (void)state;
    struct relay r;
    uint64_t in = 0;
    int fd = open_both(&r, RELAY_BLOCK, NULL);
    sys.write = no_space;
    put(&r, &in, 10);
    assert_int_equal(r.state, RELAY_FAILED);
    assert_int_equal(r.why.errnum, ENOSPC);
    relay_release(&r);
    close(fd);
}

static void test_input_is_seen(void **state) {
    (void)state;
    struct relay r;
    struct relay *one = &r;
    int input[2];
    int fd = open_both(&r, RELAY_BLOCK, NULL);
    assert_int_equal(pipe2(input, O_CLOEXEC), 0);
    assert_int_equal(relays_pump(&one, 1, input[0], 0, &e), 0);
    assert_int_equal(write(input[1], "x", 1), 1);
    assert_int_equal(relays_pump(&one, 1, input[0], -1, &e), 1);
    close(input[1]);
    close(input[0]);
    relay_release(&r);
    close(fd);
}

int main(void) {
    real = sys;
    (void)signal(SIGPIPE, SIG_IGN);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_order, begin, finish),
        cmocka_unit_test_setup_teardown(test_full, begin, finish),
        cmocka_unit_test_setup_teardown(test_no_reader_yet, begin, finish),
        cmocka_unit_test_setup_teardown(test_reader_leaves, begin, finish),
        cmocka_unit_test_setup_teardown(test_socket_closes, begin, finish),
        cmocka_unit_test_setup_teardown(test_spill_limit, begin, finish),
        cmocka_unit_test_setup_teardown(test_write_fails, begin, finish),
        cmocka_unit_test_setup_teardown(test_input_is_seen, begin, finish),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
