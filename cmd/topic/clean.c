/* SPDX-License-Identifier: Apache-2.0 */
/* leat topic trim, compact. */
#include "log/clean.h"

#include <stdio.h>

#include "cli/diag.h"
#include "cli/grid.h"
#include "log/offsets.h"
#include "sys/sys.h"
#include "topic.h"

/* ---- trim ---- */

struct trim {
    struct offset_range_spec before; /* a point */
    struct grid grid;
};

static int parse_place(const char *text, struct offset_range_spec *ret, struct err *e) {
    if (!text) return err_set(e, G_USAGE, "--before is needed: an offset, 'end' or @TIME");
    int g = offset_parse(text, sys.wall_ns(), ret, e);
    if (g == 0 && (ret->has_to || ret->from.kind == OFFSET_STORED))
        g = err_set(e, G_USAGE, "'%s' is not one place for all readers: N, -N, +N, end or @TIME", text);
    return g;
}

static int find_place(struct topic *t, uint32_t partition, const struct offset_point *p, uint64_t *ret_start,
                      uint64_t *ret_offset, struct err *e) {
    struct cursor c;
    int g = cursor_open(&c, t, partition, false, e);
    if (g < 0) return g;
    *ret_start = cursor_start(&c);
    g = offset_resolve(p, &c, NULL, ret_offset, e);
    cursor_close(&c);
    return g;
}

static int trim_partition(struct run *r, struct topic *t, uint32_t partition, void *ctx, struct err *e) {
    struct trim *trim = ctx;
    struct maintain_report m;
    uint64_t start = 0, offset = 0;
    int g = find_place(t, partition, &trim->before.from, &start, &offset, e);
    if (g == 0) g = partition_trim(t, partition, offset, r->o->execute, &m, e);
    if (g < 0) return g;
    if (r->o->json)
        return run_json(r,
                        json_pack("{s:s, s:i, s:I, s:I, s:I, s:I, s:I, s:b}", "topic", t->name, "partition",
                                  (int)partition, "start", (json_int_t)start, "new_start", (json_int_t)m.start,
                                  "offsets", (json_int_t)(m.start - start), "segments", (json_int_t)m.removed_segments,
                                  "bytes", (json_int_t)m.removed_bytes, "executed", (int)r->o->execute),
                        e);
    struct grid *grid = &trim->grid;
    bool failed = grid_cell(grid, t->name) < 0 || grid_number(grid, partition) < 0 || grid_number(grid, start) < 0 ||
                  grid_number(grid, m.start) < 0 || grid_number(grid, m.start - start) < 0 ||
                  grid_number(grid, m.removed_segments) < 0 || grid_size(grid, m.removed_bytes) < 0;
    return failed ? err_nomem(e) : 0;
}

static struct trim trimming = {.grid = {.headers = "TOPIC >PARTITION >START >NEW-START >OFFSETS >SEGMENTS >SIZE"}};

static int trim_topic(struct run *r, struct topic *t, struct err *e) {
    return each_partition(r, t, trim_partition, &trimming, e);
}

int command_trim(struct run *r, struct err *e) {
    int g = parse_place(r->o->before, &trimming.before, e);
    if (g < 0) return g;
    g = each_topic(r, trim_topic, e);
    if (g == 0 && grid_print(&trimming.grid, &r->out) < 0) g = err_nomem(e);
    if (g == 0) g = run_flush(r, true, e);
    if (g == 0 && !r->o->execute) diag_warn("nothing was removed: --execute does it");
    grid_release(&trimming.grid);
    return g;
}

/* ---- compact ---- */

static struct grid done = {
    .headers = "TOPIC >PARTITION >REMOVED >COMPACTED >COMPRESSED >DROPPED-RECORDS >SIZE-BEFORE >SIZE-AFTER"};

static int print_done(struct run *r, const struct topic *t, uint32_t partition, const struct maintain_report *m,
                      struct err *e) {
    if (r->o->json)
        return run_json(r,
                        json_pack("{s:s, s:i, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "topic", t->name,
                                  "partition", (int)partition, "start", (json_int_t)m->start, "removed_segments",
                                  (json_int_t)m->removed_segments, "removed_bytes", (json_int_t)m->removed_bytes,
                                  "compacted_segments", (json_int_t)m->compacted_segments, "compressed_segments",
                                  (json_int_t)m->compressed_segments, "dropped_records", (json_int_t)m->dropped_records,
                                  "bytes_before", (json_int_t)m->rewritten_before, "bytes_after",
                                  (json_int_t)m->rewritten_after, "leftovers", (json_int_t)m->swept),
                        e);
    bool failed = grid_cell(&done, t->name) < 0 || grid_number(&done, partition) < 0 ||
                  grid_number(&done, m->removed_segments) < 0 || grid_number(&done, m->compacted_segments) < 0 ||
                  grid_number(&done, m->compressed_segments) < 0 || grid_number(&done, m->dropped_records) < 0 ||
                  grid_size(&done, m->removed_bytes + m->rewritten_before) < 0 ||
                  grid_size(&done, m->rewritten_after) < 0;
    return failed ? err_nomem(e) : 0;
}

/* Damage in one partition is told, and the others are done. */
static int compact_one(struct run *r, struct topic *t, uint32_t partition, void *ctx, struct err *e) {
    (void)ctx;
    struct maintain_report m;
    int g = partition_maintain(t, partition, MAINTAIN_ALL | MAINTAIN_FORCE | MAINTAIN_WAIT, &m, e);
    if (g == G_CORRUPT) run_failed(r, g, e);
    return g < 0 && g != G_CORRUPT ? g : print_done(r, t, partition, &m, e);
}

static int compact_topic(struct run *r, struct topic *t, struct err *e) {
    return each_partition(r, t, compact_one, NULL, e);
}

int command_compact(struct run *r, struct err *e) {
    int g = each_topic(r, compact_topic, e);
    if (g == 0 && grid_print(&done, &r->out) < 0) g = err_nomem(e);
    grid_release(&done);
    return g;
}
