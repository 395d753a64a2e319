/* SPDX-License-Identifier: Apache-2.0 */
/* Encoding and decoding of blocks and records. See block.h and leat-stream(5). */
#include "stream/block.h"

#include <inttypes.h>
#include <zstd.h>

#include "base/crc32c.h"
#include "base/endian.h"

#define OFF_CRC 12
#define OFF_FLAGS 7

void block_header_encode(const struct block_header *h, uint8_t out[BLOCK_HEADER_SIZE]) {
    memcpy(out, "LEAT", 4);
    out[4] = 1;
    out[5] = h->kind;
    out[6] = h->codec;
    out[OFF_FLAGS] = h->flags;
    put_u32_le(out + 8, h->stored_size);
    put_u32_le(out + OFF_CRC, h->crc32c);
    put_u32_le(out + 16, h->raw_size);
    put_u32_le(out + 20, h->records);
    put_u64_le(out + 24, h->base_offset);
    put_i64_le(out + 32, h->min_time);
    put_i64_le(out + 40, h->max_time);
    put_u64_le(out + 48, h->topic_id);
    put_u32_le(out + 56, h->partition);
    put_u32_le(out + 60, h->log_epoch);
    put_u64_le(out + 64, h->producer_id);
    put_u32_le(out + 72, h->producer_epoch);
    put_u32_le(out + 76, h->producer_seq);
}

static void header_get(const uint8_t in[BLOCK_HEADER_SIZE], struct block_header *h) {
    *h = (struct block_header){
        .kind = in[5],
        .codec = in[6],
        .flags = in[OFF_FLAGS],
        .stored_size = get_u32_le(in + 8),
        .crc32c = get_u32_le(in + OFF_CRC),
        .raw_size = get_u32_le(in + 16),
        .records = get_u32_le(in + 20),
        .base_offset = get_u64_le(in + 24),
        .min_time = get_i64_le(in + 32),
        .max_time = get_i64_le(in + 40),
        .topic_id = get_u64_le(in + 48),
        .partition = get_u32_le(in + 56),
        .log_epoch = get_u32_le(in + 60),
        .producer_id = get_u64_le(in + 64),
        .producer_epoch = get_u32_le(in + 72),
        .producer_seq = get_u32_le(in + 76),
    };
}

static int check_data_header(const struct block_header *h, size_t record_limit, struct err *e) {
    if (h->codec == CODEC_NONE && h->stored_size != h->raw_size)
        return err_set(e, G_CORRUPT, "block has a stored size of %u and a raw size of %u", h->stored_size, h->raw_size);
    if (h->codec == CODEC_ZSTD && h->stored_size >= h->raw_size)
        return err_set(e, G_CORRUPT, "block of %u bytes is %u bytes when compressed", h->raw_size, h->stored_size);
    if (h->records == 0) return err_set(e, G_CORRUPT, "data block has no records");
    if ((uint64_t)h->records * RECORD_HEADER_SIZE > h->raw_size)
        return err_set(e, G_CORRUPT, "block of %u bytes cannot hold %u records", h->raw_size, h->records);
    if (h->base_offset > OFFSET_MAX) return err_set(e, G_CORRUPT, "block has an offset beyond 2^63");
    if (h->raw_size > RECORD_LIMIT_MAX)
        return err_set(e, G_CORRUPT, "block claims %u bytes, more than the format allows", h->raw_size);
    if (h->raw_size > BLOCK_SHARED_MAX_BYTES && h->records > 1)
        return err_set(e, G_CORRUPT, "block of %u bytes has more than one record", h->raw_size);
    if (h->records == 1 && h->raw_size > record_limit)
        return err_set(e, G_DATA, "record %" PRIu64 " of %u bytes is over the limit of %zu; --max-record raises it",
                       h->base_offset, h->raw_size, record_limit);
    return 0;
}

