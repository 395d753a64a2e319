/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Words about expressions that mean something else than they say: fields that no record had (expr/unseen.h), with runs
 * of several threads, and assignments as conditions (expr/condition.h). What users see of it: tests/cli/hints.bats.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "expr/condition.h"
#include "expr/unseen.h"

#define RUNS 3

struct scene {
    struct expr_set *set;
    struct expr *expr;
    struct expr_run *runs[RUNS]; /* the last one stays NULL */
    char told[500];
};

static void open_scene(struct scene *s, const char *program, bool condition) {
    struct err e = {0};
    *s = (struct scene){.set = expr_set_new(EXPR_NATIVE)};
    assert_non_null(s->set);
    assert_int_equal(expr_add(s->set, "expression", program, &s->expr, &e), 0);
    assert_int_equal(unseen_watch(s->set, condition ? s->expr : NULL), 0);
    for (int i = 0; i < RUNS - 1; i++) assert_int_equal(expr_run_new(s->set, &s->runs[i], &e), 0);
}

static void look_at(struct scene *s, int run, const char *json) {
    struct record record = {.value = json, .value_size = strlen(json), .value_type = VALUE_JSON, .time = NO_TIME};
    struct expr_input in = {.record = &record, .partition = -1};
    struct err e = {0};
    bool truth;
    expr_begin(s->runs[run], &in);
    assert_int_equal(expr_true(s->runs[run], s->expr, &truth, &e), 0);
}

/* Near are names that begin alike. */
static size_t distance(const char *typed, const char *name) {
    return typed[0] == name[0] ? strlen(name) : SIZE_MAX;
}

static void tell(void *ctx, const struct unseen *u) {
    char *told = ctx;
    size_t n = strlen(told);
    (void)snprintf(told + n, sizeof((struct scene *)0)->told - n, "%s%s%s%s;", u->path, u->near ? "=" : "",
                   u->near ? u->near : "", u->in_every_record ? "" : "?");
}

static void close_scene(struct scene *s, const char *expected) {
    unseen_each(s->set, s->runs, RUNS, distance, tell, s->told);
    assert_string_equal(s->told, expected);
    for (int i = 0; i < RUNS; i++) expr_run_free(s->runs[i]);
    expr_set_free(s->set);
}

/* One record in the first run. */
static void check(const char *program, bool condition, const char *json, const char *expected) {
    struct scene s;
    open_scene(&s, program, condition);
    if (json) look_at(&s, 0, json);
    close_scene(&s, expected);
}

static void a_field_that_no_record_has(void **state) {
    (void)state;
    check(".a, .b", false, "{\"a\":1}", ".b;");
    check(".a, .b", false, "{\"a\":null,\"b\":2}", "");
    check(".a, .b", false, NULL, "");
    check(".a.b", false, "{\"a\":{}}", ".a.b;");
    check(".a.b, .a", false, "{}", ".a;");
    check("[.a.b, .a.c]", false, "{}", ".a.b;.a.c;");
    check(".a.b, .\"a b\", .\"\"", false, "{\"a\":{\"b\":1}}", ".\"a b\"=.a;.\"\";");
    check(".a | .b > 3", false, "{}", ".a.b;");
    check("1", false, "{}", "");
}

static void the_nearest_name_of_the_same_object(void **state) {
    (void)state;
    check(".user", false, "{\"usernames\":1,\"users\":2,\"x\":{\"user\":3}}", ".user=.users;");
    check(".user.id", false, "{\"u\":{\"id\":1}}", ".user.id=.u.id;");
    check(".user.id", false, "{\"u\":{\"i\":1,\"idx\":2}}", ".user.id=.u.i;");
    check(".user.id", false, "{\"u\":{\"x\":1}}", ".user.id;");
    check(".user.id", false, "{\"u\":7}", ".user.id;");
    check(".user", false, "{\"u\\n\":7}", ".user=.\"u\\n\";");
    check(".user, .u", false, "{\"u\":7,\"ux\":1}", ".user=.ux;");
    check(".user.id, .u.id", false, "{\"u\":{\"id\":7}}", ".user.id;");
    check(".a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a", false, "{}", "");
}

static void absence_that_is_provided_for(void **state) {
    static const char *const programs[] = {".a // 1",
                                           ".a?",
                                           "try .a catch 0",
                                           "select(.a)",
                                           "if .a then 1 else 2 end",
                                           ".a and true",
                                           "true or .a",
                                           ".a | not",
                                           ".a | type",
                                           ".a == null",
                                           "null != .a",
                                           "select(has(\"a\")) | .a",
                                           ".a as $x | $x // 1",
                                           ".a | .b // 1",
                                           ".a | strings",
                                           "select(.a) | .a.b > 3",
                                           "del(.a)",
                                           ".a = 1",
                                           ".a |= 1",
                                           ".a += 1",
                                           "[path(.a)]",
                                           "any(.a; . == 1)?"};
    (void)state;
    for (size_t i = 0; i < sizeof programs / sizeof *programs; i++) check(programs[i], false, "{}", "");
    check(".a", true, "{}", "");
    check(".a | .b", true, "{}", "");
    check(".a, .b", true, "{}", "");
    check(".a > 1", true, "{}", ".a;");
    check("select(.a > 1) | .b", true, "{}", ".a;");
    check(".a // (.b == 1)", false, "{}", "");
    check("(.a // 1) == .b", false, "{}", ".b;");
    check(".b == 1 and has(\"a\")", false, "{}", ".b;");
    check(".x = .b", false, "{}", ".b;");
}

