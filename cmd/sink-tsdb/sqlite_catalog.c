/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The database and what is in it: that it is ours, measurements with their tables and view, columns by name. Names of
 * records become names of SQLite by one rule: what is taken, in any case of letters, gets _2, _3, … behind it. See
 * sqlite.h.
 */
#include <stdarg.h>
#include <stdlib.h>
#include <strings.h>

#include "sqlite.h"

#define APPLICATION_ID 0x6c656174 /* "leat" */
#define FORMAT_VERSION 1
#define CACHE_KIB 16384
#define BUSY_MS 100 /* SQLite waits so long by itself; the rest is the caller's */

static const char setup_sql[] =
    "CREATE TABLE leat_measurements (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, view TEXT NOT NULL);"
    "CREATE TABLE leat_columns (id INTEGER PRIMARY KEY, measurement INTEGER NOT NULL REFERENCES leat_measurements,"
    " kind TEXT NOT NULL CHECK (kind IN ('tag', 'field')), name TEXT NOT NULL, \"column\" TEXT NOT NULL,"
    " UNIQUE (measurement, kind, name));"
    "CREATE TABLE leat_checkpoints (pipeline TEXT PRIMARY KEY, checkpoint INTEGER, time TEXT, run INTEGER NOT NULL)"
    " WITHOUT ROWID;";

/* ---- SQLite's errors ---- */

int db_failed(const struct catalog *c, int rc, struct err *e) {
    const char *why = c->db ? sqlite3_errmsg(c->db) : sqlite3_errstr(rc);
    int grade = G_IO;
    switch (rc & 0xff) {
    case SQLITE_NOMEM: return err_nomem(e);
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
    case SQLITE_FULL: grade = G_WAIT; break;
    case SQLITE_CORRUPT: grade = G_CORRUPT; break;
    case SQLITE_NOTADB: grade = G_USAGE; break;
    case SQLITE_TOOBIG: grade = G_DATA; break;
    default: break;
    }
    return err_set(e, grade, "'%s': %s", c->file, why);
}

int db_run(const struct catalog *c, const char *sql, struct err *e) {
    int rc = sqlite3_exec(c->db, sql, NULL, NULL, NULL);
    return rc == SQLITE_OK ? 0 : db_failed(c, rc, e);
}

/* With the formats of sqlite3_mprintf: %w is a name within double quotes, %Q a quoted text. */
int db_prepare(const struct catalog *c, sqlite3_stmt **ret, struct err *e, const char *fmt, ...) {
    va_list ap;
    va_start(ap, fmt);
    char *sql = sqlite3_vmprintf(fmt, ap);
    va_end(ap);
    if (!sql) return err_nomem(e);
    int rc = sqlite3_prepare_v3(c->db, sql, -1, SQLITE_PREPARE_PERSISTENT, ret, NULL);
    sqlite3_free(sql);
    return rc == SQLITE_OK ? 0 : db_failed(c, rc, e);
}

int db_integer(const struct catalog *c, sqlite3_stmt *s, int64_t missing, int64_t *ret, struct err *e) {
    int rc = sqlite3_step(s), g = 0;
    if (rc == SQLITE_ROW)
        *ret = sqlite3_column_type(s, 0) == SQLITE_NULL ? missing : sqlite3_column_int64(s, 0);
    else if (rc == SQLITE_DONE)
        *ret = missing;
    else
        g = db_failed(c, rc, e);
    sqlite3_finalize(s);
    return g;
}

static int run_with(const struct catalog *c, struct err *e, const char *fmt, ...) {
    va_list ap;
    va_start(ap, fmt);
    char *sql = sqlite3_vmprintf(fmt, ap);
    va_end(ap);
    int g = sql ? db_run(c, sql, e) : err_nomem(e);
    sqlite3_free(sql);
    return g;
}

static int ask(const struct catalog *c, const char *sql, int64_t *ret, struct err *e) {
    sqlite3_stmt *s = NULL;
    int g = db_prepare(c, &s, e, "%s", sql);
    return g < 0 || g == G_WAIT ? g : db_integer(c, s, 0, ret, e);
}

