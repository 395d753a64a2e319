/* SPDX-License-Identifier: Apache-2.0 */
/* Protocol buffers, as far as remote write needs them, and the order of samples: see write_request.h. */
#include <stdlib.h>

#include "write_request.h"

#include "base/endian.h"

/* A field begins with number << 3 | type; type 0 is a varint, 1 eight bytes, 2 a length and so many bytes. */
enum {
    REQUEST_SERIES = 1 << 3 | 2,
    SERIES_LABEL = 1 << 3 | 2,
    SERIES_SAMPLE = 2 << 3 | 2,
    LABEL_NAME = 1 << 3 | 2,
    LABEL_VALUE = 2 << 3 | 2,
    SAMPLE_VALUE = 1 << 3 | 1,
    SAMPLE_TIME = 2 << 3 | 0
};
enum { VARINT_MAX = 10, SAMPLE_MAX = 2 + 1 + 8 + 1 + VARINT_MAX };

/* ---- out ---- */

/* Seven bits a byte, the low ones first; the highest bit says that more follow. */
static size_t put_varint(char *to, uint64_t v) {
    size_t n = 0;
    for (; v >= 0x80; v >>= 7) to[n++] = (char)(v | 0x80);
    to[n++] = (char)v;
    return n;
}

static size_t varint_size(uint64_t v) {
    size_t n = 1;
    while (v >>= 7) n++;
    return n;
}

/* The caller has reserved. */
static void put_length_fast(struct buf *out, int field, size_t n) {
    buf_putc_fast(out, (char)field);
    out->len += put_varint(out->data + out->len, n);
}

int write_label(struct buf *out, struct text name, struct text value) {
    size_t size = 1 + varint_size(name.n) + name.n + 1 + varint_size(value.n) + value.n;
    if (buf_reserve(out, 1 + VARINT_MAX + size) < 0) return G_NOMEM;
    put_length_fast(out, SERIES_LABEL, size);
    put_length_fast(out, LABEL_NAME, name.n);
    buf_append_fast(out, name.p, name.n);
    put_length_fast(out, LABEL_VALUE, value.n);
    buf_append_fast(out, value.p, value.n);
    return 0;
}

static size_t put_sample(char *to, double value, int64_t ms) {
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits); /* that of a stale marker, too */
    to[0] = SERIES_SAMPLE;
    to[2] = SAMPLE_VALUE;
    put_u64_le(to + 3, bits);
    to[11] = SAMPLE_TIME;
    size_t n = 12 + put_varint(to + 12, (uint64_t)ms);
    to[1] = (char)(n - 2);
    return n;
}

int write_series(struct buf *out, const struct text labels[3], double value, int64_t ms) {
    char sample[SAMPLE_MAX];
    size_t n = put_sample(sample, value, ms), size = labels[0].n + labels[1].n + labels[2].n + n;
    if (buf_reserve(out, 1 + VARINT_MAX + size) < 0) return G_NOMEM;
    put_length_fast(out, REQUEST_SERIES, size);
    for (size_t i = 0; i < 3; i++)
        if (labels[i].n > 0) buf_append_fast(out, labels[i].p, labels[i].n);
    buf_append_fast(out, sample, n);
    return 0;
}

/* ---- in again: our own bytes ---- */

static uint64_t take_varint(const char **p) {
    uint64_t v = 0;
    for (unsigned shift = 0;; shift += 7) {
        unsigned char c = (unsigned char)*(*p)++;
        v |= (uint64_t)(c & 0x7F) << shift;
        if (c < 0x80) return v;
    }
}

static struct text take_bytes(const char **p) {
    ++*p; /* which field it is, is known */
    size_t n = take_varint(p);
    struct text t = {*p, n};
    *p += n;
    return t;
}

bool written_label(const char **p, const char *end, struct text *ret_name, struct text *ret_value) {
    if (*p == end) return false;
    const char *in = take_bytes(p).p;
    *ret_name = take_bytes(&in);
    *ret_value = take_bytes(&in);
    return true;
}

