/* SPDX-License-Identifier: Apache-2.0 */
/* Retention, trimming, compression and the sweep. See clean.h. */
#include "log/clean.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "log/rewrite.h"
#include "log/workshop.h"
#include "sys/file.h"
#include "sys/lock.h"
#include "sys/sys.h"

#define LEFTOVER_AGE_NS INT64_C(3600000000000)

void cleaner_close(struct cleaner *c) {
    if (!c) return;
    if (c->locked) {
        atomic_store(&c->p.tail->cleaning, 0);
        lock_release(c->p.lock_fd, LOCK_CLEAN);
    }
    c->locked = false;
    free(c->bases);
    c->bases = NULL;
    partition_close(&c->p);
}

static int take_clean_lock(struct cleaner *c, bool wait, struct err *e) {
    int g = wait ? lock_take(c->p.lock_fd, LOCK_CLEAN, c->p.lock_timeout_ns, &c->p.tail->cleaning, c->p.label, e)
                 : lock_try(c->p.lock_fd, LOCK_CLEAN, e);
    if (g != 0) return g;
    c->locked = true;
    atomic_store(&c->p.tail->cleaning, (uint32_t)getpid());
    return 0;
}

/* What follows the active segment of this moment in the listing was begun since, and is left alone. */
static int look_around(struct cleaner *c, struct err *e) {
    uint64_t active = atomic_load(&c->p.tail->segment);
    if (atomic_load(&c->p.tail->state) & TAIL_DELETED)
        return err_set(e, G_ABSENT, "topic '%s' was deleted", c->p.topic->name);
    int g = partition_read_start(c->p.dir, &c->start, e);
    if (g == 0) g = segment_list(c->p.dir, &c->bases, &c->count, e);
    while (g == 0 && c->sealed < c->count && c->bases[c->sealed] < active) c->sealed++;
    return g;
}

int cleaner_open(struct cleaner *c, struct topic *t, uint32_t partition, bool wait, struct err *e) {
    *c = (struct cleaner){0};
    int g = partition_open(&c->p, t, partition, PARTITION_READ, e);
    if (g < 0) return g;
    if (!c->p.writable) g = err_sys(e, EACCES, "cannot clean '%s/%u'", t->name, partition);
    if (g == 0) g = take_clean_lock(c, wait, e);
    if (g == 0) g = look_around(c, e);
    if (g != 0) cleaner_close(c);
    return g;
}

int cleaner_make_durable(struct cleaner *c, uint64_t offset, struct err *e) {
    if (atomic_load(&c->p.tail->synced_offset) >= offset) return 0;
    return partition_sync(&c->p, offset, e);
}

/* ---- what is below the start ---- */

/* A recovery reads the file and stores the word under the append lock; so does this, or it could be undone. */
static int publish_start(struct cleaner *c, struct err *e) {
    if (atomic_load(&c->p.tail->start_offset) == c->start) return 0;
    int g = lock_take(c->p.lock_fd, LOCK_APPEND, c->p.lock_timeout_ns, &c->p.tail->appending, c->p.label, e);
    if (g < 0) return g;
    atomic_store(&c->p.tail->start_offset, c->start);
    lock_release(c->p.lock_fd, LOCK_APPEND);
    topic_wake(c->p.topic);
    return 0;
}

static uint64_t segment_bytes(const struct cleaner *c, size_t i) {
    char name[SEGMENT_NAME_BYTES];
    struct stat st;
    segment_name(name, c->bases[i], ".leat");
    int fd = sys.open_beneath(c->p.dir, name, O_RDONLY, 0);
    if (fd < 0) return 0;
    uint64_t size = sys.fstat(fd, &st) == 0 ? (uint64_t)st.st_size : 0;
    sys.close(fd);
    return size;
}

static int remove_segment(const struct cleaner *c, size_t i, struct err *e) {
    static const char *const suffixes[] = {".idx", ".bad", ".leat"}; /* the last one tells that there was one */
    for (size_t k = 0; k < 3; k++) {
        char name[SEGMENT_NAME_BYTES];
        segment_name(name, c->bases[i], suffixes[k]);
        if (sys.unlinkat(c->p.dir, name, 0) < 0 && errno != ENOENT)
            return err_sys(e, errno, "cannot remove '%s'", name);
    }
    return 0;
}

