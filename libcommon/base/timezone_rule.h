/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The POSIX TZ rule (`CET-1CEST,M3.5.0,M10.5.0/3`) that a TZif file ends with, and the table of changes that it is
 * unrolled into. Used by timezone.c only.
 */
#ifndef LEAT_BASE_TIMEZONE_RULE_H
#define LEAT_BASE_TIMEZONE_RULE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

/* From utc_s on, offset_s is added to UTC. */
struct zone_change {
    int64_t utc_s;
    int32_t offset_s;
};

struct zone_changes {
    struct zone_change *at;
    size_t count, cap;
};

int zone_changes_add(struct zone_changes *c, int64_t utc_s, int32_t offset_s) NODISCARD; /* 0 or G_NOMEM */
void zone_changes_release(struct zone_changes *c);

/* One day of the year, and seconds after its local midnight (which may be days away). */
struct zone_rule_day {
    enum { RULE_JULIAN, RULE_DAY, RULE_MONTH } kind; /* Jn: 1..365, no leap day; n: 0..365; Mm.w.d */
    int day;                                         /* of the year; RULE_MONTH: of the week, 0 is Sunday */
    int month, week;                                 /* RULE_MONTH; week 5 is the last */
    int32_t time_s;
};

struct zone_rule {
    int32_t offset_s, dst_offset_s; /* to add to UTC */
    bool has_dst;
    struct zone_rule_day dst_begin, dst_end;
};

/* false when the text is not a rule. */
bool zone_rule_parse(const char *s, size_t n, struct zone_rule *ret);

/* The rule's changes behind those that are there, to the end of the range of times. 0 or G_NOMEM. */
int zone_rule_unroll(const struct zone_rule *r, struct zone_changes *c) NODISCARD;

#endif
