/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Records that were made of a block ahead of its turn, as the note of stage_ops.look: pieces of encoded records for
 * stage_emit_run, and between them those records of the block that something else has to be done with in its turn.
 *
 *     look:   pieces_begin → for each record of the walk: pieces_record, pieces_open and pieces_close, or
 *             pieces_leave → pieces_end
 *     block:  pieces_next over the note of the stage
 */
#ifndef LEAT_STREAM_PIECES_H
#define LEAT_STREAM_PIECES_H

#include "stream/block.h"
#include "stream/writer.h"

/* Records that were made; or, with `left` not 0, neighbours in the block that were left for its turn. */
struct piece {
    struct record_run run; /* of a note that is read: with its records */
    uint64_t value_bytes;
    uint32_t left; /* why: the caller's word */
    uint32_t left_records;
    size_t left_at, left_size; /* in the block's body */
};

struct pieces {
    struct buf *bytes;
    struct piece now;
    size_t begin;  /* of all of them in `bytes` */
    size_t now_at; /* filled in at its end */
    size_t open_at;
};

int pieces_begin(struct pieces *n, struct buf *note) NODISCARD;
/* Ends all of it behind work that came to `g`: below 0 leaves no note. Memory that one large note took is given back.
 * Returns g. */
int pieces_end(struct pieces *n, int g) NODISCARD;

/* A record that was made, whole. G_NOMEM, too, when the note is too large to be worth it. */
int pieces_record(struct pieces *n, const struct record *r) NODISCARD;

/* A record that is made where it stays: pieces_open leaves room for its head, with key and headers; then its value is
 * appended to n->bytes; then pieces_close makes it a record (G_NOMEM as above), or pieces_cancel makes nothing of it.
 */
int pieces_open(struct pieces *n, const struct record *r) NODISCARD;
int pieces_close(struct pieces *n, const struct record *r) NODISCARD;
void pieces_cancel(struct pieces *n);

/* The record that lies at [at, end) of the block's body is left for the block's turn, because of `why`. */
int pieces_leave(struct pieces *n, size_t at, size_t end, uint32_t why) NODISCARD;

/* The next piece of a note. Begin with *at = 0; false at the end. */
bool pieces_next(const char *note, size_t size, size_t *at, struct piece *ret);

/* A walk over the records of a piece that were left. `h` is the caller's, for as long as the walk. */
void piece_walk(struct record_walk *w, struct block_header *h, const struct block_header *of, const char *body,
                const struct piece *left);

#endif
