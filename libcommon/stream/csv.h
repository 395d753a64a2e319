/* SPDX-License-Identifier: Apache-2.0 */
/*
 * CSV and TSV rows to JSON objects; no input or output. Called by the text reader, which holds the bytes.
 *
 * CSV is RFC 4180: fields are separated by commas (or by another character that is neither a quote nor a line end); one
 * that begins with a quote ends at its closing quote, may hold commas and line ends, and has quotes doubled. A quote
 * inside a field that does not begin with one is plain text. Text behind a closing quote makes the row bad.
 * TSV is IANA's text/tab-separated-values: fields are separated by tabs and rows by line ends, and quotes are plain
 * text. For what a field cannot hold there are \t, \n, \r and \\, as Miller and PostgreSQL write them; any other
 * backslash is plain text.
 * Both: rows end with LF or CRLF. The first row names the fields; a byte order mark is not part of it (the caller's
 * task). A row becomes an object with the names as keys, in their order.
 *
 * With `infer`, a field without quotes is a number when it is one in JSON's grammar (so 007 and +1 are strings, 1e5 is
 * a number) and at most CSV_NUMBER_MAX bytes, true or false when it is that, and null when it is empty. Every other
 * field is a string. Digits stay as they are written.
 */
#ifndef LEAT_STREAM_CSV_H
#define LEAT_STREAM_CSV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "json/validate.h"

#define CSV_NUMBER_MAX 1000u /* what the validator takes by default */

enum csv_kind { CSV_QUOTING, CSV_TABS }; /* CSV, TSV */

struct csv {
    enum csv_kind kind;
    char separator;
    bool infer;
    size_t columns;      /* 0 until there is a header */
    struct buf names;    /* what stands in front of each value: {"a":  ,"b":  … */
    size_t *name_ends;   /* where each of them ends in `names` */
    size_t columns_room; /* of name_ends */
    struct buf field;    /* one field without its doubled quotes or escapes */
};

void csv_init(struct csv *c, enum csv_kind kind, char separator, bool infer);
void csv_restart(struct csv *c); /* another header will come */
void csv_release(struct csv *c); /* takes NULL and a zeroed one */

/* Where a row ends. Zero at its begin; goes on where it stopped when it is called again with more bytes of the row. */
enum csv_state { CSV_FIELD_START, CSV_PLAIN, CSV_QUOTED, CSV_QUOTE };
struct csv_scan {
    size_t at; /* looked at so far */
    enum csv_state state;
    uint64_t lines; /* line ends so far, the row's own included */
    size_t end;     /* length of the row without its line end; set with true */
    size_t next;    /* where the next row begins; set with true */
};

/* p[0..n) begins with the row. True when its end is there. At the end of the input the rest is a row too, unless the
 * state is CSV_QUOTED: then it is cut off. */
bool csv_scan(const struct csv *c, struct csv_scan *s, const char *p, size_t n);

/* The first row, without its line end. G_CORRUPT: a name is empty or there twice, or the row is bad in itself. */
int csv_header(struct csv *c, struct json_validator *v, const char *row, size_t n, struct err *e) NODISCARD;

/* Append the row as a JSON object. G_DATA: not UTF-8, a bad quote, or not as many fields as the header has (`out` then
 * has a part of it). */
int csv_row(struct csv *c, const char *row, size_t n, struct buf *out, struct err *e) NODISCARD;

/* Fields of a row, however bad: for telling formats apart. */
size_t csv_count(const struct csv *c, const char *row, size_t n);

#endif
