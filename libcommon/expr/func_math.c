/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Functions on numbers: libm's, by the names that jq's manual lists, and tests for infinities and NaN. Rounding keeps
 * integers as they are, exact over 64 bits; everything else is done in doubles. In the table of func.h.
 */
#include <math.h>

#include "expr/func.h"
#include "expr/func_text.h"

static int number_required(struct heap *h, struct value v, double *ret) {
    if (v.kind != VK_NUMBER) return throw_about(h, v, "number required");
    *ret = value_to_double(v);
    return 0;
}

/* ---- of one, two, three doubles ---- */

/* Names that libm has not, or marks as obsolete. */
static double pow10_of(double x) {
    return exp10(x);
}

static double gamma_of(double x) {
    int sign;
    return lgamma_r(x, &sign);
}

static double significand_of(double x) {
    int exponent;
    if (x == 0 || !isfinite(x)) return x;
    return frexp(x, &exponent) * 2;
}

static double drem_of(double x, double y) {
    return remainder(x, y);
}

static int to_int(double d) {
    return d >= 2147483647.0 ? INT32_MAX : d > -2147483648.0 ? (int)d : isnan(d) ? 0 : INT32_MIN;
}

static double ldexp_of(double x, double e) {
    return ldexp(x, to_int(e));
}

static double scalb_of(double x, double e) {
    return isnan(x) || isnan(e) ? NAN : x * exp2(e);
}

#define OF_ONE(name, function)                                                                                         \
    static int f_##name(struct heap *h, const struct value *args, struct value *ret) {                                 \
        double x = 0;                                                                                                  \
        int rc = number_required(h, args[0], &x);                                                                      \
        if (rc == 0) *ret = value_double(function(x));                                                                 \
        return rc;                                                                                                     \
    }

#define OF_TWO(name, function)                                                                                         \
    static int f_##name(struct heap *h, const struct value *args, struct value *ret) {                                 \
        double x = 0, y = 0;                                                                                           \
        int rc = number_required(h, args[1], &x);                                                                      \
        if (rc == 0) rc = number_required(h, args[2], &y);                                                             \
        if (rc == 0) *ret = value_double(function(x, y));                                                              \
        return rc;                                                                                                     \
    }

#define ONE_ARGUMENT(f)                                                                                                \
    f(acos, acos) f(acosh, acosh) f(asin, asin) f(asinh, asinh) f(atan, atan) f(atanh, atanh) f(cbrt, cbrt)            \
        f(cos, cos) f(cosh, cosh) f(erf, erf) f(erfc, erfc) f(exp, exp) f(exp10, exp10) f(exp2, exp2) f(expm1, expm1)  \
            f(gamma, gamma_of) f(j0, j0) f(j1, j1) f(lgamma, gamma_of) f(log, log) f(log10, log10) f(log1p, log1p)     \
                f(log2, log2) f(logb, logb) f(pow10, pow10_of) f(significand, significand_of) f(sin, sin)              \
                    f(sinh, sinh) f(sqrt, sqrt) f(tan, tan) f(tanh, tanh) f(tgamma, tgamma) f(y0, y0) f(y1, y1)

#define TWO_ARGUMENTS(f)                                                                                               \
    f(atan2, atan2) f(copysign, copysign) f(drem, drem_of) f(fdim, fdim) f(fmax, fmax) f(fmin, fmin) f(fmod, fmod)     \
        f(hypot, hypot) f(ldexp, ldexp_of) f(nextafter, nextafter) f(nexttoward, nextafter) f(pow, pow)                \
            f(remainder, remainder) f(scalb, scalb_of) f(scalbln, ldexp_of)

ONE_ARGUMENT(OF_ONE)
TWO_ARGUMENTS(OF_TWO)

static int f_fma(struct heap *h, const struct value *args, struct value *ret) {
    double x = 0, y = 0, z = 0;
    int rc = number_required(h, args[1], &x);
    if (rc == 0) rc = number_required(h, args[2], &y);
    if (rc == 0) rc = number_required(h, args[3], &z);
    if (rc == 0) *ret = value_double(fma(x, y, z));
    return rc;
}

/* The first argument is an order: a whole number. */
static int f_jn(struct heap *h, const struct value *args, struct value *ret) {
    double n = 0, x = 0;
    int rc = number_required(h, args[1], &n);
    if (rc == 0) rc = number_required(h, args[2], &x);
    if (rc == 0) *ret = value_double(jn(to_int(n), x));
    return rc;
}

static int f_yn(struct heap *h, const struct value *args, struct value *ret) {
    double n = 0, x = 0;
    int rc = number_required(h, args[1], &n);
    if (rc == 0) rc = number_required(h, args[2], &x);
    if (rc == 0) *ret = value_double(yn(to_int(n), x));
    return rc;
}

/* ---- those that leave integers alone ---- */

/* A whole double, as an integer where that is the same number: those are cheaper to print. */
static struct value whole(double d) {
    bool exact = d > -0x1p53 && d < 0x1p53 && !(d == 0 && signbit(d));
    return exact ? value_int((int64_t)d) : value_double(d);
}

/*
 * The digits before the point of a number as it stands, which is what floor and trunc make of it, if it has few digits
 * and neither a sign nor an exponent: the nearest double is whole only where the number is.
 */