/* ---- the database ---- */

static int check_owner(const struct catalog *c, bool *ret_new, struct err *e) {
    int64_t application = 0, version = 0, tables = 0;
    int g = ask(c, "PRAGMA application_id", &application, e);
    if (g == 0) g = ask(c, "PRAGMA user_version", &version, e);
    if (g == 0) g = ask(c, "SELECT count(*) FROM sqlite_schema", &tables, e);
    if (g != 0) return g;
    *ret_new = application == 0 && version == 0 && tables == 0;
    if (!*ret_new && application != APPLICATION_ID)
        return err_set(e, G_USAGE, "'%s' is a database of something else", c->file);
    if (version > FORMAT_VERSION)
        return err_set(e, G_USAGE, "'%s' is of a newer version of leat (format %lld, this one knows %d)", c->file,
                       (long long)version, FORMAT_VERSION);
    return 0;
}

static int prepare_database(const struct catalog *c, struct err *e) {
    bool fresh;
    int g = check_owner(c, &fresh, e);
    if (g == 0)
        g = run_with(c, e,
                     "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA cache_size = -%d;"
                     "PRAGMA journal_size_limit = 67108864",
                     CACHE_KIB);
    if (g != 0 || !fresh) return g;
    g = db_run(c, "BEGIN IMMEDIATE", e);
    if (g == 0) g = check_owner(c, &fresh, e); /* another run may have been faster */
    if (g == 0 && fresh) g = db_run(c, setup_sql, e);
    if (g == 0 && fresh)
        g = run_with(c, e, "PRAGMA application_id = %d; PRAGMA user_version = %d", APPLICATION_ID, FORMAT_VERSION);
    if (g == 0) g = db_run(c, "COMMIT", e);
    return g;
}

int catalog_open(struct catalog *c, const char *file, struct err *e) {
    *c = (struct catalog){.file = file};
    int g = hashmap_init(&c->names, e);
    if (g < 0) return g;
    char *path = NULL; /* ':memory:' and 'file:…' are names of files like all others */
    if (asprintf(&path, "%s%s", *file == '/' ? "" : "./", file) < 0) return err_nomem(e);
    int rc = sqlite3_open_v2(path, &c->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, NULL);
    free(path);
    if (rc == SQLITE_OK) (void)sqlite3_busy_timeout(c->db, BUSY_MS);
    g = rc == SQLITE_OK ? prepare_database(c, e) : db_failed(c, rc, e);
    if (g != 0) catalog_close(c);
    return g;
}

static void measurement_clear(struct measurement *m) {
    for (size_t i = 0; i < m->count; i++) {
        free(m->columns[i].name);
        free(m->columns[i].sql);
    }
    free(m->columns);
    m->columns = NULL;
    m->count = 0;
}

static void measurement_free(struct measurement *m) {
    if (!m) return;
    measurement_clear(m);
    sqlite3_finalize(m->series_find);
    sqlite3_finalize(m->series_insert);
    hashmap_release(&m->series);
    buf_release(&m->series_tags);
    free(m->name);
    free(m->view);
    free(m);
}

void catalog_close(struct catalog *c) {
    for (size_t i = 0; i < c->count; i++) measurement_free(c->list[i]);
    free(c->list);
    hashmap_release(&c->names);
    sqlite3_close(c->db);
    *c = (struct catalog){0};
}

/* ---- finding ---- */

struct measurement *catalog_find(const struct catalog *c, struct text name) {
    uint64_t at;
    return hashmap_get(&c->names, name.p, name.n, &at) ? c->list[at] : NULL;
}

const struct column *measurement_column(const struct measurement *m, struct text name, bool tag) {
    for (size_t i = 0; i < m->count; i++) {
        const struct column *x = &m->columns[i];
        if (x->tag == tag && x->name_size == name.n && memcmp(x->name, name.p, name.n) == 0) return x;
    }
    return NULL;
}

/* ---- names ---- */

