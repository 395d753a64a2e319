/* SPDX-License-Identifier: Apache-2.0 */
/* What the parser's files share; not for anyone else. */
#ifndef LEAT_EXPR_PARSE_IMPL_H
#define LEAT_EXPR_PARSE_IMPL_H

#include <stdbool.h>

#include "expr/ast.h"
#include "expr/lex.h"

#define PARSE_DEPTH_MAX 500 /* brackets and operators in each other */

struct parser {
    struct heap *heap;
    struct lexer lexer;
    struct token token; /* the one to look at; the lexer is right behind it */
    struct err *e;
    bool no_comma; /* in the value of an object's member, where a comma ends it */
    bool no_bind;  /* behind reduce and foreach, where `as` belongs to them */
    unsigned depth;
    uint32_t error_at;
};

/* ---- parse_tools.c: tokens and nodes ---- */

int parse_fail(struct parser *p, uint32_t at, const char *what) NODISCARD;
int parse_advance(struct parser *p) NODISCARD;
bool token_is(const struct token *t, const char *text);
bool at_symbol(const struct parser *p, const char *text);
bool at_keyword(const struct parser *p, const char *text);
int parse_unexpected(struct parser *p, const char *wanted) NODISCARD;
int expect_symbol(struct parser *p, const char *text) NODISCARD;
int expect_keyword(struct parser *p, const char *text) NODISCARD;
struct ast *ast_node(struct parser *p, enum ast_type type, uint32_t at);
int parse_nomem(struct parser *p) NODISCARD;
int ast_pair(struct parser *p, enum ast_type type, uint32_t at, struct ast *a, struct ast *b,
             struct ast **ret) NODISCARD;
int ast_named(struct parser *p, enum ast_type type, uint32_t at, const char *name, uint32_t n,
              struct ast **ret) NODISCARD;
int parse_list_add(struct parser *p, void ***list, uint32_t *n, void *item) NODISCARD;
#define LIST_ADD(p, list, n, item) parse_list_add(p, (void ***)(list), n, item)

/* ---- parse_value.c: strings, objects ---- */

int parse_string(struct parser *p, const struct token *format, struct ast **ret) NODISCARD;
int parse_format(struct parser *p, struct ast **ret) NODISCARD;
int parse_object(struct parser *p, struct ast **ret) NODISCARD;
int constant_text(struct parser *p, const struct token *t, struct ast **ret) NODISCARD;
int parenthesized(struct parser *p, struct ast **ret) NODISCARD;

/* ---- parse_pattern.c: what stands behind `as` ---- */

int parse_patterns(struct parser *p, struct ast *x) NODISCARD;

/* ---- parse.c ---- */

int parse_pipe(struct parser *p, struct ast **ret) NODISCARD;

#endif
