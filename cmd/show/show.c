/* SPDX-License-Identifier: Apache-2.0 */
/*
 * leat show: records for people, as a table or one whole below the other; what a stream is made of; whether it is
 * whole. The stage reads and prints; here is what it is asked for.
 */
#include "show.h"

#include <inttypes.h>
#include <stdlib.h>

#include "cli/diag.h"
#include "cli/exit.h"
#include "cli/letters.h"
#include "cli/stage_options.h"
#include "expr/record_field.h"
#include "stream/rows.h"
#include "sys/signals.h"

struct options {
    struct input_options input;
    struct output_options output;
    struct error_options errors;
    struct log_options log;
    struct stats_options stats;
    const char *topic, *offset;
    struct option_list partitions;
    uint64_t count;  /* UINT64_MAX: all */
    uint64_t record; /* 0: not asked for */
    bool full, info, verify;
};

static const struct option_spec option_table[] = {
    {.letter = '1',
     .name = "full",
     .kind = OPTION_FLAG,
     .section = "What to show",
     .help = "each record whole: place, time, key, headers and value, below each other",
     .offset = offsetof(struct options, full)},
    {.name = "record",
     .kind = OPTION_NUMBER,
     .arg = "N",
     .min = 1,
     .max = UINT64_MAX,
     .help = "only the Nth record, whole",
     .offset = offsetof(struct options, record)},
    {.letter = 'c',
     .name = "count",
     .kind = OPTION_NUMBER,
     .arg = "N",
     .min = 1,
     .max = UINT64_MAX,
     .help = "only the first N records",
     .offset = offsetof(struct options, count)},
    {.name = "info",
     .kind = OPTION_FLAG,
     .help = "what each file is made of: counts, times, sizes, sources, history, and how it ends",
     .offset = offsetof(struct options, info)},
    {.name = "verify",
     .kind = OPTION_FLAG,
     .help = "check everything: a line for each file that is sound, else the first damage",
     .offset = offsetof(struct options, verify)},
    {.letter = 't',
     .name = "topic",
     .kind = OPTION_STRING,
     .arg = "TOPIC",
     .complete = "topic",
     .section = "A topic instead of files",
     .help = "show what is in this topic now",
     .offset = offsetof(struct options, topic)},
    {.letter = 'p',
     .name = "partition",
     .kind = OPTION_LIST,
     .arg = "N",
     .help = "only this partition of the topic (repeatable)",
     .offset = offsetof(struct options, partitions)},
    {.letter = 'o',
     .name = "offset",
     .kind = OPTION_STRING,
     .arg = "OFFSET",
     .help = "where in the topic to begin, or a range: beginning, N, -N, +N, @TIME, A:B",
     .offset = offsetof(struct options, offset)},
    OPTION_TABLE(input_options, offsetof(struct options, input)),
    OPTION_TABLE(output_options, offsetof(struct options, output)),
    OPTION_TABLE(error_options, offsetof(struct options, errors)),
    OPTION_TABLE(log_options, offsetof(struct options, log)),
    OPTION_TABLE(stats_options, offsetof(struct options, stats)),
    OPTION_END,
};

static const struct tool_spec tool = {
    .name = "show",
    .summary = "print a stream, a segment or a topic for people",
    .operands = "[FILE...]",
    .complete = "file",
    .operands_max = OPERANDS_ANY,
    .options = option_table,
    .description = "Prints the records of files (streams, segments, text) or of standard input, by default as a table.",
    .examples = "  leat consume clicks -e | leat show -c 20\n"
                "  leat show --topic clicks -o -5 --full\n"
                "  leat show --info *.leat",
};

struct show {
    const struct options *o;
    struct expr_set *set;
    struct expr_run *run; /* NULL without --time */
    struct time_field time;
    uint64_t seen, shown;
    struct whole *whole; /* NULL: records go out in the format that was asked for */
    struct buf text;
    struct info info;
    struct rows rows; /* info, verify */
};

/* In text a record keeps the offset that it came with; a stream of derived records counts its own. */
static int put_record(struct stage *s, const struct record *r, struct err *e) {
    if (output_is_blocks(&s->output)) return stage_emit(s, r, e);
    return output_record(&s->output, s->like, &s->origin, r, e);
}

