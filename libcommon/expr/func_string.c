/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Functions on strings: cutting, joining, searching, case, code points. Positions are counted in code points. Semantics
 * and error texts are jq's. In the table of func.h; formats such as @csv are in func_format.c.
 */
#include <math.h>

#include "base/utf8.h"
#include "expr/func.h"
#include "expr/func_arith.h"
#include "expr/value_index.h"

static const char *span_find(struct span s, struct span part) {
    return s.n < part.n || s.n == 0 ? NULL : memmem(s.p, s.n, part.p, part.n);
}

/* ---- split, join ---- */

static int split_characters(struct heap *h, struct span s, struct value *ret) {
    uint32_t n = utf8_count(s.p, s.n);
    struct value *items = array_alloc(h, n);
    if (!items) return G_NOMEM;
    for (uint32_t i = 0; i < n; i++) {
        size_t size = utf8_offset(s.p, s.n, 1);
        items[i] = value_text(s.p, size);
        s.p += size;
        s.n -= size;
    }
    *ret = value_array(items, n);
    return 0;
}

int string_split(struct heap *h, struct span s, struct span separator, struct value *ret) {
    struct value list = value_array(NULL, 0);
    if (s.n > 0 && separator.n == 0) return split_characters(h, s, ret);
    int rc = 0;
    for (bool more = s.n > 0; more && rc == 0;) {
        const char *found = span_find(s, separator);
        more = found != NULL;
        size_t size = more ? (size_t)(found - s.p) : s.n;
        rc = array_append(h, &list, value_text(s.p, size));
        if (more) {
            s.p += size + separator.n;
            s.n -= size + separator.n;
        }
    }
    if (rc == 0) *ret = list;
    return rc;
}

static int f_split(struct heap *h, const struct value *args, struct value *ret) {
    struct span s, separator;
    if (args[0].kind != VK_STRING || args[1].kind != VK_STRING)
        return heap_throw(h, "split input and separator must be strings");
    int rc = span_of(h, args[0], &s);
    if (rc == 0) rc = span_of(h, args[1], &separator);
    return rc < 0 ? rc : string_split(h, s, separator, ret);
}

/* Strings as they are, numbers and booleans as JSON, null as nothing. */
static int join_one(struct text *t, struct value v) {
    struct span s;
    if (v.kind == VK_NULL) return 0;
    if (v.kind >= VK_ARRAY) return throw_about_two(t->heap, text_value(t), v, "cannot be added");
    if (v.kind != VK_STRING) return text_append_json(t, v);
    int rc = span_of(t->heap, v, &s);
    return rc < 0 ? rc : text_append(t, s.p, s.n);
}

static int f_join(struct heap *h, const struct value *args, struct value *ret) {
    struct text t = {.heap = h};
    struct span separator = {0};
    struct value_iter it;
    struct value name, v;
    if (args[0].kind < VK_ARRAY) return throw_not_iterable(h, args[0]);
    int rc = args[1].kind == VK_STRING ? span_of(h, args[1], &separator) : 0;
    if (rc < 0) return rc;
    value_iter_init(&it, args[0]);
    for (bool first = true; (rc = value_iter_next(h, &it, &name, &v)) > 0; first = false) {
        if (!first && args[1].kind != VK_STRING && args[1].kind != VK_NULL)
            return throw_about_two(h, text_value(&t), args[1], "cannot be added");
        rc = first ? 0 : text_append(&t, separator.p, separator.n);
        if (rc == 0) rc = join_one(&t, v);
        if (rc < 0) return rc;
    }
    if (rc == 0) *ret = text_value(&t);
    return rc;
}

/* ---- beginnings and ends ---- */

static int ends_of(struct heap *h, const struct value *args, struct span *s, struct span *part, bool *ret_strings) {
    *ret_strings = args[0].kind == VK_STRING && args[1].kind == VK_STRING;
    if (!*ret_strings) return 0;
    int rc = span_of(h, args[0], s);
    return rc < 0 ? rc : span_of(h, args[1], part);
}

static int f_startswith(struct heap *h, const struct value *args, struct value *ret) {
    struct span s, part;
    bool strings;
    int rc = ends_of(h, args, &s, &part, &strings);
    if (rc == 0 && !strings) return heap_throw(h, "startswith() requires string inputs");
    if (rc == 0) *ret = value_bool(span_begins(s, part));
    return rc;
}

static int f_endswith(struct heap *h, const struct value *args, struct value *ret) {
    struct span s, part;
    bool strings;
    int rc = ends_of(h, args, &s, &part, &strings);
    if (rc == 0 && !strings) return heap_throw(h, "endswith() requires string inputs");
    if (rc == 0) *ret = value_bool(span_ends(s, part));
    return rc;
}

