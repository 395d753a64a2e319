/* SPDX-License-Identifier: Apache-2.0 */
/* Private to json/escape.c and its tests: the writer of strings (see text.h) on a path of the caller's choice. */
#ifndef LEAT_JSON_ESCAPE_H
#define LEAT_JSON_ESCAPE_H

#include "json/text.h"
#include "json/validate.h"

/* json_escape_append. A path that this machine lacks runs as JSON_PORTABLE. */
int json_escape_append_with(enum json_simd simd, struct buf *out, const char *p, size_t n) NODISCARD;

#endif
