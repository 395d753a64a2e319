/* SPDX-License-Identifier: Apache-2.0 */
/* Byte locks of open file descriptions. See lock.h. */
#include "sys/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <unistd.h>

#include "sys/signals.h"
#include "sys/sys.h"

static struct flock one_byte(short type, off_t byte) {
    return (struct flock){.l_type = type, .l_whence = SEEK_SET, .l_start = byte, .l_len = 1};
}

int lock_try_range(int fd, off_t from, off_t to, struct err *e) {
    struct flock l = one_byte(F_WRLCK, from);
    l.l_len = to - from;
    int rc;
    do rc = fcntl(fd, F_OFD_SETLK, &l);
    while (rc < 0 && errno == EINTR);
    if (rc == 0) return 0;
    if (errno == EAGAIN || errno == EACCES) return 1;
    return err_sys(e, errno, "cannot lock");
}

int lock_try(int fd, off_t byte, struct err *e) {
    return lock_try_range(fd, byte, byte + 1, e);
}

static int report_holder(uint32_t pid, const char *name, int64_t waited_ns, struct err *e) {
    long long seconds = waited_ns / 1000000000;
    if (pid)
        return err_set(e, G_IO, "cannot lock '%s': process %u has held it for more than %lld s", name, pid, seconds);
    return err_set(e, G_IO, "cannot lock '%s': another process has held it for more than %lld s", name, seconds);
}

int lock_take(int fd, off_t byte, int64_t timeout_ns, const _Atomic uint32_t *holder, const char *name, struct err *e) {
    /* Locks are held for microseconds; a fair queue in the kernel (F_OFD_SETLKW) would have no time-out. */
    int64_t begun = 0, pause_ns = 20000;
    for (int tries = 0;; tries++) {
        int g = lock_try(fd, byte, e);
        if (g < 0) return err_prefix(e, "'%s': ", name);
        if (g == 0) return 0;
        if (tries < 30) {
            sched_yield();
            continue;
        }
        if (begun == 0) begun = sys.boot_ns();
        if (sys.boot_ns() - begun > timeout_ns) return report_holder(holder ? *holder : 0, name, timeout_ns, e);
        if (signals_stop()) return err_set(e, G_STOPPED, "stopped while waiting for the lock of '%s'", name);
        sys_sleep_ns(pause_ns);
        if (pause_ns < 1000000) pause_ns += pause_ns / 4;
    }
}

void lock_release(int fd, off_t byte) {
    struct flock l = one_byte(F_UNLCK, byte);
    (void)fcntl(fd, F_OFD_SETLK, &l);
}

off_t lock_probe(int fd, off_t from, off_t to) {
    struct flock l = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = from, .l_len = to - from};
    if (fcntl(fd, F_OFD_GETLK, &l) < 0 || l.l_type == F_UNLCK) return -1;
    return l.l_start < from ? from : l.l_start;
}
