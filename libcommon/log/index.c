/* SPDX-License-Identifier: Apache-2.0 */
/* The sparse index of a segment. See index.h and leat-log(5). */
#include "log/index.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/crc32c.h"
#include "base/endian.h"
#include "sys/file.h"
#include "sys/sys.h"

#define HEAD_BYTES 64u
#define ENTRY_BYTES 24u
#define OFF_INDEX_CRC 48

void index_release(struct index *x) {
    if (!x) return;
    free(x->entries);
    *x = (struct index){0};
}

static int add_entry(struct index *x, uint64_t offset, uint64_t position, int64_t max_before) {
    if (x->count == x->cap) {
        size_t cap = x->cap ? x->cap * 2 : 256;
        struct index_entry *p = realloc(x->entries, cap * sizeof *p);
        if (!p) return G_NOMEM;
        x->entries = p;
        x->cap = cap;
    }
    x->entries[x->count++] = (struct index_entry){offset, position, max_before};
    return 0;
}

static uint32_t crc_of_head(int fd) {
    uint8_t header[BLOCK_HEADER_SIZE];
    size_t n = 0;
    if (file_pread(fd, header, sizeof header, 0, &n, "segment", NULL) < 0 || n < sizeof header) return 0;
    return get_u32_le(header + 12);
}

/* Walk on from the entry found last (or the beginning) to the end of the segment. */
static int walk_rest(struct index *x, int fd, const struct segment_info *info, struct err *e) {
    const struct index_entry *last = x->count ? &x->entries[x->count - 1] : NULL;
    struct segment_walk w;
    segment_walk_init(&w, fd, &x->id, info, x->covered, last ? last->position : info->head_bytes,
                      last ? last->offset : info->base);
    x->end_offset = w.next_offset;
    x->max_time = last ? last->max_before : NO_TIME;
    x->last_crc32c = last ? 0 : crc_of_head(fd);
    int g;
    while ((g = segment_walk_next(&w, e)) == 0) {
        if (x->count == 0 || w.at - x->entries[x->count - 1].position >= INDEX_STRIDE_BYTES)
            if (add_entry(x, w.h.base_offset, w.at, x->max_time) < 0) {
                g = err_nomem(e);
                break;
            }
        if (w.h.max_time > x->max_time) x->max_time = w.h.max_time;
        x->last_crc32c = w.h.crc32c;
    }
    x->end_offset = w.next_offset;
    if (info->rewritten && info->end_offset > x->end_offset) x->end_offset = info->end_offset;
    segment_walk_release(&w);
    return g == G_EOF ? 0 : g;
}

int index_build(struct index *x, int fd, const struct segment_identity *id, const struct segment_info *info,
                uint64_t size, struct err *e) {
    *x = (struct index){.id = *id, .base = info->base, .generation = info->generation, .covered = size};
    int g = walk_rest(x, fd, info, e);
    if (g < 0) index_release(x);
    return g;
}

static void encode(const struct index *x, char *out) {
    memset(out, 0, HEAD_BYTES);
    memcpy(out, "LEATINDX", 8);
    put_u32_le(out + 8, 1);
    put_u32_le(out + 12, x->id.partition);
    put_u64_le(out + 16, x->id.topic_id);
    put_u64_le(out + 24, x->base);
    put_u64_le(out + 32, x->covered);
    put_u32_le(out + 40, x->generation);
    put_u32_le(out + 44, (uint32_t)x->count);
    char *at = out + HEAD_BYTES;
    for (size_t i = 0; i < x->count; i++, at += ENTRY_BYTES) {
        put_u64_le(at, x->entries[i].offset);
        put_u64_le(at + 8, x->entries[i].position);
        put_i64_le(at + 16, x->entries[i].max_before);
    }
    put_u32_le(out + OFF_INDEX_CRC, crc32c(0, out + HEAD_BYTES, x->count * ENTRY_BYTES));
}

