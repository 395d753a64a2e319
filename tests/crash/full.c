/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A disk that is really full: a file system of one MiB in memory. Appends fail with words, what was acknowledged stays
 * readable, new pages are not mapped into nothing (SIGBUS), and as soon as there is room it goes on. Needs root.
 */
#include <sys/mount.h>
#include <sys/wait.h>

#include "crash.h"

static char disk[340], filler[360];

static void fill(void) {
    static const char block[4096];
    int fd = open(filler, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    size_t n = sizeof block;
    while (fd >= 0 && n > 0)
        if (write(fd, block, n) < 0) n /= 2;
    if (fd >= 0) close(fd);
}

/* Append until the disk is full. */
static bool fill_by_records(struct partition *p, uint32_t producer, struct history *acked) {
    struct err e = {0};
    struct ack a;
    uint32_t seq = 0;
    for (int i = 0; i < 100000; i++) {
        int g = append_batch(p, producer, &seq, 2, 3, true, &a, &e);
        if (g < 0) return (g == G_IO && e.errnum == ENOSPC) || wrong("not ENOSPC: %s", e.text);
        for (uint32_t k = 0; k < a.count; k++)
            history_put(acked, a.offset + k, &(struct payload_head){producer, a.first_seq + k, 0});
    }
    return wrong("the disk is never full");
}

static bool same_records(const struct history *acked, const struct history *h) {
    if (acked->count > h->count) return wrong("%zu were acknowledged, %zu are there", acked->count, h->count);
    for (size_t i = 0; i < acked->count; i++)
        if (acked->at[i].producer != h->at[i].producer || acked->at[i].seq != h->at[i].seq)
            return wrong("offset %zu is another record", i);
    return true;
}

static bool read_same(struct topic *t, const struct history *acked) {
    struct history h = {0};
    bool good = history_read(&h, t, 0, false) && same_records(acked, &h);
    history_release(&h);
    return good;
}

static bool test_full(void) {
    static const char *const sizes[6] = {"size=1536k", "size=2m", "size=2560k", "size=3m", "size=3584k", "size=4m"};
    struct log log;
    struct topic t, late;
    struct partition p;
    struct history acked = {0};
    struct err e = {0};
    struct topic_settings s = topic_settings_default;
    s.segment_size = 65536;
    if (log_open(&log, disk, true, true, &e) < 0 || topic_create(&log, "t", 3, &s, false, &e) < 0 ||
        topic_create(&log, "late", 1, &s, false, &e) < 0 || topic_open(&t, &log, "t", &e) < 0 ||
        partition_open(&p, &t, 0, PARTITION_APPEND, &e) < 0)
        return wrong("%s", e.text);
    bool good = true;
    for (uint32_t round = 0; good && round < 6; round++) {
        good = fill_by_records(&p, round, &acked) && read_same(&t, &acked);
        fill(); /* to the last byte, so that not one page is left for what is opened now */
        struct partition other;
        int g = topic_open(&late, &log, "late", &e);
        if (g == 0) topic_close(&late);
        g = partition_open(&other, &t, 1 + round % 2, PARTITION_APPEND, &e);
        if (g == 0) partition_close(&other);
        good = good && read_same(&t, &acked);
        if (round % 2) { /* another process, which has to recover on the full disk */
            partition_close(&p);
            struct tail *tail = NULL;
            bool writable;
            int dir = topic_partition_dir(&t, 0, false, &e);
            if (dir < 0 || tail_map(dir, &tail, &writable, &e) < 0) return wrong("%s", e.text);
            atomic_store(&tail->appending, 1);
            tail_unmap(tail);
            close(dir);
        }
        if (unlink(filler) < 0) perror("unlink");
        if (mount("leat-full", disk, "tmpfs", MS_REMOUNT, sizes[round]) < 0) perror("remount");
        if (round % 2 && partition_open(&p, &t, 0, PARTITION_APPEND, &e) < 0) good = wrong("%s", e.text);
    }
    partition_close(&p);
    topic_close(&t);
    log_close(&log);
    printf("# %zu records\n", acked.count);
    good = good && acked.count > 1000;
    history_release(&acked);
    return good;
}

int main(void) {
    static const char name[] = "a full disk: appends fail with words, and go on when there is room";
    scratch_init();
    (void)snprintf(disk, sizeof disk, "%s", scratch_dir("disk"));
    (void)snprintf(filler, sizeof filler, "%s/filler", disk);
    if (mount("leat-full", disk, "tmpfs", 0, "size=1m,mode=700") < 0) {
        tap_skip(name, "a small file system cannot be mounted here");
    } else {
        fflush(stdout);
        pid_t pid = fork(); /* a SIGBUS must not leave the file system behind */
        if (pid == 0) _exit(test_full() ? 0 : 1);
        int status = 1;
        if (waitpid(pid, &status, 0) != pid || status != 0) wrong("the child ended with %x", (unsigned)status);
        tap(status == 0, name);
        if (umount(disk) < 0) perror("umount");
    }
    scratch_remove();
    return tap_done();
}
