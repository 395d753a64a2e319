/* SPDX-License-Identifier: Apache-2.0 */
/* Rows of CSV and TSV out of the input buffer: cutting them, the byte order mark, the header line. See text_in.h. */
#include "stream/text_in_impl.h"

static const char bom[] = "\xEF\xBB\xBF";
#define BOM_BYTES 3u

/* Pass over a byte order mark, which Windows programs put in front of UTF-8. */
static int pass_bom(struct text_in *t, struct err *e) {
    for (;;) {
        size_t left = inbuf_left(t->in);
        size_t n = left < BOM_BYTES ? left : BOM_BYTES;
        bool same = memcmp(inbuf_here(t->in), bom, n) == 0;
        if (same && n < BOM_BYTES) {
            int g = text_in_more(t, e);
            if (g == 0) continue;
            if (g != G_EOF) return g;
        } else if (same) {
            t->in->at += BOM_BYTES;
        }
        t->bom_passed = true;
        return 0;
    }
}

static int cut_off(struct err *e) {
    return err_set(e, G_TRUNCATED, "the input ends inside a quoted field");
}

/* Drop the bytes of a row over the limit up to its end, wherever that is: a line end may belong to a quoted field, and
 * what stands behind it must not be taken for rows. */
static int skip_row(struct text_in *t, struct err *e) {
    struct inbuf *in = t->in;
    while (!csv_scan(&t->csv, &t->scan, inbuf_here(in), inbuf_left(in))) {
        in->at = in->len;
        t->scan.at = 0;
        int g = text_in_more(t, e);
        if (g == G_EOF && t->scan.state == CSV_QUOTED) return cut_off(e);
        if (g != 0) return g;
    }
    in->at += t->scan.next;
    t->next_line += t->scan.lines;
    t->scan = (struct csv_scan){0};
    t->skipping = false;
    return 0;
}

static int over_limit(struct text_in *t, struct err *e) {
    (void)text_in_over_limit(t, "row", e);
    t->current = 0; /* skip_row begins again at the row's begin */
    t->scan = (struct csv_scan){0};
    if (t->csv.columns == 0)
        return err_set(e, G_CORRUPT, "the header of more than %zu bytes is over the limit; --max-record raises it",
                       t->line_limit);
    return G_DATA;
}

/* The input is at its end: what is left is the last row, unless a quote is open. */
static int last_row(struct text_in *t, struct err *e) {
    size_t left = inbuf_left(t->in);
    size_t n = left > 0 && inbuf_here(t->in)[left - 1] == '\r' ? left - 1 : left;
    bool open = t->scan.state == CSV_QUOTED;
    text_in_take(t, 0, open ? left : n, left, t->scan.lines + 1);
    t->scan = (struct csv_scan){0};
    return open ? cut_off(e) : 0;
}

/* Cut the next row and take it. */
static int cut_row(struct text_in *t, struct err *e) {
    struct inbuf *in = t->in;
    for (;;) {
        size_t left = inbuf_left(in);
        bool whole = csv_scan(&t->csv, &t->scan, inbuf_here(in), left);
        if ((whole ? t->scan.next - 1 : left) > t->line_limit) return over_limit(t, e);
        if (whole) {
            text_in_take(t, 0, t->scan.end, t->scan.next, t->scan.lines);
            t->scan = (struct csv_scan){0};
            return 0;
        }
        int g = text_in_more(t, e);
        if (g == G_EOF && left > 0) return last_row(t, e);
        if (g != 0) return g;
    }
}

/* A line without anything is no row, unless there is one column: then it is an empty field. */
static bool is_no_row(const struct text_in *t) {
    return t->raw_size == 0 && t->csv.columns != 1;
}

/* What the first line of the header says of the delimiter, where nobody else did: see text_in.h. */
static char delimiter_of(const struct text_in *t) {
    if (t->config.format != IN_CSV || t->config.delimiter) return t->csv.separator;
    if (input_named(t->in->name, IN_LINES) != IN_CSV) return t->csv.separator;
    const char *lf = memchr(t->raw, '\n', t->raw_size);
    size_t n = lf ? (size_t)(lf - t->raw) : t->raw_size;
    bool semicolon = memchr(t->raw, ';', n) && !memchr(t->raw, ',', n) && !memchr(t->raw, '\t', n);
    return semicolon ? ';' : ',';
}

/* The row that was taken for the header ends elsewhere with this delimiter, perhaps: it is to be cut again. */
static void cut_again(struct text_in *t, char delimiter) {
    t->csv.separator = delimiter;
    t->current = 0;
    t->next_line = t->line;
}

int text_in_next_csv(struct text_in *t, struct record *r, struct err *e) {
    int g = t->bom_passed ? 0 : pass_bom(t, e);
    if (g == 0 && t->skipping) g = skip_row(t, e);
    for (bool header = true; g == 0 && header;) {
        t->in->at += t->current;
        t->current = 0;
        g = cut_row(t, e);
        if (g != 0) return g;
        header = t->csv.columns == 0;
        if (is_no_row(t)) {
            header = true;
        } else if (header && delimiter_of(t) != t->csv.separator) {
            cut_again(t, delimiter_of(t));
        } else if (header) {
            g = csv_header(&t->csv, &t->json, t->raw, t->raw_size, e);
        }
    }
    if (g != 0) return g;
    buf_clear(&t->scratch);
    g = csv_row(&t->csv, t->raw, t->raw_size, &t->scratch, e);
    if (g < 0) return g;
    r->value = t->scratch.data;
    r->value_size = t->scratch.len;
    r->value_type = VALUE_JSON;
    return 0;
}
