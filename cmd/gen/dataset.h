/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the data sets of `leat gen` share: their configuration, their times, and how a record is spoiled. The same
 * configuration gives the same bytes on every machine: integers only, no system calls.
 *
 * A data set is a struct, its _init, and its _next, which makes one record: JSON without a newline, and its event time.
 */
#ifndef LEAT_GEN_DATASET_H
#define LEAT_GEN_DATASET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/random.h"

enum { GEN_RECORD_MAX = 512, GEN_PPM = 1000000 };

struct gen_config {
    uint64_t seed;
    int64_t start_ns;  /* time of the first record */
    uint32_t rate;     /* records to a second of event time, 1 to 1e9 */
    uint32_t users;    /* 1 to 1e9 */
    uint32_t sensors;  /* 1 to 1e9 */
    uint32_t late_ppm; /* of a million records */
    uint32_t bad_ppm;
    int64_t late_max_ns; /* at least 1 ms when late_ppm is not 0 */
};

/* Seed 0, from 2026-01-01T00:00:00Z, 100 a second, 100,000 users, 20 sensors, 5 % late by up to 5 s, none bad. */
void gen_config_defaults(struct gen_config *c);

/* G_USAGE when a value is outside what is said above. */
int gen_config_check(const struct gen_config *c, struct err *e) NODISCARD;

/* --- Times ------------------------------------------------------------------------------------------------------- */

#define GEN_LAST_MS (INT64_C(9214646400) * 1000 - 1) /* 2261 ends */

/* Times that grow evenly with the rate. They stop growing a second before the last one. */
struct gen_clock {
    int64_t next_ns; /* of the next record, without jitter */
    uint32_t rate;
    uint64_t step_ns, step_rest, rest; /* 1 s / rate, its remainder, remainders so far */
};

void gen_clock_init(struct gen_clock *c, const struct gen_config *config);
void gen_clock_skip(struct gen_clock *c, int64_t until_ns); /* leave out the time up to there */
bool gen_clock_stopped(const struct gen_clock *c);

/* The next time in milliseconds, with a jitter that keeps times in order: so much of 2^32 of a step. */
int64_t gen_clock_next_ms(struct gen_clock *c, uint32_t jitter);

/* Which records are late, and by how much: the time that a record says. */
struct gen_late {
    struct rng rng;
    uint32_t ppm;
    uint64_t max_ms;
};

void gen_late_init(struct gen_late *l, const struct gen_config *config);
int64_t gen_late_ms(struct gen_late *l, int64_t ms);

/* The beginning of a record, {"ts":"2026-01-01T00:00:00.123Z, with what it has of the day kept for the next one. */
enum { GEN_DATE = 18 };
struct gen_date {
    int64_t begin_ms; /* the day that `text` is for */
    char text[GEN_DATE + 1];
};

void gen_date_init(struct gen_date *d, int64_t ns);
char *gen_put_time(struct gen_date *d, char *p, int64_t ms);

/* --- Bad records ------------------------------------------------------------------------------------------------- */

/* What a record is. All but GEN_GOOD are bad. */
enum gen_kind {
    GEN_GOOD,
    GEN_CUT,       /* the JSON stops somewhere */
    GEN_UTF8,      /* a byte that UTF-8 cannot have, in a string */
    GEN_CONTROL,   /* a bare control character in a string */
    GEN_DUPLICATE, /* a key twice */
    GEN_TYPE,      /* a number is a string */
    GEN_NAN,       /* a number is NaN */
    GEN_NO_TIME,   /* ts is no time */
    GEN_FUTURE,    /* ts is in the year 2196 */
    GEN_TEXT,      /* no JSON at all */
    GEN_KINDS
};

/* Where a record can be spoiled. */
struct gen_places {
    char *text;                /* a byte in a string */
    char *number, *number_end; /* a number */
    const char *twice;         /* a key that it has, and how it ends then: ,"status":200} */
    bool timeless;             /* it has no ts: some other kinds take the place of those of times */
};

struct gen_bad {
    struct rng rng;
    uint32_t ppm;
};

void gen_bad_init(struct gen_bad *b, const struct gen_config *config);

/* Spoil the record from begin to *end, or not. *end and, for a time far ahead, *time_ns change with it. */
enum gen_kind gen_spoil(struct gen_bad *b, char *begin, char **end, const struct gen_places *at, int64_t *time_ns);

#endif
