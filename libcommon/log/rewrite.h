/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writing a segment anew: compressing, compacting and repairing all do it through here. The new file takes the place of
 * the old one by a rename, so that whoever reads the old one goes on, and a crash leaves the one or the other, whole.
 */
#ifndef LEAT_LOG_REWRITE_H
#define LEAT_LOG_REWRITE_H

#include "log/segment.h"

#define REWRITE_SUFFIX ".leat.rewrite.tmp"

struct segment_writer {
    int dir, fd;
    struct segment_identity id;
    struct segment_info *info; /* not owned; the commit sets head_bytes */
    bool zstd;                 /* compress, and join small blocks so that it pays */
    uint64_t size;             /* bytes so far, what is buffered included */
    uint64_t blocks, records;
    struct buf out;
    bool pending; /* `h` and `raw` are a block that others may still join */
    struct block_header h;
    uint64_t end; /* offset behind its last record */
    struct buf raw, packed;
};

/* Begin with the segment block, in a file with a temporary name. Under the clean lock: a leftover is removed. */
int segment_writer_open(struct segment_writer *w, int dir, const struct segment_identity *id, struct segment_info *info,
                        bool zstd, struct err *e) NODISCARD;

/* A block by its raw body; `end` is the offset behind its last record. */
int segment_writer_add(struct segment_writer *w, const struct block_header *h, const char *raw, uint64_t end,
                       struct err *e) NODISCARD;

/* A block byte for byte. */
int segment_writer_copy(struct segment_writer *w, const uint8_t header[BLOCK_HEADER_SIZE], const char *stored, size_t n,
                        struct err *e) NODISCARD;

/* Sync, rename over the old file, sync the directory, write the index. */
int segment_writer_commit(struct segment_writer *w, struct err *e) NODISCARD;
void segment_writer_close(struct segment_writer *w); /* without a commit before it: as if nothing had been */

/* A sealed segment, opened to be read whole. */
struct sealed {
    int dir, fd;
    struct segment_identity id;
    struct segment_info info, next; /* next: of the segment behind it */
    uint64_t size;                  /* bytes that count */
};
/* G_CORRUPT when what the two say of each other does not agree: nothing may be built on them then. */
int sealed_open(struct sealed *s, int dir, const struct segment_identity *id, uint64_t base, uint64_t next_base,
                struct err *e) NODISCARD;
void sealed_close(struct sealed *s);

/* Was a segment sealed that long ago? `behind` is the one behind it. By the steady clock within one boot, else by the
 * wall clock. */
bool sealed_since(const struct segment_info *behind, int64_t age_ns) NODISCARD;

/* What `info` of a rewritten version says; `lost` still belongs to the old one. */
struct segment_info sealed_rewritten_info(const struct sealed *s);

struct rewrite_result {
    uint64_t bytes, records_before, records_after;
};

/* Write it anew, every byte of the old one checked before. `keep` NULL: all records. */
int sealed_rewrite(const struct sealed *s, bool zstd, bool (*keep)(void *ctx, const struct record *r), void *ctx,
                   struct rewrite_result *ret, struct err *e) NODISCARD;

#endif
