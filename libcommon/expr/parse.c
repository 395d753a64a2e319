/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The parser: recursive descent, one function a level of precedence, lowest first:
 *   def, as, label, |   ,   //   = |= += …   or   and   == < …   + -   * / %   postfix
 * See ast.h.
 */
#include <string.h>

#include "base/utf8.h"
#include "expr/parse_impl.h"

static int parse_postfix(struct parser *p, struct ast **ret);

/* ---- terms ---- */

static int parse_number(struct parser *p, struct ast **ret) {
    struct ast *x = ast_node(p, AST_CONSTANT, p->token.at);
    const struct token *t = &p->token;
    if (!x) return parse_nomem(p);
    /* `.5` and `5.` are numbers here and not in JSON: a zero makes them so. */
    char *text = heap_alloc(p->heap, (size_t)t->n + 2);
    size_t n = 0;
    if (!text) return parse_nomem(p);
    for (uint32_t i = 0; i < t->n; i++) {
        bool dot = t->text[i] == '.';
        if (dot && i == 0) text[n++] = '0';
        text[n++] = t->text[i];
        if (dot && (i + 1 == t->n || t->text[i + 1] == 'e' || t->text[i + 1] == 'E')) text[n++] = '0';
    }
    size_t zeros = 0;
    while (zeros + 1 < n && text[zeros] == '0' && text[zeros + 1] >= '0' && text[zeros + 1] <= '9') zeros++;
    x->name = value_raw(text + zeros, n - zeros);
    *ret = x;
    return parse_advance(p);
}

static int parse_call(struct parser *p, struct ast **ret) {
    struct ast *x = NULL;
    int g = ast_named(p, AST_CALL, p->token.at, p->token.text, p->token.n, &x);
    if (g == 0) g = parse_advance(p);
    if (g < 0) return g;
    *ret = x;
    x->end = x->at + x->name.n;
    if (!at_symbol(p, "(")) return 0;
    bool no_comma = p->no_comma, no_bind = p->no_bind;
    p->no_comma = p->no_bind = false;
    do {
        struct ast *argument;
        g = parse_advance(p);
        if (g == 0) g = parse_pipe(p, &argument);
        if (g == 0) g = LIST_ADD(p, &x->list, &x->n, argument);
    } while (g == 0 && at_symbol(p, ";"));
    p->no_comma = no_comma;
    p->no_bind = no_bind;
    x->end = p->token.at + 1;
    return g < 0 ? g : expect_symbol(p, ")");
}

/* if and elif; the token is the one of the two. */
static int parse_if(struct parser *p, struct ast **ret) {
    struct ast *x = ast_node(p, AST_IF, p->token.at);
    if (!x) return parse_nomem(p);
    int g = parse_advance(p);
    if (g == 0) g = parse_pipe(p, &x->a);
    if (g == 0) g = expect_keyword(p, "then");
    if (g == 0) g = parse_pipe(p, &x->b);
    if (g == 0 && at_keyword(p, "elif")) {
        if (++p->depth > PARSE_DEPTH_MAX) return parse_fail(p, p->token.at, "too deeply nested");
        g = parse_if(p, &x->c);
        p->depth--;
    } else {
        if (g == 0 && at_keyword(p, "else")) {
            g = parse_advance(p);
            if (g == 0) g = parse_pipe(p, &x->c);
        }
        if (g == 0) g = expect_keyword(p, "end");
    }
    if (g == 0) *ret = x;
    return g;
}

static int parse_conditional(struct parser *p, struct ast **ret) {
    bool no_comma = p->no_comma, no_bind = p->no_bind;
    p->no_comma = p->no_bind = false;
    int g = parse_if(p, ret);
    p->no_comma = no_comma;
    p->no_bind = no_bind;
    return g;
}

