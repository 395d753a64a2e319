/* SPDX-License-Identifier: Apache-2.0 */
/* Escapes of JSON strings. See unescape.h. */
#include "json/unescape.h"

#include <string.h>

#include "base/number.h"
#include "base/utf8.h"

/* What stands for the character behind a backslash; 0 where that is no escape. */
static const char short_escape[256] = {
    ['"'] = '"', ['\\'] = '\\', ['/'] = '/', ['b'] = '\b', ['f'] = '\f', ['n'] = '\n', ['r'] = '\r', ['t'] = '\t'};

/* The code unit of \uXXXX at p, or -1. */
static int32_t unit_read(const char *p, size_t n) {
    if (n < 6 || p[0] != '\\' || p[1] != 'u') return -1;
    int32_t unit = 0;
    for (int i = 2; i < 6; i++) {
        int d = number_hex_digit(p[i]);
        if (d < 0) return -1;
        unit = unit << 4 | d;
    }
    return unit;
}

unsigned json_escape_read(const char *p, size_t n, uint32_t *ret_cp) {
    if (n < 2) return 0;
    if (p[1] != 'u') {
        char c = short_escape[(unsigned char)p[1]];
        *ret_cp = (unsigned char)c;
        return c ? 2 : 0;
    }
    int32_t high = unit_read(p, n);
    if (high < 0 || (high >= 0xDC00 && high <= 0xDFFF)) return 0;
    if (high < 0xD800 || high > 0xDFFF) {
        *ret_cp = (uint32_t)high;
        return 6;
    }
    int32_t low = unit_read(p + 6, n - 6);
    if (low < 0xDC00 || low > 0xDFFF) return 0;
    *ret_cp = 0x10000U + ((uint32_t)(high - 0xD800) << 10 | (uint32_t)(low - 0xDC00));
    return 12;
}

int json_bytes_next(struct json_bytes *it) {
    if (it->next < it->count) return it->pending[it->next++];
    if (it->p == it->end) return -1;
    if (*it->p == '\\') {
        uint32_t cp;
        unsigned n = json_escape_read(it->p, (size_t)(it->end - it->p), &cp);
        if (n > 0) {
            it->p += n;
            char out[4];
            it->count = utf8_encode(cp, out);
            memcpy(it->pending, out, sizeof(out));
            it->next = 1;
            return it->pending[0];
        }
    }
    return (unsigned char)*it->p++;
}

bool json_raw_equal(const char *a, size_t an, const char *b, size_t bn) {
    struct json_bytes x = json_bytes_of(a, an);
    struct json_bytes y = json_bytes_of(b, bn);
    for (;;) {
        int c = json_bytes_next(&x);
        if (c != json_bytes_next(&y)) return false;
        if (c < 0) return true;
    }
}

bool json_raw_is(const char *raw, size_t n, const char *plain, size_t plain_n) {
    if (!memchr(raw, '\\', n)) return n == plain_n && memcmp(raw, plain, n) == 0;
    struct json_bytes it = json_bytes_of(raw, n);
    for (size_t i = 0; i < plain_n; i++) {
        if (json_bytes_next(&it) != (unsigned char)plain[i]) return false;
    }
    return json_bytes_next(&it) < 0;
}
