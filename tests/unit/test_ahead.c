/* SPDX-License-Identifier: Apache-2.0 */
/* Validating ahead changes no answer: a flood of lines, good and bad, read in large and in small pieces. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka needs the four above */
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/crc32c.h"
#include "base/random.h"
#include "stream/ahead.h"
#include "stream/text_in.h"
#include "sys/sys.h"

static struct buf text;
static size_t at, piece;

static ssize_t flood_read(int fd, void *p, size_t n) {
    (void)fd;
    size_t k = text.len - at;
    if (k > n) k = n;
    if (k > piece) k = piece;
    memcpy(p, text.data + at, k);
    at += k;
    return (ssize_t)k;
}

/* About 12 MiB; one line in `bad_every` is something else than JSON. */
static void make_text(uint64_t seed, uint64_t bad_every) {
    static const char *const others[] = {"x", "", "{", "{\"a\":1,\"a\":2}", "\"\xff\"", " ", "[1,]", "nul"};
    struct rng rng;
    rng_init(&rng, seed);
    buf_clear(&text);
    while (text.len < (12u << 20)) {
        if (bad_every && rng_below(&rng, bad_every) == 0)
            assert_int_equal(buf_printf(&text, "%s\n", others[rng_below(&rng, 8)]), 0);
        else
            assert_int_equal(buf_printf(&text, "{\"n\":%llu,\"s\":\"%0*d\"}\n", (unsigned long long)rng_next(&rng),
                                        (int)rng_below(&rng, 200) + 1, 7),
                             0);
    }
}

/* A checksum over every value and every refusal, with its line. */
static uint32_t read_all(size_t piece_bytes, uint64_t *ret_good, uint64_t *ret_bad) {
    struct inbuf in;
    struct text_in *t;
    struct err e;
    struct record r;
    struct text_in_config config = {.format = IN_JSON, .record_limit = RECORD_LIMIT_DEFAULT};
    uint32_t sum = 0;
    int g;
    at = 0;
    piece = piece_bytes;
    *ret_good = *ret_bad = 0;
    assert_int_equal(inbuf_init(&in, memfd_create("in", MFD_CLOEXEC), "in", &e), 0);
    assert_int_equal(text_in_open(&t, &in, &config, &e), 0);
    while ((g = text_in_next(t, &r, &e)) == 0 || g == G_DATA) {
        uint64_t line = text_in_line(t);
        sum = crc32c(sum, &line, sizeof line);
        if (g == 0)
            sum = crc32c(sum, r.value, r.value_size);
        else
            sum = crc32c(sum, e.text, strlen(e.text));
        g == 0 ? ++*ret_good : ++*ret_bad;
    }
    assert_int_equal(g, G_EOF);
    text_in_free(t);
    close(in.fd);
    inbuf_release(&in);
    return sum;
}

static void compare(uint64_t seed, uint64_t bad_every) {
    uint64_t good[2], bad[2];
    make_text(seed, bad_every);
    uint32_t large = read_all(SIZE_MAX, &good[0], &bad[0]);
    uint32_t small = read_all(64u << 10, &good[1], &bad[1]);
    assert_int_equal(good[0], good[1]);
    assert_int_equal(bad[0], bad[1]);
    assert_int_equal(large, small);
    assert_true(bad_every == 0 ? bad[0] == 0 : bad[0] > 0);
}

static void test_a_flood_without_faults(void **state) {
    (void)state;
    compare(1, 0);
}

static void test_a_flood_with_faults_gives_the_same_answers(void **state) {
    (void)state;
    compare(2, 3);
    compare(3, 100);
    compare(4, 5000);
}

/* The thread has its time; then what is known of the line is what it will ever know. */
static size_t line_at(struct ahead *a, const char *p) {
    size_t n = 0;
    for (int i = 0; n == 0 && i < 100; i++) {
        n = ahead_line(a, p);
        if (n == 0) usleep(1000);
    }
    return n;
}

/* What follows the first line, which is the reader's. */
static const char *give(struct ahead *a, struct inbuf *in, const char *lines) {
    buf_clear(&text);
    assert_int_equal(buf_printf(&text, "0\n%s", lines), 0);
    at = 0;
    piece = SIZE_MAX;
    ahead_look(a, in);
    ahead_wait(a);
    assert_int_equal(in->next_len, text.len);
    return in->next + INBUF_HEAD_BYTES + 2;
}

static void test_only_valid_lines_are_known(void **state) {
    (void)state;
    struct inbuf in;
    struct err e;
    struct ahead *a = ahead_start(NULL);
    if (!a) return; /* one processor: there is nothing to test */
    assert_int_equal(inbuf_init(&in, memfd_create("in", MFD_CLOEXEC), "in", &e), 0);
    const char *lines = give(a, &in, "{\"a\":1}\nx\n\n[]\r\n7\n");
    assert_int_equal(ahead_line(a, lines - 2), 0);
    assert_int_equal(line_at(a, lines), 8);
    assert_int_equal(line_at(a, lines + 8), 0);     /* x */
    assert_int_equal(line_at(a, lines + 10), 0);    /* blank */
    assert_int_equal(line_at(a, lines + 12), 0);    /* no line begins here */
    assert_int_equal(line_at(a, lines + 15), 2);    /* 7, behind one that was passed over */
    assert_int_equal(ahead_line(a, lines + 15), 0); /* there is no way back */
    assert_int_equal(inbuf_more(&in, &e), 0);
    const char *more = give(a, &in, "[1]\n[2\n[3]\n[4]\n");
    assert_int_equal(line_at(a, more), 4);
    ahead_leave(a);
    assert_int_equal(line_at(a, more + 4), 0); /* [2 */
    assert_int_equal(line_at(a, more + 7), 4);
    ahead_rest(a);
    assert_int_equal(ahead_line(a, more + 11), 0);
    ahead_wait(a);
    assert_int_equal(ahead_line(a, more + 11), 0);
    ahead_free(a);
    close(in.fd);
    inbuf_release(&in);
}

/* Lines of two bytes: more of them in a piece than are kept. */
static void test_more_lines_than_are_known(void **state) {
    (void)state;
    uint64_t good, bad;
    buf_clear(&text);
    for (int i = 0; i < (6 << 20); i++) assert_int_equal(buf_append(&text, "1\n", 2), 0);
    uint32_t large = read_all(SIZE_MAX, &good, &bad);
    assert_int_equal(good, 6 << 20);
    assert_int_equal(bad, 0);
    assert_int_equal(read_all(64u << 10, &good, &bad), large);
}

/* Lines that do not fit in front of what was read ahead. */
static void test_lines_longer_than_a_read(void **state) {
    (void)state;
    uint64_t good, bad;
    buf_clear(&text);
    for (unsigned i = 0; i < 60; i++) {
        static const int sizes[] = {10, 300000, 7, 1500000, 262143, 262144, 262145, 2};
        assert_int_equal(buf_printf(&text, "\"%0*u\"\n", sizes[i % 8], i), 0);
    }
    uint32_t large = read_all(SIZE_MAX, &good, &bad);
    assert_int_equal(good, 60);
    assert_int_equal(read_all(64u << 10, &good, &bad), large);
    assert_int_equal(read_all((1u << 20) - 3, &good, &bad), large);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_flood_without_faults),
        cmocka_unit_test(test_a_flood_with_faults_gives_the_same_answers),
        cmocka_unit_test(test_only_valid_lines_are_known),
        cmocka_unit_test(test_more_lines_than_are_known),
        cmocka_unit_test(test_lines_longer_than_a_read),
    };
    sys.read = flood_read;
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    buf_release(&text);
    return failed;
}
