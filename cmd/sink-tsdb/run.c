/* SPDX-License-Identifier: Apache-2.0 */
/* Records, barriers and the end. See run.h. */
#include "run.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "cli/diag.h"

/* What the destination returned: a bad record is no failure of its own. */
static int from_dest(struct tsdb *s, int g) {
    if (g < 0 && (g != G_DATA || s->stage->failed)) s->broken = true;
    return g;
}

/* ---- records ---- */

static int take_record(void *ctx, struct stage *stage, const struct record *r, struct err *e) {
    struct tsdb *s = ctx;
    struct point p;
    if (s->ahead >= 0) {
        s->passed_over++;
        return 0;
    }
    int g = mapping_point(&s->mapping, stage, r, &p, e);
    if (g <= 0) return g;
    /* SQLite refuses at once, if ever, and the stage knows then where it is. */
    const char *where = s->url.kind == DEST_SQLITE ? "" : stage_where(stage, r);
    repeats_take(&s->repeats, &p, s->mapping.update);
    g = from_dest(s, s->dest->ops->put(s->dest, stage->like, r, where, &p, e));
    if (g == 0) repeats_note(&s->repeats);
    return g;
}

int tsdb_refused(void *ctx, const struct block_header *like, const struct record *r, const char *where, struct err *e) {
    struct tsdb *s = ctx;
    (void)like;
    int g = stage_refuse(s->stage, r, "record", where, e);
    if (g == G_DATA) s->stage->failed = true; /* and not the record that is in hand now */
    return g;
}

/* ---- the pipeline ---- */

static int claim_pipeline(struct tsdb *s, const char *name, int64_t restored, struct err *e) {
    int64_t reached = restored;
    int g = s->dest->ops->reached ? from_dest(s, s->dest->ops->reached(s->dest, name, &reached, e)) : 0;
    if (g < 0) return g;
    if (reached < 0 && restored >= 0)
        return err_set(e, G_USAGE,
                       "pipeline '%s' goes on at checkpoint %" PRId64
                       ", and '%s' has none of it: records before would be missing",
                       name, restored, s->url.shown);
    if (reached < restored)
        return err_set(e, G_USAGE,
                       "pipeline '%s' goes on at checkpoint %" PRId64 ", and '%s' has come to %" PRId64
                       " only: records between would be missing",
                       name, restored, s->url.shown, reached);
    s->checkpoint = restored;
    s->ahead = reached > restored ? reached : -1;
    return 0;
}

/* A start block: which pipeline, and where it goes on. All streams of a run are of one. */
static int take_start(struct tsdb *s, const json_t *start, struct err *e) {
    const char *name = json_string_value(json_object_get(start, "pipeline"));
    const json_t *restore = json_object_get(start, "restore");
    if (json_is_object(restore)) restore = json_object_get(restore, "checkpoint");
    int64_t restored = json_is_integer(restore) ? json_integer_value(restore) : -1;
    bool same = name && s->pipeline ? strcmp(name, s->pipeline) == 0 : name == s->pipeline;
    if (s->live && !same) return err_set(e, G_USAGE, "the input is of several pipelines; write them one by one");
    if (s->ahead >= 0) return err_set(e, G_UPSTREAM, "a stream ended before barrier %" PRId64, s->ahead);
    s->live = true;
    if (!name) return 0;
    if (!s->pipeline && !(s->pipeline = strdup(name))) return err_nomem(e);
    return claim_pipeline(s, name, restored, e);
}

static int inspect(void *ctx, struct stage *stage, const struct block *b, struct err *e) {
    struct tsdb *s = ctx;
    (void)stage;
    return b->h.kind == BLOCK_CONTROL && b->control.type == CONTROL_START ? take_start(s, b->control.json, e) : 0;
}

