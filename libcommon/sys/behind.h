/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files written by a thread of their own, one after the other: while the caller makes more, what it put before is
 * written, the disk is at work on it already, and files that are complete become durable. What goes wrong there is told
 * by the calls that follow, in its own words: always the first failure in the order of the bytes.
 *
 *     behind_start → { behind_begin → behind_put … → behind_end } … → behind_wait → behind_free
 */
#ifndef LEAT_SYS_BEHIND_H
#define LEAT_SYS_BEHIND_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

struct behind;

/* Without a thread, where one cannot be had or there is one processor only, the calls do the work themselves. */
int behind_start(struct behind **ret, struct err *e) NODISCARD;

/* A new file; `fd` is closed behind its end. `name` is for messages. Not `durable`: it is not synced. */
void behind_begin(struct behind *b, int fd, const char *name, bool durable);
int behind_put(struct behind *b, const void *p, size_t n, struct err *e) NODISCARD;
int behind_end(struct behind *b, struct err *e) NODISCARD;

/* Everything up to the last behind_end is written, durable and closed. */
int behind_wait(struct behind *b, struct err *e) NODISCARD;

void behind_free(struct behind *b); /* a file that was not ended is closed as it is; takes NULL */

#endif
