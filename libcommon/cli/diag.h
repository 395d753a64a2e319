/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The only printer to stderr. Messages are `leat filter: text`, one write(2) each, so that two processes on one
 * terminal do not mix their lines; the text is made safe for terminals (base/safe.h). No line that data brought begins
 * a line here: a message is one line, newlines in it are escaped, but for the lines that an error has of its own
 * (base/err.h), which are indented.
 * The transient progress line belongs here too, because every message has to take it away first.
 *
 * There is one stderr in a process, so the state is the module's own. Not for use from a signal handler.
 */
#ifndef LEAT_CLI_DIAG_H
#define LEAT_CLI_DIAG_H

#include <stdbool.h>

#include "base/err.h"

enum diag_verbosity { DIAG_QUIET = -1, DIAG_NORMAL = 0, DIAG_VERBOSE = 1 };

/* `tool` is "filter" (shown as `leat filter`) or NULL for the dispatcher (`leat`); it must outlive the process's use.
 */
void diag_init(const char *tool, int verbosity);
void diag_set_verbosity(int verbosity);
bool diag_is_quiet(void);

/* "leat filter", as messages show it. */
const char *diag_name(void);

void diag_error(const struct err *e);   /* always shown */
void diag_warning(const struct err *e); /* the same text as diag_warn shows it */
void diag_errorf(const char *fmt, ...) PRINTF_LIKE(1, 2);
void diag_warn(const char *fmt, ...) PRINTF_LIKE(1, 2);  /* "leat filter: warning: …"; not with -q */
void diag_info(const char *fmt, ...) PRINTF_LIKE(1, 2);  /* only with -v */
void diag_hint(const char *fmt, ...) PRINTF_LIKE(1, 2);  /* "  hint: …", behind an error; not with -q */
void diag_print(const char *fmt, ...) PRINTF_LIKE(1, 2); /* a line asked for by an option (--stats), no prefix */

/* Show `text` in place of the progress line that is there now; NULL takes it away. */
void diag_status(const char *text);

#endif
