/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Text output of arbitrary records, valid JSON or not. The first four bytes choose the format, colour, safety, width
 * and the lengths of key and headers; the rest, cut at 0xFF bytes, are the values of up to 300 records.
 *
 * Properties: nothing outside a value is read; a line format writes one line a record; valid JSON stays valid JSON in
 * json, envelope and pretty; an envelope is read back as the same record; safe text is plain for a terminal; colour
 * changes nothing but by escape sequences.
 */
#include <stdint.h>
#include <stdlib.h>

#include "base/safe.h"
#include "stream/envelope_in.h"
#include "stream/text_out.h"
#include "json/validate.h"

#define CHECK(condition)                                                                                               \
    do {                                                                                                               \
        if (!(condition)) abort();                                                                                     \
    } while (0)

struct shape {
    struct text_out_config config;
    uint8_t type, key_size, headers_size;
    int64_t time;
};

static const char *const patterns[] = {"%t [%p] at %o: %k=%s\\n", "%R%S%K%T%D%h%%\\x1b", "%s", ""};

static struct shape shape_read(const uint8_t in[4]) {
    struct shape s = {0};
    s.config.format = (enum out_format)(OUT_JSON + in[0] % (OUT_FORMAT - OUT_JSON + 1));
    s.config.color = in[0] & 0x80;
    s.config.safe = in[0] & 0x40;
    s.config.pattern = patterns[in[1] & 3];
    s.config.key_delimiter = in[1] & 4 ? ":" : NULL;
    s.config.width = in[1] >> 3;
    s.type = in[2] % 3 ? VALUE_JSON : in[2] % 2 ? VALUE_BYTES : VALUE_NONE;
    s.time = in[2] & 0x80 ? NO_TIME : (int64_t)in[2] * -1234567;
    s.key_size = in[3] & 15;
    s.headers_size = in[3] >> 4;
    return s;
}

static bool is_valid(const char *p, size_t n) {
    static struct json_validator v;
    if (!v.fast) CHECK(json_validator_init(&v, &(struct json_limits){.max_depth = 1025}) == 0);
    return json_validate(&v, p, n, NULL) == 0;
}

/* The text without escape sequences equals `plain`, which has none. */
static bool same_but_colors(const struct buf *colored, const char *plain, size_t n) {
    size_t k = 0;
    for (size_t i = 0; i < colored->len; i++) {
        if (colored->data[i] == '\x1b') {
            while (i < colored->len && colored->data[i] != 'm') i++;
            continue;
        }
        if (k == n || colored->data[i] != plain[k++]) return false;
    }
    return k == n;
}

static bool same_bytes(const char *a, size_t an, const char *b, size_t bn) {
    return an == bn && (an == 0 || memcmp(a, b, an) == 0);
}

/* Of a record whose JSON is valid. Headers of the fuzzer may stop making sense: what is whole of them counts. */
static void check_envelope(const struct record *r, const char *line, size_t n) {
    static struct envelope_in x;
    if (!x.line.fast) CHECK(envelope_in_init(&x, &(struct json_limits){0}) == 0);
    struct record back = {0};
    struct err e = {0};
    CHECK(envelope_in_parse(&x, line, n, &back, &e) == 0);
    CHECK(back.time == r->time && back.value_type == r->value_type && back.has_key == r->has_key);
    CHECK(same_bytes(back.value, back.value_size, r->value, r->value_size));
    if (r->has_key) CHECK(same_bytes(back.key, back.key_size, r->key, r->key_size));
    size_t at = 0, back_at = 0;
    struct header_view h, b;
    while (record_header_next(r->headers, r->headers_size, &at, &h)) {
        CHECK(record_header_next(back.headers, back.headers_size, &back_at, &b));
        CHECK(same_bytes(b.name, b.name_size, h.name, h.name_size));
        CHECK(same_bytes(b.value, b.value_size, h.value, h.value_size));
    }
    CHECK(back_at == back.headers_size);
}

