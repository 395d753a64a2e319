/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A relay carries bytes to a reader that may be slow, absent or gone, without ever waiting for him alone: to a pipe, a
 * FIFO that is opened once somebody reads it, a terminal, a socket or a device. What he does not take at once is kept,
 * in memory up to RELAY_QUEUE_BYTES and then as the policy says; one poll serves all relays of a run. `tee` has one for
 * each such destination.
 *
 *     relay_open_fd | relay_open_path → relay_put …, relays_pump while one is full and before waiting → relays_finish
 *
 * A reader who left and a write that failed are the relay's own end, in its `state`, and no error of the caller's:
 * what is put later goes nowhere. Bytes come out in the order in which they were put.
 */
#ifndef LEAT_STREAM_RELAY_H
#define LEAT_STREAM_RELAY_H

#include "base/buf.h"
#include "stream/spill.h"

#define RELAY_QUEUE_BYTES (4u << 20) /* in memory, for each relay; what is put in one piece may exceed it */

/* What to do when more waits than that. The relay itself spills; the other two are up to its caller, who asks
 * relay_full and makes room by relays_pump, or leaves something out. */
enum relay_slow { RELAY_BLOCK, RELAY_SPILL, RELAY_DROP };

enum relay_state {
    RELAY_OPEN,
    RELAY_GONE,   /* the reader went away */
    RELAY_FAILED, /* a write failed, or what waits can be held no longer */
    RELAY_CLOSED  /* all was written and the end was told */
};

struct relay {
    const char *name; /* for messages; belongs to the caller */
    const char *fifo; /* has to be opened still; belongs to the caller. NULL: `fd` is open */
    int fd;           /* -1: not open */
    int lent;         /* the caller's descriptor that `fd` stands for, closed when all was written; -1: none */
    size_t piece;     /* at most so much in a write; PIPE_BUF, behind a poll, where a larger one could wait */
    bool pipe;        /* it can be seen that a reader leaves */
    enum relay_slow slow;
    enum relay_state state;
    struct err why;   /* RELAY_GONE, RELAY_FAILED */
    struct buf queue; /* [at, len) waits, in front of what is spilled */
    size_t at;
    struct spill spill;
    int64_t next_try_ns; /* of opening the FIFO */
    int64_t try_every_ns;
    uint64_t written; /* bytes that the system has taken */
};

/* For an open descriptor, as standard output. Flags of the descriptor, which others may share, stay as they are: a
 * description of our own is opened for the same pipe or terminal where the system lets us. `budget` is for RELAY_SPILL
 * and may be shared. */
void relay_open_fd(struct relay *r, int fd, const char *name, enum relay_slow slow, struct spill_budget *budget);

/* For what is there by this name and is no regular file. A FIFO is opened now if it has a reader, else as soon as it
 * has one. */
int relay_open_path(struct relay *r, const char *path, enum relay_slow slow, struct spill_budget *budget,
                    struct err *e) NODISCARD;

/* Frees it and closes what is open; what waits is lost. Takes NULL and a zeroed one. */
void relay_release(struct relay *r);

/* n bytes behind those before; as much as goes without waiting is written at once. Fails for want of memory only. */
int relay_put(struct relay *r, const void *p, size_t n, struct err *e) NODISCARD;

/* Bytes that wait. */
static inline uint64_t relay_waiting(const struct relay *r) {
    return r->queue.len - r->at + spill_size(&r->spill);
}

/* Has it more than enough? A relay that spills is never full. */
static inline bool relay_full(const struct relay *r) {
    return r->state == RELAY_OPEN && r->slow != RELAY_SPILL && r->queue.len - r->at >= RELAY_QUEUE_BYTES;
}

/* Wait until one of the n relays got on, its reader came or left, or `fd` (-1: none) has something to read, for
 * timeout_ms at most (-1: a while, so that a caller looks around; 0 only does what goes at once). 1 when `fd` can be
 * read; else 0; G_STOPPED when a signal asked to stop. */
int relays_pump(struct relay *const *r, size_t n, int fd, int timeout_ms, struct err *e) NODISCARD;

/* Hand over all that waits, for as long as their readers take, and close each as soon as it has all: a FIFO without a
 * reader is waited for, but when the run has `failed` no longer than RELAY_GRACE_MS: its reader may have come, seen
 * another input fail, and gone. Once a signal asked to stop, readers that take nothing for RELAY_GRACE_MS are given up:
 * G_STOPPED. */
#define RELAY_GRACE_MS 1000
int relays_finish(struct relay *const *r, size_t n, bool failed, struct err *e) NODISCARD;

#endif
