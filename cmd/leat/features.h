/* SPDX-License-Identifier: Apache-2.0 */
/* What `leat --version` tells behind the version: how the code runs on this machine, and the libraries. */
#ifndef LEAT_CMD_FEATURES_H
#define LEAT_CMD_FEATURES_H

#include "base/buf.h"

/* "features: …\nlibraries: …\n". 0 or G_NOMEM. */
int features_append(struct buf *b) NODISCARD;

#endif
