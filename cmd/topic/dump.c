/* SPDX-License-Identifier: Apache-2.0 */
/* leat topic dump: the blocks of segments or of any file of blocks, header by header, as they are. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/number.h"
#include "base/safe.h"
#include "base/timefmt.h"
#include "log/segment.h"
#include "sys/file.h"
#include "sys/signals.h"
#include "sys/sys.h"
#include "topic.h"

#define SHOWN_BYTES 120 /* of a key or a value */

struct dump {
    struct run *r;
    int fd;
    const char *file;
    uint64_t at;
    struct block_header h;
    uint8_t header[BLOCK_HEADER_SIZE];
    struct buf stored, raw;
};

static const char *kind_name(const struct block_header *h) {
    return h->kind == BLOCK_DATA ? "data" : "control";
}

static void time_text(int64_t ns, char out[TIME_TEXT_MAX]) {
    if (ns == NO_TIME)
        (void)snprintf(out, TIME_TEXT_MAX, "-");
    else
        time_format_rfc3339(ns, out);
}

/* ---- records ---- */

static int append_shown(struct buf *out, const char *p, size_t n) {
    int g = safe_append(out, p, n < SHOWN_BYTES ? n : SHOWN_BYTES, 0);
    return g == 0 && n > SHOWN_BYTES ? buf_puts(out, "\xe2\x80\xa6") : g;
}

static json_t *bytes_json(const char *p, size_t n) {
    struct buf safe = {0};
    json_t *o = safe_append(&safe, p, n < SHOWN_BYTES ? n : SHOWN_BYTES, 0) < 0
                    ? NULL
                    : json_stringn(safe.data ? safe.data : "", safe.len);
    buf_release(&safe);
    return o;
}

static int print_record(struct dump *d, const struct record *r, struct err *e) {
    static const char *const types[] = {"tombstone", "json", "bytes"};
    char time[TIME_TEXT_MAX];
    time_text(r->time, time);
    if (d->r->o->json)
        return run_json(d->r,
                        json_pack("{s:s, s:I, s:s, s:s, s:o, s:I, s:o, s:I, s:I}", "type", "record", "offset",
                                  (json_int_t)r->offset, "time", time, "value_type", types[r->value_type], "key",
                                  r->has_key ? bytes_json(r->key, r->key_size) : json_null(), "key_size",
                                  (json_int_t)r->key_size, "value", bytes_json(r->value, r->value_size), "value_size",
                                  (json_int_t)r->value_size, "headers_size", (json_int_t)r->headers_size),
                        e);
    struct buf *out = &d->r->out;
    bool failed = buf_printf(out, "  record %" PRIu64 "  time %s  %s %zu bytes", r->offset, time, types[r->value_type],
                             r->value_size) < 0;
    if (r->headers_size) failed = failed || buf_printf(out, "  headers %zu bytes", r->headers_size) < 0;
    if (r->has_key) failed = failed || buf_puts(out, "  key ") < 0 || append_shown(out, r->key, r->key_size) < 0;
    if (r->value_size) failed = failed || buf_puts(out, "  ") < 0 || append_shown(out, r->value, r->value_size) < 0;
    if (failed || buf_putc(out, '\n') < 0) return err_nomem(e);
    return run_flush(d->r, false, e);
}

static int print_records(struct dump *d, struct err *e) {
    const char *body;
    struct record_walk w;
    struct record r;
    int g = block_open_body(&d->h, d->stored.data, &d->raw, &body, e);
    if (g < 0) return g;
    record_walk_init(&w, &d->h, body, RECORD_LIMIT_MAX);
    while ((g = record_next(&w, &r, e)) > 0) {
        g = print_record(d, &r, e);
        if (g < 0) return g;
    }
    return g;
}

/* ---- blocks ---- */

