/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table of keyed state: finding, putting, removing, growing, what changed, and the order of keys, against plain
 * models; what a key costs; and that a refusal by the budget or by the machine, at any moment, leaves a sound table.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/random.h"
#include "state/table.h"

/* ---- memory that ends -------------------------------------------------------------------------------------------- */

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(memory_sanitizer) || __has_feature(thread_sanitizer)
#define SANITIZED 1
#endif
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1
#endif

#ifndef SANITIZED
static long allocations_left = -1; /* -1: as many as wanted */

/* The allocator of the C library, behind a count. Sanitizers bring their own: there the budget alone refuses. */
void *__libc_malloc(size_t n);
void *__libc_calloc(size_t n, size_t size);
void *__libc_realloc(void *p, size_t n);

static bool allocation_fails(void) {
    if (allocations_left < 0) return false;
    if (allocations_left == 0) return true;
    allocations_left--;
    return false;
}
void *malloc(size_t n) {
    return allocation_fails() ? NULL : __libc_malloc(n);
}
void *calloc(size_t n, size_t size) {
    return allocation_fails() ? NULL : __libc_calloc(n, size);
}
void *realloc(void *p, size_t n) {
    return allocation_fails() ? NULL : __libc_realloc(p, n);
}
#endif

/* ---- helpers ----------------------------------------------------------------------------------------------------- */

static const struct table_key hash_key = {{0x0706050403020100, 0x0f0e0d0c0b0a0908}};

struct fixture {
    struct state_budget budget;
    struct arena arena;
    struct table table;
};

static void setup(struct fixture *f, size_t value_size, size_t limit) {
    *f = (struct fixture){.budget.limit = limit};
    arena_init(&f->arena, &f->budget);
    assert_int_equal(table_init(&f->table, &f->arena, value_size, NULL), 0);
}

static void teardown(struct fixture *f) {
    table_release(&f->table);
    arena_release(&f->arena);
    assert_int_equal(f->budget.used, 0);
}

static struct entry *put(struct table *t, const char *key, bool expect_new) {
    bool new = !expect_new;
    struct entry *x = table_put(t, table_hash(&hash_key, key, strlen(key)), key, strlen(key), &new);
    assert_non_null(x);
    assert_true(new == expect_new);
    return x;
}

static struct entry *find(const struct table *t, const char *key) {
    return table_find(t, table_hash(&hash_key, key, strlen(key)), key, strlen(key));
}

static int compare_keys(const struct entry *a, const struct entry *b, size_t value_size) {
    size_t n = a->key_size < b->key_size ? a->key_size : b->key_size;
    int c = memcmp(entry_key(a, value_size), entry_key(b, value_size), n);
    return c ? c : (a->key_size > b->key_size) - (a->key_size < b->key_size);
}

static size_t sort_value_size;
static int compare_entries(const void *a, const void *b) {
    return compare_keys(*(struct entry *const *)a, *(struct entry *const *)b, sort_value_size);
}

/* What table_sorted gives is what qsort gives; then the table is released. */
static void check_sorted(struct fixture *f, bool consume) {
    struct table *t = &f->table;
    size_t n = t->count, m = 0, at = 0;
    struct entry **expect = malloc((n + 1) * sizeof *expect);
    for (struct entry *x; (x = table_next(t, &at)); m++) {
        assert_true(m < n);
        expect[m] = x;
    }
    assert_int_equal(m, n);
    sort_value_size = t->value_size;
    qsort(expect, n, sizeof *expect, compare_entries);
    size_t used = f->budget.used;
    struct entry **sorted = table_sorted(t, consume);
    assert_non_null(sorted);
    for (size_t i = 0; i < n; i++)
        if (sorted[i] != expect[i]) fail_msg("entry %zu of %zu is out of order", i, n);
    if (!consume) assert_int_equal(f->budget.used, used + 16 + n * sizeof *sorted);
    table_sorted_free(t, sorted);
    if (!consume) assert_int_equal(f->budget.used, used);
    free(expect);
}

/* ---- plain use --------------------------------------------------------------------------------------------------- */

