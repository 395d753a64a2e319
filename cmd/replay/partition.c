/* SPDX-License-Identifier: Apache-2.0 */
/* A partition of a topic, from one offset up to another, in the thread of its feed. See replay.h. */
#include <inttypes.h>

#include "replay.h"
#include "stream/control.h"

static int put_control(const struct recording *rec, struct feed_reading *r, int composed, struct buf *text,
                       struct err *e) {
    struct block b = {.h = {.kind = BLOCK_CONTROL,
                            .min_time = NO_TIME,
                            .max_time = NO_TIME,
                            .topic_id = rec->topic.id,
                            .partition = rec->partition}};
    int g = composed < 0 ? err_nomem(e) : 0;
    if (g == 0) {
        b.body = b.stored = text->data;
        b.h.stored_size = b.h.raw_size = (uint32_t)text->len;
        g = feed_block(r, &b, e);
    }
    buf_release(text);
    return g;
}

/* What leat-consume tells of it, too: the topic's name, and, so that others need not wait for this partition, that it
 * has no more. */
static int put_source(const struct recording *rec, struct feed_reading *r, struct err *e) {
    struct buf text = {0};
    return put_control(rec, r, control_source(&text, rec->topic.name), &text, e);
}

static int put_idle(const struct recording *rec, struct feed_reading *r, struct err *e) {
    struct buf text = {0};
    return put_control(rec, r, control_idle(&text), &text, e);
}

static int put_data(struct recording *rec, struct feed_reading *r, const struct cursor_block *from, struct buf *bytes,
                    struct buf *raw, struct err *e) {
    struct block b = {.h = from->h};
    int g = cursor_load(from, bytes, raw, &b.body, e);
    if (g < 0) return err_prefix(e, "'%s/%u' at offset %" PRIu64 ": ", rec->name, rec->partition, from->first);
    feed_at(r, from->end < rec->to ? from->end - rec->from : rec->to - rec->from);
    return feed_block(r, &b, e);
}

/* Retention has taken what was not read yet: told, as leat-consume does, by the main thread. */
static void leave_notice(void *ctx, const struct err *what) {
    struct recording *rec = ctx;
    pthread_mutex_lock(&rec->lock);
    rec->notice = *what;
    rec->has_notice = true;
    pthread_mutex_unlock(&rec->lock);
}

static int read_blocks(struct recording *rec, struct cursor *c, struct feed_reading *r, struct err *e) {
    struct buf bytes = {0}, raw = {0};
    struct cursor_block b;
    int g = cursor_seek(c, rec->from, e);
    while (g == 0 && (g = cursor_next_kept(c, rec->to, leave_notice, rec, &b, e)) == 0)
        g = put_data(rec, r, &b, &bytes, &raw, e);
    buf_release(&bytes);
    buf_release(&raw);
    return g == G_EOF || g == G_WAIT ? 0 : g;
}

int partition_read(struct recording *rec, struct feed_reading *r, struct err *e) {
    struct cursor c;
    feed_at(r, 0);
    int g = cursor_open(&c, &rec->topic, rec->partition, false, e);
    if (g < 0) return g;
    g = put_source(rec, r, e);
    if (g == 0) g = read_blocks(rec, &c, r, e);
    if (g == 0) g = put_idle(rec, r, e);
    cursor_close(&c);
    return g < 0 ? g : G_END;
}
