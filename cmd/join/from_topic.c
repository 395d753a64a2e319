/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A topic as a table: its partitions, one after the other, up to where each of them ends when its turn comes; then the
 * same again from there on, with partitions that were added, whenever something was appended. See join.h.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>

#include "join.h"

#include "log/cursor.h"
#include "sys/signals.h"
#include "sys/sys.h"

#define PASSED_MAX 64 /* questions for news, until the clock is looked at */

struct topic_table {
    struct topic topic;
    struct cursor **cursors; /* one a partition; each stays where it is */
    uint32_t count;
    struct json_validator json;
    struct buf bytes, raw;
    uint64_t bad;
    bool loaded;       /* once: what comes now is news */
    uint32_t rung;     /* the wake-up word, and the time, when the partitions were looked at */
    int64_t looked_ns; /* last */
    unsigned passed;   /* questions since the last look at the clock */
};

static int take_record(struct loader *l, uint32_t partition, const struct record *r, size_t slack, struct err *e) {
    struct topic_table *t = l->to->topic;
    char where[TOPIC_NAME_MAX + 40];
    const struct expr_input in = {
        .record = r, .slack = slack, .topic = t->topic.name, .partition = partition, .has_offset = true};
    struct json_fault fault;
    int g = r->value_type == VALUE_JSON ? json_validate(&t->json, r->value, r->value_size, &fault) : 0;
    if (g == G_DATA) g = err_set(e, G_DATA, "value is not JSON: %s at byte %zu", fault.reason, fault.at);
    if (g == 0) {
        expr_begin(l->run, &in);
        g = loader_row(l, r, e);
    }
    if (g != G_DATA) return g;
    (void)snprintf(where, sizeof where, "%s/%" PRIu32 "@%" PRIu64, t->topic.name, partition, r->offset);
    return loader_bad(l, r, where, &t->bad, e);
}

static int take_block(struct loader *l, uint32_t partition, const struct cursor_block *b, struct err *e) {
    struct topic_table *t = l->to->topic;
    const char *body;
    struct record_walk w;
    struct record r;
    if (b->h.kind != BLOCK_DATA) return 0;
    int g = cursor_load(b, &t->bytes, &t->raw, &body, e);
    if (g < 0) return err_prefix(e, "'%s/%" PRIu32 "' at offset %" PRIu64 ": ", t->topic.name, partition, b->first);
    record_walk_init(&w, &b->h, body, l->reading.input.record_limit);
    while ((g = record_next(&w, &r, e)) > 0) {
        if (r.offset < b->first) continue;
        g = take_record(l, partition, &r, (size_t)(body + b->h.raw_size - r.value) - r.value_size, e);
        if (g < 0) return g;
    }
    return g;
}

/* What retention takes away while the table is read for the first time was old, and is passed over. Later on it may
 * have been news: 1. */
static int read_partition(struct loader *l, uint32_t partition, struct err *e) {
    struct topic_table *t = l->to->topic;
    struct cursor *c = t->cursors[partition];
    struct cursor_block b;
    uint64_t end = cursor_end(c);
    int g;
    do { /* at the end, too: the cursor knows whether the topic is still there, and still the same */
        if (signals_stop()) return err_set(e, G_STOPPED, "stopped");
        g = cursor_next(c, &b, e);
        if (g == 0) g = take_block(l, partition, &b, e);
        if (g == G_ABSENT && !partition_is_deleted(&c->part)) g = t->loaded ? 1 : 0;
    } while (g == 0 && c->next_offset < end);
    cursor_pause(c);
    return g == G_WAIT ? 0 : g;
}

int topic_table_read(struct loader *l, struct err *e) {
    struct topic_table *t = l->to->topic;
    int g = 0;
    for (uint32_t i = 0; g == 0 && i < t->count; i++) g = read_partition(l, i, e);
    return g;
}

/* Those that have no cursor yet. */
static int open_partitions(struct topic_table *t, struct err *e) {
    struct cursor **cursors = reallocarray(t->cursors, t->topic.partitions, sizeof *cursors);
    if (!cursors) return err_nomem(e);
    t->cursors = cursors;
    for (; t->count < t->topic.partitions; t->count++) {
        struct cursor *c = malloc(sizeof *c);
        if (!c) return err_nomem(e);
        int g = cursor_open(c, &t->topic, t->count, false, e);
        if (g < 0) {
            free(c);
            return g;
        }
        cursors[t->count] = c;
    }
    return 0;
}

/* Each partition is three open files, and a topic may have thousands. */
static void allow_files(void) {
    struct rlimit files;
    if (getrlimit(RLIMIT_NOFILE, &files) < 0) return;
    files.rlim_cur = files.rlim_max;
    (void)setrlimit(RLIMIT_NOFILE, &files);
}

int load_topic(struct loader *l, struct err *e) {
    const struct json_limits limits = {.max_depth = l->reading.input.json_depth};
    struct topic_table *t = l->to->topic = calloc(1, sizeof *t);
    if (!t) return err_nomem(e);
    allow_files();
    int g = topic_open(&t->topic, l->source->log, l->source->name, e);
    if (g == G_ABSENT) return err_set(e, g, "there is neither a file nor a topic of that name");
    if (g == 0 && json_validator_init(&t->json, &limits) < 0) g = err_nomem(e);
    if (g == 0) g = open_partitions(t, e);
    if (g == 0) g = topic_table_read(l, e);
    t->loaded = g == 0;
    return g;
}

void topic_table_free(struct topic_table *t) {
    if (!t) return;
    for (uint32_t i = 0; i < t->count; i++) {
        cursor_close(t->cursors[i]);
        free(t->cursors[i]);
    }
    free(t->cursors);
    json_validator_release(&t->json);
    buf_release(&t->bytes);
    buf_release(&t->raw);
    topic_close(&t->topic);
    free(t);
}

/* Soon when somebody rang, which whoever appends does; but a ring is only a hint. */
static bool is_time_to_look(struct topic_table *t, bool quiet) {
    uint32_t word = atomic_load((_Atomic uint32_t *)t->topic.wake);
    if (word == t->rung && !quiet && ++t->passed < PASSED_MAX) return false;
    t->passed = 0;
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    int64_t ns = (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
    if (ns - t->looked_ns < (word != t->rung ? TOPIC_LOOK_NS : TOPIC_QUIET_NS)) return false;
    t->looked_ns = ns;
    t->rung = word;
    return true;
}

int topic_table_news(struct topic_table *t, bool quiet, struct err *e) {
    if (!is_time_to_look(t, quiet)) return 0;
    struct stat st;
    if (sys.fstat(t->topic.dir, &st) == 0 && st.st_nlink == 0)
        return err_set(e, G_ABSENT, "topic '%s' was deleted", t->topic.name); /* by whatever hand */
    int g = topic_refresh(&t->topic, e);
    if (g > 0) g = open_partitions(t, e);
    for (uint32_t i = 0; g == 0 && i < t->count; i++) {
        const struct cursor *c = t->cursors[i];
        g = cursor_end(c) != c->next_offset || partition_is_deleted(&c->part);
    }
    return g;
}

/* Where the partitions begin: what is appended to them is read anyway. */
void stamp_topic(const struct source *s, struct source_stamp *ret) {
    struct topic topic = {0};
    struct cursor c;
    if (topic_open(&topic, s->log, s->name, NULL) < 0) return;
    ret->v[0] = topic.id;
    for (uint32_t i = 0; i < topic.partitions; i++) {
        if (cursor_open(&c, &topic, i, false, NULL) < 0) continue;
        ret->v[1] += cursor_start(&c);
        cursor_close(&c);
    }
    topic_close(&topic);
}
