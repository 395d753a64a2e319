/* SPDX-License-Identifier: Apache-2.0 */
/*
 * expr/func_math.c: libm's functions, rounding that keeps integers, infinities and NaN; expected is what jq 1.6 does.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "func_cases.h"

static const struct func_case one[] = {
    {"sqrt", "4", NULL, "2"},
    {"sqrt", "2", NULL, "1.4142135623730951"},
    {"cbrt", "27", NULL, "3.0000000000000004"},
    {"exp", "0", NULL, "1"},
    {"exp10", "2", NULL, "100"},
    {"exp2", "10", NULL, "1024"},
    {"expm1", "0", NULL, "0"},
    {"log", "1", NULL, "0"},
    {"log10", "1000", NULL, "3"},
    {"log2", "8", NULL, "3"},
    {"log1p", "0", NULL, "0"},
    {"sin", "0", NULL, "0"},
    {"cos", "0", NULL, "1"},
    {"tan", "0", NULL, "0"},
    {"asin", "0", NULL, "0"},
    {"acos", "1", NULL, "0"},
    {"atan", "0", NULL, "0"},
    {"sinh", "0", NULL, "0"},
    {"cosh", "0", NULL, "1"},
    {"tanh", "0", NULL, "0"},
    {"asinh", "0", NULL, "0"},
    {"acosh", "1", NULL, "0"},
    {"atanh", "0", NULL, "0"},
    {"gamma", "5", NULL, "3.1780538303479458"},
    {"lgamma", "5", NULL, "3.1780538303479458"},
    {"tgamma", "5", NULL, "24"},
    {"lgamma_r", "0.5", NULL, "[0.5723649429247001,1]"},
    {"lgamma_r", "-0.5", NULL, "[1.2655121234846454,-1]"},
    {"frexp", "5", NULL, "[0.625,3]"},
    {"frexp", "0", NULL, "[0,0]"},
    {"frexp", "-1.5", NULL, "[-0.75,1]"},
    {"modf", "2.5", NULL, "[0.5,2]"},
    {"modf", "-2.5", NULL, "[-0.5,-2]"},
    {"modf", "3", NULL, "[0,3]"},
    {"logb", "8", NULL, "3"},
    {"significand", "10", NULL, "1.25"},
    {"j0", "0", NULL, "1"},
    {"j1", "0", NULL, "0"},
    {"y0", "1", NULL, "0.08825696421567698"},
    {"erf", "0", NULL, "0"},
    {"erfc", "0", NULL, "1"},
    {"pow10", "2", NULL, "100"},
    {"floor", "1.5", NULL, "1"},
    {"floor", "-1.5", NULL, "-2"},
    {"ceil", "1.5", NULL, "2"},
    {"ceil", "-1.5", NULL, "-1"},
    {"round", "2.5", NULL, "3"},
    {"round", "-2.5", NULL, "-3"},
    {"round", "1.4", NULL, "1"},
    {"trunc", "-1.9", NULL, "-1"},
    {"nearbyint", "2.5", NULL, "2"},
    {"nearbyint", "3.5", NULL, "4"},
    {"rint", "2.5", NULL, "2"},
    {"fabs", "-1.5", NULL, "1.5"},
    {"fabs", "2", NULL, "2"},
    {"floor", "3", NULL, "3"},
    {"floor", "1e300", NULL, "1e+300"},
    {"sqrt", "\"a\"", NULL, "!string (\"a\") number required"},
    {"sqrt", "null", NULL, "!null (null) number required"},
    {"floor", "null", NULL, "!null (null) number required"},
    {"round", "[1]", NULL, "!array ([1]) number required"},
    {"frexp", "\"a\"", NULL, "!string (\"a\") number required"},
    {"modf", "{}", NULL, "!object ({}) number required"},
    {"lgamma_r", "true", NULL, "!boolean (true) number required"},
    {"fabs", "\"a\"", NULL, "!string (\"a\") number required"},
    {"floor", "9007199254740993", NULL, "9007199254740993"},
    {"round", "-9223372036854775807", NULL, "-9223372036854775807"},
    {"abs", "-9007199254740993", NULL, "9007199254740993"},
    {"abs", "-1.5", NULL, "1.5"},
    {"abs", "0", NULL, "0"},
    {"abs", "\"a\"", NULL, "!string (\"a\") has no absolute value"},
    {"abs", "-9223372036854775808", NULL, "9223372036854776000"},
    {"isinfinite", "1", NULL, "false"},
    {"isinfinite", "\"a\"", NULL, "false"},
    {"isnan", "1", NULL, "false"},
    {"isnan", "\"a\"", NULL, "false"},
    {"isnormal", "1", NULL, "true"},
    {"isnormal", "0", NULL, "false"},
    {"isnormal", "1e-310", NULL, "false"},
    {"isfinite", "1", NULL, "true"},
    {"isinfinite", "1e999", NULL, "true"},
};

static void functions_of_one_number(void **state) {
    (void)state;
    CHECK_CASES(one);
}

static const struct func_case more[] = {
    {"pow", "null", "[2,10]", "1024"},
    {"pow", "null", "[2,0.5]", "1.4142135623730951"},
    {"pow", "null", "[\"a\",1]", "!string (\"a\") number required"},
    {"pow", "null", "[1,\"a\"]", "!string (\"a\") number required"},
    {"atan2", "null", "[1,1]", "0.7853981633974483"},
    {"fmin", "null", "[1,2]", "1"},
    {"fmax", "null", "[1,2]", "2"},
    {"fmod", "null", "[5,3]", "2"},
    {"fmod", "null", "[-5.5,2]", "-1.5"},
    {"hypot", "null", "[3,4]", "5"},
    {"copysign", "null", "[1,-2]", "-1"},
    {"drem", "null", "[5,3]", "-1"},
    {"remainder", "null", "[5,3]", "-1"},
    {"fdim", "null", "[3,1]", "2"},
    {"ldexp", "null", "[3,2]", "12"},
    {"ldexp", "null", "[3,1.9]", "6"},
    {"ldexp", "null", "[1,\"a\"]", "!string (\"a\") number required"},
    {"scalb", "null", "[3,2]", "12"},
    {"scalbln", "null", "[3,2]", "12"},
    {"nextafter", "null", "[1,2]", "1.0000000000000002"},
    {"nexttoward", "null", "[1,2]", "1.0000000000000002"},
    {"fma", "null", "[2,3,4]", "10"},
    {"fma", "null", "[1,2,\"a\"]", "!string (\"a\") number required"},
    {"jn", "null", "[1,0]", "0"},
    {"yn", "null", "[0,1]", "0.08825696421567698"},
    {"ldexp", "null", "[1,5000]", "1.7976931348623157e+308"},
};

static void functions_of_more_numbers(void **state) {
    (void)state;
    CHECK_CASES(more);
}

static void infinities_and_nan_are_told_apart(void **state) {
    (void)state;
    static const struct {
        const char *function;
        double input;
        const char *expect;
    } cases[] = {
        {"isinfinite", INFINITY, "true"},
        {"isinfinite", -INFINITY, "true"},
        {"isinfinite", NAN, "false"},
        {"isnan", NAN, "true"},
        {"isnan", INFINITY, "false"},
        {"isnormal", INFINITY, "false"},
        {"isnormal", NAN, "false"},
        {"isfinite", INFINITY, "false"},
        {"isfinite", NAN, "false"},
        {"frexp", INFINITY, "[1.7976931348623157e+308,0]"},
        {"frexp", NAN, "[null,0]"},
        {"modf", -INFINITY, "[-0,-1.7976931348623157e+308]"},
        {"significand", -INFINITY, "-1.7976931348623157e+308"},
        {"floor", NAN, "null"},
        {"length", -INFINITY, "1.7976931348623157e+308"},
        {"logb", 0, "-1.7976931348623157e+308"},
        {"todate", NAN, "!number (null) is outside the range of times"},
    };
    struct heap h;
    heap_init(&h, 0);
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct value v = value_double(cases[i].input);
        const char *got = call_func(&h, cases[i].function, &v, 0);
        if (strcmp(got, cases[i].expect) != 0)
            fail_msg("%g|%s: %s, not %s", cases[i].input, cases[i].function, got, cases[i].expect);
    }
    assert_string_equal(call_func(&h, "infinite", &(struct value){0}, 0), "1.7976931348623157e+308");
    assert_string_equal(call_func(&h, "nan", &(struct value){0}, 0), "null");
    heap_release(&h);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(functions_of_one_number),
        cmocka_unit_test(functions_of_more_numbers),
        cmocka_unit_test(infinities_and_nan_are_told_apart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
