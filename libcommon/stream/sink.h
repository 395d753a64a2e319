/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A place that takes whole records beside the main output: a file, a FIFO or a topic. Dead letters go to one; so do the
 * copies that other tools make. The topic kind lives in log/, behind this table, as stream/ does not know logs.
 */
#ifndef LEAT_STREAM_SINK_H
#define LEAT_STREAM_SINK_H

#include "stream/block.h"

struct sink {
    const struct sink_ops *ops;
    const char *name; /* for messages; belongs to whoever opened it */
};

struct sink_ops {
    /* `like` as writer_record has it. */
    int (*put)(struct sink *s, const struct block_header *like, const struct record *r, struct err *e);
    /* Everything put so far is safe afterwards: written, for a topic durable. */
    int (*flush)(struct sink *s, struct err *e);
    /* Ends and frees it, flushed or not. */
    int (*close)(struct sink *s, struct err *e);
};

/* A file (appended to, so that several runs can use one) or FIFO of blocks. G_CORRUPT: the file holds something else,
 * or ends inside a block. */
int sink_open_file(struct sink **ret, const char *path, struct err *e) NODISCARD;

static inline int sink_put(struct sink *s, const struct block_header *like, const struct record *r, struct err *e) {
    return s->ops->put(s, like, r, e);
}
static inline int sink_flush(struct sink *s, struct err *e) {
    return s->ops->flush(s, e);
}
static inline int sink_close(struct sink *s, struct err *e) {
    return s ? s->ops->close(s, e) : 0;
}

/* Close it behind a run that came to `g`: the first error is the one that counts. NULL is no sink. */
static inline int sink_finish(struct sink *s, int g, struct err *e) {
    struct err late;
    int closed = sink_close(s, g < 0 ? &late : e);
    return g < 0 ? g : closed;
}

#endif
