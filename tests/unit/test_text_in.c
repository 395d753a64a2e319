/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Text as records: what each format makes of its bytes, said as a transcript. Each input is read whole, and again in
 * reads of 1, 2, 3 and 7 bytes, and all transcripts must be the same to the byte, messages included.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka needs the four above */
#include <cmocka.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "stream/text_in.h"
#include "sys/sys.h"

/* The input that sys.read serves instead of a file. */
static struct {
    const char *p;
    size_t n, at, chunk;
} fake;

static ssize_t fake_read(int fd, void *p, size_t n) {
    (void)fd;
    size_t k = fake.n - fake.at;
    if (k > n) k = n;
    if (k > fake.chunk) k = fake.chunk;
    memcpy(p, fake.p + fake.at, k);
    fake.at += k;
    return (ssize_t)k;
}

static int must(int g) {
    assert_int_equal(g, 0);
    return g;
}

static void say_headers(struct buf *out, const struct record *r) {
    struct header_view h;
    size_t at = 0;
    while (record_header_next(r->headers, r->headers_size, &at, &h))
        must(buf_printf(out, " {%.*s=%.*s}", (int)h.name_size, h.name, (int)h.value_size, h.value));
    assert_int_equal(at, r->headers_size);
}

static void say_record(struct buf *out, const struct record *r) {
    static const char *const types[] = {"none", "json", "bytes"};
    if (r->time != NO_TIME) must(buf_printf(out, " @%" PRId64, r->time));
    if (r->has_key) must(buf_printf(out, " key=%.*s", (int)r->key_size, r->key));
    say_headers(out, r);
    must(buf_printf(out, " %s:", types[r->value_type]));
    must(buf_append(out, r->value, r->value_size));
}

static const char *in_name = "in";

/* "LINE TYPE:VALUE" or "LINE grade: text [raw]" a record. The reader is asked twice more behind an end. */
static void transcript(const struct text_in_config *c, const char *p, size_t n, size_t chunk, struct buf *out) {
    struct inbuf in;
    struct text_in *t;
    struct err e;
    int ends = 0;
    fake.p = p;
    fake.n = n;
    fake.at = 0;
    fake.chunk = chunk;
    int fd = open("/dev/null", O_RDONLY);
    must(inbuf_init(&in, fd, in_name, &e));
    must(text_in_open(&t, &in, c, &e));
    while (ends < 3) {
        struct record r;
        err_clear(&e);
        int g = text_in_next(t, &r, &e);
        if (g == G_EOF) {
            ends = 3;
            must(buf_puts(out, "eof"));
            continue;
        }
        must(buf_printf(out, "%" PRIu64, text_in_line(t)));
        if (g == 0) {
            say_record(out, &r);
        } else {
            assert_int_equal(g, e.grade);
            size_t raw_n;
            const char *raw = text_in_raw(t, &raw_n);
            must(buf_printf(out, " %s: %s [", grade_name(g), e.text));
            must(buf_append(out, raw, raw_n < 40 ? raw_n : 40));
            must(buf_puts(out, "]"));
            ends += g != G_DATA;
        }
        must(buf_puts(out, "\n"));
    }
    text_in_free(t);
    inbuf_release(&in);
    close(fd);
}

static void check_config(const struct text_in_config *c, const char *p, size_t n, const char *want) {
    static const size_t chunks[] = {SIZE_MAX, 1, 2, 3, 7};
    sys.read = fake_read;
    for (size_t i = 0; i < sizeof chunks / sizeof *chunks; i++) {
        struct buf out = {0};
        transcript(c, p, n, chunks[i], &out);
        assert_string_equal(buf_cstr(&out), want);
        buf_release(&out);
    }
}

static void check(enum in_format f, enum payload_kind kind, const char *text, const char *want) {
    struct text_in_config c = {.format = f, .kind = kind, .infer = true, .record_limit = 1000};
    check_config(&c, text, strlen(text), want);
}

static void test_json_lines_stay_as_they_are(void **state) {
    (void)state;
    check(IN_JSON, KIND_DEFAULT, "{\"a\":1}\n \t\r\n\n [2 ] \r\n\"x\"",
          "1 json:{\"a\":1}\n4 json: [2 ] \n5 json:\"x\"\neof");
    check(IN_JSON, KIND_DEFAULT, "", "eof");
    check(IN_JSON, KIND_DEFAULT, "\n\n  ", "eof");
    check(IN_JSON, KIND_DEFAULT, "1\n2", "1 json:1\n2 json:2\neof");
}

