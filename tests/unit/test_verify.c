/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Verify finds every flipped bit and names exactly what it costs; repair gives up that and nothing else.
 * RELIABILITY.md, traps 3 and 8.
 */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "log/repair.h"
#include "log/verify.h"
#include "log_fixture.h"

#define RECORDS 24

/* Three segments: blocks of two records, eight records to a segment. */
static void fill(struct log_fixture *f) {
    struct topic_settings s = topic_settings_default;
    s.segment_size = 4096;
    log_fixture_open(f, 1, &s);
    for (int i = 0; i < RECORDS / 2; i++) log_fixture_append(f, 0, 2, i % 3 ? "key" : NULL, 380);
    assert_true(log_fixture_has(f, "0/00000000000000000000.leat"));
    assert_true(log_fixture_has(f, "0/00000000000000000008.leat"));
    assert_true(log_fixture_has(f, "0/00000000000000000016.leat"));
}

static void verify(struct log_fixture *f, struct verification *v) {
    struct err e = {0};
    *v = (struct verification){0};
    if (verify_partition(&f->topic, 0, false, v, &e) < 0 || verify_topic_files(&f->log, "t", &f->topic, v, &e) < 0)
        fail_msg("%s", e.text);
}

static void expect_clean(struct log_fixture *f) {
    struct verification v;
    verify(f, &v);
    for (size_t i = 0; i < v.count; i++)
        if (v.list[i].weight != DAMAGE_NOTE) print_message("%s: %s\n", v.list[i].file, v.list[i].what);
    assert_int_equal(v.faults, 0);
    assert_int_equal(v.lost, 0);
    verification_release(&v);
}

static void repair(struct log_fixture *f, uint64_t want_lost) {
    struct repair_plan plan = {0};
    struct err e = {0};
    if (repair_plan_make(&f->topic, 0, &plan, &e) < 0) fail_msg("%s", e.text);
    if (plan.lost != want_lost) print_message("%s", buf_cstr(&plan.text));
    assert_int_equal(plan.lost, want_lost);
    if (repair_execute(&f->topic, 0, &plan, &e) < 0) fail_msg("%s", e.text);
    repair_plan_release(&plan);
}

/* Everything but [from, until) is read, once and in order, and the log goes on. */
static void expect_records(struct log_fixture *f, uint64_t from, uint64_t until, uint64_t end) {
    uint64_t offsets[2 * RECORDS];
    int g = 0;
    size_t n = log_fixture_read(f, 0, offsets, 2 * RECORDS, &g), i = 0;
    assert_int_equal(g, G_WAIT);
    for (uint64_t o = 0; o < end; o++) {
        if (o >= from && o < until) continue;
        assert_true(i < n);
        assert_int_equal(offsets[i++], o);
    }
    assert_int_equal(i, n);
}

static void a_sound_log_is_clean(void **state) {
    (void)state;
    struct log_fixture f;
    struct verification v;
    fill(&f);
    verify(&f, &v);
    assert_int_equal(v.count, 0);
    assert_int_equal(v.segments, 3);
    assert_int_equal(v.blocks, RECORDS / 2);
    assert_int_equal(v.records, RECORDS);
    verification_release(&v);
    struct repair_plan plan = {0};
    struct err e;
    assert_int_equal(repair_plan_make(&f.topic, 0, &plan, &e), 0);
    assert_int_equal(plan.steps, 0);
    repair_plan_release(&plan);
    log_fixture_close(&f);
}

/* The offsets that the bytes of one segment hold: two records for each block. */
struct place {
    const char *bytes;
    size_t size;
    uint64_t base;
};

static void cost_of(const struct place *p, size_t at, uint64_t *from, uint64_t *until) {
    uint32_t head;
    memcpy(&head, p->bytes + 8, 4);
    size_t block = BLOCK_HEADER_SIZE + head;
    *from = *until = p->base;
    for (uint64_t offset = p->base; block < p->size; offset += 2) {
        uint32_t body;
        memcpy(&body, p->bytes + block + 8, 4);
        if (at >= block && at < block + BLOCK_HEADER_SIZE + body) {
            *from = offset;
            *until = offset + 2;
        }
        block += BLOCK_HEADER_SIZE + body;
    }
}

