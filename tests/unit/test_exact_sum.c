/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Exact sums: golden numbers made with rational arithmetic (Python's fractions; its fsum agrees where it does not
 * overflow), random sets against Shewchuk's method, bytes, and the limits.
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
#include "expr/value.h"
#include "state/exact_sum.h"

static struct state_budget budget;
static struct arena arena;

static int setup(void **state) {
    (void)state;
    budget = (struct state_budget){.limit = 0};
    arena_init(&arena, &budget);
    return 0;
}

static int teardown(void **state) {
    (void)state;
    arena_release(&arena);
    return budget.used != 0;
}

static uint64_t bits_of(double d) {
    uint64_t bits;
    memcpy(&bits, &d, sizeof bits);
    return bits;
}

/* To the bit, with all NaN alike. */
static void assert_same(double got, double expected) {
    if (isnan(expected)) {
        assert_true(isnan(got));
    } else if (bits_of(got) != bits_of(expected)) {
        fail_msg("%a is not %a", got, expected);
    }
}

static struct exact_sum sum_of(const double *x, size_t n) {
    struct exact_sum s = {.flags = 0};
    for (size_t i = 0; i < n; i++) assert_int_equal(exact_sum_add_double(&s, &arena, x[i]), 0);
    return s;
}

static double rounded(const struct exact_sum *s) {
    struct heap h;
    struct value v;
    heap_init(&h, 0);
    assert_int_equal(exact_sum_value(s, &h, &v), 0);
    assert_int_equal(v.form, VF_DOUBLE);
    heap_release(&h);
    return v.d;
}

static void assert_text(const struct exact_sum *s, const char *expected) {
    struct heap h;
    struct value v;
    struct buf out = {0};
    heap_init(&h, 0);
    assert_int_equal(exact_sum_value(s, &h, &v), 0);
    assert_int_equal(value_write(&h, v, &out), 0);
    assert_string_equal(buf_cstr(&out), expected);
    buf_release(&out);
    heap_release(&h);
}

/* n numbers; their sum, mean, sum times 10^9 by 7200000000001, and sample variance. */
struct golden {
    size_t n;
    double x[6];
    double sum, mean, rate, variance;
};

