/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Times by a format like strftime's, in English and without the process-wide TZ: all conversions of POSIX and glibc's
 * %k %l %P %s, with glibc's flags - _ 0 ^; %f is the fraction of the second in nine digits (%3f, %6f: so many), %Z is
 * UTC or the offset, since zones here have no abbreviations. What is no conversion stays as it is, as in glibc. See
 * func_time_impl.h.
 */
#include <stdio.h>

#include "base/civil.h"
#include "expr/func_time_impl.h"

static const char *const weekdays[] = {"Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"};
static const char *const months[] = {"January", "February", "March",     "April",   "May",      "June",
                                     "July",    "August",   "September", "October", "November", "December"};

/* One conversion: the flag and the number in front of its letter, 0 for none. */
struct conversion {
    char flag, letter;
    unsigned width;
};

static int put_number(struct text *t, struct conversion c, int64_t v, int width, char pad) {
    char digits[32];
    if (c.flag == '-') width = 1;
    if (c.flag == '_') pad = ' ';
    if (c.flag == '0') pad = '0';
    if (c.width > 0) width = (int)c.width;
    int n = pad == '0' ? snprintf(digits, sizeof(digits), "%0*lld", width, (long long)v)
                       : snprintf(digits, sizeof(digits), "%*lld", width, (long long)v);
    return text_append(t, digits, (size_t)n);
}

static int put_name(struct text *t, struct conversion c, const char *name, size_t n) {
    size_t at = t->n;
    int rc = text_append(t, name, n);
    for (; rc == 0 && c.flag == '^' && at < t->n; at++)
        if (t->p[at] >= 'a' && t->p[at] <= 'z') t->p[at] = (char)(t->p[at] - 0x20);
    return rc;
}

/* The week by ISO 8601 and the year that it belongs to. */
static int iso_week(const struct wall *w, int64_t *ret_year) {
    int monday_based = (int)((w->weekday + 6) % 7);
    int week = ((int)w->yearday - monday_based + 10) / 7;
    *ret_year = w->year;
    if (week < 1) {
        int before = 365 + civil_is_leap((int)w->year - 1);
        *ret_year = w->year - 1;
        return ((int)w->yearday + before - monday_based + 10) / 7;
    }
    int days = 365 + civil_is_leap((int)w->year);
    if (week == 53 && (int)w->yearday - monday_based + 3 >= days) {
        *ret_year = w->year + 1;
        return 1;
    }
    return week;
}

static int put_week(struct text *t, const struct wall *w, struct conversion c) {
    int64_t year;
    int week = iso_week(w, &year);
    switch (c.letter) {
    case 'U': return put_number(t, c, (w->yearday + 7 - w->weekday) / 7, 2, '0');
    case 'W': return put_number(t, c, (w->yearday + 7 - (w->weekday + 6) % 7) / 7, 2, '0');
    case 'V': return put_number(t, c, week, 2, '0');
    case 'G': return put_number(t, c, year, 1, '0');
    default: return put_number(t, c, (year % 100 + 100) % 100, 2, '0'); /* g */
    }
}

static int put_offset(struct text *t, const struct wall *w, struct conversion c) {
    char text[16];
    unsigned minutes = (unsigned)(w->offset_s < 0 ? -w->offset_s : w->offset_s) / 60;
    if (c.letter == 'Z' && w->offset_s == 0) return put_name(t, c, "UTC", 3);
    snprintf(text, sizeof(text), c.letter == 'Z' && minutes % 60 == 0 ? "%c%02u" : "%c%02u%02u",
             w->offset_s < 0 ? '-' : '+', minutes / 60, minutes % 60);
    return text_puts(t, text);
}

static int put_fraction(struct text *t, const struct wall *w, struct conversion c) {
    char digits[16];
    snprintf(digits, sizeof(digits), "%09u", w->ns);
    return text_append(t, digits, c.width >= 1 && c.width <= 9 ? c.width : 9);
}

/* Conversions that are several others. */
static const char *composite(char letter) {
    switch (letter) {
    case 'c': return "%a %b %e %H:%M:%S %Y";
    case 'D':
    case 'x': return "%m/%d/%y";
    case 'F': return "%Y-%m-%d";
    case 'r': return "%I:%M:%S %p";
    case 'R': return "%H:%M";
    case 'T':
    case 'X': return "%H:%M:%S";
    default: return NULL;
    }
}

