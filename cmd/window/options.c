/* SPDX-License-Identifier: Apache-2.0 */
/* The option table of `leat window`, and what the words mean. See options.h. */
#include "options.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#define PARTS_MAX 10000 /* partial aggregates of one sliding count window */

const struct option_spec window_options[] = {
    {.name = "tumble",
     .kind = OPTION_STRING,
     .arg = "D",
     .help = "windows of this length, one behind the other: a duration, or day, week, month, year",
     .section = "Windows",
     .offset = offsetof(struct options, tumble)},
    {.name = "hop",
     .kind = OPTION_DURATION,
     .arg = "D",
     .help = "windows of this length, one at each --slide",
     .offset = offsetof(struct options, hop_ns)},
    {.name = "slide",
     .kind = OPTION_STRING,
     .arg = "D|N",
     .help = "with --hop: a duration, the distance of their starts; with --count: so many records",
     .offset = offsetof(struct options, slide)},
    {.name = "session",
     .kind = OPTION_DURATION,
     .arg = "GAP",
     .help = "windows of records of a group that are no further apart than this",
     .offset = offsetof(struct options, session_ns)},
    {.name = "max",
     .kind = OPTION_DURATION,
     .arg = "D",
     .help = "with --session: no session is longer than this",
     .offset = offsetof(struct options, max_ns)},
    {.name = "count",
     .kind = OPTION_NUMBER,
     .arg = "N",
     .help = "windows of so many records of a group, in the order of event time",
     .min = 1,
     .max = UINT64_MAX,
     .offset = offsetof(struct options, count)},
    {.name = "cumulate",
     .kind = OPTION_DURATION,
     .arg = "D",
     .help = "windows that grow by --step until they are this long, and begin again",
     .offset = offsetof(struct options, cumulate_ns)},
    {.name = "step",
     .kind = OPTION_DURATION,
     .arg = "D",
     .help = "with --cumulate: how much they grow",
     .offset = offsetof(struct options, step_ns)},
    {.name = "all",
     .kind = OPTION_FLAG,
     .help = "one window of all records, with times or without, which ends with the input",
     .offset = offsetof(struct options, all)},
    {.name = "offset",
     .kind = OPTION_DURATION,
     .arg = "D",
     .help = "move where windows begin by this",
     .offset = offsetof(struct options, offset_ns)},
    {.letter = 'g',
     .name = "group",
     .kind = OPTION_STRING,
     .arg = "EXPR,...",
     .help = "a window for each different value of these; '{name: EXPR}' gives names",
     .man = "A window for each different value of these;\n.Ql {name: EXPR}\ngives names.",
     .offset = offsetof(struct options, group)},
    OPTION_OUT_OF_ORDER(offsetof(struct options, out_of_order_ns), "Event time",
                        "can be behind the latest one: windows wait so long"),
    {.name = "grace",
     .kind = OPTION_DURATION,
     .arg = "D",
     .help = "how long after its result a window takes late records, each of which gives a correction (default 0)",
     .offset = offsetof(struct options, grace_ns)},
    OPTION_IDLE_TIMEOUT(offsetof(struct options, idle_timeout_ns), "a source", "windows"),
    {.name = "max-ahead",
     .kind = OPTION_STRING,
     .arg = "D",
     .help = "a record whose time is further ahead of the clock is a bad one (default 1d; 'none')",
     .offset = offsetof(struct options, max_ahead)},
    {.name = "late",
     .kind = OPTION_STRING,
     .arg = "PLACE",
     .help = "send late records to this topic or file, whole and with the reason",
     .complete = "file",
     .offset = offsetof(struct options, late)},
    {.name = "emit",
     .kind = OPTION_CHOICE,
     .arg = "WHAT",
     .help = "results when windows are complete, or at each change, too",
     .choices = "final|changes",
     .section = "Results and state",
     .offset = offsetof(struct options, emit)},
    {.name = "early-every",
     .kind = OPTION_DURATION,
     .arg = "D",
     .help = "results so far of what has changed, each time when event time has gone so far",
     .offset = offsetof(struct options, early_ns)},
    OPTION_MAX_STATE(offsetof(struct options, max_state_bytes), "windows that are not complete"),
    {.name = "state",
     .kind = OPTION_STRING,
     .arg = "DIR",
     .help = "keep windows that are not complete at the end there, and go on with them next time",
     .complete = "dir",
     .offset = offsetof(struct options, state)},
    {.name = "drain",
     .kind = OPTION_FLAG,
     .help = "with --state: the end completes all windows, as it does without",
     .offset = offsetof(struct options, drain)},
    {.name = "explain",
     .kind = OPTION_FLAG,
     .help = "print what runs for each record and for each result; read no input",
     .offset = offsetof(struct options, explain)},
    OPTION_TABLE(input_options, offsetof(struct options, input)),
    OPTION_TABLE(output_options, offsetof(struct options, output)),
    OPTION_TABLE(error_options, offsetof(struct options, errors)),
    OPTION_TABLE(log_options, offsetof(struct options, log)),
    OPTION_TABLE(stats_options, offsetof(struct options, stats)),
    OPTION_END,
};

