/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lines of web servers' access logs to JSON objects; no input or output. Called by the text reader, which holds the
 * bytes. leat(1), Access logs, has the forms of a line, what becomes of each, and the members of the object.
 *
 * Where a line is cut: TIME is the first `[dd/Mon/yyyy:HH:MM:SS +hhmm] "` in it. Both servers write a quote inside of a
 * field as an escape, so that nothing that a client sends looks like that, not even the name of a user. For the same
 * reason a quoted word ends at the first quote without a backslash of its own.
 */
#ifndef LEAT_STREAM_COMBINED_H
#define LEAT_STREAM_COMBINED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

/* Kept from line to line; all-zero at first. */
struct combined {
    struct buf text; /* one field without its escapes */
};

void combined_release(struct combined *c); /* takes NULL */

/* Append the line, without its line end, as a JSON object; *ret_time is its time in ns. G_DATA: it is no such line
 * (`out` then has a part of it), the text says what is missing, and where. */
int combined_line(struct combined *c, const char *line, size_t n, struct buf *out, int64_t *ret_time,
                  struct err *e) NODISCARD;

/* Would combined_line take it? For telling formats apart. */
bool combined_is_line(const char *line, size_t n);

#endif
