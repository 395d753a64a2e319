/* SPDX-License-Identifier: Apache-2.0 */
/* Topics, partitions, segments, indexes and cursors: leat-log(5) as far as one process can see it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/endian.h"
#include "log/index.h"
#include "log_fixture.h"
#include "sys/file.h"
#include "sys/sys.h"

#define OFFSETS_MAX 4096

static struct log_fixture f;
static uint64_t offsets[OFFSETS_MAX];

static int begin(void **state) {
    (void)state;
    log_fixture_open(&f, 2, NULL);
    return 0;
}

static int finish(void **state) {
    (void)state;
    log_fixture_close(&f);
    return 0;
}

static void assert_reads(uint64_t from, uint64_t to) {
    int g;
    size_t n = log_fixture_read(&f, 0, offsets, OFFSETS_MAX, &g);
    assert_int_equal(g, G_WAIT);
    assert_int_equal(n, to - from);
    for (size_t i = 0; i < n; i++) assert_int_equal(offsets[i], from + i);
}

/* `blocks` blocks of 10 records of about 100 bytes. */
static void fill(unsigned blocks) {
    for (unsigned i = 0; i < blocks; i++) log_fixture_append(&f, 0, 10, "k", 40);
}

static size_t list(uint64_t bases[64]) {
    uint64_t *all;
    size_t n;
    int dir = topic_partition_dir(&f.topic, 0, false, NULL);
    assert_int_equal(segment_list(dir, &all, &n, NULL), 0);
    assert_true(n <= 64);
    memcpy(bases, all, n * sizeof *all);
    free(all);
    close(dir);
    return n;
}

static char *segment_file(uint64_t base, const char *suffix) {
    static char name[64];
    char file[SEGMENT_NAME_BYTES];
    segment_name(file, base, suffix);
    (void)snprintf(name, sizeof name, "0/%s", file);
    return name;
}

/* ---- topics ---- */

static void names_are_those_of_kafka(void **state) {
    (void)state;
    char longest[TOPIC_NAME_MAX + 2];
    memset(longest, 'a', sizeof longest);
    longest[TOPIC_NAME_MAX + 1] = '\0';
    assert_int_equal(topic_name_check(longest, NULL), G_USAGE);
    longest[TOPIC_NAME_MAX] = '\0';
    assert_int_equal(topic_name_check(longest, NULL), 0);
    static const char *const good[] = {"a", "A-Z_0.9", "..a", "-", "__x"};
    static const char *const bad[] = {"", ".", "..", "a/b", "a b", "\xc3\xa4", "a\n", "a*"};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) assert_int_equal(topic_name_check(good[i], NULL), 0);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) assert_int_equal(topic_name_check(bad[i], NULL), G_USAGE);
}

static void topics_are_made_listed_and_deleted(void **state) {
    (void)state;
    struct err e;
    struct topic t;
    char **names;
    size_t n;
    assert_int_equal(topic_create(&f.log, "t", 1, &topic_settings_default, false, &e), G_USAGE);
    assert_string_equal(e.text, "topic 't' exists already");
    assert_int_equal(topic_create(&f.log, "t", 1, &topic_settings_default, true, &e), 1);
    assert_int_equal(topic_create(&f.log, "u", 0, &topic_settings_default, false, &e), G_USAGE);
    assert_int_equal(topic_create(&f.log, "u", 4097, &topic_settings_default, false, &e), G_USAGE);
    assert_int_equal(topic_create(&f.log, "a.u", 3, &topic_settings_default, false, &e), 0);
    assert_int_equal(topic_list(&f.log, NULL, &names, &n, &e), 0);
    assert_int_equal(n, 2);
    assert_string_equal(names[0], "a.u");
    assert_string_equal(names[1], "t");
    topic_list_free(names, n);
    assert_int_equal(topic_list(&f.log, "a*", &names, &n, &e), 0);
    assert_int_equal(n, 1);
    topic_list_free(names, n);
    assert_int_equal(topic_open(&t, &f.log, "a.u", &e), 0);
    assert_int_equal(t.partitions, 3);
    assert_true(t.id != 0 && t.id != f.topic.id);
    assert_int_equal(topic_delete(&t, &e), 0);
    topic_close(&t);
    assert_int_equal(topic_open(&t, &f.log, "a.u", &e), G_ABSENT);
    assert_int_equal(topic_list(&f.log, NULL, &names, &n, &e), 0);
    assert_int_equal(n, 1);
    topic_list_free(names, n);
}

