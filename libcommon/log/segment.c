/* SPDX-License-Identifier: Apache-2.0 */
/* Segment files. See segment.h. */
#include "log/segment.h"

#include <fcntl.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/endian.h"
#include "sys/file.h"
#include "sys/sys.h"
#include "json/tree.h"

#define WINDOW_FIRST 4096u /* nothing is known of the blocks yet */
#define WINDOW_BYTES (64u << 10)
#define SMALL_BLOCK_BYTES (8u << 10) /* to copy a few of these costs less than a read for each */

void segment_name(char out[SEGMENT_NAME_BYTES], uint64_t base, const char *suffix) {
    (void)snprintf(out, SEGMENT_NAME_BYTES, "%020" PRIu64 "%s", base, suffix);
}

struct listing {
    uint64_t *bases;
    size_t count, cap;
};

static int list_entry(void *ctx, const char *name) {
    struct listing *l = ctx;
    if (strlen(name) != 25 || strcmp(name + 20, ".leat") != 0 || strspn(name, "0123456789") != 20) return 0;
    uint64_t base = strtoull(name, NULL, 10);
    if (base > OFFSET_MAX) return 0; /* twenty digits, but no offset */
    if (l->count == l->cap) {
        size_t cap = l->cap ? l->cap * 2 : 16;
        uint64_t *p = realloc(l->bases, cap * sizeof *p);
        if (!p) return G_NOMEM;
        l->bases = p;
        l->cap = cap;
    }
    l->bases[l->count++] = base;
    return 0;
}

