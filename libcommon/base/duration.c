/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Durations as text, in and out; declared in timefmt.h.
 */
#include <stdbool.h>
#include <string.h>

#include "base/number.h"
#include "base/timefmt.h"

enum { TEXT_SHOWN = 60, UNITS = 8 };

static const struct unit {
    char name[3];
    int64_t ns;
} units[UNITS] = {
    {"w", 7 * NS_PER_DAY}, {"d", NS_PER_DAY}, {"h", NS_PER_HOUR}, {"m", NS_PER_MINUTE},
    {"s", NS_PER_S},       {"ms", NS_PER_MS}, {"us", NS_PER_US},  {"ns", 1},
};

/* Nothing that fits 63 bits has to be told apart above this. */
#define FAR_TOO_MUCH ((unsigned __int128)1 << 90)

struct scan {
    const char *p, *end;
    int unit;             /* the last one, -1 at first: they go from large to small */
    bool fraction;        /* a number had one */
    unsigned __int128 ns; /* so far, at most FAR_TOO_MUCH */
};

static bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

static const char *unit_read(struct scan *s) {
    const char *start = s->p;
    while (s->p < s->end && *s->p >= 'a' && *s->p <= 'z') s->p++;
    size_t n = (size_t)(s->p - start);
    for (int i = 0; i < UNITS; i++) {
        if (strlen(units[i].name) != n || memcmp(units[i].name, start, n) != 0) continue;
        if (i <= s->unit) return "units go from large to small";
        s->unit = i;
        return NULL;
    }
    return n == 0 ? "it needs a unit" : "unknown unit";
}

/* One number and its unit. NULL, or what is wrong. */
static const char *part_read(struct scan *s) {
    unsigned __int128 whole = 0, fraction = 0, scale = 1;
    if (s->fraction) return "only the last number may have a fraction";
    if (!is_digit(*s->p)) return "expected a number";
    for (; s->p < s->end && is_digit(*s->p); s->p++)
        if (whole < FAR_TOO_MUCH) whole = whole * 10 + (unsigned)(*s->p - '0');
    if (s->p < s->end && *s->p == '.') {
        const char *start = ++s->p;
        s->fraction = true;
        for (; s->p < s->end && is_digit(*s->p); s->p++) {
            if (s->p - start >= 18) return "too many digits";
            fraction = fraction * 10 + (unsigned)(*s->p - '0');
            scale *= 10;
        }
        if (s->p == start) return "expected a digit behind the point";
    }
    const char *wrong = unit_read(s);
    if (wrong != NULL) return wrong;
    unsigned __int128 unit = (unsigned __int128)units[s->unit].ns;
    if (whole > FAR_TOO_MUCH / unit) return "it is over 292 years";
    if (fraction * unit % scale != 0) return "it is not a whole number of nanoseconds";
    s->ns += whole * unit + fraction * unit / scale;
    return s->ns > (unsigned __int128)1 << 63 ? "it is over 292 years" : NULL;
}

int duration_parse(const char *text, size_t n, unsigned flags, int64_t *ret, struct err *e) {
    struct scan s = {.p = text, .end = text + n, .unit = -1};
    const char *wrong = n == 0 ? "it is empty" : NULL;
    bool negative = n > 0 && *text == '-';
    if (n > 0 && (*text == '-' || *text == '+')) {
        if (!(flags & DURATION_SIGNED)) wrong = "no sign is taken here";
        s.p++;
        if (n == 1) wrong = "expected a number";
    }
    if (s.end - s.p == 1 && *s.p == '0') s.p++; /* 0 needs no unit */
    while (wrong == NULL && s.p < s.end) wrong = part_read(&s);
    if (wrong == NULL && s.ns > (uint64_t)INT64_MAX + negative) wrong = "it is over 292 years";
    if (wrong != NULL)
        return err_set(e, G_USAGE, "'%.*s' is not a duration such as 500ms or 1m30s: %s",
                       n < TEXT_SHOWN ? (int)n : TEXT_SHOWN, text, wrong);
    uint64_t v = (uint64_t)s.ns;
    *ret = (int64_t)(negative ? 0 - v : v);
    return 0;
}

/* v units of 10^-digits, without the zeros at the end: 1500, 3 is "1.5". */
static char *put_decimal(char *p, uint64_t v, unsigned digits) {
    uint64_t scale = 1;
    for (unsigned i = 0; i < digits; i++) scale *= 10;
    p += number_format_u64(p, v / scale);
    v %= scale;
    if (v != 0) *p++ = '.';
    for (; v != 0; v %= scale) {
        scale /= 10;
        *p++ = (char)('0' + v / scale);
    }
    return p;
}

static char *put_text(char *p, const char *s) {
    size_t n = strlen(s);
    memcpy(p, s, n);
    return p + n;
}

size_t duration_format(int64_t ns, char out[DURATION_TEXT_MAX]) {
    static const struct unit large[] = {{"d", NS_PER_DAY}, {"h", NS_PER_HOUR}, {"m", NS_PER_MINUTE}};
    uint64_t v = ns < 0 ? 0 - (uint64_t)ns : (uint64_t)ns;
    char *p = out;
    if (ns < 0) *p++ = '-';
    if (v >= (uint64_t)NS_PER_S) {
        for (int i = 0; i < 3; i++) {
            uint64_t unit = (uint64_t)large[i].ns;
            if (v < unit) continue;
            p += number_format_u64(p, v / unit);
            p = put_text(p, large[i].name);
            v %= unit;
        }
        if (v > 0) p = put_text(put_decimal(p, v, 9), "s");
    } else if (v == 0) {
        p = put_text(p, "0s");
    } else {
        unsigned digits = v >= (uint64_t)NS_PER_MS ? 6 : v >= (uint64_t)NS_PER_US ? 3 : 0;
        p = put_text(put_decimal(p, v, digits), digits == 6 ? "ms" : digits == 3 ? "us" : "ns");
    }
    *p = '\0';
    return (size_t)(p - out);
}
