/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Windows of time: fixed lengths against every window written out, Flink's own cases, calendar windows against the
 * dates that the wall clock shows, and the ends of the range of times. The system's tzdata is needed.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/civil.h"
#include "base/random.h"
#include "base/timefmt.h"
#include "state/span.h"

#define COUNT(a) (sizeof(a) / sizeof *(a))
#define ERA INT64_C(400)

static struct spans spans(enum span_kind kind, int64_t size, int64_t step, int64_t offset) {
    struct spans s;
    struct err e = {0};
    if (spans_init(&s, kind, size, step, offset, &e) < 0) fail_msg("%s", e.text);
    return s;
}

/* --- Fixed lengths ----------------------------------------------------------------------------------------------- */

/* From Flink's TimeWindowTest: time, offset, size and start. */
static void starts_are_flinks(void **state) {
    (void)state;
    static const int64_t cases[][4] = {
        {1, 0, 7, 0},    {6, 0, 7, 0},    {7, 0, 7, 7},    {8, 0, 7, 7},
        {1, 3, 7, -4},   {2, 3, 7, -4},   {3, 3, 7, 3},    {9, 3, 7, 3},
        {10, 3, 7, 10},  {1, -2, 7, -2},  {-2, -2, 7, -2}, {3, -2, 7, -2},
        {4, -2, 7, -2},  {7, -2, 7, 5},   {12, -2, 7, 12}, {1470902048450, -8 * 3600000, 86400000, 1470844800000},
        {-1, 0, 7, -7},  {-7, 0, 7, -7},  {-8, 0, 7, -14}, {-4, 3, 7, -4},
        {-5, 3, 7, -11}, {-3, -2, 7, -9}, {-2, -6, 7, -6}, {-7, -6, 7, -13},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct spans s = spans(SPAN_TUMBLE, cases[i][2], 0, cases[i][1]);
        struct span p = spans_pane(&s, cases[i][0]);
        assert_int_equal(p.start, cases[i][3]);
        assert_int_equal(p.end, cases[i][3] + cases[i][2]);
    }
}

struct choice {
    enum span_kind kind;
    int64_t size, step, offset;
};

static struct choice choose(struct rng *r) {
    struct choice c = {.kind = (enum span_kind)rng_below(r, 3), .size = 1 + (int64_t)rng_below(r, 40)};
    if (c.kind == SPAN_HOP) c.step = 1 + (int64_t)rng_below(r, 40);
    if (c.kind == SPAN_CUMULATE) {
        c.step = 1 + (int64_t)rng_below(r, 8);
        c.size = c.step * (1 + (int64_t)rng_below(r, 6));
    }
    int64_t cycle = c.kind == SPAN_HOP ? c.step : c.size;
    c.offset = (int64_t)rng_below(r, (uint64_t)(2 * cycle - 1)) - cycle + 1;
    return c;
}

/* Every window near 0 that has this time, by its definition; in the order of their ends. */
static size_t windows_of(const struct choice *c, int64_t time, struct span *ret) {
    int64_t cycle = c->kind == SPAN_HOP ? c->step : c->size;
    size_t n = 0;
    for (int64_t i = -ERA; i < ERA; i++) {
        int64_t start = c->offset + i * cycle;
        int64_t parts = c->kind == SPAN_CUMULATE ? c->size / c->step : 1;
        for (int64_t k = 1; k <= parts; k++) {
            int64_t end = c->kind == SPAN_CUMULATE ? start + k * c->step : start + c->size;
            if (start <= time && time < end) ret[n++] = (struct span){start, end};
        }
    }
    return n;
}

static void check_time(const struct choice *c, const struct spans *s, int64_t time) {
    struct span all[100], others[100];
    size_t n = windows_of(c, time, all);
    int64_t first = 0, last = 0;
    assert_true(spans_covers(s, time));
    assert_int_equal(spans_ends(s, time, &first, &last), n > 0);
    for (size_t i = 0; i < n; i++) {
        assert_int_equal(first, all[i].end);
        struct span w = spans_ending(s, first);
        assert_int_equal(w.start, all[i].start);
        assert_int_equal(w.end, all[i].end);
        int64_t at = w.start; /* it is a run of panes */
        while (at < w.end) {
            struct span p = spans_pane(s, at);
            assert_int_equal(p.start, at);
            assert_true(p.end > at);
            at = p.end;
        }
        assert_int_equal(at, w.end);
        if (i + 1 < n) first = spans_next_end(s, first);
    }
    if (n > 0) assert_int_equal(first, last);
    struct span p = spans_pane(s, time);
    assert_true(p.start <= time && time < p.end);
    for (int64_t t = p.start; t < p.end; t++) { /* one pane, the same windows */
        assert_int_equal(windows_of(c, t, others), n);
        assert_memory_equal(others, all, n * sizeof *all);
        struct span q = spans_pane(s, t);
        assert_int_equal(q.start, p.start);
    }
}

