/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Session windows: records of a group of which each is no further than the gap from another. A session lasts from its
 * first record to the gap behind its last; sessions that meet become one, also when a late record joins them, as in
 * Flink's MergingWindowSet. With --max, records come in the order of event time, and one that would make its session
 * longer begins a new one.
 *
 * A record right at the end of a session still joins it, so a session is complete when the watermark is beyond its end.
 */
#include "window.h"

#include <stdlib.h>

struct session {
    int64_t start, last; /* times of its first and its last record */
    struct entry *of;    /* the group: a list of these, the latest first */
    struct session *next, *before;
    int64_t wake; /* the watermark at which to look at it; never behind what there is to do */
    size_t at;    /* in the heap */
    bool fired;   /* a result of it, or of one that joined it, was emitted */
    bool closed;  /* its result was emitted, and it waits for --grace to end */
    bool changed; /* since the last early results */
    char value[] __attribute__((aligned(8)));
};

#define ENTRY_SAVED 4u /* the last snapshot has this group */

/* The value of a group: its sessions. */
static struct session **list_of(struct entry *x) {
    return entry_value(x);
}

static int64_t end_of(const struct window *w, const struct session *x) {
    int64_t end = time_add(x->last, w->sessions.gap);
    if (w->sessions.max == INT64_MAX) return end;
    int64_t longest = time_add(x->start, w->sessions.max);
    return longest < end ? longest : end;
}

/* The watermark at which it is complete, or, when its result is out, at which it goes. */
static int64_t wake_of(const struct window *w, const struct session *x) {
    int64_t end = time_add(end_of(w, x), 1);
    return x->closed ? time_add(end, w->grace_ns) : end;
}

/* ---- the heap: sessions by `wake` ---- */

static void put_at(struct sessions *k, size_t i, struct session *x) {
    k->heap[i] = x;
    x->at = i;
}

static void sift(struct sessions *k, struct session *x) {
    size_t i = x->at;
    for (; i > 0 && x->wake < k->heap[(i - 1) / 2]->wake; i = (i - 1) / 2) put_at(k, i, k->heap[(i - 1) / 2]);
    for (;;) {
        size_t child = 2 * i + 1;
        if (child >= k->count) break;
        if (child + 1 < k->count && k->heap[child + 1]->wake < k->heap[child]->wake) child++;
        if (k->heap[child]->wake >= x->wake) break;
        put_at(k, i, k->heap[child]);
        i = child;
    }
    put_at(k, i, x);
}

static int grow_heap(struct window *w) {
    struct sessions *k = &w->sessions;
    void *heap = budget_grow_list(&w->budget, k->heap, &k->cap, sizeof *k->heap);
    if (!heap) return G_NOMEM;
    k->heap = heap;
    return 0;
}

static int queue(struct window *w, struct session *x) {
    struct sessions *k = &w->sessions;
    if (k->count == k->cap && grow_heap(w) < 0) return G_NOMEM;
    x->wake = wake_of(w, x);
    put_at(k, k->count++, x);
    sift(k, x);
    window_due(w, x->wake);
    return 0;
}

static void requeue(struct window *w, struct session *x) {
    x->wake = wake_of(w, x);
    sift(&w->sessions, x);
    window_due(w, x->wake);
}

static void unqueue(struct sessions *k, struct session *x) {
    struct session *last = k->heap[--k->count];
    if (last == x) return;
    put_at(k, x->at, last);
    sift(k, last);
}

/* ---- the sessions of a group ---- */

static size_t session_size(const struct window *w) {
    return sizeof(struct session) + w->program.value_size;
}

static void link_session(struct session *x) {
    struct session **at = list_of(x->of);
    x->before = NULL;
    while (*at && (*at)->start > x->start) {
        x->before = *at;
        at = &(*at)->next;
    }
    x->next = *at;
    if (x->next) x->next->before = x;
    *at = x;
}

static void unlink_session(struct session *x) {
    *(x->before ? &x->before->next : list_of(x->of)) = x->next;
    if (x->next) x->next->before = x->before;
}

static int new_session(struct window *w, struct entry *of, int64_t start, int64_t last, struct session **ret) {
    struct session *x = arena_take(&w->sessions.arena, session_size(w));
    if (!x) return G_NOMEM;
    memset(x, 0, session_size(w));
    x->of = of;
    x->start = start;
    x->last = last;
    int g = queue(w, x);
    if (g < 0) {
        arena_give(&w->sessions.arena, x, session_size(w));
        return g;
    }
    link_session(x);
    *ret = x;
    return 0;
}

