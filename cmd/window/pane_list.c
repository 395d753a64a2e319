/* SPDX-License-Identifier: Apache-2.0 */
/* Lists of panes in the order of time: they grow at the end and go at the front. See panes.h. */
#include "panes.h"

#include <stdlib.h>

size_t pane_list_place(const struct pane_list *k, int64_t start) {
    size_t low = 0, high = k->count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (k->list[middle]->span.start < start)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* Room for one more behind the last: what has become free in front is used before there is more. */
static int make_room(struct pane_list *k) {
    size_t gone = (size_t)(k->list - k->base);
    if (k->base && gone + k->count < k->cap) return 0;
    if (gone > k->cap / 2) {
        memmove(k->base, k->list, k->count * sizeof *k->list);
        k->list = k->base;
        return 0;
    }
    size_t cap = k->cap ? 2 * k->cap : 16;
    struct pane **base = realloc(k->base, cap * sizeof *base);
    if (!base) return G_NOMEM;
    k->base = base;
    k->list = base + gone;
    k->cap = cap;
    return 0;
}

int pane_list_insert(struct pane_list *k, size_t at, struct pane *p) {
    if (make_room(k) < 0) return G_NOMEM;
    memmove(k->list + at + 1, k->list + at, (k->count - at) * sizeof *k->list);
    k->list[at] = p;
    k->count++;
    return 0;
}

void pane_list_remove(struct pane_list *k, size_t at) {
    pane_free(k->list[at]);
    k->count--;
    memmove(k->list + at, k->list + at + 1, (k->count - at) * sizeof *k->list);
}

void pane_list_drop(struct pane_list *k, size_t n) {
    for (size_t i = 0; i < n; i++) pane_free(k->list[i]);
    if (n == 0) return;
    k->count -= n;
    k->list = k->count ? k->list + n : k->base;
}

void pane_list_release(struct pane_list *k) {
    pane_list_drop(k, k->count);
    free(k->base);
    k->base = k->list = NULL;
}
