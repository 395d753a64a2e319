/* SPDX-License-Identifier: Apache-2.0 */
/* Writing archives, over libarchive. See archive_write.h. */
#include "log/archive_write.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "sys/file.h"

#define BLOCK_BYTES (256 << 10)

struct archive_writer {
    int fd;
    const char *name;
    struct archive *a;
    struct archive_entry *entry;
    struct err why; /* what writing said; grade 0: nothing */
    uint64_t position;
    bool closed;
};

static bool ends_in(const char *name, const char *suffix) {
    size_t n = strlen(name), m = strlen(suffix);
    return n > m && strcmp(name + n - m, suffix) == 0;
}

enum archive_format archive_format_of(const char *name) {
    if (ends_in(name, ".tar")) return ARCHIVE_TAR;
    if (ends_in(name, ".tar.gz") || ends_in(name, ".tgz")) return ARCHIVE_TAR_GZ;
    return ends_in(name, ".zip") ? ARCHIVE_ZIP : ARCHIVE_TAR_ZST;
}

static int failed(struct archive_writer *w, struct err *e) {
    if (w->why.grade < 0) {
        if (e) *e = w->why;
        return w->why.grade;
    }
    if (archive_errno(w->a) == ENOMEM) return err_nomem(e);
    const char *text = archive_error_string(w->a);
    return err_set(e, G_IO, "cannot write archive '%s': %s", w->name, text ? text : "unknown reason");
}

/* Nothing is written any more behind a failure: libarchive tries to, when it closes. */
static la_ssize_t put(struct archive *a, void *ctx, const void *p, size_t n) {
    struct archive_writer *w = ctx;
    if (w->why.grade == 0 && file_write_all(w->fd, p, n, w->name, &w->why) == 0) {
        w->position += n;
        return (la_ssize_t)n;
    }
    archive_set_error(a, EIO, "output failed");
    return -1;
}

/* Two threads and one give the same bytes, none gives others. */
static bool set_format(struct archive *a, enum archive_format format) {
    int code = format == ARCHIVE_ZIP ? archive_write_set_format_zip(a) : archive_write_set_format_pax_restricted(a);
    if (code == ARCHIVE_OK && format == ARCHIVE_TAR_GZ) {
        code = archive_write_add_filter_gzip(a);
        if (code == ARCHIVE_OK) code = archive_write_set_filter_option(a, "gzip", "timestamp", NULL);
    }
    if (code == ARCHIVE_OK && format == ARCHIVE_TAR_ZST) {
        code = archive_write_add_filter_zstd(a);
        if (code == ARCHIVE_OK) code = archive_write_set_filter_option(a, "zstd", "compression-level", "1");
        if (code == ARCHIVE_OK) code = archive_write_set_filter_option(a, "zstd", "threads", "2");
    }
    return code == ARCHIVE_OK && archive_write_set_bytes_per_block(a, BLOCK_BYTES) == ARCHIVE_OK &&
           archive_write_set_bytes_in_last_block(a, 1) == ARCHIVE_OK;
}

int archive_writer_open(struct archive_writer **ret, int fd, const char *name, enum archive_format format,
                        struct err *e) {
    struct archive_writer *w = calloc(1, sizeof *w);
    if (!w) return err_nomem(e);
    *w = (struct archive_writer){.fd = fd, .name = name, .a = archive_write_new(), .entry = archive_entry_new()};
    int g = !w->a || !w->entry ? err_nomem(e) : 0;
    if (g == 0 && (!set_format(w->a, format) || archive_write_open(w->a, w, NULL, put, NULL) != ARCHIVE_OK))
        g = failed(w, e);
    if (g < 0)
        archive_writer_free(w);
    else
        *ret = w;
    return g;
}

void archive_writer_free(struct archive_writer *w) {
    if (!w) return;
    if (!w->closed && w->why.grade == 0) w->why.grade = G_STOPPED;
    if (w->entry) archive_entry_free(w->entry);
    if (w->a) archive_write_free(w->a);
    free(w);
}

int archive_writer_entry(struct archive_writer *w, const char *name, uint64_t size, struct err *e) {
    struct archive_entry *entry = archive_entry_clear(w->entry);
    archive_entry_set_pathname(entry, name);
    archive_entry_set_filetype(entry, AE_IFREG);
    archive_entry_set_perm(entry, 0644);
    archive_entry_set_size(entry, (int64_t)size);
    archive_entry_set_mtime(entry, 0, 0);
    return archive_write_header(w->a, entry) == ARCHIVE_OK ? 0 : failed(w, e);
}

int archive_writer_data(struct archive_writer *w, const void *p, size_t n, struct err *e) {
    return archive_write_data(w->a, p, n) == (la_ssize_t)n ? 0 : failed(w, e);
}

int archive_writer_close(struct archive_writer *w, struct err *e) {
    w->closed = true;
    return archive_write_close(w->a) == ARCHIVE_OK ? 0 : failed(w, e);
}

uint64_t archive_writer_position(const struct archive_writer *w) {
    return w->position;
}
