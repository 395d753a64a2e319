/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The dispatcher: `leat TOOL …` executes leat-TOOL from $LEAT_LIBEXEC, from the folder that this program is in (the
 * build tree) or from ../libexec/leat beside it (installed). Does nothing else with the arguments; knows the tools by
 * name only to list them and to suggest the nearest.
 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/diag.h"
#include "cli/exit.h"
#include "cli/option.h"
#include "cli/suggest.h"
#include "cli/terminal.h"
#include "features.h"

/* Kept in step with cmd/ and with each tool's own summary by tests/lint/manual.bats. */
static const struct command_spec tools[] = {
    {.name = "produce", .summary = "write records to a topic", .operands_max = OPERANDS_ANY},
    {.name = "consume", .summary = "read records of topics", .operands_max = OPERANDS_ANY},
    {.name = "topic", .summary = "create, list, alter, check and repair topics", .operands_max = OPERANDS_ANY},
    {.name = "group", .summary = "list, describe, reset and delete consumer groups", .operands_max = OPERANDS_ANY},
    {.name = "filter", .summary = "pass the records for which an expression is true", .operands_max = OPERANDS_ANY},
    {.name = "map", .summary = "make new records out of each by an expression", .operands_max = OPERANDS_ANY},
    {.name = "window", .summary = "aggregate records over windows of event time", .operands_max = OPERANDS_ANY},
    {.name = "join",
     .summary = "join records with the rows of a table, or with those of another stream",
     .operands_max = OPERANDS_ANY},
    {.name = "merge", .summary = "merge streams into one in the order of event time", .operands_max = OPERANDS_ANY},
    {.name = "replay", .summary = "play a recording again with the rhythm of its times", .operands_max = OPERANDS_ANY},
    {.name = "redrive",
     .summary = "look at dead letters, repair them and send them back",
     .operands_max = OPERANDS_ANY},
    {.name = "tee", .summary = "copy a stream to files, FIFOs and topics", .operands_max = OPERANDS_ANY},
    {.name = "sink-tsdb", .summary = "write records to a time-series database", .operands_max = OPERANDS_ANY},
    {.name = "chart", .summary = "draw numbers of a stream in the terminal, or as SVG", .operands_max = OPERANDS_ANY},
    {.name = "show", .summary = "print a stream, a segment or a topic for people", .operands_max = OPERANDS_ANY},
    {.name = "gen", .summary = "generate sample records from a seed", .operands_max = OPERANDS_ANY},
    {.name = "help", .summary = "show the manual page of a tool", .operands_max = 1, .complete = "tool"},
    {.name = NULL},
};

static const struct tool_spec leat = {
    .summary = "stream processing in the shell: a log, filters, windows, joins and sinks",
    .commands = tools,
    .examples = "  leat gen clicks -c 1000 | leat produce clicks\n"
                "  leat consume clicks -e | head -3",
    .features = features_append,
};

static int exec_from(const char *folder, const char *below, const char *tool, char **argv) {
    char path[PATH_MAX];
    int n = snprintf(path, sizeof path, "%s%s/leat-%s", folder, below, tool);
    if (n < 0 || (size_t)n >= sizeof path) return ENAMETOOLONG;
    execv(path, argv);
    return errno;
}

/* The folder that this program is in. 0, or an errno. */
static int self_folder(char ret_path[PATH_MAX]) {
    ssize_t n = readlink("/proc/self/exe", ret_path, PATH_MAX - 1);
    if (n < 0) return errno;
    ret_path[n] = '\0';
    char *slash = strrchr(ret_path, '/');
    if (slash) *slash = '\0';
    return 0;
}

/* Returns only when it failed, with the reason: ENOENT where no folder has the tool. */
static int tool_exec(const char *tool, char **argv) {
    const char *libexec = getenv("LEAT_LIBEXEC");
    int reason = libexec && libexec[0] ? exec_from(libexec, "", tool, argv) : ENOENT;
    if (reason != ENOENT) return reason;
    char self[PATH_MAX];
    reason = self_folder(self);
    if (reason != 0) return reason;
    reason = exec_from(self, "", tool, argv);
    return reason == ENOENT ? exec_from(self, "/../libexec/leat", tool, argv) : reason;
}

static bool tool_is_known(const char *tool) {
    for (const struct command_spec *t = tools; t->name; t++)
        if (strcmp(t->name, tool) == 0) return true;
    return false;
}

static int tool_run(const char *tool, char **argv) {
    size_t plain = strspn(tool, "abcdefghijklmnopqrstuvwxyz0123456789-");
    int reason = tool[plain] == '\0' ? tool_exec(tool, argv) : ENOENT;
    if (reason != ENOENT) {
        diag_errorf("cannot run 'leat-%s': %s", tool, strerror(reason));
        return EXIT_IO;
    }
    if (tool_is_known(tool)) {
        diag_errorf("cannot find 'leat-%s': it is not installed beside leat", tool);
        return EXIT_IO;
    }
    struct suggest s = SUGGEST_START(tool);
    for (const struct command_spec *t = tools; t->name; t++) suggest_offer(&s, t->name);
    if (s.best)
        diag_errorf("unknown tool '%s'; did you mean '%s'?", tool, s.best);
    else
        diag_errorf("unknown tool '%s'", tool);
    diag_hint("'leat --help' lists the tools");
    return EXIT_USAGE;
}

/* The manual of a build tree lies beside the build folder, that of any prefix in its share/man; packed ones man(1)
 * finds by itself. Returns if man does. */
static void manual_exec(const char *tool) {
    static const char *const places[] = {"/../man", "/../share/man/man1"};
    char page[80], path[PATH_MAX], self[PATH_MAX];
    (void)snprintf(page, sizeof page, tool ? "leat-%s" : "leat", tool);
    const char *what = page;
    for (size_t i = 0; what == page && i < 2 && self_folder(self) == 0; i++) {
        int n = snprintf(path, sizeof path, "%s%s/%s.1", self, places[i], page);
        if (n > 0 && (size_t)n < sizeof path && access(path, R_OK) == 0) what = path;
    }
    execlp("man", "man", what, (char *)NULL);
}

/* The manual page for a person at a terminal, where there is man(1); else what the tool says itself. */
static int help_run(const char *tool) {
    if (terminal_is(STDOUT_FILENO) && (!tool || tool_is_known(tool))) manual_exec(tool);
    char name[80], option[] = "--help";
    (void)snprintf(name, sizeof name, tool ? "leat-%s" : "leat", tool);
    char *argv[] = {name, option, NULL};
    if (tool && strcmp(tool, "help") != 0) return tool_run(tool, argv);
    struct arguments args;
    return option_begin(&leat, 2, argv, NULL, &args);
}

int main(int argc, char **argv) {
    diag_init(NULL, DIAG_NORMAL);
    if (argc > 2 && argv[2][0] != '-' && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0))
        return help_run(argv[2]);
    if (argc < 2 || argv[1][0] == '-') {
        struct arguments args;
        int code = option_begin(&leat, argc, argv, NULL, &args);
        if (code >= 0) return code;
        option_end(&leat, NULL, &args);
        diag_errorf("the options of a tool go behind its name");
        return EXIT_USAGE;
    }
    if (strcmp(argv[1], "help") == 0) return help_run(argc > 2 ? argv[2] : NULL);
    char name[80];
    (void)snprintf(name, sizeof name, "leat-%s", argv[1]);
    char *tool = argv[1];
    argv[1] = name;
    return tool_run(tool, argv + 1);
}
