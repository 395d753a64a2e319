/* SPDX-License-Identifier: Apache-2.0 */
/* Programs with aggregates: taken apart by aggregates_split.c, compiled piece by piece here. See aggregates.h. */
#include "expr/aggregates.h"

#include <stdlib.h>
#include <string.h>

#include "expr/aggregates_impl.h"
#include "expr/caret.h"
#include "expr/eval_impl.h"

struct builder {
    struct splitter split;
    const char *what;
    struct expr_set *records, *results;
    struct aggregate_program *program;
    struct err *e;
};

/* ---- constant arguments ---- */

/* Computed without looking at anything and without loops: it has one result. */
static bool is_constant(const struct node *n) {
    if (!n) return true;
    switch ((enum node_type)n->type) {
    case N_CONST:
    case N_MEMBER:
    case N_PIPE:
    case N_ARITH:
    case N_COMPARE:
    case N_NEGATE:
    case N_AND:
    case N_OR:
    case N_ALTERNATIVE:
    case N_IF:
    case N_CALL: break;
    default: return false;
    }
    for (uint32_t i = 0; i < n->n; i++)
        if (!is_constant(n->list[i])) return false;
    return is_constant(n->a) && is_constant(n->b) && is_constant(n->c) && is_constant(n->d);
}

/* A value that stays: numbers as they are, all else as text in the source's heap. */
static int keep(struct builder *b, struct expr_run *r, struct value v, struct value *ret) {
    if (v.kind <= VK_TRUE || v.form == VF_INT || v.form == VF_DOUBLE) {
        *ret = v;
        return 0;
    }
    struct buf text = {0};
    int g = expr_value_write(r, v, &text, b->e);
    char *copy = g == 0 ? heap_alloc(&b->split.source->heap, text.len) : NULL;
    if (g == 0 && !copy) g = err_nomem(b->e);
    if (g == 0) {
        memcpy(copy, text.data, text.len);
        *ret = value_raw(copy, text.len);
    }
    buf_release(&text);
    return g;
}

static int run_constant(struct builder *b, const struct expr_set *set, const struct expr *x, struct value *ret) {
    static const struct record nothing = {.value_type = VALUE_NONE, .time = NO_TIME};
    const struct expr_input in = {.record = &nothing, .partition = -1};
    struct expr_run *r;
    struct value v;
    int g = expr_run_new(set, &r, b->e);
    if (g < 0) return g;
    expr_begin(r, &in);
    g = expr_first(r, x, &v, b->e);
    if (g > 0) g = keep(b, r, v, ret);
    expr_run_free(r);
    if (g == G_DATA) b->e->grade = G_USAGE; /* it is the program that is wrong */
    return g == G_DATA ? G_USAGE : g;
}

static int constant_value(struct builder *b, const struct split_call *call, struct value *ret) {
    struct expr_set *set = expr_set_new(EXPR_NATIVE);
    const struct ast *tree = split_wrap(b->split.source, call->constant);
    struct expr *x;
    if (!set || !tree) {
        expr_set_free(set);
        return err_nomem(b->e);
    }
    int g = expr_add_tree(set, b->what, b->split.source, tree, SUBJECT_NOTHING, 0, &x, b->e);
    if (g == 0 && !x->root->reads_input && is_constant(x->root)) {
        g = run_constant(b, set, x, ret);
    } else if (g == 0) {
        struct err reason = {0};
        b->split.e = &reason;
        g = words_not_constant(&b->split, &call->call, call->call.list[0] == call->constant ? 0 : 1);
        (void)err_set(b->e, g, "%s: %s", b->what, reason.text);
        g = caret_append(b->e, b->split.source->text, b->split.error_at);
    }
    expr_set_free(set);
    return g;
}

/* ---- the pieces ---- */