static int compare_bases(const void *a, const void *b) {
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

static int list_once(int dir, struct listing *l, bool *ret_whole, struct err *e) {
    *l = (struct listing){0};
    int g = dir_each_once(dir, list_entry, l, ret_whole, e);
    if (g == G_NOMEM) err_nomem(e);
    if (g < 0)
        free(l->bases);
    else if (l->count)
        qsort(l->bases, l->count, sizeof *l->bases, compare_bases);
    return g;
}

static bool same_listing(const struct listing *a, const struct listing *b) {
    return a->count == b->count && (a->count == 0 || memcmp(a->bases, b->bases, a->count * sizeof *a->bases) == 0);
}

int segment_list(int dir, uint64_t **ret_bases, size_t *ret_count, struct err *e) {
    struct listing l, again;
    bool whole;
    int g = list_once(dir, &l, &whole, e);
    /* A name that is replaced while a long directory is read may be passed over: what two readings say is true. */
    for (int tries = 0; g == 0 && !whole && tries < 16; tries++) {
        g = list_once(dir, &again, &whole, e);
        bool same = g == 0 && same_listing(&l, &again);
        free(l.bases);
        if (g == 0) l = again;
        if (same) break;
    }
    if (g < 0) return g;
    *ret_bases = l.bases;
    *ret_count = l.count;
    return 0;
}

void segment_info_release(struct segment_info *s) {
    if (!s) return;
    free(s->lost);
    s->lost = NULL;
    s->lost_count = 0;
}

static bool get_whole(const json_t *o, const char *name, uint64_t most, uint64_t *ret) {
    return tree_get_whole(json_object_get(o, name), most, ret);
}

static bool get_u32(const json_t *o, const char *name, uint32_t *ret) {
    uint64_t v;
    if (!get_whole(o, name, UINT32_MAX, &v)) return false;
    *ret = (uint32_t)v;
    return true;
}

static int bad_member(struct err *e, const char *name) {
    return err_set(e, G_CORRUPT, "segment block lacks a valid '%s'", name);
}

static bool get_range(const json_t *pair, struct offset_range *ret) {
    return tree_get_whole(json_array_get(pair, 0), INT64_MAX, &ret->from) &&
           tree_get_whole(json_array_get(pair, 1), INT64_MAX, &ret->to) && ret->from < ret->to;
}

static int read_lost(const json_t *list, struct segment_info *s, struct err *e) {
    size_t n = json_array_size(list);
    if (!json_is_array(list)) return bad_member(e, "lost");
    s->lost = calloc(n + 1, sizeof *s->lost);
    if (!s->lost) return err_nomem(e);
    for (size_t i = 0; i < n; i++) {
        bool rises = get_range(json_array_get(list, i), &s->lost[i]) && (i == 0 || s->lost[i].from > s->lost[i - 1].to);
        if (!rises) return bad_member(e, "lost");
    }
    s->lost_count = n;
    return 0;
}

static bool read_previous(const json_t *o, struct segment_info *s) {
    s->has_previous = true;
    return get_whole(o, "base", OFFSET_MAX, &s->previous.base) &&
           get_whole(o, "end_offset", OFFSET_MAX, &s->previous.end_offset) &&
           get_whole(o, "size", INT64_MAX, &s->previous.size) && get_u32(o, "crc32c", &s->previous.crc32c) &&
           get_u32(o, "epoch", &s->previous.epoch);
}

static bool read_rewritten(const json_t *o, struct segment_info *s) {
    const json_t *compacted = json_object_get(o, "compacted");
    s->rewritten = true;
    s->compacted = json_is_true(compacted);
    return json_is_boolean(compacted) && get_u32(o, "generation", &s->generation) &&
           get_whole(o, "end_offset", OFFSET_MAX, &s->end_offset) && s->end_offset >= s->base &&
           get_whole(o, "size", INT64_MAX, &s->orig_size) && get_u32(o, "crc32c", &s->orig_crc32c);
}

static int info_from_json(const json_t *o, struct segment_info *s, struct err *e) {
    const json_t *running = json_object_get(o, "running_max"), *previous = json_object_get(o, "previous");
    const json_t *rewritten = json_object_get(o, "rewritten"), *lost = json_object_get(o, "lost");
    s->created_ns = json_integer_value(json_object_get(o, "created"));
    s->monotonic_ns = json_integer_value(json_object_get(o, "monotonic"));
    if (!tree_get_hex(json_object_get(o, "boot_id"), 16, &s->boot_id)) s->boot_id = 0;
    if (running && !json_is_integer(running)) return bad_member(e, "running_max");
    s->running_max = running ? json_integer_value(running) : NO_TIME;
    if (previous && !read_previous(previous, s)) return bad_member(e, "previous");
    if (rewritten && !read_rewritten(rewritten, s)) return bad_member(e, "rewritten");
    return lost ? read_lost(lost, s, e) : 0;
}

static int check_identity(const struct block_header *h, const struct segment_identity *id, struct err *e) {
    if (!(h->flags & BLOCK_HAS_CRC)) return err_set(e, G_CORRUPT, "block in a log has no CRC");
    if (h->topic_id != id->topic_id || h->partition != id->partition)
        return err_set(e, G_CORRUPT, "block belongs to partition %u of topic %016" PRIx64, h->partition, h->topic_id);
    return 0;
}

static int parse_info(const struct block_header *h, const char *body, struct segment_info *s, struct err *e) {
    json_error_t why;
    json_t *o = json_loadb(body, h->raw_size, JSON_REJECT_DUPLICATES, &why);
    const char *type = json_string_value(json_object_get(o, "type"));
    int g;
    if (!type || strcmp(type, "segment") != 0)
        g = err_set(e, G_CORRUPT, "file does not begin with a segment block");
    else
        g = info_from_json(o, s, e);
    json_decref(o);
    return g;
}

int segment_decode_info(const char *bytes, size_t n, const struct segment_identity *id, uint64_t base,
                        struct segment_info *ret, struct err *e) {
    struct block_header h;
    *ret = (struct segment_info){.base = base, .running_max = NO_TIME, .head_bytes = BLOCK_HEADER_SIZE};
    if (n < BLOCK_HEADER_SIZE) return err_set(e, G_TRUNCATED, "segment has no whole first block");
    int g = block_header_decode((const uint8_t *)bytes, RECORD_LIMIT_MAX, &h, e);
    if (g == 0) g = check_identity(&h, id, e);
    if (g == 0 && (h.kind != BLOCK_CONTROL || h.base_offset != base))
        g = err_set(e, G_CORRUPT, "segment does not begin at offset %" PRIu64, base);
    if (g < 0) return g;
    ret->head_bytes = BLOCK_HEADER_SIZE + (uint64_t)h.stored_size;
    ret->epoch = h.log_epoch;
    if (n < ret->head_bytes) return err_set(e, G_TRUNCATED, "segment has no whole first block");
    g = block_check_crc((const uint8_t *)bytes, bytes + BLOCK_HEADER_SIZE, h.stored_size, e);
    if (g == 0) g = parse_info(&h, bytes + BLOCK_HEADER_SIZE, ret, e);
    if (g < 0) segment_info_release(ret);
    return g;
}

int segment_read_info(int fd, const struct segment_identity *id, uint64_t base, struct segment_info *ret,
                      struct err *e) {
    char bytes[BLOCK_HEADER_SIZE + 4096];
    size_t n = 0;
    *ret = (struct segment_info){.base = base, .running_max = NO_TIME};
    int g = file_pread(fd, bytes, sizeof bytes, 0, &n, "segment", e);
    if (g == 0) g = segment_decode_info(bytes, n, id, base, ret, e);
    if (g != G_TRUNCATED || n < sizeof bytes) return g;
    size_t size = (size_t)ret->head_bytes; /* a long list of lost ranges */
    char *all = malloc(size);
    if (!all) return err_nomem(e);
    g = file_pread(fd, all, size, 0, &n, "segment", e);
    if (g == 0) g = segment_decode_info(all, n, id, base, ret, e);
    free(all);
    return g;
}

static json_t *info_to_json(const struct segment_info *s) {
    char boot[17];
    (void)snprintf(boot, sizeof boot, "%016" PRIx64, s->boot_id);
    json_t *o = json_pack("{s:s, s:I, s:s, s:I}", "type", "segment", "created", (json_int_t)s->created_ns, "boot_id",
                          boot, "monotonic", (json_int_t)s->monotonic_ns);
    if (s->running_max != NO_TIME) json_object_set_new(o, "running_max", json_integer(s->running_max));
    if (s->has_previous)
        json_object_set_new(o, "previous",
                            json_pack("{s:I, s:I, s:I, s:I, s:I}", "base", (json_int_t)s->previous.base, "end_offset",
                                      (json_int_t)s->previous.end_offset, "size", (json_int_t)s->previous.size,
                                      "crc32c", (json_int_t)s->previous.crc32c, "epoch",
                                      (json_int_t)s->previous.epoch));
    if (s->rewritten)
        json_object_set_new(o, "rewritten",
                            json_pack("{s:I, s:I, s:I, s:I, s:b}", "generation", (json_int_t)s->generation,
                                      "end_offset", (json_int_t)s->end_offset, "size", (json_int_t)s->orig_size,
                                      "crc32c", (json_int_t)s->orig_crc32c, "compacted", (int)s->compacted));
    if (s->lost_count) {
        json_t *lost = json_array();
        for (size_t i = 0; i < s->lost_count; i++)
            json_array_append_new(lost, json_pack("[I, I]", (json_int_t)s->lost[i].from, (json_int_t)s->lost[i].to));
        json_object_set_new(o, "lost", lost);
    }
    return o;
}

int segment_encode_info(struct buf *b, const struct segment_identity *id, const struct segment_info *s, struct err *e) {
    json_t *o = info_to_json(s);
    char *text = o ? json_dumps(o, JSON_COMPACT) : NULL;
    json_decref(o);
    if (!text) return err_nomem(e);
    size_t n = strlen(text);
    struct block_header h = {
        .kind = BLOCK_CONTROL,
        .stored_size = (uint32_t)n,
        .raw_size = (uint32_t)n,
        .base_offset = s->base,
        .min_time = NO_TIME,
        .max_time = NO_TIME,
        .topic_id = id->topic_id,
        .partition = id->partition,
        .log_epoch = s->epoch,
    };
    uint8_t header[BLOCK_HEADER_SIZE];
    block_header_encode(&h, header);
    block_seal(header, text, n);
    int g = 0;
    if (n > BLOCK_CONTROL_MAX_BYTES)
        g = err_set(e, G_DATA, "segment block of %zu bytes is too large", n);
    else if (buf_append(b, header, sizeof header) < 0 || buf_append(b, text, n) < 0)
        g = err_nomem(e);
    free(text);
    return g;
}

int segment_epoch_end(int dir, const struct segment_identity *id, uint32_t epoch, uint64_t *ret_end,
                      uint32_t *ret_epoch, struct err *e) {
    uint64_t *bases = NULL;
    size_t count = 0;
    *ret_end = UINT64_MAX;
    *ret_epoch = epoch;
    int g = segment_list(dir, &bases, &count, e);
    for (size_t i = count; g == 0 && i-- > 0;) {
        char name[SEGMENT_NAME_BYTES];
        struct segment_info info = {0};
        segment_name(name, bases[i], ".leat");
        int fd = sys.open_beneath(dir, name, O_RDONLY, 0);
        if (fd < 0) continue; /* removed meanwhile, as all before it */
        int read = segment_read_info(fd, id, bases[i], &info, NULL);
        sys.close(fd);
        segment_info_release(&info);
        if (read < 0) continue;
        if (info.epoch <= epoch) break;
        *ret_end = bases[i];
        *ret_epoch = info.epoch;
    }
    free(bases);
    return g;
}

void segment_walk_init(struct segment_walk *w, int fd, const struct segment_identity *id,
                       const struct segment_info *info, uint64_t limit, uint64_t at, uint64_t next_offset) {
    *w = (struct segment_walk){.fd = fd,
                               .id = *id,
                               .info = info,
                               .limit = limit,
                               .record_limit = RECORD_LIMIT_MAX,
                               .at = at,
                               .next_at = at,
                               .next_offset = next_offset};
}

void segment_walk_release(struct segment_walk *w) {
    if (w) buf_release(&w->window);
}

/* n bytes of the file at `at`, through the window. NULL with *ret_g set when they are not there. */
static const char *look(struct segment_walk *w, uint64_t at, size_t n, int *ret_g, struct err *e) {
    if (at >= w->window_at && at + n <= w->window_at + w->window.len) return w->window.data + (at - w->window_at);
    bool large = w->h.stored_size > SMALL_BLOCK_BYTES && !w->check_bodies; /* only headers are of interest */
    size_t want = large ? n : w->h.stored_size ? WINDOW_BYTES : WINDOW_FIRST;
    if (w->check_bodies) want = 4 * BLOCK_TARGET_BYTES;
    if (want < n) want = n;
    if (want > w->limit - at) want = (size_t)(w->limit - at);
    w->window.len = 0;
    if (buf_reserve(&w->window, want) < 0) {
        *ret_g = err_nomem(e);
        return NULL;
    }
    *ret_g = file_pread(w->fd, w->window.data, want, (off_t)at, &w->window.len, "segment", e);
    w->window_at = at;
    if (*ret_g == 0 && w->window.len < n) *ret_g = err_set(e, G_TRUNCATED, "segment ends inside a block");
    return *ret_g == 0 ? w->window.data : NULL;
}

/* Ranges rise and lie apart, and there may be very many of them. */
static bool is_lost(const struct segment_info *s, uint64_t from, uint64_t to) {
    size_t lo = 0, hi = s->lost_count;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        if (s->lost[mid].from <= from)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo > 0 && to <= s->lost[lo - 1].to;
}

static int check_place(const struct segment_walk *w, struct err *e) {
    const struct block_header *h = &w->h;
    int g = check_identity(h, &w->id, e);
    if (g < 0) return g;
    if (h->kind != BLOCK_DATA) return err_set(e, G_CORRUPT, "control block inside a segment");
    if (h->log_epoch != w->info->epoch)
        return err_set(e, G_CORRUPT, "block has epoch %u in a segment of epoch %u", h->log_epoch, w->info->epoch);
    if (h->base_offset == w->next_offset) return 0;
    bool gap_is_lawful =
        h->base_offset > w->next_offset && (w->info->compacted || is_lost(w->info, w->next_offset, h->base_offset));
    if (gap_is_lawful) return 0;
    return err_set(e, G_CORRUPT, "block has offset %" PRIu64 " where %" PRIu64 " is expected", h->base_offset,
                   w->next_offset);
}

/* In a compacted segment the end of a block is that of its last record. */
static int find_end(struct segment_walk *w, uint64_t *ret_end, struct err *e) {
    *ret_end = segment_block_end(&w->h);
    if (!w->info->compacted) return 0;
    int g = 0;
    const char *p = look(w, w->at, BLOCK_HEADER_SIZE + (size_t)w->h.stored_size, &g, e);
    if (!p) return g;
    struct buf raw = {0};
    const char *body;
    g = block_open_body(&w->h, p + BLOCK_HEADER_SIZE, &raw, &body, e);
    struct record_walk rw;
    struct record r;
    record_walk_init(&rw, &w->h, body, RECORD_LIMIT_MAX);
    if (g == 0)
        while ((g = record_next(&rw, &r, e)) > 0) *ret_end = r.offset + 1;
    buf_release(&raw);
    return g;
}

static int walk_step(struct segment_walk *w, struct err *e) {
    int g = 0;
    const char *p = look(w, w->at, BLOCK_HEADER_SIZE, &g, e);
    if (!p) return g;
    memcpy(w->header, p, BLOCK_HEADER_SIZE);
    g = block_header_decode(w->header, w->record_limit, &w->h, e);
    if (g == 0) g = check_place(w, e);
    if (g < 0) return g;
    size_t size = BLOCK_HEADER_SIZE + (size_t)w->h.stored_size;
    if (size > w->limit - w->at) return err_set(e, G_TRUNCATED, "segment ends inside a block");
    if (w->check_bodies) {
        p = look(w, w->at, size, &g, e);
        if (!p) return g;
        w->stored = p + BLOCK_HEADER_SIZE;
        g = block_check_crc(w->header, w->stored, w->h.stored_size, e);
        if (g < 0) return g;
    }
    uint64_t end;
    g = find_end(w, &end, e);
    if (g < 0) return g;
    w->next_at = w->at + size;
    w->next_offset = end;
    return 0;
}

int segment_walk_next(struct segment_walk *w, struct err *e) {
    w->at = w->next_at;
    if (w->at >= w->limit) return G_EOF;
    if (w->limit - w->at < BLOCK_HEADER_SIZE) return err_set(e, G_TRUNCATED, "segment ends inside a block header");
    return walk_step(w, e);
}
