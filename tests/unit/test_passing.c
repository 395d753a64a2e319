/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A segment that is looked at while its bytes pass: of a sound one all is said that a survey of the file says, however
 * the bytes come; of one that is not, nothing. And a survey that is told so reads no file, or reads it all the same.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "log/segment.h"
#include "log/survey_passing.h"
#include "log_fixture.h"
#include "sys/sys.h"

#define SEGMENTS 3

/* Blocks of two records, eight records to a segment. */
struct scene {
    struct log_fixture f;
    struct partition p;
    struct survey s; /* of the files */
    char *bytes[SEGMENTS];
    size_t size[SEGMENTS];
    struct json_validator json;
};

static void name_of(char out[64], size_t i) {
    char name[SEGMENT_NAME_BYTES];
    segment_name(name, i * 8, ".leat");
    (void)snprintf(out, 64, "0/%s", name);
}

static void scene_open(struct scene *x) {
    struct topic_settings settings = topic_settings_default;
    struct err e = {0};
    char name[64];
    settings.segment_size = 4096;
    log_fixture_open(&x->f, 1, &settings);
    for (int i = 0; i < 12; i++) log_fixture_append(&x->f, 0, 2, i % 3 ? "key" : NULL, 380);
    assert_int_equal(partition_open(&x->p, &x->f.topic, 0, PARTITION_CLEAN, &e), 0);
    assert_int_equal(survey_partition(&x->s, &x->p, SURVEY_JSON, NULL, &e), 0);
    assert_int_equal(x->s.count, SEGMENTS);
    for (size_t i = 0; i < SEGMENTS; i++) {
        name_of(name, i);
        x->bytes[i] = log_fixture_load(&x->f, name, &x->size[i]);
    }
    assert_int_equal(json_validator_init(&x->json, NULL), 0);
}

static void scene_close(struct scene *x) {
    for (size_t i = 0; i < SEGMENTS; i++) free(x->bytes[i]);
    json_validator_release(&x->json);
    survey_release(&x->s);
    partition_close(&x->p);
    log_fixture_close(&x->f);
}

/* The first n bytes of a segment, `piece` at a time. */
static struct surveyed_segment pass(struct scene *x, size_t i, size_t n, size_t piece) {
    struct passing passing;
    struct surveyed_segment ret;
    passing_begin(&passing, &x->p.id, i * 8, i + 1 < SEGMENTS ? (i + 1) * 8 : UINT64_MAX, &x->json);
    for (size_t at = 0; at < n; at += piece) passing_put(&passing, x->bytes[i] + at, n - at < piece ? n - at : piece);
    passing_end(&passing, &ret);
    return ret;
}

static void expect_same(const struct surveyed_segment *a, const struct surveyed_segment *b) {
    struct surveyed_segment x = *a, y = *b;
    assert_int_equal(x.info.lost_count, 0);
    x.info.lost = y.info.lost = NULL;
    assert_memory_equal(&x, &y, sizeof x);
}

static void a_sound_segment_is_what_a_survey_says(void **state) {
    (void)state;
    struct scene x;
    scene_open(&x);
    for (size_t i = 0; i < SEGMENTS; i++) {
        static const size_t pieces[] = {1, 7, 80, 1000, 1 << 20};
        for (size_t k = 0; k < sizeof pieces / sizeof *pieces; k++) {
            struct surveyed_segment s = pass(&x, i, x.size[i], pieces[k]);
            assert_true(s.head_ok);
            assert_int_equal(s.records, 8);
            expect_same(&s, &x.s.segments[i]);
            segment_info_release(&s.info);
        }
    }
    scene_close(&x);
}

/* The last segment may end behind any block. */
static bool is_block_end(const struct scene *x, size_t n) {
    size_t at = x->s.segments[SEGMENTS - 1].first_data;
    while (at < n) at += BLOCK_HEADER_SIZE + get_u32_le(x->bytes[SEGMENTS - 1] + at + 8);
    return at == n;
}

static void of_a_cut_one_nothing_is_said(void **state) {
    (void)state;
    struct scene x;
    scene_open(&x);
    for (size_t i = 1; i < SEGMENTS; i++) {
        for (size_t n = 0; n < x.size[i]; n++) {
            struct surveyed_segment s = pass(&x, i, n, 500);
            if (s.head_ok != (i == SEGMENTS - 1 && is_block_end(&x, n)))
                fail_msg("segment %zu, %zu bytes of %zu", i, n, x.size[i]);
            segment_info_release(&s.info);
        }
    }
    scene_close(&x);
}

