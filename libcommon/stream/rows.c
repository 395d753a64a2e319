/* SPDX-License-Identifier: Apache-2.0 */
/* Rows of named fields. See rows.h. */
#include "stream/rows.h"

#include "base/number.h"
#include "base/safe.h"
#include "json/text.h"

int rows_open(struct rows *r, const struct output_config *config, struct err *e) {
    struct output_config c = *config;
    if (c.text.format == OUT_DEFAULT) c.text.format = OUT_TABLE;
    *r = (struct rows){.table = c.text.format == OUT_TABLE};
    return output_open(&r->out, &c, e);
}

int rows_close(struct rows *r, bool complete, struct err *e) {
    buf_release(&r->line);
    return output_close(&r->out, complete, e);
}

static void put(struct rows *r, const char *p, size_t n) {
    if (buf_append(&r->line, p, n) < 0) r->oom = true;
}

/* `,"name":`, in capitals and with dashes for a table. */
static void put_name(struct rows *r, const char *name) {
    put(r, r->line.len == 0 ? "{\"" : ",\"", 2);
    for (const char *c = name; *c; c++) {
        char shown = *c;
        if (r->table) shown = *c == '_' ? '-' : *c >= 'a' && *c <= 'z' ? (char)(*c - 'a' + 'A') : *c;
        put(r, &shown, 1);
    }
    put(r, "\":", 2);
}

void rows_text(struct rows *r, const char *name, const char *value) {
    if (!value) {
        rows_missing(r, name);
        return;
    }
    put_name(r, name);
    size_t n = strlen(value);
    int g = json_escape_append(&r->line, value, n);
    if (g == G_DATA) { /* not UTF-8: as a terminal would be shown it */
        struct buf safe = {0};
        g = safe_append(&safe, value, n, 0);
        if (g == 0) g = json_escape_append(&r->line, safe.data, safe.len);
        buf_release(&safe);
    }
    if (g < 0) r->oom = true;
}

void rows_number(struct rows *r, const char *name, uint64_t value) {
    put_name(r, name);
    if (number_append_u64(&r->line, value) < 0) r->oom = true;
}

void rows_missing(struct rows *r, const char *name) {
    rows_json(r, name, r->table ? "\"-\"" : "null", r->table ? 3 : 4);
}

void rows_flag(struct rows *r, const char *name, bool value) {
    const char *text = r->table ? value ? "\"yes\"" : "\"-\"" : value ? "true" : "false";
    rows_json(r, name, text, strlen(text));
}

void rows_json(struct rows *r, const char *name, const char *text, size_t n) {
    put_name(r, name);
    put(r, text, n);
}

static int put_value(struct rows *r, const char *value, size_t n, enum value_type type, struct err *e) {
    static const struct block_header like = {.flags = BLOCK_JSON_VALID};
    static const struct record_origin nowhere;
    struct record record = {
        .offset = r->out.records, .time = NO_TIME, .value = value, .value_size = n, .value_type = (uint8_t)type};
    return output_record(&r->out, &like, &nowhere, &record, e);
}

int rows_end(struct rows *r, struct err *e) {
    if (r->line.len == 0) put(r, "{", 1);
    put(r, "}", 1);
    if (r->oom) return err_nomem(e);
    int g = put_value(r, r->line.data, r->line.len, VALUE_JSON, e);
    buf_clear(&r->line);
    return g;
}

int rows_object(struct rows *r, const char *json, size_t n, struct err *e) {
    return put_value(r, json, n, VALUE_JSON, e);
}

int rows_line(struct rows *r, const char *text, size_t n, struct err *e) {
    return put_value(r, text, n, VALUE_BYTES, e);
}
