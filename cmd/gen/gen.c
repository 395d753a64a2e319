/* SPDX-License-Identifier: Apache-2.0 */
/* leat gen: sample records from a seed. Each data set has a file of its own; this is the tool around them. */
#include <inttypes.h>
#include <stdlib.h>

#include "base/random.h"
#include "base/timefmt.h"
#include "cli/stage_options.h"
#include "clicks.h"
#include "orders.h"
#include "products.h"
#include "sensors.h"
#include "sys/signals.h"
#include "sys/sys.h"

struct options {
    struct output_options output;
    struct stats_options stats;
    uint64_t count, seed, users, sensors;
    double late, bad, rate;
    int64_t late_max_ns, start_ns;
};

static const struct option_spec option_table[] = {
    {.letter = 'c',
     .name = "count",
     .kind = OPTION_NUMBER,
     .arg = "N",
     .section = "Records",
     .help = "how many records (default: without end, products all 10000)",
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
     .help = "records in a second of event time (default 100); of orders and payments, the clicks behind them",
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
    {.name = "sensors",
     .kind = OPTION_NUMBER,
     .arg = "N",
     .min = 1,
     .max = 1000000000,
     .help = "how many sensors there are (default 20)",
     .offset = offsetof(struct options, sensors)},
    OPTION_TABLE(output_options, offsetof(struct options, output)),
    OPTION_TABLE(stats_options, offsetof(struct options, stats)),
    OPTION_END,
};

static const struct tool_spec tool = {
    .name = "gen",
    .summary = "generate sample records from a seed",
    .operands = "clicks | orders | payments | products | sensors",
    .operands_min = 1,
    .operands_max = 1,
    .options = option_table,
    .description =
        "Writes made-up records of a web shop - its page views, the orders that follow them, their payments,\n"
        "the catalogue - or readings of sensors.",
    .examples = "  leat gen clicks -c 3 -j\n"
                "  leat gen clicks -c 2000000 --seed 7 | leat produce clicks --time .ts\n"
                "  leat gen orders -c 36000 --seed 7 | leat produce orders --time .ts",
};

/* --- Data sets --------------------------------------------------------------------------------------------------- */

union state {
    struct clicks clicks;
    struct orders orders;
    struct payments payments;
    struct products products;
    struct sensors sensors;
};

struct dataset {
    const char *name;
    uint64_t most; /* records that there are */
    int (*init)(union state *, const struct gen_config *, struct err *);
    enum gen_kind (*next)(union state *, char out[GEN_RECORD_MAX], size_t *ret_len, int64_t *ret_time_ns);
    void (*release)(union state *);
};

#define ADAPT(set)                                                                                                     \
    static int set##_init_in(union state *s, const struct gen_config *c, struct err *e) {                              \
        return set##_init(&s->set, c, e);                                                                              \
    }                                                                                                                  \
    static enum gen_kind set##_next_in(union state *s, char *out, size_t *ret_len, int64_t *ret_time_ns) {             \
        return set##_next(&s->set, out, ret_len, ret_time_ns);                                                         \
    }
ADAPT(clicks)
ADAPT(orders)
ADAPT(payments)
ADAPT(products)
ADAPT(sensors)

static void release_orders(union state *s) {
    orders_release(&s->orders);
}

static void release_payments(union state *s) {
    payments_release(&s->payments);
}

static void release_none(union state *s) {
    (void)s;
}

static const struct dataset datasets[] = {
    {"clicks", UINT64_MAX, clicks_init_in, clicks_next_in, release_none},
    {"orders", UINT64_MAX, orders_init_in, orders_next_in, release_orders},
    {"payments", UINT64_MAX, payments_init_in, payments_next_in, release_payments},
    {"products", CLICK_PRODUCTS, products_init_in, products_next_in, release_none},
    {"sensors", UINT64_MAX, sensors_init_in, sensors_next_in, release_none},
};

static const struct dataset *dataset_find(const char *name) {
    for (size_t i = 0; i < sizeof datasets / sizeof *datasets; i++)
        if (strcmp(name, datasets[i].name) == 0) return &datasets[i];
    return NULL;
}

