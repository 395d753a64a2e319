/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kcat's output patterns (-f), compiled once.
 *
 *   %s  value                     %S  its size in bytes, -1 for a tombstone
 *   %R  its size as 4 bytes, big-endian, -1 for a tombstone
 *   %k  key                       %K  its size in bytes, -1 without a key
 *   %T  time in milliseconds, rounded down, -1 without one
 *   %D  time by RFC 3339, nothing without one (not kcat's)
 *   %h  headers, name=value,name=value
 *   %t  topic, nothing without one   %p  partition   %o  offset   %%  a percent sign
 *   \n \r \t \\ \xXX (two hexadecimal digits)
 *
 * The value is its bytes as they are: JSON text for JSON, nothing for a tombstone. No newline is added.
 */
#ifndef LEAT_STREAM_PATTERN_H
#define LEAT_STREAM_PATTERN_H

#include <stdbool.h>

#include "stream/text_out.h"

struct pattern;

/* G_USAGE when it has an escape that is not among these; the text says where. */
int pattern_compile(struct pattern **ret, const char *text, struct err *e) NODISCARD;
void pattern_free(struct pattern *p); /* takes NULL */

/* Append one record. With `safe`, what comes from the data is made safe for a terminal; the pattern's own text and the
 * four bytes of %R are not. 0 or G_NOMEM. */
int pattern_append(const struct pattern *p, const struct record *r, const struct record_origin *from, bool safe,
                   struct buf *out) NODISCARD;

#endif
