/* SPDX-License-Identifier: Apache-2.0 */
/* Which bytes of which segments an archive takes, and what a range makes of the first and the last. See archive_plan.h.
 */
#include "log/archive_plan.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>

#include "base/crc32c.h"
#include "log/rewrite.h"
#include "sys/file.h"
#include "sys/signals.h"
#include "sys/sys.h"

#define TRIES 16

void plan_release(struct plan *plan) {
    for (uint32_t p = 0; plan->partitions && p < plan->manifest.partition_count; p++) {
        struct planned_partition *part = &plan->partitions[p];
        for (size_t i = 0; i < part->count; i++) {
            if (part->segments[i].fd >= 0) sys.close(part->segments[i].fd);
            buf_release(&part->segments[i].head);
            buf_release(&part->segments[i].tail);
        }
        free(part->segments);
    }
    free(plan->partitions);
    plan->partitions = NULL;
    manifest_release(&plan->manifest);
}

/* ---- blocks on a border ---- */

struct range {
    uint64_t from, to;
};

/* The records of a block that lie within, as a raw block, appended. *ret: its header; 0 records: there are none. */
static int cut_block(const struct segment_walk *w, const struct range *range, struct buf *out, struct block_header *ret,
                     struct err *e) {
    struct buf raw = {0};
    const char *body;
    struct record_walk rw;
    struct record r;
    struct block_header h = w->h;
    size_t begin = 0, end = 0;
    h.records = 0;
    h.min_time = h.max_time = NO_TIME;
    int g = block_open_body(&w->h, w->stored, &raw, &body, e);
    if (g < 0) return g;
    record_walk_init(&rw, &w->h, body, RECORD_LIMIT_MAX);
    while ((g = record_next(&rw, &r, e)) > 0) {
        if (r.offset < range->from || r.offset >= range->to) continue;
        if (h.records++ == 0) {
            h.base_offset = r.offset;
            begin = rw.record_at;
        }
        end = rw.at;
        if (r.time != NO_TIME && (h.min_time == NO_TIME || r.time < h.min_time)) h.min_time = r.time;
        if (r.time > h.max_time) h.max_time = r.time;
    }
    if (g == 0 && h.records > 0) {
        uint8_t header[BLOCK_HEADER_SIZE];
        h.codec = CODEC_NONE;
        h.raw_size = h.stored_size = (uint32_t)(end - begin);
        block_header_encode(&h, header);
        size_t at = out->len;
        if (buf_append(out, header, sizeof header) < 0 || buf_append(out, body + begin, end - begin) < 0)
            g = err_nomem(e);
        for (size_t k = at + sizeof header; g == 0 && k < out->len; k += get_u32_le(out->data + k))
            put_u32_le(out->data + k + 4, get_u32_le(out->data + k + 4) - (uint32_t)(h.base_offset - w->h.base_offset));
        if (g == 0) block_seal((uint8_t *)out->data + at, out->data + at + sizeof header, end - begin);
    }
    buf_release(&raw);
    *ret = h;
    return g;
}

/* ---- one segment ---- */

/* A segment while its blocks are looked at. */
struct look {
    const struct range *range;
    struct sealed s;    /* the active one, too: `next` is empty then */
    uint64_t end;       /* what the manifest calls end_offset */
    bool followed;      /* the segment behind begins there */
    bool cut_below;     /* records at its beginning are left out */
    uint32_t crc;       /* of the whole blocks that are taken */
    int64_t latest;     /* record time up to the end, those before the segment included */
    uint64_t seen_size; /* of the segment up to there */
    uint32_t seen_crc32c;
    struct buf border; /* what is left of a block on the lower border */
};

static void note_facts(struct manifest_segment *m, const struct block_header *h) {
    m->records += h->records;
    if (h->min_time != NO_TIME && (m->min_time == NO_TIME || h->min_time < m->min_time)) m->min_time = h->min_time;
    if (h->max_time > m->max_time) m->max_time = h->max_time;
}

static int take_block(struct look *k, const struct segment_walk *w, struct planned_segment *seg,
                      struct manifest_segment *m, struct err *e) {
    struct block_header cut;
    bool low = w->h.base_offset<k->range->from, high = w->next_offset> k->range->to;
    k->cut_below |= low;
    if (w->next_offset <= k->range->from) return 0;
    if (low || high) {
        int g = cut_block(w, k->range, low ? &k->border : &seg->tail, &cut, e);
        if (g == 0) note_facts(m, &cut);
        return g;
    }
    if (seg->to == 0) seg->from = w->at;
    seg->to = w->next_at;
    k->crc = crc32c(k->crc, w->header, sizeof w->header);
    k->crc = crc32c(k->crc, w->stored, w->h.stored_size);
    note_facts(m, &w->h);
    return 0;
}

