/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See table.h. A row is held as its cells' finished texts; a record behind the header goes the same way, held and
 * printed at once.
 */
#include "stream/table.h"

#include <stdlib.h>

#include "base/safe.h"
#include "base/timefmt.h"
#include "stream/char_width.h"
#include "stream/columns.h"
#include "stream/text_out_value.h"
#include "json/text.h"

#define ELLIPSIS "…"
#define COLUMN_NARROWEST 8u /* columns are not cut to less than this to fit the width */
enum { COLUMN_TIME, COLUMN_KEY, COLUMN_FIELDS };

struct table_cell {
    size_t column, at, size, width; /* its text in `text`, and the columns of a terminal that it takes */
    bool number;
    bool said; /* another cell of its row says the same: it alone is no reason to print its column */
};

struct layout {
    size_t width;                  /* what it is padded to */
    size_t max;                    /* what it is cut to; SIZE_MAX: never */
    bool text;                     /* has a cell that is no number: the name stands at the left */
    bool used;                     /* has a cell at all; only then is it printed */
    const struct table_cell *cell; /* of the row that is being printed */
};

struct table {
    unsigned width;
    bool color;
    struct columns fields; /* field i is column COLUMN_FIELDS + i */
    struct layout *layout;
    size_t layout_cap;
    size_t printed_columns; /* the header that was printed last had so many in use; 0: none was */
    struct buf text;
    struct table_cell *cells;
    size_t cell_count, cell_cap;
    size_t row_ends[TABLE_HELD]; /* in cells */
    size_t rows;
    struct buf scratch, line;
};

int table_open(struct table **ret, unsigned width, bool color, struct err *e) {
    struct table *t = calloc(1, sizeof(*t));
    if (!t) return err_nomem(e);
    t->width = width;
    t->color = color;
    int rc = columns_init(&t->fields, TABLE_COLUMNS_MAX, e);
    if (rc < 0) {
        table_free(t);
        return rc;
    }
    *ret = t;
    return 0;
}

void table_free(struct table *t) {
    if (!t) return;
    columns_release(&t->fields);
    free(t->layout);
    free(t->cells);
    buf_release(&t->text);
    buf_release(&t->scratch);
    buf_release(&t->line);
    free(t);
}

static int cell_add(struct table *t, size_t column, const char *p, size_t n, bool number, bool said) {
    if (t->cell_count == t->cell_cap) {
        size_t cap = t->cell_cap ? 2 * t->cell_cap : 256;
        struct table_cell *cells = realloc(t->cells, cap * sizeof(*cells));
        if (!cells) return G_NOMEM;
        t->cells = cells;
        t->cell_cap = cap;
    }
    size_t at = t->text.len;
    if (safe_append(&t->text, p, n, 0) < 0) return G_NOMEM;
    size_t size = t->text.len - at;
    t->cells[t->cell_count++] = (struct table_cell){.column = column,
                                                    .at = at,
                                                    .size = size,
                                                    .width = size > 0 ? text_width(t->text.data + at, size) : 0,
                                                    .number = number,
                                                    .said = said};
    return 0;
}

/* A JSON value as a cell: a string unescaped where that can be done, all else as its text on one line. */
static int value_add(struct table *t, size_t column, const char *p, size_t n, enum json_token type) {
    buf_clear(&t->scratch);
    int rc = type == TOKEN_STRING ? json_unescape(p, n, &t->scratch) : G_DATA;
    if (rc == G_DATA) rc = json_line_append(&t->scratch, p, n);
    if (rc < 0) return rc;
    return cell_add(t, column, t->scratch.data ? t->scratch.data : "", t->scratch.len, type == TOKEN_NUMBER, false);
}

static int add_fields(struct table *t) {
    for (size_t i = 0; i < t->fields.count; i++) {
        const struct cell *c = &t->fields.cells[i];
        if (c->type == TOKEN_END) continue;
        if (value_add(t, COLUMN_FIELDS + i, c->text, c->size, c->type) < 0) return G_NOMEM;
    }
    return 0;
}

