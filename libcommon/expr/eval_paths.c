/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Inside path(…): the same walk over the plan, but each result comes with the way that leads to it from the start. A
 * result that was computed has no way (its path is null); that is an error as soon as somebody goes on from it, or at
 * the end. See eval_impl.h.
 */
#include "expr/eval_impl.h"
#include "expr/func_text.h"
#include "expr/value_index.h"

/* What most cases need: a sink of places and one of values over the same state. */
struct step {
    struct path_sink places;
    struct sink values;
    const struct node *node;
    struct place in;
    struct value key, first;
    bool any, beyond;
    struct path_sink *next;
};
#define STEP_OF_VALUES(k) ((struct step *)((char *)(k)-offsetof(struct step, values)))

/* A short form of a value for a message, as jq cuts it. */
static int say_value(struct expr_run *r, const char *before, struct value v) {
    struct value text;
    int g = func_find("tojson", 6, 0)->fn(&r->heap, &v, &text);
    if (g < 0) return g;
    bool cut = text.n > 29;
    return heap_throw(&r->heap, "Invalid path expression %s %.*s%s", before, cut ? 26 : (int)text.n, text.text,
                      cut ? "..." : "");
}

static int lost(struct expr_run *r, const struct node *n, struct value v, const struct value *key) {
    char before[160];
    struct value text;
    r->at = n;
    if (!key) return say_value(r, "near attempt to iterate through", v);
    int g = func_find("tojson", 6, 0)->fn(&r->heap, key, &text);
    if (g < 0) return g;
    (void)snprintf(before, sizeof before, "near attempt to access element %.*s of", text.n > 80 ? 80 : (int)text.n,
                   text.text);
    return say_value(r, before, v);
}

static int append(struct expr_run *r, struct place p, struct value key, struct value v, struct path_sink *k) {
    struct place further = {p.path, v};
    int g = array_append(&r->heap, &further.path, key);
    return g < 0 ? g : k->put(r, k, further);
}

/* ---- .name, [key], [from:to], [] ---- */

static int access_place(struct expr_run *r, struct path_sink *k, struct place p) {
    struct step *s = (struct step *)k;
    struct value v;
    if (p.path.kind == VK_NULL) return lost(r, s->node, p.value, &s->key);
    r->at = s->node;
    int g = value_index(&r->heap, p.value, s->key, &v);
    return g < 0 ? g : append(r, p, s->key, v, s->next);
}

static int access_key(struct expr_run *r, struct sink *k, struct value key) {
    struct step *s = STEP_OF_VALUES(k);
    struct value outer = s->key;
    s->key = key;
    int g = eval_paths(r, s->node->a, s->in, &s->places);
    s->key = outer;
    return g;
}

static int member_paths(struct expr_run *r, const struct node *n, struct place in, struct path_sink *k) {
    struct step s = {.places = {access_place}, .node = n, .in = in, .key = n->value, .next = k};
    return eval_paths(r, n->a, in, &s.places);
}

static int index_paths(struct expr_run *r, const struct node *n, struct place in, struct path_sink *k) {
    struct step s = {.places = {access_place}, .values = {access_key}, .node = n, .in = in, .next = k};
    return eval_each(r, n->b, in.value, &s.values);
}

static int slice_key(struct expr_run *r, struct value from, struct value to, struct value *ret) {
    struct value key = value_object();
    int g = object_set(&r->heap, &key, "start", 5, from);
    if (g == 0) g = object_set(&r->heap, &key, "end", 3, to);
    *ret = key;
    return g;
}

static int slice_to(struct expr_run *r, struct sink *k, struct value to) {
    struct step *s = STEP_OF_VALUES(k);
    int g = slice_key(r, s->first, to, &s->key);
    return g < 0 ? g : eval_paths(r, s->node->a, s->in, &s->places);
}

static int slice_from(struct expr_run *r, struct sink *k, struct value from) {
    struct step *s = STEP_OF_VALUES(k);
    s->first = from;
    if (!s->node->c) return slice_to(r, k, value_null());
    s->values.put = slice_to;
    int g = eval_each(r, s->node->c, s->in.value, &s->values);
    s->values.put = slice_from;
    return g;
}

static int slice_paths(struct expr_run *r, const struct node *n, struct place in, struct path_sink *k) {
    struct step s = {.places = {access_place}, .values = {slice_from}, .node = n, .in = in, .next = k};
    return n->b ? eval_each(r, n->b, in.value, &s.values) : slice_from(r, &s.values, value_null());
}

static int iterate_place(struct expr_run *r, struct path_sink *k, struct place p) {
    struct step *s = (struct step *)k;
    struct value_iter it;
    struct value name, v;
    int64_t i = 0;
    int g;
    if (p.path.kind == VK_NULL) return lost(r, s->node, p.value, NULL);
    r->at = s->node;
    if (p.value.kind != VK_ARRAY && p.value.kind != VK_OBJECT) return throw_not_iterable(&r->heap, p.value);
    value_iter_init(&it, p.value);
    while ((g = value_iter_next(&r->heap, &it, &name, &v)) > 0) {
        g = append(r, p, p.value.kind == VK_ARRAY ? value_int(i++) : name, v, s->next);
        if (g < 0) return g;
    }
    return g;
}

