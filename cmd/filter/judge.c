/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The verdict on each record, and runs of records with the same one: what passes is copied by the run, and a block
 * whose records all pass goes on as it is. Verdicts are found ahead by any thread (filter_look); records that turn out
 * to be bad are left to the turn of their block, as the stage alone knows what to do with them.
 */
#include "filter.h"

/* Records of a block that were judged alike. A note is an array of these. */
struct verdict_run {
    struct record_run records;
    uint64_t value_bytes;
    enum verdict verdict;
};

static void run_begin(struct verdict_run *run, enum verdict verdict) {
    *run = (struct verdict_run){.verdict = verdict, .records = {.min_time = NO_TIME, .max_time = NO_TIME}};
}

/* The record that the walk stands at joins the run. */
static void run_add(struct verdict_run *run, const struct record_walk *w, const struct record *r) {
    struct record_run *to = &run->records;
    if (to->count++ == 0) {
        to->records = w->body + w->record_at;
        to->first_delta = (uint32_t)w->last_delta;
    }
    to->size += w->at - w->record_at;
    to->last_delta = (uint32_t)w->last_delta;
    run->value_bytes += r->value_size;
    if (r->time == NO_TIME) return;
    if (to->min_time == NO_TIME || r->time < to->min_time) to->min_time = r->time;
    if (to->max_time == NO_TIME || r->time > to->max_time) to->max_time = r->time;
}

static int judge(const struct filter *f, struct expr_run *run, enum verdict *ret, struct err *e) {
    bool truth = false;
    int g = expr_true(run, f->expr, &truth, e);
    if (g == 0) *ret = truth == f->invert ? VERDICT_FAIL : VERDICT_PASS;
    return g;
}

int filter_look(void *ctx, unsigned thread, const struct block_origin *from, const char *body, struct buf *note) {
    struct filter *f = ctx;
    struct expr_run **run = &f->run[thread]; /* nobody else's */
    struct err why;
    if (!*run && expr_run_new(f->set, run, &why) < 0) return -1;
    struct record_walk w;
    struct record r;
    struct verdict_run now;
    run_begin(&now, VERDICT_BAD);
    record_walk_init(&w, from->h, body, SIZE_MAX);
    while (record_next_checked(&w, &r)) {
        enum verdict v = VERDICT_BAD;
        record_begin_ahead(*run, from, body, &r);
        if (judge(f, *run, &v, &why) < 0) v = VERDICT_BAD;
        if (v != now.verdict) {
            if (now.records.count && buf_append(note, &now, sizeof now) < 0) return -1;
            run_begin(&now, v);
        }
        run_add(&now, &w, &r);
    }
    return buf_append(note, &now, sizeof now);
}

/* What was judged alike goes to its places. */
static int end_run(struct filter *f, struct stage *s, const struct block *b, const struct verdict_run *run,
                   struct err *e) {
    if (run->records.count == 0) return 0;
    if (run->verdict == VERDICT_PASS) {
        f->passed += run->records.count;
        f->passed_bytes += run->value_bytes;
    }
    return f->routes.takes & run->verdict ? route_run(&f->routes, s, b, run->verdict, &run->records, e) : 0;
}

/* The verdict in its turn; a bad record is told to the stage, which knows the policy. */
static int judge_in_turn(struct filter *f, struct stage *s, const struct record *r, enum verdict *ret, struct err *e) {
    int g = stage_check(s, r, e);
    record_begin(f->run[0], s, r);
    if (g == 0) g = judge(f, f->run[0], ret, e);
    if (g != G_DATA) return g;
    *ret = VERDICT_BAD;
    return stage_bad(s, r, e);
}

/* Records of a block without a note, or those of it that were found to be bad. */
static int judge_records(struct filter *f, struct stage *s, const struct block *b, struct record_walk *w,
                         struct err *e) {
    struct record r;
    struct verdict_run now;
    int g;
    run_begin(&now, VERDICT_BAD);
    while ((g = record_next(w, &r, e)) > 0) {
        enum verdict v = VERDICT_BAD;
        g = judge_in_turn(f, s, &r, &v, e);
        if (g < 0) break;
        if (v != now.verdict) {
            g = end_run(f, s, b, &now, e);
            if (g < 0) return g;
            run_begin(&now, v);
        }
        run_add(&now, w, &r);
    }
    struct err late;
    int ended = end_run(f, s, b, &now, g < 0 ? &late : e); /* what came before a fault counts */
    return g < 0 ? g : ended;
}

/* A walk over the records of a run alone. */
static void walk_run(struct record_walk *w, struct block_header *h, const struct block *b,
                     const struct record_run *run) {
    *h = b->h;
    h->raw_size = (uint32_t)run->size;
    h->records = run->count;
    record_walk_init(w, h, run->records, SIZE_MAX);
}

static int follow_note(struct filter *f, struct stage *s, const struct block *b, struct err *e) {
    const struct verdict_run *run = (const struct verdict_run *)(const void *)s->note;
    size_t n = s->note_size / sizeof *run;
    int g = 0;
    for (size_t i = 0; g == 0 && i < n; i++) {
        struct record_walk w;
        struct block_header h;
        if (run[i].verdict != VERDICT_BAD) {
            g = end_run(f, s, b, &run[i], e);
            continue;
        }
        walk_run(&w, &h, b, &run[i].records);
        g = judge_records(f, s, b, &w, e);
    }
    return g;
}

int filter_block(void *ctx, struct stage *s, const struct block *b, struct err *e) {
    struct record_walk w;
    if (s->note) return follow_note(ctx, s, b, e);
    record_walk_init(&w, &b->h, b->body, SIZE_MAX);
    return judge_records(ctx, s, b, &w, e);
}

int filter_record(void *ctx, struct stage *s, const struct record *in, struct err *e) {
    struct filter *f = ctx;
    struct record r = *in;
    enum verdict verdict = VERDICT_BAD;
    record_begin(f->run[0], s, &r);
    if (f->time.used) {
        int g = time_field_get(&f->time, f->run[0], &r.time, e);
        if (g < 0) return g;
        record_begin(f->run[0], s, &r); /* $time is known now */
    }
    int g = judge(f, f->run[0], &verdict, e);
    if (g < 0) return g;
    f->passed += verdict == VERDICT_PASS;
    f->passed_bytes += verdict == VERDICT_PASS ? r.value_size : 0;
    return f->routes.takes & verdict ? route_record(&f->routes, s, verdict, &r, e) : 0;
}
