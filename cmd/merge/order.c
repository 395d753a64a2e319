/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whose turn it is. Each input is complete up to its own watermark, the stream up to the least of them, and the input
 * that has this one is the only one that is read: no other could move the stream on. So little is held: what an input
 * has out of order, and a record of each.
 */
#include <stdlib.h>

#include "cli/diag.h"
#include "merge.h"
#include "sys/sys.h"

#define TELL_RECORDS 4096 /* downstream hears of event time at least once in so many records */

/* ---- marks ---- */

static bool has_sources(const struct input *in) {
    return in->marks.count > 0 || in->marks.whole != WATERMARK_NONE;
}

static void set_mark(struct input *in) {
    size_t idle = 0;
    for (size_t i = 0; i < in->marks.count; i++) idle += in->marks.sources[i].idle;
    if (has_sources(in)) in->mark = in->marks.now;
    if (in->marks.count) in->idle = idle == in->marks.count;
}

/* The least mark of inputs that hold the others back, but for `but`. */
static struct bound least(const struct merge *m, size_t but) {
    struct bound b = {WATERMARK_END, SIZE_MAX};
    for (size_t i = 0; i < m->count; i++) {
        const struct input *in = &m->inputs[i];
        if (i == but || in->ended || in->idle) continue;
        if (b.which == SIZE_MAX || in->mark < b.mark) b = (struct bound){in->mark, i};
    }
    if (b.which != SIZE_MAX || but != SIZE_MAX) return b;
    for (size_t i = 0; i < m->count; i++) { /* all are idle: the furthest counts */
        const struct input *in = &m->inputs[i];
        if (in->ended) continue;
        if (b.which == SIZE_MAX || in->mark > b.mark) b = (struct bound){in->mark, i};
    }
    return b;
}

static int tell_watermark(struct merge *m, struct stage *s, int64_t mark, struct err *e) {
    struct buf text = {0};
    m->untold = 0;
    if (mark == WATERMARK_NONE || mark == WATERMARK_END || mark <= m->told) return 0;
    m->told = mark;
    int g = control_watermark(&text, mark) < 0 ? err_nomem(e) : stage_control(s, &text, e);
    buf_release(&text);
    return g;
}

/* ---- records ---- */

int merge_emit(struct merge *m, struct stage *s, const struct record *r, struct err *e) {
    m->emitted++;
    m->bytes += r->value_size;
    return stage_emit(s, r, e);
}

static int emit_in_order(struct merge *m, struct stage *s, const struct record *r, struct err *e) {
    if (r->time > m->written) m->written = r->time;
    m->untold++;
    return merge_emit(m, s, r, e);
}

/* The first of those that wait is the one in hand now. */
static int emit_held(struct merge *m, struct stage *s, struct err *e) {
    struct held *held = held_pop(&m->held);
    struct record r;
    held_record(held, &r);
    const struct block_header *h = &held->place->h;
    s->like = h;
    s->origin = (struct record_origin){.topic = h->topic_id ? sources_find(&s->sources, h->topic_id) : NULL,
                                       .partition = h->partition};
    int g = emit_in_order(m, s, &r, e);
    held_give(&m->held, held);
    return g;
}

/* All that can leave. */
static int emit_until(struct merge *m, struct stage *s, const struct bound *b, struct err *e) {
    const struct held *first;
    int g = 0;
    while (g == 0 && (first = held_first(&m->held)) && bound_before(first->time, first->which, b))
        g = emit_held(m, s, e);
    return g;
}

static int hold(struct merge *m, size_t which, const struct feed_item *item, const struct record *r, struct err *e) {
    struct input *in = &m->inputs[which];
    if (!in->place) {
        if (!(in->place = calloc(1, sizeof *in->place))) return err_nomem(e);
        *in->place = (struct place){.h = item->h, .users = 1};
    }
    return held_push(&m->held, which, in->place, r) < 0 ? budget_error(&m->budget, e) : 0;
}

/* It is earlier than what was written: whoever promised otherwise is named. */
static int emit_violation(struct merge *m, struct stage *s, const struct record *r, struct err *e) {
    if (++m->violations <= 3)
        diag_warn("record '%s' is earlier than what was written before it", stage_where(s, r));
    else if (m->violations == 4)
        diag_warn("more records out of order are only counted");
    return merge_emit(m, s, r, e);
}

/* Does it come before all that wait? */
static bool goes_first(const struct merge *m, size_t which, const struct record *r) {
    const struct held *first = held_first(&m->held);
    return !first || r->time < first->time || (r->time == first->time && which < first->which);
}

static int take_record(struct merge *m, struct stage *s, size_t which, const struct record *r,
                       const struct bound *others, struct err *e) {
    struct input *in = &m->inputs[which];
    int g = stage_check(s, r, e);
    if (g < 0) return g;
    if (r->time == NO_TIME) return err_set(e, G_DATA, "it has no event time");
    watermarks_record(&in->marks, in->source, r->time);
    if (in->idle) set_mark(in);
    in->mark = in->marks.now;
    if (r->time < m->written) return emit_violation(m, s, r, e);
    struct bound own = {in->mark, which};
    const struct bound *b = bound_before(own.mark, which, others) ? &own : others;
    if (bound_before(r->time, which, b) && goes_first(m, which, r)) return emit_in_order(m, s, r, e);
    g = hold(m, which, in->item, r, e);
    return g < 0 ? g : emit_until(m, s, b, e);
}

