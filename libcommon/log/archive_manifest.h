/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The manifest of an archive of a topic, as a struct and as JSON: leat-archive(5), section "Manifest". Export fills it
 * in and writes it, import reads it and holds everything that comes against it. Times that nobody has are NO_TIME.
 */
#ifndef LEAT_LOG_ARCHIVE_MANIFEST_H
#define LEAT_LOG_ARCHIVE_MANIFEST_H

#include "log/topic.h"

#define MANIFEST_FILE "manifest.json"
#define MANIFEST_MAX_BYTES (16u << 20)
#define MANIFEST_NAME_MAX (TOPIC_NAME_MAX + 48) /* of an entry, with its NUL */

struct manifest_segment {
    uint64_t offset, end_offset; /* its records lie in [offset, end_offset) */
    uint64_t size;               /* bytes */
    uint32_t crc32c;             /* of all of them */
    uint64_t records;
    int64_t min_time, max_time;
};

struct manifest_partition {
    uint64_t start, end;
    struct manifest_segment *segments;
    size_t count;
};

struct manifest {
    char topic[TOPIC_NAME_MAX + 1];
    uint64_t topic_id;
    int64_t created_ns;
    struct topic_settings settings;
    uint32_t partition_count;
    struct manifest_partition *partitions;
};
void manifest_release(struct manifest *m); /* takes NULL and a zeroed one */

/* A zeroed place behind the segments of a partition; NULL: out of memory. */
struct manifest_segment *manifest_add(struct manifest_partition *p);

/* Bytes of all segments. */
uint64_t manifest_bytes(const struct manifest *m);

/* The name of an entry. */
void manifest_entry_name(char out[MANIFEST_NAME_MAX], const char *topic, uint32_t partition, uint64_t offset);

/* The text, appended. */
int manifest_encode(const struct manifest *m, struct buf *b, struct err *e) NODISCARD;

/* Everything that the page asks of a manifest is checked, but what only the segments can tell. G_CORRUPT names the
 * member. */
int manifest_decode(const char *text, size_t n, struct manifest *ret, struct err *e) NODISCARD;

#endif
