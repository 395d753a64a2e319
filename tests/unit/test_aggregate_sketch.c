/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The aggregates over sketches and over what is kept whole: what they say of known values, that order and parts do not
 * matter to the last byte of the result, snapshots in the middle, damaged ones, and memory that runs out.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "expr_values.h"
#include "number_sets.h"
#include "state/aggregate_impl.h"
#include "state/number_list.h"

typedef uint64_t accumulator[AGGREGATE_SKETCH_SIZE / 8];

struct fixture {
    struct state_budget budget;
    struct arena arena;
    struct heap heap;
    struct random_state random;
};

static int begin(void **state) {
    static struct fixture f;
    memset(&f, 0, sizeof f);
    arena_init(&f.arena, &f.budget);
    heap_init(&f.heap, 0);
    *state = &f;
    return 0;
}

static int finish(void **state) {
    struct fixture *f = *state;
    arena_release(&f->arena);
    heap_release(&f->heap);
    return f->budget.used != 0;
}

static struct aggregate aggregate(const char *name) {
    struct aggregate a;
    assert_int_equal(aggregate_init(&a, name, strlen(name), 1, value_null(), NULL), 0);
    assert_int_equal(a.size, AGGREGATE_SKETCH_SIZE);
    return a;
}

static struct aggregate aggregate_of(const char *name, double constant) {
    struct aggregate a;
    assert_int_equal(aggregate_init(&a, name, strlen(name), 2, value_double(constant), NULL), 0);
    return a;
}

/* A number or canonical text as a cell. */
static struct cell cell_of(const char *text) {
    if (strspn(text, "-0123456789.e") < strlen(text) || !*text) {
        return (struct cell){.type = CELL_TEXT, .n = (uint32_t)strlen(text), .text = text};
    }
    if (strspn(text, "-0123456789") == strlen(text))
        return (struct cell){.type = CELL_INT, .i = strtoll(text, NULL, 10)};
    return (struct cell){.type = CELL_DOUBLE, .d = strtod(text, NULL)};
}

static void add(struct fixture *f, const struct aggregate *a, void *at, const char *text, int64_t time) {
    struct cell c = cell_of(text);
    assert_int_equal(a->function->ops->add(a, at, &f->arena, &c, time), 0);
}

static const char *result(struct fixture *f, const struct aggregate *a, const void *at) {
    struct value v;
    struct aggregate_window w = {0, 60000000000};
    assert_int_equal(aggregate_result(a, at, &w, &f->heap, &v), 0);
    return value_spelled(&f->heap, v, PLAIN);
}

/* Words with spaces between them, at times 0, 1, 2 …, and the result. */
static const char *said(struct fixture *f, struct aggregate a, const char *words) {
    accumulator at = {0};
    char text[400];
    int64_t time = 0;
    snprintf(text, sizeof text, "%s", words);
    for (char *rest = text, *word; (word = strsep(&rest, " ")); time++) {
        if (*word) add(f, &a, at, word, time);
    }
    const char *r = result(f, &a, at);
    aggregate_clear(&a, at, &f->arena);
    for (size_t i = 0; i < AGGREGATE_SKETCH_SIZE / 8; i++) assert_int_equal(at[i], 0);
    return r;
}

/* ---- what they say ---- */

static void quantiles(void **state) {
    struct fixture *f = *state;
    assert_string_equal(said(f, aggregate("median"), ""), "null");
    assert_string_equal(said(f, aggregate("median"), "7"), "7");
    assert_string_equal(said(f, aggregate("p99"), "3 3 3"), "3");
    assert_string_equal(said(f, aggregate_of("quantile", 1), "3 -1.5 80"), "80");
    assert_string_equal(said(f, aggregate_of("quantile", 0), "3 -1.5 80"), "-1.5");
    assert_string_equal(said(f, aggregate_of("exact_quantile", 0.5), ""), "null");
    assert_string_equal(said(f, aggregate_of("exact_quantile", 0.5), "4 1 3 2"), "2.5");
    assert_string_equal(said(f, aggregate_of("exact_quantile", 0.25), "4 1 3 2"), "1.75");
    assert_string_equal(said(f, aggregate_of("exact_quantile", 0.1), "1 2 3 4 5 6 7 8 9 10 11"), "2");
    assert_string_equal(said(f, aggregate_of("exact_quantile", 0.3), "10 20 40 80"), "19");
    assert_string_equal(said(f, aggregate_of("exact_quantile", 0), "-0.0 0"), "0");
    assert_string_equal(said(f, aggregate_of("exact_quantile", 1), "-5 -7"), "-5");
}

