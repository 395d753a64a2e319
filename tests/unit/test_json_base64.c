/* SPDX-License-Identifier: Apache-2.0 */
/* json/base64.h: the vectors of RFC 4648, every byte, and what is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/random.h"
#include "json/base64.h"

static void the_vectors_of_rfc_4648(void **state) {
    (void)state;
    static const char *const text[] = {"", "Zg==", "Zm8=", "Zm9v", "Zm9vYg==", "Zm9vYmE=", "Zm9vYmFy"};
    for (size_t n = 0; n < 7; n++) {
        struct buf b = {0}, back = {0};
        assert_int_equal(base64_encode(&b, "foobar", n), 0);
        assert_int_equal(b.len, strlen(text[n]));
        if (n) assert_memory_equal(b.data, text[n], b.len);
        assert_int_equal(base64_decode(&back, text[n], strlen(text[n])), 0);
        assert_int_equal(back.len, n);
        if (n) assert_memory_equal(back.data, "foobar", n);
        buf_release(&b);
        buf_release(&back);
    }
}

static void any_bytes_round_trip(void **state) {
    (void)state;
    struct rng r;
    rng_init(&r, 3);
    for (int round = 0; round < 20000; round++) {
        unsigned char bytes[100];
        struct buf b = {0}, back = {0};
        size_t n = rng_below(&r, sizeof(bytes));
        for (size_t i = 0; i < n; i++) bytes[i] = (unsigned char)rng_next(&r);
        assert_int_equal(buf_puts(&back, "+"), 0);
        assert_int_equal(base64_encode(&b, bytes, n), 0);
        assert_int_equal(b.len, (n + 2) / 3 * 4);
        assert_int_equal(base64_decode(&back, n ? b.data : "", b.len), 0);
        assert_int_equal(back.len, n + 1);
        assert_memory_equal(back.data + 1, bytes, n);
        buf_release(&b);
        buf_release(&back);
    }
}

static void other_text_is_refused_and_leaves_the_buffer(void **state) {
    (void)state;
    static const char *const bad[] = {"Z",    "Zg",   "Zg=",  "Zm9vY", "Z===", "====",     "Zh==",      "Zm9=",
                                      "Zm 9", "Zm9-", "Zm9_", "=Zm9",  "Z=g=", "Zg==Zg==", "Zm9v\n===", "Zm9vZm9\xFF"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
        struct buf b = {0};
        assert_int_equal(buf_puts(&b, "+"), 0);
        assert_int_equal(base64_decode(&b, bad[i], strlen(bad[i])), G_DATA);
        assert_int_equal(b.len, 1);
        buf_release(&b);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_vectors_of_rfc_4648),
        cmocka_unit_test(any_bytes_round_trip),
        cmocka_unit_test(other_text_is_refused_and_leaves_the_buffer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
