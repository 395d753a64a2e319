/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From the syntax tree to the plan: names are resolved, definitions inlined with their arguments as closures, paths
 * from the record's root turned into fields, constants recognised. What the native engine does not have is named, and
 * the caller may give the program to jq. See plan.h.
 */
#include <stdlib.h>
#include <string.h>

#include "expr/ast.h"
#include "expr/compile_impl.h"

#define DEPTH_MAX 1000   /* of the plan: bounds the recursion of the compiler and of the evaluator */
#define PLAIN_MAX 128    /* keys and values of an object that is written without being built */
#define NODES_MAX 200000 /* of one program */

static const struct field_path root_path;

const char *const record_var_names[RECORD_VARS] = {"key", "time", "topic", "partition", "offset", "headers"};

/* A value that is used by many records is read once: numbers into machine form. */
static struct value settle(struct value v) {
    int64_t i;
    double d;
    if (v.kind != VK_NUMBER || v.form != VF_RAW) return v;
    if (value_number(v, &i, &d)) return value_int(i);
    /* An integer too long for 64 bits keeps its text: moved, it stays exact. */
    for (uint32_t k = 0; k < v.n; k++)
        if (v.text[k] < '0' || v.text[k] > '9') return value_double(d);
    return v;
}

/* ---- paths ---- */

static int compile_member(struct compiler *c, struct context x, const struct ast *ast, struct node *base,
                          struct value name, struct node **ret) {
    uint32_t at = compile_place(&x, ast->at);
    if (base->path && !c->in_path) {
        const struct field_path *p = path_member(c, base->path, name);
        /* The base decides how many results there are; usually it is the field's parent and not needed. */
        struct node *field;
        int g = p ? node_field(c, p, at, &field) : compile_nomem(c);
        if (g < 0) return g;
        if (base->type == N_IDENTITY || base->type == N_FIELD || base->type == N_VAR) {
            *ret = field;
            return 0;
        }
        return node_make(c, N_PIPE, at, base, field, ret);
    }
    int g = node_make(c, N_MEMBER, at, base, NULL, ret);
    if (g == 0) (*ret)->value = name;
    return g;
}

/* `base | try step`, the step being on its own input; without the ? it is the step on the base. */
static int optional_step(struct compiler *c, struct node *base, struct node *step, struct node **ret) {
    struct node *attempt;
    int g = node_make(c, N_TRY, step->at, step, NULL, &attempt);
    return g < 0 ? g : node_make(c, N_PIPE, step->at, base, attempt, ret);
}

/* The input of an optional step: what the base gave. */
static int step_input(struct compiler *c, const struct ast *ast, struct node *base, struct node **ret) {
    if (!ast->optional) {
        *ret = base;
        return 0;
    }
    int g = node_make(c, N_IDENTITY, base->at, NULL, NULL, ret);
    if (g == 0) (*ret)->path = base->path;
    return g;
}

/* A computed key sees the input of the whole term, also when the step is optional: bound in front of it. */
static int optional_key(struct compiler *c, const struct ast *ast, struct node **key, struct node **ret_bind) {
    *ret_bind = NULL;
    if (!ast->optional || !*key || (*key)->type == N_CONST) return 0;
    struct node *bind = node_new(c, N_BIND, (*key)->at);
    if (!bind) return compile_nomem(c);
    bind->a = *key;
    bind->slot = slot_new(c);
    *ret_bind = bind;
    return node_variable(c, bind->slot, bind->at, key);
}

static void close_bind(struct node *bind, struct node **body) {
    if (!bind) return;
    bind->b = *body;
    node_conclude(bind);
    *body = bind;
}

