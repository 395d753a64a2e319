/* SPDX-License-Identifier: Apache-2.0 */
/* See aggregate_cases.h. */
#include "aggregate_cases.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "expr/value.h"

enum { PARTS = 5 };

struct sample sample_none(void) {
    return (struct sample){.cell = {.type = CELL_NONE}};
}
struct sample sample_int(int64_t i) {
    return (struct sample){.cell = {.type = CELL_INT, .i = i}};
}
struct sample sample_double(double d) {
    return (struct sample){.cell = {.type = CELL_DOUBLE, .d = d}};
}
struct sample sample_bool(bool b) {
    return (struct sample){.cell = {.type = b ? CELL_TRUE : CELL_FALSE}};
}
struct sample sample_text(const char *text) {
    return (struct sample){.cell = {.type = CELL_TEXT, .n = (uint32_t)strlen(text), .text = text}};
}
struct sample sample_at(int64_t time, struct sample s) {
    s.time = time;
    return s;
}

double random_double(struct rng *r) {
    double sign = rng_below(r, 2) ? -1 : 1;
    switch (rng_below(r, 6)) {
    case 0: return sign * ldexp((double)rng_below(r, (uint64_t)1 << 53), -1074);
    case 1: return sign * (double)rng_below(r, 3);
    case 2: return sign * (double)rng_below(r, 100000) / 100;
    case 3: return sign * 1e308 * rng_double(r);
    default: return sign * ldexp(rng_double(r), (int)rng_below(r, 2098) - 1074);
    }
}

struct aggregate aggregate_call(const char *name, unsigned arguments, const char *constant) {
    struct aggregate a = {.size = 0};
    struct err e = {.grade = 0};
    struct value v = constant ? value_raw(constant, strlen(constant)) : value_null();
    int rc = aggregate_init(&a, name, strlen(name), arguments, v, &e);
    if (rc < 0) fail_msg("%s: %s", name, e.text);
    return a;
}

/* An accumulator and where its parts are. */
struct part {
    struct arena arena;
    void *at;
};

static void part_init(struct part *p, const struct aggregate *a, struct state_budget *budget) {
    arena_init(&p->arena, budget);
    p->at = calloc(1, a->size);
    assert_non_null(p->at);
}

static void part_release(struct part *p, const struct aggregate *a) {
    aggregate_clear(a, p->at, &p->arena);
    for (size_t i = 0; i < a->size; i++) assert_int_equal(((char *)p->at)[i], 0);
    arena_release(&p->arena);
    free(p->at);
}

static void part_add(struct part *p, const struct aggregate *a, const struct sample *s) {
    assert_int_equal(aggregate_add(a, p->at, &p->arena, &s->cell, s->time), 0);
}

static void part_save(const struct part *p, const struct aggregate *a, struct buf *out) {
    buf_clear(out);
    assert_int_equal(aggregate_save(a, p->at, out), 0);
}

/* Through bytes and back. */
static void part_reload(struct part *p, const struct aggregate *a) {
    struct buf bytes = {0};
    struct err e = {.grade = 0};
    part_save(p, a, &bytes);
    aggregate_clear(a, p->at, &p->arena);
    const char *at = bytes.data;
    if (aggregate_load(a, p->at, &p->arena, &at, bytes.data + bytes.len, &e) < 0) fail_msg("%s", e.text);
    assert_ptr_equal(at, bytes.data + bytes.len);
    buf_release(&bytes);
}

static void part_result(const struct part *p, const struct aggregate *a, struct buf *out) {
    const struct aggregate_window w = {.start = 1000000000, .end = 5000000000};
    struct heap h;
    struct value v;
    heap_init(&h, 0);
    buf_clear(out);
    assert_int_equal(aggregate_result(a, p->at, &w, &h, &v), 0);
    assert_int_equal(value_write(&h, v, out), 0);
    assert_non_null(buf_cstr(out));
    heap_release(&h);
}

/* ---- orders and parts ---- */

static void shuffle(struct rng *r, struct sample *samples, size_t n) {
    for (size_t i = n; i > 1; i--) {
        size_t j = rng_below(r, i);
        struct sample s = samples[i - 1];
        samples[i - 1] = samples[j];
        samples[j] = s;
    }
}

