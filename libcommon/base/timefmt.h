/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Times as text. A time is int64_t nanoseconds since 1970-01-01 UTC, TIME_MIN to TIME_MAX: 1678-01-01T00:00:00Z to
 * 2262-04-11T23:47:16.854775807Z. TIME_NONE means "no time" and is none of them. Texts are a pointer and a length, need
 * no NUL, and must be used up. Outputs are set only on success. Nothing here depends on TZ or the locale.
 *
 * Errors: G_DATA for a text that is no time or is outside the range; the caller whose text is an option turns it into
 * G_USAGE. What depends only on a format or on an option's words is G_USAGE here.
 */
#ifndef LEAT_BASE_TIMEFMT_H
#define LEAT_BASE_TIMEFMT_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/timezone.h"

#define TIME_NONE INT64_MIN
#define TIME_MIN (INT64_C(-9214560000) * NS_PER_S)
#define TIME_MAX INT64_MAX

#define NS_PER_US INT64_C(1000)
#define NS_PER_MS INT64_C(1000000)
#define NS_PER_S INT64_C(1000000000)
#define NS_PER_MINUTE (60 * NS_PER_S)
#define NS_PER_HOUR (3600 * NS_PER_S)
#define NS_PER_DAY (86400 * NS_PER_S)

enum { TIME_TEXT_MAX = 40 };

/*
 * `2015-05-17T10:05:03Z`, with 3, 6 or 9 digits of fraction when it is not zero: as few as say it exactly. Right for
 * every int64_t. NUL-terminated; the length is returned.
 */
size_t time_format_rfc3339(int64_t ns, char out[TIME_TEXT_MAX]);

/*
 * A time in one of these forms:
 *
 *  - RFC 3339: `2015-05-17T10:05:03.25+02:00`. T and Z may be lower-case, T may be a space, the offset may lack its
 *    colon. Digits of the fraction beyond nine are cut off (the time is not rounded up).
 *  - `YYYY-MM-DD`, `YYYY-MM-DD HH:MM`, `YYYY-MM-DD HH:MM:SS[.fff]` (or with T): in the zone given; NULL is UTC. A local
 *    time that occurs twice or never: see time_local_to_utc. With an offset behind, the offset counts.
 *  - `DD/Mon/YYYY:HH:MM:SS[ +hhmm]`, as web servers log it: `21/Nov/2026:10:00:02 +0100`. The month is English, as
 *    written here; without an offset it is in the zone given.
 *  - a number since 1970, its unit told by its size: |v| < 1e11 seconds, < 1e14 milliseconds, < 1e17 microseconds,
 *    else nanoseconds (seconds until the year 5138; milliseconds from March 1973 on, microseconds likewise). It may
 *    have a fraction and an exponent, `1431857103.25`, `1.431857103e9`; the value is exact, digits below a nanosecond
 *    are cut off toward zero.
 *
 * A leap second, :60, means the start of the next minute, and its fraction is dropped: 1970 seconds have no room for
 * it.
 */
int time_parse(const char *s, size_t n, const struct time_zone *tz, int64_t *ret, struct err *e) NODISCARD;

/* A whole number since 1970, by the same rule for its unit. */
int time_from_epoch(int64_t v, int64_t *ret, struct err *e) NODISCARD;

/* Seconds and 0..999999999 ns. G_DATA outside the range. */
int time_from_seconds(int64_t seconds, int64_t ns, int64_t *ret, struct err *e) NODISCARD;

/*
 * By a format like strptime's: %Y %m %d %e %j %H %k %I %l %M %S %p %y %b %B %h %a %A %F %T %D %R %r %n %t %%, and
 *
 *     %f  digits of a fraction of a second, one or more; beyond nine they are cut off
 *     %s  seconds since 1970, with a sign if need be
 *     %z  Z, +hh, +hhmm or +hh:mm
 *     %Z  UTC, GMT or Z only: other names do not tell an offset
 *
 * Names are English, in any case. White space in the format stands for any amount of it, also none. Without %z, %Z or
 * %s the text is in the zone given. What the format leaves out is 1970, January, 1st, 00:00:00. %y is 1969 to 2068.
 * A weekday is read and not checked. :60 as in time_parse.
 */
int time_parse_format(const char *format, const char *s, size_t n, const struct time_zone *tz, int64_t *ret,
                      struct err *e) NODISCARD;

/* G_USAGE when time_parse_format does not know some conversion: ask before anything is read. */
int time_format_check(const char *format, struct err *e) NODISCARD;

/* `now`, `-1h`, `+30m`, `now-1h` against the time given; else everything that time_parse takes. G_USAGE. */
int time_parse_relative(const char *s, size_t n, int64_t now, const struct time_zone *tz, int64_t *ret,
                        struct err *e) NODISCARD;

/*
 * A duration: `500ms 90s 1m30s 2h 1d 1w 1.5s 0`. Units ns us ms s m h d w, from large to small, each at most once; the
 * last number may have a fraction as long as the whole is a whole number of nanoseconds. Only 0 goes without a unit.
 * A day is 24 hours. A sign is taken with DURATION_SIGNED only. G_USAGE, also when it is over 292 years.
 */
enum duration_flags { DURATION_SIGNED = 1 };
int duration_parse(const char *s, size_t n, unsigned flags, int64_t *ret, struct err *e) NODISCARD;

/* `1d2h`, `1m30s`, `1.5s`, `500ms`, `0s`: exact, and duration_parse reads it back. NUL-terminated; returns the length.
 */
enum { DURATION_TEXT_MAX = 40 };
size_t duration_format(int64_t ns, char out[DURATION_TEXT_MAX]);

#endif
