/* SPDX-License-Identifier: Apache-2.0 */
/*
 * leat redrive: dead letters, looked at, repaired and sent back. Here is what it is asked for; send.c says what becomes
 * of each letter, redrive.h tells the other parts.
 */
#include <stdlib.h>
#include <sys/stat.h>

#include "cli/diag.h"
#include "cli/exit.h"
#include "cli/stage_options.h"
#include "log/dest.h"
#include "send.h"
#include "stream/block_file.h"
#include "sys/signals.h"
#include "sys/sys.h"

static const struct option_spec option_table[] = {
    {.name = "where",
     .kind = OPTION_STRING,
     .arg = "EXPR",
     .complete = "expression",
     .section = "Which letters",
     .help = "those for which this is true, such as '$headers[\"leat.tool\"] == \"map\"'",
     .offset = offsetof(struct options, repair.where)},
    {.name = "reason",
     .kind = OPTION_STRING,
     .arg = "TEXT",
     .help = "those whose reason has this text in it",
     .offset = offsetof(struct options, repair.reason)},
    {.letter = 'p',
     .name = "partition",
     .kind = OPTION_NUMBER,
     .arg = "N",
     .max = TOPIC_PARTITIONS_MAX - 1,
     .help = "only this partition of the topic",
     .offset = offsetof(struct options, partition)},
    {.letter = 'o',
     .name = "offset",
     .kind = OPTION_STRING,
     .arg = "OFFSET",
     .help = "where in the topic to begin, or a range: beginning, N, -N, +N, @TIME, A:B",
     .offset = offsetof(struct options, offset)},
    {.name = "limit",
     .kind = OPTION_NUMBER,
     .arg = "N",
     .min = 1,
     .max = UINT64_MAX,
     .help = "at most N letters",
     .offset = offsetof(struct options, limit)},
    {.name = "done",
     .kind = OPTION_FLAG,
     .help = "show the letters that were sent already, instead of the others",
     .offset = offsetof(struct options, done)},
    {.name = "edited",
     .kind = OPTION_STRING,
     .arg = "FILE",
     .complete = "file",
     .section = "Repair",
     .help = "the letters of this file, as they are in it now; -J wrote it",
     .offset = offsetof(struct options, edited)},
    {.name = "map",
     .kind = OPTION_STRING,
     .arg = "EXPR",
     .complete = "expression",
     .help = "make the value by this expression; text that was not JSON is a string",
     .offset = offsetof(struct options, repair.map)},
    {.letter = 'k',
     .name = "key",
     .kind = OPTION_STRING,
     .arg = "EXPR",
     .complete = "expression",
     .help = "take the key from the repaired value by this expression",
     .offset = offsetof(struct options, repair.key)},
    {.name = "time",
     .kind = OPTION_STRING,
     .arg = "EXPR",
     .complete = "expression",
     .help = "take the event time from the repaired value by this expression",
     .offset = offsetof(struct options, repair.time)},
    {.name = "time-format",
     .kind = OPTION_STRING,
     .arg = "FORMAT",
     .help = "how that time is written, in the words of strptime(3)",
     .offset = offsetof(struct options, repair.time_format)},
    {.name = "tz",
     .kind = OPTION_STRING,
     .arg = "ZONE",
     .help = "time zone of times that name none",
     .offset = offsetof(struct options, repair.tz)},
    {.name = "execute",
     .kind = OPTION_FLAG,
     .section = "Sending",
     .help = "do it; without this option nothing is changed",
     .offset = offsetof(struct options, execute)},
    {.name = "to",
     .kind = OPTION_STRING,
     .arg = "PLACE",
     .complete = "topic",
     .help = "send them to this topic or file, not where they came from",
     .offset = offsetof(struct options, to)},
    {.name = "forget",
     .kind = OPTION_FLAG,
     .help = "take the marks of letters away that were sent, so that they can be sent again",
     .offset = offsetof(struct options, forget)},
    {.name = "on-error",
     .kind = OPTION_CHOICE,
     .arg = "POLICY",
     .choices = "stop|skip",
     .help = "what a letter does that cannot be sent (default stop)",
     .offset = offsetof(struct options, on_error)},
    {.letter = 'e',
     .name = "exit-status",
     .kind = OPTION_FLAG,
     .help = "exit with status 1 when there is no such letter",
     .offset = offsetof(struct options, exit_status)},
    OPTION_TABLE(expr_options, offsetof(struct options, expr)),
    OPTION_TABLE(output_options, offsetof(struct options, output)),
    OPTION_TABLE(log_options, offsetof(struct options, log)),
    OPTION_TABLE(stats_options, offsetof(struct options, stats)),
    OPTION_END,
};

