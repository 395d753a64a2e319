/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The powers of ten to 128 bits, for number.c (text to double) and double.c (double to text).
 *
 * Entry q is the whole part of 10^q * 2^s, where s is such that the result has its top bit in bit 127: exact for q from
 * 0 to 55, else cut off, so that the true value lies less than one unit above. The table is computed on first use by
 * exact integer arithmetic, in some tens of microseconds, from any thread.
 */
#ifndef LEAT_JSON_POW10_H
#define LEAT_JSON_POW10_H

#include <stdatomic.h>
#include <stdint.h>

#define JSON_POW10_MIN (-342)
#define JSON_POW10_MAX 324
#define JSON_POW10_EXACT_MAX 55

struct json_pow10 {
    uint64_t hi, lo;
};

/* Private: the table, and the slow half of json_pow10. */
extern struct json_pow10 json_pow10_table[JSON_POW10_MAX - JSON_POW10_MIN + 1];
extern atomic_bool json_pow10_ready;
void json_pow10_init(void);

/* q within the two bounds above. */
static inline struct json_pow10 json_pow10(int32_t q) {
    if (__builtin_expect(!atomic_load_explicit(&json_pow10_ready, memory_order_acquire), 0)) json_pow10_init();
    return json_pow10_table[q - JSON_POW10_MIN];
}

/* The whole part of log2(10^q), exact for |q| <= 1233. */
static inline int32_t json_pow10_log2(int32_t q) {
    return (q * 1741647) >> 19;
}

#endif
