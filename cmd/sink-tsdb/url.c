/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where to: `kind[+tls]://[user[:password]@]host[:port][/path][?name=value&…]`, or `kind:PATH`, and the credentials
 * that go with it, from the URL, a file or the environment. leat-sink-tsdb(1), CREDENTIALS, is the rule. Called by
 * main before it opens anything; secrets in arguments are wiped before anything else is done.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "url.h"

#include "base/number.h"
#include "sys/sys.h"

#define CREDENTIALS_MAX_BYTES 65536

enum shape { SHAPE_FILE, SHAPE_ONE_PART, SHAPE_TWO_PARTS, SHAPE_WHOLE_PATH };

static const struct kind {
    const char *name;
    enum dest_kind kind;
    enum shape shape;
    const char *want;       /* what a URL of this kind looks like */
    char separator;         /* between two parts */
    const char *parameters; /* known ones, with commas around each; NULL: any */
    const char *env_user, *env_password, *env_token;
} kinds[] = {
    {"sqlite", DEST_SQLITE, SHAPE_FILE, "sqlite:FILE", 0, "", NULL, NULL, NULL},
    {"influx", DEST_INFLUX, SHAPE_ONE_PART, "influx://HOST[:PORT]/DB", 0, ",rp,", "INFLUX_USERNAME", "INFLUX_PASSWORD",
     "INFLUX_TOKEN"},
    {"influx2", DEST_INFLUX2, SHAPE_TWO_PARTS, "influx2://HOST[:PORT]/ORG/BUCKET", '/', ",,", NULL, NULL,
     "INFLUX_TOKEN"},
    {"prometheus", DEST_PROMETHEUS, SHAPE_WHOLE_PATH, "prometheus://HOST[:PORT][/PATH]", 0, ",,", "PROMETHEUS_USERNAME",
     "PROMETHEUS_PASSWORD", "PROMETHEUS_TOKEN"},
    {"openmetrics", DEST_OPENMETRICS, SHAPE_FILE, "openmetrics:FILE", 0, "", NULL, NULL, NULL},
    {"clickhouse", DEST_CLICKHOUSE, SHAPE_TWO_PARTS, "clickhouse://HOST[:PORT]/DB.TABLE", '.', NULL, "CLICKHOUSE_USER",
     "CLICKHOUSE_PASSWORD", NULL},
    {"lines", DEST_LINES, SHAPE_FILE, "lines:FILE", 0, "", NULL, NULL, NULL},
};
#define KINDS (sizeof kinds / sizeof *kinds)

static const char known_kinds[] = "sqlite, influx, influx2, prometheus, openmetrics, clickhouse or lines";

/* ---- pieces of text ---- */

/* Percent escapes decoded. NULL with G_USAGE in e for one that is none or stands for a NUL. */
static char *decode(const char *p, size_t n, struct err *e) {
    char *out = malloc(n + 1), *to = out;
    if (!out) {
        (void)err_nomem(e);
        return NULL;
    }
    for (size_t i = 0; i < n; i++) {
        if (p[i] != '%') {
            *to++ = p[i];
            continue;
        }
        int high = i + 2 < n ? number_hex_digit(p[i + 1]) : -1, low = i + 2 < n ? number_hex_digit(p[i + 2]) : -1;
        if (high < 0 || low < 0 || high + low == 0) {
            free(out);
            (void)err_set(e, G_USAGE, "the URL has a '%%' that is not followed by two hexadecimal digits");
            return NULL;
        }
        *to++ = (char)(high << 4 | low);
        i += 2;
    }
    *to = '\0';
    return out;
}

static int put(char **field, const char *p, size_t n, struct err *e) {
    char *copy = decode(p, n, e);
    if (!copy) return e->grade;
    free(*field);
    *field = copy;
    return 0;
}

static bool is_secret_name(const char *p, size_t n) {
    return (n == 5 && memcmp(p, "token", 5) == 0) || (n == 8 && memcmp(p, "password", 8) == 0);
}

