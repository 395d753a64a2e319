/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Property: each SIMD path of the JSON validator passes exactly the texts that the portable path passes, names the same
 * fault, and reads nothing outside the text, which is given in an allocation of its exact size. Allowing duplicate
 * keys changes nothing else. On the way the UTF-8 paths are compared, and the path lookup, the string and the number
 * functions meet the same bytes.
 */
#include <stdlib.h>
#include <string.h>

#include "../unit/json_path.h"
#include "base/utf8.h"
#include "json/validate.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define REQUIRE(x)                                                                                                     \
    do {                                                                                                               \
        if (!(x)) abort();                                                                                             \
    } while (0)

static const struct json_limits limits = {.max_depth = 40, .max_number_bytes = 50};
static const struct json_limits loose_limits = {.max_depth = 40, .max_number_bytes = 50, .allow_duplicate_keys = true};

/* A verdict of the SIMD path itself: a good text must not need the portable path's second look. */
static void compare(struct json_validator *v, const char *text, size_t len, int expect, const struct json_fault *at) {
    struct json_fault fault = {0, ""};
    uint64_t looks = v->second_looks;
    int rc = json_validate(v, text, len, &fault);
    REQUIRE(rc == expect);
    REQUIRE((rc == 0) == (v->second_looks == looks));
    if (rc < 0) REQUIRE(fault.at == at->at && fault.at <= len && strcmp(fault.reason, at->reason) == 0);
}

/* With duplicate keys allowed; `strict` is the verdict without. */
static void compare_loose(struct json_validator *v, size_t n, const char *text, size_t len, int strict,
                          const struct json_fault *at) {
    struct json_fault fault = {0, ""};
    int rc = json_validate(&v[0], text, len, &fault);
    for (size_t i = 1; i < n; i++) compare(&v[i], text, len, rc, &fault);
    bool duplicate = strict < 0 && strcmp(at->reason, "duplicate key in an object") == 0;
    REQUIRE(rc == strict || duplicate);
    REQUIRE(rc == 0 || strcmp(fault.reason, "duplicate key in an object") != 0);
    if (rc < 0 && !duplicate) REQUIRE(fault.at == at->at && strcmp(fault.reason, at->reason) == 0);
}

static void values(const struct json_path *paths, size_t n, const char *text, size_t len, bool good) {
    for (size_t i = 0; i < n; i++) {
        struct json_slice s;
        if (!json_path_find(&paths[i], text, len, &s)) {
            REQUIRE(!good || paths[i].n > 0);
            continue;
        }
        REQUIRE(s.p >= text && s.n > 0 && s.p + s.n <= text + len && s.type == json_type_of(s.p, s.n));
        struct buf out = {0};
        double d;
        int rc = json_unescape(s.p, s.n, &out);
        REQUIRE(!good || (rc == 0) == (s.type == JSON_TYPE_STRING));
        if (good && rc == 0) {
            /* What was read is UTF-8, and written again it reads the same. */
            struct buf text_again = {0}, again = {0};
            REQUIRE(json_escape_append(&text_again, out.len ? out.data : "", out.len) == 0);
            REQUIRE(json_unescape(text_again.data, text_again.len, &again) == 0);
            REQUIRE(again.len == out.len && (out.len == 0 || memcmp(again.data, out.data, out.len) == 0));
            buf_release(&text_again);
            buf_release(&again);
        }
        buf_release(&out);
        rc = json_number_to_double(s.p, s.n, &d);
        REQUIRE(rc < 0 || s.type == JSON_TYPE_NUMBER);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const char *const texts[] = {".", ".a", ".a.b", ".[0]", ".[-1]", ".a[1]", ".\"\\u0061 b\""};
    static struct json_path paths[sizeof(texts) / sizeof(*texts)];
    static const enum json_simd simd[] = {JSON_PORTABLE, JSON_AVX2, JSON_AVX512};
    static struct json_validator v[3], loose[3];
    static size_t n;
    if (n == 0) {
        for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++)
            REQUIRE(json_path_compile(texts[i], &paths[i], NULL) == 0);
        for (size_t i = 0; i < 3; i++) {
            if (json_validator_init_with(&v[n], &limits, simd[i]) < 0) continue;
            REQUIRE(json_validator_init_with(&loose[n++], &loose_limits, simd[i]) == 0);
        }
        REQUIRE(n > 0);
    }
    char *text = malloc(size ? size : 1);
    REQUIRE(text);
    memcpy(text, data, size);
    struct json_fault fault = {0, ""};
    int rc = json_validate(&v[0], text, size, &fault);
    for (size_t i = 1; i < n; i++) compare(&v[i], text, size, rc, &fault);
    compare_loose(loose, n, text, size, rc, &fault);
    size_t bad = utf8_validate_with(UTF8_PORTABLE, text, size);
    REQUIRE(bad == utf8_validate(text, size));
    REQUIRE(rc < 0 || bad == size);
    values(paths, sizeof(texts) / sizeof(*texts), text, size, rc == 0);
    free(text);
    return 0;
}