static void partitions_only_become_more(void **state) {
    (void)state;
    struct err e;
    struct topic_settings s = f.topic.settings;
    s.retention_size = 12345;
    assert_int_equal(topic_alter(&f.topic, 1, &s, &e), G_USAGE);
    assert_int_equal(topic_alter(&f.topic, 5, &s, &e), 0);
    log_fixture_reopen(&f);
    assert_int_equal(f.topic.partitions, 5);
    assert_int_equal(f.topic.settings.retention_size, 12345);
    struct partition p;
    assert_int_equal(partition_open(&p, &f.topic, 5, PARTITION_APPEND, &e), G_USAGE);
    log_fixture_append(&f, 4, 1, NULL, 1);
}

static void partitions_that_others_add_are_found(void **state) {
    (void)state;
    struct err e = {0};
    struct topic other;
    assert_int_equal(topic_open(&other, &f.log, "t", &e), 0);
    assert_int_equal(topic_refresh(&other, &e), 0);
    assert_int_equal(topic_alter(&f.topic, 3, &f.topic.settings, &e), 0);
    assert_int_equal(topic_refresh(&other, &e), 1);
    assert_int_equal(other.partitions, 3);
    assert_int_equal(topic_refresh(&other, &e), 0);
    struct topic_settings s = f.topic.settings;
    s.segment_size *= 2;
    assert_int_equal(topic_alter(&f.topic, 3, &s, &e), 0);
    assert_int_equal(topic_refresh(&other, &e), 0);
    assert_int_equal(other.settings.segment_size, s.segment_size / 2);
    size_t n;
    char *good = log_fixture_load(&f, "topic.json", &n);
    log_fixture_store(&f, "topic.json", "{", 1);
    assert_int_equal(topic_refresh(&other, &e), G_CORRUPT);
    assert_int_equal(topic_refresh(&other, &e), 0); /* said once */
    log_fixture_store(&f, "topic.json", good, n);
    free(good);
    assert_int_equal(topic_alter(&f.topic, 4, &s, &e), 0);
    assert_int_equal(topic_refresh(&other, &e), 1);
    assert_int_equal(other.partitions, 4);
    topic_close(&other);
}

static void a_topic_file_is_checked_and_the_one_before_stands_in(void **state) {
    (void)state;
    struct err e;
    struct topic t;
    size_t n;
    char *text = log_fixture_load(&f, "topic.json", &n);
    uint64_t id = f.topic.id;
    for (size_t i = 0; i < n; i++) {
        char was = text[i];
        text[i] ^= 1;
        log_fixture_store(&f, "topic.json", text, n);
        text[i] = was;
        int g = topic_open(&t, &f.log, "t", &e);
        if (g == 0) { /* white space only */
            assert_true(was == ' ' || was == '\n');
            topic_close(&t);
        } else {
            assert_int_equal(g, G_CORRUPT);
        }
    }
    log_fixture_store(&f, "topic.json", text, n);
    struct topic_settings s = f.topic.settings;
    s.retention_age = 5;
    assert_int_equal(topic_alter(&f.topic, 2, &s, &e), 0);
    log_fixture_store(&f, "topic.json", "", 0);
    log_fixture_reopen(&f);
    assert_true(f.topic.id == id);
    assert_int_equal(f.topic.settings.retention_age, 0);
    free(text);
}

static void keep_setting(void *ctx, const char *name, const char *value) {
    char *all = ctx;
    (void)snprintf(all + strlen(all), 400 - strlen(all), "%s=%s ", name, value);
}

static void settings_are_read_and_written(void **state) {
    (void)state;
    struct err e;
    struct topic_settings s = topic_settings_default;
    char all[400] = "";
    static const char *const good[] = {"segment_size=64KiB",  "retention_age=7d", "retention_size=1GiB",
                                       "compact=true",        "codec=zstd",       "tombstone_retention=90s",
                                       "sync=interval=200ms", "max_record=1MiB"};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) assert_int_equal(topic_setting_parse(&s, good[i], &e), 0);
    topic_settings_each(&s, keep_setting, all);
    assert_string_equal(all, "segment_size=65536 retention_age=7d retention_size=1073741824 compact=true "
                             "tombstone_retention=1m30s codec=zstd sync=interval=200ms max_record=1048576 ");
    static const char *const bad[] = {"segment_size=4095", "segment_size=2TiB", "compact=yes",
                                      "codec=gzip",        "sync=often",        "sync=interval=0s",
                                      "max_record=63",     "nothing=1",         "segment_size"};
    struct topic_settings was = s;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_int_equal(topic_setting_parse(&s, bad[i], &e), G_USAGE);
        assert_memory_equal(&s, &was, sizeof s);
    }
}

