/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Programs with aggregates, and groups (expr/aggregates.h): which calls are taken out and what is left, on every kind
 * of expression, and the words for what cannot be. The aggregates here are names only: the i-th call, from 0, has the
 * result 10 * (i + 1).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "expr/aggregates.h"
#include "expr/plan.h"

/* ---- the stand-in for the aggregates of state/ ---- */

static const struct {
    const char *name;
    unsigned arguments;
    int constant;
} entries[] = {
    {"count", 0, -1}, {"count", 1, -1},   {"sum", 1, -1},    {"mean", 1, -1},     {"min", 1, -1},  {"max", 1, -1},
    {"first", 1, -1}, {"last", 1, -1},    {"any", 1, -1},    {"distinct", 1, -1}, {"p50", 1, -1},  {"quantile", 2, 1},
    {"topk", 2, 0},   {"collect", 1, -1}, {"collect", 2, 0}, {"rate", 0, -1},     {"rate", 1, -1}, {"stddev", 1, -1},
};
#define ENTRIES (sizeof entries / sizeof *entries)

static bool is_percentile(const char *name, size_t n) {
    char text[16], *end;
    if (n < 2 || n >= sizeof text || name[0] != 'p' || name[1] < '0' || name[1] > '9') return false;
    memcpy(text, name + 1, n - 1);
    text[n - 1] = '\0';
    return strtod(text, &end) <= 100 && *end == '\0';
}

