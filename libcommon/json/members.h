/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The members of one JSON object as spans of its text, one after the other, for tools that change an object and leave
 * it text: what lies between the members that change is copied as it stands. Nothing outside the text is read,
 * whatever the bytes are; on validated text the steps are exact.
 */
#ifndef LEAT_JSON_MEMBERS_H
#define LEAT_JSON_MEMBERS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"

struct json_member {
    const char *name; /* between the quotes, as it is written */
    size_t name_size;
    bool escaped; /* the name has a backslash */
    const char *value, *value_end;
};

struct json_members {
    const char *p, *end;
    const char *last; /* behind the last member, behind the bracket when there is none */
    bool first;       /* there was none yet */
};

/* False when the text, space before it allowed, is no object. */
bool json_members_init(struct json_members *it, const char *text, size_t n);

/* 1 with the next member; 0 at the closing bracket; G_DATA when the text is not JSON. */
int json_members_next(struct json_members *it, struct json_member *ret) NODISCARD;

/* The name without its escapes, in `scratch`, or where it lies: 0, G_DATA, G_NOMEM. */
int json_member_name(const struct json_member *m, struct buf *scratch, const char **ret, size_t *ret_size) NODISCARD;

#endif
