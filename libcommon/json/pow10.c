/* SPDX-License-Identifier: Apache-2.0 */
/* The powers of ten to 128 bits. See pow10.h. */
#include "json/pow10.h"

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

/* 5^324 has 753 bits; 2^959 / 5^342 keeps 165 of 960. Limbs of 32 bits, lowest first. */
#define LIMBS 30U

struct json_pow10 json_pow10_table[JSON_POW10_MAX - JSON_POW10_MIN + 1];
atomic_bool json_pow10_ready;

/* The 128 bits from the highest one that is set; zeros below the number. */
static struct json_pow10 top_bits(const uint32_t limb[LIMBS]) {
    uint32_t w[5] = {0};
    size_t n = LIMBS;
    while (limb[n - 1] == 0) n--;
    for (size_t i = 0; i < 5 && i < n; i++) w[i] = limb[n - 1 - i];
    int shift = __builtin_clz(w[0]);
    uint64_t hi = (uint64_t)w[0] << 32 | w[1];
    uint64_t lo = (uint64_t)w[2] << 32 | w[3];
    if (shift == 0) return (struct json_pow10){hi, lo};
    return (struct json_pow10){hi << shift | lo >> (64 - shift), lo << shift | w[4] >> (32 - shift)};
}

static void times_5(uint32_t limb[LIMBS]) {
    uint64_t carry = 0;
    for (size_t i = 0; i < LIMBS; i++) {
        carry += (uint64_t)limb[i] * 5;
        limb[i] = (uint32_t)carry;
        carry >>= 32;
    }
}

static void divide_by_5(uint32_t limb[LIMBS]) {
    uint64_t rest = 0;
    for (size_t i = LIMBS; i-- > 0;) {
        rest = rest << 32 | limb[i];
        limb[i] = (uint32_t)(rest / 5);
        rest %= 5;
    }
}

/*
 * 10^q and 5^q have the same bits, 10^-q and 2^959 / 5^q too; and cutting off after each division by 5 gives what
 * cutting off once, after the last, would give.
 */
static void table_make(void) {
    uint32_t up[LIMBS] = {1};
    uint32_t down[LIMBS] = {[LIMBS - 1] = (uint32_t)1 << 31};
    for (int32_t q = 0; q <= JSON_POW10_MAX; q++) {
        json_pow10_table[q - JSON_POW10_MIN] = top_bits(up);
        times_5(up);
    }
    for (int32_t q = -1; q >= JSON_POW10_MIN; q--) {
        divide_by_5(down);
        json_pow10_table[q - JSON_POW10_MIN] = top_bits(down);
    }
    atomic_store_explicit(&json_pow10_ready, true, memory_order_release);
}

void json_pow10_init(void) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, table_make);
}
