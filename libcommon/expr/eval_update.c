/* SPDX-License-Identifier: Apache-2.0 */
/*
 * path |= f where the path is made of steps: names, keys, [], pipes and conditions. The value is rebuilt along the
 * steps, each container once, so that .[] |= f takes linear time; the way over a list of paths (the prelude's _modify),
 * which everything else takes, would copy the container for each element. See eval_impl.h.
 */
#include "expr/eval_impl.h"
#include "expr/func_path.h"
#include "expr/func_text.h"
#include "expr/value_index.h"

/* What became of a value: SAME where the path led nowhere, so that nothing is made on the way there; GONE where f had
 * no result for it. */
enum outcome { CHANGED, GONE, SAME };

/* What is to be done to the value that a path leads to. *ret is set with CHANGED. */
struct change {
    int (*make)(struct expr_run *r, const struct change *c, struct value v, enum outcome *ret_how, struct value *ret);
    const struct node *node;
    const struct change *next; /* for steps: what to do behind this one */
    struct value in;           /* what keys of this step are evaluated on */
};

static int change_at(struct expr_run *r, const struct node *path, struct value v, const struct change *c,
                     enum outcome *ret_how, struct value *ret);

/* .a? and its like, which the compiler makes of a step on its own input. */
static bool is_optional_step(const struct node *n) {
    if (n->type != N_TRY || n->b) return false;
    n = n->a;
    if (n->type == N_INDEX) return n->b->single && n->a->type == N_IDENTITY;
    return (n->type == N_MEMBER || n->type == N_ITERATE) && n->a->type == N_IDENTITY;
}

bool update_is_stepwise(const struct node *n) {
    switch ((enum node_type)n->type) {
    case N_IDENTITY:
    case N_EMPTY: return true;
    case N_TRY: return is_optional_step(n);
    case N_MEMBER:
    case N_ITERATE: return update_is_stepwise(n->a);
    case N_INDEX: return n->b->single && update_is_stepwise(n->a);
    case N_PIPE: return update_is_stepwise(n->a) && update_is_stepwise(n->b);
    case N_IF: return n->a->single && update_is_stepwise(n->b) && update_is_stepwise(n->c);
    default: return false;
    }
}

static int remove_key(struct expr_run *r, struct value v, struct value key, struct value *ret) {
    struct value *path = array_alloc(&r->heap, 1), *paths = array_alloc(&r->heap, 1);
    if (!path || !paths) return G_NOMEM;
    path[0] = key;
    paths[0] = value_array(path, 1);
    return value_delete_paths(&r->heap, v, value_array(paths, 1), ret);
}

/* The value behind one key, changed. */
static int change_key(struct expr_run *r, const struct node *n, struct value v, struct value key,
                      const struct change *c, enum outcome *ret_how, struct value *ret) {
    struct value old, new;
    enum outcome how;
    r->at = n;
    int g = value_index(&r->heap, v, key, &old);
    if (g == 0) g = c->make(r, c, old, &how, &new);
    if (g < 0) return g;
    if (how == GONE && v.kind == VK_NULL) how = SAME; /* there was nothing to remove it from */
    *ret_how = how == SAME ? SAME : CHANGED;
    r->at = n;
    if (how == SAME) return 0;
    return how == GONE ? remove_key(r, v, key, ret) : value_set(&r->heap, v, key, new, ret);
}

static int change_member(struct expr_run *r, const struct change *c, struct value v, enum outcome *ret_how,
                         struct value *ret) {
    return change_key(r, c->node, v, c->node->value, c->next, ret_how, ret);
}

static int change_index(struct expr_run *r, const struct change *c, struct value v, enum outcome *ret_how,
                        struct value *ret) {
    struct value key;
    int g = eval_one(r, c->node->b, c->in, &key);
    return g < 0 ? g : change_key(r, c->node, v, key, c->next, ret_how, ret);
}

static int add_element(struct expr_run *r, struct value whole, struct value name, struct value new, struct value *ret) {
    const char *text;
    size_t n;
    *ret = whole;
    if (whole.kind == VK_ARRAY) return array_append(&r->heap, ret, new);
    int g = value_string(&r->heap, name, &text, &n);
    return g < 0 ? g : object_set_owned(&r->heap, ret, text, n, new);
}

