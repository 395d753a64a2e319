/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What people do to a log that is in use: stop a process that holds a lock, remove or replace the lock file, delete the
 * topic, create one topic twice at once, alter it twice at once.
 */
#include <signal.h>
#include <sys/wait.h>

#include "crash.h"
#include "machine.h"

static char path[340];

struct opened {
    struct log log;
    struct topic t;
    struct partition p;
};

static bool begin(struct opened *o, bool create) {
    struct err e = {0};
    struct topic_settings s = topic_settings_default;
    s.segment_size = 1 << 20;
    if (create) (void)snprintf(path, sizeof path, "%s", scratch_dir("log"));
    if (create && (log_open(&o->log, path, true, true, &e) < 0 || topic_create(&o->log, "t", 1, &s, false, &e) < 0))
        return wrong("%s", e.text);
    if (create) log_close(&o->log);
    if (!open_topic(&o->log, &o->t, path)) return false;
    if (partition_open(&o->p, &o->t, 0, PARTITION_APPEND, &e) < 0) return wrong("%s", e.text);
    o->p.lock_timeout_ns = INT64_C(300000000);
    return true;
}

static void done(struct opened *o) {
    partition_close(&o->p);
    topic_close(&o->t);
    log_close(&o->log);
}

static bool append(struct opened *o, uint32_t producer, uint32_t *seq, struct err *e) {
    struct ack a;
    *e = (struct err){0};
    return append_batch(&o->p, producer, seq, 1, 2, true, &a, e) == 0;
}

static bool readable(const struct opened *o, size_t want) {
    struct history h = {0};
    struct topic t;
    struct err e = {0};
    if (topic_open(&t, &o->log, "t", &e) < 0) return wrong("%s", e.text);
    bool good = history_read(&h, &t, 0, false);
    if (good && h.count != want) good = wrong("%zu records, not %zu", h.count, want);
    history_release(&h);
    topic_close(&t);
    return good;
}

/* ---- a holder that is stopped ---- */

static int stop_inside(int fd) {
    (void)fd;
    raise(SIGSTOP);
    return 0;
}

static ssize_t stop_in_write(int fd, const struct iovec *v, int n, off_t at) {
    raise(SIGSTOP);
    return pwritev(fd, v, n, at);
}

static pid_t stopped_child(bool in_sync) {
    fflush(stdout);
    pid_t pid = fork();
    if (pid == 0) {
        struct opened o;
        struct err e;
        uint32_t seq = 0;
        if (!begin(&o, false)) _exit(1);
        if (in_sync)
            sys.fdatasync = stop_inside;
        else
            sys.pwritev = stop_in_write;
        _exit(append(&o, 2, &seq, &e) ? 0 : 1);
    }
    int status;
    if (waitpid(pid, &status, WUNTRACED) != pid || !WIFSTOPPED(status))
        wrong("the child is not stopped: %x", (unsigned)status);
    return pid;
}

static bool test_stopped(bool in_sync, bool kill_it) {
    struct opened o;
    struct err e;
    uint32_t seq = 0;
    char name[40];
    if (!begin(&o, true) || !append(&o, 1, &seq, &e)) return wrong("cannot begin");
    pid_t pid = stopped_child(in_sync);
    (void)snprintf(name, sizeof name, "process %d ", (int)pid);
    double begun = seconds_now();
    bool good = !append(&o, 1, &seq, &e) && e.grade == G_IO && strstr(e.text, "cannot lock") && strstr(e.text, name);
    if (!good) wrong("instead of a time-out with '%s': %s", name, e.text);
    if (seconds_now() - begun > 3) good = wrong("waited for %.1f s", seconds_now() - begun);
    good = readable(&o, 2) && good; /* readers need no lock */
    int status = 0;
    kill(pid, kill_it ? SIGKILL : SIGCONT);
    waitpid(pid, &status, 0);
    if (!kill_it && status != 0) good = wrong("the child ended with %x", (unsigned)status);
    good = good && (append(&o, 1, &seq, &e) || wrong("cannot go on: %s", e.text));
    done(&o);
    /* in the sync: ours was appended before we waited, and theirs before them */
    good = good && begin(&o, false);
    if (good) {
        good = readable(&o, in_sync ? 8 : kill_it ? 4 : 6);
        done(&o);
    }
    return good;
}

/* ---- the lock file ---- */

