/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Texts made from an option table: --help for people (at most 80 columns), --dump-options for the scripts that make
 * and compare the manual pages and the completions, and the check that the table is in order.
 *
 * The dump is one line an item, fields separated by tabs, `-` for what is not there, and backslash escapes for tab,
 * newline and backslash:
 *     tool     NAME SUMMARY OPERANDS COMPLETE
 *     command  NAME SUMMARY OPERANDS COMPLETE
 *     option   COMMAND SECTION LETTER NAME KIND ARG MODE CHOICES COMPLETE NEGATABLE HELP MAN
 * COMMAND is `-` for options that all commands share; MODE is none, required or optional (the value).
 */
#include <ctype.h>
#include <string.h>

#include "base/buf.h"
#include "cli/option.h"

enum { HELP_WIDTH = 80, HELP_COLUMN = 28 };

static int spaces_append(struct buf *b, size_t n) {
    if (buf_reserve(b, n) < 0) return G_NOMEM;
    memset(b->data + b->len, ' ', n);
    b->len += n;
    return 0;
}

/* Append words of `text`, broken before HELP_WIDTH; we are at `column` now, further lines begin at `indent`. */
static int wrapped_append(struct buf *b, const char *text, size_t column, size_t indent) {
    bool first = true;
    while (*text) {
        size_t word = strcspn(text, " \n");
        if (!first && column + 1 + word > HELP_WIDTH) {
            if (buf_putc(b, '\n') < 0 || spaces_append(b, indent) < 0) return G_NOMEM;
            column = indent;
            first = true;
        }
        if (!first) {
            if (buf_putc(b, ' ') < 0) return G_NOMEM;
            column++;
        }
        if (buf_append(b, text, word) < 0) return G_NOMEM;
        column += word;
        text += word;
        first = false;
        text += strspn(text, " \n");
    }
    return buf_putc(b, '\n');
}

static int left_column(struct buf *b, const struct option_spec *s) {
    int rc = s->letter ? buf_printf(b, "  -%c, --", s->letter) : buf_puts(b, "      --");
    if (rc == 0 && s->kind == OPTION_TOGGLE) rc = buf_puts(b, "[no-]");
    if (rc == 0) rc = buf_puts(b, s->name);
    if (rc < 0 || !option_takes_value(s)) return rc;
    return buf_printf(b, s->bare ? "[=%s]" : "=%s", s->arg ? s->arg : "VALUE");
}

/* The help sentence, and for a choice what there is to choose from. */
static int right_column(struct buf *b, const struct option_spec *s) {
    int rc = buf_puts(b, s->help);
    if (rc < 0 || s->kind != OPTION_CHOICE || s->preset) return rc;
    const char *list = s->choices, *word;
    size_t n;
    bool value;
    for (const char *before = ": "; rc == 0 && option_choice_next(&list, &word, &n, &value); before = ", ") {
        size_t all = value ? strcspn(word, "|") : n;
        rc = buf_puts(b, before);
        if (rc == 0) rc = buf_append(b, word, all);
    }
    return rc;
}

static int option_line(struct buf *b, const struct option_spec *s) {
    struct buf right = {0};
    size_t begin = b->len;
    int rc = left_column(b, s);
    size_t column = b->len - begin;
    if (rc == 0 && column + 2 > HELP_COLUMN) {
        rc = buf_putc(b, '\n');
        column = 0;
    }
    if (rc == 0) rc = spaces_append(b, HELP_COLUMN - column);
    if (rc == 0) rc = right_column(&right, s);
    const char *text = rc == 0 ? buf_cstr(&right) : NULL;
    rc = text ? wrapped_append(b, text, HELP_COLUMN, HELP_COLUMN) : G_NOMEM;
    buf_release(&right);
    return rc;
}

/* All options, a heading for each section; a section that comes up twice is shown once, where it came first. */
static int options_append(struct buf *b, const struct option_set *set) {
    bool done[OPTION_MAX] = {false};
    for (size_t i = 0; i < set->count; i++) {
        if (done[i] || !set->entry[i].spec->help) continue;
        if (buf_printf(b, "\n%s:\n", set->entry[i].section) < 0) return G_NOMEM;
        for (size_t j = i; j < set->count; j++) {
            if (!set->entry[j].spec->help || strcmp(set->entry[j].section, set->entry[i].section) != 0) continue;
            done[j] = true;
            if (option_line(b, set->entry[j].spec) < 0) return G_NOMEM;
        }
    }
    return 0;
}

