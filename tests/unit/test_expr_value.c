/* SPDX-License-Identifier: Apache-2.0 */
/*
 * expr/value.c, value_inside.c and value_object.c: what scalars mean, what is inside arrays and objects, and that
 * building a newer version of one never changes an older one. RAW texts end where readable memory ends.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/random.h"
#include "expr_values.h"

/* ---- scalars ---- */

static void the_first_byte_tells_the_kind(void **state) {
    (void)state;
    static const struct {
        const char *text;
        enum value_kind kind;
        const char *name;
    } kinds[] = {{"null", VK_NULL, "null"},     {"false", VK_FALSE, "boolean"}, {"true", VK_TRUE, "boolean"},
                 {"-1", VK_NUMBER, "number"},   {"0", VK_NUMBER, "number"},     {"9", VK_NUMBER, "number"},
                 {"\"\"", VK_STRING, "string"}, {"[]", VK_ARRAY, "array"},      {"{}", VK_OBJECT, "object"},
                 {"", VK_NULL, "null"},         {"x", VK_NULL, "null"},         {"\xFF", VK_NULL, "null"}};
    for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
        struct value v = edge_raw(kinds[i].text);
        assert_int_equal(v.kind, kinds[i].kind);
        assert_int_equal(v.form, VF_RAW);
        assert_string_equal(value_type_name(v), kinds[i].name);
        assert_int_equal(value_truthy(v), kinds[i].kind > VK_FALSE);
        assert_int_equal(v.n, kinds[i].kind > VK_TRUE ? strlen(kinds[i].text) : 0);
    }
    assert_int_equal(value_bool(true).kind, VK_TRUE);
    assert_int_equal(value_bool(false).kind, VK_FALSE);
    edge_release();
}

static void whole(const char *text, int64_t expect) {
    int64_t i = 0;
    double d;
    struct value v = edge_raw(text);
    assert_true(value_number(v, &i, &d));
    assert_int_equal(i, expect);
    assert_true(value_to_double(v) == (double)expect);
}

static void broken(const char *text, double expect) {
    int64_t i;
    double d = 0;
    struct value v = edge_raw(text);
    assert_false(value_number(v, &i, &d));
    assert_memory_equal(&d, &expect, sizeof(d)); /* -0 is not 0 */
    d = value_to_double(v);
    assert_memory_equal(&d, &expect, sizeof(d));
}

static void only_digits_make_an_integer(void **state) {
    (void)state;
    whole("0", 0);
    whole("7", 7);
    whole("-7", -7);
    whole("123456789012345678", 123456789012345678);
    whole("-123456789012345678", -123456789012345678);
    whole("1000000000000000000", 1000000000000000000);
    whole("9223372036854775807", INT64_MAX);
    whole("-9223372036854775807", -INT64_MAX);
    whole("-9223372036854775808", INT64_MIN);
    broken("9223372036854775808", 0x1p63);
    broken("-9223372036854775809", -0x1p63);
    broken("18446744073709551616", 0x1p64);
    broken("99999999999999999999", 1e20);
    broken("-0", -0.0);
    broken("1.0", 1.0);
    broken("1e3", 1000.0);
    broken("0.1", 0.1);
    broken("-1.5E-7", -1.5e-7);
    broken("1e999", (double)INFINITY);
    broken("-1e999", -(double)INFINITY);
    broken("1e-999", 0.0);
    int64_t i;
    double d;
    assert_true(value_number(value_int(INT64_MIN), &i, &d));
    assert_int_equal(i, INT64_MIN);
    assert_false(value_number(value_double(3), &i, &d));
    assert_true(d == 3);
    assert_true(value_to_double(value_int(3)) == 3);
    edge_release();
}

/* Longer than the longest text that json/text.h takes. */
static void long_number(const char *begin, char fill, size_t n, const char *end, double expect) {
    struct buf b = {0};
    assert_int_equal(buf_puts(&b, begin), 0);
    for (size_t i = 0; i < n; i++) assert_int_equal(buf_putc(&b, fill), 0);
    assert_int_equal(buf_puts(&b, end), 0);
    assert_int_equal(buf_putc(&b, '\0'), 0);
    broken(b.data, expect);
    buf_release(&b);
}

