/* SPDX-License-Identifier: Apache-2.0 */
/* Numbers out. See double.h. */
#include "json/double.h"

#include <stdbool.h>
#include <string.h>

#include "json/pow10.h"

#define E8 UINT64_C(100000000)
#define E16 UINT64_C(10000000000000000)
#define ZEROS UINT64_C(0x3030303030303030)

/* A number is digits * 10^exponent. */
struct decimal {
    uint64_t digits;
    int32_t exponent;
};

/*
 * The whole part of cp * g / 2^128, its lowest bit set when something was cut off. `g` is the power rounded up, which
 * is off by less than 2^-128, so a rest of at most 1 in the 64 bits behind the point is no rest.
 */
static inline uint64_t round_to_odd(struct json_pow10 g, uint64_t cp) {
    unsigned __int128 low = (unsigned __int128)g.lo * cp;
    unsigned __int128 sum = (unsigned __int128)g.hi * cp + (uint64_t)(low >> 64);
    return (uint64_t)(sum >> 64) | ((uint64_t)sum > 1);
}

/*
 * The shortest decimal in the rounding interval of c * 2^q. `narrow`: the double below is nearer than the one above, so
 * the lower half of the interval is half as wide. Names as in the paper: k is the exponent of ten at which the interval
 * holds at least one decimal; the interval and the value, scaled by 4 * 10^-k, are vbl, vb and vbr; s and s + 1 are the
 * neighbours of the value at that exponent, 10 * t and 10 * t + 10 those at the next.
 */
static struct decimal shortest(uint64_t c, int32_t q, bool narrow) {
    uint64_t odd = c & 1; /* the ends of the interval read back to an even neighbour: they belong to it if c is even */
    int32_t k = (q * 1262611 - (narrow ? 524031 : 0)) >> 22; /* floor(log10(2^q)), or of 3/4 * 2^q */
    int32_t h = q + json_pow10_log2(-k) + 1;
    struct json_pow10 g = json_pow10(-k);
    if (-k < 0 || -k > JSON_POW10_EXACT_MAX) {
        g.lo++;
        g.hi += g.lo == 0;
    }
    uint64_t vb = round_to_odd(g, 4 * c << h);
    uint64_t low = round_to_odd(g, (4 * c - 2 + narrow) << h) + odd;
    uint64_t high = round_to_odd(g, (4 * c + 2) << h) - odd;
    uint64_t s = vb / 4;
    if (s >= 10) {
        uint64_t t = s / 10;
        bool below = low <= 40 * t;
        bool above = 40 * t + 40 <= high;
        if (below != above) return (struct decimal){t + above, k + 1};
    }
    bool below = low <= 4 * s;
    bool above = 4 * s + 4 <= high;
    if (below != above) return (struct decimal){s + above, k};
    uint64_t middle = 4 * s + 2;
    bool up = vb > middle || (vb == middle && (s & 1));
    return (struct decimal){s + up, k};
}

/* x below 10^8 as eight digits, one a byte, the first in the lowest. Each step halves the lanes: 4, 2, 1 digits. */
static inline uint64_t eight_digits(uint32_t x) {
    uint64_t t = x / 10000 | (uint64_t)(x % 10000) << 32;
    uint64_t hundreds = (t * 10486 >> 20) & 0x0000007F0000007F;
    t = hundreds | (t - hundreds * 100) << 16;
    uint64_t tens = (t * 103 >> 10) & 0x000F000F000F000F;
    return tens | (t - tens * 10) << 8;
}

static inline void put8(char *out, uint64_t digits) {
    digits |= ZEROS;
    memcpy(out, &digits, 8);
}

/* Without leading zeros, x below 10^8; writes eight bytes. */
static inline size_t small_write(uint32_t x, char *out) {
    uint64_t digits = eight_digits(x);
    unsigned zeros = (unsigned)__builtin_ctzll(digits | (uint64_t)1 << 56) / 8;
    put8(out, digits >> (8 * zeros));
    return 8 - zeros;
}

static inline size_t whole_write(uint64_t x, char *out) {
    if (x < E8) return small_write((uint32_t)x, out);
    size_t n;
    if (x < E16) {
        n = small_write((uint32_t)(x / E8), out);
    } else {
        n = small_write((uint32_t)(x / E16), out);
        put8(out + n, eight_digits((uint32_t)(x / E8 % E8)));
        n += 8;
    }
    put8(out + n, eight_digits((uint32_t)(x % E8)));
    return n + 8;
}

