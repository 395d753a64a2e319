/* SPDX-License-Identifier: Apache-2.0 */
/* Writing a segment anew. See rewrite.h. */
#include "log/rewrite.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>

#include "base/endian.h"
#include "log/index.h"
#include "sys/file.h"
#include "sys/signals.h"
#include "sys/sys.h"

#define REWRITE_NAME_BYTES 48
#define OUT_BYTES (1u << 20)
#define ZSTD_LEVEL 3

static void temporary_name(char out[REWRITE_NAME_BYTES], uint64_t base) {
    (void)snprintf(out, REWRITE_NAME_BYTES, "%020" PRIu64 REWRITE_SUFFIX, base);
}

int segment_writer_open(struct segment_writer *w, int dir, const struct segment_identity *id, struct segment_info *info,
                        bool zstd, struct err *e) {
    char tmp[REWRITE_NAME_BYTES];
    *w = (struct segment_writer){.dir = dir, .fd = -1, .id = *id, .info = info, .zstd = zstd};
    temporary_name(tmp, info->base);
    if (sys.unlinkat(dir, tmp, 0) < 0 && errno != ENOENT) return err_sys(e, errno, "cannot remove '%s'", tmp);
    int g = segment_encode_info(&w->out, id, info, e);
    if (g == 0) {
        w->fd = sys.open_beneath(dir, tmp, O_RDWR | O_CREAT | O_EXCL, 0600);
        if (w->fd < 0) g = err_sys(e, errno, "cannot create '%s'", tmp);
    }
    w->size = w->out.len;
    if (g < 0) buf_release(&w->out);
    return g;
}

void segment_writer_close(struct segment_writer *w) {
    if (!w) return;
    if (w->fd >= 0) {
        char tmp[REWRITE_NAME_BYTES];
        temporary_name(tmp, w->info->base);
        sys.close(w->fd);
        (void)sys.unlinkat(w->dir, tmp, 0); /* what stays is swept */
    }
    w->fd = -1;
    buf_release(&w->out);
    buf_release(&w->raw);
    buf_release(&w->packed);
}

static int flush_out(struct segment_writer *w, struct err *e) {
    int g = file_pwrite_all(w->fd, w->out.data, w->out.len, (off_t)(w->size - w->out.len), "segment", e);
    buf_clear(&w->out);
    return g;
}

static int put_block(struct segment_writer *w, const uint8_t header[BLOCK_HEADER_SIZE], const char *stored, size_t n,
                     struct err *e) {
    if (signals_stop()) return err_set(e, G_STOPPED, "stopped while a segment was written anew");
    if (buf_append(&w->out, header, BLOCK_HEADER_SIZE) < 0 || buf_append(&w->out, stored, n) < 0) return err_nomem(e);
    w->size += BLOCK_HEADER_SIZE + n;
    w->blocks++;
    return w->out.len >= OUT_BYTES ? flush_out(w, e) : 0;
}

static int put_pending(struct segment_writer *w, struct err *e) {
    if (!w->pending) return 0;
    const char *stored = w->raw.data;
    size_t n = w->raw.len;
    struct block_header *h = &w->h;
    h->codec = CODEC_NONE;
    h->raw_size = (uint32_t)n;
    if (w->zstd && block_compress(w->raw.data, w->raw.len, ZSTD_LEVEL, &w->packed)) {
        h->codec = CODEC_ZSTD;
        stored = w->packed.data;
        n = w->packed.len;
    }
    h->stored_size = (uint32_t)n;
    h->topic_id = w->id.topic_id;
    h->partition = w->id.partition;
    h->log_epoch = w->info->epoch;
    uint8_t header[BLOCK_HEADER_SIZE];
    block_header_encode(h, header);
    block_seal(header, stored, n);
    w->pending = false;
    return put_block(w, header, stored, n, e);
}

/* May this block join the one before it? A trickle of small blocks does not compress. */
static bool joins(const struct segment_writer *w, const struct block_header *h, uint64_t end) {
    const struct block_header *a = &w->h;
    if (!w->pending || !(w->zstd || w->info->compacted) || w->raw.len + h->raw_size > BLOCK_TARGET_BYTES) return false;
    if (a->producer_id != h->producer_id || a->producer_epoch != h->producer_epoch) return false;
    if ((a->flags ^ h->flags) & BLOCK_JSON_VALID) return false;
    return (w->end == h->base_offset || w->info->compacted) && end - a->base_offset <= UINT32_MAX;
}

/* Append the records of a raw body whose offsets count from `from`, so that they count from `to`. */
static int append_records(struct buf *out, const char *raw, size_t n, uint64_t from, uint64_t to) {
    size_t at = out->len;
    if (buf_append(out, raw, n) < 0) return G_NOMEM;
    uint32_t shift = (uint32_t)(from - to);
    while (shift && at < out->len) {
        char *record = out->data + at;
        put_u32_le(record + 4, get_u32_le(record + 4) + shift);
        at += get_u32_le(record);
    }
    return 0;
}

