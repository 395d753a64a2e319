/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Duplicate keys: the validator's paths push each key of the open objects and ask, when an object closes, whether two
 * of its keys are equal after unescaping.
 *
 * Up to JSON_KEYS_PAIRWISE keys are compared pairwise by a 32-bit signature, which costs a few cycles a key. Equal
 * signatures, more keys, or an escaped key go to a hash table with SipHash under a random seed, and there equal
 * hashes are settled by comparing bytes: exact, and linear whatever the input.
 */
#ifndef LEAT_JSON_KEYS_H
#define LEAT_JSON_KEYS_H

#include <string.h>

#include "json/validate_impl.h"

#define JSON_KEYS_PAIRWISE 64U
/* Vector loads may run over the last signature by this much. */
#define JSON_KEYS_SLACK 16U

int json_keys_init(struct json_keys *k) NODISCARD;
void json_keys_release(struct json_keys *k);

/* Room for one more key behind k->n. */
int json_keys_grow(struct json_keys *k) NODISCARD;

/*
 * Is there a duplicate among keys[base..n)? 0 no, 1 yes with the place of the second key's opening quote, G_NOMEM. All
 * strings must have been checked. `_exact` goes to the table at once.
 */
int json_keys_check(struct json_keys *k, const char *text, uint32_t base, uint32_t *ret_at) NODISCARD;
int json_keys_check_exact(struct json_keys *k, const char *text, uint32_t base, uint32_t *ret_at) NODISCARD;

/* The key's length and its first and last eight bytes, mixed; text[pos..pos + n) is the key. */
static inline uint32_t json_key_sig(const char *text, uint32_t text_len, uint32_t pos, uint32_t n) {
    uint64_t first = 0;
    uint64_t last = 0;
    if (n >= 8) {
        memcpy(&first, text + pos, 8);
        memcpy(&last, text + pos + n - 8, 8);
    } else if (JSON_LIKELY(text_len - pos >= 8)) {
        memcpy(&first, text + pos, 8);
        first &= ~(UINT64_MAX << (n * 8));
    } else {
        for (uint32_t i = 0; i < n; i++) first |= (uint64_t)(unsigned char)text[pos + i] << (i * 8);
    }
    uint64_t h = first * 0x9E3779B97F4A7C15U ^ (last + n) * 0xC2B2AE3D27D4EB4FU;
    return (uint32_t)(h >> 32);
}

/* A key's span is its length << 32 | the place of its text, behind the quote. */
static inline uint32_t json_key_pos(const struct json_keys *k, uint32_t i) {
    return (uint32_t)k->span[i];
}
static inline uint32_t json_key_len(const struct json_keys *k, uint32_t i) {
    return (uint32_t)(k->span[i] >> 32);
}

/* Remember a key. Returns 0 or G_NOMEM. */
static inline int json_keys_push(struct json_keys *k, const char *text, uint32_t text_len, uint32_t pos, uint32_t n) {
    uint32_t at = k->n;
    if (JSON_UNLIKELY(at == k->cap) && json_keys_grow(k) < 0) return G_NOMEM;
    k->span[at] = (uint64_t)n << 32 | pos;
    k->sig[at] = json_key_sig(text, text_len, pos, n);
    k->n = at + 1;
    return 0;
}

#endif
