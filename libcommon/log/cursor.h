/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading a partition: where offsets and times lie, and one block after the other as a place in a file, so that whole
 * blocks can be moved to a pipe without being looked at. Takes no locks; never passes the stable end unless asked to.
 */
#ifndef LEAT_LOG_CURSOR_H
#define LEAT_LOG_CURSOR_H

#include "log/index.h"
#include "log/partition.h"

struct cursor {
    struct partition part;
    bool uncommitted;     /* read up to the written end */
    uint64_t next_offset; /* the next record to be read */
    size_t record_limit;
    uint32_t read_epoch; /* of the segment of the last block returned, 0 after a seek */
    uint64_t *bases;     /* segments, as they were listed last */
    size_t base_count;
    int lent_fd;   /* of the block returned last: open until the next call, whatever becomes of the segment */
    int orphan_fd; /* the same, when the walk has moved on; -1: none */
    /* the open segment */
    int fd;
    struct segment_info info;
    struct segment_walk walk;
    bool walk_open;
    bool sealed;
    uint64_t next_base; /* sealed: base of the segment behind it */
    /* Active: end when the walk last looked at the file. What it has buffered beyond may have been torn, and replaced
     * since, so it is read again. */
    uint64_t settled;
};

/* One block, as a place. */
struct cursor_block {
    int fd;
    uint64_t at;   /* position of the header */
    uint64_t size; /* header and stored body */
    struct block_header h;
    uint64_t first, end; /* offsets: of the first record wanted (may lie inside), and behind the last */
    const char *bytes;   /* header and stored body where they were read already, until the next call; else NULL */
};

int cursor_open(struct cursor *c, struct topic *t, uint32_t partition, bool uncommitted, struct err *e) NODISCARD;
void cursor_close(struct cursor *c);

/* First offset that is kept, and the offset behind the last one that this cursor may read. */
uint64_t cursor_start(const struct cursor *c);
uint64_t cursor_end(const struct cursor *c);

/* Go to an offset; below the start it is the start. Beyond the end nothing comes until the log has grown that far. */
int cursor_seek(struct cursor *c, uint64_t offset, struct err *e) NODISCARD;

/* The offset of the first record whose time is at or after t (ns); the end when there is none. */
int cursor_find_time(struct cursor *c, int64_t t, uint64_t *ret_offset, struct err *e) NODISCARD;

/* The next block. 0; G_WAIT: nothing more for now; G_CORRUPT: damage, with the offset; G_ABSENT: the topic was deleted,
 * or the records here were removed by retention (next_offset has moved to what is kept: call again). */
int cursor_next(struct cursor *c, struct cursor_block *ret, struct err *e) NODISCARD;

/* The next block that has records below the offset `to` and is kept: for readers that pass over what retention removes
 * under them. Each time, `lost` is told what was removed (NULL: nobody is). 0; G_EOF: there is none below `to`; else as
 * cursor_next, where G_ABSENT now says that the topic was deleted. */
typedef void (*cursor_lost_fn)(void *ctx, const struct err *what);
int cursor_next_kept(struct cursor *c, uint64_t to, cursor_lost_fn lost, void *ctx, struct cursor_block *ret,
                     struct err *e) NODISCARD;

/* The block's bytes, checked, and its raw body. `bytes` holds header and stored body if it must; *ret_body lies in it,
 * in `raw`, or in the cursor, until its next call. */
int cursor_load(const struct cursor_block *b, struct buf *bytes, struct buf *raw, const char **ret_body,
                struct err *e) NODISCARD;

/* Give back the memory that reading on does not need: for a caller with many cursors that turns to another one. */
void cursor_pause(struct cursor *c);

/* Was the position (epoch, offset) of an earlier run cut off by a recovery since? G_CORRUPT if so. */
int cursor_check_epoch(struct cursor *c, uint32_t epoch, uint64_t offset, struct err *e) NODISCARD;

/* Epoch of the segment that holds, or will hold, next_offset. */
uint32_t cursor_epoch(const struct cursor *c);

#endif
