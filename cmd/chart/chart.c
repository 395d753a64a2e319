/* SPDX-License-Identifier: Apache-2.0 */
/* leat chart: numbers of a stream, drawn. Here is what it is asked for, and when it draws; chart.h has the parts. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "chart.h"

#include "base/safe.h"
#include "cli/diag.h"
#include "cli/exit.h"
#include "cli/expr_options.h"
#include "cli/letters.h"
#include "cli/stage_options.h"
#include "cli/terminal.h"
#include "sys/file.h"
#include "sys/signals.h"
#include "sys/sys.h"

#define DRAW_EVERY_NS 200000000 /* on a terminal */
#define CLOCK_RECORDS 64        /* records between looks at the clock */

struct options {
    bool line, bar, spark, once, ascii;
    const char *y, *x, *x_time, *by, *svg, *title;
    uint64_t series, points, width, height;
    struct option_choice color;
    struct expr_options expr;
    struct input_options input;
    struct error_options errors;
    struct log_options log;
    struct stats_options stats;
};

static const struct option_spec option_table[] = {
    {.letter = 'y',
     .name = "y",
     .kind = OPTION_STRING,
     .arg = "EXPR",
     .help = "the number that is drawn (default: the first one of a record)",
     .section = "What",
     .offset = offsetof(struct options, y)},
    {.letter = 'x',
     .name = "x",
     .kind = OPTION_STRING,
     .arg = "EXPR",
     .help = "where it stands: a number (default: event time, or how many came before)",
     .offset = offsetof(struct options, x)},
    {.name = "x-time",
     .kind = OPTION_STRING,
     .arg = "EXPR",
     .help = "where it stands: a time",
     .offset = offsetof(struct options, x_time)},
    {.name = "by",
     .kind = OPTION_STRING,
     .arg = "EXPR",
     .help = "records with the same are one series (default: the groups of windows)",
     .offset = offsetof(struct options, by)},
    {.name = "series",
     .kind = OPTION_NUMBER,
     .arg = "N",
     .help = "draw at most this many (default 8, and 24 as bars or small lines)",
     .min = 1,
     .max = 200,
     .offset = offsetof(struct options, series)},
    {.name = "points",
     .kind = OPTION_NUMBER,
     .arg = "N",
     .help = "keep the latest so many points of each series (default 2000)",
     .min = 2,
     .max = 1000000,
     .offset = offsetof(struct options, points)},
    {.name = "line",
     .kind = OPTION_FLAG,
     .help = "lines over time, or over -x (default)",
     .section = "How",
     .offset = offsetof(struct options, line)},
    {.name = "bar",
     .kind = OPTION_FLAG,
     .help = "the latest number of each series as a bar",
     .offset = offsetof(struct options, bar)},
    {.name = "spark",
     .kind = OPTION_FLAG,
     .help = "a small line for each series",
     .offset = offsetof(struct options, spark)},
    {.name = "title",
     .kind = OPTION_STRING,
     .arg = "TEXT",
     .help = "put this above",
     .offset = offsetof(struct options, title)},
    {.name = "width",
     .kind = OPTION_NUMBER,
     .arg = "N",
     .help = "so many columns (default: the terminal's)",
     .min = 20,
     .max = 1000,
     .offset = offsetof(struct options, width)},
    {.name = "height",
     .kind = OPTION_NUMBER,
     .arg = "N",
     .help = "so many lines (default 16)",
     .min = 5,
     .max = 500,
     .offset = offsetof(struct options, height)},
    {.name = "ascii",
     .kind = OPTION_FLAG,
     .help = "letters only (default where the locale is not UTF-8)",
     .offset = offsetof(struct options, ascii)},
    {.name = "color",
     .kind = OPTION_CHOICE,
     .arg = "WHEN",
     .help = "colours",
     .choices = "auto|always|never",
     .offset = offsetof(struct options, color)},
    {.name = "once",
     .kind = OPTION_FLAG,
     .help = "draw at the end of the input only, on a terminal, too",
     .offset = offsetof(struct options, once)},
    {.name = "svg",
     .kind = OPTION_STRING,
     .arg = "FILE",
     .help = "write it as SVG there instead",
     .complete = "file",
     .offset = offsetof(struct options, svg)},
    OPTION_TABLE(expr_options, offsetof(struct options, expr)),
    OPTION_TABLE(input_options, offsetof(struct options, input)),
    OPTION_TABLE(error_options, offsetof(struct options, errors)),
    OPTION_TABLE(log_options, offsetof(struct options, log)),
    OPTION_TABLE(stats_options, offsetof(struct options, stats)),
    OPTION_END,
};

