/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What became of the letters of a run that did not come to its end: behind the ends that its intent recorded, records
 * whose header has its nonce are those that arrived. See redrive.h.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/number.h"
#include "log/cursor.h"
#include "log/redrive_impl.h"
#include "stream/reader.h"
#include "sys/sys.h"

/* "…/17@42#nonce", or "…@42#nonce" of a file. False: it is no letter of the intent. */
static bool parse_header(const struct redrive *r, const struct header_view *h, struct letter_id *ret) {
    char nonce[REDRIVE_NONCE_BYTES + 2];
    uint64_t partition = 0, offset;
    (void)snprintf(nonce, sizeof nonce, "#%016" PRIx64, r->state.nonce);
    if (h->value_size <= REDRIVE_NONCE_BYTES) return false;
    const char *end = h->value + h->value_size - (REDRIVE_NONCE_BYTES + 1);
    if (memcmp(end, nonce, REDRIVE_NONCE_BYTES + 1) != 0) return false;
    const char *at = memrchr(h->value, '@', (size_t)(end - h->value));
    if (!at || number_parse_u64(at + 1, (size_t)(end - at - 1), 0, OFFSET_MAX, &offset, NULL) < 0) return false;
    if (r->c.topic) {
        const char *slash = memrchr(h->value, '/', (size_t)(at - h->value));
        size_t n = slash ? (size_t)(at - slash - 1) : 0;
        if (!slash || number_parse_u64(slash + 1, n, 0, TOPIC_PARTITIONS_MAX - 1, &partition, NULL) < 0) return false;
    }
    *ret = (struct letter_id){(uint32_t)partition, offset};
    return marks_have(&r->state.intent, ret->partition, offset);
}

static int look_at_record(struct redrive *r, const struct record *record, uint64_t *arrived, struct err *e) {
    struct header_view h;
    struct letter_id id;
    for (size_t at = 0; record_header_next(record->headers, record->headers_size, &at, &h);) {
        bool ours = h.name_size == strlen(REDRIVE_HEADER) && memcmp(h.name, REDRIVE_HEADER, h.name_size) == 0;
        if (!ours || !parse_header(r, &h, &id) || redrive_is_done(r, id)) continue;
        if (marks_add(&r->state.done, id.partition, id.offset, id.offset + 1) < 0) return err_nomem(e);
        ++*arrived;
    }
    return 0;
}

static int look_at_body(struct redrive *r, const struct block_header *h, const char *body, uint64_t *arrived,
                        struct err *e) {
    struct record_walk w;
    struct record record;
    int g;
    record_walk_init(&w, h, body, RECORD_LIMIT_MAX);
    while ((g = record_next(&w, &record, e)) > 0) {
        g = look_at_record(r, &record, arrived, e);
        if (g < 0) return g;
    }
    return g;
}

/* ---- topics ---- */

static void tell_lost(void *ctx, const struct err *what) {
    redrive_notice(ctx, "%s; what was there of an interrupted run is sent again", what->text);
}

static int read_partition(struct redrive *r, struct cursor *c, uint64_t end, uint64_t *arrived, struct err *e) {
    struct cursor_block b;
    struct buf bytes = {0}, raw = {0};
    const char *body;
    int g = 0;
    while (g == 0 && (g = cursor_next_kept(c, end, tell_lost, r, &b, e)) == 0) {
        g = cursor_load(&b, &bytes, &raw, &body, e);
        if (g == 0) g = look_at_body(r, &b.h, body, arrived, e);
    }
    buf_release(&bytes);
    buf_release(&raw);
    return g == G_EOF || g == G_WAIT ? 0 : g;
}

