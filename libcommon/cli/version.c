/* SPDX-License-Identifier: Apache-2.0 */
/* The version. See version.h. The build writes commit.h, which defines LEAT_COMMIT, when the commit changes. */
#include "cli/version.h"

#include "base/version.h"
#include "commit.h"

const char *version_number(void) {
    return LEAT_VERSION;
}

const char *version_commit(void) {
    return LEAT_COMMIT;
}

static int features_append(struct buf *b) {
#if defined(__x86_64__)
    int rc = buf_puts(b, " x86-64");
    if (rc == 0 && __builtin_cpu_supports("sse4.2")) rc = buf_puts(b, " sse4.2");
    if (rc == 0 && __builtin_cpu_supports("avx2")) rc = buf_puts(b, " avx2");
#elif defined(__aarch64__)
    int rc = buf_puts(b, " arm64");
#else
    int rc = buf_puts(b, " portable");
#endif
#if defined(__SANITIZE_ADDRESS__)
    if (rc == 0) rc = buf_puts(b, " address-sanitizer");
#endif
    return rc;
}

int version_append(struct buf *b, const char *name) {
    int rc = buf_printf(b, "%s %s (commit %s)\nfeatures:", name, version_number(), version_commit());
    if (rc == 0) rc = features_append(b);
    return rc < 0 ? rc : buf_putc(b, '\n');
}
