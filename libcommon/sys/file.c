/* SPDX-License-Identifier: Apache-2.0 */
/* Files and directories, whole or not at all. See file.h. */
#include "sys/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "sys/signals.h"
#include "sys/sys.h"

static int err_open(struct err *e, int errnum, const char *what, const char *name) {
    int g = err_sys(e, errnum, "%s '%s'", what, name);
    if (errnum != ENOENT) return g;
    if (e) e->grade = G_ABSENT;
    return G_ABSENT;
}

static int wait_writable(int fd, const char *name, struct err *e) {
    struct pollfd p = {.fd = fd, .events = POLLOUT};
    if (sys.poll(&p, 1, -1) < 0 && errno != EINTR) return err_sys(e, errno, "cannot wait for '%s'", name);
    if (signals_stop()) return err_set(e, G_STOPPED, "stopped while writing to '%s'", name);
    return 0;
}

int file_write_all(int fd, const void *p, size_t n, const char *name, struct err *e) {
    const char *at = p;
    while (n > 0) {
        ssize_t k = sys.write(fd, at, n);
        if (k >= 0) {
            at += k;
            n -= (size_t)k;
        } else if (errno == EPIPE) {
            return err_set(e, G_PIPE, "the reader of '%s' went away", name);
        } else if (errno == EAGAIN) {
            int g = wait_writable(fd, name, e);
            if (g < 0) return g;
        } else if (errno == EINTR) {
            if (signals_stop()) return err_set(e, G_STOPPED, "stopped while writing to '%s'", name);
        } else {
            return err_sys(e, errno, "cannot write to '%s'", name);
        }
    }
    return 0;
}

int file_pwrite_all(int fd, const void *p, size_t n, off_t at, const char *name, struct err *e) {
    const char *from = p;
    while (n > 0) {
        ssize_t k = sys.pwrite(fd, from, n, at);
        if (k < 0 && errno == EINTR) continue;
        if (k < 0) return err_sys(e, errno, "cannot write to '%s'", name);
        if (k == 0) return err_sys(e, ENOSPC, "cannot write to '%s'", name);
        from += k;
        at += k;
        n -= (size_t)k;
    }
    return 0;
}

int file_pread(int fd, void *p, size_t n, off_t at, size_t *ret_n, const char *name, struct err *e) {
    size_t done = 0;
    while (done < n) {
        ssize_t k = sys.pread(fd, (char *)p + done, n - done, at + (off_t)done);
        if (k < 0 && errno == EINTR) continue;
        if (k < 0) return err_sys(e, errno, "cannot read '%s'", name);
        if (k == 0) break;
        done += (size_t)k;
    }
    *ret_n = done;
    return 0;
}

int file_load(int dir, const char *name, size_t limit, struct buf *b, struct err *e) {
    int fd = sys.open_beneath(dir, name, O_RDONLY, 0);
    if (fd < 0) return err_open(e, errno, "cannot open", name);
    struct stat st;
    int g = 0;
    if (sys.fstat(fd, &st) < 0) {
        g = err_sys(e, errno, "cannot look at '%s'", name);
    } else if (!S_ISREG(st.st_mode) || (uint64_t)st.st_size > limit) {
        g = err_set(e, G_DATA, "'%s' is not a file of at most %zu bytes", name, limit);
    } else if (buf_reserve(b, (size_t)st.st_size + 1) < 0) {
        g = err_nomem(e);
    } else {
        size_t n = 0;
        g = file_pread(fd, b->data + b->len, (size_t)st.st_size, 0, &n, name, e);
        if (g == 0) b->len += n;
    }
    sys.close(fd);
    return g;
}

int dir_sync(int dir, const char *name, struct err *e) {
    if (sys.fsync(dir) < 0) return err_sys(e, errno, "cannot sync the directory of '%s'", name);
    return 0;
}

/* Written and synced under a temporary name; the descriptor is closed. */
static int write_temporary(int dir, const char *tmp, mode_t mode, const void *p, size_t n, struct err *e) {
    int fd = sys.open_beneath(dir, tmp, O_WRONLY | O_CREAT | O_EXCL, mode);
    if (fd < 0) return err_sys(e, errno, "cannot create '%s'", tmp);
    int g = file_pwrite_all(fd, p, n, 0, tmp, e);
    if (g == 0 && sys.fsync(fd) < 0) g = err_sys(e, errno, "cannot sync '%s'", tmp);
    if (sys.close(fd) < 0 && g == 0) g = err_sys(e, errno, "cannot close '%s'", tmp);
    return g;
}

