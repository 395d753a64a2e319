/* SPDX-License-Identifier: Apache-2.0 */
/* Records that wait until those before them cannot come any more. See held.h. */
#include "state/held.h"

#include <stdlib.h>

static bool before(const struct held *a, const struct held *b) {
    if (a->time != b->time) return a->time < b->time;
    if (a->which != b->which) return a->which < b->which;
    return a->number < b->number;
}

void held_init(struct held_records *h, struct state_budget *budget) {
    *h = (struct held_records){0};
    arena_init(&h->arena, budget);
}

static int grow(struct held_records *h) {
    void *heap = budget_grow_list(h->arena.budget, h->heap, &h->cap, sizeof *h->heap);
    if (!heap) return G_NOMEM;
    h->heap = heap;
    return 0;
}

int held_push(struct held_records *h, size_t which, struct place *place, const struct record *r) {
    size_t size = sizeof(struct held) + record_size(r);
    if (h->count == h->cap && grow(h) < 0) return G_NOMEM;
    struct held *x = arena_take(&h->arena, size);
    if (!x) return G_NOMEM;
    *x = (struct held){
        .time = r->time, .number = h->arrived++, .offset = r->offset, .which = which, .place = place, .size = size};
    if (place) place->users++;
    record_encode(r, 0, (char *)(x + 1));
    size_t i = h->count++;
    for (; i > 0 && before(x, h->heap[(i - 1) / 2]); i = (i - 1) / 2) h->heap[i] = h->heap[(i - 1) / 2];
    h->heap[i] = x;
    return 0;
}

struct held *held_pop(struct held_records *h) {
    if (h->count == 0) return NULL;
    struct held *first = h->heap[0], *x = h->heap[--h->count];
    size_t i = 0;
    for (;;) {
        size_t child = 2 * i + 1;
        if (child >= h->count) break;
        if (child + 1 < h->count && before(h->heap[child + 1], h->heap[child])) child++;
        if (!before(h->heap[child], x)) break;
        h->heap[i] = h->heap[child];
        i = child;
    }
    if (h->count) h->heap[i] = x;
    return first;
}

void held_record(const struct held *held, struct record *ret) {
    const struct block_header h = {.kind = BLOCK_DATA,
                                   .records = 1,
                                   .base_offset = held->offset,
                                   .raw_size = (uint32_t)(held->size - sizeof *held)};
    struct record_walk w;
    record_walk_init(&w, &h, (const char *)(held + 1), SIZE_MAX);
    (void)record_next_checked(&w, ret); /* we wrote it */
}

void place_drop(struct place *p) {
    if (p && --p->users == 0) free(p);
}

void held_give(struct held_records *h, struct held *held) {
    place_drop(held->place);
    arena_give(&h->arena, held, held->size);
}

void held_release(struct held_records *h) {
    for (size_t i = 0; i < h->count; i++) place_drop(h->heap[i]->place);
    arena_release(&h->arena);
    free(h->heap);
    *h = (struct held_records){0};
}
