/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A server as a destination: points are encoded and gathered into a batch (batch.h) while the one before is on its way
 * (deliver.h). Two batches are all there is: when the second is full, put waits, and so does whoever feeds us. Here is
 * the main thread's part of it: what is counted, and when a batch goes.
 */
#include <stdlib.h>

#include "deliver.h"

#include "base/timefmt.h"
#include "base/version.h"
#include "sys/file.h"
#include "sys/signals.h"
#include "sys/sys.h"

#define CONNECT_TIMEOUT_NS (10 * NS_PER_S)
#define ANSWER_TIMEOUT_NS (30 * NS_PER_S)
#define LOOK_NS (50 * NS_PER_MS)   /* at answers and signals, at least so often while a batch is on its way */
#define GRACE_NS (700 * NS_PER_MS) /* for what is there when the run ends before its end */
#define MEMORY_FACTOR 8            /* records may take this much more than their encoding */

struct server {
    struct dest base;
    struct dest_config config;
    struct encoder *encoder;
    struct http_request constant;
    struct http *http;
    struct delivery *delivery;
    struct batch batches[2], *filling, *flying; /* flying: NULL, or with the thread */
    struct buf refusals;
    struct err failure; /* the run is over */
};

/* ---- dry: nothing is sent ---- */

static int dry_flush(struct server *s, struct err *e) {
    struct batch *b = s->filling;
    struct buf shown = {0};
    const struct encoder_ops *ops = s->encoder->ops;
    int g = 0;
    if (b->encoded.len && ops->show) g = ops->show(s->encoder, b->encoded.data, b->encoded.len, &shown, e);
    const struct buf *out = ops->show ? &shown : &b->encoded;
    if (g == 0) g = file_write_all(s->config.dry_fd, out->data, out->len, "standard output", e);
    buf_release(&shown);
    batch_clear(b);
    return g;
}

/* ---- answers ---- */

static int refuse(struct server *s, const struct refusal *refusal, struct err *e) {
    const struct block_header *like;
    struct record r;
    const char *where;
    batch_record(s->flying, refusal->point, &like, &r, &where);
    (void)err_set(e, G_DATA, "refused by the server: %s", refusal->words);
    return s->config.refused(s->config.ctx, like, &r, where, e);
}

/* What came back since the last time. */
static int collect(struct server *s, struct err *e) {
    struct outcome o;
    struct totals *t = s->config.totals;
    if (s->failure.grade < 0) {
        *e = s->failure;
        return e->grade;
    }
    int failed = delivery_look(s->delivery, &o, &s->refusals, &s->failure), g = 0;
    t->accepted += o.accepted;
    t->in_flight -= o.accepted;
    t->retries += o.retries;
    for (size_t at = 0; g == 0 && at < s->refusals.len; at += sizeof(struct refusal)) {
        t->refused++;
        t->in_flight--;
        g = refuse(s, (const struct refusal *)(const void *)(s->refusals.data + at), e);
    }
    if (g < 0) {
        s->failure = *e;
        s->failure.grade = g;
    } else if (failed < 0) {
        *e = s->failure;
        g = failed;
    }
    if (o.done && s->flying) {
        batch_clear(s->flying);
        s->flying = NULL;
    }
    return g;
}

/* Only when none is flying. */
static void let_fly(struct server *s) {
    struct totals *t = s->config.totals;
    s->flying = s->filling;
    s->filling = s->flying == &s->batches[0] ? &s->batches[1] : &s->batches[0];
    t->sent += s->flying->count;
    t->in_flight += s->flying->count;
    delivery_give(s->delivery, s->flying);
}

static int wait_for_answer(struct server *s, struct err *e) {
    int stop = signals_stop();
    if (stop) return err_set(e, G_STOPPED, "stopped by signal %d", stop);
    delivery_wait(s->delivery, LOOK_NS);
    return collect(s, e);
}

/* ---- the destination ---- */

static bool is_full(const struct server *s) {
    const struct batch *b = s->filling;
    return b->count >= s->config.batch_points || b->encoded.len >= s->config.batch_bytes ||
           b->memory.len / MEMORY_FACTOR >= s->config.batch_bytes;
}

static int server_put(struct dest *d, const struct block_header *like, const struct record *r, const char *where,
                      const struct point *p, struct err *e) {
    struct server *s = (struct server *)d;
    int g = s->config.dry_run ? 0 : collect(s, e);
    while (g == 0 && s->flying && is_full(s)) g = wait_for_answer(s, e);
    if (g < 0) return g;
    if (is_full(s)) let_fly(s);
    struct batch *b = s->filling;
    size_t before = b->encoded.len;
    g = s->encoder->ops->encode(s->encoder, p, &b->encoded, e);
    if (g == 0) g = batch_keep(b, like, r, where, p->time, e);
    if (g < 0) {
        b->encoded.len = before;
        return g;
    }
    if (s->config.dry_run) return is_full(s) ? dry_flush(s, e) : 0;
    if (b->count == 1) b->since_ns = sys.boot_ns();
    if (!s->flying && is_full(s)) let_fly(s);
    return 0;
}

