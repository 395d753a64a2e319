/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Dead letters: a bad record whole, its raw bytes untouched, with headers that say why: leat.error, leat.tool,
 * leat.source (topic/partition@offset or file:line) and leat.time (RFC 3339). leat(1), BAD RECORDS.
 */
#ifndef LEAT_STREAM_DEADLETTER_H
#define LEAT_STREAM_DEADLETTER_H

#include "stream/stage.h"

int deadletter_put(struct stage *s, const struct record *r, const char *where, const struct err *why,
                   struct err *e) NODISCARD;

#endif
