/* SPDX-License-Identifier: Apache-2.0 */
/* The thread of a feed: opens its input, reads blocks or text, and makes items of them. See feed.h. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "stream/feed_impl.h"
#include "stream/reader.h"
#include "stream/sources.h"
#include "sys/sys.h"
#include "json/validate.h"

/* Text records that are not in the queue yet. */
struct gathered {
    struct buf body, lines;
    struct block_header h;
    uint64_t line; /* of the first */
};

struct feed_reading {
    struct feed *f;
    struct inbuf *in; /* of the part in hand; NULL: blocks are handed over */
    enum in_format format;
    struct text_in *text;
    struct gathered gathered;
    uint64_t records;           /* of text, good or bad */
    uint64_t position;          /* told by feed_at; UINT64_MAX: that of `in` */
    uint64_t in_hand;           /* bytes of the block that is read, of which `in` does not know yet */
    struct json_validator json; /* for blocks that do not say that theirs is valid */
    struct sources sources;     /* topics of blocks, for who looks at them */
};

/* What the tool finds out of a block goes along with it. */
static void look(struct feed_reading *r, struct feed_item *item) {
    const struct feeds_config *c = &r->f->all->config;
    const struct block_origin from = {.h = &item->h,
                                      .topic = item->text ? NULL : sources_find(&r->sources, item->h.topic_id)};
    struct buf note = {0};
    if (!c->look || item->kind != FEED_BLOCK || !item->checked) return;
    if (c->look(c->ctx, r->f->index, &from, item->body, &note) < 0) {
        buf_release(&note);
        return;
    }
    item->note = note.data;
    item->note_size = note.len;
}

static int put(struct feed_reading *r, struct feed_item *item, struct err *e) {
    if (!item) return err_nomem(e);
    look(r, item);
    item->format = r->format;
    item->position = r->position < UINT64_MAX ? r->position : r->in ? inbuf_position(r->in) + r->in_hand : 0;
    return feed_put(r->f, item, e);
}

/* ---- text ---- */

static void gather_nothing(struct gathered *g) {
    buf_clear(&g->body);
    buf_clear(&g->lines);
    g->h =
        (struct block_header){.kind = BLOCK_DATA, .flags = BLOCK_JSON_VALID, .min_time = NO_TIME, .max_time = NO_TIME};
}

static int put_gathered(struct feed_reading *r, struct err *e) {
    struct gathered *g = &r->gathered;
    if (g->h.records == 0) return 0;
    struct feed_item *item = feed_item_new(FEED_BLOCK, g->body.len, g->h.records, false);
    if (!item) return err_nomem(e);
    g->h.raw_size = g->h.stored_size = (uint32_t)g->body.len;
    item->h = g->h;
    item->text = item->checked = true;
    item->line = g->line;
    memcpy(item->body, g->body.data, g->body.len);
    memcpy((char *)(uintptr_t)item->lines, g->lines.data, g->lines.len);
    gather_nothing(g);
    return put(r, item, e);
}

static int put_bad(struct feed_reading *r, const struct err *why, struct err *e) {
    size_t n;
    const char *raw = text_in_raw(r->text, &n);
    struct feed_item *item = feed_item_new(FEED_BAD, n, 0, true);
    if (!item) return err_nomem(e);
    item->text = true;
    item->line = text_in_line(r->text);
    *item->why = *why;
    if (strcmp(r->in->name, r->f->name) != 0) (void)err_prefix(item->why, "%s: ", r->in->name); /* a part of it */
    if (n) memcpy(item->body, raw, n);
    int g = put_gathered(r, e); /* what came before it */
    if (g == 0) return put(r, item, e);
    feed_item_free(item);
    return g;
}

static void widen(struct block_header *h, int64_t time) {
    if (time == NO_TIME) return;
    if (h->min_time == NO_TIME || time < h->min_time) h->min_time = time;
    if (h->max_time == NO_TIME || time > h->max_time) h->max_time = time;
}

static int gather(struct feed_reading *r, const struct record *record, struct err *e) {
    struct gathered *g = &r->gathered;
    size_t size = record_size(record);
    uint64_t line = text_in_line(r->text);
    bool far = g->h.records && line - g->line > UINT32_MAX;
    if (far || (g->body.len && g->body.len + size > BLOCK_TARGET_BYTES)) {
        int put = put_gathered(r, e);
        if (put < 0) return put;
    }
    if (g->h.records == 0) {
        g->h.base_offset = record->offset;
        g->line = line;
    }
    uint32_t delta = (uint32_t)(line - g->line);
    if (buf_reserve(&g->body, size) < 0 || buf_append(&g->lines, &delta, sizeof delta) < 0) return err_nomem(e);
    record_encode(record, (uint32_t)(record->offset - g->h.base_offset), g->body.data + g->body.len);
    g->body.len += size;
    g->h.records++;
    widen(&g->h, record->time);
    return 0;
}

