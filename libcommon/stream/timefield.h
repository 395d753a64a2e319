/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fields of a record that an option names: `--time .user.at` and `--key .user.id`. A path today; whoever has an
 * expression engine puts it behind the same two calls.
 */
#ifndef LEAT_STREAM_TIMEFIELD_H
#define LEAT_STREAM_TIMEFIELD_H

#include "base/timefmt.h"
#include "stream/block.h"
#include "json/path.h"

struct time_field {
    bool used;
    struct json_path path;
    const char *expression; /* for messages; belongs to the caller */
    const char *format;     /* strptime-like, or NULL */
    struct time_zone *zone; /* owned; NULL: UTC */
};

/* `expression` may be NULL: not used. G_USAGE when a word is wrong. */
int time_field_init(struct time_field *f, const char *expression, const char *format, const char *zone,
                    struct err *e) NODISCARD;
void time_field_release(struct time_field *f);

/* The time of this record. G_DATA when the field is missing or no time. */
int time_field_get(const struct time_field *f, const struct record *r, int64_t *ret_ns, struct err *e) NODISCARD;

struct key_field {
    bool used;
    struct json_path path;
    const char *expression;
};
int key_field_init(struct key_field *f, const char *expression, struct err *e) NODISCARD;
void key_field_release(struct key_field *f);

/* The key as bytes: a string's content, other values as their JSON text. 1 with *ret in the record or in scratch; 0
 * when the field is missing or null (the record then has no key); G_DATA when the value is no JSON. */
int key_field_get(const struct key_field *f, const struct record *r, struct buf *scratch, const char **ret,
                  size_t *ret_size, struct err *e) NODISCARD;

#endif
