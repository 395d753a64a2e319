/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The stream's records and their partners. Records of blocks are joined ahead of their turn, by any thread: a note is
 * the generation of the table, then pieces of results (stream/pieces.h). What cannot be done ahead is left to the turn
 * of its block: bad records, those for --unmatched, and all of a block whose note is of a table that has changed since.
 */
#include "join.h"

#include "stream/pieces.h"

enum left { LEFT_BAD = 1, LEFT_UNMATCHED };

/* ---- ahead ---- */

/* A few records at a time: keys first, so that their entries are on their way from memory when they are needed. */
struct pending {
    struct record r;
    size_t at, end; /* in the block's body */
    uint64_t hash;
    struct key_text key;
    enum { KEY_THERE, KEY_NONE, KEY_BAD, TOMBSTONE } state;
    bool placed; /* `place` is known */
    struct place place;
    const struct row_list *partners; /* NULL: it has none */
};

struct batch {
    struct pending item[PAIR_BATCH];
    size_t n;
};

struct ahead {
    const struct join *j;
    struct pairer *k;
    const struct lookup *l;
    struct pieces out;
    const struct block_origin *from;
    const char *body;
};

static const char *key_of(const struct pairer *k, const struct key_text *key) {
    return key->at == SIZE_MAX ? key->p : k->keys.data + key->at;
}

static size_t slack_of(const struct ahead *a, const struct record *r) {
    return (size_t)(a->body + a->from->h->raw_size - r->value) - r->value_size;
}

/* Where rows go in the record, if that is not known yet. */
static bool find_place(const struct ahead *a, struct pending *p) {
    const struct record *r = &p->r;
    if (!p->placed && r->value_type == VALUE_JSON)
        p->placed = names_find(&a->l->names, r->value, r->value_size, slack_of(a, r), &p->place);
    return p->placed;
}

/* The key's member, and in the same pass the place, unless most records have no use for it. */
static bool find_member(const struct ahead *a, struct pending *p) {
    const struct record *r = &p->r;
    if (!a->k->few_match) return find_place(a, p);
    return r->value_type == VALUE_JSON &&
           names_find_key(&a->l->names, r->value, r->value_size, slack_of(a, r), &p->place.key);
}

/* As key_find: of what is found in one pass, or by the expression. */
static int ask_key(struct ahead *a, struct pending *p) {
    const struct record *r = &p->r;
    struct err why;
    bool found = find_member(a, p) && a->l->names.key.p;
    int g = found ? key_of_member(p->place.key.p, p->place.key.n, &p->key) : G_DATA;
    if (g > 0 || (g == 0 && a->k->kinds)) return g; /* as long as no record had a key the run is to see that */
    record_begin_ahead(a->k->run, a->from, a->body, r);
    return key_find(a->k->run, a->j->on, r, &a->k->keys, &p->key, &why);
}

static void find_key(struct ahead *a, struct pending *p) {
    struct pairer *k = a->k;
    p->state = TOMBSTONE;
    p->placed = false;
    p->partners = NULL;
    if (p->r.value_type == VALUE_NONE) return;
    int g = ask_key(a, p);
    p->state = g > 0 ? KEY_THERE : g == 0 ? KEY_NONE : KEY_BAD;
    if (g <= 0) return;
    k->kinds |= p->key.kind;
    p->hash = table_hash(&a->j->hash_key, key_of(k, &p->key), p->key.n);
    table_prefetch(&a->l->table, p->hash);
}

static void find_partners(const struct ahead *a, struct batch *b) {
    const struct table *t = &a->l->table;
    size_t matched = 0;
    for (size_t i = 0; i < b->n; i++)
        if (b->item[i].state == KEY_THERE) table_prefetch_entry(t, b->item[i].hash);
    for (size_t i = 0; i < b->n; i++) {
        struct pending *p = &b->item[i];
        if (p->state != KEY_THERE) continue;
        p->partners = lookup_find(a->l, p->hash, key_of(a->k, &p->key), p->key.n);
        matched += p->partners != NULL;
        if (!p->partners || !p->partners->first) continue;
        __builtin_prefetch(p->partners->first);
        __builtin_prefetch((const char *)p->partners->first + 64);
    }
    a->k->few_match = matched < b->n / 4;
}

/* The record with the row in it, behind what is in `out`; `at`: NULL, or where it goes. */
static int merge(const struct join *j, struct pairer *k, const struct record *r, const struct place *at,
                 const struct row *row, struct buf *out, struct err *e) {
    if (!at) return row_merge(&k->merger, &j->shape, r->value, r->value_size, row, out, e);
    return row_put(&j->shape, at, r->value, r->value_size, row, out) < 0 ? err_nomem(e) : 0;
}

