/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Records that wait, from one run to the next (--state). An item for each, in the order of arrival: the key is its
 * number, big-endian; the value is the side, whether it was matched, whether it has a key, nothing (a byte), the size
 * of the key (4 bytes), the due (8 bytes), the key, and the record as blocks have it.
 */
#include "sides.h"

#include <endian.h>
#include <stdlib.h>

struct head {
    uint8_t side, matched, has_key, none;
    uint32_t key_size;
    int64_t due; /* INT64_MIN: it is in no heap */
};

/* ---- to ---- */

static int by_number(const void *a, const void *b) {
    const struct waiting *x = *(struct waiting *const *)a, *y = *(struct waiting *const *)b;
    return (x->number > y->number) - (x->number < y->number);
}

static int collect_keyless(const struct due *items, size_t n, struct buf *out) {
    int g = 0;
    for (size_t i = 0; g == 0 && i < n; i++)
        if (!items[i].w->key) g = buf_append(out, &items[i].w, sizeof items[i].w);
    return g;
}

/* All that wait: those of keys, and those in a heap that have none. */
static int collect(const struct sides *k, struct buf *out) {
    const struct entry *x;
    size_t at = 0;
    int g = 0;
    while (g == 0 && (x = table_next(&k->room.table, &at)))
        for (int side = 0; side < 2; side++) {
            const struct waiters *of = (const struct waiters *)(const void *)x->data;
            for (size_t i = 0; g == 0 && i < of->line[side].count; i++)
                g = buf_append(out, &line_at(&of->line[side], i)->w, sizeof(struct waiting *));
        }
    for (int side = 0; g == 0 && side < 2; side++) {
        const struct dues *d = &k->room.dues[side];
        g = collect_keyless(d->items, d->count, out);
        if (g == 0) g = collect_keyless(d->queue + d->from, d->queued, out);
    }
    if (out->len) qsort(out->data, out->len / sizeof(struct waiting *), sizeof(struct waiting *), by_number);
    return g;
}

static int put_one(const struct sides *k, const struct waiting *w, struct buf *text, struct err *e) {
    uint64_t number = htobe64(w->number);
    struct head head = {.side = w->side,
                        .matched = w->matched,
                        .has_key = w->key != NULL,
                        .key_size = w->key ? w->key->key_size : 0,
                        .due = w->due};
    buf_clear(text);
    int g = buf_append(text, &head, sizeof head);
    if (g == 0 && w->key) g = buf_append(text, entry_key(w->key, k->room.table.value_size), head.key_size);
    if (g == 0) g = buf_append(text, w->encoded, w->size);
    return g < 0 ? err_nomem(e)
                 : snapshot_put(k->state, 0, (const char *)&number, sizeof number, text->data, text->len, e);
}

static json_t *make_meta(const struct sides *k) {
    json_t *inputs = json_array();
    for (size_t i = 0; inputs && i < k->inputs; i++)
        if (json_array_append_new(inputs, watermarks_save(&k->turns.inputs[i].marks)) < 0) {
            json_decref(inputs);
            return NULL;
        }
    return json_pack("{s:o, s:I, s:I, s:I, s:b}", "inputs", inputs, "arrived", (json_int_t)k->room.arrived, "right",
                     (json_int_t)k->mark[RIGHT], "left", (json_int_t)k->mark[LEFT], "drained", (int)k->drain);
}

int sides_save(struct sides *k, struct err *e) {
    struct buf all = {0}, text = {0};
    bool whole;
    waiting_left(&k->room);
    json_t *meta = make_meta(k);
    int g = meta ? snapshot_begin(k->state, true, &whole, e) : err_nomem(e);
    if (g == 0 && collect(k, &all) < 0) g = err_nomem(e);
    for (size_t i = 0; g == 0 && i < all.len / sizeof(struct waiting *); i++)
        g = put_one(k, ((struct waiting **)(void *)all.data)[i], &text, e);
    if (g == 0) g = snapshot_commit(k->state, meta, e);
    json_decref(meta);
    buf_release(&all);
    buf_release(&text);
    return g;
}

/* ---- and back ---- */

static int no_record(struct err *e) {
    return err_set(e, G_CORRUPT, "state has a record that is none");
}

