/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Progress of long work on stderr, and totals at exit (--stats).
 *
 * The caller keeps the counts and calls progress_tick once a record or block; the tick looks at a coarse clock every
 * so many calls (as many as pass in about 20 ms), and draws at most five times a second. The line is taken away at the
 * end and by every message. It is shown by itself only where stderr is a terminal and stdout is not, so that it never
 * gets into a log file or between lines of output, and not with --quiet; --progress and --no-progress override.
 */
#ifndef LEAT_CLI_PROGRESS_H
#define LEAT_CLI_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "cli/common.h"

struct progress {
    /* Counts; the caller's. */
    uint64_t records_in, bytes_in;
    uint64_t records_out, bytes_out;
    uint64_t bad, late;
    uint64_t dropped; /* records that a destination was spared; told where `may_drop` */
    bool may_drop;    /* set behind progress_begin */
    bool delivers;    /* records go to a server or database, which takes them or not: the counts below are told */
    uint64_t sent, accepted, refused, in_flight, retries;
    uint64_t passed_over;  /* it had them already */
    uint64_t replaced;     /* others of the run took their place */
    uint64_t barriers;     /* left out; 0: not told */
    uint64_t state_bytes;  /* the most that state took; 0: not told */
    uint64_t end_bytes;    /* bytes_in at the end of the work, where that is known; 0: not known */
    double done;           /* the part of the work that is done, 0 to 1, where that is known better; 0: it is not */
    int64_t event_time_ns; /* event time reached */
    bool has_event_time;
    int64_t watermark_ns; /* of tools that wait for event time: where they are */
    bool has_watermark;
    const char *held_by;  /* the source that holds it back, and how far another one is ahead; NULL: none */
    int64_t held_back_ns; /* below 0: the source has had nothing yet */

    /* The module's. */
    bool shown;
    int stats; /* as stats_options.stats.at */
    uint32_t ticks, ticks_to_check;
    int64_t started_ns, checked_ns, drawn_ns;
    uint64_t drawn_bytes, drawn_records;
};

void progress_begin(struct progress *p, const struct stats_options *options);
void progress_check(struct progress *p); /* look at the clock now; for loops that wait, when they wake up */
void progress_end(struct progress *p);   /* takes the line away, prints the totals where --stats asked for them */

static inline void progress_tick(struct progress *p) {
    if (++p->ticks >= p->ticks_to_check) progress_check(p);
}

/* The texts, for tests: the line after `elapsed_ns` with the rates since the last one, and the totals. */
int progress_line(const struct progress *p, int64_t now_ns, struct buf *b) NODISCARD;
int progress_totals(const struct progress *p, const char *tool, bool json, int64_t elapsed_ns, struct buf *b) NODISCARD;

#endif
