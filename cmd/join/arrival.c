/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is to be known of a record before it is taken: its key, and where its members are. Found in the thread of its
 * feed, as a note that goes with its block; in the main thread where there is no note. See sides.h.
 */
#include "sides.h"

#include "json/members.h"
#include "json/scan.h"
#include "json/text.h"

int looker_init(struct looker *l, const struct sides *k, enum side side, struct err *e) {
    l->side = side;
    return expr_run_new(k->set[side], &l->run, e);
}

void looker_release(struct looker *l) {
    expr_run_free(l->run);
    buf_release(&l->names);
    buf_release(&l->text);
    buf_release(&l->name);
    buf_release(&l->whole);
    buf_release(&l->members);
}

/* ---- members ---- */

static int not_json(int g, struct err *e) {
    return g == G_DATA ? err_set(e, G_DATA, "value is not JSON") : err_nomem(e);
}

/* The name in canonical spelling, in its quotes, behind the others; what cannot be in it ends it. */
static int add_name(struct looker *l, const char *prefix, const struct json_member *from) {
    const char *name;
    size_t n;
    int g;
    if (prefix || from->escaped) {
        buf_clear(&l->whole);
        g = json_member_name(from, &l->name, &name, &n);
        if (g == 0 && prefix) g = buf_puts(&l->whole, prefix);
        if (g == 0) g = buf_append(&l->whole, name, n);
        if (g == 0) g = json_escape_append(&l->names, l->whole.data, l->whole.len);
    } else {
        g = buf_append(&l->names, from->name - 1, from->name_size + 2);
    }
    return g < 0 ? g : buf_putc(&l->names, '\0');
}

/* Places that are too large for it are those of a record that gets no layout. */
static struct member_at member_of(size_t at, size_t end) {
    return (struct member_at){(uint16_t)at, (uint16_t)(end - at)};
}

/* "name":value behind the others, for members that do not lie in the value like that. */
static int add_text(struct looker *l, size_t name_at, const char *value, size_t n, struct member_at *ret) {
    if (l->text.len && buf_putc(&l->text, ',') < 0) return G_NOMEM;
    size_t at = l->text.len;
    if (buf_append(&l->text, l->names.data + name_at, l->names.len - 1 - name_at) < 0 || buf_putc(&l->text, ':') < 0 ||
        buf_append(&l->text, value, n) < 0)
        return G_NOMEM;
    *ret = member_of(at, l->text.len);
    return 0;
}

/* A right record's members: where they lie in its value or, in another spelling than there (`spelled`), in a text. */
static int find_members(struct looker *l, const char *prefix, const struct record *r, bool spelled, bool *ret_plain) {
    struct json_members it;
    struct json_member m;
    int g;
    buf_clear(&l->names);
    buf_clear(&l->text);
    buf_clear(&l->members);
    *ret_plain = true;
    (void)json_members_init(&it, r->value, r->value_size); /* it is an object */
    while ((g = json_members_next(&it, &m)) > 0) {
        size_t name_at = l->names.len;
        struct member_at member = member_of((size_t)(m.name - 1 - r->value), (size_t)(m.value_end - r->value));
        *ret_plain &= !m.escaped && !prefix && m.value == m.name + m.name_size + 2;
        if (!*ret_plain && !spelled) return 0;
        g = add_name(l, prefix, &m);
        if (g == 0 && spelled) g = add_text(l, name_at, m.value, (size_t)(m.value_end - m.value), &member);
        if (g < 0 || buf_append(&l->members, &member, sizeof member) < 0) return g < 0 ? g : G_NOMEM;
    }
    return g;
}

/* --as NAME: one member, whatever the value is. */
static int nest(struct looker *l, const char *as, const struct record *r) {
    const char *end = r->value + r->value_size, *p = json_scan_space(r->value, end);
    while (end > p && (end[-1] == ' ' || end[-1] == '\n' || end[-1] == '\t' || end[-1] == '\r')) end--;
    buf_clear(&l->names);
    buf_clear(&l->text);
    buf_clear(&l->members);
    struct member_at whole;
    int g = json_escape_append(&l->names, as, strlen(as));
    if (g == 0) g = buf_putc(&l->names, '\0');
    if (g == 0) g = add_text(l, 0, p, (size_t)(end - p), &whole);
    return g < 0 ? g : buf_append(&l->members, &whole, sizeof whole);
}

static int put_layout(struct looker *l, struct shapes *shapes, const struct layout *from, const struct record *r,
                      size_t members, struct buf *out) {
    struct layout layout = *from;
    bool small = members <= MEMBERS_MAX && r->value_size <= LAID_OUT_BYTES_MAX && l->text.len <= LAID_OUT_BYTES_MAX;
    layout.shape = small ? shapes_find(shapes, l->names.len ? l->names.data : "", l->names.len, &l->hint) : NO_SHAPE;
    bool whole = l->side == RIGHT && layout.shape != NO_SHAPE;
    layout.members = whole ? (uint8_t)members : 0;
    layout.text = whole ? (uint16_t)l->text.len : 0;
    if (buf_append(out, &layout, sizeof layout) < 0) return G_NOMEM;
    if (!whole) return 0;
    if (members && buf_append(out, l->members.data, l->members.len) < 0) return G_NOMEM;
    return layout.text ? buf_append(out, l->text.data, l->text.len) : 0;
}

