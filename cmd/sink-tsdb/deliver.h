/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The thread that talks to a server: one batch at a time, sent until it is accepted, found to be refused point by
 * point, or until there is no use in trying any longer. It is started before the tool gives up its rights, as it alone
 * opens sockets. Everything below is for the main thread.
 */
#ifndef LEAT_CMD_SINK_TSDB_DELIVER_H
#define LEAT_CMD_SINK_TSDB_DELIVER_H

#include "batch.h"

struct delivery;

/* All of it must outlive the delivery. `notice` and its ctx are those of dest_config. */
struct delivery_config {
    struct http *http;
    struct encoder *encoder;
    const struct http_request *constant;
    const char *shown; /* the URL, for messages */
    int64_t retry_for_ns;
    void (*notice)(void *ctx, const struct err *what);
    void *ctx;
};

int delivery_start(struct delivery **ret, const struct delivery_config *c, struct err *e) NODISCARD;

/* The request in hand is given up. Takes NULL. */
void delivery_end(struct delivery *d);

/* Only when the one before is done and its outcome was taken. The batch is the thread's own until then. */
void delivery_give(struct delivery *d, struct batch *b);

/* The checkpoint that the next batches follow. Only between two batches. */
int delivery_checkpoint(struct delivery *d, const struct checkpoint *c, struct err *e) NODISCARD;

#define REFUSAL_WORDS 256
struct refusal {
    size_t point; /* of the batch */
    char words[REFUSAL_WORDS];
};

/* What became known since the last call. */
struct outcome {
    uint64_t accepted, retries;
    bool done; /* with the batch: it may be given another */
};

/* `refusals` (struct refusal, cleared first) go to the caller's buffer. Returns 0, or why there is no use in going on:
 * the same from then on. Cheap when there is nothing new. */
int delivery_look(struct delivery *d, struct outcome *ret, struct buf *refusals, struct err *e) NODISCARD;

/* Between a failure and the next answer? */
bool delivery_is_away(struct delivery *d);

/* Until there is something new, at most so long. */
void delivery_wait(struct delivery *d, int64_t timeout_ns);

#endif
