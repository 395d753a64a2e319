/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The run loop: what a tool's callbacks see, the policy for bad records, idle before each wait, and the end block that
 * tells downstream how it went.
 */
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

#include "scratch.h"
#include "stream/stage.h"
#include "sys/sys.h"

static struct err e;
static char in_path[SCRATCH_MAX], out_path[SCRATCH_MAX];

/* What happened, in order, as words. */
static char said[4096];
static void say(const char *fmt, ...) PRINTF_LIKE(1, 2);
static void say(const char *fmt, ...) {
    size_t n = strlen(said);
    va_list ap;
    va_start(ap, fmt);
    (void)vsnprintf(said + n, sizeof said - n, fmt, ap);
    va_end(ap);
}

/* A tool that passes on what it gets, but for the value "bad". */
static int on_record(void *ctx, struct stage *s, const struct record *r, struct err *err) {
    (void)ctx;
    say("%s:%.*s ", s->text ? "text" : "block", (int)r->value_size, r->value);
    if (r->value_size == 5 && memcmp(r->value, "\"bad\"", 5) == 0) return err_set(err, G_DATA, "it is bad");
    return stage_emit(s, r, err);
}
static int on_idle(void *ctx, struct stage *s, struct err *err) {
    (void)ctx;
    (void)s;
    (void)err;
    say("idle ");
    return 0;
}
static int on_end(void *ctx, struct stage *s, struct err *err) {
    (void)ctx;
    (void)s;
    (void)err;
    say("end ");
    return 0;
}
static void on_notice(void *ctx, const struct err *what) {
    (void)ctx;
    say("[%s] ", what->text);
}

static int put_letter(struct sink *s, const struct block_header *like, const struct record *r, struct err *err) {
    (void)s;
    (void)err;
    struct header_view h;
    assert_int_equal(like->topic_id, 0);
    say("letter:%.*s(", (int)r->value_size, r->value);
    for (size_t at = 0; record_header_next(r->headers, r->headers_size, &at, &h);)
        if (memcmp(h.name, "leat.time", 9) != 0) say("%.*s;", (int)h.value_size, h.value);
    say(") ");
    return 0;
}
static int flush_letters(struct sink *s, struct err *err) {
    (void)s;
    (void)err;
    return 0;
}
static const struct sink_ops letter_ops = {.put = put_letter, .flush = flush_letters};
static struct sink letters = {.ops = &letter_ops, .name = "letters"};

static struct stage_config config;
static const char *files[1];

static void begin(const char *bytes, size_t n) {
    e = (struct err){0};
    said[0] = '\0';
    scratch_name(in_path, "in");
    scratch_name(out_path, "out");
    int in = mkstemp(in_path), out = mkstemp(out_path);
    assert_true(in >= 0 && out >= 0);
    assert_int_equal(write(in, bytes, n), n);
    close(in);
    files[0] = in_path;
    config = (struct stage_config){.tool = "test", .files = files, .file_count = 1, .notice = on_notice};
    config.input = (struct text_in_config){.record_limit = RECORD_LIMIT_DEFAULT, .infer = true};
    config.output.fd = out;
}

static int run(void) {
    static const struct stage_ops ops = {.record = on_record, .idle = on_idle, .end = on_end};
    struct stage s;
    return stage_run(&s, &config, &ops, NULL, &e);
}

/* The output: its bytes; the files are removed. */
static struct buf finish(void) {
    struct buf b = {0};
    off_t size = lseek(config.output.fd, 0, SEEK_END);
    assert_int_equal(buf_reserve(&b, (size_t)size + 1), 0);
    assert_int_equal(pread(config.output.fd, b.data, (size_t)size, 0), size);
    b.len = (size_t)size;
    close(config.output.fd);
    unlink(in_path);
    unlink(out_path);
    return b;
}

/* The last block of a stream as its control. */
static struct control last_control(const struct buf *b) {
    struct control c = {0};
    size_t at = 0, last = 0;
    struct block_header h;
    while (at < b->len) {
        assert_int_equal(block_header_decode((uint8_t *)b->data + at, RECORD_LIMIT_DEFAULT, &h, NULL), 0);
        last = at;
        at += BLOCK_HEADER_SIZE + h.stored_size;
    }
    assert_int_equal(h.kind, BLOCK_CONTROL);
    assert_int_equal(control_parse(b->data + last + BLOCK_HEADER_SIZE, h.stored_size, &c, NULL), 0);
    return c;
}

static void ends_with(int status, uint64_t records, const char *error) {
    struct buf out = finish();
    struct control c = last_control(&out);
    assert_int_equal(c.type, CONTROL_END);
    assert_int_equal(c.status, status);
    assert_int_equal(c.records, records);
    if (error)
        assert_string_equal(c.error, error);
    else
        assert_null(c.error);
    control_release(&c);
    buf_release(&out);
}

#define TEXT(text) begin(text, sizeof text - 1)

