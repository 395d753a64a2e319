/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One partition on its way to the output. Whole blocks are moved from the segment to the pipe as they lie; only where a
 * range begins or ends inside a block, or text is wanted, are records looked at.
 */
#include <inttypes.h>

#include "cli/diag.h"
#include "consume.h"
#include "stream/control.h"
#include "sys/pipes.h"
#include "sys/sys.h"

#define RUN_BYTES (1u << 20) /* moved in one call, and the share of one source before the next has its turn */

/* Blocks that lie one behind the other in a file. */
struct run {
    int fd;
    uint64_t at, size;
    uint64_t end; /* offset behind its last record */
    uint64_t records, body_bytes;
};

/* Where to begin without a position. Of a partition that was added while we were reading nothing is old, so that `end`
 * and the last N are all of it. */
static int first_offset(struct consumer *c, struct source *s, uint64_t *ret, struct err *e) {
    static const struct offset_point beginning = {.kind = OFFSET_BEGINNING};
    enum offset_kind kind = c->range.from.kind;
    bool all = s->added && (kind == OFFSET_END || kind == OFFSET_FROM_END);
    return offset_resolve(all ? &beginning : &c->range.from, &s->cursor, NULL, ret, e);
}

static int open_position(struct consumer *c, struct source *s, struct err *e) {
    struct group_position p = {0};
    uint64_t at;
    int g = c->group ? group_read(&s->of->group, s->partition, &p, e) : 0;
    if (g == 0 && p.known) g = cursor_check_epoch(&s->cursor, p.epoch, p.offset, e);
    if (g < 0) return g;
    if (p.known) {
        at = s->committed = p.offset;
        s->epoch = p.epoch;
    } else {
        g = first_offset(c, s, &at, e);
        if (g < 0) return g;
        s->committed = UINT64_MAX;
    }
    s->to = UINT64_MAX;
    if (c->range.has_to) g = offset_resolve(&c->range.to, &s->cursor, NULL, &s->to, e);
    if (g == 0) g = cursor_seek(&s->cursor, at, e);
    s->put = s->taken = s->cursor.next_offset;
    if (!p.known) s->epoch = cursor_epoch(&s->cursor); /* a position that is committed before a record was read */
    return g;
}

/* c->control as a block about this source. */
static int put_control(struct consumer *c, const struct source *s, struct err *e) {
    return writer_control(&c->output.writer, s->of->topic.id, s->partition, c->control.data, c->control.len, e);
}

int source_open(struct consumer *c, struct source *s, struct err *e) {
    int g = cursor_open(&s->cursor, &s->of->topic, s->partition, c->uncommitted, e);
    if (g < 0) return g;
    s->open = true;
    s->max_time = s->watermark = NO_TIME;
    s->idle = false;
    g = open_position(c, s, e);
    if (g < 0) {
        source_close(s);
        return g;
    }
    s->state = SOURCE_READING;
    if (!output_is_blocks(&c->output)) return 0;
    buf_clear(&c->control);
    if (control_source(&c->control, s->of->topic.name) < 0) return err_nomem(e);
    g = put_control(c, s, e);
    if (g < 0 || !c->watermarks) return g;
    buf_clear(&c->control); /* watermarks will follow: until then nothing is known */
    if (control_watermark(&c->control, NO_TIME) < 0) return err_nomem(e);
    return put_control(c, s, e);
}

void source_close(struct source *s) {
    if (s->open) cursor_close(&s->cursor);
    s->open = false;
}

static int flush_run(struct consumer *c, struct source *s, struct run *run, struct err *e) {
    if (run->size == 0) return 0;
    struct writer *w = &c->output.writer;
    int g = writer_flush(w, e);
    if (g == 0) g = pipe_send_file(w->fd, run->fd, (off_t)run->at, run->size, "segment", w->name, e);
    if (g < 0) {
        w->broken = true;
        return g;
    }
    w->written += run->size;
    w->records += run->records;
    w->bytes += run->body_bytes;
    c->records += run->records;
    c->bytes_out += run->size;
    s->put = run->end;
    *run = (struct run){.fd = -1};
    return taking_add(c, s, e);
}

/* Can the block go out as it lies? */
static bool is_whole(const struct consumer *c, const struct source *s, const struct cursor_block *b) {
    return output_is_blocks(&c->output) && b->first == b->h.base_offset && b->end <= s->to && b->h.records <= c->left &&
           !c->output.config.unbuffered;
}

static void extend_run(struct consumer *c, struct run *run, const struct cursor_block *b) {
    if (run->size == 0) {
        run->fd = b->fd;
        run->at = b->at;
    }
    run->size += b->size;
    run->end = b->end;
    run->records += b->h.records;
    run->body_bytes += b->h.raw_size;
    if (c->left != UINT64_MAX) c->left -= b->h.records;
}

