/* SPDX-License-Identifier: Apache-2.0 */
/* jq's a[b] and a[b:c] on values of any kind, with its error texts. */
#ifndef LEAT_EXPR_VALUE_INDEX_H
#define LEAT_EXPR_VALUE_INDEX_H

#include "expr/heap.h"

/* An object by a string, an array by a number, an array or a string by {"start":…,"end":…}, an array by an array (where
 * it occurs), null by any of these. */
int value_index(struct heap *h, struct value v, struct value key, struct value *ret) NODISCARD;

/* v.name */
int value_index_name(struct heap *h, struct value v, const char *name, size_t n, struct value *ret) NODISCARD;

/* Arrays, strings (in code points) and null; a missing end is null. */
int value_slice(struct heap *h, struct value v, struct value from, struct value to, struct value *ret) NODISCARD;

/* The bounds of a slice of something of this length, as jq cuts them: 0 <= *ret_from <= *ret_to <= length. */
int slice_bounds(struct heap *h, uint32_t length, struct value from, struct value to, uint32_t *ret_from,
                 uint32_t *ret_to) NODISCARD;

#endif
