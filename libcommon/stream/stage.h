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

#include "stream/crew.h"
#include "stream/feed.h"
#include "stream/follow.h"
#include "stream/output.h"
#include "stream/reader.h"
#include "stream/sink.h"
#include "stream/sources.h"
#include "stream/text_in.h"
#include "json/validate.h"

struct stage;

/* All but one of record, block and feed may be NULL. A negative result ends the run, but for G_DATA from record(),
 * which makes that record a bad one. */
struct stage_ops {
    int (*record)(void *ctx, struct stage *s, const struct record *r, struct err *e);
    /* A whole data block instead of its records. */
    int (*block)(void *ctx, struct stage *s, const struct block *b, struct err *e);
    /* With block(), and only where that can do without: a data block is looked at ahead of its turn, perhaps in another
     * thread (`thread` is below CREW_THREADS_MAX). Its body is checked, its JSON is valid, nothing of the stage may be
     * used, and what is found out goes to `note`, which block() finds in the stage. Below 0: nothing. */
    int (*look)(void *ctx, unsigned thread, const struct block_origin *from, const char *body, struct buf *note);
    /* Every block of the input as it was read, before the loop makes anything of it: for tools that tell about streams.
     */
    int (*inspect)(void *ctx, struct stage *s, const struct block *b, struct err *e);
    /* A control block other than start, end and segment. NULL: it is passed on. */
    int (*control)(void *ctx, struct stage *s, const struct block *b, struct err *e);
    /* With config->feeds, instead of record and block: which feeds should something be taken from next? None: wait for
     * a signal, or for what idle() set. Asked again after each item and each idle(). */
    void (*want)(void *ctx, struct stage *s, struct feed_set *ret);
    /* A block of a wanted feed, or its orderly end. stage_at and stage_at_record make it or a record of it the one in
     * hand. The tool may keep the item: it sets
     * *item to NULL then, and frees it. */
    int (*feed)(void *ctx, struct stage *s, size_t which, struct feed_item **item, struct err *e);
    /* All feeds have ended, or there is enough: 1 when the tool has put other ones, opened, into config->feeds, which
     * are read then as those were; 0: this was the end. NULL: it was. */
    int (*again)(void *ctx, struct stage *s, struct err *e);
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
    const char *standard_input;    /* what it is called in messages; NULL: "standard input" */
    struct text_in_config input;   /* its format may be IN_DETECT: input_find_format() */
    bool follow;                   /* files grow; text only */
    struct feeds *feeds;           /* several inputs at once instead of the files one by one: opened, not started; the
                                    * caller closes them. `files` are their names for the sandbox only */
    bool feeds_begin_together;     /* nothing is taken before every feed has something: our start tells what came before
                                    * all of them. Else it waits a second for that */
    int64_t feeds_begin_within_ns; /* the same, but after this long it goes on with those that have; 0: never */
    bool feeds_have_barriers;      /* control() gets them. Else one is an error: those of several feeds cannot be
                                    * brought together */
    bool trust_blocks;             /* leave JSON in blocks without the validated flag unchecked */
    bool distrust_blocks;          /* check JSON in blocks with that flag, too */
    bool no_output;                /* the tool has an output of its own */
    struct output_config output;
    const char *state_dir; /* a folder that the tool itself keeps files in; NULL: none */
    const char *reread;    /* a file that the tool itself reads again, another by that name too; NULL: none */
    const struct output_config *more; /* streams beside it, which begin and end as it does; records go there by the
                                       * tool's hand */
    size_t more_count;
    struct sink *const *sinks; /* flushed when the outputs are; the caller closes them */
    size_t sink_count;
    bool skip_bad;                                              /* go on after a bad record */
    struct sink *dead_letter;                                   /* bad records go there; the caller closes it */
    void (*tick)(void *ctx, const struct stage_counts *counts); /* now and then, for progress; may be NULL */
    void (*notice)(void *ctx, const struct err *what);          /* words for people; may be NULL */
    void *hook_ctx;
};

