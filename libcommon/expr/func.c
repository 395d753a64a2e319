/* SPDX-License-Identifier: Apache-2.0 */
/* Finding a function by name and number of arguments, when a program is compiled. See func.h. */
#include "expr/func.h"

#include <string.h>

const struct func *func_find(const char *name, size_t n, unsigned arity) {
    static const struct func *const tables[] = {func_basic,  func_array, func_object, func_path, func_string,
                                                func_format, func_math,  func_regex,  func_time};
    for (size_t t = 0; t < sizeof(tables) / sizeof(*tables); t++) {
        for (const struct func *f = tables[t]; f->name; f++) {
            if (f->arity == arity && strlen(f->name) == n && memcmp(f->name, name, n) == 0) return f;
        }
    }
    return NULL;
}
