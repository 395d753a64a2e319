/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An exact map from values to how often they came, in the arena: for mode, exact_distinct, and topk while it is exact.
 *
 * The values and counts lie one behind the other in an array that doubles; open addressing with linear probing over
 * 32-bit places in it, at most half full, finds them. Up to eight values are looked through instead. 32 bytes a value
 * and 8 of index, and longer texts. What is in it is a function of what was added; the order in the array is not.
 */
#ifndef LEAT_STATE_VALUE_COUNTS_H
#define LEAT_STATE_VALUE_COUNTS_H

#include "state/cell.h"

struct counted {
    uint64_t hash, count;
    struct kept value;
};

/* All zero is empty. */
struct value_counts {
    struct counted *items;
    uint32_t *slots; /* place in items + 1, 0 is free; 2 * cap of them, none while cap is at most 8 */
    uint32_t n, cap;
};

enum { VALUE_COUNTS_ABSENT = -1 };

/* The place of a value (normal form, with its hash) or VALUE_COUNTS_ABSENT. */
int64_t value_counts_find(const struct value_counts *m, const struct cell *c, uint64_t hash);

/* Its count grows; *ret is its place. G_NOMEM. */
int value_counts_add(struct value_counts *m, struct arena *arena, const struct cell *c, uint64_t hash, uint64_t count,
                     uint32_t *ret) NODISCARD;

/* Another value in the place of this one, which is forgotten; the count stays. `c` is not there yet. G_NOMEM. */
int value_counts_replace(struct value_counts *m, struct arena *arena, uint32_t place, const struct cell *c,
                         uint64_t hash) NODISCARD;

/* Only the first n items stay, after the caller has moved them about: places are found anew. */
void value_counts_keep(struct value_counts *m, struct arena *arena, uint32_t n);

int value_counts_merge(struct value_counts *m, struct arena *arena, const struct value_counts *from) NODISCARD;
void value_counts_clear(struct value_counts *m, struct arena *arena);

/* Saved: how many in seven bit groups, then each value (cell_save) and its count in seven bit groups, which are placed
 * in that order when they are loaded. More than `most` values are refused. */
int counted_save(const struct counted *x, struct buf *out) NODISCARD; /* one of them */
int value_counts_save(const struct value_counts *m, struct buf *out) NODISCARD;
int value_counts_load(struct value_counts *m, struct arena *arena, uint64_t most, const char **p, const char *end,
                      struct err *e) NODISCARD;

#endif
