/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JSON text as a run of tokens, and an object's text as a run of fields: for output that shows a value and does not
 * evaluate it (colours, indentation, rows). Tolerant and memory-safe on any bytes, since a value may be shown that
 * nobody validated; builds nothing and allocates nothing.
 */
#ifndef LEAT_STREAM_JSON_LEX_H
#define LEAT_STREAM_JSON_LEX_H

#include <stddef.h>

enum json_token {
    TOKEN_END,
    TOKEN_OPEN,  /* { or [ */
    TOKEN_CLOSE, /* } or ] */
    TOKEN_COMMA,
    TOKEN_COLON,
    TOKEN_STRING, /* with its quotes; the closing one is missing where the text ends first */
    TOKEN_NUMBER, /* begins like one */
    TOKEN_TRUE,
    TOKEN_FALSE,
    TOKEN_NULL,
    TOKEN_JUNK /* a run of bytes that begins no token */
};

struct json_lexer {
    const char *p, *end; /* what is still to be read */
    const char *token;   /* the last one */
    size_t size;
};

enum json_token json_lex(struct json_lexer *l);

/* One field: the raw key (between its quotes, escapes as they stand) and the text of its value. */
struct json_field {
    const char *key, *value;
    size_t key_size, value_size;
    enum json_token type; /* of the value's first token: TOKEN_OPEN for arrays and objects */
};

struct json_fields {
    struct json_lexer lexer;
    int begun;
};

static inline struct json_fields json_fields_of(const char *object, size_t n) {
    return (struct json_fields){.lexer = {.p = object, .end = object + n}};
}

/* 1: *ret is set; 0: the object is at its end, and nothing but blanks is behind it; -1: this is not an object. */
int json_field_next(struct json_fields *f, struct json_field *ret);

#endif
