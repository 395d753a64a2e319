/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Times and durations as text: forms, edges of the range, exactness, formats, refusals.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "base/civil.h"
#include "base/random.h"
#include "base/timefmt.h"

#define S NS_PER_S

struct time_case {
    const char *text;
    int64_t ns;
};

static void check_parses(const struct time_case *c, size_t n) {
    for (size_t i = 0; i < n; i++) {
        struct err e = {0};
        int64_t t = 1;
        if (time_parse(c[i].text, strlen(c[i].text), NULL, &t, &e) != 0) fail_msg("%s: %s", c[i].text, e.text);
        if (t != c[i].ns) fail_msg("%s: %lld, not %lld", c[i].text, (long long)t, (long long)c[i].ns);
    }
}

static void check_refused(const char *const *texts, size_t n, const char *message_part) {
    for (size_t i = 0; i < n; i++) {
        struct err e = {0};
        int64_t t = 77;
        if (time_parse(texts[i], strlen(texts[i]), NULL, &t, &e) != G_DATA) fail_msg("'%s' taken", texts[i]);
        if (strstr(e.text, message_part) == NULL) fail_msg("'%s': %s", texts[i], e.text);
        assert_int_equal(t, 77);
    }
}

#define COUNT(a) (sizeof(a) / sizeof *(a))

/* --- Calendar ---------------------------------------------------------------------------------------------------- */

static void civil_agrees_with_the_c_library(void **state) {
    (void)state;
    for (int64_t days = -110000; days < 110000; days++) {
        time_t t = (time_t)(days * SECONDS_PER_DAY);
        struct tm tm;
        assert_non_null(gmtime_r(&t, &tm));
        struct civil c = civil_from_days(days);
        if (c.year != tm.tm_year + 1900 || c.month != (unsigned)tm.tm_mon + 1 || c.day != (unsigned)tm.tm_mday ||
            civil_to_days(c) != days || civil_weekday(days) != (unsigned)tm.tm_wday)
            fail_msg("day %lld", (long long)days);
    }
    assert_int_equal(civil_days_in_month(2000, 2), 29);
    assert_int_equal(civil_days_in_month(1900, 2), 28);
    assert_int_equal(civil_days_in_month(2024, 2), 29);
    static const unsigned lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    for (unsigned m = 1; m <= 12; m++) assert_int_equal(civil_days_in_month(2023, m), lengths[m - 1]);
}

/* --- RFC 3339 out ------------------------------------------------------------------------------------------------ */

static void format_uses_as_few_digits_as_needed(void **state) {
    (void)state;
    static const struct time_case cases[] = {
        {"1970-01-01T00:00:00Z", 0},
        {"2015-05-17T10:05:03Z", 1431857103 * S},
        {"2015-05-17T10:05:03.120Z", 1431857103 * S + 120000000},
        {"2015-05-17T10:05:03.000001Z", 1431857103 * S + 1000},
        {"2015-05-17T10:05:03.100000001Z", 1431857103 * S + 100000001},
        {"1969-12-31T23:59:59.999999999Z", -1},
        {"1969-12-31T23:59:59Z", -S},
        {"1969-12-31T23:59:58.500Z", -S - 500000000},
        {"1969-12-31T00:00:00Z", -NS_PER_DAY},
        {"2000-02-29T23:59:59Z", 951868799 * S},
        {"1678-01-01T00:00:00Z", TIME_MIN},
        {"2262-04-11T23:47:16.854775807Z", TIME_MAX},
        {"1677-09-21T00:12:43.145224192Z", INT64_MIN},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        char out[TIME_TEXT_MAX];
        assert_int_equal(time_format_rfc3339(cases[i].ns, out), strlen(cases[i].text));
        assert_string_equal(out, cases[i].text);
    }
}

