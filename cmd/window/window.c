/* SPDX-License-Identifier: Apache-2.0 */
/*
 * leat window: aggregates over windows of event time, keyed. Here is what it is asked for; window.h says where the work
 * is done.
 */
#include "window.h"

#include <inttypes.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/random.h"
#include "cli/diag.h"
#include "cli/expr_hints.h"
#include "cli/expr_options.h"
#include "cli/letters.h"
#include "cli/stage_options.h"
#include "expr/caret.h"
#include "log/dest.h"
#include "options.h"
#include "sys/signals.h"

static const struct tool_spec tool = {
    .name = "window",
    .summary = "aggregate records over windows of event time",
    .operands = "AGGREGATES [FILE...]",
    .complete = "expression file",
    .operands_min = 1,
    .operands_max = OPERANDS_ANY,
    .options = window_options,
    .description =
        "Puts the records of the files, or of standard input, into windows by their event time, and writes a "
        "record for each window and group with what AGGREGATES makes of them.",
    .examples = "  leat window --tumble 1m -g .status '{n: count}' /var/log/nginx/access.log\n"
                "  leat window --tumble 1m -g .country '{n: count, ms: p99(.latency_ms)}' c.leat\n"
                "  leat window --session 30m -g .user --time .time '{pages: count}' clicks.json\n"
                "  leat window --all -g .page '{n: count, ms: mean(.ms)}' clicks.csv",
};

/* ---- the program ---- */

static bool find_aggregate(const char *name, size_t n, unsigned arguments, int *ret_constant) {
    struct aggregate_signature signature;
    if (!aggregate_find(name, n, arguments, &signature)) return false;
    *ret_constant = signature.constant;
    return true;
}

static const char *aggregate_name(size_t i) {
    const char *name;
    unsigned arguments;
    return aggregate_entry(i, &name, &arguments) ? name : NULL;
}

/* A list of the calls that have this argument, NULL for none, ended by NO_CALL. */
static uint32_t *calls_with(const struct aggregate_program *a, const struct expr *argument) {
    uint32_t *list = calloc(a->n + 1, sizeof *list);
    size_t n = 0;
    if (!list) return NULL;
    for (size_t i = 0; i < a->n; i++)
        if (a->calls[i].argument == argument) list[n++] = (uint32_t)i;
    list[n] = NO_CALL;
    return list;
}

/* Calls with the same argument share it: it is evaluated once. */
static int share_arguments(struct program *p, struct err *e) {
    const struct aggregate_program *a = p->aggregates;
    if (!(p->bare = calls_with(a, NULL))) return err_nomem(e);
    for (size_t i = 0; i < a->n; i++) {
        const struct expr *argument = a->calls[i].argument;
        size_t k = 0;
        while (k < p->argument_count && p->arguments[k] != argument) k++;
        if (!argument || k < p->argument_count) continue;
        p->arguments[k] = argument;
        p->argument_count++;
        if (!(p->users[k] = calls_with(a, argument))) return err_nomem(e);
    }
    return 0;
}

static int prepare_calls(struct program *p, const char *text, struct err *e) {
    size_t n = p->aggregates->n;
    p->calls = calloc(n + 1, sizeof *p->calls);
    p->arguments = calloc(n + 1, sizeof *p->arguments);
    p->users = calloc(n + 1, sizeof *p->users);
    p->inputs = calloc(n + 1, sizeof *p->inputs);
    if (!p->calls || !p->arguments || !p->users || !p->inputs) return err_nomem(e);
    for (size_t i = 0; i < n; i++) {
        const struct aggregate_call *c = &p->aggregates->calls[i];
        int g = aggregate_init(&p->calls[i], c->name, c->name_size, c->arguments, c->constant, e);
        if (g == G_USAGE) (void)err_prefix(e, "aggregates: ");
        if (g < 0) return g == G_USAGE ? caret_append(e, text, c->at) : g;
        p->inputs[i] = aggregate_input(&p->calls[i]);
        p->calls[i].offset = p->value_size;
        p->value_size += p->calls[i].size;
        p->needs_order |= aggregate_needs_order(&p->calls[i]);
    }
    if (p->value_size == 0) p->value_size = 8;
    return share_arguments(p, e);
}

