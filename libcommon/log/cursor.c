/* SPDX-License-Identifier: Apache-2.0 */
/* Reading a partition. See cursor.h. */
#include "log/cursor.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>

#include "base/endian.h"
#include "sys/file.h"
#include "sys/sys.h"

#define SETTLE_TURNS 64

int cursor_open(struct cursor *c, struct topic *t, uint32_t partition, bool uncommitted, struct err *e) {
    *c = (struct cursor){
        .uncommitted = uncommitted, .fd = -1, .lent_fd = -1, .orphan_fd = -1, .record_limit = RECORD_LIMIT_MAX};
    int g = partition_open(&c->part, t, partition, PARTITION_READ, e);
    if (g < 0) return g;
    c->next_offset = cursor_start(c);
    return 0;
}

static void close_segment(struct cursor *c) {
    if (c->walk_open) segment_walk_release(&c->walk);
    c->walk_open = false;
    segment_info_release(&c->info);
    if (c->fd >= 0 && c->fd == c->lent_fd)
        c->orphan_fd = c->fd; /* the caller still has a block in it */
    else if (c->fd >= 0)
        sys.close(c->fd);
    c->fd = -1;
}

/* The block that was handed out last is done with. */
static void take_back(struct cursor *c) {
    if (c->orphan_fd >= 0) sys.close(c->orphan_fd);
    c->orphan_fd = -1;
}

void cursor_close(struct cursor *c) {
    if (!c || !c->part.topic) return;
    c->lent_fd = -1;
    close_segment(c);
    take_back(c);
    free(c->bases);
    partition_close(&c->part);
}

/* A tail of another boot, which a user who may not write cannot renew: only what was synced is sure. */
static bool tail_is_current(const struct cursor *c) {
    const struct tail *t = c->part.tail;
    return tail_valid(t, c->part.id.topic_id, c->part.number) && atomic_load(&t->boot) == sys_boot_id();
}

uint64_t cursor_start(const struct cursor *c) {
    uint64_t start = 0;
    if (tail_is_current(c)) return atomic_load(&c->part.tail->start_offset);
    return partition_read_start(c->part.dir, &start, NULL) == 0 ? start : 0;
}

uint64_t cursor_end(const struct cursor *c) {
    const struct tail *t = c->part.tail;
    if (!tail_valid(t, c->part.id.topic_id, c->part.number)) return 0;
    if (!tail_is_current(c)) return atomic_load(&t->synced_offset);
    /* a writer of policy none that slept through a recovery may publish more than there is */
    uint64_t stable = atomic_load(&t->stable_offset), written = atomic_load(&t->written_offset);
    return c->uncommitted || written < stable ? written : stable;
}

static uint64_t active_base(const struct cursor *c) {
    return atomic_load(&c->part.tail->segment);
}

static int at_offset(const struct cursor *c, uint64_t offset, struct err *e) {
    return err_prefix(e, "'%s/%u' at offset %" PRIu64 ": ", c->part.topic->name, c->part.number, offset);
}

/* No segment is that old. Where retention went on just now, the start tells (1: look again); a log without one begins
 * with its oldest segment. */
static int below_all(struct cursor *c, uint64_t offset, uint64_t oldest, struct err *e) {
    uint64_t start = cursor_start(c);
    if (start > offset) return 1;
    if (start > 0) {
        err_set(e, G_CORRUPT, "a segment is missing: the oldest one begins at offset %" PRIu64, oldest);
        return at_offset(c, offset, e);
    }
    c->next_offset = oldest;
    return err_set(e, G_ABSENT, "'%s/%u': records below offset %" PRIu64 " are gone", c->part.topic->name,
                   c->part.number, oldest);
}

static int list_segments(struct cursor *c, struct err *e) {
    free(c->bases);
    c->bases = NULL;
    c->base_count = 0;
    return segment_list(c->part.dir, &c->bases, &c->base_count, e);
}

