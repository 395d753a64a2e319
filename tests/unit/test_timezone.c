/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Time zones: offsets at the edges of daylight saving, the rule for local times that occur twice or never, names,
 * POSIX rules, and damaged files. The system's tzdata is needed.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/timefmt.h"
#include "base/timezone.h"
#include "base/timezone_rule.h"

#define COUNT(a) (sizeof(a) / sizeof *(a))

static struct time_zone *zone(const char *name) {
    struct time_zone *tz = NULL;
    struct err e = {0};
    if (time_zone_load(name, &tz, &e) != 0) fail_msg("%s", e.text);
    return tz;
}

/* Local text in, UTC text out. */
static void check_local(const struct time_zone *tz, const char *local, const char *utc) {
    int64_t t;
    char out[TIME_TEXT_MAX];
    struct err e = {0};
    if (time_parse(local, strlen(local), tz, &t, &e) != 0) fail_msg("%s", e.text);
    time_format_rfc3339(t, out);
    if (strcmp(out, utc) != 0) fail_msg("%s: %s, not %s", local, out, utc);
}

static void berlin_2024(void **state) {
    (void)state;
    struct time_zone *tz = zone("Europe/Berlin");
    assert_int_equal(time_zone_offset_at(tz, 1705276800), 3600);
    assert_int_equal(time_zone_offset_at(tz, 1711846799), 3600);
    assert_int_equal(time_zone_offset_at(tz, 1711846800), 7200);
    assert_int_equal(time_zone_offset_at(tz, 1729990799), 7200);
    assert_int_equal(time_zone_offset_at(tz, 1729990800), 3600);
    check_local(tz, "2024-03-31 01:59:59", "2024-03-31T00:59:59Z");
    check_local(tz, "2024-03-31 02:00", "2024-03-31T01:00:00Z"); /* never: means 03:00 */
    check_local(tz, "2024-03-31 02:30", "2024-03-31T01:30:00Z"); /* never: means 03:30 */
    check_local(tz, "2024-03-31 02:59:59.5", "2024-03-31T01:59:59.500Z");
    check_local(tz, "2024-03-31 03:00", "2024-03-31T01:00:00Z");
    check_local(tz, "2024-10-27 01:59:59", "2024-10-26T23:59:59Z");
    check_local(tz, "2024-10-27 02:00", "2024-10-27T00:00:00Z"); /* twice: the first */
    check_local(tz, "2024-10-27 02:59:59", "2024-10-27T00:59:59Z");
    check_local(tz, "2024-10-27 03:00", "2024-10-27T02:00:00Z");
    check_local(tz, "2024-10-27T02:30:00+01:00", "2024-10-27T01:30:00Z"); /* an offset counts before the zone */
    check_local(tz, "27/Oct/2024:02:30:00 +0100", "2024-10-27T01:30:00Z");
    check_local(tz, "27/Oct/2024:02:30:00", "2024-10-27T00:30:00Z");
    check_local(tz, "1700000000", "2023-11-14T22:13:20Z"); /* numbers are UTC */
    time_zone_free(tz);
}

static void new_york_2024(void **state) {
    (void)state;
    struct time_zone *tz = zone("America/New_York");
    assert_int_equal(time_zone_offset_at(tz, 1710053999), -18000);
    assert_int_equal(time_zone_offset_at(tz, 1710054000), -14400);
    assert_int_equal(time_zone_offset_at(tz, 1730613599), -14400);
    assert_int_equal(time_zone_offset_at(tz, 1730613600), -18000);
    check_local(tz, "2024-03-10 01:59:59", "2024-03-10T06:59:59Z");
    check_local(tz, "2024-03-10 02:30", "2024-03-10T07:30:00Z");
    check_local(tz, "2024-03-10 03:00", "2024-03-10T07:00:00Z");
    check_local(tz, "2024-11-03 01:30", "2024-11-03T05:30:00Z");
    check_local(tz, "2024-11-03 02:00", "2024-11-03T07:00:00Z");
    time_zone_free(tz);
}

