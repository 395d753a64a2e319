/* SPDX-License-Identifier: Apache-2.0 */
/* Records into a topic. See appender.h. */
#include "log/appender.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/murmur2.h"
#include "base/random.h"
#include "log/clean.h"
#include "sys/sys.h"

#define PENDING_BYTES (4u << 20)         /* over all partitions; then everything is appended */
#define SYNC_BYTES (64u << 20)           /* a flood is made durable at least this often */
#define SYNC_FLOOD_NS INT64_C(200000000) /* and this often */

struct ack_range {
    uint64_t first, count;
};

/* One partition: the block that is being filled, and what was appended but is not durable yet. */
struct batch {
    struct partition part;
    bool open;
    bool dirty;
    struct buf body;
    struct append_block block;
    uint64_t appended;      /* offset behind the last record of ours */
    struct ack_range *acks; /* only where somebody wants to know */
    size_t ack_count, ack_cap;
};

struct appender {
    struct topic *topic;
    struct appender_config config;
    struct batch *batches;
    uint64_t producer_id;
    uint32_t producer_seq;
    uint32_t turn;          /* partition for records without a key, until its block is full */
    uint64_t pending_bytes; /* in all bodies */
    uint64_t unsynced_bytes;
    int64_t unsynced_since; /* boot clock; 0: nothing */
};

int appender_open(struct appender **ret, struct topic *t, const struct appender_config *config, struct err *e) {
    struct appender *a = calloc(1, sizeof *a);
    if (!a) return err_nomem(e);
    a->topic = t;
    a->config = *config;
    a->batches = calloc(t->partitions, sizeof *a->batches);
    int g = a->batches ? random_bytes(&a->producer_id, sizeof a->producer_id, e) : err_nomem(e);
    if (g == 0 && config->partition >= (int64_t)t->partitions)
        g = err_set(e, G_USAGE, "topic '%s' has %u partitions; there is no partition %" PRId64, t->name,
                    t->partitions, config->partition);
    a->turn = (uint32_t)(a->producer_id % t->partitions);
    if (g < 0)
        appender_free(a);
    else
        *ret = a;
    return g;
}

void appender_free(struct appender *a) {
    if (!a) return;
    for (uint32_t p = 0; a->batches && p < a->topic->partitions; p++) {
        if (a->batches[p].open) partition_close(&a->batches[p].part);
        buf_release(&a->batches[p].body);
        free(a->batches[p].acks);
    }
    free(a->batches);
    free(a);
}

static void report_recovery(struct appender *a, const struct batch *b) {
    if (b->part.news.cut_bytes == 0 || !a->config.notice) return;
    char text[512];
    (void)snprintf(text, sizeof text,
                   "partition '%s/%u' was recovered: %" PRIu64 " bytes of an append that was never acknowledged were "
                   "cut off behind offset %" PRIu64,
                   a->topic->name, b->part.number, b->part.news.cut_bytes, b->part.news.cut_at);
    a->config.notice(a->config.ctx, text);
}

static int open_batch(struct appender *a, uint32_t p, struct batch **ret, struct err *e) {
    struct batch *b = &a->batches[p];
    *ret = b;
    if (b->open) return 0;
    int g = partition_open(&b->part, a->topic, p, PARTITION_APPEND, e);
    b->open = g == 0;
    if (g == 0) report_recovery(a, b);
    return g;
}

/* Retention and the like ride on the roll of a segment; a failure there is no failure of the append. */
static void maintain(struct appender *a, const struct batch *b) {
    struct err why;
    if (partition_maintain(a->topic, b->part.number, MAINTAIN_RETENTION | MAINTAIN_COMPRESS | MAINTAIN_COMPACT, NULL, &why) < 0 && a->config.notice)
        a->config.notice(a->config.ctx, why.text);
}

static int remember_ack(struct batch *b, uint64_t first, uint64_t count) {
    if (b->ack_count == b->ack_cap) {
        size_t cap = b->ack_cap ? b->ack_cap * 2 : 16;
        struct ack_range *p = realloc(b->acks, cap * sizeof *p);
        if (!p) return G_NOMEM;
        b->acks = p;
        b->ack_cap = cap;
    }
    b->acks[b->ack_count++] = (struct ack_range){first, count};
    return 0;
}

static void note_appended(struct appender *a, struct batch *b, uint64_t end) {
    a->pending_bytes -= b->body.len;
    a->unsynced_bytes += b->body.len;
    if (a->unsynced_since == 0) a->unsynced_since = sys.boot_ns();
    buf_clear(&b->body);
    b->block.h.records = 0;
    b->appended = end;
    b->dirty = true;
}

static int append_batch(struct appender *a, struct batch *b, struct err *e) {
    struct append_block *block = &b->block;
    uint64_t first = 0, segment = b->part.base, records = block->h.records;
    if (records == 0) return 0;
    block->body = b->body.data;
    block->size = (uint32_t)b->body.len;
    block->h.producer_id = a->producer_id;
    block->h.producer_seq = a->producer_seq++;
    append_block_prepare(block);
    int g = partition_append(&b->part, block, 1, &first, e);
    if (g < 0) return g;
    note_appended(a, b, first + records);
    if (a->config.acked && remember_ack(b, first, records) < 0) return err_nomem(e);
    if (a->config.sync.mode == SYNC_NONE)
        partition_publish(&b->part, b->appended);
    else
        (void)sync_file_range(b->part.fd, 0, 0, SYNC_FILE_RANGE_WRITE); /* let the disk begin; no promise in it */
    if (segment != b->part.base) maintain(a, b);
    return 0;
}

