/* SPDX-License-Identifier: Apache-2.0 */
/*
 * min, max, first, last, any, all: jq's order, event time, ties, and that none of it depends on the order of records.
 * Each check of a result is one of order, too: aggregate_cases.h.
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

enum { ROUNDS = 20, MOST = 30 };

static void assert_extremes(const char *min, const char *max, const struct sample *samples, size_t n) {
    assert_aggregate(aggregate_call("min", 1, NULL), samples, n, min, ROUNDS);
    assert_aggregate(aggregate_call("max", 1, NULL), samples, n, max, ROUNDS);
}
#define EXTREMES(min, max, ...)                                                                                        \
    assert_extremes(min, max, (const struct sample[]){__VA_ARGS__},                                                    \
                    sizeof((const struct sample[]){__VA_ARGS__}) / sizeof(struct sample))

static void nothing_is_null(void **state) {
    (void)state;
    assert_extremes("null", "null", NULL, 0);
    assert_aggregate(aggregate_call("first", 1, NULL), NULL, 0, "null", 2);
    assert_aggregate(aggregate_call("last", 1, NULL), NULL, 0, "null", 2);
    assert_aggregate(aggregate_call("any", 1, NULL), NULL, 0, "false", 2);
    assert_aggregate(aggregate_call("all", 1, NULL), NULL, 0, "true", 2);
}

static void numbers_are_compared_exactly(void **state) {
    (void)state;
    EXTREMES("-3", "7", sample_int(7), sample_int(-3), sample_int(0));
    EXTREMES("-0.5", "2.5", sample_double(2.5), sample_double(-0.5), sample_int(2));
    EXTREMES("9007199254740993", "9007199254740994", sample_int(9007199254740993), sample_double(9007199254740994));
    EXTREMES("9007199254740992", "9007199254740993", sample_int(9007199254740993), sample_double(9007199254740992));
    EXTREMES("-9223372036854775808", "9223372036854775807", sample_int(INT64_MIN), sample_int(INT64_MAX),
             sample_double(0.5));
    EXTREMES("5e-324", "1e+308", sample_double(1e308), sample_double(5e-324));
    EXTREMES("-1e+308", "0", sample_int(0), sample_double(-0.0), sample_double(0.0), sample_double(-1e308));
    EXTREMES("0.5", "1", sample_double(1.0), sample_int(1), sample_double(0.5));
    EXTREMES("null", "1", sample_double((double)NAN), sample_int(1), sample_double(0.5)); /* NaN is below all */
    EXTREMES("-1.7976931348623157e+308", "1e+308", sample_double((double)-INFINITY), sample_double(1e308));
}

static void types_are_in_jqs_order(void **state) {
    (void)state;
    EXTREMES("false", "{}", sample_text("{}"), sample_text("[]"), sample_text("\"a\""), sample_int(1),
             sample_text("true"), sample_text("false"));
    EXTREMES("true", "9.5", sample_double(9.5), sample_text("true"));
    EXTREMES("\"\"", "\"é\"", sample_text("\"\""), sample_text("\"é\""), sample_text("\"z\""), sample_text("\"aa\""));
    EXTREMES("\"a\"", "\"ab\"", sample_text("\"a\""), sample_text("\"ab\""));
    EXTREMES("\"\\n\"", "\"a\\\\\"", sample_text("\"\\n\""), sample_text("\" \""), sample_text("\"a\\\\\""),
             sample_text("\"a\\\"\""));
    EXTREMES("[1]", "[2]", sample_text("[1,[5,6]]"), sample_text("[2]"), sample_text("[1]"));
    EXTREMES("{\"a\":9}", "{\"b\":1}", sample_text("{\"a\":9}"), sample_text("{\"b\":1}"),
             sample_text("{\"a\":1,\"b\":2}"));
}

static void texts_of_any_length_replace_each_other(void **state) {
    (void)state;
    enum { LONGEST = 200000 };
    static char text[LONGEST + 3];
    struct sample samples[9];
    static const size_t sizes[] = {0, 6, 7, 14, 15, 100, 1022, 5000, LONGEST};
    for (size_t i = 0; i < 9; i++) {
        char *copy = malloc(sizes[i] + 3);
        assert_non_null(copy);
        memset(copy, 'x', sizes[i] + 2);
        copy[0] = copy[sizes[i] + 1] = '"';
        copy[sizes[i] + 2] = 0;
        samples[i] = sample_at((int64_t)i, sample_text(copy));
    }
    memcpy(text, samples[8].cell.text, sizeof text);
    assert_extremes("\"\"", text, samples, 9);
    assert_aggregate(aggregate_call("first", 1, NULL), samples, 9, "\"\"", ROUNDS);
    assert_aggregate(aggregate_call("last", 1, NULL), samples, 9, text, ROUNDS);
    for (size_t i = 0; i < 9; i++) free((void *)samples[i].cell.text);
}

