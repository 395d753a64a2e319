/* SPDX-License-Identifier: Apache-2.0 */
/* Members of an object as spans of its text: names, values, where new ones would go, and text that is no object. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "json/members.h"

/* "name=value;" of each member, unescaped names, then what is behind the last one; "!" behind a fault. The text lies at
 * the end of memory of its own, so that a sanitizer sees a byte too many. */
static void members_are(const char *text, const char *wanted) {
    struct json_members it;
    struct json_member m;
    struct buf out = {0}, scratch = {0};
    size_t n = strlen(text);
    char *copy = malloc(n + 1);
    assert_non_null(copy);
    memcpy(copy, text, n);
    char *exact = realloc(copy, n ? n : 1);
    assert_non_null(exact);
    if (!json_members_init(&it, exact, n)) {
        assert_int_equal(buf_puts(&out, "none"), 0);
    } else {
        int g;
        while ((g = json_members_next(&it, &m)) > 0) {
            const char *name;
            size_t size;
            assert_int_equal(json_member_name(&m, &scratch, &name, &size), 0);
            assert_int_equal(buf_append(&out, name, size), 0);
            assert_int_equal(buf_putc(&out, '='), 0);
            assert_int_equal(buf_append(&out, m.value, (size_t)(m.value_end - m.value)), 0);
            assert_int_equal(buf_putc(&out, ';'), 0);
        }
        assert_true(g == 0 || g == G_DATA);
        if (g == 0) assert_int_equal(buf_append(&out, it.last, (size_t)(exact + n - it.last)), 0);
        if (g < 0) assert_int_equal(buf_putc(&out, '!'), 0);
    }
    assert_string_equal(buf_cstr(&out), wanted);
    buf_release(&out);
    buf_release(&scratch);
    free(exact);
}

static void sound(void **state) {
    (void)state;
    members_are("{}", "}");
    members_are(" { } ", " } ");
    members_are("{\"a\":1}", "a=1;}");
    members_are("{\"a\":1,\"b\":\"x\"}", "a=1;b=\"x\";}");
    members_are(" {\t\"a\" : [1, {\"b\":2}] ,\n\"\" : { } }\r", "a=[1, {\"b\":2}];={ }; }\r");
    members_are("{\"\\u0061\\\"\":\"}\\\"\"}", "a\"=\"}\\\"\";}");
}

static void first_and_last(void **state) {
    (void)state;
    struct json_members it;
    struct json_member m;
    const char *text = "{ \"a\":1 }";
    assert_true(json_members_init(&it, text, strlen(text)));
    assert_true(it.first);
    assert_ptr_equal(it.last, text + 1);
    assert_int_equal(json_members_next(&it, &m), 1);
    assert_false(it.first);
    assert_false(m.escaped);
    assert_ptr_equal(it.last, text + 7);
    assert_int_equal(json_members_next(&it, &m), 0);
    assert_int_equal(json_members_next(&it, &m), 0);
}

static void no_object(void **state) {
    (void)state;
    static const char *const texts[] = {"", " ", "1", "[{}]", "null", "\"{}\""};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) members_are(texts[i], "none");
}

static void cut_off_or_wrong(void **state) {
    (void)state;
    members_are("{", "!");
    members_are("{\"", "!");
    members_are("{\"a", "!");
    members_are("{\"a\"", "!");
    members_are("{\"a\":", "!");
    members_are("{\"a\":\"x", "!");
    members_are("{\"a\":[1", "!");
    members_are("{\"a\":1", "a=1;!");
    members_are("{\"a\":1,", "a=1;!");
    members_are("{\"a\":1 \"b\":2}", "a=1;!");
    members_are("{a:1}", "!");
    members_are("{\"a\" 1}", "!");
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(sound), cmocka_unit_test(first_and_last),
                                       cmocka_unit_test(no_object), cmocka_unit_test(cut_off_or_wrong)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
