/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory of keyed state: blocks of any size out of chunks, blocks that are given back are used again for blocks of
 * their size class, and everything of an arena goes at once. What all arenas of a tool hold is counted against one
 * budget, so that state ends with an error and not with the out-of-memory killer.
 *
 * Chunks grow from 4 KiB to 1 MiB; a block larger than ARENA_BLOCK_MAX gets memory of its own, which goes back to the
 * system when the block is given back. Blocks are aligned to 8 bytes. Not for several threads at once.
 */
#ifndef LEAT_STATE_ARENA_H
#define LEAT_STATE_ARENA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

/* Shared by all state of a run; bytes. Zeroed: nothing used, no limit. */
struct state_budget {
    size_t used, most; /* most: the peak */
    size_t limit;      /* 0: none */
    bool exhausted;    /* something was refused because of the limit, not by the machine */
};

/* What --max-state says; 0: half of the memory that there is. */
void budget_set_limit(struct state_budget *b, uint64_t bytes);

/* Count n bytes: 0, or G_NOMEM when they are over the limit (then nothing is counted). A NULL budget takes all. */
int budget_take(struct state_budget *b, size_t n) NODISCARD;
void budget_give(struct state_budget *b, size_t n);

/* Count n bytes over the limit, too: for the little that is needed to take state out and give all of it back. */
void budget_force(struct state_budget *b, size_t n);

/* A list of *cap items of `size` bytes, NULL when there are none, made twice as long, *cap with it. NULL: no memory or
 * over the limit; then it is as it was. */
void *budget_grow_list(struct state_budget *b, void *list, size_t *cap, size_t size);

/* "state is over 12 GiB (--max-state)" or no memory: the error for a G_NOMEM out of this library. */
int budget_error(const struct state_budget *b, struct err *e);

/* Size classes: every multiple of 8 up to ARENA_EXACT_MAX, then four for each doubling up to ARENA_BLOCK_MAX. */
enum { ARENA_EXACT_MAX = 1024, ARENA_BLOCK_MAX = 32768, ARENA_CLASSES = ARENA_EXACT_MAX / 8 + 4 * 5 };

struct arena_chunk;
struct arena_large;
struct arena {
    struct state_budget *budget; /* may be NULL */
    struct arena_chunk *chunks;
    struct arena_large *large;
    char *next, *end;          /* zeroed room in the newest chunk */
    void *free[ARENA_CLASSES]; /* blocks given back, by class */
    size_t next_chunk;         /* size of the next chunk */
};

void arena_init(struct arena *a, struct state_budget *budget);
void arena_release(struct arena *a); /* all of its memory; an empty arena remains. Takes a zeroed one */

/* n bytes, zeroed, aligned to 8; NULL: no memory or over the limit. Up to ARENA_EXACT_MAX a block costs its size
 * rounded to 8, beyond that at most a quarter more than its size. */
void *arena_take(struct arena *a, size_t n);
void arena_give(struct arena *a, void *p, size_t n); /* n as it was taken; takes NULL */
/* Move to a larger block, of which the part behind the old content is zeroed: NULL leaves the old one as it is. */
void *arena_grow(struct arena *a, void *p, size_t n, size_t new_n);

/* The same as arena_take, and says that the block will be there until the arena goes. */
static inline void *arena_alloc(struct arena *a, size_t n) {
    return arena_take(a, n);
}

#endif
