/* SPDX-License-Identifier: Apache-2.0 */
/* Lines of access logs. See combined.h. */
#include "stream/combined.h"

#include <string.h>

#include "base/number.h"
#include "base/timefmt.h"
#include "base/utf8.h"
#include "json/text.h"

#define TIME_BYTES 26u   /* 21/Nov/2026:10:00:02 +0100 */
#define DIGITS_MAX 18    /* of a number: what every reader of JSON can hold */
#define MEMBERS_ROOM 256 /* more than the names of all members, all numbers and the time take */

void combined_release(struct combined *c) {
    if (c) buf_release(&c->text);
}

/* --- Cutting ----------------------------------------------------------------------------------------------------- */

/* A piece of the line, as it is written; p is NULL for one that the line does not have. */
struct piece {
    const char *p;
    size_t n;
};

struct pieces {
    struct piece host, client, user, time, request, status, bytes, referer, agent, rest;
};

static struct piece piece(const char *p, const char *end) {
    return (struct piece){p, (size_t)(end - p)};
}

static bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

static bool is_dash(struct piece x) {
    return x.n == 1 && *x.p == '-';
}

/* Up to the next space, or to the end. */
static struct piece word(const char *p, const char *end) {
    const char *space = memchr(p, ' ', (size_t)(end - p));
    return piece(p, space ? space : end);
}

/* The `[` of the time, or NULL. */
static const char *find_time(const char *p, const char *end) {
    while ((p = memchr(p, '[', (size_t)(end - p))) && (size_t)(end - p) >= TIME_BYTES + 4) {
        const char *behind = p + 1 + TIME_BYTES;
        if (p[3] == '/' && p[7] == '/' && p[12] == ':' && memcmp(behind, "] \"", 3) == 0) return p;
        p++;
    }
    return NULL;
}

/* [HOST] CLIENT IDENT USER, each behind one space and USER with spaces of its own, if it has to be. With a host in
 * front IDENT, which nobody has but as a dash, is the third word. */
static bool cut_names(struct pieces *x, const char *p, const char *end) {
    x->client = word(p, end);
    p += x->client.n;
    if (x->client.n == 0 || end - p < 2) return false;
    struct piece ident = word(p + 1, end);
    p += 1 + ident.n;
    if (ident.n == 0 || end - p < 2) return false;
    x->user = piece(p + 1, end);
    if (is_dash(ident) || x->user.n < 3 || memcmp(x->user.p, "- ", 2) != 0) return true;
    x->host = x->client;
    x->client = ident;
    x->user = piece(x->user.p + 2, end);
    return true;
}

/* Behind an opening quote: up to the closing one. False when there is none. */
static bool cut_quoted(struct piece *ret, const char *from, const char *end) {
    for (const char *p = from; (p = memchr(p, '"', (size_t)(end - p))); p++) {
        const char *slash = p;
        while (slash > from && slash[-1] == '\\') slash--;
        if ((p - slash) % 2 == 0) {
            *ret = piece(from, p);
            return true;
        }
    }
    return false;
}

/* A space and a whole number, or a dash. */
static bool cut_number(struct piece *ret, const char *p, const char *end) {
    if (p == end || *p != ' ') return false;
    *ret = word(p + 1, end);
    if (is_dash(*ret)) return true;
    for (size_t i = 0; i < ret->n; i++)
        if (!is_digit(ret->p[i])) return false;
    return ret->n > 0 && ret->n <= DIGITS_MAX;
}

