/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The columns of a table in ClickHouse, for --create: the points tell which ones there must be, and the server gets
 * them before the batch that needs them. Used by clickhouse.c.
 *
 *     time_ns  Int64            of the point
 *     time     DateTime         the same for people, whole seconds; made by the server
 *     tags     String           '' where a point has none
 *     fields   Nullable(…)      Float64, Int64, UInt64, UInt8 for booleans, String
 *
 * The table is a ReplacingMergeTree in the order of its tags and time_ns. A tag that comes later is a column at the end
 * of that order. A field whose values no longer fit its column gets a wider one, in the end Float64.
 */
#ifndef LEAT_CMD_SINK_TSDB_CLICKHOUSE_SCHEMA_H
#define LEAT_CMD_SINK_TSDB_CLICKHOUSE_SCHEMA_H

#include "sink.h"

/* `name` in backquotes. 0 or G_NOMEM. */
int clickhouse_quote(struct buf *out, struct text name) NODISCARD;

/* A statement and the server's answer to it, which is valid until the next request; `like` has the path and headers.
 * G_WAIT: try again later; G_IO: that will not help; others as of http_send. */
int clickhouse_query(struct http *http, const struct http_request *like, const char *sql, struct text *ret,
                     struct err *e) NODISCARD;

/* What an answer means; *why gets the words of one that is no success. */
enum verdict clickhouse_verdict(const struct http_response *r, struct err *why);

struct schema;
int schema_new(struct schema **ret, const char *database, const char *table, struct err *e) NODISCARD;
void schema_free(struct schema *s); /* takes NULL */

/* The columns of a point are needed from now on. G_DATA: there are too many. In the main thread. */
int schema_note(struct schema *s, const struct point *p, struct err *e) NODISCARD;

/* They are there when this returns 0, which it does at once when they were. `settings` end the statement that makes the
 * table. As clickhouse_query. In the sender's thread. */
int schema_make(struct schema *s, struct http *http, const struct http_request *like, const char *settings,
                struct err *e) NODISCARD;

#endif
