/* SPDX-License-Identifier: Apache-2.0 */
/*
 * CSV (RFC 4180, lines end with LF) and TSV (tabs, with \t \n \r \\ for what would break a row): JSON objects as rows.
 *
 * The first record's fields are the header. A later record may lack some, which leaves their cells empty, and may have
 * them in any order; one with a field that is not in the header is refused. Arrays and objects are cells of JSON text,
 * null is an empty cell. In CSV a string that a reader which infers types would take for something else (a number,
 * true, false, nothing) is quoted, so that such a reader has the values back; TSV has no way to say that.
 */
#include <strings.h>

#include "stream/text_out_impl.h"
#include "stream/text_out_value.h"
#include "json/text.h"

#define COLUMNS_MAX 16384 /* as many as the widest spreadsheets have */

static const char *skip_digits(const char *p, const char *end) {
    while (p < end && *p >= '0' && *p <= '9') p++;
    return p;
}

/* What this or another reader may take for a number: with a sign, leading zeros, or no digits before the point. */
static bool looks_like_number(const char *p, size_t n) {
    const char *end = p + n;
    if (p < end && (*p == '-' || *p == '+')) p++;
    const char *whole = skip_digits(p, end);
    size_t digits = (size_t)(whole - p);
    p = whole;
    if (p < end && *p == '.') {
        const char *fraction = skip_digits(p + 1, end);
        digits += (size_t)(fraction - p - 1);
        p = fraction;
    }
    if (digits == 0) return false;
    if (p < end && (*p == 'e' || *p == 'E')) {
        p++;
        if (p < end && (*p == '-' || *p == '+')) p++;
        p = skip_digits(p, end);
    }
    return p == end;
}

static bool needs_quotes(const char *p, size_t n) {
    if (n == 0) return true;
    if (p[0] == ' ' || p[n - 1] == ' ') return true;
    for (size_t i = 0; i < n; i++) {
        if (p[i] == ',' || p[i] == '"' || p[i] == '\n' || p[i] == '\r') return true;
    }
    return false;
}

static bool looks_typed(const char *p, size_t n) {
    if ((p[0] >= '0' && p[0] <= '9') || p[0] == '-' || p[0] == '+' || p[0] == '.') return looks_like_number(p, n);
    return (n == 4 && strncasecmp(p, "true", 4) == 0) || (n == 5 && strncasecmp(p, "false", 5) == 0);
}

static int append_csv(struct buf *out, const char *p, size_t n, bool is_string) {
    if (!needs_quotes(p, n) && !(is_string && looks_typed(p, n))) return buf_append(out, p, n);
    if (n > SIZE_MAX / 2 - 1 || buf_reserve(out, 2 * n + 2) < 0) return G_NOMEM;
    buf_putc_fast(out, '"');
    for (size_t i = 0; i < n; i++) {
        if (p[i] == '"') buf_putc_fast(out, '"');
        buf_putc_fast(out, p[i]);
    }
    buf_putc_fast(out, '"');
    return 0;
}

static int append_tsv(struct buf *out, const char *p, size_t n) {
    if (n > SIZE_MAX / 2 || buf_reserve(out, 2 * n) < 0) return G_NOMEM;
    for (size_t i = 0; i < n; i++) {
        char c = p[i];
        char letter = c == '\t' ? 't' : c == '\n' ? 'n' : c == '\r' ? 'r' : c == '\\' ? '\\' : 0;
        if (letter) buf_putc_fast(out, '\\');
        buf_putc_fast(out, letter ? letter : c);
    }
    return 0;
}

static int append_cell(const struct text_out *t, struct buf *out, const char *p, size_t n, bool is_string) {
    return t->config.format == OUT_CSV ? append_csv(out, p, n, is_string) : append_tsv(out, p, n);
}

static int append_value(struct text_out *t, size_t column, struct buf *out, struct err *e) {
    const struct cell *cell = &t->columns.cells[column];
    if (cell->type == TOKEN_END || cell->type == TOKEN_NULL) return 0;
    if (cell->type == TOKEN_STRING && !memchr(cell->text, '\\', cell->size))
        return append_cell(t, out, cell->text + 1, cell->size - 2, true);
    buf_clear(&t->scratch);
    int rc = cell->type == TOKEN_STRING ? json_unescape(cell->text, cell->size, &t->scratch)
                                        : json_line_append(&t->scratch, cell->text, cell->size);
    if (rc == G_DATA) {
        size_t n;
        const char *name = columns_name(&t->columns, column, &n);
        return err_set(e, G_DATA, "field '%.*s' has a broken escape", n < 200 ? (int)n : 200, name);
    }
    if (rc < 0) return rc;
    const char *text = t->scratch.data ? t->scratch.data : "";
    return append_cell(t, out, text, t->scratch.len, cell->type == TOKEN_STRING);
}

static char separator_of(const struct text_out *t) {
    return t->config.format == OUT_CSV ? ',' : '\t';
}

static int append_header(struct text_out *t, struct buf *out) {
    for (size_t i = 0; i < t->columns.count; i++) {
        if (i > 0 && buf_putc(out, separator_of(t)) < 0) return G_NOMEM;
        size_t n;
        const char *name = columns_name(&t->columns, i, &n);
        if (append_cell(t, out, name, n, false) < 0) return G_NOMEM;
    }
    return buf_putc(out, '\n');
}

/* Read the first record's fields. When it is refused, the next one is the first. */
static int take_header(struct text_out *t, const struct record *r, struct buf *out, struct err *e) {
    columns_release(&t->columns);
    int rc = columns_init(&t->columns, COLUMNS_MAX, e);
    if (rc == 0) rc = columns_fill(&t->columns, r->value, r->value_size, true, e);
    if (rc < 0) return rc;
    if (t->columns.count == 0) return err_set(e, G_DATA, "an object without fields makes no header");
    return append_header(t, out);
}

int text_out_put_rows(struct text_out *t, const struct record *r, const struct record_origin *from, struct buf *out,
                      struct err *e) {
    (void)from;
    if (r->value_type != VALUE_JSON)
        return err_set(e, G_DATA, "%s: a row needs a JSON object",
                       r->value_type == VALUE_NONE ? "a tombstone" : "a value of bytes");
    int rc = t->has_columns ? columns_fill(&t->columns, r->value, r->value_size, false, e) : take_header(t, r, out, e);
    if (rc < 0) return rc;
    for (size_t i = 0; i < t->columns.count; i++) {
        if (i > 0 && buf_putc(out, separator_of(t)) < 0) return G_NOMEM;
        rc = append_value(t, i, out, e);
        if (rc < 0) return rc;
    }
    if (buf_putc(out, '\n') < 0) return G_NOMEM;
    t->has_columns = true;
    return 0;
}
