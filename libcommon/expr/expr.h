/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The expression language of leat-expr(7): jq's, compiled into a plan that runs over raw JSON text. This is all that
 * tools see of it.
 *
 *     expr_compile → expr_run_init → for each record: expr_begin, then expr_each / expr_true / expr_first / … → release
 *
 * A program is compiled once and not changed by running; a run (struct expr_run) serves one thread. Several programs
 * can share one run's pass over the record: they are compiled into one `struct expr_set`, which finds all fields that
 * any of them reads in one go.
 */
#ifndef LEAT_EXPR_EXPR_H
#define LEAT_EXPR_EXPR_H

#include "expr/value.h"
#include "stream/block.h"

enum expr_engine { EXPR_AUTO, EXPR_NATIVE, EXPR_JQ };

struct expr;     /* one compiled program */
struct expr_set; /* programs that are run on the same records */
struct expr_run; /* what running a set needs: memory, found fields */

/* NULL when there is no memory. */
struct expr_set *expr_set_new(enum expr_engine engine);
void expr_set_free(struct expr_set *s); /* with its programs; takes NULL */

/*
 * Add a program; all are added before the first run. G_USAGE: it cannot be compiled; the error's text has the program
 * and a caret below the place, on lines of their own. `what` names it in messages ("--key", "expression").
 */
int expr_add(struct expr_set *s, const char *what, const char *program, struct expr **ret, struct err *e) NODISCARD;

/* The name of the record's member whose value, or null, is all that the program gives for an object, as .name does, or
 * NULL: whoever looks at the members anyway need not run it. */
const char *expr_member_name(const struct expr *x, size_t *ret_size);

/* The plan and the engine, for people: several lines. */
int expr_explain(const struct expr *x, struct buf *out) NODISCARD;

int expr_run_new(const struct expr_set *s, struct expr_run **ret, struct err *e) NODISCARD;
void expr_run_free(struct expr_run *r); /* takes NULL */

/* The record that the next calls are about. Everything must live until the next expr_begin. */
struct expr_input {
    const struct record *record; /* with its value; a JSON value must have been validated, or its block says so */
    size_t slack;                /* bytes that may be read behind the value */
    const char *topic;           /* NULL: $topic is null */
    int64_t partition;           /* below 0: $partition is null */
    bool has_offset;             /* else $offset is null */
};
void expr_begin(struct expr_run *r, const struct expr_input *in);

/*
 * What . is: the JSON value; null for a tombstone; for a binary value that is UTF-8 text its string, else the string of
 * its base64 text. Errors of all that follow: G_DATA, a run-time error (the text has the reason and the program with a
 * caret), G_NOMEM, G_STOPPED, and whatever `emit` returned.
 */

/* Each result. `v` lives until the next expr_begin. */
typedef int expr_emit(void *ctx, struct expr_run *r, struct value v);
int expr_each(struct expr_run *r, const struct expr *x, expr_emit *emit, void *ctx, struct err *e) NODISCARD;

/* Is any result truthy? Stops at the first one that is. */
int expr_true(struct expr_run *r, const struct expr *x, bool *ret, struct err *e) NODISCARD;

/* The first result: 1 with *ret, 0 when there is none. */
int expr_first(struct expr_run *r, const struct expr *x, struct value *ret, struct err *e) NODISCARD;

/* A result as bytes for a key or a header: a string's content, other values as their JSON text. The view lives until
 * the next expr_begin. */
int expr_value_bytes(struct expr_run *r, struct value v, const char **ret, size_t *ret_size, struct err *e) NODISCARD;

/* Append a result as JSON text; values that were only moved are copied as they stand. */
int expr_value_write(struct expr_run *r, struct value v, struct buf *out, struct err *e) NODISCARD;

/* The results of a program that gives exactly one (most do) need not be built to be written: 1 when it was appended as
 * JSON text, 0 when this is no such program (use expr_each), or an error, with `out` as it was. */
int expr_write_only(struct expr_run *r, const struct expr *x, struct buf *out, struct err *e) NODISCARD;

struct heap *expr_heap(struct expr_run *r); /* the memory of its values, for value_* calls */

#endif
