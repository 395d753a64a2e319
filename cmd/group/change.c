/* SPDX-License-Identifier: Apache-2.0 */
/* leat group: the commands that change something. Both are refused while members are at work. */
#include <inttypes.h>
#include <stdlib.h>

#include "cli/diag.h"
#include "group.h"
#include "log/offsets.h"
#include "sys/sys.h"

/* The new position of each partition. */
struct reset {
    struct offset_point to;
    struct change {
        bool wanted;
        uint64_t offset;
        uint32_t epoch;
    } * changes; /* [partitions] */
};

static int parse_to(const struct run *r, struct reset *reset, struct err *e) {
    const struct options *o = r->o;
    struct offset_range_spec range;
    if (!o->topic) return err_set(e, G_USAGE, "--topic says in which topic the positions are set");
    if (!o->to && o->shift == 0) return err_set(e, G_USAGE, "--to or --shift says where the positions are set");
    if (o->to && o->shift != 0) return err_set(e, G_USAGE, "--to and --shift exclude each other");
    if (!o->to) return 0;
    int g = offset_parse(o->to, sys.wall_ns(), &range, e);
    if (g == 0 && range.has_to) g = err_set(e, G_USAGE, "'%s' is a range; a position is one offset", o->to);
    reset->to = range.from;
    return g;
}

/* A shift counts from the position, or from the beginning where there is none. */
static uint64_t shifted(const struct standing *s, int64_t shift) {
    uint64_t from = s->position.known ? s->position.offset : s->start;
    uint64_t by = shift < 0 ? 0 - (uint64_t)shift : (uint64_t)shift;
    if (shift < 0) return from > by ? from - by : 0;
    return by > s->end || from > s->end - by ? s->end : from + by;
}

static int plan(struct run *r, const struct reset *reset, struct cursor *c, const struct standing *s,
                struct change *ret, struct err *e) {
    uint64_t to = 0;
    const uint64_t *stored = s->position.known ? &s->position.offset : NULL;
    int g = r->o->to ? offset_resolve(&reset->to, c, stored, &to, e) : 0;
    if (!r->o->to) to = shifted(s, r->o->shift);
    if (to > cursor_end(c)) to = cursor_end(c);
    if (g == 0) g = cursor_seek(c, to, e); /* not below what is kept */
    if (g == 0) *ret = (struct change){.wanted = true, .offset = c->next_offset, .epoch = cursor_epoch(c)};
    return g;
}

static int plan_partition(struct run *r, struct group *g, struct reset *reset, uint32_t p, struct err *e) {
    struct cursor c;
    struct standing s;
    int rc = cursor_open(&c, g->topic, p, false, e);
    if (rc < 0) return rc;
    int worst = r->worst;
    rc = standing_read(r, g, &c, &s, e);
    r->worst = worst; /* a damaged position is what a reset mends */
    if (rc == 0) rc = plan(r, reset, &c, &s, &reset->changes[p], e);
    cursor_close(&c);
    if (rc < 0) return rc;
    standing_put(r, g, p, &s);
    rows_number(&r->rows, "new_offset", reset->changes[p].offset);
    return rows_end(&r->rows, e);
}

static int refuse(const struct group *g, struct err *e) {
    return err_set(e, G_USAGE, "group '%s' has members on topic '%s'; stop them first", g->name, g->topic->name);
}

/* As the only member, and with the leases of all partitions: a member that comes meanwhile waits for them. */
static int execute(struct run *r, const struct group *looked, const struct reset *reset, struct err *e) {
    struct group g;
    struct group_share share;
    int rc = group_open(&g, &r->log, looked->name, looked->topic, true, e);
    if (rc < 0) return rc;
    uint32_t partitions = looked->topic->partitions;
    rc = group_share(&g, &share, e);
    if (rc == 0 && share.members > 1) rc = refuse(&g, e);
    for (uint32_t p = 0; rc == 0 && p < partitions; p++) {
        rc = group_lease(&g, p, e);
        if (rc == 1) rc = refuse(&g, e);
    }
    for (uint32_t p = 0; rc == 0 && p < partitions; p++)
        if (reset->changes[p].wanted) rc = group_write(&g, p, reset->changes[p].offset, reset->changes[p].epoch, e);
    if (rc == 0) rc = group_sync(&g, e);
    group_close(&g);
    return rc;
}

static int reset_topic(struct run *r, struct group *g, void *ctx, struct err *e) {
    struct reset *reset = ctx;
    uint32_t partitions = g->topic->partitions;
    if (r->o->partition != NO_PARTITION && r->o->partition >= partitions)
        return err_set(e, G_USAGE, "topic '%s' has %u partitions; there is no partition %" PRIu64, g->topic->name,
                       partitions, r->o->partition);
    if (group_members(g) > 0) return refuse(g, e);
    reset->changes = calloc(partitions, sizeof *reset->changes);
    if (!reset->changes) return err_nomem(e);
    int rc = 0;
    for (uint32_t p = 0; rc == 0 && p < partitions; p++)
        if (r->o->partition == NO_PARTITION || r->o->partition == p) rc = plan_partition(r, g, reset, p, e);
    if (rc == 0 && r->o->execute) rc = execute(r, g, reset, e);
    free(reset->changes);
    if (rc == 0 && !r->o->execute) diag_warn("dry run: nothing was changed; --execute does it");
    return rc;
}

int command_reset(struct run *r, struct err *e) {
    struct reset reset = {0};
    int g = parse_to(r, &reset, e);
    return g < 0 ? g : each_topic(r, r->args->operand[0], reset_topic, &reset, e);
}

int command_delete(struct run *r, struct err *e) {
    int g = 0;
    for (size_t i = 0; g == 0 && i < r->args->operands; i++) {
        g = group_delete(&r->log, r->args->operand[i], r->o->topic, e);
        if (g < 0) g = run_failed(r, g, e);
    }
    return g;
}