static const struct golden golden[] = {
    {2, {0x1p+0, 0x1p+1}, 0x1.8p+1, 0x1.8p+0, 0x1.b4e81b4e81723p-12, 0x1p-1},
    {3,
     {0x1.999999999999ap-4, 0x1.999999999999ap-4, 0x1.999999999999ap-4},
     0x1.3333333333334p-2,
     0x1.999999999999ap-4,
     0x1.5d867c3ecdf5p-15,
     0x0p+0},
    {3,
     {0x1.1c37937e08p+53, 0x1p+0, -0x1.1c37937e08p+53},
     0x1p+0,
     0x1.5555555555555p-2,
     0x1.23456789aba17p-13,
     0x1.3b8b5b5056e17p+106},
    {3,
     {0x1.1ccf385ebc8ap+1023, 0x1.1ccf385ebc8ap+1023, -0x1.1ccf385ebc8ap+1023},
     0x1.1ccf385ebc8ap+1023,
     0x1.7bbef5d3a60d5p+1021,
     0x1.440cc41e6b5fp+1010,
     (double)INFINITY},
    {3,
     {0x0.0000000000001p-1022, 0x0.0000000000001p-1022, 0x1p+0},
     0x1p+0,
     0x1.5555555555555p-2,
     0x1.23456789aba17p-13,
     0x1.5555555555555p-2},
    {3,
     {0x0.730d67819e8d2p-1022, 0x1.1ccf385ebc8ap+1023, 0x0.730d67819e8d2p-1022},
     0x1.1ccf385ebc8ap+1023,
     0x1.7bbef5d3a60d5p+1021,
     0x1.440cc41e6b5fp+1010,
     (double)INFINITY},
    {2, {-0x0p+0, -0x0p+0}, 0x0p+0, 0x0p+0, 0x0p+0, 0x0p+0},
    {3,
     {0x1.4e718d7d7625ap+664, -0x1.4e718d7d7625ap+664, 0x1.8p+1},
     0x1.8p+1,
     0x1p+0,
     0x1.b4e81b4e81723p-12,
     (double)INFINITY},
    {3,
     {0x1p+53, 0x1p+0, 0x1p-60},
     0x1.0000000000001p+53,
     0x1.5555555555556p+51,
     0x1.23456789aba18p+40,
     0x1.5555555555555p+104},
    {3, {0x1p+53, 0x1p+0, -0x1p-60}, 0x1p+53, 0x1.5555555555556p+51, 0x1.23456789aba18p+40, 0x1.5555555555555p+104},
    {4,
     {0x1.0624dd2f1a9fcp-10, 0x1.0624dd2f1a9fcp-9, 0x1.f4p+9, 0x1.3333333333333p-2},
     0x1.f426c8b439581p+9,
     0x1.f426c8b439581p+7,
     0x1.1c87d770c44afp-3,
     0x1.e82ec2dc65141p+17},
    {3,
     {0x1.3529ba7d19eafp-565, 0x1.3529ba7d19eafp-564, 0x1.cfbe97bba6e07p-564},
     0x1.cfbe97bba6e07p-563,
     0x1.3529ba7d19eafp-564,
     0x1.07d1b034239cdp-575,
     0x0p+0},
    {3,
     {0x1.fffffffffffffp+1023, 0x1.fffffffffffffp+1023, 0x1.fffffffffffffp+1023},
     (double)INFINITY,
     0x1.fffffffffffffp+1023,
     0x1.b4e81b4e81722p+1012,
     0x0p+0},
    {2,
     {0x0.0000000000001p-1022, 0x0.0000000000003p-1022},
     0x0.0000000000004p-1022,
     0x0.0000000000002p-1022,
     0x0p+0,
     0x0p+0},
    {4,
     {0x1.7e43c8800759cp+996, 0x1.56e1fc2f8f359p-997, -0x1.7e43c8800759cp+996, 0x1.cp+2},
     0x1.cp+2,
     0x1.cp+0,
     0x1.fdb97530ec5a9p-11,
     (double)INFINITY},
    {5,
     {-0x1.7cf5c28f5c28fp+6, 0x1.de28f5c28f5c3p+6, 0x1.a835c28f5c28fp+9, -0x1.12ccccccccccdp+6, 0x1.f5c28f5c28f5cp+3},
     0x1.99d9999999999p+9,
     0x1.47e147ae147aep+7,
     0x1.d2517702f506dp-4,
     0x1.2bb01ccccccccp+17},
    {5,
     {0x1.5d8a3d70a3d71p+7, -0x1.3b570a3d70a3dp+9, 0x1.7d1eb851eb852p+4, 0x1.03c51eb851eb8p+8, 0x1.24f999999999ap+9},
     0x1.9da147ae147bp+8,
     0x1.4ae76c8b43959p+6,
     0x1.d69e783d87a95p-5,
     0x1.894ba3727136ap+17},
    {5,
     {-0x1.95ep+9, -0x1.8933333333333p+8, -0x1.99547ae147ae1p+9, 0x1.35a51eb851eb8p+9, 0x1.82e147ae147aep+8},
     -0x1.fcb851eb851ecp+9,
     -0x1.96f9db22d0e56p+7,
     -0x1.2167b84644bb3p-3,
     0x1.b9df3e7e7c06ep+18},
    {5,
     {-0x1.ca1eb851eb852p+9, 0x1.e231eb851eb85p+9, 0x1.d0c28f5c28f5cp+9, 0x1.33d999999999ap+8, 0x1.ce428f5c28f5cp+7},
     0x1.7b2999999999ap+10,
     0x1.2f547ae147ae1p+8,
     0x1.af671529a443fp-3,
     0x1.1b6913f5c28f6p+19},
    {5,
     {-0x1.568147ae147aep+9, -0x1.e5p+9, 0x1.c6147ae147ae1p+5, -0x1.b873333333333p+9, -0x1.35ca3d70a3d71p+9},
     -0x1.83575c28f5c29p+11,
     -0x1.35df7ced91687p+9,
     -0x1.b8b550f6d9eaep-2,
     0x1.3ebfe1f7f8ca8p+17},
    {5,
     {-0x1.020e147ae147bp+9, -0x1.d5ea3d70a3d71p+9, -0x1.20851eb851eb8p+6, -0x1.dbc28f5c28f5cp+6, 0x1.566cccccccccdp+9},
     -0x1.e1147ae147ae2p+9,
     -0x1.80dd2f1a9fbe8p+7,
     -0x1.11ae5a629390ep-3,
     0x1.62b4492253112p+18},
    {5,
     {0x1.32p+5, 0x1.18947ae147ae1p+8, -0x1.ccccccccccccdp-2, 0x1.44e6666666666p+8, -0x1.555c28f5c28f6p+6},
     0x1.16f851eb851ebp+9,
     0x1.be5a1cac08312p+6,
     0x1.3d67e6e0bbae3p-4,
     0x1.fed3eb1465e88p+14},
    {5,
     {-0x1.bbab851eb851fp+8, 0x1.f1a7ae147ae14p+9, 0x1.efb0a3d70a3d7p+9, 0x1.54370a3d70a3dp+9, 0x1.9f9eb851eb852p+8},
     0x1.49e23d70a3d7p+11,
     0x1.07e83126e978dp+9,
     0x1.77559b3d078efp-2,
     0x1.58ff23ee78184p+18},
    {5,
     {-0x1.7173333333333p+8, -0x1.0e55c28f5c28fp+9, -0x1.a5eb851eb851fp+8, -0x1.adc6666666666p+9, 0x1.0a4a3d70a3d71p+9},
     -0x1.9ec0a3d70a3d6p+10,
     -0x1.4bcd4fdf3b645p+8,
     -0x1.d7e56be826adp-3,
     0x1.07636a9225311p+18},
    {5,
     {-0x1.8e66666666666p+7, 0x1.5a95c28f5c28fp+9, -0x1.c5f0a3d70a3d7p+7, 0x1.ca0a3d70a3d71p+9, 0x1.5b4f5c28f5c29p+9},
     0x1.d56cccccccccdp+10,
     0x1.778a3d70a3d71p+8,
     0x1.0b0cf87d9c2bep-2,
     0x1.22184b8fc5048p+18},
    {5,
     {-0x1.f3747ae147ae1p+9, -0x1.2248f5c28f5c3p+9, 0x1.9a451eb851eb8p+9, -0x1.e03d70a3d70a4p+5, 0x1.e05c28f5c28f6p+9},
     0x1.1b7ffffffffffp+7,
     0x1.c599999999998p+4,
     0x1.428f5c28f5914p-6,
     0x1.65c1841758e22p+19},
    {5,
     {-0x1.9a4cccccccccdp+7, -0x1.aaf5c28f5c28fp+9, 0x1.02e8f5c28f5c3p+8, 0x1.16828f5c28f5cp+9, -0x1.cc73333333333p+8},
     -0x1.5fcb851eb851ep+9,
     -0x1.196f9db22d0e5p+7,
     -0x1.9043b874df213p-4,
     0x1.34009fb76b3bbp+18},
    {4,
     {0x1.64f1509f56dep+288, 0x1.ed9b65da3e463p-588, 0x1.f89a3eb4ff008p-660, 0x1.eaa591dc193p+919},
     0x1.eaa591dc193p+919,
     0x1.eaa591dc193p+917,
     0x1.171f9ceefd188p+907,
     (double)INFINITY},
    {4,
     {-0x1.5d394123cb7ddp-300, -0x1.048a02cc342c6p-535, -0x1.499507588f63ap-594, 0x1.aeda8f7eba082p-201},
     0x1.aeda8f7eba082p-201,
     0x1.aeda8f7eba082p-203,
     0x1.ea3740475e2dep-214,
     0x1.6a917a53369b8p-403},
    {4,
     {0x1.1445226ea27e8p+173, 0x1.af88d72ff36p+541, 0x1.58f27ff50b81p-476, -0x0.003884701421ep-1022},
     0x1.af88d72ff36p+541,
     0x1.af88d72ff36p+539,
     0x1.eafd8b05a1b2cp+528,
     (double)INFINITY},
    {4,
     {0x1.a91bb3d2f6fc2p+510, 0x1.3041442e23d68p-220, -0x1.fc33899edbccp+433, -0x1.3e8a581d015c9p-550},
     0x1.a91bb3d2f6fc2p+510,
     0x1.a91bb3d2f6fc2p+508,
     0x1.e3adbdcf08cbep+497,
     0x1.60f67f08f270fp+1019},
    {4,
     {-0x1.aa2afd24c5c67p-516, -0x1.766e60a0931ecp-442, 0x1.d11cea4e9dd54p-50, -0x1.448ee9bd4aea8p-268},
     0x1.d11cea4e9dd54p-50,
     0x1.d11cea4e9dd54p-52,
     0x1.0898fb9fa3965p-62,
     0x1.a685073ad8838p-101},
    {4,
     {-0x1.c3ae601ee18bap-750, 0x1.84504c6a54f3p-629, 0x1.065380bd9c92ep-26, -0x1.7acad26d17d47p+533},
     -0x1.7acad26d17d47p+533,
     -0x1.7acad26d17d47p+531,
     -0x1.aefb3f1008a6dp+520,
     (double)INFINITY},
    {4,
     {-0x1.aeea34e96f96p+939, 0x1.0a472acb3a4cfp-790, -0x1.d3c1757ab366p-770, 0x1.b2fee6ead81dcp-238},
     -0x1.aeea34e96f96p+939,
     -0x1.aeea34e96f96p+937,
     -0x1.ea490d8d94491p+926,
     (double)INFINITY},
    {4,
     {-0x1.1b419089d3c9p+611, 0x1.fe15480f7a044p-883, 0x1.20ba9daf345bep-534, -0x1.72d62e11b75dp+772},
     -0x1.72d62e11b75dp+772,
     -0x1.72d62e11b75dp+770,
     -0x1.a5ee001427fbep+759,
     (double)INFINITY},
    {6,
     {0x1.505965aee7eacp+25, 0x1.2b3bc13c9942dp-24, 0x1.2e042dc23ec26p-39, 0x1.e6301bf481d76p+3, 0x1.66e58ad3f49bbp-37,
      0x1.5c4f74c977ap-37},
     0x1.50596d47a85b2p+25,
     0x1.c0773c5f8b243p+22,
     0x1.7eb0d75bc5033p+12,
     0x1.269c84189f276p+48},
    {6,
     {0x1.edcf33889c526p-3, 0x1.468ee6117c4c8p-33, 0x1.3446dee7fb83p+25, 0x1.789a3ede56322p-37, 0x1.cce6797beb82dp-25,
      0x1.96270cbda801dp+2},
     0x1.3446e23326902p+25,
     0x1.9b092d9988c03p+22,
     0x1.5ec026e96a3ebp+12,
     0x1.eef8cdde4e02ap+47},
    {6,
     {0x1.6847328adee1cp+18, 0x1.cd3a5e44f888ap+12, 0x1.e37356f298138p-38, 0x1.ba19171ffec83p+32, 0x1.dc33b9ffd6ap+1,
      0x1.8446d2ca9538cp-41},
     0x1.ba1ed514273f7p+32,
     0x1.26bf38b81a2a5p+30,
     0x1.f708e95581b04p+19,
     0x1.fcf9ca04014dfp+62},
    {6,
     {0x1.37bd67049fbaap-31, 0x1.734bc54760008p-30, 0x1.fc94b9d07604bp+12, 0x1.74d78ed5212cfp+8, 0x1.de5635ef0add7p+33,
      0x1.d4bdef38630a8p+17},
     0x1.de581b4c0babcp+33,
     0x1.3ee5678807c7dp+31,
     0x1.101feb1ebecc1p+21,
     0x1.29ec36907956bp+65},
    {6,
     {0x1.ad3ed622a3debp-31, 0x1.0992abf003718p+24, 0x1.e8139a7b5c7ap+30, 0x1.6759ecf63ff88p-42, 0x1.d77e71f517e38p-29,
      0x1.fd2f4163d5466p+36},
     0x1.0270147c40dc4p+37,
     0x1.589570a5abd05p+34,
     0x1.260b7804d6b4bp+24,
     0x1.4fa02680c184ap+71},
};