static int put_records(struct consumer *c, struct source *s, const struct cursor_block *b, struct err *e) {
    const char *body;
    struct record_walk w;
    struct record r;
    struct record_origin from = {.topic = s->of->topic.name, .partition = s->partition};
    int g = cursor_load(b, &c->bytes, &c->raw, &body, e);
    if (g < 0) return err_prefix(e, "'%s/%u' at offset %" PRIu64 ": ", from.topic, from.partition, b->first);
    record_walk_init(&w, &b->h, body, RECORD_LIMIT_MAX);
    while (c->left > 0 && (g = record_next(&w, &r, e)) > 0) {
        if (r.offset < b->first) continue;
        if (r.offset >= s->to) break;
        g = output_record(&c->output, &b->h, &from, &r, e);
        if (g < 0)
            return g == G_DATA ? err_prefix(e, "record '%s/%u@%" PRIu64 "': ", from.topic, from.partition, r.offset)
                               : g;
        s->put = r.offset + 1;
        c->records++;
        if (c->left != UINT64_MAX) c->left--;
    }
    if (g < 0) return g;
    if (c->left > 0 && s->put < b->end && b->end <= s->to) s->put = b->end; /* a compacted block ends in a gap */
    c->bytes_out += b->size;
    return taking_add(c, s, e);
}

static int send_watermark(struct consumer *c, struct source *s, struct err *e) {
    if (!c->watermarks || !output_is_blocks(&c->output) || s->max_time == NO_TIME) return 0;
    int64_t t;
    if (__builtin_sub_overflow(s->max_time, c->out_of_order_ns, &t) || t <= s->watermark) return 0;
    s->watermark = t;
    buf_clear(&c->control);
    if (control_watermark(&c->control, t) < 0) return err_nomem(e);
    return put_control(c, s, e);
}

static void tell_lost(void *ctx, const struct err *what) {
    (void)ctx;
    diag_warn("%s", what->text);
}

/* The next block that is of interest: 0, 1 when there is none for now, or the end was reached. */
static int next_block(struct source *s, struct cursor_block *b, struct err *e) {
    int g = cursor_next_kept(&s->cursor, s->to, tell_lost, NULL, b, e);
    if (g == G_EOF) s->state = SOURCE_DONE;
    return g > 0 ? 1 : g;
}

int source_pump(struct consumer *c, struct source *s, struct err *e) {
    struct run run = {.fd = -1};
    struct cursor_block b;
    uint64_t moved = 0;
    int g = 0;
    while (g == 0 && moved < RUN_BYTES && c->left > 0) {
        g = next_block(s, &b, e);
        if (g != 0) break;
        moved += b.size;
        s->epoch = cursor_epoch(&s->cursor);
        if (b.h.max_time > s->max_time) s->max_time = b.h.max_time;
        bool whole = is_whole(c, s, &b), joins = run.size > 0 && b.fd == run.fd && b.at == run.at + run.size;
        if (!whole || !joins) g = flush_run(c, s, &run, e);
        if (g == 0 && whole) extend_run(c, &run, &b);
        if (g == 0 && !whole) g = put_records(c, s, &b, e);
    }
    int f = g < 0 ? 0 : flush_run(c, s, &run, e);
    cursor_pause(&s->cursor);
    if (f == 0 && g >= 0 && moved > 0) f = send_watermark(c, s, e);
    if (g < 0 || f < 0) return g < 0 ? g : f;
    if (moved > 0) s->idle = false;
    if (moved > 0) s->moved_ns = sys.boot_ns();
    /* What is at its end must not hold back those that are not. */
    if (moved == 0 && c->exit_at_end) s->state = SOURCE_DONE;
    f = s->state == SOURCE_DONE ? source_mark_idle(c, s, e) : 0;
    return f < 0 ? f : moved > 0;
}

int source_was_read(struct consumer *c, struct source *s, struct err *e) {
    struct cursor peek;
    struct group_position p;
    int g = cursor_open(&peek, &s->of->topic, s->partition, c->uncommitted, e);
    if (g < 0) return g;
    uint64_t start = cursor_start(&peek), end = cursor_end(&peek), to = end;
    if (c->range.has_to) g = offset_resolve(&c->range.to, &peek, NULL, &to, e);
    cursor_close(&peek);
    if (g == 0) g = group_read(&s->of->group, s->partition, &p, e);
    return g < 0 ? g : (p.known ? p.offset : start) >= (to < end ? to : end);
}

int source_mark_idle(struct consumer *c, struct source *s, struct err *e) {
    if (s->idle || !output_is_blocks(&c->output)) return 0;
    s->idle = true;
    buf_clear(&c->control);
    if (control_idle(&c->control) < 0) return err_nomem(e);
    return put_control(c, s, e);
}