static int put_conversion(struct text *t, const struct wall *w, struct conversion c, bool *ret_known) {
    unsigned hour12 = w->hour % 12 == 0 ? 12 : w->hour % 12;
    const char *several = composite(c.letter);
    if (several) return wall_format(t, w, (struct span){several, strlen(several)});
    switch (c.letter) {
    case 'a': return put_name(t, c, weekdays[w->weekday], 3);
    case 'A': return put_name(t, c, weekdays[w->weekday], strlen(weekdays[w->weekday]));
    case 'b':
    case 'h': return put_name(t, c, months[w->month - 1], 3);
    case 'B': return put_name(t, c, months[w->month - 1], strlen(months[w->month - 1]));
    case 'C': return put_number(t, c, (w->year - (w->year % 100 + 100) % 100) / 100, 2, '0');
    case 'd': return put_number(t, c, w->day, 2, '0');
    case 'e': return put_number(t, c, w->day, 2, ' ');
    case 'f': return put_fraction(t, w, c);
    case 'g':
    case 'G':
    case 'U':
    case 'V':
    case 'W': return put_week(t, w, c);
    case 'H': return put_number(t, c, w->hour, 2, '0');
    case 'I': return put_number(t, c, hour12, 2, '0');
    case 'j': return put_number(t, c, w->yearday + 1, 3, '0');
    case 'k': return put_number(t, c, w->hour, 2, ' ');
    case 'l': return put_number(t, c, hour12, 2, ' ');
    case 'm': return put_number(t, c, w->month, 2, '0');
    case 'M': return put_number(t, c, w->minute, 2, '0');
    case 'n': return text_putc(t, '\n');
    case 'p': return put_name(t, c, w->hour < 12 ? "AM" : "PM", 2);
    case 'P': return put_name(t, c, w->hour < 12 ? "am" : "pm", 2);
    case 's': return put_number(t, c, w->epoch_s, 1, '0');
    case 'S': return put_number(t, c, w->second, 2, '0');
    case 't': return text_putc(t, '\t');
    case 'u': return put_number(t, c, w->weekday == 0 ? 7 : w->weekday, 1, '0');
    case 'w': return put_number(t, c, w->weekday, 1, '0');
    case 'y': return put_number(t, c, (w->year % 100 + 100) % 100, 2, '0');
    case 'Y': return put_number(t, c, w->year, 1, '0');
    case 'z':
    case 'Z': return put_offset(t, w, c);
    case '%': return text_putc(t, '%');
    default: *ret_known = false; return 0;
    }
}

/* What stands between a % and its letter; the length of all of it, the letter included. 0: the format ends. */
static size_t read_conversion(struct span s, struct conversion *ret) {
    size_t i = 1;
    struct conversion c = {0};
    if (i < s.n && (s.p[i] == '-' || s.p[i] == '_' || s.p[i] == '0' || s.p[i] == '^')) c.flag = s.p[i++];
    for (; i < s.n && s.p[i] >= '0' && s.p[i] <= '9' && i < 4; i++) c.width = c.width * 10 + (unsigned)(s.p[i] - '0');
    if (c.width > 20) c.width = 20;
    if (i + 1 < s.n && (s.p[i] == 'E' || s.p[i] == 'O')) i++; /* alternative digits: English has none */
    if (i >= s.n) return 0;
    c.letter = s.p[i];
    *ret = c;
    return i + 1;
}

int wall_format(struct text *t, const struct wall *w, struct span format) {
    int rc = 0;
    while (format.n > 0 && rc == 0) {
        const char *percent = memchr(format.p, '%', format.n);
        size_t plain = percent ? (size_t)(percent - format.p) : format.n, used = 0;
        struct conversion c;
        bool known = true;
        rc = text_append(t, format.p, plain);
        format.p += plain;
        format.n -= plain;
        if (rc < 0 || format.n == 0) break;
        used = read_conversion(format, &c);
        if (used > 0) rc = put_conversion(t, w, c, &known);
        if (used == 0 || !known) {
            used = 1;
            rc = text_putc(t, '%');
        }
        format.p += used;
        format.n -= used;
    }
    return rc;
}
