/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Nodes that give any number of results: each goes to a sink as it is found. A generator inside a generator is a sink
 * that runs the outer part for each result of the inner one, so results come in jq's order. See eval_impl.h.
 */
#include "expr/eval_impl.h"
#include "expr/func_text.h"
#include "expr/value_index.h"

/* A sink that goes on with a node and then with the next sink. */
struct then {
    struct sink sink;
    const struct node *node;
    struct sink *next;
};

static int then_each(struct expr_run *r, struct sink *k, struct value v) {
    struct then *t = (struct then *)k;
    return eval_each(r, t->node, v, t->next);
}

static int pipe_each(struct expr_run *r, const struct node *n, struct value in, struct sink *k) {
    if (n->a->single) {
        struct value v;
        int g = eval_one(r, n->a, in, &v);
        return g < 0 ? g : eval_each(r, n->b, v, k);
    }
    struct then t = {{then_each}, n->b, k};
    return eval_each(r, n->a, in, &t.sink);
}

static int comma_each(struct expr_run *r, const struct node *n, struct value in, struct sink *k) {
    int g = eval_each(r, n->a, in, k);
    return g < 0 ? g : eval_each(r, n->b, in, k);
}

/* ---- operators whose operands give several results: the right one is the outer loop, as in jq ---- */

struct operands {
    struct sink left, right; /* of which n->a and n->b give their results to */
    const struct node *node;
    struct value in, b;
    struct sink *next;
};

static int apply(struct expr_run *r, const struct node *n, struct value a, struct value b, struct value *ret) {
    if (n->type == N_ARITH) return eval_arith(r, n, a, b, ret);
    if (n->type == N_COMPARE) return eval_compare(r, n, a, b, ret);
    r->at = n;
    return value_index(&r->heap, a, b, ret);
}

static int left_put(struct expr_run *r, struct sink *k, struct value a) {
    struct operands *o = (struct operands *)k;
    struct value v;
    int g = apply(r, o->node, a, o->b, &v);
    return g < 0 ? g : o->next->put(r, o->next, v);
}

static int right_put(struct expr_run *r, struct sink *k, struct value b) {
    struct operands *o = (struct operands *)((char *)k - offsetof(struct operands, right));
    struct value outer = o->b;
    o->b = b;
    int g = eval_each(r, o->node->a, o->in, &o->left);
    o->b = outer;
    return g;
}

static int operator_each(struct expr_run *r, const struct node *n, struct value in, struct sink *k) {
    struct operands o = {.left = {left_put}, .right = {right_put}, .node = n, .in = in, .next = k};
    return eval_each(r, n->b, in, &o.right);
}

/* ---- and, or ---- */

struct logic {
    struct sink sink;
    const struct node *node; /* NULL: the second operand gives the answer */
    struct value in;
    struct sink *next;
};

static int truth_put(struct expr_run *r, struct sink *k, struct value v) {
    struct logic *l = (struct logic *)k;
    return l->next->put(r, l->next, value_bool(value_truthy(v)));
}

static int logic_put(struct expr_run *r, struct sink *k, struct value v) {
    struct logic *l = (struct logic *)k;
    if (value_truthy(v) != (l->node->type == N_AND)) return l->next->put(r, l->next, value_bool(value_truthy(v)));
    struct logic second = {{truth_put}, NULL, value_null(), l->next};
    return eval_each(r, l->node->b, l->in, &second.sink);
}

/* ---- a // b ---- */

struct alternative {
    struct sink sink;
    struct sink *next;
    bool any;    /* a truthy result was there */
    bool beyond; /* an error came from behind us, not from a */
};

static int alternative_put(struct expr_run *r, struct sink *k, struct value v) {
    struct alternative *a = (struct alternative *)k;
    if (!value_truthy(v)) return 0;
    a->any = true;
    int g = a->next->put(r, a->next, v);
    a->beyond = g < 0;
    return g;
}

static int alternative_each(struct expr_run *r, const struct node *n, struct value in, struct sink *k) {
    struct alternative a = {.sink = {alternative_put}, .next = k};
    int g = eval_each(r, n->a, in, &a.sink);
    if (g < 0 && (a.beyond || g != G_DATA)) return g;
    return a.any ? 0 : eval_each(r, n->b, in, k);
}

/* ---- if ---- */

struct branches {
    struct sink sink;
    const struct node *node;
    struct value in;
    struct sink *next;
};

static int condition_put(struct expr_run *r, struct sink *k, struct value v) {
    struct branches *b = (struct branches *)k;
    return eval_each(r, value_truthy(v) ? b->node->b : b->node->c, b->in, b->next);
}

