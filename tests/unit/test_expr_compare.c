/* SPDX-License-Identifier: Apache-2.0 */
/*
 * expr/value_compare.c: jq's order of values. The table's order was derived from jq 1.6, which compared all pairs; here
 * all pairs are compared as text and built, in texts that end where readable memory ends.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "expr_values.h"

/* In order; equal ones have equal ranks. */
static const struct {
    int rank;
    const char *text;
} table[] = {
    {0, "null"},
    {1, "false"},
    {2, "true"},
    {3, "-1e300"},
    {4, "-1"},
    {5, "0"},
    {5, "-0"},
    {6, "1e-5"},
    {7, "0.1"},
    {8, "1"},
    {8, "1.0"},
    {9, "1e3"},
    {9, "1000"},
    {10, "123456789012"},
    {11, "9007199254740992"},
    {12, "1e17"},
    {13, "1.5e300"},
    {14, "\"\""},
    {15, "\"\\n\""},
    {16, "\"a\""},
    {16, "\"\\u0061\""},
    {17, "\"a\\u0000\""},
    {18, "\"ab\""},
    {19, "\"b\""},
    {20, "\"\\u00e9\""},
    {20, "\"\xC3\xA9\""},
    {21, "\"\\uffff\""},
    {22, "\"\\ud83d\\ude00\""},
    {22, "\"\xF0\x9F\x98\x80\""},
    {23, "[]"},
    {23, "[ ]"},
    {24, "[null]"},
    {25, "[1]"},
    {25, "[ 1.0 ]"},
    {26, "[1,2]"},
    {27, "[\"a\"]"},
    {28, "[[]]"},
    {29, "[[1]]"},
    {30, "[{}]"},
    {31, "{}"},
    {32, "{\"A\":0}"},
    {33, "{\"a\":1}"},
    {33, "{ \"\\u0061\" : 1 }"},
    {34, "{\"a\":2}"},
    {35, "{\"a\":{\"b\":1}}"},
    {36, "{\"a\":1,\"b\":2}"},
    {36, "{\"b\":2,\"a\":1}"},
    {37, "{\"a\":null,\"c\":0}"},
    {38, "{\"aa\":0}"},
    {39, "{\"b\":1}"},
};
enum { TABLE_N = sizeof(table) / sizeof(*table) };

static int order(struct heap *h, struct value a, struct value b) {
    int c = 99;
    bool same = false;
    assert_int_equal(value_compare(h, a, b, &c), 0);
    assert_int_equal(value_equal(h, a, b, &same), 0);
    assert_int_equal(same, c == 0);
    return c;
}

static void all_pairs_are_ordered_as_jq_orders_them(void **state) {
    (void)state;
    struct heap h;
    heap_init(&h, 0);
    struct value raw[TABLE_N], built[TABLE_N];
    for (size_t i = 0; i < TABLE_N; i++) {
        raw[i] = edge_raw(table[i].text);
        built[i] = value_built(&h, raw[i]);
    }
    for (size_t i = 0; i < TABLE_N; i++) {
        for (size_t j = 0; j < TABLE_N; j++) {
            int expect = (table[i].rank > table[j].rank) - (table[i].rank < table[j].rank);
            assert_int_equal(order(&h, raw[i], raw[j]), expect);
            assert_int_equal(order(&h, built[i], built[j]), expect);
            assert_int_equal(order(&h, raw[i], built[j]), expect);
            assert_int_equal(order(&h, built[i], raw[j]), expect);
        }
    }
    heap_release(&h);
    edge_release();
}

static void numbers(const char *a, const char *b, int expect) {
    struct heap h;
    heap_init(&h, 0);
    struct value x = edge_raw(a), y = edge_raw(b);
    assert_int_equal(order(&h, x, y), expect);
    assert_int_equal(order(&h, y, x), -expect);
    assert_int_equal(order(&h, value_built(&h, x), y), expect);
    assert_int_equal(order(&h, value_built(&h, y), x), -expect);
    heap_release(&h);
    edge_release();
}

