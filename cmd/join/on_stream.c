/* SPDX-License-Identifier: Apache-2.0 */
/* The forms with two streams, from their options to their end: `leat join --with`. See sides.h. */
#include <inttypes.h>
#include <stdlib.h>

#include "options.h"
#include "sides.h"

#include "cli/diag.h"
#include "cli/expr_hints.h"
#include "cli/letters.h"
#include "cli/progress.h"
#include "cli/stage_options.h"
#include "log/dest.h"

/* ---- options ---- */

static int prepare_form(struct sides *k, const struct options *o, struct err *e) {
    k->before = o->within_ns >= 0 ? o->within_ns : o->before_ns > 0 ? o->before_ns : 0;
    k->after = o->within_ns >= 0 ? o->within_ns : o->after_ns > 0 ? o->after_ns : 0;
    k->tolerance = o->tolerance_ns >= 0 ? o->tolerance_ns : INT64_MAX;
    k->direction = o->direction.at ? (enum direction)(o->direction.at - 1) : BACKWARD;
    k->form = o->as_of ? &as_of_form : o->tumble_ns >= 0 ? &tumble_form : &interval_form;
    k->right = o->right || o->outer;
    return o->tumble_ns >= 0 ? spans_init(&k->spans, SPAN_TUMBLE, o->tumble_ns, 0, o->offset_ns, e) : 0;
}

/* Each side has a set of its own: the same words may be evaluated on both. */
static bool is_topic(const char *input) {
    return strcmp(input, "-") != 0 && !dest_is_file(input);
}

/* A topic that is joined as of a time is a table, whose rows have its keys. */
static const char *key_of_right(const struct options *o) {
    return o->on_right ? o->on_right : o->as_of && is_topic(o->with) ? "$key" : o->on;
}

static int prepare_expressions(struct sides *k, const struct options *o, struct err *e) {
    const char *on_right = key_of_right(o);
    const char *time_right = o->time_right ? o->time_right : o->input.time;
    struct expr_set **sets = k->j->sets;
    k->set[LEFT] = sets[0];
    k->set[RIGHT] = sets[1];
    int g = expr_add(sets[0], "--on", o->on, &k->on[LEFT], e);
    if (g == 0) g = expr_add(sets[1], o->on_right ? "--on-right" : "--on", on_right, &k->on[RIGHT], e);
    if (g == 0) g = time_field_init(&k->time[LEFT], sets[0], o->input.time, o->input.time_format, o->input.tz, e);
    if (g == 0) g = time_field_init(&k->time[RIGHT], sets[1], time_right, o->input.time_format, o->input.tz, e);
    for (int side = 0; g == 0 && side < 2; side++) g = hint_watch(sets[side], NULL, e);
    for (int side = 0; g == 0 && side < 2; side++) g = looker_init(&k->looker[side], k, side, e);
    if (g == 0 && !(k->lookers = calloc(k->inputs, sizeof *k->lookers))) g = err_nomem(e);
    for (size_t i = 0; g == 0 && i < k->inputs; i++) g = looker_init(&k->lookers[i], k, i == 0 ? RIGHT : LEFT, e);
    return g;
}

static int prepare_turns(struct sides *k, const struct options *o, struct err *e) {
    int g = turns_init(&k->turns, k->inputs, o->out_of_order_ns, o->idle_timeout_ns, e);
    k->turns.record = sides_record;
    k->turns.moved = sides_moved;
    k->turns.ctx = k;
    return g;
}

static int prepare(struct sides *k, const struct options *o, struct err *e) {
    k->mark[LEFT] = k->mark[RIGHT] = k->told = WATERMARK_NONE;
    k->drain = o->drain;
    int g = prepare_form(k, o, e);
    if (g == 0) g = prepare_expressions(k, o, e);
    if (g == 0) g = prepare_turns(k, o, e);
    for (int side = 0; g == 0 && side < 2; side++) g = shapes_init(&k->shapes[side], e);
    return g < 0 ? g : waiting_init(&k->room, k->form, k->inputs, &k->j->budget, e);
}

