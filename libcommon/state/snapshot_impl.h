/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Inside of snapshots: the handle, the chain of files that makes one, the frames in the files and the manifest that
 * names them. leat-state(5) is the format. Included by snapshot_*.c only.
 */
#ifndef LEAT_STATE_SNAPSHOT_IMPL_H
#define LEAT_STATE_SNAPSHOT_IMPL_H

#include "state/snapshot.h"

#define SNAPSHOT_ITEM_MAX (UINT64_C(1) << 30)                          /* key and value */
#define SNAPSHOT_FRAME_MAX ((UINT64_C(1) << 30) + (UINT64_C(1) << 20)) /* items of a frame */
#define SNAPSHOT_MANIFEST_MAX ((size_t)16 << 20)
#define SNAPSHOT_FILES_MAX 1000

enum { SNAPSHOT_FRAME_FILL = 256 << 10 }; /* a writer ends a frame that has this much */
enum { SNAPSHOT_CHAIN_FILL = 64 };        /* a writer begins a new chain behind so many files */
enum { SNAPSHOT_NAME_MAX = 32 };

enum snapshot_tag { TAG_PUT = 1, TAG_REMOVE = 2, TAG_DROP = 3, TAG_SPACE = 4 };

struct chain_file {
    uint64_t number, id, size;
    bool whole;
};

struct chain {
    size_t count;
    struct chain_file files[SNAPSHOT_FILES_MAX];
};

struct snapshot {
    int dir, lock_fd;
    char *path; /* for messages */
    char *tool, *identity;
    struct chain chain; /* what `state` names; no files: there is none */
    json_t *meta;       /* of the state that was found */
    bool restored;      /* the chain has what the caller had: a difference may follow */
    bool doubtful;      /* a commit failed when it may have happened */
    /* the snapshot that was begun */
    bool begun;
    struct chain_file file;
    int fd; /* -1: not created yet */
    struct buf frame;
    bool has_space; /* the frame has a space item, and `space` is the last one */
    int64_t space;
};

/* ---- snapshot_frame.c: the header of a frame, and the names of files ---- */

enum { FRAME_HEADER = 40 };
enum { FRAME_LAST = 1 };

/* Fill in the header at `frame`, behind which `size` bytes of items stand. */
void frame_seal(char *frame, uint32_t size, const struct chain_file *f, uint64_t position, bool last);
/* Check a header with `left` bytes of file behind it: NULL, or what is wrong with it, to be followed by "at byte". */
const char *frame_check_header(const char *header, const struct chain_file *f, uint64_t position, uint64_t left,
                               uint32_t *ret_size, bool *ret_last);
bool frame_check_crc(const char *frame, uint32_t size);

void chain_name(const struct chain_file *f, char out[SNAPSHOT_NAME_MAX]);
bool chain_name_parse(const char *name, struct chain_file *ret); /* number and whole */

/* ---- snapshot_manifest.c ---- */

int manifest_encode(const struct snapshot *s, const struct chain *chain, const json_t *meta, struct buf *out,
                    struct err *e) NODISCARD;
/* Into s->chain and s->meta, if tool and identity agree: G_USAGE, G_CORRUPT. */
int manifest_decode(struct snapshot *s, const char *text, size_t n, struct err *e) NODISCARD;

/* ---- snapshot_dir.c ---- */

/* Files that the chain does not name go, as far as they can be removed. */
void snapshot_clean(const struct snapshot *s);

/* ---- snapshot_write.c ---- */

/* Give up what was begun, and remove its file. */
void snapshot_abandon(struct snapshot *s);

#endif