static int getpath_put(struct expr_run *r, struct sink *k, struct value path) {
    struct step *s = STEP_OF_VALUES(k);
    const struct value args[2] = {s->in.value, path};
    struct place p = s->in;
    r->at = s->node;
    int g = p.path.kind == VK_NULL ? lost(r, s->node, p.value, &path) : s->node->func->fn(&r->heap, args, &p.value);
    struct value_iter it;
    struct value name, key;
    if (g < 0) return g;
    value_iter_init(&it, path);
    while ((g = value_iter_next(&r->heap, &it, &name, &key)) > 0) {
        g = array_append(&r->heap, &p.path, key);
        if (g < 0) return g;
    }
    return g < 0 ? g : s->next->put(r, s->next, p);
}

/* ---- control ---- */

static int pipe_place(struct expr_run *r, struct path_sink *k, struct place p) {
    struct step *s = (struct step *)k;
    return eval_paths(r, s->node->b, p, s->next);
}

static int condition_put(struct expr_run *r, struct sink *k, struct value v) {
    struct step *s = STEP_OF_VALUES(k);
    return eval_paths(r, value_truthy(v) ? s->node->b : s->node->c, s->in, s->next);
}

static int guarded_place(struct expr_run *r, struct path_sink *k, struct place p) {
    struct step *s = (struct step *)k;
    if (s->node->type == N_ALTERNATIVE && !value_truthy(p.value)) return 0;
    s->any = true;
    int g = s->next->put(r, s->next, p);
    s->beyond = g < 0;
    return g;
}

static int alternative_paths(struct expr_run *r, const struct node *n, struct place in, struct path_sink *k) {
    struct step s = {.places = {guarded_place}, .node = n, .next = k};
    int g = eval_paths(r, n->a, in, &s.places);
    if (g < 0 && (s.beyond || g != G_DATA)) return g;
    return s.any ? 0 : eval_paths(r, n->b, in, k);
}

static int try_paths(struct expr_run *r, const struct node *n, struct place in, struct path_sink *k) {
    struct step s = {.places = {guarded_place}, .node = n, .next = k};
    int g = eval_paths(r, n->a, in, &s.places);
    if (g != G_DATA || s.beyond) return g;
    return n->b ? eval_paths(r, n->b, (struct place){value_null(), r->heap.thrown}, k) : 0;
}

static int bind_put(struct expr_run *r, struct sink *k, struct value v) {
    struct step *s = STEP_OF_VALUES(k);
    struct value outer = r->vars[s->node->slot];
    r->vars[s->node->slot] = v;
    int g = eval_paths(r, s->node->b, s->in, s->next);
    r->vars[s->node->slot] = outer;
    return g;
}

static int label_paths(struct expr_run *r, const struct node *n, struct place in, struct path_sink *k) {
    struct value outer = r->vars[n->slot];
    uint64_t id = ++r->labels;
    r->vars[n->slot] = value_int((int64_t)id);
    int g = eval_paths(r, n->a, in, k);
    r->vars[n->slot] = outer;
    return g == STOP_BREAK && r->break_to == id ? 0 : g;
}

/* ---- loops ---- */

struct fold {
    struct path_sink start, update;
    struct sink source;
    const struct node *node;
    struct place in, state;
    bool updated;
    struct path_sink *next;
};

static int update_place(struct expr_run *r, struct path_sink *k, struct place p) {
    struct fold *f = (struct fold *)((char *)k - offsetof(struct fold, update));
    f->state = p;
    f->updated = true;
    if (f->node->type == N_REDUCE) return 0;
    return f->node->d ? eval_paths(r, f->node->d, p, f->next) : f->next->put(r, f->next, p);
}

static int source_put(struct expr_run *r, struct sink *k, struct value v) {
    struct fold *f = (struct fold *)((char *)k - offsetof(struct fold, source));
    int g = run_step(r);
    if (g < 0) return g;
    struct value outer = r->vars[f->node->slot];
    r->vars[f->node->slot] = v;
    f->updated = false;
    g = eval_paths(r, f->node->c, f->state, &f->update);
    if (g == 0 && !f->updated && f->node->type == N_REDUCE) f->state = (struct place){value_null(), value_null()};
    r->vars[f->node->slot] = outer;
    return g;
}

static int start_place(struct expr_run *r, struct path_sink *k, struct place p) {
    struct fold *f = (struct fold *)k;
    struct fold inner = *f;
    inner.state = p;
    int g = eval_each(r, f->node->a, f->in.value, &inner.source);
    if (g < 0 || f->node->type == N_FOREACH) return g;
    return f->next->put(r, f->next, inner.state);
}

static int fold_paths(struct expr_run *r, const struct node *n, struct place in, struct path_sink *k) {
    struct fold f = {
        .start = {start_place}, .update = {update_place}, .source = {source_put}, .node = n, .in = in, .next = k};
    return eval_paths(r, n->b, in, &f.start);
}

