/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whole numbers as long as exact sums need them, times a power of two: the arithmetic between a sum and a result that
 * is rounded once. On the C stack, 2 KiB each, of which only the first n limbs mean anything. For exact_result.c and
 * exact_save.c.
 */
#ifndef LEAT_STATE_EXACT_BIG_H
#define LEAT_STATE_EXACT_BIG_H

#include "state/exact_sum.h"

enum { BIG_LIMBS = 256 }; /* a sum has at most 127, its square twice as many, and one or two more are needed at times */

struct big {
    bool minus;
    int exponent; /* of the lowest limb; made a multiple of 64 by big_of and kept so */
    uint32_t n;   /* 0: zero; else the highest limb is not 0 */
    uint64_t limb[BIG_LIMBS];
};

void big_of(struct big *b, const struct exact_sum *s);

void big_multiply(struct big *b, uint64_t by);
void big_square(struct big *ret, const struct big *b);
/* a - b, whatever their signs are: of the magnitudes. */
void big_subtract(struct big *ret, const struct big *a, const struct big *b);

/* Zeros below, so that it has n limbs at least: what is divided needs two more than divisors, so that 64 bits of the
 * quotient are there. */
void big_extend(struct big *b, uint32_t n);
/* Is there a remainder? */
bool big_divide(struct big *b, uint64_t by);

/* Rounded half to even; `more`: the number is not whole, but this and a little more. Infinite if too large. */
double big_round(const struct big *b, bool more);

#endif
