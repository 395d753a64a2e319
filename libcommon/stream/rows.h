/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a tool tells about things (topics, groups), as rows of named fields: each row is a record with a JSON object, so
 * that every output format serves. In a table the names stand in capitals and a missing value is a dash; elsewhere
 * names are lower-case and a missing value is null.
 */
#ifndef LEAT_STREAM_ROWS_H
#define LEAT_STREAM_ROWS_H

#include "stream/output.h"

struct rows {
    struct output out;
    bool table;
    struct buf line; /* of the open row */
    bool oom;        /* told by rows_end */
};

/* OUT_DEFAULT is a table. */
int rows_open(struct rows *r, const struct output_config *config, struct err *e) NODISCARD;
int rows_close(struct rows *r, bool complete, struct err *e) NODISCARD;

/* Fields of a row, in order; `name` is lower-case with underscores. Then rows_end. */
void rows_text(struct rows *r, const char *name, const char *value); /* NULL: missing */
void rows_number(struct rows *r, const char *name, uint64_t value);
void rows_missing(struct rows *r, const char *name);
void rows_flag(struct rows *r, const char *name, bool value); /* yes or a dash; true or false */
void rows_json(struct rows *r, const char *name, const char *text, size_t n);
int rows_end(struct rows *r, struct err *e) NODISCARD;

/* Instead of a row: an object that somebody else wrote; and a text as it is, one line or more. For OUT_LINES. */
int rows_object(struct rows *r, const char *json, size_t n, struct err *e) NODISCARD;
int rows_line(struct rows *r, const char *text, size_t n, struct err *e) NODISCARD;

#endif