/* A result for each partner. One that cannot be made leaves the record to its turn; once there was another one before
 * it, that is so for the whole block. */
static int note_pairs(struct ahead *a, struct pending *p) {
    struct record made = p->r;
    const struct place *place = find_place(a, p) ? &p->place : NULL;
    struct err why;
    made.value_type = VALUE_JSON;
    for (const struct row *row = p->partners->first; row; row = row->next) {
        if (pieces_open(&a->out, &p->r) < 0) return G_NOMEM;
        size_t at = a->out.bytes->len;
        int g = p->r.value_type == VALUE_JSON ? merge(a->j, a->k, &p->r, place, row, a->out.bytes, &why) : G_DATA;
        made.value = a->out.bytes->data + at;
        made.value_size = a->out.bytes->len - at;
        if (g == 0) g = record_check(&made, a->j->record_limit, &why);
        if (g < 0) {
            pieces_cancel(&a->out);
            return row == p->partners->first ? pieces_leave(&a->out, p->at, p->end, LEFT_BAD) : G_NOMEM;
        }
        if (pieces_close(&a->out, &made) < 0) return G_NOMEM;
    }
    return 0;
}

static int note_outcome(struct ahead *a, struct pending *p) {
    const struct join *j = a->j;
    if (p->state == KEY_BAD) return pieces_leave(&a->out, p->at, p->end, LEFT_BAD);
    if (p->state == TOMBSTONE) return pieces_record(&a->out, &p->r);
    if (p->partners) {
        a->k->matched = true;
        return j->anti ? 0 : note_pairs(a, p);
    }
    if (j->left || j->anti) return pieces_record(&a->out, &p->r);
    return j->unmatched ? pieces_leave(&a->out, p->at, p->end, LEFT_UNMATCHED) : 0;
}

static int note_batch(struct ahead *a, struct batch *b) {
    int g = 0;
    find_partners(a, b);
    for (size_t i = 0; g == 0 && i < b->n; i++) g = note_outcome(a, &b->item[i]);
    b->n = 0;
    buf_clear(&a->k->keys);
    return g;
}

static int note_block(struct ahead *a) {
    struct batch b = {.n = 0};
    struct record_walk w;
    int g = 0;
    record_walk_init(&w, a->from->h, a->body, SIZE_MAX);
    while (g == 0 && record_next_checked(&w, &b.item[b.n].r)) {
        struct pending *p = &b.item[b.n++];
        p->at = w.record_at;
        p->end = w.at;
        find_key(a, p);
        if (b.n == PAIR_BATCH) g = note_batch(a, &b);
    }
    return g == 0 ? note_batch(a, &b) : g;
}

int join_look(void *ctx, unsigned thread, const struct block_origin *from, const char *body, struct buf *note) {
    struct join *j = ctx;
    struct ahead a = {.j = j, .k = &j->pairers[thread], .from = from, .body = body}; /* the pairer is nobody else's */
    struct err why;
    size_t begin = note->len;
    if (!a.k->run && expr_run_new(j->sets[0], &a.k->run, &why) < 0) return -1;
    a.l = lookup_hold(j);
    int g = buf_append(note, &a.l->generation, sizeof a.l->generation);
    if (g == 0) g = pieces_begin(&a.out, note);
    if (g == 0) g = pieces_end(&a.out, note_block(&a));
    lookup_drop(j);
    if (g < 0) note->len = begin;
    return g;
}

/* ---- in turn ---- */

/* A bad row is not the fault of the record in hand. */
static int poll_table(struct join *j, struct stage *s, bool quiet, struct err *e) {
    int g = reload_poll(j, quiet, e);
    s->failed = g < 0;
    return g;
}

static int emit(struct join *j, struct stage *s, const struct record *r, struct err *e) {
    j->records_out++;
    j->bytes_out += r->value_size;
    return stage_emit_derived(s, r, e);
}

static int without_partner(struct join *j, struct stage *s, const struct record *r, struct err *e) {
    if (j->left || j->anti) return emit(j, s, r, e);
    return j->unmatched ? sink_put(j->unmatched, s->like, r, e) : 0;
}

/* All results, before the first of them goes anywhere. */
static int make_pairs(struct join *j, const struct stage *s, const struct record *r, const struct row *row,
                      struct err *e) {
    struct pairer *k = &j->pairers[0];
    struct record made = *r;
    struct place place;
    made.value_type = VALUE_JSON;
    buf_clear(&k->text);
    buf_clear(&k->ends);
    if (r->value_type != VALUE_JSON)
        return err_set(e, G_DATA, "record has a partner, and is no object that could have its fields");
    bool placed = names_find(&j->now->names, r->value, r->value_size, stage_slack(s, r), &place);
    for (; row; row = row->next) {
        size_t at = k->text.len;
        int g = merge(j, k, r, placed ? &place : NULL, row, &k->text, e);
        if (g < 0) return g;
        made.value = k->text.data + at;
        made.value_size = k->text.len - at;
        g = record_check(&made, j->record_limit, e);
        if (g < 0) return g;
        if (k->text.len > HEAP_LIMIT_DEFAULT)
            return err_set(e, G_DATA, "the results of one record are over the limit of %zu bytes", HEAP_LIMIT_DEFAULT);
        if (buf_append(&k->ends, &k->text.len, sizeof k->text.len) < 0) return err_nomem(e);
    }
    return 0;
}

