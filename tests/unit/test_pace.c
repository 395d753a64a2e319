/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The pace of a replay, by a simulated clock that a test sets and on which every sleep is too long: when each record is
 * due, that nothing adds up over a million of them, and what pauses, other speeds and rounds do.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka needs the four above */
#include <cmocka.h>
#include <stdlib.h>

#include "stream/block.h"
#include "stream/pace.h"
#include "sys/sys.h"

#define S INT64_C(1000000000)
#define MS INT64_C(1000000)

static int64_t clock_ns;
static unsigned seed;

static int64_t simulated_now(void) {
    return clock_ns;
}

/* Up to 0.9 ms too long. */
static int simulated_sleep(int64_t until_ns) {
    seed = seed * 1103515245 + 12345;
    if (until_ns > clock_ns) clock_ns = until_ns + (int64_t)(seed >> 8) % 900000;
    return 0;
}

static int begin(void **state) {
    (void)state;
    clock_ns = 1000 * S;
    seed = 7;
    sys.steady_ns = simulated_now;
    sys.sleep_until = simulated_sleep;
    return 0;
}

/* Play one: its moment, from the beginning of the test. */
static int64_t play(struct pace *p, int64_t time) {
    int64_t due = pace_due(p, time);
    (void)sys.sleep_until(due);
    pace_left(p);
    return due - 1000 * S;
}

static void test_gaps_are_those_of_the_times(void **state) {
    (void)state;
    struct pace p;
    pace_init(&p, PACE_SPEED, 1, -1);
    assert_int_equal(play(&p, 5000 * S), 0);
    assert_int_equal(play(&p, 5003 * S), 3 * S);
    assert_int_equal(play(&p, 5003 * S), 3 * S);
    assert_int_equal(play(&p, 5003 * S + 1), 3 * S + 1);
    pace_init(&p, PACE_SPEED, 10, -1);
    clock_ns = 1000 * S;
    assert_int_equal(play(&p, -7 * S), 0);
    assert_int_equal(play(&p, 3 * S), 1 * S);
    assert_int_equal(play(&p, 3 * S + 5), 1 * S);
    assert_int_equal(play(&p, 3 * S + 15), 1 * S + 1);
}

static void test_a_late_record_and_one_without_time_are_due_with_the_one_before(void **state) {
    (void)state;
    struct pace p;
    pace_init(&p, PACE_SPEED, 1, -1);
    assert_int_equal(play(&p, NO_TIME), 0);
    assert_int_equal(play(&p, 100 * S), 0);
    assert_int_equal(play(&p, 102 * S), 2 * S);
    assert_int_equal(play(&p, 50 * S), 2 * S);
    assert_int_equal(play(&p, NO_TIME), 2 * S);
    assert_int_equal(play(&p, 103 * S), 3 * S);
}

static void test_no_drift_over_a_million_records(void **state) {
    (void)state;
    static const double factors[] = {1, 10, 3, 0.1, 1000};
    for (size_t f = 0; f < sizeof factors / sizeof *factors; f++) {
        struct pace p;
        int64_t time = 0, last = 0;
        clock_ns = 1000 * S;
        pace_init(&p, PACE_SPEED, factors[f], -1);
        for (int64_t i = 0; i < 1000000; i++) {
            last = play(&p, time);
            assert_in_range(p.lag_ns, 0, 900000);
            time += (i * 7919 % 1000) * 123457;
        }
        time -= (INT64_C(999999) * 7919 % 1000) * 123457;
        assert_true(llabs(last - (int64_t)((double)time / factors[f])) <= 1);
        assert_in_range(clock_ns - 1000 * S - last, 0, 900000);
        assert_in_range(p.worst_lag_ns, 1, 900000);
    }
}

static void test_a_rate_has_no_drift(void **state) {
    (void)state;
    struct pace p;
    pace_init(&p, PACE_RATE, 3000, -1);
    for (int64_t i = 0; i < 1000000; i++) {
        int64_t due = play(&p, i % 7 ? NO_TIME : i);
        assert_true(llabs(due - i * S / 3000) <= 1);
    }
    pace_init(&p, PACE_RATE, 20.0 / 60, -1);
    clock_ns = 1000 * S;
    assert_int_equal(play(&p, NO_TIME), 0);
    assert_int_equal(play(&p, NO_TIME), 3 * S);
    assert_int_equal(play(&p, NO_TIME), 6 * S);
}

static void test_a_delay_is_not_handed_on(void **state) {
    (void)state;
    struct pace p;
    pace_init(&p, PACE_SPEED, 1, -1);
    assert_int_equal(play(&p, 0), 0);
    clock_ns += 10 * S; /* the reader stood still */
    assert_int_equal(play(&p, 1 * S), 1 * S);
    assert_int_equal(p.lag_ns, 9 * S);
    assert_int_equal(play(&p, 9 * S), 9 * S);
    assert_int_equal(p.lag_ns, 1 * S);
    assert_int_equal(play(&p, 20 * S), 20 * S);
    assert_in_range(p.lag_ns, 0, MS);
    assert_int_equal(p.worst_lag_ns, 9 * S);
}

