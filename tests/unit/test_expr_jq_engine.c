/* SPDX-License-Identifier: Apache-2.0 */
/* expr/jq_engine.h: results, messages, the record's variables, what is refused, and what large records cost nothing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "expr/jq_engine.h"

struct outcome {
    struct buf results; /* each with a newline behind it */
    int stop_after;     /* emit returns 7 at this result; 0: never */
    int count;
    int rc;
    struct err e;
};

static int result_keep(void *ctx, const char *json, size_t n) {
    struct outcome *o = ctx;
    assert_int_equal(json[n], '\0');
    assert_int_equal(buf_append(&o->results, json, n), 0);
    assert_int_equal(buf_putc(&o->results, '\n'), 0);
    return ++o->count == o->stop_after ? 7 : 0;
}

static void run(struct jq_engine *j, const char *input, size_t n, const struct jq_vars *vars, struct outcome *o) {
    o->results.len = 0;
    o->count = 0;
    err_clear(&o->e);
    /* A copy of the exact size, so that a sanitizer sees a read past the end. */
    char *exact = malloc(n ? n : 1);
    assert_non_null(exact);
    memcpy(exact, input, n);
    o->rc = jq_engine_run(j, exact, n, vars, result_keep, o, &o->e);
    free(exact);
    assert_non_null(buf_cstr(&o->results));
}

static struct jq_engine *opened(const char *program) {
    struct err e = {0};
    struct jq_engine *j = NULL;
    if (jq_engine_open(program, &j, &e) < 0) fail_msg("'%s': %s", program, e.text);
    return j;
}

/* `error` NULL: none. */
static void expect_vars(const char *program, const char *input, const struct jq_vars *vars, const char *results,
                        const char *error) {
    struct jq_engine *j = opened(program);
    struct outcome o = {0};
    for (int twice = 0; twice < 2; twice++) {
        run(j, input, strlen(input), vars, &o);
        assert_string_equal(o.results.data, results);
        assert_string_equal(o.e.text, error ? error : "");
        assert_int_equal(o.rc, error ? G_DATA : 0);
        assert_int_equal(o.e.grade, o.rc);
    }
    buf_release(&o.results);
    jq_engine_free(j);
}

static void expect(const char *program, const char *input, const char *results, const char *error) {
    expect_vars(program, input, NULL, results, error);
}

static void expect_refused(const char *program, const char *reason) {
    struct err e = {0};
    struct jq_engine *j = (struct jq_engine *)&e;
    assert_int_equal(jq_engine_open(program, &j, &e), G_USAGE);
    assert_string_equal(e.text, reason);
    assert_ptr_equal(j, &e);
}

/* Must be the first: it needs a process without the library. No descriptor is free, so it cannot be opened. */
static void a_library_that_cannot_be_loaded_is_named_with_its_package(void **state) {
    (void)state;
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        static const char begin[] = "this expression needs libjq (package libjq1): libjq.so.1: ";
        struct rlimit none = {0, 0};
        struct err e = {0};
        struct jq_engine *j = NULL;
        int wrong = setrlimit(RLIMIT_NOFILE, &none) != 0;
        for (int twice = 0; twice < 2; twice++) {
            if (jq_engine_open(".", &j, &e) != G_ABSENT || j) wrong |= 2;
            if (strncmp(e.text, begin, sizeof(begin) - 1) != 0) wrong |= 4;
        }
        _exit(wrong);
    }
    int status = 0;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
}

static void results_are_compact_json(void **state) {
    (void)state;
    expect(".", "{\"b\": [1, 2.50, -0.1e1], \"a\": {\"x\": null}}", "{\"b\":[1,2.5,-1],\"a\":{\"x\":null}}\n", NULL);
    expect(".[]", "[true,\"s\",3]", "true\n\"s\"\n3\n", NULL);
    expect("empty", "1", "", NULL);
    expect("", " 1 ", "1\n", NULL);
    expect(".+1 # a comment", "1", "2\n", NULL);
    expect("def f(x): x * 2;\n[limit(3; .[] | f(.))] |\nadd", "[1,2,3,4]", "12\n", NULL);
    expect("9007199254740993, 0.1, 1e1000, nan", "null", "9007199254740992\n0.1\n1.7976931348623157e+308\nnull\n",
           NULL);
    expect("[splits(\", *\")]", "\"a, b,c\"", "[\"a\",\"b\",\"c\"]\n", NULL);
}

