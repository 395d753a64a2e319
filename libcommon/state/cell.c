/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Values as aggregates keep them. See cell.h.
 */
#include "state/cell.h"

#include <math.h>

#include "base/siphash.h"
#include "state/pack.h"

struct cell cell_normal(const struct cell *c) {
    struct cell r = *c;
    if (r.type != CELL_DOUBLE) return r;
    if (isnan(r.d)) {
        r.d = (double)NAN;
    } else if (r.d >= -0x1p63 && r.d < 0x1p63 && r.d == (double)(int64_t)r.d) {
        r.type = CELL_INT;
        r.i = (int64_t)c->d;
    }
    return r;
}

/* The key is nobody's secret: sketches that were made anywhere can be merged. The type of a cell is part of it. */
uint64_t cell_hash(const struct cell *c) {
    uint64_t key[2] = {0x6c65617420736b65u, 0x7463682063656c00u + c->type};
    if (c->type == CELL_TEXT) return siphash24(key, c->text, c->n);
    char bytes[8];
    put_i64_le(bytes, c->i); /* of a double, the same eight bytes */
    return siphash24(key, bytes, sizeof bytes);
}

static struct value cell_view(const struct cell *c) {
    if (c->type == CELL_INT) return value_int(c->i);
    if (c->type == CELL_DOUBLE) return value_double(c->d);
    return value_raw(c->text, c->n);
}

static int text_compare(const struct cell *a, const struct cell *b) {
    size_t n = a->n < b->n ? a->n : b->n;
    int c = memcmp(a->text, b->text, n);
    return c ? c : a->n < b->n ? -1 : a->n > b->n;
}

/* Strings without escapes are in the order of what is between their quotes. */
static bool is_plain_string(const struct cell *c) {
    return c->type == CELL_TEXT && c->n >= 2 && c->text[0] == '"' && !memchr(c->text, '\\', c->n);
}

int cell_compare(const struct cell *a, const struct cell *b, int *rc) {
    if (a->type == CELL_INT && b->type == CELL_INT) return a->i < b->i ? -1 : a->i > b->i;
    if (a->type == CELL_TEXT && b->type == CELL_TEXT && a->n == b->n && memcmp(a->text, b->text, a->n) == 0) return 0;
    if (a->type == CELL_DOUBLE && b->type == CELL_DOUBLE && isnan(a->d) && isnan(b->d)) return 0;
    if (is_plain_string(a) && is_plain_string(b)) {
        const struct cell x = {.n = a->n - 2, .text = a->text + 1}, y = {.n = b->n - 2, .text = b->text + 1};
        return text_compare(&x, &y);
    }
    struct heap h; /* takes memory only for arrays and objects */
    heap_init(&h, 0);
    int order = 0;
    int failed = value_compare(&h, cell_view(a), cell_view(b), &order);
    heap_release(&h);
    if (failed == G_NOMEM) *rc = G_NOMEM;
    /* Texts too deep to be compared, or, out of a damaged snapshot, equal without being the same: any order will do. */
    if (failed < 0 || (order == 0 && a->type == CELL_TEXT && b->type == CELL_TEXT)) return text_compare(a, b);
    return order;
}

int cell_value(const struct cell *c, struct heap *h, struct value *ret) {
    struct value v = cell_view(c);
    if (c->type == CELL_TEXT && v.n > 0) {
        char *copy = heap_alloc(h, v.n);
        if (!copy) return G_NOMEM;
        memcpy(copy, v.text, v.n);
        v.text = copy;
    }
    *ret = v;
    return 0;
}

int kept_set(struct kept *k, struct arena *arena, const struct cell *c) {
    struct kept r = {.type = c->type};
    if (c->type != CELL_TEXT) {
        r.i = c->i;
    } else {
        char *to = r.inside;
        if (c->n > sizeof r.inside) {
            to = arena_take(arena, c->n);
            if (!to) return G_NOMEM;
            r.text = to;
        }
        memcpy(to, c->text, c->n);
        r.n = c->n;
    }
    *k = r;
    return 0;
}

void kept_drop(struct kept *k, struct arena *arena) {
    if (k->type == CELL_TEXT && k->n > sizeof k->inside) arena_give(arena, k->text, k->n);
    *k = (struct kept){0};
}

enum { SAVED_INT = 1, SAVED_DOUBLE, SAVED_TEXT };

int cell_save(const struct cell *c, struct buf *out) {
    int rc = buf_putc(out, c->type == CELL_INT ? SAVED_INT : c->type == CELL_DOUBLE ? SAVED_DOUBLE : SAVED_TEXT);
    if (rc < 0) return rc;
    if (c->type != CELL_TEXT) return pack_word(out, (uint64_t)c->i);
    rc = pack_u64(out, c->n);
    return rc < 0 ? rc : buf_append(out, c->text, c->n);
}

/* A canonical text that is not a number's begins like this; the rest of it is as the CRC found it. */
static bool text_begins_well(const char *p, uint64_t n) {
    if (n == 0) return false;
    if (*p == '"') return n >= 2 && p[n - 1] == '"';
    return *p == '[' || *p == '{' || (n == 4 && memcmp(p, "true", 4) == 0) || (n == 5 && memcmp(p, "false", 5) == 0);
}

bool cell_load(struct cell *ret, const char **p, const char *end) {
    const char *at = *p;
    if (at == end) return false;
    int type = *at++;
    uint64_t n;
    struct cell c = {.type = CELL_INT};
    if (type == SAVED_TEXT) {
        if (!unpack_u64(&at, end, &n) || n > (uint64_t)(end - at) || n > UINT32_MAX) return false;
        if (!text_begins_well(at, n)) return false;
        c = (struct cell){.type = CELL_TEXT, .n = (uint32_t)n, .text = at};
        at += n;
    } else {
        if ((type != SAVED_INT && type != SAVED_DOUBLE) || !unpack_word(&at, end, &n)) return false;
        c.i = (int64_t)n;
        if (type == SAVED_DOUBLE) {
            c.type = CELL_DOUBLE;
            c = cell_normal(&c);
        }
    }
    *p = at;
    *ret = c;
    return true;
}