static bool test_lock_file(bool replace) {
    struct opened o, other;
    struct err e;
    char name[400], aside[400];
    uint32_t seq = 0, theirs = 0;
    if (!begin(&o, true) || !append(&o, 1, &seq, &e)) return wrong("cannot begin");
    (void)snprintf(name, sizeof name, "%s/topics/t/0/lock", path);
    (void)snprintf(aside, sizeof aside, "%s/topics/t/0/lock.old", path);
    if ((replace ? rename(name, aside) : unlink(name)) < 0) return wrong("cannot take the lock file away");
    if (replace) {
        int fd = open(name, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
        if (fd < 0) return wrong("cannot make another lock file");
        close(fd);
    }
    bool good = !append(&o, 1, &seq, &e) && strstr(e.text, "lock file") && strstr(e.text, "removed or replaced");
    if (!good) wrong("with its lock file gone: %s", e.text);
    good = begin(&other, false) && append(&other, 2, &theirs, &e) && good;
    if (append(&o, 1, &seq, &e)) good = wrong("two holders of one lock");
    done(&o);
    good = good && append(&other, 2, &theirs, &e) && readable(&other, 6);
    done(&other);
    return good;
}

/* ---- deletion ---- */

static bool test_delete(void) {
    struct opened o, other;
    struct cursor c;
    struct cursor_block b;
    struct err e;
    uint32_t seq = 0;
    struct topic_settings s = topic_settings_default;
    if (!begin(&o, true) || !append(&o, 1, &seq, &e) || !begin(&other, false)) return wrong("cannot begin");
    if (cursor_open(&c, &o.t, 0, false, &e) < 0) return wrong("%s", e.text);
    bool good = topic_delete(&other.t, &e) == 0 || wrong("cannot delete: %s", e.text);
    if (append(&o, 1, &seq, &e) || e.grade != G_ABSENT || !strstr(e.text, "was deleted"))
        good = wrong("an append to a deleted topic: %s", e.text);
    int g = cursor_next(&c, &b, &e);
    if (g != G_ABSENT || !strstr(e.text, "was deleted")) good = wrong("reading a deleted topic: %d, %s", g, e.text);
    cursor_close(&c);
    if (topic_create(&o.log, "t", 1, &s, false, &e) < 0) good = wrong("cannot create it again: %s", e.text);
    /* a deletion of the old one must not meet the new one */
    if (topic_delete(&other.t, &e) != G_ABSENT) good = wrong("deleted twice");
    if (append(&o, 1, &seq, &e)) good = wrong("an old handle appends to a new topic");
    done(&o);
    done(&other);
    good = good && begin(&o, false);
    seq = 0;
    if (good) {
        good = append(&o, 1, &seq, &e) && readable(&o, 2);
        done(&o);
    }
    return good;
}

/* ---- two at once ---- */

static bool test_create(void) {
    struct log log;
    struct err e = {0};
    bool good = true;
    for (int round = 0; good && round < 60; round++) {
        const char *dir = scratch_dir("log");
        int made[2] = {0, 0};
        pid_t pids[2];
        fflush(stdout);
        for (int i = 0; i < 2; i++) {
            pids[i] = fork();
            if (pids[i] != 0) continue;
            int g = log_open(&log, dir, true, true, &e);
            if (g == 0) g = topic_create(&log, "t", 3, &topic_settings_default, false, &e);
            _exit(g == 0 ? 0 : g == G_USAGE ? 1 : 2);
        }
        for (int i = 0; i < 2; i++) {
            int status;
            waitpid(pids[i], &status, 0);
            made[i] = WIFEXITED(status) ? WEXITSTATUS(status) : 3;
        }
        struct topic t;
        good = made[0] + made[1] == 1 || wrong("two creators ended with %d and %d", made[0], made[1]);
        if (good && !open_topic(&log, &t, dir)) return false;
        if (good && t.partitions != 3) good = wrong("%u partitions", t.partitions);
        if (good) {
            topic_close(&t);
            log_close(&log);
        }
    }
    return good;
}

static bool test_alter(void) {
    struct opened a, b;
    struct err e;
    if (!begin(&a, true) || !begin(&b, false)) return wrong("cannot begin");
    struct topic_settings s = a.t.settings;
    s.retention_age = 5;
    bool good = topic_alter(&a.t, 4, &s, &e) == 0 || wrong("%s", e.text);
    s = b.t.settings;
    s.retention_size = 1 << 20; /* b knows nothing of a's change: it would take three partitions away */
    if (topic_alter(&b.t, 1, &s, &e) != G_IO || !strstr(e.text, "altered by somebody else"))
        good = wrong("a change was undone: %s", e.text);
    done(&b);
    good = good && begin(&b, false);
    if (good && (b.t.partitions != 4 || b.t.settings.retention_age != 5)) good = wrong("the change is not there");
    done(&a);
    done(&b);
    return good;
}

int main(void) {
    scratch_init();
    tap(test_stopped(false, false), "a holder of the append lock that is stopped is named, and goes on later");
    tap(test_stopped(false, true), "the append lock of a holder that is killed is free");
    tap(test_stopped(true, false), "a holder of the sync lock that is stopped is named, and goes on later");
    tap(test_stopped(true, true), "the sync lock of a holder that is killed is free");
    tap(test_lock_file(false), "a lock file that was removed locks nothing");
    tap(test_lock_file(true), "a lock file that was replaced locks nothing");
    tap(test_delete(), "a topic that is deleted while in use says so, and its successor is not touched");
    tap(test_create(), "of two who create a topic at once one succeeds");
    tap(test_alter(), "a change of settings never undoes another one");
    scratch_remove();
    return tap_done();
}
