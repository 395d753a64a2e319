/* SPDX-License-Identifier: Apache-2.0 */
/*
 * leat merge: several streams into one in the order of event time. Feeds and the stage read, state/order.h has the
 * order.
 */
#include "merge.h"

#include <inttypes.h>
#include <stdlib.h>

#include "cli/diag.h"
#include "cli/exit.h"
#include "cli/letters.h"
#include "cli/stage_options.h"
#include "sys/signals.h"

struct options {
    bool any, bounded;
    int64_t out_of_order_ns, idle_timeout_ns; /* below 0: not given */
    uint64_t max_state_bytes, spill_limit_bytes;
    struct input_options input;
    struct output_options output;
    struct error_options errors;
    struct log_options log;
    struct stats_options stats;
};

static const struct option_spec option_table[] = {
    OPTION_OUT_OF_ORDER(offsetof(struct options, out_of_order_ns), "Order",
                        "of an input can be behind its latest one: they wait so long"),
    OPTION_IDLE_TIMEOUT(offsetof(struct options, idle_timeout_ns), "an input", "the others"),
    {.name = "any",
     .kind = OPTION_FLAG,
     .help = "no order: whatever comes first",
     .offset = offsetof(struct options, any)},
    OPTION_EXIT(offsetof(struct options, bounded), "Inputs"),
    OPTION_MAX_STATE(offsetof(struct options, max_state_bytes), "records that wait for their turn"),
    OPTION_SPILL_LIMIT(offsetof(struct options, spill_limit_bytes), "what comes while another input is waited for"),
    OPTION_TABLE(input_options, offsetof(struct options, input)),
    OPTION_TABLE(output_options, offsetof(struct options, output)),
    OPTION_TABLE(error_options, offsetof(struct options, errors)),
    OPTION_TABLE(log_options, offsetof(struct options, log)),
    OPTION_TABLE(stats_options, offsetof(struct options, stats)),
    OPTION_END,
};

static const struct tool_spec tool = {
    .name = "merge",
    .summary = "merge streams into one in the order of event time",
    .operands = "INPUT...",
    .complete = "file",
    .operands_min = 1,
    .operands_max = OPERANDS_ANY,
    .options = option_table,
    .description = "Reads files, FIFOs, topics and, as '-', standard input at the same time, and writes their records "
                   "as one stream in the order of event time.",
    .examples = "  leat merge clicks orders -e | leat window --tumble 1m '{n: count}'\n"
                "  leat merge --time .t monday.json tuesday.json -j",
};

/* The time of a text record, in the thread of its feed. */
static int set_time(void *ctx, size_t feed, enum in_format format, struct record *r, size_t slack, struct err *e) {
    const struct merge *m = ctx;
    if (!m->time.used) return m->any ? 0 : in_format_need_time(format, e);
    const struct expr_input in = {.record = r, .slack = slack, .partition = -1};
    expr_begin(m->run[feed], &in);
    return time_field_get(&m->time, m->run[feed], &r->time, e);
}

static int prepare_times(struct merge *m, const struct options *o, struct expr_set *set, struct err *e) {
    int g = time_field_init(&m->time, set, o->input.time, o->input.time_format, o->input.tz, e);
    if (g == 0 && !(m->run = calloc(m->count, sizeof(struct expr_run *)))) g = err_nomem(e);
    for (size_t i = 0; g == 0 && m->time.used && i < m->count; i++) g = expr_run_new(set, &m->run[i], e);
    return g;
}

/* ---- in order ---- */

int merge_emit(struct merge *m, struct stage *s, const struct record *r, struct err *e) {
    m->emitted++;
    m->bytes += r->value_size;
    return stage_emit(s, r, e);
}

static int take(void *ctx, struct stage *s, const struct record *r, struct err *e) {
    return merge_emit(ctx, s, r, e);
}

/* It is earlier than what was written: whoever promised otherwise is named. */
static int take_behind(void *ctx, struct stage *s, const struct record *r, struct err *e) {
    struct merge *m = ctx;
    if (++m->violations <= 3)
        diag_warn("record '%s' is earlier than what was written before it", stage_where(s, r));
    else if (m->violations == 4)
        diag_warn("more records out of order are only counted");
    return merge_emit(m, s, r, e);
}

static void merge_want(void *ctx, struct stage *s, struct feed_set *ret) {
    (void)s;
    order_want(&((struct merge *)ctx)->order, ret);
}

static int merge_feed(void *ctx, struct stage *s, size_t which, struct feed_item **item, struct err *e) {
    return order_feed(&((struct merge *)ctx)->order, s, which, item, e);
}

