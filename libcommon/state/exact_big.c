/* SPDX-License-Identifier: Apache-2.0 */
/* Long whole numbers by the methods of school. See exact_big.h. */
#include "state/exact_big.h"

#include <math.h>

static void trim(struct big *b) {
    uint32_t zeros = 0;
    while (b->n > 0 && b->limb[b->n - 1] == 0) b->n--;
    while (zeros < b->n && b->limb[zeros] == 0) zeros++;
    if (zeros == 0) return;
    b->n -= zeros;
    b->exponent += (int)zeros * 64;
    memmove(b->limb, &b->limb[zeros], b->n * sizeof(*b->limb));
}

void big_of(struct big *b, const struct exact_sum *s) {
    if (!s->spilled) {
        exact_uint m = s->whole < 0 ? -(exact_uint)s->whole : (exact_uint)s->whole;
        int shift = s->exponent & 63;
        exact_uint low = m << shift;
        b->minus = s->whole < 0;
        b->exponent = s->exponent - shift;
        b->n = 3;
        b->limb[0] = (uint64_t)low;
        b->limb[1] = (uint64_t)(low >> 64);
        b->limb[2] = shift > 0 ? (uint64_t)(m >> 64) >> (64 - shift) : 0;
    } else {
        const struct exact_wide *w = s->wide;
        b->minus = (int64_t)w->limb[w->n - 1] < 0;
        b->exponent = w->base * 64;
        b->n = w->n;
        uint64_t carry = b->minus;
        for (uint32_t i = 0; i < w->n; i++) {
            uint64_t x = b->minus ? ~w->limb[i] : w->limb[i];
            b->limb[i] = x + carry;
            carry = carry && b->limb[i] == 0;
        }
    }
    trim(b);
}

void big_multiply(struct big *b, uint64_t by) {
    uint64_t carry = 0;
    for (uint32_t i = 0; i < b->n; i++) {
        exact_uint product = (exact_uint)b->limb[i] * by + carry;
        b->limb[i] = (uint64_t)product;
        carry = (uint64_t)(product >> 64);
    }
    if (carry && b->n < BIG_LIMBS) b->limb[b->n++] = carry;
    trim(b);
}

void big_square(struct big *ret, const struct big *b) {
    uint32_t n = b->n <= BIG_LIMBS / 2 ? b->n : 0; /* always */
    ret->minus = false;
    ret->exponent = b->exponent * 2;
    ret->n = n * 2;
    memset(ret->limb, 0, n * 2 * sizeof(*ret->limb));
    for (uint32_t i = 0; i < n; i++) {
        uint64_t carry = 0;
        for (uint32_t j = 0; j < n; j++) {
            exact_uint product = (exact_uint)b->limb[i] * b->limb[j] + ret->limb[i + j] + carry;
            ret->limb[i + j] = (uint64_t)product;
            carry = (uint64_t)(product >> 64);
        }
        ret->limb[i + n] = carry;
    }
    trim(ret);
}

/* The limb at an exponent. */
static uint64_t limb_at(const struct big *b, int exponent) {
    if (exponent < b->exponent) return 0;
    uint32_t i = (uint32_t)(exponent - b->exponent) / 64;
    return i < b->n ? b->limb[i] : 0;
}

void big_subtract(struct big *ret, const struct big *a, const struct big *b) {
    if (a->n == 0 || b->n == 0) {
        *ret = a->n == 0 ? *b : *a;
        ret->minus = a->n == 0;
        return;
    }
    int low = a->exponent < b->exponent ? a->exponent : b->exponent;
    int a_end = a->exponent + (int)a->n * 64, b_end = b->exponent + (int)b->n * 64;
    uint32_t n = (uint32_t)((a_end > b_end ? a_end : b_end) - low) / 64;
    if (n > BIG_LIMBS) n = BIG_LIMBS; /* never */
    uint64_t borrow = 0;
    for (uint32_t i = 0; i < n; i++) {
        int exponent = low + (int)i * 64;
        exact_uint x = limb_at(a, exponent), y = (exact_uint)limb_at(b, exponent) + borrow;
        ret->limb[i] = (uint64_t)(x - y);
        borrow = x < y;
    }
    uint64_t carry = borrow; /* below zero: its complement */
    for (uint32_t i = 0; i < n && borrow; i++) {
        ret->limb[i] = ~ret->limb[i] + carry;
        carry = carry && ret->limb[i] == 0;
    }
    ret->minus = borrow;
    ret->exponent = low;
    ret->n = n;
    trim(ret);
}

void big_extend(struct big *b, uint32_t n) {
    if (b->n == 0 || b->n >= n) return;
    uint32_t more = n - b->n;
    memmove(&b->limb[more], b->limb, b->n * sizeof(*b->limb));
    memset(b->limb, 0, more * sizeof(*b->limb));
    b->n = n;
    b->exponent -= (int)more * 64;
}

bool big_divide(struct big *b, uint64_t by) {
    uint64_t rest = 0;
    for (uint32_t i = b->n; i-- > 0;) {
        exact_uint x = (exact_uint)rest << 64 | b->limb[i];
        b->limb[i] = rest == 0 ? b->limb[i] / by : (uint64_t)(x / by);
        rest = (uint64_t)(x - (exact_uint)b->limb[i] * by);
    }
    while (b->n > 0 && b->limb[b->n - 1] == 0) b->n--; /* zeros below stay: they are bits of the quotient */
    return rest != 0;
}

double big_round(const struct big *b, bool more) {
    enum { DIGITS = 53, LEAST = -1074 };
    if (b->n == 0) return 0;
    int bits = (int)b->n * 64 - __builtin_clzll(b->limb[b->n - 1]);
    int exponent = b->exponent + bits - DIGITS; /* of the last digit of the result */
    if (exponent < LEAST) exponent = LEAST;
    int drop = exponent - b->exponent;
    uint64_t m = b->limb[0];
    if (drop <= 0) {
        exponent = b->exponent;
    } else {
        uint32_t at = (uint32_t)drop / 64, shift = (uint32_t)drop % 64;
        m = at < b->n ? b->limb[at] >> shift : 0;
        if (shift > 0 && at + 1 < b->n) m |= b->limb[at + 1] << (64 - shift);
        uint32_t half = (uint32_t)drop - 1, in = half / 64;
        if (in < b->n && (b->limb[in] >> half % 64 & 1)) {
            more |= (b->limb[in] & (((uint64_t)1 << half % 64) - 1)) != 0;
            for (uint32_t i = 0; i < in && !more; i++) more = b->limb[i] != 0;
            if (more || (m & 1)) m++;
        }
    }
    double d = m > 0 ? ldexp((double)m, exponent) : 0;
    return b->minus && m > 0 ? -d : d;
}
