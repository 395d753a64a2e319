/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The parts of `leat merge`: whose turn it is (order.c), records that wait for theirs (held.c), inputs taken as they
 * come (any.c).
 */
#ifndef LEAT_CMD_MERGE_H
#define LEAT_CMD_MERGE_H

#include "expr/record_field.h"
#include "state/arena.h"
#include "stream/stage.h"
#include "stream/watermark.h"

/* Up to where an input is complete, and which one: records that are not behind the least of these can leave. Equal
 * times go by the order of the operands. */
struct bound {
    int64_t mark;
    size_t which;
};
static inline bool bound_before(int64_t time, size_t which, const struct bound *b) {
    return time < b->mark || (time == b->mark && which <= b->which);
}

/* What a record is emitted with: the header of its block, shared by all records of one source that are held. */
struct place {
    struct block_header h;
    size_t users;
};

/* A record that waits; encoded behind it. */
struct held {
    int64_t time;
    uint64_t number; /* in the order of arrival */
    uint64_t offset;
    size_t which;
    struct place *place;
    size_t size; /* of all */
};

struct held_records {
    struct state_budget *budget;
    struct arena arena;
    struct held **heap;
    size_t count, cap;
    uint64_t arrived;
};

/* The record comes from input `which`. G_NOMEM. */
int held_push(struct held_records *h, size_t which, struct place *place, const struct record *r) NODISCARD;
/* The first one by time, input and arrival; NULL: there is none. */
static inline const struct held *held_first(const struct held_records *h) {
    return h->count ? h->heap[0] : NULL;
}
/* Takes it out; it lives until held_give. */
struct held *held_pop(struct held_records *h);
void held_record(const struct held *held, struct record *ret); /* a view into it */
void held_give(struct held_records *h, struct held *held);
void held_release(struct held_records *h);
void place_drop(struct place *p); /* one user less; takes NULL */

struct input {
    struct watermarks marks; /* of its sources */
    size_t source;           /* of the block in hand, in marks */
    struct feed_item *item;  /* the block in hand */
    struct record_walk walk;
    struct place *place; /* of the block in hand; NULL: not made yet */
    int64_t mark;        /* up to where it is complete */
    int64_t waits_ns;    /* it has had no source, and is waited for since then; 0: it is not */
    bool ended, idle;
};

struct merge {
    bool any;
    struct time_field time;
    struct expr_run **run; /* of each feed */
    int64_t out_of_order_ns, idle_timeout_ns;
    struct state_budget budget;
    struct input *inputs;
    size_t count;
    struct held_records held;
    int64_t written; /* the latest time that was written */
    int64_t told;    /* the watermark that downstream knows */
    uint64_t untold; /* records since */
    uint64_t violations, emitted, bytes;
};

/* Callbacks of the stage and of the feeds; `ctx` is the merge. */
void merge_want(void *ctx, struct stage *s, struct feed_set *ret);
int merge_feed(void *ctx, struct stage *s, size_t which, struct feed_item **item, struct err *e) NODISCARD;
int merge_control(void *ctx, struct stage *s, const struct block *b, struct err *e) NODISCARD;
int merge_idle(void *ctx, struct stage *s, struct err *e) NODISCARD;
void any_want(void *ctx, struct stage *s, struct feed_set *ret);
int any_feed(void *ctx, struct stage *s, size_t which, struct feed_item **item, struct err *e) NODISCARD;
int any_control(void *ctx, struct stage *s, const struct block *b, struct err *e) NODISCARD;

/* Emit the record in hand, and count it. */
int merge_emit(struct merge *m, struct stage *s, const struct record *r, struct err *e) NODISCARD;

#endif