static int list_append(struct buf *b, const char *heading, const struct command_spec *list) {
    if (buf_printf(b, "\n%s:\n", heading) < 0) return G_NOMEM;
    for (const struct command_spec *c = list; c->name; c++) {
        if (buf_printf(b, "  %-12s  ", c->name) < 0 || wrapped_append(b, c->summary, 16, 16) < 0) return G_NOMEM;
    }
    return 0;
}

/* The dispatcher, which has no name of its own, calls its commands tools. */
static int commands_append(struct buf *b, const struct tool_spec *tool) {
    int rc = list_append(b, tool->name ? "Commands" : "Tools", tool->commands);
    return rc < 0 || !tool->guides ? rc : list_append(b, "Guides and formats", tool->guides);
}

/* "Summary." from "summary" */
static int sentence_append(struct buf *b, const char *text) {
    size_t begin = b->len;
    if (wrapped_append(b, text, 1, 0) < 0) return G_NOMEM;
    b->data[begin] = (char)toupper((unsigned char)b->data[begin]);
    b->data[b->len - 1] = '.';
    return buf_putc(b, '\n');
}

static int usage_append(struct buf *b, const struct tool_spec *tool, const struct command_spec *command) {
    const char *operands = command ? command->operands : tool->operands;
    int rc = buf_printf(b, "Usage: leat%s%s", tool->name ? " " : "", tool->name ? tool->name : "");
    if (rc < 0) return rc;
    if (tool->commands && !command) return buf_printf(b, " %s [options] [operands]\n", tool->name ? "COMMAND" : "TOOL");
    if (command && buf_printf(b, " %s", command->name) < 0) return G_NOMEM;
    return buf_printf(b, " [options]%s%s\n", operands ? " " : "", operands ? operands : "");
}

static int footer_append(struct buf *b, const struct tool_spec *tool) {
    return tool->name
               ? buf_printf(b, "\n'leat %s COMMAND --help' tells the options of a command.\n", tool->name)
               : buf_puts(b, "\n'leat TOOL --help' tells the options of a tool, 'leat help NAME' shows a page.\n");
}

int option_help(const struct tool_spec *tool, const struct command_spec *command, struct buf *b) {
    struct option_set set;
    if (option_set_collect(&set, tool, command) < 0) return G_BUG;
    const char *description = command ? command->description : tool->description;
    int rc = usage_append(b, tool, command);
    if (rc == 0) rc = sentence_append(b, command ? command->summary : tool->summary);
    if (rc == 0 && description) rc = buf_putc(b, '\n');
    if (rc == 0 && description) rc = wrapped_append(b, description, 0, 0);
    if (rc == 0 && tool->commands && !command) rc = commands_append(b, tool);
    if (rc == 0) rc = options_append(b, &set);
    if (rc == 0 && tool->examples && !command) rc = buf_printf(b, "\nExamples:\n%s\n", tool->examples);
    if (rc == 0 && tool->commands && !command) rc = footer_append(b, tool);
    return rc;
}

static const char *kind_name(enum option_kind kind) {
    switch (kind) {
    case OPTION_FLAG: return "flag";
    case OPTION_TOGGLE: return "toggle";
    case OPTION_STRING: return "string";
    case OPTION_NUMBER: return "number";
    case OPTION_INTEGER: return "integer";
    case OPTION_REAL: return "real";
    case OPTION_SIZE: return "size";
    case OPTION_DURATION: return "duration";
    case OPTION_TIME: return "time";
    case OPTION_CHOICE: return "choice";
    case OPTION_LIST: return "list";
    case OPTION_INCLUDE: break;
    }
    return "include";
}

/* A tab and the field. */
static int field_append(struct buf *b, const char *text) {
    if (buf_putc(b, '\t') < 0) return G_NOMEM;
    if (!text || !*text) return buf_putc(b, '-');
    for (; *text; text++) {
        int rc = *text == '\n'   ? buf_puts(b, "\\n")
                 : *text == '\t' ? buf_puts(b, "\\t")
                 : *text == '\\' ? buf_puts(b, "\\\\")
                                 : buf_putc(b, *text);
        if (rc < 0) return rc;
    }
    return 0;
}

