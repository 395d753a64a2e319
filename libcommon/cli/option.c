/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Parsing by an option table. See option.h for the rules. Values are option_value.c's, texts option_help.c's; what is
 * printed and with which exit code is option_main.c's.
 */
#include "cli/option.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/suggest.h"

static const struct option_spec builtin_options[] = {
    {.letter = 'q',
     .name = "quiet",
     .kind = OPTION_FLAG,
     .help = "print errors only, and show no progress",
     .section = "General",
     .offset = offsetof(struct arguments, verbosity)},
    {.letter = 'v',
     .name = "verbose",
     .kind = OPTION_FLAG,
     .help = "say more about what is done",
     .offset = offsetof(struct arguments, verbosity)},
    {.letter = 'h',
     .name = "help",
     .kind = OPTION_FLAG,
     .help = "show this help",
     .man = "Show a summary of the options.",
     .offset = offsetof(struct arguments, help)},
    {.letter = 'V',
     .name = "version",
     .kind = OPTION_FLAG,
     .help = "show the version",
     .offset = offsetof(struct arguments, version)},
    {.name = "dump-options", .kind = OPTION_FLAG, .help = NULL, .offset = offsetof(struct arguments, dump)},
    OPTION_END,
};

static int set_add(struct option_set *set, const struct option_spec *table, size_t offset, const char *section,
                   bool builtin) {
    if (!table) return 0;
    for (const struct option_spec *s = table; s->name; s++) {
        if (s->section) section = s->section;
        if (s->kind == OPTION_INCLUDE) {
            int rc = set_add(set, s->include, offset + s->offset, section, builtin);
            if (rc < 0) return rc;
            continue;
        }
        if (set->count == OPTION_MAX) return G_BUG;
        set->entry[set->count++] = (struct option_entry){s, offset + s->offset, section, builtin};
    }
    return 0;
}

int option_set_collect(struct option_set *ret, const struct tool_spec *tool, const struct command_spec *command) {
    ret->count = 0;
    int rc = command ? set_add(ret, command->options, 0, "Options", false) : 0;
    if (rc == 0) rc = set_add(ret, tool->options, 0, "Options", false);
    if (rc == 0) rc = set_add(ret, builtin_options, 0, "General", true);
    return rc;
}

bool option_takes_value(const struct option_spec *spec) {
    return spec->kind != OPTION_FLAG && spec->kind != OPTION_TOGGLE && !spec->preset;
}

/* One parse: where we are in argv, and where results go. */
struct parse {
    const struct tool_spec *tool;
    struct option_set set;
    int argc, at;
    char **argv;
    void *options;
    struct arguments *args;
    struct err *e;
};

static int entry_apply(struct parse *p, const struct option_entry *entry, const char *label, const char *text,
                       bool negated) {
    const struct option_spec *spec = entry->spec;
    char *field = (entry->builtin ? (char *)p->args : (char *)p->options) + entry->offset;
    if (entry->builtin && entry->offset == offsetof(struct arguments, verbosity)) {
        *(int *)(void *)field = spec->letter == 'q' ? -1 : 1;
        return 0;
    }
    if (spec->kind == OPTION_FLAG) {
        *(bool *)(void *)field = true;
        return 0;
    }
    if (spec->kind == OPTION_TOGGLE) {
        *(int *)(void *)field = negated ? -1 : 1;
        return 0;
    }
    if (spec->preset) text = spec->preset;
    if (!text) text = spec->bare;
    return option_value_set(spec, label, text, field, p->e);
}

/* The value of an option that needs one and has none attached: the next word, whatever it looks like. */
static int next_word_take(struct parse *p, const struct option_spec *spec, const char *label, const char **ret_text) {
    if (p->at >= p->argc)
        return err_set(p->e, G_USAGE, "option '%s' needs a value (%s)", label, spec->arg ? spec->arg : "VALUE");
    *ret_text = p->argv[p->at++];
    return 0;
}