static void flip_bits_of(struct log_fixture *f, const char *file, uint64_t base) {
    size_t n;
    char *bytes = log_fixture_load(f, file, &n), *bad = malloc(n);
    for (size_t at = 0; at < n; at++) {
        uint64_t from, until;
        struct verification v;
        memcpy(bad, bytes, n);
        bad[at] ^= (char)(1 << (at * 5 + at / 8) % 8);
        cost_of(&(struct place){bytes, n, base}, at, &from, &until);
        log_fixture_store(f, file, bad, n);
        verify(f, &v);
        if (v.faults == 0) fail_msg("bit flipped in byte %zu of %s was not found", at, file);
        assert_int_equal(v.lost, until - from);
        bool seen = until == from;
        for (size_t i = 0; i < v.count; i++)
            seen =
                seen || (v.list[i].from == from && v.list[i].until == until && v.list[i].at <= at && v.list[i].to > at);
        if (!seen) fail_msg("byte %zu of %s: %" PRIu64 " to %" PRIu64 " were not named", at, file, from, until);
        verification_release(&v);
    }
    log_fixture_store(f, file, bytes, n);
    free(bytes);
    free(bad);
    expect_clean(f);
}

static void every_flipped_byte_of_a_segment_is_found_with_its_cost(void **state) {
    (void)state;
    struct log_fixture f;
    fill(&f);
    flip_bits_of(&f, "0/00000000000000000000.leat", 0);
    flip_bits_of(&f, "0/00000000000000000008.leat", 8);
    flip_bits_of(&f, "0/00000000000000000016.leat", 16);
    log_fixture_close(&f);
}

/* Files from which nothing is lost: each flip is found, or changes nothing. */
static void flip_bits_without_loss(struct log_fixture *f, const char *file, size_t first, size_t last,
                                   bool case_is_free) {
    size_t n;
    char *bytes = log_fixture_load(f, file, &n), *bad = malloc(n);
    if (last == 0) last = n;
    for (size_t bit = first * 8; bit < last * 8; bit++) {
        struct verification v;
        memcpy(bad, bytes, n);
        bad[bit / 8] ^= (char)(1 << bit % 8);
        bool letter = (bad[bit / 8] >= 'A' && bad[bit / 8] <= 'F' && bit % 8 == 5);
        log_fixture_store(f, file, bad, n);
        verify(f, &v);
        if (v.faults == 0 && !(case_is_free && letter)) fail_msg("bit %zu of %s was not found", bit, file);
        assert_int_equal(v.lost, 0);
        verification_release(&v);
    }
    log_fixture_store(f, file, bytes, n);
    free(bytes);
    free(bad);
    expect_clean(f);
}

static void every_flipped_bit_of_the_other_files_is_found(void **state) {
    (void)state;
    struct log_fixture f;
    struct err e;
    fill(&f);
    struct topic_settings s = f.topic.settings;
    assert_int_equal(topic_alter(&f.topic, 1, &s, &e), 0); /* so that there is a topic.json.prev */
    flip_bits_without_loss(&f, "0/00000000000000000000.idx", 0, 0, false);
    flip_bits_without_loss(&f, "0/00000000000000000008.idx", 0, 0, false);
    flip_bits_without_loss(&f, "0/tail", 0, 24, false);
    flip_bits_without_loss(&f, "topic.json", 0, 0, true); /* digits may be of either case */
    int dir = topic_partition_dir(&f.topic, 0, false, &e);
    assert_int_equal(partition_write_start(dir, 8, &e), 0);
    close(dir);
    size_t n;
    char *tail = log_fixture_load(&f, "0/tail", &n);
    tail[72] = 8;
    log_fixture_store(&f, "0/tail", tail, n);
    free(tail);
    flip_bits_without_loss(&f, "0/start", 0, 0, false);
    log_fixture_close(&f);
}

static void words_of_the_tail_that_cannot_be_right_are_found(void **state) {
    (void)state;
    struct log_fixture f;
    /* segment, written_size, written_offset, stable_offset, synced_offset, start_offset: a high bit each; epoch,
     * deleted */
    static const size_t at[] = {32 + 3, 40 + 3, 48 + 3, 56 + 3, 64 + 3, 72 + 3, 80 + 2, 88};
    fill(&f);
    for (size_t i = 0; i < sizeof at / sizeof *at; i++) {
        struct verification v;
        size_t n;
        char *tail = log_fixture_load(&f, "0/tail", &n);
        tail[at[i]] ^= 1;
        log_fixture_store(&f, "0/tail", tail, n);
        verify(&f, &v);
        if (v.faults == 0) fail_msg("word at %zu of the tail", at[i]);
        if (v.lost) fail_msg("word at %zu of the tail: %" PRIu64 " lost", at[i], v.lost);
        verification_release(&v);
        repair(&f, 0);
        expect_clean(&f);
        expect_records(&f, 0, 0, RECORDS);
        free(tail);
    }
    log_fixture_close(&f);
}

