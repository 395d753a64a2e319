/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JSON values as expressions see them: sixteen bytes, passed by value.
 *
 * A value that came out of a record is RAW: the span of its JSON text, not parsed. It is parsed when something looks
 * inside, one level at a time, and moved as bytes otherwise; so a number keeps its text and an object its spelling.
 * Computed values are built in the heap: integers (exact over 64 bits), doubles, string content, arrays of values and
 * objects of members in their order of insertion.
 *
 * RAW text has passed the validator or comes from a block that says so. A block that lies gives wrong answers, but no
 * function here reads outside the span, recurses without bound or fails to end.
 *
 * Functions that can fail return 0, G_DATA with heap->thrown, or G_NOMEM; results are set only on success.
 */
#ifndef LEAT_EXPR_VALUE_H
#define LEAT_EXPR_VALUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/buf.h"

struct heap;

/* In jq's order of types. */
enum value_kind { VK_NULL, VK_FALSE, VK_TRUE, VK_NUMBER, VK_STRING, VK_ARRAY, VK_OBJECT };

enum value_form {
    VF_RAW, /* text/n: JSON text (strings with quotes); the only form of record data. Also used for null, false, true */
    VF_INT, /* i: a number */
    VF_DOUBLE, /* d: a number; may be NaN or infinite */
    VF_TEXT,   /* text/n: content of a string, valid UTF-8, no quotes, no escapes */
    VF_ARRAY,  /* items/n */
    VF_OBJECT  /* object/n: the first n members of it */
};

struct member;
struct object;

struct value {
    uint8_t kind, form;
    uint32_t n;
    union {
        const char *text;
        int64_t i;
        double d;
        const struct value *items;
        const struct object *object;
    };
};

struct member {
    const char *name; /* content, unescaped */
    uint32_t name_size;
    uint32_t hash; /* of the name; private to value.c */
    struct value value;
};

/* Kind, form and n in one store: written one by one they would make whoever reads them at once right afterwards, as
 * passing a value does, wait for them. */
static inline struct value value_head(enum value_kind kind, enum value_form form, uint32_t n) {
    struct value v = {.text = NULL};
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    uint64_t head = (uint64_t)kind | (uint64_t)form << 8 | (uint64_t)n << 32;
    memcpy(&v, &head, sizeof head);
#else
    v.kind = (uint8_t)kind;
    v.form = (uint8_t)form;
    v.n = n;
#endif
    return v;
}

/* Constructors. null, false and true have an empty text: their kind is all there is to know. */
static inline struct value value_null(void) {
    return (struct value){.kind = VK_NULL};
}
static inline struct value value_bool(bool b) {
    return value_head(b ? VK_TRUE : VK_FALSE, VF_RAW, 0);
}
static inline struct value value_int(int64_t i) {
    return (struct value){.kind = VK_NUMBER, .form = VF_INT, .i = i};
}
static inline struct value value_double(double d) {
    return (struct value){.kind = VK_NUMBER, .form = VF_DOUBLE, .d = d};
}
/* The content of a string that outlives the value: UTF-8, at most 2^32 - 1 bytes. */
static inline struct value value_text(const char *p, size_t n) {
    struct value v = value_head(VK_STRING, VF_TEXT, (uint32_t)n);
    v.text = p;
    return v;
}
static inline bool value_truthy(struct value v) {
    return v.kind > VK_FALSE;
}

/* By the first byte of a JSON value; VK_NULL for bytes that begin none. */
extern const uint8_t value_kind_of_byte[256];

/* Exactly the text of one JSON value, without space around it; the first byte tells the kind. Bytes that begin no
 * value give null. */
static inline struct value value_raw(const char *text, size_t n) {
    uint8_t kind = n ? value_kind_of_byte[(unsigned char)*text] : (uint8_t)VK_NULL;
    struct value v = value_head(kind, VF_RAW, kind <= VK_TRUE ? 0 : (uint32_t)n);
    if (kind > VK_TRUE) v.text = text;
    return v;
}

/* A copy of string content in the heap. */
int value_copy_text(struct heap *h, const char *p, size_t n, struct value *ret) NODISCARD;

const char *value_type_name(struct value v); /* "null" "boolean" "number" "string" "array" "object" */

/* ---- looking inside ---- */

/* The content of a string: a view into the record where it has no escapes, else unescaped into the heap. */
int value_string_raw(struct heap *h, const char *text, size_t n, const char **ret, size_t *ret_size) NODISCARD;
NODISCARD static inline int value_string(struct heap *h, struct value v, const char **ret, size_t *ret_size) {
    if (v.form != VF_TEXT) return value_string_raw(h, v.text, v.n, ret, ret_size);
    *ret = v.text;
    *ret_size = v.n;
    return 0;
}

/* A number as one of two: true with *i when it is whole and fits 64 bits and was written or computed as an integer
 * (digits with an optional minus; -0 is a double); else false with *d, correctly rounded, infinite when it overflows.
 */
