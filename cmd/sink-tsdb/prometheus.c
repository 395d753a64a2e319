/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Prometheus remote write 1.0: a point is a series with one sample for each of its fields (labels.h), the body of a
 * request has them in order (write_request.h) and compressed, and answers are told apart. What is too late for the
 * server is no outage, whatever the status; and as the server says so, too, of what it has already, from a request
 * whose answer was lost or a run before, it is asked whether that is so.
 */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

#include <jansson.h>
#include <snappy-c.h>

#include "labels.h"
#include "write_request.h"

#include "base/number.h"
#include "base/timefmt.h"
#include "json/text.h"

#define QUERY_SAMPLES 500 /* of a series at a time: an answer has no more than HTTP_BODY_MAX */

static const struct text name_label = {"__name__", 8};

static bool is_name(struct text label) {
    return label.n == name_label.n && memcmp(label.p, name_label.p, label.n) == 0;
}

struct prometheus {
    struct encoder encoder;
    char *path, *authorization; /* NULL: no token */
    const char *headers[5];     /* NULL behind the last */
    /* of encode(), in the main thread */
    struct labels labels;
    struct buf before, name, behind; /* encoded labels, as they are sorted around the metric's name */
    /* of body(), in the sender's */
    struct write_order order;
    struct buf ordered;
    bool late;        /* so it said last */
    char *query_path; /* beside `path`; NULL: that is not known */
    struct buf series, query;
};

/* ---- a point ---- */

/* Whole milliseconds, rounded down, before 1970, too. */
static int64_t floor_ms(int64_t ns) {
    return ns / NS_PER_MS - (ns % NS_PER_MS < 0);
}

static int encode_labels(struct buf *out, const struct label *l, size_t n) {
    int g = 0;
    buf_clear(out);
    for (size_t i = 0; g == 0 && i < n; i++) g = write_label(out, l[i].name, l[i].value);
    return g;
}

static int prometheus_encode(struct encoder *x, const struct point *p, struct buf *out, struct err *e) {
    struct prometheus *w = (struct prometheus *)x;
    struct labels *l = &w->labels;
    int g = labels_make(l, p, e);
    if (g < 0) return g;
    size_t before = labels_before(l, name_label), begin = out->len;
    g = encode_labels(&w->before, l->label, before);
    if (g == 0) g = encode_labels(&w->behind, l->label + before, l->label_count - before);
    for (size_t i = 0; g == 0 && i < l->metric_count; i++) {
        const struct label name = {name_label, l->metric[i].name};
        g = encode_labels(&w->name, &name, 1);
        const struct text labels[3] = {
            {w->before.data, w->before.len}, {w->name.data, w->name.len}, {w->behind.data, w->behind.len}};
        if (g == 0) g = write_series(out, labels, l->metric[i].value, floor_ms(p->time));
    }
    if (g == 0) return 0;
    out->len = begin;
    return err_nomem(e);
}

/* ---- a request ---- */

static int prometheus_body(struct encoder *x, const char *encoded, size_t n, struct buf *out, struct err *e) {
    struct prometheus *w = (struct prometheus *)x;
    buf_clear(&w->ordered);
    buf_clear(out);
    if (write_ordered(&w->order, encoded, n, &w->ordered) < 0) return err_nomem(e);
    size_t room = snappy_max_compressed_length(w->ordered.len);
    if (buf_reserve(out, room) < 0) return err_nomem(e);
    if (snappy_compress(w->ordered.data, w->ordered.len, out->data, &room) != SNAPPY_OK)
        return err_set(e, G_BUG, "snappy cannot compress %zu bytes", w->ordered.len);
    out->len = room;
    return 0;
}

/* `name{label="value"}`, of encoded labels. */
static int append_series(struct buf *out, struct text labels) {
    const char *end = labels.p + labels.n;
    struct label l;
    int g = 0;
    for (const char *p = labels.p; g == 0 && written_label(&p, end, &l.name, &l.value);)
        if (is_name(l.name)) g = buf_append(out, l.value.p, l.value.n);
    bool first = true;
    for (const char *p = labels.p; g == 0 && written_label(&p, end, &l.name, &l.value);) {
        if (is_name(l.name)) continue;
        g = label_append(out, &l, first);
        first = false;
    }
    return g == 0 && !first ? buf_putc(out, '}') : g;
}

