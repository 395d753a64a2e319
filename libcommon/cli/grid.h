/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A small table of texts for people: columns as wide as their widest cell, numbers at the right. For what is listed
 * whole (topics, partitions, groups); tables of records are in stream/table.h.
 */
#ifndef LEAT_CLI_GRID_H
#define LEAT_CLI_GRID_H

#include "base/buf.h"

enum { GRID_COLUMNS_MAX = 20 };

struct grid {
    const char *headers; /* "TOPIC >SIZE": words; '>' puts a column at the right */
    struct buf cells;    /* each with a NUL behind it */
    size_t count;
};

/* Add the next cell, row by row. Names from data are the caller's to make safe (base/safe.h). 0 or G_NOMEM. */
int grid_cell(struct grid *g, const char *text) NODISCARD;
int grid_number(struct grid *g, uint64_t v) NODISCARD;
int grid_size(struct grid *g, uint64_t bytes) NODISCARD; /* "1.5 MiB" */
int grid_time(struct grid *g, int64_t ns) NODISCARD;     /* RFC 3339; "-" for no time */

/* The header and all rows, appended; the grid is empty afterwards. Prints nothing when it has no row. */
int grid_print(struct grid *g, struct buf *out) NODISCARD;
void grid_release(struct grid *g);

#endif
