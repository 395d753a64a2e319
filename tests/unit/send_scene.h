/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the tests of sink-tsdb's way to a server share: a server that fails, refuses and dawdles as it is told, an
 * encoder that stands for all those that are not InfluxDB's, and points to send.
 */
#ifndef LEAT_TESTS_UNIT_SEND_SCENE_H
#define LEAT_TESTS_UNIT_SEND_SCENE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "tiny_http.h"

/* Parts of one tool and not of the library. */
#include "../../cmd/sink-tsdb/batch.c"
#include "../../cmd/sink-tsdb/deliver.c"
#include "../../cmd/sink-tsdb/influx.c"
#include "../../cmd/sink-tsdb/lines.c"
#include "../../cmd/sink-tsdb/send.c"

#define ACCEPTED "HTTP/1.1 204 No Content\r\n\r\n"
#define OTHERWISE "HTTP/1.1 500 Oops\r\nContent-Length: 14\r\n\r\n{\"error\":\"x\"}\n"

struct scene {
    struct tiny_http server;
    /* what the server does */
    unsigned fail; /* so many requests first, */
    const char *failure;
    bool keep_before_failing;
    const char *bad, *bad_answer; /* a body with this in it is answered so */
    int64_t delay_ns;
    /* what it has */
    struct buf got;   /* lines that it accepted, and an empty one behind each batch */
    struct buf asked; /* when: int64_t */
    /* ours */
    struct url url;
    struct dest_config config;
    struct totals totals;
    struct dest *dest;
    struct buf notices, refused;
    int refuse_with;
    struct err e;
};

/* ---- the server ---- */

static inline void gunzip(const struct tiny_request *r, struct buf *out) {
    z_stream z = {.next_in = (Bytef *)(uintptr_t)r->body, .avail_in = (uInt)r->size};
    tiny_http_must(inflateInit2(&z, GZIP) == Z_OK);
    tiny_http_must(buf_reserve(out, 1 << 22) == 0);
    z.next_out = (Bytef *)out->data;
    z.avail_out = 1 << 22;
    tiny_http_must(inflate(&z, Z_FINISH) == Z_STREAM_END);
    out->len = z.total_out;
    inflateEnd(&z);
    tiny_http_must(buf_cstr(out));
}

static inline const char *play(void *ctx, const struct tiny_request *r) {
    struct scene *s = ctx;
    struct buf lines = {0};
    int64_t now = sys.boot_ns();
    const char *answer = ACCEPTED;
    if (strstr(r->head, "Content-Encoding: gzip"))
        gunzip(r, &lines);
    else
        tiny_http_must(buf_append(&lines, r->body, r->size) == 0 && buf_cstr(&lines));
    tiny_http_must(buf_append(&s->asked, &now, sizeof now) == 0);
    while (sys.boot_ns() < now + s->delay_ns && !s->server.ended) usleep(1000);
    bool failing = s->fail > 0;
    if (failing) {
        s->fail--;
        answer = s->failure;
    } else if (s->bad && strstr(lines.data, s->bad)) {
        answer = s->bad_answer;
    }
    if (answer && strcmp(answer, ACCEPTED) == 0 ? true : failing && s->keep_before_failing) {
        tiny_http_must(buf_append(&s->got, lines.data, lines.len) == 0);
        tiny_http_must(buf_putc(&s->got, '\n') == 0);
    }
    buf_release(&lines);
    return answer;
}

static inline int64_t asked_at(struct scene *s, size_t i) {
    assert_true(s->asked.len >= (i + 1) * sizeof(int64_t));
    return get_i64_le(s->asked.data + i * sizeof(int64_t));
}

/* ---- the other encoder: it stands for those with preparations, tokens and bodies that are no text ---- */

static struct {
    unsigned prepare_fails, prepared;
    int prepare_grade;
    unsigned there_waits, asked; /* is_there: it waits so often, and then says `there` */
    int there;
    char tokens[4096];
} other;

static inline int other_encode(struct encoder *x, const struct point *p, struct buf *out, struct err *e) {
    (void)x;
    return buf_printf(out, "%lld;", (long long)p->time) < 0 ? err_nomem(e) : 0;
}
static inline int other_body(struct encoder *x, const char *encoded, size_t n, struct buf *out, struct err *e) {
    (void)x;
    buf_clear(out);
    return buf_puts(out, "body ") < 0 || buf_append(out, encoded, n) < 0 ? err_nomem(e) : 0;
}
static inline int other_prepare(struct encoder *x, struct http *http, struct err *e) {
    (void)x, (void)http;
    other.prepared++;
    if (other.prepare_fails == 0) return 0;
    other.prepare_fails--;
    return err_set(e, other.prepare_grade, "not yet");
}
static inline int other_is_there(struct encoder *x, struct http *http, const char *encoded, size_t n, struct err *e) {
    (void)x, (void)http, (void)encoded, (void)n;
    other.asked++;
    if (other.there_waits == 0) return other.there;
    other.there_waits--;
    return err_set(e, G_WAIT, "not now");
}
static inline int other_show(struct encoder *x, const char *encoded, size_t n, struct buf *out, struct err *e) {
    (void)x;
    return buf_printf(out, "<%.*s>", (int)n, encoded) < 0 ? err_nomem(e) : 0;
}
static inline void other_token(struct encoder *x, const struct checkpoint *c, uint64_t batch) {
    (void)x;
    size_t n = strlen(other.tokens);
    (void)snprintf(other.tokens + n, sizeof other.tokens - n, "%s %lld %llx\n", c->pipeline ? c->pipeline : "-",
                   (long long)c->number, (unsigned long long)batch);
}
static inline void other_free(struct encoder *x) {
    (void)x;
}

