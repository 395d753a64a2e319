/* SPDX-License-Identifier: Apache-2.0 */
/* json/double.h: the shortest text that reads back, the closest of these, its form; and the powers of ten under it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/random.h"
#include "json/double.h"
#include "json/pow10.h"
#include "json/text.h"

static double of_bits(uint64_t bits) {
    double d;
    memcpy(&d, &bits, sizeof(d));
    return d;
}

/* As a C string, out of a buffer whose ends are watched. */
static const char *written(double d) {
    static char box[2 + JSON_DOUBLE_MAX];
    memset(box, '#', sizeof(box));
    size_t n = json_double_write(d, box + 1);
    assert_in_range(n, 1, 25);
    assert_true(box[0] == '#' && box[1 + JSON_DOUBLE_MAX] == '#');
    box[1 + n] = '\0';
    return box + 1;
}

static void text_is(double d, const char *text) {
    assert_string_equal(written(d), text);
}

static void the_form_is_as_documented(void **state) {
    (void)state;
    text_is(0, "0");
    text_is(-0.0, "-0");
    text_is(3, "3");
    text_is(-3, "-3");
    text_is(100000, "100000");
    text_is(99999999, "99999999");
    text_is(100000000, "100000000");
    text_is(9007199254740991, "9007199254740991");
    text_is(-9007199254740992.0, "-9007199254740992");
    text_is(9007199254740994.0, "9007199254740994");
    text_is(12345678901234567.0, "12345678901234568");
    text_is(1e16, "10000000000000000");
    text_is(99999999999999984.0, "99999999999999980");
    text_is(1e17, "1e+17");
    text_is(1.5e17, "1.5e+17");
    text_is(1.23e17, "123000000000000000");
    text_is(-1e17, "-1e+17");
    text_is(123456789012345680000.0, "123456789012345680000");
    text_is(-999999999999999868928.0, "-999999999999999900000");
    text_is(1e21, "1e+21");
    text_is(1.2345678901234567e21, "1.2345678901234568e+21");
    text_is(0.1, "0.1");
    text_is(0.30000000000000004, "0.30000000000000004");
    text_is(0.0001, "0.0001");
    text_is(-0.00012345678901234567, "-0.00012345678901234567");
    text_is(0.00001, "1e-05");
    text_is(-1.5e-5, "-1.5e-05");
    text_is(1e-7, "1e-07");
    text_is(1e100, "1e+100");
    text_is(1e300, "1e+300");
    text_is(1.5, "1.5");
    text_is(-123456.789, "-123456.789");
    text_is(12345678901234.567, "12345678901234.566");
    text_is(123456789012345.67, "123456789012345.67");
    text_is(-123456789012345.67, "-123456789012345.67");
    text_is(1234567890123456.5, "1234567890123456.5");
    text_is(-1234567890123456.5, "-1234567890123456.5");
    text_is(4503599627370495.5, "4503599627370495.5");
}

static void hard_cases_are_right(void **state) {
    (void)state;
    text_is(0x1p-1074, "5e-324");
    text_is(0x2p-1074, "1e-323");
    text_is(0x3p-1074, "1.5e-323");
    text_is(0x1p-1022, "2.2250738585072014e-308");
    text_is(0x0.fffffffffffffp-1022, "2.225073858507201e-308");
    text_is(0x1.fffffffffffffp1023, "1.7976931348623157e+308");
    text_is(-0x1.fffffffffffffp1023, "-1.7976931348623157e+308");
    text_is(1e23, "1e+23");
    text_is(9.5e-5, "9.5e-05");
    text_is(5e-324, "5e-324");
    text_is(2e-44, "2e-44");
    text_is(9007199254740993.0, "9007199254740992");
    text_is(1.7800590868057611e-307, "1.7800590868057611e-307"); /* 2^-1019: the interval is narrow below */
    text_is(0x1p-44, "5.684341886080802e-14");                   /* %.16g, the nearest, does not read back */
    text_is(4.35, "4.35");
    text_is(8.41e21, "8.41e+21");
    text_is(2.0919495182368195e19, "20919495182368195000");
    text_is(9409340012568248e3, "9409340012568248000");
    text_is(299792.458, "299792.458");
    text_is(7.1202363472230444e-307, "7.120236347223045e-307");
}