/* reduce and foreach. */
static int parse_fold(struct parser *p, enum ast_type type, struct ast **ret) {
    struct ast *x = ast_node(p, type, p->token.at);
    if (!x) return parse_nomem(p);
    bool no_comma = p->no_comma, no_bind = p->no_bind;
    int g = parse_advance(p);
    p->no_bind = true;
    if (g == 0) g = parse_postfix(p, &x->a);
    p->no_bind = p->no_comma = false;
    if (g == 0) g = parse_patterns(p, x);
    if (g == 0) g = expect_symbol(p, "(");
    if (g == 0) g = parse_pipe(p, &x->b);
    if (g == 0) g = expect_symbol(p, ";");
    if (g == 0) g = parse_pipe(p, &x->c);
    if (g == 0 && type == AST_FOREACH && at_symbol(p, ";")) {
        g = parse_advance(p);
        if (g == 0) g = parse_pipe(p, &x->d);
    }
    p->no_comma = no_comma;
    p->no_bind = no_bind;
    if (g == 0) *ret = x;
    return g < 0 ? g : expect_symbol(p, ")");
}

static int parse_try(struct parser *p, struct ast **ret) {
    struct ast *x = ast_node(p, AST_TRY, p->token.at);
    if (!x) return parse_nomem(p);
    int g = parse_advance(p);
    bool no_bind = p->no_bind;
    p->no_bind = true;
    if (g == 0) g = parse_postfix(p, &x->a);
    if (g == 0 && at_keyword(p, "catch")) {
        g = parse_advance(p);
        if (g == 0) g = parse_postfix(p, &x->b);
    }
    p->no_bind = no_bind;
    if (g == 0) *ret = x;
    return g;
}

static int parse_label(struct parser *p, struct ast **ret) {
    struct ast *x = ast_node(p, AST_LABEL, p->token.at);
    if (!x) return parse_nomem(p);
    int g = parse_advance(p);
    if (g == 0 && p->token.type != TOKEN_VARIABLE) g = parse_unexpected(p, "a label such as $out");
    if (g < 0) return g;
    x->name = value_text(p->token.text, p->token.n);
    g = parse_advance(p);
    if (g == 0) g = expect_symbol(p, "|");
    if (g == 0) g = parse_pipe(p, &x->a);
    if (g == 0) *ret = x;
    return g;
}

static int parse_break(struct parser *p, struct ast **ret) {
    uint32_t at = p->token.at;
    int g = parse_advance(p);
    if (g == 0 && p->token.type != TOKEN_VARIABLE) g = parse_unexpected(p, "a label such as $out");
    if (g == 0) g = ast_named(p, AST_BREAK, at, p->token.text, p->token.n, ret);
    return g < 0 ? g : parse_advance(p);
}

static int definition_params(struct parser *p, struct ast_function *f) {
    struct value **params = NULL;
    bool is_value[64];
    int g = 0;
    if (!at_symbol(p, "(")) return 0;
    do {
        g = parse_advance(p);
        if (g < 0) return g;
        is_value[f->n] = p->token.type == TOKEN_VARIABLE;
        if (!is_value[f->n] && p->token.type != TOKEN_NAME) return parse_unexpected(p, "a parameter");
        struct value *name = heap_alloc(p->heap, sizeof *name);
        if (!name) return parse_nomem(p);
        *name = value_text(p->token.text, p->token.n);
        g = LIST_ADD(p, &params, &f->n, name);
        if (g == 0) g = parse_advance(p);
        if (g == 0 && f->n == 63) return parse_fail(p, p->token.at, "too many parameters");
    } while (g == 0 && at_symbol(p, ";"));
    if (g == 0) g = expect_symbol(p, ")");
    if (g < 0) return g;
    f->params = heap_alloc(p->heap, f->n * sizeof *f->params);
    f->is_value = heap_alloc(p->heap, f->n * sizeof *f->is_value);
    if (!f->params || !f->is_value) return parse_nomem(p);
    for (uint32_t i = 0; i < f->n; i++) f->params[i] = *params[i];
    memcpy(f->is_value, is_value, f->n * sizeof *is_value);
    return 0;
}

