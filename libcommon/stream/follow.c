/* SPDX-License-Identifier: Apache-2.0 */
/* Files that grow. See follow.h. */
#include "stream/follow.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "sys/signals.h"
#include "sys/sys.h"

#define POLLED_FILES 64 /* more are looked at only every FOLLOW_LOOK_NS */

/* Open what bears the name now: a descriptor, G_ABSENT, or another grade. O_NONBLOCK: never wait for a pipe's writer.
 */
static int open_regular(const char *path, struct stat *st, struct err *e) {
    int fd = sys.openat(AT_FDCWD, path, O_RDONLY | O_NONBLOCK | O_NOCTTY, 0);
    if (fd < 0) return errno == ENOENT ? G_ABSENT : err_sys(e, errno, "cannot open '%s'", path);
    int g = 0;
    if (sys.fstat(fd, st) < 0)
        g = err_sys(e, errno, "cannot look at '%s'", path);
    else if (!S_ISREG(st->st_mode))
        g = err_set(e, G_USAGE, "cannot follow '%s': it is not a regular file", path);
    if (g == 0) return fd;
    (void)sys.close(fd);
    return g;
}

/* Watches are hints: whatever fails here is made up for by looking. */
static void watch_file(struct follow *f) {
    char name[64];
    if (f->inotify < 0) return;
    if (f->file_watch >= 0) (void)inotify_rm_watch(f->inotify, f->file_watch);
    (void)snprintf(name, sizeof name, "/proc/self/fd/%d", f->fd);
    f->file_watch = f->absent ? -1 : inotify_add_watch(f->inotify, name, IN_MODIFY | IN_ATTRIB);
}

static void watch_directory(const struct follow *f) {
    const char *slash = strrchr(f->path, '/');
    size_t n = slash ? (size_t)(slash - f->path) + 1 : 0;
    char *directory = n ? strndup(f->path, n) : strdup(".");
    if (directory) (void)inotify_add_watch(f->inotify, directory, IN_CREATE | IN_MOVED_TO);
    free(directory);
}

int follow_open(struct follow *f, const char *path, struct err *e) {
    struct stat st;
    *f = (struct follow){.path = path, .fd = -1, .next_fd = -1, .inotify = -1, .file_watch = -1};
    int fd = open_regular(path, &st, e);
    if (fd == G_ABSENT) {
        f->absent = true;
        fd = sys.openat(AT_FDCWD, "/dev/null", O_RDONLY, 0);
        if (fd < 0) return err_sys(e, errno, "cannot open '/dev/null'");
    }
    if (fd < 0) return fd;
    f->fd = fd;
    f->inotify = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    if (f->inotify >= 0) watch_directory(f);
    watch_file(f);
    return 0;
}

void follow_release(struct follow *f) {
    if (!f || !f->path) return;
    if (f->fd >= 0) (void)sys.close(f->fd);
    if (f->next_fd >= 0) (void)sys.close(f->next_fd);
    if (f->inotify >= 0) (void)sys.close(f->inotify);
    *f = (struct follow){0};
}

/* Is another file to be read instead, or this one from its begin? */
static bool is_superseded(const struct follow *f) {
    return f->next_fd >= 0 || f->cut_short;
}

/* Has the name gone to another file? An empty one does not count: a program may still write to the old one. */
static int look_at_name(struct follow *f, const struct stat *now, struct err *e) {
    struct stat st;
    int fd = open_regular(f->path, &st, e);
    if (fd == G_ABSENT) return 0;
    if (fd < 0) return fd;
    bool same = st.st_dev == now->st_dev && st.st_ino == now->st_ino;
    if (same || (st.st_size == 0 && !f->absent)) {
        (void)sys.close(fd);
        return 0;
    }
    f->next_fd = fd;
    return 1;
}

/* 1 when there is something to read, 0 when there is not, or a grade. The file itself comes before its name. */
static int look(struct follow *f, struct err *e) {
    struct stat st;
    if (is_superseded(f)) return 1;
    if (sys.fstat(f->fd, &st) < 0) return err_sys(e, errno, "cannot look at '%s'", f->path);
    if (!f->absent) {
        off_t at = lseek(f->fd, 0, SEEK_CUR);
        if (at < 0) return err_sys(e, errno, "cannot look at '%s'", f->path);
        f->cut_short = st.st_size < at;
        if (st.st_size != at) return 1;
    }
    return look_at_name(f, &st, e);
}

