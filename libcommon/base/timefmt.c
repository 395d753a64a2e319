/* SPDX-License-Identifier: Apache-2.0 */
/*
 * RFC 3339 and epoch numbers, in and out. See the header. Formats are in timefmt_format.c, durations in duration.c.
 */
#include "base/timefmt.h"

#include <stdbool.h>
#include <string.h>

#include "base/civil.h"
#include "base/number.h"

enum { TEXT_SHOWN = 60 };

static int text_shown(size_t n) {
    return n < TEXT_SHOWN ? (int)n : TEXT_SHOWN;
}

/* --- Out --------------------------------------------------------------------------------------------------------- */

static char *put_pair(char *p, unsigned v) {
    memcpy(p, number_pairs + 2 * v, 2);
    return p + 2;
}

/* '.' and three digits for each of the thousandths that is needed. */
static char *put_fraction(char *p, uint32_t ns) {
    uint32_t thousandths[3] = {ns / 1000000, ns / 1000 % 1000, ns % 1000};
    int needed = thousandths[2] ? 3 : thousandths[1] ? 2 : 1;
    *p++ = '.';
    for (int i = 0; i < needed; i++) {
        *p++ = (char)('0' + thousandths[i] / 100);
        p = put_pair(p, thousandths[i] % 100);
    }
    return p;
}

size_t time_format_rfc3339(int64_t ns, char out[TIME_TEXT_MAX]) {
    int64_t seconds = ns / NS_PER_S;
    int32_t fraction = (int32_t)(ns % NS_PER_S);
    if (fraction < 0) {
        fraction += (int32_t)NS_PER_S;
        seconds--;
    }
    int64_t days = seconds / SECONDS_PER_DAY;
    int32_t in_day = (int32_t)(seconds % SECONDS_PER_DAY);
    if (in_day < 0) {
        in_day += SECONDS_PER_DAY;
        days--;
    }
    struct civil c = civil_from_days(days);
    unsigned minutes = (unsigned)in_day / 60;
    char *p = put_pair(out, (unsigned)c.year / 100);
    p = put_pair(p, (unsigned)c.year % 100);
    *p++ = '-';
    p = put_pair(p, c.month);
    *p++ = '-';
    p = put_pair(p, c.day);
    *p++ = 'T';
    p = put_pair(p, minutes / 60);
    *p++ = ':';
    p = put_pair(p, minutes % 60);
    *p++ = ':';
    p = put_pair(p, (unsigned)in_day % 60);
    if (fraction != 0) p = put_fraction(p, (uint32_t)fraction);
    *p++ = 'Z';
    *p = '\0';
    return (size_t)(p - out);
}

/* --- In: parts --------------------------------------------------------------------------------------------------- */

int time_from_seconds(int64_t seconds, int64_t ns, int64_t *ret, struct err *e) {
    int64_t t;
    if (__builtin_mul_overflow(seconds, NS_PER_S, &t) || __builtin_add_overflow(t, ns, &t) || t < TIME_MIN)
        return err_set(e, G_DATA, "time is outside the years 1678 to 2262");
    *ret = t;
    return 0;
}

int time_from_epoch(int64_t v, int64_t *ret, struct err *e) {
    uint64_t size = v < 0 ? 0 - (uint64_t)v : (uint64_t)v;
    int64_t unit = size < 100000000000u         ? NS_PER_S
                   : size < 100000000000000u    ? NS_PER_MS
                   : size < 100000000000000000u ? NS_PER_US
                                                : 1;
    int64_t t;
    if (__builtin_mul_overflow(v, unit, &t) || t < TIME_MIN)
        return err_set(e, G_DATA, "time '%lld' is outside the years 1678 to 2262", (long long)v);
    *ret = t;
    return 0;
}