static void numbers_of_any_length_are_rounded_once(void **state) {
    (void)state;
    long_number("0.", '0', 2000, "1e2001", 1.0);
    long_number("1", '0', 2000, "e-2000", 1.0);
    long_number("-1", '0', 2000, "", -(double)INFINITY);
    long_number("-0.", '0', 2000, "", -0.0);
    long_number("0.", '0', 2000, "", 0.0);
    long_number("1.", '0', 2000, "1", 1.0);
    /* Halfway between 2^53 and the next double, to the even one; one digit far behind tips it. */
    long_number("9007199254740993.", '0', 2000, "", 0x1p53);
    long_number("9007199254740993.", '0', 2000, "1", 0x1p53 + 2);
    long_number("9007199254740993", '0', 2000, "1e-2001", 0x1p53 + 2);
    long_number("1e", '9', 2000, "", (double)INFINITY);
    long_number("1e-", '9', 2000, "", 0.0);
    edge_release();
}

static void content(const char *text, const char *expect, size_t n) {
    struct heap h;
    heap_init(&h, 0);
    const char *p;
    size_t size;
    struct value v = edge_raw(text);
    assert_int_equal(value_string(&h, v, &p, &size), 0);
    assert_int_equal(size, n);
    assert_memory_equal(p, expect, n);
    /* A view where there is no escape. */
    assert_int_equal(p == v.text + 1, strchr(text, '\\') == NULL);
    assert_int_equal(h.total == 0, strchr(text, '\\') == NULL);
    heap_release(&h);
    edge_release();
}

static void strings_are_views_unless_they_have_escapes(void **state) {
    (void)state;
    content("\"\"", "", 0);
    content("\"abc\"", "abc", 3);
    content("\"\xF0\x9F\x98\x80\"", "\xF0\x9F\x98\x80", 4);
    content("\"a\\n\"", "a\n", 2);
    content("\"\\u0000b\"", "\0b", 2);
    content("\"x\\ud83d\\ude00y\\\"\"", "x\xF0\x9F\x98\x80y\"", 7);
    content("\"\\\\\\/\\b\\f\\r\\t\\u00e9\"", "\\/\b\f\r\t\xC3\xA9", 8);
    struct heap h;
    heap_init(&h, 0);
    const char *p;
    size_t n;
    assert_int_equal(value_string(&h, value_text("a\\n", 3), &p, &n), 0);
    assert_int_equal(n, 3);
    assert_memory_equal(p, "a\\n", 3);
    struct value copy;
    char mine[] = "mine";
    assert_int_equal(value_copy_text(&h, mine, 4, &copy), 0);
    mine[0] = 'x';
    assert_string_equal(value_spelled(&h, copy, PLAIN), "\"mine\"");
    assert_int_equal(value_copy_text(&h, NULL, 0, &copy), 0);
    assert_string_equal(value_spelled(&h, copy, PLAIN), "\"\"");
    heap_release(&h);
}

/* ---- looking inside ---- */

/* What each way of looking gives for v, an array whose elements are spelled so. */
static void elements(struct heap *h, struct value v, uint32_t n, const char *const *expect) {
    const struct value *items;
    uint32_t k;
    struct value x;
    assert_int_equal(value_items(h, v, &items, &k), 0);
    assert_int_equal(k, n);
    assert_int_equal(value_count(h, v, &k), 0);
    assert_int_equal(k, n);
    struct value_iter it;
    value_iter_init(&it, v);
    for (uint32_t i = 0; i < n; i++) {
        assert_string_equal(value_spelled(h, items[i], PLAIN), expect[i]);
        assert_int_equal(value_iter_next(h, &it, NULL, &x), 1);
        assert_string_equal(value_spelled(h, x, PLAIN), expect[i]);
        assert_int_equal(value_element(h, v, i, &x), 0);
        assert_string_equal(value_spelled(h, x, PLAIN), expect[i]);
        assert_int_equal(value_element(h, v, (int64_t)i - n, &x), 0);
        assert_string_equal(value_spelled(h, x, PLAIN), expect[i]);
    }
    assert_int_equal(value_iter_next(h, &it, NULL, &x), 0);
    assert_int_equal(value_iter_next(h, &it, NULL, &x), 0);
    static const int64_t outside[] = {INT64_MAX, INT64_MIN, (int64_t)UINT32_MAX + 1};
    for (size_t i = 0; i < 3; i++) {
        x = value_int(1);
        assert_int_equal(value_element(h, v, outside[i], &x), 0);
        assert_int_equal(x.kind, VK_NULL);
    }
    x = value_int(1);
    assert_int_equal(value_element(h, v, n, &x), 0);
    assert_int_equal(x.kind, VK_NULL);
    assert_int_equal(value_element(h, v, -1 - (int64_t)n, &x), 0);
    assert_int_equal(x.kind, VK_NULL);
}