static void text_of_any_kind_comes_through(void **state) {
    (void)state;
    expect(".", "\"\xC3\xA4\xE2\x82\xAC\xF0\x9F\x98\x80 \\u00e4\\ud83d\\ude00\"",
           "\"\xC3\xA4\xE2\x82\xAC\xF0\x9F\x98\x80 \xC3\xA4\xF0\x9F\x98\x80\"\n", NULL);
    expect("., length", "\"a\\u0000b\"", "\"a\\u0000b\"\n3\n", NULL);
    expect(".[\"a\\u0000b\"]", "{\"a\\u0000b\":1,\"a\":2}", "1\n", NULL);
    expect(".", "\"\\\"\\\\\\n\\u001f\"", "\"\\\"\\\\\\n\\u001f\"\n", NULL);
}

static void errors_have_jqs_message_and_come_after_the_results(void **state) {
    (void)state;
    expect("1, .a", "[1]", "1\n", "Cannot index array with string \"a\"");
    expect("error(\"no\")", "1", "", "no");
    expect("error(\"\")", "1", "", "");
    expect("error({a: [1, \"x\"]})", "1", "", "(not a string): {\"a\":[1,\"x\"]}");
    expect("error(true)", "1", "", "(not a string): true");
    expect("error(12)", "1", "", "(not a string): 12");
    expect("2, error(null)", "1", "2\n", NULL); /* as jq 1.6 has it: no error at all */
    expect("try error({a: 1}) catch .a", "1", "1\n", NULL);
    expect("error(\"50% %s %n\")", "1", "", "50% %s %n");
    expect("label $out | 1, break $out, 2", "null", "1\n", NULL);
}

static void a_long_message_is_cut(void **state) {
    (void)state;
    struct jq_engine *j = opened("error(\"x\" * 100000), 1");
    struct outcome o = {0};
    run(j, "1", 1, NULL, &o);
    assert_int_equal(o.rc, G_DATA);
    assert_int_equal(strlen(o.e.text), sizeof(o.e.text) - 1);
    buf_release(&o.results);
    jq_engine_free(j);
}

static void input_that_is_no_json_is_refused_without_quoting_it(void **state) {
    (void)state;
    expect(".", "", "", "no JSON value");
    expect(".", "{\"a\":", "", "Unfinished JSON term at EOF at line 1, column 5");
    expect(".", "[1,}", "", "Unmatched '}' at line 1, column 4");
}

static void programs_that_do_not_compile_say_why_on_one_line(void **state) {
    (void)state;
    expect_refused("foo(1)", "foo/1 is not defined");
    expect_refused("$nope", "$nope is not defined");
    expect_refused(".[", "syntax error, unexpected $end");
    expect_refused(".a\n| {a b}", "syntax error, unexpected IDENT, expecting '}'");
    expect_refused("\"u\\vw\"", "Invalid escape");
    expect_refused("break $x", "$*label-x is not defined");
    expect_refused("import \"no_such_module_x\" as m; .", "module not found: no_such_module_x");
    expect_refused("$key | foo | bar", "foo/0 is not defined");
}

static struct json_slice slice(const char *text) {
    return (struct json_slice){.p = text, .n = strlen(text)};
}

static void the_records_variables_are_seen(void **state) {
    (void)state;
    struct jq_vars vars = {.key = slice("\"k\xC3\xA4y\""),
                           .time = slice("1.5"),
                           .topic = slice("\"t\""),
                           .partition = slice("3"),
                           .offset = slice("9"),
                           .headers = slice("{\"h\":[1]}")};
    expect_vars("[., $key, $time, $topic, $partition, $offset, $headers]", "{\"a\":1}", &vars,
                "[{\"a\":1},\"k\xC3\xA4y\",1.5,\"t\",3,9,{\"h\":[1]}]\n", NULL);
    expect_vars("$headers.h[0] as $n | def f: . + $n; .a | f # $key", "{\"a\":1}", &vars, "2\n", NULL);
    expect_vars(".[] |= . + $offset", "[1,2]", &vars, "[10,11]\n", NULL);
    expect_vars("path($key | empty), path(.a)", "{}", &vars, "[\"a\"]\n", NULL);
    expect_vars("1 as $key | $key", "{}", &vars, "1\n", NULL);
    expect("[$key,$time,$topic,$partition,$offset,$headers]", "1", "[null,null,null,null,null,null]\n", NULL);
    struct jq_vars broken = {.key = slice("\"k\""), .headers = slice("{")};
    expect_vars("$key", "1", &broken, "", "Unfinished JSON term at EOF at line 1, column 1");
    expect_vars("\"$keys\"", "1", &broken, "\"$keys\"\n", NULL);
}

