/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Property: whatever the program with aggregates, or the groups, it is refused with words and a place, or taken apart
 * into programs that run: each call's text lies in the program, every result can be written and is JSON again, and what
 * a window's run writes at once is what it gives.
 */
#include <stdlib.h>
#include <string.h>

#include "expr/aggregates.h"
#include "expr/eval_impl.h"
#include "json/validate.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define REQUIRE(x)                                                                                                     \
    do {                                                                                                               \
        if (!(x)) abort();                                                                                             \
    } while (0)

static struct json_validator validator;
static bool has_now; /* two runs of the program need not give the same */
static const char *const fields[] = {"window_start", "user", NULL};

static const struct {
    const char *name;
    unsigned arguments;
    int constant;
} entries[] = {
    {"count", 0, -1}, {"count", 1, -1}, {"sum", 1, -1},     {"last", 1, -1},
    {"p99.9", 1, -1}, {"topk", 2, 0},   {"quantile", 2, 1},
};
#define ENTRIES (sizeof entries / sizeof *entries)

static bool find(const char *name, size_t n, unsigned arguments, int *ret_constant) {
    for (size_t i = 0; i < ENTRIES; i++) {
        if (entries[i].arguments != arguments || strlen(entries[i].name) != n || memcmp(entries[i].name, name, n) != 0)
            continue;
        *ret_constant = entries[i].constant;
        return true;
    }
    return false;
}

static const char *entry(size_t i) {
    return i < ENTRIES ? entries[i].name : NULL;
}

static const struct aggregate_names names = {find, entry};

struct seen {
    unsigned results;
    struct buf text;
};

static int check(void *ctx, struct expr_run *r, struct value v) {
    struct seen *s = ctx;
    struct err e;
    buf_clear(&s->text);
    if (expr_value_write(r, v, &s->text, &e) == 0)
        REQUIRE(json_validate(&validator, s->text.data, s->text.len, NULL) == 0);
    return ++s->results > 200 ? G_DATA : 0;
}

static void begin(struct expr_run *r, const char *json) {
    static struct record record;
    record = (struct record){.value = json, .value_size = strlen(json), .value_type = VALUE_JSON, .time = 1};
    struct expr_input in = {.record = &record, .topic = "t"};
    expr_begin(r, &in);
    r->steps = 0;
    r->steps_max = 20000;
}

static void run(struct expr_run *r, const struct expr *x) {
    struct seen seen = {0};
    struct err e = {0};
    int g = expr_each(r, x, check, &seen, &e);
    REQUIRE(g == 0 || seen.results > 200 || (g < 0 && e.text[0] != '\0'));
    struct buf text = {0};
    r->steps = 0;
    if (expr_write_only(r, x, &text, &e) == 1) {
        REQUIRE(json_validate(&validator, text.data, text.len, NULL) == 0);
        REQUIRE(g < 0 || has_now ||
                (seen.results == 1 && text.len == seen.text.len && memcmp(text.data, seen.text.data, text.len) == 0));
    }
    buf_release(&text);
    buf_release(&seen.text);
}

static void run_arguments(const struct expr_set *set, const struct aggregate_program *p, size_t program_size) {
    struct expr_run *r;
    struct err e;
    if (expr_run_new(set, &r, &e) < 0) return;
    r->heap.limit = (size_t)8 << 20;
    for (size_t i = 0; i < p->n; i++) {
        const struct aggregate_call *call = &p->calls[i];
        REQUIRE(call->at + call->text_size <= program_size);
        REQUIRE(call->text_size >= call->name_size && memcmp(call->text, call->name, call->name_size) == 0);
        begin(r, "{\"a\":{\"b\":[1,2,{\"c\":null}]},\"user\":\"u\",\"n\":-2.5}");
        if (call->argument) run(r, call->argument);
    }
    expr_run_free(r);
}

static void run_result(const struct expr_set *set, const struct aggregate_program *p) {
    const struct value values[] = {value_int(7), value_double(0.5), value_text("x", 1), value_null(), value_object()};
    struct expr_run *r;
    struct err e;
    struct buf plan = {0};
    REQUIRE(expr_explain(p->result, &plan) == 0);
    buf_release(&plan);
    if (expr_run_new(set, &r, &e) < 0) return;
    r->heap.limit = (size_t)8 << 20;
    for (size_t turn = 0; turn < 2; turn++) {
        begin(r, p->reads_window ? "{\"window_start\":\"2024-02-03T04:05:06.5Z\",\"user\":\"u\"}" : "");
        for (size_t i = 0; i < p->n; i++)
            expr_set_variable(r, i, values[(i + turn) % (sizeof values / sizeof values[0])]);
        run(r, p->result);
    }
    expr_run_free(r);
}

static void take_apart(const char *program) {
    struct expr_set *records = expr_set_new(EXPR_AUTO), *results = expr_set_new(EXPR_AUTO);
    struct aggregate_program *p;
    struct err e = {0};
    REQUIRE(records && results);
    int g = expr_add_aggregates(records, results, "aggregates", program, &names, fields, &p, &e);
    REQUIRE(g == 0 || (g == G_USAGE && e.grade == g && e.text[0] != '\0'));
    if (g == 0) {
        run_arguments(records, p, strlen(program));
        run_result(results, p);
        aggregate_program_free(p);
    }
    expr_set_free(records);
    expr_set_free(results);
}

static void take_groups(const char *program) {
    struct expr_set *set = expr_set_new(EXPR_AUTO);
    struct expr_group *groups;
    struct expr_run *r;
    size_t n;
    struct err e = {0};
    REQUIRE(set);
    int g = expr_add_groups(set, "-g", program, &groups, &n, &e);
    REQUIRE(g == 0 || (g == G_USAGE && e.grade == g && e.text[0] != '\0'));
    if (g == 0 && expr_run_new(set, &r, &e) == 0) {
        r->heap.limit = (size_t)8 << 20;
        for (size_t i = 0; i < n; i++) {
            begin(r, "{\"a\":{\"b\":[1,2]},\"user\":\"u\"}");
            run(r, groups[i].expr);
        }
        expr_run_free(r);
    }
    if (g == 0) expr_groups_free(groups, n);
    expr_set_free(set);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const struct json_limits loose = {.max_depth = 20000, .max_number_bytes = 100000};
    if (!validator.fast && json_validator_init(&validator, &loose) < 0) return 0;
    if (size > 2000) return 0;
    char *program = malloc(size + 1);
    REQUIRE(program);
    memcpy(program, data, size);
    program[size] = '\0';
    has_now = strstr(program, "now") != NULL;
    take_apart(program);
    take_groups(program);
    free(program);
    return 0;
}
