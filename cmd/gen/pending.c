/* SPDX-License-Identifier: Apache-2.0 */
/* A heap of purchases by the time when they are due. See the header. */
#include "pending.h"

#include <stdlib.h>

int pending_init(struct pending *p, struct err *e) {
    *p = (struct pending){.heap = malloc(PENDING_MAX * sizeof *p->heap)};
    return p->heap == NULL ? err_nomem(e) : 0;
}

void pending_release(struct pending *p) {
    free(p->heap);
    *p = (struct pending){0};
}

void pending_add(struct pending *p, const struct purchase *purchase) {
    if (p->count == PENDING_MAX) return;
    size_t i = p->count++;
    for (size_t up = (i - 1) / 2; i > 0 && purchase->ms < p->heap[up].ms; i = up, up = (i - 1) / 2)
        p->heap[i] = p->heap[up];
    p->heap[i] = *purchase;
}

bool pending_take(struct pending *p, int64_t ms, struct purchase *ret) {
    if (p->count == 0 || p->heap[0].ms > ms) return false;
    *ret = p->heap[0];
    const struct purchase last = p->heap[--p->count];
    size_t i = 0;
    for (size_t down = 1; down < p->count; down = 2 * i + 1) {
        if (down + 1 < p->count && p->heap[down + 1].ms < p->heap[down].ms) down++;
        if (last.ms <= p->heap[down].ms) break;
        p->heap[i] = p->heap[down];
        i = down;
    }
    p->heap[i] = last;
    return true;
}