static int keep_previous(int dir, const char *name, struct err *e) {
    char prev[300], tmp[320];
    (void)snprintf(prev, sizeof prev, "%s.prev", name);
    (void)snprintf(tmp, sizeof tmp, "%s.%ld.tmp", prev, (long)getpid());
    if (sys.unlinkat(dir, tmp, 0) < 0 && errno != ENOENT) return err_sys(e, errno, "cannot remove '%s'", tmp);
    if (sys.linkat(dir, name, dir, tmp) < 0) return errno == ENOENT ? 0 : err_sys(e, errno, "cannot link '%s'", tmp);
    if (sys.renameat(dir, tmp, dir, prev) < 0) return err_sys(e, errno, "cannot rename '%s'", tmp);
    /* rename of two links to one file does nothing and leaves the temporary name */
    if (sys.unlinkat(dir, tmp, 0) < 0 && errno != ENOENT) return err_sys(e, errno, "cannot remove '%s'", tmp);
    return 0;
}

static int replace(int dir, const char *name, mode_t mode, const void *p, size_t n, bool keep, struct err *e) {
    char tmp[300];
    (void)snprintf(tmp, sizeof tmp, "%s.%ld.tmp", name, (long)getpid());
    if (sys.unlinkat(dir, tmp, 0) < 0 && errno != ENOENT) return err_sys(e, errno, "cannot remove '%s'", tmp);
    int g = write_temporary(dir, tmp, mode, p, n, e);
    if (g == 0 && keep) g = keep_previous(dir, name, e);
    if (g == 0 && sys.renameat(dir, tmp, dir, name) < 0) g = err_sys(e, errno, "cannot rename '%s' to '%s'", tmp, name);
    if (g == 0) return dir_sync(dir, name, e);
    (void)sys.unlinkat(dir, tmp, 0); /* best effort: a leftover is ignored and removed by the next cleaner */
    return g;
}

int atomic_replace(int dir, const char *name, const void *p, size_t n, bool keep, struct err *e) {
    return replace(dir, name, 0600, p, n, keep, e);
}

int atomic_publish(int dir, const char *name, const void *p, size_t n, struct err *e) {
    return replace(dir, name, 0666, p, n, false, e);
}

static int check_private(int fd, const char *path, struct err *e) {
    struct stat st;
    if (sys.fstat(fd, &st) < 0) return err_sys(e, errno, "cannot look at '%s'", path);
    if (st.st_uid != geteuid() && geteuid() != 0)
        return err_set(e, G_USAGE, "directory '%s' belongs to another user", path);
    if (st.st_mode & 0002) return err_set(e, G_USAGE, "directory '%s' can be written by everyone", path);
    return 0;
}

int dir_open(int dir, const char *path, bool create, struct err *e) {
    int fd = sys.open_beneath(dir, path, O_RDONLY | O_DIRECTORY, 0);
    if (fd < 0 && errno == ENOENT && create) {
        if (sys.mkdirat(dir, path, 0700) < 0 && errno != EEXIST)
            return err_sys(e, errno, "cannot create directory '%s'", path);
        int g = dir_sync(dir, path, e);
        if (g < 0) return g;
        fd = sys.open_beneath(dir, path, O_RDONLY | O_DIRECTORY, 0);
    }
    if (fd < 0) return err_open(e, errno, "cannot open directory", path);
    int g = check_private(fd, path, e);
    if (g < 0) {
        sys.close(fd);
        return g;
    }
    return fd;
}

/* The entry of a new directory, made durable in the directory that it is in. */
static int sync_parent(const char *path, struct err *e) {
    char *copy = strdup(path);
    if (!copy) return err_nomem(e);
    char *slash = strrchr(copy, '/');
    if (slash) slash[slash == copy] = '\0';
    int fd = sys.openat(AT_FDCWD, slash ? copy : ".", O_RDONLY | O_DIRECTORY, 0);
    int g = fd < 0 ? err_sys(e, errno, "cannot open the directory of '%s'", path) : dir_sync(fd, path, e);
    if (fd >= 0) sys.close(fd);
    free(copy);
    return g;
}

