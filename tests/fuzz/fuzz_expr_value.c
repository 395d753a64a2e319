/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Property: a value of an expression means the same as text and built. Two texts, parted by a byte that no JSON text
 * has, are compared and written in both forms, under a limit on memory that the first byte chooses; the canonical text
 * reads back as an equal value with the same canonical text. Bytes that are not JSON meet the same functions as if a
 * block had claimed that they were: wrong answers, but no read outside the text and no endless loop.
 */
#include "expr/heap.h"
#include "input.h"

enum { DEPTH = 300 };

static struct value nothing_left(bool *failed) {
    *failed = true;
    return value_null();
}

/* The value built from its parts; *failed when the limit on memory was reached, or it is too deep for this. */
static struct value built(struct heap *h, struct value v, unsigned depth, bool *failed) {
    if (*failed || depth == DEPTH) return nothing_left(failed);
    if (v.kind == VK_NUMBER) {
        int64_t i;
        double d;
        return value_number(v, &i, &d) ? value_int(i) : value_double(d);
    }
    struct value ret = v, x;
    if (v.kind == VK_STRING) {
        const char *p;
        size_t n;
        if (value_string(h, v, &p, &n) < 0) return nothing_left(failed);
        REQUIRE(n <= v.n);
        return value_text(p, n);
    }
    uint32_t n, seen = 0;
    if (v.kind == VK_ARRAY) {
        const struct value *items;
        if (value_items(h, v, &items, &n) < 0) return nothing_left(failed);
        ret = value_array(NULL, 0);
        for (; seen < n; seen++) {
            if (value_element(h, v, seen, &x) < 0) return nothing_left(failed);
            REQUIRE(x.kind == items[seen].kind && x.n == items[seen].n && (x.n == 0 || x.text == items[seen].text));
            if (array_append(h, &ret, built(h, x, depth + 1, failed)) < 0) return nothing_left(failed);
        }
    } else if (v.kind == VK_OBJECT) {
        const struct member *m;
        if (value_members(h, v, &m, &n) < 0) return nothing_left(failed);
        ret = value_object();
        for (; seen < n; seen++) {
            REQUIRE(value_has_member(h, v, m[seen].name, m[seen].name_size, &x));
            struct value member = built(h, m[seen].value, depth + 1, failed);
            if (object_set(h, &ret, m[seen].name, m[seen].name_size, member) < 0) return nothing_left(failed);
        }
        REQUIRE(ret.n == n);
    }
    return ret;
}

/* Built values give long integers up for doubles. */
static bool has_long_integer(const uint8_t *p, size_t n) {
    size_t run = 0;
    for (size_t i = 0; i < n; i++) {
        run = p[i] >= '0' && p[i] <= '9' ? run + 1 : 0;
        if (run >= 19) return true;
    }
    return false;
}

/* The value's text in the heap; false when memory or depth failed. */
static bool spelled(struct heap *h, struct value v, bool sorted, struct value *ret) {
    struct buf b = {0};
    int rc = value_write_canonical(h, v, sorted, &b);
    REQUIRE(rc == 0 || b.len == 0);
    if (rc == 0) rc = value_copy_text(h, b.data, b.len, ret);
    buf_release(&b);
    return rc == 0;
}

static void same_text(struct value a, struct value b) {
    REQUIRE(a.n == b.n && memcmp(a.text, b.text, a.n) == 0);
}

static void written(struct heap *h, struct value raw, struct value made, bool exact) {
    for (int sorted = 0; sorted < 2; sorted++) {
        struct value text, other, again;
        if (!spelled(h, raw, sorted, &text)) continue;
        if (exact && spelled(h, made, sorted, &other)) same_text(text, other);
        int rc = value_parse(h, text.text, text.n, &again);
        REQUIRE(rc == 0 || rc == G_NOMEM);
        if (rc == 0 && spelled(h, again, sorted, &other)) same_text(text, other);
    }
}

static void compared(struct heap *h, struct value a, struct value b, struct value a_made, struct value b_made) {
    int c, d;
    if (value_compare(h, a, b, &c) < 0) return;
    if (value_compare(h, b, a, &d) == 0) REQUIRE(c == -d);
    if (value_compare(h, a_made, b, &d) == 0) REQUIRE(c == d);
    if (value_compare(h, a, b_made, &d) == 0) REQUIRE(c == d);
    if (value_compare(h, a_made, b_made, &d) == 0) REQUIRE(c == d);
    if (value_compare(h, a, a_made, &d) == 0) REQUIRE(d == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct input in = {data, size};
    unsigned limit = input_byte(&in);
    struct heap h;
    heap_init(&h, limit < 0xF0 ? (size_t)64 << 20 : (size_t)(limit - 0xEF) * 512);
    const uint8_t *cut = in.n ? memchr(in.p, 0xFF, in.n) : NULL;
    size_t first = cut ? (size_t)(cut - in.p) : in.n;
    const uint8_t *rest = cut ? cut + 1 : in.p + in.n;
    size_t sizes[2] = {first, in.n - (size_t)(rest - in.p)};
    char *texts[2] = {exact_copy(in.p, sizes[0]), exact_copy(rest, sizes[1])};
    struct value raw[2], made[2];
    bool good = true, whole = true;
    for (int i = 0; i < 2; i++) {
        bool failed = false;
        if (value_parse(&h, texts[i], sizes[i], &raw[i]) < 0) {
            good = false;
            raw[i] = value_raw(texts[i], sizes[i]);
        }
        made[i] = built(&h, raw[i], 0, &failed);
        if (failed) whole = false;
    }
    if (good && whole) {
        for (int i = 0; i < 2; i++)
            written(&h, raw[i], made[i], !has_long_integer((const uint8_t *)texts[i], sizes[i]));
        compared(&h, raw[0], raw[1], made[0], made[1]);
    } else {
        struct buf b = {0};
        int c;
        for (int i = 0; i < 2; i++) {
            (void)!value_write_canonical(&h, raw[i], i, &b);
            (void)!value_write_canonical(&h, made[i], i, &b);
        }
        (void)!value_compare(&h, raw[0], raw[1], &c);
        (void)!value_compare(&h, raw[0], made[1], &c);
        buf_release(&b);
    }
    heap_release(&h);
    free(texts[0]);
    free(texts[1]);
    return 0;
}
