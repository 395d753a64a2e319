/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Private to value*.c: what lies behind built arrays and objects, and one step through RAW ones.
 *
 * A built array or object has a store that several versions of it share. A version is a struct value that sees the
 * first n entries; the version with n == used is the latest, and only it grows in place, when the store belongs to the
 * heap at hand. What other versions can see is never written to.
 */
#ifndef LEAT_EXPR_VALUE_IMPL_H
#define LEAT_EXPR_VALUE_IMPL_H

#include "expr/heap.h"
#include "json/scan.h"

#ifdef __SSE2__
#include <emmintrin.h>
#endif

/* In front of an array's items. */
struct array_head {
    uint32_t used, cap;
    const struct heap *owner; /* another heap's array (a constant of the program) is not grown in place */
};

static inline struct array_head *array_head_of(const struct value *items) {
    return (struct array_head *)(uintptr_t)items - 1;
}

/* From this capacity on an object has slots: open addressing, linear probing, 0 or the place of a member + 1. */
#define OBJECT_SLOTS_FROM 17u

struct object {
    uint32_t used, cap;
    const struct heap *owner;
    uint64_t seed[2]; /* of the slots' hash */
    uint32_t *slots;  /* NULL below OBJECT_SLOTS_FROM */
    uint32_t slot_mask;
    struct member *members;
};

/*
 * Set a member, as object_set does. `fresh`: nobody else has this version, so that a known member of it may be
 * overwritten.
 */
int object_put(struct heap *h, struct value *object, const struct member *m, bool fresh) NODISCARD;

/* The place of a name among the first n members, or UINT32_MAX. */
uint32_t object_find(const struct object *o, uint32_t n, const char *name, size_t size);

/* Code point order: of two names, or two contents of strings. */
static inline int bytes_compare(const char *a, size_t an, const char *b, size_t bn) {
    size_t n = an < bn ? an : bn;
    int c = n ? memcmp(a, b, n) : 0;
    if (c != 0) return c < 0 ? -1 : 1;
    return an < bn ? -1 : an > bn;
}

static inline bool name_is(const struct member *m, const char *name, size_t size) {
    return m->name_size == size && memcmp(m->name, name, size) == 0;
}

/* ---- RAW ---- */

static inline bool raw_is_space(char c) {
    return (unsigned char)c <= ' ';
}

static inline bool raw_same(struct value a, struct value b) {
    return a.form == VF_RAW && b.form == VF_RAW && a.n == b.n && memcmp(a.text, b.text, a.n) == 0;
}

/* json_scan_string and json_scan_scalar, with a look at the first 16 bytes in place: most strings and numbers end
 * there. */
static inline const char *raw_string_end(const char *p, const char *end, bool *ret_escaped) {
#ifdef __SSE2__
    if (end - p >= 16) {
        __m128i x = _mm_loadu_si128((const __m128i *)(const void *)p);
        __m128i quote = _mm_cmpeq_epi8(x, _mm_set1_epi8('"')), slash = _mm_cmpeq_epi8(x, _mm_set1_epi8('\\'));
        unsigned mask = (unsigned)_mm_movemask_epi8(_mm_or_si128(quote, slash));
        if (mask == 0) return json_scan_string(p + 16, end, ret_escaped);
        unsigned at = (unsigned)__builtin_ctz(mask);
        if (p[at] == '"') {
            *ret_escaped = false;
            return p + at;
        }
    }
#endif
    return json_scan_string(p, end, ret_escaped);
}

static inline const char *raw_scalar_end(const char *p, const char *end) {
#ifdef __SSE2__
    if (end - p >= 16) {
        __m128i x = _mm_loadu_si128((const __m128i *)(const void *)p);
        __m128i close = _mm_cmpeq_epi8(_mm_or_si128(x, _mm_set1_epi8(0x20)), _mm_set1_epi8('}'));
        __m128i space = _mm_cmpeq_epi8(_mm_min_epu8(x, _mm_set1_epi8(' ')), x);
        __m128i comma = _mm_cmpeq_epi8(x, _mm_set1_epi8(','));
        unsigned mask = (unsigned)_mm_movemask_epi8(_mm_or_si128(_mm_or_si128(close, space), comma));
        if (mask) return p + __builtin_ctz(mask);
        p += 16;
    }
#endif
    return json_scan_scalar(p, end);
}

/* One entry of a RAW array or object. */
struct raw_entry {
    const char *name; /* behind its quote; NULL in arrays */
    size_t name_size;
    bool name_escaped;
    struct value value;
};

/* The name and the colon of a member at p; behind them, or NULL where there is none. */
static inline const char *raw_name(const char *p, const char *end, struct raw_entry *e) {
    if (*p != '"') return NULL;
    const char *quote = raw_string_end(p + 1, end, &e->name_escaped);
    if (!quote) return NULL;
    e->name = p + 1;
    e->name_size = (size_t)(quote - e->name);
    p = quote + 1;
    while (p < end && raw_is_space(*p)) p++;
    return p < end && *p == ':' ? p + 1 : NULL;
}

/* Behind the value at p, which may have space in front of it; NULL where there is none. */
static inline const char *raw_value(const char *p, const char *end, struct value *ret) {
    while (p < end && raw_is_space(*p)) p++;
    if (p >= end) return NULL;
    const char *behind;
    bool escaped;
    if (*p == '"') {
        behind = raw_string_end(p + 1, end, &escaped);
        if (behind) behind++;
    } else if (*p == '{' || *p == '[') {
        behind = json_scan_value(p, end);
    } else {
        behind = raw_scalar_end(p, end);
        if (behind == p) behind = NULL;
    }
    if (behind) *ret = value_raw(p, (size_t)(behind - p));
    return behind;
}

/* Where the next entry begins, NULL at the end; p is behind the opening bracket or the entry before. */
static inline const char *raw_begin(const char *p, const char *end) {
    while (p < end && (raw_is_space(*p) || *p == ',')) p++;
    return p < end && *p != ']' && *p != '}' ? p : NULL;
}

/* Step: behind the entry, or NULL at the end (or where the text stops making sense). */
static inline const char *raw_next(const char *p, const char *end, bool object, struct raw_entry *e) {
    p = raw_begin(p, end);
    if (p && object) p = raw_name(p, end, e);
    return p ? raw_value(p, end, &e->value) : NULL;
}

/* A member of its entry; its name, where it has escapes, in the heap. */
int raw_member(struct heap *h, const struct raw_entry *e, struct member *ret) NODISCARD;

/* An array or object built down to its leaves, which stay RAW: for values so deep that looking inside level by level
 * would read their text too often. RAW_TOO_DEEP beyond VALUE_DEPTH_MAX levels. */
enum { RAW_LEVELS = 16, RAW_TOO_DEEP = 1 };
int raw_tree(struct heap *h, struct value v, struct value *ret) NODISCARD;

#endif
