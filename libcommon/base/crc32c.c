/* SPDX-License-Identifier: Apache-2.0 */
/*
 * CRC-32C in three paths: tables (slicing by 8), the SSE4.2 instruction over three interleaved lanes joined with a
 * carry-less product, and AVX-512 folding.
 *
 * Sources: Kounavis and Berry, "A Systematic Approach to Building High Performance Software-based CRC Generators"
 * (2005) for slicing; Gopal et al., "Fast CRC Computation for Generic Polynomials Using PCLMULQDQ Instruction" (2009)
 * for folding. Inside this file `crc` is the raw register, without the inversions. Polynomials are bit-reflected:
 * bit 31 of a word is the coefficient of x^0.
 */
#include "base/crc32c.h"

#include <pthread.h>
#include <stdbool.h>
#include <string.h>

#include "base/endian.h"

#define POLY_REFLECTED 0x82F63B78u

/* --- Tables ------------------------------------------------------------------------------------------------------ */

static uint32_t slice_table[8][256];

static void slice_table_fill(void) {
    for (uint32_t i = 0; i < 256; i++) {
        uint32_t c = i;
        for (int bit = 0; bit < 8; bit++) c = (c >> 1) ^ ((c & 1) ? POLY_REFLECTED : 0);
        slice_table[0][i] = c;
    }
    for (int k = 1; k < 8; k++) {
        for (int i = 0; i < 256; i++) {
            uint32_t c = slice_table[k - 1][i];
            slice_table[k][i] = (c >> 8) ^ slice_table[0][c & 0xFF];
        }
    }
}

static uint32_t slice_update(uint32_t crc, const uint8_t *p, size_t n) {
    for (; n >= 8; p += 8, n -= 8) {
        uint64_t v = get_u64_le(p) ^ crc;
        crc = slice_table[7][v & 0xFF] ^ slice_table[6][(v >> 8) & 0xFF] ^ slice_table[5][(v >> 16) & 0xFF] ^
              slice_table[4][(v >> 24) & 0xFF] ^ slice_table[3][(v >> 32) & 0xFF] ^ slice_table[2][(v >> 40) & 0xFF] ^
              slice_table[1][(v >> 48) & 0xFF] ^ slice_table[0][v >> 56];
    }
    for (; n > 0; p++, n--) crc = (crc >> 8) ^ slice_table[0][(crc ^ *p) & 0xFF];
    return crc;
}

static uint32_t crc32c_portable(uint32_t crc, const void *p, size_t n) {
    return ~slice_update(~crc, p, n);
}

/* --- x86-64 ------------------------------------------------------------------------------------------------------ */

#if defined(__x86_64__)
#include <immintrin.h>

#define TARGET_SSE42 __attribute__((target("sse4.2,pclmul")))
#define TARGET_AVX512 __attribute__((target("sse4.2,pclmul,avx512f,avx512vl,vpclmulqdq")))

/*
 * The crc32 instruction has a latency of three cycles and starts one each cycle, so three independent lanes keep it
 * busy. A lane's register is moved over the bytes that follow it by multiplying it by x^(8 * bytes): the carry-less
 * product of two reflected words is one bit short and the crc32 instruction that reduces it multiplies by x^32, hence
 * constants x^(8 * bytes - 33) mod P.
 */
struct lanes {
    size_t bytes;   /* of one lane */
    uint32_t over2; /* x^(16 * bytes - 33) mod P */
    uint32_t over1; /* x^(8 * bytes - 33) mod P */
};
static const struct lanes lanes_long = {2048, 0x82F89C77u, 0xA51B6135u};
static const struct lanes lanes_short = {128, 0xB9E02B86u, 0x0D3B6092u};

TARGET_SSE42 static inline uint64_t product_64(uint64_t a, uint32_t b) {
    __m128i r = _mm_clmulepi64_si128(_mm_cvtsi64_si128((long long)a), _mm_cvtsi32_si128((int)b), 0);
    return (uint64_t)_mm_cvtsi128_si64(r);
}

TARGET_SSE42 static inline uint64_t lanes_update(uint64_t crc, const uint8_t *p, struct lanes l) {
    uint64_t c0 = crc, c1 = 0, c2 = 0;
    const uint8_t *q = p + l.bytes, *r = q + l.bytes;
    for (size_t i = 0; i < l.bytes; i += 8) {
        c0 = _mm_crc32_u64(c0, get_u64_le(p + i));
        c1 = _mm_crc32_u64(c1, get_u64_le(q + i));
        c2 = _mm_crc32_u64(c2, get_u64_le(r + i));
    }
    return _mm_crc32_u64(0, product_64(c0, l.over2) ^ product_64(c1, l.over1)) ^ c2;
}

