/* SPDX-License-Identifier: Apache-2.0 */
/*
 * expr/func_regex.c: matches, flags, offsets in code points, hostile patterns, the cache; expected is what jq 1.6 does
 * where a comment says nothing else.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "func_cases.h"

static const struct func_case matches[] = {
    {"_match", "\"abc\"", "[\"b\", null, false]", "[{\"offset\":1,\"length\":1,\"string\":\"b\",\"captures\":[]}]"},
    {"_match", "\"abc\"", "[\"x\", null, false]", "[]"},
    {"_match", "\"foo bar foo\"", "[\"foo\", \"g\", false]",
     "[{\"offset\":0,\"length\":3,\"string\":\"foo\",\"captures\":[]},{\"offset\":8,\"length\":3,\"string\":\"foo\","
     "\"captures\":[]}]"},
    {"_match", "\"test\"", "[\"T\", \"i\", false]", "[{\"offset\":0,\"length\":1,\"string\":\"t\",\"captures\":[]}]"},
    {"_match", "\"aé😀b\"", "[\"b\", null, false]", "[{\"offset\":3,\"length\":1,\"string\":\"b\",\"captures\":[]}]"},
    {"_match", "\"aé😀bé\"", "[\"(😀)(b)\", null, false]",
     "[{\"offset\":2,\"length\":2,\"string\":\"😀b\",\"captures\":[{\"offset\":2,\"length\":1,\"string\":\"😀\",\"name\":"
     "null},{\"offset\":3,\"length\":1,\"string\":\"b\",\"name\":null}]}]"},
    {"_match", "\"xyz\"", "[\"(?<a>x)(?<n>q)?\", null, false]",
     "[{\"offset\":0,\"length\":1,\"string\":\"x\",\"captures\":[{\"offset\":0,\"length\":1,\"string\":\"x\",\"name\":"
     "\"a\"},{\"offset\":-1,\"length\":0,\"string\":null,\"name\":\"n\"}]}]"},
    {"_match", "\"foo bar\"", "[\"(?<x>foo)|(?<x>bar)\", \"g\", false]",
     "[{\"offset\":0,\"length\":3,\"string\":\"foo\",\"captures\":[{\"offset\":0,\"length\":3,\"string\":\"foo\","
     "\"name\":\"x\"},{\"offset\":-1,\"length\":0,\"string\":null,\"name\":\"x\"}]},{\"offset\":4,\"length\":3,"
     "\"string\":\"bar\",\"captures\":[{\"offset\":-1,\"length\":0,\"string\":null,\"name\":\"x\"},{\"offset\":4,"
     "\"length\":3,\"string\":\"bar\",\"name\":\"x\"}]}]"},
    {"_match", "\"abc\"", "[\"b*\", \"gn\", false]", "[{\"offset\":1,\"length\":1,\"string\":\"b\",\"captures\":[]}]"},
    {"_match", "\"aab\"", "[\"(?<=a)b\", null, false]",
     "[{\"offset\":2,\"length\":1,\"string\":\"b\",\"captures\":[]}]"},
    {"_match", "\"日本語\"", "[\".\", \"g\", false]",
     "[{\"offset\":0,\"length\":1,\"string\":\"日\",\"captures\":[]},{\"offset\":1,\"length\":1,\"string\":\"本\","
     "\"captures\":[]},{\"offset\":2,\"length\":1,\"string\":\"語\",\"captures\":[]}]"},
    {"_match", "\"aXbX\"", "[\"(?i)x\", \"g\", false]",
     "[{\"offset\":1,\"length\":1,\"string\":\"X\",\"captures\":[]},{\"offset\":3,\"length\":1,\"string\":\"X\","
     "\"captures\":[]}]"},
    /* empty matches go on by characters, list their captures, and are found at the end, as from jq 1.7 on */
    {"_match", "\"ab\"", "[\"\", \"g\", false]",
     "[{\"offset\":0,\"length\":0,\"string\":\"\",\"captures\":[]},{\"offset\":1,\"length\":0,\"string\":\"\","
     "\"captures\":[]},{\"offset\":2,\"length\":0,\"string\":\"\",\"captures\":[]}]"},
    {"_match", "\"é\"", "[\"\", \"g\", false]",
     "[{\"offset\":0,\"length\":0,\"string\":\"\",\"captures\":[]},{\"offset\":1,\"length\":0,\"string\":\"\","
     "\"captures\":[]}]"},
    {"_match", "\"ab\"", "[\"b*\", \"g\", false]",
     "[{\"offset\":0,\"length\":0,\"string\":\"\",\"captures\":[]},{\"offset\":1,\"length\":1,\"string\":\"b\","
     "\"captures\":[]},{\"offset\":2,\"length\":0,\"string\":\"\",\"captures\":[]}]"},
    {"_match", "\"a\"", "[\"(x)?\", \"\", false]",
     "[{\"offset\":0,\"length\":0,\"string\":\"\",\"captures\":[{\"offset\":-1,\"length\":0,\"string\":null,\"name\":"
     "null}]}]"},
    {"_match", "\"\"", "[\"a*\", \"g\", false]", "[{\"offset\":0,\"length\":0,\"string\":\"\",\"captures\":[]}]"},
    {"_match", "\"abc\"", "[\"$\", \"g\", false]", "[{\"offset\":3,\"length\":0,\"string\":\"\",\"captures\":[]}]"},
    {"_match", "\"ab abcd\"", "[\"ab(cd)?|a\", \"l\", false]",
     "[{\"offset\":3,\"length\":4,\"string\":\"abcd\",\"captures\":[{\"offset\":5,\"length\":2,\"string\":\"cd\","
     "\"name\":null}]}]"},
    {"_match", "\"ab abcd\"", "[\"a|ab(cd)?\", \"l\", false]",
     "[{\"offset\":3,\"length\":4,\"string\":\"abcd\",\"captures\":[{\"offset\":5,\"length\":2,\"string\":\"cd\","
     "\"name\":null}]}]"},
    {"_match", "\"xx\"", "[\"a|ab\", \"l\", false]", "[]"},
    {"_match", "\"ab abc\"", "[\"(?<n>a|ab)c? # comment\", \"lx\", false]",
     "[{\"offset\":3,\"length\":3,\"string\":\"abc\",\"captures\":[{\"offset\":3,\"length\":2,\"string\":\"ab\","
     "\"name\":\"n\"}]}]"},
    {"_match", "\"abc\"", "[\"a\\\\Kb\", null, false]",
     "[{\"offset\":1,\"length\":1,\"string\":\"b\",\"captures\":[]}]"},
};

