/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs programs of the expression language over JSON texts for the tests that compare it with jq, many in one process.
 *
 * Commands are lines on stdin, answers lines on stdout, flushed after each command:
 *     P program         "ok", or "refused REASON" (the error's first line)
 *     I json text       for the last program: "= RESULT" for each result, then "done", "error REASON", or "input
 * REASON" when the text is no JSON Every second input lies in memory of exactly its size, the others have slack behind
 * them: both must be the same.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "expr/expr.h"
#include "json/validate.h"

#define SLACK 64

struct driver {
    enum expr_engine engine;
    struct expr_set *set;
    struct expr *program, *other;
    struct expr_run *run;
    struct json_validator validator;
    struct buf result;
    char *held; /* the last input, which must live until the next one begins */
    bool exact, shared;
};

static const char other_program[] = "[.n, .o.n?, .o.deep.s?, .a[0]?, .s, .x.y?, .ts, .id]?";

static void program_close(struct driver *d) {
    expr_run_free(d->run);
    expr_set_free(d->set);
    d->run = NULL;
    d->set = NULL;
    d->program = d->other = NULL;
}

static void reason_print(const char *word, const char *text) {
    printf("%s %.*s\n", word, (int)strcspn(text, "\n"), text);
}

static void program_open(struct driver *d, const char *text) {
    struct err e = {0};
    program_close(d);
    d->set = expr_set_new(d->engine);
    int rc = d->set ? expr_add(d->set, "expression", text, &d->program, &e) : err_nomem(&e);
    d->shared = !d->shared;
    if (rc == 0 && d->shared && d->engine != EXPR_JQ) rc = expr_add(d->set, "expression", other_program, &d->other, &e);
    if (rc == 0) rc = expr_run_new(d->set, &d->run, &e);
    if (rc == 0) {
        puts("ok");
        return;
    }
    reason_print("refused", e.text);
    program_close(d);
}

static int result_print(void *ctx, struct expr_run *r, struct value v) {
    struct driver *d = ctx;
    struct err e = {0};
    buf_clear(&d->result);
    int rc = expr_value_write(r, v, &d->result, &e);
    if (rc == 0) printf("= %.*s\n", (int)d->result.len, d->result.data);
    if (rc < 0) reason_print("unwritten", e.text);
    return rc;
}

static void input_run(struct driver *d, const char *text, size_t n) {
    struct json_fault fault = {0, ""};
    struct err e = {0};
    if (!d->run) {
        puts("input no program");
        return;
    }
    d->exact = !d->exact;
    size_t slack = d->exact ? 0 : SLACK;
    char *copy = malloc(n + slack + 1);
    if (!copy) exit(2);
    memset(copy, '"', n + slack + 1);
    memcpy(copy, text, n);
    if (json_validate(&d->validator, copy, n, &fault) < 0) {
        reason_print("input", fault.reason);
        free(copy);
    } else {
        struct record record = {.time = NO_TIME, .value = copy, .value_size = n, .value_type = VALUE_JSON};
        struct expr_input in = {.record = &record, .slack = slack, .partition = -1};
        expr_begin(d->run, &in);
        free(d->held);
        d->held = copy;
        struct value first;
        if (d->other && expr_first(d->run, d->other, &first, &e) < 0) err_clear(&e);
        int rc = expr_each(d->run, d->program, result_print, d, &e);
        if (rc == 0)
            puts("done");
        else
            reason_print("error", strncmp(e.text, "expression: ", 12) == 0 ? e.text + 12 : e.text);
    }
}

int main(int argc, char **argv) {
    static const struct {
        const char *name;
        enum expr_engine engine;
    } engines[] = {{"auto", EXPR_AUTO}, {"native", EXPR_NATIVE}, {"jq", EXPR_JQ}};
    struct driver d = {0};
    struct json_limits limits = {.allow_duplicate_keys = true, .max_depth = 10000};
    char *line = NULL;
    size_t size = 0;
    ssize_t n;
    int known = 0;
    for (size_t i = 0; i < sizeof(engines) / sizeof(*engines) && argc == 2; i++) {
        if (strcmp(argv[1], engines[i].name) != 0) continue;
        d.engine = engines[i].engine;
        known = 1;
    }
    if (!known || json_validator_init(&d.validator, &limits) < 0) {
        fprintf(stderr, "usage: expr_driver auto|native|jq <COMMANDS\n");
        return 2;
    }
    while ((n = getline(&line, &size, stdin)) > 0) {
        if (line[n - 1] == '\n') line[--n] = '\0';
        if (n >= 2 && line[0] == 'P') program_open(&d, line + 2);
        if (n >= 2 && line[0] == 'I') input_run(&d, line + 2, (size_t)n - 2);
        fflush(stdout);
    }
    free(line);
    free(d.held);
    program_close(&d);
    buf_release(&d.result);
    json_validator_release(&d.validator);
    return 0;
}