/* A line a sample: the series, its value, milliseconds. */
static int show_sample(const struct written *s, struct buf *out) {
    int g = append_series(out, s->labels);
    if (g == 0) g = buf_putc(out, ' ');
    if (g == 0) g = sample_append(out, s->value);
    if (g == 0) g = buf_putc(out, ' ');
    if (g == 0) g = number_append_i64(out, s->ms);
    return g == 0 ? buf_putc(out, '\n') : g;
}

static int prometheus_show(struct encoder *x, const char *encoded, size_t n, struct buf *out, struct err *e) {
    (void)x;
    struct written s;
    int g = 0;
    for (const char *p = encoded; g == 0 && written_next(&p, encoded + n, &s);) g = show_sample(&s, out);
    return g < 0 ? err_nomem(e) : 0;
}

/* ---- an answer ---- */

/* What Prometheus, and those who learned it from there, say of a sample that comes too late. It is no outage, though
 * Prometheus says some of it with 500. */
static bool is_too_late(const struct http_response *r) {
    static const char *const words[] = {"too old sample", "out of order sample", "out of bounds", "duplicate sample"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (memmem(r->body, r->size, words[i], strlen(words[i]))) return true;
    return false;
}

static enum verdict prometheus_judge(struct encoder *x, const struct http_response *r, size_t points, struct err *why) {
    struct prometheus *w = (struct prometheus *)x;
    struct text line = answer_line(r);
    (void)points;
    w->late = r->status >= 400 && is_too_late(r);
    if (r->status >= 200 && r->status < 300) return VERDICT_ACCEPTED;
    if (w->late) {
        (void)err_set(why, G_DATA, "too late for its series: %.*s", (int)line.n, line.p);
        return VERDICT_REFUSED;
    }
    if (r->status == 429 || r->status >= 500) return VERDICT_RETRY;
    switch (r->status) {
    case 401:
    case 403: return VERDICT_FATAL;
    case 404:
    case 405:
        (void)err_set(why, G_IO, "nothing takes remote write there: %.*s", (int)line.n, line.p);
        return VERDICT_FATAL;
    default: return r->status < 400 ? VERDICT_FATAL : VERDICT_REFUSED;
    }
}

/* ---- what was refused as too late, and may be there already ---- */

/* The query's answer into *ret, to be dropped; NULL, and 0, when there is none that tells. */
static int ask(struct prometheus *w, struct http *http, json_t **ret, struct err *e) {
    struct http_response r = {0};
    const char *headers[] = {"Content-Type: application/x-www-form-urlencoded", w->authorization, NULL};
    const struct http_request request = {
        .method = "POST", .path = w->query_path, .headers = headers, .body = w->query.data, .size = w->query.len};
    int g = http_send(http, &request, &r, e);
    *ret = NULL;
    if (g < 0) return g;
    if (r.status == 0) *e = r.failure;
    if (r.status == 0) return r.failure.grade == G_WAIT ? G_WAIT : 0;
    if (r.status == 429 || r.status >= 500) return err_set(e, G_WAIT, "HTTP %u to a query", r.status);
    if (r.status == 200) *ret = json_loadb(r.body, r.size, 0, NULL);
    return 0;
}

/* A query for all samples of a series between two times. */
static int make_query(struct prometheus *w, struct text labels, int64_t from_ms, int64_t to_ms) {
    buf_clear(&w->series);
    buf_clear(&w->query);
    int g = append_series(&w->series, labels);
    if (g == 0 && !buf_cstr(&w->series)) g = G_NOMEM;
    if (g == 0) g = buf_puts(&w->query, "query=");
    if (g == 0) g = http_escape(&w->query, w->series.data);
    if (g == 0)
        g = buf_printf(&w->query, "%%5B%" PRId64 "ms%%5D&time=%" PRId64 ".%03" PRId64, to_ms - from_ms + 1,
                       to_ms / 1000, to_ms % 1000);
    return g;
}

/* Labels that match are ours if there are no others. */
static json_t *values_of(json_t *answer, struct text labels) {
    json_t *result = json_object_get(json_object_get(answer, "data"), "result"), *series;
    struct text name, value;
    size_t count = 0, i;
    for (const char *p = labels.p; written_label(&p, labels.p + labels.n, &name, &value);) count++;
    json_array_foreach(result, i, series) {
        if (json_object_size(json_object_get(series, "metric")) == count) return json_object_get(series, "values");
    }
    return NULL;
}

/* [1431857103.001,"1.5"] */
static bool is_sample(const json_t *pair, const struct written *s) {
    const char *text = json_string_value(json_array_get(pair, 1));
    double value;
    return llround(json_number_value(json_array_get(pair, 0)) * 1000) == s->ms && text &&
           json_number_to_double(text, strlen(text), &value) == 0 && value == s->value;
}

/* All of `count` samples, which are in the order of time, as the answer is. Stale markers are not in answers. */
static bool has_samples(const json_t *values, const struct written *s, size_t count) {
    size_t at = 0;
    for (size_t i = 0; i < count; i++) {
        if (is_stale_marker(s[i].value)) continue;
        while (at < json_array_size(values) && !is_sample(json_array_get(values, at), &s[i])) at++;
        if (at == json_array_size(values)) return false;
    }
    return true;
}

static int group_is_there(struct prometheus *w, struct http *http, const struct write_group *group, struct err *e) {
    for (size_t from = 0; from < group->count; from += QUERY_SAMPLES) {
        size_t left = group->count - from, n = left < QUERY_SAMPLES ? left : QUERY_SAMPLES;
        const struct written *s = group->first + from;
        json_t *answer;
        if (s->ms < 0) return 0; /* times of queries are not negative */
        if (make_query(w, s->labels, s->ms, s[n - 1].ms) < 0) return err_nomem(e);
        int g = ask(w, http, &answer, e);
        if (g != 0) return g;
        bool there = has_samples(values_of(answer, s->labels), s, n);
        json_decref(answer);
        if (!there) return 0;
    }
    return 1;
}

static int prometheus_is_there(struct encoder *x, struct http *http, const char *encoded, size_t n, struct err *e) {
    struct prometheus *w = (struct prometheus *)x;
    if (!w->late || !w->query_path) return 0;
    if (write_order_find(&w->order, encoded, n) < 0) return err_nomem(e);
    int g = 1;
    for (size_t i = 0; g == 1 && i < w->order.groups; i++) g = group_is_there(w, http, &w->order.group[i], e);
    return g;
}

/* ---- opening ---- */

static void prometheus_free(struct encoder *x) {
    struct prometheus *w = (struct prometheus *)x;
    free(w->path);
    if (w->authorization) explicit_bzero(w->authorization, strlen(w->authorization));
    free(w->authorization);
    labels_release(&w->labels);
    write_order_release(&w->order);
    buf_release(&w->before);
    buf_release(&w->name);
    buf_release(&w->behind);
    buf_release(&w->ordered);
    buf_release(&w->series);
    buf_release(&w->query);
    free(w->query_path);
    free(w);
}

/* The path of queries where that of writes ends as it should. */
static int make_paths(struct prometheus *w, const struct url *u) {
    static const char end[] = "/api/v1/write";
    w->path = strdup(u->path[0] ? u->path[0] : end);
    size_t n = w->path ? strlen(w->path) : 0;
    if (!w->path) return G_NOMEM;
    if (n < sizeof end - 1 || strcmp(w->path + n - (sizeof end - 1), end) != 0) return 0;
    if (asprintf(&w->query_path, "%.*squery", (int)(n - 5), w->path) >= 0) return 0;
    w->query_path = NULL;
    return G_NOMEM;
}

int prometheus_encoder(struct encoder **ret, const struct url *u, struct http_request *constant, struct err *e) {
    static const struct encoder_ops ops = {.encode = prometheus_encode,
                                           .body = prometheus_body,
                                           .judge = prometheus_judge,
                                           .is_there = prometheus_is_there,
                                           .show = prometheus_show,
                                           .free = prometheus_free};
    struct prometheus *w = calloc(1, sizeof *w);
    if (!w) return err_nomem(e);
    w->encoder.ops = &ops;
    if (make_paths(w, u) < 0 || (u->token && asprintf(&w->authorization, "Authorization: Bearer %s", u->token) < 0)) {
        w->authorization = NULL;
        prometheus_free(&w->encoder);
        return err_nomem(e);
    }
    w->headers[0] = "Content-Type: application/x-protobuf";
    w->headers[1] = "Content-Encoding: snappy";
    w->headers[2] = "X-Prometheus-Remote-Write-Version: 0.1.0";
    w->headers[3] = w->authorization;
    *constant = (struct http_request){.method = "POST", .path = w->path, .headers = w->headers};
    *ret = &w->encoder;
    return 0;
}
