/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The dispatcher: `leat TOOL …` executes leat-TOOL from $LEAT_LIBEXEC, from the folder that this program is in (the
 * build tree) or from ../libexec/leat beside it (installed). Does nothing else with the arguments; knows the tools by
 * name only to list them and to suggest the nearest. `leat help` shows the pages of the manual.
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
    {.name = "help",
     .summary = "show the manual page of a tool, guide or format",
     .operands_max = 1,
     .complete = "page"},
    {.name = NULL},
};

/* Pages that are no tools; kept in step with man/ by tests/lint/manual.bats. */
static const struct command_spec guides[] = {
    {.name = "leat", .summary = "stream processing in the shell"},
    {.name = "time", .summary = "event time: when things happened, and how far that is known"},
    {.name = "windows", .summary = "the kinds of windows, and which of them answers what"},
    {.name = "expr", .summary = "the expression language of leat"},
    {.name = "json", .summary = "what leat takes for JSON, and what it makes of it"},
    {.name = "stream", .summary = "the stream and block format of leat, version 1"},
    {.name = "log", .summary = "the files of a leat log, version 1"},
    {.name = "archive", .summary = "topics in tar and zip archives, version 1"},
    {.name = "state", .summary = "the snapshots of a tool's state, version 1"},
    {.name = NULL},
};

static const struct tool_spec leat = {
    .summary = "stream processing in the shell: a log, filters, windows, joins and sinks",
    .commands = tools,
    .guides = guides,
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

static bool is_among(const struct command_spec *list, const char *name) {
    for (; list->name; list++)
        if (strcmp(list->name, name) == 0) return true;
    return false;
}

/* `help`: its page is what is asked for. */
static int unknown_error(const char *tool, bool help) {
    const char *what = help ? "page" : "tool";
    struct suggest s = SUGGEST_START(tool);
    if (is_among(guides, tool)) {
        diag_errorf("unknown tool '%s'", tool);
        diag_hint("'leat help %s' shows the page of this name", tool);
        return EXIT_USAGE;
    }
    for (const struct command_spec *t = tools; t->name; t++) suggest_offer(&s, t->name);
    for (const struct command_spec *t = guides; help && t->name; t++) suggest_offer(&s, t->name);
    if (s.best)
        diag_errorf("unknown %s '%s'; did you mean '%s'?", what, tool, s.best);
    else
        diag_errorf("unknown %s '%s'", what, tool);
    diag_hint("'leat --help' lists the %ss", what);
    return EXIT_USAGE;
}

static int tool_run(const char *tool, char **argv, bool help) {
    size_t plain = strspn(tool, "abcdefghijklmnopqrstuvwxyz0123456789-");
    int reason = tool[plain] == '\0' ? tool_exec(tool, argv) : ENOENT;
    if (reason != ENOENT) {
        diag_errorf("cannot run 'leat-%s': %s", tool, strerror(reason));
        return EXIT_IO;
    }
    if (!is_among(tools, tool)) return unknown_error(tool, help);
    diag_errorf("cannot find 'leat-%s': it is not installed beside leat", tool);
    return EXIT_IO;
}

/* The file of a page: the manual of a build tree lies beside the build folder, that of any prefix in its share/man.
 * false: it is in neither. */
static bool page_find(const char *page, char ret_path[PATH_MAX]) {
    char self[PATH_MAX];
    if (self_folder(self) != 0) return false;
    for (const char *section = "157"; *section; section++) {
        int n = snprintf(ret_path, PATH_MAX, "%s/../man/%s.%c", self, page, *section);
        if (n > 0 && n < PATH_MAX && access(ret_path, R_OK) == 0) return true;
        n = snprintf(ret_path, PATH_MAX, "%s/../share/man/man%c/%s.%c", self, *section, page, *section);
        if (n > 0 && n < PATH_MAX && access(ret_path, R_OK) == 0) return true;
    }
    return false;
}

/* Packed pages man(1) finds by itself; it and mandoc(1) use a pager on a terminal only. Returns if neither is there. */
static void page_exec(const char *page) {
    char path[PATH_MAX];
    bool found = page_find(page, path);
    execlp("man", "man", found ? path : page, (char *)NULL);
    if (found) execlp("mandoc", "mandoc", path, (char *)NULL);
}

static int page_error(const char *page) {
    char path[PATH_MAX];
    diag_errorf("cannot show '%s': there is neither man(1) nor mandoc(1)", page);
    if (page_find(page, path)) diag_hint("it is the file '%s'", path);
    return EXIT_IO;
}

/* The manual page for a person at a terminal, where there is man(1); else what the tool says itself. Pages that are no
 * tools are shown anywhere. */
static int help_run(const char *word) {
    bool dispatcher = !word || strcmp(word, "help") == 0;
    const char *tool = !dispatcher && strncmp(word, "leat-", 5) == 0 ? word + 5 : word;
    bool guide = !dispatcher && is_among(guides, tool);
    char page[80], option[] = "--help";
    (void)snprintf(page, sizeof page, dispatcher || strcmp(tool, "leat") == 0 ? "leat" : "leat-%s", tool);
    if (guide || (terminal_is(STDOUT_FILENO) && (dispatcher || is_among(tools, tool)))) page_exec(page);
    if (guide) return page_error(page);
    char *argv[] = {page, option, NULL};
    if (!dispatcher) return tool_run(tool, argv, true);
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
    return tool_run(tool, argv + 1, false);
}
