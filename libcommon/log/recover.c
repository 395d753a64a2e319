/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Recovery of a partition, under its append lock: find where the whole blocks end, cut what is torn behind the durable
 * end, refuse to touch anything in front of it. leat-log(5), section "Recovery".
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/endian.h"
#include "log/index.h"
#include "log/partition.h"
#include "sys/file.h"
#include "sys/lock.h"
#include "sys/sys.h"

#define KEEP_PIECE_BYTES (UINT64_C(64) << 20)

struct recovery {
    struct partition *p;
    bool known;     /* the tail belonged to this partition: its durable end counts */
    bool same_boot; /* and what the page cache holds is what was written */
    bool poisoned;  /* in this boot: what is not synced was never acknowledged */
    bool doubtful;  /* a sync failed, or may have: only what the disk holds counts */
    uint64_t synced;
    uint64_t *bases;
    size_t count;
    /* where the whole blocks end */
    size_t first;    /* index into bases of the first segment that was looked at */
    size_t last;     /* of the one that holds the end */
    uint64_t end_at; /* bytes of that segment */
    uint64_t end_offset;
    uint64_t end_size; /* and what the segment behind will say of it: a rewritten one has its own answer */
    uint32_t end_crc32c;
    int64_t running_max; /* up to the end */
    uint32_t epoch;      /* highest that was seen */
    bool cut;            /* something lies behind the end */
};

bool partition_needs_recovery(const struct partition *p) {
    const struct tail *t = p->tail;
    if (!tail_valid(t, p->id.topic_id, p->number) || atomic_load(&t->boot) != sys_boot_id()) return true;
    if (atomic_load(&t->appending) != 0 || atomic_load(&t->state) & TAIL_POISONED) return true;
    return false;
}

static int open_segment(const struct recovery *r, uint64_t base, struct err *e) {
    char name[SEGMENT_NAME_BYTES];
    segment_name(name, base, ".leat");
    int fd = sys.open_beneath(r->p->dir, name, O_RDWR, 0);
    return fd < 0 ? err_sys(e, errno, "cannot open segment '%s'", name) : fd;
}

static int damage(const struct recovery *r, uint64_t offset, const char *why, struct err *e) {
    char where[64] = "in front of whole blocks";
    if (r->known) (void)snprintf(where, sizeof where, "below the durable end %" PRIu64, r->synced);
    return err_set(e, G_CORRUPT,
                   "damage at offset %" PRIu64 ", %s: %s; nothing was changed; 'leat topic verify' shows it, "
                   "'leat topic repair' mends it",
                   offset, where, why);
}

/* Is there a whole block of this partition somewhere behind `at`? Then this is not a torn tail. */
static bool whole_block_behind(const struct recovery *r, int fd, uint64_t at, uint64_t size) {
    struct buf b = {0};
    size_t n = 0;
    bool found = false;
    uint64_t effort = UINT64_C(1) << 30; /* bytes to check: forged headers may claim the same ones often */
    uint64_t want = size > at ? size - at : 0;
    if (want > (64u << 20)) want = 64u << 20;
    if (buf_reserve(&b, (size_t)want + 1) == 0 &&
        file_pread(fd, b.data, (size_t)want, (off_t)at, &n, "segment", NULL) == 0) {
        for (size_t i = 1; !found && i + BLOCK_HEADER_SIZE <= n; i++) {
            const char *hit = memchr(b.data + i, 'L', n - BLOCK_HEADER_SIZE - i + 1);
            if (!hit) break;
            i = (size_t)(hit - b.data);
            struct block_header h;
            found = memcmp(hit, "LEAT", 4) == 0 &&
                    block_header_decode((const uint8_t *)hit, RECORD_LIMIT_MAX, &h, NULL) == 0 &&
                    h.topic_id == r->p->id.topic_id && n - i - BLOCK_HEADER_SIZE >= h.stored_size;
            if (!found) continue;
            if (h.stored_size > effort) break; /* at a loss: hands off */
            effort -= h.stored_size;
            found = block_check_crc((const uint8_t *)hit, hit + BLOCK_HEADER_SIZE, h.stored_size, NULL) == 0;
        }
    }
    buf_release(&b);
    return found;
}