static bool whole_part(struct value v, struct value *ret) {
    enum { DIGITS_MAX = 15 };
    uint32_t point = 0, end;
    if (v.form != VF_RAW || v.n > DIGITS_MAX) return false;
    while (point < v.n && (unsigned char)(v.text[point] - '0') < 10) point++;
    if (point == 0 || point == v.n || v.text[point] != '.') return false;
    for (end = point + 1; end < v.n && (unsigned char)(v.text[end] - '0') < 10;) end++;
    if (end < v.n) return false;
    *ret = value_raw(v.text, point);
    return true;
}

#define ROUNDING(name, function, cuts)                                                                                 \
    static int f_##name(struct heap *h, const struct value *args, struct value *ret) {                                 \
        if (args[0].kind != VK_NUMBER) return throw_about(h, args[0], "number required");                              \
        if (cuts && whole_part(args[0], ret)) return 0;                                                                \
        struct number n = number_of(args[0]);                                                                          \
        *ret = n.whole ? args[0] : whole(function(n.d));                                                               \
        return 0;                                                                                                      \
    }

ROUNDING(ceil, ceil, false)
ROUNDING(floor, floor, true)
ROUNDING(nearbyint, nearbyint, false)
ROUNDING(rint, rint, false)
ROUNDING(round, round, false)
ROUNDING(trunc, trunc, true)

static int absolute(struct heap *h, struct value v, const char *what, struct value *ret) {
    if (v.kind != VK_NUMBER) return throw_about(h, v, what);
    struct number n = number_of(v);
    if (n.whole ? n.i >= 0 : n.d > 0) {
        *ret = v;
    } else {
        *ret = n.whole && n.i != INT64_MIN ? value_int(-n.i) : value_double(fabs(n.d));
    }
    return 0;
}

static int f_abs(struct heap *h, const struct value *args, struct value *ret) {
    return absolute(h, args[0], "has no absolute value", ret);
}

static int f_fabs(struct heap *h, const struct value *args, struct value *ret) {
    return absolute(h, args[0], "number required", ret);
}

/* ---- those that give two numbers ---- */

static int pair(struct heap *h, struct value a, struct value b, struct value *ret) {
    struct value *items = array_alloc(h, 2);
    if (!items) return G_NOMEM;
    items[0] = a;
    items[1] = b;
    *ret = value_array(items, 2);
    return 0;
}

static int f_frexp(struct heap *h, const struct value *args, struct value *ret) {
    double x = 0;
    int exponent = 0, rc = number_required(h, args[0], &x);
    if (rc < 0) return rc;
    double fraction = isfinite(x) ? frexp(x, &exponent) : x;
    return pair(h, value_double(fraction), value_int(exponent), ret);
}

/* The fraction first, as jq has it. */
static int f_modf(struct heap *h, const struct value *args, struct value *ret) {
    double x = 0, whole;
    int rc = number_required(h, args[0], &x);
    if (rc < 0) return rc;
    double fraction = modf(x, &whole);
    return pair(h, value_double(fraction), value_double(whole), ret);
}

static int f_lgamma_r(struct heap *h, const struct value *args, struct value *ret) {
    double x = 0;
    int sign = 0, rc = number_required(h, args[0], &x);
    if (rc < 0) return rc;
    double log_gamma = lgamma_r(x, &sign);
    return pair(h, value_double(log_gamma), value_int(sign), ret);
}

/* ---- infinity, NaN ---- */

static int f_infinite(struct heap *h, const struct value *args, struct value *ret) {
    (void)h, (void)args;
    *ret = value_double(INFINITY);
    return 0;
}

static int f_nan(struct heap *h, const struct value *args, struct value *ret) {
    (void)h, (void)args;
    *ret = value_double(NAN);
    return 0;
}

#define CLASS(name, test)                                                                                              \
    static int f_##name(struct heap *h, const struct value *args, struct value *ret) {                                 \
        (void)h;                                                                                                       \
        *ret = value_bool(args[0].kind == VK_NUMBER && test(value_to_double(args[0])));                                \
        return 0;                                                                                                      \
    }

CLASS(isfinite, isfinite)
CLASS(isinfinite, isinf)
CLASS(isnan, isnan)
CLASS(isnormal, isnormal)

#define ROW_OF_ONE(name, function) {#name, 0, true, f_##name},
#define ROW_OF_TWO(name, function) {#name, 2, true, f_##name},

const struct func func_math[] = {
    ONE_ARGUMENT(ROW_OF_ONE) TWO_ARGUMENTS(ROW_OF_TWO){"abs", 0, true, f_abs},
    {"ceil", 0, true, f_ceil},
    {"fabs", 0, true, f_fabs},
    {"floor", 0, true, f_floor},
    {"fma", 3, true, f_fma},
    {"frexp", 0, true, f_frexp},
    {"infinite", 0, true, f_infinite},
    {"isfinite", 0, true, f_isfinite},
    {"isinfinite", 0, true, f_isinfinite},
    {"isnan", 0, true, f_isnan},
    {"isnormal", 0, true, f_isnormal},
    {"jn", 2, true, f_jn},
    {"lgamma_r", 0, true, f_lgamma_r},
    {"modf", 0, true, f_modf},
    {"nan", 0, true, f_nan},
    {"nearbyint", 0, true, f_nearbyint},
    {"rint", 0, true, f_rint},
    {"round", 0, true, f_round},
    {"trunc", 0, true, f_trunc},
    {"yn", 2, true, f_yn},
    {NULL, 0, false, NULL},
};
