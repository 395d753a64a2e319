/* SPDX-License-Identifier: Apache-2.0 */
/* leat topic: what its commands share. Each command is a function in a file of its kind. */
#ifndef LEAT_CMD_TOPIC_H
#define LEAT_CMD_TOPIC_H

#include <jansson.h>

#include "cli/common.h"
#include "log/topic.h"

struct options {
    struct log_options log;
    bool json;
    /* create, alter */
    uint64_t partitions;
    struct option_list set;
    bool if_not_exists;
    /* list */
    bool names;
    /* delete, repair */
    bool dry_run;
    /* trim */
    const char *before;
    bool execute;
    /* verify, repair, dump */
    struct option_list only; /* -p */
    bool check_json, accept_loss, records;
    /* export, import */
    const char *offset;
    struct option_choice format; /* in the order of enum archive_format, from 1 */
    uint64_t max_size;
    struct stats_options stats;
};

/* One run of a command. */
struct run {
    const struct options *o;
    const struct arguments *args;
    struct log log;
    struct err no_log; /* why there is no log, for a dump of files, which needs none */
    struct buf out;
    int worst; /* exit code so far: a topic that failed does not keep the others from their turn */
};

/* Write out what there is, when it is much or `now`. */
int run_flush(struct run *r, bool now, struct err *e) NODISCARD;

/* One JSON value as a line; takes the reference. */
int run_json(struct run *r, json_t *o, struct err *e) NODISCARD;

/* Say that something failed, and go on. */
void run_failed(struct run *r, int grade, const struct err *e);

/* Call fn for each topic that the operands name or match (all when there are none). A topic that cannot be opened, or
 * for which fn fails, is told and the next one follows; G_PIPE, G_STOPPED and G_NOMEM end it. */
typedef int (*topic_fn)(struct run *r, struct topic *t, struct err *e);
int each_topic(struct run *r, topic_fn fn, struct err *e) NODISCARD;

/* Call fn for each partition that -p names, or all. */
typedef int (*partition_fn)(struct run *r, struct topic *t, uint32_t partition, void *ctx, struct err *e);
int each_partition(struct run *r, struct topic *t, partition_fn fn, void *ctx, struct err *e) NODISCARD;

/* The names that the operands stand for; free with topic_list_free. */
int named_topics(struct run *r, char ***ret_names, size_t *ret_count, struct err *e) NODISCARD;

int command_create(struct run *r, struct err *e) NODISCARD;
int command_alter(struct run *r, struct err *e) NODISCARD;
int command_delete(struct run *r, struct err *e) NODISCARD;
int command_list(struct run *r, struct err *e) NODISCARD;
int command_describe(struct run *r, struct err *e) NODISCARD;
int command_trim(struct run *r, struct err *e) NODISCARD;
int command_compact(struct run *r, struct err *e) NODISCARD;
int command_verify(struct run *r, struct err *e) NODISCARD;
int command_repair(struct run *r, struct err *e) NODISCARD;
int command_dump(struct run *r, struct err *e) NODISCARD;
int command_export(struct run *r, struct err *e) NODISCARD;
int command_import(struct run *r, struct err *e) NODISCARD;

#endif
