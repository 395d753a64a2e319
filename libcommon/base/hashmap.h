/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A map from byte strings to uint64_t, for many keys: compaction keeps "key -> last offset" in it.
 *
 * Open addressing with linear probing over 8-byte slots; the keys and values lie one behind the other in an arena
 * that the map owns. About 30 bytes a key beyond the key. Hashed by SipHash-2-4 with a random key. There is no
 * removal. Keys are up to 4 GiB long, the empty key included; a map holds up to 2^31 of them.
 */
#ifndef LEAT_BASE_HASHMAP_H
#define LEAT_BASE_HASHMAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct hashmap {
    uint64_t *slots; /* 0 empty, else tag << 40 | (arena position / 8 + 1) */
    size_t mask;     /* slots - 1; the number of slots is a power of two */
    size_t count;    /* keys */
    size_t room;     /* keys that still fit before the slots are doubled */
    char *arena;
    size_t arena_len, arena_cap;
    uint64_t hash_key[2];
};

int hashmap_init(struct hashmap *m, struct err *e) NODISCARD; /* an empty map; G_IO, G_NOMEM */
void hashmap_release(struct hashmap *m);                      /* takes NULL, a zeroed map, a released one */

/* Copies the key. 1 when it is new, 0 when its value was replaced, G_NOMEM (and the map as it was). */
int hashmap_put(struct hashmap *m, const void *key, size_t len, uint64_t value) NODISCARD;

/* *ret is set only when the key is there. */
bool hashmap_get(const struct hashmap *m, const void *key, size_t len, uint64_t *ret);

/* The place of a key's value, which may be changed there until the next put; NULL when the key is not there. */
uint64_t *hashmap_find(struct hashmap *m, const void *key, size_t len);

/*
 * All keys in the order in which they first came. *pos is 0 at the start. false at the end. The key belongs to the map
 * and stays where it is until the next put.
 */
struct hashmap_entry {
    const void *key;
    size_t len;
    uint64_t value;
};
bool hashmap_next(const struct hashmap *m, size_t *pos, struct hashmap_entry *ret);

#endif