/* One that is not in the heap. */
static void free_session(struct window *w, struct session *x) {
    unlink_session(x);
    values_clear(&w->program, x->value, &w->sessions.arena);
    arena_give(&w->sessions.arena, x, session_size(w));
}

static void end_session(struct window *w, struct session *x) {
    unqueue(&w->sessions, x);
    free_session(w, x);
}

/* A group without sessions goes. */
static int leave_group(struct window *w, struct entry *x) {
    struct sessions *k = &w->sessions;
    if (*list_of(x)) return table_touch(&k->table, x);
    if (x->flags & ENTRY_SAVED) {
        if (buf_append(&k->removed, &x->key_size, sizeof x->key_size) < 0 ||
            buf_append(&k->removed, entry_key(x, k->table.value_size), x->key_size) < 0)
            return G_NOMEM;
    }
    table_remove(&k->table, x);
    return 0;
}

/* Do a record at this time and the session meet? They do when they touch. */
static bool meets(const struct window *w, const struct session *x, int64_t time) {
    int64_t gap = w->sessions.gap;
    if (time_add(time, gap) < x->start || time_add(x->last, gap) < time) return false;
    return w->sessions.max == INT64_MAX || (time >= x->start && time < time_add(x->start, w->sessions.max));
}

/* y joins x. */
static int join_session(struct window *w, struct session *x, struct session *y) {
    int g = values_merge(&w->program, x->value, &w->sessions.arena, y->value);
    if (g < 0) return g;
    if (y->start < x->start) x->start = y->start;
    if (y->last > x->last) x->last = y->last;
    x->fired |= y->fired;
    x->closed &= y->closed;
    end_session(w, y);
    return 0;
}

/* Is this session, and so all behind it in the list, over for a record at this time? */
static bool is_before(const struct window *w, const struct session *x, int64_t time) {
    return time_add(x->last, w->sessions.gap) < time;
}

/* The session that this record belongs to, its neighbours joined to it; a new one when there is none. */
static int make_session(struct window *w, struct entry *of, int64_t time, struct session **ret) {
    struct session *found = NULL;
    for (struct session *x = *list_of(of), *next; x && !is_before(w, x, time); x = next) {
        next = x->next;
        if (!meets(w, x, time)) continue;
        int g = found ? join_session(w, found, x) : 0;
        if (g < 0) return g;
        if (!found) found = x;
    }
    if (!found) return new_session(w, of, time, time, ret);
    if (time < found->start) found->start = time;
    if (time > found->last) found->last = time;
    *ret = found;
    return 0;
}

/* ---- records ---- */

static int emit_session(struct window *w, struct stage *s, const struct session *x, enum emit_kind kind,
                        struct err *e) {
    const struct span span = {x->start, end_of(w, x)};
    return result_emit(w, s, &span, entry_key(x->of, w->sessions.table.value_size), x->of->key_size, x->value, kind, e);
}

/* Too late for a session of its own, and there is none that it could join? One that only waits for records right at its
 * end takes none from before, as in Flink, where it would be gone. */
static bool is_late(const struct window *w, struct entry *of, int64_t time, struct span *ret) {
    int64_t mark = w->marks.now, end = time_add(time, w->sessions.gap);
    *ret = (struct span){time, end};
    if (w->pending.strict || mark == WATERMARK_NONE || time_add(end, w->grace_ns) > mark) return false;
    for (const struct session *x = of ? *list_of(of) : NULL; x && !is_before(w, x, time); x = x->next)
        if (meets(w, x, time) && time_add(end_of(w, x), w->grace_ns) > mark) return false;
    return true;
}

/* A session whose result is out is corrected, or, if the record made it longer than that, open again. */
static int emit_touched(struct window *w, struct stage *s, struct session *x, struct err *e) {
    if (!x->closed && wake_of(w, x) < x->wake) requeue(w, x); /* it joined one that is closed */
    if (!x->closed) return w->changes ? emit_session(w, s, x, EMIT_CHANGE, e) : 0;
    if (end_of(w, x) < w->marks.now) return emit_session(w, s, x, EMIT_CORRECTION, e);
    x->closed = false;
    requeue(w, x);
    return 0;
}

static int sessions_add(struct window *w, struct stage *s, const struct row *r, struct span *ret_span, struct err *e) {
    struct sessions *k = &w->sessions;
    struct session *x;
    struct entry *of = table_find(&k->table, r->hash, row_key(r), r->key_size);
    bool new;
    if (is_late(w, of, r->time, ret_span)) return ROW_LATE;
    if (!of) of = table_put(&k->table, r->hash, row_key(r), r->key_size, &new);
    if (!of || table_touch(&k->table, of) < 0) return G_NOMEM;
    int g = make_session(w, of, r->time, &x);
    if (g < 0) return g;
    x->changed = true;
    g = row_apply(&w->program, r, r->time, x->value, &k->arena);
    return g < 0 ? g : emit_touched(w, s, x, e);
}