static void arrays_have_elements(void **state) {
    (void)state;
    struct heap h;
    heap_init(&h, 0);
    static const char *const five[] = {"1", "\"a,]\"", "[2,[3]]", "{\"x\":[4]}", "null"};
    struct value v = edge_raw("[ 1 ,\"a,]\",[2,[3]],\r\n{\"x\":[4]}\t,null ]");
    elements(&h, v, 5, five);
    elements(&h, value_built(&h, v), 5, five);
    elements(&h, edge_raw("[]"), 0, NULL);
    elements(&h, edge_raw("[ \n]"), 0, NULL);
    elements(&h, value_array(NULL, 0), 0, NULL);
    heap_release(&h);
    edge_release();
}

static void member_is(struct heap *h, struct value v, const char *name, size_t n, const char *expect) {
    struct value x = value_int(-7);
    assert_int_equal(value_has_member(h, v, name, n, &x), expect != NULL);
    assert_string_equal(value_spelled(h, x, PLAIN), expect ? expect : "-7");
    assert_int_equal(value_member(h, v, name, n, &x), 0);
    assert_string_equal(value_spelled(h, x, PLAIN), expect ? expect : "null");
}

static void objects_have_members(void **state) {
    (void)state;
    struct heap h;
    heap_init(&h, 0);
    struct value v =
        edge_raw("{ \"b\" : 1 ,\"\\u0061\\n\":\"x\",\"\":[{\"b\":2}],\r\n\"bb\":{\"b\":3},\"a\\\\\":null }");
    static const char *const names[] = {"b", "a\n", "", "bb", "a\\"};
    static const char *const values[] = {"1", "\"x\"", "[{\"b\":2}]", "{\"b\":3}", "null"};
    static const char *const sorted[] = {"", "a\n", "a\\", "b", "bb"};
    for (int built = 0; built < 2; built++) {
        struct value x, name;
        const struct member *m;
        const char *p;
        size_t size;
        uint32_t n;
        struct value_iter it;
        assert_int_equal(value_members(&h, v, &m, &n), 0);
        assert_int_equal(n, 5);
        assert_int_equal(value_count(&h, v, &n), 0);
        assert_int_equal(n, 5);
        value_iter_init(&it, v);
        for (size_t i = 0; i < 5; i++) {
            member_is(&h, v, names[i], strlen(names[i]), values[i]);
            assert_int_equal(m[i].name_size, strlen(names[i]));
            assert_memory_equal(m[i].name, names[i], strlen(names[i]));
            assert_string_equal(value_spelled(&h, m[i].value, PLAIN), values[i]);
            assert_int_equal(value_iter_next(&h, &it, &name, &x), 1);
            assert_string_equal(value_spelled(&h, x, PLAIN), values[i]);
            assert_int_equal(name.kind, VK_STRING);
            assert_int_equal(value_string(&h, name, &p, &size), 0);
            assert_int_equal(size, strlen(names[i]));
            assert_memory_equal(p, names[i], size);
        }
        assert_int_equal(value_iter_next(&h, &it, NULL, &x), 0);
        assert_int_equal(value_members_sorted(&h, v, &m, &n), 0);
        assert_int_equal(n, 5);
        for (size_t i = 0; i < 5; i++) assert_memory_equal(m[i].name, sorted[i], m[i].name_size);
        member_is(&h, v, "c", 1, NULL);
        member_is(&h, v, "a", 1, NULL);
        member_is(&h, v, "b\0", 2, NULL);
        member_is(&h, v, "a\\\\", 3, NULL);
        member_is(&h, v, "\\u0061\\n", 8, NULL);
        v = value_built(&h, v);
    }
    member_is(&h, value_object(), "", 0, NULL);
    member_is(&h, edge_raw("{}"), "", 0, NULL);
    member_is(&h, edge_raw("{ }"), "a", 1, NULL);
    heap_release(&h);
    edge_release();
}