static void test_a_bad_json_line_is_refused_by_its_place_and_passed_over(void **state) {
    (void)state;
    check(IN_JSON, KIND_DEFAULT, "1\n{\"a\":1,\"a\":2}\r\n3\n",
          "1 json:1\n2 data: not JSON: duplicate key in an object at byte 8 [{\"a\":1,\"a\":2}]\n3 json:3\neof");
    struct text_in_config c = {.format = IN_JSON, .record_limit = 1000, .json_depth = 2};
    check_config(&c, "[[1]]\n[[[1]]]\n", 14,
                 "1 json:[[1]]\n2 data: not JSON: nested too deeply at byte 3 [[[[1]]]]\neof");
}

static void test_a_line_over_the_limit_is_passed_over_to_the_next_line(void **state) {
    (void)state;
    struct text_in_config c = {.format = IN_JSON, .record_limit = 30};
    const char *text =
        "\"1234567890123456789012345678901234567890\"\n12\n\"123456\"\n\"12345678901234567890123456789\"";
    check_config(&c, text, strlen(text),
                 "1 data: line of more than 30 bytes is over the limit; --max-record raises it "
                 "[\"12345678901234567890123456789]\n"
                 "2 json:12\n"
                 "3 data: record of 32 bytes is over the limit of 30; --max-record raises it [\"123456\"]\n"
                 "4 data: line of more than 30 bytes is over the limit; --max-record raises it "
                 "[\"12345678901234567890123456789]\n"
                 "eof");
}

static void test_lines_are_strings_bytes_or_json(void **state) {
    (void)state;
    check(IN_LINES, KIND_DEFAULT, "a \"b\"\r\n\n\xC3\xA4\tx\r",
          "1 json:\"a \\\"b\\\"\"\n2 json:\"\"\n3 json:\"\xC3\xA4\\tx\\r\"\neof");
    check(IN_LINES, KIND_BYTES, "a\r\n\n\xFF\n", "1 bytes:a\n2 bytes:\n3 bytes:\xFF\neof");
    check(IN_LINES, KIND_JSON, "\n1\n", "2 json:1\neof");
    check(IN_LINES, KIND_TEXT, "ok\nb\xFFz\n", "1 json:\"ok\"\n2 data: not UTF-8 at byte 2 [b\xFFz]\neof");
}

static void check_lp(enum payload_kind kind, const char *p, size_t n, const char *want) {
    struct text_in_config c = {.format = IN_LP, .kind = kind, .record_limit = 30};
    check_config(&c, p, n, want);
}

static void test_lp_is_cut_by_its_lengths(void **state) {
    (void)state;
    check_lp(KIND_DEFAULT, "\3\0\0\0a\nb\0\0\0\0\2\0\0\0\xFFx", 17, "1 bytes:a\nb\n2 bytes:\n3 bytes:\xFFx\neof");
    check_lp(KIND_JSON, "\2\0\0\0[]\1\0\0\0[", 11,
             "1 json:[]\n2 data: not JSON: text ends where a value should be at byte 2 [[]\neof");
    check_lp(KIND_TEXT, "\2\0\0\0a\"", 6, "1 json:\"a\\\"\"\neof");
}

static void test_lp_that_is_cut_off_is_truncated_for_good(void **state) {
    (void)state;
    struct text_in_config c = {.format = IN_LP, .record_limit = 30};
    check_config(&c, "\3\0\0\0ab", 6,
                 "1 truncated: in: record 1: the input ends inside this record [ab]\n"
                 "1 truncated: in: record 1: the input ends inside this record [ab]\n"
                 "1 truncated: in: record 1: the input ends inside this record [ab]\n");
    check_config(&c, "\3\0", 2,
                 "1 truncated: in: record 1: the input ends inside this record []\n"
                 "1 truncated: in: record 1: the input ends inside this record []\n"
                 "1 truncated: in: record 1: the input ends inside this record []\n");
}

