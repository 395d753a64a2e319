/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Property: a record that lies about being JSON gives wrong answers, but no bad memory access, no endless run and no
 * unbounded recursion, whatever the program does with it. The record has an allocation of its own size. A record that
 * is JSON gives results that are JSON.
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

static const char *const programs[] = {
    ".status >= 500 and .user.id != null",
    "{a, b: .a.b, c: [.a[]?], d: (.[\"x y\"] // .b)}",
    "[..]",
    "[paths]",
    "to_entries? // .",
    "map_values(.)? // tojson",
    "walk(if type == \"number\" then . + 1 else . end)",
    "tostring, tojson, length?, keys?, sort?, unique?, add?, flatten?, reverse?",
    "[.[]? | tostring | test(\"a+b\")]",
    "[.[]?] | sort | group_by(type) | map(length)",
    "(.a?, .b?) |= 1",
    "del(.a?, .[0]?)",
    "[.[1:3]?, .[-1]?]",
    "@json, @text, (@csv)?, (@base64)?, (@html)?, (@uri)?",
    "[.. | numbers | . * 2, -., floor]",
    "[.. | strings | ascii_downcase, explode, length, (tonumber? // 0), (fromjson? // 0), (fromdate? // 0)]",
    ". == ., . < 1, . < \"a\", . < [], . < {}",
};
#define PROGRAMS (sizeof programs / sizeof *programs)

static struct json_validator validator;

struct seen {
    unsigned results;
    bool good;
    struct buf text;
};

static int check(void *ctx, struct expr_run *r, struct value v) {
    struct seen *s = ctx;
    struct err e;
    buf_clear(&s->text);
    if (expr_value_write(r, v, &s->text, &e) == 0 && s->good)
        REQUIRE(json_validate(&validator, s->text.data, s->text.len, NULL) == 0);
    return ++s->results > 1000 ? G_DATA : 0;
}

static void prepare(struct expr **x, struct expr_run **r) {
    static const struct json_limits loose = {.max_depth = 20000, .max_number_bytes = 100000};
    static struct expr_set *set;
    struct err e;
    set = expr_set_new(EXPR_NATIVE);
    REQUIRE(set && json_validator_init(&validator, &loose) == 0);
    for (size_t i = 0; i < PROGRAMS; i++) REQUIRE(expr_add(set, "expression", programs[i], &x[i], &e) == 0);
    REQUIRE(expr_run_new(set, r, &e) == 0);
    (*r)->heap.limit = (size_t)32 << 20;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static struct expr *x[PROGRAMS];
    static struct expr_run *r;
    if (!r) prepare(x, &r);
    char *copy = malloc(size ? size : 1);
    REQUIRE(copy);
    memcpy(copy, data, size);
    struct record record = {.value = copy, .value_size = size, .value_type = VALUE_JSON, .time = NO_TIME};
    struct expr_input in = {.record = &record, .partition = -1};
    struct seen seen = {.good = json_validate(&validator, copy, size, NULL) == 0};
    expr_begin(r, &in);
    r->steps = 0;
    r->steps_max = 2000000;
    for (size_t i = 0; i < PROGRAMS; i++) {
        struct err e = {0};
        seen.results = 0;
        int g = expr_each(r, x[i], check, &seen, &e);
        REQUIRE(g == 0 || seen.results > 1000 || e.text[0] != '\0');
    }
    buf_release(&seen.text);
    free(copy);
    return 0;
}