static int print_block_json(struct dump *d, bool crc_good, struct err *e) {
    const struct block_header *h = &d->h;
    char min[TIME_TEXT_MAX], max[TIME_TEXT_MAX], id[20], producer[20], crc[12];
    time_text(h->min_time, min);
    time_text(h->max_time, max);
    (void)snprintf(id, sizeof id, "%016" PRIx64, h->topic_id);
    (void)snprintf(producer, sizeof producer, "%016" PRIx64, h->producer_id);
    (void)snprintf(crc, sizeof crc, "%08" PRIx32, h->crc32c);
    json_t *o = json_pack(
        "{s:s, s:s, s:I, s:s, s:i, s:I, s:I, s:I, s:I, s:s, s:b, s:s, s:s, s:s, s:I, s:I, s:s, s:I, s:I}", "type",
        kind_name(h), "file", d->file, "position", (json_int_t)d->at, "codec", h->codec == CODEC_ZSTD ? "zstd" : "none",
        "flags", (int)h->flags, "stored_size", (json_int_t)h->stored_size, "raw_size", (json_int_t)h->raw_size,
        "records", (json_int_t)h->records, "base_offset", (json_int_t)h->base_offset, "crc32c", crc, "crc_good",
        (int)crc_good, "min_time", min, "max_time", max, "topic_id", id, "partition", (json_int_t)h->partition,
        "log_epoch", (json_int_t)h->log_epoch, "producer_id", producer, "producer_epoch", (json_int_t)h->producer_epoch,
        "producer_seq", (json_int_t)h->producer_seq);
    if (o && h->kind == BLOCK_CONTROL)
        json_object_set_new(o, "body", json_loadb(d->stored.data, d->stored.len, JSON_REJECT_DUPLICATES, NULL));
    return run_json(d->r, o, e);
}

static int print_block(struct dump *d, bool crc_good, struct err *e) {
    const struct block_header *h = &d->h;
    struct buf *out = &d->r->out;
    char min[TIME_TEXT_MAX], max[TIME_TEXT_MAX];
    if (d->r->o->json) return print_block_json(d, crc_good, e);
    time_text(h->min_time, min);
    time_text(h->max_time, max);
    bool failed =
        buf_printf(out, "%10" PRIu64 "  %-7s  %-4s  offset %" PRIu64 "  records %u  bytes %u", d->at, kind_name(h),
                   h->codec == CODEC_ZSTD ? "zstd" : "none", h->base_offset, h->records, h->stored_size) < 0;
    if (h->codec != CODEC_NONE) failed = failed || buf_printf(out, " of %u", h->raw_size) < 0;
    if (h->kind == BLOCK_DATA) failed = failed || buf_printf(out, "  time %s to %s", min, max) < 0;
    failed = failed || buf_printf(out, "  epoch %u", h->log_epoch) < 0;
    if (h->producer_id)
        failed = failed || buf_printf(out, "  producer %016" PRIx64 "/%u #%u", h->producer_id, h->producer_epoch,
                                      h->producer_seq) < 0;
    const char *crc = !(h->flags & BLOCK_HAS_CRC) ? "no crc" : crc_good ? "crc good" : "crc BAD";
    failed = failed || buf_printf(out, "  %s\n", crc) < 0;
    if (h->kind == BLOCK_CONTROL)
        failed = failed || buf_puts(out, "            ") < 0 ||
                 safe_append(out, d->stored.data, d->stored.len, 0) < 0 || buf_putc(out, '\n') < 0;
    return failed ? err_nomem(e) : run_flush(d->r, false, e);
}

/* 1: a block; 0: the end of the file. */
static int dump_block(struct dump *d, struct err *e) {
    size_t n = 0;
    if (signals_stop()) return err_set(e, G_STOPPED, "stopped");
    int g = file_pread(d->fd, d->header, sizeof d->header, (off_t)d->at, &n, d->file, e);
    if (g < 0 || n == 0) return g;
    if (n < sizeof d->header) return err_set(e, G_CORRUPT, "the file ends inside a block header");
    g = block_header_decode(d->header, RECORD_LIMIT_MAX, &d->h, e);
    if (g < 0) return g;
    struct stat st;
    if (sys.fstat(d->fd, &st) < 0) return err_sys(e, errno, "cannot look at '%s'", d->file);
    if ((uint64_t)st.st_size - d->at - BLOCK_HEADER_SIZE < d->h.stored_size)
        return err_set(e, G_CORRUPT, "the file ends inside a block");
    buf_clear(&d->stored);
    if (buf_reserve(&d->stored, (size_t)d->h.stored_size + 1) < 0) return err_nomem(e);
    g = file_pread(d->fd, d->stored.data, d->h.stored_size, (off_t)(d->at + BLOCK_HEADER_SIZE), &n, d->file, e);
    if (g < 0) return g;
    d->stored.len = n;
    if (n < d->h.stored_size) return err_set(e, G_CORRUPT, "the file ends inside a block");
    bool good = block_check_crc(d->header, d->stored.data, n, NULL) == 0;
    g = print_block(d, good, e);
    if (g == 0 && good && d->r->o->records && d->h.kind == BLOCK_DATA) g = print_records(d, e);
    if (g == 0 && !good) {
        err_set(e, G_CORRUPT, "'%s' at byte %" PRIu64 ": block fails its check", d->file, d->at);
        run_failed(d->r, G_CORRUPT, e);
    }
    d->at += BLOCK_HEADER_SIZE + d->h.stored_size;
    return g < 0 ? g : 1;
}