bool written_next(const char **p, const char *end, struct written *ret) {
    if (*p == end) return false;
    struct text series = take_bytes(p);
    const char *at = series.p;
    while (*at == SERIES_LABEL) (void)take_bytes(&at);
    ret->labels = (struct text){series.p, (size_t)(at - series.p)};
    ret->sample = (struct text){at, series.n - ret->labels.n};
    uint64_t bits = get_u64_le(at + 3);
    memcpy(&ret->value, &bits, sizeof bits);
    at += 12;
    ret->ms = (int64_t)take_varint(&at);
    return true;
}

/* ---- in order ---- */

void write_order_release(struct write_order *w) {
    free(w->series);
    free(w->group);
    *w = (struct write_order){0};
}

static int compare_labels(const struct written *a, const struct written *b) {
    if (a->labels.n != b->labels.n) return a->labels.n < b->labels.n ? -1 : 1;
    return memcmp(a->labels.p, b->labels.p, a->labels.n);
}

/* By series, time, and when they came. */
static int compare_samples(const void *x, const void *y) {
    const struct written *a = x, *b = y;
    int c = compare_labels(a, b);
    if (c == 0) c = (a->ms > b->ms) - (a->ms < b->ms);
    return c ? c : (a->sample.p > b->sample.p) - (a->sample.p < b->sample.p);
}

static int compare_groups(const void *x, const void *y) {
    const struct written *a = ((const struct write_group *)x)->first, *b = ((const struct write_group *)y)->first;
    if (a->ms != b->ms) return a->ms < b->ms ? -1 : 1;
    return (a->sample.p > b->sample.p) - (a->sample.p < b->sample.p);
}

static int take_in(struct write_order *w, const char *encoded, size_t n, size_t *ret_count) {
    struct written s;
    size_t count = 0;
    for (const char *p = encoded; written_next(&p, encoded + n, &s);) {
        if (count == w->cap) {
            size_t cap = w->cap ? w->cap * 2 : 1024;
            struct written *series = realloc(w->series, cap * sizeof *series);
            if (series) w->series = series;
            struct write_group *group = series ? realloc(w->group, cap * sizeof *group) : NULL;
            if (!group) return G_NOMEM;
            w->group = group;
            w->cap = cap;
        }
        w->series[count++] = s;
    }
    *ret_count = count;
    return 0;
}

/* Of samples at one time the last one is left. */
static size_t make_groups(struct write_order *w, size_t count) {
    size_t groups = 0, kept = 0;
    for (size_t i = 0; i < count; i++) {
        const struct written *s = &w->series[i];
        if (groups == 0 || compare_labels(w->group[groups - 1].first, s) != 0) {
            w->group[groups++] = (struct write_group){&w->series[kept], 0};
        } else if (w->series[kept - 1].ms == s->ms) {
            w->series[kept - 1] = *s;
            continue;
        }
        w->series[kept++] = *s;
        w->group[groups - 1].count++;
    }
    return groups;
}

static int append_group(struct buf *out, const struct write_group *g) {
    size_t size = g->first->labels.n;
    for (size_t i = 0; i < g->count; i++) size += g->first[i].sample.n;
    if (buf_reserve(out, 1 + VARINT_MAX + size) < 0) return G_NOMEM;
    put_length_fast(out, REQUEST_SERIES, size);
    buf_append_fast(out, g->first->labels.p, g->first->labels.n);
    for (size_t i = 0; i < g->count; i++) buf_append_fast(out, g->first[i].sample.p, g->first[i].sample.n);
    return 0;
}

int write_order_find(struct write_order *w, const char *encoded, size_t n) {
    size_t count;
    w->groups = 0;
    int g = take_in(w, encoded, n, &count);
    if (g < 0 || count == 0) return g;
    qsort(w->series, count, sizeof *w->series, compare_samples);
    w->groups = make_groups(w, count);
    qsort(w->group, w->groups, sizeof *w->group, compare_groups);
    return 0;
}

int write_ordered(struct write_order *w, const char *encoded, size_t n, struct buf *out) {
    int g = write_order_find(w, encoded, n);
    for (size_t i = 0; g == 0 && i < w->groups; i++) g = append_group(out, &w->group[i]);
    return g;
}
