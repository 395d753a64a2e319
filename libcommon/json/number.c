/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The values of JSON numbers. See text.h.
 *
 * A number is taken apart into its digits as a 64-bit whole number and an exponent of ten: quickly where the text has
 * at most 19 digits, with care where it has more. The double comes from one operation on exact doubles (Clinger, "How
 * to Read Floating Point Numbers Accurately", 1990), else from one product of 64 by 128 bits (Lemire, "Number Parsing
 * at a Gigabyte per Second", 2021), and where that does not decide or the digits do not fit, from strtod.
 */
#include <endian.h>
#include <locale.h>
#include <math.h>
#include <pthread.h>
#include <stdlib.h>

#include "json/pow10.h"
#include "json/text.h"

/* A number taken apart: where it is exact, the value is (-1)^negative * digits * 10^exponent. */
struct parts {
    bool negative;
    bool exact; /* the significant digits fit; else only `negative` and this mean something */
    uint64_t digits;
    int64_t exponent; /* of ten; huge ones are cut at about 2^43, far beyond what a text's digits make up for */
};

static bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

/*
 * One more digit. Zeros are kept back until a digit follows them, so that 1000000000000000000000e-20 stays exact.
 * `place` is 1 for a digit behind the point.
 */
static void digit_add(struct parts *x, int64_t *zeros, char c, int64_t place) {
    x->exponent -= place;
    if (c == '0') {
        if (x->digits) ++*zeros;
        return;
    }
    for (; *zeros >= 0; --*zeros) {
        if (x->digits > (UINT64_MAX - 9) / 10) {
            x->exact = false;
            break;
        }
        x->digits = x->digits * 10 + (*zeros == 0 ? (uint64_t)(c - '0') : 0);
    }
    *zeros = 0;
}

/*
 * Take the number apart by the grammar of RFC 8259, `digits` without trailing zeros; G_DATA when it is none or has
 * something behind it.
 */
static int parts_read(const char *p, size_t n, struct parts *ret) {
    const char *end = p + n;
    struct parts x = {.exact = true};
    int64_t zeros = 0;
    if (p < end && *p == '-') {
        x.negative = true;
        p++;
    }
    if (p == end || !is_digit(*p) || (*p == '0' && end - p > 1 && is_digit(p[1]))) return G_DATA;
    for (; p < end && is_digit(*p); p++) digit_add(&x, &zeros, *p, 0);
    if (p < end && *p == '.') {
        p++;
        if (p == end || !is_digit(*p)) return G_DATA;
        for (; p < end && is_digit(*p); p++) digit_add(&x, &zeros, *p, 1);
    }
    x.exponent += zeros;
    if (p < end && (*p == 'e' || *p == 'E')) {
        p++;
        bool minus = p < end && *p == '-';
        if (p < end && (*p == '-' || *p == '+')) p++;
        if (p == end || !is_digit(*p)) return G_DATA;
        int64_t e = 0;
        for (; p < end && is_digit(*p); p++) {
            if (e < (int64_t)1 << 40) e = e * 10 + (*p - '0');
        }
        x.exponent += minus ? -e : e;
    }
    if (p != end) return G_DATA;
    *ret = x;
    return 0;
}

/* Are these eight bytes digits? */
static inline bool all_digits(uint64_t w) {
    return ((w & (w + 0x0606060606060606)) & 0xF0F0F0F0F0F0F0F0) == 0x3030303030303030;
}

/* Which number they are, the first in the lowest byte. */
static inline uint64_t eight_digits_value(uint64_t w) {
    w = (w & 0x0F0F0F0F0F0F0F0F) * 2561 >> 8; /* 10 * 256 + 1: pairs */
    w = (w & 0x00FF00FF00FF00FF) * 6553601 >> 16;
    return (w & 0x0000FFFF0000FFFF) * 42949672960001 >> 32;
}

/* Step over digits and add them behind those of *value, which wraps around when there are too many. */
static inline const char *digits_take(const char *p, const char *end, bool brief, uint64_t *value) {
    uint64_t x = *value;
    while (!brief && end - p >= 8) {
        uint64_t w;
        memcpy(&w, p, sizeof(w));
        w = le64toh(w);
        if (!all_digits(w)) break;
        x = x * 100000000 + eight_digits_value(w);
        p += 8;
    }
    for (; p < end && is_digit(*p); p++) x = x * 10 + (uint64_t)(*p - '0');
    *value = x;
    return p;
}

/*
 * The same as parts_read, but `digits` may end in zeros; false where that is better asked. `brief` is for texts of at
 * most BRIEF bytes without an exponent: most numbers, and worth code of their own that is small.
 */
#define BRIEF 9
__attribute__((always_inline)) static inline bool parts_read_fast(const char *p, size_t n, bool brief,
                                                                  struct parts *ret) {
    const char *end = p + n;
    uint64_t digits = 0;
    int64_t exponent = 0;
    bool minus = p < end && *p == '-';
    const char *from = p + minus;
    p = digits_take(from, end, brief, &digits);
    ptrdiff_t count = p - from;
    if (count == 0 || (count > 1 && *from == '0')) return false;
    if (p < end && *p == '.') {
        from = p + 1;
        p = digits_take(from, end, brief, &digits);
        if (p == from) return false;
        exponent = from - p;
        count -= exponent;
    }
    if (!brief && count > 19) return false; /* 19 nines fit into 64 bits */
    if (!brief && p < end && (*p | 0x20) == 'e') {
        p++;
        bool down = p < end && *p == '-';
        if (p < end && (*p == '-' || *p == '+')) p++;
        uint64_t e = 0;
        from = p;
        p = digits_take(p, end, true, &e);
        if (p == from || p - from > 9) return false;
        exponent += down ? -(int64_t)e : (int64_t)e;
    }
    ret->negative = minus;
    ret->exact = true;
    ret->digits = digits;
    ret->exponent = exponent;
    return p == end;
}

static pthread_once_t locale_once = PTHREAD_ONCE_INIT;
static locale_t c_locale;

static void locale_init(void) {
    c_locale = newlocale(LC_ALL_MASK, "C", (locale_t)0);
}

/* By the C library, which rounds correctly, in a locale whose decimal point is a point. */
static int double_by_strtod(const char *p, size_t n, double *ret) {
    char copy[JSON_NUMBER_TEXT_MAX + 1];
    memcpy(copy, p, n);
    copy[n] = '\0';
    if (pthread_once(&locale_once, locale_init) != 0 || !c_locale) return G_NOMEM;
    double d = strtod_l(copy, NULL, c_locale);
    if (isinf(d)) return G_DATA;
    *ret = d;
    return 0;
}

#define INFINITE ((uint64_t)0x7FF << 52)

/* 10^q to 128 bits: cut off, but rounded up where 64 bits of digits can be a multiple of 10^-q. */
static inline struct json_pow10 power_of_ten(int32_t q) {
    struct json_pow10 g = json_pow10(q);
    if (q < 0 && q >= -27) {
        g.lo++;
        g.hi += g.lo == 0;
    }
    return g;
}

/* The bits of a double below the normal ones, from 54 bits of its value (2^53 <= m) and the exponent it would have. */
static uint64_t subnormal_bits(uint64_t m, int32_t biased) {
    if (biased <= -63) return 0;
    m >>= 1 - biased;
    return (m + (m & 1)) >> 1; /* 2^52 is the first normal one's bits */
}

/*
 * The bits of the double nearest to w * 10^q, w not 0, q from JSON_POW10_MIN to 308; infinity when it is too large.
 * False when 128 bits of the power do not decide.
 */
static inline bool double_by_product(uint64_t w, int32_t q, uint64_t *ret_bits) {
    int zeros = __builtin_clzll(w);
    w <<= zeros;
    struct json_pow10 g = power_of_ten(q);
    unsigned __int128 product = (unsigned __int128)w * g.hi;
    uint64_t high = (uint64_t)(product >> 64);
    uint64_t low = (uint64_t)product;
    if ((high & 0x1FF) == 0x1FF) { /* what the lower half of the power adds may carry into the bits that count */
        uint64_t more = (uint64_t)((unsigned __int128)w * g.lo >> 64);
        low += more;
        high += low < more;
    }
    if (low == UINT64_MAX && (q < -27 || q > JSON_POW10_EXACT_MAX)) return false;
    int top = (int)(high >> 63);
    uint64_t m = high >> (top + 9); /* 53 bits and the one that rounds */
    int32_t biased = json_pow10_log2(q) + 63 + top - zeros + 1023;
    if (biased <= 0) {
        *ret_bits = subnormal_bits(m, biased);
        return true;
    }
    /* Exactly in the middle, which only these powers allow: to even. */
    if (low <= 1 && q >= -4 && q <= 23 && (m & 3) == 1 && m << (top + 9) == high) m &= ~(uint64_t)1;
    m = (m + (m & 1)) >> 1;
    /* Its highest bit adds one to the exponent, and so does rounding up to the next power of two. */
    uint64_t bits = ((uint64_t)(biased - 1) << 52) + m;
    *ret_bits = bits < INFINITE ? bits : INFINITE;
    return true;
}

/* Both are exact doubles, so the one operation rounds once. */
static inline double double_by_operation(const struct parts *x) {
    static const double tens[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
                                  1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
    double d = (double)(int64_t)x->digits;
    d = x->exponent < 0 ? d / tens[-x->exponent] : d * tens[x->exponent];
    return x->negative ? -d : d;
}

/* 0; G_DATA when it overflows; 1 when neither method decides. */
static int double_of_parts(const struct parts *x, double *ret) {
    uint64_t bits = 0;
    if (x->digits <= (uint64_t)1 << 53 && x->exponent >= -22 && x->exponent <= 22) {
        *ret = double_by_operation(x);
        return 0;
    }
    /* Else it is 0: 2^64 * 10^-343 is below half of the smallest double. */
    if (x->digits != 0 && x->exponent >= JSON_POW10_MIN) {
        if (x->exponent > 308) return G_DATA;
        if (!double_by_product(x->digits, (int32_t)x->exponent, &bits)) return 1;
        if (bits == INFINITE) return G_DATA;
    }
    bits |= (uint64_t)x->negative << 63;
    memcpy(ret, &bits, sizeof(bits));
    return 0;
}

__attribute__((noinline)) static int double_of_any(const char *p, size_t n, double *ret) {
    struct parts x;
    if (n > JSON_NUMBER_TEXT_MAX) return G_DATA;
    if (!parts_read_fast(p, n, false, &x) && parts_read(p, n, &x) < 0) return G_DATA;
    int rc = x.exact ? double_of_parts(&x, ret) : 1;
    return rc <= 0 ? rc : double_by_strtod(p, n, ret);
}

int json_number_to_double(const char *p, size_t n, double *ret) {
    struct parts x;
    if (n > BRIEF || !parts_read_fast(p, n, true, &x)) return double_of_any(p, n, ret);
    *ret = double_by_operation(&x);
    return 0;
}
