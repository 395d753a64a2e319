/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A table of keyed state: byte-string keys to values of one fixed size that stay where they are. Open addressing with
 * linear probing over 8-byte slots, at most three quarters full; a slot is a tag of 16 bits of the hash and a pointer
 * to the entry (user addresses have at most 48 bits on what we run on; table_init checks that it is so).
 *
 * An entry is 16 bytes, the value, and the key, in the table's arena; a table of its own arena goes at once.
 * The hash comes from the caller, who may compute it in another thread: table_hash, which is keyed (SipHash-2-4), so
 * that keys from outside cannot be made to collide.
 */
#ifndef LEAT_STATE_TABLE_H
#define LEAT_STATE_TABLE_H

#include "state/arena.h"

struct entry {
    uint64_t hash;
    uint32_t key_size;
    uint32_t flags; /* ENTRY_… and bits of the caller's */
    char data[];    /* the value, then the key */
};
#define ENTRY_DIRTY 1u /* changed since the last snapshot: table_touch, table_clean */
/* Removed while dirty: its memory goes when the dirty list is next compacted. The bits between are the caller's. */
#define ENTRY_GONE 0x80000000u

struct table {
    struct arena *arena; /* of entries and of what their values hold; the caller's */
    uint64_t *slots;     /* counted against the arena's budget, too */
    size_t mask, count;
    size_t room;          /* keys that still fit before the slots are doubled */
    size_t value_size;    /* a multiple of 8 */
    struct entry **dirty; /* counted, too; read it through table_dirty */
    size_t dirty_count, dirty_cap, dirty_gone;
    bool track; /* keep the dirty list; off by default */
};

#define TABLE_POINTER_BITS 48

int table_init(struct table *t, struct arena *arena, size_t value_size, struct err *e) NODISCARD;
void table_release(struct table *t); /* slots and lists; entries go with the arena. Takes a zeroed one */

struct table_key {
    uint64_t k[2];
};
uint64_t table_hash(const struct table_key *k, const void *key, size_t n);

static inline void *entry_value(struct entry *x) {
    return x->data;
}
static inline const char *entry_key(const struct entry *x, size_t value_size) {
    return x->data + value_size;
}

/* The entry of a key, or NULL. */
struct entry *table_find(const struct table *t, uint64_t hash, const void *key, size_t n);
/* The same, made with a zeroed value if it is new (*ret_new says so). NULL: no memory or over the budget, and the table
 * as it was. Marks nothing dirty. Keys are shorter than 4 GiB. */
struct entry *table_put(struct table *t, uint64_t hash, const void *key, size_t n, bool *ret_new);
/* Take an entry out and give its memory back. What its value holds in the arena is the caller's to give back before. */
void table_remove(struct table *t, struct entry *x);

/* Of functions that do nothing else: gcc takes them for pure ones, and where it does not inline them it leaves out
 * their calls. */
#define PREFETCHES __attribute__((always_inline)) static inline

/* Fetch the slot of a hash that will be looked for soon, some 16 records ahead; */
PREFETCHES void table_prefetch(const struct table *t, uint64_t hash) {
    __builtin_prefetch(&t->slots[hash & t->mask]);
}
/* and, some 8 records ahead, when the slot has come, the entry. In a table that is larger than the caches the two save
 * a third of the time of finding. */
PREFETCHES void table_prefetch_entry(const struct table *t, uint64_t hash) {
    for (size_t i = hash & t->mask, tries = 0; tries < 4 && t->slots[i]; i = (i + 1) & t->mask, tries++) {
        if ((t->slots[i] ^ hash) >> TABLE_POINTER_BITS) continue;
        const char *x = (const char *)(uintptr_t)(t->slots[i] << 16 >> 16); /* NOLINT: the slot holds a pointer */
        __builtin_prefetch(x);
        __builtin_prefetch(x + 64);
        return;
    }
}

/* Every entry once, in no order that means anything; *at is 0 at the start. NULL at the end. Removal of the entry just
 * got is not allowed while iterating; use table_sorted. */
struct entry *table_next(const struct table *t, size_t *at);

/* All entries by the bytes of their keys (a shorter key before a longer one that begins with it): an array of t->count
 * pointers, which the caller frees with table_sorted_free (the table may be released before). It needs 16 bytes an
 * entry while it sorts, 8 then. `consume` takes the memory of the slots for it, and is never refused for the budget, so
 * that state at its limit can still be put out; then the table can only be released. Without it the table may be
 * changed while the array is there. NULL: no memory, and the table as it was. */
struct entry **table_sorted(struct table *t, bool consume);
void table_sorted_free(struct table *t, struct entry **sorted);

/* This entry changed: it will be in the next snapshot. Below 0: no memory. */
int table_touch_slow(struct table *t, struct entry *x) NODISCARD;
NODISCARD static inline int table_touch(struct table *t, struct entry *x) {
    return !t->track || (x->flags & ENTRY_DIRTY) ? 0 : table_touch_slow(t, x);
}
/* The entries that are dirty, in the order of their first change; they are the table's. */
struct entry **table_dirty(struct table *t, size_t *ret_count);
void table_clean(struct table *t); /* a snapshot was made */

#endif
