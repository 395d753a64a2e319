/* SPDX-License-Identifier: Apache-2.0 */
/* json/text.h: strings out of and into JSON text, correctly rounded doubles in any locale. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <sys/mman.h>

#include "base/random.h"
#include "base/utf8.h"
#include "json/escape.h"
#include "json/text.h"

static void unescape(const char *text, int rc, const char *content, size_t n) {
    struct buf b = {0};
    assert_int_equal(buf_puts(&b, "+"), 0);
    assert_int_equal(json_unescape(text, strlen(text), &b), rc);
    assert_int_equal(b.len, rc == 0 ? n + 1 : 1);
    if (rc == 0) assert_memory_equal(b.data + 1, content, n);
    buf_release(&b);
}

static void strings_are_unescaped(void **state) {
    (void)state;
    unescape("\"\"", 0, "", 0);
    unescape("\"abc\"", 0, "abc", 3);
    unescape("\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"", 0, "\"\\/\b\f\n\r\t", 8);
    unescape("\"a\\u0000b\"", 0, "a\0b", 3);
    unescape("\"\\u00e9\\u20AC\"", 0, "\xC3\xA9\xE2\x82\xAC", 5);
    unescape("\"x\\ud83d\\ude00y\"", 0, "x\xF0\x9F\x98\x80y", 6);
    unescape("\"\\ud800\\udc00\\udbff\\udfff\\ud7ff\\ue000\"", 0,
             "\xF0\x90\x80\x80\xF4\x8F\xBF\xBF\xED\x9F\xBF\xEE\x80\x80", 14);
    unescape("\"\\\\\"", 0, "\\", 1);
}

static void what_is_no_string_is_refused_and_leaves_the_buffer(void **state) {
    (void)state;
    static const char *const bad[] = {"",
                                      "\"",
                                      "abc",
                                      "\"abc",
                                      "abc\"",
                                      "\"a\"b\"",
                                      "\"\\\"",
                                      "\"a\\\\\\\"",
                                      "\"\\x\"",
                                      "\"\\u12\"",
                                      "\"\\ud800\"",
                                      "\"\\udc00\"",
                                      "\"\\ud800\\u0041\"",
                                      "\"\\ud800\\\"",
                                      "1",
                                      "\"\\udbff\\ue000\"",
                                      "\"\\udbff\\udbff\"",
                                      "\"\\udfff\""};
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) unescape(bad[i], G_DATA, NULL, 0);
}

static void escape(const char *content, size_t n, const char *text) {
    struct buf b = {0};
    assert_int_equal(buf_puts(&b, "+"), 0);
    assert_int_equal(json_escape_append(&b, content, n), 0);
    assert_int_equal(b.len, strlen(text) + 1);
    assert_memory_equal(b.data + 1, text, strlen(text));
    buf_release(&b);
}

static void strings_are_escaped(void **state) {
    (void)state;
    escape("", 0, "\"\"");
    escape("plain text that is longer than a block of sixteen", 49,
           "\"plain text that is longer than a block of sixteen\"");
    escape("\"\\/\b\f\n\r\t", 8, "\"\\\"\\\\/\\b\\f\\n\\r\\t\"");
    escape("\0\x1F\x7F", 3, "\"\\u0000\\u001f\x7F\"");
    escape("\xC3\xA9\xF0\x9F\x98\x80", 6, "\"\xC3\xA9\xF0\x9F\x98\x80\"");
    escape("\n\n\n", 3, "\"\\n\\n\\n\"");
}

static void bytes_that_are_not_utf8_are_not_escaped(void **state) {
    (void)state;
    struct buf b = {0};
    assert_int_equal(json_escape_append(&b, "ab\xFF", 3), G_DATA);
    assert_int_equal(json_escape_append(&b, "\xED\xA0\x80", 3), G_DATA);
    assert_int_equal(json_escape_append(&b, "\xC3", 1), G_DATA);
    assert_int_equal(b.len, 0);
    buf_release(&b);
}

static void what_is_escaped_reads_back(void **state) {
    (void)state;
    struct rng r;
    rng_init(&r, 5);
    for (int round = 0; round < 20000; round++) {
        char content[80];
        struct buf text = {0}, back = {0};
        size_t n = rng_below(&r, sizeof(content));
        for (size_t i = 0; i < n; i++) content[i] = (char)rng_below(&r, rng_below(&r, 2) ? 0x80 : 0x24);
        assert_int_equal(json_escape_append(&text, content, n), 0);
        assert_int_equal(json_unescape(text.data, text.len, &back), 0);
        assert_int_equal(back.len, n);
        if (n) assert_memory_equal(back.data, content, n);
        buf_release(&text);
        buf_release(&back);
    }
}

/* What escaping should give, a byte at a time. */
static void escape_plainly(struct buf *out, const unsigned char *p, size_t n) {
    static const char from[] = "\"\\\b\f\n\r\t", to[] = "\"\\bfnrt";
    assert_int_equal(buf_putc(out, '"'), 0);
    for (size_t i = 0; i < n; i++) {
        const char *short_form = p[i] ? strchr(from, p[i]) : NULL;
        if (short_form) {
            assert_int_equal(buf_printf(out, "\\%c", to[short_form - from]), 0);
        } else if (p[i] < 0x20) {
            assert_int_equal(buf_printf(out, "\\u%04x", p[i]), 0);
        } else {
            assert_int_equal(buf_putc(out, (char)p[i]), 0);
        }
    }
    assert_int_equal(buf_putc(out, '"'), 0);
}

