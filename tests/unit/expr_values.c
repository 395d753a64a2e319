/* SPDX-License-Identifier: Apache-2.0 */
/* See expr_values.h. */
#include "expr_values.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/mman.h>

#include <cmocka.h>

enum { PAGE = 4096, EDGES_MAX = 4096 };

static struct {
    char *base;
    size_t size;
} edges[EDGES_MAX];
static size_t edges_n;

const char *edge_copy(const char *text, size_t n) {
    size_t size = (n + PAGE - 1) / PAGE * PAGE + PAGE;
    assert_true(edges_n < EDGES_MAX);
    char *base = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_true(base != MAP_FAILED);
    assert_int_equal(mprotect(base + size - PAGE, PAGE, PROT_NONE), 0);
    char *copy = base + size - PAGE - n;
    memcpy(copy, text, n);
    edges[edges_n].base = base;
    edges[edges_n++].size = size;
    return copy;
}

void edge_release(void) {
    while (edges_n > 0) {
        edges_n--;
        munmap(edges[edges_n].base, edges[edges_n].size);
    }
}

struct value edge_raw(const char *text) {
    size_t n = strlen(text);
    return value_raw(edge_copy(text, n), n);
}

struct value value_built(struct heap *h, struct value v) {
    if (v.kind == VK_NUMBER) {
        int64_t i;
        double d;
        return value_number(v, &i, &d) ? value_int(i) : value_double(d);
    }
    if (v.kind == VK_STRING) {
        const char *p;
        size_t n;
        assert_int_equal(value_string(h, v, &p, &n), 0);
        return value_text(p, n);
    }
    if (v.kind == VK_ARRAY) {
        const struct value *items;
        uint32_t n;
        assert_int_equal(value_items(h, v, &items, &n), 0);
        struct value *built = array_alloc(h, n);
        assert_non_null(built);
        for (uint32_t i = 0; i < n; i++) built[i] = value_built(h, items[i]);
        return value_array(built, n);
    }
    if (v.kind != VK_OBJECT) return v;
    const struct member *m;
    uint32_t n;
    struct value built = value_object();
    assert_int_equal(value_members(h, v, &m, &n), 0);
    for (uint32_t i = 0; i < n; i++) {
        struct value x = value_built(h, m[i].value);
        assert_int_equal(object_set(h, &built, m[i].name, m[i].name_size, x), 0);
    }
    return built;
}

const char *value_spelled(struct heap *h, struct value v, enum spelling how) {
    struct buf b = {0};
    assert_int_equal(how == PLAIN ? value_write(h, v, &b) : value_write_canonical(h, v, how == SORTED, &b), 0);
    char *text = heap_alloc(h, b.len + 1);
    assert_non_null(text);
    memcpy(text, b.data, b.len);
    text[b.len] = '\0';
    buf_release(&b);
    return text;
}

void assert_thrown(const struct heap *h, const char *text) {
    assert_int_equal(h->thrown.form, VF_TEXT);
    char copy[700];
    assert_true(h->thrown.n < sizeof(copy));
    memcpy(copy, h->thrown.text, h->thrown.n);
    copy[h->thrown.n] = '\0';
    assert_string_equal(copy, text);
}
