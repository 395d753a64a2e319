/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tables of cases for the functions of expr/func*.c: a function's name, the JSON text of its input (behind a '=': for
 * RAW values only, built ones have lost something) and of the array of its arguments (NULL: none), and what comes out:
 * JSON text, or an error's text behind a '!'.
 *
 * Each case is run on RAW values, on values built in the heap, and with too little memory in steps; all runs must agree
 * or say that there is no memory.
 */
#ifndef LEAT_TESTS_UNIT_FUNC_CASES_H
#define LEAT_TESTS_UNIT_FUNC_CASES_H

#include "expr/func.h"

struct func_case {
    const char *function, *input, *args, *expect;
};

void check_func_cases(const struct func_case *cases, size_t n);
#define CHECK_CASES(cases) check_func_cases(cases, sizeof(cases) / sizeof(*(cases)))

/* A value built in the heap from JSON text; no part of it is RAW. */
struct value built_value(struct heap *h, const char *json);

/* Call a function: its result as text, or '!' and the error. Lives until the next call. */
const char *call_func(struct heap *h, const char *name, const struct value *args, unsigned arity);

#endif
