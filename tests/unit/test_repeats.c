/* SPDX-License-Identifier: Apache-2.0 */
/* Points that take the place of others: which ones count, which do not, and for how long a point is known. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

/* A part of one tool and not of the library. */
#include "../../cmd/sink-tsdb/repeats.c"

#define COUNT(a) (sizeof(a) / sizeof *(a))

static struct text text(const char *s) {
    return (struct text){s, strlen(s)};
}

static struct tag tag(const char *name, const char *value) {
    return (struct tag){text(name), text(value)};
}

static struct field integer(const char *name, int64_t i) {
    return (struct field){.name = text(name), .type = FIELD_INTEGER, .integer = i};
}

static struct field string(const char *name, const char *s) {
    return (struct field){.name = text(name), .type = FIELD_STRING, .string = text(s)};
}

/* How many were replaced by the second point, and by the same one once more. */
static void after_updates(struct point a, struct point b, bool is_update[3], uint64_t wanted) {
    struct repeats r = {0};
    struct err e;
    assert_int_equal(repeats_init(&r, &e), 0);
    const struct point *const points[] = {&a, &b, &b};
    for (size_t i = 0; i < COUNT(points); i++) {
        repeats_take(&r, points[i], is_update[i]);
        repeats_note(&r);
    }
    assert_int_equal(r.replaced, wanted);
    repeats_release(&r);
}

static void after(struct point a, struct point b, uint64_t wanted) {
    after_updates(a, b, (bool[3]){false}, wanted);
}

static void test_what_counts(void **state) {
    (void)state;
    struct tag tags[] = {tag("host", "a"), tag("a long name of a tag", "")};
    struct tag turned[] = {tags[1], tags[0]}, other_value[] = {tags[0], tag("a long name of a tag", "x")};
    struct field fields[] = {integer("n", 1), string("url", "/a/path/of/some/length?")};
    struct field more[] = {integer("n", 2), fields[1]}, words[] = {fields[0], string("url", "/a/path/of/some/length!")};
    struct field null[] = {{.name = text("n"), .type = FIELD_NULL}, fields[1]}, turned_fields[] = {fields[1], more[0]};
    struct field kind[] = {{.name = text("n"), .type = FIELD_BOOLEAN, .boolean = true}, fields[1]};
    struct field swapped[] = {integer("a", 1), integer("b", 2)}, back[] = {integer("a", 2), integer("b", 1)};
    struct point p = {.measurement = text("m"), .tags = tags, .tag_count = 2, .fields = fields, .field_count = 2},
                 q = p;
    after(p, p, 0);
    struct field *const other_values[] = {more, words, null, kind, turned_fields};
    for (size_t i = 0; i < COUNT(other_values); i++) {
        q.fields = other_values[i];
        after(p, q, 1);
        q.tags = turned; /* the series is the same */
        after(p, q, 1);
        q.tags = other_value; /* and now it is not */
        after(p, q, 0);
        q.tags = tags;
        q.time = 1;
        after(p, q, 0);
        q.time = 0;
        q.measurement = text("l");
        after(p, q, 0);
        q.measurement = p.measurement;
        q.tag_count = 1;
        after(p, q, 0);
        q.tag_count = 2;
        q.field_count = 1; /* other fields stand beside those that are there */
        after(p, q, 0);
        q.field_count = 2;
        after_updates(p, q, (bool[3]){true, false, false}, 0);
        after_updates(p, q, (bool[3]){false, true, false}, 0);
    }
    p.fields = swapped;
    q.fields = back;
    after(p, q, 1);
}

static void test_a_value_that_comes_back_counts_again(void **state) {
    (void)state;
    struct repeats r = {0};
    struct err e;
    assert_int_equal(repeats_init(&r, &e), 0);
    for (int64_t i = 0; i < 5; i++) {
        struct field f = integer("n", i % 2);
        repeats_take(&r, &(struct point){.measurement = text("m"), .fields = &f, .field_count = 1}, false);
        repeats_note(&r);
    }
    assert_int_equal(r.replaced, 4);
    /* What is taken and not noted was refused: the 0 is still what is there. */
    struct field refused = integer("n", 2), same = integer("n", 0);
    repeats_take(&r, &(struct point){.measurement = text("m"), .fields = &refused, .field_count = 1}, false);
    repeats_take(&r, &(struct point){.measurement = text("m"), .fields = &same, .field_count = 1}, false);
    repeats_note(&r);
    assert_int_equal(r.replaced, 4);
    repeats_release(&r);
}

/* `n` points of as many times, and then the first again. */
static uint64_t far_apart(int64_t n) {
    struct repeats r = {0};
    struct err e;
    assert_int_equal(repeats_init(&r, &e), 0);
    for (int64_t i = 0; i <= n; i++) {
        struct field f = integer("n", i);
        repeats_take(&r, &(struct point){.measurement = text("m"), .fields = &f, .field_count = 1, .time = i % n},
                     false);
        repeats_note(&r);
    }
    uint64_t replaced = r.replaced;
    repeats_release(&r);
    return replaced;
}

static void test_the_table_is_exact_for_as_many_as_it_says(void **state) {
    (void)state;
    assert_int_equal(far_apart(1), 1);
    assert_int_equal(far_apart(REPEATS_POINTS - 1), 1);
    assert_int_equal(far_apart(REPEATS_POINTS + 1), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_counts),
        cmocka_unit_test(test_a_value_that_comes_back_counts_again),
        cmocka_unit_test(test_the_table_is_exact_for_as_many_as_it_says),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
