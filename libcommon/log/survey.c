/* SPDX-License-Identifier: Apache-2.0 */
/* A look at every byte of a partition: the tail, the list of segments, how they follow each other. See survey.h. */
#include "log/survey.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>

#include "sys/file.h"
#include "sys/lock.h"
#include "sys/sys.h"
#include "json/validate.h"

static void release_segments(struct surveyed_segment *list, size_t count) {
    for (size_t i = 0; i < count; i++) {
        segment_info_release(&list[i].info);
        free(list[i].faults);
    }
    free(list);
}

void survey_release(struct survey *s) {
    if (!s) return;
    release_segments(s->segments, s->count);
    free(s->strays);
    s->segments = NULL;
    s->strays = NULL;
    s->count = 0;
}

void survey_seen_release(struct survey_seen *seen) {
    release_segments(seen->segments, seen->count);
    *seen = (struct survey_seen){0};
}

/* ---- what is there at one moment ---- */

static void copy_tail(struct survey *s) {
    const struct tail *t = s->p->tail;
    s->tail_valid = tail_valid(t, s->p->id.topic_id, s->p->number);
    s->tail_blank = !s->tail_valid && memcmp(t->magic, (const char[8]){0}, sizeof t->magic) == 0;
    s->tail_current = s->tail_valid && atomic_load(&t->boot) == sys_boot_id();
    s->stable_offset = atomic_load(&t->stable_offset); /* first: it never passes what is read next */
    s->synced_offset = atomic_load(&t->synced_offset);
    s->tail_segment = atomic_load(&t->segment);
    s->written_size = atomic_load(&t->written_size);
    s->written_offset = atomic_load(&t->written_offset);
    s->tail_start = atomic_load(&t->start_offset);
    s->tail_epoch = atomic_load(&t->epoch);
    s->tail_state = atomic_load(&t->state);
    s->appending = atomic_load(&t->appending);
    s->durable = s->tail_valid ? s->synced_offset : 0;
    if (s->tail_current && s->stable_offset > s->durable) s->durable = s->stable_offset;
    /* written_offset is stored first, so no page on disk has it lower */
    if (s->tail_valid && s->durable > s->written_offset) {
        s->tail_fault = "its durable end lies beyond its written end";
        s->durable = s->written_offset;
    }
}

static int list_segments(struct survey *s, struct err *e) {
    uint64_t *bases = NULL;
    size_t count = 0;
    int g = segment_list(s->p->dir, &bases, &count, e);
    if (g < 0) return g;
    /* room for one that is missing in front of each */
    s->segments = calloc(count ? 2 * count : 1, sizeof *s->segments);
    for (size_t i = 0; s->segments && i < count; i++) s->segments[i].base = bases[i];
    s->strays = calloc(count ? count : 1, sizeof *s->strays);
    s->count = s->segments ? count : 0;
    free(bases);
    return s->segments && s->strays ? 0 : err_nomem(e);
}

/* Under the append lock nothing is half done. Who may only read looks without it. */
static int take_stock(struct survey *s, unsigned flags, struct err *e) {
    bool lock = !(flags & SURVEY_LOCKED) && s->p->writable;
    int g = 0;
    if (lock) g = lock_take(s->p->lock_fd, LOCK_APPEND, s->p->lock_timeout_ns, &s->p->tail->appending, s->p->label, e);
    if (g < 0) return g;
    copy_tail(s);
    g = list_segments(s, e);
    if (lock) lock_release(s->p->lock_fd, LOCK_APPEND);
    return g;
}

/* The file `start` must be exactly what leat-log(5) says: a damaged one could move the start unseen. */
static int read_start(struct survey *s, struct err *e) {
    struct buf text = {0};
    int g = file_load(s->p->dir, "start", 64, &text, e);
    buf_release(&text);
    s->start_there = g != G_ABSENT;
    s->start_ok = !s->start_there || partition_read_start(s->p->dir, &s->file_start, NULL) == 0;
    s->start = s->start_ok ? s->file_start : s->tail_valid ? s->tail_start : 0;
    return g == G_ABSENT || g == G_DATA ? 0 : g;
}

/* ---- how the segments follow each other ---- */

