/* SPDX-License-Identifier: Apache-2.0 */
/*
 * CRC-32C: the vectors of RFC 3720, every path against the tables at every alignment and length, pieces, and joining.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/crc32c.h"
#include "base/random.h"

/* One bit at a time, straight from the definition. */
static uint32_t crc32c_by_bits(const unsigned char *p, size_t n) {
    uint32_t crc = 0xFFFFFFFFu;
    for (size_t i = 0; i < n; i++) {
        crc ^= p[i];
        for (int bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >> 1) ^ 0x82F63B78u : crc >> 1;
    }
    return ~crc;
}

static void fill(unsigned char *p, size_t n, uint64_t seed) {
    struct rng r;
    rng_init(&r, seed);
    for (size_t i = 0; i < n; i++) p[i] = (unsigned char)rng_next(&r);
}

static void rfc_3720_vectors(void **state) {
    (void)state;
    unsigned char zeros[32] = {0}, ones[32], up[32], down[32];
    const unsigned char iscsi_read[48] = {0x01, 0xC0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,    0, 0, 0, 0,
                                          0x14, 0,    0, 0, 0, 0, 4, 0, 0, 0, 0, 0x14, 0, 0, 0, 0x18,
                                          0x28, 0,    0, 0, 0, 0, 0, 0, 2, 0, 0, 0,    0, 0, 0, 0};
    memset(ones, 0xFF, sizeof ones);
    for (int i = 0; i < 32; i++) {
        up[i] = (unsigned char)i;
        down[i] = (unsigned char)(31 - i);
    }
    assert_int_equal(crc32c(0, "123456789", 9), 0xE3069283u);
    assert_int_equal(crc32c(0, zeros, 32), 0x8A9136AAu);
    assert_int_equal(crc32c(0, ones, 32), 0x62A8AB43u);
    assert_int_equal(crc32c(0, up, 32), 0x46DD794Eu);
    assert_int_equal(crc32c(0, down, 32), 0x113FDB5Cu);
    assert_int_equal(crc32c(0, iscsi_read, 48), 0xD9963A56u);
    assert_int_equal(crc32c(0, NULL, 0), 0);
    assert_int_equal(crc32c(0x12345678u, NULL, 0), 0x12345678u);
}

static void all_paths_agree_at_all_alignments_and_lengths(void **state) {
    (void)state;
    enum { LENGTHS = 1001, ALIGNMENTS = 64 };
    unsigned char *p = malloc(LENGTHS + ALIGNMENTS);
    assert_non_null(p);
    fill(p, LENGTHS + ALIGNMENTS, 1);
    assert_non_null(crc32c_path(CRC32C_PORTABLE));
    for (size_t align = 0; align < ALIGNMENTS; align++) {
        for (size_t n = 0; n < LENGTHS; n++) {
            uint32_t expected = crc32c_path(CRC32C_PORTABLE)((uint32_t)n * 77, p + align, n);
            if (align == 3) assert_int_equal(crc32c(0, p + align, n), crc32c_by_bits(p + align, n));
            for (int path = 0; path < CRC32C_PATHS; path++) {
                crc32c_fn *fn = crc32c_path((enum crc32c_path)path);
                if (fn != NULL) assert_int_equal(fn((uint32_t)n * 77, p + align, n), expected);
            }
            assert_int_equal(crc32c((uint32_t)n * 77, p + align, n), expected);
        }
    }
    free(p);
}

static void all_paths_agree_on_long_texts(void **state) {
    (void)state;
    enum { SIZE = 300000 };
    unsigned char *p = malloc(SIZE);
    assert_non_null(p);
    fill(p, SIZE, 2);
    for (size_t n = 1000; n <= SIZE - 7; n = n * 9 / 7 + 1) {
        uint32_t expected = crc32c_by_bits(p + 7, n);
        for (int path = 0; path < CRC32C_PATHS; path++) {
            crc32c_fn *fn = crc32c_path((enum crc32c_path)path);
            if (fn != NULL) assert_int_equal(fn(0, p + 7, n), expected);
        }
    }
    free(p);
}

static void can_be_continued(void **state) {
    (void)state;
    unsigned char p[700];
    fill(p, sizeof p, 3);
    uint32_t whole = crc32c(0, p, sizeof p);
    for (size_t cut = 0; cut <= sizeof p; cut++)
        assert_int_equal(crc32c(crc32c(0, p, cut), p + cut, sizeof p - cut), whole);
}

static uint32_t combine(uint32_t crc_a, uint32_t crc_b, uint64_t len_b) {
    return crc32c_combine_op(crc_a, crc_b, crc32c_shift_op(len_b));
}

static void combine_joins_two_texts(void **state) {
    (void)state;
    unsigned char p[5000];
    fill(p, sizeof p, 4);
    uint32_t whole = crc32c(0, p, sizeof p);
    for (size_t cut = 0; cut <= sizeof p; cut += 13) {
        uint32_t a = crc32c(0, p, cut), b = crc32c(0, p + cut, sizeof p - cut);
        assert_int_equal(combine(a, b, sizeof p - cut), whole);
    }
    assert_int_equal(combine(0xDEADBEEFu, 0, 0), 0xDEADBEEFu);
}

/* Lengths that no test can hold: moving over a and then b is moving over a + b, for every bit of the length. */
static void combine_takes_lengths_of_64_bits(void **state) {
    (void)state;
    for (int bit = 0; bit < 63; bit++) {
        uint64_t half = 1ull << bit;
        uint32_t twice = combine(combine(0x12345678u, 0, half), 0, half);
        assert_int_equal(combine(0x12345678u, 0, half * 2), twice);
    }
    uint32_t parts = combine(combine(0x12345678u, 0, UINT64_MAX - 12345), 0, 12345);
    assert_int_equal(combine(0x12345678u, 0, UINT64_MAX), parts);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rfc_3720_vectors),
        cmocka_unit_test(all_paths_agree_at_all_alignments_and_lengths),
        cmocka_unit_test(all_paths_agree_on_long_texts),
        cmocka_unit_test(can_be_continued),
        cmocka_unit_test(combine_joins_two_texts),
        cmocka_unit_test(combine_takes_lengths_of_64_bits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
