/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files that are derived from others, or hints: lost, emptied, zeroed, made of noise, or put back as they were earlier,
 * between two openings. The answers stay the same: readers see the same records, appending goes on behind them.
 */
#include <dirent.h>
#include <signal.h>
#include <sys/wait.h>

#include "crash.h"
#include "machine.h"

#define SNAPSHOTS 40

enum harm { HARM_REMOVE, HARM_EMPTY, HARM_ZERO, HARM_NOISE, HARM_OLDER, HARM_SHORT, HARM_COUNT };
static const char *const harms[] = {"removed", "emptied", "zeroed", "noise", "an older one", "cut in half"};

struct file {
    char data[8192];
    size_t size;
    bool there;
};

static struct file snapshots[SNAPSHOTS];
static size_t snapshot_count;
static struct history truth;

static void load(const char *path, struct file *f) {
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    f->there = fd >= 0;
    ssize_t n = fd < 0 ? 0 : read(fd, f->data, sizeof f->data);
    f->size = n > 0 ? (size_t)n : 0;
    if (fd >= 0) close(fd);
}

static void store(const char *path, const void *data, size_t size) {
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0 || write(fd, data, size) != (ssize_t)size) abort();
    close(fd);
}

static ssize_t tear(int fd, const struct iovec *v, int n, off_t at) {
    ssize_t k = pwrite(fd, v[0].iov_base, v[0].iov_len, at);
    if (k == (ssize_t)v[0].iov_len && n > 1) k += pwrite(fd, v[1].iov_base, v[1].iov_len / 2, at + k);
    machine_die();
    return k;
}

/* A log with several segments; the tail is kept after each step. `die` leaves a torn append behind. */
static bool build(const char *path, bool none, bool die) {
    struct log log;
    struct topic t;
    struct partition p;
    struct err e = {0};
    struct ack a;
    struct topic_settings s = topic_settings_default;
    char tail[400];
    uint32_t seq = 0;
    s.segment_size = 4096;
    s.sync.mode = none ? SYNC_NONE : SYNC_BATCH;
    snapshot_count = 0;
    (void)snprintf(tail, sizeof tail, "%s/topics/t/0/tail", path);
    if (log_open(&log, path, true, true, &e) < 0 || topic_create(&log, "t", 1, &s, false, &e) < 0 ||
        topic_open(&t, &log, "t", &e) < 0 || partition_open(&p, &t, 0, PARTITION_APPEND, &e) < 0)
        return wrong("cannot build: %s", e.text);
    p.lazy = none;
    for (int i = 0; i < 30; i++) {
        if (append_batch(&p, 1, &seq, 1 + (size_t)i % 2, 2, !none, &a, &e) < 0)
            return wrong("cannot append: %s", e.text);
        if (none) partition_publish(&p, a.offset + a.count);
        if (snapshot_count < SNAPSHOTS) load(tail, &snapshots[snapshot_count++]);
    }
    fflush(stdout);
    pid_t pid = die ? fork() : -1;
    if (pid == 0) {
        struct batch b;
        uint64_t offset;
        batch_make(&b, 2, 0, 1, 2);
        sys.pwritev = tear;
        _exit(partition_append(&p, b.blocks, 1, &offset, &e) < 0);
    }
    int status = 0;
    if (pid > 0 && (waitpid(pid, &status, 0) != pid || !WIFSIGNALED(status))) return wrong("the child was not killed");
    partition_close(&p);
    history_release(&truth);
    bool good = history_read(&truth, &t, 0, false);
    topic_close(&t);
    log_close(&log);
    return good && (truth.count == 90 || wrong("%zu records at first", truth.count));
}

static void do_harm(const char *path, enum harm harm) {
    struct file f;
    load(path, &f);
    switch (harm) {
    case HARM_REMOVE: unlink(path); return;
    case HARM_EMPTY: f.size = 0; break;
    case HARM_ZERO: memset(f.data, 0, f.size); break;
    case HARM_NOISE:
        for (size_t i = 0; i < f.size; i++) f.data[i] = (char)rng();
        break;
    case HARM_OLDER: f = snapshots[rng_below(snapshot_count)]; break;
    case HARM_SHORT: f.size /= 2; break;
    default: break;
    }
    if (f.there) store(path, f.data, f.size);
}

