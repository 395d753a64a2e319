/* SPDX-License-Identifier: Apache-2.0 */
/* Nodes of the plan, and what each promises about its results. See compile_impl.h. */
#include <stdlib.h>
#include <string.h>

#include "expr/compile_impl.h"

struct node *node_new(struct compiler *c, enum node_type type, uint32_t at) {
    struct node *n = heap_alloc(&c->expr->heap, sizeof *n);
    if (!n) return NULL;
    *n = (struct node){.type = (uint8_t)type, .at = at};
    return n;
}

struct scope *scope_new(struct compiler *c, struct scope *parent, enum scope_kind kind, struct value name) {
    struct scope *s = heap_alloc(&c->expr->heap, sizeof *s);
    if (s) *s = (struct scope){.parent = parent, .kind = kind, .name = name};
    return s;
}

/* ---- fields of the record ---- */

const struct field_path *path_member(struct compiler *c, const struct field_path *parent, struct value name) {
    struct field_path *p = heap_alloc(&c->expr->heap, sizeof *p);
    if (p) *p = (struct field_path){.parent = parent, .name = name.text, .n = name.n, .depth = parent->depth + 1};
    return p;
}

/* The node for what is at this place of the record. */
int node_field(struct compiler *c, const struct field_path *path, uint32_t at, struct node **ret) {
    struct node *n = node_new(c, path->parent ? N_FIELD : N_IDENTITY, at);
    if (!n) return compile_nomem(c);
    n->single = n->at_most_1 = true;
    n->reads_input = n->type == N_IDENTITY;
    n->path = path;
    *ret = n;
    if (!path->parent) return 0;
    struct json_name *names = malloc(path->depth * sizeof *names);
    if (!names) return compile_nomem(c);
    const struct field_path *p = path;
    for (uint32_t i = path->depth; i-- > 0; p = p->parent) names[i] = (struct json_name){p->name, p->n};
    int g = json_fields_add(&c->expr->set->fields, names, path->depth, &n->slot);
    free(names);
    if (g == 0 && n->slot >= c->expr->set->field_count) c->expr->set->field_count = n->slot + 1;
    return g < 0 ? compile_nomem(c) : 0;
}

/* ---- nodes from nodes ---- */

static bool is_single(const struct node *n) {
    return !n || n->single;
}
static bool is_at_most_1(const struct node *n) {
    return !n || n->at_most_1;
}

static const struct field_path *common_path(const struct node *b, const struct node *c) {
    if (b->type == N_EMPTY) return c->path;
    if (c->type == N_EMPTY || b->path == c->path) return b->path;
    return NULL;
}

/* Does it look at its input? Fields, variables and constants do not, so the record need not be looked at for them. */
static bool reads_input(const struct node *n) {
    switch ((enum node_type)n->type) {
    case N_IDENTITY:
    case N_CALL:
    case N_GETPATH:
    case N_PATHS:
    case N_RECURSE:
    case N_UPDATE:
    case N_WALK: return true;
    case N_PIPE: return n->a->reads_input;
    default: break;
    }
    const struct node *const parts[] = {n->a, n->b, n->c, n->d};
    for (int i = 0; i < 4; i++)
        if (parts[i] && parts[i]->reads_input) return true;
    for (uint32_t i = 0; i < n->n; i++)
        if (n->list[i]->reads_input) return true;
    return false;
}

