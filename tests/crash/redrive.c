/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Letters that are sent back by a run that is killed before, after and in the middle of each system call in turn, or
 * whose calls fail: behind the next run, which may be killed as well, each letter is in its place exactly once, and a
 * further run sends nothing. Places are partitions of two topics and a file; letters are in a topic, and in a file.
 */
#include <dirent.h>
#include <sys/wait.h>

#include "crash.h"
#include "log/appender.h"
#include "log/redrive.h"
#include "machine.h"
#include "stream/reader.h"

#define LETTERS 12

static char folder[360], file_to[400], letters_file[400];
static bool from_file;

/* Of a file that is appended to, where pwrite takes no heed of the offset. */
static ssize_t machine_write(int fd, const void *p, size_t n) {
    struct iovec v = {(void *)(uintptr_t)p, n};
    ssize_t half = machine_half(fd, &v, 1, 0);
    if (half) return half;
    MACHINE_CALL(CALL_WRITE, real_sys.write(fd, p, n));
}

static void must(int g, const struct err *e) {
    if (g >= 0) return;
    fprintf(stderr, "%s: %s\n", grade_name(g), e->text);
    _exit(96);
}

static void make_topic(const struct log *log, const char *name, uint32_t partitions) {
    struct err e = {0};
    must(topic_create(log, name, partitions, &topic_settings_default, true, &e), &e);
}

/* Letter n is record n; its value is the number. */
static void put_letters(const struct log *log) {
    struct err e = {0};
    struct sink *sink;
    static const struct block_header like = {.flags = 0};
    must(from_file ? sink_open_file(&sink, letters_file, &e) : sink_open_topic(&sink, log, "dead", &e), &e);
    for (uint32_t i = 0; i < LETTERS; i++) {
        struct record r = {.time = i, .value = (const char *)&i, .value_size = sizeof i, .value_type = VALUE_BYTES};
        must(sink_put(sink, &like, &r, &e), &e);
    }
    must(sink_close(sink, &e), &e);
}

static void build(void) {
    struct log log;
    struct err e = {0};
    (void)snprintf(folder, sizeof folder, "%s", scratch_dir("log"));
    (void)snprintf(file_to, sizeof file_to, "%s/to.leat", folder);
    (void)snprintf(letters_file, sizeof letters_file, "%s/dead.leat", folder);
    must(log_open(&log, folder, true, true, &e), &e);
    make_topic(&log, "a", 2);
    make_topic(&log, "b", 1);
    put_letters(&log);
    log_close(&log);
}

static struct redrive_to place_of(uint32_t letter) {
    if (letter % 4 == 3) return (struct redrive_to){.place = file_to, .is_file = true};
    return (struct redrive_to){.place = letter % 4 == 2 ? "b" : "a", .partition = letter % 2};
}

/* One run over all letters, in batches of four. *ret_sent: those that were not done. */
static int send_all(uint64_t *ret_sent, struct err *e) {
    struct log log;
    struct topic t = {.dir = -1};
    struct redrive *r = NULL;
    *ret_sent = 0;
    int g = log_open(&log, folder, false, true, e);
    if (g < 0) return g;
    if (!from_file) g = topic_open(&t, &log, "dead", e);
    const struct redrive_config config = {.log = &log,
                                          .topic = from_file ? NULL : &t,
                                          .file = from_file ? letters_file : NULL,
                                          .write = true,
                                          .batch_bytes = 300};
    if (g == 0) g = redrive_open(&r, &config, e);
    for (uint32_t i = 0; g == 0 && i < LETTERS; i++) {
        const struct record record = {
            .time = i, .value = (const char *)&i, .value_size = sizeof i, .value_type = VALUE_BYTES};
        const struct redrive_to to = place_of(i);
        if (redrive_is_done(r, (struct letter_id){0, i})) continue;
        ++*ret_sent;
        g = redrive_put(r, (struct letter_id){0, i}, &to, &record, e);
    }
    if (g == 0) g = redrive_flush(r, e);
    redrive_free(r);
    topic_close(&t);
    log_close(&log);
    return g;
}

static void count_body(const struct block_header *h, const char *body, uint32_t seen[LETTERS]) {
    struct record_walk w;
    struct record r;
    struct err e;
    record_walk_init(&w, h, body, RECORD_LIMIT_MAX);
    while (record_next(&w, &r, &e) > 0) {
        uint32_t n = LETTERS;
        if (r.value_size == sizeof n) memcpy(&n, r.value, sizeof n);
        if (n < LETTERS) seen[n]++;
    }
}

static void count_partition(const struct log *log, const char *name, uint32_t partition, uint32_t seen[LETTERS]) {
    struct topic t;
    struct cursor c;
    struct cursor_block b;
    struct buf bytes = {0}, raw = {0};
    struct err e = {0};
    const char *body;
    must(topic_open(&t, log, name, &e), &e);
    must(cursor_open(&c, &t, partition, false, &e), &e);
    while (cursor_next(&c, &b, &e) == 0) {
        must(cursor_load(&b, &bytes, &raw, &body, &e), &e);
        count_body(&b.h, body, seen);
    }
    cursor_close(&c);
    buf_release(&bytes);
    buf_release(&raw);
    topic_close(&t);
}