/* The names that the program knows of a window. */
static const char **fixed_names(const struct program *p) {
    const char **names = calloc(p->group_count + p->name_count, sizeof *names);
    size_t n = 0;
    if (!names) return NULL;
    for (size_t i = 1; i < p->name_count; i++) names[n++] = result_names[i]; /* but for `emit` */
    for (size_t i = 0; i < p->group_count; i++) names[n++] = p->groups[i].name;
    return names;
}

/* A name that the result has already: of a time, or of a group. */
static bool is_taken(const struct program *p, const char *name, size_t n) {
    for (size_t i = 0; i < p->name_count; i++)
        if (strlen(result_names[i]) == n && memcmp(result_names[i], name, n) == 0) return true;
    for (size_t i = 0; i < p->group_count; i++)
        if (strlen(p->groups[i].name) == n && memcmp(p->groups[i].name, name, n) == 0) return true;
    return false;
}

static int check_groups(struct program *p, struct err *e) {
    size_t n = p->group_count, i = 0;
    p->group_count = 0; /* groups among themselves are different */
    while (i < n && !is_taken(p, p->groups[i].name, strlen(p->groups[i].name))) i++;
    p->group_count = n;
    if (i == n) return 0;
    return err_set(e, G_USAGE,
                   "a group cannot be called '%s', as results have that already; -g '{name: EXPR}' gives another name",
                   p->groups[i].name);
}

static int check_keys(const struct program *p, struct err *e) {
    const char *key;
    size_t n;
    for (size_t i = 0; aggregate_program_key(p->aggregates, i, &key, &n); i++)
        if (is_taken(p, key, n))
            return err_set(e, G_USAGE, "the aggregates cannot have '%.*s', as results have that already", (int)n, key);
    return 0;
}

static int prepare_program(struct program *p, const struct options *o, const char *text, struct err *e) {
    static const struct aggregate_names names = {find_aggregate, aggregate_name};
    p->name_count = o->all ? 1 : sizeof result_names / sizeof *result_names;
    p->records = expr_set_new(EXPR_AUTO);
    p->results = expr_set_new(EXPR_AUTO);
    if (!p->records || !p->results) return err_nomem(e);
    int g = time_field_init(&p->time, p->records, o->input.time, o->input.time_format, o->input.tz, e);
    if (g == 0 && o->group) g = expr_add_groups(p->records, "--group", o->group, &p->groups, &p->group_count, e);
    if (g == 0) g = check_groups(p, e);
    if (g < 0) return g;
    const char **fixed = fixed_names(p);
    if (!fixed) return err_nomem(e);
    g = expr_add_aggregates(p->records, p->results, "aggregates", text, &names, fixed, &p->aggregates, e);
    free(fixed);
    if (g == G_USAGE && access(text, F_OK) == 0)
        return err_set(e, g, "'%s' is a file: AGGREGATES come first, such as '{n: count}'", text);
    if (g == 0 && p->aggregates->never_object)
        return err_set(e, G_USAGE, "the aggregates must be an object: '{name: %s}'", text);
    if (g == 0) g = check_keys(p, e);
    return g < 0 ? g : prepare_calls(p, text, e);
}

static void release_program(struct program *p) {
    time_field_release(&p->time);
    expr_groups_free(p->groups, p->group_count);
    aggregate_program_free(p->aggregates);
    expr_set_free(p->records);
    expr_set_free(p->results);
    free(p->calls);
    free(p->arguments);
    for (size_t i = 0; i < p->argument_count; i++) free(p->users[i]);
    free(p->users);
    free(p->bare);
    free(p->inputs);
}

/* ---- all of it ---- */

