/* SPDX-License-Identifier: Apache-2.0 */
/*
 * DDSketch: the bins keep what the header proves, the stated error holds over many sets, and the sketch is the same
 * bytes in whatever order and parts its values came.
 */
#include <float.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "number_sets.h"
#include "state/ddsketch.h"
#include "state/pack.h"

enum { LARGEST = 100000 };
static double numbers[LARGEST], sorted[LARGEST];

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

static void fill(struct fixture *f, struct ddsketch *d, const double *x, size_t n) {
    for (size_t i = 0; i < n; i++) assert_int_equal(ddsketch_add(d, &f->arena, x[i]), 0);
}

static void assert_same(const struct ddsketch *a, const struct ddsketch *b) {
    struct buf x = {0}, y = {0};
    assert_int_equal(ddsketch_save(a, &x), 0);
    assert_int_equal(ddsketch_save(b, &y), 0);
    assert_int_equal(x.len, y.len);
    assert_memory_equal(x.data, y.data, x.len);
    buf_release(&x);
    buf_release(&y);
}

/* ---- bins ---- */

static void assert_in_bin(double x, int32_t bin) {
    double middle = dd_middle(bin);
    if (!(fabs(middle - x) <= 0.01 * x)) fail_msg("%a is in bin %d of %a", x, bin, middle);
}

static double next_up(double x) {
    return nextafter(x, (double)INFINITY);
}

/* The ends of every bin of an octave, to the last bit: the first and the last value in it are within 1 % of its
 * middle, and the next value is in the next bin. */
static void every_end_of_a_bin_is_within_the_error(void **state) {
    (void)state;
    static const int octaves[] = {-1022, -1000, -60, -1, 0, 1, 52, 1000, 1022};
    for (size_t i = 0; i < sizeof octaves / sizeof *octaves; i++) {
        double low = ldexp(1, octaves[i]), end = 2 * low;
        int32_t bin = dd_bin(low);
        for (int k = 0; k < 35; k++, bin++) {
            double first = low, beyond = end;
            assert_int_equal(dd_bin(low), bin);
            while (next_up(first) < beyond) {
                double half = first + (beyond - first) / 2;
                *(dd_bin(half) > bin ? &beyond : &first) = half;
            }
            assert_in_bin(low, bin);
            assert_in_bin(first, bin);
            assert_int_equal(dd_bin(beyond), bin + 1);
            low = beyond;
        }
        assert_true(low == end);
    }
}

static void any_value_is_within_the_error_of_its_bin(void **state) {
    struct fixture *f = *state;
    for (int i = 0; i < 300000; i++) {
        uint64_t bits = random_next(&f->random) & INT64_MAX;
        double x;
        memcpy(&x, &bits, sizeof x);
        if (!(x >= 0x1p-1060) || isinf(x)) continue;
        assert_in_bin(x, dd_bin(x));
        assert_true(dd_bin(next_up(x)) >= dd_bin(x));
    }
    assert_int_equal(dd_bin(0x1p-1074), 35);
    assert_int_equal(dd_bin(0x1p-1022), 35 * 53);
    assert_int_equal(dd_bin(nextafter(0x1p-1022, 0)), 35 * 53 - 1);
}

/* ---- the error ---- */

static double order_statistics(size_t n, double q, double *ret_size) {
    double h = q * (double)(n - 1);
    size_t low = (size_t)floor(h + 1e-9);
    double part = fmax(0, h - (double)low);
    double a = sorted[low], b = low + 1 < n ? sorted[low + 1] : a;
    *ret_size = (1 - part) * fabs(a) + part * fabs(b);
    return (1 - part) * a + part * b;
}

