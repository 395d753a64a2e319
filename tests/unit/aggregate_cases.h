/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the tests of aggregate functions share: samples, and the check that a result does not depend on the order in
 * which they come, on the parts that are merged, nor on parts having been saved and loaded.
 */
#ifndef LEAT_TESTS_UNIT_AGGREGATE_CASES_H
#define LEAT_TESTS_UNIT_AGGREGATE_CASES_H

#include "base/random.h"
#include "state/aggregate.h"

struct sample {
    struct cell cell;
    int64_t time;
};

struct sample sample_none(void);
struct sample sample_int(int64_t i);
struct sample sample_double(double d);
struct sample sample_bool(bool b); /* for functions that take truth */
struct sample sample_text(const char *text);
struct sample sample_at(int64_t time, struct sample s);

/* A double of any size: denormal ones, zeros of both signs and whole numbers come often. */
double random_double(struct rng *r);

/* The call, its constant being JSON text or NULL. */
struct aggregate aggregate_call(const char *name, unsigned arguments, const char *constant);

/*
 * The result is `expected` (NULL: whatever it is) in this order; and it is the same, and so are the saved bytes, in
 * `rounds` random orders, each cut at random into parts, some of which are saved and loaded, and that are merged in
 * random order. Everything goes back to the arena. The window of rates is 4 s long.
 */
void assert_aggregate(struct aggregate a, const struct sample *samples, size_t n, const char *expected,
                      unsigned rounds);

/* The saved form is refused when it is cut short, anywhere; with a byte changed it is refused or loads as something
 * that can be used. */
void assert_save_is_checked(struct aggregate a, const struct sample *samples, size_t n);

#endif
