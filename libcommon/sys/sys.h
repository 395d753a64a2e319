/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every system call that can lose data or block, in one table.
 *
 * The library calls `sys.pwrite(…)` and the like instead of libc's functions, so that a test can put a faulty or a
 * simulated machine under it: it replaces members of `sys` before it starts, as SQLite's os_unix.c lets its tests do.
 * Programs never change the table. Members have the meaning and the errors of the system call whose name they carry.
 */
#ifndef LEAT_SYS_SYS_H
#define LEAT_SYS_SYS_H

#include <poll.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <sys/vfs.h>

struct sys_ops {
    int (*openat)(int dir, const char *path, int flags, mode_t mode);
    /* openat2 with RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS: never leaves `dir`, follows no link, waits for nobody
     * (O_CLOEXEC and O_NONBLOCK are added) */
    int (*open_beneath)(int dir, const char *path, int flags, mode_t mode);
    int (*close)(int fd);
    ssize_t (*read)(int fd, void *p, size_t n);
    ssize_t (*write)(int fd, const void *p, size_t n);
    ssize_t (*writev)(int fd, const struct iovec *v, int n);
    ssize_t (*pread)(int fd, void *p, size_t n, off_t at);
    ssize_t (*pwrite)(int fd, const void *p, size_t n, off_t at);
    ssize_t (*pwritev)(int fd, const struct iovec *v, int n, off_t at);
    ssize_t (*splice)(int in, off_t *in_at, int out, size_t n, unsigned flags);
    int (*fdatasync)(int fd);
    int (*fsync)(int fd);
    int (*sync_file_range)(int fd, off_t at, off_t n, unsigned flags);
    int (*ftruncate)(int fd, off_t size);
    int (*fstat)(int fd, struct stat *st);
    int (*fstatat)(int dir, const char *path, struct stat *st, int flags);
    int (*fstatfs)(int fd, struct statfs *fs);
    int (*renameat)(int from_dir, const char *from, int to_dir, const char *to);
    int (*linkat)(int from_dir, const char *from, int to_dir, const char *to);
    int (*unlinkat)(int dir, const char *path, int flags);
    int (*mkdirat)(int dir, const char *path, mode_t mode);
    int (*poll)(struct pollfd *p, nfds_t n, int timeout_ms);
    int64_t (*wall_ns)(void);              /* CLOCK_REALTIME */
    int64_t (*boot_ns)(void);              /* CLOCK_BOOTTIME: steady within one boot, counts while asleep */
    uint64_t (*boot_id)(void);             /* of sys_boot_id() */
    int64_t (*steady_ns)(void);            /* CLOCK_MONOTONIC: never set, stands still while the machine is asleep */
    int (*sleep_until)(int64_t steady_ns); /* until then by that clock; -1 with EINTR: a signal came */
};

extern struct sys_ops sys;

/* The first 8 bytes of the kernel's boot identity; another value after each boot. 0 only if it cannot be read. */
uint64_t sys_boot_id(void);

/* Sleep, shorter when a signal arrives. */
void sys_sleep_ns(int64_t ns);

#endif
