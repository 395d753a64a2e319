/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Many processes on two partitions: producers of each sync policy, readers that follow, one that rolls and compresses;
 * some are killed and begin anew, some are stopped for a while and go on. A checker knows what was acknowledged and
 * what was seen: each acknowledged record is there exactly once, in its producer's order; all readers saw the same;
 * nobody was blocked.
 */
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "crash.h"
#include "log/clean.h"

#define PRODUCERS 8
#define READERS 3
#define ACTORS (PRODUCERS + READERS + 1)
#define PARTITIONS 2
#define OFFSETS_MAX 2000000
#define IDS_MAX 4096

/* What all processes share, and what outlives each of them. */
static struct shared {
    _Atomic uint64_t progress[ACTORS];
    _Atomic uint32_t findings, lock_timeouts;
    _Atomic uint64_t seen[PARTITIONS][OFFSETS_MAX]; /* producer << 32 | seq + 1 */
    struct {
        _Atomic uint32_t acked; /* records below this number are durable */
        _Atomic uint32_t partition;
    } made[IDS_MAX];
    _Atomic uint64_t read_to[PARTITIONS];
} * shared;

static char path[340];

PRINTF_LIKE(1, 2) static void finding(const char *fmt, ...) {
    char text[700];
    va_list ap;
    va_start(ap, fmt);
    (void)vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    wrong("%s", text);
    atomic_fetch_add(&shared->findings, 1);
}

/* A time-out names the holder and is met by trying again; anything else is a finding. */
static bool excused(const struct err *e) {
    if (e->grade != G_IO || !strstr(e->text, "cannot lock")) return false;
    if (!strstr(e->text, "process ")) finding("a time-out without a process id: %s", e->text);
    atomic_fetch_add(&shared->lock_timeouts, 1);
    return true;
}

static void open_all(struct log *log, struct topic *t) {
    if (!open_topic(log, t, path)) {
        finding("cannot open");
        _exit(1);
    }
}

static bool open_to_append(struct partition *p, struct topic *t, uint32_t number) {
    struct err e = {0};
    for (int tries = 0; tries < 5; tries++) {
        if (partition_open(p, t, number, PARTITION_APPEND, &e) == 0) {
            p->lock_timeout_ns = INT64_C(3000000000);
            return true;
        }
        if (!excused(&e)) break;
    }
    finding("cannot open partition %u: %s", number, e.text);
    return false;
}

/* Policy by the place: batch, batch, none, interval (a sync now and then). */
static void produce(unsigned place, uint32_t id, uint64_t seed) {
    struct log log;
    struct topic t;
    struct partition p;
    struct err e = {0};
    struct ack a;
    uint32_t seq = 0, number = (uint32_t)(place / 4) % PARTITIONS;
    unsigned policy = place % 4;
    rng_seed(seed);
    open_all(&log, &t);
    t.settings.sync.mode = policy == 2 ? SYNC_NONE : SYNC_BATCH;
    atomic_store(&shared->made[id].partition, number);
    if (!open_to_append(&p, &t, number)) _exit(1);
    p.lazy = policy == 2;
    for (;;) {
        bool sync = policy < 2 || (policy == 3 && rng() % 16 == 0);
        uint32_t was = seq;
        int g = append_batch(&p, id, &seq, 1 + rng_below(2), 1 + (uint32_t)rng_below(5), false, &a, &e);
        if (g == 0 && policy == 2) partition_publish(&p, a.offset + a.count);
        while (g == 0 && sync && (g = partition_sync(&p, a.offset + a.count, &e)) < 0 && excused(&e)) g = 0;
        if (g == 0 && sync) atomic_store(&shared->made[id].acked, seq);
        if (g < 0 && !(seq == was && excused(&e))) {
            finding("producer %u: %s", id, e.text);
            _exit(1);
        }
        atomic_fetch_add(&shared->progress[place], 1);
        if (rng() % 16 == 0) sys_sleep_ns((int64_t)rng_below(3000000));
    }
}

static bool see(uint32_t number, uint64_t offset, const struct payload_head *h) {
    uint64_t value = (uint64_t)h->producer << 32 | (h->seq + 1), was = 0;
    if (offset >= OFFSETS_MAX) return true;
    if (atomic_compare_exchange_strong(&shared->seen[number][offset], &was, value) || was == value) return true;
    finding("offset %" PRIu64 " of %u was seen as %" PRIu64 "/%u and is %u/%u", offset, number, was >> 32,
            (uint32_t)was - 1, h->producer, h->seq);
    return false;
}

