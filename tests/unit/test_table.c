/* SPDX-License-Identifier: Apache-2.0 */
/* Records as a table: alignment, widths of characters, what comes after the header, limits. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/timefmt.h"
#include "stream/char_width.h"
#include "stream/table.h"

struct fixture {
    struct table *t;
    struct buf out;
    struct err e;
};

static void open_with(struct fixture *f, unsigned width, bool color) {
    *f = (struct fixture){0};
    assert_int_equal(table_open(&f->t, width, color, &f->e), 0);
}

static int add(struct fixture *f, struct record r) {
    return table_record(f->t, &r, &f->out, &f->e);
}

static void close_fixture(struct fixture *f) {
    table_free(f->t);
    buf_release(&f->out);
}

/* What was written since the last time is exactly this. */
static void wrote(struct fixture *f, const char *expected) {
    assert_string_equal(buf_cstr(&f->out), expected);
    assert_int_equal(f->out.len, strlen(expected));
    buf_clear(&f->out);
}

static void ends(struct fixture *f, const char *expected) {
    wrote(f, expected);
    close_fixture(f);
}

static struct record json(const char *text) {
    return (struct record){
        .offset = 7, .time = NO_TIME, .value = text, .value_size = strlen(text), .value_type = VALUE_JSON};
}

static struct record tombstone(void) {
    return (struct record){.offset = 7, .time = NO_TIME, .value_type = VALUE_NONE};
}

static struct record keyed(struct record r, const char *key) {
    r.key = key;
    r.key_size = strlen(key);
    r.has_key = true;
    return r;
}

static struct record timed(struct record r, int64_t ns) {
    r.time = ns;
    return r;
}

static void table_aligns_by_the_first_records(void **state) {
    (void)state;
    struct fixture f;
    open_with(&f, 0, false);
    assert_int_equal(add(&f, timed(keyed(json("{\"name\":\"ann\",\"n\":5}"), "k1"), INT64_C(1431857103000000000))), 0);
    assert_int_equal(add(&f, json("{\"n\":12345,\"city\":\"Z\\u00fcrich\",\"name\":\"x\\n\"}")), 0);
    assert_int_equal(add(&f, json("[1, 2]")), 0);
    assert_int_equal(add(&f, tombstone()), 0);
    wrote(&f, "");
    assert_int_equal(table_flush(f.t, &f.out, &f.e), 0);
    wrote(&f, "time                  key  name       n  city    value\n"
              "2015-05-17T10:05:03Z  k1   ann        5\n"
              "                           x\\x0a  12345  Z\xc3\xbcrich\n"
              "                                                 [1, 2]\n"
              "                                                 null\n");
    assert_int_equal(table_flush(f.t, &f.out, &f.e), 0);
    wrote(&f, "");
    assert_int_equal(add(&f, json("{\"name\":\"much too long\",\"n\":1,\"city\":\"y\"}")), 0);
    wrote(&f, "                           much too long      1  y\n");
    assert_int_equal(add(&f, json("{\"n\":2,\"more\":false}")), 0);
    ends(&f, "\n"
             "time                  key  name       n  city    value   more\n"
             "                                      2                  false\n");
}

#define MINUTE_ENDS INT64_C(1431857160000000000)
#define MINUTE "{\"window_start\":\"2015-05-17T10:05:00Z\",\"window_end\":\"2015-05-17T10:06:00Z\""

static void prints(struct record r, const char *header) {
    struct fixture f;
    open_with(&f, 0, false);
    assert_int_equal(add(&f, r), 0);
    assert_int_equal(table_flush(f.t, &f.out, &f.e), 0);
    size_t n = strlen(header);
    if (f.out.len < n || memcmp(f.out.data, header, n) != 0) fail_msg("%s", buf_cstr(&f.out));
    close_fixture(&f);
}

static void time_and_key_that_fields_say_are_left_out(void **state) {
    (void)state;
    const char *said = "window_start          window_end";
    prints(timed(json(MINUTE ",\"n\":1}"), MINUTE_ENDS - 1), said);
    prints(timed(keyed(json(MINUTE ",\"g\":\"a\",\"n\":1}"), "a"), MINUTE_ENDS - 1), said);
    prints(timed(keyed(json(MINUTE ",\"g\":200,\"n\":1}"), "200"), MINUTE_ENDS - 1), said);
    prints(timed(keyed(json(MINUTE ",\"g\":[1,2],\"n\":1}"), "[1,2]"), MINUTE_ENDS - 1), said);
    prints(timed(keyed(json(MINUTE ",\"g\":200,\"h\":\"a\",\"n\":1}"), "[200,\"a\"]"), MINUTE_ENDS - 1), said);
    prints(timed(json("{\"a\":1,\"time\":\"2015-05-17T10:06:00Z\"}"), MINUTE_ENDS), "a  time\n1 ");
}

