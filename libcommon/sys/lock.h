/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Open file description locks on single bytes. They belong to the open file, survive an unrelated close(), and the
 * kernel drops them when the holder dies. A lock is never taken by force: who waits too long gets an error that names
 * the holder. There is no deadlock detection: take several in one fixed order.
 */
#ifndef LEAT_SYS_LOCK_H
#define LEAT_SYS_LOCK_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"

/* 0 taken, 1 held by somebody else, G_IO. */
int lock_try(int fd, off_t byte, struct err *e) NODISCARD;

/* The same for all bytes in [from, to): all or none. */
int lock_try_range(int fd, off_t from, off_t to, struct err *e) NODISCARD;

/* Wait for it, at most timeout_ns. `name` is for the message, and so is *holder, a word in which holders keep their
 * process id (NULL: there is none). */
int lock_take(int fd, off_t byte, int64_t timeout_ns, const _Atomic uint32_t *holder, const char *name,
              struct err *e) NODISCARD;

void lock_release(int fd, off_t byte);

/* The first byte in [from, to) that another open file holds, or -1. */
off_t lock_probe(int fd, off_t from, off_t to);

#endif