static void sums_means_rates_and_variances_are_rounded_once(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof(golden) / sizeof(golden[0]); i++) {
        const struct golden *g = &golden[i];
        struct exact_sum s = sum_of(g->x, g->n), q = {.flags = 0};
        for (size_t k = 0; k < g->n; k++) assert_int_equal(exact_sum_add_double_square(&q, &arena, g->x[k]), 0);
        assert_same(rounded(&s), g->sum);
        assert_same(exact_sum_ratio(&s, 1, g->n), g->mean);
        assert_same(exact_sum_ratio(&s, 1000000000, 7200000000001), g->rate);
        assert_same(exact_variance(&s, &q, g->n, false), g->variance);
        exact_sum_clear(&s, &arena);
        exact_sum_clear(&q, &arena);
    }
}

static void ties_go_to_even(void **state) {
    (void)state;
    const int64_t one_up = ((int64_t)1 << 53) + 1;
    struct exact_sum s = {.flags = 0}, zero = {.flags = 0}, q = {.flags = 0};
    assert_int_equal(exact_sum_add_int(&s, &arena, 2 * one_up), 0);
    assert_same(exact_sum_ratio(&s, 1, 2), 0x1p53);
    assert_int_equal(exact_sum_add_int(&s, &arena, 4), 0);
    assert_same(exact_sum_ratio(&s, 1, 2), 0x1p53 + 4);
    assert_int_equal(exact_sum_add_int(&s, &arena, -4 * one_up - 4), 0);
    assert_same(exact_sum_ratio(&s, 1, 2), -0x1p53);

    /* But not what is above a tie by a remainder alone: the variance is (2^53 + 1) 2^64 and a little. */
    uint64_t n = ((uint64_t)1 << 63) + 2;
    assert_int_equal(exact_sum_add_slow(&q, &arena, (exact_int)one_up * (n - 1), 64), 0);
    assert_same(exact_variance(&zero, &q, n, false), 0x1p117);
    assert_int_equal(exact_sum_add_int(&q, &arena, 1), 0);
    assert_same(exact_variance(&zero, &q, n, false), 0x1p117 + 0x1p65);
    exact_sum_clear(&q, &arena);
}