static bool is_reserved_column(const char *name) {
    static const char *const names[] = {"time", "time_ns", "series", "series_key"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcasecmp(name, names[i]) == 0) return true;
    return false;
}

static bool column_is_taken(const struct measurement *m, const char *name) {
    if (is_reserved_column(name)) return true;
    for (size_t i = 0; i < m->count; i++)
        if (strcasecmp(m->columns[i].sql, name) == 0) return true;
    return false;
}

/* Is one of the three names in the database already? Below 0: an error. */
static int view_is_taken(const struct catalog *c, const char *name, struct err *e) {
    sqlite3_stmt *s = NULL;
    int64_t found = 0;
    int g = db_prepare(c, &s, e,
                       "SELECT count(*) FROM sqlite_schema WHERE name COLLATE NOCASE IN (%Q, %Q || '_points', %Q || "
                       "'_series')",
                       name, name, name);
    if (g == 0) g = db_integer(c, s, 0, &found, e);
    return g != 0 ? (g == G_WAIT ? G_BUG : g) : found > 0;
}

/* The name itself, or with _2, _3, … behind it. */
static char *numbered(const char *name, unsigned number) {
    char *text = NULL;
    if (number == 1) return strdup(name);
    return asprintf(&text, "%s_%u", name, number) < 0 ? NULL : text;
}

static int choose_view(const struct catalog *c, const char *name, char **ret, struct err *e) {
    bool ours = strncasecmp(name, "sqlite_", 7) == 0 || strncasecmp(name, "leat_", 5) == 0;
    char *base = NULL;
    if (asprintf(&base, "%s%s", ours ? "x_" : "", name) < 0) return err_nomem(e);
    int taken = 1;
    for (unsigned i = 1; taken > 0; i++) {
        char *view = numbered(base, i);
        taken = view ? view_is_taken(c, view, e) : err_nomem(e);
        if (taken == 0)
            *ret = view;
        else
            free(view);
    }
    free(base);
    return taken;
}

static char *choose_column(const struct measurement *m, const char *name) {
    for (unsigned i = 1;; i++) {
        char *column = numbered(name, i);
        if (!column || !column_is_taken(m, column)) return column;
        free(column);
    }
}

/* ---- reading what is there ---- */

static int add_column(struct measurement *m, const char *name, size_t n, const char *sql, bool tag) {
    struct column *more = realloc(m->columns, (m->count + 1) * sizeof *more);
    if (!more) return G_NOMEM;
    m->columns = more;
    struct column x = {.name = strndup(name, n), .name_size = n, .sql = strdup(sql), .tag = tag};
    if (!x.name || !x.sql) {
        free(x.name);
        free(x.sql);
        return G_NOMEM;
    }
    m->columns[m->count++] = x;
    return 0;
}

static int read_columns(const struct catalog *c, struct measurement *m, struct err *e) {
    sqlite3_stmt *s = NULL;
    int rc = SQLITE_DONE;
    int g = db_prepare(c, &s, e,
                       "SELECT name, \"column\", kind = 'tag' FROM leat_columns WHERE measurement = %lld "
                       "ORDER BY id",
                       (long long)m->id);
    measurement_clear(m);
    while (g == 0 && (rc = sqlite3_step(s)) == SQLITE_ROW) {
        const char *name = (const char *)sqlite3_column_text(s, 0), *sql = (const char *)sqlite3_column_text(s, 1);
        if (!name || !sql)
            g = err_set(e, G_CORRUPT, "'%s': a column without a name", c->file);
        else if (add_column(m, name, strlen(name), sql, sqlite3_column_int(s, 2)) < 0)
            g = err_nomem(e);
    }
    if (g == 0 && rc != SQLITE_DONE) g = db_failed(c, rc, e);
    sqlite3_finalize(s);
    return g;
}

