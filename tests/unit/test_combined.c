/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lines of access logs: what each becomes, member for member, and which are none. Each line is read from memory that
 * ends with it, so that a sanitizer sees a read behind it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka needs the four above */
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/timefmt.h"
#include "stream/combined.h"
#include "json/validate.h"

/* The line becomes this value, which is lawful JSON, with this time in seconds. */
static void becomes_at(const char *line, const char *want, int64_t seconds) {
    static struct combined c;
    struct json_validator v;
    struct buf out = {0};
    struct err e = {0};
    int64_t time = 0;
    size_t n = strlen(line);
    char *copy = malloc(n);
    memcpy(copy, line, n);
    assert_int_equal(combined_line(&c, copy, n, &out, &time, &e), 0);
    assert_true(combined_is_line(copy, n));
    free(copy);
    assert_string_equal(buf_cstr(&out), want);
    assert_int_equal(time, seconds * NS_PER_S);
    assert_int_equal(json_validator_init(&v, NULL), 0);
    assert_int_equal(json_validate(&v, out.data, out.len, NULL), 0);
    json_validator_release(&v);
    buf_release(&out);
    combined_release(&c);
}

/* The same for a line at HEAD, whose record ends so. */
#define HEAD_OF(user) "192.0.2.1 - " user " [21/Nov/2026:10:00:02 +0100] "
#define HEAD HEAD_OF("-")
#define NAMES "{\"client\":\"192.0.2.1\",\"user\":null,\"time\":\"2026-11-21T09:00:02Z\","
#define GET "\"method\":\"GET\",\"url\":\"/\",\"protocol\":\"HTTP/1.1\","
#define NO_REQUEST "\"method\":null,\"url\":null,\"protocol\":null,"
static void becomes(const char *line, const char *want) {
    becomes_at(line, want, 1795251602);
}

static void is_refused(const char *line, const char *want) {
    struct combined c = {0};
    struct buf out = {0};
    struct err e = {0};
    int64_t time = 7;
    size_t n = strlen(line);
    char *copy = malloc(n + !n);
    memcpy(copy, line, n);
    assert_int_equal(combined_line(&c, copy, n, &out, &time, &e), G_DATA);
    assert_string_equal(e.text, want);
    assert_int_equal(time, 7);
    assert_false(combined_is_line(copy, n));
    free(copy);
    buf_release(&out);
    combined_release(&c);
}

static void test_both_formats(void **state) {
    (void)state;
    becomes_at("127.0.0.1 - frank [10/Oct/2000:13:55:36 -0700] \"GET /apache_pb.gif HTTP/1.0\" 200 2326 "
               "\"http://www.example.com/start.html\" \"Mozilla/4.08 [en] (Win98; I ;Nav)\"",
               "{\"client\":\"127.0.0.1\",\"user\":\"frank\",\"time\":\"2000-10-10T20:55:36Z\",\"method\":\"GET\","
               "\"url\":\"/apache_pb.gif\",\"protocol\":\"HTTP/1.0\",\"status\":200,\"bytes\":2326,"
               "\"referer\":\"http://www.example.com/start.html\",\"agent\":\"Mozilla/4.08 [en] (Win98; I ;Nav)\"}",
               971211336);
    becomes(HEAD "\"GET / HTTP/1.1\" 304 -",
            NAMES GET "\"status\":304,\"bytes\":null,\"referer\":null,\"agent\":null}");
    becomes(HEAD "\"GET / HTTP/1.1\" 000 00 \"-\" \"\"  ",
            NAMES GET "\"status\":0,\"bytes\":0,\"referer\":null,\"agent\":\"\"}");
}

static void test_names_in_front_of_the_time(void **state) {
    (void)state;
    becomes("::1 ident a b [c] [21/Nov/2026:10:00:02 +0100] \"GET / HTTP/1.1\" 200 1",
            "{\"client\":\"::1\",\"user\":\"a b [c]\",\"time\":\"2026-11-21T09:00:02Z\"," GET
            "\"status\":200,\"bytes\":1,\"referer\":null,\"agent\":null}");
    /* A user's name is not taken for the rest of the line: both servers escape its quotes. */
    becomes("192.0.2.1 - [21/Nov/2030:10:00:02 +0100] \\\"GET [21/Nov/2026:10:00:02 +0100] \"GET / HTTP/1.1\" 200 1",
            "{\"client\":\"192.0.2.1\",\"user\":\"[21/Nov/2030:10:00:02 +0100] \\\"GET\","
            "\"time\":\"2026-11-21T09:00:02Z\"," GET "\"status\":200,\"bytes\":1,\"referer\":null,\"agent\":null}");
    becomes(HEAD_OF("- x") "\"GET / HTTP/1.1\" 200 1",
            "{\"client\":\"192.0.2.1\",\"user\":\"- x\",\"time\":\"2026-11-21T09:00:02Z\"," GET
            "\"status\":200,\"bytes\":1,\"referer\":null,\"agent\":null}");
    becomes("www.example.org:443 192.0.2.1 - frank [21/Nov/2026:10:00:02 +0100] \"GET / HTTP/1.1\" 200 1 \"-\" \"x\"",
            "{\"client\":\"192.0.2.1\",\"user\":\"frank\",\"time\":\"2026-11-21T09:00:02Z\"," GET
            "\"status\":200,\"bytes\":1,\"referer\":null,\"agent\":\"x\",\"host\":\"www.example.org:443\"}");
}