/* The old file was read to its end: go on with the new one, or from the begin. */
static int take_next(struct follow *f, struct inbuf *in, struct err *e) {
    f->last_cut = false;
    if (f->next_fd >= 0) {
        f->notice = f->absent ? FOLLOW_APPEARED : FOLLOW_ROTATED;
        (void)sys.close(f->fd);
        f->fd = in->fd = f->next_fd;
        f->next_fd = -1;
        f->absent = f->cut_short = false;
        watch_file(f);
    } else {
        f->notice = FOLLOW_CUT_SHORT;
        f->cut_short = false;
        if (lseek(f->fd, 0, SEEK_SET) < 0) return err_sys(e, errno, "cannot go back in '%s'", f->path);
    }
    in->eof = false;
    in->follow = true;
    return 0;
}

int follow_detect(struct follow *f, struct inbuf *in, enum in_format *ret, struct err *e) {
    enum in_format found;
    while ((found = input_detect(inbuf_here(in), inbuf_left(in), false)) == IN_DETECT) {
        int g = f->cut_short ? G_EOF : inbuf_more(in, e);
        if (g == 0) continue;
        if (g != G_EOF) return g;
        if (!is_superseded(f)) return G_WAIT;
        if (inbuf_left(in) > 0) {
            found = input_detect(inbuf_here(in), inbuf_left(in), true);
            break;
        }
        g = take_next(f, in, e);
        if (g < 0) return g;
    }
    *ret = input_named(in->name, found);
    return 0;
}

static int restart(struct follow *f, struct inbuf *in, struct text_in *t, struct err *e) {
    int g = take_next(f, in, e);
    if (g == 0) text_in_restart(t);
    return g;
}

int follow_next(struct follow *f, struct inbuf *in, struct text_in *t, struct record *r, struct err *e) {
    int g = f->last_cut ? restart(f, in, t, e) : 0;
    while (g == 0) {
        if (is_superseded(f)) {
            in->follow = false;     /* its end is one now, and ends the last record */
            in->eof = f->cut_short; /* there is nothing more, or there may be some that came before the name went */
        }
        g = text_in_next(t, r, e);
        if (g == G_TRUNCATED && is_superseded(f)) {
            f->last_cut = true;
            return err_set(e, G_DATA, "the file ends inside this record");
        }
        if (g != G_EOF || !is_superseded(f)) return g;
        g = restart(f, in, t, e);
    }
    return g;
}

static void forget_events(int fd) {
    char events[4096];
    while (sys.read(fd, events, sizeof events) > 0) continue;
}

/* Sleep until a watch fires, at most `ns`. */
static void wait_for_hint(struct follow *const *files, size_t n, int64_t ns) {
    struct pollfd p[POLLED_FILES];
    nfds_t count = 0;
    for (size_t i = 0; i < n && count < POLLED_FILES; i++) {
        if (files[i]->inotify >= 0) p[count++] = (struct pollfd){.fd = files[i]->inotify, .events = POLLIN};
    }
    if (ns > FOLLOW_LOOK_NS) ns = FOLLOW_LOOK_NS;
    int ready = sys.poll(p, count, (int)((ns + 999999) / 1000000));
    for (nfds_t i = 0; ready > 0 && i < count; i++) {
        if (p[i].revents) forget_events(p[i].fd);
    }
}

int follow_wait_any(struct follow *const *files, size_t n, int64_t timeout_ns, struct err *e) {
    int64_t begin = sys.boot_ns();
    for (;;) {
        for (size_t i = 0; i < n; i++) {
            int g = look(files[i], e);
            if (g != 0) return g < 0 ? g : 0;
        }
        if (signals_stop()) return err_set(e, G_STOPPED, "stopped while waiting for files to grow");
        int64_t left = timeout_ns < 0 ? FOLLOW_LOOK_NS : timeout_ns - (sys.boot_ns() - begin);
        if (left <= 0) return G_WAIT;
        wait_for_hint(files, n, left);
    }
}