static void matches_are_described(void **state) {
    (void)state;
    CHECK_CASES(matches);
}

static const struct func_case yes_or_no[] = {
    {"_match", "\"abc\"", "[\"b\", null, true]", "true"},
    {"_match", "\"abc\"", "[\"x\", null, true]", "false"},
    {"_match", "\"abc\"", "[\"B\", \"i\", true]", "true"},
    {"_match", "\"abc\"", "[\"B\", \"\", true]", "false"},
    {"_match", "\"a\\nb\"", "[\"a.b\", null, true]", "false"},
    {"_match", "\"a\\nb\"", "[\"a.b\", \"s\", true]", "false"},
    {"_match", "\"a\\nb\"", "[\"a.b\", \"p\", true]", "true"},
    {"_match", "\"a\\nb\"", "[\"^b\", null, true]", "false"},
    {"_match", "\"a\\nb\"", "[\"a$\", null, true]", "false"},
    {"_match", "\"a\\n\"", "[\"a$\", null, true]", "true"},
    {"_match", "\"a\\nb\"", "[\"(?s)a.b\", null, true]", "true"},
    {"_match", "\"a\\nb\"", "[\"(?m)^b\", null, true]", "true"},
    {"_match", "\"ab\"", "[\"a b\", \"x\", true]", "true"},
    {"_match", "\"ab\"", "[\"a b\", null, true]", "false"},
    {"_match", "\"é\"", "[\"\\\\w\", null, true]", "true"},
    {"_match", "\"é\"", "[\"\\\\d\", null, true]", "false"},
    {"_match", "\"é\"", "[\"É\", \"i\", true]", "true"},
    {"_match", "\"é\"", "[\"^.$\", null, true]", "true"},
    {"_match", "\"\\u0000\"", "[\"\\\\x00\", null, true]", "true"},
    {"_match", "\"a\"", "[\"\", null, true]", "true"},
    {"_match", "\"\"", "[\"\", null, true]", "true"},
    {"_match", "\"\"", "[\"\", \"n\", true]", "false"},
    {"_match", "\"aa\"", "[\"(a)\\\\1\", null, true]", "true"},
    {"_match", "\"a\\u0000b\"", "[\"b\", null, true]", "true"},
    {"_match", "1", "[\"a\", null, true]", "!number (1) cannot be matched, as it is not a string"},
    {"_match", "null", "[\"a\", null, true]", "!null (null) cannot be matched, as it is not a string"},
    {"_match", "\"a\"", "[1, null, true]", "!number (1) is not a string"},
    {"_match", "\"a\"", "[\"a\", 1, true]", "!number (1) is not a string"},
    {"_match", "\"a\"", "[\"a\", \"q\", true]", "!q is not a valid modifier string"},
    {"_match", "\"a\"", "[\"a\", \"gq\", true]", "!gq is not a valid modifier string"},
    {"_match", "\"a\"", "[\"(\", null, true]", "!Regex failure: missing closing parenthesis at offset 1"},
    {"_match", "\"a\"", "[\"[a\", null, true]",
     "!Regex failure: missing terminating ] for character class at offset 2"},
    {"_match", "\"a\"", "[\"*a\", null, true]",
     "!Regex failure: quantifier does not follow a repeatable item at offset 0"},
    {"_match", "\"a\"", "[\"\\\\C\", null, true]",
     "!Regex failure: using \\C is disabled by the application at offset 2"},
};

