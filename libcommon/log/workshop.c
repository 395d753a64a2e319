/* SPDX-License-Identifier: Apache-2.0 */
/* Topics that are built aside. See workshop.h. */
#include "log/workshop.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "sys/file.h"
#include "sys/lock.h"
#include "sys/sys.h"

#define TRIES 16

/* Whoever locked a folder that was removed or published meanwhile holds nothing. */
static bool is_named(int tmp, const char *name, int dir) {
    struct stat ours, named;
    return sys.fstat(dir, &ours) == 0 && sys.fstatat(tmp, name, &named, AT_SYMLINK_NOFOLLOW) == 0 &&
           ours.st_ino == named.st_ino && ours.st_dev == named.st_dev;
}

/* The wake-up page of the topic that it will be is what is locked. 1: somebody else has it; G_ABSENT: `dir` is no
 * longer what has this name. */
static int take_lock(int tmp, const char *name, int dir, int *ret, struct err *e) {
    int fd = sys.open_beneath(dir, "wake", O_RDWR | O_CREAT, 0600);
    if (fd < 0) return errno == ENOENT ? G_ABSENT : err_sys(e, errno, "cannot open 'wake'");
    int g = lock_try(fd, 0, e);
    if (g == 0 && !is_named(tmp, name, dir)) g = G_ABSENT;
    if (g == 0)
        *ret = fd;
    else
        sys.close(fd);
    return g;
}

/* 0; 1: somebody works in it; G_ABSENT: a sweep was faster, once more. */
static int try_open(struct workshop *w, struct err *e) {
    if (sys.mkdirat(w->tmp, w->name, 0700) < 0) {
        if (errno != EEXIST) return err_sys(e, errno, "cannot create directory '%s'", w->name);
        int g = workshop_sweep(w->tmp, w->name, e);
        return g == 0 ? G_ABSENT : g;
    }
    int g = w->dir = dir_open(w->tmp, w->name, false, e);
    if (g >= 0) g = take_lock(w->tmp, w->name, w->dir, &w->lock, e);
    if (g == 0) return 0;
    if (w->dir >= 0) sys.close(w->dir);
    w->dir = -1;
    return g == 1 ? G_ABSENT : g;
}

int workshop_open(struct workshop *w, const struct log *log, uint64_t topic_id, struct err *e) {
    *w = WORKSHOP_CLOSED;
    (void)snprintf(w->name, sizeof w->name, WORKSHOP_PREFIX "%016" PRIx64, topic_id);
    int g = w->tmp = dir_open(log->root, "tmp", true, e);
    if (g >= 0) g = G_ABSENT;
    for (int tries = 0; g == G_ABSENT && tries < TRIES; tries++) g = try_open(w, e);
    if (g == G_ABSENT) g = err_set(e, G_IO, "cannot create directory '%s': it is removed again and again", w->name);
    if (g != 0) workshop_close(w);
    return g;
}

int workshop_publish(struct workshop *w, const struct log *log, const char *topic, struct err *e) {
    int g = dir_sync(w->dir, topic, e);
    if (g < 0) return g;
    /* rename(2) of a directory replaces an empty directory only: a topic that is there is never replaced. */
    if (sys.renameat(w->tmp, w->name, log->topics, topic) < 0)
        return errno == EEXIST || errno == ENOTEMPTY ? err_set(e, G_USAGE, "topic '%s' exists already", topic)
                                                     : err_sys(e, errno, "cannot create topic '%s'", topic);
    sys.close(w->dir);
    w->dir = -1; /* nothing to be removed any more */
    return dir_sync(log->topics, topic, e);
}

void workshop_close(struct workshop *w) {
    if (w->dir >= 0) {
        sys.close(w->dir);
        (void)!dir_remove_tree(w->tmp, w->name, NULL); /* what stays is swept */
    }
    if (w->lock >= 0) sys.close(w->lock);
    if (w->tmp >= 0) sys.close(w->tmp);
    *w = WORKSHOP_CLOSED;
}

int workshop_sweep(int tmp, const char *name, struct err *e) {
    int lock = -1, dir = dir_open(tmp, name, false, e);
    if (dir < 0) return dir == G_ABSENT ? 0 : dir;
    int g = take_lock(tmp, name, dir, &lock, e);
    if (g == 0) g = dir_remove_tree(tmp, name, e);
    if (g == G_ABSENT) g = 0;
    if (lock >= 0) sys.close(lock);
    sys.close(dir);
    return g;
}

static int sweep_entry(void *ctx, const char *name) {
    const int *tmp = ctx;
    if (strncmp(name, WORKSHOP_PREFIX, strlen(WORKSHOP_PREFIX)) == 0) (void)!workshop_sweep(*tmp, name, NULL);
    return 0;
}

void workshop_sweep_all(const struct log *log) {
    int tmp = dir_open(log->root, "tmp", false, NULL);
    if (tmp < 0) return;
    (void)!dir_each(tmp, sweep_entry, &tmp, NULL);
    sys.close(tmp);
}