static int compile_index(struct compiler *c, struct context x, const struct ast *ast, struct node **ret) {
    struct node *base, *in, *index, *bind = NULL, *step;
    int g = compile(c, x, ast->a, &base);
    if (g == 0) g = step_input(c, ast, base, &in);
    if (g < 0) return g;
    if (ast->b->type == AST_CONSTANT && ast->b->name.kind == VK_STRING) {
        g = compile_member(c, x, ast, in, ast->b->name, &step);
    } else {
        g = compile_value(c, x, ast->b, &index);
        if (g == 0) g = optional_key(c, ast, &index, &bind);
        if (g == 0) g = node_make(c, N_INDEX, compile_place(&x, ast->at), in, index, &step);
    }
    if (g < 0) return g;
    *ret = step;
    if (ast->optional) g = optional_step(c, base, step, ret);
    close_bind(bind, ret);
    return g;
}

static int compile_slice(struct compiler *c, struct context x, const struct ast *ast, struct node **ret) {
    struct node *base, *in, *from = NULL, *to = NULL, *bind_from = NULL, *bind_to = NULL, *step;
    int g = compile(c, x, ast->a, &base);
    if (g == 0) g = step_input(c, ast, base, &in);
    if (g == 0 && ast->b) g = compile_value(c, x, ast->b, &from);
    if (g == 0 && ast->c) g = compile_value(c, x, ast->c, &to);
    if (g == 0) g = optional_key(c, ast, &from, &bind_from);
    if (g == 0) g = optional_key(c, ast, &to, &bind_to);
    if (g == 0) g = node_make(c, N_SLICE, compile_place(&x, ast->at), in, from, &step);
    if (g < 0) return g;
    step->c = to;
    node_conclude(step);
    *ret = step;
    if (ast->optional) g = optional_step(c, base, step, ret);
    close_bind(bind_to, ret);
    close_bind(bind_from, ret);
    return g;
}

/* An operand whose result is a value, not a place, also inside path(…). */
int compile_value(struct compiler *c, struct context x, const struct ast *ast, struct node **ret) {
    bool in_path = c->in_path;
    c->in_path = false;
    if (in_path) x.here = NULL;
    int g = compile(c, x, ast, ret);
    c->in_path = in_path;
    return g;
}

/* ---- the rest ---- */

static int compile_pipe(struct compiler *c, struct context x, const struct ast *ast, struct node **ret) {
    struct node *a, *b;
    int g = compile(c, x, ast->a, &a);
    if (g < 0) return g;
    x.here = a->path;
    g = compile(c, x, ast->b, &b);
    if (g == 0) g = node_make(c, N_PIPE, compile_place(&x, ast->at), a, b, ret);
    if (g == 0) *ret = node_fold(c, *ret);
    return g;
}

static int compile_two(struct compiler *c, struct context x, const struct ast *ast, enum node_type type,
                       struct node **ret) {
    struct node *a, *b;
    int g = compile(c, x, ast->a, &a);
    if (g == 0) g = compile(c, x, ast->b, &b);
    if (g == 0) g = node_make(c, type, compile_place(&x, ast->at), a, b, ret);
    if (g == 0) (*ret)->op = ast->op;
    return g;
}

static int compile_operator(struct compiler *c, struct context x, const struct ast *ast, enum node_type type,
                            struct node **ret) {
    struct node *a, *b;
    int g = compile_value(c, x, ast->a, &a);
    if (g == 0) g = compile_value(c, x, ast->b, &b);
    if (g == 0) g = node_make(c, type, compile_place(&x, ast->at), a, b, ret);
    if (g < 0) return g;
    (*ret)->op = ast->op;
    *ret = node_fold(c, *ret);
    return 0;
}

static int compile_if(struct compiler *c, struct context x, const struct ast *ast, struct node **ret) {
    struct node *n = node_new(c, N_IF, compile_place(&x, ast->at));
    if (!n) return compile_nomem(c);
    int g = compile_value(c, x, ast->a, &n->a);
    if (g == 0) g = compile(c, x, ast->b, &n->b);
    if (g == 0 && ast->c) g = compile(c, x, ast->c, &n->c);
    if (g == 0 && !ast->c) g = compile_identity(c, x, ast->at, &n->c);
    if (g < 0) return g;
    node_conclude(n);
    *ret = node_fold(c, n);
    return 0;
}

