/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Segment files: names, the `segment` control block, and one walk over the blocks of a file that reading, recovery,
 * verification, cleaning and the index share. leat-log(5), section "Segment".
 */
#ifndef LEAT_LOG_SEGMENT_H
#define LEAT_LOG_SEGMENT_H

#include <stdbool.h>

#include "stream/block.h"

#define SEGMENT_NAME_BYTES 32 /* 20 digits, a suffix, NUL */

void segment_name(char out[SEGMENT_NAME_BYTES], uint64_t base, const char *suffix);

/* All base offsets in a partition directory, ascending; free the array. */
int segment_list(int dir, uint64_t **ret_bases, size_t *ret_count, struct err *e) NODISCARD;

struct offset_range {
    uint64_t from, to; /* half-open */
};

/* What the first block of a segment says. Zero-initialise; segment_info_release frees `lost`. */
struct segment_info {
    uint64_t base;
    uint32_t epoch;
    int64_t created_ns;   /* wall clock */
    int64_t monotonic_ns; /* boot clock */
    uint64_t boot_id;
    int64_t running_max; /* latest record time before this segment; NO_TIME: none */
    bool has_previous;
    struct {
        uint64_t base, end_offset, size;
        uint32_t crc32c, epoch;
    } previous;
    struct offset_range *lost;
    size_t lost_count;
    bool rewritten, compacted;
    uint32_t generation;
    uint64_t end_offset; /* rewritten: one more than the last offset when it was sealed */
    uint64_t orig_size;  /* rewritten */
    uint32_t orig_crc32c;
    uint64_t head_bytes; /* size of the segment block: where the first data block is */
};
void segment_info_release(struct segment_info *s);

/* Identity that every block of a partition must carry. */
struct segment_identity {
    uint64_t topic_id;
    uint32_t partition;
};

/* Read and check the first block. G_CORRUPT, G_TRUNCATED when the file has no whole one. */
int segment_read_info(int fd, const struct segment_identity *id, uint64_t base, struct segment_info *ret,
                      struct err *e) NODISCARD;

/* The same from the first `n` bytes of a file. G_TRUNCATED: ret->head_bytes are needed. */
int segment_decode_info(const char *bytes, size_t n, const struct segment_identity *id, uint64_t base,
                        struct segment_info *ret, struct err *e) NODISCARD;

/* The base of the first segment whose epoch is above this one (UINT64_MAX: there is none) and that epoch: where the
 * offsets of an epoch end, and what was read or written beyond it is gone. */
int segment_epoch_end(int dir, const struct segment_identity *id, uint32_t epoch, uint64_t *ret_end,
                      uint32_t *ret_epoch, struct err *e) NODISCARD;

/* The encoded, sealed segment block, appended to b. */
int segment_encode_info(struct buf *b, const struct segment_identity *id, const struct segment_info *s,
                        struct err *e) NODISCARD;

/* A walk over the data blocks of a segment file. */
struct segment_walk {
    int fd;
    struct segment_identity id;
    const struct segment_info *info; /* not owned */
    uint64_t limit;                  /* bytes of the file that may be used */
    size_t record_limit;
    bool check_bodies; /* read and CRC-check each body; else headers only */
    /* the block that was found */
    uint64_t at;          /* its position */
    uint64_t next_at;     /* behind it */
    uint64_t next_offset; /* offset expected next */
    struct block_header h;
    uint8_t header[BLOCK_HEADER_SIZE];
    const char *stored; /* with check_bodies: its stored body, until the next call */
    struct buf window;
    uint64_t window_at;
};

/* Begin at a position that is known to be the start of a block with this offset. */
void segment_walk_init(struct segment_walk *w, int fd, const struct segment_identity *id,
                       const struct segment_info *info, uint64_t limit, uint64_t at, uint64_t next_offset);
void segment_walk_release(struct segment_walk *w);

/* 0: a block; G_EOF: exactly at the limit; G_TRUNCATED: a block begins that the limit cuts; G_CORRUPT; G_IO. On an
 * error, `at` is where the trouble is. */
int segment_walk_next(struct segment_walk *w, struct err *e) NODISCARD;

/* Header and stored body of the block that was found last, if they are in memory: until the next call. */
static inline const char *segment_walk_bytes(const struct segment_walk *w) {
    bool held = w->at >= w->window_at && w->next_at <= w->window_at + w->window.len;
    return held ? w->window.data + (w->at - w->window_at) : NULL;
}

/* Offset behind the block that was found last. In a compacted segment the last record decides, so the body is read. */
static inline uint64_t segment_block_end(const struct block_header *h) {
    return h->base_offset + h->records;
}

#endif