static void different_values(void **state) {
    struct fixture *f = *state;
    static const char words[] = "1 2 1.0 \"1\" \"1\" [1] {\"a\":1} true false true 1.5";
    assert_string_equal(said(f, aggregate("distinct"), words), "8");
    assert_string_equal(said(f, aggregate("exact_distinct"), words), "8");
    assert_string_equal(said(f, aggregate("distinct"), ""), "0");
    assert_string_equal(said(f, aggregate("exact_distinct"), ""), "0");
}

static void the_most_frequent(void **state) {
    struct fixture *f = *state;
    assert_string_equal(said(f, aggregate_of("topk", 2), "\"b\" \"a\" \"c\" \"c\" 5"),
                        "[{\"value\":\"c\",\"count\":2},{\"value\":5,\"count\":1}]");
    assert_string_equal(
        said(f, aggregate_of("topk", 9), "\"b\" \"a\" \"\\n\" \"b\""),
        "[{\"value\":\"b\",\"count\":2},{\"value\":\"\\n\",\"count\":1},{\"value\":\"a\",\"count\":1}]");
    assert_string_equal(said(f, aggregate_of("topk", 3), ""), "[]");
    assert_string_equal(said(f, aggregate("mode"), ""), "null");
    assert_string_equal(said(f, aggregate("mode"), "\"b\" 3 \"b\" 3 \"a\" [1]"), "3");
    assert_string_equal(said(f, aggregate("mode"), "{\"b\":1} [2] {\"a\":2} [10]"), "[2]");
    assert_string_equal(said(f, aggregate("mode"), "{\"b\":1} {\"a\":2} true \"a-long-text\" true \"a-long-text\""),
                        "true");
}

/* More different values than places: counts say by how much they may be too high. */
static void the_most_frequent_of_too_many(void **state) {
    struct fixture *f = *state;
    struct aggregate a = aggregate_of("topk", 1);
    accumulator at = {0};
    char text[20];
    for (int i = 0; i < 1000; i++) {
        snprintf(text, sizeof text, "%d", i);
        add(f, &a, at, text, 0);
    }
    assert_string_equal(result(f, &a, at), "[{\"value\":0,\"count\":1}]");
    add(f, &a, at, "\"new\"", 0);
    assert_string_equal(result(f, &a, at), "[{\"value\":\"new\",\"count\":2,\"error\":1}]");
    aggregate_clear(&a, at, &f->arena);
}

static void the_first_values(void **state) {
    struct fixture *f = *state;
    struct aggregate a = aggregate_of("collect", 3);
    accumulator at = {0};
    assert_string_equal(said(f, aggregate("collect"), ""), "[]");
    assert_string_equal(said(f, aggregate("collect"), "3 \"x\" [1] 3"), "[3,\"x\",[1],3]");
    add(f, &a, at, "\"at 9\"", 9);
    add(f, &a, at, "[\"late\"]", 7);
    add(f, &a, at, "{\"a\":1}", 5);
    add(f, &a, at, "\"a much longer text\"", 5);
    assert_string_equal(result(f, &a, at), "[\"a much longer text\",{\"a\":1},[\"late\"]]");
    add(f, &a, at, "4", 5);
    add(f, &a, at, "[10]", 5);
    add(f, &a, at, "[9]", 5);
    add(f, &a, at, "\"never\"", 6);
    assert_string_equal(result(f, &a, at), "[4,\"a much longer text\",[9]]");
    add(f, &a, at, "\"z\"", -8);
    assert_string_equal(result(f, &a, at), "[\"z\",4,\"a much longer text\"]");
    aggregate_clear(&a, at, &f->arena);
}

/* Against sorting, for lists that are sorted on the stack and lists that are selected from by counting. */
static void exact_quantiles_are_those_of_the_sorted_list(void **state) {
    struct fixture *f = *state;
    static double x[100000];
    for (int set = 0; set < 300; set++) {
        struct number_list l = {0};
        size_t n = random_size(&f->random, 1, set % 30 ? 3000 : 100000);
        number_set_fill((enum number_set)(set % NUMBER_SETS), &f->random, x, n);
        if (set % 11 == 0) x[0] = (double)INFINITY, x[n / 2] = -(double)INFINITY;
        for (size_t i = 0; i < n; i++) assert_int_equal(number_list_add(&l, &f->arena, x[i]), 0);
        numbers_sort(x, n);
        for (size_t i = 0; i < 20 && n > 1; i++) {
            size_t at = random_below(&f->random, n);
            assert_true(number_list_quantile(&l, (double)at / (double)(n - 1)) == x[at]);
            double part = random_unit(&f->random), h = part * (double)(n - 1), r = number_list_quantile(&l, part);
            size_t low = (size_t)h;
            double a = x[low], b = x[low + 1 < n ? low + 1 : low];
            if (isinf(a) || isinf(b)) continue;
            assert_true(r >= a && r <= b);
            assert_true(fabs(r - (a + (b - a) * (h - (double)low))) <= 1e-12 * (fabs(a) + fabs(b)));
        }
        number_list_clear(&l, &f->arena);
    }
}

