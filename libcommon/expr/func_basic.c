/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Functions on values of any type: length, type, has, contains, add, conversions. Semantics and error texts are jq's.
 * In the table of func.h.
 */
#include <math.h>

#include "base/utf8.h"
#include "expr/func.h"
#include "expr/func_arith.h"

/* ---- what it is ---- */

static int f_not(struct heap *h, const struct value *args, struct value *ret) {
    (void)h;
    *ret = value_bool(!value_truthy(args[0]));
    return 0;
}

static int f_type(struct heap *h, const struct value *args, struct value *ret) {
    (void)h;
    const char *name = value_type_name(args[0]);
    *ret = value_text(name, strlen(name));
    return 0;
}

static int length_of_number(struct value v, struct value *ret) {
    struct number n = number_of(v);
    if (n.whole && n.i >= 0) {
        *ret = v;
    } else {
        *ret = n.whole && n.i != INT64_MIN ? value_int(-n.i) : value_double(fabs(n.d));
    }
    return 0;
}

static int f_length(struct heap *h, const struct value *args, struct value *ret) {
    struct value v = args[0];
    struct span s;
    uint32_t n = 0;
    int rc = 0;
    switch (v.kind) {
    case VK_NULL: break;
    case VK_NUMBER: return length_of_number(v, ret);
    case VK_STRING:
        rc = span_of(h, v, &s);
        if (rc == 0) n = utf8_count(s.p, s.n);
        break;
    case VK_ARRAY:
    case VK_OBJECT: rc = value_count(h, v, &n); break;
    default: return throw_about(h, v, "has no length");
    }
    if (rc == 0) *ret = value_int(n);
    return rc;
}

static int f_utf8bytelength(struct heap *h, const struct value *args, struct value *ret) {
    struct span s;
    if (args[0].kind != VK_STRING) return throw_about(h, args[0], "only strings have UTF-8 byte length");
    int rc = span_of(h, args[0], &s);
    if (rc == 0) *ret = value_int((int64_t)s.n);
    return rc;
}

/* ---- has, contains ---- */

static int has_index(struct heap *h, struct value array, struct value index, struct value *ret) {
    uint32_t n;
    int rc = value_count(h, array, &n);
    double at = value_to_double(index);
    if (rc == 0) *ret = value_bool(at > -1 && at < (double)n);
    return rc;
}

static int f_has(struct heap *h, const struct value *args, struct value *ret) {
    struct value v = args[0], key = args[1], found;
    struct span name;
    if (v.kind == VK_ARRAY && key.kind == VK_NUMBER) return has_index(h, v, key, ret);
    if (key.kind != VK_STRING || (v.kind != VK_OBJECT && v.kind != VK_NULL)) {
        if (v.kind == VK_NULL && key.kind == VK_NUMBER) {
            *ret = value_bool(false);
            return 0;
        }
        return heap_throw(h, "Cannot check whether %s has a %s key", value_type_name(v), value_type_name(key));
    }
    int rc = span_of(h, key, &name);
    if (rc == 0) *ret = value_bool(v.kind == VK_OBJECT && value_has_member(h, v, name.p, name.n, &found));
    return rc;
}

static int contains(struct heap *h, struct value a, struct value b, uint32_t depth, bool *ret);

/* Each element of b in some element of a. */
static int contains_items(struct heap *h, struct value a, struct value b, uint32_t depth, bool *ret) {
    const struct value *in, *items;
    uint32_t n, m;
    int rc = value_items(h, a, &in, &n);
    if (rc == 0) rc = value_items(h, b, &items, &m);
    if (rc < 0) return rc;
    bool all = true;
    for (uint32_t i = 0; i < m && all && rc == 0; i++) {
        bool any = false;
        for (uint32_t j = 0; j < n && !any && rc == 0; j++) rc = contains(h, in[j], items[i], depth, &any);
        all = any;
    }
    *ret = all;
    return rc;
}

static int contains_members(struct heap *h, struct value a, struct value b, uint32_t depth, bool *ret) {
    const struct member *members;
    uint32_t n;
    int rc = value_members(h, b, &members, &n);
    bool all = true;
    for (uint32_t i = 0; rc == 0 && all && i < n; i++) {
        struct value v;
        all = value_has_member(h, a, members[i].name, members[i].name_size, &v);
        if (all) rc = contains(h, v, members[i].value, depth, &all);
    }
    *ret = all;
    return rc;
}

