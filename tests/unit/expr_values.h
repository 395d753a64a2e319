/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the tests of expression values share: JSON texts that end where readable memory ends, the same values in built
 * form, and values as text again.
 */
#ifndef LEAT_TESTS_UNIT_EXPR_VALUES_H
#define LEAT_TESTS_UNIT_EXPR_VALUES_H

#include "expr/heap.h"

/* A copy of n bytes that ends at a page that cannot be read. It lives until edge_release, which frees all of them. */
const char *edge_copy(const char *text, size_t n);
void edge_release(void);

/* The RAW value of such a copy. */
struct value edge_raw(const char *text);

/* The same value built: integers and doubles, string content, arrays and objects of such values. */
struct value value_built(struct heap *h, struct value v);

/* Its text; it lives as long as the heap's content. */
enum spelling { PLAIN, CANONICAL, SORTED };
const char *value_spelled(struct heap *h, struct value v, enum spelling how);

/* Does what was thrown read so? */
void assert_thrown(const struct heap *h, const char *text);

#endif