/* What is no string stays as it is. */
static int trim_part(struct heap *h, const struct value *args, bool left, bool right, struct value *ret) {
    struct span s, part;
    bool strings;
    int rc = ends_of(h, args, &s, &part, &strings);
    if (rc < 0) return rc;
    bool begins = strings && left && span_begins(s, part);
    if (begins) s.p += part.n, s.n -= part.n;
    bool ends = strings && right && span_ends(s, part);
    if (ends) s.n -= part.n;
    *ret = begins || ends ? value_text(s.p, s.n) : args[0];
    return 0;
}

static int f_ltrimstr(struct heap *h, const struct value *args, struct value *ret) {
    return trim_part(h, args, true, false, ret);
}

static int f_rtrimstr(struct heap *h, const struct value *args, struct value *ret) {
    return trim_part(h, args, false, true, ret);
}

static int f_trimstr(struct heap *h, const struct value *args, struct value *ret) {
    return trim_part(h, args, true, true, ret);
}

/* Unicode's White_Space. */
static bool is_white(uint32_t cp) {
    return (cp >= 9 && cp <= 13) || cp == ' ' || cp == 0x85 || cp == 0xA0 || cp == 0x1680 ||
           (cp >= 0x2000 && cp <= 0x200A) || cp == 0x2028 || cp == 0x2029 || cp == 0x202F || cp == 0x205F ||
           cp == 0x3000;
}

static int trim_white(struct heap *h, struct value v, bool left, bool right, struct value *ret) {
    struct span s;
    uint32_t cp;
    if (v.kind != VK_STRING) return heap_throw(h, "trim input must be a string");
    int rc = span_of(h, v, &s);
    if (rc < 0) return rc;
    while (left && s.n > 0) {
        unsigned size = utf8_decode(s.p, s.n, &cp);
        if (size == 0 || !is_white(cp)) break;
        s.p += size;
        s.n -= size;
    }
    while (right && s.n > 0) {
        size_t at = s.n - 1;
        while (at > 0 && ((unsigned char)s.p[at] & 0xC0) == 0x80) at--;
        unsigned size = utf8_decode(s.p + at, s.n - at, &cp);
        if (size != s.n - at || !is_white(cp)) break;
        s.n = at;
    }
    *ret = value_text(s.p, s.n);
    return 0;
}

static int f_trim(struct heap *h, const struct value *args, struct value *ret) {
    return trim_white(h, args[0], true, true, ret);
}

static int f_ltrim(struct heap *h, const struct value *args, struct value *ret) {
    return trim_white(h, args[0], true, false, ret);
}

static int f_rtrim(struct heap *h, const struct value *args, struct value *ret) {
    return trim_white(h, args[0], false, true, ret);
}

/* ---- searching ---- */

/* Each place where `part` begins, in code points; places may overlap. */
static int string_indices(struct heap *h, struct span s, struct span part, struct value *ret) {
    struct value list = value_array(NULL, 0);
    uint32_t at = 0;
    int rc = 0;
    const char *found;
    while (part.n > 0 && rc == 0 && (found = span_find(s, part)) != NULL) {
        size_t skip = (size_t)(found - s.p);
        at += utf8_count(s.p, skip);
        rc = array_append(h, &list, value_int(at++));
        skip += utf8_offset(found, s.n - skip, 1);
        s.p += skip;
        s.n -= skip;
    }
    if (rc == 0) *ret = list;
    return rc;
}

static int array_indices(struct heap *h, struct value v, struct value part, struct value *ret) {
    const struct value *items, *wanted = &part;
    uint32_t n, m = 1;
    struct value list = value_array(NULL, 0);
    int rc = value_items(h, v, &items, &n);
    if (rc == 0 && part.kind == VK_ARRAY) rc = value_items(h, part, &wanted, &m);
    for (uint32_t i = 0; rc == 0 && m > 0 && m <= n && i <= n - m; i++) {
        bool same = true;
        for (uint32_t j = 0; j < m && same && rc == 0; j++) rc = value_equal(h, items[i + j], wanted[j], &same);
        if (rc == 0 && same) rc = array_append(h, &list, value_int(i));
    }
    if (rc == 0) *ret = list;
    return rc;
}

static int f_indices(struct heap *h, const struct value *args, struct value *ret) {
    struct span s, part;
    struct value v = args[0], wanted = args[1];
    if (v.kind == VK_NULL) {
        *ret = value_null();
        return 0;
    }
    if (v.kind == VK_ARRAY) return array_indices(h, v, wanted, ret);
    if (v.kind != VK_STRING || wanted.kind != VK_STRING) return value_index(h, v, wanted, ret);
    int rc = span_of(h, v, &s);
    if (rc == 0) rc = span_of(h, wanted, &part);
    return rc < 0 ? rc : string_indices(h, s, part, ret);
}