static void what_is_formatted_reads_back(void **state) {
    (void)state;
    struct rng r;
    rng_init(&r, 5);
    for (int i = 0; i < 200000; i++) {
        int64_t unit = i % 4 == 0 ? 1 : i % 4 == 1 ? NS_PER_US : i % 4 == 2 ? NS_PER_MS : S;
        int64_t t = (int64_t)rng_next(&r) / unit * unit, back;
        if (t < TIME_MIN) continue;
        char out[TIME_TEXT_MAX];
        size_t n = time_format_rfc3339(t, out);
        if (time_parse(out, n, NULL, &back, NULL) != 0 || back != t) fail_msg("%s", out);
        out[10] = ' '; /* not the fast way */
        if (time_parse(out, n, NULL, &back, NULL) != 0 || back != t) fail_msg("%s", out);
    }
}

/* --- RFC 3339 and dates in --------------------------------------------------------------------------------------- */

static void rfc3339_in_all_its_forms(void **state) {
    (void)state;
    const int64_t t = 1431857103 * S;
    const struct time_case cases[] = {
        {"2015-05-17T10:05:03Z", t},
        {"2015-05-17t10:05:03z", t},
        {"2015-05-17 10:05:03Z", t},
        {"2015-05-17T10:05:03.5Z", t + 500000000},
        {"2015-05-17T10:05:03.25Z", t + 250000000},
        {"2015-05-17T10:05:03.123456789Z", t + 123456789},
        {"2015-05-17T10:05:03.1234567899999Z", t + 123456789},
        {"2015-05-17T10:05:03.999999999999z", t + 999999999},
        {"2015-05-17T12:05:03+02:00", t},
        {"2015-05-17T12:05:03+0200", t},
        {"2015-05-17T04:35:03.5-05:30", t + 500000000},
        {"2015-05-17T10:05:03-00:00", t},
        {"2015-05-17T10:05Z", t - 3 * S},
        {"2015-05-18T10:04:03+23:59", t},
        {"2015-05-16T10:06:03-23:59", t},
        {"2000-02-29T00:00:00Z", 951782400 * S},
        {"2016-12-31T23:59:60Z", 1483228800 * S},
        {"2016-12-31T23:59:60.9Z", 1483228800 * S},
        {"2017-01-01T05:29:60+05:30", 1483228800 * S},
        {"1969-12-31T23:59:59.5Z", -500000000},
        {"1678-01-01T00:00:00Z", TIME_MIN},
        {"1677-12-31T23:00:00-01:00", TIME_MIN},
        {"2262-04-11T23:47:16.854775807Z", TIME_MAX},
        {"2262-04-11T23:47:16.854775807999Z", TIME_MAX},
    };
    check_parses(cases, COUNT(cases));
}

static void times_as_web_servers_log_them(void **state) {
    (void)state;
    const struct time_case cases[] = {
        {"17/May/2015:10:05:03 +0000", 1431857103 * S},
        {"17/May/2015:12:05:03 +0200", 1431857103 * S},
        {"17/May/2015:04:35:03 -0530", 1431857103 * S},
        {"17/May/2015:12:05:03 +02:00", 1431857103 * S},
        {"17/May/2015:10:05:03", 1431857103 * S},
        {"31/Dec/2016:23:59:60 +0000", 1483228800 * S},
        {"01/Jan/1970:00:00:00 +0000", 0},
        {"28/Feb/1970:00:00:00 +0000", 58 * 86400 * S},
        {"01/Mar/1970:00:00:00 +0000", 59 * 86400 * S},
        {"01/Apr/1970:00:00:00 +0000", 90 * 86400 * S},
        {"01/Jun/1970:00:00:00 +0000", 151 * 86400 * S},
        {"01/Jul/1970:00:00:00 +0000", 181 * 86400 * S},
        {"01/Aug/1970:00:00:00 +0000", 212 * 86400 * S},
        {"01/Sep/1970:00:00:00 +0000", 243 * 86400 * S},
        {"01/Oct/1970:00:00:00 +0000", 273 * 86400 * S},
        {"01/Nov/1970:00:00:00 +0000", 304 * 86400 * S},
    };
    check_parses(cases, COUNT(cases));
}

