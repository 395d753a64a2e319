/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Consumer groups: positions that survive, and partitions shared among members through locks that the kernel holds for
 * them. leat-log(5), sections "Positions" and "Leases". There is no coordinator: each member works out the same shares
 * from the same locks.
 */
#ifndef LEAT_LOG_GROUP_H
#define LEAT_LOG_GROUP_H

#include "log/topic.h"

#define GROUP_MEMBERS_MAX 4096

struct group_position {
    bool known; /* a commit was found */
    uint64_t offset;
    uint32_t epoch;
    int64_t committed_ns;
};

/* A group's view of one topic. */
struct group {
    char name[TOPIC_NAME_MAX + 1];
    struct topic *topic;
    int dir; /* of the group */
    int positions_fd;
    int leases_fd;
    bool read_only;
    int place;     /* ours among the members, -1: not a member */
    uint8_t *held; /* a byte for each partition: do we hold its lease? */
};

/* `join` false only looks at positions (and creates nothing: G_ABSENT when the group does not know the topic). */
int group_open(struct group *g, const struct log *log, const char *name, struct topic *t, bool join,
               struct err *e) NODISCARD;
void group_close(struct group *g); /* a member leaves: its leases are free at once */

/* G_CORRUPT when both slots are damaged. */
int group_read(const struct group *g, uint32_t partition, struct group_position *ret, struct err *e) NODISCARD;

/* Write a position; group_sync makes all that were written durable. */
int group_write(struct group *g, uint32_t partition, uint64_t offset, uint32_t epoch, struct err *e) NODISCARD;
int group_sync(struct group *g, struct err *e) NODISCARD;

/* Make room for partitions that the topic got since: it had `before` of them. */
int group_grow(struct group *g, uint32_t before, struct err *e) NODISCARD;

/* How this member stands. After a change in the membership some of what it holds may belong to others. */
struct group_share {
    uint32_t members; /* alive now, this one included */
    uint32_t rank;    /* ours among them, from 0 */
};
int group_share(const struct group *g, struct group_share *ret, struct err *e) NODISCARD;
static inline bool group_owns(const struct group_share *s, uint32_t partition) {
    return partition % s->members == s->rank;
}

/* Take the lease of a partition: 0 taken, 1 somebody still has it. */
int group_lease(struct group *g, uint32_t partition, struct err *e) NODISCARD;
void group_release_lease(struct group *g, uint32_t partition);

/* How many are alive in this group on this topic, and is a partition's lease held? Our own locks do not count. */
uint32_t group_members(const struct group *g);
bool group_lease_held(const struct group *g, uint32_t partition);

/* Names of groups, or of the topics that a group knows; free with topic_list_free. */
int group_list(const struct log *log, char ***ret_names, size_t *ret_count, struct err *e) NODISCARD;
int group_topics(const struct log *log, const char *group, char ***ret_names, size_t *ret_count,
                 struct err *e) NODISCARD;

/* Forget a group, or what it knows of one topic. G_USAGE while it has members: then nothing was changed. */
int group_delete(const struct log *log, const char *group, const char *topic, struct err *e) NODISCARD;

#endif