static int walk_blocks(struct look *k, struct planned_segment *seg, struct manifest_segment *m, struct err *e) {
    struct segment_walk w;
    const struct sealed *s = &k->s;
    int g = 0;
    segment_walk_init(&w, s->fd, &s->id, &s->info, s->size, s->info.head_bytes, s->info.base);
    w.check_bodies = true;
    k->seen_size = s->info.head_bytes;
    while (g == 0 && w.next_offset < k->range->to) {
        if (signals_stop()) g = err_set(e, G_STOPPED, "stopped while the topic was read");
        if (g == 0) g = segment_walk_next(&w, e);
        if (g != 0 || w.h.base_offset >= k->range->to) break;
        k->seen_size = w.next_at;
        k->seen_crc32c = w.h.crc32c;
        if (w.h.max_time > k->latest) k->latest = w.h.max_time;
        g = take_block(k, &w, seg, m, e);
    }
    uint64_t reached = w.next_offset;
    segment_walk_release(&w);
    if (g == G_TRUNCATED) e->grade = g = G_CORRUPT;
    if (g == G_EOF && !s->info.rewritten && reached < k->end)
        return err_set(e, G_CORRUPT, "records from offset %" PRIu64 " on are missing", reached);
    return g < 0 ? g : 0;
}

/* The ranges that a repair gave up, as far as they lie in what is left; the list is a new one. */
static int copy_lost(const struct segment_info *from, struct segment_info *to, struct err *e) {
    to->lost = calloc(from->lost_count + 1, sizeof *to->lost);
    to->lost_count = 0;
    if (!to->lost) return err_nomem(e);
    for (size_t i = 0; i < from->lost_count; i++) {
        struct offset_range r = from->lost[i];
        if (r.to > to->end_offset) r.to = to->end_offset;
        if (r.from < r.to) to->lost[to->lost_count++] = r;
    }
    return 0;
}

/* The first block: as it is, or of a segment that was written anew. `ret` is the segment as it will be. */
static int make_head(struct look *k, struct planned_segment *seg, struct segment_info *ret, struct err *e) {
    const struct sealed *s = &k->s;
    *ret = s->info;
    ret->lost = NULL;
    if (!k->cut_below && (!s->info.rewritten || s->info.end_offset == k->end)) {
        size_t n = 0;
        if (buf_reserve(&seg->head, s->info.head_bytes) < 0) return err_nomem(e);
        int g = file_pread(s->fd, seg->head.data, s->info.head_bytes, 0, &n, "segment", e);
        seg->head.len = n;
        return g;
    }
    ret->rewritten = true;
    ret->generation++;
    ret->compacted |= k->cut_below;
    ret->end_offset = k->end;
    if (!s->info.rewritten) {
        ret->orig_size = k->followed ? s->next.previous.size : k->seen_size;
        ret->orig_crc32c = k->followed ? s->next.previous.crc32c : k->seen_crc32c;
    }
    int g = copy_lost(&s->info, ret, e);
    if (g == 0) g = segment_encode_info(&seg->head, &s->id, ret, e);
    segment_info_release(ret);
    if (g == 0 && k->border.len && buf_append(&seg->head, k->border.data, k->border.len) < 0) g = err_nomem(e);
    return g;
}

static void conclude(const struct planned_segment *seg, uint32_t middle, struct manifest_segment *m) {
    uint64_t n = seg->to - seg->from;
    uint32_t crc = crc32c_combine_op(crc32c(0, seg->head.data, seg->head.len), middle, crc32c_shift_op(n));
    m->crc32c = crc32c(crc, seg->tail.data, seg->tail.len);
    m->size = seg->head.len + n + seg->tail.len;
}

/* ---- one partition ---- */

struct planning {
    struct plan *plan;
    struct partition part;
    struct range range;
    uint64_t *bases;
    size_t count;
    struct planned_partition *to;
    struct manifest_partition *manifest;
};

