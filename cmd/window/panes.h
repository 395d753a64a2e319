/* SPDX-License-Identifier: Apache-2.0 */
/* Panes of time, lists of them, and what panes.c and tiers.c share. */
#ifndef LEAT_CMD_WINDOW_PANES_H
#define LEAT_CMD_WINDOW_PANES_H

#include "window.h"

struct pane {
    struct span span;
    int64_t first_end, last_end; /* of the windows that it is part of */
    struct arena arena;
    struct table table;
    bool saved; /* a snapshot has it */
};

#define ENTRY_CHANGED 2u /* since the last early results */

int pane_new(struct window *w, const struct span *span, int64_t first, int64_t last, struct pane **ret) NODISCARD;
void pane_free(struct pane *p); /* takes NULL */

/* ---- lists (pane_list.c) ---- */

/* Where a pane that starts there is, or would be. */
size_t pane_list_place(const struct pane_list *k, int64_t start);
int pane_list_insert(struct pane_list *k, size_t at, struct pane *p) NODISCARD;
void pane_list_remove(struct pane_list *k, size_t at);
void pane_list_drop(struct pane_list *k, size_t n); /* the first n of them */
void pane_list_release(struct pane_list *k);

/* ---- tiers (tiers.c) ---- */

/* All panes of a window into one table, whose arena they share nothing with. */
int tiers_merge(struct window *w, const struct span *span, struct table *into) NODISCARD;
/* A record came into a pane that may have been merged already. */
void tiers_forget(struct panes *k, int64_t time);
/* Windows were emitted: what no other window needs goes. */
void tiers_drop(struct window *w);

#endif
