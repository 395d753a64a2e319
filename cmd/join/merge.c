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

static int add_member(struct merger *m, const char *prefix, const struct json_member *from, struct row *row,
                      struct row_member *ret, struct buf *texts) {
    const char *name;
    size_t name_size, at = texts->len;
    int g = json_member_name(from, &m->name, &name, &name_size);
    if (g < 0) return g;
    buf_clear(&m->spelled);
    if (prefix && buf_puts(&m->spelled, prefix) < 0) return G_NOMEM;
    if (buf_append(&m->spelled, name, name_size) < 0) return G_NOMEM;
    g = json_escape_append(texts, m->spelled.data ? m->spelled.data : "", m->spelled.len);
    if (g < 0) return g;
    ret->name_size = (uint32_t)(texts->len - at - 2);
    row->names |= name_bit(texts->data + at + 1, ret->name_size);
    if (buf_putc(texts, ':') < 0 || buf_append(texts, from->value, (size_t)(from->value_end - from->value)) < 0)
        return G_NOMEM;
    ret->size = (uint32_t)(texts->len - at);
    return 0;
}

/* The members into `out` behind the row's head, and their texts into m->used, which nobody uses now. */
static int add_members(struct merger *m, const char *prefix, struct json_members *it, struct buf *out) {
    struct row row = {0};
    struct json_member from;
    struct row_member member;
    int g;
    buf_clear(&m->used);
    if (buf_append(out, &row, sizeof row) < 0) return G_NOMEM;
    while ((g = json_members_next(it, &from)) > 0) {
        g = add_member(m, prefix, &from, &row, &member, &m->used);
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
    for (uint32_t i = 0; i < row->members; p += row->member[i++].size) {
        if (row->member[i].name_size != n || memcmp(p + 1, name, n) != 0) continue;
        used[i] = 1;
        ++*ret_used;
        return;
    }
}

/* Room was reserved. */
static void add_unused(const struct row *row, const char *used, bool first, struct buf *out) {
    const char *p = row_text(row);
    for (uint32_t i = 0; i < row->members; p += row->member[i++].size) {
        if (used[i]) continue;
        if (!first) buf_putc_fast(out, ',');
        first = false;
        buf_append_fast(out, p, row->member[i].size);
    }
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
        if (row->names & name_bit(name, name_size)) mark_used(row, name, name_size, m->used.data, &found);
    }
    if (g < 0) return g;
    if (buf_reserve(out, n + row->size + row->members) < 0) return G_NOMEM;
    buf_append_fast(out, text, (size_t)(it->last - text));
    add_unused(row, m->used.data, it->first, out);
    buf_append_fast(out, it->last, (size_t)(text + n - it->last));
    return 0;
}

/* The row as a member of that name, in its place if there is one already. */
static int merge_nested(struct merger *m, const char *as, const char *text, size_t n, const struct row *row,
                        struct json_members *it, struct buf *out) {
    struct json_member s;
    const char *end = text + n, *from = NULL, *behind = NULL;
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
    if (g < 0) return g;
    if (!from) {
        if (buf_append(out, text, (size_t)(it->last - text)) < 0) return G_NOMEM;
        if (!it->first && buf_putc(out, ',') < 0) return G_NOMEM;
        g = json_escape_append(out, as, as_size);
        if (g < 0 || buf_putc(out, ':') < 0) return g < 0 ? g : G_NOMEM;
        behind = it->last;
    } else if (buf_append(out, text, (size_t)(from - text)) < 0) {
        return G_NOMEM;
    }
    if (buf_append(out, row_text(row), row->size) < 0) return G_NOMEM;
    return buf_append(out, behind, (size_t)(end - behind));
}

int row_merge(struct merger *m, const struct row_shape *shape, const char *text, size_t n, const struct row *row,
              struct buf *out, struct err *e) {
    struct json_members it;
    if (!json_members_init(&it, text, n)) return no_object(e);
    int g = shape->nested ? merge_nested(m, shape->nested, text, n, row, &it, out)
                          : merge_members(m, text, n, row, &it, out);
    return g < 0 ? failed(g, "value", e) : 0;
}
