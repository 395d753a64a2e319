/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Little-endian integers at any address. All layouts on pipes and in files are little-endian; everything that
 * encodes or decodes them goes through here, so that alignment and byte order are thought about once.
 */
#ifndef LEAT_BASE_ENDIAN_H
#define LEAT_BASE_ENDIAN_H

#include <endian.h>
#include <stdint.h>
#include <string.h>

static inline uint16_t get_u16_le(const void *p) {
    uint16_t v;
    memcpy(&v, p, sizeof v);
    return le16toh(v);
}

static inline uint32_t get_u32_le(const void *p) {
    uint32_t v;
    memcpy(&v, p, sizeof v);
    return le32toh(v);
}

static inline uint64_t get_u64_le(const void *p) {
    uint64_t v;
    memcpy(&v, p, sizeof v);
    return le64toh(v);
}

static inline int64_t get_i64_le(const void *p) {
    return (int64_t)get_u64_le(p);
}

static inline void put_u16_le(void *p, uint16_t v) {
    v = htole16(v);
    memcpy(p, &v, sizeof v);
}

static inline void put_u32_le(void *p, uint32_t v) {
    v = htole32(v);
    memcpy(p, &v, sizeof v);
}

static inline void put_u64_le(void *p, uint64_t v) {
    v = htole64(v);
    memcpy(p, &v, sizeof v);
}

static inline void put_i64_le(void *p, int64_t v) {
    put_u64_le(p, (uint64_t)v);
}

#endif
