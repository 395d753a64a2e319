/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Power cuts, simulated: several producers and a reader live through generations that end in a cut, some of them with a
 * call that fails. After each cut: what was acknowledged is there, what a reader of policy batch has seen stays,
 * offsets are dense, no damage is reported, and appending goes on. Policy none promises a whole prefix and no false
 * damage.
 */
#include "recorder.h"

#define PRODUCERS 3
#define PARTITIONS 2
#define ACKS_MAX 4000

enum mix { MIX_BATCH, MIX_NONE, MIX_BOTH };

struct promise {
    size_t event; /* it holds for cuts behind this event */
    struct ack ack;
};

static struct {
    uint64_t seed;
    enum mix mix;
    struct promise acks[ACKS_MAX];
    size_t ack_count;
    struct seen {
        size_t event;
        uint64_t offset;
    } seen[PARTITIONS][ACKS_MAX];
    size_t seen_count[PARTITIONS];
    size_t topic_made; /* event behind which the topic must be there */
    uint32_t next_seq[64];
    uint32_t producers;
    struct refusal {
        uint32_t producer, first, count;
    } refused[ACKS_MAX];
    size_t refused_count;
    struct history base[PARTITIONS]; /* what the generation began with: it was recovered, so it stays */
    size_t base_event[PARTITIONS];
} w;

struct producer {
    bool open, sync;
    uint32_t id;
    struct log log;
    struct topic t;
    struct partition p;
    struct ack waiting[8]; /* appended, not yet synced */
    unsigned waiting_count;
};

static void promise_ack(const struct ack *a) {
    rec_look_at_pages();
    rec_event(OP_MARK, 0);
    if (w.ack_count < ACKS_MAX) w.acks[w.ack_count++] = (struct promise){rec.count, *a};
}

static void promise_seen(uint32_t partition, uint64_t offset) {
    rec_look_at_pages();
    rec_event(OP_MARK, 0);
    if (w.seen_count[partition] < ACKS_MAX)
        w.seen[partition][w.seen_count[partition]++] = (struct seen){rec.count, offset};
}

static void producer_close(struct producer *x) {
    if (!x->open) return;
    partition_close(&x->p);
    topic_close(&x->t);
    log_close(&x->log);
    x->open = false;
    x->waiting_count = 0;
}

static bool producer_open(struct producer *x, const char *path, uint32_t number, struct err *e) {
    struct topic_settings s = topic_settings_default;
    s.segment_size = 4096 + 4096 * (w.seed % 3);
    x->sync = w.mix == MIX_BATCH || (w.mix == MIX_BOTH && rng() % 2);
    s.sync.mode = x->sync ? SYNC_BATCH : SYNC_NONE;
    if (log_open(&x->log, path, true, true, e) < 0) return false;
    if (topic_create(&x->log, "t", PARTITIONS, &s, true, e) >= 0 && topic_open(&x->t, &x->log, "t", e) == 0) {
        x->t.settings.sync = s.sync;
        if (partition_open(&x->p, &x->t, number, PARTITION_APPEND, e) == 0) {
            x->open = true;
            x->p.lazy = !x->sync;
            return true;
        }
        topic_close(&x->t);
    }
    log_close(&x->log);
    return false;
}

static bool produce(struct producer *x, struct err *e) {
    struct ack a;
    uint32_t *seq = &w.next_seq[x->id % 64], first = *seq;
    bool sync = x->sync && rng() % 8;
    int g = append_batch(&x->p, x->id % 64, seq, 1 + rng_below(3), 1 + (uint32_t)rng_below(4), sync, &a, e);
    if (g == 0 && sync) {
        promise_ack(&a);
    } else if (g == 0 && x->sync && x->waiting_count < 8) {
        x->waiting[x->waiting_count++] = a;
    } else if (g == 0 && !x->sync) {
        partition_publish(&x->p, a.offset + a.count);
    } else if (g < 0 && *seq == first) {
        if (w.refused_count < ACKS_MAX)
            w.refused[w.refused_count++] = (struct refusal){a.producer, a.first_seq, a.count};
        *seq += a.count;
    }
    return g == 0;
}

/* Sync what was appended before, perhaps long ago: others may have written, failed and recovered since. */
static bool sync_late(struct producer *x, struct err *e) {
    while (x->waiting_count > 0) {
        const struct ack *a = &x->waiting[--x->waiting_count];
        if (partition_sync(&x->p, a->offset + a->count, e) < 0) return false;
        promise_ack(a);
    }
    return true;
}

/* As if killed behind an append, or in the middle of the next one. */
static bool die(struct producer *x, struct err *e) {
    struct ack a;
    struct batch b;
    uint32_t *seq = &w.next_seq[x->id % 64];
    bool good = append_batch(&x->p, x->id % 64, seq, 1, 2, false, &a, e) == 0;
    *seq += good ? 0 : 2;
    if (!good) return false;
    if (rng() % 2) {
        batch_make(&b, x->id % 64, *seq, 1, 2);
        int g = file_pwrite_all(x->p.fd, b.blocks[0].body, b.blocks[0].size / 2,
                                (off_t)atomic_load(&x->p.tail->written_size), "segment", e);
        batch_release(&b);
        good = g == 0;
    }
    atomic_store(&x->p.tail->appending, 4711);
    producer_close(x);
    return good;
}

