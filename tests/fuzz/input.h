/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the fuzz targets of the binary formats share: a fuzzer's bytes handed out piece by piece, copies without a byte
 * to spare so that the sanitizer sees a read behind them, and CRCs put right, without which mutations would never get
 * past the first check.
 */
#ifndef LEAT_TESTS_FUZZ_INPUT_H
#define LEAT_TESTS_FUZZ_INPUT_H

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/endian.h"
#include "stream/block.h"

#define REQUIRE(condition)                                                                                             \
    do {                                                                                                               \
        if (!(condition)) abort();                                                                                     \
    } while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct input {
    const uint8_t *p;
    size_t n;
};

static inline unsigned input_byte(struct input *in) {
    if (in->n == 0) return 0;
    in->n--;
    return *in->p++;
}

static inline uint64_t input_number(struct input *in, unsigned bytes) {
    uint64_t v = 0;
    while (bytes-- > 0) v = v << 8 | input_byte(in);
    return v;
}

/* The next n bytes, or what is left. */
static inline struct input input_take(struct input *in, size_t n) {
    struct input taken = {in->p, n < in->n ? n : in->n};
    in->p += taken.n;
    in->n -= taken.n;
    return taken;
}

static inline void *exact_copy(const void *p, size_t n) {
    char *copy = malloc(n ? n : 1);
    REQUIRE(copy);
    if (n) memcpy(copy, p, n);
    return copy;
}

/* FNV-1a; the size goes in too, so that bytes cannot move from one field to the next. */
static inline void hash_add(uint64_t *hash, const void *p, size_t n) {
    const unsigned char *b = p;
    *hash = (*hash ^ n) * 0x100000001B3u;
    for (size_t i = 0; i < n; i++) *hash = (*hash ^ b[i]) * 0x100000001B3u;
}

/* Put right the CRC of each block of a chain, as far as the chain goes. With `like`, its topic, partition and epoch go
 * into each header, too. */
static inline void seal_blocks(uint8_t *p, size_t n, const struct block_header *like) {
    while (n >= BLOCK_HEADER_SIZE && memcmp(p, "LEAT", 4) == 0) {
        size_t body = get_u32_le(p + 8);
        if (like) {
            put_u64_le(p + 48, like->topic_id);
            put_u32_le(p + 56, like->partition);
            put_u32_le(p + 60, like->log_epoch);
        }
        if (body > n - BLOCK_HEADER_SIZE) return;
        if (like || (p[7] & BLOCK_HAS_CRC)) block_seal(p, p + BLOCK_HEADER_SIZE, body);
        p += BLOCK_HEADER_SIZE + body;
        n -= BLOCK_HEADER_SIZE + body;
    }
}

#endif
