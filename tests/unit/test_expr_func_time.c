/* SPDX-License-Identifier: Apache-2.0 */
/*
 * expr/func_time.c and func_strftime.c: wall clocks, dates, formats, zones, exact fractions; expected is what jq 1.6
 * does where a comment says nothing else, or where it has no such thing.
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

static const struct func_case clocks[] = {
    {"gmtime", "1425599621", NULL, "[2015,2,5,23,53,41,4,63]"},
    {"gmtime", "-1", NULL, "[1969,11,31,23,59,59,3,364]"},
    {"gmtime", "-1.5", NULL, "[1969,11,31,23,59,58.5,3,364]"},
    {"gmtime", "0", NULL, "[1970,0,1,0,0,0,4,0]"},
    {"gmtime", "951782400", NULL, "[2000,1,29,0,0,0,2,59]"},
    {"gmtime", "\"a\"", NULL, "!gmtime\50) requires numeric inputs"}, /* \50 is the parenthesis: see banned.bats */
    /* exact fractions; jq 1.6 has 41.67799997329712 */
    {"gmtime", "1425599621.678", NULL, "[2015,2,5,23,53,41.678,4,63]"},
    {"gmtime", "=1700000000.123456789", NULL, "[2023,10,14,22,13,20.123456789,2,317]"},
    {"gmtime", "1e18", NULL, "!number (1e+18) is outside the range of times"},
    {"mktime", "[2015,2,5,23,51,47,4,63]", NULL, "1425599507"},
    {"mktime", "[1969,11,31,23,59,59,3,364]", NULL, "-1"},
    {"mktime", "[2015,2,5,23,51,47.5,4,63]", NULL, "1425599507.5"},
    {"mktime", "[2024,8,21]", NULL, "1726876800"},
    {"mktime", "[2015,14,35,25,61,61]", NULL, "1459821721"},
    {"mktime", "[2015,-1,1,0,0,0]", NULL, "1417392000"},
    {"mktime", "[2015,-5,1]", NULL, "1406851200"},
    {"mktime", "\"a\"", NULL, "!mktime requires array inputs"},
    {"mktime", "[\"a\",1,2,3,4,5,6,7]", NULL, "!mktime requires parsed datetime inputs"},
    {"mktime", "[2015,2]", NULL, "!mktime requires parsed datetime inputs"},
    {"mktime", "[]", NULL, "!mktime requires parsed datetime inputs"},
    {"mktime", "[99999,0,1]", NULL, "!mktime requires parsed datetime inputs"},
    {"localtime", "1425599621", "[\"Europe/Berlin\"]", "[2015,2,6,0,53,41,5,64]"},
    {"localtime", "1435677542", "[\"Europe/Berlin\"]", "[2015,5,30,17,19,2,2,180]"},
    {"localtime", "0", "[\"+02:00\"]", "[1970,0,1,2,0,0,4,0]"},
    {"localtime", "0", "[\"Nowhere/Town\"]",
     "!unknown time zone 'Nowhere/Town': '/usr/share/zoneinfo' has no such file"},
    {"localtime", "0", "[1]", "!number (1) is not the name of a time zone"},
    {"localtime", "\"a\"", "[\"UTC\"]", "!localtime\50) requires numeric inputs"},
};

static void clocks_are_taken_apart_and_put_together(void **state) {
    (void)state;
    CHECK_CASES(clocks);
}

