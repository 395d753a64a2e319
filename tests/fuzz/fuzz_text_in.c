/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Text input in every format. Whatever the bytes, how the input is cut into reads, and whether it is followed, makes no
 * difference to records, grades, lines, raw bytes and messages; and what is handed out is lawful: within the limits,
 * JSON values valid, headers whole.
 *
 * Byte 0 of the input chooses format, kind and infer; byte 1 the size of reads; byte 2 the limit.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "stream/text_in.h"
#include "sys/sys.h"
#include "json/validate.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The input that sys.read serves instead of a file. */
static struct {
    const char *p;
    size_t n, at, chunk;
    bool pauses; /* an end of file in front of each read */
    bool paused;
} fake;

static ssize_t fake_read(int fd, void *p, size_t n) {
    (void)fd;
    fake.paused = fake.pauses && !fake.paused;
    if (fake.paused) return 0;
    size_t k = fake.n - fake.at;
    if (k > n) k = n;
    if (k > fake.chunk) k = fake.chunk;
    memcpy(p, fake.p + fake.at, k);
    fake.at += k;
    return (ssize_t)k;
}

static void require(bool good) {
    if (!good) abort();
}

/* FNV-1a; the size goes in too, so that bytes cannot move from one field to the next. */
static void add(uint64_t *hash, const void *p, size_t n) {
    const unsigned char *b = p;
    *hash = (*hash ^ n) * 0x100000001B3u;
    for (size_t i = 0; i < n; i++) *hash = (*hash ^ b[i]) * 0x100000001B3u;
}

static void check_record(const struct record *r, struct json_validator *v, size_t limit) {
    struct header_view h;
    size_t at = 0;
    require(record_check(r, limit, NULL) == 0);
    require(r->value_type != VALUE_JSON || json_validate(v, r->value, r->value_size, NULL) == 0);
    require(r->value_type != VALUE_NONE || r->value_size == 0);
    require(r->has_key || r->key_size == 0);
    while (record_header_next(r->headers, r->headers_size, &at, &h)) continue;
    require(at == r->headers_size);
}

static void add_record(uint64_t *hash, const struct record *r) {
    add(hash, &r->time, sizeof r->time);
    add(hash, &r->value_type, 1);
    add(hash, &r->has_key, 1);
    add(hash, r->key, r->key_size);
    add(hash, r->headers, r->headers_size);
    add(hash, r->value, r->value_size);
}

static uint64_t transcript(const struct text_in_config *c, struct json_validator *v, struct inbuf *in) {
    struct text_in *t;
    struct record r;
    struct err e = {0};
    uint64_t hash = 0xCBF29CE484222325u;
    require(text_in_open(&t, in, c, &e) == 0);
    for (int g = 0; g == 0 || g == G_DATA || g == G_WAIT;) {
        err_clear(&e);
        g = text_in_next(t, &r, &e);
        if (g == G_WAIT) {
            in->follow = fake.at < fake.n;
            continue;
        }
        size_t raw_size;
        const char *raw = text_in_raw(t, &raw_size);
        uint64_t line = text_in_line(t);
        require(g == 0 || g == G_EOF || g == e.grade);
        require(g == 0 || g == G_EOF || g == G_DATA || g == G_TRUNCATED || g == G_CORRUPT);
        if (g == 0) check_record(&r, v, c->record_limit);
        if (g == 0) add_record(&hash, &r);
        add(&hash, &g, sizeof g);
        add(&hash, g == G_EOF ? "" : raw, g == G_EOF ? 0 : raw_size);
        add(&hash, &line, g == G_EOF ? 0 : sizeof line);
        add(&hash, e.text, strlen(e.text));
    }
    text_in_free(t);
    return hash;
}

/* All at once, in a buffer without a byte to spare, so that the sanitizer sees a read behind it. */
static uint64_t transcript_whole(const struct text_in_config *c, struct json_validator *v) {
    struct inbuf in = {.fd = -1, .name = "input", .data = malloc(fake.n + !fake.n), .len = fake.n, .cap = fake.n};
    require(in.data);
    memcpy(in.data, fake.p, fake.n);
    in.eof = true;
    uint64_t hash = transcript(c, v, &in);
    inbuf_release(&in);
    return hash;
}

/* In small reads; the buffer, which is large, serves all calls. */
static uint64_t transcript_cut(const struct text_in_config *c, struct json_validator *v, bool follow) {
    static struct inbuf in;
    if (!in.data) require(inbuf_init(&in, open("/dev/null", O_RDONLY), "input", NULL) == 0);
    in.at = in.len = in.position = 0;
    in.eof = false;
    in.follow = follow;
    fake.at = 0;
    fake.pauses = follow;
    fake.paused = false;
    return transcript(c, v, &in);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const enum in_format formats[8] = {IN_JSON,  IN_ENVELOPE, IN_CSV,      IN_TSV,
                                              IN_LINES, IN_LP,       IN_COMBINED, IN_ENVELOPE};
    static struct json_validator v;
    if (size < 3) return 0;
    if (!v.stack) {
        sys.read = fake_read;
        require(json_validator_init(&v, NULL) == 0);
    }
    struct text_in_config c = {.format = formats[data[0] & 7],
                               .kind = (enum payload_kind)(data[0] >> 3 & 3),
                               .infer = data[0] >> 5 & 1,
                               .record_limit = data[2] & 1 ? 24u + data[2] : 1u << 16,
                               .json_depth = data[0] >> 6 & 1 ? 3 : 0};
    fake.p = (const char *)data + 3;
    fake.n = size - 3;
    (void)input_detect(fake.p, fake.n, data[1] & 1);
    uint64_t whole = transcript_whole(&c, &v);
    fake.chunk = data[1] & 15 ? data[1] & 15 : 64;
    require(transcript_cut(&c, &v, false) == whole);
    require(transcript_cut(&c, &v, true) == whole);
    return 0;
}
