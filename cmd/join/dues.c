/* SPDX-License-Identifier: Apache-2.0 */
/* Who is due first: a queue of those that came in that order, and a heap. See sides.h. */
#include "sides.h"

#include <stdlib.h>

/* ---- the heap: four children each, so that the way down touches few lines of memory ---- */

/* To tell it its place is to fetch it from memory. */
static void set(struct dues *d, size_t i, const struct due *x) {
    d->items[i] = *x;
    if (!d->fixed) x->w->place = (uint32_t)i;
}

static void sift_up(struct dues *d, size_t i, struct due x) {
    for (; i > 0 && due_sooner(&x, &d->items[(i - 1) / 4]); i = (i - 1) / 4) set(d, i, &d->items[(i - 1) / 4]);
    set(d, i, &x);
}

static void sift_down(struct dues *d, size_t i, struct due x) {
    for (;;) {
        size_t first = 4 * i + 1, least = first, last = first + 4 < d->count ? first + 4 : d->count;
        if (first >= d->count) break;
        for (size_t child = first + 1; child < last; child++)
            if (due_sooner(&d->items[child], &d->items[least])) least = child;
        if (!due_sooner(&d->items[least], &x)) break;
        set(d, i, &d->items[least]);
        i = least;
    }
    set(d, i, &x);
}

/* Where it is, with another due. */
static void sift(struct dues *d, size_t i, struct due x) {
    if (i > 0 && due_sooner(&x, &d->items[(i - 1) / 4]))
        sift_up(d, i, x);
    else
        sift_down(d, i, x);
}

static void heap_remove(struct dues *d, size_t i) {
    struct due last = d->items[--d->count];
    if (i < d->count) sift(d, i, last);
}

/* ---- the queue ---- */

/* Room for more of them: 0, or G_NOMEM. */
static int grow(struct due **items, size_t *cap, struct state_budget *budget) {
    struct due *grown = budget_grow_list(budget, *items, cap, sizeof *grown);
    if (!grown) return G_NOMEM;
    *items = grown;
    return 0;
}

static int queue_append(struct dues *d, const struct due *x, struct state_budget *budget) {
    if (d->from + d->queued == d->queue_cap) {
        if (d->from <= d->queue_cap / 2 && grow(&d->queue, &d->queue_cap, budget) < 0) return G_NOMEM;
        memmove(d->queue, d->queue + d->from, d->queued * sizeof *x);
        d->from = 0;
    }
    d->queue[d->from + d->queued++] = *x;
    return 0;
}

static bool is_last(const struct dues *d, int64_t due) {
    return d->fixed && (d->queued == 0 || due >= d->queue[d->from + d->queued - 1].due);
}

/* ---- both ---- */

int dues_put(struct dues *d, struct waiting *w, int64_t due, struct state_budget *budget) {
    struct due x = {due, w};
    w->due = due;
    if (w->place != NO_PLACE) {
        sift(d, w->place, x);
        return 0;
    }
    if (is_last(d, due)) return queue_append(d, &x, budget);
    if (d->count == NO_PLACE) return G_NOMEM;
    if (d->count == d->cap && grow(&d->items, &d->cap, budget) < 0) return G_NOMEM;
    sift_up(d, d->count++, x);
    return 0;
}

void dues_remove_first(struct dues *d) {
    if (dues_first(d) == d->items) {
        heap_remove(d, 0);
    } else {
        d->from++;
        d->queued--;
    }
}

void dues_remove(struct dues *d, struct waiting *w) {
    if (d->fixed)
        dues_remove_first(d);
    else if (w->place != NO_PLACE)
        heap_remove(d, w->place);
    w->place = NO_PLACE;
}

void dues_release(struct dues *d) {
    free(d->items);
    free(d->queue);
}
