/* SPDX-License-Identifier: Apache-2.0 */
/*
 * MurmurHash2 as Kafka uses it, so that a key goes to the partition that Kafka's own clients would choose.
 *
 * Method: MurmurHash2, 32 bits, by Austin Appleby (public domain), with Kafka's seed 0x9747b28c
 * (org.apache.kafka.common.utils.Utils.murmur2). Kafka shows the value as a signed int; here it is unsigned.
 */
#ifndef LEAT_BASE_MURMUR2_H
#define LEAT_BASE_MURMUR2_H

#include <stddef.h>
#include <stdint.h>

uint32_t kafka_murmur2(const void *key, size_t len);

/* The partition of a key, 0 .. partitions-1. `partitions` is at least 1. */
uint32_t kafka_partition(const void *key, size_t len, uint32_t partitions);

#endif
