/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Blocks and records as bytes: leat-stream(5), version 1. Encoding, decoding and every check that the page asks of a
 * reader; no input or output. Whoever reads untrusted bytes calls block_header_decode, then block_check_body or
 * record_next, and never looks at a length itself.
 */
#ifndef LEAT_STREAM_BLOCK_H
#define LEAT_STREAM_BLOCK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/endian.h"
#include "base/err.h"

#define BLOCK_HEADER_SIZE 80u
#define RECORD_HEADER_SIZE 24u
#define BLOCK_TARGET_BYTES (256u << 10)   /* what a writer fills while there is plenty */
#define BLOCK_SHARED_MAX_BYTES (4u << 20) /* a larger body holds exactly one record */
#define BLOCK_CONTROL_MAX_BYTES (1u << 20)
#define RECORD_LIMIT_DEFAULT (16u << 20)
#define RECORD_LIMIT_MAX (1u << 30)
#define RECORD_KEY_MAX 65535u
#define RECORD_HEADERS_MAX 65535u
#define NO_TIME INT64_MIN
#define END_OF_TIME INT64_MAX /* a watermark behind which nothing follows */
#define OFFSET_MAX ((uint64_t)INT64_MAX)

enum block_kind { BLOCK_DATA = 1, BLOCK_CONTROL = 2 };
enum block_codec { CODEC_NONE = 0, CODEC_ZSTD = 1 };
enum block_flag { BLOCK_HAS_CRC = 1, BLOCK_JSON_VALID = 2 };
enum value_type { VALUE_NONE = 0, VALUE_JSON = 1, VALUE_BYTES = 2 };
enum record_flag { RECORD_HAS_KEY = 1 };

/* The 80 bytes, in the machine's order. */
struct block_header {
    uint8_t kind, codec, flags;
    uint32_t stored_size, crc32c, raw_size, records;
    uint64_t base_offset;
    int64_t min_time, max_time;
    uint64_t topic_id;
    uint32_t partition, log_epoch;
    uint64_t producer_id;
    uint32_t producer_epoch, producer_seq;
};

/* One record as a view: the pointers belong to the block body it was read from, or to whoever builds one. */
struct record {
    uint64_t offset; /* absolute */
    int64_t time;    /* ns, or NO_TIME */
    const char *key; /* meaningful when has_key */
    size_t key_size;
    const char *headers; /* encoded: u16 name_size, u16 value_size, name, value, … */
    size_t headers_size;
    const char *value;
    size_t value_size;
    bool has_key;
    uint8_t value_type;
};

void block_header_encode(const struct block_header *h, uint8_t out[BLOCK_HEADER_SIZE]);

/* Checks everything that can be known from the header alone, record_limit included. Returns 0; G_CORRUPT; or G_DATA
 * when the only fault is a record over the limit (the text then says which option raises it). *h is set in every case
 * in which the magic and the version are right. */
int block_header_decode(const uint8_t in[BLOCK_HEADER_SIZE], size_t record_limit, struct block_header *h,
                        struct err *e) NODISCARD;

/* Set the CRC of an encoded header and its stored body, and the flag that says so. */
void block_seal(uint8_t header[BLOCK_HEADER_SIZE], const void *body, size_t n);

/* The same when the CRC of the body alone is known already: for an appender that learns its offsets under a lock.
 * `op` is crc32c_shift_op(body size). */
void block_seal_with(uint8_t header[BLOCK_HEADER_SIZE], uint32_t body_crc, uint32_t op);

/* Compare the CRC where the header has one: 0, or G_CORRUPT. */
int block_check_crc(const uint8_t header[BLOCK_HEADER_SIZE], const void *stored, size_t n, struct err *e) NODISCARD;

/* The raw body of a block: `stored` itself, or decompressed into scratch. *ret_raw lives as long as both. */
int block_open_body(const struct block_header *h, const char *stored, struct buf *scratch, const char **ret_raw,
                    struct err *e) NODISCARD;

/* zstd of a raw body into `out` (cleared first). Returns true when it got smaller, false to store it as it is. */
bool block_compress(const char *raw, size_t n, int level, struct buf *out);

/* The whole body, before any of its records is handed on: 0, G_CORRUPT, or G_DATA for a record over the limit. */
int block_check_records(const struct block_header *h, const char *body, size_t record_limit, struct err *e) NODISCARD;

/* A data block and the name of its topic, NULL if that is not known. */
struct block_origin {
    const struct block_header *h;
    const char *topic;
};

/* Walk the records of a raw body. Begin with *at = 0 and *last_delta = -1. 1: *r is set; 0: the body is at its end,
 * with exactly h->records seen; G_CORRUPT; G_DATA for a record over the limit. */
struct record_walk {
    const struct block_header *h;
    const char *body;
    size_t at;          /* position of the record behind the last one */
    size_t record_at;   /* position of the last one */
    int64_t last_delta; /* its offset_delta, -1 before the first */
    uint32_t seen;
    size_t record_limit;
};
void record_walk_init(struct record_walk *w, const struct block_header *h, const char *body, size_t record_limit);
int record_next(struct record_walk *w, struct record *r, struct err *e) NODISCARD;

/* The encoded record at p, which is known to be one. */
static inline void record_view(const char *p, uint64_t base_offset, struct record *r) {
    size_t key_size = get_u16_le(p + 16), headers_size = get_u16_le(p + 18);
    const char *headers = p + RECORD_HEADER_SIZE + key_size;
    *r = (struct record){
        .offset = base_offset + get_u32_le(p + 4),
        .time = get_i64_le(p + 8),
        .key = p + RECORD_HEADER_SIZE,
        .key_size = key_size,
        .headers = headers,
        .headers_size = headers_size,
        .value = headers + headers_size,
        .value_size = get_u32_le(p) - RECORD_HEADER_SIZE - key_size - headers_size,
        .has_key = ((uint8_t)p[21] & RECORD_HAS_KEY) != 0,
        .value_type = (uint8_t)p[20],
    };
}

/* The same for a body that passed block_check_records: nothing is looked at a second time. */
static inline bool record_next_checked(struct record_walk *w, struct record *r) {
    if (w->at == w->h->raw_size) return false;
    const char *p = w->body + w->at;
    record_view(p, w->h->base_offset, r);
    w->record_at = w->at;
    w->at += get_u32_le(p);
    w->last_delta = get_u32_le(p + 4);
    w->seen++;
    return true;
}

/* Bytes that this record takes in a block. */
static inline size_t record_size(const struct record *r) {
    return RECORD_HEADER_SIZE + r->key_size + r->headers_size + r->value_size;
}

/* Write the record at `out`, which has record_size(r) bytes. The caller has checked the limits (record_check). */
void record_encode(const struct record *r, uint32_t offset_delta, char *out);
/* All of it but the value's bytes; where these go. */
char *record_encode_head(const struct record *r, uint32_t offset_delta, char *out);

/* Is this a record that the format can hold? G_DATA with the reason if not. */
int record_check(const struct record *r, size_t record_limit, struct err *e) NODISCARD;

/* Walk encoded headers, begin with *at = 0. True when one was set; false at the end. Bounds are checked on every step,
 * so that a caller may use it on a view that it did not validate. */
struct header_view {
    const char *name, *value;
    size_t name_size, value_size;
};
bool record_header_next(const char *headers, size_t size, size_t *at, struct header_view *ret);

/* Append one header in its encoding; G_DATA when the sum exceeds RECORD_HEADERS_MAX. */
int record_header_append(struct buf *headers, const char *name, size_t name_size, const char *value, size_t value_size,
                         struct err *e) NODISCARD;

#endif
