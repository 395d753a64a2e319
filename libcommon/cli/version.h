/* SPDX-License-Identifier: Apache-2.0 */
/* What build this is: for --version, and for the history that a stream's start block carries. */
#ifndef LEAT_CLI_VERSION_H
#define LEAT_CLI_VERSION_H

#include "base/buf.h"

const char *version_number(void); /* "0.1.0" */
const char *version_commit(void); /* "1a2b3c4d5e6f", with "+" where the tree was changed; "unknown" outside git */

/* "leat filter 0.1.0 (commit …)\n" */
int version_append(struct buf *b, const char *name) NODISCARD;

#endif
