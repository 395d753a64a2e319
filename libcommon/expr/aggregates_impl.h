/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of aggregates.h share; not for anyone else. */
#ifndef LEAT_EXPR_AGGREGATES_IMPL_H
#define LEAT_EXPR_AGGREGATES_IMPL_H

#include "expr/aggregates.h"
#include "expr/plan.h"

/* What . is at a place of the program, and with it what names mean there. */
enum place_of {
    PLACE_WINDOW,  /* the window: calls are aggregates */
    PLACE_INNER,   /* something that was computed from it */
    PLACE_RECORD,  /* a record, or computed from one: in an argument */
    PLACE_CONSTANT /* nothing: in a constant argument */
};

/* An aggregate as it was found: the call, before a variable took its place in the tree. */
struct split_call {
    struct ast call;
    struct ast *argument, *constant; /* NULL: there is none */
};

/* A name that the program defines; the innermost first. */
struct known {
    const struct known *parent;
    enum { KNOWN_FUNCTION, KNOWN_PARAMETER, KNOWN_VARIABLE } kind;
    struct value name;
    const struct ast_function *function;
};

struct splitter {
    struct plan_source *source;
    const struct aggregate_names *names; /* NULL: nothing is an aggregate */
    const char *const *fields;           /* of the window */
    const struct known *front;           /* the definitions in front of the program */
    struct split_call *calls;            /* in the source's heap */
    uint32_t n;
    unsigned depth;
    uint32_t error_at;
    struct err *e;
};

/* ---- aggregates_split.c ---- */

/* Walk the source's tree, whose . is `of`: check names, take the aggregates out and put variables in their place.
 * G_USAGE with s->error_at. */
int split_tree(struct splitter *s, enum place_of of) NODISCARD;
/* The tree behind the definitions in front, and a piece of it with those in front again; NULL: no memory. */
struct ast *split_body(const struct plan_source *source);
const struct ast *split_wrap(struct plan_source *source, const struct ast *piece);

/* ---- aggregates_words.c: what is wrong, and what to write instead. All set s->e and s->error_at. ---- */

bool words_is_aggregate(const struct splitter *s, struct value name); /* with any number of arguments */
bool words_name_is(struct value name, const char *text);
int words_unknown_function(struct splitter *s, enum place_of of, const struct ast *call);
int words_wrong_count(struct splitter *s, const struct ast *call);
/* `index` is the innermost step of the path `whole`; `shorthand`: it stands as {name}. */
int words_unknown_field(struct splitter *s, const struct ast *index, const struct ast *whole, bool shorthand);
int words_not_constant(struct splitter *s, const struct ast *call, int which);

#endif
