/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Windows of time that do not depend on the data: tumbling, hopping, cumulating, and calendar days, weeks, months and
 * years in a time zone; and one window that has all of it. Time is cut into panes, so that each record is in exactly
 * one pane and each window is a run of panes; for tumbling windows a pane is a window.
 *
 * All spans are half-open, [start, end), ns since 1970. Starts of fixed lengths are aligned to 1970-01-01T00:00 UTC
 * plus an offset, as in Flink (TimeWindow.getWindowStartWithOffset).
 *
 * A calendar unit starts at its first local midnight (weeks: of a Monday) plus the offset, which is added to what the
 * wall clock shows: with 6h days begin at 06:00 on days of 23 and 25 hours, too. A start that the clock shows twice is
 * the first of the two; one that it leaves out is later by as much as was left out (time_local_to_utc). A window goes
 * from one start to the next later one: a day that a zone left out whole does not exist, and no instant is in none or
 * in two.
 */
#ifndef LEAT_STATE_SPAN_H
#define LEAT_STATE_SPAN_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/timezone.h"

enum span_kind { SPAN_TUMBLE, SPAN_HOP, SPAN_CUMULATE, SPAN_CALENDAR, SPAN_ALL };
enum span_unit { UNIT_DAY, UNIT_WEEK, UNIT_MONTH, UNIT_YEAR };

struct span {
    int64_t start, end;
};

struct spans {
    enum span_kind kind;
    enum span_unit unit;
    int64_t size, step;           /* step: the slide of hops, the step of cumulating windows */
    int64_t offset;               /* fixed lengths: of a start, 0 <= offset < step or size */
    int64_t pane;                 /* length of a pane; 0 for calendars and SPAN_ALL */
    int64_t pane_offset;          /* of their starts */
    int64_t low, high;            /* times that have windows: low <= time < high */
    const struct time_zone *zone; /* the caller's; NULL: UTC */
};

enum { SPAN_PANES_MAX = 10000 };

/* G_USAGE with the reason: a length that is not above 0 or for which time is too short, cumulating whose size is no
 * multiple of its step, windows of more than SPAN_PANES_MAX panes (or steps), an offset that is not below the length
 * (the slide, for hops). A negative offset is one before. `step` is 0 for tumbling. */
int spans_init(struct spans *s, enum span_kind kind, int64_t size, int64_t step, int64_t offset,
               struct err *e) NODISCARD;
/* The offset is below the shortest such unit: 1, 7, 28 or 365 days. */
int spans_init_calendar(struct spans *s, enum span_unit unit, int64_t offset, const struct time_zone *zone,
                        struct err *e) NODISCARD;
/* One window of one pane, [INT64_MIN, INT64_MAX - 1): INT64_MAX is "never", and the watermark behind all of a stream.
 */
void spans_init_all(struct spans *s);

/* Times that have windows: their panes and windows do not leave the years 1678 to 2262 (but for SPAN_ALL). */
static inline bool spans_covers(const struct spans *s, int64_t time) {
    return time >= s->low && time < s->high;
}

/* The pane that has this time. It must be covered, here and below. */
struct span spans_pane(const struct spans *s, int64_t time);

/* The ends of the first and of the last window that have this time: false when no window has it (hops that slide
 * further than they are long). spans_next_end steps from the one to the other, and on to those of later windows; what
 * int64_t cannot hold is INT64_MAX. */
bool spans_ends(const struct spans *s, int64_t time, int64_t *ret_first, int64_t *ret_last);
int64_t spans_next_end(const struct spans *s, int64_t end);

/* The window that ends there. */
struct span spans_ending(const struct spans *s, int64_t end);

#endif
