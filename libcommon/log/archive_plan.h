/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an export writes, settled before the first byte of it: the manifest, and for each segment the open file and the
 * pieces that it is made of. A file that is open stays as it is below the durable end, whatever cleaners and appenders
 * do; so a plan is a snapshot that holds nobody up. leat-archive(5), section "Segments". Called by archive_export.c.
 */
#ifndef LEAT_LOG_ARCHIVE_PLAN_H
#define LEAT_LOG_ARCHIVE_PLAN_H

#include "log/archive.h"
#include "log/archive_manifest.h"

/* `head`, then bytes [from, to) of the file, then `tail`. */
struct planned_segment {
    int fd; /* -1: none is needed */
    struct buf head, tail;
    uint64_t from, to;
};

struct planned_partition {
    struct planned_segment *segments; /* as many as the manifest has of the partition */
    size_t count;
};

struct plan {
    struct manifest manifest;
    struct planned_partition *partitions;
};

/* Every block is read and its CRC checked: an archive never takes damage along. */
int plan_make(struct plan *plan, struct topic *t, const struct export_request *q, struct err *e) NODISCARD;
void plan_release(struct plan *plan);

#endif
