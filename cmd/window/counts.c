/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Count windows: so many records of a group, in the order of event time. Sliding ones end at every --slide records and
 * have the last --count of them; what they share is kept once, in partial aggregates of the greatest common divisor.
 */
#include "window.h"

#include <stdlib.h>

/* Partials of a group: a ring of the last size/part complete ones and the one that is being filled. */
struct partial {
    int64_t first, last; /* times of its first and its last record */
};

struct group {
    uint64_t seen;       /* records of the group */
    uint64_t emitted_at; /* `seen` at the last result */
    uint64_t early_at;   /* the same for early ones */
    char *ring;          /* partials and their values, in the arena */
};

static size_t partial_size(const struct window *w) {
    return sizeof(struct partial) + w->program.value_size;
}

static size_t ring_parts(const struct window *w) {
    return (size_t)(w->counts.size / w->counts.part);
}

static struct partial *partial_at(const struct window *w, const struct group *x, uint64_t i) {
    return (struct partial *)(void *)(x->ring + (size_t)(i % ring_parts(w)) * partial_size(w));
}

static void *partial_value(struct partial *p) {
    return p + 1;
}

static void partial_clear(struct window *w, struct partial *p) {
    values_clear(&w->program, partial_value(p), &w->counts.arena);
    memset(p, 0, partial_size(w));
}

/* ---- results ---- */

/* The window that is being filled, or was just now, ends where `seen` comes to a multiple of the slide. Its partials
 * are those from *ret_oldest to *ret_newest; false: it has no record yet (--slide beyond --count). */
static bool window_parts(const struct window *w, const struct group *x, uint64_t *ret_oldest, uint64_t *ret_newest) {
    const struct counts *k = &w->counts;
    uint64_t end = (x->seen / k->slide + (x->seen % k->slide != 0)) * (k->slide / k->part), parts = ring_parts(w);
    *ret_oldest = end > parts ? end - parts : 0;
    *ret_newest = (x->seen - 1) / k->part;
    return *ret_oldest <= *ret_newest;
}

static int emit_group(struct window *w, struct stage *s, struct entry *of, enum emit_kind kind, struct err *e) {
    struct counts *k = &w->counts;
    struct group *x = entry_value(of);
    struct arena arena;
    uint64_t oldest, newest;
    if (!window_parts(w, x, &oldest, &newest)) return 0;
    struct span span = {partial_at(w, x, oldest)->first, time_add(partial_at(w, x, newest)->last, 1)};
    arena_init(&arena, &w->budget);
    void *value = arena_alloc(&arena, w->program.value_size);
    int g = value ? 0 : G_NOMEM;
    for (uint64_t i = oldest; g == 0 && i <= newest; i++)
        g = values_merge(&w->program, value, &arena, partial_value(partial_at(w, x, i)));
    if (g == 0) g = result_emit(w, s, &span, entry_key(of, k->table.value_size), of->key_size, value, kind, e);
    arena_release(&arena);
    return g;
}

/* ---- records ---- */

static int counts_add(struct window *w, struct stage *s, const struct row *r, struct span *ret_span, struct err *e) {
    struct counts *k = &w->counts;
    bool new;
    (void)ret_span;
    struct entry *of = table_put(&k->table, r->hash, row_key(r), r->key_size, &new);
    if (!of || table_touch(&k->table, of) < 0) return G_NOMEM;
    struct group *x = entry_value(of);
    if (!x->ring && !(x->ring = arena_take(&k->arena, ring_parts(w) * partial_size(w)))) return G_NOMEM;
    struct partial *p = partial_at(w, x, x->seen / k->part);
    if (x->seen % k->part == 0) {
        partial_clear(w, p);
        p->first = r->time;
    }
    p->last = r->time;
    int g = row_apply(&w->program, r, r->time, partial_value(p), &k->arena);
    if (g < 0) return g;
    if (++x->seen % k->slide == 0) {
        g = emit_group(w, s, of, EMIT_FINAL, e);
        x->emitted_at = x->early_at = x->seen;
    } else if (w->changes) {
        g = emit_group(w, s, of, EMIT_CHANGE, e);
    }
    return g;
}

/* ---- time passes ---- */

/* Groups with records since their last result, in the order of results: by end, then by key. */
struct place {
    int64_t end;
    size_t rank;
    struct entry *of;
};

static int compare_places(const void *a, const void *b) {
    const struct place *x = a, *y = b;
    if (x->end != y->end) return x->end < y->end ? -1 : 1;
    return (x->rank > y->rank) - (x->rank < y->rank);
}

static int emit_open(struct window *w, struct stage *s, enum emit_kind kind, struct err *e) {
    struct counts *k = &w->counts;
    size_t n = k->table.count, open = 0;
    struct entry **sorted = table_sorted(&k->table, false);
    struct place *places = calloc(n + 1, sizeof *places);
    int g = (n && !sorted) || !places ? G_NOMEM : 0;
    for (size_t i = 0; g == 0 && i < n; i++) {
        const struct group *x = entry_value(sorted[i]);
        if (x->seen == (kind == EMIT_EARLY ? x->early_at : x->emitted_at)) continue;
        places[open++] = (struct place){partial_at(w, x, (x->seen - 1) / k->part)->last, i, sorted[i]};
    }
    if (g == 0) qsort(places, open, sizeof *places, compare_places);
    for (size_t i = 0; g == 0 && i < open; i++) {
        struct group *x = entry_value(places[i].of);
        g = emit_group(w, s, places[i].of, kind, e);
        x->early_at = x->seen;
        if (kind == EMIT_FINAL) x->emitted_at = x->seen;
        if (g == 0) g = table_touch(&k->table, places[i].of);
    }
    free(places);
    table_sorted_free(&k->table, sorted);
    return g;
}