static void of_a_flipped_byte_nothing_is_said(void **state) {
    (void)state;
    struct scene x;
    scene_open(&x);
    for (size_t i = 0; i < SEGMENTS; i++) {
        for (size_t at = 0; at < x.size[i]; at++) {
            x.bytes[i][at] ^= (char)(1u << at % 8);
            struct surveyed_segment s = pass(&x, i, x.size[i], 999);
            if (s.head_ok) fail_msg("segment %zu, byte %zu", i, at);
            x.bytes[i][at] ^= (char)(1u << at % 8);
        }
    }
    scene_close(&x);
}

/* The CRC is right, the JSON is not. */
static void of_a_value_that_is_not_json_nothing_is_said(void **state) {
    (void)state;
    struct scene x;
    scene_open(&x);
    uint8_t *block = (uint8_t *)x.bytes[0] + x.s.segments[0].first_data;
    size_t n = get_u32_le(block + 8);
    char *quote = memchr(block + BLOCK_HEADER_SIZE, '"', n);
    assert_non_null(quote);
    *quote = '\'';
    block_seal(block, block + BLOCK_HEADER_SIZE, n);
    struct surveyed_segment s = pass(&x, 0, x.size[0], 4096);
    assert_false(s.head_ok);
    scene_close(&x);
}

static struct sys_ops real;
static uint64_t read_bytes;

static ssize_t count_pread(int fd, void *p, size_t n, off_t at) {
    ssize_t k = real.pread(fd, p, n, at);
    if (k > 0) read_bytes += (uint64_t)k;
    return k;
}

/* With segments seen before, those with a bit in `known`. Returns the bytes that were read. */
static uint64_t survey_again(struct scene *x, unsigned known, struct survey *ret) {
    struct survey_seen seen = {calloc(SEGMENTS, sizeof *seen.segments), SEGMENTS};
    struct err e = {0};
    for (size_t i = 0; i < SEGMENTS; i++)
        if (known >> i & 1) seen.segments[i] = pass(x, i, x->size[i], 4096);
    read_bytes = 0;
    real = sys;
    sys.pread = count_pread;
    assert_int_equal(survey_partition(ret, &x->p, SURVEY_JSON, &seen, &e), 0);
    sys = real;
    survey_seen_release(&seen);
    return read_bytes;
}

static void a_survey_takes_what_was_seen(void **state) {
    (void)state;
    struct scene x;
    struct survey s;
    scene_open(&x);
    uint64_t all = survey_again(&x, 0, &s);
    survey_release(&s);
    for (unsigned known = 1; known < 1u << SEGMENTS; known++) {
        assert_true(survey_again(&x, known, &s) < all);
        for (size_t i = 0; i < SEGMENTS; i++) {
            expect_same(&s.segments[i], &x.s.segments[i]);
            assert_int_equal(s.segments[i].fault_count, 0);
        }
        survey_release(&s);
    }
    scene_close(&x);
}

/* What was seen counts where it was seen as what it is now: the same segment, with the same one behind it. */
static void a_segment_of_another_row_is_looked_at(void **state) {
    (void)state;
    struct scene x;
    struct survey s;
    struct err e = {0};
    char name[64];
    scene_open(&x);
    struct survey_seen seen = {calloc(SEGMENTS, sizeof *seen.segments), SEGMENTS};
    for (size_t i = 0; i < SEGMENTS; i++)
        seen.segments[i] = pass(&x, (i + 1) % SEGMENTS, x.size[(i + 1) % SEGMENTS], 9);
    assert_int_equal(survey_partition(&s, &x.p, SURVEY_JSON, &seen, &e), 0);
    for (size_t i = 0; i < SEGMENTS; i++) expect_same(&s.segments[i], &x.s.segments[i]);
    survey_release(&s);
    survey_seen_release(&seen);
    name_of(name, 1);
    log_fixture_remove(&x.f, name);
    survey_again(&x, 7, &s);
    assert_int_equal(s.count, SEGMENTS);
    assert_true(s.segments[1].missing);
    assert_int_equal(s.segments[1].fault_count, 1);
    survey_release(&s);
    scene_close(&x);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_sound_segment_is_what_a_survey_says),
        cmocka_unit_test(of_a_cut_one_nothing_is_said),
        cmocka_unit_test(of_a_flipped_byte_nothing_is_said),
        cmocka_unit_test(of_a_value_that_is_not_json_nothing_is_said),
        cmocka_unit_test(a_survey_takes_what_was_seen),
        cmocka_unit_test(a_segment_of_another_row_is_looked_at),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
