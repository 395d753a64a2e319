/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Aggregates that keep what they were given: exact_quantile (all numbers), exact_distinct and mode (each value once),
 * collect (the first values). Their memory grows with the data; the limit on state is what bounds it.
 */
#include "state/aggregate_impl.h"
#include "state/cell.h"
#include "state/number_list.h"
#include "state/value_counts.h"
#include "state/value_list.h"

_Static_assert(sizeof(struct number_list) <= AGGREGATE_SKETCH_SIZE, "fits");
_Static_assert(sizeof(struct value_counts) <= AGGREGATE_SKETCH_SIZE, "fits");
_Static_assert(sizeof(struct value_list) <= AGGREGATE_SKETCH_SIZE, "fits");

/* ---- quantiles ---- */

static int quantile_add(const struct aggregate *a, void *at, struct arena *arena, const struct cell *c, int64_t time) {
    (void)a, (void)time;
    return number_list_add(at, arena, c->type == CELL_INT ? (double)c->i : c->d);
}

static int quantile_merge(const struct aggregate *a, void *at, struct arena *arena, const void *from) {
    (void)a;
    return number_list_merge(at, arena, from);
}

static void quantile_clear(const struct aggregate *a, void *at, struct arena *arena) {
    (void)a;
    number_list_clear(at, arena);
}

static int quantile_result(const struct aggregate *a, const void *at, const struct aggregate_window *w, struct heap *h,
                           struct value *ret) {
    (void)w, (void)h;
    const struct number_list *l = at;
    *ret = l->n ? value_double(number_list_quantile(l, a->q)) : value_null();
    return 0;
}

static int quantile_save(const struct aggregate *a, const void *at, struct buf *out) {
    (void)a;
    return number_list_save(at, out);
}

static int quantile_load(const struct aggregate *a, void *at, struct arena *arena, const char **p, const char *end,
                         struct err *e) {
    (void)a;
    int rc = number_list_load(at, arena, p, end, e);
    if (rc < 0) number_list_clear(at, arena);
    return rc;
}

const struct aggregate_ops aggregate_exact_quantile_ops = {quantile_add,    quantile_merge, quantile_clear,
                                                           quantile_result, quantile_save,  quantile_load};

/* ---- different values and the most frequent ---- */

static int counts_add(const struct aggregate *a, void *at, struct arena *arena, const struct cell *c, int64_t time) {
    (void)a, (void)time;
    uint32_t place;
    struct cell normal = cell_normal(c);
    return value_counts_add(at, arena, &normal, cell_hash(&normal), 1, &place);
}

static int counts_merge(const struct aggregate *a, void *at, struct arena *arena, const void *from) {
    (void)a;
    return value_counts_merge(at, arena, from);
}

static void counts_clear(const struct aggregate *a, void *at, struct arena *arena) {
    (void)a;
    value_counts_clear(at, arena);
}

static int counts_save(const struct aggregate *a, const void *at, struct buf *out) {
    (void)a;
    return value_counts_save(at, out);
}

static int counts_load(const struct aggregate *a, void *at, struct arena *arena, const char **p, const char *end,
                       struct err *e) {
    (void)a;
    int rc = value_counts_load(at, arena, UINT32_MAX, p, end, e);
    if (rc < 0) value_counts_clear(at, arena);
    return rc;
}

static int exact_distinct_result(const struct aggregate *a, const void *at, const struct aggregate_window *w,
                                 struct heap *h, struct value *ret) {
    (void)a, (void)w, (void)h;
    const struct value_counts *m = at;
    *ret = value_int(m->n);
    return 0;
}

static int mode_result(const struct aggregate *a, const void *at, const struct aggregate_window *w, struct heap *h,
                       struct value *ret) {
    (void)a, (void)w;
    const struct value_counts *m = at;
    if (m->n == 0) {
        *ret = value_null();
        return 0;
    }
    const struct counted *best = &m->items[0];
    struct cell value = kept_cell(&best->value);
    int rc = 0;
    for (uint32_t i = 1; rc == 0 && i < m->n; i++) {
        const struct counted *x = &m->items[i];
        if (x->count < best->count) continue;
        struct cell c = kept_cell(&x->value);
        if (x->count == best->count && cell_compare(&c, &value, &rc) > 0) continue;
        best = x;
        value = c;
    }
    return rc < 0 ? rc : cell_value(&value, h, ret);
}

const struct aggregate_ops aggregate_exact_distinct_ops = {
    counts_add, counts_merge, counts_clear, exact_distinct_result, counts_save, counts_load};
const struct aggregate_ops aggregate_mode_ops = {counts_add,  counts_merge, counts_clear,
                                                 mode_result, counts_save,  counts_load};

/* ---- the first ones ---- */

static int collect_add(const struct aggregate *a, void *at, struct arena *arena, const struct cell *c, int64_t time) {
    struct cell normal = cell_normal(c);
    return value_list_add(at, arena, a->limit, &normal, time);
}

static int collect_merge(const struct aggregate *a, void *at, struct arena *arena, const void *from) {
    return value_list_merge(at, arena, a->limit, from);
}

static void collect_clear(const struct aggregate *a, void *at, struct arena *arena) {
    (void)a;
    value_list_clear(at, arena);
}

static int collect_result(const struct aggregate *a, const void *at, const struct aggregate_window *w, struct heap *h,
                          struct value *ret) {
    (void)a, (void)w;
    const struct value_list *l = at;
    struct value_item *sorted = heap_alloc(h, l->n * sizeof *sorted);
    struct value *items = array_alloc(h, l->n);
    if (!sorted || !items) return G_NOMEM;
    int rc = value_list_sort(l, sorted);
    for (uint32_t i = 0; rc == 0 && i < l->n; i++) {
        struct cell c = kept_cell(&sorted[i].value);
        rc = cell_value(&c, h, &items[i]);
    }
    if (rc == 0) *ret = value_array(items, l->n);
    return rc;
}

static int collect_save(const struct aggregate *a, const void *at, struct buf *out) {
    (void)a;
    return value_list_save(at, out);
}

static int collect_load(const struct aggregate *a, void *at, struct arena *arena, const char **p, const char *end,
                        struct err *e) {
    int rc = value_list_load(at, arena, a->limit, p, end, e);
    if (rc < 0) value_list_clear(at, arena);
    return rc;
}

const struct aggregate_ops aggregate_collect_ops = {collect_add,    collect_merge, collect_clear,
                                                    collect_result, collect_save,  collect_load};
