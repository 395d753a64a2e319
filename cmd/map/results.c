/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The results of one record. All are there before the first is used, so that of a bad record there is none.
 */
#include <stdlib.h>

#include "map.h"

#include "expr/func.h"
#include "json/text.h"

#define RESULTS_MAX_BYTES HEAP_LIMIT_DEFAULT /* of one record */
#define DEPTH_MIN_BYTES 2048u                /* shorter values cannot be too deep for the format */

static void maker_release(struct maker *k) {
    expr_run_free(k->run);
    keep_release(&k->keep);
    buf_release(&k->text);
    buf_release(&k->ends);
    buf_release(&k->merged);
    buf_release(&k->all_headers);
    if (k->has_json) json_validator_release(&k->json);
}

void map_release(struct map *m) {
    for (size_t i = 0; i < CREW_THREADS_MAX; i++) maker_release(&m->makers[i]);
    free(m->headers);
}

/* What the library function raised, as our message. */
static int flatten_failed(struct heap *h, int g, struct err *e) {
    const char *p;
    size_t n;
    if (g != G_DATA) return err_nomem(e);
    if (value_string(h, h->thrown, &p, &n) < 0) return err_set(e, G_DATA, "value cannot be flattened");
    return err_set(e, G_DATA, "%.*s", (int)(n > 300 ? 300 : n), p);
}

static int write_flat(struct maker *k, struct value v, struct err *e) {
    struct heap *h = expr_heap(k->run);
    const struct func *flatten = func_find("flatten", strlen("flatten"), 1);
    struct value flat = v;
    if (!flatten) return err_set(e, G_BUG, "there is no function flatten");
    if (v.kind == VK_OBJECT) {
        const struct value args[] = {v, value_text(k->map->separator, strlen(k->map->separator))};
        int g = flatten->fn(h, args, &flat);
        if (g < 0) return flatten_failed(h, g, e);
    }
    return expr_value_write(k->run, flat, &k->text, e);
}

static int write_result(struct maker *k, struct value v, struct err *e) {
    const struct map *m = k->map;
    if (!m->keeps) return m->separator ? write_flat(k, v, e) : expr_value_write(k->run, v, &k->text, e);
    if (k->in->value_type != VALUE_JSON) return err_set(e, G_DATA, "--keep needs an object, and the record is none");
    struct buf *out = m->separator ? &k->merged : &k->text;
    buf_clear(&k->merged);
    int g = keep_merge(&k->keep, k->run, k->in->value, k->in->value_size, v, out, e);
    if (g < 0 || !m->separator) return g;
    return write_flat(k, value_raw(k->merged.data, k->merged.len), e);
}

/* Computed values may be deeper than the format lets them be. */
static int check_depth(struct maker *k, const char *text, size_t n, struct err *e) {
    struct json_fault fault;
    if (n < DEPTH_MIN_BYTES) return 0;
    if (!k->has_json && json_validator_init(&k->json, NULL) < 0) return err_nomem(e);
    k->has_json = true;
    int g = json_validate(&k->json, text, n, &fault);
    if (g == G_DATA) return err_set(e, G_DATA, "result is no JSON value that can be stored: %s", fault.reason);
    return g < 0 ? err_nomem(e) : 0;
}

static int end_result(struct maker *k) {
    return buf_append(&k->ends, &k->text.len, sizeof k->text.len) < 0 ? err_nomem(k->e) : 0;
}

static int take_result(void *ctx, struct expr_run *run, struct value v) {
    struct maker *k = ctx;
    (void)run;
    size_t start = k->text.len;
    int g = write_result(k, v, k->e);
    if (g == 0 && v.form != VF_RAW) g = check_depth(k, k->text.data + start, k->text.len - start, k->e);
    if (g < 0) return g;
    if (k->text.len > RESULTS_MAX_BYTES)
        return err_set(k->e, G_DATA, "the results of one record are over the limit of %zu bytes", RESULTS_MAX_BYTES);
    return end_result(k);
}

