/* SPDX-License-Identifier: Apache-2.0 */
/* Whose turn it is: see turns.h. */
#include "stream/turns.h"

#include <stdlib.h>

#include "sys/sys.h"

int turns_init(struct turns *t, size_t count, int64_t out_of_order_ns, int64_t idle_timeout_ns, struct err *e) {
    *t = (struct turns){.count = count, .idle_timeout_ns = idle_timeout_ns};
    if (!(t->inputs = calloc(count ? count : 1, sizeof *t->inputs))) return err_nomem(e);
    for (size_t i = 0; i < count; i++) {
        t->inputs[i].mark = WATERMARK_NONE;
        watermarks_init(&t->inputs[i].marks, out_of_order_ns, idle_timeout_ns);
    }
    return 0;
}

void turns_release(struct turns *t) {
    for (size_t i = 0; t->inputs && i < t->count; i++) {
        feed_item_free(t->inputs[i].item);
        watermarks_release(&t->inputs[i].marks);
    }
    free(t->inputs);
    *t = (struct turns){0};
}

/* ---- marks ---- */

static bool has_sources(const struct turn_input *in) {
    return in->marks.count > 0 || in->marks.whole != WATERMARK_NONE;
}

static void set_mark(struct turn_input *in) {
    size_t idle = 0;
    for (size_t i = 0; i < in->marks.count; i++) idle += in->marks.sources[i].idle;
    if (has_sources(in)) in->mark = in->marks.now;
    if (in->marks.count) in->idle = idle == in->marks.count;
}

struct bound turns_least(const struct turns *t, size_t but) {
    struct bound b = {WATERMARK_END, SIZE_MAX};
    for (size_t i = 0; i < t->count; i++) {
        const struct turn_input *in = &t->inputs[i];
        if (i == but || in->ended || in->idle) continue;
        if (b.which == SIZE_MAX || in->mark < b.mark) b = (struct bound){in->mark, i};
    }
    if (b.which != SIZE_MAX || but != SIZE_MAX) return b;
    for (size_t i = 0; i < t->count; i++) { /* all are idle: the furthest counts */
        const struct turn_input *in = &t->inputs[i];
        if (in->ended) continue;
        if (b.which == SIZE_MAX || in->mark > b.mark) b = (struct bound){in->mark, i};
    }
    return b;
}

/* ---- records ---- */

static int take_record(struct turns *t, struct stage *s, size_t which, const struct record *r, struct err *e) {
    struct turn_input *in = &t->inputs[which];
    int g = stage_check(s, r, e);
    if (g < 0) return g;
    if (r->time == NO_TIME && !t->as_written) return err_set(e, G_DATA, "it has no event time");
    int64_t before = in->mark;
    if (r->time != NO_TIME) watermarks_record(&in->marks, in->source, r->time);
    if (in->idle) set_mark(in);
    in->mark = in->marks.now;
    return t->record(t->ctx, s, which, r, before, e);
}

static void drop_item(struct turn_input *in) {
    feed_item_free(in->item);
    in->item = NULL;
}

/* Records of this input as long as it is the one that holds the others back. */
static int take_records(struct turns *t, struct stage *s, size_t which, struct err *e) {
    struct turn_input *in = &t->inputs[which];
    struct record r;
    int g = 0;
    t->others = turns_least(t, which);
    while (g == 0 && bound_before(in->mark, which, &t->others)) {
        if (!record_next_checked(&in->walk, &r)) {
            drop_item(in);
            break;
        }
        stage_at(s, which, in->item); /* others were in hand */
        stage_at_record(s, in->item, in->walk.seen - 1);
        enum turn_admits admits = t->admit ? t->admit(t->ctx, s, which, &r) : ADMIT;
        if (admits == ADMIT_NO_MORE) {
            in->ended = true;
            drop_item(in);
            feed_enough(s->config->feeds, which);
            break;
        }
        if (admits == ADMIT_NOT) continue;
        g = take_record(t, s, which, &r, e);
        if (g == G_DATA) g = stage_bad(s, &r, e);
    }
    return g;
}

/* As far as it goes without more input. */
static int advance(struct turns *t, struct stage *s, struct err *e) {
    for (;;) {
        struct bound b = turns_least(t, SIZE_MAX);
        int g = t->moved(t->ctx, s, &b, e);
        if (g < 0 || b.which == SIZE_MAX || !t->inputs[b.which].item) return g;
        g = take_records(t, s, b.which, e);
        if (g < 0) return g;
    }
}

/* ---- callbacks ---- */

/* The one that all wait for, and those that could have something all the same. */
void turns_want(const struct turns *t, struct feed_set *ret) {
    struct bound b = turns_least(t, SIZE_MAX);
    for (size_t i = 0; i < t->count; i++) {
        const struct turn_input *in = &t->inputs[i];
        if (in->ended || in->item) continue;
        if (i == b.which || in->idle || in->mark == WATERMARK_NONE) feed_set_add(ret, i);
    }
}

int turns_feed(struct turns *t, struct stage *s, size_t which, struct feed_item **from, struct err *e) {
    struct feed_item *item = *from;
    struct turn_input *in = &t->inputs[which];
    in->waits_ns = 0;
    if (item->kind == FEED_END) {
        in->ended = true;
        return advance(t, s, e);
    }
    if (item->h.records == 0) return 0;
    uint64_t topic_id = t->as_written ? 0 : item->h.topic_id;
    int g = watermarks_source(&in->marks, topic_id, item->h.partition, s->origin.topic, &in->source, e);
    if (g < 0) return g;
    if (t->idle_timeout_ns >= 0) (void)watermarks_tick(&in->marks, sys.boot_ns());
    in->idle = false;
    in->mark = in->marks.now;
    in->item = item;
    in->items++;
    *from = NULL;
    record_walk_init(&in->walk, &item->h, item->body, SIZE_MAX);
    return advance(t, s, e);
}

int turns_control(struct turns *t, struct stage *s, const struct block *b, struct err *e) {
    struct turn_input *in = &t->inputs[s->which];
    int g = watermarks_control(&in->marks, b, e);
    if (g < 0) return g;
    set_mark(in);
    bool passes = b->control.type != CONTROL_WATERMARK && !(b->control.type == CONTROL_IDLE && b->h.topic_id == 0);
    g = passes ? stage_pass(s, b, e) : 0;
    return g < 0 ? g : advance(t, s, e);
}

/* How long this input, which is waited for, can be without anything; below 0: for ever. */
static int64_t look_at_clock(const struct turns *t, struct turn_input *in, int64_t now) {
    int64_t left;
    if (in->marks.count) {
        left = watermarks_tick(&in->marks, now);
        set_mark(in);
        return in->idle ? -1 : left;
    }
    if (in->waits_ns == 0) in->waits_ns = now;
    left = t->idle_timeout_ns - (now - in->waits_ns);
    in->idle = left <= 0;
    return in->idle ? -1 : left;
}

int turns_idle(struct turns *t, struct stage *s, struct err *e) {
    struct feed_set wanted = {0};
    if (t->idle_timeout_ns < 0) return 0;
    int64_t now = sys.boot_ns();
    turns_want(t, &wanted);
    for (size_t i = 0; i < t->count; i++) {
        if (!feed_set_has(&wanted, i) || t->inputs[i].idle) continue;
        int64_t left = look_at_clock(t, &t->inputs[i], now);
        if (t->inputs[i].idle) left = 0; /* others may be waited for now */
        if (left >= 0 && (s->wake_ns < 0 || left < s->wake_ns)) s->wake_ns = left;
    }
    return advance(t, s, e);
}