static int add_segment(struct planning *p, uint64_t offset, uint64_t end, struct planned_segment **ret,
                       struct manifest_segment **ret_m, struct err *e) {
    struct planned_segment *list = realloc(p->to->segments, (p->to->count + 1) * sizeof *list);
    if (list) p->to->segments = list;
    struct manifest_segment *m = list ? manifest_add(p->manifest) : NULL;
    if (!m) return err_nomem(e);
    *m = (struct manifest_segment){.offset = offset, .end_offset = end, .min_time = NO_TIME, .max_time = NO_TIME};
    list[p->to->count] = (struct planned_segment){.fd = -1};
    *ret = &list[p->to->count++];
    *ret_m = m;
    return 0;
}

/* A segment without records that the next ones are appended to. */
static int add_closing(struct planning *p, struct segment_info *info, struct err *e) {
    struct planned_segment *seg;
    struct manifest_segment *m;
    segment_info_release(info);
    info->rewritten = info->compacted = false;
    int g = add_segment(p, p->range.to, p->range.to, &seg, &m, e);
    if (g == 0) g = segment_encode_info(&seg->head, &p->part.id, info, e);
    if (g == 0) conclude(seg, 0, m);
    return g;
}

static int close_behind(struct planning *p, const struct look *k, const struct segment_info *last, struct err *e) {
    struct segment_info info = *last;
    info.base = p->range.to;
    info.running_max = k->latest;
    info.has_previous = true;
    info.previous.base = last->base;
    info.previous.end_offset = p->range.to;
    info.previous.size = last->orig_size;
    info.previous.crc32c = last->orig_crc32c;
    info.previous.epoch = last->epoch;
    return add_closing(p, &info, e);
}

static int open_segment(struct planning *p, size_t i, struct sealed *ret, struct err *e) {
    const struct segment_identity *id = &p->part.id;
    if (i + 1 < p->count) return sealed_open(ret, p->part.dir, id, p->bases[i], p->bases[i + 1], e);
    char name[SEGMENT_NAME_BYTES];
    struct stat st;
    segment_name(name, p->bases[i], ".leat");
    *ret = (struct sealed){.dir = p->part.dir, .id = *id};
    ret->fd = sys.open_beneath(p->part.dir, name, O_RDONLY, 0);
    if (ret->fd < 0 || sys.fstat(ret->fd, &st) < 0) return err_sys(e, errno, "cannot open segment '%s'", name);
    ret->size = (uint64_t)st.st_size;
    int g = segment_read_info(ret->fd, id, p->bases[i], &ret->info, e);
    return g == G_TRUNCATED ? e->grade = G_CORRUPT : g;
}

/* The segment that makes two of a range without records: only where it ends counts. */
static int plan_place(struct planning *p, struct look *k, struct err *e) {
    struct planned_segment none = {0};
    struct manifest_segment nothing = {0};
    int g = walk_blocks(k, &none, &nothing, e);
    if (g < 0) return g;
    k->s.info.base = p->range.to;
    k->s.info.running_max = k->latest;
    k->s.info.has_previous = false;
    return add_closing(p, &k->s.info, e);
}

static int plan_blocks(struct planning *p, struct look *k, struct err *e) {
    struct planned_segment *seg;
    struct manifest_segment *m;
    struct segment_info last = {0};
    int g = add_segment(p, k->s.info.base, k->end, &seg, &m, e);
    if (g == 0) g = walk_blocks(k, seg, m, e);
    if (g == 0) g = make_head(k, seg, &last, e);
    if (g < 0) return g;
    conclude(seg, k->crc, m);
    seg->fd = k->s.fd; /* it stays open */
    k->s.fd = -1;
    return last.rewritten && !k->followed ? close_behind(p, k, &last, e) : 0;
}

static int plan_segment(struct planning *p, size_t i, struct err *e) {
    struct look k = {.range = &p->range};
    bool at_end = p->bases[i] == p->range.to;
    k.followed = i + 1 < p->count && p->bases[i + 1] <= p->range.to;
    k.end = k.followed ? p->bases[i + 1] : p->range.to;
    int g = open_segment(p, i, &k.s, e);
    k.latest = k.s.info.running_max;
    if (g == 0 && at_end && k.s.info.rewritten)
        g = add_closing(p, &k.s.info, e);
    else if (g == 0 && !at_end && p->range.from == p->range.to)
        g = plan_place(p, &k, e);
    else if (g == 0)
        g = plan_blocks(p, &k, e);
    sealed_close(&k.s);
    buf_release(&k.border);
    return g;
}