/* A little less than one and a half of the smallest double: 53 digits would make it one and a half, and that two. */
static void denormal_results_are_rounded_once(void **state) {
    (void)state;
    const double least = 5e-324;
    struct exact_sum s = sum_of(&least, 1);
    assert_same(exact_sum_ratio(&s, ((uint64_t)3 << 59) - 1, (uint64_t)1 << 60), 5e-324);
    assert_same(exact_sum_ratio(&s, (uint64_t)3 << 59, (uint64_t)1 << 60), 1e-323);
    assert_same(exact_sum_ratio(&s, 1, 2), 0.0);
    assert_same(exact_sum_ratio(&s, 3, 5), 5e-324);
}

/* J. R. Shewchuk, "Adaptive Precision Floating-Point Arithmetic" (1997): partial sums that do not overlap. */
static double expansion_sum(const double *x, size_t n) {
    double partials[64];
    size_t count = 0;
    for (size_t i = 0; i < n; i++) {
        double carried = x[i];
        size_t kept = 0;
        for (size_t k = 0; k < count; k++) {
            double y = partials[k];
            if (fabs(carried) < fabs(y)) {
                double swap = carried;
                carried = y;
                y = swap;
            }
            volatile double high = carried + y;
            volatile double rest = high - carried;
            double low = y - rest;
            if (low != 0) partials[kept++] = low;
            carried = high;
        }
        count = kept;
        if (carried != 0) partials[count++] = carried;
    }
    volatile double high = 0;
    double low = 0;
    while (count > 0) {
        double x0 = high, y = partials[--count];
        high = x0 + y;
        volatile double rest = high - x0;
        low = y - rest;
        if (low != 0) break;
    }
    /* Half an ulp off, and more behind it in the same direction. */
    if (count > 0 && ((low < 0 && partials[count - 1] < 0) || (low > 0 && partials[count - 1] > 0))) {
        volatile double twice = low * 2, up = high + twice, difference = up - high;
        if (twice == difference) high = up;
    }
    return high;
}

