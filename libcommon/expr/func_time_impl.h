/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Private to func_time*.c: moments, wall clocks, and the zones that are loaded. Years -9999 to 9999; the text forms of
 * base/timefmt.h are read within their own range, 1678 to 2262.
 */
#ifndef LEAT_EXPR_FUNC_TIME_IMPL_H
#define LEAT_EXPR_FUNC_TIME_IMPL_H

#include "base/timezone.h"
#include "expr/func_text.h"

/* Seconds since 1970 UTC, and 0..999999999 ns after that. */
struct moment {
    int64_t s;
    uint32_t ns;
};

/* What a clock on the wall shows. */
struct wall {
    int64_t year;
    unsigned month, day;           /* from 1 */
    unsigned hour, minute, second; /* to 59 */
    uint32_t ns;
    unsigned weekday, yearday; /* from 0: Sunday, January 1st */
    int32_t offset_s;          /* to UTC */
    int64_t epoch_s;           /* the moment, UTC */
};

#define MOMENT_MAX INT64_C(253402300799)  /* the end of the year 9999 */
#define MOMENT_MIN INT64_C(-377705116800) /* the beginning of the year -9999 */

/* The wall clock in a zone (NULL: UTC); m is in the range. */
struct wall wall_of(struct moment m, const struct time_zone *tz);

/* By a format like strftime's, see func_strftime.c. */
int wall_format(struct text *t, const struct wall *w, struct span format) NODISCARD;

/* A zone by its name, loaded once in a process and kept; and the one of the machine, by TZ and /etc/localtime. Threads
 * may call it. G_USAGE, G_IO, G_CORRUPT, G_NOMEM. */
int zone_get(const char *name, const struct time_zone **ret, struct err *e) NODISCARD;
int zone_get_local(const struct time_zone **ret, struct err *e) NODISCARD;

#endif
