/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Columns wanted, columns there, and the statements between them: see clickhouse_schema.h. The main thread adds wanted
 * columns and widens them, the sender's thread reads them; both do so under the mutex.
 */
#include "clickhouse_schema.h"

#include <jansson.h>
#include <pthread.h>
#include <stdlib.h>

#include "base/hashmap.h"

#define COLUMNS_MAX 1000U
#define FILE_NAME_MAX 240u /* of a column's files, without their suffix */

struct column {
    char *name;
    bool tag;
    enum field_type type; /* FIELD_STRING of a tag */
};

struct schema {
    char *database, *table;
    pthread_mutex_t mutex;
    struct hashmap index; /* name to number; the main thread's */
    struct column column[COLUMNS_MAX];
    size_t count;
    uint64_t version; /* raised with each change of the columns */
    uint64_t made;    /* that the server has; the sender's thread's */
};

/* ---- types ---- */

static const char *const type_names[] = {[FIELD_INTEGER] = "Nullable(Int64)",
                                         [FIELD_UNSIGNED] = "Nullable(UInt64)",
                                         [FIELD_NUMBER] = "Nullable(Float64)",
                                         [FIELD_BOOLEAN] = "Nullable(UInt8)",
                                         [FIELD_STRING] = "Nullable(String)"};
#define TYPES (sizeof type_names / sizeof *type_names)

static const char *type_of(const struct column *c) {
    return c->tag ? "String" : type_names[c->type];
}

/* The type that takes the values of both. Strings stay apart: the server has the say there. */
static enum field_type wider(enum field_type a, enum field_type b) {
    if (a == b || b == FIELD_BOOLEAN || a == FIELD_STRING || b == FIELD_STRING) return a;
    return a == FIELD_BOOLEAN ? b : FIELD_NUMBER;
}

/* ---- columns wanted ---- */

int schema_new(struct schema **ret, const char *database, const char *table, struct err *e) {
    struct schema *s = calloc(1, sizeof *s);
    if (!s) return err_nomem(e);
    pthread_mutex_init(&s->mutex, NULL);
    s->database = strdup(database);
    s->table = strdup(table);
    s->version = 1; /* the table itself */
    int g = s->database && s->table ? hashmap_init(&s->index, e) : err_nomem(e);
    if (g < 0) {
        schema_free(s);
        return g;
    }
    *ret = s;
    return 0;
}

void schema_free(struct schema *s) {
    if (!s) return;
    for (size_t i = 0; i < s->count; i++) free(s->column[i].name);
    hashmap_release(&s->index);
    pthread_mutex_destroy(&s->mutex);
    free(s->database);
    free(s->table);
    free(s);
}

/* ClickHouse keeps a column in files by its name, where all but letters, digits and _ of ASCII take three bytes. A
 * table with a column whose files cannot be made takes nothing any more. */
static bool is_too_long(struct text name) {
    size_t n = name.n;
    for (size_t i = 0; i < name.n; i++) {
        char c = name.p[i], letter = (char)(c | 32);
        if (c != '_' && (c < '0' || c > '9') && (letter < 'a' || letter > 'z')) n += 2;
    }
    return n > FILE_NAME_MAX;
}

static int add_column(struct schema *s, struct text name, bool tag, enum field_type type, struct err *e) {
    if (is_too_long(name))
        return err_set(e, G_DATA, "'%.60s…' is too long for the name of a column in ClickHouse", name.p);
    if (s->count == COLUMNS_MAX) return err_set(e, G_DATA, "there are more than %u columns", COLUMNS_MAX);
    char *copy = strndup(name.p, name.n);
    if (!copy || hashmap_put(&s->index, name.p, name.n, s->count) < 0) {
        free(copy);
        return err_nomem(e);
    }
    pthread_mutex_lock(&s->mutex);
    s->column[s->count++] = (struct column){copy, tag, type};
    s->version++;
    pthread_mutex_unlock(&s->mutex);
    return 0;
}

static int note(struct schema *s, struct text name, bool tag, enum field_type type, struct err *e) {
    const uint64_t *at = hashmap_find(&s->index, name.p, name.n);
    if (!at) return add_column(s, name, tag, type, e);
    struct column *c = &s->column[*at];
    if (c->tag != tag)
        return err_set(e, G_DATA, "'%.*s' is a tag in one point and a field in another", (int)name.n, name.p);
    enum field_type wide = wider(c->type, type);
    if (wide == c->type) return 0;
    pthread_mutex_lock(&s->mutex);
    c->type = wide;
    s->version++;
    pthread_mutex_unlock(&s->mutex);
    return 0;
}

