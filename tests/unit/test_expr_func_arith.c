/* SPDX-License-Identifier: Apache-2.0 */
/*
 * expr/func_arith.c: the operators on all kinds of values, exact integers, error texts; expected is what jq 1.6 does,
 * except that integers are exact and error texts are cut between characters.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "expr/func_arith.h"
#include "func_cases.h"

typedef int arith_fn(struct heap *h, struct value a, struct value b, struct value *ret);

/* value_add and others are inline: these can be pointed to. */
#define ARITH(name)                                                                                                    \
    static int arith_##name(struct heap *h, struct value a, struct value b, struct value *ret) {                       \
        return value_##name(h, a, b, ret);                                                                             \
    }
ARITH(add)
ARITH(subtract)
ARITH(multiply)
ARITH(divide)
ARITH(modulo)

struct arith_case {
    arith_fn *fn;
    const char *a, *b, *expect;
};

static const struct arith_case cases[] = {
    {arith_add, "1", "2", "3"},
    {arith_add, "1.5", "2", "3.5"},
    {arith_add, "null", "1", "1"},
    {arith_add, "1", "null", "1"},
    {arith_add, "null", "null", "null"},
    {arith_add, "\"a\"", "\"b\"", "\"ab\""},
    {arith_add, "\"a\"", "\"\"", "\"a\""},
    {arith_add, "[1]", "[2,3]", "[1,2,3]"},
    {arith_add, "[]", "[1]", "[1]"},
    {arith_add, "[1]", "[]", "[1]"},
    {arith_add, "{\"a\":1,\"b\":2}", "{\"b\":3,\"c\":4}", "{\"a\":1,\"b\":3,\"c\":4}"},
    {arith_add, "{}", "{\"a\":1}", "{\"a\":1}"},
    {arith_add, "{\"a\":1}", "{}", "{\"a\":1}"},
    {arith_add, "\"a\"", "1", "!string (\"a\") and number (1) cannot be added"},
    {arith_add, "{}", "1", "!object ({}) and number (1) cannot be added"},
    {arith_add, "{\"a\":\"abcdefghijklmnopqrst\"}", "1", "!object ({\"a\":\"abcde...) and number (1) cannot be added"},
    {arith_add, "true", "1", "!boolean (true) and number (1) cannot be added"},
    {arith_add, "[1]", "{}", "!array ([1]) and object ({}) cannot be added"},
    {arith_add, "\"0123456789abcdef\"", "1", "!string (\"0123456789...) and number (1) cannot be added"},
    {arith_add, "\"0123456789ab\"", "1", "!string (\"0123456789ab\") and number (1) cannot be added"},
    {arith_add, "\"0123456789abc\"", "1", "!string (\"0123456789...) and number (1) cannot be added"},
    {arith_add, "\"ééééééééééé\"", "1", "!string (\"ééééé...) and number (1) cannot be added"},
    {arith_add, "\"aéééééééééé\"", "1", "!string (\"aéééé...) and number (1) cannot be added"},
    {arith_add, "9007199254740993", "1", "9007199254740994"},
    {arith_add, "9223372036854775807", "1", "9223372036854776000"},
    {arith_add, "-9223372036854775808", "-1", "-9223372036854776000"},
    {arith_add, "9223372036854775807", "0.0", "9223372036854776000"},
    {arith_subtract, "3", "5", "-2"},
    {arith_subtract, "1.5", "0.5", "1"},
    {arith_subtract, "[1,2,1,3]", "[1]", "[2,3]"},
    {arith_subtract, "[1,2]", "[]", "[1,2]"},
    {arith_subtract, "[]", "[1]", "[]"},
    {arith_subtract, "[[1],\"a\",null]", "[\"a\",[1]]", "[null]"},
    {arith_subtract, "[1,1.0,2]", "[1]", "[2]"},
    {arith_subtract, "[1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,\"x\"]",
     "[20,19,18,17,16,15,14,13,12,11,10,9,8,7,6,5,4,3,2]", "[1,\"x\"]"},
    {arith_subtract, "1", "\"a\"", "!number (1) and string (\"a\") cannot be subtracted"},
    {arith_subtract, "\"a\"", "\"a\"", "!string (\"a\") and string (\"a\") cannot be subtracted"},
    {arith_subtract, "{}", "{}", "!object ({}) and object ({}) cannot be subtracted"},
    {arith_subtract, "null", "1", "!null (null) and number (1) cannot be subtracted"},
    {arith_subtract, "[1]", "1", "!array ([1]) and number (1) cannot be subtracted"},
    {arith_subtract, "-9223372036854775808", "1", "-9223372036854776000"},
    {arith_subtract, "9007199254740993", "1", "9007199254740992"},
    {arith_multiply, "3", "4", "12"},
    {arith_multiply, "1.5", "2", "3"},
    {arith_multiply, "\"ab\"", "3", "\"ababab\""},
    {arith_multiply, "3", "\"ab\"", "\"ababab\""},
    {arith_multiply, "\"ab\"", "0", "null"},
    {arith_multiply, "\"ab\"", "-1", "null"},
    {arith_multiply, "\"ab\"", "0.5", "\"ab\""},
    {arith_multiply, "\"ab\"", "1.5", "\"ab\""},
    {arith_multiply, "\"ab\"", "2.7", "\"abab\""},
    {arith_multiply, "\"\"", "1000000000000", "\"\""},
    {arith_multiply, "\"ab\"", "1e10", "!Repeat string result too long"},
    {arith_multiply, "{\"a\":{\"b\":1}}", "{\"a\":{\"c\":2}}", "{\"a\":{\"b\":1,\"c\":2}}"},
    {arith_multiply, "{\"a\":{\"b\":1}}", "{\"a\":null}", "{\"a\":null}"},
    {arith_multiply, "{\"a\":null}", "{\"a\":{\"b\":1}}", "{\"a\":{\"b\":1}}"},
    {arith_multiply, "{\"a\":{\"x\":{\"p\":1}},\"k\":1}", "{\"a\":{\"x\":{\"q\":2},\"y\":3}}",
     "{\"a\":{\"x\":{\"p\":1,\"q\":2},\"y\":3},\"k\":1}"},
    {arith_multiply, "{}", "{}", "{}"},
    {arith_multiply, "[]", "2", "!array ([]) and number (2) cannot be multiplied"},
    {arith_multiply, "null", "null", "!null (null) and null (null) cannot be multiplied"},
    {arith_multiply, "\"a\"", "\"b\"", "!string (\"a\") and string (\"b\") cannot be multiplied"},
    {arith_multiply, "3037000500", "3037000500", "9223372037000250000"},
    {arith_multiply, "3037000499", "3037000499", "9223372030926249001"},
    {arith_multiply, "-1", "-9223372036854775808", "9223372036854776000"},
    {arith_divide, "6", "3", "2"},
    {arith_divide, "5", "2", "2.5"},
    {arith_divide, "-7", "7", "-1"},
    {arith_divide, "1.5", "0.5", "3"},
    {arith_divide, "\"a,b,c\"", "\",\"", "[\"a\",\"b\",\"c\"]"},
    {arith_divide, "\"abc\"", "\"\"", "[\"a\",\"b\",\"c\"]"},
    {arith_divide, "\"\"", "\",\"", "[]"},
    {arith_divide, "1", "\"a\"", "!number (1) and string (\"a\") cannot be divided"},
    {arith_divide, "[]", "[]", "!array ([]) and array ([]) cannot be divided"},
    {arith_divide, "1", "0", "!number (1) and number (0) cannot be divided because the divisor is zero"},
    {arith_divide, "0", "0.0", "!number (0) and number (0) cannot be divided because the divisor is zero"},
    {arith_divide, "-9223372036854775808", "-1", "9223372036854776000"},
    {arith_divide, "9007199254740993", "1", "9007199254740993"},
    {arith_divide, "27021597764222979", "3", "9007199254740993"},
    {arith_modulo, "5", "2", "1"},
    {arith_modulo, "-5", "2", "-1"},
    {arith_modulo, "5", "-2", "1"},
    {arith_modulo, "-5", "-2", "-1"},
    {arith_modulo, "5.9", "2.1", "1"},
    {arith_modulo, "5", "0", "!number (5) and number (0) cannot be divided (remainder) because the divisor is zero"},
    {arith_modulo, "5", "0.5",
     "!number (5) and number (0.5) cannot be divided (remainder) because the divisor is zero"},
    {arith_modulo, "0", "5", "0"},
    {arith_modulo, "1", "\"a\"", "!number (1) and string (\"a\") cannot be divided (remainder)"},
    {arith_modulo, "\"a\"", "\"b\"", "!string (\"a\") and string (\"b\") cannot be divided (remainder)"},
    {arith_modulo, "9223372036854775807", "10", "7"},
    {arith_modulo, "-9223372036854775808", "-1", "0"},
    {arith_modulo, "1e19", "7", "0"},
    {arith_modulo, "-1e19", "7", "-1"},
    {arith_modulo, "5", "1e19", "5"},
};

