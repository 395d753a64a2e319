/* SPDX-License-Identifier: Apache-2.0 */
/* The block writer. See writer.h. */
#include "stream/writer.h"

#include "base/endian.h"
#include "sys/file.h"

#define WRITE_BYTES (512u << 10) /* whole blocks are handed to the system from this size on */

void writer_init(struct writer *w, int fd, const char *name, bool crc) {
    *w = (struct writer){.fd = fd, .name = name, .crc = crc};
}

void writer_use_thread(struct writer *w) {
    w->outflow = outflow_start(w->fd, w->name);
}

void writer_release(struct writer *w) {
    if (!w) return;
    outflow_free(w->outflow);
    w->outflow = NULL;
    buf_release(&w->out);
}

static int taken(struct writer *w, int g, size_t n) {
    w->broken |= g < 0;
    if (g == 0) w->written += n;
    return g;
}

int writer_bytes(struct writer *w, const void *p, size_t n, struct err *e) {
    int g = w->outflow ? outflow_wait(w->outflow, e) : 0;
    if (g == 0) g = w->take ? w->take(w->take_ctx, p, n, e) : file_write_all(w->fd, p, n, w->name, e);
    return taken(w, g, n);
}

static int broken(const struct writer *w, struct err *e) {
    return w->broken ? err_set(e, G_IO, "'%s' was cut off by an error before", w->name) : 0;
}

/* The header goes in front of the body only now that its numbers are known. */
void writer_close_block(struct writer *w) {
    if (!w->open) return;
    size_t body = w->out.len - w->open_at - BLOCK_HEADER_SIZE;
    uint8_t *header = (uint8_t *)w->out.data + w->open_at;
    w->h.stored_size = w->h.raw_size = (uint32_t)body;
    block_header_encode(&w->h, header);
    if (w->crc) block_seal(header, header + BLOCK_HEADER_SIZE, body);
    w->open = false;
    w->blocks++;
    w->bytes += body;
}

int writer_give(struct writer *w, struct buf *full, struct err *e) {
    size_t n = full->len;
    int g = broken(w, e);
    if (g < 0) return g;
    if (w->outflow) return taken(w, outflow_give(w->outflow, full, e), n);
    g = writer_bytes(w, full->data, n, e);
    if (g == 0) buf_clear(full);
    return g;
}

/* The end of it goes the same way: a write that nobody takes is one that can be given up. */
int writer_flush(struct writer *w, struct err *e) {
    writer_close_block(w);
    int g = w->out.len ? writer_give(w, &w->out, e) : 0;
    return g < 0 || !w->outflow || w->broken ? g : taken(w, outflow_wait(w->outflow, e), 0);
}

/* No block is open. */
static int flush_if_full(struct writer *w, struct err *e) {
    return w->out.len >= WRITE_BYTES ? writer_give(w, &w->out, e) : 0;
}

static bool same_source(const struct block_header *a, const struct block_header *b) {
    return a->topic_id == b->topic_id && a->partition == b->partition && a->log_epoch == b->log_epoch &&
           a->producer_id == b->producer_id && a->producer_epoch == b->producer_epoch &&
           ((a->flags ^ b->flags) & BLOCK_JSON_VALID) == 0;
}

static int open_block(struct writer *w, const struct block_header *like, uint64_t base, size_t size, struct err *e) {
    if (buf_reserve(&w->out, BLOCK_HEADER_SIZE + size) < 0) return err_nomem(e);
    w->h = *like;
    w->h.kind = BLOCK_DATA;
    w->h.codec = CODEC_NONE;
    w->h.flags = like->flags & BLOCK_JSON_VALID;
    w->h.crc32c = w->h.records = 0;
    w->h.base_offset = base;
    w->h.min_time = w->h.max_time = NO_TIME;
    w->open = true;
    w->open_at = w->out.len;
    w->out.len += BLOCK_HEADER_SIZE;
    return 0;
}

static void widen(struct block_header *h, int64_t min_time, int64_t max_time) {
    if (min_time == NO_TIME) return;
    if (h->min_time == NO_TIME || min_time < h->min_time) h->min_time = min_time;
    if (h->max_time == NO_TIME || max_time > h->max_time) h->max_time = max_time;
}

/* Can a record with this offset join the open block? */
static bool fits(const struct writer *w, const struct block_header *like, uint64_t offset, size_t size) {
    size_t body = w->out.len - w->open_at - BLOCK_HEADER_SIZE;
    return body + size <= BLOCK_TARGET_BYTES && offset > w->last_offset && offset - w->h.base_offset <= UINT32_MAX &&
           same_source(&w->h, like);
}

