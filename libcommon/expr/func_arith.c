/* SPDX-License-Identifier: Apache-2.0 */
/* The operators on everything but two numbers, and those that are too large to be inline. See func_arith.h. */
#include "expr/func_arith.h"

#include <math.h>
#include <string.h>

enum { SUBTRACT_PAIRWISE = 16, SHORT_TEXT = 64 };

/* ---- + ---- */

/* The string that + made last has room behind it, so that adding to it again and again takes linear time. What is
 * behind the end of older versions was never theirs. */
static int add_strings(struct heap *h, struct value a, struct value b, struct value *ret) {
    struct span x, y;
    int rc = span_of(h, a, &x);
    if (rc == 0) rc = span_of(h, b, &y);
    if (rc < 0) return rc;
    if (x.n == 0 || y.n == 0) {
        *ret = x.n == 0 ? b : a;
        return 0;
    }
    size_t n = x.n + y.n;
    if (n > UINT32_MAX) return heap_throw(h, "string is too long");
    if (x.p + x.n != h->text_end || y.n > (size_t)(h->text_cap - h->text_end)) {
        size_t room = n < SHORT_TEXT ? n : 2 * n;
        char *p = heap_alloc(h, room);
        if (!p) return G_NOMEM;
        memcpy(p, x.p, x.n);
        x.p = p;
        h->text_end = p + x.n;
        h->text_cap = p + room;
    }
    memcpy(h->text_end, y.p, y.n);
    h->text_end += y.n;
    *ret = value_text(x.p, n);
    return 0;
}

static int add_arrays(struct heap *h, struct value a, struct value b, struct value *ret) {
    struct value_iter it;
    struct value name, item;
    int rc;
    value_iter_init(&it, b);
    while ((rc = value_iter_next(h, &it, &name, &item)) > 0) {
        rc = array_append(h, &a, item);
        if (rc < 0) return rc;
    }
    if (rc == 0) *ret = a;
    return rc;
}

static int add_objects(struct heap *h, struct value a, struct value b, struct value *ret) {
    const struct member *members;
    uint32_t n;
    int rc = value_members(h, b, &members, &n);
    for (uint32_t i = 0; rc == 0 && i < n; i++)
        rc = object_set(h, &a, members[i].name, members[i].name_size, members[i].value);
    if (rc == 0) *ret = a;
    return rc;
}

int value_add_other(struct heap *h, struct value a, struct value b, struct value *ret) {
    if (a.kind == VK_NULL || b.kind == VK_NULL) {
        *ret = a.kind == VK_NULL ? b : a;
        return 0;
    }
    if (a.kind == b.kind && a.kind == VK_STRING) return add_strings(h, a, b, ret);
    if (a.kind == b.kind && a.kind == VK_ARRAY) return add_arrays(h, a, b, ret);
    if (a.kind == b.kind && a.kind == VK_OBJECT) return add_objects(h, a, b, ret);
    return throw_about_two(h, a, b, "cannot be added");
}

/* ---- - ---- */

/* Is v among the sorted ones (few of them: among any)? */
static int is_among(struct heap *h, const struct value *sorted, uint32_t n, struct value v, bool *ret) {
    bool equal = false;
    int rc = 0;
    if (n <= SUBTRACT_PAIRWISE) {
        for (uint32_t i = 0; i < n && !equal && rc == 0; i++) rc = value_equal(h, sorted[i], v, &equal);
    } else {
        uint32_t from = 0, to = n;
        while (from < to && rc == 0) {
            uint32_t middle = from + (to - from) / 2;
            int order;
            rc = value_compare(h, sorted[middle], v, &order);
            if (rc == 0 && order < 0) from = middle + 1;
            if (rc == 0 && order >= 0) to = middle;
        }
        if (rc == 0 && from < n) rc = value_equal(h, sorted[from], v, &equal);
    }
    *ret = equal;
    return rc;
}

static int subtract_arrays(struct heap *h, struct value a, struct value b, struct value *ret) {
    const struct value *from, *without;
    uint32_t n, m;
    int rc = value_items(h, a, &from, &n);
    if (rc == 0) rc = value_items(h, b, &without, &m);
    if (rc < 0) return rc;
    if (m > SUBTRACT_PAIRWISE) {
        struct value *sorted = array_alloc(h, m);
        if (!sorted) return G_NOMEM;
        memcpy(sorted, without, m * sizeof(*sorted));
        rc = values_sort(h, sorted, m);
        if (rc < 0) return rc;
        without = sorted;
    }
    struct value left = value_array(NULL, 0);
    for (uint32_t i = 0; i < n; i++) {
        bool gone;
        rc = is_among(h, without, m, from[i], &gone);
        if (rc == 0 && !gone) rc = array_append(h, &left, from[i]);
        if (rc < 0) return rc;
    }
    *ret = left;
    return 0;
}

