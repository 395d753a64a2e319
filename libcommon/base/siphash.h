/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SipHash-2-4, 64 bits: the keyed hash of every table whose keys come from data, so that nobody who does not know
 * the key can choose records that collide.
 *
 * Source: Aumasson and Bernstein, "SipHash: a fast short-input PRF" (2012). The 16 key bytes of the paper are the two
 * words, each little-endian.
 */
#ifndef LEAT_BASE_SIPHASH_H
#define LEAT_BASE_SIPHASH_H

#include <stddef.h>
#include <stdint.h>

uint64_t siphash24(const uint64_t key[2], const void *p, size_t n);

#endif
