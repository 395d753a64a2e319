/* SPDX-License-Identifier: Apache-2.0 */
/*
 * count, sum, mean, var, stddev, rate: what they give, that it does not depend on the order of records and on how parts
 * were merged, and that damaged bytes are refused. Each check of a result is one of order, too: aggregate_cases.h.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "aggregate_cases.h"

enum { ROUNDS = 20, MOST = 60 };

static void assert_numbers(const char *name, const char *expected, const double *x, size_t n) {
    struct sample samples[MOST];
    for (size_t i = 0; i < n; i++) samples[i] = sample_double(x[i]);
    assert_aggregate(aggregate_call(name, 1, NULL), samples, n, expected, ROUNDS);
}
#define NUMBERS(name, expected, ...)                                                                                   \
    assert_numbers(name, expected, (const double[]){__VA_ARGS__}, sizeof((const double[]){__VA_ARGS__}) / 8)

static void assert_integers(const char *name, const char *expected, const int64_t *x, size_t n) {
    struct sample samples[MOST];
    for (size_t i = 0; i < n; i++) samples[i] = sample_int(x[i]);
    assert_aggregate(aggregate_call(name, 1, NULL), samples, n, expected, ROUNDS);
}
#define INTEGERS(name, expected, ...)                                                                                  \
    assert_integers(name, expected, (const int64_t[]){__VA_ARGS__}, sizeof((const int64_t[]){__VA_ARGS__}) / 8)

static void nothing_is_null_and_counts_are_zero(void **state) {
    (void)state;
    static const char *const null[] = {"sum", "mean", "var", "stddev", "rate"};
    for (size_t i = 0; i < 5; i++) assert_aggregate(aggregate_call(null[i], 1, NULL), NULL, 0, "null", 2);
    assert_aggregate(aggregate_call("count", 0, NULL), NULL, 0, "0", 2);
    assert_aggregate(aggregate_call("count", 1, NULL), NULL, 0, "0", 2);
    assert_aggregate(aggregate_call("rate", 0, NULL), NULL, 0, "0", 2);
}

static void count_counts_records_or_what_is_true(void **state) {
    (void)state;
    struct sample samples[10];
    for (int i = 0; i < 10; i++) samples[i] = sample_none();
    assert_aggregate(aggregate_call("count", 0, NULL), samples, 10, "10", ROUNDS);
    assert_aggregate(aggregate_call("rate", 0, NULL), samples, 10, "2.5", ROUNDS); /* in 4 s */
    assert_aggregate(aggregate_call("rate", 0, NULL), samples, 8, "2", ROUNDS);
    for (int i = 0; i < 10; i++) samples[i] = sample_bool(i % 3 == 0);
    assert_aggregate(aggregate_call("count", 1, NULL), samples, 10, "4", ROUNDS);
}

static void sum_of_integers_is_exact(void **state) {
    (void)state;
    INTEGERS("sum", "0", 0);
    INTEGERS("sum", "5050", 5000, 50);
    INTEGERS("sum", "27670116110564327421", INT64_MAX, INT64_MAX, INT64_MAX);
    INTEGERS("sum", "-27670116110564327424", INT64_MIN, INT64_MIN, INT64_MIN);
    INTEGERS("sum", "9007199254740993", 9007199254740992, 1);
    INTEGERS("sum", "1", INT64_MAX, INT64_MIN, 2);
}

static void sum_of_doubles_is_rounded_once(void **state) {
    (void)state;
    NUMBERS("sum", "1", 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1);
    NUMBERS("sum", "0.6", 0.1, 0.2, 0.3);
    NUMBERS("sum", "2", 1e100, 1, -1e100, 1);
    NUMBERS("sum", "1e-308", 1e308, 1e-308, -1e308);
    NUMBERS("sum", "1e+308", 1e308, 1e308, -1e308);
    NUMBERS("sum", "5e-324", 1e308, 5e-324, -1e308);
    NUMBERS("sum", "0", -0.0, -0.0);
    NUMBERS("sum", "1.7976931348623157e+308", 1e308, 1e308); /* as jq writes infinity */
    NUMBERS("sum", "null", (double)INFINITY, 1, (double)-INFINITY);
    NUMBERS("sum", "null", (double)NAN, 1);
}

static void mean_is_the_exact_sum_by_the_count(void **state) {
    (void)state;
    INTEGERS("mean", "2", 1, 2, 3);
    INTEGERS("mean", "0.3333333333333333", 0, 0, 1);
    INTEGERS("mean", "-0.6666666666666666", -1, -1, 0);
    INTEGERS("mean", "9223372036854776000", INT64_MAX, INT64_MAX);
    INTEGERS("mean", "-9223372036854776000", INT64_MIN, INT64_MIN, INT64_MIN);
    NUMBERS("mean", "0.1", 0.1, 0.1, 0.1);
    NUMBERS("mean", "1e+308", 1e308, 1e308, 1e308, 1e308);
    NUMBERS("mean", "5e-324", 5e-324, 5e-324, 5e-324);
    NUMBERS("mean", "0", 0, 0, 5e-324);
}