static int if_each(struct expr_run *r, const struct node *n, struct value in, struct sink *k) {
    if (n->a->single) {
        struct value v;
        int g = eval_one(r, n->a, in, &v);
        return g < 0 ? g : eval_each(r, value_truthy(v) ? n->b : n->c, in, k);
    }
    struct branches b = {{condition_put}, n, in, k};
    return eval_each(r, n->a, in, &b.sink);
}

/* ---- try ---- */

struct guard {
    struct sink sink;
    struct sink *next;
    bool beyond;
};

static int guard_put(struct expr_run *r, struct sink *k, struct value v) {
    struct guard *t = (struct guard *)k;
    int g = t->next->put(r, t->next, v);
    t->beyond = g < 0;
    return g;
}

static int try_each(struct expr_run *r, const struct node *n, struct value in, struct sink *k) {
    struct guard t = {.sink = {guard_put}, .next = k};
    int g = eval_each(r, n->a, in, &t.sink);
    if (g != G_DATA || t.beyond) return g;
    return n->b ? eval_each(r, n->b, r->heap.thrown, k) : 0;
}

/* ---- several results of parts that are put together: an object, a string, arguments of a function ---- */

struct combination {
    struct sink sink;
    const struct node *node;
    uint32_t at;     /* the part whose results come in here */
    bool last_outer; /* the last part is the outer loop: strings and arguments; objects: the first */
    struct value in;
    struct value *values;
    struct sink *next;
};

static int combine(struct expr_run *r, const struct combination *c, uint32_t done);

static int combination_put(struct expr_run *r, struct sink *k, struct value v) {
    struct combination *c = (struct combination *)k;
    struct value outer = c->values[c->at];
    c->values[c->at] = v;
    int g = combine(r, c, c->last_outer ? c->node->n - c->at : c->at + 1);
    c->values[c->at] = outer;
    return g;
}

/* `done` parts have their value; go on with the next. */
static int combine(struct expr_run *r, const struct combination *c, uint32_t done) {
    const struct node *n = c->node;
    if (done == n->n) {
        struct value v;
        int g = eval_list(r, n, c->in, c->values, &v);
        return g < 0 ? g : c->next->put(r, c->next, v);
    }
    struct combination inner = *c;
    inner.sink.put = combination_put;
    inner.at = c->last_outer ? n->n - 1 - done : done;
    return eval_each(r, n->list[inner.at], c->in, &inner.sink);
}

static int combine_each(struct expr_run *r, const struct node *n, struct value in, struct sink *k) {
    struct combination c = {.node = n, .last_outer = n->type != N_OBJECT, .in = in, .next = k};
    c.values = heap_alloc(&r->heap, (n->n ? n->n : 1) * sizeof *c.values);
    return c.values ? combine(r, &c, 0) : G_NOMEM;
}

/* ---- access ---- */

static int iterate_put(struct expr_run *r, struct sink *k, struct value v) {
    struct then *t = (struct then *)k;
    struct value_iter it;
    struct value name, element;
    int g;
    r->at = t->node;
    if (v.kind != VK_ARRAY && v.kind != VK_OBJECT) return throw_not_iterable(&r->heap, v);
    value_iter_init(&it, v);
    while ((g = value_iter_next(&r->heap, &it, &name, &element)) > 0) {
        g = run_step(r);
        if (g == 0) g = t->next->put(r, t->next, element);
        if (g < 0) return g;
    }
    return g;
}

static int iterate_each(struct expr_run *r, const struct node *n, struct value in, struct sink *k) {
    struct then t = {{iterate_put}, n, k};
    if (!n->a->single) return eval_each(r, n->a, in, &t.sink);
    struct value v;
    int g = eval_one(r, n->a, in, &v);
    return g < 0 ? g : iterate_put(r, &t.sink, v);
}

/* One operand gives several values; each is put through `node` with that operand in a place of its own. */
static int member_put(struct expr_run *r, struct sink *k, struct value v) {
    struct then *t = (struct then *)k;
    struct value member;
    int g;
    r->at = t->node;
    if (t->node->type == N_NEGATE)
        g = eval_negate(r, v, &member);
    else
        g = value_index_name(&r->heap, v, t->node->value.text, t->node->value.n, &member);
    return g < 0 ? g : t->next->put(r, t->next, member);
}

struct slicing {
    struct sink whole, from, to;
    const struct node *node;
    struct value in, first, last;
    struct sink *next;
};

static int slice_whole(struct expr_run *r, struct sink *k, struct value v) {
    struct slicing *s = (struct slicing *)k;
    struct value part;
    r->at = s->node;
    int g = value_slice(&r->heap, v, s->first, s->last, &part);
    return g < 0 ? g : s->next->put(r, s->next, part);
}

static int slice_to(struct expr_run *r, struct sink *k, struct value v) {
    struct slicing *s = (struct slicing *)((char *)k - offsetof(struct slicing, to));
    s->last = v;
    return eval_each(r, s->node->a, s->in, &s->whole);
}

