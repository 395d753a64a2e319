/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A topic, or a range of it, to an archive and back: leat-archive(5). What `topic export` and `topic import` are; both
 * ends are streams. An import is all or nothing, whatever the archive, the disk or a signal does.
 */
#ifndef LEAT_LOG_ARCHIVE_H
#define LEAT_LOG_ARCHIVE_H

#include "log/archive_write.h"
#include "log/offsets.h"

/* Told now and then, if set: bytes of segments, so far and in all. */
struct archive_watch {
    void (*fn)(void *ctx, uint64_t done, uint64_t total);
    void *ctx;
};

struct archive_report {
    uint64_t partitions, segments, records;
    uint64_t bytes;   /* of segments */
    uint64_t archive; /* of the archive */
};

struct export_request {
    int fd;           /* written to; stays the caller's */
    const char *name; /* for messages */
    enum archive_format format;
    const struct offset_range_spec *range; /* the same for each partition; NULL: everything */
    const uint32_t *only;                  /* partitions; NULL: all */
    size_t only_count;
    struct archive_watch watch;
};

/* Readers, appenders and cleaners go on meanwhile; what is exported is the topic at the moment of the call. */
int topic_export(struct topic *t, const struct export_request *q, struct archive_report *ret, struct err *e) NODISCARD;

struct import_request {
    int fd; /* read from; stays the caller's */
    const char *name;
    const char *topic;  /* NULL: as the manifest says */
    uint64_t max_bytes; /* 0: ARCHIVE_SIZE_MAX_DEFAULT */
    struct archive_watch watch;
};

struct import_report {
    struct archive_report archive;
    char topic[TOPIC_NAME_MAX + 1];
    uint64_t id;
    bool new_id; /* the identity was taken */
};

/* G_USAGE when there is a topic of that name; otherwise the grades of archive_read.h, and G_CORRUPT for what the
 * manifest and the segments are not. */
int topic_import(const struct log *log, const struct import_request *q, struct import_report *ret,
                 struct err *e) NODISCARD;

#endif
