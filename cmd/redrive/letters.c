/* SPDX-License-Identifier: Apache-2.0 */
/* The letters of a topic or a file, one after the other. See redrive.h. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "redrive.h"
#include "stream/reader.h"
#include "sys/signals.h"
#include "sys/sys.h"

const char *letter_name(const struct letters *from, struct letter_id id, char out[LETTER_NAME_MAX]) {
    if (from->topic)
        (void)snprintf(out, LETTER_NAME_MAX, "%s/%" PRIu32 "@%" PRIu64, from->topic->name, id.partition, id.offset);
    else
        (void)snprintf(out, LETTER_NAME_MAX, "%s@%" PRIu64, from->file, id.offset);
    return out;
}

static int give(letter_fn fn, void *ctx, const struct block_header *h, const char *body, struct letter_id id,
                const struct record *r, struct err *e) {
    struct letter l = {.id = id, .like = h, .record = *r};
    l.slack = (size_t)(body + h->raw_size - r->value) - r->value_size;
    if (signals_stop()) return err_set(e, G_STOPPED, "stopped");
    letter_read_headers(&l);
    return fn(ctx, &l, e);
}

/* ---- a topic ---- */

struct span {
    uint64_t from, to;
};

struct reading {
    const struct letters *from;
    letter_fn fn;
    void *ctx;
    struct buf bytes, raw;
    uint64_t next; /* number of the next letter of a file */
};

static int give_block(struct reading *g, uint32_t partition, const struct cursor_block *b, const struct span *span,
                      struct err *e) {
    const char *body;
    struct record_walk w;
    struct record r;
    int rc = cursor_load(b, &g->bytes, &g->raw, &body, e);
    if (rc < 0)
        return err_prefix(e, "'%s/%" PRIu32 "' at offset %" PRIu64 ": ", g->from->topic->name, partition, b->first);
    record_walk_init(&w, &b->h, body, RECORD_LIMIT_MAX);
    while ((rc = record_next(&w, &r, e)) > 0) {
        if (r.offset < b->first) continue;
        if (r.offset >= span->to) return 0;
        rc = give(g->fn, g->ctx, &b->h, body, (struct letter_id){partition, r.offset}, &r, e);
        if (rc != 0) return rc;
    }
    return rc;
}

static int read_partition(struct reading *g, uint32_t partition, const struct span *span, struct err *e) {
    struct cursor c;
    struct cursor_block b;
    int rc = cursor_open(&c, g->from->topic, partition, false, e);
    if (rc < 0) return rc;
    rc = cursor_seek(&c, span->from, e);
    while (rc == 0 && (rc = cursor_next_kept(&c, span->to, NULL, NULL, &b, e)) == 0)
        rc = give_block(g, partition, &b, span, e);
    cursor_close(&c);
    return rc == G_EOF || rc == G_WAIT ? 0 : rc;
}

/* From where to where: found for all partitions before anything is sent, as it may be sent to this topic. */
static int find_span(const struct letters *from, uint32_t partition, struct span *ret, struct err *e) {
    struct cursor c;
    if (from->partition >= 0 && from->partition != (int64_t)partition) return 0;
    int g = cursor_open(&c, from->topic, partition, false, e);
    if (g < 0) return g;
    *ret = (struct span){cursor_start(&c), cursor_end(&c)};
    uint64_t to = ret->to;
    if (from->only) g = offset_resolve(&from->only->from, &c, NULL, &ret->from, e);
    if (g == 0 && from->only && from->only->has_to) g = offset_resolve(&from->only->to, &c, NULL, &to, e);
    if (to < ret->to) ret->to = to;
    cursor_close(&c);
    return g;
}

static int read_topic(struct reading *g, struct err *e) {
    const uint32_t partitions = g->from->topic->partitions;
    struct span *spans = calloc(partitions, sizeof *spans);
    int rc = spans ? 0 : err_nomem(e);
    for (uint32_t p = 0; rc == 0 && p < partitions; p++) rc = find_span(g->from, p, &spans[p], e);
    for (uint32_t p = 0; rc == 0 && p < partitions; p++)
        if (spans[p].from < spans[p].to) rc = read_partition(g, p, &spans[p], e);
    free(spans);
    return rc;
}

/* ---- a file ---- */

static int give_body(struct reading *g, const struct block *b, struct err *e) {
    struct record_walk w;
    struct record r;
    int rc;
    if (b->h.kind != BLOCK_DATA) return 0;
    record_walk_init(&w, &b->h, b->body, RECORD_LIMIT_MAX);
    while ((rc = record_next(&w, &r, e)) > 0) {
        rc = give(g->fn, g->ctx, &b->h, b->body, (struct letter_id){0, g->next++}, &r, e);
        if (rc != 0) return rc;
    }
    return rc;
}

static int read_blocks(struct reading *g, int fd, struct err *e) {
    struct inbuf in;
    struct reader reader;
    struct block b = {.position = 0};
    uint64_t at = 0;
    int rc = inbuf_init(&in, fd, g->from->file, e);
    if (rc < 0) return rc;
    reader_init(&reader, &in, RECORD_LIMIT_MAX);
    while (rc == 0 && at < g->from->file_bytes) {
        rc = reader_next(&reader, &b, e);
        if (rc == 0) at = b.position + BLOCK_HEADER_SIZE + b.h.stored_size;
        if (rc == 0) rc = give_body(g, &b, e);
    }
    reader_release(&reader, &b);
    inbuf_release(&in);
    return rc == G_END || rc == G_EOF ? 0 : rc;
}

static int read_file(struct reading *g, struct err *e) {
    int fd = sys.openat(AT_FDCWD, g->from->file, O_RDONLY | O_CLOEXEC, 0);
    if (fd < 0) return err_sys(e, errno, "cannot open '%s'", g->from->file);
    int rc = read_blocks(g, fd, e);
    sys.close(fd);
    return rc;
}

int letters_each(const struct letters *from, letter_fn fn, void *ctx, struct err *e) {
    struct reading g = {.from = from, .fn = fn, .ctx = ctx};
    int rc = from->topic ? read_topic(&g, e) : read_file(&g, e);
    buf_release(&g.bytes);
    buf_release(&g.raw);
    return rc == 1 ? 0 : rc;
}