static int slice_from(struct expr_run *r, struct sink *k, struct value v) {
    struct slicing *s = (struct slicing *)((char *)k - offsetof(struct slicing, from));
    s->first = v;
    return s->node->c ? eval_each(r, s->node->c, s->in, &s->to) : slice_to(r, &s->to, value_null());
}

static int slice_each(struct expr_run *r, const struct node *n, struct value in, struct sink *k) {
    struct slicing s = {{slice_whole}, {slice_from}, {slice_to}, n, in, value_null(), value_null(), k};
    return n->b ? eval_each(r, n->b, in, &s.from) : slice_from(r, &s.from, value_null());
}

/* ---- variables, labels ---- */

struct binding {
    struct sink sink;
    const struct node *node;
    struct value in;
    struct sink *next;
};

/* The slot is restored behind each, since the body may come here again for another value before it is done. */
static int bind_put(struct expr_run *r, struct sink *k, struct value v) {
    struct binding *b = (struct binding *)k;
    struct value outer = r->vars[b->node->slot];
    r->vars[b->node->slot] = v;
    int g = eval_each(r, b->node->b, b->in, b->next);
    r->vars[b->node->slot] = outer;
    return g;
}

static int bind_each(struct expr_run *r, const struct node *n, struct value in, struct sink *k) {
    struct binding b = {{bind_put}, n, in, k};
    if (!n->a->single) return eval_each(r, n->a, in, &b.sink);
    struct value v;
    int g = eval_one(r, n->a, in, &v);
    return g < 0 ? g : bind_put(r, &b.sink, v);
}

static int label_each(struct expr_run *r, const struct node *n, struct value in, struct sink *k) {
    struct value outer = r->vars[n->slot];
    uint64_t id = ++r->labels;
    r->vars[n->slot] = value_int((int64_t)id);
    int g = eval_each(r, n->a, in, k);
    r->vars[n->slot] = outer;
    return g == STOP_BREAK && r->break_to == id ? 0 : g;
}

/* ---- range, limit, first ---- */

static int range_double(struct expr_run *r, double from, double to, double by, struct sink *k) {
    for (double x = from; by > 0 ? x < to : x > to; x += by) {
        int g = run_step(r);
        if (g == 0) g = k->put(r, k, value_double(x));
        if (g < 0) return g;
        if (by == 0) break; /* as jq 1.6: nothing or endless; we say one */
    }
    return 0;
}

static int range_int(struct expr_run *r, int64_t from, int64_t to, int64_t by, struct sink *k) {
    for (int64_t x = from; by > 0 ? x < to : x > to;) {
        int g = run_step(r);
        if (g == 0) g = k->put(r, k, value_int(x));
        if (g < 0) return g;
        if (__builtin_add_overflow(x, by, &x)) break;
    }
    return 0;
}

static int range_each(struct expr_run *r, const struct node *n, struct value in, struct sink *k) {
    struct value v[3];
    const struct node *parts[3] = {n->a, n->b, n->c};
    int64_t i[3];
    double d[3];
    bool whole = true;
    for (int p = 0; p < 3; p++) {
        int g = eval_one(r, parts[p], in, &v[p]);
        if (g < 0) return g;
        r->at = n;
        if (v[p].kind != VK_NUMBER) return heap_throw(&r->heap, "Range bounds must be numeric");
        whole = value_number(v[p], &i[p], &d[p]) && whole;
    }
    if (whole && i[2] != 0) return range_int(r, i[0], i[1], i[2], k);
    double by = value_to_double(v[2]);
    if (by == 0 || by != by) return 0;
    return range_double(r, value_to_double(v[0]), value_to_double(v[1]), by, k);
}

struct limiter {
    struct sink sink;
    int64_t left;
    bool enough; /* it was us who stopped */
    struct sink *next;
};

static int limit_put(struct expr_run *r, struct sink *k, struct value v) {
    struct limiter *l = (struct limiter *)k;
    l->left--;
    int g = l->next->put(r, l->next, v);
    if (g < 0) return g;
    l->enough = l->left <= 0;
    return l->enough ? STOP_ENOUGH : 0;
}

static int limit_each(struct expr_run *r, const struct node *n, struct value in, struct sink *k) {
    struct value count;
    int g = eval_one(r, n->a, in, &count);
    if (g < 0) return g;
    double d = count.kind == VK_NUMBER ? value_to_double(count) : count.kind > VK_NUMBER ? 1e18 : -1;
    if (d == 0) return 0;
    if (!(d > 0)) return eval_each(r, n->b, in, k); /* as jq 1.6 has it */
    struct limiter l = {{limit_put}, d > 9e18 ? INT64_MAX : (int64_t)d + ((double)(int64_t)d < d), false, k};
    g = eval_each(r, n->b, in, &l.sink);
    return g == STOP_ENOUGH && l.enough ? 0 : g;
}