static bool same_answers(const char *path, bool append_first) {
    struct log log;
    struct topic t;
    struct partition p;
    struct history h = {0};
    struct err e = {0};
    struct ack a;
    uint32_t seq = 0;
    if (!open_topic(&log, &t, path)) return false;
    bool good = true;
    if (!append_first) good = history_read(&h, &t, 0, false) && history_is_prefix(&truth, &h);
    history_release(&h);
    if (good && partition_open(&p, &t, 0, PARTITION_APPEND, &e) < 0) {
        good = wrong("cannot open to append: %s", e.text);
    } else if (good) {
        for (int i = 0; good && i < 4; i++)
            if (append_batch(&p, 3, &seq, 2, 2, true, &a, &e) < 0) good = wrong("cannot append: %s", e.text);
        partition_close(&p);
    }
    good = good && history_read(&h, &t, 0, false) && history_is_prefix(&truth, &h) && ack_holds(&a, &h);
    if (good && h.count != truth.count + 16) good = wrong("%zu records where %zu were", h.count, truth.count);
    history_release(&h);
    topic_close(&t);
    log_close(&log);
    return good;
}

/* Harm one file (and perhaps the tail with it), reopen. */
static bool one_case(const char *file, enum harm harm, bool tail_too, bool none, bool die, bool append_first) {
    char path[300], victim[400];
    (void)snprintf(path, sizeof path, "%s", scratch_dir("log"));
    if (!build(path, none, die)) return false;
    (void)snprintf(victim, sizeof victim, "%s/topics/t/%s", path, file);
    do_harm(victim, harm);
    (void)snprintf(victim, sizeof victim, "%s/topics/t/0/tail", path);
    if (tail_too) do_harm(victim, (enum harm)rng_below(HARM_COUNT));
    return same_answers(path, append_first) || wrong("%s %s, tail too %d, none %d, torn append %d, appender first %d",
                                                     file, harms[harm], tail_too, none, die, append_first);
}

static void test_file(const char *file, unsigned times, const char *name) {
    int failed = 0;
    for (unsigned i = 0; i < times && failed < 3; i++)
        for (int harm = 0; harm < HARM_COUNT && failed < 3; harm++) {
            if (harm == HARM_OLDER && strcmp(file, "0/tail") != 0) continue;
            uint64_t dice = rng();
            bool tail_too = strcmp(file, "0/tail") != 0 && dice & 1;
            if (!one_case(file, (enum harm)harm, tail_too, dice & 2, dice & 4, dice & 8)) failed++;
        }
    if (failed) wrong("SEED=%" PRIu64, env_number("SEED", 1));
    tap(failed == 0, name);
}

/* An index that belongs to another segment, or to another content of this one. */
static bool test_foreign_index(const char *path) {
    char from[400], to[400];
    struct file f;
    if (!build(path, false, false)) return false;
    (void)snprintf(from, sizeof from, "%s/topics/t/0", path);
    DIR *d = opendir(from);
    const struct dirent *entry;
    char first[300] = "";
    while (d && (entry = readdir(d))) {
        if (!strstr(entry->d_name, ".idx")) continue;
        if (first[0]) {
            (void)snprintf(from, sizeof from, "%s/topics/t/0/%s", path, first);
            (void)snprintf(to, sizeof to, "%s/topics/t/0/%s", path, entry->d_name);
            load(from, &f);
            store(to, f.data, f.size);
        }
        (void)snprintf(first, sizeof first, "%.200s", entry->d_name);
    }
    if (d) closedir(d);
    return first[0] && same_answers(path, false);
}

/* topic.json: the generation before is used. */
static bool test_topic_file(enum harm harm) {
    char path[300], victim[400];
    struct log log;
    struct topic t;
    struct err e = {0};
    (void)snprintf(path, sizeof path, "%s", scratch_dir("log"));
    if (!build(path, false, false) || !open_topic(&log, &t, path)) return false;
    struct topic_settings s = t.settings;
    s.retention_size = 1u << 30;
    if (topic_alter(&t, 1, &s, &e) < 0) return wrong("cannot alter: %s", e.text);
    topic_close(&t);
    log_close(&log);
    (void)snprintf(victim, sizeof victim, "%s/topics/t/topic.json", path);
    do_harm(victim, harm);
    return same_answers(path, false) || wrong("topic.json %s", harms[harm]);
}

int main(void) {
    scratch_init();
    machine_install();
    rng_seed(env_number("SEED", 1));
    unsigned times = (unsigned)env_number("LEAT_CRASH_SECONDS", 12);
    test_file("0/tail", 8 * times, "the tail page may be lost, old or noise");
    test_file("0/00000000000000000000.idx", times, "an index may be lost, old or noise");
    test_file("wake", times, "the wake-up page may be lost or noise");
    test_file("0/lock", times, "the lock file may be lost or noise while nobody has it");
    history_release(&truth);
    tap(test_foreign_index(scratch_dir("log")), "an index of another segment is not believed");
    bool good = true;
    static const enum harm bad[] = {HARM_REMOVE, HARM_EMPTY, HARM_ZERO, HARM_NOISE, HARM_SHORT};
    for (int i = 0; i < 5; i++) good = test_topic_file(bad[i]) && good;
    tap(good, "the generation before stands in for a topic file that is lost or bad");
    scratch_remove();
    return tap_done();
}
