/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The records of several inputs in the order of event time, those of one time in the order of the inputs and then of
 * arrival. Little is held: what an input has out of order, and a record of each. The callbacks of the stage
 * (config->feeds) call the functions of the same name.
 */
#ifndef LEAT_STATE_ORDER_H
#define LEAT_STATE_ORDER_H

#include "state/held.h"
#include "stream/turns.h"

struct order {
    struct turns turns;
    struct held_records held;
    struct state_budget *budget;
    struct place_of {
        struct place *place; /* of the block in hand of this input; NULL: not made yet */
        uint64_t item;       /* which block that is */
    } * places;
    int64_t taken; /* the latest time that was given to take() */
    int64_t told;  /* the watermark that downstream knows */
    uint64_t untold;
    bool quiet; /* downstream is told nothing */
    /* The next record, which is the one in hand of the stage: its source, and, for a record that did not have to wait,
     * where it lies. */
    int (*take)(void *ctx, struct stage *s, const struct record *r, struct err *e);
    /* One that is earlier than what was taken before it: somebody has promised otherwise. */
    int (*behind)(void *ctx, struct stage *s, const struct record *r, struct err *e);
    void *ctx;
};

/* The caller sets take, behind and ctx. `budget` as held_init has it. */
int order_init(struct order *o, size_t inputs, int64_t out_of_order_ns, int64_t idle_timeout_ns,
               struct state_budget *budget, struct err *e) NODISCARD;
void order_release(struct order *o);

static inline void order_want(const struct order *o, struct feed_set *ret) {
    turns_want(&o->turns, ret);
}
static inline int order_feed(struct order *o, struct stage *s, size_t which, struct feed_item **from, struct err *e) {
    return turns_feed(&o->turns, s, which, from, e);
}
static inline int order_control(struct order *o, struct stage *s, const struct block *b, struct err *e) {
    return turns_control(&o->turns, s, b, e);
}
/* Downstream hears of the watermark then, and at least once in some thousands of records. */
int order_idle(struct order *o, struct stage *s, struct err *e) NODISCARD;

#endif