static int check_control_header(const struct block_header *h, struct err *e) {
    if (h->records != 0) return err_set(e, G_CORRUPT, "control block claims %u records", h->records);
    if (h->codec != CODEC_NONE) return err_set(e, G_CORRUPT, "control block is compressed");
    if (h->stored_size != h->raw_size)
        return err_set(e, G_CORRUPT, "block has a stored size of %u and a raw size of %u", h->stored_size, h->raw_size);
    if (h->raw_size > BLOCK_CONTROL_MAX_BYTES)
        return err_set(e, G_CORRUPT, "control block of %u bytes is over the limit of %u", h->raw_size,
                       BLOCK_CONTROL_MAX_BYTES);
    return 0;
}

int block_header_decode(const uint8_t in[BLOCK_HEADER_SIZE], size_t record_limit, struct block_header *h,
                        struct err *e) {
    if (memcmp(in, "LEAT", 4) != 0)
        return err_set(e, G_CORRUPT, "no block begins here (found %02x %02x %02x %02x)", in[0], in[1], in[2], in[3]);
    if (in[4] != 1) return err_set(e, G_CORRUPT, "block has version %u; this program reads version 1", in[4]);
    header_get(in, h);
    if (h->kind != BLOCK_DATA && h->kind != BLOCK_CONTROL)
        return err_set(e, G_CORRUPT, "block has the unknown kind %u", h->kind);
    if (h->codec > CODEC_ZSTD) return err_set(e, G_CORRUPT, "block has the unknown codec %u", h->codec);
    if (h->flags & ~(BLOCK_HAS_CRC | BLOCK_JSON_VALID))
        return err_set(e, G_CORRUPT, "block has unknown flags (%02x)", h->flags);
    if (!(h->flags & BLOCK_HAS_CRC) && h->crc32c != 0)
        return err_set(e, G_CORRUPT, "block has a CRC but its flags say that it has none");
    return h->kind == BLOCK_DATA ? check_data_header(h, record_limit, e) : check_control_header(h, e);
}

static uint32_t header_crc(const uint8_t header[BLOCK_HEADER_SIZE]) {
    uint8_t copy[BLOCK_HEADER_SIZE];
    memcpy(copy, header, sizeof copy);
    put_u32_le(copy + OFF_CRC, 0);
    return crc32c(0, copy, sizeof copy);
}

void block_seal(uint8_t header[BLOCK_HEADER_SIZE], const void *body, size_t n) {
    header[OFF_FLAGS] |= BLOCK_HAS_CRC;
    put_u32_le(header + OFF_CRC, crc32c(header_crc(header), body, n));
}

void block_seal_with(uint8_t header[BLOCK_HEADER_SIZE], uint32_t body_crc, uint32_t op) {
    header[OFF_FLAGS] |= BLOCK_HAS_CRC;
    put_u32_le(header + OFF_CRC, crc32c_combine_op(header_crc(header), body_crc, op));
}

int block_check_crc(const uint8_t header[BLOCK_HEADER_SIZE], const void *stored, size_t n, struct err *e) {
    if (!(header[OFF_FLAGS] & BLOCK_HAS_CRC)) return 0;
    uint32_t want = get_u32_le(header + OFF_CRC), have = crc32c(header_crc(header), stored, n);
    if (want == have) return 0;
    return err_set(e, G_CORRUPT, "block fails its check: CRC %08x, expected %08x", have, want);
}

/* One frame, exactly raw_size bytes, with nothing behind it; the output never grows beyond raw_size. */
int block_open_body(const struct block_header *h, const char *stored, struct buf *scratch, const char **ret_raw,
                    struct err *e) {
    if (h->codec == CODEC_NONE) {
        *ret_raw = stored;
        return 0;
    }
    /* the magic, too: the library also reads skippable frames and formats older than RFC 8878 */
    bool zstd = h->stored_size >= 4 && get_u32_le(stored) == ZSTD_MAGICNUMBER;
    size_t frame = zstd ? ZSTD_findFrameCompressedSize(stored, h->stored_size) : 0;
    if (ZSTD_isError(frame) || frame != h->stored_size || !zstd)
        return err_set(e, G_CORRUPT, "compressed block is not one zstd frame");
    unsigned long long content = ZSTD_getFrameContentSize(stored, h->stored_size);
    if (content == ZSTD_CONTENTSIZE_ERROR || (content != ZSTD_CONTENTSIZE_UNKNOWN && content != h->raw_size))
        return err_set(e, G_CORRUPT, "compressed block does not hold the %u bytes that it claims", h->raw_size);
    buf_clear(scratch);
    if (buf_reserve(scratch, h->raw_size) < 0) return err_nomem(e);
    size_t n = ZSTD_decompress(scratch->data, h->raw_size, stored, h->stored_size);
    if (ZSTD_isError(n)) return err_set(e, G_CORRUPT, "compressed block cannot be read: %s", ZSTD_getErrorName(n));
    if (n != h->raw_size)
        return err_set(e, G_CORRUPT, "compressed block holds %zu bytes, not the %u that it claims", n, h->raw_size);
    scratch->len = n;
    *ret_raw = scratch->data;
    return 0;
}

