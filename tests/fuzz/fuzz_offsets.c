/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The words of a user: offsets, sync policies, settings, names. Whatever is taken is within its range, and a point
 * that is resolved in a partition lies within it or is the number that was named.
 *
 * Bytes 0-15 of the input are the partition's ends; the rest is text.
 */
#include "input.h"
#include "log/offsets.h"
#include "sys/sys.h"

static void resolve(const struct offset_point *p, uint64_t start, uint64_t end) {
    static struct tail tail;
    struct topic topic = {.id = 1, .partitions = 1, .name = "t"};
    struct cursor c = {.part = {.topic = &topic, .id = {.topic_id = 1}, .dir = -1, .tail = &tail}};
    if (p->kind == OFFSET_TIME) return; /* needs segments */
    tail_format(&tail, 1, 0);
    atomic_store(&tail.boot, sys.boot_id());
    atomic_store(&tail.start_offset, start);
    atomic_store(&tail.stable_offset, end);
    atomic_store(&tail.written_offset, end);
    uint64_t at, stored = 7;
    REQUIRE(offset_resolve(p, &c, &stored, &at, NULL) == 0);
    if (p->kind == OFFSET_AT)
        REQUIRE(at == p->n);
    else if (p->kind == OFFSET_STORED)
        REQUIRE(at == stored);
    else if (start <= end)
        REQUIRE(start <= at && at <= end);
}

static void check_setting(const char *text) {
    struct topic_settings s = topic_settings_default;
    struct err e = {0};
    if (topic_setting_parse(&s, text, &e) < 0) {
        REQUIRE(e.grade == G_USAGE && memcmp(&s, &topic_settings_default, sizeof s) == 0);
        return;
    }
    REQUIRE(s.segment_size >= 4096 && s.max_record >= 64 && s.max_record <= RECORD_LIMIT_MAX);
    REQUIRE(s.sync.mode != SYNC_INTERVAL || s.sync.interval_ns > 0);
    REQUIRE(s.retention_age >= 0 && s.tombstone_retention >= 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct input in = {data, size};
    uint64_t start = input_number(&in, 8) >> 1, end = input_number(&in, 8) >> 1;
    char *text = malloc(in.n + 1);
    REQUIRE(text);
    if (in.n) memcpy(text, in.p, in.n);
    text[in.n] = '\0';
    struct offset_range_spec spec;
    struct err e = {0};
    int g = offset_parse(text, INT64_C(1700000000000000000), &spec, &e);
    REQUIRE(g == 0 || (g == G_USAGE && e.grade == g));
    if (g == 0) {
        REQUIRE(spec.from.n <= OFFSET_MAX && spec.to.n <= OFFSET_MAX);
        resolve(&spec.from, start, end);
        if (spec.has_to) resolve(&spec.to, start, end);
    }
    check_setting(text);
    bool named = topic_name_check(text, NULL) == 0;
    REQUIRE(!named || (strlen(text) <= TOPIC_NAME_MAX && !strchr(text, '/') && strcmp(text, "..") != 0));
    free(text);
    return 0;
}