static int look_in_partition(struct redrive *r, struct topic *t, const struct redrive_end *x, uint64_t *arrived,
                             struct err *e) {
    struct cursor c;
    uint64_t end;
    if (x->partition >= t->partitions) return err_set(e, G_CORRUPT, "topic '%s' has lost a partition", t->name);
    int g = redrive_settle(t, x->partition, &end, e);
    if (g == 0) g = cursor_open(&c, t, x->partition, false, e);
    if (g < 0) return g;
    if (cursor_start(&c) > x->end)
        redrive_notice(r,
                       "'%s/%" PRIu32 "': records from offset %" PRIu64
                       " on are gone; what was there of an interrupted run is sent again",
                       t->name, x->partition, x->end);
    g = cursor_seek(&c, x->end, e);
    if (g == 0) g = read_partition(r, &c, end, arrived, e);
    cursor_close(&c);
    return g;
}

static int look_in_topic(struct redrive *r, const struct redrive_end *x, uint64_t *arrived, struct err *e) {
    struct topic t;
    int g = topic_open(&t, r->c.log, x->place, e);
    if (g == G_ABSENT || (g == 0 && t.id != x->topic_id)) {
        redrive_notice(r, "topic '%s' is gone; what an interrupted run sent there is sent again", x->place);
        g = 0;
    } else if (g == 0) {
        g = look_in_partition(r, &t, x, arrived, e);
    }
    topic_close(&t);
    return g;
}

/* ---- files ---- */

/* Whole blocks are looked at; the beginning of one, at which the run was killed, is cut off. */
static int read_file(struct redrive *r, int fd, const struct redrive_end *x, uint64_t *arrived, struct err *e) {
    struct inbuf in;
    struct reader reader;
    struct block b = {.position = 0};
    uint64_t whole = 0;
    int g = inbuf_init(&in, fd, x->place, e);
    if (g < 0) return g;
    reader_init(&reader, &in, RECORD_LIMIT_MAX);
    while ((g = reader_next(&reader, &b, e)) == 0) {
        whole = b.position + BLOCK_HEADER_SIZE + b.h.stored_size;
        if (b.h.kind == BLOCK_DATA) g = look_at_body(r, &b.h, b.body, arrived, e);
        if (g < 0) break;
    }
    reader_release(&reader, &b);
    inbuf_release(&in);
    if (g == G_TRUNCATED)
        g = sys.ftruncate(fd, (off_t)(x->end + whole)) < 0 ? err_sys(e, errno, "cannot cut '%s'", x->place) : 0;
    return g < 0 ? g : 0;
}

static int look_in_file(struct redrive *r, const struct redrive_end *x, uint64_t *arrived, struct err *e) {
    int fd = sys.openat(AT_FDCWD, x->place, O_RDWR | O_CLOEXEC | O_NONBLOCK, 0);
    if (fd < 0 && errno == ENOENT) {
        redrive_notice(r, "file '%s' is gone; what an interrupted run sent there is sent again", x->place);
        return 0;
    }
    if (fd < 0) return err_sys(e, errno, "cannot open '%s'", x->place);
    int g = lseek(fd, (off_t)x->end, SEEK_SET) < 0 ? err_sys(e, errno, "cannot read '%s'", x->place)
                                                   : read_file(r, fd, x, arrived, e);
    if (g == 0 && sys.fdatasync(fd) < 0) g = err_sys(e, errno, "cannot sync '%s'", x->place);
    sys.close(fd);
    return g;
}

int redrive_recover(struct redrive *r, struct err *e) {
    struct redrive_state *s = &r->state;
    uint64_t arrived = 0;
    int g = 0;
    for (size_t i = 0; g == 0 && i < s->end_count; i++)
        g = s->ends[i].is_file ? look_in_file(r, &s->ends[i], &arrived, e) : look_in_topic(r, &s->ends[i], &arrived, e);
    if (g < 0) return err_prefix(e, "while finding out what an interrupted run sent: ");
    redrive_state_end_intent(s);
    redrive_notice(r, "an earlier run was interrupted; %" PRIu64 " letters of its last batch had arrived", arrived);
    return redrive_publish(r, e);
}