/* ---- appending and reading ---- */

static void records_are_seen_when_they_are_durable(void **state) {
    (void)state;
    struct err e;
    struct partition p;
    struct cursor c, all;
    struct cursor_block b;
    uint64_t first;
    struct record r = {.time = 5, .value = "{}", .value_size = 2, .value_type = VALUE_JSON};
    char body[64];
    record_encode(&r, 0, body);
    struct append_block a = {
        .h = {.records = 1, .min_time = 5, .max_time = 5}, .body = body, .size = (uint32_t)record_size(&r)};
    append_block_prepare(&a);
    assert_int_equal(partition_open(&p, &f.topic, 0, PARTITION_APPEND, &e), 0);
    assert_int_equal(cursor_open(&c, &f.topic, 0, false, &e), 0);
    assert_int_equal(cursor_open(&all, &f.topic, 0, true, &e), 0);
    assert_int_equal(cursor_next(&c, &b, &e), G_WAIT);
    assert_int_equal(partition_append(&p, &a, 1, &first, &e), 0);
    assert_int_equal(first, 0);
    assert_int_equal(cursor_next(&c, &b, &e), G_WAIT);
    assert_int_equal(cursor_next(&all, &b, &e), 0);
    assert_int_equal(cursor_end(&c), 0);
    assert_int_equal(cursor_end(&all), 1);
    assert_int_equal(partition_sync(&p, 1, &e), 0);
    assert_int_equal(cursor_next(&c, &b, &e), 0);
    assert_int_equal(b.first, 0);
    assert_int_equal(b.end, 1);
    assert_int_equal(b.h.log_epoch, 1);
    assert_true(b.h.topic_id == f.topic.id);
    assert_int_equal(cursor_next(&c, &b, &e), G_WAIT);
    assert_int_equal(partition_append(&p, &a, 1, &first, &e), 0);
    partition_publish(&p, first + 1);
    assert_int_equal(cursor_next(&c, &b, &e), 0);
    assert_int_equal(atomic_load(&p.tail->synced_offset), 1);
    cursor_close(&all);
    cursor_close(&c);
    partition_close(&p);
}

/* Append one record of `size` bytes; not yet durable. */
static int put(struct partition *p, uint32_t size, uint64_t *ret_offset, struct err *e) {
    static const char value[4096];
    char body[sizeof value + 64];
    struct record r = {.time = 1, .value = value, .value_size = size, .value_type = VALUE_BYTES};
    record_encode(&r, 0, body);
    struct append_block a = {
        .h = {.records = 1, .min_time = 1, .max_time = 1}, .body = body, .size = (uint32_t)record_size(&r)};
    append_block_prepare(&a);
    return partition_append(p, &a, 1, ret_offset, e);
}

static char synced_names[2000];
static int failing_sync(int fd) {
    (void)fd;
    errno = EIO;
    return -1;
}
static int noted_sync(int fd) {
    char link[40], name[512] = "";
    (void)snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    assert_true(readlink(link, name, sizeof name - 1) > 0);
    size_t n = strlen(synced_names);
    (void)snprintf(synced_names + n, sizeof synced_names - n, "%s ", strrchr(name, '/') + 1);
    return fdatasync(fd);
}

