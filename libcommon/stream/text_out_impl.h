/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of the text writer share; not for anyone else. text_out.c owns the life of a writer, the short formats
 * and what is done to a whole line (safety, colour); the others append one format each.
 */
#ifndef LEAT_STREAM_TEXT_OUT_IMPL_H
#define LEAT_STREAM_TEXT_OUT_IMPL_H

#include "stream/columns.h"
#include "stream/pattern.h"
#include "stream/table.h"
#include "stream/text_out.h"

struct text_out;

/* Append one record. Errors but G_DATA may go without a text; what was appended in part is dropped by the caller. */
typedef int text_out_put(struct text_out *t, const struct record *r, const struct record_origin *from, struct buf *out,
                         struct err *e);

struct text_out {
    struct text_out_config config;
    char *key_delimiter;
    text_out_put *put;
    struct pattern *pattern; /* OUT_FORMAT */
    struct table *table;     /* OUT_TABLE */
    struct columns columns;  /* OUT_CSV, OUT_TSV */
    bool has_columns;        /* the header line is out */
    bool rewrites;           /* lines are made safe, indented or coloured */
    struct buf scratch;
    struct buf line; /* a finished line that is to be written anew */
};

text_out_put text_out_put_envelope, text_out_put_rows;

#endif