static int index_at(struct heap *h, const struct value *args, int64_t which, struct value *ret) {
    struct value list;
    int rc = f_indices(h, args, &list);
    if (rc == 0 && list.kind == VK_ARRAY) return value_element(h, list, which, ret);
    if (rc == 0) *ret = value_null();
    return rc;
}

static int f_index(struct heap *h, const struct value *args, struct value *ret) {
    return index_at(h, args, 0, ret);
}

static int f_rindex(struct heap *h, const struct value *args, struct value *ret) {
    return index_at(h, args, -1, ret);
}

/* ---- characters ---- */

static int change_case(struct heap *h, struct value v, const char *name, char first, char last, struct value *ret) {
    struct span s;
    if (v.kind != VK_STRING) return heap_throw(h, "%s input must be a string", name);
    int rc = span_of(h, v, &s);
    if (rc < 0) return rc;
    char *p = heap_alloc(h, s.n);
    if (!p) return G_NOMEM;
    for (size_t i = 0; i < s.n; i++) p[i] = s.p[i] >= first && s.p[i] <= last ? (char)(s.p[i] ^ 0x20) : s.p[i];
    *ret = value_text(p, s.n);
    return 0;
}

static int f_ascii_downcase(struct heap *h, const struct value *args, struct value *ret) {
    return change_case(h, args[0], "ascii_downcase", 'A', 'Z', ret);
}

static int f_ascii_upcase(struct heap *h, const struct value *args, struct value *ret) {
    return change_case(h, args[0], "ascii_upcase", 'a', 'z', ret);
}

static int f_explode(struct heap *h, const struct value *args, struct value *ret) {
    struct span s;
    if (args[0].kind != VK_STRING) return heap_throw(h, "explode input must be a string");
    int rc = span_of(h, args[0], &s);
    if (rc < 0) return rc;
    uint32_t n = 0;
    struct value *items = array_alloc(h, (uint32_t)s.n);
    if (!items) return G_NOMEM;
    while (s.n > 0) {
        uint32_t cp = 0xFFFD;
        unsigned size = utf8_decode(s.p, s.n, &cp);
        if (size == 0) size = 1;
        items[n++] = value_int(cp);
        s.p += size;
        s.n -= size;
    }
    *ret = value_array(items, n);
    return 0;
}

/* Numbers that are no characters become U+FFFD. */
static int append_code_point(struct text *t, struct value v) {
    char utf8[4];
    if (v.kind != VK_NUMBER || isnan(value_to_double(v)))
        return throw_about(t->heap, v, "can't be imploded, unicode codepoint needs to be numeric");
    int64_t cp = number_to_int(number_of(v));
    if (cp < 0 || cp > 0x10FFFF || (cp >= 0xD800 && cp < 0xE000)) cp = 0xFFFD;
    return text_append(t, utf8, utf8_encode((uint32_t)cp, utf8));
}

static int f_implode(struct heap *h, const struct value *args, struct value *ret) {
    struct text t = {.heap = h};
    const struct value *items;
    uint32_t n;
    if (args[0].kind != VK_ARRAY) return heap_throw(h, "implode input must be an array");
    int rc = value_items(h, args[0], &items, &n);
    for (uint32_t i = 0; rc == 0 && i < n; i++) rc = append_code_point(&t, items[i]);
    if (rc == 0) *ret = text_value(&t);
    return rc;
}

static int f_ascii(struct heap *h, const struct value *args, struct value *ret) {
    struct text t = {.heap = h};
    int rc = append_code_point(&t, args[0]);
    if (rc == 0) *ret = text_value(&t);
    return rc;
}

const struct func func_string[] = {
    {"_indices", 1, true, f_indices},
    {"ascii", 0, true, f_ascii},
    {"ascii_downcase", 0, true, f_ascii_downcase},
    {"ascii_upcase", 0, true, f_ascii_upcase},
    {"endswith", 1, true, f_endswith},
    {"explode", 0, true, f_explode},
    {"implode", 0, true, f_implode},
    {"index", 1, true, f_index},
    {"indices", 1, true, f_indices},
    {"join", 1, true, f_join},
    {"ltrim", 0, true, f_ltrim},
    {"ltrimstr", 1, true, f_ltrimstr},
    {"rindex", 1, true, f_rindex},
    {"rtrim", 0, true, f_rtrim},
    {"rtrimstr", 1, true, f_rtrimstr},
    {"split", 1, true, f_split},
    {"startswith", 1, true, f_startswith},
    {"trim", 0, true, f_trim},
    {"trimstr", 1, true, f_trimstr},
    {NULL, 0, false, NULL},
};