/* def name(params): body; rest */
static int parse_definition(struct parser *p, struct ast **ret) {
    struct ast *x = ast_node(p, AST_DEFINE, p->token.at);
    struct ast_function *f = heap_alloc(p->heap, sizeof *f);
    if (!x || !f) return parse_nomem(p);
    *f = (struct ast_function){0};
    x->function = f;
    int g = parse_advance(p);
    if (g == 0 && p->token.type != TOKEN_NAME && p->token.type != TOKEN_KEYWORD)
        g = parse_unexpected(p, "a function's name");
    if (g < 0) return g;
    f->name = value_text(p->token.text, p->token.n);
    bool no_comma = p->no_comma, no_bind = p->no_bind;
    p->no_comma = p->no_bind = false;
    g = parse_advance(p);
    if (g == 0) g = definition_params(p, f);
    if (g == 0) g = expect_symbol(p, ":");
    if (g == 0) g = parse_pipe(p, &f->body);
    if (g == 0) g = expect_symbol(p, ";");
    p->no_comma = no_comma;
    p->no_bind = no_bind;
    if (g == 0) g = parse_pipe(p, &x->a);
    if (g == 0) *ret = x;
    return g;
}

static int parse_keyword_term(struct parser *p, struct ast **ret) {
    if (at_keyword(p, "if")) return parse_conditional(p, ret);
    if (at_keyword(p, "reduce")) return parse_fold(p, AST_REDUCE, ret);
    if (at_keyword(p, "foreach")) return parse_fold(p, AST_FOREACH, ret);
    if (at_keyword(p, "try")) return parse_try(p, ret);
    if (at_keyword(p, "label")) return parse_label(p, ret);
    if (at_keyword(p, "def")) return parse_definition(p, ret);
    return parse_unexpected(p, "an expression");
}

static int parse_array(struct parser *p, struct ast **ret) {
    struct ast *x = ast_node(p, AST_ARRAY, p->token.at);
    if (!x) return parse_nomem(p);
    bool no_comma = p->no_comma, no_bind = p->no_bind;
    p->no_comma = p->no_bind = false;
    int g = parse_advance(p);
    if (g == 0 && !at_symbol(p, "]")) g = parse_pipe(p, &x->a);
    p->no_comma = no_comma;
    p->no_bind = no_bind;
    if (g == 0) *ret = x;
    return g < 0 ? g : expect_symbol(p, "]");
}

/* `.` and what may follow it without a space of meaning: ."text" and .[…] (the bracket is a postfix). */
static int parse_dot(struct parser *p, struct ast **ret) {
    struct ast *dot = ast_node(p, AST_IDENTITY, p->token.at);
    if (!dot) return parse_nomem(p);
    *ret = dot;
    int g = parse_advance(p);
    if (g < 0 || (p->token.type != TOKEN_QUOTE && p->token.type != TOKEN_FORMAT)) return g;
    struct ast *key;
    g = p->token.type == TOKEN_QUOTE ? parse_string(p, NULL, &key) : parse_format(p, &key);
    return g < 0 ? g : ast_pair(p, AST_INDEX, dot->at, dot, key, ret);
}

static int parse_field(struct parser *p, struct ast *base, struct ast **ret) {
    struct token t = p->token;
    struct ast *key = NULL;
    int g = constant_text(p, &t, &key);
    if (g == 0 && !base) {
        base = ast_node(p, AST_IDENTITY, t.at);
        if (!base) return parse_nomem(p);
    }
    if (g == 0) g = ast_pair(p, AST_INDEX, t.at, base, key, ret);
    return g < 0 ? g : parse_advance(p);
}

static int parse_symbol_term(struct parser *p, struct ast **ret) {
    if (at_symbol(p, ".")) return parse_dot(p, ret);
    if (at_symbol(p, "..")) {
        *ret = ast_node(p, AST_DESCEND, p->token.at);
        return *ret ? parse_advance(p) : parse_nomem(p);
    }
    if (at_symbol(p, "(")) return parenthesized(p, ret);
    if (at_symbol(p, "[")) return parse_array(p, ret);
    if (at_symbol(p, "{")) return parse_object(p, ret);
    if (at_symbol(p, "-")) {
        uint32_t at = p->token.at;
        struct ast *inner;
        int g = parse_advance(p);
        if (g == 0) g = parse_postfix(p, &inner);
        return g < 0 ? g : ast_pair(p, AST_NEGATE, at, inner, NULL, ret);
    }
    return parse_unexpected(p, "an expression");
}

