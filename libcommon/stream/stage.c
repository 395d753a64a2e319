/* SPDX-License-Identifier: Apache-2.0 */
/* The run loop. See stage.h. */
#include "stream/stage.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "stream/letter.h"
#include "stream/stage_impl.h"
#include "sys/signals.h"
#include "sys/sys.h"

#define TICK_RECORDS 256 /* a tick once in so many text records, or once a block */
#define NAMED_MAX 3      /* skipped records that are named; the others are counted */

static const struct block_header text_header = {.flags = BLOCK_JSON_VALID};

const char *stage_where(struct stage *s, const struct record *r) {
    uint64_t line = s->text ? text_in_line(s->text) : s->line;
    if (line)
        (void)snprintf(s->where, sizeof s->where, "%s:%" PRIu64, s->input_name, line);
    else if (s->origin.topic)
        (void)snprintf(s->where, sizeof s->where, "%s/%u@%" PRIu64, s->origin.topic, s->origin.partition, r->offset);
    else
        (void)snprintf(s->where, sizeof s->where, "%s@%" PRIu64, s->input_name, r->offset);
    return s->where;
}

void stage_tick(struct stage *s) {
    if (s->config->tick) s->config->tick(s->config->hook_ctx, &s->counts);
}

static void notice(struct stage *s, const struct err *what) {
    if (s->config->notice) s->config->notice(s->config->hook_ctx, what);
}

/* The outputs one by one: the main one, if there is one, and those beside it. NULL behind the last. */
static struct output *output_at(struct stage *s, size_t i) {
    if (!s->config->no_output && i-- == 0) return &s->output;
    return i < s->config->more_count ? &s->more[i] : NULL;
}

/* Our own start goes out as soon as it is known what came before us, and in any case before the first record. */
static int write_start(struct stage *s, const json_t *history, struct err *e) {
    const struct stage_config *c = s->config;
    if (s->started) return 0;
    const struct output_lineage lineage = {
        .tool = c->tool, .args = c->args, .arg_count = c->arg_count, .history = history ? history : s->history};
    struct output *o;
    int g = 0;
    for (size_t i = 0; g == 0 && (o = output_at(s, i)); i++) g = output_start(o, &lineage, e);
    s->started = g == 0;
    return g;
}

int stage_start(struct stage *s, struct err *e) {
    return write_start(s, NULL, e);
}

int stage_emit_derived(struct stage *s, const struct record *r, struct err *e) {
    static const struct record_origin nowhere;
    int g = s->started ? 0 : write_start(s, NULL, e);
    if (g < 0) return g;
    struct record derived = *r;
    derived.offset = s->derived++;
    return output_record(&s->output, &text_header, &nowhere, &derived, e);
}

int stage_emit_derived_head(struct stage *s, const struct record *r, char **ret_value, struct err *e) {
    int g = s->started ? 0 : write_start(s, NULL, e);
    if (g < 0) return g;
    struct record derived = *r;
    derived.offset = s->derived;
    g = output_record_head(&s->output, &text_header, &derived, ret_value, e);
    s->derived += g > 0;
    return g;
}

int stage_emit_run(struct stage *s, const struct record_run *run, struct err *e) {
    struct block_header h = {.flags = BLOCK_JSON_VALID, .records = run->count, .raw_size = (uint32_t)run->size};
    int g = s->started ? 0 : write_start(s, NULL, e);
    if (g < 0) return g;
    if (output_is_blocks(&s->output)) {
        h.base_offset = s->derived;
        s->derived += run->count;
        return output_run(&s->output, &h, run, e);
    }
    struct record_walk w;
    struct record r;
    record_walk_init(&w, &h, run->records, SIZE_MAX);
    while ((g = record_next(&w, &r, e)) > 0) {
        g = stage_emit_derived(s, &r, e);
        if (g < 0) return g;
    }
    return g;
}

