/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The generator of page views: the same bytes from the same seed, size, lateness, kinds of bad records, refusals.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/crc32c.h"
#include "base/endian.h"
#include "base/timefmt.h"

/* A part of one tool and not of the library. */
#include "../../cmd/gen/clicks.c"
#include "../../cmd/gen/dataset.c"

static struct gen_config config_of_seed(uint64_t seed) {
    struct gen_config config;
    gen_config_defaults(&config);
    config.seed = seed;
    return config;
}

static void start(struct clicks *c, const struct gen_config *config) {
    struct err e = {0};
    if (clicks_init(c, config, &e) != 0) fail_msg("%s", e.text);
}

static uint32_t crc_of(const struct gen_config *config, int records) {
    struct clicks c;
    char out[GEN_RECORD_MAX];
    uint32_t crc = 0;
    start(&c, config);
    for (int i = 0; i < records; i++) {
        size_t n;
        int64_t t;
        clicks_next(&c, out, &n, &t);
        unsigned char time[8];
        put_i64_le(time, t);
        crc = crc32c(crc, out, n);
        crc = crc32c(crc, time, sizeof time);
    }
    return crc;
}

static void seed_7_begins_like_this(void **state) {
    (void)state;
    static const char *const golden[] = {
        "{\"ts\":\"2026-01-01T00:00:00.003Z\",\"user\":\"u48895\",\"page\":\"cart\",\"url\":\"/shop/cart/"
        "\",\"status\":200,\"latency_ms\":0.115,\"country\":\"IN\",\"device\":{\"os\":\"android\",\"browser\":"
        "\"chrome\"},\"tags\":[\"mobile\",\"returning\"],\"bytes\":75746}",
        "{\"ts\":\"2025-12-31T23:59:59.349Z\",\"user\":\"u92\",\"page\":\"home\",\"url\":\"/shop/"
        "\",\"status\":200,\"latency_ms\":0.15,\"country\":\"PL\",\"device\":{\"os\":\"windows\",\"browser\":"
        "\"chrome\"},\"tags\":[\"mobile\",\"returning\"],\"bytes\":9579}",
        "{\"ts\":\"2026-01-01T00:00:00.028Z\",\"user\":\"u11435\",\"page\":\"cart\",\"url\":\"/shop/cart/"
        "\",\"status\":200,\"latency_ms\":12.158,\"country\":\"CH\",\"device\":{\"os\":\"ios\",\"browser\":\"safari\"},"
        "\"tags\":[\"new\"],\"bytes\":84686}"};
    struct gen_config config = config_of_seed(7);
    struct clicks c;
    start(&c, &config);
    for (int i = 0; i < 3; i++) {
        char out[GEN_RECORD_MAX + 1];
        size_t n;
        int64_t t, said;
        assert_int_equal(clicks_next(&c, out, &n, &t), GEN_GOOD);
        out[n] = '\0';
        assert_string_equal(out, golden[i]);
        assert_int_equal(time_parse(out + 7, 24, NULL, &said, NULL), 0);
        assert_true(said == t);
    }
}

static void a_seed_decides_all_bytes(void **state) {
    (void)state;
    struct gen_config config = config_of_seed(7);
    assert_int_equal(crc_of(&config, 100000), 0x2655D8EEu);
    assert_int_equal(crc_of(&config, 100000), 0x2655D8EEu);
    config.bad_ppm = 100000;
    assert_int_equal(crc_of(&config, 100000), 0xEDEC96E3u);
    config.seed = 8;
    assert_int_not_equal(crc_of(&config, 100000), 0xEDEC96E3u);
}

static void a_record_is_about_222_bytes(void **state) {
    (void)state;
    enum { RECORDS = 200000 };
    struct gen_config config = config_of_seed(1);
    struct clicks c;
    size_t total = 0;
    start(&c, &config);
    for (int i = 0; i < RECORDS; i++) {
        char out[GEN_RECORD_MAX];
        size_t n;
        int64_t t;
        clicks_next(&c, out, &n, &t);
        assert_in_range(n, 150, 400);
        assert_int_equal(out[0], '{');
        assert_int_equal(out[n - 1], '}');
        total += n;
    }
    assert_in_range(total / RECORDS, 217, 226);
}

/* 300 a second does not divide a second: after an hour the times are still in step. */
static void times_keep_to_the_rate_and_lateness_to_its_bound(void **state) {
    (void)state;
    enum { RATE = 300, RECORDS = RATE * 3600 };
    struct gen_config config = config_of_seed(3);
    struct clicks c;
    unsigned late = 0;
    int64_t last = INT64_MIN;
    config.rate = RATE;
    config.late_max_ns = 2 * NS_PER_S;
    start(&c, &config);
    for (int64_t i = 0; i < RECORDS; i++) {
        char out[GEN_RECORD_MAX];
        size_t n;
        int64_t t, place = config.start_ns + i * NS_PER_S / RATE;
        clicks_next(&c, out, &n, &t);
        assert_true(t % NS_PER_MS == 0);
        assert_true(t <= place + NS_PER_S / RATE);
        assert_true(t > place - config.late_max_ns - 2 * NS_PER_MS);
        if (t <= place - NS_PER_MS) {
            late++;
        } else {
            assert_true(t >= last);
            last = t;
        }
    }
    assert_in_range(late, RECORDS / 100 * 48 / 10, RECORDS / 100 * 52 / 10);
}

static void none_is_late_when_none_shall_be(void **state) {
    (void)state;
    struct gen_config config = config_of_seed(3);
    struct clicks c;
    int64_t last = INT64_MIN;
    config.late_ppm = 0;
    config.late_max_ns = 0;
    config.rate = 1000000000;
    start(&c, &config);
    for (int i = 0; i < 100000; i++) {
        char out[GEN_RECORD_MAX];
        size_t n;
        int64_t t;
        clicks_next(&c, out, &n, &t);
        assert_true(t >= last);
        last = t;
    }
}