/* The gaps of a session that somebody left alone now and then. */
static void test_max_gap_shortens_pauses_only(void **state) {
    (void)state;
    static const int64_t at[] = {0, 500, 700, 10700, 10900, 12900, 14901, 3614901};
    static const int64_t due[] = {0, 500, 700, 2700, 2900, 4900, 6900, 8900};
    struct pace p;
    pace_init(&p, PACE_SPEED, 1, 2 * S);
    for (size_t i = 0; i < sizeof at / sizeof *at; i++) assert_int_equal(play(&p, at[i] * MS), due[i] * MS);
    pace_init(&p, PACE_SPEED, 4, 2 * S);
    clock_ns = 1000 * S;
    for (size_t i = 0; i < sizeof at / sizeof *at; i++) assert_int_equal(play(&p, at[i] * MS), due[i] * MS / 4);
}

static void test_a_pause_moves_all_that_follows(void **state) {
    (void)state;
    struct pace p;
    pace_init(&p, PACE_SPEED, 2, -1);
    assert_int_equal(play(&p, 0), 0);
    assert_int_equal(pace_due(&p, 20 * S), 1010 * S);
    clock_ns = 1004 * S;
    pace_pause(&p);
    assert_true(pace_place(&p) == 8e9);
    clock_ns = 1104 * S;
    assert_true(pace_place(&p) == 8e9);
    pace_pause(&p); /* it is already */
    pace_resume(&p);
    pace_resume(&p);
    assert_int_equal(pace_moved(&p), 1110 * S);
    assert_true(pace_place(&p) == 8e9);
    pace_stood(&p, 5 * S);
    assert_int_equal(pace_moved(&p), 1115 * S);
}

static void test_another_speed_counts_from_where_the_clock_is(void **state) {
    (void)state;
    struct pace p;
    pace_init(&p, PACE_SPEED, 1, -1);
    assert_int_equal(play(&p, 0), 0);
    assert_int_equal(pace_due(&p, 20 * S), 1020 * S);
    clock_ns = 1010 * S;
    pace_change(&p, 2);
    assert_int_equal(pace_moved(&p), 1015 * S);
    clock_ns = 1012 * S;
    pace_change(&p, 0.5);
    assert_int_equal(pace_moved(&p), 1024 * S);
    pace_init(&p, PACE_RATE, 1, -1);
    clock_ns = 1000 * S;
    assert_int_equal(play(&p, NO_TIME), 0);
    assert_int_equal(pace_due(&p, NO_TIME), 1001 * S);
    clock_ns = 1000 * S + S / 2;
    pace_change(&p, 2);
    assert_int_equal(pace_moved(&p), 1000 * S + 3 * S / 4);
}

static void test_rounds_begin_behind_the_moment_of_the_last_record(void **state) {
    (void)state;
    struct pace p;
    pace_init(&p, PACE_SPEED, 1, -1);
    for (int64_t round = 0; round < 1000; round++) {
        assert_int_equal(play(&p, 70 * S), round * 7 * S);
        assert_int_equal(play(&p, 75 * S), round * 7 * S + 5 * S);
        pace_restart(&p, 2 * S);
    }
    pace_init(&p, PACE_RATE, 10, -1);
    clock_ns = 1000 * S;
    for (int64_t i = 0; i < 300; i++) {
        if (i > 0 && i % 3 == 0) pace_restart(&p, 0);
        assert_int_equal(play(&p, NO_TIME), i * S / 10);
    }
    pace_init(&p, PACE_MAX, 1, -1);
    clock_ns = 1000 * S;
    assert_int_equal(play(&p, 70 * S), 0);
    assert_int_equal(play(&p, 75 * S), 0);
    assert_int_equal(p.worst_lag_ns, 0);
    pace_restart(&p, 2 * S);
    assert_int_equal(play(&p, 70 * S), 2 * S);
}

static void test_times_at_the_ends_of_the_world(void **state) {
    (void)state;
    struct pace p;
    pace_init(&p, PACE_SPEED, 1, -1);
    assert_int_equal(play(&p, INT64_MIN + 1), 0);
    assert_int_equal(pace_due(&p, INT64_MAX), INT64_MAX);
    assert_int_equal(pace_due(&p, INT64_MIN + 2), INT64_MAX);
    pace_init(&p, PACE_SPEED, 1e9, -1);
    clock_ns = 1000 * S;
    assert_int_equal(play(&p, INT64_MIN + 1), 0);
    assert_in_range(play(&p, INT64_MAX), 18 * S, 19 * S);
    pace_init(&p, PACE_SPEED, 1e-9, -1);
    clock_ns = 1000 * S;
    assert_int_equal(play(&p, 0), 0);
    assert_in_range(play(&p, 1), S - 1, S);
    assert_int_equal(pace_due(&p, 100 * S), INT64_MAX);
    pace_restart(&p, INT64_MAX);
    assert_int_equal(pace_due(&p, 0), INT64_MAX);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_gaps_are_those_of_the_times, begin),
        cmocka_unit_test_setup(test_a_late_record_and_one_without_time_are_due_with_the_one_before, begin),
        cmocka_unit_test_setup(test_no_drift_over_a_million_records, begin),
        cmocka_unit_test_setup(test_a_rate_has_no_drift, begin),
        cmocka_unit_test_setup(test_a_delay_is_not_handed_on, begin),
        cmocka_unit_test_setup(test_max_gap_shortens_pauses_only, begin),
        cmocka_unit_test_setup(test_a_pause_moves_all_that_follows, begin),
        cmocka_unit_test_setup(test_another_speed_counts_from_where_the_clock_is, begin),
        cmocka_unit_test_setup(test_rounds_begin_behind_the_moment_of_the_last_record, begin),
        cmocka_unit_test_setup(test_times_at_the_ends_of_the_world, begin),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
