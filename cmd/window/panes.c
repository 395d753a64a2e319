/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Windows that do not depend on the data: tumbling, hopping, cumulating, calendar. Each pane of time has a table of its
 * groups with one partial aggregate; a record changes one of them, however many windows it is in. A window is put
 * together from its panes when it is complete, and a pane goes, with all of its memory, after its last window.
 */
#include "panes.h"

#include <stdlib.h>

#define FEW 1000      /* entries */
#define FETCH_AHEAD 8 /* entries of a large table are far apart */

void pane_free(struct pane *p) {
    if (!p) return;
    table_release(&p->table);
    arena_release(&p->arena);
    free(p);
}

int pane_new(struct window *w, const struct span *span, int64_t first, int64_t last, struct pane **ret) {
    struct pane *p = calloc(1, sizeof *p);
    struct err ignored;
    if (!p) return G_NOMEM;
    *p = (struct pane){.span = *span, .first_end = first, .last_end = last};
    arena_init(&p->arena, &w->budget);
    if (table_init(&p->table, &p->arena, w->program.value_size, &ignored) < 0) {
        pane_free(p);
        return G_NOMEM;
    }
    p->table.track = w->state != NULL;
    *ret = p;
    return 0;
}

/* The pane of a time, made if it is not there; 1: it is in no window; its windows are in `ends`. */
static int make_pane(struct window *w, int64_t time, struct pane **ret) {
    struct panes *k = &w->panes;
    struct span span = spans_pane(&w->spans, time);
    int64_t first, last;
    size_t at = pane_list_place(&k->panes, span.start);
    if (at < k->panes.count && k->panes.list[at]->span.start == span.start) {
        *ret = k->panes.list[at];
        return 0;
    }
    if (!spans_ends(&w->spans, time, &first, &last)) return ROW_OUTSIDE;
    int g = pane_new(w, &span, first, last, ret);
    if (g < 0) return g;
    g = pane_list_insert(&k->panes, at, *ret);
    if (g < 0) pane_free(*ret);
    return g;
}

/* The first window behind `end` that has this pane; INT64_MAX: there is none. */
static int64_t end_behind(const struct window *w, const struct pane *p, int64_t end) {
    if (p->first_end > end) return p->first_end;
    return p->last_end > end ? spans_next_end(&w->spans, end) : INT64_MAX;
}

static int64_t next_end(const struct window *w, const struct pane *p) {
    return end_behind(w, p, w->panes.fired);
}

/* The first window behind `end` at all. Panes are in order, and so are their last windows: those that have none behind
 * it are the first ones. */
static int64_t any_end_behind(const struct window *w, int64_t end) {
    const struct pane_list *k = &w->panes.panes;
    size_t low = 0, high = k->count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (k->list[middle]->last_end <= end)
            low = middle + 1;
        else
            high = middle;
    }
    return low < k->count ? end_behind(w, k->list[low], end) : INT64_MAX;
}

/* The first window that was not emitted yet. */
static int64_t first_open_end(const struct window *w) {
    return any_end_behind(w, w->panes.fired);
}

/* ---- results ---- */

/* The panes of a window: [*ret_from, *ret_to) of the list. */
static void panes_of(const struct panes *k, const struct span *span, size_t *ret_from, size_t *ret_to) {
    size_t from = pane_list_place(&k->panes, span->start), to = from;
    while (to < k->panes.count && k->panes.list[to]->span.end <= span->end) to++;
    *ret_from = from;
    *ret_to = to;
}

static int emit_entries(struct window *w, struct stage *s, const struct span *span, struct table *t, bool consume,
                        enum emit_kind kind, unsigned flags, struct err *e) {
    size_t n = t->count;
    struct entry **sorted = table_sorted(t, consume);
    if (!sorted) return n ? G_NOMEM : 0;
    int g = 0;
    for (size_t i = 0; g == 0 && i < n; i++) {
        struct entry *x = sorted[i];
        if (i + FETCH_AHEAD < n) { /* the values and the key behind them */
            const char *soon = sorted[i + FETCH_AHEAD]->data;
            __builtin_prefetch(soon - sizeof(struct entry));
            __builtin_prefetch(soon + t->value_size);
        }
        if (flags && !(x->flags & flags)) continue;
        g = result_emit(w, s, span, entry_key(x, t->value_size), x->key_size, entry_value(x), kind, e);
    }
    table_sorted_free(t, sorted);
    return g;
}

