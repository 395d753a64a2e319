/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From a source to a table of rows by key. Files are read by a stage of their own, so that formats, bad records and the
 * truth about the end are what they are for the stream. See join.h.
 */
#include <stdlib.h>

#include "join.h"

int loader_row(struct loader *l, const struct record *r, struct err *e) {
    struct key_text key;
    buf_clear(&l->key_text);
    int g = key_find(l->run, l->key, r, &l->key_text, &key, e);
    if (g < 0) return g;
    if (g == 0) {
        l->to->without_key++;
        return 0;
    }
    if (key.at != SIZE_MAX) key.p = l->key_text.data;
    if (r->value_type == VALUE_NONE) {
        lookup_delete(l->to, key.p, key.n);
        return 0;
    }
    if (r->value_type != VALUE_JSON) return err_set(e, G_DATA, "row is not JSON");
    g = row_build(&l->merger, l->shape, r->value, r->value_size, &l->row, e);
    if (g < 0) return g;
    const struct row *row = (const struct row *)(const void *)l->row.data;
    return lookup_put(l->to, l->shape, key.p, key.n, key.kind, row) < 0 ? budget_error(l->budget, e) : 0;
}

int loader_bad(struct loader *l, const struct record *r, const char *where, uint64_t *bad, struct err *e) {
    struct stage s = {.config = &l->reading, .counts.bad = *bad};
    int g = stage_refuse(&s, r, "record", where, e);
    *bad = s.counts.bad;
    return g;
}

static int file_record(void *ctx, struct stage *s, const struct record *r, struct err *e) {
    struct loader *l = ctx;
    record_begin(l->run, s, r);
    return loader_row(l, r, e);
}

static int load_file(struct loader *l, struct err *e) {
    static const struct stage_ops ops = {.record = file_record};
    const char *const file = l->source->file;
    struct stage_config config = l->reading;
    struct stage stage;
    config.files = &file;
    config.file_count = 1;
    return stage_run(&stage, &config, &ops, l, e);
}

int loader_run(struct loader *l, struct lookup *to, struct state_budget *budget, struct err *e) {
    l->to = to;
    l->budget = budget;
    int g = l->run ? 0 : expr_run_new(l->set, &l->run, e);
    if (g == 0) {
        switch (l->source->kind) {
        case SOURCE_FILE: g = load_file(l, e); break;
        case SOURCE_TOPIC: g = load_topic(l, e); break;
        case SOURCE_SQLITE: g = load_sqlite(l, e); break;
        }
    }
    names_settle(&to->names);
    if (l->source->kind != SOURCE_TOPIC) loader_release(l);
    return g < 0 ? err_prefix(e, "table '%s': ", l->source->name) : 0;
}

void loader_release(struct loader *l) {
    expr_run_free(l->run);
    l->run = NULL;
    merger_release(&l->merger);
    buf_release(&l->key_text);
    buf_release(&l->row);
}