static const struct tool_spec tool = {
    .name = "chart",
    .summary = "draw numbers of a stream in the terminal, or as SVG",
    .operands = "[FILE...]",
    .complete = "file",
    .operands_max = OPERANDS_ANY,
    .options = option_table,
    .description = "Reads records of files, or of standard input, and draws a number of each: as lines over time, as "
                   "bars, or as small lines, live on a terminal.",
    .examples = "  leat window --tumble 1m -g .country '{n: count}' clicks.leat | leat chart\n"
                "  seq 100 | leat chart --spark",
};

struct chart {
    const struct options *o;
    struct chart_data data;
    struct points points;
    struct look look;
    struct buf title, out;
    bool live;
    size_t lines; /* of what is on the terminal */
    int64_t drawn_ns;
    unsigned until_clock;
};

/* ---- drawing ---- */

static size_t count_lines(const struct buf *b) {
    size_t n = 0;
    for (size_t i = 0; i < b->len; i++) n += b->data[i] == '\n';
    return n;
}

/* In the place of what was drawn before. */
static int draw(struct chart *c, struct err *e) {
    const struct options *o = c->o;
    int g = 0;
    buf_clear(&c->out);
    /* From the first column: others may have written a part of a line since. */
    if (c->lines) g = buf_printf(&c->out, "\r\033[%zuA\033[J", c->lines);
    if (g == 0)
        g = o->bar     ? draw_bars(&c->data, &c->look, &c->out)
            : o->spark ? draw_sparks(&c->data, &c->look, &c->out)
                       : draw_lines(&c->data, &c->look, &c->out);
    if (g < 0) return err_nomem(e);
    c->lines = count_lines(&c->out);
    c->drawn_ns = sys.boot_ns();
    c->points.drawn = true;
    return file_write_all(STDOUT_FILENO, c->out.data, c->out.len, "standard output", e);
}

static int draw_live(struct chart *c, struct err *e) {
    if (!c->live || c->points.drawn || !c->data.count) return 0;
    return sys.boot_ns() - c->drawn_ns >= DRAW_EVERY_NS ? draw(c, e) : 0;
}

static int on_record(void *ctx, struct stage *s, const struct record *r, struct err *e) {
    struct chart *c = ctx;
    int g = points_add(&c->points, s, r, e);
    if (g < 0 || c->until_clock--) return g;
    c->until_clock = CLOCK_RECORDS;
    return draw_live(c, e);
}

static int on_idle(void *ctx, struct stage *s, struct err *e) {
    struct chart *c = ctx;
    if (c->live && !c->points.drawn) s->wake_ns = DRAW_EVERY_NS;
    return draw_live(c, e);
}