/* What a finished node promises about its results. */
void node_conclude(struct node *n) {
    n->reads_input = reads_input(n);
    bool single = is_single(n->a) && is_single(n->b) && is_single(n->c);
    bool one = is_at_most_1(n->a) && is_at_most_1(n->b) && is_at_most_1(n->c);
    for (uint32_t i = 0; i < n->n; i++) {
        single = single && n->list[i]->single;
        one = one && n->list[i]->at_most_1;
    }
    switch (n->type) {
    case N_ITERATE:
    case N_COMMA:
    case N_RECURSE:
    case N_RANGE:
    case N_LIMIT:
    case N_FOREACH:
    case N_LABEL: single = one = false; break;
    case N_BREAK:
    case N_EMPTY:
    case N_FIRST: single = false, one = true; break;
    case N_TRY: single = false; break;
    case N_PATHS:
    case N_WALK: single = false, one = false; break;
    case N_ALTERNATIVE:
        single = is_single(n->b) && is_at_most_1(n->a);
        one = is_at_most_1(n->b) && is_at_most_1(n->a);
        break;
    case N_ARRAY:
    case N_UPDATE:
    case N_ANY: single = one = true; break;
    case N_ERROR: single = is_single(n->a), one = is_at_most_1(n->a); break;
    case N_REDUCE: single = is_single(n->b), one = is_at_most_1(n->b); break;
    default: break;
    }
    n->single = single;
    n->at_most_1 = one || single;
    if (n->type == N_PIPE || n->type == N_BIND) n->path = n->b->path;
    if (n->type == N_IF) n->path = common_path(n->b, n->c);
    if (n->type == N_TRY && !n->b) n->path = n->a->path;
}

int node_make(struct compiler *c, enum node_type type, uint32_t at, struct node *a, struct node *b, struct node **ret) {
    struct node *n = node_new(c, type, at);
    if (!n) return compile_nomem(c);
    n->a = a;
    n->b = b;
    node_conclude(n);
    *ret = n;
    return 0;
}

int node_constant(struct compiler *c, struct value v, uint32_t at, struct node **ret) {
    int g = node_make(c, N_CONST, at, NULL, NULL, ret);
    if (g == 0) (*ret)->value = v;
    return g;
}

/* ---- what is known when the program is compiled ---- */

static bool is_constant(const struct node *n) {
    return n->type == N_CONST;
}

/* A comparison of constants; false when it fails, which is left to the run. */
static bool fold_compare(struct compiler *c, const struct node *n, struct value *ret) {
    struct heap *h = &c->expr->heap;
    bool equal = false;
    if (n->op != OP_EQUAL && n->op != OP_UNEQUAL) return false;
    if (value_equal(h, n->a->value, n->b->value, &equal) < 0) return false;
    *ret = value_bool(equal == (n->op == OP_EQUAL));
    return true;
}

/* A function of a constant input and constant arguments. */
static bool fold_call(struct compiler *c, struct value in, const struct node *call, struct value *ret) {
    struct value args[8] = {in};
    if (!call->func->pure || !call->plain || call->n >= 8) return false;
    for (uint32_t i = 0; i < call->n; i++) args[i + 1] = call->list[i]->value;
    return call->func->fn(&c->expr->heap, args, ret) == 0;
}

static bool fold_value(struct compiler *c, const struct node *n, struct value *ret) {
    switch ((enum node_type)n->type) {
    case N_COMPARE: return is_constant(n->a) && is_constant(n->b) && fold_compare(c, n, ret);
    case N_PIPE: return is_constant(n->a) && n->b->type == N_CALL && fold_call(c, n->a->value, n->b, ret);
    case N_AND:
    case N_OR:
        if (!is_constant(n->a) || !is_constant(n->b)) return false;
        *ret = value_bool(n->type == N_AND ? value_truthy(n->a->value) && value_truthy(n->b->value)
                                           : value_truthy(n->a->value) || value_truthy(n->b->value));
        return true;
    default: return false;
    }
}

struct node *node_fold(struct compiler *c, struct node *n) {
    struct value v;
    if (c->in_path) return n;
    if (n->type == N_IF && is_constant(n->a)) return value_truthy(n->a->value) ? n->b : n->c;
    if (!fold_value(c, n, &v)) return n;
    struct node *constant = node_new(c, N_CONST, n->at);
    if (!constant) return n;
    constant->value = v;
    node_conclude(constant);
    return constant;
}
