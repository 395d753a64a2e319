/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The parts of `leat show`: one record whole (whole.c), what a stream is made of (info.c, info_text.c), and the records
 * of a topic as standard input (from_topic.c).
 */
#ifndef LEAT_CMD_SHOW_H
#define LEAT_CMD_SHOW_H

#include <jansson.h>
#include <sys/types.h>

#include "stream/stage.h"

/* from_topic.c: `leat consume` runs beside this process, and its output is this one's standard input. */
struct from_topic {
    pid_t child; /* 0: none */
};
struct topic_range {
    const char *topic, *dir, *offset; /* dir and offset NULL: the defaults */
    const char **partitions;
    size_t partition_count;
    bool force_fs;
};
int from_topic_start(struct from_topic *f, const struct topic_range *range, struct err *e) NODISCARD;
/* Closes standard input and waits. The exit code of the child where it failed by itself, else 0: a child that could not
 * write because enough was read has not failed. */
int from_topic_finish(struct from_topic *f);

/* whole.c: every field of a record, for people. */
struct whole;
int whole_open(struct whole **ret, bool color, struct err *e) NODISCARD;
void whole_free(struct whole *w); /* takes NULL */
/* Append the record, with an empty line behind it. Safe for terminals. */
int whole_record(struct whole *w, const struct record *r, const struct record_origin *from, struct buf *out,
                 struct err *e) NODISCARD;

/* info.c: what a stream is made of. */
enum { INFO_SOURCES_MAX = 4096, INFO_STREAMS_MAX = 100 };
struct info_source {
    uint64_t topic_id;
    uint32_t partition;
    char *topic; /* NULL: no source block told */
    uint64_t first, last, records;
};
struct info {
    const char *name;
    enum in_format format;
    int grade;  /* how it ended: G_END, G_EOF or what went wrong */
    int status; /* of the last end block */
    bool ended; /* the last block was an end */
    uint64_t bytes, records;
    uint64_t data_blocks, controls[CONTROL_SEGMENT + 1];
    uint64_t with_crc, all_blocks, validated, compressed;
    uint64_t raw_bytes, stored_bytes; /* bodies of data blocks */
    uint64_t json, binary, tombstones, keys, headers, without_time, bad;
    int64_t min_time, max_time;
    struct info_source *sources;
    size_t source_count, source_cap, source_last;
    uint64_t more_sources, more_streams; /* beyond what is kept */
    json_t *streams;                     /* array: run, pipeline and history of each start block */
};
int info_init(struct info *i, struct err *e) NODISCARD;
void info_release(struct info *i);
/* Callbacks of the stage. */
int info_block(struct info *i, const struct block *b, struct err *e) NODISCARD;
void info_record(struct info *i, const struct record *r);
/* The run is over with this grade. */
void info_end(struct info *i, const struct stage *s, int grade);

/* info_text.c: the whole of it for people and as JSON, and the one line of --verify. */
int info_text(const struct info *i, struct buf *out) NODISCARD;
int info_json(const struct info *i, const struct err *why, struct buf *out) NODISCARD;
int info_line(const struct info *i, struct buf *out) NODISCARD;
/* "end", "eof", "truncated", …: the grades of leat-stream(5). */
const char *info_ends(const struct info *i);

#endif
