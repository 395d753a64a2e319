/* SPDX-License-Identifier: Apache-2.0 */
/*
 * expr/value_write.c and value_parse: text out of values and values out of text. The canonical spellings were derived
 * from jq 1.6, but for integers beyond 2^53, which stay exact here, and 1e16, which json/double.h writes in digits.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "expr_values.h"

#define AS_SORTED NULL /* sorting changes nothing */

static const struct {
    const char *text, *canonical, *sorted;
} spellings[] = {
    {"null", "null", AS_SORTED},
    {"true", "true", AS_SORTED},
    {"false", "false", AS_SORTED},
    {"0", "0", AS_SORTED},
    {"-0", "-0", AS_SORTED},
    {"-0.0", "-0", AS_SORTED},
    {"1.0", "1", AS_SORTED},
    {"1.10", "1.1", AS_SORTED},
    {"1e2", "100", AS_SORTED},
    {"12.5E-1", "1.25", AS_SORTED},
    {"0.00001", "1e-05", AS_SORTED},
    {"1e17", "1e+17", AS_SORTED},
    {"5e-324", "5e-324", AS_SORTED},
    {"2.2250738585072014e-308", "2.2250738585072014e-308", AS_SORTED},
    {"1e999", "1.7976931348623157e+308", AS_SORTED},
    {"-1E+999", "-1.7976931348623157e+308", AS_SORTED},
    {"1e-999", "0", AS_SORTED},
    {"9007199254740993", "9007199254740993", AS_SORTED},
    {"-123456789012345678901234567890", "-123456789012345678901234567890", AS_SORTED},
    {"\"\"", "\"\"", AS_SORTED},
    {"\"a/\\/\\\\\\\"\"", "\"a//\\\\\\\"\"", AS_SORTED},
    {"\"\\u0000\\u0001\\b\\t\\n\\u000b\\f\\r\\u001f\"", "\"\\u0000\\u0001\\b\\t\\n\\u000b\\f\\r\\u001f\"", AS_SORTED},
    {"\"\x7F\\u007f\x7F\"", "\"\\u007f\\u007f\\u007f\"", AS_SORTED},
    {"\"\\u00E9\\ud83d\\uDE00\\u2028<\"", "\"\xC3\xA9\xF0\x9F\x98\x80\xE2\x80\xA8<\"", AS_SORTED},
    {"[\"a\x7F\"]", "[\"a\\u007f\"]", AS_SORTED},
    {"[ ]", "[]", AS_SORTED},
    {"{ }", "{}", AS_SORTED},
    {" [ 1.0 ,\t\"\\u0061 b\" ,\r\n[ null ] , { } ] ", "[1,\"a b\",[null],{}]", AS_SORTED},
    {"{\"b\" : {\"z\":1,\"\\u00e9\":2,\"a\":3,\"\xF0\x9F\x98\x80\":4,\"\\uffff\":5}, \"a\":[{\"d\":1.0,\"c\":[ ]}], "
     "\"\":0 , \"\\u0061a\":7}",
     "{\"b\":{\"z\":1,\"\xC3\xA9\":2,\"a\":3,\"\xF0\x9F\x98\x80\":4,\"\xEF\xBF\xBF\":5},\"a\":[{\"d\":1,\"c\":[]}],"
     "\"\":0,\"aa\":7}",
     "{\"\":0,\"a\":[{\"c\":[],\"d\":1}],\"aa\":7,\"b\":{\"a\":3,\"z\":1,\"\xC3\xA9\":2,\"\xEF\xBF\xBF\":5,"
     "\"\xF0\x9F\x98\x80\":4}}"},
};

