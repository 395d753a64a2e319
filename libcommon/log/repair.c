/* SPDX-License-Identifier: Apache-2.0 */
/* Repair of a partition. See repair.h. */
#include "log/repair.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/endian.h"
#include "log/index.h"
#include "log/rewrite.h"
#include "log/verify.h"
#include "sys/file.h"
#include "sys/lock.h"
#include "sys/sys.h"

struct repair {
    struct partition p;
    struct survey s;
    bool clean_lock, append_lock, surveyed;
    struct repair_plan plan;
    bool *rewrite; /* for each segment of the survey */
    bool *index;   /* its index is wrong */
    bool end;      /* the last segment is sealed, and a new one begun behind it */
    bool start, tail;
    uint64_t new_start;
};

void repair_plan_release(struct repair_plan *plan) {
    if (plan) buf_release(&plan->text);
}

/* ---- the plan ---- */

static int tell(struct repair *r, struct err *e, const char *fmt, ...) PRINTF_LIKE(3, 4);
static int tell(struct repair *r, struct err *e, const char *fmt, ...) {
    char line[400];
    va_list ap;
    va_start(ap, fmt);
    (void)vsnprintf(line, sizeof line, fmt, ap);
    va_end(ap);
    return buf_printf(&r->plan.text, "%s/%u: %s\n", r->p.topic->name, r->p.number, line) < 0 ? err_nomem(e) : 0;
}

static int tell_loss(struct repair *r, uint64_t base, const struct fault *f, struct err *e) {
    uint64_t from = f->from > r->s.start ? f->from : r->s.start;
    uint64_t lost = f->until > from ? f->until - from : 0;
    r->plan.lost += lost;
    r->plan.lost_bytes += f->to - f->at;
    if (lost == 0) return tell(r, e, "segment %020" PRIu64 ": %s; no record is lost by it", base, f->what);
    if (f->to == f->at)
        return tell(r, e, "lost: offsets %" PRIu64 " to %" PRIu64 " (%" PRIu64 "): segment %020" PRIu64 ": %s", from,
                    f->until - 1, lost, base, f->what);
    return tell(r, e,
                "lost: offsets %" PRIu64 " to %" PRIu64 " (%" PRIu64 "), bytes %" PRIu64 " to %" PRIu64
                " of segment %020" PRIu64 ": %s",
                from, f->until - 1, lost, f->at, f->to - 1, base, f->what);
}

static bool follows(const struct surveyed_segment *a, const struct surveyed_segment *b) {
    const struct segment_info *n = &b->info;
    return b->head_ok && n->has_previous && n->previous.base == a->base && n->previous.end_offset == b->base &&
           (!a->head_ok || n->previous.epoch == a->info.epoch);
}

static int plan_segment(struct repair *r, size_t i, struct err *e) {
    const struct surveyed_segment *seg = &r->s.segments[i];
    struct verification v = {0};
    bool last = seg->bound == UINT64_MAX;
    bool follows_badly =
        i > 0 && !r->s.segments[i - 1].missing && !seg->missing && !follows(&r->s.segments[i - 1], seg);
    int g = 0;
    for (size_t k = 0; g == 0 && k < seg->fault_count; k++) g = tell_loss(r, seg->base, &seg->faults[k], e);
    if (g < 0) return g;
    if (seg->missing || seg->fault_count || follows_badly) {
        r->rewrite[i] = true;
        r->end = r->end || last;
        r->plan.steps++;
        if (seg->missing) return tell(r, e, "step: put an empty segment %020" PRIu64 " in its place", seg->base);
        return tell(r, e,
                    "step: write segment %020" PRIu64 " anew with what is whole; the file as it is goes to quarantine",
                    seg->base);
    }
    g = verify_index(&r->s, seg, &v, e);
    if (g == 0 && v.faults) {
        r->index[i] = true;
        r->plan.steps++;
        g = tell(r, e, "step: make the index of segment %020" PRIu64 " again", seg->base);
    }
    verification_release(&v);
    return g;
}

