/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The names of a table's rows, and which of them a record has: looked for in one pass over its text, together with the
 * key, for which the other members need not be taken apart. See join.h.
 */
#include "join.h"

#include "json/scan.h"

void names_release(struct row_names *x) {
    json_fields_release(&x->fields);
}

/* The number of a name; most rows have the names of the one before them, in their order. NAMES_MAX: there are too many,
 * or there is no memory. */
static uint32_t number_of(struct row_names *x, struct arena *arena, const char *p, uint32_t n, uint32_t likely) {
    for (uint32_t i = 0; i < x->count; i++) {
        uint32_t at = (likely + i) % x->count;
        if (x->name[at].n == n && memcmp(x->name[at].p, p, n) == 0) return at;
    }
    char *copy = x->count < NAMES_MAX ? arena_alloc(arena, n + 1) : NULL;
    if (!copy) return NAMES_MAX;
    memcpy(copy, p, n);
    x->name[x->count] = (struct json_name){copy, n};
    return x->count++;
}

void names_number(struct row_names *x, struct arena *arena, struct row *row) {
    const char *p = row_text(row);
    for (uint32_t i = 0; i < row->members && !x->too_many; p += row->member[i++].size + 1) {
        uint32_t number = number_of(x, arena, p + 1, row->member[i].name_size, i);
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

void names_settle(struct row_names *x) {
    if (x->compiled == x->count + 1) return;
    x->compiled = compile(x) == 0 ? x->count + 1 : 0;
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