static void time_and_key_that_fields_do_not_say_are_there(void **state) {
    (void)state;
    prints(timed(json(MINUTE ",\"n\":1}"), MINUTE_ENDS), "time                  window_start");
    prints(timed(keyed(json(MINUTE ",\"g\":\"a\"}"), "b"), MINUTE_ENDS - 1), "key  window_start");
    prints(timed(keyed(json(MINUTE ",\"g\":\"ab\"}"), "a"), MINUTE_ENDS - 1), "key  window_start");
    prints(timed(keyed(json(MINUTE ",\"n\":1,\"g\":\"a\"}"), "a"), MINUTE_ENDS - 1), "key  window_start");
    prints(timed(keyed(json(MINUTE "}"), "a"), MINUTE_ENDS - 1), "key  window_start");
    prints(timed(keyed(json(MINUTE ",\"g\":200}"), "[200,1]"), MINUTE_ENDS - 1), "key      window_start");
    prints(timed(keyed(json(MINUTE ",\"g\":200,\"h\":1}"), "[200,"), MINUTE_ENDS - 1), "key    window_start");
    prints(timed(keyed(json(MINUTE ",\"g\":200}"), "["), MINUTE_ENDS - 1), "key  window_start");
    prints(timed(keyed(json(MINUTE ",\"g\":200}"), "[]"), MINUTE_ENDS - 1), "key  window_start");
    prints(timed(keyed(json(MINUTE ",\"g\":200}"), ""), MINUTE_ENDS - 1), "key  window_start");
    prints(keyed(json("{\"g\":\"a\"}"), "a"), "key  g");
    prints(timed(json("\"2015-05-17T10:06:00Z\""), MINUTE_ENDS), "time                  value");
    prints(timed(json("{\"time\":\"2015-05-17T10:06:00Z\",1}"), MINUTE_ENDS), "time                  value");
    prints(timed(keyed(json(MINUTE ",\"g\":200,\"h\":1}"), "[200;1]"), MINUTE_ENDS - 1), "key      window_start");
    prints(timed(json(MINUTE "}"), TIME_MAX), "time                            window_start");
}

/* What the record before it said does not count. */
static void a_value_that_is_no_object_says_no_time(void **state) {
    (void)state;
    struct fixture f;
    open_with(&f, 0, false);
    assert_int_equal(add(&f, timed(json("{\"time\":\"2015-05-17T10:06:00Z\"}"), MINUTE_ENDS)), 0);
    assert_int_equal(add(&f, timed(json("1"), MINUTE_ENDS)), 0);
    assert_int_equal(table_flush(f.t, &f.out, &f.e), 0);
    ends(&f, "time                  time                  value\n"
             "2015-05-17T10:06:00Z  2015-05-17T10:06:00Z\n"
             "2015-05-17T10:06:00Z                            1\n");
}

/* Then every row has it. */
static void one_record_that_needs_a_key_brings_its_column(void **state) {
    (void)state;
    struct fixture f;
    open_with(&f, 0, false);
    assert_int_equal(
        add(&f, timed(keyed(json("{\"window_end\":\"2015-05-17T10:06:00Z\",\"g\":1}"), "1"), MINUTE_ENDS - 1)), 0);
    assert_int_equal(table_flush(f.t, &f.out, &f.e), 0);
    wrote(&f, "window_end            g\n2015-05-17T10:06:00Z  1\n");
    assert_int_equal(add(&f, keyed(json("{\"g\":1}"), "1")), 0);
    wrote(&f, "\nkey  window_end            g\n1                          1\n");
    assert_int_equal(
        add(&f, timed(keyed(json("{\"window_end\":\"2015-05-17T10:06:00Z\",\"g\":2}"), "2"), MINUTE_ENDS - 1)), 0);
    ends(&f, "2    2015-05-17T10:06:00Z  2\n");
}

static void table_of_nothing_has_empty_lines(void **state) {
    (void)state;
    struct fixture f;
    open_with(&f, 0, false);
    assert_int_equal(add(&f, json("{}")), 0);
    assert_int_equal(table_flush(f.t, &f.out, &f.e), 0);
    wrote(&f, "\n");
    assert_int_equal(add(&f, json("{\"a\":1}")), 0);
    assert_int_equal(table_flush(f.t, &f.out, &f.e), 0);
    ends(&f, "a\n1\n");
}

