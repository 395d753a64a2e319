/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Functions on objects: keys, to_entries, from_entries, and flat objects with joined names and back. In the table of
 * func.h; flatten/0 and the flatten/1 that takes a depth are in func_array.c.
 */
#include <stdio.h>

#include "expr/func.h"
#include "expr/func_text.h"

enum { NAME_DIGITS = 11 };

/* ---- keys ---- */

static int index_list(struct heap *h, struct value v, struct value *ret) {
    uint32_t n;
    int rc = value_count(h, v, &n);
    if (rc < 0) return rc;
    struct value *items = array_alloc(h, n);
    if (!items) return G_NOMEM;
    for (uint32_t i = 0; i < n; i++) items[i] = value_int(i);
    *ret = value_array(items, n);
    return 0;
}

static int keys(struct heap *h, struct value v, bool sorted, struct value *ret) {
    const struct member *members;
    uint32_t n;
    if (v.kind == VK_ARRAY) return index_list(h, v, ret);
    if (v.kind != VK_OBJECT) return throw_about(h, v, "has no keys");
    int rc = sorted ? value_members_sorted(h, v, &members, &n) : value_members(h, v, &members, &n);
    if (rc < 0) return rc;
    struct value *items = array_alloc(h, n);
    if (!items) return G_NOMEM;
    for (uint32_t i = 0; i < n; i++) items[i] = value_text(members[i].name, members[i].name_size);
    *ret = value_array(items, n);
    return 0;
}

static int f_keys(struct heap *h, const struct value *args, struct value *ret) {
    return keys(h, args[0], true, ret);
}

static int f_keys_unsorted(struct heap *h, const struct value *args, struct value *ret) {
    return keys(h, args[0], false, ret);
}

/* ---- entries ---- */

static int f_to_entries(struct heap *h, const struct value *args, struct value *ret) {
    struct value_iter it;
    struct value name, v, list = value_array(NULL, 0);
    uint32_t at = 0;
    int rc;
    if (args[0].kind < VK_ARRAY) return throw_about(h, args[0], "has no keys");
    value_iter_init(&it, args[0]);
    while ((rc = value_iter_next(h, &it, &name, &v)) > 0) {
        struct value entry;
        if (args[0].kind == VK_ARRAY) name = value_int(at++);
        rc = object_alloc(h, 2, &entry);
        if (rc == 0) rc = object_set(h, &entry, "key", 3, name);
        if (rc == 0) rc = object_set(h, &entry, "value", 5, v);
        if (rc == 0) rc = array_append(h, &list, entry);
        if (rc < 0) return rc;
    }
    if (rc == 0) *ret = list;
    return rc;
}

/* The first of the names that the entry has a value for; null and false only if nothing better comes. */
static struct value entry_key(struct heap *h, struct value entry) {
    static const char *const names[] = {"key", "k", "name", "Name", "Key", "K"};
    struct value found = value_null(), v;
    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
        if (!value_has_member(h, entry, names[i], strlen(names[i]), &v)) continue;
        if (value_truthy(v)) return v;
        if (found.kind == VK_NULL) found = v;
    }
    return found;
}

static struct value entry_value(struct heap *h, struct value entry) {
    static const char *const names[] = {"value", "v", "Value", "V"};
    struct value found = value_null(), v;
    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
        if (!value_has_member(h, entry, names[i], strlen(names[i]), &v)) continue;
        if (v.kind != VK_NULL) return v;
    }
    return found;
}

static int add_entry(struct heap *h, struct value entry, struct value *object) {
    if (entry.kind != VK_OBJECT) return heap_throw(h, "Cannot index %s with string \"key\"", value_type_name(entry));
    struct value key = entry_key(h, entry);
    if (key.kind == VK_NULL || key.kind >= VK_ARRAY) {
        char described[DESCRIBE_SIZE];
        int rc = value_describe(h, key, described);
        return rc < 0 ? rc : heap_throw(h, "Cannot use %s as object key", described);
    }
    struct span name;
    int rc = value_to_string(h, key, &key);
    if (rc == 0) rc = span_of(h, key, &name);
    return rc < 0 ? rc : object_set(h, object, name.p, name.n, entry_value(h, entry));
}

