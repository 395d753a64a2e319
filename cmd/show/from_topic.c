/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The records of a topic as standard input: `leat consume -e` in a process of its own, so that ranges, partitions and
 * damage are what they are there.
 */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli/exit.h"
#include "show.h"
#include "sys/child.h"

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

int from_topic_start(struct from_topic *f, const struct topic_range *range, struct err *e) {
    const char **args = calloc(12 + 2 * range->partition_count, sizeof *args);
    int out;
    if (!args) return err_nomem(e);
    make_arguments(range, args);
    int g = child_start(args, &f->child, &out, e);
    free(args);
    if (g < 0) return g;
    if (dup2(out, STDIN_FILENO) < 0) g = err_sys(e, errno, "cannot read from 'leat-consume'");
    close(out);
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