/* Records of 70,000 and 300 bytes over a limit of 200, then a good one, then one whose skipped part is cut off. */
static void test_lp_over_the_limit_is_skipped_without_being_kept(void **state) {
    (void)state;
    struct buf in = {0};
    struct text_in_config c = {.format = IN_LP, .record_limit = 200};
    must(buf_append(&in, "\x70\x11\1\0", 4));
    for (int i = 0; i < 70000; i++) must(buf_putc(&in, 'a'));
    must(buf_append(&in, "\x2C\1\0\0", 4));
    for (int i = 0; i < 300; i++) must(buf_putc(&in, 'b'));
    must(buf_append(&in, "\2\0\0\0ok\xFF\xFF\xFF\xFF", 10));
    for (int i = 0; i < 65536; i++) must(buf_putc(&in, 'c'));
    check_config(&c, in.data, in.len,
                 "1 data: 70000 bytes are over the limit of 200; --max-record raises it "
                 "[aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa]\n"
                 "2 data: 300 bytes are over the limit of 200; --max-record raises it "
                 "[bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb]\n"
                 "3 bytes:ok\n"
                 "4 data: 4294967295 bytes are over the limit of 200; --max-record raises it "
                 "[cccccccccccccccccccccccccccccccccccccccc]\n"
                 "4 truncated: in: record 4: the input ends inside this record []\n"
                 "4 truncated: in: record 4: the input ends inside this record []\n"
                 "4 truncated: in: record 4: the input ends inside this record []\n");
    buf_release(&in);
}

static void test_csv_rows_are_objects_with_the_header_as_keys(void **state) {
    (void)state;
    check(IN_CSV, KIND_DEFAULT, "\xEF\xBB\xBF\"a\",b c,d\r\n\r\n1,\"x\"\"y\nz\",\n-0,true,007\n1e5,\"1\",\"\"",
          "3 json:{\"a\":1,\"b c\":\"x\\\"y\\nz\",\"d\":null}\n"
          "5 json:{\"a\":-0,\"b c\":true,\"d\":\"007\"}\n"
          "6 json:{\"a\":1e5,\"b c\":\"1\",\"d\":\"\"}\neof");
    check(IN_CSV, KIND_DEFAULT,
          "\xEF\xBB"
          "a\n1\n",
          "1 corrupt: in:1: column 1 of the header is not UTF-8 [\xEF\xBB"
          "a]\n"
          "1 corrupt: in:1: column 1 of the header is not UTF-8 [\xEF\xBB"
          "a]\n"
          "1 corrupt: in:1: column 1 of the header is not UTF-8 [\xEF\xBB"
          "a]\n");
    check(IN_CSV, KIND_DEFAULT, "a\n\n1\r", "2 json:{\"a\":null}\n3 json:{\"a\":1}\neof");
    check(IN_CSV, KIND_DEFAULT, "a,b\n", "eof");
    check(IN_CSV, KIND_DEFAULT, "", "eof");
}

static void test_a_csv_row_that_does_not_fit_is_a_bad_record(void **state) {
    (void)state;
    check(IN_CSV, KIND_DEFAULT, "a,b\n1\n1,2,3\n\"x\"y,2\nq,\xFF\n3,4\n",
          "2 data: 1 fields where the header has 2 [1]\n"
          "3 data: 3 fields where the header has 2 [1,2,3]\n"
          "4 data: field 1 has text behind its closing quote [\"x\"y,2]\n"
          "5 data: field 2 is not UTF-8 [q,\xFF]\n"
          "6 json:{\"a\":3,\"b\":4}\neof");
}

static void test_a_delimiter_is_named_or_shown_by_the_header_of_a_file_that_is_named_csv(void **state) {
    (void)state;
    static const char text[] = "\na;\"b\n,c\"\r\n1,5;\"x;\n\"\n2;3;4\n";
    static const char wanted[] = "4 json:{\"a\":\"1,5\",\"b\\n,c\":\"x;\\n\"}\n"
                                 "6 data: 3 fields where the header has 2 [2;3;4]\neof";
    struct text_in_config c = {.format = IN_CSV, .infer = true, .delimiter = ';', .record_limit = 1u << 20};
    check_config(&c, text, sizeof text - 1, wanted);
    c.delimiter = 0;
    in_name = "in.csv";
    check_config(&c, text, sizeof text - 1, wanted);
    check_config(&c, "a;b,c\n1,2\n", 10, "2 json:{\"a;b\":1,\"c\":2}\neof");
    check_config(&c, "a;b\tc\n1\n", 8, "2 json:{\"a;b\\tc\":1}\neof");
    c.delimiter = ',';
    check_config(&c, "a;b\n1\n", 6, "2 json:{\"a;b\":1}\neof");
    in_name = "in";
    c.delimiter = 0;
    check_config(&c, "a;b\n1\n", 6, "2 json:{\"a;b\":1}\neof");
    c.delimiter = '\t';
    check_config(&c, "a\tb\n\"\t\"\t\\n\n", 11, "2 json:{\"a\":\"\\t\",\"b\":\"\\\\n\"}\neof");
}

