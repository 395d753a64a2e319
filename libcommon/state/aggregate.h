/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Aggregate functions: what `window` computes over the records of a group. Each is a fixed number of bytes in a table's
 * value (all zero is empty), what grows lies in the arena, and two of them merge, so that windows are put together from
 * parts.
 *
 * The result depends on the records and their times and not on the order in which they came or in which parts were
 * merged, to the last bit: sums are exact and rounded once, `first`, `last` and `collect` go by event time and then by
 * value, sketches are functions of the set or multiset. The one exception is `topk` once it has seen more different
 * values than it has places (leat-window(1) says how many): aggregate_needs_order.
 */
#ifndef LEAT_STATE_AGGREGATE_H
#define LEAT_STATE_AGGREGATE_H

#include "base/buf.h"
#include "expr/heap.h"
#include "state/arena.h"

/* A result of an argument expression, as the function takes it. */
enum cell_type { CELL_NONE, CELL_INT, CELL_DOUBLE, CELL_FALSE, CELL_TRUE, CELL_TEXT };
struct cell {
    uint32_t type;
    uint32_t n; /* CELL_TEXT: bytes */
    union {
        int64_t i;
        double d;
        const char *text; /* canonical JSON text (value_write_canonical with sorted names), not a number's */
    };
};

enum aggregate_input {
    INPUT_NONE,   /* has no argument */
    INPUT_TRUTH,  /* CELL_TRUE or CELL_FALSE: is the result neither false nor null? */
    INPUT_NUMBER, /* CELL_INT, CELL_DOUBLE; null is skipped, anything else makes a bad record */
    INPUT_VALUE /* any; null is skipped. Numbers are CELL_INT or CELL_DOUBLE, all else (true and false, too) CELL_TEXT.
                 * A double that is a whole number below 2^53 comes as CELL_INT, so that equal numbers are equal cells;
                 * an integer beyond 64 bits comes as CELL_DOUBLE */
};

struct aggregate;
struct aggregate_function;
typedef int aggregate_adder(const struct aggregate *a, void *at, struct arena *arena, const struct cell *c,
                            int64_t time);

/* One call in a program: the function, and what its constant argument says. */
struct aggregate {
    const struct aggregate_function *function;
    aggregate_adder *add; /* aggregate_add */
    double q;             /* quantiles */
    uint32_t limit;       /* topk, collect */
    size_t size;          /* of the accumulator: a multiple of 8 */
    size_t offset;        /* of it in the group's value; the caller's to set */
};

/* What is in the language: a name and how many arguments, one of which may be a constant: the first, topk(3; f), or the
 * last, quantile(f; 0.99). p99 has it in its name. */
struct aggregate_signature {
    unsigned arguments;
    int constant; /* index of the constant argument, or -1 */
};
/* Does the language have it? pNN and pNN.N count as names. `ret` may be NULL. */
bool aggregate_find(const char *name, size_t n, unsigned arguments, struct aggregate_signature *ret);
/* The i-th function's name and arity, for suggestions and tests; false behind the last. pNN is "p50". */
bool aggregate_entry(size_t i, const char **ret_name, unsigned *ret_arguments);

/* Make the call's description; `constant` is the value of the constant argument (VK_NULL where there is none). G_USAGE
 * when that is not what the function takes. */
int aggregate_init(struct aggregate *a, const char *name, size_t n, unsigned arguments, struct value constant,
                   struct err *e) NODISCARD;
enum aggregate_input aggregate_input(const struct aggregate *a);
/* Is its result a function of the records only when they come in an order that is one? */
bool aggregate_needs_order(const struct aggregate *a);

/*
 * What follows works on the accumulator itself: `at` points to its first byte. G_NOMEM: budget_error has the words.
 */

/* One record's argument; INPUT_NONE gets a cell of CELL_NONE. `time` is the record's. */
NODISCARD static inline int aggregate_add(const struct aggregate *a, void *at, struct arena *arena,
                                          const struct cell *c, int64_t time) {
    return a->add(a, at, arena, c, time);
}
/* `from`, which lies in any arena, joins `at`; it is not changed. */
int aggregate_merge(const struct aggregate *a, void *at, struct arena *arena, const void *from) NODISCARD;
/* Give what it has in the arena back and make it empty. */
void aggregate_clear(const struct aggregate *a, void *at, struct arena *arena);

/* The result, in the heap. When nothing was added: 0 for counts and `rate`, false for any, true for all, [] for topk
 * and collect, 0 for distinct, null for the others. [start, end) is the window, for rates, which are null when it has
 * no length. */
struct aggregate_window {
    int64_t start, end; /* ns */
};
int aggregate_result(const struct aggregate *a, const void *at, const struct aggregate_window *w, struct heap *h,
                     struct value *ret) NODISCARD;

/* As bytes, for snapshots: self-delimiting and independent of the machine. Loading checks all of it (G_CORRUPT) and
 * moves *p behind what it read; `at` is empty before. */
int aggregate_save(const struct aggregate *a, const void *at, struct buf *out) NODISCARD;
int aggregate_load(const struct aggregate *a, void *at, struct arena *arena, const char **p, const char *end,
                   struct err *e) NODISCARD;

#endif
