/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fields that programs read and no record had: misspelled, perhaps. A run looks, behind the pass over a record that
 * finds its fields, at those alone that it has never seen, and keeps a few records that lacked some; afterwards a tool
 * that has reason to can ask for them. Fields whose absence a program provides for are left out, as are all that are
 * not N_FIELD in the plan: names that are computed, in what is changed, or behind `.[]`.
 */
#ifndef LEAT_EXPR_UNSEEN_H
#define LEAT_EXPR_UNSEEN_H

#include "expr/expr.h"

/* With all programs added, before the first run. `condition`: the program of which only the truth counts, or NULL.
 * Without this nothing is looked at. 0 or G_NOMEM. */
int unseen_watch(struct expr_set *s, const struct expr *condition) NODISCARD;

/* How far is a name from what was typed? SIZE_MAX: too far. */
typedef size_t unseen_distance(const char *typed, const char *name);

struct unseen {
    const char *path;     /* as an expression has it: .user.id */
    const char *near;     /* a path that records have and no program reads, spelled much like it; NULL: none */
    bool in_every_record; /* all records were looked at; else programs decided about some before */
};

/* Each of them, in the order of the programs, goes to `tell`, whose strings live until it returns. The runs are over;
 * some may be NULL. Where memory ends, so does this. */
void unseen_each(const struct expr_set *s, struct expr_run *const *runs, size_t n, unseen_distance *distance,
                 void (*tell)(void *ctx, const struct unseen *u), void *ctx);

#endif