size_t json_i64_write(int64_t v, char out[JSON_I64_MAX]) {
    size_t minus = v < 0;
    uint64_t x = (uint64_t)v;
    out[0] = '-';
    return minus + whole_write(minus ? 0 - x : x, out + minus);
}

/* Digits as text: d[0..n) begins and ends with no zero; the 17 bytes behind are readable, and zeros. */
struct digits {
    char text[40];
    const char *d;
    uint32_t n;
};

/* x has up to 17 digits and is not 0. */
static inline void digits_make(struct digits *ret, uint64_t x) {
    uint64_t low = eight_digits((uint32_t)(x % E8));
    uint64_t high = eight_digits((uint32_t)(x / E8 % E8));
    uint32_t top = (uint32_t)(x / E16);
    ret->text[0] = (char)('0' + top);
    put8(ret->text + 1, high);
    put8(ret->text + 9, low);
    memset(ret->text + 17, '0', sizeof(ret->text) - 17);
    uint32_t from = 0;
    if (top == 0) from = high ? 1 + (uint32_t)__builtin_ctzll(high) / 8 : 9 + (uint32_t)__builtin_ctzll(low) / 8;
    uint32_t to = 1;
    if (low)
        to = 17 - (uint32_t)__builtin_clzll(low) / 8;
    else if (high)
        to = 9 - (uint32_t)__builtin_clzll(high) / 8;
    ret->d = ret->text + from;
    ret->n = to - from;
}

/* d.ddde±xx; the value is 0.ddd * 10^point. */
static size_t with_exponent(const struct digits *x, int32_t point, char *out) {
    char *p = out;
    *p++ = x->d[0];
    if (x->n > 1) {
        *p = '.';
        memcpy(p + 1, x->d + 1, 16);
        p += x->n;
    }
    int32_t e = point - 1;
    *p++ = 'e';
    *p++ = e < 0 ? '-' : '+';
    uint32_t size = (uint32_t)(e < 0 ? -e : e);
    if (size >= 100) *p++ = (char)('0' + size / 100);
    *p++ = (char)('0' + size / 10 % 10);
    *p++ = (char)('0' + size % 10);
    return (size_t)(p - out);
}

/* The same number in 31 bytes. Copies have fixed sizes where that stays inside. */
static size_t digits_write(const struct digits *x, int32_t point, char *out) {
    int32_t n = (int32_t)x->n;
    if (point <= -4 || point > 21 || (point > 17 && point > n + 15)) return with_exponent(x, point, out);
    if (point <= 0) {
        memcpy(out, "0.00000", 7);
        memcpy(out + 2 - point, x->d, 17);
        return (size_t)(2 - point + n);
    }
    memcpy(out, x->d, 21);
    if (point >= n) return (size_t)point;
    out[point] = '.';
    if (point <= 14) {
        memcpy(out + point + 1, x->d + point, 16);
    } else {
        memcpy(out + point + 1, x->d + point, 2); /* 17 digits at most, so no more are left */
    }
    return (size_t)n + 1;
}

size_t json_double_write(double d, char out[JSON_DOUBLE_MAX]) {
    uint64_t bits;
    memcpy(&bits, &d, sizeof(bits));
    size_t minus = bits >> 63;
    uint64_t fraction = bits & (((uint64_t)1 << 52) - 1);
    int32_t biased = (int32_t)(bits >> 52 & 0x7FF);
    if (biased == 0x7FF) return 0;
    out[0] = '-';
    if (d > -0x1p53 && d < 0x1p53 && d == (double)(int64_t)d)
        return minus + whole_write((uint64_t)(minus ? -d : d), out + minus);
    uint64_t c = biased ? fraction | (uint64_t)1 << 52 : fraction;
    struct decimal x = shortest(c, (biased ? biased : 1) - 1075, fraction == 0 && biased > 1);
    struct digits text;
    digits_make(&text, x.digits);
    /* How many digits x.digits has is what tells the point from its exponent. */
    int32_t length = (int32_t)(text.text + 17 - text.d);
    return minus + digits_write(&text, length + x.exponent, out + minus);
}
