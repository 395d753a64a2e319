/* SPDX-License-Identifier: Apache-2.0 */
/*
 * UTF-8 checking and decoding. See utf8.h.
 *
 * The AVX2 path is the table method of Keiser and Lemire, "Validating UTF-8 In Less Than One Instruction Per Byte"
 * (2021): three 16-entry tables, looked up by the nibbles of each byte and of the byte before it, each give a set of
 * ways in which the pair could be wrong; a bit left in all three sets is an error. It only says which block is bad;
 * the scalar code then finds the place, so both paths give the same index.
 */
#include "base/utf8.h"

#include <stdbool.h>
#include <string.h>

unsigned utf8_decode(const char *p, size_t n, uint32_t *ret_cp) {
    const unsigned char *s = (const unsigned char *)p;
    if (n == 0) return 0;
    uint32_t c = s[0];
    if (c < 0x80) {
        *ret_cp = c;
        return 1;
    }
    if (c < 0xC2 || c > 0xF4 || n < 2 || (s[1] & 0xC0) != 0x80) return 0;
    if (c < 0xE0) {
        *ret_cp = (c & 0x1F) << 6 | (s[1] & 0x3FU);
        return 2;
    }
    if (n < 3 || (s[2] & 0xC0) != 0x80) return 0;
    if (c < 0xF0) {
        uint32_t cp = (c & 0x0F) << 12 | (s[1] & 0x3FU) << 6 | (s[2] & 0x3FU);
        if (cp < 0x800 || (cp >= 0xD800 && cp <= 0xDFFF)) return 0;
        *ret_cp = cp;
        return 3;
    }
    if (n < 4 || (s[3] & 0xC0) != 0x80) return 0;
    uint32_t cp = (c & 0x07) << 18 | (s[1] & 0x3FU) << 12 | (s[2] & 0x3FU) << 6 | (s[3] & 0x3FU);
    if (cp < 0x10000 || cp > 0x10FFFF) return 0;
    *ret_cp = cp;
    return 4;
}

unsigned utf8_encode(uint32_t cp, char out[4]) {
    if (cp < 0x80) {
        out[0] = (char)cp;
        return 1;
    }
    if (cp < 0x800) {
        out[0] = (char)(0xC0 | cp >> 6);
        out[1] = (char)(0x80 | (cp & 0x3F));
        return 2;
    }
    if (cp < 0x10000) {
        out[0] = (char)(0xE0 | cp >> 12);
        out[1] = (char)(0x80 | (cp >> 6 & 0x3F));
        out[2] = (char)(0x80 | (cp & 0x3F));
        return 3;
    }
    out[0] = (char)(0xF0 | cp >> 18);
    out[1] = (char)(0x80 | (cp >> 12 & 0x3F));
    out[2] = (char)(0x80 | (cp >> 6 & 0x3F));
    out[3] = (char)(0x80 | (cp & 0x3F));
    return 4;
}

/* From `at`, which is where a character begins. */
static size_t validate_scalar(const char *text, size_t len, size_t at) {
    while (at < len) {
        uint64_t w;
        if (len - at >= sizeof(w)) {
            memcpy(&w, text + at, sizeof(w));
            if (!(w & 0x8080808080808080U)) {
                at += sizeof(w);
                continue;
            }
        }
        uint32_t cp;
        unsigned n = utf8_decode(text + at, len - at, &cp);
        if (n == 0) return at;
        at += n;
    }
    return len;
}

#ifdef __x86_64__

#include <immintrin.h>

#define AVX2 __attribute__((target("avx2")))

/* The ways to be wrong; a table entry is a set of them. */
enum {
    TOO_SHORT = 1 << 0,      /* a lead byte followed by a lead byte or ASCII */
    TOO_LONG = 1 << 1,       /* ASCII followed by a continuation */
    OVERLONG_3 = 1 << 2,     /* E0 80..9F */
    TOO_LARGE = 1 << 3,      /* F4 90 and up */
    SURROGATE = 1 << 4,      /* ED A0..BF */
    OVERLONG_2 = 1 << 5,     /* C0, C1 */
    TOO_LARGE_1000 = 1 << 6, /* F5 and up with 80..8F; shares its bit with the next: both hang on F, 8 */
    OVERLONG_4 = 1 << 6,     /* F0 80..8F */
    TWO_CONTS = 1 << 7,      /* two continuations: wrong unless a 3- or 4-byte lead is 2 or 3 back */
    CARRY = TOO_SHORT | TOO_LONG | TWO_CONTS
};

#define T(x) (char)(x)
#define TABLE(...) _mm256_broadcastsi128_si256(_mm_setr_epi8(__VA_ARGS__))

