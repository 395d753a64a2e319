/* SPDX-License-Identifier: Apache-2.0 */
/*
 * All numbers that were added, in an array in the arena that doubles, for quantiles that must be exact: 8 bytes a
 * value. A quantile is selected by counting, eleven bits of the numbers at a time from the highest down: it takes at
 * most seven passes over the list whatever is in it, changes nothing and needs no memory.
 */
#ifndef LEAT_STATE_NUMBER_LIST_H
#define LEAT_STATE_NUMBER_LIST_H

#include "base/buf.h"
#include "state/arena.h"

/* All zero is empty. */
struct number_list {
    double *values; /* in no order; NaN is ignored as null is, and there is no -0 */
    uint64_t n, cap;
};

int number_list_add(struct number_list *l, struct arena *arena, double x) NODISCARD; /* G_NOMEM */
int number_list_merge(struct number_list *l, struct arena *arena, const struct number_list *from) NODISCARD;
void number_list_clear(struct number_list *l, struct arena *arena);

/* As quantile.h says; 0 <= q <= 1, and the list is not empty. */
double number_list_quantile(const struct number_list *l, double q);

/* Saved: how many in seven bit groups, and the doubles. */
int number_list_save(const struct number_list *l, struct buf *out) NODISCARD;
int number_list_load(struct number_list *l, struct arena *arena, const char **p, const char *end,
                     struct err *e) NODISCARD;

#endif
