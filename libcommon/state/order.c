/* SPDX-License-Identifier: Apache-2.0 */
/* Records in the order of event time: see order.h. */
#include "state/order.h"

#include <stdlib.h>

#define TELL_RECORDS 4096 /* downstream hears of event time at least once in so many records */

static int tell_watermark(struct order *o, struct stage *s, int64_t mark, struct err *e) {
    struct buf text = {0};
    o->untold = 0;
    if (o->quiet) return 0;
    if (mark == WATERMARK_NONE || mark == WATERMARK_END || mark <= o->told) return 0;
    o->told = mark;
    int g = control_watermark(&text, mark) < 0 ? err_nomem(e) : stage_control(s, &text, e);
    buf_release(&text);
    return g;
}

static int take(struct order *o, struct stage *s, const struct record *r, struct err *e) {
    if (r->time > o->taken) o->taken = r->time;
    o->untold++;
    return o->take(o->ctx, s, r, e);
}

/* The first of those that wait is the one in hand now. */
static int take_held(struct order *o, struct stage *s, struct err *e) {
    struct held *held = held_pop(&o->held);
    struct record r;
    held_record(held, &r);
    const struct block_header *h = &held->place->h;
    s->which = held->which;
    s->like = h;
    s->origin = (struct record_origin){.topic = h->topic_id ? sources_find(&s->sources, h->topic_id) : NULL,
                                       .partition = h->partition};
    int g = take(o, s, &r, e);
    held_give(&o->held, held);
    return g;
}

/* All that can leave. */
static int take_until(struct order *o, struct stage *s, const struct bound *b, struct err *e) {
    const struct held *first;
    int g = 0;
    while (g == 0 && (first = held_first(&o->held)) && bound_before(first->time, first->which, b))
        g = take_held(o, s, e);
    return g;
}

static int hold(struct order *o, size_t which, const struct record *r, struct err *e) {
    const struct turn_input *in = &o->turns.inputs[which];
    struct place_of *p = &o->places[which];
    if (!p->place || p->item != in->items) {
        place_drop(p->place);
        if (!(p->place = calloc(1, sizeof *p->place))) return err_nomem(e);
        *p->place = (struct place){.h = in->item->h, .users = 1};
        p->item = in->items;
    }
    return held_push(&o->held, which, p->place, r) < 0 ? budget_error(o->budget, e) : 0;
}

/* Does it come before all that wait? */
static bool goes_first(const struct order *o, size_t which, const struct record *r) {
    const struct held *first = held_first(&o->held);
    return !first || r->time < first->time || (r->time == first->time && which < first->which);
}

static int order_record(void *ctx, struct stage *s, size_t which, const struct record *r, int64_t before,
                        struct err *e) {
    struct order *o = ctx;
    (void)before;
    if (r->time < o->taken) return o->behind(o->ctx, s, r, e);
    const struct bound own = {o->turns.inputs[which].mark, which}, *others = &o->turns.others;
    const struct bound *b = bound_before(own.mark, which, others) ? &own : others;
    if (bound_before(r->time, which, b) && goes_first(o, which, r)) return take(o, s, r, e);
    int g = hold(o, which, r, e);
    return g < 0 ? g : take_until(o, s, b, e);
}

static int order_moved(void *ctx, struct stage *s, const struct bound *b, struct err *e) {
    struct order *o = ctx;
    int g = take_until(o, s, b, e);
    return g == 0 && o->untold >= TELL_RECORDS ? tell_watermark(o, s, b->mark, e) : g;
}

int order_idle(struct order *o, struct stage *s, struct err *e) {
    int g = turns_idle(&o->turns, s, e);
    return g < 0 ? g : tell_watermark(o, s, turns_least(&o->turns, SIZE_MAX).mark, e);
}

int order_init(struct order *o, size_t inputs, int64_t out_of_order_ns, int64_t idle_timeout_ns,
               struct state_budget *budget, struct err *e) {
    *o = (struct order){.budget = budget, .taken = WATERMARK_NONE, .told = WATERMARK_NONE};
    held_init(&o->held, budget);
    int g = turns_init(&o->turns, inputs, out_of_order_ns, idle_timeout_ns, e);
    o->turns.record = order_record;
    o->turns.moved = order_moved;
    o->turns.ctx = o;
    if (g == 0 && !(o->places = calloc(inputs ? inputs : 1, sizeof *o->places))) g = err_nomem(e);
    return g;
}

void order_release(struct order *o) {
    for (size_t i = 0; o->places && i < o->turns.count; i++) place_drop(o->places[i].place);
    free(o->places);
    turns_release(&o->turns);
    held_release(&o->held);
}
