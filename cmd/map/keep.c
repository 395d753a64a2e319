/* SPDX-License-Identifier: Apache-2.0 */
/*
 * --keep: fields set in an object that stays text. Everything between the fields that change is copied as it stands;
 * no tree is made of it.
 */
#include <stdlib.h>

#include "map.h"

#include "json/members.h"
#include "json/text.h"

#define LINEAR_MAX 12u /* up to so many fields are compared one by one */

/* The fields of the result. */
struct fields {
    const struct member *member;
    uint32_t n;
    const struct member **sorted; /* by size and bytes of the name; NULL when there are few */
    bool *used;                   /* it was in the object already */
};

void keep_release(struct keep *k) {
    if (k) buf_release(&k->name);
}

static int compare_names(const char *a, size_t a_size, const char *b, size_t b_size) {
    if (a_size != b_size) return a_size < b_size ? -1 : 1;
    return memcmp(a, b, a_size);
}

static int by_name(const void *a, const void *b) {
    const struct member *const *x = a, *const *y = b;
    return compare_names((*x)->name, (*x)->name_size, (*y)->name, (*y)->name_size);
}

static int fields_init(struct fields *f, struct heap *h, struct value result) {
    *f = (struct fields){0};
    int g = value_members(h, result, &f->member, &f->n);
    if (g < 0 || f->n == 0) return g;
    f->used = heap_alloc(h, f->n * sizeof *f->used);
    if (!f->used) return G_NOMEM;
    memset(f->used, 0, f->n * sizeof *f->used);
    if (f->n <= LINEAR_MAX) return 0;
    f->sorted = heap_alloc(h, f->n * sizeof *f->sorted);
    if (!f->sorted) return G_NOMEM;
    for (uint32_t i = 0; i < f->n; i++) f->sorted[i] = &f->member[i];
    qsort(f->sorted, f->n, sizeof *f->sorted, by_name);
    return 0;
}

/* The field of that name, or NULL. */
static const struct member *find(const struct fields *f, const char *name, size_t size) {
    if (!f->sorted) {
        for (uint32_t i = 0; i < f->n; i++) {
            const struct member *m = &f->member[i];
            if (m->name_size == size && memcmp(m->name, name, size) == 0) return m;
        }
        return NULL;
    }
    uint32_t low = 0, high = f->n;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        int c = compare_names(name, size, f->sorted[middle]->name, f->sorted[middle]->name_size);
        if (c == 0) return f->sorted[middle];
        if (c < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return NULL;
}

static int not_json(struct err *e) {
    return err_set(e, G_DATA, "value is not JSON");
}

/* The fields that were not there, behind the last one that was. */
static int add_new(struct fields *f, bool first, struct expr_run *run, struct buf *out, struct err *e) {
    for (uint32_t i = 0; i < f->n; i++) {
        const struct member *m = &f->member[i];
        if (f->used[i]) continue;
        if (!first && buf_putc(out, ',') < 0) return err_nomem(e);
        first = false;
        int g = json_escape_append(out, m->name, m->name_size);
        if (g == G_DATA) return not_json(e);
        if (g < 0 || buf_putc(out, ':') < 0) return err_nomem(e);
        g = expr_value_write(run, m->value, out, e);
        if (g < 0) return g;
    }
    return 0;
}

int keep_merge(struct keep *k, struct expr_run *run, const char *text, size_t n, struct value result, struct buf *out,
               struct err *e) {
    const char *copied = text;
    struct json_members it;
    struct json_member s;
    struct fields f;
    if (result.kind != VK_OBJECT)
        return err_set(e, G_DATA, "--keep needs an object, and the result is %s", value_type_name(result));
    if (!json_members_init(&it, text, n)) return err_set(e, G_DATA, "--keep needs an object, and the record is none");
    int g = fields_init(&f, expr_heap(run), result);
    if (g < 0) return g == G_DATA ? not_json(e) : err_nomem(e);
    while ((g = json_members_next(&it, &s)) > 0) {
        const char *name;
        size_t name_size;
        g = json_member_name(&s, &k->name, &name, &name_size);
        if (g < 0) break;
        const struct member *m = find(&f, name, name_size);
        if (!m) continue;
        f.used[m - f.member] = true;
        if (buf_append(out, copied, (size_t)(s.value - copied)) < 0) return err_nomem(e);
        copied = s.value_end;
        g = expr_value_write(run, m->value, out, e);
        if (g < 0) return g;
    }
    if (g < 0) return g == G_DATA ? not_json(e) : err_nomem(e);
    if (buf_append(out, copied, (size_t)(it.last - copied)) < 0) return err_nomem(e);
    g = add_new(&f, it.first, run, out, e);
    if (g == 0 && buf_append(out, it.last, (size_t)(text + n - it.last)) < 0) g = err_nomem(e);
    return g;
}
