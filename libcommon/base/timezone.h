/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Time zones from the system's tzdata, without the process-wide TZ. A zone is read once and never changes; it may be
 * used from many threads. Times are seconds since 1970: UTC, or "local seconds", which is what a wall clock there
 * shows, counted as if it were UTC. Exact for the years 1678 to 2262, the POSIX rule at the file's end included.
 *
 * Sources: RFC 8536 (TZif), POSIX TZ strings. Leap-second ("right/") files are refused.
 */
#ifndef LEAT_BASE_TIMEZONE_H
#define LEAT_BASE_TIMEZONE_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct time_zone;

/*
 * `Europe/Berlin`, `UTC`, `Z`, or a fixed offset `+02:00`, `-0530` (below 24 hours). G_USAGE for a name that is not
 * one (characters, `..`, absolute) or that tzdata does not have, G_IO, G_CORRUPT for a file that is no TZif, G_NOMEM.
 */
int time_zone_load(const char *name, struct time_zone **ret, struct err *e) NODISCARD;

/* The same from the bytes of a TZif file; `name` is for messages. */
int time_zone_from_tzif(const char *name, const void *p, size_t n, struct time_zone **ret, struct err *e) NODISCARD;

void time_zone_free(struct time_zone *tz); /* takes NULL */

/* Seconds to add to UTC. NULL is UTC, here and below. */
int32_t time_zone_offset_at(const struct time_zone *tz, int64_t utc_s);

/*
 * Local to UTC. A local time that occurs twice (clocks set back) means the first occurrence, before the change. One
 * that does not exist (clocks set forward) is moved forward by the gap: 02:30 becomes 03:30 where 02:00 to 03:00 is
 * left out. Both are the offset before the change.
 */
int64_t time_local_to_utc(const struct time_zone *tz, int64_t local_s);

#endif
