/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Functions of the expression language that are plain C: they take values and give one value. Those that take
 * expressions as arguments (map, select, reduce, …) or give several results live in the evaluator.
 */
#ifndef LEAT_EXPR_FUNC_H
#define LEAT_EXPR_FUNC_H

#include "expr/heap.h"

/* args[0] is the input `.`, args[1..arity] the arguments. 0 with *ret, G_DATA with heap->thrown, G_NOMEM. */
typedef int func_fn(struct heap *h, const struct value *args, struct value *ret);

struct func {
    const char *name;
    uint8_t arity;
    bool pure; /* the same arguments always give the same result: may be computed when the program is compiled */
    func_fn *fn;
};

/* Tables, each ended by a NULL name. */
extern const struct func func_basic[];  /* func_basic.c: length, has, contains, add, tostring, tojson, … */
extern const struct func func_array[];  /* func_array.c: sort, group, min, reverse, flatten, … */
extern const struct func func_object[]; /* func_object.c: keys, to_entries, unflatten, … */
extern const struct func func_path[];   /* func_path.c: getpath, setpath, delpaths */
extern const struct func func_string[]; /* func_string.c: ltrimstr, split, join, ascii_downcase, … */
extern const struct func func_format[]; /* func_format.c: format, which is @csv, @sh, … */
extern const struct func func_math[];   /* func_math.c: floor, pow, … */
extern const struct func func_regex[];  /* func_regex.c: _match/3, and what is defined by it */
extern const struct func func_time[];   /* func_time.c: now, todate, strftime, … */

/* By name and number of arguments; NULL. */
const struct func *func_find(const char *name, size_t n, unsigned arity);

#endif
