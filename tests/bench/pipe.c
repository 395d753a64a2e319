/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The pipe floor: a writer and a reader that move 1 MiB at a time through a pipe of 1 MiB and do nothing else. The same
 * reader stands behind the tools that are measured against it; with `blocks` it walks the blocks instead and counts.
 *   pipe write BYTES        pipe read        pipe blocks
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/endian.h"
#include "stream/block.h"

#define CHUNK_BYTES (1u << 20)

static int fail(const char *what) {
    fprintf(stderr, "pipe: %s: %s\n", what, strerror(errno));
    return 4;
}

/* Not a pipe, or a smaller limit: it works all the same, and the numbers tell. */
static void widen(int fd) {
    if (fcntl(fd, F_SETPIPE_SZ, (int)CHUNK_BYTES) < 0 && errno == EPERM) fputs("pipe: no pipe of 1 MiB here\n", stderr);
}

static int write_bytes(char *chunk, uint64_t left) {
    widen(STDOUT_FILENO);
    memset(chunk, 'x', CHUNK_BYTES);
    while (left > 0) {
        ssize_t n = write(STDOUT_FILENO, chunk, left < CHUNK_BYTES ? left : CHUNK_BYTES);
        if (n < 0) return fail("write");
        left -= (uint64_t)n;
    }
    return 0;
}

static int read_bytes(char *chunk) {
    uint64_t bytes = 0;
    ssize_t n;
    widen(STDIN_FILENO);
    while ((n = read(STDIN_FILENO, chunk, CHUNK_BYTES)) > 0) bytes += (uint64_t)n;
    if (n < 0) return fail("read");
    printf("{\"bytes\":%" PRIu64 "}\n", bytes);
    return 0;
}

/* Only sizes, kinds and counts are looked at. */
static int read_blocks(void) {
    uint64_t bytes = 0, blocks = 0, records = 0, body = 0, largest = 0;
    uint8_t h[BLOCK_HEADER_SIZE];
    static char skipped[CHUNK_BYTES];
    while (fread(h, 1, sizeof h, stdin) == sizeof h) {
        uint32_t size = get_u32_le(h + 8), left = size;
        if (memcmp(h, "LEAT", 4) != 0) {
            fprintf(stderr, "pipe: no block at byte %" PRIu64 "\n", bytes);
            return 6;
        }
        while (left > 0) {
            size_t n = fread(skipped, 1, left < CHUNK_BYTES ? left : CHUNK_BYTES, stdin);
            if (n == 0) return fputs("pipe: cut off\n", stderr), 5;
            left -= (uint32_t)n;
        }
        bytes += sizeof h + size;
        if (h[5] != BLOCK_DATA) continue;
        blocks++;
        records += get_u32_le(h + 20);
        body += size;
        if (size > largest) largest = size;
    }
    printf("{\"bytes\":%" PRIu64 ",\"blocks\":%" PRIu64 ",\"records\":%" PRIu64 ",\"body\":%" PRIu64
           ",\"largest\":%" PRIu64 "}\n",
           bytes, blocks, records, body, largest);
    return 0;
}

int main(int argc, char **argv) {
    char *chunk = aligned_alloc(4096, CHUNK_BYTES);
    int code = 2;
    if (!chunk) return fail("memory");
    if (argc == 3 && strcmp(argv[1], "write") == 0) code = write_bytes(chunk, strtoull(argv[2], NULL, 10));
    if (argc == 2 && strcmp(argv[1], "read") == 0) code = read_bytes(chunk);
    if (argc == 2 && strcmp(argv[1], "blocks") == 0) code = read_blocks();
    if (code == 2) fputs("usage: pipe write BYTES | pipe read | pipe blocks\n", stderr);
    free(chunk);
    return code;
}
