/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Archives (tar, tar.gz, tar.zst, zip) written as a stream of named files whose sizes are known beforehand. The same
 * files give the same bytes: no times, owners or machine names are in them. leat-archive(5), section "Container".
 * Called by `topic export`; a tool that uses it links libarchive.
 */
#ifndef LEAT_LOG_ARCHIVE_WRITE_H
#define LEAT_LOG_ARCHIVE_WRITE_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

enum archive_format { ARCHIVE_TAR_ZST, ARCHIVE_TAR_GZ, ARCHIVE_TAR, ARCHIVE_ZIP };
#define ARCHIVE_FORMAT_WORDS "tar.zst|tar.gz|tar|zip" /* in the order of the above, for an option table */

/* By how a name ends (.tgz and .tzst, too); tar.zst if by nothing. */
enum archive_format archive_format_of(const char *name);

struct archive_writer;

/* Writes to fd, which stays the caller's; `name` is for messages and lives as long. */
int archive_writer_open(struct archive_writer **ret, int fd, const char *name, enum archive_format format,
                        struct err *e) NODISCARD;
void archive_writer_free(struct archive_writer *w); /* takes NULL; not closed: what was written is cut off */

/* A file, and then exactly `size` bytes of it. */
int archive_writer_entry(struct archive_writer *w, const char *name, uint64_t size, struct err *e) NODISCARD;
int archive_writer_data(struct archive_writer *w, const void *p, size_t n, struct err *e) NODISCARD;

/* The end of the archive; everything was handed to fd then. */
int archive_writer_close(struct archive_writer *w, struct err *e) NODISCARD;

/* Bytes that went to fd so far. */
uint64_t archive_writer_position(const struct archive_writer *w);

#endif
