/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SIGINT and SIGTERM ask a tool to stop; the second one of a kind ends it as if nothing were caught. Calls that wait
 * are interrupted (no SA_RESTART), and loops ask signals_stop() between two records.
 */
#ifndef LEAT_SYS_SIGNALS_H
#define LEAT_SYS_SIGNALS_H

#include <signal.h>
#include <stdbool.h>

/* Catch SIGINT and SIGTERM. A write beyond the limit on files fails with EFBIG (no SIGXFSZ), and, with `catch_pipe`,
 * SIGPIPE is ignored, so that a write fails with EPIPE. */
void signals_init(bool catch_pipe);

/* For pthread_kill: it does nothing but interrupt a call in which that thread waits. Handled from signals_init on. */
#define SIGNAL_INTERRUPT SIGURG

/* The signal that asked us to stop, else 0. */
int signals_stop(void);

/* Block both in this thread, and those it starts meanwhile, or no longer. */
void signals_block(bool block);

/* End this process as the signal would have ended it, so that the shell sees the truth. Does not return unless the
 * signal is blocked. */
void signals_die(int signal_number);

/* Give a closed standard input, output or error a stand-in that fails to be read or written, so that no file opened
 * later gets its number and what is meant for it. */
void standard_fds_guard(void);

#endif
