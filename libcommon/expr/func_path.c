/* SPDX-License-Identifier: Apache-2.0 */
/* Setting and deleting by keys and paths. See func_path.h. */
#include "expr/func_path.h"

#include <math.h>

#include "expr/func.h"
#include "expr/func_text.h"
#include "expr/value_index.h"

enum { INDEX_MAX = 1 << 29, KEY_SHOWN = 100 };

/* ---- keys ---- */

/* The two ends that an object as key has; a missing one is open. */
static int slice_key(struct heap *h, struct value key, struct value *from, struct value *to) {
    int rc = value_member(h, key, "start", 5, from);
    return rc < 0 ? rc : value_member(h, key, "end", 3, to);
}

static int throw_index(struct heap *h, struct value v, struct value key) {
    struct span s;
    if (key.kind != VK_STRING)
        return heap_throw(h, "Cannot index %s with %s", value_type_name(v), value_type_name(key));
    int rc = span_of(h, key, &s);
    if (rc < 0) return rc;
    return heap_throw(h, "Cannot index %s with string \"%.*s\"", value_type_name(v),
                      (int)(s.n < KEY_SHOWN ? s.n : KEY_SHOWN), s.p);
}

/* ---- setting ---- */

static int set_element(struct heap *h, struct value v, struct value key, struct value to, struct value *ret) {
    const struct value *items;
    uint32_t n;
    struct number number = number_of(key);
    if (!number.whole && isnan(number.d)) return heap_throw(h, "Cannot set array element at NaN index");
    int64_t at = number.whole ? number.i : double_to_int(floor(number.d));
    int rc = value_items(h, v, &items, &n);
    if (rc < 0) return rc;
    if (at < 0) at += n;
    if (at < 0) return heap_throw(h, "Out of bounds negative array index");
    if (at >= INDEX_MAX) return heap_throw(h, "Array index too large");
    if (at < n) {
        struct value *copy = array_alloc(h, n);
        if (!copy) return G_NOMEM;
        memcpy(copy, items, n * sizeof(*copy));
        copy[at] = to;
        *ret = value_array(copy, n);
        return 0;
    }
    for (; n < at && rc == 0; n++) rc = array_append(h, &v, value_null());
    if (rc == 0) rc = array_append(h, &v, to);
    if (rc == 0) *ret = v;
    return rc;
}

static int set_slice(struct heap *h, struct value v, struct value key, struct value to, struct value *ret) {
    struct value from, behind;
    const struct value *items, *with;
    uint32_t n, m, start, end;
    int rc = slice_key(h, key, &from, &behind);
    if (rc == 0) rc = value_items(h, v, &items, &n);
    if (rc == 0) rc = slice_bounds(h, n, from, behind, &start, &end);
    if (rc < 0) return rc;
    if (to.kind != VK_ARRAY) return heap_throw(h, "A slice of an array can only be assigned another array");
    rc = value_items(h, to, &with, &m);
    if (rc < 0) return rc;
    uint32_t left = n - (end - start), count;
    struct value *spliced = __builtin_add_overflow(left, m, &count) ? NULL : array_alloc(h, count);
    if (!spliced) return G_NOMEM;
    for (uint32_t i = 0; i < start; i++) spliced[i] = items[i];
    for (uint32_t i = 0; i < m; i++) spliced[start + i] = with[i];
    for (uint32_t i = end; i < n; i++) spliced[start + m + (i - end)] = items[i];
    *ret = value_array(spliced, count);
    return 0;
}

int value_set(struct heap *h, struct value v, struct value key, struct value to, struct value *ret) {
    bool null = v.kind == VK_NULL;
    if (key.kind == VK_STRING && (v.kind == VK_OBJECT || null)) {
        struct value object = null ? value_object() : v;
        struct span name;
        int rc = span_of(h, key, &name);
        if (rc == 0) rc = object_set(h, &object, name.p, name.n, to);
        if (rc == 0) *ret = object;
        return rc;
    }
    struct value array = null ? value_array(NULL, 0) : v;
    if (key.kind == VK_NUMBER && array.kind == VK_ARRAY) return set_element(h, array, key, to, ret);
    if (key.kind == VK_OBJECT && array.kind == VK_ARRAY) return set_slice(h, array, key, to, ret);
    if (key.kind == VK_OBJECT && v.kind == VK_STRING) return heap_throw(h, "Cannot update string slices");
    if (key.kind == VK_ARRAY && v.kind == VK_ARRAY) return heap_throw(h, "Cannot update field at array index of array");
    return throw_index(h, v, key);
}