static int load_one(void *ctx, int64_t space, const char *key, size_t key_size, const char *value, size_t n,
                    struct err *e) {
    struct sides *k = ctx;
    struct head head;
    uint64_t number;
    struct record_walk walk;
    struct record r;
    if (space != 0 || key_size != sizeof number || n < sizeof head) return no_record(e);
    memcpy(&number, key, sizeof number);
    memcpy(&head, value, sizeof head);
    if (head.side > LEFT || head.matched > 1 || head.has_key > 1 || head.key_size > n - sizeof head ||
        (head.has_key == 0 && head.key_size))
        return no_record(e);
    const char *its_key = value + sizeof head, *body = its_key + head.key_size;
    size_t size = n - sizeof head - head.key_size;
    if (size > UINT32_MAX) return no_record(e);
    const struct block_header h = {.kind = BLOCK_DATA, .records = 1, .raw_size = (uint32_t)size};
    record_walk_init(&walk, &h, body, SIZE_MAX);
    if (record_next(&walk, &r, e) <= 0 || walk.at != size) return no_record(e);
    bool version = k->form == &as_of_form && head.side == RIGHT;
    if (!head.has_key && k->form != &tumble_form) return no_record(e);
    if (!version && head.due == INT64_MIN) return no_record(e);
    if (k->form == &tumble_form && !spans_covers(&k->spans, r.time)) return no_record(e);
    const struct taken t = {.half = {.r = &r, .number = be64toh(number)},
                            .side = head.side,
                            .key = head.has_key ? its_key : NULL,
                            .key_size = head.key_size,
                            .hash = table_hash(&k->room.hash_key, its_key, head.key_size)};
    if (t.half.number < k->room.arrived || t.half.number >= INT64_MAX) return no_record(e); /* not in order */
    k->room.arrived = t.half.number + 1;
    struct waiting *w = waiting_put(&k->room, &t);
    if (!w) return budget_error(&k->j->budget, e);
    w->matched = head.matched;
    if (version) as_of_replace(k, w);
    return head.due == INT64_MIN || waiting_due(&k->room, w, head.due) == 0 ? 0 : budget_error(&k->j->budget, e);
}

static int no_remove(void *ctx, int64_t space, const char *key, size_t key_size, struct err *e) {
    (void)ctx, (void)space, (void)key, (void)key_size;
    return no_record(e);
}

static int no_drop(void *ctx, int64_t space, struct err *e) {
    (void)ctx, (void)space;
    return no_record(e);
}

static int load_meta(struct sides *k, json_t *meta, struct err *e) {
    json_t *inputs;
    json_int_t arrived, right, left;
    int drained;
    if (json_unpack(meta, "{s:o, s:I, s:I, s:I, s:b}", "inputs", &inputs, "arrived", &arrived, "right", &right, "left",
                    &left, "drained", &drained) ||
        json_array_size(inputs) != k->inputs || arrived < 0 || (uint64_t)arrived < k->room.arrived)
        return err_set(e, G_CORRUPT, "state does not say how far it has come");
    if (drained) return err_set(e, G_USAGE, "the state was drained: all is decided; to begin anew, remove it");
    k->room.arrived = (uint64_t)arrived;
    k->mark[RIGHT] = right;
    k->mark[LEFT] = left;
    int g = 0;
    for (size_t i = 0; g == 0 && i < k->inputs; i++) {
        struct turn_input *in = &k->turns.inputs[i];
        g = watermarks_load(&in->marks, json_array_get(inputs, i), e);
        in->mark = in->marks.now;
    }
    return g;
}

int sides_restore(struct sides *k, const char *dir, const char *identity, bool force_fs, struct err *e) {
    static const struct snapshot_ops ops = {load_one, no_remove, no_drop};
    json_t *meta = NULL;
    int g = snapshot_open(dir, "join", identity, force_fs, &k->state, e);
    if (g == 0) g = snapshot_restore(k->state, &ops, k, &meta, e);
    if (g == 0 && meta) g = load_meta(k, meta, e);
    if (g == G_USAGE && meta) (void)err_prefix(e, "'%s': ", dir);
    json_decref(meta);
    return g;
}
