/* SPDX-License-Identifier: Apache-2.0 */
/*
 * When is a record due? Each moment is computed from one start instant and the record's place on the time line of the
 * recording, so that no delay of one record is handed on to the next and nothing adds up over days. The clock is
 * sys.steady_ns; callers sleep by sys.sleep_until, so that a test can put a simulated clock there. `replay` calls this.
 *
 *     pace_init → { pace_due → (sleep until then; the record leaves) → pace_left } … ; pace_restart for a new round;
 *     pace_pause, pace_resume and pace_change at any time between
 */
#ifndef LEAT_STREAM_PACE_H
#define LEAT_STREAM_PACE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

enum pace_kind {
    PACE_MAX,   /* everything is due at once */
    PACE_SPEED, /* by the records' times, `factor` times as fast */
    PACE_RATE   /* `factor` records a second */
};

struct pace {
    enum pace_kind kind;
    double factor;
    int64_t max_gap_ns; /* PACE_SPEED: no gap between two times is longer; below 0: any */
    bool begun;
    int64_t start_ns;   /* at this instant of the steady clock ... */
    double start_place; /* ... the clock was here on the time line */
    uint64_t place;    /* of the last record: ns behind the first one, gaps cut (PACE_SPEED); thousandths of a record */
    uint64_t records;  /* PACE_RATE: since the round began */
    int64_t time;      /* the latest of this round; NO_TIME: none */
    int64_t due_ns;    /* when the last record was due */
    int64_t paused_ns; /* since then; 0: it is not paused */
    int64_t lag_ns;    /* by how much the last record left late */
    int64_t worst_lag_ns;
};

void pace_init(struct pace *p, enum pace_kind kind, double factor, int64_t max_gap_ns);

/* The instant at which the next record is due, which has this time (NO_TIME, or one before the latest: the latest
 * counts). The first one is due now. INT64_MAX: never. */
int64_t pace_due(struct pace *p, int64_t time);

/* It has left. */
void pace_left(struct pace *p);

/* The next record begins the time line anew, `delay_ns` behind the moment at which the last one was due. */
void pace_restart(struct pace *p, int64_t delay_ns);

/* The clock stands still; on from where it stood. A moment that pace_due told is another one then: ask pace_moved. */
void pace_pause(struct pace *p);
void pace_resume(struct pace *p);

/* As if paused for so long, which is over. */
void pace_stood(struct pace *p, int64_t ns);

/* Another factor from now on, for what is due later. */
void pace_change(struct pace *p, double factor);

/* The moment of the record that pace_due was asked for last, as things are now. */
int64_t pace_moved(struct pace *p);

/* Where the clock is on the time line: of PACE_SPEED in ns of the recording. When records lag behind it, the place of
 * the last one is the truth: the caller decides. */
double pace_place(const struct pace *p);

#endif
