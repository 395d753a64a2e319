/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Programs, sets and runs as tools see them (expr.h): messages with a caret, the choice of the engine, one pass for
 * several programs, the record's variables, and the limits. The language itself is tested by the examples of
 * leat-expr(7) and against jq.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "expr/eval_impl.h"
#include "expr/expr.h"

/* ---- one program on one record ---- */

static int append(void *ctx, struct expr_run *r, struct value v) {
    struct buf *out = ctx;
    struct err e;
    assert_int_equal(expr_value_write(r, v, out, &e), 0);
    assert_int_equal(buf_putc(out, '\n'), 0);
    return 0;
}

/* The results, a line each, and behind them the error's text if there was one. The caller frees. */
static char *run_record(enum expr_engine engine, const char *program, const struct record *record) {
    struct expr_set *set = expr_set_new(engine);
    struct expr_run *r;
    struct expr *x;
    struct err e = {0};
    struct buf out = {0};
    assert_non_null(set);
    if (expr_add(set, "expression", program, &x, &e) == 0) {
        assert_int_equal(expr_run_new(set, &r, &e), 0);
        struct expr_input in = {.record = record, .topic = "clicks", .partition = 3, .has_offset = true};
        expr_begin(r, &in);
        if (expr_each(r, x, append, &out, &e) < 0) assert_int_equal(buf_puts(&out, e.text), 0);
        expr_run_free(r);
    } else {
        assert_int_equal(buf_puts(&out, e.text), 0);
    }
    expr_set_free(set);
    char *text = strdup(buf_cstr(&out));
    buf_release(&out);
    return text;
}

static char *run_json(enum expr_engine engine, const char *program, const char *json) {
    struct record record = {.value = json, .value_size = strlen(json), .value_type = VALUE_JSON, .time = NO_TIME};
    return run_record(engine, program, &record);
}

#define GIVES(program, json, expected)                                                                                 \
    do {                                                                                                               \
        char *got_ = run_json(EXPR_NATIVE, program, json);                                                             \
        assert_string_equal(got_, expected);                                                                           \
        free(got_);                                                                                                    \
    } while (0)

/* ---- messages ---- */

static void errors_have_a_caret(void **state) {
    (void)state;
    GIVES(".a + 1", "{\"a\":\"x\"}", "expression: string (\"x\") and number (1) cannot be added\n  .a + 1\n     ^");
    GIVES("1,.a.b.c", "{\"a\":{\"b\":7}}",
          "1\nexpression: Cannot index number with string \"c\"\n  1,.a.b.c\n        ^");
    GIVES("[.[]", "1", "expression: syntax error: ']' expected at the end\n  [.[]\n      ^");
    GIVES("1 ~ 2", "1", "expression: syntax error: '~' makes no sense here\n  1 ~ 2\n    ^");
    GIVES(". as $x | $y", "1", "expression: variable $y is not defined\n  . as $x | $y\n            ^");
    GIVES("map(nope(1))", "1", "expression: function nope/1 is not known\n  map(nope(1))\n      ^");
    GIVES("error({a: 1})", "1", "expression: (not a string): {\"a\":1}\n  error({a: 1})\n  ^");
    /* In a definition of the language itself the caret is where the program called it. */
    GIVES("1 | map(.)", "1", "expression: Cannot iterate over number (1)\n  1 | map(.)\n      ^");
    GIVES("\"\xC3\xA4\" - 1", "1",
          "expression: string (\"\xC3\xA4\") and number (1) cannot be subtracted\n  \"\xC3\xA4\" - 1\n      ^");
}

static void long_programs_are_cut_around_the_caret(void **state) {
    (void)state;
    char program[1000] = "";
    for (int i = 0; i < 60; i++) strncat(program, ".a | ", sizeof program - strlen(program) - 1);
    strncat(program, ". + \"x\"\n| .", sizeof program - strlen(program) - 1);
    char *got = run_json(EXPR_NATIVE, program, "{\"a\":1}");
    assert_non_null(strstr(got, "Cannot index number with string \"a\""));
    const char *caret = strchr(got, '^');
    assert_non_null(caret);
    const char *line = strchr(got, '\n') + 1;
    assert_true(strchr(line, '\n') - line <= 103);
    free(got);
}

/* ---- members ---- */

static void assert_member(const char *program, const char *want) {
    struct expr_set *set = expr_set_new(EXPR_AUTO);
    struct expr *x;
    struct err e;
    size_t n = 0;
    assert_int_equal(expr_add(set, "--on", program, &x, &e), 0);
    const char *name = expr_member_name(x, &n);
    if (!want) assert_null(name);
    if (want) {
        assert_non_null(name);
        assert_int_equal(n, strlen(want));
        assert_memory_equal(name, want, n);
    }
    expr_set_free(set);
}

