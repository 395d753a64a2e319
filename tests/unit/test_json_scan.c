/* SPDX-License-Identifier: Apache-2.0 */
/* json/scan.h: the SIMD scans against the portable ones at every length and a page's end, and stepping over values. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <sys/mman.h>

#include "base/random.h"
#include "json/scan.h"

static void both_ways_find_the_same_byte(void **state) {
    (void)state;
    struct rng r;
    rng_init(&r, 8);
    char *page = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_true(page != MAP_FAILED);
    assert_int_equal(mprotect(page + 4096, 4096, PROT_NONE), 0);
    const char *end = page + 4096;
    for (int round = 0; round < 100000; round++) {
        size_t n = rng_below(&r, 70);
        char *text = page + 4096 - n;
        memset(text, 'x', n);
        for (uint64_t k = rng_below(&r, 3); k > 0 && n > 0; k--) text[rng_below(&r, n)] = (char)rng_next(&r);
        assert_ptr_equal(json_scan_special(text, end), json_scan_special_portable(text, end));
        assert_ptr_equal(json_scan_scalar(text, end), json_scan_scalar_portable(text, end));
    }
    munmap(page, 8192);
}

static void each_class_has_its_bytes(void **state) {
    (void)state;
    for (int c = 0; c < 256; c++) {
        char text[20];
        memset(text, 'x', sizeof(text));
        text[7] = (char)c;
        size_t special = (size_t)(json_scan_special(text, text + sizeof(text)) - text);
        size_t scalar = (size_t)(json_scan_scalar(text, text + sizeof(text)) - text);
        assert_int_equal(special, c < 32 || c == '"' || c == '\\' ? 7 : 20);
        assert_int_equal(scalar, c <= 32 || c == ',' || c == ']' || c == '}' ? 7 : 20);
    }
}

/* Wide enough for SIMD: one bracket more leaves a container open or closes it early, a quote cuts it off. */
static void containers_see_quotes_and_brackets_only(void **state) {
    (void)state;
    for (int c = 0; c < 256; c++) {
        for (size_t at = 1; at < 39; at++) {
            char text[40];
            memset(text, 'x', sizeof(text));
            text[0] = '[';
            text[at] = (char)c;
            text[39] = ']';
            const char *behind = json_scan_value(text, text + sizeof(text));
            if (c == '"' || c == '[' || c == '{')
                assert_null(behind);
            else
                assert_ptr_equal(behind, text + (c == ']' || c == '}' ? at + 1 : sizeof(text)));
        }
    }
}

/* How far the value at the front goes, or -1. */
static long value_size(const char *text) {
    const char *behind = json_scan_value(text, text + strlen(text));
    return behind ? (long)(behind - text) : -1;
}

static void values_are_stepped_over(void **state) {
    (void)state;
    assert_int_equal(value_size("123,4"), 3);
    assert_int_equal(value_size("true"), 4);
    assert_int_equal(value_size("null]"), 4);
    assert_int_equal(value_size("\"a\\\"b\",1"), 6);
    assert_int_equal(value_size("\"\\\\\"x"), 4);
    assert_int_equal(value_size("\"a\tb\"x"), 5);
    assert_int_equal(value_size("{}x"), 2);
    assert_int_equal(value_size("[[1,\"]\"],{\"}\":\"\\\"}\"}],"), 21);
    assert_int_equal(value_size("\"open"), -1);
    assert_int_equal(value_size("\"open\\"), -1);
    assert_int_equal(value_size("\"open\\\""), -1);
    assert_int_equal(value_size("[1,2"), -1);
    assert_int_equal(value_size("[\"]"), -1);
    assert_int_equal(value_size(""), -1);
    assert_int_equal(value_size(","), -1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_ways_find_the_same_byte),
        cmocka_unit_test(each_class_has_its_bytes),
        cmocka_unit_test(containers_see_quotes_and_brackets_only),
        cmocka_unit_test(values_are_stepped_over),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
