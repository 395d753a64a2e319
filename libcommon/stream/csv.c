/* SPDX-License-Identifier: Apache-2.0 */
/* CSV and TSV rows. See csv.h. */
#include "stream/csv.h"

#include <stdlib.h>
#include <string.h>

#include "json/text.h"

void csv_init(struct csv *c, enum csv_kind kind, char separator, bool infer) {
    *c = (struct csv){.kind = kind, .separator = separator, .infer = infer};
}

void csv_restart(struct csv *c) {
    c->columns = 0;
    buf_clear(&c->names);
}

void csv_release(struct csv *c) {
    if (!c) return;
    buf_release(&c->names);
    buf_release(&c->field);
    free(c->name_ends);
    *c = (struct csv){0};
}

/* Index of the first `c` in p[from..to), or `to`. */
static size_t find(const char *p, size_t from, size_t to, char c) {
    const char *at = memchr(p + from, c, to - from);
    return at ? (size_t)(at - p) : to;
}

static bool row_ends(struct csv_scan *s, const char *p, size_t lf) {
    s->end = lf > 0 && p[lf - 1] == '\r' ? lf - 1 : lf;
    s->next = lf + 1;
    s->lines++;
    return true;
}

/* Outside of quotes: on to the next quote or line end. True at the row's end, `lf`. */
static bool scan_plain(const struct csv *c, struct csv_scan *s, const char *p, size_t n, size_t lf) {
    size_t quote = c->kind == CSV_QUOTING ? find(p, s->at, lf, '"') : lf;
    if (quote < lf) {
        bool opens = quote == s->at ? s->state == CSV_FIELD_START : p[quote - 1] == c->separator;
        s->state = opens ? CSV_QUOTED : CSV_PLAIN;
        s->at = quote + 1;
        return false;
    }
    if (lf < n) return row_ends(s, p, lf);
    s->state = p[n - 1] == c->separator ? CSV_FIELD_START : CSV_PLAIN;
    s->at = n;
    return false;
}

bool csv_scan(const struct csv *c, struct csv_scan *s, const char *p, size_t n) {
    size_t lf = find(p, s->at, n, '\n'); /* the next one; found once, so that many quotes in a long line cost little */
    while (s->at < n) {
        if (s->state == CSV_QUOTED) {
            size_t quote = find(p, s->at, n, '"');
            for (; lf < quote; lf = find(p, lf + 1, n, '\n')) s->lines++;
            s->at = n;
            if (quote == n) break;
            s->state = CSV_QUOTE;
            s->at = quote + 1;
        } else if (s->state == CSV_QUOTE && p[s->at] == '"') {
            s->state = CSV_QUOTED;
            s->at++;
        } else if (scan_plain(c, s, p, n, lf)) {
            return true;
        }
    }
    return false;
}

/* One field of a row. */
struct field {
    const char *text; /* between the quotes, if it has any */
    size_t n;
    bool quoted;
    bool escaped;     /* has doubled quotes, or backslashes in TSV */
    const char *next; /* where the next field begins; NULL behind the last one */
};

/* 0, or the words for what is wrong with it. */
static const char *field_read(const struct csv *c, const char *p, const char *end, struct field *f) {
    if (c->kind == CSV_TABS || p == end || *p != '"') {
        const char *sep = memchr(p, c->separator, (size_t)(end - p));
        f->text = p;
        f->n = (size_t)((sep ? sep : end) - p);
        f->quoted = false;
        f->escaped = c->kind == CSV_TABS && memchr(p, '\\', f->n);
        f->next = sep ? sep + 1 : NULL;
        return NULL;
    }
    f->text = ++p;
    f->quoted = true;
    f->escaped = false;
    for (;; p += 2) {
        p = memchr(p, '"', (size_t)(end - p));
        if (!p) return "a quote that is not closed";
        if (p + 1 == end || p[1] != '"') break;
        f->escaped = true;
    }
    f->n = (size_t)(p - f->text);
    f->next = p + 1 == end ? NULL : p + 2;
    return f->next && p[1] != c->separator ? "text behind its closing quote" : NULL;
}

/* The character that a backslash and `c` stand for in TSV, or 0. */
static char tsv_escape(char c) {
    switch (c) {
    case 't': return '\t';
    case 'n': return '\n';
    case 'r': return '\r';
    case '\\': return '\\';
    default: return 0;
    }
}

/* What the field says, without doubled quotes and escapes, in c->field. */
static int field_decode(struct csv *c, const struct field *f) {
    buf_clear(&c->field);
    if (buf_reserve(&c->field, f->n) < 0) return G_NOMEM;
    for (size_t i = 0; i < f->n; i++) {
        char x = f->text[i];
        if (f->quoted && x == '"') {
            i++;
        } else if (x == '\\' && !f->quoted && i + 1 < f->n && tsv_escape(f->text[i + 1])) {
            x = tsv_escape(f->text[++i]);
        }
        buf_putc_fast(&c->field, x);
    }
    return 0;
}

/* 0, G_DATA when it is not UTF-8, G_NOMEM. */
static int append_string(struct csv *c, const struct field *f, struct buf *out) {
    if (!f->escaped) return json_escape_append(out, f->text, f->n);
    if (field_decode(c, f) < 0) return G_NOMEM;
    return json_escape_append(out, c->field.data, c->field.len);
}

static bool is_word(const struct field *f, const char *word) {
    return f->n == strlen(word) && memcmp(f->text, word, f->n) == 0;
}