/* NULL, or the words for what is not there; *ret_at is where it should be. */
static const char *cut(struct pieces *x, const char *line, const char *end, const char **ret_at) {
    while (end > line && (end[-1] == ' ' || end[-1] == '\t')) end--;
    const char *p = *ret_at = line, *bracket = find_time(line, end);
    if (!bracket) return "no '[DAY/MONTH/YEAR:HH:MM:SS ZONE] \"' in it";
    if (bracket == line || bracket[-1] != ' ' || !cut_names(x, line, bracket - 1)) return "no CLIENT IDENT USER";
    x->time = piece(bracket + 1, bracket + 1 + TIME_BYTES);
    p = *ret_at = x->time.p + TIME_BYTES + 3;
    if (!cut_quoted(&x->request, p, end)) return "no end of the quoted request";
    p = *ret_at = x->request.p + x->request.n + 1;
    if (!cut_number(&x->status, p, end)) return "no status";
    p = *ret_at = x->status.p + x->status.n;
    if (!cut_number(&x->bytes, p, end)) return "no size";
    p = *ret_at = x->bytes.p + x->bytes.n;
    if (end - p >= 2 && p[1] == '"') {
        if (!cut_quoted(&x->referer, p + 2, end)) return "no end of the quoted referer";
        p = *ret_at = x->referer.p + x->referer.n + 1;
        if (end - p < 2 || p[0] != ' ' || p[1] != '"') return "no quoted agent";
        if (!cut_quoted(&x->agent, p + 2, end)) return "no end of the quoted agent";
        p = *ret_at = x->agent.p + x->agent.n + 1;
    }
    if (p < end && *p != ' ') return "no space";
    if (p < end) x->rest = piece(p + 1, end);
    return NULL;
}

/* METHOD URL NAME/VERSION, as it is written. The URL may have spaces, as that of a client that does not know better. */
static bool cut_request(struct piece request, struct piece ret[3]) {
    const char *end = request.p + request.n, *space = memrchr(request.p, ' ', request.n);
    struct piece method = word(request.p, end);
    if (!space || method.n == 0 || space <= method.p + method.n + 1) return false;
    for (size_t i = 0; i < method.n; i++)
        if (!((method.p[i] | 0x20) >= 'a' && (method.p[i] | 0x20) <= 'z') && method.p[i] != '-') return false;
    struct piece protocol = piece(space + 1, end);
    const char *slash = memchr(protocol.p, '/', protocol.n);
    if (!slash || slash == protocol.p || slash + 1 == end || !is_digit(slash[1])) return false;
    ret[0] = method;
    ret[1] = piece(method.p + method.n + 1, space);
    ret[2] = protocol;
    return true;
}

/* Digits, with a fraction or without, that are a number in JSON, too. */
static bool is_number(struct piece x) {
    size_t whole = 0, n;
    while (whole < x.n && is_digit(x.p[whole])) whole++;
    if (whole == 0 || (*x.p == '0' && whole > 1) || x.n > 2 * DIGITS_MAX) return false;
    if (whole == x.n) return whole <= DIGITS_MAX;
    for (n = whole + 1; n < x.n && is_digit(x.p[n]); n++) continue;
    return whole <= DIGITS_MAX && x.p[whole] == '.' && n == x.n && n > whole + 1;
}

/* --- Writing ----------------------------------------------------------------------------------------------------- */

/* The byte that a backslash and what follows stand for, and how many bytes that is; 0 when it stands for itself. */
static size_t unescape(const char *p, const char *end, char *ret) {
    static const char letters[] = "\"\"\\\\b\bn\nr\rt\tv\v";
    if (end - p < 2) return 0;
    for (const char *l = letters; *l; l += 2) {
        if (*l != p[1]) continue;
        *ret = l[1];
        return 2;
    }
    if (end - p < 4 || p[1] != 'x') return 0;
    int high = number_hex_digit(p[2]), low = number_hex_digit(p[3]);
    if (high < 0 || low < 0) return 0;
    *ret = (char)(high << 4 | low);
    return 4;
}

static int decode(struct buf *to, struct piece x) {
    buf_clear(to);
    if (buf_reserve(to, x.n) < 0) return G_NOMEM;
    for (const char *p = x.p, *end = x.p + x.n; p < end;) {
        char c = *p;
        size_t n = c == '\\' ? unescape(p, end, &c) : 1;
        buf_putc_fast(to, c);
        p += n ? n : 1;
    }
    return 0;
}

/* As it is written, with \xHH for each byte that is no UTF-8. */
static int escape(struct buf *to, struct piece x) {
    buf_clear(to);
    while (x.n > 0) {
        size_t good = utf8_validate(x.p, x.n), n = good + (good < x.n);
        if (buf_append(to, x.p, good) < 0) return G_NOMEM;
        if (n > good && buf_printf(to, "\\x%02x", (unsigned char)x.p[good]) < 0) return G_NOMEM;
        x.p += n;
        x.n -= n;
    }
    return 0;
}