/* What decides the meaning of what waits. */
static int append_identity(const struct sides *k, const struct options *o, struct buf *out) {
    int g = buf_printf(out, "%zu inputs, ", k->inputs);
    if (g == 0 && k->form == &interval_form)
        g = buf_printf(out, "--before %" PRId64 "ns --after %" PRId64 "ns", k->before, k->after);
    if (g == 0 && k->form == &tumble_form)
        g = buf_printf(out, "--tumble %" PRId64 "ns --offset %" PRId64 "ns", o->tumble_ns, o->offset_ns);
    if (g == 0 && k->form == &as_of_form) {
        g = buf_printf(out, "--as-of --direction %s", o->direction.at ? o->direction.word : "backward");
        if (g == 0 && o->tolerance_ns >= 0) g = buf_printf(out, " --tolerance %" PRId64 "ns", o->tolerance_ns);
    }
    if (g == 0) g = buf_printf(out, " --on %s --on-right %s", o->on, key_of_right(o));
    return g == 0 && buf_cstr(out) ? 0 : G_NOMEM;
}

static int open_state(struct sides *k, const struct options *o, const struct stage_config *c, struct err *e) {
    struct buf identity = {0};
    for (size_t i = 0; i < c->file_count; i++)
        if (is_topic(c->files[i]))
            return err_set(e, G_USAGE,
                           "--state: topic '%s' would be read from its beginning again by the next run; read it by "
                           "'leat consume -G'",
                           c->files[i]);
    int g = append_identity(k, o, &identity) < 0 ? err_nomem(e) : 0;
    if (g == 0) g = sides_restore(k, o->state, identity.data, o->log.force_fs, e);
    buf_release(&identity);
    return g;
}

static int explain(const struct sides *k, struct err *e) {
    const struct expr_part parts[] = {{"--on", k->on[LEFT]},
                                      {"--on-right", k->on[RIGHT]},
                                      {"--time", k->time[LEFT].expr},
                                      {"--time-right", k->time[RIGHT].expr}};
    return expr_explain_all(parts, sizeof parts / sizeof *parts, e);
}

/* ---- the run ---- */

/* The right side is the first of the feeds. */
static int name_inputs(struct sides *k, const struct options *o, const struct stage_config *c, const char ***ret,
                       struct err *e) {
    static const char *const input[] = {"-"};
    const char *const *left = c->file_count ? c->files : input;
    size_t n = c->file_count ? c->file_count : 1;
    const char **names = malloc((n + 1) * sizeof *names);
    if (!names) return err_nomem(e);
    names[0] = o->with;
    memcpy(names + 1, left, n * sizeof *names);
    k->inputs = n + 1;
    *ret = names;
    return 0;
}

/* A key that no record of a side had. */
static void tell_unseen(const struct sides *k, enum side side) {
    struct expr_run **runs = calloc(k->inputs + 1, sizeof *runs);
    bool has_key = k->looker[side].has_key;
    if (!runs) return;
    runs[k->inputs] = k->looker[side].run;
    for (size_t i = 0; i < k->inputs; i++) {
        if (k->lookers[i].side != side) continue;
        runs[i] = k->lookers[i].run;
        has_key |= k->lookers[i].has_key;
    }
    if (!has_key) hint_unseen(k->set[side], runs, k->inputs + 1, false);
    free(runs);
}

static void tell(const struct sides *k, const struct stage_config *c) {
    if (!k->matched) key_tell_kinds(k->kinds[LEFT], k->kinds[RIGHT], "the right side");
    if (k->late && !k->late_to)
        diag_warn("%" PRIu64 " late record%s left out (--late keeps them, --out-of-order waits longer)", k->late,
                  k->late == 1 ? " was" : "s were");
    uint64_t spilled = feeds_spilled(c->feeds);
    if (spilled) diag_info("at most %" PRIu64 " bytes were in temporary files", spilled);
}

