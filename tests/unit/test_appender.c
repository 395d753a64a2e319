/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the appender promises: partitions by key, acknowledgements in order and only of what is durable, syncs as the
 * policy says, and nothing acknowledged after a sync that failed.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
/* cmocka needs the first four above */
#include <cmocka.h>

#include "base/murmur2.h"
#include "log/appender.h"
#include "log_fixture.h"
#include "sys/sys.h"

static struct sys_ops real;

/* The machine under the log: how often it was asked to sync, whether it refuses, and what time it is. */
static struct {
    int syncs, fails;
    int64_t late_ns; /* added to the boot clock */
} world;

/* What was acknowledged. */
static struct {
    uint32_t partition[4096];
    uint64_t offset[4096];
    int syncs[4096]; /* that had been made by then */
    size_t count;
} acks;

static int fake_fdatasync(int fd) {
    if (world.fails) {
        errno = EIO;
        return -1;
    }
    world.syncs++;
    return real.fdatasync(fd);
}

static int64_t fake_boot_ns(void) {
    return real.boot_ns() + world.late_ns;
}

static int note_ack(void *ctx, const char *topic, uint32_t partition, uint64_t offset, struct err *e) {
    (void)ctx;
    (void)e;
    assert_string_equal(topic, "t");
    assert_true(acks.count < 4096);
    acks.partition[acks.count] = partition;
    acks.offset[acks.count] = offset;
    acks.syncs[acks.count++] = world.syncs;
    return 0;
}

static struct log_fixture fx;
static struct appender *appender;
static struct err e;

static void begin(uint32_t partitions, struct sync_policy sync, int64_t partition) {
    struct appender_config c = {.sync = sync, .partition = partition, .validated = true, .acked = note_ack};
    log_fixture_open(&fx, partitions, &topic_settings_default);
    real = sys;
    sys.fdatasync = fake_fdatasync;
    sys.boot_ns = fake_boot_ns;
    memset(&world, 0, sizeof world);
    memset(&acks, 0, sizeof acks);
    e = (struct err){0};
    assert_int_equal(appender_open(&appender, &fx.topic, &c, &e), 0);
}

static void finish(void) {
    appender_free(appender);
    sys = real;
    log_fixture_close(&fx);
}

static int put(const char *key, const char *value) {
    struct record r = {.time = 1, .value = value, .value_size = strlen(value), .value_type = VALUE_JSON};
    r.has_key = key != NULL;
    r.key = key;
    r.key_size = key ? strlen(key) : 0;
    return appender_put(appender, &r, &e);
}

static const struct sync_policy batch = {.mode = SYNC_BATCH};

static void keys_choose_the_partition_and_order_is_kept(void **state) {
    (void)state;
    static const char *const keys[] = {"21", "foobar", "abc", "a-little-bit-long-string", ""};
    uint64_t want[7] = {0}, got[7] = {0};
    begin(7, batch, -1);
    for (int i = 0; i < 100; i++) {
        assert_int_equal(put(keys[i % 5], "{}"), 0);
        want[kafka_partition(keys[i % 5], strlen(keys[i % 5]), 7)]++;
    }
    assert_int_equal(acks.count, 0);
    assert_int_equal(appender_sync(appender, false, &e), 0);
    assert_int_equal(acks.count, 100);
    for (size_t i = 0; i < acks.count; i++) assert_int_equal(acks.offset[i], got[acks.partition[i]]++);
    for (int p = 0; p < 7; p++) assert_int_equal(got[p], want[p]);
    finish();
}

static void acknowledgements_come_behind_the_sync(void **state) {
    (void)state;
    begin(1, batch, -1);
    for (uint64_t i = 0; i < 3; i++) {
        int before = world.syncs;
        assert_int_equal(put(NULL, "1"), 0);
        assert_int_equal(acks.count, i);
        assert_int_equal(appender_sync(appender, false, &e), 0);
        assert_int_equal(acks.count, i + 1);
        assert_true(acks.syncs[i] > before);
    }
    int before = world.syncs;
    assert_int_equal(appender_sync(appender, true, &e), 0); /* nothing waits */
    assert_int_equal(world.syncs, before);
    finish();
}

static void a_sync_that_failed_acknowledges_nothing_and_is_not_tried_again(void **state) {
    (void)state;
    begin(1, batch, -1);
    assert_int_equal(put(NULL, "1"), 0);
    assert_int_equal(appender_sync(appender, false, &e), 0);
    assert_int_equal(put(NULL, "2"), 0);
    world.fails = 1;
    assert_int_equal(appender_sync(appender, false, &e), G_IO);
    assert_int_equal(acks.count, 1);
    world.fails = 0;
    assert_true(appender_sync(appender, true, &e) < 0);
    assert_int_equal(acks.count, 1);
    finish();
}

static void policy_none_syncs_nothing_and_is_visible_at_once(void **state) {
    (void)state;
    uint64_t offsets[4];
    int grade;
    begin(1, (struct sync_policy){.mode = SYNC_NONE}, -1);
    assert_int_equal(put(NULL, "1"), 0);
    int before = world.syncs;
    assert_int_equal(appender_sync(appender, false, &e), 0);
    assert_int_equal(acks.count, 1);
    assert_int_equal(world.syncs, before);
    assert_int_equal(log_fixture_read(&fx, 0, offsets, 4, &grade), 1);
    finish();
}

