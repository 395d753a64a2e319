/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Exact quantiles of a list of numbers. See number_list.h.
 */
#include "state/number_list.h"

#include "state/pack.h"
#include "state/quantile.h"

enum { CAP_FIRST = 4, DIGIT_BITS = 11, DIGITS = 1 << DIGIT_BITS, SORTED_MAX = 64 };

/* Room for `more` numbers. */
static int list_reserve(struct number_list *l, struct arena *arena, uint64_t more) {
    if (more <= l->cap - l->n) return 0;
    if (more > (UINT64_MAX / 32) - l->n) return G_NOMEM;
    uint64_t cap = l->cap ? l->cap : CAP_FIRST;
    while (cap < l->n + more) cap *= 2;
    double *values = l->values ? arena_grow(arena, l->values, l->cap * sizeof *values, cap * sizeof *values)
                               : arena_take(arena, cap * sizeof *values);
    if (!values) return G_NOMEM;
    l->values = values;
    l->cap = cap;
    return 0;
}

int number_list_add(struct number_list *l, struct arena *arena, double x) {
    if (isnan(x)) return 0;
    if (l->n == l->cap) {
        int rc = list_reserve(l, arena, 1);
        if (rc < 0) return rc;
    }
    l->values[l->n++] = x + 0.0; /* -0 becomes 0 */
    return 0;
}

int number_list_merge(struct number_list *l, struct arena *arena, const struct number_list *from) {
    int rc = list_reserve(l, arena, from->n);
    if (rc < 0 || from->n == 0) return rc;
    memcpy(l->values + l->n, from->values, from->n * sizeof *l->values);
    l->n += from->n;
    return 0;
}

void number_list_clear(struct number_list *l, struct arena *arena) {
    arena_give(arena, l->values, l->cap * sizeof *l->values);
    *l = (struct number_list){0};
}

/* ---- selecting ---- */

/* Unsigned numbers in the order of the doubles, and back. */
static inline uint64_t key_of(double x) {
    uint64_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits >> 63 ? ~bits : bits | (uint64_t)1 << 63;
}

static double double_of(uint64_t key) {
    uint64_t bits = key >> 63 ? key & ~((uint64_t)1 << 63) : ~key;
    double x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

/* Two neighbours in the order of a list, the second one only where there is one. */
struct neighbours {
    double low, high;
};

static struct neighbours select_sorted(const struct number_list *l, uint64_t rank) {
    double sorted[SORTED_MAX] = {0};
    for (size_t i = 0; i < l->n; i++) {
        size_t to = i;
        for (; to > 0 && sorted[to - 1] > l->values[i]; to--) sorted[to] = sorted[to - 1];
        sorted[to] = l->values[i];
    }
    return (struct neighbours){sorted[rank], rank + 1 < l->n ? sorted[rank + 1] : sorted[rank]};
}

/* How many of the keys that are `prefix` above bit `known` have which digit at bit `shift`. */
static void count_digits(const struct number_list *l, uint64_t prefix, unsigned known, unsigned shift,
                         uint64_t with[DIGITS]) {
    memset(with, 0, DIGITS * sizeof *with);
    for (uint64_t i = 0; i < l->n; i++) {
        uint64_t key = key_of(l->values[i]);
        if (known > 63 || key >> known == prefix >> known) with[key >> shift & (DIGITS - 1)]++;
    }
}

static struct neighbours select_counting(const struct number_list *l, uint64_t rank) {
    /* Six digits of eleven bits; in the last one two of them are known. */
    static const unsigned shifts[] = {53, 42, 31, 20, 9, 0};
    uint64_t with[DIGITS], key = 0, digit = 0, low = rank;
    for (size_t i = 0; i < sizeof shifts / sizeof *shifts; i++) {
        count_digits(l, key, i ? shifts[i - 1] : 64, shifts[i], with);
        for (digit = 0; low >= with[digit]; digit++) low -= with[digit];
        key |= digit << shifts[i];
    }
    double x = double_of(key);
    if (low + 1 < with[digit] || rank + 1 == l->n) return (struct neighbours){x, x};
    double high = (double)INFINITY;
    for (uint64_t i = 0; i < l->n; i++) {
        if (l->values[i] > x && l->values[i] < high) high = l->values[i];
    }
    return (struct neighbours){x, high};
}

double number_list_quantile(const struct number_list *l, double q) {
    struct quantile_rank r = quantile_rank(l->n, q);
    struct neighbours x = l->n <= SORTED_MAX ? select_sorted(l, r.low) : select_counting(l, r.low);
    return quantile_between(x.low, x.high, r.part);
}

/* ---- bytes ---- */

int number_list_save(const struct number_list *l, struct buf *out) {
    int rc = pack_u64(out, l->n);
    for (uint64_t i = 0; rc == 0 && i < l->n; i++) rc = pack_double(out, l->values[i]);
    return rc;
}

int number_list_load(struct number_list *l, struct arena *arena, const char **p, const char *end, struct err *e) {
    uint64_t n;
    if (!unpack_u64(p, end, &n) || n > (uint64_t)(end - *p) / sizeof *l->values) {
        return err_set(e, G_CORRUPT, "a list of numbers is damaged");
    }
    int rc = list_reserve(l, arena, n);
    if (rc < 0) return rc;
    for (double x; l->n < n; l->values[l->n++] = x + 0.0) {
        if (!unpack_double(p, end, &x) || isnan(x)) return err_set(e, G_CORRUPT, "a list of numbers is damaged");
    }
    return 0;
}
