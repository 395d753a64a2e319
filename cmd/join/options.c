/* SPDX-License-Identifier: Apache-2.0 */
/* The option table of `leat join`, and which words go together. See options.h. */
#include "options.h"

#include <stddef.h>

const struct option_spec join_options[] = {
    {.name = "table",
     .kind = OPTION_STRING,
     .arg = "SOURCE",
     .help = "look records up in this file, topic, or 'sqlite:FILE?table=NAME'",
     .complete = "file",
     .section = "A table",
     .offset = offsetof(struct options, table)},
    {.name = "on-table",
     .kind = OPTION_STRING,
     .arg = "EXPR",
     .help = "the key of a row (default: that of --on; of a topic, $key)",
     .offset = offsetof(struct options, on_table)},
    {.name = "many",
     .kind = OPTION_FLAG,
     .help = "join with all rows of a key, in their order, instead of the last one",
     .offset = offsetof(struct options, many)},
    {.name = "reload",
     .kind = OPTION_DURATION,
     .arg = "D",
     .help = "look this often whether the table has changed, and load it again; SIGHUP does so at once",
     .offset = offsetof(struct options, reload_ns)},
    {.name = "with",
     .kind = OPTION_STRING,
     .arg = "SOURCE",
     .help = "join with the stream of this file, FIFO or topic: the right side",
     .complete = "file",
     .section = "Another stream",
     .offset = offsetof(struct options, with)},
    {.name = "on-right",
     .kind = OPTION_STRING,
     .arg = "EXPR",
     .help = "the key of a record of the right side (default: that of --on)",
     .offset = offsetof(struct options, on_right)},
    {.name = "time-right",
     .kind = OPTION_STRING,
     .arg = "EXPR",
     .help = "where text of the right side has its event time (default: that of --time)",
     .offset = offsetof(struct options, time_right)},
    {.name = "within",
     .kind = OPTION_DURATION,
     .arg = "D",
     .help = "partners are at most this far from a record, before or after it",
     .offset = offsetof(struct options, within_ns)},
    {.name = "before",
     .kind = OPTION_DURATION,
     .arg = "D",
     .help = "partners are at most this much earlier than a record",
     .offset = offsetof(struct options, before_ns)},
    {.name = "after",
     .kind = OPTION_DURATION,
     .arg = "D",
     .help = "partners are at most this much later than a record",
     .offset = offsetof(struct options, after_ns)},
    {.name = "tumble",
     .kind = OPTION_DURATION,
     .arg = "D",
     .help = "partners are in the same window of this length",
     .offset = offsetof(struct options, tumble_ns)},
    {.name = "offset",
     .kind = OPTION_DURATION,
     .arg = "D",
     .help = "with --tumble: move where windows begin by this",
     .offset = offsetof(struct options, offset_ns)},
    {.name = "as-of",
     .kind = OPTION_FLAG,
     .help = "the partner is the last record of the key at the record's time",
     .offset = offsetof(struct options, as_of)},
    {.name = "direction",
     .kind = OPTION_CHOICE,
     .arg = "WHICH",
     .help = "with --as-of: the last one before (default), the first one after, or the nearer one",
     .choices = "backward|forward|nearest",
     .offset = offsetof(struct options, direction)},
    {.name = "tolerance",
     .kind = OPTION_DURATION,
     .arg = "D",
     .help = "with --as-of: the partner is at most this far away",
     .offset = offsetof(struct options, tolerance_ns)},
    OPTION_OUT_OF_ORDER(offsetof(struct options, out_of_order_ns), NULL, "of a side can be behind its latest one"),
    OPTION_IDLE_TIMEOUT(offsetof(struct options, idle_timeout_ns), "a side", "the other"),
    {.name = "late",
     .kind = OPTION_STRING,
     .arg = "PLACE",
     .help = "send records that come too late to this topic or file, whole and with the reason",
     .complete = "file",
     .offset = offsetof(struct options, late)},
    OPTION_EXIT(offsetof(struct options, bounded), NULL),
    {.name = "state",
     .kind = OPTION_STRING,
     .arg = "DIR",
     .help = "keep records that wait for partners there when the input ends, and go on with them next time",
     .complete = "dir",
     .offset = offsetof(struct options, state)},
    {.name = "drain",
     .kind = OPTION_FLAG,
     .help = "with --state: the end of the input is the end of event time",
     .offset = offsetof(struct options, drain)},
    OPTION_SPILL_LIMIT(offsetof(struct options, spill_limit_bytes), "what comes while the other side is waited for"),
    {.name = "on",
     .kind = OPTION_STRING,
     .arg = "EXPR",
     .help = "the key of a record, such as .user; '[.a, .b]' for several",
     .man = "The key of a record, such as\n.Ql .user ;\n.Ql \\&[.a, .b]\nfor several.",
     .section = "Both",
     .offset = offsetof(struct options, on)},
    OPTION_MAX_STATE(offsetof(struct options, max_state_bytes), "tables and records that wait"),
    {.name = "left",
     .kind = OPTION_FLAG,
     .help = "write records without a partner, too, as they are",
     .section = "Results",
     .offset = offsetof(struct options, left)},
    {.name = "right",
     .kind = OPTION_FLAG,
     .help = "write those of the right side without a partner, too",
     .offset = offsetof(struct options, right)},
    {.name = "outer",
     .kind = OPTION_FLAG,
     .help = "both --left and --right",
     .offset = offsetof(struct options, outer)},
    {.name = "anti",
     .kind = OPTION_FLAG,
     .help = "write only the records without a partner, as they are",
     .offset = offsetof(struct options, anti)},
    {.name = "unmatched",
     .kind = OPTION_STRING,
     .arg = "DEST",
     .help = "send the records without a partner to this file, FIFO or topic",
     .complete = "file",
     .offset = offsetof(struct options, unmatched)},
    {.name = "as",
     .kind = OPTION_STRING,
     .arg = "NAME",
     .help = "put the whole row into this field, instead of its fields beside those of the record",
     .offset = offsetof(struct options, as)},
    {.name = "prefix",
     .kind = OPTION_STRING,
     .arg = "TEXT",
     .help = "put this before the names of the row's fields",
     .offset = offsetof(struct options, prefix)},
    OPTION_TABLE(expr_options, offsetof(struct options, expr)),
    OPTION_TABLE(input_options, offsetof(struct options, input)),
    OPTION_TABLE(output_options, offsetof(struct options, output)),
    OPTION_TABLE(error_options, offsetof(struct options, errors)),
    OPTION_TABLE(log_options, offsetof(struct options, log)),
    OPTION_TABLE(stats_options, offsetof(struct options, stats)),
    OPTION_END,
};