static int prepare_state(struct window *w, const struct options *o, struct err *e) {
    budget_set_limit(&w->budget, o->max_state_bytes);
    int g = random_bytes(&w->program.key, sizeof w->program.key, e);
    if (g < 0) return g;
    arena_init(&w->sessions.arena, &w->budget);
    arena_init(&w->counts.arena, &w->budget);
    arena_init(&w->pending.arena, &w->budget);
    if (w->kind == &sessions_ops) g = table_init(&w->sessions.table, &w->sessions.arena, sizeof(void *), e);
    if (w->kind == &counts_ops) g = table_init(&w->counts.table, &w->counts.arena, 4 * sizeof(uint64_t), e);
    w->sessions.table.track = w->counts.table.track = o->state != NULL;
    w->pending.used = w->pending.strict || w->program.needs_order;
    w->panes.fired = INT64_MIN;
    w->seen = (struct span){NO_TIME, NO_TIME};
    w->early_at = INT64_MIN;
    w->due = INT64_MIN; /* the first record finds out what is due */
    return g;
}

static int prepare(struct window *w, const struct options *o, const char *text, struct stage_config *c, struct err *e) {
    int g = input_config(&o->input, &c->input, e);
    if (g == 0) g = output_config(&o->output, &c->output, e);
    if (g == 0) g = options_apply(o, w, e);
    if (g == 0) g = prepare_program(&w->program, o, text, e);
    if (g == 0) g = prepare_state(w, o, e);
    if (g == 0) g = hint_watch(w->program.records, NULL, e);
    if (g == 0) g = expr_run_new(w->program.records, &w->evaluators[0].run, e);
    if (g == 0) g = results_init(&w->results, &w->program, e);
    w->evaluators[0].w = w;
    w->needs_time = !o->input.time && !o->all;
    error_config(&o->errors, c);
    c->state_dir = o->state;
    return g;
}

static void release(struct window *w) {
    if (w->kind) w->kind->release(w);
    pending_release(w);
    results_release(&w->results);
    for (size_t i = 0; i < CREW_THREADS_MAX; i++) evaluator_release(&w->evaluators[i]);
    buf_release(&w->row);
    watermarks_release(&w->marks);
    snapshot_close(w->state);
    release_program(&w->program);
    options_release(w);
}

static int explain(const struct program *p, struct err *e) {
    struct expr_part *parts = calloc(p->group_count + p->aggregates->n + 2, sizeof *parts);
    if (!parts) return err_nomem(e);
    size_t n = 0;
    parts[n++] = (struct expr_part){"--time", p->time.expr};
    for (size_t i = 0; i < p->group_count; i++) parts[n++] = (struct expr_part){"--group", p->groups[i].expr};
    for (size_t i = 0; i < p->argument_count; i++) parts[n++] = (struct expr_part){"argument", p->arguments[i]};
    parts[n++] = (struct expr_part){"result", p->aggregates->result};
    int g = expr_explain_all(parts, n, e);
    free(parts);
    return g;
}

/* Records that are in no result are told of, though they are no failure. */
static void tell_late(const struct window *w) {
    if (w->late.count && !w->late.to)
        diag_warn("%" PRIu64 " late record%s left out (--late keeps them, --out-of-order and --grace wait longer)",
                  w->late.count, w->late.count == 1 ? " was" : "s were");
    if (w->results.early || w->results.changes || w->results.corrections)
        diag_info("%" PRIu64 " early results, %" PRIu64 " changes, %" PRIu64 " corrections", w->results.early,
                  w->results.changes, w->results.corrections);
    if (w->late.outside)
        diag_info("%" PRIu64 " record%s between windows", w->late.outside, w->late.outside == 1 ? " is" : "s are");
}

