/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The parts of `leat sink-tsdb`. A record becomes a point (mapping.c), and a destination takes points: SQLite
 * (sqlite.c), OpenMetrics text (openmetrics.c), line protocol on stdout (lines.c), or one of the servers, which differ
 * in their encoder only (influx.c, prometheus.c, clickhouse.c) and share batches, retries and the search for what a
 * server refuses (send.c, over net/http.h).
 *
 *     record → point → destination → accepted, or refused with its words → bad-record policy
 */
#ifndef LEAT_CMD_SINK_TSDB_H
#define LEAT_CMD_SINK_TSDB_H

#include "net/http.h"
#include "stream/stage.h"

/* ---- points: views into the record in hand and the mapping's memory, until the next one is made ---- */

struct text {
    const char *p;
    size_t n;
};

/* NULL is what the record has where a value was or will be: no value now. Only SQLite (NULL), ClickHouse (NULL),
 * Prometheus (a stale marker) and OpenMetrics (the series is left out) get such fields; for the others the mapping
 * leaves them out. */
enum field_type { FIELD_INTEGER, FIELD_UNSIGNED, FIELD_NUMBER, FIELD_BOOLEAN, FIELD_STRING, FIELD_NULL };

struct field {
    struct text name;
    enum field_type type;
    union {
        int64_t integer;
        uint64_t magnitude; /* UNSIGNED: beyond INT64_MAX */
        double number;      /* finite */
        bool boolean;
        struct text string;
    };
};

struct tag {
    struct text name, value; /* value is not empty */
};

/* `t` between two `quote`s: these and the backslash get a backslash; with `newlines`, a newline becomes \n. 0 or
 * G_NOMEM. */
static inline int text_quote(struct buf *out, struct text t, char quote, bool newlines) {
    if (buf_reserve(out, 2 * t.n + 2) < 0) return G_NOMEM;
    buf_putc_fast(out, quote);
    for (size_t i = 0; i < t.n; i++) {
        bool newline = newlines && t.p[i] == '\n';
        if (newline || t.p[i] == quote || t.p[i] == '\\') buf_putc_fast(out, '\\');
        buf_putc_fast(out, newline ? 'n' : t.p[i]);
    }
    buf_putc_fast(out, quote);
    return 0;
}

/* One measurement at one time. Names are UTF-8, not empty, in the order of the record, and all different; text may have
 * any character but U+0000 in it. A destination that has no such type (Prometheus: strings) leaves the field out, and
 * takes a point with no field left for G_DATA. */
struct point {
    struct text measurement;
    const struct tag *tags;
    size_t tag_count;
    const struct field *fields; /* at least one */
    size_t field_count;
    int64_t time; /* ns since 1970 UTC, TIME_MIN to TIME_MAX */
};

/* ---- destinations ---- */

struct totals {
    uint64_t sent, accepted, refused, in_flight; /* points; sent counts each once, repeated or not */
    uint64_t retries;
};

/* What the command line says about all of them. */
struct dest_config {
    const char *url;      /* without secrets, for messages */
    size_t batch_points;  /* --batch */
    size_t batch_bytes;   /* encoded */
    int64_t flush_ns;     /* --flush: no point waits longer than this */
    int64_t retry_for_ns; /* --retry-for: below 0 for ever */
    bool create;          /* --create */
    bool dry_run;         /* print what would be sent to `dry_fd`, connect to nothing */
    int dry_fd;
    /* A point that the destination refuses: called in the main thread, from put, flush, poll or barrier. `e` has the
     * words. 0: go on; else the run ends with it. */
    int (*refused)(void *ctx, const struct block_header *like, const struct record *r, const char *where,
                   struct err *e);
    /* Words for people: the server is away, it is back. Any thread. */
    void (*notice)(void *ctx, const struct err *what);
    void *ctx;
    struct totals *totals; /* kept by the destination, in the main thread */
};

/* A checkpoint of a pipeline, from `start` and `barrier` control blocks. */
struct checkpoint {
    const char *pipeline;
    int64_t number;
};

struct dest {
    const struct dest_ops *ops;
};

struct dest_ops {
    /* The point, made from `r`, of source `like` and place `where` (for messages). It may wait: back pressure. G_DATA:
     * this destination cannot hold such a point (it goes to the bad-record policy). */
    int (*put)(struct dest *d, const struct block_header *like, const struct record *r, const char *where,
               const struct point *p, struct err *e);
    /* Whatever is there is sent, and acknowledged when this returns. */
    int (*flush)(struct dest *d, struct err *e);
    /* Now and then, and when the input is idle: takes in answers. Returns 0 or an error; *ret_wake_ns: call it again
     * after this long at the latest, below 0: no need. */
    int (*poll)(struct dest *d, int64_t *ret_wake_ns, struct err *e);
    /* All points before are safe when this returns, and with them that the pipeline got here, in one atomic unit where
     * the destination can do that. */
    int (*barrier)(struct dest *d, const struct checkpoint *c, struct err *e);
    /* The newest checkpoint of this pipeline that is safe here; -1: none. NULL: the destination keeps none. */
    int (*reached)(struct dest *d, const char *pipeline, int64_t *ret, struct err *e);
    /* Ends and frees it; `completed`: the input came to its end (openmetrics publishes only then). */
    int (*close)(struct dest *d, bool completed, struct err *e);
};

