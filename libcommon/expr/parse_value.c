/* SPDX-License-Identifier: Apache-2.0 */
/* Strings with what is interpolated into them, and objects. See parse_impl.h. */
#include <string.h>

#include "base/utf8.h"
#include "expr/parse_impl.h"
#include "json/unescape.h"

static int append_escape(struct parser *p, struct buf *text, uint32_t *i) {
    const struct lexer *l = &p->lexer;
    uint32_t cp;
    unsigned n = json_escape_read(l->text + *i, l->n - *i, &cp);
    if (n == 0) {
        if (l->n - *i < 6 || l->text[*i + 1] != 'u') return parse_fail(p, *i, "no such escape in a string");
        for (uint32_t k = 2; k < 6; k++)
            if (!strchr("0123456789abcdefABCDEF", l->text[*i + k]))
                return parse_fail(p, *i, "\\u takes four hex digits");
        cp = 0xFFFD; /* a lone surrogate, as in jq */
        n = 6;
    }
    *i += n;
    char utf8[4];
    return buf_append(text, utf8, utf8_encode(cp, utf8)) < 0 ? parse_nomem(p) : 0;
}

/* Literal text up to the closing quote or an interpolation. */
static int string_text(struct parser *p, struct buf *text) {
    const struct lexer *l = &p->lexer;
    uint32_t i = l->next;
    while (i < l->n && l->text[i] != '"') {
        int g = 0;
        if (l->text[i] == '\\' && i + 1 < l->n && l->text[i + 1] == '(') break;
        if (l->text[i] == '\\')
            g = append_escape(p, text, &i);
        else
            g = buf_append(text, l->text + i++, 1) < 0 ? parse_nomem(p) : 0;
        if (g < 0) return g;
    }
    p->lexer.next = i;
    return i >= l->n ? parse_fail(p, p->token.at, "string without an end") : 0;
}

static int add_text(struct parser *p, struct ast *string, const struct buf *text) {
    struct ast *part = ast_node(p, AST_CONSTANT, string->at);
    if (!part || value_copy_text(p->heap, text->data, text->len, &part->name) < 0) return parse_nomem(p);
    return LIST_ADD(p, &string->list, &string->n, part);
}

/* `\(` … `)`: the lexer is at the backslash, and ends behind the parenthesis. */
static int add_interpolation(struct parser *p, struct ast *string) {
    struct ast *inner;
    bool no_comma = p->no_comma, no_bind = p->no_bind;
    p->lexer.next += 2;
    p->no_comma = p->no_bind = false;
    int g = parse_advance(p);
    if (g == 0) g = parse_pipe(p, &inner);
    p->no_comma = no_comma;
    p->no_bind = no_bind;
    if (g == 0 && !at_symbol(p, ")")) g = parse_unexpected(p, "')'");
    return g < 0 ? g : LIST_ADD(p, &string->list, &string->n, inner);
}

static int string_parts(struct parser *p, struct ast *string, struct buf *text) {
    for (;;) {
        buf_clear(text);
        int g = string_text(p, text);
        if (g == 0) g = add_text(p, string, text);
        if (g < 0) return g;
        if (p->lexer.text[p->lexer.next] == '"') {
            p->lexer.next++;
            return parse_advance(p);
        }
        g = add_interpolation(p, string);
        if (g < 0) return g;
    }
}

/* The token is the opening quote. A string without interpolation is a constant. */
int parse_string(struct parser *p, const struct token *format, struct ast **ret) {
    struct ast *string = ast_node(p, AST_STRING, p->token.at);
    struct buf text = {0};
    if (!string) return parse_nomem(p);
    if (format) string->name = value_text(format->text, format->n);
    int g = string_parts(p, string, &text);
    buf_release(&text);
    if (g == 0) *ret = string->n == 1 ? string->list[0] : string;
    return g;
}

