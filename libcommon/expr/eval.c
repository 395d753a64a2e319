/* SPDX-License-Identifier: Apache-2.0 */
/* Nodes that give exactly one result: the hot path of most programs. See eval_impl.h. */
#include <string.h>

#include "expr/eval_impl.h"
#include "expr/func_arith.h"
#include "expr/value_index.h"
#include "json/double.h"

int eval_arith(struct expr_run *r, const struct node *n, struct value a, struct value b, struct value *ret) {
    struct heap *h = &r->heap;
    r->at = n;
    switch (n->op) {
    case OP_ADD: return value_add(h, a, b, ret);
    case OP_SUBTRACT: return value_subtract(h, a, b, ret);
    case OP_MULTIPLY: return value_multiply(h, a, b, ret);
    case OP_DIVIDE: return value_divide(h, a, b, ret);
    default: return value_modulo(h, a, b, ret);
    }
}

static bool holds(enum ast_op op, int order) {
    switch (op) {
    case OP_LESS: return order < 0;
    case OP_LESS_EQUAL: return order <= 0;
    case OP_GREATER: return order > 0;
    default: return order >= 0;
    }
}

/* A string of the record against one of the program, which mostly differ in their first bytes: no need to look for
 * escapes in the rest. False: it takes value_equal to tell. */
static inline bool text_equal(struct value raw, struct value text, bool *ret) {
    if (raw.kind != VK_STRING || raw.form != VF_RAW || text.form != VF_TEXT) return false;
    uint32_t i = 0;
    for (; i < text.n && i + 1 < raw.n; i++) {
        char c = raw.text[i + 1];
        if (c == '\\') return false;
        if (c == text.text[i] && c != '"') continue;
        *ret = false;
        return true;
    }
    if (i + 1 >= raw.n || raw.text[i + 1] == '\\') return false;
    *ret = raw.text[i + 1] == '"';
    return true;
}

/* Two integers, or two numbers that doubles hold exactly; false for the rest, NaN among it. */
static inline bool number_order(struct value a, struct value b, int *ret) {
    const int64_t exact = (int64_t)1 << 53;
    int64_t i = 0, k = 0;
    double x = 0, y = 0;
    bool whole_a = value_number(a, &i, &x), whole_b = value_number(b, &k, &y);
    *ret = (i > k) - (i < k);
    if (whole_a && whole_b) return true;
    if (i < -exact || i > exact || k < -exact || k > exact) return false;
    if (whole_a) x = (double)i;
    if (whole_b) y = (double)k;
    *ret = (x > y) - (x < y);
    return x == x && y == y;
}

static int compare(struct expr_run *r, const struct node *n, struct value a, struct value b, bool *ret) {
    int order, g = 0;
    r->at = n;
    if (n->op == OP_EQUAL || n->op == OP_UNEQUAL) {
        bool equal = false;
        if (!text_equal(a, b, &equal)) g = value_equal(&r->heap, a, b, &equal);
        if (g == 0) *ret = equal == (n->op == OP_EQUAL);
        return g;
    }
    if (a.kind == VK_NUMBER && b.kind == VK_NUMBER && number_order(a, b, &order)) {
        *ret = holds(n->op, order);
        return 0;
    }
    g = value_compare(&r->heap, a, b, &order);
    if (g == 0) *ret = holds(n->op, order);
    return g;
}

int eval_compare(struct expr_run *r, const struct node *n, struct value a, struct value b, struct value *ret) {
    bool truth = false;
    int g = compare(r, n, a, b, &truth);
    if (g == 0) *ret = value_bool(truth);
    return g;
}

/* eval_one without a call of its own for what most operands are. */
static inline int operand(struct expr_run *r, const struct node *n, struct value in, struct value *ret) {
    if (n->type == N_FIELD) return run_field(r, n, ret);
    if (n->type != N_CONST) return eval_one(r, n, in, ret);
    *ret = n->value;
    return 0;
}

static int two(struct expr_run *r, const struct node *n, struct value in, struct value *a, struct value *b) {
    int g = operand(r, n->b, in, b);
    return g < 0 ? g : operand(r, n->a, in, a);
}

int eval_truth(struct expr_run *r, const struct node *n, struct value in, bool *ret) {
    struct value a, b;
    int g;
    for (; n->type == N_AND || n->type == N_OR; n = n->b) {
        bool left = false;
        g = eval_truth(r, n->a, in, &left);
        if (g < 0) return g;
        if (left == (n->type == N_AND)) continue;
        *ret = left;
        return 0;
    }
    if (n->type == N_COMPARE) {
        g = two(r, n, in, &a, &b);
        return g < 0 ? g : compare(r, n, a, b, ret);
    }
    g = operand(r, n, in, &a);
    if (g == 0) *ret = value_truthy(a);
    return g;
}

static int logic(struct expr_run *r, const struct node *n, struct value in, struct value *ret) {
    bool truth = false;
    int g = eval_truth(r, n, in, &truth);
    if (g == 0) *ret = value_bool(truth);
    return g;
}

int eval_negate(struct expr_run *r, struct value v, struct value *ret) {
    return value_negate(&r->heap, v, ret);
}

