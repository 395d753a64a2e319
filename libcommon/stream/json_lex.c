/* SPDX-License-Identifier: Apache-2.0 */
/* Tokens and fields of JSON text. See json_lex.h. */
#include "stream/json_lex.h"

#include <stdbool.h>
#include <string.h>

#include "json/scan.h"

enum { WORD_BYTE = 1, BLANK_BYTE = 2 };

/* Bytes that numbers and words are made of, and the blanks of RFC 8259. */
static const unsigned char byte_class[256] =
    {
        [' '] = BLANK_BYTE,        ['\t'] = BLANK_BYTE,       ['\n'] = BLANK_BYTE, ['\r'] = BLANK_BYTE,
        ['0' ... '9'] = WORD_BYTE, ['+'] = WORD_BYTE,         ['-'] = WORD_BYTE,   ['.'] = WORD_BYTE,
        ['A' ... 'Z'] = WORD_BYTE, ['a' ... 'z'] = WORD_BYTE,
};

static bool token_is(const struct json_lexer *l, const char *word, size_t n) {
    return l->size == n && memcmp(l->token, word, n) == 0;
}

static enum json_token word_kind(const struct json_lexer *l) {
    char c = *l->token;
    if (c == '-' || (c >= '0' && c <= '9')) return TOKEN_NUMBER;
    if (token_is(l, "true", 4)) return TOKEN_TRUE;
    if (token_is(l, "false", 5)) return TOKEN_FALSE;
    if (token_is(l, "null", 4)) return TOKEN_NULL;
    return TOKEN_JUNK;
}

enum json_token json_lex(struct json_lexer *l) {
    const char *p = l->p;
    while (p < l->end && byte_class[(unsigned char)*p] == BLANK_BYTE) p++;
    l->token = p;
    enum json_token kind = TOKEN_JUNK;
    if (p == l->end) {
        kind = TOKEN_END;
    } else if (*p == '"') {
        bool escaped;
        p = json_scan_string(p + 1, l->end, &escaped);
        p = p ? p + 1 : l->end;
        kind = TOKEN_STRING;
    } else if (byte_class[(unsigned char)*p] == WORD_BYTE) {
        while (p < l->end && byte_class[(unsigned char)*p] == WORD_BYTE) p++;
        l->size = (size_t)(p - l->token);
        kind = word_kind(l);
    } else {
        char c = *p++;
        if (c == '{' || c == '[') kind = TOKEN_OPEN;
        if (c == '}' || c == ']') kind = TOKEN_CLOSE;
        if (c == ',') kind = TOKEN_COMMA;
        if (c == ':') kind = TOKEN_COLON;
        /* The bytes of one character stay together. */
        while (kind == TOKEN_JUNK && p < l->end && (unsigned char)*p >= 0x80) p++;
    }
    l->p = p;
    l->size = (size_t)(p - l->token);
    return kind;
}

static bool token_is_value(enum json_token kind) {
    return kind == TOKEN_OPEN || (kind >= TOKEN_STRING && kind <= TOKEN_NULL);
}

static bool string_is_whole(const struct json_lexer *l) {
    return l->size >= 2 && l->token[l->size - 1] == '"';
}

int json_field_next(struct json_fields *f, struct json_field *ret) {
    struct json_lexer *l = &f->lexer;
    enum json_token kind = json_lex(l);
    if (!f->begun) {
        f->begun = 1;
        if (kind != TOKEN_OPEN || *l->token != '{') return -1;
        kind = json_lex(l);
    } else if (kind == TOKEN_COMMA) {
        kind = json_lex(l);
    } else if (kind != TOKEN_CLOSE) {
        return -1;
    }
    if (kind == TOKEN_CLOSE) return *l->token == '}' && json_lex(l) == TOKEN_END ? 0 : -1;
    if (kind != TOKEN_STRING || !string_is_whole(l)) return -1;
    struct json_field field = {.key = l->token + 1, .key_size = l->size - 2};
    if (json_lex(l) != TOKEN_COLON) return -1;
    field.type = json_lex(l);
    if (!token_is_value(field.type) || (field.type == TOKEN_STRING && !string_is_whole(l))) return -1;
    field.value = l->token;
    if (field.type == TOKEN_OPEN) l->p = json_scan_value(l->token, l->end);
    if (!l->p) return -1;
    field.value_size = (size_t)(l->p - field.value);
    *ret = field;
    return 1;
}