/* ---- time passes ---- */

/* In the order of results. */
struct place {
    int64_t end;
    struct session *session;
};

static int compare_places(const void *a, const void *b, void *ctx) {
    const struct window *w = ctx;
    const struct place *x = a, *y = b;
    const struct entry *p = x->session->of, *q = y->session->of;
    size_t value_size = w->sessions.table.value_size;
    if (x->end != y->end) return x->end < y->end ? -1 : 1;
    size_t n = p->key_size < q->key_size ? p->key_size : q->key_size;
    int order = n ? memcmp(entry_key(p, value_size), entry_key(q, value_size), n) : 0;
    if (order) return order;
    if (p->key_size != q->key_size) return p->key_size < q->key_size ? -1 : 1;
    return (x->session->start > y->session->start) - (x->session->start < y->session->start);
}

static int add_place(struct window *w, struct buf *places, struct session *x) {
    const struct place place = {end_of(w, x), x};
    return buf_append(places, &place, sizeof place);
}

static struct place *sort_places(struct window *w, struct buf *places, size_t *ret_n) {
    *ret_n = places->len / sizeof(struct place);
    if (*ret_n > 1) qsort_r(places->data, *ret_n, sizeof(struct place), compare_places, w);
    return (struct place *)(void *)places->data;
}

/* Look at each session that is to be looked at by now: it has grown since, or goes, or is complete and leaves the heap.
 */
static int collect_complete(struct window *w, struct buf *places) {
    struct sessions *k = &w->sessions;
    int g = 0;
    while (g == 0 && k->count && k->heap[0]->wake <= w->marks.now) {
        struct session *x = k->heap[0];
        struct entry *of = x->of;
        if (wake_of(w, x) > w->marks.now) {
            requeue(w, x);
            continue;
        }
        unqueue(k, x);
        if (x->closed) {
            free_session(w, x);
            g = leave_group(w, of);
        } else {
            g = add_place(w, places, x);
        }
    }
    return g;
}

/* After its result a session stays for as long as it can be corrected. */
static int close_session(struct window *w, struct session *x) {
    struct entry *of = x->of;
    x->fired = x->closed = true;
    if (wake_of(w, x) > w->marks.now) {
        int g = queue(w, x);
        return g < 0 ? g : table_touch(&w->sessions.table, of);
    }
    free_session(w, x);
    return leave_group(w, of);
}

static int sessions_advance(struct window *w, struct stage *s, struct err *e) {
    struct buf places = {0};
    size_t n;
    int g = collect_complete(w, &places);
    struct place *list = sort_places(w, &places, &n);
    for (size_t i = 0; g == 0 && i < n; i++) {
        struct session *x = list[i].session;
        g = emit_session(w, s, x, x->fired ? EMIT_CORRECTION : EMIT_FINAL, e);
        if (g == 0) g = close_session(w, x);
    }
    buf_release(&places);
    return g;
}

static int64_t sessions_due(const struct window *w) {
    return w->sessions.count ? w->sessions.heap[0]->wake : INT64_MAX;
}

static int sessions_early(struct window *w, struct stage *s, struct err *e) {
    struct sessions *k = &w->sessions;
    struct buf places = {0};
    size_t n;
    int g = 0;
    for (size_t i = 0; g == 0 && i < k->count; i++)
        if (!k->heap[i]->closed && k->heap[i]->changed) g = add_place(w, &places, k->heap[i]);
    struct place *list = sort_places(w, &places, &n);
    for (size_t i = 0; g == 0 && i < n; i++) {
        g = emit_session(w, s, list[i].session, EMIT_EARLY, e);
        list[i].session->changed = false;
        if (g == 0) g = table_touch(&k->table, list[i].session->of);
    }
    buf_release(&places);
    return g;
}

/* ---- snapshots: a group is an item, its value all of its sessions ---- */

enum { SPACE = 0, SESSION_HEAD = 17 }; /* i64 start, i64 last, u8: 1 fired, 2 closed, 4 changed */

