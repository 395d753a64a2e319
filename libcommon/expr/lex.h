/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tokens of a program. The lexer never looks beyond the token it returns, so the parser can take over in the middle of
 * a string, where other rules hold.
 */
#ifndef LEAT_EXPR_LEX_H
#define LEAT_EXPR_LEX_H

#include <stdint.h>

#include "base/err.h"

enum token_type {
    TOKEN_END,
    TOKEN_NAME,     /* also with :: in between, and p99.9 */
    TOKEN_KEYWORD,  /* a name with a meaning: if, then, … */
    TOKEN_FIELD,    /* .name; text is the name */
    TOKEN_VARIABLE, /* $name; text is the name */
    TOKEN_FORMAT,   /* @name; text includes the @ */
    TOKEN_NUMBER,
    TOKEN_QUOTE, /* the opening quote of a string */
    TOKEN_SYMBOL /* one to three characters */
};

struct token {
    enum token_type type;
    const char *text;
    uint32_t n;
    uint32_t at; /* byte in the program */
};

struct lexer {
    const char *text;
    uint32_t n;
    uint32_t next; /* the first byte behind the token returned last */
};

/* 0, or G_USAGE for a byte that begins no token; ret->at is then the place. */
int lex_next(struct lexer *l, struct token *ret, struct err *e) NODISCARD;

#endif