static int plan_start(struct repair *r, struct err *e) {
    const struct survey *s = &r->s;
    bool nothing = s->count == 0 && s->durable > s->start;
    r->start = !s->start_ok || s->missing_below || nothing;
    if (!r->start) return 0;
    r->new_start = nothing ? s->durable : s->start;
    if (s->count && (s->missing_below || s->start < s->segments[0].base)) r->new_start = s->segments[0].base;
    r->plan.steps++;
    if (s->missing_below) {
        struct fault f = {.from = s->missing_from, .until = s->segments[0].base};
        (void)snprintf(f.what, sizeof f.what, "the segments before it are missing");
        int g = tell_loss(r, s->segments[0].base, &f, e);
        if (g < 0) return g;
    }
    return tell(r, e, "step: set the first offset that is kept to %" PRIu64, r->new_start);
}

static int plan_rest(struct repair *r, struct err *e) {
    const struct survey *s = &r->s;
    int g = 0;
    if (s->count == 0 && s->durable > 0) {
        struct fault f = {.from = s->start, .until = s->durable, .what = "there are no segments"};
        if (f.until < f.from) f.until = f.from;
        r->end = true;
        g = tell_loss(r, s->start, &f, e);
    }
    if (g == 0 && r->end) {
        r->plan.steps++;
        g = tell(r, e, "step: begin a new segment at offset %" PRIu64, s->end);
    }
    r->tail = s->tail_fault || r->end || (!s->tail_valid && s->count > 0);
    if (g == 0 && r->tail && !r->end) {
        r->plan.steps++;
        g = tell(r, e, "step: make the tail page again from the segments");
    }
    return g;
}

static int plan_strays(struct repair *r, struct err *e) {
    int g = 0;
    for (size_t i = 0; g == 0 && i < r->s.stray_count; i++) {
        r->plan.steps++;
        g = tell(r, e, "step: move %020" PRIu64 ".leat, which is not a part of the log, to quarantine", r->s.strays[i]);
    }
    return g;
}

static int make_plan(struct repair *r, struct err *e) {
    size_t n = r->s.count ? r->s.count : 1;
    r->rewrite = calloc(n, sizeof *r->rewrite);
    r->index = calloc(n, sizeof *r->index);
    if (!r->rewrite || !r->index) return err_nomem(e);
    int g = plan_strays(r, e);
    if (g == 0) g = plan_start(r, e);
    for (size_t i = 0; g == 0 && i < r->s.count; i++) g = plan_segment(r, i, e);
    return g < 0 ? g : plan_rest(r, e);
}

/* ---- open and close ---- */

static void repair_close(struct repair *r) {
    if (r->surveyed) survey_release(&r->s);
    free(r->rewrite);
    free(r->index);
    if (r->append_lock) lock_release(r->p.lock_fd, LOCK_APPEND);
    if (r->clean_lock) {
        atomic_store(&r->p.tail->cleaning, 0);
        lock_release(r->p.lock_fd, LOCK_CLEAN);
    }
    partition_close(&r->p);
}

static int repair_open(struct repair *r, struct topic *t, uint32_t partition, bool execute, struct err *e) {
    *r = (struct repair){0};
    int g = partition_open(&r->p, t, partition, PARTITION_CLEAN, e);
    if (g < 0) return g;
    if (!r->p.writable) g = err_sys(e, EACCES, "cannot repair '%s'", r->p.label);
    if (g == 0) g = lock_take(r->p.lock_fd, LOCK_CLEAN, r->p.lock_timeout_ns, &r->p.tail->cleaning, r->p.label, e);
    r->clean_lock = g == 0;
    if (g == 0) atomic_store(&r->p.tail->cleaning, (uint32_t)getpid());
    if (g == 0 && execute) {
        g = lock_take(r->p.lock_fd, LOCK_APPEND, r->p.lock_timeout_ns, &r->p.tail->appending, r->p.label, e);
        r->append_lock = g == 0;
    }
    if (g == 0) g = survey_partition(&r->s, &r->p, execute ? SURVEY_LOCKED : 0, NULL, e);
    r->surveyed = g == 0;
    if (g == 0) g = make_plan(r, e);
    if (g < 0) {
        repair_close(r);
        repair_plan_release(&r->plan);
    }
    return g;
}

int repair_plan_make(struct topic *t, uint32_t partition, struct repair_plan *ret, struct err *e) {
    struct repair r;
    int g = repair_open(&r, t, partition, false, e);
    if (g < 0) return g;
    *ret = r.plan;
    repair_close(&r);
    return 0;
}

/* ---- what the new segment blocks say ---- */

struct said {
    uint64_t size;
    uint32_t crc32c;
};

