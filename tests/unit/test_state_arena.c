/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory of keyed state: what a block costs, that it is zeroed and nobody else's, that memory that is given back is
 * used again, and that the budget and the machine can refuse at any moment.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/random.h"
#include "state/arena.h"

static bool all_are(const void *p, size_t n, unsigned char byte) {
    const unsigned char *b = p;
    for (size_t i = 0; i < n; i++)
        if (b[i] != byte) return false;
    return true;
}

static void small_blocks_cost_their_size_rounded_to_8(void **state) {
    (void)state;
    struct state_budget budget = {0};
    struct arena a;
    arena_init(&a, &budget);
    assert_int_equal(budget.used, 0);
    char *first = arena_alloc(&a, 24);
    assert_int_equal(budget.used, 4096);
    assert_ptr_equal(arena_alloc(&a, 17), first + 24);
    assert_ptr_equal(arena_take(&a, 1), first + 48);
    assert_ptr_equal(arena_take(&a, 1017), first + 56);
    assert_ptr_equal(arena_take(&a, 0), first + 56 + 1024);
    assert_ptr_equal(arena_take(&a, 8), first + 64 + 1024);
    arena_release(&a);
    assert_int_equal(budget.used, 0);
    assert_int_equal(budget.most, 4096);
}

static void many_small_blocks_cost_little_more_than_their_bytes(void **state) {
    (void)state;
    struct state_budget budget = {0};
    struct arena a;
    arena_init(&a, &budget);
    for (int i = 0; i < 200000; i++) assert_non_null(arena_alloc(&a, 72));
    assert_in_range(budget.used, 200000 * 72, 200000 * 72 + (1 << 20) + 8192);
    arena_release(&a);
    assert_int_equal(budget.used, 0);
}

/* Go on to a chunk of 1 MiB of which nearly nothing is used. */
static void chunk_begin(struct arena *a) {
    size_t used;
    do {
        used = a->budget->used;
        assert_non_null(arena_take(a, 1000));
    } while (a->budget->used == used || used < 2 << 20);
}

static void sizes_beyond_1_kib_cost_at_most_a_quarter_more(void **state) {
    (void)state;
    struct state_budget budget = {0};
    struct arena a;
    arena_init(&a, &budget);
    for (size_t n = 1025; n <= ARENA_BLOCK_MAX; n = n * 51 / 50 + 1) {
        chunk_begin(&a);
        char *p = arena_take(&a, n), *q = arena_take(&a, n);
        assert_non_null(p);
        assert_in_range(q - p, n, n + n / 4);
    }
    arena_release(&a);
}

static void a_block_given_back_is_the_next_of_its_class(void **state) {
    (void)state;
    static const size_t sizes[] = {1, 8, 9, 72, 1024, 1025, 1280, 1281, 5000, 16384, ARENA_BLOCK_MAX};
    struct state_budget budget = {0};
    struct arena a;
    arena_init(&a, &budget);
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        void *p = arena_take(&a, sizes[i]), *other = arena_take(&a, sizes[i]);
        assert_non_null(p);
        memset(p, 'x', sizes[i]);
        arena_give(&a, p, sizes[i]);
        size_t used = budget.used;
        void *again = arena_take(&a, sizes[i]);
        assert_ptr_equal(again, p);
        assert_ptr_not_equal(again, other);
        assert_true(all_are(again, sizes[i], 0));
        assert_int_equal(budget.used, used);
    }
    arena_give(&a, NULL, 10);
    arena_release(&a);
    assert_int_equal(budget.used, 0);
}

