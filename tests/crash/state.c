/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Snapshots of state: killed at every system call, any call failing, and the power cut at any moment. Afterwards the
 * directory restores to a snapshot, whole: to the last one whose commit returned 0, or to the one behind it, and to the
 * latter for ever if it was ever restored. And the next run goes on.
 */
#include <sys/mman.h>
#include <sys/wait.h>

#include "crash.h"
#include "machine.h"
#include "recorder.h"

#include "state/snapshot.h"

#define COMMITS 5
#define KEYS 40
#define SPACES 3
#define VALUE_STEP 700 /* a whole snapshot has several frames */

/* What the state is after commit n (0: nothing), by rule: a space's keys, each with the number of the commit that
 * wrote it, and dropped or removed by others. */
struct model {
    int value[SPACES][KEYS]; /* -1: no value */
};

static const bool force_whole[COMMITS + 1] = {[4] = true};

static void model_init(struct model *m) {
    memset(m, 0xff, sizeof *m);
}

/* One step of the state's life, told to a snapshot, too, if there is one. */
static int model_step(struct model *m, int n, struct snapshot *s, bool whole, struct err *e) {
    int g = 0;
    int dropped = n % SPACES;
    for (int k = 0; k < KEYS; k++) m->value[dropped][k] = -1;
    if (s && !whole) g = snapshot_drop(s, dropped, e);
    for (int i = 0; i < SPACES; i++)
        for (int k = 0; k < KEYS; k++) {
            int turn = (i * 31 + k * 7 + n * 5) % 4;
            bool change = i != dropped && turn < 2;
            if (change) m->value[i][k] = turn == 0 ? n : -1;
            if (!s || g < 0 || !(whole || change)) continue;
            char key[16], value[KEYS * VALUE_STEP];
            int key_size = snprintf(key, sizeof key, "key%d", k);
            memset(value, m->value[i][k], sizeof value);
            size_t value_size = (size_t)(k * VALUE_STEP);
            if (m->value[i][k] >= 0)
                g = snapshot_put(s, i, key, (size_t)key_size, value, value_size, e);
            else if (!whole)
                g = snapshot_remove(s, i, key, (size_t)key_size, e);
        }
    return g;
}

/* ---- what is restored ---- */

static bool key_of(int64_t space, const char *key, size_t n, int *ret) {
    char text[16] = {0};
    if (space < 0 || space >= SPACES || n < 4 || n > 5 || memcmp(key, "key", 3) != 0) return false;
    memcpy(text, key + 3, n - 3);
    *ret = (int)strtol(text, NULL, 10);
    return *ret < KEYS;
}

static int got_put(void *ctx, int64_t space, const char *key, size_t key_size, const char *value, size_t value_size,
                   struct err *e) {
    struct model *m = ctx;
    int k;
    if (!key_of(space, key, key_size, &k)) return err_set(e, G_BUG, "a key that was never put");
    if (value_size != (size_t)k * VALUE_STEP) return err_set(e, G_BUG, "a value of another size");
    for (size_t i = 1; i < value_size; i++)
        if (value[i] != value[0]) return err_set(e, G_BUG, "a torn value");
    m->value[space][k] = value_size ? value[0] : 0;
    return 0;
}

static int got_remove(void *ctx, int64_t space, const char *key, size_t key_size, struct err *e) {
    struct model *m = ctx;
    int k;
    if (!key_of(space, key, key_size, &k)) return err_set(e, G_BUG, "a key that was never put");
    m->value[space][k] = -1;
    return 0;
}

static int got_drop(void *ctx, int64_t space, struct err *e) {
    struct model *m = ctx;
    if (space < 0 || space >= SPACES) return err_set(e, G_BUG, "a space that never was");
    for (int k = 0; k < KEYS; k++) m->value[space][k] = -1;
    return 0;
}

static bool is_model(const struct model *got, int n) {
    struct model want;
    model_init(&want);
    for (int i = 1; i <= n; i++)
        if (model_step(&want, i, NULL, false, NULL) < 0) abort();
    for (int i = 0; i < SPACES; i++)
        for (int k = 0; k < KEYS; k++) {
            bool there = want.value[i][k] >= 0;
            if (there != (got->value[i][k] >= 0) || (there && k > 0 && got->value[i][k] != want.value[i][k]))
                return wrong("snapshot %d has %d for key %d of space %d, not %d", n, got->value[i][k], k, i,
                             want.value[i][k]);
        }
    return true;
}

