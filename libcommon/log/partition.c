/* SPDX-License-Identifier: Apache-2.0 */
/* Appending to a partition. See partition.h and leat-log(5). */
#include "log/partition.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/crc32c.h"
#include "log/index.h"
#include "sys/file.h"
#include "sys/futex.h"
#include "sys/lock.h"
#include "sys/signals.h"
#include "sys/sys.h"

#define APPEND_VECTORS 256

bool partition_is_deleted(const struct partition *p) {
    return tail_valid(p->tail, p->id.topic_id, p->number) && (atomic_load(&p->tail->state) & TAIL_DELETED);
}

static int open_files(struct partition *p, struct err *e) {
    p->dir = topic_partition_dir(p->topic, p->number, true, e);
    if (p->dir < 0) return p->dir;
    int g = tail_map(p->dir, &p->tail, &p->writable, e);
    if (g < 0) return g;
    p->lock_fd = sys.open_beneath(p->dir, "lock", p->writable ? O_RDWR | O_CREAT : O_RDONLY, 0600);
    if (p->lock_fd < 0) return p->writable ? err_sys(e, errno, "cannot open 'lock'") : 0;
    struct stat st;
    if (sys.fstat(p->lock_fd, &st) < 0) return err_sys(e, errno, "cannot look at 'lock'");
    p->lock_dev = st.st_dev;
    p->lock_ino = st.st_ino; /* of no other file while this one is open */
    return 0;
}