static void lord_howe_moves_by_half_an_hour(void **state) {
    (void)state;
    struct time_zone *tz = zone("Australia/Lord_Howe");
    assert_int_equal(time_zone_offset_at(tz, 1712415599), 39600);
    assert_int_equal(time_zone_offset_at(tz, 1712415600), 37800);
    assert_int_equal(time_zone_offset_at(tz, 1728142199), 37800);
    assert_int_equal(time_zone_offset_at(tz, 1728142200), 39600);
    check_local(tz, "2024-04-07 01:29:59", "2024-04-06T14:29:59Z");
    check_local(tz, "2024-04-07 01:45", "2024-04-06T14:45:00Z"); /* twice: the first */
    check_local(tz, "2024-04-07 02:00", "2024-04-06T15:30:00Z");
    check_local(tz, "2024-10-06 01:59:59", "2024-10-05T15:29:59Z");
    check_local(tz, "2024-10-06 02:15", "2024-10-05T15:45:00Z"); /* never: means 02:45 */
    check_local(tz, "2024-10-06 02:30", "2024-10-05T15:30:00Z");
    time_zone_free(tz);
}

static void a_whole_day_may_be_missing(void **state) {
    (void)state;
    struct time_zone *tz = zone("Pacific/Apia"); /* went over the date line: there was no 2011-12-30 */
    check_local(tz, "2011-12-29 23:59:59", "2011-12-30T09:59:59Z");
    check_local(tz, "2011-12-30 12:00", "2011-12-30T22:00:00Z");
    check_local(tz, "2011-12-31 00:00", "2011-12-30T10:00:00Z");
    time_zone_free(tz);
}

static void far_past_and_future(void **state) {
    (void)state;
    struct time_zone *tz = zone("Europe/Berlin");
    assert_int_equal(time_zone_offset_at(tz, -3786825600), 3208); /* 1850: local mean time */
    assert_int_equal(time_zone_offset_at(tz, -9214560000), 3208);
    assert_int_equal(time_zone_offset_at(tz, -775872000), 10800); /* June 1945: double summer time */
    assert_int_equal(time_zone_offset_at(tz, 5695920000), 7200);  /* July 2150, by the rule */
    assert_int_equal(time_zone_offset_at(tz, 5680281600), 3600);
    assert_int_equal(time_zone_offset_at(tz, 9223372036), 7200); /* April 2262 */
    check_local(tz, "2261-03-30 02:30", "2261-03-30T01:30:00Z");
    check_local(tz, "2261-03-31 02:30", "2261-03-31T01:30:00Z"); /* the last Sunday of March: never, means 03:30 */
    check_local(tz, "2261-03-31 03:30", "2261-03-31T01:30:00Z");
    time_zone_free(tz);
    tz = zone("America/Nuuk"); /* a rule with hours below zero: M3.5.0/-1 */
    assert_int_equal(time_zone_offset_at(tz, 1711846799), -7200);
    assert_int_equal(time_zone_offset_at(tz, 1711846800), -3600);
    assert_int_equal(time_zone_offset_at(tz, 1729990800), -7200);
    assert_int_equal(time_zone_offset_at(tz, 5695920000), -3600);
    time_zone_free(tz);
    tz = zone("Asia/Kathmandu");
    assert_int_equal(time_zone_offset_at(tz, 5695920000), 20700);
    time_zone_free(tz);
}

static void local_and_back_for_every_quarter_of_an_hour(void **state) {
    (void)state;
    static const char *const names[] = {"Europe/Berlin", "Australia/Lord_Howe", "America/New_York",
                                        "Africa/Casablanca"};
    for (size_t i = 0; i < COUNT(names); i++) {
        struct time_zone *tz = zone(names[i]);
        for (int64_t utc = 1704067200; utc < 1735689600; utc += 900) {
            int64_t local = utc + time_zone_offset_at(tz, utc), back = time_local_to_utc(tz, local);
            assert_true(back <= utc && back + time_zone_offset_at(tz, back) == local);
            /* Only a second occurrence is not what comes back. */
            if (back != utc) assert_true(utc - back == 3600 || utc - back == 1800);
        }
        time_zone_free(tz);
    }
}

static void fixed_offsets_and_utc(void **state) {
    (void)state;
    static const struct {
        const char *name;
        int32_t offset;
    } cases[] = {{"UTC", 0},        {"Z", 0},         {"+00:00", 0},      {"+02:00", 7200},     {"-05:30", -19800},
                 {"-0530", -19800}, {"+2359", 86340}, {"-23:59", -86340}, {"Etc/GMT+5", -18000}};
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct time_zone *tz = zone(cases[i].name);
        assert_int_equal(time_zone_offset_at(tz, 0), cases[i].offset);
        assert_int_equal(time_local_to_utc(tz, 1000000), 1000000 - cases[i].offset);
        time_zone_free(tz);
    }
    assert_int_equal(time_zone_offset_at(NULL, 5), 0);
    assert_int_equal(time_local_to_utc(NULL, 5), 5);
    time_zone_free(NULL);
}

