/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Adding to exact sums: in 128 bits while they last, and then in a block of 64-bit limbs that grows at either end. See
 * exact_sum.h.
 */
#include "state/exact_sum.h"

enum { FRACTION_BITS = 52, EXPONENT_OF_ALL_ONES = 0x7FF, EXPONENT_OF_LEAST = -1074 };
#define FRACTION_MASK (((uint64_t)1 << FRACTION_BITS) - 1)

/* ---- the block ---- */

static size_t wide_bytes(uint32_t n) {
    return sizeof(struct exact_wide) + n * sizeof(uint64_t);
}

/* Make room for limbs lo to hi, in units of 64 bits; what is spare is shared by both ends. */
static int wide_room(struct exact_wide **wide, struct arena *arena, int lo, int hi) {
    enum { LEAST = 7, MOST = 127 };
    struct exact_wide *old = *wide;
    if (old) {
        int old_hi = old->base + (int)old->n - 1;
        if (lo >= old->base && hi <= old_hi) return 0;
        if (lo > old->base) lo = old->base;
        if (hi < old_hi) hi = old_hi;
    }
    uint32_t need = (uint32_t)(hi - lo + 1), n = LEAST;
    while (n < need && n < MOST) n = n * 2 + 1;
    if (n < need) return G_NOMEM; /* never: everything that can be added or loaded lies within half of that */
    struct exact_wide *w = arena_take(arena, wide_bytes(n));
    if (!w) return G_NOMEM;
    w->n = n;
    w->base = lo - (int)(n - need) / 2;
    if (old) {
        uint32_t at = (uint32_t)(old->base - w->base);
        memcpy(&w->limb[at], old->limb, old->n * sizeof(*old->limb));
        if ((int64_t)old->limb[old->n - 1] < 0)
            memset(&w->limb[at + old->n], 0xFF, (n - at - old->n) * sizeof(*w->limb));
        arena_give(arena, old, wide_bytes(old->n));
    }
    *wide = w;
    return 0;
}

/* The limb above what is added, for which there is room, takes 2^63 carries: more than anybody has records. */
static int wide_add(struct exact_wide **wide, struct arena *arena, exact_int m, int exponent) {
    int lo = exponent >> 6, shift = exponent & 63;
    if (wide_room(wide, arena, lo, lo + 3) < 0) return G_NOMEM;
    struct exact_wide *w = *wide;
    uint64_t sign = m < 0 ? ~(uint64_t)0 : 0;
    uint64_t part[3] = {(uint64_t)m << shift, (uint64_t)(m >> (64 - shift)), sign};
    if (shift > 0) part[2] = (uint64_t)((m >> 64) >> (64 - shift));
    uint64_t carry = 0;
    uint32_t at = (uint32_t)(lo - w->base);
    for (int i = 0; i < 3; i++, at++) {
        exact_uint sum = (exact_uint)w->limb[at] + part[i] + carry;
        w->limb[at] = (uint64_t)sum;
        carry = (uint64_t)(sum >> 64);
    }
    for (; at < w->n && carry != (sign & 1); at++) {
        exact_uint sum = (exact_uint)w->limb[at] + sign + carry;
        w->limb[at] = (uint64_t)sum;
        carry = (uint64_t)(sum >> 64);
    }
    return 0;
}

/* ---- adding ---- */

static bool shift_fits(exact_int m, int by, exact_int *ret) {
    if (by > 127) return false;
    exact_int shifted = (exact_int)((exact_uint)m << by);
    if (shifted >> by != m) return false;
    *ret = shifted;
    return true;
}

/* Without a block, if it can be. */
static bool add_inline(struct exact_sum *s, exact_int m, int exponent) {
    exact_int x;
    if (s->whole == 0) s->exponent = 0; /* integers are added fastest to that */
    int by = exponent - s->exponent;
    if (by >= 0) {
        if (shift_fits(m, by, &x) && !__builtin_add_overflow(s->whole, x, &x)) {
            s->whole = x;
            return true;
        }
        if (s->whole != 0) return false;
        x = m;
    } else if (!shift_fits(s->whole, -by, &x) || __builtin_add_overflow(x, m, &x)) {
        return false;
    }
    s->whole = x;
    s->exponent = (int16_t)exponent;
    return true;
}

