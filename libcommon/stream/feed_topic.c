/* SPDX-License-Identifier: Apache-2.0 */
/* A topic as an input: `leat-consume`, which lies beside this program, in a process of its own. See feed.h. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "stream/feed_impl.h"
#include "sys/sys.h"

extern char **environ;

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

/* It reads nothing from our standard input, and has its own idea of SIGPIPE: the default one. */
static int spawn(struct feed *f, const char *path, int out, struct err *e) {
    const char *args[ARGUMENTS_MAX + 1];
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    sigset_t reset;
    sigemptyset(&reset);
    sigaddset(&reset, SIGPIPE);
    make_arguments(f, args);
    int rc = posix_spawn_file_actions_init(&actions);
    if (rc != 0) return err_sys(e, rc, "cannot run '%s'", path);
    rc = posix_spawnattr_init(&attributes);
    if (rc == 0) {
        rc = posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF);
        if (rc == 0) rc = posix_spawnattr_setsigdefault(&attributes, &reset);
        if (rc == 0) rc = posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
        if (rc == 0) rc = posix_spawn_file_actions_adddup2(&actions, out, STDOUT_FILENO);
        if (rc == 0) rc = posix_spawn(&f->child, path, &actions, &attributes, (char *const *)args, environ);
        posix_spawnattr_destroy(&attributes);
    }
    posix_spawn_file_actions_destroy(&actions);
    return rc == 0 ? 0 : err_sys(e, rc, "cannot run '%s'", path);
}

int feed_topic_start(struct feed *f, struct err *e) {
    char path[PATH_MAX];
    int ends[2];
    int g = consume_path(path, e);
    if (g < 0) return g;
    if (pipe2(ends, O_CLOEXEC) < 0) return err_sys(e, errno, "cannot make a pipe");
    g = spawn(f, path, ends[1], e);
    if (g < 0) f->child = 0;
    sys.close(ends[1]);
    f->fd = ends[0];
    return g;
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
