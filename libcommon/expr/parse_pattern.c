/* SPDX-License-Identifier: Apache-2.0 */
/* The patterns of `as`, reduce and foreach. See parse_impl.h. */
#include "expr/parse_impl.h"

static int parse_pattern(struct parser *p, struct ast_pattern **ret);

static int array_pattern(struct parser *p, struct ast_pattern *pattern) {
    pattern->type = PATTERN_ARRAY;
    int g;
    do {
        struct ast_pattern *item;
        g = parse_advance(p);
        if (g == 0) g = parse_pattern(p, &item);
        if (g == 0) g = LIST_ADD(p, &pattern->items, &pattern->n, item);
    } while (g == 0 && at_symbol(p, ","));
    return g < 0 ? g : expect_symbol(p, "]");
}

static int member_pattern_key(struct parser *p, struct ast_member *m) {
    struct token t = p->token;
    int g;
    if (t.type == TOKEN_QUOTE) return parse_string(p, NULL, &m->key);
    if (at_symbol(p, "(")) return parenthesized(p, &m->key);
    if (t.type != TOKEN_VARIABLE && t.type != TOKEN_NAME && t.type != TOKEN_KEYWORD)
        return parse_unexpected(p, "a key");
    g = constant_text(p, &t, &m->key);
    if (g == 0 && t.type == TOKEN_VARIABLE) m->variable = value_text(t.text, t.n);
    return g < 0 ? g : parse_advance(p);
}

static int object_pattern(struct parser *p, struct ast_pattern *pattern) {
    struct ast_member **members = NULL;
    uint32_t n = 0;
    int g;
    pattern->type = PATTERN_OBJECT;
    do {
        struct ast_member *m = heap_alloc(p->heap, sizeof *m);
        if (!m) return parse_nomem(p);
        *m = (struct ast_member){0};
        g = parse_advance(p);
        if (g == 0) g = member_pattern_key(p, m);
        if (g == 0 && at_symbol(p, ":")) {
            g = parse_advance(p);
            if (g == 0) g = parse_pattern(p, &m->pattern);
        } else if (g == 0 && !m->variable.text) {
            g = parse_unexpected(p, "':'");
        }
        if (g == 0) g = LIST_ADD(p, &members, &n, m);
    } while (g == 0 && at_symbol(p, ","));
    if (g < 0) return g;
    pattern->n = n;
    pattern->members = heap_alloc(p->heap, n * sizeof *pattern->members);
    if (!pattern->members) return parse_nomem(p);
    for (uint32_t i = 0; i < n; i++) pattern->members[i] = *members[i];
    return expect_symbol(p, "}");
}

static int parse_pattern(struct parser *p, struct ast_pattern **ret) {
    struct ast_pattern *pattern = heap_alloc(p->heap, sizeof *pattern);
    if (!pattern) return parse_nomem(p);
    *pattern = (struct ast_pattern){.type = PATTERN_VARIABLE};
    *ret = pattern;
    if (++p->depth > PARSE_DEPTH_MAX) return parse_fail(p, p->token.at, "too deeply nested");
    int g;
    if (p->token.type == TOKEN_VARIABLE) {
        pattern->name = value_text(p->token.text, p->token.n);
        g = parse_advance(p);
    } else if (at_symbol(p, "[")) {
        g = array_pattern(p, pattern);
    } else if (at_symbol(p, "{")) {
        g = object_pattern(p, pattern);
    } else {
        g = parse_unexpected(p, "a variable or a pattern");
    }
    p->depth--;
    return g;
}

int parse_patterns(struct parser *p, struct ast *x) {
    int g = expect_keyword(p, "as");
    while (g == 0) {
        struct ast_pattern *pattern;
        g = parse_pattern(p, &pattern);
        if (g == 0) g = LIST_ADD(p, &x->patterns, &x->pattern_count, pattern);
        if (g < 0 || !at_symbol(p, "?//")) break;
        g = parse_advance(p);
    }
    return g;
}