/* Two digits; anything else leaves *bad not zero. */
static inline unsigned pair_of(const char *p, unsigned *bad) {
    unsigned tens = (unsigned)(unsigned char)p[0] - '0', ones = (unsigned)(unsigned char)p[1] - '0';
    *bad |= (tens > 9) | (ones > 9);
    return tens * 10 + ones;
}

/* Digits behind a point, cut off after nine. Returns where they end; s itself when there are none. */
static const char *fraction_read(const char *s, const char *end, uint32_t *ret_ns) {
    uint32_t ns = 0, unit = 100000000;
    for (; s < end && *s >= '0' && *s <= '9'; s++, unit /= 10) ns += (uint32_t)(*s - '0') * unit;
    *ret_ns = ns;
    return s;
}

/* --- In: dates --------------------------------------------------------------------------------------------------- */

/* What a text said. */
struct clock {
    struct civil date;
    unsigned hour, minute, second; /* second up to 60 */
    uint32_t ns;
    bool has_offset;
    int32_t offset_s;
};

static bool clock_is_valid(const struct clock *c) {
    return c->date.month - 1 < 12 && c->date.day - 1 < civil_days_in_month(c->date.year, c->date.month) &&
           c->hour < 24 && c->minute < 60 && c->second <= 60;
}

static int64_t clock_local_seconds(const struct clock *c) {
    return civil_to_days(c->date) * SECONDS_PER_DAY + c->hour * 3600 + c->minute * 60 + c->second;
}

/* Z or ±hh:mm or ±hhmm, to the end. */
static bool offset_read(const char *s, const char *end, int32_t *ret) {
    size_t n = (size_t)(end - s);
    if (n == 1 && (*s == 'Z' || *s == 'z')) {
        *ret = 0;
        return true;
    }
    if ((n != 5 && (n != 6 || s[3] != ':')) || (*s != '+' && *s != '-')) return false;
    unsigned bad = 0, hours = pair_of(s + 1, &bad), minutes = pair_of(end - 2, &bad);
    if (bad || hours > 23 || minutes > 59) return false;
    *ret = (int32_t)(hours * 3600 + minutes * 60) * (*s == '-' ? -1 : 1);
    return true;
}

/* YYYY-MM-DD, and the rest if there is one. Form only, not whether there is such a day. */
static bool clock_read(const char *s, size_t n, struct clock *c) {
    const char *end = s + n;
    unsigned bad = 0;
    *c = (struct clock){0};
    if (n < 10 || s[4] != '-' || s[7] != '-') return false;
    c->date.year = (int)(pair_of(s, &bad) * 100 + pair_of(s + 2, &bad));
    c->date.month = pair_of(s + 5, &bad);
    c->date.day = pair_of(s + 8, &bad);
    if (n == 10) return !bad;
    if (n < 16 || (s[10] != 'T' && s[10] != 't' && s[10] != ' ') || s[13] != ':') return false;
    c->hour = pair_of(s + 11, &bad);
    c->minute = pair_of(s + 14, &bad);
    s += 16;
    if (end - s >= 3 && *s == ':') {
        c->second = pair_of(s + 1, &bad);
        s += 3;
        if (s < end && *s == '.') {
            const char *digits = s + 1;
            s = fraction_read(digits, end, &c->ns);
            if (s == digits) return false;
        }
    }
    if (s == end) return !bad;
    c->has_offset = true;
    return !bad && offset_read(s, end, &c->offset_s);
}

/* 1 to 12 for the three letters there, else 0. */
static unsigned month_of(const char *p) {
    static const char names[12][4] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                      "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    for (unsigned i = 0; i < 12; i++)
        if (memcmp(names[i], p, 3) == 0) return i + 1;
    return 0;
}

