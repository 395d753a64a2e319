/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is to be known of a record before it is taken: its key, and where its members are. Found in the thread of its
 * feed, as a note that goes with its block; in the main thread where there is no note. See sides.h.
 */
#include "sides.h"

#include "json/members.h"
#include "json/scan.h"
#include "json/text.h"

#define OTHER_NAMES SIZE_MAX

int looker_init(struct looker *l, const struct sides *k, enum side side, struct err *e) {
    l->side = side;
    l->key_name = expr_member_name(k->on[side], &l->key_name_size);
    return expr_run_new(k->set[side], &l->run, e);
}

void looker_release(struct looker *l) {
    expr_run_free(l->run);
    buf_release(&l->names);
    buf_release(&l->text);
    buf_release(&l->name);
    buf_release(&l->whole);
}

/* ---- names ---- */

static const char *hint_names(const struct looker *l) {
    return entry_key(l->hint, sizeof(uint64_t));
}

/* `spelled`: they have to be there. */
static void begin_members(struct looker *l, bool spelled) {
    buf_clear(&l->names);
    buf_clear(&l->text);
    l->same = l->hint && !spelled ? 0 : OTHER_NAMES;
    l->count = 0;
}

/* It is the next one that the record before this one has. */
static bool is_next_hint(struct looker *l, const char *quoted, size_t n) {
    if (l->same == OTHER_NAMES || l->hint->key_size - l->same <= n) return false;
    const char *next = hint_names(l) + l->same;
    if (next[n] != '\0' || memcmp(next, quoted, n) != 0) return false;
    l->same += n + 1;
    return true;
}

/* So far they are the same. */
static int copy_hint(struct looker *l) {
    size_t n = l->same;
    l->same = OTHER_NAMES;
    return n == OTHER_NAMES || n == 0 ? 0 : buf_append(&l->names, hint_names(l), n);
}

/* The name in canonical spelling, in its quotes, behind the others; what cannot be in it ends it. */
static int add_name(struct looker *l, const char *prefix, const struct json_member *from) {
    const char *name;
    size_t n;
    if (!prefix && !from->escaped && is_next_hint(l, from->name - 1, from->name_size + 2)) return 0;
    int g = copy_hint(l);
    if (prefix || from->escaped) {
        buf_clear(&l->whole);
        if (g == 0) g = json_member_name(from, &l->name, &name, &n);
        if (g == 0 && prefix) g = buf_puts(&l->whole, prefix);
        if (g == 0) g = buf_append(&l->whole, name, n);
        if (g == 0) g = json_escape_append(&l->names, l->whole.data, l->whole.len);
    } else if (g == 0) {
        g = buf_append(&l->names, from->name - 1, from->name_size + 2);
    }
    return g < 0 ? g : buf_putc(&l->names, '\0');
}

/* All names are known: *ret_shape, or NO_SHAPE. */
static int find_shape(struct looker *l, struct shapes *shapes, uint16_t *ret_shape) {
    *ret_shape = NO_SHAPE;
    if (l->count > MEMBERS_MAX) return 0;
    if (l->same != OTHER_NAMES && l->same == l->hint->key_size) {
        *ret_shape = (uint16_t) * (const uint64_t *)(const void *)l->hint->data;
        return 0;
    }
    if (copy_hint(l) < 0) return G_NOMEM;
    *ret_shape = shapes_find(shapes, l->names.len ? l->names.data : "", l->names.len, &l->hint);
    return 0;
}

/* ---- members ---- */

static int not_json(int g, struct err *e) {
    return g == G_DATA ? err_set(e, G_DATA, "value is not JSON") : err_nomem(e);
}

/* Places that are too large for it are those of a record that gets no layout. */
static void add_member(struct looker *l, size_t at, size_t end) {
    if (l->count < MEMBERS_MAX) l->members[l->count] = (struct member_at){(uint16_t)at, (uint16_t)(end - at)};
    l->count++;
}

/* "name":value behind the others, for members that do not lie in the value like that. */
static int add_text(struct looker *l, size_t name_at, const char *value, size_t n) {
    if (l->text.len && buf_putc(&l->text, ',') < 0) return G_NOMEM;
    size_t at = l->text.len;
    if (buf_append(&l->text, l->names.data + name_at, l->names.len - 1 - name_at) < 0 || buf_putc(&l->text, ':') < 0 ||
        buf_append(&l->text, value, n) < 0)
        return G_NOMEM;
    add_member(l, at, l->text.len);
    return 0;
}

/* Escapes could spell it, too. */
static void see_key(struct looker *l, const struct json_member *m) {
    if (m->escaped) l->key_known = false;
    if (l->key) return; /* of two of a name, which validated text has not, the first one counts */
    if (m->name_size != l->key_name_size || memcmp(m->name, l->key_name, m->name_size) != 0) return;
    l->key = m->value;
    l->key_end = m->value_end;
}

