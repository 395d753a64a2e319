/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The names of a table's rows, and which of them a record has: looked for in one pass over its text, together with the
 * key, for which the other members need not be taken apart. See join.h.
 */
#include "join.h"

#include "json/scan.h"

void names_release(struct row_names *x) {
    json_fields_release(&x->fields);
    json_fields_release(&x->key_field);
}

/* Where in by_hash a name is, or would be. */
static uint8_t *place_of(struct row_names *x, const char *p, size_t n) {
    size_t h = n * 31 + (n ? (unsigned char)p[0] * 7u + (unsigned char)p[n / 2] * 5u + (unsigned char)p[n - 1] : 0);
    for (;; h++) {
        uint8_t *at = &x->by_hash[h % sizeof x->by_hash];
        if (*at == 0) return at;
        const struct json_name *name = &x->name[*at - 1];
        if (name->n == n && memcmp(name->p, p, n) == 0) return at;
    }
}

/* NAMES_MAX: there are too many, or there is no memory. */
static uint32_t number_of(struct row_names *x, struct arena *arena, const char *p, size_t n) {
    uint8_t *at = place_of(x, p, n);
    if (*at) return *at - 1u;
    char *copy = x->count < NAMES_MAX ? arena_alloc(arena, n + 1) : NULL;
    if (!copy) return NAMES_MAX;
    memcpy(copy, p, n);
    x->name[x->count] = (struct json_name){copy, n};
    *at = (uint8_t)++x->count;
    return x->count - 1;
}

void names_number(struct row_names *x, struct arena *arena, struct row *row) {
    const char *p = row_text(row);
    for (uint32_t i = 0; i < row->members && !x->too_many; p += row->member[i++].size + 1) {
        bool escaped;
        const char *quote = json_scan_string(p + 1, p + row->member[i].size, &escaped);
        uint32_t number = quote ? number_of(x, arena, p + 1, (size_t)(quote - p - 1)) : NAMES_MAX;
        x->too_many = number == NAMES_MAX;
        row->member[i].number = (uint8_t)number;
    }
}

/* The name of a row is spelled canonically. */
static int add_spelled(struct json_fields *f, const struct json_name *name, struct buf *scratch, uint32_t *ret_slot) {
    if (!memchr(name->p, '\\', name->n)) return json_fields_add(f, name, 1, ret_slot);
    struct buf quoted = {0};
    buf_clear(scratch);
    int g = buf_putc(&quoted, '"');
    if (g == 0) g = buf_append(&quoted, name->p, name->n);
    if (g == 0) g = buf_putc(&quoted, '"');
    if (g == 0) g = json_unescape(quoted.data, quoted.len, scratch);
    buf_release(&quoted);
    const struct json_name plain = {scratch->data, scratch->len};
    return g < 0 ? g : json_fields_add(f, &plain, 1, ret_slot);
}

static int compile(struct row_names *x) {
    struct buf scratch = {0};
    struct json_name nested = {x->nested, x->nested ? strlen(x->nested) : 0};
    json_fields_release(&x->fields);
    int g = json_fields_init(&x->fields);
    if (g == 0 && x->key.p) g = json_fields_add(&x->fields, &x->key, 1, &x->key_slot);
    if (g == 0 && nested.p) g = json_fields_add(&x->fields, &nested, 1, &x->nested_slot);
    for (uint32_t i = 0; g == 0 && i < x->count; i++) g = add_spelled(&x->fields, &x->name[i], &scratch, &x->slot[i]);
    if (g == 0) g = json_fields_compile(&x->fields);
    buf_release(&scratch);
    return g;
}

static int compile_key(struct row_names *x) {
    uint32_t slot;
    if (!x->key.p) return 0;
    json_fields_release(&x->key_field);
    int g = json_fields_init(&x->key_field);
    if (g == 0) g = json_fields_add(&x->key_field, &x->key, 1, &slot);
    return g < 0 ? g : json_fields_compile(&x->key_field);
}

void names_settle(struct row_names *x) {
    if (x->compiled == x->count + 1) return;
    x->compiled = compile_key(x) == 0 && compile(x) == 0 ? x->count + 1 : 0;
}

static const char *skip_space_back(const char *from, const char *end) {
    while (end > from && (end[-1] == ' ' || end[-1] == '\n' || end[-1] == '\t' || end[-1] == '\r')) end--;
    return end;
}

bool names_find(const struct row_names *x, const char *text, size_t n, size_t slack, struct place *ret) {
    struct json_slice found[NAMES_MAX + 2];
    if (x->too_many || x->compiled != x->count + 1) return false;
    const char *begin = json_scan_space(text, text + n), *end = skip_space_back(begin, text + n);
    if (end - begin < 2 || *begin != '{' || end[-1] != '}') return false;
    (void)json_fields_find(&x->fields, text, n, slack, found);
    *ret = (struct place){.last = skip_space_back(begin, end - 1)};
    if (x->key.p) ret->key = found[x->key_slot];
    if (x->nested) ret->value = found[x->nested_slot];
    for (uint32_t i = 0; i < x->count; i++) ret->there |= (uint64_t)(found[x->slot[i]].p != NULL) << i;
    ret->empty = ret->last == begin + 1;
    return true;
}

bool names_find_key(const struct row_names *x, const char *text, size_t n, size_t slack, struct json_slice *ret) {
    const char *begin = json_scan_space(text, text + n);
    if (!x->key.p || x->compiled == 0 || begin == text + n || *begin != '{') return false;
    (void)json_fields_find(&x->key_field, text, n, slack, ret);
    return true;
}