/* Where event time is, and what holds it back: for -v and --stats. */
static void tell_watermark(struct window *w, struct progress *p) {
    struct err ignored;
    char text[TIME_TEXT_MAX];
    const struct watermark_source *s = watermarks_holder(&w->marks, &p->held_back_ns);
    if (w->marks.now != WATERMARK_NONE && w->marks.now != WATERMARK_END) {
        time_format_rfc3339(w->marks.now, text);
        diag_info("watermark %s", text);
        p->watermark_ns = w->marks.now;
        p->has_watermark = true;
    }
    if (!s) return;
    bool named = s->topic && topic_name_check(s->topic, &ignored) == 0; /* it came with the stream */
    (void)snprintf(w->held_by, sizeof w->held_by, "%s/%" PRIu32, named ? s->topic : "input", s->partition);
    p->held_by = w->held_by;
    if (p->held_back_ns < 0)
        diag_info("%s holds the watermark back: it has had nothing yet", w->held_by);
    else
        diag_info("%s holds the watermark back by %.3f s", w->held_by, (double)p->held_back_ns / 1e9);
}

static void tell_unseen(const struct window *w) {
    struct expr_run *runs[CREW_THREADS_MAX];
    for (size_t i = 0; i < CREW_THREADS_MAX; i++) runs[i] = w->evaluators[i].run;
    hint_unseen(w->program.records, runs, CREW_THREADS_MAX, false);
}

static int run_stage(struct window *w, const struct options *o, struct stage_config *c, const struct log *log,
                     const char *program, struct err *e) {
    static const struct stage_ops ops = {.record = window_record,
                                         .block = window_block,
                                         .look = window_look,
                                         .control = window_control,
                                         .idle = window_idle,
                                         .end = window_end};
    struct stage stage;
    struct buf identity = {0};
    int g = 0;
    if (o->state) {
        g = options_identity(o, program, &identity) < 0 ? err_nomem(e) : 0;
        if (g == 0) g = resume_open(w, o->state, identity.data, o->log.force_fs, e);
        buf_release(&identity);
    }
    if (g < 0) return g;
    stage_sandbox(c, log->path);
    g = stage_run(&stage, c, &ops, w, e);
    tell_late(w);
    tell_watermark(w, c->hook_ctx);
    return g;
}

static int run(struct window *w, const struct options *o, struct stage_config *c, const char *program, struct err *e) {
    struct log log = LOG_CLOSED;
    int g = o->late ? log_open(&log, o->log.dir, true, o->log.force_fs, e) : 0;
    if (g == 0) g = letters_open(c, &log, &o->errors, &o->log, e);
    if (g == 0 && o->late) g = dest_open(&w->late.to, &log, o->late, e);
    c->sinks = &w->late.to;
    c->sink_count = w->late.to ? 1 : 0;
    if (g == 0) g = run_stage(w, o, c, &log, program, e);
    g = sink_finish(w->late.to, g, e);
    return letters_close(c, &log, g, e);
}

int main(int argc, char **argv) {
    struct options o = {.out_of_order_ns = -1,
                        .idle_timeout_ns = -1,
                        .hop_ns = -1,
                        .session_ns = -1,
                        .cumulate_ns = -1,
                        .max_ns = -1,
                        .step_ns = -1,
                        .early_ns = -1};
    struct arguments args;
    int code = option_begin(&tool, argc, argv, &o, &args);
    if (code >= 0) return code;
    struct progress progress = {0};
    struct window w = {0};
    struct stage_config config = {0};
    struct err e = {0};
    signals_init(true);
    stage_config_common(&config, tool.name, argc, argv, &args, &progress);
    config.files++; /* the first operand is the program */
    config.file_count--;
    int g = prepare(&w, &o, args.operand[0], &config, &e);
    if (g == 0 && o.explain) {
        g = explain(&w.program, &e);
    } else if (g == 0) {
        progress.end_bytes = input_bytes(config.files, config.file_count);
        progress_begin(&progress, &o.stats);
        g = run(&w, &o, &config, args.operand[0], &e);
        progress.records_out = w.results.emitted;
        progress.bytes_out = w.results.bytes;
        progress.late = w.late.count;
        progress.state_bytes = w.budget.most;
        progress_end(&progress);
        if (g == 0) tell_unseen(&w);
    }
    release(&w);
    option_end(&tool, &o, &args);
    return stage_exit(g, &e);
}
