/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Strings into JSON text. See text.h.
 *
 * The bytes are copied while they are looked at, 64, 32 or 8 at a time, up to one that needs an escape. Stores have the
 * full width, so there is always room for one behind what is still to come; and one look serves for all the escapes
 * that it sees. UTF-8 is checked afterwards, and only if a byte was not ASCII.
 */
#include "json/escape.h"

#include <endian.h>

#include "base/utf8.h"

/* A look takes in at most this many bytes, and a store writes no more. */
#define WIDTH 64
/* Room kept behind what is still to come as it is: for a store, and for the bytes of a look if each is escaped. */
#define SLACK (WIDTH + WIDTH * 5U)

#define ONES UINT64_C(0x0101010101010101)
#define TOPS UINT64_C(0x8080808080808080)

/* What stands for a byte, and its length, in the last byte of eight; 0 where the byte stands for itself. */
#define LETTER(c)                                                                                                      \
    { '\\', c, [7] = 2 }
#define HEX(a, b)                                                                                                      \
    { '\\', 'u', '0', '0', a, b, [7] = 6 }
static const char escapes[128][8] = {
    HEX('0', '0'), HEX('0', '1'), HEX('0', '2'),       HEX('0', '3'),         HEX('0', '4'), HEX('0', '5'),
    HEX('0', '6'), HEX('0', '7'), LETTER('b'),         LETTER('t'),           LETTER('n'),   HEX('0', 'b'),
    LETTER('f'),   LETTER('r'),   HEX('0', 'e'),       HEX('0', 'f'),         HEX('1', '0'), HEX('1', '1'),
    HEX('1', '2'), HEX('1', '3'), HEX('1', '4'),       HEX('1', '5'),         HEX('1', '6'), HEX('1', '7'),
    HEX('1', '8'), HEX('1', '9'), HEX('1', 'a'),       HEX('1', 'b'),         HEX('1', 'c'), HEX('1', 'd'),
    HEX('1', 'e'), HEX('1', 'f'), ['"'] = LETTER('"'), ['\\'] = LETTER('\\'),
};

/* What the look at a text sees beside where it has to stop. */
struct look {
    uint64_t hits; /* bit i: so many bytes behind the stop another one needs an escape; bit 0 is the stop */
    uint64_t high; /* nonzero after a byte that is not ASCII */
};

/*
 * Copy p[0..end) to `to` up to the first byte that needs an escape; returns where that is, or end. May write WIDTH
 * bytes from where it stops.
 */
typedef const char *(*copy_fn)(const char *p, const char *end, char *to, struct look *l);

/* Of the two subtractions the lowest hit is always true; those above may owe it to a borrow. */
static const char *copy_portable(const char *p, const char *end, char *to, struct look *l) {
    uint64_t seen = 0;
    for (; end - p >= 8; p += 8, to += 8) {
        uint64_t w;
        memcpy(&w, p, 8);
        memcpy(to, &w, 8);
        w = le64toh(w);
        uint64_t quote = w ^ ONES * '"';
        uint64_t slash = w ^ ONES * '\\';
        uint64_t hit = ((quote - ONES) & ~quote) | ((slash - ONES) & ~slash) | ((w - ONES * 0x20) & ~w);
        seen |= w & TOPS;
        if (hit & TOPS) {
            l->high |= seen;
            l->hits = 1;
            return p + (unsigned)__builtin_ctzll(hit & TOPS) / 8;
        }
    }
    for (; p < end; p++) {
        unsigned char c = (unsigned char)*p;
        if (c < 0x80 && escapes[c][7]) {
            l->hits = 1;
            break;
        }
        seen |= c & 0x80;
        *to++ = *p;
    }
    l->high |= seen;
    return p;
}

#ifdef __x86_64__

#include <immintrin.h>

