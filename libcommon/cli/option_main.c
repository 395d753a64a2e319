/* SPDX-License-Identifier: Apache-2.0 */
/*
 * option_begin: what every main does first. Parses, sets up the printer, and answers --help, --version and
 * --dump-options on stdout by itself. A help text that could not be written is exit 4, like any other output.
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "cli/diag.h"
#include "cli/exit.h"
#include "cli/option.h"
#include "cli/version.h"
#include "sys/signals.h"

static int stdout_write(const struct buf *b, struct err *e) {
    for (size_t at = 0; at < b->len;) {
        ssize_t put = write(STDOUT_FILENO, b->data + at, b->len - at);
        if (put < 0 && errno == EINTR) continue;
        if (put < 0) return errno == EPIPE ? G_PIPE : err_sys(e, errno, "cannot write to standard output");
        at += (size_t)put;
    }
    return 0;
}

static int text_append(const struct tool_spec *tool, const struct arguments *args, struct buf *b, struct err *e) {
    int rc = args->dump ? option_check(tool, e) : 0;
    if (rc < 0) return rc;
    if (args->dump) {
        rc = option_dump(tool, b);
    } else if (args->help) {
        rc = option_help(tool, args->command, b);
    } else {
        rc = version_append(b, diag_name());
        if (rc == 0 && tool->features) rc = tool->features(b);
    }
    if (rc == G_NOMEM) return err_nomem(e);
    return rc < 0 ? err_set(e, rc, "option table too long") : 0;
}

static enum exit_code text_print(const struct tool_spec *tool, const struct arguments *args) {
    struct buf b = {0};
    struct err e = {0};
    int rc = text_append(tool, args, &b, &e);
    if (rc == 0) rc = stdout_write(&b, &e);
    if (rc < 0 && rc != G_PIPE) diag_error(&e);
    buf_release(&b);
    return exit_from_grade(rc);
}

int option_begin(const struct tool_spec *tool, int argc, char **argv, void *options, struct arguments *ret) {
    struct err e = {0};
    standard_fds_guard();
    diag_init(tool->name, DIAG_NORMAL);
    int rc = option_parse(tool, argc, argv, options, ret, &e);
    int code = -1;
    if (rc < 0) {
        diag_error(&e);
        if (rc == G_USAGE)
            diag_hint("'%s%s%s --help' tells the options", diag_name(), ret->command ? " " : "",
                      ret->command ? ret->command->name : "");
        code = exit_from_grade(rc);
    } else if (ret->help || ret->version || ret->dump) {
        code = text_print(tool, ret);
    }
    if (code >= 0) option_end(tool, options, ret);
    diag_set_verbosity(ret->verbosity);
    return code;
}
