/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The key of a record or of a row: the first result of its expression, as canonical JSON text, by which 1 and 1.0 are
 * equal and "1" is another. Null is no key, nor is an array or an object (of several keys) with a null in it.
 */
#include "join.h"

#include "cli/diag.h"

/* Is one of the several keys null? 1 or 0. */
static int has_null(struct heap *h, struct value v) {
    struct value_iter it;
    struct value name, x;
    int g;
    value_iter_init(&it, v);
    while ((g = value_iter_next(h, &it, &name, &x)) > 0)
        if (x.kind == VK_NULL) return 1;
    return g;
}

int key_find(struct expr_run *run, const struct expr *x, const struct record *r, struct buf *scratch,
             struct key_text *ret, struct err *e) {
    struct value v;
    int g = expr_first(run, x, &v, e);
    if (g < 0) return g;
    if (g == 0 || v.kind == VK_NULL) return 0;
    if (v.kind >= VK_ARRAY) {
        g = has_null(expr_heap(run), v);
        if (g < 0) return g == G_DATA ? err_set(e, G_DATA, "key cannot be read") : err_nomem(e);
        if (g > 0) return 0;
    }
    *ret = (struct key_text){.p = v.text, .at = SIZE_MAX, .n = v.n, .kind = 1u << v.kind};
    uintptr_t from = (uintptr_t)r->value, at = (uintptr_t)v.text;
    if (value_is_key(v) && at >= from && at + v.n <= from + r->value_size) return 1;
    ret->at = scratch->len;
    ret->p = NULL;
    if (value_write_key(expr_heap(run), v, scratch) < 0)
        return err_set(e, G_DATA, "key is too large or too deeply nested");
    ret->n = scratch->len - ret->at;
    return 1;
}

int key_of_member(const char *text, size_t n, struct key_text *ret) {
    if (!text) return 0;
    struct value v = value_raw(text, n);
    if (v.kind == VK_NULL) return 0;
    if (!value_is_key(v)) return G_DATA;
    *ret = (struct key_text){.p = v.text, .at = SIZE_MAX, .n = v.n, .kind = 1u << v.kind};
    return 1;
}

void key_tell_kinds(unsigned records, unsigned others, const char *whose) {
    const unsigned numbers = 1u << VK_NUMBER, strings = 1u << VK_STRING;
    if (records == numbers && others == strings)
        diag_warn("no record has a partner: keys of %s are strings, those of the records are numbers; "
                  "'| tostring' behind the expression of --on makes strings of them",
                  whose);
    if (records == strings && others == numbers)
        diag_warn("no record has a partner: keys of %s are numbers, those of the records are strings; "
                  "'| tonumber' behind the expression of --on makes numbers of them",
                  whose);
}
