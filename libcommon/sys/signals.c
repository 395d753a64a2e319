/* SPDX-License-Identifier: Apache-2.0 */
/* Stop requests by signal. See signals.h. A flag is all that a handler can set safely, hence the one static. */
#include "sys/signals.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stddef.h>
#include <unistd.h>

static _Atomic int stop_signal; /* lock-free: a handler may set it, and threads read it */

static void on_signal(int number) {
    stop_signal = number;
}

static void on_interrupt(int number) {
    (void)number; /* that it came is all */
}

void signals_init(bool catch_pipe) {
    struct sigaction sa = {.sa_handler = on_signal, .sa_flags = (int)SA_RESETHAND};
    sigemptyset(&sa.sa_mask);
    sigaction(SIGINT, &sa, NULL);
    sigaction(SIGTERM, &sa, NULL);
    sa = (struct sigaction){.sa_handler = on_interrupt};
    sigemptyset(&sa.sa_mask);
    sigaction(SIGNAL_INTERRUPT, &sa, NULL);
    if (catch_pipe) signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN);
}

int signals_stop(void) {
    return stop_signal;
}

void signals_block(bool block) {
    sigset_t both;
    sigemptyset(&both);
    sigaddset(&both, SIGINT);
    sigaddset(&both, SIGTERM);
    pthread_sigmask(block ? SIG_BLOCK : SIG_UNBLOCK, &both, NULL);
}

void signals_die(int signal_number) {
    signal(signal_number, SIG_DFL);
    raise(signal_number);
}

void standard_fds_guard(void) {
    for (int fd = 0; fd <= 2; fd++) {
        if (fcntl(fd, F_GETFD) >= 0 || errno != EBADF) continue;
        int taken = open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY); /* the wrong way round */
        if (taken < 0) return;                                                   /* nothing better can be done */
    }
}