static void a_program_that_is_one_member_says_which(void **state) {
    (void)state;
    assert_member(".user", "user");
    assert_member(".\"a b\"", "a b");
    assert_member(".[\"a\\u0062\"]", "ab");
    assert_member(".user.id", NULL);
    assert_member(".", NULL);
    assert_member(".user | tostring", NULL);
    assert_member(".a, .b", NULL);
    assert_member("$key", NULL);
    assert_member("[.user]", NULL);
    assert_member("def f: if . < 1 then 1 else . - 1 | f end; .a | f", NULL);
}

/* ---- engines ---- */

static void the_engine_is_chosen(void **state) {
    (void)state;
    static const char recursive[] = "def f: if . < 1 then 1 else . * (. - 1 | f) end; f";
    struct expr_set *set = expr_set_new(EXPR_AUTO);
    struct expr *native, *jq, *x;
    struct err e;
    struct buf text = {0};
    assert_int_equal(expr_add(set, "expression", ".a.b", &native, &e), 0);
    assert_int_equal(expr_explain(native, &text), 0);
    assert_string_equal(buf_cstr(&text), "engine: native\nfields found in one pass: .a.b\nplan:\n  field .a.b\n");
    buf_clear(&text);
    assert_int_equal(expr_add(set, "expression", recursive, &jq, &e), 0);
    assert_int_equal(expr_explain(jq, &text), 0);
    assert_string_equal(buf_cstr(&text), "engine: jq, since function f/0 is recursive, which is not native\n");
    assert_int_equal(expr_add(set, "--key", "nope", &x, &e), G_USAGE);
    assert_string_equal(e.text, "--key: function nope/0 is not known\n  nope\n  ^");
    expr_set_free(set);
    buf_release(&text);
    char *got = run_json(EXPR_AUTO, recursive, "5");
    assert_string_equal(got, "120\n");
    free(got);
    got = run_json(EXPR_NATIVE, recursive, "5");
    assert_non_null(strstr(got, "is recursive, which is not native"));
    free(got);
    got = run_json(EXPR_JQ, ".a + 1", "{\"a\":2}");
    assert_string_equal(got, "3\n");
    free(got);
}

/* ---- the record ---- */

static void variables_are_those_of_the_record(void **state) {
    (void)state;
    struct err e;
    struct buf headers = {0};
    assert_int_equal(record_header_append(&headers, "a", 1, "1", 1, &e), 0);
    assert_int_equal(record_header_append(&headers, "b", 1, "\xFF", 1, &e), 0);
    assert_int_equal(record_header_append(&headers, "a", 1, "2", 1, &e), 0);
    struct record r = {.value = " {} ",
                       .value_size = 4,
                       .value_type = VALUE_JSON,
                       .key = "k",
                       .key_size = 1,
                       .has_key = true,
                       .time = 1700000000123456000,
                       .offset = 12,
                       .headers = headers.data,
                       .headers_size = headers.len};
    static const char program[] = "[., $key, $time, $topic, $partition, $offset, $headers]";
    static const char expected[] = "[{},\"k\",1700000000.123456,\"clicks\",3,12,{\"a\":\"2\",\"b\":\"/w==\"}]\n";
    char *got = run_record(EXPR_NATIVE, program, &r);
    assert_string_equal(got, expected);
    free(got);
    got = run_record(EXPR_JQ, program, &r);
    assert_string_equal(got, expected);
    free(got);
    r.time = -1;
    r.has_key = false;
    r.value_type = VALUE_NONE;
    got = run_record(EXPR_NATIVE, "[., $key, $time, .a]", &r);
    assert_string_equal(got, "[null,null,-0.000000001,null]\n");
    free(got);
    r.time = NO_TIME;
    r.value_type = VALUE_BYTES;
    r.value = "a\xFF";
    r.value_size = 2;
    got = run_record(EXPR_NATIVE, "[., $time]", &r);
    assert_string_equal(got, "[\"Yf8=\",null]\n");
    free(got);
    buf_release(&headers);
}

/* ---- sets ---- */