/* 0, and the number of the snapshot that was restored (0: none), and what it holds. */
static int restore(struct snapshot *s, struct model *m, int *ret_n, struct err *e) {
    static const struct snapshot_ops ops = {got_put, got_remove, got_drop};
    json_t *meta = NULL;
    model_init(m);
    int g = snapshot_restore(s, &ops, m, &meta, e);
    if (g == 0) *ret_n = meta ? (int)json_integer_value(json_object_get(meta, "n")) : 0;
    json_decref(meta);
    return g;
}

/* ---- a life: restore, then commit the rest ---- */

struct life {
    int restored; /* -1: not yet */
    int done;     /* the last commit that returned 0; -1 none */
    size_t done_event[COMMITS + 1], restored_event;
};

static int one_commit(struct snapshot *s, struct model *m, int n, struct err *e) {
    bool whole = false;
    json_t *meta = json_pack("{s:i}", "n", n);
    if (!meta) abort();
    int g = snapshot_begin(s, force_whole[n], &whole, e);
    if (g == 0) g = model_step(m, n, s, whole, e);
    if (g == 0) g = snapshot_commit(s, meta, e);
    json_decref(meta);
    return g;
}

static int live(const char *path, struct life *life, struct err *e) {
    struct snapshot *s = NULL;
    struct model m;
    int g = snapshot_open(path, "crash", "test", false, &s, e);
    if (g == 0) g = restore(s, &m, &life->restored, e);
    life->restored_event = rec.count;
    for (int n = life->restored + 1; g == 0 && n <= COMMITS; n++) {
        g = one_commit(s, &m, n, e);
        if (g < 0) break;
        life->done = n;
        life->done_event[n] = rec.count;
    }
    snapshot_close(s);
    return g;
}

/* Restores to snapshot `least` or the one behind it, whole; and another run goes on to the end. */
static bool check(const char *path, int least, int *ret_n) {
    struct snapshot *s = NULL;
    struct model m;
    struct err e = {0};
    struct life life = {.restored = -1, .done = -1};
    int n = -1, g = snapshot_open(path, "crash", "test", false, &s, &e);
    if (g == 0) g = restore(s, &m, &n, &e);
    snapshot_close(s);
    if (g < 0) return wrong("cannot restore: %s: %s", grade_name(g), e.text);
    *ret_n = n;
    if (n < least || n > least + 1) return wrong("snapshot %d, and %d was committed", n, least);
    if (!is_model(&m, n)) return false;
    if (live(path, &life, &e) < 0) return wrong("cannot go on: %s", e.text);
    if (life.restored != n) return wrong("snapshot %d at first, and then %d", n, life.restored);
    g = snapshot_open(path, "crash", "test", false, &s, &e);
    if (g == 0) g = restore(s, &m, &n, &e);
    snapshot_close(s);
    if (g < 0 || n != COMMITS) return wrong("at the end snapshot %d: %s", n, e.text);
    return is_model(&m, n);
}

/* ---- kills and errors ---- */

/* A child lives with a fault at call `at`; it leaves what it was told in shared memory that survives it. */
static struct life *told;

static bool life_with_fault(long at, enum fault fault, int errnum, long span, bool *ret_hit) {
    const char *path = scratch_dir("state");
    *told = (struct life){.restored = -1, .done = 0};
    fflush(stdout);
    pid_t pid = fork();
    if (pid == 0) {
        struct err e = {0};
        machine_arm(at, fault, errnum);
        machine.span = span;
        int g = live(path, told, &e);
        bool good = g == 0 || (machine.was_hit && e.text[0] && e.grade == g && g != G_CORRUPT && g != G_BUG);
        if (!good) wrong("%s: %s", grade_name(g), e.text);
        fflush(stdout);
        _exit(!good ? 1 : machine.was_hit ? 0 : 2);
    }
    int status = 0;
    if (waitpid(pid, &status, 0) != pid) abort();
    bool died = WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
    int code = WIFEXITED(status) ? WEXITSTATUS(status) : 1, n;
    *ret_hit = died || code == 0;
    machine_arm(0, FAULT_NONE, 0);
    bool good = (died || code != 1) && check(path, told->done, &n);
    return good || wrong("call %ld, fault %d, errno %d, status %x", at, fault, errnum, (unsigned)status);
}

