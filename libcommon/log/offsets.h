/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The offset grammar of all tools (leat(1), OFFSETS): `beginning`, `end`, `stored`, `N`, `-N` (the last N), `+N`
 * (behind the first N that are kept), `@TIME`, and half-open ranges `A:B` of these; an empty side is the beginning or
 * the end.
 */
#ifndef LEAT_LOG_OFFSETS_H
#define LEAT_LOG_OFFSETS_H

#include "log/cursor.h"

enum offset_kind {
    OFFSET_BEGINNING,
    OFFSET_END,
    OFFSET_STORED,
    OFFSET_AT,         /* n */
    OFFSET_FROM_START, /* n */
    OFFSET_FROM_END,   /* n */
    OFFSET_TIME        /* time_ns */
};

struct offset_point {
    enum offset_kind kind;
    uint64_t n;
    int64_t time_ns;
};

struct offset_range_spec {
    struct offset_point from, to;
    bool has_to;
};

/* `now_ns` is what relative times count from. G_USAGE. */
int offset_parse(const char *text, int64_t now_ns, struct offset_range_spec *ret, struct err *e) NODISCARD;

/* Where that is in this partition now; stored (what the group committed, NULL: nothing) falls back to the beginning. */
int offset_resolve(const struct offset_point *p, struct cursor *c, const uint64_t *stored, uint64_t *ret,
                   struct err *e) NODISCARD;

#endif