static void values_are_spelled_as_jq_spells_them(void **state) {
    (void)state;
    struct heap h;
    heap_init(&h, 0);
    for (size_t i = 0; i < sizeof(spellings) / sizeof(*spellings); i++) {
        const char *text = spellings[i].text, *canonical = spellings[i].canonical;
        const char *sorted = spellings[i].sorted ? spellings[i].sorted : canonical;
        struct value v;
        assert_int_equal(value_parse(&h, edge_copy(text, strlen(text)), strlen(text), &v), 0);
        assert_string_equal(value_spelled(&h, v, CANONICAL), canonical);
        assert_string_equal(value_spelled(&h, v, SORTED), sorted);
        /* As it stands, without the space around it. */
        const char *plain = value_spelled(&h, v, PLAIN);
        assert_non_null(strstr(text, plain));
        /* Built values know no spelling; only what is a double in this table gives its integer up. */
        if (strcmp(canonical, "-123456789012345678901234567890") == 0) continue;
        struct value built = value_built(&h, v);
        assert_string_equal(value_spelled(&h, built, PLAIN), canonical);
        assert_string_equal(value_spelled(&h, built, CANONICAL), canonical);
        assert_string_equal(value_spelled(&h, built, SORTED), sorted);
    }
    heap_release(&h);
    edge_release();
}

static void numbers_that_json_lacks_are_written_as_jq_writes_them(void **state) {
    (void)state;
    struct heap h;
    heap_init(&h, 0);
    assert_string_equal(value_spelled(&h, value_double((double)NAN), PLAIN), "null");
    assert_string_equal(value_spelled(&h, value_double((double)INFINITY), PLAIN), "1.7976931348623157e+308");
    assert_string_equal(value_spelled(&h, value_double(-(double)INFINITY), CANONICAL), "-1.7976931348623157e+308");
    assert_string_equal(value_spelled(&h, value_int(INT64_MIN), PLAIN), "-9223372036854775808");
    assert_string_equal(value_spelled(&h, value_int(INT64_MAX), CANONICAL), "9223372036854775807");
    heap_release(&h);
}

static void text_is_appended_and_the_buffer_left_alone_on_failure(void **state) {
    (void)state;
    struct heap h;
    heap_init(&h, 0);
    struct buf b = {0};
    assert_int_equal(buf_puts(&b, "key="), 0);
    assert_int_equal(value_write(&h, value_text("a\"b\x7F", 4), &b), 0);
    assert_int_equal(b.len, 16);
    assert_memory_equal(b.data, "key=\"a\\\"b\\u007f\"", 16);
    struct value deep = value_array(NULL, 0);
    for (unsigned i = 0; i < VALUE_DEPTH_MAX; i++) {
        struct value outer = value_array(NULL, 0);
        assert_int_equal(array_append(&h, &outer, deep), 0);
        deep = outer;
    }
    assert_int_equal(value_write(&h, deep, &b), G_DATA);
    assert_thrown(&h, "too deeply nested to be written");
    assert_int_equal(b.len, 16);
    assert_int_equal(value_write(&h, deep.items[0], &b), 0);
    assert_int_equal(b.len, 16 + 2 * VALUE_DEPTH_MAX);
    buf_release(&b);
    heap_release(&h);
}

static void deep_text_is_rewritten_without_recursion(void **state) {
    (void)state;
    enum { DEPTH = 1000000 };
    struct heap h;
    heap_init(&h, 0);
    char *text = malloc(2 * DEPTH);
    assert_non_null(text);
    memset(text, '[', DEPTH);
    memset(text + DEPTH, ']', DEPTH);
    struct value v = value_raw(edge_copy(text, 2 * DEPTH), 2 * DEPTH);
    struct buf b = {0};
    assert_int_equal(value_write_canonical(&h, v, true, &b), 0);
    assert_int_equal(b.len, 2 * DEPTH);
    assert_memory_equal(b.data, text, 2 * DEPTH);
    b.len = 0;
    /* A brace takes the way by levels. */
    text[DEPTH - 1] = '{';
    text[DEPTH] = '}';
    v = value_raw(edge_copy(text, 2 * DEPTH), 2 * DEPTH);
    assert_int_equal(value_write_canonical(&h, v, true, &b), G_DATA);
    assert_thrown(&h, "too deeply nested to be written");
    assert_int_equal(b.len, 0);
    free(text);
    buf_release(&b);
    heap_release(&h);
    edge_release();
}

static void shared_parts_do_not_write_without_bound(void **state) {
    (void)state;
    struct heap h;
    heap_init(&h, 1 << 20);
    struct value v = value_int(1);
    for (int i = 0; i < 60; i++) {
        struct value pair = value_array(NULL, 0);
        assert_int_equal(array_append(&h, &pair, v) | array_append(&h, &pair, v), 0);
        v = pair;
    }
    struct buf b = {0};
    assert_int_equal(value_write(&h, v, &b), G_NOMEM);
    assert_true(h.exhausted);
    assert_int_equal(b.len, 0);
    assert_true(b.cap < 4 << 20);
    buf_release(&b);
    heap_release(&h);
}