static void table_prints_after_a_hundred(void **state) {
    (void)state;
    struct fixture f;
    open_with(&f, 0, false);
    for (int i = 0; i < 99; i++) assert_int_equal(add(&f, json("{\"a\":1}")), 0);
    wrote(&f, "");
    assert_int_equal(add(&f, json("{\"a\":100}")), 0);
    assert_int_equal(f.out.len, 100 * 4 + 4);
    assert_memory_equal(f.out.data, "  a\n  1\n", 8);
    close_fixture(&f);
}

static void table_counts_wide_characters(void **state) {
    (void)state;
    struct fixture f;
    open_with(&f, 0, false);
    assert_int_equal(add(&f, json("{\"\xe6\x97\xa5\xe6\x9c\xac\":\"a\",\"b\":\"1\"}")), 0);
    assert_int_equal(add(&f, json("{\"\xe6\x97\xa5\xe6\x9c\xac\":\"\xf0\x9f\x8e\x89"
                                  "e\xcc\x81\",\"b\":\"2\"}")),
                     0);
    assert_int_equal(table_flush(f.t, &f.out, &f.e), 0);
    ends(&f, "\xe6\x97\xa5\xe6\x9c\xac  b\n"
             "a     1\n"
             "\xf0\x9f\x8e\x89"
             "e\xcc\x81   2\n");
    assert_int_equal(text_width("\xf0\x9f\x8e\x89"
                                "e\xcc\x81\xff",
                                8),
                     4);
    assert_int_equal(char_width(0xAC00), 2);
    assert_int_equal(char_width(0x4DC0), 1);
    assert_int_equal(char_width(0x10FFFF), 1);
}

static void table_fits_the_width(void **state) {
    (void)state;
    struct fixture f;
    open_with(&f, 24, true);
    assert_int_equal(add(&f, json("{\"a\":\"0123456789abcdef\",\"b\":7,\"c\":"
                                  "\"\xe6\x97\xa5\xe6\x9c\xac\xe6\x97\xa5\xe6\x9c\xac\xe6\x97\xa5\xe6\x9c\xac\"}")),
                     0);
    assert_int_equal(table_flush(f.t, &f.out, &f.e), 0);
    wrote(&f, "\x1b[1ma          b  c\x1b[0m\n"
              "01234567\xe2\x80\xa6  7  \xe6\x97\xa5\xe6\x9c\xac\xe6\x97\xa5\xe6\x9c\xac\xe2\x80\xa6\n");
    assert_int_equal(add(&f, json("{\"a\":\"x\",\"b\":70000,\"c\":\"0123456789\"}")), 0);
    ends(&f, "x          70000  01234\xe2\x80\xa6\n");
}

static void table_pads_behind_a_cut_wide_character(void **state) {
    (void)state;
    struct fixture f;
    open_with(&f, 11, false);
    assert_int_equal(
        add(&f, json("{\"c\":\"\xe6\x97\xa5\xe6\x9c\xac\xe6\x97\xa5\xe6\x9c\xac\xe6\x97\xa5\",\"b\":\"x\"}")), 0);
    assert_int_equal(table_flush(f.t, &f.out, &f.e), 0);
    ends(&f, "c         b\n"
             "\xe6\x97\xa5\xe6\x9c\xac\xe6\x97\xa5\xe2\x80\xa6   x\n");
}

static void table_has_a_limit_on_columns(void **state) {
    (void)state;
    struct buf object = {0};
    for (int i = 0; i < 1025; i++) assert_int_equal(buf_printf(&object, "%s\"f%d\":1", i ? "," : "{", i), 0);
    assert_int_equal(buf_putc(&object, '}'), 0);
    struct fixture f;
    open_with(&f, 0, false);
    assert_int_equal(add(&f, json(buf_cstr(&object))), G_DATA);
    assert_string_equal(f.e.text, "rows of more than 1024 columns");
    assert_int_equal(f.out.len, 0);
    buf_release(&object);
    close_fixture(&f);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(table_aligns_by_the_first_records),
        cmocka_unit_test(time_and_key_that_fields_say_are_left_out),
        cmocka_unit_test(time_and_key_that_fields_do_not_say_are_there),
        cmocka_unit_test(a_value_that_is_no_object_says_no_time),
        cmocka_unit_test(one_record_that_needs_a_key_brings_its_column),
        cmocka_unit_test(table_of_nothing_has_empty_lines),
        cmocka_unit_test(table_prints_after_a_hundred),
        cmocka_unit_test(table_counts_wide_characters),
        cmocka_unit_test(table_fits_the_width),
        cmocka_unit_test(table_pads_behind_a_cut_wide_character),
        cmocka_unit_test(table_has_a_limit_on_columns),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
