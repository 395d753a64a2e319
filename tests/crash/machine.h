/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A machine that fails at one chosen system call: it counts the calls that go through `sys`, and at number `at` it
 * kills the process before or after the call or in the middle of a write, or lets the call fail with an errno. Threads
 * make their calls one at a time.
 */
#ifndef LEAT_TESTS_MACHINE_H
#define LEAT_TESTS_MACHINE_H

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <unistd.h>

#include "sys/sys.h"

enum fault {
    FAULT_NONE,
    FAULT_KILL_BEFORE,
    FAULT_KILL_AFTER,
    FAULT_KILL_HALF,
    FAULT_ERRNO,
    FAULT_HALF_ERRNO,
    FAULT_DONE_ERRNO
};
enum call_kind { CALL_OTHER, CALL_WRITE, CALL_SYNC, CALL_DIR, CALL_CLOSE };

static struct sys_ops real_sys;
static struct {
    long count, at;
    long span; /* so many calls in a row fail; 0 is 1 */
    enum fault fault;
    int errnum;
    enum call_kind hit; /* kind of the call that was hit */
    bool was_hit, next_write_fails;
    bool sync_of_file; /* the call that was hit was the sync of a segment */
    ino_t failed_sync; /* of the file whose sync failed */
    bool sync_repeated;
    uint64_t boot_id; /* 0: the real one */
} machine;

static pthread_mutex_t machine_mutex = PTHREAD_RECURSIVE_MUTEX_INITIALIZER_NP;

static inline int machine_lock(void) {
    return pthread_mutex_lock(&machine_mutex);
}
static inline void machine_unlock(const int *unused) {
    (void)unused;
    pthread_mutex_unlock(&machine_mutex);
}
#define MACHINE_ALONE(name) __attribute__((cleanup(machine_unlock), unused)) int name = machine_lock()

static inline void machine_die(void) {
    raise(SIGKILL);
    _exit(99);
}

/* True: the call is to fail, errno is set. *after: die behind it. */
static inline bool machine_gate(enum call_kind kind, bool *after) {
    *after = false;
    ++machine.count;
    if (machine.at == 0 || machine.count < machine.at ||
        machine.count > machine.at + (machine.span ? machine.span - 1 : 0))
        return false;
    machine.was_hit = true;
    machine.hit = kind;
    switch (machine.fault) {
    case FAULT_KILL_BEFORE: machine_die(); break;
    case FAULT_KILL_AFTER: *after = true; return false;
    case FAULT_ERRNO:
        if (kind == CALL_CLOSE) return false; /* the descriptor would stay open for ever */
        errno = machine.errnum;
        return true;
    case FAULT_DONE_ERRNO: *after = true; return false;
    default: break;
    }
    return false;
}

/* Behind a call that was made: die, or report a failure of something that was done. */
static inline long machine_behind(bool after, long rc) {
    if (!after) return rc;
    if (machine.fault == FAULT_KILL_AFTER) machine_die();
    if (machine.hit == CALL_DIR && rc == 0) {
        errno = machine.errnum;
        return -1;
    }
    return rc;
}

#define MACHINE_CALL(kind, expr)                                                                                       \
    do {                                                                                                               \
        MACHINE_ALONE(one);                                                                                            \
        bool after;                                                                                                    \
        if (machine_gate(kind, &after)) return -1;                                                                     \
        return (__typeof__(expr))machine_behind(after, expr);                                                          \
    } while (0)

static inline int machine_openat(int dir, const char *path, int flags, mode_t mode) {
    MACHINE_CALL(CALL_OTHER, real_sys.openat(dir, path, flags, mode));
}
static inline int machine_open_beneath(int dir, const char *path, int flags, mode_t mode) {
    MACHINE_CALL(CALL_OTHER, real_sys.open_beneath(dir, path, flags, mode));
}
static inline int machine_close(int fd) {
    MACHINE_CALL(CALL_CLOSE, real_sys.close(fd));
}
static inline ssize_t machine_pread(int fd, void *p, size_t n, off_t at) {
    MACHINE_CALL(CALL_OTHER, real_sys.pread(fd, p, n, at));
}

/* A write of which only half arrives; 0 when there is nothing special about this one. */
static inline ssize_t machine_half(int fd, const struct iovec *v, int n, off_t at) {
    if (machine.next_write_fails) {
        machine.next_write_fails = false;
        errno = machine.errnum;
        return -1;
    }
    if (machine.count + 1 != machine.at || (machine.fault != FAULT_KILL_HALF && machine.fault != FAULT_HALF_ERRNO))
        return 0;
    machine.count++;
    machine.was_hit = true;
    machine.hit = CALL_WRITE;
    size_t all = 0, done = 0;
    for (int i = 0; i < n; i++) all += v[i].iov_len;
    for (int i = 0; i < n && done < all / 2; i++) {
        size_t k = v[i].iov_len < all / 2 - done ? v[i].iov_len : all / 2 - done;
        if (k == 0) continue;
        if (real_sys.pwrite(fd, v[i].iov_base, k, at + (off_t)done) != (ssize_t)k) _exit(98);
        done += k;
    }
    if (machine.fault == FAULT_KILL_HALF) machine_die();
    if (done == 0) {
        errno = machine.errnum;
        return -1;
    }
    machine.next_write_fails = true;
    return (ssize_t)done;
}