/* The parts of a URL that has an authority; `end` is that of the text. */
struct parts {
    const char *user, *user_end;         /* NULL: none */
    const char *password, *password_end; /* NULL: none */
    const char *host, *host_end;
    const char *path, *query, *end;
};

/* A password may have characters in it that belong escaped: it must not be taken for something that can be shown. */
static const char *find_at(const char *authority, const char *end) {
    size_t place = strcspn(authority, "/?");
    const char *query = authority + strcspn(authority, "?"), *colon = memchr(authority, ':', place);
    const char *at = memrchr(authority, '@', (size_t)(query - authority));
    if (at || !colon || *authority == '[') return at;
    size_t port = place - (size_t)(colon + 1 - authority);
    return strspn(colon + 1, "0123456789") >= port ? NULL : memrchr(authority, '@', (size_t)(end - authority));
}

static void split(const char *authority, struct parts *ret) {
    const char *end = authority + strlen(authority), *at = find_at(authority, end);
    *ret = (struct parts){.host = at ? at + 1 : authority, .end = end};
    if (at) {
        const char *colon = memchr(authority, ':', (size_t)(at - authority));
        ret->user = authority;
        ret->user_end = colon ? colon : at;
        ret->password = colon ? colon + 1 : NULL;
        ret->password_end = at;
    }
    ret->path = ret->host_end = ret->host + strcspn(ret->host, "/?");
    ret->query = ret->path + strcspn(ret->path, "?");
}

/* The next parameter of a query: false at its end. */
static bool next_parameter(const char **p, const char *end, const char **ret_eq, const char **ret_end) {
    if (*p >= end) return false;
    ++*p; /* ? or & */
    const char *stop = memchr(*p, '&', (size_t)(end - *p)), *eq;
    *ret_end = stop ? stop : end;
    eq = memchr(*p, '=', (size_t)(*ret_end - *p));
    *ret_eq = eq ? eq : *ret_end;
    return true;
}

/* ---- secrets in arguments ---- */

static const struct kind *kind_of(const char *text, bool *ret_tls, const char **ret_rest) {
    size_t n = strcspn(text, ":");
    *ret_tls = n > 4 && memcmp(text + n - 4, "+tls", 4) == 0;
    *ret_rest = text + n + (text[n] == ':');
    if (*ret_tls) n -= 4;
    for (size_t i = 0; i < KINDS; i++)
        if (strlen(kinds[i].name) == n && memcmp(kinds[i].name, text, n) == 0) return &kinds[i];
    return NULL;
}

static void blank(char *from, const char *to, bool *ret) {
    if (from >= to) return;
    memset(from, '*', (size_t)(to - from));
    *ret = true;
}

static bool blank_secrets(char *text) {
    bool done = false;
    const char *eq, *end, *colon = strstr(text, "://");
    struct parts parts;
    if (!colon) return false;
    split(colon + 3, &parts);
    if (parts.password) blank(text + (parts.password - text), parts.password_end, &done);
    for (const char *p = parts.query; next_parameter(&p, parts.end, &eq, &end); p = end) {
        if (eq < end && eq[1] != '@' && is_secret_name(p, (size_t)(eq - p))) blank(text + (eq + 1 - text), end, &done);
    }
    return done;
}

char *url_conceal(char *argument) {
    bool tls;
    const char *rest;
    char *copy = kind_of(argument, &tls, &rest) ? strdup(argument) : NULL;
    if (copy && blank_secrets(argument)) return copy;
    free(copy);
    return NULL;
}

/* ---- credentials ---- */

static void free_secret(char *s) {
    if (s) explicit_bzero(s, strlen(s));
    free(s);
}

static char **credential(struct url *u, const char *name, size_t n) {
    if (n == 4 && memcmp(name, "user", 4) == 0) return &u->user;
    if (n == 8 && memcmp(name, "password", 8) == 0) return &u->password;
    if (n == 5 && memcmp(name, "token", 5) == 0) return &u->token;
    return NULL;
}

