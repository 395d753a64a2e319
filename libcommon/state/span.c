/* SPDX-License-Identifier: Apache-2.0 */
/* Windows of fixed lengths, and the calls that are the same for all. See span.h; calendars are in span_calendar.c. */
#include "state/span.h"

#include "base/timefmt.h"
#include "state/span_impl.h"

static int64_t divisor(int64_t a, int64_t b) {
    while (b != 0) {
        int64_t rest = a % b;
        a = b;
        b = rest;
    }
    return a;
}

/* How far this time is behind the last start of spans of this length, whichever sign it has. */
static int64_t since_start(int64_t time, int64_t length, int64_t offset) {
    int64_t rest = time % length;
    if (rest < 0) rest += length;
    rest -= offset;
    return rest < 0 ? rest + length : rest;
}

/* --- What can be asked for --------------------------------------------------------------------------------------- */

static int two_lengths(struct err *e, int64_t a, const char *relation, int64_t b) {
    char first[DURATION_TEXT_MAX], second[DURATION_TEXT_MAX];
    duration_format(a, first);
    duration_format(b, second);
    return err_set(e, G_USAGE, "%s %s %s", first, relation, second);
}

static int check_lengths(enum span_kind kind, int64_t size, int64_t step, int64_t offset, struct err *e) {
    if (size <= 0) return err_set(e, G_USAGE, "the length of windows is not above 0");
    if (kind == SPAN_HOP && step <= 0) return err_set(e, G_USAGE, "the slide of windows is not above 0");
    if (kind == SPAN_CUMULATE && step <= 0) return err_set(e, G_USAGE, "the step of windows is not above 0");
    if (kind == SPAN_CUMULATE && size % step != 0)
        return two_lengths(e, size, "is the length of windows, and no multiple of their step", step);
    if (kind == SPAN_CUMULATE && size / step > SPAN_PANES_MAX)
        return two_lengths(e, size, "is the length of windows, and more than 10000 times their step", step);
    if (kind == SPAN_HOP && size / divisor(size, step) > SPAN_PANES_MAX)
        return two_lengths(e, size,
                           "is the length of windows, and more than 10000 times what it has in common with "
                           "their slide",
                           step);
    int64_t cycle = kind == SPAN_HOP ? step : size;
    if (offset <= -cycle || offset >= cycle)
        return two_lengths(e, offset,
                           kind == SPAN_HOP ? "is the offset of windows, and not below their slide"
                                            : "is the offset of windows, and not below their length",
                           cycle);
    return 0;
}

/* From the end of the last window that begins too early, to the start of the first one that ends too late. */
static void find_range(struct spans *s, int64_t cycle) {
    int64_t early = since_start(TIME_MIN, cycle, s->offset);
    int64_t first_start = early == 0 ? TIME_MIN : TIME_MIN + (cycle - early);
    int64_t last_start = TIME_MAX - s->size - since_start(TIME_MAX - s->size, cycle, s->offset);
    s->low = first_start + (s->size > cycle ? s->size - cycle : 0);
    s->high = last_start + (s->size > cycle ? cycle : s->size);
}

int spans_init(struct spans *s, enum span_kind kind, int64_t size, int64_t step, int64_t offset, struct err *e) {
    int g = check_lengths(kind, size, step, offset, e);
    if (g < 0) return g;
    int64_t cycle = kind == SPAN_HOP ? step : size;
    struct spans made = {.kind = kind,
                         .size = size,
                         .step = kind == SPAN_TUMBLE ? size : step,
                         .offset = offset < 0 ? offset + cycle : offset,
                         .pane = kind == SPAN_HOP        ? divisor(size, step)
                                 : kind == SPAN_CUMULATE ? step
                                                         : size};
    made.pane_offset = made.offset % made.pane;
    find_range(&made, cycle);
    if (made.low >= made.high)
        return err_set(e, G_USAGE, "windows are so long that none lies within the years 1678 to 2262");
    *s = made;
    return 0;
}

void spans_init_all(struct spans *s) {
    *s = (struct spans){.kind = SPAN_ALL, .low = INT64_MIN, .high = INT64_MAX - 1};
}

/* --- Panes and windows ------------------------------------------------------------------------------------------- */

struct span spans_pane(const struct spans *s, int64_t time) {
    if (s->kind == SPAN_CALENDAR) return calendar_pane(s, time);
    if (s->kind == SPAN_ALL) return (struct span){s->low, s->high};
    int64_t start = time - since_start(time, s->pane, s->pane_offset);
    return (struct span){start, start + s->pane};
}

bool spans_ends(const struct spans *s, int64_t time, int64_t *ret_first, int64_t *ret_last) {
    if (s->kind == SPAN_HOP) {
        int64_t since = since_start(time, s->step, s->offset);
        if (since >= s->size) return false;
        *ret_last = time - since + s->size;
        *ret_first = *ret_last - (s->size - 1 - since) / s->step * s->step;
    } else if (s->kind == SPAN_CUMULATE) {
        int64_t since = since_start(time, s->size, s->offset), start = time - since;
        *ret_first = start + (since / s->step + 1) * s->step;
        *ret_last = start + s->size;
    } else {
        *ret_first = *ret_last = spans_pane(s, time).end;
    }
    return true;
}

int64_t spans_next_end(const struct spans *s, int64_t end) {
    int64_t next;
    if (s->kind == SPAN_CALENDAR) return calendar_pane(s, end).end;
    if (s->kind == SPAN_ALL) return INT64_MAX;
    return __builtin_add_overflow(end, s->step, &next) ? INT64_MAX : next;
}

struct span spans_ending(const struct spans *s, int64_t end) {
    if (s->kind == SPAN_CALENDAR || s->kind == SPAN_ALL) return spans_pane(s, end - 1);
    int64_t length = s->kind == SPAN_CUMULATE ? since_start(end - 1, s->size, s->offset) + 1 : s->size;
    return (struct span){end - length, end};
}
