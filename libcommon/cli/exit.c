/* SPDX-License-Identifier: Apache-2.0 */
/* Exit codes and what they mean. See exit.h; the map from grades is in base/err.c, as end blocks need it too. */
#include "cli/exit.h"

#include "base/err.h"

enum exit_code exit_from_grade(int grade) {
    return (enum exit_code)grade_exit_code(grade);
}

const char *exit_meaning(enum exit_code code) {
    switch (code) {
    case EXIT_DONE: return "done";
    case EXIT_NO: return "the data said no";
    case EXIT_USAGE: return "usage error";
    case EXIT_DATA: return "bad data";
    case EXIT_IO: return "input or output failed";
    case EXIT_UPSTREAM: return "upstream failed or was cut off";
    case EXIT_DAMAGED: return "damaged stream or log";
    case EXIT_FENCED: return "fenced by a newer run";
    case EXIT_BUG: return "a bug in leat";
    }
    return "unknown";
}