static int f_from_entries(struct heap *h, const struct value *args, struct value *ret) {
    struct value_iter it;
    struct value name, entry, object = value_object();
    int rc;
    if (args[0].kind < VK_ARRAY) return throw_not_iterable(h, args[0]);
    value_iter_init(&it, args[0]);
    while ((rc = value_iter_next(h, &it, &name, &entry)) > 0) {
        rc = add_entry(h, entry, &object);
        if (rc < 0) return rc;
    }
    if (rc == 0) *ret = object;
    return rc;
}

/* ---- flat objects ---- */

struct flattening {
    struct heap *heap;
    struct span separator;
    struct text path; /* of the container at hand */
    struct value object;
};

static int path_push(struct flattening *f, struct value name, uint32_t at, bool first) {
    char digits[NAME_DIGITS];
    struct span s = {digits, 0};
    int rc = 0;
    if (name.kind == VK_STRING) {
        rc = span_of(f->heap, name, &s);
    } else {
        s.n = (size_t)snprintf(digits, sizeof(digits), "%u", at);
    }
    if (rc == 0 && !first) rc = text_append(&f->path, f->separator.p, f->separator.n);
    return rc < 0 ? rc : text_append(&f->path, s.p, s.n);
}

static int flatten_container(struct flattening *f, struct value v, uint32_t depth);

static int flatten_value(struct flattening *f, struct value v, uint32_t depth) {
    uint32_t n = 0;
    if (v.kind >= VK_ARRAY) {
        int rc = value_count(f->heap, v, &n);
        if (rc < 0) return rc;
        if (n > 0) return flatten_container(f, v, depth + 1);
    }
    struct value name;
    int rc = value_copy_text(f->heap, f->path.p, f->path.n, &name);
    return rc < 0 ? rc : object_set(f->heap, &f->object, name.text, name.n, v);
}

static int flatten_container(struct flattening *f, struct value v, uint32_t depth) {
    if (depth > VALUE_DEPTH_MAX) return heap_throw(f->heap, "Flatten too deep");
    struct value_iter it;
    struct value name = value_null(), item;
    size_t prefix = f->path.n;
    int rc;
    value_iter_init(&it, v);
    for (uint32_t at = 0; (rc = value_iter_next(f->heap, &it, &name, &item)) > 0; at++) {
        if (v.kind == VK_ARRAY) name = value_null();
        rc = path_push(f, name, at, depth == 0);
        if (rc == 0) rc = flatten_value(f, item, depth);
        if (rc < 0) return rc;
        f->path.n = prefix;
    }
    return rc;
}

int object_flatten(struct heap *h, struct value object, struct value separator, struct value *ret) {
    struct flattening f = {.heap = h, .path = {.heap = h}, .object = value_object()};
    int rc = span_of(h, separator, &f.separator);
    if (rc == 0) rc = flatten_container(&f, object, 0);
    if (rc == 0) *ret = f.object;
    return rc;
}

/* ---- and back ---- */

/* A name's place in the tree that unflatten builds: a leaf, or `children`, an object of names and node numbers. */
struct place {
    struct value leaf, children;
    bool is_leaf;
};

struct unflattening {
    struct heap *heap;
    struct span separator;
    struct place *places;
    uint32_t n, cap;
};

static int place_new(struct unflattening *u, uint32_t *ret) {
    if (u->n == u->cap) {
        uint32_t cap = u->cap * 2 + 16;
        struct place *places = heap_alloc(u->heap, cap * sizeof(*places));
        if (!places) return G_NOMEM;
        if (u->n) memcpy(places, u->places, u->n * sizeof(*places));
        u->places = places;
        u->cap = cap;
    }
    u->places[u->n] = (struct place){.children = value_object()};
    *ret = u->n++;
    return 0;
}

static int child_of(struct unflattening *u, uint32_t parent, struct span name, uint32_t *ret) {
    struct value number;
    if (value_has_member(u->heap, u->places[parent].children, name.p, name.n, &number)) {
        *ret = (uint32_t)number.i;
        return 0;
    }
    int rc = place_new(u, ret);
    return rc < 0 ? rc : object_set(u->heap, &u->places[parent].children, name.p, name.n, value_int(*ret));
}