static int negate(struct expr_run *r, const struct node *n, struct value in, struct value *ret) {
    struct value v;
    int g = eval_one(r, n->a, in, &v);
    if (g < 0) return g;
    r->at = n;
    return eval_negate(r, v, ret);
}

static int member(struct expr_run *r, const struct node *n, struct value in, struct value *ret) {
    struct value v;
    int g = eval_one(r, n->a, in, &v);
    if (g < 0) return g;
    r->at = n;
    return value_index_name(&r->heap, v, n->value.text, n->value.n, ret);
}

static int element(struct expr_run *r, const struct node *n, struct value in, struct value *ret) {
    struct value v, key;
    int g = two(r, n, in, &v, &key);
    if (g < 0) return g;
    r->at = n;
    return value_index(&r->heap, v, key, ret);
}

static int slice(struct expr_run *r, const struct node *n, struct value in, struct value *ret) {
    struct value v, from = value_null(), to = value_null();
    int g = n->b ? eval_one(r, n->b, in, &from) : 0;
    if (g == 0 && n->c) g = eval_one(r, n->c, in, &to);
    if (g == 0) g = eval_one(r, n->a, in, &v);
    if (g < 0) return g;
    r->at = n;
    return value_slice(&r->heap, v, from, to, ret);
}

static int bind(struct expr_run *r, const struct node *n, struct value in, struct value *ret) {
    struct value v;
    int g = eval_one(r, n->a, in, &v);
    if (g < 0) return g;
    struct value outer = r->vars[n->slot];
    r->vars[n->slot] = v;
    g = eval_one(r, n->b, in, ret);
    r->vars[n->slot] = outer;
    return g;
}

struct collector {
    struct sink sink;
    struct value array;
};

static int collect(struct expr_run *r, struct sink *k, struct value v) {
    return array_append(&r->heap, &((struct collector *)k)->array, v);
}

static int array(struct expr_run *r, const struct node *n, struct value in, struct value *ret) {
    struct collector c = {{collect}, value_array(NULL, 0)};
    struct value *items = array_alloc(&r->heap, n->a ? 2 : 0);
    if (!items) return G_NOMEM;
    c.array.items = items;
    int g = n->a ? eval_each(r, n->a, in, &c.sink) : 0;
    if (g == 0) *ret = c.array;
    return g;
}

/* ---- lists ---- */

static int make_object(struct expr_run *r, const struct node *n, const struct value *values, struct value *ret) {
    struct heap *h = &r->heap;
    struct value object;
    int g = object_alloc(h, n->n / 2, &object);
    for (uint32_t i = 0; g == 0 && i < n->n; i += 2) {
        const char *name;
        size_t size;
        if (values[i].kind != VK_STRING) return heap_throw(h, "Object keys must be strings");
        g = value_string(h, values[i], &name, &size);
        if (g == 0) g = object_set_owned(h, &object, name, size, values[i + 1]);
    }
    if (g == 0) *ret = object;
    return g;
}

/* One part of a string: literal text as it is, what was interpolated by the format. */
static int append_part(struct expr_run *r, const struct node *n, bool literal, struct value v) {
    struct heap *h = &r->heap;
    const char *p;
    size_t size;
    if (!literal && n->func) {
        const struct value args[2] = {v, n->value};
        int g = n->func->fn(h, args, &v);
        if (g < 0) return g;
    }
    if (v.kind != VK_STRING) return value_write_canonical(h, v, false, &r->text);
    int g = value_string(h, v, &p, &size);
    if (g == 0 && buf_append(&r->text, p, size) < 0) g = G_NOMEM;
    return g;
}

static int make_string(struct expr_run *r, const struct node *n, const struct value *values, struct value *ret) {
    buf_clear(&r->text);
    for (uint32_t i = 0; i < n->n; i++) {
        int g = append_part(r, n, i % 2 == 0, values[i]); /* text and results take turns */
        if (g < 0) return g;
    }
    return value_copy_text(&r->heap, r->text.data, r->text.len, ret);
}

#define ARGS_MAX 8

static int call(struct expr_run *r, const struct node *n, struct value in, const struct value *values,
                struct value *ret) {
    struct value args[ARGS_MAX];
    args[0] = in;
    for (uint32_t i = 0; i < n->n; i++) args[i + 1] = values[i];
    return n->func->fn(&r->heap, args, ret);
}

int eval_list(struct expr_run *r, const struct node *n, struct value in, const struct value *values,
              struct value *ret) {
    r->at = n;
    if (n->type == N_OBJECT) return make_object(r, n, values, ret);
    if (n->type == N_STRING) return make_string(r, n, values, ret);
    return call(r, n, in, values, ret);
}

static int list(struct expr_run *r, const struct node *n, struct value in, struct value *ret) {
    struct value few[16];
    struct value *values = n->n <= 16 ? few : heap_alloc(&r->heap, n->n * sizeof *values);
    if (!values) return G_NOMEM;
    for (uint32_t i = 0; i < n->n; i++) {
        uint32_t at = n->type == N_OBJECT ? i : n->n - 1 - i; /* of two errors jq raises that of the last */
        int g = operand(r, n->list[at], in, &values[at]);
        if (g < 0) return g;
    }
    return eval_list(r, n, in, values, ret);
}

