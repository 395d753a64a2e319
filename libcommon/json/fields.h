/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Several members of one JSON object in one pass over its text, which stops as soon as all are found. For programs
 * whose fields are known before the first record: filter, map, group keys.
 *
 * Build a set once (init, add, compile), then call find for each record. A compiled set is not changed by find and may
 * be shared by threads; find allocates nothing and takes linear time whatever the bytes and the depth of nesting are.
 */
#ifndef LEAT_JSON_FIELDS_H
#define LEAT_JSON_FIELDS_H

#include "json/text.h"
#include "json/validate.h"

/* A member's name as UTF-8 bytes, unescaped; any bytes, none at all too. */
struct json_name {
    const char *p;
    size_t n;
};

/* Private to json/fields*.c: the paths as a tree, and a hash table from (node, name) to the node below. */
struct json_fields {
    struct json_field_node *nodes; /* [0] is the object itself */
    uint32_t n, cap;
    struct buf names;
    uint32_t slots;
    struct json_field_entry *table; /* NULL until compiled; open addressing, half empty at least */
    uint64_t multiplier;
    size_t probe_from; /* names of this length and more may not be where their hash says */
    unsigned table_shift;
    unsigned lengths; /* how many of the four below are in use; 0: more lengths than that, or long ones */
    unsigned char length_shift[4];
    unsigned (*find)(const struct json_fields *f, const char *text, size_t len, size_t slack, struct json_slice *ret);
};

/* An empty set. 0 or G_NOMEM; the set can be released in either case. */
int json_fields_init(struct json_fields *f) NODISCARD;

/*
 * Add a path of n >= 1 names, outermost first; they are copied. The same path gives the same slot, and one path may be
 * the beginning of another (user and user.id). Slots count from 0 in the order of adding. 0, G_NOMEM, or G_USAGE: no
 * name, or the set is compiled already.
 */
int json_fields_add(struct json_fields *f, const struct json_name *names, size_t n, uint32_t *ret_slot) NODISCARD;

/* Close the set, so that find can be called. 0, G_NOMEM, or G_USAGE: it was compiled already. */
int json_fields_compile(struct json_fields *f) NODISCARD;

/* The same with a SIMD path of the caller's choice, for tests: G_USAGE, too, when this machine lacks it. */
int json_fields_compile_with(struct json_fields *f, enum json_simd simd) NODISCARD;

void json_fields_release(struct json_fields *f); /* takes NULL and a zeroed set */

/*
 * Fill ret[0 .. f->slots): each value's text without space around it, and its type; p NULL, n 0 and JSON_TYPE_NONE
 * where there is none: the member is missing, or its path goes through something that is no object. Returns how many
 * were found. The text is one value with optional space around it; if that is no object nothing is found. Names are
 * compared after unescaping.
 *
 * `slack` bytes behind text[len) may be read, too: 128 make it fastest, 0 is right everywhere. Exact on validated text;
 * on any other bytes the answers are arbitrary, but lie inside the text. Of duplicate keys, which validated text has
 * not, the first counts that has the rest of the path.
 */
static inline unsigned json_fields_find(const struct json_fields *f, const char *text, size_t len, size_t slack,
                                        struct json_slice *ret) {
    return f->find(f, text, len, slack, ret);
}

#endif
