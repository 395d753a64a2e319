/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two streams, a record at a time, in an order that depends on the inputs alone: each is judged by the watermark of its
 * own input, given to the form, and moves the marks by which others are decided. All of this is by record, never by
 * block, so that the answer does not depend on how the inputs were cut.
 */
#include "sides.h"

#include "base/timefmt.h"
#include "stream/letter.h"

#define TELL_RECORDS 4096 /* downstream hears of event time at least once in so many records */

/* ---- marks ---- */

/* Up to where a side is complete by itself; *ret_holds: does it hold the other one back? */
static int64_t own_mark(const struct sides *k, enum side side, bool *ret_holds) {
    size_t i = side == RIGHT ? 0 : 1, end = side == RIGHT ? 1 : k->inputs;
    int64_t least = WATERMARK_END, furthest = WATERMARK_NONE;
    bool ended = true;
    *ret_holds = false;
    for (; i < end; i++) {
        const struct turn_input *in = &k->turns.inputs[i];
        if (in->ended && (!k->state || k->drain)) continue;
        ended = false;
        if (in->mark > furthest) furthest = in->mark;
        if (in->idle && !in->ended) continue;
        *ret_holds = true;
        if (in->mark < least) least = in->mark;
    }
    return ended || *ret_holds ? least : furthest;
}

static void update_marks(struct sides *k) {
    bool holds[2];
    int64_t mark[2] = {own_mark(k, RIGHT, &holds[RIGHT]), own_mark(k, LEFT, &holds[LEFT])};
    for (int side = 0; side < 2; side++) {
        int64_t other = mark[other_side(side)];
        int64_t now = !holds[side] && other > mark[side] && other != WATERMARK_END ? other : mark[side];
        if (now > k->mark[side]) k->mark[side] = now;
    }
}

static int64_t deciding_mark(const struct sides *k, enum side side) {
    int64_t other = k->mark[other_side(side)], own = k->mark[side];
    return k->form->together[side] && own < other ? own : other;
}

/* Whom event time has decided, the soonest first, and left ones before right ones. */
static struct waiting *next_decided(const struct sides *k, enum side *ret_side) {
    const struct due *found = NULL;
    for (int side = LEFT; side >= RIGHT; side--) {
        const struct due *d = waiting_first(&k->room, side);
        if (!d || d->due > deciding_mark(k, side) || (found && d->due >= found->due)) continue;
        found = d;
        *ret_side = side;
    }
    return found ? found->w : NULL;
}

static int settle(struct sides *k, struct stage *s, struct err *e) {
    struct waiting *w;
    enum side side;
    int g = 0;
    update_marks(k);
    while (g == 0 && (w = next_decided(k, &side))) g = k->form->decide(k, s, side, w, e);
    return g;
}

static int tell(struct sides *k, struct stage *s, int64_t mark, struct err *e) {
    struct buf text = {0};
    k->untold = 0;
    if (mark == WATERMARK_NONE || mark == WATERMARK_END || mark <= k->told) return 0;
    k->told = mark;
    int g = control_watermark(&text, mark) < 0 ? err_nomem(e) : stage_control(s, &text, e);
    buf_release(&text);
    return g;
}

static int tell_watermark(struct sides *k, struct stage *s, struct err *e) {
    return tell(k, s, k->form->earliest(k), e);
}

int sides_tell_first(struct sides *k, struct stage *s, struct err *e) {
    return k->told == WATERMARK_NONE ? tell(k, s, WATERMARK_NONE + 1, e) : 0;
}

/* ---- records ---- */

static int put_late(struct sides *k, struct stage *s, const struct record *r, int64_t watermark, struct err *e) {
    char time[TIME_TEXT_MAX], mark[TIME_TEXT_MAX];
    struct err why;
    k->late++;
    if (!k->late_to) return 0;
    time_format_rfc3339(r->time, time);
    time_format_rfc3339(watermark, mark);
    (void)err_set(&why, G_DATA, "late: its time is %s, and the watermark was %s", time, mark);
    const struct letter_header more[] = {{"leat.watermark", mark}};
    const struct letter letter = {.to = k->late_to,
                                  .what = "late record",
                                  .where = stage_where(s, r),
                                  .why = why.text,
                                  .more = more,
                                  .more_count = 1};
    return letter_put(s, &letter, r, e);
}