static void programs_of_a_set_share_one_pass(void **state) {
    (void)state;
    struct expr_set *set = expr_set_new(EXPR_NATIVE);
    struct expr_run *r;
    struct expr *a, *b, *c;
    struct err e;
    bool yes;
    struct value v;
    const char *p;
    size_t n;
    assert_int_equal(expr_add(set, "a", ".x == 1", &a, &e), 0);
    assert_int_equal(expr_add(set, "b", ".y.z", &b, &e), 0);
    assert_int_equal(expr_add(set, "c", "$key", &c, &e), 0);
    assert_int_equal(expr_run_new(set, &r, &e), 0);
    static const char *const texts[] = {"{\"x\":1,\"y\":{\"z\":\"\\u0041b\"}}", "{\"y\":{\"z\":[1, 2]},\"x\":2}"};
    for (int i = 0; i < 2; i++) {
        struct record record = {.value = texts[i], .value_size = strlen(texts[i]), .value_type = VALUE_JSON};
        struct expr_input in = {.record = &record};
        expr_begin(r, &in);
        assert_int_equal(expr_true(r, a, &yes, &e), 0);
        assert_int_equal(yes, i == 0);
        assert_int_equal(expr_first(r, b, &v, &e), 1);
        assert_int_equal(expr_value_bytes(r, v, &p, &n, &e), 0);
        assert_int_equal(n, i == 0 ? 2 : 6);
        assert_memory_equal(p, i == 0 ? "Ab" : "[1, 2]", n);
        assert_int_equal(expr_first(r, c, &v, &e), 1);
        assert_int_equal(v.kind, VK_NULL);
    }
    expr_run_free(r);
    expr_set_free(set);
}

static void truth_is_any_truthy_result(void **state) {
    (void)state;
    static const struct {
        const char *program;
        bool truth;
    } cases[] = {{"1", true},         {"null", false},   {"false, null", false}, {"false, 0", true},
                 {"empty", false},    {".[] > 2", true}, {".[] > 3", false},     {"1, error(\"late\")", true},
                 {"first(.[])", true}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct expr_set *set = expr_set_new(EXPR_NATIVE);
        struct expr_run *r;
        struct expr *x;
        struct err e;
        bool yes;
        struct record record = {.value = "[1,2,3]", .value_size = 7, .value_type = VALUE_JSON};
        struct expr_input in = {.record = &record};
        assert_int_equal(expr_add(set, "e", cases[i].program, &x, &e), 0);
        assert_int_equal(expr_run_new(set, &r, &e), 0);
        expr_begin(r, &in);
        assert_int_equal(expr_true(r, x, &yes, &e), 0);
        assert_int_equal(yes, cases[i].truth);
        expr_run_free(r);
        expr_set_free(set);
    }
}

static void what_is_written_at_once_is_what_is_built(void **state) {
    (void)state;
    static const char *const programs[] = {
        "{a, \"b\\n\": .b, c: {}}", "{}",  ".a",         ".a | {x: .}", "[.a, {y: 1.50}]",
        "{a: (.a | tostring)}",     "nan", "\"\\u0001\""};
    static const char json[] = "{\"a\": 1.0, \"b\": [ 1 ]}";
    for (size_t i = 0; i < sizeof programs / sizeof *programs; i++) {
        struct expr_set *set = expr_set_new(EXPR_NATIVE);
        struct expr_run *r;
        struct expr *x;
        struct err e;
        struct buf once = {0}, built = {0};
        struct record record = {.value = json, .value_size = strlen(json), .value_type = VALUE_JSON};
        struct expr_input in = {.record = &record};
        assert_int_equal(expr_add(set, "e", programs[i], &x, &e), 0);
        assert_int_equal(expr_run_new(set, &r, &e), 0);
        expr_begin(r, &in);
        assert_int_equal(expr_write_only(r, x, &once, &e), 1);
        assert_int_equal(buf_putc(&once, '\n'), 0);
        assert_int_equal(expr_each(r, x, append, &built, &e), 0);
        assert_string_equal(buf_cstr(&once), buf_cstr(&built));
        expr_run_free(r);
        expr_set_free(set);
        buf_release(&once);
        buf_release(&built);
    }
}

static void strings_of_the_record_equal_constants(void **state) {
    (void)state;
    static const char program[] =
        "[.[] | . == \"ab\", . == \"\", . == \"a\\\"b\", . == \"a\\\\b\"] | map(if . then 1 else 0 end) | add";
    GIVES("[.[] == \"ab\"]", "[\"ab\",\"a\",\"abc\",\"\",\"\\u0061b\",\"a\\u0062\",\"ab\\n\",\"a\\\"b\",1]",
          "[true,false,false,false,true,true,false,false,false]\n");
    GIVES("[.[] == \"\"]", "[\"\",\"a\",\"\\n\"]", "[true,false,false]\n");
    GIVES("[.[] == \"a\\\"b\"]", "[\"a\\\"b\",\"a\",\"a\\\\\"]", "[true,false,false]\n");
    GIVES("[.[] == \"a\\\\n\"]", "[\"a\\\\n\",\"a\\n\",\"a\"]", "[true,false,false]\n");
    GIVES(program, "[\"ab\",\"\",\"a\\\"b\",\"a\\\\b\",\"x\"]", "4\n");
}