static int put_whole(struct show *w, struct stage *s, const struct record *r, struct err *e) {
    buf_clear(&w->text);
    int g = whole_record(w->whole, r, &s->origin, &w->text, e);
    if (g < 0) return g;
    struct record text = {.time = NO_TIME, .value = w->text.data, .value_size = w->text.len - 1};
    text.value_type = VALUE_BYTES; /* OUT_LINES puts the last line end back */
    return output_record(&s->output, s->like, &s->origin, &text, e);
}

/* The time of a text record, where an option says what it is. */
static int set_time(struct show *w, const struct stage *s, struct record *r, struct err *e) {
    if (!w->time.used || !s->text) return 0;
    record_begin(w->run, s, r);
    return time_field_get(&w->time, w->run, &r->time, e);
}

static int on_record(void *ctx, struct stage *s, const struct record *in, struct err *e) {
    struct show *w = ctx;
    struct record r = *in;
    int g = set_time(w, s, &r, e);
    if (g < 0) return g;
    w->seen++;
    if (w->o->record && w->seen < w->o->record) return 0;
    g = w->whole ? put_whole(w, s, &r, e) : put_record(s, &r, e);
    if (g < 0) return g;
    w->shown++;
    s->enough = w->o->record ? true : w->shown >= w->o->count;
    return 0;
}

static int on_info_block(void *ctx, struct stage *s, const struct block *b, struct err *e) {
    (void)s;
    return info_block(&((struct show *)ctx)->info, b, e);
}

static int on_info_record(void *ctx, struct stage *s, const struct record *in, struct err *e) {
    struct show *w = ctx;
    struct record r = *in;
    int g = set_time(w, s, &r, e);
    if (g == 0) info_record(&w->info, &r);
    return g;
}

static bool has_format(const struct output_options *o) {
    return o->out.at > 1 || o->format;
}

static int check_options(const struct options *o, const struct arguments *args, struct err *e) {
    bool whole = o->full || o->record;
    if (o->info && o->verify) return err_set(e, G_USAGE, "--info and --verify exclude each other");
    if ((o->info || o->verify) && (whole || o->count != UINT64_MAX))
        return err_set(e, G_USAGE, "%s looks at all records", o->info ? "--info" : "--verify");
    if (whole && has_format(&o->output))
        return err_set(e, G_USAGE, "%s is a format of its own", o->full ? "--full" : "--record");
    if (o->record && o->count != UINT64_MAX) return err_set(e, G_USAGE, "--record and --count exclude each other");
    if (!o->topic && (o->partitions.count || o->offset))
        return err_set(e, G_USAGE, "%s belongs to --topic", o->offset ? "--offset" : "--partition");
    if (o->topic && args->operands) return err_set(e, G_USAGE, "a topic and files exclude each other");
    return 0;
}

/* One run of the stage over one file, then what it was made of. Only what makes going on senseless is returned. */
static int look_at(struct show *w, struct stage_config *c, const char *file, int *worst, struct err *e) {
    static const struct stage_ops ops = {.record = on_info_record, .inspect = on_info_block};
    struct stage stage;
    struct buf line = {0};
    int g = info_init(&w->info, e);
    if (g < 0) return g;
    c->files = &file;
    c->file_count = 1;
    struct err why = {0};
    bool first = w->rows.out.records == 0;
    int run = stage_run(&stage, c, &ops, w, &why);
    if (run == G_STOPPED) {
        info_release(&w->info);
        *e = why;
        return run;
    }
    w->info.name = strcmp(file, "-") != 0 ? file : c->standard_input ? c->standard_input : "standard input";
    info_end(&w->info, &stage, run);
    bool people = !has_format(&w->o->output);
    if (!people) {
        g = info_json(&w->info, &why, &line);
    } else if (w->o->info) {
        g = first ? 0 : buf_putc(&line, '\n');
        if (g == 0) g = info_text(&w->info, &line);
        if (g == 0) line.len--; /* OUT_LINES puts the last line end back */
    } else if (run == 0) {
        g = info_line(&w->info, &line);
    }
    if (g < 0) g = err_nomem(e);
    if (g == 0 && line.len)
        g = people ? rows_line(&w->rows, line.data, line.len, e) : rows_object(&w->rows, line.data, line.len, e);
    if (g == 0) g = output_flush(&w->rows.out, e);
    buf_release(&line);
    info_release(&w->info);
    if (run < 0) diag_error(&why);
    int code = exit_from_grade(run);
    if (code > *worst) *worst = code;
    return g;
}

