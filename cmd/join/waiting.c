/* SPDX-License-Identifier: Apache-2.0 */
/* Records that wait for partners: by their key, and by when these are all there. See sides.h. */
#include "sides.h"

#include <stdlib.h>

#include "base/random.h"

int waiting_init(struct waiting_room *room, const struct form *form, size_t inputs, struct state_budget *budget,
                 struct err *e) {
    bool fixed = !form->moves;
    *room =
        (struct waiting_room){.dues = {{.fixed = fixed}, {.fixed = fixed}}, .by_time = form->by_time, .inputs = inputs};
    arena_init(&room->arena, budget);
    if (!(room->expected = calloc(inputs, sizeof *room->expected))) return err_nomem(e);
    int g = random_bytes(&room->hash_key, sizeof room->hash_key, e);
    return g < 0 ? g : table_init(&room->table, &room->arena, sizeof(struct waiters), e);
}

void waiting_release(struct waiting_room *room) {
    dues_release(&room->dues[LEFT]);
    dues_release(&room->dues[RIGHT]);
    table_release(&room->table);
    arena_release(&room->arena);
    free(room->expected);
}

/* ---- by key ---- */

struct waiters *waiting_find(const struct waiting_room *room, const struct taken *t) {
    struct entry *x = t->entry ? t->entry : table_find(&room->table, t->hash, t->key, t->key_size);
    return x ? entry_value(x) : NULL;
}

static void remove_unused(struct waiting_room *room, struct entry *key) {
    const struct waiters *of = entry_value(key);
    if (of->line[LEFT].count + of->line[RIGHT].count + of->holds == 0) table_remove(&room->table, key);
}

void waiting_let_go(struct waiting_room *room, struct entry *key) {
    ((struct waiters *)entry_value(key))->holds--;
    remove_unused(room, key);
}

static struct line *line_of(const struct waiting *w) {
    return &((struct waiters *)entry_value(w->key))->line[w->side];
}

static void line_release(struct waiting_room *room, struct line *l) {
    arena_give(&room->arena, l->items, l->cap * sizeof *l->items);
    *l = (struct line){0};
}

/* Room for one more behind the last: what was given up at the front, or twice as much. */
static int line_grow(struct waiting_room *room, struct line *l) {
    if (l->from > l->cap / 2) {
        memmove(l->items, line_at(l, 0), l->count * sizeof *l->items);
        l->from = 0;
        return 0;
    }
    uint32_t cap = l->cap ? 2 * l->cap : 2;
    struct in_line *items = cap > l->cap ? arena_take(&room->arena, cap * sizeof *items) : NULL;
    if (!items) return G_NOMEM;
    if (l->count) memcpy(items, line_at(l, 0), l->count * sizeof *items);
    arena_give(&room->arena, l->items, l->cap * sizeof *items);
    *l = (struct line){.items = items, .count = l->count, .cap = cap};
    return 0;
}