/* How many of the known segments begin at or below the offset. */
static size_t segments_up_to(const struct cursor *c, uint64_t offset) {
    size_t lo = 0, hi = c->base_count;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        if (c->bases[mid] <= offset)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

/* The segment that holds `offset`, and the one behind it. The list that is known serves as long as it has both: sealed
 * segments keep their names, and one that is gone makes us look again. */
static int find_segment(struct cursor *c, uint64_t offset, uint64_t *ret_base, bool *ret_sealed, uint64_t *ret_next,
                        struct err *e) {
    size_t i = segments_up_to(c, offset);
    if (i == 0 || i == c->base_count) {
        int g = list_segments(c, e);
        if (g < 0) return g;
        i = segments_up_to(c, offset);
    }
    if (i == 0) return c->base_count ? below_all(c, offset, c->bases[0], e) : G_WAIT;
    *ret_base = c->bases[i - 1];
    *ret_sealed = i < c->base_count;
    *ret_next = *ret_sealed ? c->bases[i] : 0;
    return 0;
}

/* How many bytes of the open segment may be read. */
static int segment_limit(struct cursor *c, uint64_t *ret, struct err *e) {
    struct stat st;
    if (sys.fstat(c->fd, &st) < 0) return err_sys(e, errno, "cannot look at a segment");
    *ret = (uint64_t)st.st_size;
    if (!c->sealed || c->info.rewritten) return 0;
    char name[SEGMENT_NAME_BYTES];
    segment_name(name, c->next_base, ".leat");
    int fd = sys.open_beneath(c->part.dir, name, O_RDONLY, 0);
    if (fd < 0) return 0; /* replaced or removed just now: the file's own end is as good */
    struct segment_info next = {0};
    int g = segment_read_info(fd, &c->part.id, c->next_base, &next, NULL);
    bool ours =
        g == 0 && next.has_previous && next.previous.base == c->info.base && next.previous.end_offset == c->next_base;
    if (ours && next.previous.size < *ret) *ret = next.previous.size;
    segment_info_release(&next);
    sys.close(fd);
    return 0;
}

/* 1: it was replaced or removed just now; look again. */
static int open_segment(struct cursor *c, uint64_t offset, struct err *e) {
    uint64_t base = 0;
    close_segment(c);
    int g = find_segment(c, offset, &base, &c->sealed, &c->next_base, e);
    if (g != 0) return g;
    char name[SEGMENT_NAME_BYTES];
    segment_name(name, base, ".leat");
    c->fd = sys.open_beneath(c->part.dir, name, O_RDONLY, 0);
    if (c->fd < 0) {
        c->base_count = 0; /* the list is old */
        return errno == ENOENT ? 1 : err_sys(e, errno, "cannot open segment '%s'", name);
    }
    g = segment_read_info(c->fd, &c->part.id, base, &c->info, e);
    if (g < 0) {
        at_offset(c, base, e);
        close_segment(c);
    }
    return g;
}

/* Begin to walk at the last known block start at or below the offset. */
static int begin_walk(struct cursor *c, uint64_t offset, struct err *e) {
    uint64_t limit, at = c->info.head_bytes, from = c->info.base;
    int g = segment_limit(c, &limit, e);
    if (g < 0) return g;
    const struct tail *t = c->part.tail;
    if (c->sealed && offset > from) {
        struct index index = {0};
        g = index_load_or_build(&index, c->part.dir, c->fd, &c->part.id, &c->info, limit, e);
        if (g < 0) return at_offset(c, offset, e);
        const struct index_entry *entry = index_find_offset(&index, offset);
        if (entry) {
            at = entry->position;
            from = entry->offset;
        }
        index_release(&index);
    } else if (!c->sealed && tail_is_current(c) && offset == atomic_load(&t->written_offset) && offset > from) {
        /* the end of the active segment: no need to walk there */
        uint64_t size = atomic_load(&t->written_size);
        if (offset == atomic_load(&t->written_offset) && c->info.base == active_base(c) && size <= limit) {
            at = size;
            from = offset;
        }
    }
    segment_walk_init(&c->walk, c->fd, &c->part.id, &c->info, limit, at, from);
    c->walk_open = true;
    c->settled = 0;
    return 0;
}

int cursor_seek(struct cursor *c, uint64_t offset, struct err *e) {
    (void)e;
    uint64_t start = cursor_start(c);
    c->next_offset = offset < start ? start : offset;
    close_segment(c);
    return 0;
}

/* The segment is used up: is there one behind it, and does it follow? */
static int next_segment(struct cursor *c, struct err *e) {
    uint64_t end = c->walk.next_offset;
    if (c->info.rewritten && c->info.end_offset > end) end = c->info.end_offset;
    if (end < c->next_base && !c->info.compacted) {
        err_set(e, G_CORRUPT, "the segment ends here, and the next one begins at offset %" PRIu64, c->next_base);
        return at_offset(c, end, e);
    }
    if (c->next_offset < c->next_base) c->next_offset = c->next_base;
    close_segment(c);
    return 0;
}

/* The active segment may have been sealed, or begun anew by a recovery, since it was opened. */
static bool segment_is_stale(const struct cursor *c) {
    if (c->sealed || !tail_is_current(c)) return false;
    return active_base(c) != c->info.base || atomic_load(&c->part.tail->epoch) != c->info.epoch;
}

static int check_gone(struct cursor *c, struct err *e) {
    if (partition_is_deleted(&c->part)) return err_set(e, G_ABSENT, "topic '%s' was deleted", c->part.topic->name);
    uint64_t start = cursor_start(c);
    if (c->next_offset >= start) return 0;
    uint64_t lost = start - c->next_offset, from = c->next_offset;
    c->next_offset = start;
    close_segment(c);
    return err_set(e, G_ABSENT, "'%s/%u': %" PRIu64 " records from offset %" PRIu64 " on were removed by retention",
                   c->part.topic->name, c->part.number, lost, from);
}

/* Records that a default reader saw stay; others may have been cut since, and written anew at the same offsets. */
static int check_read_epoch(struct cursor *c, struct err *e) {
    uint64_t end;
    uint32_t now;
    if (c->read_epoch == 0 || c->info.epoch == c->read_epoch) return 0;
    int g = segment_epoch_end(c->part.dir, &c->part.id, c->read_epoch, &end, &now, e);
    if (g < 0 || c->next_offset <= end) return g;
    err_set(e, G_CORRUPT, "a recovery cut the partition back to offset %" PRIu64, end);
    return at_offset(c, c->next_offset, e);
}

static int ensure_walk(struct cursor *c, struct err *e) {
    if (c->walk_open && segment_is_stale(c)) close_segment(c);
    if (c->walk_open) return 0;
    int g = open_segment(c, c->next_offset, e);
    if (g == 0) g = check_read_epoch(c, e);
    return g == 0 ? begin_walk(c, c->next_offset, e) : g;
}

/* One step of the walk that yields a block, moves to another segment (1) or finds nothing (G_WAIT is 3). */
static int step(struct cursor *c, uint64_t end, struct err *e) {
    int g = ensure_walk(c, e);
    if (g != 0) return g;
    if (c->sealed && c->walk.next_at >= c->walk.limit) {
        g = next_segment(c, e);
        return g < 0 ? g : 1;
    }
    if (!c->sealed && c->walk.next_offset >= c->settled) {
        g = segment_limit(c, &c->walk.limit, e);
        if (g < 0) return g;
        c->walk.window.len = 0;
        c->settled = end;
    }
    g = segment_walk_next(&c->walk, e);
    if (g == G_EOF || (g == G_TRUNCATED && !c->sealed)) { /* torn above the end: a writer is at it, or died */
        if (segment_is_stale(c)) return 1;                /* sealed meanwhile */
        if (c->walk.next_offset < end && !c->uncommitted && cursor_end(c) >= end) {
            err_set(e, G_CORRUPT, "records up to %" PRIu64 " are missing", end);
            return at_offset(c, c->walk.next_offset, e);
        }
        c->walk.next_at = c->walk.at;
        c->settled = 0;
        return G_WAIT;
    }
    if (g == G_TRUNCATED) g = err_set(e, G_CORRUPT, "sealed segment ends inside a block");
    return g < 0 ? at_offset(c, c->walk.next_offset, e) : 0;
}

int cursor_next(struct cursor *c, struct cursor_block *ret, struct err *e) {
    uint64_t was = c->next_offset;
    int turns = 0;
    take_back(c);
    for (;;) {
        int g = check_gone(c, e);
        if (g < 0) return g;
        uint64_t end = cursor_end(c);
        if (c->next_offset >= end) {
            if (c->walk_open && c->next_offset > end && segment_is_stale(c)) {
                err_set(e, G_CORRUPT, "a recovery cut the partition back to offset %" PRIu64, end);
                return at_offset(c, c->next_offset, e);
            }
            return G_WAIT;
        }
        g = step(c, end, e);
        if (g != 0 && g != 1) return g;
        bool on_the_way = g == 0 && c->walk.next_offset <= c->next_offset; /* from an index entry */
        if (g == 1 || (on_the_way && segment_is_stale(c))) {
            /* Segments and tail do not agree: somebody is at it, or died, or bent the tail. Nobody spins on that. */
            turns = c->next_offset == was ? turns + 1 : 0;
            was = c->next_offset;
            if (turns > SETTLE_TURNS) return G_WAIT;
        }
        if (g == 1 || on_the_way) continue;
        *ret = (struct cursor_block){
            .fd = c->fd,
            .at = c->walk.at,
            .size = c->walk.next_at - c->walk.at,
            .h = c->walk.h,
            .first = c->next_offset > c->walk.h.base_offset ? c->next_offset : c->walk.h.base_offset,
            .end = c->walk.next_offset,
            .bytes = segment_walk_bytes(&c->walk),
        };
        c->next_offset = c->walk.next_offset;
        c->read_epoch = c->info.epoch;
        c->lent_fd = c->fd;
        return 0;
    }
}

int cursor_next_kept(struct cursor *c, uint64_t to, cursor_lost_fn lost, void *ctx, struct cursor_block *ret,
                     struct err *e) {
    while (c->next_offset < to) {
        int g = cursor_next(c, ret, e);
        if (g == 0 && ret->first >= to) return G_EOF; /* what was left below it is a gap */
        if (g != G_ABSENT || partition_is_deleted(&c->part)) return g;
        if (lost) lost(ctx, e);
    }
    return G_EOF;
}

static int read_block(const struct cursor_block *b, struct buf *bytes, struct err *e) {
    size_t n = 0;
    buf_clear(bytes);
    if (buf_reserve(bytes, (size_t)b->size) < 0) return err_nomem(e);
    int g = file_pread(b->fd, bytes->data, (size_t)b->size, (off_t)b->at, &n, "segment", e);
    if (g < 0) return g;
    bytes->len = n;
    return n < b->size ? err_set(e, G_CORRUPT, "segment ends inside a block") : 0;
}

int cursor_load(const struct cursor_block *b, struct buf *bytes, struct buf *raw, const char **ret_body,
                struct err *e) {
    const char *block = b->bytes;
    int g = block ? 0 : read_block(b, bytes, e);
    if (g < 0) return g;
    if (!block) block = bytes->data;
    const char *stored = block + BLOCK_HEADER_SIZE;
    g = block_check_crc((const uint8_t *)block, stored, b->h.stored_size, e);
    return g < 0 ? g : block_open_body(&b->h, stored, raw, ret_body, e);
}

void cursor_pause(struct cursor *c) {
    if (c->walk_open) buf_release(&c->walk.window);
}

uint32_t cursor_epoch(const struct cursor *c) {
    return c->walk_open ? c->info.epoch : atomic_load(&c->part.tail->epoch);
}

int cursor_check_epoch(struct cursor *c, uint32_t epoch, uint64_t offset, struct err *e) {
    uint64_t end;
    uint32_t now;
    int g = segment_epoch_end(c->part.dir, &c->part.id, epoch, &end, &now, e);
    if (g < 0 || offset <= end) return g;
    err_set(e, G_CORRUPT,
            "the position was read before a recovery cut the partition back (epoch %u, now %u); reset the group", epoch,
            now);
    return at_offset(c, offset, e);
}

/* The last segment whose running_max is below t: no earlier one can hold a record at or after t. */
static int segment_for_time(const struct cursor *c, int64_t t, uint64_t *ret_base, struct err *e) {
    uint64_t *bases = NULL;
    size_t count = 0;
    int g = segment_list(c->part.dir, &bases, &count, e);
    size_t lo = 0, hi = count;
    while (g == 0 && lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        char name[SEGMENT_NAME_BYTES];
        struct segment_info info = {0};
        segment_name(name, bases[mid], ".leat");
        int fd = sys.open_beneath(c->part.dir, name, O_RDONLY, 0);
        g = fd < 0 ? err_sys(e, errno, "cannot open segment '%s'", name)
                   : segment_read_info(fd, &c->part.id, bases[mid], &info, e);
        if (fd >= 0) sys.close(fd);
        if (info.running_max < t)
            lo = mid + 1;
        else
            hi = mid;
        segment_info_release(&info);
    }
    *ret_base = lo ? bases[lo - 1] : 0;
    free(bases);
    return g;
}

static int time_in_block(const struct cursor_block *b, int64_t t, uint64_t *ret_offset, struct err *e) {
    struct buf bytes = {0}, raw = {0};
    const char *body;
    struct record_walk w;
    struct record r;
    int g = cursor_load(b, &bytes, &raw, &body, e);
    if (g == 0) {
        record_walk_init(&w, &b->h, body, RECORD_LIMIT_MAX);
        while ((g = record_next(&w, &r, e)) > 0)
            if (r.offset >= b->first && r.time != NO_TIME && r.time >= t) {
                *ret_offset = r.offset;
                break;
            }
    }
    buf_release(&bytes);
    buf_release(&raw);
    return g; /* 1: found */
}

/* Skip what the index of a sealed segment knows to be earlier. */
static int skip_by_index(struct cursor *c, int64_t t, struct err *e) {
    struct index index = {0};
    uint64_t limit;
    int g = open_segment(c, c->next_offset, e);
    if (g != 0) return g < 0 ? g : 0;
    g = segment_limit(c, &limit, e);
    if (g == 0 && c->sealed) {
        g = index_load_or_build(&index, c->part.dir, c->fd, &c->part.id, &c->info, limit, e);
        const struct index_entry *entry = g == 0 ? index_find_time(&index, t) : NULL;
        if (entry && entry->offset > c->next_offset) c->next_offset = entry->offset;
        index_release(&index);
    }
    close_segment(c);
    return g;
}

int cursor_find_time(struct cursor *c, int64_t t, uint64_t *ret_offset, struct err *e) {
    uint64_t base = 0, was = c->next_offset;
    int g = segment_for_time(c, t, &base, e);
    if (g == 0) g = cursor_seek(c, base, e);
    if (g == 0) g = skip_by_index(c, t, e);
    struct cursor_block b;
    while (g == 0) {
        g = cursor_next_kept(c, UINT64_MAX, NULL, NULL, &b, e);
        if (g == 0 && b.h.max_time != NO_TIME && b.h.max_time >= t) g = time_in_block(&b, t, ret_offset, e);
    }
    if (g == G_WAIT) *ret_offset = cursor_end(c);
    close_segment(c);
    c->next_offset = was;
    c->read_epoch = 0;
    return g < 0 ? g : 0;
}
