/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Exact sums of integers, doubles, and squares of either: nothing is rounded until the result is asked for, and then
 * once, so that the result depends on the multiset of what was added and on nothing else. It is what Python's math.fsum
 * gives (G. Shewchuk's expansions), also where sums on the way would overflow.
 *
 * The sum is one whole number of 128 bits times a power of two, which is enough for most data; when bits run out, it
 * moves to a block of the arena with as many as are needed (at most 4,400), as in the accumulators of Kulisch. A zeroed
 * one is empty.
 */
#ifndef LEAT_STATE_EXACT_SUM_H
#define LEAT_STATE_EXACT_SUM_H

#include "base/buf.h"
#include "expr/heap.h"
#include "state/arena.h"

typedef __int128 exact_int __attribute__((aligned(8)));
typedef unsigned __int128 exact_uint __attribute__((aligned(8)));

enum exact_flag {
    EXACT_ANY = 1,    /* something was added */
    EXACT_DOUBLE = 2, /* a double was: the result is one */
    EXACT_PLUS_INF = 4,
    EXACT_MINUS_INF = 8,
    EXACT_NAN = 16
};

/* Two's complement, limb[0] being the lowest, times 2^(64 * base). Always a block of the arena of 8 (n + 1) bytes. */
struct exact_wide {
    int32_t base;
    uint32_t n; /* 7, 15, 31, 63 or 127 */
    uint64_t limb[];
};

struct exact_sum {
    union {
        exact_int whole;         /* times 2^exponent */
        struct exact_wide *wide; /* when `spilled` */
    };
    int16_t exponent;
    uint8_t spilled;
    uint8_t flags;
    uint32_t unused;
};

/* Add m * 2^exponent. */
int exact_sum_add_slow(struct exact_sum *s, struct arena *arena, exact_int m, int exponent) NODISCARD;

/* Written only when it changes: a byte that was just stored would make reading the word around it wait. */
static inline void exact_sum_flag(struct exact_sum *s, unsigned flags) {
    if ((s->flags & flags) != flags) s->flags |= (uint8_t)flags;
}

NODISCARD static inline int exact_sum_add_int(struct exact_sum *s, struct arena *arena, int64_t i) {
    exact_int sum;
    exact_sum_flag(s, EXACT_ANY);
    if (s->exponent != 0 || s->spilled || __builtin_add_overflow(s->whole, (exact_int)i, &sum))
        return exact_sum_add_slow(s, arena, i, 0);
    s->whole = sum;
    return 0;
}
int exact_sum_add_double(struct exact_sum *s, struct arena *arena, double d) NODISCARD;

/* The squares. Infinities and NaN only set flags. */
int exact_sum_add_int_square(struct exact_sum *s, struct arena *arena, int64_t i) NODISCARD;
int exact_sum_add_double_square(struct exact_sum *s, struct arena *arena, double d) NODISCARD;

int exact_sum_merge(struct exact_sum *s, struct arena *arena, const struct exact_sum *from) NODISCARD;
void exact_sum_clear(struct exact_sum *s, struct arena *arena);

/* ---- results (exact_result.c) ---- */

/* null when empty; an exact integer of any length when no double was added; else a double, rounded half to even. It is
 * NaN after NaN or both infinities, and infinite after one or when the sum is too large. */
int exact_sum_value(const struct exact_sum *s, struct heap *h, struct value *ret) NODISCARD;

/* The sum times `times` by `by` (not 0), rounded once: means and rates. */
double exact_sum_ratio(const struct exact_sum *s, uint64_t times, uint64_t by);

/* Of n >= 2 numbers whose sum is s and whose squares' sum is q: the sample variance, rounded once, or its root, rounded
 * twice. */
double exact_variance(const struct exact_sum *s, const struct exact_sum *q, uint64_t n, bool root);

/* ---- as bytes (exact_save.c) ---- */

/*
 *     flags u8 │ minus u8 (0, 1) │ size u16 │ exponent i16 │ magnitude: `size` bytes, little-endian
 *
 * The same for the same sum however it came about: the magnitude is odd or has no bytes, and its last byte is not 0.
 * `squares` allows for their range when loading; `s` is empty before. G_CORRUPT, G_NOMEM.
 */
int exact_sum_save(const struct exact_sum *s, struct buf *out) NODISCARD;
int exact_sum_load(struct exact_sum *s, struct arena *arena, bool squares, const char **p, const char *end,
                   struct err *e) NODISCARD;

#endif
