/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The one run loop of all processing tools. A tool hands over a table of callbacks; the loop owns reading, format
 * detection, control blocks, the bad-record policy, flushing before it waits, the grade of the end, and the `end` block
 * that tells downstream the truth.
 *
 *     input files → [blocks | text] → record() or block() → stage_emit() → output
 */
#ifndef LEAT_STREAM_STAGE_H
#define LEAT_STREAM_STAGE_H

#include "stream/follow.h"
#include "stream/output.h"
#include "stream/reader.h"
#include "stream/sink.h"
#include "stream/sources.h"
#include "stream/text_in.h"
#include "json/validate.h"

struct stage;

/* All but one of record and block may be NULL. A negative result ends the run, but for G_DATA from record(), which
 * makes that record a bad one. */
struct stage_ops {
    int (*record)(void *ctx, struct stage *s, const struct record *r, struct err *e);
    /* A whole data block instead of its records. */
    int (*block)(void *ctx, struct stage *s, const struct block *b, struct err *e);
    /* Every block of the input as it was read, before the loop makes anything of it: for tools that tell about streams.
     */
    int (*inspect)(void *ctx, struct stage *s, const struct block *b, struct err *e);
    /* A control block other than start, end and segment. NULL: it is passed on. */
    int (*control)(void *ctx, struct stage *s, const struct block *b, struct err *e);
    /* Nothing to read for now: make visible what is held back. */
    int (*idle)(void *ctx, struct stage *s, struct err *e);
    /* Every input was completed: drain. */
    int (*end)(void *ctx, struct stage *s, struct err *e);
};

struct stage_counts {
    uint64_t records_in, bytes_in, bad;
    int64_t max_time; /* NO_TIME until a record has one */
};

struct stage_config {
    const char *tool; /* for provenance and dead letters */
    char *const *args;
    int arg_count;
    const char *const *files; /* none, or "-": standard input */
    size_t file_count;
    const char *standard_input;  /* what it is called in messages; NULL: "standard input" */
    struct text_in_config input; /* its format may be IN_DETECT: a file named *.leat holds blocks then */
    bool follow;                 /* files grow; text only */
    bool trust_blocks;           /* leave JSON in blocks without the validated flag unchecked */
    bool distrust_blocks;        /* check JSON in blocks with that flag, too */
    bool no_output;              /* the tool has an output of its own */
    struct output_config output;
    bool skip_bad;                                              /* go on after a bad record */
    struct sink *dead_letter;                                   /* bad records go there; the caller closes it */
    void (*tick)(void *ctx, const struct stage_counts *counts); /* now and then, for progress; may be NULL */
    void (*notice)(void *ctx, const char *text);                /* words for people; may be NULL */
    void *hook_ctx;
};

struct stage {
    const struct stage_config *config;
    const struct stage_ops *ops;
    void *ctx;
    struct output output;
    struct stage_counts counts;
    struct sources sources;
    struct json_validator json;
    bool started;     /* our own start was written */
    bool enough;      /* set by a callback: read no further; the run ends as if the input had ended here */
    int64_t wake_ns;  /* set by idle(): call it again after this long even if nothing comes; below 0: no need */
    uint64_t derived; /* offsets of derived records */
    /* the record that is being worked on */
    const char *input_name;
    enum in_format format;           /* of the input */
    const struct block_header *like; /* its source */
    struct record_origin origin;
    struct text_in *text; /* it came from text; NULL: from a block */
    char where[128];      /* filled by stage_where */
};

/* The whole run. Returns 0 or the first error; the output is ended accordingly. */
int stage_run(struct stage *s, const struct stage_config *config, const struct stage_ops *ops, void *ctx,
              struct err *e) NODISCARD;

/* Emit the record in hand, or one with its source. */
int stage_emit(struct stage *s, const struct record *r, struct err *e) NODISCARD;

/* "topic/partition@offset", or "file:line": the record in hand, for messages. */
const char *stage_where(struct stage *s, const struct record *r);

#endif
