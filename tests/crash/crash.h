/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the crash tests share: TAP lines, seeds, scratch directories, records that can be told apart and checked, and
 * the reading of a whole partition. Every program of this folder includes it once; failures name the seed.
 *
 *   SEED=n                 begin with this seed          LEAT_CRASH_SECONDS=n   how long the random tests run
 */
#ifndef LEAT_TESTS_CRASH_H
#define LEAT_TESTS_CRASH_H

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <time.h>
#include <unistd.h>

#include "log/cursor.h"
#include "log/partition.h"
#include "log/topic.h"
#include "sys/file.h"
#include "sys/sys.h"

/* ---- TAP ---- */

static int tap_count, tap_failed;

static inline void tap(bool good, const char *name) {
    printf("%sok %d - %s\n", good ? "" : "not ", ++tap_count, name);
    fflush(stdout);
    if (!good) tap_failed++;
}

static inline void tap_skip(const char *name, const char *why) {
    printf("ok %d - %s # SKIP %s\n", ++tap_count, name, why);
}

static inline int tap_done(void) {
    printf("1..%d\n", tap_count);
    return tap_failed ? 1 : 0;
}

/* A finding: printed as a TAP comment, counted by the caller through the return value (false). */
PRINTF_LIKE(1, 2) static inline bool wrong(const char *fmt, ...) {
    va_list ap;
    va_start(ap, fmt);
    printf("# ");
    vprintf(fmt, ap);
    printf("\n");
    fflush(stdout);
    va_end(ap);
    return false;
}

/* ---- seeds and time ---- */

static uint64_t rng_state = 1;

static inline void rng_seed(uint64_t seed) {
    rng_state = seed * UINT64_C(0x9e3779b97f4a7c15) + 1;
}

