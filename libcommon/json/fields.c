/* SPDX-License-Identifier: Apache-2.0 */
/* Building a set of fields, and the choice of how it is searched. See fields.h. */
#include <stdlib.h>

#include "json/fields_impl.h"
#include "json/unescape.h"

/* A key and its colon have to fit into two blocks of 64 bytes, for the filter by length. */
#define LENGTH_MAX 61U
/* Names up to this length are given by their first and last eight bytes. */
#define HEAD_AND_TAIL 16U
/* How many multipliers are tried for a table without collisions. */
#define TRIES 64

const unsigned char json_field_type[256] = {
    ['n'] = JSON_TYPE_NULL,   ['f'] = JSON_TYPE_FALSE,  ['t'] = JSON_TYPE_TRUE,   ['"'] = JSON_TYPE_STRING,
    ['['] = JSON_TYPE_ARRAY,  ['{'] = JSON_TYPE_OBJECT, ['-'] = JSON_TYPE_NUMBER, ['0'] = JSON_TYPE_NUMBER,
    ['1'] = JSON_TYPE_NUMBER, ['2'] = JSON_TYPE_NUMBER, ['3'] = JSON_TYPE_NUMBER, ['4'] = JSON_TYPE_NUMBER,
    ['5'] = JSON_TYPE_NUMBER, ['6'] = JSON_TYPE_NUMBER, ['7'] = JSON_TYPE_NUMBER, ['8'] = JSON_TYPE_NUMBER,
    ['9'] = JSON_TYPE_NUMBER,
};

static const char *node_name(const struct json_fields *f, const struct json_field_node *node) {
    return f->names.data ? f->names.data + node->name_at : "";
}

static int node_add(struct json_fields *f, uint32_t parent, const struct json_name *name, uint32_t *ret_node) {
    if (f->n == f->cap) {
        uint32_t cap = f->cap ? f->cap * 2 : 16;
        struct json_field_node *nodes = realloc(f->nodes, cap * sizeof(*nodes));
        if (!nodes) return G_NOMEM;
        f->nodes = nodes;
        f->cap = cap;
    }
    struct json_field_node node = {.parent = parent, .slot = FIELD_NONE, .name_at = f->names.len};
    if (name) {
        if (buf_append(&f->names, name->n ? name->p : "", name->n) < 0) return G_NOMEM;
        node.name_n = (uint32_t)name->n;
        node.level = f->nodes[parent].level + 1;
        f->nodes[parent].inner = true;
    }
    *ret_node = f->n;
    f->nodes[f->n++] = node;
    return 0;
}

int json_fields_init(struct json_fields *f) {
    uint32_t root;
    *f = (struct json_fields){0};
    return node_add(f, 0, NULL, &root);
}

void json_fields_release(struct json_fields *f) {
    if (!f) return;
    free(f->nodes);
    free(f->table);
    buf_release(&f->names);
    *f = (struct json_fields){0};
}

/* 0 when there is none. */
static uint32_t child_of(const struct json_fields *f, uint32_t parent, const struct json_name *name) {
    for (uint32_t i = 1; i < f->n; i++) {
        const struct json_field_node *node = &f->nodes[i];
        if (node->parent != parent || node->name_n != name->n) continue;
        if (name->n == 0 || memcmp(node_name(f, node), name->p, name->n) == 0) return i;
    }
    return 0;
}

int json_fields_add(struct json_fields *f, const struct json_name *names, size_t n, uint32_t *ret_slot) {
    uint32_t at = 0;
    if (f->table || n == 0) return G_USAGE;
    for (size_t i = 0; i < n; i++) {
        if (names[i].n > INT32_MAX) return G_USAGE;
        uint32_t child = child_of(f, at, &names[i]);
        if (child == 0) {
            int rc = node_add(f, at, &names[i], &child);
            if (rc < 0) return rc;
        }
        at = child;
    }
    if (f->nodes[at].slot == FIELD_NONE) f->nodes[at].slot = f->slots++;
    *ret_slot = f->nodes[at].slot;
    return 0;
}

