/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Random sets of numbers. See number_sets.h.
 */
#include "number_sets.h"

#include <math.h>
#include <stdlib.h>

uint64_t random_next(struct random_state *r) {
    uint64_t z = r->at += 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

uint64_t random_below(struct random_state *r, uint64_t n) {
    return random_next(r) % n;
}

double random_unit(struct random_state *r) {
    return (double)(random_next(r) >> 11) * 0x1p-53;
}

size_t random_size(struct random_state *r, size_t from, size_t to) {
    return (size_t)floor((double)from * pow((double)(to + 1) / (double)from, random_unit(r)));
}

static double random_normal(struct random_state *r) {
    return sqrt(-2 * log(1 - random_unit(r))) * cos(2 * M_PI * random_unit(r));
}

const char *const number_set_names[NUMBER_SETS] = {"uniform",  "lognormal", "pareto", "constant",
                                                   "negative", "mixed",     "whole"};

void number_set_fill(enum number_set kind, struct random_state *r, double *x, size_t n) {
    double scale = exp(10 * random_normal(r)), constant = random_normal(r) * scale;
    for (size_t i = 0; i < n; i++) {
        switch (kind) {
        case UNIFORM: x[i] = scale * random_unit(r); break;
        case LOGNORMAL: x[i] = exp(3 + random_normal(r)); break;
        case PARETO: x[i] = scale / pow(1 - random_unit(r), 1.0 / 1.5); break;
        case CONSTANT: x[i] = constant; break;
        case NEGATIVE: x[i] = -scale * (1 + random_unit(r)); break;
        case MIXED: x[i] = random_below(r, 10) ? scale * random_normal(r) : 0; break;
        default: x[i] = (double)random_below(r, 1000); break;
        }
    }
}

void numbers_shuffle(struct random_state *r, double *x, size_t n) {
    for (size_t i = n; i > 1; i--) {
        size_t j = random_below(r, i);
        double y = x[i - 1];
        x[i - 1] = x[j];
        x[j] = y;
    }
}

static int compare(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

void numbers_sort(double *x, size_t n) {
    qsort(x, n, sizeof *x, compare);
}