static void put_says_whether_the_key_is_new(void **state) {
    (void)state;
    struct fixture f;
    setup(&f, 16, 0);
    struct table *t = &f.table;
    assert_null(find(t, "a"));
    struct entry *a = put(t, "a", true), *b = put(t, "b", true);
    assert_ptr_not_equal(a, b);
    assert_memory_equal(entry_value(a), "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 16);
    assert_int_equal(a->flags, 0);
    assert_int_equal(a->key_size, 1);
    assert_memory_equal(entry_key(a, 16), "a", 1);
    memset(entry_value(a), 'v', 16);
    assert_ptr_equal(put(t, "a", false), a);
    assert_memory_equal(entry_value(a), "vvvvvvvvvvvvvvvv", 16);
    assert_ptr_equal(find(t, "b"), b);
    assert_null(find(t, "c"));
    assert_int_equal(t->count, 2);
    teardown(&f);
}

static void a_removed_key_comes_back_zeroed(void **state) {
    (void)state;
    struct fixture f;
    setup(&f, 8, 0);
    struct entry *a = put(&f.table, "a", true);
    memset(entry_value(a), 'v', 8);
    a->flags |= 2u;
    table_remove(&f.table, a);
    assert_null(find(&f.table, "a"));
    assert_int_equal(f.table.count, 0);
    struct entry *again = put(&f.table, "a", true);
    assert_ptr_equal(again, a); /* its memory was given back */
    assert_int_equal(again->flags, 0);
    assert_memory_equal(entry_value(again), "\0\0\0\0\0\0\0\0", 8);
    teardown(&f);
}

static void keys_are_bytes(void **state) {
    (void)state;
    static char big[70000];
    static const size_t sizes[] = {0, 1, 2, 8, 9, 69999, 70000};
    struct fixture f;
    struct entry *x[7];
    bool new;
    setup(&f, 0, 0);
    for (int i = 0; i < 7; i++) {
        uint64_t h = table_hash(&hash_key, big, sizes[i]);
        x[i] = table_put(&f.table, h, i ? big : NULL, sizes[i], &new);
        assert_true(new);
    }
    for (int i = 0; i < 7; i++) {
        uint64_t h = table_hash(&hash_key, big, sizes[i]);
        assert_ptr_equal(table_find(&f.table, h, i ? big : NULL, sizes[i]), x[i]);
        assert_ptr_equal(table_put(&f.table, h, big, sizes[i], &new), x[i]);
        assert_false(new);
    }
    struct entry **sorted = table_sorted(&f.table, false);
    for (int i = 0; i < 7; i++) assert_ptr_equal(sorted[i], x[i]);
    table_sorted_free(&f.table, sorted);
    teardown(&f);
}

static void the_hash_is_siphash_with_the_given_key(void **state) {
    (void)state;
    /* vectors.h of the paper's reference code: the messages 00, 00 01, …; here of 0 and 15 bytes */
    static const unsigned char message[15] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14};
    assert_true(table_hash(&hash_key, message, 0) == 0x726fdb47dd0e0e31);
    assert_true(table_hash(&hash_key, message, 15) == 0xa129ca6149be45e5);
}

static void an_empty_table_is_sorted_too(void **state) {
    (void)state;
    struct fixture f;
    for (int consume = 0; consume < 2; consume++) {
        setup(&f, 8, 0);
        size_t at = 0;
        assert_null(table_next(&f.table, &at));
        struct entry **sorted = table_sorted(&f.table, consume);
        assert_non_null(sorted);
        table_sorted_free(&f.table, sorted);
        table_sorted_free(&f.table, NULL);
        teardown(&f);
    }
    struct table zero = {0};
    table_release(&zero);
}

/* ---- against a model --------------------------------------------------------------------------------------------- */

enum { KEYS = 3000 };
struct model {
    struct entry *at[KEYS];
    uint64_t value[KEYS];
    int order[KEYS]; /* dirty ones, by their first change */
    size_t dirty, count;
};

static size_t key_text(char out[64], int id) {
    return (size_t)snprintf(out, 64, "key %d%.*s", id, id % 37, "-------------------------------------");
}

