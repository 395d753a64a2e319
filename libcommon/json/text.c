/* SPDX-License-Identifier: Apache-2.0 */
/* JSON strings and types. See text.h; the numbers are in number.c. */
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

/* The escape of one byte, without a check for room: at most six bytes. */
static void escape_byte(struct buf *out, unsigned char c) {
    static const char hex[] = "0123456789abcdef";
    static const char letters[0x20] = {['\b'] = 'b', ['\f'] = 'f', ['\n'] = 'n', ['\r'] = 'r', ['\t'] = 't'};
    buf_putc_fast(out, '\\');
    if (c >= 0x20) {
        buf_putc_fast(out, (char)c);
    } else if (letters[c]) {
        buf_putc_fast(out, letters[c]);
    } else {
        char u[5] = {'u', '0', '0', hex[c >> 4], hex[c & 15]};
        buf_append_fast(out, u, sizeof(u));
    }
}

int json_escape_append(struct buf *out, const char *p, size_t n) {
    const char *end = p + n;
    size_t before = out->len;
    if (utf8_validate(p, n) != n) return G_DATA;
    if (buf_reserve(out, n + 2) < 0) return G_NOMEM;
    buf_putc_fast(out, '"');
    for (;;) {
        const char *special = json_scan_special(p, end);
        size_t plain = (size_t)(special - p);
        /* For the run, one escape, the closing quote. */
        if (buf_reserve(out, plain + 7) < 0) {
            out->len = before;
            return G_NOMEM;
        }
        if (plain) buf_append_fast(out, p, plain);
        p = special;
        if (p == end) break;
        escape_byte(out, (unsigned char)*p++);
    }
    buf_putc_fast(out, '"');
    return 0;
}