static int empty_like(struct expr_run *r, struct value v, struct value *ret) {
    *ret = value_object();
    if (v.kind == VK_OBJECT) return 0;
    const struct value *items = array_alloc(&r->heap, 0);
    *ret = value_array(items, 0);
    return items ? 0 : G_NOMEM;
}

static int change_each(struct expr_run *r, const struct change *c, struct value v, enum outcome *ret_how,
                       struct value *ret) {
    struct value_iter it;
    struct value name, old, new, whole;
    enum outcome how;
    *ret_how = CHANGED;
    r->at = c->node;
    if (v.kind != VK_ARRAY && v.kind != VK_OBJECT) return throw_not_iterable(&r->heap, v);
    int g = empty_like(r, v, &whole);
    if (g < 0) return g;
    value_iter_init(&it, v);
    while ((g = value_iter_next(&r->heap, &it, &name, &old)) > 0) {
        g = run_step(r);
        if (g == 0) g = c->next->make(r, c->next, old, &how, &new);
        if (g == 0 && how != GONE) g = add_element(r, whole, name, how == SAME ? old : new, &whole);
        if (g < 0) return g;
    }
    *ret = whole;
    return g;
}

/* The right side of a pipe, on what the left side leads to. */
static int change_behind(struct expr_run *r, const struct change *c, struct value v, enum outcome *ret_how,
                         struct value *ret) {
    return change_at(r, c->node->b, v, c->next, ret_how, ret);
}

/* An optional step leads nowhere where the step alone is an error; errors behind it are not its own. */
static int change_optional(struct expr_run *r, const struct node *step, struct value v, const struct change *c,
                           enum outcome *ret_how, struct value *ret) {
    struct value key = step->value, ignored;
    int g = 0;
    if (step->type == N_INDEX) g = eval_one(r, step->b, v, &key);
    if (step->type == N_ITERATE)
        g = v.kind == VK_ARRAY || v.kind == VK_OBJECT ? 0 : G_DATA;
    else if (g == 0)
        g = value_index(&r->heap, v, key, &ignored);
    if (g == 0) return change_at(r, step, v, c, ret_how, ret);
    *ret_how = SAME;
    return g == G_DATA ? 0 : g;
}

static int change_at(struct expr_run *r, const struct node *path, struct value v, const struct change *c,
                     enum outcome *ret_how, struct value *ret) {
    struct change step = {.node = path, .next = c, .in = v};
    struct value truth;
    int g = run_deeper(r);
    if (g < 0) return g;
    switch ((enum node_type)path->type) {
    case N_IDENTITY: return c->make(r, c, v, ret_how, ret);
    case N_MEMBER: step.make = change_member; return change_at(r, path->a, v, &step, ret_how, ret);
    case N_INDEX: step.make = change_index; return change_at(r, path->a, v, &step, ret_how, ret);
    case N_ITERATE: step.make = change_each; return change_at(r, path->a, v, &step, ret_how, ret);
    case N_PIPE: step.make = change_behind; return change_at(r, path->a, v, &step, ret_how, ret);
    case N_TRY: return change_optional(r, path->a, v, c, ret_how, ret);
    case N_IF:
        g = eval_one(r, path->a, v, &truth);
        return g < 0 ? g : change_at(r, value_truthy(truth) ? path->b : path->c, v, c, ret_how, ret);
    default: *ret_how = SAME; return 0; /* empty: no place at all */
    }
}

/* The first result of f in place of the old value. */
static int change_value(struct expr_run *r, const struct change *c, struct value v, enum outcome *ret_how,
                        struct value *ret) {
    bool found = true;
    int g = c->node->single ? eval_one(r, c->node, v, ret) : eval_first(r, c->node, v, &found, ret);
    *ret_how = found ? CHANGED : GONE;
    return g;
}

int eval_update(struct expr_run *r, const struct node *n, struct value in, struct value *ret) {
    const struct change f = {.make = change_value, .node = n->b};
    enum outcome how;
    int g = change_at(r, n->a, in, &f, &how, ret);
    if (g == 0 && how == SAME) *ret = in;
    if (g == 0 && how == GONE) *ret = value_null();
    return g;
}