static void integers_are_not_rounded_when_compared(void **state) {
    (void)state;
    numbers("9007199254740993", "9007199254740992", 1);
    numbers("9007199254740993", "9007199254740992.0", 1);
    numbers("9007199254740993", "9007199254740994.0", -1);
    numbers("-9007199254740993", "-9007199254740992.0", -1);
    numbers("9223372036854775807", "9223372036854775808", -1);
    numbers("9223372036854775807", "9.223372036854775807e18", -1);
    numbers("-9223372036854775808", "-9223372036854775808.0", 0);
    numbers("-9223372036854775808", "-9.3e18", 1);
    numbers("-9223372036854775807", "-9223372036854775808.0", 1);
    numbers("3", "2.5", 1);
    numbers("2", "2.5", -1);
    numbers("-2", "-2.5", 1);
    numbers("-3", "-2.5", -1);
    numbers("5", "1e999", -1);
    numbers("5", "-1e999", 1);
}

static void integers_too_long_for_64_bits_are_equal_when_their_texts_are(void **state) {
    (void)state;
    struct heap h;
    heap_init(&h, 0);
    struct value a = edge_raw("123456789012345678901234567890");
    assert_int_equal(order(&h, a, edge_raw("123456789012345678901234567890")), 0);
    assert_int_equal(order(&h, a, edge_raw("123456789012345678901234567891")), 0); /* the same double */
    assert_int_equal(order(&h, a, edge_raw("123456789012346")), 1);
    assert_int_equal(order(&h, a, edge_raw("-123456789012345678901234567890")), 1);
    heap_release(&h);
    edge_release();
}

static void nan_is_below_every_number_and_not_equal_to_itself(void **state) {
    (void)state;
    struct heap h;
    heap_init(&h, 0);
    struct value nan_value = value_double((double)NAN);
    assert_int_equal(order(&h, nan_value, nan_value), -1);
    assert_int_equal(order(&h, nan_value, value_double(-(double)INFINITY)), -1);
    assert_int_equal(order(&h, value_double(-(double)INFINITY), nan_value), 1);
    assert_int_equal(order(&h, nan_value, value_int(INT64_MIN)), -1);
    assert_int_equal(order(&h, value_int(INT64_MIN), nan_value), 1);
    assert_int_equal(order(&h, edge_raw("-1e999"), nan_value), 1);
    assert_int_equal(order(&h, nan_value, value_null()), 1);
    assert_int_equal(order(&h, nan_value, edge_raw("\"\"")), -1);
    struct value array = value_array(NULL, 0);
    assert_int_equal(array_append(&h, &array, nan_value), 0);
    assert_int_equal(order(&h, array, array), -1);
    heap_release(&h);
    edge_release();
}

static void many_names_are_put_in_order_before_they_are_compared(void **state) {
    (void)state;
    struct heap h;
    heap_init(&h, 0);
    struct buf up = {0}, down = {0}, other = {0};
    for (int i = 0; i < 300; i++) {
        assert_int_equal(buf_printf(&up, "%c\"k%d\":%d", i ? ',' : '{', i, i), 0);
        assert_int_equal(buf_printf(&down, "%c\"k%d\":%d", i ? ',' : '{', 299 - i, 299 - i), 0);
        assert_int_equal(buf_printf(&other, "%c\"k%d\":%d", i ? ',' : '{', i, i == 150 ? 151 : i), 0);
    }
    assert_int_equal(buf_putc(&up, '}') | buf_putc(&down, '}') | buf_putc(&other, '}'), 0);
    struct value a = value_raw(edge_copy(up.data, up.len), up.len);
    struct value b = value_raw(edge_copy(down.data, down.len), down.len);
    struct value c = value_raw(edge_copy(other.data, other.len), other.len);
    assert_int_equal(order(&h, a, b), 0);
    assert_int_equal(order(&h, a, value_built(&h, b)), 0);
    assert_int_equal(order(&h, a, c), -1);
    assert_int_equal(order(&h, value_built(&h, c), value_built(&h, b)), 1);
    buf_release(&up);
    buf_release(&down);
    buf_release(&other);
    heap_release(&h);
    edge_release();
}

/* depth arrays in each other, around a number. */
static struct value nested(size_t depth, char number) {
    char *text = malloc(2 * depth + 1);
    assert_non_null(text);
    memset(text, '[', depth);
    text[depth] = number;
    memset(text + depth + 1, ']', depth);
    const char *copy = edge_copy(text, 2 * depth + 1);
    free(text);
    return value_raw(copy, 2 * depth + 1);
}