/* Walk one segment. Bodies are checked from the durable end on; below it the headers must lead there. */
static int walk_segment(struct recovery *r, int fd, const struct segment_info *info, uint64_t size, struct err *e) {
    struct segment_walk w;
    struct err why;
    segment_walk_init(&w, fd, &r->p->id, info, size, info->head_bytes, info->base);
    int g = 0;
    while (g == 0) {
        w.check_bodies = w.next_offset >= r->synced;
        if (r->poisoned && w.next_offset >= r->synced) {
            g = w.next_at < size ? G_TRUNCATED : G_EOF; /* never acknowledged: void, whole or not */
            w.at = w.next_at;
            break;
        }
        g = segment_walk_next(&w, &why);
        if (g == 0) {
            if (w.h.max_time > r->running_max) r->running_max = w.h.max_time;
            r->end_crc32c = w.h.crc32c;
        }
    }
    r->end_at = r->end_size = w.at;
    r->end_offset = w.next_offset;
    segment_walk_release(&w);
    if (info->rewritten && g == G_EOF) {
        r->end_size = info->orig_size;
        r->end_crc32c = info->orig_crc32c;
    }
    if (info->rewritten && g == G_EOF && info->end_offset > r->end_offset) r->end_offset = info->end_offset;
    if (g == G_IO || g == G_NOMEM) {
        *e = why;
        return g;
    }
    if (g == G_EOF) {
        bool short_of = r->end_offset < r->synced && r->last + 1 == r->count;
        return short_of ? damage(r, r->end_offset, "records are missing", e) : 0;
    }
    r->cut = true;
    if (r->poisoned && r->end_offset >= r->synced) return 0;
    bool torn = r->end_offset >= r->synced && (r->known || !whole_block_behind(r, fd, r->end_at, size));
    return torn ? 0 : damage(r, r->end_offset, why.text, e);
}

static uint64_t usable_size(const struct recovery *r, size_t i, uint64_t size) {
    if (i + 1 >= r->count) return size;
    int fd = open_segment(r, r->bases[i + 1], NULL);
    struct segment_info next = {0};
    if (fd >= 0) {
        int g = segment_read_info(fd, &r->p->id, r->bases[i + 1], &next, NULL);
        if (g == 0 && next.has_previous && next.previous.base == r->bases[i] && next.previous.size < size &&
            next.previous.end_offset == r->bases[i + 1])
            size = next.previous.size;
        segment_info_release(&next);
        sys.close(fd);
    }
    return size;
}

static int scan_segment(struct recovery *r, size_t i, struct err *e) {
    struct segment_info info;
    struct stat st;
    struct err why;
    uint64_t base = r->bases[i];
    int fd = open_segment(r, base, e);
    if (fd < 0) return fd;
    (void)posix_fadvise(fd, 0, 0, !r->doubtful ? POSIX_FADV_SEQUENTIAL : POSIX_FADV_DONTNEED);
    int g = sys.fstat(fd, &st) < 0 ? err_sys(&why, errno, "cannot look at a segment")
                                   : segment_read_info(fd, &r->p->id, base, &info, &why);
    if (g == 0) {
        uint64_t size = info.rewritten ? (uint64_t)st.st_size : usable_size(r, i, (uint64_t)st.st_size);
        if (info.epoch > r->epoch) r->epoch = info.epoch;
        if (i == r->last || info.running_max > r->running_max) r->running_max = info.running_max;
        r->last = i;
        uint8_t head[BLOCK_HEADER_SIZE];
        size_t n = 0;
        g = file_pread(fd, head, sizeof head, 0, &n, "segment", e);
        r->end_crc32c = n == sizeof head ? get_u32_le(head + 12) : 0;
        if (g == 0) g = walk_segment(r, fd, &info, size, e);
        segment_info_release(&info);
    } else if (g == G_IO) {
        *e = why;
    } else if (base < r->synced || (!r->known && whole_block_behind(r, fd, 0, (uint64_t)st.st_size))) {
        g = damage(r, base, why.text, e);
    } else { /* a segment that never became whole, behind the durable end */
        r->cut = true;
        g = 0;
    }
    sys.close(fd);
    return g;
}