static void the_stated_error_holds_over_1000_sets(void **state) {
    static const double quantiles[] = {0, 0.001, 0.05, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99, 0.999, 1};
    struct fixture *f = *state;
    double most = 0;
    for (int set = 0; set < 1000; set++) {
        enum number_set kind = (enum number_set)(set % NUMBER_SETS);
        size_t n = random_size(&f->random, 1, LARGEST);
        struct ddsketch d = {0};
        number_set_fill(kind, &f->random, numbers, n);
        fill(f, &d, numbers, n);
        memcpy(sorted, numbers, n * sizeof *sorted);
        numbers_sort(sorted, n);
        assert_int_equal(ddsketch_count(&d), n);
        for (size_t i = 0; i < sizeof quantiles / sizeof *quantiles; i++) {
            double size, exact = order_statistics(n, quantiles[i], &size);
            double error = fabs(ddsketch_quantile(&d, quantiles[i]) - exact);
            if (!(error <= 0.01 * size)) {
                fail_msg("%s %zu: quantile %g is %g, not %g", number_set_names[kind], n, quantiles[i],
                         ddsketch_quantile(&d, quantiles[i]), exact);
            }
            if (size > 0 && error / size > most) most = error / size;
        }
        assert_true(ddsketch_quantile(&d, 0) == sorted[0]);
        assert_true(ddsketch_quantile(&d, 1) == sorted[n - 1]);
        ddsketch_clear(&d, &f->arena);
    }
    print_message("largest relative error of DDSketch: %.4f %%\n", 100 * most);
    assert_true(most > 0.009);
}

static void between_two_values_it_interpolates(void **state) {
    struct fixture *f = *state;
    struct ddsketch d = {0};
    fill(f, &d, (double[]){100, 1}, 2);
    assert_true(ddsketch_quantile(&d, 0.5) == 50.5);
    assert_true(ddsketch_quantile(&d, 0.25) == 25.75);
    fill(f, &d, (double[]){-7}, 1);
    assert_true(fabs(ddsketch_quantile(&d, 0.5) - 1) <= 0.01);
    assert_true(ddsketch_quantile(&d, 0) == -7);
    ddsketch_clear(&d, &f->arena);
    for (int i = 0; i <= 100; i++) fill(f, &d, (double[]){i * i}, 1);
    assert_true(fabs(ddsketch_quantile(&d, 0.29) - 841) <= 8.41);
    ddsketch_clear(&d, &f->arena);
    fill(f, &d, (double[]){5, 5, 5}, 3);
    assert_true(ddsketch_quantile(&d, 0.99) == 5);
}

static void zeros_infinities_and_nan(void **state) {
    struct fixture *f = *state;
    struct ddsketch d = {0};
    double inf = (double)INFINITY;
    fill(f, &d, (double[]){(double)NAN}, 1);
    assert_int_equal(ddsketch_count(&d), 0);
    fill(f, &d, (double[]){inf}, 1);
    assert_true(ddsketch_quantile(&d, 0.5) == inf);
    fill(f, &d, (double[]){-inf, -0.0, 0, 0x1p-1074, DBL_MAX}, 5);
    assert_int_equal(ddsketch_count(&d), 6);
    assert_true(ddsketch_quantile(&d, 0) == -inf);
    assert_true(ddsketch_quantile(&d, 0.2) == 0);
    assert_true(ddsketch_quantile(&d, 0.4) == 0);
    assert_true(ddsketch_quantile(&d, 0.6) > 0);
    assert_true(ddsketch_quantile(&d, 0.8) == DBL_MAX);
    assert_true(ddsketch_quantile(&d, 1) == inf);
    ddsketch_clear(&d, &f->arena);
    fill(f, &d, (double[]){-DBL_MAX, -DBL_MAX, -inf}, 3);
    assert_true(ddsketch_quantile(&d, 0.5) == -DBL_MAX);
    assert_true(ddsketch_quantile(&d, 0.25) == -inf);
}

/* ---- a function of the multiset ---- */

/* A sketch of the numbers, put together from random parts in a random order. */
static struct ddsketch in_parts(struct fixture *f, double *x, size_t n) {
    enum { PARTS = 7 };
    struct ddsketch parts[PARTS] = {0};
    numbers_shuffle(&f->random, x, n);
    for (size_t i = 0; i < n; i++) fill(f, &parts[random_below(&f->random, PARTS)], &x[i], 1);
    for (size_t left = PARTS; left > 1; left--) {
        size_t to = random_below(&f->random, left), from = random_below(&f->random, left - 1);
        if (from >= to) from++;
        assert_int_equal(ddsketch_merge(&parts[to], &f->arena, &parts[from]), 0);
        ddsketch_clear(&parts[from], &f->arena);
        struct ddsketch last = parts[left - 1];
        if (to == left - 1) to = from;
        parts[from] = last;
    }
    return parts[0];
}

