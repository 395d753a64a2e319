/* SPDX-License-Identifier: Apache-2.0 */
/*
 * leat replay: a recording once more, with the rhythm of its times. Here is what it is asked for and the run as a
 * whole; replay.h tells the parts.
 */
#include "replay.h"

#include <stdlib.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/number.h"
#include "cli/diag.h"
#include "cli/exit.h"
#include "cli/letters.h"
#include "cli/stage_options.h"
#include "log/dest.h"
#include "sys/signals.h"
#include "sys/sys.h"

struct options {
    const char *speed, *rate;
    int64_t max_gap_ns, loop_delay_ns, duration_ns, out_of_order_ns;
    uint64_t rounds, limit, max_state_bytes, max_size_bytes;
    struct option_choice by;
    const char *from;
    struct option_list to;
    bool step, shift;
    const char *stats;
    int progress;
    struct input_options input;
    struct output_options output;
    struct error_options errors;
    struct log_options log;
};

static const struct option_spec option_table[] = {
    {.letter = 'x',
     .name = "speed",
     .kind = OPTION_STRING,
     .arg = "N",
     .section = "Pace",
     .help = "N times as fast as it was, or max (default 1)",
     .offset = offsetof(struct options, speed)},
    {.name = "rate",
     .kind = OPTION_STRING,
     .arg = "N/s",
     .help = "so many records a second (/m: a minute, /h: an hour), whatever their times",
     .offset = offsetof(struct options, rate)},
    {.name = "max-gap",
     .kind = OPTION_DURATION,
     .arg = "D",
     .help = "a longer gap between the times of two records lasts D (before -x counts)",
     .offset = offsetof(struct options, max_gap_ns)},
    {.name = "step",
     .kind = OPTION_FLAG,
     .help = "a record for each key that is pressed",
     .offset = offsetof(struct options, step)},
    {.name = "loop",
     .kind = OPTION_NUMBER,
     .arg = "N",
     .help = "play all of it N times; 0: again and again (default 1)",
     .offset = offsetof(struct options, rounds)},
    {.name = "loop-delay",
     .kind = OPTION_DURATION,
     .arg = "D",
     .help = "wait so long between the end of a round and the next one (default 0)",
     .offset = offsetof(struct options, loop_delay_ns)},
    {.name = "duration",
     .kind = OPTION_DURATION,
     .arg = "D",
     .help = "stop when it has played, or waited for something to play, for so long",
     .man = "Stop when it has played for so long, from its first record on; before that, when nothing has come for so "
            "long.",
     .offset = offsetof(struct options, duration_ns)},
    {.name = "limit",
     .kind = OPTION_NUMBER,
     .arg = "N",
     .help = "stop after N records",
     .min = 1,
     .max = UINT64_MAX,
     .offset = offsetof(struct options, limit)},
    {.name = "from",
     .kind = OPTION_STRING,
     .arg = "POINT",
     .section = "What is played",
     .help = "begin there: at an offset, or at a time",
     .offset = offsetof(struct options, from)},
    {.name = "to",
     .kind = OPTION_LIST,
     .arg = "POINT|PLACE",
     .help = "end before this offset or time; any other word is the topic or file to write to",
     .complete = "topic",
     .offset = offsetof(struct options, to)},
    {.name = "by",
     .kind = OPTION_CHOICE,
     .arg = "ORDER",
     .help = "each source in the order of its times, or as it was written (the default)",
     .choices = "time|append",
     .offset = offsetof(struct options, by)},
    {.name = "out-of-order",
     .kind = OPTION_DURATION,
     .arg = "D",
     .help = "--by time: how far records can be behind the latest one (default: any distance)",
     .offset = offsetof(struct options, out_of_order_ns)},
    OPTION_MAX_STATE(offsetof(struct options, max_state_bytes), "records that wait for their turn"),
    {.name = "max-size",
     .kind = OPTION_SIZE,
     .arg = "SIZE",
     .help = "most bytes that an archive may hold (default 1TiB)",
     .min = 1,
     .max = UINT64_MAX,
     .offset = offsetof(struct options, max_size_bytes)},
    {.name = "shift-to-now",
     .kind = OPTION_FLAG,
     .help = "move all times so that the first one is now; the header leat.original_time has what was",
     .offset = offsetof(struct options, shift)},
    OPTION_TABLE(input_options, offsetof(struct options, input)),
    OPTION_TABLE(output_options, offsetof(struct options, output)),
    OPTION_TABLE(error_options, offsetof(struct options, errors)),
    OPTION_TABLE(log_options, offsetof(struct options, log)),
    {.name = "stats",
     .kind = OPTION_STRING,
     .arg = "FORMAT",
     .bare = "text",
     .section = "General",
     .help = "print totals at exit, as text or json; a duration: how well it keeps its pace, so often",
     .offset = offsetof(struct options, stats)},
    {.name = "progress",
     .kind = OPTION_TOGGLE,
     .help = "show progress, or do not (default: on a terminal)",
     .offset = offsetof(struct options, progress)},
    OPTION_END,
};