int compile_identity(struct compiler *c, struct context x, uint32_t at, struct node **ret) {
    if (x.here && !c->in_path) return node_field(c, x.here, compile_place(&x, at), ret);
    return node_make(c, N_IDENTITY, compile_place(&x, at), NULL, NULL, ret);
}

static int compile_try(struct compiler *c, struct context x, const struct ast *ast, struct node **ret) {
    struct node *body, *handler = NULL;
    struct context inner = x;
    inner.here = NULL;
    int g = compile(c, x, ast->a, &body);
    if (g == 0 && ast->b) g = compile(c, inner, ast->b, &handler);
    return g < 0 ? g : node_make(c, N_TRY, compile_place(&x, ast->at), body, handler, ret);
}

static int compile_array(struct compiler *c, struct context x, const struct ast *ast, struct node **ret) {
    struct node *body = NULL;
    int g = ast->a ? compile_value(c, x, ast->a, &body) : 0;
    return g < 0 ? g : node_make(c, N_ARRAY, compile_place(&x, ast->at), body, NULL, ret);
}

static int compile_list(struct compiler *c, struct context x, const struct ast *ast, struct node *n) {
    n->list = heap_alloc(&c->expr->heap, (ast->n ? ast->n : 1) * sizeof *n->list);
    if (!n->list) return compile_nomem(c);
    for (uint32_t i = 0; i < ast->n; i++) {
        int g = compile_value(c, x, ast->list[i], &n->list[i]);
        if (g < 0) return g;
        n->n = i + 1;
    }
    node_conclude(n);
    return 0;
}

/* Are all keys constant strings, and no two equal? */
static bool has_plain_keys(const struct node *n) {
    if (n->n > PLAIN_MAX) return false;
    for (uint32_t i = 0; i < n->n; i += 2) {
        if (n->list[i]->type != N_CONST || n->list[i]->value.kind != VK_STRING) return false;
        for (uint32_t k = 0; k < i; k += 2)
            if (same_name(n->list[k]->value, n->list[i]->value)) return false;
    }
    return true;
}

/* A key that can never be one is known now. */
int compile_check_key(struct compiler *c, const struct node *key) {
    if (key->type != N_CONST || key->value.kind == VK_STRING) return 0;
    (void)err_set(c->e, G_USAGE, "a %s cannot be an object's key", value_type_name(key->value));
    return compile_fail(c, key->at);
}

/* `{"name":` for the first key, `,"name":` for the others. */
static int write_keys(struct compiler *c, struct node *n) {
    struct buf text = {0};
    int g = 0;
    for (uint32_t i = 0; g == 0 && i < n->n; i += 2) {
        buf_clear(&text);
        g = buf_putc(&text, i == 0 ? '{' : ',');
        if (g == 0) g = value_write(&c->expr->heap, n->list[i]->value, &text);
        if (g == 0) g = buf_putc(&text, ':');
        if (g == 0) g = value_copy_text(&c->expr->heap, text.data, text.len, &n->list[i]->written);
    }
    buf_release(&text);
    return g < 0 ? compile_nomem(c) : 0;
}

static int compile_object(struct compiler *c, struct context x, const struct ast *ast, struct node **ret) {
    struct node *n = node_new(c, N_OBJECT, compile_place(&x, ast->at));
    if (!n) return compile_nomem(c);
    int g = compile_list(c, x, ast, n);
    if (g < 0) return g;
    for (uint32_t i = 0; i < n->n; i += 2) {
        g = compile_check_key(c, n->list[i]);
        if (g < 0) return g;
    }
    n->plain = has_plain_keys(n);
    *ret = n;
    return n->plain ? write_keys(c, n) : 0;
}

static const struct func *format_function(struct compiler *c, struct value name, uint32_t at) {
    const struct func *f = func_find("format", 6, 1);
    static const char *const formats[] = {"text", "json",   "csv",     "tsv",    "html",   "uri",
                                          "sh",   "base64", "base64d", "base32", "base32d"};
    for (size_t i = 0; i < sizeof formats / sizeof formats[0]; i++)
        if (name.n > 1 && strlen(formats[i]) == name.n - 1 && memcmp(formats[i], name.text + 1, name.n - 1) == 0)
            return f;
    (void)err_set(c->e, G_USAGE, "there is no format %.*s", (int)name.n, name.text);
    c->error_at = at;
    return NULL;
}