/* Hashes that are good, that have few homes, that all have their homes at the end of the slots, and that are equal. */
static uint64_t model_hash(int kind, const char *key, size_t n) {
    uint64_t h = table_hash(&hash_key, key, n);
    switch (kind) {
    case 1: return h & 0xffff00000000000f;
    case 2: return h | 0x0000fffffffffff8;
    case 3: return 42;
    default: return h;
    }
}

static void model_drop_dirty(struct model *m, int id) {
    size_t kept = 0;
    for (size_t i = 0; i < m->dirty; i++)
        if (m->order[i] != id) m->order[kept++] = m->order[i];
    m->dirty = kept;
}

static void model_check(struct table *t, const struct model *m, int kind) {
    char key[64];
    size_t at = 0, seen = 0, dirty;
    assert_int_equal(t->count, m->count);
    for (int id = 0; id < KEYS; id++) {
        size_t n = key_text(key, id);
        struct entry *x = table_find(t, model_hash(kind, key, n), key, n);
        if (x != m->at[id]) fail_msg("key %d is not where it was put", id);
        if (x && *(uint64_t *)entry_value(x) != m->value[id]) fail_msg("key %d has another value", id);
    }
    while (table_next(t, &at)) seen++;
    assert_int_equal(seen, m->count);
    struct entry **list = table_dirty(t, &dirty);
    assert_int_equal(dirty, m->dirty);
    for (size_t i = 0; i < dirty; i++) {
        assert_ptr_equal(list[i], m->at[m->order[i]]);
        assert_int_equal(list[i]->flags, ENTRY_DIRTY);
    }
}

static void model_step(struct table *t, struct model *m, struct rng *r, int kind, int keys) {
    char key[64];
    int id = (int)rng_below(r, (uint64_t)keys);
    size_t n = key_text(key, id);
    uint64_t h = model_hash(kind, key, n);
    struct entry *x = m->at[id];
    bool new, dirty = x && x->flags &ENTRY_DIRTY;
    switch (rng_below(r, 6)) {
    case 0:
    case 1:
    case 2: /* a new value */
        x = table_put(t, h, key, n, &new);
        assert_non_null(x);
        assert_true(new == !m->at[id]);
        if (new) assert_int_equal(*(uint64_t *)entry_value(x), 0);
        m->count += new;
        m->at[id] = x;
        *(uint64_t *)entry_value(x) = m->value[id] = rng_next(r);
        if (!dirty) m->order[m->dirty++] = id;
        assert_int_equal(table_touch(t, x), 0);
        return;
    case 3:
    case 4:
        if (!x) return;
        if (dirty) model_drop_dirty(m, id);
        table_remove(t, x);
        m->at[id] = NULL;
        m->count--;
        return;
    default:
        if (rng_below(r, 2000)) return;
        table_clean(t);
        for (int i = 0; i < KEYS; i++) assert_true(!m->at[i] || m->at[i]->flags == 0);
        m->dirty = 0;
    }
}

static void random_operations(int kind, int keys, int steps, uint64_t seed) {
    static struct model m;
    memset(&m, 0, sizeof m);
    struct fixture f;
    struct rng r;
    rng_init(&r, seed);
    setup(&f, 8, 0);
    f.table.track = true;
    for (int i = 0; i < steps; i++) {
        model_step(&f.table, &m, &r, kind, keys);
        if (i % (steps / 20) == 0) model_check(&f.table, &m, kind);
    }
    model_check(&f.table, &m, kind);
    check_sorted(&f, false);
    check_sorted(&f, true);
    teardown(&f);
}

static void random_operations_do_what_a_model_does(void **state) {
    (void)state;
    random_operations(0, KEYS, 60000, 1);
    random_operations(0, 20, 20000, 2);
}

static void hashes_that_collide_do_no_harm(void **state) {
    (void)state;
    random_operations(1, 700, 15000, 3);
    random_operations(2, 700, 15000, 4);
    random_operations(2, 12, 15000, 5);
    random_operations(3, 300, 8000, 6);
}