/* Text of one density of escapes; every tenth has a character of more bytes, and every tenth of those a broken one. */
static size_t content_make(struct rng *r, char *out, size_t n) {
    static const char specials[] = "\"\\\n\x01\x1F";
    uint64_t density = 1 + rng_below(r, 60);
    for (size_t i = 0; i < n; i++)
        out[i] = rng_below(r, density) ? (char)(' ' + rng_below(r, 0x60)) : specials[rng_below(r, 6)];
    if (n >= 4 && rng_below(r, 10) == 0) {
        char utf8[4] = {0};
        static const uint32_t points[] = {0x80, 0xE9, 0x7FF, 0x20AC, 0xFFFF, 0x1F600, 0x10FFFF};
        unsigned size = utf8_encode(points[rng_below(r, 7)], utf8);
        size_t at = rng_below(r, n - 3);
        memcpy(out + at, utf8, size);
        if (rng_below(r, 10) == 0) out[at + size - 1] = (char)0xFF;
    }
    return n;
}

/* Text at the end of a page, before one that cannot be read, on each path. */
static void all_paths_escape_alike_and_read_nothing_else(void **state) {
    static const enum json_simd all[] = {JSON_PORTABLE, JSON_AVX2, JSON_AVX512, JSON_BEST};
    struct rng r;
    struct buf want = {0}, got = {0};
    size_t refused = 0;
    (void)state;
    rng_init(&r, 17);
    char *page = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_true(page != MAP_FAILED);
    assert_int_equal(mprotect(page + 4096, 4096, PROT_NONE), 0);
    for (int round = 0; round < 60000; round++) {
        size_t n = rng_below(&r, round % 8 ? 150 : 2000);
        char *content = page + 4096 - n;
        content_make(&r, content, n);
        bool good = utf8_validate(content, n) == n;
        refused += !good;
        buf_clear(&want);
        escape_plainly(&want, (const unsigned char *)content, n);
        for (size_t i = 0; i < 4; i++) {
            if (round % 64 == 0) buf_release(&got); /* so that it has to grow */
            buf_clear(&got);
            assert_int_equal(buf_putc(&got, '+'), 0);
            assert_int_equal(json_escape_append_with(all[i], &got, content, n), good ? 0 : G_DATA);
            assert_int_equal(got.len, good ? want.len + 1 : 1);
            if (good) assert_memory_equal(got.data + 1, want.data, want.len);
        }
    }
    assert_in_range(refused, 300, 1200);
    assert_int_equal(json_escape_append(&got, NULL, 0), 0);
    assert_int_equal(json_escape_append(&got, "\n", 1), 0);
    assert_memory_equal(got.data + got.len - 6, "\"\"\"\\n\"", 6);
    munmap(page, 8192);
    buf_release(&want);
    buf_release(&got);
}

/* Out of memory of the exact size, so that a sanitizer sees a read past the end. */
static int to_double(const char *text, double *ret) {
    size_t n = strlen(text);
    char *exact = malloc(n ? n : 1);
    assert_non_null(exact);
    memcpy(exact, text, n);
    int rc = json_number_to_double(exact, n, ret);
    free(exact);
    return rc;
}

static void what_is_no_number_is_refused(void **state) {
    (void)state;
    static const char *const bad[] = {"",   "-",  "+1", "01",  "-01", "1.",  ".1",    "1.e1",  "1e",    "1e+",
                                      "1 ", " 1", "1a", "0x1", "NaN", "inf", "1.2.3", "1e1e1", "1e1.0", "--1"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
        double d = 77;
        assert_int_equal(to_double(bad[i], &d), G_DATA);
        assert_true(d == 77);
    }
}