/* A window whose panes are several is put together in a table of its own. */
static int emit_merged(struct window *w, struct stage *s, const struct span *span, enum emit_kind kind, unsigned flags,
                       struct err *e) {
    struct arena arena;
    struct table merged;
    arena_init(&arena, &w->budget);
    int g = table_init(&merged, &arena, w->program.value_size, e);
    if (g == 0) g = tiers_merge(w, span, &merged);
    if (g == 0) g = emit_entries(w, s, span, &merged, true, kind, flags, e);
    table_release(&merged);
    arena_release(&arena);
    return g;
}

static int emit_window(struct window *w, struct stage *s, int64_t end, enum emit_kind kind, unsigned flags,
                       struct err *e) {
    struct panes *k = &w->panes;
    struct span span = spans_ending(&w->spans, end);
    size_t from, to;
    panes_of(k, &span, &from, &to);
    if (from == to) return 0;
    if (to - from > 1) return emit_merged(w, s, &span, kind, flags, e);
    struct pane *p = k->panes.list[from];
    bool last = kind == EMIT_FINAL && p->last_end == end && w->grace_ns == 0 && !w->state;
    return emit_entries(w, s, &span, &p->table, last, kind, flags, e);
}

/* One group of one window, out of all of its panes. */
static int emit_group(struct window *w, struct stage *s, int64_t end, const struct row *r, enum emit_kind kind,
                      struct err *e) {
    struct span span = spans_ending(&w->spans, end);
    struct arena arena;
    size_t from, to;
    panes_of(&w->panes, &span, &from, &to);
    arena_init(&arena, &w->budget);
    void *value = arena_alloc(&arena, w->program.value_size);
    int g = value ? 0 : G_NOMEM;
    for (; g == 0 && from < to; from++) {
        const struct table *t = &w->panes.panes.list[from]->table;
        struct entry *x = table_find(t, r->hash, row_key(r), r->key_size);
        if (x) g = values_merge(&w->program, value, &arena, entry_value(x));
    }
    if (g == 0) g = result_emit(w, s, &span, row_key(r), r->key_size, value, kind, e);
    arena_release(&arena);
    return g;
}

/* ---- records ---- */

/* A record that came after some of its windows were emitted corrects those that still can be; and each change of the
 * others is told, if that was asked for. */
static int emit_touched(struct window *w, struct stage *s, const struct pane *p, const struct row *r, struct err *e) {
    int g = 0;
    for (int64_t end = p->first_end;; end = spans_next_end(&w->spans, end)) {
        bool closed = end <= w->panes.fired;
        if (closed && time_add(end, w->grace_ns) > w->marks.now)
            g = emit_group(w, s, end, r, EMIT_CORRECTION, e);
        else if (!closed && w->changes)
            g = emit_group(w, s, end, r, EMIT_CHANGE, e);
        if (g < 0 || end >= p->last_end) return g;
    }
}

static bool is_late(const struct window *w, const struct pane *p) {
    return time_add(p->last_end, w->grace_ns) <= w->marks.now;
}

/* Windows that the watermark has passed are closed, also those that had no record until now. */
static void close_passed(struct window *w, const struct pane *p) {
    int64_t *fired = &w->panes.fired;
    for (int64_t end = next_end(w, p); end <= w->marks.now && end != INT64_MAX; end = next_end(w, p)) *fired = end;
}

static int find_pane(struct window *w, const struct row *r, struct pane **ret) {
    struct panes *k = &w->panes;
    struct pane *p = k->last;
    if (p && r->time >= p->span.start && r->time < p->span.end) {
        *ret = p;
        return 0;
    }
    int64_t first, last;
    if (w->marks.now != WATERMARK_NONE) { /* too late for all: no pane is made for it */
        if (!spans_ends(&w->spans, r->time, &first, &last)) return ROW_OUTSIDE;
        if (time_add(last, w->grace_ns) <= w->marks.now) return ROW_LATE;
    }
    int g = make_pane(w, r->time, ret);
    if (g == 0) k->last = *ret;
    return g;
}

static void panes_expect(const struct window *w, const struct row *r, int step) {
    const struct pane *p = w->panes.last;
    if (!p || p->table.count < FEW) return; /* they are in the cache */
    if (step == 0)
        table_prefetch(&p->table, r->hash);
    else
        table_prefetch_entry(&p->table, r->hash);
}

