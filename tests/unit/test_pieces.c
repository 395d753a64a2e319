/* SPDX-License-Identifier: Apache-2.0 */
/* Notes of records that were made ahead: pieces come back as they were made, and notes that are not worth it are none.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "stream/pieces.h"

static struct record record_of(const char *value, int64_t time) {
    return (struct record){.time = time,
                           .key = "k",
                           .key_size = 1,
                           .has_key = true,
                           .value = value,
                           .value_size = strlen(value),
                           .value_type = VALUE_JSON};
}

/* The values of a piece's records, one behind the other. */
static void values_are(const struct piece *p, const char *wanted) {
    const struct block_header h = {.records = p->run.count, .raw_size = (uint32_t)p->run.size};
    struct record_walk w;
    struct record r;
    struct err e;
    struct buf out = {0};
    int g;
    record_walk_init(&w, &h, p->run.records, SIZE_MAX);
    while ((g = record_next(&w, &r, &e)) > 0) {
        assert_int_equal(r.key_size, 1);
        assert_int_equal(buf_append(&out, r.value, r.value_size), 0);
    }
    assert_int_equal(g, 0);
    assert_string_equal(buf_cstr(&out), wanted);
    assert_int_equal(p->run.first_delta, 0);
    assert_int_equal(p->run.last_delta, p->run.count - 1);
    assert_int_equal(p->value_bytes, strlen(wanted));
    buf_release(&out);
}

static void made_and_left(void **state) {
    (void)state;
    struct buf note = {0};
    struct pieces n;
    struct piece p;
    struct record a = record_of("1", 50), b = record_of("22", NO_TIME), c = record_of("333", 20);
    size_t at = 5;
    assert_int_equal(buf_puts(&note, "front"), 0);
    assert_int_equal(pieces_begin(&n, &note), 0);
    assert_int_equal(pieces_record(&n, &a), 0);
    assert_int_equal(pieces_record(&n, &b), 0);
    assert_int_equal(pieces_leave(&n, 10, 20, 1), 0);
    assert_int_equal(pieces_leave(&n, 20, 35, 1), 0); /* a neighbour */
    assert_int_equal(pieces_leave(&n, 40, 50, 1), 0); /* something is between them */
    assert_int_equal(pieces_leave(&n, 50, 60, 2), 0); /* for another reason */
    assert_int_equal(pieces_open(&n, &c), 0);
    assert_int_equal(buf_puts(n.bytes, "cancelled"), 0);
    pieces_cancel(&n);
    assert_int_equal(pieces_open(&n, &c), 0);
    assert_int_equal(buf_puts(n.bytes, "in place"), 0);
    assert_int_equal(pieces_close(&n, &c), 0);
    assert_int_equal(pieces_end(&n, 0), 0);
    assert_memory_equal(note.data, "front", 5);

    assert_true(pieces_next(note.data, note.len, &at, &p));
    assert_int_equal(p.left, 0);
    values_are(&p, "122");
    assert_int_equal(p.run.min_time, 50);
    assert_int_equal(p.run.max_time, 50);
    static const struct {
        uint32_t left, records;
        size_t at, size;
    } left[] = {{1, 2, 10, 25}, {1, 1, 40, 10}, {2, 1, 50, 10}};
    for (size_t i = 0; i < 3; i++) {
        assert_true(pieces_next(note.data, note.len, &at, &p));
        assert_int_equal(p.left, left[i].left);
        assert_int_equal(p.left_records, left[i].records);
        assert_int_equal(p.left_at, left[i].at);
        assert_int_equal(p.left_size, left[i].size);
    }
    assert_true(pieces_next(note.data, note.len, &at, &p));
    values_are(&p, "in place");
    assert_int_equal(p.run.min_time, 20);
    assert_false(pieces_next(note.data, note.len, &at, &p));
    buf_release(&note);
}

static void nothing_made(void **state) {
    (void)state;
    struct buf note = {0};
    struct pieces n;
    struct piece p;
    size_t at = 0;
    assert_int_equal(pieces_begin(&n, &note), 0);
    assert_int_equal(pieces_end(&n, 0), 0);
    assert_int_equal(note.len, 0);
    assert_false(pieces_next(note.data, note.len, &at, &p));
    buf_release(&note);
}

static void not_worth_it(void **state) {
    (void)state;
    struct buf note = {0};
    struct pieces n;
    size_t size = 3u << 20;
    char *text = malloc(size + 1);
    assert_non_null(text);
    memset(text, '1', size);
    text[size] = '\0';
    struct record small = record_of("1", NO_TIME), large = record_of(text, NO_TIME);
    assert_int_equal(buf_puts(&note, "front"), 0);
    assert_int_equal(pieces_begin(&n, &note), 0);
    assert_int_equal(pieces_record(&n, &small), 0);
    assert_int_equal(pieces_record(&n, &large), G_NOMEM);
    assert_int_equal(pieces_open(&n, &large), 0);
    assert_int_equal(buf_append(n.bytes, text, size), 0);
    assert_int_equal(pieces_close(&n, &large), G_NOMEM);
    assert_int_equal(pieces_end(&n, G_NOMEM), G_NOMEM);
    assert_int_equal(note.len, 5);
    assert_true(note.cap < 1u << 20); /* and the memory is back */
    free(text);
    buf_release(&note);
}

static void walk_of_left(void **state) {
    (void)state;
    char body[200];
    struct record r[3] = {record_of("1", NO_TIME), record_of("2", NO_TIME), record_of("3", NO_TIME)};
    size_t one = record_size(&r[0]);
    for (uint32_t i = 0; i < 3; i++) record_encode(&r[i], i * 2, body + i * one);
    const struct block_header of = {.records = 3, .raw_size = (uint32_t)(3 * one), .base_offset = 100};
    const struct piece left = {.left = 1, .left_records = 2, .left_at = one, .left_size = 2 * one};
    struct block_header h;
    struct record_walk w;
    struct record got;
    struct err e;
    piece_walk(&w, &h, &of, body, &left);
    assert_int_equal(record_next(&w, &got, &e), 1);
    assert_int_equal(got.offset, 102);
    assert_memory_equal(got.value, "2", 1);
    assert_int_equal(record_next(&w, &got, &e), 1);
    assert_int_equal(got.offset, 104);
    assert_int_equal(record_next(&w, &got, &e), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(made_and_left), cmocka_unit_test(nothing_made),
                                       cmocka_unit_test(not_worth_it), cmocka_unit_test(walk_of_left)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
