/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How long a record takes from one end of commands to the other: latency RATE COUNT [-s FILE] [-- COMMAND... ';'
 * COMMAND...
 * ['|' COMMAND...]...]. Lines go into the first command, and come out of the last; between ';' the two are linked by
 * something else (a topic). Without commands it is one pipe: the floor. With -s the lines
 * are written and synced to FILE on the way.
 */
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <sys/wait.h>

#include "latency.h"

#define COMMANDS_MAX 16

extern char **environ;

static void send_line(struct run *r, const char *line) {
    write_fully(r->out, line, LINE_BYTES);
}

static void *writer(void *arg) {
    struct run *r = arg;
    run_pace(r, send_line);
    close(r->out);
    return NULL;
}

/* The floor of what is durable: all that waits is written and synced at once, then handed on. */
struct relay {
    int in, out, file;
};

static void *relay_synced(void *arg) {
    static char buffer[1 << 16];
    const struct relay *l = arg;
    ssize_t n;
    while ((n = read(l->in, buffer, sizeof buffer)) > 0) {
        write_fully(l->file, buffer, (size_t)n);
        if (fdatasync(l->file) < 0) run_fail("fdatasync");
        write_fully(l->out, buffer, (size_t)n);
    }
    close(l->out);
    return NULL;
}

static void start_relay(struct relay *l, const char *path, int *in) {
    pthread_t thread;
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) < 0) run_fail("pipe");
    *l = (struct relay){*in, ends[1], open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666)};
    if (l->file < 0) run_fail(path);
    if (pthread_create(&thread, NULL, relay_synced, l) != 0 || pthread_detach(thread) != 0) run_fail("thread");
    *in = ends[0];
}

/* Until all came, or the end: a command that follows a topic has none. */
static void receive(struct run *r, int in) {
    static char buffer[1 << 16];
    size_t have = 0;
    while (r->received <= r->count) {
        ssize_t n = read(in, buffer + have, sizeof buffer - have);
        int64_t now = now_ns();
        if (n < 0) run_fail("read");
        if (n == 0) return;
        have += (size_t)n;
        char *line = buffer, *end;
        while ((end = memchr(line, '\n', have - (size_t)(line - buffer)))) {
            run_received(r, line, now);
            line = end + 1;
        }
        have -= (size_t)(line - buffer);
        memmove(buffer, line, have);
    }
}

static pid_t spawn(char **argv, int in, int out) {
    posix_spawn_file_actions_t actions;
    pid_t pid;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, in, STDIN_FILENO);
    posix_spawn_file_actions_adddup2(&actions, out, STDOUT_FILENO);
    errno = posix_spawnp(&pid, argv[0], &actions, NULL, argv, environ);
    if (errno) run_fail(argv[0]);
    posix_spawn_file_actions_destroy(&actions);
    return pid;
}

static void open_pipe(int ends[2]) {
    if (pipe2(ends, O_CLOEXEC) < 0) run_fail("pipe");
}

/* Starts the commands; *ret_out goes into the first, *ret_in comes from the last. Returns how many there are. */
static size_t start(char **argv, pid_t *pids, int *ret_out, int *ret_in) {
    size_t n = 0;
    int in[2], out[2];
    open_pipe(in);
    *ret_out = in[1];
    int next = in[0];
    while (*argv && n < COMMANDS_MAX) {
        char **from = argv;
        while (*argv && strcmp(*argv, "|") != 0 && strcmp(*argv, ";") != 0) argv++;
        bool cut = *argv && **argv == ';', more = *argv != NULL;
        *argv = NULL;
        argv += more;
        if (cut)
            out[0] = out[1] = open("/dev/null", O_RDWR | O_CLOEXEC);
        else
            open_pipe(out);
        if (out[1] < 0) run_fail("/dev/null");
        pids[n++] = spawn(from, next, out[1]);
        close(next);
        if (!cut) close(out[1]);
        next = out[0];
    }
    *ret_in = next;
    return n;
}

/* The status of a process that ends by itself or was asked to; one that does not within ten seconds is killed. */
static int wait_ended(pid_t pid) {
    int status = -1;
    for (int i = 0; i < 10000; i++) {
        pid_t got = waitpid(pid, &status, WNOHANG);
        if (got < 0) run_fail("wait");
        if (got == pid) return status;
        usleep(1000);
    }
    fputs("latency: a command does not end\n", stderr);
    kill(pid, SIGKILL);
    return waitpid(pid, &status, 0) < 0 ? -1 : -2;
}

/* The first command ends with its input, the others are asked to. */
static int finish(const pid_t *pids, size_t n) {
    bool failed = false;
    for (size_t i = 0; i < n; i++) {
        if (i > 0) kill(pids[i], SIGTERM);
        int status = wait_ended(pids[i]);
        failed |= status < 0 || (i == 0 && status != 0);
    }
    if (failed) fputs("latency: a command failed\n", stderr);
    return failed;
}

int main(int argc, char **argv) {
    struct run r;
    pid_t pids[COMMANDS_MAX];
    pthread_t thread;
    const char *synced = NULL;
    struct relay relay;
    int in = -1;
    if (argc < 3) {
        fputs("usage: latency RATE COUNT [-s FILE] [-- COMMAND...]\n", stderr);
        return 2;
    }
    run_init(&r, strtol(argv[1], NULL, 10), strtol(argv[2], NULL, 10));
    argv += 3;
    if (*argv && strcmp(*argv, "-s") == 0 && argv[1]) {
        synced = argv[1];
        argv += 2;
    }
    if (*argv && strcmp(*argv, "--") == 0) argv++;
    size_t n = start(argv, pids, &r.out, &in);
    if (synced) start_relay(&relay, synced, &in);
    if (pthread_create(&thread, NULL, writer, &r) != 0) run_fail("thread");
    receive(&r, in);
    if (r.received <= r.count) return run_report(&r);
    pthread_join(thread, NULL);
    int code = finish(pids, n);
    return code ? code : run_report(&r);
}