struct taker {
    struct sink sink;
    bool found;
    struct value value;
};

static int take(struct expr_run *r, struct sink *k, struct value v) {
    (void)r;
    struct taker *t = (struct taker *)k;
    t->found = true;
    t->value = v;
    return STOP_ENOUGH;
}

int eval_first(struct expr_run *r, const struct node *n, struct value in, bool *ret_found, struct value *ret) {
    struct taker t = {.sink = {take}};
    int g = eval_each(r, n, in, &t.sink);
    if (g < 0 && !(g == STOP_ENOUGH && t.found)) return g;
    *ret_found = t.found;
    *ret = t.value;
    return 0;
}

static int first_each(struct expr_run *r, const struct node *n, struct value in, struct sink *k) {
    bool found;
    struct value v;
    int g = eval_first(r, n->a, in, &found, &v);
    if (g < 0 || !found) return g;
    return k->put(r, k, v);
}

/* ---- errors, places ---- */

static int error_put(struct expr_run *r, struct sink *k, struct value v) {
    r->at = ((struct then *)k)->node;
    return heap_throw_value(&r->heap, v);
}

struct path_taker {
    struct path_sink sink;
    struct sink *next;
};

static int path_put(struct expr_run *r, struct path_sink *k, struct place p) {
    struct path_taker *t = (struct path_taker *)k;
    return t->next->put(r, t->next, p.path);
}

static int paths_each(struct expr_run *r, const struct node *n, struct value in, struct sink *k) {
    struct path_taker t = {{path_put}, k};
    return eval_path_set(r, n, in, &t.sink);
}

static int getpath_put(struct expr_run *r, struct sink *k, struct value path) {
    struct binding *b = (struct binding *)k;
    const struct value args[2] = {b->in, path};
    struct value v;
    r->at = b->node;
    int g = b->node->func->fn(&r->heap, args, &v);
    return g < 0 ? g : b->next->put(r, b->next, v);
}

static int one_each(struct expr_run *r, const struct node *n, struct value in, struct sink *k) {
    struct value v;
    int g = eval_one(r, n, in, &v);
    return g < 0 ? g : k->put(r, k, v);
}

static int each_by_type(struct expr_run *r, const struct node *n, struct value in, struct sink *k) {
    struct then then = {{member_put}, n, k};
    struct binding binding = {{getpath_put}, n, in, k};
    struct logic logic = {{logic_put}, n, in, k};
    switch ((enum node_type)n->type) {
    case N_PIPE: return pipe_each(r, n, in, k);
    case N_COMMA: return comma_each(r, n, in, k);
    case N_MEMBER:
    case N_NEGATE: return eval_each(r, n->a, in, &then.sink);
    case N_INDEX:
    case N_ARITH:
    case N_COMPARE: return operator_each(r, n, in, k);
    case N_SLICE: return slice_each(r, n, in, k);
    case N_ITERATE: return iterate_each(r, n, in, k);
    case N_AND:
    case N_OR: return eval_each(r, n->a, in, &logic.sink);
    case N_ALTERNATIVE: return alternative_each(r, n, in, k);
    case N_IF: return if_each(r, n, in, k);
    case N_TRY: return try_each(r, n, in, k);
    case N_OBJECT:
    case N_STRING:
    case N_CALL: return combine_each(r, n, in, k);
    case N_BIND: return bind_each(r, n, in, k);
    case N_REDUCE:
    case N_FOREACH: return eval_fold(r, n, in, k);
    case N_LABEL: return label_each(r, n, in, k);
    case N_BREAK: r->break_to = (uint64_t)r->vars[n->slot].i; return STOP_BREAK;
    case N_RECURSE: return eval_recurse(r, n, in, k);
    case N_RANGE: return range_each(r, n, in, k);
    case N_LIMIT: return limit_each(r, n, in, k);
    case N_FIRST: return first_each(r, n, in, k);
    case N_WALK: return eval_walk(r, n, in, k);
    case N_EMPTY: return 0;
    case N_ERROR: then.sink.put = error_put; return eval_each(r, n->a, in, &then.sink);
    case N_PATHS: return paths_each(r, n, in, k);
    case N_GETPATH: return eval_each(r, n->a, in, &binding.sink);
    default: return one_each(r, n, in, k);
    }
}

int eval_each(struct expr_run *r, const struct node *n, struct value in, struct sink *k) {
    int g = run_deeper(r);
    if (g == 0) g = run_step(r);
    if (g < 0) return g;
    if (n->single && n->type != N_ALTERNATIVE && n->type != N_REDUCE) return one_each(r, n, in, k);
    return each_by_type(r, n, in, k);
}