static void fixed_windows_are_as_written_out(void **state) {
    (void)state;
    struct rng r;
    rng_init(&r, 1);
    for (int i = 0; i < 1500; i++) {
        struct choice c = choose(&r);
        struct spans s = spans(c.kind, c.size, c.step, c.offset);
        for (int k = 0; k < 3; k++) check_time(&c, &s, (int64_t)rng_below(&r, 300) - 150);
    }
}

static void panes_are_as_long_as_can_be(void **state) {
    (void)state;
    struct spans s = spans(SPAN_HOP, 10 * NS_PER_MINUTE, NS_PER_MINUTE, 0);
    assert_true(s.pane == NS_PER_MINUTE);
    s = spans(SPAN_HOP, 60 * NS_PER_MINUTE, 25 * NS_PER_MINUTE, 0);
    assert_true(s.pane == 5 * NS_PER_MINUTE);
    s = spans(SPAN_HOP, NS_PER_S, NS_PER_DAY, 0);
    assert_true(s.pane == NS_PER_S);
    s = spans(SPAN_CUMULATE, NS_PER_DAY, NS_PER_HOUR, 0);
    assert_true(s.pane == NS_PER_HOUR);
}

static void next_ends_go_on(void **state) {
    (void)state;
    struct spans s = spans(SPAN_CUMULATE, 12, 4, 1);
    int64_t end = 5;
    for (int64_t want = 5; want < 60; want += 4) {
        assert_int_equal(end, want);
        end = spans_next_end(&s, end);
    }
    assert_true(spans_next_end(&s, INT64_MAX - 3) == INT64_MAX);
    s = spans(SPAN_HOP, 12, 5, 0);
    assert_int_equal(spans_next_end(&s, 12), 17);
    s = spans(SPAN_TUMBLE, 12, 0, 0);
    assert_int_equal(spans_next_end(&s, 12), 24);
}

