/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Aggregates whose results are estimates within a stated error, in memory that is bounded: median, pNN and quantile
 * (DDSketch), distinct (HyperLogLog), topk (Space-Saving). The accumulator is the sketch.
 */
#include <stdlib.h>

#include "state/aggregate_impl.h"
#include "state/cell.h"
#include "state/ddsketch.h"
#include "state/hyperloglog.h"
#include "state/space_saving.h"

_Static_assert(sizeof(struct ddsketch) <= AGGREGATE_SKETCH_SIZE, "fits");
_Static_assert(sizeof(struct hyperloglog) <= AGGREGATE_SKETCH_SIZE, "fits");
_Static_assert(sizeof(struct space_saving) <= AGGREGATE_SKETCH_SIZE, "fits");

/* ---- quantiles ---- */

static int quantile_add(const struct aggregate *a, void *at, struct arena *arena, const struct cell *c, int64_t time) {
    (void)a, (void)time;
    return ddsketch_add(at, arena, c->type == CELL_INT ? (double)c->i : c->d);
}

static int quantile_merge(const struct aggregate *a, void *at, struct arena *arena, const void *from) {
    (void)a;
    return ddsketch_merge(at, arena, from);
}

static void quantile_clear(const struct aggregate *a, void *at, struct arena *arena) {
    (void)a;
    ddsketch_clear(at, arena);
}

static int quantile_result(const struct aggregate *a, const void *at, const struct aggregate_window *w, struct heap *h,
                           struct value *ret) {
    (void)w, (void)h;
    *ret = ddsketch_count(at) ? value_double(ddsketch_quantile(at, a->q)) : value_null();
    return 0;
}

static int quantile_save(const struct aggregate *a, const void *at, struct buf *out) {
    (void)a;
    return ddsketch_save(at, out);
}

static int quantile_load(const struct aggregate *a, void *at, struct arena *arena, const char **p, const char *end,
                         struct err *e) {
    (void)a;
    int rc = ddsketch_load(at, arena, p, end, e);
    if (rc < 0) ddsketch_clear(at, arena);
    return rc;
}

const struct aggregate_ops aggregate_quantile_ops = {quantile_add,    quantile_merge, quantile_clear,
                                                     quantile_result, quantile_save,  quantile_load};

/* ---- different values ---- */

static int distinct_add(const struct aggregate *a, void *at, struct arena *arena, const struct cell *c, int64_t time) {
    (void)a, (void)time;
    struct cell normal = cell_normal(c);
    return hyperloglog_add(at, arena, cell_hash(&normal));
}

static int distinct_merge(const struct aggregate *a, void *at, struct arena *arena, const void *from) {
    (void)a;
    return hyperloglog_merge(at, arena, from);
}

static void distinct_clear(const struct aggregate *a, void *at, struct arena *arena) {
    (void)a;
    hyperloglog_clear(at, arena);
}

static int distinct_result(const struct aggregate *a, const void *at, const struct aggregate_window *w, struct heap *h,
                           struct value *ret) {
    (void)a, (void)w, (void)h;
    *ret = value_int((int64_t)hyperloglog_estimate(at));
    return 0;
}

static int distinct_save(const struct aggregate *a, const void *at, struct buf *out) {
    (void)a;
    return hyperloglog_save(at, out);
}

static int distinct_load(const struct aggregate *a, void *at, struct arena *arena, const char **p, const char *end,
                         struct err *e) {
    (void)a;
    int rc = hyperloglog_load(at, arena, p, end, e);
    if (rc < 0) hyperloglog_clear(at, arena);
    return rc;
}

const struct aggregate_ops aggregate_distinct_ops = {distinct_add,    distinct_merge, distinct_clear,
                                                     distinct_result, distinct_save,  distinct_load};

/* ---- the most frequent ---- */

static int topk_add(const struct aggregate *a, void *at, struct arena *arena, const struct cell *c, int64_t time) {
    (void)time;
    struct cell normal = cell_normal(c);
    return space_saving_add(at, arena, space_saving_places(a->limit), &normal);
}

static int topk_merge(const struct aggregate *a, void *at, struct arena *arena, const void *from) {
    return space_saving_merge(at, arena, space_saving_places(a->limit), from);
}

static void topk_clear(const struct aggregate *a, void *at, struct arena *arena) {
    space_saving_clear(at, arena, space_saving_places(a->limit));
}

/* For qsort_r: places by count, the highest first, then by value. */
struct by_count {
    const struct counted *items;
    int rc;
};

static int by_count(const void *a, const void *b, void *ctx) {
    struct by_count *by = ctx;
    const struct counted *x = &by->items[*(const uint32_t *)a], *y = &by->items[*(const uint32_t *)b];
    if (x->count != y->count) return x->count > y->count ? -1 : 1;
    struct cell v = kept_cell(&x->value), w = kept_cell(&y->value);
    return cell_compare(&v, &w, &by->rc);
}

/* {value, count} and, where the count may be too high, by how much: {…, error}. */
static int topk_entry(const struct space_saving *s, uint32_t place, struct heap *h, struct value *ret) {
    struct cell c = kept_cell(&s->counts.items[place].value);
    uint64_t error = space_saving_error(s, place);
    struct value value, entry;
    int rc = cell_value(&c, h, &value);
    if (rc == 0) rc = object_alloc(h, error ? 3 : 2, &entry);
    if (rc == 0) rc = object_set(h, &entry, "value", 5, value);
    if (rc == 0) rc = object_set(h, &entry, "count", 5, value_int((int64_t)s->counts.items[place].count));
    if (rc == 0 && error) rc = object_set(h, &entry, "error", 5, value_int((int64_t)error));
    if (rc == 0) *ret = entry;
    return rc;
}

static int topk_result(const struct aggregate *a, const void *at, const struct aggregate_window *w, struct heap *h,
                       struct value *ret) {
    (void)w;
    const struct space_saving *s = at;
    uint32_t n = s->counts.n, k = n < a->limit ? n : a->limit;
    struct by_count by = {s->counts.items, 0};
    uint32_t *places = heap_alloc(h, n * sizeof *places);
    struct value *items = array_alloc(h, k);
    if (!places || !items) return G_NOMEM;
    for (uint32_t i = 0; i < n; i++) places[i] = i;
    qsort_r(places, n, sizeof *places, by_count, &by);
    for (uint32_t i = 0; by.rc == 0 && i < k; i++) by.rc = topk_entry(s, places[i], h, &items[i]);
    if (by.rc == 0) *ret = value_array(items, k);
    return by.rc;
}

static int topk_save(const struct aggregate *a, const void *at, struct buf *out) {
    (void)a;
    return space_saving_save(at, out);
}

static int topk_load(const struct aggregate *a, void *at, struct arena *arena, const char **p, const char *end,
                     struct err *e) {
    uint32_t places = space_saving_places(a->limit);
    int rc = space_saving_load(at, arena, places, p, end, e);
    if (rc < 0) space_saving_clear(at, arena, places);
    return rc;
}

const struct aggregate_ops aggregate_topk_ops = {topk_add, topk_merge, topk_clear, topk_result, topk_save, topk_load};