static int compile_string(struct compiler *c, struct context x, const struct ast *ast, struct node **ret) {
    struct node *n = node_new(c, N_STRING, compile_place(&x, ast->at));
    if (!n) return compile_nomem(c);
    if (ast->name.text) {
        n->func = format_function(c, ast->name, n->at);
        if (!n->func) return G_USAGE;
        n->value = value_text(ast->name.text + 1, ast->name.n - 1);
    }
    *ret = n;
    return compile_list(c, x, ast, n);
}

/* @base64 on its own: format("base64"). */
static int compile_format(struct compiler *c, struct context x, const struct ast *ast, struct node **ret) {
    struct node *n = node_new(c, N_CALL, compile_place(&x, ast->at));
    if (!n) return compile_nomem(c);
    n->func = format_function(c, ast->name, n->at);
    if (!n->func) return G_USAGE;
    n->list = heap_alloc(&c->expr->heap, sizeof *n->list);
    if (!n->list) return compile_nomem(c);
    int g = node_constant(c, value_text(ast->name.text + 1, ast->name.n - 1), n->at, &n->list[0]);
    if (g < 0) return g;
    n->n = 1;
    node_conclude(n);
    *ret = n;
    return 0;
}

static int compile_label(struct compiler *c, struct context x, const struct ast *ast, struct node **ret) {
    struct node *n = node_new(c, N_LABEL, compile_place(&x, ast->at));
    struct scope *s = scope_new(c, x.scope, SCOPE_LABEL, ast->name);
    if (!n || !s) return compile_nomem(c);
    n->slot = s->slot = slot_new(c);
    x.scope = s;
    int g = compile(c, x, ast->a, &n->a);
    if (g < 0) return g;
    node_conclude(n);
    n->path = n->a->path;
    *ret = n;
    return 0;
}

static int compile_break(struct compiler *c, struct context x, const struct ast *ast, struct node **ret) {
    for (const struct scope *s = x.scope; s; s = s->parent) {
        if (s->kind != SCOPE_LABEL || !same_name(s->name, ast->name)) continue;
        int g = node_make(c, N_BREAK, compile_place(&x, ast->at), NULL, NULL, ret);
        if (g == 0) (*ret)->slot = s->slot;
        return g;
    }
    (void)err_set(c->e, G_USAGE, "label $%.*s is not defined", (int)ast->name.n, ast->name.text);
    return compile_fail(c, compile_place(&x, ast->at));
}

static int compile_negate(struct compiler *c, struct context x, const struct ast *ast, struct node **ret) {
    struct node *a;
    int g = compile_value(c, x, ast->a, &a);
    if (g < 0) return g;
    if (a->type == N_CONST && a->value.form == VF_INT && a->value.i != INT64_MIN)
        return node_constant(c, value_int(-a->value.i), compile_place(&x, ast->at), ret);
    return node_make(c, N_NEGATE, compile_place(&x, ast->at), a, NULL, ret);
}

static int compile_location(struct compiler *c, const struct context *x, const struct ast *ast, struct node **ret) {
    struct value object = value_object();
    struct heap *h = &c->expr->heap;
    int64_t line = 1;
    for (uint32_t i = 0; i < ast->at; i++) line += c->expr->text[i] == '\n';
    if (object_set(h, &object, "file", 4, value_text("<top-level>", 11)) < 0 ||
        object_set(h, &object, "line", 4, value_int(line)) < 0)
        return compile_nomem(c);
    return node_constant(c, object, compile_place(x, ast->at), ret);
}

static int compile_descend(struct compiler *c, struct context x, const struct ast *ast, struct node **ret) {
    struct ast call = {.type = AST_CALL, .at = ast->at, .name = value_text("recurse", 7)};
    return compile_builtin(c, x, &call, ret);
}