/* ---- paths ---- */

static int path_keys(struct heap *h, struct value path, const struct value **ret, uint32_t *ret_n) {
    if (path.kind != VK_ARRAY) return heap_throw(h, "Path must be specified as an array");
    int rc = value_items(h, path, ret, ret_n);
    if (rc == 0 && *ret_n > VALUE_DEPTH_MAX) rc = heap_throw(h, "Path too deep");
    return rc;
}

int value_get_path(struct heap *h, struct value v, struct value path, struct value *ret) {
    const struct value *keys;
    uint32_t n;
    int rc = path_keys(h, path, &keys, &n);
    for (uint32_t i = 0; i < n && rc == 0 && v.kind != VK_NULL; i++) rc = value_index(h, v, keys[i], &v);
    if (rc == 0) *ret = v;
    return rc;
}

int value_set_path(struct heap *h, struct value v, struct value path, struct value to, struct value *ret) {
    const struct value *keys;
    uint32_t n;
    int rc = path_keys(h, path, &keys, &n);
    if (rc < 0) return rc;
    struct value *inside = heap_alloc(h, (n + 1) * sizeof(*inside)); /* what each key is looked up in */
    if (!inside) return G_NOMEM;
    inside[0] = v;
    for (uint32_t i = 0; i < n && rc == 0; i++) rc = value_index(h, inside[i], keys[i], &inside[i + 1]);
    for (uint32_t i = n; i-- > 0 && rc == 0;) rc = value_set(h, inside[i], keys[i], to, &to);
    if (rc == 0) *ret = to;
    return rc;
}

/* ---- deleting ---- */

static int mark_element(struct heap *h, struct value key, bool *gone, uint32_t n) {
    if (key.kind == VK_NUMBER) {
        double at = floor(value_to_double(key));
        if (at < 0) at += n;
        if (at >= 0 && at < n) gone[(uint32_t)at] = true;
        return 0;
    }
    if (key.kind != VK_OBJECT) return heap_throw(h, "Cannot delete %s element of array", value_type_name(key));
    struct value from, to;
    uint32_t start = 0, end = 0;
    int rc = slice_key(h, key, &from, &to);
    if (rc == 0) rc = slice_bounds(h, n, from, to, &start, &end);
    for (uint32_t i = start; rc == 0 && i < end; i++) gone[i] = true;
    return rc;
}

static int delete_elements(struct heap *h, struct value v, const struct value *keys, uint32_t count,
                           struct value *ret) {
    const struct value *items;
    struct value left = value_array(NULL, 0);
    uint32_t n;
    int rc = value_items(h, v, &items, &n);
    if (rc < 0) return rc;
    bool *gone = heap_alloc(h, (size_t)n + 1);
    if (!gone) return G_NOMEM;
    memset(gone, 0, n);
    for (uint32_t i = 0; i < count && rc == 0; i++) rc = mark_element(h, keys[i], gone, n);
    for (uint32_t i = 0; i < n && rc == 0; i++)
        if (!gone[i]) rc = array_append(h, &left, items[i]);
    if (rc == 0) *ret = left;
    return rc;
}

static int delete_members(struct heap *h, struct value v, const struct value *keys, uint32_t count, struct value *ret) {
    const struct member *members;
    struct value gone = value_object(), left = value_object(), found;
    struct span name;
    uint32_t n;
    int rc = 0;
    for (uint32_t i = 0; i < count && rc == 0; i++) {
        if (keys[i].kind != VK_STRING)
            return heap_throw(h, "Cannot delete %s field of object", value_type_name(keys[i]));
        rc = span_of(h, keys[i], &name);
        if (rc == 0) rc = object_set(h, &gone, name.p, name.n, value_null());
    }
    if (rc == 0) rc = value_members(h, v, &members, &n);
    for (uint32_t i = 0; rc == 0 && i < n; i++) {
        const struct member *m = &members[i];
        if (!value_has_member(h, gone, m->name, m->name_size, &found))
            rc = object_set(h, &left, m->name, m->name_size, m->value);
    }
    if (rc == 0) *ret = left;
    return rc;
}

