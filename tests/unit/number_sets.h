/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the tests of sketches share: repeatable random numbers, and sets of numbers of several distributions and of
 * sizes from 1 to 100,000, small ones being as likely as large ones.
 */
#ifndef LEAT_TESTS_UNIT_NUMBER_SETS_H
#define LEAT_TESTS_UNIT_NUMBER_SETS_H

#include <stddef.h>
#include <stdint.h>

struct random_state {
    uint64_t at;
};
uint64_t random_next(struct random_state *r);                       /* 64 random bits (splitmix64) */
uint64_t random_below(struct random_state *r, uint64_t n);          /* 0 … n - 1 */
double random_unit(struct random_state *r);                         /* 0 <= x < 1 */
size_t random_size(struct random_state *r, size_t from, size_t to); /* evenly distributed logarithm */

enum number_set { UNIFORM, LOGNORMAL, PARETO, CONSTANT, NEGATIVE, MIXED, WHOLE, NUMBER_SETS };
extern const char *const number_set_names[NUMBER_SETS];
void number_set_fill(enum number_set kind, struct random_state *r, double *x, size_t n);

void numbers_shuffle(struct random_state *r, double *x, size_t n);
void numbers_sort(double *x, size_t n);

#endif