struct stage {
    const struct stage_config *config;
    const struct stage_ops *ops;
    void *ctx;
    struct output output;
    struct output *more; /* config->more, opened */
    struct stage_counts counts;
    struct sources sources;
    struct json_validator json;
    bool started;     /* our own start was written */
    bool enough;      /* set by a callback: read no further; the run ends as if the input had ended here */
    bool failed;      /* set by a callback: its G_DATA ends the run and is not the fault of the record in hand */
    int input_fd;     /* in idle(): what the loop is about to wait for, so that idle() may wait for it; -1: several */
    int64_t wake_ns;  /* set by idle(): call it again after this long even if nothing comes; below 0: no need */
    uint64_t derived; /* offsets of derived records */
    struct err idle_failure;
    /* the record that is being worked on */
    size_t which; /* feed that it is from */
    const char *input_name;
    uint64_t line;                   /* of text from a feed, else 0 */
    enum in_format format;           /* of the input */
    const struct block_header *like; /* its source */
    struct record_origin origin;
    struct text_in *text;            /* it came from text; NULL: from a block */
    bool checked;                    /* its JSON is known to be valid */
    const char *memory, *memory_end; /* where it lies, if known: all bytes of that may be read */
    char where[320];                 /* filled by stage_where; the longest name of a topic leaves room */
    json_t *history;                 /* merged, of all feeds; NULL without */
    struct crew *crew;
    const char *note; /* what look() found out of the block in hand; NULL: it did not look */
    size_t note_size;
};

/* The whole run. Returns 0 or the first error; the output is ended accordingly. */
int stage_run(struct stage *s, const struct stage_config *config, const struct stage_ops *ops, void *ctx,
              struct err *e) NODISCARD;

/* Emit the record in hand, or one with its source. */
int stage_emit(struct stage *s, const struct record *r, struct err *e) NODISCARD;

/* Emit a record that was made here: it has no source, its offset is the next of this stream, and its value, if it is
 * JSON, is valid. */
int stage_emit_derived(struct stage *s, const struct record *r, struct err *e) NODISCARD;

/* The same for one whose value is still to be written, as output_record_head has it: 0, 1 or an error. */
int stage_emit_derived_head(struct stage *s, const struct record *r, char **ret_value, struct err *e) NODISCARD;

/* The same for several in their encoding, one behind the other, whose offset_delta counts from 0. */
int stage_emit_run(struct stage *s, const struct record_run *run, struct err *e) NODISCARD;

/* For tools that write to the outputs by their own hand: what comes before the first record is out. */
int stage_start(struct stage *s, struct err *e) NODISCARD;

/* For tools that wait in a callback: nothing stays behind meanwhile. */
int stage_flush(struct stage *s, struct err *e) NODISCARD;

/* For control(): the block goes on as it is; and a control block of our own, for the whole stream. Outputs of text have
 * neither. */
int stage_pass(struct stage *s, const struct block *b, struct err *e) NODISCARD;
int stage_control(struct stage *s, const struct buf *text, struct err *e) NODISCARD;

/* For block(), which sees the records by itself: is the value of this one JSON, if it says so? G_DATA makes it a bad
 * record, to be given to stage_bad, which knows the policy: 0 goes on without the record. */
int stage_check(struct stage *s, const struct record *r, struct err *e) NODISCARD;
int stage_bad(struct stage *s, const struct record *r, struct err *e) NODISCARD;

/* The policy itself, for something else that is bad, such as a result, and has a name. `e` says what is wrong; it is
 * kept or counted, or ends the run. */
int stage_refuse(struct stage *s, const struct record *r, const char *what, const char *where, struct err *e) NODISCARD;

/* The block of a feed is the one in hand, and then record `index` of it, from 0. */
void stage_at(struct stage *s, size_t which, const struct feed_item *item);
static inline void stage_at_record(struct stage *s, const struct feed_item *item, uint32_t index) {
    s->line = item->lines ? item->line + item->lines[index] : 0;
}

/* How many bytes behind the value of this record may be read; 0 for one that was made elsewhere. */
static inline size_t stage_slack(const struct stage *s, const struct record *r) {
    uintptr_t from = (uintptr_t)s->memory, to = (uintptr_t)s->memory_end, at = (uintptr_t)r->value;
    return at >= from && at + r->value_size <= to ? (size_t)(to - at - r->value_size) : 0;
}

/* "topic/partition@offset", or "file:line": the record in hand, for messages. */
const char *stage_where(struct stage *s, const struct record *r);

#endif