static inline ssize_t machine_pwrite(int fd, const void *p, size_t n, off_t at) {
    struct iovec v = {(void *)(uintptr_t)p, n};
    MACHINE_ALONE(call);
    ssize_t half = machine_half(fd, &v, 1, at);
    if (half) return half;
    MACHINE_CALL(CALL_WRITE, real_sys.pwrite(fd, p, n, at));
}
static inline ssize_t machine_pwritev(int fd, const struct iovec *v, int n, off_t at) {
    MACHINE_ALONE(call);
    ssize_t half = machine_half(fd, v, n, at);
    if (half) return half;
    MACHINE_CALL(CALL_WRITE, real_sys.pwritev(fd, v, n, at));
}

static inline bool machine_name_ends(int fd, const char *end) {
    char link[40], name[512];
    ssize_t k = (ssize_t)__builtin_strlen(end);
    (void)snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t n = readlink(link, name, sizeof name);
    return n > k && __builtin_memcmp(name + n - k, end, (size_t)k) == 0;
}

static inline int machine_sync(int fd, int (*real)(int)) {
    struct stat st;
    MACHINE_ALONE(call);
    /* derived files may be synced again, segments never */
    bool regular = real_sys.fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && machine_name_ends(fd, ".leat");
    if (regular && machine.failed_sync == st.st_ino) machine.sync_repeated = true;
    bool after;
    if (machine_gate(CALL_SYNC, &after)) {
        machine.sync_of_file = regular;
        if (regular) machine.failed_sync = st.st_ino;
        return -1;
    }
    return (int)machine_behind(after, real(fd));
}
static inline int machine_fdatasync(int fd) {
    return machine_sync(fd, real_sys.fdatasync);
}
static inline int machine_fsync(int fd) {
    return machine_sync(fd, real_sys.fsync);
}
static inline int machine_sync_file_range(int fd, off_t at, off_t n, unsigned flags) {
    MACHINE_CALL(CALL_OTHER, real_sys.sync_file_range(fd, at, n, flags));
}
static inline int machine_ftruncate(int fd, off_t size) {
    MACHINE_CALL(CALL_OTHER, real_sys.ftruncate(fd, size));
}
static inline int machine_fstat(int fd, struct stat *st) {
    MACHINE_CALL(CALL_OTHER, real_sys.fstat(fd, st));
}
static inline int machine_fstatat(int dir, const char *path, struct stat *st, int flags) {
    MACHINE_CALL(CALL_OTHER, real_sys.fstatat(dir, path, st, flags));
}
static inline int machine_renameat(int from_dir, const char *from, int to_dir, const char *to) {
    MACHINE_CALL(CALL_DIR, real_sys.renameat(from_dir, from, to_dir, to));
}
static inline int machine_linkat(int from_dir, const char *from, int to_dir, const char *to) {
    MACHINE_CALL(CALL_DIR, real_sys.linkat(from_dir, from, to_dir, to));
}
static inline int machine_unlinkat(int dir, const char *path, int flags) {
    MACHINE_CALL(CALL_DIR, real_sys.unlinkat(dir, path, flags));
}
static inline int machine_mkdirat(int dir, const char *path, mode_t mode) {
    MACHINE_CALL(CALL_DIR, real_sys.mkdirat(dir, path, mode));
}
static inline uint64_t machine_boot_id(void) {
    return machine.boot_id ? machine.boot_id : real_sys.boot_id();
}

static inline void machine_install(void) {
    real_sys = sys;
    sys.openat = machine_openat;
    sys.open_beneath = machine_open_beneath;
    sys.close = machine_close;
    sys.pread = machine_pread;
    sys.pwrite = machine_pwrite;
    sys.pwritev = machine_pwritev;
    sys.fdatasync = machine_fdatasync;
    sys.fsync = machine_fsync;
    sys.sync_file_range = machine_sync_file_range;
    sys.ftruncate = machine_ftruncate;
    sys.fstat = machine_fstat;
    sys.fstatat = machine_fstatat;
    sys.renameat = machine_renameat;
    sys.linkat = machine_linkat;
    sys.unlinkat = machine_unlinkat;
    sys.mkdirat = machine_mkdirat;
    sys.boot_id = machine_boot_id;
}

/* Fail at call number `at`, counted from here. */
static inline void machine_arm(long at, enum fault fault, int errnum) {
    uint64_t boot = machine.boot_id;
    __builtin_memset(&machine, 0, sizeof machine);
    machine.at = at;
    machine.fault = fault;
    machine.errnum = errnum;
    machine.boot_id = boot;
}

#endif