/* Inside of containers values of different types just differ. */
static int contains(struct heap *h, struct value a, struct value b, uint32_t depth, bool *ret) {
    if (depth > VALUE_DEPTH_MAX) return heap_throw(h, "Containment check too deep");
    if (a.kind != b.kind) {
        *ret = false;
        return 0;
    }
    if (a.kind == VK_ARRAY) return contains_items(h, a, b, depth + 1, ret);
    if (a.kind == VK_OBJECT) return contains_members(h, a, b, depth + 1, ret);
    if (a.kind != VK_STRING) return value_equal(h, a, b, ret);
    struct span s, part;
    int rc = span_of(h, a, &s);
    if (rc == 0) rc = span_of(h, b, &part);
    if (rc == 0) *ret = part.n == 0 || (s.n >= part.n && memmem(s.p, s.n, part.p, part.n) != NULL);
    return rc;
}

static int f_contains(struct heap *h, const struct value *args, struct value *ret) {
    struct value a = args[0], b = args[1];
    if (a.kind != b.kind) return throw_about_two(h, a, b, "cannot have their containment checked");
    bool is;
    int rc = contains(h, a, b, 0, &is);
    if (rc == 0) *ret = value_bool(is);
    return rc;
}

/* ---- add, any, all ---- */

static bool is_iterable(struct value v) {
    return v.kind >= VK_ARRAY;
}

/* The sum so far; a string is collected in `text` as long as strings come. */
struct sum {
    struct value value;
    struct text text;
    bool is_text;
};

static int sum_add(struct heap *h, struct sum *sum, struct value v) {
    struct span s;
    if (sum->is_text && v.kind == VK_STRING) {
        int rc = span_of(h, v, &s);
        return rc < 0 ? rc : text_append(&sum->text, s.p, s.n);
    }
    if (sum->is_text) {
        sum->value = text_value(&sum->text);
        sum->is_text = false;
    }
    if (sum->value.kind == VK_STRING && v.kind == VK_STRING) {
        sum->text = (struct text){.heap = h};
        sum->is_text = true;
        int rc = span_of(h, sum->value, &s);
        if (rc == 0) rc = text_append(&sum->text, s.p, s.n);
        return rc < 0 ? rc : sum_add(h, sum, v);
    }
    return value_add(h, sum->value, v, &sum->value);
}

static int f_add(struct heap *h, const struct value *args, struct value *ret) {
    struct value_iter it;
    struct value name, v;
    struct sum sum = {.value = value_null()};
    int rc;
    if (!is_iterable(args[0])) return throw_not_iterable(h, args[0]);
    value_iter_init(&it, args[0]);
    while ((rc = value_iter_next(h, &it, &name, &v)) > 0) {
        rc = sum_add(h, &sum, v);
        if (rc < 0) return rc;
    }
    if (rc == 0) *ret = sum.is_text ? text_value(&sum.text) : sum.value;
    return rc;
}

/* Is there an element that is as truthy as asked for? */
static int find_truthy(struct heap *h, struct value of, bool truthy, bool *ret) {
    struct value_iter it;
    struct value name, v;
    int rc;
    if (!is_iterable(of)) return throw_not_iterable(h, of);
    value_iter_init(&it, of);
    while ((rc = value_iter_next(h, &it, &name, &v)) > 0) {
        if (value_truthy(v) == truthy) break;
    }
    *ret = rc > 0;
    return rc < 0 ? rc : 0;
}

static int f_any(struct heap *h, const struct value *args, struct value *ret) {
    bool found;
    int rc = find_truthy(h, args[0], true, &found);
    if (rc == 0) *ret = value_bool(found);
    return rc;
}

static int f_all(struct heap *h, const struct value *args, struct value *ret) {
    bool found;
    int rc = find_truthy(h, args[0], false, &found);
    if (rc == 0) *ret = value_bool(!found);
    return rc;
}

/* ---- conversions ---- */

static int f_tostring(struct heap *h, const struct value *args, struct value *ret) {
    return value_to_string(h, args[0], ret);
}

static int f_tojson(struct heap *h, const struct value *args, struct value *ret) {
    struct text t = {.heap = h};
    int rc = text_append_json(&t, args[0]);
    if (rc == 0) *ret = text_value(&t);
    return rc;
}

static int f_fromjson(struct heap *h, const struct value *args, struct value *ret) {
    struct value copy;
    struct span s;
    if (args[0].kind != VK_STRING) return throw_about(h, args[0], "only strings can be parsed");
    int rc = span_of(h, args[0], &s);
    if (rc == 0 && s.n == 3 && memcmp(s.p, "nan", 3) == 0) {
        *ret = value_double(NAN);
        return 0;
    }
    if (rc == 0) rc = value_copy_text(h, s.p, s.n, &copy); /* what is parsed points into it */
    return rc < 0 ? rc : value_parse(h, copy.text, copy.n, ret);
}