static void broken_text_is_rewritten_without_leaving_it(void **state) {
    (void)state;
    static const char *const broken[] = {"\"",       "\"a",  "\"\\",    "\"\\u12\"", "\"\\ud800\"", "[",
                                         "[\"",      "[\"a", "[\"\\",   "{",         "{\"",         "{\"a",
                                         "{\"a\"",   "{:",   "{\"a\":", "{\"a\":}",  "[1",          "[1,,2]",
                                         "{1:2,3:4", "-",    "1x",      "[}",        "]",           "[\"\\x\"]"};
    struct heap h;
    heap_init(&h, 0);
    for (size_t i = 0; i < sizeof(broken) / sizeof(*broken); i++) {
        struct value v = edge_raw(broken[i]), x;
        value_spelled(&h, v, PLAIN);
        value_spelled(&h, v, CANONICAL);
        value_spelled(&h, v, SORTED);
        value_spelled(&h, value_built(&h, v), SORTED);
        if (v.kind == VK_OBJECT) assert_int_equal(value_member(&h, v, "a", 1, &x), 0);
        if (v.kind == VK_ARRAY) assert_int_equal(value_element(&h, v, -1, &x), 0);
        int c;
        assert_int_equal(value_compare(&h, v, edge_raw("[1]"), &c), 0);
        assert_int_equal(value_compare(&h, v, edge_raw("{\"a\":1}"), &c), 0);
        assert_int_equal(value_compare(&h, v, edge_raw("\"\\u0061\""), &c), 0);
    }
    assert_string_equal(value_spelled(&h, edge_raw("\"\\ud800\""), CANONICAL), "\"\\\\ud800\"");
    heap_release(&h);
    edge_release();
}

static void parse(const char *text, const char *canonical, const char *thrown) {
    struct heap h;
    heap_init(&h, 0);
    struct value v = value_int(7);
    const char *copy = edge_copy(text, strlen(text));
    int rc = value_parse(&h, copy, strlen(text), &v);
    if (canonical) {
        assert_int_equal(rc, 0);
        assert_string_equal(value_spelled(&h, v, CANONICAL), canonical);
    } else {
        assert_int_equal(rc, G_DATA);
        assert_int_equal(v.i, 7);
        assert_thrown(&h, thrown);
    }
    heap_release(&h);
    edge_release();
}

static void only_json_is_parsed(void **state) {
    (void)state;
    parse("  [1, 2]\r\n\t ", "[1,2]", NULL);
    parse("\"a\"", "\"a\"", NULL);
    parse(" null ", "null", NULL);
    parse("-12", "-12", NULL);
    parse("[1,]", NULL, "not a JSON value at byte 3 (while parsing '[1,]')");
    parse("{\"a\":1,\"a\":2}", NULL, "duplicate key in an object at byte 7 (while parsing '{\"a\":1,\"a\":2}')");
    parse("", NULL, "text ends where a value should be at byte 0 (while parsing '')");
    /* What is shown is cut, and stays UTF-8 when a character is cut in two. */
    parse("\"01234567890123456789012345678901234567890123456789012345678\xC3\xA9", NULL,
          "text ends inside a string at byte 62 (while parsing "
          "'\"01234567890123456789012345678901234567890123456789012345678...')");
    parse("\"0123456789012345678901234567890123456789012345678901234567\xC3\xA9", NULL,
          "text ends inside a string at byte 61 (while parsing "
          "'\"0123456789012345678901234567890123456789012345678901234567?...')");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_are_spelled_as_jq_spells_them),
        cmocka_unit_test(numbers_that_json_lacks_are_written_as_jq_writes_them),
        cmocka_unit_test(text_is_appended_and_the_buffer_left_alone_on_failure),
        cmocka_unit_test(deep_text_is_rewritten_without_recursion),
        cmocka_unit_test(shared_parts_do_not_write_without_bound),
        cmocka_unit_test(broken_text_is_rewritten_without_leaving_it),
        cmocka_unit_test(only_json_is_parsed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