static void random_sets_sum_up_as_expansions_do(void **state) {
    (void)state;
    struct rng r;
    rng_init(&r, 4);
    for (int set = 0; set < 1000; set++) {
        double x[100];
        size_t n = 1 + rng_below(&r, 100);
        for (size_t i = 0; i < n; i++) {
            x[i] = random_double(&r) / 256; /* so that expansions do not overflow */
            if (i > 0 && rng_below(&r, 4) == 0) x[i] = -x[rng_below(&r, i)];
        }
        struct exact_sum s = sum_of(x, n);
        assert_same(rounded(&s), expansion_sum(x, n));
        exact_sum_clear(&s, &arena);
    }
}

static void a_sum_that_overflows_on_the_way_does_not(void **state) {
    (void)state;
    struct exact_sum s = {.flags = 0};
    for (int i = 0; i < 1000; i++) assert_int_equal(exact_sum_add_double(&s, &arena, 1e308), 0);
    assert_same(rounded(&s), (double)INFINITY);
    assert_same(exact_sum_ratio(&s, 1, 1000), 1e308);
    for (int i = 0; i < 999; i++) assert_int_equal(exact_sum_add_double(&s, &arena, -1e308), 0);
    assert_same(rounded(&s), 1e308);
    assert_int_equal(exact_sum_add_double(&s, &arena, 5e-324), 0);
    assert_int_equal(exact_sum_add_double(&s, &arena, -1e308), 0);
    assert_same(rounded(&s), 5e-324);
    exact_sum_clear(&s, &arena);
}

