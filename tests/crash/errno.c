/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every errno at every system call. The operation fails with a message or succeeds; what was acknowledged stays; what
 * an append that failed wanted to write is never seen; a sync that failed is not repeated, its segment is left, and
 * another process goes on in a new one at the durable end, with a higher epoch.
 */
#include <sys/wait.h>

#include "crash.h"
#include "machine.h"

#define ROUNDS 9
#define SEQ_MAX 4096

static struct {
    struct ack acks[4 * ROUNDS];
    size_t count;
    bool refused[2][SEQ_MAX]; /* an append with this number returned an error */
    bool voided[2][SEQ_MAX];  /* appended, and then its sync failed for good */
    uint64_t durable;         /* end of what was acknowledged in the partition whose sync failed */
    uint32_t failed_partition, failed_epoch;
} told;

static bool has_text(const struct err *e, int g) {
    if (g >= 0) return true;
    if (e->text[0] && e->grade == g) return true;
    return wrong("a failure without words: %s, '%s'", grade_name(g), e->text);
}

/* One batch; an error is noted and life goes on. */
static bool append_once(struct partition *p, uint32_t *seq) {
    struct err e = {0};
    struct ack a;
    uint32_t first = *seq;
    bool before = machine.was_hit && machine.sync_of_file;
    int g = append_batch(p, p->number, seq, 2, 3, true, &a, &e);
    if (!has_text(&e, g)) return false;
    if (g == 0) {
        told.acks[told.count++] = a;
        return true;
    }
    bool appended = *seq != first, sync_failed = machine.sync_of_file && !before;
    for (uint32_t i = 0; i < 6; i++) (appended ? told.voided : told.refused)[p->number][first + i] = true;
    if (appended && !p->stop) /* not a failed sync: it may be asked for again */
        for (uint32_t i = 0; i < 6; i++) told.voided[p->number][first + i] = false;
    if (sync_failed && p->stop) {
        told.failed_partition = p->number;
        told.failed_epoch = p->epoch;
    }
    *seq = first + 6;
    return true;
}

static bool open_both(const char *path, struct log *log, struct topic *t, struct partition p[2]) {
    struct topic_settings s = topic_settings_default;
    struct err e = {0};
    s.segment_size = 4096;
    int g = log_open(log, path, true, true, &e);
    if (g < 0) return !has_text(&e, g);
    g = topic_create(log, "t", 2, &s, true, &e);
    if (g >= 0) g = topic_open(t, log, "t", &e);
    if (g < 0) {
        log_close(log);
        return !has_text(&e, g);
    }
    for (uint32_t i = 0; g == 0 && i < 2; i++) {
        g = partition_open(&p[i], t, i, PARTITION_APPEND, &e);
        if (g < 0 && i == 1) partition_close(&p[0]);
    }
    if (g == 0) return true;
    topic_close(t);
    log_close(log);
    return !has_text(&e, g);
}

/* Errors at the opening are met by opening again, as a user would; more than one in a row would be ours. */
static bool workload(const char *path) {
    struct log log;
    struct topic t;
    struct partition p[2];
    struct err e = {0};
    uint32_t seq[2] = {0, 0};
    bool open = false;
    for (int i = 0; i < 6 && !open; i++) open = open_both(path, &log, &t, p);
    if (!open) return wrong("cannot be opened at all");
    bool good = true;
    for (int round = 0; good && round < ROUNDS; round++) good = append_once(&p[round % 3 == 2], &seq[round % 3 == 2]);
    struct topic_settings s = t.settings;
    s.retention_age = 1000;
    int g = topic_alter(&t, 3, &s, &e);
    good = good && has_text(&e, g);
    struct history h = {0};
    struct cursor c; /* reading fails cleanly, too */
    g = cursor_open(&c, &t, 0, false, &e);
    good = good && has_text(&e, g);
    struct cursor_block b;
    if (g == 0) {
        while ((g = cursor_next(&c, &b, &e)) == 0) {
        }
        good = good && has_text(&e, g);
        if (g == G_CORRUPT) good = wrong("reading finds damage: %s", e.text);
        cursor_close(&c);
    }
    history_release(&h);
    for (int i = 0; i < 2; i++) partition_close(&p[i]);
    topic_close(&t);
    log_close(&log);
    return good;
}

