/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Points on their way to a server: their encoding, one behind the other, and whole copies of the records that they
 * were made of, which are dead letters if the server refuses them. Filled by send.c, read by deliver.c.
 */
#ifndef LEAT_CMD_SINK_TSDB_BATCH_H
#define LEAT_CMD_SINK_TSDB_BATCH_H

#include "sink.h"

struct batch {
    struct buf encoded;
    struct buf kept;   /* struct kept, one a point */
    struct buf likes;  /* struct block_header: the headers that records came under, each once in a row */
    struct buf memory; /* key, headers, value and place of the records */
    size_t count;
    int64_t since_ns; /* when the first point came */
};

/* The encoding of the point has been appended already. G_NOMEM leaves the batch as it was but for that. */
int batch_keep(struct batch *b, const struct block_header *like, const struct record *r, const char *where,
               int64_t time, struct err *e) NODISCARD;

/* The points by time, those of one time as they came: each has another number from then on. */
int batch_sort(struct batch *b, struct err *e) NODISCARD;

/* The encoding of points [from, from + n). */
struct text batch_encoded(const struct batch *b, size_t from, size_t n);

/* The record of a point, its header and its place; views into the batch. */
void batch_record(const struct batch *b, size_t point, const struct block_header **like, struct record *r,
                  const char **where);

void batch_clear(struct batch *b);
void batch_release(struct batch *b);

#endif