/* The largest double, and half of its last place: the tie goes up and away, a little less does not. */
static void what_rounds_to_more_than_the_largest_is_infinite(void **state) {
    (void)state;
    const double tie[] = {0x1.fffffffffffffp+1023, 0x1p+970}, below[] = {0x1.fffffffffffffp+1023, 0x1p+970, -5e-324};
    struct exact_sum s = sum_of(tie, 2), t = sum_of(below, 3);
    assert_same(rounded(&s), (double)INFINITY);
    assert_same(rounded(&t), 0x1.fffffffffffffp+1023);
    exact_sum_clear(&s, &arena);
    exact_sum_clear(&t, &arena);
}

static void what_is_not_finite_wins(void **state) {
    (void)state;
    const double up[] = {1, (double)INFINITY, -1e308}, both[] = {(double)INFINITY, 2, (double)-INFINITY},
                 nan[] = {(double)NAN, (double)INFINITY}, down[] = {(double)-INFINITY, 1e308};
    struct exact_sum s = sum_of(up, 3);
    assert_same(rounded(&s), (double)INFINITY);
    assert_same(exact_sum_ratio(&s, 1, 3), (double)INFINITY);
    exact_sum_clear(&s, &arena);
    s = sum_of(both, 3);
    assert_same(rounded(&s), (double)NAN);
    assert_same(exact_variance(&s, &s, 3, true), (double)NAN);
    s = sum_of(nan, 2);
    assert_same(rounded(&s), (double)NAN);
    s = sum_of(down, 2);
    assert_same(rounded(&s), (double)-INFINITY);
}

static void integers_are_printed_in_full(void **state) {
    (void)state;
    struct exact_sum s = {.flags = 0}, copy = {.flags = 0};
    assert_text(&s, "null");
    for (int i = 0; i < 3; i++) assert_int_equal(exact_sum_add_int(&s, &arena, INT64_MIN), 0);
    assert_text(&s, "-27670116110564327424");
    for (int i = 0; i < 3; i++) assert_int_equal(exact_sum_add_int(&s, &arena, INT64_MAX), 0);
    assert_text(&s, "-3");
    for (int i = 0; i < 3; i++) assert_int_equal(exact_sum_add_int(&s, &arena, 1), 0);
    assert_text(&s, "0");
    assert_int_equal(exact_sum_add_int(&s, &arena, INT64_MAX), 0);
    assert_text(&s, "9223372036854775807");
    assert_int_equal(exact_sum_add_int(&s, &arena, 1), 0);
    assert_text(&s, "9223372036854775808");
    for (int i = 0; i < 70; i++) {
        assert_int_equal(exact_sum_merge(&copy, &arena, &s), 0);
        assert_int_equal(exact_sum_merge(&s, &arena, &copy), 0);
        exact_sum_clear(&copy, &arena);
    }
    assert_int_equal(s.spilled, 1);
    assert_text(&s, "10889035741470030830827987437816582766592");
    assert_int_equal(exact_sum_add_int(&s, &arena, -1), 0);
    assert_text(&s, "10889035741470030830827987437816582766591");
    exact_sum_clear(&s, &arena);
}

