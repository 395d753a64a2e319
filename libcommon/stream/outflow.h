/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bytes that leave in a thread of their own: while the system takes one full buffer, the caller fills the next. For
 * tools whose main thread is what everything waits for. At most one buffer is on its way, and whoever wants to know
 * that all is out waits for it, so nothing becomes visible later than it would without.
 */
#ifndef LEAT_STREAM_OUTFLOW_H
#define LEAT_STREAM_OUTFLOW_H

#include "base/buf.h"

struct outflow;

/* NULL where it would not help (one processor) or cannot be had: the caller writes by itself then. */
struct outflow *outflow_start(int fd, const char *name);

/* These bytes are on their way, and `full` is empty. An error is that of the buffer before; G_STOPPED: a signal came
 * and nobody has taken anything of that one for a second. */
int outflow_give(struct outflow *o, struct buf *full, struct err *e) NODISCARD;

/* All that was given was taken by the system, or why not. */
int outflow_wait(struct outflow *o, struct err *e) NODISCARD;

/* Waits for what is on its way; after a signal that is given up. Takes NULL. */
void outflow_free(struct outflow *o);

#endif
