/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One segment file, every byte: the blocks that are whole, and exactly what lies between them where some are not. See
 * survey.h. Behind damage the next whole block is searched, so that a fault costs no offset but its own.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/endian.h"
#include "log/survey_look.h"
#include "sys/file.h"
#include "sys/signals.h"
#include "sys/sys.h"

#define SEARCH_BYTES (1u << 20)

int survey_fault(struct surveyed_segment *s, uint64_t at, uint64_t to, uint64_t from, uint64_t until, struct err *e,
                 const char *fmt, ...) {
    struct fault *list = realloc(s->faults, (s->fault_count + 1) * sizeof *list);
    if (!list) return err_nomem(e);
    s->faults = list;
    struct fault *f = &list[s->fault_count++];
    *f = (struct fault){.at = at, .to = to, .from = from, .until = until > from ? until : from};
    va_list ap;
    va_start(ap, fmt);
    (void)vsnprintf(f->what, sizeof f->what, fmt, ap);
    va_end(ap);
    return 0;
}

/* ---- a block that is whole ---- */

/* Text that is no JSON does not make a block unreadable: it is told, and costs no offset. */
static int check_json(const struct look *k, const struct record *r, struct err *e) {
    struct json_fault fault;
    if (!k->json || r->value_type != VALUE_JSON) return 0;
    int g = json_validate(k->json, r->value, r->value_size, &fault);
    if (g != G_DATA) return g < 0 ? err_nomem(e) : 0;
    return survey_fault(k->s, k->block_at, k->block_at, r->offset, r->offset, e,
                        "the value of record %" PRIu64 " is not JSON: %s at its byte %zu", r->offset, fault.reason,
                        fault.at);
}

static int check_record(const struct look *k, const struct block_header *h, const struct record *r, uint64_t expected,
                        struct err *e) {
    if (r->offset != expected && !k->s->info.compacted)
        return err_set(e, G_CORRUPT, "record has offset %" PRIu64 " where %" PRIu64 " is expected", r->offset,
                       expected);
    if (r->time != NO_TIME && (h->min_time == NO_TIME || r->time < h->min_time || r->time > h->max_time))
        return err_set(e, G_CORRUPT, "time of record %" PRIu64 " is not within the bounds of its block", r->offset);
    return check_json(k, r, e);
}

/* Body, records, offsets and times. G_CORRUPT with the reason. */
static int check_block(struct look *k, const struct block_header *h, const char *stored, uint64_t *ret_end,
                       struct err *e) {
    const char *body;
    struct record_walk w;
    struct record r;
    uint64_t expected = h->base_offset;
    int g = block_open_body(h, stored, &k->raw, &body, e);
    if (g < 0) return g;
    record_walk_init(&w, h, body, RECORD_LIMIT_MAX);
    while ((g = record_next(&w, &r, e)) > 0) {
        g = check_record(k, h, &r, expected, e);
        if (g < 0) return g;
        expected = r.offset + 1;
    }
    if (g == 0 && expected > k->s->bound)
        g = err_set(e, G_CORRUPT, "block has offsets beyond %" PRIu64 ", where the next segment begins", k->s->bound);
    *ret_end = expected;
    return g;
}

/* ---- searching ---- */

struct found {
    uint64_t at;
    struct block_header h;
};

static bool is_candidate(const struct look *k, const uint8_t *p, uint64_t at, uint64_t expected,
                         struct block_header *h) {
    if (block_header_decode(p, RECORD_LIMIT_MAX, h, NULL) < 0) return false;
    if (h->kind != BLOCK_DATA || !(h->flags & BLOCK_HAS_CRC)) return false;
    if (h->topic_id != k->id->topic_id || h->partition != k->id->partition) return false;
    if (k->s->head_ok && h->log_epoch != k->s->info.epoch) return false;
    if (h->base_offset < expected || h->base_offset >= k->s->bound) return false;
    return h->stored_size <= k->s->limit - at - BLOCK_HEADER_SIZE;
}

/* 1: a whole block at `at`, 0: none. */
static int try_candidate(struct look *k, const uint8_t *p, uint64_t at, uint64_t expected, struct found *ret,
                         struct err *e) {
    struct block_header h;
    uint64_t end;
    size_t n = 0;
    if (!is_candidate(k, p, at, expected, &h)) return 0;
    size_t size = BLOCK_HEADER_SIZE + (size_t)h.stored_size;
    buf_clear(&k->candidate);
    if (buf_reserve(&k->candidate, size) < 0) return err_nomem(e);
    int g = file_pread(k->fd, k->candidate.data, size, (off_t)at, &n, "segment", e);
    if (g < 0) return g;
    const char *bytes = k->candidate.data;
    if (n < size || block_check_crc((const uint8_t *)bytes, bytes + BLOCK_HEADER_SIZE, h.stored_size, NULL) < 0)
        return 0;
    struct json_validator *json = k->json;
    k->json = NULL; /* it is looked at when the walk gets there */
    g = check_block(k, &h, bytes + BLOCK_HEADER_SIZE, &end, NULL);
    k->json = json;
    *ret = (struct found){.at = at, .h = h};
    return g == G_NOMEM ? err_nomem(e) : g == 0;
}

