/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Running a plan: what the evaluator's files share; not for anyone else.
 *
 *   eval_one    a `single` node: its one result
 *   eval_each   any node: every result goes to a sink, which may stop it with a negative number
 *   eval_paths  the same inside path(…): every result with the way that leads to it
 */
#ifndef LEAT_EXPR_EVAL_IMPL_H
#define LEAT_EXPR_EVAL_IMPL_H

#include <stdio.h>

#include "expr/plan.h"

/* Beside the grades: */
#define STOP_BREAK (-100)  /* on the way to the label run->break_to */
#define STOP_EMIT (-101)   /* the caller's emit gave run->emit_result */
#define STOP_ENOUGH (-102) /* a sink of the evaluator has what it wanted */

/* What unseen.c keeps for a run. */
struct unseen_run {
    uint32_t *slots; /* fields that no record had so far */
    uint32_t n;
    uint64_t begun;  /* expr_begin calls, and */
    uint64_t looked; /* those behind which fields were found, while there were such slots */
    struct buf kept; /* records among them, JSON texts with their sizes (uint32_t) in front */
};

struct expr_run {
    const struct expr_set *set;
    struct heap heap;
    const struct expr *current;
    struct expr_input in;
    struct value root; /* the record's value */
    bool root_ready, found_ready;
    bool too_deep;            /* G_NOMEM was the stack's */
    struct json_slice *found; /* the fields of the set, when found_ready */
    struct value *vars;       /* slots */
    const struct node *at;    /* where an error arose */
    size_t stack_budget;
    const char *stack_floor; /* evaluation does not go deeper than this */
    uint64_t labels, break_to;
    uint64_t steps, steps_max; /* of loops; a limit is for tests, 0: none */
    int emit_result;
    struct buf text; /* scratch for strings that are put together */
    struct unseen_run unseen;
};

struct sink {
    int (*put)(struct expr_run *r, struct sink *k, struct value v);
};

/* 0, G_DATA with heap.thrown and r->at, G_NOMEM, G_STOPPED, or one of the STOP_ above. */
int eval_one(struct expr_run *r, const struct node *n, struct value in, struct value *ret) NODISCARD;
/* Is a single node's result truthy? */
int eval_truth(struct expr_run *r, const struct node *n, struct value in, bool *ret) NODISCARD;
/* A single node's result as JSON text, without building the objects and arrays that it makes. */
int eval_write(struct expr_run *r, const struct node *n, struct value in, struct buf *out) NODISCARD;
int eval_each(struct expr_run *r, const struct node *n, struct value in, struct sink *k) NODISCARD;

/* `path` is an array value. */
struct place {
    struct value path, value;
};
struct path_sink {
    int (*put)(struct expr_run *r, struct path_sink *k, struct place p);
};
int eval_paths(struct expr_run *r, const struct node *n, struct place in, struct path_sink *k) NODISCARD;
/* Every place that the node's a leads to from `in`; a computed value is an error. */
int eval_path_set(struct expr_run *r, const struct node *n, struct value in, struct path_sink *k) NODISCARD;

/* The record's value, and $key and its kin. */
int run_root(struct expr_run *r, struct value *ret) NODISCARD;
int run_variable(struct expr_run *r, enum record_var which, struct value *ret) NODISCARD;
int run_field(struct expr_run *r, const struct node *n, struct value *ret) NODISCARD;

/* unseen.c: the fields to look at, if the set is watched, and the look at a record whose fields were found. */
int unseen_begin(struct expr_run *r) NODISCARD;
void unseen_look(struct expr_run *r);
void unseen_release(struct expr_run *r);

/* For loops that may be long: has a signal asked us to stop? And is there stack for another level? */
int run_step(struct expr_run *r) NODISCARD;
int run_deeper(struct expr_run *r) NODISCARD;

/* a op b on two values. */
int eval_arith(struct expr_run *r, const struct node *n, struct value a, struct value b, struct value *ret) NODISCARD;
int eval_negate(struct expr_run *r, struct value v, struct value *ret) NODISCARD;
int eval_compare(struct expr_run *r, const struct node *n, struct value a, struct value b, struct value *ret) NODISCARD;
/* The list's values, all known, into what the node makes of them: an object, a string, a call. */
int eval_list(struct expr_run *r, const struct node *n, struct value in, const struct value *values,
              struct value *ret) NODISCARD;

/* Parts of eval_each that have a file of their own. */
int eval_fold(struct expr_run *r, const struct node *n, struct value in, struct sink *k) NODISCARD;
int eval_recurse(struct expr_run *r, const struct node *n, struct value in, struct sink *k) NODISCARD;
int eval_walk(struct expr_run *r, const struct node *n, struct value in, struct sink *k) NODISCARD;
/* a |= b for paths of which update_is_stepwise is true. */
bool update_is_stepwise(const struct node *path);
int eval_update(struct expr_run *r, const struct node *n, struct value in, struct value *ret) NODISCARD;
int eval_any(struct expr_run *r, const struct node *n, struct value in, struct value *ret) NODISCARD;
int eval_first(struct expr_run *r, const struct node *n, struct value in, bool *ret_found, struct value *ret) NODISCARD;

#endif