/* A file, or a pipe, as `<(COMMAND)` is one. */
static int load_secret(const char *file, struct buf *b, struct err *e) {
    int fd = sys.openat(AT_FDCWD, file, O_RDONLY, 0), g = 0;
    ssize_t n = 1;
    if (fd < 0) return err_sys(e, errno, "cannot open '%s'", file);
    if (buf_reserve(b, CREDENTIALS_MAX_BYTES + 1) < 0) g = err_nomem(e);
    while (g == 0 && n > 0 && b->len <= CREDENTIALS_MAX_BYTES) {
        n = sys.read(fd, b->data + b->len, CREDENTIALS_MAX_BYTES + 1 - b->len);
        if (n < 0) g = err_sys(e, errno, "cannot read '%s'", file);
        if (n > 0) b->len += (size_t)n;
    }
    sys.close(fd);
    if (g == 0 && (b->len > CREDENTIALS_MAX_BYTES || memchr(b->data, '\0', b->len)))
        g = err_set(e, G_USAGE, "'%s' is not a text of at most %d bytes", file, CREDENTIALS_MAX_BYTES);
    return g == 0 && !buf_cstr(b) ? err_nomem(e) : g;
}

static void forget(struct buf *b) {
    if (b->data) explicit_bzero(b->data, b->cap);
    buf_release(b);
}

/* The content of a file, without what ends its line. */
static int put_from_file(char **field, const char *file, struct err *e) {
    struct buf b = {0};
    int g = load_secret(file, &b, e);
    if (g == 0) {
        b.data[strcspn(b.data, "\r\n")] = '\0';
        free_secret(*field);
        *field = strdup(b.data);
        if (!*field) g = err_nomem(e);
        if (g == 0 && !**field) g = err_set(e, G_USAGE, "'%s' is empty", file);
    }
    forget(&b);
    return g;
}

/* Lines of name=value; empty ones and those that begin with # are passed over. */
static int read_credentials(struct url *u, char *text, const char *file, struct err *e) {
    unsigned number = 0;
    for (char *line = text, *next; *line; line = next) {
        size_t n = strcspn(line, "\n");
        next = line + n + (line[n] == '\n');
        line[n] = '\0';
        number++;
        line[strcspn(line, "\r")] = '\0';
        if (!*line || *line == '#') continue;
        char *eq = strchr(line, '=');
        char **field = eq ? credential(u, line, (size_t)(eq - line)) : NULL;
        if (!field) return err_set(e, G_USAGE, "%s:%u: not user=, password= or token= and a value", file, number);
        if (*field) continue; /* the URL counts before */
        *field = strdup(eq + 1);
        if (!*field) return err_nomem(e);
    }
    return 0;
}

static int put_from_environment(char **field, const char *name, struct err *e) {
    const char *value = name ? getenv(name) : NULL;
    if (*field || !value || !*value) return 0;
    *field = strdup(value);
    return *field ? 0 : err_nomem(e);
}

int url_credentials(struct url *u, const char *file, struct err *e) {
    const struct kind *k = &kinds[0];
    while (k->kind != u->kind) k++;
    struct buf b = {0};
    int g = 0;
    if (file) {
        g = load_secret(file, &b, e);
        if (g == 0) g = read_credentials(u, b.data, file, e);
        forget(&b);
    }
    bool had_user = u->user != NULL, had_token = u->token != NULL;
    if (g == 0 && !had_token) g = put_from_environment(&u->user, k->env_user, e);
    if (g == 0 && u->user) g = put_from_environment(&u->password, k->env_password, e);
    if (g == 0 && !had_user) g = put_from_environment(&u->token, k->env_token, e);
    if (g == 0 && u->password && !u->user)
        return err_set(e, G_USAGE, "there is a password for %s, but no user", u->shown);
    return g;
}