/* true, false, null; NULL for any other name. */
static struct ast *literal(struct parser *p) {
    struct ast *x = ast_node(p, AST_CONSTANT, p->token.at);
    if (!x) return NULL;
    if (token_is(&p->token, "null")) return x;
    x->name = value_bool(token_is(&p->token, "true"));
    return value_truthy(x->name) || token_is(&p->token, "false") ? x : NULL;
}

static int parse_name(struct parser *p, struct ast **ret) {
    if (token_is(&p->token, "break")) return parse_break(p, ret);
    *ret = literal(p);
    return *ret ? parse_advance(p) : parse_call(p, ret);
}

static int parse_term(struct parser *p, struct ast **ret) {
    struct token t = p->token;
    int g;
    switch (t.type) {
    case TOKEN_NUMBER: return parse_number(p, ret);
    case TOKEN_QUOTE: return parse_string(p, NULL, ret);
    case TOKEN_FORMAT: return parse_format(p, ret);
    case TOKEN_FIELD: return parse_field(p, NULL, ret);
    case TOKEN_VARIABLE:
        g = ast_named(p, token_is(&t, "__loc__") ? AST_LOCATION : AST_VARIABLE, t.at, t.text, t.n, ret);
        return g < 0 ? g : parse_advance(p);
    case TOKEN_NAME: return parse_name(p, ret);
    case TOKEN_KEYWORD: return parse_keyword_term(p, ret);
    case TOKEN_SYMBOL: return parse_symbol_term(p, ret);
    default: return parse_unexpected(p, "an expression");
    }
}

/* ---- what stands behind a term ---- */

/* The token is "[": [], [i], [from:to]. */
static int parse_bracket(struct parser *p, struct ast *base, struct ast **ret) {
    struct ast *x = ast_node(p, AST_INDEX, p->token.at);
    if (!x) return parse_nomem(p);
    x->a = base;
    bool no_comma = p->no_comma, no_bind = p->no_bind;
    p->no_comma = p->no_bind = false;
    int g = parse_advance(p);
    if (g == 0 && at_symbol(p, "]")) {
        x->type = AST_ITERATE;
    } else {
        if (g == 0 && !at_symbol(p, ":")) g = parse_pipe(p, &x->b);
        if (g == 0 && at_symbol(p, ":")) {
            x->type = AST_SLICE;
            g = parse_advance(p);
            if (g == 0 && !at_symbol(p, "]")) g = parse_pipe(p, &x->c);
            if (g == 0 && !x->b && !x->c) g = parse_unexpected(p, "an index");
        }
    }
    p->no_comma = no_comma;
    p->no_bind = no_bind;
    if (g == 0) *ret = x;
    return g < 0 ? g : expect_symbol(p, "]");
}

/* ."text" behind a term, or .[…]. */
static int parse_dot_behind(struct parser *p, struct ast *base, struct ast **ret) {
    struct ast *key;
    uint32_t at = p->token.at;
    int g = parse_advance(p);
    if (g < 0) return g;
    if (at_symbol(p, "[")) return parse_bracket(p, base, ret);
    if (p->token.type == TOKEN_QUOTE)
        g = parse_string(p, NULL, &key);
    else if (p->token.type == TOKEN_FORMAT)
        g = parse_format(p, &key);
    else
        return parse_unexpected(p, "a name");
    return g < 0 ? g : ast_pair(p, AST_INDEX, at, base, key, ret);
}

/* `term as $x | body`, which reaches as far to the right as it can. */
static int parse_bind(struct parser *p, struct ast *source, struct ast **ret) {
    struct ast *x = ast_node(p, AST_BIND, p->token.at);
    if (!x) return parse_nomem(p);
    x->a = source;
    int g = parse_patterns(p, x);
    if (g == 0) g = expect_symbol(p, "|");
    if (g == 0) g = parse_pipe(p, &x->b);
    if (g == 0) *ret = x;
    return g;
}

