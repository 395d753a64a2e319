/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Letters: records that go to a place of their own with headers that say why: leat.error, leat.tool, leat.source
 * (topic/partition@offset or file:line) and leat.time (RFC 3339). leat(1), BAD RECORDS. Dead letters are the bad
 * ones, and there are others, of records that are sound but came too late.
 */
#ifndef LEAT_STREAM_LETTER_H
#define LEAT_STREAM_LETTER_H

#include "stream/stage.h"

struct letter_header {
    const char *name, *text;
};
struct letter {
    struct sink *to;
    const char *what;  /* for messages: "record" */
    const char *where; /* its name: stage_where, for one of the input */
    const char *why;
    const struct letter_header *more; /* headers beside the four */
    size_t more_count;
};

/* The record as it is, with these headers behind its own; in their place where there is no room for both. */
int letter_put(struct stage *s, const struct letter *letter, const struct record *r, struct err *e) NODISCARD;

#endif