int schema_note(struct schema *s, const struct point *p, struct err *e) {
    int g = 0;
    for (size_t i = 0; g == 0 && i < p->tag_count; i++) g = note(s, p->tags[i].name, true, FIELD_STRING, e);
    for (size_t i = 0; g == 0 && i < p->field_count; i++)
        if (p->fields[i].type != FIELD_NULL) g = note(s, p->fields[i].name, false, p->fields[i].type, e);
    return g;
}

/* ---- statements ---- */

int clickhouse_quote(struct buf *out, struct text name) {
    return text_quote(out, name, '`', false);
}

static struct text text_of(const char *s) {
    return (struct text){s, strlen(s)};
}

/* A statement is put together piece by piece; the first failure stays. */
struct statement {
    struct buf text;
    int grade;
};

static void say(struct statement *q, const char *words) {
    if (q->grade == 0) q->grade = buf_puts(&q->text, words);
}

static void say_name(struct statement *q, const char *name) {
    if (q->grade == 0) q->grade = clickhouse_quote(&q->text, text_of(name));
}

static void say_string(struct statement *q, const char *s) {
    if (q->grade == 0) q->grade = text_quote(&q->text, text_of(s), '\'', false);
}

static void say_table(struct statement *q, const struct schema *s, const char *before, const char *behind) {
    say(q, before);
    say_name(q, s->database);
    say(q, ".");
    say_name(q, s->table);
    say(q, behind);
}

static void say_where(struct statement *q, const struct schema *s, const char *select, const char *name_column) {
    say(q, select);
    say(q, " WHERE database = ");
    say_string(q, s->database);
    say(q, name_column);
    say_string(q, s->table);
    say(q, " FORMAT JSONCompact");
}

static void say_column(struct statement *q, const struct column *c, const char *before) {
    say(q, before);
    say_name(q, c->name);
    say(q, " ");
    say(q, type_of(c));
}

int clickhouse_query(struct http *http, const struct http_request *like, const char *sql, struct text *ret,
                     struct err *e) {
    struct http_response r = {0};
    struct http_request request = *like;
    request.body = sql;
    request.size = strlen(sql);
    int g = http_send(http, &request, &r, e);
    if (g < 0) return g;
    if (r.status == 0) {
        *e = r.failure;
        return e->grade;
    }
    enum verdict v = clickhouse_verdict(&r, e);
    if (v == VERDICT_ACCEPTED) {
        *ret = (struct text){r.body, r.size};
        return 0;
    }
    e->grade = v == VERDICT_RETRY ? G_WAIT : G_IO;
    return err_prefix(e, "HTTP %u to '%.30s…': ", r.status, sql);
}

/* Ends the statement; its memory is freed. */
static int ask(struct statement *q, struct http *http, const struct http_request *like, struct text *ret,
               struct err *e) {
    int g = q->grade < 0 || !buf_cstr(&q->text) ? err_nomem(e) : clickhouse_query(http, like, q->text.data, ret, e);
    buf_release(&q->text);
    return g;
}

/* ---- columns there ---- */

/* What a SELECT gave: the array of its rows is borrowed from *ret, which the caller drops. */
static json_t *rows_of(struct text answer, json_t **ret, struct err *e) {
    *ret = json_loadb(answer.p, answer.n, 0, NULL);
    json_t *rows = json_object_get(*ret, "data");
    if (json_is_array(rows)) return rows;
    (void)err_set(e, G_IO, "the server's list of columns is no JSON or too long");
    return NULL;
}

static int create_table(struct schema *s, const struct column *c, size_t n, struct http *http,
                        const struct http_request *like, const char *settings, struct err *e) {
    struct statement q = {0};
    struct text answer;
    say_table(&q, s, "CREATE TABLE IF NOT EXISTS ",
              " (time_ns Int64, time DateTime MATERIALIZED toDateTime(intDiv(time_ns, 1000000000))");
    for (size_t i = 0; i < n; i++) say_column(&q, &c[i], ", ");
    say(&q, ") ENGINE = ReplacingMergeTree ORDER BY (");
    for (size_t i = 0; i < n; i++) {
        if (!c[i].tag) continue;
        say_name(&q, c[i].name);
        say(&q, ", ");
    }
    say(&q, "time_ns)");
    say(&q, settings);
    return ask(&q, http, like, &answer, e);
}