/* One `?`: behind a step it makes that step optional, behind anything else it is a try without a catch. */
static int parse_optional(struct parser *p, bool behind_step, struct ast **x) {
    if (behind_step)
        (*x)->optional = true;
    else if (ast_pair(p, AST_TRY, p->token.at, *x, NULL, x) < 0)
        return parse_nomem(p);
    return parse_advance(p);
}

/* `step`: the term is a step itself, such as .a */
static int parse_suffixes(struct parser *p, bool step, struct ast **x) {
    int g = 0;
    for (unsigned n = 0; g == 0; n++) {
        if (n > PARSE_DEPTH_MAX) return parse_fail(p, p->token.at, "too deeply nested");
        bool optional = at_symbol(p, "?");
        if (optional)
            g = parse_optional(p, step, x);
        else if (p->token.type == TOKEN_FIELD)
            g = parse_field(p, *x, x);
        else if (at_symbol(p, "["))
            g = parse_bracket(p, *x, x);
        else if (at_symbol(p, "."))
            g = parse_dot_behind(p, *x, x);
        else
            break;
        step = !optional;
    }
    return g;
}

static int parse_postfix(struct parser *p, struct ast **ret) {
    struct ast *x;
    if (++p->depth > PARSE_DEPTH_MAX) return parse_fail(p, p->token.at, "too deeply nested");
    bool is_open = at_keyword(p, "def") || at_keyword(p, "label");
    bool is_step = p->token.type == TOKEN_FIELD || at_symbol(p, ".");
    int g = parse_term(p, &x);
    if (g == 0 && !is_open) g = parse_suffixes(p, is_step && x->type == AST_INDEX, &x);
    if (g == 0 && at_keyword(p, "as") && !p->no_bind) g = parse_bind(p, x, &x);
    p->depth--;
    if (g == 0) *ret = x;
    return g;
}

/* ---- operators, tightest last ---- */

struct level {
    enum { LEFT, RIGHT, ALONE } side;
    struct {
        const char *symbol;
        enum ast_type type;
        enum ast_op op;
    } operators[9];
};

static const struct level levels[] = {
    {RIGHT, {{"//", AST_ALTERNATIVE, 0}}},
    {ALONE,
     {{"=", AST_ASSIGN, OP_SET},
      {"|=", AST_ASSIGN, OP_UPDATE},
      {"+=", AST_ASSIGN, OP_ADD},
      {"-=", AST_ASSIGN, OP_SUBTRACT},
      {"*=", AST_ASSIGN, OP_MULTIPLY},
      {"/=", AST_ASSIGN, OP_DIVIDE},
      {"%=", AST_ASSIGN, OP_MODULO},
      {"//=", AST_ASSIGN, OP_ALTERNATIVE}}},
    {LEFT, {{"or", AST_OR, 0}}},
    {LEFT, {{"and", AST_AND, 0}}},
    {ALONE,
     {{"==", AST_BINARY, OP_EQUAL},
      {"!=", AST_BINARY, OP_UNEQUAL},
      {"<", AST_BINARY, OP_LESS},
      {"<=", AST_BINARY, OP_LESS_EQUAL},
      {">", AST_BINARY, OP_GREATER},
      {">=", AST_BINARY, OP_GREATER_EQUAL}}},
    {LEFT, {{"+", AST_BINARY, OP_ADD}, {"-", AST_BINARY, OP_SUBTRACT}}},
    {LEFT, {{"*", AST_BINARY, OP_MULTIPLY}, {"/", AST_BINARY, OP_DIVIDE}, {"%", AST_BINARY, OP_MODULO}}},
};
#define LEVELS (sizeof levels / sizeof levels[0])

/* Which operator of this level is here: its index, or -1. */
static int operator_here(const struct parser *p, const struct level *l) {
    if (p->token.type != TOKEN_SYMBOL && p->token.type != TOKEN_KEYWORD) return -1;
    for (int i = 0; l->operators[i].symbol; i++)
        if (token_is(&p->token, l->operators[i].symbol)) return i;
    return -1;
}