static bool find(const char *name, size_t n, unsigned arguments, int *ret_constant) {
    *ret_constant = -1;
    if (is_percentile(name, n)) return arguments == 1;
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
static const char *const fields[] = {"window_start", "user", NULL};

/* ---- taking programs apart ---- */

static const char record_json[] = "{\"b\":4,\"u\":\"x\",\"t\":[1,2],\"o\":{\"p\":7}}";
static const char window_json[] = "{\"window_start\":\"S\",\"user\":\"me\"}";

struct joined {
    struct buf *out;
    const char *between;
    unsigned n;
};

static int join(void *ctx, struct expr_run *r, struct value v) {
    struct joined *j = ctx;
    struct err e;
    if (j->n++) assert_int_equal(buf_puts(j->out, j->between), 0);
    assert_int_equal(expr_value_write(r, v, j->out, &e), 0);
    return 0;
}

static void begin(struct expr_run *r, struct record *record, const char *json) {
    *record = (struct record){.value = json, .value_size = strlen(json), .value_type = VALUE_JSON, .time = NO_TIME};
    struct expr_input in = {.record = record, .topic = "clicks", .partition = 3};
    expr_begin(r, &in);
}

/* " ARGUMENT'S RESULTS, …" on the record. */
static void write_argument(struct expr_run *r, const struct aggregate_call *call, struct buf *out) {
    struct record record;
    struct err e = {0};
    struct joined j = {out, ",", 0};
    if (!call->argument) return;
    assert_int_equal(buf_puts(out, " "), 0);
    begin(r, &record, record_json);
    if (expr_each(r, call->argument, join, &j, &e) < 0) assert_int_equal(buf_puts(out, e.text), 0);
}

static void write_call(struct expr_run *r, const struct aggregate_call *call, struct buf *out) {
    struct err e;
    assert_int_equal(buf_printf(out, "%.*s/%u", (int)call->name_size, call->name, call->arguments), 0);
    assert_memory_equal(call->text, call->name, call->name_size);
    if (call->constant.kind != VK_NULL) {
        assert_int_equal(buf_puts(out, " <"), 0);
        assert_int_equal(expr_value_write(r, call->constant, out, &e), 0);
        assert_int_equal(buf_puts(out, ">"), 0);
    }
    write_argument(r, call, out);
    assert_int_equal(buf_puts(out, "\n"), 0);
}

/* The window's run: what each result is; writing it at once must give the same. */
static void write_results(struct expr_run *r, const struct aggregate_program *p, struct buf *out) {
    struct record record;
    struct err e = {0};
    struct buf at_once = {0};
    struct joined j = {out, "\n", 0};
    size_t from = out->len;
    begin(r, &record, p->reads_window ? window_json : "0");
    for (size_t i = 0; i < p->n; i++) expr_set_variable(r, i, value_int(10 * ((int64_t)i + 1)));
    int g = expr_each(r, p->result, join, &j, &e);
    if (g < 0) assert_int_equal(buf_puts(out, e.text), 0);
    struct err again = {0};
    int written = expr_write_only(r, p->result, &at_once, &again);
    if (written == 1) {
        assert_int_equal(at_once.len, out->len - from);
        assert_memory_equal(at_once.data, out->data + from, at_once.len);
    } else if (written < 0) {
        assert_string_equal(again.text, e.text);
    }
    buf_release(&at_once);
}

/* The calls with their arguments' results on the record, a line each, and the results of the rest; or the error. */
static char *take_apart(const char *program) {
    struct expr_set *records = expr_set_new(EXPR_AUTO), *results = expr_set_new(EXPR_AUTO);
    struct aggregate_program *p = NULL;
    struct expr_run *r, *w;
    struct buf out = {0}, plan = {0};
    struct err e = {0};
    assert_non_null(records);
    assert_non_null(results);
    int g = expr_add_aggregates(records, results, "aggregates", program, &names, fields, &p, &e);
    if (g == 0) {
        assert_int_equal(expr_explain(p->result, &plan), 0);
        assert_memory_equal(buf_cstr(&plan), "engine: native\n", 15);
        assert_int_equal(expr_run_new(records, &r, &e), 0);
        assert_int_equal(expr_run_new(results, &w, &e), 0);
        for (size_t i = 0; i < p->n; i++) write_call(r, &p->calls[i], &out);
        write_results(w, p, &out);
        expr_run_free(r);
        expr_run_free(w);
    } else {
        assert_int_equal(g, e.grade);
        assert_int_equal(g, G_USAGE);
        assert_null(p);
        assert_int_equal(buf_puts(&out, e.text), 0);
    }
    aggregate_program_free(p);
    expr_set_free(records);
    expr_set_free(results);
    buf_release(&plan);
    char *text = strdup(buf_cstr(&out));
    buf_release(&out);
    return text;
}

#define GIVES(program, expected)                                                                                       \
    do {                                                                                                               \
        char *got_ = take_apart(program);                                                                              \
        assert_string_equal(got_, expected);                                                                           \
        free(got_);                                                                                                    \
    } while (0)

/* The message alone, and where its caret is: both lines are checked. */
#define FAILS(program, message, caret) GIVES(program, "aggregates: " message "\n  " program "\n" caret)

/* ---- what is taken out ---- */

static void calls_become_variables(void **state) {
    (void)state;
    GIVES("count", "count/0\n10");
    GIVES("{n: count, avg: (sum(.b) / count), p: p50(.b)}", "count/0\nsum/1 4\np50/1 4\n{\"n\":10,\"avg\":2,\"p\":30}");
    GIVES("{s: sum(.t[]), none: sum(empty)}", "sum/1 1,2\nsum/1 \n{\"s\":10,\"none\":20}");
    GIVES("{a: 1}", "{\"a\":1}");
    GIVES("count, sum(.b)", "count/0\nsum/1 4\n10\n20");
    GIVES("[count, -count, (count | tostring), \"n=\\(count)\", @json \"\\(sum(.b))\"]",
          "count/0\nsum/1 4\n[10,-10,\"10\",\"n=10\",\"20\"]");
    GIVES("{a: (count == 10 and rate > 5), b: (mean(.b) // 0), c: (count % 3)}",
          "count/0\nrate/0\nmean/1 4\n{\"a\":true,\"b\":30,\"c\":1}");
    GIVES("if count > 5 then sum(.b) elif rate then 2 else \"few\" end", "count/0\nsum/1 4\nrate/0\n20");
    GIVES("{(\"n\\(count)\"): 1, \"x\\(rate)\": 2}", "count/0\nrate/0\n{\"n10\":1,\"x20\":2}");
    GIVES("[count, rate][count - 9]", "count/0\nrate/0\n20");
    GIVES("try error(\"n \\(count)\") catch .", "count/0\n\"n 10\"");
    GIVES("count / 0", "count/0\naggregates: number (10) and number (0) cannot be divided because the divisor is zero\n"
                       "  count / 0\n        ^");
}

static void equal_calls_are_one(void **state) {
    (void)state;
    GIVES("[sum(.b), sum( .b ), sum(.t[]), sum(.b), count(.b), sum(.b + 1), sum(.b - 1)]",
          "sum/1 4\nsum/1 1,2\ncount/1 4\nsum/1 5\nsum/1 3\n[10,10,20,10,30,40,50]");
    GIVES("[topk(3; .u), topk(2; .u), topk(3; .u)]", "topk/2 <3> \"x\"\ntopk/2 <2> \"x\"\n[10,20,10]");
    GIVES("[sum(. as [$x] ?// $x | 1)]",
          "aggregates: alternative patterns (?//) are not native\n  [sum(. as [$x] ?// $x | 1)]\n         ^");
    GIVES("[sum(. as {b: $x} | $x), sum(. as {b: $x} | $x), sum(. as {$b} | $b), sum(. as {b: $y} | $y)]",
          "sum/1 4\nsum/1 4\nsum/1 4\n[10,10,20,30]");
    GIVES("[sum(.t as [$x] | .b), sum(.t as [$y] | .b), sum(.o as {$p} | .b), sum(.o as {p: $p} | .b)]",
          "sum/1 4\nsum/1 4\nsum/1 4\nsum/1 4\n[10,20,30,40]");
    GIVES("[sum(def f(x): x; f(.b)), sum(def f(x): x; f(.b)), sum(def f($x): $x; f(.b))]",
          "sum/1 4\nsum/1 4\n[10,10,20]");
    GIVES("[sum(\"1\"), sum(1), sum(null), sum(false), sum(.b?), sum(.b)]",
          "sum/1 \"1\"\nsum/1 1\nsum/1 null\nsum/1 false\nsum/1 4\nsum/1 4\n[10,20,30,40,50,60]");
}

static void calls_with_one_argument_share_its_program(void **state) {
    (void)state;
    struct expr_set *records = expr_set_new(EXPR_NATIVE), *results = expr_set_new(EXPR_NATIVE);
    struct aggregate_program *p;
    struct err e = {0};
    assert_int_equal(expr_add_aggregates(records, results, "w", "[sum(.b), mean(.b), topk(3; .b), max(.u), count]",
                                         &names, fields, &p, &e),
                     0);
    assert_int_equal(p->n, 5);
    assert_ptr_equal(p->calls[0].argument, p->calls[1].argument);
    assert_ptr_equal(p->calls[0].argument, p->calls[2].argument);
    assert_ptr_not_equal(p->calls[0].argument, p->calls[3].argument);
    assert_null(p->calls[4].argument);
    assert_int_equal(records->n, 2);
    assert_int_equal(p->calls[2].text_size, 11);
    assert_memory_equal(p->calls[2].text, "topk(3; .b)", 11);
    assert_int_equal(p->calls[2].at, 20);
    assert_int_equal(p->calls[4].text_size, 5);
    assert_memory_equal(p->calls[4].text, "count]", 6);
    assert_false(p->reads_window);
    /* In any order. */
    expr_set_free(results);
    aggregate_program_free(p);
    struct expr_run *r;
    struct record record;
    struct value v;
    int64_t i;
    double d;
    assert_int_equal(expr_run_new(records, &r, &e), 0);
    begin(r, &record, record_json);
    assert_int_equal(expr_first(r, records->programs[0], &v, &e), 1);
    assert_true(value_number(v, &i, &d));
    assert_int_equal(i, 4);
    expr_run_free(r);
    expr_set_free(records);
    aggregate_program_free(NULL);
}

static void percentiles_have_a_dot(void **state) {
    (void)state;
    GIVES("{p99.9: p99.9(.b), p0.1: p0.1(.b)}", "p99.9/1 4\np0.1/1 4\n{\"p99.9\":10,\"p0.1\":20}");
    GIVES("p50(.b).x?", "p50/1 4\n");
    FAILS("p99 .9(.b)", "syntax error: an operator or the end expected instead of '.9'", "      ^");
    FAILS("p99.9x(.b)", "syntax error: an operator or the end expected instead of '.9'", "     ^");
    FAILS("p.9(.b)", "syntax error: an operator or the end expected instead of '.9'", "   ^");
    FAILS("q1.9(.b)", "syntax error: an operator or the end expected instead of '.9'", "    ^");
}

static void constants_are_computed(void **state) {
    (void)state;
    GIVES("[quantile(.b; 0.99), quantile(.b; 1/4), topk(-3; .u), collect(.u), collect(\"a\" + \"b\"; .u)]",
          "quantile/2 <0.99> 4\nquantile/2 <0.25> 4\ntopk/2 <-3> \"x\"\ncollect/1 \"x\"\ncollect/2 <\"ab\"> \"x\"\n"
          "[10,20,30,40,50]");
    GIVES("def k: 2 + 3; topk(k; .u)", "topk/2 <5> \"x\"\n10");
    GIVES("topk(18446744073709551616; .u)", "topk/2 <18446744073709551616> \"x\"\n10");
    GIVES("topk(\"12\" | tonumber; .u)", "topk/2 <12> \"x\"\n10");
    FAILS("topk(.k; .u)", "the first argument of topk must be constant, as in topk(3; EXPR)", "       ^");
    FAILS("topk(1, 2; .u)", "the first argument of topk must be constant, as in topk(3; EXPR)", "        ^");
    FAILS("quantile(.b; now)", "the second argument of quantile must be constant, as in quantile(EXPR; 0.99)",
          "               ^");
    FAILS("topk(last(range(9)); .u)", "the first argument of topk must be constant, as in topk(3; EXPR)", "       ^");
    FAILS("topk($offset; .u)", "$offset is not constant", "       ^");
    FAILS("topk(k; .u)", "function k/0 is not known", "       ^");
    FAILS("topk(1 / 0; .u)", "number (1) and number (0) cannot be divided because the divisor is zero", "         ^");
}

/* ---- where . is the window ---- */

static void the_window_has_its_fields(void **state) {
    (void)state;
    GIVES("{start: .window_start, n: count, who: (.user | ascii_upcase)}",
          "count/0\n{\"start\":\"S\",\"n\":10,\"who\":\"ME\"}");
    GIVES("{user}", "{\"user\":\"me\"}");
    GIVES(". + {n: count}", "count/0\n{\"window_start\":\"S\",\"user\":\"me\",\"n\":10}");
    GIVES(".n = count", "count/0\n{\"window_start\":\"S\",\"user\":\"me\",\"n\":10}");
    GIVES("count as $n | .m += $n", "count/0\n{\"window_start\":\"S\",\"user\":\"me\",\"m\":10}");
    GIVES("{a: [.[\"user\"], .\"user\"]}", "{\"a\":[\"me\",\"me\"]}");
    GIVES("{n: {m: count}} | .n.m", "count/0\n10");
    FAILS("{a: .status}", "'.status' is not a field of the window; put it into an aggregate, such as last(.status)",
          "      ^");
    FAILS(".status", "'.status' is not a field of the window; put it into an aggregate, such as last(.status)", "  ^");
    FAILS("count + .o.p.q", "'.o' is not a field of the window; put it into an aggregate, such as last(.o.p.q)",
          "          ^");
    FAILS("\"\\(.s?)\"", "'.s' is not a field of the window; put it into an aggregate, such as last(.s)", "     ^");
    FAILS("if .[\"a b\"] then 1 else 2 end",
          "'.\"a b\"' is not a field of the window; put it into an aggregate, such as last(.\"a b\")", "      ^");
    FAILS("{count}", "'.count' is not a field of the window; write {count: count}", "   ^");
    FAILS("{sum}", "'.sum' is not a field of the window; write {sum: sum(EXPR)}", "   ^");
    FAILS("{n: count, status}", "'.status' is not a field of the window; write {status: last(.status)}",
          "             ^");
    FAILS("{k: $key}", "$key is a record's, not the window's; put it into an aggregate, such as last($key)", "      ^");
    FAILS("{a: 1} | . + $time", "$time is a record's, not the window's; put it into an aggregate, such as last($time)",
          "               ^");
    GIVES("{k: last($topic)}", "last/1 \"clicks\"\n{\"k\":10}");
    GIVES("count as $key | $key", "count/0\n10");
}

static void it_is_not_behind_a_pipe(void **state) {
    (void)state;
    GIVES("{n: count, s: sum(.b)} | select(.n > 1)", "count/0\nsum/1 4\n{\"n\":10,\"s\":20}");
    GIVES("{n: count} | select(.n > 10)", "count/0\n");
    GIVES("{n: count, s: sum(.b)} | with_entries(.value += 1) | .s", "count/0\nsum/1 4\n21");
    GIVES("[3, 1, 2] | min, (map(. + 1) | first, last, max)", "1\n4\n3\n4");
    GIVES("collect(.b) | [., .] | any, first(.[])", "collect/1 4\ntrue\n10");
    GIVES("reduce (count, rate) as $x (sum(.b); . + $x)", "count/0\nrate/0\nsum/1 4\n60");
    GIVES("[foreach (count, rate) as $x (0; . + $x; [., $x])]", "count/0\nrate/0\n[[10,10],[30,20]]");
    GIVES("count as $n | rate as [$a] ?// $a | 1",
          "aggregates: alternative patterns (?//) are not native\n  count as $n | rate as [$a] ?// $a | 1\n"
          "                     ^");
    GIVES("count as $n | {$n, twice: ($n * 2), s: (sum(.b) + $n)}",
          "count/0\nsum/1 4\n{\"n\":10,\"twice\":20,\"s\":30}");
    GIVES("{a: 5} as {a: $x} | $x + count", "count/0\n15");
    GIVES("label $out | (count, break $out, rate)", "count/0\nrate/0\n10");
    FAILS("{n: 1} | select(count > 1)",
          "count is an aggregate of the window, and here '.' is something else; bind it in front: count as $x | …",
          "                  ^");
    FAILS("select(sum(.b) > 1)",
          "sum is an aggregate of the window, and here '.' is something else; bind it in front: sum(EXPR) as $x | …",
          "         ^");
    FAILS(".n |= rate",
          "rate is an aggregate of the window, and here '.' is something else; bind it in front: rate as $x | …",
          "        ^");
    FAILS("{} as {(rate): $x} | $x",
          "rate is an aggregate of the window, and here '.' is something else; bind it in front: rate as $x | …",
          "          ^");
    FAILS("reduce 1 as $x (0; rate)",
          "rate is an aggregate of the window, and here '.' is something else; bind it in front: rate as $x | …",
          "                     ^");
}

static void values_are_computed_in_the_window(void **state) {
    (void)state;
    GIVES("pow(count; 2)", "count/0\n100");
    GIVES("[range(count; sum(.b); 3)]", "count/0\nsum/1 4\n[10,13,16,19]");
    GIVES("[limit(count - 9; 7, 8)]", "count/0\n[7]");
    GIVES("try error(count) catch . + 1", "count/0\n11");
    GIVES("def ratio($a; $b): $a / $b; ratio(sum(.b); count)", "sum/1 4\ncount/0\n0.5");
    FAILS("def ratio(a; b): a / b; ratio(1; sum(.b))",
          "sum is an aggregate of the window, and here '.' is something else; bind it in front: sum(EXPR) as $x | …",
          "                                   ^");
    FAILS("def r: sum(.b); r",
          "sum is an aggregate of the window, and here '.' is something else; bind it in front: sum(EXPR) as $x | …",
          "         ^");
}

/* ---- arguments ---- */

static void definitions_in_front_are_for_all(void **state) {
    (void)state;
    GIVES("def kb: . / 2; {s: sum(.b | kb), t: (count | kb)}", "sum/1 2\ncount/0\n{\"s\":10,\"t\":10}");
    GIVES("def a: 1; def b: a + 1; def c(f): f + b; [sum(.b | c(.)), mean(a)]", "sum/1 6\nmean/1 1\n[10,20]");
    GIVES("def count: 7; {n: count, s: sum(count)}", "sum/1 7\n{\"n\":7,\"s\":10}");
    GIVES("def k: $key; [last(k)]", "last/1 null\n[10]");
    FAILS("def k: $key; [k]", "$key is a record's, not the window's; put it into an aggregate, such as last($key)",
          "         ^");
    FAILS("{a: (def g: .b; sum(g))}",
          "'g' is defined inside the program; only definitions in front of it can be used in an aggregate's argument",
          "                      ^");
    GIVES("{a: (def g: . + 1; count | g)}", "count/0\n{\"a\":11}");
    GIVES("[sum(def g: .b; g), (def min: 5; min)]", "sum/1 4\n[10,5]");
}

static void arguments_know_the_record_alone(void **state) {
    (void)state;
    GIVES("[sum([.t[] | . * 2] | max), count(.t | any), last(first(.t[])), sum(reduce .t[] as $x (0; . + $x))]",
          "sum/1 4\ncount/1 true\nlast/1 1\nsum/1 3\n[10,20,30,40]");
    GIVES("sum(.u + 1)",
          "sum/1 aggregates: string (\"x\") and number (1) cannot be added\n  sum(.u + 1)\n         ^\n10");
    FAILS("5 as $k | sum(.b * $k)",
          "$k is bound outside of this aggregate, whose argument runs on each record; for a constant, write 'def name: "
          "…;' "
          "in front of the program",
          "                     ^");
    FAILS(
        "5 as $key | last($key)",
        "$key is bound outside of this aggregate, whose argument runs on each record; for a constant, write 'def name: "
        "…;' in front of the program",
        "                   ^");
    GIVES("5 as $k | sum(6 as $k | $k)", "sum/1 6\n10");
    FAILS("sum($nope)", "variable $nope is not defined", "      ^");
    FAILS("mean(sum(.b))", "sum is an aggregate, and there is none in an argument of another one", "       ^");
    FAILS("{s: sum(bytes)}", "function bytes/0 is not known; did you mean .bytes?", "          ^");
    FAILS("sum(nope(1))", "function nope/1 is not known", "      ^");
    FAILS("def f: if . < 1 then 1 else . - 1 | f end; sum(.b | f)", "function f/0 is recursive, which is not native",
          "                                      ^");
    FAILS("sum(@nope)", "there is no format @nope", "      ^");
    FAILS("sum(.b", "syntax error: ')' expected at the end", "        ^");
    FAILS("", "syntax error: an expression expected at the end", "  ^");
}

/* ---- names that are not known ---- */

static void near_names_are_suggested(void **state) {
    (void)state;
    FAILS("{a: avg(.b)}", "function avg/1 is not known; did you mean 'mean'?", "      ^");
    FAILS("{a: SUM(.b)}", "function SUM/1 is not known; did you mean 'sum'?", "      ^");
    FAILS("{a: P99.9(.b)}", "syntax error: '}' expected instead of '.9'", "         ^");
    FAILS("{a: P99(.b)}", "function P99/1 is not known; did you mean 'p99'?", "      ^");
    FAILS("distinc(.b)", "function distinc/1 is not known; did you mean 'distinct'?", "  ^");
    FAILS("maximum(.b)", "function maximum/1 is not known; did you mean 'max'?", "  ^");
    FAILS("total(.b)", "function total/1 is not known; did you mean 'sum'?", "  ^");
    FAILS("nope(.b)", "function nope/1 is not known", "  ^");
    FAILS("variance(.b)", "function variance/1 is not known", "  ^"); /* these names have no var */
    FAILS("{a: status}", "function status/0 is not known; did you mean last(.status)?", "      ^");
    FAILS("p101(.b)", "'p101' is no percentile: those are p0 to p100, such as p50(EXPR) and p99.9(EXPR)", "  ^");
    FAILS("[count] | map(nope)", "function nope/0 is not known; did you mean .nope?", "                ^");
}

static void numbers_of_arguments_are_told(void **state) {
    (void)state;
    FAILS("topk(.u)", "topk takes 2 arguments: topk(k; EXPR)", "  ^");
    FAILS("{q: quantile(.b)}", "quantile takes 2 arguments: quantile(EXPR; q)", "      ^");
    FAILS("sum", "sum takes 1 argument: sum(EXPR)", "  ^");
    FAILS("{m: min}", "min takes 1 argument: min(EXPR)", "      ^");
    FAILS("sum(.a; .b)", "sum takes 1 argument: sum(EXPR)", "  ^");
    FAILS("count(.a; .b)", "count takes 0 or 1 arguments: count or count(EXPR)", "  ^");
    FAILS("collect(1; 2; 3)", "collect takes 1 or 2 arguments: collect(EXPR) or collect(k; EXPR)", "  ^");
    FAILS("p99.9", "p99.9 takes 1 argument: p99.9(EXPR)", "  ^");
    GIVES("any((1, 2); . > 1)", "true"); /* that one is jq's */
}

static void there_is_a_limit(void **state) {
    (void)state;
    struct buf program = {0};
    assert_int_equal(buf_puts(&program, "[0"), 0);
    for (int i = 0; i < 1000; i++) assert_int_equal(buf_printf(&program, ", sum(.b + %d)", i), 0);
    size_t n = program.len;
    assert_int_equal(buf_puts(&program, "] | length"), 0);
    char *got = take_apart(buf_cstr(&program));
    assert_non_null(strstr(got, "\n1001"));
    free(got);
    program.len = n;
    assert_int_equal(buf_puts(&program, ", count]"), 0);
    got = take_apart(buf_cstr(&program));
    assert_memory_equal(got, "aggregates: more than 1000 aggregates\n", 38);
    free(got);
    program.len = 0;
    for (int i = 0; i < 2000; i++) assert_int_equal(buf_puts(&program, "1+"), 0);
    assert_int_equal(buf_puts(&program, "count"), 0);
    got = take_apart(buf_cstr(&program));
    assert_memory_equal(got, "aggregates: the program is too deeply nested\n", 45);
    free(got);
    buf_release(&program);
}

/* ---- groups ---- */

/* "name: RESULT" a line, or the error. */
static char *take_groups(const char *program) {
    struct expr_set *set = expr_set_new(EXPR_AUTO);
    struct expr_group *groups = NULL;
    size_t n = 0;
    struct expr_run *r;
    struct buf out = {0};
    struct err e = {0};
    struct record record;
    int g = expr_add_groups(set, "-g", program, &groups, &n, &e);
    if (g == 0) {
        assert_int_equal(expr_run_new(set, &r, &e), 0);
        for (size_t i = 0; i < n; i++) {
            struct joined j = {&out, ",", 0};
            assert_int_equal(buf_printf(&out, "%s: ", groups[i].name), 0);
            begin(r, &record, record_json);
            if (expr_each(r, groups[i].expr, join, &j, &e) < 0) assert_int_equal(buf_puts(&out, e.text), 0);
            assert_int_equal(buf_puts(&out, "\n"), 0);
        }
        expr_run_free(r);
    } else {
        assert_int_equal(g, G_USAGE);
        assert_int_equal(e.grade, G_USAGE);
        assert_null(groups);
        assert_int_equal(buf_puts(&out, e.text), 0);
    }
    expr_groups_free(groups, n);
    expr_set_free(set);
    char *text = strdup(buf_cstr(&out));
    buf_release(&out);
    return text;
}

#define GROUPS(program, expected)                                                                                      \
    do {                                                                                                               \
        char *got_ = take_groups(program);                                                                             \
        assert_string_equal(got_, expected);                                                                           \
        free(got_);                                                                                                    \
    } while (0)
#define NO_GROUPS(program, message, caret) GROUPS(program, "-g: " message "\n  " program "\n" caret)

static void groups_have_names(void **state) {
    (void)state;
    GROUPS(".u", "u: \"x\"\n");
    GROUPS(".u, .o.p, .b?", "u: \"x\"\np: 7\nb: 4\n");
    GROUPS("{user: .u, half: (.b / 2), $key}", "user: \"x\"\nhalf: 2\nkey: null\n");
    GROUPS(".u, {t: .t[0]}, .\"x y\"", "u: \"x\"\nt: 1\nx y: null\n");
    GROUPS("{u, \"a b\": 1}", "u: \"x\"\na b: 1\n");
    GROUPS("def h: . / 2; .u, {half: (.b | h)}", "u: \"x\"\nhalf: 2\n");
    GROUPS(".t[].x", "x: -g: Cannot index number with string \"x\"\n  .t[].x\n      ^\n");
    NO_GROUPS("country", "function country/0 is not known; did you mean .country?", "  ^");
    NO_GROUPS(".u, user.id", "function user/0 is not known; did you mean .user?", "      ^");
    NO_GROUPS("{c: country}", "function country/0 is not known; did you mean .country?", "      ^");
    NO_GROUPS(".b + 1", "name this group: -g '{name: EXPR}'", "     ^");
    NO_GROUPS(".t[0]", "name this group: -g '{name: EXPR}'", "    ^");
    NO_GROUPS(".u, $key", "name this group: -g '{name: EXPR}'", "      ^");
    NO_GROUPS(".u | .x", "name this group: -g '{name: EXPR}'", "     ^");
    NO_GROUPS("(1 | .x)", "name this group: -g '{name: EXPR}'", "     ^");
    NO_GROUPS(".a.id, .b.id", "two groups are named 'id'; give each a name: -g '{name: EXPR, other: EXPR}'",
              "           ^");
    NO_GROUPS("{a: .u, \"a\": .b}", "two groups are named 'a'; give each a name: -g '{name: EXPR, other: EXPR}'",
              "          ^");
    NO_GROUPS("{}", "there is no group in the object", "  ^");
    NO_GROUPS("{(.u): 1}", "the name of a group must be a constant string", "    ^");
    NO_GROUPS("{\"a\\u0000\": 1}", "the name of a group cannot have a NUL in it", "   ^");
    NO_GROUPS(".u,", "syntax error: an expression expected at the end", "     ^");
    NO_GROUPS("{a: $x}", "variable $x is not defined", "      ^");
    expr_groups_free(NULL, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(calls_become_variables),
        cmocka_unit_test(equal_calls_are_one),
        cmocka_unit_test(calls_with_one_argument_share_its_program),
        cmocka_unit_test(percentiles_have_a_dot),
        cmocka_unit_test(constants_are_computed),
        cmocka_unit_test(the_window_has_its_fields),
        cmocka_unit_test(it_is_not_behind_a_pipe),
        cmocka_unit_test(values_are_computed_in_the_window),
        cmocka_unit_test(definitions_in_front_are_for_all),
        cmocka_unit_test(arguments_know_the_record_alone),
        cmocka_unit_test(near_names_are_suggested),
        cmocka_unit_test(numbers_of_arguments_are_told),
        cmocka_unit_test(there_is_a_limit),
        cmocka_unit_test(groups_have_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
