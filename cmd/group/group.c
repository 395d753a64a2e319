/* SPDX-License-Identifier: Apache-2.0 */
/* leat group: options, and the walk over the topics of a group. The commands are in look.c and change.c. */
#include "group.h"

#include <string.h>

#include "cli/diag.h"
#include "cli/exit.h"
#include "cli/stage_options.h"
#include "sys/signals.h"

#define TOPIC_OPTION(text)                                                                                             \
    {                                                                                                                  \
        .name = "topic", .kind = OPTION_STRING, .arg = "TOPIC", .complete = "topic", .help = (text),                   \
        .offset = offsetof(struct options, topic)                                                                      \
    }

static const struct option_spec common_table[] = {
    OPTION_TABLE(output_options, offsetof(struct options, output)),
    OPTION_TABLE(log_options, offsetof(struct options, log)),
    OPTION_END,
};

static const struct option_spec list_table[] = {
    {.name = "names", .kind = OPTION_FLAG, .help = "names only, one a line", .offset = offsetof(struct options, names)},
    OPTION_END,
};
static const struct option_spec describe_table[] = {TOPIC_OPTION("only this topic"), OPTION_END};
static const struct option_spec reset_table[] = {
    TOPIC_OPTION("the topic whose positions are set (must be given)"),
    {.letter = 'p',
     .name = "partition",
     .kind = OPTION_NUMBER,
     .arg = "N",
     .max = TOPIC_PARTITIONS_MAX - 1,
     .help = "only this partition",
     .offset = offsetof(struct options, partition)},
    {.name = "to",
     .kind = OPTION_STRING,
     .arg = "OFFSET",
     .help = "the new position: beginning, end, N, -N (from the end), +N (from the beginning) or @TIME",
     .offset = offsetof(struct options, to)},
    {.name = "shift",
     .kind = OPTION_INTEGER,
     .arg = "N",
     .help = "move each position by N records, back when N is negative",
     .offset = offsetof(struct options, shift)},
    {.name = "execute",
     .kind = OPTION_FLAG,
     .help = "do it; without this option the command only says what it would do",
     .offset = offsetof(struct options, execute)},
    OPTION_END,
};
static const struct option_spec delete_table[] = {TOPIC_OPTION("forget only the positions in this topic"), OPTION_END};

static const struct command_spec commands[] = {
    {.name = "list", .summary = "all groups: their topics, members and lag", .options = list_table},
    {.name = "describe",
     .summary = "where groups stand, partition by partition",
     .operands = "GROUP...",
     .complete = "group",
     .operands_min = 1,
     .operands_max = OPERANDS_ANY,
     .options = describe_table},
    {.name = "reset",
     .summary = "set the positions of a group in a topic",
     .operands = "GROUP",
     .complete = "group",
     .operands_min = 1,
     .operands_max = 1,
     .options = reset_table},
    {.name = "delete",
     .summary = "forget groups",
     .operands = "GROUP...",
     .complete = "group",
     .operands_min = 1,
     .operands_max = OPERANDS_ANY,
     .options = delete_table},
    {.name = NULL},
};

static const struct {
    const char *name;
    int (*run)(struct run *r, struct err *e);
} runs[] = {
    {"list", command_list},
    {"describe", command_describe},
    {"reset", command_reset},
    {"delete", command_delete},
};

static const struct tool_spec tool = {
    .name = "group",
    .summary = "list, describe, reset and delete consumer groups",
    .commands = commands,
    .options = common_table,
    .description =
        "A consumer group is made by 'leat consume -G GROUP': its members share the partitions of a topic, and "
        "its positions say how far they came.",
    .examples = "  leat group describe report\n"
                "  leat group reset report --topic clicks --to @-1h --execute",
};

int run_failed(struct run *r, int grade, const struct err *e) {
    if (grade == G_PIPE || grade == G_STOPPED || grade == G_NOMEM) return grade;
    diag_error(e);
    if (exit_from_grade(grade) > exit_from_grade(r->worst)) r->worst = grade;
    return 0;
}

static int with_topic(struct run *r, const char *group, const char *name, topic_fn fn, void *ctx, struct err *e) {
    struct topic t = {.dir = -1};
    struct group g;
    int rc = topic_open(&t, &r->log, name, e);
    if (rc < 0) return rc;
    rc = group_open(&g, &r->log, group, &t, false, e);
    if (rc == 0) {
        rc = fn(r, &g, ctx, e);
        group_close(&g);
    }
    topic_close(&t);
    return rc;
}

int each_topic(struct run *r, const char *group, topic_fn fn, void *ctx, struct err *e) {
    char **names = NULL;
    size_t count = 0;
    int g = group_topics(&r->log, group, &names, &count, e);
    if (g == 0 && r->o->topic) g = with_topic(r, group, r->o->topic, fn, ctx, e);
    for (size_t i = 0; g == 0 && !r->o->topic && i < count; i++) {
        g = with_topic(r, group, names[i], fn, ctx, e);
        if (g == G_ABSENT) {
            diag_warn("group '%s' has positions in topic '%s', which is gone", group, names[i]);
            g = 0;
        }
    }
    topic_list_free(names, count);
    return g;
}

int standing_read(struct run *r, struct group *g, struct cursor *c, struct standing *ret, struct err *e) {
    *ret = (struct standing){.start = cursor_start(c), .end = cursor_end(c)};
    int rc = group_read(g, c->part.number, &ret->position, e);
    if (rc == 0) return 0;
    ret->position = (struct group_position){0};
    ret->damaged = true;
    return rc == G_CORRUPT ? run_failed(r, rc, e) : rc;
}

void standing_put(struct run *r, const struct group *g, uint32_t partition, const struct standing *s) {
    rows_text(&r->rows, "group", g->name);
    rows_text(&r->rows, "topic", g->topic->name);
    rows_number(&r->rows, "partition", partition);
    if (s->position.known) {
        rows_number(&r->rows, "current_offset", s->position.offset);
    } else {
        rows_missing(&r->rows, "current_offset");
    }
}

static int run_command(struct run *r, struct err *e) {
    struct output_config config;
    int g = output_config(&r->o->output, &config, e);
    if (g == 0) g = log_open(&r->log, r->o->log.dir, false, r->o->log.force_fs, e);
    if (r->o->names && config.text.format == OUT_DEFAULT) config.text.format = OUT_LINES;
    if (g == 0) g = rows_open(&r->rows, &config, e);
    if (g < 0) return g;
    tool_sandbox(r->log.path, NULL, 0, false, config.file);
    for (size_t i = 0; i < sizeof runs / sizeof *runs; i++)
        if (strcmp(runs[i].name, r->args->command->name) == 0) g = runs[i].run(r, e);
    struct err late;
    int closed = rows_close(&r->rows, g == 0, g == 0 ? e : &late);
    return g < 0 ? g : closed;
}

int main(int argc, char **argv) {
    struct options o = {.partition = NO_PARTITION};
    struct arguments args;
    int code = option_begin(&tool, argc, argv, &o, &args);
    if (code >= 0) return code;
    struct run r = {.o = &o, .args = &args, .log = LOG_CLOSED};
    struct err e = {0};
    signals_init(true);
    int g = run_command(&r, &e);
    log_close(&r.log);
    option_end(&tool, &o, &args);
    code = stage_exit(g, &e);
    return code ? code : (int)exit_from_grade(r.worst);
}