static void dates_without_offset_are_utc(void **state) {
    (void)state;
    const struct time_case cases[] = {
        {"2015-05-17", 1431820800 * S},
        {"2015-05-17 10:05", 1431857100 * S},
        {"2015-05-17T10:05", 1431857100 * S},
        {"2015-05-17 10:05:03", 1431857103 * S},
        {"2015-05-17 10:05:03.25", 1431857103 * S + 250000000},
        {"1678-01-01", TIME_MIN},
        {"2262-04-11", 9223286400 * S},
    };
    check_parses(cases, COUNT(cases));
}

static void outside_the_years_is_refused(void **state) {
    (void)state;
    static const char *const texts[] = {"1677-12-31T23:59:59.999999999Z",
                                        "1678-01-01T00:30:00+01:00",
                                        "2262-04-11T23:47:16.854775808Z",
                                        "2262-04-11T23:47:17Z",
                                        "2263-01-01",
                                        "1677-09-21T00:12:44Z",
                                        "0000-01-01",
                                        "9999-12-31T23:59:59Z",
                                        "9223372036854775808",
                                        "-9214560000.001",
                                        "-9214560000000000001",
                                        "9223372037",
                                        "99999999999",
                                        "9223372036855",
                                        "1e300",
                                        "123456789012345678901234567890"};
    check_refused(texts, COUNT(texts), "is outside the years 1678 to 2262");
}

static void no_such_day_or_hour_is_refused(void **state) {
    (void)state;
    static const char *const texts[] = {"2015-02-29T00:00:00Z",
                                        "1900-02-29",
                                        "2015-04-31",
                                        "2015-00-01",
                                        "2015-13-01",
                                        "2015-01-00",
                                        "2015-01-32",
                                        "2015-05-17T24:00:00Z",
                                        "2015-05-17T10:60:00Z",
                                        "2015-05-17T10:05:61Z",
                                        "2015-05-17 99:99",
                                        "29/Feb/2015:00:00:00 +0000",
                                        "17/May/2015:24:00:00 +0000"};
    check_refused(texts, COUNT(texts), "there is no such day or hour");
}

static void other_texts_are_refused(void **state) {
    (void)state;
    static const char *const texts[] = {"",
                                        " ",
                                        "-",
                                        "+",
                                        ".",
                                        "now",
                                        "2015-5-17",
                                        "2015-05-17 ",
                                        " 2015-05-17",
                                        "2015-05-17T",
                                        "2015-05-17T10",
                                        "2015-05-17T10:05:03.Z",
                                        "2015-05-17T10:05:03.",
                                        "2015-05-17T10:05:03,5Z",
                                        "2015-05-17T10:05:03Zz",
                                        "2015-05-17T10:05:03 Z",
                                        "2015-05-17T10:05:03+2",
                                        "2015-05-17T10:05:03+24:00",
                                        "2015-05-17T10:05:03+02:60",
                                        "2015-05-17T10:05:03+02:0a",
                                        "2015-05-17T10:05:0",
                                        "2015-05-17T1a:05:03Z",
                                        "2015/05/17",
                                        "20x5-05-17T10:05:03Z",
                                        "17/May/2015",
                                        "17/May/2015:10:05",
                                        "17/May/2015:10:05:03 ",
                                        "17/May/2015:10:05:03+0200",
                                        "17/May/2015:10:05:03 +02",
                                        "17/may/2015:10:05:03 +0200",
                                        "17/Mai/2015:10:05:03 +0200",
                                        "7/May/2015:10:05:03 +0200",
                                        "17/May/15:10:05:03 +0200",
                                        "17/May/2015 10:05:03 +0200",
                                        "17/May/2015:10:05:03.5 +0200",
                                        "2015-05-17Z",
                                        "1.",
                                        ".5",
                                        "1.5.5",
                                        "1e",
                                        "1e+",
                                        "e5",
                                        "1e5.5",
                                        "--1",
                                        "0x10",
                                        "1_000",
                                        "NaN"};
    check_refused(texts, COUNT(texts), "expected RFC 3339");
}

/* --- Numbers in -------------------------------------------------------------------------------------------------- */