size_t line_before(const struct line *l, int64_t time) {
    size_t low = 0, high = l->count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (line_at(l, middle)->time < time)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* The last of all, or of those that are not later. */
static int line_put(struct waiting_room *room, struct waiting *w) {
    struct line *l = line_of(w);
    size_t i = l->count;
    if (l->from + l->count == l->cap && line_grow(room, l) < 0) return G_NOMEM;
    int64_t time = waiting_time(w);
    if (room->by_time && i && line_at(l, i - 1)->time > time) i = line_before(l, time_add(time, 1));
    memmove(line_at(l, i + 1), line_at(l, i), (l->count - i) * sizeof *l->items);
    *line_at(l, i) = (struct in_line){time, w};
    l->count++;
    return 0;
}

/* Where it is: among the first few, or found by what the line is ordered by. */
static size_t line_index(const struct waiting_room *room, const struct line *l, const struct waiting *w) {
    size_t i = 0;
    for (; i < 8 && i < l->count; i++)
        if (line_at(l, i)->w == w) return i;
    if (room->by_time) i = line_before(l, waiting_time(w));
    while (line_at(l, i)->w != w) i++;
    return i;
}

static void line_remove(struct waiting_room *room, struct waiting *w) {
    struct line *l = line_of(w);
    size_t i = line_index(room, l, w);
    if (i < l->count / 2) {
        memmove(line_at(l, 1), line_at(l, 0), i * sizeof *l->items);
        l->from++;
    } else {
        memmove(line_at(l, i), line_at(l, i + 1), (l->count - 1 - i) * sizeof *l->items);
    }
    if (--l->count == 0) line_release(room, l);
}

void waiting_prefetch(const struct line *l) {
    for (size_t i = 0; i < 8 && i < l->count; i++) {
        const char *w = (const char *)line_at(l, i)->w;
        for (size_t at = 0; at < 256; at += 64) __builtin_prefetch(w + at);
    }
}

/* Where the layout is, behind `size` bytes of record. */
static size_t layout_at(size_t size) {
    return (size + 3) & ~(size_t)3;
}

static size_t memory_of(const struct waiting *w) {
    return sizeof *w + layout_at(w->size) + w->layout_size;
}

/* Into memory for it, and the line of the entry. */
static void fill(struct waiting *w, const struct taken *t, struct entry *key, size_t size) {
    w->key = key;
    w->number = t->half.number;
    w->place = NO_PLACE;
    w->due = INT64_MIN;
    w->size = (uint32_t)size;
    w->layout_size = (uint32_t)t->layout_size;
    w->side = (uint8_t)t->side;
    record_encode(t->half.r, 0, w->encoded);
    if (t->layout_size) memcpy(w->encoded + layout_at(size), t->half.layout, t->layout_size);
}

/* NULL: G_NOMEM, and all is as it was. */
static struct waiting *put(struct waiting_room *room, const struct taken *t, struct entry *key) {
    size_t size = record_size(t->half.r), all = sizeof(struct waiting) + layout_at(size) + t->layout_size;
    bool is_new = false;
    struct waiting *w = arena_take(&room->arena, all);
    if (w && t->key && !key) key = table_put(&room->table, t->hash, t->key, t->key_size, &is_new);
    if (w && (key || !t->key)) {
        fill(w, t, key, size);
        if (!key || line_put(room, w) == 0) return w;
    }
    if (is_new) table_remove(&room->table, key);
    arena_give(&room->arena, w, all);
    return NULL;
}

struct waiting *waiting_put(struct waiting_room *room, const struct taken *t) {
    struct waiting *w = put(room, t, t->entry);
    if (w) return w;
    waiting_left(room); /* those that are leaving, and keys that are only held, may have as much */
    expected_none(room);
    room->arena.budget->exhausted = false;
    return put(room, t, NULL);
}

/* It is in no heap any more. */
static void forget(struct waiting_room *room, struct waiting *w) {
    if (w->key) {
        line_remove(room, w);
        remove_unused(room, w->key);
    }
    arena_give(&room->arena, w, memory_of(w));
}

void waiting_drop(struct waiting_room *room, struct waiting *w) {
    dues_remove(&room->dues[w->side], w);
    forget(room, w);
}

int waiting_due(struct waiting_room *room, struct waiting *w, int64_t due) {
    return dues_put(&room->dues[w->side], w, due, room->arena.budget);
}

struct half waiting_half(const struct waiting *w, struct record *ret) {
    record_view(w->encoded, 0, ret); /* we wrote it */
    const void *layout = w->encoded + layout_at(w->size);
    return (struct half){.r = ret, .layout = w->layout_size ? layout : NULL, .number = w->number};
}

/* ---- leaving ---- */

static const struct waiting *left_before(const struct waiting_room *room, size_t steps) {
    return room->leaving[(room->leave - steps) % LEAVING];
}

/* Each step fetches what the next one reads. */
PREFETCHES void prefetch(const struct waiting_room *room, const struct waiting *w) {
    const struct waiting *keyed = left_before(room, LEAVING / 3), *in_line = left_before(room, 2 * LEAVING / 3);
    __builtin_prefetch(w);
    __builtin_prefetch((const char *)w + 64);
    if (keyed) __builtin_prefetch(keyed->key);
    if (keyed) __builtin_prefetch((const char *)keyed->key + 64);
    if (in_line) __builtin_prefetch(line_at(line_of(in_line), 0));
}

void waiting_leave(struct waiting_room *room, enum side side) {
    struct waiting **place = &room->leaving[room->leave % LEAVING];
    if (*place) forget(room, *place);
    *place = dues_first(&room->dues[side])->w;
    dues_remove_first(&room->dues[side]);
    prefetch(room, *place);
    room->leave++;
}

void waiting_left(struct waiting_room *room) {
    for (size_t i = 0; i < LEAVING; i++) {
        struct waiting **place = &room->leaving[(room->leave + i) % LEAVING];
        if (*place) forget(room, *place);
        *place = NULL;
    }
}