static void test_a_bad_header_ends_the_input(void **state) {
    (void)state;
    check(IN_CSV, KIND_DEFAULT, "a,b,\"a\"\n1,2,3\n",
          "1 corrupt: in:1: the header names \"a\" twice [a,b,\"a\"]\n"
          "1 corrupt: in:1: the header names \"a\" twice [a,b,\"a\"]\n"
          "1 corrupt: in:1: the header names \"a\" twice [a,b,\"a\"]\n");
    check(IN_TSV, KIND_DEFAULT, "\na\t\n1\t2\n",
          "2 corrupt: in:2: column 2 of the header has no name [a\t]\n"
          "2 corrupt: in:2: column 2 of the header has no name [a\t]\n"
          "2 corrupt: in:2: column 2 of the header has no name [a\t]\n");
}

static void test_an_open_quote_at_the_end_is_truncated(void **state) {
    (void)state;
    check(IN_CSV, KIND_DEFAULT, "a\n1\n\"x\n2\n",
          "2 json:{\"a\":1}\n"
          "3 truncated: in:3: the input ends inside a quoted field [\"x\n2\n]\n"
          "3 truncated: in:3: the input ends inside a quoted field [\"x\n2\n]\n"
          "3 truncated: in:3: the input ends inside a quoted field [\"x\n2\n]\n");
}

/* What stands behind line ends inside of a quoted field is never taken for rows. */
static void test_a_row_over_the_limit_is_passed_over_whole(void **state) {
    (void)state;
    struct text_in_config c = {.format = IN_CSV, .record_limit = 50};
    const char *good = "a,b\n\"1234567890\n1,2\n3,4\n5,\"\"6\n1234567890\n1234567890\n1234567890\",\n7,8\n";
    check_config(&c, good, strlen(good),
                 "2 data: row of more than 50 bytes is over the limit; --max-record raises it "
                 "[\"1234567890\n1,2\n3,4\n5,\"\"6\n1234567890\n123]\n"
                 "9 json:{\"a\":\"7\",\"b\":\"8\"}\neof");
    const char *open = "a,b\n\"1234567890\n1,2\n3,4\n5,\"\"6\n1234567890\n1234567890\n1234567890,\n7,8\n";
    check_config(&c, open, strlen(open),
                 "2 data: row of more than 50 bytes is over the limit; --max-record raises it "
                 "[\"1234567890\n1,2\n3,4\n5,\"\"6\n1234567890\n123]\n"
                 "2 truncated: in:2: the input ends inside a quoted field []\n"
                 "2 truncated: in:2: the input ends inside a quoted field []\n"
                 "2 truncated: in:2: the input ends inside a quoted field []\n");
}

static void test_tsv_has_escapes_and_no_quotes(void **state) {
    (void)state;
    check(IN_TSV, KIND_DEFAULT, "a\tb\n\"x\"\t1\\t2\\n\\\\\\x\\\n\t\r\n",
          "2 json:{\"a\":\"\\\"x\\\"\",\"b\":\"1\\t2\\n\\\\\\\\x\\\\\"}\n3 json:{\"a\":null,\"b\":null}\neof");
}

static void test_an_envelope_is_a_record(void **state) {
    (void)state;
    check(
        IN_ENVELOPE, KIND_DEFAULT,
        "{\"topic\":\"t\",\"partition\":0,\"offset\":7,\"tstype\":\"create\",\"ts\":1700000000123.456789,\"broker\":1,"
        "\"headers\":[\"h\",\"v\",\"n\",null],\"key\":\"k\\u0041\",\"payload\":{\"a\": "
        "1},\"payload_encoding\":\"json\"}\n"
        "{\"payload\":\"{\\\"a\\\":\\n1}\",\"payload_encoding\":\"jsontext\",\"key\":\"\",\"ts\":-1}\n"
        "{\"payload\":\"1\",\"payload_encoding\":\"text\",\"key\":null,\"ts\":\"-1.5\"}\n"
        "{\"payload\":\"QUI=\",\"payload_encoding\":\"base64\",\"key\":\"QQ==\",\"key_encoding\":\"base64\","
        "\"headers\":[\"h\",\"Qg==\"],\"headers_encoding\":\"base64\",\"tstype\":\"unknown\",\"ts\":5}\n"
        "{\"payload_encoding\":\"none\"}\n",
        "1 @1700000000123456789 key=kA {h=v} {n=} json:{\"a\": 1}\n"
        "2 key= json:{\"a\":\n1}\n"
        "3 @-1500000 bytes:1\n"
        "4 key=A {h=B} bytes:AB\n"
        "5 none:\neof");
    check(IN_ENVELOPE, KIND_DEFAULT,
          "{\"payload\":1,\"payload_encoding\":\"json\",\"tstype\":\"create\",\"ts\":-1}\n"
          "{\"payload\":1,\"tstype\":\"create\",\"ts\":-1}\n{\"payload\":1,\"payload_encoding\":\"json\",\"ts\":-1}\n",
          "1 @-1000000 json:1\n2 json:1\n3 json:1\neof");
}

