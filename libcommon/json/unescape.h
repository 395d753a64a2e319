/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The escapes of JSON strings: reading one, and the bytes of a raw string (the text between its quotes) as unescaped,
 * one at a time, without a buffer. Memory-safe on any bytes. Used by the key check, the path lookup and json_unescape.
 */
#ifndef LEAT_JSON_UNESCAPE_H
#define LEAT_JSON_UNESCAPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * The escape at p[0..n), p[0] being the backslash: how many bytes of text it takes (2, 6, or 12 for a surrogate pair),
 * with its code point, or 0 when it is none: an unknown letter, not four hex digits, a lone surrogate, cut off.
 */
unsigned json_escape_read(const char *p, size_t n, uint32_t *ret_cp);

/* An iterator over the unescaped bytes. */
struct json_bytes {
    const char *p, *end;
    unsigned char pending[4]; /* of a decoded escape; [next..count) are still to come */
    unsigned next, count;
};

static inline struct json_bytes json_bytes_of(const char *raw, size_t n) {
    return (struct json_bytes){.p = raw, .end = raw + n};
}

/* The next byte, or -1 at the end. A broken escape yields its backslash as it stands. */
int json_bytes_next(struct json_bytes *it);

/* Are two raw strings equal after unescaping? And a raw one to a plain one? */
bool json_raw_equal(const char *a, size_t an, const char *b, size_t bn);
bool json_raw_is(const char *raw, size_t n, const char *plain, size_t plain_n);

#endif
