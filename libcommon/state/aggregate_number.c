/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Aggregates that count and add up: count, sum, mean, var, stddev, rate. Counts wrap after 2^64; everything else is
 * exact until its result is rounded once (exact_sum.h).
 *
 * Saved: a count as in pack.h; of mean and variance the count, then the sum, then the sum of the squares.
 */
#include <math.h>

#include "expr/value.h"
#include "state/aggregate_impl.h"
#include "state/exact_sum.h"
#include "state/pack.h"

struct mean {
    uint64_t n;
    struct exact_sum sum;
};

struct variance {
    uint64_t n;
    struct exact_sum sum, squares;
};

_Static_assert(sizeof(uint64_t) == AGGREGATE_COUNT_SIZE, "a count is one word");
_Static_assert(sizeof(struct exact_sum) == AGGREGATE_SUM_SIZE, "sums are small");
_Static_assert(sizeof(struct mean) == AGGREGATE_MEAN_SIZE, "and a mean is a count more");
_Static_assert(sizeof(struct variance) == AGGREGATE_VARIANCE_SIZE, "");

/* ---- counts ---- */

static int count_add(const struct aggregate *a, void *at, struct arena *arena, const struct cell *c, int64_t time) {
    (void)a, (void)arena, (void)c, (void)time;
    ++*(uint64_t *)at;
    return 0;
}

static int truth_count_add(const struct aggregate *a, void *at, struct arena *arena, const struct cell *c,
                           int64_t time) {
    (void)a, (void)arena, (void)time;
    *(uint64_t *)at += c->type == CELL_TRUE;
    return 0;
}

static int count_merge(const struct aggregate *a, void *at, struct arena *arena, const void *from) {
    (void)a, (void)arena;
    *(uint64_t *)at += *(const uint64_t *)from;
    return 0;
}

static void count_clear(const struct aggregate *a, void *at, struct arena *arena) {
    (void)a, (void)arena;
    *(uint64_t *)at = 0;
}

/* The 128-bit whole as an integer, also where it does not fit value_int. */
static int count_value(uint64_t n, struct heap *h, struct value *ret) {
    const struct exact_sum s = {.whole = n, .flags = EXACT_ANY};
    return exact_sum_value(&s, h, ret);
}

static int count_result(const struct aggregate *a, const void *at, const struct aggregate_window *w, struct heap *h,
                        struct value *ret) {
    (void)a, (void)w;
    return count_value(*(const uint64_t *)at, h, ret);
}

static int count_save(const struct aggregate *a, const void *at, struct buf *out) {
    (void)a;
    return pack_u64(out, *(const uint64_t *)at);
}

static int load_count(uint64_t *ret, const char **p, const char *end, struct err *e) {
    return unpack_u64(p, end, ret) ? 0 : err_set(e, G_CORRUPT, "a saved count is broken");
}

static int count_load(const struct aggregate *a, void *at, struct arena *arena, const char **p, const char *end,
                      struct err *e) {
    (void)a, (void)arena;
    return load_count(at, p, end, e);
}

/* ---- sums ---- */

static inline int add_number(struct exact_sum *s, struct arena *arena, const struct cell *c) {
    return c->type == CELL_INT ? exact_sum_add_int(s, arena, c->i) : exact_sum_add_double(s, arena, c->d);
}

static int sum_add(const struct aggregate *a, void *at, struct arena *arena, const struct cell *c, int64_t time) {
    (void)a, (void)time;
    return add_number(at, arena, c);
}

static int sum_merge(const struct aggregate *a, void *at, struct arena *arena, const void *from) {
    (void)a;
    return exact_sum_merge(at, arena, from);
}

static void sum_clear(const struct aggregate *a, void *at, struct arena *arena) {
    (void)a;
    exact_sum_clear(at, arena);
}

static int sum_result(const struct aggregate *a, const void *at, const struct aggregate_window *w, struct heap *h,
                      struct value *ret) {
    (void)a, (void)w;
    return exact_sum_value(at, h, ret);
}

static int sum_save(const struct aggregate *a, const void *at, struct buf *out) {
    (void)a;
    return exact_sum_save(at, out);
}

static int sum_load(const struct aggregate *a, void *at, struct arena *arena, const char **p, const char *end,
                    struct err *e) {
    (void)a;
    return exact_sum_load(at, arena, false, p, end, e);
}

/* ---- mean ---- */

static int mean_add(const struct aggregate *a, void *at, struct arena *arena, const struct cell *c, int64_t time) {
    (void)a, (void)time;
    struct mean *m = at;
    m->n++;
    return add_number(&m->sum, arena, c);
}

static int mean_merge(const struct aggregate *a, void *at, struct arena *arena, const void *from) {
    (void)a;
    struct mean *m = at;
    const struct mean *other = from;
    m->n += other->n;
    return exact_sum_merge(&m->sum, arena, &other->sum);
}

static void mean_clear(const struct aggregate *a, void *at, struct arena *arena) {
    (void)a;
    struct mean *m = at;
    m->n = 0;
    exact_sum_clear(&m->sum, arena);
}

static int mean_result(const struct aggregate *a, const void *at, const struct aggregate_window *w, struct heap *h,
                       struct value *ret) {
    (void)a, (void)w, (void)h;
    const struct mean *m = at;
    *ret = m->n ? value_double(exact_sum_ratio(&m->sum, 1, m->n)) : value_null();
    return 0;
}

static int mean_save(const struct aggregate *a, const void *at, struct buf *out) {
    (void)a;
    const struct mean *m = at;
    int rc = pack_u64(out, m->n);
    return rc < 0 ? rc : exact_sum_save(&m->sum, out);
}