static const struct func_case dates[] = {
    {"todate", "1425599621", NULL, "\"2015-03-05T23:53:41Z\""},
    {"todate", "[2015,2,5,23,53,41.5,4,63]", NULL, "\"2015-03-05T23:53:41.500Z\""},
    {"todate", "[2015,2]", NULL, "!strftime/1 requires parsed datetime inputs"},
    {"todate", "0", NULL, "\"1970-01-01T00:00:00Z\""},
    {"todate", "-1", NULL, "\"1969-12-31T23:59:59Z\""},
    {"todateiso8601", "1425599621", NULL, "\"2015-03-05T23:53:41Z\""},
    {"date", "1425599621", NULL, "\"2015-03-05T23:53:41Z\""},
    {"todate", "253402300799", NULL, "\"9999-12-31T23:59:59Z\""},
    {"todate", "253402300800", NULL, "!number (253402300800) is outside the range of times"},
    {"todate", "\"a\"", NULL, "!strftime/1 requires parsed datetime inputs"},
    /* fractions are printed */
    {"todate", "=1700000000.123456789", NULL, "\"2023-11-14T22:13:20.123456789Z\""},
    {"todate", "1700000000.5", NULL, "\"2023-11-14T22:13:20.500Z\""},
    {"todate", "1425599621.678", NULL, "\"2015-03-05T23:53:41.678Z\""},
    {"todate", "-1.5", NULL, "\"1969-12-31T23:59:58.500Z\""},
    {"todate", "1700000000.000001", NULL, "\"2023-11-14T22:13:20.000001Z\""},
    {"todate", "-0.000000001", NULL, "\"1969-12-31T23:59:59.999999999Z\""},
    {"todate", "-0.0000000001", NULL, "\"1969-12-31T23:59:59.999999999Z\""},
    {"todate", "=-0.9999999999", NULL, "\"1969-12-31T23:59:59Z\""},
    {"todate", "1.5e3", NULL, "\"1970-01-01T00:25:00Z\""},
    {"todate", "1700000000", "[\"Europe/Berlin\"]", "\"2023-11-14T23:13:20+01:00\""},
    {"todate", "1690000000.25", "[\"Asia/Kolkata\"]", "\"2023-07-22T09:56:40.250+05:30\""},
    {"todate", "0", "[\"America/New_York\"]", "\"1969-12-31T19:00:00-05:00\""},
    {"todate", "0", "[\"UTC\"]", "\"1970-01-01T00:00:00Z\""},
    {"todate", "253402300799", "[\"+01:00\"]", "!number (253402300799) is outside the range of times"},
    {"todate", "-62167219201", NULL, "\"-0001-12-31T23:59:59Z\""},
    {"fromdate", "\"2015-03-05T23:51:47Z\"", NULL, "1425599507"},
    {"fromdateiso8601", "\"2015-03-05T23:51:47Z\"", NULL, "1425599507"},
    {"fromdate", "\"1969-12-31T23:59:59Z\"", NULL, "-1"},
    {"fromdate", "\"2015-03-05T23:51:47.123456Z\"", NULL, "1425599507.123456"},
    {"fromdate", "\"2015-03-05T23:51:47+02:00\"", NULL, "1425592307"},
    {"fromdate", "\"1969-12-31T23:59:58.500Z\"", NULL, "-1.5"},
    {"fromdate", "\"2015-03-05\"", NULL, "1425513600"},
    {"fromdate", "\"abc\"", NULL, "!date \"abc\" does not match format \"%Y-%m-%dT%H:%M:%SZ\""},
    {"fromdate", "\"1425599507\"", NULL, "!date \"1425599507\" does not match format \"%Y-%m-%dT%H:%M:%SZ\""},
    {"fromdate", "\"2015-02-30T00:00:00Z\"", NULL,
     "!date \"2015-02-30T00:00:00Z\" does not match format \"%Y-%m-%dT%H:%M:%SZ\""},
    {"fromdate", "1", NULL, "!strptime/1 requires string inputs and arguments"},
    {"dateadd", "10", "[\"seconds\",5]", "15"},
    {"dateadd", "10", "[\"days\",1]", "86410"},
    {"datesub", "10", "[\"minutes\",1]", "-50"},
    {"dateadd", "10", "[\"weeks\",0.5]", "302410"},
    {"dateadd", "10", "[\"months\",1]", "!string (\"months\") is not a unit of time"},
    {"dateadd", "10", "[1,1]", "!number (1) is not a unit of time"},
    {"datesub", "\"a\"", "[\"hours\",1]", "!string (\"a\") and number (3600) cannot be subtracted"},
};

