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

static bool too_far(const struct sides *k, int64_t from, int64_t to) {
    return k->tolerance != INT64_MAX && distance(from, to) > (uint64_t)k->tolerance;
}

static bool is_tombstone(const struct waiting *w) {
    struct record r;
    return waiting_half(w, &r).r->value_type == VALUE_NONE;
}

/* ---- which version ---- */

struct answer {
    const struct waiting *version; /* NULL: none, as far as is known */
    int64_t need;                  /* the mark of the right side from which on it is known */
};

/* How many of them are not later. */
static size_t versions_until(const struct line *of, int64_t time) {
    return time == INT64_MAX ? of->count : line_before(of, time + 1);
}

/* `until` is what versions_until says of the time. */
static struct answer backward(const struct sides *k, const struct line *of, size_t until, int64_t time) {
    const struct waiting *at = until ? line_at(of, until - 1)->w : NULL;
    bool none = !at || too_far(k, waiting_time(at), time) || is_tombstone(at);
    return (struct answer){none ? NULL : at, time_add(time, 1)};
}

static struct answer forward(const struct sides *k, const struct line *of, size_t until, int64_t time) {
    size_t i = until && line_at(of, until - 1)->time == time ? until - 1 : until;
    while (i < of->count && is_tombstone(line_at(of, i)->w)) i++;
    const struct waiting *at = i < of->count ? line_at(of, i)->w : NULL;
    if (at && !too_far(k, time, waiting_time(at))) return (struct answer){at, time_add(waiting_time(at), 1)};
    bool ever = k->tolerance == INT64_MAX;
    return (struct answer){NULL, ever ? INT64_MAX : time_add(time_add(time, k->tolerance), 1)};
}

/* As far behind `time` as `version` is before it. */
static int64_t mirrored(int64_t version, int64_t time) {
    uint64_t far = distance(version, time);
    return far > INT64_MAX ? INT64_MAX : time_add(time, (int64_t)far);
}

static struct answer nearest(struct answer back, struct answer ahead, int64_t time) {
    if (!back.version) return ahead;
    int64_t enough = mirrored(waiting_time(back.version), time); /* what comes from here on is further */
    bool closer =
        ahead.version && distance(time, waiting_time(ahead.version)) < distance(waiting_time(back.version), time);
    struct answer ret = closer ? ahead : back;
    ret.need = ahead.need < enough ? ahead.need : enough;
    if (ret.need < back.need) ret.need = back.need;
    return ret;
}

static struct answer find(const struct sides *k, const struct waiters *waiters, int64_t time) {
    static const struct line nobody;
    const struct line *of = waiters ? &waiters->line[RIGHT] : &nobody;
    size_t until = versions_until(of, time);
    switch (k->direction) {
    case FORWARD: return forward(k, of, until, time);
    case NEAREST: return nearest(backward(k, of, until, time), forward(k, of, until, time), time);
    default: return backward(k, of, until, time);
    }
}

/* ---- versions that others have followed ---- */

/* No left record that is to be joined still is before `time`, if event time has come so far. */
static void drop_old(struct sides *k, const struct waiters *of, int64_t time) {
    const struct line *versions = &of->line[RIGHT];
    if (k->direction == FORWARD) return;
    if (k->direction == NEAREST && of->line[LEFT].count) return; /* they may be near to what is old */
    if (k->mark[LEFT] < time) time = k->mark[LEFT];
    if (k->mark[RIGHT] < time) time = k->mark[RIGHT];
    while (versions->count > 1 && line_at(versions, 1)->time < time) waiting_drop(&k->room, line_at(versions, 0)->w);
}

/* ---- left records ---- */

static int emit(struct sides *k, struct stage *s, const struct half *left, const struct waiting *version,
                struct err *e) {
    struct record r;
    if (!version) return pair_none(k, s, LEFT, left->r, NULL, e);
    k->matched = true;
    if (!pair_wanted(k)) return 0;
    const struct half right = waiting_half(version, &r);
    return pair_emit(k, s, left, &right, NULL, e);
}

static int take_left(struct sides *k, struct stage *s, const struct taken *t, struct err *e) {
    const struct record *r = t->half.r;
    if (!t->key) return pair_none(k, s, LEFT, r, NULL, e);
    const struct answer a = find(k, waiting_find(&k->room, t), r->time);
    if (k->mark[RIGHT] >= a.need) return emit(k, s, &t->half, a.version, e);
    struct waiting *w = waiting_put(&k->room, t);
    return w && waiting_due(&k->room, w, a.need) == 0 ? 0 : G_NOMEM;
}

