/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Stepping over raw JSON text: strings, scalars, whole values. Nothing is validated, and nothing outside [p, end) is
 * read, whatever the bytes are; on text that passed the validator the steps are exact. SSE2 is part of every x86-64;
 * other processors take the portable steps, which give the same answers. For the path lookup and the writer.
 */
#ifndef LEAT_JSON_SCAN_H
#define LEAT_JSON_SCAN_H

#include <stdbool.h>
#include <stddef.h>

/* The first quote, backslash or byte below 0x20, or end. */
const char *json_scan_special(const char *p, const char *end);

/* The first byte that ends a scalar: comma, ] or }, a space or any byte below it; or end. */
const char *json_scan_scalar(const char *p, const char *end);

/* The same two without SIMD. */
const char *json_scan_special_portable(const char *p, const char *end);
const char *json_scan_scalar_portable(const char *p, const char *end);

/* From behind an opening quote to its closing quote, NULL without one. *ret_escaped: a backslash is in between. */
const char *json_scan_string(const char *p, const char *end, bool *ret_escaped);

/* From the first byte of a value to behind it; NULL when it is cut off. */
const char *json_scan_value(const char *p, const char *end);

static inline const char *json_scan_space(const char *p, const char *end) {
    while (p < end && (*p == ' ' || *p == '\n' || *p == '\t' || *p == '\r')) p++;
    return p;
}

#endif
