/* SPDX-License-Identifier: Apache-2.0 */
/* The table of aggregate functions: names, arities, the names of percentiles, and constant arguments. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "aggregate_cases.h"

static bool is_found(const char *name, unsigned arguments) {
    return aggregate_find(name, strlen(name), arguments, NULL);
}

static void every_entry_is_found(void **state) {
    (void)state;
    const char *name;
    unsigned arguments;
    size_t n = 0;
    for (; aggregate_entry(n, &name, &arguments); n++) {
        struct aggregate_signature s = {.constant = -7};
        assert_true(aggregate_find(name, strlen(name), arguments, &s));
        assert_int_equal(s.arguments, arguments);
        assert_in_range(s.constant + 1, 0, arguments);
        struct aggregate a = aggregate_call(name, arguments, s.constant < 0 ? NULL : "1");
        assert_in_range(a.size, 8, 64);
        assert_int_equal(a.size % 8, 0);
        assert_int_equal(aggregate_input(&a) == INPUT_NONE, arguments == 0);
        assert_false(is_found(name, 3));
    }
    assert_int_equal(n, 24);
}

static void names_are_whole(void **state) {
    (void)state;
    assert_true(is_found("count", 0));
    assert_true(is_found("count", 1));
    assert_false(is_found("count", 2));
    assert_false(is_found("coun", 0));
    assert_false(is_found("counts", 0));
    assert_false(is_found("", 0));
    assert_false(is_found("p", 1));
    assert_true(aggregate_find("summary", 3, 1, NULL));
    struct aggregate_signature s;
    assert_true(aggregate_find("topk", 4, 2, &s));
    assert_int_equal(s.constant, 0);
    assert_true(aggregate_find("quantile", 8, 2, &s));
    assert_int_equal(s.constant, 1);
    assert_true(aggregate_find("p99.9", 5, 1, &s));
    assert_int_equal(s.constant, -1);
}

static void percentiles_are_names(void **state) {
    (void)state;
    static const struct {
        const char *name;
        double q;
    } good[] = {{"p0", 0},       {"p50", 0.5},       {"p99", 0.99},        {"p99.9", 0.999},
                {"p100", 1},     {"p100.0", 1},      {"p5", 0.05},         {"p05", 0.05},
                {"p0.1", 0.001}, {"p99.99", 0.9999}, {"p33.333", 0.33333}, {"median", 0.5}};
    static const char *const bad[] = {"p",
                                      "p.5",
                                      "p99.",
                                      "p101",
                                      "p100.1",
                                      "p-1",
                                      "p9x",
                                      "P99",
                                      "p1e1",
                                      "p99.9.9",
                                      "pp",
                                      "p12345678901234567890",
                                      "p1.0000000000000000001"};
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        assert_true(is_found(good[i].name, 1));
        assert_false(is_found(good[i].name, 2));
        assert_true(aggregate_call(good[i].name, 1, NULL).q == good[i].q);
    }
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) assert_false(is_found(bad[i], 1));
}

static void constants_are_taken(void **state) {
    (void)state;
    assert_true(aggregate_call("quantile", 2, "0.25").q == 0.25);
    assert_true(aggregate_call("exact_quantile", 2, "1").q == 1);
    assert_true(aggregate_call("quantile", 2, "0").q == 0);
    assert_int_equal(aggregate_call("topk", 2, "3").limit, 3);
    assert_int_equal(aggregate_call("topk", 2, "1e4").limit, 10000);
    assert_int_equal(aggregate_call("collect", 2, "1000000").limit, 1000000);
    assert_int_equal(aggregate_call("collect", 1, NULL).limit, 1000);
}

static void assert_refused(const char *name, unsigned arguments, const char *constant, const char *text) {
    struct aggregate a = {.size = 1};
    struct err e = {.grade = 0};
    assert_int_equal(aggregate_init(&a, name, strlen(name), arguments, value_raw(constant, strlen(constant)), &e),
                     G_USAGE);
    assert_string_equal(e.text, text);
    assert_int_equal(a.size, 1);
}

static void other_constants_are_refused(void **state) {
    (void)state;
    assert_refused("quantile", 2, "1.5", "quantile: second argument must be a number from 0 to 1, not 1.5");
    assert_refused("quantile", 2, "-0.1", "quantile: second argument must be a number from 0 to 1, not -0.1");
    assert_refused("exact_quantile", 2, "\"0.5\"",
                   "exact_quantile: second argument must be a number from 0 to 1, not \"0.5\"");
    assert_refused("quantile", 2, "null", "quantile: second argument must be a number from 0 to 1, not null");
    assert_refused("topk", 2, "0", "topk: first argument must be a whole number from 1 to 10000, not 0");
    assert_refused("topk", 2, "2.5", "topk: first argument must be a whole number from 1 to 10000, not 2.5");
    assert_refused("topk", 2, "10001", "topk: first argument must be a whole number from 1 to 10000, not 10001");
    assert_refused("collect", 2, "[ 1 ]", "collect: first argument must be a whole number from 1 to 1000000, not [1]");
    assert_refused("collect", 2, "\"123456789012345678901234567890123456789012345678901234567890\"",
                   "collect: first argument must be a whole number from 1 to 1000000, not "
                   "\"12345678901234567890123456789012345678901234567890123456789...");
    assert_refused("sums", 1, "null", "'sums/1' is no aggregate function");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_entry_is_found),        cmocka_unit_test(names_are_whole),
        cmocka_unit_test(percentiles_are_names),       cmocka_unit_test(constants_are_taken),
        cmocka_unit_test(other_constants_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
