/* SPDX-License-Identifier: Apache-2.0 */
/* leat topic verify, repair. */
#include "log/verify.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/number.h"
#include "cli/diag.h"
#include "cli/exit.h"
#include "log/repair.h"
#include "topic.h"

/* ---- verify ---- */

static const char *const weights[] = {"note", "derived", "damage"};

static int print_damage_json(struct run *r, const char *topic, const struct damage *d, struct err *e) {
    json_t *o =
        json_pack("{s:s, s:s, s:s, s:s}", "type", weights[d->weight], "topic", topic, "file", d->file, "what", d->what);
    if (d->partition >= 0) json_object_set_new(o, "partition", json_integer(d->partition));
    if (d->to > d->at) json_object_set_new(o, "bytes", json_pack("[I, I]", (json_int_t)d->at, (json_int_t)d->to));
    if (d->until > d->from)
        json_object_set_new(o, "offsets", json_pack("[I, I]", (json_int_t)d->from, (json_int_t)d->until));
    return run_json(r, o, e);
}

static int print_damage(struct run *r, const char *topic, const struct damage *d, struct err *e) {
    char place[64] = "", cost[96] = "";
    if (r->o->json) return print_damage_json(r, topic, d, e);
    if (d->to > d->at) (void)snprintf(place, sizeof place, ", bytes %" PRIu64 " to %" PRIu64, d->at, d->to - 1);
    if (d->until > d->from)
        (void)snprintf(cost, sizeof cost, "%s offsets %" PRIu64 " to %" PRIu64 " (%" PRIu64 ")",
                       d->weight == DAMAGE_NOTE ? ":" : "; costs", d->from, d->until - 1, d->until - d->from);
    else if (d->weight != DAMAGE_NOTE)
        (void)snprintf(cost, sizeof cost, "; costs no offset");
    const char *word = d->weight == DAMAGE_NOTE ? "note: " : "";
    if (buf_printf(&r->out, "%s%s%s: %s%s\n", word, d->file, place, d->what, cost) < 0) return err_nomem(e);
    return run_flush(r, false, e);
}

static int print_verdict(struct run *r, const char *topic, const struct verification *v, struct err *e) {
    if (r->o->json)
        return run_json(r,
                        json_pack("{s:s, s:s, s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "type", "summary", "topic", topic,
                                  "partitions", (json_int_t)v->partitions, "segments", (json_int_t)v->segments,
                                  "blocks", (json_int_t)v->blocks, "records", (json_int_t)v->records, "bytes",
                                  (json_int_t)v->bytes, "faults", (json_int_t)v->faults, "lost", (json_int_t)v->lost),
                        e);
    char size[SIZE_TEXT_MAX], verdict[96] = "sound";
    size_format(size, v->bytes);
    if (v->faults)
        (void)snprintf(verdict, sizeof verdict, "%zu %s, %" PRIu64 " offsets lost", v->faults,
                       v->faults == 1 ? "fault" : "faults", v->lost);
    if (r->args->verbosity < 0 && v->faults == 0) return 0;
    return buf_printf(&r->out,
                      "%s: %" PRIu64 " partitions, %" PRIu64 " segments, %" PRIu64 " blocks, %" PRIu64
                      " records, %s: %s\n",
                      topic, v->partitions, v->segments, v->blocks, v->records, size, verdict) < 0
               ? err_nomem(e)
               : 0;
}

static int verify_one(struct run *r, struct topic *t, uint32_t partition, void *ctx, struct err *e) {
    return verify_partition(t, partition, r->o->check_json, ctx, e);
}

static int verify_topic(struct run *r, const char *name, struct err *e) {
    struct topic t;
    struct verification v = {0};
    int g = topic_open(&t, &r->log, name, e);
    bool open = g == 0;
    if (!open && g != G_CORRUPT) return g;
    g = verify_topic_files(&r->log, name, open ? &t : NULL, &v, e);
    if (g == 0 && open) g = each_partition(r, &t, verify_one, &v, e);
    for (size_t i = 0; g == 0 && i < v.count; i++) g = print_damage(r, name, &v.list[i], e);
    if (g == 0) g = print_verdict(r, name, &v, e);
    if (v.faults && r->worst < EXIT_DAMAGED) r->worst = EXIT_DAMAGED;
    verification_release(&v);
    if (open) topic_close(&t);
    return g;
}