/* The validator refuses them; a block that says it was validated may still have them. */
static void of_equal_names_the_last_value_counts(void **state) {
    (void)state;
    struct heap h;
    heap_init(&h, 0);
    const struct member *m;
    uint32_t n;
    assert_int_equal(value_members(&h, edge_raw("{\"a\":1,\"b\":2,\"\\u0061\":3}"), &m, &n), 0);
    assert_int_equal(n, 2);
    assert_memory_equal(m[0].name, "a", 1);
    assert_int_equal(value_to_double(m[0].value), 3);
    assert_int_equal(value_to_double(m[1].value), 2);
    struct buf b = {0};
    for (int i = 0; i < 2000; i++) assert_int_equal(buf_printf(&b, "%c\"k%d\":%d", i ? ',' : '{', i % 50, i), 0);
    assert_int_equal(buf_putc(&b, '}'), 0);
    assert_int_equal(value_members(&h, value_raw(edge_copy(b.data, b.len), b.len), &m, &n), 0);
    assert_int_equal(n, 50);
    for (uint32_t i = 0; i < n; i++) assert_int_equal(value_to_double(m[i].value), 1950 + i);
    buf_release(&b);
    heap_release(&h);
    edge_release();
}

/* ---- building ---- */

static void an_older_array_never_sees_what_is_appended_to_a_newer_one(void **state) {
    (void)state;
    enum { N = 300 };
    struct heap h;
    heap_init(&h, 0);
    struct value versions[N + 1], forks[N + 1];
    versions[0] = value_array(NULL, 0);
    for (int i = 0; i < N; i++) {
        versions[i + 1] = versions[i];
        assert_int_equal(array_append(&h, &versions[i + 1], value_int(i)), 0);
    }
    for (int i = 0; i <= N; i++) {
        forks[i] = versions[i];
        assert_int_equal(array_append(&h, &forks[i], value_int(-1)), 0);
    }
    for (int i = 0; i <= N; i++) {
        assert_int_equal(versions[i].n, i);
        assert_int_equal(forks[i].n, i + 1);
        for (int j = 0; j < i; j++) {
            assert_int_equal(versions[i].items[j].i, j);
            assert_int_equal(forks[i].items[j].i, j);
        }
        assert_int_equal(forks[i].items[i].i, -1);
    }
    heap_release(&h);
}

static void arrays_grow_in_place_and_only_at_home(void **state) {
    (void)state;
    struct heap h, other;
    heap_init(&h, 0);
    heap_init(&other, 0);
    struct value a = edge_raw("[1,2]");
    assert_int_equal(array_append(&h, &a, value_int(3)), 0);
    assert_string_equal(value_spelled(&h, a, PLAIN), "[1,2,3]");
    const struct value *items = a.items;
    struct value b = a, c = a;
    assert_int_equal(array_append(&other, &c, value_int(5)), 0);
    assert_ptr_not_equal(c.items, items);
    assert_int_equal(array_append(&h, &a, value_int(4)), 0);
    assert_ptr_equal(a.items, items);
    assert_int_equal(array_append(&h, &b, value_int(6)), 0);
    assert_ptr_not_equal(b.items, items);
    assert_string_equal(value_spelled(&h, a, PLAIN), "[1,2,3,4]");
    assert_string_equal(value_spelled(&h, b, PLAIN), "[1,2,3,6]");
    assert_string_equal(value_spelled(&h, c, PLAIN), "[1,2,3,5]");
    /* A million appends take memory in proportion. */
    for (int i = 0; i < 1000000; i++) assert_int_equal(array_append(&h, &a, value_int(i)), 0);
    assert_true(h.total < (size_t)80 << 20);
    heap_release(&other);
    heap_release(&h);
    edge_release();
}

