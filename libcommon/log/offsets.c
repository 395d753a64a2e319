/* SPDX-License-Identifier: Apache-2.0 */
/* The offset grammar. See offsets.h. */
#include "log/offsets.h"

#include "base/number.h"
#include "base/timefmt.h"

static bool is_word(const char *s, size_t n, const char *word) {
    return strlen(word) == n && memcmp(s, word, n) == 0;
}

static int parse_time_point(const char *s, size_t n, int64_t now_ns, struct offset_point *ret, struct err *e) {
    ret->kind = OFFSET_TIME;
    return time_parse_relative(s, n, now_ns, NULL, &ret->time_ns, e);
}

/* One point. `bare_time`: the other side of the range was a time, so an '@' may be left out. */
static int parse_point(const char *s, size_t n, int64_t now_ns, bool bare_time, struct offset_point *ret,
                       struct err *e) {
    *ret = (struct offset_point){0};
    if (is_word(s, n, "beginning") || is_word(s, n, "earliest")) return 0;
    ret->kind = OFFSET_END;
    if (is_word(s, n, "end") || is_word(s, n, "latest")) return 0;
    ret->kind = OFFSET_STORED;
    if (is_word(s, n, "stored")) return 0;
    if (n > 0 && s[0] == '@') return parse_time_point(s + 1, n - 1, now_ns, ret, e);
    if (bare_time && n > 0) return parse_time_point(s, n, now_ns, ret, e);
    bool sign = n > 0 && (s[0] == '-' || s[0] == '+');
    ret->kind = !sign ? OFFSET_AT : s[0] == '-' ? OFFSET_FROM_END : OFFSET_FROM_START;
    return number_parse_u64(s + sign, n - sign, 0, OFFSET_MAX, &ret->n, e) < 0 ? G_USAGE : 0;
}

static int parse_range(const char *text, size_t colon, int64_t now_ns, struct offset_range_spec *ret, struct err *e) {
    size_t n = strlen(text);
    *ret = (struct offset_range_spec){.to = {.kind = OFFSET_END}, .has_to = true};
    int g = colon == 0 ? 0 : parse_point(text, colon, now_ns, false, &ret->from, e);
    if (g < 0 || colon + 1 == n) return g;
    return parse_point(text + colon + 1, n - colon - 1, now_ns, ret->from.kind == OFFSET_TIME, &ret->to, e);
}

/* Where both sides count from the same place it can be told at once. */
static bool is_reversed(const struct offset_range_spec *r) {
    if (r->from.kind != r->to.kind) return false;
    switch (r->from.kind) {
    case OFFSET_AT:
    case OFFSET_FROM_START: return r->from.n > r->to.n;
    case OFFSET_FROM_END: return r->from.n < r->to.n;
    case OFFSET_TIME: return r->from.time_ns > r->to.time_ns;
    default: return false;
    }
}

int offset_parse(const char *text, int64_t now_ns, struct offset_range_spec *ret, struct err *e) {
    size_t n = strlen(text);
    *ret = (struct offset_range_spec){0};
    if (n > 0 && parse_point(text, n, now_ns, false, &ret->from, NULL) == 0) return 0;
    /* Times have colons, too: the range is cut at the first colon that leaves something lawful on both sides. */
    for (const char *c = strchr(text, ':'); c; c = strchr(c + 1, ':'))
        if (parse_range(text, (size_t)(c - text), now_ns, ret, NULL) == 0)
            return is_reversed(ret) ? err_set(e, G_USAGE, "range '%s' ends before it begins", text) : 0;
    return err_set(e, G_USAGE, "'%s' is no offset: beginning, end, stored, N, -N, +N, @TIME, or a range A:B of these",
                   text);
}

/* Counting back goes by offsets: in a compacted partition fewer records may be there. */
int offset_resolve(const struct offset_point *p, struct cursor *c, const uint64_t *stored, uint64_t *ret,
                   struct err *e) {
    uint64_t start = cursor_start(c), end = cursor_end(c);
    switch (p->kind) {
    case OFFSET_BEGINNING: *ret = start; break;
    case OFFSET_END: *ret = end; break;
    case OFFSET_STORED: *ret = stored ? *stored : start; break;
    case OFFSET_AT: *ret = p->n; break;
    case OFFSET_FROM_START: *ret = p->n < end - start ? start + p->n : end; break;
    case OFFSET_FROM_END: *ret = p->n < end - start ? end - p->n : start; break;
    case OFFSET_TIME: return cursor_find_time(c, p->time_ns, ret, e);
    }
    return 0;
}