static void check_line(const struct shape *s, const struct record *r, const char *p, size_t n) {
    enum out_format f = s->config.format;
    unsigned json = f == OUT_JSON || f == OUT_ENVELOPE || f == OUT_PRETTY ? SAFE_JSON : 0;
    bool text = f != OUT_LP && f != OUT_FORMAT;
    if (s->config.safe && text) CHECK(safe_is_plain(p, n, SAFE_NEWLINE | SAFE_TAB | json));
    if (f == OUT_JSON || f == OUT_ENVELOPE) CHECK(n > 0 && memchr(p, '\n', n) == p + n - 1 && !memchr(p, '\r', n));
    if (f == OUT_TSV) CHECK(p[n - 1] == '\n' && !memchr(p, '\r', n));
    bool valid = r->value_type != VALUE_JSON || (r->value_size > 0 && is_valid(r->value, r->value_size));
    if (f == OUT_ENVELOPE && valid && !s->config.safe) check_envelope(r, p, n - 1);
    if (json && valid && !(f == OUT_PRETTY && r->value_type == VALUE_BYTES)) CHECK(is_valid(p, n));
}

/* The same record through the same format in colour. */
static void check_color(const struct shape *s, const struct record *r, const struct record_origin *from, const char *p,
                        size_t n) {
    struct text_out_config config = s->config;
    config.color = true;
    struct text_out *t;
    struct err e = {0};
    struct buf out = {0};
    CHECK(text_out_open(&t, &config, &e) == 0);
    CHECK(text_out_record(t, r, from, &out, &e) == 0);
    CHECK(same_but_colors(&out, p, n));
    buf_release(&out);
    text_out_free(t);
}

static void one(struct text_out *t, const struct shape *s, struct record *r, struct buf *out) {
    struct record_origin from = {.topic = r->offset % 2 ? "t\"\x1b" : NULL, .partition = 3};
    struct err e = {0};
    buf_clear(out);
    CHECK(buf_puts(out, "before") == 0);
    int rc = text_out_record(t, r, &from, out, &e);
    CHECK(rc == 0 || rc == G_DATA);
    CHECK(rc == 0 || (out->len == 6 && e.grade == G_DATA && e.text[0]));
    CHECK(memcmp(out->data, "before", 6) == 0);
    enum out_format f = s->config.format;
    if (rc != 0 || f == OUT_TABLE) return;
    if (!s->config.color) check_line(s, r, out->data + 6, out->len - 6);
    bool colors = f == OUT_JSON || f == OUT_ENVELOPE || f == OUT_PRETTY;
    if (colors && !s->config.color && !memchr(out->data, '\x1b', out->len))
        check_color(s, r, &from, out->data + 6, out->len - 6);
}

/* A copy of exactly that size, so that a read beyond it is seen. */
static char *copy_of(const uint8_t *p, size_t n) {
    char *copy = malloc(n > 0 ? n : 1);
    CHECK(copy);
    memcpy(copy, p, n);
    return copy;
}

int LLVMFuzzerTestOneInput(const uint8_t *in, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *in, size_t size) {
    if (size < 4) return 0;
    struct shape s = shape_read(in);
    in += 4, size -= 4;
    struct text_out *t;
    struct err e = {0};
    CHECK(text_out_open(&t, &s.config, &e) == 0);
    struct buf out = {0};
    for (uint64_t i = 0; i < 300; i++) {
        const uint8_t *cut = size > 0 ? memchr(in, 0xFF, size) : NULL;
        size_t n = cut ? (size_t)(cut - in) : size;
        char *value = copy_of(in, n);
        struct record r = {.offset = i, .time = s.time, .value_type = s.type, .value = value};
        if (s.type != VALUE_NONE) r.value_size = n;
        r.has_key = s.key_size > 0;
        r.key = value;
        r.key_size = s.key_size < n ? s.key_size : n;
        r.headers = value;
        r.headers_size = s.headers_size < n ? s.headers_size : n;
        one(t, &s, &r, &out);
        free(value);
        if (!cut) break;
        in += n + 1, size -= n + 1;
    }
    buf_clear(&out);
    CHECK(text_out_flush(t, &out, &e) == 0);
    /* A table of the fuzzer's width is safe in any case. */
    if (s.config.format == OUT_TABLE && !s.config.color && out.len > 0)
        CHECK(safe_is_plain(out.data, out.len, SAFE_NEWLINE));
    buf_release(&out);
    text_out_free(t);
    return 0;
}