/* Acknowledged by their offset alone, they would be taken for the ones that another process wrote there since. */
static void records_that_a_failed_sync_voided_are_never_acknowledged(void **state) {
    (void)state;
    struct err e;
    struct partition ours, theirs, third;
    uint64_t a, b, c;
    assert_int_equal(partition_open(&ours, &f.topic, 0, PARTITION_APPEND, &e), 0);
    assert_int_equal(partition_open(&theirs, &f.topic, 0, PARTITION_APPEND, &e), 0);
    assert_int_equal(put(&ours, 10, &a, &e), 0);
    assert_int_equal(put(&theirs, 20, &b, &e), 0);
    int (*real)(int) = sys.fdatasync;
    sys.fdatasync = failing_sync;
    assert_int_equal(partition_sync(&theirs, b + 1, &e), G_IO);
    sys.fdatasync = real;
    assert_true(log_fixture_has(&f, segment_file(0, ".bad")));
    assert_int_equal(partition_append(&theirs, NULL, 0, &b, &e), G_IO); /* it writes no more */
    assert_int_equal(partition_open(&third, &f.topic, 0, PARTITION_APPEND, &e), 0);
    assert_int_equal(third.epoch, 2);
    assert_false(log_fixture_has(&f, segment_file(0, ".bad")));
    for (int i = 0; i < 3; i++) assert_int_equal(put(&third, 30, &c, &e), 0);
    assert_int_equal(partition_sync(&third, c + 1, &e), 0);
    assert_int_equal(partition_sync(&ours, a + 1, &e), G_IO);
    assert_string_equal(e.text, "records of 't/0' from offset 0 on were cut before they were durable");
    assert_reads(0, 3);
    partition_close(&third);
    partition_close(&theirs);
    partition_close(&ours);
}

static void what_was_rolled_without_a_sync_is_synced_with_what_follows(void **state) {
    (void)state;
    struct err e;
    struct partition p;
    uint64_t bases[64], at;
    for (int durable_roll = 0; durable_roll < 2; durable_roll++) {
        assert_int_equal(partition_open(&p, &f.topic, 0, PARTITION_APPEND, &e), 0);
        p.lazy = true;
        for (int i = 0; i < 4; i++) assert_int_equal(put(&p, 3000, &at, &e), 0);
        p.lazy = false;
        size_t n = list(bases);
        assert_true(n >= 4);
        int (*real)(int) = sys.fdatasync;
        sys.fdatasync = noted_sync;
        synced_names[0] = '\0';
        if (durable_roll)
            assert_int_equal(put(&p, 3000, &at, &e), 0);
        else
            assert_int_equal(partition_sync(&p, at + 1, &e), 0);
        sys.fdatasync = real;
        for (size_t i = n - 4; i < n; i++) assert_non_null(strstr(synced_names, segment_file(bases[i], ".leat") + 2));
        assert_int_equal(atomic_load(&p.tail->synced_offset), durable_roll ? at : at + 1);
        partition_close(&p);
    }
}

static void segments_roll_and_know_the_one_before(void **state) {
    (void)state;
    uint64_t bases[64];
    struct segment_info info;
    struct segment_identity id = {f.topic.id, 0};
    fill(20);
    assert_reads(0, 200);
    size_t n = list(bases);
    assert_true(n >= 4);
    int dir = topic_partition_dir(&f.topic, 0, false, NULL);
    for (size_t i = 0; i < n; i++) {
        char name[SEGMENT_NAME_BYTES];
        segment_name(name, bases[i], ".leat");
        int fd = openat(dir, name, O_RDONLY | O_CLOEXEC);
        struct stat st;
        assert_int_equal(segment_read_info(fd, &id, bases[i], &info, NULL), 0);
        assert_int_equal(fstat(fd, &st), 0);
        assert_true(st.st_size <= 4096);
        assert_int_equal(info.epoch, 1);
        assert_int_equal(info.has_previous, i > 0);
        if (i > 0) {
            assert_int_equal(info.previous.base, bases[i - 1]);
            assert_int_equal(info.previous.end_offset, bases[i]);
            assert_int_equal(info.previous.epoch, 1);
            assert_int_equal(info.running_max, (int64_t)bases[i] - 1);
        }
        close(fd);
    }
    close(dir);
}

/* The first reading of a directory shows what is in its "half". */
static struct sys_ops real;
static int readings;

static int open_half_first(int dir, const char *path, int flags, mode_t mode) {
    bool half = strcmp(path, ".") == 0 && readings++ == 0;
    return real.openat(dir, half ? "half" : path, flags, mode);
}