static void text_goes_through_and_the_end_is_said(void **state) {
    (void)state;
    TEXT("1\n{\"a\":2}\n");
    assert_int_equal(run(), 0);
    assert_string_equal(said, "text:1 text:{\"a\":2} end ");
    ends_with(0, 2, NULL);
}

static void a_bad_record_stops_by_its_place_and_downstream_is_told(void **state) {
    (void)state;
    char want[SCRATCH_MAX + 40];
    TEXT("1\n\"bad\"\n3\n");
    assert_int_equal(run(), G_DATA);
    (void)snprintf(want, sizeof want, "record '%s:2': it is bad", in_path);
    assert_string_equal(e.text, want);
    assert_string_equal(said, "text:1 text:\"bad\" ");
    ends_with(3, 1, want);
}

static void skipped_records_are_named_three_times_and_counted(void **state) {
    (void)state;
    TEXT("1\n\"bad\"\nx\n2\ny\nz\n\"bad\"\n3\n");
    config.input.format = IN_JSON;
    config.skip_bad = true;
    assert_int_equal(run(), 0);
    char *p = said;
    int n = 0;
    while ((p = strstr(p, "skipped: ")) != NULL) n++, p++;
    assert_int_equal(n, 3);
    assert_non_null(strstr(said, "[more bad records are skipped and only counted]"));
    assert_non_null(strstr(said, "[5 of 8 records were bad and left out]"));
    ends_with(0, 3, NULL);
}

static void where_every_record_was_bad_the_format_is_named(void **state) {
    (void)state;
    TEXT("\"bad\"\nx\ny\nz\n");
    config.input.format = IN_JSON;
    config.skip_bad = true;
    assert_int_equal(run(), 0);
    assert_non_null(strstr(said, "[all 4 records were bad: the input was read as json (-i says otherwise)]"));
    ends_with(0, 0, NULL);
    TEXT("\"bad\"\nx\ny\n");
    config.input.format = IN_JSON;
    config.skip_bad = true;
    assert_int_equal(run(), 0);
    assert_null(strstr(said, "were bad")); /* all of them were named */
    ends_with(0, 0, NULL);
}

static void dead_letters_hold_the_raw_line_and_why(void **state) {
    (void)state;
    char want[600];
    TEXT("1\n{\"a\":\n \"bad\" \n2\n");
    config.input.format = IN_JSON;
    config.dead_letter = &letters;
    assert_int_equal(run(), 0);
    (void)snprintf(want, sizeof want,
                   "letter:{\"a\":(not JSON: text ends where a value should be at byte 6;test;%s:2;) ", in_path);
    assert_non_null(strstr(said, want));
    ends_with(0, 3, NULL);
}

/* A stream with two records of a named source, with or without its end. */
static struct buf stream(bool live, bool ended, int status) {
    struct writer w;
    struct buf b = {0}, body = {0};
    const struct block_header like = {.topic_id = 9, .partition = 3};
    struct record r = {.time = 1, .value = "\"one\"", .value_size = 5, .value_type = VALUE_JSON, .offset = 41};
    writer_init(&w, -1, "made", true);
    if (live) assert_int_equal(control_start(&body, 1, NULL, "up", NULL, 0, 1), 0);
    if (live) assert_int_equal(writer_control(&w, 0, 0, body.data, body.len, &e), 0);
    buf_clear(&body);
    assert_int_equal(control_source(&body, "clicks"), 0);
    assert_int_equal(writer_control(&w, 9, 3, body.data, body.len, &e), 0);
    assert_int_equal(writer_record(&w, &like, &r, &e), 0);
    r.offset = 42;
    r.value = "\"bad\"";
    assert_int_equal(writer_record(&w, &like, &r, &e), 0);
    writer_close_block(&w);
    buf_clear(&body);
    assert_int_equal(control_end(&body, status, 2, 1, status ? "no disk" : NULL), 0);
    if (ended) assert_int_equal(writer_control(&w, 0, 0, body.data, body.len, &e), 0);
    assert_int_equal(buf_append(&b, w.out.data, w.out.len), 0);
    buf_release(&body);
    writer_release(&w);
    return b;
}

static void a_record_from_blocks_is_named_by_its_topic(void **state) {
    (void)state;
    struct buf b = stream(true, true, 0);
    begin(b.data, b.len);
    assert_int_equal(run(), G_DATA);
    assert_string_equal(e.text, "record 'clicks/3@42': it is bad");
    assert_string_equal(said, "block:\"one\" block:\"bad\" ");
    ends_with(3, 1, e.text);
    buf_release(&b);
}

