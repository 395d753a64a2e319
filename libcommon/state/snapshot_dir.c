/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The directory of snapshots: opened, locked for one process at a time, refused when it is somebody else's, and cleaned
 * of files that its manifest does not name. leat-state(5), sections "Lock", "Open" and "Commit".
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/utf8.h"
#include "state/snapshot_impl.h"
#include "sys/file.h"
#include "sys/lock.h"
#include "sys/sys.h"

/* ---- what is in it ---- */

struct survey {
    bool ours;                     /* `lock` or `state` is there */
    bool others;                   /* something else is */
    char chain[SNAPSHOT_NAME_MAX]; /* a chain file that no first commit leaves behind */
};

static int survey_entry(void *ctx, const char *name) {
    struct survey *v = ctx;
    struct chain_file f;
    if (strcmp(name, "lock") == 0 || strcmp(name, "state") == 0)
        v->ours = true;
    else
        v->others = true;
    if (chain_name_parse(name, &f) && !(f.whole && f.number == 1)) chain_name(&f, v->chain);
    return 0;
}

/* A directory of other things is not taken over, as leftovers are removed here. */
static int check_foreign(const struct snapshot *s, struct err *e) {
    struct survey v = {0};
    int g = dir_each(s->dir, survey_entry, &v, e);
    if (g < 0 || v.ours || !v.others) return g;
    return err_set(e, G_USAGE, "directory '%s' holds no state, and is not empty", s->path);
}

static int check_lost(const struct snapshot *s, struct err *e) {
    struct survey v = {0};
    int g = dir_each(s->dir, survey_entry, &v, e);
    if (g < 0 || !v.chain[0]) return g;
    return err_set(e, G_CORRUPT, "'state' in '%s' is missing, but '%s' is there", s->path, v.chain);
}

/* state.PID.tmp, as atomic_replace makes it */
static bool is_temporary(const char *name) {
    if (strncmp(name, "state.", 6) != 0) return false;
    size_t digits = strspn(name + 6, "0123456789");
    return digits > 0 && strcmp(name + 6 + digits, ".tmp") == 0;
}

static int clean_entry(void *ctx, const char *name) {
    const struct snapshot *s = ctx;
    struct chain_file f;
    bool remove = is_temporary(name);
    if (chain_name_parse(name, &f)) {
        remove = true;
        for (size_t i = 0; i < s->chain.count; i++)
            if (s->chain.files[i].number == f.number && s->chain.files[i].whole == f.whole) remove = false;
    }
    if (remove) (void)sys.unlinkat(s->dir, name, 0); /* what stays is removed behind the next commit */
    return 0;
}

void snapshot_clean(const struct snapshot *s) {
    (void)!dir_each(s->dir, clean_entry, (void *)(uintptr_t)s, NULL);
}

/* ---- the lock ---- */

static int report_holder(const struct snapshot *s, struct err *e) {
    char pid[16] = {0};
    size_t n = 0;
    if (file_pread(s->lock_fd, pid, sizeof pid - 1, 0, &n, "lock", NULL) < 0) n = 0;
    size_t digits = strspn(pid, "0123456789");
    if (digits == 0 || digits > 10)
        return err_set(e, G_FENCED, "the state in '%s' is in use by another process", s->path);
    return err_set(e, G_FENCED, "the state in '%s' is in use by process %.*s", s->path, (int)digits, pid);
}

/* Who was here last, for messages only: a full disk is no reason not to read. */
static void tell_holder(const struct snapshot *s) {
    char pid[16];
    int n = snprintf(pid, sizeof pid, "%ld\n", (long)getpid());
    (void)!file_pwrite_all(s->lock_fd, pid, (size_t)n, 0, "lock", NULL);
}

static int take_lock(struct snapshot *s, struct err *e) {
    s->lock_fd = sys.open_beneath(s->dir, "lock", O_RDWR | O_CREAT, 0600);
    if (s->lock_fd < 0) return err_sys(e, errno, "cannot open 'lock' in '%s'", s->path);
    int g = lock_try(s->lock_fd, 0, e);
    if (g > 0) return report_holder(s, e);
    if (g < 0) return err_prefix(e, "'%s': ", s->path);
    struct stat mine, named;
    if (sys.fstat(s->lock_fd, &mine) < 0 || sys.fstatat(s->dir, "lock", &named, AT_SYMLINK_NOFOLLOW) < 0)
        return err_sys(e, errno, "cannot look at 'lock' in '%s'", s->path);
    if (!S_ISREG(mine.st_mode)) return err_set(e, G_USAGE, "'lock' in '%s' is not a file", s->path);
    if (mine.st_dev != named.st_dev || mine.st_ino != named.st_ino)
        return err_set(e, G_FENCED, "'lock' in '%s' was replaced", s->path);
    tell_holder(s);
    return 0;
}

/* ---- open and close ---- */

static int load_manifest(struct snapshot *s, struct err *e) {
    struct buf text = {0};
    int g = file_load(s->dir, "state", SNAPSHOT_MANIFEST_MAX, &text, e);
    if (g == G_DATA) g = err_set(e, G_CORRUPT, "'state' in '%s' is no file, or too large for one", s->path);
    if (g == 0) g = manifest_decode(s, text.data, text.len, e);
    if (g == G_ABSENT) {
        err_clear(e);
        g = check_lost(s, e);
    }
    buf_release(&text);
    return g;
}

static int open_all(struct snapshot *s, bool force_fs, struct err *e) {
    if (utf8_validate(s->identity, strlen(s->identity)) != strlen(s->identity))
        return err_set(e, G_USAGE, "options that are not UTF-8 cannot be kept with state");
    int g = s->dir = dir_open_root(s->path, true, force_fs, e);
    if (g < 0) return g;
    g = check_foreign(s, e);
    if (g == 0) g = take_lock(s, e);
    /* A commit whose process died may be seen and not be durable yet. */
    if (g == 0) g = dir_sync(s->dir, "state", e);
    return g == 0 ? load_manifest(s, e) : g;
}

int snapshot_open(const char *dir, const char *tool, const char *identity, bool force_fs, struct snapshot **ret,
                  struct err *e) {
    struct snapshot *s = calloc(1, sizeof *s);
    if (!s) return err_nomem(e);
    s->dir = s->lock_fd = s->fd = -1;
    s->path = strdup(dir);
    s->tool = strdup(tool);
    s->identity = strdup(identity);
    int g = s->path && s->tool && s->identity ? open_all(s, force_fs, e) : err_nomem(e);
    if (g == 0)
        *ret = s;
    else
        snapshot_close(s);
    return g;
}

void snapshot_close(struct snapshot *s) {
    if (!s) return;
    snapshot_abandon(s);
    buf_release(&s->frame);
    json_decref(s->meta);
    if (s->lock_fd >= 0) sys.close(s->lock_fd); /* and the lock with it */
    if (s->dir >= 0) sys.close(s->dir);
    free(s->path);
    free(s->tool);
    free(s->identity);
    free(s);
}
