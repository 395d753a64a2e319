/* SPDX-License-Identifier: Apache-2.0 */
/* See lex.h. */
#include "expr/lex.h"

#include <stdbool.h>
#include <string.h>

static bool is_alpha(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

static bool is_word(char c) {
    return is_alpha(c) || is_digit(c);
}

static char byte_at(const struct lexer *l, uint32_t i) {
    return i < l->n ? l->text[i] : '\0';
}

static uint32_t skip_space(const struct lexer *l, uint32_t i) {
    for (;; i++) {
        char c = byte_at(l, i);
        if (c == '#')
            while (i < l->n && l->text[i] != '\n') i++;
        else if (c != ' ' && c != '\t' && c != '\n' && c != '\r')
            return i;
        if (i >= l->n) return l->n;
    }
}

/* A name, and further ones behind "::". */
static uint32_t name_end(const struct lexer *l, uint32_t i) {
    for (;;) {
        while (is_word(byte_at(l, i))) i++;
        if (byte_at(l, i) != ':' || byte_at(l, i + 1) != ':' || !is_alpha(byte_at(l, i + 2))) return i;
        i += 2;
    }
}

/* p99.9, a percentile: the one name with a dot in it. Behind p99 a number would be a syntax error anyway. */
static uint32_t percentile_end(const struct lexer *l, uint32_t from, uint32_t end) {
    uint32_t i = from + 1;
    while (i < end && is_digit(l->text[i])) i++;
    if (l->text[from] != 'p' || i != end || i == from + 1 || byte_at(l, i) != '.' || !is_digit(byte_at(l, i + 1)))
        return end;
    for (i++; is_digit(byte_at(l, i));) i++;
    return is_word(byte_at(l, i)) ? end : i;
}

static uint32_t number_end(const struct lexer *l, uint32_t i) {
    while (is_digit(byte_at(l, i))) i++;
    if (byte_at(l, i) == '.') {
        i++;
        while (is_digit(byte_at(l, i))) i++;
    }
    if (byte_at(l, i) == 'e' || byte_at(l, i) == 'E') {
        uint32_t exponent = i + 1;
        if (byte_at(l, exponent) == '+' || byte_at(l, exponent) == '-') exponent++;
        if (is_digit(byte_at(l, exponent))) {
            i = exponent;
            while (is_digit(byte_at(l, i))) i++;
        }
    }
    return i;
}

static bool is_keyword(const char *p, uint32_t n) {
    static const char *const words[] = {"def", "if",    "then",  "elif",   "else",    "end", "as", "reduce", "foreach",
                                        "try", "catch", "label", "import", "include", "and", "or", "__loc__"};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (strlen(words[i]) == n && memcmp(words[i], p, n) == 0) return true;
    return false;
}

/* The longest symbol here, or 0. */
static uint32_t symbol_size(const struct lexer *l, uint32_t i) {
    static const char *const symbols[] = {
        "?//", "//=", "..", "==", "!=", "<=", ">=", "//", "|=", "+=", "-=", "*=", "/=", "%="};
    for (size_t k = 0; k < sizeof symbols / sizeof symbols[0]; k++) {
        size_t n = strlen(symbols[k]);
        if (l->n - i >= n && memcmp(l->text + i, symbols[k], n) == 0) return (uint32_t)n;
    }
    return l->text[i] && strchr(".[]{}()|,:;=<>+-*/%?", l->text[i]) ? 1 : 0;
}

static void set(struct lexer *l, struct token *t, enum token_type type, uint32_t from, uint32_t end) {
    t->type = type;
    t->text = l->text + from;
    t->n = end - from;
    l->next = end;
}

static int bad_byte(const struct token *t, const char *text, struct err *e) {
    unsigned char c = (unsigned char)text[t->at];
    if (c > 0x20 && c < 0x7F) return err_set(e, G_USAGE, "syntax error: '%c' makes no sense here", c);
    return err_set(e, G_USAGE, "syntax error: byte 0x%02x makes no sense here", c);
}

int lex_next(struct lexer *l, struct token *ret, struct err *e) {
    uint32_t i = skip_space(l, l->next);
    *ret = (struct token){.at = i};
    if (i >= l->n) {
        set(l, ret, TOKEN_END, l->n, l->n);
        return 0;
    }
    char c = l->text[i];
    char after = byte_at(l, i + 1);
    if (is_alpha(c)) {
        set(l, ret, TOKEN_NAME, i, percentile_end(l, i, name_end(l, i)));
        if (is_keyword(ret->text, ret->n)) ret->type = TOKEN_KEYWORD;
    } else if (is_digit(c) || (c == '.' && is_digit(after))) {
        set(l, ret, TOKEN_NUMBER, i, number_end(l, i));
    } else if (c == '.' && is_alpha(after)) {
        uint32_t end = i + 1;
        while (is_word(byte_at(l, end))) end++;
        set(l, ret, TOKEN_FIELD, i + 1, end);
    } else if (c == '$' && is_alpha(after)) {
        set(l, ret, TOKEN_VARIABLE, i + 1, name_end(l, i + 1));
    } else if (c == '@' && is_alpha(after)) {
        uint32_t end = i + 1;
        while (is_word(byte_at(l, end))) end++;
        set(l, ret, TOKEN_FORMAT, i, end);
    } else if (c == '"') {
        set(l, ret, TOKEN_QUOTE, i, i + 1);
    } else {
        uint32_t n = symbol_size(l, i);
        if (n == 0) return bad_byte(ret, l->text, e);
        set(l, ret, TOKEN_SYMBOL, i, i + n);
    }
    return 0;
}
