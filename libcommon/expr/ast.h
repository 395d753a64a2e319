/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The syntax tree of a program: what parse.c makes and compile.c reads. The grammar is that of jq 1.6, with the later
 * additions `if` without `else` and operators in object values. Nodes live in the program's heap.
 */
#ifndef LEAT_EXPR_AST_H
#define LEAT_EXPR_AST_H

#include "expr/heap.h"
#include "expr/op.h"

enum ast_type {
    AST_IDENTITY, /* . */
    AST_CONSTANT, /* value */
    AST_STRING,   /* list: parts, texts and expressions in turn; name: its @format or NULL */
    AST_FORMAT,   /* name: @base64 on its own */
    AST_INDEX,    /* a[b]; .name is an index by a constant string */
    AST_SLICE,    /* a[b:c], b or c may be NULL */
    AST_ITERATE,  /* a[] */
    AST_TRY,      /* try a catch b; (a)? has no b */
    AST_ARRAY,    /* [a], a may be NULL */
    AST_OBJECT,   /* list: key, value, key, value, … */
    AST_NEGATE,   /* -a */
    AST_PIPE,     /* a | b */
    AST_COMMA,    /* a, b */
    AST_BINARY,   /* a op b: arithmetic and comparison */
    AST_AND,
    AST_OR,
    AST_ALTERNATIVE, /* a // b */
    AST_ASSIGN,      /* a op b: = |= += … */
    AST_IF,          /* if a then b else c end, c may be NULL */
    AST_REDUCE,      /* reduce a as pattern (b; c) */
    AST_FOREACH,     /* foreach a as pattern (b; c; d), d may be NULL */
    AST_CALL,        /* name(list) */
    AST_VARIABLE,    /* $name */
    AST_LOCATION,    /* $__loc__; number: the line */
    AST_DEFINE,      /* def …; a */
    AST_BIND,        /* a as pattern ?// … | b */
    AST_LABEL,       /* label $name | a */
    AST_BREAK,       /* break $name */
    AST_DESCEND,     /* .. */
    AST_PRESET       /* n: the slot that has a value before the program runs; not in any text */
};

/* What stands behind `as`: $name, [patterns], {keys: patterns}. */
struct ast_pattern {
    enum { PATTERN_VARIABLE, PATTERN_ARRAY, PATTERN_OBJECT } type;
    struct value name; /* of the variable */
    struct ast_pattern **items;
    struct ast_member *members;
    uint32_t n;
};
struct ast_member {
    struct ast *key;             /* gives the name */
    struct value variable;       /* {$name} binds the value as well; text is NULL when it does not */
    struct ast_pattern *pattern; /* NULL for {$name} */
};

struct ast_function {
    struct value name;
    struct value *params;
    bool *is_value; /* def f($x): */
    uint32_t n;
    struct ast *body;
};

struct ast {
    uint8_t type, op;
    bool optional; /* AST_INDEX, AST_SLICE, AST_ITERATE with a ? behind: an error of this step, not of a, gives nothing
                    */
    uint32_t at;   /* byte in the program's text, for the caret */
    uint32_t end;  /* AST_CALL: the byte behind it */
    struct ast *a, *b, *c, *d;
    struct value name; /* or the constant */
    struct ast **list;
    uint32_t n;
    struct ast_pattern **patterns;
    uint32_t pattern_count;
    struct ast_function *function;
};

/* 0; G_USAGE with the reason and *ret_at where; G_NOMEM. The tree's names point into `text`, which must live as long.
 */
int ast_parse(struct heap *h, const char *text, size_t n, struct ast **ret, uint32_t *ret_at, struct err *e) NODISCARD;

/* Written alike: the same tree, wherever it stands in the text. */
bool ast_equal(const struct ast *a, const struct ast *b);

#endif
