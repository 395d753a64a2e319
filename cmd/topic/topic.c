/* SPDX-License-Identifier: Apache-2.0 */
/* leat topic: options, and the walk over the topics that the operands name. */
#include "topic.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/number.h"
#include "cli/diag.h"
#include "cli/exit.h"
#include "cli/stage_options.h"
#include "log/archive_write.h"
#include "sys/file.h"
#include "sys/signals.h"

#define OUT_BYTES (64u << 10)

static const struct option_spec common_table[] = {
    {.letter = 'j',
     .name = "json",
     .kind = OPTION_FLAG,
     .help = "JSON lines instead of a report for people",
     .section = "Output",
     .offset = offsetof(struct options, json)},
    OPTION_TABLE(log_options, offsetof(struct options, log)),
    OPTION_END,
};

#define PARTITIONS_OPTION                                                                                              \
    {                                                                                                                  \
        .letter = 'p', .name = "partitions", .kind = OPTION_NUMBER, .arg = "N", .min = 1, .max = TOPIC_PARTITIONS_MAX, \
        .help = "number of partitions", .offset = offsetof(struct options, partitions)                                 \
    }
#define SET_OPTION                                                                                                     \
    {                                                                                                                  \
        .name = "set", .kind = OPTION_LIST, .arg = "NAME=VALUE",                                                       \
        .help = "a setting (repeatable); leat-log(5) lists them",                                                      \
        .man = "A setting; may be given several times.\nSee\n.Sx SETTINGS .", .offset = offsetof(struct options, set)  \
    }
#define ONLY_OPTION                                                                                                    \
    {                                                                                                                  \
        .letter = 'p', .name = "partition", .kind = OPTION_LIST, .arg = "N",                                           \
        .help = "only this partition (repeatable)", .offset = offsetof(struct options, only)                           \
    }
#define DRY_RUN_OPTION                                                                                                 \
    {                                                                                                                  \
        .letter = 'n', .name = "dry-run", .kind = OPTION_FLAG, .help = "say what would be done and change nothing",    \
        .offset = offsetof(struct options, dry_run)                                                                    \
    }

static const struct option_spec create_table[] = {
    PARTITIONS_OPTION,
    SET_OPTION,
    {.name = "if-not-exists",
     .kind = OPTION_FLAG,
     .help = "all is well when the topic is there already, whatever its settings",
     .offset = offsetof(struct options, if_not_exists)},
    OPTION_END,
};
static const struct option_spec alter_table[] = {PARTITIONS_OPTION, SET_OPTION, OPTION_END};
static const struct option_spec delete_table[] = {DRY_RUN_OPTION, OPTION_END};
static const struct option_spec list_table[] = {
    {.name = "names", .kind = OPTION_FLAG, .help = "names only, one a line", .offset = offsetof(struct options, names)},
    OPTION_END,
};
static const struct option_spec trim_table[] = {
    {.name = "before",
     .kind = OPTION_STRING,
     .arg = "PLACE",
     .help = "remove what lies before this place: N, -N (all but the last N), +N, 'end', or @TIME",
     .man = "Remove what lies before this place, written as\n.Xr leat-consume 1\ntakes it: an offset,\n"
            ".Fl Ar N\n(all but the last\n.Ar N ) ,\n.Cm + Ns Ar N ,\n.Cm end ,\nor before the first record of this "
            "time or later:\n.Cm @ Ns Ar TIME ,\nas in\n.Li @-7d .",
     .offset = offsetof(struct options, before)},
    ONLY_OPTION,
    {.name = "execute",
     .kind = OPTION_FLAG,
     .help = "do it; without this option the command only says what it would do",
     .offset = offsetof(struct options, execute)},
    OPTION_END,
};
static const struct option_spec compact_table[] = {ONLY_OPTION, OPTION_END};
static const struct option_spec verify_table[] = {
    ONLY_OPTION,
    {.name = "check-json",
     .kind = OPTION_FLAG,
     .help = "validate each JSON value, too",
     .offset = offsetof(struct options, check_json)},
    OPTION_END,
};
static const struct option_spec repair_table[] = {
    ONLY_OPTION,
    {.name = "accept-loss",
     .kind = OPTION_FLAG,
     .help = "give up the offsets that are named",
     .offset = offsetof(struct options, accept_loss)},
    DRY_RUN_OPTION,
    OPTION_END,
};
static const struct option_spec dump_table[] = {
    ONLY_OPTION,
    {.name = "records",
     .kind = OPTION_FLAG,
     .help = "each record of each block, too",
     .offset = offsetof(struct options, records)},
    OPTION_END,
};