static int short_parse(struct parse *p, const char *word) {
    for (const char *c = word + 1; *c; c++) {
        const struct option_entry *entry = NULL;
        for (size_t i = 0; i < p->set.count && !entry; i++)
            if (p->set.entry[i].spec->letter == *c) entry = &p->set.entry[i];
        if (!entry) return err_set(p->e, G_USAGE, "unknown option '-%c'", *c);
        char label[3] = {'-', *c, '\0'};
        const char *text = NULL;
        bool value = option_takes_value(entry->spec);
        if (value && c[1]) text = c + 1;
        if (value && !text && !entry->spec->bare) {
            int rc = next_word_take(p, entry->spec, label, &text);
            if (rc < 0) return rc;
        }
        int rc = entry_apply(p, entry, label, text, false);
        if (rc < 0 || (value && c[1])) return rc;
    }
    return 0;
}

/* A long name as typed, looked up: exact, or the only one that begins so. */
struct match {
    const struct option_entry *entry, *other; /* `other` is set when the beginning is ambiguous */
    bool negated, other_negated, exact;
};

static void match_offer(struct match *m, const struct option_entry *entry, const char *typed, size_t n, bool negated) {
    const char *name = entry->spec->name;
    if (negated) {
        if (n < 3 || memcmp(typed, "no-", 3) != 0) return;
        typed += 3;
        n -= 3;
    }
    if (m->exact || strncmp(name, typed, n) != 0) return;
    if (name[n] == '\0') {
        *m = (struct match){.entry = entry, .negated = negated, .exact = true};
    } else if (!m->entry) {
        m->entry = entry;
        m->negated = negated;
    } else {
        m->other = entry;
        m->other_negated = negated;
    }
}

static int long_unknown(struct parse *p, const char *typed, size_t n) {
    char word[SUGGEST_WORD_MAX + 1];
    (void)snprintf(word, sizeof word, "%.*s", (int)(n < SUGGEST_WORD_MAX ? n : SUGGEST_WORD_MAX), typed);
    struct suggest s = SUGGEST_START(word);
    for (size_t i = 0; i < p->set.count; i++)
        if (p->set.entry[i].spec->help) suggest_offer(&s, p->set.entry[i].spec->name);
    if (s.best) return err_set(p->e, G_USAGE, "unknown option '--%s'; did you mean '--%s'?", word, s.best);
    return err_set(p->e, G_USAGE, "unknown option '--%s'", word);
}

static int long_find(struct parse *p, const char *typed, size_t n, struct match *ret) {
    struct match m = {0};
    for (size_t i = 0; i < p->set.count; i++) {
        const struct option_entry *entry = &p->set.entry[i];
        if (!entry->spec->help && strlen(entry->spec->name) != n) continue; /* hidden: only by its whole name */
        match_offer(&m, entry, typed, n, false);
        if (entry->spec->kind == OPTION_TOGGLE) match_offer(&m, entry, typed, n, true);
    }
    if (!m.entry) return long_unknown(p, typed, n);
    if (m.other)
        return err_set(p->e, G_USAGE, "option '--%.*s' is ambiguous: '--%s%s' or '--%s%s'", (int)(n < 64 ? n : 64),
                       typed, m.negated ? "no-" : "", m.entry->spec->name, m.other_negated ? "no-" : "",
                       m.other->spec->name);
    *ret = m;
    return 0;
}

static int long_parse(struct parse *p, const char *word) {
    const char *typed = word + 2;
    size_t n = strcspn(typed, "=");
    const char *text = typed[n] == '=' ? typed + n + 1 : NULL;
    struct match m = {0};
    int rc = long_find(p, typed, n, &m);
    if (rc < 0) return rc;
    char label[80];
    (void)snprintf(label, sizeof label, "--%s%s", m.negated ? "no-" : "", m.entry->spec->name);
    bool value = option_takes_value(m.entry->spec);
    if (!value && text) return err_set(p->e, G_USAGE, "option '%s' takes no value", label);
    if (value && !text && !m.entry->spec->bare) {
        rc = next_word_take(p, m.entry->spec, label, &text);
        if (rc < 0) return rc;
    }
    return entry_apply(p, m.entry, label, text, m.negated);
}

