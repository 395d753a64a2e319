/* SPDX-License-Identifier: Apache-2.0 */
/*
 * RAW arrays and objects built down to their leaves, in one pass over the text. Looking inside one level at a time
 * reads the innermost text once for each level around it; comparing and sorting deep values come here in time, so that
 * their cost stays in proportion to the text, whoever wrote it. See value_impl.h.
 */
#include "expr/value_impl.h"

/* A container that is not closed yet, and the name under which its next value goes into it. */
struct level {
    struct value v;
    struct member next;
};

struct tree {
    struct heap *heap;
    struct level *levels;
    uint32_t depth, cap;
};

enum { LEVELS_FIRST = 32 };

static int level_open(struct tree *t, struct value empty) {
    if (t->depth == VALUE_DEPTH_MAX) return RAW_TOO_DEEP;
    if (t->depth == t->cap) {
        uint32_t cap = t->cap ? t->cap * 2 : LEVELS_FIRST;
        struct level *more = heap_alloc(t->heap, cap * sizeof(*more));
        if (!more) return G_NOMEM;
        if (t->depth > 0) memcpy(more, t->levels, t->depth * sizeof(*more));
        t->levels = more;
        t->cap = cap;
    }
    t->levels[t->depth++].v = empty;
    return 0;
}

static int level_add(struct tree *t, struct value v) {
    struct level *l = &t->levels[t->depth - 1];
    if (l->v.kind == VK_ARRAY) return array_append(t->heap, &l->v, v);
    l->next.value = v;
    return object_put(t->heap, &l->v, &l->next, true);
}

/* The name and the colon at p. Behind them, or `end` when there is none: then the text is over for us. */
static int name_read(struct tree *t, const char *p, const char *end, const char **ret) {
    struct raw_entry e = {.value = value_null()};
    *ret = end;
    p = raw_name(p, end, &e);
    if (!p) return 0;
    *ret = p;
    return raw_member(t->heap, &e, &t->levels[t->depth - 1].next);
}

/* An entry of the innermost open container, at p: a leaf goes into it, a container is opened. *ret is where to go on.
 */
static int entry_read(struct tree *t, const char *p, const char *end, const char **ret) {
    if (t->levels[t->depth - 1].v.kind == VK_OBJECT) {
        int rc = name_read(t, p, end, &p);
        if (rc < 0) return rc;
        while (p < end && raw_is_space(*p)) p++;
    }
    *ret = end;
    if (p >= end) return 0;
    if (*p == '[' || *p == '{') {
        *ret = p + 1;
        return level_open(t, *p == '[' ? value_array(NULL, 0) : value_object());
    }
    struct value leaf;
    p = raw_value(p, end, &leaf);
    if (!p) return 0;
    *ret = p;
    return level_add(t, leaf);
}

int raw_tree(struct heap *h, struct value v, struct value *ret) {
    struct tree t = {.heap = h};
    const char *p = v.text + 1, *end = v.text + v.n;
    int rc = level_open(&t, v.kind == VK_ARRAY ? value_array(NULL, 0) : value_object());
    while (rc == 0) {
        while (p < end && (raw_is_space(*p) || *p == ',')) p++;
        if (p < end && *p != ']' && *p != '}') {
            rc = entry_read(&t, p, end, &p);
            continue;
        }
        if (p < end) p++;
        struct value closed = t.levels[--t.depth].v;
        if (t.depth == 0) {
            *ret = closed;
            return 0;
        }
        rc = level_add(&t, closed);
    }
    return rc;
}
