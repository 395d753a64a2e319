/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Verification of a topic: every file of it, and everything in them that is not as leat-log(5) says, with what it
 * costs. Nothing is changed. Called by `topic verify`; repair.h mends.
 */
#ifndef LEAT_LOG_VERIFY_H
#define LEAT_LOG_VERIFY_H

#include "log/survey.h"

enum damage_weight {
    DAMAGE_NOTE,    /* nothing is wrong: worth knowing */
    DAMAGE_DERIVED, /* wrong, but made again from the segments without loss */
    DAMAGE_LOSS     /* wrong; `from` and `until` tell the offsets that it costs, if any */
};

struct damage {
    enum damage_weight weight;
    int64_t partition;    /* -1: of the whole topic */
    char file[300];       /* beneath the root of the log */
    uint64_t at, to;      /* bytes [at, to) of the file; equal: no place in it */
    uint64_t from, until; /* offsets [from, until) */
    char what[240];
};

struct verification {
    struct damage *list;
    size_t count;
    size_t faults; /* in the list that are more than notes */
    uint64_t partitions, segments, blocks, records, bytes, lost;
};
void verification_release(struct verification *v);

/* One partition. It waits for a cleaner that is at work, and holds off others. */
int verify_partition(struct topic *t, uint32_t partition, bool json, struct verification *v, struct err *e) NODISCARD;

/* What belongs to the topic as a whole: topic.json, the positions of groups. `name` may be of a topic that cannot be
 * opened; `t` is NULL then. */
int verify_topic_files(const struct log *log, const char *name, const struct topic *t, struct verification *v,
                       struct err *e) NODISCARD;

/* Is the index of a segment, whole itself, exactly what it should be? */
int verify_index(const struct survey *s, const struct surveyed_segment *seg, struct verification *v,
                 struct err *e) NODISCARD;

/* verify_positions.c */
int verify_positions(const struct log *log, const struct topic *t, struct verification *v, struct err *e) NODISCARD;

/* The next line of the list, zeroed, or NULL: out of memory. */
struct damage *verification_add(struct verification *v, enum damage_weight weight, int64_t partition);

#endif
