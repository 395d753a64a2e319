/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Functions on times: jq's, with fractions of a second kept to the nanosecond, and zones by name as a further argument.
 * A time is a number of seconds since 1970 UTC, or an array [year, month from 0, day, hour, minute, second, weekday,
 * day of the year]. In the table of func.h.
 */
#include <math.h>
#include <stdio.h>
#include <time.h>

#include "base/civil.h"
#include "base/number.h"
#include "base/timefmt.h"
#include "expr/func.h"
#include "expr/func_arith.h"
#include "expr/func_time_impl.h"
#include "json/double.h"

enum { WALL_ITEMS = 8, WALL_ITEMS_MIN = 3, TEXT_SHOWN = 200, ZONE_NAME_MAX = 64 };

/* ---- moments ---- */

/* 1700000000.123456789 exactly; digits below a nanosecond are cut off, toward the past. */
static bool moment_of_decimal(const char *p, size_t n, struct moment *ret) {
    const char *end = p + n;
    bool negative = p < end && *p == '-', below = false;
    uint64_t s = 0;
    uint32_t ns = 0, unit = 100000000;
    if (negative) p++;
    for (; p < end && *p >= '0' && *p <= '9'; p++) {
        if (s > UINT64_MAX / 100) return false;
        s = s * 10 + (uint64_t)(*p - '0');
    }
    if (p < end && *p == '.') {
        for (p++; p < end && *p >= '0' && *p <= '9'; p++, unit /= 10) {
            ns += (uint32_t)(*p - '0') * unit;
            below |= unit == 0 && *p != '0';
        }
    }
    if (p != end || s > INT64_MAX / 2) return false;
    *ret = (struct moment){(int64_t)s, ns};
    if (!negative) return true;
    ns += below;
    *ret = ns == 0 ? (struct moment){-(int64_t)s, 0} : (struct moment){-(int64_t)s - 1, (uint32_t)NS_PER_S - ns};
    return true;
}

/* A double is what its shortest text says, so that 0.1 s are 100 ms. Very large and small ones have an exponent. */
static bool moment_of_double(double d, struct moment *ret) {
    char text[JSON_DOUBLE_MAX];
    if (!(fabs(d) < 1e17)) return false;
    if (fabs(d) >= 1e-4 || d == 0) return moment_of_decimal(text, json_double_write(d, text), ret);
    *ret = d < 0 ? (struct moment){-1, (uint32_t)(NS_PER_S - (int64_t)ceil(-d * 1e9))}
                 : (struct moment){0, (uint32_t)(d * 1e9)};
    return true;
}

/* false: not a number, or outside the range. */
static bool moment_of(struct value v, struct moment *ret) {
    struct moment m;
    bool good = v.kind == VK_NUMBER;
    if (good && v.form == VF_INT) {
        m = (struct moment){v.i, 0};
    } else if (good && (v.form != VF_RAW || !moment_of_decimal(v.text, v.n, &m))) {
        good = moment_of_double(value_to_double(v), &m);
    }
    if (!good || m.s < MOMENT_MIN || m.s > MOMENT_MAX) return false;
    *ret = m;
    return true;
}

static int throw_moment(struct heap *h, struct value v, const char *not_a_number) {
    if (v.kind != VK_NUMBER) return heap_throw(h, "%s", not_a_number);
    return throw_about(h, v, "is outside the range of times");
}

/* The number of seconds, exactly. */
static int moment_value(struct heap *h, struct moment m, struct value *ret) {
    char text[48];
    bool negative = m.s < 0;
    if (m.ns == 0) {
        *ret = value_int(m.s);
        return 0;
    }
    if (negative) m = (struct moment){-m.s - 1, (uint32_t)NS_PER_S - m.ns};
    int n = snprintf(text, sizeof(text), "%s%lld.%09u", negative ? "-" : "", (long long)m.s, m.ns);
    while (text[n - 1] == '0') n--;
    int rc = value_copy_text(h, text, (size_t)n, ret);
    if (rc == 0) *ret = value_raw(ret->text, ret->n);
    return rc;
}

static struct moment moment_of_ns(int64_t ns) {
    int64_t rest = ns % NS_PER_S;
    return (struct moment){ns / NS_PER_S - (rest < 0), (uint32_t)(rest < 0 ? rest + NS_PER_S : rest)};
}

/* ---- wall clocks ---- */

