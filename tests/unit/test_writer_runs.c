/* SPDX-License-Identifier: Apache-2.0 */
/*
 * writer_records: runs of records out of several blocks come out with the offsets, times and bytes that they had, in
 * blocks that are filled, and in another block where they cannot join.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <unistd.h>
/* cmocka needs the first three above */
#include <cmocka.h>
#include <sys/mman.h>

#include "stream/reader.h"
#include "stream/writer.h"

static struct err e;

/* Records base, base + step, … of one block, encoded. */
static struct record_run make_run(struct buf *bytes, uint32_t first, uint32_t count, uint32_t step, int64_t time) {
    struct record_run run = {.count = count,
                             .first_delta = first,
                             .last_delta = first + (count - 1) * step,
                             .min_time = time,
                             .max_time = time};
    buf_clear(bytes);
    for (uint32_t i = 0; i < count; i++) {
        char value[32];
        int n = snprintf(value, sizeof value, "%u", first + i * step);
        struct record r = {.time = time, .value = value, .value_size = (size_t)n, .value_type = VALUE_JSON};
        assert_int_equal(buf_reserve(bytes, record_size(&r)), 0);
        record_encode(&r, first + i * step, bytes->data + bytes->len);
        bytes->len += record_size(&r);
    }
    run.records = bytes->data;
    run.size = bytes->len;
    return run;
}

/* What is in the stream: "base:offset,offset,…;" for each block, and its times. */
static void read_back(int fd, char *out, size_t size) {
    struct inbuf in;
    struct reader reader;
    struct block b = {0};
    size_t at = 0;
    out[0] = '\0';
    assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
    assert_int_equal(inbuf_init(&in, fd, "runs", &e), 0);
    reader_init(&reader, &in, RECORD_LIMIT_DEFAULT);
    int g;
    while ((g = reader_next(&reader, &b, &e)) == 0) {
        struct record_walk w;
        struct record r;
        at += (size_t)snprintf(out + at, size - at, "%s%llu[%lld,%lld]", at ? " " : "",
                               (unsigned long long)b.h.topic_id, (long long)b.h.min_time, (long long)b.h.max_time);
        record_walk_init(&w, &b.h, b.body, RECORD_LIMIT_DEFAULT);
        while (record_next(&w, &r, &e) > 0)
            at += (size_t)snprintf(out + at, size - at, ":%llu=%.*s", (unsigned long long)r.offset, (int)r.value_size,
                                   r.value);
    }
    assert_int_equal(g, G_EOF);
    reader_release(&reader, &b);
    inbuf_release(&in);
}

static void test_runs(void **state) {
    (void)state;
    struct buf bytes = {0};
    struct writer w;
    char text[2000];
    int fd = memfd_create("runs", 0);
    struct block_header a = {.topic_id = 1, .base_offset = 1000, .flags = BLOCK_JSON_VALID};
    struct block_header b = {.topic_id = 1, .base_offset = 2000, .flags = BLOCK_JSON_VALID};
    struct block_header other = {.topic_id = 2, .base_offset = 7, .flags = BLOCK_JSON_VALID};
    writer_init(&w, fd, "runs", true);
    struct record_run run = make_run(&bytes, 5, 2, 3, 50);
    assert_int_equal(writer_records(&w, &a, &run, &e), 0);
    run = make_run(&bytes, 11, 1, 1, 40);
    assert_int_equal(writer_records(&w, &a, &run, &e), 0);
    run = make_run(&bytes, 0, 2, 1, NO_TIME); /* another block of the same partition */
    assert_int_equal(writer_records(&w, &b, &run, &e), 0);
    struct record one = {.offset = 2005, .time = 60, .value = "9", .value_size = 1, .value_type = VALUE_JSON};
    assert_int_equal(writer_record(&w, &b, &one, &e), 0);
    run = make_run(&bytes, 1, 1, 1, 70); /* behind what was there already: another block */
    assert_int_equal(writer_records(&w, &b, &run, &e), 0);
    run = make_run(&bytes, 1, 1, 1, 80);
    assert_int_equal(writer_records(&w, &other, &run, &e), 0);
    assert_int_equal(writer_flush(&w, &e), 0);
    assert_int_equal(w.records, 8);
    read_back(fd, text, sizeof text);
    assert_string_equal(text, "1[40,60]:1005=5:1008=8:1011=11:2000=0:2001=1:2005=9 1[70,70]:2001=1 2[80,80]:8=1");
    writer_release(&w);
    buf_release(&bytes);
    close(fd);
}

static void test_far_offsets(void **state) {
    (void)state;
    struct buf bytes = {0};
    struct writer w;
    char text[500];
    int fd = memfd_create("runs", 0);
    struct block_header a = {.topic_id = 1, .base_offset = 0};
    struct block_header far = {.topic_id = 1, .base_offset = UINT32_MAX};
    writer_init(&w, fd, "runs", false);
    struct record_run run = make_run(&bytes, 1, 1, 1, 1);
    assert_int_equal(writer_records(&w, &a, &run, &e), 0);
    run = make_run(&bytes, 0, 1, 1, 1); /* the largest offset_delta there is */
    assert_int_equal(writer_records(&w, &far, &run, &e), 0);
    run = make_run(&bytes, 1, 1, 1, 1);
    assert_int_equal(writer_records(&w, &far, &run, &e), 0);
    assert_int_equal(writer_flush(&w, &e), 0);
    read_back(fd, text, sizeof text);
    assert_string_equal(text, "1[1,1]:1=1:4294967295=0 1[1,1]:4294967296=1");
    writer_release(&w);
    buf_release(&bytes);
    close(fd);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_runs), cmocka_unit_test(test_far_offsets)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