static const char *skip_digits(const char *p, const char *end) {
    while (p < end && *p >= '0' && *p <= '9') p++;
    return p;
}

/*
 * A number as jq reads it, which is more than JSON: +1, 01, .5, 5. too. It becomes RAW text, so that all its digits
 * are kept. false when it is none.
 */
static int read_number(struct heap *h, struct span s, bool *ret_is, struct value *ret) {
    const char *p = s.p, *end = s.p + s.n;
    bool negative = p < end && *p == '-';
    if (p < end && (*p == '-' || *p == '+')) p++;
    const char *digits = p, *dot = skip_digits(p, end);
    const char *fraction = dot < end && *dot == '.' ? dot + 1 : dot, *behind = skip_digits(fraction, end);
    *ret_is = dot > digits || behind > fraction;
    const char *exponent = behind;
    if (behind < end && (*behind | 0x20) == 'e') {
        exponent = behind + 1;
        if (exponent < end && (*exponent == '-' || *exponent == '+')) exponent++;
        const char *after = skip_digits(exponent, end);
        if (after == exponent) *ret_is = false;
        exponent = after;
    }
    if (exponent != end || !*ret_is) {
        *ret_is = false;
        return 0;
    }
    while (digits + 1 < dot && *digits == '0') digits++;
    struct text t = {.heap = h};
    int rc = negative ? text_putc(&t, '-') : 0;
    if (rc == 0) rc = dot > digits ? text_append(&t, digits, (size_t)(dot - digits)) : text_putc(&t, '0');
    if (rc == 0 && behind > fraction) rc = text_append(&t, fraction - 1, (size_t)(behind - fraction) + 1);
    if (rc == 0) rc = text_append(&t, behind, (size_t)(end - behind));
    if (rc == 0) *ret = value_raw(t.p, t.n);
    return rc;
}

static bool is_space(char c) {
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static int f_tonumber(struct heap *h, const struct value *args, struct value *ret) {
    struct value v = args[0];
    if (v.kind == VK_NUMBER) {
        *ret = v;
        return 0;
    }
    if (v.kind != VK_STRING) return throw_about(h, v, "cannot be parsed as a number");
    struct span s;
    bool is;
    int rc = span_of(h, v, &s);
    if (rc < 0) return rc;
    while (s.n > 0 && is_space(s.p[0])) s.p++, s.n--;
    while (s.n > 0 && is_space(s.p[s.n - 1])) s.n--;
    if (s.n == 3 && memcmp(s.p, "nan", 3) == 0) {
        *ret = value_double(NAN);
        return 0;
    }
    rc = read_number(h, s, &is, ret);
    return rc == 0 && !is ? throw_about(h, v, "cannot be parsed as a number") : rc;
}

static int f_toboolean(struct heap *h, const struct value *args, struct value *ret) {
    struct value v = args[0];
    struct span s;
    if (v.kind == VK_FALSE || v.kind == VK_TRUE) {
        *ret = v;
        return 0;
    }
    if (v.kind == VK_STRING) {
        int rc = span_of(h, v, &s);
        if (rc < 0) return rc;
        bool is_true = s.n == 4 && memcmp(s.p, "true", 4) == 0;
        if (is_true || (s.n == 5 && memcmp(s.p, "false", 5) == 0)) {
            *ret = value_bool(is_true);
            return 0;
        }
    }
    return throw_about(h, v, "cannot be parsed as a boolean");
}

static int f_toarray(struct heap *h, const struct value *args, struct value *ret) {
    if (args[0].kind == VK_ARRAY) {
        *ret = args[0];
        return 0;
    }
    struct value *items = array_alloc(h, 1);
    if (!items) return G_NOMEM;
    items[0] = args[0];
    *ret = value_array(items, 1);
    return 0;
}

const struct func func_basic[] = {
    {"add", 0, true, f_add},
    {"all", 0, true, f_all},
    {"any", 0, true, f_any},
    {"contains", 1, true, f_contains},
    {"fromjson", 0, true, f_fromjson},
    {"has", 1, true, f_has},
    {"length", 0, true, f_length},
    {"not", 0, true, f_not},
    {"toarray", 0, true, f_toarray},
    {"toboolean", 0, true, f_toboolean},
    {"tojson", 0, true, f_tojson},
    {"tonumber", 0, true, f_tonumber},
    {"tostring", 0, true, f_tostring},
    {"type", 0, true, f_type},
    {"utf8bytelength", 0, true, f_utf8bytelength},
    {NULL, 0, false, NULL},
};
