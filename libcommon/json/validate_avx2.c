/* SPDX-License-Identifier: Apache-2.0 */
/* The validator for processors with AVX2, BMI, PCLMUL and POPCNT (Haswell, Zen and later). See validate_x86.h. */
#include "json/validate_impl.h"

#ifdef __x86_64__

#include <immintrin.h>
#include <string.h>

#define JSON_TARGET __attribute__((target("avx2,bmi,bmi2,lzcnt,popcnt,pclmul")))

struct block {
    __m256i low, high;
    uint32_t skip; /* bytes that belong to the block before: a tail is loaded so that it ends where the text ends */
};

JSON_INLINE struct block block_load(const char *p) {
    return (struct block){.low = _mm256_loadu_si256((const __m256i *)(const void *)p),
                          .high = _mm256_loadu_si256((const __m256i *)(const void *)(p + 32))};
}

JSON_INLINE struct block block_tail(const char *text, uint32_t len, uint32_t n) {
    struct block b;
    if (len >= 64) {
        b = block_load(text + len - 64);
    } else {
        char copy[64] = {0};
        memcpy(copy + 64 - n, text + len - n, n);
        b = block_load(copy);
    }
    b.skip = 64 - n;
    return b;
}

JSON_INLINE uint64_t join(__m256i low, __m256i high) {
    return (uint32_t)_mm256_movemask_epi8(low) | (uint64_t)(uint32_t)_mm256_movemask_epi8(high) << 32;
}

JSON_INLINE uint64_t equal(const struct block *b, char c) {
    __m256i all = _mm256_set1_epi8(c);
    return join(_mm256_cmpeq_epi8(b->low, all), _mm256_cmpeq_epi8(b->high, all));
}

/*
 * A byte is a punctuator when the table entry of its low nibble is the byte with bit 5 set, so that [ and { share one;
 * 0x0C and 0x1A pass too, and stage two refuses them. It is space when the entry is the byte itself.
 */
JSON_INLINE struct json_masks block_masks(const struct block *b) {
    const __m256i ops =
        _mm256_broadcastsi128_si256(_mm_setr_epi8(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, ':', '{', ',', '}', 0, 0));
    const __m256i spaces =
        _mm256_broadcastsi128_si256(_mm_setr_epi8(' ', 0, 0, 0, 0, 0, 0, 0, 0, '\t', '\n', 0, 0, '\r', 0, 0));
    const __m256i bit5 = _mm256_set1_epi8(0x20);
    const __m256i top = _mm256_set1_epi8(0x1F);
    struct json_masks m;
    m.quote = equal(b, '"');
    m.backslash = equal(b, '\\');
    m.op = join(_mm256_cmpeq_epi8(_mm256_shuffle_epi8(ops, b->low), _mm256_or_si256(b->low, bit5)),
                _mm256_cmpeq_epi8(_mm256_shuffle_epi8(ops, b->high), _mm256_or_si256(b->high, bit5)));
    m.space = join(_mm256_cmpeq_epi8(_mm256_shuffle_epi8(spaces, b->low), b->low),
                   _mm256_cmpeq_epi8(_mm256_shuffle_epi8(spaces, b->high), b->high));
    m.control = join(_mm256_cmpeq_epi8(_mm256_min_epu8(b->low, top), b->low),
                     _mm256_cmpeq_epi8(_mm256_min_epu8(b->high, top), b->high));
    m.high = (uint32_t)_mm256_movemask_epi8(_mm256_or_si256(b->low, b->high));
    if (b->skip) {
        m.quote >>= b->skip;
        m.backslash >>= b->skip;
        m.op >>= b->skip;
        m.space = m.space >> b->skip | ~(UINT64_MAX >> b->skip);
        m.control >>= b->skip;
    }
    return m;
}

/* Eight bytes at a time, through a table and without branches, which would be hard to predict. */
JSON_INLINE void block_emit(const struct block *b, uint64_t bits, uint32_t at, struct json_tokens *t, uint32_t n) {
    char bytes[64 + 64] = {0}; /* the second half is for a tail, whose bytes begin late */
    _mm256_storeu_si256((__m256i *)(void *)bytes, b->low);
    _mm256_storeu_si256((__m256i *)(void *)(bytes + 32), b->high);
    const char *from = bytes + b->skip;
    __m256i base = _mm256_set1_epi32((int)at);
    for (int i = 0; i < 64; i += 8, bits >>= 8) {
        __m128i places = _mm_loadl_epi64((const __m128i *)(const void *)&t->bit_places[bits & 0xFF]);
        __m128i chars = _mm_loadl_epi64((const __m128i *)(const void *)(from + i));
        _mm_storel_epi64((__m128i *)(void *)(t->chr + n), _mm_shuffle_epi8(chars, places));
        _mm256_storeu_si256((__m256i *)(void *)(t->pos + n), _mm256_add_epi32(base, _mm256_cvtepu8_epi32(places)));
        base = _mm256_add_epi32(base, _mm256_set1_epi32(8));
        n += (uint32_t)_mm_popcnt_u64(bits & 0xFF);
    }
}

/* Each signature against the ones before it. */
JSON_INLINE bool sigs_repeat(const uint32_t *sig, uint32_t n) {
    __m256i low = _mm256_loadu_si256((const __m256i *)(const void *)sig);
    uint32_t hit = 0;
    if (n <= 8) {
        for (uint32_t i = 1; i < n; i++) {
            __m256i eq = _mm256_cmpeq_epi32(low, _mm256_set1_epi32((int)sig[i]));
            hit |= (uint32_t)_mm256_movemask_ps(_mm256_castsi256_ps(eq)) & ((1U << i) - 1);
        }
        return hit;
    }
    __m256i high = _mm256_loadu_si256((const __m256i *)(const void *)(sig + 8));
    for (uint32_t i = 1; i < n; i++) {
        __m256i one = _mm256_set1_epi32((int)sig[i]);
        uint32_t eq = (uint32_t)_mm256_movemask_ps(_mm256_castsi256_ps(_mm256_cmpeq_epi32(low, one))) |
                      (uint32_t)_mm256_movemask_ps(_mm256_castsi256_ps(_mm256_cmpeq_epi32(high, one))) << 8;
        hit |= eq & ((1U << i) - 1);
    }
    return hit;
}

#include "json/validate_x86.h"

JSON_TARGET static int validate_avx2(struct json_validator *v, const char *text, uint32_t len) {
    return len == 0 ? (int)JSON_UNSURE : validate_x86(v, text, len);
}

json_fast_fn json_fast_avx2(void) {
    bool has = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi") && __builtin_cpu_supports("bmi2") &&
               __builtin_cpu_supports("popcnt") && __builtin_cpu_supports("pclmul");
    return has ? validate_avx2 : NULL;
}

#else

json_fast_fn json_fast_avx2(void) {
    return NULL;
}

#endif
