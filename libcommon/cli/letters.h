/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where bad records go, by --dead-letter, and the log that this place and others of a tool may be in: a tool opens them
 * before it runs its stage and closes them behind it, whatever came of either.
 */
#ifndef LEAT_CLI_LETTERS_H
#define LEAT_CLI_LETTERS_H

#include "cli/common.h"
#include "log/topic.h"
#include "stream/stage.h"

/* Opens c->dead_letter, if that was asked for, and for it the log, made if there is none, unless it is open already:
 * one that is not is LOG_CLOSED. */
int letters_open(struct stage_config *c, struct log *log, const struct error_options *errors,
                 const struct log_options *where, struct err *e) NODISCARD;

/* Closes both behind a run that came to `g`, and returns what it comes to now: the first error counts. */
int letters_close(struct stage_config *c, struct log *log, int g, struct err *e) NODISCARD;

#endif
