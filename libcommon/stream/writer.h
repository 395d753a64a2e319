/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writes a stream of blocks. Records gather in a block until it is full, its source changes, or the caller flushes;
 * whole blocks gather in a buffer and leave with few system calls. Flush before waiting for input: that is the only
 * latency rule there is.
 */
#ifndef LEAT_STREAM_WRITER_H
#define LEAT_STREAM_WRITER_H

#include "stream/block.h"
#include "stream/outflow.h"

struct writer {
    int fd;
    const char *name;      /* for messages; belongs to the caller */
    bool crc;              /* seal blocks: for files, not for pipes */
    struct buf out;        /* whole blocks, then the open one */
    size_t open_at;        /* where the open block's header is in `out` */
    bool open;             /* there is an open block */
    struct block_header h; /* of the open block */
    uint64_t last_offset;  /* of its last record */
    bool broken;           /* a write failed, perhaps part of the way: nothing that follows would be understood */
    uint64_t written;      /* bytes that the system has taken */
    uint64_t records, bytes, blocks; /* totals handed to this writer; bytes counts bodies of data blocks */
    /* Somebody else takes the bytes, whole blocks at a time, and the descriptor is not written to. NULL: nobody. */
    int (*take)(void *ctx, const void *p, size_t n, struct err *e);
    void *take_ctx;
    struct outflow *outflow; /* what is full leaves by it; owned. NULL: by this thread */
};

void writer_init(struct writer *w, int fd, const char *name, bool crc);
/* From now on full buffers leave by a thread of their own. */
void writer_use_thread(struct writer *w);
void writer_release(struct writer *w); /* what was not flushed is lost */

/* Add a record. `like` names its source: topic_id, partition, log_epoch, producer_* and BLOCK_JSON_VALID are taken from
 * it. The record is checked against nothing: the caller has done so. */
int writer_record(struct writer *w, const struct block_header *like, const struct record *r, struct err *e) NODISCARD;
/* The same, but that the bytes of the value are still to be written at *ret_value: before the writer is called again.
 */
int writer_record_head(struct writer *w, const struct block_header *like, const struct record *r, char **ret_value,
                       struct err *e) NODISCARD;

/* Add `count` encoded records as they lie in the block h: [records, records + size). Their offset_delta counts from
 * h->base_offset; h's times serve as bounds. */
int writer_run(struct writer *w, const struct block_header *h, const char *records, size_t size, uint32_t count,
               struct err *e) NODISCARD;

/* Add records that lie one behind the other in the data block h, which a reader has checked. Unlike writer_run it fills
 * blocks: the offset_delta of each record is counted anew from the block that it comes to. */
struct record_run {
    const char *records;              /* encoded */
    size_t size;                      /* bytes of them all */
    uint32_t count;                   /* at least 1 */
    uint32_t first_delta, last_delta; /* offset_delta of the first and the last */
    int64_t min_time, max_time;       /* of those that have a time; NO_TIME when none has */
};
int writer_records(struct writer *w, const struct block_header *h, const struct record_run *run,
                   struct err *e) NODISCARD;

/* Pass on a whole encoded block untouched. */
int writer_block(struct writer *w, const uint8_t *header, const char *stored, const struct block_header *h,
                 struct err *e) NODISCARD;

/* A control block; topic_id 0 speaks of the whole stream. */
int writer_control(struct writer *w, uint64_t topic_id, uint32_t partition, const char *body, size_t n,
                   struct err *e) NODISCARD;

/* Close the open block, if any: it will not grow any more. */
void writer_close_block(struct writer *w);

/* Bytes that are no block, past the buffer: for text. */
int writer_bytes(struct writer *w, const void *p, size_t n, struct err *e) NODISCARD;

/* The same for a full buffer, which is empty then, in a thread of its own if there is one. */
int writer_give(struct writer *w, struct buf *full, struct err *e) NODISCARD;

/* Hand everything to the system. G_PIPE when the reader went away. */
int writer_flush(struct writer *w, struct err *e) NODISCARD;

#endif
