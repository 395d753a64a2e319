/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The turn of each record: its row is judged by the watermark that was before it, joins its windows, moves the
 * watermark, and that may complete windows. All of this is by record, never by block, so that the answer does not
 * depend on how the input was cut.
 */
#include "window.h"

#include "base/timefmt.h"
#include "sys/signals.h"
#include "sys/sys.h"

#define FETCH_AHEAD 8     /* rows, for each step */
#define CLOCK_RECORDS 256 /* text records between looks at the clock */

/* The words for what a kind of window could not do. */
static int explain(const struct window *w, int g, struct err *e) {
    return g == G_NOMEM ? budget_error(&w->budget, e) : g;
}

/* ---- when something is to be done ---- */

/* Without rows that wait. */
static void set_due(struct window *w) {
    w->due = w->kind->due(w);
    if (w->early_ns) window_due(w, w->early_at);
}

/* ---- the watermark moves ---- */

/* Does it come to a multiple of --early-every? Event time is at the same place in every run over the same records, so
 * early results are the same, too. */
static bool pass_early(struct window *w, int64_t mark) {
    if (!w->early_ns || mark < w->early_at) return false;
    bool first = w->early_at == INT64_MIN;
    int64_t beyond = mark % w->early_ns;
    if (beyond < 0) beyond += w->early_ns;
    w->early_at = time_add(time_add(mark, -beyond), w->early_ns);
    return !first && mark != WATERMARK_END;
}

/* What is complete at this watermark comes out. Where rows wait, early results are those of the multiple itself, as how
 * much further the watermark is depends on the order in which they came. */
static int come_to(struct window *w, struct stage *s, int64_t mark, struct err *e) {
    int64_t multiple = w->early_at;
    bool early = pass_early(w, mark);
    w->marks.now = early && w->pending.used ? multiple : mark;
    int g = w->kind->advance(w, s, e);
    if (g == 0 && early) g = w->kind->early(w, s, e);
    if (w->marks.now == mark) return g;
    w->marks.now = mark;
    return g == 0 ? w->kind->advance(w, s, e) : g;
}

/* Rows whose place in the order of event time is certain now, as if this were the order in which they came: the
 * watermark goes along with them. */
static int take_pending(struct window *w, struct stage *s, struct err *e) {
    const int64_t mark = w->marks.now;
    struct row *r;
    struct span span;
    int g = 0;
    set_due(w);
    while (g >= 0 && (r = pending_pop(w, mark))) {
        w->marks.now = r->time;
        if (r->time >= w->due) {
            g = come_to(w, s, r->time, e);
            set_due(w);
        }
        if (g >= 0) g = w->kind->add(w, s, r, &span, e);
        w->late.outside += g == ROW_OUTSIDE;
        pending_give(w, r);
    }
    w->marks.now = mark;
    return g < 0 ? g : 0;
}

/* Downstream may know that no result before this will follow; a correction would be one. */
static int tell_watermark(struct window *w, struct stage *s, struct err *e) {
    struct buf text = {0};
    int64_t mark = time_add(w->marks.now, -w->grace_ns);
    if (window_is_all(w) && mark > w->seen.end) mark = w->seen.end; /* the next result may have this time still */
    int g = control_watermark(&text, mark) < 0 ? err_nomem(e) : stage_control(s, &text, e);
    buf_release(&text);
    return g;
}

static int advance(struct window *w, struct stage *s, struct err *e) {
    uint64_t before = w->results.emitted;
    int g = w->pending.count ? take_pending(w, s, e) : 0;
    if (g == 0) g = come_to(w, s, w->marks.now, e);
    if (g == 0 && w->results.emitted != before && w->marks.now != WATERMARK_END) g = tell_watermark(w, s, e);
    set_due(w);
    if (w->pending.count) window_due(w, time_add(w->pending.heap[0]->time, 1));
    return explain(w, g, e);
}

