/* SPDX-License-Identifier: Apache-2.0 */
/* One branch of `leat tee`. See tee.h. */
#include <string.h>
#include <sys/stat.h>

#include "tee.h"

#include "log/appender.h"
#include "log/dest.h"

static int take(void *ctx, const void *p, size_t n, struct err *e) {
    return relay_put(ctx, p, n, e);
}

bool branch_is_stream(const char *place) {
    struct stat st;
    return stat(place, &st) == 0 && !S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode);
}

/* Bytes come out of an output of the stage's kind, and the relay takes them. */
static int open_stream(struct branch *d, const char *path, const struct branch_config *c, struct err *e) {
    struct output_config out = c->output;
    int g = 0;
    d->kind = BRANCH_STREAM;
    if (path)
        g = relay_open_path(&d->relay, path, c->slow, c->budget, e);
    else
        relay_open_fd(&d->relay, out.fd, d->name, c->slow, c->budget);
    if (g < 0) return g;
    out.file = NULL;
    if (path) out.fd = d->relay.fd;
    g = output_open(&d->out, &out, e);
    if (g < 0) return g;
    d->out.writer.name = d->name;
    d->out.writer.take = take;
    d->out.writer.take_ctx = &d->relay;
    return 0;
}

static int open_file(struct branch *d, const char *path, const struct branch_config *c, struct err *e) {
    struct output_config out = c->output;
    d->kind = BRANCH_FILE;
    out.file = path;
    return output_open(&d->out, &out, e);
}

int branch_open(struct branch *d, const char *place, const struct branch_config *config, struct err *e) {
    struct branch_config c = *config;
    *d = (struct branch){.name = place ? place : "standard output", .standard = !place};
    if (place) { /* no terminal */
        c.output.text.safe = c.output.text.color = false;
        c.output.text.width = 0;
    }
    int g;
    if (!place || branch_is_stream(place)) {
        g = open_stream(d, place, &c, e);
    } else if (place == c.output.file || dest_is_file(place)) { /* --output names a file, never a topic */
        g = open_file(d, place, &c, e);
    } else {
        d->kind = BRANCH_TOPIC;
        g = sink_open_topic(&d->sink, c.log, place, e);
    }
    d->open = d->alive = g == 0;
    if (g < 0) relay_release(&d->relay);
    return g;
}

void branch_release(struct branch *d) {
    struct err ignored; /* it has failed before, or the run has */
    int closed = 0;
    if (d->open && !d->complete)
        closed = d->kind == BRANCH_TOPIC ? sink_close(d->sink, &ignored) : output_close(&d->out, false, NULL);
    (void)closed;
    if (d->kind == BRANCH_STREAM) relay_release(&d->relay);
    d->open = d->alive = false;
}

int branch_start(struct branch *d, const struct output_lineage *l, struct err *e) {
    return d->kind == BRANCH_TOPIC ? 0 : output_start(&d->out, l, e);
}

int branch_record(struct branch *d, struct stage *s, const struct record *r, struct err *e) {
    int g;
    if (d->kind == BRANCH_TOPIC) {
        g = sink_put(d->sink, s->like, r, e);
        if (g == 0) d->bytes += r->value_size;
    } else if (s->text && s->format == IN_JSON && output_takes_lines(&d->out)) {
        size_t n;
        const char *line = text_in_raw(s->text, &n);
        g = output_line(&d->out, line, n, e);
    } else {
        g = output_record(&d->out, s->like, &s->origin, r, e);
    }
    if (g == 0) d->records++;
    return g;
}

int branch_block(struct branch *d, const struct block *b, struct err *e) {
    int g = output_block(&d->out, b->header, b->stored, &b->h, e);
    if (g == 0) d->records += b->h.records;
    return g;
}

int branch_flush(struct branch *d, struct err *e) {
    return d->kind == BRANCH_TOPIC ? sink_flush(d->sink, e) : output_flush(&d->out, e);
}

static int end_topic(struct branch *d, struct err *e) {
    int g = sink_flush(d->sink, e);
    return sink_finish(d->sink, g, e);
}

/* Blocks say at their end how the run went, so that what there is of them is worth having; text cannot. */
static int end_output(struct branch *d, int status, const char *why, struct err *e) {
    bool whole = status == 0 || branch_takes_blocks(d);
    struct err late;
    int g = output_end(&d->out, status, why, e);
    if (g == 0) g = output_flush(&d->out, e);
    d->bytes = d->out.writer.written;
    int closed = output_close(&d->out, whole && g == 0, g < 0 ? &late : e);
    return g < 0 ? g : closed;
}

int branch_end(struct branch *d, int status, const char *why, struct err *e) {
    d->complete = true; /* or failed; in any case closed */
    return d->kind == BRANCH_TOPIC ? end_topic(d, e) : end_output(d, status, why, e);
}