struct wall wall_of(struct moment m, const struct time_zone *tz) {
    int32_t offset = time_zone_offset_at(tz, m.s);
    int64_t local = m.s + offset, second = local % SECONDS_PER_DAY;
    if (second < 0) second += SECONDS_PER_DAY;
    int64_t days = (local - second) / SECONDS_PER_DAY;
    struct civil c = civil_from_days(days);
    return (struct wall){.year = c.year,
                         .month = c.month,
                         .day = c.day,
                         .hour = (unsigned)(second / 3600),
                         .minute = (unsigned)(second / 60 % 60),
                         .second = (unsigned)(second % 60),
                         .ns = m.ns,
                         .weekday = civil_weekday(days),
                         .yearday = (unsigned)(days - civil_to_days((struct civil){c.year, 1, 1})),
                         .offset_s = offset,
                         .epoch_s = m.s};
}

static int wall_value(struct heap *h, const struct wall *w, struct value *ret) {
    struct value *items = array_alloc(h, WALL_ITEMS);
    if (!items) return G_NOMEM;
    double second = (double)(w->second * NS_PER_S + w->ns) / (double)NS_PER_S;
    items[0] = value_int(w->year);
    items[1] = value_int(w->month - 1);
    items[2] = value_int(w->day);
    items[3] = value_int(w->hour);
    items[4] = value_int(w->minute);
    items[5] = w->ns == 0 ? value_int(w->second) : value_double(second);
    items[6] = value_int(w->weekday);
    items[7] = value_int(w->yearday);
    *ret = value_array(items, WALL_ITEMS);
    return 0;
}

/* The seconds that a wall clock array counts, as if it were UTC; fields may be beyond their ends. What is missing
 * behind the day is 0; weekday and day of the year are not read. */
static int wall_moment(struct heap *h, struct value v, const char *function, struct moment *ret) {
    const struct value *items;
    struct moment fields[WALL_ITEMS] = {0};
    uint32_t n;
    int rc = value_items(h, v, &items, &n);
    if (rc < 0) return rc;
    bool good = n >= WALL_ITEMS_MIN;
    for (uint32_t i = 0; i < n && i < WALL_ITEMS && good; i++) good = moment_of(items[i], &fields[i]);
    int64_t month = fields[1].s % 12, year = fields[0].s + fields[1].s / 12;
    if (month < 0) month += 12, year--;
    if (!good || year < -9999 || year > 9999) return heap_throw(h, "%s requires parsed datetime inputs", function);
    int64_t days = civil_to_days((struct civil){(int)year, (unsigned)month + 1, 1}) + fields[2].s - 1;
    int64_t s = days * SECONDS_PER_DAY + fields[3].s * 3600 + fields[4].s * 60 + fields[5].s;
    if (s < MOMENT_MIN || s > MOMENT_MAX) return heap_throw(h, "%s requires parsed datetime inputs", function);
    *ret = (struct moment){s, fields[5].ns};
    return 0;
}

/* ---- zones ---- */

static int zone_of(struct heap *h, const struct value *name, const struct time_zone **ret) {
    struct err e = {0};
    struct span s;
    char text[ZONE_NAME_MAX];
    if (name && name->kind != VK_STRING) return throw_about(h, *name, "is not the name of a time zone");
    int rc = name ? span_of(h, *name, &s) : 0;
    if (rc < 0) return rc;
    if (!name) {
        rc = zone_get_local(ret, &e);
    } else if (s.n >= sizeof(text) || memchr(s.p, '\0', s.n)) {
        return throw_about(h, *name, "is not the name of a time zone");
    } else {
        memcpy(text, s.p, s.n);
        text[s.n] = '\0';
        rc = zone_get(text, ret, &e);
    }
    return rc == 0 || rc == G_NOMEM ? rc : heap_throw(h, "%s", e.text);
}

/* ---- numbers and arrays ---- */

static int f_now(struct heap *h, const struct value *args, struct value *ret) {
    (void)args;
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    return moment_value(h, (struct moment){t.tv_sec, (uint32_t)t.tv_nsec}, ret);
}

static int to_wall(struct heap *h, struct value v, const struct time_zone *tz, const char *name, struct value *ret) {
    struct moment m;
    if (!moment_of(v, &m)) {
        char message[64];
        (void)snprintf(message, sizeof message, "%s() requires numeric inputs", name);
        return throw_moment(h, v, message);
    }
    struct wall w = wall_of(m, tz);
    return wall_value(h, &w, ret);
}

static int f_gmtime(struct heap *h, const struct value *args, struct value *ret) {
    return to_wall(h, args[0], NULL, "gmtime", ret);
}

static int local_wall(struct heap *h, struct value v, const struct value *zone, struct value *ret) {
    const struct time_zone *tz;
    int rc = zone_of(h, zone, &tz);
    return rc < 0 ? rc : to_wall(h, v, tz, "localtime", ret);
}

static int f_localtime(struct heap *h, const struct value *args, struct value *ret) {
    return local_wall(h, args[0], NULL, ret);
}