static int watermark_moved(struct window *w, struct stage *s, struct err *e) {
    /* A stream may say that its event time is over; with --all, what follows is not late all the same. */
    if (window_is_all(w) && w->marks.now >= w->spans.high) w->marks.now = w->spans.high - 1;
    return w->marks.now >= w->due && w->marks.now != WATERMARK_NONE ? advance(w, s, e) : 0;
}

/* ---- one row ---- */

static int check_time(const struct window *w, int64_t time, struct err *e) {
    char text[TIME_TEXT_MAX];
    time_format_rfc3339(time, text);
    if (time > w->ahead_limit)
        return err_set(e, G_DATA, "its time %s is further ahead of the clock than --max-ahead allows", text);
    return err_set(e, G_DATA, "its time %s is outside of the years that windows can have", text);
}

/* `at` finds the record itself, for those few of which more than the row is needed. */
typedef int find_record(const void *at, const struct row *row, struct record *ret);

static int take_row(struct window *w, struct stage *s, const struct row *r, find_record *find, const void *at,
                    struct err *e) {
    struct span span;
    struct record record;
    const bool timed = r->time != NO_TIME; /* --all takes them without one */
    if (r->time > w->ahead_limit || !spans_covers(&w->spans, r->time)) return check_time(w, r->time, e);
    int g = w->pending.used && timed ? pending_add(w, s, r, &span, e) : w->kind->add(w, s, r, &span, e);
    if (g < 0) return explain(w, g, e);
    if (g == ROW_LATE) {
        g = find(at, r, &record);
        record.time = r->time;
        if (g == 0) g = late_put(w, s, &record, &span, e);
        if (g < 0) return g;
    } else if (g == ROW_OUTSIDE) {
        w->late.outside++;
    }
    if (!timed) return 0;
    if (r->time > s->counts.max_time) s->counts.max_time = r->time;
    watermarks_record(&w->marks, w->source, r->time);
    return watermark_moved(w, s, e);
}

static int copy_record(const void *at, const struct row *row, struct record *ret) {
    (void)row;
    *ret = *(const struct record *)at;
    return 0;
}

static void look_at_clock(struct window *w) {
    if (w->max_ahead_ns >= 0) w->ahead_limit = time_add(sys.wall_ns(), w->max_ahead_ns);
    if (w->marks.idle_timeout_ns >= 0) (void)watermarks_tick(&w->marks, sys.boot_ns());
}

static int find_source(struct window *w, struct stage *s, struct err *e) {
    look_at_clock(w);
    int g = watermarks_source(&w->marks, s->like->topic_id, s->like->partition, s->origin.topic, &w->source, e);
    return g < 0 ? g : watermark_moved(w, s, e);
}

static int take_record(struct window *w, struct stage *s, const struct record *r, struct err *e) {
    struct evaluator *v = &w->evaluators[0];
    buf_clear(&w->row);
    record_begin(v->run, s, r);
    int g = row_append(v, r, &w->row, e);
    if (g < 0) return g;
    return take_row(w, s, (const struct row *)(const void *)w->row.data, copy_record, r, e);
}

int window_record(void *ctx, struct stage *s, const struct record *r, struct err *e) {
    struct window *w = ctx;
    int timed = w->needs_time ? in_format_need_time(s->format, e) : 0;
    if (timed < 0) return timed;
    if (w->until_clock-- == 0) {
        w->until_clock = CLOCK_RECORDS;
        int g = find_source(w, s, e);
        if (g < 0) return g;
    }
    return take_record(w, s, r, e);
}

/* ---- blocks ---- */

/* The record of a row that was made ahead: it is still where it was. */
static int decode_record(const void *at, const struct row *row, struct record *ret) {
    const struct block *b = at;
    struct block_header h = b->h;
    struct record_walk walk;
    h.raw_size = row->record_size;
    h.records = 1;
    record_walk_init(&walk, &h, b->body + row->record_at, SIZE_MAX);
    walk.h = &h;
    if (!record_next_checked(&walk, ret)) return G_BUG;
    return 0;
}

static int take_in_turn(struct window *w, struct stage *s, const struct record *r, struct err *e) {
    int g = stage_check(s, r, e);
    if (g == 0) g = take_record(w, s, r, e);
    return g == G_DATA ? stage_bad(s, r, e) : g;
}