/* Its place in the note of its block, or what is found now. */
static int know(struct sides *k, struct stage *s, size_t which, struct taken *t, struct err *e) {
    const struct turn_input *in = &k->turns.inputs[which];
    const char *note = in->item->note;
    struct arrival a = {0};
    if (note) memcpy(&a, note + (in->walk.seen - 1) * sizeof a, sizeof a);
    if (!a.known) {
        struct looker *l = &k->looker[t->side];
        buf_clear(&k->note);
        record_begin(l->run, s, t->half.r);
        int g = arrival_find(l, k, t->half.r, &a, &k->note, e);
        if (g < 0) return g;
        note = k->note.data;
    }
    k->kinds[t->side] |= a.kind;
    t->hash = a.hash;
    t->key = a.kind ? note + a.key_at : NULL;
    t->key_size = a.key_size;
    t->half.layout = a.layout_size ? (const void *)(note + a.layout_at) : NULL;
    t->layout_size = a.layout_size;
    return 0;
}

static int take(struct sides *k, struct stage *s, size_t which, const struct record *r, struct err *e) {
    struct taken t = {.half = {.r = r, .number = k->room.arrived++}, .side = which == 0 ? RIGHT : LEFT};
    bool tombstone = r->value_type == VALUE_NONE;
    if (tombstone && (t.side == LEFT || k->form != &as_of_form))
        return t.side == LEFT || k->right ? pair_none(k, s, t.side, r, NULL, e) : 0;
    t.entry = k->form->own_keys ? NULL : expected_next(k, which);
    int g = know(k, s, which, &t, e);
    if (g == 0) g = k->form->take(k, s, &t, e);
    return g == G_NOMEM ? budget_error(&k->j->budget, e) : g;
}

int sides_record(void *ctx, struct stage *s, size_t which, const struct record *r, int64_t before, struct err *e) {
    struct sides *k = ctx;
    if (k->form == &tumble_form && !spans_covers(&k->spans, r->time))
        return err_set(e, G_DATA, "its time is outside of the years that windows can have");
    enum side side = which == 0 ? RIGHT : LEFT;
    int64_t mark = before > k->mark[side] ? before : k->mark[side]; /* event time goes on without what is idle */
    int g = k->form->late(k, r->time, mark) ? put_late(k, s, r, mark, e) : take(k, s, which, r, e);
    if (g < 0 && g != G_DATA) return g;
    struct err why;
    int settled = settle(k, s, &why); /* a bad record has moved event time, too */
    k->untold++;
    if (settled == 0) return g;
    *e = why;
    return settled;
}

int sides_moved(void *ctx, struct stage *s, const struct bound *b, struct err *e) {
    struct sides *k = ctx;
    (void)b;
    int g = settle(k, s, e);
    return g == 0 && k->untold >= TELL_RECORDS ? tell_watermark(k, s, e) : g;
}

/* ---- callbacks ---- */

/* The time of a text record, in the thread of its feed. */
int sides_text(void *ctx, size_t feed, enum in_format format, struct record *r, size_t slack, struct err *e) {
    const struct sides *k = ctx;
    const struct time_field *time = &k->time[feed == 0 ? RIGHT : LEFT];
    if (!time->used) return in_format_need_time(format, e);
    const struct expr_input in = {.record = r, .slack = slack, .partition = -1};
    struct expr_run *run = k->lookers[feed].run;
    expr_begin(run, &in);
    return time_field_get(time, run, &r->time, e);
}

void sides_want(void *ctx, struct stage *s, struct feed_set *ret) {
    (void)s;
    turns_want(&((struct sides *)ctx)->turns, ret);
}

int sides_feed(void *ctx, struct stage *s, size_t which, struct feed_item **item, struct err *e) {
    return turns_feed(&((struct sides *)ctx)->turns, s, which, item, e);
}

int sides_control(void *ctx, struct stage *s, const struct block *b, struct err *e) {
    return turns_control(&((struct sides *)ctx)->turns, s, b, e);
}

int sides_idle(void *ctx, struct stage *s, struct err *e) {
    struct sides *k = ctx;
    int g = turns_idle(&k->turns, s, e);
    return g < 0 ? g : tell_watermark(k, s, e);
}

int sides_end(void *ctx, struct stage *s, struct err *e) {
    struct sides *k = ctx;
    int g = settle(k, s, e);
    return g == 0 && k->state ? sides_save(k, e) : g;
}