static void a_name_that_one_reading_of_a_directory_passed_over_is_found(void **state) {
    (void)state;
    uint64_t bases[64];
    char name[SEGMENT_NAME_BYTES];
    do fill(1);
    while (list(bases) < 3);
    int dir = topic_partition_dir(&f.topic, 0, false, NULL);
    assert_int_equal(mkdirat(dir, "half", 0700), 0);
    int half = openat(dir, "half", O_RDONLY | O_DIRECTORY);
    segment_name(name, bases[1], ".leat");
    close(openat(half, name, O_WRONLY | O_CREAT, 0600));
    for (int i = 0; i < 400; i++) { /* more than one call of the system lists */
        char other[100];
        (void)snprintf(other, sizeof other, "%080d", i);
        close(openat(half, other, O_WRONLY | O_CREAT, 0600));
    }
    close(half);
    close(dir);
    real = sys;
    sys.openat = open_half_first;
    readings = 0;
    size_t n = list(bases);
    assert_true(readings > 1);
    assert_int_equal(n, 3);
    readings = 1; /* what one call lists was so at one moment: once is enough */
    n = list(bases);
    sys = real;
    assert_int_equal(readings, 2);
    assert_int_equal(n, 3);
}

static void a_cursor_goes_to_offsets_and_times(void **state) {
    (void)state;
    struct err e;
    struct cursor c;
    struct cursor_block b;
    uint64_t at;
    fill(20);
    assert_int_equal(cursor_open(&c, &f.topic, 0, false, &e), 0);
    static const uint64_t wanted[] = {0, 7, 10, 99, 155, 199, 3};
    for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++) {
        assert_int_equal(cursor_seek(&c, wanted[i], &e), 0);
        assert_int_equal(cursor_next(&c, &b, &e), 0);
        assert_int_equal(b.first, wanted[i]);
        assert_int_equal(b.h.base_offset, wanted[i] / 10 * 10);
        assert_int_equal(b.end, wanted[i] / 10 * 10 + 10);
        assert_int_equal(cursor_find_time(&c, (int64_t)wanted[i], &at, &e), 0);
        assert_int_equal(at, wanted[i]);
    }
    assert_int_equal(cursor_seek(&c, 1000, &e), 0);
    assert_int_equal(c.next_offset, 1000); /* what is not there yet is waited for */
    assert_int_equal(cursor_next(&c, &b, &e), G_WAIT);
    assert_int_equal(cursor_find_time(&c, 1000, &at, &e), 0);
    assert_int_equal(at, 200);
    assert_int_equal(cursor_find_time(&c, -5, &at, &e), 0);
    assert_int_equal(at, 0);
    cursor_close(&c);
}

/* ---- damage ---- */

/* Whatever byte of whatever segment is wrong, a reader says so, and has got everything that lies in front of it. */
static void a_flipped_byte_anywhere_is_found(void **state) {
    (void)state;
    uint64_t bases[64];
    fill(8);
    assert_reads(0, 80);
    size_t segments = list(bases), n;
    assert_true(segments >= 2);
    for (size_t s = 0; s < segments; s++) {
        const char *name = segment_file(bases[s], ".leat");
        char *bytes = log_fixture_load(&f, name, &n);
        for (size_t i = 0; i < n; i += 1 + i % 3) {
            bytes[i] ^= (char)(1 << (i % 8));
            log_fixture_store(&f, segment_file(bases[s], ".leat"), bytes, n);
            bytes[i] ^= (char)(1 << (i % 8));
            int g;
            size_t got = log_fixture_read(&f, 0, offsets, OFFSETS_MAX, &g);
            if (g != G_CORRUPT) fail_msg("byte %zu of segment %zu: %s", i, s, grade_name(g));
            assert_true(got >= bases[s] - bases[0] && got < 80);
        }
        log_fixture_store(&f, segment_file(bases[s], ".leat"), bytes, n);
        free(bytes);
    }
    assert_reads(0, 80);
}

