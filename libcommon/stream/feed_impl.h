/* SPDX-License-Identifier: Apache-2.0 */
/* What the parts of feeds share: the queue (feed.c), the threads that read (feed_read.c), the processes that read
 * topics (feed_topic.c). Everybody else includes feed.h. */
#ifndef LEAT_STREAM_FEED_IMPL_H
#define LEAT_STREAM_FEED_IMPL_H

#include <pthread.h>
#include <sys/types.h>

#include "stream/feed.h"

struct feed {
    struct feeds *all;
    size_t index;
    const char *operand, *name; /* as it was given, and for messages */
    pthread_t thread;
    bool running;
    /* What is read. */
    int fd;      /* of a topic; else opened by the thread */
    pid_t child; /* leat-consume, or 0 */
    bool topic, special;
    /* The queue, under the lock of all: first what is in memory, then what is in the file. */
    struct feed_item *first, *last;
    size_t bytes;
    struct spill spill;
    bool ended, end_taken;
    bool enough;  /* nobody takes anything any more */
    bool waiting; /* the thread waits for room */
    int end_grade;
    struct err end_why;
};

struct feeds {
    struct feeds_config config;
    struct feed *feed;
    size_t count;
    size_t queue_bytes;
    struct spill_budget budget;
    pthread_mutex_t lock;
    pthread_cond_t changed; /* for threads: there is room, the main thread waits, or all is over */
    bool stop;
    struct feed_set wanted; /* what the main thread waits for */
    int64_t waits_since_ns; /* the main thread waits since then, 0: it does not; CLOCK_MONOTONIC */
    uint32_t news;          /* a futex: the main thread sleeps on it */
    int wake;               /* an eventfd, readable when all is over: threads poll it beside their input */
};

/* Queue an item, which is the feed's from then on; waits or spills when there is no room. G_STOPPED when all is over;
 * G_IO when it cannot be spilled. */
int feed_put(struct feed *f, struct feed_item *item, struct err *e) NODISCARD;

/* There is something of this feed: under the lock. */
void feed_tell_main(struct feed *f);

/* The body has `size` bytes and FEED_SLACK zeroed ones behind it; `lines` of so many records, 0: none. With `why`, room
 * for words. NULL: no memory. */
enum { FEED_SLACK = 64 };
struct feed_item *feed_item_new(enum feed_kind kind, size_t size, size_t lines, bool why);

void *feed_read_thread(void *feed);

/* leat-consume for f->operand: sets child and fd. */
int feed_topic_start(struct feed *f, struct err *e) NODISCARD;
/* Its end: 0 when it is content, else what its exit code stands for. Once. */
int feed_topic_finish(struct feed *f, struct err *e) NODISCARD;
void feed_topic_stop(struct feed *f); /* end it, whatever it does */

#endif
