/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The byte-string map. See the header.
 *
 * One arena record, its size rounded up to a multiple of 8:
 *
 *     0  8  value
 *     8  4  key length
 *    12  4  hash, the low 32 bits: the table grows without hashing the keys again
 *    16  …  key
 *
 * A slot carries 24 bits of the hash as a tag, so that a probe seldom touches the arena for another's key.
 */
#include "base/hashmap.h"

#include <stdlib.h>
#include <string.h>

#include "base/random.h"
#include "base/siphash.h"

enum { RECORD_HEADER = 16, FIRST_SLOTS = 64, FIRST_ARENA = 4096, POSITION_BITS = 40 };

#define MOST_SLOTS ((size_t)1 << 32)
#define MOST_ARENA ((uint64_t)8 << POSITION_BITS)
#define POSITION_MASK (((uint64_t)1 << POSITION_BITS) - 1)

struct record {
    uint64_t value;
    uint32_t len;
    uint32_t hash;
    char key[];
};

static inline struct record *record_of(const struct hashmap *m, uint64_t slot) {
    return (struct record *)(m->arena + ((slot & POSITION_MASK) - 1) * 8);
}

static inline size_t record_size(size_t len) {
    return (RECORD_HEADER + len + 7) & ~(size_t)7;
}

static inline uint64_t tag_of(uint32_t hash) {
    return (uint64_t)(hash >> 8) << POSITION_BITS;
}

/* Three quarters full at most. */
static size_t room_for(size_t slots) {
    return slots - slots / 4;
}

int hashmap_init(struct hashmap *m, struct err *e) {
    struct hashmap new = {0};
    int rc = random_bytes(new.hash_key, sizeof new.hash_key, e);
    if (rc < 0) return rc;
    new.slots = calloc(FIRST_SLOTS, sizeof *new.slots);
    new.arena = malloc(FIRST_ARENA);
    if (new.slots == NULL || new.arena == NULL) {
        hashmap_release(&new);
        return err_nomem(e);
    }
    new.mask = FIRST_SLOTS - 1;
    new.room = room_for(FIRST_SLOTS);
    new.arena_cap = FIRST_ARENA;
    *m = new;
    return 0;
}

void hashmap_release(struct hashmap *m) {
    if (m == NULL) return;
    free(m->slots);
    free(m->arena);
    *m = (struct hashmap){0};
}

/* The slot that holds the key, or the empty one where it belongs. */
static size_t slot_find(const struct hashmap *m, const void *key, size_t len, uint32_t hash) {
    uint64_t tag = tag_of(hash);
    for (size_t i = hash & m->mask;; i = (i + 1) & m->mask) {
        uint64_t slot = m->slots[i];
        if (slot == 0) return i;
        if ((slot & ~POSITION_MASK) != tag) continue;
        const struct record *r = record_of(m, slot);
        if (r->hash == hash && r->len == len && (len == 0 || memcmp(r->key, key, len) == 0)) return i;
    }
}

static int slots_double(struct hashmap *m) {
    size_t slots = (m->mask + 1) * 2;
    if (slots > MOST_SLOTS) return G_NOMEM;
    uint64_t *table = calloc(slots, sizeof *table);
    if (table == NULL) return G_NOMEM;
    /* The arena is walked in order and the old table not at all. */
    for (size_t at = 0; at < m->arena_len;) {
        const struct record *r = (const struct record *)(m->arena + at);
        size_t i = r->hash & (slots - 1);
        while (table[i] != 0) i = (i + 1) & (slots - 1);
        table[i] = tag_of(r->hash) | (at / 8 + 1);
        at += record_size(r->len);
    }
    free(m->slots);
    m->slots = table;
    m->mask = slots - 1;
    m->room = room_for(slots) - m->count;
    return 0;
}

static int arena_reserve(struct hashmap *m, size_t more) {
    if (m->arena_cap - m->arena_len >= more) return 0;
    size_t want = m->arena_len + more, half_more = m->arena_cap + m->arena_cap / 2;
    size_t cap = want > half_more ? want : half_more;
    if (cap > MOST_ARENA - 8) return G_NOMEM;
    char *arena = realloc(m->arena, cap);
    if (arena == NULL) return G_NOMEM;
    m->arena = arena;
    m->arena_cap = cap;
    return 0;
}

int hashmap_put(struct hashmap *m, const void *key, size_t len, uint64_t value) {
    if (len > UINT32_MAX) return G_NOMEM;
    uint32_t hash = (uint32_t)siphash24(m->hash_key, key, len);
    size_t i = slot_find(m, key, len, hash);
    if (m->slots[i] != 0) {
        record_of(m, m->slots[i])->value = value;
        return 0;
    }
    if (m->room == 0) {
        int rc = slots_double(m);
        if (rc < 0) return rc;
        i = slot_find(m, key, len, hash);
    }
    int rc = arena_reserve(m, record_size(len));
    if (rc < 0) return rc;
    struct record *r = (struct record *)(m->arena + m->arena_len);
    r->value = value;
    r->len = (uint32_t)len;
    r->hash = hash;
    if (len > 0) memcpy(r->key, key, len);
    m->slots[i] = tag_of(hash) | (m->arena_len / 8 + 1);
    m->arena_len += record_size(len);
    m->count++;
    m->room--;
    return 1;
}

uint64_t *hashmap_find(struct hashmap *m, const void *key, size_t len) {
    size_t i = slot_find(m, key, len, (uint32_t)siphash24(m->hash_key, key, len));
    return m->slots[i] == 0 ? NULL : &record_of(m, m->slots[i])->value;
}

bool hashmap_get(const struct hashmap *m, const void *key, size_t len, uint64_t *ret) {
    size_t i = slot_find(m, key, len, (uint32_t)siphash24(m->hash_key, key, len));
    if (m->slots[i] == 0) return false;
    *ret = record_of(m, m->slots[i])->value;
    return true;
}

bool hashmap_next(const struct hashmap *m, size_t *pos, struct hashmap_entry *ret) {
    if (*pos >= m->arena_len) return false;
    const struct record *r = (const struct record *)(m->arena + *pos);
    *ret = (struct hashmap_entry){.key = r->key, .len = r->len, .value = r->value};
    *pos += record_size(r->len);
    return true;
}