static void an_integer_and_a_double_make_a_double(void **state) {
    (void)state;
    struct exact_sum s = {.flags = 0};
    assert_int_equal(exact_sum_add_int(&s, &arena, ((int64_t)1 << 53) + 1), 0);
    assert_text(&s, "9007199254740993");
    assert_int_equal(exact_sum_add_double(&s, &arena, 0.5), 0);
    assert_same(rounded(&s), 0x1p53 + 2);
    assert_int_equal(exact_sum_add_double(&s, &arena, -0.5), 0);
    assert_same(rounded(&s), 0x1p53);
    assert_int_equal(exact_sum_add_int(&s, &arena, -((int64_t)1 << 53)), 0);
    assert_same(rounded(&s), 1);
    assert_int_equal(exact_sum_add_int(&s, &arena, -1), 0);
    assert_int_equal(exact_sum_add_double(&s, &arena, -0.0), 0);
    assert_same(rounded(&s), 0.0);
}

static void roots_of_squares_out_of_reach_are_found(void **state) {
    (void)state;
    const double sizes[] = {1e200, 1e-200, 0x1p-1070, 0x1p1020};
    for (size_t i = 0; i < 4; i++) {
        const double x[] = {sizes[i], -sizes[i]}; /* the variance is 2 sizes^2 */
        struct exact_sum s = sum_of(x, 2), q = {.flags = 0};
        for (int k = 0; k < 2; k++) assert_int_equal(exact_sum_add_double_square(&q, &arena, x[k]), 0);
        assert_same(exact_variance(&s, &q, 2, true), sizes[i] * sqrt(2));
        exact_sum_clear(&q, &arena);
    }
}

static void saved_bytes_are_as_they_are_drawn(void **state) {
    (void)state;
    struct exact_sum s = {.flags = 0};
    struct buf out = {0};
    assert_int_equal(exact_sum_save(&s, &out), 0);
    assert_int_equal(out.len, 6);
    assert_memory_equal(out.data, "\0\0\0\0\0\0", 6);
    buf_clear(&out);
    assert_int_equal(exact_sum_add_int(&s, &arena, -0x10200), 0);
    assert_int_equal(exact_sum_save(&s, &out), 0);
    assert_int_equal(out.len, 7);
    assert_memory_equal(out.data, "\1\1\1\0\x9\0\x81", 7);
    buf_clear(&out);
    exact_sum_clear(&s, &arena);
    assert_int_equal(exact_sum_add_double(&s, &arena, 0x1.01p-1), 0);
    assert_int_equal(exact_sum_save(&s, &out), 0);
    assert_int_equal(out.len, 8);
    assert_memory_equal(out.data, "\3\0\2\0\xF7\xFF\1\1", 8);
    buf_release(&out);
}

static void assert_refused(const char *bytes, size_t n, bool squares) {
    struct exact_sum s = {.flags = 0};
    struct err e = {.grade = 0};
    const char *p = bytes;
    assert_int_equal(exact_sum_load(&s, &arena, squares, &p, bytes + n, &e), G_CORRUPT);
    assert_ptr_equal(p, bytes);
    assert_int_equal(s.flags, 0);
}

