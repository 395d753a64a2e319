/* SPDX-License-Identifier: Apache-2.0 */
/* Where records go. See output.h. */
#include "stream/output.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/random.h"
#include "sys/pipes.h"
#include "sys/signals.h"
#include "sys/sys.h"

#define TEXT_BYTES (256u << 10)

/* What is there and no regular file, such as a FIFO, is written to as it is: there is nothing to rename. */
static bool is_special(const char *file) {
    struct stat st;
    return stat(file, &st) == 0 && !S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode);
}

static int open_special(struct output *o, struct err *e) {
    int fd;
    do { /* a FIFO waits here for its reader */
        fd = sys.openat(AT_FDCWD, o->config.file, O_WRONLY, 0);
    } while (fd < 0 && errno == EINTR && !signals_stop());
    if (fd < 0 && errno == EINTR) return err_set(e, G_STOPPED, "stopped while opening '%s'", o->config.file);
    if (fd < 0) return err_sys(e, errno, "cannot open '%s'", o->config.file);
    o->config.fd = fd;
    o->special = true;
    return 0;
}

static int open_file(struct output *o, struct err *e) {
    const char *file = o->config.file;
    if (!file) return 0;
    if (is_special(file)) return open_special(o, e);
    if (asprintf(&o->temporary, "%s.%ld.tmp", file, (long)getpid()) < 0) {
        o->temporary = NULL;
        return err_nomem(e);
    }
    int fd = sys.openat(AT_FDCWD, o->temporary, O_WRONLY | O_CREAT | O_EXCL, 0666);
    if (fd < 0) {
        int errnum = errno;
        free(o->temporary);
        o->temporary = NULL;
        return err_sys(e, errnum, "cannot create '%s'", file);
    }
    o->config.fd = fd;
    return 0;
}

static bool is_binary(enum out_format f) {
    return f == OUT_BLOCKS || f == OUT_LP;
}

static int resolve_format(struct output *o, struct err *e) {
    bool terminal = isatty(o->config.fd) == 1;
    o->format = o->config.text.format;
    if (o->format == OUT_DEFAULT) o->format = terminal ? OUT_JSON : OUT_BLOCKS;
    if (terminal && is_binary(o->format) && !o->config.force)
        return err_set(e, G_USAGE, "binary output to a terminal; redirect it, use -j for JSON lines, or --force");
    o->config.text.format = o->format;
    return 0;
}

int output_open(struct output *o, const struct output_config *config, struct err *e) {
    *o = (struct output){.config = *config};
    int g = open_file(o, e);
    if (g == 0) g = resolve_format(o, e);
    if (g == 0 && o->format != OUT_BLOCKS) g = text_out_open(&o->text, &o->config.text, e);
    struct stat st;
    bool to_file = g == 0 && sys.fstat(o->config.fd, &st) == 0 && S_ISREG(st.st_mode);
    writer_init(&o->writer, o->config.fd, config->file ? config->file : "standard output", to_file);
    if (g == 0) (void)pipe_grow(o->config.fd);
    if (g == 0 && config->own_thread && !config->unbuffered) writer_use_thread(&o->writer);
    if (g < 0) {
        int closed = output_close(o, false, NULL);
        (void)closed; /* nothing was written */
    }
    return g;
}

static int give_text(struct output *o, struct err *e) {
    return o->pending.len >= TEXT_BYTES ? writer_give(&o->writer, &o->pending, e) : 0;
}

int output_flush(struct output *o, struct err *e) {
    if (output_is_blocks(o)) return writer_flush(&o->writer, e);
    int g = o->text ? text_out_flush(o->text, &o->pending, e) : 0;
    if (g == 0 && o->pending.len) g = writer_give(&o->writer, &o->pending, e);
    return g < 0 ? g : writer_flush(&o->writer, e);
}

static int put_control(struct output *o, int composed, struct buf *body, struct err *e) {
    int g = composed < 0 ? err_nomem(e) : writer_control(&o->writer, 0, 0, body->data, body->len, e);
    buf_release(body);
    return g;
}

