/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whole numbers and sizes. See the header.
 */
#include "base/number.h"

#include <stdbool.h>
#include <stdio.h>
#include <strings.h>

#define TEXT_SHOWN 60 /* of a text that is refused */

const char number_pairs[200] = {
    '0', '0', '0', '1', '0', '2', '0', '3', '0', '4', '0', '5', '0', '6', '0', '7', '0', '8', '0', '9', '1', '0', '1',
    '1', '1', '2', '1', '3', '1', '4', '1', '5', '1', '6', '1', '7', '1', '8', '1', '9', '2', '0', '2', '1', '2', '2',
    '2', '3', '2', '4', '2', '5', '2', '6', '2', '7', '2', '8', '2', '9', '3', '0', '3', '1', '3', '2', '3', '3', '3',
    '4', '3', '5', '3', '6', '3', '7', '3', '8', '3', '9', '4', '0', '4', '1', '4', '2', '4', '3', '4', '4', '4', '5',
    '4', '6', '4', '7', '4', '8', '4', '9', '5', '0', '5', '1', '5', '2', '5', '3', '5', '4', '5', '5', '5', '6', '5',
    '7', '5', '8', '5', '9', '6', '0', '6', '1', '6', '2', '6', '3', '6', '4', '6', '5', '6', '6', '6', '7', '6', '8',
    '6', '9', '7', '0', '7', '1', '7', '2', '7', '3', '7', '4', '7', '5', '7', '6', '7', '7', '7', '8', '7', '9', '8',
    '0', '8', '1', '8', '2', '8', '3', '8', '4', '8', '5', '8', '6', '8', '7', '8', '8', '8', '9', '9', '0', '9', '1',
    '9', '2', '9', '3', '9', '4', '9', '5', '9', '6', '9', '7', '9', '8', '9', '9'};

/* --- Parsing ----------------------------------------------------------------------------------------------------- */

enum digits { DIGITS_OK, DIGITS_NONE, DIGITS_TOO_BIG };

/* The digits at the front of s[0..n); *used of them. */
static enum digits digits_read(const char *s, size_t n, size_t *used, uint64_t *ret) {
    uint64_t v = 0;
    bool fits = true;
    size_t i = 0;
    for (; i < n && s[i] >= '0' && s[i] <= '9'; i++)
        fits = fits && !__builtin_mul_overflow(v, 10, &v) && !__builtin_add_overflow(v, (uint64_t)(s[i] - '0'), &v);
    *used = i;
    *ret = v;
    return i == 0 ? DIGITS_NONE : fits ? DIGITS_OK : DIGITS_TOO_BIG;
}

static int text_shown(size_t n) {
    return n < TEXT_SHOWN ? (int)n : TEXT_SHOWN;
}

int number_parse_u64(const char *s, size_t n, uint64_t min, uint64_t max, uint64_t *ret, struct err *e) {
    size_t used;
    uint64_t v;
    enum digits d = digits_read(s, n, &used, &v);
    if (d == DIGITS_NONE || used != n) return err_set(e, G_DATA, "'%.*s' is not a whole number", text_shown(n), s);
    if (d == DIGITS_TOO_BIG || v < min || v > max)
        return err_set(e, G_DATA, "'%.*s' is not between %llu and %llu", text_shown(n), s, (unsigned long long)min,
                       (unsigned long long)max);
    *ret = v;
    return 0;
}

int number_parse_i64(const char *s, size_t n, int64_t min, int64_t max, int64_t *ret, struct err *e) {
    bool negative = n > 0 && s[0] == '-';
    size_t used;
    uint64_t v;
    enum digits d = digits_read(s + negative, n - negative, &used, &v);
    if (d == DIGITS_NONE || used + negative != n)
        return err_set(e, G_DATA, "'%.*s' is not a whole number", text_shown(n), s);
    bool fits = d == DIGITS_OK && v <= (uint64_t)INT64_MAX + negative;
    int64_t signed_v = (int64_t)(negative ? 0 - v : v);
    if (!fits || signed_v < min || signed_v > max)
        return err_set(e, G_DATA, "'%.*s' is not between %lld and %lld", text_shown(n), s, (long long)min,
                       (long long)max);
    *ret = signed_v;
    return 0;
}

int number_parse_hex(const char *s, size_t n, uint64_t *ret) {
    uint64_t v = 0;
    if (n < 1 || n > 16) return G_DATA;
    for (size_t i = 0; i < n; i++) {
        int digit = number_hex_digit(s[i]);
        if (digit < 0) return G_DATA;
        v = v << 4 | (unsigned)digit;
    }
    *ret = v;
    return 0;
}

