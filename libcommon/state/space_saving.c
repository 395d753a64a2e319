/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Space-Saving. See space_saving.h for the method.
 *
 * The stream summary is an array of places sorted by count, and a group for each run of equal counts: a count that
 * grows by one swaps its place with the last of its group and moves into the next group, or a new one, all in constant
 * time.
 */
#include "state/space_saving.h"

#include <stdlib.h>

#include "state/pack.h"

/* Of one place. The four things of it are of different order: `sorted` and `group` have nothing to do with the place
 * that they happen to lie beside. */
struct space_place {
    uint64_t error;  /* of the value in this place */
    uint32_t at;     /* where in `sorted` the place is */
    uint32_t in;     /* its group */
    uint32_t sorted; /* sorted[i]: a place */
    struct {
        uint32_t start, end; /* of a group: sorted[start..end) */
    } group;
};

struct space_summary {
    uint32_t places, groups; /* groups taken so far */
    uint32_t free;           /* the first of those given back + 1, then by `start` */
    struct space_place place[];
};

static inline size_t summary_bytes(uint32_t places) {
    return sizeof(struct space_summary) + places * sizeof(struct space_place);
}

/* ---- the order by count ---- */

static uint32_t group_take(struct space_summary *o) {
    if (!o->free) return o->groups++;
    uint32_t g = o->free - 1;
    o->free = o->place[g].group.start;
    return g;
}

static void group_give(struct space_summary *o, uint32_t g) {
    o->place[g].group.start = o->free;
    o->free = g + 1;
}

/* The count of a place grows by one. */
static void summary_raise(struct space_summary *o, struct counted *items, uint32_t place) {
    struct space_place *p = o->place;
    uint32_t g = p[place].in, last = --p[g].group.end, here = p[place].at, other = p[last].sorted;
    p[here].sorted = other;
    p[other].at = here;
    p[last].sorted = place;
    p[place].at = last;
    uint64_t count = ++items[place].count;
    bool empty = p[g].group.start == p[g].group.end;
    if (last + 1 < o->places && items[p[last + 1].sorted].count == count) {
        if (empty) group_give(o, g);
        g = p[p[last + 1].sorted].in;
        p[g].group.start = last;
    } else {
        if (!empty) g = group_take(o);
        p[g].group.start = last;
        p[g].group.end = last + 1;
    }
    p[place].in = g;
}

/* Groups and positions, when `sorted` is right. */
static void summary_regroup(struct space_summary *o, const struct counted *items) {
    struct space_place *p = o->place;
    o->groups = o->free = 0;
    for (uint32_t i = 0; i < o->places; i++) {
        uint32_t place = p[i].sorted;
        if (i == 0 || items[place].count != items[p[i - 1].sorted].count) p[o->groups++].group.start = i;
        p[o->groups - 1].group.end = i + 1;
        p[place].at = i;
        p[place].in = o->groups - 1;
    }
}

/* ---- all places in order ---- */

/* A value with its error, while places are put in order. */
struct ranked {
    struct counted item;
    uint64_t error;
};

/* Higher counts first; of equal ones, which one stays depends on the value and not on where it was. */
static int by_count(const void *a, const void *b) {
    const struct ranked *x = a, *y = b;
    if (x->item.count != y->item.count) return x->item.count > y->item.count ? -1 : 1;
    return x->item.hash < y->item.hash ? -1 : x->item.hash > y->item.hash;
}

/* Keep the `places` most frequent of all values and make the summary; errors may be NULL. */
static int summary_make(struct space_saving *s, struct arena *arena, uint32_t places, const uint64_t *errors) {
    uint32_t n = s->counts.n;
    struct ranked *ranked = arena_take(arena, n * sizeof *ranked);
    struct space_summary *o = s->order ? s->order : arena_take(arena, summary_bytes(places));
    if (!ranked || !o) {
        arena_give(arena, ranked, n * sizeof *ranked);
        if (o != s->order) arena_give(arena, o, summary_bytes(places));
        return G_NOMEM;
    }
    for (uint32_t i = 0; i < n; i++) ranked[i] = (struct ranked){s->counts.items[i], errors ? errors[i] : 0};
    qsort(ranked, n, sizeof *ranked, by_count);
    for (uint32_t i = 0; i < n; i++) s->counts.items[i] = ranked[i].item;
    for (uint32_t i = 0; i < places; i++) {
        o->place[i].error = ranked[i].error;
        o->place[i].sorted = places - 1 - i;
    }
    arena_give(arena, ranked, n * sizeof *ranked);
    value_counts_keep(&s->counts, arena, places);
    o->places = places;
    summary_regroup(o, s->counts.items);
    s->order = o;
    return 0;
}

/* What a value that is not there may have been counted as. */
static inline uint64_t least_count(const struct space_saving *s) {
    return s->order ? s->counts.items[s->order->place[0].sorted].count : 0;
}

/* ---- adding and merging ---- */

