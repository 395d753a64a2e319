/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Another tool of leat as an input: it lies beside this program, runs in a process of its own, and what it writes comes
 * through a pipe. For leat-consume, where a tool reads topics.
 */
#ifndef LEAT_SYS_CHILD_H
#define LEAT_SYS_CHILD_H

#include <sys/types.h>

#include "base/err.h"

/* Start args[0], "leat-consume", with these arguments up to a NULL. Its standard input is empty, and SIGPIPE ends it,
 * whatever it is to us. *ret_fd is our end of the pipe; wait for *ret_child when it was read. */
int child_start(const char *const *args, pid_t *ret_child, int *ret_fd, struct err *e) NODISCARD;

#endif
