/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A table or view of an SQLite database, each row an object with a field for each column: integers and reals are
 * numbers (one that JSON has not is null), text is a string, a blob the string of its Base64. Only read, in one
 * transaction, with others at work on it.
 */
#include <inttypes.h>
#include <math.h>
#include <sqlite3.h>
#include <stdio.h>
#include <unistd.h>

#include "join.h"

#include "sys/signals.h"
#include "json/base64.h"
#include "json/double.h"
#include "json/text.h"

#define BUSY_MS 10000 /* how long another's lock is waited for */

static int failed(sqlite3 *db, int rc, struct err *e) {
    const char *why = db ? sqlite3_errmsg(db) : sqlite3_errstr(rc);
    if (rc == SQLITE_NOMEM) return err_nomem(e);
    if (rc == SQLITE_INTERRUPT) return err_set(e, G_STOPPED, "stopped");
    return err_set(e, rc == SQLITE_CORRUPT || rc == SQLITE_NOTADB ? G_CORRUPT : G_IO, "%s", why);
}

static int add_column(sqlite3_stmt *row, int i, struct buf *out) {
    const void *p;
    size_t n;
    char number[JSON_DOUBLE_MAX];
    int g;
    switch (sqlite3_column_type(row, i)) {
    case SQLITE_INTEGER: return buf_printf(out, "%lld", sqlite3_column_int64(row, i));
    case SQLITE_FLOAT:
        if (!isfinite(sqlite3_column_double(row, i))) return buf_puts(out, "null");
        n = json_double_write(sqlite3_column_double(row, i), number);
        return buf_append(out, number, n);
    case SQLITE_TEXT:
        p = sqlite3_column_text(row, i);
        n = (size_t)sqlite3_column_bytes(row, i);
        return json_escape_append(out, p ? p : "", n);
    case SQLITE_BLOB:
        p = sqlite3_column_blob(row, i);
        n = (size_t)sqlite3_column_bytes(row, i);
        if (buf_putc(out, '"') < 0) return G_NOMEM;
        g = n ? base64_encode(out, p, n) : 0;
        return g < 0 ? g : buf_putc(out, '"');
    default: return buf_puts(out, "null");
    }
}

static int write_row(sqlite3_stmt *row, struct buf *out, struct err *e) {
    int columns = sqlite3_column_count(row), g = buf_putc(out, '{');
    for (int i = 0; g == 0 && i < columns; i++) {
        const char *name = sqlite3_column_name(row, i);
        if (!name) return err_nomem(e);
        g = i ? buf_putc(out, ',') : 0;
        if (g == 0) g = json_escape_append(out, name, strlen(name));
        if (g == 0) g = buf_putc(out, ':');
        if (g == 0) g = add_column(row, i, out);
        if (g == G_DATA) return err_set(e, G_DATA, "text of column '%s' is not UTF-8", name);
    }
    if (g == 0) g = buf_putc(out, '}');
    return g < 0 ? err_nomem(e) : 0;
}

static int take_row(struct loader *l, sqlite3_stmt *row, uint64_t number, struct buf *text, uint64_t *bad,
                    struct err *e) {
    struct record r = {.time = NO_TIME, .value_type = VALUE_JSON};
    const struct expr_input in = {.record = &r, .partition = -1};
    buf_clear(text);
    int g = write_row(row, text, e);
    r.value = text->data;
    r.value_size = text->len;
    if (g == 0) {
        expr_begin(l->run, &in);
        g = loader_row(l, &r, e);
    }
    if (g != G_DATA) return g;
    char where[64];
    (void)snprintf(where, sizeof where, "row %" PRIu64, number);
    return loader_bad(l, &r, where, bad, e);
}

static int read_rows(struct loader *l, sqlite3 *db, struct err *e) {
    struct buf text = {0};
    uint64_t bad = 0, number = 0;
    sqlite3_stmt *rows = NULL;
    char *query = sqlite3_mprintf("SELECT * FROM \"%w\"", l->source->table);
    if (!query) return err_nomem(e);
    int rc = sqlite3_prepare_v2(db, query, -1, &rows, NULL), g = 0;
    sqlite3_free(query);
    if (rc != SQLITE_OK) return failed(db, rc, e);
    while (g == 0 && (rc = sqlite3_step(rows)) == SQLITE_ROW) {
        g = take_row(l, rows, ++number, &text, &bad, e);
        if (g == 0 && signals_stop()) g = err_set(e, G_STOPPED, "stopped");
    }
    if (g == 0 && rc != SQLITE_DONE) g = failed(db, rc, e);
    sqlite3_finalize(rows);
    buf_release(&text);
    return g;
}

int load_sqlite(struct loader *l, struct err *e) {
    sqlite3 *db = NULL;
    const char *file = l->source->file;
    if (access(file, F_OK) != 0) return err_set(e, G_ABSENT, "cannot open '%s': No such file or directory", file);
    int rc = sqlite3_open_v2(file, &db, SQLITE_OPEN_READONLY, NULL), g;
    if (rc == SQLITE_OK) {
        (void)sqlite3_busy_timeout(db, BUSY_MS);
        g = read_rows(l, db, e);
    } else {
        g = failed(db, rc, e);
    }
    (void)sqlite3_close(db);
    return g;
}