/* Rows ahead of the one in hand, for which memory is fetched in two steps: first where to look, then what is there. */
struct ahead {
    const char *at[2], *end;
};

static void ahead_begin(struct ahead *a, const char *rows, const char *end) {
    *a = (struct ahead){{rows, rows}, end};
    for (int step = 0; step < 2; step++)
        for (int i = 0; i < (2 - step) * FETCH_AHEAD && a->at[step] < end; i++)
            a->at[step] += ((const struct row *)(const void *)a->at[step])->size;
}

static void ahead_next(struct ahead *a, const struct window *w) {
    for (int step = 0; step < 2 && a->at[step] < a->end; step++) {
        const struct row *r = (const struct row *)(const void *)a->at[step];
        a->at[step] += r->size;
        if (!r->left) w->kind->expect(w, r, step);
    }
}

static int take_note(struct window *w, struct stage *s, const struct block *b, struct err *e) {
    const char *p = s->note, *end = p + s->note_size;
    struct ahead ahead;
    struct record r;
    int g = 0;
    ahead_begin(&ahead, p, end);
    while (g == 0 && p < end) {
        const struct row *row = (const struct row *)(const void *)p;
        p += row->size;
        if (w->kind->expect) ahead_next(&ahead, w);
        if (!row->left) g = take_row(w, s, row, decode_record, b, e);
        if (!row->left && g != G_DATA) continue;
        struct err why = *e;
        if (decode_record(b, row, &r) < 0) return err_set(e, G_BUG, "a record is not where it was");
        *e = why;
        g = row->left ? take_in_turn(w, s, &r, e) : stage_bad(s, &r, e);
    }
    return g;
}

int window_block(void *ctx, struct stage *s, const struct block *b, struct err *e) {
    struct window *w = ctx;
    struct record_walk walk;
    struct record r;
    int g = find_source(w, s, e);
    if (g < 0) return g;
    if (s->note) return take_note(w, s, b, e);
    record_walk_init(&walk, &b->h, b->body, s->config->input.record_limit);
    while ((g = record_next(&walk, &r, e)) > 0) {
        g = take_in_turn(w, s, &r, e);
        if (g < 0) return g;
    }
    return g;
}

/* ---- control blocks, idleness, the end ---- */

int window_control(void *ctx, struct stage *s, const struct block *b, struct err *e) {
    struct window *w = ctx;
    const json_t *checkpoint = json_object_get(b->control.json, "checkpoint");
    int g;
    switch (b->control.type) {
    case CONTROL_SOURCE:
    case CONTROL_WATERMARK:
    case CONTROL_IDLE: g = watermarks_control(&w->marks, b, e); return g < 0 ? g : watermark_moved(w, s, e);
    case CONTROL_BARRIER:
        if (!w->state) return err_set(e, G_USAGE, "windows cannot go on after a restart without --state DIR");
        if (!json_is_integer(checkpoint) || json_integer_value(checkpoint) < 0)
            return err_set(e, G_CORRUPT, "a barrier has no checkpoint number");
        g = resume_save(w, json_integer_value(checkpoint), e);
        return g < 0 ? g : stage_pass(s, b, e);
    default: return stage_pass(s, b, e);
    }
}

/* Nothing comes for now: a source may be idle for too long. */
int window_idle(void *ctx, struct stage *s, struct err *e) {
    struct window *w = ctx;
    if (w->marks.idle_timeout_ns < 0) return 0;
    s->wake_ns = watermarks_tick(&w->marks, sys.boot_ns());
    w->until_clock = 0; /* the next record comes after a wait */
    return watermark_moved(w, s, e);
}

int window_end(void *ctx, struct stage *s, struct err *e) {
    struct window *w = ctx;
    if (w->state && !w->drain) return resume_save(w, -1, e);
    w->marks.now = WATERMARK_END;
    int g = advance(w, s, e);
    if (g == 0 && w->state) g = resume_save(w, -1, e);
    return g;
}