int stage_emit(struct stage *s, const struct record *r, struct err *e) {
    int g = s->started ? 0 : write_start(s, NULL, e);
    if (g < 0) return g;
    if (s->like->topic_id != 0) return output_record(&s->output, s->like, &s->origin, r, e);
    struct record derived = *r;
    derived.offset = s->derived++;
    return output_record(&s->output, s->like, &s->origin, &derived, e);
}

int stage_refuse(struct stage *s, const struct record *r, const char *what, const char *where, struct err *e) {
    s->counts.bad++;
    struct err words = *e;
    if (s->config->dead_letter) {
        const struct letter letter = {.to = s->config->dead_letter, .what = what, .where = where, .why = words.text};
        return letter_put(s, &letter, r, e);
    }
    if (!s->config->skip_bad) return err_prefix(e, "%s '%s': ", what, where);
    if (s->counts.bad <= NAMED_MAX) {
        (void)err_prefix(&words, "%s '%s' skipped: ", what, where);
        notice(s, &words);
    } else if (s->counts.bad == NAMED_MAX + 1) {
        (void)err_set(&words, 0, "more bad records are skipped and only counted");
        notice(s, &words);
    }
    return 0;
}

int stage_bad(struct stage *s, const struct record *r, struct err *e) {
    struct record line = {.time = NO_TIME, .value_type = VALUE_BYTES};
    if (s->failed) return e->grade;
    if (s->text) line.value = text_in_raw(s->text, &line.value_size); /* as it came in, whatever was made of it */
    return stage_refuse(s, s->text ? &line : r, "record", stage_where(s, r), e);
}

int stage_check(struct stage *s, const struct record *r, struct err *e) {
    struct json_fault fault;
    if (s->checked || r->value_type != VALUE_JSON) return 0;
    int g = json_validate(&s->json, r->value, r->value_size, &fault);
    if (g == G_DATA) return err_set(e, G_DATA, "value is not JSON: %s at byte %zu", fault.reason, fault.at);
    return g < 0 ? err_nomem(e) : 0;
}

static int handle_record(struct stage *s, const struct record *r, struct err *e) {
    int g = stage_check(s, r, e);
    if (g == 0) g = s->ops->record(s->ctx, s, r, e);
    return g == G_DATA ? stage_bad(s, r, e) : g;
}

static int handle_data(struct stage *s, const struct block *b, struct err *e) {
    s->like = &b->h;
    s->origin = (struct record_origin){.topic = sources_find(&s->sources, b->h.topic_id), .partition = b->h.partition};
    s->counts.bytes_in += BLOCK_HEADER_SIZE + b->h.stored_size;
    if (b->h.max_time > s->counts.max_time) s->counts.max_time = b->h.max_time;
    stage_tick(s);
    s->checked = s->config->trust_blocks || ((b->h.flags & BLOCK_JSON_VALID) && !s->config->distrust_blocks);
    s->memory = b->body;
    s->memory_end = b->body + b->h.raw_size;
    if (s->ops->block) {
        s->counts.records_in += b->h.records;
        s->note = NULL;
        if (s->crew && !crew_note(s->crew, b->position, &s->note, &s->note_size)) s->note = NULL;
        return s->ops->block(s->ctx, s, b, e);
    }
    struct record_walk w;
    struct record r;
    record_walk_init(&w, &b->h, b->body, s->config->input.record_limit);
    int g;
    while ((g = record_next(&w, &r, e)) > 0) {
        s->counts.records_in++;
        g = handle_record(s, &r, e);
        if (g < 0 || s->enough) return g;
    }
    return g;
}

static int handle_end(const struct control *c, struct err *e) {
    if (c->status == 0) return 0;
    return err_set(e, G_UPSTREAM, "upstream failed with status %d%s%s", c->status, c->error ? ": " : "",
                   c->error ? c->error : "");
}