static int duration(const char *option, const char *text, int64_t *ret, struct err *e) {
    int g = duration_parse(text, strlen(text), 0, ret, e);
    return g < 0 ? err_prefix(e, "%s: ", option) : 0;
}

/* ---- kinds ---- */

static bool calendar_unit(const char *word, enum span_unit *ret) {
    static const char *const units[] = {"day", "week", "month", "year"};
    for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
        if (strcmp(word, units[i]) != 0) continue;
        *ret = (enum span_unit)i;
        return true;
    }
    return false;
}

static int apply_tumble(const struct options *o, struct window *w, struct err *e) {
    enum span_unit unit;
    int64_t size;
    if (calendar_unit(o->tumble, &unit)) {
        int g = o->input.tz ? time_zone_load(o->input.tz, &w->zone, e) : 0;
        return g < 0 ? g : spans_init_calendar(&w->spans, unit, o->offset_ns, w->zone, e);
    }
    int g = duration("--tumble", o->tumble, &size, e);
    if (g == G_USAGE) {
        struct err why = *e;
        return err_set(e, g, "%s (or day, week, month, year)", why.text);
    }
    return g < 0 ? g : spans_init(&w->spans, SPAN_TUMBLE, size, 0, o->offset_ns, e);
}

static int apply_hop(const struct options *o, struct window *w, struct err *e) {
    int64_t slide;
    if (!o->slide) return err_set(e, G_USAGE, "--hop needs --slide, the distance of the windows");
    int g = duration("--slide", o->slide, &slide, e);
    return g < 0 ? g : spans_init(&w->spans, SPAN_HOP, o->hop_ns, slide, o->offset_ns, e);
}

static int apply_cumulate(const struct options *o, struct window *w, struct err *e) {
    if (o->step_ns < 0) return err_set(e, G_USAGE, "--cumulate needs --step, by which the windows grow");
    return spans_init(&w->spans, SPAN_CUMULATE, o->cumulate_ns, o->step_ns, o->offset_ns, e);
}

/* Sessions and counts have spans only to say which times they can have. */
static int apply_session(const struct options *o, struct window *w, struct err *e) {
    w->kind = &sessions_ops;
    w->sessions.gap = o->session_ns;
    w->sessions.max = o->max_ns >= 0 ? o->max_ns : INT64_MAX;
    w->pending.strict = o->max_ns >= 0;
    if (o->max_ns == 0) return err_set(e, G_USAGE, "--max: no session can be that short");
    return spans_init(&w->spans, SPAN_TUMBLE, o->max_ns > o->session_ns ? o->max_ns : o->session_ns, 0, 0, e);
}

static uint64_t common_divisor(uint64_t a, uint64_t b) {
    return b ? common_divisor(b, a % b) : a;
}

static int apply_count(const struct options *o, struct window *w, struct err *e) {
    char *end = NULL;
    w->kind = &counts_ops;
    w->pending.strict = true;
    w->counts.size = w->counts.slide = o->count;
    errno = 0;
    if (o->slide) w->counts.slide = strtoull(o->slide, &end, 10);
    if (o->slide && (*end || errno || w->counts.slide == 0 || o->slide[0] < '0' || o->slide[0] > '9'))
        return err_set(e, G_USAGE, "--slide: '%s' is no number of records", o->slide);
    w->counts.part = common_divisor(w->counts.size, w->counts.slide);
    if (w->counts.size / w->counts.part > PARTS_MAX)
        return err_set(e, G_USAGE, "--count and --slide make a window of %" PRIu64 " parts; at most %d are possible",
                       w->counts.size / w->counts.part, PARTS_MAX);
    return spans_init(&w->spans, SPAN_TUMBLE, NS_PER_S, 0, 0, e);
}