static int f_localtime_in(struct heap *h, const struct value *args, struct value *ret) {
    return local_wall(h, args[0], &args[1], ret);
}

static int f_mktime(struct heap *h, const struct value *args, struct value *ret) {
    struct moment m;
    if (args[0].kind != VK_ARRAY) return heap_throw(h, "mktime requires array inputs");
    int rc = wall_moment(h, args[0], "mktime", &m);
    return rc < 0 ? rc : moment_value(h, m, ret);
}

/* ---- formats ---- */

/* Of a number, or of an array that says what the clock shows: in UTC, or (`local`) in the zone. */
static int format_time(struct heap *h, struct value v, struct value format, const struct time_zone *tz, bool local,
                       struct value *ret) {
    const char *function = local ? "strflocaltime/1" : "strftime/1";
    struct text t = {.heap = h};
    struct moment m;
    struct span s;
    int rc = 0;
    if (v.kind == VK_ARRAY) {
        rc = wall_moment(h, v, function, &m);
        if (rc == 0 && local) m.s = time_local_to_utc(tz, m.s);
    } else if (!moment_of(v, &m)) {
        char message[64];
        snprintf(message, sizeof(message), "%s requires parsed datetime inputs", function);
        return throw_moment(h, v, message);
    }
    if (rc == 0 && format.kind != VK_STRING) return heap_throw(h, "%s requires a string format", function);
    if (rc == 0) rc = span_of(h, format, &s);
    if (rc < 0) return rc;
    struct wall w = wall_of(m, tz);
    rc = wall_format(&t, &w, s);
    if (rc == 0) *ret = text_value(&t);
    return rc;
}

static int f_strftime(struct heap *h, const struct value *args, struct value *ret) {
    return format_time(h, args[0], args[1], NULL, false, ret);
}

static int f_strftime_in(struct heap *h, const struct value *args, struct value *ret) {
    const struct time_zone *tz;
    int rc = zone_of(h, &args[2], &tz);
    return rc < 0 ? rc : format_time(h, args[0], args[1], tz, false, ret);
}

static int f_strflocaltime(struct heap *h, const struct value *args, struct value *ret) {
    const struct time_zone *tz;
    int rc = zone_of(h, NULL, &tz);
    return rc < 0 ? rc : format_time(h, args[0], args[1], tz, true, ret);
}

static int f_strflocaltime_in(struct heap *h, const struct value *args, struct value *ret) {
    const struct time_zone *tz;
    int rc = zone_of(h, &args[2], &tz);
    return rc < 0 ? rc : format_time(h, args[0], args[1], tz, true, ret);
}

static int throw_no_match(struct heap *h, struct span s, const char *format) {
    return heap_throw(h, "date \"%.*s\" does not match format \"%.*s\"", (int)(s.n < TEXT_SHOWN ? s.n : TEXT_SHOWN),
                      s.p, TEXT_SHOWN, format);
}

static int f_strptime(struct heap *h, const struct value *args, struct value *ret) {
    struct span s, format;
    struct err e = {0};
    int64_t ns;
    if (args[0].kind != VK_STRING || args[1].kind != VK_STRING)
        return heap_throw(h, "strptime/1 requires string inputs and arguments");
    int rc = span_of(h, args[0], &s);
    if (rc == 0) rc = span_of(h, args[1], &format);
    if (rc < 0) return rc;
    char *text = heap_alloc(h, format.n + 1);
    if (!text) return G_NOMEM;
    if (format.n) memcpy(text, format.p, format.n);
    text[format.n] = '\0';
    if (time_format_check(text, &e) < 0) return heap_throw(h, "%s", e.text);
    if (time_parse_format(text, s.p, s.n, NULL, &ns, &e) < 0) return throw_no_match(h, s, text);
    struct wall w = wall_of(moment_of_ns(ns), NULL);
    return wall_value(h, &w, ret);
}

/* ---- RFC 3339 ---- */

static char *put_two(char *p, unsigned v) {
    memcpy(p, number_pairs + v * 2, 2);
    return p + 2;
}

/* 3, 6 or 9 digits of a fraction where there is one. */
static char *put_fraction(char *p, uint32_t ns) {
    if (ns == 0) return p;
    int digits = ns % 1000000 == 0 ? 3 : ns % 1000 == 0 ? 6 : 9;
    *p++ = '.';
    for (uint32_t unit = 100000000; digits > 0; digits--, unit /= 10) *p++ = (char)('0' + ns / unit % 10);
    return p;
}

static char *put_offset(char *p, int32_t offset_s) {
    unsigned minutes = (unsigned)(offset_s < 0 ? -offset_s : offset_s) / 60;
    if (offset_s == 0) {
        *p++ = 'Z';
        return p;
    }
    *p++ = offset_s < 0 ? '-' : '+';
    p = put_two(p, minutes / 60);
    *p++ = ':';
    return put_two(p, minutes % 60);
}

