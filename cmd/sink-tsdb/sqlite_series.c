/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Series: their tags, in whatever order a record has them, and the number that they have in the database. What is known
 * is found by one look into a hash table; what is new waits for the transaction of its batch. See sqlite.h.
 */
#include <stdlib.h>

#include "sqlite.h"

#include "base/endian.h"
#include "json/text.h"

/* ---- encoded tags: u32 count, then for each u32 size, name, u32 size, value ---- */

static int put_text(struct buf *b, struct text t) {
    char size[4];
    put_u32_le(size, (uint32_t)t.n);
    return buf_append(b, size, 4) < 0 || buf_append(b, t.p, t.n) < 0 ? G_NOMEM : 0;
}

static int encode_tags(struct buf *b, const struct point *p) {
    char count[4];
    int g;
    put_u32_le(count, (uint32_t)p->tag_count);
    g = buf_append(b, count, 4);
    for (size_t i = 0; g == 0 && i < p->tag_count; i++) {
        g = put_text(b, p->tags[i].name);
        if (g == 0) g = put_text(b, p->tags[i].value);
    }
    return g;
}

static struct text get_text(const char **p) {
    uint32_t n = get_u32_le(*p);
    struct text t = {*p + 4, n};
    *p += 4 + n;
    return t;
}

/* ---- finding, or waiting ---- */

/* A pending one: u32 slot, the measurement, then its encoded tags. */
static int wait_for_apply(struct series *s, struct measurement *m, uint32_t slot) {
    char head[4 + sizeof m];
    put_u32_le(head, slot);
    memcpy(head + 4, &m, sizeof m);
    if (buf_append(&s->pending, head, sizeof head) < 0) return G_NOMEM;
    return buf_append(&s->pending, s->encoded.data, s->encoded.len);
}

int series_find(struct series *s, const struct measurement *m, const struct point *p, uint32_t *ret_slot,
                struct err *e) {
    uint64_t slot;
    buf_clear(&s->encoded);
    if (encode_tags(&s->encoded, p) < 0) return err_nomem(e);
    if (!hashmap_get(&m->series, s->encoded.data, s->encoded.len, &slot)) return 0;
    *ret_slot = (uint32_t)slot;
    return 1;
}

int series_add(struct series *s, struct measurement *m, uint32_t *ret_slot, struct err *e) {
    if (s->count == s->cap) {
        size_t cap = s->cap ? s->cap * 2 : 256;
        int64_t *more = realloc(s->ids, cap * sizeof *more);
        if (!more) return err_nomem(e);
        s->ids = more;
        s->cap = cap;
    }
    if (hashmap_put(&m->series, s->encoded.data, s->encoded.len, s->count) < 0 ||
        wait_for_apply(s, m, (uint32_t)s->count) < 0)
        return err_nomem(e);
    s->ids[s->count] = 0; /* until it is resolved */
    *ret_slot = (uint32_t)s->count++;
    return 0;
}

/* ---- in the database ---- */

static int compare_tags(const void *a, const void *b) {
    const struct text *x = &((const struct tag *)a)->name, *y = &((const struct tag *)b)->name;
    int order = memcmp(x->p, y->p, x->n < y->n ? x->n : y->n);
    return order ? order : x->n < y->n ? -1 : x->n > y->n;
}

/* The identity of a series: a JSON object of its tags by name. */
static int make_key(struct buf *key, struct tag *tags, uint32_t count) {
    qsort(tags, count, sizeof *tags, compare_tags);
    buf_clear(key);
    int g = buf_putc(key, '{');
    for (uint32_t i = 0; g == 0 && i < count; i++) {
        if (i) g = buf_putc(key, ',');
        if (g == 0) g = json_escape_append(key, tags[i].name.p, tags[i].name.n);
        if (g == 0) g = buf_putc(key, ':');
        if (g == 0) g = json_escape_append(key, tags[i].value.p, tags[i].value.n);
    }
    return g == 0 ? buf_putc(key, '}') : g;
}

static bool same_tags(const struct measurement *m, const struct buf *names) {
    return m->series_insert && m->series_tags.len == names->len &&
           (names->len == 0 || memcmp(m->series_tags.data, names->data, names->len) == 0);
}

