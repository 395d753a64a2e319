/* SPDX-License-Identifier: Apache-2.0 */
/* The table of aggregate functions: finding one by its name, its constant argument, and the dispatch. See aggregate.h.
 */
#include <math.h>
#include <stdio.h>

#include "expr/value.h"
#include "state/aggregate_impl.h"

static const struct aggregate_function functions[] = {
    {"count", 0, -1, INPUT_NONE, AGGREGATE_COUNT_SIZE, &aggregate_count_ops, 0, 0},
    {"count", 1, -1, INPUT_TRUTH, AGGREGATE_COUNT_SIZE, &aggregate_truth_count_ops, 0, 0},
    {"sum", 1, -1, INPUT_NUMBER, AGGREGATE_SUM_SIZE, &aggregate_sum_ops, 0, 0},
    {"mean", 1, -1, INPUT_NUMBER, AGGREGATE_MEAN_SIZE, &aggregate_mean_ops, 0, 0},
    {"min", 1, -1, INPUT_VALUE, AGGREGATE_EXTREME_SIZE, &aggregate_min_ops, 0, 0},
    {"max", 1, -1, INPUT_VALUE, AGGREGATE_EXTREME_SIZE, &aggregate_max_ops, 0, 0},
    {"first", 1, -1, INPUT_VALUE, AGGREGATE_TIMED_SIZE, &aggregate_first_ops, 0, 0},
    {"last", 1, -1, INPUT_VALUE, AGGREGATE_TIMED_SIZE, &aggregate_last_ops, 0, 0},
    {"var", 1, -1, INPUT_NUMBER, AGGREGATE_VARIANCE_SIZE, &aggregate_variance_ops, 0, 0},
    {"stddev", 1, -1, INPUT_NUMBER, AGGREGATE_VARIANCE_SIZE, &aggregate_stddev_ops, 0, 0},
    {"median", 1, -1, INPUT_NUMBER, AGGREGATE_SKETCH_SIZE, &aggregate_quantile_ops, 0.5, 0},
    {"p50", 1, -1, INPUT_NUMBER, AGGREGATE_SKETCH_SIZE, &aggregate_quantile_ops, 0, 0},
    {"quantile", 2, 1, INPUT_NUMBER, AGGREGATE_SKETCH_SIZE, &aggregate_quantile_ops, 0, 0},
    {"exact_quantile", 2, 1, INPUT_NUMBER, AGGREGATE_SKETCH_SIZE, &aggregate_exact_quantile_ops, 0, 0},
    {"distinct", 1, -1, INPUT_VALUE, AGGREGATE_SKETCH_SIZE, &aggregate_distinct_ops, 0, 0},
    {"exact_distinct", 1, -1, INPUT_VALUE, AGGREGATE_SKETCH_SIZE, &aggregate_exact_distinct_ops, 0, 0},
    {"topk", 2, 0, INPUT_VALUE, AGGREGATE_SKETCH_SIZE, &aggregate_topk_ops, 0, AGGREGATE_TOPK_MAX},
    {"mode", 1, -1, INPUT_VALUE, AGGREGATE_SKETCH_SIZE, &aggregate_mode_ops, 0, 0},
    {"collect", 1, -1, INPUT_VALUE, AGGREGATE_SKETCH_SIZE, &aggregate_collect_ops, 0, AGGREGATE_COLLECT_DEFAULT},
    {"collect", 2, 0, INPUT_VALUE, AGGREGATE_SKETCH_SIZE, &aggregate_collect_ops, 0, AGGREGATE_COLLECT_MAX},
    {"any", 1, -1, INPUT_TRUTH, AGGREGATE_TRUTH_SIZE, &aggregate_any_ops, 0, 0},
    {"all", 1, -1, INPUT_TRUTH, AGGREGATE_TRUTH_SIZE, &aggregate_all_ops, 0, 0},
    {"rate", 0, -1, INPUT_NONE, AGGREGATE_COUNT_SIZE, &aggregate_rate_ops, 0, 0},
    {"rate", 1, -1, INPUT_NUMBER, AGGREGATE_SUM_SIZE, &aggregate_rate_sum_ops, 0, 0},
};
enum { FUNCTIONS = sizeof(functions) / sizeof(functions[0]) };
static const char percentile[] = "p50"; /* the entry of all pNN */

/* ---- finding ---- */

/* pNN and pNN.N, from p0 to p100: the quantile as a fraction, the double nearest to it. */
static bool parse_percentile(const char *name, size_t n, double *ret) {
    enum { LONGEST = 16 }; /* 15 digits are exact */
    uint64_t digits = 0;
    double scale = 100;
    size_t i = 1;
    if (n < 2 || n > LONGEST || name[0] != 'p') return false;
    for (; i < n && name[i] >= '0' && name[i] <= '9'; i++) digits = digits * 10 + (unsigned)(name[i] - '0');
    if (i == 1) return false;
    if (i < n && name[i] == '.') {
        if (++i == n) return false;
        for (; i < n && name[i] >= '0' && name[i] <= '9'; i++) {
            digits = digits * 10 + (unsigned)(name[i] - '0');
            scale *= 10;
        }
    }
    if (i < n || (double)digits > scale) return false;
    *ret = (double)digits / scale;
    return true;
}