/* An empty value in base64 takes no memory, and is not NULL either. */
static void test_empty_base64_is_an_empty_value(void **state) {
    (void)state;
    check(IN_ENVELOPE, KIND_DEFAULT,
          "{\"payload\":\"\",\"payload_encoding\":\"base64\",\"headers\":[\"h\",\"\"],\"headers_encoding\":\"base64\"}",
          "1 {h=} bytes:\neof");
}

static void test_what_kcat_writes_has_no_payload_encoding(void **state) {
    (void)state;
    check(
        IN_ENVELOPE, KIND_DEFAULT,
        "{\"payload\":\"{\\\"a\\\":1}\",\"ts\":1,\"headers\":[]}\n{\"payload\":\"plain \\u00e4\"}\n{\"payload\":null}\n"
        "{\"payload\":[true]}\n{\"payload\":\"\"}\n",
        "1 @1000000 json:{\"a\":1}\n2 bytes:plain \xC3\xA4\n3 none:\n4 json:[true]\n5 bytes:\neof");
}

static void check_envelope_fault(const char *line, const char *text) {
    struct buf want = {0};
    must(buf_printf(&want, "1 data: %s [%.40s]\neof", text, line));
    check(IN_ENVELOPE, KIND_DEFAULT, line, buf_cstr(&want));
    buf_release(&want);
}

static void test_a_bad_envelope_says_what_is_wrong(void **state) {
    (void)state;
    const char *ts = "ts of an envelope is not milliseconds in decimal, or outside the years 1678 to 2262";
    check_envelope_fault("[1]", "not an envelope: it is no JSON object");
    check_envelope_fault("{\"a\":1}", "an envelope without payload");
    check_envelope_fault("{\"payload_encoding\":\"json\"}", "an envelope without payload");
    check_envelope_fault("{\"payload\":1,\"payload\":2}", "not JSON: duplicate key in an object at byte 14");
    check_envelope_fault("{\"payload\":1,\"payload_encoding\":\"none\"}",
                         "an envelope with payload_encoding \"none\" has a payload");
    check_envelope_fault("{\"payload\":1,\"payload_encoding\":\"xz\"}",
                         "payload_encoding of an envelope is unknown: \"xz\"");
    check_envelope_fault("{\"payload\":1,\"payload_encoding\":\"text\"}", "payload of an envelope is not a string");
    check_envelope_fault("{\"payload\":\"QQ\",\"payload_encoding\":\"base64\"}",
                         "payload of an envelope is not base64");
    check_envelope_fault("{\"payload\":\"[\",\"payload_encoding\":\"jsontext\"}",
                         "the payload is not JSON: text ends where a value should be at byte 2 of it");
    check_envelope_fault("{\"payload\":1,\"key\":5}", "key of an envelope is not a string");
    check_envelope_fault("{\"payload\":1,\"key_encoding\":\"hex\"}", "key_encoding of an envelope is unknown: \"hex\"");
    check_envelope_fault("{\"payload\":1,\"headers\":[\"a\"]}",
                         "headers of an envelope are not names and values in pairs");
    check_envelope_fault("{\"payload\":1,\"headers\":{}}", "headers of an envelope are not an array");
    check_envelope_fault("{\"payload\":1,\"headers\":[null,\"a\"]}", "a header name of an envelope is not a string");
    check_envelope_fault("{\"payload\":1,\"ts\":1.1234567}", ts);
    check_envelope_fault("{\"payload\":1,\"ts\":1e3}", ts);
    check_envelope_fault("{\"payload\":1,\"ts\":9223372036855}", ts);
    check_envelope_fault("{\"payload\":1,\"ts\":\"1.\"}", ts);
    check_envelope_fault("{\"payload\":1,\"ts\":true}", ts);
}