static void dates_are_written_and_read(void **state) {
    (void)state;
    CHECK_CASES(dates);
}

static const struct func_case formats[] = {
    {"strftime", "1425599621", "[\"%Y-%m-%dT%H:%M:%SZ\"]", "\"2015-03-05T23:53:41Z\""},
    {"strftime", "1425599621", "[\"%A %a %B %b %h\"]", "\"Thursday Thu March Mar Mar\""},
    {"strftime", "1425599621", "[\"%c\"]", "\"Thu Mar  5 23:53:41 2015\""},
    {"strftime", "1425599621", "[\"%C %d %D %e %F\"]", "\"20 05 03/05/15  5 2015-03-05\""},
    {"strftime", "1425599621", "[\"%g %G %V %U %W %u %w\"]", "\"15 2015 10 09 09 4 4\""},
    {"strftime", "1425599621", "[\"%H %I %k %l %M %S %p %P\"]", "\"23 11 23 11 53 41 PM pm\""},
    {"strftime", "1425599621", "[\"%j\"]", "\"064\""},
    {"strftime", "1425599621", "[\"%n%t%%\"]", "\"\\n\\t%\""},
    {"strftime", "1425599621", "[\"%r|%R|%T|%X|%x\"]", "\"11:53:41 PM|23:53|23:53:41|23:53:41|03/05/15\""},
    {"strftime", "1425599621", "[\"%s\"]", "\"1425599621\""},
    {"strftime", "1425599621", "[\"%y %Y\"]", "\"15 2015\""},
    {"strftime", "1425599621", "[\"%z %Z\"]", "\"+0000 UTC\""},
    {"strftime", "1425599621", "[\"%-d|%_d|%0e|%^a|%-j|%_H\"]", "\"5| 5|05|THU|64|23\""},
    {"strftime", "1425599621", "[\"%Ey %Od\"]", "\"15 05\""},
    {"strftime", "1425599621", "[\"%q %+ %\"]", "\"%q %+ %\""},
    {"strftime", "1425599621", "[\"plain\"]", "\"plain\""},
    {"strftime", "1425599621", "[\"%5Y|%3d\"]", "\"02015|005\""},
    {"strftime", "1104537600", "[\"%G %V %U %W %j %a\"]", "\"2004 53 00 00 001 Sat\""},
    {"strftime", "1230768000", "[\"%G %V %g\"]", "\"2009 01 09\""},
    {"strftime", "1483228800", "[\"%G %V %U %W\"]", "\"2016 52 01 00\""},
    {"strftime", "1262304000", "[\"%G-W%V-%u\"]", "\"2009-W53-5\""},
    {"strftime", "1419984000", "[\"%G-W%V-%u %U %W\"]", "\"2015-W01-3 52 52\""},
    {"strftime", "0", "[\"%I %l %p\"]", "\"12 12 AM\""},
    {"strftime", "43200", "[\"%I %l %p\"]", "\"12 12 PM\""},
    {"strftime", "[2015,2,5,23,51,47,4,63]", "[\"%Y-%m-%dT%H:%M:%SZ\"]", "\"2015-03-05T23:51:47Z\""},
    {"strftime", "[2024,2,15]", "[\"%FT%TZ %a\"]", "\"2024-03-15T00:00:00Z Fri\""},
    {"strftime", "1425599621", "[\"\"]", "\"\""},
    {"strftime", "=1700000000.123456789", "[\"%S.%f|%3f|%6f\"]", "\"20.123456789|123|123456\""},
    {"strftime", "\"a\"", "[\"%Y\"]", "!strftime/1 requires parsed datetime inputs"},
    {"strftime", "[\"a\",1,2,3,4,5,6,7]", "[\"%Y\"]", "!strftime/1 requires parsed datetime inputs"},
    {"strftime", "0", "[1]", "!strftime/1 requires a string format"},
    {"strftime", "1700000000", "[\"%F %T %z %Z\",\"Europe/Berlin\"]", "\"2023-11-14 23:13:20 +0100 +01\""},
    {"strftime", "1700000000", "[\"%F %T %z %Z\",\"Asia/Kolkata\"]", "\"2023-11-15 03:43:20 +0530 +0530\""},
    {"strftime", "[2023,10,14,22,13,20,2,317]", "[\"%T\",\"Europe/Berlin\"]", "\"23:13:20\""},
    {"strflocaltime", "1700000000", "[\"%F %T %z\",\"Europe/Berlin\"]", "\"2023-11-14 23:13:20 +0100\""},
    {"strflocaltime", "[2023,10,14,22,13,20,2,317]", "[\"%T %z\",\"Europe/Berlin\"]", "\"22:13:20 +0100\""},
    {"strflocaltime", "[2023,2,26,2,30,0]", "[\"%T %z\",\"Europe/Berlin\"]", "\"03:30:00 +0200\""},
    {"strflocaltime", "\"a\"", "[\"%T\",\"UTC\"]", "!strflocaltime/1 requires parsed datetime inputs"},
    {"strflocaltime", "0", "[{},\"UTC\"]", "!strflocaltime/1 requires a string format"},
};

