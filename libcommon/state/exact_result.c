/* SPDX-License-Identifier: Apache-2.0 */
/* What comes out of exact sums, rounded once: sums, means, rates, variances. See exact_sum.h. */
#include <math.h>

#include "expr/value.h"
#include "state/exact_big.h"

enum { NOT_FINITE = EXACT_PLUS_INF | EXACT_MINUS_INF | EXACT_NAN };

static double not_finite(unsigned flags) {
    flags &= NOT_FINITE;
    if (flags == EXACT_PLUS_INF) return (double)INFINITY;
    if (flags == EXACT_MINUS_INF) return (double)-INFINITY;
    return (double)NAN;
}

/* ---- sums ---- */

/* An integer of any length as text. */
static int big_text(struct big *b, struct heap *h, struct value *ret) {
    enum { GROUP = 19 }; /* digits taken at once */
    static const uint64_t ten_to_group = 10000000000000000000u;
    char digits[(BIG_LIMBS + 1) * (GROUP + 1)];
    char *end = digits + sizeof(digits), *p = end;
    big_extend(b, b->n + (uint32_t)b->exponent / 64);
    while (b->n > 0) {
        uint64_t rest = 0;
        for (uint32_t i = b->n; i-- > 0;) {
            exact_uint x = (exact_uint)rest << 64 | b->limb[i];
            b->limb[i] = (uint64_t)(x / ten_to_group);
            rest = (uint64_t)(x % ten_to_group);
        }
        while (b->n > 0 && b->limb[b->n - 1] == 0) b->n--;
        for (int i = 0; i < GROUP && (b->n > 0 || rest > 0); i++, rest /= 10) *--p = (char)('0' + rest % 10);
    }
    if (b->minus) *--p = '-';
    char *text = heap_alloc(h, (size_t)(end - p));
    if (!text) return G_NOMEM;
    memcpy(text, p, (size_t)(end - p));
    *ret = value_raw(text, (size_t)(end - p));
    return 0;
}

int exact_sum_value(const struct exact_sum *s, struct heap *h, struct value *ret) {
    struct big b;
    if (!(s->flags & EXACT_ANY)) {
        *ret = value_null();
    } else if (s->flags & NOT_FINITE) {
        *ret = value_double(not_finite(s->flags));
    } else if (s->flags & EXACT_DOUBLE) {
        if (s->spilled) {
            big_of(&b, s);
            *ret = value_double(big_round(&b, false));
        } else { /* has no bits below those of the smallest double: rounded once */
            *ret = value_double(ldexp((double)s->whole, s->exponent));
        }
    } else if (!s->spilled && s->exponent == 0 && s->whole == (int64_t)s->whole) {
        *ret = value_int((int64_t)s->whole);
    } else {
        big_of(&b, s);
        return big_text(&b, h, ret);
    }
    return 0;
}

/* ---- quotients ---- */

double exact_sum_ratio(const struct exact_sum *s, uint64_t times, uint64_t by) {
    static const uint64_t exact = (uint64_t)1 << 53;
    exact_int x;
    if (s->flags & NOT_FINITE) return not_finite(s->flags);
    if (!s->spilled && s->exponent == 0 && by <= exact && !__builtin_mul_overflow(s->whole, (exact_int)times, &x) &&
        x <= (exact_int)exact && x >= -(exact_int)exact)
        return (double)(int64_t)x / (double)by;
    struct big b;
    big_of(&b, s);
    big_multiply(&b, times);
    big_extend(&b, 3);
    bool more = big_divide(&b, by);
    return big_round(&b, more);
}

/* ---- variances ---- */

/* (n q - s^2) / (n (n - 1)), all of it exact but the last step. */
double exact_variance(const struct exact_sum *s, const struct exact_sum *q, uint64_t n, bool root) {
    if (s->flags & NOT_FINITE) return (double)NAN;
    struct big a, b, square;
    big_of(&b, s);
    big_square(&square, &b);
    big_of(&a, q);
    big_multiply(&a, n);
    big_subtract(&b, &a, &square);
    if (b.minus) return 0; /* never, unless what was loaded lied */
    big_extend(&b, 4);
    bool more = big_divide(&b, n);
    more |= big_divide(&b, n - 1);
    if (!root || b.n == 0) return big_round(&b, more);
    /* The root of what is near 1, whatever its size is: the square of a double may be out of reach. */
    int size = (b.exponent + (int)b.n * 64) / 64 * 64;
    b.exponent -= size;
    return ldexp(sqrt(big_round(&b, more)), size / 2);
}
