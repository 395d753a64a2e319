/* SPDX-License-Identifier: Apache-2.0 */
/* Where records go that pass, fail or both. See filter.h. */
#include <stdlib.h>
#include <string.h>

#include "filter.h"

#include "log/appender.h"
#include "log/dest.h"

static const enum verdict takes_of[] = {VERDICT_PASS, VERDICT_FAIL, VERDICT_PASS | VERDICT_FAIL};

static const struct option_list *list_at(const struct route_options *o, size_t i) {
    const struct option_list *const lists[] = {&o->pass, &o->fail, &o->all};
    return lists[i];
}

static bool is_standard(const char *place) {
    return strcmp(place, "-") == 0;
}

bool routes_need_log(const struct route_options *o) {
    for (size_t i = 0; i < 3; i++) {
        const struct option_list *l = list_at(o, i);
        for (size_t k = 0; k < l->count; k++) {
            if (!is_standard(l->item[k]) && !dest_is_file(l->item[k])) return true;
        }
    }
    return false;
}

static void add_output(struct routes *r, struct route *to, const char *file, const struct stage_config *c) {
    struct output_config *out = &r->outputs[r->output_count++];
    *out = c->output;
    out->file = file;
    out->text.safe = out->text.color = false; /* no terminal */
    out->text.width = 0;
    to->more = r->output_count;
}

static int add_route(struct routes *r, unsigned takes, const char *place, const struct log *log,
                     const struct stage_config *c, struct err *e) {
    struct route *to = &r->route[r->count];
    *to = (struct route){.takes = takes};
    if (is_standard(place)) {
        if (c->no_output) return err_set(e, G_USAGE, "--count and a destination '-' exclude each other");
    } else if (dest_is_file(place)) {
        add_output(r, to, place, c);
    } else {
        int g = sink_open_topic(&to->sink, log, place, e);
        if (g < 0) return g;
        r->sinks[r->sink_count++] = to->sink;
    }
    r->takes |= takes;
    r->count++;
    return 0;
}

int routes_open(struct routes *r, const struct route_options *o, const struct log *log, struct stage_config *c,
                struct err *e) {
    size_t given = o->pass.count + o->fail.count + o->all.count;
    *r = (struct routes){.route = calloc(given + 1, sizeof *r->route),
                         .outputs = calloc(given + 1, sizeof *r->outputs),
                         .sinks = calloc(given + 1, sizeof(struct sink *))};
    if (!r->route || !r->outputs || !r->sinks) return err_nomem(e);
    c->no_output = o->count;
    int g = given == 0 && !o->count ? add_route(r, VERDICT_PASS, "-", log, c, e) : 0;
    bool standard = given == 0;
    for (size_t i = 0; i < 3; i++) {
        const struct option_list *l = list_at(o, i);
        for (size_t k = 0; g == 0 && k < l->count; k++) {
            g = add_route(r, takes_of[i], l->item[k], log, c, e);
            standard |= is_standard(l->item[k]);
        }
    }
    if (g == 0 && !standard && c->output.file)
        g = err_set(e, G_USAGE, "--output needs a destination '-' beside the others");
    c->no_output |= !standard;
    c->more = r->outputs;
    c->more_count = r->output_count;
    c->sinks = r->sinks;
    c->sink_count = r->sink_count;
    return g;
}

int routes_close(struct routes *r, int g, struct err *e) {
    for (size_t i = 0; i < r->sink_count; i++) g = sink_finish(r->sinks[i], g, e);
    free(r->route);
    free(r->outputs);
    free(r->sinks);
    *r = (struct routes){0};
    return g;
}

static struct output *output_of(const struct route *to, struct stage *s) {
    return to->more ? &s->more[to->more - 1] : &s->output;
}

static int put_record(const struct route *to, struct stage *s, const struct record *r, struct err *e) {
    if (to->sink) return sink_put(to->sink, s->like, r, e);
    struct output *o = output_of(to, s);
    if (s->text && s->format == IN_JSON && output_takes_lines(o)) {
        size_t n;
        const char *line = text_in_raw(s->text, &n);
        return output_line(o, line, n, e);
    }
    return output_record(o, s->like, &s->origin, r, e);
}

int route_record(const struct routes *routes, struct stage *s, enum verdict verdict, const struct record *r,
                 struct err *e) {
    int g = stage_start(s, e);
    for (size_t i = 0; g == 0 && i < routes->count; i++) {
        if (routes->route[i].takes & verdict) g = put_record(&routes->route[i], s, r, e);
    }
    return g;
}

/* For those that take records one by one, from the run's bytes. */
static int put_each(const struct route *to, struct stage *s, const struct block *b, const struct record_run *run,
                    struct err *e) {
    struct block_header h = b->h;
    struct record_walk w;
    struct record r;
    h.raw_size = (uint32_t)run->size;
    h.records = run->count;
    record_walk_init(&w, &h, run->records, s->config->input.record_limit);
    int g;
    while ((g = record_next(&w, &r, e)) > 0) {
        g = put_record(to, s, &r, e);
        if (g == G_DATA) g = stage_bad(s, &r, e);
        if (g < 0) return g;
    }
    return g;
}

int route_run(const struct routes *routes, struct stage *s, const struct block *b, enum verdict verdict,
              const struct record_run *run, struct err *e) {
    int g = stage_start(s, e);
    for (size_t i = 0; g == 0 && i < routes->count; i++) {
        const struct route *to = &routes->route[i];
        if (!(to->takes & verdict)) continue;
        if (to->sink || !output_is_blocks(output_of(to, s)))
            g = put_each(to, s, b, run, e);
        else if (run->count == b->h.records)
            g = output_block(output_of(to, s), b->header, b->stored, &b->h, e);
        else
            g = output_run(output_of(to, s), &b->h, run, e);
    }
    return g;
}