static const struct tool_spec tool = {
    .name = "redrive",
    .summary = "look at dead letters, repair them and send them back",
    .operands = "TOPIC|FILE",
    .complete = "topic",
    .operands_min = 1,
    .operands_max = 1,
    .options = option_table,
    .description = "Reads what tools put aside with --dead-letter or --late, and shows how many letters there are of "
                   "each kind. With --execute they go back to the topics that they came from, each exactly once.",
    .examples = "  leat redrive dead\n"
                "  leat redrive dead --reason 'cannot be added' --map '.n |= tonumber' --execute\n"
                "  leat redrive dead -J >letters.json; vi letters.json\n"
                "  leat redrive dead --edited letters.json --map fromjson --to t --execute",
};

/* ---- words ---- */

/* A place that a crash could leave in doubt is none, nor one where what was sent is a letter for the next run. */
static int check_place(const char *place, const char *source, struct err *e) {
    struct stat st;
    if (dest_is_same(place, source)) return err_set(e, G_USAGE, "--to: '%s' is where the letters are", place);
    if (strcmp(place, "-") == 0)
        return err_set(e, G_USAGE, "--to: '-' is no place for records; name a topic or a file");
    if (!dest_is_file(place)) return topic_name_check(place, e) < 0 ? err_prefix(e, "--to: ") : 0;
    if (stat(place, &st) == 0 && !S_ISREG(st.st_mode))
        return err_set(e, G_USAGE, "--to: '%s' is no file: what was written there could not be found again", place);
    return 0;
}

static int check_options(const struct options *o, const char *source, struct err *e) {
    bool repairs = o->edited || o->repair.map || o->repair.key || o->repair.time || o->to;
    bool file = dest_is_file(source);
    if (strcmp(source, "-") == 0)
        return err_set(e, G_USAGE, "letters on standard input could not be marked; name a topic or a file");
    if (o->done && o->execute)
        return err_set(e, G_USAGE, "--done only shows; --forget --execute lets letters be sent again");
    if (o->done && o->forget) return err_set(e, G_USAGE, "--done and --forget exclude each other");
    if ((o->done || o->forget) && repairs)
        return err_set(e, G_USAGE, "%s is about letters that were sent already: nothing is repaired or sent",
                       o->done ? "--done" : "--forget");
    if (file && (o->offset || o->partition != NO_PARTITION))
        return err_set(e, G_USAGE, "%s is for topics; in a file, --where '$offset < 10' does it",
                       o->offset ? "--offset" : "--partition");
    return o->to ? check_place(o->to, source, e) : 0;
}

static int prepare(struct redriver *d, const struct options *o, const char *source, struct err *e) {
    int g = check_options(o, source, e);
    if (g == 0 && o->offset) g = offset_parse(o->offset, sys.wall_ns(), &d->range, e);
    if (g == 0 && o->offset && d->range.from.kind == OFFSET_STORED)
        g = err_set(e, G_USAGE, "'stored' is for groups; letters that were sent are passed over anyway");
    if (g == 0) g = output_config(&o->output, &d->out, e);
    if (g == 0) g = repair_init(&d->repair, &o->repair, expr_engine_of(&o->expr), e);
    if (g == 0) g = kinds_init(&d->kinds, e);
    return g;
}

static int explain(const struct repair *x, struct err *e) {
    const struct expr_part parts[] = {
        {"--where", x->where}, {"--map", x->map}, {"--key", x->key.expr}, {"--time", x->time.expr}};
    return expr_explain_all(parts, sizeof parts / sizeof *parts, e);
}

/* ---- the run ---- */

/* Groups of letters as rows, or the letters themselves: what the format is for. */
static int open_output(struct redriver *d, const struct output_lineage *lineage, struct err *e) {
    enum out_format f = d->out.text.format;
    d->shows_letters = f == OUT_ENVELOPE || f == OUT_BLOCKS || f == OUT_LINES || f == OUT_LP || f == OUT_FORMAT;
    if (!d->shows_letters) return rows_open(&d->rows, &d->out, e);
    int g = output_open(&d->output, &d->out, e);
    return g == 0 ? output_start(&d->output, lineage, e) : g;
}

static int close_output(struct redriver *d, int g, struct err *e) {
    struct err late;
    struct err *why = g < 0 ? &late : e;
    int closed;
    if (d->shows_letters) {
        closed = output_end(&d->output, exit_from_grade(g), g < 0 ? e->text : NULL, why);
        int c = output_close(&d->output, g == 0, closed < 0 ? &late : why);
        if (closed == 0) closed = c;
    } else {
        closed = g == 0 || g == G_DATA ? kinds_print(&d->kinds, &d->rows, why) : 0;
        int c = rows_close(&d->rows, g == 0, closed < 0 ? &late : why);
        if (closed == 0) closed = c;
    }
    return g < 0 ? g : closed;
}

