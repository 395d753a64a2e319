/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Formats: what @csv, @base64, … do to a value, as format/1 with the format's name. The evaluator calls it for the
 * parts of a string such as @sh "rm \(.name)". Semantics and error texts are jq's. In the table of func.h.
 */
#include <math.h>
#include <stdio.h>

#include "base/number.h"
#include "base/utf8.h"
#include "expr/func.h"
#include "expr/func_text.h"
#include "json/base64.h"

/* Append the value in the format. */
typedef int format_fn(struct text *t, struct value v);

/* The content of a string; other values become strings of their JSON text. */
static int plain_span(struct text *t, struct value *v, struct span *ret) {
    int rc = value_to_string(t->heap, *v, v);
    return rc < 0 ? rc : span_of(t->heap, *v, ret);
}

static int format_text(struct text *t, struct value v) {
    struct span s;
    if (v.kind != VK_STRING) return text_append_json(t, v);
    int rc = span_of(t->heap, v, &s);
    return rc < 0 ? rc : text_append(t, s.p, s.n);
}

static int format_json(struct text *t, struct value v) {
    return text_append_json(t, v);
}

/* ---- rows ---- */

/* Append s with each byte that has a replacement replaced. */
static int append_replaced(struct text *t, struct span s, const char *const replacements[128]) {
    size_t from = 0;
    int rc = 0;
    for (size_t i = 0; i < s.n && rc == 0; i++) {
        unsigned char c = (unsigned char)s.p[i];
        const char *replacement = c < 128 ? replacements[c] : NULL;
        if (!replacement) continue;
        rc = text_append(t, s.p + from, i - from);
        if (rc == 0) rc = text_puts(t, replacement);
        from = i + 1;
    }
    return rc < 0 ? rc : text_append(t, s.p + from, s.n - from);
}

/* A cell that is no string. */
static int append_cell(struct text *t, struct value v) {
    if (v.kind == VK_NULL) return 0;
    if (v.kind >= VK_ARRAY) return throw_about(t->heap, v, "is not valid in a csv row");
    if (v.kind == VK_NUMBER && v.form == VF_DOUBLE && isnan(v.d)) return 0;
    return text_append_json(t, v);
}

static int append_row(struct text *t, struct value row, bool csv) {
    static const char *const csv_replacements[128] = {['"'] = "\"\""};
    static const char *const tsv_replacements[128] = {['\t'] = "\\t", ['\n'] = "\\n", ['\r'] = "\\r", ['\\'] = "\\\\"};
    const struct value *cells;
    uint32_t n;
    int rc = value_items(t->heap, row, &cells, &n);
    for (uint32_t i = 0; i < n && rc == 0; i++) {
        struct span s;
        if (i > 0) rc = text_putc(t, csv ? ',' : '\t');
        if (rc == 0 && cells[i].kind != VK_STRING) rc = append_cell(t, cells[i]);
        if (rc < 0) return rc;
        if (cells[i].kind != VK_STRING) continue;
        rc = span_of(t->heap, cells[i], &s);
        if (rc == 0 && csv) rc = text_putc(t, '"');
        if (rc == 0) rc = append_replaced(t, s, csv ? csv_replacements : tsv_replacements);
        if (rc == 0 && csv) rc = text_putc(t, '"');
    }
    return rc;
}

static int format_csv(struct text *t, struct value v) {
    if (v.kind != VK_ARRAY) return throw_about(t->heap, v, "cannot be csv-formatted, only array");
    return append_row(t, v, true);
}

static int format_tsv(struct text *t, struct value v) {
    if (v.kind != VK_ARRAY) return throw_about(t->heap, v, "cannot be tsv-formatted, only array");
    return append_row(t, v, false);
}

/* ---- quoting ---- */

static int format_html(struct text *t, struct value v) {
    static const char *const replacements[128] = {
        ['<'] = "&lt;", ['>'] = "&gt;", ['&'] = "&amp;", ['\''] = "&apos;", ['"'] = "&quot;"};
    struct span s;
    int rc = plain_span(t, &v, &s);
    return rc < 0 ? rc : append_replaced(t, s, replacements);
}

static int append_word(struct text *t, struct value v) {
    static const char *const replacements[128] = {['\''] = "'\\''"};
    struct span s;
    if (v.kind >= VK_ARRAY) return throw_about(t->heap, v, "can not be escaped for shell");
    if (v.kind != VK_STRING) return text_append_json(t, v);
    int rc = span_of(t->heap, v, &s);
    if (rc == 0) rc = text_putc(t, '\'');
    if (rc == 0) rc = append_replaced(t, s, replacements);
    return rc < 0 ? rc : text_putc(t, '\'');
}

static int format_sh(struct text *t, struct value v) {
    const struct value *words = &v;
    uint32_t n = 1;
    int rc = v.kind == VK_ARRAY ? value_items(t->heap, v, &words, &n) : 0;
    for (uint32_t i = 0; i < n && rc == 0; i++) {
        if (i > 0) rc = text_putc(t, ' ');
        if (rc == 0) rc = append_word(t, words[i]);
    }
    return rc;
}

static bool is_unreserved(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_' ||
           c == '.' || c == '~';
}

static int format_uri(struct text *t, struct value v) {
    static const char hex[] = "0123456789ABCDEF";
    struct span s;
    int rc = plain_span(t, &v, &s);
    for (size_t i = 0; rc == 0 && i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];
        const char escaped[3] = {'%', hex[c >> 4], hex[c & 15]};
        rc = is_unreserved(s.p[i]) ? text_putc(t, s.p[i]) : text_append(t, escaped, 3);
    }
    return rc;
}

