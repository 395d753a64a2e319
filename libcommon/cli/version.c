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

int version_append(struct buf *b, const char *name) {
    return buf_printf(b, "%s %s (commit %s)\n", name, version_number(), version_commit());
}