static void updates_that_lead_nowhere_change_nothing(void **state) {
    (void)state;
    GIVES("(.a | select(.b)) = 1", "{}", "{}\n");
    GIVES("(.q | values) |= 9", "{\"a\":1}", "{\"a\":1}\n");
    GIVES(".a.b |= empty", "{}", "{}\n");
    GIVES("(.[-1] | select(.)) |= 1", "[]", "[]\n");
    GIVES(".a? |= 1, .[]? |= 1, .[0]? |= 1", "5", "5\n5\n5\n");
    GIVES(".a[]?.b |= 1", "{\"a\":7}", "{\"a\":7}\n");
    GIVES(".[]?.b |= 1", "[7]", "expression: Cannot index number with string \"b\"\n  .[]?.b |= 1\n      ^");
    GIVES(".[] |= (select(. > 1) | . * 2)", "[1,2,3]", "[4,6]\n");
    GIVES("map_values(. + 1) | add", "[1,2,3]", "9\n");
    GIVES("[range(50000)] | .[] |= . + 1 | .[]? |= . + 1 | add", "1", "1250075000\n");
}

/* ---- limits ---- */

static void memory_is_limited(void **state) {
    (void)state;
    char *got = run_json(EXPR_NATIVE, "[range(1e9)] | length", "1");
    assert_string_equal(got, "expression: more than 256 MiB of memory are needed for one record");
    free(got);
}

static void recursion_is_limited(void **state) {
    (void)state;
    GIVES("try last(recurse(. + 1, empty)) catch .", "1", "expression: the recursion is too deep");
    /* But a chain of single results is a loop. */
    GIVES("last(limit(300000; repeat(. + 1)))", "1", "300000\n");
    GIVES("[limit(3; repeat(1))]", "1", "[1,1,1]\n");
}

static void programs_are_limited(void **state) {
    (void)state;
    struct buf program = {0};
    for (int i = 0; i < 20000; i++) assert_int_equal(buf_putc(&program, '['), 0);
    char *got = run_json(EXPR_NATIVE, buf_cstr(&program), "1");
    assert_non_null(strstr(got, "too deeply nested"));
    free(got);
    buf_clear(&program);
    for (int i = 0; i < 20000; i++) assert_int_equal(buf_puts(&program, "1+"), 0);
    assert_int_equal(buf_puts(&program, "1"), 0);
    got = run_json(EXPR_NATIVE, buf_cstr(&program), "1");
    assert_non_null(strstr(got, "too deeply nested or too large"));
    free(got);
    /* A long list is not deep. */
    buf_clear(&program);
    assert_int_equal(buf_puts(&program, "IN(1"), 0);
    for (int i = 2; i <= 20000; i++) assert_int_equal(buf_printf(&program, ",%d", i), 0);
    assert_int_equal(buf_puts(&program, ")"), 0);
    GIVES(buf_cstr(&program), "20000", "true\n");
    GIVES(buf_cstr(&program), "20001", "false\n");
    buf_release(&program);
}

/* Nothing behind the record is read: it ends where the page ends. */
static void records_may_end_at_a_page(void **state) {
    (void)state;
    static const char json[] = "{\"a\":\"\\u00e4b\",\"b\":[1,2.5,{\"c\":null}],\"d\":12345}";
    size_t page = (size_t)sysconf(_SC_PAGESIZE), n = strlen(json);
    char *map = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_true(map != MAP_FAILED);
    assert_int_equal(mprotect(map + page, page, PROT_NONE), 0);
    memcpy(map + page - n, json, n);
    struct record record = {.value = map + page - n, .value_size = n, .value_type = VALUE_JSON, .time = NO_TIME};
    char *got = run_record(EXPR_NATIVE, "[.a, .b[2].c, .d, (.. | scalars | tostring)] | length, .[2]", &record);
    assert_string_equal(got, "8\n12345\n");
    free(got);
    munmap(map, 2 * page);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(errors_have_a_caret),
        cmocka_unit_test(long_programs_are_cut_around_the_caret),
        cmocka_unit_test(a_program_that_is_one_member_says_which),
        cmocka_unit_test(the_engine_is_chosen),
        cmocka_unit_test(variables_are_those_of_the_record),
        cmocka_unit_test(programs_of_a_set_share_one_pass),
        cmocka_unit_test(truth_is_any_truthy_result),
        cmocka_unit_test(what_is_written_at_once_is_what_is_built),
        cmocka_unit_test(strings_of_the_record_equal_constants),
        cmocka_unit_test(updates_that_lead_nowhere_change_nothing),
        cmocka_unit_test(memory_is_limited),
        cmocka_unit_test(recursion_is_limited),
        cmocka_unit_test(programs_are_limited),
        cmocka_unit_test(records_may_end_at_a_page),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