static void epoch_numbers_by_size(void **state) {
    (void)state;
    const struct time_case cases[] = {
        {"0", 0},
        {"-0", 0},
        {"1431857103", 1431857103 * S},
        {"+1431857103", 1431857103 * S},
        {"-1", -S},
        {"-9214560000", TIME_MIN},
        {"9223372036", 9223372036 * S},
        {"100000000000", 100000000000 * NS_PER_MS}, /* 1e11: the first milliseconds */
        {"1431857103123", 1431857103123 * NS_PER_MS},
        {"-100000000000", -100000000000 * NS_PER_MS},
        {"9223372036854", 9223372036854 * NS_PER_MS},
        {"100000000000000", 100000000000000 * NS_PER_US}, /* 1e14 */
        {"1431857103123456", 1431857103123456 * NS_PER_US},
        {"100000000000000000", 100000000000000000}, /* 1e17 */
        {"1431857103123456789", 1431857103123456789},
        {"9223372036854775807", INT64_MAX},
        {"-9214560000000000000", TIME_MIN},
        {"0000000000000000000000001431857103", 1431857103 * S},
    };
    check_parses(cases, COUNT(cases));
    static const int64_t whole[] = {
        0, -1, 1431857103, 100000000000, -100000000000, 100000000000000, 100000000000000000};
    static const int64_t ns[] = {0,
                                 -S,
                                 1431857103 * S,
                                 100000000000 * NS_PER_MS,
                                 -100000000000 * NS_PER_MS,
                                 100000000000000 * NS_PER_US,
                                 100000000000000000};
    for (size_t i = 0; i < COUNT(whole); i++) {
        int64_t t;
        assert_int_equal(time_from_epoch(whole[i], &t, NULL), 0);
        assert_true(t == ns[i]);
    }
    int64_t t = 77;
    assert_int_equal(time_from_epoch(99999999999, &t, NULL), G_DATA);
    assert_int_equal(time_from_epoch(INT64_MIN, &t, NULL), G_DATA);
    assert_int_equal(time_from_epoch(-9214560001, &t, NULL), G_DATA);
    assert_int_equal(t, 77);
}

static void epoch_fractions_are_exact(void **state) {
    (void)state;
    const struct time_case cases[] = {
        {"1431857103.1", 1431857103 * S + 100000000},
        {"1431857103.123456789", 1431857103123456789},
        {"1431857103.1234567899", 1431857103123456789},
        {"-1.5", -1500000000},
        {"-0.0000000019", -1},
        {"0.000000001", 1},
        {"0.5", 500000000},
        {"1431857103123.25", 1431857103123250000},
        {"1431857103123456.5", 1431857103123456500},
        {"100000000000.5", 100000000000500000}, /* the first milliseconds, microseconds, nanoseconds */
        {"100000000000000.5", 100000000000000500},
        {"100000000000000000.5", 100000000000000000},
        {"1431857103123456789.9", 1431857103123456789},
        {"1.431857103e9", 1431857103 * S},
        {"1.431857103123E+12", 1431857103123 * NS_PER_MS},
        {"14318571031230000e-4", 1431857103123 * NS_PER_MS},
        {"0e99", 0},
        {"0.0000e-5", 0},
        {"1e-10", 0},
        {"5e-9", 5},
        {"9223372036.854775807", INT64_MAX},
    };
    check_parses(cases, COUNT(cases));
}

/* --- Formats ----------------------------------------------------------------------------------------------------- */