static void only_programs_that_mention_a_variable_read_them(void **state) {
    (void)state;
    static const struct {
        const char *program;
        bool reads;
    } cases[] = {
        {".key", false},   {"1 as $keys | $keys", false}, {"1 as $key2 | $key2", false},       {"$key", true},
        {"{$time}", true}, {".a+$offset", true},          {"1 as $keyx | $keyx + $key", true}, {"\"$topic\"", true}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct jq_engine *j = opened(cases[i].program);
        assert_int_equal(jq_engine_reads_vars(j), cases[i].reads);
        jq_engine_free(j);
    }
}

/* No other record, no descriptor, no end of the process. */
static void nothing_is_reached_but_the_record(void **state) {
    (void)state;
    static const char refused[] = "input and inputs: an expression sees one record at a time";
    expect("input", "1", "", refused);
    expect("1, inputs", "1", "1\n", refused);
    expect("[., (try input catch \"none\")]", "1", "[1,\"none\"]\n", NULL);
    expect("debug, stderr, (. | stderr | .+1)", "1", "1\n1\n2\n", NULL);
    expect("input_filename, input_line_number", "1", "null\n0\n", NULL);
    expect("1, halt, 2", "1", "1\n", "halt is not possible in an expression");
    expect("try halt_error catch 2", "\"x\"", "", "halt is not possible in an expression");
    expect("halt_error(0)", "{}", "", "halt is not possible in an expression");
    expect("try (\"no_such_module_x\" | modulemeta) catch 0", "1", "0\n", NULL);
    expect("get_search_list | type", "1", "\"array\"\n", NULL);
}

/* Arguments for which libjq 1.6 as it is ends the process, or never ends. */
static void odd_arguments_neither_abort_nor_hang(void **state) {
    (void)state;
    expect("[.[] | try (implode | \"ok\") catch \"no\"]", "[[-1],[55296],[1114112],[1.5]]",
           "[\"ok\",\"ok\",\"ok\",\"ok\"]\n", NULL);
    expect("try implode catch \"no\"", "[\"a\"]", "\"no\"\n", NULL);
    expect(". % -1, . % -1.5, (7, -7 | . % 3), (.%=-1)", "-1e19", "0\n0\n1\n-1\n0\n", NULL);
    expect("[(1, 2, 3) % (2, 3)], [9 % -2]", "1", "[1,0,1,1,2,0]\n[1]\n", NULL);
    expect("1 % .", "0", "", "number (1) and number (0) cannot be divided (remainder) because the divisor is zero");
    expect("1 % .", "\"a\"", "", "number (1) and string (\"a\") cannot be divided (remainder)");
    expect("strftime(1)", "1", "", "strftime/1 requires a string format");
    expect("strflocaltime({})", "1", "", "strflocaltime/1 requires a string format");
    expect("todate", "1e300", "", "errror converting number of seconds since epoch to datetime");
    expect("todate, todateiso8601, strftime(\"%Y\", \"%j\"), (gmtime | todate)", "1425599621",
           "\"2015-03-05T23:53:41Z\"\n\"2015-03-05T23:53:41Z\"\n\"2015\"\n\"064\"\n\"2015-03-05T23:53:41Z\"\n", NULL);
    expect("todate", "\"x\"", "", "strftime/1 requires parsed datetime inputs");
    expect("index(\"\"), rindex(\"\"), indices(\"\")", "\"ab\"", "null\nnull\n[]\n", NULL);
    expect("[index(\"a\",\"b\")], rindex(\"a\"), indices(\"a\")", "\"abab\"", "[0,1]\n2\n[0,2]\n", NULL);
    expect("index(1), rindex([1]), indices([1,2])", "[0,1,2,1]", "1\n3\n[1]\n", NULL);
    expect("index(1)", "null", "null\n", NULL);
    expect("[ltrimstr(\"a\", 1)], rtrimstr(\"c\"), (1 | ltrimstr(\"a\"))", "\"abc\"", "[\"bc\",\"abc\"]\n\"ab\"\n1\n",
           NULL);
}