static int server_flush(struct dest *d, struct err *e) {
    struct server *s = (struct server *)d;
    if (s->config.dry_run) return dry_flush(s, e);
    int g = collect(s, e);
    while (g == 0 && (s->flying || s->filling->count)) {
        if (!s->flying) let_fly(s);
        g = wait_for_answer(s, e);
    }
    return g;
}

static int server_poll(struct dest *d, int64_t *ret_wake_ns, struct err *e) {
    struct server *s = (struct server *)d;
    *ret_wake_ns = -1;
    if (s->config.dry_run) return dry_flush(s, e);
    int g = collect(s, e);
    if (g < 0) return g;
    int64_t left = s->filling->count ? s->filling->since_ns + s->config.flush_ns - sys.boot_ns() : 0;
    if (s->filling->count && !s->flying && (left <= 0 || is_full(s))) let_fly(s);
    if (s->flying)
        *ret_wake_ns = LOOK_NS;
    else if (s->filling->count)
        *ret_wake_ns = left;
    return 0;
}

static int server_barrier(struct dest *d, const struct checkpoint *c, struct err *e) {
    struct server *s = (struct server *)d;
    int g = server_flush(d, e);
    return g < 0 || s->config.dry_run ? g : delivery_checkpoint(s->delivery, c, e);
}

/* The run ends before its end: what is there is sent once, if that can be soon. */
static void send_last(struct server *s) {
    struct err ignored; /* there is a better reason already */
    int64_t until = sys.boot_ns() + GRACE_NS;
    while (sys.boot_ns() < until && !delivery_is_away(s->delivery) && collect(s, &ignored) == 0) {
        if (!s->flying && s->filling->count) let_fly(s);
        if (!s->flying) return;
        delivery_wait(s->delivery, LOOK_NS);
    }
}

static int server_close(struct dest *d, bool completed, struct err *e) {
    struct server *s = (struct server *)d;
    int g = completed ? server_flush(d, e) : 0;
    if (!completed && s->delivery && !s->config.dry_run) send_last(s);
    delivery_end(s->delivery);
    if (s->encoder) s->encoder->ops->free(s->encoder);
    http_close(s->http);
    batch_release(&s->batches[0]);
    batch_release(&s->batches[1]);
    buf_release(&s->refusals);
    free(s);
    return g;
}

/* ---- opening ---- */

static int make_encoder(struct server *s, const struct url *u, struct err *e) {
    switch (u->kind) {
    case DEST_INFLUX:
    case DEST_INFLUX2: return influx_encoder(&s->encoder, u, &s->constant, e);
    case DEST_PROMETHEUS: return prometheus_encoder(&s->encoder, u, &s->constant, e);
    case DEST_CLICKHOUSE: return clickhouse_encoder(&s->encoder, u, &s->config, &s->constant, e);
    default: return err_set(e, G_BUG, "'%s' is no server", u->shown);
    }
}

static unsigned port_of(const struct url *u) {
    if (u->port) return u->port;
    switch (u->kind) {
    case DEST_PROMETHEUS: return 9090;
    case DEST_CLICKHOUSE: return u->tls ? 8443 : 8123;
    default: return 8086;
    }
}

static int start(struct server *s, const struct url *u, struct err *e) {
    bool basic = !u->token && u->kind != DEST_CLICKHOUSE; /* else the encoder has them in headers */
    const struct http_config http = {.host = u->host,
                                     .port = port_of(u),
                                     .tls = u->tls,
                                     .user = basic ? u->user : NULL,
                                     .password = u->password,
                                     .connect_timeout_ns = CONNECT_TIMEOUT_NS,
                                     .timeout_ns = ANSWER_TIMEOUT_NS,
                                     .agent = "leat/" LEAT_VERSION};
    int g = http_open(&s->http, &http, e);
    if (g < 0) return g;
    const struct delivery_config delivery = {.http = s->http,
                                             .encoder = s->encoder,
                                             .constant = &s->constant,
                                             .shown = s->config.url,
                                             .retry_for_ns = s->config.retry_for_ns,
                                             .notice = s->config.notice,
                                             .ctx = s->config.ctx};
    return delivery_start(&s->delivery, &delivery, e);
}

int server_open(struct dest **ret, const struct url *u, const struct dest_config *c, struct err *e) {
    static const struct dest_ops ops = {.put = server_put,
                                        .flush = server_flush,
                                        .poll = server_poll,
                                        .barrier = server_barrier,
                                        .close = server_close};
    struct server *s = calloc(1, sizeof *s);
    if (!s) return err_nomem(e);
    s->base.ops = &ops;
    s->config = *c;
    s->config.url = u->shown;
    s->filling = &s->batches[0];
    int g = make_encoder(s, u, e);
    if (g == 0 && !c->dry_run) g = start(s, u, e);
    if (g < 0) {
        struct err ignored;
        (void)server_close(&s->base, false, &ignored);
        return g;
    }
    *ret = &s->base;
    return 0;
}
