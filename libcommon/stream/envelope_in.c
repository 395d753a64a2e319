/* SPDX-License-Identifier: Apache-2.0 */
/* The JSON envelope: one validation, one pass over the members, no tree. See envelope_in.h. */
#include "stream/envelope_in.h"

#include <string.h>

#include "json/base64.h"
#include "json/scan.h"
#include "json/text.h"
#include "json/unescape.h"

/* The members that are looked at; type JSON_TYPE_NONE where one is missing. */
enum member { TS, TSTYPE, HEADERS, HEADERS_ENCODING, KEY, KEY_ENCODING, PAYLOAD, PAYLOAD_ENCODING, MEMBERS };
static const struct {
    const char *text;
    size_t size;
} member_names[MEMBERS] = {
#define NAME(text)                                                                                                     \
    { text, sizeof text - 1 }
    NAME("ts"),  NAME("tstype"),       NAME("headers"), NAME("headers_encoding"),
    NAME("key"), NAME("key_encoding"), NAME("payload"), NAME("payload_encoding"),
#undef NAME
};

#define DEFAULT_DEPTH 1024u /* the validator's */
#define FRACTION_DIGITS 6u  /* of a millisecond, down to nanoseconds */

int envelope_in_init(struct envelope_in *x, const struct json_limits *limits) {
    *x = (struct envelope_in){0};
    struct json_limits outer = *limits;
    outer.max_depth = (limits->max_depth ? limits->max_depth : DEFAULT_DEPTH) + 1;
    int g = json_validator_init(&x->line, &outer);
    if (g == 0) g = json_validator_init(&x->payload, limits);
    if (g < 0) envelope_in_release(x);
    return g;
}

void envelope_in_release(struct envelope_in *x) {
    if (!x) return;
    json_validator_release(&x->line);
    json_validator_release(&x->payload);
    buf_release(&x->key);
    buf_release(&x->headers);
    buf_release(&x->value);
    buf_release(&x->text);
    buf_release(&x->name);
    *x = (struct envelope_in){0};
}

/* Is it a string that says `word`? An escape takes more bytes than it stands for, so most strings are told by length.
 */
static bool is_text_n(const struct json_slice *s, const char *word, size_t n) {
    if (s->type != JSON_TYPE_STRING || s->n - 2 < n) return false;
    const char *raw = s->p + 1;
    if (s->n - 2 == n) return memcmp(raw, word, n) == 0;
    return memchr(raw, '\\', s->n - 2) && json_raw_is(raw, s->n - 2, word, n);
}

static bool is_text(const struct json_slice *s, const char *word) {
    return is_text_n(s, word, strlen(word));
}

static bool is_absent(const struct json_slice *s) {
    return s->type == JSON_TYPE_NONE || s->type == JSON_TYPE_NULL;
}

/* The value at *p, which moves to what stands behind it and its white space. False: not validated text. */
static bool value_read(const char **p, const char *end, struct json_slice *ret) {
    const char *begin = *p, *behind = json_scan_value(begin, end);
    if (!behind) return false;
    *ret = (struct json_slice){.p = begin, .n = (size_t)(behind - begin)};
    ret->type = json_type_of(begin, ret->n);
    *p = json_scan_space(behind, end);
    return true;
}

static void member_keep(const struct json_slice *name, const struct json_slice *value, struct json_slice *members) {
    for (size_t i = 0; i < MEMBERS; i++) {
        if (is_text_n(name, member_names[i].text, member_names[i].size)) members[i] = *value;
    }
}

static int members_read(const char *line, size_t n, struct json_slice members[MEMBERS], struct err *e) {
    const char *end = line + n;
    const char *p = json_scan_space(line, end);
    if (p == end || *p != '{') return err_set(e, G_DATA, "not an envelope: it is no JSON object");
    p = json_scan_space(p + 1, end);
    while (p < end && *p != '}') {
        struct json_slice name, value;
        if (!value_read(&p, end, &name) || p == end) break;
        p = json_scan_space(p + 1, end); /* over the colon */
        if (!value_read(&p, end, &value) || p == end) break;
        member_keep(&name, &value, members);
        if (*p == ',') p = json_scan_space(p + 1, end);
    }
    return p < end ? 0 : err_set(e, G_BUG, "a valid object has no end");
}

