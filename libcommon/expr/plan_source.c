/* SPDX-License-Identifier: Apache-2.0 */
/* A program's text and tree, shared by what is compiled from pieces of it: see plan.h. */
#include <stdlib.h>
#include <string.h>

#include "expr/caret.h"
#include "expr/plan.h"

int plan_source_new(const char *what, const char *program, struct plan_source **ret, struct err *e) {
    struct plan_source *s = calloc(1, sizeof *s);
    struct err reason = {0};
    uint32_t at = 0;
    if (!s) return err_nomem(e);
    heap_init(&s->heap, 0);
    s->users = 1;
    s->text = strdup(program);
    int g = s->text ? ast_parse(&s->heap, s->text, strlen(s->text), &s->tree, &at, &reason) : err_nomem(&reason);
    if (g == 0) {
        *ret = s;
        return 0;
    }
    (void)err_set(e, g, "%s: %s", what, reason.text);
    if (g == G_USAGE) (void)caret_append(e, program, at);
    plan_source_leave(s);
    return g;
}

void plan_source_leave(struct plan_source *s) {
    if (!s || --s->users > 0) return;
    heap_release(&s->heap);
    free(s->text);
    free(s);
}
