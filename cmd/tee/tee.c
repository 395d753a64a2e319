/* SPDX-License-Identifier: Apache-2.0 */
/*
 * leat tee: a stream to several destinations at once. Here is what it is asked for; copy.c has what goes where,
 * branch.c a destination, stream/relay what a slow reader has not taken.
 */
#include <stdlib.h>
#include <string.h>

#include "tee.h"

#include "cli/exit.h"
#include "cli/letters.h"
#include "cli/stage_options.h"
#include "log/dest.h"
#include "sys/signals.h"

struct options {
    struct option_choice slow; /* as enum relay_slow, from 1 */
    uint64_t spill_limit;
    bool no_stdout;
    struct input_options input;
    struct output_options output;
    struct error_options errors;
    struct log_options log;
    struct stats_options stats;
};

static const struct option_spec option_table[] = {
    {.name = "no-stdout",
     .kind = OPTION_FLAG,
     .section = "Destinations",
     .help = "no copy to standard output",
     .offset = offsetof(struct options, no_stdout)},
    {.name = "slow",
     .kind = OPTION_CHOICE,
     .arg = "POLICY",
     .choices = "block|spill|drop",
     .help =
         "when a reader does not keep up: hold all back (the default), keep what waits in a temporary file, or leave "
         "records out, for that reader",
     .offset = offsetof(struct options, slow)},
    OPTION_SPILL_LIMIT(offsetof(struct options, spill_limit), "what waits for slow readers, all of them together"),
    OPTION_TABLE(input_options, offsetof(struct options, input)),
    OPTION_TABLE(output_options, offsetof(struct options, output)),
    OPTION_TABLE(error_options, offsetof(struct options, errors)),
    OPTION_TABLE(log_options, offsetof(struct options, log)),
    OPTION_TABLE(stats_options, offsetof(struct options, stats)),
    OPTION_END,
};

static const struct tool_spec tool = {
    .name = "tee",
    .summary = "copy a stream to files, FIFOs and topics",
    .operands = "DEST...",
    .complete = "file",
    .operands_min = 1,
    .operands_max = OPERANDS_ANY,
    .options = option_table,
    .description = "Copies standard input to standard output and to each DEST: a file, a FIFO or a topic.",
    .examples = "  leat consume clicks | leat tee ./copy.leat | leat filter '.status >= 500' -j\n"
                "  leat tee --slow spill --no-stdout ./fifo1 ./fifo2 <clicks.leat",
};

static int check_places(const struct options *o, const struct arguments *args, struct err *e) {
    if (o->no_stdout && o->output.file) return err_set(e, G_USAGE, "--output and --no-stdout exclude each other");
    for (size_t i = 0; i < args->operands; i++) {
        if (strcmp(args->operand[i], "-") == 0)
            return err_set(e, G_USAGE, "standard output has its copy without a destination '-'");
    }
    return 0;
}

static bool needs_log(const char *const *places, size_t n) {
    for (size_t i = 0; i < n; i++) {
        if (!dest_is_file(places[i])) return true;
    }
    return false;
}

static int add_branch(struct tee *t, const char *place, const struct branch_config *config, struct err *e) {
    struct branch *d = &t->branch[t->count];
    int g = branch_open(d, place, config, e);
    if (g < 0) return g;
    if (d->kind == BRANCH_STREAM) t->relays[t->relay_count++] = &d->relay;
    t->alive = ++t->count;
    return 0;
}

static int open_branches(struct tee *t, const struct options *o, const struct arguments *args, const struct log *log,
                         const struct stage_config *c, struct err *e) {
    const struct branch_config config = {.output = c->output,
                                         .log = log,
                                         .slow = o->slow.at ? (enum relay_slow)(o->slow.at - 1) : RELAY_BLOCK,
                                         .budget = &t->budget};
    t->branch = calloc(args->operands + 1, sizeof *t->branch);
    t->relays = calloc(args->operands + 1, sizeof(struct relay *));
    if (!t->branch || !t->relays) return err_nomem(e);
    t->budget.limit = o->spill_limit;
    int g = o->no_stdout ? 0 : add_branch(t, c->output.file, &config, e);
    for (size_t i = 0; g == 0 && i < args->operands; i++) g = add_branch(t, args->operand[i], &config, e);
    return g;
}