static void forget_segments(struct planning *p) {
    for (size_t i = 0; i < p->to->count; i++) {
        if (p->to->segments[i].fd >= 0) sys.close(p->to->segments[i].fd);
        buf_release(&p->to->segments[i].head);
        buf_release(&p->to->segments[i].tail);
    }
    p->to->count = p->manifest->count = 0;
    free(p->bases);
    p->bases = NULL;
}

static int plan_segments(struct planning *p, struct err *e) {
    const struct range *r = &p->range;
    int g = segment_list(p->part.dir, &p->bases, &p->count, e);
    for (size_t i = 0; g == 0 && i < p->count && p->bases[i] <= r->to; i++) {
        uint64_t next = i + 1 < p->count ? p->bases[i + 1] : UINT64_MAX;
        if (p->bases[i] == r->to || next > r->from) g = plan_segment(p, i, e);
    }
    p->manifest->start = r->from;
    p->manifest->end = r->to;
    return g;
}

/* Retention takes the oldest segments away while we look at them: then once more with what is kept. */
static int plan_partition(struct plan *plan, struct topic *t, uint32_t number, struct range range, struct err *e) {
    struct planning p = {
        .plan = plan, .range = range, .to = &plan->partitions[number], .manifest = &plan->manifest.partitions[number]};
    int g = partition_open(&p.part, t, number, PARTITION_READ, e);
    if (g < 0) return g;
    for (int tries = 0; tries < TRIES; tries++) {
        uint64_t start = atomic_load(&p.part.tail->start_offset);
        if (start > p.range.from) p.range.from = start;
        if (p.range.to < p.range.from) p.range.to = p.range.from;
        g = plan_segments(&p, e);
        if (g != G_IO || e->errnum != ENOENT) break;
        forget_segments(&p);
    }
    free(p.bases);
    if (g == G_CORRUPT) err_prefix(e, "partition '%s': ", p.part.label);
    partition_close(&p.part);
    return g;
}

/* ---- the topic ---- */

static int resolve(struct topic *t, uint32_t number, const struct offset_range_spec *spec, struct range *ret,
                   struct err *e) {
    struct cursor c;
    int g = cursor_open(&c, t, number, false, e);
    if (g < 0) return g;
    uint64_t start = cursor_start(&c), end = cursor_end(&c);
    *ret = (struct range){start, end};
    if (spec) g = offset_resolve(&spec->from, &c, NULL, &ret->from, e);
    if (g == 0 && spec && spec->has_to) g = offset_resolve(&spec->to, &c, NULL, &ret->to, e);
    cursor_close(&c);
    if (ret->from < start) ret->from = start;
    if (ret->from > end) ret->from = end;
    if (ret->to > end) ret->to = end;
    if (ret->to < ret->from) ret->to = ret->from;
    return g;
}

static bool is_chosen(const struct export_request *q, uint32_t partition) {
    for (size_t i = 0; i < q->only_count; i++)
        if (q->only[i] == partition) return true;
    return q->only == NULL;
}

/* All ends first, so that they are of one moment, as far as partitions know one. */
static int plan_partitions(struct plan *plan, struct topic *t, const struct export_request *q, struct range *ranges,
                           struct err *e) {
    uint32_t n = plan->manifest.partition_count;
    int g = 0;
    for (uint32_t p = 0; g == 0 && p < n; p++)
        if (is_chosen(q, p)) g = resolve(t, p, q->range, &ranges[p], e);
    for (uint32_t p = 0; g == 0 && p < n; p++)
        if (is_chosen(q, p)) g = plan_partition(plan, t, p, ranges[p], e);
    return g;
}

int plan_make(struct plan *plan, struct topic *t, const struct export_request *q, struct err *e) {
    struct manifest *m = &plan->manifest;
    *plan = (struct plan){0};
    for (size_t i = 0; i < q->only_count; i++)
        if (q->only[i] >= t->partitions)
            return err_set(e, G_USAGE, "topic '%s' has no partition %u", t->name, q->only[i]);
    *m = (struct manifest){.topic_id = t->id, .created_ns = t->created_ns, .settings = t->settings};
    memcpy(m->topic, t->name, sizeof m->topic);
    m->partitions = calloc(t->partitions, sizeof *m->partitions);
    plan->partitions = calloc(t->partitions, sizeof *plan->partitions);
    struct range *ranges = calloc(t->partitions, sizeof *ranges);
    bool room = m->partitions && plan->partitions && ranges;
    m->partition_count = room ? t->partitions : 0;
    int g = room ? plan_partitions(plan, t, q, ranges, e) : err_nomem(e);
    free(ranges);
    if (g < 0) plan_release(plan);
    return g;
}