/* The first segment that may hold something that is not known to be whole. */
static size_t first_to_scan(const struct recovery *r) {
    size_t i = r->count - 1;
    if (!r->known) return i; /* sealed segments were synced when they were sealed */
    while (i > 0 && r->bases[i] > r->synced) i--;
    return i;
}

static int scan(struct recovery *r, struct err *e) {
    size_t i = r->first = r->last = first_to_scan(r);
    r->end_offset = r->bases[i];
    for (; i < r->count && !r->cut; i++) {
        if (i > r->last && r->bases[i] != r->end_offset) {
            if (r->end_offset < r->synced) return damage(r, r->end_offset, "a segment is missing", e);
            r->cut = true; /* what a recovery that died has left behind its new segment */
            break;
        }
        int g = scan_segment(r, i, e);
        if (g < 0) return g;
    }
    /* A segment whose beginning is not whole leads back to the one before it. */
    while (r->cut && r->end_at == 0 && r->last > 0) {
        r->first = --r->last;
        int g = scan_segment(r, r->last, e);
        if (g < 0) return g;
        r->cut = true;
    }
    if (r->poisoned) r->cut = true; /* nothing is ever appended to a poisoned segment */
    return 0;
}

static int keep_piece(const struct recovery *r, int fd, uint64_t base, uint64_t at, uint64_t size, struct err *e) {
    struct buf b = {0};
    char name[80];
    size_t n = 0;
    if (buf_reserve(&b, (size_t)size) < 0) return err_nomem(e);
    int g = file_pread(fd, b.data, (size_t)size, (off_t)at, &n, "segment", e);
    int dir = g < 0 ? g : dir_open(r->p->dir, "quarantine", true, e);
    if (dir >= 0) {
        (void)snprintf(name, sizeof name, "%020" PRIu64 "-%" PRIu64 ".cut", base, at);
        g = atomic_replace(dir, name, b.data, n, true, e);
        sys.close(dir);
    }
    buf_release(&b);
    return dir < 0 ? dir : g;
}

/* One file, or several where the cut is very large; nothing of a hole, however far a damaged size reaches. */
static int keep_bytes(const struct recovery *r, int fd, uint64_t base, uint64_t from, struct err *e) {
    struct stat st;
    if (sys.fstat(fd, &st) < 0) return err_sys(e, errno, "cannot look at a segment");
    uint64_t size = (uint64_t)st.st_size, piece;
    for (uint64_t at = from; at < size; at += piece) {
        off_t data = lseek(fd, (off_t)at, SEEK_DATA);
        if (data < 0 && errno == ENXIO) break;
        if (data > (off_t)at) at = (uint64_t)data;
        off_t hole = lseek(fd, (off_t)at, SEEK_HOLE);
        piece = (hole > (off_t)at && (uint64_t)hole < size ? (uint64_t)hole : size) - at;
        if (piece > KEEP_PIECE_BYTES) piece = KEEP_PIECE_BYTES;
        int g = keep_piece(r, fd, base, at, piece, e);
        if (g < 0) return g;
    }
    return 0;
}

static int quarantine_segment(const struct recovery *r, uint64_t base, struct err *e) {
    char name[SEGMENT_NAME_BYTES];
    segment_name(name, base, ".leat");
    int dir = dir_open(r->p->dir, "quarantine", true, e);
    if (dir < 0) return dir;
    int g = sys.renameat(r->p->dir, name, dir, name) < 0 ? err_sys(e, errno, "cannot move segment '%s'", name) : 0;
    if (g == 0) g = dir_sync(dir, name, e);
    sys.close(dir);
    return g < 0 ? g : dir_sync(r->p->dir, name, e);
}

/* What will be cut off the segment that holds the end. What was torn by a killed process of this boot was never
 * acknowledged nor seen and is not kept. */
