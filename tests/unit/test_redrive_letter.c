/* SPDX-License-Identifier: Apache-2.0 */
/* What a letter says of itself: sources, reasons in general, and which headers were the letter's own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
/* cmocka needs the first four above */
#include <cmocka.h>

#include "../../cmd/redrive/letter.c"

static struct text of(const char *s) {
    return (struct text){s, s ? strlen(s) : 0};
}

static void general_is(const char *why, const char *want) {
    struct buf out = {0};
    const struct text t = of(why);
    assert_int_equal(letter_general_reason(&t, &out), 0);
    const char *got = buf_cstr(&out);
    if (strcmp(got, want) != 0) fail_msg("%s: got '%s', wanted '%s'", why, got, want);
    buf_release(&out);
}

static void what_differs_from_record_to_record_is_left_out(void **state) {
    (void)state;
    general_is("not JSON: text ends inside an object at byte 18", "not JSON: text ends inside an object at byte N");
    general_is("expression: string (\"x\") and number (1) cannot be added\n  .n + 1\n     ^",
               "expression: string (...) and number (...) cannot be added");
    general_is("expression: Cannot index string with string \"a\\\"b\" here",
               "expression: Cannot index string with string \"...\" here");
    general_is("late: its time is 2026-01-01T00:00:00.5Z, its window ended at 2026-01-01T00:01:00Z, and more",
               "late: its time is N, its window ended at N, and more");
    general_is("cannot take 'it's 5': over 16MiB", "cannot take '...': over N");
    general_is("it doesn't open a quote, nor does 'this", "it doesn't open a quote, nor does 'this");
    general_is("utf8 and p99 stay; 3. goes, -4 too", "utf8 and p99 stay; N. goes, -N too");
    general_is("((a) b) ( c", "(...) ( c");
    general_is("", "");
    general_is(NULL, "");
    general_is("\n1", "");
}

static void a_reason_without_end_is_cut(void **state) {
    (void)state;
    static char longest[5000];
    struct buf out = {0};
    memset(longest, 'x', sizeof longest - 1);
    const struct text t = of(longest);
    assert_int_equal(letter_general_reason(&t, &out), 0);
    assert_int_equal(out.len, REASON_MAX_BYTES);
    buf_release(&out);
}

static void sources_are_topics_or_not(void **state) {
    (void)state;
    static const struct {
        const char *source, *topic, *name;
        uint32_t partition;
    } cases[] = {
        {"clicks/3@42", "clicks", "clicks", 3},
        {"a.b-c_d/0@0", "a.b-c_d", "a.b-c_d", 0},
        {"in.json:2", NULL, "in.json", 0},
        {"dir/in.json:2", NULL, "dir/in.json", 0},
        {"x.leat@5", NULL, "x.leat", 0},
        {"../x/0@1", NULL, "../x/0", 0},
        {"../0@1", NULL, "../0", 0},
        {"./0@1", NULL, "./0", 0},
        {"/0@1", NULL, "/0", 0},
        {"clicks/@1", NULL, "clicks/", 0},
        {"clicks/1@", NULL, "clicks/1@", 0},
        {"clicks/4294967296@1", NULL, "clicks/4294967296", 0},
        {"cl icks/0@1", NULL, "cl icks/0", 0},
        {"@1", NULL, "@1", 0},
        {"12", NULL, "12", 0},
        {":1", NULL, ":1", 0},
        {"", NULL, "", 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct letter_source s;
        const struct text t = of(cases[i].source);
        bool topic = letter_source_parse(&t, &s);
        if (topic != (cases[i].topic != NULL)) fail_msg("%s", cases[i].source);
        if (topic) {
            assert_string_equal(s.topic, cases[i].topic);
            assert_int_equal(s.partition, cases[i].partition);
        }
        struct text name = letter_source_name(&t);
        if (name.n != strlen(cases[i].name) || memcmp(name.p, cases[i].name, name.n) != 0)
            fail_msg("%s: name '%.*s'", cases[i].source, (int)name.n, name.p);
    }
    const struct text none = of(NULL), nul = {"a\0b/0@1", 7};
    struct letter_source s;
    assert_false(letter_source_parse(&none, &s));
    assert_false(letter_source_parse(&nul, &s));
    assert_int_equal(letter_source_name(&none).n, 0);
}

static void add(struct buf *b, const char *name, const char *value) {
    struct err e;
    assert_int_equal(record_header_append(b, name, strlen(name), value, strlen(value), &e), 0);
}

/* A letter that was made of a letter goes back as the letter that it was. */
static void the_last_header_of_each_name_is_the_letters_own(void **state) {
    (void)state;
    struct buf headers = {0}, want = {0}, got = {0};
    struct err e;
    static const char *const own[][2] = {{"trace", "1"},           {"leat.error", "old"}, {"leat.tool", "map"},
                                         {"leat.source", "a/0@1"}, {"leat.time", "t1"},   {"leat.original_time", "t0"}};
    static const char *const letters[][2] = {{"leat.watermark", "w"},
                                             {"leat.error", "new"},
                                             {"leat.tool", "window"},
                                             {"leat.source", "dead/0@2"},
                                             {"leat.time", "t2"}};
    for (size_t i = 0; i < sizeof own / sizeof *own; i++) {
        add(&headers, own[i][0], own[i][1]);
        add(&want, own[i][0], own[i][1]);
    }
    for (size_t i = 0; i < sizeof letters / sizeof *letters; i++) add(&headers, letters[i][0], letters[i][1]);
    struct letter l = {.record = {.headers = headers.data, .headers_size = headers.len}};
    letter_read_headers(&l);
    assert_memory_equal(l.why.p, "new", 3);
    assert_memory_equal(l.source.p, "dead/0@2", 8);
    assert_int_equal(letter_strip_headers(&l.record, &got, &e), 0);
    assert_int_equal(got.len, want.len);
    assert_memory_equal(got.data, want.data, want.len);
    buf_release(&headers);
    buf_release(&want);
    buf_release(&got);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_differs_from_record_to_record_is_left_out),
        cmocka_unit_test(a_reason_without_end_is_cut),
        cmocka_unit_test(sources_are_topics_or_not),
        cmocka_unit_test(the_last_header_of_each_name_is_the_letters_own),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
