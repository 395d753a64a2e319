/* SPDX-License-Identifier: Apache-2.0 */
/* What a tool does to the pipes it stands between. */
#ifndef LEAT_SYS_PIPES_H
#define LEAT_SYS_PIPES_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/err.h"

/* Bytes that a pipe of ours holds; the largest that an unprivileged process may ask for by default. */
#define PIPE_BYTES (1u << 20)

/* Ask for PIPE_BYTES, at best; does nothing to anything but a pipe. Returns true for a pipe. */
bool pipe_grow(int fd);

/* Bytes that are in the pipe and not read yet; 0 for anything but a pipe. */
size_t pipe_pending(int fd);

/* True when nobody reads this pipe any more. */
bool pipe_abandoned(int fd);

/* Move n bytes of a file, from offset `at`, to `out` without copying through user space where the kernel can
 * (out is a pipe), by reading and writing otherwise. The names are for messages. G_TRUNCATED when the file ends
 * early. */
int pipe_send_file(int out, int file, off_t at, size_t n, const char *name, const char *out_name,
                   struct err *e) NODISCARD;

#endif