/* Words that belong to another kind mean that somebody had something else in mind. */
static int check_words(const struct options *o, struct err *e) {
    bool hop = o->hop_ns >= 0, session = o->session_ns >= 0, cumulate = o->cumulate_ns >= 0;
    int kinds = !!o->tumble + hop + session + !!o->count + cumulate + o->all;
    if (kinds == 0)
        return err_set(e, G_USAGE,
                       "say which windows: --tumble, --hop, --session, --count, --cumulate, or --all for one of "
                       "everything");
    if (kinds > 1) return err_set(e, G_USAGE, "there can be one kind of windows only");
    if (o->slide && !hop && !o->count) return err_set(e, G_USAGE, "--slide goes with --hop or --count");
    if (o->step_ns >= 0 && !cumulate) return err_set(e, G_USAGE, "--step goes with --cumulate");
    if (o->max_ns >= 0 && !session) return err_set(e, G_USAGE, "--max goes with --session");
    if (o->all && (o->grace_ns || o->late))
        return err_set(e, G_USAGE, "--grace and --late do not go with --all, for which no record is late");
    if (o->offset_ns && (session || o->count || o->all))
        return err_set(e, G_USAGE, "--offset goes with --tumble, --hop or --cumulate");
    if (o->grace_ns && (o->count || o->max_ns >= 0))
        return err_set(e, G_USAGE, "--grace cannot be: the windows depend on the order of records; use --out-of-order");
    if (o->drain && !o->state) return err_set(e, G_USAGE, "--drain goes with --state");
    return 0;
}

static int apply_kind(const struct options *o, struct window *w, struct err *e) {
    w->kind = &panes_ops;
    if (o->tumble) return apply_tumble(o, w, e);
    if (o->hop_ns >= 0) return apply_hop(o, w, e);
    if (o->cumulate_ns >= 0) return apply_cumulate(o, w, e);
    if (o->all) spans_init_all(&w->spans);
    if (o->all) return 0;
    return o->session_ns >= 0 ? apply_session(o, w, e) : apply_count(o, w, e);
}

int options_apply(const struct options *o, struct window *w, struct err *e) {
    int g = check_words(o, e);
    if (g == 0) g = apply_kind(o, w, e);
    w->max_ahead_ns = o->all ? -1 : NS_PER_DAY; /* a wrong time ends no window */
    if (g == 0 && o->max_ahead) {
        if (strcmp(o->max_ahead, "none") == 0)
            w->max_ahead_ns = -1;
        else
            g = duration("--max-ahead", o->max_ahead, &w->max_ahead_ns, e);
    }
    w->ahead_limit = INT64_MAX;
    w->grace_ns = o->grace_ns;
    if (g == 0 && o->early_ns == 0) return err_set(e, G_USAGE, "--early-every: 0 is no distance");
    w->early_ns = o->early_ns > 0 ? o->early_ns : 0;
    w->changes = o->emit.at == 2;
    w->drain = o->drain;
    watermarks_init(&w->marks, o->out_of_order_ns, o->idle_timeout_ns);
    return g;
}

void options_release(struct window *w) {
    time_zone_free(w->zone);
}

int options_identity(const struct options *o, const char *program, struct buf *out) {
    static const union {
        uint16_t number;
        uint8_t first;
    } order = {1};
    enum span_unit unit;
    int g = 0;
    if (o->tumble) g = buf_printf(out, "--tumble %s ", o->tumble);
    if (o->tumble && o->input.tz && calendar_unit(o->tumble, &unit)) g = buf_printf(out, "--tz %s ", o->input.tz);
    if (o->hop_ns >= 0) g = buf_printf(out, "--hop %" PRId64 "ns --slide %s ", o->hop_ns, o->slide);
    if (o->session_ns >= 0) g = buf_printf(out, "--session %" PRId64 "ns ", o->session_ns);
    if (o->max_ns >= 0) g = buf_printf(out, "--max %" PRId64 "ns ", o->max_ns);
    if (o->count) g = buf_printf(out, "--count %" PRIu64 " --slide %s ", o->count, o->slide ? o->slide : "-");
    if (o->cumulate_ns >= 0)
        g = buf_printf(out, "--cumulate %" PRId64 "ns --step %" PRId64 "ns ", o->cumulate_ns, o->step_ns);
    if (g == 0 && o->all) g = buf_puts(out, "--all ");
    if (g == 0 && o->offset_ns) g = buf_printf(out, "--offset %" PRId64 "ns ", o->offset_ns);
    if (g == 0 && o->grace_ns) g = buf_printf(out, "--grace %" PRId64 "ns ", o->grace_ns);
    if (g == 0 && o->group) g = buf_printf(out, "-g %s ", o->group);
    if (g == 0) g = buf_printf(out, "%s%s", program, order.first ? "" : " (big-endian)");
    return g == 0 && buf_cstr(out) ? 0 : G_NOMEM;
}