static void variance_is_that_of_samples(void **state) {
    (void)state;
    INTEGERS("var", "null", 5);
    INTEGERS("stddev", "null", 5);
    INTEGERS("var", "0", 5, 5);
    INTEGERS("var", "4.571428571428571", 2, 4, 4, 4, 5, 5, 7, 9);
    INTEGERS("stddev", "2.138089935299395", 2, 4, 4, 4, 5, 5, 7, 9);
    INTEGERS("stddev", "2", 1, 3, 5);
    INTEGERS("var", "30", 1000000000004, 1000000000007, 1000000000013, 1000000000016);
    NUMBERS("var", "0", 0.1, 0.1, 0.1);
    NUMBERS("var", "0.010000000000000002", 0, 0.1, 0.2);
    NUMBERS("stddev", "1e+200", 1e200, 2e200, 3e200);
    NUMBERS("var", "1.7976931348623157e+308", 1e200, 2e200, 3e200);
    NUMBERS("var", "null", 1, (double)INFINITY);
    NUMBERS("stddev", "null", 1, 2, (double)NAN);
}

static void rate_is_the_sum_a_second(void **state) {
    (void)state;
    INTEGERS("rate", "2.5", 1, 2, 3, 4); /* in 4 s */
    INTEGERS("rate", "-1", -4);
    NUMBERS("rate", "0.15", 0.1, 0.2, 0.3);
    NUMBERS("rate", "1e+308", 1e308, 1e308, 1e308, 1e308);
}

static void a_window_without_length_has_no_rate(void **state) {
    (void)state;
    struct aggregate a = aggregate_call("rate", 0, NULL);
    const struct aggregate_window w = {.start = 7, .end = 7};
    uint64_t at = 3;
    struct heap h;
    struct value v = value_int(1);
    heap_init(&h, 0);
    assert_int_equal(aggregate_result(&a, &at, &w, &h, &v), 0);
    assert_int_equal(v.kind, VK_NULL);
    heap_release(&h);
}

static struct sample random_number(struct rng *r, int kind) {
    switch (kind) {
    case 0: return sample_int((int64_t)rng_below(r, 2001) - 1000);
    case 1: return sample_int((int64_t)rng_next(r));
    case 2: return sample_double((double)rng_below(r, 100000) / 100);
    case 3: return sample_double(random_double(r));
    default: return rng_below(r, 2) ? sample_int((int64_t)rng_next(r)) : sample_double(random_double(r));
    }
}

static void random_sets_do_not_depend_on_order(void **state) {
    (void)state;
    static const char *const names[] = {"sum", "mean", "var", "stddev", "rate"};
    struct rng r;
    rng_init(&r, 5);
    for (int set = 0; set < 1000; set++) {
        struct sample samples[MOST];
        size_t n = 1 + rng_below(&r, MOST);
        int kind = (int)rng_below(&r, 5);
        for (size_t i = 0; i < n; i++) samples[i] = random_number(&r, kind);
        assert_aggregate(aggregate_call(names[set % 5], 1, NULL), samples, n, NULL, 4);
    }
}

static void damaged_bytes_are_refused(void **state) {
    (void)state;
    static const char *const names[] = {"sum", "mean", "var", "stddev", "rate"};
    const struct sample samples[] = {sample_int(5), sample_double(-0.1), sample_int(INT64_MAX), sample_double(1e-300)};
    for (size_t i = 0; i < 5; i++) {
        assert_save_is_checked(aggregate_call(names[i], 1, NULL), samples, 0);
        assert_save_is_checked(aggregate_call(names[i], 1, NULL), samples, 1);
        assert_save_is_checked(aggregate_call(names[i], 1, NULL), samples, 4);
    }
    assert_save_is_checked(aggregate_call("count", 0, NULL), samples, 4);
}

static void a_count_without_a_sum_is_refused(void **state) {
    (void)state;
    const struct {
        const char *name, *bytes;
        size_t n;
    } cases[] = {{"mean", "\1\0\0\0\0\0\0", 7},
                 {"mean", "\0\1\0\0\0\0\0", 7},
                 {"var", "\2\1\0\0\0\0\0\0\0\0\0\0\0", 13},
                 {"var", "\2\0\0\0\0\0\0\0\0\0\0\0\0", 13},
                 {"var", "\0\1\0\0\0\0\0\1\0\0\0\0\0", 13}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct aggregate a = aggregate_call(cases[i].name, 1, NULL);
        struct state_budget budget = {.used = 0};
        struct arena arena;
        struct err e = {.grade = 0};
        uint64_t at[8] = {0};
        const char *p = cases[i].bytes;
        arena_init(&arena, &budget);
        assert_int_equal(aggregate_load(&a, at, &arena, &p, p + cases[i].n, &e), G_CORRUPT);
        assert_ptr_equal(p, cases[i].bytes);
        arena_release(&arena);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_null_and_counts_are_zero),
        cmocka_unit_test(count_counts_records_or_what_is_true),
        cmocka_unit_test(sum_of_integers_is_exact),
        cmocka_unit_test(sum_of_doubles_is_rounded_once),
        cmocka_unit_test(mean_is_the_exact_sum_by_the_count),
        cmocka_unit_test(variance_is_that_of_samples),
        cmocka_unit_test(rate_is_the_sum_a_second),
        cmocka_unit_test(a_window_without_length_has_no_rate),
        cmocka_unit_test(random_sets_do_not_depend_on_order),
        cmocka_unit_test(damaged_bytes_are_refused),
        cmocka_unit_test(a_count_without_a_sum_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
