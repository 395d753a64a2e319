/* SPDX-License-Identifier: Apache-2.0 */
/* The validator for processors with AVX-512 BW, VBMI and VBMI2 (Ice Lake, Zen 4 and later). See validate_x86.h. */
#include "json/validate_impl.h"

#ifdef __x86_64__

#include <immintrin.h>

#define JSON_TARGET                                                                                                    \
    __attribute__((                                                                                                    \
        target("avx2,bmi,bmi2,lzcnt,popcnt,pclmul,avx512f,avx512bw,avx512vl,avx512cd,avx512vbmi,avx512vbmi2")))

struct block {
    __m512i bytes;
};

JSON_INLINE struct block block_load(const char *p) {
    return (struct block){_mm512_loadu_si512(p)};
}

/* A masked load touches no byte outside its mask. */
JSON_INLINE struct block block_tail(const char *text, uint32_t len, uint32_t n) {
    return (struct block){_mm512_mask_loadu_epi8(_mm512_set1_epi8(' '), _bzhi_u64(UINT64_MAX, n), text + len - n)};
}

/*
 * A byte is a punctuator when the table entry of its low nibble is the byte with bit 5 set, so that [ and { share one;
 * 0x0C and 0x1A pass too, and stage two refuses them. It is space when the entry is the byte itself.
 */
JSON_INLINE struct json_masks block_masks(const struct block *b) {
    const __m512i ops = _mm512_broadcast_i32x4(_mm_setr_epi8(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, ':', '{', ',', '}', 0, 0));
    const __m512i spaces =
        _mm512_broadcast_i32x4(_mm_setr_epi8(' ', 0, 0, 0, 0, 0, 0, 0, 0, '\t', '\n', 0, 0, '\r', 0, 0));
    __m512i x = b->bytes;
    return (struct json_masks){
        .quote = _mm512_cmpeq_epi8_mask(x, _mm512_set1_epi8('"')),
        .backslash = _mm512_cmpeq_epi8_mask(x, _mm512_set1_epi8('\\')),
        .op = _mm512_cmpeq_epi8_mask(_mm512_shuffle_epi8(ops, x), _mm512_or_si512(x, _mm512_set1_epi8(0x20))),
        .space = _mm512_cmpeq_epi8_mask(_mm512_shuffle_epi8(spaces, x), x),
        .control = _mm512_cmplt_epu8_mask(x, _mm512_set1_epi8(0x20)),
        .high = _mm512_movepi8_mask(x),
    };
}

/* Compress the byte numbers and the bytes, and widen the numbers; 32 tokens a block is a lot for a record. */
JSON_INLINE void block_emit(const struct block *b, uint64_t bits, uint32_t at, struct json_tokens *t, uint32_t n) {
    static const unsigned char numbers[64] __attribute__((aligned(64))) = {
        0,  1,  2,  3,  4,  5,  6,  7,  8,  9,  10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21,
        22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 37, 38, 39, 40, 41, 42, 43,
        44, 45, 46, 47, 48, 49, 50, 51, 52, 53, 54, 55, 56, 57, 58, 59, 60, 61, 62, 63};
    __m512i number = _mm512_maskz_compress_epi8(bits, _mm512_load_si512(numbers));
    __m512i base = _mm512_set1_epi32((int)at);
    uint32_t *pos = t->pos + n;
    _mm512_storeu_si512(t->chr + n, _mm512_maskz_compress_epi8(bits, b->bytes));
    _mm512_storeu_si512(pos, _mm512_add_epi32(base, _mm512_cvtepu8_epi32(_mm512_castsi512_si128(number))));
    _mm512_storeu_si512(pos + 16, _mm512_add_epi32(base, _mm512_cvtepu8_epi32(_mm512_extracti32x4_epi32(number, 1))));
    if (JSON_UNLIKELY(_mm_popcnt_u64(bits) > 32)) {
        _mm512_storeu_si512(pos + 32,
                            _mm512_add_epi32(base, _mm512_cvtepu8_epi32(_mm512_extracti32x4_epi32(number, 2))));
        _mm512_storeu_si512(pos + 48,
                            _mm512_add_epi32(base, _mm512_cvtepu8_epi32(_mm512_extracti32x4_epi32(number, 3))));
    }
}

/* Conflict detection marks in each lane the equal lanes before it; lanes from n on do not count. */
JSON_INLINE bool sigs_repeat(const uint32_t *sig, uint32_t n) {
    __m512i conflicts = _mm512_conflict_epi32(_mm512_loadu_si512(sig));
    return _mm512_test_epi32_mask(conflicts, conflicts) & ((1U << n) - 1);
}

#include "json/validate_x86.h"

JSON_TARGET static int validate_avx512(struct json_validator *v, const char *text, uint32_t len) {
    return len == 0 ? (int)JSON_UNSURE : validate_x86(v, text, len);
}

json_fast_fn json_fast_avx512(void) {
    bool has = json_fast_avx2() && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl") &&
               __builtin_cpu_supports("avx512cd") && __builtin_cpu_supports("avx512vbmi") &&
               __builtin_cpu_supports("avx512vbmi2");
    return has ? validate_avx512 : NULL;
}

#else

json_fast_fn json_fast_avx512(void) {
    return NULL;
}

#endif
