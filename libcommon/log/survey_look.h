/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A segment while its blocks are looked at: what the look at a file (survey_segment.c) and the look at bytes that pass
 * (survey_passing.c) share. Both leave the same in the same struct surveyed_segment.
 */
#ifndef LEAT_LOG_SURVEY_LOOK_H
#define LEAT_LOG_SURVEY_LOOK_H

#include "log/survey.h"
#include "json/validate.h"

struct look {
    const struct segment_look *l;
    struct surveyed_segment *s;
    const struct segment_identity *id;
    uint64_t durable; /* records below must be there */
    int fd;
    uint64_t block_at;           /* the block whose records are checked */
    struct json_validator *json; /* or NULL */
    struct buf raw, search, candidate;
};

/* The block that the walk found, at whose beginning `expected` was the next offset: what it holds is checked and
 * counted. What is wrong with it is a fault of the segment, and no error. */
int look_at_block(struct look *k, const struct segment_walk *w, uint64_t expected, struct err *e) NODISCARD;

/* The walk came to the end of the segment at offset `end`. */
int look_at_end(struct look *k, uint64_t end, struct err *e) NODISCARD;

#endif
