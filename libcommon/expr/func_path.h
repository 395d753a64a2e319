/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Changing values by keys and paths: a key is a string, a number, or an object {"start": n, "end": n} that stands for a
 * slice; a path is an array of keys. The rules and error texts are jq's. value_index.h looks things up by a key. Used
 * by the evaluator, and as getpath/1, setpath/2, delpaths/1.
 */
#ifndef LEAT_EXPR_FUNC_PATH_H
#define LEAT_EXPR_FUNC_PATH_H

#include "expr/heap.h"

/* v with v[key] = to: a changed version; v itself stays as it is. */
int value_set(struct heap *h, struct value v, struct value key, struct value to, struct value *ret) NODISCARD;

int value_get_path(struct heap *h, struct value v, struct value path, struct value *ret) NODISCARD;
int value_set_path(struct heap *h, struct value v, struct value path, struct value to, struct value *ret) NODISCARD;
/* Without what the paths, an array of them, lead to. */
int value_delete_paths(struct heap *h, struct value v, struct value paths, struct value *ret) NODISCARD;

#endif
