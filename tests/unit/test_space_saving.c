/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Space-Saving and the map below it: exact within capacity, the bounds of the paper beyond it, also after merging.
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

#include "number_sets.h"
#include "state/space_saving.h"

enum { PLACES = 50, VALUES = 2000 };

struct fixture {
    struct state_budget budget;
    struct arena arena;
    struct random_state random;
    uint64_t truth[VALUES]; /* how often each value really came */
    uint64_t total;
};

static int begin(void **state) {
    static struct fixture f;
    memset(&f, 0, sizeof f);
    arena_init(&f.arena, &f.budget);
    *state = &f;
    return 0;
}

static int finish(void **state) {
    struct fixture *f = *state;
    arena_release(&f->arena);
    return f->budget.used != 0;
}

/* The i-th value: integers, short texts and longer ones. */
static struct cell value(uint32_t i, char text[40]) {
    if (i % 3 == 0) return (struct cell){.type = CELL_INT, .i = i};
    int n = snprintf(text, 40, i % 3 == 1 ? "\"%u\"" : "\"a longer text %u\"", i);
    return (struct cell){.type = CELL_TEXT, .n = (uint32_t)n, .text = text};
}

static uint32_t number_of(const struct kept *k) {
    struct cell c = kept_cell(k);
    if (c.type == CELL_INT) return (uint32_t)c.i;
    const char *digits = c.text + strcspn(c.text, "0123456789");
    return (uint32_t)strtoul(digits, NULL, 10);
}

static void add(struct fixture *f, struct space_saving *s, uint32_t places, uint32_t i) {
    char text[40];
    struct cell c = value(i, text);
    assert_int_equal(space_saving_add(s, &f->arena, places, &c), 0);
    f->truth[i]++;
    f->total++;
}

/* A skewed choice: small numbers are frequent. */
static uint32_t skewed(struct fixture *f, uint32_t values) {
    return (uint32_t)(values * pow(random_unit(&f->random), 4));
}

/* What the papers promise: a count is the truth or more, by no more than its error, which is at most total / places;
 * and a value that is not there came no more often than the least counted. */
static void assert_bounds(const struct fixture *f, const struct space_saving *s, uint32_t places) {
    uint64_t least = UINT64_MAX;
    bool there[VALUES] = {false};
    assert_true(s->counts.n <= places);
    for (uint32_t i = 0; i < s->counts.n; i++) {
        const struct counted *x = &s->counts.items[i];
        uint32_t v = number_of(&x->value);
        uint64_t error = space_saving_error(s, i);
        assert_false(there[v]);
        there[v] = true;
        assert_in_range(f->truth[v], x->count - error, x->count);
        assert_true(error <= f->total / places);
        if (x->count < least) least = x->count;
    }
    for (uint32_t v = 0; v < VALUES; v++) {
        if (!there[v]) assert_true(f->truth[v] <= (s->order ? least : 0));
    }
}

/* ---- the map ---- */

static void a_map_of_values_is_exact(void **state) {
    struct fixture *f = *state;
    struct value_counts m = {0};
    char text[40];
    uint32_t place;
    for (int i = 0; i < 20000; i++) {
        uint32_t v = skewed(f, VALUES);
        struct cell c = value(v, text);
        assert_int_equal(value_counts_add(&m, &f->arena, &c, cell_hash(&c), 2, &place), 0);
        assert_int_equal(number_of(&m.items[place].value), v);
        f->truth[v] += 2;
    }
    uint32_t different = 0;
    for (uint32_t v = 0; v < VALUES; v++) {
        struct cell c = value(v, text);
        int64_t at = value_counts_find(&m, &c, cell_hash(&c));
        assert_int_equal(at >= 0, f->truth[v] > 0);
        if (at >= 0) assert_int_equal(m.items[at].count, f->truth[v]);
        different += at >= 0;
    }
    assert_int_equal(m.n, different);
    value_counts_clear(&m, &f->arena);
    assert_int_equal(m.n + m.cap, 0);
}

/* Values go and others come in their places, with few slots so that they are in each other's way. */
static void values_are_replaced(void **state) {
    struct fixture *f = *state;
    struct value_counts m = {0};
    char text[40];
    uint32_t in[16], place;
    for (uint32_t i = 0; i < 16; i++) {
        struct cell c = value(in[i] = i, text);
        assert_int_equal(value_counts_add(&m, &f->arena, &c, cell_hash(&c), i, &place), 0);
    }
    for (int step = 0; step < 20000; step++) {
        uint32_t at = (uint32_t)random_below(&f->random, 16), v = (uint32_t)random_below(&f->random, VALUES);
        struct cell c = value(v, text);
        int64_t found = value_counts_find(&m, &c, cell_hash(&c));
        if (found >= 0) {
            assert_int_equal(in[found], v);
            continue;
        }
        assert_int_equal(value_counts_replace(&m, &f->arena, at, &c, cell_hash(&c)), 0);
        in[at] = v;
        for (uint32_t i = 0; i < 16; i++) {
            c = value(in[i], text);
            assert_int_equal(value_counts_find(&m, &c, cell_hash(&c)), i);
            assert_int_equal(m.items[i].count, i);
        }
    }
    assert_int_equal(m.n, 16);
}

