/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Paths such as `.user.id`, and looking them up in raw JSON text without building a tree: a plain second way, which the
 * tests compare json/fields.h with.
 *
 *   path  = "." | step+            the first step begins with a dot
 *   step  = ["."] "[" index "]"    an array element; a negative index counts from the end
 *         | ["."] "[" string "]"   a member, its name as a JSON string
 *         | "." string | "." name  a member; name is [A-Za-z_][A-Za-z0-9_]*
 *
 * No white space outside strings. Member names are compared after unescaping. A compiled path is not changed by lookups
 * and may be shared by threads.
 */
#ifndef TESTS_JSON_PATH_H
#define TESTS_JSON_PATH_H

#include "json/text.h"

struct json_step {
    bool is_index;
    int64_t index;
    size_t name_at, name_len; /* in `names` */
};

struct json_path {
    struct json_step *steps;
    size_t n;
    struct buf names;
};

/* 0, G_USAGE with a text that says where the path is wrong, or G_NOMEM. */
int json_path_compile(const char *text, struct json_path *p, struct err *e) NODISCARD;

void json_path_release(struct json_path *p); /* takes NULL and a zeroed path */

/*
 * 1 and the value's text without space around it, or 0: a parent is missing, null or of another type, or the index is
 * out of range. On text that is not valid JSON the answer may be either, and whatever is returned lies inside the text.
 * Of duplicate keys the first counts; validated text has none.
 */
int json_path_find(const struct json_path *p, const char *text, size_t len, struct json_slice *ret_value);

#endif
