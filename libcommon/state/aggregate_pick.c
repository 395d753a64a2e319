/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Aggregates that pick one of the values: min, max by jq's order, first, last by event time and then by that order; and
 * any, all, which pick between two.
 *
 * Saved: nothing yet is a byte 0; else the cell, as in cell.h, and of first and last eight bytes of time. any and all
 * are a byte: 1 after a true, 2 after a false.
 */
#include "expr/value.h"
#include "state/aggregate_impl.h"
#include "state/cell.h"
#include "state/pack.h"

/* Of type CELL_NONE at first. */
struct timed {
    struct kept value;
    int64_t time;
};

_Static_assert(sizeof(struct kept) == AGGREGATE_EXTREME_SIZE, "what is kept is small");
_Static_assert(sizeof(struct timed) == AGGREGATE_TIMED_SIZE, "");
_Static_assert(sizeof(uint64_t) == AGGREGATE_TRUTH_SIZE, "");

/* ---- what is kept ---- */

static int replace(struct kept *k, struct arena *arena, const struct cell *c) {
    struct kept old = *k;
    int rc = kept_set(k, arena, c);
    if (rc == 0) kept_drop(&old, arena);
    return rc;
}

/* Put c in its place when it is further in a direction: -1 below, 1 above. */
static int keep_further(struct kept *k, struct arena *arena, const struct cell *c, int direction) {
    struct cell normal = cell_normal(c), held = kept_cell(k);
    int rc = 0;
    if (k->type != CELL_NONE && cell_compare(&normal, &held, &rc) * direction <= 0) return rc;
    return rc < 0 ? rc : replace(k, arena, &normal);
}

/* A number that both forms say exactly. */
static bool small_number(uint32_t type, int64_t i, double d, double *ret) {
    static const int64_t exact = (int64_t)1 << 53;
    if (type == CELL_INT && i <= exact && i >= -exact) {
        *ret = (double)i;
        return true;
    }
    *ret = d;
    return type == CELL_DOUBLE;
}

static inline int extreme_add(struct kept *k, struct arena *arena, const struct cell *c, int direction) {
    if (k->type == CELL_INT && c->type == CELL_INT) {
        if (direction < 0 ? c->i < k->i : c->i > k->i) k->i = c->i;
        return 0;
    }
    double x, y;
    if (small_number(k->type, k->i, k->d, &x) && small_number(c->type, c->i, c->d, &y) &&
        (direction < 0 ? y >= x : y <= x))
        return 0;
    return keep_further(k, arena, c, direction);
}

static int min_add(const struct aggregate *a, void *at, struct arena *arena, const struct cell *c, int64_t time) {
    (void)a, (void)time;
    return extreme_add(at, arena, c, -1);
}

static int max_add(const struct aggregate *a, void *at, struct arena *arena, const struct cell *c, int64_t time) {
    (void)a, (void)time;
    return extreme_add(at, arena, c, 1);
}

static int extreme_merge(void *at, struct arena *arena, const void *from, int direction) {
    const struct kept *other = from;
    if (other->type == CELL_NONE) return 0;
    struct cell c = kept_cell(other);
    return keep_further(at, arena, &c, direction);
}

static int min_merge(const struct aggregate *a, void *at, struct arena *arena, const void *from) {
    (void)a;
    return extreme_merge(at, arena, from, -1);
}

static int max_merge(const struct aggregate *a, void *at, struct arena *arena, const void *from) {
    (void)a;
    return extreme_merge(at, arena, from, 1);
}

/* struct timed begins with what is kept, so that these serve both. */
static void kept_clear(const struct aggregate *a, void *at, struct arena *arena) {
    kept_drop(at, arena);
    memset(at, 0, a->size);
}

static int kept_result(const struct aggregate *a, const void *at, const struct aggregate_window *w, struct heap *h,
                       struct value *ret) {
    (void)a, (void)w;
    const struct kept *k = at;
    struct cell c = kept_cell(k);
    if (k->type != CELL_NONE) return cell_value(&c, h, ret);
    *ret = value_null();
    return 0;
}

static int kept_save(const struct aggregate *a, const void *at, struct buf *out) {
    (void)a;
    const struct kept *k = at;
    struct cell c = kept_cell(k);
    return k->type == CELL_NONE ? buf_putc(out, 0) : cell_save(&c, out);
}

/* 1: there was a cell. */
static int load_kept(struct kept *k, struct arena *arena, const char **p, const char *end, struct err *e) {
    struct cell c;
    if (*p < end && **p == 0) {
        ++*p;
        return 0;
    }
    if (!cell_load(&c, p, end)) return err_set(e, G_CORRUPT, "a saved value is broken");
    int rc = kept_set(k, arena, &c);
    return rc < 0 ? rc : 1;
}

static int extreme_load(const struct aggregate *a, void *at, struct arena *arena, const char **p, const char *end,
                        struct err *e) {
    (void)a;
    const char *q = *p;
    int rc = load_kept(at, arena, &q, end, e);
    if (rc < 0) return rc;
    *p = q;
    return 0;
}

/* ---- first and last ---- */

