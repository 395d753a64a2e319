/* SPDX-License-Identifier: Apache-2.0 */
/* Grades to exit codes. See exit.h. */
#include "cli/exit.h"

#include "base/err.h"

enum exit_code exit_from_grade(int grade) {
    switch ((enum grade)grade) {
    case G_OK:
    case G_END:
    case G_EOF:
    case G_WAIT:
    case G_PIPE:
    case G_STOPPED: return EXIT_DONE;
    case G_USAGE: return EXIT_USAGE;
    case G_DATA: return EXIT_DATA;
    case G_IO:
    case G_ABSENT:
    case G_NOMEM: return EXIT_IO;
    case G_TRUNCATED:
    case G_UPSTREAM: return EXIT_UPSTREAM;
    case G_CORRUPT: return EXIT_DAMAGED;
    case G_FENCED: return EXIT_FENCED;
    case G_BUG: return EXIT_BUG;
    }
    return EXIT_BUG;
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