static void real(const char *text, double value) {
    double d = 77;
    assert_int_equal(to_double(text, &d), 0);
    assert_memory_equal(&d, &value, sizeof(d));
}

static void doubles_are_the_nearest(void **state) {
    (void)state;
    real("0", 0.0);
    real("-0", -0.0);
    real("0.1", 0.1);
    real("-12.5e-3", -0.0125);
    real("9007199254740993", 9007199254740992.0);
    real("9007199254740995", 9007199254740996.0);
    real("1e23", 1e23);
    real("123456789012345678901234567890", 123456789012345678901234567890.0);
    real("2.2250738585072011e-308", 0x0.fffffffffffffp-1022);
    real("4.9e-324", 0x1p-1074);
    real("1e-400", 0.0);
    real("1.7976931348623157e308", 0x1.fffffffffffffp1023);
    double d = 77;
    assert_int_equal(json_number_to_double("1e309", 5, &d), G_DATA);
    assert_int_equal(json_number_to_double("-1e9999999999999999999", 22, &d), G_DATA);
    char text[JSON_NUMBER_TEXT_MAX + 1];
    memset(text, '0', sizeof(text));
    memcpy(text, "1.", 2);
    assert_int_equal(json_number_to_double(text, sizeof(text) - 1, &d), 0);
    assert_true(d == 1.0);
    assert_int_equal(json_number_to_double(text, sizeof(text), &d), G_DATA);
}

static void printed_doubles_read_back(void **state) {
    (void)state;
    struct rng r;
    rng_init(&r, 9);
    for (int round = 0; round < 200000; round++) {
        char text[40];
        double d, back;
        uint64_t bits = rng_next(&r);
        int digits = 17;
        if (round % 2) {
            d = (double)rng_below(&r, 1000000000) / 1000; /* takes the short way */
        } else {
            memcpy(&d, &bits, sizeof(d));
            if (d != d || d - d != 0) continue;
        }
        int n = snprintf(text, sizeof(text), "%.*g", digits, d);
        assert_int_equal(json_number_to_double(text, (size_t)n, &back), 0);
        assert_memory_equal(&d, &back, sizeof(d));
    }
}

/* As strtod has it, which rounds correctly; an overflow is refused. */
static void reads_as_strtod(const char *text) {
    double want = strtod(text, NULL), d = 0;
    int rc = to_double(text, &d);
    if (rc != (want - want == 0 ? 0 : G_DATA)) fail_msg("%s gives %d", text, rc);
    if (rc == 0 && memcmp(&d, &want, sizeof(d)) != 0) fail_msg("%s is read as %.17g, not %.17g", text, d, want);
}

static void hard_numbers_are_the_nearest(void **state) {
    (void)state;
    static const char *const hard[] = {
        "9007199254740993.0",
        "9007199254740993e0",
        "90071992547409930e-1",
        "900719925474099300e-2",
        "9007199254740993000e-3",
        "18014398509481987",
        "18014398509481986",
        "18014398509481985",
        "1.8014398509481986e16",
        "4611686018427388416",
        "4611686018427388417",
        "4611686018427388415",
        "9007199254740992999e-3",
        "9007199254740993001e-3",
        "9007199254740993000000000000000000000000000000000000000000000000000000001e-57",
        "2.2250738585072011e-308",
        "2.2250738585072012e-308",
        "2.2250738585072014e-308",
        "2.225073858507201136e-308",
        "1.7976931348623157e308",
        "1.7976931348623158e308",
        "1.797693134862315807e308",
        "1.797693134862315808e308",
        "1.7976931348623159e308",
        "17976931348623157e292",
        "179769313486231580793e289",
        "1e309",
        "1e999999999",
        "1e9999999999999",
        "0e999999999999999",
        "0e308",
        "0e309",
        "-0e-999999999",
        "0.000e400",
        "2.4703282292062327e-324",
        "2.4703282292062328e-324",
        "2.47032822920623273e-324",
        "7.4109846876186982e-324",
        "18446744073709551615e-343",
        "18446744073709551615e-342",
        "9999999999999999999e-342",
        "9999999999999999999e-343",
        "1e-342",
        "1e-343",
        "1e-9999999999999",
        "9999999999999999999",
        "99999999999999999999",
        "9999999999999999999e308",
        "0.00000000000000000000000000000000000000000000000001e50",
        "100000000000000000000000000000000000000000000000000e-50",
        "1e23",
        "8.5e22",
        "9e22",
        "6.02214076e23",
        "3.1415926535897931",
        "1090544144181609348671888949248",
        "8.44022e-330",
        "1.00000000000000011102230246251565",
        "1.00000000000000011102230246251566",
        "7.2057594037927933e16",
        "104110013277974872254e-225",
    };
    char minus[128];
    for (size_t i = 0; i < sizeof(hard) / sizeof(*hard); i++) {
        reads_as_strtod(hard[i]);
        if (hard[i][0] == '-') continue;
        snprintf(minus, sizeof(minus), "-%s", hard[i]);
        reads_as_strtod(minus);
    }
}

