/* SPDX-License-Identifier: Apache-2.0 */
/* What a replay tells of itself while it runs: progress, --stats=D, and that it falls behind. See replay.h. */
#include <inttypes.h>
#include <stdio.h>

#include "cli/diag.h"
#include "replay.h"
#include "sys/sys.h"

#define SHOWN_NS (200 * NS_PER_MS)
#define LAG_WARNED_NS NS_PER_S
#define LAG_TOLD_NS (100 * NS_PER_MS)

/* In seconds of the recording, or records: where the replay really is. */
static double place_now(const struct replay *p, bool waits) {
    double place = waits ? pace_place(&p->pace) : (double)p->pace.place;
    return p->pace.kind == PACE_RATE ? (double)p->played : place / (double)NS_PER_S;
}

static const char *unit(const struct replay *p) {
    return p->pace.kind == PACE_RATE ? "/s" : "x";
}

static void tell_stats(struct replay *p, int64_t now, bool waits) {
    char target[40] = "max", at[TIME_TEXT_MAX] = "-";
    double place = place_now(p, waits), seconds = (double)(now - p->last_stats_ns) / (double)NS_PER_S;
    double lag = waits ? 0 : (double)p->pace.lag_ns / (double)NS_PER_S;
    if (p->pace.kind != PACE_MAX) (void)snprintf(target, sizeof target, "%.6g%s", p->pace.factor, unit(p));
    if (p->latest != NO_TIME) (void)time_format_rfc3339(p->latest, at);
    diag_print("%s: %.1f s: target %s, actual %.4g%s, %.0f records/s, lag %.3f s, at %s", diag_name(),
               (double)(now - p->started_ns) / (double)NS_PER_S, target, (place - p->last_place) / seconds, unit(p),
               (double)(p->played - p->last_played) / seconds, lag, at);
    p->last_stats_ns = now;
    p->last_place = place;
    p->last_played = p->played;
    p->next_stats_ns += p->stats_every_ns;
    if (p->next_stats_ns <= now) p->next_stats_ns = now + p->stats_every_ns;
}

static void tell_notices(struct recordings *rs) {
    for (size_t i = 0; i < rs->count; i++) {
        struct recording *rec = &rs->recording[i];
        pthread_mutex_lock(&rec->lock);
        if (rec->has_notice) diag_warning(&rec->notice);
        rec->has_notice = false;
        pthread_mutex_unlock(&rec->lock);
    }
}

void watch_counts(void *ctx, const struct stage_counts *counts) {
    struct progress *p = ctx;
    p->bytes_in = counts->bytes_in;
    p->bad = counts->bad;
}

static void show(struct replay *p) {
    p->progress->records_in = p->progress->records_out = p->played;
    p->progress->bytes_out = p->bytes;
    p->progress->late = p->late;
    p->progress->barriers = p->barriers;
    p->progress->has_event_time = p->latest != NO_TIME;
    p->progress->event_time_ns = p->latest;
    double rounds = (double)p->rounds, done = recordings_done(&p->recordings);
    p->progress->done = rounds > 0 && done > 0 ? ((double)p->round + done) / rounds : 0;
    tell_notices(&p->recordings);
}

void watch_tick(struct replay *p, int64_t now, bool waits) {
    if (p->started_ns == 0) {
        p->started_ns = p->last_stats_ns = p->looked_ns = now;
        p->next_stats_ns = p->stats_every_ns > 0 ? now + p->stats_every_ns : INT64_MAX;
    }
    if (now >= p->next_stats_ns) tell_stats(p, now, waits);
    if (now - p->looked_ns < SHOWN_NS) return;
    p->looked_ns = now;
    show(p);
    progress_check(p->progress);
}

int64_t watch_next(const struct replay *p, int64_t now) {
    int64_t next = now + (p->progress->shown ? SHOWN_NS : NS_PER_S);
    return next < p->next_stats_ns ? next : p->next_stats_ns;
}

void watch_lag(struct replay *p) {
    if (p->lag_told || p->pace.lag_ns < LAG_WARNED_NS) return;
    p->lag_told = true;
    diag_warn("records leave %.1f s late: what reads them, or the source, does not keep up",
              (double)p->pace.lag_ns / (double)NS_PER_S);
}

void watch_end(struct replay *p) {
    show(p);
    if (p->pace.worst_lag_ns >= LAG_TOLD_NS)
        diag_warn("records left up to %.3f s late, the last one %.3f s",
                  (double)p->pace.worst_lag_ns / (double)NS_PER_S, (double)p->pace.lag_ns / (double)NS_PER_S);
}
