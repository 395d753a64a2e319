/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The join as of a time: right records are versions of their key, in the order of their times, and a left record's
 * partner is the version of its time, or the next one, or the nearer. A left record waits until the mark of the right
 * side says that no version can come that would be another answer.
 */
#include "sides.h"

static bool as_of_late(const struct sides *k, int64_t time, int64_t mark) {
    (void)k;
    return time < mark;
}

static uint64_t distance(int64_t from, int64_t to) {
    return (uint64_t)to - (uint64_t)from;
}

static bool is_tombstone(const struct waiting *w) {
    struct record r;
    waiting_record(w, &r);
    return r.value_type == VALUE_NONE;
}

/* ---- which version ---- */

struct answer {
    const struct waiting *version; /* NULL: none, as far as is known */
    int64_t need;                  /* the mark of the right side from which on it is known */
};

static struct answer backward(const struct sides *k, const struct waiting *at, int64_t time) {
    bool none = !at || distance(at->time, time) > (uint64_t)k->tolerance || is_tombstone(at);
    return (struct answer){none ? NULL : at, time_add(time, 1)};
}

static struct answer forward(const struct sides *k, const struct waiting *at, int64_t time) {
    while (at && is_tombstone(at)) at = at->next;
    if (at && distance(time, at->time) <= (uint64_t)k->tolerance) return (struct answer){at, time_add(at->time, 1)};
    return (struct answer){NULL, time_add(time_add(time, k->tolerance), 1)};
}

static struct answer nearest(struct answer back, struct answer ahead, int64_t time) {
    if (!back.version) return ahead;
    uint64_t far = distance(back.version->time, time);
    int64_t enough =
        far > INT64_MAX ? INT64_MAX : time_add(time, (int64_t)far); /* what comes from here on is further */
    struct answer ret = ahead.version && distance(time, ahead.version->time) < far ? ahead : back;
    ret.need = ahead.need < enough ? ahead.need : enough;
    if (ret.need < back.need) ret.need = back.need;
    return ret;
}

static struct answer find(const struct sides *k, const struct waiters *of, int64_t time) {
    const struct waiting *after = NULL, *at = of ? of->last[RIGHT] : NULL;
    for (; at && at->time > time; at = at->prev) after = at;
    const struct waiting *from = at && at->time == time ? at : after;
    switch (k->direction) {
    case FORWARD: return forward(k, from, time);
    case NEAREST: return nearest(backward(k, at, time), forward(k, from, time), time);
    default: return backward(k, at, time);
    }
}

/* ---- left records ---- */

static int emit(struct sides *k, struct stage *s, const struct record *left, const struct waiting *version,
                struct err *e) {
    struct record right;
    if (!version) return pair_none(k, s, LEFT, left, NULL, e);
    k->j->pairers[0].matched = true;
    if (!pair_wanted(k)) return 0;
    waiting_record(version, &right);
    return pair_emit(k, s, left, &right, version->number, NULL, e);
}

static int take_left(struct sides *k, struct stage *s, const struct taken *t, struct err *e) {
    if (!t->key) return pair_none(k, s, LEFT, t->r, NULL, e);
    const struct answer a = find(k, waiting_find(&k->room, t->key, t->key_size), t->r->time);
    if (k->mark[RIGHT] >= a.need) return emit(k, s, t->r, a.version, e);
    struct waiting *w = waiting_put(&k->room, t);
    return w && waiting_due(&k->room, w, a.need) == 0 ? 0 : G_NOMEM;
}

static int decide_left(struct sides *k, struct stage *s, struct waiting *w, struct err *e) {
    struct record left;
    const struct answer a = find(k, waiting_others(w), w->time);
    if (k->mark[RIGHT] < a.need) return waiting_due(&k->room, w, a.need);
    waiting_record(w, &left);
    int g = emit(k, s, &left, a.version, e);
    waiting_drop(&k->room, w);
    return g;
}