/* ---- all of them ---- */

enum { FUNCTIONS = 8 };
static struct aggregate function(int i) {
    switch (i) {
    case 0: return aggregate("p90");
    case 1: return aggregate_of("exact_quantile", 0.9);
    case 2: return aggregate("distinct");
    case 3: return aggregate("exact_distinct");
    case 4: return aggregate_of("topk", 20);
    case 5: return aggregate("mode");
    case 6: return aggregate_of("collect", 20);
    default: return aggregate("collect");
    }
}

struct record {
    char text[32];
    int64_t time;
};

static void records_fill(struct fixture *f, const struct aggregate *a, struct record *r, size_t n) {
    uint64_t values = 1 + random_below(&f->random, 900);
    for (size_t i = 0; i < n; i++) {
        uint64_t v = random_below(&f->random, values), kind = random_below(&f->random, 5);
        static const char *const before[] = {"", "\"", "\"a long text ", "[", "{\"a\":["};
        static const char *const behind[] = {"", "\"", "\"", "]", "]}"};
        bool number = aggregate_input(a) == INPUT_NUMBER;
        if (number) kind = 0;
        snprintf(r[i].text, sizeof r[i].text, "%s%s%d%s%s", number && v % 2 ? "-" : "", before[kind], (int)v,
                 number && v % 3 ? ".25" : "", behind[kind]);
        r[i].time = (int64_t)random_below(&f->random, 30) - 15;
    }
}

static void records_shuffle(struct fixture *f, struct record *r, size_t n) {
    for (size_t i = n; i > 1; i--) {
        size_t j = random_below(&f->random, i);
        struct record x = r[i - 1];
        r[i - 1] = r[j];
        r[j] = x;
    }
}

enum { RECORDS_MAX = 4000 };
static struct record records[RECORDS_MAX];

static void order_and_parts_do_not_matter(void **state) {
    struct fixture *f = *state;
    enum { PARTS = 5 };
    for (int set = 0; set < 25 * FUNCTIONS; set++) {
        struct aggregate a = function(set % FUNCTIONS);
        accumulator at = {0}, parts[PARTS] = {{0}};
        size_t n = random_size(&f->random, 1, RECORDS_MAX);
        heap_reset(&f->heap);
        records_fill(f, &a, records, n);
        for (size_t i = 0; i < n; i++) add(f, &a, at, records[i].text, records[i].time);
        const char *whole = result(f, &a, at);
        records_shuffle(f, records, n);
        for (size_t i = 0; i < n; i++) {
            add(f, &a, parts[random_below(&f->random, PARTS)], records[i].text, records[i].time);
        }
        for (size_t left = PARTS; left > 1; left--) {
            size_t to = random_below(&f->random, left - 1);
            const char *before = result(f, &a, parts[left - 1]);
            assert_int_equal(aggregate_merge(&a, parts[to], &f->arena, parts[left - 1]), 0);
            assert_string_equal(result(f, &a, parts[left - 1]), before);
            aggregate_clear(&a, parts[left - 1], &f->arena);
        }
        assert_string_equal(result(f, &a, parts[0]), whole);
        aggregate_clear(&a, at, &f->arena);
        aggregate_clear(&a, parts[0], &f->arena);
    }
}

static void saved_in_the_middle_they_go_on(void **state) {
    struct fixture *f = *state;
    struct buf saved = {0};
    for (int set = 0; set < 10 * FUNCTIONS; set++) {
        struct aggregate a = function(set % FUNCTIONS);
        accumulator at = {0}, loaded = {0};
        size_t n = random_size(&f->random, 1, RECORDS_MAX), half = random_below(&f->random, n + 1);
        heap_reset(&f->heap);
        records_fill(f, &a, records, n);
        for (size_t i = 0; i < half; i++) add(f, &a, at, records[i].text, records[i].time);
        saved.len = 0;
        assert_int_equal(aggregate_save(&a, at, &saved), 0);
        assert_int_equal(buf_puts(&saved, "next"), 0);
        const char *p = saved.data;
        assert_int_equal(aggregate_load(&a, loaded, &f->arena, &p, saved.data + saved.len, NULL), 0);
        assert_string_equal(buf_cstr(&saved) + (p - saved.data), "next");
        assert_string_equal(result(f, &a, loaded), result(f, &a, at));
        for (size_t i = half; i < n; i++) {
            add(f, &a, at, records[i].text, records[i].time);
            add(f, &a, loaded, records[i].text, records[i].time);
        }
        assert_string_equal(result(f, &a, loaded), result(f, &a, at));
        aggregate_clear(&a, at, &f->arena);
        aggregate_clear(&a, loaded, &f->arena);
    }
    buf_release(&saved);
}

