/* SPDX-License-Identifier: Apache-2.0 */
/* Files of blocks, walked by their headers. See block_file.h. */
#include "stream/block_file.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>

#include "base/crc32c.h"
#include "stream/block.h"
#include "sys/file.h"
#include "sys/sys.h"

#define ANOTHER_WRITES_NS 50000000 /* so long it takes him at most to append what he is about to */

int block_file_next(struct block_file *f, struct err *e) {
    uint8_t header[BLOCK_HEADER_SIZE];
    struct block_header h;
    size_t n;
    int g = file_pread(f->fd, header, sizeof header, (off_t)f->at, &n, f->path, e);
    if (g == 0 && n == sizeof header) g = block_header_decode(header, RECORD_LIMIT_MAX, &h, e);
    if (g == 0 && memcmp(header, "LEAT", n < 4 ? n : 4) != 0) g = err_set(e, G_CORRUPT, "there is no block");
    if (g < 0) return err_prefix(e, "'%s' at byte %" PRIu64 ": ", f->path, f->at);
    if (n < sizeof header || f->size - f->at - n < h.stored_size) return 1;
    f->crc = crc32c(f->crc, header, sizeof header);
    f->at += sizeof header + h.stored_size;
    return 0;
}

static int walk(struct block_file *f, struct err *e) {
    struct stat st;
    if (sys.fstat(f->fd, &st) < 0) return err_sys(e, errno, "cannot look at '%s'", f->path);
    int g = 0;
    for (f->size = S_ISREG(st.st_mode) ? (uint64_t)st.st_size : 0; g == 0 && f->at < f->size;)
        g = block_file_next(f, e);
    return g;
}

int block_file_check(const char *path, struct err *e) {
    struct block_file f = {.fd = sys.openat(AT_FDCWD, path, O_RDONLY | O_CLOEXEC | O_NONBLOCK, 0), .path = path};
    if (f.fd < 0) return errno == ENOENT || errno == EACCES ? 0 : err_sys(e, errno, "cannot open '%s'", path);
    uint64_t size;
    int g;
    do { /* it may be another run's that appends to it right now */
        size = f.size;
        g = walk(&f, e);
        if (g == 1) sys_sleep_ns(ANOTHER_WRITES_NS);
    } while (g == 1 && f.size != size);
    sys.close(f.fd);
    if (g != 1) return g;
    return err_set(e, G_CORRUPT,
                   "'%s' ends inside a block: nothing behind it could be read; cut it at byte %" PRIu64
                   " or take another file",
                   path, f.at);
}