static void what_is_no_number_is_not_written(void **state) {
    (void)state;
    char out[JSON_DOUBLE_MAX] = "untouched";
    assert_int_equal(json_double_write(__builtin_nan(""), out), 0);
    assert_int_equal(json_double_write(__builtin_inf(), out), 0);
    assert_int_equal(json_double_write(-__builtin_inf(), out), 0);
    assert_string_equal(out, "untouched");
}

/* Digits without point, sign and outer zeros. */
static size_t digits_of(const char *text, char *out) {
    size_t n = 0;
    for (; *text && *text != 'e'; text++) {
        if (*text < '0' || *text > '9' || (n == 0 && *text == '0')) continue;
        out[n++] = *text;
    }
    while (n > 0 && out[n - 1] == '0') n--;
    out[n] = '\0';
    return n;
}

/*
 * Reads back; no decimal that is a digit shorter does (the nearest of these does not; where the interval is narrow
 * below, at powers of two, that would prove nothing, and hard_cases_are_right has some); it is the nearest of its
 * length.
 */
static void check(double d) {
    char text[JSON_DOUBLE_MAX + 1], digits[JSON_DOUBLE_MAX + 1], printed[64], printed_digits[64];
    snprintf(text, sizeof(text), "%s", written(d));
    double back = strtod(text, NULL);
    if (memcmp(&back, &d, sizeof(d)) != 0) fail_msg("%.17g is written as %s", d, text);
    if (json_number_to_double(text, strlen(text), &back) != 0 || memcmp(&back, &d, sizeof(d)) != 0)
        fail_msg("%s is read as %.17g", text, back);
    int n = (int)digits_of(text, digits);
    if (n > 1) {
        snprintf(printed, sizeof(printed), "%.*e", n - 2, d);
        if (strtod(printed, NULL) == d) fail_msg("%s is not the shortest for %.17g", text, d);
    }
    if (n > 0) {
        snprintf(printed, sizeof(printed), "%.*e", n - 1, d);
        digits_of(printed, printed_digits);
        if (strtod(printed, NULL) == d && strcmp(printed_digits, digits) != 0)
            fail_msg("%s is not the closest to %.17g", text, d);
    }
}

/* 10 million with LEAT_TEST_LONG in the environment. */
static int rounds(void) {
#ifdef __SANITIZE_ADDRESS__
    return 100000;
#else
    return getenv("LEAT_TEST_LONG") ? 10000000 : 300000;
#endif
}

static void random_bits_are_shortest_and_read_back(void **state) {
    (void)state;
    struct rng r;
    rng_init(&r, 20240601);
    for (int i = rounds(); i > 0; i--) {
        double d = of_bits(rng_next(&r));
        if (d - d == 0) check(d);
    }
}

/* What data is made of: a few digits, before and behind the point, near powers of ten, whole numbers of any size. */
static void short_numbers_are_shortest_and_read_back(void **state) {
    (void)state;
    struct rng r;
    rng_init(&r, 7);
    for (int i = rounds() / 10; i > 0; i--) {
        double tens = 1;
        for (uint64_t k = rng_below(&r, 16); k > 0; k--) tens *= 10;
        double whole = (double)(int64_t)(rng_next(&r) >> rng_below(&r, 64));
        check(whole);
        check(-whole / tens);
        check((double)rng_below(&r, 100000) / tens);
    }
}

static void edges_are_shortest_and_read_back(void **state) {
    (void)state;
    char text[32];
    for (uint64_t biased = 0; biased < 0x7FF; biased++) {
        for (int64_t near = -40; near <= 40; near++) {
            double d = of_bits((biased << 52) + (uint64_t)near);
            if (d - d == 0) check(d);
        }
    }
    for (int e = -324; e <= 308; e++) {
        for (int lead = 1; lead <= 9; lead++) {
            snprintf(text, sizeof(text), "%de%d", lead, e);
            double d = strtod(text, NULL);
            uint64_t bits;
            memcpy(&bits, &d, sizeof(bits));
            for (uint64_t near = 0; near <= 2; near++) {
                if (of_bits(bits + near) < __builtin_inf()) check(of_bits(bits + near));
                if (bits > near && d < __builtin_inf()) check(of_bits(bits - near));
            }
        }
    }
    for (uint64_t tiny = 0; tiny < 20000; tiny++) check(of_bits(tiny));
}