/* A default reader from the beginning; it believes what it sees. */
static bool read_once(const char *path, uint32_t number) {
    struct log log;
    struct topic t;
    struct history h = {0};
    unsigned faults = rec.faults;
    if (!open_topic(&log, &t, path)) return rec.faults != faults;
    bool good = history_read(&h, &t, number, false);
    if (good && w.mix == MIX_BATCH) promise_seen(number, h.count);
    history_release(&h);
    topic_close(&t);
    log_close(&log);
    return good || rec.faults != faults;
}

/* One generation. Calls that fail on purpose are the only excuse for errors. */
static bool live(const char *path) {
    struct producer all[PRODUCERS] = {0};
    struct err e = {0};
    bool good = true;
    int steps = 10 + (int)rng_below(50);
    rec.faults = 0;
    rec.fail_in = rng() % 3 ? 0 : 1 + (long)rng_below(1500);
    rec.fail_sync_in = rng() % 3 ? 0 : 1 + (long)rng_below(30);
    for (int i = 0; good && i < steps; i++) {
        struct producer *x = &all[rng_below(PRODUCERS)];
        bool fine = true;
        if (!x->open) {
            x->id = w.producers++;
            fine = producer_open(x, path, (uint32_t)rng_below(PARTITIONS), &e);
            if (fine && w.topic_made == SIZE_MAX) w.topic_made = rec.count;
        } else if (rng() % 12 == 0) {
            producer_close(x);
        } else if (rng() % 16 == 0) {
            fine = die(x, &e);
        } else if (rng() % 6 == 0) {
            fine = sync_late(x, &e);
        } else if (rng() % 10 == 0) {
            good = read_once(path, x->p.number);
        } else {
            fine = produce(x, &e);
        }
        if (!fine && rec.faults == 0) good = wrong("failed for no reason: %s", e.text);
        if (!fine) producer_close(x);
        if (rec.faults && rng() % 8 == 0) rec.fail_sync_in = 1 + (long)rng_below(15);
    }
    for (int i = 0; i < PRODUCERS; i++) producer_close(&all[i]);
    rec_look_at_pages();
    rec.fail_in = rec.fail_sync_in = 0;
    return good;
}

/* Each producer's records rise: none twice, none in another order; none that was refused. */
static bool check_order(const struct history *h) {
    int64_t last[64];
    for (int i = 0; i < 64; i++) last[i] = -1;
    for (size_t i = 0; i < h->count; i++) {
        const struct payload_head *r = &h->at[i];
        if (r->producer >= 64) continue;
        if ((int64_t)r->seq <= last[r->producer])
            return wrong("record %u/%u comes behind %" PRId64, r->producer, r->seq, last[r->producer]);
        last[r->producer] = r->seq;
        for (size_t k = 0; k < w.refused_count; k++)
            if (w.refused[k].producer == r->producer && r->seq - w.refused[k].first < w.refused[k].count)
                return wrong("refused record %u/%u is at offset %zu", r->producer, r->seq, i);
    }
    return true;
}

static bool check_promises(const struct history *h, uint32_t number, size_t cut) {
    if (w.base_event[number] <= cut && !history_is_prefix(&w.base[number], h)) return false;
    for (size_t i = 0; i < w.ack_count; i++)
        if (w.acks[i].ack.partition == number && w.acks[i].event <= cut && !ack_holds(&w.acks[i].ack, h)) return false;
    for (size_t i = 0; i < w.seen_count[number]; i++)
        if (w.seen[number][i].event <= cut && w.seen[number][i].offset > h->count)
            return wrong("offset %" PRIu64 " was seen, the end is %zu", w.seen[number][i].offset, h->count);
    return check_order(h);
}

static bool check_partition(struct topic *t, uint32_t number, size_t cut, struct history *ret) {
    struct history more = {0};
    struct partition p = {0};
    struct err e = {0};
    struct ack a;
    uint32_t seq = 0;
    if (rng() % 2) { /* an appender comes first */
        if (partition_open(&p, t, number, PARTITION_APPEND, &e) < 0) return wrong("cannot recover: %s", e.text);
        partition_close(&p);
    }
    bool good = history_read(ret, t, number, false) && check_promises(ret, number, cut);
    if (!good) return false;
    if (partition_open(&p, t, number, PARTITION_APPEND, &e) < 0) return wrong("cannot go on: %s", e.text);
    for (int i = 0; good && i < 3; i++)
        if (append_batch(&p, 100, &seq, 2, 2, true, &a, &e) < 0) good = wrong("cannot append: %s", e.text);
    partition_close(&p);
    good = good && history_read(&more, t, number, false) && history_is_prefix(ret, &more) && ack_holds(&a, &more);
    history_release(&more);
    return good;
}

