/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which order statistics a quantile is made of: of n sorted values x[0..n), quantile q is at h = q * (n - 1), between
 * x[floor(h)] and the next (Hyndman and Fan 1996, definition 7; numpy's default and DuckDB's quantile_cont).
 */
#ifndef LEAT_STATE_QUANTILE_H
#define LEAT_STATE_QUANTILE_H

#include <math.h>
#include <stdint.h>

struct quantile_rank {
    uint64_t low; /* < n */
    double part;  /* of the way to the next, 0 <= part < 1; 0 at the last */
};

/* n > 0, 0 <= q <= 1. What is whole but for rounding is taken as whole: 0.29 of 101 values is x[29]. */
static inline struct quantile_rank quantile_rank(uint64_t n, double q) {
    double h = q * (double)(n - 1);
    double whole = nearbyint(h);
    if (fabs(h - whole) <= h * 0x1p-51) h = whole;
    uint64_t low = (uint64_t)h;
    if (low >= n - 1) return (struct quantile_rank){n - 1, 0};
    return (struct quantile_rank){low, h - (double)low};
}

/* `part` of the way from a to b; a <= b, both may be infinite. Never outside. */
static inline double quantile_between(double a, double b, double part) {
    if (a == b || part == 0) return a;
    double d = b - a;
    double r = isinf(d) ? a * (1 - part) + b * part : a + d * part;
    if (isnan(r)) return r; /* between the infinities */
    return r > b ? b : r < a ? a : r;
}

#endif