static void formats_like_strptime(void **state) {
    (void)state;
    const int64_t t = 1431857103 * S;
    static const struct {
        const char *format, *text;
        int64_t ns;
    } cases[] = {
        {"%d/%b/%Y:%H:%M:%S %z", "17/May/2015:10:05:03 +0000", t},
        {"%d/%b/%Y:%H:%M:%S %z", "17/May/2015:12:05:03 +0200", t},
        {"%FT%T%z", "2015-05-17T10:05:03Z", t},
        {"%F %T.%f", "2015-05-17 10:05:03.25", t + 250000000},
        {"%F %T,%f", "2015-05-17 10:05:03,1234567891", t + 123456789},
        {"%Y%m%d%H%M%S%f", "20150517100503123", t + 123000000},
        {"%s", "1431857103", t},
        {"%s.%f", "1431857103.5", t + 500000000},
        {"%s.%f", "-1.5", -1500000000},
        {"%s.%f", "-0.5", -500000000},
        {"[%a %B %e %l:%M:%S %p %Y]", "[sun MAY 17 10:05:03 am 2015]", t},
        {"%A, %d-%h-%y %r %Z", "Sunday, 17-may-15 10:05:03 AM GMT", t},
        {"%D %R%%", "05/17/15 10:05%", t - 3 * S},
        {"%Y-%j", "2016-366", 1483142400 * S},
        {"%b %e %k", "Jan  2  3", NS_PER_DAY + 3 * NS_PER_HOUR},
        {"%b%n%d%t%H", "Jan2 3", NS_PER_DAY + 3 * NS_PER_HOUR},
        {"%I %p", "12 AM", 0},
        {"%I %p", "12 PM", 12 * NS_PER_HOUR},
        {"%I%p", "1pm", 13 * NS_PER_HOUR},
        {"%y", "69", -365 * NS_PER_DAY},
        {"%y", "68", 3092601600 * S},
        {"%F %T%z", "2015-05-17 04:35:03-05:30", t},
        {"%F %T%z", "2015-05-17 05:05:03-05", t},
        {"%F %T", "2016-12-31 23:59:60", 1483228800 * S},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct err e = {0};
        int64_t ns = 1;
        assert_int_equal(time_format_check(cases[i].format, &e), 0);
        if (time_parse_format(cases[i].format, cases[i].text, strlen(cases[i].text), NULL, &ns, &e) != 0)
            fail_msg("%s", e.text);
        if (ns != cases[i].ns) fail_msg("%s: %lld", cases[i].text, (long long)ns);
    }
}