static int format_urid(struct text *t, struct value v) {
    struct span s;
    struct text bytes = {.heap = t->heap};
    int rc = plain_span(t, &v, &s);
    for (size_t i = 0; rc == 0 && i < s.n; i++) {
        char c = s.p[i];
        if (c == '%') {
            int high = s.n - i > 2 ? number_hex_digit(s.p[i + 1]) : -1,
                low = s.n - i > 2 ? number_hex_digit(s.p[i + 2]) : -1;
            if (high < 0 || low < 0) return throw_about(t->heap, v, "is not a valid uri encoding");
            c = (char)(high * 16 + low);
            i += 2;
        }
        rc = text_putc(&bytes, c);
    }
    return rc < 0 ? rc : text_append_bytes(t, bytes.p, bytes.n);
}

/* ---- base64, base32 ---- */

static int format_base64(struct text *t, struct value v) {
    struct span s;
    struct buf out = {0};
    int rc = plain_span(t, &v, &s);
    if (rc == 0) rc = base64_encode(&out, s.p, s.n);
    if (rc == 0) rc = text_append(t, out.data, out.len);
    buf_release(&out);
    return rc;
}

static int format_base32(struct text *t, struct value v) {
    static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    static const unsigned letters[] = {0, 2, 4, 5, 7, 8};
    struct span s;
    int rc = plain_span(t, &v, &s);
    for (size_t i = 0; rc == 0 && i < s.n; i += 5) {
        size_t n = s.n - i < 5 ? s.n - i : 5;
        uint64_t bits = 0;
        for (size_t k = 0; k < 5; k++) bits = bits << 8 | (k < n ? (unsigned char)s.p[i + k] : 0);
        char out[8];
        for (unsigned k = 0; k < 8; k++) out[k] = k < letters[n] ? alphabet[bits >> (35 - 5 * k) & 31] : '=';
        rc = text_append(t, out, sizeof(out));
    }
    return rc;
}

static int base64_digit(char c) {
    if (c >= 'A' && c <= 'Z') return c - 'A';
    if (c >= 'a' && c <= 'z') return c - 'a' + 26;
    if (c >= '0' && c <= '9') return c - '0' + 52;
    return c == '+' ? 62 : c == '/' ? 63 : -1;
}

static int base32_digit(char c) {
    if (c >= 'A' && c <= 'Z') return c - 'A';
    if (c >= 'a' && c <= 'z') return c - 'a';
    return c >= '2' && c <= '7' ? c - '2' + 26 : -1;
}

/* What comes before the padding, which may be missing. As in jq, bits that fill no byte are dropped. */
static int append_decoded(struct text *t, struct value v, unsigned width, const char *name) {
    struct span s;
    struct text bytes = {.heap = t->heap};
    uint64_t bits = 0;
    unsigned count = 0;
    char what[48];
    int rc = plain_span(t, &v, &s);
    size_t i = 0;
    for (; rc == 0 && i < s.n && s.p[i] != '='; i++) {
        int digit = width == 6 ? base64_digit(s.p[i]) : base32_digit(s.p[i]);
        if (digit < 0) {
            snprintf(what, sizeof(what), "is not valid %s data", name);
            return throw_about(t->heap, v, what);
        }
        bits = bits << width | (unsigned)digit;
        count += width;
        if (count < 8) continue;
        count -= 8;
        rc = text_putc(&bytes, (char)(bits >> count));
    }
    if (rc == 0 && count >= width) {
        snprintf(what, sizeof(what), "trailing %s byte found", name);
        return throw_about(t->heap, v, what);
    }
    return rc < 0 ? rc : text_append_bytes(t, bytes.p, bytes.n);
}

static int format_base64d(struct text *t, struct value v) {
    return append_decoded(t, v, 6, "base64");
}

static int format_base32d(struct text *t, struct value v) {
    return append_decoded(t, v, 5, "base32");
}

/* ---- by name ---- */

static const struct format {
    const char *name;
    format_fn *fn;
} formats[] = {
    {"text", format_text},     {"json", format_json},       {"csv", format_csv},       {"tsv", format_tsv},
    {"html", format_html},     {"uri", format_uri},         {"urid", format_urid},     {"sh", format_sh},
    {"base64", format_base64}, {"base64d", format_base64d}, {"base32", format_base32}, {"base32d", format_base32d},
};

static int f_format(struct heap *h, const struct value *args, struct value *ret) {
    struct span name;
    struct text t = {.heap = h};
    if (args[1].kind != VK_STRING) return throw_about(h, args[1], "is not a valid format");
    int rc = span_of(h, args[1], &name);
    if (rc < 0) return rc;
    for (size_t i = 0; i < sizeof(formats) / sizeof(*formats); i++) {
        if (strlen(formats[i].name) != name.n || memcmp(formats[i].name, name.p, name.n) != 0) continue;
        if (formats[i].fn == format_text) return value_to_string(h, args[0], ret);
        rc = formats[i].fn(&t, args[0]);
        if (rc == 0) *ret = text_value(&t);
        return rc;
    }
    return heap_throw(h, "%.*s is not a valid format", (int)(name.n < 100 ? name.n : 100), name.p);
}

const struct func func_format[] = {
    {"format", 1, true, f_format},
    {NULL, 0, false, NULL},
};