static void tests_say_yes_or_no(void **state) {
    (void)state;
    CHECK_CASES(yes_or_no);
}

static double seconds(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static const char *match(struct heap *h, const char *text, size_t n, const char *pattern, const char *flags,
                         bool test) {
    const struct value args[] = {value_text(text, n), value_text(pattern, strlen(pattern)),
                                 flags ? value_text(flags, strlen(flags)) : value_null(), value_bool(test)};
    return call_func(h, "_match", args, 3);
}

static void hostile_patterns_end(void **state) {
    (void)state;
    static const char *const patterns[] = {
        "(a*)*b",  "(a|aa)+$", "(a+)+\\1b", "^(([a-z])+.)+[A-Z]([a-z])+$", "(?:a|a|a|a)*c", "((a{1,9}){1,9}){1,9}b",
        "(?R)?a+b"};
    char text[3001];
    struct heap h;
    heap_init(&h, 0);
    memset(text, 'a', sizeof(text));
    text[sizeof(text) - 1] = '!';
    for (size_t i = 0; i < sizeof(patterns) / sizeof(*patterns); i++) {
        double before = seconds();
        const char *got = match(&h, text, sizeof(text), patterns[i], NULL, true);
        if (strcmp(got, "false") != 0 && !strstr(got, "took too many steps")) fail_msg("%s: %s", patterns[i], got);
        if (seconds() - before > 30) fail_msg("%s took %g s", patterns[i], seconds() - before);
    }
    assert_string_equal(match(&h, text, sizeof(text), "(a*)*b", NULL, true), "false"); /* PCRE2 sees: there is no b */
    assert_string_equal(match(&h, text, sizeof(text), "(a|aa)+$", NULL, true),
                        "!regular expression \"(a|aa)+$\" took too many steps");
    assert_string_equal(match(&h, text, sizeof(text), "(a|aa)+$", "g", false),
                        "!regular expression \"(a|aa)+$\" took too many steps");
    assert_string_equal(match(&h, text, sizeof(text), "(a|aa)+$", "l", true),
                        "!regular expression \"(a|aa)+$\" took too many steps");
    heap_release(&h);
}

static void long_texts_are_searched_to_the_end(void **state) {
    (void)state;
    enum { SIZE = 1000000 };
    char *text = malloc(SIZE), expect[100];
    struct heap h;
    assert_non_null(text);
    heap_init(&h, 0);
    for (size_t i = 0; i < SIZE; i += 2) memcpy(text + i, "\xC3\xA9", 2);
    memcpy(text + SIZE - 4, "xyz!", 4);
    snprintf(expect, sizeof(expect), "[{\"offset\":%d,\"length\":3,\"string\":\"xyz\",\"captures\":[]}]", SIZE / 2 - 2);
    assert_string_equal(match(&h, text, SIZE, "[w-x]yz", NULL, false), expect);
    assert_string_equal(match(&h, text, SIZE, "[w-x]yz$", NULL, true), "false");
    assert_string_equal(match(&h, text, SIZE, "^x", NULL, true), "false");
    assert_string_equal(match(&h, text, SIZE, "(?<=\xC3\xA9)x", NULL, true), "true");
    assert_string_equal(match(&h, text, SIZE, "(?<=z)x", NULL, true), "false");
    *text = 'a'; /* windows now end within characters, where a copyright sign could be seen */
    memmove(text + 1, text + 2, SIZE - 2);
    assert_string_equal(match(&h, text, 99999, "(*NO_START_OPT)[w\xC2\xA9]", NULL, true), "false");
    for (size_t at = 200; at < 3000; at++) { /* around the borders of windows */
        memset(text, '-', 3003);
        memcpy(text + at, "xyz", 3);
        snprintf(expect, sizeof(expect), "[{\"offset\":%zu,\"length\":3,\"string\":\"xyz\",\"captures\":[]}]", at);
        assert_string_equal(match(&h, text, 3003, "[x]yz", NULL, false), expect);
        heap_reset(&h);
    }
    free(text);
    heap_release(&h);
}

/* More patterns than the cache has places, again and again, and names that must outlive theirs. */
static void the_cache_makes_room(void **state) {
    (void)state;
    struct heap h;
    heap_init(&h, 0);
    const struct func *f = func_find("_match", 6, 3);
    struct value first;
    const struct value named[] = {value_text("x", 1), value_text("(?<name>x)", 10), value_null(), value_bool(false)};
    assert_int_equal(f->fn(&h, named, &first), 0);
    for (int i = 0; i < 500; i++) {
        char pattern[20], text[20];
        snprintf(pattern, sizeof(pattern), "^a%d$", i % 150);
        snprintf(text, sizeof(text), "a%d", i % 150);
        assert_string_equal(match(&h, text, strlen(text), pattern, NULL, true), "true");
        assert_string_equal(match(&h, "A1x", 3, pattern, "i", true), "false");
    }
    struct buf out = {0};
    assert_int_equal(value_write(&h, first, &out), 0);
    assert_string_equal(buf_cstr(&out), "[{\"offset\":0,\"length\":1,\"string\":\"x\",\"captures\":[{\"offset\":0,"
                                        "\"length\":1,\"string\":\"x\",\"name\":\"name\"}]}]");
    buf_release(&out);
    heap_release(&h);
}

static void bad_utf8_is_refused(void **state) {
    (void)state;
    struct heap h;
    heap_init(&h, 0);
    const struct value args[] = {value_raw("\"\xC3\"", 3), value_text("x", 1), value_null(), value_bool(true)};
    assert_non_null(strstr(call_func(&h, "_match", args, 3), "cannot be matched, as it is not UTF-8"));
    const struct value pattern[] = {value_text("x", 1), value_raw("\"\xC3\"", 3), value_null(), value_bool(true)};
    assert_non_null(strstr(call_func(&h, "_match", pattern, 3), "Regex failure"));
    heap_release(&h);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(matches_are_described), cmocka_unit_test(tests_say_yes_or_no),
        cmocka_unit_test(hostile_patterns_end),  cmocka_unit_test(long_texts_are_searched_to_the_end),
        cmocka_unit_test(the_cache_makes_room),  cmocka_unit_test(bad_utf8_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
