/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where results go: to the stage, one by one, or encoded into a note when a block is looked at ahead of its turn. What
 * cannot be done ahead, bad records above all, is left to the turn of its block.
 */
#include <stdlib.h>

#include "map.h"

#define NOTE_MAX_BYTES (1u << 20)  /* what is larger is not done ahead */
#define NOTE_KEEP_BYTES (2u << 20) /* of memory, for the next note */

/* A piece of a note: so many encoded records behind it, or, with count 0, a record of the block that is left over. */
struct piece {
    struct record_run run;
    uint64_t value_bytes;
    size_t left_at, left_size; /* in the block's body */
};

/* ---- ahead ---- */

struct note {
    struct buf *bytes;
    struct piece now;
    size_t now_at; /* where it is in the note, filled in at its end */
};

static int piece_begin(struct note *n) {
    n->now = (struct piece){.run = {.min_time = NO_TIME, .max_time = NO_TIME}};
    n->now_at = n->bytes->len;
    return buf_append(n->bytes, &n->now, sizeof n->now);
}

static void piece_end(struct note *n) {
    n->now.run.size = n->bytes->len - n->now_at - sizeof n->now;
    n->now.run.last_delta = n->now.run.count - 1;
    memcpy(n->bytes->data + n->now_at, &n->now, sizeof n->now);
    if (n->now.run.count == 0) n->bytes->len = n->now_at;
}

/* One more record is in the note. */
static void note_count(struct note *n, const struct record *r, size_t value_size) {
    struct record_run *run = &n->now.run;
    run->count++;
    n->now.value_bytes += value_size;
    if (r->time == NO_TIME) return;
    if (run->min_time == NO_TIME || r->time < run->min_time) run->min_time = r->time;
    if (run->max_time == NO_TIME || r->time > run->max_time) run->max_time = r->time;
}

static int note_record(struct note *n, const struct record *r) {
    size_t size = record_size(r);
    if (n->bytes->len + size > NOTE_MAX_BYTES || buf_reserve(n->bytes, size) < 0) return G_NOMEM;
    record_encode(r, n->now.run.count, n->bytes->data + n->bytes->len);
    n->bytes->len += size;
    note_count(n, r, r->value_size);
    return 0;
}

/* A record of which only the value changes is made where it stays, its header last. 1 when it was; 0 when it is not so
 * simple; or what is wrong with it. */
static int note_value(struct note *n, struct maker *k, const struct map *m, struct record *r, struct err *e) {
    size_t at = n->bytes->len, head = record_size(r) - r->value_size;
    if (buf_reserve(n->bytes, head) < 0) return err_nomem(e);
    n->bytes->len += head;
    int g = maker_write_value(k, m, r, n->bytes, e);
    if (g <= 0) {
        n->bytes->len = at;
        return g;
    }
    size_t size = n->bytes->len - at;
    r->value_size = 0; /* it is there */
    record_encode(r, n->now.run.count, n->bytes->data + at);
    put_u32_le(n->bytes->data + at, (uint32_t)size);
    note_count(n, r, size - head);
    return 1;
}

static int note_left(struct note *n, const struct record_walk *w) {
    struct piece left = {.left_at = w->record_at, .left_size = w->at - w->record_at};
    piece_end(n);
    if (buf_append(n->bytes, &left, sizeof left) < 0) return G_NOMEM;
    return piece_begin(n);
}

static int note_results(struct note *n, const struct maker *k, struct record *r) {
    int g = 0;
    for (size_t i = 0; g == 0 && i < maker_count(k); i++) {
        maker_value(k, i, r);
        g = note_record(n, r);
    }
    return g;
}

/* The record that the walk stands at, with all its results, or as one that is left over. */
static int note_outcome(struct note *n, struct maker *k, const struct map *m, const struct record_walk *w,
                        struct record *in) {
    struct record r;
    struct err why;
    int g = note_value(n, k, m, in, &why);
    if (g > 0) return n->bytes->len > NOTE_MAX_BYTES ? G_NOMEM : 0;
    if (g == 0) g = maker_run(k, m, in, &r, &why);
    return g < 0 ? note_left(n, w) : note_results(n, k, &r);
}