static inline uint64_t rng(void) {
    uint64_t z = (rng_state += UINT64_C(0x9e3779b97f4a7c15));
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

static inline uint64_t rng_below(uint64_t n) {
    return n ? rng() % n : 0;
}

static inline uint64_t env_number(const char *name, uint64_t otherwise) {
    const char *s = getenv(name);
    return s && *s ? strtoull(s, NULL, 10) : otherwise;
}

static inline double seconds_now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* ---- scratch directories, in memory where possible: nothing here depends on a real disk ---- */

static char scratch[300];

static inline void scratch_remove(void) {
    if (!scratch[0]) return;
    char *slash = strrchr(scratch, '/');
    *slash = '\0';
    int dir = open(scratch, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (dir >= 0 && dir_remove_tree(dir, slash + 1, NULL) < 0) fprintf(stderr, "cannot remove %s\n", slash + 1);
    if (dir >= 0) close(dir);
    scratch[0] = '\0';
}

static inline void scratch_init(void) {
    const char *base = getenv("TMPDIR");
    if (!base || !*base) base = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : P_tmpdir;
    (void)snprintf(scratch, sizeof scratch, "%s/leat-crash-XXXXXX", base);
    if (!mkdtemp(scratch)) {
        perror("mkdtemp");
        exit(1);
    }
    setvbuf(stdout, NULL, _IOLBF, 0);
}

/* scratch/NAME, empty; the text is good until the next call but three. */
static inline const char *scratch_dir(const char *name) {
    static char paths[4][340];
    static int turn;
    char *path = paths[turn++ % 4];
    (void)snprintf(path, sizeof paths[0], "%s/%s", scratch, name);
    int dir = open(scratch, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (dir_remove_tree(dir, name, NULL) < 0 || mkdir(path, 0700) < 0) {
        perror(path);
        exit(1);
    }
    close(dir);
    return path;
}

/* ---- records ---- */

struct payload_head {
    uint32_t producer, seq, size;
};

/* Contents that follow from producer and number, so that any wrong byte shows. */
static inline size_t payload_make(uint32_t producer, uint32_t seq, char *out, size_t cap) {
    uint64_t x = ((uint64_t)producer << 32 | seq) * UINT64_C(0x9e3779b97f4a7c15) + 12345;
    size_t size = sizeof(struct payload_head) + (size_t)((x >> 40) % (seq % 11 == 0 ? 3000 : 300));
    if (size > cap) size = cap;
    struct payload_head h = {producer, seq, (uint32_t)size};
    memcpy(out, &h, sizeof h);
    for (size_t i = sizeof h; i < size; i++) {
        x = x * 6364136223846793005u + 1442695040888963407u;
        out[i] = (char)(x >> 56);
    }
    return size;
}

#define PAYLOAD_MAX 4096

static inline bool payload_check(const char *p, size_t n, struct payload_head *ret) {
    char want[PAYLOAD_MAX];
    if (n < sizeof *ret) return false;
    memcpy(ret, p, sizeof *ret);
    return payload_make(ret->producer, ret->seq, want, sizeof want) == n && memcmp(want, p, n) == 0;
}

/* A batch of `blocks` blocks with `each` records, numbered from first on. Release with batch_release. */
struct batch {
    struct append_block blocks[4];
    struct buf bodies[4];
    size_t count;
    uint32_t records;
};

static inline void batch_release(struct batch *b) {
    for (size_t i = 0; i < b->count; i++) buf_release(&b->bodies[i]);
    b->count = 0;
}

static inline void batch_make(struct batch *b, uint32_t producer, uint32_t first, size_t blocks, uint32_t each) {
    char value[PAYLOAD_MAX];
    *b = (struct batch){.count = blocks, .records = (uint32_t)blocks * each};
    for (size_t i = 0; i < blocks; i++) {
        struct append_block *a = &b->blocks[i];
        int64_t t = 1000000 + (int64_t)first;
        a->h = (struct block_header){.records = each, .min_time = t, .max_time = t};
        for (uint32_t k = 0; k < each; k++) {
            struct record r = {.time = t, .value = value, .value_type = VALUE_BYTES};
            r.value_size = payload_make(producer, first++, value, sizeof value);
            if (buf_reserve(&b->bodies[i], record_size(&r)) < 0) abort();
            record_encode(&r, k, b->bodies[i].data + b->bodies[i].len);
            b->bodies[i].len += record_size(&r);
        }
        a->body = b->bodies[i].data;
        a->size = (uint32_t)b->bodies[i].len;
        append_block_prepare(a);
    }
}

/* ---- reading all of a partition ---- */

struct history {
    struct payload_head *at; /* by offset */
    size_t count, cap;
};

static inline void history_release(struct history *h) {
    free(h->at);
    *h = (struct history){0};
}

static inline void history_put(struct history *h, uint64_t offset, const struct payload_head *p) {
    while (h->cap <= offset) {
        h->cap = h->cap ? h->cap * 2 : 256;
        h->at = realloc(h->at, h->cap * sizeof *h->at);
        if (!h->at) abort();
    }
    while (h->count < offset) h->at[h->count++] = (struct payload_head){UINT32_MAX, 0, 0};
    h->at[offset] = *p;
    if (h->count <= offset) h->count = (size_t)offset + 1;
}

static inline bool history_take_block(struct history *h, const struct cursor_block *b, const char *body) {
    struct record_walk w;
    struct record r;
    struct payload_head p;
    struct err e;
    int g;
    record_walk_init(&w, &b->h, body, RECORD_LIMIT_MAX);
    while ((g = record_next(&w, &r, &e)) > 0) {
        if (r.offset < b->first) continue;
        if (r.offset != h->count) return wrong("offset %" PRIu64 " where %zu is next", r.offset, h->count);
        if (!payload_check(r.value, r.value_size, &p)) return wrong("torn record at offset %" PRIu64, r.offset);
        history_put(h, r.offset, &p);
    }
    return g == 0 ? true : wrong("%s", e.text);
}

/* Everything that is readable from where the cursor is. False, with a comment, when anything at all is wrong. */
static inline bool history_follow(struct history *h, struct cursor *c) {
    struct buf bytes = {0}, raw = {0};
    struct cursor_block b;
    struct err e = {0};
    const char *body;
    bool good = true;
    int g = 0;
    while (good && (g = cursor_next(c, &b, &e)) == 0) {
        g = cursor_load(&b, &bytes, &raw, &body, &e);
        if (g < 0) break;
        good = history_take_block(h, &b, body);
    }
    buf_release(&bytes);
    buf_release(&raw);
    if (good && g < 0) return wrong("%s: %s", grade_name(g), e.text);
    return good;
}

static inline bool history_read(struct history *h, struct topic *t, uint32_t partition, bool uncommitted) {
    struct cursor c;
    struct err e = {0};
    *h = (struct history){0};
    if (cursor_open(&c, t, partition, uncommitted, &e) < 0) return wrong("cannot open to read: %s", e.text);
    bool good = history_follow(h, &c);
    if (good && h->count != cursor_end(&c) && !(h->count == 0 && cursor_end(&c) == 0))
        good = wrong("read up to %zu, the end is %" PRIu64, h->count, cursor_end(&c));
    cursor_close(&c);
    return good;
}

/* Does `longer` begin with all of `h`? */
static inline bool history_is_prefix(const struct history *h, const struct history *longer) {
    if (h->count > longer->count) return wrong("%zu records were seen, %zu are left", h->count, longer->count);
    for (size_t i = 0; i < h->count; i++)
        if (memcmp(&h->at[i], &longer->at[i], sizeof h->at[i]) != 0)
            return wrong("offset %zu was record %u/%u and is %u/%u", i, h->at[i].producer, h->at[i].seq,
                         longer->at[i].producer, longer->at[i].seq);
    return true;
}

/* ---- what was acknowledged ---- */

struct ack {
    uint32_t partition, producer, first_seq, count;
    uint64_t offset;
};

static inline bool ack_holds(const struct ack *a, const struct history *h) {
    for (uint32_t i = 0; i < a->count; i++) {
        uint64_t at = a->offset + i;
        if (at >= h->count)
            return wrong("acknowledged offset %" PRIu64 " of partition %u is gone, the end is %zu", at, a->partition,
                         h->count);
        if (h->at[at].producer != a->producer || h->at[at].seq != a->first_seq + i)
            return wrong("offset %" PRIu64 " was acknowledged as %u/%u and is %u/%u", at, a->producer, a->first_seq + i,
                         h->at[at].producer, h->at[at].seq);
    }
    return true;
}

/* Open the log and its only topic, "t". */
static inline bool open_topic(struct log *log, struct topic *t, const char *path) {
    struct err e = {0};
    if (log_open(log, path, false, true, &e) < 0) return wrong("cannot open the log: %s", e.text);
    if (topic_open(t, log, "t", &e) == 0) return true;
    log_close(log);
    return wrong("cannot open the topic: %s", e.text);
}

/* Append a batch and make it durable. 0 or a grade; *ret is what was acknowledged. */
static inline int append_batch(struct partition *p, uint32_t producer, uint32_t *seq, size_t blocks, uint32_t each,
                               bool sync, struct ack *ret, struct err *e) {
    struct batch b;
    batch_make(&b, producer, *seq, blocks, each);
    *ret = (struct ack){p->number, producer, *seq, b.records, 0};
    int g = partition_append(p, b.blocks, b.count, &ret->offset, e);
    if (g == 0) *seq += b.records;
    if (g == 0 && sync) g = partition_sync(p, ret->offset + b.records, e);
    batch_release(&b);
    return g;
}

#endif