/* One after the other; a failure is told, and the next one has its turn. */
static int each_name(struct run *r, int (*fn)(struct run *r, const char *name, struct err *e), struct err *e) {
    char **names = NULL;
    size_t count = 0;
    int g = named_topics(r, &names, &count, e);
    for (size_t i = 0; g == 0 && i < count; i++) {
        g = fn(r, names[i], e);
        if (g == G_PIPE || g == G_STOPPED || g == G_NOMEM) break;
        if (g < 0) run_failed(r, g, e);
        g = 0;
    }
    topic_list_free(names, count);
    return g;
}

int command_verify(struct run *r, struct err *e) {
    return each_name(r, verify_topic, e);
}

/* ---- repair ---- */

struct work {
    struct repair_plan *plans;
    uint32_t *partitions;
    size_t count, steps;
    uint64_t lost, lost_bytes;
};

static void work_release(struct work *w) {
    for (size_t i = 0; i < w->count; i++) repair_plan_release(&w->plans[i]);
    free(w->plans);
    free(w->partitions);
}

static int plan_one(struct run *r, struct topic *t, uint32_t partition, void *ctx, struct err *e) {
    struct work *w = ctx;
    struct repair_plan plan = {0};
    (void)r;
    struct repair_plan *plans = realloc(w->plans, (w->count + 1) * sizeof *plans);
    if (plans) w->plans = plans;
    uint32_t *partitions = realloc(w->partitions, (w->count + 1) * sizeof *partitions);
    if (partitions) w->partitions = partitions;
    if (!plans || !partitions) return err_nomem(e);
    int g = repair_plan_make(t, partition, &plan, e);
    if (g < 0) return g;
    w->partitions[w->count] = partition;
    w->plans[w->count++] = plan;
    w->steps += plan.steps;
    w->lost += plan.lost;
    w->lost_bytes += plan.lost_bytes;
    return 0;
}

static int print_plans(struct run *r, const struct work *w, struct err *e) {
    for (size_t i = 0; i < w->count && !r->o->json; i++)
        if (buf_append(&r->out, w->plans[i].text.data, w->plans[i].text.len) < 0) return err_nomem(e);
    return run_flush(r, true, e); /* it must have been seen before anything is done */
}

static int conclude(struct run *r, const char *topic, const struct work *w, bool done, struct err *e) {
    char size[SIZE_TEXT_MAX];
    size_format(size, w->lost_bytes);
    if (r->o->json)
        return run_json(r,
                        json_pack("{s:s, s:I, s:I, s:I, s:b}", "topic", topic, "steps", (json_int_t)w->steps, "lost",
                                  (json_int_t)w->lost, "lost_bytes", (json_int_t)w->lost_bytes, "executed", (int)done),
                        e);
    int n = w->steps == 0 ? buf_printf(&r->out, "%s: nothing to repair\n", topic)
                          : buf_printf(&r->out, "%s: %zu steps %s, %" PRIu64 " offsets (%s) %s\n", topic, w->steps,
                                       done ? "done" : "to do", w->lost, size, done ? "given up" : "would be given up");
    return n < 0 ? err_nomem(e) : run_flush(r, true, e);
}

static int repair_partitions(struct run *r, struct topic *t, struct err *e) {
    struct work w = {0};
    int g = each_partition(r, t, plan_one, &w, e);
    if (g == 0) g = print_plans(r, &w, e);
    bool wanted = w.steps && !r->o->dry_run && (w.lost == 0 || r->o->accept_loss);
    for (size_t i = 0; g == 0 && wanted && i < w.count; i++)
        if (w.plans[i].steps) g = repair_execute(t, w.partitions[i], &w.plans[i], e);
    if (g == 0) g = conclude(r, t->name, &w, wanted, e);
    if (g == 0 && w.steps && !wanted) {
        if (r->worst < EXIT_NO) r->worst = EXIT_NO;
        if (!r->o->dry_run) diag_warn("nothing was changed: --accept-loss gives up these offsets of '%s'", t->name);
    }
    work_release(&w);
    return g;
}

/* topic.json first: without it there is no way to the rest. */
static int repair_topic(struct run *r, const char *name, struct err *e) {
    struct topic t;
    bool look_only = r->o->dry_run || !r->o->accept_loss;
    int g = repair_topic_file(&r->log, name, !look_only, &r->out, e);
    if (g < 0) return g;
    if (g == 0 && look_only) {
        if (r->worst < EXIT_NO) r->worst = EXIT_NO;
        if (!r->o->dry_run) diag_warn("nothing was changed: --accept-loss gives up the settings of '%s'", name);
        return run_flush(r, true, e);
    }
    g = topic_open(&t, &r->log, name, e);
    if (g < 0) return g;
    g = repair_partitions(r, &t, e);
    topic_close(&t);
    return g;
}

int command_repair(struct run *r, struct err *e) {
    return each_name(r, repair_topic, e);
}
