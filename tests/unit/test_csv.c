/* SPDX-License-Identifier: Apache-2.0 */
/* CSV and TSV: where rows end, what fields say, what is taken for a number. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka needs the four above */
#include <cmocka.h>
#include <string.h>

#include "stream/csv.h"

/* One header and one row: the object, or the grade's text. */
static void check_row(char separator, bool infer, const char *header, const char *row, const char *want) {
    struct json_validator v;
    struct csv c;
    struct buf out = {0};
    struct err e = {0};
    assert_int_equal(json_validator_init(&v, NULL), 0);
    csv_init(&c, separator == '\t' ? CSV_TABS : CSV_QUOTING, separator, infer);
    int g = csv_header(&c, &v, header, strlen(header), &e);
    if (g == 0) g = csv_row(&c, row, strlen(row), &out, &e);
    assert_int_equal(g, e.grade);
    assert_string_equal(g == 0 ? buf_cstr(&out) : e.text, want);
    if (g == 0) assert_int_equal(json_validate(&v, out.data, out.len, NULL), 0);
    buf_release(&out);
    csv_release(&c);
    json_validator_release(&v);
}

static void check_value(const char *field, const char *want) {
    struct buf object = {0};
    assert_int_equal(buf_printf(&object, "{\"v\":%s}", want), 0);
    check_row(',', true, "v", field, buf_cstr(&object));
    buf_release(&object);
}

static void test_only_json_numbers_are_numbers(void **state) {
    (void)state;
    static const char *const numbers[] = {"0",    "-0",  "7",    "-12",      "1.5",
                                          "0.10", "1e5", "1E+5", "-1.0e-07", "123456789012345678901"};
    static const char *const strings[] = {"007", "+1", "-",   ".5",  "5.",  "1e",   "1e+",  "0x10", "1_0",
                                          " 1",  "1 ", "-01", "NaN", "--1", "1.e5", "TRUE", "null", "Infinity"};
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) check_value(numbers[i], numbers[i]);
    for (size_t i = 0; i < sizeof strings / sizeof *strings; i++) {
        char want[64] = "\"";
        strncat(strncat(want, strings[i], 32), "\"", 2);
        check_value(strings[i], want);
    }
    check_value("true", "true");
    check_value("false", "false");
    check_value("", "null");
    check_value("\"1\"", "\"1\"");
    check_value("\"\"", "\"\"");
    check_value("\"true\"", "\"true\"");
}

/* The validator refuses numbers longer than this, so they stay text. */
static void test_a_number_of_more_than_1000_digits_is_a_string(void **state) {
    (void)state;
    char digits[1002], want[1100];
    memset(digits, '1', 1001);
    digits[1001] = '\0';
    want[0] = '"';
    memcpy(want + 1, digits, 1001);
    memcpy(want + 1002, "\"", 2);
    check_value(digits, want);
    digits[1000] = '\0';
    check_value(digits, digits);
}

static void test_without_infer_all_are_strings(void **state) {
    (void)state;
    check_row(',', false, "a,b,c", "1,true,", "{\"a\":\"1\",\"b\":\"true\",\"c\":\"\"}");
}

static void test_quotes(void **state) {
    (void)state;
    check_row(',', true, "a,b", "\"x\"\"y,\n\",\"\"\"\"", "{\"a\":\"x\\\"y,\\n\",\"b\":\"\\\"\"}");
    check_row(',', true, "a,b", "x\"y\",z\"", "{\"a\":\"x\\\"y\\\"\",\"b\":\"z\\\"\"}");
    check_row(',', true, "a,b", "1,\"x\" ", "field 2 has text behind its closing quote");
    check_row(',', true, "a,b", "1,\"x", "field 2 has a quote that is not closed");
    check_row(',', true, "\"a\"\"\",\"b,\"", "1,2", "{\"a\\\"\":1,\"b,\":2}");
}

static void test_tsv_escapes(void **state) {
    (void)state;
    check_row('\t', true, "a\tb", "\"1\"\t\\t\\n\\r\\\\", "{\"a\":\"\\\"1\\\"\",\"b\":\"\\t\\n\\r\\\\\"}");
    check_row('\t', true, "a\tb", "a,b\t\\q\\", "{\"a\":\"a,b\",\"b\":\"\\\\q\\\\\"}");
    check_row('\t', true, "a\\tb", "1", "{\"a\\tb\":1}");
}

static void test_rows_must_have_as_many_fields_as_the_header(void **state) {
    (void)state;
    check_row(',', true, "a,b", "1", "1 fields where the header has 2");
    check_row(',', true, "a,b", "1,2,", "3 fields where the header has 2");
    check_row(',', true, "a", "", "{\"a\":null}");
    check_row(',', true, "a;b", "1,2", "2 fields where the header has 1 (the header has ';' in it: --delimiter ';')");
    check_row(';', true, "\"a;b\"", "1;2", "2 fields where the header has 1");
}

static void test_another_delimiter(void **state) {
    (void)state;
    check_row(';', true, "a;\"b;c\"", "1,5;\"x\"\"y;\n\"", "{\"a\":\"1,5\",\"b;c\":\"x\\\"y;\\n\"}");
    check_row('|', true, "a|b", "1|x;\ty", "{\"a\":1,\"b\":\"x;\\ty\"}");
}

