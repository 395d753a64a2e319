/* SPDX-License-Identifier: Apache-2.0 */
/* Variables: what a name stands for, and binding them by patterns, in `as`, reduce and foreach. See compile_impl.h. */
#include <string.h>

#include "expr/compile_impl.h"

static struct scope *find_variable(const struct context *x, struct value name) {
    for (struct scope *s = x->scope; s; s = s->parent)
        if (s->kind == SCOPE_VARIABLE && same_name(s->name, name)) return s;
    return NULL;
}

int node_variable(struct compiler *c, uint32_t slot, uint32_t at, struct node **ret) {
    int g = node_make(c, N_VAR, at, NULL, NULL, ret);
    if (g == 0) (*ret)->slot = slot;
    return g;
}

int compile_environment(struct compiler *c, uint32_t at, struct node **ret) {
    extern char **environ;
    struct value object = value_object();
    struct heap *h = &c->expr->heap;
    for (char **p = environ; p && *p; p++) {
        const char *equals = strchr(*p, '=');
        struct value name, text;
        if (!equals) continue;
        if (value_copy_text(h, *p, (size_t)(equals - *p), &name) < 0 ||
            value_copy_text(h, equals + 1, strlen(equals + 1), &text) < 0 ||
            object_set(h, &object, name.text, name.n, text) < 0)
            return compile_nomem(c);
    }
    return node_constant(c, object, at, ret);
}

/* $key and its kin. */
static int compile_record(struct compiler *c, unsigned i, uint32_t at, struct node **ret) {
    const char *name = record_var_names[i];
    if (c->expr->subject == SUBJECT_RECORD) {
        int g = node_make(c, N_RECORD, at, NULL, NULL, ret);
        if (g == 0) (*ret)->op = (uint8_t)i;
        return g;
    }
    if (c->expr->subject == SUBJECT_WINDOW)
        (void)err_set(c->e, G_USAGE, "$%s is a record's, not the window's; put it into an aggregate, such as last($%s)",
                      name, name);
    else
        (void)err_set(c->e, G_USAGE, "$%s is not constant", name);
    return compile_fail(c, at);
}

int compile_variable(struct compiler *c, struct context x, const struct ast *ast, struct node **ret) {
    uint32_t at = compile_place(&x, ast->at);
    struct scope *s = find_variable(&x, ast->name);
    if (s && s->constant) return node_constant(c, s->constant->value, at, ret);
    if (s && s->path && s->path->parent && !c->in_path) return node_field(c, s->path, at, ret);
    if (s) {
        int g = node_variable(c, s->slot, at, ret);
        if (g == 0 && !c->in_path) (*ret)->path = s->path; /* the record itself; . may be something else here */
        return g;
    }
    for (unsigned i = 0; i < RECORD_VARS; i++)
        if (name_is(ast->name, record_var_names[i])) return compile_record(c, i, at, ret);
    if (name_is(ast->name, "ENV")) return compile_environment(c, at, ret);
    (void)err_set(c->e, G_USAGE, "variable $%.*s is not defined", (int)ast->name.n, ast->name.text);
    return compile_fail(c, at);
}

int bind_variable(struct compiler *c, struct context *x, struct value name, uint32_t slot,
                  const struct field_path *path) {
    struct scope *s = scope_new(c, x->scope, SCOPE_VARIABLE, name);
    if (!s) return compile_nomem(c);
    s->slot = slot;
    s->path = path;
    x->scope = s;
    return 0;
}

int chain_add(struct compiler *c, struct chain *chain, struct node *source, uint32_t slot, uint32_t at) {
    struct node *bind = node_new(c, N_BIND, at);
    if (!bind) return compile_nomem(c);
    if (chain->n == sizeof chain->nodes / sizeof chain->nodes[0]) {
        (void)err_set(c->e, G_USAGE, "a pattern with more than 60 places");
        return compile_fail(c, at);
    }
    bind->a = source;
    bind->slot = slot;
    if (chain->n == 0)
        chain->first = bind;
    else
        chain->nodes[chain->n - 1]->b = bind;
    chain->nodes[chain->n++] = bind;
    return 0;
}

static int bind_pattern(struct compiler *c, struct context *x, const struct ast_pattern *p, uint32_t slot, uint32_t at,
                        struct chain *chain);

/* Bind what `index` finds in the value of `slot` to a new slot. */
static int bind_element(struct compiler *c, uint32_t slot, struct node *index, uint32_t at, struct chain *chain,
                        uint32_t *ret_slot) {
    struct node *whole, *element;
    int g = node_variable(c, slot, at, &whole);
    if (g == 0) g = node_make(c, N_INDEX, at, whole, index, &element);
    if (g < 0) return g;
    *ret_slot = slot_new(c);
    return chain_add(c, chain, element, *ret_slot, at);
}

static int bind_array(struct compiler *c, struct context *x, const struct ast_pattern *p, uint32_t slot, uint32_t at,
                      struct chain *chain) {
    int g = 0;
    for (uint32_t i = 0; g == 0 && i < p->n; i++) {
        struct node *index = NULL;
        uint32_t element = 0;
        g = node_constant(c, value_int(i), at, &index);
        if (g == 0) g = bind_element(c, slot, index, at, chain, &element);
        if (g == 0) g = bind_pattern(c, x, p->items[i], element, at, chain);
    }
    return g;
}

