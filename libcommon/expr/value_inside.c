/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Looking inside arrays and objects: entries one by one, all of them, one by name or index. RAW ones are stepped
 * through as text, from the front, and never further than needed. See value.h.
 */
#include <stdlib.h>

#include "expr/value_impl.h"
#include "json/unescape.h"

/* How many entries of RAW text are collected on the C stack before memory is taken. */
enum { ITEMS_FIRST = 32, MEMBERS_FIRST = 16 };

/* ---- arrays ---- */

/* Twice the room; the array's content so far is copied. */
static struct value *items_grow(struct heap *h, const struct value *items, uint32_t n) {
    if (n > UINT32_MAX / 2) {
        h->exhausted = true;
        return NULL;
    }
    struct value *more = array_alloc(h, n * 2);
    if (more) memcpy(more, items, n * sizeof(*more));
    return more;
}

int value_items(struct heap *h, struct value v, const struct value **ret, uint32_t *ret_n) {
    if (v.form != VF_RAW) {
        *ret = v.items;
        *ret_n = v.n;
        return 0;
    }
    struct value first[ITEMS_FIRST], *items = first;
    uint32_t n = 0, cap = ITEMS_FIRST;
    struct raw_entry e;
    const char *p = v.text + 1, *end = v.text + v.n;
    while ((p = raw_next(p, end, false, &e))) {
        if (n == cap) {
            items = items_grow(h, items, cap);
            if (!items) return G_NOMEM;
            cap *= 2;
        }
        items[n++] = e.value;
    }
    if (items == first) {
        items = array_alloc(h, n);
        if (!items) return G_NOMEM;
        memcpy(items, first, n * sizeof(*items));
    } else {
        array_head_of(items)->used = n;
    }
    *ret = items;
    *ret_n = n;
    return 0;
}

/* ---- objects ---- */

int raw_member(struct heap *h, const struct raw_entry *e, struct member *ret) {
    const char *name = e->name;
    size_t size = e->name_size;
    if (e->name_escaped && value_string_raw(h, name - 1, size + 2, &name, &size) < 0) return G_NOMEM;
    *ret = (struct member){.name = name, .name_size = (uint32_t)size, .value = e->value};
    return 0;
}

/* Take out the members whose name came before; the last value counts, at the place of the first. For few members. */
static uint32_t members_unique(struct member *m, uint32_t n) {
    uint32_t kept = 0;
    for (uint32_t i = 0; i < n; i++) {
        uint32_t j = 0;
        while (j < kept && !name_is(&m[j], m[i].name, m[i].name_size)) j++;
        if (j < kept) {
            m[j].value = m[i].value;
        } else {
            m[kept++] = m[i];
        }
    }
    return kept;
}

/* The rest of a large object, behind the n members collected so far: into an object, which knows its names. */
static int members_many(struct heap *h, const struct member *first, uint32_t n, const char *p, const char *end,
                        const struct member **ret, uint32_t *ret_n) {
    struct value object;
    if (object_alloc(h, n * 4, &object) < 0) return G_NOMEM;
    for (uint32_t i = 0; i < n; i++) {
        if (object_put(h, &object, &first[i], true) < 0) return G_NOMEM;
    }
    struct raw_entry e;
    while ((p = raw_next(p, end, true, &e))) {
        struct member m;
        if (raw_member(h, &e, &m) < 0 || object_put(h, &object, &m, true) < 0) return G_NOMEM;
    }
    *ret = object.object->members;
    *ret_n = object.n;
    return 0;
}

int value_members(struct heap *h, struct value v, const struct member **ret, uint32_t *ret_n) {
    if (v.form != VF_RAW) {
        *ret = v.object ? v.object->members : NULL;
        *ret_n = v.n;
        return 0;
    }
    struct member first[MEMBERS_FIRST];
    uint32_t n = 0;
    struct raw_entry e;
    const char *p = v.text + 1, *end = v.text + v.n;
    while ((p = raw_next(p, end, true, &e))) {
        if (raw_member(h, &e, &first[n]) < 0) return G_NOMEM;
        if (++n == MEMBERS_FIRST) return members_many(h, first, n, p, end, ret, ret_n);
    }
    n = members_unique(first, n);
    struct member *m = heap_alloc(h, n * sizeof(*m));
    if (!m) return G_NOMEM;
    memcpy(m, first, n * sizeof(*m));
    *ret = m;
    *ret_n = n;
    return 0;
}