/* The next whole block at or behind `at` with an offset from `expected` on. 1, 0, or an error. */
static int search_block(struct look *k, uint64_t at, uint64_t expected, struct found *ret, struct err *e) {
    if (buf_reserve(&k->search, SEARCH_BYTES) < 0) return err_nomem(e);
    while (at + BLOCK_HEADER_SIZE <= k->s->limit) {
        size_t n = 0, want = SEARCH_BYTES;
        if (want > k->s->limit - at) want = (size_t)(k->s->limit - at);
        int g = file_pread(k->fd, k->search.data, want, (off_t)at, &n, "segment", e);
        if (g < 0) return g;
        if (n < BLOCK_HEADER_SIZE) break;
        if (signals_stop()) return err_set(e, G_STOPPED, "stopped while looking for whole blocks");
        size_t last = n - BLOCK_HEADER_SIZE;
        for (const char *p = k->search.data; p && (size_t)(p - k->search.data) <= last; p++) {
            p = memchr(p, 'L', last + 1 - (size_t)(p - k->search.data));
            if (!p) break;
            if (memcmp(p, "LEAT", 4) != 0) continue;
            g = try_candidate(k, (const uint8_t *)p, at + (size_t)(p - k->search.data), expected, ret, e);
            if (g != 0) return g;
        }
        at += last + 1;
    }
    return 0;
}

/* ---- the whole file ---- */

/* The first block cannot be read: say what can still be known. */
static int invent_head(struct look *k, const struct err *why, struct err *e) {
    struct surveyed_segment *s = k->s;
    struct found first;
    s->info = (struct segment_info){.base = s->base, .running_max = NO_TIME, .end_offset = s->bound};
    s->info.compacted = k->l->survey->p->topic->settings.compact && s->bound != UINT64_MAX;
    s->info.rewritten = s->info.compacted;
    int g = search_block(k, 1, s->base, &first, e);
    if (g < 0) return g;
    s->first_data = g ? first.at : s->limit;
    s->info.epoch = g ? first.h.log_epoch : 0;
    s->info.head_bytes = s->first_data;
    return survey_fault(s, 0, s->first_data, s->base, s->base, e, "the segment block cannot be used: %s", why->text);
}

static int read_head(struct look *k, struct err *e) {
    struct surveyed_segment *s = k->s;
    struct err why = {0};
    uint8_t header[BLOCK_HEADER_SIZE];
    size_t n = 0;
    int g = segment_read_info(k->fd, k->id, s->base, &s->info, &why);
    if (g == G_IO || g == G_NOMEM) {
        *e = why;
        return g;
    }
    s->head_ok = g == 0;
    if (g < 0) {
        segment_info_release(&s->info);
        if (s->bound != UINT64_MAX) s->limit = s->file_size; /* it may be a rewritten one */
        return invent_head(k, &why, e);
    }
    s->first_data = s->info.head_bytes;
    if (s->info.rewritten && s->bound != UINT64_MAX) s->limit = s->file_size;
    g = file_pread(k->fd, header, sizeof header, 0, &n, "segment", e);
    if (g == 0) s->last_crc32c = get_u32_le(header + 12);
    return g;
}

/* Damage at w->at: go on at the next whole block, or end here. 0: go on, 1: there is none. */
static int step_over(struct look *k, struct segment_walk *w, const char *why, struct err *e) {
    struct surveyed_segment *s = k->s;
    struct found f;
    uint64_t at = w->at, expected = w->next_offset;
    int g = search_block(k, at, expected, &f, e);
    if (g < 0) return g;
    segment_walk_release(w);
    if (g == 0) {
        segment_walk_init(w, k->fd, k->id, &s->info, s->limit, s->limit, expected);
        if (s->bound == UINT64_MAX && expected >= k->durable) {
            s->torn = s->limit - at;
            s->limit = at;
            return 1;
        }
        uint64_t until = s->bound == UINT64_MAX ? k->durable : s->bound;
        g = survey_fault(s, at, s->limit, expected, until, e, "%s", why);
        w->next_offset = until;
        return g < 0 ? g : 1;
    }
    if (s->bound == UINT64_MAX && k->l->survey->tail_valid && expected >= k->durable) {
        s->torn = s->limit - at; /* whole blocks behind it were never acknowledged either */
        s->limit = at;
        segment_walk_init(w, k->fd, k->id, &s->info, s->limit, s->limit, expected);
        return 1;
    }
    segment_walk_init(w, k->fd, k->id, &s->info, s->limit, f.at, f.h.base_offset);
    w->check_bodies = true;
    return survey_fault(s, at, f.at, expected, f.h.base_offset, e, "%s", why);
}

