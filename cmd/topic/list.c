/* SPDX-License-Identifier: Apache-2.0 */
/* leat topic list, describe. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/number.h"
#include "base/timefmt.h"
#include "cli/grid.h"
#include "log/group.h"
#include "stock.h"
#include "topic.h"

/* ---- list ---- */

static struct grid listing = {.headers = "TOPIC >PARTITIONS >OFFSETS >SEGMENTS >SIZE"};

static int list_topic(struct run *r, struct topic *t, struct err *e) {
    uint64_t offsets = 0, segments = 0, bytes = 0;
    for (uint32_t p = 0; p < t->partitions; p++) {
        struct stock s;
        int g = stock_take(t, p, false, &s, e);
        if (g < 0) return g;
        offsets += s.end - s.start;
        segments += s.segments;
        bytes += s.bytes;
    }
    if (r->o->json)
        return run_json(r,
                        json_pack("{s:s, s:i, s:I, s:I, s:I}", "topic", t->name, "partitions", (int)t->partitions,
                                  "offsets", (json_int_t)offsets, "segments", (json_int_t)segments, "bytes",
                                  (json_int_t)bytes),
                        e);
    bool failed = grid_cell(&listing, t->name) < 0 || grid_number(&listing, t->partitions) < 0 ||
                  grid_number(&listing, offsets) < 0 || grid_number(&listing, segments) < 0 ||
                  grid_size(&listing, bytes) < 0;
    return failed ? err_nomem(e) : 0;
}

static int list_names(struct run *r, struct err *e) {
    char **names = NULL;
    size_t count = 0;
    int g = named_topics(r, &names, &count, e);
    for (size_t i = 0; g == 0 && i < count; i++)
        g = r->o->json                                  ? run_json(r, json_pack("{s:s}", "topic", names[i]), e)
            : buf_printf(&r->out, "%s\n", names[i]) < 0 ? err_nomem(e)
                                                        : 0;
    topic_list_free(names, count);
    return g;
}

int command_list(struct run *r, struct err *e) {
    if (r->o->names) return list_names(r, e);
    int g = each_topic(r, list_topic, e);
    if (g == 0 && grid_print(&listing, &r->out) < 0) g = err_nomem(e);
    grid_release(&listing);
    return g;
}

/* ---- describe ---- */

struct description {
    struct run *r;
    json_t *settings, *partitions, *groups; /* with -j */
    struct grid grid, lag;
    bool failed;
};

static void describe_setting(void *ctx, const char *name, const char *value) {
    struct description *d = ctx;
    char text[SIZE_TEXT_MAX + 4] = "";
    const char *tail = name + (strlen(name) > 5 ? strlen(name) - 5 : 0);
    if (d->r->o->json) {
        d->failed = d->failed || json_object_set_new(d->settings, name, json_string(value)) < 0;
        return;
    }
    if ((strcmp(tail, "_size") == 0 || strcmp(name, "max_record") == 0) && strcmp(value, "0") != 0) {
        char size[SIZE_TEXT_MAX];
        size_format(size, strtoull(value, NULL, 10));
        (void)snprintf(text, sizeof text, " (%s)", size);
    }
    d->failed = d->failed || buf_printf(&d->r->out, "  %-20s %s%s\n", name, value, text) < 0;
}

static json_t *time_json(int64_t ns) {
    char text[TIME_TEXT_MAX];
    if (ns == NO_TIME) return json_null();
    time_format_rfc3339(ns, text);
    return json_string(text);
}

static int describe_partition(struct description *d, uint32_t p, const struct stock *s) {
    if (d->r->o->json)
        return json_array_append_new(
            d->partitions,
            json_pack("{s:i, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:i, s:I, s:o, s:o}", "partition", (int)p, "start",
                      (json_int_t)s->start, "end", (json_int_t)s->end, "records", (json_int_t)s->records, "blocks",
                      (json_int_t)s->blocks, "bytes", (json_int_t)s->bytes, "raw_bytes", (json_int_t)s->raw_bytes,
                      "segments", (json_int_t)s->segments, "compressed", (json_int_t)s->compressed, "epoch",
                      (int)s->epoch, "durable", (json_int_t)s->durable, "min_time", time_json(s->min_time), "max_time",
                      time_json(s->max_time)));
    struct grid *g = &d->grid;
    bool failed = grid_number(g, p) < 0 || grid_number(g, s->start) < 0 || grid_number(g, s->end) < 0 ||
                  grid_number(g, s->records) < 0 || grid_size(g, s->bytes) < 0 || grid_number(g, s->segments) < 0 ||
                  grid_number(g, s->compressed) < 0 || grid_number(g, s->epoch) < 0 || grid_number(g, s->durable) < 0 ||
                  grid_time(g, s->min_time) < 0 || grid_time(g, s->max_time) < 0;
    return failed ? G_NOMEM : 0;
}

