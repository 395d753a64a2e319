/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See json_layout.h. A colour is written where it changes and taken back before each line end, so that a pager may
 * begin at any line.
 */
#include "stream/json_layout.h"

#include <stdbool.h>

#include "stream/json_lex.h"

/* The colours of jq 1.6 and 1.7; each sets weight and colour, so that one may follow the other. */
#define COLOR_KEY "\x1b[34;1m"
#define COLOR_STRING "\x1b[0;32m"
#define COLOR_PLAIN "\x1b[0;39m"
#define COLOR_NULL "\x1b[1;30m"
#define COLOR_PUNCTUATION "\x1b[1;39m"
#define COLOR_OFF "\x1b[0m"

struct layout {
    struct buf *out;
    struct json_lexer lexer;
    bool indent, color;
    const char *current; /* the colour that is on, or NULL */
    size_t depth;
    enum json_token last;
};

static int color_set(struct layout *l, const char *color) {
    if (!l->color || l->current == color) return 0;
    l->current = color;
    return buf_puts(l->out, color ? color : COLOR_OFF);
}

static int line_break(struct layout *l) {
    static const char spaces[2 * LAYOUT_DEEPEST + 1] =
        "                                                                "
        "                                                                ";
    size_t depth = l->depth < LAYOUT_DEEPEST ? l->depth : LAYOUT_DEEPEST;
    if (color_set(l, NULL) < 0 || buf_putc(l->out, '\n') < 0) return G_NOMEM;
    return buf_append(l->out, spaces, 2 * depth);
}

/* A string in front of a colon is a key. In text that is not JSON some other string may be taken for one. */
static bool is_key(const struct layout *l) {
    struct json_lexer ahead = l->lexer;
    return json_lex(&ahead) == TOKEN_COLON;
}

static const char *token_color(const struct layout *l, enum json_token kind) {
    switch (kind) {
    case TOKEN_STRING: return is_key(l) ? COLOR_KEY : COLOR_STRING;
    case TOKEN_NUMBER:
    case TOKEN_TRUE:
    case TOKEN_FALSE: return COLOR_PLAIN;
    case TOKEN_NULL: return COLOR_NULL;
    case TOKEN_JUNK: return NULL;
    default: return COLOR_PUNCTUATION;
    }
}

static bool ends_value(enum json_token kind) {
    return kind == TOKEN_CLOSE || kind >= TOKEN_STRING;
}

/* What stands between the last token and this one. */
static int gap_append(struct layout *l, enum json_token kind, const char *gap) {
    if (!l->indent) return buf_append(l->out, gap, (size_t)(l->lexer.token - gap));
    if (kind == TOKEN_CLOSE) {
        if (l->depth > 0) l->depth--;
        return l->last == TOKEN_OPEN || l->last == TOKEN_END ? 0 : line_break(l);
    }
    if (l->last == TOKEN_OPEN || l->last == TOKEN_COMMA) return line_break(l);
    if (l->last == TOKEN_COLON) return buf_putc(l->out, ' ');
    /* Two values without a comma: not JSON, and not to be made one word. */
    if (ends_value(l->last) && (kind == TOKEN_OPEN || kind >= TOKEN_STRING)) return buf_putc(l->out, ' ');
    return 0;
}

int json_layout(struct buf *out, const char *text, size_t n, unsigned flags) {
    struct layout l = {.out = out,
                       .lexer = {.p = text, .end = text + n},
                       .indent = flags & LAYOUT_INDENT,
                       .color = flags & LAYOUT_COLOR,
                       .last = TOKEN_END};
    for (const char *gap = text;; gap = l.lexer.p) {
        enum json_token kind = json_lex(&l.lexer);
        if (kind == TOKEN_END) {
            int rc = l.indent ? 0 : buf_append(out, gap, (size_t)(l.lexer.token - gap));
            return rc < 0 ? rc : color_set(&l, NULL);
        }
        if (gap_append(&l, kind, gap) < 0 || color_set(&l, token_color(&l, kind)) < 0) return G_NOMEM;
        if (buf_append(out, l.lexer.token, l.lexer.size) < 0) return G_NOMEM;
        if (kind == TOKEN_OPEN) l.depth++;
        l.last = kind;
    }
}