static int mean_load(const struct aggregate *a, void *at, struct arena *arena, const char **p, const char *end,
                     struct err *e) {
    (void)a;
    struct mean *m = at;
    const char *q = *p;
    uint64_t n;
    struct exact_sum sum = {.flags = 0};
    int rc = load_count(&n, &q, end, e);
    if (rc == 0) rc = exact_sum_load(&sum, arena, false, &q, end, e);
    if (rc < 0) return rc;
    if (!n != !(sum.flags & EXACT_ANY)) {
        exact_sum_clear(&sum, arena);
        return err_set(e, G_CORRUPT, "a saved count is not that of its sum");
    }
    *m = (struct mean){.n = n, .sum = sum};
    *p = q;
    return 0;
}

/* ---- variance ---- */

static int variance_add(const struct aggregate *a, void *at, struct arena *arena, const struct cell *c, int64_t time) {
    (void)a, (void)time;
    struct variance *v = at;
    v->n++;
    int rc = add_number(&v->sum, arena, c);
    if (rc < 0) return rc;
    return c->type == CELL_INT ? exact_sum_add_int_square(&v->squares, arena, c->i)
                               : exact_sum_add_double_square(&v->squares, arena, c->d);
}

static int variance_merge(const struct aggregate *a, void *at, struct arena *arena, const void *from) {
    (void)a;
    struct variance *v = at;
    const struct variance *other = from;
    v->n += other->n;
    int rc = exact_sum_merge(&v->sum, arena, &other->sum);
    return rc < 0 ? rc : exact_sum_merge(&v->squares, arena, &other->squares);
}

static void variance_clear(const struct aggregate *a, void *at, struct arena *arena) {
    (void)a;
    struct variance *v = at;
    v->n = 0;
    exact_sum_clear(&v->sum, arena);
    exact_sum_clear(&v->squares, arena);
}

static struct value spread(const struct variance *v, bool root) {
    return v->n >= 2 ? value_double(exact_variance(&v->sum, &v->squares, v->n, root)) : value_null();
}

static int variance_result(const struct aggregate *a, const void *at, const struct aggregate_window *w, struct heap *h,
                           struct value *ret) {
    (void)a, (void)w, (void)h;
    *ret = spread(at, false);
    return 0;
}

static int stddev_result(const struct aggregate *a, const void *at, const struct aggregate_window *w, struct heap *h,
                         struct value *ret) {
    (void)a, (void)w, (void)h;
    *ret = spread(at, true);
    return 0;
}

static int variance_save(const struct aggregate *a, const void *at, struct buf *out) {
    (void)a;
    const struct variance *v = at;
    int rc = pack_u64(out, v->n);
    if (rc == 0) rc = exact_sum_save(&v->sum, out);
    return rc < 0 ? rc : exact_sum_save(&v->squares, out);
}

static int variance_load(const struct aggregate *a, void *at, struct arena *arena, const char **p, const char *end,
                         struct err *e) {
    struct variance v = {.n = 0};
    const char *q = *p;
    int rc = load_count(&v.n, &q, end, e);
    if (rc == 0) rc = exact_sum_load(&v.sum, arena, false, &q, end, e);
    if (rc == 0) rc = exact_sum_load(&v.squares, arena, true, &q, end, e);
    if (rc == 0 && (!v.n != !(v.sum.flags & EXACT_ANY) || v.sum.flags != v.squares.flags))
        rc = err_set(e, G_CORRUPT, "a saved count is not that of its sums");
    if (rc < 0) {
        variance_clear(a, &v, arena);
        return rc;
    }
    *(struct variance *)at = v;
    *p = q;
    return 0;
}

/* ---- rates ---- */

/* A second of the window has so much of the sum. */
static struct value per_second(const struct exact_sum *s, const struct aggregate_window *w) {
    static const uint64_t second_ns = 1000000000;
    if (w->end <= w->start) return value_null();
    return value_double(exact_sum_ratio(s, second_ns, (uint64_t)w->end - (uint64_t)w->start));
}

static int rate_result(const struct aggregate *a, const void *at, const struct aggregate_window *w, struct heap *h,
                       struct value *ret) {
    (void)a, (void)h;
    const struct exact_sum s = {.whole = *(const uint64_t *)at, .flags = EXACT_ANY};
    *ret = per_second(&s, w);
    return 0;
}

static int rate_sum_result(const struct aggregate *a, const void *at, const struct aggregate_window *w, struct heap *h,
                           struct value *ret) {
    (void)a, (void)h;
    const struct exact_sum *s = at;
    *ret = s->flags & EXACT_ANY ? per_second(s, w) : value_null();
    return 0;
}

/* ---- tables ---- */

const struct aggregate_ops aggregate_count_ops = {count_add,    count_merge, count_clear,
                                                  count_result, count_save,  count_load};
const struct aggregate_ops aggregate_truth_count_ops = {truth_count_add, count_merge, count_clear,
                                                        count_result,    count_save,  count_load};
const struct aggregate_ops aggregate_sum_ops = {sum_add, sum_merge, sum_clear, sum_result, sum_save, sum_load};
const struct aggregate_ops aggregate_mean_ops = {mean_add, mean_merge, mean_clear, mean_result, mean_save, mean_load};
const struct aggregate_ops aggregate_variance_ops = {variance_add,    variance_merge, variance_clear,
                                                     variance_result, variance_save,  variance_load};
const struct aggregate_ops aggregate_stddev_ops = {variance_add,  variance_merge, variance_clear,
                                                   stddev_result, variance_save,  variance_load};
const struct aggregate_ops aggregate_rate_ops = {count_add,   count_merge, count_clear,
                                                 rate_result, count_save,  count_load};
const struct aggregate_ops aggregate_rate_sum_ops = {sum_add,         sum_merge, sum_clear,
                                                     rate_sum_result, sum_save,  sum_load};
