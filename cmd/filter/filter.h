/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The parts of `leat filter`: judging records and gathering them into runs (judge.c), and the places that they go to
 * (route.c).
 */
#ifndef LEAT_CMD_FILTER_H
#define LEAT_CMD_FILTER_H

#include "cli/option.h"
#include "expr/record_field.h"
#include "log/topic.h"
#include "stream/stage.h"

/* What became of a record; a route takes a set of them. A bad record is none of both. */
enum verdict { VERDICT_BAD = 0, VERDICT_PASS = 1, VERDICT_FAIL = 2 }; /* BAD: it is not for any place */

/* A place that takes some of the records: the stage's main output, one of those beside it, or a topic. */
struct route {
    unsigned takes; /* verdicts */
    struct sink *sink;
    size_t more; /* without a sink: index + 1 of the output beside the main one, 0: the main one */
};

/* What options say of places: at most one route for each. */
struct route_options {
    struct option_list pass, fail, all;
    bool count; /* the main output is not for records */
};

struct routes {
    struct route *route;
    size_t count;
    unsigned takes; /* verdicts that any of them takes */
    struct output_config *outputs;
    struct sink **sinks;
    size_t output_count, sink_count;
};

/* Opens topics and sets up the outputs of `c`, whose main output is configured; the stage opens them. */
int routes_open(struct routes *r, const struct route_options *o, const struct log *log, struct stage_config *c,
                struct err *e) NODISCARD;
/* Is there one that is a topic? Then routes_open needs the log. */
bool routes_need_log(const struct route_options *o);
/* Closes the topics behind a run that came to `g`, and returns what it comes to now: the first error counts. */
int routes_close(struct routes *r, int g, struct err *e) NODISCARD;

int route_record(const struct routes *routes, struct stage *s, enum verdict verdict, const struct record *r,
                 struct err *e) NODISCARD;
int route_run(const struct routes *routes, struct stage *s, const struct block *b, enum verdict verdict,
              const struct record_run *run, struct err *e) NODISCARD;

struct filter {
    struct expr *expr;
    const struct expr_set *set;
    struct expr_run *run[CREW_THREADS_MAX]; /* of each thread; the first is the stage's */
    struct time_field time;
    struct routes routes;
    bool invert;
    uint64_t passed, passed_bytes;
};

/* Callbacks of the stage. */
int filter_look(void *ctx, unsigned thread, const struct block_origin *from, const char *body,
                struct buf *note) NODISCARD;
int filter_block(void *ctx, struct stage *s, const struct block *b, struct err *e) NODISCARD;
int filter_record(void *ctx, struct stage *s, const struct record *r, struct err *e) NODISCARD;

#endif
