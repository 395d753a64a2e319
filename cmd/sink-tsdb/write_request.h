/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The messages of Prometheus remote write 1.0, by their published types:
 *
 *     WriteRequest  1: TimeSeries …
 *     TimeSeries    1: Label …        2: Sample …
 *     Label         1: name           2: value
 *     Sample        1: value, double  2: milliseconds since 1970, int64
 *
 * They are written by hand: a library would want a tree of allocated structures for each point. Used by prometheus.c.
 */
#ifndef LEAT_CMD_SINK_TSDB_WRITE_REQUEST_H
#define LEAT_CMD_SINK_TSDB_WRITE_REQUEST_H

#include "sink.h"

/* Append a label of a series. 0 or G_NOMEM, as all of them. */
int write_label(struct buf *out, struct text name, struct text value) NODISCARD;

/* Append a TimeSeries with one sample. Its labels, already encoded, are the three texts one behind the other. Several
 * series one behind the other are a WriteRequest. */
int write_series(struct buf *out, const struct text labels[3], double value, int64_t ms) NODISCARD;

/* A series that write_series wrote, in its parts. */
struct written {
    struct text labels, sample; /* encoded */
    double value;
    int64_t ms;
};

/* The next one of *p, which moves behind it. false at the end. */
bool written_next(const char **p, const char *end, struct written *ret);

/* The next label of its labels. */
bool written_label(const char **p, const char *end, struct text *ret_name, struct text *ret_value);

/* The samples of a series, in the order of time, each time once. */
struct write_group {
    const struct written *first;
    size_t count;
};

/* What is kept from request to request; a zeroed one is ready. */
struct write_order {
    struct written *series;
    struct write_group *group;
    size_t cap;
    size_t groups; /* series of the request in hand */
};
void write_order_release(struct write_order *w);

/* Find the groups of an encoding, which stays where it is: that with the earliest sample first. Of several samples of a
 * series at one time the last one stays. 0 or G_NOMEM. */
int write_order_find(struct write_order *w, const char *encoded, size_t n) NODISCARD;

/*
 * Append the groups of an encoding, each as one series, as Prometheus wants them: it drops what is out of order within
 * a request without a word, and of the first request that it ever gets refuses what is older by an hour than its first
 * sample.
 */
int write_ordered(struct write_order *w, const char *encoded, size_t n, struct buf *out) NODISCARD;

#endif
