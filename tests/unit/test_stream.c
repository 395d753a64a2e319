/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The block writer against the block reader, and control blocks: what is written is read back, and a stream that is
 * cut, bent, mixed or not begun is told from a whole one at every byte.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
/* cmocka needs the first four above */
#include <cmocka.h>

#include "stream/reader.h"
#include "stream/writer.h"
#include "sys/sys.h"

static struct err e;
static FILE *file;
static struct writer writer;

static void begin(bool crc) {
    e = (struct err){0};
    file = tmpfile();
    assert_non_null(file);
    writer_init(&writer, fileno(file), "test", crc);
}

static void control(int (*make)(struct buf *b)) {
    struct buf b = {0};
    assert_int_equal(make(&b), 0);
    assert_int_equal(writer_control(&writer, 0, 0, b.data, b.len, &e), 0);
    buf_release(&b);
}

static int make_start(struct buf *b) {
    static char *const args[] = {(char *)"-x"};
    return control_start(b, 0xabc, NULL, "test", args, 1, 7);
}
static int make_start_again(struct buf *b) {
    return control_start(b, 0xdef, NULL, "test", NULL, 0, 7);
}
static int make_end(struct buf *b) {
    return control_end(b, 0, writer.records, writer.bytes, NULL);
}
static int make_failed(struct buf *b) {
    return control_end(b, 4, 0, 0, "disk full");
}
static int make_unknown(struct buf *b) {
    return buf_puts(b, "{\"type\":\"of-the-future\",\"x\":[1]}");
}

static const struct block_header from_topic = {
    .topic_id = 5, .partition = 2, .log_epoch = 1, .flags = BLOCK_JSON_VALID};

static void record(const struct block_header *like, uint64_t offset, const char *value) {
    struct record r = {.offset = offset, .time = (int64_t)offset * 10, .key = "k", .key_size = 1, .has_key = true};
    r.value = value;
    r.value_size = strlen(value);
    r.value_type = VALUE_JSON;
    assert_int_equal(writer_record(&writer, like, &r, &e), 0);
}

/* All bytes that were written. */
static struct buf written(void) {
    struct buf b = {0};
    assert_int_equal(writer_flush(&writer, &e), 0);
    off_t size = lseek(fileno(file), 0, SEEK_END);
    assert_int_equal(buf_reserve(&b, (size_t)size + 1), 0);
    assert_int_equal(pread(fileno(file), b.data, (size_t)size, 0), size);
    b.len = (size_t)size;
    writer_release(&writer);
    fclose(file);
    return b;
}

/* Read bytes as a stream: the grade of its end, its data records as "OFFSET=VALUE " and its controls as "<TYPE> ". */
static char seen[8192];

static void note_records(const struct block *b) {
    struct record_walk w;
    struct record r;
    record_walk_init(&w, &b->h, b->body, RECORD_LIMIT_DEFAULT);
    while (record_next(&w, &r, NULL) > 0) {
        size_t n = strlen(seen);
        (void)snprintf(seen + n, sizeof seen - n, "%llu=%.*s ", (unsigned long long)r.offset, (int)r.value_size,
                       r.value);
    }
}

static int read_back(const char *bytes, size_t n) {
    static const char *const types[] = {"?", "start", "source", "watermark", "idle", "barrier", "end", "segment"};
    struct inbuf in;
    struct reader reader;
    struct block b = {0};
    FILE *f = tmpfile();
    assert_non_null(f);
    assert_int_equal(pwrite(fileno(f), bytes, n, 0), n);
    seen[0] = '\0';
    e = (struct err){0};
    assert_int_equal(inbuf_init(&in, fileno(f), "input", &e), 0);
    reader_init(&reader, &in, RECORD_LIMIT_DEFAULT);
    int g;
    while ((g = reader_next(&reader, &b, &e)) == 0) {
        size_t at = strlen(seen);
        if (b.h.kind == BLOCK_DATA)
            note_records(&b);
        else
            (void)snprintf(seen + at, sizeof seen - at, "<%s> ", types[b.control.type]);
    }
    reader_release(&reader, &b);
    inbuf_release(&in);
    fclose(f);
    return g;
}

