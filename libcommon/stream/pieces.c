/* SPDX-License-Identifier: Apache-2.0 */
/* Notes of records that were made ahead. See pieces.h. A note is a struct piece, its encoded records, a piece, … */
#include "stream/pieces.h"

#include <stdlib.h>

#define NOTE_MAX_BYTES (1u << 20)  /* what is larger is not done ahead */
#define NOTE_KEEP_BYTES (2u << 20) /* of memory, for the next note */

static int piece_begin(struct pieces *n) {
    n->now = (struct piece){.run = {.min_time = NO_TIME, .max_time = NO_TIME}};
    n->now_at = n->bytes->len;
    return buf_append(n->bytes, &n->now, sizeof n->now);
}

static void piece_end(struct pieces *n) {
    n->now.run.size = n->bytes->len - n->now_at - sizeof n->now;
    n->now.run.last_delta = n->now.run.count - 1;
    memcpy(n->bytes->data + n->now_at, &n->now, sizeof n->now);
    if (n->now.run.count == 0 && !n->now.left) n->bytes->len = n->now_at;
}

int pieces_begin(struct pieces *n, struct buf *note) {
    *n = (struct pieces){.bytes = note, .begin = note->len};
    return piece_begin(n);
}

int pieces_end(struct pieces *n, int g) {
    struct buf *note = n->bytes;
    if (g < 0)
        note->len = n->begin;
    else
        piece_end(n);
    if (note->cap <= NOTE_KEEP_BYTES) return g;
    char *p = realloc(note->data, note->len + 1);
    if (!p) return g;
    note->data = p;
    note->cap = note->len + 1;
    return g;
}

/* Records that are made go into a piece that has none that were left. */
static int piece_for_records(struct pieces *n) {
    if (!n->now.left) return 0;
    piece_end(n);
    return piece_begin(n);
}

static void count(struct pieces *n, const struct record *r, size_t value_size) {
    struct record_run *run = &n->now.run;
    run->count++;
    n->now.value_bytes += value_size;
    if (r->time == NO_TIME) return;
    if (run->min_time == NO_TIME || r->time < run->min_time) run->min_time = r->time;
    if (run->max_time == NO_TIME || r->time > run->max_time) run->max_time = r->time;
}

int pieces_record(struct pieces *n, const struct record *r) {
    size_t size = record_size(r);
    if (n->bytes->len + size > NOTE_MAX_BYTES || piece_for_records(n) < 0 || buf_reserve(n->bytes, size) < 0)
        return G_NOMEM;
    record_encode(r, n->now.run.count, n->bytes->data + n->bytes->len);
    n->bytes->len += size;
    count(n, r, r->value_size);
    return 0;
}

int pieces_open(struct pieces *n, const struct record *r) {
    size_t head = record_size(r) - r->value_size;
    if (piece_for_records(n) < 0 || buf_reserve(n->bytes, head) < 0) return G_NOMEM;
    n->open_at = n->bytes->len;
    n->bytes->len += head;
    return 0;
}

void pieces_cancel(struct pieces *n) {
    n->bytes->len = n->open_at;
}

int pieces_close(struct pieces *n, const struct record *r) {
    struct record head = *r;
    size_t size = n->bytes->len - n->open_at, value_size = size - (record_size(r) - r->value_size);
    char *at = n->bytes->data + n->open_at;
    if (n->bytes->len > NOTE_MAX_BYTES) return G_NOMEM;
    head.value_size = 0; /* it is there */
    record_encode(&head, n->now.run.count, at);
    put_u32_le(at, (uint32_t)size);
    count(n, r, value_size);
    return 0;
}

int pieces_leave(struct pieces *n, size_t at, size_t end, uint32_t why) {
    struct piece *now = &n->now;
    if (now->left != why || now->left_at + now->left_size != at) {
        piece_end(n);
        if (piece_begin(n) < 0) return G_NOMEM;
        now->left = why;
        now->left_at = at;
    }
    now->left_records++;
    now->left_size = end - now->left_at;
    return 0;
}

bool pieces_next(const char *note, size_t size, size_t *at, struct piece *ret) {
    if (size - *at < sizeof *ret) return false;
    memcpy(ret, note + *at, sizeof *ret);
    ret->run.records = note + *at + sizeof *ret;
    *at += sizeof *ret + ret->run.size;
    return true;
}

void piece_walk(struct record_walk *w, struct block_header *h, const struct block_header *of, const char *body,
                const struct piece *left) {
    *h = *of;
    h->raw_size = (uint32_t)left->left_size;
    h->records = left->left_records;
    record_walk_init(w, h, body + left->left_at, SIZE_MAX);
}