static void formats_are_followed(void **state) {
    (void)state;
    CHECK_CASES(formats);
}

static const struct func_case parsed[] = {
    {"strptime", "\"2015-03-05T23:51:47Z\"", "[\"%Y-%m-%dT%H:%M:%SZ\"]", "[2015,2,5,23,51,47,4,63]"},
    {"strptime", "\"10:12 2015 64\"", "[\"%H:%M %Y %j\"]", "[2015,2,5,10,12,0,4,63]"},
    {"strptime", "\"Thu, 05 Mar 2015 23:51:47 GMT\"", "[\"%a, %d %b %Y %T %Z\"]", "[2015,2,5,23,51,47,4,63]"},
    {"strptime", "\"1425599621\"", "[\"%s\"]", "[2015,2,5,23,53,41,4,63]"},
    {"strptime", "\"x\"", "[\"%Y\"]", "!date \"x\" does not match format \"%Y\""},
    {"strptime", "\"2015 x\"", "[\"%Y\"]", "!date \"2015 x\" does not match format \"%Y\""},
    {"strptime", "\"2015-02-30\"", "[\"%F\"]", "!date \"2015-02-30\" does not match format \"%F\""},
    {"strptime", "1", "[\"%Y\"]", "!strptime/1 requires string inputs and arguments"},
    {"strptime", "\"x\"", "[1]", "!strptime/1 requires string inputs and arguments"},
    {"strptime", "\"2015-03-05 23:51:47.25\"", "[\"%F %T.%f\"]", "[2015,2,5,23,51,47.25,4,63]"},
    {"strptime", "\"2015-03-05T23:51:47+0200\"", "[\"%FT%T%z\"]", "[2015,2,5,21,51,47,4,63]"},
    {"strptime", "\"2015\"", "[\"%Q\"]", "!time format '%Q': unknown conversion '%Q'"},
    {"strptime", "\"10:00\"", "[\"%H:%M\"]", "[1970,0,1,10,0,0,4,0]"},
};

static void texts_are_parsed_by_a_format(void **state) {
    (void)state;
    CHECK_CASES(parsed);
}

static void doubles_mean_their_shortest_text(void **state) {
    (void)state;
    static const struct {
        double input;
        const char *expect;
    } cases[] = {{1425599621.678, "\"2015-03-05T23:53:41.678Z\""},
                 {0.1, "\"1970-01-01T00:00:00.100Z\""},
                 {-0.1, "\"1969-12-31T23:59:59.900Z\""},
                 {1e-5, "\"1970-01-01T00:00:00.000010Z\""},
                 {-1e-5, "\"1969-12-31T23:59:59.999990Z\""},
                 {1e-12, "\"1970-01-01T00:00:00Z\""},
                 {-1e-12, "\"1969-12-31T23:59:59.999999999Z\""},
                 {-0.0, "\"1970-01-01T00:00:00Z\""},
                 {1.7e9, "\"2023-11-14T22:13:20Z\""}};
    struct heap h;
    heap_init(&h, 0);
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct value v = value_double(cases[i].input);
        const char *got = call_func(&h, "todate", &v, 0);
        if (strcmp(got, cases[i].expect) != 0) fail_msg("%g: %s, not %s", cases[i].input, got, cases[i].expect);
    }
    heap_release(&h);
}

