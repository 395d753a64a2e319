/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ClickHouse over HTTP: a point is a row of JSONEachRow, with `time_ns`, its tags and its fields as columns. The
 * measurement is not written, as the table stands for it. With --create the table follows the points
 * (clickhouse_schema.h). Servers that know insert_deduplication_token get one, made of the checkpoint and the content,
 * so that a batch whose answer was lost is not there twice.
 */
#include <inttypes.h>
#include <stdlib.h>

#include "clickhouse_schema.h"

#include "base/number.h"
#include "base/siphash.h"
#include "json/double.h"
#include "json/text.h"

#define TOKEN_SINCE 22002 /* 22.2: insert_deduplication_token */
#define TOKEN_ROOM 100

struct clickhouse {
    struct encoder encoder;
    struct schema *schema; /* NULL without --create */
    struct buf path;       /* of statements */
    struct buf insert;     /* path of batches, with TOKEN_ROOM behind it */
    char *credentials[2];  /* headers; NULL: none */
    const char *headers[3];
    struct http_request statement; /* but for its body */
    char *token_at;                /* in it */
    char token[TOKEN_ROOM];
    unsigned server_version; /* 18016 is 18.16; 0: not known yet. The sender's thread's, with the token */
    struct buf measurement;  /* of the first point */
};

/* ---- a point ---- */

static int append_string(struct buf *out, struct text t, struct err *e) {
    int g = json_escape_append(out, t.p, t.n);
    if (g == G_DATA) return err_set(e, G_DATA, "a name or text is not UTF-8");
    return g < 0 ? err_nomem(e) : 0;
}

static int append_double(struct buf *out, double d) {
    char text[JSON_DOUBLE_MAX];
    return buf_append(out, text, json_double_write(d, text));
}

static int append_value(struct buf *out, const struct field *f, struct err *e) {
    int g = 0;
    switch (f->type) {
    case FIELD_INTEGER: g = number_append_i64(out, f->integer); break;
    case FIELD_UNSIGNED: g = number_append_u64(out, f->magnitude); break;
    case FIELD_NUMBER: g = append_double(out, f->number); break;
    case FIELD_BOOLEAN: g = buf_putc(out, f->boolean ? '1' : '0'); break;
    case FIELD_STRING: return append_string(out, f->string, e);
    case FIELD_NULL: break; /* not called for it */
    }
    return g < 0 ? err_nomem(e) : 0;
}

/* `,"name":` */
static int append_name(struct clickhouse *c, struct buf *out, struct text name, struct err *e) {
    if ((name.n == 7 && memcmp(name.p, "time_ns", 7) == 0) ||
        (c->schema && name.n == 4 && memcmp(name.p, "time", 4) == 0))
        return err_set(e, G_DATA, "a tag or field is called '%.*s', as is the time of the point", (int)name.n, name.p);
    if (buf_putc(out, ',') < 0) return err_nomem(e);
    int g = append_string(out, name, e);
    return g == 0 && buf_putc(out, ':') < 0 ? err_nomem(e) : g;
}

static int append_row(struct clickhouse *c, const struct point *p, struct buf *out, struct err *e) {
    int g = buf_puts(out, "{\"time_ns\":");
    if (g == 0) g = number_append_i64(out, p->time);
    if (g < 0) return err_nomem(e);
    for (size_t i = 0; g == 0 && i < p->tag_count; i++) {
        g = append_name(c, out, p->tags[i].name, e);
        if (g == 0) g = append_string(out, p->tags[i].value, e);
    }
    for (size_t i = 0; g == 0 && i < p->field_count; i++) {
        if (p->fields[i].type == FIELD_NULL) continue; /* what a row does not have is NULL */
        g = append_name(c, out, p->fields[i].name, e);
        if (g == 0) g = append_value(out, &p->fields[i], e);
    }
    return g == 0 && buf_puts(out, "}\n") < 0 ? err_nomem(e) : g;
}

static int check_measurement(struct clickhouse *c, struct text m, struct err *e) {
    if (c->measurement.len == 0) return buf_append(&c->measurement, m.p, m.n) < 0 ? err_nomem(e) : 0;
    if (c->measurement.len == m.n && memcmp(c->measurement.data, m.p, m.n) == 0) return 0;
    return err_set(e, G_DATA, "measurement '%.*s' cannot be in the table of '%.*s' (--measurement makes them one)",
                   (int)m.n, m.p, (int)c->measurement.len, c->measurement.data);
}