/* Empty matches in text of several bytes a character. */
static void all_matches_are_found_also_empty_ones(void **state) {
    (void)state;
    static const char text[] = "\"\xC3\xA4"
                               "ba\xC3\xB6"
                               "bb\"";
    expect("gsub(\"\"; \"-\")", text, "\"-\xC3\xA4-b-a-\xC3\xB6-b-b-\"\n", NULL);
    expect("gsub(\"^\"; \">\"), gsub(\"$\"; \"<\")", "\"ab\"", "\">ab\"\n\"ab<\"\n", NULL);
    expect("[match(\"b*\"; \"g\") | [.offset, .length]]", text, "[[0,0],[1,1],[2,0],[3,0],[4,2],[6,0]]\n", NULL);
    expect("[match(\"b*\"; \"gn\").string]", text, "[\"b\",\"bb\"]\n", NULL);
    expect("gsub(\"(?<=[0-9])(?=([0-9]{3})+$)\"; \",\")", "\"1234567\"", "\"1,234,567\"\n", NULL);
    expect("[range(3) | \"x\" * 2500] | add | [match(\"$\", \"x$\", \"^\", \"x{2499}\"; \"g\").offset]", "1",
           "[7500,7499,0,0,2499,4998]\n", NULL);
}

static void substitution_and_splitting_are_as_in_jq(void **state) {
    (void)state;
    expect("sub(\"b\"; \"x\"), sub(\"B\"; \"x\"; \"gi\"), gsub(\"b\"; \"\")", "\"abab\"",
           "\"axab\"\n\"axax\"\n\"aa\"\n", NULL);
    expect("gsub(\"(?<l>[a-z])(?<d>[0-9])\"; \"\\(.d)\\(.l)\")", "\"a1b2\"", "\"1a2b\"\n", NULL);
    expect("[gsub(\"b\"; \"x\", \"y\")]", "\"bab\"", "[\"xax\",\"xay\",\"yax\",\"yay\"]\n", NULL);
    expect("gsub(\"b # letter\"; \"c\"; \"x\"), sub(\"z\"; \"x\")", "\"ab\"", "\"ac\"\n\"ab\"\n", NULL);
    expect("[scan(\"b\")], [scan(\"(b)(.)?\")]", "\"abbb\"", "[\"b\",\"b\",\"b\"]\n[[\"b\",\"b\"],[\"b\",null]]\n",
           NULL);
    expect("[splits(\", *\")], split(\"B\"; \"i\"), split(\"b\")", "\"ab, c\"",
           "[\"ab\",\"c\"]\n[\"a\",\", c\"]\n[\"a\",\", c\"]\n", NULL);
    expect("capture(\"(?<a>.)b\"), [capture(\"(?<x>b)\"; \"g\")], [match([\"B\", \"gi\"]).offset]", "\"abb\"",
           "{\"a\":\"a\"}\n[{\"x\":\"b\"},{\"x\":\"b\"}]\n[1,2]\n", NULL);
    expect("[match(\"b\").offset], [match(\"b\"; null).offset], test(\"B\"; \"gi\")", "\"abb\"", "[1]\n[1]\ntrue\n",
           NULL);
    expect("gsub(\"a\"; 1)", "\"ab\"", "", "string (\"\") and number (1) cannot be added");
    expect("sub(\"a\"; \"x\")", "1", "", "number (1) cannot be matched, as it is not a string");
    expect("gsub(\"(\"; \"x\")", "\"a\"", "", "Regex failure: end pattern with unmatched parenthesis");
}

static void emit_stops_the_run(void **state) {
    (void)state;
    struct jq_engine *j = opened("range(1e9)");
    struct outcome o = {.stop_after = 3};
    run(j, "null", 4, NULL, &o);
    assert_int_equal(o.rc, 7);
    assert_string_equal(o.results.data, "0\n1\n2\n");
    assert_string_equal(o.e.text, "");
    run(j, "null", 4, NULL, &o);
    assert_string_equal(o.results.data, "0\n1\n2\n");
    buf_release(&o.results);
    jq_engine_free(j);
}