/* @name, alone or in front of a string. */
int parse_format(struct parser *p, struct ast **ret) {
    struct token format = p->token;
    int g = parse_advance(p);
    if (g < 0) return g;
    if (p->token.type == TOKEN_QUOTE) return parse_string(p, &format, ret);
    return ast_named(p, AST_FORMAT, format.at, format.text, format.n, ret);
}

/* ---- objects ---- */

static int index_by(struct parser *p, struct ast *key, struct ast **ret) {
    struct ast *dot = ast_node(p, AST_IDENTITY, key->at);
    return dot ? ast_pair(p, AST_INDEX, key->at, dot, key, ret) : parse_nomem(p);
}

static int member_value(struct parser *p, struct ast **ret) {
    bool no_comma = p->no_comma, no_bind = p->no_bind;
    p->no_comma = true;
    p->no_bind = false;
    int g = parse_advance(p);
    if (g == 0) g = parse_pipe(p, ret);
    p->no_comma = no_comma;
    p->no_bind = no_bind;
    return g;
}

int constant_text(struct parser *p, const struct token *t, struct ast **ret) {
    struct ast *key = ast_node(p, AST_CONSTANT, t->at);
    if (!key) return parse_nomem(p);
    key->name = value_text(t->text, t->n);
    *ret = key;
    return 0;
}

int parenthesized(struct parser *p, struct ast **ret) {
    bool no_comma = p->no_comma, no_bind = p->no_bind;
    p->no_comma = p->no_bind = false;
    int g = parse_advance(p);
    if (g == 0) g = parse_pipe(p, ret);
    p->no_comma = no_comma;
    p->no_bind = no_bind;
    return g < 0 ? g : expect_symbol(p, ")");
}

static int variable_member(struct parser *p, struct ast **ret_key, struct ast **ret_value) {
    struct token t = p->token;
    int g = constant_text(p, &t, ret_key);
    if (g == 0) g = ast_named(p, token_is(&t, "__loc__") ? AST_LOCATION : AST_VARIABLE, t.at, t.text, t.n, ret_value);
    return g < 0 ? g : parse_advance(p);
}

/* One `key: value`, `key`, `$key`, `"text"`, `(key): value`. */
static int parse_member(struct parser *p, struct ast **ret_key, struct ast **ret_value) {
    struct token t = p->token;
    int g;
    switch (t.type) {
    case TOKEN_VARIABLE: return variable_member(p, ret_key, ret_value);
    case TOKEN_NAME:
    case TOKEN_KEYWORD:
        g = constant_text(p, &t, ret_key);
        if (g == 0) g = parse_advance(p);
        break;
    case TOKEN_QUOTE: g = parse_string(p, NULL, ret_key); break;
    case TOKEN_FORMAT:
        g = parse_format(p, ret_key);
        if (g == 0 && (*ret_key)->type == AST_FORMAT) return parse_unexpected(p, "a string");
        break;
    default:
        if (!at_symbol(p, "(")) return parse_unexpected(p, "a key");
        g = parenthesized(p, ret_key);
        if (g == 0 && !at_symbol(p, ":")) return parse_unexpected(p, "':'");
    }
    if (g < 0) return g;
    return at_symbol(p, ":") ? member_value(p, ret_value) : index_by(p, *ret_key, ret_value);
}

int parse_object(struct parser *p, struct ast **ret) {
    struct ast *object = ast_node(p, AST_OBJECT, p->token.at);
    if (!object) return parse_nomem(p);
    int g = parse_advance(p);
    while (g == 0 && !at_symbol(p, "}")) {
        struct ast *key, *value;
        g = parse_member(p, &key, &value);
        if (g == 0) g = LIST_ADD(p, &object->list, &object->n, key);
        if (g == 0) g = LIST_ADD(p, &object->list, &object->n, value);
        if (g < 0) return g;
        if (!at_symbol(p, ",")) break;
        g = parse_advance(p);
        if (g == 0 && at_symbol(p, "}")) return parse_unexpected(p, "a key");
    }
    if (g == 0) g = expect_symbol(p, "}");
    if (g == 0) *ret = object;
    return g;
}
