/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The group: which partitions are ours, and what of them was really taken by whoever reads our output. A position is
 * committed only when the bytes of its records have left the pipe.
 */
#include <poll.h>
#include <stdlib.h>

#include "cli/diag.h"
#include "consume.h"
#include "sys/pipes.h"
#include "sys/signals.h"
#include "sys/sys.h"

#define COMMIT_NS INT64_C(1000000000)
#define SHARE_NS INT64_C(100000000)

/* The ring grows only while output waits in the pipe; a pipe holds 1 MiB. */
static int grow_queue(struct consumer *c) {
    size_t cap = c->queue_cap ? c->queue_cap * 2 : 64;
    struct taking *q = malloc(cap * sizeof *q);
    if (!q) return G_NOMEM;
    for (size_t i = 0; i < c->queue_len; i++) q[i] = c->queue[(c->queue_head + i) % c->queue_cap];
    free(c->queue);
    c->queue = q;
    c->queue_cap = cap;
    c->queue_head = 0;
    return 0;
}

/* Bytes of output that exist, with what our own buffers hold. */
static uint64_t output_bytes(const struct consumer *c) {
    return c->output.writer.written + c->output.writer.out.len + c->output.pending.len;
}

int taking_add(struct consumer *c, struct source *s, struct err *e) {
    if (!c->group) return 0;
    uint64_t written = output_bytes(c);
    if (c->queue_len > 0) {
        struct taking *last = &c->queue[(c->queue_head + c->queue_len - 1) % c->queue_cap];
        if (last->source == s && last->written == written) {
            last->offset = s->put;
            return 0;
        }
    }
    if (c->queue_len == c->queue_cap && grow_queue(c) < 0) return err_nomem(e);
    c->queue[(c->queue_head + c->queue_len++) % c->queue_cap] =
        (struct taking){.written = written, .source = s, .offset = s->put};
    return 0;
}

void taking_update(struct consumer *c) {
    if (!c->group || c->queue_len == 0) return;
    if (c->output.config.file && !c->file_complete) return; /* the file is not there before all of it is */
    uint64_t in_pipe = pipe_pending(c->output.writer.fd), written = c->output.writer.written;
    uint64_t taken = written > in_pipe ? written - in_pipe : 0;
    while (c->queue_len > 0 && c->queue[c->queue_head].written <= taken) {
        struct taking *t = &c->queue[c->queue_head];
        t->source->taken = t->offset;
        c->queue_head = (c->queue_head + 1) % c->queue_cap;
        c->queue_len--;
    }
}

static int commit_source(struct source *s, bool *ret_wrote, struct err *e) {
    if (!s->open || s->taken == s->committed) return 0;
    int g = group_write(&s->of->group, s->partition, s->taken, s->epoch, e);
    if (g < 0) return g;
    s->committed = s->taken;
    *ret_wrote = true;
    return 0;
}

static int commit_topic(struct consumer *c, struct consumed *t, struct err *e) {
    bool wrote = false;
    int g = 0;
    for (size_t i = 0; g == 0 && i < c->source_count; i++)
        if (c->sources[i]->of == t) g = commit_source(c->sources[i], &wrote, e);
    return g == 0 && wrote ? group_sync(&t->group, e) : g;
}

int membership_commit(struct consumer *c, bool now, struct err *e) {
    if (!c->group) return 0;
    int64_t clock = sys.boot_ns();
    if (!now && clock - c->committed_at_ns < COMMIT_NS) return 0;
    c->committed_at_ns = clock;
    taking_update(c);
    int g = 0;
    for (size_t i = 0; g == 0 && i < c->topic_count; i++) g = commit_topic(c, &c->topics[i], e);
    return g;
}

static int let_go(struct consumer *c, struct source *s, struct err *e) {
    int g = output_flush(&c->output, e);
    taking_update(c);
    if (g < 0 || s->taken != s->put) return g; /* later: the reader has not taken everything */
    bool wrote = false;
    g = commit_source(s, &wrote, e);
    if (g == 0 && wrote) g = group_sync(&s->of->group, e);
    if (g < 0) return g;
    diag_info("leaving %s/%u at offset %llu to another member", s->of->topic.name, s->partition,
              (unsigned long long)s->put);
    source_close(s);
    group_release_lease(&s->of->group, s->partition);
    s->state = SOURCE_AWAY;
    return source_mark_idle(c, s, e); /* downstream need not wait for it */
}

static int take(struct consumer *c, struct source *s, struct err *e) {
    int g = group_lease(&s->of->group, s->partition, e);
    if (g != 0) return g < 0 ? g : 0; /* its last owner is still committing */
    g = source_open(c, s, e);
    if (g == 0)
        diag_info("reading %s/%u from offset %llu", s->of->topic.name, s->partition, (unsigned long long)s->put);
    return g;
}

static int update_source(struct consumer *c, struct source *s, struct err *e) {
    bool ours = group_owns(&s->of->share, s->partition);
    if (!ours && c->output.config.file) return 0; /* what is in the file cannot be taken back: kept until it is whole */
    if (ours && s->state == SOURCE_AWAY) return take(c, s, e);
    if (ours && s->state == SOURCE_LEAVING) s->state = SOURCE_READING;
    if (!ours && s->state == SOURCE_READING) s->state = SOURCE_LEAVING;
    return !ours && (s->state == SOURCE_LEAVING || s->state == SOURCE_DONE) ? let_go(c, s, e) : 0;
}

int membership_update(struct consumer *c, bool now, struct err *e) {
    if (!c->group) return 0;
    int64_t clock = sys.boot_ns();
    if (!now && clock - c->shared_at_ns < SHARE_NS) return 0;
    c->shared_at_ns = clock;
    int g = 0;
    for (size_t i = 0; g == 0 && i < c->topic_count; i++) g = group_share(&c->topics[i].group, &c->topics[i].share, e);
    for (size_t i = 0; g == 0 && i < c->source_count; i++) g = update_source(c, c->sources[i], e);
    return g;
}

int membership_leave(struct consumer *c, struct err *e) {
    if (!c->group) return 0;
    int fd = c->output.writer.fd;
    while (pipe_pending(fd) > 0 && !pipe_abandoned(fd) && !signals_stop()) sys_sleep_ns(1000000);
    return membership_commit(c, true, e);
}
