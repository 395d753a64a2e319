/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Cleaning a partition: retention, trimming, compression and compaction of sealed segments, and what programs that died
 * left behind. leat-log(5). One cleaner at a time (the clean lock); appenders and readers go on meanwhile, and a crash
 * at any point leaves a log that means the same.
 */
#ifndef LEAT_LOG_CLEAN_H
#define LEAT_LOG_CLEAN_H

#include "log/partition.h"

enum maintain_what {
    MAINTAIN_RETENTION = 1, /* by the topic's retention_age and retention_size */
    MAINTAIN_COMPRESS = 2,  /* sealed segments that are not, if the topic's codec is zstd */
    MAINTAIN_COMPACT = 4,   /* if the topic's setting says so and half of the sealed bytes never were */
    MAINTAIN_SWEEP = 8,     /* leftovers that are more than an hour old */
    MAINTAIN_ALL = 15,
    MAINTAIN_FORCE = 16, /* compact in any case */
    MAINTAIN_WAIT = 32   /* wait for another cleaner to finish instead of leaving it to that one */
};

struct maintain_report {
    bool busy;      /* another cleaner was at it: nothing was done */
    uint64_t start; /* first offset that is kept */
    uint64_t removed_segments, removed_bytes;
    uint64_t compressed_segments, compacted_segments;
    uint64_t rewritten_before, rewritten_after; /* bytes of the segments that were written anew */
    uint64_t dropped_records;                   /* by compaction */
    uint64_t swept;                             /* leftovers */
};

/* What a producer calls after a roll, and `topic compact` for everything. Damage in a segment leaves that segment as it
 * is; everything else is still done, and G_CORRUPT is returned. */
int partition_maintain(struct topic *t, uint32_t partition, unsigned what, struct maintain_report *ret,
                       struct err *e) NODISCARD;

/* Records below `offset` are gone (at most up to the stable end). With `execute` false only the report is made. */
int partition_trim(struct topic *t, uint32_t partition, uint64_t offset, bool execute, struct maintain_report *ret,
                   struct err *e) NODISCARD;

/* clean.c, for compact.c and repair.c: a partition under the clean lock, as it is now. */
struct cleaner {
    struct partition p;
    bool locked;
    uint64_t *bases;      /* of all segments, ascending */
    size_t count, sealed; /* the first `sealed` of them may be cleaned */
    uint64_t start;
};
/* 1: another cleaner has the lock (without `wait`). */
int cleaner_open(struct cleaner *c, struct topic *t, uint32_t partition, bool wait, struct err *e) NODISCARD;
void cleaner_close(struct cleaner *c);

/* Segments are written anew only when they are durable to their end, whatever the topic's sync policy. */
int cleaner_make_durable(struct cleaner *c, uint64_t offset, struct err *e) NODISCARD;

/* compact.c */
int compact_partition(struct cleaner *c, bool force, struct maintain_report *r, struct err *e) NODISCARD;

#endif