static void order_and_parts_do_not_matter(void **state) {
    struct fixture *f = *state;
    for (int set = 0; set < 200; set++) {
        size_t n = random_size(&f->random, 1, 3000);
        struct ddsketch d = {0};
        number_set_fill((enum number_set)(set % NUMBER_SETS), &f->random, numbers, n);
        if (set % 10 == 0) numbers[0] = (double)INFINITY;
        fill(f, &d, numbers, n);
        struct ddsketch other = in_parts(f, numbers, n);
        assert_same(&d, &other);
        ddsketch_clear(&d, &f->arena);
        ddsketch_clear(&other, &f->arena);
    }
}

/* Over more than 58 octaves: the lowest bins collapse, to the same whatever came first. */
static void collapsing_does_not_depend_on_order(void **state) {
    struct fixture *f = *state;
    for (int set = 0; set < 100; set++) {
        size_t n = random_size(&f->random, 2, 2000);
        struct ddsketch up = {0}, down = {0};
        for (size_t i = 0; i < n; i++) {
            double octave = set % 2 ? 60 * random_unit(&f->random) : 2000 * random_unit(&f->random) - 1000;
            numbers[i] = exp2(octave) * (random_below(&f->random, 3) ? 1 : -1);
        }
        memcpy(sorted, numbers, n * sizeof *sorted);
        numbers_sort(sorted, n);
        for (size_t i = 0; i < n; i++) {
            fill(f, &up, &sorted[i], 1);
            fill(f, &down, &sorted[n - 1 - i], 1);
        }
        assert_same(&up, &down);
        struct ddsketch other = in_parts(f, numbers, n);
        assert_same(&up, &other);
        for (double q = 0; q <= 1; q += 0.01) {
            double size, exact = order_statistics(n, q, &size), greatest = fmax(sorted[n - 1], -sorted[0]);
            if (fabs(exact) < greatest * 0x1p-57) continue;
            size_t low = (size_t)(q * (double)(n - 1));
            if (sorted[low] < 0 || fabs(sorted[low]) < sorted[n - 1] * 0x1p-57) continue;
            assert_true(fabs(ddsketch_quantile(&up, q) - exact) <= 0.01 * size);
        }
        ddsketch_clear(&up, &f->arena);
        ddsketch_clear(&down, &f->arena);
        ddsketch_clear(&other, &f->arena);
    }
}

static void what_is_merged_stays_as_it_is(void **state) {
    struct fixture *f = *state;
    struct ddsketch a = {0}, b = {0}, c = {0}, again = {0};
    number_set_fill(MIXED, &f->random, numbers, 500);
    fill(f, &a, numbers, 500);
    assert_int_equal(ddsketch_merge(&b, &f->arena, &a), 0);
    assert_same(&a, &b);
    fill(f, &b, numbers, 500);
    fill(f, &again, numbers, 500);
    assert_same(&a, &again);
    assert_int_equal(ddsketch_merge(&b, &f->arena, &c), 0);
    assert_int_equal(ddsketch_count(&b), 1000);
}

/* ---- memory ---- */

static void memory_is_what_the_header_says(void **state) {
    struct fixture *f = *state;
    struct ddsketch d = {0};
    fill(f, &d, (double[]){5, 5, 5}, 3);
    assert_int_equal(f->budget.used, 4096);
    ddsketch_clear(&d, &f->arena);
    for (int i = -1070; i < 1023; i++) fill(f, &d, (double[]){ldexp(1, i)}, 1);
    assert_true(f->budget.used < 64 << 10);
    ddsketch_clear(&d, &f->arena);
    size_t before = f->budget.used;
    for (int i = 0; i < 1000; i++) {
        fill(f, &d, (double[]){1, 1e3, 1e6, 1e-6}, 4);
        ddsketch_clear(&d, &f->arena);
    }
    assert_int_equal(f->budget.used, before);
}

static void without_memory_it_stays_as_it_was(void **state) {
    struct fixture *f = *state;
    struct ddsketch d = {0}, before = {0};
    size_t added = 0;
    int rc = 0;
    f->budget.limit = 8192;
    for (; rc == 0 && added < 300; added += rc == 0) rc = ddsketch_add(&d, &f->arena, exp2((double)added / 5));
    assert_int_equal(rc, G_NOMEM);
    assert_true(f->budget.exhausted);
    f->budget.limit = 0;
    for (size_t i = 0; i < added; i++) fill(f, &before, (double[]){exp2((double)i / 5)}, 1);
    assert_same(&d, &before);
}

