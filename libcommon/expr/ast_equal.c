/* SPDX-License-Identifier: Apache-2.0 */
/* Are two trees written alike? See ast.h. The depth of a tree that was compiled is bounded, and so is this. */
#include <string.h>

#include "expr/ast.h"

/* Names, and constants as the parser leaves them: text, or nothing but a kind. */
static bool same_value(struct value a, struct value b) {
    return a.kind == b.kind && a.form == b.form && a.n == b.n && (a.n == 0 || memcmp(a.text, b.text, a.n) == 0);
}

static bool same_pattern(const struct ast_pattern *a, const struct ast_pattern *b) {
    if (!a || !b) return a == b;
    if (a->type != b->type || a->n != b->n || !same_value(a->name, b->name)) return false;
    for (uint32_t i = 0; i < a->n; i++) {
        if (a->type == PATTERN_ARRAY && !same_pattern(a->items[i], b->items[i])) return false;
        if (a->type != PATTERN_OBJECT) continue;
        const struct ast_member *m = &a->members[i], *o = &b->members[i];
        if (!same_value(m->variable, o->variable) || !ast_equal(m->key, o->key) ||
            !same_pattern(m->pattern, o->pattern))
            return false;
    }
    return true;
}

static bool same_function(const struct ast_function *a, const struct ast_function *b) {
    if (!a || !b) return a == b;
    if (a->n != b->n || !same_value(a->name, b->name)) return false;
    for (uint32_t i = 0; i < a->n; i++)
        if (a->is_value[i] != b->is_value[i] || !same_value(a->params[i], b->params[i])) return false;
    return ast_equal(a->body, b->body);
}

bool ast_equal(const struct ast *a, const struct ast *b) {
    if (!a || !b) return a == b;
    if (a->type != b->type || a->op != b->op || a->optional != b->optional || a->n != b->n ||
        a->pattern_count != b->pattern_count || !same_value(a->name, b->name) || a->type == AST_LOCATION)
        return false;
    if (!ast_equal(a->a, b->a) || !ast_equal(a->b, b->b) || !ast_equal(a->c, b->c) || !ast_equal(a->d, b->d))
        return false;
    for (uint32_t i = 0; a->list && i < a->n; i++)
        if (!ast_equal(a->list[i], b->list[i])) return false;
    for (uint32_t i = 0; i < a->pattern_count; i++)
        if (!same_pattern(a->patterns[i], b->patterns[i])) return false;
    return same_function(a->function, b->function);
}
