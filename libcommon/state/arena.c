/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Blocks out of chunks, free lists by size class, and one budget for all. See arena.h.
 *
 * A chunk comes zeroed from the system, so that a block that was never used before needs no second zeroing. Whether a
 * block has memory of its own is decided by its size alone, because arena_give knows nothing else.
 */
#include "state/arena.h"

#include <stdlib.h>
#include <string.h>

#include "base/number.h"
#include "sys/machine.h"

enum {
    LIST_FIRST = 64,
    CHUNK_MIN = 4096,
    CHUNK_MAX = 1 << 20,
    SYSTEM_OVERHEAD = 16,
    EXACT_CLASSES = ARENA_EXACT_MAX / 8
};

struct arena_chunk {
    struct arena_chunk *before;
    size_t size; /* as counted */
};

/* In front of a block that has memory of its own. */
struct arena_large {
    struct arena_large *before, *after;
    size_t size; /* as counted */
};

/* ---- budget ------------------------------------------------------------------------------------------------------ */

void budget_set_limit(struct state_budget *b, uint64_t bytes) {
    b->limit = bytes ? bytes : (size_t)(machine_memory() / 2);
}

int budget_take(struct state_budget *b, size_t n) {
    if (!b) return 0;
    if (b->limit && (b->used > b->limit || n > b->limit - b->used)) {
        b->exhausted = true;
        return G_NOMEM;
    }
    if (n > SIZE_MAX - b->used) return G_NOMEM;
    budget_force(b, n);
    return 0;
}

void budget_give(struct state_budget *b, size_t n) {
    if (b) b->used -= n;
}

void budget_force(struct state_budget *b, size_t n) {
    if (!b) return;
    b->used += n;
    if (b->used > b->most) b->most = b->used;
}

void *budget_grow_list(struct state_budget *b, void *list, size_t *cap, size_t size) {
    size_t more = *cap ? *cap : LIST_FIRST;
    if (budget_take(b, more * size) < 0) return NULL;
    void *grown = realloc(list, (*cap + more) * size);
    if (grown)
        *cap += more;
    else
        budget_give(b, more * size);
    return grown;
}

int budget_error(const struct state_budget *b, struct err *e) {
    if (!b || !b->exhausted) return err_nomem(e);
    char text[SIZE_TEXT_MAX];
    size_format(text, b->limit);
    return err_set(e, G_NOMEM, "state is over %s (--max-state)", text);
}

/* ---- size classes ------------------------------------------------------------------------------------------------ */

/* The class of the smallest blocks of at least n bytes, 1 <= n <= ARENA_BLOCK_MAX; *ret_size is their size. */
static unsigned class_above(size_t n, size_t *ret_size) {
    if (n <= ARENA_EXACT_MAX) {
        *ret_size = (n + 7) & ~(size_t)7;
        return (unsigned)(*ret_size / 8 - 1);
    }
    unsigned doubling = 63 - (unsigned)__builtin_clzll(n - 1); /* 2^doubling < n <= 2^(doubling + 1) */
    size_t step = (size_t)1 << (doubling - 2);
    size_t quarter = (n - 1 - ((size_t)1 << doubling)) / step; /* 0..3 */
    *ret_size = ((size_t)1 << doubling) + (quarter + 1) * step;
    return (unsigned)(EXACT_CLASSES + 4 * (doubling - 10) + quarter);
}

/* The class of the largest blocks of at most n bytes, n >= 8. */
static unsigned class_below(size_t n, size_t *ret_size) {
    if (n > ARENA_BLOCK_MAX) n = ARENA_BLOCK_MAX;
    unsigned c = class_above(n, ret_size);
    if (*ret_size <= n) return c;
    if (n <= ARENA_EXACT_MAX) {
        *ret_size -= 8;
        return c - 1;
    }
    size_t step = (size_t)1 << (63 - (unsigned)__builtin_clzll(n - 1) - 2);
    *ret_size -= step;
    return c - 1;
}

/* ---- chunks ------------------------------------------------------------------------------------------------------ */

static void free_push(struct arena *a, unsigned class, void *p) {
    memcpy(p, &a->free[class], sizeof a->free[class]);
    a->free[class] = p;
}

/* What is left of a chunk that is too small for the block in hand serves smaller ones. */
static void room_donate(struct arena *a, char *next, const char *end) {
    while (next < end) {
        size_t size;
        unsigned class = class_below((size_t)(end - next), &size);
        free_push(a, class, next);
        next += size;
    }
}

