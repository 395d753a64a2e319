/* SPDX-License-Identifier: Apache-2.0 */
/* Programs, sets of them, and running them: see expr.h. */
#include "expr/expr.h"

#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "expr/caret.h"
#include "expr/eval_impl.h"
#include "expr/jq_engine.h"

#define MESSAGE_MAX 300 /* bytes of what a program raised that are shown */

/* ---- programs ---- */

struct expr_set *expr_set_new(enum expr_engine engine) {
    struct expr_set *s = calloc(1, sizeof *s);
    if (!s) return NULL;
    s->wanted = engine;
    if (json_fields_init(&s->fields) == 0) return s;
    expr_set_free(s);
    return NULL;
}

static void expr_free(struct expr *x) {
    if (!x) return;
    jq_engine_free(x->jq);
    heap_release(&x->heap);
    free(x->what);
    if (!x->source) free(x->text);
    plan_source_leave(x->source);
    free(x);
}

void expr_set_free(struct expr_set *s) {
    if (!s) return;
    for (size_t i = 0; i < s->n; i++) expr_free(s->programs[i]);
    free(s->programs);
    unseen_watch_free(s->watch);
    json_fields_release(&s->fields);
    free(s);
}

/* jq's turn. If it refuses the program, too, our own words are the better ones: they have a caret. */
static int open_jq(struct expr *x, const struct err *native, uint32_t at, struct err *e) {
    struct err jq = {0};
    int g = jq_engine_open(x->text, &x->jq, &jq);
    if (g == 0) {
        x->engine = EXPR_JQ;
        (void)snprintf(x->reason, sizeof x->reason, "%.*s", (int)sizeof x->reason - 1, native->text);
        return 0;
    }
    if (g == G_NOMEM) return err_nomem(e);
    if (native->text[0] == '\0') return err_set(e, g == G_ABSENT ? G_USAGE : g, "%s: %s", x->what, jq.text);
    (void)err_set(e, G_USAGE, "%s: %s%s%s", x->what, native->text, g == G_ABSENT ? "; " : "",
                  g == G_ABSENT ? jq.text : "");
    return caret_append(e, x->text, at);
}

static int compile_expr(struct expr *x, struct err *e) {
    struct err native = {0};
    uint32_t at = 0;
    if (x->set->wanted == EXPR_JQ) {
        int g = open_jq(x, &native, 0, e);
        if (g == 0) (void)snprintf(x->reason, sizeof x->reason, "it was asked for");
        return g;
    }
    int g = plan_compile(x, &at, &native);
    if (g == 0) {
        x->engine = EXPR_NATIVE;
        return 0;
    }
    if (g == G_USAGE && x->set->wanted == EXPR_AUTO) return open_jq(x, &native, at, e);
    (void)err_set(e, g, "%s: %s", x->what, native.text);
    return g == G_USAGE ? caret_append(e, x->text, at) : g;
}

/* A program of the set that is not compiled yet. NULL: no memory. */
static struct expr *expr_new(struct expr_set *s, const char *what) {
    struct expr **more = realloc(s->programs, (s->n + 1) * sizeof *more);
    struct expr *x = calloc(1, sizeof *x);
    if (more) s->programs = more; /* with room for it */
    if (!more || !x) {
        free(x);
        return NULL;
    }
    heap_init(&x->heap, 0);
    x->set = s;
    x->what = strdup(what);
    if (x->what) return x;
    expr_free(x);
    return NULL;
}

/* It goes to its set if compiling it went well. */
static int expr_join(struct expr *x, int g, struct expr **ret) {
    struct expr_set *s = x->set;
    if (g < 0) {
        expr_free(x);
        return g;
    }
    if (x->vars > s->vars) s->vars = x->vars;
    s->programs[s->n++] = x;
    *ret = x;
    return 0;
}

