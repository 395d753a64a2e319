/* SPDX-License-Identifier: Apache-2.0 */
/* base/utf8.h: every code point, every kind of ill-formed sequence, and both paths against a slow oracle. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <sys/mman.h>

#include "base/random.h"
#include "base/utf8.h"

static void every_code_point_round_trips(void **state) {
    (void)state;
    for (uint32_t cp = 0; cp <= 0x10FFFF; cp++) {
        char out[4];
        uint32_t back = 0;
        if (cp >= 0xD800 && cp <= 0xDFFF) continue;
        unsigned n = utf8_encode(cp, out);
        assert_int_equal(n, cp < 0x80 ? 1 : cp < 0x800 ? 2 : cp < 0x10000 ? 3 : 4);
        assert_int_equal(utf8_decode(out, n, &back), n);
        assert_int_equal(back, cp);
        if (n > 1) assert_int_equal(utf8_decode(out, n - 1, &back), 0);
    }
}

static void ill_formed_sequences_decode_to_nothing(void **state) {
    (void)state;
    static const char *const bad[] = {
        "\x80",
        "\xBF",
        "\xC0\x80",
        "\xC1\xBF",
        "\xC2",
        "\xC2\x20",
        "\xE0\x80\x80",
        "\xE0\x9F\xBF",
        "\xED\xA0\x80",
        "\xED\xBF\xBF",
        "\xE1\x80",
        "\xE1\x80\x20",
        "\xE1\x20\x80",
        "\xF0\x80\x80\x80",
        "\xF0\x8F\xBF\xBF",
        "\xF4\x90\x80\x80",
        "\xF5\x80\x80\x80",
        "\xF1\x80\x80",
        "\xF1\x80\x80\x20",
        "\xF1\x80\x20\x80",
        "\xF1\x20\x80\x80",
        "\xFE",
        "\xFF",
        "\xF8\x88\x80\x80\x80",
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
        uint32_t cp;
        size_t n = strlen(bad[i]);
        assert_int_equal(utf8_decode(bad[i], n, &cp), 0);
        /* In the midst of long good text, at any place of a block, both paths name its first byte. */
        for (size_t at = 0; at < 200; at++) {
            char text[300];
            memset(text, 'x', sizeof(text));
            memcpy(text + at, bad[i], n);
            assert_int_equal(utf8_validate_with(UTF8_PORTABLE, text, sizeof(text)), at);
            assert_int_equal(utf8_validate_with(UTF8_AVX2, text, sizeof(text)), at);
            /* And at the very end. */
            assert_int_equal(utf8_validate(text, at + n), at);
            /* The same where the text is not ASCII before, so that the blocks are looked at in full. */
            if (at < 2) continue;
            memcpy(text, "\xC3\xA9", 2);
            assert_int_equal(utf8_validate_with(UTF8_PORTABLE, text, sizeof(text)), at);
            assert_int_equal(utf8_validate_with(UTF8_AVX2, text, sizeof(text)), at);
        }
    }
}

static void cut_text_ends_at_a_whole_character(void **state) {
    (void)state;
    char text[400];
    for (size_t i = 0; i < sizeof(text); i += 4) memcpy(text + i, "\xF0\x9F\x98\x80", 4);
    for (size_t n = 0; n <= sizeof(text); n++) {
        assert_int_equal(utf8_validate_with(UTF8_PORTABLE, text, n), n / 4 * 4);
        assert_int_equal(utf8_validate_with(UTF8_AVX2, text, n), n / 4 * 4);
    }
}

/* The table of RFC 3629, section 4, by itself. */
static size_t oracle(const unsigned char *s, size_t n) {
    size_t i = 0;
    while (i < n) {
        unsigned char c = s[i], low = 0x80, high = 0xBF;
        size_t more = c < 0x80                 ? 0
                      : c >= 0xC2 && c <= 0xDF ? 1
                      : c >= 0xE0 && c <= 0xEF ? 2
                      : c >= 0xF0 && c <= 0xF4 ? 3
                                               : 9;
        if (c == 0xE0) low = 0xA0;
        if (c == 0xED) high = 0x9F;
        if (c == 0xF0) low = 0x90;
        if (c == 0xF4) high = 0x8F;
        if (more == 9 || n - i <= more) return i;
        for (size_t k = 1; k <= more; k++) {
            if (s[i + k] < low || s[i + k] > high) return i;
            low = 0x80;
            high = 0xBF;
        }
        i += 1 + more;
    }
    return n;
}

/* A text that ends where an unreadable page begins. */
static void both_paths_agree_with_the_table_at_a_page_end(void **state) {
    (void)state;
    struct rng r;
    rng_init(&r, 11);
    char *page = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_true(page != MAP_FAILED);
    assert_int_equal(mprotect(page + 4096, 4096, PROT_NONE), 0);
    for (int round = 0; round < 200000; round++) {
        size_t n = rng_below(&r, 300);
        char *text = page + 4096 - n;
        uint64_t mode = rng_below(&r, 4);
        for (size_t i = 0; i < n;) {
            char out[4];
            uint32_t cp = (uint32_t)rng_below(&r, mode == 0   ? 0x80
                                                  : mode == 1 ? 0x800
                                                  : mode == 2 ? 0x10000
                                                              : 0x110000);
            if (rng_below(&r, 3) == 0) cp = 'a';
            if (cp >= 0xD800 && cp <= 0xDFFF) cp = 0xD7FF;
            unsigned k = utf8_encode(cp, out);
            if (k > n - i) k = (unsigned)(n - i);
            memcpy(text + i, out, k);
            i += k;
        }
        for (uint64_t k = rng_below(&r, 3); k > 0 && n > 0; k--) text[rng_below(&r, n)] = (char)rng_next(&r);
        size_t expect = oracle((const unsigned char *)text, n);
        assert_int_equal(utf8_validate_with(UTF8_PORTABLE, text, n), expect);
        assert_int_equal(utf8_validate_with(UTF8_AVX2, text, n), expect);
    }
    munmap(page, 8192);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_code_point_round_trips),
        cmocka_unit_test(ill_formed_sequences_decode_to_nothing),
        cmocka_unit_test(cut_text_ends_at_a_whole_character),
        cmocka_unit_test(both_paths_agree_with_the_table_at_a_page_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
