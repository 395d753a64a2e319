/* SPDX-License-Identifier: Apache-2.0 */
/* json/text.h: strings out of and into JSON text, exact integers, correctly rounded doubles in any locale. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/random.h"
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

static void whole(const char *text, int rc, int64_t value) {
    int64_t v = 77;
    assert_int_equal(json_number_to_i64(text, strlen(text), &v), rc);
    assert_true(v == (rc == 0 ? value : 77));
}

static void whole_numbers_are_exact(void **state) {
    (void)state;
    whole("0", 0, 0);
    whole("-0", 0, 0);
    whole("0.000", 0, 0);
    whole("0e999999999999999999999", 0, 0);
    whole("9007199254740993", 0, 9007199254740993);
    whole("9223372036854775807", 0, INT64_MAX);
    whole("-9223372036854775808", 0, INT64_MIN);
    whole("9223372036854775808", G_DATA, 0);
    whole("-9223372036854775809", G_DATA, 0);
    whole("18446744073709551616", G_DATA, 0);
    whole("1.0", 0, 1);
    whole("12.50e1", 0, 125);
    whole("1e3", 0, 1000);
    whole("1E+18", 0, 1000000000000000000);
    whole("1e19", G_DATA, 0);
    whole("1e99999999999999999999", G_DATA, 0);
    whole("1000000000000000000000000e-20", 0, 10000);
    whole("9223372036854775807.000000000000000000000", 0, INT64_MAX);
    whole("9223372036854775807.000000000000000000001", G_DATA, 0);
    whole("0.00000000000000000000000000000001e32", 0, 1);
    whole("1.5", G_DATA, 0);
    whole("15e-1", G_DATA, 0);
    whole("150e-1", 0, 15);
    whole("1e-99999999999999999999", G_DATA, 0);
}

static void what_is_no_number_is_refused(void **state) {
    (void)state;
    static const char *const bad[] = {"",   "-",  "+1", "01",  "-01", "1.",  ".1",    "1.e1",  "1e",    "1e+",
                                      "1 ", " 1", "1a", "0x1", "NaN", "inf", "1.2.3", "1e1e1", "1e1.0", "--1"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
        double d;
        whole(bad[i], G_DATA, 0);
        assert_int_equal(json_number_to_double(bad[i], strlen(bad[i]), &d), G_DATA);
    }
}

static void real(const char *text, double value) {
    double d = 77;
    assert_int_equal(json_number_to_double(text, strlen(text), &d), 0);
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
        cmocka_unit_test(whole_numbers_are_exact),
        cmocka_unit_test(what_is_no_number_is_refused),
        cmocka_unit_test(doubles_are_the_nearest),
        cmocka_unit_test(printed_doubles_read_back),
        cmocka_unit_test(the_first_byte_tells_the_type),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