static void damage_one(struct log_fixture *f, const char *file, size_t at) {
    size_t n;
    char *bytes = log_fixture_load(f, file, &n);
    bytes[at < n ? at : n - 1] ^= 0x40;
    log_fixture_store(f, file, bytes, n);
    free(bytes);
}

static uint32_t epoch_of_the_end(struct log_fixture *f) {
    struct partition p;
    struct err e;
    assert_int_equal(partition_open(&p, &f->topic, 0, PARTITION_CLEAN, &e), 0);
    uint32_t epoch = atomic_load(&p.tail->epoch);
    partition_close(&p);
    return epoch;
}

/* One byte in some block of some segment, or in a segment block: repaired, read, appended to, and clean. */
static void repair_loses_what_verify_named_and_nothing_else(void **state) {
    (void)state;
    static const char *const files[] = {"0/00000000000000000000.leat", "0/00000000000000000008.leat",
                                        "0/00000000000000000016.leat"};
    for (size_t k = 0; k < 3; k++)
        for (size_t at = 10; at < 4096; at += 331) {
            struct log_fixture f;
            uint64_t from, until;
            size_t n;
            fill(&f);
            char *bytes = log_fixture_load(&f, files[k], &n);
            if (at >= n) at = n - 1;
            cost_of(&(struct place){bytes, n, 8 * k}, at, &from, &until);
            free(bytes);
            damage_one(&f, files[k], at);
            repair(&f, until - from);
            expect_clean(&f);
            assert_int_equal(epoch_of_the_end(&f), k == 2 ? 2 : 1); /* of the last one, offsets may be given anew */
            expect_records(&f, from, until, RECORDS);
            log_fixture_append(&f, 0, 2, NULL, 10);
            expect_clean(&f);
            expect_records(&f, from, until, RECORDS + 2);
            log_fixture_close(&f);
            if (at == n - 1) break;
        }
}

static void a_missing_segment_costs_its_offsets(void **state) {
    (void)state;
    static const char *const files[] = {"0/00000000000000000000.leat", "0/00000000000000000008.leat",
                                        "0/00000000000000000016.leat"};
    for (uint64_t k = 0; k < 3; k++) {
        struct log_fixture f;
        struct verification v;
        fill(&f);
        log_fixture_remove(&f, files[k]);
        verify(&f, &v);
        assert_int_equal(v.lost, 8);
        assert_true(v.faults >= 1);
        verification_release(&v);
        repair(&f, 8);
        expect_clean(&f);
        expect_records(&f, 8 * k, 8 * k + 8, RECORDS);
        log_fixture_append(&f, 0, 2, NULL, 10);
        expect_records(&f, 8 * k, 8 * k + 8, RECORDS + 2);
        expect_clean(&f);
        log_fixture_close(&f);
    }
}

static void all_segments_missing_costs_all(void **state) {
    (void)state;
    struct log_fixture f;
    fill(&f);
    log_fixture_remove(&f, "0/00000000000000000000.leat");
    log_fixture_remove(&f, "0/00000000000000000008.leat");
    log_fixture_remove(&f, "0/00000000000000000016.leat");
    repair(&f, RECORDS);
    expect_clean(&f);
    log_fixture_append(&f, 0, 2, NULL, 10);
    expect_records(&f, 0, RECORDS, RECORDS + 2);
    log_fixture_close(&f);
}

/* Cut exactly between two blocks, nothing in the file is wrong: only the neighbours know. */
static void a_file_that_is_not_of_the_log_costs_nothing(void **state) {
    (void)state;
    static const char *const files[] = {"0/00000000000000000002.leat", "0/00000000000000000012.leat",
                                        "0/00000000000000000020.leat", "0/00000000000000000099.leat"};
    for (size_t k = 0; k < 8; k++) {
        struct log_fixture f;
        struct verification v;
        size_t n = 700;
        char *bytes = calloc(1, n);
        fill(&f);
        if (k >= 4) { /* a copy of a real one, under a wrong name */
            free(bytes);
            bytes = log_fixture_load(&f, "0/00000000000000000008.leat", &n);
        }
        log_fixture_store(&f, files[k % 4], bytes, n);
        free(bytes);
        verify(&f, &v);
        assert_true(v.faults >= 1);
        assert_int_equal(v.lost, 0);
        verification_release(&v);
        repair(&f, 0);
        expect_clean(&f);
        expect_records(&f, 0, 0, RECORDS);
        log_fixture_append(&f, 0, 2, NULL, 10);
        expect_records(&f, 0, 0, RECORDS + 2);
        log_fixture_close(&f);
    }
}

