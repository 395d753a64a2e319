/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The exit codes of all tools (leat(1), EXIT STATUS), and the one map from a grade to a code. "The data failed" and
 * "the tool broke" never share a number. Every main ends through exit_from_grade.
 */
#ifndef LEAT_CLI_EXIT_H
#define LEAT_CLI_EXIT_H

enum exit_code {
    EXIT_DONE = 0,
    EXIT_NO = 1,       /* the data said no: a check failed, nothing matched with -e */
    EXIT_USAGE = 2,    /* options, expression, configuration; nothing was read */
    EXIT_DATA = 3,     /* bad data and the policy was to stop; a run-time error in an expression */
    EXIT_IO = 4,       /* input or output failed here */
    EXIT_UPSTREAM = 5, /* upstream failed or was cut off */
    EXIT_DAMAGED = 6,  /* damaged stream or log */
    EXIT_FENCED = 7,   /* a newer run owns this work */
    EXIT_BUG = 70      /* an internal check failed */
};

/*
 * Success and the ends of input are 0; so are a reader that went away (`| head` is no failure) and a signal that asked
 * for an orderly stop. A grade that this build does not know is a bug.
 */
enum exit_code exit_from_grade(int grade);

#endif
