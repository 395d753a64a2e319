/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Records into a topic. See appender.h.
 *
 * A flood goes through a second thread: it appends and syncs full blocks while the first fills the next ones. A trickle
 * never meets it, as a hand-over would cost more than the append. While the thread has work, the partitions are its
 * own; the caller waits for it (worker_drain) before it touches them.
 */
#include "log/appender.h"

#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/murmur2.h"
#include "base/random.h"
#include "log/clean.h"
#include "sys/signals.h"
#include "sys/sys.h"

#define PENDING_BYTES (3u << 20)         /* in all blocks being filled; then all are appended */
#define SYNC_BYTES (64u << 20)           /* a flood is made durable at least this often */
#define SYNC_FLOOD_NS INT64_C(200000000) /* and this often */
#define JOBS 8                           /* full blocks that wait for the thread */
#define JOBS_TO_WAKE 4                   /* it sleeps until so many are there: a wake-up costs as much as an append */

struct ack_range {
    uint64_t first, count;
};

/* One partition: the block that is being filled, and what was appended but is not durable yet. */
struct batch {
    struct partition part;
    bool open;
    bool dirty;
    struct buf body;
    struct block_header h;
    uint64_t appended;      /* offset behind the last record of ours */
    struct ack_range *acks; /* only where somebody wants to know */
    size_t ack_count, ack_cap;
};

/* A full block on its way to its partition. */
struct job {
    struct batch *batch;
    struct buf body;
    struct block_header h;
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
    bool published;         /* policy none: readers were not told yet */
    struct job direct;      /* the caller's own way, without the thread */
    struct worker {
        pthread_t thread;
        bool running, quit;
        bool hurry; /* somebody waits for all of it */
        pthread_mutex_t mutex;
        pthread_cond_t changed;
        struct job jobs[JOBS]; /* a ring */
        unsigned head, len;    /* the first is being worked on until it is taken off */
        int failed;            /* the first failure; nothing is appended after it */
        struct err why;
        char notice[600];
    } worker;
};

static void say(struct appender *a, const char *text) {
    if (a->config.notice && text[0]) a->config.notice(a->config.ctx, text);
}

