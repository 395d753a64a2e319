/* SPDX-License-Identifier: Apache-2.0 */
/* Records as text: the exact bytes of every format, what each refuses, and colours and safety for terminals. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "stream/csv.h"
#include "stream/envelope_in.h"
#include "stream/json_layout.h"
#include "stream/text_out.h"
#include "stream/text_out_value.h"

static const struct record_origin here = {.topic = "clicks", .partition = 2};

/* A writer with its output and its last error. */
struct fixture {
    struct text_out *t;
    struct buf out;
    struct err e;
};

static void open_with(struct fixture *f, struct text_out_config config) {
    *f = (struct fixture){0};
    assert_int_equal(text_out_open(&f->t, &config, &f->e), 0);
}

static void open_format(struct fixture *f, enum out_format format) {
    open_with(f, (struct text_out_config){.format = format});
}

static int add(struct fixture *f, struct record r) {
    return text_out_record(f->t, &r, &here, &f->out, &f->e);
}

static void close_fixture(struct fixture *f) {
    text_out_free(f->t);
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

static void refuses(struct fixture *f, struct record r, const char *reason) {
    size_t before = f->out.len;
    err_clear(&f->e);
    assert_int_equal(add(f, r), G_DATA);
    assert_string_equal(f->e.text, reason);
    assert_int_equal(f->out.len, before);
}

static struct record json(const char *text) {
    return (struct record){
        .offset = 7, .time = NO_TIME, .value = text, .value_size = strlen(text), .value_type = VALUE_JSON};
}

static struct record bytes_of(const char *p, size_t n) {
    return (struct record){.offset = 7, .time = NO_TIME, .value = p, .value_size = n, .value_type = VALUE_BYTES};
}

static struct record bytes(const char *text) {
    return bytes_of(text, strlen(text));
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

static void each(enum out_format format, struct record r, const char *expected) {
    struct fixture f;
    open_format(&f, format);
    assert_int_equal(add(&f, r), 0);
    ends(&f, expected);
}

/* ---- json ---- */

static void json_is_one_line_a_record(void **state) {
    (void)state;
    each(OUT_JSON, json("{\"a\":[1, 2]}"), "{\"a\":[1, 2]}\n");
    each(OUT_JSON, json(" \t{\"a\":\r\n1,\n\"b\":2}\n\n"), "{\"a\":  1, \"b\":2}\n");
    each(OUT_JSON, json("7 "), "7\n");
    each(OUT_JSON, json(" \n"), "\n"); /* not JSON: nothing to show */
    each(OUT_JSON, tombstone(), "null\n");
    each(OUT_JSON, bytes("a\"b\nc\x01 \xc3\xa9"), "\"a\\\"b\\nc\\u0001 \xc3\xa9\"\n");
    each(OUT_JSON, bytes("\xff\x00z"), "\"base64:/w==\"\n");
    each(OUT_JSON, bytes(""), "\"\"\n");
}

static void json_in_color_keeps_the_text(void **state) {
    (void)state;
    struct fixture f;
    open_with(&f, (struct text_out_config){.format = OUT_JSON, .color = true});
    assert_int_equal(add(&f, json("{\"a\": \"x\\\"\",\"b\":[1,true,null]}")), 0);
    wrote(&f,
          "\x1b[1;39m{\x1b[34;1m\"a\"\x1b[1;39m: \x1b[0;32m\"x\\\"\"\x1b[1;39m,\x1b[34;1m\"b\"\x1b[1;39m:[\x1b[0;39m1"
          "\x1b[1;39m,\x1b[0;39mtrue\x1b[1;39m,\x1b[1;30mnull\x1b[1;39m]}\x1b[0m\n");
    assert_int_equal(add(&f, tombstone()), 0);
    ends(&f, "\x1b[1;30mnull\x1b[0m\n");
}

static void safe_json_can_still_be_read(void **state) {
    (void)state;
    struct fixture f;
    open_with(&f, (struct text_out_config){.format = OUT_JSON, .safe = true});
    assert_int_equal(add(&f, json("{\"a\":\"x\x7f\xe2\x80\xaey\xc2\x9b\xc3\xa9\",\t\"b\":1}")), 0);
    wrote(&f, "{\"a\":\"x\\u007f\\u202ey\\u009b\xc3\xa9\",\t\"b\":1}\n");
    assert_int_equal(add(&f, json("\"\x1b[31m\"")), 0); /* not JSON, but shown */
    ends(&f, "\"\\u001b[31m\"\n");
    open_with(&f, (struct text_out_config){.format = OUT_JSON, .safe = true, .color = true});
    assert_int_equal(add(&f, json("\"\x7f\"")), 0);
    ends(&f, "\x1b[0;32m\"\\u007f\"\x1b[0m\n");
}

/* ---- envelope ---- */

static void envelope_has_kcats_order(void **state) {
    (void)state;
    struct record r = timed(keyed(json("{\"a\": 1}"), "k\"1"), INT64_C(1431857103000000000));
    r.headers = "\x01\x00\x02\x00"
                "axy\x01\x00\x00\x00"
                "b";
    r.headers_size = 12;
    each(OUT_ENVELOPE, r,
         "{\"topic\":\"clicks\",\"partition\":2,\"offset\":7,\"tstype\":\"create\",\"ts\":1431857103000,"
         "\"headers\":[\"a\",\"xy\",\"b\",\"\"],\"key\":\"k\\\"1\",\"payload\":{\"a\": "
         "1},\"payload_encoding\":\"json\"}\n");
}

#define PLACE "{\"topic\":\"clicks\",\"partition\":2,\"offset\":7,\"tstype\":\"unknown\",\"ts\":-1,"

static void envelope_says_how_each_part_is_encoded(void **state) {
    (void)state;
    each(OUT_ENVELOPE, tombstone(), PLACE "\"key\":null,\"payload\":null,\"payload_encoding\":\"none\"}\n");
    each(OUT_ENVELOPE, json("null"), PLACE "\"key\":null,\"payload\":null,\"payload_encoding\":\"json\"}\n");
    each(OUT_ENVELOPE, keyed(bytes(""), ""), PLACE "\"key\":\"\",\"payload\":\"\",\"payload_encoding\":\"text\"}\n");
    each(OUT_ENVELOPE, bytes("a\r\n"), PLACE "\"key\":null,\"payload\":\"a\\r\\n\",\"payload_encoding\":\"text\"}\n");
    each(OUT_ENVELOPE, keyed(bytes("\xff\xfe\xfd"), "\x80"),
         PLACE "\"key\":\"gA==\",\"key_encoding\":\"base64\",\"payload\":\"//79\",\"payload_encoding\":\"base64\"}\n");
    static const char *const texts[] = {"{\n}", "[\r]", " 1", "1\t", ""};
    static const char *const escaped[] = {"{\\n}", "[\\r]", " 1", "1\\t", ""};
    for (int i = 0; i < 5; i++) {
        char expected[200];
        (void)snprintf(expected, sizeof(expected),
                       PLACE "\"key\":null,\"payload\":\"%s\",\"payload_encoding\":\"jsontext\"}\n", escaped[i]);
        each(OUT_ENVELOPE, json(texts[i]), expected);
    }
}

static void one_binary_header_makes_all_values_base64(void **state) {
    (void)state;
    struct record r = json("1");
    r.headers = "\x01\x00\x01\x00"
                "ax\x01\x00\x01\x00"
                "b\xff";
    r.headers_size = 12;
    each(OUT_ENVELOPE, r,
         PLACE "\"headers\":[\"a\",\"eA==\",\"b\",\"/w==\"],\"headers_encoding\":\"base64\",\"key\":null,\"payload\":1,"
               "\"payload_encoding\":\"json\"}\n");
}

static void envelope_refuses_what_it_cannot_restore(void **state) {
    (void)state;
    struct fixture f;
    open_format(&f, OUT_ENVELOPE);
    assert_int_equal(add(&f, json("1")), 0);
    struct record r = json("1");
    r.headers = "\x01\x00\x00\x00\xff";
    r.headers_size = 5;
    refuses(&f, r, "a header's name is not UTF-8");
    refuses(&f, json(" \"\xff\""), "the value is not UTF-8, so it is not JSON");
    struct record_origin bad = {.topic = "\xff"};
    r = json("1");
    assert_int_equal(text_out_record(f.t, &r, &bad, &f.out, &f.e), G_DATA);
    buf_clear(&f.out);
    assert_int_equal(text_out_record(f.t, &r, NULL, &f.out, &f.e), 0);
    ends(&f, "{\"topic\":null,\"partition\":0,\"offset\":7,\"tstype\":\"unknown\",\"ts\":-1,\"key\":null,\"payload\":1,"
             "\"payload_encoding\":\"json\"}\n");
}

static void an_envelope_is_read_back_as_the_same_record(void **state) {
    (void)state;
    struct record records[] = {
        timed(keyed(json("{\"a\":\n1}"), "k"), -1),
        timed(json("[1]"), -1000000),
        timed(keyed(bytes("\xff\xfe"), "\x80\x81"), INT64_MAX),
        keyed(bytes("{\"not\":\"json\"}"), ""),
        tombstone(),
        json("null"),
        json(" \"\\u00e9\" "),
    };
    records[1].headers = "\x01\x00\x01\x00"
                         "a\xff\x01\x00\x00\x00"
                         "a";
    records[1].headers_size = 11;
    struct envelope_in x;
    assert_int_equal(envelope_in_init(&x, &(struct json_limits){0}), 0);
    for (size_t i = 0; i < sizeof(records) / sizeof(records[0]); i++) {
        const struct record *r = &records[i];
        struct fixture f;
        open_format(&f, OUT_ENVELOPE);
        assert_int_equal(add(&f, *r), 0);
        struct record back = {0};
        assert_int_equal(envelope_in_parse(&x, f.out.data, f.out.len - 1, &back, &f.e), 0);
        assert_true(back.time == r->time);
        assert_int_equal(back.value_type, r->value_type);
        assert_int_equal(back.has_key, r->has_key);
        assert_int_equal(back.value_size, r->value_size);
        if (r->value_size > 0) assert_memory_equal(back.value, r->value, r->value_size);
        assert_int_equal(back.key_size, r->key_size);
        if (r->key_size > 0) assert_memory_equal(back.key, r->key, r->key_size);
        assert_int_equal(back.headers_size, r->headers_size);
        if (r->headers_size > 0) assert_memory_equal(back.headers, r->headers, r->headers_size);
        close_fixture(&f);
    }
    envelope_in_release(&x);
}

static void milliseconds_are_exact(void **state) {
    (void)state;
    static const struct {
        int64_t ns, floor;
        const char *text;
    } cases[] = {
        {0, 0, "0"},
        {1, 0, "0.000001"},
        {-1, -1, "-0.000001"},
        {-1000000, -1, "-1"},
        {-1000001, -2, "-1.000001"},
        {250000, 0, "0.25"},
        {1431857103123456789, 1431857103123, "1431857103123.456789"},
        {1431857103120000000, 1431857103120, "1431857103120"},
        {-1500000, -2, "-1.5"},
        {INT64_MAX, 9223372036854, "9223372036854.775807"},
        {INT64_MIN + 1, -9223372036855, "-9223372036854.775807"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char text[MS_TEXT_MAX];
        size_t n = ms_format(text, cases[i].ns);
        assert_int_equal(n, strlen(cases[i].text));
        assert_memory_equal(text, cases[i].text, n);
        assert_true(ms_floor(cases[i].ns) == cases[i].floor);
    }
    assert_int_equal(ms_floor(NO_TIME), -1);
}

/* ---- csv, tsv ---- */

static void csv_rows_follow_the_first_records_header(void **state) {
    (void)state;
    struct fixture f;
    open_format(&f, OUT_CSV);
    assert_int_equal(add(&f, json("{\"a\":1,\"b, c\":\"x\",\"d\\u0065\":true}")), 0);
    wrote(&f, "a,\"b, c\",de\n1,x,true\n");
    assert_int_equal(add(&f, json("{\"de\":\"y\",\"a\":null}")), 0);
    wrote(&f, ",,y\n");
    assert_int_equal(add(&f, json("{}")), 0);
    wrote(&f, ",,\n");
    refuses(&f, json("{\"a\":1,\"new\":2}"), "field 'new' is not in the header, which has the first record's fields");
    assert_int_equal(add(&f, json("{\"a\":-0.50}")), 0);
    ends(&f, "-0.50,,\n");
}

static void csv_quotes_what_would_change(void **state) {
    (void)state;
    static const char *const cells[][2] = {
        {"\"plain text\"", "plain text"},
        {"\"a,b\"", "\"a,b\""},
        {"\"say \\\"hi\\\"\"", "\"say \"\"hi\"\"\""},
        {"\"two\\nlines\"", "\"two\nlines\""},
        {"\"a\\rb\"", "\"a\rb\""},
        {"\" x\"", "\" x\""},
        {"\"x \"", "\"x \""},
        {"\"\"", "\"\""},
        {"null", ""},
        {"\"null\"", "null"},
        {"\"12\"", "\"12\""},
        {"\"-1.5e10\"", "\"-1.5e10\""},
        {"\"007\"", "\"007\""},
        {"\".5\"", "\".5\""},
        {"\"+1\"", "\"+1\""},
        {"\"-\"", "-"},
        {"\"1.2.3\"", "1.2.3"},
        {"\"2015-05-17\"", "2015-05-17"},
        {"\"true\"", "\"true\""},
        {"\"False\"", "\"False\""},
        {"\"truely\"", "truely"},
        {"1e5", "1e5"},
        {"false", "false"},
        {"[1, 2]", "\"[1, 2]\""},
        {"{\"k\": \"v\"}", "\"{\"\"k\"\": \"\"v\"\"}\""},
        {"[\n]", "[ ]"},
        {"\"\\u00e9\\ud83c\\udf89\"", "\xc3\xa9\xf0\x9f\x8e\x89"},
    };
    for (size_t i = 0; i < sizeof(cells) / sizeof(cells[0]); i++) {
        char in[100], expected[100];
        (void)snprintf(in, sizeof(in), "{\"c\": %s}", cells[i][0]);
        (void)snprintf(expected, sizeof(expected), "c\n%s\n", cells[i][1]);
        each(OUT_CSV, json(in), expected);
    }
}

static void tsv_escapes_instead_of_quoting(void **state) {
    (void)state;
    struct fixture f;
    open_format(&f, OUT_TSV);
    assert_int_equal(
        add(&f, json("{\"a\\tb\":\"1\",\"c\":\"x\\ty\\nz\\r\\\\\",\"d\":\"q\\\"\",\"e\":null,\"f\":[\"\\t\"]}")), 0);
    ends(&f, "a\\tb\tc\td\te\tf\n1\tx\\ty\\nz\\r\\\\\tq\"\t\t[\"\\\\t\"]\n");
}

static void rows_refuse_what_is_no_object(void **state) {
    (void)state;
    struct fixture f;
    open_format(&f, OUT_CSV);
    refuses(&f, json("[1]"), "not a JSON object: a row needs one");
    refuses(&f, json("{\"a\":1"), "not a JSON object: a row needs one");
    refuses(&f, json("{\"a\":1} x"), "not a JSON object: a row needs one");
    refuses(&f, json("{\"a\" 1}"), "not a JSON object: a row needs one");
    refuses(&f, json(""), "not a JSON object: a row needs one");
    refuses(&f, json("{}"), "an object without fields makes no header");
    refuses(&f, bytes("x"), "a value of bytes: a row needs a JSON object");
    refuses(&f, tombstone(), "a tombstone: a row needs a JSON object");
    refuses(&f, json("{\"z\":\"\\ud800\"}"), "field 'z' has a broken escape");
    /* None of these made the header. */
    assert_int_equal(add(&f, json("{\"b\":1}")), 0);
    ends(&f, "b\n1\n");
}

static void many_columns_are_found_in_any_order(void **state) {
    (void)state;
    struct buf object = {0}, expected = {0}, row = {0};
    assert_int_equal(buf_putc(&object, '{'), 0);
    for (int i = 0; i < 1000; i++) {
        assert_int_equal(buf_printf(&object, "%s\"f%d\":%d", i ? "," : "", i, i), 0);
        assert_int_equal(buf_printf(&expected, "%sf%d", i ? "," : "", i), 0);
        assert_int_equal(buf_printf(&row, "%s%d", i ? "," : "", i), 0);
    }
    assert_int_equal(buf_putc(&object, '}'), 0);
    assert_int_equal(buf_printf(&expected, "\n%s\n%s\n", buf_cstr(&row), buf_cstr(&row)), 0);
    struct buf reversed = {0};
    for (int i = 999; i >= 0; i--)
        assert_int_equal(buf_printf(&reversed, "%s\"f%d\":%d", i == 999 ? "{" : ",", i, i), 0);
    assert_int_equal(buf_putc(&reversed, '}'), 0);
    struct fixture f;
    open_format(&f, OUT_CSV);
    assert_int_equal(add(&f, json(buf_cstr(&object))), 0);
    assert_int_equal(add(&f, json(buf_cstr(&reversed))), 0);
    ends(&f, buf_cstr(&expected));
    buf_release(&object);
    buf_release(&expected);
    buf_release(&row);
    buf_release(&reversed);
}

/* What leat reads from the CSV or TSV that it wrote of this object. */
static void comes_back(enum out_format format, const char *object) {
    struct fixture f;
    open_format(&f, format);
    assert_int_equal(add(&f, json(object)), 0);
    struct json_validator v;
    assert_int_equal(json_validator_init(&v, NULL), 0);
    struct csv c;
    csv_init(&c, format == OUT_CSV ? CSV_QUOTING : CSV_TABS, format == OUT_CSV ? ',' : '\t', true);
    struct csv_scan header = {0}, row = {0};
    struct buf back = {0};
    assert_true(csv_scan(&c, &header, f.out.data, f.out.len));
    assert_int_equal(csv_header(&c, &v, f.out.data, header.end, &f.e), 0);
    const char *rest = f.out.data + header.next;
    assert_true(csv_scan(&c, &row, rest, f.out.len - header.next));
    assert_int_equal(header.next + row.next, f.out.len);
    assert_int_equal(csv_row(&c, rest, row.end, &back, &f.e), 0);
    assert_string_equal(buf_cstr(&back), object);
    buf_release(&back);
    csv_release(&c);
    json_validator_release(&v);
    close_fixture(&f);
}

static void rows_are_read_back_as_they_were(void **state) {
    (void)state;
    comes_back(OUT_CSV,
               "{\"a\":\"12\",\"b\":12,\"c\":\"\",\"d\":null,\"e\":\"true\",\"f\":true,\"g\":\"x\\\"y,\\nz\\r\"}");
    comes_back(OUT_CSV, "{\"only\":null}");
    comes_back(OUT_CSV, "{\"only\":\"\"}");
    comes_back(OUT_CSV, "{\"q\\\"uote,\":\"1e5\",\"\xc3\xa9\":-1.50e-3}");
    comes_back(OUT_TSV, "{\"a\\tb\":\"x\\ty\\nz\\r\\\\n\",\"b\":1.0,\"c\":null,\"d\":false,\"e\":\"q\\\"\"}");
}

/* ---- lines, lp ---- */

static void lines_hold_the_text(void **state) {
    (void)state;
    each(OUT_LINES, json("\"a\\n\\u00e9\""), "a\n\xc3\xa9\n");
    each(OUT_LINES, json(" \"s\"\n"), "s\n");
    each(OUT_LINES, json("{\"a\":\n1}"), "{\"a\": 1}\n");
    each(OUT_LINES, keyed(bytes("x\xff"), "k"), "x\xff\n");
    each(OUT_LINES, tombstone(), "\n");
    struct fixture f;
    open_with(&f, (struct text_out_config){.format = OUT_LINES, .key_delimiter = ": "});
    assert_int_equal(add(&f, keyed(json("1"), "k")), 0);
    assert_int_equal(add(&f, json("2")), 0);
    assert_int_equal(add(&f, keyed(tombstone(), "gone")), 0);
    wrote(&f, "k: 1\n: 2\ngone: \n");
    refuses(&f, json("\"\\q\""), "the value is not a JSON string");
    close_fixture(&f);
    open_with(&f, (struct text_out_config){.format = OUT_LINES, .safe = true});
    assert_int_equal(add(&f, json("\"\\u001b[2J\\n\\t\xff\"")), 0);
    wrote(&f, "\\x1b[2J\n\t\\xff\n");
    assert_int_equal(add(&f, json("[\"\x7f\"]")), 0);
    ends(&f, "[\"\\u007f\"]\n");
}

static void lp_is_a_length_and_the_bytes(void **state) {
    (void)state;
    struct fixture f;
    open_with(&f, (struct text_out_config){.format = OUT_LP, .safe = true, .color = true});
    assert_int_equal(add(&f, bytes_of("\x1b\0\xff", 3)), 0);
    assert_int_equal(add(&f, json("{\n}")), 0);
    assert_int_equal(add(&f, tombstone()), 0);
    static const char expected[] = "\x03\0\0\0\x1b\0\xff\x03\0\0\0{\n}\0\0\0\0";
    assert_int_equal(f.out.len, sizeof(expected) - 1);
    assert_memory_equal(f.out.data, expected, sizeof(expected) - 1);
    close_fixture(&f);
}

/* ---- pretty ---- */

static void pretty_indents_as_jq_does(void **state) {
    (void)state;
    each(OUT_PRETTY, json("{\"a\":[1,{\"b\":null}],\"c\":{},\"d\":[ ],\n\"e\":\"x, {y}\"}"),
         "{\n  \"a\": [\n    1,\n    {\n      \"b\": null\n    }\n  ],\n  \"c\": {},\n  \"d\": [],\n  \"e\": \"x, "
         "{y}\"\n}\n");
    each(OUT_PRETTY, json(" 1.50 "), "1.50\n");
    each(OUT_PRETTY, tombstone(), "null\n");
    struct fixture f;
    open_with(&f, (struct text_out_config){.format = OUT_PRETTY, .color = true, .safe = true});
    assert_int_equal(add(&f, json("{\"a\":[\"\x7f\"]}")), 0);
    ends(&f, "\x1b[1;39m{\x1b[0m\n  \x1b[34;1m\"a\"\x1b[1;39m: [\x1b[0m\n    \x1b[0;32m\"\\u007f\"\x1b[0m\n  "
             "\x1b[1;39m]\x1b[0m\n"
             "\x1b[1;39m}\x1b[0m\n");
}

static void pretty_shows_bytes_as_hexdump_does(void **state) {
    (void)state;
    each(OUT_PRETTY, bytes("Hello, world 123\n\xff"),
         "00000000  48 65 6c 6c 6f 2c 20 77  6f 72 6c 64 20 31 32 33  |Hello, world 123|\n"
         "00000010  0a ff                                             |..|\n"
         "00000012\n");
    each(OUT_PRETTY, bytes(""), "00000000\n");
}

static void layout_bears_what_is_not_json(void **state) {
    (void)state;
    static const char *const cases[][2] = {
        {"{\"a", "{\n  \"a"},
        {"1 2 true\"x\"[", "1 2 true \"x\" ["},
        {"]}],", "]\n}\n],"},
        {"{\"a\"::,,}", "{\n  \"a\": : ,\n  ,\n}"},
        {"nul @\xff\xff", "nul @\xff\xff"},
        {"", ""},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct buf out = {0};
        assert_int_equal(json_layout(&out, cases[i][0], strlen(cases[i][0]), LAYOUT_INDENT), 0);
        assert_string_equal(buf_cstr(&out), cases[i][1]);
        buf_release(&out);
    }
    /* Depth costs no more than 2 * LAYOUT_DEEPEST spaces a line. */
    char deep[1000];
    memset(deep, '[', sizeof(deep));
    struct buf out = {0};
    assert_int_equal(json_layout(&out, deep, sizeof(deep), LAYOUT_INDENT), 0);
    assert_int_equal(out.len, 1000 + 999 + 64 * 63 + (999 - 63) * 128);
    buf_release(&out);
}

static void empty_parts_may_be_null(void **state) {
    (void)state;
    for (enum out_format format = OUT_JSON; format <= OUT_FORMAT; format++) {
        struct fixture f;
        open_with(&f,
                  (struct text_out_config){.format = format, .pattern = "%s%k%h", .key_delimiter = "", .safe = true});
        struct record r = {.time = NO_TIME, .value_type = VALUE_BYTES, .has_key = true};
        assert_int_equal(add(&f, r), format == OUT_CSV || format == OUT_TSV ? G_DATA : 0);
        assert_int_equal(text_out_flush(f.t, &f.out, &f.e), 0);
        close_fixture(&f);
    }
}

/* ---- patterns ---- */

static void formatted(const char *pattern, bool safe, struct record r, const char *expected, size_t n) {
    struct fixture f;
    open_with(&f, (struct text_out_config){.format = OUT_FORMAT, .pattern = pattern, .safe = safe});
    assert_int_equal(add(&f, r), 0);
    assert_int_equal(f.out.len, n);
    assert_memory_equal(f.out.data, expected, n);
    close_fixture(&f);
}

#define FORMATTED(pattern, safe, r, expected) formatted(pattern, safe, r, expected, sizeof(expected) - 1)

static void patterns_are_kcats(void **state) {
    (void)state;
    struct record r = timed(keyed(json("{\"a\":\n1}"), "key"), -1500000);
    r.headers = "\x01\x00\x02\x00"
                "axy\x01\x00\x00\x00"
                "b";
    r.headers_size = 12;
    FORMATTED("%t [%p] %o: %k=%s (%K, %S)\\n", false, r, "clicks [2] 7: key={\"a\":\n1} (3, 8)\n");
    FORMATTED("%T %D %h", false, r, "-2 1969-12-31T23:59:59.998500Z a=xy,b=");
    FORMATTED("%R", false, r, "\0\0\0\x08");
    FORMATTED("100%%\\t\\\\\\r\\x1b\\xFfx", false, r, "100%\t\\\r\x1b\xffx");
    FORMATTED("", false, r, "");
    FORMATTED("%s|%S|%R|%k|%K|%T|%D|%h|", false, tombstone(), "|-1|\xff\xff\xff\xff||-1|-1|||");
    FORMATTED("\\x1b%s%k", true, keyed(bytes("\x1b\n"), "\xe2\x80\xae"), "\x1b\\x1b\n\\u202e");
}

static void a_wrong_pattern_says_where(void **state) {
    (void)state;
    static const char *const cases[][2] = {
        {"%s %q", "unknown escape '%q' at position 4 of the format '%s %q'"},
        {"a%", "unknown escape '%' at position 2 of the format 'a%'"},
        {"\\", "unknown escape '\\' at position 1 of the format '\\'"},
        {"\\x4", "unknown escape '\\x' at position 1 of the format '\\x4'"},
        {"\\xg0", "unknown escape '\\x' at position 1 of the format '\\xg0'"},
        {"%s\\q", "unknown escape '\\q' at position 3 of the format '%s\\q'"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct text_out *t = NULL;
        struct err e = {0};
        struct text_out_config config = {.format = OUT_FORMAT, .pattern = cases[i][0]};
        assert_int_equal(text_out_open(&t, &config, &e), G_USAGE);
        assert_string_equal(e.text, cases[i][1]);
        assert_null(t);
    }
}

static void formats_have_names(void **state) {
    (void)state;
    for (enum out_format f = OUT_BLOCKS; f < OUT_FORMAT; f++) assert_int_equal(out_format_parse(out_format_name(f)), f);
    assert_string_equal(out_format_name(OUT_BLOCKS), "leat");
    assert_int_equal(out_format_parse("format"), OUT_DEFAULT);
    assert_int_equal(out_format_parse("xml"), OUT_DEFAULT);
    struct text_out *t;
    struct err e = {0};
    assert_int_equal(text_out_open(&t, &(struct text_out_config){.format = OUT_BLOCKS}, &e), G_BUG);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(json_is_one_line_a_record),
        cmocka_unit_test(json_in_color_keeps_the_text),
        cmocka_unit_test(safe_json_can_still_be_read),
        cmocka_unit_test(envelope_has_kcats_order),
        cmocka_unit_test(envelope_says_how_each_part_is_encoded),
        cmocka_unit_test(one_binary_header_makes_all_values_base64),
        cmocka_unit_test(envelope_refuses_what_it_cannot_restore),
        cmocka_unit_test(an_envelope_is_read_back_as_the_same_record),
        cmocka_unit_test(milliseconds_are_exact),
        cmocka_unit_test(csv_rows_follow_the_first_records_header),
        cmocka_unit_test(csv_quotes_what_would_change),
        cmocka_unit_test(tsv_escapes_instead_of_quoting),
        cmocka_unit_test(rows_refuse_what_is_no_object),
        cmocka_unit_test(many_columns_are_found_in_any_order),
        cmocka_unit_test(rows_are_read_back_as_they_were),
        cmocka_unit_test(lines_hold_the_text),
        cmocka_unit_test(lp_is_a_length_and_the_bytes),
        cmocka_unit_test(pretty_indents_as_jq_does),
        cmocka_unit_test(pretty_shows_bytes_as_hexdump_does),
        cmocka_unit_test(layout_bears_what_is_not_json),
        cmocka_unit_test(empty_parts_may_be_null),
        cmocka_unit_test(patterns_are_kcats),
        cmocka_unit_test(a_wrong_pattern_says_where),
        cmocka_unit_test(formats_have_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
