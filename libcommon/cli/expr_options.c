/* SPDX-License-Identifier: Apache-2.0 */
/* Options of tools with expressions. See expr_options.h. */
#include "cli/expr_options.h"

#include <unistd.h>

#include "sys/file.h"

const struct option_spec expr_options[] = {
    {.name = "engine",
     .kind = OPTION_CHOICE,
     .arg = "ENGINE",
     .choices = "auto|native|jq",
     .help = "what runs the expressions: 'auto' takes jq's library for what leat itself cannot run",
     .section = "Expressions",
     .offset = offsetof(struct expr_options, engine)},
    {.name = "explain",
     .kind = OPTION_FLAG,
     .help = "print the plan, and which engine runs it and why; read no input",
     .offset = offsetof(struct expr_options, explain)},
    OPTION_END,
};

enum expr_engine expr_engine_of(const struct expr_options *o) {
    static const enum expr_engine engines[] = {EXPR_AUTO, EXPR_AUTO, EXPR_NATIVE, EXPR_JQ};
    return engines[o->engine.at];
}

int expr_explain_all(const struct expr_part *parts, size_t n, struct err *e) {
    struct buf out = {0};
    size_t given = 0;
    int g = 0;
    for (size_t i = 0; i < n; i++) given += parts[i].expr != NULL;
    for (size_t i = 0; g == 0 && i < n; i++) {
        if (!parts[i].expr) continue;
        if (given > 1)
            g = buf_printf(&out, "%s%s:\n", out.len ? "\n" : "", parts[i].name ? parts[i].name : "expression");
        if (g == 0) g = expr_explain(parts[i].expr, &out);
    }
    if (g < 0) g = err_nomem(e);
    if (g == 0) g = file_write_all(STDOUT_FILENO, out.data, out.len, "standard output", e);
    buf_release(&out);
    return g;
}