static bool peek_info(const struct survey *s, uint64_t base, struct segment_info *ret) {
    char name[SEGMENT_NAME_BYTES];
    segment_name(name, base, ".leat");
    int fd = sys.open_beneath(s->p->dir, name, O_RDONLY, 0);
    if (fd < 0) return false;
    int g = segment_read_info(fd, &s->p->id, base, ret, NULL);
    sys.close(fd);
    if (g < 0) segment_info_release(ret);
    return g == 0;
}

static void insert_missing(struct survey *s, size_t at, const struct segment_info *behind) {
    memmove(&s->segments[at + 1], &s->segments[at], (s->count - at) * sizeof *s->segments);
    s->count++;
    s->segments[at] = (struct surveyed_segment){
        .base = behind->previous.base,
        .bound = behind->base,
        .missing = true,
        .chain_ok = true,
        .end_offset = behind->base,
        .max_time = NO_TIME,
        .info = {.base = behind->previous.base, .epoch = behind->previous.epoch, .running_max = NO_TIME},
    };
}

static bool has_base(const struct survey *s, uint64_t base) {
    for (size_t i = 0; i < s->count; i++)
        if (s->segments[i].base == base) return true;
    return false;
}

/* Does the file lie between two segments that follow each other, or behind the one that the tail knows as the last,
 * without being one? Readers would stumble over it. */
static bool is_stray(const struct survey *s, const struct surveyed_segment *seg, const struct segment_info *behind,
                     bool told) {
    struct segment_info own = {0};
    if (told)
        return behind->has_previous && behind->previous.end_offset == behind->base &&
               behind->previous.base < seg->base && has_base(s, behind->previous.base);
    bool last = seg == &s->segments[s->count - 1];
    if (!last || !s->tail_current || s->tail_segment >= seg->base || !has_base(s, s->tail_segment)) return false;
    if (!peek_info(s, seg->base, &own)) return true;
    segment_info_release(&own);
    return false;
}

static void take_out(struct survey *s, size_t i) {
    s->strays[s->stray_count++] = s->segments[i].base;
    memmove(&s->segments[i], &s->segments[i + 1], (s->count - i - 1) * sizeof *s->segments);
    s->count--;
}

/* Where each segment ends by what the one behind it says. From the last to the first. */
static void bound_segments(struct survey *s) {
    uint64_t bound = UINT64_MAX;
    struct segment_info behind = {0};
    bool told = false; /* `behind` was read */
    for (size_t i = s->count; i-- > 0;) {
        struct surveyed_segment *seg = &s->segments[i];
        if (is_stray(s, seg, &behind, told)) {
            take_out(s, i);
            continue;
        }
        bool follows = told && behind.has_previous && behind.previous.end_offset == bound;
        if (follows && behind.previous.base > seg->base && behind.previous.base < bound) {
            insert_missing(s, i + 1, &behind);
            seg = &s->segments[i];
            bound = behind.previous.base;
            follows = false;
        }
        seg->bound = bound;
        seg->chain_ok = true;
        if (follows && behind.previous.base == seg->base) seg->limit = behind.previous.size;
        segment_info_release(&behind);
        behind = (struct segment_info){0};
        told = peek_info(s, seg->base, &behind);
        bound = seg->base;
    }
    segment_info_release(&behind);
}

/* Segments wholly below the start wait for a cleaner to take them away; nobody reads them. */
static void leave_out_leftovers(struct survey *s) {
    size_t n = 0;
    while (n + 1 < s->count && s->segments[n + 1].base <= s->start) n++;
    s->leftovers = n;
    memmove(s->segments, s->segments + n, (s->count - n) * sizeof *s->segments);
    s->count -= n;
}

static int check_sealed(struct survey *s, size_t i, struct err *e) {
    struct surveyed_segment *seg = &s->segments[i];
    const struct surveyed_segment *next = &s->segments[i + 1];
    const struct segment_info *n = &next->info;
    if (next->missing || !next->head_ok || !seg->head_ok) return 0;
    bool ours = n->has_previous && n->previous.base == seg->base && n->previous.end_offset == next->base;
    bool same = ours && n->previous.epoch == seg->info.epoch;
    if (seg->info.rewritten)
        same = same && seg->info.end_offset == next->base && seg->info.orig_size == n->previous.size &&
               seg->info.orig_crc32c == n->previous.crc32c;
    else if (seg->fault_count == 0) /* a fault that was told already explains a difference */
        same = same && seg->limit == n->previous.size && seg->last_crc32c == n->previous.crc32c;
    seg->chain_ok = same;
    if (same) return 0;
    return survey_fault(seg, 0, 0, next->base, next->base, e,
                        "the segment at offset %" PRIu64 " does not follow this one by what it says", next->base);
}