static const char *digits_end(const char *p, const char *end) {
    while (p < end && *p >= '0' && *p <= '9') p++;
    return p;
}

/* RFC 8259: -? (0 | [1-9] digits) [. digits] [e [+-] digits] */
static bool is_number(const char *p, size_t n) {
    const char *end = p + n;
    if (p < end && *p == '-') p++;
    const char *whole = p;
    p = digits_end(p, end);
    if (p == whole || (*whole == '0' && p > whole + 1)) return false;
    if (p < end && *p == '.') {
        const char *part = ++p;
        p = digits_end(p, end);
        if (p == part) return false;
    }
    if (p < end && (*p == 'e' || *p == 'E')) {
        p++;
        if (p < end && (*p == '+' || *p == '-')) p++;
        const char *power = p;
        p = digits_end(p, end);
        if (p == power) return false;
    }
    return p == end;
}

/* Is it, as it stands, JSON for something that is not a string? */
static bool is_literal(const struct field *f) {
    if (is_word(f, "true") || is_word(f, "false")) return true;
    return f->n <= CSV_NUMBER_MAX && is_number(f->text, f->n);
}

static int append_value(struct csv *c, const struct field *f, struct buf *out) {
    if (!c->infer || f->quoted) return append_string(c, f, out);
    if (f->n == 0) return buf_append(out, "null", 4);
    return is_literal(f) ? buf_append(out, f->text, f->n) : append_string(c, f, out);
}

size_t csv_count(const struct csv *c, const char *row, size_t n) {
    size_t count = 0;
    struct field f = {.next = row};
    while (f.next) {
        const char *fault = field_read(c, f.next, row + n, &f);
        count++;
        if (fault) break;
    }
    return count;
}

/* The most common reason for a header of one field is another delimiter. */
static int wrong_count(const struct csv *c, size_t fields, struct err *e) {
    bool other = c->columns == 1 && c->separator != ';' && memchr(c->names.data, ';', c->names.len);
    return err_set(e, G_DATA, "%zu fields where the header has %zu%s", fields, c->columns,
                   other ? " (the header has ';' in it: --delimiter ';')" : "");
}

int csv_row(struct csv *c, const char *row, size_t n, struct buf *out, struct err *e) {
    size_t i = 0, name_at = 0;
    struct field f = {.next = row};
    for (; f.next; i++) {
        const char *fault = field_read(c, f.next, row + n, &f);
        if (fault) return err_set(e, G_DATA, "field %zu has %s", i + 1, fault);
        if (i >= c->columns) continue; /* count them */
        if (buf_append(out, c->names.data + name_at, c->name_ends[i] - name_at) < 0) return err_nomem(e);
        int g = append_value(c, &f, out);
        if (g == G_DATA) return err_set(e, g, "field %zu is not UTF-8", i + 1);
        if (g < 0) return err_nomem(e);
        name_at = c->name_ends[i];
    }
    if (i != c->columns) return wrong_count(c, i, e);
    return buf_putc(out, '}') < 0 ? err_nomem(e) : 0;
}

/* Add a column. `check` gets the object that all names make, for the search for names that are there twice. */
static int add_column(struct csv *c, const struct field *f, struct buf *check, struct err *e) {
    if (f->n == 0) return err_set(e, G_CORRUPT, "column %zu of the header has no name", c->columns + 1);
    if (c->columns == c->columns_room) {
        size_t room = c->columns_room ? c->columns_room * 2 : 16;
        size_t *p = realloc(c->name_ends, room * sizeof *p);
        if (!p) return err_nomem(e);
        c->name_ends = p;
        c->columns_room = room;
    }
    size_t from = c->names.len;
    int g = buf_putc(&c->names, c->columns == 0 ? '{' : ',');
    if (g == 0) g = append_string(c, f, &c->names);
    if (g == G_DATA) return err_set(e, G_CORRUPT, "column %zu of the header is not UTF-8", c->columns + 1);
    if (g == 0) g = buf_putc(&c->names, ':');
    if (g == 0) g = buf_append(check, c->names.data + from, c->names.len - from);
    if (g == 0) g = buf_putc(check, '0');
    if (g < 0) return err_nomem(e);
    c->name_ends[c->columns++] = c->names.len;
    return 0;
}

/* The only fault that `check` can have is a key that is there twice. */
static int check_names(struct json_validator *v, struct buf *check, struct err *e) {
    struct json_fault fault;
    if (buf_putc(check, '}') < 0) return err_nomem(e);
    int g = json_validate(v, check->data, check->len, &fault);
    if (g == 0) return 0;
    if (g != G_DATA) return err_nomem(e);
    size_t begin = fault.at, end = begin + 1;
    while (end < check->len && check->data[end] != '"') end += check->data[end] == '\\' ? 2 : 1;
    return err_set(e, G_CORRUPT, "the header names %.*s\" twice", (int)(end - begin), check->data + begin);
}

int csv_header(struct csv *c, struct json_validator *v, const char *row, size_t n, struct err *e) {
    struct buf check = {0};
    struct field f = {.next = row};
    int g = 0;
    while (g == 0 && f.next) {
        const char *fault = field_read(c, f.next, row + n, &f);
        if (fault) g = err_set(e, G_CORRUPT, "column %zu of the header has %s", c->columns + 1, fault);
        if (g == 0) g = add_column(c, &f, &check, e);
    }
    if (g == 0) g = check_names(v, &check, e);
    buf_release(&check);
    if (g < 0) csv_restart(c);
    return g;
}
