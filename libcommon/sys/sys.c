/* SPDX-License-Identifier: Apache-2.0 */
/* The table of system calls as the real machine has them. See sys.h. */
#include "sys/sys.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static int real_openat(int dir, const char *path, int flags, mode_t mode) {
    return openat(dir, path, flags | O_CLOEXEC, mode);
}

static int real_open_beneath(int dir, const char *path, int flags, mode_t mode) {
    /* O_NONBLOCK: a FIFO in the place of a file must not hang whoever opens it; to files it means nothing */
    struct open_how how = {
        .flags = (uint64_t)(unsigned)(flags | O_CLOEXEC | O_NONBLOCK | O_NOCTTY),
        .mode = (flags & (O_CREAT | O_TMPFILE)) ? mode : 0,
        .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS,
    };
    long fd;
    do fd = syscall(SYS_openat2, dir, path, &how, sizeof how);
    while (fd < 0 && errno == EAGAIN); /* a rename went on meanwhile */
    return (int)fd;
}

static ssize_t real_splice(int in, off_t *in_at, int out, size_t n, unsigned flags) {
    return splice(in, in_at, out, NULL, n, flags);
}

static int real_linkat(int from_dir, const char *from, int to_dir, const char *to) {
    return linkat(from_dir, from, to_dir, to, 0);
}

static int64_t clock_ns(clockid_t id) {
    struct timespec t;
    if (clock_gettime(id, &t) != 0) return 0;
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static int64_t real_wall_ns(void) {
    return clock_ns(CLOCK_REALTIME);
}

static int64_t real_boot_ns(void) {
    return clock_ns(CLOCK_BOOTTIME);
}

static int64_t real_steady_ns(void) {
    return clock_ns(CLOCK_MONOTONIC);
}

static int real_sleep_until(int64_t steady_ns) {
    struct timespec t = {.tv_sec = steady_ns / 1000000000, .tv_nsec = steady_ns % 1000000000};
    errno = clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL);
    return errno ? -1 : 0;
}

/* No process lives through a boot, so it is read once: readers ask for it with each block. */
static uint64_t real_boot_id(void) {
    static _Atomic uint64_t known;
    uint64_t id = atomic_load(&known);
    if (id) return id;
    char text[64] = "";
    int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
    if (fd < 0) return 0;
    ssize_t n = read(fd, text, sizeof text - 1);
    close(fd);
    int digits = 0;
    for (ssize_t i = 0; i < n && digits < 16; i++) {
        const char *hex = "0123456789abcdef";
        const char *at = text[i] ? strchr(hex, text[i]) : NULL;
        if (!at) continue;
        id = id << 4 | (uint64_t)(at - hex);
        digits++;
    }
    atomic_store(&known, id);
    return id;
}

struct sys_ops sys = {
    .openat = real_openat,
    .open_beneath = real_open_beneath,
    .close = close,
    .read = read,
    .write = write,
    .writev = writev,
    .pread = pread,
    .pwrite = pwrite,
    .pwritev = pwritev,
    .splice = real_splice,
    .fdatasync = fdatasync,
    .fsync = fsync,
    .sync_file_range = sync_file_range,
    .ftruncate = ftruncate,
    .fstat = fstat,
    .fstatat = fstatat,
    .fstatfs = fstatfs,
    .renameat = renameat,
    .linkat = real_linkat,
    .unlinkat = unlinkat,
    .mkdirat = mkdirat,
    .poll = poll,
    .wall_ns = real_wall_ns,
    .boot_ns = real_boot_ns,
    .boot_id = real_boot_id,
    .steady_ns = real_steady_ns,
    .sleep_until = real_sleep_until,
};

uint64_t sys_boot_id(void) {
    return sys.boot_id();
}

void sys_sleep_ns(int64_t ns) {
    if (ns <= 0) return;
    struct timespec t = {.tv_sec = ns / 1000000000, .tv_nsec = ns % 1000000000};
    (void)nanosleep(&t, NULL);
}
