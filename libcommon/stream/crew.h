/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Several threads at the blocks of one plentiful input. The crew reads pieces of whole blocks; its threads check each
 * data block and let the tool look at it ahead of its turn; the run loop takes the pieces in their order and finds with
 * each block the note that was made on it. It changes no answer: of every block without a note, the loop knows nothing
 * and does all of it itself.
 *
 * It stands in for reading in an inbuf once that has read CREW_START_BYTES. Nothing waits in it: when the input has
 * nothing for now, what came is worked on and handed over.
 */
#ifndef LEAT_STREAM_CREW_H
#define LEAT_STREAM_CREW_H

#include "stream/block.h"
#include "stream/inbuf.h"

#define CREW_START_BYTES (1u << 20)
#define CREW_THREADS_MAX 4u

struct crew;

struct crew_block {
    const struct block_header *h;
    const char *body;
    const void *tag;
};

struct crew_config {
    void *ctx;
    size_t record_limit;
    /* Look at a data block, whose body is checked and whose JSON is said to be valid, and append a note on it. `thread`
     * is below CREW_THREADS_MAX, and 0 is the caller's own. Below 0: no note. */
    int (*look)(void *ctx, unsigned thread, const struct crew_block *b, struct buf *note);
    /* Any block that was read just now, not checked at all, in the caller's thread and ahead of its turn: what look()
     * shall be given with it. */
    const void *(*tag)(void *ctx, const struct block_header *h, const char *stored);
};

/* NULL where it would not help (one processor) or cannot be had. Takes over `in`. */
struct crew *crew_start(struct inbuf *in, const struct crew_config *config);
void crew_free(struct crew *c); /* gives `in` back; takes NULL */

/* The data block at this position of the input, which was handed over and is not left yet: was it checked, and is it
 * stored as it is? `crew` is a struct crew: it fits struct reader. */
bool crew_checked(const void *crew, uint64_t position);

/* The note on it; false when there is none. */
bool crew_note(const struct crew *c, uint64_t position, const char **ret, size_t *ret_size);

#endif