int stage_pass(struct stage *s, const struct block *b, struct err *e) {
    struct output *o;
    int g = write_start(s, NULL, e);
    for (size_t i = 0; g == 0 && (o = output_at(s, i)); i++) {
        if (output_is_blocks(o)) g = writer_block(&o->writer, b->header, b->stored, &b->h, e);
    }
    return g;
}

int stage_control(struct stage *s, const struct buf *text, struct err *e) {
    struct output *o;
    int g = write_start(s, NULL, e);
    for (size_t i = 0; g == 0 && (o = output_at(s, i)); i++) {
        if (output_is_blocks(o)) g = writer_control(&o->writer, 0, 0, text->data, text->len, e);
    }
    return g;
}

static int handle_control(struct stage *s, const struct block *b, struct err *e) {
    int g;
    switch (b->control.type) {
    case CONTROL_START: return write_start(s, json_object_get(b->control.json, "history"), e);
    case CONTROL_END: return handle_end(&b->control, e);
    case CONTROL_SEGMENT: return 0;
    case CONTROL_SOURCE:
        g = sources_add(&s->sources, b->h.topic_id, b->control.topic, e);
        if (g < 0) return g;
        break;
    default: break;
    }
    return s->ops->control ? s->ops->control(s->ctx, s, b, e) : stage_pass(s, b, e);
}

static int flush_sinks(struct stage *s, struct err *e) {
    const struct stage_config *c = s->config;
    int g = 0;
    for (size_t i = 0; g == 0 && i < c->sink_count; i++) g = sink_flush(c->sinks[i], e);
    if (g == 0 && c->dead_letter) g = sink_flush(c->dead_letter, e);
    return g;
}

int stage_flush(struct stage *s, struct err *e) {
    struct output *o;
    int g = 0;
    for (size_t i = 0; g == 0 && (o = output_at(s, i)); i++) g = output_flush(o, e);
    return g < 0 ? g : flush_sinks(s, e);
}

/* About to wait: nothing may stay behind. */
int stage_idle(struct stage *s, struct err *e) {
    s->wake_ns = -1;
    int g = s->ops->idle ? s->ops->idle(s->ctx, s, e) : 0;
    if (g == 0) g = stage_flush(s, e);
    stage_tick(s);
    return g;
}

/* Idle until the input has something, as often as the tool asks for it. */
static int wait_input(void *ctx, struct inbuf *in, struct err *e) {
    struct stage *s = ctx;
    s->input_fd = in->fd;
    int g = stage_idle(s, e);
    while (g == 0 && s->wake_ns >= 0) {
        struct pollfd p = {.fd = in->fd, .events = POLLIN};
        int timeout_ms = s->wake_ns / 1000000 >= INT32_MAX ? INT32_MAX : (int)(s->wake_ns / 1000000) + 1;
        int ready = sys.poll(&p, 1, timeout_ms);
        if (ready != 0) break; /* something is there; or a signal or an error, which the read will find */
        g = stage_idle(s, e);
    }
    if (g < 0) s->idle_failure = *e;
    return g;
}

/* The crew looks at data blocks ahead of their turn, and so at the names of their topics, too. */
static int crew_look(void *ctx, unsigned thread, const struct crew_block *b, struct buf *note) {
    struct stage *s = ctx;
    const struct block_origin from = {.h = b->h, .topic = b->tag};
    return s->ops->look(s->ctx, thread, &from, b->body, note);
}

static const void *crew_tag(void *ctx, const struct block_header *h, const char *body) {
    struct stage *s = ctx;
    struct control control = {0};
    struct err ignored; /* what is wrong with it will be found in its turn */
    if (h->kind == BLOCK_DATA) return sources_find(&s->sources, h->topic_id);
    if (!memmem(body, h->stored_size, "\"source\"", 8)) return NULL;
    int g = control_parse(body, h->stored_size, &control, &ignored);
    if (g == 0 && control.type == CONTROL_SOURCE) g = sources_add(&s->sources, h->topic_id, control.topic, &ignored);
    control_release(&control);
    return NULL;
}

