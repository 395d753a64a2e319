/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From records to rows: the time, the group and the arguments of the aggregates, which depend on the record alone, so
 * that any thread can find them ahead of the record's turn. What cannot be evaluated is left to that turn.
 */
#include "window.h"

#include <stdlib.h>

void evaluator_release(struct evaluator *v) {
    expr_run_free(v->run);
    buf_release(&v->texts);
}

static int append_canonical(struct evaluator *v, struct value x, struct buf *out, struct err *e) {
    if (value_write_key(expr_heap(v->run), x, out) == 0) return 0;
    return err_set(e, G_DATA, "value is too large or too deeply nested");
}

/* ---- the group ---- */

static int append_group(struct evaluator *v, struct buf *out, uint32_t *ret_size, struct err *e) {
    const struct program *p = &v->w->program;
    size_t at = out->len;
    for (size_t i = 0; i < p->group_count; i++) {
        struct value x;
        int g = expr_first(v->run, p->groups[i].expr, &x, e);
        if (g < 0) return g;
        if (i && buf_putc(out, ',') < 0) return err_nomem(e);
        g = append_canonical(v, g == 0 ? value_null() : x, out, e);
        if (g < 0) return g;
    }
    if (out->len - at > GROUP_KEY_MAX)
        return err_set(e, G_DATA, "group of %zu bytes is over the limit of %d", out->len - at, GROUP_KEY_MAX);
    *ret_size = (uint32_t)(out->len - at);
    return 0;
}

/* ---- the arguments ---- */

static int not_a_number(struct evaluator *v, size_t call, struct value x) {
    const struct aggregate_call *c = &v->w->program.aggregates->calls[call];
    struct buf text = {0};
    int g = expr_value_write(v->run, x, &text, v->e);
    if (g == 0)
        g = err_set(v->e, G_DATA, "%.*s: %.*s%s is not a number", (int)(c->text_size > 200 ? 200 : c->text_size),
                    c->text, text.len > 60 ? 60 : (int)text.len, text.data, text.len > 60 ? "…" : "");
    buf_release(&text);
    return g;
}

/* Numbers that are equal are equal cells, whichever way they were written. */
static void set_number(struct value x, struct row_cell *c) {
    double d;
    c->type = CELL_INT;
    if (value_number(x, &c->i, &d)) return;
    if (d >= -0x1p53 && d <= 0x1p53 && d == (double)(int64_t)d) {
        c->i = (int64_t)d;
    } else {
        c->type = CELL_DOUBLE;
        c->d = d;
    }
}

/* Where its text is in `texts`, until the row is put together. */
static int set_text(struct evaluator *v, struct value x, struct row_cell *c) {
    size_t at = v->texts.len;
    int g = append_canonical(v, x, &v->texts, v->e);
    c->type = CELL_TEXT;
    c->text.at = (uint32_t)at;
    c->text.n = (uint32_t)(v->texts.len - at);
    return g;
}

/* One result of an argument becomes a cell for one of the calls that have it; `number` is its cell if it is one. */
static int take_result(struct evaluator *v, uint32_t call, struct value x, const struct row_cell *number) {
    enum aggregate_input input = v->w->program.inputs[call];
    if (x.kind == VK_NULL && input != INPUT_TRUTH) return 0;
    if (buf_reserve(v->out, sizeof(struct row_cell)) < 0) return err_nomem(v->e);
    struct row_cell *c = (struct row_cell *)(void *)(v->out->data + v->out->len);
    v->out->len += sizeof *c;
    c->call = call; /* by member: a copy of the whole would wait for its parts to be written */
    c->type = input == INPUT_TRUTH ? (uint32_t)(value_truthy(x) ? CELL_TRUE : CELL_FALSE) : number->type;
    c->i = number->i;
    if (x.kind == VK_NUMBER || input == INPUT_TRUTH) return 0;
    return input == INPUT_NUMBER ? not_a_number(v, call, x) : set_text(v, x, c);
}

static int take_results(void *ctx, struct expr_run *run, struct value x) {
    struct evaluator *v = ctx;
    const struct program *p = &v->w->program;
    struct row_cell number = {.type = CELL_NONE};
    int g = 0;
    (void)run;
    if (x.kind == VK_NUMBER) set_number(x, &number);
    for (const uint32_t *call = p->users[v->argument]; g == 0 && *call != NO_CALL; call++)
        g = take_result(v, *call, x, &number);
    return g;
}

static int append_cells(struct evaluator *v, struct buf *out, uint32_t *ret_count, struct err *e) {
    const struct program *p = &v->w->program;
    size_t at = out->len;
    int g = 0;
    buf_clear(&v->texts);
    v->out = out;
    v->e = e;
    for (v->argument = 0; g == 0 && v->argument < p->argument_count; v->argument++)
        g = expr_each(v->run, p->arguments[v->argument], take_results, v, e);
    *ret_count = (uint32_t)((out->len - at) / sizeof(struct row_cell));
    return g;
}

/* ---- the row ---- */

static int find_time(struct evaluator *v, const struct record *r, int64_t *ret, struct err *e) {
    const struct time_field *f = &v->w->program.time;
    struct value x;
    *ret = r->time;
    if (f->used && window_is_all(v->w)) { /* there may be none */
        int g = expr_first(v->run, f->expr, &x, e);
        *ret = NO_TIME;
        if (g <= 0 || x.kind == VK_NULL) return g < 0 ? g : 0;
    }
    if (f->used) return time_field_get(f, v->run, ret, e);
    if (r->time == NO_TIME && !window_is_all(v->w))
        return err_set(e, G_DATA, "record has no time; give it one with --time EXPR");
    return 0;
}

