/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The byte-string map: put, replace, get, order of iteration, growth, awkward keys.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/hashmap.h"
#include "base/number.h"

static void put_says_new_or_replaced(void **state) {
    (void)state;
    struct hashmap m;
    uint64_t v = 7;
    assert_int_equal(hashmap_init(&m, NULL), 0);
    assert_false(hashmap_get(&m, "a", 1, &v));
    assert_int_equal(v, 7);
    assert_int_equal(hashmap_put(&m, "a", 1, 10), 1);
    assert_int_equal(hashmap_put(&m, "a", 1, 11), 0);
    assert_int_equal(hashmap_put(&m, "b", 1, UINT64_MAX), 1);
    assert_int_equal(m.count, 2);
    assert_true(hashmap_get(&m, "a", 1, &v));
    assert_int_equal(v, 11);
    assert_true(hashmap_get(&m, "b", 1, &v));
    assert_true(v == UINT64_MAX);
    *hashmap_find(&m, "a", 1) = 12;
    assert_true(hashmap_get(&m, "a", 1, &v));
    assert_int_equal(v, 12);
    assert_null(hashmap_find(&m, "c", 1));
    hashmap_release(&m);
}

static void keys_are_bytes(void **state) {
    (void)state;
    struct hashmap m;
    char big[70000];
    uint64_t v;
    memset(big, 'x', sizeof big);
    assert_int_equal(hashmap_init(&m, NULL), 0);
    assert_int_equal(hashmap_put(&m, NULL, 0, 1), 1);
    assert_int_equal(hashmap_put(&m, "", 0, 2), 0);
    assert_int_equal(hashmap_put(&m, "\0", 1, 3), 1);
    assert_int_equal(hashmap_put(&m, "\0\0", 2, 4), 1);
    assert_int_equal(hashmap_put(&m, big, sizeof big, 5), 1);
    assert_int_equal(hashmap_put(&m, big, sizeof big - 1, 6), 1);
    assert_int_equal(m.count, 5);
    assert_true(hashmap_get(&m, "", 0, &v) && v == 2);
    assert_true(hashmap_get(&m, "\0", 1, &v) && v == 3);
    assert_true(hashmap_get(&m, "\0\0", 2, &v) && v == 4);
    assert_true(hashmap_get(&m, big, sizeof big, &v) && v == 5);
    assert_false(hashmap_get(&m, big, sizeof big - 2, &v));
    hashmap_release(&m);
}

static void a_copy_of_the_key_is_kept(void **state) {
    (void)state;
    struct hashmap m;
    char key[4] = "key";
    uint64_t v;
    assert_int_equal(hashmap_init(&m, NULL), 0);
    assert_int_equal(hashmap_put(&m, key, 3, 1), 1);
    key[0] = 'z';
    assert_true(hashmap_get(&m, "key", 3, &v));
    hashmap_release(&m);
}

static void iteration_is_in_the_order_of_arrival(void **state) {
    (void)state;
    struct hashmap m;
    assert_int_equal(hashmap_init(&m, NULL), 0);
    enum { KEYS = 300000 };
    for (uint64_t i = 0; i < KEYS; i++) {
        char key[NUMBER_U64_MAX];
        assert_int_equal(hashmap_put(&m, key, number_format_u64(key, i * i), i), 1);
    }
    assert_int_equal(hashmap_put(&m, "4", 1, 1000000), 0);
    size_t pos = 0;
    struct hashmap_entry entry;
    uint64_t i = 0;
    for (; hashmap_next(&m, &pos, &entry); i++) {
        char key[NUMBER_U64_MAX];
        assert_int_equal(entry.len, number_format_u64(key, i * i));
        assert_memory_equal(entry.key, key, entry.len);
        assert_int_equal(entry.value, i == 2 ? 1000000 : i);
    }
    assert_int_equal(i, KEYS);
    assert_false(hashmap_next(&m, &pos, &entry));
    for (i = 0; i < 2 * KEYS; i++) {
        char key[NUMBER_U64_MAX];
        uint64_t v;
        bool there = hashmap_get(&m, key, number_format_u64(key, i), &v);
        if (i == 4) assert_true(there && v == 1000000);
        if (i == 9) assert_true(there && v == 3);
        if (i == 10) assert_false(there);
    }
    assert_true(m.count * 4 <= (m.mask + 1) * 3);
    hashmap_release(&m);
}

static void release_takes_anything(void **state) {
    (void)state;
    struct hashmap m = {0};
    hashmap_release(NULL);
    hashmap_release(&m);
    assert_int_equal(hashmap_init(&m, NULL), 0);
    hashmap_release(&m);
    hashmap_release(&m);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(put_says_new_or_replaced),  cmocka_unit_test(keys_are_bytes),
        cmocka_unit_test(a_copy_of_the_key_is_kept), cmocka_unit_test(iteration_is_in_the_order_of_arrival),
        cmocka_unit_test(release_takes_anything),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