static void a_torn_tail_is_cut_off_in_a_new_epoch(void **state) {
    (void)state;
    struct err e;
    struct partition p;
    size_t n;
    log_fixture_append(&f, 0, 10, NULL, 10);
    char *bytes = log_fixture_load(&f, segment_file(0, ".leat"), &n);
    char *torn = malloc(n + 100);
    assert_non_null(torn);
    memcpy(torn, bytes, n);
    memcpy(torn + n, bytes + n - 100, 100);
    log_fixture_store(&f, segment_file(0, ".leat"), torn, n + 100);
    assert_int_equal(partition_open(&p, &f.topic, 0, PARTITION_APPEND, &e), 0);
    assert_int_equal(p.news.cut_bytes, 100);
    assert_int_equal(p.news.cut_at, 10);
    assert_int_equal(p.epoch, 2);
    assert_int_equal(p.base, 10);
    partition_close(&p);
    size_t left; /* a segment file is a valid stream by itself */
    free(log_fixture_load(&f, segment_file(0, ".leat"), &left));
    assert_int_equal(left, n);
    fill(1);
    assert_reads(0, 20);
    struct cursor c;
    assert_int_equal(cursor_open(&c, &f.topic, 0, false, &e), 0);
    assert_int_equal(cursor_check_epoch(&c, 1, 10, &e), 0);
    assert_int_equal(cursor_check_epoch(&c, 2, 20, &e), 0);
    assert_int_equal(cursor_check_epoch(&c, 1, 11, &e), G_CORRUPT);
    cursor_close(&c);
    free(torn);
    free(bytes);
}

/* Refused, again and again: not even a lost tail page makes it look like a torn end. */
static void damage_below_the_durable_end_is_never_cut(void **state) {
    (void)state;
    struct err e;
    struct partition p;
    size_t n;
    log_fixture_append(&f, 0, 10, NULL, 10);
    log_fixture_append(&f, 0, 10, NULL, 10);
    char *bytes = log_fixture_load(&f, segment_file(0, ".leat"), &n);
    struct segment_info info;
    struct segment_identity id = {f.topic.id, 0};
    int dir = topic_partition_dir(&f.topic, 0, false, NULL);
    int fd = openat(dir, "00000000000000000000.leat", O_RDONLY | O_CLOEXEC);
    assert_int_equal(segment_read_info(fd, &id, 0, &info, NULL), 0);
    close(fd);
    close(dir);
    bytes[info.head_bytes + 200] ^= 1; /* in the first block */
    log_fixture_store(&f, segment_file(0, ".leat"), bytes, n);
    log_fixture_remove(&f, "0/tail");
    for (int i = 0; i < 3; i++) {
        assert_int_equal(partition_open(&p, &f.topic, 0, PARTITION_APPEND, &e), G_CORRUPT);
        assert_non_null(strstr(e.text, "damage at offset 0"));
        assert_non_null(strstr(e.text, "nothing was changed"));
    }
    bytes[info.head_bytes + 200] ^= 1;
    log_fixture_store(&f, segment_file(0, ".leat"), bytes, n);
    assert_reads(0, 20);
    log_fixture_store(&f, segment_file(0, ".leat"), bytes, n - 1); /* cut where it was durable */
    for (int i = 0; i < 3; i++) {
        assert_int_equal(partition_open(&p, &f.topic, 0, PARTITION_APPEND, &e), G_CORRUPT);
        assert_non_null(strstr(e.text, "below the durable end 20"));
    }
    log_fixture_store(&f, segment_file(0, ".leat"), bytes, n);
    assert_int_equal(partition_open(&p, &f.topic, 0, PARTITION_APPEND, &e), 0);
    partition_close(&p);
    free(bytes);
}

static void a_missing_segment_is_damage(void **state) {
    (void)state;
    uint64_t bases[64];
    int g;
    fill(20);
    assert_true(list(bases) >= 4);
    log_fixture_remove(&f, segment_file(bases[1], ".leat"));
    size_t n = log_fixture_read(&f, 0, offsets, OFFSETS_MAX, &g);
    assert_int_equal(g, G_CORRUPT);
    assert_int_equal(n, bases[1]);
}

/* ---- what is beside the segments ---- */

static void an_index_is_as_the_page_draws_it_and_made_again(void **state) {
    (void)state;
    uint64_t bases[64];
    size_t n;
    fill(20);
    list(bases);
    char *bytes = log_fixture_load(&f, segment_file(0, ".idx"), &n);
    assert_int_equal(n, 64 + 24); /* one entry: the first block */
    assert_memory_equal(bytes, "LEATINDX", 8);
    assert_int_equal(get_u32_le(bytes + 8), 1);
    assert_true(get_u64_le(bytes + 16) == f.topic.id);
    assert_int_equal(get_u64_le(bytes + 24), 0);
    assert_int_equal(get_u32_le(bytes + 44), 1);
    assert_int_equal(get_u64_le(bytes + 64), 0);
    for (size_t i = 0; i < n; i++) {
        bytes[i] ^= 0x10;
        log_fixture_store(&f, segment_file(0, ".idx"), bytes, n);
        bytes[i] ^= 0x10;
        struct cursor c;
        struct cursor_block b;
        struct err e;
        assert_int_equal(cursor_open(&c, &f.topic, 0, false, &e), 0);
        assert_int_equal(cursor_seek(&c, 15, &e), 0);
        assert_int_equal(cursor_next(&c, &b, &e), 0);
        assert_int_equal(b.first, 15);
        cursor_close(&c);
    }
    free(bytes);
}