static int clickhouse_encode(struct encoder *x, const struct point *p, struct buf *out, struct err *e) {
    struct clickhouse *c = (struct clickhouse *)x;
    size_t begin = out->len;
    int g = check_measurement(c, p->measurement, e);
    if (g == 0) g = append_row(c, p, out, e);
    if (g == 0 && c->schema) g = schema_note(c->schema, p, e);
    if (g < 0) out->len = begin;
    return g;
}

/* ---- a request ---- */

static int clickhouse_body(struct encoder *x, const char *encoded, size_t n, struct buf *out, struct err *e) {
    (void)x;
    buf_clear(out);
    return buf_append(out, encoded, n) < 0 ? err_nomem(e) : 0;
}

/* The path stays where it is: what becomes of the token is written behind it. */
static void set_token(struct clickhouse *c) {
    bool known = c->server_version >= TOKEN_SINCE;
    (void)snprintf(c->token_at, TOKEN_ROOM, "%s", known ? c->token : "");
}

static void clickhouse_token(struct encoder *x, const struct checkpoint *k, uint64_t batch) {
    static const uint64_t key[2];
    struct clickhouse *c = (struct clickhouse *)x;
    c->token[0] = '\0';
    if (k->pipeline)
        (void)snprintf(c->token, sizeof c->token, "&insert_deduplication_token=%016" PRIx64 "-%" PRId64 "-%016" PRIx64,
                       siphash24(key, k->pipeline, strlen(k->pipeline)), k->number, batch);
    set_token(c);
}

static int find_version(struct clickhouse *c, struct http *http, struct err *e) {
    struct text answer;
    char text[32];
    unsigned major, minor;
    int g = clickhouse_query(http, &c->statement, "SELECT version()", &answer, e);
    if (g != 0) return g;
    (void)snprintf(text, sizeof text, "%.*s", (int)(answer.n < sizeof text ? answer.n : sizeof text - 1), answer.p);
    if (sscanf(text, "%4u.%3u", &major, &minor) != 2)
        return err_set(e, G_IO, "no ClickHouse: its version is '%s'", text);
    c->server_version = major * 1000 + minor;
    set_token(c);
    return 0;
}

static int clickhouse_prepare(struct encoder *x, struct http *http, struct err *e) {
    struct clickhouse *c = (struct clickhouse *)x;
    int g = c->server_version ? 0 : find_version(c, http, e);
    if (g != 0 || !c->schema) return g;
    return schema_make(c->schema, http, &c->statement,
                       c->server_version >= TOKEN_SINCE ? " SETTINGS non_replicated_deduplication_window = 1000" : "",
                       e);
}

/* ---- an answer ---- */

/* `Code: 27, e.displayText() = …`, `Code: 27. DB::Exception: …`; 0: no such text. */
static unsigned code_of(const struct http_response *r) {
    unsigned code = 0;
    if (r->size < 7 || memcmp(r->body, "Code: ", 6) != 0) return 0;
    for (size_t i = 6; i < r->size && i < 12 && r->body[i] >= '0' && r->body[i] <= '9'; i++)
        code = code * 10 + (unsigned)(r->body[i] - '0');
    return code;
}

/* The numbers are ClickHouse's own, in its ErrorCodes. The others, such as too many parts (252) or no memory (241),
 * come with 500 and pass. */
static bool is_bad_data(unsigned code) {
    static const unsigned short codes[] = {6,  16, 25, 26,  27,  32,  33,  38,  41,  43,  50,  53,
                                           69, 70, 72, 117, 130, 131, 190, 321, 349, 441, 467, 469};
    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++)
        if (code == codes[i]) return true;
    return false;
}

/* No such table, database, setting or user, a table that takes nothing, no permission. */
static bool is_for_ever(unsigned code) {
    static const unsigned short codes[] = {20,  36,  44,  46,  47,  48,  60,  62,  73,  81,
                                           115, 164, 192, 193, 194, 195, 218, 291, 497, 516};
    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++)
        if (code == codes[i]) return true;
    return false;
}