static const struct tool_spec tool = {
    .name = "replay",
    .summary = "play a recording again with the rhythm of its times",
    .operands = "SOURCE...",
    .complete = "file",
    .operands_min = 1,
    .operands_max = OPERANDS_ANY,
    .options = option_table,
    .description = "Writes the records of topics, files and archives at the moments that their event times ask for, "
                   "several sources in lockstep. On a terminal Space stops it and goes on, arrows change the speed.",
    .examples = "  leat replay -x 10 clicks | leat window --tumble 1m '{n: count}'\n"
                "  leat replay --time .timestamp --max-gap 2s session.ndjson -j\n"
                "  leat replay --rate 1000/s --loop 0 --shift-to-now clicks.tar.zst --to load",
};

/* ---- words ---- */

static int parse_factor(const char *option, const char *text, size_t n, double *ret, struct err *e) {
    char *end;
    double v = strtod(text, &end);
    bool digit = n > 0 && ((*text >= '0' && *text <= '9') || *text == '.');
    if (!digit || end != text + n || !(v >= 1e-9) || !(v <= 1e9))
        return err_set(e, G_USAGE, "%s: '%s' is no number from 1e-9 to 1e9", option, text);
    *ret = v;
    return 0;
}

static int parse_rate(const char *text, double *ret, struct err *e) {
    static const struct {
        const char *unit;
        double seconds;
    } units[] = {{"/s", 1}, {"/m", 60}, {"/h", 3600}, {"", 1}};
    const char *slash = strchr(text, '/');
    size_t n = slash ? (size_t)(slash - text) : strlen(text);
    for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
        if (strcmp(text + n, units[i].unit) != 0) continue;
        int g = parse_factor("--rate", text, n, ret, e);
        *ret /= units[i].seconds;
        return g;
    }
    return err_set(e, G_USAGE, "--rate: '%s' is no rate, such as 100/s, 20/m or 3/h", text);
}

/* 0; 1: it is no point of a recording. */
static int parse_point(const char *text, struct range_point *ret, struct err *e) {
    size_t n = strlen(text);
    uint64_t offset;
    *ret = (struct range_point){.kind = POINT_TIME};
    if (number_parse_u64(text, n, 0, OFFSET_MAX, &offset, NULL) == 0) {
        *ret = (struct range_point){.kind = POINT_OFFSET, .offset = offset};
        return 0;
    }
    size_t at = *text == '@';
    int g = time_parse_relative(text + at, n - at, sys.wall_ns(), NULL, &ret->time_ns, e);
    return g < 0 && !at ? 1 : g;
}

static int prepare_range(struct replay *p, const struct options *o, const char **ret_place, struct err *e) {
    struct recordings *rs = &p->recordings;
    int g = o->from ? parse_point(o->from, &rs->from, e) : 0;
    if (g != 0) return err_set(e, G_USAGE, "--from: '%s' is no offset and no time", o->from);
    for (size_t i = 0; i < o->to.count; i++) {
        struct range_point to;
        const char *text = o->to.item[i];
        g = parse_point(text, &to, e);
        if (g < 0) return err_prefix(e, "--to: ");
        if (g == 1 ? *ret_place != NULL : rs->to.kind != POINT_NONE)
            return err_set(e, G_USAGE, "--to: there is one end and one place to write to, and '%s' is another", text);
        if (g == 1) *ret_place = text;
        if (g == 0) rs->to = to;
    }
    return 0;
}

static int prepare_pace(struct replay *p, const struct options *o, struct err *e) {
    enum pace_kind kind = o->rate ? PACE_RATE : PACE_SPEED;
    double factor = 1;
    bool max = o->speed && strcmp(o->speed, "max") == 0;
    if ((o->rate != NULL) + (o->speed != NULL) + o->step > 1)
        return err_set(e, G_USAGE, "--speed, --rate and --step exclude each other");
    int g = o->rate              ? parse_rate(o->rate, &factor, e)
            : (o->speed && !max) ? parse_factor("--speed", o->speed, strlen(o->speed), &factor, e)
                                 : 0;
    if (max || o->step) kind = PACE_MAX;
    if (g == 0 && o->max_gap_ns >= 0 && kind != PACE_SPEED)
        return err_set(e, G_USAGE, "--max-gap means nothing where times do not set the pace");
    pace_init(&p->pace, kind, factor, o->max_gap_ns);
    return g;
}

