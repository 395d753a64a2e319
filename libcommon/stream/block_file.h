/* SPDX-License-Identifier: Apache-2.0 */
/* A file of blocks, walked by their headers: does it hold whole blocks only, so that more can be appended? */
#ifndef LEAT_STREAM_BLOCK_FILE_H
#define LEAT_STREAM_BLOCK_FILE_H

#include <stdint.h>

#include "base/err.h"

struct block_file {
    int fd;
    const char *path; /* for messages */
    uint64_t size, at;
    uint32_t crc; /* of the headers so far */
};

/* Past the block at f->at. 1: the file ends before it does; G_CORRUPT: there is none; G_IO. */
int block_file_next(struct block_file *f, struct err *e) NODISCARD;

/* Can what is appended to this file be read again? 0, also for what is not there or is no regular file; G_CORRUPT: it
 * ends inside a block, or holds something else. */
int block_file_check(const char *path, struct err *e) NODISCARD;

#endif
