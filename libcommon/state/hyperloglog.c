/* SPDX-License-Identifier: Apache-2.0 */
/*
 * HyperLogLog. See hyperloglog.h for the method.
 */
#include "state/hyperloglog.h"

#include <math.h>

#include "state/pack.h"

enum { SLOTS_FIRST = 4, RANK_MAX = 64 - HLL_PRECISION + 1, SAVED_REGISTERS = HLL_REGISTERS / 4 * 3 };

/* Sixteen registers, for merging: they are below 128. */
typedef int8_t vector __attribute__((vector_size(16), aligned(8), may_alias));

static inline void register_add(uint8_t *registers, uint64_t hash) {
    uint8_t *r = &registers[hash >> (64 - HLL_PRECISION)];
    /* Zeros in front of the rest of the hash, and one; the bit behind the rest ends them. */
    uint64_t rest = hash << HLL_PRECISION | (uint64_t)1 << (HLL_PRECISION - 1);
    uint8_t rank = (uint8_t)(__builtin_clzll(rest) + 1);
    if (rank > *r) *r = rank;
}

/* The slot of a hash, or the free one where it belongs. */
static inline uint64_t *slot_of(uint64_t *slots, uint32_t cap, uint64_t hash) {
    uint32_t i = (uint32_t)hash & (cap - 1);
    while (slots[i] && slots[i] != hash) i = (i + 1) & (cap - 1);
    return &slots[i];
}

static void set_give(struct hyperloglog *h, struct arena *arena) {
    arena_give(arena, h->hashes, h->cap * sizeof *h->hashes);
    h->hashes = NULL;
    h->n = h->cap = 0;
}

/* From the set to registers. */
static int make_dense(struct hyperloglog *h, struct arena *arena) {
    uint8_t *registers = arena_take(arena, HLL_REGISTERS);
    if (!registers) return G_NOMEM;
    for (uint32_t i = 0; i < h->cap; i++) {
        if (h->hashes[i]) register_add(registers, h->hashes[i]);
    }
    set_give(h, arena);
    h->registers = registers;
    return 0;
}

static int set_grow(struct hyperloglog *h, struct arena *arena) {
    uint32_t cap = h->cap ? 2 * h->cap : SLOTS_FIRST, n = h->n;
    uint64_t *slots = arena_take(arena, cap * sizeof *slots);
    if (!slots) return G_NOMEM;
    for (uint32_t i = 0; i < h->cap; i++) {
        if (h->hashes[i]) *slot_of(slots, cap, h->hashes[i]) = h->hashes[i];
    }
    set_give(h, arena);
    h->hashes = slots;
    h->cap = cap;
    h->n = n;
    return 0;
}

int hyperloglog_add(struct hyperloglog *h, struct arena *arena, uint64_t hash) {
    if (!hash) hash = 1;
    if (!h->registers) {
        uint64_t *slot = h->cap ? slot_of(h->hashes, h->cap, hash) : NULL;
        if (slot && *slot) return 0;
        int rc = h->n == HLL_EXACT ? make_dense(h, arena) : h->n == h->cap / 4 * 3 ? set_grow(h, arena) : 0;
        if (rc < 0) return rc;
    }
    if (h->registers) {
        register_add(h->registers, hash);
    } else {
        *slot_of(h->hashes, h->cap, hash) = hash;
        h->n++;
    }
    return 0;
}

int hyperloglog_merge(struct hyperloglog *h, struct arena *arena, const struct hyperloglog *from) {
    int rc = 0;
    for (uint32_t i = 0; rc == 0 && i < from->cap; i++) {
        if (from->hashes[i]) rc = hyperloglog_add(h, arena, from->hashes[i]);
    }
    if (!from->registers) return rc;
    if (!h->registers) rc = make_dense(h, arena);
    if (rc < 0) return rc;
    vector *to = (vector *)h->registers;
    const vector *x = (const vector *)from->registers;
    for (size_t i = 0; i < HLL_REGISTERS / sizeof *to; i++) {
        vector more = x[i] > to[i];
        to[i] = (x[i] & more) | (to[i] & ~more);
    }
    return 0;
}

