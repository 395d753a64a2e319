/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See features.h. The paths are those that the tools take on this processor. The dispatcher links none of the libraries
 * that single tools need, so that it starts fast: their versions are those of the headers that leat was built with.
 * libjq alone, which is loaded by a tool that needs it, is looked for.
 */
#include "features.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <archive.h>
#include <curl/curlver.h>
#include <jansson.h>
#include <pcre2.h>
#include <sqlite3.h>
#include <zlib.h>
#include <zstd.h>

#include "base/crc32c.h"
#include "expr/jq_engine.h"
#include "json/validate.h"

#define WORD_OF(x) #x
#define WORD(x) WORD_OF(x)

static const struct {
    const char *name, *version;
} libraries[] = {
    {"zstd", ZSTD_VERSION_STRING},
    {"jansson", JANSSON_VERSION},
    {"PCRE2", WORD(PCRE2_MAJOR) "." WORD(PCRE2_MINOR)},
    {"SQLite", SQLITE_VERSION},
    {"libarchive", ARCHIVE_VERSION_ONLY_STRING},
    {"libcurl", LIBCURL_VERSION},
    {"zlib", ZLIB_VERSION},
};

static const char *json_path(void) {
    static const char *const names[] = {
        [JSON_BEST] = "unknown", [JSON_PORTABLE] = "portable", [JSON_AVX2] = "AVX2", [JSON_AVX512] = "AVX-512"};
    struct json_validator v;
    if (json_validator_init(&v, NULL) < 0) return names[JSON_BEST]; /* no memory, no random seed */
    enum json_simd simd = v.simd;
    json_validator_release(&v);
    return names[simd];
}

static const char *crc32c_name(void) {
    if (crc32c_path(CRC32C_AVX512)) return "AVX-512";
    return crc32c_path(CRC32C_SSE42) ? "SSE4.2" : "portable";
}

int features_append(struct buf *b) {
    int rc = buf_printf(b, "features: JSON %s, CRC-32C %s, libjq %s", json_path(), crc32c_name(),
                        jq_engine_is_there() ? "present" : "absent");
#if defined(__SANITIZE_ADDRESS__)
    if (rc == 0) rc = buf_puts(b, ", address sanitizer");
#endif
    for (size_t i = 0; i < sizeof libraries / sizeof *libraries && rc == 0; i++)
        rc = buf_printf(b, "%s %s %s", i == 0 ? "\nlibraries:" : ",", libraries[i].name, libraries[i].version);
    return rc < 0 ? rc : buf_putc(b, '\n');
}
