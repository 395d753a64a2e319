/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Numbers out: doubles and whole numbers as JSON text. For the writer of computed values.
 *
 * A double is written as the shortest decimal number that reads back to the same double, and of those the one closest
 * to it, by the method of R. Giulietti, "The Schubfach way to render doubles" (2020). The form is jq's: 3, 100000, 0.1,
 * 0.0001, 1e-05, 1.5e+300. An exponent is written below 1e-4, from 1e21 on, and in between for whole numbers from 1e17
 * on that would get more than 15 zeros behind their digits: 1e+17, but 123456789012345680000. (jq also writes 1e+16,
 * and no exponent up to 32 digits.) Negative zero is -0.
 */
#ifndef LEAT_JSON_DOUBLE_H
#define LEAT_JSON_DOUBLE_H

#include <stddef.h>
#include <stdint.h>

/* What the buffers must hold. No NUL is written, and all of the buffer may be written over. */
#define JSON_DOUBLE_MAX 32
#define JSON_I64_MAX 24

/* The length of the text, at most 25. NaN and the infinities are no JSON: 0, and what to do is the caller's matter. */
size_t json_double_write(double d, char out[JSON_DOUBLE_MAX]);

/* The length of the text, at most 20. */
size_t json_i64_write(int64_t v, char out[JSON_I64_MAX]);

#endif