bool value_number_raw(const char *text, size_t n, int64_t *i, double *d);
static inline bool value_number(struct value v, int64_t *i, double *d) {
    if (v.form == VF_RAW) return value_number_raw(v.text, v.n, i, d);
    if (v.form == VF_INT) {
        *i = v.i;
        return true;
    }
    *d = v.d;
    return false;
}
double value_to_double(struct value v); /* either way as a double */

/* The elements of an array, the members of an object; RAW ones are parsed one level deep. The arrays returned are
 * never written to. Of duplicate names the last counts, at the place of the first. */
int value_items(struct heap *h, struct value v, const struct value **ret, uint32_t *ret_n) NODISCARD;
int value_members(struct heap *h, struct value v, const struct member **ret, uint32_t *ret_n) NODISCARD;
/* The same, ordered by the code points of the names: for keys, and for comparing. */
int value_members_sorted(struct heap *h, struct value v, const struct member **ret, uint32_t *ret_n) NODISCARD;

/* The member of an object by name, the element of an array by index (negative from the end): null when it is not
 * there. RAW ones are scanned up to it, not parsed. `v` must be of that kind. value_has_member sets *ret only when the
 * member is there; neither it nor value_member can fail. */
int value_member(struct heap *h, struct value v, const char *name, size_t n, struct value *ret) NODISCARD;
int value_element(struct heap *h, struct value v, int64_t index, struct value *ret) NODISCARD;
bool value_has_member(struct heap *h, struct value v, const char *name, size_t n, struct value *ret);

/* jq's `length` of arrays and objects. */
int value_count(struct heap *h, struct value v, uint32_t *ret) NODISCARD;

/* Steps through a RAW or built array or object without building anything: for .[], any, all, add. Begin with
 * value_iter_init. 1: *ret (and the name, for objects, as a string value) is set; 0: the end; G_DATA, G_NOMEM. */
struct value_iter {
    struct value of;
    uint32_t at;
    const char *p, *end; /* RAW */
};
void value_iter_init(struct value_iter *it, struct value v);
int value_iter_next(struct heap *h, struct value_iter *it, struct value *ret_name, struct value *ret) NODISCARD;

/* ---- comparing ---- */

/* jq's total order: types, then values; numbers exactly also across forms; strings by code point; arrays element by
 * element; objects by their sorted names, then by value. NaN is below every number. */
int value_compare(struct heap *h, struct value a, struct value b, int *ret) NODISCARD;
int value_equal(struct heap *h, struct value a, struct value b, bool *ret) NODISCARD;

/* ---- building ---- */

/* Room for an array of n elements to be filled by the caller before anybody sees it; NULL for G_NOMEM. Every array's
 * items begin at what array_alloc gave (a header lies in front of them), never in the middle of another array. */
struct value *array_alloc(struct heap *h, uint32_t n);
static inline struct value value_array(const struct value *items, uint32_t n) {
    return (struct value){.kind = VK_ARRAY, .form = VF_ARRAY, .n = n, .items = items};
}
/* Append in amortised constant time: the last version of an array grows in place, older versions keep their length. */
int array_append(struct heap *h, struct value *array, struct value v) NODISCARD;

/* The empty one; and an empty one with room for n members, for constructors that know how many will come. */
static inline struct value value_object(void) {
    return (struct value){.kind = VK_OBJECT, .form = VF_OBJECT};
}
int object_alloc(struct heap *h, uint32_t n, struct value *ret) NODISCARD;
/* Set a member: a new name is appended in amortised constant time; a known one keeps its place and the object is copied
 * when an older version could see it. The name must outlive the heap's content. */
int object_set(struct heap *h, struct value *object, const char *name, size_t n, struct value v) NODISCARD;

/* The same for an accumulator, of which the caller knows that nobody has this version or an older one of it: a known
 * member is overwritten, so that counting into an object takes constant time and memory. */
int object_set_owned(struct heap *h, struct value *object, const char *name, size_t n, struct value v) NODISCARD;

/* ---- text ---- */

/* Append as JSON. RAW values are copied as they stand. NaN becomes null, infinities the largest double, as in jq. */
int value_write(struct heap *h, struct value v, struct buf *out) NODISCARD;

/* The same in one spelling: no space, strings escaped only where they must be, numbers as jq prints computed ones
 * but integers of any length exactly. For tojson, tostring and keys. `sorted`: names in order, too. */
int value_write_canonical(struct heap *h, struct value v, bool sorted, struct buf *out) NODISCARD;

/* What makes two values the same group or key: the canonical text with sorted names, by which 1 and 1.0 are equal and
 * "1" is another. value_is_key: it is the text of a RAW value as it stands; most are. */
bool value_is_key(struct value v);
int value_write_key(struct heap *h, struct value v, struct buf *out) NODISCARD;

/* Parse text that nobody validated (fromjson, constants): G_DATA when it is not JSON. The value points into text. */
int value_parse(struct heap *h, const char *text, size_t n, struct value *ret) NODISCARD;

#endif
