/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Property: single JSON values go in and out without loss. The bytes as a string are escaped alike on every path and
 * read back; as a number's text they are refused exactly when the validator refuses them, and read as strtod reads
 * them; their first eight as a double are written as a text that reads back and is no longer than printf's, and as a
 * whole number as printf writes it.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/utf8.h"
#include "json/double.h"
#include "json/escape.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define REQUIRE(x)                                                                                                     \
    do {                                                                                                               \
        if (!(x)) abort();                                                                                             \
    } while (0)

static void string(const char *p, size_t n) {
    static const enum json_simd paths[] = {JSON_PORTABLE, JSON_AVX2, JSON_AVX512, JSON_BEST};
    struct buf first = {0}, other = {0}, back = {0};
    int rc = json_escape_append_with(paths[0], &first, p, n);
    REQUIRE(rc == (utf8_validate(p, n) == n ? 0 : G_DATA));
    for (size_t i = 1; i < sizeof(paths) / sizeof(*paths) && rc == 0; i++) {
        buf_clear(&other);
        REQUIRE(json_escape_append_with(paths[i], &other, p, n) == 0);
        REQUIRE(other.len == first.len && memcmp(other.data, first.data, first.len) == 0);
    }
    if (rc == 0) {
        REQUIRE(json_unescape(first.data, first.len, &back) == 0);
        REQUIRE(back.len == n && (n == 0 || memcmp(back.data, p, n) == 0));
    }
    buf_release(&first);
    buf_release(&other);
    buf_release(&back);
}

static void number_in(struct json_validator *v, const char *p, size_t n) {
    double d = 7, want = 0;
    bool begins = n > 0 && (*p == '-' || (*p >= '0' && *p <= '9'));
    bool ends = n > 0 && p[n - 1] >= '0' && p[n - 1] <= '9';
    bool good = begins && ends && json_validate(v, p, n, NULL) == 0;
    if (good) {
        char copy[JSON_NUMBER_TEXT_MAX + 1];
        memcpy(copy, p, n);
        copy[n] = '\0';
        want = strtod(copy, NULL);
    }
    int rc = json_number_to_double(p, n, &d);
    REQUIRE(rc == (good && !isinf(want) ? 0 : G_DATA));
    REQUIRE(rc < 0 ? d == 7 : memcmp(&d, &want, sizeof(d)) == 0);
}

static void numbers_out(const uint8_t *data) {
    char out[JSON_DOUBLE_MAX], printed[64];
    double d, back;
    int64_t i;
    memcpy(&d, data, sizeof(d));
    size_t n = json_double_write(d, out);
    REQUIRE((n == 0) == !isfinite(d));
    if (n > 0) {
        REQUIRE(json_number_to_double(out, n, &back) == 0 && memcmp(&back, &d, sizeof(d)) == 0);
        int longest = snprintf(printed, sizeof(printed), "%.16e", d);
        REQUIRE(n <= (size_t)longest + 1);
    }
    memcpy(&i, data, sizeof(i));
    n = json_i64_write(i, out);
    REQUIRE(n == (size_t)snprintf(printed, sizeof(printed), "%lld", (long long)i) && memcmp(out, printed, n) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static struct json_validator v;
    if (!v.stack) REQUIRE(json_validator_init(&v, NULL) == 0);
    char *text = malloc(size ? size : 1);
    REQUIRE(text);
    memcpy(text, data, size);
    string(text, size);
    number_in(&v, text, size);
    if (size >= 8) numbers_out(data);
    free(text);
    return 0;
}