static void show(struct heap *h, int rc, struct value v, struct buf *out) {
    buf_clear(out);
    if (rc == G_DATA) {
        assert_int_equal(buf_putc(out, '!'), 0);
        assert_int_equal(h->thrown.form, VF_TEXT);
        assert_int_equal(buf_append(out, h->thrown.text, h->thrown.n), 0);
    } else {
        assert_int_equal(rc, 0);
        assert_int_equal(value_write(h, v, out), 0);
    }
}

static void operators_do_what_jq_does(void **state) {
    (void)state;
    struct heap h;
    struct buf out = {0};
    heap_init(&h, 0);
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        const struct arith_case *c = &cases[i];
        for (int form = 0; form < 4; form++) {
            struct value a, b, result = value_null();
            assert_int_equal(value_parse(&h, c->a, strlen(c->a), &a), 0);
            assert_int_equal(value_parse(&h, c->b, strlen(c->b), &b), 0);
            if (form & 1) a = built_value(&h, c->a);
            if (form & 2) b = built_value(&h, c->b);
            show(&h, c->fn(&h, a, b, &result), result, &out);
            if (strcmp(buf_cstr(&out), c->expect) != 0)
                fail_msg("case %zu, form %d: %s and %s: %s, not %s", i, form, c->a, c->b, out.data, c->expect);
        }
        heap_reset(&h);
    }
    buf_release(&out);
    heap_release(&h);
}