static void an_older_object_never_sees_what_is_set_in_a_newer_one(void **state) {
    (void)state;
    enum { N = 100 };
    struct heap h;
    heap_init(&h, 0);
    static char names[N][8];
    struct value versions[N + 1], forks[N + 1], changed[N + 1];
    versions[0] = value_object();
    for (int i = 0; i < N; i++) {
        int n = snprintf(names[i], sizeof(names[i]), "k%d", i);
        versions[i + 1] = versions[i];
        assert_int_equal(object_set(&h, &versions[i + 1], names[i], (size_t)n, value_int(i)), 0);
    }
    for (int i = 0; i <= N; i++) {
        forks[i] = changed[i] = versions[i];
        assert_int_equal(object_set(&h, &forks[i], "k99", 3, value_int(-1)), 0);
        assert_int_equal(object_set(&h, &changed[i], "k0", 2, value_int(-2)), 0);
    }
    for (int i = 0; i <= N; i++) {
        assert_int_equal(versions[i].n, i);
        assert_int_equal(forks[i].n, i < N ? i + 1 : N);
        assert_int_equal(changed[i].n, i ? i : 1);
        for (int j = 0; j < N; j++) {
            struct value x = value_int(-9);
            size_t n = strlen(names[j]);
            assert_int_equal(value_has_member(&h, versions[i], names[j], n, &x), j < i);
            assert_int_equal(x.i, j < i ? j : -9);
            x = value_int(-9);
            assert_int_equal(value_has_member(&h, forks[i], names[j], n, &x), j < i || j == 99);
            assert_int_equal(x.i, j == 99 ? -1 : j < i ? j : -9);
            x = value_int(-9);
            assert_int_equal(value_has_member(&h, changed[i], names[j], n, &x), j < i || j == 0);
            assert_int_equal(x.i, j == 0 ? -2 : j < i ? j : -9);
        }
    }
    heap_release(&h);
}

static void objects_are_set_in_their_order(void **state) {
    (void)state;
    struct heap h, other;
    heap_init(&h, 0);
    heap_init(&other, 0);
    struct value v = edge_raw("{\"b\":1,\"\\u0061\":2}"), old = v, foreign;
    assert_int_equal(object_set(&h, &v, "c", 1, value_int(3)), 0);
    assert_int_equal(object_set(&h, &v, "a", 1, value_int(4)), 0);
    assert_string_equal(value_spelled(&h, v, PLAIN), "{\"b\":1,\"a\":4,\"c\":3}");
    assert_string_equal(value_spelled(&h, old, PLAIN), "{\"b\":1,\"\\u0061\":2}");
    foreign = v;
    assert_int_equal(object_set(&other, &foreign, "d", 1, value_int(5)), 0);
    assert_ptr_not_equal(foreign.object, v.object); /* it had room, but in the other heap */
    assert_int_equal(object_set_owned(&other, &foreign, "d", 1, value_int(6)), 0);
    assert_int_equal(object_set(&h, &v, "e", 1, value_int(7)), 0);
    assert_string_equal(value_spelled(&h, foreign, PLAIN), "{\"b\":1,\"a\":4,\"c\":3,\"d\":6}");
    assert_string_equal(value_spelled(&h, v, PLAIN), "{\"b\":1,\"a\":4,\"c\":3,\"e\":7}");
    foreign = v;
    assert_int_equal(object_set_owned(&other, &foreign, "a", 1, value_int(8)), 0);
    assert_string_equal(value_spelled(&h, v, PLAIN), "{\"b\":1,\"a\":4,\"c\":3,\"e\":7}");
    assert_string_equal(value_spelled(&h, foreign, PLAIN), "{\"b\":1,\"a\":8,\"c\":3,\"e\":7}");
    struct value roomy;
    assert_int_equal(object_alloc(&h, 3, &roomy), 0);
    assert_string_equal(value_spelled(&h, roomy, PLAIN), "{}");
    assert_int_equal(object_set(&h, &roomy, "x", 1, v), 0);
    assert_string_equal(value_spelled(&h, roomy, PLAIN), "{\"x\":{\"b\":1,\"a\":4,\"c\":3,\"e\":7}}");
    heap_release(&other);
    heap_release(&h);
    edge_release();
}