bool block_compress(const char *raw, size_t n, int level, struct buf *out) {
    buf_clear(out);
    if (n == 0 || buf_reserve(out, ZSTD_compressBound(n)) < 0) return false;
    size_t k = ZSTD_compress(out->data, out->cap, raw, n, level);
    if (ZSTD_isError(k) || k >= n) return false;
    out->len = k;
    return true;
}

void record_walk_init(struct record_walk *w, const struct block_header *h, const char *body, size_t record_limit) {
    *w = (struct record_walk){.h = h, .body = body, .last_delta = -1, .record_limit = record_limit};
}

static int check_headers(const char *headers, size_t size) {
    size_t at = 0;
    while (at < size) {
        if (size - at < 4) return -1;
        size_t n = (size_t)get_u16_le(headers + at) + get_u16_le(headers + at + 2);
        if (size - at - 4 < n) return -1;
        at += 4 + n;
    }
    return 0;
}

static int walk_fault(const struct record_walk *w, struct err *e, const char *reason) {
    return err_set(e, G_CORRUPT, "record %u of the block at offset %" PRIu64 ": %s", w->seen, w->h->base_offset,
                   reason);
}

static int walk_end(const struct record_walk *w, struct err *e) {
    if (w->seen == w->h->records) return 0;
    return err_set(e, G_CORRUPT, "block at offset %" PRIu64 " holds %u records and claims %u", w->h->base_offset,
                   w->seen, w->h->records);
}

int record_next(struct record_walk *w, struct record *r, struct err *e) {
    size_t left = w->h->raw_size - w->at;
    if (left == 0) return walk_end(w, e);
    if (w->seen == w->h->records) return walk_fault(w, e, "the block has bytes behind its last record");
    if (left < RECORD_HEADER_SIZE) return walk_fault(w, e, "the record header does not fit");
    const char *p = w->body + w->at;
    uint32_t size = get_u32_le(p), delta = get_u32_le(p + 4);
    size_t key_size = get_u16_le(p + 16), headers_size = get_u16_le(p + 18);
    uint8_t type = (uint8_t)p[20], flags = (uint8_t)p[21];
    if (size > left) return walk_fault(w, e, "the record extends beyond its block");
    if (size < RECORD_HEADER_SIZE + key_size + headers_size) return walk_fault(w, e, "the record is too short");
    if (type > VALUE_BYTES) return walk_fault(w, e, "unknown value type");
    if (flags & ~RECORD_HAS_KEY) return walk_fault(w, e, "unknown record flags");
    if (get_u16_le(p + 22) != 0) return walk_fault(w, e, "reserved bytes are not 0");
    if (key_size && !(flags & RECORD_HAS_KEY)) return walk_fault(w, e, "a key that the flags deny");
    if ((int64_t)delta <= w->last_delta) return walk_fault(w, e, "offsets do not rise");
    if (w->h->base_offset + delta > OFFSET_MAX) return walk_fault(w, e, "offset beyond 2^63");
    const char *headers = p + RECORD_HEADER_SIZE + key_size;
    if (headers_size && check_headers(headers, headers_size) < 0)
        return walk_fault(w, e, "record headers do not fill their size");
    size_t value_size = size - RECORD_HEADER_SIZE - key_size - headers_size;
    if (type == VALUE_NONE && value_size) return walk_fault(w, e, "a tombstone with a value");
    if (size > w->record_limit)
        return err_set(e, G_DATA, "record %" PRIu64 " of %u bytes is over the limit of %zu; --max-record raises it",
                       w->h->base_offset + delta, size, w->record_limit);
    *r = (struct record){
        .offset = w->h->base_offset + delta,
        .time = get_i64_le(p + 8),
        .key = p + RECORD_HEADER_SIZE,
        .key_size = key_size,
        .headers = headers,
        .headers_size = headers_size,
        .value = headers + headers_size,
        .value_size = value_size,
        .has_key = (flags & RECORD_HAS_KEY) != 0,
        .value_type = type,
    };
    w->record_at = w->at;
    w->at += size;
    w->last_delta = delta;
    w->seen++;
    return 1;
}