/* What one large result took is not kept for the notes to come. */
static void trim(struct buf *note) {
    if (note->cap <= NOTE_KEEP_BYTES) return;
    char *p = realloc(note->data, note->len + 1);
    if (!p) return;
    note->data = p;
    note->cap = note->len + 1;
}

int map_look(void *ctx, unsigned thread, const struct block_origin *from, const char *body, struct buf *note) {
    struct map *m = ctx;
    struct maker *k = &m->makers[thread]; /* nobody else's */
    struct note n = {.bytes = note};
    struct record_walk w;
    struct record in;
    struct err why;
    size_t begin = note->len;
    if (!k->run && expr_run_new(m->set, &k->run, &why) < 0) return -1;
    record_walk_init(&w, from->h, body, SIZE_MAX);
    int g = piece_begin(&n);
    while (g == 0 && record_next_checked(&w, &in)) {
        if (in.value_type == VALUE_NONE) {
            g = note_record(&n, &in);
            continue;
        }
        record_begin_ahead(k->run, from, body, &in);
        g = note_outcome(&n, k, m, &w, &in);
    }
    if (g == 0)
        piece_end(&n);
    else
        note->len = begin;
    trim(note);
    return g;
}

/* ---- in turn ---- */

static int emit(struct map *m, struct stage *s, const struct record *r, struct err *e) {
    m->records_out++;
    m->bytes_out += r->value_size;
    return stage_emit_derived(s, r, e);
}

int map_record(void *ctx, struct stage *s, const struct record *in, struct err *e) {
    struct map *m = ctx;
    struct maker *k = &m->makers[0];
    struct record r;
    if (in->value_type == VALUE_NONE) return emit(m, s, in, e);
    record_begin(k->run, s, in);
    int g = maker_run(k, m, in, &r, e);
    for (size_t i = 0; g == 0 && i < maker_count(k); i++) {
        maker_value(k, i, &r);
        g = emit(m, s, &r, e);
    }
    return g;
}

static int map_walk(struct map *m, struct stage *s, struct record_walk *w, struct err *e) {
    struct record in;
    int g;
    while ((g = record_next(w, &in, e)) > 0) {
        g = stage_check(s, &in, e);
        if (g == 0) g = map_record(m, s, &in, e);
        if (g == G_DATA) g = stage_bad(s, &in, e);
        if (g < 0) return g;
    }
    return g;
}

/* One record that was left over, at its place in the block. */
static int map_left(struct map *m, struct stage *s, const struct block *b, const struct piece *left, struct err *e) {
    struct block_header h = b->h;
    struct record_walk w;
    h.raw_size = (uint32_t)left->left_size;
    h.records = 1;
    record_walk_init(&w, &h, b->body + left->left_at, SIZE_MAX);
    return map_walk(m, s, &w, e);
}

static int follow_note(struct map *m, struct stage *s, const struct block *b, struct err *e) {
    struct piece p;
    int g = 0;
    for (size_t at = 0; g == 0 && s->note_size - at >= sizeof p; at += sizeof p + p.run.size) {
        memcpy(&p, s->note + at, sizeof p);
        p.run.records = s->note + at + sizeof p;
        if (p.run.count == 0) {
            g = map_left(m, s, b, &p, e);
            continue;
        }
        m->records_out += p.run.count;
        m->bytes_out += p.value_bytes;
        g = stage_emit_run(s, &p.run, e);
    }
    return g;
}

int map_block(void *ctx, struct stage *s, const struct block *b, struct err *e) {
    struct record_walk w;
    if (s->note) return follow_note(ctx, s, b, e);
    record_walk_init(&w, &b->h, b->body, SIZE_MAX);
    return map_walk(ctx, s, &w, e);
}
