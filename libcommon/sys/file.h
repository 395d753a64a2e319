/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files and directories, whole or not at all: reads and writes that finish what they begin, directories beneath a
 * root, and the one way in which a small file is replaced.
 */
#ifndef LEAT_SYS_FILE_H
#define LEAT_SYS_FILE_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/buf.h"
#include "base/err.h"

/* Write all n bytes, through EINTR and (by poll) EAGAIN. G_PIPE when the reader went away, G_STOPPED when a signal
 * asked to stop while the descriptor was full. `name` is for the message. */
int file_write_all(int fd, const void *p, size_t n, const char *name, struct err *e) NODISCARD;

/* pwrite all; G_IO on error with *ret_done bytes written. */
int file_pwrite_all(int fd, const void *p, size_t n, off_t at, const char *name, struct err *e) NODISCARD;

/* pread up to n bytes, through EINTR and short reads; fewer only at the file's end. *ret_n is set on success. */
int file_pread(int fd, void *p, size_t n, off_t at, size_t *ret_n, const char *name, struct err *e) NODISCARD;

/* The whole of a small file into b (appended). G_DATA when it is longer than `limit`, G_ABSENT when there is none. */
int file_load(int dir, const char *name, size_t limit, struct buf *b, struct err *e) NODISCARD;

/* Replace dir/name by this content in one step that survives a power cut: temporary name in the same directory,
 * O_EXCL, write, fsync, rename, fsync of the directory. With `keep`, the file that was there stays as name.prev. */
int atomic_replace(int dir, const char *name, const void *p, size_t n, bool keep, struct err *e) NODISCARD;

/* The same for a file that others may read: its mode is 0666 less the umask. */
int atomic_publish(int dir, const char *name, const void *p, size_t n, struct err *e) NODISCARD;

/* Open a directory beneath `dir`; with `create` it is made (mode 0700, its parent synced). Refuses one that belongs
 * to somebody else or that others may write to. Returns a descriptor, or a grade; G_ABSENT if it is not there. */
int dir_open(int dir, const char *path, bool create, struct err *e) NODISCARD;

/* The root of a log: an absolute or relative path that may contain links; parents are made with `create`. The same
 * checks; refuses network and FUSE file systems unless `force`, as their locks and syncs do not keep what they promise.
 */
int dir_open_root(const char *path, bool create, bool force, struct err *e) NODISCARD;

int dir_sync(int dir, const char *name, struct err *e) NODISCARD;

/* Call fn for each entry but "." and ".."; stops with the first value other than 0 and returns it. */
int dir_each(int dir, int (*fn)(void *ctx, const char *name), void *ctx, struct err *e) NODISCARD;
/* The same; *ret_whole: one call of the system gave all names, as they were at one moment. Of several calls, one may
 * give a name that another has replaced meanwhile, or pass over both. */
int dir_each_once(int dir, int (*fn)(void *ctx, const char *name), void *ctx, bool *ret_whole, struct err *e) NODISCARD;

/* Remove a tree beneath dir without following links. */
int dir_remove_tree(int dir, const char *name, struct err *e) NODISCARD;

#endif
