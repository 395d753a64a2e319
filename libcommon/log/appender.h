/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Records into a topic: batches by partition, Kafka's partitioner, group commit. What `produce`, dead letters and other
 * tools that write to a topic have in common.
 *
 * Records gather in blocks; a full batch is appended at once, and appender_sync makes everything that was put durable
 * and visible. Call it before waiting for more input.
 */
#ifndef LEAT_LOG_APPENDER_H
#define LEAT_LOG_APPENDER_H

#include "log/partition.h"
#include "stream/sink.h"

struct appender_config {
    struct sync_policy sync;
    int64_t partition; /* -1: by key, or in turn for records without one */
    bool validated;    /* every JSON value that is put was checked */
    /* Told of each record, in order of its partition, once it is as durable as the policy says. May be NULL. */
    int (*acked)(void *ctx, const char *topic, uint32_t partition, uint64_t offset, struct err *e);
    void (*notice)(void *ctx, const char *text);
    void *ctx;
};

struct appender;

int appender_open(struct appender **ret, struct topic *t, const struct appender_config *config,
                  struct err *e) NODISCARD;
void appender_free(struct appender *a); /* what was not synced may be lost */

/* G_DATA when the topic cannot hold the record. */
int appender_put(struct appender *a, const struct record *r, struct err *e) NODISCARD;

/* Append and, unless the policy is none, sync everything. With an interval, only when it has passed, or `now`. */
int appender_sync(struct appender *a, bool now, struct err *e) NODISCARD;

/* Nanoseconds until the interval asks for a sync; -1: nothing is waiting. */
int64_t appender_due_ns(const struct appender *a);

/* A sink that is a topic: opened, created with one partition if it is not there, closed with it. */
int sink_open_topic(struct sink **ret, const struct log *log, const char *topic, struct err *e) NODISCARD;

#endif