int index_encode(const struct index *x, struct buf *b, struct err *e) {
    size_t n = HEAD_BYTES + x->count * ENTRY_BYTES;
    if (buf_reserve(b, n) < 0) return err_nomem(e);
    encode(x, b->data + b->len);
    b->len += n;
    return 0;
}

void index_save(const struct index *x, int dir, bool durable) {
    size_t n = HEAD_BYTES + x->count * ENTRY_BYTES;
    char *bytes = malloc(n);
    char name[SEGMENT_NAME_BYTES], tmp[SEGMENT_NAME_BYTES + 8];
    if (!bytes) return;
    encode(x, bytes);
    segment_name(name, x->base, ".idx");
    (void)snprintf(tmp, sizeof tmp, "%s.tmp", name);
    int fd = sys.open_beneath(dir, tmp, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    if (fd >= 0) {
        int g = file_pwrite_all(fd, bytes, n, 0, tmp, NULL);
        if (g == 0 && durable) g = sys.fdatasync(fd);
        if (sys.close(fd) == 0 && g == 0) (void)sys.renameat(dir, tmp, dir, name);
    }
    free(bytes);
}

static bool describes(const char *p, size_t n, const struct segment_identity *id, const struct segment_info *info,
                      uint64_t size) {
    if (n < HEAD_BYTES || memcmp(p, "LEATINDX", 8) != 0 || get_u32_le(p + 8) != 1) return false;
    return get_u32_le(p + OFF_INDEX_CRC) == crc32c(0, p + HEAD_BYTES, n - HEAD_BYTES) &&
           get_u32_le(p + 12) == id->partition && get_u64_le(p + 16) == id->topic_id &&
           get_u64_le(p + 24) == info->base && get_u64_le(p + 32) == size && get_u32_le(p + 40) == info->generation &&
           n == HEAD_BYTES + (size_t)get_u32_le(p + 44) * ENTRY_BYTES;
}

/* Entries that rise and lie in the segment; the last one is looked at in the file by the walk that follows. */
static int decode(struct index *x, const char *p, const struct segment_info *info) {
    size_t count = get_u32_le(p + 44);
    p += HEAD_BYTES;
    for (size_t i = 0; i < count; i++, p += ENTRY_BYTES) {
        uint64_t offset = get_u64_le(p), position = get_u64_le(p + 8);
        const struct index_entry *last = i ? &x->entries[i - 1] : NULL;
        if (offset < info->base || position < info->head_bytes || position >= x->covered) return G_CORRUPT;
        if (last && (offset <= last->offset || position <= last->position)) return G_CORRUPT;
        if (add_entry(x, offset, position, get_i64_le(p + 16)) < 0) return G_NOMEM;
    }
    return 0;
}

int index_load_or_build(struct index *x, int dir, int fd, const struct segment_identity *id,
                        const struct segment_info *info, uint64_t size, struct err *e) {
    struct buf bytes = {0};
    char name[SEGMENT_NAME_BYTES];
    segment_name(name, info->base, ".idx");
    *x = (struct index){.id = *id, .base = info->base, .generation = info->generation, .covered = size};
    /* an entry stands for 64 KiB: a larger file cannot describe this segment */
    size_t most = HEAD_BYTES + (size_t)(size / INDEX_STRIDE_BYTES + 2) * ENTRY_BYTES;
    bool good = file_load(dir, name, most, &bytes, NULL) == 0 && describes(bytes.data, bytes.len, id, info, size) &&
                decode(x, bytes.data, info) == 0 && walk_rest(x, fd, info, NULL) == 0;
    buf_release(&bytes);
    if (good) return 0;
    index_release(x);
    return index_build(x, fd, id, info, size, e);
}

const struct index_entry *index_find_offset(const struct index *x, uint64_t offset) {
    size_t lo = 0, hi = x->count;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        if (x->entries[mid].offset <= offset)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo ? &x->entries[lo - 1] : NULL;
}

const struct index_entry *index_find_time(const struct index *x, int64_t t) {
    size_t lo = 0, hi = x->count;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        if (x->entries[mid].max_before < t)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo ? &x->entries[lo - 1] : NULL;
}
