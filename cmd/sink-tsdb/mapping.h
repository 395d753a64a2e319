/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From a record to a point, by the rules of leat-sink-tsdb(1), POINTS: what is a tag, what a field, which time. For a
 * record of ordinary size nothing is allocated; the point is a view into the record and into the mapping's memory.
 */
#ifndef LEAT_CMD_SINK_TSDB_MAPPING_H
#define LEAT_CMD_SINK_TSDB_MAPPING_H

#include "expr/aggregates.h"
#include "expr/record_field.h"
#include "sink.h"

#define MAPPING_FIELDS_MAX 1000u     /* tags and fields of a point, together */
#define MAPPING_NAME_MAX_BYTES 1024u /* of a name */
#define MAPPING_DEPTH_MAX 8u         /* objects in objects that are looked into */

struct mapping_config {
    const char *measurement, *tags, *fields;    /* as on the command line; NULL: not given */
    const char *real;                           /* --real, with its default */
    const char *time, *time_format, *time_zone; /* the same */
    bool nulls;                                 /* the destination has them */
};

/* What --tags and --fields name. */
struct mapping_list {
    bool given;
    struct expr_group *item;
    size_t count;
};

struct mapping {
    struct expr_set *set;
    struct expr_run *run; /* NULL: no expression is used */
    const char *measurement;
    struct expr *measurement_expr;
    struct mapping_list tags, fields;
    struct time_field time;
    const char *time_member; /* which the time is, and no tag or field; NULL: none is */
    const char *real;        /* NULL: none */
    bool all_real, nulls, scans;
    uint64_t seen, empty; /* records; those without a field */
    /* the last window's start */
    char start_text[64];
    size_t start_size;
    int64_t start_ns;
    /* the point in hand */
    const struct stage *stage;
    const struct record *record;
    bool nested;     /* a name was put together */
    bool update;     /* it is an early result of a window, a change or a correction */
    struct buf text; /* of names and values that do not lie in the record as they are */
    struct tag tag[MAPPING_FIELDS_MAX];
    struct field field[MAPPING_FIELDS_MAX];
    size_t tag_count, field_count;
    struct err *e;
};

int mapping_init(struct mapping *m, const struct mapping_config *c, enum expr_engine engine, struct err *e) NODISCARD;
void mapping_release(struct mapping *m); /* takes a zeroed one */
int mapping_explain(const struct mapping *m, struct err *e) NODISCARD;

/* 1: *ret is the point of the record in hand, until the next call; 0: it has no field; G_DATA; G_USAGE: no record of
 * this input has a time. */
int mapping_point(struct mapping *m, const struct stage *s, const struct record *r, struct point *ret,
                  struct err *e) NODISCARD;

#endif
