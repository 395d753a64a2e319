/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An import that is killed before, after and in the middle of each system call in turn, or whose calls fail: the topic
 * is there whole or not at all, nothing that is left of it is seen, and the next import removes it. Once with the
 * identity of the archive, and once where that is taken, so that every segment is written anew; each on one processor,
 * where the calls have one order, and with the segments written by a thread of their own. And nothing is published
 * before it is durable.
 */
#include <dirent.h>
#include <sched.h>
#include <sys/wait.h>

#include "crash.h"
#include "log/archive.h"
#include "machine.h"

static char archive[360];
static struct history truth[2];
static bool one_processor;

static int import_as(const struct log *log, const char *name, struct err *e) {
    struct import_report r;
    int fd = open(archive, O_RDONLY | O_CLOEXEC);
    if (fd < 0) abort();
    int g = topic_import(log, &(struct import_request){.fd = fd, .name = archive, .topic = name}, &r, e);
    close(fd);
    return g;
}

/* Two partitions of several segments, and an archive of them. */
static bool build(const char *path) {
    struct log log;
    struct topic t;
    struct partition p;
    struct err e = {0};
    struct ack a;
    struct archive_report r;
    struct topic_settings s = topic_settings_default;
    s.segment_size = 4096;
    if (log_open(&log, path, true, true, &e) < 0 || topic_create(&log, "t", 2, &s, false, &e) < 0 ||
        topic_open(&t, &log, "t", &e) < 0)
        return wrong("cannot build: %s", e.text);
    for (uint32_t number = 0; number < 2; number++) {
        uint32_t seq = 0;
        if (partition_open(&p, &t, number, PARTITION_APPEND, &e) < 0) return wrong("cannot open: %s", e.text);
        for (int i = 0; i < 8; i++)
            if (append_batch(&p, number, &seq, 2, 3, true, &a, &e) < 0) return wrong("cannot append: %s", e.text);
        partition_close(&p);
        if (!history_read(&truth[number], &t, number, false)) return false;
    }
    int fd = open(archive, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    int g = fd < 0
                ? G_IO
                : topic_export(&t, &(struct export_request){.fd = fd, .name = archive, .format = ARCHIVE_TAR}, &r, &e);
    close(fd);
    topic_close(&t);
    log_close(&log);
    return (g == 0 && r.segments > 2) || wrong("cannot export: %s", e.text);
}

static bool is_whole(const struct log *log, const char *name) {
    struct topic t;
    struct err e = {0};
    bool good = topic_open(&t, log, name, &e) == 0 || wrong("topic '%s' cannot be opened: %s", name, e.text);
    for (uint32_t p = 0; good && p < 2; p++) {
        struct history h = {0};
        good = history_read(&h, &t, p, false) && history_is_prefix(&truth[p], &h) &&
               (h.count == truth[p].count || wrong("%zu records instead of %zu", h.count, truth[p].count));
        history_release(&h);
    }
    topic_close(&t);
    return good;
}

static size_t count_entries(const char *path, const char *folder) {
    char name[400];
    size_t n = 0;
    (void)snprintf(name, sizeof name, "%s/%s", path, folder);
    DIR *d = opendir(name);
    if (!d) return 0;
    for (const struct dirent *entry; (entry = readdir(d));) n += entry->d_name[0] != '.';
    closedir(d);
    return n;
}

/* Is there a topic "u", and is it whole; and what comes next makes it, and leaves nothing else. */
static bool verify(const char *path, bool want) {
    struct log log;
    struct topic t;
    struct err e = {0};
    size_t others = count_entries(path, "topics");
    machine_arm(0, FAULT_NONE, 0);
    if (log_open(&log, path, true, true, &e) < 0) return wrong("cannot open the log: %s", e.text);
    bool there = topic_open(&t, &log, "u", &e) == 0;
    topic_close(&t);
    bool good = !there || is_whole(&log, "u");
    if (want && !there) good = wrong("the import succeeded and there is no topic");
    int g = import_as(&log, there ? "v" : "u", &e);
    if (good && g < 0) good = wrong("cannot import afterwards: %s", e.text);
    good = good && is_whole(&log, there ? "v" : "u");
    if (good && count_entries(path, "tmp") != 0) good = wrong("something is left in tmp");
    if (good && count_entries(path, "topics") != others + 1) good = wrong("something is left in topics");
    static const char *const names[] = {"u", "v"};
    for (int i = 0; i < 2; i++)
        if (topic_open(&t, &log, names[i], &e) == 0) {
            if (topic_delete(&t, &e) < 0) good = wrong("cannot delete: %s", e.text);
            topic_close(&t);
        }
    log_close(&log);
    return good;
}

/* The life of a child: 0, or 1 when it was told that the import failed. */
static void live(const char *path, long at, enum fault fault, int errnum) {
    struct log log;
    struct err e = {0};
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(sched_getcpu(), &set);
    if (one_processor && sched_setaffinity(0, sizeof set, &set) < 0) _exit(91);
    if (log_open(&log, path, true, true, &e) < 0) _exit(90);
    machine_arm(at, fault, errnum);
    int g = import_as(&log, "u", &e);
    _exit(!machine.was_hit ? 2 : g < 0 ? 1 : 0);
}

static bool try_one(const char *path, long at, enum fault fault, int errnum, bool *ret_finished) {
    fflush(stdout);
    pid_t pid = fork();
    if (pid == 0) live(path, at, fault, errnum);
    int status = 0;
    if (waitpid(pid, &status, 0) != pid) abort();
    bool killed = WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
    int code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    *ret_finished = code == 2;
    bool good = killed || (code >= 0 && code <= 2) || wrong("the child ended with status %x", (unsigned)status);
    good = good && verify(path, code == 0 || code == 2);
    return good || wrong("call %ld, fault %d, errno %d", at, fault, errnum);
}

/* The faults take turns: what one spares, its neighbours meet at the next call of the same kind. */
static bool try_all(const char *path, const enum fault *faults, int errnum, long *ret_calls) {
    bool good = true, finished = false;
    for (*ret_calls = 0; good && !finished; ++*ret_calls) {
        bool done;
        good = try_one(path, *ret_calls + 1, faults[*ret_calls % 3], errnum, &done);
        finished = done && *ret_calls % 3 == 0;
    }
    return good && *ret_calls > 100;
}

/* ---- what is published is durable ---- */

static ino_t unsynced[64];
static size_t unsynced_count;
static bool published_unsynced;

static void forget(ino_t ino) {
    for (size_t i = 0; i < unsynced_count; i++)
        if (unsynced[i] == ino) unsynced[i--] = unsynced[--unsynced_count];
}

static ssize_t watch_pwrite(int fd, const void *p, size_t n, off_t at) {
    struct stat st;
    MACHINE_ALONE(call);
    if (fstat(fd, &st) < 0 || unsynced_count == sizeof unsynced / sizeof *unsynced) abort();
    forget(st.st_ino);
    if (!machine_name_ends(fd, "/tail")) unsynced[unsynced_count++] = st.st_ino; /* that is for this boot only */
    return machine_pwrite(fd, p, n, at);
}

static int watch_sync(int fd) {
    struct stat st;
    MACHINE_ALONE(call);
    int rc = machine_fdatasync(fd);
    if (rc == 0 && fstat(fd, &st) == 0) forget(st.st_ino);
    return rc;
}

static int watch_renameat(int from_dir, const char *from, int to_dir, const char *to) {
    struct stat st;
    MACHINE_ALONE(call);
    if (fstatat(to_dir, to, &st, AT_SYMLINK_NOFOLLOW) == 0) forget(st.st_ino); /* nobody asks for what is replaced */
    if (strcmp(to, "u") == 0) published_unsynced = unsynced_count > 0;
    return machine_renameat(from_dir, from, to_dir, to);
}

static bool publishes_synced(const char *path) {
    struct log log;
    struct topic t;
    struct err e = {0};
    machine_arm(0, FAULT_NONE, 0);
    if (log_open(&log, path, true, true, &e) < 0) return wrong("cannot open the log: %s", e.text);
    struct sys_ops before = sys;
    sys.pwrite = watch_pwrite;
    sys.fdatasync = sys.fsync = watch_sync;
    sys.renameat = watch_renameat;
    published_unsynced = true;
    int g = import_as(&log, "u", &e);
    sys = before;
    bool good = g == 0 || wrong("cannot import: %s", e.text);
    if (good && topic_open(&t, &log, "u", &e) == 0) {
        good = topic_delete(&t, &e) == 0 || wrong("cannot delete: %s", e.text);
        topic_close(&t);
    }
    log_close(&log);
    return good && (!published_unsynced || wrong("%zu files were not synced", unsynced_count));
}

static void run(const char *path, const char *identity) {
    static const enum fault kills[] = {FAULT_KILL_BEFORE, FAULT_KILL_AFTER, FAULT_KILL_HALF};
    static const enum fault errors[] = {FAULT_ERRNO, FAULT_HALF_ERRNO, FAULT_DONE_ERRNO};
    char name[160];
    long calls;
    for (int threads = 0; threads < 2; threads++) {
        const char *how = threads ? "a thread that writes" : "one processor";
        one_processor = !threads;
        bool good = try_all(path, kills, 0, &calls);
        printf("# %ld calls\n", calls);
        (void)snprintf(name, sizeof name, "an import that is killed at any system call leaves no half topic: %s, %s",
                       identity, how);
        tap(good, name);
        good = try_all(path, errors, ENOSPC, &calls);
        (void)snprintf(name, sizeof name, "an import of which any system call fails leaves no half topic: %s, %s",
                       identity, how);
        tap(good, name);
    }
    (void)snprintf(name, sizeof name, "nothing is published that is not durable: %s", identity);
    tap(publishes_synced(path), name);
}

int main(void) {
    struct log log;
    struct err e = {0};
    scratch_init();
    const char *source = scratch_dir("source");
    (void)snprintf(archive, sizeof archive, "%s.tar", source);
    bool good = build(source);
    machine_install();
    if (good) run(scratch_dir("log"), "its own identity");
    const char *taken = scratch_dir("taken");
    if (good && log_open(&log, taken, true, true, &e) == 0) {
        good = import_as(&log, "t", &e) == 0 || wrong("cannot import: %s", e.text);
        log_close(&log);
        if (good) run(taken, "another identity");
    }
    tap(good, "the topics could be made");
    history_release(&truth[0]);
    history_release(&truth[1]);
    scratch_remove();
    return tap_done();
}
