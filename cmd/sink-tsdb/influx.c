/* SPDX-License-Identifier: Apache-2.0 */
/*
 * InfluxDB 1 (/write) and 2 (/api/v2/write): line protocol in nanoseconds, compressed with gzip. What the server makes
 * of it is in its status and, in JSON, in its own words; both are as the InfluxDB API references of 1.8 and 2.7 have
 * them, and as 1.6 answers.
 */
#include <jansson.h>
#include <stdlib.h>
#include <zlib.h>

#include "sink.h"

#define GZIP (15 + 16) /* window bits, and the form */

struct influx {
    struct encoder base;
    struct buf path, authorization; /* C strings */
    const char *headers[4];
    z_stream z;
};

/* InfluxDB 1 drops a field that is called so without a word while there are others. */
static int check_name(const char *what, struct text name, struct err *e) {
    if (name.n != 4 || memcmp(name.p, "time", 4) != 0) return 0;
    return err_set(e, G_DATA, "a %s cannot be called 'time' in InfluxDB", what);
}

static int influx_encode(struct encoder *x, const struct point *p, struct buf *out, struct err *e) {
    int g = 0;
    (void)x;
    for (size_t i = 0; g == 0 && i < p->tag_count; i++) g = check_name("tag", p->tags[i].name, e);
    for (size_t i = 0; g == 0 && i < p->field_count; i++) g = check_name("field", p->fields[i].name, e);
    return g < 0 ? g : line_append(out, p, e);
}

static int influx_body(struct encoder *x, const char *encoded, size_t n, struct buf *out, struct err *e) {
    struct influx *f = (struct influx *)x;
    buf_clear(out);
    if (n > UINT32_MAX / 2) return err_set(e, G_USAGE, "a batch of %zu bytes is too large to send", n);
    (void)deflateReset(&f->z);
    if (buf_reserve(out, deflateBound(&f->z, n)) < 0) return err_nomem(e);
    f->z.next_in = (Bytef *)(uintptr_t)encoded;
    f->z.avail_in = (uInt)n;
    f->z.next_out = (Bytef *)out->data;
    f->z.avail_out = (uInt)out->cap;
    if (deflate(&f->z, Z_FINISH) != Z_STREAM_END) return err_set(e, G_BUG, "zlib did not finish");
    out->len = out->cap - f->z.avail_out;
    return 0;
}

/* {"error":"…"} is version 1, {"message":"…"} version 2. Anything else stays as it is, for the caller. */
static void own_words(const struct http_response *r, struct err *why) {
    json_t *answer = json_loadb(r->body, r->size, 0, NULL);
    const char *words = json_string_value(json_object_get(answer, "error"));
    if (!words) words = json_string_value(json_object_get(answer, "message"));
    if (words) (void)err_set(why, 0, "%s", words);
    json_decref(answer);
}

/* A retention policy that is not there is a 500. All else that begins with 5 may pass. */
static enum verdict influx_judge(struct encoder *x, const struct http_response *r, size_t points, struct err *why) {
    (void)x, (void)points;
    if (r->status == 204 || (r->status == 200 && r->size == 0)) return VERDICT_ACCEPTED;
    if (r->size) own_words(r, why);
    switch (r->status) {
    case 408:
    case 425:
    case 429: return VERDICT_RETRY;
    case 400:
        if (strstr(why->text, "database is required")) return VERDICT_FATAL;
        return VERDICT_REFUSED;
    case 413:
    case 422: return VERDICT_REFUSED;
    default: break;
    }
    if (r->status >= 500) return strstr(why->text, "retention policy not found") ? VERDICT_FATAL : VERDICT_RETRY;
    return VERDICT_FATAL;
}

static void influx_release(struct encoder *x) {
    struct influx *f = (struct influx *)x;
    (void)deflateEnd(&f->z);
    if (f->authorization.data) explicit_bzero(f->authorization.data, f->authorization.cap);
    buf_release(&f->path);
    buf_release(&f->authorization);
    free(f);
}

static int add_parameter(struct buf *path, const char *name, const char *value) {
    if (!value) return 0;
    if (buf_putc(path, memchr(path->data, '?', path->len) ? '&' : '?') < 0) return G_NOMEM;
    if (buf_puts(path, name) < 0 || buf_putc(path, '=') < 0) return G_NOMEM;
    return http_escape(path, value);
}

static int make_path(struct buf *path, const struct url *u) {
    bool second = u->kind == DEST_INFLUX2;
    int g = buf_puts(path, second ? "/api/v2/write" : "/write");
    if (g == 0) g = add_parameter(path, second ? "org" : "db", u->path[0]);
    if (g == 0) g = second ? add_parameter(path, "bucket", u->path[1]) : add_parameter(path, "rp", url_value(u, "rp"));
    if (g == 0) g = add_parameter(path, "precision", "ns");
    return g == 0 && buf_cstr(path) ? 0 : G_NOMEM;
}

int influx_encoder(struct encoder **ret, const struct url *u, struct http_request *constant, struct err *e) {
    static const struct encoder_ops ops = {
        .encode = influx_encode, .body = influx_body, .judge = influx_judge, .free = influx_release};
    struct influx *f = calloc(1, sizeof *f);
    if (!f) return err_nomem(e);
    f->base.ops = &ops;
    int failed = deflateInit2(&f->z, Z_BEST_SPEED, Z_DEFLATED, GZIP, 8, Z_DEFAULT_STRATEGY) != Z_OK;
    if (!failed) failed = make_path(&f->path, u) < 0;
    if (!failed && u->token)
        failed = buf_printf(&f->authorization, "Authorization: Token %s", u->token) < 0 || !buf_cstr(&f->authorization);
    if (failed) {
        influx_release(&f->base);
        return err_nomem(e);
    }
    f->headers[0] = "Content-Type: text/plain; charset=utf-8";
    f->headers[1] = "Content-Encoding: gzip";
    f->headers[2] = f->authorization.data; /* NULL without a token */
    *constant = (struct http_request){.method = "POST", .path = f->path.data, .headers = f->headers};
    *ret = &f->base;
    return 0;
}
