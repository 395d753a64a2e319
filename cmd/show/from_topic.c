/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The records of a topic as standard input: `leat consume -e` in a process of its own, so that ranges, partitions and
 * damage are what they are there.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli/exit.h"
#include "show.h"

extern char **environ;

/* leat-consume lies beside this program. */
static int consume_path(char out[PATH_MAX], struct err *e) {
    static const char name[] = "leat-consume";
    ssize_t n = readlink("/proc/self/exe", out, PATH_MAX - 1);
    if (n < 0) return err_sys(e, errno, "cannot find 'leat-consume'");
    out[n] = '\0';
    char *slash = strrchr(out, '/');
    size_t folder = slash ? (size_t)(slash - out) + 1 : 0;
    if (folder + sizeof name > PATH_MAX) return err_sys(e, ENAMETOOLONG, "cannot find 'leat-consume'");
    memcpy(out + folder, name, sizeof name);
    return 0;
}

static void make_arguments(const struct topic_range *range, const char **args) {
    size_t n = 0;
    args[n++] = "leat-consume";
    args[n++] = "--exit";
    args[n++] = "--out=leat";
    if (range->force_fs) args[n++] = "--force-fs";
    if (range->dir) {
        args[n++] = "--dir";
        args[n++] = range->dir;
    }
    if (range->offset) {
        args[n++] = "--offset";
        args[n++] = range->offset;
    }
    for (size_t i = 0; i < range->partition_count; i++) {
        args[n++] = "--partition";
        args[n++] = range->partitions[i];
    }
    args[n++] = "--";
    args[n++] = range->topic;
    args[n] = NULL;
}

/* The child has its own idea of SIGPIPE: the default one. */
static int spawn(pid_t *ret, const char *path, const char **args, int out, struct err *e) {
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    sigset_t reset;
    sigemptyset(&reset);
    sigaddset(&reset, SIGPIPE);
    int rc = posix_spawn_file_actions_init(&actions);
    if (rc != 0) return err_sys(e, rc, "cannot run '%s'", path);
    rc = posix_spawnattr_init(&attributes);
    if (rc == 0) {
        rc = posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF);
        if (rc == 0) rc = posix_spawnattr_setsigdefault(&attributes, &reset);
        if (rc == 0) rc = posix_spawn_file_actions_adddup2(&actions, out, STDOUT_FILENO);
        if (rc == 0) rc = posix_spawn(ret, path, &actions, &attributes, (char *const *)args, environ);
        posix_spawnattr_destroy(&attributes);
    }
    posix_spawn_file_actions_destroy(&actions);
    return rc == 0 ? 0 : err_sys(e, rc, "cannot run '%s'", path);
}

int from_topic_start(struct from_topic *f, const struct topic_range *range, struct err *e) {
    char path[PATH_MAX];
    int ends[2];
    int g = consume_path(path, e);
    if (g < 0) return g;
    const char **args = calloc(12 + 2 * range->partition_count, sizeof *args);
    if (!args) return err_nomem(e);
    make_arguments(range, args);
    if (pipe2(ends, O_CLOEXEC) < 0) {
        free(args);
        return err_sys(e, errno, "cannot make a pipe");
    }
    g = spawn(&f->child, path, args, ends[1], e);
    free(args);
    close(ends[1]);
    if (g == 0 && dup2(ends[0], STDIN_FILENO) < 0) g = err_sys(e, errno, "cannot read from 'leat-consume'");
    close(ends[0]);
    return g;
}

int from_topic_finish(struct from_topic *f) {
    int status;
    if (f->child <= 0) return 0;
    close(STDIN_FILENO);
    while (waitpid(f->child, &status, 0) < 0)
        if (errno != EINTR) return EXIT_IO;
    if (WIFEXITED(status)) return WEXITSTATUS(status);
    return WTERMSIG(status) == SIGPIPE ? 0 : EXIT_UPSTREAM;
}