/* What a string says: a view into the line where nothing is escaped, else in `scratch`. */
static int string_read(const struct json_slice *s, struct buf *scratch, const char **ret, size_t *ret_n,
                       struct err *e) {
    *ret = s->p + 1;
    *ret_n = s->n - 2;
    if (!memchr(*ret, '\\', *ret_n)) return 0;
    buf_clear(scratch);
    int g = json_unescape(s->p, s->n, scratch);
    if (g == G_NOMEM) return err_nomem(e);
    if (g < 0) return err_set(e, G_BUG, "a valid string has a bad escape");
    *ret = scratch->len ? scratch->data : ""; /* never NULL: what has no bytes may have no memory */
    *ret_n = scratch->len;
    return 0;
}

/* The bytes of a string, in base64 or not; `what` is for the message. */
static int bytes_read(struct envelope_in *x, const struct json_slice *s, bool base64, const char *what,
                      struct buf *scratch, const char **ret, size_t *ret_n, struct err *e) {
    if (s->type != JSON_TYPE_STRING) return err_set(e, G_DATA, "%s of an envelope is not a string", what);
    if (!base64) return string_read(s, scratch, ret, ret_n, e);
    const char *text;
    size_t n;
    int g = string_read(s, &x->text, &text, &n, e);
    if (g < 0) return g;
    buf_clear(scratch);
    g = base64_decode(scratch, text, n);
    if (g == G_NOMEM) return err_nomem(e);
    if (g < 0) return err_set(e, G_DATA, "%s of an envelope is not base64", what);
    *ret = scratch->len ? scratch->data : "";
    *ret_n = scratch->len;
    return 0;
}

/* An encoding that is "base64" or not there. */
static int encoding_read(const struct json_slice *s, enum member which, bool *ret_base64, struct err *e) {
    *ret_base64 = is_text(s, "base64");
    if (*ret_base64 || is_absent(s)) return 0;
    return err_set(e, G_DATA, "%s of an envelope is unknown: %.*s", member_names[which].text,
                   s->n > 100 ? 100 : (int)s->n, s->p);
}

/* Milliseconds in decimal, as nanoseconds. False: not that, or out of range. */
static bool millis_parse(const char *p, size_t n, int64_t *ret_ns) {
    const char *end = p + n;
    bool negative = p < end && *p == '-', point = false;
    unsigned fraction = 0, digits = 0;
    int64_t v = 0;
    for (p += negative; p < end; p++) {
        if (*p == '.' && !point && digits > 0) {
            point = true;
            digits = 0;
            continue;
        }
        if (*p < '0' || *p > '9' || (point && ++fraction > FRACTION_DIGITS)) return false;
        if (__builtin_mul_overflow(v, 10, &v) || __builtin_add_overflow(v, *p - '0', &v)) return false;
        digits++;
    }
    if (digits == 0) return false;
    for (; fraction < FRACTION_DIGITS; fraction++) {
        if (__builtin_mul_overflow(v, 10, &v)) return false;
    }
    *ret_ns = negative ? -v : v;
    return true;
}

static int time_read(struct envelope_in *x, const struct json_slice *m, int64_t *ret, struct err *e) {
    const struct json_slice *ts = &m[TS];
    const char *text = ts->p;
    size_t n = ts->n;
    *ret = NO_TIME;
    if (is_absent(ts) || is_text(&m[TSTYPE], "unknown")) return 0;
    if (ts->type == JSON_TYPE_STRING) {
        int g = string_read(ts, &x->text, &text, &n, e);
        if (g < 0) return g;
    } else if (ts->type != JSON_TYPE_NUMBER) {
        n = 0;
    }
    bool ours = is_text(&m[TSTYPE], "create") && !is_absent(&m[PAYLOAD_ENCODING]);
    if (!ours && n == 2 && memcmp(text, "-1", 2) == 0) return 0;
    if (millis_parse(text, n, ret)) return 0;
    return err_set(e, G_DATA, "ts of an envelope is not milliseconds in decimal, or outside the years 1678 to 2262");
}

static int key_read(struct envelope_in *x, const struct json_slice *m, struct record *r, struct err *e) {
    bool base64;
    int g = encoding_read(&m[KEY_ENCODING], KEY_ENCODING, &base64, e);
    if (g < 0 || is_absent(&m[KEY])) return g;
    g = bytes_read(x, &m[KEY], base64, "key", &x->key, &r->key, &r->key_size, e);
    r->has_key = g == 0;
    return g;
}

