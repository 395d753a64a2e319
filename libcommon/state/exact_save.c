/* SPDX-License-Identifier: Apache-2.0 */
/* Exact sums as bytes, the same bytes for the same sum. See exact_sum.h. */
#include "base/endian.h"
#include "state/exact_big.h"

enum { HEAD = 6, FLAGS = EXACT_ANY | EXACT_DOUBLE | EXACT_PLUS_INF | EXACT_MINUS_INF | EXACT_NAN };

/* Shift down by what is below the lowest bit that is set. */
static void make_odd(struct big *b) {
    int shift = b->n > 0 ? __builtin_ctzll(b->limb[0]) : 0;
    if (shift == 0) return;
    for (uint32_t i = 0; i < b->n; i++) {
        uint64_t above = i + 1 < b->n ? b->limb[i + 1] << (64 - shift) : 0;
        b->limb[i] = b->limb[i] >> shift | above;
    }
    if (b->limb[b->n - 1] == 0) b->n--;
    b->exponent += shift;
}

int exact_sum_save(const struct exact_sum *s, struct buf *out) {
    struct big b;
    big_of(&b, s);
    make_odd(&b);
    uint32_t size = b.n > 0 ? b.n * 8 - (uint32_t)__builtin_clzll(b.limb[b.n - 1]) / 8 : 0;
    if (size == 0) b.exponent = 0;
    if (buf_reserve(out, HEAD + b.n * 8) < 0) return G_NOMEM;
    char *p = out->data + out->len;
    p[0] = (char)s->flags;
    p[1] = size > 0 && b.minus;
    put_u16_le(p + 2, (uint16_t)size);
    put_u16_le(p + 4, (uint16_t)b.exponent);
    for (uint32_t i = 0; i < b.n; i++) put_u64_le(p + HEAD + i * 8, b.limb[i]);
    out->len += HEAD + size;
    return 0;
}

/* Is it what saving makes, and within what doubles can sum up to? */
static bool is_possible(const unsigned char *p, uint32_t size, int exponent, bool squares) {
    enum { ROOM = 128, LOWEST = -1074, HIGHEST = 1024 + ROOM };
    unsigned flags = p[0], minus = p[1];
    if (flags & ~(unsigned)FLAGS || minus > 1 || minus > size) return false;
    if (!(flags & EXACT_ANY) && (flags || size)) return false;
    if (!(flags & EXACT_DOUBLE) && (flags & ~(unsigned)EXACT_ANY || exponent < 0)) return false;
    if (size == 0) return exponent == 0;
    if (!(p[HEAD] & 1) || p[HEAD + size - 1] == 0) return false;
    int bits = (int)size * 8 - (__builtin_clz(p[HEAD + size - 1]) - 24);
    return exponent >= (squares ? 2 * LOWEST : LOWEST) && exponent + bits <= (squares ? 2 * HIGHEST : HIGHEST);
}

int exact_sum_load(struct exact_sum *s, struct arena *arena, bool squares, const char **p, const char *end,
                   struct err *e) {
    size_t left = (size_t)(end - *p);
    if (left < HEAD) return err_set(e, G_CORRUPT, "a saved sum is cut short");
    const unsigned char *from = (const unsigned char *)*p;
    uint32_t size = get_u16_le(from + 2);
    int exponent = (int16_t)get_u16_le(from + 4);
    if (left - HEAD < size) return err_set(e, G_CORRUPT, "a saved sum is cut short");
    if (!is_possible(from, size, exponent, squares)) return err_set(e, G_CORRUPT, "a saved sum is impossible");
    struct exact_sum sum = {.flags = from[0]};
    for (uint32_t at = 0; at < size; at += 8) {
        char bytes[8] = {0};
        memcpy(bytes, from + HEAD + at, size - at < 8 ? size - at : 8);
        exact_int m = get_u64_le(bytes);
        if (exact_sum_add_slow(&sum, arena, from[1] ? -m : m, exponent + (int)at * 8) < 0) {
            exact_sum_clear(&sum, arena);
            return G_NOMEM;
        }
    }
    *s = sum;
    *p += HEAD + size;
    return 0;
}