static const struct size_unit {
    const char *name;
    uint64_t bytes;
} size_units[] = {
    {"", 1},
    {"B", 1},
    {"k", 1ull << 10},
    {"M", 1ull << 20},
    {"G", 1ull << 30},
    {"T", 1ull << 40},
    {"KiB", 1ull << 10},
    {"MiB", 1ull << 20},
    {"GiB", 1ull << 30},
    {"TiB", 1ull << 40},
    {"kB", 1000},
    {"MB", 1000ull * 1000},
    {"GB", 1000ull * 1000 * 1000},
    {"TB", 1000ull * 1000 * 1000 * 1000},
};

int size_parse(const char *s, size_t n, uint64_t *ret, struct err *e) {
    size_t used;
    uint64_t v;
    enum digits d = digits_read(s, n, &used, &v);
    if (d == DIGITS_NONE)
        return err_set(e, G_USAGE, "'%.*s' is not a size: expected a number such as 4096, 64k or 16MiB", text_shown(n),
                       s);
    for (size_t i = 0; i < sizeof size_units / sizeof *size_units; i++) {
        const struct size_unit *u = &size_units[i];
        if (strlen(u->name) != n - used || strncasecmp(u->name, s + used, n - used) != 0) continue;
        if (d == DIGITS_TOO_BIG || __builtin_mul_overflow(v, u->bytes, &v))
            return err_set(e, G_USAGE, "size '%.*s' is too big", text_shown(n), s);
        *ret = v;
        return 0;
    }
    return err_set(e, G_USAGE, "size '%.*s' has an unknown unit: use k, M, G, T, KiB, MiB, GiB, TiB, kB, MB, GB or TB",
                   text_shown(n), s);
}

/* --- Printing ---------------------------------------------------------------------------------------------------- */

static unsigned digits_of(uint64_t v) {
    unsigned n = 1;
    for (;; n += 4, v /= 10000) {
        if (v < 10) return n;
        if (v < 100) return n + 1;
        if (v < 1000) return n + 2;
        if (v < 10000) return n + 3;
    }
}

size_t number_format_u64(char out[NUMBER_U64_MAX], uint64_t v) {
    unsigned n = digits_of(v);
    char *p = out + n;
    for (; v >= 100; v /= 100) {
        p -= 2;
        memcpy(p, number_pairs + 2 * (v % 100), 2);
    }
    if (v >= 10)
        memcpy(p - 2, number_pairs + 2 * v, 2);
    else
        p[-1] = (char)('0' + v);
    return n;
}

size_t number_format_i64(char out[NUMBER_I64_MAX], int64_t v) {
    if (v >= 0) return number_format_u64(out, (uint64_t)v);
    out[0] = '-';
    return 1 + number_format_u64(out + 1, 0 - (uint64_t)v);
}

int number_append_u64(struct buf *b, uint64_t v) {
    int rc = buf_reserve(b, NUMBER_U64_MAX);
    if (rc < 0) return rc;
    b->len += number_format_u64(b->data + b->len, v);
    return 0;
}

int number_append_i64(struct buf *b, int64_t v) {
    int rc = buf_reserve(b, NUMBER_I64_MAX);
    if (rc < 0) return rc;
    b->len += number_format_i64(b->data + b->len, v);
    return 0;
}

void size_format(char out[SIZE_TEXT_MAX], uint64_t bytes) {
    static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
    if (bytes < 1024) {
        snprintf(out, SIZE_TEXT_MAX, "%u B", (unsigned)bytes);
        return;
    }
    unsigned u = 1;
    while (u < 6 && bytes >> (10 * u) >= 1024) u++;
    uint64_t unit = 1ull << (10 * u);
    uint64_t tenths = (bytes / unit) * 10 + ((bytes % unit) * 10 + unit / 2) / unit;
    if (tenths >= 10240 && u < 6) { /* 1023.96 KiB is 1 MiB */
        tenths = 10;
        u++;
    }
    if (tenths % 10 == 0)
        snprintf(out, SIZE_TEXT_MAX, "%u %s", (unsigned)(tenths / 10), units[u]);
    else
        snprintf(out, SIZE_TEXT_MAX, "%u.%u %s", (unsigned)(tenths / 10), (unsigned)(tenths % 10), units[u]);
}