/* --info and --verify: each file by itself, so that one which is damaged does not hide the others. */
static int look(struct show *w, struct stage_config *c, int *worst, struct err *e) {
    struct output_config out = c->output;
    static const char *const standard_input = "-";
    const char *const *files = c->file_count ? c->files : &standard_input;
    size_t n = c->file_count ? c->file_count : 1;
    c->no_output = true;
    c->trust_blocks = w->o->info;
    c->distrust_blocks = w->o->verify;
    if (!has_format(&w->o->output)) out.text.format = OUT_LINES;
    int g = rows_open(&w->rows, &out, e);
    if (g < 0) return g;
    for (size_t i = 0; g == 0 && i < n; i++) g = look_at(w, c, files[i], worst, e);
    struct err late;
    int closed = rows_close(&w->rows, g == 0, g == 0 ? e : &late);
    return g < 0 ? g : closed;
}

static int print(struct show *w, struct stage_config *c, int *worst, struct err *e) {
    static const struct stage_ops ops = {.record = on_record};
    struct stage stage;
    int g = 0;
    if (c->output.text.format == OUT_DEFAULT) c->output.text.format = OUT_TABLE;
    if (w->o->full || w->o->record) {
        g = whole_open(&w->whole, c->output.text.color, e);
        c->output.text.format = OUT_LINES;
        c->output.text.safe = c->output.text.color = false; /* that is done by then */
    }
    if (g == 0) g = stage_run(&stage, c, &ops, w, e);
    if (g < 0 || !w->o->record || w->shown) return g;
    diag_errorf("there is no record %" PRIu64 ": the input has %" PRIu64, w->o->record, w->seen);
    *worst = EXIT_NO;
    return 0;
}

static int time_config(struct show *w, struct err *e) {
    const struct input_options *o = &w->o->input;
    w->set = expr_set_new(EXPR_AUTO);
    if (!w->set) return err_nomem(e);
    int g = time_field_init(&w->time, w->set, o->time, o->time_format, o->tz, e);
    return g == 0 && w->time.used ? expr_run_new(w->set, &w->run, e) : g;
}

static int run(struct show *w, struct stage_config *c, int *worst, struct err *e) {
    const struct options *o = w->o;
    struct log log = LOG_CLOSED;
    int g = input_config(&o->input, &c->input, e);
    if (g == 0) g = output_config(&o->output, &c->output, e);
    if (g == 0) g = time_config(w, e);
    if (g == 0) g = letters_open(c, &log, &o->errors, &o->log, e);
    if (g == 0) {
        error_config(&o->errors, c);
        stage_sandbox(c, log.path);
        g = o->info || o->verify ? look(w, c, worst, e) : print(w, c, worst, e);
    }
    return letters_close(c, &log, g, e);
}

/* What was read came from a program of ours: where it failed it has said why, and its code is the truth. */
static int exit_code(struct from_topic *f, int g, int worst, const struct err *e) {
    int child = from_topic_finish(f);
    if (child && (g == G_UPSTREAM || g == G_TRUNCATED || g == 0)) return child;
    int code = stage_exit(g, e);
    return code ? code : worst;
}

int main(int argc, char **argv) {
    struct options o = {.count = UINT64_MAX};
    struct arguments args;
    int code = option_begin(&tool, argc, argv, &o, &args);
    if (code >= 0) return code;
    struct show w = {.o = &o};
    struct progress progress = {0};
    struct stage_config config = {0};
    struct from_topic from = {0};
    struct err e = {0};
    int worst = 0;
    signals_init(true);
    stage_config_common(&config, tool.name, argc, argv, &args, &progress);
    int g = check_options(&o, &args, &e);
    if (g == 0 && o.topic) {
        const struct topic_range range = {.topic = o.topic,
                                          .dir = o.log.dir,
                                          .offset = o.offset,
                                          .partitions = o.partitions.item,
                                          .partition_count = o.partitions.count,
                                          .force_fs = o.log.force_fs};
        config.standard_input = o.topic;
        g = from_topic_start(&from, &range, &e);
    }
    if (g == 0) {
        progress.end_bytes = o.topic ? 0 : input_bytes(config.files, config.file_count);
        progress_begin(&progress, &o.stats);
        g = run(&w, &config, &worst, &e);
        progress_end(&progress);
    }
    whole_free(w.whole);
    buf_release(&w.text);
    time_field_release(&w.time);
    expr_run_free(w.run);
    expr_set_free(w.set);
    code = exit_code(&from, g, worst, &e);
    option_end(&tool, &o, &args);
    return code;
}
