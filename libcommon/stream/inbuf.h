/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Buffered bytes of one input: the one place where tools read. Both the block reader and the text readers look at
 * data[at..len) and say how much they need; memory grows with the bytes that really arrive, never with a length that
 * somebody claims.
 */
#ifndef LEAT_STREAM_INBUF_H
#define LEAT_STREAM_INBUF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

#define INBUF_READ_BYTES (1u << 20)
#define INBUF_HEAD_BYTES (INBUF_READ_BYTES / 4)

struct inbuf {
    int fd;
    const char *name; /* for messages; belongs to the caller */
    char *data;
    size_t at, len, cap;
    uint64_t position; /* of data[0] in the input */
    bool eof;          /* the last read returned 0 */
    bool follow;       /* an end of file is not an end: see inbuf_more */
    bool regular;      /* a file: no read waits */
    bool steady;       /* a file or a pipe: an end or an error comes again when asked again */
    char *next;        /* inbuf_prefetch: another buffer; what was read lies INBUF_HEAD_BYTES behind its beginning */
    size_t next_len, next_cap;
    /* Called before a read that would wait, with nothing of the input in use: whatever is held back is shown first. It
     * may wait itself. A negative result is inbuf_more's. NULL: none. */
    int (*before_wait)(void *ctx, struct inbuf *in, struct err *e);
    void *before_wait_ctx;
    /* Somebody else reads (crew.h): inbuf_more asks him. NULL: nobody. */
    int (*more)(void *ctx, struct inbuf *in, struct err *e);
    void *more_ctx;
};

int inbuf_init(struct inbuf *in, int fd, const char *name, struct err *e) NODISCARD;
void inbuf_release(struct inbuf *in); /* does not close fd; takes NULL and half-built ones */

/* One read of what fits, making room first. 0: there is more than before; G_EOF: the input is at its end (with
 * `follow` it may grow again: call later); G_IO; G_STOPPED when a signal asked to stop while waiting; G_NOMEM.
 * Pointers into data are invalid afterwards. */
int inbuf_more(struct inbuf *in, struct err *e) NODISCARD;

/* n bytes behind those that are there: for `more`. */
int inbuf_append(struct inbuf *in, const void *p, size_t n, struct err *e) NODISCARD;

/* Read what comes behind data[..len) into a second buffer, if that needs no waiting: the next inbuf_more takes it from
 * there. Returns true when there is something, at in->next + INBUF_HEAD_BYTES, for others to look at meanwhile. */
bool inbuf_prefetch(struct inbuf *in);

/* Will inbuf_more switch to the second buffer? Then neither the bytes in it nor those used of this one move; else
 * anything may. */
static inline bool inbuf_switches(const struct inbuf *in) {
    return in->next_len > 0 && in->len - in->at <= INBUF_HEAD_BYTES;
}

/* At least `want` bytes at `at`. 0, or what inbuf_more said when it could not be reached. */
int inbuf_need(struct inbuf *in, size_t want, struct err *e) NODISCARD;

/* Would inbuf_more have to wait? */
bool inbuf_would_block(const struct inbuf *in);

static inline size_t inbuf_left(const struct inbuf *in) {
    return in->len - in->at;
}
static inline const char *inbuf_here(const struct inbuf *in) {
    return in->data + in->at;
}
/* Position in the input of the next byte to be used. */
static inline uint64_t inbuf_position(const struct inbuf *in) {
    return in->position + in->at;
}

#endif
