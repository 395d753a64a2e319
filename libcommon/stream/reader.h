/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads a stream of blocks from a descriptor and holds it to leat-stream(5): each block checked, live streams told
 * from segments, and the way in which the input ended graded. Bodies are views into the buffer; nothing is copied.
 */
#ifndef LEAT_STREAM_READER_H
#define LEAT_STREAM_READER_H

#include "stream/block.h"
#include "stream/control.h"
#include "stream/inbuf.h"

#define RUN_NAME_MAX 64

struct reader {
    struct inbuf *in;
    size_t record_limit;
    bool live;     /* a start was seen and no end yet */
    bool ended;    /* the last block was an end */
    bool verified; /* check CRCs where present: the default */
    /* Was the data block at this position checked by somebody else (crew.h)? NULL: none was. */
    bool (*checked)(const void *ctx, uint64_t position);
    const void *checked_ctx;
    char run[RUN_NAME_MAX]; /* of the live stream, fit for a message */
    size_t current;         /* bytes of the block handed out last */
    struct buf raw;         /* decompressed body */
};

/* One block: valid until the next reader_next. */
struct block {
    struct block_header h;
    const uint8_t *header; /* the encoded header; stored body behind it */
    const char *stored;
    const char *body;       /* raw body of a data block; JSON of a control block */
    struct control control; /* of a control block; released by the reader's next call */
    uint64_t position;      /* in the input */
};

void reader_init(struct reader *r, struct inbuf *in, size_t record_limit);
void reader_release(struct reader *r, struct block *b);

/* The next block, which may be of unknown control type (pass it on). 0; G_END and G_EOF at the end of the input;
 * G_TRUNCATED, G_CORRUPT, G_IO, G_DATA (a record over the limit), G_STOPPED. *b must be zero before the first call.
 * An `end` block is handed out like any other; what follows decides between G_END and the rest. */
int reader_next(struct reader *r, struct block *b, struct err *e) NODISCARD;

#endif