static const struct option_spec export_table[] = {
    {.letter = 'o',
     .name = "offset",
     .kind = OPTION_STRING,
     .arg = "RANGE",
     .help = "only these records of each partition: an offset, @TIME, or a range A:B",
     .man =
         "Only these records of each partition, written as\n.Xr leat-consume 1\ntakes it: from an offset or a time on "
         "(\n.Li @-1h ) ,\nor a range\n.Ar A Ns Cm \\&: Ns Ar B .\nA time means the first record of it or later.",
     .offset = offsetof(struct options, offset)},
    ONLY_OPTION,
    {.name = "format",
     .kind = OPTION_CHOICE,
     .arg = "FORMAT",
     .choices = ARCHIVE_FORMAT_WORDS,
     .help = "what to write (default: as the name ends, else tar.zst)",
     .offset = offsetof(struct options, format)},
    OPTION_TABLE(stats_options, offsetof(struct options, stats)),
    OPTION_END,
};
static const struct option_spec import_table[] = {
    {.name = "max-size",
     .kind = OPTION_SIZE,
     .arg = "SIZE",
     .help = "refuse an archive that unpacks to more than this (default 1TiB)",
     .offset = offsetof(struct options, max_size)},
    OPTION_TABLE(stats_options, offsetof(struct options, stats)),
    OPTION_END,
};

#define MANY OPERANDS_ANY
static const struct command_spec commands[] = {
    {"create", "make topics", "TOPIC...", "topic", 1, MANY, create_table, NULL},
    {"list", "topics, how large they are", "[PATTERN...]", "topic", 0, MANY, list_table, NULL},
    {"describe", "settings, partitions and groups of topics", "TOPIC...", "topic", 1, MANY, NULL, NULL},
    {"alter", "change settings, or add partitions", "TOPIC...", "topic", 1, MANY, alter_table, NULL},
    {"delete", "remove topics and all their records", "TOPIC...", "topic", 1, MANY, delete_table, NULL},
    {"trim", "remove the oldest records", "TOPIC...", "topic", 1, MANY, trim_table, NULL},
    {"compact", "do all that cleaning has to do, now", "[TOPIC...]", "topic", 0, MANY, compact_table,
     "Applies retention, compaction and compression as the settings of the topics ask for."},
    {"verify", "check every byte of topics", "[TOPIC...]", "topic", 0, MANY, verify_table, NULL},
    {"repair", "give up what is damaged and keep the rest", "TOPIC...", "topic", 1, MANY, repair_table, NULL},
    {"dump", "print blocks as they are in the files", "TOPIC|FILE...", "topic", 1, MANY, dump_table, NULL},
    {"export", "write a topic to an archive", "TOPIC ARCHIVE", "topic file", 2, 2, export_table,
     "ARCHIVE is a .tar.zst, .tar.gz, .tar or .zip file, or '-' for standard output."},
    {"import", "make a topic from an archive", "ARCHIVE [TOPIC]", "file", 1, 2, import_table,
     "ARCHIVE is a file that export wrote, or '-' for standard input."},
    {.name = NULL},
};

static const struct {
    const char *name;
    int (*run)(struct run *r, struct err *e);
} functions[] = {
    {"create", command_create}, {"list", command_list}, {"describe", command_describe}, {"alter", command_alter},
    {"delete", command_delete}, {"trim", command_trim}, {"compact", command_compact},   {"verify", command_verify},
    {"repair", command_repair}, {"dump", command_dump}, {"export", command_export},     {"import", command_import},
};

static const struct tool_spec tool = {
    .name = "topic",
    .summary = "create, list, alter, check and repair topics",
    .operands = "TOPIC...",
    .options = common_table,
    .commands = commands,
    .examples = "  leat topic create clicks -p 4 --set retention_age=7d\n"
                "  leat topic describe clicks\n"
                "  leat topic verify",
};

int run_flush(struct run *r, bool now, struct err *e) {
    if (r->out.len == 0 || (!now && r->out.len < OUT_BYTES)) return 0;
    int g = file_write_all(STDOUT_FILENO, r->out.data, r->out.len, "standard output", e);
    buf_clear(&r->out);
    return g;
}

int run_json(struct run *r, json_t *o, struct err *e) {
    char *text = o ? json_dumps(o, JSON_COMPACT | JSON_ENCODE_ANY) : NULL;
    json_decref(o);
    int g = !text || buf_puts(&r->out, text) < 0 || buf_putc(&r->out, '\n') < 0 ? err_nomem(e) : 0;
    free(text);
    return g < 0 ? g : run_flush(r, false, e);
}

void run_failed(struct run *r, int grade, const struct err *e) {
    int code = exit_from_grade(grade);
    diag_error(e);
    if (code > r->worst) r->worst = code;
}

static bool ends_the_run(int g) {
    return g == G_PIPE || g == G_STOPPED || g == G_NOMEM;
}

