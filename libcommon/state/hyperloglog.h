/* SPDX-License-Identifier: Apache-2.0 */
/*
 * HyperLogLog: how many different values there were, from 64-bit hashes. Up to HLL_EXACT it is exact (a set of the
 * hashes, by open addressing); beyond, 2^14 registers of a byte, with a standard error of 1.04 / sqrt(2^14) = 0.81 %.
 *
 * Sources: Flajolet, Fusy, Gandouet and Meunier, "HyperLogLog" (2007); Heule, Nunkesser and Hall (2013) for 64-bit
 * hashes and the sparse form; Ertl, "New cardinality estimation algorithms for HyperLogLog sketches" (2017,
 * arXiv:1702.01284), section 4, algorithm 6, for the estimate, which needs no tables of bias. The estimate is a
 * function of the set of hashes, whatever their order and however they were merged.
 */
#ifndef LEAT_STATE_HYPERLOGLOG_H
#define LEAT_STATE_HYPERLOGLOG_H

#include "base/buf.h"
#include "state/arena.h"

enum { HLL_PRECISION = 14, HLL_REGISTERS = 1 << HLL_PRECISION, HLL_EXACT = 1536 };

/* All zero is empty. */
struct hyperloglog {
    uint64_t *hashes;   /* cap slots, 0 is free; a hash of 0 counts as 1 */
    uint8_t *registers; /* instead, when there are more than HLL_EXACT */
    uint32_t n, cap;    /* hashes and slots: cap is 4 … 2048, n at most three quarters of it */
};

int hyperloglog_add(struct hyperloglog *h, struct arena *arena, uint64_t hash) NODISCARD; /* G_NOMEM */
int hyperloglog_merge(struct hyperloglog *h, struct arena *arena, const struct hyperloglog *from) NODISCARD;
void hyperloglog_clear(struct hyperloglog *h, struct arena *arena);

uint64_t hyperloglog_estimate(const struct hyperloglog *h);

/* Saved: a byte 0, the number of hashes in seven bit groups and the hashes; or a byte 1 and the registers, six bits
 * each, four in three bytes, the first in the low bits. */
int hyperloglog_save(const struct hyperloglog *h, struct buf *out) NODISCARD;
int hyperloglog_load(struct hyperloglog *h, struct arena *arena, const char **p, const char *end,
                     struct err *e) NODISCARD;

#endif
