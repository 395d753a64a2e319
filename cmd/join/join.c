/* SPDX-License-Identifier: Apache-2.0 */
/*
 * leat join: records with the rows of a table that have the same key. Here is what it is asked for; join.h says where
 * the work is done.
 */
#include <stdlib.h>

#include "join.h"

#include "base/random.h"
#include "cli/diag.h"
#include "cli/expr_options.h"
#include "cli/letters.h"
#include "cli/stage_options.h"
#include "log/dest.h"
#include "sys/memory.h"
#include "sys/signals.h"

struct options {
    const char *table, *on, *on_table;
    bool many, left, anti;
    const char *as, *prefix, *unmatched;
    int64_t reload_ns;
    uint64_t max_state_bytes;
    struct expr_options expr;
    struct input_options input;
    struct output_options output;
    struct error_options errors;
    struct log_options log;
    struct stats_options stats;
};

static const struct option_spec option_table[] = {
    {.name = "table",
     .kind = OPTION_STRING,
     .arg = "SOURCE",
     .help = "look records up in this file, topic, or 'sqlite:FILE?table=NAME'",
     .complete = "file",
     .section = "Table",
     .offset = offsetof(struct options, table)},
    {.name = "on",
     .kind = OPTION_STRING,
     .arg = "EXPR",
     .help = "the key of a record, such as .user; '[.a, .b]' for several",
     .man = "The key of a record, such as\n.Ql .user ;\n.Ql \\&[.a, .b]\nfor several.",
     .offset = offsetof(struct options, on)},
    {.name = "on-table",
     .kind = OPTION_STRING,
     .arg = "EXPR",
     .help = "the key of a row (default: that of --on; of a topic, $key)",
     .offset = offsetof(struct options, on_table)},
    {.name = "many",
     .kind = OPTION_FLAG,
     .help = "join with all rows of a key, in their order, instead of the last one",
     .offset = offsetof(struct options, many)},
    {.name = "reload",
     .kind = OPTION_DURATION,
     .arg = "D",
     .help = "look this often whether the table has changed, and load it again; SIGHUP does so at once",
     .offset = offsetof(struct options, reload_ns)},
    {.name = "max-state",
     .kind = OPTION_SIZE,
     .arg = "SIZE",
     .help = "most memory for tables (default: half of what there is)",
     .min = 65536,
     .max = UINT64_MAX,
     .offset = offsetof(struct options, max_state_bytes)},
    {.name = "left",
     .kind = OPTION_FLAG,
     .help = "write records without a partner, too, as they are",
     .section = "Results",
     .offset = offsetof(struct options, left)},
    {.name = "anti",
     .kind = OPTION_FLAG,
     .help = "write only the records without a partner, as they are",
     .offset = offsetof(struct options, anti)},
    {.name = "unmatched",
     .kind = OPTION_STRING,
     .arg = "DEST",
     .help = "send the records without a partner to this file, FIFO or topic",
     .complete = "file",
     .offset = offsetof(struct options, unmatched)},
    {.name = "as",
     .kind = OPTION_STRING,
     .arg = "NAME",
     .help = "put the whole row into this field, instead of its fields beside those of the record",
     .offset = offsetof(struct options, as)},
    {.name = "prefix",
     .kind = OPTION_STRING,
     .arg = "TEXT",
     .help = "put this before the names of the row's fields",
     .offset = offsetof(struct options, prefix)},
    OPTION_TABLE(expr_options, offsetof(struct options, expr)),
    OPTION_TABLE(input_options, offsetof(struct options, input)),
    OPTION_TABLE(output_options, offsetof(struct options, output)),
    OPTION_TABLE(error_options, offsetof(struct options, errors)),
    OPTION_TABLE(log_options, offsetof(struct options, log)),
    OPTION_TABLE(stats_options, offsetof(struct options, stats)),
    OPTION_END,
};

static const struct tool_spec tool = {
    .name = "join",
    .summary = "join records with the rows of a table",
    .operands = "[FILE...]",
    .complete = "file",
    .operands_max = OPERANDS_ANY,
    .options = option_table,
    .description = "Looks each record of the files, or of standard input, up in a table by its key, and writes it with "
                   "the fields of its row.",
    .examples = "  leat join --table users.csv --on .user --on-table .id clicks.json -j\n"
                "  leat consume clicks -e | leat join --table users --on .user --left -j",
};

/* ---- options ---- */

static int check_options(const struct options *o, struct err *e) {
    if (!o->table) return err_set(e, G_USAGE, "--table SOURCE is missing");
    if (!o->on) return err_set(e, G_USAGE, "--on EXPR is missing");
    if (o->left && o->anti) return err_set(e, G_USAGE, "--left and --anti exclude each other");
    if (o->as && o->prefix) return err_set(e, G_USAGE, "--as and --prefix exclude each other");
    const char *what = o->many ? "--many" : o->as ? "--as" : o->prefix ? "--prefix" : NULL;
    if (o->anti && what) return err_set(e, G_USAGE, "%s and --anti exclude each other: no row is in the results", what);
    if (o->unmatched && (o->left || o->anti))
        return err_set(e, G_USAGE, "--unmatched and %s exclude each other: those records are in the results",
                       o->left ? "--left" : "--anti");
    return 0;
}

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
    l->reading.input.json_depth = o->as ? 1023 : 1024; /* of what leat-json(7) allows, one is for the record */
    l->reading.skip_bad = c->skip_bad;
    j->shape = (struct row_shape){.many = o->many, .keys_only = o->anti, .nested = o->as, .prefix = o->prefix};
}

