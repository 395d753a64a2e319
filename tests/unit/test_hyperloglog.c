/* SPDX-License-Identifier: Apache-2.0 */
/*
 * HyperLogLog: exact while small, within its error beyond, and a function of the set.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "number_sets.h"
#include "state/hyperloglog.h"

struct fixture {
    struct state_budget budget;
    struct arena arena;
    struct random_state random;
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

/* n hashes, the same for the same seed. */
static void fill(struct fixture *f, struct hyperloglog *h, uint64_t seed, size_t n) {
    struct random_state r = {seed};
    for (size_t i = 0; i < n; i++) assert_int_equal(hyperloglog_add(h, &f->arena, random_next(&r)), 0);
}

static void small_sets_are_exact(void **state) {
    struct fixture *f = *state;
    struct hyperloglog h = {0};
    assert_int_equal(hyperloglog_estimate(&h), 0);
    struct random_state r = {1};
    for (size_t n = 1; n <= HLL_EXACT; n++) {
        uint64_t hash = random_next(&r);
        assert_int_equal(hyperloglog_add(&h, &f->arena, hash), 0);
        assert_int_equal(hyperloglog_add(&h, &f->arena, hash), 0);
        assert_int_equal(hyperloglog_estimate(&h), n);
    }
    fill(f, &h, 1, HLL_EXACT);
    assert_int_equal(hyperloglog_estimate(&h), HLL_EXACT);
    assert_null(h.registers);
    assert_int_equal(hyperloglog_add(&h, &f->arena, 77), 0);
    assert_non_null(h.registers);
    assert_true(llabs((long long)hyperloglog_estimate(&h) - (HLL_EXACT + 1)) < 40);
}

static void a_hash_of_zero_counts(void **state) {
    struct fixture *f = *state;
    struct hyperloglog h = {0};
    assert_int_equal(hyperloglog_add(&h, &f->arena, 0), 0);
    assert_int_equal(hyperloglog_add(&h, &f->arena, 0), 0);
    assert_int_equal(hyperloglog_estimate(&h), 1);
    assert_int_equal(hyperloglog_add(&h, &f->arena, UINT64_MAX), 0);
    assert_int_equal(hyperloglog_estimate(&h), 2);
}

/* The estimate of registers that are all the same follows from Ertl's formulas: with every register 1 (tau(1) = 0, z =
 * m / 2) it is m / ln 2, and with every one the highest it is beyond what 64 bits can tell apart. */
static void the_estimate_is_the_one_of_the_paper(void **state) {
    struct fixture *f = *state;
    struct hyperloglog h = {0};
    fill(f, &h, 1, HLL_EXACT + 1);
    memset(h.registers, 1, HLL_REGISTERS);
    assert_int_equal(hyperloglog_estimate(&h), llround(HLL_REGISTERS / M_LN2));
    memset(h.registers, 2, HLL_REGISTERS);
    assert_int_equal(hyperloglog_estimate(&h), llround(2 * HLL_REGISTERS / M_LN2));
    memset(h.registers, 51, HLL_REGISTERS);
    assert_true(hyperloglog_estimate(&h) > (uint64_t)1 << 62);
    /* Half of them full, half five below: z = m (tau(1/2) + 2^3) / 2^50. */
    memset(h.registers, 46, HLL_REGISTERS / 2);
    double tau = 0.5;
    for (int k = 1; k < 60; k++) tau -= pow(1 - pow(0.5, exp2(-k)), 2) * exp2(-k);
    double expected = HLL_REGISTERS * 0x1p50 / (2 * M_LN2 * (tau / 3 + 8));
    assert_true(fabs((double)hyperloglog_estimate(&h) / expected - 1) < 1e-12);
}

static void the_stated_error_holds_over_1000_sets(void **state) {
    struct fixture *f = *state;
    double squares = 0, most = 0, sum = 0;
    enum { SETS = 1000 };
    for (int set = 0; set < SETS; set++) {
        size_t n = random_size(&f->random, HLL_EXACT + 1, 100000);
        struct hyperloglog h = {0};
        fill(f, &h, random_next(&f->random), n);
        double error = (double)hyperloglog_estimate(&h) / (double)n - 1;
        hyperloglog_clear(&h, &f->arena);
        sum += error;
        squares += error * error;
        if (fabs(error) > most) most = fabs(error);
    }
    double mean = sum / SETS, rms = sqrt(squares / SETS);
    print_message("error of HyperLogLog: %.3f %% RMS, %.3f %% at most, %.3f %% on average\n", 100 * rms, 100 * most,
                  100 * mean);
    assert_true(rms <= 0.01 && rms > 0.003);
    assert_true(most < 0.04);
    assert_true(fabs(mean) < 0.002);
}