static void a_segment_cut_between_blocks_is_found(void **state) {
    (void)state;
    static const char *const files[] = {"0/00000000000000000000.leat", "0/00000000000000000008.leat",
                                        "0/00000000000000000016.leat"};
    for (uint64_t k = 0; k < 3; k++) {
        struct log_fixture f;
        uint32_t head, body;
        size_t n;
        fill(&f);
        char *bytes = log_fixture_load(&f, files[k], &n);
        memcpy(&head, bytes + 8, 4);
        memcpy(&body, bytes + BLOCK_HEADER_SIZE + head + 8, 4);
        log_fixture_store(&f, files[k], bytes, 2 * BLOCK_HEADER_SIZE + head + body);
        free(bytes);
        repair(&f, 6);
        expect_clean(&f);
        expect_records(&f, 8 * k + 2, 8 * k + 8, RECORDS);
        log_fixture_append(&f, 0, 2, NULL, 10);
        expect_clean(&f);
        log_fixture_close(&f);
    }
}

static void several_damages_at_once(void **state) {
    (void)state;
    struct log_fixture f;
    fill(&f);
    damage_one(&f, "0/00000000000000000000.leat", 20); /* its segment block */
    damage_one(&f, "0/00000000000000000008.leat", 20); /* and that of the next */
    damage_one(&f, "0/00000000000000000016.leat", 20); /* and that of the last */
    repair(&f, 0);
    expect_clean(&f);
    expect_records(&f, 0, 0, RECORDS);
    damage_one(&f, "0/00000000000000000000.leat", 1 << 20); /* the last byte: its last block */
    damage_one(&f, "0/00000000000000000008.leat", 1 << 20);
    repair(&f, 4);
    expect_clean(&f);
    log_fixture_close(&f);
}

static void a_plan_that_is_out_of_date_is_refused(void **state) {
    (void)state;
    struct log_fixture f;
    struct repair_plan plan = {0};
    struct err e = {0};
    fill(&f);
    damage_one(&f, "0/00000000000000000000.leat", 700);
    assert_int_equal(repair_plan_make(&f.topic, 0, &plan, &e), 0);
    assert_int_equal(plan.lost, 2);
    damage_one(&f, "0/00000000000000000008.leat", 700);
    assert_int_equal(repair_execute(&f.topic, 0, &plan, &e), G_FENCED);
    assert_false(log_fixture_has(&f, "0/quarantine"));
    repair_plan_release(&plan);
    repair(&f, 4);
    assert_true(log_fixture_has(&f, "0/quarantine/00000000000000000000-g0.leat"));
    expect_clean(&f);
    log_fixture_close(&f);
}

/* A second opinion from json_validate, only when it is asked for. */
static void json_is_checked_on_request(void **state) {
    (void)state;
    struct log_fixture f;
    struct verification v = {0};
    struct err e = {0};
    fill(&f);
    assert_int_equal(verify_partition(&f.topic, 0, true, &v, &e), 0);
    assert_int_equal(v.faults, 0);
    verification_release(&v);
    log_fixture_close(&f);
}

static void topic_file_is_made_again_from_the_segments(void **state) {
    (void)state;
    struct log_fixture f;
    struct buf text = {0};
    struct err e = {0};
    fill(&f);
    uint64_t id = f.topic.id;
    assert_int_equal(repair_topic_file(&f.log, "t", false, &text, &e), 1);
    damage_one(&f, "topic.json", 30);
    assert_int_equal(repair_topic_file(&f.log, "t", true, &text, &e), 0);
    log_fixture_reopen(&f);
    assert_true(f.topic.id == id);
    assert_int_equal(f.topic.partitions, 1);
    expect_clean(&f);
    expect_records(&f, 0, 0, RECORDS);
    buf_release(&text);
    log_fixture_close(&f);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_sound_log_is_clean),
        cmocka_unit_test(every_flipped_byte_of_a_segment_is_found_with_its_cost),
        cmocka_unit_test(every_flipped_bit_of_the_other_files_is_found),
        cmocka_unit_test(words_of_the_tail_that_cannot_be_right_are_found),
        cmocka_unit_test(repair_loses_what_verify_named_and_nothing_else),
        cmocka_unit_test(a_missing_segment_costs_its_offsets),
        cmocka_unit_test(all_segments_missing_costs_all),
        cmocka_unit_test(a_file_that_is_not_of_the_log_costs_nothing),
        cmocka_unit_test(a_segment_cut_between_blocks_is_found),
        cmocka_unit_test(several_damages_at_once),
        cmocka_unit_test(a_plan_that_is_out_of_date_is_refused),
        cmocka_unit_test(json_is_checked_on_request),
        cmocka_unit_test(topic_file_is_made_again_from_the_segments),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