static void deep_values_are_compared_up_to_the_limit(void **state) {
    (void)state;
    struct heap h;
    heap_init(&h, 0);
    int c = 99;
    assert_int_equal(order(&h, nested(VALUE_DEPTH_MAX, '1'), nested(VALUE_DEPTH_MAX, '2')), -1);
    assert_int_equal(value_compare(&h, nested(VALUE_DEPTH_MAX + 1, '1'), nested(VALUE_DEPTH_MAX + 1, '2'), &c), G_DATA);
    assert_thrown(&h, "too deeply nested to be compared");
    assert_int_equal(value_compare(&h, nested(1000000, '1'), nested(1000000, '2'), &c), G_DATA);
    assert_int_equal(c, 99);
    /* The same text needs no look inside. */
    assert_int_equal(order(&h, nested(1000000, '1'), nested(1000000, '1')), 0);
    heap_release(&h);
    edge_release();
}

/* Below some levels RAW text is built in one pass, and must mean the same. */
static void deep_objects_mean_the_same_as_text_and_built(void **state) {
    (void)state;
    enum { DEPTH = 100 };
    struct heap h;
    heap_init(&h, 0);
    struct buf open = {0}, close = {0}, text = {0};
    for (int i = 0; i < DEPTH; i++) {
        assert_int_equal(buf_puts(&open, "{ \"\\u0062\\n\":[ ],\"a\" : [1.0 ,"), 0);
        assert_int_equal(buf_puts(&close, ", {}, \"x]\" ] ,\"\":null}"), 0);
    }
    struct value v[3];
    for (int i = 0; i < 3; i++) {
        buf_clear(&text);
        assert_int_equal(buf_printf(&text, "%s%d%s", buf_cstr(&open), i, buf_cstr(&close)), 0);
        v[i] = value_raw(edge_copy(text.data, text.len), text.len);
    }
    for (int i = 0; i < 3; i++) {
        struct value built = value_built(&h, v[i]);
        assert_string_equal(value_spelled(&h, v[i], SORTED), value_spelled(&h, built, SORTED));
        assert_string_equal(value_spelled(&h, v[i], CANONICAL), value_spelled(&h, built, PLAIN));
        for (int j = 0; j < 3; j++) {
            assert_int_equal(order(&h, v[i], v[j]), (i > j) - (i < j));
            assert_int_equal(order(&h, built, v[j]), (i > j) - (i < j));
        }
    }
    buf_release(&open);
    buf_release(&close);
    buf_release(&text);
    heap_release(&h);
    edge_release();
}

static void comparing_leaves_nothing_in_the_heap(void **state) {
    (void)state;
    struct heap h;
    heap_init(&h, 0);
    struct value a = edge_raw("{\"b\":[1,[2,{\"d\":1,\"c\":\"\\u0061\"}]],\"a\":1}");
    struct value b = edge_raw("{\"a\":1,\"b\":[1,[2,{\"c\":\"a\",\"d\":1 }]]}");
    assert_non_null(heap_alloc(&h, 1));
    struct heap_mark before = heap_mark(&h);
    for (int i = 0; i < 1000; i++) assert_int_equal(order(&h, a, b), 0);
    assert_ptr_equal(before.next, h.next);
    assert_ptr_equal(before.chunk, h.chunk);
    heap_release(&h);
    edge_release();
}

static void a_limit_on_memory_ends_a_comparison(void **state) {
    (void)state;
    struct heap h;
    struct value a = nested(500, '1'), b = nested(500, '2');
    int c = 99;
    bool done = false;
    for (size_t limit = 1; !done; limit += 1 + limit / 8) {
        heap_init(&h, limit);
        int rc = value_compare(&h, a, b, &c);
        assert_true(rc == G_NOMEM || rc == 0);
        assert_int_equal(h.exhausted, rc == G_NOMEM);
        assert_int_equal(c, rc == 0 ? -1 : 99);
        done = rc == 0;
        heap_release(&h);
    }
    edge_release();
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_pairs_are_ordered_as_jq_orders_them),
        cmocka_unit_test(integers_are_not_rounded_when_compared),
        cmocka_unit_test(integers_too_long_for_64_bits_are_equal_when_their_texts_are),
        cmocka_unit_test(nan_is_below_every_number_and_not_equal_to_itself),
        cmocka_unit_test(many_names_are_put_in_order_before_they_are_compared),
        cmocka_unit_test(deep_values_are_compared_up_to_the_limit),
        cmocka_unit_test(deep_objects_mean_the_same_as_text_and_built),
        cmocka_unit_test(comparing_leaves_nothing_in_the_heap),
        cmocka_unit_test(a_limit_on_memory_ends_a_comparison),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
