/* SPDX-License-Identifier: Apache-2.0 */
/* The parts of `leat merge`: options and inputs in order (merge.c, over state/order.h), inputs as they come (any.c). */
#ifndef LEAT_CMD_MERGE_H
#define LEAT_CMD_MERGE_H

#include "expr/record_field.h"
#include "state/order.h"

struct merge {
    bool any;
    struct time_field time;
    struct expr_run **run; /* of each feed */
    struct state_budget budget;
    struct order order;
    size_t count; /* of inputs */
    uint64_t violations, emitted, bytes;
};

/* Callbacks of the stage; `ctx` is the merge. */
void any_want(void *ctx, struct stage *s, struct feed_set *ret);
int any_feed(void *ctx, struct stage *s, size_t which, struct feed_item **item, struct err *e) NODISCARD;
int any_control(void *ctx, struct stage *s, const struct block *b, struct err *e) NODISCARD;

/* Emit the record in hand, and count it. */
int merge_emit(struct merge *m, struct stage *s, const struct record *r, struct err *e) NODISCARD;

#endif