int expr_add(struct expr_set *s, const char *what, const char *program, struct expr **ret, struct err *e) {
    struct expr *x = expr_new(s, what);
    if (!x) return err_nomem(e);
    x->text = strdup(program);
    return expr_join(x, x->text ? compile_expr(x, e) : err_nomem(e), ret);
}

int expr_add_tree(struct expr_set *s, const char *what, struct plan_source *source, const struct ast *tree,
                  enum plan_subject subject, uint32_t presets, struct expr **ret, struct err *e) {
    struct expr *x = expr_new(s, what);
    struct err native = {0};
    uint32_t at = 0;
    if (!x) return err_nomem(e);
    x->source = source;
    source->users++;
    x->text = source->text;
    x->subject = subject;
    x->vars = presets;
    x->engine = EXPR_NATIVE;
    int g = plan_compile_tree(x, tree, &at, &native);
    if (g < 0) (void)err_set(e, g, "%s: %s", what, native.text);
    if (g == G_USAGE) g = caret_append(e, source->text, at);
    return expr_join(x, g, ret);
}

/* ---- runs ---- */

/* What the evaluator may use of the stack: three quarters of what the system gives, no more than 6 MiB. */
static size_t stack_budget(void) {
    struct rlimit limit;
    size_t most = (size_t)8 << 20;
    if (getrlimit(RLIMIT_STACK, &limit) == 0 && limit.rlim_cur < most) most = (size_t)limit.rlim_cur;
    return most / 4 * 3;
}

int expr_run_new(const struct expr_set *s, struct expr_run **ret, struct err *e) {
    struct expr_run *r = calloc(1, sizeof *r);
    struct expr_set *set = (struct expr_set *)(uintptr_t)s; /* the first run closes the set */
    if (!r) return err_nomem(e);
    r->set = s;
    heap_init(&r->heap, 0);
    r->found = calloc(s->field_count + 1, sizeof *r->found);
    r->vars = calloc(s->vars + 1, sizeof *r->vars);
    if (!r->found || !r->vars || unseen_begin(r) < 0 || (!s->sealed && json_fields_compile(&set->fields) < 0)) {
        expr_run_free(r);
        return err_nomem(e);
    }
    set->sealed = true;
    r->stack_budget = stack_budget();
    *ret = r;
    return 0;
}

void expr_run_free(struct expr_run *r) {
    if (!r) return;
    heap_release(&r->heap);
    buf_release(&r->text);
    unseen_release(r);
    free(r->found);
    free(r->vars);
    free(r);
}

void expr_begin(struct expr_run *r, const struct expr_input *in) {
    heap_reset(&r->heap);
    r->in = *in;
    r->unseen.begun++;
    r->stack_floor = (const char *)__builtin_frame_address(0) - r->stack_budget;
    r->root_ready = r->found_ready = r->too_deep = false;
}

struct heap *expr_heap(struct expr_run *r) {
    return &r->heap;
}

/* As much of a text as a message has room for. */
static int whole_characters(const char *text, size_t n) {
    if (n > MESSAGE_MAX)
        for (n = MESSAGE_MAX; n > 0 && ((unsigned char)text[n] & 0xC0) == 0x80;) n--;
    return (int)n;
}

/* What went wrong, in words, with the program and a caret. */
static int explain_error(struct expr_run *r, const struct expr *x, int g, struct err *e) {
    if (g == G_NOMEM && r->too_deep) return err_set(e, G_DATA, "%s: the recursion is too deep", x->what);
    if (g == G_NOMEM && r->heap.exhausted)
        return err_set(e, G_DATA, "%s: more than %zu MiB of memory are needed for one record", x->what,
                       r->heap.limit >> 20);
    if (g == G_NOMEM) return err_nomem(e);
    if (g == G_STOPPED) return err_set(e, g, "stopped by a signal");
    if (g == STOP_BREAK || g == STOP_ENOUGH) return err_set(e, G_BUG, "%s: a jump without a target", x->what);
    struct value v = r->heap.thrown;
    const char *text;
    size_t n;
    buf_clear(&r->text);
    if (v.kind == VK_STRING && value_string(&r->heap, v, &text, &n) == 0)
        (void)err_set(e, g, "%s: %.*s", x->what, whole_characters(text, n), text);
    else if (value_write_canonical(&r->heap, v, false, &r->text) == 0)
        (void)err_set(e, g, "%s: (not a string): %.*s", x->what, whole_characters(r->text.data, r->text.len),
                      r->text.data);
    else
        (void)err_set(e, g, "%s: error", x->what);
    return r->at ? caret_append(e, x->text, r->at->at) : g;
}