static void count_block(struct surveyed_segment *s, const struct segment_walk *w) {
    const struct block_header *h = &w->h;
    if (s->records == 0) s->first_offset = h->base_offset;
    s->blocks++;
    s->records += h->records;
    s->last_crc32c = h->crc32c;
    s->end_offset = w->next_offset;
    s->packed |= h->codec != CODEC_NONE;
    if (h->min_time != NO_TIME && (s->min_time == NO_TIME || h->min_time < s->min_time)) s->min_time = h->min_time;
    if (h->max_time > s->max_time) s->max_time = h->max_time;
}

int look_at_block(struct look *k, const struct segment_walk *w, uint64_t expected, struct err *e) {
    struct surveyed_segment *s = k->s;
    struct err why = {0};
    uint64_t end = w->next_offset;
    k->block_at = w->at;
    int g = check_block(k, &w->h, w->stored, &end, &why);
    if (g == G_NOMEM) return err_nomem(e);
    if (g < 0) {
        uint64_t until = end > w->next_offset ? end : w->next_offset;
        if (until > s->bound) until = s->bound;
        return survey_fault(s, w->at, w->next_at, expected, until, e, "%s", why.text);
    }
    count_block(s, w);
    return 0;
}

static bool gap_is_lawful(const struct segment_info *info, uint64_t from, uint64_t to) {
    if (info->compacted) return true;
    for (size_t i = 0; i < info->lost_count; i++)
        if (info->lost[i].from <= from && to <= info->lost[i].to) return true;
    return false;
}

static int walk_all(struct look *k, uint64_t *ret_end, struct err *e) {
    struct surveyed_segment *s = k->s;
    struct segment_walk w;
    struct err why;
    int g = 0;
    segment_walk_init(&w, k->fd, k->id, &s->info, s->limit, s->first_data, s->base);
    w.check_bodies = true;
    while (g == 0) {
        uint64_t expected = w.next_offset;
        g = segment_walk_next(&w, &why);
        if (g == 0) {
            g = look_at_block(k, &w, expected, e);
        } else if (g == G_CORRUPT || g == G_TRUNCATED) {
            g = step_over(k, &w, why.text, e);
        } else if (g < 0) {
            *e = why;
        }
    }
    *ret_end = w.next_offset;
    segment_walk_release(&w);
    return g < 0 ? g : 0;
}

/* Nothing is wrong with the blocks that are there: are they all that there should be? */
int look_at_end(struct look *k, uint64_t end, struct err *e) {
    struct surveyed_segment *s = k->s;
    if (s->bound == UINT64_MAX) {
        if (s->info.rewritten && s->info.end_offset > end) end = s->info.end_offset;
        if (end > s->end_offset) s->end_offset = end;
        if (end >= k->durable) return 0;
        return survey_fault(s, s->limit, s->limit, end, k->durable, e, "records below the durable end are missing");
    }
    s->end_offset = s->bound;
    if (end >= s->bound || gap_is_lawful(&s->info, end, s->bound)) return 0;
    return survey_fault(s, s->limit, s->limit, end, s->bound, e, "records at the end of the segment are missing");
}

int survey_segment(const struct segment_look *l, struct err *e) {
    struct surveyed_segment *s = l->segment;
    const struct survey *all = l->survey;
    struct look k = {.l = l, .s = s, .id = &all->p->id, .durable = all->durable, .fd = -1, .json = l->json};
    struct stat st;
    char name[SEGMENT_NAME_BYTES];
    segment_name(name, s->base, ".leat");
    k.fd = sys.open_beneath(all->p->dir, name, O_RDONLY, 0);
    if (k.fd < 0) return err_sys(e, errno, "cannot open segment '%s'", name);
    uint64_t end = s->base;
    s->min_time = s->max_time = NO_TIME;
    s->end_offset = s->base;
    int g = sys.fstat(k.fd, &st) < 0 ? err_sys(e, errno, "cannot look at segment '%s'", name) : 0;
    if (g == 0) {
        s->file_size = (uint64_t)st.st_size;
        if (s->limit == 0 || s->limit > s->file_size) s->limit = s->file_size;
        g = read_head(&k, e);
    }
    if (g == 0) g = walk_all(&k, &end, e);
    if (g == 0) g = look_at_end(&k, end, e);
    sys.close(k.fd);
    buf_release(&k.raw);
    buf_release(&k.search);
    buf_release(&k.candidate);
    return g;
}