static void a_large_block_goes_back_to_the_system(void **state) {
    (void)state;
    struct state_budget budget = {0};
    struct arena a;
    arena_init(&a, &budget);
    char *p = arena_take(&a, ARENA_BLOCK_MAX + 1), *q = arena_take(&a, 1000000), *r = arena_take(&a, 2000000);
    assert_true(all_are(p, ARENA_BLOCK_MAX + 1, 0) && all_are(q, 1000000, 0));
    assert_in_range(budget.used, 3032769, 3032769 + 3 * 64);
    arena_give(&a, q, 1000000); /* from the middle of the list, then its two ends */
    assert_in_range(budget.used, 2032769, 2032769 + 2 * 64);
    arena_give(&a, r, 2000000);
    arena_give(&a, p, ARENA_BLOCK_MAX + 1);
    assert_int_equal(budget.used, 0);
    assert_non_null(arena_take(&a, 50000));
    arena_release(&a); /* takes it along */
    assert_int_equal(budget.used, 0);
}

static void the_rest_of_a_full_chunk_is_used(void **state) {
    (void)state;
    struct arena a;
    arena_init(&a, NULL);
    char *old = arena_take(&a, 3072);
    char *new = arena_take(&a, 5120);
    assert_ptr_equal(arena_take(&a, 16), new + 5120); /* the new chunk has more room left */
    assert_ptr_equal(arena_take(&a, 992), old + 3072);
    arena_release(&a);

    old = arena_take(&a, 24);
    new = arena_take(&a, 7168);
    assert_ptr_equal(arena_take(&a, 16), old + 24); /* the old one has */
    assert_ptr_equal(arena_take(&a, 992), new + 7168);
    arena_release(&a);

    old = arena_take(&a, 1000);
    new = arena_take(&a, 5120); /* leaves 3040 bytes: 2560 and 480 */
    assert_ptr_equal(arena_take(&a, 16), old + 1000);
    assert_ptr_equal(arena_take(&a, 2560), new + 5120);
    assert_ptr_equal(arena_take(&a, 480), new + 5120 + 2560);
    arena_release(&a);
}

static void growing_keeps_the_content_and_zeroes_the_rest(void **state) {
    (void)state;
    struct state_budget budget = {0};
    struct arena a;
    arena_init(&a, &budget);
    size_t n = 3;
    char *p = arena_grow(&a, NULL, 0, n);
    memset(p, 'a', n);
    char *same = arena_grow(&a, p, 3, 8);
    assert_ptr_equal(same, p);
    assert_true(all_are(p, 3, 'a') && all_are(p + 3, 5, 0));
    memset(p, 'a', 8);
    n = 8;
    while (n < 5000000) {
        size_t to = n + n / 3 + 1;
        assert_non_null(arena_take(&a, 16)); /* so that nothing grows into free room */
        p = arena_grow(&a, p, n, to);
        assert_non_null(p);
        assert_true(all_are(p, n, 'a') && all_are(p + n, to - n, 0));
        memset(p, 'a', to);
        n = to;
    }
    arena_give(&a, p, n);
    arena_release(&a);
    assert_int_equal(budget.used, 0);
}

static void the_budget_refuses_what_is_over_it(void **state) {
    (void)state;
    struct state_budget budget = {.limit = 65536};
    struct err e;
    struct arena a, b;
    arena_init(&a, &budget);
    arena_init(&b, &budget);
    assert_int_equal(budget_error(&budget, &e), G_NOMEM);
    assert_string_equal(e.text, "out of memory");
    char *p = arena_take(&a, 40000);
    assert_non_null(p);
    assert_false(budget.exhausted);
    assert_null(arena_take(&b, 40000));
    assert_true(budget.exhausted);
    assert_int_equal(budget_error(&budget, &e), G_NOMEM);
    assert_string_equal(e.text, "state is over 64 KiB (--max-state)");
    memset(p, 'p', 40000);
    assert_null(arena_grow(&a, p, 40000, 65536));
    assert_true(all_are(p, 40000, 'p'));
    char *q = arena_take(&b, 10000);
    memset(q, 'q', 10000);
    assert_null(arena_grow(&b, q, 10000, 30000));
    assert_true(all_are(q, 10000, 'q'));
    arena_give(&a, p, 40000);
    assert_non_null(arena_take(&b, 40000));
    arena_release(&b);
    assert_int_equal(budget.used, 0);
    arena_release(&a);
    assert_in_range(budget.most, 50000, 65536);
}

