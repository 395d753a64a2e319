/* SPDX-License-Identifier: Apache-2.0 */
/* Records that wait until those before them cannot come any more: a heap by time, input and arrival. */
#ifndef LEAT_STATE_HELD_H
#define LEAT_STATE_HELD_H

#include "state/arena.h"
#include "stream/block.h"

/* What a record goes on with: the header of its block, shared by all records of one block that are held. */
struct place {
    struct block_header h;
    size_t users;
};
void place_drop(struct place *p); /* one user less; takes NULL */

/* A record that waits; encoded behind it. */
struct held {
    int64_t time;
    uint64_t number; /* in the order of arrival */
    uint64_t offset;
    size_t which;
    struct place *place; /* NULL: it has none */
    size_t size;         /* of all */
};

struct held_records {
    struct arena arena;
    struct held **heap;
    size_t count, cap;
    uint64_t arrived;
};

/* `budget` may be NULL. */
void held_init(struct held_records *h, struct state_budget *budget);
void held_release(struct held_records *h);

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

#endif
