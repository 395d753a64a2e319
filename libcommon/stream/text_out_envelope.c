/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The JSON envelope, kcat's -J with what it lacks to be read back without loss:
 *
 *   {"topic":"t"|null,"partition":0,"offset":7,"tstype":"create"|"unknown","ts":1431857103000.25,
 *    "headers":["name","value",…],"headers_encoding":"base64","key":"k"|null,"key_encoding":"base64",
 *    "payload":…,"payload_encoding":"json"|"jsontext"|"text"|"base64"|"none"}
 *
 * on one line. `ts` is milliseconds, exact to the nanosecond; -1 where tstype is unknown. `headers` is there when the
 * record has some, `…_encoding` of key and headers when a key or any header value is not UTF-8 (then all of the values
 * are base64). The payload is: json, the value's text as it is; jsontext, a string that holds the text, where that
 * would not survive on one line; text and base64, bytes; none, null for a tombstone.
 */
#include "base/number.h"
#include "base/utf8.h"
#include "stream/text_out_impl.h"
#include "stream/text_out_value.h"
#include "json/base64.h"
#include "json/text.h"

#define PUT(out, literal) buf_append(out, literal, sizeof(literal) - 1)

static int append_base64(struct buf *out, const char *p, size_t n) {
    if (buf_putc(out, '"') < 0 || base64_encode(out, p, n) < 0) return G_NOMEM;
    return buf_putc(out, '"');
}

/* {"topic":…,"partition":N,"offset":N,"tstype":…,"ts":… */
static int append_place(const struct record *r, const struct record_origin *from, struct buf *out, struct err *e) {
    if (PUT(out, "{\"topic\":") < 0) return G_NOMEM;
    int rc = from->topic ? json_escape_append(out, from->topic, strlen(from->topic)) : PUT(out, "null");
    if (rc == G_DATA) return err_set(e, G_DATA, "the topic's name is not UTF-8");
    if (rc < 0 || PUT(out, ",\"partition\":") < 0 || number_append_u64(out, from->partition) < 0 ||
        PUT(out, ",\"offset\":") < 0 || number_append_u64(out, r->offset) < 0)
        return G_NOMEM;
    if (r->time == NO_TIME) return PUT(out, ",\"tstype\":\"unknown\",\"ts\":-1");
    char ms[MS_TEXT_MAX];
    if (PUT(out, ",\"tstype\":\"create\",\"ts\":") < 0) return G_NOMEM;
    return buf_append(out, ms, ms_format(ms, r->time));
}

static bool headers_are_text(const struct record *r) {
    struct header_view h;
    for (size_t at = 0; record_header_next(r->headers, r->headers_size, &at, &h);) {
        if (utf8_validate(h.value, h.value_size) != h.value_size) return false;
    }
    return true;
}

static int append_headers(const struct record *r, struct buf *out, struct err *e) {
    if (r->headers_size == 0) return 0;
    bool text = headers_are_text(r);
    if (PUT(out, ",\"headers\":[") < 0) return G_NOMEM;
    struct header_view h;
    bool first = true;
    for (size_t at = 0; record_header_next(r->headers, r->headers_size, &at, &h); first = false) {
        if (!first && buf_putc(out, ',') < 0) return G_NOMEM;
        int rc = json_escape_append(out, h.name, h.name_size);
        if (rc == G_DATA) return err_set(e, G_DATA, "a header's name is not UTF-8");
        if (rc < 0 || buf_putc(out, ',') < 0) return G_NOMEM;
        rc = text ? json_escape_append(out, h.value, h.value_size) : append_base64(out, h.value, h.value_size);
        if (rc < 0) return rc;
    }
    return text ? buf_putc(out, ']') : PUT(out, "],\"headers_encoding\":\"base64\"");
}

static int append_key(const struct record *r, struct buf *out) {
    if (!r->has_key) return PUT(out, ",\"key\":null");
    if (PUT(out, ",\"key\":") < 0) return G_NOMEM;
    int rc = json_escape_append(out, r->key, r->key_size);
    if (rc != G_DATA) return rc;
    if (append_base64(out, r->key, r->key_size) < 0) return G_NOMEM;
    return PUT(out, ",\"key_encoding\":\"base64\"");
}

static int append_payload(const struct record *r, struct buf *out, struct err *e) {
    if (PUT(out, ",\"payload\":") < 0) return G_NOMEM;
    if (r->value_type == VALUE_NONE) return PUT(out, "null,\"payload_encoding\":\"none\"}\n");
    if (r->value_type == VALUE_JSON && json_is_line(r->value, r->value_size)) {
        if (buf_append(out, r->value, r->value_size) < 0) return G_NOMEM;
        return PUT(out, ",\"payload_encoding\":\"json\"}\n");
    }
    int rc = json_escape_append(out, r->value, r->value_size);
    if (r->value_type == VALUE_JSON) {
        if (rc == G_DATA) return err_set(e, G_DATA, "the value is not UTF-8, so it is not JSON");
        return rc < 0 ? rc : PUT(out, ",\"payload_encoding\":\"jsontext\"}\n");
    }
    if (rc == 0) return PUT(out, ",\"payload_encoding\":\"text\"}\n");
    if (rc != G_DATA) return rc;
    if (append_base64(out, r->value, r->value_size) < 0) return G_NOMEM;
    return PUT(out, ",\"payload_encoding\":\"base64\"}\n");
}

int text_out_put_envelope(struct text_out *t, const struct record *r, const struct record_origin *from, struct buf *out,
                          struct err *e) {
    (void)t;
    int rc = append_place(r, from, out, e);
    if (rc == 0) rc = append_headers(r, out, e);
    if (rc == 0) rc = append_key(r, out);
    return rc < 0 ? rc : append_payload(r, out, e);
}