static int keep_cut(const struct recovery *r, struct err *e) {
    int fd = open_segment(r, r->bases[r->last], e);
    if (fd < 0) return fd;
    struct stat st;
    int g = 0;
    if (sys.fstat(fd, &st) == 0 && (uint64_t)st.st_size > r->end_at) {
        r->p->news.cut_bytes = (uint64_t)st.st_size - r->end_at;
        r->p->news.cut_at = r->end_offset;
        if (r->doubtful) g = keep_bytes(r, fd, r->bases[r->last], r->end_at, e);
    }
    sys.close(fd);
    return g;
}

/* At best: the next segment's `previous.size` has made the cut already. */
static void cut_file(const struct recovery *r) {
    int fd = open_segment(r, r->bases[r->last], NULL);
    if (fd < 0) return;
    (void)sys.ftruncate(fd, (off_t)r->end_at);
    sys.close(fd);
}

static int begin_epoch(struct recovery *r, struct err *e) {
    struct segment_info next = {.base = r->end_offset, .epoch = r->epoch + 1, .running_max = r->running_max};
    if (next.epoch == 0) return damage(r, r->end_offset, "no epoch is higher than that of the last segment", e);
    if (r->count > 0 && r->end_offset > r->bases[r->last]) {
        next.has_previous = true;
        next.previous.base = r->bases[r->last];
        next.previous.end_offset = r->end_offset;
        next.previous.size = r->end_size;
        next.previous.crc32c = r->end_crc32c;
        next.previous.epoch = r->epoch;
    } else if (r->count > 0) {
        /* the segment has no record: its file is replaced, and keeps what it said of the one before it */
        struct segment_info old = {0};
        int fd = open_segment(r, r->bases[r->last], e);
        if (fd < 0) return fd;
        if (segment_read_info(fd, &r->p->id, r->end_offset, &old, NULL) == 0) {
            next.has_previous = old.has_previous;
            next.previous = old.previous;
            segment_info_release(&old);
        }
        sys.close(fd);
    }
    return partition_new_segment(r->p, &next, true, e);
}

/* The new segment is the commit point of a cut. A segment that has its name goes first; everything else that lies
 * behind the end is void from then on, and goes afterwards. */
static int cut_back(struct recovery *r, struct err *e) {
    size_t behind = r->last + 1;
    int g = keep_cut(r, e);
    if (g == 0 && behind < r->count && r->bases[behind] == r->end_offset)
        g = quarantine_segment(r, r->bases[behind++], e);
    if (g == 0) g = begin_epoch(r, e);
    for (; g == 0 && behind < r->count; behind++) g = quarantine_segment(r, r->bases[behind], e);
    if (g == 0 && r->end_offset > r->bases[r->last]) cut_file(r);
    return g;
}

/* What a killed process wrote whole stays; readers may see it only when it is durable. What is kept of a poisoned
 * segment is durable already, and its sync is not repeated. */
static int sync_kept(struct recovery *r, struct err *e) {
    int g = 0;
    for (size_t i = r->first; g == 0 && i <= r->last && !r->poisoned; i++) {
        int fd = open_segment(r, r->bases[i], e);
        if (fd < 0) return fd;
        if (sys.fdatasync(fd) < 0) g = err_sys(e, errno, "cannot make a recovered segment durable");
        sys.close(fd);
    }
    if (g == 0) return dir_sync(r->p->dir, "segment", e);
    /* Read again from the disk by the next one, who will not believe the cache; of a known tail, only to what was
     * synced before. */
    atomic_store(&r->p->tail->segment, r->bases[r->last]);
    partition_poison(r->p);
    return g;
}

static int settle_end(struct recovery *r, struct err *e) {
    if (r->count == 0) return begin_epoch(r, e);
    int g = sync_kept(r, e);
    if (g < 0) return g;
    if (r->cut) return cut_back(r, e);
    atomic_store(&r->p->tail->segment, r->bases[r->last]);
    atomic_store(&r->p->tail->written_size, r->end_at);
    atomic_store(&r->p->tail->epoch, r->epoch);
    return 0;
}

/* The first appender of a boot makes the way to the partition durable: whoever created it may have died before. Once
 * for all partitions: who adds one later syncs its name before anybody hears of it. */
