/* SPDX-License-Identifier: Apache-2.0 */
/* See func_cases.h. */
#include "func_cases.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "expr_values.h"

enum { ARGS_MAX = 4, SMALL_LIMIT_STEP = 512, SMALL_LIMIT_MAX = 12288 };

static struct buf shown;

static struct value raw_value(struct heap *h, const char *json) {
    struct value v;
    if (value_parse(h, json, strlen(json), &v) < 0) fail_msg("the case is no JSON: %s", json);
    return v;
}

struct value built_value(struct heap *h, const char *json) {
    return value_built(h, raw_value(h, json));
}

/* '!' and what was thrown; other grades by name. */
static void show_error(struct heap *h, int rc) {
    const char *p = "";
    size_t n = 0;
    if (rc == G_DATA && value_string(h, h->thrown, &p, &n) < 0) fail_msg("no memory");
    if (buf_printf(&shown, "!%.*s", (int)n, p) < 0) fail_msg("no memory");
    if (rc != G_DATA && buf_puts(&shown, grade_name(rc)) < 0) fail_msg("no memory");
}

static int call(struct heap *h, const char *name, const struct value *args, unsigned arity) {
    const struct func *f = func_find(name, strlen(name), arity);
    struct value result = value_text("untouched", 9);
    if (!f) fail_msg("no function %s/%u", name, arity);
    buf_clear(&shown);
    int rc = f->fn(h, args, &result);
    if (rc == 0 && value_write(h, result, &shown) < 0) fail_msg("cannot write the result of %s", name);
    if (rc < 0) show_error(h, rc);
    if (rc < 0 && (result.kind != VK_STRING || result.n != 9)) fail_msg("%s failed and set its result", name);
    return rc;
}

const char *call_func(struct heap *h, const char *name, const struct value *args, unsigned arity) {
    call(h, name, args, arity);
    return buf_cstr(&shown);
}

static unsigned read_args(struct heap *h, const struct func_case *c, bool built, struct value *args) {
    const struct value *items = NULL;
    uint32_t n = 0;
    struct value list = c->args ? raw_value(h, c->args) : value_array(NULL, 0);
    if (value_items(h, list, &items, &n) < 0 || n >= ARGS_MAX) fail_msg("bad arguments: %s", c->args);
    args[0] = raw_value(h, c->input + (*c->input == '='));
    for (uint32_t i = 0; i < n; i++) args[i + 1] = items[i];
    for (uint32_t i = 0; built && i <= n; i++) args[i] = value_built(h, args[i]);
    return n;
}

static void check_case(struct heap *h, const struct func_case *c, bool built) {
    struct value args[ARGS_MAX];
    heap_reset(h);
    unsigned arity = read_args(h, c, built, args);
    const char *got = call_func(h, c->function, args, arity);
    if (strcmp(got, c->expect) != 0)
        fail_msg("%s | %s%s on %s values: %s, not %s", c->input, c->function, c->args ? c->args : "",
                 built ? "built" : "raw", got, c->expect);
}

/* With less and less memory: the right answer or G_NOMEM. */
static void check_limits(const struct func_case *c) {
    for (size_t limit = SMALL_LIMIT_STEP; limit <= SMALL_LIMIT_MAX; limit += SMALL_LIMIT_STEP) {
        struct heap values, h;
        struct value args[ARGS_MAX];
        heap_init(&values, 0);
        heap_init(&h, limit);
        unsigned arity = read_args(&values, c, *c->input != '=' && limit % (2 * SMALL_LIMIT_STEP) == 0, args);
        int rc = call(&h, c->function, args, arity);
        if (rc != G_NOMEM && strcmp(buf_cstr(&shown), c->expect) != 0)
            fail_msg("%s | %s with %zu bytes: %s, not %s", c->input, c->function, limit, buf_cstr(&shown), c->expect);
        heap_release(&h);
        heap_release(&values);
    }
}

void check_func_cases(const struct func_case *cases, size_t n) {
    struct heap h;
    heap_init(&h, 0);
    for (size_t i = 0; i < n; i++) {
        check_case(&h, &cases[i], false);
        if (*cases[i].input != '=') check_case(&h, &cases[i], true);
        check_limits(&cases[i]);
    }
    heap_release(&h);
    buf_release(&shown);
}