/* Counters of 32 bits become wider before they overflow, by adding and by merging. */
static void counts_beyond_32_bits(void **state) {
    struct fixture *f = *state;
    struct ddsketch a = {0}, b = {0}, c = {0};
    struct buf saved = {0};
    assert_int_equal(pack_u64(&saved, 0), 0);
    assert_int_equal(pack_u64(&saved, UINT32_MAX - 1), 0);
    assert_int_equal(pack_u64(&saved, 0), 0);
    assert_int_equal(pack_double(&saved, 3), 0);
    assert_int_equal(pack_double(&saved, 3), 0);
    assert_int_equal(pack_u64(&saved, UINT32_MAX - 1), 0);
    assert_int_equal(pack_u64(&saved, 0), 0);
    assert_int_equal(pack_u64(&saved, 0), 0);
    const char *p = saved.data;
    assert_int_equal(ddsketch_load(&a, &f->arena, &p, saved.data + saved.len, NULL), 0);
    assert_ptr_equal(p, saved.data + saved.len);
    assert_int_equal(ddsketch_merge(&b, &f->arena, &a), 0);
    fill(f, &a, (double[]){3, 3, 3, 3, 400}, 5);
    assert_int_equal(ddsketch_count(&a), (uint64_t)UINT32_MAX + 4);
    assert_true(ddsketch_quantile(&a, 0.5) == 3);
    assert_true(ddsketch_quantile(&a, 1) == 400);
    fill(f, &c, (double[]){3, 3, 3, 3, 400}, 5);
    assert_int_equal(ddsketch_merge(&c, &f->arena, &b), 0);
    assert_same(&a, &c);
    assert_int_equal(ddsketch_merge(&c, &f->arena, &a), 0);
    assert_int_equal(ddsketch_count(&c), 2 * ((uint64_t)UINT32_MAX + 4));
    ddsketch_clear(&b, &f->arena);
    fill(f, &b, (double[]){2, 3, 4}, 3);
    assert_int_equal(ddsketch_merge(&b, &f->arena, &c), 0);
    assert_int_equal(ddsketch_merge(&c, &f->arena, &b), 0);
    saved.len = 0;
    assert_int_equal(ddsketch_save(&c, &saved), 0);
    p = saved.data;
    ddsketch_clear(&b, &f->arena);
    assert_int_equal(ddsketch_load(&b, &f->arena, &p, saved.data + saved.len, NULL), 0);
    assert_same(&b, &c);
    buf_release(&saved);
}

/* ---- bytes ---- */

static void saved_in_the_middle_it_goes_on(void **state) {
    struct fixture *f = *state;
    struct buf saved = {0};
    for (int set = 0; set < 200; set++) {
        size_t n = random_size(&f->random, 1, 2000), half = random_below(&f->random, n + 1);
        struct ddsketch d = {0}, e = {0};
        number_set_fill((enum number_set)(set % NUMBER_SETS), &f->random, numbers, n);
        if (set % 9 == 0) numbers[n - 1] = numbers[0] = -(double)INFINITY;
        if (set % 8 == 0) numbers[n / 2] *= 1e40;
        fill(f, &d, numbers, half);
        saved.len = 0;
        assert_int_equal(ddsketch_save(&d, &saved), 0);
        assert_int_equal(buf_puts(&saved, "next"), 0);
        const char *p = saved.data;
        assert_int_equal(ddsketch_load(&e, &f->arena, &p, saved.data + saved.len, NULL), 0);
        assert_string_equal(buf_cstr(&saved) + (p - saved.data), "next");
        fill(f, &d, numbers + half, n - half);
        fill(f, &e, numbers + half, n - half);
        assert_same(&d, &e);
        ddsketch_clear(&d, &f->arena);
        ddsketch_clear(&e, &f->arena);
    }
    buf_release(&saved);
}

