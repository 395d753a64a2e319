/* SPDX-License-Identifier: Apache-2.0 */
/* Records that wait for partners: by their key, and by when these are all there. See sides.h. */
#include "sides.h"

#include <stdlib.h>

#include "base/random.h"

int waiting_init(struct waiting_room *room, struct state_budget *budget, struct err *e) {
    *room = (struct waiting_room){0};
    arena_init(&room->arena, budget);
    int g = random_bytes(&room->hash_key, sizeof room->hash_key, e);
    return g < 0 ? g : table_init(&room->table, &room->arena, sizeof(struct waiters), e);
}

void waiting_release(struct waiting_room *room) {
    free(room->dues[LEFT].items);
    free(room->dues[RIGHT].items);
    table_release(&room->table);
    arena_release(&room->arena);
}

/* ---- by key ---- */

struct waiters *waiting_find(const struct waiting_room *room, const char *key, size_t n) {
    struct entry *x = table_find(&room->table, table_hash(&room->hash_key, key, n), key, n);
    return x ? entry_value(x) : NULL;
}

static void link_last(struct waiting *w) {
    struct waiters *of = entry_value(w->key);
    w->next = NULL;
    w->prev = of->last[w->side];
    *(w->prev ? &w->prev->next : &of->first[w->side]) = w;
    of->last[w->side] = w;
}

static void unlink_from(struct waiting *w) {
    struct waiters *of = entry_value(w->key);
    *(w->prev ? &w->prev->next : &of->first[w->side]) = w->next;
    *(w->next ? &w->next->prev : &of->last[w->side]) = w->prev;
}

void waiting_move(struct waiting *w, struct waiting *next) {
    struct waiters *of = entry_value(w->key);
    unlink_from(w);
    if (!next) {
        link_last(w);
        return;
    }
    w->next = next;
    w->prev = next->prev;
    *(w->prev ? &w->prev->next : &of->first[w->side]) = w;
    next->prev = w;
}

struct waiting *waiting_put(struct waiting_room *room, const struct taken *t) {
    size_t size = record_size(t->r);
    struct entry *x = NULL;
    bool is_new = false;
    struct waiting *w = arena_take(&room->arena, sizeof *w + size);
    if (w && t->key) {
        uint64_t hash = table_hash(&room->hash_key, t->key, t->key_size);
        x = table_put(&room->table, hash, t->key, t->key_size, &is_new);
    }
    if (!w || (t->key && !x)) {
        arena_give(&room->arena, w, sizeof *w + size);
        return NULL;
    }
    w->key = x;
    w->time = t->r->time;
    w->number = t->number;
    w->place = NO_PLACE;
    w->size = (uint32_t)size;
    w->side = (uint8_t)t->side;
    record_encode(t->r, 0, w->encoded);
    if (x) link_last(w);
    return w;
}

static void dues_remove(struct dues *d, struct waiting *w);

void waiting_drop(struct waiting_room *room, struct waiting *w) {
    if (w->place != NO_PLACE) dues_remove(&room->dues[w->side], w);
    if (w->key) {
        unlink_from(w);
        const struct waiters *of = entry_value(w->key);
        if (!of->first[LEFT] && !of->first[RIGHT]) table_remove(&room->table, w->key);
    }
    arena_give(&room->arena, w, sizeof *w + w->size);
}

void waiting_record(const struct waiting *w, struct record *ret) {
    const struct block_header h = {.kind = BLOCK_DATA, .records = 1, .raw_size = w->size};
    struct record_walk walk;
    record_walk_init(&walk, &h, w->encoded, SIZE_MAX);
    (void)record_next_checked(&walk, ret); /* we wrote it */
}

/* ---- by due: four children each, so that the way down touches few lines of memory ---- */

static bool sooner(const struct due *a, const struct due *b) {
    return a->due < b->due || (a->due == b->due && a->w->number < b->w->number);
}

static void set(struct dues *d, size_t i, const struct due *x) {
    d->items[i] = *x;
    x->w->place = i;
}

static void sift_up(struct dues *d, size_t i, struct due x) {
    for (; i > 0 && sooner(&x, &d->items[(i - 1) / 4]); i = (i - 1) / 4) set(d, i, &d->items[(i - 1) / 4]);
    set(d, i, &x);
}

static void sift_down(struct dues *d, size_t i, struct due x) {
    for (;;) {
        size_t first = 4 * i + 1, least = first, last = first + 4 < d->count ? first + 4 : d->count;
        if (first >= d->count) break;
        for (size_t child = first + 1; child < last; child++)
            if (sooner(&d->items[child], &d->items[least])) least = child;
        if (!sooner(&d->items[least], &x)) break;
        set(d, i, &d->items[least]);
        i = least;
    }
    set(d, i, &x);
}

/* Where it is, with another due. */
static void sift(struct dues *d, size_t i, struct due x) {
    if (i > 0 && sooner(&x, &d->items[(i - 1) / 4]))
        sift_up(d, i, x);
    else
        sift_down(d, i, x);
}

static void dues_remove(struct dues *d, struct waiting *w) {
    size_t i = w->place;
    struct due last = d->items[--d->count];
    w->place = NO_PLACE;
    if (i < d->count) sift(d, i, last);
}

static int grow(struct dues *d, struct state_budget *budget) {
    size_t cap = d->cap ? 2 * d->cap : 256, more = (cap - d->cap) * sizeof *d->items;
    if (budget_take(budget, more) < 0) return G_NOMEM;
    struct due *items = realloc(d->items, cap * sizeof *items);
    if (!items) {
        budget_give(budget, more);
        return G_NOMEM;
    }
    d->items = items;
    d->cap = cap;
    return 0;
}

int waiting_due(struct waiting_room *room, struct waiting *w, int64_t due) {
    struct dues *d = &room->dues[w->side];
    struct due x = {due, w};
    if (w->place != NO_PLACE) {
        sift(d, w->place, x);
        return 0;
    }
    if (d->count == d->cap && grow(d, room->arena.budget) < 0) return G_NOMEM;
    sift_up(d, d->count++, x);
    return 0;
}