/* ---- versions ---- */

/* Into the order of time; of one time the last that came stays. */
void as_of_order(struct sides *k, struct waiting *w) {
    struct waiting *before = w->prev;
    while (before && before->time > w->time) before = before->prev;
    struct waiting *next = before ? before->next : waiting_others(w)->first[RIGHT];
    if (next != w) waiting_move(w, next);
    if (before && before->time == w->time) waiting_drop(&k->room, before);
}

/* No left record to come, and none that waits, is before this mark. */
static int64_t past(const struct sides *k) {
    return k->mark[LEFT] < k->mark[RIGHT] ? k->mark[LEFT] : k->mark[RIGHT];
}

/* Versions that others have followed, for all left records that are still to be joined. */
static void drop_old(struct sides *k, struct waiters *of) {
    if (k->direction == FORWARD) return;
    if (k->direction == NEAREST && of->first[LEFT]) return; /* they may be near to what is old */
    struct waiting *w = of->first[RIGHT];
    while (w->next && w->next->time < past(k)) {
        struct waiting *next = w->next;
        waiting_drop(&k->room, w);
        w = next;
    }
}

/* When nobody can need it any more, if that is by time alone: a left record may be this far behind it, and one that
 * waits for something nearer than it as far again. */
static int64_t version_due(const struct sides *k, const struct taken *t) {
    if (k->direction == FORWARD) return time_add(t->r->time, 1);
    if (k->tolerance != INT64_MAX) {
        int64_t far = time_add(t->r->time, k->tolerance);
        return time_add(k->direction == NEAREST ? time_add(far, k->tolerance) : far, 1);
    }
    return k->direction == BACKWARD && t->r->value_type == VALUE_NONE ? time_add(t->r->time, 1) : INT64_MAX;
}

static int take_right(struct sides *k, const struct taken *t) {
    int g = 0;
    if (!t->key) return 0;
    struct waiting *w = waiting_put(&k->room, t);
    if (!w) return G_NOMEM;
    as_of_order(k, w);
    int64_t due = version_due(k, t);
    if (due != INT64_MAX) g = waiting_due(&k->room, w, due);
    struct waiters *of = waiting_others(w);
    if (k->direction != BACKWARD) /* some may have an answer sooner now */
        for (struct waiting *left = of->first[LEFT]; g == 0 && left; left = left->next)
            if (left->time <= w->time) g = waiting_due(&k->room, left, find(k, of, left->time).need);
    drop_old(k, of);
    return g;
}

/* Those before it are followed by it. */
static void drop_version(struct sides *k, struct waiting *w) {
    while (w->prev) waiting_drop(&k->room, w->prev);
    waiting_drop(&k->room, w);
}

/* ---- the form ---- */

static int as_of_take(struct sides *k, struct stage *s, const struct taken *t, struct err *e) {
    return t->side == LEFT ? take_left(k, s, t, e) : take_right(k, t);
}

static int as_of_decide(struct sides *k, struct stage *s, struct waiting *w, struct err *e) {
    if (w->side == LEFT) return decide_left(k, s, w, e);
    drop_version(k, w);
    return 0;
}

static int64_t as_of_earliest(const struct sides *k) {
    const struct due *first = waiting_first(&k->room, LEFT);
    int64_t mark = k->mark[LEFT];
    if (!first) return mark;
    int64_t waits = k->direction == BACKWARD          ? first->w->time
                    : k->tolerance == INT64_MAX       ? INT64_MIN
                    : k->mark[RIGHT] == WATERMARK_END ? mark
                                                      : time_add(k->mark[RIGHT], -k->tolerance);
    return waits < mark ? waits : mark;
}

const struct form as_of_form = {.late = as_of_late,
                                .take = as_of_take,
                                .decide = as_of_decide,
                                .earliest = as_of_earliest,
                                .together = {[RIGHT] = true}};