/* Each takes the parsed URL. */
struct url;
int sqlite_open(struct dest **ret, const struct url *u, const struct dest_config *c, struct err *e) NODISCARD;
int openmetrics_open(struct dest **ret, const struct url *u, const struct dest_config *c, struct err *e) NODISCARD;
int lines_open(struct dest **ret, const struct url *u, const struct dest_config *c, struct err *e) NODISCARD;

/* ---- url.c: where to ---- */

enum dest_kind {
    DEST_SQLITE,
    DEST_INFLUX,
    DEST_INFLUX2,
    DEST_PROMETHEUS,
    DEST_OPENMETRICS,
    DEST_CLICKHOUSE,
    DEST_LINES
};

/* `kind[+tls]://[user[:password]@]host[:port][/path][?name=value&…]`, or `kind:PATH`. user, password and token are also
 * from the environment or a file (leat-sink-tsdb(1), CREDENTIALS), and are complete when a destination is opened.
 * Parameters: url.c knows which ones a kind has (influx: rp; clickhouse: any setting of the server) and refuses others.
 */
struct url {
    enum dest_kind kind;
    bool tls;
    char *host;    /* without brackets */
    unsigned port; /* 0: the default of the kind */
    char *path[2]; /* database; org and bucket; database and table; whole path of prometheus; PATH of files */
    char *user, *password, *token;
    char *shown;            /* the URL without secrets, for messages */
    char **names, **values; /* other parameters, decoded; count */
    size_t count;
};
int url_parse(struct url *u, const char *text, struct err *e) NODISCARD;
void url_release(struct url *u);                              /* wipes secrets; takes a zeroed one */
const char *url_value(const struct url *u, const char *name); /* of a parameter; NULL: it is not there */

/* ---- encoders: what servers differ in ---- */

enum verdict {
    VERDICT_ACCEPTED,
    VERDICT_RETRY,   /* later: 5xx, 429, no connection, no answer */
    VERDICT_REFUSED, /* something in the batch is bad: halves are tried, down to the single points */
    VERDICT_FATAL    /* nothing will be accepted: no such database, no permission */
};

struct encoder {
    const struct encoder_ops *ops;
};

struct encoder_ops {
    /* Append the point to a batch. What is appended for several points one behind the other makes the body of a request
     * for them. G_DATA: it cannot be said in this protocol. */
    int (*encode)(struct encoder *x, const struct point *p, struct buf *out, struct err *e);
    /* The body as it goes out: compressed, framed. `out` is cleared first; called by the sender's thread, behind
     * prepare(). It may change the path of the `constant` request, which is read after that. */
    int (*body)(struct encoder *x, const char *encoded, size_t n, struct buf *out, struct err *e);
    /* The answer; `why` gets the server's own words, made safe and short by the caller. `points` of the request. */
    enum verdict (*judge)(struct encoder *x, const struct http_response *r, size_t points, struct err *why);
    /* Behind a refusal by judge(): 1, all of these points are there already, as they are; 0, they are not, or that
     * cannot be told; G_WAIT: try again. May be NULL. Called by the sender's thread. */
    int (*is_there)(struct encoder *x, struct http *http, const char *encoded, size_t n, struct err *e);
    /* Text for --dry-run of an encoding; NULL: it is text itself. */
    int (*show)(struct encoder *x, const char *encoded, size_t n, struct buf *out, struct err *e);
    /* Before each batch, and at once 0 when there is nothing to do: create the table, add the columns that came since,
     * find the server's version. May be NULL. Called by the sender's thread; G_WAIT: the server is not there yet, try
     * again. */
    int (*prepare)(struct encoder *x, struct http *http, struct err *e);
    /* Before each body(), for those with deduplication tokens: the checkpoint behind us (its pipeline is NULL while
     * there is none) and a hash of what body() will get, so that a token stands for its content. May be NULL. Called by
     * the sender's thread. */
    void (*token)(struct encoder *x, const struct checkpoint *c, uint64_t batch);
    void (*free)(struct encoder *x);
};

/* The first line of an answer, for judge(): at most 200 bytes of it. */
static inline struct text answer_line(const struct http_response *r) {
    size_t n = 0, limit = r->size < 200 ? r->size : 200;
    while (n < limit && r->body[n] != '\n' && r->body[n] != '\r') n++;
    return (struct text){r->body, n};
}

/* They fill in the request's constant parts (path, headers) as well; what these point to is theirs. clickhouse has the
 * user and password in headers, and no basic authentication beside them. */
int influx_encoder(struct encoder **ret, const struct url *u, struct http_request *constant, struct err *e) NODISCARD;
int prometheus_encoder(struct encoder **ret, const struct url *u, struct http_request *constant,
                       struct err *e) NODISCARD;
int clickhouse_encoder(struct encoder **ret, const struct url *u, const struct dest_config *c,
                       struct http_request *constant, struct err *e) NODISCARD;

/* send.c: any of these servers. */
int server_open(struct dest **ret, const struct url *u, const struct dest_config *c, struct err *e) NODISCARD;

/* lines.c: a point as line protocol, with the newline; used by influx.c, too. */
int line_append(struct buf *out, const struct point *p, struct err *e) NODISCARD;

#endif