static int merge_control(void *ctx, struct stage *s, const struct block *b, struct err *e) {
    return order_control(&((struct merge *)ctx)->order, s, b, e);
}

static int merge_idle(void *ctx, struct stage *s, struct err *e) {
    return order_idle(&((struct merge *)ctx)->order, s, e);
}

/* ---- options ---- */

static int prepare_order(struct merge *m, const struct options *o, struct err *e) {
    m->any = o->any;
    if (o->any && (o->idle_timeout_ns >= 0 || o->out_of_order_ns >= 0))
        return err_set(e, G_USAGE, "--any has no order: %s means nothing there",
                       o->idle_timeout_ns >= 0 ? "--idle-timeout" : "--out-of-order");
    budget_set_limit(&m->budget, o->max_state_bytes);
    int g = order_init(&m->order, m->count, o->out_of_order_ns, o->idle_timeout_ns, &m->budget, e);
    m->order.take = take;
    m->order.behind = take_behind;
    m->order.ctx = m;
    return g;
}

static int prepare(struct merge *m, const struct options *o, struct expr_set *set, struct stage_config *c,
                   struct err *e) {
    m->count = c->file_count;
    int g = input_config(&o->input, &c->input, e);
    if (g == 0) g = output_config(&o->output, &c->output, e);
    if (g == 0) g = prepare_order(m, o, e);
    if (g == 0) g = prepare_times(m, o, set, e);
    error_config(&o->errors, c);
    c->feeds_begin_together = !m->any && o->idle_timeout_ns < 0;
    return g;
}

static void release(struct merge *m) {
    for (size_t i = 0; m->run && i < m->count; i++) expr_run_free(m->run[i]);
    free(m->run);
    time_field_release(&m->time);
    order_release(&m->order);
}

static int run_stage(struct merge *m, struct stage_config *c, const struct log *log, struct err *e) {
    static const struct stage_ops in_order = {
        .want = merge_want, .feed = merge_feed, .control = merge_control, .idle = merge_idle};
    static const struct stage_ops as_they_come = {.want = any_want, .feed = any_feed, .control = any_control};
    struct stage stage;
    c->output.own_thread = true;
    stage_sandbox(c, log->path);
    int g = stage_run(&stage, c, m->any ? &as_they_come : &in_order, m, e);
    if (m->violations > 3)
        diag_warn("%" PRIu64 " records are earlier than what was written before them (--out-of-order waits for them)",
                  m->violations);
    uint64_t spilled = feeds_spilled(c->feeds);
    if (spilled) diag_info("at most %" PRIu64 " bytes were in temporary files", spilled);
    return g;
}

static int run(struct merge *m, const struct options *o, struct stage_config *c, struct err *e) {
    struct log log = LOG_CLOSED;
    const struct feeds_config feeds = {.names = c->files,
                                       .count = c->file_count,
                                       .input = c->input,
                                       .bounded = o->bounded,
                                       .log_dir = o->log.dir,
                                       .force_fs = o->log.force_fs,
                                       .spill_limit = o->spill_limit_bytes,
                                       .record = set_time,
                                       .ctx = m};
    int g = letters_open(c, &log, &o->errors, &o->log, e);
    if (g == 0) g = feeds_open(&c->feeds, &feeds, e);
    if (g == 0) g = run_stage(m, c, &log, e);
    feeds_close(c->feeds);
    c->feeds = NULL;
    return letters_close(c, &log, g, e);
}

int main(int argc, char **argv) {
    struct options o = {.out_of_order_ns = -1, .idle_timeout_ns = -1, .spill_limit_bytes = SPILL_LIMIT_DEFAULT};
    struct arguments args;
    int code = option_begin(&tool, argc, argv, &o, &args);
    if (code >= 0) return code;
    struct progress progress = {0};
    struct merge m = {0};
    struct stage_config config = {0};
    struct err e = {0};
    signals_init(true);
    stage_config_common(&config, tool.name, argc, argv, &args, &progress);
    struct expr_set *set = expr_set_new(EXPR_AUTO);
    int g = set ? prepare(&m, &o, set, &config, &e) : err_nomem(&e);
    if (g == 0) {
        progress.end_bytes = input_bytes(config.files, config.file_count);
        progress_begin(&progress, &o.stats);
        g = run(&m, &o, &config, &e);
        progress.records_out = m.emitted;
        progress.bytes_out = m.bytes;
        progress.late = m.violations;
        progress.state_bytes = m.budget.most;
        progress_end(&progress);
    }
    release(&m);
    expr_set_free(set);
    option_end(&tool, &o, &args);
    return stage_exit(g, &e);
}