static int check_last(struct survey *s, struct err *e) {
    struct surveyed_segment *seg = &s->segments[s->count - 1];
    s->end = seg->end_offset > s->durable ? seg->end_offset : s->durable;
    if (s->count < 2 || !seg->head_ok || !s->segments[s->count - 2].head_ok) return 0;
    if (seg->info.epoch >= s->segments[s->count - 2].info.epoch) return 0;
    return survey_fault(seg, 0, 0, seg->base, seg->base, e, "its epoch is lower than that of the segment before");
}

static void check_first(struct survey *s) {
    const struct surveyed_segment *seg = &s->segments[0];
    const struct segment_info *i = &seg->info;
    bool told = seg->head_ok && i->has_previous;
    s->missing_from = s->start_there ? s->start : i->previous.base;
    s->missing_below = (s->start_there || told) && s->start_ok && s->missing_from < seg->base;
}

/* Only what nobody can be about to change: of this boot, and nobody died while appending. */
static const char *judge_tail(const struct survey *s) {
    const struct surveyed_segment *last = &s->segments[s->count - 1];
    if (s->tail_state & TAIL_DELETED) return "it says that the topic was deleted";
    if (!s->tail_current || s->appending != 0 || s->tail_state & TAIL_POISONED) return NULL;
    if (s->tail_segment != last->base) return "it names another segment as the last one";
    if (last->head_ok && s->tail_epoch != last->info.epoch) return "its epoch is not that of the last segment";
    if (s->written_size > last->file_size && last->fault_count == 0) return "it counts more bytes than there are";
    if (last->fault_count == 0 && s->written_offset != last->end_offset)
        return "its written end is not that of the blocks";
    /* lower: a cleaner died between the file and the word */
    if (s->start_ok && s->tail_start > s->file_start) return "its first offset is beyond that of the file 'start'";
    return NULL;
}

/* Was it looked at before, and would a look now be the same: up to where it counts, and to where the next one begins?
 */
static bool take_seen(struct surveyed_segment *s, struct survey_seen *seen, size_t i) {
    struct surveyed_segment *known = seen && i < seen->count ? &seen->segments[i] : NULL;
    if (!known || !known->head_ok || known->base != s->base || known->bound != s->bound) return false;
    bool whole = known->info.rewritten && s->bound != UINT64_MAX;
    if (!whole && s->limit != 0 && s->limit < known->file_size) return false;
    *s = *known;
    *known = (struct surveyed_segment){0};
    return true;
}

static int look_at_each(struct survey *s, unsigned flags, struct survey_seen *seen, struct err *e) {
    struct json_validator v, *json = NULL;
    int g = 0;
    if (flags & SURVEY_JSON) {
        if (json_validator_init(&v, NULL) < 0) return err_nomem(e);
        json = &v;
    }
    for (size_t i = 0; g == 0 && i < s->count; i++) {
        struct surveyed_segment *seg = &s->segments[i];
        if (seg->missing) {
            g = survey_fault(seg, 0, 0, seg->base, seg->bound, e, "the file is missing");
            continue;
        }
        if (seg->bound == UINT64_MAX && s->tail_current && s->tail_segment == seg->base) seg->limit = s->written_size;
        if (take_seen(seg, seen, i)) continue;
        g = survey_segment(&(struct segment_look){.survey = s, .segment = seg, .json = json}, e);
    }
    json_validator_release(json);
    return g;
}

int survey_partition(struct survey *s, struct partition *p, unsigned flags, struct survey_seen *seen, struct err *e) {
    *s = (struct survey){.p = p};
    int g = take_stock(s, flags, e);
    if (g == 0) g = read_start(s, e);
    s->end = s->durable > s->start ? s->durable : s->start;
    if (g == 0 && s->count > 0) {
        bound_segments(s);
        leave_out_leftovers(s);
        g = look_at_each(s, flags, seen, e);
        for (size_t i = 0; g == 0 && i + 1 < s->count; i++)
            if (!s->segments[i].missing) g = check_sealed(s, i, e);
        check_first(s);
        if (g == 0) g = check_last(s, e);
        if (g == 0 && s->tail_valid && !s->tail_fault) s->tail_fault = judge_tail(s);
    }
    if (g < 0) survey_release(s);
    return g;
}
