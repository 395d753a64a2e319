/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See text_out.h: the life of a writer, the short formats, and what is done to a whole line. A format appends its plain
 * text to the caller's buffer; where the line has to be made safe, coloured or indented, it is written anew from there.
 */
#include <stdlib.h>

#include "base/endian.h"
#include "base/safe.h"
#include "base/utf8.h"
#include "stream/json_layout.h"
#include "stream/text_out_impl.h"
#include "stream/text_out_value.h"
#include "json/base64.h"
#include "json/text.h"

static const char *const names[] = {
    [OUT_DEFAULT] = "default", [OUT_BLOCKS] = "leat", [OUT_JSON] = "json",     [OUT_ENVELOPE] = "envelope",
    [OUT_CSV] = "csv",         [OUT_TSV] = "tsv",     [OUT_LINES] = "lines",   [OUT_LP] = "lp",
    [OUT_PRETTY] = "pretty",   [OUT_TABLE] = "table", [OUT_FORMAT] = "format",
};

/* `default` and `format` are not names that an option takes. */
enum out_format out_format_parse(const char *name) {
    for (int i = OUT_BLOCKS; i < OUT_FORMAT; i++) {
        if (strcmp(names[i], name) == 0) return (enum out_format)i;
    }
    return OUT_DEFAULT;
}

const char *out_format_name(enum out_format f) {
    return f <= OUT_FORMAT ? names[f] : "unknown";
}

/* Bytes as a JSON string; what is not UTF-8 as "base64:…". */
static int append_bytes_as_json(struct buf *out, const char *p, size_t n) {
    int rc = json_escape_append(out, p, n);
    if (rc != G_DATA) return rc;
    if (buf_puts(out, "\"base64:") < 0 || base64_encode(out, p, n) < 0) return G_NOMEM;
    return buf_putc(out, '"');
}

static int append_json(const struct record *r, struct buf *out) {
    if (r->value_type == VALUE_NONE) return buf_append(out, "null", 4);
    if (r->value_type == VALUE_BYTES) return append_bytes_as_json(out, r->value, r->value_size);
    return json_line_append(out, r->value, r->value_size);
}

static int put_json(struct text_out *t, const struct record *r, const struct record_origin *from, struct buf *out,
                    struct err *e) {
    (void)t, (void)from, (void)e;
    if (r->value_type == VALUE_JSON && json_is_line(r->value, r->value_size)) {
        if (buf_reserve(out, r->value_size + 1) < 0) return G_NOMEM;
        buf_append_fast(out, r->value, r->value_size);
        buf_putc_fast(out, '\n');
        return 0;
    }
    return append_json(r, out) < 0 ? G_NOMEM : buf_putc(out, '\n');
}

static int put_lines(struct text_out *t, const struct record *r, const struct record_origin *from, struct buf *out,
                     struct err *e) {
    (void)from;
    if (t->key_delimiter) {
        if (r->has_key && buf_append(out, r->key, r->key_size) < 0) return G_NOMEM;
        if (buf_puts(out, t->key_delimiter) < 0) return G_NOMEM;
    }
    int rc;
    if (r->value_type != VALUE_JSON) {
        rc = buf_append(out, r->value, r->value_size);
    } else if (json_type_of(r->value, r->value_size) == JSON_TYPE_STRING) {
        buf_clear(&t->line);
        rc = json_line_append(&t->line, r->value, r->value_size);
        if (rc == 0) rc = json_unescape(t->line.data, t->line.len, out);
        if (rc == G_DATA) return err_set(e, G_DATA, "the value is not a JSON string");
    } else {
        rc = json_line_append(out, r->value, r->value_size);
    }
    return rc < 0 ? rc : buf_putc(out, '\n');
}

static int put_lp(struct text_out *t, const struct record *r, const struct record_origin *from, struct buf *out,
                  struct err *e) {
    (void)t, (void)from;
    if (r->value_size > UINT32_MAX) return err_set(e, G_DATA, "a value of %zu bytes does not fit lp", r->value_size);
    char size[4];
    put_u32_le(size, (uint32_t)r->value_size);
    return buf_append(out, size, sizeof(size)) < 0 ? G_NOMEM : buf_append(out, r->value, r->value_size);
}

/* 00000000  6c 65 61 74 20 20 20 20  20 20 20 20 20 20 20 20  |leat            |, as hexdump -C has it. */
static int append_hex_line(struct buf *out, const unsigned char *p, size_t at, size_t n) {
    static const char digits[] = "0123456789abcdef";
    char hex[3 * 16 + 2], text[16];
    memset(hex, ' ', sizeof(hex));
    for (size_t i = 0; i < n; i++) {
        size_t column = 3 * i + (i >= 8);
        hex[column] = digits[p[i] >> 4];
        hex[column + 1] = digits[p[i] & 15];
        text[i] = p[i] >= 0x20 && p[i] < 0x7f ? (char)p[i] : '.';
    }
    return buf_printf(out, "%08zx  %.*s|%.*s|\n", at, (int)sizeof(hex), hex, (int)n, text);
}

static int append_hex(struct buf *out, const char *value, size_t n) {
    for (size_t at = 0; at < n; at += 16) {
        size_t left = n - at;
        if (append_hex_line(out, (const unsigned char *)value + at, at, left < 16 ? left : 16) < 0) return G_NOMEM;
    }
    return buf_printf(out, "%08zx\n", n);
}

/* JSON is put on one line here; line_rewrite indents it. */
static int put_pretty(struct text_out *t, const struct record *r, const struct record_origin *from, struct buf *out,
                      struct err *e) {
    if (r->value_type == VALUE_BYTES) return append_hex(out, r->value, r->value_size);
    return put_json(t, r, from, out, e);
}

