/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of json/fields.h share: the tree of names and its lookup. Not for anyone else. */
#ifndef LEAT_JSON_FIELDS_IMPL_H
#define LEAT_JSON_FIELDS_IMPL_H

#include <endian.h>

#include "json/fields.h"
#include "json/scan.h"

#define FIELD_NONE UINT32_MAX
#define FIELD_FREE UINT64_MAX /* the id of a free entry */

/* One name of a path: a place in the tree. */
struct json_field_node {
    uint32_t parent;
    uint32_t level; /* names above it: 0 for the object itself, 1 for its members */
    uint32_t slot;  /* FIELD_NONE where no path ends */
    bool inner;     /* some path goes on */
    uint32_t name_n;
    size_t name_at; /* in json_fields.names */
};

/* The way from a node to the one below. A free entry has an `id` that nothing has. */
struct json_field_entry {
    uint64_t head; /* the first eight bytes of the name, zeros behind it */
    uint64_t tail; /* the last eight bytes where it is longer than eight, else 0 */
    uint64_t id;   /* of the parent and the length */
    uint32_t node;
    uint32_t slot; /* FIELD_NONE where no path ends */
};

typedef unsigned (*json_find_fn)(const struct json_fields *f, const char *text, size_t len, size_t slack,
                                 struct json_slice *ret);

/* A walk from member to member. */
struct field_steps {
    const struct json_fields *f;
    const char *end;
    struct json_slice *ret;
    uint32_t node;    /* the innermost object that was entered */
    uint32_t missing; /* fields that are not found yet */
};

/* Over one member, one comma, or a closing brace, into an object or out of it. NULL at the end, or when text is bad. */
const char *json_field_step(struct field_steps *w, const char *p);

unsigned json_fields_find_portable(const struct json_fields *f, const char *text, size_t len, size_t slack,
                                   struct json_slice *ret);

/* With AVX2; what both SIMD paths do when at least FIELD_MANY fields are wanted. */
#define FIELD_MANY 4
unsigned json_fields_find_many(const struct json_fields *f, const char *text, size_t len, size_t slack,
                               struct json_slice *ret);

/* NULL where the compiler or the processor has no such path. */
json_find_fn json_fields_find_avx2(void);
json_find_fn json_fields_find_avx512(void);

/* The child of `parent` whose name is the raw key, which has escapes; NULL when there is none. */
const struct json_field_entry *json_field_child_escaped(const struct json_fields *f, uint32_t parent, const char *raw,
                                                        size_t n);

/* The entry with the head, tail and id of `like`, and with this name, at place i or behind it; or NULL. */
const struct json_field_entry *json_field_probe(const struct json_fields *f, size_t i, const char *name,
                                                const struct json_field_entry *like);

/* The value whose first byte is c. */
extern const unsigned char json_field_type[256];

static inline uint64_t field_id(uint32_t parent, size_t n) {
    return (uint64_t)parent << 32 | (uint32_t)n;
}

static inline uint64_t field_word(const char *p) {
    uint64_t w;
    memcpy(&w, p, sizeof(w));
    return le64toh(w);
}

/* The first eight bytes of a name; `readable` bytes, at least n, may be read at it. */
static inline uint64_t field_head(const char *name, size_t n, size_t readable) {
    if (n >= 8) return field_word(name);
    if (__builtin_expect(readable >= 8, 1)) return field_word(name) & ((UINT64_C(1) << 8 * n) - 1);
    char copy[8] = {0};
    memcpy(copy, name, n);
    return field_word(copy);
}

static inline uint64_t field_tail(const char *name, size_t n) {
    return n > 8 ? field_word(name + n - 8) : 0;
}

static inline size_t field_table_mask(const struct json_fields *f) {
    return (size_t)(UINT64_MAX >> f->table_shift);
}

static inline size_t field_hash(const struct json_fields *f, uint64_t head, uint64_t tail, uint64_t id) {
    return (size_t)((head ^ (tail << 32 | tail >> 32) ^ id) * f->multiplier >> f->table_shift);
}

/* The child of `parent` with a name without escapes, or NULL. Nearly always one entry decides. */
static inline const struct json_field_entry *field_child(const struct json_fields *f, uint32_t parent, const char *name,
                                                         size_t n, size_t readable) {
    uint64_t head = field_head(name, n, readable);
    uint64_t tail = field_tail(name, n);
    uint64_t id = field_id(parent, n);
    size_t i = field_hash(f, head, tail, id);
    const struct json_field_entry *e = &f->table[i];
    if (__builtin_expect(f->probe_from > n, 1)) return e->head == head && e->tail == tail && e->id == id ? e : NULL;
    return json_field_probe(f, i, name, &(struct json_field_entry){.head = head, .tail = tail, .id = id});
}

/* Into the object at p, which lies on a path. */
static inline const char *field_enter(struct field_steps *w, const struct json_field_entry *e, const char *p) {
    if (e->slot != FIELD_NONE && w->ret[e->slot].type == JSON_TYPE_NONE) w->ret[e->slot].p = p;
    w->node = e->node;
    return p + 1;
}

/* To behind the opening brace, or to the end when the text is no object. Only the types of ret are cleared. */
static inline const char *fields_begin(const struct json_fields *f, const char *text, const char *end,
                                       struct json_slice *ret) {
    for (uint32_t i = 0; i < f->slots; i++) ret[i].type = JSON_TYPE_NONE;
    const char *p = json_scan_space(text, end);
    return p < end && *p == '{' ? p + 1 : end;
}

/* Clear what was not found, which may be a container that was entered and never closed. */
static inline unsigned fields_end(const struct json_fields *f, unsigned found, struct json_slice *ret) {
    for (uint32_t i = 0; i < f->slots && found < f->slots; i++) {
        if (ret[i].type == JSON_TYPE_NONE) ret[i] = (struct json_slice){0};
    }
    return found;
}

#endif