/* --- The tool ---------------------------------------------------------------------------------------------------- */

static uint32_t ppm(double percent) {
    return (uint32_t)(percent * (GEN_PPM / 100) + 0.5);
}

static int configure(struct gen_config *c, const struct options *o, struct err *e) {
    if (!(o->late >= 0 && o->late <= 100 && o->bad >= 0 && o->bad <= 100))
        return err_set(e, G_USAGE, "a percentage lies between 0 and 100");
    if (!(o->rate >= 1 && o->rate <= 1e9)) return err_set(e, G_USAGE, "the rate lies between 1 and 1000000000");
    gen_config_defaults(c);
    c->seed = o->seed;
    c->late_ppm = ppm(o->late);
    c->bad_ppm = ppm(o->bad);
    c->rate = (uint32_t)o->rate;
    c->users = (uint32_t)o->users;
    c->sensors = (uint32_t)o->sensors;
    c->late_max_ns = o->late_max_ns;
    if (o->start_ns != TIME_NONE) c->start_ns = o->start_ns;
    return 0;
}

static int generate(const struct dataset *set, union state *state, struct output *out, const struct options *o,
                    struct progress *p, struct err *e) {
    /* Bad records are called JSON and are not: the block must not say that they were checked. */
    const struct block_header like = {.flags = o->bad > 0 ? 0 : BLOCK_JSON_VALID};
    const struct record_origin from = {0};
    uint64_t count = o->count < set->most ? o->count : set->most;
    char text[GEN_RECORD_MAX];
    for (uint64_t i = 0; i < count; i++) {
        struct record r = {.offset = i, .value = text, .value_type = VALUE_JSON};
        set->next(state, text, &r.value_size, &r.time);
        int g = output_record(out, &like, &from, &r, e);
        if (g < 0) return g;
        p->records_out = p->records_in = i + 1;
        p->bytes_out += r.value_size;
        progress_tick(p);
        if ((i & 1023) == 0 && signals_stop()) return err_set(e, G_STOPPED, "stopped");
    }
    return 0;
}

static int write_stream(const struct dataset *set, union state *state, int64_t start_ns, const struct options *o,
                        const struct stage_config *provenance, struct progress *p, struct err *e) {
    struct output_config config;
    struct output out;
    int g = output_config(&o->output, &config, e);
    if (g == 0) g = output_open(&out, &config, e);
    if (g < 0) return g;
    /* Run and time of the stream follow from the seed, too: the same seed gives the same bytes. */
    struct rng run;
    rng_init(&run, o->seed);
    const struct output_lineage lineage = {.tool = tool.name,
                                           .args = provenance->args,
                                           .arg_count = provenance->arg_count,
                                           .run = rng_next(&run),
                                           .time_ns = start_ns};
    g = output_start(&out, &lineage, e);
    if (g == 0) g = generate(set, state, &out, o, p, e);
    if (g == 0) g = output_end(&out, 0, NULL, e);
    struct err late;
    int closed = output_close(&out, g == 0, g == 0 ? e : &late);
    return g < 0 ? g : closed;
}

static int run(const struct options *o, const struct arguments *args, const struct stage_config *provenance,
               struct progress *p, struct err *e) {
    static union state state; /* zero until it is set up, and then released */
    struct gen_config config;
    const struct dataset *set = dataset_find(args->operand[0]);
    if (set == NULL)
        return err_set(e, G_USAGE,
                       "there is no data set '%s'; there are clicks, orders, payments, products and sensors",
                       args->operand[0]);
    int g = configure(&config, o, e);
    if (g == 0) {
        g = set->init(&state, &config, e);
        if (g == 0) g = write_stream(set, &state, config.start_ns, o, provenance, p, e);
        set->release(&state);
    }
    return g;
}

int main(int argc, char **argv) {
    struct options o = {.count = UINT64_MAX,
                        .seed = 1,
                        .users = 100000,
                        .sensors = 20,
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