static void test_fault(enum fault fault, int errnum, long span, const char *name) {
    bool good = true, hit = true;
    long at = 1, quiet = 0;
    for (; good && quiet < 40; at++) { /* some calls, such as a close, cannot be hit by each fault */
        good = life_with_fault(at, fault, errnum, span, &hit);
        quiet = hit ? 0 : quiet + 1;
    }
    printf("# %ld calls\n", at - 1 - quiet);
    tap(good && at - quiet > 60, name);
}

/* ---- power cuts ---- */

/* A life that is recorded; then the disk after a cut at each event, many times; each of these is lived on, and cut
 * again at one event. */
static bool cut_again(const char *path, int least) {
    char there[340];
    struct life life = {.restored = -1, .done = least};
    struct err e = {0};
    int n;
    rec_begin(path);
    if (live(path, &life, &e) < 0) return wrong("cannot go on: %s", e.text);
    rec.on = false;
    size_t cut = rec.base_count + rng_below(rec.count - rec.base_count + 1);
    int sure = least;
    if (life.restored_event <= cut && life.restored > sure) sure = life.restored;
    for (int i = life.restored + 1; i <= life.done; i++)
        if (life.done_event[i] <= cut) sure = i;
    (void)snprintf(there, sizeof there, "%s", scratch_dir("again"));
    rec_cut(there, cut);
    return check(there, sure, &n) || wrong("second cut at %zu of %zu", cut, rec.count);
}

static bool cuts_of_one_life(uint64_t seed, long *total) {
    char there[340], copy[340];
    struct life life = {.restored = -1, .done = 0};
    struct err e = {0};
    rec_forget();
    rng_seed(seed);
    const char *path = scratch_dir("disk");
    rec_begin(path);
    if (live(path, &life, &e) < 0) return wrong("cannot live: %s", e.text);
    rec.on = false;
    size_t count = rec.count;
    for (size_t cut = rec.base_count; cut <= count; cut++) {
        int sure = 0, n;
        for (int i = 1; i <= life.done; i++)
            if (life.done_event[i] <= cut) sure = i;
        (void)snprintf(there, sizeof there, "%s", scratch_dir("cut"));
        rec_cut(there, cut);
        ++*total;
        if (!check(there, sure, &n)) return wrong("cut in front of event %zu of %zu", cut, count);
    }
    size_t cut = rng_below(count + 1);
    int sure = 0;
    for (int i = 1; i <= life.done; i++)
        if (life.done_event[i] <= cut) sure = i;
    (void)snprintf(copy, sizeof copy, "%s", scratch_dir("disk2"));
    rec_cut(copy, cut);
    ++*total;
    return cut_again(copy, sure) || wrong("first cut in front of event %zu of %zu", cut, count);
}

static void test_cuts(void) {
    uint64_t seed = env_number("SEED", 1), first = seed;
    double until = seconds_now() + (double)env_number("LEAT_CRASH_SECONDS", 8);
    long total = 0, failed = 0;
    do {
        if (!cuts_of_one_life(seed, &total)) {
            wrong("SEED=%" PRIu64, seed);
            failed++;
        }
        seed++;
    } while (failed < 3 && seconds_now() < until);
    printf("# %ld cuts, seeds %" PRIu64 " to %" PRIu64 "\n", total, first, seed - 1);
    tap(failed == 0 && total > 100, "a power cut leaves the last snapshot or the one behind it, whole");
}

int main(void) {
    struct sys_ops plain = sys;
    scratch_init();
    told = mmap(NULL, sizeof *told, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (told == MAP_FAILED) return 1;
    machine_install();
    test_fault(FAULT_KILL_BEFORE, 0, 1, "a kill before every system call leaves a whole snapshot");
    test_fault(FAULT_KILL_AFTER, 0, 1, "a kill after every system call leaves a whole snapshot");
    test_fault(FAULT_KILL_HALF, 0, 1, "a kill in the middle of every write leaves a whole snapshot");
    test_fault(FAULT_ERRNO, EIO, 1, "EIO at every call leaves a whole snapshot");
    test_fault(FAULT_ERRNO, ENOSPC, 3, "ENOSPC at every three calls leaves a whole snapshot");
    test_fault(FAULT_ERRNO, EINTR, 1, "EINTR at every call leaves a whole snapshot");
    test_fault(FAULT_HALF_ERRNO, ENOSPC, 1, "half a write, then ENOSPC, leaves a whole snapshot");
    test_fault(FAULT_DONE_ERRNO, EIO, 1, "EIO from a rename or unlink that was done leaves a whole snapshot");
    sys = plain;
    rec_install();
    test_cuts();
    rec_forget();
    free(rec.events);
    scratch_remove();
    return tap_done();
}
