/* SPDX-License-Identifier: Apache-2.0 */
/* Finding fields on processors with AVX2, BMI, PCLMUL and POPCNT (Haswell, Zen and later). See fields_x86.h. */
#include "json/fields_impl.h"

#ifdef __x86_64__

#define FIELD_TARGET __attribute__((target("avx2,bmi,bmi2,lzcnt,popcnt,pclmul")))
#include "json/fields_bits.h"

struct block {
    __m256i low, high;
};

FIELD_INLINE __m256i load(const char *p) {
    return _mm256_loadu_si256((const __m256i *)(const void *)p);
}

FIELD_INLINE struct block block_load(const char *p, size_t readable) {
    char copy[64];
    if (__builtin_expect(readable < 64, 0)) {
        memset(copy, 0, sizeof(copy));
        memcpy(copy, p, readable);
        p = copy;
    }
    return (struct block){load(p), load(p + 32)};
}

FIELD_INLINE uint64_t equal(const struct block *b, char c) {
    __m256i all = _mm256_set1_epi8(c);
    return (uint32_t)_mm256_movemask_epi8(_mm256_cmpeq_epi8(b->low, all)) |
           (uint64_t)(uint32_t)_mm256_movemask_epi8(_mm256_cmpeq_epi8(b->high, all)) << 32;
}

/* Setting bit 5 makes one of [ and {, and of ] and }. */
FIELD_INLINE struct field_masks block_masks(const char *p, size_t readable) {
    __m256i bit5 = _mm256_set1_epi8(0x20);
    struct block b = block_load(p, readable);
    struct block folded = {_mm256_or_si256(b.low, bit5), _mm256_or_si256(b.high, bit5)};
    return (struct field_masks){.quote = equal(&b, '"'),
                                .backslash = equal(&b, '\\'),
                                .colon = equal(&b, ':'),
                                .open = equal(&folded, '{'),
                                .close = equal(&folded, '}')};
}

/* The bit of the bracket that closes the container whose opening one is the bit `from`, in a block that begins outside
 * of strings; 0 when it is not in the block. */
FIELD_INLINE uint64_t container_close(const struct field_masks *m, uint64_t from) {
    uint64_t outside = ~prefix_xor(m->quote) & -from;
    uint64_t open = m->open & outside, close = m->close & outside;
    for (uint64_t left = close; left; left = _blsr_u64(left)) {
        uint64_t before = _blsmsk_u64(left);
        if (_mm_popcnt_u64(open & before) == _mm_popcnt_u64(close & before)) return left & -left;
    }
    return 0;
}

/* Behind the scalar at v, which is between the key and the next quote, or NULL. That quote tells without a look at the
 * bytes in between, when it is behind a comma and that behind the scalar. */
FIELD_INLINE const char *scalar_end(const char *v, const char *next_quote) {
    const char *comma = next_quote - 1;
    if (FIELD_LIKELY(comma > v && *comma == ',' && (comma[-1] | 0x20) != '}' && (unsigned char)comma[-1] > ' '))
        return comma;
    uint32_t ends = scalar_ends(v);
    return ends ? v + _tzcnt_u32(ends) : NULL;
}

/*
 * Members in compact text that lie in 64 bytes without a backslash: the quotes tell where all of it is. Returns where
 * that does not apply. Bytes are compared by branches, so that the next member need not wait for them.
 */
FIELD_INLINE const char *simple_members(struct field_steps *w, const char *p, const char *limit) {
    while (limit - p >= 128 && *p == '"') {
        struct field_masks m = block_masks(p, 64);
        uint64_t quotes = _blsr_u64(m.quote);
        size_t close = _tzcnt_u64(quotes);
        const char *v = p + close + 2, *behind;
        if (FIELD_UNLIKELY(m.backslash || close > 60 || v[-1] != ':' || v >= w->end)) break;
        const struct json_field_entry *e = field_child(w->f, w->node, p + 1, close - 1, 64);
        enum json_type type = (enum json_type)json_field_type[(unsigned char)*v];
        quotes = _blsr_u64(quotes);
        if (type == JSON_TYPE_STRING) {
            quotes = _blsr_u64(quotes);
            if (FIELD_UNLIKELY(!quotes)) break;
            behind = p + _tzcnt_u64(quotes) + 1;
        } else if (type < JSON_TYPE_ARRAY) {
            behind = scalar_end(v, p + _tzcnt_u64(quotes));
            if (FIELD_UNLIKELY(!behind || type == JSON_TYPE_NONE)) break;
        } else if (e && w->f->nodes[e->node].inner && type == JSON_TYPE_OBJECT) {
            p = field_enter(w, e, v);
            continue;
        } else {
            uint64_t bit = container_close(&m, UINT64_C(1) << (close + 2));
            if (FIELD_UNLIKELY(!bit)) break;
            behind = p + _tzcnt_u64(bit) + 1;
        }
        if (FIELD_UNLIKELY(behind >= w->end)) break;
        p = behind;
        if (FIELD_LIKELY(*p == ',')) p++;
        if (!e || e->slot == FIELD_NONE || w->ret[e->slot].type != JSON_TYPE_NONE) continue;
        w->ret[e->slot] = (struct json_slice){.p = v, .n = (size_t)(behind - v), .type = type};
        if (--w->missing == 0) break;
    }
    return p;
}

FIELD_TARGET unsigned json_fields_find_many(const struct json_fields *f, const char *text, size_t len, size_t slack,
                                            struct json_slice *ret) {
    struct field_steps w = {.f = f, .end = text + len, .ret = ret, .missing = f->slots};
    const char *p = fields_begin(f, text, w.end, ret);
    while (p && w.missing) {
        p = simple_members(&w, p, w.end + slack);
        if (w.missing) p = json_field_step(&w, p);
    }
    return fields_end(f, f->slots - w.missing, ret);
}

#include "json/fields_x86.h"

json_find_fn json_fields_find_avx2(void) {
    bool has = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi") && __builtin_cpu_supports("bmi2") &&
               __builtin_cpu_supports("popcnt") && __builtin_cpu_supports("pclmul");
    return has ? fields_find : NULL;
}

#else

json_find_fn json_fields_find_avx2(void) {
    return NULL;
}

#endif