static void counting_into_an_owned_object_takes_constant_memory(void **state) {
    (void)state;
    enum { KEYS = 1000 };
    struct heap h;
    heap_init(&h, 0);
    static char names[KEYS][8];
    struct value v = value_object(), x;
    for (int i = 0; i < 100000; i++) {
        int k = i * 7 % KEYS;
        int n = snprintf(names[k], sizeof(names[k]), "k%d", k);
        assert_int_equal(value_member(&h, v, names[k], (size_t)n, &x), 0);
        x = value_int(x.kind == VK_NULL ? 1 : x.i + 1);
        assert_int_equal(object_set_owned(&h, &v, names[k], (size_t)n, x), 0);
    }
    assert_int_equal(v.n, KEYS);
    for (uint32_t i = 0; i < KEYS; i++) {
        assert_true(value_has_member(&h, v, names[i], strlen(names[i]), &x));
        assert_int_equal(x.i, 100);
    }
    assert_true(h.total < 1 << 20);
    heap_release(&h);
}

static void a_rewound_name_is_not_looked_at(void **state) {
    (void)state;
    struct heap h;
    heap_init(&h, 0);
    struct value v = value_object(), x;
    static char names[40][8];
    for (int i = 0; i < 40; i++) {
        int n = snprintf(names[i], sizeof(names[i]), "k%d", i);
        assert_int_equal(object_set(&h, &v, names[i], (size_t)n, value_int(i)), 0);
    }
    for (int i = 0; i < 100; i++) {
        struct heap_mark mark = heap_mark(&h);
        struct value newer = v, name;
        assert_int_equal(value_copy_text(&h, "gone", 4, &name), 0);
        assert_int_equal(object_set(&h, &newer, name.text, 4, value_null()), 0);
        assert_true(value_has_member(&h, newer, "gone", 4, &x));
        heap_rewind(&h, mark);
        assert_false(value_has_member(&h, v, "gone", 4, &x));
        assert_true(value_has_member(&h, v, "k39", 3, &x));
    }
    heap_release(&h);
}

/* ---- memory ---- */

static int everything(struct heap *h, struct value v) {
    const struct value *items;
    const struct member *m;
    const char *p;
    size_t size;
    uint32_t n;
    struct value x = value_object(), y = value_array(NULL, 0);
    int rc = value_members(h, v, &m, &n);
    if (rc == 0) rc = value_items(h, m[0].value, &items, &n);
    if (rc == 0) rc = value_string(h, items[0], &p, &size);
    if (rc == 0) rc = value_copy_text(h, "text", 4, &x);
    if (rc == 0) rc = array_append(h, &y, x);
    for (uint32_t i = 0; rc == 0 && i < n; i++) rc = array_append(h, &y, items[i]);
    x = value_object();
    if (rc == 0) rc = object_set(h, &x, "y", 1, y);
    for (uint32_t i = 0; rc == 0 && i < 17; i++) rc = object_set(h, &x, &"abcdefghijklmnopq"[i], 1, y);
    if (rc == 0) rc = object_set(h, &x, "y", 1, v);
    if (rc == 0) rc = object_set(h, &v, "z", 1, v);
    if (rc == 0) rc = value_members_sorted(h, v, &m, &n);
    if (rc == 0 && heap_throw(h, "thrown %d", 1) == G_NOMEM) rc = G_NOMEM;
    return rc;
}

static void a_limit_on_memory_is_met_everywhere(void **state) {
    (void)state;
    struct buf b = {0};
    assert_int_equal(buf_puts(&b, "{\"l\":[\"\\n\""), 0);
    for (int i = 0; i < 100; i++) assert_int_equal(buf_printf(&b, ",%d", i), 0);
    assert_int_equal(buf_puts(&b, "]"), 0);
    for (int i = 0; i < 50; i++) assert_int_equal(buf_printf(&b, ",\"\\u0061%d\":%d", i, i), 0);
    assert_int_equal(buf_puts(&b, "}"), 0);
    struct value v = value_raw(edge_copy(b.data, b.len), b.len);
    unsigned refused = 0;
    int rc;
    size_t limit = 1;
    do {
        struct heap h;
        heap_init(&h, limit);
        rc = everything(&h, v);
        assert_true(rc == G_NOMEM || rc == 0);
        assert_int_equal(h.exhausted, rc == G_NOMEM);
        assert_true(h.total <= limit);
        refused += rc == G_NOMEM;
        heap_reset(&h);
        assert_false(h.exhausted);
        heap_release(&h);
        limit += 16;
    } while (rc != 0);
    assert_true(refused > 100);
    struct heap h;
    heap_init(&h, 0);
    assert_int_equal(h.limit, HEAP_LIMIT_DEFAULT);
    assert_null(heap_alloc(&h, SIZE_MAX));
    assert_null(heap_alloc(&h, SIZE_MAX - 8));
    assert_true(h.exhausted);
    heap_release(&h);
    buf_release(&b);
    edge_release();
}