static void start_crew(struct stage *s, struct reader *r) {
    const struct crew_config config = {
        .ctx = s, .record_limit = s->config->input.record_limit, .look = crew_look, .tag = crew_tag};
    if (!s->ops->look || s->config->distrust_blocks) return;
    s->crew = crew_start(r->in, &config);
    r->checked = s->crew ? crew_checked : NULL;
    r->checked_ctx = s->crew;
}

static int run_blocks(struct stage *s, struct inbuf *in, struct err *e) {
    struct reader reader;
    struct block block = {0};
    reader_init(&reader, in, s->config->input.record_limit);
    start_crew(s, &reader);
    s->text = NULL;
    int g = 0;
    while (g == 0 && !s->enough) {
        g = reader_next(&reader, &block, e);
        if (g == 0 && s->ops->inspect) g = s->ops->inspect(s->ctx, s, &block, e);
        if (g == 0) g = block.h.kind == BLOCK_DATA ? handle_data(s, &block, e) : handle_control(s, &block, e);
    }
    reader_release(&reader, &block);
    crew_free(s->crew);
    s->crew = NULL;
    return g;
}

/* One text record, good or bad. */
int stage_text_record(struct stage *s, struct text_in *text, const char *name, int grade, struct record *r,
                      struct err *e) {
    s->text = text;
    s->input_name = name;
    s->like = &text_header;
    s->origin = (struct record_origin){0};
    s->checked = true;
    size_t n;
    (void)text_in_raw(text, &n);
    s->counts.bytes_in += n;
    if (++s->counts.records_in % TICK_RECORDS == 0) stage_tick(s);
    if (grade == G_DATA) return stage_bad(s, r, e);
    r->offset = s->counts.records_in - 1;
    return handle_record(s, r, e);
}

static int run_text(struct stage *s, struct inbuf *in, enum in_format format, struct err *e) {
    struct text_in_config config = s->config->input;
    struct text_in *text;
    struct record r = {0};
    config.format = format;
    int g = text_in_open(&text, in, &config, e);
    if (g < 0) return g;
    while (g == 0 && !s->enough) {
        g = text_in_next(text, &r, e);
        s->memory = in->data;
        s->memory_end = in->data + in->cap;
        if (g == 0 || g == G_DATA) g = stage_text_record(s, text, in->name, g, &r, e);
    }
    s->text = NULL;
    s->memory = s->memory_end = NULL;
    text_in_free(text);
    return g;
}

static int run_input(struct stage *s, const char *file, struct err *e) {
    struct inbuf in;
    enum in_format format = s->config->input.format;
    bool standard = strcmp(file, "-") == 0;
    int fd = standard ? STDIN_FILENO : sys.openat(AT_FDCWD, file, O_RDONLY, 0);
    if (fd < 0) return err_sys(e, errno, "cannot open '%s'", file);
    const char *standard_name = s->config->standard_input ? s->config->standard_input : "standard input";
    s->input_name = standard ? standard_name : file;
    int g = inbuf_init(&in, fd, s->input_name, e);
    in.before_wait = wait_input;
    in.before_wait_ctx = s;
    if (g == 0) g = input_find_format(&in, &format, e);
    if (g == 0) s->format = format;
    if (g == 0) g = format == IN_BLOCKS ? run_blocks(s, &in, e) : run_text(s, &in, format, e);
    inbuf_release(&in);
    if (!standard) sys.close(fd);
    if (s->idle_failure.grade < 0) { /* without the place in the input that readers gave it */
        *e = s->idle_failure;
        return e->grade;
    }
    return g > 0 ? 0 : g;
}

