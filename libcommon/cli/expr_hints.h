/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Words on standard error about expressions that say something else than what was meant, perhaps: a field that no
 * record has (expr/unseen.h), an assignment as a condition (expr/condition.h). None of them with -q.
 */
#ifndef LEAT_CLI_EXPR_HINTS_H
#define LEAT_CLI_EXPR_HINTS_H

#include "expr/expr.h"

/* A warning when there is an assignment as a condition inside the program. */
void hint_assignment(const char *what, const char *program);

/* With all programs added, before the first run: hint_unseen will be asked. `condition` as for unseen_watch. */
int hint_watch(struct expr_set *s, const struct expr *condition, struct err *e) NODISCARD;

/* Behind a run that went well: up to three lines about fields that no record had. `all`: those, too, for which records
 * have nothing that is spelled alike. */
void hint_unseen(const struct expr_set *s, struct expr_run *const *runs, size_t n, bool all);

#endif