static void follow(unsigned place, uint64_t seed) {
    struct log log;
    struct topic t;
    struct cursor c;
    struct err e = {0};
    struct history h = {0};
    uint32_t number = place % PARTITIONS;
    rng_seed(seed);
    open_all(&log, &t);
    if (cursor_open(&c, &t, number, false, &e) < 0) {
        if (!excused(&e)) finding("reader: %s", e.text);
        _exit(1);
    }
    if (rng() % 2) { /* in the middle of what is there */
        uint64_t from = rng_below(atomic_load(&shared->read_to[number]) + 1);
        if (cursor_seek(&c, from, &e) < 0) finding("seek: %s", e.text);
        while (h.count < c.next_offset) history_put(&h, h.count, &(struct payload_head){0});
    }
    for (size_t done = h.count;;) {
        if (!history_follow(&h, &c)) {
            finding("reader of %u at offset %zu", number, h.count);
            _exit(1);
        }
        for (; done < h.count; done++)
            if (!see(number, done, &h.at[done])) _exit(1);
        uint64_t to = atomic_load(&shared->read_to[number]);
        while (to < done && !atomic_compare_exchange_weak(&shared->read_to[number], &to, done)) {
        }
        atomic_fetch_add(&shared->progress[place], 1);
        sys_sleep_ns(500000);
    }
}

static void maintain(unsigned place, uint64_t seed) {
    struct log log;
    struct topic t;
    struct partition p;
    struct err e = {0};
    rng_seed(seed);
    open_all(&log, &t);
    t.settings.zstd = true;
    for (;;) {
        uint32_t number = (uint32_t)rng_below(PARTITIONS);
        struct maintain_report report;
        int g = 0;
        if (rng() % 2) {
            g = partition_maintain(&t, number, MAINTAIN_COMPRESS, &report, &e);
        } else if ((g = partition_open(&p, &t, number, PARTITION_APPEND, &e)) == 0) {
            g = partition_lock(&p, &e);
            if (g == 0) {
                g = partition_roll(&p, rng() % 2, &e);
                partition_unlock(&p);
            }
            partition_close(&p);
        }
        if (g < 0 && !excused(&e)) {
            finding("maintenance: %s", e.text);
            _exit(1);
        }
        atomic_fetch_add(&shared->progress[place], 1);
        sys_sleep_ns((int64_t)rng_below(20000000));
    }
}

/* ---- the one who kills and stops ---- */

static struct actor {
    pid_t pid;
    double stopped_until;
    uint64_t progress;
    double progress_at;
} actors[ACTORS];
static uint32_t next_id;

static void start(unsigned place) {
    uint64_t seed = rng();
    uint32_t id = next_id < IDS_MAX - 1 && place < PRODUCERS ? next_id++ : IDS_MAX - 1;
    fflush(stdout);
    pid_t pid = fork();
    if (pid == 0) {
        if (place < PRODUCERS)
            produce(place, id, seed);
        else if (place < PRODUCERS + READERS)
            follow(place, seed);
        else
            maintain(place, seed);
        _exit(0);
    }
    actors[place] = (struct actor){.pid = pid, .progress_at = seconds_now()};
}

static void end(unsigned place) {
    kill(actors[place].pid, SIGKILL);
    int status;
    waitpid(actors[place].pid, &status, 0);
}

/* Whoever runs must get on; while somebody else is stopped, a lock may be waited for. */
static void watch(double now, bool anyone_stopped) {
    for (unsigned i = 0; i < ACTORS; i++) {
        struct actor *a = &actors[i];
        uint64_t progress = atomic_load(&shared->progress[i]);
        if (progress != a->progress || a->stopped_until > 0 || anyone_stopped) {
            a->progress = progress;
            a->progress_at = now;
        } else if (now - a->progress_at > 10) {
            finding("process %u has not moved for 10 s", i);
            a->progress_at = now;
        }
        int status;
        if (waitpid(a->pid, &status, WNOHANG) == a->pid) {
            if (atomic_load(&shared->findings) == 0 && i < PRODUCERS)
                finding("process %u ended with %x", i, (unsigned)status);
            start(i);
        }
    }
}