static int fields_append(struct buf *b, const char *word, const char *const *fields, size_t n) {
    int rc = buf_puts(b, word);
    for (size_t i = 0; rc == 0 && i < n; i++) rc = field_append(b, fields[i]);
    return rc < 0 ? rc : buf_putc(b, '\n');
}

static int option_dump_line(struct buf *b, const char *command, const struct option_entry *entry) {
    const struct option_spec *s = entry->spec;
    const char letter[2] = {s->letter, '\0'};
    const char *mode = !option_takes_value(s) ? "none" : s->bare ? "optional" : "required";
    const char *arg = option_takes_value(s) ? (s->arg ? s->arg : "VALUE") : NULL;
    const char *const fields[] = {
        command,
        entry->section,
        letter,
        s->name,
        kind_name(s->kind),
        arg,
        mode,
        s->preset ? NULL : s->choices,
        s->complete,
        s->kind == OPTION_TOGGLE ? "yes" : "no",
        s->help,
        s->man,
    };
    return fields_append(b, "option", fields, sizeof fields / sizeof *fields);
}

/* The options that `command` adds (it comes first in the set), or with NULL the shared ones. */
static int options_dump(const struct tool_spec *tool, const struct command_spec *command, struct buf *b) {
    struct option_set set, shared;
    if (option_set_collect(&set, tool, command) < 0 || option_set_collect(&shared, tool, NULL) < 0) return G_BUG;
    size_t count = command ? set.count - shared.count : set.count;
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < count; i++)
        if (set.entry[i].spec->help) rc = option_dump_line(b, command ? command->name : NULL, &set.entry[i]);
    return rc;
}

int option_dump(const struct tool_spec *tool, struct buf *b) {
    const char *const about[] = {tool->name, tool->summary, tool->operands, tool->complete};
    int rc = fields_append(b, "tool", about, 4);
    for (const struct command_spec *c = tool->commands; rc == 0 && c && c->name; c++) {
        const char *const line[] = {c->name, c->summary, c->operands, c->complete};
        rc = fields_append(b, "command", line, 4);
        if (rc == 0) rc = options_dump(tool, c, b);
    }
    return rc < 0 ? rc : options_dump(tool, NULL, b);
}

static int entry_check(const struct option_spec *s, struct err *e) {
    if (!s->help) return 0; /* hidden */
    size_t n = strlen(s->help);
    if (n == 0 || s->help[n - 1] == '.' || strpbrk(s->help, "\t\n"))
        return err_set(e, G_BUG, "option '--%s': help is one line without a full stop", s->name);
    if (s->name[strspn(s->name, "abcdefghijklmnopqrstuvwxyz0123456789-")])
        return err_set(e, G_BUG, "option '--%s': a name is lowercase letters, digits and dashes", s->name);
    if ((s->kind == OPTION_CHOICE) != (s->choices != NULL))
        return err_set(e, G_BUG, "option '--%s': choices belong to OPTION_CHOICE", s->name);
    if (s->preset && s->bare) return err_set(e, G_BUG, "option '--%s' has both a preset and a bare value", s->name);
    return 0;
}

static int set_check(const struct option_set *set, struct err *e) {
    for (size_t i = 0; i < set->count; i++) {
        const struct option_spec *s = set->entry[i].spec;
        int rc = entry_check(s, e);
        if (rc < 0) return rc;
        for (size_t j = 0; j < i; j++) {
            const struct option_spec *t = set->entry[j].spec;
            if (strcmp(s->name, t->name) == 0) return err_set(e, G_BUG, "option '--%s' is there twice", s->name);
            if (s->letter && s->letter == t->letter)
                return err_set(e, G_BUG, "letter '-%c' is both '--%s' and '--%s'", s->letter, t->name, s->name);
        }
    }
    return 0;
}

int option_check(const struct tool_spec *tool, struct err *e) {
    struct option_set set;
    if (option_set_collect(&set, tool, NULL) < 0) return err_set(e, G_BUG, "option table too long");
    int rc = set_check(&set, e);
    for (const struct command_spec *c = tool->commands; rc == 0 && c && c->name; c++) {
        if (option_set_collect(&set, tool, c) < 0) return err_set(e, G_BUG, "option table too long");
        rc = set_check(&set, e);
        if (rc < 0) return err_prefix(e, "command '%s': ", c->name);
    }
    return rc;
}
