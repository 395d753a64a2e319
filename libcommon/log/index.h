/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The sparse index of a segment: leat-log(5), section "Index". Derived from the segment, used only when it agrees with
 * it, and rebuilt otherwise; nothing is lost with it.
 */
#ifndef LEAT_LOG_INDEX_H
#define LEAT_LOG_INDEX_H

#include <stdbool.h>

#include "log/segment.h"

#define INDEX_STRIDE_BYTES (64u << 10)

struct index_entry {
    uint64_t offset, position;
    int64_t max_before; /* latest record time of the segment before this block; NO_TIME: none */
};

struct index {
    struct segment_identity id;
    uint64_t base;
    uint32_t generation;
    uint64_t covered; /* bytes of the segment */
    struct index_entry *entries;
    size_t count, cap;
    /* known after a build or a load */
    uint64_t end_offset;  /* behind the last record */
    int64_t max_time;     /* latest record time; NO_TIME: none */
    uint32_t last_crc32c; /* of the last block, the segment block if there is no other */
};

void index_release(struct index *x);

/* From the segment's headers, up to `size` bytes. */
int index_build(struct index *x, int fd, const struct segment_identity *id, const struct segment_info *info,
                uint64_t size, struct err *e) NODISCARD;

/* The bytes of BASE.idx, appended. */
int index_encode(const struct index *x, struct buf *b, struct err *e) NODISCARD;

/* Write BASE.idx, at best: a failure is not reported, as nothing depends on it. Not `durable`: a power cut may leave
 * anything of it, and the recovery behind it removes it. */
void index_save(const struct index *x, int dir, bool durable);

/* Read BASE.idx if it is there and describes exactly this segment, else build. */
int index_load_or_build(struct index *x, int dir, int fd, const struct segment_identity *id,
                        const struct segment_info *info, uint64_t size, struct err *e) NODISCARD;

/* The last entry at or below the offset; the last one whose block begins before any record of time >= t was passed. */
const struct index_entry *index_find_offset(const struct index *x, uint64_t offset);
const struct index_entry *index_find_time(const struct index *x, int64_t t);

#endif