static void words_that_are_wrong(void **state) {
    (void)state;
    static const struct {
        struct choice c;
        const char *text;
    } cases[] = {
        {{SPAN_TUMBLE, 0, 0, 0}, "the length of windows is not above 0"},
        {{SPAN_TUMBLE, -1, 0, 0}, "the length of windows is not above 0"},
        {{SPAN_HOP, 5, 0, 0}, "the slide of windows is not above 0"},
        {{SPAN_CUMULATE, 5, 0, 0}, "the step of windows is not above 0"},
        {{SPAN_CUMULATE, 7 * NS_PER_S, 2 * NS_PER_S, 0},
         "7s is the length of windows, and no multiple of their step 2s"},
        {{SPAN_CUMULATE, 20002, 2, 0}, "20.002us is the length of windows, and more than 10000 times their step 2ns"},
        {{SPAN_HOP, 20002, 2, 0},
         "20.002us is the length of windows, and more than 10000 times what it has in common with their slide 2ns"},
        {{SPAN_HOP, 20001, 2, 0},
         "20.001us is the length of windows, and more than 10000 times what it has in common with their slide 2ns"},
        {{SPAN_TUMBLE, NS_PER_S, 0, NS_PER_S}, "1s is the offset of windows, and not below their length 1s"},
        {{SPAN_TUMBLE, NS_PER_S, 0, -NS_PER_S}, "-1s is the offset of windows, and not below their length 1s"},
        {{SPAN_CUMULATE, 4, 2, 4}, "4ns is the offset of windows, and not below their length 4ns"},
        {{SPAN_HOP, 4, 2, 2}, "2ns is the offset of windows, and not below their slide 2ns"},
        {{SPAN_TUMBLE, INT64_MAX, 0, 1}, "windows are so long that none lies within the years 1678 to 2262"},
        {{SPAN_HOP, INT64_MAX, INT64_MAX, 1}, "windows are so long that none lies within the years 1678 to 2262"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        const struct choice *c = &cases[i].c;
        struct spans s;
        struct err e = {0};
        assert_int_equal(spans_init(&s, c->kind, c->size, c->step, c->offset, &e), G_USAGE);
        assert_string_equal(e.text, cases[i].text);
    }
    (void)spans(SPAN_CUMULATE, 20000, 2, 0);
    (void)spans(SPAN_HOP, 20000, 2, 0);
    (void)spans(SPAN_HOP, 4, 2, -1);
    (void)spans(SPAN_CUMULATE, 4, 2, 3);
}

/* --- The ends of the range --------------------------------------------------------------------------------------- */

static int64_t wide_length(struct rng *r) {
    return 1 + (int64_t)(rng_next(r) >> (1 + rng_below(r, 62)));
}

/* Do all windows and the pane of this time lie inside? By 128 bits, which cannot overflow. */
static bool is_inside(const struct choice *c, int64_t time) {
    __int128 cycle = c->kind == SPAN_HOP ? c->step : c->size;
    __int128 last = (__int128)time - c->offset; /* to the last start at or before it, and the first that still has it */
    last = (last >= 0 ? last / cycle : -((-last + cycle - 1) / cycle)) * cycle + c->offset;
    if (last + c->size <= time) return true; /* in none */
    __int128 first = last;
    if (time - last < c->size) first -= (c->size - 1 - (time - last)) / cycle * cycle;
    return first >= TIME_MIN && last + c->size <= TIME_MAX;
}

static void check_edges(const struct choice *c, const struct spans *s) {
    int64_t first, last;
    assert_true(is_inside(c, s->low) && is_inside(c, s->high - 1));
    assert_true(s->low == TIME_MIN || !is_inside(c, s->low - 1) || c->size < c->step);
    assert_true(s->high == TIME_MAX || !is_inside(c, s->high) || c->size < c->step);
    assert_true(spans_pane(s, s->low).start == s->low);
    assert_true(spans_pane(s, s->high - 1).end == s->high);
    if (spans_ends(s, s->high - 1, &first, &last)) assert_true(first <= last && first >= s->high);
    if (spans_ends(s, s->low, &first, &last)) {
        assert_true(spans_ending(s, first).start >= TIME_MIN && first > s->low);
        assert_true(spans_ending(s, last).start <= s->low);
    }
}

static void edges_are_where_windows_would_leave(void **state) {
    (void)state;
    struct rng r;
    struct err e;
    unsigned good = 0;
    rng_init(&r, 7);
    for (int i = 0; i < 200000; i++) {
        struct choice c = {.kind = (enum span_kind)rng_below(&r, 3), .size = wide_length(&r)};
        struct spans s;
        if (c.kind == SPAN_HOP)
            c.step = rng_below(&r, 3) ? c.size / (1 + (int64_t)rng_below(&r, 100)) : wide_length(&r);
        if (c.kind == SPAN_CUMULATE) c.step = c.size / (1 + (int64_t)rng_below(&r, 100));
        if (c.kind == SPAN_CUMULATE && c.step > 0) c.size -= c.size % c.step;
        int64_t cycle = c.kind == SPAN_HOP ? c.step : c.size;
        if (cycle > 0) c.offset = (int64_t)(rng_next(&r) >> 1) % cycle * (rng_below(&r, 2) ? 1 : -1);
        if (spans_init(&s, c.kind, c.size, c.step, c.offset, &e) < 0) continue;
        check_edges(&c, &s);
        good++;
    }
    assert_true(good > 100000);
}

static void edges_of_common_lengths(void **state) {
    (void)state;
    struct spans s = spans(SPAN_TUMBLE, 1, 0, 0);
    assert_true(s.low == TIME_MIN && s.high == TIME_MAX);
    assert_true(spans_pane(&s, TIME_MAX - 1).end == TIME_MAX);
    assert_false(spans_covers(&s, TIME_MAX));
    assert_false(spans_covers(&s, TIME_NONE));
    s = spans(SPAN_TUMBLE, NS_PER_DAY, 0, 0);
    assert_true(s.low == TIME_MIN && s.high == TIME_MAX / NS_PER_DAY * NS_PER_DAY);
    s = spans(SPAN_TUMBLE, NS_PER_DAY, 0, NS_PER_HOUR);
    assert_true(s.low == TIME_MIN + NS_PER_HOUR);
    s = spans(SPAN_HOP, NS_PER_DAY, NS_PER_HOUR, 0);
    assert_true(s.low == TIME_MIN + 23 * NS_PER_HOUR);
    assert_true(s.high == TIME_MAX / NS_PER_HOUR * NS_PER_HOUR - 23 * NS_PER_HOUR);
}

static void all_is_one_window(void **state) {
    (void)state;
    static const int64_t times[] = {INT64_MIN, TIME_MIN, -1, 0, TIME_MAX - 2};
    struct spans s;
    int64_t first, last;
    spans_init_all(&s);
    for (size_t i = 0; i < COUNT(times); i++) {
        struct span p = spans_pane(&s, times[i]);
        assert_true(spans_covers(&s, times[i]));
        assert_true(p.start == INT64_MIN && p.end == INT64_MAX - 1);
        assert_true(spans_ends(&s, times[i], &first, &last));
        assert_true(first == p.end && last == p.end);
    }
    assert_false(spans_covers(&s, INT64_MAX - 1));
    assert_true(spans_ending(&s, last).start == INT64_MIN && spans_ending(&s, last).end == last);
    assert_true(spans_next_end(&s, last) == INT64_MAX);
}

/* --- Calendars --------------------------------------------------------------------------------------------------- */

static struct time_zone *zone(const char *name) {
    struct time_zone *tz = NULL;
    struct err e = {0};
    if (time_zone_load(name, &tz, &e) != 0) fail_msg("%s", e.text);
    return tz;
}

static struct spans calendar(enum span_unit unit, int64_t offset, const struct time_zone *tz) {
    struct spans s;
    struct err e = {0};
    if (spans_init_calendar(&s, unit, offset, tz, &e) < 0) fail_msg("%s", e.text);
    return s;
}

static int64_t utc(const char *text) {
    int64_t t;
    struct err e = {0};
    if (time_parse(text, strlen(text), NULL, &t, &e) != 0) fail_msg("%s", e.text);
    return t;
}

/* The window of a time, from and to, in UTC; by way of each of the calls. */
static void check_window(const struct spans *s, const char *time, const char *start, const char *end) {
    char from[TIME_TEXT_MAX], to[TIME_TEXT_MAX];
    int64_t t = utc(time), first, last;
    struct span p = spans_pane(s, t);
    time_format_rfc3339(p.start, from);
    time_format_rfc3339(p.end, to);
    if (strcmp(from, start) != 0 || strcmp(to, end) != 0)
        fail_msg("%s is in %s to %s, not %s to %s", time, from, to, start, end);
    assert_true(spans_covers(s, t));
    assert_true(spans_ends(s, t, &first, &last));
    assert_true(first == p.end && last == p.end);
    assert_true(spans_ending(s, p.end).start == p.start && spans_ending(s, p.end).end == p.end);
    assert_true(spans_next_end(s, p.start) == p.end);
    assert_true(spans_pane(s, p.start).end == p.end && spans_pane(s, p.end - 1).start == p.start);
}

static void days_of_berlin(void **state) {
    (void)state;
    struct time_zone *tz = zone("Europe/Berlin");
    struct spans s = calendar(UNIT_DAY, 0, tz);
    check_window(&s, "2024-07-01T22:00:00Z", "2024-07-01T22:00:00Z", "2024-07-02T22:00:00Z");
    check_window(&s, "2024-03-31T12:00:00Z", "2024-03-30T23:00:00Z", "2024-03-31T22:00:00Z"); /* 23 hours */
    check_window(&s, "2024-03-30T23:00:00Z", "2024-03-30T23:00:00Z", "2024-03-31T22:00:00Z");
    check_window(&s, "2024-03-30T22:59:59.999999999Z", "2024-03-29T23:00:00Z", "2024-03-30T23:00:00Z");
    check_window(&s, "2024-10-27T22:59:59.999999999Z", "2024-10-26T22:00:00Z", "2024-10-27T23:00:00Z"); /* 25 hours */
    time_zone_free(tz);
}

static void days_that_begin_at_one(void **state) {
    (void)state;
    struct time_zone *tz = zone("America/Sao_Paulo");
    struct spans s = calendar(UNIT_DAY, 0, tz);
    /* 2018-11-04 has no 00:00, its first instant is 01:00 -02:00; 2018-02-17 had 23:00 to 24:00 twice */
    check_window(&s, "2018-11-04T02:59:59Z", "2018-11-03T03:00:00Z", "2018-11-04T03:00:00Z");
    check_window(&s, "2018-11-04T03:00:00Z", "2018-11-04T03:00:00Z", "2018-11-05T02:00:00Z");
    check_window(&s, "2018-02-18T02:30:00Z", "2018-02-17T02:00:00Z", "2018-02-18T03:00:00Z");
    check_window(&s, "2018-02-18T03:00:00Z", "2018-02-18T03:00:00Z", "2018-02-19T03:00:00Z");
    time_zone_free(tz);
}

static void a_day_that_was_left_out_is_not_there(void **state) {
    (void)state;
    struct time_zone *tz = zone("Pacific/Apia");
    struct spans s = calendar(UNIT_DAY, 0, tz);
    check_window(&s, "2011-12-30T09:59:59Z", "2011-12-29T10:00:00Z", "2011-12-30T10:00:00Z"); /* the 29th */
    check_window(&s, "2011-12-30T10:00:00Z", "2011-12-30T10:00:00Z", "2011-12-31T10:00:00Z"); /* the 31st */
    s = calendar(UNIT_WEEK, 0, tz);
    check_window(&s, "2011-12-30T10:00:00Z", "2011-12-26T10:00:00Z", "2012-01-01T10:00:00Z"); /* of six days */
    s = calendar(UNIT_DAY, 6 * NS_PER_HOUR, tz);
    check_window(&s, "2011-12-30T10:00:00Z", "2011-12-29T16:00:00Z", "2011-12-30T16:00:00Z"); /* one of 24 hours */
    check_window(&s, "2011-12-30T16:00:00Z", "2011-12-30T16:00:00Z", "2011-12-31T16:00:00Z");
    time_zone_free(tz);
}

static void days_of_odd_zones(void **state) {
    (void)state;
    struct time_zone *tz = zone("Asia/Kathmandu");
    struct spans s = calendar(UNIT_DAY, 0, tz);
    check_window(&s, "2024-05-01T00:00:00Z", "2024-04-30T18:15:00Z", "2024-05-01T18:15:00Z");
    time_zone_free(tz);
    tz = zone("America/St_Johns"); /* clocks went back at 00:01: the day begins when it is midnight first */
    s = calendar(UNIT_DAY, 0, tz);
    check_window(&s, "2006-10-29T02:29:59Z", "2006-10-28T02:30:00Z", "2006-10-29T02:30:00Z");
    check_window(&s, "2006-10-29T03:00:00Z", "2006-10-29T02:30:00Z", "2006-10-30T03:30:00Z");
    time_zone_free(tz);
    tz = zone("Africa/Monrovia"); /* 44 minutes and 30 seconds west until 1972 */
    s = calendar(UNIT_DAY, 0, tz);
    check_window(&s, "1971-12-31T12:00:00Z", "1971-12-31T00:44:30Z", "1972-01-01T00:44:30Z");
    time_zone_free(tz);
    s = calendar(UNIT_DAY, 0, NULL);
    check_window(&s, "1969-12-31T23:59:59.999999999Z", "1969-12-31T00:00:00Z", "1970-01-01T00:00:00Z");
}

static void weeks_months_and_years(void **state) {
    (void)state;
    struct time_zone *tz = zone("Europe/Berlin");
    struct spans s = calendar(UNIT_WEEK, 0, NULL);
    check_window(&s, "1970-01-01T00:00:00Z", "1969-12-29T00:00:00Z", "1970-01-05T00:00:00Z"); /* Monday to Monday */
    check_window(&s, "2024-05-05T23:59:59Z", "2024-04-29T00:00:00Z", "2024-05-06T00:00:00Z");
    s = calendar(UNIT_MONTH, 0, NULL);
    check_window(&s, "2024-02-29T12:00:00Z", "2024-02-01T00:00:00Z", "2024-03-01T00:00:00Z");
    check_window(&s, "1969-12-31T12:00:00Z", "1969-12-01T00:00:00Z", "1970-01-01T00:00:00Z");
    check_window(&s, "1900-02-01T00:00:00Z", "1900-02-01T00:00:00Z", "1900-03-01T00:00:00Z");
    s = calendar(UNIT_YEAR, 0, NULL);
    check_window(&s, "2024-12-31T23:59:59Z", "2024-01-01T00:00:00Z", "2025-01-01T00:00:00Z");
    s = calendar(UNIT_WEEK, 0, tz);
    check_window(&s, "2024-03-31T22:00:00Z", "2024-03-31T22:00:00Z", "2024-04-07T22:00:00Z");
    check_window(&s, "2024-03-31T21:59:59Z", "2024-03-24T23:00:00Z", "2024-03-31T22:00:00Z");
    s = calendar(UNIT_MONTH, 0, tz);
    check_window(&s, "2024-10-31T22:30:00Z", "2024-09-30T22:00:00Z", "2024-10-31T23:00:00Z");
    s = calendar(UNIT_YEAR, 0, tz);
    check_window(&s, "2024-12-31T23:00:00Z", "2024-12-31T23:00:00Z", "2025-12-31T23:00:00Z");
    time_zone_free(tz);
}

static void offsets_are_of_the_wall_clock(void **state) {
    (void)state;
    struct time_zone *tz = zone("Europe/Berlin");
    struct spans s = calendar(UNIT_DAY, 6 * NS_PER_HOUR, tz); /* 06:00, whatever happened at 02:00 */
    check_window(&s, "2024-03-31T03:59:59Z", "2024-03-30T05:00:00Z", "2024-03-31T04:00:00Z");
    check_window(&s, "2024-03-31T04:00:00Z", "2024-03-31T04:00:00Z", "2024-04-01T04:00:00Z");
    check_window(&s, "2024-10-27T04:59:59Z", "2024-10-26T04:00:00Z", "2024-10-27T05:00:00Z");
    s = calendar(UNIT_DAY, 150 * NS_PER_MINUTE, tz); /* 02:30 is 03:30 where it is left out, and the first of two */
    check_window(&s, "2024-03-31T01:29:59Z", "2024-03-30T01:30:00Z", "2024-03-31T01:30:00Z");
    check_window(&s, "2024-03-31T01:30:00Z", "2024-03-31T01:30:00Z", "2024-04-01T00:30:00Z");
    check_window(&s, "2024-10-27T01:29:59Z", "2024-10-27T00:30:00Z", "2024-10-28T01:30:00Z");
    s = calendar(UNIT_WEEK, 30 * NS_PER_HOUR, tz); /* Tuesday, 06:00 */
    check_window(&s, "2024-04-02T03:59:59Z", "2024-03-26T05:00:00Z", "2024-04-02T04:00:00Z");
    s = calendar(UNIT_MONTH, -NS_PER_DAY, NULL); /* the last day of the month before */
    check_window(&s, "2024-02-29T00:00:00Z", "2024-02-29T00:00:00Z", "2024-03-31T00:00:00Z");
    s = calendar(UNIT_DAY, -1, NULL);
    check_window(&s, "2024-02-29T00:00:00Z", "2024-02-28T23:59:59.999999999Z", "2024-02-29T23:59:59.999999999Z");
    s = calendar(UNIT_DAY, NS_PER_S + 5, NULL);
    check_window(&s, "2024-02-29T00:00:01.000000004Z", "2024-02-28T00:00:01.000000005Z",
                 "2024-02-29T00:00:01.000000005Z");
    time_zone_free(tz);
}

static void calendar_words_that_are_wrong(void **state) {
    (void)state;
    struct spans s;
    struct err e = {0};
    static const int64_t days[] = {1, 7, 28, 365};
    for (unsigned unit = UNIT_DAY; unit <= UNIT_YEAR; unit++) {
        int64_t limit = days[unit] * NS_PER_DAY;
        assert_int_equal(spans_init_calendar(&s, (enum span_unit)unit, limit, NULL, &e), G_USAGE);
        assert_int_equal(spans_init_calendar(&s, (enum span_unit)unit, -limit, NULL, &e), G_USAGE);
        (void)calendar((enum span_unit)unit, limit - 1, NULL);
        (void)calendar((enum span_unit)unit, 1 - limit, NULL);
    }
    assert_string_equal(e.text, "the offset of a year is below 365 days, before it as behind it");
}

static void edges_of_calendars(void **state) {
    (void)state;
    struct time_zone *berlin = zone("Europe/Berlin"), *york = zone("America/New_York");
    struct spans s = calendar(UNIT_YEAR, 0, NULL);
    assert_true(s.low == TIME_MIN && s.high == utc("2262-01-01"));
    assert_true(spans_next_end(&s, s.high) == INT64_MAX);
    assert_true(spans_next_end(&s, INT64_MAX) == INT64_MAX);
    s = calendar(UNIT_DAY, 0, NULL);
    assert_true(s.low == TIME_MIN && s.high == utc("2262-04-11"));
    s = calendar(UNIT_MONTH, 0, berlin); /* 53 minutes and 28 seconds east: 1678 began before the range does */
    assert_true(s.low == utc("1678-01-31T23:06:32Z") && s.high == utc("2262-03-31T22:00:00Z"));
    s = calendar(UNIT_DAY, 0, york);
    assert_true(s.low == utc("1678-01-01T04:56:02Z") && s.high == utc("2262-04-11T04:00:00Z"));
    assert_false(spans_covers(&s, s.low - 1));
    time_zone_free(berlin);
    time_zone_free(york);
}

/* The number of the unit that the clock shows. */
static int64_t shown(enum span_unit unit, const struct time_zone *tz, int64_t t, int64_t offset_s) {
    int64_t local = t / NS_PER_S + time_zone_offset_at(tz, t / NS_PER_S) - offset_s;
    int64_t day = local / SECONDS_PER_DAY;
    struct civil c = civil_from_days(day);
    switch (unit) {
    case UNIT_DAY: return day;
    case UNIT_WEEK: return (day + 3) / 7;
    case UNIT_MONTH: return c.year * 12 + (int)c.month;
    default: return c.year;
    }
}

/* In zones whose clocks were never set back over a start, a window is a run of times that show the same. */
static void windows_are_what_the_clock_shows(void **state) {
    (void)state;
    static const char *const names[] = {
        "Europe/Berlin",    "America/Sao_Paulo",  "Pacific/Apia", "Asia/Kathmandu", "Asia/Kolkata", "Australia/Sydney",
        "America/New_York", "Pacific/Kiritimati", "Africa/Cairo", "Asia/Beirut",    "UTC"};
    for (size_t i = 0; i < COUNT(names); i++) {
        struct time_zone *tz = zone(names[i]);
        for (unsigned k = 0; k < 8; k++) {
            enum span_unit unit = (enum span_unit)(k / 2);
            int64_t offset_s = k % 2 ? 6 * 3600 : 0;
            if (offset_s && strncmp(names[i], "Pacific", 7) == 0) continue; /* a start that was left out with its day */
            struct spans s = calendar(unit, offset_s * NS_PER_S, tz);
            struct span now = {0};
            int64_t before = INT64_MIN;
            for (int64_t t = utc("1993-01-01"); t < utc("2013-01-01"); t += 15 * NS_PER_MINUTE) {
                int64_t what = shown(unit, tz, t, offset_s);
                if (what == before && t < now.end) continue;
                struct span p = spans_pane(&s, t);
                if (what == before || (before != INT64_MIN && (p.start != t || now.end != t)))
                    fail_msg("%s, unit %u: not as the clock at %lld", names[i], unit, (long long)t);
                now = p;
                before = what;
            }
        }
        time_zone_free(tz);
    }
}

static void check_partition(const struct spans *s, int64_t t) {
    struct span p = spans_pane(s, t);
    int64_t shortest = s->unit == UNIT_YEAR ? 360 * NS_PER_DAY : NS_PER_HOUR;
    assert_true(p.start <= t && t < p.end && p.end - p.start >= shortest);
    struct span next = spans_pane(s, p.end), last = spans_pane(s, p.end - 1);
    assert_true(next.start == p.end && last.start == p.start && last.end == p.end);
    assert_true(spans_pane(s, p.start).start == p.start && spans_pane(s, p.start - 1).end == p.start);
    assert_true(spans_next_end(s, p.end) == next.end);
}

static void each_instant_is_in_one_window(void **state) {
    (void)state;
    static const char *const names[] = {"Europe/Berlin",   "America/Sao_Paulo", "Pacific/Apia",     "Pacific/Kwajalein",
                                        "Asia/Manila",     "America/Juneau",    "Pacific/Fakaofo",  "Pacific/Guam",
                                        "Africa/Monrovia", "America/St_Johns",  "Asia/Gaza",        "America/Nuuk",
                                        "Africa/El_Aaiun", "Europe/Dublin",     "Antarctica/Troll", "Asia/Tehran",
                                        "America/Havana"};
    struct rng r;
    rng_init(&r, 99);
    for (size_t i = 0; i < COUNT(names); i++) {
        struct time_zone *tz = zone(names[i]);
        for (int n = 0; n < 20; n++) {
            enum span_unit unit = (enum span_unit)rng_below(&r, 4);
            int64_t offset = (int64_t)rng_below(&r, (uint64_t)(2 * NS_PER_DAY - 1)) - NS_PER_DAY + 1;
            struct spans s = calendar(unit, rng_below(&r, 2) ? offset : offset / NS_PER_HOUR * NS_PER_HOUR, tz);
            uint64_t inside = (uint64_t)s.high - (uint64_t)s.low - 2 * 366 * (uint64_t)NS_PER_DAY;
            for (int k = 0; k < 500; k++) {
                int64_t t = (int64_t)((uint64_t)s.low + 366 * (uint64_t)NS_PER_DAY + rng_next(&r) % inside);
                check_partition(&s, t);
            }
            for (int k = 0; k < 500; k++) /* where clocks were changed most */
                check_partition(&s, utc("1900-01-01") + (int64_t)(rng_next(&r) % (uint64_t)(140 * 365 * NS_PER_DAY)));
        }
        time_zone_free(tz);
    }
}

/* Every day from 1840 to 2040 in every zone there is. */
static void all_days_of_all_zones(void **state) {
    (void)state;
    char line[512], name[256];
    unsigned zones = 0;
    FILE *f = fopen("/usr/share/zoneinfo/tzdata.zi", "r");
    if (!getenv("LEAT_TEST_LONG") || !f) {
        if (f) fclose(f);
        return;
    }
    while (fgets(line, sizeof line, f)) {
        if (sscanf(line, "Z %255s", name) != 1) continue;
        struct time_zone *tz = zone(name);
        for (int i = 0; i < 2; i++) {
            struct spans s = calendar(UNIT_DAY, i * (5 * NS_PER_HOUR + 20 * NS_PER_MINUTE), tz);
            struct span p = spans_pane(&s, utc("1840-01-01"));
            while (p.end < utc("2040-01-01")) {
                struct span next = spans_pane(&s, p.end);
                if (next.start != p.end || next.end - next.start < 12 * NS_PER_HOUR ||
                    next.end - next.start > 50 * NS_PER_HOUR || spans_pane(&s, p.end - 1).start != p.start)
                    fail_msg("%s: %lld to %lld", name, (long long)next.start, (long long)next.end);
                p = next;
            }
        }
        time_zone_free(tz);
        zones++;
    }
    fclose(f);
    assert_true(zones > 300);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(starts_are_flinks),
        cmocka_unit_test(fixed_windows_are_as_written_out),
        cmocka_unit_test(panes_are_as_long_as_can_be),
        cmocka_unit_test(next_ends_go_on),
        cmocka_unit_test(words_that_are_wrong),
        cmocka_unit_test(edges_are_where_windows_would_leave),
        cmocka_unit_test(edges_of_common_lengths),
        cmocka_unit_test(all_is_one_window),
        cmocka_unit_test(days_of_berlin),
        cmocka_unit_test(days_that_begin_at_one),
        cmocka_unit_test(a_day_that_was_left_out_is_not_there),
        cmocka_unit_test(days_of_odd_zones),
        cmocka_unit_test(weeks_months_and_years),
        cmocka_unit_test(offsets_are_of_the_wall_clock),
        cmocka_unit_test(calendar_words_that_are_wrong),
        cmocka_unit_test(edges_of_calendars),
        cmocka_unit_test(windows_are_what_the_clock_shows),
        cmocka_unit_test(each_instant_is_in_one_window),
        cmocka_unit_test(all_days_of_all_zones),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