static void policy_interval_waits_for_its_time(void **state) {
    (void)state;
    begin(1, (struct sync_policy){.mode = SYNC_INTERVAL, .interval_ns = 60 * INT64_C(1000000000)}, -1);
    assert_true(appender_due_ns(appender) < 0);
    assert_int_equal(put(NULL, "1"), 0);
    assert_int_equal(appender_sync(appender, false, &e), 0);
    assert_int_equal(acks.count, 0);
    int64_t due = appender_due_ns(appender);
    assert_true(due > 50 * INT64_C(1000000000) && due <= 60 * INT64_C(1000000000));
    world.late_ns = 61 * INT64_C(1000000000);
    assert_int_equal(appender_due_ns(appender), 0);
    assert_int_equal(appender_sync(appender, false, &e), 0);
    assert_int_equal(acks.count, 1);
    assert_true(appender_due_ns(appender) < 0);
    assert_int_equal(put(NULL, "2"), 0);
    assert_int_equal(appender_sync(appender, true, &e), 0); /* now, whatever the time */
    assert_int_equal(acks.count, 2);
    finish();
}

static void a_partition_that_is_asked_for_wins(void **state) {
    (void)state;
    begin(5, batch, 3);
    assert_int_equal(put("21", "1"), 0);
    assert_int_equal(put(NULL, "2"), 0);
    assert_int_equal(appender_sync(appender, false, &e), 0);
    assert_int_equal(acks.partition[0], 3);
    assert_int_equal(acks.partition[1], 3);
    struct appender *other = NULL;
    struct appender_config c = {.sync = batch, .partition = 5};
    assert_int_equal(appender_open(&other, &fx.topic, &c, &e), G_USAGE);
    assert_null(other);
    finish();
}

static void a_record_over_the_topics_limit_is_refused_and_the_next_one_is_not(void **state) {
    (void)state;
    size_t size = topic_settings_default.max_record - RECORD_HEADER_SIZE;
    char *large = malloc(size + 1);
    assert_non_null(large);
    memset(large, 'x', size + 1);
    struct record r = {.time = NO_TIME, .value = large, .value_size = size + 1, .value_type = VALUE_BYTES};
    begin(1, batch, -1);
    assert_int_equal(appender_put(appender, &r, &e), G_DATA);
    assert_non_null(strstr(e.text, "16777217"));
    assert_non_null(strstr(e.text, "16777216"));
    r.value_size = size;
    assert_int_equal(appender_put(appender, &r, &e), 0);
    assert_int_equal(appender_sync(appender, false, &e), 0);
    assert_int_equal(acks.count, 1);
    assert_int_equal(acks.offset[0], 0);
    free(large);
    finish();
}

static void a_flood_is_appended_in_blocks_before_anybody_asks(void **state) {
    (void)state;
    char value[4001];
    uint64_t offsets[4000];
    int grade;
    memset(value, '1', 4000);
    value[4000] = '\0';
    begin(1, (struct sync_policy){.mode = SYNC_NONE}, -1);
    for (int i = 0; i < 2000; i++) assert_int_equal(put(NULL, value), 0);
    size_t early = log_fixture_read(&fx, 0, offsets, 4000, &grade); /* 8 MB, of which little may wait */
    assert_true(early > 1800 && early < 2000);
    assert_int_equal(appender_sync(appender, true, &e), 0);
    assert_int_equal(log_fixture_read(&fx, 0, offsets, 4000, &grade), 2000);
    for (size_t i = 0; i < 2000; i++) assert_int_equal(offsets[i], i);
    finish();
}

static void a_sink_makes_its_topic_and_is_durable_when_flushed(void **state) {
    (void)state;
    static const struct block_header like;
    struct record r = {.time = NO_TIME, .value = "x", .value_size = 1, .value_type = VALUE_BYTES};
    struct sink *sink = NULL;
    struct topic t;
    begin(1, batch, -1);
    assert_int_equal(sink_open_topic(&sink, &fx.log, "letters", &e), 0);
    assert_int_equal(sink_put(sink, &like, &r, &e), 0);
    int before = world.syncs;
    assert_int_equal(sink_flush(sink, &e), 0);
    assert_true(world.syncs > before);
    assert_int_equal(sink_close(sink, &e), 0);
    assert_int_equal(topic_open(&t, &fx.log, "letters", &e), 0);
    assert_int_equal(t.partitions, 1);
    topic_close(&t);
    assert_int_equal(sink_open_topic(&sink, &fx.log, "no/name", &e), G_USAGE);
    finish();
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keys_choose_the_partition_and_order_is_kept),
        cmocka_unit_test(acknowledgements_come_behind_the_sync),
        cmocka_unit_test(a_sync_that_failed_acknowledges_nothing_and_is_not_tried_again),
        cmocka_unit_test(policy_none_syncs_nothing_and_is_visible_at_once),
        cmocka_unit_test(policy_interval_waits_for_its_time),
        cmocka_unit_test(a_partition_that_is_asked_for_wins),
        cmocka_unit_test(a_record_over_the_topics_limit_is_refused_and_the_next_one_is_not),
        cmocka_unit_test(a_flood_is_appended_in_blocks_before_anybody_asks),
        cmocka_unit_test(a_sink_makes_its_topic_and_is_durable_when_flushed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
