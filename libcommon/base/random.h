/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two kinds of random: `struct rng`, a small seeded generator whose numbers are the same on every machine (test data,
 * sampling, simulated time), and random_bytes(), from the kernel, for identities and hash keys.
 *
 * Method: xoshiro256** 1.0 by Blackman and Vigna, its state filled from the seed by splitmix64. Not for secrets.
 */
#ifndef LEAT_BASE_RANDOM_H
#define LEAT_BASE_RANDOM_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct rng {
    uint64_t s[4];
};

void rng_init(struct rng *r, uint64_t seed);

/* 0 .. n-1, each equally likely. n is at least 1. */
uint64_t rng_below(struct rng *r, uint64_t n);

/* n bytes from the kernel. G_IO when it has none to give. */
int random_bytes(void *p, size_t n, struct err *e) NODISCARD;

/* 64 equally likely bits. */
static inline uint64_t rng_next(struct rng *r) {
    uint64_t *s = r->s, five = s[1] * 5, shifted = s[1] << 17;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= shifted;
    s[3] = (s[3] << 45) | (s[3] >> 19);
    return ((five << 7) | (five >> 57)) * 9;
}

/* 0 <= x < 1, a multiple of 2^-53. */
static inline double rng_double(struct rng *r) {
    return (double)(rng_next(r) >> 11) * 0x1p-53;
}

#endif