static void equal_are_values_of_one_kind_and_the_same_bytes(void **state) {
    struct fixture *f = *state;
    struct value_counts m = {0};
    uint32_t place;
    struct cell cells[] = {{.type = CELL_INT, .i = 1},
                           {.type = CELL_DOUBLE, .d = 1},
                           {.type = CELL_DOUBLE, .d = 0x1p60},
                           {.type = CELL_INT, .i = (int64_t)1 << 60},
                           {.type = CELL_DOUBLE, .d = -0.0},
                           {.type = CELL_INT, .i = 0},
                           {.type = CELL_DOUBLE, .d = (double)NAN},
                           {.type = CELL_DOUBLE, .d = -(double)NAN},
                           {.type = CELL_DOUBLE, .d = 1.5},
                           {.type = CELL_DOUBLE, .d = 0x1p63},
                           {.type = CELL_INT, .i = INT64_MAX},
                           {.type = CELL_TEXT, .n = 3, .text = "\"1\""},
                           {.type = CELL_TEXT, .n = 3, .text = "[1]"},
                           {.type = CELL_TEXT, .n = 8, .text = "\"123456\""},
                           {.type = CELL_TEXT, .n = 9, .text = "\"1234567\""}};
    for (size_t i = 0; i < sizeof cells / sizeof *cells; i++) {
        struct cell c = cell_normal(&cells[i]);
        assert_int_equal(value_counts_add(&m, &f->arena, &c, cell_hash(&c), 1, &place), 0);
    }
    assert_int_equal(m.n, 11);
    for (uint32_t i = 0; i < 4; i++) assert_int_equal(m.items[i].count, 2);
}

/* ---- the summary ---- */

static void within_capacity_it_is_exact_in_any_order(void **state) {
    struct fixture *f = *state;
    struct space_saving a = {0}, parts[3] = {0};
    for (int i = 0; i < 5000; i++) {
        uint32_t v = skewed(f, PLACES);
        add(f, &a, PLACES, v);
        f->truth[v]--;
        add(f, &parts[random_below(&f->random, 3)], PLACES, v);
    }
    assert_int_equal(space_saving_merge(&parts[1], &f->arena, PLACES, &parts[2]), 0);
    assert_int_equal(space_saving_merge(&parts[1], &f->arena, PLACES, &parts[0]), 0);
    assert_null(a.order);
    assert_null(parts[1].order);
    assert_int_equal(a.counts.n, parts[1].counts.n);
    for (uint32_t i = 0; i < a.counts.n; i++) {
        const struct counted *x = &a.counts.items[i];
        struct cell c = kept_cell(&x->value);
        int64_t at = value_counts_find(&parts[1].counts, &c, x->hash);
        assert_true(at >= 0);
        assert_int_equal(x->count, f->truth[number_of(&x->value)]);
        assert_int_equal(parts[1].counts.items[at].count, x->count);
        assert_int_equal(space_saving_error(&a, i), 0);
    }
}

static void beyond_capacity_the_bounds_hold(void **state) {
    struct fixture *f = *state;
    for (uint32_t places = 1; places <= 200; places += places / 3 + 1) {
        struct space_saving s = {0};
        memset(f->truth, 0, sizeof f->truth);
        f->total = 0;
        for (uint32_t i = 0; i < 4000; i++) {
            add(f, &s, places, places % 2 ? skewed(f, VALUES) : i % VALUES);
            if (i % 97 == 0) assert_bounds(f, &s, places);
        }
        assert_bounds(f, &s, places);
        uint64_t sum = 0;
        for (uint32_t i = 0; i < s.counts.n; i++) sum += s.counts.items[i].count;
        assert_int_equal(sum, f->total); /* counts are handed on, never lost */
        space_saving_clear(&s, &f->arena, places);
    }
}

