/* SPDX-License-Identifier: Apache-2.0 */
/*
 * POSIX TZ rules, with the hours of RFC 8536 (-167 to 167) and quoted names. See the header.
 */
#include "base/timezone_rule.h"

#include <stdlib.h>
#include <string.h>

#include "base/civil.h"

/* The years that times have, and one more on each side. */
enum { YEAR_FIRST = 1677, YEAR_LAST = 2263 };

int zone_changes_add(struct zone_changes *c, int64_t utc_s, int32_t offset_s) {
    if (c->count == c->cap) {
        size_t cap = c->cap == 0 ? 64 : c->cap * 2;
        struct zone_change *at = realloc(c->at, cap * sizeof *at);
        if (at == NULL) return G_NOMEM;
        c->at = at;
        c->cap = cap;
    }
    c->at[c->count++] = (struct zone_change){.utc_s = utc_s, .offset_s = offset_s};
    return 0;
}

void zone_changes_release(struct zone_changes *c) {
    free(c->at);
    *c = (struct zone_changes){0};
}

/* --- The text ---------------------------------------------------------------------------------------------------- */

struct scan {
    const char *p, *end;
};

static bool scan_char(struct scan *s, char c) {
    if (s->p == s->end || *s->p != c) return false;
    s->p++;
    return true;
}

static bool scan_number(struct scan *s, int min, int max, int *ret) {
    int v = 0;
    const char *start = s->p;
    for (; s->p < s->end && *s->p >= '0' && *s->p <= '9' && s->p - start < 4; s->p++) v = v * 10 + (*s->p - '0');
    *ret = v;
    return s->p > start && v >= min && v <= max;
}

/* Three letters or more, or anything of letters, digits and signs between < and >. */
static bool scan_name(struct scan *s) {
    bool quoted = scan_char(s, '<');
    const char *start = s->p;
    for (; s->p < s->end; s->p++) {
        char c = *s->p;
        bool letter = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
        if (!letter && !(quoted && ((c >= '0' && c <= '9') || c == '+' || c == '-'))) break;
    }
    return s->p - start >= 3 && (!quoted || scan_char(s, '>'));
}

/* [+-]hh[:mm[:ss]] */
static bool scan_time(struct scan *s, int max_hours, int32_t *ret) {
    int hours, minutes = 0, seconds = 0;
    bool negative = scan_char(s, '-');
    if (!negative) (void)scan_char(s, '+');
    if (!scan_number(s, 0, max_hours, &hours)) return false;
    if (scan_char(s, ':')) {
        if (!scan_number(s, 0, 59, &minutes)) return false;
        if (scan_char(s, ':') && !scan_number(s, 0, 59, &seconds)) return false;
    }
    *ret = (hours * 3600 + minutes * 60 + seconds) * (negative ? -1 : 1);
    return true;
}

/* ,Mm.w.d or ,Jn or ,n; then [/time], 02:00 when left out */
static bool scan_day(struct scan *s, struct zone_rule_day *d) {
    bool good = scan_char(s, ',');
    if (scan_char(s, 'M')) {
        d->kind = RULE_MONTH;
        good = good && scan_number(s, 1, 12, &d->month) && scan_char(s, '.') && scan_number(s, 1, 5, &d->week) &&
               scan_char(s, '.') && scan_number(s, 0, 6, &d->day);
    } else if (scan_char(s, 'J')) {
        d->kind = RULE_JULIAN;
        good = good && scan_number(s, 1, 365, &d->day);
    } else {
        d->kind = RULE_DAY;
        good = good && scan_number(s, 0, 365, &d->day);
    }
    d->time_s = 2 * 3600;
    return good && (!scan_char(s, '/') || scan_time(s, 167, &d->time_s));
}

bool zone_rule_parse(const char *text, size_t n, struct zone_rule *ret) {
    struct scan s = {text, text + n};
    struct zone_rule r = {0};
    if (!scan_name(&s) || !scan_time(&s, 24, &r.offset_s)) return false;
    r.offset_s = -r.offset_s; /* POSIX counts westward */
    if (s.p < s.end) {
        r.has_dst = true;
        r.dst_offset_s = r.offset_s + 3600;
        if (!scan_name(&s)) return false;
        if (s.p < s.end && *s.p != ',') {
            if (!scan_time(&s, 24, &r.dst_offset_s)) return false;
            r.dst_offset_s = -r.dst_offset_s;
        }
        if (!scan_day(&s, &r.dst_begin) || !scan_day(&s, &r.dst_end) || s.p != s.end) return false;
    }
    *ret = r;
    return true;
}

/* --- The changes ------------------------------------------------------------------------------------------------- */

/* Local seconds. */
static int64_t rule_day_in(const struct zone_rule_day *d, int year) {
    int64_t days = civil_to_days((struct civil){year, 1, 1});
    if (d->kind == RULE_JULIAN) {
        days += d->day - 1 + (civil_is_leap(year) && d->day >= 60);
    } else if (d->kind == RULE_DAY) {
        days += d->day;
    } else {
        unsigned month = (unsigned)d->month;
        days = civil_to_days((struct civil){year, month, 1});
        int in_month = (d->day - (int)civil_weekday(days) + 7) % 7 + (d->week - 1) * 7;
        if (in_month >= (int)civil_days_in_month(year, month)) in_month -= 7;
        days += in_month;
    }
    return days * SECONDS_PER_DAY + d->time_s;
}

int zone_rule_unroll(const struct zone_rule *r, struct zone_changes *c) {
    int64_t after = c->count == 0 ? INT64_MIN : c->at[c->count - 1].utc_s;
    if (!r->has_dst) /* the last change of the table has led to the rule's offset already, unless there is none */
        return c->count == 0 ? zone_changes_add(c, INT64_MIN, r->offset_s) : 0;
    for (int year = YEAR_FIRST; year <= YEAR_LAST; year++) {
        struct zone_change begin = {rule_day_in(&r->dst_begin, year) - r->offset_s, r->dst_offset_s};
        struct zone_change end = {rule_day_in(&r->dst_end, year) - r->dst_offset_s, r->offset_s};
        bool south = end.utc_s < begin.utc_s;
        struct zone_change both[2] = {south ? end : begin, south ? begin : end};
        for (int i = 0; i < 2; i++) {
            if (both[i].utc_s <= after) continue;
            int rc = zone_changes_add(c, both[i].utc_s, both[i].offset_s);
            if (rc < 0) return rc;
        }
    }
    return 0;
}
