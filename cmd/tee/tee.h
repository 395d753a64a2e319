/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The parts of `leat tee`: what goes to which destination (copy.c), and a branch, which leads to one of them and has a
 * beginning, an end and a fate of its own (branch.c).
 */
#ifndef LEAT_CMD_TEE_H
#define LEAT_CMD_TEE_H

#include "expr/record_field.h"
#include "log/topic.h"
#include "stream/relay.h"
#include "stream/stage.h"

enum branch_kind {
    BRANCH_STREAM, /* standard output, a FIFO, a device: through a relay */
    BRANCH_FILE,   /* a regular file; never waits for anybody */
    BRANCH_TOPIC
};

struct branch {
    enum branch_kind kind;
    const char *name;
    struct output out;  /* STREAM, FILE: makes bytes of records */
    struct relay relay; /* STREAM */
    struct sink *sink;  /* TOPIC */
    bool standard;      /* it is standard output */
    bool open, alive;   /* it still takes records */
    bool complete;      /* it has all and its end, and is closed */
    uint64_t records, bytes, dropped;
};

/* What all destinations are opened with. */
struct branch_config {
    struct output_config output; /* of standard output */
    const struct log *log;       /* for topics */
    enum relay_slow slow;
    struct spill_budget *budget;
};

/* Standard output with `place` NULL. */
int branch_open(struct branch *d, const char *place, const struct branch_config *config, struct err *e) NODISCARD;
bool branch_is_stream(const char *place);
void branch_release(struct branch *d); /* what is not complete is given up; takes a zeroed one */

/* Is there room for more, or has it to be left out? */
static inline bool branch_drops(const struct branch *d) {
    return d->kind == BRANCH_STREAM && d->relay.slow == RELAY_DROP && relay_full(&d->relay);
}
/* Does a block go there as it is, or each of its records? */
static inline bool branch_takes_blocks(const struct branch *d) {
    return d->kind != BRANCH_TOPIC && output_is_blocks(&d->out);
}

/* G_DATA: it cannot hold the record. Other failures are the destination's own. */
int branch_start(struct branch *d, const struct output_lineage *l, struct err *e) NODISCARD;
int branch_record(struct branch *d, struct stage *s, const struct record *r, struct err *e) NODISCARD;
int branch_block(struct branch *d, const struct block *b, struct err *e) NODISCARD;
int branch_flush(struct branch *d, struct err *e) NODISCARD;

/* The end of a run that came to `status` for the reason `why`. A stream has all then but for what its relay holds; a
 * file is closed and appears, if it can tell its readers how it ended or all is well; a topic is closed. */
int branch_end(struct branch *d, int status, const char *why, struct err *e) NODISCARD;

struct tee {
    struct branch *branch;
    size_t count, alive;
    struct relay **relays; /* those of the destinations that have one */
    size_t relay_count;
    struct spill_budget budget;
    bool started;
    struct output_lineage lineage;
    struct err failed; /* of the destination that failed first */
    struct time_field time;
    struct expr_set *set;
    struct expr_run *run;
    const struct stage_config *config;
};

/* Callbacks of the stage, which has no output of its own. */
int tee_record(void *ctx, struct stage *s, const struct record *r, struct err *e) NODISCARD;
int tee_block(void *ctx, struct stage *s, const struct block *b, struct err *e) NODISCARD;
int tee_control(void *ctx, struct stage *s, const struct block *b, struct err *e) NODISCARD;
int tee_inspect(void *ctx, struct stage *s, const struct block *b, struct err *e) NODISCARD;
int tee_idle(void *ctx, struct stage *s, struct err *e) NODISCARD;

/* Ends all destinations behind a run that came to `g`, waits until they have what is theirs, and returns what the run
 * comes to now. */
int tee_finish(struct tee *t, int g, struct err *e) NODISCARD;

#endif