TARGET_SSE42 static uint32_t sse42_update(uint32_t start, const uint8_t *p, size_t n) {
    uint64_t crc = start;
    for (; n >= 3 * lanes_long.bytes; p += 3 * lanes_long.bytes, n -= 3 * lanes_long.bytes)
        crc = lanes_update(crc, p, lanes_long);
    for (; n >= 3 * lanes_short.bytes; p += 3 * lanes_short.bytes, n -= 3 * lanes_short.bytes)
        crc = lanes_update(crc, p, lanes_short);
    for (; n >= 8; p += 8, n -= 8) crc = _mm_crc32_u64(crc, get_u64_le(p));
    for (; n > 0; p++, n--) crc = _mm_crc32_u8((uint32_t)crc, *p);
    return (uint32_t)crc;
}

static uint32_t crc32c_sse42(uint32_t crc, const void *p, size_t n) {
    return ~sse42_update(~crc, p, n);
}

/*
 * Folding: a 128-bit lane is L * x^64 + H (L the lower address). Moved over d bits it is L * x^(64+d) + H * x^d, and
 * two products with 32-bit constants give something congruent that still fits 128 bits: x^(d+31) for L and x^(d-33)
 * for H (33 less than wanted, for the reason above).
 */
#define FOLD_2048 0xDCB17AA4u, 0xB9E02B86u
#define FOLD_1536 0xA87AB8A8u, 0xAB7AFF2Au
#define FOLD_1024 0x6992CEA2u, 0x0D3B6092u
#define FOLD_512 0x740EEF02u, 0x9E4ADDF8u
#define FOLD_384 0x1C291D04u, 0xDDC0152Bu
#define FOLD_256 0x3DA6D0CBu, 0xBA4FC28Eu
#define FOLD_128 0xF20C0DFEu, 0x493C7D27u

/* Each FOLD_ is such a pair: for L, for H. */
#define FOLD_L_(l, h) (long long)(l)
#define FOLD_H_(l, h) (long long)(h)
#define FOLD_L(pair) FOLD_L_(pair)
#define FOLD_H(pair) FOLD_H_(pair)

enum { FOLD_STEP = 256, FOLD_WORTH_IT = 512 };

TARGET_AVX512 static inline __m512i fold_by(long long for_l, long long for_h) {
    return _mm512_set_epi64(for_h, for_l, for_h, for_l, for_h, for_l, for_h, for_l);
}

/* a moved over the distance of k, plus b. */
TARGET_AVX512 static inline __m512i fold(__m512i a, __m512i k, __m512i b) {
    __m512i l = _mm512_clmulepi64_epi128(a, k, 0x00);
    __m512i h = _mm512_clmulepi64_epi128(a, k, 0x11);
    return _mm512_ternarylogic_epi64(l, h, b, 0x96);
}

/* Four 512-bit sums that lie behind one another in the text, as one register. */
TARGET_AVX512 static inline uint32_t fold_finish(__m512i x0, __m512i x1, __m512i x2, __m512i x3) {
    x3 = fold(x0, fold_by(FOLD_1536), x3);
    x3 = fold(x1, fold_by(FOLD_1024), x3);
    x3 = fold(x2, fold_by(FOLD_512), x3);
    /* The lanes of 128 bits: the first three are moved onto the last. */
    const __m512i by = _mm512_set_epi64(0, 0, FOLD_H(FOLD_128), FOLD_L(FOLD_128), FOLD_H(FOLD_256), FOLD_L(FOLD_256),
                                        FOLD_H(FOLD_384), FOLD_L(FOLD_384));
    __m512i moved = fold(x3, by, _mm512_setzero_si512());
    __m128i v = _mm_xor_si128(_mm512_extracti32x4_epi32(moved, 0), _mm512_extracti32x4_epi32(moved, 1));
    v = _mm_xor_si128(v, _mm512_extracti32x4_epi32(moved, 2));
    v = _mm_xor_si128(v, _mm512_extracti32x4_epi32(x3, 3));
    uint64_t crc = _mm_crc32_u64(0, (uint64_t)_mm_cvtsi128_si64(v));
    return (uint32_t)_mm_crc32_u64(crc, (uint64_t)_mm_extract_epi64(v, 1));
}

