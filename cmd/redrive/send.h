/* SPDX-License-Identifier: Apache-2.0 */
/* One run of `leat redrive`: its options, what it has open, and what it does with each letter (send.c). */
#ifndef LEAT_CMD_REDRIVE_SEND_H
#define LEAT_CMD_REDRIVE_SEND_H

#include "cli/common.h"
#include "cli/expr_options.h"
#include "cli/progress.h"
#include "redrive.h"

#define NO_PARTITION UINT64_MAX

struct options {
    struct repair_options repair;
    const char *offset, *edited, *to;
    uint64_t partition; /* NO_PARTITION: all */
    uint64_t limit;     /* UINT64_MAX: all */
    bool done, execute, forget, exit_status;
    struct option_choice on_error; /* at 0 or 1: stop, 2: skip */
    struct expr_options expr;
    struct output_options output;
    struct log_options log;
    struct stats_options stats;
};

struct redriver {
    const struct options *o;
    struct log log;
    struct topic topic;
    struct letters from;
    struct offset_range_spec range;
    struct redrive *redrive;
    struct edited edited;
    struct repair repair;
    struct kinds kinds;
    struct output_config out;
    bool shows_letters; /* `output` is in use, else `rows` */
    struct output output;
    struct rows rows;
    struct progress progress;
    uint64_t wanted, stay;
};

/* All letters. G_DATA: the first one that cannot be sent, when that is to stop the run; those before it are sent. */
int redriver_run(struct redriver *d, struct err *e) NODISCARD;

#endif