int output_start(struct output *o, const struct output_lineage *l, struct err *e) {
    struct buf body = {0};
    uint64_t run = l->run;
    if (!output_is_blocks(o)) return 0;
    if (run == 0) {
        int g = random_bytes(&run, sizeof run, e);
        if (g < 0) return g;
    }
    int64_t now = l->time_ns ? l->time_ns : sys.wall_ns();
    return put_control(o, control_start(&body, run, l->history, l->tool, l->args, l->arg_count, now), &body, e);
}

int output_end(struct output *o, int status, const char *why, struct err *e) {
    struct buf body = {0};
    if (!output_is_blocks(o)) return 0;
    writer_close_block(&o->writer); /* its records count */
    int composed = control_end(&body, status, o->writer.records, o->writer.bytes, status ? why : NULL);
    return put_control(o, composed, &body, e);
}

static int flush_if_unbuffered(struct output *o, struct err *e) {
    return o->config.unbuffered ? output_flush(o, e) : 0;
}

int output_record(struct output *o, const struct block_header *like, const struct record_origin *from,
                  const struct record *r, struct err *e) {
    int g;
    if (output_is_blocks(o)) {
        g = writer_record(&o->writer, like, r, e);
    } else {
        g = text_out_record(o->text, r, from, &o->pending, e);
        if (g == 0) g = give_text(o, e);
    }
    if (g < 0) return g;
    o->records++;
    return flush_if_unbuffered(o, e);
}

int output_record_head(struct output *o, const struct block_header *like, const struct record *r, char **ret_value,
                       struct err *e) {
    if (!output_is_blocks(o) || o->config.unbuffered) return 0;
    int g = writer_record_head(&o->writer, like, r, ret_value, e);
    if (g < 0) return g;
    o->records++;
    return 1;
}

int output_run(struct output *o, const struct block_header *h, const struct record_run *run, struct err *e) {
    int g = writer_records(&o->writer, h, run, e);
    if (g < 0) return g;
    o->records += run->count;
    return flush_if_unbuffered(o, e);
}

int output_block(struct output *o, const uint8_t *header, const char *stored, const struct block_header *h,
                 struct err *e) {
    uint8_t sealed[BLOCK_HEADER_SIZE];
    if (o->writer.crc && !(h->flags & BLOCK_HAS_CRC)) {
        memcpy(sealed, header, sizeof sealed);
        block_seal(sealed, stored, h->stored_size);
        header = sealed;
    }
    int g = writer_block(&o->writer, header, stored, h, e);
    if (g < 0) return g;
    o->records += h->records;
    return flush_if_unbuffered(o, e);
}

int output_line(struct output *o, const char *line, size_t n, struct err *e) {
    if (buf_reserve(&o->pending, n + 1) < 0) return err_nomem(e);
    buf_append_fast(&o->pending, line, n);
    buf_putc_fast(&o->pending, '\n');
    o->records++;
    int g = give_text(o, e);
    return g < 0 ? g : flush_if_unbuffered(o, e);
}

static int finish_file(struct output *o, bool complete, struct err *e) {
    int g = 0;
    if (o->special) {
        if (sys.close(o->config.fd) < 0) g = err_sys(e, errno, "cannot close '%s'", o->config.file);
        o->special = false;
    }
    if (!o->temporary) return g;
    if (complete && sys.fsync(o->config.fd) < 0) g = err_sys(e, errno, "cannot sync '%s'", o->config.file);
    if (sys.close(o->config.fd) < 0 && g == 0) g = err_sys(e, errno, "cannot close '%s'", o->config.file);
    if (g == 0 && complete && sys.renameat(AT_FDCWD, o->temporary, AT_FDCWD, o->config.file) < 0)
        g = err_sys(e, errno, "cannot rename '%s' to '%s'", o->temporary, o->config.file);
    if (g < 0 || !complete) (void)sys.unlinkat(AT_FDCWD, o->temporary, 0);
    free(o->temporary);
    o->temporary = NULL;
    return g;
}

int output_close(struct output *o, bool complete, struct err *e) {
    int g = complete ? output_flush(o, e) : 0;
    writer_release(&o->writer); /* its thread, too, is through with the descriptor */
    int f = finish_file(o, complete && g == 0, g == 0 ? e : NULL);
    text_out_free(o->text);
    o->text = NULL;
    buf_release(&o->pending);
    return g < 0 ? g : f;
}
