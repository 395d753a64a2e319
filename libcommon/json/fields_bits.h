/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Small steps that the SIMD ways to find fields share. Included behind the definition of FIELD_TARGET, a target
 * attribute with AVX2, BMI and PCLMUL at least.
 */
#ifndef LEAT_JSON_FIELDS_BITS_H
#define LEAT_JSON_FIELDS_BITS_H

#include <immintrin.h>

#include "json/fields_impl.h"

#define FIELD_INLINE FIELD_TARGET __attribute__((always_inline)) static inline
#define FIELD_LIKELY(x) __builtin_expect(!!(x), 1)
#define FIELD_UNLIKELY(x) __builtin_expect(!!(x), 0)

/* What is seen in 64 bytes, a bit a byte, lowest first. */
struct field_masks {
    uint64_t quote, backslash, colon;
    uint64_t open, close; /* brackets of both kinds */
};

/* Bit i is the parity of the bits up to i: of quotes, each string from its opening quote to before its closing one. */
FIELD_INLINE uint64_t prefix_xor(uint64_t bits) {
    __m128i ones = _mm_set1_epi8((char)0xFF);
    return (uint64_t)_mm_cvtsi128_si64(_mm_clmulepi64_si128(_mm_cvtsi64_si128((int64_t)bits), ones, 0));
}

/* The commas, closing brackets, spaces and bytes below among the 16 at p, as bits. */
FIELD_INLINE uint32_t scalar_ends(const char *p) {
    __m128i x = _mm_loadu_si128((const __m128i *)(const void *)p);
    __m128i space = _mm_cmpeq_epi8(_mm_min_epu8(x, _mm_set1_epi8(' ')), x);
    __m128i close = _mm_cmpeq_epi8(_mm_or_si128(x, _mm_set1_epi8(0x20)), _mm_set1_epi8('}'));
    __m128i comma = _mm_cmpeq_epi8(x, _mm_set1_epi8(','));
    return (uint32_t)_mm_movemask_epi8(_mm_or_si128(_mm_or_si128(space, close), comma));
}

#endif