static void a_list_grows_within_the_budget(void **state) {
    (void)state;
    struct state_budget budget = {0};
    size_t cap = 0;
    budget_set_limit(&budget, 3000);
    assert_int_equal(budget.limit, 3000);
    uint64_t *list = budget_grow_list(&budget, NULL, &cap, sizeof *list);
    assert_int_equal(cap, 64);
    assert_int_equal(budget.used, 512);
    for (size_t i = 0; i < cap; i++) list[i] = i;
    list = budget_grow_list(&budget, list, &cap, sizeof *list);
    list = budget_grow_list(&budget, list, &cap, sizeof *list);
    assert_int_equal(cap, 256);
    assert_int_equal(budget.used, 2048);
    assert_null(budget_grow_list(&budget, list, &cap, sizeof *list));
    assert_int_equal(cap, 256);
    assert_int_equal(budget.used, 2048);
    for (size_t i = 0; i < 64; i++) assert_int_equal(list[i], i);
    free(list);
    budget_set_limit(&budget, 0);
    assert_in_range(budget.limit, 1 << 20, SIZE_MAX);
}

static void a_budget_counts_exactly_to_its_limit(void **state) {
    (void)state;
    struct state_budget budget = {.limit = 100};
    assert_int_equal(budget_take(&budget, 100), 0);
    assert_int_equal(budget_take(&budget, 1), G_NOMEM);
    budget_force(&budget, 20);
    assert_int_equal(budget.most, 120);
    assert_int_equal(budget_take(&budget, 0), G_NOMEM);
    budget_give(&budget, 21);
    assert_int_equal(budget_take(&budget, SIZE_MAX), G_NOMEM);
    assert_int_equal(budget_take(&budget, 1), 0);
    assert_int_equal(budget.used, 100);
    budget = (struct state_budget){.used = 100};
    assert_int_equal(budget_take(&budget, SIZE_MAX - 99), G_NOMEM);
    assert_false(budget.exhausted);
}

static void impossible_sizes_are_no_memory(void **state) {
    (void)state;
    struct state_budget budget = {0};
    struct arena a;
    arena_init(&a, &budget);
    assert_null(arena_take(&a, SIZE_MAX));
    assert_null(arena_take(&a, SIZE_MAX - 8));
    assert_null(arena_take(&a, SIZE_MAX / 2));
    char *p = arena_take(&a, 100000);
    assert_null(arena_grow(&a, p, 100000, SIZE_MAX - 4));
    assert_true(all_are(p, 100000, 0));
    arena_release(&a);
    assert_int_equal(budget.used, 0);
}

/* Blocks of all sizes, taken, grown and given back by chance: nobody writes into another's. */
struct block {
    unsigned char *p;
    size_t n;
    unsigned char byte;
};

static size_t random_size(struct rng *r) {
    switch (rng_below(r, 8)) {
    case 0: return 900 + rng_below(r, 4000);
    case 1: return rng_below(r, 8) ? 30000 + rng_below(r, 5000) : rng_below(r, 200000);
    default: return rng_below(r, 200);
    }
}

static void blocks_step(struct arena *a, struct rng *r, struct block *b) {
    if (!b->p) {
        *b = (struct block){.n = random_size(r), .byte = (unsigned char)rng_below(r, 256)};
        b->p = arena_take(a, b->n);
        if (!b->p) return;
        assert_int_equal((uintptr_t)b->p % 8, 0);
        assert_true(all_are(b->p, b->n, 0));
        memset(b->p, b->byte, b->n);
        return;
    }
    assert_true(all_are(b->p, b->n, b->byte));
    if (rng_below(r, 3)) {
        arena_give(a, b->p, b->n);
        b->p = NULL;
        return;
    }
    size_t n = b->n + rng_below(r, b->n + 20);
    unsigned char *p = arena_grow(a, b->p, b->n, n);
    if (!p) return;
    assert_true(all_are(p, b->n, b->byte) && all_are(p + b->n, n - b->n, 0));
    memset(p, b->byte, n);
    b->p = p;
    b->n = n;
}

