/* SPDX-License-Identifier: Apache-2.0 */
/* When records are due. See pace.h. */
#include "stream/pace.h"

#include "stream/block.h"
#include "sys/sys.h"

#define RECORD_PLACE 1000 /* of PACE_RATE: what one record adds to the place */
#define NEVER_NS 9e18

/* Nanoseconds on the time line, where the clock goes `factor` times as fast. */
static double to_ns(const struct pace *p, double place) {
    return p->kind == PACE_RATE ? place * (1e9 / RECORD_PLACE) : place;
}

void pace_init(struct pace *p, enum pace_kind kind, double factor, int64_t max_gap_ns) {
    *p = (struct pace){.kind = kind, .factor = factor, .max_gap_ns = max_gap_ns, .time = NO_TIME};
}

static int64_t clock_now(const struct pace *p) {
    return p->paused_ns ? p->paused_ns : sys.steady_ns();
}

/* Times span up to twice what an int64_t holds. */
static void move_by_time(struct pace *p, int64_t time) {
    if (time == NO_TIME || (p->time != NO_TIME && time <= p->time)) return;
    uint64_t gap = p->time == NO_TIME ? 0 : (uint64_t)time - (uint64_t)p->time;
    if (p->max_gap_ns >= 0 && gap > (uint64_t)p->max_gap_ns) gap = (uint64_t)p->max_gap_ns;
    p->time = time;
    p->place += gap;
}

int64_t pace_due(struct pace *p, int64_t time) {
    if (!p->begun) {
        p->begun = true;
        p->start_ns = clock_now(p);
    }
    move_by_time(p, time);
    if (p->kind == PACE_RATE) p->place = p->records++ * RECORD_PLACE;
    p->due_ns = pace_moved(p);
    return p->due_ns;
}

int64_t pace_moved(struct pace *p) {
    if (p->kind == PACE_MAX) return p->due_ns = p->start_ns; /* over, unless a round begins later */
    double after = to_ns(p, (double)p->place - p->start_place) / p->factor;
    p->due_ns = after > NEVER_NS - (double)p->start_ns ? INT64_MAX : p->start_ns + (int64_t)after;
    return p->due_ns;
}

void pace_left(struct pace *p) {
    int64_t now = sys.steady_ns(), lag = now - p->due_ns;
    if (p->kind == PACE_MAX) p->due_ns = now;
    p->lag_ns = p->kind == PACE_MAX || lag < 0 ? 0 : lag;
    if (p->lag_ns > p->worst_lag_ns) p->worst_lag_ns = p->lag_ns;
}

void pace_restart(struct pace *p, int64_t delay_ns) {
    if (!p->begun) return;
    if (p->kind == PACE_RATE) { /* the last record has its own share of the time */
        p->place = p->records * RECORD_PLACE;
        (void)pace_moved(p);
    }
    if (__builtin_add_overflow(p->due_ns, delay_ns, &p->start_ns)) p->start_ns = INT64_MAX;
    p->start_place = 0;
    p->place = p->records = 0;
    p->time = NO_TIME;
}

void pace_pause(struct pace *p) {
    if (!p->paused_ns) p->paused_ns = sys.steady_ns();
}

void pace_resume(struct pace *p) {
    if (!p->paused_ns) return;
    int64_t stood = sys.steady_ns() - p->paused_ns;
    p->paused_ns = 0;
    pace_stood(p, stood);
}

void pace_stood(struct pace *p, int64_t ns) {
    if (p->begun && __builtin_add_overflow(p->start_ns, ns, &p->start_ns)) p->start_ns = INT64_MAX;
}

double pace_place(const struct pace *p) {
    if (!p->begun || p->kind == PACE_MAX) return (double)p->place;
    return p->start_place + (double)(clock_now(p) - p->start_ns) * p->factor / to_ns(p, 1);
}

void pace_change(struct pace *p, double factor) {
    if (p->begun && p->kind != PACE_MAX) {
        p->start_place = pace_place(p);
        p->start_ns = clock_now(p);
    }
    p->factor = factor;
}
