/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A topic as a table: its partitions, one after the other, up to where each of them ended when its turn came. What
 * retention takes away meanwhile was old, and is passed over.
 */
#include <inttypes.h>
#include <stdio.h>

#include "join.h"

#include "log/cursor.h"
#include "sys/signals.h"

/* One partition being read. */
struct partition_read {
    struct loader *l;
    struct topic *topic;
    uint32_t number;
    struct cursor cursor;
    struct buf bytes, raw;
    struct json_validator json;
    uint64_t bad;
};

static int take_record(struct partition_read *p, const struct record *r, size_t slack, struct err *e) {
    char where[TOPIC_NAME_MAX + 40];
    const struct expr_input in = {
        .record = r, .slack = slack, .topic = p->topic->name, .partition = p->number, .has_offset = true};
    struct json_fault fault;
    int g = r->value_type == VALUE_JSON ? json_validate(&p->json, r->value, r->value_size, &fault) : 0;
    if (g == G_DATA) g = err_set(e, G_DATA, "value is not JSON: %s at byte %zu", fault.reason, fault.at);
    if (g == 0) {
        expr_begin(p->l->run, &in);
        g = loader_row(p->l, r, e);
    }
    if (g != G_DATA) return g;
    (void)snprintf(where, sizeof where, "%s/%" PRIu32 "@%" PRIu64, p->topic->name, p->number, r->offset);
    return loader_bad(p->l, r, where, &p->bad, e);
}

static int take_block(struct partition_read *p, const struct cursor_block *b, struct err *e) {
    const char *body;
    struct record_walk w;
    struct record r;
    if (b->h.kind != BLOCK_DATA) return 0;
    int g = cursor_load(b, &p->bytes, &p->raw, &body, e);
    if (g < 0) return g;
    record_walk_init(&w, &b->h, body, p->l->reading.input.record_limit);
    while ((g = record_next(&w, &r, e)) > 0) {
        if (r.offset < b->first) continue;
        g = take_record(p, &r, (size_t)(body + b->h.raw_size - r.value) - r.value_size, e);
        if (g < 0) return g;
    }
    return g;
}

static int read_partition(struct partition_read *p, struct err *e) {
    struct cursor *c = &p->cursor;
    struct cursor_block b;
    int g = cursor_open(c, p->topic, p->number, false, e);
    if (g < 0) return g;
    uint64_t end = cursor_end(c);
    g = cursor_seek(c, 0, e);
    while (g == 0 && c->next_offset < end) {
        if (signals_stop()) {
            g = err_set(e, G_STOPPED, "stopped");
            break;
        }
        g = cursor_next(c, &b, e);
        if (g == 0) g = take_block(p, &b, e);
        if (g == G_ABSENT && !partition_is_deleted(&c->part)) g = 0;
    }
    cursor_close(c);
    return g > 0 ? 0 : g;
}

int load_topic(struct loader *l, struct err *e) {
    struct topic topic = {0};
    struct partition_read p = {.l = l, .topic = &topic};
    const struct json_limits limits = {.max_depth = l->reading.input.json_depth};
    int g = topic_open(&topic, l->source->log, l->source->name, e);
    if (g == G_ABSENT) return err_set(e, g, "there is neither a file nor a topic of that name");
    if (g < 0) return g;
    g = json_validator_init(&p.json, &limits) < 0 ? err_nomem(e) : 0;
    for (; g == 0 && p.number < topic.partitions; p.number++) g = read_partition(&p, e);
    json_validator_release(&p.json);
    buf_release(&p.bytes);
    buf_release(&p.raw);
    topic_close(&topic);
    return g;
}

void stamp_topic(const struct source *s, struct source_stamp *ret) {
    struct topic topic = {0};
    struct cursor c;
    if (topic_open(&topic, s->log, s->name, NULL) < 0) return;
    ret->v[0] = topic.id;
    ret->v[1] = topic.partitions;
    for (uint32_t i = 0; i < topic.partitions; i++) {
        if (cursor_open(&c, &topic, i, false, NULL) < 0) continue;
        ret->v[2] += cursor_end(&c);
        cursor_close(&c);
    }
    topic_close(&topic);
}