static void runs_of_several_threads_are_one(void **state) {
    struct scene s;
    (void)state;
    open_scene(&s, ".a, .b, .cc", false);
    look_at(&s, 0, "{\"a\":1}");
    look_at(&s, 1, "{\"b\":1,\"c\":2}");
    close_scene(&s, ".cc=.c;");
    open_scene(&s, ".cc", false);
    look_at(&s, 0, "{\"a\":1}");
    for (int i = 0; i < 100; i++) look_at(&s, 0, "{\"a\":1}");
    look_at(&s, 0, "{\"cc\":1}");
    close_scene(&s, "");
}

static void records_that_were_decided_about_before(void **state) {
    struct scene s;
    (void)state;
    open_scene(&s, "$key == null and .a > 1", true);
    look_at(&s, 0, "{}");
    close_scene(&s, ".a;");
    open_scene(&s, "($key != null or . != 7) and .a > 1", true);
    look_at(&s, 0, "{}");
    look_at(&s, 0, "7");
    close_scene(&s, ".a?;");
    open_scene(&s, "($key != null or . != 7) and .a > 1", true);
    look_at(&s, 0, "7");
    look_at(&s, 0, "{}");
    close_scene(&s, ".a?;");
}

static void large_records_and_many_of_them(void **state) {
    static char large[600 << 10];
    struct scene s;
    (void)state;
    memset(large, ' ', sizeof large - 1);
    memcpy(large, "{\"ab\":1", 7);
    large[sizeof large - 2] = '}';
    check(".aa", false, large, ".aa;");
    large[(250 << 10)] = '}';
    large[(250 << 10) + 1] = '\0';
    open_scene(&s, ".aa", false);
    for (int i = 0; i < 40; i++) look_at(&s, 0, large);
    close_scene(&s, ".aa=.ab;");
}

static void check_condition(const char *program, const char *expected) {
    struct err e = {0};
    assert_int_equal(condition_check("expression", program, &e), expected ? G_USAGE : 0);
    assert_string_equal(e.text, expected ? expected : "");
}

static void an_assignment_is_no_condition(void **state) {
    (void)state;
    check_condition(".a = 1", "expression: '=' sets a value, '==' compares\n  .a = 1\n     ^");
    check_condition(".a//=1", "expression: '//=' sets a value, '==' compares\n  .a//=1\n    ^");
    check_condition("def f: 1; . as $x | .b | .a |= 1",
                    "expression: '|=' sets a value, '==' compares\n  def f: 1; . as $x | .b | .a |= 1\n"
                    "                              ^");
    check_condition(".a == 1", NULL);
    check_condition(".a = 1 | .a", NULL);
    check_condition("[.a = 1]", NULL);
    check_condition(".a = = 1", NULL);
    check_condition("", NULL);
}

static void check_doubt(const char *program, bool expected) {
    struct err e = {0};
    assert_int_equal(condition_is_doubtful("expression", program, &e), expected);
    assert_int_equal(e.text[0] != '\0', expected);
}

static void an_assignment_as_a_condition_inside(void **state) {
    (void)state;
    check_doubt("select(.a = 1)", true);
    check_doubt("if .a = 1 then 1 else 2 end", true);
    check_doubt("if .a then 1 elif .b += 1 then 2 else 3 end", true);
    check_doubt("(.a = 1) and .b", true);
    check_doubt(".b or (.a = 1)", true);
    check_doubt("any(.[]; .a = 1)", true);
    check_doubt("any(.a = 1; .b)", false);
    check_doubt("def f: select(.a = 1); 1", true);
    check_doubt("def select(f): f; select(.a = 1)", false);
    check_doubt(".a = 1", false);
    check_doubt("select(.a == 1) = 2", false);
    check_doubt("select((", false);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_field_that_no_record_has),
        cmocka_unit_test(the_nearest_name_of_the_same_object),
        cmocka_unit_test(absence_that_is_provided_for),
        cmocka_unit_test(runs_of_several_threads_are_one),
        cmocka_unit_test(records_that_were_decided_about_before),
        cmocka_unit_test(large_records_and_many_of_them),
        cmocka_unit_test(an_assignment_is_no_condition),
        cmocka_unit_test(an_assignment_as_a_condition_inside),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
