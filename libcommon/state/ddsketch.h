/* SPDX-License-Identifier: Apache-2.0 */
/*
 * DDSketch: quantiles with a relative error of at most 1 %, in a few KiB, mergeable without loss.
 *
 * Source: Masson, Rim and Lee, "DDSketch: a fast and fully-mergeable quantile sketch with relative-error guarantees",
 * PVLDB 12 (2019). Values are counted in bins whose ends are at most a factor gamma = e^0.02 apart; the middle of a bin
 * (2LU / (L + U)) is within (gamma - 1) / (gamma + 1) = tanh 0.01 < 1 % of all that is in it.
 *
 * The bin is found without a logarithm, as in the authors' "cubically interpolated mapping". With x = 2^e (1 + s), 0 <=
 * s < 1, the function f(x) = e + p(s), p(s) = (6 s^3 - 21 s^2 + 50 s) / 35, grows continuously, and
 * df/d(ln x) = p'(s) (1 + s) = (18 s^3 - 24 s^2 + 8 s + 50) / 35, whose minimum is 10/7 (at s = 0 and s = 2/3). So bins
 * of width 1/35 in f are at most 7/10 * 1/35 = 0.02 wide in ln x: 35 bins an octave, 1 % more than the least possible,
 * and the bin is 35 e + floor(6 s^3 - 21 s^2 + 50 s). That is computed in integers with 28 bits of s, which moves ends
 * of bins by less than 10^-8 of their value: tanh 0.01 leaves room for 3 * 10^-7. It is the same on every machine.
 *
 * Negative values have a store of their own, zeros are counted, infinities too; NaN is ignored as null is. A store has
 * at most DD_BINS bins, 58 octaves, a range of 10^17: smaller magnitudes are counted in the lowest. That depends on the
 * greatest magnitude alone, so that the sketch is a function of the multiset of values. The ends of a store are exact.
 */
#ifndef LEAT_STATE_DDSKETCH_H
#define LEAT_STATE_DDSKETCH_H

#include "base/buf.h"
#include "state/arena.h"

enum { DD_BINS = 2038 }; /* as many 32-bit counters as a block of 8 KiB has room for */

struct dd_store; /* in the arena: 64 bytes for 6 bins, 128 for 22, 256 for 54, … 8 KiB; twice that over 2^32 values */

/* All zero is empty. */
struct ddsketch {
    struct dd_store *positive, *negative;
    uint64_t zeros;
};

int ddsketch_add(struct ddsketch *d, struct arena *arena, double x) NODISCARD; /* G_NOMEM */
int ddsketch_merge(struct ddsketch *d, struct arena *arena, const struct ddsketch *from) NODISCARD;
void ddsketch_clear(struct ddsketch *d, struct arena *arena);

uint64_t ddsketch_count(const struct ddsketch *d);
/* 0 <= q <= 1, between two order statistics as quantile.h says, each of which is within 1 % (the least and the greatest
 * are exact). d is not empty. */
double ddsketch_quantile(const struct ddsketch *d, double q);

/*
 * Saved: the zeros, then the positive and the negative store; all counts in seven bit groups (pack.h). A store is the
 * number of its finite values and of its infinities; if it has finite ones, the least and greatest magnitude as doubles
 * and the counts of the bins from the least's to the greatest's, where a 0 is followed by how many more 0s follow it.
 */
int ddsketch_save(const struct ddsketch *d, struct buf *out) NODISCARD;
int ddsketch_load(struct ddsketch *d, struct arena *arena, const char **p, const char *end, struct err *e) NODISCARD;

/* The bin of a finite magnitude above 0, and the middle of a bin: for tests. */
int32_t dd_bin(double x);
double dd_middle(int32_t bin);

#endif