static int prepare(struct join *j, const struct options *o, const struct source *source, struct expr_set *stream,
                   struct expr_set *rows, struct stage_config *c, struct err *e) {
    const char *on_table = o->on_table ? o->on_table : source->kind == SOURCE_TOPIC ? "$key" : o->on;
    struct expr *key = NULL;
    int g = input_config(&o->input, &c->input, e);
    if (g == 0) g = output_config(&o->output, &c->output, e);
    if (g == 0) g = expr_add(stream, "--on", o->on, &j->on, e);
    if (g == 0) g = expr_add(rows, "--on-table", on_table, &key, e);
    if (g == 0) g = time_field_init(&j->time, stream, o->input.time, o->input.time_format, o->input.tz, e);
    if (g == 0) g = expr_run_new(stream, &j->pairers[0].run, e);
    if (g == 0) g = random_bytes(&j->hash_key, sizeof j->hash_key, e);
    error_config(&o->errors, c);
    prepare_loader(j, source, o, c);
    j->loader.set = rows;
    j->loader.key = key;
    j->set = stream;
    j->left = o->left;
    j->anti = o->anti;
    j->record_limit = c->input.record_limit;
    j->reload_ns = o->reload_ns;
    j->budget.limit = o->max_state_bytes ? o->max_state_bytes : (size_t)(memory_bytes() / 2);
    return g;
}

static int explain(const struct join *j, struct err *e) {
    const struct expr_part parts[] = {{"--on", j->on}, {"--on-table", j->loader.key}, {"--time", j->time.expr}};
    return expr_explain_all(parts, sizeof parts / sizeof *parts, e);
}

/* ---- the run ---- */

/* Keys that look alike to a person and are not equal are the usual reason for nothing at all. */
static void tell_kinds(const struct join *j) {
    const unsigned numbers = 1u << VK_NUMBER, strings = 1u << VK_STRING;
    unsigned kinds = 0;
    for (size_t i = 0; i < CREW_THREADS_MAX; i++) {
        kinds |= j->pairers[i].kinds;
        if (j->pairers[i].matched) return;
    }
    if (kinds == numbers && j->now->kinds == strings)
        diag_warn("no record has a partner: keys of the table are strings, those of the records are numbers; "
                  "'| tostring' behind the expression of --on makes strings of them");
    if (kinds == strings && j->now->kinds == numbers)
        diag_warn("no record has a partner: keys of the table are numbers, those of the records are strings; "
                  "'| tonumber' behind the expression of --on makes numbers of them");
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
        tell_kinds(j);
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

static void release(struct join *j) {
    reload_release(j);
    for (size_t i = 0; i < CREW_THREADS_MAX; i++) {
        struct pairer *k = &j->pairers[i];
        expr_run_free(k->run);
        merger_release(&k->merger);
        buf_release(&k->keys);
        buf_release(&k->text);
        buf_release(&k->ends);
    }
    time_field_release(&j->time);
    pthread_mutex_destroy(&j->lock);
}

int main(int argc, char **argv) {
    struct options o = {0};
    struct arguments args;
    int code = option_begin(&tool, argc, argv, &o, &args);
    if (code >= 0) return code;
    struct progress progress = {0};
    struct join j = {.lock = PTHREAD_MUTEX_INITIALIZER};
    struct source source = {0};
    struct stage_config config = {0};
    struct err e = {0};
    signals_init(true);
    stage_config_common(&config, tool.name, argc, argv, &args, &progress);
    struct expr_set *stream = expr_set_new(expr_engine_of(&o.expr)), *rows = expr_set_new(expr_engine_of(&o.expr));
    int g = check_options(&o, &e);
    if (g == 0 && (!stream || !rows)) g = err_nomem(&e);
    if (g == 0) g = source_init(&source, o.table, &e);
    if (g == 0) g = prepare(&j, &o, &source, stream, rows, &config, &e);
    if (g == 0 && o.expr.explain) {
        g = explain(&j, &e);
    } else if (g == 0) {
        progress.end_bytes = input_bytes(config.files, config.file_count);
        progress_begin(&progress, &o.stats);
        g = run(&j, &o, &config, &source, &e);
        progress.records_out = j.records_out;
        progress.bytes_out = j.bytes_out;
        progress_end(&progress);
    }
    release(&j);
    source_release(&source);
    expr_set_free(stream);
    expr_set_free(rows);
    option_end(&tool, &o, &args);
    return stage_exit(g, &e);
}
