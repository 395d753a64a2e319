/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Compaction: of the records that share a key only the last one stays. Offsets and order are kept. Called by
 * partition_maintain under the clean lock. A tombstone stays for a while so that readers can learn of it.
 */
#include "base/hashmap.h"
#include "log/clean.h"
#include "log/cursor.h"
#include "log/rewrite.h"

struct compaction {
    struct cleaner *c;
    struct hashmap last;  /* key -> its last offset */
    bool drop_tombstones; /* in the segment at hand: it was sealed long enough ago */
    uint64_t droppable;
};

/* The records of one block into the map. */
static int note_block(struct compaction *k, const struct block_header *h, const char *raw, struct err *e) {
    struct record_walk w;
    struct record r;
    int g;
    record_walk_init(&w, h, raw, RECORD_LIMIT_MAX);
    while ((g = record_next(&w, &r, e)) > 0)
        if (r.has_key && hashmap_put(&k->last, r.key, r.key_size, r.offset) < 0) return err_nomem(e);
    return g;
}

typedef int (*block_fn)(struct compaction *k, const struct block_header *h, const char *raw, struct err *e);

static int each_block(struct compaction *k, const struct sealed *s, block_fn fn, struct err *e) {
    struct segment_walk w;
    struct buf raw = {0};
    const char *body;
    int g = 0;
    segment_walk_init(&w, s->fd, &s->id, &s->info, s->size, s->info.head_bytes, s->info.base);
    w.check_bodies = true;
    while (g == 0 && (g = segment_walk_next(&w, e)) == 0) {
        g = block_open_body(&w.h, w.stored, &raw, &body, e);
        if (g == 0) g = fn(k, &w.h, body, e);
    }
    if (g == G_TRUNCATED) e->grade = g = G_CORRUPT;
    segment_walk_release(&w);
    buf_release(&raw);
    return g == G_EOF ? 0 : g;
}

static int with_sealed(struct compaction *k, size_t i, block_fn fn, struct err *e) {
    struct sealed s;
    int g = sealed_open(&s, k->c->p.dir, &k->c->p.id, k->c->bases[i], k->c->bases[i + 1], e);
    if (g < 0) return g;
    g = each_block(k, &s, fn, e);
    sealed_close(&s);
    return g;
}

/* What lies behind the sealed segments shadows them too, as far as it is durable. */
static int note_active(struct compaction *k, struct err *e) {
    struct cursor cursor;
    struct cursor_block b;
    struct buf bytes = {0}, raw = {0};
    const char *body;
    int g = cursor_open(&cursor, k->c->p.topic, k->c->p.number, false, e);
    if (g < 0) return g;
    g = cursor_seek(&cursor, k->c->bases[k->c->sealed], e);
    while (g == 0 && (g = cursor_next(&cursor, &b, e)) == 0) {
        if (b.first >= atomic_load(&k->c->p.tail->synced_offset)) break;
        g = cursor_load(&b, &bytes, &raw, &body, e);
        if (g == 0) g = note_block(k, &b.h, body, e);
    }
    buf_release(&bytes);
    buf_release(&raw);
    cursor_close(&cursor);
    return g < 0 ? g : 0;
}

static bool keep_record(void *ctx, const struct record *r) {
    const struct compaction *k = ctx;
    uint64_t last = 0;
    if (!r->has_key) return true;
    /* a key that is not in the map stands in a segment that could not be read when the map was made */
    if (hashmap_get(&k->last, r->key, r->key_size, &last) && last > r->offset) return false;
    return r->value_type != VALUE_NONE || !k->drop_tombstones;
}

static int count_droppable(struct compaction *k, const struct block_header *h, const char *raw, struct err *e) {
    struct record_walk w;
    struct record r;
    int g;
    record_walk_init(&w, h, raw, RECORD_LIMIT_MAX);
    while ((g = record_next(&w, &r, e)) > 0) k->droppable += !keep_record(k, &r);
    return g;
}

static int compact_segment(struct compaction *k, size_t i, bool tombstones, struct maintain_report *r, struct err *e) {
    const struct topic_settings *settings = &k->c->p.topic->settings;
    struct sealed s;
    struct rewrite_result done;
    int g = sealed_open(&s, k->c->p.dir, &k->c->p.id, k->c->bases[i], k->c->bases[i + 1], e);
    if (g < 0) return g;
    k->droppable = 0;
    k->drop_tombstones = tombstones && sealed_since(&s.next, settings->tombstone_retention);
    g = each_block(k, &s, count_droppable, e);
    if (g == 0 && (k->droppable || !s.info.compacted)) { /* the first time also to mark it as done */
        g = sealed_rewrite(&s, settings->zstd, keep_record, k, &done, e);
        if (g == 0) {
            r->compacted_segments++;
            r->dropped_records += done.records_before - done.records_after;
            r->rewritten_before += s.size;
            r->rewritten_after += done.bytes;
        }
    }
    sealed_close(&s);
    return g;
}

/* Is at least half of it new to compaction? */
static bool is_dirty(const struct cleaner *c) {
    uint64_t all = 0, fresh = 0;
    for (size_t i = 0; i < c->sealed; i++) {
        struct sealed s;
        if (sealed_open(&s, c->p.dir, &c->p.id, c->bases[i], c->bases[i + 1], NULL) < 0) continue;
        all += s.size;
        if (!s.info.compacted) fresh += s.size;
        sealed_close(&s);
    }
    return fresh > 0 && fresh >= all - fresh;
}

static int run(struct compaction *k, struct maintain_report *r, struct err *e) {
    struct err damage = {0};
    size_t n = k->c->sealed;
    int g = cleaner_make_durable(k->c, k->c->bases[n], e);
    for (size_t i = 0; g == 0 && i < n; i++) {
        g = with_sealed(k, i, note_block, e);
        if (g == G_CORRUPT) {
            if (!damage.grade) damage = *e;
            g = 0;
        }
    }
    if (g == 0) g = note_active(k, e);
    /* From old to new: a tombstone goes only when what it deletes is gone. Where a segment cannot be read, none goes.
     */
    bool tombstones = !damage.grade;
    for (size_t i = 0; g == 0 && i < n; i++) {
        g = compact_segment(k, i, tombstones, r, e);
        if (g == G_CORRUPT) {
            if (!damage.grade) damage = *e;
            tombstones = false;
            g = 0;
        }
    }
    if (g == 0 && damage.grade) {
        *e = damage;
        g = damage.grade;
    }
    return g;
}

int compact_partition(struct cleaner *c, bool force, struct maintain_report *r, struct err *e) {
    struct compaction k = {.c = c};
    if (c->sealed == 0 || (!force && !is_dirty(c))) return 0;
    int g = hashmap_init(&k.last, e);
    if (g < 0) return g;
    g = run(&k, r, e);
    hashmap_release(&k.last);
    return g;
}
