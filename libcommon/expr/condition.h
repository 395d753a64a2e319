/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `=` where `==` is meant: an assignment gives what it changed, which is no condition. Programs are looked at as text,
 * whatever engine runs them; one that does not parse is somebody else's to refuse. Called before anything is read.
 */
#ifndef LEAT_EXPR_CONDITION_H
#define LEAT_EXPR_CONDITION_H

#include <stdbool.h>

#include "base/err.h"

/* Of a program whose result is a condition: G_USAGE when it is that of an assignment, with a caret at the operator.
 * `what` names the program, as for expr_add. */
int condition_check(const char *what, const char *program, struct err *e) NODISCARD;

/* Is there an assignment as a condition inside the program: in if, select, any, all, and, or? True with words about the
 * first one, as for a failure. */
bool condition_is_doubtful(const char *what, const char *program, struct err *e);

#endif
