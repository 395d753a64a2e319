/* SPDX-License-Identifier: Apache-2.0 */
/* leat gen: sample records from a seed. The records are clicks.c's; this is the tool around it. */
#include <inttypes.h>
#include <stdlib.h>

#include "base/random.h"
#include "base/timefmt.h"
#include "cli/stage_options.h"
#include "clicks.h"
#include "sys/signals.h"
#include "sys/sys.h"

struct options {
    struct output_options output;
    struct stats_options stats;
    uint64_t count, seed, users;
    double late, bad, rate;
    int64_t late_max_ns, start_ns;
};

static const struct option_spec option_table[] = {
    {.letter = 'c',
     .name = "count",
     .kind = OPTION_NUMBER,
     .arg = "N",
     .section = "Records",
     .help = "how many records (default: without end)",
     .offset = offsetof(struct options, count)},
    {.name = "seed",
     .kind = OPTION_NUMBER,
     .arg = "N",
     .help = "the same seed gives the same bytes (default 1)",
     .offset = offsetof(struct options, seed)},
    {.name = "start",
     .kind = OPTION_TIME,
     .arg = "TIME",
     .help = "time of the first record (default 2026-01-01)",
     .offset = offsetof(struct options, start_ns)},
    {.name = "rate",
     .kind = OPTION_REAL,
     .arg = "N",
     .help = "records in a second of event time (default 100)",
     .offset = offsetof(struct options, rate)},
    {.name = "late",
     .kind = OPTION_REAL,
     .arg = "PERCENT",
     .help = "how many are out of order (default 5)",
     .offset = offsetof(struct options, late)},
    {.name = "late-max",
     .kind = OPTION_DURATION,
     .arg = "DURATION",
     .help = "and by how much at most (default 5s)",
     .offset = offsetof(struct options, late_max_ns)},
    {.name = "bad",
     .kind = OPTION_REAL,
     .arg = "PERCENT",
     .help = "how many are bad, in several ways (default 0)",
     .offset = offsetof(struct options, bad)},
    {.name = "users",
     .kind = OPTION_NUMBER,
     .arg = "N",
     .min = 1,
     .max = 1000000000,
     .help = "how many users there are (default 100000)",
     .offset = offsetof(struct options, users)},
    OPTION_TABLE(output_options, offsetof(struct options, output)),
    OPTION_TABLE(stats_options, offsetof(struct options, stats)),
    OPTION_END,
};

static const struct tool_spec tool = {
    .name = "gen",
    .summary = "generate sample records from a seed",
    .operands = "clicks",
    .operands_min = 1,
    .operands_max = 1,
    .options = option_table,
    .description = "Writes click records of a web shop: flat fields, a nested object, an array, times out of order.",
    .examples = "  leat gen clicks -c 3 -j\n"
                "  leat gen clicks -c 2000000 --seed 7 | leat produce clicks --time .ts",
};

static uint32_t ppm(double percent) {
    return (uint32_t)(percent * (CLICKS_PPM / 100) + 0.5);
}

static int configure(struct clicks *clicks, const struct options *o, struct err *e) {
    struct clicks_config c;
    if (o->late < 0 || o->late > 100 || o->bad < 0 || o->bad > 100)
        return err_set(e, G_USAGE, "a percentage lies between 0 and 100");
    if (o->rate < 1 || o->rate > 1e9) return err_set(e, G_USAGE, "the rate lies between 1 and 1000000000");
    if (o->users > 1000000000) return err_set(e, G_USAGE, "there are at most 1000000000 users");
    clicks_defaults(&c);
    c.seed = o->seed;
    c.late_ppm = ppm(o->late);
    c.bad_ppm = ppm(o->bad);
    c.rate = (uint32_t)o->rate;
    c.users = (uint32_t)o->users;
    c.late_max_ns = o->late_max_ns;
    if (o->start_ns != TIME_NONE) c.start_ns = o->start_ns;
    return clicks_init(clicks, &c, e);
}

static int generate(struct clicks *clicks, struct output *out, const struct options *o, struct progress *p,
                    struct err *e) {
    /* Bad records are called JSON and are not: the block must not say that they were checked. */
    const struct block_header like = {.flags = o->bad > 0 ? 0 : BLOCK_JSON_VALID};
    const struct record_origin from = {0};
    char text[CLICKS_MAX];
    for (uint64_t i = 0; i < o->count; i++) {
        struct record r = {.offset = i, .value = text, .value_type = VALUE_JSON};
        clicks_next(clicks, text, &r.value_size, &r.time);
        int g = output_record(out, &like, &from, &r, e);
        if (g < 0) return g;
        p->records_out = p->records_in = i + 1;
        p->bytes_out += r.value_size;
        progress_tick(p);
        if ((i & 1023) == 0 && signals_stop()) return err_set(e, G_STOPPED, "stopped");
    }
    return 0;
}

static int run(const struct options *o, const struct arguments *args, const struct stage_config *provenance,
               struct progress *p, struct err *e) {
    struct output_config config;
    struct output out;
    struct clicks clicks;
    if (strcmp(args->operand[0], "clicks") != 0)
        return err_set(e, G_USAGE, "there is no data set '%s'; there is clicks", args->operand[0]);
    int g = output_config(&o->output, &config, e);
    if (g == 0) g = configure(&clicks, o, e);
    if (g == 0) g = output_open(&out, &config, e);
    if (g < 0) return g;
    /* Run and time of the stream follow from the seed, too: the same seed gives the same bytes. */
    struct rng run;
    rng_init(&run, o->seed);
    const struct output_lineage lineage = {.tool = tool.name,
                                           .args = provenance->args,
                                           .arg_count = provenance->arg_count,
                                           .run = rng_next(&run),
                                           .time_ns = clicks.config.start_ns};
    g = output_start(&out, &lineage, e);
    if (g == 0) g = generate(&clicks, &out, o, p, e);
    if (g == 0) g = output_end(&out, 0, NULL, e);
    struct err late;
    int closed = output_close(&out, g == 0, g == 0 ? e : &late);
    return g < 0 ? g : closed;
}

int main(int argc, char **argv) {
    struct options o = {.count = UINT64_MAX,
                        .seed = 1,
                        .users = 100000,
                        .late = 5,
                        .rate = 100,
                        .late_max_ns = 5 * NS_PER_S,
                        .start_ns = TIME_NONE};
    struct arguments args;
    int code = option_begin(&tool, argc, argv, &o, &args);
    if (code >= 0) return code;
    struct progress progress = {0};
    struct stage_config provenance = {0};
    struct err e = {0};
    signals_init(false);
    stage_config_common(&provenance, tool.name, argc, argv, &args, &progress);
    progress_begin(&progress, &o.stats);
    int g = run(&o, &args, &provenance, &progress, &e);
    progress_end(&progress);
    option_end(&tool, &o, &args);
    return stage_exit(g, &e);
}