static int run_stage(struct sides *k, const struct options *o, struct stage_config *c, const struct log *log,
                     struct err *e) {
    static const struct stage_ops ops = {
        .want = sides_want, .feed = sides_feed, .control = sides_control, .idle = sides_idle, .end = sides_end};
    struct stage stage;
    c->state_dir = o->state;
    c->output.own_thread = true;
    c->feeds_begin_together = o->idle_timeout_ns < 0;
    stage_sandbox(c, log->path);
    int g = stage_run(&stage, c, &ops, k, e);
    tell(k, c);
    for (int side = 0; g == 0 && side < 2; side++) tell_unseen(k, side);
    return g;
}

static int open_places(struct sides *k, const struct options *o, const struct log *log, struct err *e) {
    int g = o->unmatched ? dest_open(&k->j->unmatched, log, o->unmatched, e) : 0;
    return g == 0 && o->late ? dest_open(&k->late_to, log, o->late, e) : g;
}

static int run(struct sides *k, const struct options *o, struct stage_config *c, struct err *e) {
    struct log log = LOG_CLOSED;
    const struct feeds_config feeds = {.names = c->files,
                                       .count = c->file_count,
                                       .input = c->input,
                                       .bounded = o->bounded,
                                       .log_dir = o->log.dir,
                                       .force_fs = o->log.force_fs,
                                       .spill_limit = o->spill_limit_bytes,
                                       .record = sides_text,
                                       .look = sides_look,
                                       .ctx = k};
    bool writes = (o->unmatched && !dest_is_file(o->unmatched)) || (o->late && !dest_is_file(o->late));
    struct sink *sinks[2];
    int g = writes ? log_open(&log, o->log.dir, true, o->log.force_fs, e) : 0;
    if (g == 0) g = letters_open(c, &log, &o->errors, &o->log, e);
    if (g == 0) g = open_places(k, o, &log, e);
    c->sinks = sinks;
    if (k->j->unmatched) sinks[c->sink_count++] = k->j->unmatched;
    if (k->late_to) sinks[c->sink_count++] = k->late_to;
    if (g == 0 && o->state) g = open_state(k, o, c, e);
    if (g == 0) g = feeds_open(&c->feeds, &feeds, e);
    if (g == 0) g = run_stage(k, o, c, &log, e);
    feeds_close(c->feeds);
    c->feeds = NULL;
    for (size_t i = 0; i < c->sink_count; i++) g = sink_finish(sinks[i], g, e);
    return letters_close(c, &log, g, e);
}

static int prepare_and_run(struct sides *k, const struct options *o, struct stage_config *c, struct err *e) {
    struct progress *p = k->j->progress;
    int g = prepare(k, o, e);
    if (g < 0) return g;
    if (o->expr.explain) return explain(k, e);
    p->end_bytes = input_bytes(c->files, c->file_count);
    progress_begin(p, &o->stats);
    g = run(k, o, c, e);
    p->records_out = k->j->records_out;
    p->bytes_out = k->j->bytes_out;
    p->late = k->late;
    p->state_bytes = k->j->budget.most;
    progress_end(p);
    return g;
}

int join_stream(struct join *j, const struct options *o, struct stage_config *c, struct err *e) {
    struct sides k = {.j = j};
    const char **names = NULL;
    int g = name_inputs(&k, o, c, &names, e);
    if (g == 0) {
        c->files = names;
        c->file_count = k.inputs;
        g = prepare_and_run(&k, o, c, e);
    }
    snapshot_close(k.state);
    waiting_release(&k.room);
    turns_release(&k.turns);
    for (size_t i = 0; k.lookers && i < k.inputs; i++) looker_release(&k.lookers[i]);
    free(k.lookers);
    for (int side = 0; side < 2; side++) {
        looker_release(&k.looker[side]);
        shapes_release(&k.shapes[side]);
        time_field_release(&k.time[side]);
    }
    buf_release(&k.note);
    buf_release(&k.row);
    buf_release(&k.text);
    buf_release(&k.more);
    free(names);
    return g;
}