int space_saving_add(struct space_saving *s, struct arena *arena, uint32_t places, const struct cell *c) {
    uint64_t hash = cell_hash(c);
    uint32_t place;
    int64_t found = VALUE_COUNTS_ABSENT;
    if (s->counts.n == places) {
        found = value_counts_find(&s->counts, c, hash);
    } else {
        return value_counts_add(&s->counts, arena, c, hash, 1, &place);
    }
    if (!s->order && found >= 0) {
        s->counts.items[found].count++;
        return 0;
    }
    if (found < 0) {
        int rc = s->order ? 0 : summary_make(s, arena, places, NULL);
        if (rc < 0) return rc;
        place = s->order->place[0].sorted;
        rc = value_counts_replace(&s->counts, arena, place, c, hash);
        if (rc < 0) return rc;
        s->order->place[place].error = s->counts.items[place].count;
    } else {
        place = (uint32_t)found;
    }
    summary_raise(s->order, s->counts.items, place);
    return 0;
}

/* The counts of both together, of which there may now be twice as many as places, and their errors. */
static int merge_counts(struct space_saving *s, struct arena *arena, const struct space_saving *from,
                        uint64_t *errors) {
    uint64_t least = least_count(s), from_least = least_count(from);
    uint32_t own = s->counts.n, place;
    for (uint32_t i = 0; i < own; i++) {
        struct counted *x = &s->counts.items[i];
        struct cell c = kept_cell(&x->value);
        int64_t other = value_counts_find(&from->counts, &c, x->hash);
        errors[i] = space_saving_error(s, i);
        errors[i] += other < 0 ? from_least : space_saving_error(from, (uint32_t)other);
        x->count += other < 0 ? from_least : from->counts.items[other].count;
    }
    for (uint32_t i = 0; i < from->counts.n; i++) {
        const struct counted *x = &from->counts.items[i];
        struct cell c = kept_cell(&x->value);
        if (value_counts_find(&s->counts, &c, x->hash) >= 0) continue;
        int rc = value_counts_add(&s->counts, arena, &c, x->hash, x->count + least, &place);
        if (rc < 0) return rc;
        errors[place] = space_saving_error(from, i) + least;
    }
    return 0;
}

int space_saving_merge(struct space_saving *s, struct arena *arena, uint32_t places, const struct space_saving *from) {
    if (!s->order && !from->order) {
        int rc = value_counts_merge(&s->counts, arena, &from->counts);
        return rc < 0 || s->counts.n <= places ? rc : summary_make(s, arena, places, NULL);
    }
    size_t bytes = ((size_t)s->counts.n + from->counts.n) * sizeof(uint64_t);
    uint64_t *errors = arena_take(arena, bytes);
    if (!errors) return G_NOMEM;
    int rc = merge_counts(s, arena, from, errors);
    if (rc == 0) rc = summary_make(s, arena, places, errors);
    arena_give(arena, errors, bytes);
    return rc;
}

void space_saving_clear(struct space_saving *s, struct arena *arena, uint32_t places) {
    arena_give(arena, s->order, summary_bytes(places));
    s->order = NULL;
    value_counts_clear(&s->counts, arena);
}

uint64_t space_saving_error(const struct space_saving *s, uint32_t place) {
    return s->order ? s->order->place[place].error : 0;
}

/* ---- bytes ---- */

/* Which of the least counted values goes next is as their order has it: they are saved in that order. */
int space_saving_save(const struct space_saving *s, struct buf *out) {
    uint32_t n = s->counts.n;
    if (!s->order) {
        int rc = value_counts_save(&s->counts, out);
        return rc < 0 ? rc : buf_putc(out, 0);
    }
    const struct space_place *p = s->order->place;
    int rc = pack_u64(out, n);
    for (uint32_t i = 0; rc == 0 && i < n; i++) rc = counted_save(&s->counts.items[p[i].sorted], out);
    if (rc == 0) rc = buf_putc(out, 1);
    for (uint32_t i = 0; rc == 0 && i < n; i++) rc = pack_u64(out, p[p[i].sorted].error);
    return rc;
}

static int summary_load(struct space_saving *s, const char **p, const char *end, struct err *e) {
    const struct counted *items = s->counts.items;
    for (uint32_t i = 0; i < s->order->places; i++) {
        struct space_place *x = &s->order->place[i];
        x->sorted = i;
        if (!unpack_u64(p, end, &x->error) || x->error >= items[i].count || (i && items[i].count < items[i - 1].count))
            return err_set(e, G_CORRUPT, "the order of counts and their errors are damaged");
    }
    summary_regroup(s->order, items);
    return 0;
}

int space_saving_load(struct space_saving *s, struct arena *arena, uint32_t places, const char **p, const char *end,
                      struct err *e) {
    int rc = value_counts_load(&s->counts, arena, places, p, end, e);
    if (rc < 0) return rc;
    int full = *p < end ? *(*p)++ : -1;
    if (full == 0) return 0;
    if (full != 1 || s->counts.n != places) return err_set(e, G_CORRUPT, "counts of the most frequent are damaged");
    s->order = arena_take(arena, summary_bytes(places));
    if (!s->order) return G_NOMEM;
    s->order->places = places;
    return summary_load(s, p, end, e);
}
