/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files that grow, as `tail -F` reads them: for `produce --follow`. A file that is not there yet is waited for; one
 * that was renamed away is read to its end before the file that took its name; one that was cut short is read anew from
 * its begin. Growth is seen at once by inotify where the system grants it, and by a look each FOLLOW_LOOK_NS in any
 * case.
 *
 * For each file: follow_open; inbuf_init(in, f->fd, path) and in->follow = true; follow_detect, unless the format is
 * known; text_in_open. Then follow_next until it says G_WAIT for every file, then follow_wait_any. The end of an old
 * file ends its last record: a line without LF is one, and what is cut off otherwise is a bad record.
 *
 * What cannot be seen: a file cut short and grown beyond the old length between two looks, one that came and went
 * between two looks, and what a program writes to a renamed file after the new one has its first byte.
 */
#ifndef LEAT_STREAM_FOLLOW_H
#define LEAT_STREAM_FOLLOW_H

#include "stream/text_in.h"

#define FOLLOW_LOOK_NS 250000000

enum follow_notice { FOLLOW_NOTHING, FOLLOW_APPEARED, FOLLOW_ROTATED, FOLLOW_CUT_SHORT };

struct follow {
    const char *path;          /* belongs to the caller */
    int fd;                    /* what is being read; of /dev/null while there is no file */
    bool absent;               /* there has been no file yet */
    int next_fd;               /* the file that took the name, or -1 */
    bool cut_short;            /* the file is shorter than what was read of it */
    bool last_cut;             /* the last record of the old file was refused; switch in the next call */
    enum follow_notice notice; /* what happened last; the caller says so and sets FOLLOW_NOTHING */
    int inotify;               /* or -1 */
    int file_watch;            /* or -1 */
};

/* G_USAGE when it is no regular file; G_IO when it is there and cannot be opened. */
int follow_open(struct follow *f, const char *path, struct err *e) NODISCARD;
void follow_release(struct follow *f); /* closes the file too; takes NULL and a zeroed one */

/* The next record of the file, as text_in_next has it, but without an end: never G_EOF, and G_TRUNCATED is G_DATA. */
int follow_next(struct follow *f, struct inbuf *in, struct text_in *t, struct record *r, struct err *e) NODISCARD;

/* What the first bytes of the file look like (never IN_DETECT), or G_WAIT: follow_wait_any, then ask again. */
int follow_detect(struct follow *f, struct inbuf *in, enum in_format *ret, struct err *e) NODISCARD;

/* Wait until a file has something to read, or another one took its name. 0; G_WAIT after timeout_ns (negative: never);
 * G_STOPPED when a signal asked to stop; G_IO; G_USAGE when what took the name is no regular file. */
int follow_wait_any(struct follow *const *files, size_t n, int64_t timeout_ns, struct err *e) NODISCARD;

#endif
