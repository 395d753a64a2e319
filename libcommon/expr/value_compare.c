/* SPDX-License-Identifier: Apache-2.0 */
/*
 * jq's total order of values. Scalars are compared where they lie; arrays and objects entry by entry with a stack of
 * our own, so that deep ones cost memory of the heap and not the C stack. See value.h.
 */
#include <math.h>

#include "expr/value_impl.h"
#include "json/unescape.h"

/* ---- scalars ---- */

/* Exactly, without rounding the integer. */
static int int_to_double(int64_t i, double d) {
    if (isnan(d) || d < -0x1p63) return 1;
    if (d >= 0x1p63) return -1;
    int64_t whole = (int64_t)d;
    if (i != whole) return i < whole ? -1 : 1;
    double rest = d - (double)whole;
    return rest > 0 ? -1 : rest < 0;
}

static int number_compare(struct value a, struct value b) {
    int64_t i, j;
    double x, y;
    bool a_whole = value_number(a, &i, &x);
    bool b_whole = value_number(b, &j, &y);
    if (a_whole && b_whole) return i < j ? -1 : i > j;
    if (a_whole) return int_to_double(i, y);
    if (isnan(x)) return -1;
    if (b_whole) return -int_to_double(j, x);
    return x < y ? -1 : x != y;
}

/* The bytes of a string's content, one at a time. */
struct content {
    const char *p, *end;
    bool escaped;
    struct json_bytes bytes; /* where it is escaped */
};

static struct content content_of(struct value v) {
    if (v.form == VF_TEXT) return (struct content){.p = v.text, .end = v.n ? v.text + v.n : v.text};
    const char *p = v.text + 1;
    size_t n = v.n < 2 ? 0 : v.n - 2;
    return (struct content){.p = p, .end = p + n, .escaped = memchr(p, '\\', n) != NULL};
}

static int content_next(struct content *c) {
    if (c->escaped) return json_bytes_next(&c->bytes);
    return c->p < c->end ? (unsigned char)*c->p++ : -1;
}

static int string_compare(struct value a, struct value b) {
    if (raw_same(a, b)) return 0;
    struct content x = content_of(a), y = content_of(b);
    if (!x.escaped && !y.escaped) return bytes_compare(x.p, (size_t)(x.end - x.p), y.p, (size_t)(y.end - y.p));
    x.bytes = json_bytes_of(x.p, (size_t)(x.end - x.p));
    y.bytes = json_bytes_of(y.p, (size_t)(y.end - y.p));
    for (;;) {
        int c = content_next(&x), d = content_next(&y);
        if (c != d) return c < d ? -1 : 1;
        if (c < 0) return 0;
    }
}

/*
 * Equality needs less than order. The same bytes between the quotes are the same content, if they have no backslash or
 * both are escaped text; and unescaping makes text shorter, never longer.
 */
static bool string_equal(struct value a, struct value b) {
    if (a.form == b.form) {
        if (a.n == b.n && (a.n == 0 || memcmp(a.text, b.text, a.n) == 0)) return true;
        if (a.form == VF_TEXT) return false;
        return string_compare(a, b) == 0;
    }
    if (a.form == VF_TEXT) {
        struct value raw = b;
        b = a;
        a = raw;
    }
    if (a.n < (size_t)b.n + 2) return false;
    const char *inside = a.text + 1;
    if (!memchr(inside, '\\', a.n - 2)) return a.n - 2 == b.n && (b.n == 0 || memcmp(inside, b.text, b.n) == 0);
    return string_compare(a, b) == 0;
}

/* Is it decided without looking at entries? */
static inline bool compare_leaves(struct value a, struct value b, int *ret) {
    if (a.kind != b.kind) {
        *ret = a.kind < b.kind ? -1 : 1;
    } else if (a.kind == VK_NUMBER) {
        *ret = number_compare(a, b);
    } else if (a.kind == VK_STRING) {
        *ret = string_compare(a, b);
    } else if (a.kind <= VK_TRUE || raw_same(a, b)) {
        *ret = 0;
    } else {
        return false;
    }
    return true;
}

/* ---- arrays and objects ---- */

/* Two containers of one kind that are being compared. */
struct level {
    bool object;
    struct value_iter a, b;     /* arrays */
    const struct member *x, *y; /* objects, in order; their names are the same */
    uint32_t n, at;
};