/* --all: what has no time keeps the order in which it came, before all that has one: no time is before TIME_MIN. */
static int64_t see_time(struct window *w, int64_t time) {
    if (time == NO_TIME) return NO_TIME + w->untimed++;
    if (time < w->seen.start || w->seen.start == NO_TIME) w->seen.start = time;
    if (time > w->seen.end) w->seen.end = time;
    return time;
}

static int panes_add(struct window *w, struct stage *s, const struct row *r, struct span *ret_span, struct err *e) {
    struct pane *p;
    bool new;
    int g = find_pane(w, r, &p);
    if (g == ROW_OUTSIDE || g < 0) return g;
    if (g == ROW_LATE || is_late(w, p)) {
        int64_t first, last;
        if (!spans_ends(&w->spans, r->time, &first, &last)) return ROW_OUTSIDE;
        *ret_span = spans_ending(&w->spans, last);
        return ROW_LATE;
    }
    if (p->span.end <= w->marks.now) tiers_forget(&w->panes, r->time);
    if (p->first_end <= w->marks.now) close_passed(w, p);
    struct entry *x = table_put(&p->table, r->hash, row_key(r), r->key_size, &new);
    if (!x || table_touch(&p->table, x) < 0) return G_NOMEM;
    x->flags |= ENTRY_CHANGED;
    const int64_t time = window_is_all(w) ? see_time(w, r->time) : r->time;
    g = row_apply(&w->program, r, time, entry_value(x), &p->arena);
    if (g < 0) return g;
    if (new && p->table.count == 1) window_due(w, next_end(w, p));
    return w->changes || (w->grace_ns && p->first_end <= w->marks.now) ? emit_touched(w, s, p, r, e) : 0;
}

/* ---- time passes ---- */

static int note_dropped(struct panes *k, int64_t start) {
    if (k->dropped_count == k->dropped_cap) {
        size_t cap = k->dropped_cap ? 2 * k->dropped_cap : 16;
        int64_t *list = realloc(k->dropped, cap * sizeof *list);
        if (!list) return G_NOMEM;
        k->dropped = list;
        k->dropped_cap = cap;
    }
    k->dropped[k->dropped_count++] = start;
    return 0;
}

static int drop_panes(struct window *w) {
    struct panes *k = &w->panes;
    size_t gone = 0;
    int g = 0;
    while (g == 0 && gone < k->panes.count && k->panes.list[gone]->last_end <= k->fired &&
           is_late(w, k->panes.list[gone])) {
        const struct pane *p = k->panes.list[gone++];
        if (p->saved) g = note_dropped(k, p->span.start);
        if (p == k->last) k->last = NULL;
    }
    pane_list_drop(&k->panes, gone);
    if (gone) tiers_drop(w);
    return g;
}

static int panes_advance(struct window *w, struct stage *s, struct err *e) {
    int64_t end;
    int g = 0;
    while (g == 0 && (end = first_open_end(w)) <= w->marks.now && end != INT64_MAX) {
        g = emit_window(w, s, end, EMIT_FINAL, 0, e);
        w->panes.fired = end;
        if (g == 0) g = drop_panes(w);
    }
    return g == 0 ? drop_panes(w) : g;
}

static int64_t panes_due(const struct window *w) {
    int64_t end = first_open_end(w);
    if (w->panes.panes.count == 0) return end;
    int64_t drop = time_add(w->panes.panes.list[0]->last_end, w->grace_ns);
    return drop < end ? drop : end;
}

static int clear_changed_in(const struct pane_list *k) {
    for (size_t i = 0; i < k->count; i++) {
        struct table *t = &k->list[i]->table;
        size_t at = 0;
        struct entry *x;
        while ((x = table_next(t, &at))) {
            if (!(x->flags & ENTRY_CHANGED)) continue;
            x->flags &= ~ENTRY_CHANGED;
            if (table_touch(t, x) < 0) return G_NOMEM;
        }
    }
    return 0;
}

static int clear_changed(struct panes *k) {
    int g = clear_changed_in(&k->panes);
    for (size_t i = 0; g == 0 && i < TIERS_MAX; i++) g = clear_changed_in(&k->tiers[i]);
    return g;
}

static int panes_early(struct window *w, struct stage *s, struct err *e) {
    int g = 0;
    for (int64_t end = first_open_end(w); g == 0 && end != INT64_MAX; end = any_end_behind(w, end))
        g = emit_window(w, s, end, EMIT_EARLY, ENTRY_CHANGED, e);
    return g == 0 ? clear_changed(&w->panes) : g;
}