/* ---- what changed ------------------------------------------------------------------------------------------------ */

static void nothing_is_tracked_unless_asked_for(void **state) {
    (void)state;
    struct fixture f;
    size_t n;
    setup(&f, 8, 0);
    struct entry *a = put(&f.table, "a", true);
    assert_int_equal(table_touch(&f.table, a), 0);
    assert_int_equal(a->flags, 0);
    table_dirty(&f.table, &n);
    assert_int_equal(n, 0);
    teardown(&f);
}

static void removed_dirty_entries_do_not_pile_up(void **state) {
    (void)state;
    struct fixture f;
    size_t n, after = 0;
    setup(&f, 8, 0);
    f.table.track = true;
    struct entry *stays = put(&f.table, "stays", true);
    assert_int_equal(table_touch(&f.table, stays), 0);
    stays->flags |= ~(ENTRY_DIRTY | ENTRY_GONE); /* the caller's */
    for (int i = 0; i < 100000; i++) {
        char key[32];
        (void)snprintf(key, sizeof key, "%d", 100000 + i);
        struct entry *x = put(&f.table, key, true);
        assert_int_equal(table_touch(&f.table, x), 0);
        table_remove(&f.table, x);
        if (i == 100) after = f.budget.used;
    }
    assert_int_equal(f.budget.used, after);
    struct entry **list = table_dirty(&f.table, &n);
    assert_int_equal(n, 1);
    assert_ptr_equal(list[0], stays);
    table_clean(&f.table);
    table_dirty(&f.table, &n);
    assert_int_equal(n, 0);
    assert_int_equal(stays->flags, ~(ENTRY_DIRTY | ENTRY_GONE));
    teardown(&f);
}

/* ---- order ------------------------------------------------------------------------------------------------------- */

struct shape {
    size_t keys, common, least, most; /* a key: common bytes of 'c', then least..most of the alphabet */
    const char *alphabet;
    size_t letters;
};

static void random_keys(struct fixture *f, const struct shape *s, uint64_t seed) {
    struct rng r;
    char key[4096];
    bool new;
    rng_init(&r, seed);
    for (size_t i = 0; i < s->keys; i++) {
        size_t n = s->common + s->least + rng_below(&r, s->most - s->least + 1);
        memset(key, 'c', s->common);
        for (size_t k = s->common; k < n; k++)
            key[k] = s->alphabet ? s->alphabet[rng_below(&r, s->letters)] : (char)rng_below(&r, 256);
        if (i % 50 == 49) n = rng_below(&r, s->common + 1); /* some that are a beginning of all others */
        assert_non_null(table_put(&f->table, table_hash(&hash_key, key, n), key, n, &new));
    }
}

static void keys_of_all_shapes_are_sorted_as_qsort_does(void **state) {
    (void)state;
    static const struct shape shapes[] = {
        {20000, 0, 0, 20, NULL, 0},
        {20000, 0, 0, 12, "\0\1", 2},
        {20000, 30, 0, 12, "\0\xff", 2},
        {5000, 0, 16, 16, NULL, 0},
        {20000, 6, 1, 7, "0123456789", 10},
        {20000, 0, 0, 3, NULL, 0},
        {3000, 500, 0, 60, "ab", 2},
        {2000, 8, 0, 8, "\0", 1},
        {2000, 0, 40, 60, "\0\0\0\0\0\0\0\0a", 9},
        {2000, 0, 0, 3000, "\0\0\0\0a", 5},
        {24, 3, 0, 9, "\0a", 2},
        {25, 3, 0, 90, "\0a", 2},
        {1, 0, 0, 5, NULL, 0},
        {2, 70, 0, 5, NULL, 0},
    };
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        struct fixture f;
        setup(&f, 8 * (i % 6), 0);
        random_keys(&f, &shapes[i], i + 1);
        check_sorted(&f, false);
        check_sorted(&f, true);
        teardown(&f);
    }
}

