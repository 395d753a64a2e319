/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The parts of `leat redrive`: reading letters (letters.c), what a letter says of itself (letter.c), kinds of letters
 * (kinds.c), letters that were edited (edited.c), and choosing and repairing them (repair.c). What is sent, and marked,
 * is log/redrive's business.
 */
#ifndef LEAT_CMD_REDRIVE_H
#define LEAT_CMD_REDRIVE_H

#include "base/hashmap.h"
#include "expr/record_field.h"
#include "log/offsets.h"
#include "log/redrive.h"
#include "stream/rows.h"
#include "json/validate.h"

/* ---- letter.c: what its headers say ---- */

struct text {
    const char *p; /* NULL: nothing */
    size_t n;
};

struct letter {
    struct letter_id id;
    const struct block_header *like; /* of its block */
    struct record record;
    size_t slack;                  /* bytes behind the value that may be read */
    struct text why, tool, source; /* leat.error, leat.tool, leat.source, leat.time: the last header of each name */
    struct text time;
};

/* From the record's headers. */
void letter_read_headers(struct letter *l);

/* The headers without those that made it a letter, appended. */
int letter_strip_headers(const struct record *r, struct buf *out, struct err *e) NODISCARD;

/* "topic/partition@offset": true with its parts, the name being fit for a topic. */
struct letter_source {
    char topic[TOPIC_NAME_MAX + 1];
    uint32_t partition;
};
bool letter_source_parse(const struct text *source, struct letter_source *ret);

/* A reason without what differs from record to record, appended; and the name of a source without line and offset. */
int letter_general_reason(const struct text *why, struct buf *out) NODISCARD;
struct text letter_source_name(const struct text *source);

/* ---- letters.c ---- */

struct letters {
    struct topic *topic; /* NULL: a file */
    const char *file;
    uint64_t file_bytes;                  /* of the file that count */
    const struct offset_range_spec *only; /* NULL: all; topics only */
    int64_t partition;                    /* -1: all */
};

/* Each letter in its order, up to what was there at the start; fn returns 1 when there is enough. */
typedef int (*letter_fn)(void *ctx, struct letter *l, struct err *e);
int letters_each(const struct letters *from, letter_fn fn, void *ctx, struct err *e) NODISCARD;

/* "dead/0@17", "dead.leat@5" */
enum { LETTER_NAME_MAX = 400 };
const char *letter_name(const struct letters *from, struct letter_id id, char out[LETTER_NAME_MAX]);

/* ---- kinds.c: letters counted by tool, source and reason ---- */

struct kind;
struct kinds {
    struct hashmap index;
    struct kind *at;
    size_t count;
    struct buf key;
};
int kinds_init(struct kinds *k, struct err *e) NODISCARD;
void kinds_release(struct kinds *k); /* takes a zeroed one */
int kinds_add(struct kinds *k, const struct letter *l, struct err *e) NODISCARD;
int kinds_print(struct kinds *k, struct rows *rows, struct err *e) NODISCARD; /* the most frequent first */

/* ---- edited.c ---- */

struct edited_line;
struct edited {
    const char *name; /* NULL: there is no such file */
    struct hashmap index;
    struct buf records;
    struct edited_line *lines;
    size_t count, cap;
};
/* The whole file; G_DATA names the line that is bad, or is no letter of this source. */
int edited_load(struct edited *x, const char *name, const struct letters *from, struct err *e) NODISCARD;
void edited_release(struct edited *x); /* takes a zeroed one */

/* Is the letter in it? Then its line is used. */
bool edited_has(struct edited *x, struct letter_id id);

/* Put what the file says in the place of the letter: 1; 0: it is not in it. G_DATA: the line tells of another letter.
 */
int edited_take(struct edited *x, struct letter *l, struct err *e) NODISCARD;
size_t edited_unused(const struct edited *x); /* lines that were no letter */

/* ---- repair.c ---- */

struct repair_options {
    const char *where, *reason, *map, *key, *time, *time_format, *tz;
};
struct repair {
    const char *reason;
    struct expr_set *letters, *values; /* expressions on the letter as it is, and on its repaired value */
    struct expr *where, *map;
    struct key_field key;
    struct time_field time;
    struct expr_run *on_letter, *on_value;
    struct json_validator json;
    bool has_json;
    const char *topic; /* of the letters, for expressions; NULL: none */
    struct buf general, headers, text;
    size_t results;
};
int repair_init(struct repair *x, const struct repair_options *o, enum expr_engine engine, struct err *e) NODISCARD;
void repair_release(struct repair *x); /* takes a zeroed one */

/* A value that says that it is JSON and is not becomes the bytes that it is: G_DATA, for who wants to know why. */
int repair_unmask(struct repair *x, struct record *r, struct err *e) NODISCARD;

/* Is this letter wanted? G_DATA when the expression fails. */
int repair_wants(struct repair *x, const struct letter *l, bool *ret, struct err *e) NODISCARD;

/* The record that the letter is to be: it lives until the next call. G_DATA when it stays a letter. */
int repair_letter(struct repair *x, const struct letter *l, struct record *ret, struct err *e) NODISCARD;

#endif