TARGET_AVX512 static uint32_t avx512_update(uint32_t crc, const uint8_t *p, size_t n) {
    if (n >= FOLD_WORTH_IT) {
        __m512i x0 = _mm512_xor_si512(_mm512_loadu_si512(p), _mm512_castsi128_si512(_mm_cvtsi32_si128((int)crc)));
        __m512i x1 = _mm512_loadu_si512(p + 64);
        __m512i x2 = _mm512_loadu_si512(p + 128);
        __m512i x3 = _mm512_loadu_si512(p + 192);
        const __m512i by = fold_by(FOLD_2048);
        for (p += FOLD_STEP, n -= FOLD_STEP; n >= FOLD_STEP; p += FOLD_STEP, n -= FOLD_STEP) {
            x0 = fold(x0, by, _mm512_loadu_si512(p));
            x1 = fold(x1, by, _mm512_loadu_si512(p + 64));
            x2 = fold(x2, by, _mm512_loadu_si512(p + 128));
            x3 = fold(x3, by, _mm512_loadu_si512(p + 192));
        }
        crc = fold_finish(x0, x1, x2, x3);
    }
    return sse42_update(crc, p, n);
}

static uint32_t crc32c_avx512(uint32_t crc, const void *p, size_t n) {
    return ~avx512_update(~crc, p, n);
}

#endif /* __x86_64__ */

/* --- Choice of the path ------------------------------------------------------------------------------------------ */

static crc32c_fn crc32c_first;
static crc32c_fn *crc32c_chosen = crc32c_first;
static pthread_once_t tables_once = PTHREAD_ONCE_INIT;

crc32c_fn *crc32c_path(enum crc32c_path which) {
    if (which == CRC32C_PORTABLE) {
        pthread_once(&tables_once, slice_table_fill);
        return crc32c_portable;
    }
#if defined(__x86_64__)
    bool sse42 = __builtin_cpu_supports("sse4.2") && __builtin_cpu_supports("pclmul");
    if (which == CRC32C_SSE42) return sse42 ? crc32c_sse42 : NULL;
    bool avx512 = sse42 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") &&
                  __builtin_cpu_supports("vpclmulqdq");
    if (which == CRC32C_AVX512) return avx512 ? crc32c_avx512 : NULL;
#endif
    return NULL;
}

static uint32_t crc32c_first(uint32_t crc, const void *p, size_t n) {
    crc32c_fn *fn = NULL;
    for (int which = CRC32C_PATHS - 1; fn == NULL; which--) fn = crc32c_path((enum crc32c_path)which);
    __atomic_store_n(&crc32c_chosen, fn, __ATOMIC_RELEASE);
    return fn(crc, p, n);
}

uint32_t crc32c(uint32_t crc, const void *p, size_t n) {
    return __atomic_load_n(&crc32c_chosen, __ATOMIC_ACQUIRE)(crc, p, n);
}

/* --- Joining ------------------------------------------------------------------------------------------------------ */

/* x^(2^k) mod P. The table ends at 30 because x^(2^31) is x again: P is (x + 1) times a primitive polynomial. */
static const uint32_t x_to_2_to[31] = {
    0x40000000, 0x20000000, 0x08000000, 0x00800000, 0x00008000, 0x82f63b78, 0x6ea2d55c, 0x18b8ea18,
    0x510ac59a, 0xb82be955, 0xb8fdb1e7, 0x88e56f72, 0x74c360a4, 0xe4172b16, 0x0d65762a, 0x35d73a62,
    0x28461564, 0xbf455269, 0xe2ea32dc, 0xfe7740e6, 0xf946610b, 0x3c204f8f, 0x538586e3, 0x59726915,
    0x734d5309, 0xbc1ac763, 0x7d0722cc, 0xd289cabe, 0xe94ca9bc, 0x05b74f3f, 0xa51e1f42};

/* a * b mod P, without branches: a runs from x^0 (bit 31) up while b is multiplied by x. */
static uint32_t multiply_mod(uint32_t a, uint32_t b) {
    uint32_t product = 0;
    for (int i = 0; i < 32; i++) {
        product ^= b & (0u - (a >> 31));
        a <<= 1;
        b = (b >> 1) ^ (POLY_REFLECTED & (0u - (b & 1)));
    }
    return product;
}

uint32_t crc32c_shift_op(uint64_t len_b) {
    uint32_t op = 0x80000000u; /* x^0 */
    unsigned k = 3;            /* 8 bits a byte */
    for (; len_b > 0; len_b >>= 1, k = k == 30 ? 0 : k + 1)
        if (len_b & 1) op = multiply_mod(x_to_2_to[k], op);
    return op;
}

uint32_t crc32c_combine_op(uint32_t crc_a, uint32_t crc_b, uint32_t op) {
    return multiply_mod(crc_a, op) ^ crc_b;
}