static inline int timed_add(struct timed *t, struct arena *arena, const struct cell *c, int64_t time, int direction) {
    if (t->value.type != CELL_NONE && time == t->time) return keep_further(&t->value, arena, c, direction);
    if (t->value.type != CELL_NONE && (direction < 0 ? time > t->time : time < t->time)) return 0;
    if (c->type == CELL_INT && t->value.type == CELL_INT) {
        t->value.i = c->i;
    } else {
        struct cell normal = cell_normal(c);
        int rc = replace(&t->value, arena, &normal);
        if (rc < 0) return rc;
    }
    t->time = time;
    return 0;
}

static int first_add(const struct aggregate *a, void *at, struct arena *arena, const struct cell *c, int64_t time) {
    (void)a;
    return timed_add(at, arena, c, time, -1);
}

static int last_add(const struct aggregate *a, void *at, struct arena *arena, const struct cell *c, int64_t time) {
    (void)a;
    return timed_add(at, arena, c, time, 1);
}

static int timed_merge(void *at, struct arena *arena, const void *from, int direction) {
    const struct timed *other = from;
    if (other->value.type == CELL_NONE) return 0;
    struct cell c = kept_cell(&other->value);
    return timed_add(at, arena, &c, other->time, direction);
}

static int first_merge(const struct aggregate *a, void *at, struct arena *arena, const void *from) {
    (void)a;
    return timed_merge(at, arena, from, -1);
}

static int last_merge(const struct aggregate *a, void *at, struct arena *arena, const void *from) {
    (void)a;
    return timed_merge(at, arena, from, 1);
}

static int timed_save(const struct aggregate *a, const void *at, struct buf *out) {
    const struct timed *t = at;
    int rc = kept_save(a, at, out);
    if (rc < 0 || t->value.type == CELL_NONE) return rc;
    return pack_word(out, (uint64_t)t->time);
}

static int timed_load(const struct aggregate *a, void *at, struct arena *arena, const char **p, const char *end,
                      struct err *e) {
    (void)a;
    struct timed *t = at;
    const char *q = *p;
    uint64_t time = 0;
    int rc = load_kept(&t->value, arena, &q, end, e);
    if (rc < 0) return rc;
    if (rc > 0 && !unpack_word(&q, end, &time)) {
        kept_drop(&t->value, arena);
        return err_set(e, G_CORRUPT, "a saved time is cut short");
    }
    t->time = (int64_t)time;
    *p = q;
    return 0;
}

/* ---- any and all ---- */

enum { SEEN_TRUE = 1, SEEN_FALSE = 2 };

static int truth_add(const struct aggregate *a, void *at, struct arena *arena, const struct cell *c, int64_t time) {
    (void)a, (void)arena, (void)time;
    *(uint64_t *)at |= c->type == CELL_TRUE ? SEEN_TRUE : SEEN_FALSE;
    return 0;
}

static int truth_merge(const struct aggregate *a, void *at, struct arena *arena, const void *from) {
    (void)a, (void)arena;
    *(uint64_t *)at |= *(const uint64_t *)from;
    return 0;
}

static void truth_clear(const struct aggregate *a, void *at, struct arena *arena) {
    (void)a, (void)arena;
    *(uint64_t *)at = 0;
}

static int any_result(const struct aggregate *a, const void *at, const struct aggregate_window *w, struct heap *h,
                      struct value *ret) {
    (void)a, (void)w, (void)h;
    *ret = value_bool(*(const uint64_t *)at & SEEN_TRUE);
    return 0;
}

static int all_result(const struct aggregate *a, const void *at, const struct aggregate_window *w, struct heap *h,
                      struct value *ret) {
    (void)a, (void)w, (void)h;
    *ret = value_bool(!(*(const uint64_t *)at & SEEN_FALSE));
    return 0;
}

static int truth_save(const struct aggregate *a, const void *at, struct buf *out) {
    (void)a;
    return buf_putc(out, (char)*(const uint64_t *)at);
}

static int truth_load(const struct aggregate *a, void *at, struct arena *arena, const char **p, const char *end,
                      struct err *e) {
    (void)a, (void)arena;
    if (*p == end || (unsigned char)**p > (SEEN_TRUE | SEEN_FALSE))
        return err_set(e, G_CORRUPT, "a saved truth is broken");
    *(uint64_t *)at = (unsigned char)*(*p)++;
    return 0;
}

/* ---- tables ---- */

const struct aggregate_ops aggregate_min_ops = {min_add, min_merge, kept_clear, kept_result, kept_save, extreme_load};
const struct aggregate_ops aggregate_max_ops = {max_add, max_merge, kept_clear, kept_result, kept_save, extreme_load};
const struct aggregate_ops aggregate_first_ops = {first_add,   first_merge, kept_clear,
                                                  kept_result, timed_save,  timed_load};
const struct aggregate_ops aggregate_last_ops = {last_add, last_merge, kept_clear, kept_result, timed_save, timed_load};
const struct aggregate_ops aggregate_any_ops = {truth_add,  truth_merge, truth_clear,
                                                any_result, truth_save,  truth_load};
const struct aggregate_ops aggregate_all_ops = {truth_add,  truth_merge, truth_clear,
                                                all_result, truth_save,  truth_load};