static int dump_file(struct run *r, int fd, const char *file, struct err *e) {
    struct dump d = {.r = r, .fd = fd, .file = file};
    int g = r->o->json ? 0 : buf_printf(&r->out, "%s\n", file);
    if (g < 0) return err_nomem(e);
    while ((g = dump_block(&d, e)) > 0) {
    }
    if (g == G_CORRUPT) err_prefix(e, "'%s' at byte %" PRIu64 ": ", file, d.at);
    buf_release(&d.stored);
    buf_release(&d.raw);
    return g;
}

static int dump_partition(struct run *r, struct topic *t, uint32_t partition, void *ctx, struct err *e) {
    uint64_t *bases = NULL;
    size_t count = 0;
    (void)ctx;
    if (partition >= t->partitions)
        return err_set(e, G_USAGE, "topic '%s' has %u partitions; there is no partition %u", t->name, t->partitions,
                       partition);
    int dir = topic_partition_dir(t, partition, false, e);
    if (dir < 0) return dir;
    int g = segment_list(dir, &bases, &count, e);
    for (size_t i = 0; g == 0 && i < count; i++) {
        char name[SEGMENT_NAME_BYTES], shown[TOPIC_NAME_MAX + 64];
        segment_name(name, bases[i], ".leat");
        (void)snprintf(shown, sizeof shown, "%s/%u/%s", t->name, partition, name);
        int fd = sys.open_beneath(dir, name, O_RDONLY, 0);
        if (fd < 0) continue; /* removed meanwhile */
        g = dump_file(r, fd, shown, e);
        sys.close(fd);
        if (g == G_CORRUPT) {
            run_failed(r, g, e); /* the next segment may be sound */
            g = 0;
        }
    }
    free(bases);
    sys.close(dir);
    return g;
}

/* "clicks" or "clicks/3". */
static int dump_topic(struct run *r, const char *operand, struct err *e) {
    char name[TOPIC_NAME_MAX + 1];
    struct topic t;
    uint64_t partition = 0;
    const char *slash = strchr(operand, '/');
    size_t n = slash ? (size_t)(slash - operand) : strlen(operand);
    if (n > TOPIC_NAME_MAX) return err_set(e, G_USAGE, "'%s' is neither a topic nor a file", operand);
    (void)snprintf(name, sizeof name, "%.*s", (int)n, operand);
    if (slash && number_parse_u64(slash + 1, strlen(slash + 1), 0, TOPIC_PARTITIONS_MAX, &partition, NULL) < 0)
        return err_set(e, G_ABSENT, "'%s' is neither a partition nor a file", operand);
    if (r->no_log.grade) {
        *e = r->no_log;
        return e->grade;
    }
    int g = topic_open(&t, &r->log, name, e);
    if (g < 0) return g;
    g = slash ? dump_partition(r, &t, (uint32_t)partition, NULL, e) : each_partition(r, &t, dump_partition, NULL, e);
    topic_close(&t);
    return g;
}

/* A file is named by a path, or by a name that ends like that of a segment. */
static bool is_file(const char *operand) {
    struct stat st;
    size_t n = strlen(operand);
    bool looks = strchr(operand, '/') || (n > 5 && strcmp(operand + n - 5, ".leat") == 0);
    return looks && stat(operand, &st) == 0 && S_ISREG(st.st_mode);
}

int command_dump(struct run *r, struct err *e) {
    int g = 0;
    for (size_t i = 0; g == 0 && i < r->args->operands; i++) {
        const char *operand = r->args->operand[i];
        if (!is_file(operand)) {
            g = dump_topic(r, operand, e);
        } else {
            int fd = sys.openat(AT_FDCWD, operand, O_RDONLY, 0);
            g = fd < 0 ? err_sys(e, errno, "cannot open '%s'", operand) : dump_file(r, fd, operand, e);
            if (fd >= 0) sys.close(fd);
        }
        if (g < 0 && g != G_PIPE && g != G_STOPPED && g != G_NOMEM) {
            run_failed(r, g, e);
            g = 0;
        }
    }
    return g;
}