/* DD/Mon/YYYY:HH:MM:SS, and an offset behind a space. Form only, too. */
static bool log_clock_read(const char *s, size_t n, struct clock *c) {
    unsigned bad = 0;
    if (n < 20 || s[2] != '/' || s[6] != '/' || s[11] != ':' || s[14] != ':' || s[17] != ':') return false;
    *c = (struct clock){.date = {.year = (int)(pair_of(s + 7, &bad) * 100 + pair_of(s + 9, &bad)),
                                 .month = month_of(s + 3),
                                 .day = pair_of(s, &bad)},
                        .hour = pair_of(s + 12, &bad),
                        .minute = pair_of(s + 15, &bad),
                        .second = pair_of(s + 18, &bad),
                        .has_offset = n > 20};
    return !bad && c->date.month > 0 && (n == 20 || (s[20] == ' ' && offset_read(s + 21, s + n, &c->offset_s)));
}

/* YYYY-MM-DDTHH:MM:SS[.f…]Z: what nearly every record has. The general way reads it just the same, slower. */
static bool utc_read_fast(const char *s, size_t n, int64_t *ret) {
    if (n < 20 || n > 30 || s[n - 1] != 'Z' || s[10] != 'T' || s[4] != '-' || s[7] != '-' || s[13] != ':' ||
        s[16] != ':' || (n > 20 && (n == 21 || s[19] != '.')))
        return false;
    unsigned bad = 0;
    struct clock c = {.date = {.year = (int)(pair_of(s, &bad) * 100 + pair_of(s + 2, &bad)),
                               .month = pair_of(s + 5, &bad),
                               .day = pair_of(s + 8, &bad)},
                      .hour = pair_of(s + 11, &bad),
                      .minute = pair_of(s + 14, &bad),
                      .second = pair_of(s + 17, &bad)};
    if (n > 20 && fraction_read(s + 20, s + n - 1, &c.ns) != s + n - 1) return false;
    /* 1678 to 2261 cannot overflow; the rest and leap seconds are the general way's. */
    if (bad || c.date.year < 1678 || c.date.year > 2261 || c.second > 59 || !clock_is_valid(&c)) return false;
    *ret = clock_local_seconds(&c) * NS_PER_S + c.ns;
    return true;
}

/* --- In: numbers ------------------------------------------------------------------------------------------------- */

/* A decimal number as its significant digits: 0.d1d2d3… times 10^point. */
struct decimal {
    bool negative;
    int kept;
    int64_t point;
    char digits[40]; /* the rest is cut off: 20 decide already */
};

static const char *exponent_read(const char *s, const char *end, int64_t *ret) {
    bool negative = s < end && *s == '-';
    if (s < end && (*s == '-' || *s == '+')) s++;
    const char *start = s;
    int64_t v = 0;
    for (; s < end && *s >= '0' && *s <= '9'; s++)
        if (v < 1000000) v = v * 10 + (*s - '0');
    *ret = negative ? -v : v;
    return s == start ? NULL : s;
}

static bool decimal_read(const char *s, size_t n, struct decimal *d) {
    const char *end = s + n;
    int64_t exponent = 0;
    bool behind_point = false;
    *d = (struct decimal){.negative = n > 0 && *s == '-'};
    if (n > 0 && (*s == '-' || *s == '+')) s++;
    if (s == end || *s < '0' || *s > '9') return false;
    for (; s < end; s++) {
        bool digit_next = s + 1 < end && s[1] >= '0' && s[1] <= '9';
        if (*s >= '0' && *s <= '9') {
            bool leading_zero = d->kept == 0 && *s == '0';
            if (!leading_zero && d->kept < (int)sizeof d->digits) d->digits[d->kept++] = *s;
            if (leading_zero ? behind_point : !behind_point) d->point += behind_point ? -1 : 1;
        } else if (*s == '.' && !behind_point && digit_next && s[-1] >= '0' && s[-1] <= '9') {
            behind_point = true;
        } else {
            break;
        }
    }
    if (s < end) {
        if ((*s != 'e' && *s != 'E') || s[-1] < '0' || s[-1] > '9') return false;
        s = exponent_read(s + 1, end, &exponent);
        if (s != end) return false;
    }
    d->point += exponent;
    return true;
}

