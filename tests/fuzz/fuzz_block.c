/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One block: a header and a body of the fuzzer's, made lawful in the parts that byte 0 chooses, so that each check
 * behind the first is reached too, with zstd bodies that hold more or less than they claim.
 *
 * A block that is taken has a body that can be encoded again to the same bytes; memory for a body is never more than
 * the header was allowed to claim.
 */
#include <zstd.h>

#include "input.h"

#define LIMIT (1u << 20)

enum { FIX_HEADER = 1, FIX_SIZES = 2, FIX_CRC = 4, ZSTD = 8, FIX_CHAIN = 16 };
enum zstd_twist {
    TWIST_NONE,
    TWIST_NO_SIZE,
    TWIST_TWO_FRAMES,
    TWIST_CUT,
    TWIST_LONGER,
    TWIST_SHORTER,
    TWIST_BOMB,
    TWIST_SKIPPABLE
};

/* Give records sizes and rising deltas that lead through the body, so that only what lies inside is the fuzzer's. */
static uint32_t chain_records(uint8_t *body, size_t n) {
    uint32_t seen = 0;
    for (size_t at = 0; at < n; seen++) {
        size_t size = RECORD_HEADER_SIZE + body[at] % 64u;
        if (n - at < size + RECORD_HEADER_SIZE) size = n - at;
        if (size < RECORD_HEADER_SIZE) return seen;
        put_u32_le(body + at, (uint32_t)size);
        put_u32_le(body + at + 4, seen);
        at += size;
    }
    return seen;
}

static size_t compress(struct buf *out, const void *p, size_t n, enum zstd_twist twist) {
    ZSTD_CCtx *c = ZSTD_createCCtx();
    REQUIRE(c && buf_reserve(out, ZSTD_compressBound(n)) == 0);
    ZSTD_CCtx_setParameter(c, ZSTD_c_contentSizeFlag, twist != TWIST_NO_SIZE);
    ZSTD_CCtx_setParameter(c, ZSTD_c_checksumFlag, (int)(n & 1));
    if (twist == TWIST_NO_SIZE && n % 3 == 0) ZSTD_CCtx_setParameter(c, ZSTD_c_windowLog, 27);
    size_t k = ZSTD_compress2(c, out->data + out->len, out->cap - out->len, p, n);
    REQUIRE(!ZSTD_isError(k));
    out->len += k;
    ZSTD_freeCCtx(c);
    return k;
}

/* The stored body, and in *raw_size what it holds in truth. */
static struct buf make_body(struct input in, enum zstd_twist twist, size_t *raw_size) {
    struct buf b = {0};
    *raw_size = in.n;
    if (twist == TWIST_BOMB) {
        *raw_size = 4 * LIMIT;
        char *zeros = calloc(1, *raw_size);
        compress(&b, zeros, *raw_size, in.n & 1 ? TWIST_NO_SIZE : TWIST_NONE);
        free(zeros);
        return b;
    }
    static const char skippable[8] = {0x50, 0x2a, 0x4d, 0x18};
    if (twist == TWIST_SKIPPABLE) REQUIRE(buf_append(&b, skippable, sizeof skippable) == 0);
    compress(&b, in.p, in.n, twist);
    if (twist == TWIST_TWO_FRAMES) compress(&b, in.p, in.n, TWIST_NONE);
    if (twist == TWIST_CUT) b.len--;
    return b;
}

static void check_body(const struct block_header *h, const char *body) {
    struct record_walk w;
    struct record r;
    int g;
    char *again = malloc(h->raw_size);
    REQUIRE(again);
    size_t at = 0;
    record_walk_init(&w, h, body, LIMIT);
    while ((g = record_next(&w, &r, NULL)) > 0) {
        REQUIRE(record_size(&r) <= h->raw_size - at);
        record_encode(&r, (uint32_t)(r.offset - h->base_offset), again + at);
        at += record_size(&r);
    }
    REQUIRE(g == 0 && at == h->raw_size && memcmp(again, body, at) == 0);
    free(again);
}

static void check(const uint8_t *header, const char *stored, size_t n, bool honest) {
    struct block_header h;
    struct err e = {0};
    int g = block_header_decode(header, LIMIT, &h, &e);
    if (g < 0) {
        REQUIRE((g == G_CORRUPT || g == G_DATA) && e.grade == g && e.text[0]);
        return;
    }
    uint8_t same[BLOCK_HEADER_SIZE];
    block_header_encode(&h, same);
    REQUIRE(memcmp(same, header, sizeof same) == 0);
    if (h.stored_size > n) return; /* more would be read first */
    char *exact = exact_copy(stored, h.stored_size);
    struct buf scratch = {0};
    const char *body = NULL;
    g = block_check_crc(header, exact, h.stored_size, &e);
    if (g == 0) g = block_open_body(&h, exact, &scratch, &body, &e);
    REQUIRE(scratch.cap <= (h.raw_size > 4u << 20 ? h.raw_size : 8u << 20));
    if (g == 0 && h.codec == CODEC_ZSTD) REQUIRE(honest && get_u32_le(exact) == 0xFD2FB528u);
    if (g == 0 && h.kind == BLOCK_DATA) {
        g = block_check_records(&h, body, LIMIT, &e);
        if (g == 0) check_body(&h, body);
    }
    REQUIRE(g == 0 || ((g == G_CORRUPT || g == G_DATA) && e.grade == g));
    buf_release(&scratch);
    free(exact);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size < 2 + BLOCK_HEADER_SIZE) return 0;
    unsigned mode = data[0];
    enum zstd_twist twist = (enum zstd_twist)(data[1] & 7);
    uint8_t header[BLOCK_HEADER_SIZE];
    memcpy(header, data + 2, sizeof header);
    size_t n = size - 2 - BLOCK_HEADER_SIZE, raw_size = n;
    uint8_t *raw = exact_copy(data + 2 + BLOCK_HEADER_SIZE, n);
    uint32_t records = mode & FIX_CHAIN ? chain_records(raw, n) : get_u32_le(header + 20);
    struct buf packed = {0};
    if (mode & ZSTD) packed = make_body((struct input){raw, n}, twist, &raw_size);
    const char *stored = mode & ZSTD ? packed.data : (const char *)raw;
    size_t stored_size = mode & ZSTD ? packed.len : n;
    if (mode & FIX_HEADER) {
        memcpy(header, "LEAT\1", 5);
        header[5] = header[5] & 7 ? BLOCK_DATA : BLOCK_CONTROL;
        header[6] = mode & ZSTD ? CODEC_ZSTD : CODEC_NONE;
        header[7] &= BLOCK_HAS_CRC | BLOCK_JSON_VALID;
        if (!(header[7] & BLOCK_HAS_CRC)) put_u32_le(header + 12, 0);
        put_u32_le(header + 20, records);
    }
    if (mode & FIX_SIZES) {
        if (twist == TWIST_LONGER) raw_size++;
        if (twist == TWIST_SHORTER && raw_size) raw_size--;
        if (twist == TWIST_BOMB) raw_size = LIMIT / 2;
        put_u32_le(header + 8, (uint32_t)stored_size);
        put_u32_le(header + 16, (uint32_t)raw_size);
    }
    if (mode & FIX_CRC) block_seal(header, stored, stored_size);
    bool lies = (mode & ZSTD) && (mode & FIX_SIZES) && twist != TWIST_NONE && twist != TWIST_NO_SIZE;
    check(header, stored, stored_size, !lies);
    buf_release(&packed);
    free(raw);
    return 0;
}
