/* SPDX-License-Identifier: Apache-2.0 */
/* Scalars: making them, and what numbers and strings mean. See value.h. */
#include <math.h>
#include <stdlib.h>

#include "base/utf8.h"
#include "expr/value_impl.h"
#include "json/text.h"
#include "json/unescape.h"
#include "json/validate.h"

const uint8_t value_kind_of_byte[256] = {
    ['f'] = VK_FALSE,  ['t'] = VK_TRUE,  ['-'] = VK_NUMBER, ['0' ... '9'] = VK_NUMBER,
    ['"'] = VK_STRING, ['['] = VK_ARRAY, ['{'] = VK_OBJECT,
};

const char *value_type_name(struct value v) {
    static const char *const names[] = {"null", "boolean", "boolean", "number", "string", "array", "object"};
    return names[v.kind];
}

int value_copy_text(struct heap *h, const char *p, size_t n, struct value *ret) {
    char *copy = n <= UINT32_MAX ? heap_alloc(h, n) : NULL;
    if (!copy) {
        if (n > UINT32_MAX) h->exhausted = true;
        return G_NOMEM;
    }
    if (n) memcpy(copy, p, n);
    *ret = value_text(copy, n);
    return 0;
}

/* ---- strings ---- */

int value_string_raw(struct heap *h, const char *text, size_t n, const char **ret, size_t *ret_size) {
    const char *p = text + 1, *end = text + (n < 2 ? 1 : n - 1);
    size_t size = (size_t)(end - p);
    const char *slash = size ? memchr(p, '\\', size) : NULL;
    if (!slash) {
        *ret = p;
        *ret_size = size;
        return 0;
    }
    char *out = heap_alloc(h, size); /* unescaping never makes it longer */
    if (!out) return G_NOMEM;
    char *o = out;
    while (slash) {
        memcpy(o, p, (size_t)(slash - p));
        o += slash - p;
        p = slash;
        uint32_t cp;
        unsigned taken = json_escape_read(p, (size_t)(end - p), &cp);
        if (taken) {
            char utf8[4];
            unsigned k = utf8_encode(cp, utf8);
            memcpy(o, utf8, k);
            o += k;
            p += taken;
        } else {
            *o++ = *p++; /* not validated after all: as it stands */
        }
        slash = memchr(p, '\\', (size_t)(end - p));
    }
    memcpy(o, p, (size_t)(end - p));
    o += end - p;
    *ret = out;
    *ret_size = (size_t)(o - out);
    return 0;
}

/* ---- numbers ---- */

/*
 * A text too long for json_number_to_double, as one of its length: the digits beyond the 780th cannot change how the
 * value rounds except by being there, which one more digit says. (Halfway between two doubles there are at most 767.)
 */
static double long_double(const char *text, size_t n) {
    enum { DIGITS = 780 };
    char out[DIGITS + 40];
    size_t o = 0, digits = 0;
    int64_t shift = 0, exponent = 0;
    const char *p = text, *end = text + n;
    bool point = false, rest = false;
    if (p < end && *p == '-') out[o++] = *p++;
    for (; p < end && ((*p >= '0' && *p <= '9') || *p == '.'); p++) {
        if (*p == '.') {
            point = true;
            continue;
        }
        if (point) shift--;
        if (digits == 0 && *p == '0') continue;
        if (digits < DIGITS) {
            out[o++] = *p;
            digits++;
        } else {
            shift++;
            if (*p != '0') rest = true;
        }
    }
    if (digits == 0) return *text == '-' ? -0.0 : 0.0;
    if (rest) {
        out[o++] = '1';
        shift--;
    }
    if (p < end && (*p == 'e' || *p == 'E')) {
        bool minus = p + 1 < end && p[1] == '-';
        for (p++; p < end; p++) {
            if (*p >= '0' && *p <= '9' && exponent < (int64_t)1 << 40) exponent = exponent * 10 + (*p - '0');
        }
        if (minus) exponent = -exponent;
    }
    exponent += shift;
    out[o++] = 'e';
    if (exponent < 0) out[o++] = '-';
    char reversed[24];
    size_t k = 0;
    for (uint64_t e = (uint64_t)(exponent < 0 ? -exponent : exponent); k == 0 || e > 0; e /= 10)
        reversed[k++] = (char)('0' + e % 10);
    while (k > 0) out[o++] = reversed[--k];
    double d;
    if (json_number_to_double(out, o, &d) < 0) return *text == '-' ? (double)-INFINITY : (double)INFINITY;
    return d;
}

bool value_number_raw(const char *text, size_t n, int64_t *i, double *d) {
    const char *p = text, *end = text + n;
    bool minus = n > 1 && *p == '-';
    if (minus) p++;
    uint64_t x = 0;
    const char *safe = end - p > 18 ? p + 18 : end;
    while (p < safe && (unsigned char)(*p - '0') < 10) x = x * 10 + (unsigned char)(*p++ - '0');
    if (p == safe && p < end && (unsigned char)(*p - '0') < 10 && end - p == 1) {
        /* The 19th digit still fits an unsigned number. */
        x = x * 10 + (unsigned char)(*p++ - '0');
        if (x > (uint64_t)INT64_MAX + minus) p--;
    }
    if (p == end && (x || !minus)) {
        *i = minus ? (int64_t)(0 - x) : (int64_t)x;
        return true;
    }
    if (n > JSON_NUMBER_TEXT_MAX) {
        *d = long_double(text, n);
    } else if (json_number_to_double(text, n, d) < 0) {
        *d = *text == '-' ? (double)-INFINITY : (double)INFINITY;
    }
    return false;
}

double value_to_double(struct value v) {
    int64_t i;
    double d;
    return value_number(v, &i, &d) ? (double)i : d;
}

/* ---- parsing ---- */

static int validator_get(struct heap *h) {
    if (h->validator) return 0;
    struct json_validator *v = calloc(1, sizeof(*v));
    if (!v) return G_NOMEM;
    if (json_validator_init(v, NULL) < 0) {
        free(v);
        return G_NOMEM;
    }
    h->validator = v;
    return 0;
}

int value_parse(struct heap *h, const char *text, size_t n, struct value *ret) {
    if (validator_get(h) < 0) return G_NOMEM;
    struct json_fault fault;
    int rc = json_validate(h->validator, text, n, &fault);
    if (rc == G_DATA) {
        enum { SHOWN = 60 };
        return heap_throw(h, "%s at byte %zu (while parsing '%.*s%s')", fault.reason, fault.at,
                          (int)(n < SHOWN ? n : SHOWN), n ? text : "", n > SHOWN ? "..." : "");
    }
    if (rc < 0) return rc;
    const char *end = text + n;
    text = json_scan_space(text, end);
    while (end > text && raw_is_space(end[-1])) end--;
    *ret = value_raw(text, (size_t)(end - text));
    return 0;
}