__attribute__((target("avx2"))) static const char *copy_avx2(const char *p, const char *end, char *to, struct look *l) {
    uint32_t seen = 0;
    for (; end - p >= 32; p += 32, to += 32) {
        __m256i x = _mm256_loadu_si256((const __m256i *)(const void *)p);
        __m256i quote = _mm256_cmpeq_epi8(x, _mm256_set1_epi8('"'));
        __m256i slash = _mm256_cmpeq_epi8(x, _mm256_set1_epi8('\\'));
        __m256i control = _mm256_cmpeq_epi8(_mm256_min_epu8(x, _mm256_set1_epi8(0x1F)), x);
        uint32_t hit = (uint32_t)_mm256_movemask_epi8(_mm256_or_si256(_mm256_or_si256(quote, slash), control));
        _mm256_storeu_si256((__m256i *)(void *)to, x);
        seen |= (uint32_t)_mm256_movemask_epi8(x);
        if (hit) {
            l->high |= seen;
            l->hits = hit >> __builtin_ctz(hit);
            return p + __builtin_ctz(hit);
        }
    }
    l->high |= seen;
    return copy_portable(p, end, to, l);
}

/* A masked load touches no byte outside its mask. */
__attribute__((target("avx512f,avx512bw,bmi2"))) static const char *copy_avx512(const char *p, const char *end,
                                                                                char *to, struct look *l) {
    uint64_t seen = 0;
    for (; p < end; p += 64, to += 64) {
        uint64_t in = end - p >= 64 ? UINT64_MAX : _bzhi_u64(UINT64_MAX, (unsigned)(end - p));
        __m512i x = _mm512_maskz_loadu_epi8(in, p);
        uint64_t hit = _mm512_cmpeq_epi8_mask(x, _mm512_set1_epi8('"')) |
                       _mm512_cmpeq_epi8_mask(x, _mm512_set1_epi8('\\')) |
                       _mm512_mask_cmplt_epu8_mask(in, x, _mm512_set1_epi8(0x20));
        _mm512_storeu_si512(to, x);
        seen |= _mm512_movepi8_mask(x);
        if (hit) {
            l->high |= seen;
            l->hits = hit >> __builtin_ctzll(hit);
            return p + __builtin_ctzll(hit);
        }
    }
    l->high |= seen;
    return end;
}

static copy_fn choose(enum json_simd simd) {
    if ((simd == JSON_BEST || simd == JSON_AVX512) && __builtin_cpu_supports("avx512bw") &&
        __builtin_cpu_supports("bmi2"))
        return copy_avx512;
    if ((simd == JSON_BEST || simd == JSON_AVX2) && __builtin_cpu_supports("avx2")) return copy_avx2;
    return copy_portable;
}

#else

static copy_fn choose(enum json_simd simd) {
    (void)simd;
    return copy_portable;
}

#endif

/* n < WIDTH bytes, between two escapes: 16 at a time, where the text goes on for long enough. */
static inline void copy_between(char *to, const char *p, size_t n, const char *end) {
    if (end - p < WIDTH) {
        for (size_t i = 0; i < n; i++) to[i] = p[i];
        return;
    }
    size_t i = 0;
    do {
        memcpy(to + i, p + i, 16);
        i += 16;
    } while (i < n);
}

/* Write the escapes that one look saw, and what is between them; returns behind the last. */
static inline const char *escapes_write(struct buf *out, const char *p, const char *end, uint64_t hits) {
    char *to = out->data + out->len;
    for (;;) {
        const char *escape = escapes[(unsigned char)*p++];
        memcpy(to, escape, 8);
        to += escape[7];
        hits >>= 1;
        if (!hits) break;
        size_t n = (size_t)__builtin_ctzll(hits);
        copy_between(to, p, n, end);
        to += n;
        p += n;
        hits >>= n;
    }
    out->len = (size_t)(to - out->data);
    return p;
}

int json_escape_append_with(enum json_simd simd, struct buf *out, const char *p, size_t n) {
    copy_fn copy = choose(simd);
    const char *from = p, *end = p + n;
    struct look l = {0};
    size_t before = out->len;
    if (buf_reserve(out, n + 2 + SLACK) < 0) return G_NOMEM;
    buf_putc_fast(out, '"');
    for (;;) {
        const char *stop = copy(p, end, out->data + out->len, &l);
        out->len += (size_t)(stop - p);
        if (stop == end) break;
        p = escapes_write(out, stop, end, l.hits);
        if (buf_reserve(out, (size_t)(end - p) + 1 + SLACK) < 0) {
            out->len = before;
            return G_NOMEM;
        }
    }
    buf_putc_fast(out, '"');
    if (l.high && utf8_validate(from, n) != n) {
        out->len = before;
        return G_DATA;
    }
    return 0;
}

int json_escape_append(struct buf *out, const char *p, size_t n) {
    return json_escape_append_with(JSON_BEST, out, p, n);
}