static int take_text(struct feed_reading *r, struct record *record, struct err *e) {
    const struct feeds_config *c = &r->f->all->config;
    const char *end = record->value + record->value_size, *limit = r->in->data + r->in->cap;
    size_t slack = record->value >= r->in->data && end <= limit ? (size_t)(limit - end) : 0;
    record->offset = r->records;
    int g = c->record ? c->record(c->ctx, r->f->index, r->format, record, slack, e) : 0;
    return g < 0 ? g : gather(r, record, e);
}

static int read_text(struct feed_reading *r, struct err *e) {
    struct text_in_config config = r->f->all->config.input;
    struct record record = {0};
    config.format = r->format;
    int g = text_in_open(&r->text, r->in, &config, e);
    if (g == 0) gather_nothing(&r->gathered);
    while (g == 0) {
        g = text_in_next(r->text, &record, e);
        if (g == 0) g = take_text(r, &record, e);
        if (g == G_DATA) {
            const struct err why = *e;
            g = put_bad(r, &why, e);
        }
        r->records++;
    }
    struct err late;
    int last = r->text ? put_gathered(r, &late) : 0; /* what came before a fault counts */
    if (g < 0 || last == 0) return g;
    *e = late;
    return last;
}

/* ---- blocks ---- */

static bool is_valid(struct feed_reading *r, const struct feed_item *item) {
    struct record_walk w;
    struct record record;
    struct json_fault fault;
    if ((item->h.flags & BLOCK_JSON_VALID) || r->f->all->config.trust_blocks) return true;
    record_walk_init(&w, &item->h, item->body, SIZE_MAX);
    while (record_next_checked(&w, &record))
        if (record.value_type == VALUE_JSON && json_validate(&r->json, record.value, record.value_size, &fault) != 0)
            return false;
    return true;
}

static int put_block(struct feed_reading *r, const struct block *b, struct err *e) {
    bool data = b->h.kind == BLOCK_DATA;
    size_t size = data ? b->h.raw_size : b->h.stored_size;
    struct feed_item *item = feed_item_new(data ? FEED_BLOCK : FEED_CONTROL, size, 0, false);
    if (!item) return err_nomem(e);
    item->h = b->h;
    item->h.codec = CODEC_NONE;
    item->h.stored_size = (uint32_t)size;
    item->h.flags &= (uint8_t)~BLOCK_HAS_CRC;
    item->h.crc32c = 0;
    memcpy(item->body, b->body, size);
    item->checked = !data || is_valid(r, item);
    return put(r, item, e);
}

static int heed_end(const struct feed_reading *r, const struct control *c, struct err *e) {
    if (c->status == 0) return 0;
    return err_set(e, G_UPSTREAM, "'%s': upstream failed with status %d%s%s", r->f->name, c->status,
                   c->error ? ": " : "", c->error ? c->error : "");
}

static int take_source(struct feed_reading *r, const struct block *b, struct err *e) {
    int g = sources_add(&r->sources, b->h.topic_id, b->control.topic, e);
    return g < 0 ? g : put_block(r, b, e);
}

static int take_block(struct feed_reading *r, const struct block *b, struct err *e) {
    r->in_hand = BLOCK_HEADER_SIZE + b->h.stored_size;
    if (b->h.kind == BLOCK_DATA) return put_block(r, b, e);
    switch (b->control.type) {
    case CONTROL_END: return heed_end(r, &b->control, e);
    case CONTROL_SEGMENT: return 0;
    case CONTROL_SOURCE: return take_source(r, b, e);
    default: return put_block(r, b, e);
    }
}

static int read_blocks(struct feed_reading *r, struct err *e) {
    struct reader reader;
    struct block block = {0};
    reader_init(&reader, r->in, r->f->all->config.input.record_limit);
    int g = 0;
    while (g == 0) {
        g = reader_next(&reader, &block, e);
        if (g == 0) g = take_block(r, &block, e);
    }
    reader_release(&reader, &block);
    return g;
}

/* ---- the input ---- */

int feed_wait(const struct feed_reading *r, struct inbuf *in, struct err *e) {
    struct pollfd p[2] = {{.fd = in->fd, .events = POLLIN}, {.fd = r->f->all->wake, .events = POLLIN}};
    while (sys.poll(p, 2, -1) < 0)
        if (errno != EINTR && errno != EAGAIN) return err_sys(e, errno, "cannot wait for '%s'", in->name);
    return p[1].revents ? err_set(e, G_STOPPED, "stopped while reading '%s'", in->name) : 0;
}

