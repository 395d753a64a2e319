/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Archives, entry by entry, in the thread of a feed. Each folder is a recording of its own, read by a reader of its own
 * that passes over the others. One that comes through a pipe can be read once only, and a reader that cannot be told to
 * stop has a pipe of ours, which a second thread fills until all is over.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "replay.h"
#include "sys/file.h"
#include "sys/signals.h"
#include "sys/sys.h"

struct unpacking {
    struct recording *rec;
    const char *name; /* of the archive */
    struct archive_reader *archive;
    struct feed_reading *r;
};

/* Bytes of the entry in hand; inbuf.more. */
static int more_of_entry(void *ctx, struct inbuf *in, struct err *e) {
    struct unpacking *u = ctx;
    const char *p;
    size_t n;
    int g = archive_reader_read(u->archive, &p, &n, e);
    in->eof = g == G_EOF;
    if (g != 0) return g;
    feed_at(u->r, archive_reader_position(u->archive));
    return inbuf_append(in, p, n, e);
}

static int read_entry(struct unpacking *u, const char *entry, struct err *e) {
    struct inbuf in;
    char *name;
    if (asprintf(&name, "%s:%s", u->name, entry) < 0) return err_nomem(e);
    int g = inbuf_init(&in, -1, name, e);
    in.more = more_of_entry;
    in.more_ctx = u;
    if (g == 0) g = feed_part(u->r, &in, e);
    inbuf_release(&in);
    free(name);
    return g < 0 ? g : 0;
}

static size_t folder_size(const char *entry) {
    const char *slash = strrchr(entry, '/');
    return slash ? (size_t)(slash - entry) : 0;
}

/* What an export has beside its segments holds no records. */
static bool has_records(const struct archive_item *item) {
    const char *slash = strrchr(item->name, '/');
    return !item->directory && strcmp(slash ? slash + 1 : item->name, "manifest.json") != 0;
}

static int read_entries(struct unpacking *u, bool whole, struct err *e) {
    struct recording *rec = u->rec;
    struct archive_item item;
    int g;
    while ((g = archive_reader_next(u->archive, &item, e)) == 0) {
        if (!has_records(&item)) continue;
        size_t n = folder_size(item.name);
        if (whole && !rec->folder && !(rec->folder = strndup(item.name, n))) return err_nomem(e);
        bool ours = strlen(rec->folder) == n && memcmp(rec->folder, item.name, n) == 0;
        if (!ours && whole)
            return err_set(e, G_DATA,
                           "archive '%s' has several folders, '%s' and that of '%s': each is a recording of its own, "
                           "and they cannot be read at the same time from a pipe; give it as a file",
                           u->name, rec->folder, item.name);
        g = ours ? read_entry(u, item.name, e) : 0;
        if (g < 0) return g;
    }
    return g < 0 ? g : G_EOF;
}

static int open_archive(struct recordings *rs, const char *path, int *ret_fd, struct archive_reader **ret,
                        struct err *e) {
    int fd = sys.openat(AT_FDCWD, path, O_RDONLY | O_NOCTTY, 0);
    if (fd < 0) return err_sys(e, errno, "cannot open '%s'", path);
    int g = archive_reader_open(ret, fd, path, &rs->limits, NULL, 0, e);
    *ret_fd = fd;
    if (g < 0) sys.close(fd);
    return g;
}

int archive_read_folder(struct recordings *rs, struct recording *rec, struct feed_reading *r, struct err *e) {
    struct unpacking u = {.rec = rec, .name = rec->name, .r = r};
    int fd;
    int g = open_archive(rs, rec->name, &fd, &u.archive, e);
    if (g < 0) return g;
    g = read_entries(&u, false, e);
    archive_reader_free(u.archive);
    sys.close(fd);
    return g;
}

int archive_folders(struct recordings *rs, const char *path, int (*fn)(void *ctx, const char *folder, size_t n),
                    void *ctx, struct err *e) {
    struct archive_reader *a;
    struct archive_item item;
    int fd;
    int g = open_archive(rs, path, &fd, &a, e);
    if (g < 0) return g;
    while (g == 0 && (g = archive_reader_next(a, &item, e)) == 0)
        if (has_records(&item)) g = fn(ctx, item.name, folder_size(item.name));
    archive_reader_free(a);
    sys.close(fd);
    return g < 0 ? g : 0;
}

/* ---- through a pipe ---- */

struct pump {
    struct feed_reading *r;
    struct inbuf *in;
    int out;
    int grade; /* of what ended it */
    struct err why;
};

static int wait_pumped(void *ctx, struct inbuf *in, struct err *e) {
    const struct pump *p = ctx;
    return feed_wait(p->r, in, e);
}

static void *pump_thread(void *ctx) {
    struct pump *p = ctx;
    int g = 0;
    while (g == 0) {
        size_t n = inbuf_left(p->in);
        g = n ? file_write_all(p->out, inbuf_here(p->in), n, p->in->name, &p->why) : 0;
        p->in->at += n;
        if (g == 0) g = inbuf_more(p->in, &p->why);
    }
    p->grade = g == G_PIPE ? 0 : g; /* the reader has its own reasons */
    sys.close(p->out);
    return NULL;
}

static int unpack(struct recordings *rs, struct recording *rec, struct pump *p, int fd, struct err *e) {
    struct unpacking u = {.rec = rec, .name = p->in->name, .r = p->r};
    int g = archive_reader_open(&u.archive, fd, u.name, &rs->limits, NULL, 0, e);
    if (g == 0) g = read_entries(&u, true, e);
    archive_reader_free(u.archive);
    return g;
}

int archive_read_pipe(struct recordings *rs, struct recording *rec, struct feed_reading *r, struct inbuf *in,
                      struct err *e) {
    struct pump p = {.r = r, .in = in};
    pthread_t thread;
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) < 0) return err_sys(e, errno, "cannot make a pipe");
    p.out = ends[1];
    in->before_wait = wait_pumped;
    in->before_wait_ctx = &p;
    int rc = pthread_create(&thread, NULL, pump_thread, &p);
    if (rc != 0) {
        sys.close(ends[0]);
        sys.close(ends[1]);
        return err_sys(e, rc, "cannot start a thread");
    }
    int g = unpack(rs, rec, &p, ends[0], e);
    sys.close(ends[0]);
    pthread_join(thread, NULL);
    if (g >= 0 || g == G_STOPPED || p.grade >= 0) return g;
    *e = p.why;
    return p.grade;
}
