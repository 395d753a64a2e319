/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Result records: the window's times and the group, which are put together as text, and what the program makes of the
 * finished aggregates, which is joined to them. Key, time and order are those of leat-window(1), RESULTS.
 */
#include "window.h"

#include <stdlib.h>

#include "base/timefmt.h"

const char *const result_names[3] = {"emit", "window_start", "window_end"};

/* Members of the part that is fixed have a comma behind them until it is complete. */
static const char *const emit_words[] = {"", "\"emit\":\"early\",", "\"emit\":\"change\",", "\"emit\":\"correction\","};

/* The name of a group as it stands in results. */
static int make_label(struct results *k, const char *name, struct buf *label) {
    int g = value_write(expr_heap(k->run), value_text(name, strlen(name)), label);
    return g == 0 ? buf_putc(label, ':') : g;
}

int results_init(struct results *k, const struct program *p, struct err *e) {
    k->head_of = (struct span){1, 0};
    k->labels = calloc(p->group_count + 1, sizeof *k->labels);
    if (!k->labels) return err_nomem(e);
    int g = expr_run_new(p->results, &k->run, e);
    for (k->label_count = 0; g == 0 && k->label_count < p->group_count; k->label_count++)
        if (make_label(k, p->groups[k->label_count].name, &k->labels[k->label_count]) < 0) g = err_nomem(e);
    return g;
}

void results_release(struct results *k) {
    for (size_t i = 0; i < k->label_count; i++) buf_release(&k->labels[i]);
    free(k->labels);
    expr_run_free(k->run);
    buf_release(&k->fixed);
    buf_release(&k->value);
    buf_release(&k->key);
    buf_release(&k->head);
}

/* The times of the window, if it has any, which all of its groups share. */
static int write_head(struct window *w, const struct span *span, enum emit_kind kind) {
    struct results *k = &w->results;
    char start[TIME_TEXT_MAX], end[TIME_TEXT_MAX];
    if (k->head_of.start == span->start && k->head_of.end == span->end && k->head_kind == kind) return 0;
    time_format_rfc3339(span->start, start);
    time_format_rfc3339(span->end, end);
    buf_clear(&k->head);
    if (buf_putc(&k->head, '{') < 0) return G_NOMEM;
    if (!window_is_all(w) && buf_printf(&k->head, "\"window_start\":\"%s\",\"window_end\":\"%s\",", start, end) < 0)
        return G_NOMEM;
    if (buf_puts(&k->head, emit_words[kind]) < 0) return G_NOMEM;
    k->head_of = *span;
    k->head_kind = kind;
    return 0;
}

/* The group's fields behind the times, out of its identity: `"DE",404`. */
static int write_group(struct window *w, const char *key, size_t key_size) {
    struct results *k = &w->results;
    const struct program *p = &w->program;
    struct value_iter it;
    struct value name, v;
    if (p->group_count == 0) return 0;
    if (p->group_count == 1) {
        int g = buf_append(&k->fixed, k->labels[0].data, k->labels[0].len);
        if (g == 0) g = buf_append(&k->fixed, key, key_size);
        return g == 0 ? buf_putc(&k->fixed, ',') : g;
    }
    buf_clear(&k->key);
    if (buf_putc(&k->key, '[') < 0 || buf_append(&k->key, key, key_size) < 0 || buf_putc(&k->key, ']') < 0)
        return G_NOMEM;
    value_iter_init(&it, value_raw(k->key.data, k->key.len));
    for (size_t i = 0; i < p->group_count; i++) {
        int g = value_iter_next(expr_heap(k->run), &it, &name, &v);
        if (g <= 0) return g < 0 ? g : G_BUG;
        if (buf_append(&k->fixed, k->labels[i].data, k->labels[i].len) < 0) return G_NOMEM;
        g = value_write(expr_heap(k->run), v, &k->fixed);
        if (g < 0 || (g = buf_putc(&k->fixed, ',')) < 0) return g;
    }
    return 0;
}

static int write_fixed(struct window *w, const struct span *span, const char *key, size_t key_size,
                       enum emit_kind kind) {
    struct results *k = &w->results;
    int g = write_head(w, span, kind);
    buf_clear(&k->fixed);
    if (g == 0) g = buf_append(&k->fixed, k->head.data, k->head.len);
    if (g == 0) g = write_group(w, key, key_size);
    if (g == 0 && k->fixed.len > 1) k->fixed.len--; /* the last comma */
    return g == 0 ? buf_putc(&k->fixed, '}') : g;
}

/* ---- what the program makes of it ---- */

struct taker {
    struct results *results;
    unsigned seen;
    struct err *e;
};

static int take(void *ctx, struct expr_run *run, struct value v) {
    struct taker *t = ctx;
    if (t->seen++) return err_set(t->e, G_DATA, "the aggregates of a window give more than one result");
    return expr_value_write(run, v, &t->results->value, t->e);
}

static int set_aggregates(struct window *w, const struct span *span, const char *value, struct err *e) {
    const struct program *p = &w->program;
    const struct aggregate_window times = {span->start, span->end};
    for (size_t i = 0; i < p->aggregates->n; i++) {
        struct value v;
        int g = aggregate_result(&p->calls[i], value + p->calls[i].offset, &times, expr_heap(w->results.run), &v);
        if (g < 0) return err_set(e, g, "the result of an aggregate is too large");
        expr_set_variable(w->results.run, i, v);
    }
    return 0;
}

