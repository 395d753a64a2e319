/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Putting a record together from pieces of fixed size, which are copied whole and overlap, so that most of the work is
 * a few dozen moves; only times and numbers are printed. All write to p and return its new end.
 */
#ifndef LEAT_GEN_TEXT_H
#define LEAT_GEN_TEXT_H

#include <stdint.h>
#include <string.h>

#include "base/number.h"

enum { GEN_PIECE = 64 };

struct gen_piece {
    uint8_t weight; /* of 256 */
    uint8_t len;
    char text[GEN_PIECE];
};
#define GEN_P(weight, text)                                                                                            \
    { weight, sizeof(text) - 1, text }
#define GEN_COUNT(array) (sizeof(array) / sizeof *(array))

/* A choice by a random byte. The weights of a list are 256 together. */
static inline void gen_choice_fill(uint8_t choice[256], const struct gen_piece *list, size_t n) {
    size_t at = 0;
    for (size_t i = 0; i < n; i++)
        for (unsigned w = 0; w < list[i].weight && at < 256; w++) choice[at++] = (uint8_t)i;
}

static inline char *gen_put_piece(char *p, const struct gen_piece *piece) {
    memcpy(p, piece->text, GEN_PIECE);
    return p + piece->len;
}

static inline char *gen_put_text(char *p, const char *text) {
    size_t n = strlen(text);
    memcpy(p, text, n);
    return p + n;
}

static inline char *gen_put_u64(char *p, uint64_t v) {
    return p + number_format_u64(p, v);
}

static inline char *gen_put_pair(char *p, unsigned v) {
    memcpy(p, number_pairs + 2 * v, 2);
    return p + 2;
}

/* Thousandths: 5832 is 5.832, 5800 is 5.8, 5000 is 5.0. */
static inline char *gen_put_thousandths(char *p, uint32_t v) {
    unsigned rest = v % 1000;
    p += number_format_u64(p, v / 1000);
    *p++ = '.';
    *p++ = (char)('0' + rest / 100);
    gen_put_pair(p, rest % 100);
    return p + (rest % 10 != 0 ? 2 : rest % 100 != 0 ? 1 : 0);
}

/* 0 .. n-1 by 32 random bits. */
static inline unsigned gen_below(uint32_t random, uint32_t n) {
    return (unsigned)(((uint64_t)random * n) >> 32);
}

/* 64 bits that follow from two numbers: what belongs to the n-th thing, whenever it is asked for. Method: the
 * finaliser of splitmix64 by Steele, Lea and Flood. */
static inline uint64_t gen_mix(uint64_t seed, uint64_t n) {
    uint64_t z = seed + (n + 1) * 0x9E3779B97F4A7C15u;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return z ^ (z >> 31);
}

#endif