static bool check_seen(const struct history *h, uint32_t number) {
    for (size_t i = 0; i < h->count; i++) {
        const struct payload_head *r = &h->at[i];
        if (r->producer != number) continue;
        if (told.refused[number][r->seq])
            return wrong("record %u of an append that failed is at offset %zu", r->seq, i);
        if (told.voided[number][r->seq]) return wrong("record %u, whose sync failed, is at offset %zu", r->seq, i);
    }
    for (size_t i = 0; i < told.count; i++)
        if (told.acks[i].partition == number && !ack_holds(&told.acks[i], h)) return false;
    return true;
}

static bool verify_partition(struct topic *t, uint32_t number) {
    struct history h = {0};
    struct partition p;
    struct err e = {0};
    struct ack a;
    uint32_t seq = 0;
    bool good = history_read(&h, t, number, false) && check_seen(&h, number);
    history_release(&h);
    if (!good) return false;
    if (partition_open(&p, t, number, PARTITION_APPEND, &e) < 0) return wrong("cannot go on: %s", e.text);
    for (int k = 0; good && k < 4; k++)
        if (append_batch(&p, 20, &seq, 1, 2, true, &a, &e) < 0) good = wrong("cannot append: %s", e.text);
    if (good && told.failed_epoch && told.failed_partition == number && p.epoch <= told.failed_epoch)
        good = wrong("the epoch is %u after a failed sync in epoch %u", p.epoch, told.failed_epoch);
    partition_close(&p);
    good = good && history_read(&h, t, number, false) && check_seen(&h, number) && ack_holds(&a, &h);
    history_release(&h);
    return good;
}

static bool run_case(const char *path) {
    struct log log;
    struct topic t;
    bool good = workload(path);
    bool repeated = machine.sync_repeated, hit = machine.was_hit;
    ino_t failed = machine.failed_sync;
    machine.at = 0;
    if (good && !open_topic(&log, &t, path)) return told.count == 0 && hit ? true : false;
    for (uint32_t i = 0; good && i < 2; i++) good = verify_partition(&t, i);
    if (good && (repeated || (failed && machine.sync_repeated))) good = wrong("a failed sync was repeated");
    return good;
}

/* 0: good; 1: a finding; 2: call number `at` was never reached. */
static int fork_case(long at, enum fault fault, int errnum, long span) {
    fflush(stdout);
    const char *path = scratch_dir("log");
    pid_t pid = fork();
    if (pid == 0) {
        machine_arm(at, fault, errnum);
        machine.span = span;
        bool good = run_case(path);
        fflush(stdout);
        _exit(!good ? 1 : machine.was_hit || fault == FAULT_HALF_ERRNO ? 0 : 2);
    }
    int status = 0;
    if (waitpid(pid, &status, 0) != pid) abort();
    int code = WIFEXITED(status) ? WEXITSTATUS(status) : 1;
    if (code == 1)
        wrong("call %ld, fault %d, errno %d (%s), status %x", at, fault, errnum, strerror(errnum), (unsigned)status);
    return code;
}

static void test_errno(int errnum, enum fault fault, long span, const char *name) {
    int code = 0, failed = 0;
    long at = 1;
    for (; code != 2 && failed < 5 && at < 5000; at++) {
        code = fork_case(at, fault, errnum, span);
        if (code == 1) failed++;
        if (fault == FAULT_HALF_ERRNO && at > 420) break;
    }
    printf("# %ld calls\n", at - 2);
    tap(failed == 0 && at > 150, name);
}

int main(void) {
    scratch_init();
    machine_install();
    test_errno(EIO, FAULT_ERRNO, 1, "EIO at every call");
    test_errno(ENOSPC, FAULT_ERRNO, 1, "ENOSPC at every call");
    test_errno(EDQUOT, FAULT_ERRNO, 1, "EDQUOT at every call");
    test_errno(EINTR, FAULT_ERRNO, 1, "EINTR at every call");
    test_errno(EMFILE, FAULT_ERRNO, 1, "EMFILE at every call");
    test_errno(ENOSPC, FAULT_HALF_ERRNO, 1, "half a write, then ENOSPC");
    test_errno(EIO, FAULT_DONE_ERRNO, 1, "EIO from a rename, link, unlink or mkdir that was done");
    test_errno(EIO, FAULT_ERRNO, 2, "EIO from every two calls in a row");
    test_errno(ENOSPC, FAULT_ERRNO, 5, "ENOSPC from every five calls in a row");
    scratch_remove();
    return tap_done();
}
