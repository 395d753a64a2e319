/* SPDX-License-Identifier: Apache-2.0 */
/* Members of jansson's trees: what is taken for a whole number and for hexadecimal digits, and nothing else. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "json/tree.h"

static bool whole(const char *text, uint64_t most, uint64_t *ret) {
    json_t *v = json_loads(text, JSON_DECODE_ANY, NULL);
    assert_non_null(v);
    bool got = tree_get_whole(v, most, ret);
    json_decref(v);
    return got;
}

static void a_whole_number_lies_in_its_range(void **state) {
    (void)state;
    uint64_t v = 7;
    assert_true(whole("0", 0, &v));
    assert_int_equal(v, 0);
    assert_true(whole("9223372036854775807", INT64_MAX, &v));
    assert_true(v == INT64_MAX);
    static const char *const bad[] = {"-1", "256", "1.0", "\"1\"", "null", "true", "[1]"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) assert_false(whole(bad[i], 255, &v));
    assert_false(tree_get_whole(NULL, 255, &v));
    assert_true(v == INT64_MAX);
}

static bool hex(const char *text, size_t digits, uint64_t *ret) {
    json_t *v = json_loads(text, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
    assert_non_null(v);
    bool got = tree_get_hex(v, digits, ret);
    json_decref(v);
    return got;
}

static void digits_are_exactly_so_many_in_either_case(void **state) {
    (void)state;
    uint64_t v = 7;
    assert_true(hex("\"00000000deadBEEF\"", 16, &v));
    assert_true(v == 0xdeadbeef);
    assert_true(hex("\"ffffffffffffffff\"", 16, &v));
    assert_true(v == UINT64_MAX);
    assert_true(hex("\"0000000a\"", 8, &v));
    assert_int_equal(v, 10);
    static const char *const bad[] = {"\"000000a\"",  "\"00000000a\"", "\"0x00000a\"", "\"0000000g\"",
                                      "\" 000000a\"", "\"-000000a\"",  "\"\"",         "\"000000a\\u0000\"",
                                      "10",           "null"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) assert_false(hex(bad[i], 8, &v));
    assert_false(tree_get_hex(NULL, 8, &v));
    assert_int_equal(v, 10);
}

static void digits_are_written_in_lower_case(void **state) {
    (void)state;
    json_t *id = tree_hex(0xDEADBEEF, 16), *crc = tree_hex(0xA, 8);
    assert_string_equal(json_string_value(id), "00000000deadbeef");
    assert_string_equal(json_string_value(crc), "0000000a");
    json_decref(id);
    json_decref(crc);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_whole_number_lies_in_its_range),
        cmocka_unit_test(digits_are_exactly_so_many_in_either_case),
        cmocka_unit_test(digits_are_written_in_lower_case),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