static void bad_names_are_usage_errors(void **state) {
    (void)state;
    static const char *const names[] = {"",
                                        "/etc/localtime",
                                        "../../../etc/passwd",
                                        "Europe/../Europe/Berlin",
                                        "Europe/./Berlin",
                                        "Europe//Berlin",
                                        "Europe/",
                                        "Europe",
                                        ".hidden",
                                        "Europe/Ber lin",
                                        "Europe/Berlin\n",
                                        "Europe/Nowhere",
                                        "Europe/Berlin/Mitte",
                                        "+24:00",
                                        "+02:60",
                                        "+2",
                                        "+02.00",
                                        "CET-1CEST,M3.5.0"};
    for (size_t i = 0; i < COUNT(names); i++) {
        struct err e = {0};
        struct time_zone *tz = (struct time_zone *)&e;
        if (time_zone_load(names[i], &tz, &e) != G_USAGE) fail_msg("'%s' taken", names[i]);
        assert_int_equal(e.grade, G_USAGE);
        assert_ptr_equal(tz, (struct time_zone *)&e);
    }
    struct err e = {0};
    struct time_zone *tz;
    char big[400];
    memset(big, 'a', sizeof big);
    big[sizeof big - 1] = '\0';
    assert_int_equal(time_zone_load(big, &tz, &e), G_USAGE);
    assert_int_equal(time_zone_load("Europe/Nowhere", &tz, &e), G_USAGE);
    assert_string_equal(e.text, "unknown time zone 'Europe/Nowhere': '/usr/share/zoneinfo' has no such file");
}

/* --- POSIX rules ------------------------------------------------------------------------------------------------- */

static void check_rule(const char *text, int64_t begin_2024, int64_t end_2024) {
    struct zone_rule r;
    struct zone_changes c = {0};
    assert_true(zone_rule_parse(text, strlen(text), &r));
    assert_true(r.has_dst);
    assert_int_equal(zone_rule_unroll(&r, &c), 0);
    int found = 0;
    for (size_t i = 0; i < c.count; i++) {
        if (c.at[i].utc_s == begin_2024 && c.at[i].offset_s == r.dst_offset_s) found++;
        if (c.at[i].utc_s == end_2024 && c.at[i].offset_s == r.offset_s) found++;
        if (i > 0) assert_true(c.at[i - 1].utc_s <= c.at[i].utc_s);
    }
    if (found != 2) fail_msg("%s", text);
    zone_changes_release(&c);
}

static void rules_of_every_kind(void **state) {
    (void)state;
    check_rule("CET-1CEST,M3.5.0,M10.5.0/3", 1711846800, 1729990800);
    check_rule("<+1030>-10:30<+11>-11,M10.1.0,M4.1.0", 1728142200, 1712415600); /* the south: ends first */
    check_rule("EST5EDT,J60,J300/3:30", 1709276400, 1730014200);                /* J60 is March 1st, always */
    check_rule("EST5EDT,59,299/3", 1709190000, 1729926000);                     /* 59 is February 29th in 2024 */
    check_rule("EST5EDT4,M3.2.0/-24:30:30,M11.1.0/+48", 1709958570, 1730779200);
    check_rule("IST-1GMT0,M10.5.0,M3.5.0/1", 1729990800, 1711846800); /* winter time is the exception */
    struct zone_rule r;
    assert_true(zone_rule_parse("<+0545>-5:45", 12, &r));
    assert_false(r.has_dst);
    assert_int_equal(r.offset_s, 20700);
}

static void bad_rules_are_refused(void **state) {
    (void)state;
    static const char *const rules[] = {"",
                                        "CE-1",
                                        "CET",
                                        "CET-25",
                                        "CET-1CEST",
                                        "CET-1CEST,M3.5.0",
                                        "CET-1CEST,M13.5.0,M10.5.0",
                                        "CET-1CEST,M3.6.0,M10.5.0",
                                        "CET-1CEST,M3.5.7,M10.5.0",
                                        "CET-1CEST,M3.5.0,M10.5.0/168",
                                        "CET-1CEST,J0,J1",
                                        "CET-1CEST,366,1",
                                        "CET-1CEST,M3.5.0,M10.5.0x",
                                        "<CET-1",
                                        "CET-1:60"};
    struct zone_rule r;
    for (size_t i = 0; i < COUNT(rules); i++)
        if (zone_rule_parse(rules[i], strlen(rules[i]), &r)) fail_msg("'%s' taken", rules[i]);
}