void hyperloglog_clear(struct hyperloglog *h, struct arena *arena) {
    set_give(h, arena);
    arena_give(arena, h->registers, HLL_REGISTERS);
    h->registers = NULL;
}

/* ---- the estimate: Ertl's names ---- */

static double sigma(double x) {
    if (x == 1) return (double)INFINITY;
    double y = 1, z = x, before;
    do {
        x *= x;
        before = z;
        z += x * y;
        y += y;
    } while (z != before);
    return z;
}

static double tau(double x) {
    if (x == 0 || x == 1) return 0;
    double y = 1, z = 1 - x, before;
    do {
        x = sqrt(x);
        before = z;
        y /= 2;
        z -= (1 - x) * (1 - x) * y;
    } while (z != before);
    return z / 3;
}

uint64_t hyperloglog_estimate(const struct hyperloglog *h) {
    if (!h->registers) return h->n;
    uint32_t with[RANK_MAX + 1] = {0}; /* registers by rank */
    for (size_t i = 0; i < HLL_REGISTERS; i++) with[h->registers[i]]++;
    const double m = HLL_REGISTERS;
    double z = m * tau(1 - with[RANK_MAX] / m);
    for (int rank = RANK_MAX - 1; rank >= 1; rank--) z = (z + with[rank]) / 2;
    z += m * sigma(with[0] / m);
    double estimate = m * m / (2 * M_LN2 * z);
    return estimate < 0x1p63 ? (uint64_t)llround(estimate) : INT64_MAX;
}

/* ---- bytes ---- */

static int registers_save(const uint8_t *registers, struct buf *out) {
    int rc = buf_reserve(out, SAVED_REGISTERS);
    if (rc < 0) return rc;
    for (size_t i = 0; i < HLL_REGISTERS; i += 4) {
        uint32_t four = registers[i] | (uint32_t)registers[i + 1] << 6 | (uint32_t)registers[i + 2] << 12 |
                        (uint32_t)registers[i + 3] << 18;
        buf_putc_fast(out, (char)four);
        buf_putc_fast(out, (char)(four >> 8));
        buf_putc_fast(out, (char)(four >> 16));
    }
    return 0;
}

int hyperloglog_save(const struct hyperloglog *h, struct buf *out) {
    int rc = buf_putc(out, h->registers != NULL);
    if (rc < 0) return rc;
    if (h->registers) return registers_save(h->registers, out);
    rc = pack_u64(out, h->n);
    for (uint32_t i = 0; rc == 0 && i < h->cap; i++) {
        if (h->hashes[i]) rc = pack_word(out, h->hashes[i]);
    }
    return rc;
}

static bool registers_load(uint8_t *registers, const char *p) {
    uint8_t most = 0;
    for (size_t i = 0; i < HLL_REGISTERS; i += 4, p += 3) {
        uint32_t four = get_u16_le(p) | (uint32_t)(unsigned char)p[2] << 16;
        for (size_t j = 0; j < 4; j++) {
            registers[i + j] = (uint8_t)(four >> 6 * j & 63);
            if (registers[i + j] > most) most = registers[i + j];
        }
    }
    return most > 0 && most <= RANK_MAX;
}

int hyperloglog_load(struct hyperloglog *h, struct arena *arena, const char **p, const char *end, struct err *e) {
    uint64_t n, hash;
    if (end - *p >= 1 + SAVED_REGISTERS && **p == 1) {
        int rc = make_dense(h, arena);
        if (rc < 0) return rc;
        bool good = registers_load(h->registers, *p + 1);
        *p += 1 + SAVED_REGISTERS;
        if (good) return 0;
    } else if (end > *p && *(*p)++ == 0 && unpack_u64(p, end, &n) && n <= HLL_EXACT &&
               n <= (uint64_t)(end - *p) / sizeof hash) {
        for (uint64_t i = 0; i < n && unpack_word(p, end, &hash) && hash != 0; i++) {
            int rc = hyperloglog_add(h, arena, hash);
            if (rc < 0) return rc;
        }
        if (h->n == n) return 0;
    }
    return err_set(e, G_CORRUPT, "a sketch of different values is damaged");
}
