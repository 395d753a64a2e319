/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Calls: definitions of the program and of the prelude are inlined, with their arguments as closures over the scope of
 * the caller; functions in C become a node; those that the evaluator has itself one of their own. See compile_impl.h.
 */
#include <string.h>

#include "expr/compile_impl.h"
#include "expr/eval_impl.h"

#define INLINE_MAX 100 /* definitions inside definitions: beyond that it is a recursion */

static const struct special {
    const char *name;
    uint8_t arity, type, op;
} specials[] = {
    {"_limit", 2, N_LIMIT, 0}, {"_range", 3, N_RANGE, 0},    {"all", 2, N_ANY, 1},     {"any", 2, N_ANY, 0},
    {"empty", 0, N_EMPTY, 0},  {"error", 1, N_ERROR, 0},     {"first", 1, N_FIRST, 0}, {"getpath", 1, N_GETPATH, 0},
    {"path", 1, N_PATHS, 0},   {"recurse", 1, N_RECURSE, 0}, {"walk", 1, N_WALK, 0},
};
#define SPECIALS (sizeof specials / sizeof specials[0])

bool special_entry(size_t i, const char **ret_name, unsigned *ret_arity) {
    if (i >= SPECIALS) return false;
    *ret_name = specials[i].name;
    *ret_arity = specials[i].arity;
    return true;
}

static struct scope *find_function(const struct context *x, struct value name, uint32_t arity) {
    for (struct scope *s = x->scope; s; s = s->parent) {
        if (s->kind == SCOPE_CLOSURE && arity == 0 && same_name(s->name, name)) return s;
        if (s->kind == SCOPE_FUNCTION && s->function->n == arity && same_name(s->name, name)) return s;
    }
    return NULL;
}

static int compile_closure(struct compiler *c, struct context x, const struct scope *s, struct node **ret) {
    struct context inner = {.scope = s->home, .here = x.here, .called_at = s->called_at, .inlined = x.inlined};
    return compile(c, inner, s->closure, ret);
}

/* One parameter more in scope. A value parameter is bound around the body, too. */
static int bind_param(struct compiler *c, struct context x, struct context *inner, const struct ast_function *f,
                      uint32_t i, const struct ast *argument, uint32_t at, struct chain *chain) {
    struct scope *s = scope_new(c, inner->scope, SCOPE_CLOSURE, f->params[i]);
    if (!s) return compile_nomem(c);
    s->closure = argument;
    s->home = x.scope;
    s->called_at = x.called_at;
    inner->scope = s;
    if (!f->is_value[i]) return 0;
    struct node *source;
    int g = compile_value(c, x, argument, &source);
    return g < 0 ? g : bind_source(c, inner, f->params[i], source, at, chain);
}

/* A call is the body, with the arguments as closures over the caller's scope. */
static int inline_function(struct compiler *c, struct context x, const struct ast_function *f, struct scope *home,
                           const struct ast *call, bool of_prelude, struct node **ret) {
    struct chain chain = {0};
    struct context inner = {.scope = home, .here = x.here, .called_at = x.called_at, .inlined = x.inlined + 1};
    uint32_t at = compile_place(&x, call->at);
    if (inner.inlined > INLINE_MAX) {
        (void)err_set(c->e, G_USAGE, "function %.*s/%u is recursive, which is not native", (int)f->name.n, f->name.text,
                      f->n);
        return compile_fail(c, at);
    }
    if (of_prelude) inner.called_at = at; /* errors are the caller's: show where it called */
    int g = 0;
    for (uint32_t i = 0; g == 0 && i < f->n; i++) g = bind_param(c, x, &inner, f, i, call->list[i], at, &chain);
    struct node *body;
    if (g == 0) g = compile(c, inner, f->body, &body);
    if (g == 0) chain_close(&chain, body, ret);
    return g;
}

