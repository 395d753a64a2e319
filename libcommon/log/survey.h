/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A look at every byte of a partition that finds all its damage instead of stopping at the first: what `topic verify`
 * tells and `topic repair` mends. Nothing is changed. leat-log(5) says what must hold.
 */
#ifndef LEAT_LOG_SURVEY_H
#define LEAT_LOG_SURVEY_H

#include "log/partition.h"

/* One fault of a segment. */
struct fault {
    uint64_t at, to; /* the bytes [at, to) of the file that cannot be used; equal: nothing is wrong with the bytes */
    uint64_t from, until; /* the offsets [from, until) that are lost with it; equal: none */
    char what[200];
};

struct surveyed_segment {
    uint64_t base, bound; /* its offsets lie in [base, bound); UINT64_MAX: it is the last one */
    bool missing;         /* there is no file, but the segment behind tells of one */
    bool head_ok;         /* its first block could be read; else `info` is put together from what is known */
    bool chain_ok;        /* it is the one that the segment behind follows */
    struct segment_info info;
    uint64_t file_size, limit; /* limit: bytes that count */
    uint64_t first_data;       /* where the first data block is */
    uint64_t first_offset;     /* of the first block, if there are records */
    uint64_t end_offset;       /* behind the last record */
    uint32_t last_crc32c;      /* of the last whole block */
    int64_t min_time, max_time;
    uint64_t blocks, records;
    bool packed;   /* a block is compressed */
    uint64_t torn; /* last segment: bytes behind the durable end that are not whole and that a recovery will cut */
    struct fault *faults;
    size_t fault_count;
};

struct survey {
    struct partition *p; /* not owned */
    struct surveyed_segment *segments;
    size_t count;
    /* the tail page, as it was */
    bool tail_valid, tail_current;
    bool tail_blank; /* it was never made, or somebody died while it was */
    uint64_t written_size, written_offset, stable_offset, synced_offset, tail_start;
    uint64_t tail_segment;
    uint32_t tail_epoch, tail_state, appending;
    const char *tail_fault; /* a word of it cannot be right; NULL: none was found */
    uint64_t durable;       /* records below were acknowledged, or seen by a reader */
    uint64_t file_start;    /* what the file `start` says */
    bool start_there, start_ok;
    uint64_t start;     /* records below are not wanted any more */
    uint64_t end;       /* one more than the highest offset that is there, or was acknowledged */
    bool missing_below; /* segments before the first one are missing, with the offsets from here on */
    uint64_t missing_from;
    uint64_t *strays; /* bases of files that are not part of the chain: none before or behind knows of them */
    size_t stray_count;
    uint64_t leftovers; /* segments wholly below the start, which were not looked at */
};

enum survey_flags {
    SURVEY_JSON = 1,  /* check the JSON of each value */
    SURVEY_LOCKED = 2 /* the caller holds the append lock */
};

/* Segments, in their order, that were looked at before. One with head_ok is without a fault and the same file still, so
 * that it is not read again; the others are. The survey takes what they own. */
struct survey_seen {
    struct surveyed_segment *segments;
    size_t count;
};
void survey_seen_release(struct survey_seen *seen);

/* p is open in the mode PARTITION_CLEAN. Faults are no error; G_IO and the like are. `seen`: NULL, nothing. */
int survey_partition(struct survey *s, struct partition *p, unsigned flags, struct survey_seen *seen,
                     struct err *e) NODISCARD;
void survey_release(struct survey *s);

/* survey_segment.c: one file. info.base, bound and what is known of `limit` (0: the file) are set; the rest is filled
 * in. `durable`: the last segment's whole blocks must lead there. */
struct segment_look {
    const struct survey *survey;
    struct surveyed_segment *segment;
    struct json_validator *json; /* or NULL */
};
int survey_segment(const struct segment_look *l, struct err *e) NODISCARD;

/* Add a fault; G_NOMEM. */
int survey_fault(struct surveyed_segment *s, uint64_t at, uint64_t to, uint64_t from, uint64_t until, struct err *e,
                 const char *fmt, ...) NODISCARD PRINTF_LIKE(7, 8);

#endif