/* The payload may be as deep as a record may be, though the envelope is one level around it. */
static void test_an_envelope_takes_nothing_from_the_depth(void **state) {
    (void)state;
    struct text_in_config c = {.format = IN_ENVELOPE, .record_limit = 1000, .json_depth = 2};
    const char *text = "{\"payload\":[[1]]}\n{\"payload\":[[[1]]]}\n{\"payload\":\"[[[1]]]\"}";
    check_config(&c, text, strlen(text),
                 "1 json:[[1]]\n2 data: not JSON: nested too deeply at byte 14 [{\"payload\":[[[1]]]}]\n"
                 "3 bytes:[[[1]]]\neof");
}

#define LOG_LINE "192.0.2.1 - - [21/Nov/2026:10:00:02 +0100] \"GET / HTTP/1.1\" 200 5"

static void test_a_line_of_an_access_log_is_an_object_with_its_time(void **state) {
    (void)state;
    check(IN_COMBINED, KIND_DEFAULT, "\n" LOG_LINE "\r\n \nx\n" LOG_LINE,
          "2 @1795251602000000000 json:{\"client\":\"192.0.2.1\",\"user\":null,\"time\":\"2026-11-21T09:00:02Z\","
          "\"method\":\"GET\",\"url\":\"/\",\"protocol\":\"HTTP/1.1\",\"status\":200,\"bytes\":5,\"referer\":null,"
          "\"agent\":null}\n"
          "4 data: not a line of an access log: no '[DAY/MONTH/YEAR:HH:MM:SS ZONE] \"' in it at byte 1 [x]\n"
          "5 @1795251602000000000 json:{\"client\":\"192.0.2.1\",\"user\":null,\"time\":\"2026-11-21T09:00:02Z\","
          "\"method\":\"GET\",\"url\":\"/\",\"protocol\":\"HTTP/1.1\",\"status\":200,\"bytes\":5,\"referer\":null,"
          "\"agent\":null}\neof");
    struct text_in_config c = {.format = IN_COMBINED, .record_limit = 80}; /* of the line, and of what it becomes */
    check_config(&c, LOG_LINE, strlen(LOG_LINE),
                 "1 data: record of 186 bytes is over the limit of 80; --max-record raises it "
                 "[192.0.2.1 - - [21/Nov/2026:10:00:02 +010]\neof");
}

static void test_times_come_with_envelopes_and_access_logs(void **state) {
    (void)state;
    for (enum in_format f = IN_BLOCKS; f <= IN_LP; f++) {
        struct err e = {0};
        bool timed = f == IN_ENVELOPE || f == IN_COMBINED;
        assert_int_equal(in_format_need_time(f, &e), timed ? 0 : G_USAGE);
        assert_string_equal(e.text, timed ? ""
                                          : "text has no event time; say where it is, as in --time .time (an "
                                            "envelope has one: -i envelope; so has an access log: -i "
                                            "combined)");
    }
}

static void detect(const char *text, bool whole, enum in_format want) {
    assert_string_equal(in_format_name(input_detect(text, strlen(text), whole)), in_format_name(want));
}

