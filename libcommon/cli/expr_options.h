/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What tools that evaluate expressions share: the options that choose an engine and that print the plan instead of
 * running it.
 */
#ifndef LEAT_CLI_EXPR_OPTIONS_H
#define LEAT_CLI_EXPR_OPTIONS_H

#include "cli/option.h"
#include "expr/expr.h"

struct expr_options {
    struct option_choice engine;
    bool explain;
};
extern const struct option_spec expr_options[];

enum expr_engine expr_engine_of(const struct expr_options *o);

/* Print the plans to standard output: of those that are there, each below its name when there are several. */
struct expr_part {
    const char *name; /* as the user knows it: "--key"; NULL: the expression itself */
    const struct expr *expr;
};
int expr_explain_all(const struct expr_part *parts, size_t n, struct err *e) NODISCARD;

#endif