static void close_branches(struct tee *t) {
    for (size_t i = 0; i < t->count; i++) branch_release(&t->branch[i]);
    free(t->branch);
    free(t->relays);
}

/* Files get their names at the end, and FIFOs are opened when somebody reads them. */
static void enter_sandbox(const struct stage_config *c, const struct arguments *args, const char *log_path) {
    struct stage_config paths = *c;
    struct output_config *more = calloc(args->operands + 1, sizeof *more);
    if (!more) return;
    for (size_t i = 0; i < args->operands; i++) {
        if (dest_is_file(args->operand[i])) more[paths.more_count++].file = args->operand[i];
    }
    paths.more = more;
    stage_sandbox(&paths, log_path);
    free(more);
}

static int run(struct tee *t, const struct options *o, const struct arguments *args, struct stage_config *c,
               struct err *e) {
    static const struct stage_ops ops = {
        .record = tee_record, .block = tee_block, .control = tee_control, .inspect = tee_inspect, .idle = tee_idle};
    struct log log = LOG_CLOSED;
    struct stage stage;
    int g = needs_log(args->operand, args->operands) ? log_open(&log, o->log.dir, true, o->log.force_fs, e) : 0;
    if (g == 0) g = letters_open(c, &log, &o->errors, &o->log, e);
    if (g == 0) g = open_branches(t, o, args, &log, c, e);
    if (g == 0) {
        enter_sandbox(c, args, log.path);
        g = stage_run(&stage, c, &ops, t, e);
        g = tee_finish(t, g, e);
    }
    return letters_close(c, &log, g, e);
}

static int prepare(struct tee *t, const struct options *o, const struct arguments *args, struct stage_config *c,
                   struct err *e) {
    int g = check_places(o, args, e);
    if (g == 0) g = input_config(&o->input, &c->input, e);
    if (g == 0) g = output_config(&o->output, &c->output, e);
    if (g < 0) return g;
    error_config(&o->errors, c);
    c->files = NULL; /* operands are destinations */
    c->file_count = 0;
    c->no_output = true;
    t->config = c;
    t->lineage = (struct output_lineage){.tool = c->tool, .args = c->args, .arg_count = c->arg_count};
    t->set = expr_set_new(EXPR_AUTO);
    if (!t->set) return err_nomem(e);
    g = time_field_init(&t->time, t->set, o->input.time, o->input.time_format, o->input.tz, e);
    return g == 0 && t->time.used ? expr_run_new(t->set, &t->run, e) : g;
}

static void tell_progress(const struct tee *t, struct progress *p) {
    for (size_t i = 0; i < t->count; i++) {
        p->records_out += t->branch[i].records;
        p->bytes_out += t->branch[i].bytes;
        p->dropped += t->branch[i].dropped;
    }
}

int main(int argc, char **argv) {
    struct options o = {.spill_limit = SPILL_LIMIT_DEFAULT};
    struct arguments args;
    int code = option_begin(&tool, argc, argv, &o, &args);
    if (code >= 0) return code;
    struct progress progress = {0};
    struct stage_config config = {0};
    struct tee t = {0};
    struct err e = {0};
    signals_init(true);
    stage_config_common(&config, tool.name, argc, argv, &args, &progress);
    int g = prepare(&t, &o, &args, &config, &e);
    if (g == 0) {
        progress.end_bytes = input_bytes(NULL, 0);
        progress_begin(&progress, &o.stats);
        progress.may_drop = true;
        g = run(&t, &o, &args, &config, &e);
        tell_progress(&t, &progress);
        progress_end(&progress);
    }
    close_branches(&t);
    expr_run_free(t.run);
    time_field_release(&t.time);
    expr_set_free(t.set);
    option_end(&tool, &o, &args);
    return stage_exit(g, &e);
}