/* --- Damaged files ----------------------------------------------------------------------------------------------- */

static size_t berlin_bytes(unsigned char *p, size_t cap) {
    FILE *f = fopen("/usr/share/zoneinfo/Europe/Berlin", "rb");
    assert_non_null(f);
    size_t n = fread(p, 1, cap, f);
    assert_int_equal(fclose(f), 0);
    assert_in_range(n, 200, cap - 1);
    return n;
}

/* Every prefix is refused, and every single wrong byte is taken or refused but never touches what is not ours. */
static void damaged_files_are_refused(void **state) {
    (void)state;
    unsigned char whole[8192];
    size_t n = berlin_bytes(whole, sizeof whole);
    struct time_zone *tz;
    struct err e = {0};
    for (size_t cut = 0; cut < n; cut++) {
        unsigned char *p = malloc(cut + 1); /* exact, so that the sanitizer sees a byte too many */
        assert_non_null(p);
        memcpy(p, whole, cut);
        assert_int_equal(time_zone_from_tzif("test", p, cut, &tz, &e), G_CORRUPT);
        assert_string_equal(e.text, "time zone file 'test' is damaged");
        free(p);
    }
    for (size_t i = 0; i < n; i++) {
        whole[i] ^= 0xFF;
        if (time_zone_from_tzif("test", whole, n, &tz, &e) == 0) {
            (void)time_local_to_utc(tz, 1711846800);
            time_zone_free(tz);
        }
        whole[i] ^= 0xFF;
    }
    assert_int_equal(time_zone_from_tzif("test", whole, n, &tz, &e), 0);
    assert_int_equal(time_zone_offset_at(tz, 1711846800), 7200);
    time_zone_free(tz);
}

/* Version 1: 32-bit times, no rule. One change, from type 0 (+1 h) to type 1 (+2 h), at 1000. */
static void version_1_and_leap_seconds(void **state) {
    (void)state;
    unsigned char p[] = "TZif\0" /* */
                        "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
                        "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\1\0\0\0\2\0\0\0\4"
                        "\0\0\x03\xE8"
                        "\1"
                        "\0\0\x0E\x10\0\0\0\0\x1C\x20\1\0"
                        "ABC\0"
                        "\0\0\0\0\0\0\0\1";
    const size_t without_leaps = sizeof p - 1 - 8;
    struct time_zone *tz;
    struct err e = {0};
    assert_int_equal(time_zone_from_tzif("test", p, without_leaps, &tz, &e), 0);
    assert_int_equal(time_zone_offset_at(tz, 999), 3600);
    assert_int_equal(time_zone_offset_at(tz, 1000), 7200);
    assert_int_equal(time_zone_offset_at(tz, 5000000000), 7200);
    time_zone_free(tz);
    p[31] = 1; /* one leap second */
    assert_int_equal(time_zone_from_tzif("test", p, without_leaps, &tz, &e), G_CORRUPT);
    assert_int_equal(time_zone_from_tzif("test", p, without_leaps + 7, &tz, &e), G_CORRUPT);
    assert_int_equal(time_zone_from_tzif("test", p, without_leaps + 8, &tz, &e), G_USAGE);
    assert_string_equal(e.text, "time zone 'test' counts leap seconds");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(berlin_2024),
        cmocka_unit_test(new_york_2024),
        cmocka_unit_test(lord_howe_moves_by_half_an_hour),
        cmocka_unit_test(a_whole_day_may_be_missing),
        cmocka_unit_test(far_past_and_future),
        cmocka_unit_test(local_and_back_for_every_quarter_of_an_hour),
        cmocka_unit_test(fixed_offsets_and_utc),
        cmocka_unit_test(bad_names_are_usage_errors),
        cmocka_unit_test(rules_of_every_kind),
        cmocka_unit_test(bad_rules_are_refused),
        cmocka_unit_test(damaged_files_are_refused),
        cmocka_unit_test(version_1_and_leap_seconds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
