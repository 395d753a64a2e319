/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The window join: partners are those of the key in the same window. All of a window comes when it is complete: pairs
 * by the left record, then the right ones without a partner.
 */
#include "sides.h"

#include <endian.h>

static struct span window_of(const struct sides *k, int64_t time) {
    return spans_pane(&k->spans, time);
}

/* As in `leat window`: what the window has not been decided without is in time. */
static bool tumble_late(const struct sides *k, int64_t time, int64_t mark) {
    return window_of(k, time).end <= mark;
}

/* Keys of another window are others. */
static int tumble_take(struct sides *k, struct stage *s, const struct taken *t, struct err *e) {
    struct span window = window_of(k, t->half.r->time);
    uint64_t start = htobe64((uint64_t)window.start);
    struct taken in_window = *t;
    (void)s;
    if (!t->key && !pair_wants_none(k, t->side)) return 0;
    buf_clear(&k->more);
    if (buf_append(&k->more, &start, sizeof start) < 0 || buf_append(&k->more, t->key ? t->key : "", t->key_size) < 0)
        return err_nomem(e);
    if (t->key) in_window.key = k->more.data;
    in_window.key_size = k->more.len;
    in_window.hash = table_hash(&k->room.hash_key, k->more.data, k->more.len);
    struct waiting *w = waiting_put(&k->room, &in_window);
    return w && waiting_due(&k->room, w, window.end) == 0 ? 0 : G_NOMEM;
}

static int emit_left(struct sides *k, struct stage *s, const struct waiting *w, const struct half *left,
                     const struct span *window, struct err *e) {
    const struct line *of = w->key ? &waiting_others(w)->line[RIGHT] : NULL;
    struct record r;
    int g = 0;
    if (!of || of->count == 0) return pair_none(k, s, LEFT, left->r, window, e);
    for (size_t i = 0; g == 0 && i < of->count; i++) {
        struct waiting *partner = line_at(of, i)->w;
        partner->matched = k->matched = true;
        if (!pair_wanted(k)) continue;
        const struct half right = waiting_half(partner, &r);
        g = pair_emit(k, s, left, &right, window, e);
    }
    return g;
}

/* Those of the left side are decided before those of the right one: sides.c. */
static int tumble_decide(struct sides *k, struct stage *s, enum side side, struct waiting *w, struct err *e) {
    struct span window = window_of(k, waiting_time(w));
    struct record r;
    int g = 0;
    const struct half half = waiting_half(w, &r);
    if (side == LEFT)
        g = emit_left(k, s, w, &half, &window, e);
    else if (!w->matched)
        g = pair_none(k, s, RIGHT, &r, &window, e);
    waiting_drop(&k->room, w);
    return g;
}

static int64_t tumble_earliest(struct sides *k) {
    int64_t mark = k->mark[LEFT] < k->mark[RIGHT] ? k->mark[LEFT] : k->mark[RIGHT];
    return spans_covers(&k->spans, mark) ? window_of(k, mark).start : mark;
}

const struct form tumble_form = {.late = tumble_late,
                                 .take = tumble_take,
                                 .decide = tumble_decide,
                                 .earliest = tumble_earliest,
                                 .own_keys = true,
                                 .together = {true, true}};
