/* SPDX-License-Identifier: Apache-2.0 */
/*
 * leat map: new records out of each. Here is what it is asked for; results.c and emit.c make the records, the stage
 * reads and writes.
 */
#include <stdlib.h>

#include "map.h"

#include "cli/exit.h"
#include "cli/expr_hints.h"
#include "cli/expr_options.h"
#include "cli/letters.h"
#include "cli/stage_options.h"
#include "sys/signals.h"

struct options {
    const char *key;
    struct option_list headers;
    bool keep;
    const char *flatten;
    struct expr_options expr;
    struct input_options input;
    struct output_options output;
    struct error_options errors;
    struct log_options log;
    struct stats_options stats;
};

static const struct option_spec option_table[] = {
    {.letter = 'k',
     .name = "key",
     .kind = OPTION_STRING,
     .arg = "EXPR",
     .section = "Records",
     .help = "take the key from the input record by this expression, such as .user.id",
     .offset = offsetof(struct options, key)},
    {.letter = 'H',
     .name = "header",
     .kind = OPTION_LIST,
     .arg = "NAME=EXPR",
     .help = "set a header from the input record by this expression (repeatable)",
     .offset = offsetof(struct options, headers)},
    {.name = "keep",
     .kind = OPTION_FLAG,
     .help = "set the fields of the result in the input record, instead of replacing it",
     .offset = offsetof(struct options, keep)},
    {.name = "flatten",
     .kind = OPTION_STRING,
     .arg = "SEP",
     .bare = ".",
     .help = "make nested objects and arrays one level; names are joined by SEP, a dot if none is given",
     .offset = offsetof(struct options, flatten)},
    OPTION_TABLE(expr_options, offsetof(struct options, expr)),
    OPTION_TABLE(input_options, offsetof(struct options, input)),
    OPTION_TABLE(output_options, offsetof(struct options, output)),
    OPTION_TABLE(error_options, offsetof(struct options, errors)),
    OPTION_TABLE(log_options, offsetof(struct options, log)),
    OPTION_TABLE(stats_options, offsetof(struct options, stats)),
    OPTION_END,
};

static const struct tool_spec tool = {
    .name = "map",
    .summary = "make new records out of each by an expression",
    .operands = "EXPR [FILE...]",
    .complete = "expression file",
    .operands_min = 1,
    .operands_max = OPERANDS_ANY,
    .options = option_table,
    .description = "Evaluates EXPR for each record of the files, or of standard input, and writes a record for each "
                   "result: none, one or many. They have the key, time and headers of their input record.",
    .examples = "  leat map '{user, page: .url, ms: (.latency_ms | floor)}' clicks.json -j\n"
                "  leat map --keep '{slow: (.latency_ms > 100)}' --flatten clicks.json -j",
};

static int add_headers(struct map *m, const struct option_list *list, struct expr_set *set, struct err *e) {
    m->headers = calloc(list->count + 1, sizeof *m->headers);
    if (!m->headers) return err_nomem(e);
    for (size_t i = 0; i < list->count; i++) {
        const char *item = list->item[i], *eq = strchr(item, '=');
        struct header_field *f = &m->headers[m->header_count];
        if (!eq || eq == item) return err_set(e, G_USAGE, "header '%s' is not NAME=EXPR", item);
        *f = (struct header_field){.name = item, .name_size = (size_t)(eq - item)};
        if (f->name_size > UINT16_MAX) return err_set(e, G_USAGE, "the name of a header is too long");
        int g = key_field_init(&f->field, set, "--header", eq + 1, e);
        if (g < 0) return g;
        m->header_count++;
    }
    return 0;
}

static int prepare(struct map *m, const struct options *o, const char *program, struct expr_set *set,
                   struct stage_config *c, struct err *e) {
    int g = input_config(&o->input, &c->input, e);
    if (g == 0) g = output_config(&o->output, &c->output, e);
    if (g == 0) g = expr_add(set, "expression", program, &m->expr, e);
    if (g == 0) g = key_field_init(&m->key, set, "--key", o->key, e);
    if (g == 0) g = time_field_init(&m->time, set, o->input.time, o->input.time_format, o->input.tz, e);
    if (g == 0) g = add_headers(m, &o->headers, set, e);
    if (g == 0) g = hint_watch(set, NULL, e);
    if (g == 0) g = expr_run_new(set, &m->makers[0].run, e);
    if (g == 0) hint_assignment("expression", program);
    m->set = set;
    m->record_limit = c->input.record_limit;
    m->keeps = o->keep;
    m->separator = o->flatten;
    error_config(&o->errors, c);
    return g;
}

static int explain(const struct map *m, struct err *e) {
    struct expr_part *parts = calloc(m->header_count + 3, sizeof *parts);
    if (!parts) return err_nomem(e);
    size_t n = 0;
    parts[n++] = (struct expr_part){NULL, m->expr};
    parts[n++] = (struct expr_part){"--key", m->key.expr};
    parts[n++] = (struct expr_part){"--time", m->time.expr};
    for (size_t i = 0; i < m->header_count; i++) parts[n++] = (struct expr_part){"--header", m->headers[i].field.expr};
    int g = expr_explain_all(parts, n, e);
    free(parts);
    return g;
}

static void tell_unseen(const struct map *m) {
    struct expr_run *runs[CREW_THREADS_MAX];
    for (size_t i = 0; i < CREW_THREADS_MAX; i++) runs[i] = m->makers[i].run;
    hint_unseen(m->set, runs, CREW_THREADS_MAX, false);
}

static int run(struct map *m, const struct options *o, struct stage_config *c, struct err *e) {
    static const struct stage_ops ops = {.record = map_record, .block = map_block, .look = map_look};
    struct log log = LOG_CLOSED;
    struct stage stage;
    int g = letters_open(c, &log, &o->errors, &o->log, e);
    if (g == 0) {
        stage_sandbox(c, log.path);
        g = stage_run(&stage, c, &ops, m, e);
    }
    return letters_close(c, &log, g, e);
}

int main(int argc, char **argv) {
    struct options o = {0};
    struct arguments args;
    int code = option_begin(&tool, argc, argv, &o, &args);
    if (code >= 0) return code;
    struct progress progress = {0};
    struct map m = {0};
    struct stage_config config = {0};
    struct err e = {0};
    signals_init(true);
    stage_config_common(&config, tool.name, argc, argv, &args, &progress);
    config.files++; /* the first operand is the expression */
    config.file_count--;
    struct expr_set *set = expr_set_new(expr_engine_of(&o.expr));
    int g = set ? prepare(&m, &o, args.operand[0], set, &config, &e) : err_nomem(&e);
    if (g == 0 && o.expr.explain) {
        g = explain(&m, &e);
    } else if (g == 0) {
        progress.end_bytes = input_bytes(config.files, config.file_count);
        progress_begin(&progress, &o.stats);
        g = run(&m, &o, &config, &e);
        progress.records_out = m.records_out;
        progress.bytes_out = m.bytes_out;
        progress_end(&progress);
        if (g == 0) tell_unseen(&m);
    }
    time_field_release(&m.time);
    map_release(&m);
    expr_set_free(set);
    option_end(&tool, &o, &args);
    return stage_exit(g, &e);
}