/* A new chunk with room for a block of `size`, which is returned. The larger of the rooms left is kept. */
static void *chunk_add(struct arena *a, size_t size) {
    size_t total = a->next_chunk ? a->next_chunk : CHUNK_MIN;
    while (total - sizeof(struct arena_chunk) - SYSTEM_OVERHEAD < size) total *= 2;
    if (budget_take(a->budget, total) < 0) return NULL;
    struct arena_chunk *c = calloc(1, total - SYSTEM_OVERHEAD);
    if (!c) {
        budget_give(a->budget, total);
        return NULL;
    }
    c->size = total;
    c->before = a->chunks;
    a->chunks = c;
    a->next_chunk = total < CHUNK_MAX ? total * 2 : CHUNK_MAX;

    char *block = (char *)(c + 1), *next = block + size, *end = (char *)c + total - SYSTEM_OVERHEAD;
    if (end - next > a->end - a->next) {
        room_donate(a, a->next, a->end);
        a->next = next;
        a->end = end;
    } else {
        room_donate(a, next, end);
    }
    return block;
}

/* ---- blocks with memory of their own ----------------------------------------------------------------------------- */

/* The size of the whole, header included, or 0 when that is not a size. */
static size_t large_size(size_t n) {
    if (n > PTRDIFF_MAX - sizeof(struct arena_large) - 16) return 0;
    return sizeof(struct arena_large) + ((n + 7) & ~(size_t)7) + SYSTEM_OVERHEAD;
}

static void large_link(struct arena *a, struct arena_large *l) {
    if (l->before)
        l->before->after = l;
    else
        a->large = l;
    if (l->after) l->after->before = l;
}

static void *large_take(struct arena *a, size_t n) {
    size_t size = large_size(n);
    if (!size || budget_take(a->budget, size) < 0) return NULL;
    struct arena_large *l = calloc(1, size - SYSTEM_OVERHEAD);
    if (!l) {
        budget_give(a->budget, size);
        return NULL;
    }
    l->size = size;
    l->after = a->large;
    large_link(a, l);
    return l + 1;
}

static void large_give(struct arena *a, void *p) {
    struct arena_large *l = (struct arena_large *)p - 1;
    if (l->before)
        l->before->after = l->after;
    else
        a->large = l->after;
    if (l->after) l->after->before = l->before;
    budget_give(a->budget, l->size);
    free(l);
}

static void *large_grow(struct arena *a, void *p, size_t n, size_t new_n) {
    struct arena_large *l = (struct arena_large *)p - 1;
    size_t old = l->size, size = large_size(new_n);
    if (!size || budget_take(a->budget, size - old) < 0) return NULL;
    l = realloc(l, size - SYSTEM_OVERHEAD);
    if (!l) {
        budget_give(a->budget, size - old);
        return NULL;
    }
    l->size = size;
    large_link(a, l);
    char *block = (char *)(l + 1);
    memset(block + n, 0, new_n - n);
    return block;
}

/* ---- the arena --------------------------------------------------------------------------------------------------- */

void arena_init(struct arena *a, struct state_budget *budget) {
    *a = (struct arena){.budget = budget, .next_chunk = CHUNK_MIN};
}

void arena_release(struct arena *a) {
    size_t given = 0;
    for (struct arena_chunk *c = a->chunks, *before; c; c = before) {
        before = c->before;
        given += c->size;
        free(c);
    }
    for (struct arena_large *l = a->large, *after; l; l = after) {
        after = l->after;
        given += l->size;
        free(l);
    }
    budget_give(a->budget, given);
    arena_init(a, a->budget);
}

void *arena_take(struct arena *a, size_t n) {
    if (n > ARENA_BLOCK_MAX) return large_take(a, n);
    size_t size;
    unsigned class = class_above(n ? n : 1, &size);
    char *p = a->free[class];
    if (p) {
        memcpy(&a->free[class], p, sizeof a->free[class]);
        return memset(p, 0, size);
    }
    if ((size_t)(a->end - a->next) < size) return chunk_add(a, size);
    p = a->next;
    a->next += size;
    return p;
}

void arena_give(struct arena *a, void *p, size_t n) {
    if (!p) return;
    if (n > ARENA_BLOCK_MAX) {
        large_give(a, p);
        return;
    }
    size_t size;
    unsigned class = class_above(n ? n : 1, &size);
    free_push(a, class, p);
}

void *arena_grow(struct arena *a, void *p, size_t n, size_t new_n) {
    if (!p) return arena_take(a, new_n);
    if (n > ARENA_BLOCK_MAX) return large_grow(a, p, n, new_n);
    if (new_n <= ARENA_BLOCK_MAX) {
        size_t size, new_size;
        class_above(n ? n : 1, &size);
        class_above(new_n ? new_n : 1, &new_size);
        if (size == new_size) return p; /* which was zeroed up to there when it was taken */
    }
    void *to = arena_take(a, new_n);
    if (!to) return NULL;
    memcpy(to, p, n);
    arena_give(a, p, n);
    return to;
}
