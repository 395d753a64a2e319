/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The parts of `leat chart`: points of series (series.c) out of records (points.c), axes with round numbers (axis.c),
 * and what is drawn: lines on a canvas of cells (lines.c), bars and small lines (rows.c), and SVG (svg.c).
 */
#ifndef LEAT_CMD_CHART_H
#define LEAT_CMD_CHART_H

#include "base/buf.h"
#include "base/hashmap.h"
#include "base/timezone.h"
#include "expr/record_field.h"
#include "stream/stage.h"

/* ---- series.c ---- */

struct series {
    char *name; /* made safe to show; may be empty */
    size_t name_size;
    double *x, *y; /* by x */
    size_t count, cap;
    double last; /* the y that came last */
};

struct chart_data {
    struct series *series;   /* as they came: that is their colour and sign */
    struct series **by_name; /* as they are listed: numbers first, by their size */
    size_t count, series_max, points_max;
    struct hashmap names;
    uint64_t left_out; /* points of series beyond the most */
    bool x_is_time;    /* ns as doubles: exact to a quarter of a microsecond, which no chart shows */
};

int data_init(struct chart_data *d, size_t series_max, size_t points_max, struct err *e) NODISCARD;
void data_release(struct chart_data *d);
/* A point at the x of another one of its series takes its place. When there are too many, the first ones go. */
int data_add(struct chart_data *d, const char *name, size_t n, double x, double y, struct err *e) NODISCARD;
/* What all points are within; false: there is none. */
struct extent {
    double x_min, x_max, y_min, y_max;
};
bool data_extent(const struct chart_data *d, struct extent *ret);

/* ---- axis.c ---- */

enum { TICKS_MAX = 64, TICK_TEXT_MAX = 40 };
struct tick {
    double at;
    char text[TICK_TEXT_MAX];
};
struct axis {
    double min, max; /* min < max */
    struct tick ticks[TICKS_MAX];
    size_t count;
};

/* About so many ticks at round numbers; `snug`: the axis ends at the data, else at ticks. */
void axis_numbers(struct axis *a, double min, double max, unsigned wanted, bool snug);
/* At round times of the zone (NULL: UTC). */
void axis_times(struct axis *a, double min, double max, unsigned wanted, const struct time_zone *zone);
/* A number as short as it can be told at this distance of ticks. */
void number_text(char out[TICK_TEXT_MAX], double v, double step);

/* ---- what it looks like ---- */

struct look {
    unsigned width, height; /* in characters */
    bool ascii, color;
    const char *title; /* NULL: none */
    const struct time_zone *zone;
};
enum { COLORS = 8 };
extern const char *const color_svg[COLORS];        /* "#0072b2" */
extern const unsigned char color_terminal[COLORS]; /* of 256 */

/* Each appends the whole chart, lines with newlines. 0 or G_NOMEM. */
int draw_lines(const struct chart_data *d, const struct look *look, struct buf *out) NODISCARD;
int draw_bars(const struct chart_data *d, const struct look *look, struct buf *out) NODISCARD;
int draw_sparks(const struct chart_data *d, const struct look *look, struct buf *out) NODISCARD;
int draw_svg(const struct chart_data *d, const struct look *look, bool bars, struct buf *out) NODISCARD;

/* For all in text: a series' colour on and off, what is behind the chart (how many are left out). */
int color_begin(const struct look *look, size_t series, struct buf *out) NODISCARD;
int color_end(const struct look *look, struct buf *out) NODISCARD;
int title_and_rest(const struct chart_data *d, const struct look *look, bool behind, struct buf *out) NODISCARD;

/* ---- points.c ---- */

struct points {
    struct chart_data *data;
    struct expr_set *set;
    struct expr_run *run;
    struct expr *x, *y, *by;
    struct time_field x_time;
    struct time_field time;
    struct buf name;
    uint64_t number;
    bool drawn; /* the screen shows all points */
};

/* The record's point, if it has one. G_DATA: a bad record. */
int points_add(struct points *p, struct stage *s, const struct record *r, struct err *e) NODISCARD;

#endif
