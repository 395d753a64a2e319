/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whole numbers and sizes: exact edges, strictness, printing.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/number.h"

static void unsigned_is_strict(void **state) {
    (void)state;
    struct err e;
    uint64_t v = 99;
    assert_int_equal(number_parse_u64("0", 1, 0, UINT64_MAX, &v, &e), 0);
    assert_int_equal(v, 0);
    assert_int_equal(number_parse_u64("18446744073709551615", 20, 0, UINT64_MAX, &v, &e), 0);
    assert_true(v == UINT64_MAX);
    assert_int_equal(number_parse_u64("12345", 3, 0, 200, &v, &e), 0); /* the length counts, not a NUL */
    assert_int_equal(v, 123);
    static const char *const bad[] = {
        "", "-1", "+1", " 1", "1 ", "0x10", "1.0", "1e3", "18446744073709551616", "99999999999999999999999"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        err_clear(&e);
        assert_int_equal(number_parse_u64(bad[i], strlen(bad[i]), 0, UINT64_MAX, &v, &e), G_DATA);
        assert_int_equal(e.grade, G_DATA);
        assert_int_equal(v, 123);
    }
    assert_int_equal(number_parse_u64("10", 2, 1, 10, &v, &e), 0);
    assert_int_equal(number_parse_u64("11", 2, 1, 10, &v, &e), G_DATA);
    assert_string_equal(e.text, "'11' is not between 1 and 10");
    assert_int_equal(number_parse_u64("0", 1, 1, 10, &v, &e), G_DATA);
}

static void signed_is_strict(void **state) {
    (void)state;
    struct err e;
    int64_t v = 99;
    assert_int_equal(number_parse_i64("-9223372036854775808", 20, INT64_MIN, INT64_MAX, &v, &e), 0);
    assert_true(v == INT64_MIN);
    assert_int_equal(number_parse_i64("9223372036854775807", 19, INT64_MIN, INT64_MAX, &v, &e), 0);
    assert_true(v == INT64_MAX);
    assert_int_equal(number_parse_i64("-0", 2, INT64_MIN, INT64_MAX, &v, &e), 0);
    assert_int_equal(v, 0);
    static const char *const bad[] = {"",
                                      "-",
                                      "--1",
                                      "+1",
                                      "1-",
                                      "-9223372036854775809",
                                      "9223372036854775808",
                                      "-a",
                                      "1_0",
                                      "-18446744073709551617"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_int_equal(number_parse_i64(bad[i], strlen(bad[i]), INT64_MIN, INT64_MAX, &v, &e), G_DATA);
    assert_int_equal(number_parse_i64("-5", 2, -5, 5, &v, &e), 0);
    assert_int_equal(number_parse_i64("-6", 2, -5, 5, &v, &e), G_DATA);
    assert_string_equal(e.text, "'-6' is not between -5 and 5");
    assert_int_equal(v, -5);
}

static void printing_reads_back(void **state) {
    (void)state;
    static const struct {
        int64_t v;
        const char *text;
    } cases[] = {
        {0, "0"},
        {9, "9"},
        {10, "10"},
        {99, "99"},
        {100, "100"},
        {-1, "-1"},
        {-10, "-10"},
        {12345, "12345"},
        {9999, "9999"},
        {10000, "10000"},
        {INT64_MAX, "9223372036854775807"},
        {INT64_MIN, "-9223372036854775808"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct buf b = {0};
        assert_int_equal(number_append_i64(&b, cases[i].v), 0);
        assert_string_equal(buf_cstr(&b), cases[i].text);
        buf_release(&b);
    }
    struct buf b = {0};
    assert_int_equal(number_append_u64(&b, UINT64_MAX), 0);
    assert_string_equal(buf_cstr(&b), "18446744073709551615");
    uint64_t power = 1;
    for (int digits = 1; digits <= 19; digits++, power *= 10) {
        char out[NUMBER_U64_MAX];
        assert_int_equal(number_format_u64(out, power), digits);
        assert_int_equal(number_format_u64(out, power * 10 - 1), digits);
    }
    buf_release(&b);
}

static void sizes_have_units(void **state) {
    (void)state;
    static const struct {
        const char *text;
        uint64_t bytes;
    } cases[] = {
        {"0", 0},
        {"4096", 4096},
        {"64k", 65536},
        {"64K", 65536},
        {"16MiB", 16777216},
        {"1GiB", 1073741824},
        {"1g", 1073741824},
        {"2T", 2199023255552},
        {"2tib", 2199023255552},
        {"1kB", 1000},
        {"1KB", 1000},
        {"3MB", 3000000},
        {"3GB", 3000000000},
        {"1TB", 1000000000000},
        {"7B", 7},
        {"18446744073709551615", UINT64_MAX},
        {"16777215TiB", 16777215ull << 40},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        uint64_t v = 1;
        assert_int_equal(size_parse(cases[i].text, strlen(cases[i].text), &v, NULL), 0);
        assert_true(v == cases[i].bytes);
    }
}

static void bad_sizes_say_why(void **state) {
    (void)state;
    static const struct {
        const char *text, *message;
    } cases[] = {
        {"", "'' is not a size: expected a number such as 4096, 64k or 16MiB"},
        {"-1", "'-1' is not a size: expected a number such as 4096, 64k or 16MiB"},
        {"MiB", "'MiB' is not a size: expected a number such as 4096, 64k or 16MiB"},
        {"16777216TiB", "size '16777216TiB' is too big"},
        {"18446744073709551616", "size '18446744073709551616' is too big"},
        {"1.5G", "size '1.5G' has an unknown unit: use k, M, G, T, KiB, MiB, GiB, TiB, kB, MB, GB or TB"},
        {"1 k", "size '1 k' has an unknown unit: use k, M, G, T, KiB, MiB, GiB, TiB, kB, MB, GB or TB"},
        {"1kk", "size '1kk' has an unknown unit: use k, M, G, T, KiB, MiB, GiB, TiB, kB, MB, GB or TB"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct err e = {0};
        uint64_t v = 77;
        assert_int_equal(size_parse(cases[i].text, strlen(cases[i].text), &v, &e), G_USAGE);
        assert_string_equal(e.text, cases[i].message);
        assert_int_equal(v, 77);
    }
}

static void sizes_for_people(void **state) {
    (void)state;
    static const struct {
        uint64_t bytes;
        const char *text;
    } cases[] = {
        {0, "0 B"},
        {1023, "1023 B"},
        {1024, "1 KiB"},
        {1536, "1.5 KiB"},
        {16777216, "16 MiB"},
        {1610612736, "1.5 GiB"},
        {1048575, "1 MiB"}, /* 1023.999 KiB is not "1024 KiB" */
        {1048524, "1023.9 KiB"},
        {1048525, "1 MiB"},
        {UINT64_MAX, "16 EiB"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char out[SIZE_TEXT_MAX];
        size_format(out, cases[i].bytes);
        assert_string_equal(out, cases[i].text);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(unsigned_is_strict),  cmocka_unit_test(signed_is_strict),
        cmocka_unit_test(printing_reads_back), cmocka_unit_test(sizes_have_units),
        cmocka_unit_test(bad_sizes_say_why),   cmocka_unit_test(sizes_for_people),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
