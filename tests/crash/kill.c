/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kill -9 at every system call: a child creates a topic, appends to two partitions with rolls, alters, and deletes
 * another topic; it is killed before, after and in the middle of each call in turn. What it was told to be durable must
 * be there afterwards, nothing torn may be seen, and appending goes on. Then the same for the recovery itself.
 */
#include <sys/wait.h>

#include "crash.h"
#include "machine.h"

#define ROUNDS 10
#define ACK_TOPIC UINT32_MAX /* an ack that tells of the topic's creation */

static int ack_pipe[2];

static void tell(const struct ack *a) {
    if (write(ack_pipe[1], a, sizeof *a) != (ssize_t)sizeof *a) _exit(97);
}

static void check(int g, const struct err *e) {
    if (g >= 0) return;
    fprintf(stderr, "%s: %s\n", grade_name(g), e->text);
    _exit(96);
}

/* The life of the child. Everything it does is the same each time. */
static void workload(const char *path) {
    struct log log;
    struct topic t, other;
    struct partition p[2];
    struct err e = {0};
    struct topic_settings s = topic_settings_default;
    struct ack a = {.partition = ACK_TOPIC};
    uint32_t seq[2] = {0, 0};
    s.segment_size = 4096;
    check(log_open(&log, path, true, true, &e), &e);
    check(topic_create(&log, "t", 2, &s, true, &e), &e);
    tell(&a);
    check(topic_open(&t, &log, "t", &e), &e);
    for (uint32_t i = 0; i < 2; i++) check(partition_open(&p[i], &t, i, PARTITION_APPEND, &e), &e);
    for (int round = 0; round < ROUNDS; round++) {
        uint32_t i = (uint32_t)round % 3 == 2 ? 1 : 0;
        check(append_batch(&p[i], i, &seq[i], 1 + (size_t)round % 3, 2, true, &a, &e), &e);
        tell(&a);
    }
    s.retention_age = 1000;
    check(topic_alter(&t, 3, &s, &e), &e);
    check(topic_create(&log, "gone", 1, &s, true, &e), &e);
    check(topic_open(&other, &log, "gone", &e), &e);
    check(topic_delete(&other, &e), &e);
    topic_close(&other);
    for (int i = 0; i < 2; i++) partition_close(&p[i]);
    topic_close(&t);
    log_close(&log);
}

/* Someone else opens both partitions and appends: this is what recovers. */
static void recovery(const char *path) {
    struct log log;
    struct topic t;
    struct partition p;
    struct err e = {0};
    struct ack a;
    if (log_open(&log, path, true, true, &e) < 0) _exit(95);
    int g = topic_open(&t, &log, "t", &e);
    if (g == G_ABSENT) _exit(0);
    check(g, &e);
    for (uint32_t i = 0; i < 2; i++) {
        uint32_t seq = 0;
        check(partition_open(&p, &t, i, PARTITION_APPEND, &e), &e);
        check(append_batch(&p, 10 + i, &seq, 2, 2, true, &a, &e), &e);
        tell(&a);
        partition_close(&p);
    }
    topic_close(&t);
    log_close(&log);
}

/* True when the child came to its end alive. */
static bool run_child(void (*life)(const char *), const char *path, long at, enum fault fault, uint64_t boot,
                      bool *ret_good) {
    fflush(stdout);
    pid_t pid = fork();
    if (pid == 0) {
        machine.boot_id = boot;
        machine_arm(at, fault, 0);
        life(path);
        _exit(machine.was_hit && fault == FAULT_KILL_HALF ? 0 : machine.was_hit ? 94 : 0);
    }
    int status = 0;
    if (waitpid(pid, &status, 0) != pid) abort();
    bool died = WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
    *ret_good = died || (WIFEXITED(status) && WEXITSTATUS(status) == 0);
    if (!*ret_good) wrong("the child ended with status %x", (unsigned)status);
    return !died;
}

static size_t read_acks(struct ack *acks, size_t max) {
    size_t n = 0;
    while (n < max && read(ack_pipe[0], &acks[n], sizeof *acks) == (ssize_t)sizeof *acks) n++;
    return n;
}

/* Everything that was told holds in what is read; then append, and it still does. */
static bool verify_partition(struct topic *t, uint32_t number, const struct ack *acks, size_t n, bool want_seen) {
    struct history before = {0}, after = {0};
    struct partition p;
    struct err e = {0};
    struct ack a;
    uint32_t seq = 0;
    bool good = history_read(&before, t, number, false);
    for (size_t i = 0; good && want_seen && i < n; i++)
        if (acks[i].partition == number) good = ack_holds(&acks[i], &before);
    if (good && partition_open(&p, t, number, PARTITION_APPEND, &e) < 0) good = wrong("cannot recover: %s", e.text);
    for (int k = 0; good && k < 3; k++)
        if (append_batch(&p, 20, &seq, 2, 2, true, &a, &e) < 0) good = wrong("cannot append: %s", e.text);
    if (good || p.topic) partition_close(&p);
    good =
        good && history_read(&after, t, number, false) && history_is_prefix(&before, &after) && ack_holds(&a, &after);
    for (size_t i = 0; good && i < n; i++)
        if (acks[i].partition == number) good = ack_holds(&acks[i], &after);
    history_release(&before);
    history_release(&after);
    return good;
}

