/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a tool gives up once its files are open: from then on it can reach the named paths only, start no program and
 * open no socket, so that a fault in a parser is worth little to whoever sent the bytes. Landlock and seccomp, as xz
 * does it; on by default, best effort on old kernels, LEAT_SANDBOX=off turns it off (leat(1), ENVIRONMENT).
 */
#ifndef LEAT_SYS_SANDBOX_H
#define LEAT_SYS_SANDBOX_H

#include <stdbool.h>
#include <stddef.h>

struct sandbox_path {
    const char *path; /* a file, or a directory with all beneath it */
    bool write;
};

enum sandbox_state { SANDBOX_OFF, SANDBOX_PARTLY, SANDBOX_ON };

/* Paths that are not there are passed over. No way back; it is of the calling thread, and threads that this one starts
 * inherit it. Core dumps are off, too. */
enum sandbox_state sandbox_enter(const struct sandbox_path *paths, size_t n);

/* For a thread that talks to a server: it keeps sockets, and reads names, certificates and their libraries only. */
enum sandbox_state sandbox_enter_network(void);

#endif
