/* SPDX-License-Identifier: Apache-2.0 */
/* What a partition holds, for list, describe, trim and compact. */
#ifndef LEAT_CMD_TOPIC_STOCK_H
#define LEAT_CMD_TOPIC_STOCK_H

#include "log/cursor.h"

struct stock {
    uint64_t start, end; /* offsets that a reader gets */
    uint64_t durable;
    uint32_t epoch;
    uint64_t segments, compressed, bytes;
    /* by the headers of all blocks */
    uint64_t blocks, records, raw_bytes;
    int64_t min_time, max_time;
};

/* `whole`: look at the header of each block, too. Takes no locks beyond those of opening; never changes anything. */
int stock_take(struct topic *t, uint32_t partition, bool whole, struct stock *ret, struct err *e) NODISCARD;

#endif