/* False when another entry was in the way. */
static bool entry_add(struct json_fields *f, uint32_t node) {
    const struct json_field_node *to = &f->nodes[node];
    const char *name = node_name(f, to);
    struct json_field_entry entry = {.head = field_head(name, to->name_n, to->name_n),
                                     .tail = field_tail(name, to->name_n),
                                     .id = field_id(to->parent, to->name_n),
                                     .node = node,
                                     .slot = to->slot};
    size_t hash = field_hash(f, entry.head, entry.tail, entry.id);
    size_t i = hash;
    while (f->table[i].id != FIELD_FREE) i = (i + 1) & field_table_mask(f);
    f->table[i] = entry;
    return i == hash;
}

/* Fill the table; with some luck, which small sets have, by a multiplier that leads every name to a place of its own.
 */
static void table_fill(struct json_fields *f) {
    bool perfect = false;
    f->multiplier = UINT64_C(0x9E3779B97F4A7C15);
    for (int luck = 0; luck < TRIES && !perfect; luck++) {
        f->multiplier = f->multiplier * UINT64_C(6364136223846793005) | 1;
        for (size_t i = 0; i <= field_table_mask(f); i++) f->table[i].id = FIELD_FREE;
        perfect = true;
        for (uint32_t i = 1; i < f->n; i++) perfect &= entry_add(f, i);
    }
    f->probe_from = perfect ? HEAD_AND_TAIL + 1 : 0;
}

const struct json_field_entry *json_field_probe(const struct json_fields *f, size_t i, const char *name,
                                                const struct json_field_entry *like) {
    for (; f->table[i].id != FIELD_FREE; i = (i + 1) & field_table_mask(f)) {
        const struct json_field_entry *e = &f->table[i];
        if (e->head != like->head || e->tail != like->tail || e->id != like->id) continue;
        const struct json_field_node *node = &f->nodes[e->node];
        if (node->name_n <= HEAD_AND_TAIL || memcmp(node_name(f, node), name, node->name_n) == 0) return e;
    }
    return NULL;
}

/* The lengths that names have, if they are few. */
static void lengths_collect(struct json_fields *f) {
    for (uint32_t i = 1; i < f->n; i++) {
        uint32_t n = f->nodes[i].name_n;
        unsigned k = 0;
        while (k < f->lengths && f->length_shift[k] != n + 2) k++;
        if (k < f->lengths) continue;
        if (n > LENGTH_MAX || k == sizeof(f->length_shift)) {
            f->lengths = 0;
            return;
        }
        /* Up to the end, so that places that are not in use do no harm. */
        memset(f->length_shift + k, (int)n + 2, sizeof(f->length_shift) - k);
        f->lengths = k + 1;
    }
}

/* The best that this machine has, or what was asked for; NULL when it lacks that. */
static json_find_fn choose(enum json_simd simd) {
    json_find_fn find = NULL;
    if (simd == JSON_BEST || simd == JSON_AVX512) find = json_fields_find_avx512();
    if (simd == JSON_AVX2 || (simd == JSON_BEST && !find)) find = json_fields_find_avx2();
    if (simd == JSON_PORTABLE || (simd == JSON_BEST && !find)) find = json_fields_find_portable;
    return find;
}

int json_fields_compile_with(struct json_fields *f, enum json_simd simd) {
    json_find_fn find = choose(simd);
    unsigned bits = 2;
    if (f->table || !find) return G_USAGE;
    while ((UINT64_C(1) << bits) < (uint64_t)f->n * 8) bits++;
    f->table = calloc((size_t)1 << bits, sizeof(*f->table));
    if (!f->table) return G_NOMEM;
    f->table_shift = 64 - bits;
    table_fill(f);
    lengths_collect(f);
    f->find = find;
    return 0;
}

int json_fields_compile(struct json_fields *f) {
    return json_fields_compile_with(f, JSON_BEST);
}

const struct json_field_entry *json_field_child_escaped(const struct json_fields *f, uint32_t parent, const char *raw,
                                                        size_t n) {
    for (size_t i = 0; i <= field_table_mask(f); i++) {
        const struct json_field_entry *e = &f->table[i];
        if (e->id == FIELD_FREE) continue;
        const struct json_field_node *node = &f->nodes[e->node];
        if (node->parent == parent && json_raw_is(raw, n, node_name(f, node), node->name_n)) return e;
    }
    return NULL;
}