/* def name: body; rest */
int compile_define(struct compiler *c, struct context x, const struct ast *ast, struct node **ret) {
    struct scope *s = scope_new(c, x.scope, SCOPE_FUNCTION, ast->function->name);
    if (!s) return compile_nomem(c);
    s->function = ast->function;
    x.scope = s;
    return compile(c, x, ast->a, ret);
}

static int prelude_function(struct compiler *c, const char *text, const struct ast_function **ret) {
    struct ast *ast;
    uint32_t at;
    int g = ast_parse(&c->expr->heap, text, strlen(text), &ast, &at, c->e);
    if (g < 0) return g == G_NOMEM ? g : err_set(c->e, G_BUG, "built-in '%.60s' does not parse at %u", text, at);
    *ret = ast->function;
    return 0;
}

static int compile_special(struct compiler *c, struct context x, const struct special *s, const struct ast *ast,
                           struct node **ret) {
    struct node *n = node_new(c, s->type, compile_place(&x, ast->at));
    if (!n) return compile_nomem(c);
    n->op = s->op;
    bool in_path = c->in_path;
    if (s->type == N_PATHS) {
        c->in_path = true;
        x.here = NULL;
    }
    bool of_values = s->type == N_ERROR || s->type == N_RANGE || s->type == N_ANY || s->type == N_GETPATH;
    if (s->type == N_ANY && in_path) x.here = NULL;
    struct context second = x;
    if (s->type == N_ANY || s->type == N_RECURSE || s->type == N_WALK) second.here = NULL;
    int g = 0;
    if (ast->n > 0)
        g = of_values || s->type == N_LIMIT ? compile_value(c, x, ast->list[0], &n->a)
                                            : compile(c, second, ast->list[0], &n->a);
    if (g == 0 && ast->n > 1)
        g = of_values ? compile_value(c, second, ast->list[1], &n->b) : compile(c, second, ast->list[1], &n->b);
    if (g == 0 && ast->n > 2) g = compile_value(c, x, ast->list[2], &n->c);
    c->in_path = in_path;
    if (g < 0) return g;
    node_conclude(n);
    if (n->type == N_GETPATH) n->func = func_find("getpath", 7, 1);
    if (n->type == N_FIRST) n->path = n->a->path;
    if (n->type == N_LIMIT) n->path = n->b->path;
    *ret = n;
    return 0;
}

static bool all_constant(const struct node *n) {
    for (uint32_t i = 0; i < n->n; i++)
        if (n->list[i]->type != N_CONST) return false;
    return true;
}

static int compile_c_function(struct compiler *c, struct context x, const struct func *f, const struct ast *ast,
                              struct node **ret) {
    struct node *n = node_new(c, N_CALL, compile_place(&x, ast->at));
    if (!n) return compile_nomem(c);
    n->func = f;
    n->list = heap_alloc(&c->expr->heap, (ast->n ? ast->n : 1) * sizeof *n->list);
    if (!n->list) return compile_nomem(c);
    for (uint32_t i = 0; i < ast->n; i++) {
        int g = compile_value(c, x, ast->list[i], &n->list[i]);
        if (g < 0) return g;
        n->n = i + 1;
    }
    n->plain = all_constant(n);
    node_conclude(n);
    *ret = n;
    return 0;
}

static const struct special *find_special(struct value name, uint32_t arity) {
    for (size_t i = 0; i < SPECIALS; i++)
        if (specials[i].arity == arity && name_is(name, specials[i].name)) return &specials[i];
    return NULL;
}

/* path |= f in one walk over the value, where the path allows it; *ret is NULL where it does not. */
static int compile_stepwise(struct compiler *c, struct context x, const struct ast *ast, struct node **ret) {
    struct node *path, *f;
    struct context inner = x;
    bool in_path = c->in_path;
    *ret = NULL;
    inner.here = NULL;
    c->in_path = true;
    int g = compile(c, inner, ast->list[0], &path);
    c->in_path = in_path;
    if (g < 0 || !update_is_stepwise(path)) return g;
    g = compile_value(c, inner, ast->list[1], &f);
    return g < 0 ? g : node_make(c, N_UPDATE, compile_place(&x, ast->at), path, f, ret);
}

