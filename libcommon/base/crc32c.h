/* SPDX-License-Identifier: Apache-2.0 */
/*
 * CRC-32C (Castagnoli polynomial 0x1EDC6F41, reflected; RFC 3720 appendix B.4): the check of blocks and indexes.
 *
 * Start with crc 0; the result of one call may be passed to the next, so that a text can be checked in pieces:
 * crc32c(crc32c(0, a, n), b, m) is the CRC of a followed by b. The inversions are inside. The fastest path that the
 * machine has is picked at the first call; every path gives the same result. Safe to call from any thread.
 */
#ifndef LEAT_BASE_CRC32C_H
#define LEAT_BASE_CRC32C_H

#include <stddef.h>
#include <stdint.h>

uint32_t crc32c(uint32_t crc, const void *p, size_t n);

/* The CRC of A followed by B, from the CRC of each and the length of B, in two steps, for many joins with a B of one
 * length: the operator depends on the length only. Well under a microsecond. */
uint32_t crc32c_shift_op(uint64_t len_b);
uint32_t crc32c_combine_op(uint32_t crc_a, uint32_t crc_b, uint32_t op);

/* For tests and benchmarks: one path by name, NULL when this machine lacks it. */
typedef uint32_t crc32c_fn(uint32_t crc, const void *p, size_t n);
enum crc32c_path { CRC32C_PORTABLE, CRC32C_SSE42, CRC32C_AVX512, CRC32C_PATHS };
crc32c_fn *crc32c_path(enum crc32c_path which);

#endif