static int take_barrier(struct tsdb *s, const json_t *barrier, struct err *e) {
    const json_t *number = json_object_get(barrier, "checkpoint");
    if (!json_is_integer(number) || json_integer_value(number) < 0)
        return err_set(e, G_CORRUPT, "a barrier has no checkpoint number");
    const struct checkpoint c = {.pipeline = s->pipeline ? s->pipeline : "", .number = json_integer_value(number)};
    if (c.number <= s->checkpoint)
        return err_set(e, G_CORRUPT, "barrier %" PRId64 " comes behind %" PRId64, c.number, s->checkpoint);
    if (c.number > s->ahead && s->ahead >= 0)
        return err_set(e, G_UPSTREAM, "barrier %" PRId64 ", which '%s' has come to, did not come, and %" PRId64 " did",
                       s->ahead, s->url.shown, c.number);
    s->checkpoint = c.number;
    if (s->ahead < 0) return from_dest(s, s->dest->ops->barrier(s->dest, &c, e));
    if (s->ahead == c.number) s->ahead = -1;
    return 0;
}

static int control(void *ctx, struct stage *stage, const struct block *b, struct err *e) {
    (void)stage;
    return b->control.type == CONTROL_BARRIER ? take_barrier(ctx, b->control.json, e) : 0;
}

/* ---- between and behind records ---- */

static int idle(void *ctx, struct stage *stage, struct err *e) {
    struct tsdb *s = ctx;
    return from_dest(s, s->dest->ops->poll(s->dest, &stage->wake_ns, e));
}

static int end(void *ctx, struct stage *stage, struct err *e) {
    struct tsdb *s = ctx;
    (void)stage;
    if (s->ahead >= 0)
        return err_set(e, G_UPSTREAM, "the input ended before barrier %" PRId64 ", which '%s' has come to", s->ahead,
                       s->url.shown);
    return from_dest(s, s->dest->ops->flush(s->dest, e));
}

const struct stage_ops tsdb_stage_ops = {
    .record = take_record, .inspect = inspect, .control = control, .idle = idle, .end = end};

int tsdb_close(struct tsdb *s, int g, struct err *e) {
    struct err late;
    if (g < 0 && !s->broken) {
        int flushed = s->dest->ops->flush(s->dest, &late);
        if (flushed < 0 && flushed != G_STOPPED) diag_warning(&late); /* why it ends is said already */
    }
    int closed = s->dest->ops->close(s->dest, g == 0, g < 0 ? &late : e);
    s->dest = NULL;
    return g < 0 ? g : closed;
}

/* ---- what is told ---- */

void tsdb_notice(void *ctx, const struct err *what) {
    (void)ctx;
    diag_warning(what);
}

void tsdb_count(struct tsdb *s) {
    struct progress *p = &s->progress;
    p->delivers = true;
    p->sent = s->totals.sent;
    p->accepted = s->totals.accepted;
    p->refused = s->totals.refused;
    p->in_flight = s->totals.in_flight;
    p->retries = s->totals.retries;
    p->passed_over = s->passed_over;
    p->replaced = s->repeats.replaced;
    p->records_out = s->totals.accepted;
}

void tsdb_tick(void *ctx, const struct stage_counts *counts) {
    struct tsdb *s = ctx;
    tsdb_count(s);
    s->common_tick(ctx, counts);
}

static const char *plural(uint64_t n) {
    return n == 1 ? "" : "s";
}

void tsdb_tell(const struct tsdb *s) {
    const struct mapping *m = &s->mapping;
    if (s->passed_over)
        diag_warn("%" PRIu64 " record%s passed over: '%s' has them already", s->passed_over, plural(s->passed_over),
                  s->url.shown);
    if (s->repeats.replaced)
        diag_warn("%" PRIu64 " point%s the place of others with the same time and tags (--tags NAMES tells them apart)",
                  s->repeats.replaced, s->repeats.replaced == 1 ? " takes" : "s take");
    if (m->empty && m->empty == m->seen)
        diag_warn("none of %" PRIu64 " record%s has a field, so that nothing was written", m->seen, plural(m->seen));
    else if (m->empty)
        diag_info("%" PRIu64 " record%s without a field", m->empty, plural(m->empty));
}

void tsdb_release(struct tsdb *s) {
    mapping_release(&s->mapping);
    repeats_release(&s->repeats);
    url_release(&s->url);
    free(s->pipeline);
}