/* The queue gets what there is before the thread waits. */
static int wait_input(void *ctx, struct inbuf *in, struct err *e) {
    struct feed_reading *r = ctx;
    int g = put_gathered(r, e);
    return g < 0 ? g : feed_wait(r, in, e);
}

/* "/dev/fd/N", as a shell calls a pipe that it has opened for us: opened anew, one whose writer is gone already would
 * look like one whose writer has not come yet. -1: another name. */
static int given_descriptor(const char *name) {
    static const char folder[] = "/dev/fd/";
    size_t n = sizeof folder - 1, digits = strspn(name + (strncmp(name, folder, n) == 0 ? n : 0), "0123456789");
    if (strncmp(name, folder, n) != 0 || digits == 0 || digits > 6 || name[n + digits]) return -1;
    return (int)strtol(name + n, NULL, 10);
}

/* A FIFO that has no writer yet is open all the same, so that who writes another one first is not kept from it. */
static int open_input(struct feed *f, struct err *e) {
    if (f->topic) return 0;
    if (strcmp(f->operand, "-") == 0) {
        f->fd = STDIN_FILENO;
        return 0;
    }
    int given = given_descriptor(f->operand);
    f->fd = given >= 0 ? fcntl(given, F_DUPFD_CLOEXEC, 3)
                       : sys.openat(AT_FDCWD, f->operand, O_RDONLY | O_NONBLOCK | O_NOCTTY, 0);
    return f->fd < 0 ? err_sys(e, errno, "cannot open '%s'", f->operand) : 0;
}

int feed_input(struct feed_reading *r, struct inbuf *in, struct err *e) {
    struct feed *f = r->f;
    *in = (struct inbuf){.fd = -1};
    int g = open_input(f, e);
    if (g == 0) g = inbuf_init(in, f->fd, f->name, e);
    in->before_wait = wait_input;
    in->before_wait_ctx = r;
    return g;
}

void feed_input_close(struct feed_reading *r, struct inbuf *in) {
    struct feed *f = r->f;
    inbuf_release(in);
    if (f->fd > STDIN_FILENO) sys.close(f->fd);
    f->fd = -1;
}

int feed_part(struct feed_reading *r, struct inbuf *in, struct err *e) {
    r->in = in;
    r->in_hand = 0;
    r->format = r->f->topic ? IN_BLOCKS : r->f->all->config.input.format;
    int g = input_find_format(in, &r->format, e);
    if (g == 0) g = r->format == IN_BLOCKS ? read_blocks(r, e) : read_text(r, e);
    text_in_free(r->text);
    r->text = NULL;
    r->in = NULL;
    return g;
}

int feed_block(struct feed_reading *r, const struct block *b, struct err *e) {
    r->format = IN_BLOCKS;
    return put_block(r, b, e);
}

void feed_at(struct feed_reading *r, uint64_t position) {
    r->position = position;
}

static int read_input(struct feed_reading *r, struct err *e) {
    const struct feeds_config *c = &r->f->all->config;
    const struct json_limits limits = {.max_depth = c->input.json_depth};
    struct inbuf in;
    if (json_validator_init(&r->json, &limits) < 0) return err_nomem(e);
    int g;
    if (c->read) {
        g = c->read(c->ctx, r->f->index, r, e);
    } else {
        g = feed_input(r, &in, e);
        if (g == 0) g = feed_part(r, &in, e);
        feed_input_close(r, &in);
    }
    buf_release(&r->gathered.body);
    buf_release(&r->gathered.lines);
    json_validator_release(&r->json);
    sources_release(&r->sources);
    return g;
}

/* A topic is complete only with an end block: without one, what leat-consume has to say counts. */
static int settle(struct feed *f, int g, struct err *e) {
    if (!f->topic || g == G_END || (g < 0 && g != G_TRUNCATED)) return g;
    struct err why;
    int child = feed_topic_finish(f, &why);
    if (child < 0) {
        *e = why;
        return child;
    }
    return g < 0 ? g : err_set(e, G_TRUNCATED, "'%s' ends without an end block", f->name);
}

void *feed_read_thread(void *arg) {
    struct feed *f = arg;
    struct feeds *all = f->all;
    struct feed_reading r = {.f = f, .position = UINT64_MAX};
    struct err why = {0};
    int g = settle(f, read_input(&r, &why), &why);
    pthread_mutex_lock(&all->lock);
    f->ended = true;
    f->end_grade = g;
    f->end_why = why;
    feed_tell_main(f);
    pthread_mutex_unlock(&all->lock);
    return NULL;
}
