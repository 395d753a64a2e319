/* SPDX-License-Identifier: Apache-2.0 */
/* Duplicate keys. See keys.h. */
#include "json/keys.h"

#include <stdlib.h>

#include "base/random.h"
#include "base/siphash.h"
#include "json/unescape.h"

int json_keys_init(struct json_keys *k) {
    *k = (struct json_keys){0};
    if (random_bytes(k->seed, sizeof(k->seed), NULL) < 0) return G_IO;
    return json_keys_grow(k);
}

void json_keys_release(struct json_keys *k) {
    free(k->sig);
    free(k->span);
    free(k->table);
    free(k->scratch);
    *k = (struct json_keys){0};
}

int json_keys_grow(struct json_keys *k) {
    uint32_t cap = k->cap ? k->cap * 2 : 64; /* a text has under 2^29 keys, so this does not wrap */
    uint32_t *sig = realloc(k->sig, ((size_t)cap + JSON_KEYS_SLACK) * sizeof(*sig));
    if (!sig) return G_NOMEM;
    k->sig = sig;
    memset(sig + k->cap, 0, (cap - k->cap + JSON_KEYS_SLACK) * sizeof(*sig));
    uint64_t *span = realloc(k->span, (size_t)cap * sizeof(*span));
    if (!span) return G_NOMEM;
    k->span = span;
    k->cap = cap;
    return 0;
}

/* The hash of the key as unescaped; 0 or G_NOMEM. */
static int key_hash(struct json_keys *k, const char *raw, uint32_t n, uint64_t *ret_hash) {
    if (!memchr(raw, '\\', n)) {
        *ret_hash = siphash24(k->seed, raw, n);
        return 0;
    }
    if (k->scratch_cap < n) { /* unescaping never makes a string longer */
        char *p = realloc(k->scratch, n);
        if (!p) return G_NOMEM;
        k->scratch = p;
        k->scratch_cap = n;
    }
    struct json_bytes it = json_bytes_of(raw, n);
    size_t len = 0;
    for (int c = json_bytes_next(&it); c >= 0; c = json_bytes_next(&it)) k->scratch[len++] = (char)c;
    *ret_hash = siphash24(k->seed, k->scratch, len);
    return 0;
}

static bool keys_equal(const struct json_keys *k, const char *text, uint32_t a, uint32_t b) {
    const char *x = text + json_key_pos(k, a);
    const char *y = text + json_key_pos(k, b);
    uint32_t xn = json_key_len(k, a);
    uint32_t yn = json_key_len(k, b);
    if (xn == yn && memcmp(x, y, xn) == 0) return true;
    return k->escaped && json_raw_equal(x, xn, y, yn);
}

/* An empty table of at least twice n slots. */
static int table_clear(struct json_keys *k, uint32_t n, size_t *ret_mask) {
    size_t cap = 128;
    while (cap < (size_t)n * 2) cap *= 2;
    if (k->table_cap < cap) {
        uint64_t *p = malloc(cap * sizeof(*p));
        if (!p) return G_NOMEM;
        free(k->table);
        k->table = p;
        k->table_cap = cap;
    }
    memset(k->table, 0, cap * sizeof(*k->table));
    *ret_mask = cap - 1;
    return 0;
}

/* A slot is the upper half of the hash, then the key's number from 1; 0 is empty. */
int json_keys_check_exact(struct json_keys *k, const char *text, uint32_t base, uint32_t *ret_at) {
    size_t mask;
    if (table_clear(k, k->n - base, &mask) < 0) return G_NOMEM;
    for (uint32_t i = base; i < k->n; i++) {
        uint64_t hash;
        if (key_hash(k, text + json_key_pos(k, i), json_key_len(k, i), &hash) < 0) return G_NOMEM;
        uint64_t tag = hash & 0xFFFFFFFF00000000U;
        size_t slot = (size_t)hash & mask;
        for (; k->table[slot]; slot = (slot + 1) & mask) {
            if ((k->table[slot] & 0xFFFFFFFF00000000U) != tag) continue;
            if (keys_equal(k, text, (uint32_t)k->table[slot] - 1, i)) {
                *ret_at = json_key_pos(k, i) - 1;
                return 1;
            }
        }
        k->table[slot] = tag | (i + 1);
    }
    return 0;
}

int json_keys_check(struct json_keys *k, const char *text, uint32_t base, uint32_t *ret_at) {
    uint32_t n = k->n - base;
    if (n < 2) return 0;
    if (n > JSON_KEYS_PAIRWISE || k->escaped) return json_keys_check_exact(k, text, base, ret_at);
    const uint32_t *sig = k->sig + base;
    bool hit = false;
    for (uint32_t i = 1; i < n; i++) {
        for (uint32_t j = 0; j < i; j++) hit |= sig[i] == sig[j];
    }
    return hit ? json_keys_check_exact(k, text, base, ret_at) : 0;
}