int value_subtract_other(struct heap *h, struct value a, struct value b, struct value *ret) {
    if (a.kind == VK_ARRAY && b.kind == VK_ARRAY) return subtract_arrays(h, a, b, ret);
    return throw_about_two(h, a, b, "cannot be subtracted");
}

/* ---- * ---- */

static int repeat_string(struct heap *h, struct value string, struct value times, struct value *ret) {
    double n = value_to_double(times);
    if (!(n > 0)) {
        *ret = value_null();
        return 0;
    }
    struct span s;
    int rc = span_of(h, string, &s);
    if (rc < 0) return rc;
    uint64_t count = n < 1 ? 1 : (uint64_t)double_to_int(n);
    size_t size;
    if (s.n == 0 || count == 1) {
        *ret = string;
        return 0;
    }
    if (__builtin_mul_overflow(count, s.n, &size) || size > INT32_MAX)
        return heap_throw(h, "Repeat string result too long");
    struct text t = {.heap = h};
    rc = text_reserve(&t, size);
    for (uint64_t i = 0; i < count && rc == 0; i++) rc = text_append(&t, s.p, s.n);
    if (rc == 0) *ret = text_value(&t);
    return rc;
}

static int merge(struct heap *h, struct value a, struct value b, uint32_t depth, struct value *ret) {
    const struct member *members;
    uint32_t n;
    if (depth > VALUE_DEPTH_MAX) return heap_throw(h, "Object merge too deep");
    int rc = value_members(h, b, &members, &n);
    for (uint32_t i = 0; rc == 0 && i < n; i++) {
        struct value v = members[i].value, old;
        if (v.kind == VK_OBJECT && value_has_member(h, a, members[i].name, members[i].name_size, &old) &&
            old.kind == VK_OBJECT)
            rc = merge(h, old, v, depth + 1, &v);
        if (rc == 0) rc = object_set(h, &a, members[i].name, members[i].name_size, v);
    }
    if (rc == 0) *ret = a;
    return rc;
}

int value_multiply_other(struct heap *h, struct value a, struct value b, struct value *ret) {
    if (a.kind == VK_STRING && b.kind == VK_NUMBER) return repeat_string(h, a, b, ret);
    if (a.kind == VK_NUMBER && b.kind == VK_STRING) return repeat_string(h, b, a, ret);
    if (a.kind == VK_OBJECT && b.kind == VK_OBJECT) return merge(h, a, b, 0, ret);
    return throw_about_two(h, a, b, "cannot be multiplied");
}

/* ---- / % and the sign ---- */

int value_divide(struct heap *h, struct value a, struct value b, struct value *ret) {
    if (a.kind == VK_STRING && b.kind == VK_STRING) {
        struct span s, separator;
        int rc = span_of(h, a, &s);
        if (rc == 0) rc = span_of(h, b, &separator);
        return rc < 0 ? rc : string_split(h, s, separator, ret);
    }
    if (!value_two_numbers(a, b)) return throw_about_two(h, a, b, "cannot be divided");
    struct number x = number_of(a), y = number_of(b);
    if (y.d == 0) return throw_about_two(h, a, b, "cannot be divided because the divisor is zero");
    bool evenly = x.whole && y.whole && (y.i != -1 || x.i != INT64_MIN) && x.i % y.i == 0;
    *ret = evenly ? value_int(x.i / y.i) : value_double(x.d / y.d);
    return 0;
}

int value_modulo(struct heap *h, struct value a, struct value b, struct value *ret) {
    if (!value_two_numbers(a, b)) return throw_about_two(h, a, b, "cannot be divided (remainder)");
    struct number x = number_of(a), y = number_of(b);
    if (isnan(x.d) || isnan(y.d)) {
        *ret = value_double(NAN);
        return 0;
    }
    int64_t dividend = number_to_int(x), divisor = number_to_int(y);
    if (divisor == 0) return throw_about_two(h, a, b, "cannot be divided (remainder) because the divisor is zero");
    *ret = value_int(divisor == -1 ? 0 : dividend % divisor);
    return 0;
}

int value_negate(struct heap *h, struct value a, struct value *ret) {
    if (a.kind != VK_NUMBER) return throw_about(h, a, "cannot be negated");
    struct number x = number_of(a);
    *ret = x.whole && x.i != INT64_MIN ? value_int(-x.i) : value_double(-x.d);
    return 0;
}