/* Texts lie behind all else, at a multiple of 8 with what follows. */
static int append_texts(const struct evaluator *v, struct buf *out, size_t at, uint32_t cells) {
    size_t texts_at = out->len - at, padding = (size_t)(-(texts_at + v->texts.len) & 7);
    if (buf_reserve(out, v->texts.len + padding) < 0) return G_NOMEM;
    if (v->texts.len) {
        struct row_cell *c = (struct row_cell *)(void *)(out->data + at + sizeof(struct row));
        for (uint32_t i = 0; i < cells; i++)
            if (c[i].type == CELL_TEXT) c[i].text.at += (uint32_t)texts_at;
        buf_append_fast(out, v->texts.data, v->texts.len);
    }
    memset(out->data + out->len, 0, padding);
    out->len += padding;
    return 0;
}

int row_append(struct evaluator *v, const struct record *r, struct buf *out, struct err *e) {
    uint32_t cells = 0, key_size = 0;
    int64_t time;
    size_t at = out->len;
    int g = find_time(v, r, &time, e);
    if (g == 0) g = buf_reserve(out, sizeof(struct row)) < 0 ? err_nomem(e) : 0;
    if (g == 0) out->len += sizeof(struct row); /* filled in below */
    if (g == 0) g = append_cells(v, out, &cells, e);
    if (g == 0) g = append_group(v, out, &key_size, e);
    if (g < 0) return g;
    uint64_t hash = table_hash(&v->w->program.key, out->data + out->len - key_size, key_size);
    if (append_texts(v, out, at, cells) < 0) return err_nomem(e);
    if (out->len - at > UINT32_MAX / 2) return err_set(e, G_DATA, "the arguments of the aggregates are too large");
    struct row *row = (struct row *)(void *)(out->data + at);
    row->size = (uint32_t)(out->len - at);
    row->key_size = key_size;
    row->cells = cells;
    row->left = row->record_at = row->record_size = 0;
    row->time = time;
    row->hash = hash;
    return 0;
}

static int append_left(struct buf *note) {
    const struct row row = {.size = sizeof row, .left = 1};
    return buf_append(note, &row, sizeof row);
}

int window_look(void *ctx, unsigned thread, const struct block_origin *from, const char *body, struct buf *note) {
    struct window *w = ctx;
    struct evaluator *v = &w->evaluators[thread]; /* nobody else's */
    struct record_walk walk;
    struct record r;
    struct err why;
    v->w = w;
    if (!v->run && expr_run_new(w->program.records, &v->run, &why) < 0) return -1;
    record_walk_init(&walk, from->h, body, SIZE_MAX);
    while (record_next_checked(&walk, &r)) {
        size_t at = note->len;
        record_begin_ahead(v->run, from, body, &r);
        if (row_append(v, &r, note, &why) < 0) {
            note->len = at;
            if (append_left(note) < 0) return -1;
        }
        struct row *row = (struct row *)(void *)(note->data + at);
        row->record_at = (uint32_t)walk.record_at;
        row->record_size = (uint32_t)(walk.at - walk.record_at);
    }
    return 0;
}

/* ---- accumulators ---- */

int row_apply(const struct program *p, const struct row *r, int64_t time, void *value, struct arena *arena) {
    static const struct cell none = {.type = CELL_NONE};
    int g = 0;
    for (const uint32_t *i = p->bare; g == 0 && *i != NO_CALL; i++)
        g = aggregate_add(&p->calls[*i], (char *)value + p->calls[*i].offset, arena, &none, time);
    const struct row_cell *c = row_cells(r);
    for (uint32_t i = 0; g == 0 && i < r->cells; i++) {
        const struct aggregate *a = &p->calls[c[i].call];
        struct cell cell = row_cell(r, &c[i]);
        g = aggregate_add(a, (char *)value + a->offset, arena, &cell, time);
    }
    return g;
}

int values_merge(const struct program *p, void *value, struct arena *arena, const void *from) {
    int g = 0;
    for (size_t i = 0; g == 0 && i < p->aggregates->n; i++) {
        const struct aggregate *a = &p->calls[i];
        g = aggregate_merge(a, (char *)value + a->offset, arena, (const char *)from + a->offset);
    }
    return g;
}

void values_clear(const struct program *p, void *value, struct arena *arena) {
    for (size_t i = 0; i < p->aggregates->n; i++)
        aggregate_clear(&p->calls[i], (char *)value + p->calls[i].offset, arena);
}

int values_save(const struct program *p, const void *value, struct buf *out) {
    int g = 0;
    for (size_t i = 0; g == 0 && i < p->aggregates->n; i++)
        g = aggregate_save(&p->calls[i], (const char *)value + p->calls[i].offset, out);
    return g;
}

int values_load(const struct program *p, void *value, struct arena *arena, const char **at, const char *end,
                struct err *e) {
    int g = 0;
    for (size_t i = 0; g == 0 && i < p->aggregates->n; i++)
        g = aggregate_load(&p->calls[i], (char *)value + p->calls[i].offset, arena, at, end, e);
    return g;
}