/* What is not an object: a column of its own. */
static int add_plain_value(struct table *t, const struct record *r, struct err *e) {
    size_t i;
    int rc = columns_add(&t->fields, "value", 5, &i, e);
    if (rc < 0) return rc;
    size_t column = COLUMN_FIELDS + i;
    if (r->value_type == VALUE_NONE) return cell_add(t, column, "null", 4, false, false);
    if (r->value_type == VALUE_BYTES) return cell_add(t, column, r->value, r->value_size, false, false);
    struct json_lexer l = {.p = r->value, .end = r->value + r->value_size};
    enum json_token type = json_lex(&l);
    return value_add(t, column, l.token, (size_t)(l.end - l.token), type);
}

/* Is field i this text: a string of it, or a value that is written so? */
static bool field_is(const struct table *t, size_t i, const char *p, size_t n) {
    const struct cell *c = &t->fields.cells[i];
    size_t quote = c->type == TOKEN_STRING;
    return c->type != TOKEN_END && c->size == n + 2 * quote && memcmp(c->text + quote, p, n) == 0;
}

/* Is the key the array of the fields from `first` on, as that of a group by several is? */
static bool fields_are(const struct table *t, size_t first, const char *key, size_t n) {
    const char *p = key + 1, *end = key + n - 1;
    if (n < 2 || *key != '[' || *end != ']') return false;
    for (size_t i = first; i < t->fields.count && p < end; i++) {
        const struct cell *c = &t->fields.cells[i];
        if (c->type == TOKEN_END || c->size > (size_t)(end - p) || memcmp(c->text, p, c->size) != 0) return false;
        p += c->size;
        if (p == end) return true;
        if (*p++ != ',') return false;
    }
    return false;
}

static bool field_named(const struct table *t, size_t i, const char *name) {
    size_t n;
    const char *p = columns_name(&t->fields, i, &n);
    return n == strlen(name) && memcmp(p, name, n) == 0;
}

/* Time and key of the record. Those of a window's result repeat fields: the time is the last ns before `window_end`,
 * the group stands behind that and is the key. A field `time` may repeat the time of any record. */
static int add_time_and_key(struct table *t, const struct record *r) {
    char time[TIME_TEXT_MAX], end[TIME_TEXT_MAX];
    size_t time_size = time_format_rfc3339(r->time, time), group = 0;
    size_t end_size = time_format_rfc3339(r->time + (r->time < TIME_MAX), end);
    bool time_said = false, key_said = false;
    for (size_t i = 0; i < t->fields.count; i++) {
        if (field_named(t, i, "window_end") && field_is(t, i, end, end_size)) group = i + 1;
        if (group == i + 1 || (field_named(t, i, "time") && field_is(t, i, time, time_size))) time_said = true;
    }
    if (r->has_key && group > 0 && group < t->fields.count)
        key_said = field_is(t, group, r->key, r->key_size) || fields_are(t, group, r->key, r->key_size);
    if (r->time != NO_TIME && cell_add(t, COLUMN_TIME, time, time_size, false, time_said) < 0) return G_NOMEM;
    return r->has_key ? cell_add(t, COLUMN_KEY, r->key, r->key_size, false, key_said) : 0;
}

static int row_add(struct table *t, const struct record *r, struct err *e) {
    bool object = r->value_type == VALUE_JSON && json_type_of(r->value, r->value_size) == JSON_TYPE_OBJECT;
    int rc = object ? columns_fill(&t->fields, r->value, r->value_size, true, e) : G_DATA;
    if (rc == G_NOMEM || (object && rc == G_DATA && t->fields.count == TABLE_COLUMNS_MAX)) return rc;
    if (rc != 0) columns_clear(&t->fields);
    if (add_time_and_key(t, r) < 0) return G_NOMEM;
    return rc == 0 ? add_fields(t) : add_plain_value(t, r, e);
}

static size_t column_count(const struct table *t) {
    return COLUMN_FIELDS + t->fields.count;
}