/* Over a million: the error of sets that fill the registers. */
static void large_sets(void **state) {
    struct fixture *f = *state;
    for (uint64_t seed = 1; seed <= 5; seed++) {
        struct hyperloglog h = {0};
        fill(f, &h, seed << 32, 1000000);
        assert_true(fabs((double)hyperloglog_estimate(&h) / 1e6 - 1) < 0.025);
        hyperloglog_clear(&h, &f->arena);
    }
}

static void assert_same(const struct hyperloglog *a, const struct hyperloglog *b) {
    assert_int_equal(hyperloglog_estimate(a), hyperloglog_estimate(b));
    assert_int_equal(a->registers == NULL, b->registers == NULL);
    if (a->registers) assert_memory_equal(a->registers, b->registers, HLL_REGISTERS);
}

static void order_and_parts_do_not_matter(void **state) {
    struct fixture *f = *state;
    enum { PARTS = 6, MOST = 6000 };
    static uint64_t hashes[MOST];
    for (int set = 0; set < 200; set++) {
        size_t n = random_size(&f->random, 1, MOST);
        struct hyperloglog parts[PARTS] = {0}, backward = {0};
        for (size_t i = 0; i < n; i++) {
            hashes[i] = random_next(&f->random) >> (set % 3 ? 0 : 50); /* with duplicates */
            struct hyperloglog *part = &parts[random_below(&f->random, PARTS)];
            assert_int_equal(hyperloglog_add(part, &f->arena, hashes[i]), 0);
        }
        for (size_t i = n; i-- > 0;) assert_int_equal(hyperloglog_add(&backward, &f->arena, hashes[i]), 0);
        for (size_t left = PARTS; left > 1; left--) {
            size_t from = random_below(&f->random, left - 1);
            if (set % 2) {
                struct hyperloglog swap = parts[from];
                parts[from] = parts[left - 1];
                parts[left - 1] = swap;
            }
            assert_int_equal(hyperloglog_merge(&parts[from], &f->arena, &parts[left - 1]), 0);
            hyperloglog_clear(&parts[left - 1], &f->arena);
        }
        assert_same(&parts[0], &backward);
        hyperloglog_clear(&parts[0], &f->arena);
        hyperloglog_clear(&backward, &f->arena);
    }
}

static void merging_adds_nothing_twice(void **state) {
    struct fixture *f = *state;
    static const size_t sizes[] = {0, 1, 100, HLL_EXACT, HLL_EXACT + 1, 5000};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        for (size_t j = 0; j < sizeof sizes / sizeof *sizes; j++) {
            struct hyperloglog a = {0}, b = {0}, both = {0};
            fill(f, &a, 5, sizes[i]);
            fill(f, &b, 5, sizes[j]);
            fill(f, &both, 5, sizes[i] > sizes[j] ? sizes[i] : sizes[j]);
            assert_int_equal(hyperloglog_merge(&a, &f->arena, &b), 0);
            assert_same(&a, &both);
            hyperloglog_clear(&a, &f->arena);
            hyperloglog_clear(&b, &f->arena);
            hyperloglog_clear(&both, &f->arena);
        }
    }
}

static void saved_in_the_middle_it_goes_on(void **state) {
    struct fixture *f = *state;
    static const size_t sizes[] = {0, 1, 3, 100, HLL_EXACT, HLL_EXACT + 1, 20000};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        struct hyperloglog h = {0}, g = {0};
        struct buf saved = {0};
        fill(f, &h, 9, sizes[i]);
        assert_int_equal(hyperloglog_save(&h, &saved), 0);
        assert_int_equal(buf_puts(&saved, "next"), 0);
        const char *p = saved.data;
        assert_int_equal(hyperloglog_load(&g, &f->arena, &p, saved.data + saved.len, NULL), 0);
        assert_string_equal(buf_cstr(&saved) + (p - saved.data), "next");
        assert_same(&h, &g);
        fill(f, &h, 10, 3000);
        fill(f, &g, 10, 3000);
        assert_same(&h, &g);
        hyperloglog_clear(&h, &f->arena);
        hyperloglog_clear(&g, &f->arena);
        buf_release(&saved);
    }
}