/* Options and operands up to the end of argv, or, with `until_operand`, up to the first operand. */
static int words_parse(struct parse *p, bool until_operand) {
    bool operands_only = false;
    while (p->at < p->argc) {
        const char *word = p->argv[p->at];
        if (operands_only || word[0] != '-' || word[1] == '\0') {
            if (until_operand) return 0;
            p->args->operand[p->args->operands++] = word;
            p->at++;
            continue;
        }
        p->at++;
        if (strcmp(word, "--") == 0) {
            operands_only = true;
            continue;
        }
        int rc = word[1] == '-' ? long_parse(p, word) : short_parse(p, word);
        if (rc < 0) return rc;
    }
    return 0;
}

static int command_missing(struct parse *p) {
    char names[400] = "";
    for (const struct command_spec *c = p->tool->commands; c->name; c++) {
        size_t n = strlen(names);
        (void)snprintf(names + n, sizeof names - n, "%s%s", n ? ", " : "", c->name);
    }
    return err_set(p->e, G_USAGE, "a %s is needed: %s", p->tool->name ? "command" : "tool", names);
}

static int command_take(struct parse *p) {
    if (p->at >= p->argc) {
        bool asked = p->args->help || p->args->version || p->args->dump;
        return asked ? 0 : command_missing(p);
    }
    const char *word = p->argv[p->at++];
    struct suggest s = SUGGEST_START(word);
    for (const struct command_spec *c = p->tool->commands; c->name; c++) {
        if (strcmp(c->name, word) == 0) {
            p->args->command = c;
            if (option_set_collect(&p->set, p->tool, c) < 0) return err_set(p->e, G_BUG, "option table too long");
            return 0;
        }
        suggest_offer(&s, c->name);
    }
    if (s.best) return err_set(p->e, G_USAGE, "unknown command '%s'; did you mean '%s'?", word, s.best);
    return err_set(p->e, G_USAGE, "unknown command '%s'", word);
}

static int operands_check(const struct parse *p) {
    const struct arguments *args = p->args;
    const struct command_spec *c = args->command;
    int least = c ? c->operands_min : p->tool->operands_min, most = c ? c->operands_max : p->tool->operands_max;
    const char *names = c ? c->operands : p->tool->operands;
    if (args->operands < (size_t)least) return err_set(p->e, G_USAGE, "missing operand; wanted: %s", names);
    if (most != OPERANDS_ANY && args->operands > (size_t)most)
        return err_set(p->e, G_USAGE, "unexpected operand '%s'", args->operand[most]);
    return 0;
}

int option_parse(const struct tool_spec *tool, int argc, char **argv, void *options, struct arguments *ret,
                 struct err *e) {
    *ret = (struct arguments){0};
    struct parse p = {.tool = tool, .argc = argc, .at = 1, .argv = argv, .options = options, .args = ret, .e = e};
    ret->operand = calloc((size_t)argc + 1, sizeof *ret->operand);
    if (!ret->operand) return err_nomem(e);
    if (option_set_collect(&p.set, tool, NULL) < 0) return err_set(e, G_BUG, "option table too long");
    int rc = 0;
    if (tool->commands) {
        rc = words_parse(&p, true);
        if (rc == 0) rc = command_take(&p);
    }
    if (rc == 0) rc = words_parse(&p, false);
    if (rc < 0 || ret->help || ret->version || ret->dump) return rc;
    return operands_check(&p);
}

static void lists_free(const struct option_set *set, void *options) {
    for (size_t i = 0; i < set->count; i++) {
        if (set->entry[i].spec->kind != OPTION_LIST) continue;
        struct option_list *list = (void *)((char *)options + set->entry[i].offset);
        free(list->item);
        *list = (struct option_list){0};
    }
}

void option_end(const struct tool_spec *tool, void *options, struct arguments *args) {
    struct option_set set;
    if (option_set_collect(&set, tool, args->command) == 0) lists_free(&set, options);
    free(args->operand);
    *args = (struct arguments){0};
}