static const char *column_name(const struct table *t, size_t column, size_t *ret_size) {
    if (column >= COLUMN_FIELDS) return columns_name(&t->fields, column - COLUMN_FIELDS, ret_size);
    *ret_size = column == COLUMN_TIME ? 4 : 3;
    return column == COLUMN_TIME ? "time" : "key";
}

/* Room for all columns; those that are new have width 0. */
static int layout_grow(struct table *t) {
    size_t n = column_count(t);
    if (n <= t->layout_cap) return 0;
    size_t cap = n + n / 2 + 16;
    struct layout *layout = realloc(t->layout, cap * sizeof(*layout));
    if (!layout) return G_NOMEM;
    for (size_t i = t->layout_cap; i < cap; i++) layout[i] = (struct layout){.max = SIZE_MAX};
    t->layout = layout;
    t->layout_cap = cap;
    return 0;
}

/* Mark the columns that the held rows use; how many are in use now. */
static size_t layout_mark(struct table *t) {
    for (size_t i = 0; i < t->cell_count; i++) t->layout[t->cells[i].column].used |= !t->cells[i].said;
    size_t used = 0;
    for (size_t i = 0; i < column_count(t); i++) used += t->layout[i].used;
    return used;
}

/* The columns that the line takes when none is wider than `cap`. */
static size_t line_width(const struct table *t, size_t cap) {
    size_t sum = 0;
    for (size_t i = 0; i < column_count(t); i++) {
        const struct layout *l = &t->layout[i];
        if (l->used) sum += (l->width < cap ? l->width : cap) + (sum > 0 ? 2 : 0);
    }
    return sum;
}

/* Cut the widest columns to the largest width at which the line fits. */
static void layout_shrink(struct table *t) {
    for (size_t i = 0; i < column_count(t); i++) t->layout[i].max = SIZE_MAX;
    if (t->width == 0 || line_width(t, SIZE_MAX) <= t->width) return;
    size_t low = COLUMN_NARROWEST, high = t->width;
    while (low < high) {
        size_t mid = low + (high - low + 1) / 2;
        if (line_width(t, mid) <= t->width) {
            low = mid;
        } else {
            high = mid - 1;
        }
    }
    for (size_t i = 0; i < column_count(t); i++) {
        struct layout *l = &t->layout[i];
        if (l->width <= low) continue;
        l->max = l->width = low;
    }
}

static int layout_widen(struct table *t) {
    for (size_t i = 0; i < t->cell_count; i++) {
        struct layout *l = &t->layout[t->cells[i].column];
        if (t->cells[i].width > l->width) l->width = t->cells[i].width;
        if (!t->cells[i].number) l->text = true;
    }
    for (size_t i = 0; i < column_count(t); i++) {
        size_t n;
        const char *name = column_name(t, i, &n);
        buf_clear(&t->scratch);
        if (safe_append(&t->scratch, name, n, 0) < 0) return G_NOMEM;
        size_t width = n > 0 ? text_width(t->scratch.data, t->scratch.len) : 0;
        if (width > t->layout[i].width) t->layout[i].width = width;
    }
    layout_shrink(t);
    return 0;
}

static int pad(struct buf *out, size_t n) {
    if (n == 0) return 0;
    if (buf_reserve(out, n) < 0) return G_NOMEM;
    memset(out->data + out->len, ' ', n);
    out->len += n;
    return 0;
}

/* Append p[0..n), of `width` columns, cut to `max` of them. */
static int append_cut(struct buf *out, const char *p, size_t n, size_t width, size_t max, size_t *ret_used) {
    *ret_used = width;
    if (width <= max) return buf_append(out, p, n);
    n = text_fit(p, n, max - 1, ret_used);
    ++*ret_used;
    return buf_append(out, p, n) < 0 ? G_NOMEM : buf_puts(out, ELLIPSIS);
}

/* One cell onto t->line, `owed` spaces in front of it. *owed becomes what is missing behind it. */
static int append_cell(struct table *t, const struct layout *l, const char *p, size_t n, size_t width, bool right,
                       size_t *owed) {
    size_t shown = width < l->max ? width : l->max;
    size_t gap = shown < l->width ? l->width - shown : 0;
    if (pad(&t->line, *owed + (right ? gap : 0)) < 0) return G_NOMEM;
    size_t used;
    if (append_cut(&t->line, p, n, width, l->max, &used) < 0) return G_NOMEM;
    *owed = 2 + (right ? 0 : gap) + (shown - used); /* a wide character may not have fitted */
    return 0;
}

