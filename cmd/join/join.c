/* SPDX-License-Identifier: Apache-2.0 */
/*
 * leat join: records with the rows of a table, or with those of another stream, that have the same key. Here is what
 * both have in common; on_table.c and on_stream.c have the rest, options.c the words.
 */
#include "join.h"
#include "options.h"

#include "cli/stage_options.h"
#include "sys/signals.h"

static const struct tool_spec tool = {
    .name = "join",
    .summary = "join records with the rows of a table, or with those of another stream",
    .operands = "[INPUT...]",
    .complete = "file",
    .operands_max = OPERANDS_ANY,
    .options = join_options,
    .description = "Finds for each record of its input the records of a table (--table) or of another stream (--with) "
                   "that have the same key, and writes it with their fields.",
    .examples = "  leat join --table users.csv --on .user --on-table .id clicks.json -j\n"
                "  leat consume clicks -e | leat join --table users --on .user --left -j\n"
                "  leat join --with paid.json --on .order --after 1h --time .ts orders.json -j",
};

static int prepare(struct join *j, const struct options *o, struct stage_config *c, struct err *e) {
    for (int i = 0; i < 2; i++)
        if (!(j->sets[i] = expr_set_new(expr_engine_of(&o->expr)))) return err_nomem(e);
    int g = input_config(&o->input, &c->input, e);
    if (g == 0) g = output_config(&o->output, &c->output, e);
    error_config(&o->errors, c);
    j->shape = (struct row_shape){.many = o->many, .keys_only = o->anti, .nested = o->as, .prefix = o->prefix};
    j->left = o->left || o->outer;
    j->anti = o->anti;
    j->record_limit = c->input.record_limit;
    budget_set_limit(&j->budget, o->max_state_bytes);
    return g;
}

static void release(struct join *j) {
    for (size_t i = 0; i < CREW_THREADS_MAX; i++) {
        struct pairer *k = &j->pairers[i];
        expr_run_free(k->run);
        merger_release(&k->merger);
        buf_release(&k->keys);
        buf_release(&k->text);
        buf_release(&k->ends);
    }
    for (int i = 0; i < 2; i++) expr_set_free(j->sets[i]);
}

int main(int argc, char **argv) {
    struct options o = OPTIONS_PRESET;
    struct arguments args;
    int code = option_begin(&tool, argc, argv, &o, &args);
    if (code >= 0) return code;
    struct progress progress = {0};
    struct join j = {.progress = &progress};
    struct stage_config config = {0};
    struct err e = {0};
    signals_init(true);
    stage_config_common(&config, tool.name, argc, argv, &args, &progress);
    int g = options_check(&o, &e);
    if (g == 0) g = prepare(&j, &o, &config, &e);
    if (g == 0) g = o.table ? join_table(&j, &o, &config, &e) : join_stream(&j, &o, &config, &e);
    release(&j);
    option_end(&tool, &o, &args);
    return stage_exit(g, &e);
}
