/* SPDX-License-Identifier: Apache-2.0 */
/* Sets of records as ranges: against a plain array of flags, and there and back as JSON. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
/* cmocka needs the first four above */
#include <cmocka.h>

#include "log/marks.h"

#define OFFSETS 200

static char *text_of(const struct marks *m) {
    json_t *o = marks_to_json(m);
    char *text = json_dumps(o, JSON_COMPACT);
    json_decref(o);
    return text;
}

static void is(const struct marks *m, const char *want) {
    char *text = text_of(m);
    assert_string_equal(text, want);
    free(text);
}

static void ranges_that_touch_become_one(void **state) {
    (void)state;
    struct marks m = {0};
    is(&m, "[]");
    assert_int_equal(marks_add(&m, 2, 5, 6), 0);
    assert_int_equal(marks_add(&m, 2, 7, 8), 0);
    assert_int_equal(marks_add(&m, 0, 9, 10), 0);
    is(&m, "[[0,9,10],[2,5,6],[2,7,8]]");
    assert_int_equal(marks_add(&m, 2, 6, 7), 0);
    is(&m, "[[0,9,10],[2,5,8]]");
    assert_int_equal(marks_add(&m, 2, 0, 100), 0);
    assert_int_equal(marks_add(&m, 2, 50, 60), 0);
    is(&m, "[[0,9,10],[2,0,100]]");
    assert_false(marks_have(&m, 1, 5));
    assert_false(marks_have(&m, 9, 5));
    assert_true(marks_have(&m, 2, 99));
    assert_false(marks_have(&m, 2, 100));
    marks_release(&m);
}

static void one_is_taken_away_at_either_end_or_within(void **state) {
    (void)state;
    struct marks m = {0};
    assert_int_equal(marks_add(&m, 0, 0, 10), 0);
    assert_int_equal(marks_take(&m, 0, 0), 0);
    assert_int_equal(marks_take(&m, 0, 9), 0);
    assert_int_equal(marks_take(&m, 0, 5), 0);
    assert_int_equal(marks_take(&m, 0, 5), 0);
    assert_int_equal(marks_take(&m, 0, 50), 0);
    assert_int_equal(marks_take(&m, 7, 5), 0);
    is(&m, "[[0,1,5],[0,6,9]]");
    assert_int_equal(marks_add(&m, 0, 20, 21), 0);
    assert_int_equal(marks_take(&m, 0, 20), 0);
    is(&m, "[[0,1,5],[0,6,9]]");
    marks_release(&m);
}

static void any_order_gives_what_an_array_of_flags_has(void **state) {
    (void)state;
    struct marks m = {0}, again = {0};
    struct err e;
    bool flags[OFFSETS] = {false};
    uint32_t x = 12345;
    for (int round = 0; round < 5000; round++) {
        x = x * 1664525u + 1013904223u;
        uint64_t from = (x >> 8) % OFFSETS, n = 1 + (x >> 20) % 5;
        if (x >> 30 == 0) {
            assert_int_equal(marks_take(&m, 1, from), 0);
            flags[from] = false;
        } else if (x >> 30 == 1 && from + n <= OFFSETS) {
            assert_int_equal(marks_add(&m, 1, from, from + n), 0);
            for (uint64_t i = from; i < from + n; i++) flags[i] = true;
        }
        for (uint64_t i = 0; i < OFFSETS; i++) assert_int_equal(marks_have(&m, 1, i), flags[i]);
    }
    char *text = text_of(&m);
    json_t *o = json_loads(text, 0, NULL);
    assert_int_equal(marks_from_json(o, &again, &e), 0);
    is(&again, text);
    json_decref(o);
    free(text);
    marks_release(&m);
    marks_release(&again);
}

static void json_that_is_no_marks_is_damage(void **state) {
    (void)state;
    static const char *const bad[] = {"{}",         "[1]",          "[[0,1]]",    "[[0,2,2]]",     "[[0,3,2]]",
                                      "[[-1,0,1]]", "[[4096,0,1]]", "[[0,-1,1]]", "[[0,0,\"1\"]]", "[[0,0.5,1]]"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct marks m = {0};
        struct err e = {0};
        json_t *o = json_loads(bad[i], 0, NULL);
        if (marks_from_json(o, &m, &e) != G_CORRUPT) fail_msg("%s", bad[i]);
        json_decref(o);
        marks_release(&m);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ranges_that_touch_become_one),
        cmocka_unit_test(one_is_taken_away_at_either_end_or_within),
        cmocka_unit_test(any_order_gives_what_an_array_of_flags_has),
        cmocka_unit_test(json_that_is_no_marks_is_damage),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