static int acknowledge(struct appender *a, struct batch *b, struct err *e) {
    int g = 0;
    for (size_t i = 0; g == 0 && i < b->ack_count; i++)
        for (uint64_t n = 0; g == 0 && n < b->acks[i].count; n++)
            g = a->config.acked(a->config.ctx, a->topic->name, b->part.number, b->acks[i].first + n, e);
    b->ack_count = 0;
    b->dirty = false;
    return g;
}

static int sync_all(struct appender *a, struct err *e) {
    for (uint32_t p = 0; p < a->topic->partitions; p++) {
        struct batch *b = &a->batches[p];
        if (!b->dirty) continue;
        int g = a->config.sync.mode == SYNC_NONE ? 0 : partition_sync(&b->part, b->appended, e);
        if (g == 0) g = acknowledge(a, b, e);
        if (g < 0) return g;
    }
    a->unsynced_bytes = 0;
    a->unsynced_since = 0;
    return 0;
}

static int append_all(struct appender *a, struct err *e) {
    for (uint32_t p = 0; p < a->topic->partitions; p++) {
        int g = append_batch(a, &a->batches[p], e);
        if (g < 0) return g;
    }
    return 0;
}

int64_t appender_due_ns(const struct appender *a) {
    if (a->config.sync.mode != SYNC_INTERVAL || a->unsynced_since == 0) return -1;
    int64_t left = a->unsynced_since + a->config.sync.interval_ns - sys.boot_ns();
    return left > 0 ? left : 0;
}

int appender_sync(struct appender *a, bool now, struct err *e) {
    int g = append_all(a, e);
    if (g < 0) return g;
    if (!now && a->config.sync.mode == SYNC_INTERVAL && appender_due_ns(a) > 0) return 0;
    return sync_all(a, e);
}

static bool flood_wants_sync(const struct appender *a) {
    if (a->config.sync.mode == SYNC_INTERVAL) return appender_due_ns(a) == 0;
    return a->unsynced_bytes >= SYNC_BYTES || sys.boot_ns() - a->unsynced_since >= SYNC_FLOOD_NS;
}

static uint32_t choose_partition(const struct appender *a, const struct record *r) {
    if (a->config.partition >= 0) return (uint32_t)a->config.partition;
    if (!r->has_key) return a->turn;
    return kafka_partition(r->key, r->key_size, a->topic->partitions);
}

static int add_record(struct appender *a, struct batch *b, const struct record *r, struct err *e) {
    struct block_header *h = &b->block.h;
    size_t size = record_size(r);
    if (buf_reserve(&b->body, size) < 0) return err_nomem(e);
    if (h->records == 0)
        *h = (struct block_header){
            .min_time = NO_TIME, .max_time = NO_TIME, .flags = a->config.validated ? BLOCK_JSON_VALID : 0};
    record_encode(r, h->records, b->body.data + b->body.len);
    b->body.len += size;
    a->pending_bytes += size;
    h->records++;
    if (r->time != NO_TIME) {
        if (h->min_time == NO_TIME || r->time < h->min_time) h->min_time = r->time;
        if (h->max_time == NO_TIME || r->time > h->max_time) h->max_time = r->time;
    }
    return 0;
}

/* The block is full: append it, and move on to the next partition if nobody asked for this one. */
static int make_room(struct appender *a, struct batch *b, struct err *e) {
    int g = append_batch(a, b, e);
    if (g == 0 && a->config.partition < 0 && b->part.number == a->turn) a->turn = (a->turn + 1) % a->topic->partitions;
    return g == 0 && flood_wants_sync(a) ? sync_all(a, e) : g;
}

int appender_put(struct appender *a, const struct record *r, struct err *e) {
    struct batch *b = NULL;
    int g = record_check(r, a->topic->settings.max_record, e);
    if (g == 0) g = open_batch(a, choose_partition(a, r), &b, e);
    if (g < 0) return g;
    if (b->body.len > 0 && b->body.len + record_size(r) > BLOCK_TARGET_BYTES) g = make_room(a, b, e);
    if (g == 0 && a->pending_bytes >= PENDING_BYTES) g = append_all(a, e);
    return g < 0 ? g : add_record(a, b, r, e);
}

struct topic_sink {
    struct sink sink;
    struct topic topic;
    struct appender *appender;
};

static int topic_put(struct sink *s, const struct block_header *like, const struct record *r, struct err *e) {
    (void)like;
    return appender_put(((struct topic_sink *)s)->appender, r, e);
}

static int topic_flush(struct sink *s, struct err *e) {
    return appender_sync(((struct topic_sink *)s)->appender, true, e);
}

static int topic_sink_close(struct sink *s, struct err *e) {
    struct topic_sink *t = (struct topic_sink *)s;
    int g = t->appender ? appender_sync(t->appender, true, e) : 0;
    appender_free(t->appender);
    topic_close(&t->topic);
    free(t);
    return g;
}

static const struct sink_ops topic_ops = {.put = topic_put, .flush = topic_flush, .close = topic_sink_close};

int sink_open_topic(struct sink **ret, const struct log *log, const char *topic, struct err *e) {
    struct topic_sink *t = calloc(1, sizeof *t);
    if (!t) return err_nomem(e);
    t->sink = (struct sink){.ops = &topic_ops, .name = topic};
    int g = topic_open(&t->topic, log, topic, e);
    if (g == G_ABSENT) {
        g = topic_create(log, topic, 1, &topic_settings_default, true, e);
        if (g >= 0) g = topic_open(&t->topic, log, topic, e);
    }
    struct appender_config config = {.sync = t->topic.settings.sync, .partition = -1};
    if (g == 0) g = appender_open(&t->appender, &t->topic, &config, e);
    if (g < 0) {
        int closed = topic_sink_close(&t->sink, NULL);
        (void)closed; /* nothing was put */
        return g;
    }
    *ret = &t->sink;
    return 0;
}
