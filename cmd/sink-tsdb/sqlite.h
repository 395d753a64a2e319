/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The parts of the SQLite destination: the database and what is in it (sqlite_catalog.c), the series of points
 * (sqlite_series.c), and batches of rows as transactions (sqlite.c). leat-sink-tsdb(1), SQLITE, has the tables.
 *
 *     put: names → columns (a transaction of its own, where one is new) → a row in memory
 *     apply: BEGIN, new series, rows, the checkpoint, COMMIT; all of it again while the database is locked or full
 */
#ifndef LEAT_CMD_SINK_TSDB_SQLITE_H
#define LEAT_CMD_SINK_TSDB_SQLITE_H

#include <sqlite3.h>

#include "base/hashmap.h"
#include "sink.h"

#define DB_COLUMNS_MAX 1900u     /* of a measurement; SQLite has 2,000 for a view */
#define DB_SERIES_MAX (1u << 20) /* remembered; more are looked up again */
#define DB_SHAPES_MAX 256u       /* prepared inserts */

/* ---- sqlite_catalog.c ---- */

struct column {
    char *name;
    size_t name_size;
    char *sql; /* what it is called in the database */
    bool tag;
};

struct measurement {
    char *name;
    size_t name_size;
    char *view; /* its tables are the same with _points and _series behind */
    int64_t id;
    struct column *columns;
    size_t count;
    struct hashmap series;       /* encoded tags → slot */
    sqlite3_stmt *series_find;   /* by key */
    sqlite3_stmt *series_insert; /* with the tags of ... */
    struct buf series_tags;
};

struct catalog {
    sqlite3 *db;
    const char *file;
    struct measurement **list; /* those that were seen */
    size_t count;
    struct hashmap names; /* name → place in the list */
};

/* G_WAIT: the database is locked or the disk is full, try again; G_USAGE: it is not ours. */
int catalog_open(struct catalog *c, const char *file, struct err *e) NODISCARD;
void catalog_close(struct catalog *c); /* takes a zeroed one */

/* The grade and the words of an SQLite error. */
int db_failed(const struct catalog *c, int rc, struct err *e);
int db_run(const struct catalog *c, const char *sql, struct err *e) NODISCARD;
int db_prepare(const struct catalog *c, sqlite3_stmt **ret, struct err *e, const char *fmt, ...) NODISCARD;
/* One row: *ret is its integer; `missing` where there is none. Finalizes the statement. */
int db_integer(const struct catalog *c, sqlite3_stmt *s, int64_t missing, int64_t *ret, struct err *e) NODISCARD;

/* NULL: it has not been seen yet. */
struct measurement *catalog_find(const struct catalog *c, struct text name);
const struct column *measurement_column(const struct measurement *m, struct text name, bool tag);

/* What the point needs and is not there: tables, columns, the view; of null fields nothing. A transaction of its own
 * unless `inside` one. G_DATA: too many columns; G_WAIT. */
int catalog_extend(struct catalog *c, const struct point *p, bool inside, struct err *e) NODISCARD;

/* ---- sqlite_series.c ---- */

struct series {
    int64_t *ids; /* by slot */
    size_t count, cap;
    struct buf encoded; /* of a point's tags */
    struct buf pending; /* what apply has to look up: slot, measurement, tags */
    struct buf key;
};

/* 1: the series of a point is known; 0: it is not, and can be added once the columns of its tags are there. */
int series_find(struct series *s, const struct measurement *m, const struct point *p, uint32_t *ret_slot,
                struct err *e) NODISCARD;
int series_add(struct series *s, struct measurement *m, uint32_t *ret_slot, struct err *e) NODISCARD;
/* In a transaction: each pending one gets its id, for as long as that stays. */
int series_resolve(struct series *s, const struct catalog *c, struct err *e) NODISCARD;
void series_committed(struct series *s);                                         /* the ids stay */
int series_forget(struct series *s, struct catalog *c, struct err *e) NODISCARD; /* nothing may be pending */
void series_release(struct series *s);

#endif