int block_check_records(const struct block_header *h, const char *body, size_t record_limit, struct err *e) {
    struct record_walk w;
    struct record r;
    int g;
    record_walk_init(&w, h, body, record_limit);
    while ((g = record_next(&w, &r, e)) > 0) {
    }
    return g;
}

char *record_encode_head(const struct record *r, uint32_t offset_delta, char *out) {
    put_u32_le(out, (uint32_t)record_size(r));
    put_u32_le(out + 4, offset_delta);
    put_i64_le(out + 8, r->time);
    put_u16_le(out + 16, (uint16_t)r->key_size);
    put_u16_le(out + 18, (uint16_t)r->headers_size);
    out[20] = (char)r->value_type;
    out[21] = r->has_key ? RECORD_HAS_KEY : 0;
    out[22] = out[23] = 0;
    out += RECORD_HEADER_SIZE;
    if (r->key_size) memcpy(out, r->key, r->key_size);
    out += r->key_size;
    if (r->headers_size) memcpy(out, r->headers, r->headers_size);
    return out + r->headers_size;
}

void record_encode(const struct record *r, uint32_t offset_delta, char *out) {
    char *value = record_encode_head(r, offset_delta, out);
    if (r->value_size) memcpy(value, r->value, r->value_size);
}

int record_check(const struct record *r, size_t record_limit, struct err *e) {
    if (r->key_size > RECORD_KEY_MAX)
        return err_set(e, G_DATA, "key of %zu bytes is over the limit of %u", r->key_size, RECORD_KEY_MAX);
    if (r->headers_size > RECORD_HEADERS_MAX)
        return err_set(e, G_DATA, "headers of %zu bytes are over the limit of %u", r->headers_size, RECORD_HEADERS_MAX);
    if (r->value_size > RECORD_LIMIT_MAX || record_size(r) > record_limit)
        return err_set(e, G_DATA, "record of %zu bytes is over the limit of %zu; --max-record raises it",
                       record_size(r), record_limit);
    return 0;
}

bool record_header_next(const char *headers, size_t size, size_t *at, struct header_view *ret) {
    if (size - *at < 4 || *at > size) return false;
    const char *p = headers + *at;
    size_t name_size = get_u16_le(p), value_size = get_u16_le(p + 2);
    if (size - *at - 4 < name_size + value_size) return false;
    *ret = (struct header_view){
        .name = p + 4, .name_size = name_size, .value = p + 4 + name_size, .value_size = value_size};
    *at += 4 + name_size + value_size;
    return true;
}

int record_header_append(struct buf *headers, const char *name, size_t name_size, const char *value, size_t value_size,
                         struct err *e) {
    if (name_size > UINT16_MAX || value_size > UINT16_MAX ||
        headers->len + 4 + name_size + value_size > RECORD_HEADERS_MAX)
        return err_set(e, G_DATA, "headers of a record are over the limit of %u bytes", RECORD_HEADERS_MAX);
    if (buf_reserve(headers, 4 + name_size + value_size) < 0) return err_nomem(e);
    uint8_t sizes[4];
    put_u16_le(sizes, (uint16_t)name_size);
    put_u16_le(sizes + 2, (uint16_t)value_size);
    buf_append_fast(headers, sizes, 4);
    buf_append_fast(headers, name, name_size);
    buf_append_fast(headers, value, value_size);
    return 0;
}