/* Calls with the same argument share its program. */
static int compile_argument(struct builder *b, uint32_t i) {
    const struct split_call *calls = b->split.calls;
    struct aggregate_call *call = &b->program->calls[i];
    for (uint32_t k = 0; k < i; k++) {
        if (!ast_equal(calls[k].argument, calls[i].argument)) continue;
        call->argument = b->program->calls[k].argument;
        return 0;
    }
    const struct ast *tree = split_wrap(b->split.source, calls[i].argument);
    if (!tree) return err_nomem(b->e);
    return expr_add_tree(b->records, b->what, b->split.source, tree, SUBJECT_RECORD, 0, &call->argument, b->e);
}

static int compile_call(struct builder *b, uint32_t i) {
    const struct split_call *from = &b->split.calls[i];
    struct aggregate_call *call = &b->program->calls[i];
    const struct ast *ast = &from->call;
    call->name = ast->name.text;
    call->name_size = ast->name.n;
    call->arguments = ast->n;
    call->text = b->split.source->text + ast->at;
    call->text_size = ast->end - ast->at;
    call->at = ast->at;
    int g = from->constant ? constant_value(b, from, &call->constant) : 0;
    return g < 0 || !from->argument ? g : compile_argument(b, i);
}

/* An array, a number: not all that is none, but what is written by mistake. */
static bool never_object(const struct node *root) {
    switch (root->type) {
    case N_ARRAY:
    case N_STRING:
    case N_COMPARE: return true;
    case N_CONST: return root->value.kind != VK_OBJECT;
    case N_ARITH: return root->op != OP_ADD && root->op != OP_MULTIPLY;
    default: return false;
    }
}

static int compile_pieces(struct builder *b) {
    struct aggregate_program *p = b->program;
    size_t n = b->split.n;
    p->calls = calloc(n + 1, sizeof *p->calls);
    if (!p->calls) return err_nomem(b->e);
    p->n = n;
    for (uint32_t i = 0; i < n; i++) {
        int g = compile_call(b, i);
        if (g < 0) return g;
    }
    int g =
        expr_add_tree(b->results, b->what, p->source, p->source->tree, SUBJECT_WINDOW, (uint32_t)n, &p->result, b->e);
    if (g < 0) return g;
    p->reads_window = p->result->root->reads_input || b->results->field_count > 0;
    p->never_object = never_object(p->result->root);
    p->keys_known = p->result->root->type == N_OBJECT && p->result->root->plain;
    return 0;
}

static int split(struct builder *b) {
    struct err reason = {0};
    b->split.e = &reason;
    int g = split_tree(&b->split, PLACE_WINDOW);
    b->split.e = NULL;
    if (g == 0) return 0;
    (void)err_set(b->e, g, "%s: %s", b->what, reason.text);
    return g == G_USAGE ? caret_append(b->e, b->split.source->text, b->split.error_at) : g;
}

int expr_add_aggregates(struct expr_set *records, struct expr_set *results, const char *what, const char *program,
                        const struct aggregate_names *names, const char *const *fields, struct aggregate_program **ret,
                        struct err *e) {
    struct aggregate_program *p = calloc(1, sizeof *p);
    if (!p) return err_nomem(e);
    struct builder b = {.split = {.names = names, .fields = fields},
                        .what = what,
                        .records = records,
                        .results = results,
                        .program = p,
                        .e = e};
    int g = plan_source_new(what, program, &p->source, e);
    b.split.source = p->source;
    if (g == 0) g = split(&b);
    if (g == 0) g = compile_pieces(&b);
    if (g < 0)
        aggregate_program_free(p);
    else
        *ret = p;
    return g;
}

void aggregate_program_free(struct aggregate_program *p) {
    if (!p) return;
    plan_source_leave(p->source);
    free(p->calls);
    free(p);
}

bool aggregate_program_key(const struct aggregate_program *p, size_t i, const char **ret, size_t *ret_size) {
    const struct node *object = p->result->root;
    if (!p->keys_known || 2 * i >= object->n) return false;
    *ret = object->list[2 * i]->value.text;
    *ret_size = object->list[2 * i]->value.n;
    return true;
}

void expr_set_variable(struct expr_run *r, size_t i, struct value v) {
    r->vars[i] = v;
}
