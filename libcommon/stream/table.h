/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Records as a table for people: `time` and `key` when any record has one that its fields do not say already (a field
 * `time` does, and the window and the group of a window's result), then a column for each field; what is not an object
 * stands in a column `value`. The first TABLE_HELD records (or less, see table_flush) are held back, and decide
 * on the columns and their widths. A record that brings a new column later has the header printed again, behind an
 * empty line; a value that is wider than its column pushes what is behind it to the right.
 *
 * Cells are always made safe for a terminal and kept on one line, cut with … where the width asks for it. Numbers stand
 * at the right.
 */
#ifndef LEAT_STREAM_TABLE_H
#define LEAT_STREAM_TABLE_H

#include <stdbool.h>

#include "stream/block.h"

enum { TABLE_HELD = 100, TABLE_HELD_BYTES = 1 << 20, TABLE_COLUMNS_MAX = 1024 };

struct table;

int table_open(struct table **ret, unsigned width, bool color, struct err *e) NODISCARD; /* width 0: no limit */
void table_free(struct table *t);                                                        /* takes NULL */

/* G_DATA when there would be more than TABLE_COLUMNS_MAX fields. */
int table_record(struct table *t, const struct record *r, struct buf *out, struct err *e) NODISCARD;

/* Print what is held back. */
int table_flush(struct table *t, struct buf *out, struct err *e) NODISCARD;

#endif
