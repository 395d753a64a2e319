/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Records whose turn comes soon: their keys are found ahead, so that who waits for them is on its way from memory. Each
 * step fetches what the next one reads. See sides.h.
 */
#include "sides.h"

/* So many records ahead. KEY is the first that holds anything: less than EXPECTED_MAX. */
enum { ARRIVAL = 40, SLOT = 16, ENTRY = 12, KEY = 8, PARTNERS = 4 };

static const struct arrival *arrivals_of(const struct turn_input *in) {
    return (const void *)in->item->note;
}

static struct entry **place_of(struct expected *x, uint32_t i) {
    return &x->keys[i % EXPECTED_MAX];
}

/* What was expected and not asked for is let go, too: late ones, bad ones. */
static void let_go_until(struct waiting_room *room, struct expected *x, uint32_t until) {
    for (; x->from < until && x->from < x->until; x->from++) {
        struct entry **key = place_of(x, x->from);
        if (*key) waiting_let_go(room, *key);
        *key = NULL;
    }
    if (x->from == x->until && x->until < until) x->from = x->until = until;
}

void expected_none(struct waiting_room *room) {
    for (size_t i = 0; i < room->inputs; i++) let_go_until(room, &room->expected[i], room->expected[i].until);
}

/* The note was written by another thread: it is not in the caches of this one. */
PREFETCHES void fetch_key(const struct sides *k, const struct turn_input *in, uint32_t i) {
    const struct arrival *a = &arrivals_of(in)[i];
    table_prefetch_entry(&k->room.table, a->hash);
    __builtin_prefetch(in->item->note + a->layout_at);
    __builtin_prefetch(in->item->note + a->key_at);
}

/* One that is not there takes no memory before its turn: whether there is enough must not depend on blocks. */
static void find_key(struct sides *k, struct expected *x, const struct turn_input *in, enum side side, uint32_t i) {
    const struct arrival *a = &arrivals_of(in)[i];
    const char *text = in->item->note + a->key_at;
    struct entry *key = a->kind ? table_find(&k->room.table, a->hash, text, a->key_size) : NULL;
    *place_of(x, i) = key;
    if (!key) return;
    ((struct waiters *)entry_value(key))->holds++;
    waiting_prefetch_lines(key, side);
}

static void fetch_partners(struct expected *x, enum side side, uint32_t i) {
    struct entry *key = *place_of(x, i);
    if (key) waiting_prefetch(&((struct waiters *)entry_value(key))->line[other_side(side)]);
}

struct entry *expected_next(struct sides *k, size_t which) {
    const struct turn_input *in = &k->turns.inputs[which];
    struct expected *x = &k->room.expected[which];
    enum side side = which == 0 ? RIGHT : LEFT;
    uint32_t now = in->walk.seen - 1, records = in->item->h.records;
    if (x->block != in->items) {
        let_go_until(&k->room, x, x->until);
        *x = (struct expected){.block = in->items, .from = now, .until = now};
    }
    let_go_until(&k->room, x, now);
    if (!in->item->note) return NULL;
    if (now + ARRIVAL < records) __builtin_prefetch(&arrivals_of(in)[now + ARRIVAL]);
    if (now + SLOT < records) table_prefetch(&k->room.table, arrivals_of(in)[now + SLOT].hash);
    if (now + ENTRY < records) fetch_key(k, in, now + ENTRY);
    for (; x->until <= now + KEY && x->until < records; x->until++) find_key(k, x, in, side, x->until);
    if (now + PARTNERS < x->until) fetch_partners(x, side, now + PARTNERS);
    return *place_of(x, now);
}