static int save_group(struct window *w, struct snapshot *to, struct entry *of, struct buf *text, struct err *e) {
    buf_clear(text);
    const struct session *x = *list_of(of);
    while (x && x->next) x = x->next; /* the earliest first: then each is the first of the list when it is loaded */
    for (; x; x = x->before) {
        char head[SESSION_HEAD];
        put_u64_le(head, (uint64_t)x->start);
        put_u64_le(head + 8, (uint64_t)x->last);
        head[16] = (char)(x->fired | x->closed << 1 | x->changed << 2);
        if (buf_append(text, head, sizeof head) < 0 || values_save(&w->program, x->value, text) < 0)
            return err_nomem(e);
    }
    of->flags |= ENTRY_SAVED;
    return snapshot_put(to, SPACE, entry_key(of, w->sessions.table.value_size), of->key_size, text->data, text->len, e);
}

static int save_removed(struct sessions *k, struct snapshot *to, struct err *e) {
    int g = 0;
    for (size_t at = 0; g == 0 && at < k->removed.len;) {
        uint32_t n;
        memcpy(&n, k->removed.data + at, sizeof n);
        g = snapshot_remove(to, SPACE, k->removed.data + at + sizeof n, n, e);
        at += sizeof n + n;
    }
    return g;
}

static int sessions_save(struct window *w, struct snapshot *to, bool whole, struct err *e) {
    size_t dirty_count;
    struct sessions *k = &w->sessions;
    struct entry **dirty = table_dirty(&k->table, &dirty_count);
    struct buf text = {0};
    struct entry *x;
    size_t at = 0;
    int g = whole ? 0 : save_removed(k, to, e);
    if (whole)
        while (g == 0 && (x = table_next(&k->table, &at))) g = save_group(w, to, x, &text, e);
    else
        for (size_t i = 0; g == 0 && i < dirty_count; i++) g = save_group(w, to, dirty[i], &text, e);
    buf_release(&text);
    if (g < 0) return g;
    table_clean(&k->table);
    buf_clear(&k->removed);
    return 0;
}

static int load_session(struct window *w, struct entry *of, const char **p, const char *end, struct err *e) {
    struct session *x;
    if (end - *p < SESSION_HEAD) return err_set(e, G_CORRUPT, "state of a session is cut short");
    int64_t start = get_i64_le(*p), last = get_i64_le(*p + 8);
    unsigned flags = (unsigned char)(*p)[16];
    if (last < start || flags > 7) return err_set(e, G_CORRUPT, "state has a session that is none");
    *p += SESSION_HEAD;
    int g = new_session(w, of, start, last, &x);
    if (g < 0) return budget_error(&w->budget, e);
    x->fired = flags & 1;
    x->closed = flags & 2;
    x->changed = flags & 4;
    requeue(w, x);
    g = values_load(&w->program, x->value, &w->sessions.arena, p, end, e);
    return g == G_NOMEM ? budget_error(&w->budget, e) : g;
}

static int sessions_load(struct window *w, int64_t space, const char *key, size_t key_size, const char *value, size_t n,
                         struct err *e) {
    struct sessions *k = &w->sessions;
    const char *end = value + n;
    bool new;
    if (space != SPACE) return err_set(e, G_CORRUPT, "state has a space that sessions do not know");
    struct entry *of = table_put(&k->table, table_hash(&w->program.key, key, key_size), key, key_size, &new);
    if (!of) return budget_error(&w->budget, e);
    of->flags |= ENTRY_SAVED;
    while (*list_of(of)) end_session(w, *list_of(of));
    int g = 0;
    while (g == 0 && value < end) g = load_session(w, of, &value, end, e);
    return g;
}

static int sessions_remove(struct window *w, int64_t space, const char *key, size_t key_size, struct err *e) {
    struct sessions *k = &w->sessions;
    struct entry *of = table_find(&k->table, table_hash(&w->program.key, key, key_size), key, key_size);
    if (space != SPACE || !of) return err_set(e, G_CORRUPT, "state removes a group that is not there");
    while (*list_of(of)) end_session(w, *list_of(of));
    table_remove(&k->table, of);
    return 0;
}

static int sessions_drop(struct window *w, int64_t space, struct err *e) {
    (void)w, (void)space;
    return err_set(e, G_CORRUPT, "state drops a space, which sessions do not do");
}

static void sessions_release(struct window *w) {
    table_release(&w->sessions.table);
    arena_release(&w->sessions.arena);
    free(w->sessions.heap);
    buf_release(&w->sessions.removed);
}

const struct kind_ops sessions_ops = {
    .add = sessions_add,
    .advance = sessions_advance,
    .due = sessions_due,
    .early = sessions_early,
    .save = sessions_save,
    .load = sessions_load,
    .remove = sessions_remove,
    .drop = sessions_drop,
    .release = sessions_release,
};