struct emitter {
    struct sink sink;
    expr_emit *emit;
    void *ctx;
};

static int emit_put(struct expr_run *r, struct sink *k, struct value v) {
    struct emitter *m = (struct emitter *)k;
    r->emit_result = m->emit(m->ctx, r, v);
    return r->emit_result == 0 ? 0 : STOP_EMIT;
}

/* The input of the program, if it looks at it. */
static int start(struct expr_run *r, const struct expr *x, struct value *ret) {
    r->at = NULL;
    *ret = value_null();
    return x->root->reads_input ? run_root(r, ret) : 0;
}

static int native_each(struct expr_run *r, const struct expr *x, expr_emit *emit, void *ctx) {
    struct emitter m = {{emit_put}, emit, ctx};
    struct value in;
    int g = start(r, x, &in);
    if (g < 0) return g;
    if (!x->root->single) return eval_each(r, x->root, in, &m.sink);
    struct value v;
    g = eval_one(r, x->root, in, &v);
    return g < 0 ? g : emit_put(r, &m.sink, v);
}

struct jq_emitter {
    struct expr_run *run;
    const struct expr *expr;
    struct err *e;
    expr_emit *emit;
    void *ctx;
};

/* A result of jq is text; it becomes a value of ours that lives as long as ours do. */
static int jq_put(void *ctx, const char *json, size_t n) {
    struct jq_emitter *m = ctx;
    char *copy = heap_alloc(&m->run->heap, n);
    if (!copy) {
        m->run->emit_result = explain_error(m->run, m->expr, G_NOMEM, m->e);
        return STOP_EMIT;
    }
    memcpy(copy, json, n);
    m->run->emit_result = m->emit(m->ctx, m->run, value_raw(copy, n));
    return m->run->emit_result == 0 ? 0 : STOP_EMIT;
}

static int as_json(struct expr_run *r, struct value v, struct json_slice *ret) {
    struct buf text = {0};
    int g = value_write(&r->heap, v, &text);
    char *copy = g == 0 ? heap_alloc(&r->heap, text.len) : NULL;
    if (g == 0 && !copy) g = G_NOMEM;
    if (g == 0) {
        memcpy(copy, text.data, text.len);
        *ret = (struct json_slice){.p = copy, .n = text.len};
    }
    buf_release(&text);
    return g;
}

static int jq_variables(struct expr_run *r, struct jq_vars *vars) {
    struct json_slice *slices[RECORD_VARS] = {&vars->key,       &vars->time,   &vars->topic,
                                              &vars->partition, &vars->offset, &vars->headers};
    for (unsigned i = 0; i < RECORD_VARS; i++) {
        struct value v;
        int g = run_variable(r, i, &v);
        if (g == 0) g = as_json(r, v, slices[i]);
        if (g < 0) return g;
    }
    return 0;
}

static int jq_each(struct expr_run *r, const struct expr *x, expr_emit *emit, void *ctx, struct err *e) {
    struct jq_emitter m = {r, x, e, emit, ctx};
    struct jq_vars vars = {0};
    struct json_slice in;
    struct value root;
    r->at = NULL;
    int g = run_root(r, &root);
    if (g == 0) g = as_json(r, root, &in);
    if (g == 0 && jq_engine_reads_vars(x->jq)) g = jq_variables(r, &vars);
    if (g < 0) return explain_error(r, x, g, e);
    g = jq_engine_run(x->jq, in.p, in.n, &vars, jq_put, &m, e);
    if (g == STOP_EMIT) return r->emit_result;
    return g < 0 ? err_prefix(e, "%s: ", x->what) : g;
}

