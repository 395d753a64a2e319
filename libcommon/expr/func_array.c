/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Functions on arrays: sort and its relatives, reverse, flatten, transpose, bsearch. The _by functions take an array
 * of keys, one per element of the input. Semantics and error texts are jq's. In the table of func.h.
 */
#include "expr/func.h"
#include "expr/func_text.h"

/* ---- the sort ---- */

enum { INSERTION_MAX = 8 };

struct entry {
    struct value key, with;
};

/* Strings are unescaped and numbers read once and not at each comparison. */
static int prepare_key(struct heap *h, struct value *key) {
    if (key->form != VF_RAW) return 0;
    if (key->kind == VK_NUMBER) {
        int64_t i = 0;
        double d = 0;
        *key = value_number(*key, &i, &d) ? value_int(i) : value_double(d);
    } else if (key->kind == VK_STRING) {
        struct span s;
        int rc = span_of(h, *key, &s);
        if (rc < 0) return rc;
        *key = value_text(s.p, s.n);
    }
    return 0;
}

/* Arrays of one element compare like that element; sort_by makes one for each key. */
static int unwrap_keys(struct heap *h, struct entry *entries, uint32_t n) {
    for (uint32_t i = 0; i < n; i++)
        if (entries[i].key.kind != VK_ARRAY || entries[i].key.form != VF_ARRAY || entries[i].key.n != 1) return 0;
    for (uint32_t i = 0; i < n; i++) {
        entries[i].key = entries[i].key.items[0];
        int rc = prepare_key(h, &entries[i].key);
        if (rc < 0) return rc;
    }
    return 0;
}

static int insertion_sort(struct heap *h, struct entry *e, uint32_t n) {
    for (uint32_t i = 1; i < n; i++) {
        struct entry moving = e[i];
        uint32_t to = i;
        for (; to > 0; to--) {
            int order;
            int rc = value_compare(h, e[to - 1].key, moving.key, &order);
            if (rc < 0) return rc;
            if (order <= 0) break;
            e[to] = e[to - 1];
        }
        e[to] = moving;
    }
    return 0;
}

static int merge_runs(struct heap *h, struct entry *e, uint32_t middle, uint32_t n, struct entry *scratch) {
    memcpy(scratch, e, middle * sizeof(*e));
    uint32_t left = 0, right = middle, to = 0;
    while (left < middle && right < n) {
        int order;
        int rc = value_compare(h, scratch[left].key, e[right].key, &order);
        if (rc < 0) return rc;
        e[to++] = order <= 0 ? scratch[left++] : e[right++];
    }
    memcpy(e + to, scratch + left, (middle - left) * sizeof(*e));
    return 0;
}

static int merge_sort(struct heap *h, struct entry *e, uint32_t n, struct entry *scratch) {
    if (n <= INSERTION_MAX) return insertion_sort(h, e, n);
    uint32_t middle = n / 2;
    int rc = merge_sort(h, e, middle, scratch);
    if (rc == 0) rc = merge_sort(h, e + middle, n - middle, scratch);
    return rc < 0 ? rc : merge_runs(h, e, middle, n, scratch);
}

/* The elements with their keys, sorted by key, in memory of their own. */
static int sorted_entries(struct heap *h, const struct value *keys, const struct value *with, uint32_t n,
                          struct entry **ret) {
    struct entry *e = heap_alloc(h, (size_t)n * sizeof(*e));
    struct entry *scratch = heap_alloc(h, (size_t)(n / 2 + 1) * sizeof(*e));
    if (!e || !scratch) return G_NOMEM;
    for (uint32_t i = 0; i < n; i++) {
        e[i] = (struct entry){keys[i], with[i]};
        int rc = prepare_key(h, &e[i].key);
        if (rc < 0) return rc;
    }
    int rc = unwrap_keys(h, e, n);
    if (rc == 0) rc = merge_sort(h, e, n, scratch);
    if (rc == 0) *ret = e;
    return rc;
}

int values_sort(struct heap *h, struct value *values, uint32_t n) {
    struct entry *e;
    int rc = sorted_entries(h, values, values, n, &e);
    for (uint32_t i = 0; rc == 0 && i < n; i++) values[i] = e[i].with;
    return rc;
}

/* ---- sort, group, unique, min, max ---- */

struct keyed {
    const struct value *items, *keys;
    uint32_t n;
};

static int keyed_of(struct heap *h, struct value v, struct value keys, const char *no_arrays, const char *wrong_length,
                    struct keyed *ret) {
    uint32_t n;
    if (v.kind != VK_ARRAY || keys.kind != VK_ARRAY) return throw_about_two(h, v, keys, no_arrays);
    int rc = value_items(h, v, &ret->items, &ret->n);
    if (rc == 0) rc = value_items(h, keys, &ret->keys, &n);
    if (rc == 0 && n != ret->n) rc = throw_about_two(h, v, keys, wrong_length);
    return rc;
}

static const char not_sortable[] = "cannot be sorted, as they are not both arrays";

