/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The run of sink-tsdb: records to points to the destination, the checkpoints of a pipeline, and what is told about it.
 */
#ifndef LEAT_CMD_SINK_TSDB_RUN_H
#define LEAT_CMD_SINK_TSDB_RUN_H

#include "cli/progress.h"
#include "mapping.h"
#include "repeats.h"
#include "url.h"

struct tsdb {
    struct progress progress; /* first: hooks of the stage get it */
    void (*common_tick)(void *ctx, const struct stage_counts *counts);
    struct stage *stage;
    struct mapping mapping;
    struct url url;
    struct dest_config config;
    struct totals totals;
    struct repeats repeats;
    struct dest *dest;
    bool broken; /* the destination has failed: nothing more is asked of it */
    /* the pipeline that the stream says it is */
    bool live;          /* there was a start block */
    char *pipeline;     /* NULL: none */
    int64_t checkpoint; /* of the last barrier, or the one that was restored; below 0: none */
    int64_t ahead;      /* records are passed over until this barrier; below 0: they are not */
    uint64_t passed_over;
};

extern const struct stage_ops tsdb_stage_ops;

/* Hooks of the destination and the stage; `ctx` is the sink. */
int tsdb_refused(void *ctx, const struct block_header *like, const struct record *r, const char *where, struct err *e);
void tsdb_notice(void *ctx, const struct err *what);
void tsdb_tick(void *ctx, const struct stage_counts *counts);

/* Behind a run that came to `g`: what arrived is written, and the destination is closed. Returns what it comes to. */
int tsdb_close(struct tsdb *s, int g, struct err *e) NODISCARD;
void tsdb_tell(const struct tsdb *s); /* what people should know of the run */
void tsdb_count(struct tsdb *s);      /* totals, into the progress */
void tsdb_release(struct tsdb *s);

#endif