static int load(struct fixture *f, struct hyperloglog *h, const char *bytes, size_t n) {
    char *copy = malloc(n ? n : 1);
    memcpy(copy, bytes, n);
    const char *p = copy;
    int rc = hyperloglog_load(h, &f->arena, &p, copy + n, NULL);
    free(copy);
    return rc;
}

static void damaged_bytes_are_refused(void **state) {
    struct fixture *f = *state;
    struct hyperloglog h = {0}, g = {0};
    struct buf saved = {0};
    fill(f, &h, 3, 5);
    assert_int_equal(hyperloglog_save(&h, &saved), 0);
    for (size_t n = 0; n < saved.len; n++) {
        assert_int_equal(load(f, &g, saved.data, n), G_CORRUPT);
        hyperloglog_clear(&g, &f->arena);
    }
    memcpy(saved.data + 2, saved.data + 10, 8); /* a hash twice */
    assert_int_equal(load(f, &g, saved.data, saved.len), G_CORRUPT);
    hyperloglog_clear(&g, &f->arena);
    memset(saved.data + 2, 0, 8);
    assert_int_equal(load(f, &g, saved.data, saved.len), G_CORRUPT);
    hyperloglog_clear(&g, &f->arena);
    assert_int_equal(load(f, &g, "\0\x81\x0c", 3), G_CORRUPT); /* more than HLL_EXACT */
    assert_int_equal(load(f, &g, "\2\0", 2), G_CORRUPT);
    fill(f, &h, 3, 5000);
    saved.len = 0;
    assert_int_equal(hyperloglog_save(&h, &saved), 0);
    assert_int_equal(saved.len, 1 + 12288);
    assert_int_equal(load(f, &g, saved.data, saved.len - 1), G_CORRUPT);
    saved.data[7000] = (char)0xff; /* a register of 63 */
    saved.data[7001] = (char)0xff;
    assert_int_equal(load(f, &g, saved.data, saved.len), G_CORRUPT);
    hyperloglog_clear(&g, &f->arena);
    buf_release(&saved);
}

static void without_memory_it_stays_as_it_was(void **state) {
    struct fixture *f = *state;
    struct hyperloglog h = {0}, g = {0};
    struct fixture other = {0};
    arena_init(&other.arena, NULL);
    fill(&other, &g, 1, 5000);
    f->budget.limit = 10000;
    int rc = 0;
    struct random_state r = {4};
    uint64_t added = 0;
    while (rc == 0 && added < HLL_EXACT) {
        rc = hyperloglog_add(&h, &f->arena, random_next(&r));
        added += rc == 0;
    }
    assert_int_equal(rc, G_NOMEM);
    assert_int_equal(hyperloglog_estimate(&h), added);
    assert_int_equal(hyperloglog_merge(&h, &f->arena, &g), G_NOMEM);
    assert_int_equal(hyperloglog_estimate(&h), added);
    arena_release(&other.arena);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(small_sets_are_exact, begin, finish),
        cmocka_unit_test_setup_teardown(a_hash_of_zero_counts, begin, finish),
        cmocka_unit_test_setup_teardown(the_estimate_is_the_one_of_the_paper, begin, finish),
        cmocka_unit_test_setup_teardown(the_stated_error_holds_over_1000_sets, begin, finish),
        cmocka_unit_test_setup_teardown(large_sets, begin, finish),
        cmocka_unit_test_setup_teardown(order_and_parts_do_not_matter, begin, finish),
        cmocka_unit_test_setup_teardown(merging_adds_nothing_twice, begin, finish),
        cmocka_unit_test_setup_teardown(saved_in_the_middle_it_goes_on, begin, finish),
        cmocka_unit_test_setup_teardown(damaged_bytes_are_refused, begin, finish),
        cmocka_unit_test_setup_teardown(without_memory_it_stays_as_it_was, begin, finish),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
