/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Kafka's murmur2 and partitioner, SipHash-2-4, the seeded generator, random bytes and little-endian access.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/endian.h"
#include "base/murmur2.h"
#include "base/random.h"
#include "base/siphash.h"

/* From Kafka's UtilsTest.testMurmur2. */
static void murmur2_is_kafkas(void **state) {
    (void)state;
    static const struct {
        const char *key;
        int32_t hash;
    } cases[] = {
        {"21", -973932308},
        {"foobar", -790332482},
        {"a-little-bit-long-string", -985981536},
        {"a-little-bit-longer-string", -1486304829},
        {"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58897971},
        {"abc", 479470107},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_int_equal((int32_t)kafka_murmur2(cases[i].key, strlen(cases[i].key)), cases[i].hash);
}

static void partition_drops_the_sign_first(void **state) {
    (void)state;
    assert_int_equal(kafka_partition("21", 2, 12), (-973932308 & 0x7fffffff) % 12);
    assert_int_equal(kafka_partition("abc", 3, 7), 479470107 % 7);
    assert_int_equal(kafka_partition("abc", 3, 1), 0);
    assert_int_equal(kafka_partition(NULL, 0, 1), 0);
}

/* From the reference implementation's vectors: key 00 01 … 0f, texts 00 01 02 … of each length. */
static void siphash_reference_vectors(void **state) {
    (void)state;
    static const uint64_t expected[16] = {
        0x726fdb47dd0e0e31u, 0x74f839c593dc67fdu, 0x0d6c8009d9a94f5au, 0x85676696d7fb7e2du,
        0xcf2794e0277187b7u, 0x18765564cd99a68du, 0xcbc9466e58fee3ceu, 0xab0200f58b01d137u,
        0x93f5f5799a932462u, 0x9e0082df0ba9e4b0u, 0x7a5dbbc594ddb9f3u, 0xf4b32f46226bada7u,
        0x751e8fbc860ee5fbu, 0x14ea5627c0843d90u, 0xf723ca908e7af2eeu, 0xa129ca6149be45e5u};
    const uint64_t key[2] = {0x0706050403020100u, 0x0f0e0d0c0b0a0908u};
    unsigned char text[16];
    for (size_t n = 0; n < 16; n++) {
        assert_true(siphash24(key, text, n) == expected[n]);
        text[n] = (unsigned char)n;
    }
}

/* splitmix64's and xoshiro256**'s published behaviour from seed 0 and 42. */
static void generator_is_the_same_everywhere(void **state) {
    (void)state;
    struct rng r;
    rng_init(&r, 0);
    assert_true(r.s[0] == 0xe220a8397b1dcdafu && r.s[1] == 0x6e789e6aa1b965f4u);
    assert_true(rng_next(&r) == 0x99ec5f36cb75f2b4u);
    assert_true(rng_next(&r) == 0xbf6e1f784956452au);
    rng_init(&r, 42);
    assert_true(rng_next(&r) == 0x15780b2e0c2ec716u);
    double d = rng_double(&r);
    assert_true(d >= 0 && d < 1);
}

static void below_is_even_and_in_bounds(void **state) {
    (void)state;
    struct rng r;
    unsigned seen[7] = {0};
    rng_init(&r, 1);
    for (int i = 0; i < 70000; i++) {
        uint64_t v = rng_below(&r, 7);
        assert_true(v < 7);
        seen[v]++;
    }
    for (int i = 0; i < 7; i++) assert_in_range(seen[i], 9600, 10400);
    for (int i = 0; i < 100; i++) assert_int_equal(rng_below(&r, 1), 0);
    /* Three quarters of 2^64: without the second draw multiples of 3 would come twice as often as the others. */
    unsigned third = 0;
    for (int i = 0; i < 10000; i++) third += rng_below(&r, UINT64_C(3) << 62) % 3 == 0;
    assert_in_range(third, 3133, 3533);
}

static void random_bytes_fills_all(void **state) {
    (void)state;
    unsigned char a[64] = {0}, b[64] = {0};
    struct err e = {0};
    assert_int_equal(random_bytes(a, sizeof a, &e), 0);
    assert_int_equal(random_bytes(b, sizeof b, &e), 0);
    assert_memory_not_equal(a, b, sizeof a);
    assert_int_equal(random_bytes(a, 0, &e), 0);
}

static void little_endian_at_any_address(void **state) {
    (void)state;
    unsigned char p[9] = {0xEE, 1, 2, 3, 4, 5, 6, 7, 0x88};
    assert_int_equal(get_u16_le(p + 1), 0x0201);
    assert_int_equal(get_u32_le(p + 1), 0x04030201);
    assert_true(get_u64_le(p + 1) == 0x8807060504030201u);
    assert_true(get_i64_le(p + 1) == (int64_t)0x8807060504030201u);
    unsigned char q[9] = {0};
    put_u16_le(q + 1, 0x0201);
    assert_memory_equal(q, ((unsigned char[]){0, 1, 2, 0}), 4);
    put_u32_le(q + 1, 0x04030201);
    assert_memory_equal(q + 1, p + 1, 4);
    put_i64_le(q + 1, (int64_t)0x8807060504030201u);
    assert_memory_equal(q + 1, p + 1, 8);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(murmur2_is_kafkas),
        cmocka_unit_test(partition_drops_the_sign_first),
        cmocka_unit_test(siphash_reference_vectors),
        cmocka_unit_test(generator_is_the_same_everywhere),
        cmocka_unit_test(below_is_even_and_in_bounds),
        cmocka_unit_test(random_bytes_fills_all),
        cmocka_unit_test(little_endian_at_any_address),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