static int with_partners(struct join *j, struct stage *s, const struct record *r, const struct row_list *partners,
                         struct err *e) {
    struct pairer *k = &j->pairers[0];
    struct record made = *r;
    k->matched = true;
    if (j->anti) return 0;
    int g = make_pairs(j, s, r, partners->first, e);
    made.value_type = VALUE_JSON;
    const size_t *ends = (const size_t *)(const void *)k->ends.data;
    for (size_t i = 0, from = 0; g == 0 && i < k->ends.len / sizeof *ends; from = ends[i++]) {
        made.value = k->text.data + from;
        made.value_size = ends[i] - from;
        g = emit(j, s, &made, e);
    }
    return g;
}

/* The record that record_begin was called for. */
static int join_in_turn(struct join *j, struct stage *s, const struct record *r, struct err *e) {
    struct pairer *k = &j->pairers[0];
    struct key_text key;
    if (r->value_type == VALUE_NONE) return emit(j, s, r, e);
    buf_clear(&k->keys);
    int g = key_find(k->run, j->on, r, &k->keys, &key, e);
    if (g < 0) return g;
    if (g == 0) return without_partner(j, s, r, e);
    const char *text = key_of(k, &key);
    k->kinds |= key.kind;
    const struct row_list *partners = lookup_find(j->now, table_hash(&j->hash_key, text, key.n), text, key.n);
    return partners ? with_partners(j, s, r, partners, e) : without_partner(j, s, r, e);
}

int join_record(void *ctx, struct stage *s, const struct record *in, struct err *e) {
    struct join *j = ctx;
    struct expr_run *run = j->pairers[0].run;
    struct record r = *in;
    int g = poll_table(j, s, false, e);
    if (g < 0) return g;
    record_begin(run, s, &r);
    if (j->time.used) {
        g = time_field_get(&j->time, run, &r.time, e);
        if (g < 0) return g;
        record_begin(run, s, &r); /* $time is known now */
    }
    return join_in_turn(j, s, &r, e);
}

static int join_walk(struct join *j, struct stage *s, struct record_walk *w, bool unmatched, struct err *e) {
    struct record r;
    int g;
    while ((g = record_next(w, &r, e)) > 0) {
        g = unmatched ? 0 : stage_check(s, &r, e);
        if (g == 0 && !unmatched) record_begin(j->pairers[0].run, s, &r);
        if (g == 0) g = unmatched ? sink_put(j->unmatched, s->like, &r, e) : join_in_turn(j, s, &r, e);
        if (g == G_DATA) g = stage_bad(s, &r, e);
        if (g < 0) return g;
    }
    return g;
}

static int follow_note(struct join *j, struct stage *s, const struct block *b, struct err *e) {
    struct block_header h;
    struct record_walk w;
    struct piece p;
    size_t at = sizeof(uint64_t);
    int g = 0;
    while (g == 0 && pieces_next(s->note, s->note_size, &at, &p)) {
        if (p.left) {
            piece_walk(&w, &h, &b->h, b->body, &p);
            g = join_walk(j, s, &w, p.left == LEFT_UNMATCHED, e);
            continue;
        }
        j->records_out += p.run.count;
        j->bytes_out += p.value_bytes;
        g = stage_emit_run(s, &p.run, e);
    }
    return g;
}

/* Was the note made by the table as it is now? */
static bool note_is_current(const struct join *j, const struct stage *s) {
    uint64_t generation;
    if (!s->note) return false;
    memcpy(&generation, s->note, sizeof generation);
    return generation == j->now->generation;
}

int join_block(void *ctx, struct stage *s, const struct block *b, struct err *e) {
    struct join *j = ctx;
    struct record_walk w;
    int g = poll_table(j, s, false, e);
    if (g < 0) return g;
    if (note_is_current(j, s)) return follow_note(j, s, b, e);
    record_walk_init(&w, &b->h, b->body, SIZE_MAX);
    return join_walk(j, s, &w, false, e);
}

int join_idle(void *ctx, struct stage *s, struct err *e) {
    struct join *j = ctx;
    s->wake_ns = reload_wake_ns(j);
    return poll_table(j, s, true, e);
}