static void memory_is_aligned_kept_over_a_reset_and_given_back_to_a_mark(void **state) {
    (void)state;
    struct heap h;
    heap_init(&h, (size_t)64 << 20);
    struct rng r;
    rng_init(&r, 1);
    char *kept = heap_alloc(&h, 100);
    assert_non_null(kept);
    memset(kept, 'k', 100);
    struct heap_mark mark = heap_mark(&h);
    for (int turn = 0; turn < 50; turn++) {
        for (int i = 0; i < 20; i++) {
            size_t n = rng_below(&r, 100000);
            char *p = heap_alloc(&h, n);
            assert_non_null(p);
            assert_int_equal((uintptr_t)p % 16, 0);
            memset(p, turn, n);
        }
        heap_rewind(&h, mark);
        assert_ptr_equal(h.next, mark.next);
    }
    for (int i = 0; i < 100; i++) assert_int_equal(kept[i], 'k');
    assert_true(h.total < 1 << 20);
    for (int i = 0; i < 20; i++) assert_non_null(heap_alloc(&h, 100000));
    heap_reset(&h);
    assert_true(h.total > 0 && h.total <= 2 << 20);
    char *first = h.next;
    assert_non_null(heap_alloc(&h, 10000));
    heap_reset(&h);
    assert_ptr_equal(h.next, first);
    heap_release(&h);
    heap_release(&h);
    /* From nothing back to nothing. */
    heap_init(&h, 0);
    mark = heap_mark(&h);
    assert_non_null(heap_alloc(&h, 0));
    heap_rewind(&h, mark);
    assert_int_equal(h.total, 0);
    assert_non_null(heap_alloc(&h, 5));
    heap_release(&h);
}

static void errors_are_values(void **state) {
    (void)state;
    struct heap h;
    heap_init(&h, 0);
    assert_int_equal(heap_throw(&h, "%s and %s cannot be added", "object", "array"), G_DATA);
    assert_thrown(&h, "object and array cannot be added");
    assert_int_equal(heap_throw(&h, "%.*s|\xFF\xFE", 2, "a\xC3\xA9"), G_DATA);
    assert_thrown(&h, "a?|??");
    char text[1000];
    memset(text, 'x', sizeof(text));
    assert_int_equal(heap_throw(&h, "%.*s", (int)sizeof(text), text), G_DATA);
    assert_int_equal(h.thrown.n, 599);
    assert_int_equal(heap_throw_value(&h, value_int(3)), G_DATA);
    assert_int_equal(h.thrown.i, 3);
    heap_release(&h);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_byte_tells_the_kind),
        cmocka_unit_test(only_digits_make_an_integer),
        cmocka_unit_test(numbers_of_any_length_are_rounded_once),
        cmocka_unit_test(strings_are_views_unless_they_have_escapes),
        cmocka_unit_test(arrays_have_elements),
        cmocka_unit_test(objects_have_members),
        cmocka_unit_test(of_equal_names_the_last_value_counts),
        cmocka_unit_test(an_older_array_never_sees_what_is_appended_to_a_newer_one),
        cmocka_unit_test(arrays_grow_in_place_and_only_at_home),
        cmocka_unit_test(an_older_object_never_sees_what_is_set_in_a_newer_one),
        cmocka_unit_test(objects_are_set_in_their_order),
        cmocka_unit_test(counting_into_an_owned_object_takes_constant_memory),
        cmocka_unit_test(a_rewound_name_is_not_looked_at),
        cmocka_unit_test(a_limit_on_memory_is_met_everywhere),
        cmocka_unit_test(memory_is_aligned_kept_over_a_reset_and_given_back_to_a_mark),
        cmocka_unit_test(errors_are_values),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
