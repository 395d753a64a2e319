/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Definitions in jq's language that jq_engine puts in front of programs, so that no record makes libjq 1.6 abort, run
 * for ever or print. Only the words that a program has are defined again; others see jq as it is.
 */
#ifndef LEAT_EXPR_JQ_REPAIR_H
#define LEAT_EXPR_JQ_REPAIR_H

#include <stdbool.h>

#include "base/buf.h"

/* Does the text have this word, not as a part of a longer one? One in a string or a comment counts, too. */
bool jq_mentions(const char *program, const char *word);

/* Append the definitions that the program needs: on one line, so that jq's line numbers hold. */
int jq_repair(const char *program, struct buf *out) NODISCARD;

#endif
