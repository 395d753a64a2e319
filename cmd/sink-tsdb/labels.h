/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What Prometheus calls the series of a point: for each field a metric name, and for all of them the same labels. Used
 * by prometheus.c and openmetrics.c.
 *
 * A metric is called `measurement_field`, and `measurement` for the field `value`. A character that is not one of
 * a-z A-Z 0-9 _ (and : in metric names) becomes `_`, and a name that begins with a digit gets a `_` in front. Two names
 * that become the same are refused, as is the label `__name__`, which the metric's name has. Strings are no values:
 * such fields are left out.
 */
#ifndef LEAT_CMD_SINK_TSDB_LABELS_H
#define LEAT_CMD_SINK_TSDB_LABELS_H

#include "sink.h"

struct label {
    struct text name, value;
};

struct metric {
    struct text name;
    double value; /* booleans are 1 and 0, NULL is a stale marker */
};

/* One is used for point after point; a zeroed one is ready. */
struct labels {
    struct label *label; /* by name */
    struct metric *metric;
    size_t label_count, metric_count;
    size_t label_cap, metric_cap;
    struct buf names; /* what the names are views into */
};
void labels_release(struct labels *l);

/* Those of the point, until the next one. G_DATA: two names become one, or no field is a number. */
int labels_make(struct labels *l, const struct point *p, struct err *e) NODISCARD;

/* How many labels come before one of this name. */
size_t labels_before(const struct labels *l, struct text name);

/* The bit pattern that says that a series ends here. */
double stale_marker(void);
bool is_stale_marker(double d);

/* `name{label="value",…}`, without braces when there is no label; in values backslash, quote and newline are escaped.
 * 0 or G_NOMEM. */
int series_append(struct buf *out, struct text name, const struct label *label, size_t count) NODISCARD;

/* Of that `{label="value"` for the first one, else `,label="value"`. */
int label_append(struct buf *out, const struct label *l, bool first) NODISCARD;

/* The value of a sample: the shortest text that reads back, or NaN. */
int sample_append(struct buf *out, double value) NODISCARD;

#endif