int expr_each(struct expr_run *r, const struct expr *x, expr_emit *emit, void *ctx, struct err *e) {
    if (x->engine == EXPR_JQ) return jq_each(r, x, emit, ctx, e);
    int g = native_each(r, x, emit, ctx);
    if (g == STOP_EMIT) return r->emit_result;
    return g < 0 ? explain_error(r, x, g, e) : g;
}

/* ---- one result ---- */

#define FOUND 1

struct finder {
    bool truthy; /* look for one that is */
    struct value value;
};

static int find_put(void *ctx, struct expr_run *r, struct value v) {
    struct finder *f = ctx;
    (void)r;
    if (f->truthy && !value_truthy(v)) return 0;
    f->value = v;
    return FOUND;
}

int expr_true(struct expr_run *r, const struct expr *x, bool *ret, struct err *e) {
    struct finder f = {.truthy = true};
    if (x->engine != EXPR_JQ && x->root->single) {
        struct value in;
        int bad = start(r, x, &in);
        if (bad == 0) bad = eval_truth(r, x->root, in, ret);
        return bad < 0 ? explain_error(r, x, bad, e) : 0;
    }
    int g = expr_each(r, x, find_put, &f, e);
    if (g < 0) return g;
    *ret = g == FOUND;
    return 0;
}

int expr_first(struct expr_run *r, const struct expr *x, struct value *ret, struct err *e) {
    struct finder f = {.truthy = false};
    if (x->engine != EXPR_JQ && x->root->single) { /* straight into *ret: a copy would wait for it to be written */
        struct value in;
        int g = start(r, x, &in);
        if (g == 0) g = eval_one(r, x->root, in, ret);
        return g < 0 ? explain_error(r, x, g, e) : FOUND;
    }
    int g = expr_each(r, x, find_put, &f, e);
    if (g == FOUND) *ret = f.value;
    return g;
}

/* ---- results as bytes ---- */

static int value_error(struct expr_run *r, int g, struct err *e) {
    if (g == G_NOMEM && !r->heap.exhausted) return err_nomem(e);
    return err_set(e, G_DATA, "result is too large or too deeply nested to be written");
}

int expr_value_bytes(struct expr_run *r, struct value v, const char **ret, size_t *ret_size, struct err *e) {
    int g;
    if (v.kind == VK_STRING) {
        g = value_string(&r->heap, v, ret, ret_size);
        return g < 0 ? value_error(r, g, e) : 0;
    }
    struct json_slice text;
    g = as_json(r, v, &text);
    if (g < 0) return value_error(r, g, e);
    *ret = text.p;
    *ret_size = text.n;
    return 0;
}

int expr_write_only(struct expr_run *r, const struct expr *x, struct buf *out, struct err *e) {
    if (x->engine == EXPR_JQ || !x->root->single) return 0;
    struct value in;
    size_t before = out->len;
    int g = start(r, x, &in);
    if (g == 0) g = eval_write(r, x->root, in, out);
    if (g == 0) return 1;
    out->len = before;
    return explain_error(r, x, g, e);
}

const char *expr_member_name(const struct expr *x, size_t *ret_size) {
    const struct field_path *path = x->engine == EXPR_NATIVE && x->root->type == N_FIELD ? x->root->path : NULL;
    if (!path || !path->parent || path->parent->parent) return NULL;
    *ret_size = path->n;
    return path->name;
}

int expr_value_write(struct expr_run *r, struct value v, struct buf *out, struct err *e) {
    int g = value_write(&r->heap, v, out);
    return g < 0 ? value_error(r, g, e) : 0;
}
