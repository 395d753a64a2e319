/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of aggregate.h share: a table of operations for each family of functions. Not for anyone else. */
#ifndef LEAT_STATE_AGGREGATE_IMPL_H
#define LEAT_STATE_AGGREGATE_IMPL_H

#include "state/aggregate.h"

/* The functions of aggregate.h without the dispatch. */
struct aggregate_ops {
    aggregate_adder *add;
    int (*merge)(const struct aggregate *a, void *at, struct arena *arena, const void *from);
    void (*clear)(const struct aggregate *a, void *at, struct arena *arena);
    int (*result)(const struct aggregate *a, const void *at, const struct aggregate_window *w, struct heap *h,
                  struct value *ret);
    int (*save)(const struct aggregate *a, const void *at, struct buf *out);
    int (*load)(const struct aggregate *a, void *at, struct arena *arena, const char **p, const char *end,
                struct err *e);
};

struct aggregate_function {
    const char *name; /* "p50" stands for all pNN */
    unsigned arguments;
    int constant; /* index of the constant argument, or -1 */
    enum aggregate_input input;
    size_t size; /* of the accumulator, a multiple of 8; the largest is 64 */
    const struct aggregate_ops *ops;
    double q;       /* of quantiles without a constant argument */
    uint32_t limit; /* the same for collect */
};

/* Whole numbers from 1 on that topk and collect take. */
enum { AGGREGATE_TOPK_MAX = 10000, AGGREGATE_COLLECT_MAX = 1000000, AGGREGATE_COLLECT_DEFAULT = 1000 };

/* aggregate_number.c */
extern const struct aggregate_ops aggregate_count_ops, aggregate_truth_count_ops, aggregate_sum_ops, aggregate_mean_ops,
    aggregate_variance_ops, aggregate_stddev_ops, aggregate_rate_ops, aggregate_rate_sum_ops;
enum { AGGREGATE_COUNT_SIZE = 8, AGGREGATE_SUM_SIZE = 24, AGGREGATE_MEAN_SIZE = 32, AGGREGATE_VARIANCE_SIZE = 56 };

/* aggregate_pick.c */
extern const struct aggregate_ops aggregate_min_ops, aggregate_max_ops, aggregate_first_ops, aggregate_last_ops,
    aggregate_any_ops, aggregate_all_ops;
enum { AGGREGATE_EXTREME_SIZE = 16, AGGREGATE_TIMED_SIZE = 24, AGGREGATE_TRUTH_SIZE = 8 };

/* Over the sketches. */
extern const struct aggregate_ops aggregate_quantile_ops, aggregate_exact_quantile_ops, aggregate_distinct_ops,
    aggregate_exact_distinct_ops, aggregate_topk_ops, aggregate_mode_ops,
    aggregate_collect_ops;           /* over ddsketch.h, hyperloglog.h, space_saving.h, value_counts.h, … */
enum { AGGREGATE_SKETCH_SIZE = 32 }; /* of each of the second group: pointers into the arena and a few numbers */

#endif