/* False when the file cannot be read to its end. */
static bool count_file(uint32_t seen[LETTERS]) {
    struct inbuf in;
    struct reader reader;
    struct block b = {.position = 0};
    struct err e = {0};
    int g, fd = open(file_to, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return true;
    must(inbuf_init(&in, fd, file_to, &e), &e);
    reader_init(&reader, &in, RECORD_LIMIT_MAX);
    while ((g = reader_next(&reader, &b, &e)) == 0)
        if (b.h.kind == BLOCK_DATA) count_body(&b.h, b.body, seen);
    reader_release(&reader, &b);
    inbuf_release(&in);
    close(fd);
    return g == G_EOF || wrong("the file cannot be read: %s", e.text);
}

static bool is_once(void) {
    uint32_t seen[LETTERS] = {0};
    struct log log;
    struct err e = {0};
    must(log_open(&log, folder, false, true, &e), &e);
    for (uint32_t p = 0; p < 2; p++) count_partition(&log, "a", p, seen);
    count_partition(&log, "b", 0, seen);
    log_close(&log);
    bool good = count_file(seen);
    for (uint32_t i = 0; good && i < LETTERS; i++)
        good = seen[i] == 1 || wrong("letter %u arrived %u times", i, seen[i]);
    return good;
}

/* Nothing of a redrive file that was not published stays. */
static bool is_clean(void) {
    char path[400];
    bool good = true;
    (void)snprintf(path, sizeof path, "%s%s", folder, from_file ? "" : "/topics/dead");
    DIR *d = opendir(path);
    if (!d) abort();
    for (const struct dirent *entry; good && (entry = readdir(d));)
        good = !strstr(entry->d_name, ".tmp") || wrong("'%s' is left", entry->d_name);
    closedir(d);
    return good;
}

/* What is left of a run, or of two, is finished by the next one; and then there is nothing to do. */
static bool verify(void) {
    struct err e = {0};
    uint64_t sent;
    machine_arm(0, FAULT_NONE, 0);
    if (send_all(&sent, &e) < 0) return wrong("the next run fails: %s", e.text);
    if (!is_once()) return false;
    if (send_all(&sent, &e) < 0) return wrong("the run behind it fails: %s", e.text);
    return (sent == 0 || wrong("the run behind it sends %" PRIu64, sent)) && is_once() && is_clean();
}

/* True when the child came to its end without meeting the fault. */
static bool run_child(long at, enum fault fault, int errnum, bool *ret_good) {
    fflush(stdout);
    pid_t pid = fork();
    if (pid == 0) {
        uint64_t sent;
        struct err e = {0};
        machine_arm(at, fault, errnum);
        int g = send_all(&sent, &e);
        _exit(!machine.was_hit ? (g < 0 ? 95 : 2) : g < 0 ? 1 : 0);
    }
    int status = 0;
    if (waitpid(pid, &status, 0) != pid) abort();
    int code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    bool killed = WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
    *ret_good = killed || (code >= 0 && code <= 2) || wrong("the child ended with status %x", (unsigned)status);
    return code == 2;
}

static bool try_all(const enum fault *faults, int errnum, bool twice, long stride, long *ret_calls) {
    bool good = true, finished = false;
    for (*ret_calls = 1 + (long)rng_below((uint64_t)stride); good && !finished; *ret_calls += stride) {
        for (size_t i = 0; good && i < 3; i++) {
            build();
            bool done = run_child(*ret_calls, faults[i], errnum, &good), again;
            if (i == 0) finished = done;
            if (good && twice) run_child(1 + (long)rng_below(120), faults[rng_below(3)], errnum, &again);
            good = good && verify();
            if (!good) wrong("call %ld, fault %d, errno %d", *ret_calls, faults[i], errnum);
        }
    }
    return good && *ret_calls > 100;
}

static void run(const char *what, long kill_stride) {
    long stride = (long)env_number("LEAT_CRASH_STRIDE", 9);
    static const enum fault kills[] = {FAULT_KILL_BEFORE, FAULT_KILL_AFTER, FAULT_KILL_HALF};
    static const enum fault errors[] = {FAULT_ERRNO, FAULT_HALF_ERRNO, FAULT_DONE_ERRNO};
    char name[160];
    long calls;
    bool good = try_all(kills, 0, false, kill_stride, &calls);
    printf("# %ld calls\n", calls);
    (void)snprintf(name, sizeof name, "a run that is killed at any call sends each letter once: %s", what);
    tap(good, name);
    good = try_all(kills, 0, true, stride, &calls);
    (void)snprintf(name, sizeof name, "so do two runs that are killed, one behind the other: %s", what);
    tap(good, name);
    good = try_all(errors, ENOSPC, false, stride, &calls);
    (void)snprintf(name, sizeof name, "a run of which any call fails sends each letter once: %s", what);
    tap(good, name);
}

int main(void) {
    uint64_t seed = env_number("SEED", 1);
    rng_seed(seed);
    scratch_init();
    machine_install();
    sys.write = machine_write;
    run("letters in a topic", 1);
    from_file = true;
    run("letters in a file", 3);
    machine_arm(0, FAULT_NONE, 0);
    scratch_remove();
    printf("# seed %" PRIu64 "\n", seed);
    return tap_done();
}