static int add_names(struct run *r, const char *pattern, char ***names, size_t *count, struct err *e) {
    char **found = NULL;
    size_t n = 0;
    int g = topic_list(&r->log, pattern, &found, &n, e);
    if (g < 0) return g;
    char **all = realloc(*names, (*count + n + 1) * sizeof *all);
    if (!all) {
        topic_list_free(found, n);
        return err_nomem(e);
    }
    if (n) memcpy(all + *count, found, n * sizeof *all);
    free(found);
    *names = all;
    *count += n;
    if (n == 0 && pattern) {
        err_set(e, G_ABSENT, "no topic in '%s' is like '%s'", r->log.path, pattern);
        run_failed(r, G_ABSENT, e);
    }
    return 0;
}

static int add_name(const char *name, char ***names, size_t *count, struct err *e) {
    char **all = realloc(*names, (*count + 1) * sizeof *all);
    char *copy = all ? strdup(name) : NULL;
    if (all) *names = all;
    if (!copy) return err_nomem(e);
    all[(*count)++] = copy;
    return 0;
}

int named_topics(struct run *r, char ***ret_names, size_t *ret_count, struct err *e) {
    char **names = NULL;
    size_t count = 0;
    int g = r->args->operands ? 0 : add_names(r, NULL, &names, &count, e);
    for (size_t i = 0; g == 0 && i < r->args->operands; i++) {
        const char *name = r->args->operand[i];
        g = strpbrk(name, "*?[") ? add_names(r, name, &names, &count, e) : add_name(name, &names, &count, e);
    }
    if (g < 0) {
        topic_list_free(names, count);
        return g;
    }
    *ret_names = names;
    *ret_count = count;
    return 0;
}

int each_topic(struct run *r, topic_fn fn, struct err *e) {
    char **names = NULL;
    size_t count = 0;
    int g = named_topics(r, &names, &count, e);
    for (size_t i = 0; g == 0 && i < count; i++) {
        struct topic t;
        g = topic_open(&t, &r->log, names[i], e);
        if (g == 0) {
            g = fn(r, &t, e);
            topic_close(&t);
        }
        if (g < 0 && !ends_the_run(g)) {
            run_failed(r, g, e);
            g = 0;
        }
    }
    topic_list_free(names, count);
    return g;
}

int each_partition(struct run *r, struct topic *t, partition_fn fn, void *ctx, struct err *e) {
    const struct option_list *only = &r->o->only;
    int g = 0;
    for (size_t i = 0; i < only->count; i++) {
        uint64_t n = 0;
        g = number_parse_u64(only->item[i], strlen(only->item[i]), 0, TOPIC_PARTITIONS_MAX, &n, e);
        if (g < 0) return err_set(e, G_USAGE, "'%s' is not the number of a partition", only->item[i]);
        g = fn(r, t, (uint32_t)n, ctx, e);
        if (g < 0) return g;
    }
    for (uint32_t p = 0; g == 0 && only->count == 0 && p < t->partitions; p++) g = fn(r, t, p, ctx, e);
    return g;
}

static int run_command(struct run *r, struct err *e) {
    int g = 0;
    for (size_t i = 0; i < sizeof functions / sizeof *functions; i++)
        if (strcmp(functions[i].name, r->args->command->name) == 0) g = functions[i].run(r, e);
    int flushed = g == G_PIPE ? 0 : run_flush(r, true, g < 0 ? NULL : e);
    return g < 0 ? g : flushed;
}

int main(int argc, char **argv) {
    struct options o = {0};
    struct arguments args;
    struct err e = {0};
    int code = option_begin(&tool, argc, argv, &o, &args);
    if (code >= 0) return code;
    struct run r = {.o = &o, .args = &args};
    signals_init(true);
    const char *command = args.command->name;
    bool export = strcmp(command, "export") == 0, import = strcmp(command, "import") == 0;
    bool dump = strcmp(command, "dump") == 0;
    bool make = import || strcmp(command, "create") == 0;
    int g = log_open(&r.log, o.log.dir, make, o.log.force_fs, &e);
    if (g == G_ABSENT && dump) {
        r.no_log = e;
        g = 0;
    }
    if (g == 0) {
        const char *written = export ? args.operand[1] : NULL;
        tool_sandbox(r.no_log.grade ? NULL : r.log.path, args.operand, dump ? args.operands : import, false, written);
        g = run_command(&r, &e);
        log_close(&r.log);
    } else if (g == G_ABSENT && strcmp(command, "list") == 0) {
        g = 0; /* a log that is not there yet has no topics */
    }
    if (g < 0 && g != G_PIPE && g != G_STOPPED) diag_error(&e);
    code = exit_from_grade(g);
    if (r.worst > code) code = r.worst;
    buf_release(&r.out);
    option_end(&tool, &o, &args);
    if (g == G_STOPPED) signals_die(signals_stop()); /* half a check is not a good one */
    if (g == G_PIPE && export) signals_die(SIGPIPE); /* nor is half an archive */
    return code;
}