/* ---- nodes that hand on to others ---- */

struct last {
    struct sink sink;
    struct value value;
};

static int keep_last(struct expr_run *r, struct sink *k, struct value v) {
    (void)r;
    ((struct last *)k)->value = v;
    return 0;
}

/* Single by its promise, but evaluated by eval_each. */
static int through_each(struct expr_run *r, const struct node *n, struct value in, struct value *ret) {
    struct last last = {{keep_last}, value_null()};
    int g = eval_each(r, n, in, &last.sink);
    if (g == 0) *ret = last.value;
    return g;
}

static int condition(struct expr_run *r, const struct node *n, struct value in, struct value *ret) {
    bool truth = false;
    int g = eval_truth(r, n->a, in, &truth);
    return g < 0 ? g : eval_one(r, truth ? n->b : n->c, in, ret);
}

static int raise(struct expr_run *r, const struct node *n, struct value in) {
    struct value v;
    int g = eval_one(r, n->a, in, &v);
    if (g < 0) return g;
    r->at = n;
    return heap_throw_value(&r->heap, v);
}

static int getpath(struct expr_run *r, const struct node *n, struct value in, struct value *ret) {
    struct value args[2] = {in, value_null()};
    int g = eval_one(r, n->a, in, &args[1]);
    if (g < 0) return g;
    r->at = n;
    return n->func->fn(&r->heap, args, ret);
}

/* buf_append where there mostly is room. */
static inline int append(struct buf *out, const char *p, size_t n) {
    if (out->cap - out->len < n && buf_reserve(out, n) < 0) return G_NOMEM;
    buf_append_fast(out, p, n);
    return 0;
}

/* {"a":1, "b":2} with keys that are known: the text of a key was made when the program was compiled. */
static int write_object(struct expr_run *r, const struct node *n, struct value in, struct buf *out) {
    int g = n->n == 0 ? append(out, "{", 1) : 0;
    for (uint32_t i = 0; g == 0 && i < n->n; i += 2) {
        const struct value *key = &n->list[i]->written;
        g = append(out, key->text, key->n);
        if (g == 0) g = eval_write(r, n->list[i + 1], in, out);
    }
    return g < 0 ? g : append(out, "}", 1);
}

static int write_int(int64_t i, struct buf *out) {
    if (buf_reserve(out, JSON_I64_MAX) < 0) return G_NOMEM;
    out->len += json_i64_write(i, out->data + out->len);
    return 0;
}

int eval_write(struct expr_run *r, const struct node *n, struct value in, struct buf *out) {
    struct value v;
    for (; n->type == N_PIPE; n = n->b) {
        int g = operand(r, n->a, in, &v);
        if (g < 0) return g;
        in = v;
    }
    if (n->type == N_OBJECT && n->plain) return write_object(r, n, in, out);
    int g = operand(r, n, in, &v);
    if (g < 0) return g;
    if (v.form == VF_RAW && v.kind >= VK_NUMBER) return append(out, v.text, v.n);
    if (v.form == VF_INT) return write_int(v.i, out);
    r->at = n;
    return value_write(&r->heap, v, out);
}

int eval_one(struct expr_run *r, const struct node *n, struct value in, struct value *ret) {
    struct value a, b;
    int g;
    switch ((enum node_type)n->type) {
    case N_IDENTITY: *ret = in; return 0;
    case N_CONST: *ret = n->value; return 0;
    case N_FIELD: return run_field(r, n, ret);
    case N_RECORD: return run_variable(r, n->op, ret);
    case N_VAR: *ret = r->vars[n->slot]; return 0;
    case N_MEMBER: return member(r, n, in, ret);
    case N_INDEX: return element(r, n, in, ret);
    case N_SLICE: return slice(r, n, in, ret);
    case N_PIPE: g = eval_one(r, n->a, in, &a); return g < 0 ? g : eval_one(r, n->b, a, ret);
    case N_ARITH: g = two(r, n, in, &a, &b); return g < 0 ? g : eval_arith(r, n, a, b, ret);
    case N_COMPARE: g = two(r, n, in, &a, &b); return g < 0 ? g : eval_compare(r, n, a, b, ret);
    case N_NEGATE: return negate(r, n, in, ret);
    case N_AND:
    case N_OR: return logic(r, n, in, ret);
    case N_IF: return condition(r, n, in, ret);
    case N_ARRAY: return array(r, n, in, ret);
    case N_OBJECT:
    case N_STRING:
    case N_CALL: return list(r, n, in, ret);
    case N_BIND: return bind(r, n, in, ret);
    case N_UPDATE: return eval_update(r, n, in, ret);
    case N_ANY: return eval_any(r, n, in, ret);
    case N_ERROR: return raise(r, n, in);
    case N_GETPATH: return getpath(r, n, in, ret);
    default: return through_each(r, n, in, ret); /* // and reduce */
    }
}