static int decide_left(struct sides *k, struct stage *s, struct waiting *w, struct err *e) {
    struct record r;
    const struct answer a = find(k, waiting_others(w), waiting_time(w));
    if (k->mark[RIGHT] < a.need) return waiting_due(&k->room, w, a.need);
    const struct half left = waiting_half(w, &r);
    int g = emit(k, s, &left, a.version, e);
    drop_old(k, waiting_others(w), waiting_time(w));
    waiting_drop(&k->room, w);
    return g;
}

/* ---- versions ---- */

void as_of_replace(struct sides *k, const struct waiting *w) {
    const struct line *versions = &waiting_others(w)->line[RIGHT];
    struct waiting *first = line_at(versions, line_before(versions, waiting_time(w)))->w; /* of that time */
    if (first != w) waiting_drop(&k->room, first);
}

/* When nobody can need it any more, if that is by time alone: a left record may be this far behind it, and one that
 * waits for something nearer than it as far again. */
static int64_t version_due(const struct sides *k, const struct record *r) {
    if (k->direction == FORWARD) return time_add(r->time, 1);
    if (k->tolerance != INT64_MAX) {
        int64_t far = time_add(r->time, k->tolerance);
        return time_add(k->direction == NEAREST ? time_add(far, k->tolerance) : far, 1);
    }
    return k->direction == BACKWARD && r->value_type == VALUE_NONE ? time_add(r->time, 1) : INT64_MAX;
}

/* Those to which the version says that no other one is to be waited for, wait no longer than that: whether it is so is
 * seen then. A tombstone says nothing of the kind. */
static int hurry(struct sides *k, const struct waiting *version) {
    int g = 0;
    if (k->direction == BACKWARD || is_tombstone(version)) return 0;
    const struct line *of = &waiting_others(version)->line[LEFT];
    for (size_t i = 0; g == 0 && i < of->count; i++) {
        struct waiting *left = line_at(of, i)->w;
        bool ahead = waiting_time(version) >= waiting_time(left);
        int64_t enough =
            ahead ? time_add(waiting_time(version), 1) : mirrored(waiting_time(version), waiting_time(left));
        if ((ahead || k->direction == NEAREST) && enough < left->due) g = waiting_due(&k->room, left, enough);
    }
    return g;
}

static int take_right(struct sides *k, const struct taken *t) {
    int g = 0;
    if (!t->key) return 0;
    struct waiting *w = waiting_put(&k->room, t);
    if (!w) return G_NOMEM;
    as_of_replace(k, w);
    int64_t due = version_due(k, t->half.r);
    if (due != INT64_MAX) g = waiting_due(&k->room, w, due);
    if (g == 0) g = hurry(k, w);
    drop_old(k, waiting_others(w), INT64_MAX);
    return g;
}

/* Those before it are followed by it. */
static void drop_version(struct sides *k, struct waiting *w) {
    const struct line *versions = &waiting_others(w)->line[RIGHT];
    while (line_at(versions, 0)->w != w) waiting_drop(&k->room, line_at(versions, 0)->w);
    waiting_drop(&k->room, w);
}

/* ---- the form ---- */

static int as_of_take(struct sides *k, struct stage *s, const struct taken *t, struct err *e) {
    return t->side == LEFT ? take_left(k, s, t, e) : take_right(k, t);
}

static int as_of_decide(struct sides *k, struct stage *s, enum side side, struct waiting *w, struct err *e) {
    if (side == LEFT) return decide_left(k, s, w, e);
    drop_version(k, w);
    return 0;
}

/* But for backward they wait in no order of time: they are looked through, not more often than records come for that.
 * What was found holds until the next time, as those that come are not before the mark. */
static int64_t oldest_left(struct sides *k) {
    const struct dues *d = &k->room.dues[LEFT];
    if (k->room.arrived - k->oldest_of < d->count / 64) return k->oldest;
    k->oldest = k->mark[LEFT];
    k->oldest_of = k->room.arrived;
    for (size_t i = 0; i < d->count; i++)
        if (waiting_time(d->items[i].w) < k->oldest) k->oldest = waiting_time(d->items[i].w);
    return k->oldest;
}

static int64_t as_of_earliest(struct sides *k) {
    const struct due *first = waiting_first(&k->room, LEFT);
    int64_t mark = k->mark[LEFT];
    int64_t waits = !first ? mark : k->direction == BACKWARD ? waiting_time(first->w) : oldest_left(k);
    return waits < mark ? waits : mark;
}

const struct form as_of_form = {.late = as_of_late,
                                .take = as_of_take,
                                .decide = as_of_decide,
                                .earliest = as_of_earliest,
                                .moves = true,
                                .by_time = true,
                                .together = {[RIGHT] = true}};
