/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Points that take the place of another one: they have the measurement, time, tags and names of fields of a point that
 * came shortly before, and other values. Equal points do no harm, and of a window's result an early one, a change and a
 * correction are there to be replaced or to replace. For run.c, which tells how many there were.
 */
#ifndef LEAT_CMD_SINK_TSDB_REPEATS_H
#define LEAT_CMD_SINK_TSDB_REPEATS_H

#include "sink.h"

#define REPEATS_POINTS 10000u /* that are known; with one more all of them are forgotten */

struct repeats_hashes {
    uint64_t point; /* 0: none */
    uint64_t says;  /* 0: something that is there to be replaced, or to replace */
};

struct repeats {
    struct repeats_hashes *known; /* by `point` */
    size_t count;
    struct repeats_hashes hand; /* of the point in hand */
    uint64_t seed[2];
    uint64_t replaced; /* points whose place was taken */
};

int repeats_init(struct repeats *r, struct err *e) NODISCARD;
void repeats_release(struct repeats *r); /* takes a zeroed one */

/* This is the point in hand (`update`: an early result of a window, a change or a correction); and, if the destination
 * has taken it, it counts. Two calls, as the table, which is out of the cache behind each batch, has time to come
 * meanwhile. */
void repeats_take(struct repeats *r, const struct point *p, bool update);
void repeats_note(struct repeats *r);

#endif