static int run_inputs(struct stage *s, struct err *e) {
    static const char *const standard_input = "-";
    if (s->config->feeds) return stage_run_feeds(s, e);
    if (s->config->follow) return stage_run_follow(s, e);
    size_t n = s->config->file_count ? s->config->file_count : 1;
    const char *const *files = s->config->file_count ? s->config->files : &standard_input;
    int g = 0;
    for (size_t i = 0; g == 0 && !s->enough && i < n; i++) g = run_input(s, files[i], e);
    return g;
}

/* The last block tells downstream how it went. */
static int end_output(struct stage *s, struct output *o, int grade, const struct err *why, struct err *e) {
    /* A run that was stopped did not see all of its input: downstream must know. */
    int status = grade == G_STOPPED ? 128 + signals_stop() : grade_exit_code(grade);
    int g = write_start(s, NULL, e);
    if (g == 0) g = output_end(o, status, why->text, e);
    return g < 0 ? g : output_flush(o, e);
}

/* What went wrong with one output is told by those behind it, and files appear only when all is well. */
static int finish(struct stage *s, int g, struct err *e) {
    struct output *o;
    struct err late;
    if (g == 0 && s->ops->end) g = s->ops->end(s->ctx, s, e);
    for (size_t i = 0; g != G_PIPE && (o = output_at(s, i)); i++) {
        int ended = end_output(s, o, g, e, &late);
        if (g < 0 || ended == 0) continue;
        g = ended;
        *e = late;
    }
    for (size_t i = 0; (o = output_at(s, i)); i++) {
        int closed = output_close(o, g == 0, &late);
        if (closed == 0 || closed == G_PIPE || (g < 0 && g != G_PIPE)) continue;
        g = closed;
        *e = late;
    }
    return g;
}

static int open_outputs(struct stage *s, struct err *e) {
    const struct stage_config *c = s->config;
    int g = 0;
    size_t i = 0;
    if (c->more_count && !(s->more = calloc(c->more_count, sizeof *s->more))) return err_nomem(e);
    for (; g == 0 && i < c->more_count; i++) g = output_open(&s->more[i], &c->more[i], e);
    if (g == 0 && !c->no_output) g = output_open(&s->output, &c->output, e);
    if (g == 0) return 0;
    for (size_t k = 0; k < i; k++) {
        int closed = output_close(&s->more[k], false, NULL);
        (void)closed; /* nothing was written */
    }
    return g;
}

/* How many were skipped, where that is more than those that were named. */
static void tell_skipped(struct stage *s) {
    struct err words = {0};
    uint64_t bad = s->counts.bad, all = s->counts.records_in;
    if (!s->config->skip_bad || s->config->dead_letter || bad <= NAMED_MAX) return;
    if (bad > all)
        (void)err_set(&words, 0, "%" PRIu64 " records and results were bad and left out", bad);
    else if (bad == all && s->format != IN_DETECT && s->format != IN_BLOCKS)
        (void)err_set(&words, 0, "all %" PRIu64 " records were bad: the input was read as %s (-i says otherwise)", all,
                      in_format_name(s->format));
    else
        (void)err_set(&words, 0, "%" PRIu64 " of %" PRIu64 " records were bad and left out", bad, all);
    notice(s, &words);
}

int stage_run(struct stage *s, const struct stage_config *config, const struct stage_ops *ops, void *ctx,
              struct err *e) {
    *s = (struct stage){
        .config = config, .ops = ops, .ctx = ctx, .counts.max_time = NO_TIME, .like = &text_header, .input_fd = -1};
    struct json_limits limits = {.max_depth = config->input.json_depth};
    if (json_validator_init(&s->json, &limits) < 0) return err_nomem(e);
    int g = open_outputs(s, e);
    if (g == 0) {
        g = run_inputs(s, e);
        g = finish(s, g, e);
    }
    if (g >= 0) g = flush_sinks(s, e);
    stage_tick(s);
    tell_skipped(s);
    free(s->more);
    s->more = NULL;
    json_validator_release(&s->json);
    sources_release(&s->sources);
    json_decref(s->history);
    s->history = NULL;
    return g;
}
