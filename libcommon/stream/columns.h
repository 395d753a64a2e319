/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Named columns, and the fields of one JSON object sorted into them: what CSV, TSV and tables share. Names are compared
 * after unescaping. Columns are numbered from 0 in the order in which they first came, and never go away.
 */
#ifndef LEAT_STREAM_COLUMNS_H
#define LEAT_STREAM_COLUMNS_H

#include "base/buf.h"
#include "base/hashmap.h"
#include "stream/json_lex.h"

/* A value's text where the row has it; else `type` is TOKEN_END. Points into the object. */
struct cell {
    const char *text;
    size_t size;
    enum json_token type;
};

struct columns {
    struct hashmap index; /* name to number */
    struct buf names;
    size_t *name_ends;  /* [count]; a name begins where the one before it ends */
    struct cell *cells; /* [count]: the row that columns_fill read last */
    size_t count, cap, max;
    struct buf scratch;
};

int columns_init(struct columns *c, size_t max, struct err *e) NODISCARD; /* at most so many columns */
void columns_release(struct columns *c);                                  /* takes a zeroed one */

const char *columns_name(const struct columns *c, size_t i, size_t *ret_size);

/* The number of the column of that name, made if need be. G_DATA beyond the maximum, G_NOMEM. */
int columns_add(struct columns *c, const char *name, size_t n, size_t *ret, struct err *e) NODISCARD;

/* Mark all cells as missing. */
void columns_clear(struct columns *c);

/*
 * Set the cells from an object. A field that has no column gets one when `grow`, else it is G_DATA. G_DATA too for a
 * text that is not an object; the columns that it brought by then stay.
 */
int columns_fill(struct columns *c, const char *object, size_t n, bool grow, struct err *e) NODISCARD;

#endif