static void bad_records_are_of_every_kind_and_leave_the_others_alone(void **state) {
    (void)state;
    enum { RECORDS = 100000 };
    struct gen_config config = config_of_seed(5), none = config_of_seed(5);
    struct clicks c, good;
    unsigned seen[GEN_KINDS] = {0};
    config.bad_ppm = 200000;
    start(&c, &config);
    start(&good, &none);
    for (int i = 0; i < RECORDS; i++) {
        char out[GEN_RECORD_MAX], same[GEN_RECORD_MAX];
        size_t n, same_n;
        int64_t t, same_t;
        enum gen_kind kind = clicks_next(&c, out, &n, &t);
        assert_int_equal(clicks_next(&good, same, &same_n, &same_t), GEN_GOOD);
        seen[kind]++;
        assert_in_range(n, 1, 400);
        assert_null(memchr(out, '\n', n));
        if (kind == GEN_FUTURE) {
            int64_t said;
            assert_int_equal(time_parse(out + 7, 24, NULL, &said, NULL), 0);
            assert_true(said == t && t > INT64_C(7100000000) * NS_PER_S);
        } else {
            assert_true(t == same_t);
        }
        bool equal = n == same_n && memcmp(out, same, n) == 0;
        assert_int_equal(equal, kind == GEN_GOOD);
        if (kind == GEN_CUT) assert_true(n < same_n && memcmp(out, same, n) == 0);
        if (kind == GEN_UTF8) assert_non_null(memchr(out, 0xFF, n));
        if (kind == GEN_NAN) assert_non_null(memmem(out, n, "\"latency_ms\":NaN,", 17));
        if (kind == GEN_TYPE) assert_non_null(memmem(out, n, "\"latency_ms\":\"slow\",", 20));
        if (kind == GEN_DUPLICATE) assert_memory_equal(out + n - 14, ",\"status\":200}", 14);
    }
    assert_in_range(seen[GEN_GOOD], RECORDS * 79 / 100, RECORDS * 81 / 100);
    for (int kind = 1; kind < GEN_KINDS; kind++) assert_in_range(seen[kind], 2000, 2450); /* 20000 / 9 */
}

static void times_stop_at_the_end_of_the_range(void **state) {
    (void)state;
    struct gen_config config = config_of_seed(5);
    struct clicks c;
    config.start_ns = INT64_C(9214646395) * NS_PER_S; /* 2261-12-31T23:59:55Z */
    config.rate = 1;
    config.late_ppm = 0;
    start(&c, &config);
    for (int i = 0; i < 20; i++) {
        char out[GEN_RECORD_MAX];
        size_t n;
        int64_t t;
        clicks_next(&c, out, &n, &t);
        assert_memory_equal(out + 7, "2261-12-31T23:59:5", 18);
    }
}

static void before_1970_too(void **state) {
    (void)state;
    struct gen_config config = config_of_seed(5);
    struct clicks c;
    config.start_ns = -NS_PER_S - 1;
    config.late_ppm = GEN_PPM;
    config.late_max_ns = NS_PER_MS;
    start(&c, &config);
    char out[GEN_RECORD_MAX];
    size_t n;
    int64_t t, said;
    clicks_next(&c, out, &n, &t);
    assert_memory_equal(out + 7, "1969-12-31T23:59:5", 18);
    assert_int_equal(time_parse(out + 7, 24, NULL, &said, NULL), 0);
    assert_true(said == t);
    config.late_ppm = 0;
    config.rate = 1000000000;
    start(&c, &config);
    clicks_next(&c, out, &n, &t);
    assert_memory_equal(out + 7, "1969-12-31T23:59:58.999Z", 24); /* the millisecond that it lies in */
}

static void absurd_settings_are_refused(void **state) {
    (void)state;
    static const struct gen_config bad[] = {
        {.rate = 0, .users = 1, .sensors = 1},
        {.rate = 1000000001, .users = 1, .sensors = 1},
        {.rate = 1, .users = 0, .sensors = 1},
        {.rate = 1, .users = 1000000001, .sensors = 1},
        {.rate = 1, .users = 1, .sensors = 0},
        {.rate = 1, .users = 1, .sensors = 1000000001},
        {.rate = 1, .users = 1, .sensors = 1, .late_ppm = 1, .late_max_ns = 999999},
        {.rate = 1, .users = 1, .sensors = 1, .late_ppm = 1, .late_max_ns = 366 * NS_PER_DAY},
        {.rate = 1, .users = 1, .sensors = 1, .late_ppm = 1000001, .late_max_ns = NS_PER_S},
        {.rate = 1, .users = 1, .sensors = 1, .bad_ppm = 1000001},
        {.rate = 1, .users = 1, .sensors = 1, .start_ns = TIME_MIN},
        {.rate = 1, .users = 1, .sensors = 1, .start_ns = TIME_MAX},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct clicks c;
        struct err e = {0};
        assert_int_equal(clicks_init(&c, &bad[i], &e), G_USAGE);
        assert_int_equal(e.grade, G_USAGE);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(seed_7_begins_like_this),
        cmocka_unit_test(a_seed_decides_all_bytes),
        cmocka_unit_test(a_record_is_about_222_bytes),
        cmocka_unit_test(times_keep_to_the_rate_and_lateness_to_its_bound),
        cmocka_unit_test(none_is_late_when_none_shall_be),
        cmocka_unit_test(bad_records_are_of_every_kind_and_leave_the_others_alone),
        cmocka_unit_test(times_stop_at_the_end_of_the_range),
        cmocka_unit_test(before_1970_too),
        cmocka_unit_test(absurd_settings_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
