/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Property: whatever the program, it is refused with a place inside its text, or it runs: every result can be written
 * and is JSON again, errors have words, and nothing is read outside the record, which has an allocation of its own
 * size.
 */
#include <stdlib.h>
#include <string.h>

#include "expr/eval_impl.h"
#include "json/validate.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define REQUIRE(x)                                                                                                     \
    do {                                                                                                               \
        if (!(x)) abort();                                                                                             \
    } while (0)

static struct json_validator validator;

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

static void run(struct expr_run *r, const struct expr *x, const char *json) {
    struct seen seen = {0};
    struct err e = {0};
    char *copy = malloc(strlen(json));
    REQUIRE(copy);
    memcpy(copy, json, strlen(json));
    struct record record = {.value = copy,
                            .value_size = strlen(json),
                            .value_type = VALUE_JSON,
                            .time = 1,
                            .key = "k",
                            .key_size = 1,
                            .has_key = true};
    struct expr_input in = {.record = &record, .topic = "t"};
    expr_begin(r, &in);
    r->steps = 0;
    r->steps_max = 20000;
    int g = expr_each(r, x, check, &seen, &e);
    REQUIRE(g == 0 || seen.results > 200 || (g < 0 && e.text[0] != '\0'));
    buf_clear(&seen.text);
    bool truth;
    struct value v;
    r->steps = 0;
    if (expr_write_only(r, x, &seen.text, &e) == 1)
        REQUIRE(json_validate(&validator, seen.text.data, seen.text.len, NULL) == 0);
    int first = expr_first(r, x, &v, &e);
    if (expr_true(r, x, &truth, &e) == 0) REQUIRE(!truth || first == 1);
    buf_release(&seen.text);
    free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const char *const records[] = {
        "null", "[1,-2.5,\"a\\u0062\",[true],{\"a\":{\"b\":1}}]",
        "{\"a\":{\"b\":[1,2,{\"c\":null}]},\"b\":\"text\",\"status\":500,\"t\":\"2024-02-03T04:05:06.5Z\"}"};
    static const struct json_limits loose = {.max_depth = 20000, .max_number_bytes = 100000};
    if (!validator.fast && json_validator_init(&validator, &loose) < 0) return 0;
    if (size > 2000) return 0;
    char *program = malloc(size + 1);
    REQUIRE(program);
    memcpy(program, data, size);
    program[size] = '\0';
    struct expr_set *set = expr_set_new(EXPR_NATIVE);
    struct expr *x;
    struct expr_run *r;
    struct err e = {0};
    REQUIRE(set);
    int g = expr_add(set, "expression", program, &x, &e);
    REQUIRE(g == 0 || (g < 0 && e.text[0] != '\0'));
    if (g == 0 && expr_run_new(set, &r, &e) == 0) {
        struct buf plan = {0};
        REQUIRE(expr_explain(x, &plan) == 0);
        buf_release(&plan);
        r->heap.limit = (size_t)8 << 20;
        for (size_t i = 0; i < sizeof records / sizeof *records; i++) run(r, x, records[i]);
        expr_run_free(r);
    }
    expr_set_free(set);
    free(program);
    return 0;
}
