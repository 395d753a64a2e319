/* SPDX-License-Identifier: Apache-2.0 */
/* Nodes with a loop of their own: reduce, foreach, recurse, walk, any, all. See eval_impl.h. */
#include "expr/eval_impl.h"

/* ---- reduce and foreach ---- */

struct fold {
    struct sink source, update; /* of the elements; of the new states */
    const struct node *node;
    struct value state;
    bool updated;
    struct sink *next;
};

static int update_put(struct expr_run *r, struct sink *k, struct value v) {
    struct fold *f = (struct fold *)((char *)k - offsetof(struct fold, update));
    f->state = v;
    f->updated = true;
    if (f->node->type == N_REDUCE) return 0;
    return f->node->d ? eval_each(r, f->node->d, v, f->next) : f->next->put(r, f->next, v);
}

/* One element: the state becomes the last result of the update; null when a reduction has none, as in jq 1.6. */
static int source_put(struct expr_run *r, struct sink *k, struct value v) {
    struct fold *f = (struct fold *)k;
    const struct node *n = f->node;
    int g = run_step(r);
    if (g < 0) return g;
    struct value outer = r->vars[n->slot];
    r->vars[n->slot] = v;
    if (n->c->single && n->type == N_REDUCE) {
        g = eval_one(r, n->c, f->state, &f->state);
    } else {
        f->updated = false;
        g = eval_each(r, n->c, f->state, &f->update);
        if (g == 0 && !f->updated && n->type == N_REDUCE) f->state = value_null();
    }
    r->vars[n->slot] = outer;
    return g;
}

struct start {
    struct sink sink;
    const struct node *node;
    struct value in;
    struct sink *next;
};

static int start_put(struct expr_run *r, struct sink *k, struct value init) {
    struct start *s = (struct start *)k;
    struct fold f = {.source = {source_put}, .update = {update_put}, .node = s->node, .state = init, .next = s->next};
    int g = eval_each(r, s->node->a, s->in, &f.source);
    if (g < 0 || s->node->type == N_FOREACH) return g;
    return s->next->put(r, s->next, f.state);
}

int eval_fold(struct expr_run *r, const struct node *n, struct value in, struct sink *k) {
    struct start s = {{start_put}, n, in, k};
    return eval_each(r, n->b, in, &s.sink);
}

/* ---- recurse ---- */

struct descent {
    struct sink sink;
    const struct node *node;
    struct sink *next;
};

static int descend(struct expr_run *r, struct sink *k, struct value v) {
    struct descent *d = (struct descent *)k;
    int g = run_step(r);
    if (g == 0) g = run_deeper(r);
    if (g == 0) g = d->next->put(r, d->next, v);
    return g < 0 ? g : eval_each(r, d->node->a, v, k);
}

/* With no more than one result each, the recursion is a loop and may be endless. */
static int chain(struct expr_run *r, const struct node *n, struct value v, struct sink *k) {
    for (bool found = true; found;) {
        int g = run_step(r);
        if (g == 0) g = k->put(r, k, v);
        if (g == 0) g = eval_first(r, n->a, v, &found, &v);
        if (g < 0) return g;
    }
    return 0;
}

int eval_recurse(struct expr_run *r, const struct node *n, struct value in, struct sink *k) {
    struct descent d = {{descend}, n, k};
    return n->a->at_most_1 ? chain(r, n, in, k) : descend(r, &d.sink, in);
}

/* ---- walk ---- */

struct rebuild {
    struct sink sink;
    struct value whole; /* what is being built */
    const char *name;   /* of the member in hand; NULL in arrays */
    size_t size;
};

static int rebuild_put(struct expr_run *r, struct sink *k, struct value v) {
    struct rebuild *b = (struct rebuild *)k;
    if (!b->name) return array_append(&r->heap, &b->whole, v);
    return object_set_owned(&r->heap, &b->whole, b->name, b->size, v);
}

static int walk_inside(struct expr_run *r, const struct node *n, struct value in, struct value *ret) {
    struct rebuild b = {.sink = {rebuild_put}, .whole = value_object()};
    struct value_iter it;
    struct value name, v;
    int g;
    if (in.kind == VK_ARRAY) {
        const struct value *items = array_alloc(&r->heap, 0);
        if (!items) return G_NOMEM;
        b.whole = value_array(items, 0);
    }
    value_iter_init(&it, in);
    while ((g = value_iter_next(&r->heap, &it, &name, &v)) > 0) {
        if (in.kind == VK_OBJECT) g = value_string(&r->heap, name, &b.name, &b.size);
        if (g >= 0) g = eval_walk(r, n, v, &b.sink);
        if (g < 0) return g;
    }
    if (g == 0) *ret = b.whole;
    return g;
}

int eval_walk(struct expr_run *r, const struct node *n, struct value in, struct sink *k) {
    int g = run_deeper(r);
    if (g == 0 && (in.kind == VK_ARRAY || in.kind == VK_OBJECT)) g = walk_inside(r, n, in, &in);
    return g < 0 ? g : eval_each(r, n->a, in, k);
}

/* ---- any and all ---- */

struct search {
    struct sink element, answer;
    const struct node *node;
    bool found;
};

static int answer_put(struct expr_run *r, struct sink *k, struct value v) {
    (void)r;
    struct search *s = (struct search *)((char *)k - offsetof(struct search, answer));
    s->found = value_truthy(v) != s->node->op;
    return s->found ? STOP_ENOUGH : 0;
}

static int element_put(struct expr_run *r, struct sink *k, struct value v) {
    struct search *s = (struct search *)k;
    return eval_each(r, s->node->b, v, &s->answer);
}

int eval_any(struct expr_run *r, const struct node *n, struct value in, struct value *ret) {
    struct search s = {{element_put}, {answer_put}, n, false};
    int g = eval_each(r, n->a, in, &s.element);
    if (g < 0 && !(g == STOP_ENOUGH && s.found)) return g;
    *ret = value_bool(s.found != n->op);
    return 0;
}