enum { LEVELS_FIRST = 8 };

struct comparison {
    struct heap *heap;
    struct level *levels;
    uint32_t depth, cap;
    struct level first[LEVELS_FIRST];
};

/* The names of two objects, in order, compare as two arrays would. */
static int names_compare(const struct level *l, uint32_t a_n, uint32_t b_n) {
    for (uint32_t i = 0; i < a_n && i < b_n; i++) {
        int c = bytes_compare(l->x[i].name, l->x[i].name_size, l->y[i].name, l->y[i].name_size);
        if (c != 0) return c;
    }
    return a_n < b_n ? -1 : a_n > b_n;
}

/* Go into two containers; *ret says what the names of two objects decide. RAW_TOO_DEEP, G_NOMEM. */
static int level_enter(struct comparison *c, struct value a, struct value b, int *ret) {
    if (c->depth == VALUE_DEPTH_MAX) return RAW_TOO_DEEP;
    if (c->depth == c->cap) {
        struct level *more = heap_alloc(c->heap, c->cap * 2 * sizeof(*more));
        if (!more) return G_NOMEM;
        memcpy(more, c->levels, c->cap * sizeof(*more));
        c->levels = more;
        c->cap *= 2;
    }
    int rc = 0;
    if (c->depth >= RAW_LEVELS) {
        if (a.form == VF_RAW) rc = raw_tree(c->heap, a, &a);
        if (rc == 0 && b.form == VF_RAW) rc = raw_tree(c->heap, b, &b);
        if (rc != 0) return rc;
    }
    struct level *l = &c->levels[c->depth++];
    l->object = a.kind == VK_OBJECT;
    *ret = 0;
    if (!l->object) {
        value_iter_init(&l->a, a);
        value_iter_init(&l->b, b);
        return 0;
    }
    uint32_t a_n, b_n;
    rc = value_members_sorted(c->heap, a, &l->x, &a_n);
    if (rc == 0) rc = value_members_sorted(c->heap, b, &l->y, &b_n);
    if (rc < 0) return rc;
    l->n = a_n;
    l->at = 0;
    *ret = names_compare(l, a_n, b_n);
    return 0;
}

/* The next two entries: 1; else 0, and *ret says what the ends decide. */
static int level_next(struct heap *h, struct level *l, struct value *a, struct value *b, int *ret) {
    *ret = 0;
    if (l->object) {
        if (l->at == l->n) return 0;
        *a = l->x[l->at].value;
        *b = l->y[l->at++].value;
        return 1;
    }
    int more_a = value_iter_next(h, &l->a, NULL, a), more_b = value_iter_next(h, &l->b, NULL, b);
    if (more_a && more_b) return 1;
    *ret = more_a - more_b;
    return 0;
}

static int containers_compare(struct comparison *c, struct value a, struct value b, int *ret) {
    int rc = level_enter(c, a, b, ret);
    while (rc == 0 && *ret == 0 && c->depth > 0) {
        struct level *l = &c->levels[c->depth - 1];
        if (!level_next(c->heap, l, &a, &b, ret)) {
            c->depth--;
        } else if (!compare_leaves(a, b, ret)) {
            rc = level_enter(c, a, b, ret);
        }
    }
    return rc;
}

int value_compare(struct heap *h, struct value a, struct value b, int *ret) {
    if (compare_leaves(a, b, ret)) return 0;
    struct comparison c;
    c.heap = h;
    c.levels = c.first;
    c.depth = 0;
    c.cap = LEVELS_FIRST;
    struct heap_mark mark = heap_mark(h);
    int order;
    int rc = containers_compare(&c, a, b, &order);
    if (h->next != mark.next) heap_rewind(h, mark); /* else a text that grows in place may go on growing */
    if (rc == RAW_TOO_DEEP) return heap_throw(h, "too deeply nested to be compared");
    if (rc == 0) *ret = order;
    return rc;
}

int value_equal(struct heap *h, struct value a, struct value b, bool *ret) {
    int order;
    if (a.kind == VK_STRING && b.kind == VK_STRING) {
        *ret = string_equal(a, b);
        return 0;
    }
    int rc = value_compare(h, a, b, &order);
    if (rc == 0) *ret = order == 0;
    return rc;
}
