/* SPDX-License-Identifier: Apache-2.0 */
/*
 * path |= f where the path is made of steps: names, keys, [], pipes and conditions. The value is rebuilt along the
 * steps, each container once, so that .[] |= f takes linear time; the way over a list of paths (the prelude's _modify),
 * which everything else takes, would copy the container for each element. See eval_impl.h.
 *
 * An f without a result removes what it was to replace.
 */
#include "expr/eval_impl.h"
#include "expr/func_path.h"
#include "expr/func_text.h"
#include "expr/value_index.h"

/* What is to be done to the value that a path leads to; false in *ret_kept: it goes. */
struct change {
    int (*make)(struct expr_run *r, const struct change *c, struct value v, bool *ret_kept, struct value *ret);
    const struct node *node;
    const struct change *next; /* for steps: what to do behind this one */
    struct value in;           /* what keys and conditions of this step are evaluated on */
};

static int change_at(struct expr_run *r, const struct node *path, struct value v, const struct change *c,
                     bool *ret_kept, struct value *ret);

bool update_is_stepwise(const struct node *n) {
    switch ((enum node_type)n->type) {
    case N_IDENTITY:
    case N_EMPTY: return true;
    case N_MEMBER:
    case N_ITERATE: return update_is_stepwise(n->a);
    case N_INDEX: return n->b->single && update_is_stepwise(n->a);
    case N_PIPE: return update_is_stepwise(n->a) && update_is_stepwise(n->b);
    case N_IF: return n->a->single && update_is_stepwise(n->b) && update_is_stepwise(n->c);
    default: return false;
    }
}

/* The value behind one key, changed. What was null and stays nothing is left as it is. */
static int change_key(struct expr_run *r, const struct node *n, struct value v, struct value key,
                      const struct change *c, struct value *ret) {
    struct value old, new;
    bool kept;
    r->at = n;
    int g = value_index(&r->heap, v, key, &old);
    if (g == 0) g = c->make(r, c, old, &kept, &new);
    if (g < 0) return g;
    r->at = n;
    if (kept) return value_set(&r->heap, v, key, new, ret);
    struct value *path = array_alloc(&r->heap, 1), *paths = array_alloc(&r->heap, 1);
    if (!path || !paths) return G_NOMEM;
    path[0] = key;
    paths[0] = value_array(path, 1);
    return value_delete_paths(&r->heap, v, value_array(paths, 1), ret);
}

static int change_member(struct expr_run *r, const struct change *c, struct value v, bool *ret_kept,
                         struct value *ret) {
    *ret_kept = true;
    return change_key(r, c->node, v, c->node->value, c->next, ret);
}

static int change_index(struct expr_run *r, const struct change *c, struct value v, bool *ret_kept, struct value *ret) {
    struct value key;
    *ret_kept = true;
    int g = eval_one(r, c->node->b, c->in, &key);
    return g < 0 ? g : change_key(r, c->node, v, key, c->next, ret);
}

static int add_changed(struct expr_run *r, struct value whole, struct value name, struct value new, struct value *ret) {
    const char *text;
    size_t n;
    *ret = whole;
    if (whole.kind == VK_ARRAY) return array_append(&r->heap, ret, new);
    int g = value_string(&r->heap, name, &text, &n);
    return g < 0 ? g : object_set_owned(&r->heap, ret, text, n, new);
}

static int change_each(struct expr_run *r, const struct change *c, struct value v, bool *ret_kept, struct value *ret) {
    struct value_iter it;
    struct value name, old, new, whole = value_object();
    bool kept;
    int g;
    *ret_kept = true;
    r->at = c->node;
    if (v.kind != VK_ARRAY && v.kind != VK_OBJECT) return throw_not_iterable(&r->heap, v);
    if (v.kind == VK_ARRAY) {
        const struct value *items = array_alloc(&r->heap, 0);
        if (!items) return G_NOMEM;
        whole = value_array(items, 0);
    }
    value_iter_init(&it, v);
    while ((g = value_iter_next(&r->heap, &it, &name, &old)) > 0) {
        g = run_step(r);
        if (g == 0) g = c->next->make(r, c->next, old, &kept, &new);
        if (g == 0 && kept) g = add_changed(r, whole, name, new, &whole);
        if (g < 0) return g;
    }
    *ret = whole;
    return g;
}

/* The right side of a pipe, on what the left side leads to. */
static int change_behind(struct expr_run *r, const struct change *c, struct value v, bool *ret_kept,
                         struct value *ret) {
    return change_at(r, c->node->b, v, c->next, ret_kept, ret);
}

static int change_at(struct expr_run *r, const struct node *path, struct value v, const struct change *c,
                     bool *ret_kept, struct value *ret) {
    struct change step = {.node = path, .next = c, .in = v};
    struct value truth;
    int g = run_deeper(r);
    if (g < 0) return g;
    switch ((enum node_type)path->type) {
    case N_IDENTITY: return c->make(r, c, v, ret_kept, ret);
    case N_MEMBER: step.make = change_member; return change_at(r, path->a, v, &step, ret_kept, ret);
    case N_INDEX: step.make = change_index; return change_at(r, path->a, v, &step, ret_kept, ret);
    case N_ITERATE: step.make = change_each; return change_at(r, path->a, v, &step, ret_kept, ret);
    case N_PIPE: step.make = change_behind; return change_at(r, path->a, v, &step, ret_kept, ret);
    case N_IF:
        g = eval_one(r, path->a, v, &truth);
        return g < 0 ? g : change_at(r, value_truthy(truth) ? path->b : path->c, v, c, ret_kept, ret);
    default: /* empty: no place at all */
        *ret_kept = true;
        *ret = v;
        return 0;
    }
}

/* The first result of f in place of the old value. */
static int change_value(struct expr_run *r, const struct change *c, struct value v, bool *ret_kept, struct value *ret) {
    if (!c->node->single) return eval_first(r, c->node, v, ret_kept, ret);
    *ret_kept = true;
    return eval_one(r, c->node, v, ret);
}

int eval_update(struct expr_run *r, const struct node *n, struct value in, struct value *ret) {
    const struct change f = {.make = change_value, .node = n->b};
    bool kept;
    int g = change_at(r, n->a, in, &f, &kept, ret);
    if (g == 0 && !kept) *ret = value_null(); /* the whole value went */
    return g;
}