enum verdict clickhouse_verdict(const struct http_response *r, struct err *why) {
    unsigned code = code_of(r);
    if (r->status >= 200 && r->status < 300) return VERDICT_ACCEPTED;
    struct text line = answer_line(r);
    (void)err_set(why, G_IO, "%.*s", (int)line.n, line.p);
    if (is_bad_data(code)) return VERDICT_REFUSED;
    if (is_for_ever(code)) return VERDICT_FATAL;
    if (r->status >= 500 || r->status == 429 || r->status == 408) return VERDICT_RETRY;
    return r->status == 400 || r->status == 413 ? VERDICT_REFUSED : VERDICT_FATAL;
}

static enum verdict clickhouse_judge(struct encoder *x, const struct http_response *r, size_t points, struct err *why) {
    (void)x, (void)points;
    return clickhouse_verdict(r, why);
}

/* ---- opening ---- */

static void clickhouse_free(struct encoder *x) {
    struct clickhouse *c = (struct clickhouse *)x;
    schema_free(c->schema);
    for (size_t i = 0; i < 2; i++) {
        if (c->credentials[i]) explicit_bzero(c->credentials[i], strlen(c->credentials[i]));
        free(c->credentials[i]);
    }
    buf_release(&c->path);
    buf_release(&c->insert);
    buf_release(&c->measurement);
    free(c);
}

static int make_paths(struct clickhouse *c, const struct url *u) {
    struct buf sql = {0}, settings = {0};
    int g = buf_puts(&sql, "INSERT INTO ");
    if (g == 0) g = clickhouse_quote(&sql, (struct text){u->path[0], strlen(u->path[0])});
    if (g == 0) g = buf_putc(&sql, '.');
    if (g == 0) g = clickhouse_quote(&sql, (struct text){u->path[1], strlen(u->path[1])});
    if (g == 0) g = buf_puts(&sql, " FORMAT JSONEachRow");
    for (size_t i = 0; g == 0 && i < u->count; i++) {
        g = buf_putc(&settings, '&');
        if (g == 0) g = http_escape(&settings, u->names[i]);
        if (g == 0) g = buf_putc(&settings, '=');
        if (g == 0) g = http_escape(&settings, u->values[i]);
    }
    if (g == 0) g = buf_puts(&c->path, "/?");
    if (g == 0 && settings.len) g = buf_append(&c->path, settings.data + 1, settings.len - 1);
    if (g == 0) g = buf_puts(&c->insert, "/?query=");
    if (g == 0 && !buf_cstr(&sql)) g = G_NOMEM;
    if (g == 0) g = http_escape(&c->insert, sql.data);
    if (g == 0) g = buf_append(&c->insert, settings.data, settings.len);
    if (g == 0) g = buf_reserve(&c->insert, TOKEN_ROOM);
    buf_release(&sql);
    buf_release(&settings);
    return g == 0 && buf_cstr(&c->path) && buf_cstr(&c->insert) ? 0 : G_NOMEM;
}

/* A header of its own for each; without a value there is none. */
static int make_headers(struct clickhouse *c, const struct url *u) {
    static const char *const names[] = {"X-ClickHouse-User", "X-ClickHouse-Key"};
    const char *const values[] = {u->user, u->password};
    size_t n = 0;
    for (size_t i = 0; i < 2; i++) {
        if (!values[i]) continue;
        if (asprintf(&c->credentials[i], "%s: %s", names[i], values[i]) < 0) {
            c->credentials[i] = NULL;
            return G_NOMEM;
        }
        c->headers[n++] = c->credentials[i];
    }
    return 0;
}

int clickhouse_encoder(struct encoder **ret, const struct url *u, const struct dest_config *config,
                       struct http_request *constant, struct err *e) {
    static const struct encoder_ops ops = {.encode = clickhouse_encode,
                                           .body = clickhouse_body,
                                           .judge = clickhouse_judge,
                                           .prepare = clickhouse_prepare,
                                           .token = clickhouse_token,
                                           .free = clickhouse_free};
    struct clickhouse *c = calloc(1, sizeof *c);
    if (!c) return err_nomem(e);
    c->encoder.ops = &ops;
    int g = make_paths(c, u) < 0 || make_headers(c, u) < 0 ? err_nomem(e) : 0;
    if (g == 0 && config->create) g = schema_new(&c->schema, u->path[0], u->path[1], e);
    if (g < 0) {
        clickhouse_free(&c->encoder);
        return g;
    }
    c->token_at = c->insert.data + c->insert.len;
    c->statement = (struct http_request){.method = "POST", .path = c->path.data, .headers = c->headers};
    *constant = c->statement;
    constant->path = c->insert.data;
    *ret = &c->encoder;
    return 0;
}