static int parse_level(struct parser *p, size_t level, struct ast **ret) {
    if (level == LEVELS) return parse_postfix(p, ret);
    const struct level *l = &levels[level];
    struct ast *x, *right;
    int g = parse_level(p, level + 1, &x);
    for (int i; g == 0 && (i = operator_here(p, l)) >= 0;) {
        uint32_t at = p->token.at;
        if (++p->depth > PARSE_DEPTH_MAX) return parse_fail(p, at, "too deeply nested");
        g = parse_advance(p);
        if (g == 0) g = parse_level(p, l->side == RIGHT ? level : level + 1, &right);
        if (g == 0) g = ast_pair(p, l->operators[i].type, at, x, right, &x);
        if (g < 0) return g;
        p->depth--;
        x->op = (uint8_t)l->operators[i].op;
        if (l->side == ALONE && operator_here(p, l) >= 0)
            return parse_fail(p, p->token.at, "this operator needs parentheses");
    }
    if (g == 0) *ret = x;
    return g;
}

/* A balanced tree over the operands of commas, so that a list of thousands is not thousands deep. */
static int comma_tree(struct parser *p, struct ast **list, const uint32_t *at, uint32_t n, struct ast **ret) {
    struct ast *left = NULL, *right = NULL;
    if (n == 1) {
        *ret = list[0];
        return 0;
    }
    int g = comma_tree(p, list, at, n / 2, &left);
    if (g == 0) g = comma_tree(p, list + n / 2, at + n / 2, n - n / 2, &right);
    return g < 0 ? g : ast_pair(p, AST_COMMA, at[n / 2], left, right, ret);
}

static int parse_comma(struct parser *p, struct ast **ret) {
    struct ast *x = NULL, **list = NULL;
    struct buf at = {0};
    uint32_t n = 0, place = p->token.at;
    int g = 0;
    for (;;) {
        g = parse_level(p, 0, &x);
        if (g == 0) g = LIST_ADD(p, &list, &n, x);
        if (g == 0 && buf_append(&at, &place, sizeof place) < 0) g = parse_nomem(p);
        if (g < 0 || p->no_comma || !at_symbol(p, ",")) break;
        place = p->token.at;
        g = parse_advance(p);
        if (g < 0) break;
    }
    if (g == 0) g = comma_tree(p, list, (const uint32_t *)(const void *)at.data, n, ret);
    buf_release(&at);
    return g;
}

int parse_pipe(struct parser *p, struct ast **ret) {
    struct ast *x, *right;
    if (++p->depth > PARSE_DEPTH_MAX) return parse_fail(p, p->token.at, "too deeply nested");
    bool no_bind = p->no_bind;
    p->no_bind = false;
    int g = parse_comma(p, &x);
    if (g == 0 && at_symbol(p, "|")) {
        uint32_t at = p->token.at;
        g = parse_advance(p);
        if (g == 0) g = parse_pipe(p, &right);
        if (g == 0) g = ast_pair(p, AST_PIPE, at, x, right, &x);
    }
    p->no_bind = no_bind;
    p->depth--;
    if (g == 0) *ret = x;
    return g;
}

int ast_parse(struct heap *h, const char *text, size_t n, struct ast **ret, uint32_t *ret_at, struct err *e) {
    struct parser p = {.heap = h, .lexer = {.text = text, .n = (uint32_t)n}, .e = e};
    *ret_at = 0;
    if (n > 1u << 20) return err_set(e, G_USAGE, "the program is longer than 1 MiB");
    size_t good = utf8_validate(text, n);
    if (good < n) {
        *ret_at = (uint32_t)good;
        return err_set(e, G_USAGE, "syntax error: not UTF-8");
    }
    int g = parse_advance(&p);
    if (g == 0) g = parse_pipe(&p, ret);
    if (g == 0 && p.token.type != TOKEN_END) g = parse_unexpected(&p, "an operator or the end");
    if (g < 0) *ret_at = p.error_at;
    return g;
}
