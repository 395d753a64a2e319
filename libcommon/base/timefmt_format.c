/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Times by a format like strptime's (--time-format); declared in timefmt.h.
 *
 * strptime itself is not used: its %s reads the process-wide TZ, its names are the locale's, it has no fractions, and
 * it wants a NUL.
 */
#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <strings.h>

#include "base/civil.h"
#include "base/timefmt.h"

enum { TEXT_SHOWN = 60, UNSET = -1 };

/* What the text said so far, and where we are in it. */
struct parse {
    const char *p, *end;
    int year, month, day, day_of_year, hour, hour12, minute, second;
    int pm; /* UNSET, 0, 1 */
    uint32_t ns;
    bool has_offset, has_epoch, epoch_negative;
    int32_t offset_s;
    int64_t epoch_s;
};

/* --- Single conversions ------------------------------------------------------------------------------------------ */

/* Conversions that are a number of 1 to `digits` digits. */
static const struct numeric {
    char conversion;
    bool padded; /* spaces may stand for leading zeros */
    int digits, min, max;
    size_t member;
} numerics[] = {
    {'Y', false, 4, 0, 9999, offsetof(struct parse, year)},
    {'y', false, 2, 0, 99, offsetof(struct parse, year)},
    {'m', false, 2, 1, 12, offsetof(struct parse, month)},
    {'d', false, 2, 1, 31, offsetof(struct parse, day)},
    {'e', true, 2, 1, 31, offsetof(struct parse, day)},
    {'j', false, 3, 1, 366, offsetof(struct parse, day_of_year)},
    {'H', false, 2, 0, 23, offsetof(struct parse, hour)},
    {'k', true, 2, 0, 23, offsetof(struct parse, hour)},
    {'I', false, 2, 1, 12, offsetof(struct parse, hour12)},
    {'l', true, 2, 1, 12, offsetof(struct parse, hour12)},
    {'M', false, 2, 0, 59, offsetof(struct parse, minute)},
    {'S', false, 2, 0, 60, offsetof(struct parse, second)},
};

/* Conversions that stand for several. */
static const struct composite {
    char conversion;
    const char *format;
} composites[] = {
    {'F', "%Y-%m-%d"}, {'T', "%H:%M:%S"}, {'R', "%H:%M"}, {'D', "%m/%d/%y"}, {'r', "%I:%M:%S %p"},
};

#define COUNT(array) (sizeof(array) / sizeof *(array))

static const struct numeric *numeric_find(char conversion) {
    for (size_t i = 0; i < COUNT(numerics); i++)
        if (numerics[i].conversion == conversion) return &numerics[i];
    return NULL;
}

static const char *composite_find(char conversion) {
    for (size_t i = 0; i < COUNT(composites); i++)
        if (composites[i].conversion == conversion) return composites[i].format;
    return NULL;
}