static void numbers_of_any_size_are_the_nearest(void **state) {
    (void)state;
    struct rng r;
    rng_init(&r, 11);
    for (int round = 0; round < 400000; round++) {
        char text[160];
        uint64_t w = rng_next(&r) >> rng_below(&r, 64);
        int e = (int)rng_below(&r, 700) - 360;
        if (round % 4 == 0) e = (int)rng_below(&r, 50) - 25;
        if (round % 4 == 1) { /* in the middle between two doubles, or next to it */
            w = rng_next(&r) | (uint64_t)1 << 63;
            w = (w >> 10 | 1) << rng_below(&r, 11);
            w += rng_below(&r, 3) - 1;
            e = 0;
        }
        unsigned long long digits = w;
        switch (rng_below(&r, 4)) {
        case 0: snprintf(text, sizeof(text), "%llue%d", digits, e); break;
        case 1: snprintf(text, sizeof(text), "%llu.%02ue%d", digits, (unsigned)rng_below(&r, 100), e); break;
        case 2: snprintf(text, sizeof(text), "0.%llu", digits); break;
        default: snprintf(text, sizeof(text), "%llu%s", digits, e % 2 ? ".0" : "");
        }
        reads_as_strtod(text);
    }
}

/* A half with a few places: (2 m + 1) * 2^-j, for which the product may be exactly in the middle. */
static void middles_with_places_go_to_even(void **state) {
    (void)state;
    struct rng r;
    rng_init(&r, 12);
    for (int round = 0; round < 100000; round++) {
        char text[64];
        uint64_t m = (rng_next(&r) | (uint64_t)1 << 63) >> 10 | 1; /* 54 bits, odd */
        int halves = 1 + (int)rng_below(&r, 4);
        uint64_t whole = m >> halves, rest = (m & (((uint64_t)1 << halves) - 1)) * 10000 >> halves;
        snprintf(text, sizeof(text), "%llu.%04llu", (unsigned long long)whole, (unsigned long long)rest);
        reads_as_strtod(text);
    }
}

static void the_first_byte_tells_the_type(void **state) {
    (void)state;
    assert_int_equal(json_type_of(" null", 5), JSON_TYPE_NULL);
    assert_int_equal(json_type_of("true", 4), JSON_TYPE_TRUE);
    assert_int_equal(json_type_of("false", 5), JSON_TYPE_FALSE);
    assert_int_equal(json_type_of("-1", 2), JSON_TYPE_NUMBER);
    assert_int_equal(json_type_of("7", 1), JSON_TYPE_NUMBER);
    assert_int_equal(json_type_of("\t\r\n\"\"", 5), JSON_TYPE_STRING);
    assert_int_equal(json_type_of("[", 1), JSON_TYPE_ARRAY);
    assert_int_equal(json_type_of("{", 1), JSON_TYPE_OBJECT);
    assert_int_equal(json_type_of("", 0), JSON_TYPE_NONE);
    assert_int_equal(json_type_of("  ", 2), JSON_TYPE_NONE);
    assert_int_equal(json_type_of("x", 1), JSON_TYPE_NONE);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(strings_are_unescaped),
        cmocka_unit_test(what_is_no_string_is_refused_and_leaves_the_buffer),
        cmocka_unit_test(strings_are_escaped),
        cmocka_unit_test(bytes_that_are_not_utf8_are_not_escaped),
        cmocka_unit_test(what_is_escaped_reads_back),
        cmocka_unit_test(all_paths_escape_alike_and_read_nothing_else),
        cmocka_unit_test(what_is_no_number_is_refused),
        cmocka_unit_test(doubles_are_the_nearest),
        cmocka_unit_test(printed_doubles_read_back),
        cmocka_unit_test(hard_numbers_are_the_nearest),
        cmocka_unit_test(numbers_of_any_size_are_the_nearest),
        cmocka_unit_test(middles_with_places_go_to_even),
        cmocka_unit_test(the_first_byte_tells_the_type),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