static int member_compare(const void *a, const void *b) {
    const struct member *x = a, *y = b;
    return bytes_compare(x->name, x->name_size, y->name, y->name_size);
}

int value_members_sorted(struct heap *h, struct value v, const struct member **ret, uint32_t *ret_n) {
    const struct member *m;
    uint32_t n, ordered = 1;
    if (value_members(h, v, &m, &n) < 0) return G_NOMEM;
    while (ordered < n && member_compare(&m[ordered - 1], &m[ordered]) < 0) ordered++;
    if (ordered < n) {
        struct member *copy = heap_alloc(h, n * sizeof(*copy));
        if (!copy) return G_NOMEM;
        memcpy(copy, m, n * sizeof(*copy));
        if (n <= 16) {
            for (uint32_t i = ordered; i < n; i++) {
                struct member x = copy[i];
                uint32_t j = i;
                for (; j > 0 && member_compare(&x, &copy[j - 1]) < 0; j--) copy[j] = copy[j - 1];
                copy[j] = x;
            }
        } else {
            qsort(copy, n, sizeof(*copy), member_compare);
        }
        m = copy;
    }
    *ret = m;
    *ret_n = n;
    return 0;
}

/* ---- one entry ---- */

bool value_has_member(struct heap *h, struct value v, const char *name, size_t n, struct value *ret) {
    (void)h;
    if (v.form != VF_RAW) {
        uint32_t at = v.object ? object_find(v.object, v.n, name, n) : UINT32_MAX;
        if (at == UINT32_MAX) return false;
        *ret = v.object->members[at].value;
        return true;
    }
    const char *p = v.text + 1, *end = v.text + v.n;
    while ((p = raw_begin(p, end))) {
        struct raw_entry e;
        p = raw_name(p, end, &e);
        if (!p) return false;
        bool same = e.name_escaped ? json_raw_is(e.name, e.name_size, name, n)
                                   : e.name_size == n && memcmp(e.name, name, n) == 0;
        p = raw_value(p, end, &e.value);
        if (!p) return false;
        if (same) {
            *ret = e.value;
            return true;
        }
    }
    return false;
}

int value_member(struct heap *h, struct value v, const char *name, size_t n, struct value *ret) {
    if (!value_has_member(h, v, name, n, ret)) *ret = value_null();
    return 0;
}

static uint32_t raw_count(struct value v) {
    struct raw_entry e;
    uint32_t n = 0;
    const char *p = v.text + 1, *end = v.text + v.n;
    while ((p = raw_next(p, end, v.kind == VK_OBJECT, &e))) n++;
    return n;
}

int value_count(struct heap *h, struct value v, uint32_t *ret) {
    (void)h;
    *ret = v.form == VF_RAW ? raw_count(v) : v.n;
    return 0;
}

int value_element(struct heap *h, struct value v, int64_t index, struct value *ret) {
    (void)h;
    if (index < 0) {
        index += v.form == VF_RAW ? raw_count(v) : v.n;
        if (index < 0) {
            *ret = value_null();
            return 0;
        }
    }
    if (v.form != VF_RAW) {
        *ret = index < v.n ? v.items[index] : value_null();
        return 0;
    }
    struct raw_entry e;
    const char *p = v.text + 1, *end = v.text + v.n;
    while ((p = raw_next(p, end, false, &e)) && index > 0) index--;
    *ret = p ? e.value : value_null();
    return 0;
}

/* ---- all entries ---- */

void value_iter_init(struct value_iter *it, struct value v) {
    *it = (struct value_iter){.of = v};
    if (v.form == VF_RAW) {
        it->p = v.text + 1;
        it->end = v.text + v.n;
    }
}

int value_iter_next(struct heap *h, struct value_iter *it, struct value *ret_name, struct value *ret) {
    (void)h;
    bool object = it->of.kind == VK_OBJECT;
    if (it->of.form == VF_RAW) {
        struct raw_entry e;
        const char *p = it->p ? raw_next(it->p, it->end, object, &e) : NULL;
        it->p = p;
        if (!p) return 0;
        if (object && ret_name) *ret_name = value_raw(e.name - 1, e.name_size + 2);
        *ret = e.value;
        return 1;
    }
    if (it->at == it->of.n) return 0;
    uint32_t at = it->at++;
    if (!object) {
        *ret = it->of.items[at];
        return 1;
    }
    const struct member *m = &it->of.object->members[at];
    if (ret_name) *ret_name = value_text(m->name, m->name_size);
    *ret = m->value;
    return 1;
}
