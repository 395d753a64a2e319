/* SPDX-License-Identifier: Apache-2.0 */
/* The values of JSON numbers. See text.h. */
#include <locale.h>
#include <math.h>
#include <pthread.h>
#include <stdlib.h>

#include "json/text.h"

/* A number taken apart: where it is exact, the value is (-1)^negative * digits * 10^exponent. */
struct parts {
    bool negative;
    bool exact;       /* the significant digits fit; else only `negative` and this mean something */
    uint64_t digits;  /* without trailing zeros */
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

/* Take the number apart by the grammar of RFC 8259; G_DATA when it is none or has something behind it. */
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

int json_number_to_i64(const char *p, size_t n, int64_t *ret) {
    struct parts x;
    if (parts_read(p, n, &x) < 0) return G_DATA;
    /* Digits end in no zero, so a negative exponent never divides out. */
    if (!x.exact || (x.digits && x.exponent < 0)) return G_DATA;
    for (; x.digits && x.exponent > 0; x.exponent--) {
        if (x.digits > UINT64_MAX / 10) return G_DATA;
        x.digits *= 10;
    }
    if (x.digits > (uint64_t)INT64_MAX + x.negative) return G_DATA;
    *ret = x.negative ? (int64_t)(0 - x.digits) : (int64_t)x.digits;
    return 0;
}

static pthread_once_t locale_once = PTHREAD_ONCE_INIT;
static locale_t c_locale;

static void locale_init(void) {
    c_locale = newlocale(LC_ALL_MASK, "C", (locale_t)0);
}

/* By the C library, which rounds correctly, in a locale whose decimal point is a point. */
static int double_by_strtod(const char *p, size_t n, double *ret) {
    char copy[JSON_NUMBER_TEXT_MAX + 1];
    if (n > JSON_NUMBER_TEXT_MAX) return G_DATA;
    memcpy(copy, p, n);
    copy[n] = '\0';
    if (pthread_once(&locale_once, locale_init) != 0 || !c_locale) return G_NOMEM;
    double d = strtod_l(copy, NULL, c_locale);
    if (isinf(d)) return G_DATA;
    *ret = d;
    return 0;
}

int json_number_to_double(const char *p, size_t n, double *ret) {
    static const double tens[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
                                  1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
    struct parts x;
    if (n > JSON_NUMBER_TEXT_MAX || parts_read(p, n, &x) < 0) return G_DATA;
    /* Both operands are exact doubles, so the one operation rounds once (Clinger, 1990). */
    if (x.exact && x.digits <= (uint64_t)1 << 53 && x.exponent >= -22 && x.exponent <= 22) {
        double d = (double)x.digits;
        d = x.exponent < 0 ? d / tens[-x.exponent] : d * tens[x.exponent];
        *ret = x.negative ? -d : d;
        return 0;
    }
    return double_by_strtod(p, n, ret);
}