static bool check_cut(const char *path, size_t cut) {
    struct log log;
    struct topic t;
    struct err e = {0};
    if (log_open(&log, path, true, true, &e) < 0) return wrong("cannot open the log: %s", e.text);
    bool must = w.topic_made <= cut;
    for (size_t i = 0; i < w.ack_count; i++) must = must || w.acks[i].event <= cut;
    int g = topic_open(&t, &log, "t", &e);
    bool good = g == 0 || (g == G_ABSENT && !must) || wrong("cannot open the topic: %s", e.text);
    for (uint32_t i = 0; good && g == 0 && i < PARTITIONS; i++) {
        struct history h = {0};
        good = check_partition(&t, i, cut, &h);
        history_release(&h);
    }
    if (g == 0) topic_close(&t);
    log_close(&log);
    return good;
}

/* The next generation begins with this disk: whatever it recovers is promised from then on. */
static bool take_over(const char *path, size_t cut) {
    struct log log;
    struct topic t;
    struct err e = {0};
    struct history now[PARTITIONS] = {{0}};
    bool good = true;
    size_t kept = 0;
    for (size_t i = 0; i < w.ack_count; i++) /* promises that were not yet made at the cut never were */
        if (w.acks[i].event <= cut) w.acks[kept++] = (struct promise){0, w.acks[i].ack};
    w.ack_count = kept;
    memset(w.seen_count, 0, sizeof w.seen_count);
    if (log_open(&log, path, true, true, &e) < 0) return wrong("cannot open the log: %s", e.text);
    if (topic_open(&t, &log, "t", &e) == 0) {
        for (uint32_t i = 0; good && i < PARTITIONS; i++) good = history_read(&now[i], &t, i, false);
        w.topic_made = 0;
        topic_close(&t);
    } else {
        w.topic_made = SIZE_MAX;
    }
    log_close(&log);
    for (uint32_t i = 0; i < PARTITIONS; i++) {
        history_release(&w.base[i]);
        w.base[i] = now[i];
        w.base_event[i] = rec.count;
    }
    return good;
}

static bool one_seed(uint64_t seed, unsigned cuts, long *total) {
    char here[340], there[340];
    bool good = true;
    rec_forget();
    rng_seed(seed);
    for (int i = 0; i < PARTITIONS; i++) history_release(&w.base[i]);
    memset(&w, 0, sizeof w);
    w.seed = seed;
    w.mix = seed % 4 == 3 ? MIX_NONE : seed % 4 == 2 ? MIX_BOTH : MIX_BATCH;
    w.topic_made = SIZE_MAX;
    rec.boot_id = 1000 * seed;
    (void)snprintf(here, sizeof here, "%s", scratch_dir("disk0"));
    for (int generation = 1; good && generation <= 4; generation++) {
        rec_begin(here);
        rec.boot_id++;
        good = generation == 1 || take_over(here, rec.count);
        good = good && live(here);
        if (!good) break;
        rec.on = false;
        size_t cut = rec.count;
        rec.boot_id++;
        for (unsigned i = 0; good && i < cuts; i++) {
            cut = rec.base_count + rng_below(rec.count - rec.base_count + 1);
            (void)snprintf(there, sizeof there, "%s", scratch_dir("cut"));
            rec_cut(there, cut);
            good = check_cut(there, cut);
            if (!good) wrong("cut in front of event %zu of %zu, generation %d", cut, rec.count, generation);
            ++*total;
        }
        /* once more, not looked at, for the next generation */
        (void)snprintf(there, sizeof there, "%s", scratch_dir(generation % 2 ? "disk1" : "disk0"));
        rec_cut(there, cut);
        size_t kept = 0;
        for (size_t i = 0; i < w.ack_count; i++)
            if (w.acks[i].event <= cut) w.acks[kept++] = (struct promise){0, w.acks[i].ack};
        w.ack_count = kept;
        (void)snprintf(here, sizeof here, "%s", there);
    }
    return good;
}

int main(void) {
    scratch_init();
    rec_install();
    uint64_t seed = env_number("SEED", 1), first = seed;
    unsigned cuts = (unsigned)env_number("LEAT_CRASH_CUTS", 12);
    double until = seconds_now() + (double)env_number("LEAT_CRASH_SECONDS", 25);
    long total = 0, failed = 0;
    do {
        if (!one_seed(seed, cuts, &total)) {
            wrong("SEED=%" PRIu64, seed);
            failed++;
        }
        seed++;
    } while (failed < 3 && seconds_now() < until);
    printf("# %ld cuts, seeds %" PRIu64 " to %" PRIu64 "\n", total, first, seed - 1);
    tap(failed == 0 && total > 100, "nothing that was promised is lost in a power cut");
    rec_forget();
    free(rec.events);
    for (int i = 0; i < PARTITIONS; i++) history_release(&w.base[i]);
    scratch_remove();
    return tap_done();
}
