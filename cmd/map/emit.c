/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where results go: to the stage, one by one, or encoded into a note when a block is looked at ahead of its turn. What
 * cannot be done ahead, bad records above all, is left to the turn of its block.
 */
#include "map.h"

#include "stream/pieces.h"

#define LEFT_BAD 1 /* the only reason for a record to be left */

/* ---- ahead ---- */

/* A record of which only the value changes is made where it stays. 1 when it was; 0 when it is not so simple; or what
 * is wrong with it. */
static int note_value(struct pieces *n, struct maker *k, const struct map *m, struct record *r, struct err *e) {
    if (pieces_open(n, r) < 0) return err_nomem(e);
    int g = maker_write_value(k, m, r, n->bytes, e);
    if (g <= 0) pieces_cancel(n);
    return g;
}

static int note_results(struct pieces *n, const struct maker *k, struct record *r) {
    int g = 0;
    for (size_t i = 0; g == 0 && i < maker_count(k); i++) {
        maker_value(k, i, r);
        g = pieces_record(n, r);
    }
    return g;
}

/* The record that the walk stands at, with all its results, or as one that is left over. */
static int note_outcome(struct pieces *n, struct maker *k, const struct map *m, const struct record_walk *w,
                        struct record *in) {
    struct record r;
    struct err why;
    int g = note_value(n, k, m, in, &why);
    if (g > 0) return pieces_close(n, in);
    if (g == 0) g = maker_run(k, m, in, &r, &why);
    return g < 0 ? pieces_leave(n, w->record_at, w->at, LEFT_BAD) : note_results(n, k, &r);
}

int map_look(void *ctx, unsigned thread, const struct block_origin *from, const char *body, struct buf *note) {
    struct map *m = ctx;
    struct maker *k = &m->makers[thread]; /* nobody else's */
    struct pieces n;
    struct record_walk w;
    struct record in;
    struct err why;
    if (!k->run && expr_run_new(m->set, &k->run, &why) < 0) return -1;
    record_walk_init(&w, from->h, body, SIZE_MAX);
    int g = pieces_begin(&n, note);
    while (g == 0 && record_next_checked(&w, &in)) {
        if (in.value_type == VALUE_NONE) {
            g = pieces_record(&n, &in);
            continue;
        }
        record_begin_ahead(k->run, from, body, &in);
        g = note_outcome(&n, k, m, &w, &in);
    }
    return pieces_end(&n, g);
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

/* Records that were left over, at their place in the block. */
static int map_left(struct map *m, struct stage *s, const struct block *b, const struct piece *left, struct err *e) {
    struct block_header h;
    struct record_walk w;
    piece_walk(&w, &h, &b->h, b->body, left);
    return map_walk(m, s, &w, e);
}

static int follow_note(struct map *m, struct stage *s, const struct block *b, struct err *e) {
    struct piece p;
    size_t at = 0;
    int g = 0;
    while (g == 0 && pieces_next(s->note, s->note_size, &at, &p)) {
        if (p.left) {
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
