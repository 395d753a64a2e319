/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The option table. A tool describes itself once, as a static const `struct tool_spec`; from it come the parsing of
 * the command line, --help, the OPTIONS section of the manual page and the completions of bash, zsh and fish (the last
 * two through `--dump-options`). Tests compare all of them.
 *
 * A main is:
 *
 *     struct options o = {.count = UINT64_MAX};              defaults are what the fields hold before
 *     struct arguments args;
 *     int code = option_begin(&tool, argc, argv, &o, &args); prints help, version or the error by itself
 *     if (code >= 0) return code;
 *     … args.operand[0 .. args.operands), args.command (tools with subcommands) …
 *     option_end(&tool, &o, &args);
 *
 * Parsing follows getopt_long(3): options and operands mix, `--` ends the options, short flags bundle (`-uq`), values
 * are `-c5`, `-c 5`, `--count=5` or `--count 5` (the next word whatever it looks like, so `-o -5` is fine), an optional
 * value must be attached (`--stats=json`), and a long name may be cut to any unique beginning. Strings are not copied:
 * they point into argv.
 */
#ifndef LEAT_CLI_OPTION_H
#define LEAT_CLI_OPTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct buf;

enum option_kind {
    OPTION_FLAG = 1, /* bool               set to true */
    OPTION_TOGGLE,   /* int                --NAME gives 1, --no-NAME gives -1; 0 means nobody said */
    OPTION_STRING,   /* const char *       */
    OPTION_NUMBER,   /* uint64_t           decimal, within min and max */
    OPTION_INTEGER,  /* int64_t            decimal with a sign */
    OPTION_REAL,     /* double             finite */
    OPTION_SIZE,     /* uint64_t           bytes, "16MiB"; within min and max */
    OPTION_DURATION, /* int64_t            nanoseconds, "1m30s"; not negative */
    OPTION_TIME,   /* int64_t            nanoseconds since 1970, any form of leat(1), TIMES AND DURATIONS; `-1h` too */
    OPTION_CHOICE, /* struct option_choice */
    OPTION_LIST,   /* struct option_list, each use adds an item */
    OPTION_INCLUDE /* another table, for a struct that sits at `offset` within this one */
};

/* A choice that was made: its place in the table's list counted from 1 (0: not given), its word, and what followed `=`
 * for a choice such as `interval=D`. */
struct option_choice {
    int at;
    char word[24];
    const char *arg;
};

struct option_list {
    const char **item; /* owned; the strings are argv's */
    size_t count;
};

/* One line of a table. A table ends with OPTION_END. */
struct option_spec {
    char letter;                       /* 0: none */
    const char *name;                  /* without dashes */
    enum option_kind kind;             /* */
    const char *arg;                   /* what the value is called in help: "N", "FILE" */
    const char *help;                  /* one lowercase sentence without full stop */
    const char *man;                   /* mdoc for the manual; NULL: the help text as a sentence */
    size_t offset;                     /* of the field in the tool's options */
    const char *choices;               /* CHOICE: "batch|interval=D|none" */
    const char *bare;                  /* the value is optional; this is what the option without one means */
    const char *preset;                /* takes no value: acts as if this one had been given (`-j` is `--out json`) */
    const char *complete;              /* what completions offer: "file", "dir", "topic", "group"; NULL: nothing */
    const char *section;               /* heading of this line and of those that follow it in the table */
    uint64_t min, max;                 /* NUMBER, SIZE; 0, 0: any */
    const struct option_spec *include; /* INCLUDE */
};

#define OPTION_END                                                                                                     \
    { .name = NULL }
#define OPTION_TABLE(table, at)                                                                                        \
    { .kind = OPTION_INCLUDE, .name = "", .include = (table), .offset = (at) }

enum { OPERANDS_ANY = -1 };

/* One subcommand (`leat topic create`). Its options come on top of the tool's own, which all commands share. */
struct command_spec {
    const char *name;
    const char *summary;            /* one lowercase line */
    const char *operands;           /* as in usage: "TOPIC [FILE...]"; NULL: none */
    const char *complete;           /* a word for each operand, as option_spec.complete; the last one repeats */
    int operands_min, operands_max; /* max OPERANDS_ANY: no limit */
    const struct option_spec *options;
    const char *description; /* a paragraph for --help, or NULL */
};

struct tool_spec {
    const char *name; /* "filter"; NULL for the dispatcher itself */
    const char *summary;
    const char *operands;
    const char *complete;
    int operands_min, operands_max;
    const struct option_spec *options;   /* may be NULL */
    const struct command_spec *commands; /* NULL: none; else ends with a name of NULL, and a command must be given */
    const struct command_spec *guides;   /* the dispatcher's: other pages, which --help lists; may be NULL */
    const char *description;
    const char *examples;           /* lines for --help, or NULL */
    int (*features)(struct buf *b); /* lines for --version behind the first; 0 or G_NOMEM; may be NULL */
};

/* What was on the command line beside the options. */
struct arguments {
    const struct command_spec *command; /* tools with commands */
    const char **operand;               /* owned array, argv's strings */
    size_t operands;
    int verbosity; /* -q: -1, -v: 1 */
    bool help, version, dump;
};

/* -1: parsed, go on. Anything else is the exit code: help, version or dump was printed, or an error was. Sets up diag.
 */
int option_begin(const struct tool_spec *tool, int argc, char **argv, void *options, struct arguments *ret) NODISCARD;
/* Frees what parsing allocated, lists in `options` included. */
void option_end(const struct tool_spec *tool, void *options, struct arguments *args);

/* The pieces of option_begin, for tests. Parsing does not print: 0 or G_USAGE (G_NOMEM) with the text in e. After a
 * failure, too, option_end frees. With --help, --version or --dump-options operands are not checked. */
int option_parse(const struct tool_spec *tool, int argc, char **argv, void *options, struct arguments *ret,
                 struct err *e) NODISCARD;

/* The texts, appended to b. 0, G_NOMEM, or G_BUG where the table itself is wrong. `command` may be NULL. */
int option_help(const struct tool_spec *tool, const struct command_spec *command, struct buf *b) NODISCARD;
int option_dump(const struct tool_spec *tool, struct buf *b) NODISCARD;
/* Is the table in order: letters and names unique, each line with its help, choices that can be read? */
int option_check(const struct tool_spec *tool, struct err *e) NODISCARD;

/*
 * Walking a table, for the files of this module: included tables are flattened, offsets are added up, sections are
 * resolved. `command` may be NULL (only the tool's own options).
 */
enum { OPTION_MAX = 120 };
struct option_entry {
    const struct option_spec *spec;
    size_t offset;
    const char *section;
    bool builtin; /* -h, -V, -q, -v and --dump-options: the field is in struct arguments */
};
struct option_set {
    struct option_entry entry[OPTION_MAX];
    size_t count;
};
/* G_BUG when the table has more than OPTION_MAX lines. */
int option_set_collect(struct option_set *ret, const struct tool_spec *tool,
                       const struct command_spec *command) NODISCARD;
/* Does it take a value on the command line? */
bool option_takes_value(const struct option_spec *spec);

/* Put `text` into the field. `label` is how the user wrote the option, for the message. 0, G_USAGE or G_NOMEM. */
int option_value_set(const struct option_spec *spec, const char *label, const char *text, void *field,
                     struct err *e) NODISCARD;
/* Walk "a|b=X|c": the next choice, its length up to `=` or `|`, and whether it takes a value. False at the end. */
bool option_choice_next(const char **list, const char **ret_word, size_t *ret_length, bool *ret_value);

#endif