int clickhouse_encoder(struct encoder **ret, const struct url *u, const struct dest_config *c,
                       struct http_request *constant, struct err *e) {
    static const struct encoder_ops ops = {.encode = other_encode,
                                           .body = other_body,
                                           .judge = influx_judge,
                                           .is_there = other_is_there,
                                           .show = other_show,
                                           .prepare = other_prepare,
                                           .token = other_token,
                                           .free = other_free};
    static struct encoder x = {&ops};
    (void)u, (void)c, (void)e;
    *constant = (struct http_request){.method = "POST", .path = "/"};
    *ret = &x;
    return 0;
}

int prometheus_encoder(struct encoder **ret, const struct url *u, struct http_request *constant, struct err *e) {
    (void)ret, (void)u, (void)constant;
    return err_set(e, G_USAGE, "not here");
}

const char *url_value(const struct url *u, const char *name) {
    (void)u;
    return strcmp(name, "rp") == 0 ? "a week" : NULL;
}

/* ---- ours ---- */

static inline void on_notice(void *ctx, const struct err *what) {
    struct scene *s = ctx;
    tiny_http_must(buf_printf(&s->notices, "%s\n", what->text) == 0);
}

static inline int on_refused(void *ctx, const struct block_header *like, const struct record *r, const char *where,
                             struct err *e) {
    struct scene *s = ctx;
    assert_int_equal(e->grade, G_DATA);
    assert_int_equal(buf_printf(&s->refused, "%s p%u %.*s %zu %.*s: %s\n", where, like->partition, (int)r->key_size,
                                r->key, r->headers_size, (int)r->value_size, r->value, e->text),
                     0);
    return s->refuse_with;
}

static inline int setup(void **state) {
    static char host[] = "127.0.0.1", shown[] = "influx://h/db", db[] = "d b";
    struct scene *s = calloc(1, sizeof *s);
    tiny_http_start(&s->server, play, s);
    s->url = (struct url){.kind = DEST_INFLUX, .host = host, .port = s->server.port, .path = {db, db}, .shown = shown};
    s->config = (struct dest_config){.batch_points = 10,
                                     .batch_bytes = 1 << 20,
                                     .flush_ns = NS_PER_S,
                                     .retry_for_ns = 10 * NS_PER_S,
                                     .refused = on_refused,
                                     .notice = on_notice,
                                     .ctx = s,
                                     .totals = &s->totals};
    memset(&other, 0, sizeof other);
    *state = s;
    return 0;
}

static inline int teardown(void **state) {
    struct scene *s = *state;
    tiny_http_end(&s->server);
    buf_release(&s->got);
    buf_release(&s->asked);
    buf_release(&s->notices);
    buf_release(&s->refused);
    free(s);
    return 0;
}

static inline void begin(struct scene *s) {
    if (server_open(&s->dest, &s->url, &s->config, &s->e) < 0) fail_msg("%s", s->e.text);
}

static inline int put(struct scene *s, int number) {
    char value[40], where[40];
    (void)snprintf(value, sizeof value, "{\"v\":%d}", number);
    (void)snprintf(where, sizeof where, "t/0@%d", number);
    const struct block_header like = {.partition = (uint32_t)number / 4};
    const struct record r = {.key = "k",
                             .key_size = 1,
                             .has_key = true,
                             .headers = "\1\0\0\0h",
                             .headers_size = 5,
                             .value = value,
                             .value_size = strlen(value),
                             .value_type = VALUE_JSON};
    const struct field f = {.name = {"v", 1}, .type = FIELD_INTEGER, .integer = number};
    const struct point p = {.measurement = {"m", 1}, .fields = &f, .field_count = 1, .time = number};
    return s->dest->ops->put(s->dest, &like, &r, where, &p, &s->e);
}

static inline void put_all(struct scene *s, int from, int to) {
    for (int i = from; i < to; i++) {
        if (put(s, i) < 0) fail_msg("%d: %s", i, s->e.text);
    }
}

static inline int end(struct scene *s, bool completed) {
    int g = s->dest->ops->close(s->dest, completed, &s->e);
    s->dest = NULL;
    return g;
}

static inline void end_well(struct scene *s) {
    if (end(s, true) < 0) fail_msg("%s", s->e.text);
}

/* "1 2|3": batches as the server got them. */
static inline const char *got(struct scene *s) {
    static char text[65536];
    size_t n = 0;
    const char *sep = "";
    char *at = s->got.len ? (char *)(uintptr_t)buf_cstr(&s->got) : NULL, *next;
    for (text[0] = '\0'; at && *at; at = next) {
        next = strchr(at, '\n') + 1;
        if (*at == '\n') {
            sep = "|";
            continue;
        }
        const char *number = strrchr(strndupa(at, (size_t)(next - at - 1)), ' ') + 1;
        n += (size_t)snprintf(text + n, sizeof text - n, "%s%s", sep, number);
        sep = " ";
    }
    return text;
}

static inline void assert_totals(const struct scene *s, uint64_t sent, uint64_t accepted, uint64_t refused,
                                 uint64_t in_flight) {
    assert_int_equal(s->totals.sent, sent);
    assert_int_equal(s->totals.accepted, accepted);
    assert_int_equal(s->totals.refused, refused);
    assert_int_equal(s->totals.in_flight, in_flight);
}

static inline const char *text_of(struct buf *b) {
    return b->len ? buf_cstr(b) : "";
}

#define IN_SCENE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

#endif
