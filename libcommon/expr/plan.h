/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The plan that a program is compiled into, and what compiling and running share. Not for tools: those see expr.h.
 *
 * A plan is a tree without names: variables are slots, functions are inlined, fields of the record are places in the
 * set of fields that one pass over the record finds. A node whose `single` is set gives exactly one result or an error
 * and is evaluated by a plain function that returns it; all others hand their results to a sink, one after the other,
 * so that jq's backtracking is a loop here and a result that nobody wants is never computed.
 */
#ifndef LEAT_EXPR_PLAN_H
#define LEAT_EXPR_PLAN_H

#include "expr/ast.h"
#include "expr/expr.h"
#include "expr/func.h"
#include "expr/op.h"
#include "json/fields.h"

enum node_type {
    N_IDENTITY,
    N_CONST,   /* value */
    N_FIELD,   /* a member path of the record: slot in the fields, path */
    N_RECORD,  /* op: enum record_var */
    N_VAR,     /* slot */
    N_MEMBER,  /* a.name: value is the name */
    N_INDEX,   /* a[b]; b is evaluated on the same input as a */
    N_SLICE,   /* a[b:c] */
    N_ITERATE, /* a[] */
    N_PIPE,
    N_COMMA,
    N_ARITH,   /* op: enum ast_op */
    N_COMPARE, /* op */
    N_NEGATE,
    N_AND,
    N_OR,
    N_ALTERNATIVE,
    N_IF,      /* a, b, c */
    N_TRY,     /* a, b or NULL */
    N_ARRAY,   /* a or NULL */
    N_OBJECT,  /* list: key, value, … */
    N_STRING,  /* list of parts; func formats them, value is the format's name */
    N_CALL,    /* func, list: its arguments */
    N_BIND,    /* a as slot | b */
    N_REDUCE,  /* reduce a as slot (b; c) */
    N_FOREACH, /* foreach a as slot (b; c; d) */
    N_LABEL,   /* slot, a */
    N_BREAK,   /* slot */
    N_RECURSE, /* recurse(a) */
    N_RANGE,   /* a, b, c, all single */
    N_LIMIT,   /* limit(a; b), a single */
    N_FIRST,   /* first(a) */
    N_ANY,     /* any(a; b); op: 1 for all */
    N_WALK,    /* walk(a) */
    N_EMPTY,
    N_ERROR,  /* error(a) */
    N_PATHS,  /* path(a) */
    N_UPDATE, /* a |= b */
    N_GETPATH /* getpath(a) */
};

enum record_var { RECORD_KEY, RECORD_TIME, RECORD_TOPIC, RECORD_PARTITION, RECORD_OFFSET, RECORD_HEADERS, RECORD_VARS };
extern const char *const record_var_names[RECORD_VARS];

/* A place in the record that is known when the program is compiled: the names from the root on. */
struct field_path {
    const struct field_path *parent; /* NULL at the root, which has no name */
    const char *name;
    uint32_t n, depth;
};

struct node {
    uint8_t type, op;
    bool single;      /* exactly one result, or an error */
    bool at_most_1;   /* no more than one */
    bool plain;       /* N_OBJECT: all keys are constant and different; N_CALL: all arguments are constant */
    bool reads_input; /* it looks at . */
    uint32_t at;      /* byte in the program */
    uint32_t slot;
    uint32_t n;
    struct node *a, *b, *c, *d;
    struct node **list;
    const struct func *func;
    const struct field_path *path; /* where in the record all its results are; NULL: unknown */
    struct value value;
    struct value written; /* a key of a plain object as text: `{"name":` or `,"name":` */
};

struct jq_engine;

/* A text and its tree, of which several programs are made piece by piece (aggregates.h, groups.c): they share it. */
struct plan_source {
    size_t users; /* who holds it: freed with the last one */
    struct heap heap;
    char *text;
    struct ast *tree;
};

/* What a program is about, which says whether there are a $key, a $time, … */
enum plan_subject { SUBJECT_RECORD, SUBJECT_WINDOW, SUBJECT_NOTHING };

struct expr {
    struct expr_set *set;
    struct plan_source *source; /* it has the text; NULL: this program has */
    enum plan_subject subject;
    char *what, *text;
    enum expr_engine engine; /* EXPR_NATIVE or EXPR_JQ, as decided */
    char reason[200];        /* why not native */
    struct heap heap;        /* of the plan */
    struct node *root;
    uint32_t vars; /* slots it needs */
    struct jq_engine *jq;
};

struct expr_set {
    enum expr_engine wanted;
    struct expr **programs;
    size_t n;
    struct json_fields fields;
    uint32_t field_count;
    uint32_t vars;              /* most slots of any program */
    bool sealed;                /* a run exists: fields are compiled */
    struct unseen_watch *watch; /* unseen.c; NULL: nobody asks */
};

/*
 * Compile natively into x: 0; G_USAGE with the reason and *ret_at; G_NOMEM. Fields go to x->set. On failure the plan is
 * empty and the set may have fields that nobody reads.
 */
int plan_compile(struct expr *x, uint32_t *ret_at, struct err *e) NODISCARD;

/* The same for a tree that was parsed already; x->text is what its places are in. The slots below x->vars are the
 * caller's, for AST_PRESET. */
int plan_compile_tree(struct expr *x, const struct ast *tree, uint32_t *ret_at, struct err *e) NODISCARD;

/* plan_source.c. Parse, with one user: 0, or G_USAGE with a caret, `what` in front. */
int plan_source_new(const char *what, const char *program, struct plan_source **ret, struct err *e) NODISCARD;
void plan_source_leave(struct plan_source *s); /* one user less; takes NULL */

/* Add a program made from a piece of the source, or from a tree that was put together of pieces in its heap, to the
 * set: for the native engine whatever the set wants. `presets` slots are its first ones. Errors as of expr_add. */
int expr_add_tree(struct expr_set *s, const char *what, struct plan_source *source, const struct ast *tree,
                  enum plan_subject subject, uint32_t presets, struct expr **ret, struct err *e) NODISCARD;

/* The text of a definition such as "def map(f): [.[] | f]; ." or NULL. */
const char *prelude_find(const char *name, size_t n, unsigned arity);
/* The i-th definition's name and arity; false behind the last. */
bool prelude_entry(size_t i, const char **ret_name, unsigned *ret_arity);

void unseen_watch_free(struct unseen_watch *w); /* takes NULL */

/* Functions that the evaluator itself has: the same. */
bool special_entry(size_t i, const char **ret_name, unsigned *ret_arity);

#endif
