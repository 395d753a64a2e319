/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pieces that several text outputs share: a JSON text on one line, text made safe where that is asked for, the time in
 * milliseconds.
 */
#ifndef LEAT_STREAM_TEXT_OUT_VALUE_H
#define LEAT_STREAM_TEXT_OUT_VALUE_H

#include <stdbool.h>

#include "base/buf.h"
#include "stream/block.h"

/* Is it JSON as json_line_append leaves it: not empty, no blanks around it, no line end in it? */
bool json_is_line(const char *p, size_t n);

/* Append JSON text without the blanks around it, its line ends as spaces. 0 or G_NOMEM. */
int json_line_append(struct buf *out, const char *p, size_t n) NODISCARD;

/* Append, through safe_append with these flags when `safe`. 0 or G_NOMEM. */
int text_out_append(struct buf *out, const char *p, size_t n, bool safe, unsigned flags) NODISCARD;

/* Milliseconds with as many digits of fraction as are needed, at most six: exact. Returns the length, without a NUL. */
enum { MS_TEXT_MAX = 24 };
size_t ms_format(char out[MS_TEXT_MAX], int64_t ns);

/* Whole milliseconds, rounded down; -1 for NO_TIME, as Kafka has it. */
int64_t ms_floor(int64_t ns);

#endif