static void test_formats_are_told_apart_by_the_first_bytes(void **state) {
    (void)state;
    detect("LEAT", false, IN_BLOCKS);
    detect("LEA", false, IN_DETECT);
    detect("LEA", true, IN_BLOCKS);
    detect("L", true, IN_BLOCKS);
    detect("L\n", true, IN_LINES);
    detect("", true, IN_JSON);
    detect("", false, IN_DETECT);
    detect(" \n\t", false, IN_DETECT);
    detect("\n {", false, IN_JSON);
    detect("{bad", false, IN_JSON);
    detect("{\"payload\":1,\"ts\":2}\n", false, IN_JSON);
    detect("[", false, IN_DETECT);
    detect("[\n", false, IN_JSON);
    detect("[ {", false, IN_JSON);
    detect("[1, 2]\n", false, IN_JSON);
    detect("[Mon Jan 1] x\n", false, IN_LINES);
    detect("12\n", false, IN_JSON);
    detect("12", false, IN_DETECT);
    detect("12", true, IN_JSON);
    detect("\"a,b\"\r\n", false, IN_JSON);
    detect("true", true, IN_JSON);
    detect("a,b\n", false, IN_DETECT);
    detect("a,b\n1,2\n", false, IN_CSV);
    detect("a,b\n1,2", false, IN_DETECT);
    detect("a,b\n1,2", true, IN_CSV);
    detect("a,\"b\nc\"\n1,2\n", false, IN_CSV);
    detect("a,b\n1,2,3\n", false, IN_LINES);
    detect("a,b\n", true, IN_LINES);
    detect("a\tb,c\n1\t2,3\n", false, IN_TSV);
    detect("a\tb,c\n1,2\n", false, IN_CSV);
    detect("1.2.3.4 \"GET / HTTP/1.1\" \"(KHTML, like Gecko)\"\n::1 \"GET / HTTP/1.1\" \"(KHTML, like Gecko)\"\n",
           false, IN_LINES);
    detect(LOG_LINE "\n", false, IN_COMBINED);
    detect(LOG_LINE, false, IN_DETECT);
    detect("\n" LOG_LINE "\r", true, IN_COMBINED);
    detect(LOG_LINE " \"a, b\" \"a\tb\"\n" LOG_LINE " \"a, b\" \"a\tb\"\n", false, IN_COMBINED);
    detect("192.0.2.1 - - [21/Nov/2026:10:00:02 +0100] \"GET / HTTP/1.1\" 0.005 200\n", false, IN_LINES);
    detect("192.0.2.1 - - [21/Nov/2026:10:00:02 +01\n" LOG_LINE, false, IN_LINES);
    detect("x " LOG_LINE "\n", false, IN_COMBINED); /* a virtual host in front */
    detect("garbage\n" LOG_LINE "\n" LOG_LINE "\n", false, IN_COMBINED);
    detect("garbage\n" LOG_LINE "\r\n" LOG_LINE "\r\n", true, IN_COMBINED);
    detect("garbage\n" LOG_LINE "\n" LOG_LINE, true, IN_COMBINED);
    detect("garbage\n" LOG_LINE "\n" LOG_LINE, false, IN_LINES); /* the last one may not be whole */
    detect("garbage\n" LOG_LINE "\n", true, IN_LINES);
    detect("garbage\n", false, IN_LINES);
    detect("a,b\n" LOG_LINE " \"-\" \"(KHTML, like Gecko)\"\n" LOG_LINE "\n", false, IN_COMBINED);
    detect("12\n" LOG_LINE "\n" LOG_LINE "\n", false, IN_JSON);
    detect("{\n" LOG_LINE "\n" LOG_LINE "\n", false, IN_JSON);
    detect("\"a \"\"b\"\"\",c\n1\",2\n", false, IN_CSV);
    detect("\xEF\xBB", false, IN_DETECT);
    detect("\xEF\xBB\xBF"
           "a,b\n1,2\n",
           false, IN_CSV);
    detect("plain text\n", false, IN_LINES);
    assert_int_equal(input_named("a.leat", IN_DETECT), IN_BLOCKS);
    assert_int_equal(input_named("a.leat", IN_LINES), IN_LINES);
    assert_int_equal(input_named("a.csv", IN_LINES), IN_CSV);
    assert_int_equal(input_named("/x/a.tsv", IN_LINES), IN_TSV);
    assert_int_equal(input_named("a.csv", IN_TSV), IN_TSV);
    assert_int_equal(input_named("a.csv", IN_JSON), IN_JSON);
    assert_int_equal(input_named("a.csv", IN_DETECT), IN_DETECT);
    assert_int_equal(input_named(".csv", IN_LINES), IN_LINES);
    assert_int_equal(input_named("csv", IN_LINES), IN_LINES);
    detect("plain text", false, IN_DETECT);
    detect("\x1F\x8B\x08 gz", false, IN_JSON);
    detect("caf\xC3", false, IN_DETECT);
    detect("caf\xC3", true, IN_JSON);
    assert_int_equal(input_detect("ELF\0\1\2\n", 7, false), IN_JSON);
}

static void test_an_access_log_is_told_by_its_first_20_lines(void **state) {
    (void)state;
    for (int bad = 9; bad <= 10; bad++) {
        struct buf log = {0};
        for (int i = 0; i < 60; i++) must(buf_puts(&log, i < bad || i >= 20 ? "garbage\n" : LOG_LINE "\n"));
        detect(buf_cstr(&log), true, bad == 9 ? IN_COMBINED : IN_LINES);
        buf_release(&log);
    }
}

static void test_a_long_first_line_is_told_at_64_kib(void **state) {
    (void)state;
    char *text = test_malloc(65536);
    memset(text, 'x', 65536);
    assert_int_equal(input_detect(text, 65535, false), IN_DETECT);
    assert_int_equal(input_detect(text, 65536, false), IN_LINES);
    test_free(text);
}

static void test_names_of_formats(void **state) {
    (void)state;
    for (enum in_format f = IN_BLOCKS; f <= IN_LP; f++) assert_int_equal(in_format_parse(in_format_name(f)), f);
    assert_int_equal(in_format_parse("leat"), IN_BLOCKS);
    assert_int_equal(in_format_parse("xml"), IN_DETECT);
    assert_int_equal(in_format_parse("detect"), IN_DETECT);
}