static int open_batch(struct appender *a, uint32_t p, struct batch **ret, struct err *e) {
    struct batch *b = &a->batches[p];
    *ret = b;
    if (b->open) return 0;
    int g = partition_open(&b->part, a->topic, p, PARTITION_APPEND, e);
    if (g < 0) return g;
    b->open = true;
    b->part.lazy = a->config.sync.mode == SYNC_NONE;
    if (b->part.news.cut_bytes > 0) {
        char text[512];
        (void)snprintf(text, sizeof text,
                       "partition '%s/%u' was recovered: %" PRIu64
                       " bytes of an append that was never acknowledged were cut off behind offset %" PRIu64,
                       a->topic->name, p, b->part.news.cut_bytes, b->part.news.cut_at);
        say(a, text);
    }
    return 0;
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

/* Retention and the like ride on the roll of a segment; a failure there is no failure of the append. */
static void maintain(struct appender *a, const struct batch *b, char *notice, size_t notice_size) {
    const struct topic_settings *s = &a->topic->settings;
    struct err why;
    struct maintain_report report;
    if (s->retention_age == 0 && s->retention_size == 0 && !s->zstd && !s->compact) return;
    unsigned what = MAINTAIN_RETENTION | MAINTAIN_COMPRESS | MAINTAIN_COMPACT;
    if (partition_maintain(a->topic, b->part.number, what, &report, &why) < 0)
        (void)snprintf(notice, notice_size, "%s", why.text);
}

static void publish(struct appender *a, struct batch *b) {
    partition_publish(&b->part, b->appended);
    a->published = true;
}

/* Once for many partitions. */
static void ring(struct appender *a) {
    if (a->published) topic_wake(a->topic);
    a->published = false;
}

/* Append the blocks of one partition in one step. The bodies are left empty, with their memory, for the next ones. */
static int append_jobs(struct appender *a, struct job *const *jobs, unsigned n, char *notice, size_t notice_size,
                       struct err *e) {
    struct append_block blocks[JOBS];
    struct batch *b = jobs[0]->batch;
    uint64_t first = 0, segment = b->part.base, records = 0;
    for (unsigned i = 0; i < n; i++) {
        blocks[i] =
            (struct append_block){.h = jobs[i]->h, .body = jobs[i]->body.data, .size = (uint32_t)jobs[i]->body.len};
        blocks[i].h.producer_id = a->producer_id;
        blocks[i].h.producer_seq = a->producer_seq++;
        append_block_prepare(&blocks[i]);
        records += blocks[i].h.records;
    }
    int g = partition_append(&b->part, blocks, n, &first, e);
    if (g < 0) return g;
    b->appended = first + records;
    b->dirty = true;
    for (unsigned i = 0; i < n; i++) {
        a->unsynced_bytes += blocks[i].size;
        buf_clear(&jobs[i]->body);
    }
    if (a->unsynced_since == 0) a->unsynced_since = sys.boot_ns();
    if (a->config.acked && remember_ack(b, first, records) < 0) return err_nomem(e);
    if (a->config.sync.mode == SYNC_NONE)
        publish(a, b);
    else
        (void)sync_file_range(b->part.fd, 0, 0, SYNC_FILE_RANGE_WRITE); /* let the disk begin; no promise in it */
    if (segment != b->part.base) maintain(a, b, notice, notice_size);
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

static int64_t due_ns(const struct appender *a) {
    if (a->config.sync.mode != SYNC_INTERVAL || a->unsynced_since == 0) return -1;
    int64_t left = a->unsynced_since + a->config.sync.interval_ns - sys.boot_ns();
    return left > 0 ? left : 0;
}

static int sync_flood(struct appender *a, struct err *e) {
    bool due = a->config.sync.mode == SYNC_INTERVAL
                   ? due_ns(a) == 0
                   : a->unsynced_bytes >= SYNC_BYTES || sys.boot_ns() - a->unsynced_since >= SYNC_FLOOD_NS;
    return due ? sync_all(a, e) : 0;
}

/* ---- the second thread ---- */

/* The jobs at the head that are for one partition. A step never lies across two segments, so it stays small against
 * one: segments get the size that was asked for. */
static unsigned next_jobs(struct worker *w, uint64_t most_bytes, struct job *jobs[JOBS]) {
    unsigned n = 0;
    uint64_t bytes = 0;
    while (n < w->len) {
        struct job *job = &w->jobs[(w->head + n) % JOBS];
        bytes += job->body.len;
        if (n > 0 && (job->batch != jobs[0]->batch || bytes > most_bytes)) break;
        jobs[n++] = job;
    }
    return n;
}

static void *worker_main(void *arg) {
    struct appender *a = arg;
    struct worker *w = &a->worker;
    struct job *jobs[JOBS];
    struct err e;
    char notice[600];
    unsigned enough = JOBS_TO_WAKE;
    pthread_mutex_lock(&w->mutex);
    for (;;) {
        while (w->len < enough && !w->quit && !(w->hurry && w->len > 0)) pthread_cond_wait(&w->changed, &w->mutex);
        if (w->len == 0) break;
        unsigned n = next_jobs(w, a->topic->settings.segment_size / 8, jobs);
        int g = w->failed;
        pthread_mutex_unlock(&w->mutex);
        notice[0] = '\0';
        if (g == 0) g = append_jobs(a, jobs, n, notice, sizeof notice, &e);
        if (g == 0) g = sync_flood(a, &e);
        pthread_mutex_lock(&w->mutex);
        if (g < 0 && w->failed == 0) {
            w->failed = g;
            w->why = e;
        }
        if (notice[0]) memcpy(w->notice, notice, sizeof notice);
        bool was_full = w->len == JOBS;
        w->head = (w->head + n) % JOBS;
        w->len -= n;
        enough = w->len == 0 ? JOBS_TO_WAKE : 1; /* awake: go on until there is nothing */
        if (w->len == 0 || was_full) pthread_cond_broadcast(&w->changed);
    }
    pthread_mutex_unlock(&w->mutex);
    return NULL;
}

static int worker_result(struct appender *a, struct err *e) {
    struct worker *w = &a->worker;
    if (w->notice[0]) say(a, w->notice);
    w->notice[0] = '\0';
    if (w->failed < 0) *e = w->why;
    return w->failed;
}

/* From here on the partitions are the caller's again. */
static int worker_drain(struct appender *a, struct err *e) {
    struct worker *w = &a->worker;
    if (!w->running) return 0;
    pthread_mutex_lock(&w->mutex);
    w->hurry = true;
    pthread_cond_broadcast(&w->changed);
    while (w->len > 0) pthread_cond_wait(&w->changed, &w->mutex);
    w->hurry = false;
    int g = worker_result(a, e);
    pthread_mutex_unlock(&w->mutex);
    return g;
}

static bool worker_start(struct appender *a) {
    struct worker *w = &a->worker;
    if (w->running) return true;
    if (a->config.sync.mode == SYNC_NONE)
        return false;                  /* nobody waits for a disk, and here the bytes are in the cache */
    if (a->config.acked) return false; /* acknowledgements go out in the caller's thread */
    pthread_mutex_init(&w->mutex, NULL);
    pthread_cond_init(&w->changed, NULL);
    signals_block(true); /* the caller's thread is the one to be interrupted */
    w->running = pthread_create(&w->thread, NULL, worker_main, a) == 0;
    signals_block(false);
    return w->running;
}

static void worker_stop(struct appender *a) {
    struct worker *w = &a->worker;
    if (!w->running) return;
    pthread_mutex_lock(&w->mutex);
    w->quit = true;
    pthread_cond_broadcast(&w->changed);
    pthread_mutex_unlock(&w->mutex);
    pthread_join(w->thread, NULL);
    pthread_cond_destroy(&w->changed);
    pthread_mutex_destroy(&w->mutex);
    for (unsigned i = 0; i < JOBS; i++) buf_release(&w->jobs[i].body);
}

/* Move the filled block into a job and take that job's empty body in its place. */
static void load_job(struct appender *a, struct job *job, struct batch *b) {
    struct buf empty = job->body;
    a->pending_bytes -= b->body.len;
    *job = (struct job){.batch = b, .body = b->body, .h = b->h};
    b->body = empty;
    b->h.records = 0;
}

static int hand_over(struct appender *a, struct batch *b, struct err *e) {
    struct worker *w = &a->worker;
    pthread_mutex_lock(&w->mutex);
    while (w->len == JOBS) pthread_cond_wait(&w->changed, &w->mutex);
    int g = worker_result(a, e);
    if (g == 0) {
        load_job(a, &w->jobs[(w->head + w->len) % JOBS], b);
        w->len++;
        if (w->len >= JOBS_TO_WAKE) pthread_cond_broadcast(&w->changed);
    }
    pthread_mutex_unlock(&w->mutex);
    return g;
}

/* ---- the caller's side ---- */

int appender_open(struct appender **ret, struct topic *t, const struct appender_config *config, struct err *e) {
    struct appender *a = calloc(1, sizeof *a);
    if (!a) return err_nomem(e);
    a->topic = t;
    a->config = *config;
    a->batches = calloc(t->partitions, sizeof *a->batches);
    int g = a->batches ? random_bytes(&a->producer_id, sizeof a->producer_id, e) : err_nomem(e);
    if (g == 0 && config->partition >= (int64_t)t->partitions)
        g = err_set(e, G_USAGE, "topic '%s' has %u partitions; there is no partition %" PRId64, t->name, t->partitions,
                    config->partition);
    a->turn = (uint32_t)(a->producer_id % t->partitions);
    if (g < 0)
        appender_free(a);
    else
        *ret = a;
    return g;
}

void appender_free(struct appender *a) {
    if (!a) return;
    worker_stop(a);
    for (uint32_t p = 0; a->batches && p < a->topic->partitions; p++) {
        if (a->batches[p].open) partition_close(&a->batches[p].part);
        buf_release(&a->batches[p].body);
        free(a->batches[p].acks);
    }
    buf_release(&a->direct.body);
    free(a->batches);
    free(a);
}

static int append_direct(struct appender *a, struct batch *b, struct err *e) {
    char notice[600] = "";
    if (b->h.records == 0) return 0;
    load_job(a, &a->direct, b);
    struct job *job = &a->direct;
    int g = append_jobs(a, &job, 1, notice, sizeof notice, e);
    say(a, notice);
    return g;
}

static int append_all(struct appender *a, struct err *e) {
    int g = worker_drain(a, e);
    for (uint32_t p = 0; g == 0 && p < a->topic->partitions; p++) g = append_direct(a, &a->batches[p], e);
    ring(a);
    return g;
}

/* Too much is pending over many partitions: the fullest go, so that blocks get as large as they can. */
static int append_fullest(struct appender *a, struct err *e) {
    size_t most = 0;
    for (uint32_t p = 0; p < a->topic->partitions; p++)
        if (a->batches[p].body.len > most) most = a->batches[p].body.len;
    bool by_thread = worker_start(a);
    int g = 0;
    for (uint32_t p = 0; g == 0 && p < a->topic->partitions; p++) {
        struct batch *b = &a->batches[p];
        if (b->body.len == 0 || b->body.len < most - most / 8) continue;
        g = by_thread ? hand_over(a, b, e) : append_direct(a, b, e);
    }
    ring(a);
    return g;
}

int64_t appender_due_ns(const struct appender *a) {
    return due_ns(a); /* asked behind appender_sync: the thread has nothing to do */
}

int appender_sync(struct appender *a, bool now, struct err *e) {
    int g = append_all(a, e);
    if (g < 0) return g;
    if (!now && due_ns(a) > 0) return 0;
    return sync_all(a, e);
}

static uint32_t choose_partition(const struct appender *a, const struct record *r) {
    if (a->config.partition >= 0) return (uint32_t)a->config.partition;
    if (!r->has_key) return a->turn;
    return kafka_partition(r->key, r->key_size, a->topic->partitions);
}

static int add_record(struct appender *a, struct batch *b, const struct record *r, struct err *e) {
    struct block_header *h = &b->h;
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

/* The block is full: off with it, and on to the next partition if nobody asked for this one. */
static int make_room(struct appender *a, struct batch *b, struct err *e) {
    int g;
    if (a->config.partition < 0 && b->part.number == a->turn) a->turn = (a->turn + 1) % a->topic->partitions;
    if (worker_start(a)) return hand_over(a, b, e);
    g = append_direct(a, b, e);
    ring(a);
    return g == 0 ? sync_flood(a, e) : g;
}

/* Partitions are opened by the caller; the thread must not be at work on the same structure. It never is: a batch that
 * is not open has had no job. */
int appender_put(struct appender *a, const struct record *r, struct err *e) {
    struct batch *b = NULL;
    int g = record_check(r, a->topic->settings.max_record, e);
    if (g == 0) g = open_batch(a, choose_partition(a, r), &b, e);
    if (g < 0) return g;
    if (b->body.len > 0 && b->body.len + record_size(r) > BLOCK_TARGET_BYTES) g = make_room(a, b, e);
    if (g == 0 && a->pending_bytes >= PENDING_BYTES) g = append_fullest(a, e);
    return g < 0 ? g : add_record(a, b, r, e);
}

/* ---- a topic as a sink ---- */

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
