/* SPDX-License-Identifier: Apache-2.0 */
/* Pipes: size, fill, and moving a file into one. See pipes.h. */
#include "sys/pipes.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sys/file.h"
#include "sys/signals.h"
#include "sys/sys.h"

bool pipe_grow(int fd) {
    int now = fcntl(fd, F_GETPIPE_SZ);
    if (now < 0) return false;
    if (now < (int)PIPE_BYTES) (void)fcntl(fd, F_SETPIPE_SZ, (int)PIPE_BYTES);
    return true;
}

size_t pipe_pending(int fd) {
    struct stat st;
    int n = 0;
    if (sys.fstat(fd, &st) < 0 || !S_ISFIFO(st.st_mode)) return 0;
    if (ioctl(fd, FIONREAD, &n) < 0 || n < 0) return 0;
    return (size_t)n;
}

bool pipe_abandoned(int fd) {
    struct pollfd p = {.fd = fd, .events = POLLOUT};
    return sys.poll(&p, 1, 0) > 0 && (p.revents & POLLERR) != 0;
}

static int copy_file(int out, int file, off_t at, size_t n, const char *name, const char *out_name, struct err *e) {
    static const size_t chunk = 128 * 1024;
    char buffer[128 * 1024];
    while (n > 0) {
        size_t k = 0;
        int g = file_pread(file, buffer, n < chunk ? n : chunk, at, &k, name, e);
        if (g == 0 && k == 0) g = err_set(e, G_TRUNCATED, "'%s' ends early", name);
        if (g == 0) g = file_write_all(out, buffer, k, out_name, e);
        if (g < 0) return g;
        at += (off_t)k;
        n -= k;
    }
    return 0;
}

int pipe_send_file(int out, int file, off_t at, size_t n, const char *name, const char *out_name, struct err *e) {
    while (n > 0) {
        ssize_t k = sys.splice(file, &at, out, n, SPLICE_F_MOVE | SPLICE_F_MORE);
        if (k > 0) {
            n -= (size_t)k;
        } else if (k == 0) {
            return err_set(e, G_TRUNCATED, "'%s' ends early", name);
        } else if (errno == EPIPE) {
            return err_set(e, G_PIPE, "the reader of '%s' went away", out_name);
        } else if (errno == EINTR) {
            if (signals_stop()) return err_set(e, G_STOPPED, "stopped while writing");
        } else if (errno == EINVAL || errno == EAGAIN) {
            return copy_file(out, file, at, n, name, out_name, e); /* not a pipe, or one that does not block */
        } else {
            return err_sys(e, errno, "cannot move '%s' to '%s'", name, out_name);
        }
    }
    return 0;
}