static int sync_path(const struct recovery *r, struct err *e) {
    struct topic *t = r->p->topic;
    if (t->path_synced) return 0;
    int g = dir_sync(t->dir, t->name, e);
    if (g == 0) g = dir_sync(t->log->topics, t->name, e);
    if (g == 0) g = dir_sync(t->log->root, "topics", e);
    t->path_synced = g == 0;
    return g;
}

/* Indexes of segments that policy none sealed were not synced, and a power cut may have left anything of them. */
static int drop_indexes(const struct recovery *r, struct err *e) {
    for (size_t i = r->first; i < r->count; i++) {
        char name[SEGMENT_NAME_BYTES];
        segment_name(name, r->bases[i], ".idx");
        if (sys.unlinkat(r->p->dir, name, 0) < 0 && errno != ENOENT)
            return err_sys(e, errno, "cannot remove index '%s'", name);
    }
    return 0;
}

static int recover(struct recovery *r, struct err *e) {
    struct tail *t = r->p->tail;
    uint64_t start = 0;
    int g = partition_read_start(r->p->dir, &start, e);
    if (g == 0) g = segment_list(r->p->dir, &r->bases, &r->count, e);
    if (g == 0 && r->count > 0) g = scan(r, e);
    if (g == 0 && r->count == 0 && r->synced > 0) g = damage(r, 0, "there are no segments", e);
    if (g == 0 && r->count == 0) r->end_offset = start;
    if (g == 0 && start > r->end_offset) /* whatever is appended there, nobody would see it */
        g = damage(r, r->end_offset, "the log ends here, in front of the offset in its file 'start'", e);
    if (g == 0 && !r->same_boot) g = sync_path(r, e);
    if (g == 0 && !r->same_boot) g = drop_indexes(r, e);
    if (g == 0) g = settle_end(r, e);
    if (g < 0) return g;
    atomic_store(&t->written_offset, r->end_offset);
    atomic_store(&t->synced_offset, r->end_offset);
    atomic_store(&t->stable_offset, r->end_offset);
    atomic_store(&t->start_offset, start);
    tail_format(t, r->p->id.topic_id, r->p->number);
    atomic_fetch_and(&t->state, ~(uint32_t)TAIL_POISONED);
    if (!r->same_boot && (g = tail_save(r->p->dir, e)) < 0) return g;
    atomic_store(&t->appending, 0);
    atomic_store(&t->boot, sys_boot_id());
    topic_wake(r->p->topic);
    return 0;
}

/* Whoever dies in a recovery leaves a page that asks for one: `appending` is not 0, or the boot is another one, or it
 * is not valid yet. What it says of the durable end and of poison stays until the end. */
static int recover_locked(struct partition *p, bool syncer_died, struct err *e) {
    struct tail *t = p->tail;
    struct recovery r = {.p = p, .running_max = NO_TIME};
    r.known = tail_valid(t, p->id.topic_id, p->number);
    r.same_boot = r.known && atomic_load(&t->boot) == sys_boot_id();
    r.synced = r.known ? atomic_load(&t->synced_offset) : 0;
    r.poisoned = r.same_boot && (atomic_load(&t->state) & TAIL_POISONED) != 0;
    r.doubtful = !r.same_boot || r.poisoned || syncer_died;
    if (r.known) atomic_store(&t->appending, p->pid);
    int g = recover(&r, e);
    free(r.bases);
    return g;
}

int partition_recover(struct partition *p, struct err *e) {
    uint32_t syncing = atomic_load(&p->tail->syncing);
    int g = lock_take(p->lock_fd, LOCK_SYNC, p->lock_timeout_ns, &p->tail->syncing, p->label, e);
    if (g < 0) return g;
    bool syncer_died = syncing != 0 && atomic_load(&p->tail->syncing) == syncing;
    atomic_store(&p->tail->syncing, p->pid);
    p->news = (struct partition_news){0};
    g = recover_locked(p, syncer_died, e);
    partition_unlock_sync(p);
    return g < 0 ? err_prefix(e, "partition '%s': ", p->label) : 0;
}
