/* SPDX-License-Identifier: Apache-2.0 */
/* See value_index.h. */
#include "expr/value_index.h"

#include <math.h>
#include <string.h>

#include "expr/func.h"
#include "expr/func_text.h"

int value_index_name(struct heap *h, struct value v, const char *name, size_t n, struct value *ret) {
    if (v.kind == VK_OBJECT) return value_member(h, v, name, n, ret);
    if (v.kind == VK_NULL) {
        *ret = value_null();
        return 0;
    }
    return heap_throw(h, "Cannot index %s with string \"%.*s\"", value_type_name(v), n > 200 ? 200 : (int)n, name);
}

static int index_number(struct heap *h, struct value v, struct value key, struct value *ret) {
    int64_t i;
    double d;
    if (!value_number(key, &i, &d)) {
        d = floor(d);
        if (!(d > -4e18 && d < 4e18)) { /* also NaN */
            *ret = value_null();
            return 0;
        }
        i = (int64_t)d;
    }
    return value_element(h, v, i, ret);
}

static int index_slice(struct heap *h, struct value v, struct value key, struct value *ret) {
    struct value from, to;
    int g = value_member(h, key, "start", 5, &from);
    if (g == 0) g = value_member(h, key, "end", 3, &to);
    return g < 0 ? g : value_slice(h, v, from, to, ret);
}

int value_index(struct heap *h, struct value v, struct value key, struct value *ret) {
    const char *name;
    size_t n;
    if (key.kind == VK_STRING) {
        int g = value_string(h, key, &name, &n);
        return g < 0 ? g : value_index_name(h, v, name, n, ret);
    }
    if (key.kind == VK_OBJECT && (v.kind == VK_ARRAY || v.kind == VK_STRING || v.kind == VK_NULL))
        return index_slice(h, v, key, ret);
    if (v.kind == VK_NULL && key.kind == VK_NUMBER) {
        *ret = value_null();
        return 0;
    }
    if (v.kind == VK_ARRAY && key.kind == VK_NUMBER) return index_number(h, v, key, ret);
    if (v.kind == VK_ARRAY && key.kind == VK_ARRAY) {
        const struct value args[2] = {v, key};
        return func_find("_indices", 8, 1)->fn(h, args, ret);
    }
    return heap_throw(h, "Cannot index %s with %s", value_type_name(v), value_type_name(key));
}

int slice_bounds(struct heap *h, uint32_t length, struct value from, struct value to, uint32_t *ret_from,
                 uint32_t *ret_to) {
    if ((from.kind != VK_NULL && from.kind != VK_NUMBER) || (to.kind != VK_NULL && to.kind != VK_NUMBER))
        return heap_throw(h, "Start and end indices of an array slice must be numbers");
    double n = length;
    double a = from.kind == VK_NULL ? 0 : value_to_double(from);
    double b = to.kind == VK_NULL ? n : value_to_double(to);
    if (a < 0) a += n;
    if (b < 0) b += n;
    if (!(a > 0)) a = 0; /* NaN, too */
    if (a > n) a = n;
    if (isnan(b)) b = n;
    if (b > n) b = n;
    if (b < 0) b = 0;
    *ret_from = (uint32_t)a;
    *ret_to = (uint32_t)ceil(b);
    if (*ret_to < *ret_from) *ret_to = *ret_from;
    return 0;
}

static int slice_array(struct heap *h, struct value v, struct value from, struct value to, struct value *ret) {
    const struct value *items;
    uint32_t n, a, b;
    int g = value_items(h, v, &items, &n);
    if (g == 0) g = slice_bounds(h, n, from, to, &a, &b);
    if (g < 0) return g;
    struct value *copy = array_alloc(h, b - a);
    if (!copy) return G_NOMEM;
    if (b > a) memcpy(copy, items + a, (b - a) * sizeof *copy);
    *ret = value_array(copy, b - a);
    return 0;
}

static int slice_string(struct heap *h, struct value v, struct value from, struct value to, struct value *ret) {
    const char *p;
    size_t n;
    uint32_t a, b;
    int g = value_string(h, v, &p, &n);
    if (g == 0) g = slice_bounds(h, utf8_count(p, n), from, to, &a, &b);
    if (g < 0) return g;
    size_t start = utf8_offset(p, n, a);
    size_t end = start + utf8_offset(p + start, n - start, b - a);
    *ret = value_text(p + start, end - start);
    return 0;
}

int value_slice(struct heap *h, struct value v, struct value from, struct value to, struct value *ret) {
    if (v.kind == VK_NULL) {
        *ret = v;
        return 0;
    }
    if (v.kind == VK_ARRAY) return slice_array(h, v, from, to, ret);
    if (v.kind == VK_STRING) return slice_string(h, v, from, to, ret);
    return heap_throw(h, "Cannot index %s with object", value_type_name(v));
}