/* Segments wholly below `start`, also those that a cleaner which died left there. */
static int remove_below(struct cleaner *c, uint64_t start, bool execute, struct maintain_report *r, struct err *e) {
    size_t n = 0;
    int g = 0;
    while (n < c->sealed && c->bases[n + 1] <= start) {
        r->removed_bytes += segment_bytes(c, n);
        r->removed_segments++;
        if (execute) g = remove_segment(c, n, e);
        if (g < 0) return g;
        n++;
    }
    if (!execute || n == 0) return 0;
    memmove(c->bases, c->bases + n, (c->count - n) * sizeof *c->bases);
    c->count -= n;
    c->sealed -= n;
    return 0;
}

/* First the pointer that no longer needs the files, durable, then the files. */
static int advance_start(struct cleaner *c, uint64_t offset, struct maintain_report *r, struct err *e) {
    int g = 0;
    if (offset > c->start) {
        g = partition_write_start(c->p.dir, offset, e);
        if (g < 0) return g;
        c->start = offset;
    }
    g = publish_start(c, e);
    return g < 0 ? g : remove_below(c, c->start, true, r, e);
}

int partition_trim(struct topic *t, uint32_t partition, uint64_t offset, bool execute, struct maintain_report *ret,
                   struct err *e) {
    struct cleaner c;
    *ret = (struct maintain_report){0};
    int g = cleaner_open(&c, t, partition, true, e);
    if (g != 0) return g;
    uint64_t end = atomic_load(&c.p.tail->stable_offset);
    if (offset > end) offset = end;
    if (offset < c.start) offset = c.start;
    if (execute) {
        g = cleaner_make_durable(&c, offset,
                                 e); /* a start beyond the end that a power cut leaves would hide new records */
        if (g == 0) g = advance_start(&c, offset, ret, e);
    } else {
        g = remove_below(&c, offset, false, ret, e);
    }
    ret->start = offset;
    cleaner_close(&c);
    return g;
}

/* ---- retention ---- */

static int read_info_of(const struct cleaner *c, size_t i, struct segment_info *ret, struct err *e) {
    char name[SEGMENT_NAME_BYTES];
    segment_name(name, c->bases[i], ".leat");
    int fd = sys.open_beneath(c->p.dir, name, O_RDONLY, 0);
    if (fd < 0) return err_sys(e, errno, "cannot open segment '%s'", name);
    int g = segment_read_info(fd, &c->p.id, c->bases[i], ret, e);
    sys.close(fd);
    if (g < 0) err_prefix(e, "segment '%s': ", name);
    return g;
}

static int apply_retention(struct cleaner *c, struct maintain_report *r, struct err *e) {
    const struct topic_settings *s = &c->p.topic->settings;
    uint64_t total = 0, start = c->start;
    if (s->retention_size)
        for (size_t i = 0; i < c->count; i++) total += segment_bytes(c, i);
    for (size_t i = 0; i < c->sealed; i++) {
        bool remove = s->retention_size && total > s->retention_size;
        if (!remove && s->retention_age) {
            struct segment_info behind = {0};
            int g = read_info_of(c, i + 1, &behind, e);
            if (g < 0) return g;
            remove = sealed_since(&behind, s->retention_age);
            segment_info_release(&behind);
        }
        if (!remove) break;
        start = c->bases[i + 1];
        if (s->retention_size) total -= segment_bytes(c, i);
    }
    return advance_start(c, start, r, e);
}

/* ---- compression ---- */

/* A segment that was written anew before may be compressed already, or have nothing in it that gets smaller: its first
 * block tells. */
static int wants_compression(const struct sealed *s, bool *ret, struct err *e) {
    struct segment_walk w;
    struct buf packed = {0};
    *ret = !s->info.rewritten;
    if (*ret) return 0;
    segment_walk_init(&w, s->fd, &s->id, &s->info, s->size, s->info.head_bytes, s->info.base);
    w.check_bodies = true;
    int g = segment_walk_next(&w, e);
    if (g == 0) *ret = w.h.codec == CODEC_NONE && block_compress(w.stored, w.h.stored_size, 1, &packed);
    buf_release(&packed);
    segment_walk_release(&w);
    return g < 0 ? g : 0;
}

static int compress_segment(struct cleaner *c, size_t i, struct maintain_report *r, struct err *e) {
    struct sealed s;
    struct rewrite_result done;
    bool wanted = false;
    int g = sealed_open(&s, c->p.dir, &c->p.id, c->bases[i], c->bases[i + 1], e);
    if (g < 0) return g;
    g = wants_compression(&s, &wanted, e);
    if (g == 0 && wanted) {
        g = cleaner_make_durable(c, c->bases[i + 1], e);
        if (g == 0) g = sealed_rewrite(&s, true, NULL, NULL, &done, e);
        if (g == 0) {
            r->compressed_segments++;
            r->rewritten_before += s.size;
            r->rewritten_after += done.bytes;
        }
    }
    sealed_close(&s);
    return g;
}