int compile_builtin(struct compiler *c, struct context x, const struct ast *ast, struct node **ret) {
    if (ast->n == 2 && name_is(ast->name, "_modify")) {
        int g = compile_stepwise(c, x, ast, ret);
        if (g < 0 || *ret) return g;
    }
    const struct special *special = find_special(ast->name, ast->n);
    if (special) return compile_special(c, x, special, ast, ret);
    const struct func *f = func_find(ast->name.text, ast->name.n, ast->n);
    if (f) return compile_c_function(c, x, f, ast, ret);
    const char *text = prelude_find(ast->name.text, ast->name.n, ast->n);
    if (text) {
        const struct ast_function *function = NULL;
        int g = prelude_function(c, text, &function);
        return g < 0 ? g : inline_function(c, x, function, NULL, ast, true, ret);
    }
    uint32_t at = compile_place(&x, ast->at);
    if (name_is(ast->name, "env") && ast->n == 0) return compile_environment(c, at, ret);
    (void)err_set(c->e, G_USAGE, "function %.*s/%u is not known", (int)ast->name.n, ast->name.text, ast->n);
    return compile_fail(c, at);
}

int compile_call(struct compiler *c, struct context x, const struct ast *ast, struct node **ret) {
    struct scope *s = find_function(&x, ast->name, ast->n);
    if (!s) return compile_builtin(c, x, ast, ret);
    if (s->kind == SCOPE_CLOSURE) return compile_closure(c, x, s, ret);
    return inline_function(c, x, s->function, s, ast, false, ret);
}

/* a op= b is b as $v | a |= (. op $v). */
static int compile_update(struct compiler *c, struct context x, const struct ast *ast, struct node **ret) {
    struct heap *h = &c->expr->heap;
    uint32_t at = compile_place(&x, ast->at);
    struct value name = value_text("=", 1); /* no program can name it */
    struct ast *dot = heap_alloc(h, sizeof *dot), *variable = heap_alloc(h, sizeof *variable);
    struct ast *operation = heap_alloc(h, sizeof *operation), *call = heap_alloc(h, sizeof *call);
    struct ast **list = heap_alloc(h, 2 * sizeof *list);
    if (!dot || !variable || !operation || !call || !list) return compile_nomem(c);
    *dot = (struct ast){.type = AST_IDENTITY, .at = ast->at};
    *variable = (struct ast){.type = AST_VARIABLE, .at = ast->at, .name = name};
    *operation = (struct ast){.type = ast->op == OP_ALTERNATIVE ? AST_ALTERNATIVE : AST_BINARY,
                              .op = ast->op,
                              .at = ast->at,
                              .a = dot,
                              .b = variable};
    list[0] = ast->a;
    list[1] = operation;
    *call = (struct ast){.type = AST_CALL, .at = ast->at, .name = value_text("_modify", 7), .list = list, .n = 2};
    struct chain chain = {0};
    struct node *source, *body;
    struct context inner = x;
    int g = compile_value(c, x, ast->b, &source);
    if (g == 0) g = bind_source(c, &inner, name, source, at, &chain);
    if (g == 0) g = compile_builtin(c, inner, call, &body);
    if (g == 0) chain_close(&chain, body, ret);
    return g;
}

/* a op= b, by the definitions of the prelude. */
int compile_assign(struct compiler *c, struct context x, const struct ast *ast, struct node **ret) {
    struct ast call = {.type = AST_CALL, .at = ast->at, .n = 2};
    struct ast *list[2] = {ast->a, ast->b};
    call.list = list;
    call.name = ast->op == OP_UPDATE ? value_text("_modify", 7) : value_text("_assign", 7);
    if (ast->op == OP_UPDATE || ast->op == OP_SET) return compile_builtin(c, x, &call, ret);
    return compile_update(c, x, ast, ret);
}