/* Digits only, and too few to overflow: what records with numbers have. */
static bool epoch_read_fast(const char *s, size_t n, int64_t *ret) {
    int64_t v = 0;
    if (n == 0 || n > 18) return false;
    for (size_t i = 0; i < n; i++) {
        unsigned digit = (unsigned)(unsigned char)s[i] - '0';
        if (digit > 9) return false;
        v = v * 10 + digit;
    }
    return time_from_epoch(v, ret, NULL) == 0;
}

/* By the size of the number: see the header. false outside the range. */
static bool decimal_time(const struct decimal *d, int64_t *ret) {
    int shift = d->point <= 11 ? 9 : d->point <= 14 ? 6 : d->point <= 17 ? 3 : 0;
    int64_t wanted = d->point + shift; /* digits of the number of ns */
    uint64_t v = 0;
    if (d->kept > 0 && wanted > 19) return false;
    for (int i = 0; d->kept > 0 && i < wanted; i++) v = v * 10 + (i < d->kept ? (uint64_t)(d->digits[i] - '0') : 0);
    if (v > INT64_MAX) return false;
    *ret = d->negative ? -(int64_t)v : (int64_t)v;
    return *ret >= TIME_MIN;
}

/* --- In ---------------------------------------------------------------------------------------------------------- */

int time_parse(const char *s, size_t n, const struct time_zone *tz, int64_t *ret, struct err *e) {
    if (utc_read_fast(s, n, ret) || epoch_read_fast(s, n, ret)) return 0;
    struct clock c;
    struct decimal d;
    int64_t t;
    if (clock_read(s, n, &c) || log_clock_read(s, n, &c)) {
        if (!clock_is_valid(&c))
            return err_set(e, G_DATA, "'%.*s' is not a time: there is no such day or hour", text_shown(n), s);
        int64_t local = clock_local_seconds(&c);
        int64_t utc = c.has_offset ? local - c.offset_s : time_local_to_utc(tz, local);
        if (time_from_seconds(utc, c.second == 60 ? 0 : c.ns, ret, NULL) == 0) return 0;
    } else if (!decimal_read(s, n, &d)) {
        return err_set(
            e, G_DATA,
            "'%.*s' is not a time: expected RFC 3339, YYYY-MM-DD[ HH:MM[:SS]], DD/Mon/YYYY:HH:MM:SS +hhmm or "
            "a number since 1970",
            text_shown(n), s);
    } else if (decimal_time(&d, &t)) {
        *ret = t;
        return 0;
    }
    return err_set(e, G_DATA, "time '%.*s' is outside the years 1678 to 2262", text_shown(n), s);
}

int time_parse_relative(const char *s, size_t n, int64_t now, const struct time_zone *tz, int64_t *ret, struct err *e) {
    size_t used = n >= 3 && memcmp(s, "now", 3) == 0 ? 3 : 0;
    if (used == 3 && n == 3) {
        *ret = now;
        return 0;
    }
    /* A sign and a unit: `-1h`. A sign and no unit is a number since 1970. */
    bool signed_word = n > used + 1 && (s[used] == '-' || s[used] == '+');
    if (used == 3 || (signed_word && (s[n - 1] < '0' || s[n - 1] > '9'))) {
        int64_t by, t;
        if (!signed_word)
            return err_set(e, G_USAGE, "'%.*s' is not a time: expected now-1h or now+1h", text_shown(n), s);
        int rc = duration_parse(s + used, n - used, DURATION_SIGNED, &by, e);
        if (rc < 0) return rc;
        if (__builtin_add_overflow(now, by, &t) || t < TIME_MIN)
            return err_set(e, G_USAGE, "time '%.*s' is outside the years 1678 to 2262", text_shown(n), s);
        *ret = t;
        return 0;
    }
    if (time_parse(s, n, tz, ret, e) == 0) return 0;
    if (e != NULL) e->grade = G_USAGE;
    return G_USAGE;
}