/* A word that was given and the one that it belongs to. */
struct needs {
    bool given, there;
    const char *word, *needed;
};

static int check_needs(const struct needs *n, size_t count, struct err *e) {
    for (size_t i = 0; i < count; i++)
        if (n[i].given && !n[i].there) return err_set(e, G_USAGE, "%s goes with %s", n[i].word, n[i].needed);
    return 0;
}

static int check_form(const struct options *o, struct err *e) {
    if (!o->table && !o->with) return err_set(e, G_USAGE, "--table SOURCE or --with SOURCE is missing");
    if (o->table && o->with) return err_set(e, G_USAGE, "--table and --with exclude each other");
    if (!o->with) return 0;
    bool interval = o->within_ns >= 0 || o->before_ns >= 0 || o->after_ns >= 0;
    int forms = interval + (o->tumble_ns >= 0) + o->as_of;
    if (forms == 0)
        return err_set(e, G_USAGE, "say who is a partner: --within, --before, --after, --tumble or --as-of");
    if (forms > 1) return err_set(e, G_USAGE, "--within, --before or --after, --tumble and --as-of exclude each other");
    if (o->within_ns >= 0 && (o->before_ns >= 0 || o->after_ns >= 0))
        return err_set(e, G_USAGE, "--within is both --before and --after: give either");
    if (o->tumble_ns == 0) return err_set(e, G_USAGE, "--tumble: 0 is no length");
    return 0;
}

static int check_results(const struct options *o, struct err *e) {
    if (o->anti && (o->left || o->right || o->outer))
        return err_set(e, G_USAGE, "%s and --anti exclude each other",
                       o->left ? "--left" : (o->right ? "--right" : "--outer"));
    if (o->as && o->prefix) return err_set(e, G_USAGE, "--as and --prefix exclude each other");
    const char *what = o->many ? "--many" : o->as ? "--as" : o->prefix ? "--prefix" : NULL;
    if (o->anti && what) return err_set(e, G_USAGE, "%s and --anti exclude each other: no row is in the results", what);
    if (o->unmatched && (o->left || o->outer || o->anti))
        return err_set(e, G_USAGE, "--unmatched and %s exclude each other: those records are in the results",
                       o->left ? "--left" : (o->outer ? "--outer" : "--anti"));
    if (o->as_of && (o->right || o->outer))
        return err_set(e, G_USAGE, "%s and --as-of exclude each other: a record of the right side is no event there",
                       o->right ? "--right" : "--outer");
    return 0;
}

int options_check(const struct options *o, struct err *e) {
    const struct needs needs[] = {
        {o->on_table, o->table, "--on-table", "--table"},
        {o->many, o->table, "--many", "--table"},
        {o->reload_ns, o->table, "--reload", "--table"},
        {o->on_right, o->with, "--on-right", "--with"},
        {o->time_right, o->with, "--time-right", "--with"},
        {o->within_ns >= 0, o->with, "--within", "--with"},
        {o->before_ns >= 0, o->with, "--before", "--with"},
        {o->after_ns >= 0, o->with, "--after", "--with"},
        {o->tumble_ns >= 0, o->with, "--tumble", "--with"},
        {o->as_of, o->with, "--as-of", "--with"},
        {o->offset_ns, o->tumble_ns >= 0, "--offset", "--tumble"},
        {o->direction.at, o->as_of, "--direction", "--as-of"},
        {o->tolerance_ns >= 0, o->as_of, "--tolerance", "--as-of"},
        {o->out_of_order_ns >= 0, o->with, "--out-of-order", "--with"},
        {o->idle_timeout_ns >= 0, o->with, "--idle-timeout", "--with"},
        {o->late, o->with, "--late", "--with"},
        {o->bounded, o->with, "--exit", "--with"},
        {o->state, o->with, "--state", "--with"},
        {o->drain, o->state, "--drain", "--state"},
        {o->right, o->with, "--right", "--with"},
        {o->outer, o->with, "--outer", "--with"},
    };
    int g = check_form(o, e);
    if (g == 0) g = check_needs(needs, sizeof needs / sizeof *needs, e);
    if (g == 0 && !o->on) g = err_set(e, G_USAGE, "--on EXPR is missing");
    return g < 0 ? g : check_results(o, e);
}