static void rampage(double seconds) {
    double until = seconds_now() + seconds;
    for (unsigned i = 0; i < ACTORS; i++) start(i);
    while (seconds_now() < until && atomic_load(&shared->findings) == 0) {
        double now = seconds_now();
        bool anyone_stopped = false;
        unsigned victim = (unsigned)rng_below(ACTORS);
        for (unsigned i = 0; i < ACTORS; i++) {
            if (actors[i].stopped_until > 0 && actors[i].stopped_until < now) {
                kill(actors[i].pid, SIGCONT);
                actors[i].stopped_until = 0;
            }
            anyone_stopped = anyone_stopped || actors[i].stopped_until > 0;
        }
        if (rng() % 3 == 0) {
            end(victim);
            start(victim);
        } else if (rng() % 4 == 0 && !anyone_stopped) {
            kill(actors[victim].pid, SIGSTOP);
            actors[victim].stopped_until = now + (rng() % 40 == 0 ? 3.5 : 0.001 * (double)rng_below(200));
        }
        watch(now, anyone_stopped);
        sys_sleep_ns((int64_t)rng_below(15000000));
    }
    for (unsigned i = 0; i < ACTORS; i++) end(i);
}

/* ---- what must be true at the end ---- */

static void check_seen(const struct history *h, uint32_t number) {
    for (size_t i = 0; i < OFFSETS_MAX; i++) {
        uint64_t v = atomic_load(&shared->seen[number][i]);
        if (v == 0) continue;
        if (i >= h->count) {
            finding("offset %zu of %u was seen and is gone", i, number);
            return;
        }
        if (v != ((uint64_t)h->at[i].producer << 32 | (h->at[i].seq + 1))) {
            finding("offset %zu of %u was seen as another record", i, number);
            return;
        }
    }
}

/* Per producer 0, 1, 2 … without a gap: it waits for each append; what is at the end may be missing. */
static void check_producers(const struct history *h, uint32_t number) {
    uint32_t *next = calloc(IDS_MAX, sizeof *next);
    if (!next) abort();
    for (size_t i = 0; i < h->count; i++) {
        const struct payload_head *r = &h->at[i];
        if (r->producer >= IDS_MAX) continue;
        if (r->seq != next[r->producer])
            finding("record %u/%u is at offset %zu of %u, where %u/%u comes next", r->producer, r->seq, i, number,
                    r->producer, next[r->producer]);
        next[r->producer] = r->seq + 1;
    }
    for (uint32_t id = 0; id < IDS_MAX - 1; id++) {
        uint32_t acked = atomic_load(&shared->made[id].acked);
        if (acked && atomic_load(&shared->made[id].partition) == number && next[id] < acked)
            finding("producer %u: %u records were acknowledged, %u are there", id, acked, next[id]);
    }
    free(next);
}

static uint64_t check_end(void) {
    struct log log;
    struct topic t;
    struct partition p;
    uint64_t records = 0;
    if (!open_topic(&log, &t, path)) {
        finding("cannot open at the end");
        return 0;
    }
    for (uint32_t i = 0; i < PARTITIONS; i++) {
        struct history h = {0};
        if (!open_to_append(&p, &t, i)) continue;
        struct err e = {0};
        struct ack a;
        uint32_t seq = 0;
        if (append_batch(&p, IDS_MAX + 1, &seq, 1, 1, true, &a, &e) < 0) finding("cannot go on: %s", e.text);
        partition_close(&p);
        if (!history_read(&h, &t, i, false)) finding("partition %u cannot be read at the end", i);
        check_seen(&h, i);
        check_producers(&h, i);
        records += h.count;
        history_release(&h);
    }
    topic_close(&t);
    log_close(&log);
    return records;
}

int main(void) {
    struct log log;
    struct err e = {0};
    struct topic_settings s = topic_settings_default;
    scratch_init();
    (void)snprintf(path, sizeof path, "%s", scratch_dir("log"));
    shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (shared == MAP_FAILED) return 1;
    uint64_t seed = env_number("SEED", (uint64_t)time(NULL));
    rng_seed(seed);
    s.segment_size = 256 << 10;
    s.zstd = true;
    if (log_open(&log, path, true, true, &e) < 0 || topic_create(&log, "t", PARTITIONS, &s, false, &e) < 0) return 1;
    log_close(&log);
    rampage((double)env_number("LEAT_CRASH_SECONDS", 8));
    uint64_t records = atomic_load(&shared->findings) ? 0 : check_end();
    bool good = atomic_load(&shared->findings) == 0;
    if (!good) wrong("SEED=%" PRIu64, seed);
    printf("# %" PRIu64 " records of %u producers, %u time-outs of a lock\n", records, next_id,
           atomic_load(&shared->lock_timeouts));
    tap(good, "processes that are killed and stopped at random lose nothing, see the same, and block nobody");
    if (!getenv("LEAT_CRASH_KEEP")) scratch_remove();
    return tap_done();
}
