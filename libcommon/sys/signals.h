/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SIGINT and SIGTERM ask a tool to stop; a second SIGINT ends it as if nothing were caught. Calls that wait are
 * interrupted (no SA_RESTART), and loops ask signals_stop() between two records.
 */
#ifndef LEAT_SYS_SIGNALS_H
#define LEAT_SYS_SIGNALS_H

#include <stdbool.h>

/* Catch SIGINT and SIGTERM. With `catch_pipe`, SIGPIPE is ignored, so that a write fails with EPIPE. */
void signals_init(bool catch_pipe);

/* The signal that asked us to stop, else 0. */
int signals_stop(void);

/* End this process as the signal would have ended it, so that the shell sees the truth. Does not return unless the
 * signal is blocked. */
void signals_die(int signal_number);

#endif
