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

static bool is_partner(const struct sides *k, int64_t left, int64_t right) {
    return right >= time_add(left, -k->before) && right <= time_add(left, k->after);
}

/* Pairs with all that wait on the other side. */
static int take_partners(struct sides *k, struct stage *s, const struct taken *t, struct waiters *of, bool *ret_matched,
                         struct err *e) {
    struct record other;
    int g = 0;
    for (struct waiting *w = of->first[other_side(t->side)]; g == 0 && w; w = w->next) {
        bool left = t->side == LEFT;
        if (!is_partner(k, left ? t->r->time : w->time, left ? w->time : t->r->time)) continue;
        w->matched = *ret_matched = k->matched = true;
        if (!pair_wanted(k)) continue;
        waiting_record(w, &other);
        g = pair_emit(k, s, left ? t->r : &other, left ? &other : t->r, left ? w->number : t->number, NULL, e);
    }
    return g;
}

static int interval_take(struct sides *k, struct stage *s, const struct taken *t, struct err *e) {
    int64_t due = due_of(k, t->side, t->r->time);
    bool matched = false;
    int g = 0;
    struct waiters *of = t->key ? waiting_find(&k->room, t->key, t->key_size) : NULL;
    if (of) g = take_partners(k, s, t, of, &matched, e);
    if (g < 0) return g;
    if (!t->key || k->mark[other_side(t->side)] >= due) return matched ? 0 : pair_none(k, s, t->side, t->r, NULL, e);
    struct waiting *w = waiting_put(&k->room, t);
    if (!w || waiting_due(&k->room, w, due) < 0) return G_NOMEM;
    w->matched = matched;
    return 0;
}

static int interval_decide(struct sides *k, struct stage *s, struct waiting *w, struct err *e) {
    struct record r;
    int g = 0;
    if (!w->matched && pair_wants_none(k, w->side)) {
        waiting_record(w, &r);
        g = pair_none(k, s, w->side, &r, NULL, e);
    }
    waiting_drop(&k->room, w);
    return g;
}

/* No result of this side is earlier. Those that wait have the order of their times, but for those that do so for ever.
 */
static int64_t earliest_of(const struct sides *k, enum side side) {
    const struct due *first = waiting_first(&k->room, side);
    int64_t time = !first ? INT64_MAX : first->due == INT64_MAX ? INT64_MIN : first->w->time;
    return time < k->mark[side] ? time : k->mark[side];
}

static int64_t interval_earliest(struct sides *k) {
    int64_t left = earliest_of(k, LEFT), right = k->right ? earliest_of(k, RIGHT) : INT64_MAX;
    return left < right ? left : right;
}

const struct form interval_form = {
    .late = interval_late, .take = interval_take, .decide = interval_decide, .earliest = interval_earliest};
