/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The operators + - * / % and the sign. Numbers are as exact as can be: an operation on two integers gives an integer
 * when the result fits 64 bits (and, for /, when it divides evenly), else the nearest double. The other rules and the
 * error texts are jq's. Called by the evaluator, with two numbers mostly: that case is inline.
 */
#ifndef LEAT_EXPR_FUNC_ARITH_H
#define LEAT_EXPR_FUNC_ARITH_H

#include "expr/func_text.h"

/* Everything but two numbers. */
int value_add_other(struct heap *h, struct value a, struct value b, struct value *ret) NODISCARD;
int value_subtract_other(struct heap *h, struct value a, struct value b, struct value *ret) NODISCARD;
int value_multiply_other(struct heap *h, struct value a, struct value b, struct value *ret) NODISCARD;

static inline bool value_two_numbers(struct value a, struct value b) {
    return a.kind == VK_NUMBER && b.kind == VK_NUMBER;
}

/* null + x is x; strings, arrays are joined; in objects the right side's members win. */
NODISCARD static inline int value_add(struct heap *h, struct value a, struct value b, struct value *ret) {
    if (!value_two_numbers(a, b)) return value_add_other(h, a, b, ret);
    struct number x = number_of(a), y = number_of(b);
    int64_t sum;
    *ret = x.whole && y.whole && !__builtin_add_overflow(x.i, y.i, &sum) ? value_int(sum) : value_double(x.d + y.d);
    return 0;
}

/* Arrays: the elements of the left side that the right side has not. */
NODISCARD static inline int value_subtract(struct heap *h, struct value a, struct value b, struct value *ret) {
    if (!value_two_numbers(a, b)) return value_subtract_other(h, a, b, ret);
    struct number x = number_of(a), y = number_of(b);
    int64_t difference;
    *ret = x.whole && y.whole && !__builtin_sub_overflow(x.i, y.i, &difference) ? value_int(difference)
                                                                                : value_double(x.d - y.d);
    return 0;
}

/* A string times a number repeats it (null when the number is not above 0); objects are merged at all levels. */
NODISCARD static inline int value_multiply(struct heap *h, struct value a, struct value b, struct value *ret) {
    if (!value_two_numbers(a, b)) return value_multiply_other(h, a, b, ret);
    struct number x = number_of(a), y = number_of(b);
    int64_t product;
    *ret = x.whole && y.whole && !__builtin_mul_overflow(x.i, y.i, &product) ? value_int(product)
                                                                             : value_double(x.d * y.d);
    return 0;
}

/* A string divided by a string is split. Division by zero is an error. */
int value_divide(struct heap *h, struct value a, struct value b, struct value *ret) NODISCARD;

/* Of both sides cut to integers; the sign is the dividend's. NaN on either side gives NaN. */
int value_modulo(struct heap *h, struct value a, struct value b, struct value *ret) NODISCARD;

/* Numbers only. The integer 0 stays 0. */
int value_negate(struct heap *h, struct value a, struct value *ret) NODISCARD;

#endif