static const char *type_there(json_t *rows, const char *name) {
    size_t i;
    json_t *row;
    json_array_foreach(rows, i, row) {
        const char *there = json_string_value(json_array_get(row, 0));
        if (there && strcmp(there, name) == 0) return json_string_value(json_array_get(row, 1));
    }
    return NULL;
}

/* A column of ours that is too narrow for what is wanted: the type that it shall have. */
static bool is_narrow(const struct column *wanted, const char *there, enum field_type *ret) {
    for (size_t i = 0; i < TYPES && !wanted->tag; i++) {
        if (strcmp(there, type_names[i]) != 0) continue;
        *ret = wider((enum field_type)i, wanted->type);
        return *ret != (enum field_type)i;
    }
    return false;
}

/* Returns how many columns are changed; *ret_tags of them are new tags. */
static size_t say_changes(struct statement *q, const struct column *c, size_t n, json_t *rows, size_t *ret_tags) {
    size_t changes = 0;
    *ret_tags = 0;
    for (size_t i = 0; i < n; i++) {
        struct column column = c[i];
        const char *there = type_there(rows, column.name);
        if (there && !is_narrow(&c[i], there, &column.type)) continue;
        say(q, changes++ ? ", " : "");
        say_column(q, &column, there ? "MODIFY COLUMN " : "ADD COLUMN ");
        if (!there && column.tag) ++*ret_tags;
    }
    return changes;
}

static int say_new_order(struct statement *q, struct schema *s, const struct column *c, size_t n, json_t *rows,
                         struct http *http, const struct http_request *like, struct err *e) {
    struct statement order = {0};
    struct text answer;
    json_t *root = NULL;
    say_where(&order, s, "SELECT sorting_key FROM system.tables", " AND name = ");
    int g = ask(&order, http, like, &answer, e);
    if (g != 0) return g;
    json_t *keys = rows_of(answer, &root, e);
    const char *key = json_string_value(json_array_get(json_array_get(keys, 0), 0));
    if (!keys || !key) {
        json_decref(root);
        return keys ? err_set(e, G_IO, "the table has no order that tags could be added to") : G_IO;
    }
    say(q, ", MODIFY ORDER BY (");
    say(q, key);
    json_decref(root);
    for (size_t i = 0; i < n; i++) {
        if (!c[i].tag || type_there(rows, c[i].name)) continue;
        say(q, ", ");
        say_name(q, c[i].name);
    }
    say(q, ")");
    return 0;
}

static int alter_table(struct schema *s, const struct column *c, size_t n, struct http *http,
                       const struct http_request *like, struct err *e) {
    struct statement q = {0}, list = {0};
    struct text answer;
    json_t *root = NULL;
    size_t tags;
    say_where(&list, s, "SELECT name, type FROM system.columns", " AND table = ");
    int g = ask(&list, http, like, &answer, e);
    if (g != 0) return g;
    json_t *rows = rows_of(answer, &root, e);
    if (!rows) g = G_IO;
    say_table(&q, s, "ALTER TABLE ", " ");
    bool changes = g == 0 && say_changes(&q, c, n, rows, &tags) > 0;
    if (changes && tags) g = say_new_order(&q, s, c, n, rows, http, like, e);
    json_decref(root);
    if (changes && g == 0) return ask(&q, http, like, &answer, e);
    buf_release(&q.text);
    return g;
}

int schema_make(struct schema *s, struct http *http, const struct http_request *like, const char *settings,
                struct err *e) {
    pthread_mutex_lock(&s->mutex);
    uint64_t version = s->version;
    size_t n = s->count;
    struct column *c = version == s->made ? NULL : calloc(n + 1, sizeof *c);
    if (c) memcpy(c, s->column, n * sizeof *c); /* names stay until schema_free */
    pthread_mutex_unlock(&s->mutex);
    if (version == s->made) return 0;
    if (!c) return err_nomem(e);
    int g = s->made ? 0 : create_table(s, c, n, http, like, settings, e);
    if (g == 0) g = alter_table(s, c, n, http, like, e);
    if (g == 0) s->made = version;
    free(c);
    return g;
}
