/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The interval join: partners are those of the key whose time is within bounds, both inclusive. Each pair comes when
 * its second record is taken; a record waits until no partner can come for it any more, as in Flink.
 */
#include "sides.h"

static bool interval_late(const struct sides *k, int64_t time, int64_t mark) {
    (void)k;
    return time < mark;
}

/* The mark of the other side from which on no partner can come. */
static int64_t due_of(const struct sides *k, enum side side, int64_t time) {
    return time_add(time_add(time, side == LEFT ? k->after : k->before), 1);
}

/* Pairs with those on the other side whose times are right, in the order of these. */
static int take_partners(struct sides *k, struct stage *s, const struct taken *t, const struct line *of,
                         bool *ret_matched, struct err *e) {
    bool left = t->side == LEFT;
    int64_t time = t->half.r->time, until = time_add(time, left ? k->after : k->before);
    size_t i = line_before(of, time_add(time, left ? -k->before : -k->after));
    struct record r;
    int g = 0;
    for (; g == 0 && i < of->count && line_at(of, i)->time <= until; i++) {
        struct waiting *w = line_at(of, i)->w;
        w->matched = *ret_matched = k->matched = true;
        if (!pair_wanted(k)) continue;
        const struct half other = waiting_half(w, &r);
        g = pair_emit(k, s, left ? &t->half : &other, left ? &other : &t->half, NULL, e);
    }
    return g;
}

static int interval_take(struct sides *k, struct stage *s, const struct taken *t, struct err *e) {
    int64_t due = due_of(k, t->side, t->half.r->time);
    bool matched = false;
    int g = 0;
    const struct waiters *of = t->key ? waiting_find(&k->room, t) : NULL;
    if (of) g = take_partners(k, s, t, &of->line[other_side(t->side)], &matched, e);
    if (g < 0) return g;
    if (!t->key || k->mark[other_side(t->side)] >= due)
        return matched ? 0 : pair_none(k, s, t->side, t->half.r, NULL, e);
    struct waiting *w = waiting_put(&k->room, t);
    if (!w || waiting_due(&k->room, w, due) < 0) return G_NOMEM;
    w->matched = matched;
    return 0;
}

/* Nobody whom it would be a partner of comes any more, so that it may still be in its line for a while. */
static int interval_decide(struct sides *k, struct stage *s, enum side side, struct waiting *w, struct err *e) {
    struct record r;
    int g = 0;
    if (pair_wants_none(k, side) && !w->matched) g = pair_none(k, s, side, waiting_half(w, &r).r, NULL, e);
    waiting_leave(&k->room, side);
    return g;
}

/* No result of this side is earlier. Those that wait have the order of their times, but for those that do so for ever.
 */
static int64_t earliest_of(const struct sides *k, enum side side) {
    const struct due *first = waiting_first(&k->room, side);
    int64_t time = !first ? INT64_MAX : first->due == INT64_MAX ? INT64_MIN : waiting_time(first->w);
    return time < k->mark[side] ? time : k->mark[side];
}

static int64_t interval_earliest(struct sides *k) {
    int64_t left = earliest_of(k, LEFT), right = k->right ? earliest_of(k, RIGHT) : INT64_MAX;
    return left < right ? left : right;
}

const struct form interval_form = {.late = interval_late,
                                   .take = interval_take,
                                   .decide = interval_decide,
                                   .earliest = interval_earliest,
                                   .by_time = true};