static int sort_by(struct heap *h, struct value v, struct value keys, struct value *ret) {
    struct keyed k;
    struct entry *e;
    int rc = keyed_of(h, v, keys, not_sortable, not_sortable, &k);
    if (rc == 0) rc = sorted_entries(h, k.keys, k.items, k.n, &e);
    if (rc < 0) return rc;
    struct value *items = array_alloc(h, k.n);
    if (!items) return G_NOMEM;
    for (uint32_t i = 0; i < k.n; i++) items[i] = e[i].with;
    *ret = value_array(items, k.n);
    return 0;
}

static int f_sort(struct heap *h, const struct value *args, struct value *ret) {
    if (args[0].kind != VK_ARRAY) return throw_about(h, args[0], "cannot be sorted, as it is not an array");
    return sort_by(h, args[0], args[0], ret);
}

static int f_sort_by(struct heap *h, const struct value *args, struct value *ret) {
    return sort_by(h, args[0], args[1], ret);
}

/* One array for each run of equal keys; or only the first of each. */
static int group_by(struct heap *h, struct value v, struct value keys, bool first_only, struct value *ret) {
    struct keyed k;
    struct entry *e;
    struct value groups = value_array(NULL, 0);
    int rc = keyed_of(h, v, keys, not_sortable, not_sortable, &k);
    if (rc == 0) rc = sorted_entries(h, k.keys, k.items, k.n, &e);
    for (uint32_t from = 0, to; rc == 0 && from < k.n; from = to) {
        int order = 0;
        for (to = from + 1; to < k.n; to++) {
            rc = value_compare(h, e[from].key, e[to].key, &order);
            if (rc < 0) return rc;
            if (order != 0) break;
        }
        struct value group = e[from].with;
        if (!first_only) {
            struct value *items = array_alloc(h, to - from);
            if (!items) return G_NOMEM;
            for (uint32_t i = from; i < to; i++) items[i - from] = e[i].with;
            group = value_array(items, to - from);
        }
        rc = array_append(h, &groups, group);
    }
    if (rc == 0) *ret = groups;
    return rc;
}

static int f_group_by(struct heap *h, const struct value *args, struct value *ret) {
    return group_by(h, args[0], args[1], false, ret);
}

static int f_unique_by(struct heap *h, const struct value *args, struct value *ret) {
    return group_by(h, args[0], args[1], true, ret);
}

static int f_unique(struct heap *h, const struct value *args, struct value *ret) {
    if (args[0].kind < VK_ARRAY) return throw_not_iterable(h, args[0]);
    return group_by(h, args[0], args[0], true, ret);
}

/* The first of the smallest, the last of the largest; null of none. */
static int extreme_by(struct heap *h, struct value v, struct value keys, bool max, struct value *ret) {
    struct keyed k;
    uint32_t best = 0;
    int rc = keyed_of(h, v, keys, "cannot be iterated over", "have wrong length", &k);
    for (uint32_t i = 1; rc == 0 && i < k.n; i++) {
        int order;
        rc = value_compare(h, k.keys[i], k.keys[best], &order);
        if (rc == 0 && (order < 0) != max) best = i;
    }
    if (rc == 0) *ret = k.n > 0 ? k.items[best] : value_null();
    return rc;
}

static int f_min(struct heap *h, const struct value *args, struct value *ret) {
    return extreme_by(h, args[0], args[0], false, ret);
}

static int f_max(struct heap *h, const struct value *args, struct value *ret) {
    return extreme_by(h, args[0], args[0], true, ret);
}

static int f_min_by(struct heap *h, const struct value *args, struct value *ret) {
    return extreme_by(h, args[0], args[1], false, ret);
}

static int f_max_by(struct heap *h, const struct value *args, struct value *ret) {
    return extreme_by(h, args[0], args[1], true, ret);
}

/* Where it is in a sorted array; else -1 - where it would be. */
static int f_bsearch(struct heap *h, const struct value *args, struct value *ret) {
    const struct value *items;
    uint32_t from = 0, to;
    if (args[0].kind != VK_ARRAY) return throw_about(h, args[0], "cannot be searched from");
    int rc = value_items(h, args[0], &items, &to);
    while (rc == 0 && from < to) {
        uint32_t middle = from + (to - from) / 2;
        int order;
        rc = value_compare(h, items[middle], args[1], &order);
        if (rc == 0 && order == 0) {
            *ret = value_int(middle);
            return 0;
        }
        if (rc == 0 && order < 0) from = middle + 1;
        if (rc == 0 && order > 0) to = middle;
    }
    if (rc == 0) *ret = value_int(-1 - (int64_t)from);
    return rc;
}

/* ---- other orders and shapes ---- */

static int reverse_string(struct heap *h, struct value v, struct value *ret) {
    struct span s;
    int rc = span_of(h, v, &s);
    if (rc < 0) return rc;
    char *p = heap_alloc(h, s.n + 1);
    if (!p) return G_NOMEM;
    for (size_t from = 0, to; from < s.n; from = to) {
        to = from + 1;
        while (to < s.n && ((unsigned char)s.p[to] & 0xC0) == 0x80) to++;
        memcpy(p + (s.n - to), s.p + from, to - from);
    }
    *ret = value_text(p, s.n);
    return 0;
}