static void keys_that_begin_one_another_need_no_deep_stack(void **state) {
    (void)state;
    static char key[2500];
    struct fixture f;
    bool new;
    setup(&f, 8, 0);
    memset(key, 'x', sizeof key);
    for (size_t n = 0; n < sizeof key; n++)
        assert_non_null(table_put(&f.table, table_hash(&hash_key, key, n), key, n, &new));
    struct entry **sorted = table_sorted(&f.table, false);
    for (size_t i = 0; i < sizeof key; i++) assert_int_equal(sorted[i]->key_size, i);
    table_sorted_free(&f.table, sorted);
    check_sorted(&f, true);
    teardown(&f);
}

/* ---- cost -------------------------------------------------------------------------------------------------------- */

/* n keys as a window over user names has them, 40 bytes of value: never more than 100 bytes a key beyond the key, the
 * doubling of slots and sorting included. */
static void check_cost(uint32_t n) {
    struct fixture f;
    size_t key_bytes = 0;
    setup(&f, 40, 0);
    for (uint32_t i = 0; i < n; i++) {
        char key[16] = "\"user";
        size_t size = 5;
        for (uint32_t v = i * 2654435761u; size < 14; v /= 8) key[size++] = (char)('0' + v % 8); /* 27 bits: distinct */
        key[size++] = '"';
        bool new;
        struct entry *x = table_put(&f.table, table_hash(&hash_key, key, size), key, size, &new);
        assert_true(x && new);
        *(uint64_t *)entry_value(x) = i;
        key_bytes += size;
    }
    struct entry **sorted = table_sorted(&f.table, true);
    for (size_t i = 1; i < n; i++)
        if (compare_keys(sorted[i - 1], sorted[i], 40) >= 0) fail_msg("entry %zu is out of order", i);
    table_sorted_free(&f.table, sorted);
    assert_in_range(f.budget.most - key_bytes, 0, 100 * (size_t)n);
    teardown(&f);
}

static void a_million_keys_cost_at_most_100_bytes_beyond_the_key(void **state) {
    (void)state;
    check_cost(1000000);
}

static void so_do_as_many_as_have_just_doubled_the_slots(void **state) {
    (void)state;
    check_cost((1 << 18) / 4 * 3 + 1);
}

/* ---- refusals ---------------------------------------------------------------------------------------------------- */

/* Put keys until one is refused: all before are there, and nothing else. Returns how many. */
static size_t fill(struct table *t, size_t most) {
    char key[32];
    bool new;
    size_t n = 0;
    for (; n < most; n++) {
        size_t size = (size_t)snprintf(key, sizeof key, "%zu", n);
        if (!table_put(t, table_hash(&hash_key, key, size), key, size, &new)) break;
    }
    assert_int_equal(t->count, n);
    for (size_t i = 0; i < n + 10; i++) {
        size_t size = (size_t)snprintf(key, sizeof key, "%zu", i);
        assert_true((table_find(t, table_hash(&hash_key, key, size), key, size) != NULL) == (i < n));
    }
    return n;
}

static void the_budget_refuses_and_the_table_goes_on(void **state) {
    (void)state;
    struct err e;
    for (size_t limit = 200; limit < 400000; limit = limit * 5 / 4) {
        struct fixture f;
        setup(&f, 24, limit);
        size_t n = fill(&f.table, SIZE_MAX);
        assert_true(f.budget.exhausted && f.budget.most <= limit);
        assert_int_equal(budget_error(&f.budget, &e), G_NOMEM);
        f.budget.limit *= 4;
        assert_true(fill(&f.table, SIZE_MAX) > n || limit < 4096);
        f.budget.limit = f.budget.used + 15 + 16 * f.table.count;
        assert_null(table_sorted(&f.table, false));
        f.budget.limit++;
        check_sorted(&f, false);
        f.budget.limit = f.budget.used; /* not a byte more, and yet everything comes out */
        f.budget.exhausted = false;
        check_sorted(&f, true);
        assert_false(f.budget.exhausted);
        teardown(&f);
    }
    struct state_budget none = {.limit = 1};
    struct arena a;
    struct table t;
    arena_init(&a, &none);
    assert_int_equal(table_init(&t, &a, 8, &e), G_NOMEM);
    assert_string_equal(e.text, "state is over 1 B (--max-state)");
}