static void notice(void *ctx, const char *text) {
    (void)ctx;
    diag_warn("%s", text);
}

static int open_source(struct redriver *d, const char *source, struct err *e) {
    const struct options *o = d->o;
    bool file = dest_is_file(source), creates = o->execute && o->to && !dest_is_file(o->to);
    int g = log_open(&d->log, o->log.dir, creates, o->log.force_fs, e);
    if (g == G_ABSENT && file) g = 0; /* there is no topic for them; who needs one says so */
    if (g == 0 && !file) g = topic_open(&d->topic, &d->log, source, e);
    if (g < 0) return g;
    d->from = (struct letters){.topic = file ? NULL : &d->topic,
                               .file = file ? source : NULL,
                               .only = o->offset ? &d->range : NULL,
                               .partition = o->partition == NO_PARTITION ? -1 : (int64_t)o->partition};
    if (!file && o->partition != NO_PARTITION && o->partition >= d->topic.partitions)
        return err_set(e, G_USAGE, "topic '%s' has %u partitions; there is no partition %u", source,
                       d->topic.partitions, (unsigned)o->partition);
    d->repair.topic = file ? NULL : d->topic.name;
    const struct redrive_config config = {
        .log = &d->log, .topic = d->from.topic, .file = d->from.file, .write = o->execute, .notice = notice};
    g = redrive_open(&d->redrive, &config, e);
    if (g < 0) return g;
    d->from.file_bytes = redrive_file_bytes(d->redrive);
    if (!o->execute && redrive_is_interrupted(d->redrive))
        diag_warn("an earlier run was interrupted; some of these letters may have been sent: --execute finds out");
    if (o->to && dest_is_file(o->to) && !redrive_is_interrupted(d->redrive)) g = block_file_check(o->to, e);
    if (g < 0) return err_prefix(e, "--to: ");
    return o->edited ? edited_load(&d->edited, o->edited, &d->from, e) : 0;
}

/* Of a file of letters the folder is written to, too: the marks are there. Links are followed, as their folder is not
 * that of the file. */
static void enter_sandbox(const struct redriver *d) {
    const char *to = d->o->to && dest_is_file(d->o->to) ? d->o->to : NULL;
    const char *const letters = d->from.file, *const written[] = {d->out.file, to, d->o->execute ? letters : NULL};
    struct output_config folders[3] = {{.file = NULL}};
    char *real[3] = {NULL};
    struct stage_config c = {.files = &letters, .file_count = letters ? 1 : 0, .more = folders};
    for (size_t i = 0; i < 3; i++) {
        if (!written[i]) continue;
        real[i] = realpath(written[i], NULL);
        folders[c.more_count++].file = real[i] ? real[i] : written[i];
    }
    stage_sandbox(&c, d->log.path);
    for (size_t i = 0; i < 3; i++) free(real[i]);
}

static int run(struct redriver *d, const char *source, const struct output_lineage *lineage, struct err *e) {
    int g = open_source(d, source, e);
    if (g < 0) return g;
    g = open_output(d, lineage, e);
    if (g < 0) return g;
    enter_sandbox(d);
    g = redriver_run(d, e);
    return close_output(d, g, e);
}

static void release(struct redriver *d) {
    redrive_free(d->redrive);
    edited_release(&d->edited);
    kinds_release(&d->kinds);
    repair_release(&d->repair);
    topic_close(&d->topic);
    log_close(&d->log);
}

int main(int argc, char **argv) {
    struct options o = {.partition = NO_PARTITION, .limit = UINT64_MAX};
    struct arguments args;
    int code = option_begin(&tool, argc, argv, &o, &args);
    if (code >= 0) return code;
    struct redriver d = {.o = &o, .log = LOG_CLOSED, .topic = {.dir = -1}};
    struct err e = {0};
    const struct output_lineage lineage = {.tool = tool.name, .args = argv + 1, .arg_count = argc - 1};
    signals_init(true);
    int g = prepare(&d, &o, args.operand[0], &e);
    if (g == 0 && o.expr.explain) {
        g = explain(&d.repair, &e);
    } else if (g == 0) {
        progress_begin(&d.progress, &o.stats);
        g = run(&d, args.operand[0], &lineage, &e);
        progress_end(&d.progress);
        if (g == 0 && o.exit_status && d.wanted == 0) code = EXIT_NO;
    }
    release(&d);
    option_end(&tool, &o, &args);
    int ended = stage_exit(g, &e);
    return code > 0 ? code : ended;
}