static int todate(struct heap *h, struct value v, const struct time_zone *tz, struct value *ret) {
    char text[64], *p = text;
    struct moment m;
    if (v.kind == VK_ARRAY) {
        int rc = wall_moment(h, v, "strftime/1", &m);
        if (rc < 0) return rc;
    } else if (!moment_of(v, &m)) {
        return throw_moment(h, v, "strftime/1 requires parsed datetime inputs");
    }
    struct wall w = wall_of(m, tz);
    unsigned year = (unsigned)(w.year < 0 ? -w.year : w.year);
    if (year > 9999) return throw_moment(h, v, ""); /* it is the next year there */
    if (w.year < 0) *p++ = '-';
    p = put_two(put_two(p, year / 100), year % 100);
    *p++ = '-';
    p = put_two(p, w.month);
    *p++ = '-';
    p = put_two(p, w.day);
    *p++ = 'T';
    p = put_two(p, w.hour);
    *p++ = ':';
    p = put_two(p, w.minute);
    *p++ = ':';
    p = put_two(p, w.second);
    p = put_offset(put_fraction(p, w.ns), w.offset_s);
    return value_copy_text(h, text, (size_t)(p - text), ret);
}

static int f_todate(struct heap *h, const struct value *args, struct value *ret) {
    return todate(h, args[0], NULL, ret);
}

static int f_todate_in(struct heap *h, const struct value *args, struct value *ret) {
    const struct time_zone *tz;
    int rc = zone_of(h, &args[1], &tz);
    return rc < 0 ? rc : todate(h, args[0], tz, ret);
}

static int f_fromdate(struct heap *h, const struct value *args, struct value *ret) {
    struct span s;
    struct err e = {0};
    int64_t ns;
    if (args[0].kind != VK_STRING) return heap_throw(h, "strptime/1 requires string inputs and arguments");
    int rc = span_of(h, args[0], &s);
    if (rc < 0) return rc;
    /* A date, not one of the numbers that time_parse takes too. */
    if (s.n < 10 || s.p[4] != '-' || time_parse(s.p, s.n, NULL, &ns, &e) < 0)
        return throw_no_match(h, s, "%Y-%m-%dT%H:%M:%SZ");
    return moment_value(h, moment_of_ns(ns), ret);
}

/* ---- sums ---- */

static int add_units(struct heap *h, const struct value *args, bool subtract, struct value *ret) {
    static const struct unit {
        const char *name;
        int64_t s;
    } units[] = {{"seconds", 1}, {"minutes", 60}, {"hours", 3600}, {"days", 86400}, {"weeks", 604800}};
    struct span unit = {0};
    struct value distance;
    if (args[1].kind != VK_STRING) return throw_about(h, args[1], "is not a unit of time");
    int rc = span_of(h, args[1], &unit);
    for (size_t i = 0; rc == 0 && i < sizeof(units) / sizeof(*units); i++) {
        if (strlen(units[i].name) != unit.n || memcmp(units[i].name, unit.p, unit.n) != 0) continue;
        rc = value_multiply(h, args[2], value_int(units[i].s), &distance);
        if (rc < 0) return rc;
        return subtract ? value_subtract(h, args[0], distance, ret) : value_add(h, args[0], distance, ret);
    }
    return rc < 0 ? rc : throw_about(h, args[1], "is not a unit of time");
}

static int f_dateadd(struct heap *h, const struct value *args, struct value *ret) {
    return add_units(h, args, false, ret);
}

static int f_datesub(struct heap *h, const struct value *args, struct value *ret) {
    return add_units(h, args, true, ret);
}

/* What looks at TZ or the clock is not pure. */
const struct func func_time[] = {
    {"date", 0, true, f_todate},
    {"dateadd", 2, true, f_dateadd},
    {"datesub", 2, true, f_datesub},
    {"fromdate", 0, true, f_fromdate},
    {"fromdateiso8601", 0, true, f_fromdate},
    {"gmtime", 0, true, f_gmtime},
    {"localtime", 0, false, f_localtime},
    {"localtime", 1, true, f_localtime_in},
    {"mktime", 0, true, f_mktime},
    {"now", 0, false, f_now},
    {"strflocaltime", 1, false, f_strflocaltime},
    {"strflocaltime", 2, true, f_strflocaltime_in},
    {"strftime", 1, true, f_strftime},
    {"strftime", 2, true, f_strftime_in},
    {"strptime", 1, true, f_strptime},
    {"todate", 0, true, f_todate},
    {"todate", 1, true, f_todate_in},
    {"todateiso8601", 0, true, f_todate},
    {NULL, 0, false, NULL},
};