static void test_headers_that_cannot_be_keys(void **state) {
    (void)state;
    check_row(',', true, "a,,b", "", "column 2 of the header has no name");
    check_row(',', true, "a,b,c,b", "", "the header names \"b\" twice");
    check_row(',', true, "\"x\"\"\",y,\"x\"\"\"", "", "the header names \"x\\\"\" twice");
    check_row('\t', true, "\\t\t\\t", "", "the header names \"\\t\" twice");
    check_row(',', true, "a,\"b", "", "column 2 of the header has a quote that is not closed");
    check_row(',', true, "a,\xFF", "", "column 2 of the header is not UTF-8");
}

/* Forty columns: the arrays grow. */
static void test_many_columns(void **state) {
    (void)state;
    struct buf header = {0}, row = {0}, want = {0};
    for (int i = 0; i < 40; i++) {
        assert_int_equal(buf_printf(&header, "%sc%d", i ? "," : "", i), 0);
        assert_int_equal(buf_printf(&row, "%s%d", i ? "," : "", i), 0);
        assert_int_equal(buf_printf(&want, "%c\"c%d\":%d", i ? ',' : '{', i, i), 0);
    }
    assert_int_equal(buf_puts(&want, "}"), 0);
    check_row(',', true, buf_cstr(&header), buf_cstr(&row), buf_cstr(&want));
    buf_release(&header);
    buf_release(&row);
    buf_release(&want);
}

/* Fed byte by byte and whole: the same end. */
static void check_scan(char separator, const char *text, size_t end, size_t next, uint64_t lines) {
    struct csv c = {.kind = separator == '\t' ? CSV_TABS : CSV_QUOTING, .separator = separator};
    struct csv_scan whole = {0}, slow = {0};
    size_t n = 1;
    assert_true(csv_scan(&c, &whole, text, strlen(text)));
    assert_int_equal(whole.end, end);
    assert_int_equal(whole.next, next);
    assert_int_equal(whole.lines, lines);
    while (!csv_scan(&c, &slow, text, n)) n++;
    assert_int_equal(n, next);
    assert_int_equal(slow.end, end);
    assert_int_equal(slow.next, next);
    assert_int_equal(slow.lines, lines);
}

static void test_where_rows_end(void **state) {
    (void)state;
    check_scan(',', "\n1", 0, 1, 1);
    check_scan(',', "\r\n", 0, 2, 1);
    check_scan(',', "a,b\r\nc", 3, 5, 1);
    check_scan(',', "a\rb\nc", 3, 4, 1);
    check_scan(',', "\"a\nb\"\"\n\",c\nd", 10, 11, 3);
    check_scan(',', "a\"b\n\"", 3, 4, 1);
    check_scan(',', "\"a\"x\"\n\"", 5, 6, 1);
    check_scan(',', "\"a\"x,\"\n\"\r\n1", 8, 10, 2);
    check_scan(',', "\"\",\"\"\n", 5, 6, 1);
    check_scan(';', "\"a\n\";\"\n;\"\nb", 9, 10, 3);
    check_scan('\t', "\"a\nb\"", 2, 3, 1);
    check_scan('\t', "a\t\"\n\"", 3, 4, 1);
}

static void test_a_scan_without_an_end_says_whether_a_quote_is_open(void **state) {
    (void)state;
    struct csv c = {.separator = ','};
    struct csv_scan s = {0}, t = {0};
    assert_false(csv_scan(&c, &s, "\"a\"\"\n", 5));
    assert_int_equal(s.state, CSV_QUOTED);
    assert_false(csv_scan(&c, &s, "\"a\"\"\n\"", 6));
    assert_int_equal(s.state, CSV_QUOTE);
    assert_false(csv_scan(&c, &t, "a\"", 2));
    assert_int_equal(t.state, CSV_PLAIN);
}

static void test_counting_fields(void **state) {
    (void)state;
    const struct csv comma = {.separator = ','}, tabs = {.kind = CSV_TABS, .separator = '\t'};
    assert_int_equal(csv_count(&comma, "", 0), 1);
    assert_int_equal(csv_count(&comma, "a,,b", 4), 3);
    assert_int_equal(csv_count(&comma, "\"a,b\",c", 7), 2);
    assert_int_equal(csv_count(&tabs, "a\t\"b\t", 5), 3);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_only_json_numbers_are_numbers),
        cmocka_unit_test(test_a_number_of_more_than_1000_digits_is_a_string),
        cmocka_unit_test(test_without_infer_all_are_strings),
        cmocka_unit_test(test_quotes),
        cmocka_unit_test(test_tsv_escapes),
        cmocka_unit_test(test_rows_must_have_as_many_fields_as_the_header),
        cmocka_unit_test(test_another_delimiter),
        cmocka_unit_test(test_headers_that_cannot_be_keys),
        cmocka_unit_test(test_many_columns),
        cmocka_unit_test(test_where_rows_end),
        cmocka_unit_test(test_a_scan_without_an_end_says_whether_a_quote_is_open),
        cmocka_unit_test(test_counting_fields),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
