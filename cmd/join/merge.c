/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rows of the table in objects of the stream, all of it as text. A row is taken apart once, when it is loaded: its
 * names are spelled canonically then, so that two names are equal when their bytes are. See join.h.
 */
#include "join.h"

#include "json/scan.h"
#include "json/text.h"

void merger_release(struct merger *m) {
    buf_release(&m->name);
    buf_release(&m->spelled);
    buf_release(&m->used);
}

static int failed(int g, const char *what, struct err *e) {
    return g == G_DATA ? err_set(e, G_DATA, "%s is not JSON", what) : err_nomem(e);
}

/* ---- rows ---- */

static int add_member(struct merger *m, const char *prefix, const struct json_member *from, struct row_member *ret,
                      struct buf *texts) {
    const char *name;
    size_t name_size, at = texts->len;
    int g = json_member_name(from, &m->name, &name, &name_size);
    if (g < 0) return g;
    buf_clear(&m->spelled);
    if (prefix && buf_puts(&m->spelled, prefix) < 0) return G_NOMEM;
    if (buf_append(&m->spelled, name, name_size) < 0) return G_NOMEM;
    g = json_escape_append(texts, m->spelled.data ? m->spelled.data : "", m->spelled.len);
    if (g < 0) return g;
    if (buf_putc(texts, ':') < 0 || buf_append(texts, from->value, (size_t)(from->value_end - from->value)) < 0)
        return G_NOMEM;
    ret->size = (uint32_t)(texts->len - at);
    return 0;
}

/* The members into `out` behind the row's head, and their texts into m->used, which nobody uses now. */
static int add_members(struct merger *m, const char *prefix, struct json_members *it, struct buf *out) {
    struct row row = {0};
    struct json_member from;
    struct row_member member = {0};
    int g;
    buf_clear(&m->used);
    if (buf_append(out, &row, sizeof row) < 0) return G_NOMEM;
    while ((g = json_members_next(it, &from)) > 0) {
        g = row.members ? buf_putc(&m->used, ',') : 0;
        if (g == 0) g = add_member(m, prefix, &from, &member, &m->used);
        if (g < 0) return g;
        if (buf_append(out, &member, sizeof member) < 0) return G_NOMEM;
        row.members++;
    }
    if (g < 0) return g;
    row.size = (uint32_t)m->used.len;
    memcpy(out->data, &row, sizeof row);
    return row.size ? buf_append(out, m->used.data, m->used.len) : 0;
}

int row_build(struct merger *m, const struct row_shape *shape, const char *text, size_t n, struct buf *out,
              struct err *e) {
    struct row row = {0};
    struct json_members it;
    int g;
    buf_clear(out);
    if (shape->nested || shape->keys_only) {
        const char *end = text + n, *p = json_scan_space(text, end);
        while (end > p && (end[-1] == ' ' || end[-1] == '\n' || end[-1] == '\t' || end[-1] == '\r')) end--;
        row.size = shape->keys_only ? 0 : (uint32_t)(end - p);
        g = buf_append(out, &row, sizeof row);
        return g == 0 && buf_append(out, p, row.size) == 0 ? 0 : err_nomem(e);
    }
    if (!json_members_init(&it, text, n)) return err_set(e, G_DATA, "row is no object; --as NAME takes any value");
    g = add_members(m, shape->prefix, &it, out);
    return g < 0 ? failed(g, "row", e) : 0;
}

/* ---- merging ---- */

static int no_object(struct err *e) {
    return err_set(e, G_DATA, "record has a partner, and is no object that could have its fields");
}

/* The member's name in canonical spelling. */
static int spell(struct merger *m, const struct json_member *from, const char **ret, size_t *ret_size) {
    const char *name;
    size_t n;
    *ret = from->name;
    *ret_size = from->name_size;
    if (!from->escaped) return 0;
    int g = json_member_name(from, &m->name, &name, &n);
    buf_clear(&m->spelled);
    if (g == 0) g = json_escape_append(&m->spelled, name ? name : "", n);
    if (g < 0) return g;
    *ret = m->spelled.data + 1;
    *ret_size = m->spelled.len - 2;
    return 0;
}

/* The stream's record has a member of this name: if the row has it, too, that one is not for the result. */
static void mark_used(const struct row *row, const char *name, size_t n, char *used, uint32_t *ret_used) {
    const char *p = row_text(row);
    for (uint32_t i = 0; i < row->members; p += row->member[i++].size + 1) {
        /* no canonical name goes on with a quote, which would have a backslash before it */
        if (row->member[i].size < n + 2 || p[n + 1] != '"' || memcmp(p + 1, name, n) != 0) continue;
        used[i] = 1;
        ++*ret_used;
        return;
    }
}

