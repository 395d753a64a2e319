/* SPDX-License-Identifier: Apache-2.0 */
/* Tokens as the parser looks at them, and nodes of the tree. See parse_impl.h. */
#include <string.h>

#include "expr/parse_impl.h"

int parse_fail(struct parser *p, uint32_t at, const char *what) {
    p->error_at = at;
    return err_set(p->e, G_USAGE, "syntax error: %s", what);
}

int parse_advance(struct parser *p) {
    int g = lex_next(&p->lexer, &p->token, p->e);
    if (g < 0) p->error_at = p->token.at;
    return g;
}

bool token_is(const struct token *t, const char *text) {
    return t->n == strlen(text) && memcmp(t->text, text, t->n) == 0;
}
bool at_symbol(const struct parser *p, const char *text) {
    return p->token.type == TOKEN_SYMBOL && token_is(&p->token, text);
}
bool at_keyword(const struct parser *p, const char *text) {
    return p->token.type == TOKEN_KEYWORD && token_is(&p->token, text);
}

int parse_unexpected(struct parser *p, const char *wanted) {
    const struct token *t = &p->token;
    p->error_at = t->at;
    if (t->type == TOKEN_END) return err_set(p->e, G_USAGE, "syntax error: %s expected at the end", wanted);
    return err_set(p->e, G_USAGE, "syntax error: %s expected instead of '%.*s'", wanted,
                   (int)(p->lexer.next - t->at > 40 ? 40 : p->lexer.next - t->at), p->lexer.text + t->at);
}

int expect_symbol(struct parser *p, const char *text) {
    char wanted[16] = "'";
    if (at_symbol(p, text)) return parse_advance(p);
    memcpy(wanted + 1, text, strlen(text));
    wanted[strlen(text) + 1] = '\'';
    return parse_unexpected(p, wanted);
}

int expect_keyword(struct parser *p, const char *text) {
    return at_keyword(p, text) ? parse_advance(p) : parse_unexpected(p, text);
}

struct ast *ast_node(struct parser *p, enum ast_type type, uint32_t at) {
    struct ast *a = heap_alloc(p->heap, sizeof *a);
    if (a) *a = (struct ast){.type = (uint8_t)type, .at = at};
    return a;
}

int parse_nomem(struct parser *p) {
    return err_nomem(p->e);
}

int ast_pair(struct parser *p, enum ast_type type, uint32_t at, struct ast *a, struct ast *b, struct ast **ret) {
    struct ast *x = ast_node(p, type, at);
    if (!x) return parse_nomem(p);
    x->a = a;
    x->b = b;
    *ret = x;
    return 0;
}

int ast_named(struct parser *p, enum ast_type type, uint32_t at, const char *name, uint32_t n, struct ast **ret) {
    struct ast *x = ast_node(p, type, at);
    if (!x) return parse_nomem(p);
    x->name = value_text(name, n);
    *ret = x;
    return 0;
}

/* Lists grow by doubling; the old copy stays in the heap. */
int parse_list_add(struct parser *p, void ***list, uint32_t *n, void *item) {
    if ((*n & (*n - 1)) == 0) { /* a power of two: full */
        void **more = heap_alloc(p->heap, (*n ? (size_t)*n * 2 : 1) * sizeof *more);
        if (!more) return parse_nomem(p);
        if (*n) memcpy(more, *list, *n * sizeof *more);
        *list = more;
    }
    (*list)[(*n)++] = item;
    return 0;
}
