/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Calendar windows: days, weeks, months and years of a time zone. See span.h.
 *
 * Units are numbered, so that the start of each is known from its number: two or three look-ups in the zone find a
 * pane, and nothing is stored.
 */
#include "base/civil.h"
#include "base/timefmt.h"
#include "state/span_impl.h"

static int64_t unit_of_day(enum span_unit unit, int64_t day) {
    if (unit == UNIT_DAY) return day;
    if (unit == UNIT_WEEK) return floor_div(day + 3, 7); /* 1970-01-01 was a Thursday */
    struct civil c = civil_from_days(day);
    return unit == UNIT_YEAR ? c.year : (int64_t)c.year * 12 + c.month - 1;
}

static int64_t first_day(enum span_unit unit, int64_t k) {
    if (unit == UNIT_DAY) return k;
    if (unit == UNIT_WEEK) return k * 7 - 3;
    if (unit == UNIT_YEAR) return civil_to_days((struct civil){(int)k, 1, 1});
    int64_t year = floor_div(k, 12);
    return civil_to_days((struct civil){(int)year, (unsigned)(k - year * 12) + 1, 1});
}

static int64_t unit_start(const struct spans *s, int64_t k) {
    int64_t offset_s = floor_div(s->offset, NS_PER_S), ns;
    int64_t utc_s = time_local_to_utc(s->zone, first_day(s->unit, k) * SECONDS_PER_DAY + offset_s);
    if (__builtin_mul_overflow(utc_s, NS_PER_S, &ns) ||
        __builtin_add_overflow(ns, s->offset - offset_s * NS_PER_S, &ns))
        return utc_s < 0 ? INT64_MIN : INT64_MAX;
    return ns;
}

struct span calendar_pane(const struct spans *s, int64_t time) {
    int64_t utc_s = floor_div(time, NS_PER_S);
    int64_t local_s = utc_s + time_zone_offset_at(s->zone, utc_s) - floor_div(s->offset, NS_PER_S);
    int64_t k = unit_of_day(s->unit, floor_div(local_s, SECONDS_PER_DAY));
    /* The clock may have been set since the unit began: it may be the one before or behind. */
    int64_t start = unit_start(s, k), end;
    while (start > time) start = unit_start(s, --k);
    while ((end = unit_start(s, k + 1)) <= time && end < INT64_MAX) {
        start = end;
        k++;
    }
    return (struct span){start, end};
}

int spans_init_calendar(struct spans *s, enum span_unit unit, int64_t offset, const struct time_zone *zone,
                        struct err *e) {
    static const struct {
        const char *name;
        int64_t shortest;
    } units[] = {[UNIT_DAY] = {"day", NS_PER_DAY},
                 [UNIT_WEEK] = {"week", 7 * NS_PER_DAY},
                 [UNIT_MONTH] = {"month", 28 * NS_PER_DAY},
                 [UNIT_YEAR] = {"year", 365 * NS_PER_DAY}};
    if (offset <= -units[unit].shortest || offset >= units[unit].shortest)
        return err_set(e, G_USAGE, "the offset of a %s is below %d days, before it as behind it", units[unit].name,
                       (int)(units[unit].shortest / NS_PER_DAY));
    *s = (struct spans){.kind = SPAN_CALENDAR, .unit = unit, .offset = offset, .zone = zone};
    struct span first = calendar_pane(s, TIME_MIN);
    s->low = first.start == TIME_MIN ? first.start : first.end;
    s->high = calendar_pane(s, TIME_MAX).start;
    return 0;
}
