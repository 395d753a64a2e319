/* SPDX-License-Identifier: Apache-2.0 */
/*
 * expr/func_array.c: sort and its relatives, reverse, flatten, transpose, bsearch; expected is what jq 1.6 does.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/random.h"
#include "func_cases.h"

static const struct func_case sorted[] = {
    {"sort", "[3,1,2]", NULL, "[1,2,3]"},
    {"sort", "[null,true,false,1,\"a\",[],{},-1,\"B\",[0],{\"a\":1}]", NULL,
     "[null,false,true,-1,1,\"B\",\"a\",[],[0],{},{\"a\":1}]"},
    {"sort", "[\"b\",\"a\",\"é\",\"z\"]", NULL, "[\"a\",\"b\",\"z\",\"é\"]"},
    {"sort", "[[2],[1,3],[1]]", NULL, "[[1],[1,3],[2]]"},
    {"sort", "[{\"b\":1},{\"a\":2},{\"a\":1,\"b\":0},{\"a\":1}]", NULL,
     "[{\"a\":1},{\"a\":2},{\"a\":1,\"b\":0},{\"b\":1}]"},
    {"sort", "[]", NULL, "[]"},
    {"sort", "[5,3,9,1,8,2,7,4,6,0,11,10,15,13,12,14,20,16,19,17,18]", NULL,
     "[0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20]"},
    {"sort", "[1.5,1,1.25,-0.5]", NULL, "[-0.5,1,1.25,1.5]"},
    {"sort", "[9007199254740993,9007199254740992]", NULL, "[9007199254740992,9007199254740993]"},
    {"sort", "1", NULL, "!number (1) cannot be sorted, as it is not an array"},
    {"sort", "{\"a\":1}", NULL, "!object ({\"a\":1}) cannot be sorted, as it is not an array"},
    {"sort", "null", NULL, "!null (null) cannot be sorted, as it is not an array"},
    {"_sort_by", "[\"a\",\"b\",\"c\"]", "[[[3],[1],[2]]]", "[\"b\",\"c\",\"a\"]"},
    {"_sort_by", "[\"a\",\"b\",\"c\",\"d\"]", "[[[1],[0],[1],[0]]]", "[\"b\",\"d\",\"a\",\"c\"]"},
    {"_sort_by", "[\"a\",\"b\",\"c\"]", "[[[1,2],[1,1],[0,5]]]", "[\"c\",\"b\",\"a\"]"},
    {"_sort_by", "[\"a\",\"b\"]", "[[[\"z\"],[\"\\u0061\"]]]", "[\"b\",\"a\"]"},
    {"_sort_by", "[1,2]", "[[1]]", "!array ([1,2]) and array ([1]) cannot be sorted, as they are not both arrays"},
    {"_sort_by", "1", "[[1]]", "!number (1) and array ([1]) cannot be sorted, as they are not both arrays"},
    {"_sort_by", "{}", "[[]]", "!object ({}) and array ([]) cannot be sorted, as they are not both arrays"},
    {"_sort_by", "[\"j0\",\"i0\",\"h1\",\"g1\",\"f0\",\"e1\",\"d0\",\"c1\",\"b0\",\"a0\"]",
     "[[[0],[0],[1],[1],[0],[1],[0],[1],[0],[0]]]",
     "[\"j0\",\"i0\",\"f0\",\"d0\",\"b0\",\"a0\",\"h1\",\"g1\",\"e1\",\"c1\"]"},
    {"_group_by", "[\"a\",\"b\",\"c\",\"d\"]", "[[[1],[0],[1],[0]]]", "[[\"b\",\"d\"],[\"a\",\"c\"]]"},
    {"_group_by", "[]", "[[]]", "[]"},
    {"_group_by", "=[1,1.0,2]", "[[[1],[1.0],[2]]]", "[[1,1.0],[2]]"},
    {"_unique_by", "[\"a\",\"b\",\"c\",\"d\"]", "[[[1],[0],[1],[0]]]", "[\"b\",\"a\"]"},
    {"_unique_by", "[]", "[[]]", "[]"},
    {"unique", "[1,2,1,\"a\",\"b\",\"a\",null,null]", NULL, "[null,1,2,\"a\",\"b\"]"},
    {"unique", "[]", NULL, "[]"},
    {"unique", "[[1],[1],{\"a\":1},{\"a\":1}]", NULL, "[[1],{\"a\":1}]"},
    {"unique", "1", NULL, "!Cannot iterate over number (1)"},
    {"unique", "\"a\"", NULL, "!Cannot iterate over string (\"a\")"},
    {"min", "[3,1,2]", NULL, "1"},
    {"min", "[]", NULL, "null"},
    {"min", "[\"b\",[],null]", NULL, "null"},
    {"max", "[3,1,2]", NULL, "3"},
    {"max", "[]", NULL, "null"},
    {"max", "[\"b\",[],null,{}]", NULL, "{}"},
    {"min", "1", NULL, "!number (1) and number (1) cannot be iterated over"},
    {"max", "\"a\"", NULL, "!string (\"a\") and string (\"a\") cannot be iterated over"},
    {"_min_by", "[\"a\",\"b\",\"c\"]", "[[[1],[0],[0]]]", "\"b\""},
    {"_max_by", "[\"a\",\"b\",\"c\"]", "[[[1],[1],[0]]]", "\"b\""},
    {"_min_by", "[]", "[[]]", "null"},
    {"_min_by", "[1,2]", "[[1]]", "!array ([1,2]) and array ([1]) have wrong length"},
    {"_max_by", "[1,2]", "[1]", "!array ([1,2]) and number (1) cannot be iterated over"},
    {"bsearch", "[1,2,3]", "[2]", "1"},
    {"bsearch", "[1,2,3]", "[0]", "-1"},
    {"bsearch", "[1,2,3]", "[4]", "-4"},
    {"bsearch", "[1,3,5]", "[4]", "-3"},
    {"bsearch", "[]", "[\"a\"]", "-1"},
    {"bsearch", "\"aa\"", "[\"a\"]", "!string (\"aa\") cannot be searched from"},
};

static void arrays_are_sorted_and_grouped(void **state) {
    (void)state;
    CHECK_CASES(sorted);
}

static const struct func_case shapes[] = {
    {"reverse", "[1,2,3]", NULL, "[3,2,1]"},
    {"reverse", "[]", NULL, "[]"},
    {"reverse", "null", NULL, "[]"},
    {"reverse", "{}", NULL, "[]"},
    {"reverse", "\"\"", NULL, "\"\""},
    {"reverse", "\"aé😀b\"", NULL, "\"b😀éa\""},
    {"reverse", "1", NULL, "!Cannot index number with number"},
    {"reverse", "{\"a\":1}", NULL, "!Cannot index object with number"},
    {"reverse", "true", NULL, "!boolean (true) has no length"},
    {"flatten", "[0,[1],[[2]],[[[3]]]]", NULL, "[0,1,2,3]"},
    {"flatten", "[]", NULL, "[]"},
    {"flatten", "[[],[[]]]", NULL, "[]"},
    {"flatten", "{\"a\":[1,[2]],\"b\":3}", NULL, "[1,2,3]"},
    {"flatten", "[{\"a\":[1]},[{\"b\":[2]}]]", NULL, "[{\"a\":[1]},{\"b\":[2]}]"},
    {"flatten", "1", NULL, "!Cannot iterate over number (1)"},
    {"flatten", "\"a\"", NULL, "!Cannot iterate over string (\"a\")"},
    {"flatten", "null", NULL, "!Cannot iterate over null (null)"},
    {"flatten", "[0,[1],[[2]],[[[3]]]]", "[0]", "[0,[1],[[2]],[[[3]]]]"},
    {"flatten", "[0,[1],[[2]],[[[3]]]]", "[1]", "[0,1,[2],[[3]]]"},
    {"flatten", "[0,[1],[[2]],[[[3]]]]", "[2]", "[0,1,2,[3]]"},
    {"flatten", "[1,[2]]", "[0.5]", "[1,2]"},
    {"flatten", "[1]", "[-1]", "!flatten depth must not be negative"},
    {"flatten", "[1,[2]]", "[\"a\"]", "!string (\"a\") and number (1) cannot be subtracted"},
    {"transpose", "[[1],[2,3]]", NULL, "[[1,2],[null,3]]"},
    {"transpose", "[]", NULL, "[]"},
    {"transpose", "[[],[]]", NULL, "[]"},
    {"transpose", "[null,[1]]", NULL, "[[null,1]]"},
    {"transpose", "[[1,2,3]]", NULL, "[[1],[2],[3]]"},
    {"transpose", "[1]", NULL, "!Cannot index number with number"},
    {"transpose", "1", NULL, "!Cannot iterate over number (1)"},
    {"transpose", "{\"a\":[1]}", NULL, "!Cannot index object with number"},
};

static void arrays_change_their_shape(void **state) {
    (void)state;
    CHECK_CASES(shapes);
}

/* Elements are key * 1000 + number; equal keys must keep the order of the numbers. */
static void large_sorts_are_stable_and_right(void **state) {
    (void)state;
    struct heap h;
    heap_init(&h, 0);
    uint64_t seed = 12345;
    for (uint32_t n = 1; n < 3000; n = n * 3 / 2 + 1) {
        struct value *items = array_alloc(&h, n), *keys = array_alloc(&h, n), result;
        assert_true(items && keys);
        for (uint32_t i = 0; i < n; i++) {
            seed = seed * 6364136223846793005u + 1442695040888963407u;
            int64_t key = (int64_t)(seed >> 40) % 20;
            struct value *wrapped = array_alloc(&h, 1);
            assert_non_null(wrapped);
            wrapped[0] = i % 2 ? value_double((double)key) : value_int(key);
            keys[i] = value_array(wrapped, 1);
            items[i] = value_int(key * 10000 + i);
        }
        const struct value args[] = {value_array(items, n), value_array(keys, n)};
        assert_int_equal(func_find("_sort_by", 8, 1)->fn(&h, args, &result), 0);
        assert_int_equal(result.n, n);
        for (uint32_t i = 1; i < n; i++) assert_true(result.items[i - 1].i < result.items[i].i);
        assert_int_equal(items[n - 1].i % 10000, n - 1); /* the input is as it was */
        heap_reset(&h);
    }
    heap_release(&h);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(arrays_are_sorted_and_grouped),
        cmocka_unit_test(arrays_change_their_shape),
        cmocka_unit_test(large_sorts_are_stable_and_right),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
