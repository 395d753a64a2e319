/* SPDX-License-Identifier: Apache-2.0 */
/* The offset grammar: what each text means, which are refused, and where in a partition a point lies. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
/* cmocka needs the first four above */
#include <cmocka.h>

#include "log/offsets.h"
#include "log_fixture.h"

#define NOW INT64_C(1000000000000000000)
#define S INT64_C(1000000000)

/* "KIND[:N]" of a point. */
static void describe(const struct offset_point *p, char out[64]) {
    static const char *const names[] = {"beginning", "end", "stored", "at", "start+", "end-", "time"};
    unsigned long long n = p->kind == OFFSET_TIME ? (unsigned long long)p->time_ns : (unsigned long long)p->n;
    if (p->kind <= OFFSET_STORED)
        (void)snprintf(out, 64, "%s", names[p->kind]);
    else
        (void)snprintf(out, 64, "%s %llu", names[p->kind], n);
}

static void parses(const char *text, const char *want) {
    struct offset_range_spec r;
    struct err e = {0};
    char from[64], to[64] = "", got[160];
    int g = offset_parse(text, NOW, &r, &e);
    if (g < 0) fail_msg("%s: %s", text, e.text);
    describe(&r.from, from);
    if (r.has_to) describe(&r.to, to);
    (void)snprintf(got, sizeof got, "%s%s%s", from, r.has_to ? " to " : "", to);
    if (strcmp(got, want) != 0) fail_msg("%s: got '%s', wanted '%s'", text, got, want);
}

static void each_form_means_what_the_page_says(void **state) {
    (void)state;
    parses("beginning", "beginning");
    parses("earliest", "beginning");
    parses("end", "end");
    parses("latest", "end");
    parses("stored", "stored");
    parses("0", "at 0");
    parses("42", "at 42");
    parses("9223372036854775807", "at 9223372036854775807");
    parses("-10", "end- 10");
    parses("+10", "start+ 10");
    parses("@1700000000", "time 1700000000000000000");
    parses("@2001-09-09T01:46:40Z", "time 1000000000000000000");
    parses("@-1h", "time 999996400000000000");
}

static void ranges_have_two_points_or_an_open_side(void **state) {
    (void)state;
    parses("1:5", "at 1 to at 5");
    parses(":5", "beginning to at 5");
    parses("5:", "at 5 to end");
    parses(":", "beginning to end");
    parses("-5:-2", "end- 5 to end- 2");
    parses("+1:end", "start+ 1 to end");
    parses("stored:+7", "stored to start+ 7");
    parses("@-1h:end", "time 999996400000000000 to end");
    parses("@-2h:@-1h", "time 999992800000000000 to time 999996400000000000");
}

static void a_range_of_times_is_cut_at_the_colon_that_makes_sense_of_it(void **state) {
    (void)state;
    parses("@2001-09-09T01:46:40Z:@2001-09-09T01:46:41Z", "time 1000000000000000000 to time 1000000001000000000");
    parses("@2001-09-09T01:46:40Z:2001-09-09T01:46:41Z", "time 1000000000000000000 to time 1000000001000000000");
    parses("@2001-09-09 01:46:40:", "time 1000000000000000000 to end");
    parses("3:@2001-09-09T01:46:40Z", "at 3 to time 1000000000000000000");
}

static void everything_else_is_refused(void **state) {
    (void)state;
    static const char *const bad[] = {"",
                                      "x",
                                      "1.5",
                                      "--1",
                                      "++1",
                                      "+-1",
                                      "1:2:3",
                                      "@",
                                      "@x",
                                      "1 ",
                                      " 1",
                                      "1x",
                                      "0x1",
                                      "end:x",
                                      "x:",
                                      "Beginning",
                                      "9223372036854775808",
                                      "99999999999999999999999",
                                      "@9999-01-01",
                                      "-",
                                      "+"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct offset_range_spec r;
        struct err e = {0};
        if (offset_parse(bad[i], NOW, &r, &e) != G_USAGE) fail_msg("'%s' was taken", bad[i]);
        assert_int_equal(e.grade, G_USAGE);
        assert_non_null(strstr(e.text, "is no offset"));
    }
}

static void ranges_that_end_before_they_begin_are_refused_where_it_can_be_told(void **state) {
    (void)state;
    static const char *const bad[] = {"8:5", "+8:+5", "-5:-8", "@2024-01-02:2024-01-01", "@-1h:@-2h"};
    static const char *const good[] = {"5:5", "-8:-5", "8:-5", "end:3", "@-1h:@-1h", "+0:+0"};
    struct offset_range_spec r;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct err e = {0};
        char want[80];
        assert_int_equal(offset_parse(bad[i], NOW, &r, &e), G_USAGE);
        (void)snprintf(want, sizeof want, "range '%s' ends before it begins", bad[i]);
        assert_string_equal(e.text, want);
    }
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) assert_int_equal(offset_parse(good[i], NOW, &r, NULL), 0);
}

static uint64_t place(struct cursor *c, const char *text, const uint64_t *stored) {
    struct offset_range_spec r;
    struct err e = {0};
    uint64_t at = 0;
    assert_int_equal(offset_parse(text, NOW, &r, &e), 0);
    assert_int_equal(offset_resolve(&r.from, c, stored, &at, &e), 0);
    return at;
}

static void points_lie_between_the_first_kept_record_and_the_end(void **state) {
    (void)state;
    struct log_fixture f;
    struct cursor c;
    struct err e = {0};
    uint64_t stored = 4;
    log_fixture_open(&f, 1, NULL);
    log_fixture_append(&f, 0, 6, "k", 10);
    log_fixture_append(&f, 0, 4, "k", 10); /* offsets and times 0 to 9 */
    assert_int_equal(cursor_open(&c, &f.topic, 0, false, &e), 0);
    assert_int_equal(place(&c, "beginning", NULL), 0);
    assert_int_equal(place(&c, "end", NULL), 10);
    assert_int_equal(place(&c, "stored", &stored), 4);
    assert_int_equal(place(&c, "stored", NULL), 0);
    assert_int_equal(place(&c, "7", NULL), 7);
    assert_int_equal(place(&c, "-3", NULL), 7);
    assert_int_equal(place(&c, "-10", NULL), 0);
    assert_int_equal(place(&c, "-11", NULL), 0);
    assert_int_equal(place(&c, "-0", NULL), 10);
    assert_int_equal(place(&c, "+3", NULL), 3);
    assert_int_equal(place(&c, "+11", NULL), 10);
    struct offset_point t = {.kind = OFFSET_TIME, .time_ns = 6};
    uint64_t at = 0;
    assert_int_equal(offset_resolve(&t, &c, NULL, &at, &e), 0);
    assert_int_equal(at, 6);
    t.time_ns = 100;
    assert_int_equal(offset_resolve(&t, &c, NULL, &at, &e), 0);
    assert_int_equal(at, 10);
    t.time_ns = INT64_MIN + 1;
    assert_int_equal(offset_resolve(&t, &c, NULL, &at, &e), 0);
    assert_int_equal(at, 0);
    cursor_close(&c);
    log_fixture_close(&f);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_form_means_what_the_page_says),
        cmocka_unit_test(ranges_have_two_points_or_an_open_side),
        cmocka_unit_test(a_range_of_times_is_cut_at_the_colon_that_makes_sense_of_it),
        cmocka_unit_test(everything_else_is_refused),
        cmocka_unit_test(ranges_that_end_before_they_begin_are_refused_where_it_can_be_told),
        cmocka_unit_test(points_lie_between_the_first_kept_record_and_the_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
