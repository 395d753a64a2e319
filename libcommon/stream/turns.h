/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Several inputs in event time. Each is complete up to its own watermark, all of them up to the least of these, and the
 * input that has the least is the only one whose records are taken: no other could move event time on. So the order in
 * which records are taken depends on the inputs alone and not on their speed (but for idle timeouts), and no input is
 * read far ahead of the others. The callbacks of the stage (config->feeds) call the functions of the same name.
 */
#ifndef LEAT_STREAM_TURNS_H
#define LEAT_STREAM_TURNS_H

#include "stream/stage.h"
#include "stream/watermark.h"

/* Up to where event time is complete, and by which input. Equal times go by the order of the inputs. */
struct bound {
    int64_t mark;
    size_t which; /* SIZE_MAX: none, all have ended */
};
static inline bool bound_before(int64_t time, size_t which, const struct bound *b) {
    return time < b->mark || (time == b->mark && which <= b->which);
}

struct turn_input {
    struct watermarks marks; /* of its sources */
    size_t source;           /* of the block in hand, in marks */
    struct feed_item *item;  /* the block in hand */
    uint64_t items;          /* taken so far */
    struct record_walk walk;
    int64_t mark;     /* up to where it is complete */
    int64_t waits_ns; /* it has had no source, and is waited for since then; 0: it is not */
    bool ended, idle;
};

enum turn_admits { ADMIT_NOT, ADMIT, ADMIT_NO_MORE /* nor anything that the input has behind it */ };

struct turns {
    struct turn_input *inputs;
    size_t count;
    int64_t idle_timeout_ns; /* below 0: none */
    struct bound others;     /* in record(): of the other inputs */
    bool as_written;         /* an input is one source, whatever it is made of, and a record without a time is no bad
                              * one: it belongs to the one before it */
    /* A record of an input, before anything is made of it: does it count? NULL: all do. */
    enum turn_admits (*admit)(void *ctx, struct stage *s, size_t which, const struct record *r);
    /* The record of an input whose turn it is; it is the one in hand of the stage, is checked, has a time, and its
     * input's mark counts it already: `before` is what that was. G_DATA: a bad one. */
    int (*record)(void *ctx, struct stage *s, size_t which, const struct record *r, int64_t before, struct err *e);
    /* Event time may have moved to this. */
    int (*moved)(void *ctx, struct stage *s, const struct bound *b, struct err *e);
    void *ctx;
};

/* `out_of_order_ns` as watermarks_init has it. The caller sets record, moved and ctx. */
int turns_init(struct turns *t, size_t count, int64_t out_of_order_ns, int64_t idle_timeout_ns,
               struct err *e) NODISCARD;
void turns_release(struct turns *t);

/* The least mark of inputs that hold the others back, but for `but` (SIZE_MAX: of all). */
struct bound turns_least(const struct turns *t, size_t but);

void turns_want(const struct turns *t, struct feed_set *ret);
int turns_feed(struct turns *t, struct stage *s, size_t which, struct feed_item **from, struct err *e) NODISCARD;
/* Passes on what is still true of all of them. */
int turns_control(struct turns *t, struct stage *s, const struct block *b, struct err *e) NODISCARD;
int turns_idle(struct turns *t, struct stage *s, struct err *e) NODISCARD;

#endif