int exact_sum_add_slow(struct exact_sum *s, struct arena *arena, exact_int m, int exponent) {
    if (m == 0) return 0;
    if (!s->spilled) {
        if (add_inline(s, m, exponent)) return 0;
        struct exact_wide *wide = NULL;
        int lo = exponent < s->exponent ? exponent : s->exponent;
        int hi = exponent < s->exponent ? s->exponent : exponent;
        if (wide_room(&wide, arena, lo >> 6, (hi >> 6) + 3) < 0) return G_NOMEM;
        if (wide_add(&wide, arena, s->whole, s->exponent) < 0) return G_NOMEM; /* never: there is room */
        s->wide = wide;
        s->exponent = 0;
        s->spilled = 1;
    }
    return wide_add(&s->wide, arena, m, exponent);
}

/* A double as m * 2^*exponent, m being odd. False for those that are 0 or not finite; then the flags are set. */
static bool take_apart(struct exact_sum *s, double d, int64_t *m, int *exponent) {
    uint64_t bits;
    memcpy(&bits, &d, sizeof bits);
    uint64_t fraction = bits & FRACTION_MASK;
    int biased = (int)(bits >> FRACTION_BITS) & EXPONENT_OF_ALL_ONES;
    bool minus = bits >> 63;
    exact_sum_flag(s, EXACT_ANY | EXACT_DOUBLE);
    if (biased == EXPONENT_OF_ALL_ONES) {
        s->flags |= fraction ? EXACT_NAN : minus ? EXACT_MINUS_INF : EXACT_PLUS_INF;
        return false;
    }
    if (biased > 0) {
        fraction |= (uint64_t)1 << FRACTION_BITS;
        biased--;
    } else if (fraction == 0) {
        return false;
    }
    int zeros = __builtin_ctzll(fraction);
    fraction >>= zeros;
    *m = minus ? -(int64_t)fraction : (int64_t)fraction;
    *exponent = biased + zeros + EXPONENT_OF_LEAST;
    return true;
}

int exact_sum_add_double(struct exact_sum *s, struct arena *arena, double d) {
    int64_t m;
    int exponent;
    if (!take_apart(s, d, &m, &exponent)) return 0;
    /* 53 bits moved by 74 are inside 128. */
    int by = exponent - s->exponent;
    exact_int sum;
    if (!s->spilled && (unsigned)by <= 74 &&
        !__builtin_add_overflow(s->whole, (exact_int)((exact_uint)m << by), &sum)) {
        s->whole = sum;
        return 0;
    }
    return exact_sum_add_slow(s, arena, m, exponent);
}

int exact_sum_add_int_square(struct exact_sum *s, struct arena *arena, int64_t i) {
    exact_int square = (exact_int)i * i, sum;
    exact_sum_flag(s, EXACT_ANY);
    if (s->exponent != 0 || s->spilled || __builtin_add_overflow(s->whole, square, &sum))
        return exact_sum_add_slow(s, arena, square, 0);
    s->whole = sum;
    return 0;
}

int exact_sum_add_double_square(struct exact_sum *s, struct arena *arena, double d) {
    int64_t m;
    int exponent;
    if (!take_apart(s, d, &m, &exponent)) return 0;
    return exact_sum_add_slow(s, arena, (exact_int)m * m, 2 * exponent);
}

/* ---- the rest ---- */

int exact_sum_merge(struct exact_sum *s, struct arena *arena, const struct exact_sum *from) {
    s->flags |= from->flags;
    if (!from->spilled) return exact_sum_add_slow(s, arena, from->whole, from->exponent);
    const struct exact_wide *w = from->wide;
    uint32_t low = 0, high = w->n - 1;
    /* Zeros below, and copies of the sign above, are not worth a place. */
    while (low < high && w->limb[low] == 0) low++;
    while (high > low && (int64_t)w->limb[high] == (int64_t)w->limb[high - 1] >> 63) high--;
    for (uint32_t i = low; i <= high; i++) {
        exact_int m = i == high ? (exact_int)(int64_t)w->limb[i] : (exact_int)w->limb[i];
        int rc = exact_sum_add_slow(s, arena, m, (w->base + (int)i) * 64);
        if (rc < 0) return rc;
    }
    return 0;
}

void exact_sum_clear(struct exact_sum *s, struct arena *arena) {
    if (s->spilled) arena_give(arena, s->wide, wide_bytes(s->wide->n));
    *s = (struct exact_sum){.exponent = 0};
}