/* ---- parsing ---- */

static int wrong(const struct kind *k, const char *shown, const char *why, struct err *e) {
    return err_set(e, G_USAGE, "'%s' is not %s: %s", shown, k->want, why);
}

static int parse_file(struct url *u, const struct kind *k, const char *rest, struct err *e) {
    if (strncmp(rest, "//", 2) == 0) {
        if (rest[2] != '/') return wrong(k, u->shown, "there is no host in it", e);
        rest += 2;
    }
    if (strchr(rest, '?')) return wrong(k, u->shown, "it takes no parameters", e);
    if (!*rest && k->kind != DEST_SQLITE) return wrong(k, u->shown, "the file is missing", e);
    if (!*rest) return 0;
    u->path[0] = strdup(rest);
    return u->path[0] ? 0 : err_nomem(e);
}

static int parse_host(struct url *u, const struct kind *k, const struct parts *x, struct err *e) {
    const char *p = x->host, *end = x->host_end, *colon;
    uint64_t port;
    if (p < end && *p == '[') {
        const char *close = memchr(p, ']', (size_t)(end - p));
        if (!close) return wrong(k, u->shown, "a ']' is missing", e);
        u->host = strndup(p + 1, (size_t)(close - p - 1));
        colon = close + 1;
        if (colon < end && *colon != ':') return wrong(k, u->shown, "something follows the ']'", e);
    } else {
        colon = memchr(p, ':', (size_t)(end - p));
        if (!colon) colon = end;
        u->host = strndup(p, (size_t)(colon - p));
    }
    if (!u->host) return err_nomem(e);
    if (!*u->host) return wrong(k, u->shown, "the host is missing", e);
    if (u->host[strcspn(u->host, "% \t\r\n\\#")]) return wrong(k, u->shown, "the host has a bad character in it", e);
    if (colon == end) return 0;
    if (number_parse_u64(colon + 1, (size_t)(end - colon - 1), 1, 65535, &port, NULL) < 0)
        return wrong(k, u->shown, "the port is not a number from 1 to 65535", e);
    u->port = (unsigned)port;
    return 0;
}

static int parse_path(struct url *u, const struct kind *k, const struct parts *x, struct err *e) {
    const char *p = x->path, *end = x->query;
    if (k->shape == SHAPE_WHOLE_PATH) { /* goes out as it is, escapes too */
        u->path[0] = end - p > 1 ? strndup(p, (size_t)(end - p)) : NULL;
        return end - p > 1 && !u->path[0] ? err_nomem(e) : 0;
    }
    if (p < end) p++;
    if (p < end && end[-1] == '/') end--;
    const char *cut = k->shape == SHAPE_TWO_PARTS ? memchr(p, k->separator, (size_t)(end - p)) : end;
    if (!cut || cut == p || memchr(p, '/', (size_t)(cut - p)))
        return wrong(k, u->shown, "that is not what its path looks like", e);
    int g = put(&u->path[0], p, (size_t)(cut - p), e);
    if (g < 0 || cut == end) return g;
    if (cut + 1 == end || memchr(cut + 1, '/', (size_t)(end - cut - 1)))
        return wrong(k, u->shown, "that is not what its path looks like", e);
    return put(&u->path[1], cut + 1, (size_t)(end - cut - 1), e);
}

/* A credential: itself, or @ and the file that has it. */
static int put_credential(char **field, const char *p, size_t n, struct err *e) {
    if (n == 0 || *p != '@') return put(field, p, n, e);
    char *file = decode(p + 1, n - 1, e);
    int g = file ? put_from_file(field, file, e) : e->grade;
    free(file);
    return g;
}

static bool is_known(const struct kind *k, const char *name) {
    size_t n = strlen(name);
    if (n == 0) return false; /* which would be found everywhere, behind the end, too */
    for (const char *p = k->parameters; p && (p = strstr(p, name)); p++)
        if (p > k->parameters && p[-1] == ',' && p[n] == ',') return true;
    return !k->parameters;
}

