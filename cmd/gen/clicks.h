/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A stream of made-up page views, for benchmarks, tests and first steps: `leat gen clicks`. The same configuration
 * gives the same bytes on every machine: integers only. No system calls, nothing allocated.
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
 * enum clicks_kind; all others are what they would be without bad ones.
 */
#ifndef LEAT_GEN_CLICKS_H
#define LEAT_GEN_CLICKS_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/random.h"

enum { CLICKS_MAX = 512, CLICKS_PPM = 1000000 };

struct clicks_config {
    uint64_t seed;
    int64_t start_ns;  /* time of the first record */
    uint32_t rate;     /* records to a second of event time, 1 to 1e9 */
    uint32_t users;    /* 1 to 1e9 */
    uint32_t late_ppm; /* of a million records */
    uint32_t bad_ppm;
    int64_t late_max_ns; /* at least 1 ms when late_ppm is not 0 */
};

/* Seed 0, from 2026-01-01T00:00:00Z, 100 records a second, 100,000 users, 5 % late by up to 5 s, none bad. */
void clicks_defaults(struct clicks_config *c);

/* What a record is. All but CLICK_GOOD are bad. */
enum clicks_kind {
    CLICK_GOOD,
    CLICK_CUT,       /* the JSON stops somewhere */
    CLICK_UTF8,      /* a byte that UTF-8 cannot have, in a string */
    CLICK_CONTROL,   /* a bare control character in a string */
    CLICK_DUPLICATE, /* `status` twice */
    CLICK_TYPE,      /* latency_ms is a string */
    CLICK_NAN,       /* latency_ms is NaN */
    CLICK_NO_TIME,   /* ts is no time */
    CLICK_FUTURE,    /* ts is in the year 2196 */
    CLICK_TEXT,      /* no JSON at all */
    CLICKS_KINDS
};

enum { CLICKS_DATE = 18 }; /* {"ts":"2026-01-01T */

struct clicks {
    struct clicks_config config;
    struct rng shape, late, bad;       /* one each, so that the options do not disturb each other */
    int64_t next_ns;                   /* time of the next record, without jitter */
    uint64_t step_ns, step_rest, rest; /* 1 s / rate, its remainder, remainders so far */
    int64_t date_begin_ms;             /* the day that `date` is for */
    char date[CLICKS_DATE + 1];
    /* weighted choices by a random byte */
    uint8_t page[256], referrer[256], status[256], country[256], device[256], tags[256];
};

/* G_USAGE when a value is outside what is said above. */
int clicks_init(struct clicks *c, const struct clicks_config *config, struct err *e) NODISCARD;

/*
 * The next record: JSON without a newline, and its event time (for bad records the time that it should have had; for
 * CLICK_FUTURE the time it says). Times stop growing at the end of 2261.
 */
enum clicks_kind clicks_next(struct clicks *c, char out[CLICKS_MAX], size_t *ret_len, int64_t *ret_time_ns);

#endif