static void an_index_finds_the_entry_in_front(void **state) {
    (void)state;
    struct index_entry entries[3] = {{10, 100, NO_TIME}, {20, 200, 5}, {30, 300, 9}};
    struct index x = {.entries = entries, .count = 3};
    assert_null(index_find_offset(&x, 9));
    assert_int_equal(index_find_offset(&x, 10)->offset, 10);
    assert_int_equal(index_find_offset(&x, 29)->offset, 20);
    assert_int_equal(index_find_offset(&x, 1000)->offset, 30);
    assert_int_equal(index_find_time(&x, 5)->offset, 10);
    assert_int_equal(index_find_time(&x, 6)->offset, 20);
    assert_int_equal(index_find_time(&x, 10)->offset, 30);
}

static void the_start_is_kept_with_its_check(void **state) {
    (void)state;
    struct err e;
    uint64_t start = 1;
    int dir = topic_partition_dir(&f.topic, 0, false, &e);
    assert_int_equal(partition_read_start(dir, &start, &e), 0);
    assert_int_equal(start, 0);
    assert_int_equal(partition_write_start(dir, 1234567890123, &e), 0);
    assert_int_equal(partition_read_start(dir, &start, &e), 0);
    assert_true(start == 1234567890123);
    size_t n;
    char *text = log_fixture_load(&f, "0/start", &n);
    assert_int_equal(text[n - 1], '\n');
    text[3] ^= 1;
    log_fixture_store(&f, "0/start", text, n);
    assert_int_equal(partition_read_start(dir, &start, &e), G_CORRUPT);
    free(text);
    close(dir);
}

static void the_tail_page_belongs_to_one_partition(void **state) {
    (void)state;
    struct tail t = {0};
    assert_false(tail_valid(&t, 7, 3));
    t.stable_offset = 5;
    tail_format(&t, 7, 3);
    assert_true(tail_valid(&t, 7, 3));
    assert_false(tail_valid(&t, 7, 2));
    assert_false(tail_valid(&t, 8, 3));
    atomic_store(&t.boot, 99);
    tail_format(&t, 7, 3); /* valid: nothing changes */
    assert_int_equal(atomic_load(&t.boot), 99);
    assert_int_equal(atomic_load(&t.stable_offset), 5);
    tail_raise(&t.stable_offset, 4);
    assert_int_equal(atomic_load(&t.stable_offset), 5);
    tail_raise(&t.stable_offset, 6);
    assert_int_equal(atomic_load(&t.stable_offset), 6);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, finish)
    const struct CMUnitTest tests[] = {
        TEST(names_are_those_of_kafka),
        TEST(topics_are_made_listed_and_deleted),
        TEST(partitions_only_become_more),
        TEST(partitions_that_others_add_are_found),
        TEST(a_topic_file_is_checked_and_the_one_before_stands_in),
        TEST(settings_are_read_and_written),
        TEST(records_are_seen_when_they_are_durable),
        TEST(records_that_a_failed_sync_voided_are_never_acknowledged),
        TEST(what_was_rolled_without_a_sync_is_synced_with_what_follows),
        TEST(segments_roll_and_know_the_one_before),
        TEST(a_name_that_one_reading_of_a_directory_passed_over_is_found),
        TEST(a_cursor_goes_to_offsets_and_times),
        TEST(a_flipped_byte_anywhere_is_found),
        TEST(a_torn_tail_is_cut_off_in_a_new_epoch),
        TEST(damage_below_the_durable_end_is_never_cut),
        TEST(a_missing_segment_is_damage),
        TEST(an_index_is_as_the_page_draws_it_and_made_again),
        TEST(an_index_finds_the_entry_in_front),
        TEST(the_start_is_kept_with_its_check),
        TEST(the_tail_page_belongs_to_one_partition),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