static int delete_keys(struct heap *h, struct value v, const struct value *keys, uint32_t n, struct value *ret) {
    if (n == 0 || v.kind == VK_NULL) {
        *ret = v;
        return 0;
    }
    if (v.kind == VK_ARRAY) return delete_elements(h, v, keys, n, ret);
    if (v.kind == VK_OBJECT) return delete_members(h, v, keys, n, ret);
    return heap_throw(h, "Cannot delete fields from %s", value_type_name(v));
}

/* Sorted paths that share their first `level` keys, which led to v. */
struct paths {
    const struct value *keys;
    uint32_t n;
};

/* How many of the paths, the first one counted, go on with the same key. */
static int same_key(struct heap *h, const struct paths *paths, uint32_t n, uint32_t level, uint32_t *ret) {
    bool same = true;
    uint32_t i = 1;
    for (; i < n && same; i += same) {
        int rc = value_equal(h, paths[i].keys[level], paths[0].keys[level], &same);
        if (rc < 0) return rc;
    }
    *ret = i;
    return 0;
}

/* A path that ends comes first in the order, and those that go on below it say nothing more. */
static int delete_paths(struct heap *h, struct value v, const struct paths *paths, uint32_t n, uint32_t level,
                        struct value *ret) {
    struct value *gone = heap_alloc(h, n * sizeof(*gone));
    uint32_t count = 0, same;
    if (!gone) return G_NOMEM;
    for (uint32_t i = 0; i < n; i += same) {
        struct value key = paths[i].keys[level], inside;
        int rc = same_key(h, paths + i, n - i, level, &same);
        if (rc < 0) return rc;
        if (paths[i].n == level + 1) {
            gone[count++] = key;
            continue;
        }
        rc = value_index(h, v, key, &inside);
        if (rc == 0 && inside.kind != VK_NULL) {
            rc = delete_paths(h, inside, paths + i, same, level + 1, &inside);
            if (rc == 0) rc = value_set(h, v, key, inside, &v);
        }
        if (rc < 0) return rc;
    }
    return delete_keys(h, v, gone, count, ret);
}

int value_delete_paths(struct heap *h, struct value v, struct value list, struct value *ret) {
    const struct value *items;
    uint32_t n;
    if (list.kind != VK_ARRAY) return heap_throw(h, "Paths must be specified as an array");
    int rc = value_items(h, list, &items, &n);
    if (rc < 0) return rc;
    struct value *sorted = array_alloc(h, n);
    struct paths *paths = heap_alloc(h, n * sizeof(*paths) + 1);
    if (!sorted || !paths) return G_NOMEM;
    for (uint32_t i = 0; i < n; i++) {
        if (items[i].kind != VK_ARRAY)
            return heap_throw(h, "Path must be specified as array, not %s", value_type_name(items[i]));
        sorted[i] = items[i];
    }
    rc = n == 0 ? 0 : values_sort(h, sorted, n);
    for (uint32_t i = 0; i < n && rc == 0; i++) rc = path_keys(h, sorted[i], &paths[i].keys, &paths[i].n);
    if (rc < 0) return rc;
    if (n == 0 || paths[0].n == 0) {
        *ret = n == 0 ? v : value_null();
        return 0;
    }
    return delete_paths(h, v, paths, n, 0, ret);
}

/* ---- as functions ---- */

static int f_getpath(struct heap *h, const struct value *args, struct value *ret) {
    return value_get_path(h, args[0], args[1], ret);
}

static int f_setpath(struct heap *h, const struct value *args, struct value *ret) {
    return value_set_path(h, args[0], args[1], args[2], ret);
}

static int f_delpaths(struct heap *h, const struct value *args, struct value *ret) {
    return value_delete_paths(h, args[0], args[1], ret);
}

const struct func func_path[] = {
    {"delpaths", 1, true, f_delpaths},
    {"getpath", 1, true, f_getpath},
    {"setpath", 2, true, f_setpath},
    {NULL, 0, false, NULL},
};