/* ---- snapshots: a pane is a space, the value of a group u8 changed (0 or 1), accumulators ---- */

static int save_entry(struct window *w, struct snapshot *to, const struct pane *p, struct entry *x, struct buf *text,
                      struct err *e) {
    buf_clear(text);
    if (buf_putc(text, x->flags & ENTRY_CHANGED ? 1 : 0) < 0 || values_save(&w->program, entry_value(x), text) < 0)
        return err_nomem(e);
    return snapshot_put(to, p->span.start, entry_key(x, p->table.value_size), x->key_size, text->data, text->len, e);
}

static int save_pane(struct window *w, struct snapshot *to, struct pane *p, bool whole, struct err *e) {
    size_t dirty_count;
    struct entry **dirty = table_dirty(&p->table, &dirty_count);
    struct buf text = {0};
    struct entry *x;
    size_t at = 0;
    int g = 0;
    if (whole)
        while (g == 0 && (x = table_next(&p->table, &at))) g = save_entry(w, to, p, x, &text, e);
    else
        for (size_t i = 0; g == 0 && i < dirty_count; i++) g = save_entry(w, to, p, dirty[i], &text, e);
    buf_release(&text);
    if (g < 0) return g;
    table_clean(&p->table);
    p->saved = true;
    return 0;
}

static int panes_save(struct window *w, struct snapshot *to, bool whole, struct err *e) {
    struct panes *k = &w->panes;
    int g = 0;
    for (size_t i = 0; g == 0 && !whole && i < k->dropped_count; i++) g = snapshot_drop(to, k->dropped[i], e);
    for (size_t i = 0; g == 0 && i < k->panes.count; i++) g = save_pane(w, to, k->panes.list[i], whole, e);
    if (g == 0) k->dropped_count = 0;
    return g;
}

static int panes_load(struct window *w, int64_t space, const char *key, size_t key_size, const char *value, size_t n,
                      struct err *e) {
    struct pane *p;
    bool new;
    if (!spans_covers(&w->spans, space)) return err_set(e, G_CORRUPT, "state has a window out of range");
    if (n == 0 || (unsigned char)value[0] > 1) return err_set(e, G_CORRUPT, "state of a group is not one");
    int g = make_pane(w, space, &p);
    if (g < 0) return budget_error(&w->budget, e);
    if (g == ROW_OUTSIDE || p->span.start != space) return err_set(e, G_CORRUPT, "state has a window that is none");
    struct entry *x = table_put(&p->table, table_hash(&w->program.key, key, key_size), key, key_size, &new);
    if (!x) return budget_error(&w->budget, e);
    if (!new) values_clear(&w->program, entry_value(x), &p->arena);
    p->saved = true;
    const char *end = value + n;
    x->flags = value++[0] ? x->flags | ENTRY_CHANGED : x->flags & ~ENTRY_CHANGED;
    g = values_load(&w->program, entry_value(x), &p->arena, &value, end, e);
    if (g == G_NOMEM) return budget_error(&w->budget, e);
    return g == 0 && value != end ? err_set(e, G_CORRUPT, "state of a group is too long") : g;
}

/* A group never leaves its pane. */
static int panes_remove(struct window *w, int64_t space, const char *key, size_t key_size, struct err *e) {
    (void)w, (void)space, (void)key, (void)key_size;
    return err_set(e, G_CORRUPT, "state has the removal of a group, which windows of time do not know");
}

static int panes_drop(struct window *w, int64_t space, struct err *e) {
    struct panes *k = &w->panes;
    size_t at = pane_list_place(&k->panes, space);
    if (at == k->panes.count || k->panes.list[at]->span.start != space)
        return err_set(e, G_CORRUPT, "state drops a window that is not there");
    pane_list_remove(&k->panes, at);
    k->last = NULL;
    return 0;
}

static void panes_release(struct window *w) {
    struct panes *k = &w->panes;
    pane_list_release(&k->panes);
    for (size_t i = 0; i < TIERS_MAX; i++) pane_list_release(&k->tiers[i]);
    free(k->dropped);
}

const struct kind_ops panes_ops = {
    .add = panes_add,
    .expect = panes_expect,
    .advance = panes_advance,
    .due = panes_due,
    .early = panes_early,
    .save = panes_save,
    .load = panes_load,
    .remove = panes_remove,
    .drop = panes_drop,
    .release = panes_release,
};
