/* SPDX-License-Identifier: Apache-2.0 */
/* Another tool as an input. See child.h. */
#include "sys/child.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <unistd.h>

#include "sys/sys.h"

extern char **environ;

static int find_beside(const char *name, char out[PATH_MAX], struct err *e) {
    ssize_t n = readlink("/proc/self/exe", out, PATH_MAX - 1);
    if (n < 0) return err_sys(e, errno, "cannot find '%s'", name);
    out[n] = '\0';
    char *slash = strrchr(out, '/');
    size_t folder = slash ? (size_t)(slash - out) + 1 : 0, size = strlen(name) + 1;
    if (folder + size > PATH_MAX) return err_sys(e, ENAMETOOLONG, "cannot find '%s'", name);
    memcpy(out + folder, name, size);
    return 0;
}

/* 0 or an errno. */
static int spawn(const char *path, const char *const *args, int out, pid_t *ret) {
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    sigset_t reset;
    sigemptyset(&reset);
    sigaddset(&reset, SIGPIPE);
    int rc = posix_spawn_file_actions_init(&actions);
    if (rc != 0) return rc;
    rc = posix_spawnattr_init(&attributes);
    if (rc == 0) {
        rc = posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF);
        if (rc == 0) rc = posix_spawnattr_setsigdefault(&attributes, &reset);
        if (rc == 0) rc = posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
        if (rc == 0) rc = posix_spawn_file_actions_adddup2(&actions, out, STDOUT_FILENO);
        if (rc == 0) rc = posix_spawn(ret, path, &actions, &attributes, (char *const *)args, environ);
        posix_spawnattr_destroy(&attributes);
    }
    posix_spawn_file_actions_destroy(&actions);
    return rc;
}

int child_start(const char *const *args, pid_t *ret_child, int *ret_fd, struct err *e) {
    char path[PATH_MAX];
    int ends[2];
    int g = find_beside(args[0], path, e);
    if (g < 0) return g;
    if (pipe2(ends, O_CLOEXEC) < 0) return err_sys(e, errno, "cannot make a pipe");
    int rc = spawn(path, args, ends[1], ret_child);
    sys.close(ends[1]);
    if (rc == 0) {
        *ret_fd = ends[0];
        return 0;
    }
    sys.close(ends[0]);
    return err_sys(e, rc, "cannot run '%s'", path);
}