/* What the segment behind says, or will say, of segment i: both sides of a seam must be given the same. */
static struct said said_of(const struct repair *r, size_t i) {
    const struct surveyed_segment *seg = &r->s.segments[i];
    if (i + 1 < r->s.count && !r->s.segments[i + 1].missing && follows(seg, &r->s.segments[i + 1])) {
        const struct segment_info *n = &r->s.segments[i + 1].info;
        return (struct said){n->previous.size, n->previous.crc32c};
    }
    if (seg->head_ok && seg->info.rewritten) return (struct said){seg->info.orig_size, seg->info.orig_crc32c};
    return (struct said){seg->limit, seg->last_crc32c};
}

static uint32_t epoch_of(const struct repair *r, size_t i) {
    const struct surveyed_segment *seg = &r->s.segments[i];
    if (seg->info.epoch) return seg->info.epoch; /* it is above 0 in every segment that was ever written */
    for (size_t k = i + 1; k < r->s.count; k++)
        if (r->s.segments[k].head_ok && k == i + 1 && r->s.segments[k].info.has_previous)
            return r->s.segments[k].info.previous.epoch;
    return i > 0 ? epoch_of(r, i - 1) : 1;
}

static void set_previous(const struct repair *r, size_t i, struct segment_info *info) {
    info->has_previous = i > 0;
    if (i == 0) return;
    struct said said = said_of(r, i - 1);
    info->previous.base = r->s.segments[i - 1].base;
    info->previous.end_offset = info->base;
    info->previous.size = said.size;
    info->previous.crc32c = said.crc32c;
    info->previous.epoch = epoch_of(r, i - 1);
}

/* Times of a segment whose own are not known: those of the one behind it, which are not earlier, or of now. */
static void borrow_times(const struct repair *r, size_t i, struct segment_info *info) {
    info->created_ns = sys.wall_ns();
    info->monotonic_ns = sys.boot_ns();
    info->boot_id = sys_boot_id();
    info->running_max = NO_TIME;
    for (size_t k = 0; k < i; k++) {
        const struct surveyed_segment *before = &r->s.segments[k];
        if (before->max_time > info->running_max) info->running_max = before->max_time;
        if (before->head_ok && before->info.running_max > info->running_max)
            info->running_max = before->info.running_max;
    }
    if (i + 1 >= r->s.count || !r->s.segments[i + 1].head_ok) return;
    const struct segment_info *n = &r->s.segments[i + 1].info;
    info->created_ns = n->created_ns;
    info->monotonic_ns = n->monotonic_ns;
    info->boot_id = n->boot_id;
    info->running_max = n->running_max;
}

/* An index tells of which generation its segment was, where the segment itself cannot. */
static uint32_t generation_of(const struct repair *r, size_t i) {
    const struct surveyed_segment *seg = &r->s.segments[i];
    char name[SEGMENT_NAME_BYTES];
    struct buf b = {0};
    uint32_t generation = 0;
    if (seg->head_ok) return seg->info.generation;
    segment_name(name, seg->base, ".idx");
    if (file_load(r->p.dir, name, 1u << 30, &b, NULL) == 0 && b.len >= 64 && memcmp(b.data, "LEATINDX", 8) == 0)
        generation = get_u32_le(b.data + 40);
    buf_release(&b);
    return generation < UINT32_MAX ? generation : 0;
}

static int compare_ranges(const void *a, const void *b) {
    const struct offset_range *x = a, *y = b;
    return x->from < y->from ? -1 : x->from > y->from;
}

/* The old lost ranges and the new ones, rising and apart. */
static int merge_lost(const struct surveyed_segment *seg, uint64_t bound, struct segment_info *info, struct err *e) {
    size_t n = 0, most = seg->info.lost_count + seg->fault_count + 1;
    struct offset_range *all = calloc(most, sizeof *all);
    if (!all) return err_nomem(e);
    for (size_t i = 0; i < seg->info.lost_count; i++) all[n++] = seg->info.lost[i];
    for (size_t i = 0; i < seg->fault_count; i++) {
        const struct fault *f = &seg->faults[i];
        uint64_t until = f->until < bound ? f->until : bound;
        if (until > f->from) all[n++] = (struct offset_range){f->from, until};
    }
    if (n) qsort(all, n, sizeof *all, compare_ranges);
    size_t kept = 0;
    for (size_t i = 0; i < n; i++) {
        if (kept && all[i].from <= all[kept - 1].to) {
            if (all[i].to > all[kept - 1].to) all[kept - 1].to = all[i].to;
        } else {
            all[kept++] = all[i];
        }
    }
    info->lost = all;
    info->lost_count = kept;
    return 0;
}