/* "text", "json", or how often. */
static int prepare_stats(struct replay *p, const struct options *o, struct stats_options *ret, struct err *e) {
    *ret = (struct stats_options){.progress = o->progress};
    if (!o->stats) return 0;
    ret->stats.at = strcmp(o->stats, "json") == 0 ? 2 : 1;
    if (strcmp(o->stats, "text") == 0 || ret->stats.at == 2) return 0;
    int g = duration_parse(o->stats, strlen(o->stats), 0, &p->stats_every_ns, NULL);
    if (g < 0 || p->stats_every_ns < NS_PER_MS)
        return err_set(e, G_USAGE, "--stats: '%s' is not text, json or a duration of at least 1ms", o->stats);
    return 0;
}

static int prepare_order(struct replay *p, const struct options *o, struct err *e) {
    p->by_time = o->by.at == 1;
    if (!p->by_time && o->out_of_order_ns >= 0)
        return err_set(e, G_USAGE, "--out-of-order is for --by time: as written, nothing is put in order");
    p->out_of_order_ns = o->out_of_order_ns >= 0 ? o->out_of_order_ns : INT64_MAX;
    budget_set_limit(&p->budget, o->max_state_bytes);
    return 0;
}

static int prepare(struct replay *p, const struct options *o, struct expr_set *set, struct stage_config *c,
                   const char **ret_place, struct stats_options *ret_stats, struct err *e) {
    int g = prepare_pace(p, o, e);
    if (g == 0) g = prepare_range(p, o, ret_place, e);
    if (g == 0) g = prepare_order(p, o, e);
    if (g == 0) g = prepare_stats(p, o, ret_stats, e);
    if (g == 0) g = input_config(&o->input, &c->input, e);
    if (g == 0) g = output_config(&o->output, &c->output, e);
    if (g == 0) g = time_field_init(&p->time, set, o->input.time, o->input.time_format, o->input.tz, e);
    if (g == 0 && *ret_place && (o->output.file || o->output.out.at || o->output.format))
        g = err_set(e, G_USAGE, "with --to %s there is no other output", *ret_place);
    error_config(&o->errors, c);
    c->no_output = *ret_place != NULL;
    c->feeds_begin_together = c->feeds_have_barriers = true;
    c->feeds_begin_within_ns = o->duration_ns == 0 ? 1 : o->duration_ns > 0 ? o->duration_ns : 0;
    p->step = o->step;
    p->shift = o->shift;
    p->limit = o->limit;
    p->rounds = o->rounds;
    p->loop_delay_ns = o->loop_delay_ns;
    p->duration_ns = o->duration_ns;
    p->recordings.format = c->input.format;
    p->recordings.limits.bytes = o->max_size_bytes;
    return g;
}

/* ---- the run ---- */

/* The time of a text record, in the thread of its feed. */
static int set_time(void *ctx, size_t feed, enum in_format format, struct record *r, size_t slack, struct err *e) {
    const struct replay *p = ctx;
    if (!p->time.used) {
        bool needed = p->pace.kind == PACE_SPEED || p->by_time || p->recordings.count > 1;
        return needed ? in_format_need_time(format, e) : 0;
    }
    const struct expr_input in = {.record = r, .slack = slack, .partition = -1};
    expr_begin(p->run[feed], &in);
    return time_field_get(&p->time, p->run[feed], &r->time, e);
}

static int read_recording(void *ctx, size_t feed, struct feed_reading *r, struct err *e) {
    return recording_read(&((struct replay *)ctx)->recordings, feed, r, e);
}

static bool any_topic(const struct stage_config *c) {
    for (size_t i = 0; i < c->file_count; i++)
        if (recording_is_topic(c->files[i])) return true;
    return false;
}

/* All that is read and written; the log is made where something is written to it. */
static int open_all(struct replay *p, const struct options *o, struct log *log, const char *place, struct expr_set *set,
                    struct err *e) {
    struct stage_config *c = p->config;
    bool writes = place && !dest_is_file(place);
    for (size_t i = 0; place && !writes && i < c->file_count; i++)
        if (dest_is_same(place, c->files[i])) return err_set(e, G_USAGE, "--to: '%s' is a source, too", place);
    int g = writes || any_topic(c) ? log_open(log, o->log.dir, writes, o->log.force_fs, e) : 0;
    if (g == 0) g = letters_open(c, log, &o->errors, &o->log, e);
    if (g == 0) g = recordings_open(&p->recordings, c->files, c->file_count, log, e);
    if (g == 0 && p->recordings.once && p->rounds != 1)
        g = err_set(e, G_USAGE, "standard input and FIFOs cannot be played twice: no --loop");
    if (g == 0 && !(p->run = calloc(p->recordings.count + 1, sizeof *p->run))) g = err_nomem(e);
    for (size_t i = 0; g == 0 && p->time.used && i < p->recordings.count; i++) g = expr_run_new(set, &p->run[i], e);
    if (g == 0 && place) g = dest_open(&p->to, log, place, e);
    c->sinks = &p->to;
    c->sink_count = p->to ? 1 : 0;
    return g;
}