static int place_value(struct unflattening *u, struct span name, struct value v) {
    uint32_t at = 0;
    int rc = 0;
    bool more = true;
    for (struct span left = name; more && rc == 0 && !u->places[at].is_leaf;) {
        const char *found = left.n ? memmem(left.p, left.n, u->separator.p, u->separator.n) : NULL;
        more = found != NULL;
        rc = child_of(u, at, (struct span){left.p, more ? (size_t)(found - left.p) : left.n}, &at);
        if (more) {
            left.n -= (size_t)(found - left.p) + u->separator.n;
            left.p = found + u->separator.n;
        }
    }
    if (rc == 0 && !more && !u->places[at].is_leaf && u->places[at].children.n == 0) {
        u->places[at].is_leaf = true;
        u->places[at].leaf = v;
        return 0;
    }
    return rc < 0 ? rc
                  : heap_throw(u->heap, "Cannot unflatten: \"%.*s\" is below a value or has others below it",
                               (int)(name.n < 100 ? name.n : 100), name.p);
}

/* Are the names 0 to n - 1, in any order? They are all different. */
static bool are_indices(const struct member *members, uint32_t n) {
    for (uint32_t i = 0; i < n; i++) {
        const struct member *m = &members[i];
        uint64_t index = 0;
        if (m->name_size == 0 || m->name_size >= NAME_DIGITS || (m->name_size > 1 && m->name[0] == '0')) return false;
        for (uint32_t k = 0; k < m->name_size; k++) {
            if (m->name[k] < '0' || m->name[k] > '9') return false;
            index = index * 10 + (uint64_t)(m->name[k] - '0');
        }
        if (index >= n) return false;
    }
    return n > 0;
}

static uint32_t index_of(const struct member *m) {
    uint32_t index = 0;
    for (uint32_t k = 0; k < m->name_size; k++) index = index * 10 + (uint32_t)(m->name[k] - '0');
    return index;
}

static int place_build(struct unflattening *u, uint32_t at, uint32_t depth, struct value *ret) {
    const struct place *place = &u->places[at];
    const struct member *members;
    uint32_t n;
    if (place->is_leaf) {
        *ret = place->leaf;
        return 0;
    }
    if (depth > VALUE_DEPTH_MAX) return heap_throw(u->heap, "Unflatten too deep");
    int rc = value_members(u->heap, place->children, &members, &n);
    if (rc < 0) return rc;
    bool array = depth > 0 && are_indices(members, n);
    struct value *items = array ? array_alloc(u->heap, n) : NULL;
    struct value object;
    if (array && !items) return G_NOMEM;
    rc = object_alloc(u->heap, n, &object);
    for (uint32_t i = 0; rc == 0 && i < n; i++) {
        struct value v;
        rc = place_build(u, (uint32_t)members[i].value.i, depth + 1, &v);
        if (rc < 0) return rc;
        if (array) {
            items[index_of(&members[i])] = v;
        } else {
            rc = object_set(u->heap, &object, members[i].name, members[i].name_size, v);
        }
    }
    if (rc == 0) *ret = array ? value_array(items, n) : object;
    return rc;
}

static int f_unflatten(struct heap *h, const struct value *args, struct value *ret) {
    const struct member *members;
    struct unflattening u = {.heap = h};
    uint32_t n, root;
    if (args[0].kind != VK_OBJECT) return throw_about(h, args[0], "cannot be unflattened, as it is not an object");
    if (args[1].kind != VK_STRING) return throw_about(h, args[1], "cannot separate names, as it is not a string");
    int rc = span_of(h, args[1], &u.separator);
    if (rc == 0 && u.separator.n == 0) rc = heap_throw(h, "unflatten needs a separator that is not empty");
    if (rc == 0) rc = value_members(h, args[0], &members, &n);
    if (rc == 0) rc = place_new(&u, &root);
    for (uint32_t i = 0; rc == 0 && i < n; i++)
        rc = place_value(&u, (struct span){members[i].name, members[i].name_size}, members[i].value);
    return rc < 0 ? rc : place_build(&u, root, 0, ret);
}

const struct func func_object[] = {
    {"from_entries", 0, true, f_from_entries},   {"keys", 0, true, f_keys},
    {"keys_unsorted", 0, true, f_keys_unsorted}, {"to_entries", 0, true, f_to_entries},
    {"unflatten", 1, true, f_unflatten},         {NULL, 0, false, NULL},
};
