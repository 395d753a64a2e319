/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Parts of a record that an option takes from an expression: `--key .user.id`, `--time .at`, `-H name=.x`. Each is
 * added to the tool's set of expressions, so that one pass over a record finds the fields of all of them.
 *
 *     expr_set_new → time_field_init, key_field_init, … → expr_run_new → for each record: record_begin, the get calls
 */
#ifndef LEAT_EXPR_RECORD_FIELD_H
#define LEAT_EXPR_RECORD_FIELD_H

#include "base/timefmt.h"
#include "expr/expr.h"
#include "stream/stage.h"

/* expr_begin for the record that the stage has in hand, or a copy of it that was changed since. */
void record_begin(struct expr_run *run, const struct stage *s, const struct record *r);

/* The same for a record of a block that is looked at ahead of its turn (stage_ops.look). */
void record_begin_ahead(struct expr_run *run, const struct block_origin *from, const char *body,
                        const struct record *r);

struct time_field {
    bool used;
    struct expr *expr;      /* the set's */
    const char *expression; /* for messages; belongs to the caller */
    const char *format;     /* strptime-like, or NULL */
    struct time_zone *zone; /* owned; NULL: UTC */
};

/* `expression` may be NULL: not used. G_USAGE when a word is wrong. */
int time_field_init(struct time_field *f, struct expr_set *set, const char *expression, const char *format,
                    const char *zone, struct err *e) NODISCARD;
void time_field_release(struct time_field *f); /* takes NULL and a zeroed one */

/* The time of this record, from the expression's first result: a string or a number. G_DATA when there is none, or it
 * is no time. */
int time_field_get(const struct time_field *f, struct expr_run *run, int64_t *ret_ns, struct err *e) NODISCARD;

struct key_field {
    bool used;
    struct expr *expr;
};
/* `option` is what messages call it: "--key". */
int key_field_init(struct key_field *f, struct expr_set *set, const char *option, const char *expression,
                   struct err *e) NODISCARD;

/* The first result as bytes: a string's content, other values as their JSON text. 1 with *ret, which lives until the
 * next record_begin; 0 when there is no result or it is null; G_DATA when the expression fails. */
int key_field_get(const struct key_field *f, struct expr_run *run, const char **ret, size_t *ret_size,
                  struct err *e) NODISCARD;

#endif