/* One name and its value; *p is at the name, and moves to the bracket or the next name. */
static int header_read(struct envelope_in *x, const char **p, const char *end, bool base64, struct err *e) {
    struct json_slice name, value;
    const char *name_text, *value_text = "";
    size_t name_n, value_n = 0;
    if (!value_read(p, end, &name)) return err_set(e, G_BUG, "a valid array has no end");
    if (*p == end || **p != ',') return err_set(e, G_DATA, "headers of an envelope are not names and values in pairs");
    *p = json_scan_space(*p + 1, end);
    if (!value_read(p, end, &value) || *p == end) return err_set(e, G_BUG, "a valid array has no end");
    if (**p == ',') *p = json_scan_space(*p + 1, end);
    int g = bytes_read(x, &name, false, "a header name", &x->name, &name_text, &name_n, e);
    if (g == 0 && value.type != JSON_TYPE_NULL)
        g = bytes_read(x, &value, base64, "a header value", &x->value, &value_text, &value_n, e);
    return g < 0 ? g : record_header_append(&x->headers, name_text, name_n, value_text, value_n, e);
}

static int headers_read(struct envelope_in *x, const struct json_slice *m, struct record *r, struct err *e) {
    const struct json_slice *headers = &m[HEADERS];
    bool base64;
    int g = encoding_read(&m[HEADERS_ENCODING], HEADERS_ENCODING, &base64, e);
    if (g < 0 || is_absent(headers)) return g;
    if (headers->type != JSON_TYPE_ARRAY) return err_set(e, G_DATA, "headers of an envelope are not an array");
    buf_clear(&x->headers);
    const char *end = headers->p + headers->n;
    const char *p = json_scan_space(headers->p + 1, end);
    while (g == 0 && p < end && *p != ']') g = header_read(x, &p, end, base64, e);
    r->headers = x->headers.data;
    r->headers_size = x->headers.len;
    return g;
}

/* A JSON text inside a string; `must` be, or else it is bytes. */
static int text_value(struct envelope_in *x, bool must, struct record *r, struct err *e) {
    struct json_fault fault;
    int g = json_validate(&x->payload, r->value, r->value_size, &fault);
    if (g == G_NOMEM) return err_nomem(e);
    if (g < 0 && must)
        return err_set(e, G_DATA, "the payload is not JSON: %s at byte %zu of it", fault.reason, fault.at + 1);
    r->value_type = g == 0 ? VALUE_JSON : VALUE_BYTES;
    return 0;
}

static int payload_read(struct envelope_in *x, const struct json_slice *m, struct record *r, struct err *e) {
    const struct json_slice *payload = &m[PAYLOAD], *encoding = &m[PAYLOAD_ENCODING];
    bool kcat = is_absent(encoding), base64 = is_text(encoding, "base64"), text = is_text(encoding, "text");
    bool jsontext = is_text(encoding, "jsontext"), json = is_text(encoding, "json");
    if (is_text(encoding, "none") || (kcat && payload->type == JSON_TYPE_NULL)) {
        r->value_type = VALUE_NONE;
        return is_absent(payload) ? 0 : err_set(e, G_DATA, "an envelope with payload_encoding \"none\" has a payload");
    }
    if (!kcat && !base64 && !text && !jsontext && !json)
        return err_set(e, G_DATA, "payload_encoding of an envelope is unknown: %.*s",
                       encoding->n > 100 ? 100 : (int)encoding->n, encoding->p);
    if (payload->type == JSON_TYPE_NONE) return err_set(e, G_DATA, "an envelope without payload");
    if (json || (kcat && payload->type != JSON_TYPE_STRING)) {
        r->value = payload->p;
        r->value_size = payload->n;
        r->value_type = VALUE_JSON;
        return 0;
    }
    r->value_type = VALUE_BYTES;
    int g = bytes_read(x, payload, base64, "payload", &x->value, &r->value, &r->value_size, e);
    return g == 0 && (jsontext || kcat) ? text_value(x, jsontext, r, e) : g;
}

int envelope_in_parse(struct envelope_in *x, const char *line, size_t n, struct record *r, struct err *e) {
    struct json_slice members[MEMBERS] = {0};
    struct record found = {.time = NO_TIME};
    struct json_fault fault;
    int g = json_validate(&x->line, line, n, &fault);
    if (g == G_DATA) return err_set(e, g, "not JSON: %s at byte %zu", fault.reason, fault.at + 1);
    if (g < 0) return err_nomem(e);
    g = members_read(line, n, members, e);
    if (g == 0) g = time_read(x, members, &found.time, e);
    if (g == 0) g = key_read(x, members, &found, e);
    if (g == 0) g = headers_read(x, members, &found, e);
    if (g == 0) g = payload_read(x, members, &found, e);
    if (g == 0) *r = found;
    return g;
}
