/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A stream of made-up page views, for benchmarks, tests and first steps: `leat gen clicks`. Nothing is allocated.
 *
 * One record is one JSON object, about 222 bytes, fields always in this order:
 *
 *     {"ts":"2026-01-01T00:00:00.123Z",   event time, RFC 3339 with milliseconds
 *      "user":"u48213",                   one of `users`, a few of them busy
 *      "page":"product",                  one of 8 kinds of page
 *      "url":"/shop/product/7731",        the page, for most with a number, for some with a query
 *      "status":200,                      200 301 302 304 400 404 429 500 502 503; 500 and above 3 %
 *      "latency_ms":5.832,                up to three decimals, always one; median about 6, p99 about 350, up to 2 min
 *      "country":"DE",                    one of 20
 *      "device":{"os":"android","browser":"chrome"},
 *      "tags":["mobile","returning"],     none to three
 *      "bytes":48213}                     always the last field; 0 with 304
 *
 * Times grow evenly with `rate`, with a jitter that keeps them in order; `late_ppm` of the records carry a time that
 * is up to `late_max_ns` earlier than their place says. `bad_ppm` of the records are bad, each in one of the ways of
 * enum gen_kind; all others are what they would be without bad ones.
 */
#ifndef LEAT_GEN_CLICKS_H
#define LEAT_GEN_CLICKS_H

#include "dataset.h"

/* What is decided about a click before it is text: orders.c makes purchases of it. */
struct click {
    int64_t place_ms, ms; /* when it was, and when it says it was */
    uint64_t choices, numbers, speed;
    uint32_t user;
};

struct clicks {
    uint32_t users;
    struct rng shape; /* late and bad ones have their own, so that the options do not disturb each other */
    struct gen_clock clock;
    struct gen_late late;
    struct gen_bad bad;
    struct gen_date date;
    /* weighted choices by a random byte */
    uint8_t page[256], referrer[256], status[256], country[256], device[256], tags[256];
};

/* G_USAGE as gen_config_check. */
int clicks_init(struct clicks *c, const struct gen_config *config, struct err *e) NODISCARD;

/*
 * The next record: JSON without a newline, and its event time (for bad records the time that it should have had; for
 * GEN_FUTURE the time it says).
 */
enum gen_kind clicks_next(struct clicks *c, char out[GEN_RECORD_MAX], size_t *ret_len, int64_t *ret_time_ns);

/* The next click without its text, in the place of clicks_next. */
void click_draw(struct clicks *c, struct click *ret);

enum { CLICK_PRODUCTS = 10000 }; /* that there are pages of: 0 .. 9999 */

/* Is it a product's page that was shown (200)? Then also which. */
bool click_of_product(const struct clicks *c, const struct click *click, uint32_t *ret_product);

/* The two letters of its country, as they stand in its text. */
const char *click_country(const struct clicks *c, const struct click *click);

#endif
