/* SPDX-License-Identifier: Apache-2.0 */
/* Assignments as conditions. See condition.h. */
#include "expr/condition.h"

#include <string.h>

#include "expr/ast.h"
#include "expr/caret.h"

#define DEPTH_MAX 1000 /* a chain of operators is as deep as it is long; further down nothing is looked for */

/* The assignment whose result is that of the whole, or NULL. */
static const struct ast *assignment_of(const struct ast *x) {
    for (;;) {
        switch ((enum ast_type)x->type) {
        case AST_ASSIGN: return x;
        case AST_PIPE:
        case AST_BIND: x = x->b; break;
        case AST_DEFINE:
        case AST_LABEL: x = x->a; break;
        default: return NULL;
        }
    }
}

static bool takes_condition(struct value name) {
    static const char *const names[] = {"select", "any", "all"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (name.n == strlen(names[i]) && memcmp(name.text, names[i], name.n) == 0) return true;
    return false;
}

/* The first assignment that stands as one of the conditions of x itself. */
static const struct ast *own_condition(const struct ast *x) {
    const struct ast *found = NULL;
    switch ((enum ast_type)x->type) {
    case AST_IF: return assignment_of(x->a);
    case AST_AND:
    case AST_OR: found = assignment_of(x->a); return found ? found : assignment_of(x->b);
    case AST_CALL: return x->n > 0 && takes_condition(x->name) ? assignment_of(x->list[x->n - 1]) : NULL;
    default: return NULL;
    }
}

static const struct ast *search(const struct ast *x, unsigned depth) {
    if (!x || depth > DEPTH_MAX) return NULL;
    if (x->type == AST_DEFINE && takes_condition(x->function->name)) return NULL; /* it may be anything then */
    const struct ast *found = own_condition(x);
    const struct ast *const parts[] = {x->function ? x->function->body : NULL, x->a, x->b, x->c, x->d};
    for (size_t i = 0; !found && i < sizeof parts / sizeof *parts; i++) found = search(parts[i], depth + 1);
    for (uint32_t i = 0; !found && i < x->n && x->list; i++) found = search(x->list[i], depth + 1);
    return found;
}

static const struct ast *condition_in(const struct ast *x) {
    return search(x, 0);
}

/* Words about what `find` finds in the program: G_USAGE, else 0. */
static int check(const char *what, const char *program, const struct ast *(*find)(const struct ast *), struct err *e) {
    struct heap h;
    struct ast *tree;
    uint32_t at;
    struct err ignored;
    heap_init(&h, 0);
    int g = ast_parse(&h, program, strlen(program), &tree, &at, &ignored);
    const struct ast *found = g == 0 ? find(tree) : NULL;
    if (found) {
        int n = (int)strcspn(program + found->at, "=") + 1;
        (void)err_set(e, G_USAGE, "%s: '%.*s' sets a value, '==' compares", what, n, program + found->at);
        (void)caret_append(e, program, found->at);
    }
    heap_release(&h);
    return found ? G_USAGE : 0;
}

int condition_check(const char *what, const char *program, struct err *e) {
    return check(what, program, assignment_of, e);
}

bool condition_is_doubtful(const char *what, const char *program, struct err *e) {
    return check(what, program, condition_in, e) < 0;
}