static int put_table(struct text_out *t, const struct record *r, const struct record_origin *from, struct buf *out,
                     struct err *e) {
    (void)from;
    return table_record(t->table, r, out, e);
}

static int put_format(struct text_out *t, const struct record *r, const struct record_origin *from, struct buf *out,
                      struct err *e) {
    (void)e;
    return pattern_append(t->pattern, r, from, t->config.safe, out);
}

static text_out_put *const puts_by_format[] = {
    [OUT_JSON] = put_json,         [OUT_ENVELOPE] = text_out_put_envelope,
    [OUT_CSV] = text_out_put_rows, [OUT_TSV] = text_out_put_rows,
    [OUT_LINES] = put_lines,       [OUT_LP] = put_lp,
    [OUT_PRETTY] = put_pretty,     [OUT_TABLE] = put_table,
    [OUT_FORMAT] = put_format,
};

static int open_format(struct text_out *t, const struct text_out_config *config, struct err *e) {
    if (config->format == OUT_FORMAT) return pattern_compile(&t->pattern, config->pattern ? config->pattern : "", e);
    if (config->format == OUT_TABLE) return table_open(&t->table, config->width, config->color, e);
    if (config->key_delimiter) {
        t->key_delimiter = strdup(config->key_delimiter);
        if (!t->key_delimiter) return err_nomem(e);
    }
    return 0;
}

int text_out_open(struct text_out **ret, const struct text_out_config *config, struct err *e) {
    if (config->format > OUT_FORMAT || !puts_by_format[config->format])
        return err_set(e, G_BUG, "'%s' is not a text format", out_format_name(config->format));
    struct text_out *t = calloc(1, sizeof(*t));
    if (!t) return err_nomem(e);
    t->config = *config;
    t->put = puts_by_format[config->format];
    t->rewrites = config->safe || config->color || config->format == OUT_PRETTY;
    int rc = open_format(t, config, e);
    if (rc < 0) {
        text_out_free(t);
        return rc;
    }
    *ret = t;
    return 0;
}

void text_out_free(struct text_out *t) {
    if (!t) return;
    pattern_free(t->pattern);
    table_free(t->table);
    columns_release(&t->columns);
    free(t->key_delimiter);
    buf_release(&t->scratch);
    buf_release(&t->line);
    free(t);
}

/* Formats that are made safe as a whole line: the others do it piece by piece, or (lp) are not for terminals. */
static bool is_made_safe_whole(enum out_format f) {
    return f == OUT_JSON || f == OUT_ENVELOPE || f == OUT_CSV || f == OUT_TSV || f == OUT_LINES || f == OUT_PRETTY;
}

static unsigned safe_flags(const struct text_out *t, const struct record *r) {
    unsigned flags = SAFE_NEWLINE | SAFE_TAB;
    enum out_format f = t->config.format;
    if (f == OUT_JSON || f == OUT_ENVELOPE || f == OUT_PRETTY) return flags | SAFE_JSON;
    bool json =
        f == OUT_LINES && r->value_type == VALUE_JSON && json_type_of(r->value, r->value_size) != JSON_TYPE_STRING;
    return json ? flags | SAFE_JSON : flags;
}

static unsigned layout_flags(const struct text_out *t, const struct record *r) {
    enum out_format f = t->config.format;
    unsigned color = t->config.color ? LAYOUT_COLOR : 0;
    if (f == OUT_PRETTY) return r->value_type == VALUE_BYTES ? 0 : LAYOUT_INDENT | color;
    return f == OUT_JSON || f == OUT_ENVELOPE ? color : 0;
}

/* Move out[start..] to t->line. */
static int line_take(struct text_out *t, size_t start, struct buf *out) {
    buf_clear(&t->line);
    if (buf_append(&t->line, out->data + start, out->len - start) < 0) return G_NOMEM;
    out->len = start;
    return 0;
}

/* What was appended from `start` on: made safe, indented, coloured, as it was asked for. */
static int line_rewrite(struct text_out *t, const struct record *r, size_t start, struct buf *out) {
    if (t->config.safe && is_made_safe_whole(t->config.format)) {
        unsigned flags = safe_flags(t, r);
        if (out->len > start && !safe_is_plain(out->data + start, out->len - start, flags)) {
            if (line_take(t, start, out) < 0) return G_NOMEM;
            if (safe_append(out, t->line.data, t->line.len, flags) < 0) return G_NOMEM;
        }
    }
    unsigned layout = layout_flags(t, r);
    if (layout == 0) return 0;
    if (line_take(t, start, out) < 0) return G_NOMEM;
    /* The line end is no part of the value. */
    if (json_layout(out, t->line.data, t->line.len - 1, layout) < 0) return G_NOMEM;
    return buf_putc(out, '\n');
}

int text_out_record(struct text_out *t, const struct record *record, const struct record_origin *from, struct buf *out,
                    struct err *e) {
    static const struct record_origin nowhere;
    struct record r = *record;
    /* What is empty may be NULL in a record made by hand; below, all pointers are good. */
    if (!r.key) r.key = "";
    if (!r.headers) r.headers = "";
    if (!r.value) r.value = "";
    size_t start = out->len;
    int rc = t->put(t, &r, from ? from : &nowhere, out, e);
    if (rc == 0 && t->rewrites) rc = line_rewrite(t, &r, start, out);
    if (rc == 0) return 0;
    out->len = start;
    return rc == G_NOMEM ? err_nomem(e) : rc;
}

int text_out_flush(struct text_out *t, struct buf *out, struct err *e) {
    return t->table ? table_flush(t->table, out, e) : 0;
}