/* [[[…]]], `depth` deep. */
static void nested(struct buf *b, size_t depth) {
    b->len = 0;
    for (size_t i = 0; i < depth; i++) assert_int_equal(buf_putc(b, '['), 0);
    for (size_t i = 0; i < depth; i++) assert_int_equal(buf_putc(b, ']'), 0);
}

static void depth_has_a_limit_in_records_and_in_results(void **state) {
    (void)state;
    struct jq_engine *j = opened(".");
    struct outcome o = {0};
    struct buf b = {0};
    nested(&b, 256);
    run(j, b.data, b.len, NULL, &o);
    assert_int_equal(o.rc, 0);
    assert_int_equal(o.results.len, 513);
    assert_memory_equal(o.results.data, b.data, 512);
    nested(&b, 100000);
    run(j, b.data, b.len, NULL, &o);
    assert_int_equal(o.rc, G_DATA);
    assert_string_equal(o.e.text, "Exceeds depth limit for parsing at line 1, column 257");
    buf_release(&b);
    buf_release(&o.results);
    jq_engine_free(j);
    expect("reduce range(300) as $i (0; [., \"\\\"<\"])", "1", "",
           "the result is nested deeper than 256, too deep for jq");
    expect("[\"<stripped>\\\"\", (\"x\" * 300 | length)], (\"x\" * 300 + \"\\\"<stripped>\" | . == .)", "1",
           "[\"<stripped>\\\"\",300]\ntrue\n", NULL);
    struct jq_engine *text = opened("\"\\\"\\\\\" * 300 + \"<stripped>\"");
    run(text, "1", 1, NULL, &o);
    assert_int_equal(o.rc, 0);
    buf_release(&o.results);
    jq_engine_free(text);
}

static void a_record_of_16_mib_comes_through(void **state) {
    (void)state;
    size_t n = (size_t)16 << 20;
    char *text = malloc(n);
    assert_non_null(text);
    memset(text, 'x', n);
    text[0] = text[n - 1] = '"';
    struct jq_engine *same = opened("."), *length = opened("$key, length, (.[0:3])"), *wrong = opened(".a");
    struct outcome o = {0};
    struct jq_vars vars = {.key = {.p = text, .n = n}};
    run(same, text, n, NULL, &o);
    assert_int_equal(o.results.len, n + 1);
    assert_memory_equal(o.results.data, text, n);
    run(length, text, n, &vars, &o);
    assert_int_equal(o.results.len, n + strlen("\n16777214\n\"xxx\"\n"));
    run(wrong, text, n, NULL, &o);
    assert_string_equal(o.e.text, "Cannot index string with string \"a\"");
    run(same, text, n - 1, NULL, &o);
    assert_string_equal(o.e.text, "Unfinished string at EOF at line 1, column 16777215");
    buf_release(&o.results);
    jq_engine_free(same);
    jq_engine_free(length);
    jq_engine_free(wrong);
    free(text);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_library_that_cannot_be_loaded_is_named_with_its_package),
        cmocka_unit_test(results_are_compact_json),
        cmocka_unit_test(text_of_any_kind_comes_through),
        cmocka_unit_test(errors_have_jqs_message_and_come_after_the_results),
        cmocka_unit_test(a_long_message_is_cut),
        cmocka_unit_test(input_that_is_no_json_is_refused_without_quoting_it),
        cmocka_unit_test(programs_that_do_not_compile_say_why_on_one_line),
        cmocka_unit_test(the_records_variables_are_seen),
        cmocka_unit_test(only_programs_that_mention_a_variable_read_them),
        cmocka_unit_test(nothing_is_reached_but_the_record),
        cmocka_unit_test(odd_arguments_neither_abort_nor_hang),
        cmocka_unit_test(all_matches_are_found_also_empty_ones),
        cmocka_unit_test(substitution_and_splitting_are_as_in_jq),
        cmocka_unit_test(emit_stops_the_run),
        cmocka_unit_test(depth_has_a_limit_in_records_and_in_results),
        cmocka_unit_test(a_record_of_16_mib_comes_through),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
