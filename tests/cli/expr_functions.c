/* SPDX-License-Identifier: Apache-2.0 */
/* Prints name/arity of each function of the native engine, one a line, for the test that compares leat-expr(7). */
#include <ctype.h>
#include <stdio.h>

#include "expr/func.h"
#include "expr/plan.h"

static void print(const char *name, unsigned arity) {
    if (isalpha((unsigned char)name[0])) printf("%s/%u\n", name, arity);
}

int main(void) {
    const struct func *const tables[] = {func_basic,  func_array, func_object, func_path, func_string,
                                         func_format, func_math,  func_regex,  func_time};
    const char *name;
    unsigned arity;
    for (size_t t = 0; t < sizeof tables / sizeof *tables; t++)
        for (const struct func *f = tables[t]; f->name; f++) print(f->name, f->arity);
    for (size_t i = 0; prelude_entry(i, &name, &arity); i++) print(name, arity);
    for (size_t i = 0; special_entry(i, &name, &arity); i++) print(name, arity);
    print("env", 0);
    return 0;
}