static void results_do_not_change_their_operands(void **state) {
    (void)state;
    struct heap h;
    struct buf out = {0};
    heap_init(&h, 0);
    struct value list = built_value(&h, "[1,2]"), object = built_value(&h, "{\"a\":{\"b\":1}}");
    struct value longer, other, merged, added;
    assert_int_equal(value_add(&h, list, built_value(&h, "[3]"), &longer), 0);
    assert_int_equal(value_add(&h, list, built_value(&h, "[4,5]"), &other), 0);
    assert_int_equal(value_multiply(&h, object, built_value(&h, "{\"a\":{\"b\":2,\"c\":3},\"d\":4}"), &merged), 0);
    assert_int_equal(value_add(&h, object, built_value(&h, "{\"a\":5,\"e\":6}"), &added), 0);
    const struct {
        struct value v;
        const char *expect;
    } all[] = {{list, "[1,2]"},
               {longer, "[1,2,3]"},
               {other, "[1,2,4,5]"},
               {object, "{\"a\":{\"b\":1}}"},
               {merged, "{\"a\":{\"b\":2,\"c\":3},\"d\":4}"},
               {added, "{\"a\":5,\"e\":6}"}};
    for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++) {
        show(&h, 0, all[i].v, &out);
        assert_string_equal(buf_cstr(&out), all[i].expect);
    }
    buf_release(&out);
    heap_release(&h);
}

static void numbers_are_negated(void **state) {
    (void)state;
    static const char *const negations[][2] = {{"1", "-1"},
                                               {"-1.5", "1.5"},
                                               {"0", "0"},
                                               {"0.0", "-0"},
                                               {"9007199254740993", "-9007199254740993"},
                                               {"-9223372036854775808", "9223372036854776000"},
                                               {"\"a\"", "!string (\"a\") cannot be negated"},
                                               {"\"abcdefghijklmnop\"", "!string (\"abcdefghij...) cannot be negated"},
                                               {"null", "!null (null) cannot be negated"},
                                               {"[1]", "!array ([1]) cannot be negated"}};
    struct heap h;
    struct buf out = {0};
    heap_init(&h, 0);
    for (size_t i = 0; i < sizeof(negations) / sizeof(*negations); i++) {
        struct value v, result = value_null();
        assert_int_equal(value_parse(&h, negations[i][0], strlen(negations[i][0]), &v), 0);
        show(&h, value_negate(&h, v, &result), result, &out);
        assert_string_equal(buf_cstr(&out), negations[i][1]);
    }
    buf_release(&out);
    heap_release(&h);
}

static void nan_and_infinity_are_taken(void **state) {
    (void)state;
    struct heap h;
    struct value v;
    heap_init(&h, 0);
    struct value nan_value = value_double(NAN), infinite = value_double(INFINITY), five = value_int(5);
    assert_int_equal(value_modulo(&h, nan_value, five, &v), 0);
    assert_true(isnan(v.d));
    assert_int_equal(value_modulo(&h, five, nan_value, &v), 0);
    assert_true(isnan(v.d));
    assert_int_equal(value_modulo(&h, five, infinite, &v), 0);
    assert_int_equal(v.i, 5);
    assert_int_equal(value_modulo(&h, infinite, five, &v), 0);
    assert_int_equal(v.i, INT64_MAX % 5);
    assert_int_equal(value_multiply(&h, value_text("a", 1), nan_value, &v), 0);
    assert_int_equal(v.kind, VK_NULL);
    assert_int_equal(value_multiply(&h, value_text("a", 1), infinite, &v), G_DATA);
    assert_int_equal(value_multiply(&h, value_text("ab", 2), value_int(1000000000), &v), G_NOMEM);
    assert_true(h.exhausted);
    heap_release(&h);
}

static void too_deep_objects_are_not_merged(void **state) {
    (void)state;
    struct heap h;
    struct value v = value_object(), result;
    heap_init(&h, 0);
    for (int i = 0; i < 10002; i++) {
        struct value outer = value_object();
        assert_int_equal(object_set(&h, &outer, "a", 1, v), 0);
        v = outer;
    }
    assert_int_equal(value_multiply(&h, v, v, &result), G_DATA);
    assert_memory_equal(h.thrown.text, "Object merge too deep", h.thrown.n);
    heap_release(&h);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(operators_do_what_jq_does),
        cmocka_unit_test(results_do_not_change_their_operands),
        cmocka_unit_test(numbers_are_negated),
        cmocka_unit_test(nan_and_infinity_are_taken),
        cmocka_unit_test(too_deep_objects_are_not_merged),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
