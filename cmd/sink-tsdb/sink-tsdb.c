/* SPDX-License-Identifier: Apache-2.0 */
/*
 * leat sink-tsdb: records as points into a time-series database. Here is what it is asked for, and the run; run.c has
 * what happens to records and barriers, sink.h says where the rest is.
 */
#include <stdlib.h>
#include <unistd.h>

#include "run.h"

#include "cli/diag.h"
#include "cli/expr_options.h"
#include "cli/letters.h"
#include "cli/stage_options.h"
#include "sys/signals.h"

#define BATCH_BYTES (1u << 20)

struct options {
    const char *measurement, *tags, *fields, *real;
    uint64_t batch;
    int64_t flush_ns;
    const char *retry_for, *credentials;
    bool create, dry_run;
    struct expr_options expr;
    struct input_options input;
    struct error_options errors;
    struct log_options log;
    struct stats_options stats;
};

static const struct option_spec option_table[] = {
    {.name = "measurement",
     .kind = OPTION_STRING,
     .arg = "NAME|EXPR",
     .help = "what the points are called (default: the topic, else 'metrics')",
     .section = "Points",
     .offset = offsetof(struct options, measurement)},
    {.name = "tags",
     .kind = OPTION_STRING,
     .arg = "LIST",
     .help = "these are the tags: 'country, os: .device.os'",
     .offset = offsetof(struct options, tags)},
    {.name = "fields",
     .kind = OPTION_STRING,
     .arg = "LIST",
     .help = "these are the fields: 'n, slow: (.ms > 500)'",
     .offset = offsetof(struct options, fields)},
    {.name = "real",
     .kind = OPTION_STRING,
     .arg = "LIST",
     .help = "fields whose integers are written as reals, or 'all' (default for InfluxDB), or 'none'",
     .offset = offsetof(struct options, real)},
    {.name = "batch",
     .kind = OPTION_NUMBER,
     .arg = "N",
     .help = "points that go together (default 10000)",
     .min = 1,
     .max = 1000000,
     .section = "Delivery",
     .offset = offsetof(struct options, batch)},
    {.name = "flush",
     .kind = OPTION_DURATION,
     .arg = "D",
     .help = "no point waits longer for others (default 1s)",
     .offset = offsetof(struct options, flush_ns)},
    {.name = "retry-for",
     .kind = OPTION_STRING,
     .arg = "D",
     .help = "try so long to deliver a batch, or 'forever' (default 5m)",
     .offset = offsetof(struct options, retry_for)},
    {.name = "create",
     .kind = OPTION_FLAG,
     .help = "make the table, if it is not there (ClickHouse)",
     .offset = offsetof(struct options, create)},
    {.name = "credentials",
     .kind = OPTION_STRING,
     .arg = "FILE",
     .help = "user, password and token are in this file",
     .complete = "file",
     .offset = offsetof(struct options, credentials)},
    {.name = "dry-run",
     .kind = OPTION_FLAG,
     .help = "print what would be sent, and connect to nothing",
     .offset = offsetof(struct options, dry_run)},
    OPTION_TABLE(expr_options, offsetof(struct options, expr)),
    OPTION_TABLE(input_options, offsetof(struct options, input)),
    OPTION_TABLE(error_options, offsetof(struct options, errors)),
    OPTION_TABLE(log_options, offsetof(struct options, log)),
    OPTION_TABLE(stats_options, offsetof(struct options, stats)),
    OPTION_END,
};

static const struct tool_spec tool = {
    .name = "sink-tsdb",
    .summary = "write records to a time-series database",
    .operands = "URL [FILE...]",
    .complete = "url file",
    .operands_min = 1,
    .operands_max = OPERANDS_ANY,
    .options = option_table,
    .description = "Makes a point of each record of the files, or of standard input, and writes it to the database: "
                   "sqlite:[FILE], influx://HOST/DB, influx2://HOST/ORG/BUCKET, prometheus://HOST, "
                   "clickhouse://HOST/DB.TABLE, openmetrics:FILE or lines:-.",
    .examples = "  leat window --tumble 1m --time .ts -g .page '{n: count}' clicks.json |\n"
                "    leat sink-tsdb sqlite:metrics.db\n"
                "  leat sink-tsdb lines:- --tags page --fields ms --time .ts clicks.json",
};

/* ---- options ---- */

static int parse_retry(const char *text, int64_t *ret, struct err *e) {
    *ret = 5 * NS_PER_MINUTE;
    if (!text) return 0;
    if (strcmp(text, "forever") == 0) {
        *ret = -1;
        return 0;
    }
    int g = duration_parse(text, strlen(text), 0, ret, e);
    return g < 0 ? err_prefix(e, "--retry-for: ") : 0;
}

static int prepare_points(struct tsdb *s, const struct options *o, struct err *e) {
    const enum dest_kind kind = s->url.kind;
    bool influx = kind == DEST_INFLUX || kind == DEST_INFLUX2; /* a mean that is whole would make a field of integers */
    const struct mapping_config config = {
        .measurement = o->measurement,
        .tags = o->tags,
        .fields = o->fields,
        .real = o->real  ? o->real
                : influx ? "all"
                         : "none",
        .time = o->input.time,
        .time_format = o->input.time_format,
        .time_zone = o->input.tz,
        .nulls = (kind == DEST_SQLITE && !o->dry_run) || kind == DEST_CLICKHOUSE || kind == DEST_PROMETHEUS ||
                 kind == DEST_OPENMETRICS,
    };
    return mapping_init(&s->mapping, &config, expr_engine_of(&o->expr), e);
}

