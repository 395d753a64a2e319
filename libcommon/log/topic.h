/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The root of a log, topic names, and a topic's identity and settings: leat-log(5), sections "Topic file" and
 * "Wake-up page". What lies inside a partition is in partition.h.
 */
#ifndef LEAT_LOG_TOPIC_H
#define LEAT_LOG_TOPIC_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

#define TOPIC_NAME_MAX 249
#define TOPIC_PARTITIONS_MAX 4096

/* An open log directory. */
struct log {
    int root, topics, groups; /* directory descriptors */
    char *path;               /* for messages */
};
#define LOG_CLOSED ((struct log){.root = -1, .topics = -1, .groups = -1}) /* what log_close takes and leaves */

/* path NULL: $LEAT_DIR, else $XDG_DATA_HOME/leat, else ~/.local/share/leat. `force` accepts a file system whose locks
 * or syncs cannot be relied on. Without `create`, G_ABSENT when there is no log. */
int log_open(struct log *log, const char *path, bool create, bool force, struct err *e) NODISCARD;
void log_close(struct log *log);

/* [A-Za-z0-9._-]{1,249}, not "." or "..". Groups follow the same rule. 0 or G_USAGE. */
int topic_name_check(const char *name, struct err *e) NODISCARD;

enum sync_mode { SYNC_BATCH, SYNC_INTERVAL, SYNC_NONE };
struct sync_policy {
    enum sync_mode mode;
    int64_t interval_ns; /* SYNC_INTERVAL */
};
/* "batch", "interval=200ms", "none". G_USAGE. */
int sync_policy_parse(const char *text, struct sync_policy *ret, struct err *e) NODISCARD;
enum { SYNC_TEXT_MAX = 64 };
void sync_policy_format(const struct sync_policy *s, char out[SYNC_TEXT_MAX]);

struct topic_settings {
    uint64_t segment_size;       /* bytes */
    int64_t retention_age;       /* ns, 0 never */
    uint64_t retention_size;     /* bytes of a partition, 0 never */
    int64_t tombstone_retention; /* ns */
    bool compact;
    bool zstd; /* codec of sealed segments */
    struct sync_policy sync;
    uint64_t max_record; /* bytes */
};
extern const struct topic_settings topic_settings_default;

/* One "name=value", as `topic create --set` and `alter --set` take it. G_USAGE names what is allowed. */
int topic_setting_parse(struct topic_settings *s, const char *assignment, struct err *e) NODISCARD;

/* Call fn with each setting's name and its value as text, in the order of leat-log(5). */
void topic_settings_each(const struct topic_settings *s, void (*fn)(void *ctx, const char *name, const char *value),
                         void *ctx);

struct topic {
    const struct log *log;
    char name[TOPIC_NAME_MAX + 1];
    int dir;
    uint64_t id;
    uint32_t partitions;
    int64_t created_ns;
    struct topic_settings settings;
    uint32_t *wake; /* the wake-up word, mapped */
    bool wake_writable;
    bool path_synced;  /* by this process: the directories from the root to the partitions */
    uint64_t seen_ino; /* of the topic file that topic_refresh read last, and when that was written */
    int64_t seen_ns;
};

/* G_ABSENT when there is no such topic. */
int topic_open(struct topic *t, const struct log *log, const char *name, struct err *e) NODISCARD;
void topic_close(struct topic *t); /* takes a zeroed one */

/* Have partitions been added since? 1: t->partitions has grown; 0. Settings stay as they were when the topic was
 * opened. Costs one look at the file unless somebody altered the topic. */
int topic_refresh(struct topic *t, struct err *e) NODISCARD;

/* For verify and repair: identity and settings from this file of t->dir, and back into topic.json. */
int topic_read_file(struct topic *t, const char *file, struct err *e) NODISCARD;
int topic_write_file(const struct topic *t, struct err *e) NODISCARD;

/* Make a topic in one step. G_USAGE when it is there already (1 with `or_open`: somebody else was faster, all is well).
 */
int topic_create(const struct log *log, const char *name, uint32_t partitions, const struct topic_settings *settings,
                 bool or_open, struct err *e) NODISCARD;

/* Write changed settings or a larger number of partitions. G_IO when somebody else changed it since topic_open. */
int topic_alter(struct topic *t, uint32_t partitions, const struct topic_settings *settings, struct err *e) NODISCARD;

/* Remove a topic: it is renamed away first, which is the commit point. G_ABSENT when somebody else did so meanwhile. */
int topic_delete(struct topic *t, struct err *e) NODISCARD;

/* Names of all topics, sorted; free each and the array. Glob patterns: `*`, `?`, `[…]` (NULL: all). */
int topic_list(const struct log *log, const char *pattern, char ***ret_names, size_t *ret_count,
               struct err *e) NODISCARD;
void topic_list_free(char **names, size_t count);

/* The same for any directory: what its names are without `suffix` (NULL: whole names), where the rule for topics allows
 * them. */
int topic_names_in(int dir, const char *suffix, const char *pattern, char ***ret_names, size_t *ret_count,
                   struct err *e) NODISCARD;

/* Tell sleepers that something changed. */
void topic_wake(const struct topic *t);

/* The partition's directory; `create` makes one that a crash left out. */
int topic_partition_dir(const struct topic *t, uint32_t partition, bool create, struct err *e) NODISCARD;

#endif