/* The insert for these tags, which most of the time is that of the last series. */
static int prepare_insert(const struct catalog *c, struct measurement *m, const struct tag *tags, uint32_t count,
                          struct err *e) {
    struct buf names = {0};
    for (uint32_t i = 0; i < count; i++)
        if (put_text(&names, tags[i].name) < 0) {
            buf_release(&names);
            return err_nomem(e);
        }
    if (same_tags(m, &names)) {
        buf_release(&names);
        return 0;
    }
    sqlite3_finalize(m->series_insert);
    m->series_insert = NULL;
    buf_release(&m->series_tags);
    m->series_tags = names;
    sqlite3_str *sql = sqlite3_str_new(c->db);
    sqlite3_str_appendf(sql, "INSERT INTO \"%w_series\" (series_key", m->view);
    for (uint32_t i = 0; i < count; i++) {
        const struct column *x = measurement_column(m, tags[i].name, true);
        sqlite3_str_appendf(sql, ", \"%w\"", x ? x->sql : ""); /* a series is added only when it is there */
    }
    sqlite3_str_appendall(sql, ") VALUES (?");
    for (uint32_t i = 0; i < count; i++) sqlite3_str_appendall(sql, ", ?");
    sqlite3_str_appendchar(sql, 1, ')');
    char *text = sqlite3_str_finish(sql);
    int g = text ? db_prepare(c, &m->series_insert, e, "%s", text) : err_nomem(e);
    sqlite3_free(text);
    return g;
}

static int insert(const struct series *s, const struct catalog *c, struct measurement *m, const struct tag *tags,
                  uint32_t count, int64_t *ret, struct err *e) {
    int g = prepare_insert(c, m, tags, count, e);
    if (g != 0) return g;
    sqlite3_stmt *x = m->series_insert;
    int rc = sqlite3_bind_text64(x, 1, s->key.data, s->key.len, SQLITE_STATIC, SQLITE_UTF8);
    for (uint32_t i = 0; rc == SQLITE_OK && i < count; i++)
        rc = sqlite3_bind_text64(x, (int)i + 2, tags[i].value.p, tags[i].value.n, SQLITE_STATIC, SQLITE_UTF8);
    if (rc == SQLITE_OK) rc = sqlite3_step(x);
    if (rc != SQLITE_DONE) g = db_failed(c, rc, e);
    *ret = sqlite3_last_insert_rowid(c->db);
    (void)sqlite3_reset(x);
    (void)sqlite3_clear_bindings(x);
    return g;
}

static int find(const struct series *s, const struct catalog *c, struct measurement *m, int64_t *ret, struct err *e) {
    int g = m->series_find
                ? 0
                : db_prepare(c, &m->series_find, e, "SELECT series FROM \"%w_series\" WHERE series_key = ?", m->view);
    if (g != 0) return g;
    int rc = sqlite3_bind_text64(m->series_find, 1, s->key.data, s->key.len, SQLITE_STATIC, SQLITE_UTF8);
    if (rc == SQLITE_OK) rc = sqlite3_step(m->series_find);
    *ret = rc == SQLITE_ROW ? sqlite3_column_int64(m->series_find, 0) : 0;
    if (rc != SQLITE_ROW && rc != SQLITE_DONE) g = db_failed(c, rc, e);
    (void)sqlite3_reset(m->series_find);
    return g;
}

static int resolve(struct series *s, const struct catalog *c, struct measurement *m, const char **p, int64_t *ret,
                   struct err *e) {
    uint32_t count = get_u32_le(*p);
    struct tag *tags = calloc(count + 1, sizeof *tags);
    if (!tags) return err_nomem(e);
    *p += 4;
    for (uint32_t i = 0; i < count; i++) {
        tags[i].name = get_text(p);
        tags[i].value = get_text(p);
    }
    int g = make_key(&s->key, tags, count) < 0 ? err_nomem(e) : find(s, c, m, ret, e);
    if (g == 0 && *ret == 0) g = insert(s, c, m, tags, count, ret, e);
    free(tags);
    return g;
}

int series_resolve(struct series *s, const struct catalog *c, struct err *e) {
    const char *p = s->pending.data, *end = p + s->pending.len;
    while (p < end) {
        uint32_t slot = get_u32_le(p);
        struct measurement *m;
        memcpy(&m, p + 4, sizeof m);
        p += 4 + sizeof m;
        int g = resolve(s, c, m, &p, &s->ids[slot], e);
        if (g != 0) return g;
    }
    return 0;
}

void series_committed(struct series *s) {
    buf_clear(&s->pending);
}

int series_forget(struct series *s, struct catalog *c, struct err *e) {
    s->count = 0;
    for (size_t i = 0; i < c->count; i++) {
        struct hashmap *map = &c->list[i]->series;
        hashmap_release(map);
        int g = hashmap_init(map, e);
        if (g < 0) return g;
    }
    return 0;
}

void series_release(struct series *s) {
    free(s->ids);
    buf_release(&s->encoded);
    buf_release(&s->pending);
    buf_release(&s->key);
}