static void drop_item(struct input *in) {
    feed_item_free(in->item);
    in->item = NULL;
    place_drop(in->place);
    in->place = NULL;
}

/* Records of this input as long as it is the one that holds the others back. */
static int take_records(struct merge *m, struct stage *s, size_t which, struct err *e) {
    struct input *in = &m->inputs[which];
    const struct bound others = least(m, which);
    struct record r;
    int g = 0;
    while (g == 0 && bound_before(in->mark, which, &others)) {
        if (!record_next_checked(&in->walk, &r)) {
            drop_item(in);
            break;
        }
        stage_at(s, which, in->item); /* others were in hand */
        stage_at_record(s, in->item, in->walk.seen - 1);
        g = take_record(m, s, which, &r, &others, e);
        if (g == G_DATA) g = stage_bad(s, &r, e);
    }
    return g;
}

/* As far as it goes without more input. */
static int advance(struct merge *m, struct stage *s, struct err *e) {
    for (;;) {
        struct bound b = least(m, SIZE_MAX);
        int g = emit_until(m, s, &b, e);
        if (g == 0 && m->untold >= TELL_RECORDS) g = tell_watermark(m, s, b.mark, e);
        if (g < 0 || b.which == SIZE_MAX || !m->inputs[b.which].item) return g;
        g = take_records(m, s, b.which, e);
        if (g < 0) return g;
    }
}

/* ---- callbacks ---- */

/* The one that all wait for, and those that could have something all the same. */
void merge_want(void *ctx, struct stage *s, struct feed_set *ret) {
    struct merge *m = ctx;
    struct bound b = least(m, SIZE_MAX);
    (void)s;
    for (size_t i = 0; i < m->count; i++) {
        const struct input *in = &m->inputs[i];
        if (in->ended || in->item) continue;
        if (i == b.which || in->idle || in->mark == WATERMARK_NONE) feed_set_add(ret, i);
    }
}

int merge_feed(void *ctx, struct stage *s, size_t which, struct feed_item **from, struct err *e) {
    struct merge *m = ctx;
    struct feed_item *item = *from;
    struct input *in = &m->inputs[which];
    in->waits_ns = 0;
    if (item->kind == FEED_END) {
        in->ended = true;
        return advance(m, s, e);
    }
    if (item->h.records == 0) return 0;
    int g = watermarks_source(&in->marks, item->h.topic_id, item->h.partition, s->origin.topic, &in->source, e);
    if (g < 0) return g;
    if (m->idle_timeout_ns >= 0) (void)watermarks_tick(&in->marks, sys.boot_ns());
    in->idle = false;
    in->mark = in->marks.now;
    in->item = item;
    *from = NULL;
    record_walk_init(&in->walk, &item->h, item->body, SIZE_MAX);
    return advance(m, s, e);
}

int merge_control(void *ctx, struct stage *s, const struct block *b, struct err *e) {
    struct merge *m = ctx;
    struct input *in = &m->inputs[s->which];
    int g = watermarks_control(&in->marks, b, e);
    if (g < 0) return g;
    set_mark(in);
    bool passes = b->control.type != CONTROL_WATERMARK && !(b->control.type == CONTROL_IDLE && b->h.topic_id == 0);
    g = passes ? stage_pass(s, b, e) : 0;
    return g < 0 ? g : advance(m, s, e);
}

/* How long this input, which is waited for, can be without anything; below 0: for ever. */
static int64_t look_at_clock(const struct merge *m, struct input *in, int64_t now) {
    int64_t left;
    if (in->marks.count) {
        left = watermarks_tick(&in->marks, now);
        set_mark(in);
        return in->idle ? -1 : left;
    }
    if (in->waits_ns == 0) in->waits_ns = now;
    left = m->idle_timeout_ns - (now - in->waits_ns);
    in->idle = left <= 0;
    return in->idle ? -1 : left;
}

int merge_idle(void *ctx, struct stage *s, struct err *e) {
    struct merge *m = ctx;
    struct feed_set wanted = {0};
    int g = 0;
    if (m->idle_timeout_ns >= 0) {
        int64_t now = sys.boot_ns();
        merge_want(m, s, &wanted);
        for (size_t i = 0; i < m->count; i++) {
            if (!feed_set_has(&wanted, i) || m->inputs[i].idle) continue;
            int64_t left = look_at_clock(m, &m->inputs[i], now);
            if (m->inputs[i].idle) left = 0; /* others may be waited for now */
            if (left >= 0 && (s->wake_ns < 0 || left < s->wake_ns)) s->wake_ns = left;
        }
        g = advance(m, s, e);
    }
    struct bound b = least(m, SIZE_MAX);
    return g < 0 ? g : tell_watermark(m, s, b.mark, e);
}
