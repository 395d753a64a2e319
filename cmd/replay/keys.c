/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keys of the terminal, one by one and without echo. The terminal is as it was before whenever this process does not
 * run on it in the foreground: stopped, ended in any way but SIGKILL, or in the background. There is one terminal in a
 * process, and handlers need to know of it: hence the statics.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include "replay.h"
#include "sys/signals.h"
#include "sys/sys.h"

static const int fatal[] = {SIGHUP, SIGQUIT, SIGABRT, SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGXCPU};
static const int orderly[] = {SIGINT, SIGTERM}; /* have a handler already (sys/signals.h) */
#define COUNT(a) (sizeof(a) / sizeof(a)[0])

static int terminal = -1;
static struct termios before;
static volatile sig_atomic_t changed; /* the terminal is not as it was */
static struct sigaction orderly_before[COUNT(orderly)];
static _Atomic int64_t stood_ns;

static bool in_foreground(void) {
    return tcgetpgrp(terminal) == getpgrp();
}

/* All of these are safe in a handler. From the background SIGTTOU would stop us. */
static void set_terminal(const struct termios *t) {
    sigset_t out, old;
    sigemptyset(&out);
    sigaddset(&out, SIGTTOU);
    sigprocmask(SIG_BLOCK, &out, &old);
    (void)tcsetattr(terminal, TCSANOW, t);
    sigprocmask(SIG_SETMASK, &old, NULL);
}

static void take_terminal(void) {
    struct termios t = before;
    if (changed || !in_foreground()) return;
    t.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
    t.c_cc[VMIN] = 1;
    t.c_cc[VTIME] = 0;
    changed = 1;
    set_terminal(&t);
}

static void give_terminal_back(void) {
    if (!changed) return;
    set_terminal(&before);
    changed = 0;
}

/* A signal by its default action, which a stop survives. */
static void do_default(int number) {
    sigset_t one, old;
    struct sigaction now, by_default = {.sa_handler = SIG_DFL};
    sigaction(number, &by_default, &now);
    sigemptyset(&one);
    sigaddset(&one, number);
    raise(number);
    sigprocmask(SIG_UNBLOCK, &one, &old);
    sigprocmask(SIG_SETMASK, &old, NULL);
    sigaction(number, &now, NULL);
}

static void on_fatal(int number) {
    give_terminal_back();
    do_default(number);
}

static void on_orderly(int number) {
    int saved = errno;
    give_terminal_back();
    for (size_t i = 0; i < COUNT(orderly); i++)
        if (orderly[i] == number) orderly_before[i].sa_handler(number);
    errno = saved;
}

/* SIGTSTP: while we stand still, the clock of the recording does, too. */
static void on_stop(int number) {
    int saved = errno;
    give_terminal_back();
    int64_t from = sys.steady_ns();
    do_default(number);
    stood_ns += sys.steady_ns() - from;
    take_terminal();
    errno = saved;
}

/* In the background since, and now in the foreground. */
static void on_continue(int number) {
    int saved = errno;
    (void)number;
    take_terminal();
    errno = saved;
}

/* What is ignored, as under nohup, stays so; what others have caught is theirs. */
static void handle(int number, void (*handler)(int)) {
    struct sigaction old, new = {.sa_handler = handler};
    sigemptyset(&new.sa_mask);
    if (sigaction(number, NULL, &old) == 0 && old.sa_handler == SIG_DFL) (void)sigaction(number, &new, NULL);
}

static void handle_all(void) {
    for (size_t i = 0; i < COUNT(fatal); i++) handle(fatal[i], on_fatal);
    for (size_t i = 0; i < COUNT(orderly); i++) {
        struct sigaction ours = {.sa_handler = on_orderly, .sa_flags = (int)SA_RESETHAND};
        sigemptyset(&ours.sa_mask);
        (void)sigaction(orderly[i], NULL, &orderly_before[i]);
        bool caught = orderly_before[i].sa_handler != SIG_DFL && orderly_before[i].sa_handler != SIG_IGN;
        if (caught) (void)sigaction(orderly[i], &ours, NULL);
    }
    handle(SIGTSTP, on_stop);
    handle(SIGCONT, on_continue);
}

int keys_open(struct keys *k, bool needed, bool taken, struct err *e) {
    *k = (struct keys){.fd = -1};
    if (!taken && isatty(STDIN_FILENO) == 1 && (needed || isatty(STDERR_FILENO) == 1)) {
        k->fd = STDIN_FILENO;
    } else if (needed) {
        k->fd = sys.openat(AT_FDCWD, "/dev/tty", O_RDWR | O_NOCTTY, 0);
        k->own = k->fd >= 0;
    }
    if (k->fd >= 0 && tcgetattr(k->fd, &before) == 0) {
        terminal = k->fd;
        handle_all();
        take_terminal();
        return 0;
    }
    keys_close(k);
    return needed ? err_set(e, G_USAGE, "--step needs a terminal, and there is none") : 0;
}

void keys_close(struct keys *k) {
    if (terminal >= 0) give_terminal_back();
    terminal = -1;
    if (k->own) sys.close(k->fd);
    k->fd = -1;
    k->own = false;
}

/* Arrows are ESC [ or ESC O, and a letter, which a terminal sends in one piece. */
static enum key take_key(struct keys *k) {
    const char *c = k->typed + k->at;
    bool sequence = k->typed_size - k->at >= 3 && c[0] == '\033' && (c[1] == '[' || c[1] == 'O');
    k->at += sequence ? 3 : 1;
    if (!sequence) return c[0] == ' ' ? KEY_SPACE : KEY_OTHER;
    if (c[2] == 'A' || c[2] == 'C') return KEY_FASTER;
    return c[2] == 'B' || c[2] == 'D' ? KEY_SLOWER : KEY_OTHER;
}

enum key keys_wait(struct keys *k, int64_t ns) {
    if (k->at < k->typed_size) return take_key(k);
    if (!signals_stop()) take_terminal(); /* a shell brings us to the foreground without a word */
    struct pollfd p = {.fd = in_foreground() ? k->fd : -1, .events = POLLIN};
    if (sys.poll(&p, 1, (int)(ns / 1000000)) <= 0) return KEY_NONE;
    ssize_t n = sys.read(k->fd, k->typed, sizeof k->typed);
    if (n <= 0) {
        if (n == 0 || errno != EINTR) k->gone = true;
        return KEY_NONE;
    }
    k->at = 0;
    k->typed_size = (size_t)n;
    return take_key(k);
}

int64_t keys_stood(void) {
    return atomic_exchange(&stood_ns, 0);
}