static int describe_position(struct description *d, const char *group, uint32_t p, const struct group_position *at,
                             uint64_t end) {
    uint64_t lag = end > at->offset ? end - at->offset : 0;
    if (d->r->o->json)
        return json_array_append_new(d->groups, json_pack("{s:s, s:i, s:I, s:I, s:I}", "group", group, "partition",
                                                          (int)p, "current_offset", (json_int_t)at->offset,
                                                          "log_end_offset", (json_int_t)end, "lag", (json_int_t)lag));
    struct grid *g = &d->lag;
    bool failed = grid_cell(g, group) < 0 || grid_number(g, p) < 0 || grid_number(g, at->offset) < 0 ||
                  grid_number(g, end) < 0 || grid_number(g, lag) < 0;
    return failed ? G_NOMEM : 0;
}

static int describe_group(struct description *d, struct topic *t, const char *name, const uint64_t *ends,
                          struct err *e) {
    struct group group;
    int g = group_open(&group, &d->r->log, name, t, false, e);
    if (g == G_ABSENT) return 0;
    if (g < 0) return g;
    for (uint32_t p = 0; g == 0 && p < t->partitions; p++) {
        struct group_position at = {0};
        g = group_read(&group, p, &at, e);
        if (g == 0 && at.known) g = describe_position(d, name, p, &at, ends[p]) < 0 ? err_nomem(e) : 0;
    }
    group_close(&group);
    return g;
}

static int describe_contents(struct description *d, struct topic *t, struct err *e) {
    char **names = NULL;
    size_t count = 0;
    uint64_t *ends = calloc(t->partitions, sizeof *ends);
    int g = ends ? 0 : err_nomem(e);
    for (uint32_t p = 0; g == 0 && p < t->partitions; p++) {
        struct stock s;
        g = stock_take(t, p, true, &s, e);
        if (g == 0 && describe_partition(d, p, &s) < 0) g = err_nomem(e);
        ends[p] = s.end;
    }
    if (g == 0) g = group_list(&d->r->log, &names, &count, e);
    for (size_t i = 0; g == 0 && i < count; i++) g = describe_group(d, t, names[i], ends, e);
    topic_list_free(names, count);
    free(ends);
    return g;
}

static int print_description(struct description *d, const struct topic *t, struct err *e) {
    struct run *r = d->r;
    if (r->o->json) {
        char id[20];
        (void)snprintf(id, sizeof id, "%016" PRIx64, t->id);
        json_t *o = json_pack("{s:s, s:s, s:o, s:O, s:O, s:O}", "topic", t->name, "topic_id", id, "created",
                              time_json(t->created_ns), "settings", d->settings, "partitions", d->partitions, "groups",
                              d->groups);
        return run_json(r, o, e);
    }
    bool failed = grid_print(&d->grid, &r->out) < 0;
    if (d->lag.count) failed = failed || buf_putc(&r->out, '\n') < 0 || grid_print(&d->lag, &r->out) < 0;
    return failed ? err_nomem(e) : 0;
}

static int describe_topic(struct run *r, struct topic *t, struct err *e) {
    struct description d = {
        .r = r,
        .settings = json_object(),
        .partitions = json_array(),
        .groups = json_array(),
        .grid = {.headers =
                     ">PARTITION >START >END >RECORDS >SIZE >SEGMENTS >COMPRESSED >EPOCH >DURABLE EARLIEST LATEST"},
        .lag = {.headers = "GROUP >PARTITION >CURRENT-OFFSET >LOG-END-OFFSET >LAG"},
    };
    char created[TIME_TEXT_MAX];
    time_format_rfc3339(t->created_ns, created);
    if (!r->o->json)
        d.failed = (r->out.len > 0 && buf_putc(&r->out, '\n') < 0) ||
                   buf_printf(&r->out, "%s: created %s, identity %016" PRIx64 "\n", t->name, created, t->id) < 0;
    topic_settings_each(&t->settings, describe_setting, &d);
    int g = d.failed ? err_nomem(e) : describe_contents(&d, t, e);
    if (g == 0) g = print_description(&d, t, e);
    json_decref(d.settings);
    json_decref(d.partitions);
    json_decref(d.groups);
    grid_release(&d.grid);
    grid_release(&d.lag);
    return g;
}

int command_describe(struct run *r, struct err *e) {
    return each_topic(r, describe_topic, e);
}