static void formats_take_the_whole_text_or_nothing(void **state) {
    (void)state;
    static const struct {
        const char *format, *text, *message;
    } cases[] = {
        {"%F", "2015-05-17 ", "time '2015-05-17 ' is not of the form '%F'"},
        {"%F", "2015-05-1", NULL}, /* one digit is a day */
        {"%F %T", "2015-05-17", "time '2015-05-17' is not of the form '%F %T'"},
        {"%H", "24", "time '24' is not of the form '%H'"},
        {"%d %b", "31 Foo", "time '31 Foo' is not of the form '%d %b'"},
        {"%F", "2015-02-29", "time '2015-02-29': there is no such day"},
        {"%Y-%j", "2015-366", "time '2015-366': there is no such day"},
        {"%F", "2263-01-01", "time '2263-01-01': time is outside the years 1678 to 2262"},
        {"%s", "99999999999999999999", "time '99999999999999999999': time is outside the years 1678 to 2262"},
        {"%T %Z", "10:05:03 CEST", "time '10:05:03 CEST' is not of the form '%T %Z'"},
        {"%T.%f", "10:05:03.", "time '10:05:03.' is not of the form '%T.%f'"},
        {"%z", "+25:00", "time '+25:00' is not of the form '%z'"},
        {"x%%", "x", "time 'x' is not of the form 'x%%'"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct err e = {0};
        int64_t ns = 77;
        int rc = time_parse_format(cases[i].format, cases[i].text, strlen(cases[i].text), NULL, &ns, &e);
        assert_int_equal(rc, cases[i].message == NULL ? 0 : G_DATA);
        if (cases[i].message == NULL) continue;
        assert_string_equal(e.text, cases[i].message);
        assert_int_equal(ns, 77);
    }
    int64_t ns = 77;
    assert_int_equal(time_parse_format("%F", "2015-02-29", 10, NULL, &ns, NULL), G_DATA);
}

static void unknown_conversions_are_usage_errors(void **state) {
    (void)state;
    struct err e = {0};
    assert_int_equal(time_format_check("%F %c", &e), G_USAGE);
    assert_string_equal(e.text, "time format '%F %c': unknown conversion '%c'");
    assert_int_equal(time_format_check("%F %", &e), G_USAGE);
    assert_string_equal(e.text, "time format '%F %' ends in a single %");
    assert_int_equal(time_format_check("%%c %Ey", &e), G_USAGE);
    assert_string_equal(e.text, "time format '%%c %Ey': unknown conversion '%E'");
    assert_int_equal(time_format_check("100%%", &e), 0);
}

/* --- Relative times and durations -------------------------------------------------------------------------------- */

static void relative_to_now(void **state) {
    (void)state;
    const int64_t now = 1431857103 * S;
    const struct time_case good[] = {
        {"now", now},
        {"-1h", now - NS_PER_HOUR},
        {"+30m", now + 30 * NS_PER_MINUTE},
        {"now-1h30m", now - 90 * NS_PER_MINUTE},
        {"now+1.5s", now + 1500 * NS_PER_MS},
        {"-5", -5 * S},
        {"2015-05-17", 1431820800 * S},
        {"1431857103", now},
    };
    for (size_t i = 0; i < COUNT(good); i++) {
        struct err e = {0};
        int64_t t;
        if (time_parse_relative(good[i].text, strlen(good[i].text), now, NULL, &t, &e) != 0) fail_msg("%s", e.text);
        assert_true(t == good[i].ns);
    }
    static const char *const bad[] = {"", "nowhere", "now1h", "-1x", "-h", "-", "1h", "yesterday", "now-", "-300000d"};
    for (size_t i = 0; i < COUNT(bad); i++) {
        struct err e = {0};
        int64_t t = 77;
        if (time_parse_relative(bad[i], strlen(bad[i]), now, NULL, &t, &e) != G_USAGE) fail_msg("'%s' taken", bad[i]);
        assert_int_equal(e.grade, G_USAGE);
        assert_int_equal(t, 77);
    }
    int64_t t;
    assert_int_equal(time_parse_relative("+1ns", 4, TIME_MAX, NULL, &t, NULL), G_USAGE);
    assert_int_equal(time_parse_relative("-1ns", 4, TIME_MIN, NULL, &t, NULL), G_USAGE);
}

static void durations_in(void **state) {
    (void)state;
    const struct time_case good[] = {
        {"500ms", 500 * NS_PER_MS},
        {"90s", 90 * S},
        {"1m30s", 90 * S},
        {"2h", 2 * NS_PER_HOUR},
        {"1d", NS_PER_DAY},
        {"1w", 7 * NS_PER_DAY},
        {"1w2d3h4m5s6ms7us8ns", 7 * NS_PER_DAY + 2 * NS_PER_DAY + 3 * NS_PER_HOUR + 4 * NS_PER_MINUTE + 5006007008},
        {"0", 0},
        {"0s", 0},
        {"1.5h", 90 * NS_PER_MINUTE},
        {"0.000000001s", 1},
        {"1m0.25s", 60 * S + 250 * NS_PER_MS},
        {"9223372036854775807ns", INT64_MAX},
        {"9223372036.854775807s", INT64_MAX},
    };
    for (size_t i = 0; i < COUNT(good); i++) {
        struct err e = {0};
        int64_t ns = 1;
        if (duration_parse(good[i].text, strlen(good[i].text), 0, &ns, &e) != 0) fail_msg("%s", e.text);
        assert_true(ns == good[i].ns);
    }
    int64_t ns;
    assert_int_equal(duration_parse("-1h", 3, DURATION_SIGNED, &ns, NULL), 0);
    assert_true(ns == -NS_PER_HOUR);
    assert_int_equal(duration_parse("+1h", 3, DURATION_SIGNED, &ns, NULL), 0);
    assert_true(ns == NS_PER_HOUR);
    assert_int_equal(duration_parse("-9223372036854775808ns", 22, DURATION_SIGNED, &ns, NULL), 0);
    assert_true(ns == INT64_MIN);
}

static void bad_durations_say_why(void **state) {
    (void)state;
    static const struct {
        const char *text, *why;
    } cases[] = {
        {"", "it is empty"},
        {"90", "it needs a unit"},
        {"1m30", "it needs a unit"},
        {"00", "it needs a unit"},
        {"5x", "unknown unit"},
        {"5M", "it needs a unit"},
        {"5min", "unknown unit"},
        {"s", "expected a number"},
        {"1h ", "expected a number"},
        {"1h-1m", "expected a number"},
        {"30s1m", "units go from large to small"},
        {"1s1s", "units go from large to small"},
        {"1.5m2s", "only the last number may have a fraction"},
        {"1.s", "expected a digit behind the point"},
        {"0.5ns", "it is not a whole number of nanoseconds"},
        {"1.0000000000000000000s", "too many digits"},
        {"-1h", "no sign is taken here"},
        {"9223372036854775808ns", "it is over 292 years"},
        {"106752d", "it is over 292 years"},
        {"99999999999999999999999999999999999999999999999w", "it is over 292 years"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct err e = {0};
        int64_t ns = 77;
        char message[200];
        snprintf(message, sizeof message, "'%s' is not a duration such as 500ms or 1m30s: %s", cases[i].text,
                 cases[i].why);
        assert_int_equal(duration_parse(cases[i].text, strlen(cases[i].text), 0, &ns, &e), G_USAGE);
        assert_string_equal(e.text, message);
        assert_int_equal(ns, 77);
    }
    int64_t ns;
    assert_int_equal(duration_parse("-", 1, DURATION_SIGNED, &ns, NULL), G_USAGE);
    assert_int_equal(duration_parse("-9223372036854775809ns", 22, DURATION_SIGNED, &ns, NULL), G_USAGE);
}

static void durations_out(void **state) {
    (void)state;
    static const struct time_case cases[] = {
        {"0s", 0},
        {"1ns", 1},
        {"1.5us", 1500},
        {"500ms", 500 * NS_PER_MS},
        {"1.000001ms", 1000001},
        {"1.5s", 1500 * NS_PER_MS},
        {"1m30s", 90 * S},
        {"1m0.5s", 60 * S + 500 * NS_PER_MS},
        {"2h", 2 * NS_PER_HOUR},
        {"7d", 7 * NS_PER_DAY},
        {"1d1s", NS_PER_DAY + S},
        {"-1h", -NS_PER_HOUR},
        {"106751d23h47m16.854775807s", INT64_MAX},
        {"-106751d23h47m16.854775808s", INT64_MIN},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        char out[DURATION_TEXT_MAX];
        int64_t back;
        size_t n = duration_format(cases[i].ns, out);
        assert_string_equal(out, cases[i].text);
        assert_int_equal(n, strlen(out));
        assert_int_equal(duration_parse(out, n, DURATION_SIGNED, &back, NULL), 0);
        assert_true(back == cases[i].ns);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(civil_agrees_with_the_c_library),
        cmocka_unit_test(format_uses_as_few_digits_as_needed),
        cmocka_unit_test(what_is_formatted_reads_back),
        cmocka_unit_test(rfc3339_in_all_its_forms),
        cmocka_unit_test(times_as_web_servers_log_them),
        cmocka_unit_test(dates_without_offset_are_utc),
        cmocka_unit_test(outside_the_years_is_refused),
        cmocka_unit_test(no_such_day_or_hour_is_refused),
        cmocka_unit_test(other_texts_are_refused),
        cmocka_unit_test(epoch_numbers_by_size),
        cmocka_unit_test(epoch_fractions_are_exact),
        cmocka_unit_test(formats_like_strptime),
        cmocka_unit_test(formats_take_the_whole_text_or_nothing),
        cmocka_unit_test(unknown_conversions_are_usage_errors),
        cmocka_unit_test(relative_to_now),
        cmocka_unit_test(durations_in),
        cmocka_unit_test(bad_durations_say_why),
        cmocka_unit_test(durations_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