/* 0 or G_NOMEM. */
static int put_string(struct combined *c, struct piece x, struct buf *out) {
    int g = G_DATA;
    if (!memchr(x.p, '\\', x.n)) {
        g = json_escape_append(out, x.p, x.n);
    } else if ((g = decode(&c->text, x)) == 0) {
        g = json_escape_append(out, c->text.data, c->text.len);
    }
    if (g != G_DATA) return g;
    g = escape(&c->text, x);
    return g < 0 ? g : json_escape_append(out, c->text.data, c->text.len);
}

/* A member, whose name comes with what stands around it. */
static int put_text(struct combined *c, const char *name, struct piece x, struct buf *out) {
    if (buf_puts(out, name) < 0) return G_NOMEM;
    return !x.p || is_dash(x) ? buf_append(out, "null", 4) : put_string(c, x, out);
}

static int put_number(const char *name, struct piece x, struct buf *out) {
    if (buf_puts(out, name) < 0) return G_NOMEM;
    if (is_dash(x)) return buf_append(out, "null", 4);
    while (x.n > 1 && *x.p == '0' && is_digit(x.p[1])) x = (struct piece){x.p + 1, x.n - 1};
    return buf_append(out, x.p, x.n);
}

static int put_time(int64_t time, struct buf *out) {
    char text[TIME_TEXT_MAX];
    size_t n = time_format_rfc3339(time, text);
    int g = buf_puts(out, ",\"time\":\"");
    if (g == 0) g = buf_append(out, text, n);
    return g == 0 ? buf_putc(out, '"') : g;
}

static int put_rest(struct combined *c, struct piece x, struct buf *out) {
    struct piece quoted;
    if (!x.p) return 0;
    if (is_number(x)) return put_number(",\"seconds\":", x, out);
    if (*x.p == '"' && cut_quoted(&quoted, x.p + 1, x.p + x.n) && quoted.n + 2 == x.n) x = quoted;
    return put_text(c, ",\"more\":", x, out);
}

static int put_all(struct combined *c, const struct pieces *x, int64_t time, struct buf *out) {
    struct piece words[3] = {{NULL, 0}};
    bool whole = !cut_request(x->request, words) && x->request.n > 0 && !is_dash(x->request);
    int g = buf_reserve(out, MEMBERS_ROOM);
    if (g == 0) g = put_text(c, "{\"client\":", x->client, out);
    if (g == 0) g = put_text(c, ",\"user\":", x->user, out);
    if (g == 0) g = put_time(time, out);
    if (g == 0) g = put_text(c, ",\"method\":", words[0], out);
    if (g == 0) g = put_text(c, ",\"url\":", words[1], out);
    if (g == 0) g = put_text(c, ",\"protocol\":", words[2], out);
    if (g == 0) g = put_number(",\"status\":", x->status, out);
    if (g == 0) g = put_number(",\"bytes\":", x->bytes, out);
    if (g == 0) g = put_text(c, ",\"referer\":", x->referer, out);
    if (g == 0) g = put_text(c, ",\"agent\":", x->agent, out);
    if (g == 0 && x->host.p) g = put_text(c, ",\"host\":", x->host, out);
    if (g == 0 && whole) g = put_text(c, ",\"request\":", x->request, out);
    if (g == 0) g = put_rest(c, x->rest, out);
    return g == 0 ? buf_putc(out, '}') : g;
}

/* --- A line ------------------------------------------------------------------------------------------------------ */

int combined_line(struct combined *c, const char *line, size_t n, struct buf *out, int64_t *ret_time, struct err *e) {
    struct pieces x = {0};
    int64_t time;
    const char *at, *fault = cut(&x, line, line + n, &at);
    if (fault) return err_set(e, G_DATA, "not a line of an access log: %s at byte %zu", fault, (size_t)(at - line) + 1);
    int g = time_parse(x.time.p, x.time.n, NULL, &time, e);
    if (g < 0) return g;
    if (put_all(c, &x, time, out) < 0) return err_nomem(e);
    *ret_time = time;
    return 0;
}

bool combined_is_line(const char *line, size_t n) {
    struct pieces x = {0};
    const char *at;
    int64_t time;
    return !cut(&x, line, line + n, &at) && time_parse(x.time.p, x.time.n, NULL, &time, NULL) == 0;
}
