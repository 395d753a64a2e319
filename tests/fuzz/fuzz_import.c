/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An archive whose container and manifest are in order, and whose segments are any bytes: what an import takes is sound
 * when it is verified, has the records that it says, and can be appended to; what it refuses leaves nothing behind.
 * Byte 0: bits 0 and 1 are the start of the partition in fours; bit 2 puts CRCs and identities of all blocks right; bit
 * 3 imports beside a topic of the same identity. Then segments: u16 size, bytes.
 */
#include <sys/mman.h>

#include "base/crc32c.h"
#include "log/archive.h"
#include "log/archive_manifest.h"
#include "log/segment.h"
#include "log/verify.h"
#include "log_dir.h"

#define SEGMENTS 8
#define NEW_ID UINT64_C(0x1234)

struct content {
    uint8_t *p;
    size_t n;
};

/* What the manifest must say of a segment for it to have a chance. */
static void look(const struct content *c, struct manifest_segment *m) {
    struct block_header h;
    *m = (struct manifest_segment){.size = c->n, .min_time = NO_TIME, .max_time = NO_TIME};
    m->crc32c = crc32c(0, c->p, c->n);
    for (size_t at = 0; c->n - at >= BLOCK_HEADER_SIZE; at += BLOCK_HEADER_SIZE + h.stored_size) {
        if (block_header_decode(c->p + at, RECORD_LIMIT_MAX, &h, NULL) < 0) break;
        if (at == 0) m->offset = m->end_offset = h.base_offset;
        if (h.stored_size > c->n - at - BLOCK_HEADER_SIZE) break;
        if (h.kind != BLOCK_DATA) continue;
        m->records += h.records;
        m->end_offset = segment_block_end(&h);
        if (h.min_time != NO_TIME && (m->min_time == NO_TIME || h.min_time < m->min_time)) m->min_time = h.min_time;
        if (h.max_time > m->max_time) m->max_time = h.max_time;
    }
}

static int write_archive(const struct manifest *m, const struct content *contents) {
    struct archive_writer *w;
    struct buf text = {0};
    char name[MANIFEST_NAME_MAX];
    int fd = memfd_create("archive", MFD_CLOEXEC);
    REQUIRE(fd >= 0 && archive_writer_open(&w, fd, "x", ARCHIVE_TAR, NULL) == 0);
    REQUIRE(manifest_encode(m, &text, NULL) == 0);
    REQUIRE(archive_writer_entry(w, "f/" MANIFEST_FILE, text.len, NULL) == 0);
    REQUIRE(archive_writer_data(w, text.data, text.len, NULL) == 0);
    for (size_t i = 0; i < m->partitions[0].count; i++) {
        manifest_entry_name(name, "f", 0, m->partitions[0].segments[i].offset);
        REQUIRE(archive_writer_entry(w, name, contents[i].n, NULL) == 0);
        REQUIRE(archive_writer_data(w, contents[i].p, contents[i].n, NULL) == 0);
    }
    REQUIRE(archive_writer_close(w, NULL) == 0 && lseek(fd, 0, SEEK_SET) == 0);
    archive_writer_free(w);
    buf_release(&text);
    return fd;
}

static void check_topic(uint64_t records) {
    struct topic t;
    struct partition p;
    struct verification v = {0};
    struct err e = {0};
    REQUIRE(topic_open(&t, &log_dir.log, "f", &e) == 0);
    REQUIRE(verify_partition(&t, 0, true, &v, &e) == 0);
    REQUIRE(v.faults == 0 && v.records == records);
    verification_release(&v);
    REQUIRE(partition_open(&p, &t, 0, PARTITION_APPEND, &e) == 0);
    partition_close(&p);
    REQUIRE(verify_partition(&t, 0, true, &v, &e) == 0 && v.faults == 0 && v.records == records);
    verification_release(&v);
    REQUIRE(topic_delete(&t, &e) == 0);
    topic_close(&t);
}

static int no_entry(void *ctx, const char *name) {
    (void)ctx;
    (void)name;
    return 1;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct input in = {data, size};
    struct content contents[SEGMENTS];
    struct manifest m = {.topic = "f", .settings = topic_settings_default, .partition_count = 1};
    struct import_report r;
    struct err e = {0};
    log_dir_init();
    unsigned flags = input_byte(&in);
    m.topic_id = flags & 8 ? LOG_DIR_TOPIC_ID : NEW_ID;
    m.partitions = calloc(1, sizeof *m.partitions);
    REQUIRE(m.partitions);
    struct manifest_partition *p = m.partitions;
    while (in.n > 0 && p->count < SEGMENTS) {
        struct content *c = &contents[p->count];
        struct input bytes = input_take(&in, (size_t)input_number(&in, 2));
        struct block_header like = {.topic_id = m.topic_id};
        *c = (struct content){exact_copy(bytes.p, bytes.n), bytes.n};
        if (bytes.n >= BLOCK_HEADER_SIZE) like.log_epoch = get_u32_le(c->p + 60);
        if (flags & 4) seal_blocks(c->p, c->n, &like);
        struct manifest_segment *s = manifest_add(p);
        REQUIRE(s);
        look(c, s);
        if (p->count > 1) s[-1].end_offset = s->offset;
        p->end = s->end_offset;
    }
    p->start = p->count ? p->segments[0].offset + (flags & 3) * 4 : 0;
    if (p->end < p->start) p->end = p->start;
    uint64_t records = 0;
    for (size_t i = 0; i < p->count; i++) records += p->segments[i].records;
    int fd = write_archive(&m, contents);
    int g = topic_import(&log_dir.log, &(struct import_request){.fd = fd, .name = "x"}, &r, &e);
    close(fd);
    for (size_t i = 0; i < p->count; i++) free(contents[i].p);
    manifest_release(&m);
    REQUIRE(g == 0 || ((g == G_CORRUPT || g == G_TRUNCATED || g == G_DATA) && e.text[0]));
    if (g == 0) check_topic(records);
    int tmp = dir_open(log_dir.log.root, "tmp", false, NULL);
    REQUIRE(tmp < 0 || dir_each(tmp, no_entry, NULL, NULL) == 0);
    if (tmp >= 0) close(tmp);
    return 0;
}
