/* SPDX-License-Identifier: Apache-2.0 */
/* Strings that grow in the heap, and values as error texts name them. See func_text.h. */
#include "expr/func_text.h"

#include <stdio.h>

#include "base/utf8.h"

enum { TEXT_FIRST = 64, DESCRIBE_WHOLE = 14, DESCRIBE_CUT = 11 };

int text_reserve_slow(struct text *t, size_t more) {
    size_t need = t->n + more;
    if (need < more || need > UINT32_MAX) {
        t->heap->exhausted = true;
        return G_NOMEM;
    }
    size_t cap = t->cap < TEXT_FIRST ? TEXT_FIRST : t->cap * 2;
    if (cap < need) cap = need;
    char *p = heap_alloc(t->heap, cap);
    if (!p) return G_NOMEM;
    if (t->n) memcpy(p, t->p, t->n);
    t->p = p;
    t->cap = cap;
    return 0;
}

int text_append(struct text *t, const char *p, size_t n) {
    int rc = text_reserve(t, n);
    if (rc < 0) return rc;
    if (n) memcpy(t->p + t->n, p, n);
    t->n += n;
    return 0;
}

int text_puts(struct text *t, const char *s) {
    return text_append(t, s, strlen(s));
}

int text_append_bytes(struct text *t, const char *p, size_t n) {
    int rc = 0;
    while (n > 0 && rc == 0) {
        size_t good = utf8_validate(p, n);
        rc = text_append(t, p, good);
        if (good == n || rc < 0) break;
        rc = text_puts(t, "\xEF\xBF\xBD");
        p += good + 1;
        n -= good + 1;
    }
    return rc;
}

int text_append_json(struct text *t, struct value v) {
    struct buf out = {0};
    int rc = value_write_canonical(t->heap, v, false, &out);
    if (rc == 0) rc = text_append(t, out.data, out.len);
    buf_release(&out);
    return rc;
}

int value_to_string(struct heap *h, struct value v, struct value *ret) {
    if (v.kind == VK_STRING) {
        *ret = v;
        return 0;
    }
    struct text t = {.heap = h};
    int rc = text_append_json(&t, v);
    if (rc == 0) *ret = text_value(&t);
    return rc;
}

/* ---- code points ---- */

static bool is_continuation(char c) {
    return ((unsigned char)c & 0xC0) == 0x80;
}

size_t utf8_offset(const char *p, size_t n, uint64_t at) {
    size_t i = 0;
    for (; i < n; i++) {
        if (is_continuation(p[i])) continue;
        if (at-- == 0) break;
    }
    return i;
}

uint32_t utf8_count(const char *p, size_t n) {
    size_t count = n, i = 0;
    for (uint64_t eight; i + sizeof(eight) <= n; i += sizeof(eight)) {
        memcpy(&eight, p + i, sizeof(eight));
        /* Continuations have bit 7 set and bit 6 clear. */
        count -= (size_t)__builtin_popcountll(eight >> 7 & ~(eight >> 6) & 0x0101010101010101u);
    }
    for (; i < n; i++) count -= is_continuation(p[i]);
    return (uint32_t)count;
}

/* ---- errors ---- */

/* A prefix of a long string says as much as all of it. */
static int shorten(struct heap *h, struct value *v) {
    struct span s;
    if (v->kind != VK_STRING) return 0;
    int rc = span_of(h, *v, &s);
    if (rc == 0) *v = value_text(s.p, s.n > DESCRIBE_WHOLE + 4 ? utf8_validate(s.p, DESCRIBE_WHOLE + 4) : s.n);
    return rc;
}

int value_describe(struct heap *h, struct value v, char out[DESCRIBE_SIZE]) {
    struct buf text = {0};
    int rc = shorten(h, &v);
    if (rc == 0) rc = value_write_canonical(h, v, false, &text);
    if (rc == 0) {
        bool cut = text.len > DESCRIBE_WHOLE;
        int shown = (int)(cut ? utf8_validate(text.data, DESCRIBE_CUT) : text.len);
        snprintf(out, DESCRIBE_SIZE, "%s (%.*s%s)", value_type_name(v), shown, text.data, cut ? "..." : "");
    }
    buf_release(&text);
    return rc;
}

int throw_about(struct heap *h, struct value v, const char *what) {
    char described[DESCRIBE_SIZE];
    int rc = value_describe(h, v, described);
    return rc < 0 ? rc : heap_throw(h, "%s %s", described, what);
}

int throw_about_two(struct heap *h, struct value a, struct value b, const char *what) {
    char described[2][DESCRIBE_SIZE];
    int rc = value_describe(h, a, described[0]);
    if (rc == 0) rc = value_describe(h, b, described[1]);
    return rc < 0 ? rc : heap_throw(h, "%s and %s %s", described[0], described[1], what);
}

int throw_not_iterable(struct heap *h, struct value v) {
    char described[DESCRIBE_SIZE];
    int rc = value_describe(h, v, described);
    return rc < 0 ? rc : heap_throw(h, "Cannot iterate over %s", described);
}