/* Each sample into one of some parts, and these one into another until one is left, which ends up in parts[0]. */
static void add_in_parts(struct part *parts, const struct aggregate *a, const struct sample *samples, size_t n,
                         struct rng *r) {
    size_t count = 1 + rng_below(r, PARTS);
    for (size_t i = 0; i < n; i++) {
        size_t k = rng_below(r, count);
        part_add(&parts[k], a, &samples[i]);
        if (rng_below(r, 2 * n) == 0) part_reload(&parts[k], a);
    }
    for (; count > 1; count--) {
        size_t k = rng_below(r, count - 1);
        struct part *from = &parts[count - 1];
        struct buf before = {0}, after = {0};
        part_save(from, a, &before);
        assert_int_equal(aggregate_merge(a, parts[k].at, &parts[k].arena, from->at), 0);
        part_save(from, a, &after);
        assert_int_equal(before.len, after.len);
        assert_memory_equal(before.data, after.data, before.len);
        buf_release(&before);
        buf_release(&after);
        if (rng_below(r, 2)) part_reload(&parts[k], a);
    }
}

void assert_aggregate(struct aggregate a, const struct sample *samples, size_t n, const char *expected,
                      unsigned rounds) {
    struct state_budget budget = {.used = 0};
    struct part whole;
    struct buf result = {0}, bytes = {0}, other_result = {0}, other_bytes = {0};
    part_init(&whole, &a, &budget);
    for (size_t i = 0; i < n; i++) part_add(&whole, &a, &samples[i]);
    part_result(&whole, &a, &result);
    part_save(&whole, &a, &bytes);
    if (expected) assert_string_equal(result.data, expected);

    struct rng r;
    rng_init(&r, n);
    struct sample *mixed = calloc(n + 1, sizeof(*mixed));
    assert_non_null(mixed);
    if (n) memcpy(mixed, samples, n * sizeof(*mixed));
    for (unsigned round = 0; round < rounds; round++) {
        struct part parts[PARTS];
        for (int i = 0; i < PARTS; i++) part_init(&parts[i], &a, &budget);
        shuffle(&r, mixed, n);
        add_in_parts(parts, &a, mixed, n, &r);
        part_result(&parts[0], &a, &other_result);
        assert_string_equal(other_result.data, result.data);
        part_save(&parts[0], &a, &other_bytes);
        assert_int_equal(other_bytes.len, bytes.len);
        assert_memory_equal(other_bytes.data, bytes.data, bytes.len);
        for (int i = 0; i < PARTS; i++) part_release(&parts[i], &a);
    }
    free(mixed);
    part_release(&whole, &a);
    assert_int_equal(budget.used, 0);
    buf_release(&result);
    buf_release(&bytes);
    buf_release(&other_result);
    buf_release(&other_bytes);
}

/* ---- damage ---- */

/* Bytes that end where memory ends, so that reading on is seen. */
static int load_copy(const struct aggregate *a, const char *bytes, size_t n) {
    struct state_budget budget = {.used = 0};
    struct part p;
    struct err e = {.grade = 0};
    struct buf text = {0};
    part_init(&p, a, &budget);
    char *copy = malloc(n ? n : 1);
    assert_non_null(copy);
    if (n) memcpy(copy, bytes, n);
    const char *at = copy;
    int rc = aggregate_load(a, p.at, &p.arena, &at, copy + n, &e);
    if (rc == 0) {
        assert_true(at > copy && at <= copy + n);
        part_result(&p, a, &text);
        part_reload(&p, a);
    } else {
        assert_int_equal(rc, G_CORRUPT);
        assert_int_equal(e.grade, G_CORRUPT);
        assert_ptr_equal(at, copy);
    }
    part_release(&p, a);
    free(copy);
    buf_release(&text);
    return rc;
}

void assert_save_is_checked(struct aggregate a, const struct sample *samples, size_t n) {
    struct state_budget budget = {.used = 0};
    struct part p;
    struct buf bytes = {0};
    part_init(&p, &a, &budget);
    for (size_t i = 0; i < n; i++) part_add(&p, &a, &samples[i]);
    part_save(&p, &a, &bytes);
    assert_int_equal(load_copy(&a, bytes.data, bytes.len), 0);
    for (size_t i = 0; i < bytes.len; i++) assert_int_equal(load_copy(&a, bytes.data, i), G_CORRUPT);
    for (size_t i = 0; i < bytes.len; i++) {
        char was = bytes.data[i];
        for (int bit = 0; bit < 8; bit++) {
            bytes.data[i] = (char)(was ^ 1 << bit);
            (void)load_copy(&a, bytes.data, bytes.len);
        }
        bytes.data[i] = was;
    }
    part_release(&p, &a);
    buf_release(&bytes);
}