static int new_info(const struct repair *r, size_t i, struct segment_info *ret, struct err *e) {
    const struct surveyed_segment *seg = &r->s.segments[i];
    uint64_t bound = seg->bound == UINT64_MAX ? r->s.end : seg->bound;
    *ret = seg->info;
    ret->base = seg->base;
    ret->epoch = epoch_of(r, i);
    if (!seg->head_ok) borrow_times(r, i, ret);
    if (!seg->head_ok || (i > 0 && !follows(&r->s.segments[i - 1], seg))) set_previous(r, i, ret);
    struct said said = said_of(r, i);
    ret->rewritten = true;
    ret->generation = generation_of(r, i) + 1;
    ret->end_offset = bound;
    ret->orig_size = said.size;
    ret->orig_crc32c = said.crc32c;
    return merge_lost(seg, bound, ret, e);
}

/* ---- the work ---- */

static int put_into_quarantine(const struct repair *r, size_t i, struct err *e) {
    char name[SEGMENT_NAME_BYTES], kept[SEGMENT_NAME_BYTES + 24];
    segment_name(name, r->s.segments[i].base, ".leat");
    (void)snprintf(kept, sizeof kept, "%020" PRIu64 "-g%u.leat", r->s.segments[i].base, generation_of(r, i));
    int dir = dir_open(r->p.dir, "quarantine", true, e);
    if (dir < 0) return dir;
    int g = 0;
    if (sys.linkat(r->p.dir, name, dir, kept) < 0 && errno != EEXIST)
        g = err_sys(e, errno, "cannot put segment '%s' into quarantine", name);
    if (g == 0) g = dir_sync(dir, kept, e);
    sys.close(dir);
    return g;
}

static int move_stray(const struct repair *r, uint64_t base, struct err *e) {
    char name[SEGMENT_NAME_BYTES], kept[SEGMENT_NAME_BYTES + 24];
    segment_name(name, base, ".leat");
    (void)snprintf(kept, sizeof kept, "%020" PRIu64 "-stray.leat", base);
    int dir = dir_open(r->p.dir, "quarantine", true, e);
    if (dir < 0) return dir;
    int g = sys.renameat(r->p.dir, name, dir, kept) < 0 ? err_sys(e, errno, "cannot move '%s'", name) : 0;
    if (g == 0) g = dir_sync(dir, kept, e);
    sys.close(dir);
    return g < 0 ? g : dir_sync(r->p.dir, name, e);
}

/* The whole blocks of [at, to), which begins with one of this offset. */
static int copy_stretch(const struct repair *r, const struct surveyed_segment *seg, int fd, uint64_t at, uint64_t to,
                        uint64_t offset, struct segment_writer *w, struct err *e) {
    struct segment_walk walk;
    int g = 0;
    segment_walk_init(&walk, fd, &r->p.id, &seg->info, to, at, offset);
    walk.check_bodies = true;
    while (g == 0 && (g = segment_walk_next(&walk, e)) == 0)
        g = segment_writer_copy(w, walk.header, walk.stored, walk.h.stored_size, e);
    segment_walk_release(&walk);
    return g == G_EOF ? 0 : g;
}

static int copy_whole_blocks(const struct repair *r, const struct surveyed_segment *seg, struct segment_writer *w,
                             struct err *e) {
    char name[SEGMENT_NAME_BYTES];
    uint64_t at = seg->first_data, offset = seg->base;
    segment_name(name, seg->base, ".leat");
    int fd = sys.open_beneath(r->p.dir, name, O_RDONLY, 0);
    if (fd < 0) return err_sys(e, errno, "cannot open segment '%s'", name);
    int g = 0;
    for (size_t i = 0; g == 0 && i < seg->fault_count; i++) {
        const struct fault *f = &seg->faults[i];
        if (f->at < at || (f->at == f->to && f->from == f->until)) continue;
        g = copy_stretch(r, seg, fd, at, f->at, offset, w, e);
        at = f->to;
        offset = f->until;
    }
    if (g == 0 && at < seg->limit) g = copy_stretch(r, seg, fd, at, seg->limit, offset, w, e);
    sys.close(fd);
    return g;
}