static void first_and_last_go_by_time_and_then_by_value(void **state) {
    (void)state;
    const struct sample samples[] = {
        sample_at(5, sample_int(1)),
        sample_at(-7, sample_text("\"b\"")),
        sample_at(-7, sample_text("\"a\"")),
        sample_at(-7, sample_text("[]")),
        sample_at(9, sample_double(2.5)),
        sample_at(9, sample_int(3)),
        sample_at(9, sample_text("\"long and behind numbers\"")),
    };
    assert_aggregate(aggregate_call("first", 1, NULL), samples, 7, "\"a\"", 50);
    assert_aggregate(aggregate_call("last", 1, NULL), samples, 7, "\"long and behind numbers\"", 50);
    assert_aggregate(aggregate_call("last", 1, NULL), samples, 6, "3", 50);
    assert_aggregate(aggregate_call("last", 1, NULL), samples, 5, "2.5", 50);
    assert_aggregate(aggregate_call("first", 1, NULL), samples, 1, "1", 5);
    const struct sample ends[] = {sample_at(INT64_MAX, sample_int(1)), sample_at(INT64_MIN, sample_int(2))};
    assert_aggregate(aggregate_call("first", 1, NULL), ends, 2, "2", ROUNDS);
    assert_aggregate(aggregate_call("last", 1, NULL), ends, 2, "1", ROUNDS);
}

static void any_and_all_are_as_one_expects(void **state) {
    (void)state;
    const struct sample samples[] = {sample_bool(true), sample_bool(true), sample_bool(false), sample_bool(false)};
    assert_aggregate(aggregate_call("any", 1, NULL), samples, 3, "true", ROUNDS);
    assert_aggregate(aggregate_call("all", 1, NULL), samples, 3, "false", ROUNDS);
    assert_aggregate(aggregate_call("any", 1, NULL), samples, 2, "true", ROUNDS);
    assert_aggregate(aggregate_call("all", 1, NULL), samples, 2, "true", ROUNDS);
    assert_aggregate(aggregate_call("any", 1, NULL), samples + 2, 2, "false", ROUNDS);
    assert_aggregate(aggregate_call("all", 1, NULL), samples + 2, 2, "false", ROUNDS);
}

static struct sample random_value(struct rng *r) {
    static const char *const texts[] = {"true",
                                        "false",
                                        "\"\"",
                                        "\"a\"",
                                        "\"a string of some length\"",
                                        "\"\\u0000\"",
                                        "[]",
                                        "[1,2]",
                                        "[-0]",
                                        "[0]",
                                        "[[[]]]",
                                        "{}",
                                        "{\"a\":{\"b\":null}}",
                                        "{\"b\":0}",
                                        "\"a string of some other length\"",
                                        "[null]"};
    struct sample s = {.time = (int64_t)rng_below(r, 3)};
    switch (rng_below(r, 3)) {
    case 0: return sample_at(s.time, sample_int((int64_t)rng_below(r, 5) - 2));
    case 1: return sample_at(s.time, sample_double(random_double(r)));
    default: return sample_at(s.time, sample_text(texts[rng_below(r, sizeof(texts) / sizeof(texts[0]))]));
    }
}

static void random_sets_do_not_depend_on_order(void **state) {
    (void)state;
    static const char *const names[] = {"min", "max", "first", "last"};
    struct rng r;
    rng_init(&r, 6);
    for (int set = 0; set < 1000; set++) {
        struct sample samples[MOST];
        size_t n = 1 + rng_below(&r, MOST);
        for (size_t i = 0; i < n; i++) samples[i] = random_value(&r);
        assert_aggregate(aggregate_call(names[set % 4], 1, NULL), samples, n, NULL, 4);
    }
}

static void damaged_bytes_are_refused(void **state) {
    (void)state;
    static const char *const names[] = {"min", "max", "first", "last"};
    const struct sample samples[] = {sample_int(5), sample_double(0.1), sample_text("\"a text that is held\""),
                                     sample_text("true")};
    for (size_t i = 0; i < 4; i++) {
        assert_save_is_checked(aggregate_call(names[i], 1, NULL), samples, 0);
        for (size_t k = 0; k < 4; k++) assert_save_is_checked(aggregate_call(names[i], 1, NULL), &samples[k], 1);
    }
    const struct sample both[] = {sample_bool(true), sample_bool(false)};
    assert_save_is_checked(aggregate_call("any", 1, NULL), both, 2);
    assert_save_is_checked(aggregate_call("all", 1, NULL), both, 2);
}

static void no_memory_leaves_what_was_there(void **state) {
    (void)state;
    struct aggregate a = aggregate_call("first", 1, NULL);
    struct state_budget budget = {.limit = 1};
    struct arena arena;
    uint64_t at[8] = {0};
    const struct sample old = sample_at(5, sample_int(1)), new = sample_at(4, sample_text("\"a text that is held\""));
    struct heap h;
    struct value v;
    arena_init(&arena, &budget);
    heap_init(&h, 0);
    assert_int_equal(aggregate_add(&a, at, &arena, &old.cell, old.time), 0);
    assert_int_equal(aggregate_add(&a, at, &arena, &new.cell, new.time), G_NOMEM);
    assert_int_equal(aggregate_result(&a, at, NULL, &h, &v), 0);
    assert_int_equal(v.form, VF_INT);
    assert_int_equal(v.i, 1);
    aggregate_clear(&a, at, &arena);
    heap_release(&h);
    arena_release(&arena);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_null),
        cmocka_unit_test(numbers_are_compared_exactly),
        cmocka_unit_test(types_are_in_jqs_order),
        cmocka_unit_test(texts_of_any_length_replace_each_other),
        cmocka_unit_test(first_and_last_go_by_time_and_then_by_value),
        cmocka_unit_test(any_and_all_are_as_one_expects),
        cmocka_unit_test(random_sets_do_not_depend_on_order),
        cmocka_unit_test(damaged_bytes_are_refused),
        cmocka_unit_test(no_memory_leaves_what_was_there),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