static void the_source_of_a_record_and_the_history_are_passed_on(void **state) {
    (void)state;
    struct buf b = stream(true, true, 0);
    struct block_header h;
    struct control c;
    begin(b.data, b.len);
    config.skip_bad = true;
    assert_int_equal(run(), 0);
    struct buf out = finish();
    assert_int_equal(block_header_decode((uint8_t *)out.data, RECORD_LIMIT_DEFAULT, &h, &e), 0);
    assert_int_equal(control_parse(out.data + BLOCK_HEADER_SIZE, h.stored_size, &c, &e), 0);
    assert_int_equal(c.type, CONTROL_START);
    assert_int_equal(json_array_size(json_object_get(c.json, "history")), 2);
    control_release(&c);
    bool found = false;
    for (size_t at = 0; at < out.len; at += BLOCK_HEADER_SIZE + h.stored_size) {
        assert_int_equal(block_header_decode((uint8_t *)out.data + at, RECORD_LIMIT_DEFAULT, &h, &e), 0);
        if (h.kind != BLOCK_DATA) continue;
        found = h.topic_id == 9 && h.partition == 3 && h.base_offset == 41 && h.records == 1;
    }
    assert_true(found);
    buf_release(&out);
    buf_release(&b);
}

static void an_upstream_without_an_end_or_with_a_status_fails_this_stage_too(void **state) {
    (void)state;
    struct buf cut = stream(true, false, 0), failed = stream(true, true, 4), segment = stream(false, false, 0);
    begin(cut.data, cut.len);
    config.skip_bad = true;
    assert_int_equal(run(), G_TRUNCATED);
    assert_null(strstr(said, "end "));
    ends_with(5, 1, e.text);
    begin(failed.data, failed.len);
    config.skip_bad = true;
    assert_int_equal(run(), G_UPSTREAM);
    assert_string_equal(e.text, "upstream failed with status 4: no disk");
    assert_null(strstr(said, "end "));
    ends_with(5, 1, e.text);
    begin(segment.data, segment.len);
    config.skip_bad = true;
    assert_int_equal(run(), 0);
    assert_non_null(strstr(said, "end "));
    ends_with(0, 1, NULL);
    buf_release(&cut);
    buf_release(&failed);
    buf_release(&segment);
}

static void values_in_blocks_are_checked_unless_the_block_says_that_they_were(void **state) {
    (void)state;
    for (int checked = 0; checked < 2; checked++) {
        const struct block_header like = {.flags = checked ? BLOCK_JSON_VALID : 0};
        struct record r = {.time = NO_TIME, .value = "{\"a\":1,\"a\":2}", .value_size = 13, .value_type = VALUE_JSON};
        struct writer w;
        writer_init(&w, -1, "made", true);
        assert_int_equal(writer_record(&w, &like, &r, &e), 0);
        writer_close_block(&w);
        begin(w.out.data, w.out.len);
        assert_int_equal(run(), checked ? 0 : G_DATA);
        if (!checked) assert_non_null(strstr(e.text, "value is not JSON: "));
        struct buf out = finish();
        buf_release(&out);
        writer_release(&w);
    }
}

/* The pipe gets its last line only when the loop reads from it empty, which must not happen before it was idle. */
static struct sys_ops real;
static int pipe_in;
static ssize_t late_read(int fd, void *p, size_t n) {
    struct pollfd there = {.fd = fd, .events = POLLIN};
    if (pipe_in >= 0 && real.poll(&there, 1, 0) == 0) {
        say("wait ");
        assert_int_equal(write(pipe_in, "2\n", 2), 2);
        close(pipe_in);
        pipe_in = -1;
    }
    return real.read(fd, p, n);
}

static void idle_comes_before_a_wait_and_not_while_there_is_more(void **state) {
    (void)state;
    int ends[2];
    char name[32];
    assert_int_equal(pipe(ends), 0);
    TEXT("");
    (void)snprintf(name, sizeof name, "/proc/self/fd/%d", ends[0]);
    files[0] = name;
    pipe_in = ends[1];
    assert_int_equal(write(pipe_in, "0\n1\n", 4), 4);
    real = sys;
    sys.read = late_read;
    assert_int_equal(run(), 0);
    sys = real;
    assert_string_equal(said, "text:0 text:1 idle wait text:2 end ");
    close(ends[0]);
    ends_with(0, 3, NULL);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_goes_through_and_the_end_is_said),
        cmocka_unit_test(a_bad_record_stops_by_its_place_and_downstream_is_told),
        cmocka_unit_test(skipped_records_are_named_three_times_and_counted),
        cmocka_unit_test(where_every_record_was_bad_the_format_is_named),
        cmocka_unit_test(dead_letters_hold_the_raw_line_and_why),
        cmocka_unit_test(a_record_from_blocks_is_named_by_its_topic),
        cmocka_unit_test(the_source_of_a_record_and_the_history_are_passed_on),
        cmocka_unit_test(an_upstream_without_an_end_or_with_a_status_fails_this_stage_too),
        cmocka_unit_test(values_in_blocks_are_checked_unless_the_block_says_that_they_were),
        cmocka_unit_test(idle_comes_before_a_wait_and_not_while_there_is_more),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
