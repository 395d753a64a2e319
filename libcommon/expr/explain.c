/* SPDX-License-Identifier: Apache-2.0 */
/* A program's plan in words, a node a line, for --explain. See expr.h. */
#include <stdio.h>
#include <string.h>

#include "expr/eval_impl.h"

static const char *const node_names[] = {
    [N_IDENTITY] = ".",      [N_CONST] = "constant",  [N_FIELD] = "field",     [N_RECORD] = "record",
    [N_VAR] = "variable",    [N_MEMBER] = "member",   [N_INDEX] = "index",     [N_SLICE] = "slice",
    [N_ITERATE] = "each",    [N_PIPE] = "pipe",       [N_COMMA] = "comma",     [N_ARITH] = "arithmetic",
    [N_COMPARE] = "compare", [N_NEGATE] = "negate",   [N_AND] = "and",         [N_OR] = "or",
    [N_ALTERNATIVE] = "//",  [N_IF] = "if",           [N_TRY] = "try",         [N_ARRAY] = "array",
    [N_OBJECT] = "object",   [N_STRING] = "string",   [N_CALL] = "call",       [N_BIND] = "bind",
    [N_REDUCE] = "reduce",   [N_FOREACH] = "foreach", [N_LABEL] = "label",     [N_BREAK] = "break",
    [N_RECURSE] = "recurse", [N_RANGE] = "range",     [N_LIMIT] = "limit",     [N_FIRST] = "first",
    [N_ANY] = "any",         [N_WALK] = "walk",       [N_EMPTY] = "empty",     [N_ERROR] = "error",
    [N_PATHS] = "path",      [N_UPDATE] = "update",   [N_GETPATH] = "getpath",
};

static const char *const op_names[] = {
    [OP_ADD] = "+",         [OP_SUBTRACT] = "-", [OP_MULTIPLY] = "*",       [OP_DIVIDE] = "/",
    [OP_MODULO] = "%",      [OP_EQUAL] = "==",   [OP_UNEQUAL] = "!=",       [OP_LESS] = "<",
    [OP_LESS_EQUAL] = "<=", [OP_GREATER] = ">",  [OP_GREATER_EQUAL] = ">=",
};

static int write_path(const struct field_path *p, struct buf *out) {
    if (!p->parent) return 0;
    int g = write_path(p->parent, out);
    return g < 0 ? g : buf_printf(out, ".%.*s", (int)p->n, p->name);
}

/* What the line of a node says behind its name. */
static int write_detail(struct heap *h, const struct node *n, struct buf *out) {
    switch ((enum node_type)n->type) {
    case N_FIELD:
        if (buf_putc(out, ' ') < 0) return G_NOMEM;
        return write_path(n->path, out);
    case N_CONST:
        if (buf_putc(out, ' ') < 0) return G_NOMEM;
        return value_write(h, n->value, out);
    case N_MEMBER: return buf_printf(out, " .%.*s", (int)n->value.n, n->value.text);
    case N_RECORD: return buf_printf(out, " $%s", record_var_names[n->op]);
    case N_VAR:
    case N_BIND:
    case N_REDUCE:
    case N_FOREACH:
    case N_LABEL:
    case N_BREAK: return buf_printf(out, " #%u", n->slot);
    case N_CALL: return buf_printf(out, " %s/%u", n->func->name, n->n);
    case N_ARITH:
    case N_COMPARE: return buf_printf(out, " %s", op_names[n->op]);
    case N_ANY: return n->op ? buf_puts(out, " (all)") : 0;
    default: return 0;
    }
}

static int write_node(struct heap *h, const struct node *n, unsigned depth, struct buf *out) {
    if (!n) return 0;
    if (depth > 60) return buf_printf(out, "%*s…\n", 2 * (int)depth, "");
    int g = buf_printf(out, "%*s%s", 2 * (int)depth, "", node_names[n->type]);
    if (g == 0) g = write_detail(h, n, out);
    if (g == 0) g = buf_puts(out, n->single ? "\n" : n->at_most_1 ? "  (none or one)\n" : "  (any number)\n");
    const struct node *const parts[] = {n->a, n->b, n->c, n->d};
    for (int i = 0; g == 0 && i < 4; i++) g = write_node(h, parts[i], depth + 1, out);
    for (uint32_t i = 0; g == 0 && i < n->n; i++) g = write_node(h, n->list[i], depth + 1, out);
    return g;
}

/* Each field of the record once. */
static int write_fields(const struct node *n, bool *seen, struct buf *out) {
    if (!n) return 0;
    int g = 0;
    if (n->type == N_FIELD && !seen[n->slot]) {
        seen[n->slot] = true;
        g = buf_putc(out, ' ');
        if (g == 0) g = write_path(n->path, out);
    }
    const struct node *const parts[] = {n->a, n->b, n->c, n->d};
    for (int i = 0; g == 0 && i < 4; i++) g = write_fields(parts[i], seen, out);
    for (uint32_t i = 0; g == 0 && i < n->n; i++) g = write_fields(n->list[i], seen, out);
    return g;
}

int expr_explain(const struct expr *x, struct buf *out) {
    if (x->engine == EXPR_JQ) return buf_printf(out, "engine: jq, since %s\n", x->reason);
    struct heap h;
    heap_init(&h, 0);
    bool *seen = heap_alloc(&h, x->set->field_count + 1);
    int g = seen ? buf_puts(out, "engine: native\nfields found in one pass:") : G_NOMEM;
    if (g == 0) {
        memset(seen, 0, x->set->field_count + 1);
        size_t before = out->len;
        g = write_fields(x->root, seen, out);
        if (g == 0 && out->len == before) g = buf_puts(out, " none");
    }
    if (g == 0) g = buf_puts(out, "\nplan:\n");
    if (g == 0) g = write_node(&h, x->root, 1, out);
    heap_release(&h);
    return g;
}
