/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Axes with round numbers: 1, 2 or 5 times a power of ten (P. S. Heckbert, "Nice Numbers for Graph Labels", 1990), and
 * for times the steps of clocks and calendars. See chart.h.
 */
#include <math.h>
#include <stdio.h>

#include "chart.h"

#include "base/civil.h"
#include "base/timefmt.h"

/* ---- numbers ---- */

static double round_step(double span, unsigned wanted) {
    double raw = span / wanted, power = pow(10, floor(log10(raw))), part = raw / power;
    return (part <= 1 ? 1 : part <= 2 ? 2 : part <= 5 ? 5 : 10) * power;
}

void number_text(char out[TICK_TEXT_MAX], double v, double step) {
    static const struct {
        double size;
        const char *letter;
    } unit[] = {{1e12, "T"}, {1e9, "G"}, {1e6, "M"}, {1e4, "k"}};
    double size = 1, scale = fabs(v) > step ? fabs(v) : step;
    const char *letter = "";
    for (size_t i = 0; i < sizeof unit / sizeof *unit && size < 1.5; i++) {
        double least = i == 3 ? 1e3 : unit[i].size;
        if (scale < unit[i].size || step < least / 100) continue;
        size = least;
        letter = unit[i].letter;
    }
    if (scale >= 1e16) {
        (void)snprintf(out, TICK_TEXT_MAX, "%.3g", v);
        return;
    }
    double at = step / size;
    int digits = at >= 1 ? 0 : (int)ceil(-log10(at) - 1e-9);
    if (digits > 9) digits = 9;
    bool zero = fabs(v) < step / 1e6;
    (void)snprintf(out, TICK_TEXT_MAX, "%.*f%s", zero ? 0 : digits, zero ? 0.0 : v / size, zero ? "" : letter);
}

static void add_tick(struct axis *a, double at) {
    if (a->count < TICKS_MAX) a->ticks[a->count++].at = at;
}

void axis_numbers(struct axis *a, double min, double max, unsigned wanted, bool snug) {
    if (!(max > min)) {
        double pad = fabs(min) > 1 ? fabs(min) * 0.1 : 1;
        max = min + pad;
        min -= pad;
    }
    double step = round_step(max - min, wanted ? wanted : 1);
    double first = snug ? ceil(min / step) : floor(min / step), last = snug ? floor(max / step) : ceil(max / step);
    *a = (struct axis){.min = snug ? min : first * step, .max = snug ? max : last * step};
    for (double i = first; i <= last + 0.5; i++) add_tick(a, i * step);
    for (size_t i = 0; i < a->count; i++) number_text(a->ticks[i].text, a->ticks[i].at, step);
}

/* ---- times ---- */

enum { MONTHS = 1 << 30 }; /* a step of months instead of seconds */
static const int steps[] = {1,          2,          5,           10,          15,          30,           60,
                            120,        300,        600,         900,         1800,        3600,         7200,
                            10800,      21600,      43200,       86400,       172800,      604800,       MONTHS + 1,
                            MONTHS + 3, MONTHS + 6, MONTHS + 12, MONTHS + 24, MONTHS + 60, MONTHS + 120, MONTHS + 600};

static double seconds_of(int step) {
    return step >= MONTHS ? (step - MONTHS) * 30.44 * 86400 : step;
}

static int64_t local(const struct time_zone *zone, int64_t s) {
    return zone ? s + time_zone_offset_at(zone, s) : s;
}

/* The first second at or behind `s`, a local time, that is at such a step. */
static int64_t align(int64_t s, int step) {
    if (step < MONTHS) {
        int64_t beyond = ((s % step) + step) % step;
        return beyond ? s + step - beyond : s;
    }
    int64_t days = s >= 0 ? s / 86400 : -((-s + 86399) / 86400);
    struct civil c = civil_from_days(days);
    int64_t month = (int64_t)c.year * 12 + c.month - 1;
    if (c.day > 1 || s != days * 86400) month++;
    int every = step - MONTHS;
    int64_t beyond = ((month % every) + every) % every;
    if (beyond) month += every - beyond;
    return civil_to_days((struct civil){.year = (int)(month / 12), .month = (unsigned)(month % 12) + 1, .day = 1}) *
           86400;
}

static void time_text(char out[TICK_TEXT_MAX], int64_t local_s, int step) {
    int64_t days = local_s >= 0 ? local_s / 86400 : -((-local_s + 86399) / 86400), s = local_s - days * 86400;
    struct civil c = civil_from_days(days);
    int h = (int)(s / 3600), m = (int)(s / 60 % 60);
    if (step >= MONTHS)
        (void)snprintf(out, TICK_TEXT_MAX, step >= MONTHS + 12 ? "%04d" : "%04d-%02u", c.year, c.month);
    else if (step >= 86400 || s == 0)
        (void)snprintf(out, TICK_TEXT_MAX, "%04d-%02u-%02u", c.year, c.month, c.day);
    else if (step >= 60)
        (void)snprintf(out, TICK_TEXT_MAX, "%02d:%02d", h, m);
    else
        (void)snprintf(out, TICK_TEXT_MAX, "%02d:%02d:%02d", h, m, (int)(s % 60));
}

void axis_times(struct axis *a, double min, double max, unsigned wanted, const struct time_zone *zone) {
    if (!(max > min)) {
        min -= (double)NS_PER_S;
        max += (double)NS_PER_S;
    }
    size_t i = 0, count = sizeof steps / sizeof *steps;
    while (i + 1 < count && seconds_of(steps[i]) < (max - min) / 1e9 / (wanted ? wanted : 1)) i++;
    *a = (struct axis){.min = min, .max = max};
    if (max - min < 1e9) return; /* ticks of parts of a second tell nothing */
    int64_t from = (int64_t)ceil(min / 1e9), shift = local(zone, from) - from;
    for (int64_t at = align(from + shift, steps[i]); a->count < TICKS_MAX && (double)(at - shift) <= max / 1e9;
         at = align(at + 1, steps[i])) {
        time_text(a->ticks[a->count].text, at, steps[i]);
        add_tick(a, (double)(at - shift) * 1e9);
    }
}