static int64_t earlier(int64_t a, int64_t b) {
    return a == NO_TIME ? b : b == NO_TIME || a < b ? a : b;
}

int segment_writer_add(struct segment_writer *w, const struct block_header *h, const char *raw, uint64_t end,
                       struct err *e) {
    int g = 0;
    w->records += h->records;
    if (joins(w, h, end)) {
        g = append_records(&w->raw, raw, h->raw_size, h->base_offset, w->h.base_offset);
        w->h.records += h->records;
        w->h.min_time = earlier(w->h.min_time, h->min_time);
        if (h->max_time > w->h.max_time) w->h.max_time = h->max_time;
        w->end = end;
        return g < 0 ? err_nomem(e) : 0;
    }
    g = put_pending(w, e);
    if (g < 0) return g;
    buf_clear(&w->raw);
    if (buf_append(&w->raw, raw, h->raw_size) < 0) return err_nomem(e);
    w->h = *h;
    w->h.flags &= BLOCK_JSON_VALID;
    w->end = end;
    w->pending = true;
    return 0;
}

int segment_writer_copy(struct segment_writer *w, const uint8_t header[BLOCK_HEADER_SIZE], const char *stored, size_t n,
                        struct err *e) {
    int g = put_pending(w, e);
    w->records += get_u32_le(header + 20);
    return g < 0 ? g : put_block(w, header, stored, n, e);
}

static void save_index(const struct segment_writer *w) {
    struct index index = {0};
    if (index_build(&index, w->fd, &w->id, w->info, w->size, NULL) == 0) index_save(&index, w->dir, true);
    index_release(&index);
}

int segment_writer_commit(struct segment_writer *w, struct err *e) {
    char tmp[REWRITE_NAME_BYTES], name[SEGMENT_NAME_BYTES];
    temporary_name(tmp, w->info->base);
    segment_name(name, w->info->base, ".leat");
    int g = put_pending(w, e);
    if (g == 0) g = flush_out(w, e);
    if (g == 0 && sys.fsync(w->fd) < 0) g = err_sys(e, errno, "cannot sync '%s'", tmp);
    if (g == 0) {
        /* the index needs to know where the first data block is */
        struct segment_info written = {0};
        g = segment_read_info(w->fd, &w->id, w->info->base, &written, e);
        w->info->head_bytes = written.head_bytes;
        segment_info_release(&written);
    }
    if (g == 0 && sys.renameat(w->dir, tmp, w->dir, name) < 0) g = err_sys(e, errno, "cannot rename '%s'", tmp);
    if (g < 0) return g;
    g = dir_sync(w->dir, name, e);
    save_index(w);
    sys.close(w->fd);
    w->fd = -1;
    return g;
}

static int read_one(int dir, const struct segment_identity *id, uint64_t base, int *ret_fd, struct segment_info *ret,
                    struct err *e) {
    char name[SEGMENT_NAME_BYTES];
    segment_name(name, base, ".leat");
    *ret_fd = sys.open_beneath(dir, name, O_RDONLY, 0);
    if (*ret_fd < 0) return err_sys(e, errno, "cannot open segment '%s'", name);
    int g = segment_read_info(*ret_fd, id, base, ret, e);
    if (g < 0) err_prefix(e, "segment '%s': ", name);
    return g;
}

static int check_pair(struct sealed *s, uint64_t next_base, struct err *e) {
    struct stat st;
    if (sys.fstat(s->fd, &st) < 0) return err_sys(e, errno, "cannot look at a segment");
    s->size = (uint64_t)st.st_size;
    const struct segment_info *i = &s->info, *n = &s->next;
    bool agree = n->has_previous && n->previous.base == i->base && n->previous.end_offset == next_base &&
                 n->previous.epoch == i->epoch;
    if (i->rewritten)
        agree = agree && i->end_offset == next_base && i->orig_size == n->previous.size &&
                i->orig_crc32c == n->previous.crc32c;
    else
        agree = agree && n->previous.size <= s->size;
    if (!agree)
        return err_set(e, G_CORRUPT,
                       "segment at offset %" PRIu64 " is not the one that the segment at offset %" PRIu64 " follows",
                       i->base, next_base);
    if (!i->rewritten) s->size = n->previous.size;
    return 0;
}

int sealed_open(struct sealed *s, int dir, const struct segment_identity *id, uint64_t base, uint64_t next_base,
                struct err *e) {
    *s = (struct sealed){.dir = dir, .fd = -1, .id = *id};
    int fd = -1;
    int g = read_one(dir, id, next_base, &fd, &s->next, e);
    if (fd >= 0) sys.close(fd);
    if (g == 0) g = read_one(dir, id, base, &s->fd, &s->info, e);
    if (g == 0) g = check_pair(s, next_base, e);
    if (g < 0) sealed_close(s);
    return g;
}