/* t->line, cut to the width, and a line end. */
static int line_finish(struct table *t, bool bold, struct buf *out) {
    const char *p = t->line.data ? t->line.data : "";
    size_t width = t->width > 0 ? text_width(p, t->line.len) : 0, used;
    if (bold && buf_puts(out, "\x1b[1m") < 0) return G_NOMEM;
    if (append_cut(out, p, t->line.len, width, t->width > 0 ? t->width : SIZE_MAX, &used) < 0) return G_NOMEM;
    return buf_puts(out, bold ? "\x1b[0m\n" : "\n");
}

static int print_header(struct table *t, struct buf *out) {
    buf_clear(&t->line);
    size_t owed = 0;
    for (size_t i = 0; i < column_count(t); i++) {
        if (!t->layout[i].used) continue;
        size_t n;
        const char *name = column_name(t, i, &n);
        buf_clear(&t->scratch);
        if (safe_append(&t->scratch, name, n, 0) < 0) return G_NOMEM;
        size_t width = t->scratch.len > 0 ? text_width(t->scratch.data, t->scratch.len) : 0;
        const char *text = t->scratch.data ? t->scratch.data : "";
        if (append_cell(t, &t->layout[i], text, t->scratch.len, width, !t->layout[i].text, &owed) < 0) return G_NOMEM;
    }
    return line_finish(t, t->color, out);
}

/* The row whose cells are [from, to). */
static int print_row(struct table *t, size_t from, size_t to, struct buf *out) {
    buf_clear(&t->line);
    for (size_t i = from; i < to; i++) {
        struct layout *l = &t->layout[t->cells[i].column];
        if (l->used) l->cell = &t->cells[i];
    }
    size_t owed = 0;
    int rc = 0;
    for (size_t i = 0; i < column_count(t) && rc == 0; i++) {
        struct layout *l = &t->layout[i];
        if (!l->used) continue;
        if (l->cell) {
            const char *p = t->text.data ? t->text.data + l->cell->at : "";
            rc = append_cell(t, l, p, l->cell->size, l->cell->width, l->cell->number, &owed);
        } else {
            owed += l->width + 2;
        }
        l->cell = NULL;
    }
    return rc < 0 ? rc : line_finish(t, false, out);
}

static int print_held(struct table *t, struct buf *out) {
    if (layout_grow(t) < 0) return G_NOMEM;
    size_t used = layout_mark(t);
    if (used != t->printed_columns) {
        if (layout_widen(t) < 0) return G_NOMEM;
        if (t->printed_columns > 0 && buf_putc(out, '\n') < 0) return G_NOMEM;
        if (print_header(t, out) < 0) return G_NOMEM;
        t->printed_columns = used;
    }
    size_t at = 0;
    for (size_t i = 0; i < t->rows; at = t->row_ends[i++]) {
        if (print_row(t, at, t->row_ends[i], out) < 0) return G_NOMEM;
    }
    return 0;
}

int table_flush(struct table *t, struct buf *out, struct err *e) {
    if (t->rows == 0) return 0;
    int rc = print_held(t, out);
    t->rows = t->cell_count = 0;
    buf_clear(&t->text);
    return rc < 0 ? err_nomem(e) : 0;
}

int table_record(struct table *t, const struct record *r, struct buf *out, struct err *e) {
    size_t cells = t->cell_count, text = t->text.len;
    int rc = row_add(t, r, e);
    if (rc < 0) {
        t->cell_count = cells;
        t->text.len = text;
        return rc;
    }
    t->row_ends[t->rows++] = t->cell_count;
    if (t->printed_columns == 0 && t->rows < TABLE_HELD && t->text.len < TABLE_HELD_BYTES) return 0;
    return table_flush(t, out, e);
}
