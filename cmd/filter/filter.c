/* SPDX-License-Identifier: Apache-2.0 */
/*
 * leat filter: records for which an expression is true. Here is what it is asked for; judge.c decides, route.c has the
 * places, the stage reads.
 */
#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "filter.h"

#include "cli/exit.h"
#include "cli/expr_hints.h"
#include "cli/expr_options.h"
#include "cli/letters.h"
#include "cli/stage_options.h"
#include "expr/condition.h"
#include "sys/file.h"
#include "sys/signals.h"

struct options {
    struct expr_options expr;
    struct route_options routes;
    struct input_options input;
    struct output_options output;
    struct error_options errors;
    struct log_options log;
    struct stats_options stats;
    bool invert, exit_status;
};

static const struct option_spec option_table[] = {
    {.name = "invert",
     .kind = OPTION_FLAG,
     .section = "Records",
     .help = "pass the records for which the expression is not true",
     .offset = offsetof(struct options, invert)},
    {.name = "count",
     .kind = OPTION_FLAG,
     .help = "print how many records pass, instead of them",
     .offset = offsetof(struct options, routes.count)},
    {.letter = 'e',
     .name = "exit-status",
     .kind = OPTION_FLAG,
     .help = "exit with status 1 when no record passes",
     .offset = offsetof(struct options, exit_status)},
    {.name = "pass",
     .kind = OPTION_LIST,
     .arg = "DEST",
     .help = "send the records that pass to this file, FIFO or topic, '-' for standard output (repeatable)",
     .complete = "file",
     .section = "Destinations",
     .offset = offsetof(struct options, routes.pass)},
    {.name = "fail",
     .kind = OPTION_LIST,
     .arg = "DEST",
     .help = "send the records that do not pass there (repeatable)",
     .complete = "file",
     .offset = offsetof(struct options, routes.fail)},
    {.name = "all",
     .kind = OPTION_LIST,
     .arg = "DEST",
     .help = "send both there, in their order (repeatable)",
     .complete = "file",
     .offset = offsetof(struct options, routes.all)},
    OPTION_TABLE(expr_options, offsetof(struct options, expr)),
    OPTION_TABLE(input_options, offsetof(struct options, input)),
    OPTION_TABLE(output_options, offsetof(struct options, output)),
    OPTION_TABLE(error_options, offsetof(struct options, errors)),
    OPTION_TABLE(log_options, offsetof(struct options, log)),
    OPTION_TABLE(stats_options, offsetof(struct options, stats)),
    OPTION_END,
};

static const struct tool_spec tool = {
    .name = "filter",
    .summary = "pass the records for which an expression is true",
    .operands = "EXPR [FILE...]",
    .complete = "expression file",
    .operands_min = 1,
    .operands_max = OPERANDS_ANY,
    .options = option_table,
    .description = "Evaluates EXPR for each record of the files, or of standard input, and writes those that pass to "
                   "standard output, untouched.",
    .examples = "  leat consume clicks -e | leat filter '.status >= 500' | leat show\n"
                "  leat filter '.status >= 500' --pass ./errors.leat --fail good clicks.leat",
};

static void tell_progress(const struct filter *f, struct progress *p) {
    p->records_out = f->passed;
    p->bytes_out = f->passed_bytes;
}

static int print_count(const struct filter *f, struct err *e) {
    char text[24];
    int n = snprintf(text, sizeof text, "%" PRIu64 "\n", f->passed);
    return file_write_all(STDOUT_FILENO, text, (size_t)n, "standard output", e);
}

/* With all words understood: open the places, read, and close them. */
static int run(struct filter *f, const struct options *o, struct stage_config *c, struct err *e) {
    static const struct stage_ops ops = {.record = filter_record, .block = filter_block, .look = filter_look};
    struct log log = LOG_CLOSED;
    struct stage stage;
    int g = routes_need_log(&o->routes) ? log_open(&log, o->log.dir, true, o->log.force_fs, e) : 0;
    if (g == 0) g = routes_open(&f->routes, &o->routes, &log, c, e);
    if (g == 0) g = letters_open(c, &log, &o->errors, &o->log, e);
    if (g == 0) {
        stage_sandbox(c, log.path);
        g = stage_run(&stage, c, &ops, f, e);
    }
    if (g == 0 && o->routes.count) g = print_count(f, e);
    g = routes_close(&f->routes, g, e);
    return letters_close(c, &log, g, e);
}

static int prepare(struct filter *f, const struct options *o, const char *program, struct expr_set *set,
                   struct stage_config *c, struct err *e) {
    int g = input_config(&o->input, &c->input, e);
    if (g == 0) g = output_config(&o->output, &c->output, e);
    if (g == 0) g = expr_add(set, "expression", program, &f->expr, e);
    if (g == 0) g = condition_check("expression", program, e);
    if (g == 0) g = time_field_init(&f->time, set, o->input.time, o->input.time_format, o->input.tz, e);
    if (g == 0) g = hint_watch(set, f->expr, e);
    if (g == 0) g = expr_run_new(set, &f->run[0], e);
    if (g == 0) hint_assignment("expression", program);
    f->set = set;
    f->invert = o->invert;
    error_config(&o->errors, c);
    return g;
}

static int explain(const struct filter *f, struct err *e) {
    const struct expr_part parts[] = {{NULL, f->expr}, {"--time", f->time.expr}};
    return expr_explain_all(parts, sizeof parts / sizeof *parts, e);
}

int main(int argc, char **argv) {
    struct options o = {0};
    struct arguments args;
    int code = option_begin(&tool, argc, argv, &o, &args);
    if (code >= 0) return code;
    struct progress progress = {0};
    struct filter f = {0};
    struct stage_config config = {0};
    struct err e = {0};
    signals_init(true);
    stage_config_common(&config, tool.name, argc, argv, &args, &progress);
    config.files++; /* the first operand is the expression */
    config.file_count--;
    struct expr_set *set = expr_set_new(expr_engine_of(&o.expr));
    int g = set ? prepare(&f, &o, args.operand[0], set, &config, &e) : err_nomem(&e);
    if (g == 0 && o.expr.explain) {
        g = explain(&f, &e);
    } else if (g == 0) {
        progress.end_bytes = input_bytes(config.files, config.file_count);
        progress_begin(&progress, &o.stats);
        g = run(&f, &o, &config, &e);
        tell_progress(&f, &progress);
        progress_end(&progress);
        if (g == 0 && f.passed == 0) hint_unseen(set, f.run, CREW_THREADS_MAX, true);
        if (g == 0 && o.exit_status && f.passed == 0) code = EXIT_NO;
    }
    for (size_t i = 0; i < CREW_THREADS_MAX; i++) expr_run_free(f.run[i]);
    time_field_release(&f.time);
    expr_set_free(set);
    option_end(&tool, &o, &args);
    int ended = stage_exit(g, &e);
    return code > 0 ? code : ended;
}
