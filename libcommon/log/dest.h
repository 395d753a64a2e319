/* SPDX-License-Identifier: Apache-2.0 */
/*
 * "TOPIC|FILE" as options take it: a name with a slash, or one that is a file or a FIFO already, is a file; anything
 * else is a topic (leat(1), BAD RECORDS).
 */
#ifndef LEAT_LOG_DEST_H
#define LEAT_LOG_DEST_H

#include "log/topic.h"
#include "stream/sink.h"

bool dest_is_file(const char *place);
/* Are both the same topic, or lead to the same file? */
bool dest_is_same(const char *a, const char *b);

int dest_open(struct sink **ret, const struct log *log, const char *place, struct err *e) NODISCARD;

#endif
