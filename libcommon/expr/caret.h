/* SPDX-License-Identifier: Apache-2.0 */
/* An error's place in a program: the line it is on, below it a caret. */
#ifndef LEAT_EXPR_CARET_H
#define LEAT_EXPR_CARET_H

#include <stdint.h>

#include "base/err.h"

/* Append the line of `program` that byte `at` is on, cut around it when it is long, and the caret, each on a line of
 * its own. Returns e->grade. */
int caret_append(struct err *e, const char *program, uint32_t at);

#endif
