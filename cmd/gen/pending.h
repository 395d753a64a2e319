/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What was decided and is not due yet, earliest first: orders that follow clicks, payments that follow orders. At most
 * a million wait at once; beyond that nothing is added, so that memory stays bounded at any rate. A binary heap.
 */
#ifndef LEAT_GEN_PENDING_H
#define LEAT_GEN_PENDING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

enum { PENDING_MAX = 1 << 20 };

struct purchase {
    int64_t ms;     /* when it is due */
    uint64_t order; /* its number, from 1 */
    uint32_t user, product;
    const char *country; /* two letters */
    uint8_t quantity, method;
};

struct pending {
    struct purchase *heap; /* owned, PENDING_MAX of them: pages that are not used are not there */
    size_t count;
};

int pending_init(struct pending *p, struct err *e) NODISCARD; /* G_NOMEM */
void pending_release(struct pending *p);
void pending_add(struct pending *p, const struct purchase *purchase);

/* The earliest one, if it is due by then; it is taken out. */
bool pending_take(struct pending *p, int64_t ms, struct purchase *ret);

#endif