static struct buf small_stream(bool crc) {
    begin(crc);
    control(make_start);
    record(&from_topic, 3, "{\"a\":1}");
    record(&from_topic, 4, "2");
    control(make_unknown);
    record(&from_topic, 9, "null");
    writer_close_block(&writer);
    control(make_end);
    return written();
}

static void a_value_can_be_written_in_its_place(void **state) {
    (void)state;
    struct record r = {.offset = 3, .time = 30, .key = "k", .key_size = 1, .has_key = true, .value_type = VALUE_JSON};
    char *value;
    struct buf by_parts, whole;
    begin(true);
    for (; r.offset < 9000; r.offset++) { /* over several blocks */
        r.value_size = 1 + r.offset % 90;
        assert_int_equal(writer_record_head(&writer, &from_topic, &r, &value, &e), 0);
        memset(value, '7', r.value_size);
    }
    by_parts = written();
    begin(true);
    for (r.offset = 3; r.offset < 9000; r.offset++) {
        char text[90];
        r.value_size = 1 + r.offset % 90;
        r.value = memset(text, '7', sizeof text);
        assert_int_equal(writer_record(&writer, &from_topic, &r, &e), 0);
    }
    whole = written();
    assert_int_equal(by_parts.len, whole.len);
    assert_memory_equal(by_parts.data, whole.data, whole.len);
    buf_release(&by_parts);
    buf_release(&whole);
}

static void what_is_written_is_read_back(void **state) {
    (void)state;
    for (int crc = 0; crc < 2; crc++) {
        struct buf b = small_stream(crc);
        assert_int_equal(read_back(b.data, b.len), G_END);
        assert_string_equal(seen, "<start> 3={\"a\":1} 4=2 <?> 9=null <end> ");
        assert_int_equal((b.data[7] & BLOCK_HAS_CRC) != 0, crc);
        buf_release(&b);
    }
}

static void a_stream_cut_at_any_byte_is_truncated(void **state) {
    (void)state;
    struct buf b = small_stream(true);
    for (size_t n = 1; n < b.len; n++) {
        int g = read_back(b.data, n);
        if (g != G_TRUNCATED) fail_msg("cut at %zu: %s", n, grade_name(g));
        assert_true(strncmp(seen, "<start> 3={\"a\":1} 4=2 <?> 9=null ", strlen(seen)) == 0);
        assert_true(e.text[0] != '\0');
    }
    assert_int_equal(read_back(b.data, 0), G_EOF);
    buf_release(&b);
}

static void a_flipped_bit_anywhere_is_found_and_nothing_of_its_block_is_handed_out(void **state) {
    (void)state;
    struct buf b = small_stream(true);
    for (size_t bit = 0; bit < b.len * 8; bit++) {
        b.data[bit / 8] ^= (char)(1 << bit % 8);
        int g = read_back(b.data, b.len);
        /* A larger length may reach beyond the end, or beyond the limit of a record. */
        bool length = g == G_TRUNCATED || g == G_DATA;
        if (g != G_CORRUPT && !length) fail_msg("bit %zu: %s", bit, grade_name(g));
        if (strncmp(seen, "<start> 3={\"a\":1} 4=2 <?> 9=null ", strlen(seen)) != 0) fail_msg("bit %zu: %s", bit, seen);
        if (g != G_TRUNCATED) assert_non_null(strstr(e.text, "'input' at byte "));
        b.data[bit / 8] ^= (char)(1 << bit % 8);
    }
    buf_release(&b);
}

static void a_second_start_names_both_writers(void **state) {
    (void)state;
    begin(false);
    control(make_start);
    control(make_start_again);
    struct buf b = written();
    assert_int_equal(read_back(b.data, b.len), G_CORRUPT);
    assert_string_equal(e.text, "'input' at byte 221: stream 0000000000000def starts inside stream 0000000000000abc: "
                                "two programs write to one pipe");
    buf_release(&b);
}

static void streams_and_segments_may_follow_one_another(void **state) {
    (void)state;
    struct buf b = small_stream(true), two = {0};
    assert_int_equal(buf_append(&two, b.data, b.len), 0);
    assert_int_equal(buf_append(&two, b.data, b.len), 0);
    assert_int_equal(read_back(two.data, two.len), G_END);
    assert_int_equal(read_back(two.data, two.len - 1), G_TRUNCATED);
    begin(true);
    record(&from_topic, 1, "1");
    struct buf outside = written();
    assert_int_equal(read_back(outside.data, outside.len), G_EOF);
    assert_string_equal(seen, "1=1 ");
    buf_release(&b);
    buf_release(&two);
    buf_release(&outside);
}