static int recurse_place(struct expr_run *r, struct path_sink *k, struct place p) {
    struct step *s = (struct step *)k;
    int g = run_step(r);
    if (g == 0) g = run_deeper(r);
    if (g == 0) g = s->next->put(r, s->next, p);
    return g < 0 ? g : eval_paths(r, s->node->a, p, k);
}

struct limiter {
    struct path_sink places;
    struct sink values;
    const struct node *node;
    struct place in;
    int64_t left;
    bool enough;
    struct path_sink *next;
};

static int limit_place(struct expr_run *r, struct path_sink *k, struct place p) {
    struct limiter *l = (struct limiter *)k;
    l->left--;
    int g = l->next->put(r, l->next, p);
    if (g < 0) return g;
    l->enough = l->left <= 0;
    return l->enough ? STOP_ENOUGH : 0;
}

static int limit_paths(struct expr_run *r, const struct node *n, int64_t count, const struct node *body,
                       struct place in, struct path_sink *k) {
    struct limiter l = {.places = {limit_place}, .node = n, .left = count, .next = k};
    int g = eval_paths(r, body, in, &l.places);
    return g == STOP_ENOUGH && l.enough ? 0 : g;
}

static int limit_by_value(struct expr_run *r, const struct node *n, struct place in, struct path_sink *k) {
    struct value count;
    int g = eval_one(r, n->a, in.value, &count);
    if (g < 0) return g;
    double d = count.kind == VK_NUMBER ? value_to_double(count) : -1;
    if (d == 0) return 0;
    if (!(d > 0)) return eval_paths(r, n->b, in, k);
    return limit_paths(r, n, d > 9e18 ? INT64_MAX : (int64_t)d + ((double)(int64_t)d < d), n->b, in, k);
}

/* ---- computed results ---- */

/* jq takes a result for the place if it is the very value that is there: `. as $x | $x`, null for null. */
static bool is_same(struct value a, struct value b) {
    if (a.kind != b.kind) return false;
    if (a.kind <= VK_TRUE) return true;
    if (a.form != b.form) return false;
    return a.kind == VK_NUMBER && a.form != VF_RAW ? a.i == b.i : a.n == b.n && a.text == b.text;
}

static int computed_put(struct expr_run *r, struct sink *k, struct value v) {
    struct step *s = STEP_OF_VALUES(k);
    if (is_same(v, s->in.value)) return s->next->put(r, s->next, s->in);
    return s->next->put(r, s->next, (struct place){value_null(), v});
}

/* Nobody wants a place that is none. */
struct final {
    struct path_sink places;
    const struct node *node;
    struct path_sink *next;
};

static int final_place(struct expr_run *r, struct path_sink *k, struct place p) {
    struct final *f = (struct final *)k;
    if (p.path.kind != VK_NULL) return f->next->put(r, f->next, p);
    r->at = f->node;
    return say_value(r, "with result", p.value);
}

static int paths_by_type(struct expr_run *r, const struct node *n, struct place in, struct path_sink *k) {
    struct step s = {.node = n, .in = in, .next = k};
    int g;
    switch ((enum node_type)n->type) {
    case N_IDENTITY: return k->put(r, k, in);
    case N_MEMBER: return member_paths(r, n, in, k);
    case N_INDEX: return index_paths(r, n, in, k);
    case N_SLICE: return slice_paths(r, n, in, k);
    case N_ITERATE: s.places.put = iterate_place; return eval_paths(r, n->a, in, &s.places);
    case N_PIPE: s.places.put = pipe_place; return eval_paths(r, n->a, in, &s.places);
    case N_COMMA: g = eval_paths(r, n->a, in, k); return g < 0 ? g : eval_paths(r, n->b, in, k);
    case N_IF: s.values.put = condition_put; return eval_each(r, n->a, in.value, &s.values);
    case N_ALTERNATIVE: return alternative_paths(r, n, in, k);
    case N_TRY: return try_paths(r, n, in, k);
    case N_BIND: s.values.put = bind_put; return eval_each(r, n->a, in.value, &s.values);
    case N_LABEL: return label_paths(r, n, in, k);
    case N_REDUCE:
    case N_FOREACH: return fold_paths(r, n, in, k);
    case N_RECURSE: s.places.put = recurse_place; return recurse_place(r, &s.places, in);
    case N_FIRST: return limit_paths(r, n, 1, n->a, in, k);
    case N_LIMIT: return limit_by_value(r, n, in, k);
    case N_GETPATH: s.values.put = getpath_put; return eval_each(r, n->a, in.value, &s.values);
    default: s.values.put = computed_put; return eval_each(r, n, in.value, &s.values);
    }
}

int eval_paths(struct expr_run *r, const struct node *n, struct place in, struct path_sink *k) {
    int g = run_deeper(r);
    return g < 0 ? g : paths_by_type(r, n, in, k);
}

int eval_path_set(struct expr_run *r, const struct node *n, struct value in, struct path_sink *k) {
    struct final f = {{final_place}, n, k};
    const struct value *none = array_alloc(&r->heap, 0);
    if (!none) return G_NOMEM;
    return eval_paths(r, n->a, (struct place){value_array(none, 0), in}, &f.places);
}
