/* SPDX-License-Identifier: Apache-2.0 */
/* A sink that is a file or a FIFO. Blocks outside a live stream: what is there after a crash can be read. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>

#include "stream/block_file.h"
#include "stream/sink.h"
#include "stream/writer.h"
#include "sys/sys.h"

struct file_sink {
    struct sink sink;
    struct writer writer;
    uint64_t next_offset;
};

static int file_put(struct sink *s, const struct block_header *like, const struct record *r, struct err *e) {
    struct file_sink *f = (struct file_sink *)s;
    struct record copy = *r;
    if (like->topic_id == 0) copy.offset = f->next_offset++;
    return writer_record(&f->writer, like, &copy, e);
}

static int file_flush(struct sink *s, struct err *e) {
    return writer_flush(&((struct file_sink *)s)->writer, e);
}

static int file_close(struct sink *s, struct err *e) {
    struct file_sink *f = (struct file_sink *)s;
    int g = writer_flush(&f->writer, e);
    if (sys.close(f->writer.fd) < 0 && g == 0) g = err_sys(e, errno, "cannot close '%s'", s->name);
    writer_release(&f->writer);
    free(f);
    return g;
}

static const struct sink_ops file_ops = {.put = file_put, .flush = file_flush, .close = file_close};

int sink_open_file(struct sink **ret, const char *path, struct err *e) {
    int g = block_file_check(path, e);
    if (g < 0) return g;
    int fd = sys.openat(AT_FDCWD, path, O_WRONLY | O_CREAT | O_APPEND, 0666);
    if (fd < 0) return err_sys(e, errno, "cannot open '%s'", path);
    struct file_sink *f = calloc(1, sizeof *f);
    if (!f) {
        sys.close(fd);
        return err_nomem(e);
    }
    f->sink = (struct sink){.ops = &file_ops, .name = path};
    writer_init(&f->writer, fd, path, true);
    *ret = &f->sink;
    return 0;
}