static int rewrite_segment(const struct repair *r, size_t i, struct err *e) {
    const struct surveyed_segment *seg = &r->s.segments[i];
    struct segment_info info;
    struct segment_writer w;
    int g = seg->missing ? 0 : put_into_quarantine(r, i, e);
    if (g == 0) g = new_info(r, i, &info, e);
    if (g < 0) return g;
    g = segment_writer_open(&w, r->p.dir, &r->p.id, &info, false, e);
    if (g == 0) {
        if (!seg->missing) g = copy_whole_blocks(r, seg, &w, e);
        if (g == 0) g = segment_writer_commit(&w, e);
        segment_writer_close(&w);
    }
    segment_info_release(&info);
    return g;
}

static int rebuild_index(const struct repair *r, size_t i, struct err *e) {
    const struct surveyed_segment *seg = &r->s.segments[i];
    char name[SEGMENT_NAME_BYTES];
    struct index x;
    segment_name(name, seg->base, ".leat");
    int fd = sys.open_beneath(r->p.dir, name, O_RDONLY, 0);
    if (fd < 0) return err_sys(e, errno, "cannot open segment '%s'", name);
    int g = index_build(&x, fd, &r->p.id, &seg->info, seg->limit, e);
    sys.close(fd);
    if (g == 0) index_save(&x, r->p.dir, true);
    if (g == 0) index_release(&x);
    return g;
}

/* The new last segment, durable before the old one is touched: whoever dies between leaves damage that is found again,
 * and nothing is ever appended to a segment that was written anew. */
static int begin_new_segment(struct repair *r, struct err *e) {
    const struct survey *s = &r->s;
    struct segment_info next = {.base = s->end, .epoch = s->tail_valid ? s->tail_epoch : 0};
    size_t n = s->count;
    for (size_t i = 0; i < n; i++)
        if (epoch_of(r, i) > next.epoch) next.epoch = epoch_of(r, i);
    next.epoch++;
    borrow_times(r, n, &next);
    bool replaces = n > 0 && s->segments[n - 1].base == s->end;
    if (replaces) n--;
    if (replaces && s->segments[n].head_ok && s->segments[n].info.has_previous) {
        next.has_previous = true;
        next.previous = s->segments[n].info.previous;
    } else {
        set_previous(r, n, &next);
    }
    int g = replaces ? put_into_quarantine(r, n, e) : 0;
    if (g == 0) g = partition_new_segment(&r->p, &next, true, e);
    if (replaces && g == 0) r->rewrite[n] = false;
    return g;
}

/* The page, from the segments. What it says of the durable end is believed as far as the survey did. */
static int renew_tail(struct repair *r, struct err *e) {
    struct tail *t = r->p.tail;
    if (r->s.tail_valid) {
        atomic_store(&t->boot, 0);
        atomic_store(&t->synced_offset, r->s.durable);
        atomic_store(&t->state, 0);
    }
    return partition_recover(&r->p, e);
}

static int execute(struct repair *r, struct err *e) {
    int g = 0;
    for (size_t i = 0; g == 0 && i < r->s.stray_count; i++) g = move_stray(r, r->s.strays[i], e);
    if (g == 0 && r->start) g = partition_write_start(r->p.dir, r->new_start, e);
    if (g == 0 && r->end) g = begin_new_segment(r, e);
    for (size_t i = 0; g == 0 && i < r->s.count; i++) {
        if (r->rewrite[i]) g = rewrite_segment(r, i, e);
        if (g == 0 && r->index[i]) g = rebuild_index(r, i, e);
    }
    if (g == 0 && r->tail) return renew_tail(r, e);
    if (g == 0 && r->start) atomic_store(&r->p.tail->start_offset, r->new_start);
    return g;
}

int repair_execute(struct topic *t, uint32_t partition, const struct repair_plan *agreed, struct err *e) {
    struct repair r;
    int g = repair_open(&r, t, partition, true, e);
    if (g < 0) return g;
    bool same = r.plan.text.len == agreed->text.len &&
                (r.plan.text.len == 0 || memcmp(r.plan.text.data, agreed->text.data, r.plan.text.len) == 0);
    if (!same)
        g = err_set(e, G_FENCED,
                    "partition '%s/%u' is not any more as it was when the plan was made; nothing was changed", t->name,
                    partition);
    if (g == 0) g = execute(&r, e);
    topic_wake(t);
    repair_close(&r);
    repair_plan_release(&r.plan);
    return g;
}