/* Its id and view, if it is in the database; id 0 if not. */
static int read_measurement(const struct catalog *c, struct measurement *m, struct err *e) {
    sqlite3_stmt *s = NULL;
    int g = db_prepare(c, &s, e, "SELECT id, view FROM leat_measurements WHERE name = %Q", m->name);
    if (g != 0) return g;
    int rc = sqlite3_step(s);
    m->id = 0;
    free(m->view);
    m->view = NULL;
    if (rc == SQLITE_ROW) {
        const char *view = (const char *)sqlite3_column_text(s, 1);
        m->id = sqlite3_column_int64(s, 0);
        m->view = view ? strdup(view) : NULL;
        if (!m->view) g = err_nomem(e);
    } else if (rc != SQLITE_DONE) {
        g = db_failed(c, rc, e);
    }
    sqlite3_finalize(s);
    return g == 0 && m->id ? read_columns(c, m, e) : g;
}

/* ---- making what is not ---- */

static int make_measurement(const struct catalog *c, struct measurement *m, struct err *e) {
    int g = choose_view(c, m->name, &m->view, e);
    if (g == 0) g = run_with(c, e, "INSERT INTO leat_measurements (name, view) VALUES (%Q, %Q)", m->name, m->view);
    if (g == 0) m->id = sqlite3_last_insert_rowid(c->db);
    return g;
}

/* Its name, and, where the tables are there already, the column itself. */
static int make_column(const struct catalog *c, struct measurement *m, struct text name, bool tag, bool alter,
                       struct err *e) {
    if (m->count == DB_COLUMNS_MAX)
        return err_set(e, G_DATA, "'%s' has %u columns already and cannot have more", m->view, DB_COLUMNS_MAX);
    char *copy = strndup(name.p, name.n), *sql = copy ? choose_column(m, copy) : NULL;
    int g = sql ? 0 : err_nomem(e);
    if (g == 0)
        g = run_with(c, e, "INSERT INTO leat_columns (measurement, kind, name, \"column\") VALUES (%lld, %Q, %Q, %Q)",
                     (long long)m->id, tag ? "tag" : "field", copy, sql);
    if (g == 0 && alter)
        g = run_with(c, e, "ALTER TABLE \"%w_%s\" ADD COLUMN \"%w\"", m->view, tag ? "series" : "points", sql);
    if (g == 0 && add_column(m, name.p, name.n, sql, tag) < 0) g = err_nomem(e);
    free(copy);
    free(sql);
    return g;
}

static void append_columns(sqlite3_str *sql, const struct measurement *m, bool tags, const char *before) {
    for (size_t i = 0; i < m->count; i++)
        if (m->columns[i].tag == tags) sqlite3_str_appendf(sql, ", %s\"%w\"", before, m->columns[i].sql);
}

/* With the columns that are known: each that is added later makes SQLite read all of its schema again. */
static int make_tables(const struct catalog *c, const struct measurement *m, struct err *e) {
    sqlite3_str *sql = sqlite3_str_new(c->db);
    sqlite3_str_appendf(sql, "CREATE TABLE \"%w_series\" (series INTEGER PRIMARY KEY, series_key TEXT NOT NULL UNIQUE",
                        m->view);
    append_columns(sql, m, true, "");
    sqlite3_str_appendf(sql, "); CREATE TABLE \"%w_points\" (time INTEGER NOT NULL, series INTEGER NOT NULL", m->view);
    append_columns(sql, m, false, "");
    sqlite3_str_appendall(sql, ", PRIMARY KEY (time, series)) WITHOUT ROWID");
    char *text = sqlite3_str_finish(sql);
    int g = text ? db_run(c, text, e) : err_nomem(e);
    sqlite3_free(text);
    return g;
}

/* The time as text: whole seconds, and what is left of them if there is something. */
#define TIME_SQL                                                                                                       \
    "strftime('%%Y-%%m-%%dT%%H:%%M:%%S', (p.time - (p.time %% 1000000000 + 1000000000) %% 1000000000) / 1000000000, "  \
    "'unixepoch') || CASE p.time %% 1000000000 WHEN 0 THEN '' ELSE rtrim(printf('.%%09d', (p.time %% 1000000000 + "    \
    "1000000000) %% 1000000000), '0') END || 'Z'"