static int compile_iterate(struct compiler *c, struct context x, const struct ast *ast, struct node **ret) {
    struct node *base, *in, *step;
    int g = compile(c, x, ast->a, &base);
    if (g == 0) g = step_input(c, ast, base, &in);
    if (g == 0) g = node_make(c, N_ITERATE, compile_place(&x, ast->at), in, NULL, &step);
    if (g < 0) return g;
    *ret = step;
    return ast->optional ? optional_step(c, base, step, ret) : 0;
}

static int compile_by_type(struct compiler *c, struct context x, const struct ast *ast, struct node **ret) {
    switch ((enum ast_type)ast->type) {
    case AST_IDENTITY: return compile_identity(c, x, ast->at, ret);
    case AST_CONSTANT: return node_constant(c, settle(ast->name), compile_place(&x, ast->at), ret);
    case AST_STRING: return compile_string(c, x, ast, ret);
    case AST_FORMAT: return compile_format(c, x, ast, ret);
    case AST_INDEX: return compile_index(c, x, ast, ret);
    case AST_SLICE: return compile_slice(c, x, ast, ret);
    case AST_ITERATE: return compile_iterate(c, x, ast, ret);
    case AST_TRY: return compile_try(c, x, ast, ret);
    case AST_ARRAY: return compile_array(c, x, ast, ret);
    case AST_OBJECT: return compile_object(c, x, ast, ret);
    case AST_NEGATE: return compile_negate(c, x, ast, ret);
    case AST_PIPE: return compile_pipe(c, x, ast, ret);
    case AST_COMMA: return compile_two(c, x, ast, N_COMMA, ret);
    case AST_BINARY: return compile_operator(c, x, ast, ast->op >= OP_EQUAL ? N_COMPARE : N_ARITH, ret);
    case AST_AND: return compile_operator(c, x, ast, N_AND, ret);
    case AST_OR: return compile_operator(c, x, ast, N_OR, ret);
    case AST_ALTERNATIVE: return compile_two(c, x, ast, N_ALTERNATIVE, ret);
    case AST_ASSIGN: return compile_assign(c, x, ast, ret);
    case AST_IF: return compile_if(c, x, ast, ret);
    case AST_REDUCE:
    case AST_FOREACH: return compile_fold(c, x, ast, ret);
    case AST_CALL: return compile_call(c, x, ast, ret);
    case AST_VARIABLE: return compile_variable(c, x, ast, ret);
    case AST_LOCATION: return compile_location(c, &x, ast, ret);
    case AST_DEFINE: return compile_define(c, x, ast, ret);
    case AST_BIND: return compile_bind(c, x, ast, ret);
    case AST_LABEL: return compile_label(c, x, ast, ret);
    case AST_BREAK: return compile_break(c, x, ast, ret);
    case AST_PRESET: return node_variable(c, ast->n, compile_place(&x, ast->at), ret);
    default: return compile_descend(c, x, ast, ret);
    }
}

int compile(struct compiler *c, struct context x, const struct ast *ast, struct node **ret) {
    if (++c->depth > DEPTH_MAX || ++c->nodes > NODES_MAX) {
        (void)err_set(c->e, G_USAGE, "the program is too deeply nested or too large for the native engine");
        return compile_fail(c, compile_place(&x, ast->at));
    }
    int g = compile_by_type(c, x, ast, ret);
    c->depth--;
    return g;
}

int plan_compile_tree(struct expr *x, const struct ast *tree, uint32_t *ret_at, struct err *e) {
    struct compiler c = {.expr = x, .e = e};
    const struct context top = {.here = &root_path, .called_at = NOWHERE};
    int g = compile(&c, top, tree, &x->root);
    if (g < 0) *ret_at = c.error_at;
    return g;
}

int plan_compile(struct expr *x, uint32_t *ret_at, struct err *e) {
    struct ast *tree;
    int g = ast_parse(&x->heap, x->text, strlen(x->text), &tree, ret_at, e);
    return g < 0 ? g : plan_compile_tree(x, tree, ret_at, e);
}
