/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Numbers in the saved form of aggregates: unsigned ones in groups of seven bits, the lowest first, a set top bit
 * saying that more follow (LEB128), doubles as eight bytes. Writing is into a struct buf, reading is checked against
 * the end and false is what the caller calls corrupt.
 */
#ifndef LEAT_STATE_PACK_H
#define LEAT_STATE_PACK_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/endian.h"

enum { PACK_U64_MAX = 10 };

NODISCARD static inline int pack_u64(struct buf *out, uint64_t v) {
    int rc = buf_reserve(out, PACK_U64_MAX);
    if (rc < 0) return rc;
    for (; v >= 0x80; v >>= 7) buf_putc_fast(out, (char)(v | 0x80));
    buf_putc_fast(out, (char)v);
    return 0;
}

NODISCARD static inline bool unpack_u64(const char **p, const char *end, uint64_t *ret) {
    uint64_t v = 0;
    const char *at = *p;
    for (int shift = 0; shift < 64 && at < end; shift += 7) {
        uint64_t byte = (unsigned char)*at++;
        if (shift == 63 && byte > 1) return false;
        v |= (byte & 0x7f) << shift;
        if (byte & 0x80) continue;
        *p = at;
        *ret = v;
        return true;
    }
    return false;
}

/* Eight bytes, as they are. */
NODISCARD static inline int pack_word(struct buf *out, uint64_t v) {
    v = htole64(v);
    return buf_append(out, &v, sizeof v);
}

NODISCARD static inline bool unpack_word(const char **p, const char *end, uint64_t *ret) {
    if (end - *p < 8) return false;
    *ret = get_u64_le(*p);
    *p += 8;
    return true;
}

NODISCARD static inline int pack_double(struct buf *out, double v) {
    uint64_t bits;
    memcpy(&bits, &v, sizeof bits);
    return pack_word(out, bits);
}

NODISCARD static inline bool unpack_double(const char **p, const char *end, double *ret) {
    uint64_t bits;
    if (!unpack_word(p, end, &bits)) return false;
    memcpy(ret, &bits, sizeof bits);
    return true;
}

#endif
