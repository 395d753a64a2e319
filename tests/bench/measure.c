/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs a pipeline and says how long it took and what each of its commands used: measure [-n RUNS] [-i FILE] [-o FILE]
 * COMMAND ARG... [ '|' COMMAND ARG... ]...  One line of JSON a run. It is C and small because a child's peak memory,
 * as the kernel counts it, begins with that of the process that started it. The pipes between commands hold 1 MiB.
 */
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define PIPE_BYTES (1 << 20)
#define COMMANDS_MAX 16

extern char **environ;

struct command {
    char **argv;
    pid_t pid;
    int status;
    struct rusage used;
};

static void die(const char *what, int errnum) {
    fprintf(stderr, "measure: %s: %s\n", what, strerror(errnum));
    exit(4);
}

static double now_s(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static int open_or_die(const char *path, int flags) {
    int fd = open(path, flags | O_CLOEXEC, 0666);
    if (fd < 0) die(path, errno);
    return fd;
}

static void spawn(struct command *c, int in, int out) {
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, in, STDIN_FILENO);
    posix_spawn_file_actions_adddup2(&actions, out, STDOUT_FILENO);
    int errnum = posix_spawnp(&c->pid, c->argv[0], &actions, NULL, c->argv, environ);
    if (errnum) die(c->argv[0], errnum);
    posix_spawn_file_actions_destroy(&actions);
}

static void spawn_all(struct command *c, size_t n, int in, int out) {
    for (size_t i = 0; i < n; i++) {
        int ends[2] = {-1, out};
        if (i + 1 < n) {
            if (pipe2(ends, O_CLOEXEC) < 0) die("pipe", errno);
            if (fcntl(ends[1], F_SETPIPE_SZ, PIPE_BYTES) < 0) die("pipe of 1 MiB", errno);
        }
        spawn(&c[i], in, ends[1]);
        close(in);
        close(ends[1]);
        in = ends[0];
    }
}

static void wait_all(struct command *c, size_t n) {
    for (size_t i = 0; i < n; i++)
        if (wait4(c[i].pid, &c[i].status, 0, &c[i].used) < 0) die("wait", errno);
}

static double seconds(struct timeval t) {
    return (double)t.tv_sec + (double)t.tv_usec * 1e-6;
}

static void print_run(const struct command *c, size_t n, double elapsed_s) {
    printf("{\"s\":%.6f,\"commands\":[", elapsed_s);
    for (size_t i = 0; i < n; i++) {
        int code = WIFEXITED(c[i].status) ? WEXITSTATUS(c[i].status) : 128 + WTERMSIG(c[i].status);
        printf("%s{\"exit\":%d,\"rss_kib\":%ld,\"user_s\":%.6f,\"sys_s\":%.6f}", i ? "," : "", code,
               c[i].used.ru_maxrss, seconds(c[i].used.ru_utime), seconds(c[i].used.ru_stime));
    }
    printf("]}\n");
}

/* Cut the arguments at each '|'. */
static size_t split_commands(char **argv, struct command *c) {
    size_t n = 0;
    c[n++].argv = argv;
    for (; *argv; argv++) {
        if (strcmp(*argv, "|") != 0) continue;
        if (n == COMMANDS_MAX) die("pipeline", E2BIG);
        *argv = NULL;
        c[n++].argv = argv + 1;
    }
    return n;
}

int main(int argc, char **argv) {
    struct command commands[COMMANDS_MAX] = {0};
    const char *in = "/dev/null", *out = "/dev/null";
    long runs = 1;
    int option;
    while ((option = getopt(argc, argv, "+n:i:o:")) != -1) {
        if (option == 'n') runs = strtol(optarg, NULL, 10);
        if (option == 'i') in = optarg;
        if (option == 'o') out = optarg;
        if (option == '?') return 2;
    }
    if (optind == argc) {
        fputs("usage: measure [-n RUNS] [-i FILE] [-o FILE] COMMAND ARG... ['|' COMMAND ARG...]...\n", stderr);
        return 2;
    }
    size_t n = split_commands(argv + optind, commands);
    for (long i = 0; i < runs; i++) {
        int in_fd = open_or_die(in, O_RDONLY), out_fd = open_or_die(out, O_WRONLY | O_CREAT | O_TRUNC);
        double begin = now_s();
        spawn_all(commands, n, in_fd, out_fd);
        wait_all(commands, n);
        print_run(commands, n, now_s() - begin);
    }
    return fflush(stdout) == 0 ? 0 : 4;
}
