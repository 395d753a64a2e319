/* SPDX-License-Identifier: Apache-2.0 */
/* Named columns. See columns.h. The field at place i is looked for in column i first: most records are alike. */
#include "stream/columns.h"

#include <stdlib.h>

#include "json/text.h"

int columns_init(struct columns *c, size_t max, struct err *e) {
    *c = (struct columns){.max = max};
    return hashmap_init(&c->index, e);
}

void columns_release(struct columns *c) {
    hashmap_release(&c->index);
    buf_release(&c->names);
    buf_release(&c->scratch);
    free(c->name_ends);
    free(c->cells);
    *c = (struct columns){0};
}

const char *columns_name(const struct columns *c, size_t i, size_t *ret_size) {
    size_t start = i > 0 ? c->name_ends[i - 1] : 0;
    *ret_size = c->name_ends[i] - start;
    return c->names.data ? c->names.data + start : "";
}

static int arrays_grow(struct columns *c) {
    size_t cap = c->cap ? 2 * c->cap : 16;
    size_t *ends = realloc(c->name_ends, cap * sizeof(*ends));
    if (!ends) return G_NOMEM;
    c->name_ends = ends;
    struct cell *cells = realloc(c->cells, cap * sizeof(*cells));
    if (!cells) return G_NOMEM;
    c->cells = cells;
    c->cap = cap;
    return 0;
}

int columns_add(struct columns *c, const char *name, size_t n, size_t *ret, struct err *e) {
    uint64_t at;
    if (hashmap_get(&c->index, name, n, &at)) {
        *ret = at;
        return 0;
    }
    if (c->count == c->max) return err_set(e, G_DATA, "rows of more than %zu columns", c->max);
    if (c->count == c->cap && arrays_grow(c) < 0) return err_nomem(e);
    if (buf_append(&c->names, name, n) < 0) return err_nomem(e);
    if (hashmap_put(&c->index, name, n, c->count) < 0) {
        c->names.len -= n;
        return err_nomem(e);
    }
    c->name_ends[c->count] = c->names.len;
    c->cells[c->count] = (struct cell){.type = TOKEN_END};
    *ret = c->count++;
    return 0;
}

void columns_clear(struct columns *c) {
    for (size_t i = 0; i < c->count; i++) c->cells[i].type = TOKEN_END;
}

/* The column of a field that is at place `hint` in its object. */
static int column_of(struct columns *c, const struct json_field *f, size_t hint, bool grow, size_t *ret,
                     struct err *e) {
    const char *key = f->key;
    size_t n = f->key_size;
    if (n > 0 && memchr(key, '\\', n)) {
        buf_clear(&c->scratch);
        int rc = json_unescape(key - 1, n + 2, &c->scratch);
        if (rc == G_NOMEM) return err_nomem(e);
        if (rc == 0) {
            key = c->scratch.data;
            n = c->scratch.len;
        }
    }
    if (hint < c->count) {
        size_t size;
        const char *name = columns_name(c, hint, &size);
        if (size == n && memcmp(name, key, n) == 0) {
            *ret = hint;
            return 0;
        }
    }
    if (grow) return columns_add(c, key, n, ret, e);
    uint64_t at;
    if (!hashmap_get(&c->index, key, n, &at)) {
        int shown = n < 200 ? (int)n : 200;
        return err_set(e, G_DATA, "field '%.*s' is not in the header, which has the first record's fields", shown, key);
    }
    *ret = at;
    return 0;
}

int columns_fill(struct columns *c, const char *object, size_t n, bool grow, struct err *e) {
    columns_clear(c);
    struct json_fields fields = json_fields_of(object, n);
    struct json_field f;
    for (size_t hint = 0;; hint++) {
        int rc = json_field_next(&fields, &f);
        if (rc == 0) return 0;
        if (rc < 0) return err_set(e, G_DATA, "not a JSON object: a row needs one");
        size_t at;
        rc = column_of(c, &f, hint, grow, &at, e);
        if (rc < 0) return rc;
        c->cells[at] = (struct cell){.text = f.value, .size = f.value_size, .type = f.type};
    }
}
