/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JSON text laid out for people: indented as jq does it, coloured in jq's colours, or both. Works on the raw text,
 * token by token, and keeps numbers and strings as they are spelled. Memory-safe on any bytes.
 */
#ifndef LEAT_STREAM_JSON_LAYOUT_H
#define LEAT_STREAM_JSON_LAYOUT_H

#include "base/buf.h"

enum json_layout_flags {
    LAYOUT_INDENT = 1, /* two spaces a level; blanks of the text are dropped. Else they are kept. */
    LAYOUT_COLOR = 2
};

/* Beyond this many levels the indentation does not grow: it bounds what a hostile value can be blown up to. */
enum { LAYOUT_DEEPEST = 64 };

/* Append the layout of text[0..n), without a newline behind it. 0 or G_NOMEM. */
int json_layout(struct buf *out, const char *text, size_t n, unsigned flags) NODISCARD;

#endif
