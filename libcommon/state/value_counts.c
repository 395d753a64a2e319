/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The exact map from values to counts. See value_counts.h.
 */
#include "state/value_counts.h"

#include "state/pack.h"

enum { LOOK_THROUGH = 8, CAP_FIRST = 2, SAVED_ITEM_MIN = 1 + 1 + 1 + 1 };
#define COUNTS_MAX ((uint32_t)1 << 30) /* values */

static inline uint32_t slot_mask(const struct value_counts *m) {
    return 2 * m->cap - 1;
}

/* The slot of the item at `place`, which is there. */
static uint32_t slot_of(const struct value_counts *m, uint32_t place) {
    uint32_t mask = slot_mask(m);
    uint32_t i = (uint32_t)m->items[place].hash & mask;
    while (m->slots[i] != place + 1) i = (i + 1) & mask;
    return i;
}

static void slot_put(struct value_counts *m, uint32_t place) {
    uint32_t mask = slot_mask(m);
    uint32_t i = (uint32_t)m->items[place].hash & mask;
    while (m->slots[i]) i = (i + 1) & mask;
    m->slots[i] = place + 1;
}

/* Free a slot and move those behind it up that would not be found over the gap. */
static void slot_remove(struct value_counts *m, uint32_t gap) {
    uint32_t mask = slot_mask(m);
    for (uint32_t i = (gap + 1) & mask; m->slots[i]; i = (i + 1) & mask) {
        uint32_t home = (uint32_t)m->items[m->slots[i] - 1].hash & mask;
        if (((i - home) & mask) < ((i - gap) & mask)) continue;
        m->slots[gap] = m->slots[i];
        gap = i;
    }
    m->slots[gap] = 0;
}

int64_t value_counts_find(const struct value_counts *m, const struct cell *c, uint64_t hash) {
    if (!m->slots) {
        for (uint32_t i = 0; i < m->n; i++) {
            if (m->items[i].hash == hash && kept_equal(&m->items[i].value, c)) return i;
        }
        return VALUE_COUNTS_ABSENT;
    }
    uint32_t mask = slot_mask(m);
    for (uint32_t i = (uint32_t)hash & mask; m->slots[i]; i = (i + 1) & mask) {
        const struct counted *x = &m->items[m->slots[i] - 1];
        if (x->hash == hash && kept_equal(&x->value, c)) return m->slots[i] - 1;
    }
    return VALUE_COUNTS_ABSENT;
}

/* Room for twice as many. */
static int grow(struct value_counts *m, struct arena *arena) {
    uint32_t cap = m->cap ? 2 * m->cap : CAP_FIRST;
    if (cap > COUNTS_MAX) return G_NOMEM;
    uint32_t *slots = NULL;
    if (cap > LOOK_THROUGH) {
        slots = arena_take(arena, 2 * (size_t)cap * sizeof *slots);
        if (!slots) return G_NOMEM;
    }
    struct counted *items = m->items ? arena_grow(arena, m->items, m->cap * sizeof *items, (size_t)cap * sizeof *items)
                                     : arena_take(arena, (size_t)cap * sizeof *items);
    if (!items) {
        arena_give(arena, slots, 2 * (size_t)cap * sizeof *slots);
        return G_NOMEM;
    }
    arena_give(arena, m->slots, 2 * (size_t)m->cap * sizeof *slots);
    m->items = items;
    m->slots = slots;
    m->cap = cap;
    for (uint32_t i = 0; slots && i < m->n; i++) slot_put(m, i);
    return 0;
}

int value_counts_add(struct value_counts *m, struct arena *arena, const struct cell *c, uint64_t hash, uint64_t count,
                     uint32_t *ret) {
    int64_t place = value_counts_find(m, c, hash);
    if (place >= 0) {
        m->items[place].count += count;
        *ret = (uint32_t)place;
        return 0;
    }
    int rc = m->n == m->cap ? grow(m, arena) : 0;
    if (rc < 0) return rc;
    struct counted *x = &m->items[m->n];
    rc = kept_set(&x->value, arena, c);
    if (rc < 0) return rc;
    x->hash = hash;
    x->count = count;
    if (m->slots) slot_put(m, m->n);
    *ret = m->n++;
    return 0;
}

int value_counts_replace(struct value_counts *m, struct arena *arena, uint32_t place, const struct cell *c,
                         uint64_t hash) {
    struct kept value;
    int rc = kept_set(&value, arena, c);
    if (rc < 0) return rc;
    struct counted *x = &m->items[place];
    if (m->slots) slot_remove(m, slot_of(m, place));
    kept_drop(&x->value, arena);
    x->value = value;
    x->hash = hash;
    if (m->slots) slot_put(m, place);
    return 0;
}

void value_counts_keep(struct value_counts *m, struct arena *arena, uint32_t n) {
    for (uint32_t i = n; i < m->n; i++) kept_drop(&m->items[i].value, arena);
    m->n = n;
    if (!m->slots) return;
    memset(m->slots, 0, 2 * (size_t)m->cap * sizeof *m->slots);
    for (uint32_t i = 0; i < n; i++) slot_put(m, i);
}

int value_counts_merge(struct value_counts *m, struct arena *arena, const struct value_counts *from) {
    uint32_t place;
    for (uint32_t i = 0; i < from->n; i++) {
        const struct counted *x = &from->items[i];
        struct cell c = kept_cell(&x->value);
        int rc = value_counts_add(m, arena, &c, x->hash, x->count, &place);
        if (rc < 0) return rc;
    }
    return 0;
}

void value_counts_clear(struct value_counts *m, struct arena *arena) {
    for (uint32_t i = 0; i < m->n; i++) kept_drop(&m->items[i].value, arena);
    arena_give(arena, m->items, m->cap * sizeof *m->items);
    arena_give(arena, m->slots, 2 * (size_t)m->cap * sizeof *m->slots);
    *m = (struct value_counts){0};
}

int counted_save(const struct counted *x, struct buf *out) {
    struct cell c = kept_cell(&x->value);
    int rc = cell_save(&c, out);
    return rc < 0 ? rc : pack_u64(out, x->count);
}

int value_counts_save(const struct value_counts *m, struct buf *out) {
    int rc = pack_u64(out, m->n);
    for (uint32_t i = 0; rc == 0 && i < m->n; i++) rc = counted_save(&m->items[i], out);
    return rc;
}

int value_counts_load(struct value_counts *m, struct arena *arena, uint64_t most, const char **p, const char *end,
                      struct err *e) {
    uint64_t n, count;
    if (!unpack_u64(p, end, &n) || n > most || n > (uint64_t)(end - *p) / SAVED_ITEM_MIN) {
        return err_set(e, G_CORRUPT, "counts of values are damaged");
    }
    while (m->n < n) {
        struct cell c;
        uint32_t place, before = m->n;
        if (!cell_load(&c, p, end) || !unpack_u64(p, end, &count) || count == 0 || count > INT64_MAX) {
            return err_set(e, G_CORRUPT, "a value and its count are damaged");
        }
        int rc = value_counts_add(m, arena, &c, cell_hash(&c), count, &place);
        if (rc < 0) return rc;
        if (m->n == before) return err_set(e, G_CORRUPT, "a value is counted twice");
    }
    return 0;
}