void sealed_close(struct sealed *s) {
    if (!s) return;
    if (s->fd >= 0) sys.close(s->fd);
    s->fd = -1;
    segment_info_release(&s->info);
    segment_info_release(&s->next);
}

bool sealed_since(const struct segment_info *behind, int64_t age_ns) {
    int64_t age = behind->boot_id == sys_boot_id() && behind->boot_id != 0 ? sys.boot_ns() - behind->monotonic_ns
                                                                           : sys.wall_ns() - behind->created_ns;
    return age >= age_ns; /* a time in the future makes a negative age, which keeps it */
}

struct segment_info sealed_rewritten_info(const struct sealed *s) {
    struct segment_info info = s->info;
    if (!info.rewritten) {
        info.rewritten = true;
        info.end_offset = s->next.base;
        info.orig_size = s->next.previous.size;
        info.orig_crc32c = s->next.previous.crc32c;
    }
    info.generation++;
    return info;
}

struct filter {
    bool (*keep)(void *ctx, const struct record *r);
    void *ctx;
    struct buf body;
    uint64_t kept;
};

/* The records that stay, as a block of their own. The time bounds need not be tight and are left. */
static int filter_block(struct filter *f, const struct block_header *h, const char *raw, struct block_header *ret,
                        uint64_t *ret_end, struct err *e) {
    struct record_walk rw;
    struct record r;
    int g;
    *ret = *h;
    ret->records = 0;
    buf_clear(&f->body);
    record_walk_init(&rw, h, raw, RECORD_LIMIT_MAX);
    while ((g = record_next(&rw, &r, e)) > 0) {
        if (!f->keep(f->ctx, &r)) continue;
        if (ret->records++ == 0) ret->base_offset = r.offset;
        if (append_records(&f->body, raw + rw.record_at, rw.at - rw.record_at, h->base_offset, ret->base_offset) < 0)
            return err_nomem(e);
        *ret_end = r.offset + 1;
    }
    ret->raw_size = (uint32_t)f->body.len;
    return g;
}

static int rewrite_block(struct segment_writer *w, const struct segment_walk *walk, struct filter *f, struct buf *raw,
                         struct err *e) {
    const char *body;
    int g = block_open_body(&walk->h, walk->stored, raw, &body, e);
    if (g < 0) return g;
    if (!f->keep) return segment_writer_add(w, &walk->h, body, walk->next_offset, e);
    struct block_header h;
    uint64_t end = 0;
    g = filter_block(f, &walk->h, body, &h, &end, e);
    return g < 0 || h.records == 0 ? g : segment_writer_add(w, &h, f->body.data, end, e);
}

static int copy_blocks(const struct sealed *s, struct segment_writer *w, struct filter *f, uint64_t *ret_records,
                       struct err *e) {
    struct segment_walk walk;
    struct buf raw = {0};
    int g = 0;
    *ret_records = 0;
    segment_walk_init(&walk, s->fd, &s->id, &s->info, s->size, s->info.head_bytes, s->info.base);
    walk.check_bodies = true;
    while (g == 0) {
        g = segment_walk_next(&walk, e);
        if (g != 0) break;
        *ret_records += walk.h.records;
        g = rewrite_block(w, &walk, f, &raw, e);
    }
    if (g == G_EOF && !s->info.rewritten && walk.next_offset != s->next.base)
        g = err_set(e, G_CORRUPT, "records from offset %" PRIu64 " on are missing", walk.next_offset);
    if (g == G_TRUNCATED) e->grade = g = G_CORRUPT; /* this is not an input that was cut off: the file is damaged */
    segment_walk_release(&walk);
    buf_release(&raw);
    buf_release(&f->body);
    return g == G_EOF ? 0 : g;
}

int sealed_rewrite(const struct sealed *s, bool zstd, bool (*keep)(void *ctx, const struct record *r), void *ctx,
                   struct rewrite_result *ret, struct err *e) {
    struct segment_info info = sealed_rewritten_info(s);
    struct segment_writer w;
    struct filter f = {.keep = keep, .ctx = ctx};
    uint64_t before = 0;
    if (keep) info.compacted = true;
    int g = segment_writer_open(&w, s->dir, &s->id, &info, zstd, e);
    if (g < 0) return g;
    g = copy_blocks(s, &w, &f, &before, e);
    if (g == 0) g = segment_writer_commit(&w, e);
    if (g == 0) *ret = (struct rewrite_result){.bytes = w.size, .records_before = before, .records_after = w.records};
    segment_writer_close(&w);
    return g;
}