static int write_svg(struct chart *c, struct err *e) {
    const char *path = c->o->svg, *slash = strrchr(path, '/');
    char *folder = slash ? strndup(path, slash == path ? 1 : (size_t)(slash - path)) : strdup(".");
    buf_clear(&c->out);
    if (!folder || draw_svg(&c->data, &c->look, c->o->bar, &c->out) < 0) {
        free(folder);
        return err_nomem(e);
    }
    int dir = sys.openat(AT_FDCWD, folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
    int g = dir < 0 ? err_sys(e, errno, "cannot open '%s'", folder) : 0;
    if (g == 0) g = atomic_publish(dir, slash ? slash + 1 : path, c->out.data, c->out.len, e);
    if (dir >= 0) sys.close(dir);
    free(folder);
    return g;
}

/* ---- options ---- */

static bool locale_is_utf8(void) {
    static const char *const names[] = {"LC_ALL", "LC_CTYPE", "LANG"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const char *v = getenv(names[i]);
        if (v && *v) return strcasestr(v, "utf-8") || strcasestr(v, "utf8");
    }
    return false;
}

static int prepare_look(struct chart *c, struct err *e) {
    const struct options *o = c->o;
    enum color_when when = o->color.at ? (enum color_when)(o->color.at - 1) : COLOR_AUTO;
    int width = terminal_width(STDOUT_FILENO);
    c->look = (struct look){.width = o->width     ? (unsigned)o->width
                                     : width > 20 ? (unsigned)width
                                                  : 20,
                            .height = o->height ? (unsigned)o->height : 16,
                            .ascii = o->ascii || !locale_is_utf8(),
                            .color = terminal_color(STDOUT_FILENO, when),
                            .zone = c->points.time.zone};
    c->live = !o->once && !o->svg && terminal_is(STDOUT_FILENO);
    if (!o->title) return 0;
    if (safe_append(&c->title, o->title, strlen(o->title), 0) < 0 || !buf_cstr(&c->title)) return err_nomem(e);
    c->look.title = c->title.data;
    return 0;
}

static int prepare_points(struct chart *c, struct err *e) {
    const struct options *o = c->o;
    struct points *p = &c->points;
    p->data = &c->data;
    p->set = expr_set_new(expr_engine_of(&o->expr));
    int g = p->set ? 0 : err_nomem(e);
    if (g == 0 && o->y) g = expr_add(p->set, "-y", o->y, &p->y, e);
    if (g == 0 && o->x) g = expr_add(p->set, "-x", o->x, &p->x, e);
    if (g == 0 && o->by) g = expr_add(p->set, "--by", o->by, &p->by, e);
    if (g == 0) g = time_field_init(&p->x_time, p->set, o->x_time, o->input.time_format, o->input.tz, e);
    if (g == 0) g = time_field_init(&p->time, p->set, o->input.time, o->input.time_format, o->input.tz, e);
    c->data.x_is_time = o->x_time != NULL;
    return g < 0 ? g : expr_run_new(p->set, &p->run, e);
}

static int check_options(const struct options *o, struct err *e) {
    if (o->line + o->bar + o->spark > 1) return err_set(e, G_USAGE, "--line, --bar and --spark exclude each other");
    if (o->x && o->x_time) return err_set(e, G_USAGE, "-x and --x-time exclude each other");
    if (o->svg && o->spark) return err_set(e, G_USAGE, "--spark is text: --svg draws lines or bars");
    return 0;
}

static int prepare(struct chart *c, struct stage_config *config, struct err *e) {
    const struct options *o = c->o;
    size_t series = o->series ? o->series : o->bar || o->spark ? 24 : COLORS;
    int g = check_options(o, e);
    if (g == 0) g = input_config(&o->input, &config->input, e);
    if (g == 0) g = data_init(&c->data, series, o->points ? o->points : 2000, e);
    if (g == 0) g = prepare_points(c, e);
    if (g == 0) g = prepare_look(c, e);
    error_config(&o->errors, config);
    config->no_output = true;
    return g;
}

/* ---- the run ---- */

/* What came before an end that is none is drawn, too; the exit code tells. */
static int finish(struct chart *c, int g, int *ret_worst, struct err *e) {
    struct err late;
    bool upstream = g == G_UPSTREAM || g == G_TRUNCATED || g == G_STOPPED;
    if (g < 0 && !upstream) return g;
    if (!c->data.count) {
        if (g == 0) diag_errorf("there is nothing to draw: no record has a number");
        *ret_worst = EXIT_NO;
        return g;
    }
    int drawn = c->o->svg ? write_svg(c, g < 0 ? &late : e) : c->points.drawn ? 0 : draw(c, g < 0 ? &late : e);
    return g < 0 ? g : drawn;
}

static int run(struct chart *c, struct stage_config *config, int *ret_worst, struct err *e) {
    static const struct stage_ops ops = {.record = on_record, .idle = on_idle};
    struct log log = LOG_CLOSED;
    struct stage stage;
    int g = letters_open(config, &log, &c->o->errors, &c->o->log, e);
    if (g == 0) {
        tool_sandbox(log.path, config->files, config->file_count, false, c->o->svg);
        g = stage_run(&stage, config, &ops, c, e);
        g = finish(c, g, ret_worst, e);
    }
    return letters_close(config, &log, g, e);
}

static void release(struct chart *c) {
    struct points *p = &c->points;
    data_release(&c->data);
    expr_run_free(p->run);
    time_field_release(&p->x_time);
    time_field_release(&p->time);
    expr_set_free(p->set);
    buf_release(&p->name);
    buf_release(&c->title);
    buf_release(&c->out);
}

int main(int argc, char **argv) {
    struct options o = {0};
    struct arguments args;
    int code = option_begin(&tool, argc, argv, &o, &args);
    if (code >= 0) return code;
    struct progress progress = {0};
    struct chart c = {.o = &o};
    struct stage_config config = {0};
    struct err e = {0};
    int worst = 0;
    signals_init(true);
    stage_config_common(&config, tool.name, argc, argv, &args, &progress);
    int g = prepare(&c, &config, &e);
    if (g == 0) {
        progress.end_bytes = input_bytes(config.files, config.file_count);
        progress_begin(&progress, &o.stats);
        g = run(&c, &config, &worst, &e);
        progress_end(&progress);
    }
    release(&c);
    option_end(&tool, &o, &args);
    code = stage_exit(g, &e);
    return code ? code : worst;
}