static void whole_numbers_are_written(void **state) {
    (void)state;
    struct rng r;
    rng_init(&r, 3);
    for (int i = 0; i < 500000; i++) {
        char out[JSON_I64_MAX + 2], printed[32];
        int64_t v = (int64_t)rng_next(&r) >> rng_below(&r, 64);
        if (i < 2) v = i ? INT64_MIN : INT64_MAX;
        if (i >= 2 && i < 4000) { /* around the powers of ten */
            v = 1;
            for (int k = i % 19; k > 0; k--) v *= 10;
            v += (int64_t)rng_below(&r, 3) - 1;
        }
        memset(out, '#', sizeof(out));
        size_t n = json_i64_write(v, out + 1);
        int want = snprintf(printed, sizeof(printed), "%lld", (long long)v);
        assert_int_equal(n, want);
        assert_memory_equal(out + 1, printed, n);
        assert_true(out[0] == '#' && out[JSON_I64_MAX + 1] == '#');
    }
}

/* Big whole numbers for the check of the table, limbs of 32 bits, lowest first. */
enum { LIMBS = 80 };
struct big {
    uint32_t limb[LIMBS];
};

static void big_times(struct big *b, uint64_t factor) {
    unsigned __int128 carry = 0;
    for (int i = 0; i < LIMBS; i++) {
        carry += (unsigned __int128)b->limb[i] * factor;
        b->limb[i] = (uint32_t)carry;
        carry >>= 32;
    }
    assert_true(carry == 0);
}

static void big_times_power(struct big *b, uint64_t base, int n) {
    for (; n > 0; n--) big_times(b, base);
}

static struct big big_of(struct json_pow10 g, uint64_t add) {
    struct big b = {{(uint32_t)g.lo, (uint32_t)(g.lo >> 32), (uint32_t)g.hi, (uint32_t)(g.hi >> 32)}};
    for (int i = 0; add && i < 5; i++) { /* add is 0 or 1 */
        add = ++b.limb[i] == 0;
    }
    return b;
}

static int big_compare(const struct big *a, const struct big *b) {
    for (int i = LIMBS - 1; i >= 0; i--) {
        if (a->limb[i] != b->limb[i]) return a->limb[i] < b->limb[i] ? -1 : 1;
    }
    return 0;
}

/* g * 2^s <= 10^q < (g + 1) * 2^s, where s = floor(log2(10^q)) - 127, all made whole by multiplying across. */
static void the_powers_of_ten_are_exact(void **state) {
    (void)state;
    for (int q = JSON_POW10_MIN; q <= JSON_POW10_MAX; q++) {
        struct json_pow10 g = json_pow10(q);
        int s = json_pow10_log2(q) - 127;
        struct big ten = {{1}}, low = big_of(g, 0), high = big_of(g, 1);
        assert_int_equal(g.hi >> 63, 1);
        big_times_power(&ten, 10, q);
        big_times_power(&low, 10, -q);
        big_times_power(&high, 10, -q);
        big_times_power(&ten, 2, -s);
        big_times_power(&low, 2, s);
        big_times_power(&high, 2, s);
        int rest = big_compare(&ten, &low);
        assert_int_equal(rest, q >= 0 && q <= JSON_POW10_EXACT_MAX ? 0 : 1);
        assert_int_equal(big_compare(&ten, &high), -1);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_form_is_as_documented),
        cmocka_unit_test(hard_cases_are_right),
        cmocka_unit_test(what_is_no_number_is_not_written),
        cmocka_unit_test(random_bits_are_shortest_and_read_back),
        cmocka_unit_test(short_numbers_are_shortest_and_read_back),
        cmocka_unit_test(edges_are_shortest_and_read_back),
        cmocka_unit_test(whole_numbers_are_written),
        cmocka_unit_test(the_powers_of_ten_are_exact),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
