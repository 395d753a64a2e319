/* SPDX-License-Identifier: Apache-2.0 */
/* The lookup form, from its options to its end: `leat join --table`. See join.h. */
#include <stdlib.h>

#include "join.h"
#include "options.h"

#include "base/random.h"
#include "cli/diag.h"
#include "cli/expr_hints.h"
#include "cli/letters.h"
#include "cli/stage_options.h"
#include "log/dest.h"

/* How the table is read: as the stream is, but for its format, which is its own. */
static void prepare_loader(struct join *j, const struct source *source, const struct options *o,
                           const struct stage_config *c) {
    struct loader *l = &j->loader;
    l->source = source;
    l->shape = &j->shape;
    l->reading =
        (struct stage_config){.tool = c->tool,
                              .input = c->input,
                              .no_output = true,
                              .distrust_blocks = true, /* rows become parts of values that say they are valid */
                              .notice = c->notice,
                              .hook_ctx = c->hook_ctx};
    l->reading.input.format = IN_DETECT;
    l->reading.input.delimiter = '\0';
    l->reading.input.json_depth = o->as ? 1023 : 1024; /* of what leat-json(7) allows, one is for the record */
    l->reading.skip_bad = c->skip_bad;
}

static int prepare(struct join *j, const struct options *o, const struct source *source, struct stage_config *c,
                   struct err *e) {
    const char *on_table = o->on_table ? o->on_table : source->kind == SOURCE_TOPIC ? "$key" : o->on;
    struct expr *key = NULL;
    int g = expr_add(j->sets[0], "--on", o->on, &j->on, e);
    if (g == 0) g = expr_add(j->sets[1], "--on-table", on_table, &key, e);
    if (g == 0) g = time_field_init(&j->time, j->sets[0], o->input.time, o->input.time_format, o->input.tz, e);
    if (g == 0) g = hint_watch(j->sets[0], NULL, e);
    if (g == 0) g = expr_run_new(j->sets[0], &j->pairers[0].run, e);
    if (g == 0) g = random_bytes(&j->hash_key, sizeof j->hash_key, e);
    prepare_loader(j, source, o, c);
    j->loader.set = j->sets[1];
    j->loader.key = key;
    j->reload_ns = o->reload_ns;
    return g;
}

static int explain(const struct join *j, struct err *e) {
    const struct expr_part parts[] = {{"--on", j->on}, {"--on-table", j->loader.key}, {"--time", j->time.expr}};
    return expr_explain_all(parts, sizeof parts / sizeof *parts, e);
}

/* ---- the run ---- */

/* Nothing found anything: why that may be. */
static void tell_none(const struct join *j, bool ended_well) {
    struct expr_run *runs[CREW_THREADS_MAX];
    unsigned kinds = 0;
    for (size_t i = 0; i < CREW_THREADS_MAX; i++) {
        kinds |= j->pairers[i].kinds;
        runs[i] = j->pairers[i].run;
        if (j->pairers[i].matched) return;
    }
    if (!kinds && ended_well)
        hint_unseen(j->sets[0], runs, CREW_THREADS_MAX, false);
    else if (kinds && j->now->rows == 0 && j->now->without_key)
        diag_warn("no record has a partner: no row of table '%s' has a key (--on-table says where rows have theirs)",
                  j->loader.source->name);
    else
        key_tell_kinds(kinds, j->now->kinds, "the table");
}

/* A file that is replaced is another one in the same folder. SQLite keeps files of its own beside its database. */
static int keep_reachable(struct stage_config *c, const struct source *s, char **ret_folder, struct err *e) {
    if (s->kind == SOURCE_FILE) c->reread = s->file;
    if (s->kind != SOURCE_SQLITE) return 0;
    const char *slash = strrchr(s->file, '/');
    *ret_folder = !slash ? strdup(".") : strndup(s->file, slash == s->file ? 1 : (size_t)(slash - s->file));
    if (!*ret_folder) return err_nomem(e);
    c->state_dir = *ret_folder;
    return 0;
}

static int run_stage(struct join *j, struct stage_config *c, const struct log *log, const struct source *source,
                     struct err *e) {
    static const struct stage_ops ops = {
        .record = join_record, .block = join_block, .look = join_look, .idle = join_idle};
    struct stage stage;
    char *folder = NULL;
    reload_init();
    j->loader.reading.dead_letter = c->dead_letter;
    int g = reload_first(j, e);
    if (g == 0) g = keep_reachable(c, source, &folder, e);
    if (g == 0) {
        stage_sandbox(c, log->path);
        g = stage_run(&stage, c, &ops, j, e);
        tell_none(j, g == 0);
    }
    free(folder);
    return g;
}

static int run(struct join *j, const struct options *o, struct stage_config *c, struct source *source, struct err *e) {
    struct log log = LOG_CLOSED;
    bool writes = o->unmatched && !dest_is_file(o->unmatched);
    int g = writes || source->kind == SOURCE_TOPIC ? log_open(&log, o->log.dir, writes, o->log.force_fs, e) : 0;
    if (g == G_ABSENT) (void)err_prefix(e, "table '%s' is no file, and as a topic: ", source->name);
    source->log = &log;
    if (g == 0) g = letters_open(c, &log, &o->errors, &o->log, e);
    if (g == 0 && o->unmatched) g = dest_open(&j->unmatched, &log, o->unmatched, e);
    c->sinks = &j->unmatched;
    c->sink_count = j->unmatched ? 1 : 0;
    if (g == 0) g = run_stage(j, c, &log, source, e);
    g = sink_finish(j->unmatched, g, e);
    return letters_close(c, &log, g, e);
}

static int prepare_and_run(struct join *j, const struct options *o, struct source *source, struct stage_config *c,
                           struct err *e) {
    int g = prepare(j, o, source, c, e);
    if (g < 0) return g;
    if (o->expr.explain) return explain(j, e);
    j->progress->end_bytes = input_bytes(c->files, c->file_count);
    progress_begin(j->progress, &o->stats);
    g = run(j, o, c, source, e);
    j->progress->records_out = j->records_out;
    j->progress->bytes_out = j->bytes_out;
    j->progress->state_bytes = j->budget.most;
    progress_end(j->progress);
    return g;
}

int join_table(struct join *j, const struct options *o, struct stage_config *c, struct err *e) {
    struct source source = {0};
    pthread_rwlock_init(&j->lock, NULL);
    int g = source_init(&source, o->table, e);
    if (g == 0) g = prepare_and_run(j, o, &source, c, e);
    reload_release(j);
    time_field_release(&j->time);
    pthread_rwlock_destroy(&j->lock);
    source_release(&source);
    return g;
}
