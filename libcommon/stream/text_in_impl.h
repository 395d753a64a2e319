/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of the text reader share; not for anyone else. text_in.c owns the life of a reader and the cutting of
 * lines; text_in_lp.c and text_in_csv.c cut their own records.
 */
#ifndef LEAT_STREAM_TEXT_IN_IMPL_H
#define LEAT_STREAM_TEXT_IN_IMPL_H

#include "stream/ahead.h"
#include "stream/combined.h"
#include "stream/csv.h"
#include "stream/envelope_in.h"
#include "stream/text_in.h"
#include "json/validate.h"

/* What is kept of a record over the limit. */
#define KEPT_BYTES (64u << 10)

struct text_in {
    struct inbuf *in;
    struct text_in_config config;
    size_t line_limit;        /* bytes of one raw line or row */
    size_t current;           /* bytes at in->at that the last record takes; dropped by the next call */
    size_t scanned;           /* bytes at in->at that are known to hold no LF */
    uint64_t line, next_line; /* of the last record, of the next one */
    const char *raw;          /* bytes of the last record */
    size_t raw_size;
    bool skipping;      /* the rest of a line or row over the limit is to be passed over */
    uint64_t skip_left; /* the same for lp: bytes of it */
    struct err ended;   /* what ended the input for good, if anything did */
    struct json_validator json;
    bool may_flood;       /* JSON lines, and not of a followed file, whose buffer is started over behind our back */
    struct ahead *ahead;  /* NULL unless they come in floods */
    unsigned large_reads; /* how many there were, until it is started */
    struct envelope_in envelope;
    struct combined combined;
    struct csv csv;
    struct csv_scan scan; /* of the row at in->at */
    bool bom_passed;      /* the first bytes of a CSV were looked at */
    struct buf scratch;   /* a value that is not a view */
};

/* One more read: 0, G_EOF for good, G_WAIT when a followed input is at its end for now, or an error. */
int text_in_more(struct text_in *t, struct err *e) NODISCARD;

/* A record of `raw_size` bytes, `skip` bytes behind in->at, is what the call hands out or refuses; the next one begins
 * `taken` bytes and `lines` lines behind the place where this one did. */
void text_in_take(struct text_in *t, size_t skip, size_t raw_size, size_t taken, uint64_t lines);

/* The raw line or row is over the limit: keep its first bytes as raw, pass over the rest in the next call. G_DATA. */
int text_in_over_limit(struct text_in *t, const char *what, struct err *e);

/* The raw bytes become the value of *r in the way that `kind` says. */
int text_in_value(struct text_in *t, enum payload_kind kind, struct record *r, struct err *e) NODISCARD;

/* The next record of these formats, not yet held to the record limit; *r is empty. */
int text_in_next_lp(struct text_in *t, struct record *r, struct err *e) NODISCARD;
int text_in_next_csv(struct text_in *t, struct record *r, struct err *e) NODISCARD;

#endif