/* The first damage is kept and told at the end; the other segments are done all the same. */
static int apply_compression(struct cleaner *c, struct maintain_report *r, struct err *e) {
    struct err damage = {0};
    for (size_t i = 0; i < c->sealed; i++) {
        int g = compress_segment(c, i, r, e);
        if (g == G_CORRUPT && !damage.grade) damage = *e;
        if (g < 0 && g != G_CORRUPT) return g;
    }
    if (damage.grade) *e = damage;
    return damage.grade;
}

/* ---- leftovers ---- */

struct sweep {
    int dir;
    bool any_name; /* the workshop of new and deleted topics: everything in it */
    int64_t now;
    uint64_t count;
};

static int sweep_entry(void *ctx, const char *name) {
    struct sweep *s = ctx;
    struct stat st;
    size_t n = strlen(name);
    if (s->any_name && strncmp(name, WORKSHOP_PREFIX, strlen(WORKSHOP_PREFIX)) == 0) {
        if (workshop_sweep(s->dir, name, NULL) == 0) s->count++;
        return 0;
    }
    if (!s->any_name && (n < 4 || strcmp(name + n - 4, ".tmp") != 0)) return 0;
    int fd = sys.open_beneath(s->dir, name, O_RDONLY, 0);
    if (fd < 0) return 0;
    bool known = sys.fstat(fd, &st) == 0;
    sys.close(fd);
    if (!known) return 0;
    int64_t changed = (int64_t)st.st_ctim.tv_sec * 1000000000 + st.st_ctim.tv_nsec;
    if (s->now - changed < LEFTOVER_AGE_NS) return 0;
    int g = S_ISDIR(st.st_mode) ? dir_remove_tree(s->dir, name, NULL) : sys.unlinkat(s->dir, name, 0);
    if (g == 0) s->count++;
    return 0;
}

/* At best: what cannot be removed today is removed another day. */
static void sweep(struct cleaner *c, struct maintain_report *r) {
    struct sweep s = {.dir = c->p.dir, .now = sys.wall_ns()};
    (void)!dir_each(c->p.dir, sweep_entry, &s, NULL);
    s.dir = c->p.topic->dir;
    (void)!dir_each(s.dir, sweep_entry, &s, NULL);
    s.dir = dir_open(c->p.topic->log->root, "tmp", false, NULL);
    s.any_name = true;
    if (s.dir >= 0) {
        (void)!dir_each(s.dir, sweep_entry, &s, NULL);
        sys.close(s.dir);
    }
    r->swept = s.count;
}

static int maintain(struct cleaner *c, unsigned what, struct maintain_report *r, struct err *e) {
    const struct topic_settings *s = &c->p.topic->settings;
    struct err damage = {0};
    int g = 0;
    if (what & MAINTAIN_SWEEP) sweep(c, r);
    if (what & MAINTAIN_RETENTION) g = apply_retention(c, r, e);
    if (g == G_CORRUPT) damage = *e;
    if ((g == 0 || g == G_CORRUPT) && (what & MAINTAIN_COMPACT) && s->compact) {
        g = compact_partition(c, (what & MAINTAIN_FORCE) != 0, r, e);
        if (g == G_CORRUPT && !damage.grade) damage = *e;
    }
    if ((g == 0 || g == G_CORRUPT) && (what & MAINTAIN_COMPRESS) && s->zstd) g = apply_compression(c, r, e);
    if (g == 0 && damage.grade) *e = damage;
    return g < 0 ? g : damage.grade;
}

int partition_maintain(struct topic *t, uint32_t partition, unsigned what, struct maintain_report *ret, struct err *e) {
    struct cleaner c;
    *ret = (struct maintain_report){0};
    int g = cleaner_open(&c, t, partition, (what & MAINTAIN_WAIT) != 0, e);
    ret->busy = g == 1;
    if (g != 0) return g < 0 ? g : 0;
    g = maintain(&c, what, ret, e);
    ret->start = c.start;
    if (g == G_CORRUPT) err_prefix(e, "partition '%s': ", c.p.label);
    cleaner_close(&c);
    return g;
}
