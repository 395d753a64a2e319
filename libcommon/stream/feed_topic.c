/* SPDX-License-Identifier: Apache-2.0 */
/* A topic as an input: `leat-consume`, which lies beside this program, in a process of its own. See feed.h. */
#include <errno.h>
#include <signal.h>
#include <sys/wait.h>

#include "stream/feed_impl.h"
#include "sys/child.h"
#include "sys/sys.h"

enum { ARGUMENTS_MAX = 8 };

static void make_arguments(const struct feed *f, const char *args[ARGUMENTS_MAX]) {
    const struct feeds_config *c = &f->all->config;
    size_t n = 0;
    args[n++] = "leat-consume";
    args[n++] = "--out=leat";
    if (c->bounded) args[n++] = "--exit";
    if (c->force_fs) args[n++] = "--force-fs";
    if (c->log_dir) {
        args[n++] = "--dir";
        args[n++] = c->log_dir;
    }
    args[n++] = "--";
    args[n++] = f->operand;
    args[n] = NULL;
}

int feed_topic_start(struct feed *f, struct err *e) {
    const char *args[ARGUMENTS_MAX + 1];
    make_arguments(f, args);
    return child_start(args, &f->child, &f->fd, e);
}

/* The grade that has this exit code: what is wrong has been said by the child itself. */
static int grade_of(int code) {
    static const int grades[] = {G_USAGE, G_DATA, G_IO, G_UPSTREAM, G_CORRUPT, G_FENCED, G_BUG};
    for (size_t i = 0; i < sizeof grades / sizeof *grades; i++)
        if (grade_exit_code(grades[i]) == code) return grades[i];
    return G_UPSTREAM;
}

int feed_topic_finish(struct feed *f, struct err *e) {
    int status;
    pid_t child = f->child;
    f->child = 0;
    if (child <= 0) return 0;
    while (waitpid(child, &status, 0) < 0)
        if (errno != EINTR) return err_sys(e, errno, "cannot wait for 'leat-consume'");
    if (WIFSIGNALED(status))
        return err_set(e, G_UPSTREAM, "'%s': leat-consume was ended by signal %d", f->name, WTERMSIG(status));
    int code = WEXITSTATUS(status);
    return code ? err_set(e, grade_of(code), "'%s': leat-consume failed with exit status %d", f->name, code) : 0;
}

void feed_topic_stop(struct feed *f) {
    struct err ignored;
    if (f->topic && f->fd >= 0) sys.close(f->fd); /* its thread never ran */
    f->fd = -1;
    if (f->child <= 0) return;
    (void)kill(f->child, SIGTERM);
    int g = feed_topic_finish(f, &ignored);
    (void)g; /* nobody reads it any more */
}