static int make_parents(const char *path, struct err *e) {
    char *copy = strdup(path);
    if (!copy) return err_nomem(e);
    int g = 0;
    for (char *s = copy + 1; g == 0; s++) {
        if (*s != '/' && *s != '\0') continue;
        char was = *s;
        *s = '\0';
        if (sys.mkdirat(AT_FDCWD, copy, 0700) == 0)
            g = sync_parent(copy, e);
        else if (errno != EEXIST)
            g = err_sys(e, errno, "cannot create directory '%s'", copy);
        *s = was;
        if (was == '\0') break;
    }
    free(copy);
    return g;
}

/* File systems on which locks or syncs do not hold what a log needs of them (statfs(2) names the numbers). */
static const char *unsafe_file_system(int fd) {
    struct statfs fs;
    if (sys.fstatfs(fd, &fs) < 0) return NULL;
    switch ((uint32_t)fs.f_type) {
    case NFS_SUPER_MAGIC: return "NFS";
    case SMB_SUPER_MAGIC:
    case 0xff534d42: /* CIFS */
    case 0xfe534d42: /* SMB2 */ return "SMB";
    case FUSE_SUPER_MAGIC: return "FUSE";
    case V9FS_MAGIC: return "9P";
    case AFS_SUPER_MAGIC: return "AFS";
    case CEPH_SUPER_MAGIC: return "Ceph";
    default: return NULL;
    }
}

int dir_open_root(const char *path, bool create, bool force, struct err *e) {
    int fd = sys.openat(AT_FDCWD, path, O_RDONLY | O_DIRECTORY, 0);
    if (fd < 0 && errno == ENOENT && create) {
        int g = make_parents(path, e);
        if (g < 0) return g;
        fd = sys.openat(AT_FDCWD, path, O_RDONLY | O_DIRECTORY, 0);
    }
    if (fd < 0) return err_open(e, errno, "cannot open directory", path);
    int g = check_private(fd, path, e);
    const char *unsafe = unsafe_file_system(fd);
    if (g == 0 && unsafe && !force)
        g = err_set(e, G_USAGE, "directory '%s' is on %s, whose locks a log cannot rely on; --force-fs overrides", path,
                    unsafe);
    if (g < 0) {
        sys.close(fd);
        return g;
    }
    return fd;
}

/* Names, "." and ".." left out, of n bytes that getdents64 gave. */
static int each_entry(const char *entries, size_t n, int (*fn)(void *ctx, const char *name), void *ctx) {
    int g = 0;
    for (size_t at = 0; g == 0 && at < n;) {
        const struct dirent64 *entry = (const void *)(entries + at);
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0) g = fn(ctx, entry->d_name);
        at += entry->d_reclen;
    }
    return g;
}

int dir_each_once(int dir, int (*fn)(void *ctx, const char *name), void *ctx, bool *ret_whole, struct err *e) {
    _Alignas(struct dirent64) char entries[16384];
    int fd = sys.openat(dir, ".", O_RDONLY | O_DIRECTORY, 0), g = 0, calls = 0;
    if (fd < 0) return err_sys(e, errno, "cannot list a directory");
    ssize_t n;
    while (g == 0 && (n = getdents64(fd, entries, sizeof entries)) != 0) {
        calls++;
        g = n < 0 ? err_sys(e, errno, "cannot list a directory") : each_entry(entries, (size_t)n, fn, ctx);
    }
    sys.close(fd);
    *ret_whole = calls == 1;
    return g;
}

int dir_each(int dir, int (*fn)(void *ctx, const char *name), void *ctx, struct err *e) {
    bool whole;
    return dir_each_once(dir, fn, ctx, &whole, e);
}

struct removal {
    int dir;
    struct err *e;
};

static int remove_entry(void *ctx, const char *name) {
    struct removal *r = ctx;
    if (sys.unlinkat(r->dir, name, 0) == 0) return 0;
    if (errno == EISDIR || errno == EPERM) return dir_remove_tree(r->dir, name, r->e);
    return errno == ENOENT ? 0 : err_sys(r->e, errno, "cannot remove '%s'", name);
}

int dir_remove_tree(int dir, const char *name, struct err *e) {
    struct removal r = {.dir = sys.open_beneath(dir, name, O_RDONLY | O_DIRECTORY, 0), .e = e};
    if (r.dir < 0) return errno == ENOENT ? 0 : err_sys(e, errno, "cannot open directory '%s'", name);
    int g = dir_each(r.dir, remove_entry, &r, e);
    sys.close(r.dir);
    if (g == 0 && sys.unlinkat(dir, name, AT_REMOVEDIR) < 0 && errno != ENOENT)
        g = err_sys(e, errno, "cannot remove directory '%s'", name);
    return g;
}
