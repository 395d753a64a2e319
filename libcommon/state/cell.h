/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What aggregates do with the values they are given (struct cell): whether two are equal, their hash, jq's order, a
 * copy in the arena, a value in the heap, and bytes for snapshots.
 *
 * Equal are numbers that are the same number (1 and 1.0; NaN is one value) and texts that are the same bytes: they are
 * canonical. The hash is SipHash-2-4 with a fixed key, so that a sketch is the same in every run.
 */
#ifndef LEAT_STATE_CELL_H
#define LEAT_STATE_CELL_H

#include "state/aggregate.h"

/* Numbers in one form: a double that is a whole number of 64 bits becomes that, and every NaN the same one. What
 * follows takes cells in that form. */
struct cell cell_normal(const struct cell *c);

uint64_t cell_hash(const struct cell *c);

/* Below 0, 0, above 0 by jq's order. Arrays and objects are read for it, which can run out of memory: then *rc, which
 * is left alone otherwise, becomes G_NOMEM, and the order means nothing. */
int cell_compare(const struct cell *a, const struct cell *b, int *rc);

/* As a value in the heap: texts are copied. */
int cell_value(const struct cell *c, struct heap *h, struct value *ret) NODISCARD;

/* A cell that stays: texts of up to eight bytes lie in it, longer ones in the arena. */
struct kept {
    uint32_t type; /* CELL_INT, CELL_DOUBLE, CELL_TEXT */
    uint32_t n;
    union {
        int64_t i;
        double d;
        char *text;
        char inside[8]; /* n <= 8 */
    };
};

int kept_set(struct kept *k, struct arena *arena, const struct cell *c) NODISCARD; /* G_NOMEM */
void kept_drop(struct kept *k, struct arena *arena);

/* A view, for as long as the kept cell stays where it is. */
static inline struct cell kept_cell(const struct kept *k) {
    if (k->type != CELL_TEXT) return (struct cell){.type = k->type, .i = k->i};
    return (struct cell){.type = CELL_TEXT, .n = k->n, .text = k->n <= sizeof k->inside ? k->inside : k->text};
}

static inline bool kept_equal(const struct kept *k, const struct cell *c) {
    if (k->type != c->type) return false;
    if (c->type == CELL_INT) return k->i == c->i;
    if (c->type == CELL_DOUBLE) return memcmp(&k->d, &c->d, sizeof c->d) == 0;
    return k->n == c->n && memcmp(k->n <= sizeof k->inside ? k->inside : k->text, c->text, c->n) == 0;
}

/*
 * Saved: a byte, 1 (integer: eight bytes), 2 (double: eight bytes) or 3 (text: its length in seven bit groups, then its
 * bytes). The cell that was read points into what was read; false: corrupt.
 */
int cell_save(const struct cell *c, struct buf *out) NODISCARD;
bool cell_load(struct cell *ret, const char **p, const char *end) NODISCARD;

#endif
