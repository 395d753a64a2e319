/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Watermarks: up to where event time is complete. Each source of the input (a partition of a topic; everything that has
 * none is one source) has the largest time seen, less what it may be out of order, and what its `watermark` control
 * blocks promise. The watermark of the stream is the least of its sources that are not idle, and never goes back. A
 * record whose time is below it is late.
 *
 * As Flink has it: bounded out-of-orderness, idleness, alignment by the minimum; half-open, so that a window ending at
 * the watermark is complete; and when all are idle, the furthest of them counts, so that the order in which they became
 * idle does not matter. Akidau et al., "The Dataflow Model" (VLDB 2015).
 */
#ifndef LEAT_STREAM_WATERMARK_H
#define LEAT_STREAM_WATERMARK_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "stream/reader.h"

#define WATERMARK_NONE INT64_MIN /* nothing is known yet */
#define WATERMARK_END INT64_MAX  /* nothing will follow */

struct watermark_source {
    uint64_t topic_id;
    uint32_t partition;
    char *topic;      /* its name, or NULL */
    int64_t max_time; /* of its records; WATERMARK_NONE before the first */
    int64_t mark;     /* its own watermark */
    int64_t seen_ns;  /* monotonic clock of the first look after it last had something; for the idle timeout */
    bool fresh;       /* it had something since the last look */
    bool idle;        /* holds nothing back until its next record, watermark or announcement */
    bool told;        /* there are watermark blocks for it */
    bool awaited;     /* it comes from a snapshot, and this run has had nothing of it */
};

struct watermarks {
    int64_t out_of_order_ns, idle_timeout_ns;
    struct watermark_source *sources;
    size_t count, cap;
    size_t holder;  /* the source with the least mark; count when all are idle or there is none */
    int64_t others; /* no mark of one beside the holder that is not idle is below this */
    size_t found;   /* the source that was looked up last */
    int64_t whole;  /* what watermarks for the whole stream have promised */
    int64_t now;    /* of the stream */
    bool awaiting;  /* sources may be awaited */
};

/* `out_of_order_ns` below 0: a source is believed where it has watermark blocks, and in order where it has none. From 0
 * on it counts for every source, and watermark blocks only raise its mark. `idle_timeout_ns` below 0: none. */
void watermarks_init(struct watermarks *w, int64_t out_of_order_ns, int64_t idle_timeout_ns);
void watermarks_release(struct watermarks *w);

/* The source of data blocks with this header, made if it is new; `topic` may be NULL. Its index stays the same. A new
 * one holds the watermark back until it has a record, a watermark, or is idle. */
int watermarks_source(struct watermarks *w, uint64_t topic_id, uint32_t partition, const char *topic, size_t *ret,
                      struct err *e) NODISCARD;

/* A record of it came: afterwards w->now is the watermark. The record itself is judged by what w->now was before. A
 * record of the last nanosecond does not end the stream: WATERMARK_END comes from control blocks only. */
void watermarks_raise(struct watermarks *w, size_t source, int64_t time);
static inline void watermarks_record(struct watermarks *w, size_t source, int64_t time) {
    struct watermark_source *s = &w->sources[source];
    s->fresh = true;
    if (time > s->max_time || s->idle) watermarks_raise(w, source, time);
}

/* A control block of type source, watermark or idle; others are ignored. One of the whole stream (topic_id 0) counts
 * for every source: a watermark for those that come later, too. A watermark of WATERMARK_NONE only says that others
 * will follow. A source that is announced again is no longer idle. */
int watermarks_control(struct watermarks *w, const struct block *b, struct err *e) NODISCARD;

/* With an idle timeout: which sources had a record since the last look, and which have had none for too long? `now_ns`
 * is the monotonic clock; call it now and then while records come, and when the input is idle. Returns how long from
 * now on the next source could become idle; below 0: none can. A source that never had a record counts from the first
 * look after it was made. */
int64_t watermarks_tick(struct watermarks *w, int64_t now_ns);

/* "clicks/3 holds the watermark back by 4.2s" for -v and --stats: the source, and how far the furthest source is ahead
 * of it in ns, -1 when it had nothing yet. NULL when there are not two sources that are not idle, or nothing is held
 * back; those at WATERMARK_END do not count. */
const struct watermark_source *watermarks_holder(const struct watermarks *w, int64_t *ret_behind_ns);

/* For snapshots: a JSON object (NULL: no memory), and back. G_CORRUPT leaves *w as it was. A source that comes from a
 * snapshot holds the watermark back where it was, but only if this run has it, too: those that were neither announced
 * nor had a block when the first record, watermark or idle comes are idle. */
json_t *watermarks_save(const struct watermarks *w);
int watermarks_load(struct watermarks *w, const json_t *saved, struct err *e) NODISCARD;

#endif
