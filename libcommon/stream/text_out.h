/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Records as text, into a buffer: JSON lines, the JSON envelope, CSV, TSV, lines, length-prefixed blobs, pretty JSON, a
 * table, and kcat's format strings (leat(1), FORMATS). No input or output.
 */
#ifndef LEAT_STREAM_TEXT_OUT_H
#define LEAT_STREAM_TEXT_OUT_H

#include "stream/block.h"

enum out_format {
    OUT_DEFAULT, /* JSON lines on a terminal, blocks elsewhere */
    OUT_BLOCKS,
    OUT_JSON,
    OUT_ENVELOPE,
    OUT_CSV,
    OUT_TSV,
    OUT_LINES,
    OUT_LP,
    OUT_PRETTY,
    OUT_TABLE,
    OUT_FORMAT /* -f */
};

struct text_out_config {
    enum out_format format;
    const char *pattern;       /* OUT_FORMAT: kcat's escapes */
    const char *key_delimiter; /* OUT_LINES: key, this, value; NULL: the value only */
    bool color;
    bool safe;      /* make control and bidi characters harmless: for terminals */
    unsigned width; /* columns for OUT_TABLE; 0: as wide as need be */
};

/* Where a record comes from. */
struct record_origin {
    const char *topic; /* NULL: none */
    uint32_t partition;
};

struct text_out;

/* G_USAGE when the pattern is wrong (the text says where). */
int text_out_open(struct text_out **ret, const struct text_out_config *config, struct err *e) NODISCARD;
void text_out_free(struct text_out *t);

/* Append one record. G_DATA when the format cannot hold it (a binary value as CSV); nothing is appended then. */
int text_out_record(struct text_out *t, const struct record *r, const struct record_origin *from, struct buf *out,
                    struct err *e) NODISCARD;

/* What was held back (a table that waits to know its widths). Call before waiting for input and at the end. */
int text_out_flush(struct text_out *t, struct buf *out, struct err *e) NODISCARD;

enum out_format out_format_parse(const char *name); /* OUT_DEFAULT when unknown */
const char *out_format_name(enum out_format f);

#endif