/* Does the active segment have another size than the tail says, while nobody appends to it? */
static bool size_contradicts(const struct partition *p, uint64_t base) {
    char name[SEGMENT_NAME_BYTES];
    struct stat st;
    segment_name(name, base, ".leat");
    uint64_t before = atomic_load(&p->tail->written_size);
    if (sys.fstatat(p->dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0) return true;
    if (atomic_load(&p->tail->appending) != 0) return (uint64_t)st.st_size < before;
    return (uint64_t)st.st_size != before && before == atomic_load(&p->tail->written_size);
}

/* Is the page an old one that came back? Asked when a partition is opened: later the page cannot change so. */
static bool tail_contradicts(const struct partition *p) {
    uint64_t *bases = NULL;
    size_t count = 0;
    if (segment_list(p->dir, &bases, &count, NULL) < 0) return true;
    uint64_t base = atomic_load(&p->tail->segment);
    bool wrong = count == 0 || bases[count - 1] != base || size_contradicts(p, base);
    free(bases);
    return wrong;
}

/* Somebody died in the middle of a sync, and nobody knows how it ended. */
static bool syncer_died(const struct partition *p) {
    return atomic_load(&p->tail->syncing) != 0 && lock_probe(p->lock_fd, LOCK_SYNC, LOCK_SYNC + 1) < 0;
}

/* Readers believe the tail of this boot; only a stale or foreign one needs the lock. */
static bool reader_needs_recovery(const struct partition *p) {
    if (!p->writable) return false;
    return !tail_valid(p->tail, p->id.topic_id, p->number) || atomic_load(&p->tail->boot) != sys_boot_id() ||
           tail_contradicts(p);
}

int partition_open(struct partition *p, struct topic *t, uint32_t number, enum partition_mode mode, struct err *e) {
    *p = (struct partition){
        .topic = t,
        .number = number,
        .id = {.topic_id = t->id, .partition = number},
        .dir = -1,
        .lock_fd = -1,
        .fd = -1,
        .pid = (uint32_t)getpid(),
        .lock_timeout_ns = LOCK_TIMEOUT_NS,
    };
    (void)snprintf(p->label, sizeof p->label, "%s/%u", t->name, number);
    if (number >= t->partitions)
        return err_set(e, G_USAGE, "topic '%s' has %u partitions; there is no partition %u", t->name, t->partitions,
                       number);
    int g = open_files(p, e);
    if (g == 0 && (mode == PARTITION_APPEND || (mode == PARTITION_READ && reader_needs_recovery(p)))) {
        if (!p->writable) g = err_sys(e, EACCES, "cannot append to '%s/%u'", t->name, number);
        if (g == 0) g = partition_lock(p, e);
        if (g == 0) partition_unlock(p);
    }
    if (g < 0) {
        if (e && e->grade == G_IO && !strstr(e->text, t->name)) err_prefix(e, "partition '%s/%u': ", t->name, number);
        partition_close(p);
    }
    return g;
}

static void close_fd(int *fd) {
    if (*fd >= 0) sys.close(*fd);
    *fd = -1;
}

void partition_close(struct partition *p) {
    if (!p || !p->topic) return;
    close_fd(&p->fd);
    close_fd(&p->lock_fd);
    close_fd(&p->dir);
    tail_unmap(p->tail);
    p->tail = NULL;
}

/* The lock is worth something only while the path still leads to the file that we locked. */
static int check_lock_file(const struct partition *p, struct err *e) {
    if (partition_is_deleted(p)) return err_set(e, G_ABSENT, "topic '%s' was deleted", p->topic->name);
    struct stat now = {0};
    if (sys.fstatat(p->dir, "lock", &now, AT_SYMLINK_NOFOLLOW) < 0 && errno != ENOENT)
        return err_sys(e, errno, "cannot look at 'lock'");
    if (now.st_ino != 0 && now.st_dev == p->lock_dev && now.st_ino == p->lock_ino) return 0;
    return err_set(e, G_IO, "the lock file of '%s' was removed or replaced", p->label);
}

static int open_active(struct partition *p, struct err *e) {
    uint64_t base = atomic_load(&p->tail->segment);
    if (p->fd >= 0 && p->base == base && p->epoch == atomic_load(&p->tail->epoch)) return 0;
    close_fd(&p->fd);
    char name[SEGMENT_NAME_BYTES];
    segment_name(name, base, ".leat");
    p->fd = sys.open_beneath(p->dir, name, O_RDWR, 0);
    if (p->fd < 0) {
        int g = errno == ENOENT ? G_ABSENT : G_IO;
        err_sys(e, errno, "cannot open segment '%s'", name);
        return g;
    }
    p->base = base;
    p->epoch = atomic_load(&p->tail->epoch);
    return 0;
}

static int recover_and_open(struct partition *p, struct err *e) {
    int g = partition_recover(p, e);
    if (g < 0) return g;
    close_fd(&p->fd); /* a recovery may have replaced the file */
    return open_active(p, e);
}

/* The file must end where the tail says; if not, somebody died, or the tail is an old one. */
static bool size_differs(const struct partition *p) {
    struct stat st;
    return sys.fstat(p->fd, &st) < 0 || (uint64_t)st.st_size != atomic_load(&p->tail->written_size);
}

static int settle(struct partition *p, struct err *e) {
    int g = check_lock_file(p, e);
    if (g < 0) return g;
    bool first = p->fd < 0;
    if (partition_needs_recovery(p) || (first && (tail_contradicts(p) || syncer_died(p))))
        return recover_and_open(p, e);
    g = open_active(p, e);
    if (g == G_ABSENT || (g == 0 && size_differs(p))) return recover_and_open(p, e);
    return g;
}

int partition_lock(struct partition *p, struct err *e) {
    int g = lock_take(p->lock_fd, LOCK_APPEND, p->lock_timeout_ns, &p->tail->appending, p->label, e);
    if (g < 0) return g;
    g = settle(p, e);
    if (g < 0) {
        lock_release(p->lock_fd, LOCK_APPEND); /* `appending` stays as it was: the next one has to look too */
        return g;
    }
    p->unsettled = false;
    atomic_store(&p->tail->appending, p->pid);
    return 0;
}

void partition_unlock(struct partition *p) {
    if (!p->unsettled) atomic_store(&p->tail->appending, 0);
    lock_release(p->lock_fd, LOCK_APPEND);
}

int partition_lock_sync(struct partition *p, struct err *e) {
    int g = lock_take(p->lock_fd, LOCK_SYNC, p->lock_timeout_ns, &p->tail->syncing, p->label, e);
    if (g == 0) atomic_store(&p->tail->syncing, p->pid);
    return g;
}

void partition_unlock_sync(struct partition *p) {
    atomic_store(&p->tail->syncing, 0);
    lock_release(p->lock_fd, LOCK_SYNC);
}

void append_block_prepare(struct append_block *b) {
    b->body_crc = crc32c(0, b->body, b->size);
    b->shift_op = crc32c_shift_op(b->size);
}

void partition_poison(struct partition *p) {
    char name[SEGMENT_NAME_BYTES];
    segment_name(name, atomic_load(&p->tail->segment), ".bad");
    atomic_fetch_or(&p->tail->state, TAIL_POISONED);
    /* The file is for a look after a reboot; the bit counts now. Nothing can be done when it cannot be made. */
    int fd = sys.open_beneath(p->dir, name, O_WRONLY | O_CREAT, 0600);
    close_fd(&fd);
    p->stop = true;
}

/* All vectors, through EINTR and short writes. *ret_done tells what reached the file. */
static int pwritev_all(int fd, struct iovec *v, int n, off_t at, struct err *e) {
    while (n > 0) {
        ssize_t k = sys.pwritev(fd, v, n, at);
        if (k < 0 && errno == EINTR) continue;
        if (k <= 0) return err_sys(e, k < 0 ? errno : ENOSPC, "cannot append");
        at += k;
        while (n > 0 && (size_t)k >= v->iov_len) {
            k -= (ssize_t)v->iov_len;
            v++;
            n--;
        }
        if (n > 0 && k > 0) {
            v->iov_base = (char *)v->iov_base + k;
            v->iov_len -= (size_t)k;
        }
    }
    return 0;
}

struct append_cursor {
    uint64_t offset, size;
};

static int write_blocks(struct partition *p, struct append_block *blocks, size_t count, struct append_cursor *at,
                        struct err *e) {
    uint8_t headers[APPEND_VECTORS / 2][BLOCK_HEADER_SIZE];
    struct iovec v[APPEND_VECTORS];
    uint32_t epoch = atomic_load(&p->tail->epoch);
    for (size_t i = 0; i < count; i++) {
        struct block_header *h = &blocks[i].h;
        h->kind = BLOCK_DATA;
        h->codec = CODEC_NONE;
        h->stored_size = h->raw_size = blocks[i].size;
        h->base_offset = at->offset;
        h->topic_id = p->id.topic_id;
        h->partition = p->number;
        h->log_epoch = epoch;
        block_header_encode(h, headers[i]);
        block_seal_with(headers[i], blocks[i].body_crc, blocks[i].shift_op);
        v[2 * i] = (struct iovec){headers[i], BLOCK_HEADER_SIZE};
        v[2 * i + 1] = (struct iovec){(void *)(uintptr_t)blocks[i].body, blocks[i].size};
        at->offset += h->records;
    }
    uint64_t from = at->size;
    for (size_t i = 0; i < count; i++) at->size += BLOCK_HEADER_SIZE + (uint64_t)blocks[i].size;
    return pwritev_all(p->fd, v, (int)count * 2, (off_t)from, e);
}

static int append_locked(struct partition *p, struct append_block *blocks, size_t count, uint64_t *ret_offset,
                         struct err *e) {
    uint64_t total = 0, records = 0;
    for (size_t i = 0; i < count; i++) {
        total += BLOCK_HEADER_SIZE + (uint64_t)blocks[i].size;
        records += blocks[i].h.records;
    }
    uint64_t first = atomic_load(&p->tail->written_offset), size = atomic_load(&p->tail->written_size);
    if (first > OFFSET_MAX || records > OFFSET_MAX - first)
        return err_set(e, G_CORRUPT, "the next offset is %" PRIu64 ", and no reader takes one beyond 2^63", first);
    if (size + total > p->topic->settings.segment_size && first > atomic_load(&p->tail->segment)) {
        int g = partition_roll(p, !p->lazy, e);
        if (g < 0) return g;
        size = atomic_load(&p->tail->written_size);
    }
    struct append_cursor at = {.offset = first, .size = size};
    for (size_t done = 0; done < count;) {
        size_t n = count - done < APPEND_VECTORS / 2 ? count - done : APPEND_VECTORS / 2;
        int g = write_blocks(p, blocks + done, n, &at, e);
        if (g < 0) {
            if (sys.ftruncate(p->fd, (off_t)size) < 0) partition_poison(p);
            return g;
        }
        done += n;
    }
    atomic_store(&p->tail->written_size, at.size);
    atomic_store(&p->tail->written_offset, at.offset);
    *ret_offset = first;
    return 0;
}

/* Records are acknowledged by their offsets. Those of ours that a recovery cut must not be taken for the ones that
 * others wrote at the same offsets since. */
static int check_cut(const struct partition *p, uint64_t offset, struct err *e) {
    uint64_t end;
    uint32_t now;
    if (p->appended_epoch == 0 || p->appended_epoch == atomic_load(&p->tail->epoch)) return 0;
    int g = segment_epoch_end(p->dir, &p->id, p->appended_epoch, &end, &now, e);
    if (g < 0 || offset <= end) return g;
    return err_set(e, G_IO, "records of '%s/%u' from offset %" PRIu64 " on were cut before they were durable",
                   p->topic->name, p->number, end);
}

int partition_append(struct partition *p, struct append_block *blocks, size_t count, uint64_t *ret_offset,
                     struct err *e) {
    if (p->stop)
        return err_set(e, G_IO, "partition '%s' could not be made durable; nothing more is written to it", p->label);
    int g = partition_lock(p, e);
    if (g < 0) return g;
    g = check_cut(p, p->appended_end, e);
    p->appended_epoch = 0; /* said once */
    if (g == 0) g = append_locked(p, blocks, count, ret_offset, e);
    if (g == 0) {
        p->appended_epoch = atomic_load(&p->tail->epoch);
        p->appended_end = atomic_load(&p->tail->written_offset);
    }
    partition_unlock(p);
    return g < 0 ? err_prefix(e, "partition '%s': ", p->label) : 0;
}

void partition_publish(struct partition *p, uint64_t offset) {
    if (check_cut(p, offset, NULL) == 0) tail_raise(&p->tail->stable_offset, offset);
}

/* The sync itself. Under the sync lock, so that nobody syncs the same file between a failure and the poison. */
static int sync_fd(struct partition *p, int fd, struct err *e) {
    if (sys.fdatasync(fd) == 0) return 0;
    int errnum = errno;
    partition_poison(p);
    return err_sys(e, errnum, "cannot make partition '%s/%u' durable, and a failed sync is not repeated",
                   p->topic->name, p->number);
}

/* Segments that were rolled without a sync (policy none) lie between the durable end and the active one, and the name
 * of that one may not be durable either. */
static int sync_older(struct partition *p, uint64_t synced, uint64_t active, struct err *e) {
    uint64_t *bases = NULL;
    size_t count = 0;
    int g = segment_list(p->dir, &bases, &count, e);
    for (size_t i = 0; g == 0 && i < count; i++) {
        bool holds_unsynced = bases[i] < active && (i + 1 == count || bases[i + 1] > synced);
        if (!holds_unsynced) continue;
        char name[SEGMENT_NAME_BYTES];
        segment_name(name, bases[i], ".leat");
        int fd = sys.open_beneath(p->dir, name, O_RDONLY, 0);
        if (fd < 0 && errno == ENOENT) continue; /* removed by retention */
        g = fd < 0 ? err_sys(e, errno, "cannot open segment '%s'", name) : sync_fd(p, fd, e);
        close_fd(&fd);
    }
    free(bases);
    return g < 0 ? g : dir_sync(p->dir, "segment", e);
}

/* Whoever rolls or recovers has the sync lock too: the active segment stays the same here. */
static int sync_locked(struct partition *p, struct err *e) {
    uint64_t upto = atomic_load(&p->tail->written_offset);
    uint64_t active = atomic_load(&p->tail->segment), synced = atomic_load(&p->tail->synced_offset);
    int g = 0;
    if (atomic_load(&p->tail->state) & TAIL_POISONED)
        return err_set(e, G_IO, "partition '%s/%u' could not be made durable", p->topic->name, p->number);
    if (synced <= active) g = sync_older(p, synced, active, e);
    if (g == 0) g = open_active(p, e);
    if (g == 0) g = sync_fd(p, p->fd, e);
    if (g < 0) return g;
    tail_raise(&p->tail->synced_offset, upto);
    tail_raise(&p->tail->stable_offset, upto);
    return 0;
}

static void announce_sync(struct partition *p) {
    atomic_fetch_add(&p->tail->syncs, 1);
    futex_wake_all((uint32_t *)&p->tail->syncs);
    topic_wake(p->topic);
}

int partition_sync(struct partition *p, uint64_t offset, struct err *e) {
    int64_t begun = sys.boot_ns();
    for (;;) {
        uint32_t seen = atomic_load(&p->tail->syncs);
        if (atomic_load(&p->tail->synced_offset) >= offset) return check_cut(p, offset, e);
        if (p->stop || atomic_load(&p->tail->state) & TAIL_POISONED)
            return err_set(e, G_IO, "partition '%s/%u' could not be made durable", p->topic->name, p->number);
        int g = lock_try(p->lock_fd, LOCK_SYNC, e);
        if (g < 0) return g;
        if (g == 0) {
            atomic_store(&p->tail->syncing, p->pid);
            g = check_cut(p, offset, e);
            if (g == 0 && atomic_load(&p->tail->synced_offset) < offset) g = sync_locked(p, e);
            partition_unlock_sync(p);
            announce_sync(p);
            return g;
        }
        /* Another process syncs; the chances are that it does so for us too. It may also have died: look again. */
        futex_wait((const uint32_t *)&p->tail->syncs, seen, 5000000);
        if (sys.boot_ns() - begun > p->lock_timeout_ns)
            return err_set(e, G_IO, "cannot lock '%s/%u' to sync: process %u holds it", p->topic->name, p->number,
                           atomic_load(&p->tail->syncing));
    }
}

int partition_settle(struct partition *p, uint64_t *ret_end, struct err *e) {
    int g = partition_lock(p, e);
    if (g < 0) return g;
    uint64_t end = atomic_load(&p->tail->written_offset);
    partition_unlock(p);
    g = partition_sync(p, end, e);
    if (g == 0) *ret_end = end;
    return g;
}

/* What the next segment says of the one that is sealed, and the index of the latter. */
static int describe_sealed(struct partition *p, struct segment_info *next, bool durable, struct err *e) {
    struct segment_info info = {0};
    struct index index = {0};
    int g = segment_read_info(p->fd, &p->id, p->base, &info, e);
    uint64_t size = atomic_load(&p->tail->written_size);
    if (g == 0) g = index_build(&index, p->fd, &p->id, &info, size, e);
    if (g == 0) {
        next->running_max = index.max_time > info.running_max ? index.max_time : info.running_max;
        next->has_previous = true;
        next->previous.base = p->base;
        next->previous.end_offset = index.end_offset;
        next->previous.size = size;
        next->previous.crc32c = index.last_crc32c;
        next->previous.epoch = info.epoch;
        index_save(&index, p->dir, durable); /* rebuilt from the segment when it is not there */
    }
    index_release(&index);
    segment_info_release(&info);
    return g;
}

/* Without a sync, what a power cut leaves of the chain of files ends at the first one that is torn or missing. */
static int roll_locked(struct partition *p, bool durable, struct err *e) {
    struct segment_info next = {
        .base = atomic_load(&p->tail->written_offset), .epoch = atomic_load(&p->tail->epoch), .running_max = NO_TIME};
    int g = durable ? sync_locked(p, e) : 0;
    if (g == 0) g = describe_sealed(p, &next, durable, e);
    if (g == 0) g = partition_new_segment(p, &next, durable, e);
    return g < 0 ? g : open_active(p, e);
}

int partition_roll(struct partition *p, bool durable, struct err *e) {
    if (atomic_load(&p->tail->written_offset) == atomic_load(&p->tail->segment)) return 0;
    int g = partition_lock_sync(p, e);
    if (g < 0) return g;
    g = roll_locked(p, durable, e);
    partition_unlock_sync(p);
    announce_sync(p);
    return g;
}

static int write_new_segment(struct partition *p, const char *tmp, const struct buf *head, bool durable,
                             struct err *e) {
    if (sys.unlinkat(p->dir, tmp, 0) < 0 && errno != ENOENT) return err_sys(e, errno, "cannot remove '%s'", tmp);
    int fd = sys.open_beneath(p->dir, tmp, O_WRONLY | O_CREAT | O_EXCL, 0600);
    if (fd < 0) return err_sys(e, errno, "cannot create segment '%s'", tmp);
    int g = file_pwrite_all(fd, head->data, head->len, 0, tmp, e);
    if (g == 0 && durable && sys.fsync(fd) < 0) g = err_sys(e, errno, "cannot sync segment '%s'", tmp);
    close_fd(&fd);
    if (g < 0) (void)sys.unlinkat(p->dir, tmp, 0);
    return g;
}

/* What is beside a segment and speaks of one that had the same name before. */
static int remove_companions(struct partition *p, uint64_t base, struct err *e) {
    static const char *const suffixes[] = {".bad", ".idx"};
    for (size_t i = 0; i < 2; i++) {
        char name[SEGMENT_NAME_BYTES];
        segment_name(name, base, suffixes[i]);
        if (sys.unlinkat(p->dir, name, 0) < 0 && errno != ENOENT) return err_sys(e, errno, "cannot remove '%s'", name);
    }
    return 0;
}

int partition_new_segment(struct partition *p, struct segment_info *info, bool durable, struct err *e) {
    struct buf head = {0};
    char name[SEGMENT_NAME_BYTES], tmp[SEGMENT_NAME_BYTES + 8];
    info->created_ns = sys.wall_ns();
    info->monotonic_ns = sys.boot_ns();
    info->boot_id = sys_boot_id();
    segment_name(name, info->base, ".leat");
    (void)snprintf(tmp, sizeof tmp, "%s.tmp", name);
    int g = segment_encode_info(&head, &p->id, info, e);
    if (g == 0) g = write_new_segment(p, tmp, &head, durable, e);
    if (g == 0) {
        p->unsettled = true;
        if (sys.renameat(p->dir, tmp, p->dir, name) < 0) g = err_sys(e, errno, "cannot rename '%s'", tmp);
    }
    if (g == 0) g = remove_companions(p, info->base, e);
    if (g == 0 && durable) g = dir_sync(p->dir, name, e);
    if (g == 0) {
        p->unsettled = false;
        atomic_store(&p->tail->epoch, info->epoch);
        atomic_store(&p->tail->written_size, head.len);
        atomic_store(&p->tail->segment, info->base);
    }
    buf_release(&head);
    return g;
}

#define START_TEXT_MAX 48

/* There is one way to write an offset, so what is read is compared with it. */
static size_t start_text(uint64_t offset, char out[START_TEXT_MAX]) {
    char digits[24];
    int n = snprintf(digits, sizeof digits, "%" PRIu64, offset);
    return (size_t)snprintf(out, START_TEXT_MAX, "%s %08" PRIx32 "\n", digits, crc32c(0, digits, (size_t)n));
}

int partition_read_start(int dir, uint64_t *ret, struct err *e) {
    struct buf text = {0};
    int g = file_load(dir, "start", 64, &text, e);
    if (g == G_DATA) g = err_set(e, G_CORRUPT, "file 'start' fails its check");
    *ret = 0;
    if (g == 0) {
        char want[START_TEXT_MAX];
        const char *s = buf_cstr(&text);
        uint64_t offset = s ? strtoull(s, NULL, 10) : 0;
        if (!s || offset > OFFSET_MAX || text.len != start_text(offset, want) || memcmp(s, want, text.len) != 0)
            g = err_set(e, G_CORRUPT, "file 'start' fails its check");
        else
            *ret = offset;
    }
    buf_release(&text);
    return g == G_ABSENT ? 0 : g;
}

int partition_write_start(int dir, uint64_t offset, struct err *e) {
    char text[START_TEXT_MAX];
    size_t n = start_text(offset, text);
    return atomic_replace(dir, "start", text, n, false, e);
}
