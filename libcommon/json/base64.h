/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Base64 of RFC 4648, section 4: the standard alphabet, padding written and required, nothing else in between. For
 * values that are not UTF-8 in JSON output, and for reading them back.
 */
#ifndef LEAT_JSON_BASE64_H
#define LEAT_JSON_BASE64_H

#include "base/buf.h"

/* Append the base64 of p[0..n). G_NOMEM. */
int base64_encode(struct buf *out, const void *p, size_t n) NODISCARD;

/*
 * Append the bytes that text[0..n) stands for. G_DATA when it is not exactly what base64_encode would write (also
 * unused bits that are not zero), G_NOMEM; out is then as it was.
 */
int base64_decode(struct buf *out, const char *text, size_t n) NODISCARD;

#endif