static int prepare(struct tsdb *s, const struct options *o, const char *url, struct stage_config *c, struct err *e) {
    int g = url_parse(&s->url, url, e);
    if (g == 0) g = url_credentials(&s->url, o->credentials, e);
    if (g == 0) g = input_config(&o->input, &c->input, e);
    if (g == 0) g = prepare_points(s, o, e);
    if (g == 0) g = repeats_init(&s->repeats, e);
    error_config(&o->errors, c);
    c->no_output = true;
    c->distrust_blocks = true; /* others rely on what is in a database */
    s->config = (struct dest_config){.url = s->url.shown,
                                     .batch_points = o->batch,
                                     .batch_bytes = BATCH_BYTES,
                                     .flush_ns = o->flush_ns,
                                     .create = o->create,
                                     .dry_run = o->dry_run,
                                     .dry_fd = STDOUT_FILENO,
                                     .refused = tsdb_refused,
                                     .notice = tsdb_notice,
                                     .ctx = s,
                                     .totals = &s->totals};
    if (g == 0) g = parse_retry(o->retry_for, &s->config.retry_for_ns, e);
    if (g == 0 && o->create && s->url.kind != DEST_CLICKHOUSE)
        g = err_set(e, G_USAGE, "--create is for clickhouse://; '%s' needs none", s->url.shown);
    return g;
}

/* ---- the run ---- */

/* The database of the log, where the URL names none. */
static int find_database(struct tsdb *s, const struct options *o, struct log *log, struct err *e) {
    if (s->url.kind != DEST_SQLITE || s->url.path[0] || o->dry_run) return 0;
    int g = log->root < 0 ? log_open(log, o->log.dir, true, o->log.force_fs, e) : 0;
    if (g < 0) return g;
    return asprintf(&s->url.path[0], "%s/metrics.db", log->path) < 0 ? err_nomem(e) : 0;
}

static int open_dest(struct tsdb *s, struct err *e) {
    switch (s->url.kind) {
    case DEST_SQLITE:
        return s->config.dry_run ? lines_open(&s->dest, &s->url, &s->config, e)
                                 : sqlite_open(&s->dest, &s->url, &s->config, e);
    case DEST_OPENMETRICS: return openmetrics_open(&s->dest, &s->url, &s->config, e);
    case DEST_LINES: return lines_open(&s->dest, &s->url, &s->config, e);
    case DEST_INFLUX:
    case DEST_INFLUX2:
    case DEST_PROMETHEUS:
    case DEST_CLICKHOUSE: break;
    }
    return server_open(&s->dest, &s->url, &s->config, e);
}

/* What the destination writes is in one folder: SQLite has files beside its own, and others are renamed. The
 * thread that talks to a server is in a sandbox of its own. */
static void enter_sandbox(const struct tsdb *s, struct stage_config *c, const char *log_path) {
    const char *file = s->url.host ? NULL : s->url.path[0];
    if (file && strcmp(file, "-") != 0) c->output.file = file;
    stage_sandbox(c, log_path);
}

static int run(struct tsdb *s, const struct options *o, struct stage_config *c, struct err *e) {
    struct log log = LOG_CLOSED;
    struct stage stage;
    int g = letters_open(c, &log, &o->errors, &o->log, e);
    if (g == 0) g = find_database(s, o, &log, e);
    if (g == 0) g = open_dest(s, e);
    if (g == 0) {
        s->stage = &stage;
        enter_sandbox(s, c, log.path);
        g = stage_run(&stage, c, &tsdb_stage_ops, s, e);
        g = tsdb_close(s, g, e);
        tsdb_tell(s);
    }
    return letters_close(c, &log, g, e);
}

int main(int argc, char **argv) {
    struct options o = {.batch = 10000, .flush_ns = NS_PER_S};
    struct arguments args;
    char *secret = NULL, *holder = NULL;
    for (int i = 1; i < argc && !secret; i++)
        if ((secret = url_conceal(argv[i]))) holder = argv[i];
    int code = option_begin(&tool, argc, argv, &o, &args);
    struct tsdb *s = code < 0 ? calloc(1, sizeof *s) : NULL;
    struct stage_config config = {0};
    struct err e = {0};
    int g = s || code >= 0 ? 0 : err_nomem(&e);
    if (s) {
        s->checkpoint = s->ahead = -1;
        signals_init(true);
        stage_config_common(&config, tool.name, argc, argv, &args, &s->progress);
        config.files++; /* the first operand is the URL */
        config.file_count--;
        s->common_tick = config.tick;
        config.tick = tsdb_tick;
        if (secret && holder == args.operand[0])
            diag_warn("a password or token was on the command line, and is in the history of the shell: "
                      "leat-sink-tsdb(1), CREDENTIALS");
        g = prepare(s, &o, secret && holder == args.operand[0] ? secret : args.operand[0], &config, &e);
    }
    if (secret) explicit_bzero(secret, strlen(secret));
    free(secret);
    if (code >= 0) return code;
    if (g == 0 && o.expr.explain) {
        g = mapping_explain(&s->mapping, &e);
    } else if (g == 0) {
        s->progress.end_bytes = input_bytes(config.files, config.file_count);
        progress_begin(&s->progress, &o.stats);
        g = run(s, &o, &config, &e);
        tsdb_count(s);
        progress_end(&s->progress);
    }
    if (s) tsdb_release(s);
    free(s);
    option_end(&tool, &o, &args);
    return stage_exit(g, &e);
}