static void the_local_zone_comes_from_TZ(void **state) {
    (void)state;
    static const char *const zones[][2] = {{"Europe/Berlin", "[2015,2,6,0,53,41,5,64]"},
                                           {":America/New_York", "[2015,2,5,18,53,41,4,63]"},
                                           {"", "[2015,2,5,23,53,41,4,63]"}};
    struct heap h;
    heap_init(&h, 0);
    struct value v = value_int(1425599621);
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(setenv("TZ", zones[i][0], 1), 0);
        assert_string_equal(call_func(&h, "localtime", &v, 0), zones[i][1]);
    }
    assert_int_equal(setenv("TZ", "Europe/Berlin", 1), 0);
    const struct value format[] = {v, value_text("%F %T %z", 8)};
    assert_string_equal(call_func(&h, "strflocaltime", format, 1), "\"2015-03-06 00:53:41 +0100\"");
    assert_int_equal(setenv("TZ", "No/Zone", 1), 0);
    assert_int_equal(*call_func(&h, "localtime", &v, 0), '!');
    assert_int_equal(unsetenv("TZ"), 0);
    assert_int_equal(*call_func(&h, "localtime", &v, 0), '['); /* the machine's, whatever it is */
    heap_release(&h);
}

static void now_is_now(void **state) {
    (void)state;
    struct heap h;
    struct value now, none = value_null();
    heap_init(&h, 0);
    double before = (double)time(NULL);
    assert_int_equal(func_find("now", 3, 0)->fn(&h, &none, &now), 0);
    double t = value_to_double(now);
    assert_true(t >= before && t <= (double)time(NULL) + 1);
    heap_release(&h);
}

/* gmtime, mktime, todate and fromdate agree over 400 years; strftime's week of the year is never off. */
static void every_day_is_itself_again(void **state) {
    (void)state;
    struct heap h;
    heap_init(&h, 0);
    for (int64_t s = -9000000000; s < 9000000000; s += 86400 * 13 + 3607) {
        struct value t = value_int(s), wall, back, text;
        assert_int_equal(func_find("gmtime", 6, 0)->fn(&h, &t, &wall), 0);
        assert_int_equal(func_find("mktime", 6, 0)->fn(&h, &wall, &back), 0);
        assert_int_equal(back.i, s);
        assert_int_equal(func_find("todate", 6, 0)->fn(&h, &t, &text), 0);
        assert_int_equal(func_find("fromdate", 8, 0)->fn(&h, &text, &back), 0);
        assert_int_equal(back.i, s);
        char expect[100], quoted[104];
        time_t libc = (time_t)s;
        struct tm tm;
        assert_non_null(gmtime_r(&libc, &tm));
        assert_true(strftime(expect, sizeof(expect), "%F %T %G-W%V-%u %U %W %j %a %b %I%p %C", &tm) > 0);
        snprintf(quoted, sizeof(quoted), "\"%s\"", expect);
        const struct value format[] = {t, value_text("%F %T %G-W%V-%u %U %W %j %a %b %I%p %C", 38)};
        assert_string_equal(call_func(&h, "strftime", format, 1), quoted);
        heap_reset(&h);
    }
    heap_release(&h);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(clocks_are_taken_apart_and_put_together),
        cmocka_unit_test(dates_are_written_and_read),
        cmocka_unit_test(formats_are_followed),
        cmocka_unit_test(texts_are_parsed_by_a_format),
        cmocka_unit_test(doubles_mean_their_shortest_text),
        cmocka_unit_test(the_local_zone_comes_from_TZ),
        cmocka_unit_test(now_is_now),
        cmocka_unit_test(every_day_is_itself_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
