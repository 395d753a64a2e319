/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table of keyed state: finding, putting, removing, growing, and the list of what changed. See table.h; sorting is
 * in table_sort.c.
 *
 * The home of a hash is its low bits, the tag in a slot its highest 16, so that the two say different things up to
 * 2^48 slots. Slots double in place: realloc of a large block moves pages, not bytes, and a key moves to the upper half
 * or stays, so that two sets of slots are never held at once.
 */
#include "state/table.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/siphash.h"

enum { SLOTS_MIN = 16, AHEAD = 16, HUGE_MIN = 4 << 20 };

#define POINTER_MASK (((uint64_t)1 << TABLE_POINTER_BITS) - 1)

static inline struct entry *slot_entry(uint64_t slot) {
    return (struct entry *)(uintptr_t)(slot & POINTER_MASK); /* NOLINT: a slot holds a pointer */
}

static inline uint64_t slot_make(const struct entry *x) {
    return (x->hash & ~POINTER_MASK) | (uint64_t)(uintptr_t)x;
}

static size_t entry_size(const struct table *t, size_t key_size) {
    return sizeof(struct entry) + t->value_size + key_size;
}

uint64_t table_hash(const struct table_key *k, const void *key, size_t n) {
    return siphash24(k->k, key, n);
}

int table_init(struct table *t, struct arena *arena, size_t value_size, struct err *e) {
    if (budget_take(arena->budget, SLOTS_MIN * sizeof(uint64_t)) < 0) return budget_error(arena->budget, e);
    uint64_t *slots = calloc(SLOTS_MIN, sizeof *slots);
    if (!slots || (uint64_t)(uintptr_t)slots & ~POINTER_MASK) {
        budget_give(arena->budget, SLOTS_MIN * sizeof(uint64_t));
        if (!slots) return err_nomem(e);
        free(slots);
        return err_set(e, G_BUG, "addresses of this machine have more than %d bits", TABLE_POINTER_BITS);
    }
    *t = (struct table){.arena = arena, .value_size = value_size, .slots = slots};
    t->mask = SLOTS_MIN - 1;
    t->room = SLOTS_MIN / 4 * 3;
    return 0;
}

void table_release(struct table *t) {
    size_t slots = t->slots ? (t->mask + 1) * sizeof *t->slots : 0;
    if (t->arena) budget_give(t->arena->budget, slots + t->dirty_cap * sizeof(struct entry *));
    free(t->slots);
    free(t->dirty);
    *t = (struct table){0};
}

/* ---- growing ----------------------------------------------------------------------------------------------------- */

static inline void slot_insert(const struct table *t, uint64_t slot, uint64_t hash) {
    size_t i = hash & t->mask;
    while (t->slots[i]) i = (i + 1) & t->mask;
    t->slots[i] = slot;
}

/* Ask for large pages where slots are many: all of them are used, and each is looked for at random. Whole pages at both
 * ends, header of malloc included: of a mapping that is advised only in part realloc would copy the bytes. */
static void slots_advise(uint64_t *slots, size_t size) {
    if (size < HUGE_MIN) return;
    uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE), from = (uintptr_t)slots & ~(page - 1);
    uintptr_t end = ((uintptr_t)slots + size + page - 1) & ~(page - 1);
    (void)madvise((void *)from, end - from, MADV_HUGEPAGE); /* NOLINT: an aligned pointer */
}

/* Twice the slots, in place. From behind an empty slot on, every entry is taken out and put in again: what it passes on
 * the way from its new home is only what was put in again before it, so that nothing is left behind a hole. */
static int slots_double(struct table *t) {
    size_t old = t->mask + 1, more = old * sizeof *t->slots;
    if (old > SIZE_MAX / 4 / sizeof *t->slots || budget_take(t->arena->budget, more) < 0) return G_NOMEM;
    uint64_t *slots = realloc(t->slots, 2 * more);
    if (!slots) {
        budget_give(t->arena->budget, more);
        return G_NOMEM;
    }
    slots_advise(slots, 2 * more);
    memset(slots + old, 0, more);
    t->slots = slots;
    t->mask = 2 * old - 1;
    t->room = old / 2 * 3 - t->count;

    size_t hole = 0;
    while (slots[hole]) hole++;
    for (size_t k = 1; k < old; k++) {
        __builtin_prefetch(slot_entry(slots[(hole + k + AHEAD) & (old - 1)]));
        size_t i = (hole + k) & (old - 1);
        uint64_t slot = slots[i];
        if (!slot) continue;
        slots[i] = 0;
        slot_insert(t, slot, slot_entry(slot)->hash);
    }
    return 0;
}

/* ---- finding and putting ----------------------------------------------------------------------------------------- */