static int run_stage(struct replay *p, const struct log *log, struct err *e) {
    static const struct stage_ops ops = {
        .want = play_want, .feed = play_feed, .control = play_control, .idle = play_idle, .again = play_again};
    struct stage_config *c = p->config;
    struct stage stage;
    p->feeds = (struct feeds_config){.names = p->recordings.names,
                                     .count = p->recordings.count,
                                     .input = c->input,
                                     .spill_limit = SPILL_LIMIT_DEFAULT,
                                     .record = set_time,
                                     .read = read_recording,
                                     .ctx = p};
    (void)prctl(PR_SET_TIMERSLACK, 1UL); /* wake up when asked, not within 50 us of it */
    int g = play_prepare(p, e);
    if (g == 0) g = feeds_open(&c->feeds, &p->feeds, e);
    if (g == 0) {
        stage_sandbox(c, log->path);
        play_end_at(p, sys.steady_ns());
        g = stage_run(&stage, c, &ops, p, e);
    }
    keys_close(&p->keys);
    feeds_close(c->feeds);
    c->feeds = NULL;
    return g;
}

static bool has_standard_input(const struct stage_config *c) {
    for (size_t i = 0; i < c->file_count; i++)
        if (strcmp(c->files[i], "-") == 0) return true;
    return false;
}

static int run(struct replay *p, const struct options *o, const char *place, struct expr_set *set, struct err *e) {
    struct log log = LOG_CLOSED;
    int g = open_all(p, o, &log, place, set, e);
    if (g == 0) g = keys_open(&p->keys, p->step, has_standard_input(p->config), e);
    if (g == 0) g = run_stage(p, &log, e);
    watch_end(p);
    g = sink_finish(p->to, g, e);
    return letters_close(p->config, &log, g, e);
}

static void release(struct replay *p) {
    for (size_t i = 0; p->run && i < p->recordings.count; i++) expr_run_free(p->run[i]);
    free(p->run);
    time_field_release(&p->time);
    order_release(&p->order);
    recordings_release(&p->recordings);
    buf_release(&p->headers);
}

/* "--stats 1s" as two words, too: a word that is a duration and no file can be meant for nothing else. */
static int join_stats(int argc, char **argv, char text[64]) {
    for (int i = 1; i + 1 < argc && strcmp(argv[i], "--") != 0; i++) {
        const char *word = argv[i + 1];
        int64_t ns;
        if (strcmp(argv[i], "--stats") != 0 || strlen(word) > 40 || access(word, F_OK) == 0) continue;
        if (duration_parse(word, strlen(word), 0, &ns, NULL) < 0) continue;
        (void)snprintf(text, 64, "--stats=%s", word);
        argv[i] = text;
        memmove(&argv[i + 1], &argv[i + 2], (size_t)(argc - i - 1) * sizeof *argv);
        return argc - 1;
    }
    return argc;
}

int main(int argc, char **argv) {
    char stats_word[64];
    struct options o = {.rounds = 1, .limit = UINT64_MAX, .max_gap_ns = -1, .duration_ns = -1, .out_of_order_ns = -1};
    struct arguments args;
    argc = join_stats(argc, argv, stats_word);
    int code = option_begin(&tool, argc, argv, &o, &args);
    if (code >= 0) return code;
    struct progress progress = {0};
    struct stage_config config = {0};
    struct replay p = {.config = &config, .progress = &progress, .keys = {.fd = -1}};
    struct stats_options stats;
    const char *place = NULL;
    struct err e = {0};
    signals_init(true);
    stage_config_common(&config, tool.name, argc, argv, &args, &progress);
    config.tick = watch_counts;
    struct expr_set *set = expr_set_new(EXPR_AUTO);
    int g = set ? prepare(&p, &o, set, &config, &place, &stats, &e) : err_nomem(&e);
    if (g == 0) {
        progress_begin(&progress, &stats);
        g = run(&p, &o, place, set, &e);
        progress_end(&progress);
    }
    release(&p);
    expr_set_free(set);
    option_end(&tool, &o, &args);
    return stage_exit(g, &e);
}