static void an_end_outside_a_stream_is_damage_and_one_with_a_status_is_handed_out(void **state) {
    (void)state;
    begin(false);
    control(make_end);
    struct buf b = written();
    assert_int_equal(read_back(b.data, b.len), G_CORRUPT);
    buf_release(&b);
    struct buf body = {0};
    struct control c;
    assert_int_equal(make_failed(&body), 0);
    assert_int_equal(control_parse(body.data, body.len, &c, &e), 0);
    assert_int_equal(c.type, CONTROL_END);
    assert_int_equal(c.status, 4);
    assert_string_equal(c.error, "disk full");
    control_release(&c);
    buf_release(&body);
}

static void a_length_of_4_gib_takes_no_memory(void **state) {
    (void)state;
    uint8_t header[BLOCK_HEADER_SIZE];
    struct block_header h = {.kind = BLOCK_DATA, .records = 1, .min_time = NO_TIME, .max_time = NO_TIME};
    h.stored_size = h.raw_size = UINT32_MAX;
    block_header_encode(&h, header);
    assert_int_equal(read_back((char *)header, sizeof header), G_CORRUPT);
    h.stored_size = h.raw_size = 1u << 30;
    block_header_encode(&h, header);
    assert_int_equal(read_back((char *)header, sizeof header), G_DATA);
    assert_non_null(strstr(e.text, "--max-record"));
    /* within the limit: it is believed as far as bytes arrive */
    h.stored_size = h.raw_size = RECORD_LIMIT_DEFAULT;
    block_header_encode(&h, header);
    assert_int_equal(read_back((char *)header, sizeof header), G_TRUNCATED);
}

static void records_share_a_block_only_with_their_like(void **state) {
    (void)state;
    struct block_header other = from_topic;
    begin(false);
    record(&from_topic, 1, "1");
    record(&from_topic, 2, "2");
    assert_int_equal(writer.blocks, 0);
    other.partition++;
    record(&other, 3, "3");
    assert_int_equal(writer.blocks, 1);
    other.flags = 0; /* not validated: must not stand in a block that says so */
    record(&other, 4, "4");
    assert_int_equal(writer.blocks, 2);
    record(&other, 4, "5"); /* an offset that does not rise */
    assert_int_equal(writer.blocks, 3);
    record(&other, 4 + (UINT64_C(1) << 32), "6"); /* a delta that does not fit */
    assert_int_equal(writer.blocks, 4);
    assert_int_equal(writer.records, 6);
    struct buf b = written();
    assert_int_equal(read_back(b.data, b.len), G_EOF);
    assert_string_equal(seen, "1=1 2=2 3=3 4=4 4=5 4294967300=6 ");
    buf_release(&b);
}

static void a_full_block_is_closed_and_its_times_are_bounds(void **state) {
    (void)state;
    char value[1000];
    memset(value, '1', sizeof value - 1);
    value[sizeof value - 1] = '\0';
    begin(false);
    for (uint64_t i = 0; i < 300; i++) record(&from_topic, i, value);
    assert_int_equal(writer.blocks, 1);
    struct buf b = written();
    struct block_header h;
    assert_int_equal(block_header_decode((uint8_t *)b.data, RECORD_LIMIT_DEFAULT, &h, &e), 0);
    assert_true(h.raw_size <= BLOCK_TARGET_BYTES && h.raw_size > BLOCK_TARGET_BYTES - 2000);
    assert_int_equal(h.min_time, 0);
    assert_int_equal(h.max_time, (h.records - 1) * 10);
    buf_release(&b);
}

/* A machine that takes some bytes and then is interrupted for good. */
static struct sys_ops real;
static int writes;
static ssize_t short_write(int fd, const void *p, size_t n) {
    if (writes++ == 0) return real.write(fd, p, n / 2);
    errno = ENOSPC;
    return -1;
}

