/* SPDX-License-Identifier: Apache-2.0 */
/* JSON strings and types. See text.h; the numbers are in number.c, strings into text in escape.c. */
#include "json/text.h"

#include "base/utf8.h"
#include "json/scan.h"
#include "json/unescape.h"

enum json_type json_type_of(const char *text, size_t n) {
    const char *end = text + n;
    const char *p = json_scan_space(text, end);
    if (p == end) return JSON_TYPE_NONE;
    switch (*p) {
    case 'n': return JSON_TYPE_NULL;
    case 'f': return JSON_TYPE_FALSE;
    case 't': return JSON_TYPE_TRUE;
    case '"': return JSON_TYPE_STRING;
    case '[': return JSON_TYPE_ARRAY;
    case '{': return JSON_TYPE_OBJECT;
    default: return *p == '-' || (*p >= '0' && *p <= '9') ? JSON_TYPE_NUMBER : JSON_TYPE_NONE;
    }
}

int json_unescape(const char *p, size_t n, struct buf *out) {
    if (n < 2 || p[0] != '"' || p[n - 1] != '"') return G_DATA;
    const char *end = p + n - 1;
    p++;
    size_t before = out->len;
    if (buf_reserve(out, n) < 0) return G_NOMEM; /* unescaping never makes it longer */
    while (p < end) {
        const char *slash = memchr(p, '\\', (size_t)(end - p));
        size_t plain = (size_t)((slash ? slash : end) - p);
        if (memchr(p, '"', plain)) break;
        buf_append_fast(out, p, plain);
        p += plain;
        if (p == end) break;
        uint32_t cp;
        unsigned taken = json_escape_read(p, (size_t)(end - p), &cp);
        if (taken == 0) break;
        char utf8[4];
        buf_append_fast(out, utf8, utf8_encode(cp, utf8));
        p += taken;
    }
    if (p == end) return 0;
    out->len = before;
    return G_DATA;
}