/* Cut short: refused. With a byte changed: refused, or something that can be worked with. What is refused is empty. */
static void damaged_bytes(void **state) {
    struct fixture *f = *state;
    static const accumulator empty;
    for (int which = 0; which < FUNCTIONS; which++) {
        struct aggregate a = function(which);
        accumulator at = {0}, loaded = {0};
        struct buf saved = {0};
        struct err e = {0};
        records_fill(f, &a, records, 40);
        for (size_t i = 0; i < 40; i++) add(f, &a, at, records[i].text, records[i].time);
        assert_int_equal(aggregate_save(&a, at, &saved), 0);
        for (size_t n = 0; n < saved.len; n++) {
            char *copy = malloc(n ? n : 1);
            memcpy(copy, saved.data, n);
            const char *p = copy;
            assert_int_equal(aggregate_load(&a, loaded, &f->arena, &p, copy + n, &e), G_CORRUPT);
            assert_int_equal(e.grade, G_CORRUPT);
            assert_memory_equal(loaded, empty, sizeof empty);
            free(copy);
        }
        for (int i = 0; i < 5000; i++) {
            size_t place = random_below(&f->random, saved.len);
            char old = saved.data[place];
            saved.data[place] = (char)random_next(&f->random);
            const char *p = saved.data;
            if (aggregate_load(&a, loaded, &f->arena, &p, saved.data + saved.len, &e) == 0) {
                add(f, &a, loaded, "17", 3);
                assert_int_equal(aggregate_merge(&a, loaded, &f->arena, at), 0);
                (void)result(f, &a, loaded);
                aggregate_clear(&a, loaded, &f->arena);
                heap_reset(&f->heap);
            }
            assert_memory_equal(loaded, empty, sizeof empty);
            saved.data[place] = old;
        }
        aggregate_clear(&a, at, &f->arena);
        buf_release(&saved);
    }
    assert_true(f->budget.most < 1 << 20);
}

/* The budget ends at every size: nothing is lost, nothing is read that is not there. */
static void memory_runs_out(void **state) {
    struct fixture *f = *state;
    for (int which = 0; which < FUNCTIONS; which++) {
        struct aggregate a = function(which);
        records_fill(f, &a, records, 2000);
        int refused = 0;
        for (size_t limit = 0; limit < 300000; limit = limit * 3 / 2 + 4000) {
            accumulator at = {0}, part = {0};
            int rc = 0;
            f->budget.limit = limit + 1;
            for (size_t i = 0; rc == 0 && i < 2000; i++) {
                struct cell c = cell_of(records[i].text);
                rc = a.function->ops->add(&a, i % 2 ? at : part, &f->arena, &c, records[i].time);
            }
            if (rc == 0) rc = aggregate_merge(&a, at, &f->arena, part);
            assert_true(rc == 0 || rc == G_NOMEM);
            refused += rc != 0;
            aggregate_clear(&a, at, &f->arena);
            aggregate_clear(&a, part, &f->arena);
            arena_release(&f->arena);
            assert_int_equal(f->budget.used, 0);
        }
        assert_true(refused > 0);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(quantiles, begin, finish),
        cmocka_unit_test_setup_teardown(different_values, begin, finish),
        cmocka_unit_test_setup_teardown(the_most_frequent, begin, finish),
        cmocka_unit_test_setup_teardown(the_most_frequent_of_too_many, begin, finish),
        cmocka_unit_test_setup_teardown(the_first_values, begin, finish),
        cmocka_unit_test_setup_teardown(exact_quantiles_are_those_of_the_sorted_list, begin, finish),
        cmocka_unit_test_setup_teardown(order_and_parts_do_not_matter, begin, finish),
        cmocka_unit_test_setup_teardown(saved_in_the_middle_they_go_on, begin, finish),
        cmocka_unit_test_setup_teardown(damaged_bytes, begin, finish),
        cmocka_unit_test_setup_teardown(memory_runs_out, begin, finish),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
