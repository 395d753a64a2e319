/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Single JSON values as text, in both directions: strings and numbers out of raw text, strings into it.
 *
 * All of it is memory-safe on any bytes. Functions that take the text of a value want exactly that: no white space
 * around it, a string with its quotes.
 */
#ifndef LEAT_JSON_TEXT_H
#define LEAT_JSON_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

enum json_type {
    JSON_TYPE_NONE, /* no value */
    JSON_TYPE_NULL,
    JSON_TYPE_FALSE,
    JSON_TYPE_TRUE,
    JSON_TYPE_NUMBER,
    JSON_TYPE_STRING,
    JSON_TYPE_ARRAY,
    JSON_TYPE_OBJECT
};

/* The text of a value inside a larger one. It owns nothing. */
struct json_slice {
    const char *p;
    size_t n;
    enum json_type type;
};

/* The type of validated text, white space before it allowed: the first byte tells. JSON_TYPE_NONE when it begins no
 * value. */
enum json_type json_type_of(const char *text, size_t n);

/*
 * Append the content of the string p[0..n), quotes included, as UTF-8. G_DATA when it is no string or has a bad escape
 * (a lone surrogate is one), G_NOMEM; out is then as it was. The bytes between the escapes are copied as they are, so
 * the result is UTF-8 if the text is.
 */
int json_unescape(const char *p, size_t n, struct buf *out) NODISCARD;

/*
 * Append p[0..n) as a JSON string with its quotes. Escaped are the quote, the backslash and what is below 0x20, by the
 * short form where there is one. G_DATA when the bytes are not UTF-8, so that the caller can choose base64; G_NOMEM.
 */
int json_escape_append(struct buf *out, const char *p, size_t n) NODISCARD;

/*
 * The nearest double, rounded to even, in any locale; 0 with the sign of the text when it is too small. G_DATA when it
 * is not a number by RFC 8259, overflows, or is longer than JSON_NUMBER_TEXT_MAX.
 */
#define JSON_NUMBER_TEXT_MAX 1000U
int json_number_to_double(const char *p, size_t n, double *ret) NODISCARD;

#endif