int writer_record_head(struct writer *w, const struct block_header *like, const struct record *r, char **ret_value,
                       struct err *e) {
    size_t size = record_size(r);
    if (w->open && !fits(w, like, r->offset, size)) writer_close_block(w);
    int g = w->open ? 0 : flush_if_full(w, e);
    if (g == 0 && !w->open) g = open_block(w, like, r->offset, BLOCK_TARGET_BYTES, e);
    if (g < 0) return g;
    if (buf_reserve(&w->out, size) < 0) return err_nomem(e);
    *ret_value = record_encode_head(r, (uint32_t)(r->offset - w->h.base_offset), w->out.data + w->out.len);
    w->out.len += size;
    w->last_offset = r->offset;
    widen(&w->h, r->time, r->time);
    w->h.records++;
    w->records++;
    return 0;
}

int writer_record(struct writer *w, const struct block_header *like, const struct record *r, struct err *e) {
    char *value;
    int g = writer_record_head(w, like, r, &value, e);
    if (g == 0 && r->value_size) memcpy(value, r->value, r->value_size);
    return g;
}

int writer_run(struct writer *w, const struct block_header *h, const char *records, size_t size, uint32_t count,
               struct err *e) {
    bool joins = w->open && same_source(&w->h, h) && w->h.base_offset == h->base_offset &&
                 w->h.min_time == h->min_time && w->h.max_time == h->max_time;
    if (!joins) writer_close_block(w);
    int g = w->open ? 0 : flush_if_full(w, e);
    if (g == 0 && !w->open) g = open_block(w, h, h->base_offset, size, e);
    if (g < 0) return g;
    if (buf_append(&w->out, records, size) < 0) return err_nomem(e);
    widen(&w->h, h->min_time, h->max_time);
    w->h.records += count;
    w->records += count;
    w->last_offset = UINT64_MAX; /* no single record may join: its delta could be below the last one's */
    return 0;
}

/* Encoded records whose offsets count from another base now. */
static void shift_offsets(char *records, size_t size, uint32_t by) {
    for (size_t at = 0; at < size; at += get_u32_le(records + at)) {
        put_u32_le(records + at + 4, get_u32_le(records + at + 4) + by); /* modulo 2^32: the sum is known to fit */
    }
}

int writer_records(struct writer *w, const struct block_header *h, const struct record_run *run, struct err *e) {
    uint64_t first = h->base_offset + run->first_delta, last = h->base_offset + run->last_delta;
    if (w->open && !(fits(w, h, first, run->size) && last - w->h.base_offset <= UINT32_MAX)) writer_close_block(w);
    int g = w->open ? 0 : flush_if_full(w, e);
    size_t room = run->size > BLOCK_TARGET_BYTES ? run->size : BLOCK_TARGET_BYTES;
    if (g == 0 && !w->open) g = open_block(w, h, h->base_offset, room, e);
    if (g < 0) return g;
    if (buf_reserve(&w->out, run->size) < 0) return err_nomem(e);
    char *out = w->out.data + w->out.len;
    memcpy(out, run->records, run->size);
    if (w->h.base_offset != h->base_offset)
        shift_offsets(out, run->size, (uint32_t)(h->base_offset - w->h.base_offset));
    w->out.len += run->size;
    w->last_offset = last;
    widen(&w->h, run->min_time, run->max_time);
    w->h.records += run->count;
    w->records += run->count;
    return 0;
}

/* Large blocks go straight from the caller's memory to the system. */
int writer_block(struct writer *w, const uint8_t *header, const char *stored, const struct block_header *h,
                 struct err *e) {
    writer_close_block(w);
    size_t size = BLOCK_HEADER_SIZE + (size_t)h->stored_size;
    int g = flush_if_full(w, e);
    bool direct = (const char *)header + BLOCK_HEADER_SIZE == stored && size >= BLOCK_TARGET_BYTES / 2;
    if (g == 0 && direct) {
        g = writer_flush(w, e);
        if (g == 0) g = writer_bytes(w, header, size, e);
    } else if (g == 0) {
        g = buf_append(&w->out, header, BLOCK_HEADER_SIZE) < 0 || buf_append(&w->out, stored, h->stored_size) < 0
                ? err_nomem(e)
                : 0;
    }
    if (g < 0) return g;
    w->blocks++;
    if (h->kind == BLOCK_DATA) {
        w->records += h->records;
        w->bytes += h->raw_size;
    }
    return 0;
}

int writer_control(struct writer *w, uint64_t topic_id, uint32_t partition, const char *body, size_t n, struct err *e) {
    struct block_header h = {
        .kind = BLOCK_CONTROL,
        .stored_size = (uint32_t)n,
        .raw_size = (uint32_t)n,
        .min_time = NO_TIME,
        .max_time = NO_TIME,
        .topic_id = topic_id,
        .partition = partition,
    };
    if (n > BLOCK_CONTROL_MAX_BYTES)
        return err_set(e, G_DATA, "control block of %zu bytes is over the limit of %u", n, BLOCK_CONTROL_MAX_BYTES);
    uint8_t header[BLOCK_HEADER_SIZE];
    block_header_encode(&h, header);
    if (w->crc) block_seal(header, body, n);
    return writer_block(w, header, body, &h, e);
}
