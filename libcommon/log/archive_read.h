/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Archives (tar, tar.gz, tar.zst, zip) read as a stream of named entries; nothing is unpacked to disk and nothing is
 * ever sought, so a pipe does. The format is told from the first bytes. leat-archive(5), section "Reading archives".
 * Called by `topic import` and `replay`; a tool that uses it links libarchive (LIBS_<tool> in the Makefile).
 *
 *     archive_reader_open → archive_reader_next → { archive_reader_read until G_EOF } → next … G_EOF → free
 *
 * Refused with G_CORRUPT, by the name of the entry: names that are absolute, have `..`, an empty part, a backslash, a
 * control character, bytes that are not UTF-8, or are longer than ARCHIVE_NAME_MAX; two entries of one name; links,
 * devices, FIFOs, sockets, sparse and encrypted files; compression within compression; bytes behind the end. What goes
 * beyond the limits is G_DATA. An archive that is cut off is G_TRUNCATED.
 */
#ifndef LEAT_LOG_ARCHIVE_READ_H
#define LEAT_LOG_ARCHIVE_READ_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

#define ARCHIVE_NAME_MAX 1000
#define ARCHIVE_SIZE_MAX_DEFAULT (UINT64_C(1) << 40)

struct archive_limits {
    uint64_t bytes;   /* what comes out of the archive, all in all; 0: ARCHIVE_SIZE_MAX_DEFAULT */
    uint32_t entries; /* 0: a million */
    uint32_t ratio;   /* bytes out for each byte in, beyond the first 64 MiB that come out; 0: 1000 */
};

struct archive_item {
    const char *name; /* as the archive has it, a leading "./" and the last "/" of a directory left out */
    bool directory;   /* has no content; "" is the folder of all others */
    bool sized; /* `size` is known beforehand; a zip that was written as a stream tells it only behind the bytes */
    uint64_t size;
};

struct archive_reader;

/* Does a stream that begins with these bytes look like one of them? 512 bytes are enough, for a tar needed. */
bool archive_is_one(const void *p, size_t n);

/* `fd` is read from where it stands and stays the caller's; `name` is for messages and lives as long as the reader.
 * `limits` NULL: those by default. `magic`: bytes that were read from fd already (NULL: none), `magic_size` of them. */
int archive_reader_open(struct archive_reader **ret, int fd, const char *name, const struct archive_limits *limits,
                        const void *magic, size_t magic_size, struct err *e) NODISCARD;
void archive_reader_free(struct archive_reader *a); /* takes NULL */

/* The next entry; what is left of the one before is passed over (and checked all the same). ret->name lives until the
 * next call. 0; G_EOF: the archive is at its end, which was checked; G_STOPPED, G_IO and the grades above. */
int archive_reader_next(struct archive_reader *a, struct archive_item *ret, struct err *e) NODISCARD;

/* More of the content of the entry, in place until the next call: 0 and at least one byte; G_EOF: that was all, as long
 * as the entry said, and, in a zip, with the checksum that it has. */
int archive_reader_read(struct archive_reader *a, const char **ret, size_t *ret_n, struct err *e) NODISCARD;

/* Bytes that were read from fd so far: for progress. */
uint64_t archive_reader_position(const struct archive_reader *a);

#endif