static void test_requests_of_every_kind(void **state) {
    (void)state;
    static const struct {
        const char *request, *is, *behind;
    } cases[] = {
        {"PROPFIND /a?b=%20&c HTTP/2.0", "\"method\":\"PROPFIND\",\"url\":\"/a?b=%20&c\",\"protocol\":\"HTTP/2.0\",",
         ""},
        {"VERSION-CONTROL * HTTP/3", "\"method\":\"VERSION-CONTROL\",\"url\":\"*\",\"protocol\":\"HTTP/3\",", ""},
        {"GET /with some  space HTTP/1.1",
         "\"method\":\"GET\",\"url\":\"/with some  space\",\"protocol\":\"HTTP/1.1\",", ""},
        {"OPTIONS / RTSP/1.0", "\"method\":\"OPTIONS\",\"url\":\"/\",\"protocol\":\"RTSP/1.0\",", ""},
        {"GET /\\\"x\\\" HTTP/1.1", "\"method\":\"GET\",\"url\":\"/\\\"x\\\"\",\"protocol\":\"HTTP/1.1\",", ""},
        {"GET /\\\\ HTTP/1.1", "\"method\":\"GET\",\"url\":\"/\\\\\",\"protocol\":\"HTTP/1.1\",", ""},
        {"-", NO_REQUEST, ""},
        {"", NO_REQUEST, ""},
        {"GET /", NO_REQUEST, ",\"request\":\"GET /\""},
        {"GET  HTTP/1.1", NO_REQUEST, ",\"request\":\"GET  HTTP/1.1\""},
        {"GET / HTTP", NO_REQUEST, ",\"request\":\"GET / HTTP\""},
        {"GET / HTTP/", NO_REQUEST, ",\"request\":\"GET / HTTP/\""},
        {"GET / /1", NO_REQUEST, ",\"request\":\"GET / /1\""},
        {" / HTTP/1.1", NO_REQUEST, ",\"request\":\" / HTTP/1.1\""},
        {"\\x16\\x03\\x01 / HTTP/1.1", NO_REQUEST, ",\"request\":\"\\u0016\\u0003\\u0001 / HTTP/1.1\""},
        {"\\x16\\x03\\x01", NO_REQUEST, ",\"request\":\"\\u0016\\u0003\\u0001\""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char line[300], want[500];
        (void)snprintf(line, sizeof line, HEAD "\"%s\" 400 0", cases[i].request);
        (void)snprintf(want, sizeof want, NAMES "%s\"status\":400,\"bytes\":0,\"referer\":null,\"agent\":null%s}",
                       cases[i].is, cases[i].behind);
        becomes(line, want);
    }
}

/* What stands in the log as the agent, and what in the record. */
static void test_escapes_and_what_is_no_utf8(void **state) {
    (void)state;
    static const char *const cases[][2] = {
        {"a\\\"b", "a\\\"b"},
        {"a\\\\", "a\\\\"},
        {"\\\\\\\"", "\\\\\\\""},
        {"\\t\\n\\r\\b\\v", "\\t\\n\\r\\b\\u000b"},
        {"\\x41\\xc3\\xA4\\x22", "A\xC3\xA4\\\""},
        {"\xC3\xA4 \xE2\x82\xAC", "\xC3\xA4 \xE2\x82\xAC"},
        {"\\q\\x4\\xzz\\x", "\\\\q\\\\x4\\\\xzz\\\\x"},
        {"http://\\xe4\\xff/\\x41", "http://\\\\xe4\\\\xff/\\\\x41"}, /* Latin-1, say: as it is written, all of it */
        {"a\xE4\xFF"
         "b\xC3\xA4\xC3",
         "a\\\\xe4\\\\xff"
         "b\xC3\xA4\\\\xc3"},
        {"\xE4\\x41", "\\\\xe4\\\\x41"},
        {"tab\tand\x7f", "tab\\tand\x7f"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char line[300], want[500];
        (void)snprintf(line, sizeof line, HEAD "\"GET / HTTP/1.1\" 200 0 \"-\" \"%s\"", cases[i][0]);
        (void)snprintf(want, sizeof want, NAMES GET "\"status\":200,\"bytes\":0,\"referer\":null,\"agent\":\"%s\"}",
                       cases[i][1]);
        becomes(line, want);
    }
}

static void test_words_behind_the_known_ones(void **state) {
    (void)state;
    static const char *const cases[][2] = {
        {"0.052", "\"seconds\":0.052"},
        {"12", "\"seconds\":12"},
        {"0", "\"seconds\":0"},
        {"012", "\"more\":\"012\""},
        {".5", "\"more\":\".5\""},
        {"5.", "\"more\":\"5.\""},
        {"-1", "\"more\":\"-1\""},
        {"1e5", "\"more\":\"1e5\""},
        {"1234567890123456789", "\"more\":\"1234567890123456789\""},
        {"-", "\"more\":null"},
        {"\"-\"", "\"more\":null"},
        {"\"\"", "\"more\":\"\""},
        {"\"198.51.100.1, \\x22\"", "\"more\":\"198.51.100.1, \\\"\""},
        {"\"gzip\" 0.005", "\"more\":\"\\\"gzip\\\" 0.005\""},
        {"\"a\" \"b\"", "\"more\":\"\\\"a\\\" \\\"b\\\"\""},
        {"\"open", "\"more\":\"\\\"open\""},
        {"\"", "\"more\":\"\\\"\""},
        {"0.1 0.2", "\"more\":\"0.1 0.2\""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char line[300], want[500];
        (void)snprintf(line, sizeof line, HEAD "\"GET / HTTP/1.1\" 200 0 \"-\" \"-\" %s", cases[i][0]);
        (void)snprintf(want, sizeof want, NAMES GET "\"status\":200,\"bytes\":0,\"referer\":null,\"agent\":null,%s}",
                       cases[i][1]);
        becomes(line, want);
    }
    becomes(HEAD "\"GET / HTTP/1.1\" 200 0 0.25",
            NAMES GET "\"status\":200,\"bytes\":0,\"referer\":null,\"agent\":null,\"seconds\":0.25}");
}

static void test_other_lines_are_refused_by_what_is_missing(void **state) {
    (void)state;
#define NO "not a line of an access log: no "
    static const char *const lines[][2] = {
        {"", NO "'[DAY/MONTH/YEAR:HH:MM:SS ZONE] \"' in it at byte 1"},
        {"plain text", NO "'[DAY/MONTH/YEAR:HH:MM:SS ZONE] \"' in it at byte 1"},
        {"198.51.100.9 - - [21/Nov/2026:10:01", NO "'[DAY/MONTH/YEAR:HH:MM:SS ZONE] \"' in it at byte 1"},
        {"a - - [2026-11-21T10:00:02+01:00]  \"GET / HTTP/1.1\" 200 0",
         NO "'[DAY/MONTH/YEAR:HH:MM:SS ZONE] \"' in it at byte 1"},
        {"[21/Nov/2026:10:00:02 +0100] \"\"", NO "CLIENT IDENT USER at byte 1"},
        {" [21/Nov/2026:10:00:02 +0100] \"\"", NO "CLIENT IDENT USER at byte 1"},
        {"a [21/Nov/2026:10:00:02 +0100] \"\"", NO "CLIENT IDENT USER at byte 1"},
        {"a - [21/Nov/2026:10:00:02 +0100] \"\"", NO "CLIENT IDENT USER at byte 1"},
        {"a  - [21/Nov/2026:10:00:02 +0100] \"\"", NO "CLIENT IDENT USER at byte 1"},
        {"a - -[21/Nov/2026:10:00:02 +0100] \"\"", NO "CLIENT IDENT USER at byte 1"},
        {HEAD "\"", NO "end of the quoted request at byte 45"},
        {HEAD "\"a\\\"", NO "end of the quoted request at byte 45"},
        {HEAD "\"\"", NO "status at byte 46"},
        {HEAD "\"\" ", NO "status at byte 46"},
        {HEAD "\"\"200 0", NO "status at byte 46"},
        {HEAD "\"\" 2x0 0", NO "status at byte 46"},
        {HEAD "\"\" 200", NO "size at byte 50"},
        {HEAD "\"\" 200  0", NO "size at byte 50"},
        {HEAD "\"\" 200 1234567890123456789", NO "size at byte 50"},
        {HEAD "\"\" 200 0 \"", NO "end of the quoted referer at byte 52"},
        {HEAD "\"\" 200 0 \"-\"", NO "quoted agent at byte 56"},
        {HEAD "\"\" 200 0 \"-\" 0.5", NO "quoted agent at byte 56"},
        {HEAD "\"\" 200 0 \"-\" \"Mozilla", NO "end of the quoted agent at byte 56"},
        {HEAD "\"\" 200 0 \"-\" \"-\"0.5", NO "space at byte 60"},
        {"a - - [31/Nov/2026:10:00:02 +0100] \"\" 200 0",
         "'31/Nov/2026:10:00:02 +0100' is not a time: there is no such day or hour"},
        {"a - - [21/Nov/1066:10:00:02 +0100] \"\" 200 0",
         "time '21/Nov/1066:10:00:02 +0100' is outside the years 1678 to 2262"},
    };
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) is_refused(lines[i][0], lines[i][1]);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_both_formats),
        cmocka_unit_test(test_names_in_front_of_the_time),
        cmocka_unit_test(test_requests_of_every_kind),
        cmocka_unit_test(test_escapes_and_what_is_no_utf8),
        cmocka_unit_test(test_words_behind_the_known_ones),
        cmocka_unit_test(test_other_lines_are_refused_by_what_is_missing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