static int next_member(struct looker *l, struct json_members *it, struct json_member *m) {
    int g = json_members_next(it, m);
    if (g > 0 && l->key_name) see_key(l, m);
    return g;
}

/* A right record's members: where they lie in its value or, in another spelling than there (`spelled`), in a text. */
static int find_members(struct looker *l, const char *prefix, const struct record *r, bool spelled, bool *ret_plain) {
    struct json_members it;
    struct json_member m;
    int g;
    begin_members(l, spelled);
    *ret_plain = true;
    (void)json_members_init(&it, r->value, r->value_size); /* it is an object */
    while ((g = next_member(l, &it, &m)) > 0) {
        size_t name_at = l->names.len;
        *ret_plain &= !m.escaped && !prefix && m.value == m.name + m.name_size + 2;
        if (!*ret_plain && !spelled) return 0;
        g = add_name(l, prefix, &m);
        if (g == 0 && spelled) g = add_text(l, name_at, m.value, (size_t)(m.value_end - m.value));
        if (g < 0) return g;
        if (!spelled) add_member(l, (size_t)(m.name - 1 - r->value), (size_t)(m.value_end - r->value));
    }
    return g;
}

/* --as NAME: one member, whatever the value is. */
static int nest(struct looker *l, const char *as, const struct record *r) {
    const char *end = r->value + r->value_size, *p = json_scan_space(r->value, end);
    while (end > p && (end[-1] == ' ' || end[-1] == '\n' || end[-1] == '\t' || end[-1] == '\r')) end--;
    begin_members(l, true);
    int g = json_escape_append(&l->names, as, strlen(as));
    if (g == 0) g = buf_putc(&l->names, '\0');
    return g < 0 ? g : add_text(l, 0, p, (size_t)(end - p));
}

/* Of a right record. */
static int put_members(struct looker *l, struct shapes *shapes, const struct record *r, struct buf *out) {
    size_t text = l->text.len, members = l->count * sizeof *l->members;
    struct layout layout = {.text = (uint32_t)text, .members = (uint8_t)l->count, .shape = NO_SHAPE};
    bool small = (text ? text : r->value_size) <= PLACE_BYTES_MAX;
    if (small && find_shape(l, shapes, &layout.shape) < 0) return G_NOMEM;
    if (layout.shape == NO_SHAPE) return buf_append(out, &layout, sizeof layout);
    if (buf_reserve(out, sizeof layout + members + text) < 0) return G_NOMEM;
    buf_append_fast(out, &layout, sizeof layout);
    buf_append_fast(out, l->members, members);
    if (text) buf_append_fast(out, l->text.data, text);
    return 0;
}

static int lay_out_right(struct looker *l, struct sides *k, const struct record *r, struct buf *out) {
    const struct row_shape *shape = &k->j->shape;
    bool plain = true;
    l->key_known = l->key_name && !shape->nested;
    int g = shape->nested ? nest(l, shape->nested, r) : find_members(l, shape->prefix, r, false, &plain);
    if (g == 0 && !plain) g = find_members(l, shape->prefix, r, true, &plain);
    return g < 0 ? g : put_members(l, &k->shapes[RIGHT], r, out);
}

static int lay_out_left(struct looker *l, struct sides *k, const struct record *r, struct buf *out) {
    struct json_members it;
    struct json_member m;
    int g;
    l->key_known = l->key_name != NULL;
    begin_members(l, false);
    (void)json_members_init(&it, r->value, r->value_size);
    for (; (g = next_member(l, &it, &m)) > 0; l->count++) {
        g = add_name(l, NULL, &m);
        if (g < 0) return g;
    }
    struct layout layout = {.last = (uint32_t)(it.last - r->value), .empty = it.first};
    if (g == 0) g = find_shape(l, &k->shapes[LEFT], &layout.shape);
    return g < 0 ? g : buf_append(out, &layout, sizeof layout);
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

/* Of what was seen of the members: 1; 0: it has none; G_DATA: the expression has to be asked. */
static int key_seen(const struct looker *l, struct key_text *ret) {
    return l->key_known ? key_of_member(l->key, (size_t)(l->key_end - l->key), ret) : G_DATA;
}

static int find_key(struct looker *l, struct sides *k, const struct record *r, struct arrival *a, struct buf *note,
                    struct err *e) {
    struct key_text key;
    int g = key_seen(l, &key);
    if (g < 0 || (g == 0 && !l->has_key)) /* as long as no record had a key the run is to see that */
        g = key_find(l->run, k->on[l->side], r, note, &key, e);
    if (g <= 0) return g;
    l->has_key = true;
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
    l->key_known = false;
    l->key = l->key_end = NULL;
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
