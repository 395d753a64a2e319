/* SPDX-License-Identifier: Apache-2.0 */
/*
 * MurmurHash2 with Kafka's seed, and Kafka's choice of a partition. See the header.
 */
#include "base/murmur2.h"

#include "base/endian.h"

#define MURMUR2_M 0x5bd1e995u
#define KAFKA_SEED 0x9747b28cu

uint32_t kafka_murmur2(const void *key, size_t len) {
    const uint8_t *p = key;
    uint32_t h = KAFKA_SEED ^ (uint32_t)len;
    for (; len >= 4; p += 4, len -= 4) {
        uint32_t k = get_u32_le(p) * MURMUR2_M;
        k ^= k >> 24;
        h = (h * MURMUR2_M) ^ (k * MURMUR2_M);
    }
    if (len > 0) {
        if (len >= 3) h ^= (uint32_t)p[2] << 16;
        if (len >= 2) h ^= (uint32_t)p[1] << 8;
        h = (h ^ p[0]) * MURMUR2_M;
    }
    h = (h ^ (h >> 13)) * MURMUR2_M;
    return h ^ (h >> 15);
}

uint32_t kafka_partition(const void *key, size_t len, uint32_t partitions) {
    return (kafka_murmur2(key, len) & 0x7fffffffu) % partitions;
}