/* Nonzero bytes where the pairs (or triples, quadruples) that end in `in` are wrong; prevN is `in` shifted by N. */
AVX2 static inline __m256i block_errors(__m256i in, __m256i prev1, __m256i prev2, __m256i prev3) {
    const __m256i by_prev_high =
        TABLE(TOO_LONG, TOO_LONG, TOO_LONG, TOO_LONG, TOO_LONG, TOO_LONG, TOO_LONG, TOO_LONG, T(TWO_CONTS),
              T(TWO_CONTS), T(TWO_CONTS), T(TWO_CONTS), TOO_SHORT | OVERLONG_2, TOO_SHORT,
              TOO_SHORT | OVERLONG_3 | SURROGATE, T(TOO_SHORT | TOO_LARGE | TOO_LARGE_1000 | OVERLONG_4));
    const __m256i by_prev_low =
        TABLE(T(CARRY | OVERLONG_3 | OVERLONG_2 | OVERLONG_4), T(CARRY | OVERLONG_2), T(CARRY), T(CARRY),
              T(CARRY | TOO_LARGE), T(CARRY | TOO_LARGE | TOO_LARGE_1000), T(CARRY | TOO_LARGE | TOO_LARGE_1000),
              T(CARRY | TOO_LARGE | TOO_LARGE_1000), T(CARRY | TOO_LARGE | TOO_LARGE_1000),
              T(CARRY | TOO_LARGE | TOO_LARGE_1000), T(CARRY | TOO_LARGE | TOO_LARGE_1000),
              T(CARRY | TOO_LARGE | TOO_LARGE_1000), T(CARRY | TOO_LARGE | TOO_LARGE_1000),
              T(CARRY | TOO_LARGE | TOO_LARGE_1000 | SURROGATE), T(CARRY | TOO_LARGE | TOO_LARGE_1000),
              T(CARRY | TOO_LARGE | TOO_LARGE_1000));
    const __m256i by_high =
        TABLE(TOO_SHORT, TOO_SHORT, TOO_SHORT, TOO_SHORT, TOO_SHORT, TOO_SHORT, TOO_SHORT, TOO_SHORT,
              T(TOO_LONG | OVERLONG_2 | TWO_CONTS | OVERLONG_3 | TOO_LARGE_1000 | OVERLONG_4),
              T(TOO_LONG | OVERLONG_2 | TWO_CONTS | OVERLONG_3 | TOO_LARGE),
              T(TOO_LONG | OVERLONG_2 | TWO_CONTS | SURROGATE | TOO_LARGE),
              T(TOO_LONG | OVERLONG_2 | TWO_CONTS | SURROGATE | TOO_LARGE), TOO_SHORT, TOO_SHORT, TOO_SHORT, TOO_SHORT);
    const __m256i low4 = _mm256_set1_epi8(0x0F);
    __m256i a = _mm256_shuffle_epi8(by_prev_high, _mm256_and_si256(_mm256_srli_epi16(prev1, 4), low4));
    __m256i b = _mm256_shuffle_epi8(by_prev_low, _mm256_and_si256(prev1, low4));
    __m256i c = _mm256_shuffle_epi8(by_high, _mm256_and_si256(_mm256_srli_epi16(in, 4), low4));
    __m256i special = _mm256_and_si256(_mm256_and_si256(a, b), c);
    /* Third byte of three or four, fourth of four: here two continuations in a row are right, elsewhere wrong. */
    __m256i third = _mm256_subs_epu8(prev2, _mm256_set1_epi8(0xE0 - 0x80));
    __m256i fourth = _mm256_subs_epu8(prev3, _mm256_set1_epi8((char)(0xF0 - 0x80)));
    __m256i must = _mm256_and_si256(_mm256_or_si256(third, fourth), _mm256_set1_epi8((char)0x80));
    return _mm256_xor_si256(must, special);
}

AVX2 static inline __m256i load32(const char *p) {
    return _mm256_loadu_si256((const __m256i *)(const void *)p);
}

/* text[at..at+32), where at >= 3, so that the bytes before can simply be loaded. */
AVX2 static inline bool block_bad(const char *text, size_t at) {
    __m256i e = block_errors(load32(text + at), load32(text + at - 1), load32(text + at - 2), load32(text + at - 3));
    return !_mm256_testz_si256(e, e);
}

/* Where the character begins that text[at] is in or behind; a good text has it at most 3 bytes back. */
static size_t boundary_before(const char *text, size_t at) {
    size_t back = at < 3 ? 0 : at - 3;
    while (at > back && ((unsigned char)text[at] & 0xC0) == 0x80) at--;
    return at;
}

AVX2 static size_t validate_avx2(const char *text, size_t len) {
    size_t at = 0;
    while (len - at >= 64 && !_mm256_movemask_epi8(_mm256_or_si256(load32(text + at), load32(text + at + 32))))
        at += 64;
    if (len - at < 67) return validate_scalar(text, len, at);
    /* Step over the first characters by hand: blocks look three bytes back, and those must be good. */
    size_t from = at;
    while (at < from + 3) {
        uint32_t cp;
        unsigned n = utf8_decode(text + at, len - at, &cp);
        if (n == 0) return at;
        at += n;
    }
    for (; len - at >= 64; at += 64) {
        if (!_mm256_movemask_epi8(_mm256_or_si256(load32(text + at), load32(text + at + 32)))) {
            /* ASCII; what came before must have been whole, which the look at its last three bytes says. */
            if (((unsigned char)text[at - 1] | (unsigned char)text[at - 2] | (unsigned char)text[at - 3]) < 0x80)
                continue;
        }
        if (block_bad(text, at) || block_bad(text, at + 32)) break;
    }
    return validate_scalar(text, len, boundary_before(text, at - 1));
}
#endif

size_t utf8_validate_with(enum utf8_path path, const char *text, size_t len) {
#ifdef __x86_64__
    if (path != UTF8_PORTABLE && __builtin_cpu_supports("avx2")) return validate_avx2(text, len);
#else
    (void)path;
#endif
    return validate_scalar(text, len, 0);
}

size_t utf8_validate(const char *text, size_t len) {
    return utf8_validate_with(UTF8_BEST, text, len);
}
