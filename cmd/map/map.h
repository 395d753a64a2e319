/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The parts of `leat map`: the results of a record (results.c), objects merged as text (keep.c), and where results go
 * (emit.c).
 */
#ifndef LEAT_CMD_MAP_H
#define LEAT_CMD_MAP_H

#include "expr/heap.h"
#include "expr/record_field.h"
#include "stream/stage.h"

/* keep.c */
struct keep {
    struct buf name; /* of a field whose name has escapes */
};
void keep_release(struct keep *k);

/*
 * Append the object [text, text + n) with the fields of `result` set in it: those that are there in their place, the
 * others behind. Nothing else of the text changes. G_DATA when one of them is no object.
 */
int keep_merge(struct keep *k, struct expr_run *run, const char *text, size_t n, struct value result, struct buf *out,
               struct err *e) NODISCARD;

/* results.c */
struct header_field {
    const char *name; /* up to the `=` of the option */
    size_t name_size;
    struct key_field field;
};

/* What making records takes; one for each thread, and apart from the others' in the processors' caches. */
struct maker {
    _Alignas(128) struct expr_run *run;
    struct keep keep;
    struct buf text;            /* the results of one record, one behind the other */
    struct buf ends;            /* size_t: where each of them ends in `text` */
    struct buf merged;          /* one that is still to be flattened */
    struct buf all_headers;     /* of the new records */
    struct json_validator json; /* for large results, once there was one */
    bool has_json;
    /* the record in hand */
    const struct map *map;
    const struct record *in;
    struct err *e;
};

struct map {
    const struct expr_set *set;
    struct expr *expr;
    struct key_field key;
    struct time_field time;
    struct header_field *headers;
    size_t header_count;
    size_t record_limit;
    bool keeps;
    const char *separator;                 /* of flattened names; NULL: not flattened */
    struct maker makers[CREW_THREADS_MAX]; /* the first is the stage's */
    uint64_t records_out, bytes_out;
};

void map_release(struct map *m);

/*
 * All results of a record, before the first of them goes anywhere. record_begin was called for `in`; where there are
 * results, *r becomes the new record but for its value. The values are maker_value(k, 0), 1, … maker_count(k) - 1.
 */
int maker_run(struct maker *k, const struct map *m, const struct record *in, struct record *r, struct err *e) NODISCARD;
size_t maker_count(const struct maker *k);
void maker_value(const struct maker *k, size_t i, struct record *r);

/*
 * The short way, for records of which only the value changes and which have one result: it is appended to `out`, and
 * becomes the value of *r, the record that record_begin was called for. 1; or 0, with nothing done, where this is no
 * such case; or what is wrong.
 */
int maker_write_value(struct maker *k, const struct map *m, struct record *r, struct buf *out, struct err *e) NODISCARD;

/* emit.c: callbacks of the stage. */
int map_look(void *ctx, unsigned thread, const struct block_origin *from, const char *body, struct buf *note) NODISCARD;
int map_block(void *ctx, struct stage *s, const struct block *b, struct err *e) NODISCARD;
int map_record(void *ctx, struct stage *s, const struct record *in, struct err *e) NODISCARD;

#endif
