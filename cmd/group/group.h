/* SPDX-License-Identifier: Apache-2.0 */
/* leat group: what its commands share. */
#ifndef LEAT_CMD_GROUP_H
#define LEAT_CMD_GROUP_H

#include "cli/common.h"
#include "log/cursor.h"
#include "log/group.h"
#include "stream/rows.h"

#define NO_PARTITION UINT64_MAX

struct options {
    struct log_options log;
    struct output_options output;
    bool names;         /* list */
    const char *topic;  /* describe, reset, delete */
    uint64_t partition; /* reset; NO_PARTITION: all */
    const char *to;     /* reset */
    int64_t shift;      /* reset; 0: not given */
    bool execute;       /* reset */
};

/* One run of a command. */
struct run {
    const struct options *o;
    const struct arguments *args;
    struct log log;
    struct rows rows;
    int worst; /* grade of what failed and was told, while the rest went on; 0: nothing */
};

/* Say what failed, and go on with the rest: 0, or the grade where that makes no sense. */
int run_failed(struct run *r, int grade, const struct err *e);

/* Call fn for each topic that the group has a position in and that exists, or only for --topic. One that does not exist
 * any more is told. */
typedef int (*topic_fn)(struct run *r, struct group *g, void *ctx, struct err *e);
int each_topic(struct run *r, const char *group, topic_fn fn, void *ctx, struct err *e) NODISCARD;

/* Where a group stands in a partition. */
struct standing {
    struct group_position position;
    bool damaged;        /* the position cannot be read: told */
    uint64_t start, end; /* of the partition */
};
int standing_read(struct run *r, struct group *g, struct cursor *c, struct standing *ret, struct err *e) NODISCARD;

/* Begin a row with it: group, topic, partition and where the group is. */
void standing_put(struct run *r, const struct group *g, uint32_t partition, const struct standing *s);

int command_list(struct run *r, struct err *e) NODISCARD;
int command_describe(struct run *r, struct err *e) NODISCARD;
int command_reset(struct run *r, struct err *e) NODISCARD;
int command_delete(struct run *r, struct err *e) NODISCARD;

#endif