static const struct aggregate_function *find(const char *name, size_t n, unsigned arguments, double *ret_q) {
    double q = 0;
    bool is_percentile = parse_percentile(name, n, &q);
    if (is_percentile) {
        name = percentile;
        n = sizeof(percentile) - 1;
    }
    for (size_t i = 0; i < FUNCTIONS; i++) {
        const struct aggregate_function *f = &functions[i];
        if (f->arguments != arguments || strlen(f->name) != n || memcmp(f->name, name, n) != 0) continue;
        *ret_q = is_percentile ? q : f->q;
        return f;
    }
    return NULL;
}

bool aggregate_find(const char *name, size_t n, unsigned arguments, struct aggregate_signature *ret) {
    double q;
    const struct aggregate_function *f = find(name, n, arguments, &q);
    if (f && ret) *ret = (struct aggregate_signature){.arguments = f->arguments, .constant = f->constant};
    return f != NULL;
}

bool aggregate_entry(size_t i, const char **ret_name, unsigned *ret_arguments) {
    if (i >= FUNCTIONS) return false;
    *ret_name = functions[i].name;
    *ret_arguments = functions[i].arguments;
    return true;
}

/* ---- constants ---- */

/* What the constant must be, and what it is instead. */
static int refuse(const struct aggregate_function *f, const char *what, struct value v, struct err *e) {
    enum { SHOWN = 60 };
    struct heap heap; /* for texts of arrays and objects that an expression built */
    struct buf text = {0};
    heap_init(&heap, 0);
    int rc = value_write_canonical(&heap, v, false, &text);
    bool cut = text.len > SHOWN;
    if (rc == 0) {
        rc = err_set(e, G_USAGE, "%s: %s argument must be %s, not %.*s%s", f->name,
                     f->constant == 0 ? "first" : "second", what, (int)(cut ? SHOWN : text.len), text.data,
                     cut ? "..." : "");
    } else {
        rc = err_set(e, G_USAGE, "%s: %s argument must be %s", f->name, f->constant == 0 ? "first" : "second", what);
    }
    buf_release(&text);
    heap_release(&heap);
    return rc;
}

static int take_constant(struct aggregate *a, struct value v, struct err *e) {
    const struct aggregate_function *f = a->function;
    double d = v.kind == VK_NUMBER ? value_to_double(v) : (double)NAN;
    if (f->limit == 0) {
        if (!(d >= 0 && d <= 1)) return refuse(f, "a number from 0 to 1", v, e);
        a->q = d;
        return 0;
    }
    if (!(d >= 1 && d <= f->limit && d == floor(d))) {
        char what[64];
        (void)snprintf(what, sizeof what, "a whole number from 1 to %u", f->limit);
        return refuse(f, what, v, e);
    }
    a->limit = (uint32_t)d;
    return 0;
}

int aggregate_init(struct aggregate *a, const char *name, size_t n, unsigned arguments, struct value constant,
                   struct err *e) {
    double q;
    const struct aggregate_function *f = find(name, n, arguments, &q);
    if (!f) return err_set(e, G_USAGE, "'%.*s/%u' is no aggregate function", (int)n, name, arguments);
    struct aggregate made = {.function = f, .add = f->ops->add, .q = q, .limit = f->limit, .size = f->size};
    int rc = f->constant >= 0 ? take_constant(&made, constant, e) : 0;
    if (rc == 0) *a = made;
    return rc;
}

/* ---- dispatch ---- */

enum aggregate_input aggregate_input(const struct aggregate *a) {
    return a->function->input;
}

bool aggregate_needs_order(const struct aggregate *a) {
    return a->function->ops == &aggregate_topk_ops;
}

int aggregate_merge(const struct aggregate *a, void *at, struct arena *arena, const void *from) {
    return a->function->ops->merge(a, at, arena, from);
}

void aggregate_clear(const struct aggregate *a, void *at, struct arena *arena) {
    a->function->ops->clear(a, at, arena);
}

int aggregate_result(const struct aggregate *a, const void *at, const struct aggregate_window *w, struct heap *h,
                     struct value *ret) {
    return a->function->ops->result(a, at, w, h, ret);
}

int aggregate_save(const struct aggregate *a, const void *at, struct buf *out) {
    return a->function->ops->save(a, at, out);
}

int aggregate_load(const struct aggregate *a, void *at, struct arena *arena, const char **p, const char *end,
                   struct err *e) {
    return a->function->ops->load(a, at, arena, p, end, e);
}
