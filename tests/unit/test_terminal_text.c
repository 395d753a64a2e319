/* SPDX-License-Identifier: Apache-2.0 */
/* What people see on a terminal: text from data made safe, the progress line, the totals. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/safe.h"
#include "base/timefmt.h"
#include "cli/progress.h"

static void safe_is(const char *text, size_t n, unsigned flags, const char *want) {
    struct buf b = {0};
    assert_int_equal(safe_append(&b, text, n, flags), 0);
    assert_string_equal(buf_cstr(&b), want);
    assert_int_equal(safe_is_plain(text, n, flags), n == strlen(want) && memcmp(text, want, n) == 0);
    buf_release(&b);
}
#define SAFE_IS(text, flags, want) safe_is((text), sizeof(text) - 1, (flags), (want))

static void plain_text_is_copied(void **state) {
    (void)state;
    SAFE_IS("", 0, "");
    SAFE_IS("caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80 \\ \"", 0, "caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80 \\ \"");
}

static void what_a_terminal_acts_upon_is_escaped(void **state) {
    (void)state;
    SAFE_IS("a\x1b[31mb", 0, "a\\x1b[31mb");
    SAFE_IS("\0\x01\x7f", 0, "\\x00\\x01\\x7f");
    SAFE_IS("a\nb\tc\r", 0, "a\\x0ab\\x09c\\x0d");
    SAFE_IS("a\nb\tc\r", SAFE_NEWLINE | SAFE_TAB, "a\nb\tc\\x0d");
    SAFE_IS("\xc2\x9b"
            "31m",
            0, "\\u009b31m"); /* C1: CSI in one character */
    SAFE_IS("\xe2\x80\xae"
            "x\xe2\x81\xa6\xd8\x9c",
            0, "\\u202ex\\u2066\\u061c"); /* bidi override, isolate, mark */
    SAFE_IS("\xe2\x80\xa8", 0, "\\u2028");
    SAFE_IS("a\x1b\x7f", SAFE_JSON, "a\\u001b\\u007f");
}

static void bytes_that_are_no_text_are_escaped(void **state) {
    (void)state;
    SAFE_IS("\x9b"
            "31m\xff",
            0, "\\x9b31m\\xff");
    SAFE_IS("\xc2", 0, "\\xc2");                   /* cut off */
    SAFE_IS("\xc0\x9b", 0, "\\xc0\\x9b");          /* overlong */
    SAFE_IS("\xed\xa0\x80", 0, "\\xed\\xa0\\x80"); /* surrogate */
}

static void the_line_tells_rate_percent_and_time_to_go(void **state) {
    (void)state;
    struct progress p = {
        .records_in = 1200000,
        .bytes_in = 300 << 20,
        .end_bytes = 600 << 20,
        .event_time_ns = 1714564800 * NS_PER_S + 5,
        .has_event_time = true,
        .drawn_bytes = 200 << 20,
        .drawn_records = 1000000,
        .drawn_ns = 8 * NS_PER_S,
    };
    struct buf b = {0};
    assert_int_equal(progress_line(&p, 10 * NS_PER_S, &b), 0);
    assert_string_equal(buf_cstr(&b),
                        "50 %, ETA 10s, 1.20M records, 300 MiB, 100.0k/s, 50 MiB/s, at 2024-05-01T12:00:00Z");
    buf_release(&b);
}

static void totals_are_words_or_json(void **state) {
    (void)state;
    struct progress p = {.records_in = 10, .bytes_in = 2048, .records_out = 9, .bytes_out = 1024, .bad = 1};
    struct buf b = {0};
    assert_int_equal(progress_totals(&p, "leat filter", false, 1500 * NS_PER_MS, &b), 0);
    assert_string_equal(buf_cstr(&b), "leat filter: 10 records (2 KiB) in, 9 records (1 KiB) out, 1 bad, 1.500 s");
    buf_clear(&b);
    assert_int_equal(progress_totals(&p, "leat filter", true, 1500 * NS_PER_MS, &b), 0);
    assert_string_equal(buf_cstr(&b), "{\"tool\":\"leat filter\",\"records_in\":10,\"bytes_in\":2048,\"records_out\":9,"
                                      "\"bytes_out\":1024,\"bad\":1,\"late\":0,\"seconds\":1.500}");
    buf_release(&b);
}

static void a_tick_looks_at_the_clock_rarely_when_records_are_many(void **state) {
    (void)state;
    struct stats_options quiet = {.progress = -1};
    struct progress p;
    progress_begin(&p, &quiet);
    for (int i = 0; i < 100000; i++) progress_tick(&p);
    assert_int_equal(p.ticks, 100000); /* not once */
    struct stats_options shown = {.progress = 1};
    progress_begin(&p, &shown);
    p.drawn_ns += 3600 * NS_PER_S; /* draw nothing in this test */
    for (int i = 0; i < 100000; i++) progress_tick(&p);
    assert_true(p.ticks_to_check >= 1024);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plain_text_is_copied),
        cmocka_unit_test(what_a_terminal_acts_upon_is_escaped),
        cmocka_unit_test(bytes_that_are_no_text_are_escaped),
        cmocka_unit_test(the_line_tells_rate_percent_and_time_to_go),
        cmocka_unit_test(totals_are_words_or_json),
        cmocka_unit_test(a_tick_looks_at_the_clock_rarely_when_records_are_many),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