static int add_parameter(struct url *u, const struct kind *k, const char *p, const char *eq, const char *end,
                         struct err *e) {
    char *name = NULL, *value = NULL;
    int g = put(&name, p, (size_t)(eq - p), e);
    if (g == 0) g = put(&value, eq + (eq < end), (size_t)(end - eq - (eq < end)), e);
    if (g == 0 && !is_known(k, name)) g = err_set(e, G_USAGE, "%s:// takes no parameter '%s'", k->name, name);
    char **names = g == 0 ? realloc(u->names, (u->count + 1) * sizeof *names) : NULL;
    if (names) u->names = names;
    char **values = names ? realloc(u->values, (u->count + 1) * sizeof *values) : NULL;
    if (values) u->values = values;
    if (g == 0 && !values) g = err_nomem(e);
    if (g < 0) {
        free(name);
        free(value);
        return g;
    }
    u->names[u->count] = name;
    u->values[u->count++] = value;
    return 0;
}

static int parse_query(struct url *u, const struct kind *k, const struct parts *x, struct err *e) {
    const char *eq, *end;
    int g = 0;
    for (const char *p = x->query; g == 0 && next_parameter(&p, x->end, &eq, &end); p = end) {
        char **field = credential(u, p, (size_t)(eq - p));
        if (field)
            g = put_credential(field, eq + (eq < end), (size_t)(end - eq - (eq < end)), e);
        else if (p < end)
            g = add_parameter(u, k, p, eq, end, e);
    }
    return g;
}

static int parse_server(struct url *u, const struct kind *k, const char *rest, struct err *e) {
    struct parts x;
    if (strncmp(rest, "//", 2) != 0) return wrong(k, u->shown, "'//' is missing", e);
    split(rest + 2, &x);
    int g = parse_host(u, k, &x, e);
    if (g == 0) g = parse_path(u, k, &x, e);
    if (g == 0 && x.user) g = put(&u->user, x.user, (size_t)(x.user_end - x.user), e);
    if (g == 0 && x.password) g = put(&u->password, x.password, (size_t)(x.password_end - x.password), e);
    if (g == 0) g = parse_query(u, k, &x, e);
    return g;
}

int url_parse(struct url *u, const char *text, struct err *e) {
    bool tls;
    const char *rest;
    const struct kind *k = kind_of(text, &tls, &rest);
    *u = (struct url){0};
    u->shown = strdup(text);
    if (!u->shown) return err_nomem(e);
    (void)blank_secrets(u->shown);
    if (k && k->shape != SHAPE_FILE && strncmp(rest, "//", 2) != 0) /* where its secrets are, nobody can know */
        return err_set(e, G_USAGE, "what follows '%s%s:' does not begin with '//'", k->name, tls ? "+tls" : "");
    if (!k || rest[-1] != ':') return err_set(e, G_USAGE, "'%s' is not a URL of %s", u->shown, known_kinds);
    u->kind = k->kind;
    u->tls = tls;
    if (k->shape == SHAPE_FILE && tls) return wrong(k, u->shown, "there is no TLS for files", e);
    return k->shape == SHAPE_FILE ? parse_file(u, k, rest, e) : parse_server(u, k, rest, e);
}

const char *url_value(const struct url *u, const char *name) {
    for (size_t i = 0; i < u->count; i++)
        if (strcmp(u->names[i], name) == 0) return u->values[i];
    return NULL;
}

void url_release(struct url *u) {
    free(u->host);
    free(u->path[0]);
    free(u->path[1]);
    free(u->user);
    free(u->shown);
    free_secret(u->password);
    free_secret(u->token);
    for (size_t i = 0; i < u->count; i++) {
        free(u->names[i]);
        free(u->values[i]);
    }
    free(u->names);
    free(u->values);
    *u = (struct url){0};
}