static inline bool entry_is(const struct table *t, const struct entry *x, uint64_t hash, const void *key, size_t n) {
    return x->hash == hash && x->key_size == n && (!n || memcmp(entry_key(x, t->value_size), key, n) == 0);
}

/* The slot where the key is, or the empty one where it would go. */
static inline size_t slot_find(const struct table *t, uint64_t hash, const void *key, size_t n) {
    size_t i = hash & t->mask;
    for (uint64_t slot; (slot = t->slots[i]); i = (i + 1) & t->mask)
        if (!((slot ^ hash) >> TABLE_POINTER_BITS) && entry_is(t, slot_entry(slot), hash, key, n)) break;
    return i;
}

struct entry *table_find(const struct table *t, uint64_t hash, const void *key, size_t n) {
    return slot_entry(t->slots[slot_find(t, hash, key, n)]);
}

struct entry *table_put(struct table *t, uint64_t hash, const void *key, size_t n, bool *ret_new) {
    size_t i = slot_find(t, hash, key, n);
    if (t->slots[i]) {
        *ret_new = false;
        return slot_entry(t->slots[i]);
    }
    if (n > UINT32_MAX) return NULL;
    if (!t->room) {
        if (slots_double(t) < 0) return NULL;
        i = slot_find(t, hash, key, n);
    }
    struct entry *x = arena_take(t->arena, entry_size(t, n));
    if (!x) return NULL;
    x->hash = hash;
    x->key_size = (uint32_t)n;
    if (n) memcpy(x->data + t->value_size, key, n);
    t->slots[i] = slot_make(x);
    t->count++;
    t->room--;
    *ret_new = true;
    return x;
}

struct entry *table_next(const struct table *t, size_t *at) {
    for (; *at <= t->mask; (*at)++) {
        uint64_t slot = t->slots[*at];
        if (!slot) continue;
        __builtin_prefetch(slot_entry(t->slots[(*at + AHEAD) & t->mask]));
        (*at)++;
        return slot_entry(slot);
    }
    return NULL;
}

/* ---- removing ---------------------------------------------------------------------------------------------------- */

/* Close the hole at i: of what follows without a gap, move down what has its home at the hole or before. */
static void slots_close(struct table *t, size_t i) {
    for (size_t j = (i + 1) & t->mask; t->slots[j]; j = (j + 1) & t->mask) {
        size_t home = slot_entry(t->slots[j])->hash & t->mask;
        if (((j - home) & t->mask) < ((j - i) & t->mask)) continue;
        t->slots[i] = t->slots[j];
        i = j;
    }
    t->slots[i] = 0;
}

/* Take the removed ones out of the dirty list and give their memory back. */
static void dirty_compact(struct table *t) {
    size_t kept = 0;
    for (size_t i = 0; i < t->dirty_count; i++) {
        struct entry *x = t->dirty[i];
        if (x->flags & ENTRY_GONE)
            arena_give(t->arena, x, entry_size(t, x->key_size));
        else
            t->dirty[kept++] = x;
    }
    t->dirty_count = kept;
    t->dirty_gone = 0;
}

void table_remove(struct table *t, struct entry *x) {
    size_t i = x->hash & t->mask;
    while (slot_entry(t->slots[i]) != x) i = (i + 1) & t->mask;
    slots_close(t, i);
    t->count--;
    t->room++;
    if (!(x->flags & ENTRY_DIRTY)) {
        arena_give(t->arena, x, entry_size(t, x->key_size));
        return;
    }
    x->flags |= ENTRY_GONE;
    if (++t->dirty_gone > t->dirty_count / 2) dirty_compact(t);
}

/* ---- what changed ------------------------------------------------------------------------------------------------ */

int table_touch_slow(struct table *t, struct entry *x) {
    if (t->dirty_count == t->dirty_cap) {
        size_t more = t->dirty_cap ? t->dirty_cap : 64;
        if (budget_take(t->arena->budget, more * sizeof(struct entry *)) < 0) return G_NOMEM;
        struct entry **dirty = reallocarray(t->dirty, t->dirty_cap + more, sizeof(struct entry *));
        if (!dirty) {
            budget_give(t->arena->budget, more * sizeof(struct entry *));
            return G_NOMEM;
        }
        t->dirty = dirty;
        t->dirty_cap += more;
    }
    t->dirty[t->dirty_count++] = x;
    x->flags |= ENTRY_DIRTY;
    return 0;
}

struct entry **table_dirty(struct table *t, size_t *ret_count) {
    if (t->dirty_gone) dirty_compact(t);
    *ret_count = t->dirty_count;
    return t->dirty;
}

void table_clean(struct table *t) {
    dirty_compact(t);
    for (size_t i = 0; i < t->dirty_count; i++) t->dirty[i]->flags &= ~ENTRY_DIRTY;
    t->dirty_count = 0;
}