static int f_reverse(struct heap *h, const struct value *args, struct value *ret) {
    struct value v = args[0];
    const struct value *from;
    uint32_t n = 0;
    int rc = 0;
    if (v.kind == VK_STRING) return reverse_string(h, v, ret);
    if (v.kind == VK_OBJECT) rc = value_count(h, v, &n);
    if (rc < 0) return rc;
    if (v.kind == VK_NULL || (v.kind == VK_OBJECT && n == 0)) {
        *ret = value_array(NULL, 0);
        return 0;
    }
    if (v.kind == VK_FALSE || v.kind == VK_TRUE) return throw_about(h, v, "has no length");
    if (v.kind != VK_ARRAY) return heap_throw(h, "Cannot index %s with number", value_type_name(v));
    rc = value_items(h, v, &from, &n);
    if (rc < 0) return rc;
    struct value *to = array_alloc(h, n);
    if (!to) return G_NOMEM;
    for (uint32_t i = 0; i < n; i++) to[i] = from[n - 1 - i];
    *ret = value_array(to, n);
    return 0;
}

static int flatten_into(struct heap *h, struct value v, double depth, uint32_t level, struct value *to) {
    struct value_iter it;
    struct value name, item;
    int rc;
    if (level > VALUE_DEPTH_MAX) return heap_throw(h, "Flatten too deep");
    value_iter_init(&it, v);
    while ((rc = value_iter_next(h, &it, &name, &item)) > 0) {
        rc = item.kind == VK_ARRAY && depth > 0 ? flatten_into(h, item, depth - 1, level + 1, to)
                                                : array_append(h, to, item);
        if (rc < 0) return rc;
    }
    return rc;
}

static int flatten_arrays(struct heap *h, struct value v, double depth, struct value *ret) {
    struct value flat = value_array(NULL, 0);
    if (v.kind < VK_ARRAY) return throw_not_iterable(h, v);
    int rc = flatten_into(h, v, depth, 0, &flat);
    if (rc == 0) *ret = flat;
    return rc;
}

static int f_flatten(struct heap *h, const struct value *args, struct value *ret) {
    return flatten_arrays(h, args[0], 1e9, ret);
}

static int f_flatten_to(struct heap *h, const struct value *args, struct value *ret) {
    if (args[1].kind == VK_STRING && args[0].kind == VK_OBJECT) return object_flatten(h, args[0], args[1], ret);
    if (args[1].kind != VK_NUMBER) return throw_about_two(h, args[1], value_int(1), "cannot be subtracted");
    double depth = value_to_double(args[1]);
    if (depth < 0) return heap_throw(h, "flatten depth must not be negative");
    return flatten_arrays(h, args[0], depth, ret);
}

static int f_transpose(struct heap *h, const struct value *args, struct value *ret) {
    const struct value *rows;
    uint32_t n, width = 0, count;
    if (args[0].kind < VK_ARRAY) return throw_not_iterable(h, args[0]);
    if (args[0].kind == VK_OBJECT) return heap_throw(h, "Cannot index object with number");
    int rc = value_items(h, args[0], &rows, &n);
    for (uint32_t i = 0; rc == 0 && i < n; i++) {
        if (rows[i].kind == VK_NULL) continue;
        if (rows[i].kind != VK_ARRAY) return heap_throw(h, "Cannot index %s with number", value_type_name(rows[i]));
        rc = value_count(h, rows[i], &count);
        if (rc == 0 && count > width) width = count;
    }
    if (rc < 0) return rc;
    struct value *columns = array_alloc(h, width);
    struct value **cells = heap_alloc(h, width * sizeof(*cells) + 1);
    if (!columns || !cells) return G_NOMEM;
    for (uint32_t i = 0; i < width; i++) {
        cells[i] = array_alloc(h, n);
        if (!cells[i]) return G_NOMEM;
        columns[i] = value_array(cells[i], n);
    }
    for (uint32_t i = 0; i < n; i++) {
        const struct value *row;
        count = 0;
        rc = rows[i].kind == VK_NULL ? 0 : value_items(h, rows[i], &row, &count);
        if (rc < 0) return rc;
        for (uint32_t j = 0; j < width; j++) cells[j][i] = j < count ? row[j] : value_null();
    }
    *ret = value_array(columns, width);
    return 0;
}

const struct func func_array[] = {
    {"_group_by", 1, true, f_group_by},
    {"_max_by", 1, true, f_max_by},
    {"_min_by", 1, true, f_min_by},
    {"_sort_by", 1, true, f_sort_by},
    {"_unique_by", 1, true, f_unique_by},
    {"bsearch", 1, true, f_bsearch},
    {"flatten", 0, true, f_flatten},
    {"flatten", 1, true, f_flatten_to},
    {"max", 0, true, f_max},
    {"min", 0, true, f_min},
    {"reverse", 0, true, f_reverse},
    {"sort", 0, true, f_sort},
    {"transpose", 0, true, f_transpose},
    {"unique", 0, true, f_unique},
    {NULL, 0, false, NULL},
};