static void damaged_bytes_are_refused_or_harmless(void **state) {
    struct fixture *f = *state;
    struct ddsketch d = {0}, e = {0};
    struct buf saved = {0};
    struct err err = {0};
    number_set_fill(MIXED, &f->random, numbers, 60);
    fill(f, &d, numbers, 60);
    assert_int_equal(ddsketch_save(&d, &saved), 0);
    for (size_t n = 0; n < saved.len; n++) {
        char *copy = malloc(n ? n : 1);
        memcpy(copy, saved.data, n);
        const char *p = copy;
        assert_int_equal(ddsketch_load(&e, &f->arena, &p, copy + n, &err), G_CORRUPT);
        assert_int_equal(err.grade, G_CORRUPT);
        ddsketch_clear(&e, &f->arena);
        free(copy);
    }
    for (int i = 0; i < 20000; i++) {
        size_t at = random_below(&f->random, saved.len);
        char old = saved.data[at];
        saved.data[at] = (char)random_next(&f->random);
        const char *p = saved.data;
        if (ddsketch_load(&e, &f->arena, &p, saved.data + saved.len, &err) == 0) {
            fill(f, &e, numbers, 60);
            assert_int_equal(ddsketch_merge(&e, &f->arena, &d), 0);
            (void)ddsketch_quantile(&e, 0.5);
        }
        ddsketch_clear(&e, &f->arena);
        saved.data[at] = old;
    }
    assert_true(f->budget.most < 1 << 20);
    buf_release(&saved);
}

/* One store of values from 1 to 1.05, that is in three bins or so: counts that do not fit the whole, ends that are not
 * counted, and a run of zeros beyond the end are refused. */
static void counts_must_add_up(void **state) {
    struct fixture *f = *state;
    static const struct {
        const char *name;
        uint64_t count;
        unsigned char counters[4], n;
        int rc;
    } cases[] = {
        {"right", 5, {2, 0, 0, 3}, 4, 0},
        {"too few", 6, {2, 0, 0, 3}, 4, G_CORRUPT},
        {"too many", 4, {2, 0, 0, 3}, 4, G_CORRUPT},
        {"no least", 5, {0, 1, 5}, 3, G_CORRUPT},
        {"no greatest", 5, {5, 0, 1}, 3, G_CORRUPT},
        {"beyond", 5, {5, 0, 2}, 3, G_CORRUPT},
    };
    double greatest = dd_middle(dd_bin(1) + 2);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct buf saved = {0};
        struct ddsketch d = {0};
        assert_int_equal(pack_u64(&saved, 0), 0);
        assert_int_equal(pack_u64(&saved, cases[i].count), 0);
        assert_int_equal(pack_u64(&saved, 0), 0);
        assert_int_equal(pack_double(&saved, 1), 0);
        assert_int_equal(pack_double(&saved, greatest), 0);
        assert_int_equal(buf_append(&saved, cases[i].counters, cases[i].n), 0);
        assert_int_equal(buf_append(&saved, "\0\0", 2), 0);
        const char *p = saved.data;
        int rc = ddsketch_load(&d, &f->arena, &p, saved.data + saved.len, NULL);
        if (rc != cases[i].rc) fail_msg("%s: %d", cases[i].name, rc);
        ddsketch_clear(&d, &f->arena);
        buf_release(&saved);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(every_end_of_a_bin_is_within_the_error, begin, finish),
        cmocka_unit_test_setup_teardown(any_value_is_within_the_error_of_its_bin, begin, finish),
        cmocka_unit_test_setup_teardown(the_stated_error_holds_over_1000_sets, begin, finish),
        cmocka_unit_test_setup_teardown(between_two_values_it_interpolates, begin, finish),
        cmocka_unit_test_setup_teardown(zeros_infinities_and_nan, begin, finish),
        cmocka_unit_test_setup_teardown(order_and_parts_do_not_matter, begin, finish),
        cmocka_unit_test_setup_teardown(collapsing_does_not_depend_on_order, begin, finish),
        cmocka_unit_test_setup_teardown(what_is_merged_stays_as_it_is, begin, finish),
        cmocka_unit_test_setup_teardown(memory_is_what_the_header_says, begin, finish),
        cmocka_unit_test_setup_teardown(without_memory_it_stays_as_it_was, begin, finish),
        cmocka_unit_test_setup_teardown(counts_beyond_32_bits, begin, finish),
        cmocka_unit_test_setup_teardown(saved_in_the_middle_it_goes_on, begin, finish),
        cmocka_unit_test_setup_teardown(damaged_bytes_are_refused_or_harmless, begin, finish),
        cmocka_unit_test_setup_teardown(counts_must_add_up, begin, finish),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