/* Names that were not known before could be those that the result has already. */
static int check_keys(struct window *w, struct err *e) {
    struct results *k = &w->results;
    const struct program *p = &w->program;
    struct value made = value_raw(k->value.data, k->value.len), ignored;
    struct heap *h = expr_heap(k->run);
    for (size_t i = 0; i < p->name_count; i++)
        if (value_has_member(h, made, result_names[i], strlen(result_names[i]), &ignored))
            return err_set(e, G_DATA, "the aggregates cannot have '%s', as results have that already", result_names[i]);
    for (size_t i = 0; i < p->group_count; i++)
        if (value_has_member(h, made, p->groups[i].name, strlen(p->groups[i].name), &ignored))
            return err_set(e, G_DATA, "the aggregates cannot have '%s', as it is a group", p->groups[i].name);
    return 0;
}

/* 1: k->value has the object; 0: the program gave nothing for this group. */
static int run_program(struct window *w, struct err *e) {
    struct results *k = &w->results;
    const struct expr *x = w->program.aggregates->result;
    struct taker t = {k, 0, e};
    buf_clear(&k->value);
    int g = expr_write_only(k->run, x, &k->value, e);
    if (g == 0) {
        g = expr_each(k->run, x, take, &t, e);
        if (g < 0 || t.seen == 0) return g;
    }
    if (g < 0) return g;
    if (k->value.len < 2 || k->value.data[0] != '{')
        return err_set(e, G_DATA, "the aggregates of a window give %.*s, and not an object",
                       k->value.len > 60 ? 60 : (int)k->value.len, k->value.data);
    if (w->program.aggregates->keys_known) return 1;
    g = check_keys(w, e);
    return g < 0 ? g : 1;
}

/* The two objects as one. */
static int join(struct results *k) {
    if (k->value.len == 2) return 0;                       /* {} */
    if (--k->fixed.len > 1) buf_putc_fast(&k->fixed, ','); /* where its } was */
    return buf_append(&k->fixed, k->value.data + 1, k->value.len - 1);
}

/* The key of the record: the bytes of the one group, or all of them as an array. */
static int set_key(struct window *w, const char *key, size_t key_size, struct record *r) {
    struct results *k = &w->results;
    if (w->program.group_count == 0) return 0;
    if (w->program.group_count > 1) {
        r->has_key = true;
        r->key = k->key.data;
        r->key_size = k->key.len;
        return 0;
    }
    struct value v = value_raw(key, key_size);
    r->has_key = v.kind != VK_NULL;
    r->key = key;
    r->key_size = r->has_key ? key_size : 0;
    return v.kind == VK_STRING ? value_string(expr_heap(k->run), v, &r->key, &r->key_size) : 0;
}

static void count_result(struct results *k, const struct record *r, enum emit_kind kind) {
    k->emitted++;
    k->bytes += r->value_size;
    k->early += kind == EMIT_EARLY;
    k->changes += kind == EMIT_CHANGE;
    k->corrections += kind == EMIT_CORRECTION;
}

/* A result that cannot be made, such as a division by zero, goes the way of bad records, under the window's name and
 * with its times and group. The records in it are not to blame. */
static int refuse(const struct window *w, struct stage *s, const struct span *span, const struct record *fixed,
                  struct err *e) {
    char start[TIME_TEXT_MAX], where[TIME_TEXT_MAX + 80];
    time_format_rfc3339(span->start, start);
    if (window_is_all(w)) (void)snprintf(start, sizeof start, "all");
    size_t n = fixed->key_size > 60 ? 60 : fixed->key_size;
    (void)snprintf(where, sizeof where, "%s%s%.*s", start, n ? " " : "", (int)n, n ? fixed->key : "");
    int g = stage_refuse(s, fixed, "window", where, e);
    if (g == G_DATA) s->failed = true;
    return g;
}

static int make_result(struct window *w, struct stage *s, const struct span *span, const void *value, struct record *r,
                       struct err *e) {
    struct results *k = &w->results;
    int g = set_aggregates(w, span, value, e);
    if (g == 0) g = run_program(w, e);
    if (g <= 0) return g;
    if (join(k) < 0) return err_nomem(e);
    r->value = k->fixed.data;
    r->value_size = k->fixed.len;
    g = record_check(r, s->config->input.record_limit, e);
    return g < 0 ? g : 1;
}

int result_emit(struct window *w, struct stage *s, const struct span *span, const char *key, size_t key_size,
                const void *value, enum emit_kind kind, struct err *e) {
    struct results *k = &w->results;
    const bool all = window_is_all(w);
    if (all) span = &w->seen;
    struct record fixed = {.time = all ? span->end : span->end - 1, .value_type = VALUE_JSON}, r;
    const struct expr_input in = {.record = &fixed, .partition = -1};
    expr_begin(k->run, &in);
    int g = write_fixed(w, span, key, key_size, kind);
    if (g == 0) g = set_key(w, key, key_size, &fixed);
    if (g < 0) return g == G_BUG ? err_set(e, g, "a group is not what it was") : err_nomem(e);
    fixed.value = k->fixed.data;
    fixed.value_size = k->fixed.len;
    r = fixed;
    g = make_result(w, s, span, value, &r, e);
    if (g == G_DATA) {
        fixed.value = k->fixed.data;
        k->fixed.data[fixed.value_size - 1] = '}'; /* as it was before join() */
        return refuse(w, s, span, &fixed, e);
    }
    if (g <= 0) return g;
    count_result(k, &r, kind);
    return stage_emit_derived(s, &r, e);
}