static bool verify(const char *path, const struct ack *acks, size_t n) {
    struct log log;
    struct topic t;
    struct err e = {0};
    machine_arm(0, FAULT_NONE, 0);
    if (log_open(&log, path, true, true, &e) < 0) return wrong("cannot open the log: %s", e.text);
    int g = topic_open(&t, &log, "t", &e);
    bool good = true;
    if (g == G_ABSENT && n == 0) {
        log_close(&log);
        return true;
    }
    if (g < 0) {
        good = wrong("cannot open the topic: %s", e.text);
    } else {
        for (uint32_t i = 0; good && i < 2; i++) good = verify_partition(&t, i, acks, n, true);
        topic_close(&t);
    }
    if (good && topic_open(&t, &log, "gone", &e) == 0) { /* half deleted: it can be deleted whole */
        good = topic_delete(&t, &e) == 0 || wrong("cannot delete: %s", e.text);
        topic_close(&t);
    }
    log_close(&log);
    return good;
}

static bool kill_at(long at, enum fault fault, bool *ret_finished) {
    struct ack acks[64];
    bool good;
    machine.boot_id = 0;
    const char *path = scratch_dir("log");
    *ret_finished = run_child(workload, path, at, fault, 0, &good);
    size_t n = read_acks(acks, 64);
    good = good && verify(path, acks, n);
    return good || wrong("killed at call %ld, %s", at,
                         fault == FAULT_KILL_BEFORE  ? "before"
                         : fault == FAULT_KILL_AFTER ? "after"
                                                     : "half written");
}

static long test_kills(void) {
    long at = 1, last = 0;
    bool good = true, finished = false;
    static const enum fault faults[] = {FAULT_KILL_BEFORE, FAULT_KILL_AFTER, FAULT_KILL_HALF};
    for (; !finished && good; at++) {
        for (int i = 0; good && i < 3; i++) {
            bool done;
            good = kill_at(at, faults[i], &done);
            if (i == 0) finished = done;
        }
        last = at;
    }
    printf("# %ld calls\n", last - 1);
    tap(good && last > 100, "what was acknowledged survives a kill at every system call");
    return last - 1;
}

/* Kill the workload at `first`, then its recovery at every call; with another boot in between if asked to. */
static bool kill_recovery(long first, enum fault fault, bool reboot, long *runs) {
    bool good = true, finished = false;
    static const enum fault faults[] = {FAULT_KILL_BEFORE, FAULT_KILL_AFTER, FAULT_KILL_HALF};
    for (long at = 1; good && !finished; at++) {
        struct ack acks[64];
        enum fault second = faults[at % 3];
        uint64_t boot = reboot ? 77 : 0;
        machine.boot_id = 0;
        const char *path = scratch_dir("log");
        run_child(workload, path, first, fault, 0, &good);
        bool done = false;
        if (good) done = run_child(recovery, path, at, second, boot, &good);
        if (second != FAULT_KILL_HALF) finished = done;
        machine.boot_id = boot;
        size_t n = read_acks(acks, 64);
        good = good && verify(path, acks, n);
        if (!good)
            wrong("killed at call %ld (%d), recovery at call %ld (%d), reboot %d", first, fault, at, second, reboot);
        ++*runs;
    }
    return good;
}

int main(void) {
    scratch_init();
    machine_install();
    if (pipe(ack_pipe) < 0 || fcntl(ack_pipe[0], F_SETFL, O_NONBLOCK) < 0) return 1;
    long calls = test_kills(), runs = 0, stride = (long)env_number("LEAT_CRASH_STRIDE", 9);
    bool good = true;
    for (long at = 1; good && at <= calls; at += stride) {
        good = kill_recovery(at, at % 2 ? FAULT_KILL_AFTER : FAULT_KILL_HALF, false, &runs);
        good = good && kill_recovery(at, at % 2 ? FAULT_KILL_HALF : FAULT_KILL_AFTER, true, &runs);
    }
    printf("# %ld recoveries\n", runs);
    tap(good, "a recovery that is killed at any call is recovered from");
    machine.boot_id = 0;
    machine_arm(0, FAULT_NONE, 0);
    scratch_remove();
    return tap_done();
}