static bool is_set(const struct map *m, const struct header_view *h) {
    for (size_t i = 0; i < m->header_count; i++) {
        const struct header_field *f = &m->headers[i];
        if (f->name_size == h->name_size && memcmp(f->name, h->name, h->name_size) == 0) return true;
    }
    return false;
}

/* The input's headers without those that -H sets, then these. */
static int set_headers(struct maker *k, struct record *r, struct err *e) {
    const struct map *m = k->map;
    struct header_view h;
    int g = 0;
    if (m->header_count == 0) return 0;
    buf_clear(&k->all_headers);
    for (size_t at = 0; g == 0 && record_header_next(k->in->headers, k->in->headers_size, &at, &h);) {
        if (!is_set(m, &h)) g = record_header_append(&k->all_headers, h.name, h.name_size, h.value, h.value_size, e);
    }
    for (size_t i = 0; g == 0 && i < m->header_count; i++) {
        const struct header_field *f = &m->headers[i];
        const char *p;
        size_t n;
        g = key_field_get(&f->field, k->run, &p, &n, e);
        if (g > 0) g = record_header_append(&k->all_headers, f->name, f->name_size, p, n, e);
    }
    r->headers = k->all_headers.data;
    r->headers_size = k->all_headers.len;
    return g;
}

static int set_fields(struct maker *k, struct record *r, struct err *e) {
    const struct map *m = k->map;
    int g = 0;
    if (m->key.used) {
        g = key_field_get(&m->key, k->run, &r->key, &r->key_size, e);
        if (g < 0) return g;
        r->has_key = g == 1;
        if (g == 0) r->key_size = 0;
    }
    if (m->time.used) g = time_field_get(&m->time, k->run, &r->time, e);
    return g < 0 ? g : set_headers(k, r, e);
}

size_t maker_count(const struct maker *k) {
    return k->ends.len / sizeof(size_t);
}

void maker_value(const struct maker *k, size_t i, struct record *r) {
    const size_t *ends = (const size_t *)(const void *)k->ends.data;
    size_t from = i ? ends[i - 1] : 0;
    r->value = k->text.data + from;
    r->value_size = ends[i] - from;
}

/* Most programs give one result, which need not be built to be written. */
static int evaluate(struct maker *k, struct err *e) {
    const struct map *m = k->map;
    int g = m->keeps || m->separator ? 0 : expr_write_only(k->run, m->expr, &k->text, e);
    if (g == 0) return expr_each(k->run, m->expr, take_result, k, e);
    if (g < 0) return g;
    g = check_depth(k, k->text.data, k->text.len, e);
    return g < 0 ? g : end_result(k);
}

int maker_write_value(struct maker *k, const struct map *m, struct record *r, struct buf *out, struct err *e) {
    if (m->keeps || m->separator || m->key.used || m->time.used || m->header_count) return 0;
    size_t at = out->len;
    int g = expr_write_only(k->run, m->expr, out, e);
    if (g <= 0) return g;
    g = check_depth(k, out->data + at, out->len - at, e);
    if (g < 0) return g;
    r->value = out->data + at;
    r->value_size = out->len - at;
    r->value_type = VALUE_JSON;
    g = record_check(r, m->record_limit, e);
    return g < 0 ? g : 1;
}

int maker_run(struct maker *k, const struct map *m, const struct record *in, struct record *r, struct err *e) {
    k->map = m;
    k->in = in;
    k->e = e;
    buf_clear(&k->text);
    buf_clear(&k->ends);
    int g = evaluate(k, e);
    if (g < 0 || k->ends.len == 0) return g;
    *r = *in;
    g = set_fields(k, r, e);
    r->value_type = VALUE_JSON;
    for (size_t i = 0; g == 0 && i < maker_count(k); i++) {
        maker_value(k, i, r);
        g = record_check(r, m->record_limit, e);
    }
    return g;
}
