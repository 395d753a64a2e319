/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Snapshots of keyed state in a directory: leat-state(5). A snapshot is a chain of files, one whole and then
 * differences, and `state`, the one file that names them; replacing that is the one point of commit. A snapshot of a
 * large state of which little changed writes what changed.
 *
 *     snapshot_open (takes the lock) → snapshot_restore → … → snapshot_begin, _put/_remove/_drop, snapshot_commit → … →
 *     snapshot_close
 *
 * State is items: a space (a pane of time, or whatever the tool numbers), a key in it, and bytes. What they mean is the
 * tool's; `identity` says whose they are, and a directory of another identity is refused.
 */
#ifndef LEAT_STATE_SNAPSHOT_H
#define LEAT_STATE_SNAPSHOT_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

struct snapshot;

/* Opens and locks `dir`, which is made if it is not there (`force_fs`: on a network file system, too). `tool` and
 * `identity` (UTF-8: the program and the options that decide what state means) must be those of the state that is
 * there: else G_USAGE, with what differs. G_USAGE, too, for a directory that holds other things, or that others may
 * write to; G_IO, G_CORRUPT; G_FENCED when another process has it. Once it is open, the directory has to stay writable
 * for a sandbox: files come and go in it. */
int snapshot_open(const char *dir, const char *tool, const char *identity, bool force_fs, struct snapshot **ret,
                  struct err *e) NODISCARD;
void snapshot_close(struct snapshot *s); /* takes NULL */

/* What restoring gives, in the order in which it was written: a later put replaces an earlier one of the same space and
 * key. All sizes are checked; the bytes are only what the CRC says was written. Below 0 ends it. The bytes are good
 * until the function returns. */
struct snapshot_ops {
    int (*put)(void *ctx, int64_t space, const char *key, size_t key_size, const char *value, size_t value_size,
               struct err *e);
    int (*remove)(void *ctx, int64_t space, const char *key, size_t key_size, struct err *e);
    int (*drop)(void *ctx, int64_t space, struct err *e); /* the whole space */
};
/* 0, and *ret_meta what was given to the commit (NULL when there is no state yet), to be freed by the caller. What was
 * restored is durable. Before the first snapshot_begin only. After an error what was given before it is void; G_CORRUPT
 * names the file and the place in it. */
int snapshot_restore(struct snapshot *s, const struct snapshot_ops *ops, void *ctx, json_t **ret_meta,
                     struct err *e) NODISCARD;

/* Begin a snapshot. *ret_whole says whether everything must be put, or only what changed since the last one: the first
 * is whole, and so is one when the differences have grown to the size of the whole or to 64 files, when state that is
 * there was not restored, and behind a snapshot that was begun and not committed; so changes may be taken for saved
 * once they were put. `force_whole` asks for one. */
int snapshot_begin(struct snapshot *s, bool force_whole, bool *ret_whole, struct err *e) NODISCARD;
/* An error fails the snapshot: commit then refuses. Key and value together are at most 1 GiB (G_NOMEM). */
int snapshot_put(struct snapshot *s, int64_t space, const char *key, size_t key_size, const char *value,
                 size_t value_size, struct err *e) NODISCARD;
int snapshot_remove(struct snapshot *s, int64_t space, const char *key, size_t key_size, struct err *e) NODISCARD;
int snapshot_drop(struct snapshot *s, int64_t space, struct err *e) NODISCARD;
/* Durable when it returns 0: files synced, `state` replaced and its directory synced, and then older files removed. On
 * an error the last snapshot stays what it was; where it is not known whether the new one counts (its rename or the
 * sync behind it failed), one of the two is found whole later, and this handle makes no more (G_IO). A difference
 * without items writes no file. `meta` is not kept; as text it has to stay below 16 MiB. */
int snapshot_commit(struct snapshot *s, const json_t *meta, struct err *e) NODISCARD;

/* For messages and --stats: of the last snapshot that counts. */
struct snapshot_stats {
    uint64_t whole_bytes, difference_bytes; /* of the chain */
    unsigned files;
};
void snapshot_get_stats(const struct snapshot *s, struct snapshot_stats *ret);

#endif