/* Members behind each other go at once. Room was reserved. */
static void add_range(const char *from, const char *behind, bool *first, struct buf *out) {
    if (from == behind) return;
    if (!*first) buf_putc_fast(out, ',');
    *first = false;
    buf_append_fast(out, from, (size_t)(behind - 1 - from)); /* without the comma behind the last one */
}

/* Those of the row that the record has itself are `used`, by place, or by the numbers of their names, `there`. */
static void add_unused(const struct row *row, const char *used, uint64_t there, bool first, struct buf *out) {
    const char *p = row_text(row), *from = p;
    for (uint32_t i = 0; i < row->members; i++) {
        const char *next = p + row->member[i].size + 1;
        if (used ? used[i] != 0 : (there >> row->member[i].number & 1) != 0) {
            add_range(from, p, &first, out);
            from = next;
        }
        p = next;
    }
    add_range(from, p, &first, out);
}

static int merge_members(struct merger *m, const char *text, size_t n, const struct row *row, struct json_members *it,
                         struct buf *out) {
    struct json_member s;
    uint32_t found = 0;
    int g;
    buf_clear(&m->used);
    if (buf_reserve(&m->used, row->members + 1) < 0) return G_NOMEM;
    memset(m->used.data, 0, row->members + 1);
    while ((g = json_members_next(it, &s)) > 0) {
        const char *name;
        size_t name_size;
        if (found == row->members) continue;
        g = spell(m, &s, &name, &name_size);
        if (g < 0) return g;
        mark_used(row, name, name_size, m->used.data, &found);
    }
    if (g < 0) return g;
    if (buf_reserve(out, n + row->size + row->members) < 0) return G_NOMEM;
    buf_append_fast(out, text, (size_t)(it->last - text));
    add_unused(row, m->used.data, 0, it->first, out);
    buf_append_fast(out, it->last, (size_t)(text + n - it->last));
    return 0;
}

/* The row as a member of that name: behind the last one, or in the place of the value [from, behind) that it has. */
static int nest(const char *as, const char *text, size_t n, const char *last, bool empty, const char *from,
                const char *behind, const struct row *row, struct buf *out) {
    const char *end = text + n;
    int g = buf_append(out, text, (size_t)((from ? from : last) - text));
    if (g == 0 && !from) {
        if (!empty) g = buf_putc(out, ',');
        if (g == 0) g = json_escape_append(out, as, strlen(as));
        if (g == 0) g = buf_putc(out, ':');
        behind = last;
    }
    if (g == 0) g = buf_append(out, row_text(row), row->size);
    return g < 0 ? g : buf_append(out, behind, (size_t)(end - behind));
}

static int merge_nested(struct merger *m, const char *as, const char *text, size_t n, const struct row *row,
                        struct json_members *it, struct buf *out) {
    struct json_member s;
    const char *from = NULL, *behind = NULL;
    size_t as_size = strlen(as);
    int g;
    while ((g = json_members_next(it, &s)) > 0) {
        const char *name;
        size_t name_size;
        g = json_member_name(&s, &m->name, &name, &name_size);
        if (g < 0) return g;
        if (name_size != as_size || memcmp(name, as, as_size) != 0) continue;
        from = s.value;
        behind = s.value_end;
    }
    return g < 0 ? g : nest(as, text, n, it->last, it->first, from, behind, row, out);
}

int row_put(const struct row_shape *shape, const struct place *at, const char *text, size_t n, const struct row *row,
            struct buf *out) {
    if (shape->nested) {
        const struct json_slice *v = &at->value;
        return nest(shape->nested, text, n, at->last, at->empty, v->p, v->p ? v->p + v->n : NULL, row, out);
    }
    if (buf_reserve(out, n + row->size + 1) < 0) return G_NOMEM;
    buf_append_fast(out, text, (size_t)(at->last - text));
    add_unused(row, NULL, at->there, at->empty, out);
    buf_append_fast(out, at->last, (size_t)(text + n - at->last));
    return 0;
}

int row_merge(struct merger *m, const struct row_shape *shape, const char *text, size_t n, const struct row *row,
              struct buf *out, struct err *e) {
    struct json_members it;
    if (!json_members_init(&it, text, n)) return no_object(e);
    int g = shape->nested ? merge_nested(m, shape->nested, text, n, row, &it, out)
                          : merge_members(m, text, n, row, &it, out);
    return g < 0 ? failed(g, "value", e) : 0;
}