static void impossible_sums_are_refused(void **state) {
    (void)state;
    assert_refused("\1\0\1\0\0", 5, false);                     /* cut short */
    assert_refused("\1\0\1\0\0\0", 6, false);                   /* its magnitude is */
    assert_refused("\x20\0\1\0\0\0\1", 7, false);               /* an unknown flag */
    assert_refused("\1\2\1\0\0\0\1", 7, false);                 /* a sign that is none */
    assert_refused("\1\1\0\0\0\0", 6, false);                   /* minus nothing */
    assert_refused("\0\0\1\0\0\0\1", 7, false);                 /* a sum of nothing */
    assert_refused("\4\0\0\0\0\0", 6, false);                   /* an infinity that nobody added */
    assert_refused("\5\0\0\0\0\0", 6, false);                   /* an infinite integer */
    assert_refused("\1\0\1\0\xFF\xFF\1", 7, false);             /* an integer with a fraction */
    assert_refused("\1\0\0\0\1\0", 6, false);                   /* zero with an exponent */
    assert_refused("\1\0\1\0\0\0\2", 7, false);                 /* not odd */
    assert_refused("\1\0\2\0\0\0\1\0", 8, false);               /* a zero in front */
    assert_refused("\3\0\1\0\xCD\xFB\1", 7, false);             /* 2^-1075 */
    assert_refused("\3\0\1\0\x80\4\1", 7, false);               /* 2^1152 */
    assert_refused("\3\0\1\0\x9B\xF7\1", 7, true);              /* 2^-2149 */
    assert_refused("\3\0\1\0\0\x9\1", 7, true);                 /* 2^2304 */
    assert_refused("\3\0\xFF\xFF\0\0\1\1\1\1\1\1\1", 13, true); /* longer than what there is */
}

static void the_farthest_sums_load(void **state) {
    (void)state;
    static const char *const bytes[] = {"\3\0\1\0\xCE\xFB\1", "\3\1\1\0\x7F\4\1", "\3\0\1\0\x9C\xF7\1",
                                        "\3\0\1\0\xFF\x8\1"};
    struct exact_sum all = {.flags = 0};
    struct buf out = {0};
    for (size_t i = 0; i < 4; i++) {
        struct exact_sum s = {.flags = 0};
        struct err e = {.grade = 0};
        const char *p = bytes[i];
        assert_int_equal(exact_sum_load(&s, &arena, i >= 2, &p, bytes[i] + 7, &e), 0);
        assert_ptr_equal(p, bytes[i] + 7);
        buf_clear(&out);
        assert_int_equal(exact_sum_save(&s, &out), 0);
        assert_int_equal(out.len, 7);
        assert_memory_equal(out.data, bytes[i], 7);
        assert_int_equal(exact_sum_merge(&all, &arena, &s), 0);
        exact_sum_clear(&s, &arena);
    }
    assert_same(exact_sum_ratio(&all, UINT64_MAX, UINT64_MAX), (double)INFINITY);
    exact_sum_clear(&all, &arena);
    buf_release(&out);
}

static void no_memory_leaves_the_sum_as_it_was(void **state) {
    (void)state;
    struct exact_sum s = {.flags = 0};
    budget.limit = 1;
    assert_int_equal(exact_sum_add_double(&s, &arena, 1e300), 0);
    assert_int_equal(exact_sum_add_double(&s, &arena, 1), G_NOMEM);
    assert_same(rounded(&s), 1e300);
    assert_int_equal(exact_sum_add_double(&s, &arena, -1e300), 0);
    assert_int_equal(exact_sum_add_double(&s, &arena, 1), 0);
    assert_same(rounded(&s), 1);
}

int main(void) {
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(sums_means_rates_and_variances_are_rounded_once),
        TEST(ties_go_to_even),
        TEST(denormal_results_are_rounded_once),
        TEST(random_sets_sum_up_as_expansions_do),
        TEST(a_sum_that_overflows_on_the_way_does_not),
        TEST(what_rounds_to_more_than_the_largest_is_infinite),
        TEST(what_is_not_finite_wins),
        TEST(integers_are_printed_in_full),
        TEST(an_integer_and_a_double_make_a_double),
        TEST(roots_of_squares_out_of_reach_are_found),
        TEST(saved_bytes_are_as_they_are_drawn),
        TEST(impossible_sums_are_refused),
        TEST(the_farthest_sums_load),
        TEST(no_memory_leaves_the_sum_as_it_was),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
