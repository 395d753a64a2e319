/* SPDX-License-Identifier: Apache-2.0 */
/* Finding fields on processors with AVX-512 BW (Skylake-X, Ice Lake, Zen 4 and later). See fields_x86.h. */
#include "json/fields_impl.h"

#ifdef __x86_64__

#define FIELD_TARGET __attribute__((target("avx2,bmi,bmi2,lzcnt,popcnt,pclmul,avx512f,avx512bw")))
#include "json/fields_bits.h"

FIELD_INLINE uint64_t equal(__m512i x, char c) {
    return _mm512_cmpeq_epi8_mask(x, _mm512_set1_epi8(c));
}

/* A masked load touches no byte outside its mask. Setting bit 5 makes one of [ and {, and of ] and }. */
FIELD_INLINE struct field_masks block_masks(const char *p, size_t readable) {
    __m512i x = __builtin_expect(readable >= 64, 1)
                    ? _mm512_loadu_si512(p)
                    : _mm512_maskz_loadu_epi8(_bzhi_u64(UINT64_MAX, (unsigned)readable), p);
    __m512i folded = _mm512_or_si512(x, _mm512_set1_epi8(0x20));
    return (struct field_masks){.quote = equal(x, '"'),
                                .backslash = equal(x, '\\'),
                                .colon = equal(x, ':'),
                                .open = equal(folded, '{'),
                                .close = equal(folded, '}')};
}

#include "json/fields_x86.h"

json_find_fn json_fields_find_avx512(void) {
    bool has = json_fields_find_avx2() && __builtin_cpu_supports("avx512bw");
    return has ? fields_find : NULL;
}

#else

json_find_fn json_fields_find_avx512(void) {
    return NULL;
}

#endif
