/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rows held until the watermark has passed them, and then handed on in the order of event time: for windows whose
 * limits depend on the order of records, and for aggregates that do. Rows of one time go by their bytes, so that the
 * order does not depend on arrival.
 */
#include "window.h"

#include <stdlib.h>

static bool before(const struct row *a, const struct row *b) {
    if (a->time != b->time) return a->time < b->time;
    const char *p = row_key(a), *q = row_key(b);
    size_t n = a->key_size < b->key_size ? a->key_size : b->key_size;
    int order = n ? memcmp(p, q, n) : 0;
    if (order) return order < 0;
    if (a->key_size != b->key_size) return a->key_size < b->key_size;
    if (a->size != b->size) return a->size < b->size;
    return memcmp(a + 1, b + 1, a->size - sizeof *a) < 0;
}

static int grow(struct window *w) {
    struct pending *k = &w->pending;
    void *heap = budget_grow_list(&w->budget, k->heap, &k->cap, sizeof *k->heap);
    if (!heap) return G_NOMEM;
    k->heap = heap;
    return 0;
}

static int push(struct window *w, const struct row *r) {
    struct pending *k = &w->pending;
    if (k->count == k->cap && grow(w) < 0) return G_NOMEM;
    struct row *copy = arena_take(&k->arena, r->size);
    if (!copy) return G_NOMEM;
    memcpy(copy, r, r->size);
    copy->record_at = copy->record_size = 0; /* its block goes */
    size_t i = k->count++;
    for (; i > 0 && before(copy, k->heap[(i - 1) / 2]); i = (i - 1) / 2) k->heap[i] = k->heap[(i - 1) / 2];
    k->heap[i] = copy;
    return 0;
}

int pending_add(struct window *w, struct stage *s, const struct row *r, struct span *ret_span, struct err *e) {
    if (r->time < w->marks.now) {
        if (!w->pending.strict) return w->kind->add(w, s, r, ret_span, e);
        *ret_span = (struct span){r->time, r->time};
        return ROW_LATE;
    }
    window_due(w, time_add(r->time, 1));
    return push(w, r);
}

struct row *pending_pop(struct window *w, int64_t mark) {
    struct pending *k = &w->pending;
    if (k->count == 0 || k->heap[0]->time >= mark) return NULL;
    struct row *first = k->heap[0], *x = k->heap[--k->count];
    size_t i = 0;
    for (;;) {
        size_t child = 2 * i + 1;
        if (child >= k->count) break;
        if (child + 1 < k->count && before(k->heap[child + 1], k->heap[child])) child++;
        if (!before(k->heap[child], x)) break;
        k->heap[i] = k->heap[child];
        i = child;
    }
    if (k->count) k->heap[i] = x;
    return first;
}

void pending_give(struct window *w, struct row *r) {
    arena_give(&w->pending.arena, r, r->size);
}

void pending_release(struct window *w) {
    arena_release(&w->pending.arena);
    free(w->pending.heap);
}

/* ---- snapshots: all rows as one item, as they lie in memory (the identity of a state says whose they are) ---- */

int pending_save(struct window *w, struct snapshot *to, struct err *e) {
    static const char no_key[1];
    struct buf text = {0};
    int g = 0;
    for (size_t i = 0; g == 0 && i < w->pending.count; i++)
        g = buf_append(&text, w->pending.heap[i], w->pending.heap[i]->size);
    g = g < 0 ? err_nomem(e) : snapshot_put(to, PENDING_SPACE, no_key, 0, text.data, text.len, e);
    buf_release(&text);
    return g;
}

/* Is there a whole row, all of whose parts lie in it? */
static bool is_row(const struct program *p, const struct row *r, size_t n) {
    if (r->size > n || r->size < sizeof *r || r->size % 8 || r->left) return false;
    size_t room = r->size - sizeof *r;
    if (r->cells > room / sizeof(struct row_cell)) return false;
    room -= r->cells * sizeof(struct row_cell);
    if (r->key_size > room) return false;
    const struct row_cell *c = row_cells(r);
    for (uint32_t i = 0; i < r->cells; i++) {
        if (c[i].call >= p->aggregates->n || c[i].type > CELL_TEXT) return false;
        if (c[i].type == CELL_TEXT && (c[i].text.at > r->size || c[i].text.n > r->size - c[i].text.at)) return false;
    }
    return true;
}

int pending_load(struct window *w, const char *value, size_t n, struct err *e) {
    struct buf aligned = {0};
    int g = buf_append(&aligned, value, n) < 0 ? err_nomem(e) : 0;
    while (g == 0 && w->pending.count) pending_give(w, w->pending.heap[--w->pending.count]);
    for (size_t at = 0; g == 0 && at < n;) {
        struct row *r = (struct row *)(void *)(aligned.data + at);
        if (n - at < sizeof *r || !is_row(&w->program, r, n - at)) {
            g = err_set(e, G_CORRUPT, "state has a pending record that is none");
            break;
        }
        r->hash = table_hash(&w->program.key, row_key(r), r->key_size);
        if (push(w, r) < 0) g = budget_error(&w->budget, e);
        at += r->size;
    }
    buf_release(&aligned);
    return g;
}