/* The most frequent values are there and first among all, as their distance is larger than the error. */
static void frequent_values_are_found(void **state) {
    struct fixture *f = *state;
    struct space_saving s = {0};
    for (uint32_t i = 0; i < 20000; i++) {
        uint32_t v = i % 10 < 4 ? 0 : i % 10 < 6 ? 1 : i % 10 == 6 ? 2 : 3 + (i * 7919u) % (VALUES - 3);
        add(f, &s, PLACES, v);
    }
    uint64_t above = UINT64_MAX;
    for (uint32_t v = 0; v < 3; v++) {
        char text[40];
        struct cell c = value(v, text);
        int64_t at = value_counts_find(&s.counts, &c, cell_hash(&c));
        assert_true(at >= 0);
        assert_true(s.counts.items[at].count < above);
        assert_in_range(s.counts.items[at].count, f->truth[v], f->truth[v] + f->total / PLACES);
        above = s.counts.items[at].count;
    }
}

static void after_merging_the_bounds_hold(void **state) {
    struct fixture *f = *state;
    enum { PARTS = 6 };
    for (int set = 0; set < 60; set++) {
        struct space_saving parts[PARTS] = {0};
        memset(f->truth, 0, sizeof f->truth);
        f->total = 0;
        size_t n = random_size(&f->random, 10, 5000);
        for (size_t i = 0; i < n; i++) {
            /* Parts of different size and with different values: some are over their capacity and some are not. */
            size_t part = (size_t)(PARTS * pow(random_unit(&f->random), 1 + set % 3));
            uint32_t v = skewed(f, (uint32_t)(set % 2 ? VALUES / PARTS * (part + 1) : VALUES));
            add(f, &parts[part], PLACES, v);
        }
        for (size_t left = PARTS; left > 1; left--) {
            size_t to = random_below(&f->random, left - 1);
            assert_int_equal(space_saving_merge(&parts[to], &f->arena, PLACES, &parts[left - 1]), 0);
            space_saving_clear(&parts[left - 1], &f->arena, PLACES);
        }
        assert_bounds(f, &parts[0], PLACES);
        for (int i = 0; i < 500; i++) add(f, &parts[0], PLACES, skewed(f, VALUES)); /* and it goes on */
        assert_bounds(f, &parts[0], PLACES);
        space_saving_clear(&parts[0], &f->arena, PLACES);
    }
}

/* ---- bytes and memory ---- */

static void assert_same(const struct space_saving *s, const struct space_saving *t) {
    assert_int_equal(s->counts.n, t->counts.n);
    for (uint32_t i = 0; i < s->counts.n; i++) {
        const struct counted *x = &s->counts.items[i];
        struct cell c = kept_cell(&x->value);
        int64_t at = value_counts_find(&t->counts, &c, x->hash);
        assert_true(at >= 0);
        assert_int_equal(x->count, t->counts.items[at].count);
        assert_int_equal(space_saving_error(s, i), space_saving_error(t, (uint32_t)at));
    }
}

/* Just as it would have, also in which of the least counted goes next. */
static void saved_in_the_middle_it_goes_on(void **state) {
    struct fixture *f = *state;
    for (uint32_t values = 10; values <= VALUES; values += 199) {
        struct space_saving s = {0}, t = {0};
        struct buf saved = {0};
        memset(f->truth, 0, sizeof f->truth);
        f->total = 0;
        for (int i = 0; i < 1000; i++) add(f, &s, PLACES, skewed(f, values));
        assert_int_equal(space_saving_save(&s, &saved), 0);
        assert_int_equal(buf_puts(&saved, "next"), 0);
        const char *p = saved.data;
        assert_int_equal(space_saving_load(&t, &f->arena, PLACES, &p, saved.data + saved.len, NULL), 0);
        assert_string_equal(buf_cstr(&saved) + (p - saved.data), "next");
        assert_int_equal(s.order == NULL, t.order == NULL);
        assert_bounds(f, &t, PLACES);
        for (int i = 0; i < 1000; i++) {
            uint32_t v = skewed(f, values);
            add(f, &s, PLACES, v);
            f->truth[v]--;
            f->total--;
            add(f, &t, PLACES, v);
            if (i % 50 == 0) assert_same(&s, &t);
        }
        assert_bounds(f, &t, PLACES);
        space_saving_clear(&s, &f->arena, PLACES);
        space_saving_clear(&t, &f->arena, PLACES);
        buf_release(&saved);
    }
}