static void nothing_is_written_behind_a_write_that_failed(void **state) {
    (void)state;
    begin(false);
    record(&from_topic, 1, "\"the record\"");
    real = sys;
    writes = 0;
    sys.write = short_write;
    assert_int_equal(writer_flush(&writer, &e), G_IO);
    sys = real;
    off_t size = lseek(fileno(file), 0, SEEK_END);
    assert_true(size > 0);
    struct buf end = {0};
    assert_int_equal(control_end(&end, 4, 0, 0, "x"), 0);
    int g = writer_control(&writer, 0, 0, end.data, end.len, &e);
    if (g == 0) g = writer_flush(&writer, &e);
    assert_int_equal(g, G_IO);
    assert_int_equal(lseek(fileno(file), 0, SEEK_END), size);
    buf_release(&end);
    writer_release(&writer);
    fclose(file);
}

static void control_blocks_need_what_the_page_says(void **state) {
    (void)state;
    static const char *const bad[] = {"",
                                      "1",
                                      "[]",
                                      "{}",
                                      "{\"type\":1}",
                                      "{\"type\":\"end\"}",
                                      "{\"type\":\"end\",\"status\":256}",
                                      "{\"type\":\"end\",\"status\":-1}",
                                      "{\"type\":\"end\",\"status\":\"0\"}",
                                      "{\"type\":\"start\"}",
                                      "{\"type\":\"start\",\"run\":1}",
                                      "{\"type\":\"source\"}",
                                      "{\"type\":\"watermark\"}",
                                      "{\"type\":\"watermark\",\"time\":1.5}",
                                      "{\"type\":\"idle\"}x",
                                      "{\"type\":\"idle\",\"type\":\"idle\"}",
                                      "{\"type\":\"idle\""};
    struct control c;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        if (control_parse(bad[i], strlen(bad[i]), &c, &e) != G_CORRUPT) fail_msg("'%s' was taken", bad[i]);
        assert_null(c.json);
    }
    const char *watermark = "{\"type\":\"watermark\",\"time\":9223372036854775807,\"new\":{}}";
    assert_int_equal(control_parse(watermark, strlen(watermark), &c, &e), 0);
    assert_int_equal(c.time, END_OF_TIME);
    control_release(&c);
}

static void a_start_adds_its_command_to_the_history_whatever_its_bytes_are(void **state) {
    (void)state;
    static char *const args[] = {(char *)"-k", (char *)"\xff"
                                                       "a\"b"};
    struct buf first = {0}, second = {0};
    struct control c;
    assert_int_equal(control_start(&first, 1, NULL, "one", args, 2, 5), 0);
    assert_int_equal(control_parse(first.data, first.len, &c, &e), 0);
    assert_string_equal(c.run, "0000000000000001");
    assert_int_equal(control_start(&second, 2, json_object_get(c.json, "history"), "two", args, 1, 6), 0);
    control_release(&c);
    assert_int_equal(control_parse(second.data, second.len, &c, &e), 0);
    const json_t *history = json_object_get(c.json, "history");
    assert_int_equal(json_array_size(history), 2);
    const json_t *one = json_array_get(history, 0), *two = json_array_get(history, 1);
    assert_string_equal(json_string_value(json_object_get(one, "tool")), "one");
    assert_string_equal(json_string_value(json_array_get(json_object_get(one, "args"), 1)), "?a\"b");
    assert_string_equal(json_string_value(json_object_get(two, "tool")), "two");
    control_release(&c);
    buf_release(&first);
    buf_release(&second);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_written_is_read_back),
        cmocka_unit_test(a_value_can_be_written_in_its_place),
        cmocka_unit_test(a_stream_cut_at_any_byte_is_truncated),
        cmocka_unit_test(a_flipped_bit_anywhere_is_found_and_nothing_of_its_block_is_handed_out),
        cmocka_unit_test(a_second_start_names_both_writers),
        cmocka_unit_test(streams_and_segments_may_follow_one_another),
        cmocka_unit_test(an_end_outside_a_stream_is_damage_and_one_with_a_status_is_handed_out),
        cmocka_unit_test(a_length_of_4_gib_takes_no_memory),
        cmocka_unit_test(records_share_a_block_only_with_their_like),
        cmocka_unit_test(a_full_block_is_closed_and_its_times_are_bounds),
        cmocka_unit_test(nothing_is_written_behind_a_write_that_failed),
        cmocka_unit_test(control_blocks_need_what_the_page_says),
        cmocka_unit_test(a_start_adds_its_command_to_the_history_whatever_its_bytes_are),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
