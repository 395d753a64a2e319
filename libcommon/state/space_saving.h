/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The most frequent values: Space-Saving with a stream summary. While there are no more different values than places
 * it is an exact map and independent of order. Then a new value takes the place of one of the least counted, with that
 * count as its error: a count is too high by at most its error, and by at most (number of records / places).
 *
 * Sources: Metwally, Agrawal and El Abbadi, "Efficient computation of frequent and top-k elements in data streams"
 * (2005). Merging: Agarwal et al., "Mergeable summaries" (2012), and Cafaro, Pulimeno and Tempesta, "A parallel
 * space saving algorithm for frequent items and the Hurwitz zeta distribution" (2016): a value that one side does not
 * have counts there as often as that side's least, and the highest counts stay.
 */
#ifndef LEAT_STATE_SPACE_SAVING_H
#define LEAT_STATE_SPACE_SAVING_H

#include "state/value_counts.h"

/* All zero is empty. `places` is the same in all calls on a summary and in what is merged. */
struct space_saving {
    struct value_counts counts;  /* at most `places` */
    struct space_summary *order; /* by count, and errors: once a value had to go; NULL before */
};

enum { SPACE_PLACES_MIN = 1000, SPACE_PLACES_FACTOR = 100 };
/* For the k most frequent. */
static inline uint32_t space_saving_places(uint32_t k) {
    if (k > UINT32_MAX / 4 / SPACE_PLACES_FACTOR) return UINT32_MAX / 4;
    return k * SPACE_PLACES_FACTOR < SPACE_PLACES_MIN ? SPACE_PLACES_MIN : k * SPACE_PLACES_FACTOR;
}

/* A value in normal form. G_NOMEM. */
int space_saving_add(struct space_saving *s, struct arena *arena, uint32_t places, const struct cell *c) NODISCARD;
int space_saving_merge(struct space_saving *s, struct arena *arena, uint32_t places,
                       const struct space_saving *from) NODISCARD;
void space_saving_clear(struct space_saving *s, struct arena *arena, uint32_t places);

/* By how much the count of s->counts.items[place] may be too high. */
uint64_t space_saving_error(const struct space_saving *s, uint32_t place);

/* Saved: as value_counts_save does it, a byte that says whether values had to go, and if so the errors in seven bit
 * groups; then values are in the order in which they will go, the first to go first. What was loaded goes on as what
 * was saved would have. */
int space_saving_save(const struct space_saving *s, struct buf *out) NODISCARD;
int space_saving_load(struct space_saving *s, struct arena *arena, uint32_t places, const char **p, const char *end,
                      struct err *e) NODISCARD;

#endif
