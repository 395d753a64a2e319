/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bytes that do not fit in memory for now: appended at the end, read from the front, in an unlinked temporary file that
 * nobody else sees and that is gone with the process. Feeds spill what comes while the main thread waits for another
 * of them, `tee` what a slow reader has not taken. Space that was read is given back: holes are punched into the front
 * of the file, and an empty one begins anew.
 *
 * One thread at a time: the caller locks. A budget may be shared by several threads' spills.
 */
#ifndef LEAT_STREAM_SPILL_H
#define LEAT_STREAM_SPILL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

#define SPILL_LIMIT_DEFAULT (10ull << 30) /* of --spill-limit */

/* What all spills of a run may take on disk together. */
struct spill_budget {
    uint64_t limit;        /* bytes; 0: nothing may be spilled */
    _Atomic uint64_t used; /* bytes */
    _Atomic uint64_t most; /* the largest `used` was */
};

struct spill {
    struct spill_budget *budget;
    const char *name;    /* whose bytes they are, for messages; belongs to the caller */
    int fd;              /* -1: no file yet */
    int errnum;          /* why spill_open could not make one */
    uint64_t head, tail; /* positions in the file of the first byte that is not read and of the next to be written */
    uint64_t punched;    /* bytes at the file's beginning that take no space any more */
    uint64_t total;      /* bytes ever appended */
};

/* No file is made yet. */
void spill_init(struct spill *s, struct spill_budget *budget, const char *name);
void spill_release(struct spill *s); /* gives its share of the budget back; takes NULL */

/* Make the file now, in $TMPDIR or /tmp: for tools that close the door behind them (sandbox.h). That it cannot be made
 * is told by the first spill_append only. */
void spill_open(struct spill *s);

/* All n bytes at the end. G_IO, and nothing was appended: the file cannot be made or written, or the budget is used up
 * ("'NAME': what waits is more than --spill-limit …"). */
int spill_append(struct spill *s, const void *p, size_t n, struct err *e) NODISCARD;

/* The first n bytes, which are gone then; spill_peek leaves them. There must be as many: G_BUG. */
int spill_read(struct spill *s, void *p, size_t n, struct err *e) NODISCARD;
int spill_peek(struct spill *s, void *p, size_t n, struct err *e) NODISCARD;
void spill_skip(struct spill *s, size_t n); /* after spill_peek: at most what is there */

static inline uint64_t spill_size(const struct spill *s) {
    return s->tail - s->head;
}

#endif
