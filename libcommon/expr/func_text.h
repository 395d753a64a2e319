/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the functions written in C share: strings built in the heap, values named in error texts, numbers read.
 * For func_*.c and the evaluator's own errors.
 */
#ifndef LEAT_EXPR_FUNC_TEXT_H
#define LEAT_EXPR_FUNC_TEXT_H

#include "expr/heap.h"

/* ---- a string that grows in the heap; begin with {.heap = h} ---- */

struct text {
    struct heap *heap;
    char *p;
    size_t n, cap;
};

int text_reserve_slow(struct text *t, size_t more) NODISCARD;
NODISCARD static inline int text_reserve(struct text *t, size_t more) {
    return more <= t->cap - t->n ? 0 : text_reserve_slow(t, more);
}
int text_append(struct text *t, const char *p, size_t n) NODISCARD;
int text_puts(struct text *t, const char *s) NODISCARD;
NODISCARD static inline int text_putc(struct text *t, char c) {
    int rc = text_reserve(t, 1);
    if (rc < 0) return rc;
    t->p[t->n++] = c;
    return 0;
}
/* Bytes of any kind: those that are not UTF-8 become U+FFFD each. */
int text_append_bytes(struct text *t, const char *p, size_t n) NODISCARD;
/* What value_write_canonical writes. */
int text_append_json(struct text *t, struct value v) NODISCARD;
static inline struct value text_value(const struct text *t) {
    return value_text(t->p ? t->p : "", t->n);
}

/* ---- errors ---- */

/* `string ("abc")`: the type of a value and the beginning of its text, which has no NUL. A text over 14 bytes is cut
 * to 11 and "...", as in jq. */
enum { DESCRIBE_SIZE = 40 };
int value_describe(struct heap *h, struct value v, char out[DESCRIBE_SIZE]) NODISCARD;

/* Raise `number (1) has no keys`, `number (1) and string ("a") cannot be added`. */
int throw_about(struct heap *h, struct value v, const char *what) NODISCARD;
int throw_about_two(struct heap *h, struct value a, struct value b, const char *what) NODISCARD;

/* `Cannot iterate over number (1)` */
int throw_not_iterable(struct heap *h, struct value v) NODISCARD;

/* ---- arguments ---- */

struct number {
    bool whole; /* i counts; d is the nearest double in any case */
    int64_t i;
    double d;
};
static inline struct number number_of(struct value v) {
    struct number n = {0};
    n.whole = value_number(v, &n.i, &n.d);
    if (n.whole) n.d = (double)n.i;
    return n;
}
/* Toward zero, at the ends of the range for what is beyond it; NaN is 0. */
static inline int64_t double_to_int(double d) {
    if (!(d >= -9223372036854775808.0)) return d != d ? 0 : INT64_MIN;
    return d >= 9223372036854775808.0 ? INT64_MAX : (int64_t)d;
}
static inline int64_t number_to_int(struct number n) {
    return n.whole ? n.i : double_to_int(n.d);
}

struct span {
    const char *p;
    size_t n;
};
NODISCARD static inline int span_of(struct heap *h, struct value v, struct span *ret) {
    return value_string(h, v, &ret->p, &ret->n);
}
static inline bool span_begins(struct span s, struct span with) {
    return s.n >= with.n && (with.n == 0 || memcmp(s.p, with.p, with.n) == 0);
}
static inline bool span_ends(struct span s, struct span with) {
    return s.n >= with.n && (with.n == 0 || memcmp(s.p + (s.n - with.n), with.p, with.n) == 0);
}

/* The byte that the code point number `at` begins at, or the length; and how many code points n bytes have. */
size_t utf8_offset(const char *p, size_t n, uint64_t at);
uint32_t utf8_count(const char *p, size_t n);

/* ---- functions that operators and other functions use ---- */

/* jq's split and tostring. */
int string_split(struct heap *h, struct span s, struct span separator, struct value *ret) NODISCARD;
int value_to_string(struct heap *h, struct value v, struct value *ret) NODISCARD;

/* Stable, in place, by value_compare. */
int values_sort(struct heap *h, struct value *values, uint32_t n) NODISCARD;

/* flatten("."): one object without containers in it but empty ones, names joined by the separator. */
int object_flatten(struct heap *h, struct value object, struct value separator, struct value *ret) NODISCARD;

#endif