static void random_blocks(size_t limit, uint64_t seed) {
    enum { BLOCKS = 400, STEPS = 40000 };
    static struct block blocks[BLOCKS];
    memset(blocks, 0, sizeof blocks);
    struct state_budget budget = {.limit = limit};
    struct rng r;
    struct arena a;
    rng_init(&r, seed);
    arena_init(&a, &budget);
    for (int i = 0; i < STEPS; i++) blocks_step(&a, &r, &blocks[rng_below(&r, BLOCKS)]);
    size_t held = 0;
    for (int i = 0; i < BLOCKS; i++) {
        if (!blocks[i].p) continue;
        assert_true(all_are(blocks[i].p, blocks[i].n, blocks[i].byte));
        held += blocks[i].n;
    }
    assert_true(budget.used >= held);
    assert_true(!limit || budget.most <= limit);
    assert_true(budget.exhausted == (limit != 0));
    arena_release(&a);
    assert_int_equal(budget.used, 0);
}

static void random_blocks_are_nobody_elses(void **state) {
    (void)state;
    random_blocks(0, 1);
    random_blocks(0, 2);
}

static void random_blocks_at_the_limit(void **state) {
    (void)state;
    random_blocks(500000, 3);
    random_blocks(1000000, 4);
}

static void taking_and_giving_forever_needs_no_more_memory(void **state) {
    (void)state;
    struct state_budget budget = {0};
    struct rng r;
    struct arena a;
    void *held[100] = {0};
    size_t size[100] = {0}, after = 0;
    rng_init(&r, 5);
    arena_init(&a, &budget);
    for (int i = 0; i < 400000; i++) {
        size_t k = rng_below(&r, 100);
        arena_give(&a, held[k], size[k]);
        size[k] = 40 + rng_below(&r, 64);
        held[k] = arena_grow(&a, arena_take(&a, size[k] - 39), size[k] - 39, size[k]);
        if (i == 200000) after = budget.used;
    }
    assert_int_equal(budget.used, after);
    assert_true(budget.used <= 65536);
    arena_release(&a);
}

static void an_arena_can_be_released_twice_and_used_again(void **state) {
    (void)state;
    struct state_budget budget = {0};
    struct arena a = {0};
    arena_release(&a);
    assert_non_null(arena_take(&a, 10));
    assert_non_null(arena_take(&a, 100000));
    arena_release(&a);
    arena_release(&a);
    arena_init(&a, &budget);
    assert_non_null(arena_take(&a, 10));
    arena_release(&a);
    assert_ptr_equal(a.budget, &budget);
    assert_non_null(arena_take(&a, 10));
    assert_int_equal(budget.used, 4096);
    arena_release(&a);
    assert_int_equal(budget.used, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(small_blocks_cost_their_size_rounded_to_8),
        cmocka_unit_test(many_small_blocks_cost_little_more_than_their_bytes),
        cmocka_unit_test(sizes_beyond_1_kib_cost_at_most_a_quarter_more),
        cmocka_unit_test(a_block_given_back_is_the_next_of_its_class),
        cmocka_unit_test(a_large_block_goes_back_to_the_system),
        cmocka_unit_test(the_rest_of_a_full_chunk_is_used),
        cmocka_unit_test(growing_keeps_the_content_and_zeroes_the_rest),
        cmocka_unit_test(the_budget_refuses_what_is_over_it),
        cmocka_unit_test(a_list_grows_within_the_budget),
        cmocka_unit_test(a_budget_counts_exactly_to_its_limit),
        cmocka_unit_test(impossible_sizes_are_no_memory),
        cmocka_unit_test(random_blocks_are_nobody_elses),
        cmocka_unit_test(random_blocks_at_the_limit),
        cmocka_unit_test(taking_and_giving_forever_needs_no_more_memory),
        cmocka_unit_test(an_arena_can_be_released_twice_and_used_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