static void test_a_tombstone_a_key_and_headers_over_their_limits(void **state) {
    (void)state;
    struct buf in = {0};
    struct text_in_config c = {.format = IN_ENVELOPE, .record_limit = 1u << 20};
    must(buf_puts(&in, "{\"payload\":null,\"key\":\""));
    for (int i = 0; i < 65536; i++) must(buf_putc(&in, 'k'));
    must(buf_puts(&in, "\"}\n{\"payload\":null,\"headers\":[\"h\",\""));
    for (int i = 0; i < 65531; i++) must(buf_putc(&in, 'v'));
    must(buf_puts(&in, "\"]}\n"));
    sys.read = fake_read;
    struct buf out = {0};
    transcript(&c, in.data, in.len, SIZE_MAX, &out);
    assert_string_equal(buf_cstr(&out), "1 data: key of 65536 bytes is over the limit of 65535 "
                                        "[{\"payload\":null,\"key\":\"kkkkkkkkkkkkkkkkk]\n"
                                        "2 data: headers of a record are over the limit of 65535 bytes "
                                        "[{\"payload\":null,\"headers\":[\"h\",\"vvvvvvvv]\neof");
    buf_release(&out);
    buf_release(&in);
}

/* A value that needs six bytes for each of its own in the envelope still fits the record limit. */
static void test_an_envelope_may_be_longer_than_its_record(void **state) {
    (void)state;
    struct buf in = {0}, out = {0};
    struct text_in_config c = {.format = IN_ENVELOPE, .record_limit = 1u << 19};
    must(buf_puts(&in, "{\"payload\":\""));
    for (unsigned i = 0; i < (1u << 19) - RECORD_HEADER_SIZE; i++) must(buf_puts(&in, "\\u0001"));
    must(buf_puts(&in, "\",\"payload_encoding\":\"text\"}"));
    sys.read = fake_read;
    transcript(&c, in.data, in.len, SIZE_MAX, &out);
    assert_int_equal(out.len, strlen("1 bytes:") + (1u << 19) - RECORD_HEADER_SIZE + strlen("\neof"));
    buf_release(&in);
    buf_release(&out);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_json_lines_stay_as_they_are),
        cmocka_unit_test(test_a_bad_json_line_is_refused_by_its_place_and_passed_over),
        cmocka_unit_test(test_a_line_over_the_limit_is_passed_over_to_the_next_line),
        cmocka_unit_test(test_lines_are_strings_bytes_or_json),
        cmocka_unit_test(test_lp_is_cut_by_its_lengths),
        cmocka_unit_test(test_lp_that_is_cut_off_is_truncated_for_good),
        cmocka_unit_test(test_lp_over_the_limit_is_skipped_without_being_kept),
        cmocka_unit_test(test_csv_rows_are_objects_with_the_header_as_keys),
        cmocka_unit_test(test_a_csv_row_that_does_not_fit_is_a_bad_record),
        cmocka_unit_test(test_a_delimiter_is_named_or_shown_by_the_header_of_a_file_that_is_named_csv),
        cmocka_unit_test(test_a_bad_header_ends_the_input),
        cmocka_unit_test(test_an_open_quote_at_the_end_is_truncated),
        cmocka_unit_test(test_a_row_over_the_limit_is_passed_over_whole),
        cmocka_unit_test(test_tsv_has_escapes_and_no_quotes),
        cmocka_unit_test(test_an_envelope_is_a_record),
        cmocka_unit_test(test_empty_base64_is_an_empty_value),
        cmocka_unit_test(test_what_kcat_writes_has_no_payload_encoding),
        cmocka_unit_test(test_a_bad_envelope_says_what_is_wrong),
        cmocka_unit_test(test_an_envelope_takes_nothing_from_the_depth),
        cmocka_unit_test(test_a_line_of_an_access_log_is_an_object_with_its_time),
        cmocka_unit_test(test_times_come_with_envelopes_and_access_logs),
        cmocka_unit_test(test_formats_are_told_apart_by_the_first_bytes),
        cmocka_unit_test(test_an_access_log_is_told_by_its_first_20_lines),
        cmocka_unit_test(test_a_long_first_line_is_told_at_64_kib),
        cmocka_unit_test(test_names_of_formats),
        cmocka_unit_test(test_a_tombstone_a_key_and_headers_over_their_limits),
        cmocka_unit_test(test_an_envelope_may_be_longer_than_its_record),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
