/* SPDX-License-Identifier: Apache-2.0 */
/* What the compiler's files share; not for anyone else. */
#ifndef LEAT_EXPR_COMPILE_IMPL_H
#define LEAT_EXPR_COMPILE_IMPL_H

#include <string.h>

#include "expr/ast.h"
#include "expr/plan.h"

#define NOWHERE UINT32_MAX

enum scope_kind { SCOPE_VARIABLE, SCOPE_FUNCTION, SCOPE_CLOSURE, SCOPE_LABEL };

/* One name that can be seen; the innermost first. */
struct scope {
    struct scope *parent;
    enum scope_kind kind;
    struct value name;
    uint32_t slot;                       /* of a variable or a label */
    const struct field_path *path;       /* of a variable that is a field of the record */
    const struct node *constant;         /* of a variable that is bound to one */
    const struct ast_function *function; /* its body sees this scope and all outside of it */
    const struct ast *closure;           /* an argument: an expression in the scope of its caller */
    struct scope *home;
    uint32_t called_at;
};

/* Where a piece of the tree is compiled. */
struct context {
    struct scope *scope;
    const struct field_path *here; /* what . is, when that is a place in the record; NULL: unknown */
    uint32_t called_at;            /* inside a built-in definition: where the program calls it, else NOWHERE */
    unsigned inlined;              /* definitions inside definitions */
};

struct compiler {
    struct expr *expr;
    struct err *e;
    uint32_t error_at;
    unsigned depth, nodes;
    bool in_path; /* inside path(…): places are wanted, so fields may not be turned into places in the record */
};

static inline bool name_is(struct value name, const char *text) {
    return name.n == strlen(text) && memcmp(name.text, text, name.n) == 0;
}

static inline bool same_name(struct value a, struct value b) {
    return a.n == b.n && memcmp(a.text, b.text, a.n) == 0;
}

static inline uint32_t compile_place(const struct context *x, uint32_t at) {
    return x->called_at == NOWHERE ? at : x->called_at;
}

static inline int compile_nomem(struct compiler *c) {
    return err_nomem(c->e);
}

static inline int compile_fail(struct compiler *c, uint32_t at) {
    c->error_at = at;
    return G_USAGE;
}

static inline uint32_t slot_new(struct compiler *c) {
    return c->expr->vars++;
}

/* ---- compile_node.c ---- */

struct node *node_new(struct compiler *c, enum node_type type, uint32_t at);
struct scope *scope_new(struct compiler *c, struct scope *parent, enum scope_kind kind, struct value name);
/* Say what a finished node promises: its results, whether it looks at its input. */
void node_conclude(struct node *n);
int node_make(struct compiler *c, enum node_type type, uint32_t at, struct node *a, struct node *b,
              struct node **ret) NODISCARD;
int node_constant(struct compiler *c, struct value v, uint32_t at, struct node **ret) NODISCARD;
const struct field_path *path_member(struct compiler *c, const struct field_path *parent, struct value name);
/* What is known already becomes a constant: n itself, or what it comes to. */
struct node *node_fold(struct compiler *c, struct node *n);
/* What is at this place of the record. */
int node_field(struct compiler *c, const struct field_path *path, uint32_t at, struct node **ret) NODISCARD;

/* ---- compile_bind.c ---- */

/* The bindings of a pattern around `body`, outermost first: a chain of N_BIND whose last body is filled in by the
 * caller. *tail is where that goes. */
struct chain {
    struct node *first;
    struct node **tail;
    struct node *nodes[64];
    unsigned n;
};

int node_variable(struct compiler *c, uint32_t slot, uint32_t at, struct node **ret) NODISCARD;
int chain_add(struct compiler *c, struct chain *chain, struct node *source, uint32_t slot, uint32_t at) NODISCARD;
void chain_close(struct chain *chain, struct node *body, struct node **ret);
int bind_variable(struct compiler *c, struct context *x, struct value name, uint32_t slot,
                  const struct field_path *path) NODISCARD;
/* Bind a name to what a node gives: to the node where that is a constant, else to a slot, of which `chain` takes care.
 */
int bind_source(struct compiler *c, struct context *x, struct value name, struct node *source, uint32_t at,
                struct chain *chain) NODISCARD;
int compile_variable(struct compiler *c, struct context x, const struct ast *ast, struct node **ret) NODISCARD;
int compile_environment(struct compiler *c, uint32_t at, struct node **ret) NODISCARD;
int compile_bind(struct compiler *c, struct context x, const struct ast *ast, struct node **ret) NODISCARD;
int compile_fold(struct compiler *c, struct context x, const struct ast *ast, struct node **ret) NODISCARD;

/* ---- compile_call.c ---- */

int compile_call(struct compiler *c, struct context x, const struct ast *ast, struct node **ret) NODISCARD;
int compile_builtin(struct compiler *c, struct context x, const struct ast *ast, struct node **ret) NODISCARD;
int compile_define(struct compiler *c, struct context x, const struct ast *ast, struct node **ret) NODISCARD;
int compile_assign(struct compiler *c, struct context x, const struct ast *ast, struct node **ret) NODISCARD;

/* ---- compile.c ---- */

int compile(struct compiler *c, struct context x, const struct ast *ast, struct node **ret) NODISCARD;
int compile_value(struct compiler *c, struct context x, const struct ast *ast, struct node **ret) NODISCARD;
int compile_check_key(struct compiler *c, const struct node *key) NODISCARD;
int compile_identity(struct compiler *c, struct context x, uint32_t at, struct node **ret) NODISCARD;

#endif