static int lay_out_right(struct looker *l, struct sides *k, const struct record *r, struct buf *out) {
    const struct row_shape *shape = &k->j->shape;
    const struct layout layout = {0};
    bool plain = true;
    int g = shape->nested ? nest(l, shape->nested, r) : find_members(l, shape->prefix, r, false, &plain);
    if (g == 0 && !plain) g = find_members(l, shape->prefix, r, true, &plain);
    return g < 0 ? g : put_layout(l, &k->shapes[RIGHT], &layout, r, l->members.len / sizeof(struct member_at), out);
}

static int lay_out_left(struct looker *l, struct sides *k, const struct record *r, struct buf *out) {
    struct json_members it;
    struct json_member m;
    size_t members = 0;
    int g;
    buf_clear(&l->names);
    buf_clear(&l->text);
    (void)json_members_init(&it, r->value, r->value_size);
    for (; (g = json_members_next(&it, &m)) > 0; members++) {
        g = add_name(l, NULL, &m);
        if (g < 0) return g;
    }
    const struct layout layout = {.last = (uint16_t)(it.last - r->value), .empty = it.first};
    return g < 0 ? g : put_layout(l, &k->shapes[LEFT], &layout, r, members, out);
}

/* ---- one record ---- */

static int check_value(const struct sides *k, enum side side, const struct record *r, struct err *e) {
    if (side == RIGHT && k->j->shape.nested)
        return r->value_type == VALUE_JSON ? 0
                                           : err_set(e, G_DATA, "record is bytes, and no JSON that could be a field");
    if (pair_is_object(r)) return 0;
    return err_set(e, G_DATA,
                   side == RIGHT ? "record of the right side is no object; --as NAME takes any value"
                                 : "record is no object that could have the fields of a partner");
}

static int align(struct buf *b) {
    static const char zeros[8];
    return buf_append(b, zeros, -b->len & 7);
}

static int find_layout(struct looker *l, struct sides *k, const struct record *r, struct arrival *a, struct buf *note,
                       struct err *e) {
    if (!pair_wanted(k) || r->value_type == VALUE_NONE) return 0;
    int g = check_value(k, l->side, r, e);
    if (g < 0) return g;
    if (align(note) < 0) return err_nomem(e);
    a->layout_at = (uint32_t)note->len;
    g = l->side == RIGHT ? lay_out_right(l, k, r, note) : lay_out_left(l, k, r, note);
    a->layout_size = (uint32_t)(note->len - a->layout_at);
    return g < 0 ? not_json(g, e) : 0;
}

static int find_key(struct looker *l, struct sides *k, const struct record *r, struct arrival *a, struct buf *note,
                    struct err *e) {
    struct key_text key;
    int g = key_find(l->run, k->on[l->side], r, note, &key, e);
    if (g <= 0) return g;
    if (key.at == SIZE_MAX) {
        key.at = note->len;
        if (buf_append(note, key.p, key.n) < 0) return err_nomem(e);
    }
    a->key_at = (uint32_t)key.at;
    a->key_size = (uint32_t)key.n;
    a->kind = key.kind;
    a->hash = table_hash(&k->room.hash_key, note->data + key.at, key.n);
    return 0;
}

int arrival_find(struct looker *l, struct sides *k, const struct record *r, struct arrival *a, struct buf *note,
                 struct err *e) {
    *a = (struct arrival){0};
    int g = find_layout(l, k, r, a, note, e);
    if (g == 0) g = find_key(l, k, r, a, note, e);
    if (g == 0 && note->len > UINT32_MAX) g = err_nomem(e);
    a->known = g == 0;
    return g;
}

/* ---- a block ---- */

int sides_look(void *ctx, size_t feed, const struct block_origin *from, const char *body, struct buf *note) {
    struct sides *k = ctx;
    struct looker *l = &k->lookers[feed];
    struct record_walk w;
    struct record r;
    struct arrival a;
    struct err why;
    size_t array = from->h->records * sizeof a;
    if (buf_reserve(note, array + 64) < 0) return -1;
    note->len = array;
    record_walk_init(&w, from->h, body, SIZE_MAX);
    for (size_t i = 0; record_next_checked(&w, &r); i++) {
        record_begin_ahead(l->run, from, body, &r);
        if (arrival_find(l, k, &r, &a, note, &why) == G_NOMEM) return -1;
        memcpy(note->data + i * sizeof a, &a, sizeof a);
    }
    return 0;
}