static void the_list_of_changes_is_counted_and_refused(void **state) {
    (void)state;
    struct fixture f;
    size_t n;
    setup(&f, 8, 0);
    f.table.track = true;
    fill(&f.table, 1000);
    size_t used = f.budget.used, at = 0, touched = 0;
    f.budget.limit = used + 200 * 8;
    for (struct entry *x; (x = table_next(&f.table, &at)); touched++)
        if (table_touch(&f.table, x) < 0) {
            assert_int_equal(x->flags, 0);
            break;
        }
    assert_int_equal(touched, 128);
    assert_int_equal(f.budget.used, used + 128 * 8);
    table_dirty(&f.table, &n);
    assert_int_equal(n, 128);
    teardown(&f);
}

#ifndef SANITIZED /* a sanitizer's own malloc cannot be made to fail */

static void every_allocation_may_fail(void **state) {
    (void)state;
    for (long fail_at = 0; fail_at < 30; fail_at++) {
        struct fixture f = {0};
        arena_init(&f.arena, &f.budget);
        allocations_left = fail_at;
        int g = table_init(&f.table, &f.arena, 40, NULL);
        f.table.track = true;
        size_t n = g < 0 ? 0 : fill(&f.table, 1000), at = 0, dirty;
        for (struct entry *x; n && (x = table_next(&f.table, &at));)
            if (table_touch(&f.table, x) < 0) break;
        struct entry **sorted = g < 0 ? NULL : table_sorted(&f.table, false);
        struct entry **consumed = g < 0 || sorted ? NULL : table_sorted(&f.table, true);
        allocations_left = -1;
        assert_int_equal(g, fail_at ? 0 : G_NOMEM);
        if (consumed) {
            table_sorted_free(&f.table, consumed);
            teardown(&f);
            continue;
        }
        if (g == 0) {
            if (sorted) assert_int_equal(n, 1000);
            table_sorted_free(&f.table, sorted);
            table_dirty(&f.table, &dirty);
            assert_true(dirty <= n);
            assert_int_equal(fill(&f.table, 1200), 1200);
            check_sorted(&f, true);
        }
        teardown(&f);
    }
}

static void consuming_survives_an_allocation_that_fails(void **state) {
    (void)state;
    struct fixture f;
    setup(&f, 8, 0);
    assert_int_equal(fill(&f.table, 12), 12); /* 16 slots: 128 bytes; 12 items want more */
    allocations_left = 0;
    struct entry **sorted = table_sorted(&f.table, true);
    allocations_left = -1;
    assert_null(sorted);
    assert_int_equal(fill(&f.table, 100), 100);
    teardown(&f);
}

#endif

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(put_says_whether_the_key_is_new),
        cmocka_unit_test(a_removed_key_comes_back_zeroed),
        cmocka_unit_test(keys_are_bytes),
        cmocka_unit_test(the_hash_is_siphash_with_the_given_key),
        cmocka_unit_test(an_empty_table_is_sorted_too),
        cmocka_unit_test(random_operations_do_what_a_model_does),
        cmocka_unit_test(hashes_that_collide_do_no_harm),
        cmocka_unit_test(nothing_is_tracked_unless_asked_for),
        cmocka_unit_test(removed_dirty_entries_do_not_pile_up),
        cmocka_unit_test(keys_of_all_shapes_are_sorted_as_qsort_does),
        cmocka_unit_test(keys_that_begin_one_another_need_no_deep_stack),
        cmocka_unit_test(a_million_keys_cost_at_most_100_bytes_beyond_the_key),
        cmocka_unit_test(so_do_as_many_as_have_just_doubled_the_slots),
        cmocka_unit_test(the_budget_refuses_and_the_table_goes_on),
        cmocka_unit_test(the_list_of_changes_is_counted_and_refused),
#ifndef SANITIZED
        cmocka_unit_test(every_allocation_may_fail),
        cmocka_unit_test(consuming_survives_an_allocation_that_fails),
#endif
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
