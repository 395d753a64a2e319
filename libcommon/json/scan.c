/* SPDX-License-Identifier: Apache-2.0 */
/* Stepping over raw JSON text. See scan.h. */
#include "json/scan.h"

/* Classes of bytes, a bit for each of the three scans. */
enum { SPECIAL = 1, SCALAR_END = 2, BRACKET = 4 };

static const unsigned char classes[256] = {
    [0 ... 0x1F] = SPECIAL | SCALAR_END, [' '] = SCALAR_END, [','] = SCALAR_END, ['\\'] = SPECIAL,
    ['"'] = SPECIAL | BRACKET,           ['['] = BRACKET,    ['{'] = BRACKET,    [']'] = SCALAR_END | BRACKET,
    ['}'] = SCALAR_END | BRACKET,
};

static inline const char *scan_portable(const char *p, const char *end, unsigned set) {
    while (p < end && !(classes[(unsigned char)*p] & set)) p++;
    return p;
}

const char *json_scan_special_portable(const char *p, const char *end) {
    return scan_portable(p, end, SPECIAL);
}

const char *json_scan_scalar_portable(const char *p, const char *end) {
    return scan_portable(p, end, SCALAR_END);
}

#ifdef __SSE2__

#include <emmintrin.h>

/* A bit for each of the 16 bytes that is in the class. Setting bit 5 makes one of [ and {, and of ] and }. */
static inline unsigned class_mask(const char *p, unsigned set) {
    __m128i x = _mm_loadu_si128((const __m128i *)(const void *)p);
    __m128i folded = _mm_or_si128(x, _mm_set1_epi8(0x20));
    __m128i close = _mm_cmpeq_epi8(folded, _mm_set1_epi8('}'));
    __m128i quote = _mm_cmpeq_epi8(x, _mm_set1_epi8('"'));
    __m128i hit;
    if (set == SPECIAL) {
        __m128i control = _mm_cmpeq_epi8(_mm_min_epu8(x, _mm_set1_epi8(0x1F)), x);
        hit = _mm_or_si128(_mm_or_si128(quote, control), _mm_cmpeq_epi8(x, _mm_set1_epi8('\\')));
    } else if (set == SCALAR_END) {
        __m128i space = _mm_cmpeq_epi8(_mm_min_epu8(x, _mm_set1_epi8(' ')), x);
        hit = _mm_or_si128(_mm_or_si128(close, space), _mm_cmpeq_epi8(x, _mm_set1_epi8(',')));
    } else {
        hit = _mm_or_si128(_mm_or_si128(close, quote), _mm_cmpeq_epi8(folded, _mm_set1_epi8('{')));
    }
    return (unsigned)_mm_movemask_epi8(hit);
}

static inline const char *scan(const char *p, const char *end, unsigned set) {
    for (; end - p >= 16; p += 16) {
        unsigned mask = class_mask(p, set);
        if (mask) return p + __builtin_ctz(mask);
    }
    return scan_portable(p, end, set);
}

#else

#define scan scan_portable

#endif

const char *json_scan_special(const char *p, const char *end) {
    return scan(p, end, SPECIAL);
}

const char *json_scan_scalar(const char *p, const char *end) {
    return scan(p, end, SCALAR_END);
}

const char *json_scan_string(const char *p, const char *end, bool *ret_escaped) {
    bool escaped = false;
    for (;;) {
        p = scan(p, end, SPECIAL);
        if (p >= end) return NULL;
        if (*p == '"') break;
        if (*p == '\\') {
            escaped = true;
            if (end - p < 2) return NULL;
            p++;
        }
        p++;
    }
    *ret_escaped = escaped;
    return p;
}

/* Brackets of both kinds count alike: validated text has them in pairs. */
static const char *scan_container(const char *p, const char *end) {
    size_t depth = 0;
    for (;;) {
        bool escaped;
        p = scan(p, end, BRACKET);
        if (p >= end) return NULL;
        if (*p == '"') {
            p = json_scan_string(p + 1, end, &escaped);
            if (!p) return NULL;
        } else if (*p == '{' || *p == '[') {
            depth++;
        } else if (--depth == 0) {
            return p + 1;
        }
        p++;
    }
}

const char *json_scan_value(const char *p, const char *end) {
    bool escaped;
    if (p >= end) return NULL;
    if (*p == '"') {
        p = json_scan_string(p + 1, end, &escaped);
        return p ? p + 1 : NULL;
    }
    if (*p == '{' || *p == '[') return scan_container(p, end);
    const char *behind = scan(p, end, SCALAR_END);
    return behind == p ? NULL : behind;
}
