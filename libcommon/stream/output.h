/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where a tool's records go: blocks through the writer, or text, into one descriptor. A file output is written under a
 * temporary name and appears when it is complete; a FIFO or device that is there by that name is written to itself.
 */
#ifndef LEAT_STREAM_OUTPUT_H
#define LEAT_STREAM_OUTPUT_H

#include "stream/control.h"
#include "stream/text_out.h"
#include "stream/writer.h"

struct output_config {
    struct text_out_config text; /* its `format` decides; OUT_DEFAULT is resolved by output_open */
    const char *file;            /* NULL: fd */
    int fd;
    bool force;      /* binary to a terminal is refused without it */
    bool unbuffered; /* flush after each record */
    bool own_thread; /* much comes out, made by one thread: what is full leaves by another (outflow.h) */
};

struct output {
    struct output_config config;
    enum out_format format; /* resolved */
    struct writer writer;   /* OUT_BLOCKS; its descriptor serves text as well */
    struct text_out *text;
    struct buf pending; /* text */
    char *temporary;    /* name of the file until it is complete */
    bool special;       /* the file is a FIFO or a device */
    uint64_t records;
};

int output_open(struct output *o, const struct output_config *config, struct err *e) NODISCARD;
static inline bool output_is_blocks(const struct output *o) {
    return o->format == OUT_BLOCKS;
}

/* Who writes this stream, and what came before: for its start block. */
struct output_lineage {
    const char *tool;
    char *const *args;
    int arg_count;
    const json_t *history; /* of an upstream's start, or NULL */
    uint64_t run;          /* 0: a random one */
    int64_t time_ns;       /* 0: now */
};

/* The first and the last block of a live stream. Text has no such words: then they do nothing. `why` is for a status
 * other than 0. */
int output_start(struct output *o, const struct output_lineage *l, struct err *e) NODISCARD;
int output_end(struct output *o, int status, const char *why, struct err *e) NODISCARD;

/* One record. `like` names its source as writer_record has it. */
int output_record(struct output *o, const struct block_header *like, const struct record_origin *from,
                  const struct record *r, struct err *e) NODISCARD;

/* The same for a record whose value is still to be written, at *ret_value and before the output is called again. 0:
 * this output cannot have that, and nothing was done; 1; an error. */
int output_record_head(struct output *o, const struct block_header *like, const struct record *r, char **ret_value,
                       struct err *e) NODISCARD;

/* Records as they lie in a data block, some of them or the whole block; to outputs of blocks only. */
int output_run(struct output *o, const struct block_header *h, const struct record_run *run, struct err *e) NODISCARD;
int output_block(struct output *o, const uint8_t *header, const char *stored, const struct block_header *h,
                 struct err *e) NODISCARD;

/* One record of JSON lines as it was read, with a line end behind it; to outputs that output_takes_lines. */
int output_line(struct output *o, const char *line, size_t n, struct err *e) NODISCARD;
static inline bool output_takes_lines(const struct output *o) {
    return o->format == OUT_JSON && !o->config.text.safe && !o->config.text.color;
}

/* Hand everything to the system: before waiting, and at the end. */
int output_flush(struct output *o, struct err *e) NODISCARD;

/* Flush and make the file appear (`complete`), or remove it. Checks the close. */
int output_close(struct output *o, bool complete, struct err *e) NODISCARD;

#endif