static bool is_space(char c) {
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

static bool read_numeric(struct parse *t, const struct numeric *f) {
    while (f->padded && t->p < t->end && *t->p == ' ') t->p++;
    const char *start = t->p;
    int v = 0;
    for (; t->p < t->end && is_digit(*t->p) && t->p - start < f->digits; t->p++) v = v * 10 + (*t->p - '0');
    if (t->p == start || v < f->min || v > f->max) return false;
    if (f->conversion == 'y') v += v < 69 ? 2000 : 1900;
    *(int *)((char *)t + f->member) = v;
    return true;
}

/* One of the names, whole or its first three letters, in any case; its index, or -1. */
static int read_name(struct parse *t, const char *const *names, int count) {
    for (int i = 0; i < count; i++) {
        size_t whole = strlen(names[i]), left = (size_t)(t->end - t->p);
        size_t n = left >= whole && strncasecmp(t->p, names[i], whole) == 0 ? whole : 3;
        if (left < n || strncasecmp(t->p, names[i], n) != 0) continue;
        t->p += n;
        return i;
    }
    return -1;
}

static bool read_month(struct parse *t) {
    static const char *const months[] = {"january", "february", "march",     "april",   "may",      "june",
                                         "july",    "august",   "september", "october", "november", "december"};
    t->month = read_name(t, months, 12) + 1;
    return t->month > 0;
}

static bool read_weekday(struct parse *t) {
    static const char *const days[] = {"sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"};
    return read_name(t, days, 7) >= 0;
}

static bool read_am_pm(struct parse *t) {
    bool there = t->end - t->p >= 2 && (t->p[1] | 0x20) == 'm' && ((t->p[0] | 0x20) == 'a' || (t->p[0] | 0x20) == 'p');
    if (!there) return false;
    t->pm = (t->p[0] | 0x20) == 'p';
    t->p += 2;
    return true;
}

static bool read_fraction(struct parse *t) {
    const char *start = t->p;
    uint32_t unit = 100000000;
    t->ns = 0;
    for (; t->p < t->end && is_digit(*t->p); t->p++, unit /= 10) t->ns += (uint32_t)(*t->p - '0') * unit;
    return t->p > start;
}

static bool read_epoch(struct parse *t) {
    t->epoch_negative = t->p < t->end && *t->p == '-';
    t->p += t->epoch_negative;
    const char *start = t->p;
    int64_t v = 0;
    for (; t->p < t->end && is_digit(*t->p); t->p++)
        if (v < INT64_MAX / 20) v = v * 10 + (*t->p - '0'); /* far outside the range of times already */
    t->epoch_s = t->epoch_negative ? -v : v;
    t->has_epoch = true;
    return t->p > start;
}

/* Z, ±hh, ±hhmm, ±hh:mm */
static bool read_offset(struct parse *t) {
    t->has_offset = true;
    t->offset_s = 0;
    if (t->p < t->end && (*t->p | 0x20) == 'z') {
        t->p++;
        return true;
    }
    if (t->end - t->p < 3 || (*t->p != '+' && *t->p != '-') || !is_digit(t->p[1]) || !is_digit(t->p[2])) return false;
    int sign = *t->p == '-' ? -1 : 1, hours = (t->p[1] - '0') * 10 + t->p[2] - '0', minutes = 0;
    t->p += 3;
    int colon = t->p < t->end && *t->p == ':';
    if (t->end - t->p >= colon + 2 && is_digit(t->p[colon]) && is_digit(t->p[colon + 1])) {
        minutes = (t->p[colon] - '0') * 10 + t->p[colon + 1] - '0';
        t->p += colon + 2;
    }
    t->offset_s = sign * (hours * 3600 + minutes * 60);
    return hours < 24 && minutes < 60;
}

static bool read_zone_name(struct parse *t) {
    size_t left = (size_t)(t->end - t->p);
    size_t n = left >= 3 && (strncasecmp(t->p, "UTC", 3) == 0 || strncasecmp(t->p, "GMT", 3) == 0) ? 3 : 1;
    if (n == 1 && (left < 1 || (*t->p | 0x20) != 'z')) return false;
    t->p += n;
    t->has_offset = true;
    t->offset_s = 0;
    return true;
}

/* --- The format -------------------------------------------------------------------------------------------------- */

static bool read_spaces(struct parse *t) {
    while (t->p < t->end && is_space(*t->p)) t->p++;
    return true;
}

static bool read_other(struct parse *t, char conversion) {
    switch (conversion) {
    case 'b':
    case 'B':
    case 'h': return read_month(t);
    case 'a':
    case 'A': return read_weekday(t);
    case 'p': return read_am_pm(t);
    case 'f': return read_fraction(t);
    case 's': return read_epoch(t);
    case 'z': return read_offset(t);
    case 'Z': return read_zone_name(t);
    case 'n':
    case 't': return read_spaces(t);
    default: return conversion == '%' && t->p < t->end && *t->p++ == '%';
    }
}

static bool read_by_format(struct parse *t, const char *format) {
    for (; *format != '\0'; format++) {
        if (is_space(*format)) {
            read_spaces(t);
        } else if (*format != '%') {
            if (t->p == t->end || *t->p++ != *format) return false;
        } else {
            const struct numeric *numeric = numeric_find(*++format);
            const char *composite = composite_find(*format);
            bool good = numeric != NULL     ? read_numeric(t, numeric)
                        : composite != NULL ? read_by_format(t, composite)
                                            : read_other(t, *format);
            if (!good) return false;
        }
    }
    return true;
}

int time_format_check(const char *format, struct err *e) {
    for (const char *p = strchr(format, '%'); p != NULL; p = strchr(p + 2, '%')) {
        if (p[1] == '\0') return err_set(e, G_USAGE, "time format '%s' ends in a single %%", format);
        if (numeric_find(p[1]) == NULL && composite_find(p[1]) == NULL && strchr("bBhaApfszZnt%", p[1]) == NULL)
            return err_set(e, G_USAGE, "time format '%s': unknown conversion '%%%c'", format, p[1]);
    }
    return 0;
}

/* --- From what was said to a time -------------------------------------------------------------------------------- */

/* false when there is no such day. */
static bool parse_days(const struct parse *t, int64_t *ret) {
    struct civil c = {t->year, (unsigned)t->month, (unsigned)t->day};
    if (t->day_of_year == UNSET) {
        *ret = civil_to_days(c);
        return c.day <= civil_days_in_month(c.year, c.month);
    }
    c.month = c.day = 1;
    *ret = civil_to_days(c) + t->day_of_year - 1;
    return t->day_of_year <= 365 + civil_is_leap(t->year);
}

static int parse_time(const struct parse *t, const struct time_zone *tz, int64_t *ret, struct err *e) {
    if (t->has_epoch) {
        /* -1.5 is half a second before -1 */
        bool borrow = t->epoch_negative && t->ns > 0;
        return time_from_seconds(t->epoch_s - borrow, borrow ? NS_PER_S - t->ns : t->ns, ret, e);
    }
    int64_t days;
    if (!parse_days(t, &days)) return err_set(e, G_DATA, "there is no such day");
    int hour = t->hour12 == UNSET ? t->hour : t->hour12 % 12 + (t->pm == 1 ? 12 : 0);
    int64_t local = days * SECONDS_PER_DAY + hour * 3600 + t->minute * 60 + t->second;
    int64_t utc = t->has_offset ? local - t->offset_s : time_local_to_utc(tz, local);
    return time_from_seconds(utc, t->second == 60 ? 0 : t->ns, ret, e);
}

int time_parse_format(const char *format, const char *s, size_t n, const struct time_zone *tz, int64_t *ret,
                      struct err *e) {
    struct parse t = {
        .p = s, .end = s + n, .year = 1970, .month = 1, .day = 1, .day_of_year = UNSET, .hour12 = UNSET, .pm = UNSET};
    int shown = n < TEXT_SHOWN ? (int)n : TEXT_SHOWN;
    if (!read_by_format(&t, format) || t.p != t.end)
        return err_set(e, G_DATA, "time '%.*s' is not of the form '%.100s'", shown, s, format);
    int rc = parse_time(&t, tz, ret, e);
    if (rc < 0) err_prefix(e, "time '%.*s': ", shown, s);
    return rc;
}