/* Windows end by records; at the end of all input what is there is the last of them. */
static int counts_advance(struct window *w, struct stage *s, struct err *e) {
    return w->marks.now == WATERMARK_END ? emit_open(w, s, EMIT_FINAL, e) : 0;
}

static int64_t counts_due(const struct window *w) {
    (void)w;
    return INT64_MAX;
}

static int counts_early(struct window *w, struct stage *s, struct err *e) {
    return emit_open(w, s, EMIT_EARLY, e);
}

/* ---- snapshots: a group is an item ---- */

enum { SPACE = 0 };

static int append_u64(struct buf *b, uint64_t v) {
    char bytes[8];
    put_u64_le(bytes, v);
    return buf_append(b, bytes, sizeof bytes);
}

static int append_partial(struct window *w, const struct partial *p, struct buf *text) {
    int g = append_u64(text, (uint64_t)p->first);
    if (g == 0) g = append_u64(text, (uint64_t)p->last);
    return g == 0 ? values_save(&w->program, p + 1, text) : g;
}

static int save_group(struct window *w, struct snapshot *to, struct entry *of, struct buf *text, struct err *e) {
    const struct group *x = entry_value(of);
    buf_clear(text);
    int g = append_u64(text, x->seen);
    if (g == 0) g = append_u64(text, x->emitted_at);
    if (g == 0) g = append_u64(text, x->early_at);
    for (uint64_t i = 0; g == 0 && i < ring_parts(w); i++) g = append_partial(w, partial_at(w, x, i), text);
    if (g < 0) return err_nomem(e);
    return snapshot_put(to, SPACE, entry_key(of, w->counts.table.value_size), of->key_size, text->data, text->len, e);
}

static int counts_save(struct window *w, struct snapshot *to, bool whole, struct err *e) {
    size_t dirty_count;
    struct counts *k = &w->counts;
    struct entry **dirty = table_dirty(&k->table, &dirty_count);
    struct buf text = {0};
    struct entry *x;
    size_t at = 0;
    int g = 0;
    if (whole)
        while (g == 0 && (x = table_next(&k->table, &at))) g = save_group(w, to, x, &text, e);
    else
        for (size_t i = 0; g == 0 && i < dirty_count; i++) g = save_group(w, to, dirty[i], &text, e);
    buf_release(&text);
    if (g == 0) table_clean(&k->table);
    return g;
}

static int load_u64(const char **p, const char *end, uint64_t *ret, struct err *e) {
    if (end - *p < 8) return err_set(e, G_CORRUPT, "state of a group is cut short");
    *ret = get_u64_le(*p);
    *p += 8;
    return 0;
}

static int load_partial(struct window *w, struct partial *to, const char **p, const char *end, struct err *e) {
    uint64_t first = 0, last = 0;
    int g = load_u64(p, end, &first, e);
    if (g == 0) g = load_u64(p, end, &last, e);
    if (g < 0) return g;
    to->first = (int64_t)first;
    to->last = (int64_t)last;
    return values_load(&w->program, partial_value(to), &w->counts.arena, p, end, e);
}

static int counts_load(struct window *w, int64_t space, const char *key, size_t key_size, const char *value, size_t n,
                       struct err *e) {
    struct counts *k = &w->counts;
    const char *end = value + n;
    bool new;
    if (space != SPACE) return err_set(e, G_CORRUPT, "state has a space that count windows do not know");
    struct entry *of = table_put(&k->table, table_hash(&w->program.key, key, key_size), key, key_size, &new);
    struct group *x = of ? entry_value(of) : NULL;
    if (x && !x->ring) x->ring = arena_take(&k->arena, ring_parts(w) * partial_size(w));
    if (!x || !x->ring) return budget_error(&w->budget, e);
    int g = load_u64(&value, end, &x->seen, e);
    if (g == 0) g = load_u64(&value, end, &x->emitted_at, e);
    if (g == 0) g = load_u64(&value, end, &x->early_at, e);
    for (uint64_t i = 0; g == 0 && i < ring_parts(w); i++) {
        partial_clear(w, partial_at(w, x, i));
        g = load_partial(w, partial_at(w, x, i), &value, end, e);
    }
    if (g == G_NOMEM) return budget_error(&w->budget, e);
    if (g == 0 && (value != end || x->seen == 0)) return err_set(e, G_CORRUPT, "state of a group is not one");
    return g;
}

static int counts_remove(struct window *w, int64_t space, const char *key, size_t key_size, struct err *e) {
    (void)w, (void)space, (void)key, (void)key_size;
    return err_set(e, G_CORRUPT, "state removes a group, which count windows do not do");
}

static int counts_drop(struct window *w, int64_t space, struct err *e) {
    (void)w, (void)space;
    return err_set(e, G_CORRUPT, "state drops a space, which count windows do not do");
}

static void counts_release(struct window *w) {
    table_release(&w->counts.table);
    arena_release(&w->counts.arena);
}

const struct kind_ops counts_ops = {
    .add = counts_add,
    .advance = counts_advance,
    .due = counts_due,
    .early = counts_early,
    .save = counts_save,
    .load = counts_load,
    .remove = counts_remove,
    .drop = counts_drop,
    .release = counts_release,
};