static void damaged_bytes_are_refused_or_harmless(void **state) {
    struct fixture *f = *state;
    struct space_saving s = {0}, t = {0};
    struct buf saved = {0};
    for (int i = 0; i < 400; i++) add(f, &s, 20, skewed(f, 40));
    assert_non_null(s.order);
    assert_int_equal(space_saving_save(&s, &saved), 0);
    for (size_t n = 0; n < saved.len; n++) {
        char *copy = malloc(n ? n : 1);
        memcpy(copy, saved.data, n);
        const char *p = copy;
        assert_int_equal(space_saving_load(&t, &f->arena, 20, &p, copy + n, NULL), G_CORRUPT);
        space_saving_clear(&t, &f->arena, 20);
        free(copy);
    }
    for (int i = 0; i < 20000; i++) {
        size_t at = random_below(&f->random, saved.len);
        char old = saved.data[at];
        saved.data[at] = (char)random_next(&f->random);
        const char *p = saved.data;
        if (space_saving_load(&t, &f->arena, 20, &p, saved.data + saved.len, NULL) == 0) {
            for (uint32_t v = 0; v < 5; v++) add(f, &t, 20, (uint32_t)random_below(&f->random, VALUES));
            assert_int_equal(space_saving_merge(&t, &f->arena, 20, &s), 0);
        }
        space_saving_clear(&t, &f->arena, 20);
        saved.data[at] = old;
    }
    const char *p = saved.data;
    assert_int_equal(space_saving_load(&t, &f->arena, 19, &p, saved.data + saved.len, NULL), G_CORRUPT);
    space_saving_clear(&t, &f->arena, 19);
    assert_true(f->budget.most < 1 << 20);
    buf_release(&saved);
}

static void a_value_that_is_saved_twice_is_refused(void **state) {
    struct fixture *f = *state;
    struct value_counts m = {0};
    static const char bytes[] = "\3\3\3\"a\"\1\3\3\"b\"\1\3\3\"a\"\1\3\3\"c\"\1";
    const char *p = bytes;
    assert_int_equal(value_counts_load(&m, &f->arena, 9, &p, bytes + sizeof bytes - 1, NULL), G_CORRUPT);
    value_counts_clear(&m, &f->arena);
}

/* Values that have to go give their memory back. */
static void merging_on_and_on_takes_no_more_memory(void **state) {
    struct fixture *f = *state;
    struct space_saving s = {0};
    size_t settled = 0;
    for (uint32_t round = 0; round < 400; round++) {
        struct space_saving t = {0};
        for (uint32_t i = 0; i < 2 * PLACES; i++) add(f, &t, PLACES, (round * 37 + i) % VALUES);
        assert_int_equal(space_saving_merge(&s, &f->arena, PLACES, &t), 0);
        space_saving_clear(&t, &f->arena, PLACES);
        if (round == 40) settled = f->budget.used;
    }
    assert_int_equal(f->budget.used, settled);
}

/* Whatever is refused, everything can be given back. */
static void without_memory_it_can_be_cleared(void **state) {
    struct fixture *f = *state;
    for (size_t limit = 4096; limit < 100000; limit += 4096) {
        struct space_saving s = {0}, t = {0};
        char text[40];
        f->budget.limit = limit;
        int rc = 0;
        for (uint32_t i = 0; rc == 0 && i < 300; i++) {
            struct cell c = value(i, text);
            rc = space_saving_add(&s, &f->arena, 100, &c);
            c = value(i + 150, text);
            if (rc == 0) rc = space_saving_add(&t, &f->arena, 100, &c);
        }
        if (rc == 0) rc = space_saving_merge(&s, &f->arena, 100, &t);
        assert_true(rc == 0 || rc == G_NOMEM);
        space_saving_clear(&s, &f->arena, 100);
        space_saving_clear(&t, &f->arena, 100);
        arena_release(&f->arena);
        assert_int_equal(f->budget.used, 0);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_map_of_values_is_exact, begin, finish),
        cmocka_unit_test_setup_teardown(values_are_replaced, begin, finish),
        cmocka_unit_test_setup_teardown(equal_are_values_of_one_kind_and_the_same_bytes, begin, finish),
        cmocka_unit_test_setup_teardown(within_capacity_it_is_exact_in_any_order, begin, finish),
        cmocka_unit_test_setup_teardown(beyond_capacity_the_bounds_hold, begin, finish),
        cmocka_unit_test_setup_teardown(frequent_values_are_found, begin, finish),
        cmocka_unit_test_setup_teardown(after_merging_the_bounds_hold, begin, finish),
        cmocka_unit_test_setup_teardown(saved_in_the_middle_it_goes_on, begin, finish),
        cmocka_unit_test_setup_teardown(damaged_bytes_are_refused_or_harmless, begin, finish),
        cmocka_unit_test_setup_teardown(a_value_that_is_saved_twice_is_refused, begin, finish),
        cmocka_unit_test_setup_teardown(merging_on_and_on_takes_no_more_memory, begin, finish),
        cmocka_unit_test_setup_teardown(without_memory_it_can_be_cleared, begin, finish),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