static int make_view(const struct catalog *c, const struct measurement *m, struct err *e) {
    sqlite3_str *sql = sqlite3_str_new(c->db);
    sqlite3_str_appendf(
        sql, "DROP VIEW IF EXISTS \"%w\"; CREATE VIEW \"%w\" AS SELECT " TIME_SQL " AS time, p.time AS time_ns",
        m->view, m->view);
    append_columns(sql, m, true, "s.");
    append_columns(sql, m, false, "p.");
    sqlite3_str_appendf(sql, " FROM \"%w_points\" p JOIN \"%w_series\" s USING (series)", m->view, m->view);
    char *text = sqlite3_str_finish(sql);
    int g = text ? db_run(c, text, e) : err_nomem(e);
    sqlite3_free(text);
    return g;
}

static int extend(const struct catalog *c, struct measurement *m, const struct point *p, struct err *e) {
    int g = read_measurement(c, m, e);
    bool fresh = g == 0 && !m->id;
    size_t before = m->count;
    if (fresh) g = make_measurement(c, m, e);
    for (size_t i = 0; g == 0 && i < p->tag_count; i++)
        if (!measurement_column(m, p->tags[i].name, true)) g = make_column(c, m, p->tags[i].name, true, !fresh, e);
    for (size_t i = 0; g == 0 && i < p->field_count; i++) {
        const struct field *f = &p->fields[i];
        if (f->type != FIELD_NULL && !measurement_column(m, f->name, false))
            g = make_column(c, m, f->name, false, !fresh, e);
    }
    if (g == 0 && fresh) g = make_tables(c, m, e);
    return g == 0 && (fresh || m->count > before) ? make_view(c, m, e) : g;
}

/* A measurement that was not seen before, with nothing known of it yet. */
static int enlist(struct catalog *c, struct text name, struct measurement **ret, struct err *e) {
    struct measurement **more = realloc(c->list, (c->count + 1) * sizeof *more), *m;
    if (!more) return err_nomem(e);
    c->list = more;
    m = calloc(1, sizeof *m);
    if (!m || !(m->name = strndup(name.p, name.n))) {
        free(m);
        return err_nomem(e);
    }
    m->name_size = name.n;
    int g = hashmap_init(&m->series, e);
    if (g == 0 && hashmap_put(&c->names, name.p, name.n, c->count) < 0) g = err_nomem(e);
    if (g < 0) {
        measurement_free(m);
        return g;
    }
    c->list[c->count++] = *ret = m;
    return 0;
}

/* A table that is there is as good as synced: the next batch syncs both. */
static int begin(const struct catalog *c, bool inside, struct err *e) {
    if (inside) return db_run(c, "SAVEPOINT extend", e);
    int g = db_run(c, "PRAGMA synchronous = NORMAL", e);
    return g == 0 ? db_run(c, "BEGIN IMMEDIATE", e) : g;
}

static void rollback(const struct catalog *c, bool inside) {
    if (sqlite3_get_autocommit(c->db)) return;
    (void)sqlite3_exec(c->db, inside ? "ROLLBACK TO extend; RELEASE extend" : "ROLLBACK", NULL, NULL, NULL);
}

int catalog_extend(struct catalog *c, const struct point *p, bool inside, struct err *e) {
    struct measurement *m = catalog_find(c, p->measurement);
    struct err late;
    int g = m ? 0 : enlist(c, p->measurement, &m, e), after = 0;
    if (g == 0) g = begin(c, inside, e);
    if (g == 0) {
        g = extend(c, m, p, e);
        if (g == 0) g = db_run(c, inside ? "RELEASE extend" : "COMMIT", e);
        if (g != 0) rollback(c, inside);
        if (g == G_DATA) after = read_measurement(c, m, &late); /* as it was before */
    }
    if (after == 0 && !inside) after = db_run(c, "PRAGMA synchronous = FULL", &late);
    if (after == 0 || (g != 0 && g != G_DATA)) return g;
    *e = late;
    return after;
}
