/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Windows of many panes overlap, and what they share is merged once: eight neighbouring panes make a pane of the first
 * tier, eight of these one of the second. A window then is a few panes of each tier, and the cost of one that slides by
 * a pane grows with the logarithm of its length. Tiers have only panes that the watermark has passed; they are made
 * when a window asks for them, and forgotten when a record comes into one of their panes all the same.
 *
 * Like the levels of a segment tree (Bentley 1977), with a fan-out of eight, as here memory counts for more than
 * merges.
 */
#include "panes.h"

enum { FAN_OUT = 8 };

static int64_t length_of(const struct window *w, size_t tier) {
    int64_t length = w->spans.pane;
    for (size_t i = 0; i <= tier; i++)
        if (__builtin_mul_overflow(length, FAN_OUT, &length)) return INT64_MAX;
    return length;
}

static int merge_table(struct window *w, struct table *into, const struct table *from) {
    size_t at = 0;
    struct entry *x;
    bool new;
    int g = 0;
    while (g == 0 && (x = table_next(from, &at))) {
        struct entry *y = table_put(into, x->hash, entry_key(x, from->value_size), x->key_size, &new);
        if (!y) return G_NOMEM;
        y->flags |= x->flags & ENTRY_CHANGED;
        g = values_merge(&w->program, entry_value(y), into->arena, entry_value(x));
    }
    return g;
}

/* Has any pane in [start, end)? */
static bool is_empty(const struct pane_list *k, int64_t start, int64_t end) {
    size_t at = pane_list_place(k, start);
    return at == k->count || k->list[at]->span.start >= end;
}

/* The largest tier that has a pane beginning there which the window and the watermark leave room for; below 0: the
 * panes themselves. */
static int tier_at(const struct window *w, int64_t start, int64_t end) {
    int tier = -1;
    int64_t limit = w->marks.now < end ? w->marks.now : end;
    if (w->spans.pane == 0) return tier; /* calendars */
    for (size_t next = 0; next < TIERS_MAX; next++) {
        int64_t length = length_of(w, next);
        if ((start - w->spans.offset) % length != 0 || time_add(start, length) > limit) break;
        tier = (int)next;
    }
    return tier;
}

static int merge_span(struct window *w, int64_t start, int64_t end, int below, struct table *into);

/* The pane of a tier, made out of the tier below it if it is not there. */
static int find_tier_pane(struct window *w, size_t tier, const struct span *span, struct pane **ret) {
    struct pane_list *k = &w->panes.tiers[tier];
    size_t at = pane_list_place(k, span->start);
    if (at < k->count && k->list[at]->span.start == span->start) {
        *ret = k->list[at];
        return 0;
    }
    int g = pane_new(w, span, span->start, span->end, ret);
    if (g < 0) return g;
    (*ret)->table.track = false; /* no snapshot needs it */
    g = merge_span(w, span->start, span->end, (int)tier, &(*ret)->table);
    if (g == 0) g = pane_list_insert(k, pane_list_place(k, span->start), *ret);
    if (g < 0) pane_free(*ret);
    return g;
}

static int merge_panes(struct window *w, int64_t start, int64_t end, struct table *into) {
    const struct pane_list *k = &w->panes.panes;
    int g = 0;
    for (size_t i = pane_list_place(k, start); g == 0 && i < k->count && k->list[i]->span.start < end; i++)
        g = merge_table(w, into, &k->list[i]->table);
    return g;
}

/* [start, end), from tiers below `below`. */
static int merge_span(struct window *w, int64_t start, int64_t end, int below, struct table *into) {
    int g = 0;
    while (g == 0 && start < end) {
        int tier = tier_at(w, start, end);
        if (tier >= below) tier = below - 1;
        int64_t next = tier < 0 ? spans_pane(&w->spans, start).end : start + length_of(w, (size_t)tier);
        if (is_empty(&w->panes.panes, start, next)) {
            size_t at = pane_list_place(&w->panes.panes, start);
            if (at == w->panes.panes.count || w->panes.panes.list[at]->span.start >= end) break;
            if (tier < 0) next = w->panes.panes.list[at]->span.start;
        } else if (tier < 0) {
            g = merge_panes(w, start, next, into);
        } else {
            const struct span span = {start, next};
            struct pane *p;
            g = find_tier_pane(w, (size_t)tier, &span, &p);
            if (g == 0) g = merge_table(w, into, &p->table);
        }
        start = next;
    }
    return g;
}

int tiers_merge(struct window *w, const struct span *span, struct table *into) {
    return merge_span(w, span->start, span->end, TIERS_MAX, into);
}

void tiers_forget(struct panes *k, int64_t time) {
    for (size_t i = 0; i < TIERS_MAX; i++) {
        struct pane_list *tier = &k->tiers[i];
        size_t at = pane_list_place(tier, time);
        if (at == tier->count || tier->list[at]->span.start != time) {
            if (at == 0) continue;
            at--;
        }
        if (time < tier->list[at]->span.end) pane_list_remove(tier, at);
    }
}

/* Whatever begins before the first pane that is still there is part of no window to come. */
void tiers_drop(struct window *w) {
    struct panes *k = &w->panes;
    int64_t first = k->panes.count ? k->panes.list[0]->span.start : INT64_MAX;
    for (size_t i = 0; i < TIERS_MAX; i++) {
        size_t gone = 0;
        while (gone < k->tiers[i].count && k->tiers[i].list[gone]->span.start < first) gone++;
        pane_list_drop(&k->tiers[i], gone);
    }
}