static int bind_object(struct compiler *c, struct context *x, const struct ast_pattern *p, uint32_t slot, uint32_t at,
                       struct chain *chain) {
    int g = 0;
    for (uint32_t i = 0; g == 0 && i < p->n; i++) {
        const struct ast_member *m = &p->members[i];
        struct node *key, *whole, *index;
        struct context inner = *x;
        uint32_t element = 0;
        inner.here = NULL;
        g = compile_value(c, inner, m->key, &key);
        if (g == 0) g = compile_check_key(c, key);
        if (g == 0) g = node_variable(c, slot, at, &whole);
        if (g == 0) g = node_make(c, N_PIPE, at, whole, key, &index);
        if (g == 0) g = bind_element(c, slot, index, at, chain, &element);
        if (g == 0 && m->variable.text) g = bind_variable(c, x, m->variable, element, NULL);
        if (g == 0 && m->pattern) g = bind_pattern(c, x, m->pattern, element, at, chain);
    }
    return g;
}

static int bind_pattern(struct compiler *c, struct context *x, const struct ast_pattern *p, uint32_t slot, uint32_t at,
                        struct chain *chain) {
    switch (p->type) {
    case PATTERN_VARIABLE: return bind_variable(c, x, p->name, slot, NULL);
    case PATTERN_ARRAY: return bind_array(c, x, p, slot, at, chain);
    default: return bind_object(c, x, p, slot, at, chain);
    }
}

/* Close the chain over the body; the whole is in *ret. */
void chain_close(struct chain *chain, struct node *body, struct node **ret) {
    if (chain->n == 0) {
        *ret = body;
        return;
    }
    chain->nodes[chain->n - 1]->b = body;
    for (unsigned i = chain->n; i-- > 0;) node_conclude(chain->nodes[i]);
    *ret = chain->first;
}

static int one_pattern(struct compiler *c, const struct ast *ast, uint32_t at) {
    if (ast->pattern_count == 1) return 0;
    (void)err_set(c->e, G_USAGE, "alternative patterns (?//) are not native");
    return compile_fail(c, at);
}

int bind_source(struct compiler *c, struct context *x, struct value name, struct node *source, uint32_t at,
                struct chain *chain) {
    if (source->type == N_CONST) {
        int g = bind_variable(c, x, name, 0, NULL);
        if (g == 0) x->scope->constant = source;
        return g;
    }
    uint32_t slot = slot_new(c);
    int g = chain_add(c, chain, source, slot, at);
    return g < 0 ? g : bind_variable(c, x, name, slot, source->single ? source->path : NULL);
}

int compile_bind(struct compiler *c, struct context x, const struct ast *ast, struct node **ret) {
    uint32_t at = compile_place(&x, ast->at);
    struct node *source, *body;
    struct chain chain = {0};
    int g = one_pattern(c, ast, at);
    if (g == 0) g = compile_value(c, x, ast->a, &source);
    if (g < 0) return g;
    struct context inner = x;
    const struct ast_pattern *pattern = ast->patterns[0];
    if (pattern->type == PATTERN_VARIABLE) {
        g = bind_source(c, &inner, pattern->name, source, at, &chain);
    } else {
        uint32_t slot = slot_new(c);
        g = chain_add(c, &chain, source, slot, at);
        if (g == 0) g = bind_pattern(c, &inner, pattern, slot, at, &chain);
    }
    if (g == 0) g = compile(c, inner, ast->b, &body);
    if (g == 0) chain_close(&chain, body, ret);
    return g;
}

/* reduce and foreach: the pattern is bound anew around each part that sees it. */
static int compile_fold_part(struct compiler *c, struct context x, const struct ast *ast, const struct ast *part,
                             uint32_t slot, struct node **ret) {
    struct chain chain = {0};
    struct node *body;
    x.here = NULL;
    int g = bind_pattern(c, &x, ast->patterns[0], slot, compile_place(&x, ast->at), &chain);
    if (g == 0) g = compile(c, x, part, &body);
    if (g == 0) chain_close(&chain, body, ret);
    return g;
}

int compile_fold(struct compiler *c, struct context x, const struct ast *ast, struct node **ret) {
    uint32_t at = compile_place(&x, ast->at);
    struct node *n = node_new(c, ast->type == AST_REDUCE ? N_REDUCE : N_FOREACH, at);
    if (!n) return compile_nomem(c);
    n->slot = slot_new(c);
    int g = one_pattern(c, ast, at);
    if (g == 0) g = compile_value(c, x, ast->a, &n->a);
    if (g == 0) g = compile(c, x, ast->b, &n->b);
    if (g == 0) g = compile_fold_part(c, x, ast, ast->c, n->slot, &n->c);
    if (g == 0 && ast->d) g = compile_fold_part(c, x, ast, ast->d, n->slot, &n->d);
    if (g < 0) return g;
    node_conclude(n);
    *ret = n;
    return 0;
}
