/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Finding fields with SIMD, but for the few functions that differ between AVX2 and AVX-512. Included by fields_avx2.c
 * and fields_avx512.c behind their definitions of FIELD_TARGET (the target attribute) and of
 *   block_masks(p, readable)   see struct field_masks; 64 bytes, zeros behind those that may be read
 *
 * As in validate_x86.h, each 64 bytes become bit masks, and a carry-less product tells what is inside strings. Of the
 * colons outside, only those are looked at whose key has a length that is asked for. A key belongs to the object that
 * we are in when just as many brackets are open, which population counts tell; so brackets have to be walked one by one
 * only below the root, in containers that lie on a path.
 */
#ifndef LEAT_JSON_FIELDS_X86_H
#define LEAT_JSON_FIELDS_X86_H

#include "json/fields_bits.h"

struct walk {
    const struct json_fields *f;
    struct json_slice *ret;
    const char *end, *limit; /* of the text, and of what may be read */

    /* The block, a bit a byte: nothing that is inside strings, and no quote that is escaped. */
    const char *p;
    uint64_t quote, opening; /* all quotes; those that open a string */
    uint64_t open, close;    /* brackets of both kinds */
    uint64_t careful;        /* colons whose key may have escapes, or space behind it */
    int64_t depth;           /* brackets that are open before the block */
    const char *key_open;    /* the last opening quote before the block, NULL when there is none */

    /* The innermost container that was entered. */
    uint64_t below_root; /* all ones when it is not the root */
    int64_t level;       /* brackets that are open inside of it */
    uint32_t node;
    uint32_t missing; /* fields that are not found yet */
};

/*
 * Which bytes are behind an odd run of backslashes. Adding the first bit of a run to it carries into the bit behind it;
 * whether that place is odd or even tells the run's length, given where it began (Langdale and Lemire, 2019).
 */
FIELD_INLINE uint64_t escaped_bytes(uint64_t backslash, uint64_t *carry) {
    const uint64_t even = 0x5555555555555555U;
    uint64_t first = *carry & 1;
    backslash &= ~first;
    uint64_t starts = backslash & ~(backslash << 1);
    unsigned long long from_even = backslash + (starts & even);
    unsigned long long from_odd;
    *carry = __builtin_add_overflow(backslash, starts & ~even, &from_odd);
    return (((from_even & ~even) | (from_odd & even)) & ~backslash) | first;
}

/* Behind the string or scalar at v, or behind w->end when it is cut off. */
FIELD_INLINE const char *value_end(const struct walk *w, const char *v, uint64_t colon) {
    if (*v == '"') {
        uint64_t quotes = _blsr_u64(w->quote & -colon);
        if (FIELD_LIKELY(quotes)) return w->p + _tzcnt_u64(quotes) + 1;
    } else if (FIELD_LIKELY(w->limit - v >= 16)) {
        uint32_t ends = scalar_ends(v);
        if (FIELD_LIKELY(ends)) return v + _tzcnt_u32(ends);
    }
    const char *behind = json_scan_value(v, w->end);
    return behind ? behind : w->end + 1;
}

/* The name between the quote at `open` and the colon, where escapes may be in, or space behind it. */
FIELD_TARGET __attribute__((noinline, cold)) static const struct json_field_entry *
careful_lookup(const struct walk *w, const char *open, const char *colon) {
    const char *close = colon - 1;
    if (!open) return NULL;
    while (close > open && (unsigned char)*close <= ' ') close--;
    if (close == open || *close != '"') return NULL;
    size_t n = (size_t)(close - open - 1);
    if (memchr(open, '\\', n + 1)) return json_field_child_escaped(w->f, w->node, open + 1, n);
    return field_child(w->f, w->node, open + 1, n, (size_t)(w->limit - open - 1));
}

/* A container on the path to a field, or a field itself. */
FIELD_TARGET __attribute__((noinline)) static void enter(struct walk *w, const struct json_field_entry *e,
                                                         const char *v) {
    bool wanted = e->slot != FIELD_NONE && w->ret[e->slot].type == JSON_TYPE_NONE;
    if (!wanted && !w->f->nodes[e->node].inner) return;
    if (wanted) w->ret[e->slot].p = v;
    w->node = e->node;
    w->level++;
    w->below_root = UINT64_MAX;
}

/* The closing bracket of the container that was entered. */
FIELD_INLINE void leave(struct walk *w, const char *close) {
    const struct json_field_node *node = &w->f->nodes[w->node];
    struct json_slice *ret = &w->ret[node->slot];
    if (node->slot != FIELD_NONE && ret->type == JSON_TYPE_NONE) {
        ret->n = (size_t)(close + 1 - ret->p);
        ret->type = (enum json_type)json_field_type[(unsigned char)*ret->p];
        w->missing--;
    }
    w->node = node->parent;
    w->level--;
    if (w->node == 0) w->below_root = 0;
}

/* A key in the container that we are in. The byte behind the colon is in the text, too. */
FIELD_INLINE void member(struct walk *w, uint64_t bit, bool careful) {
    const char *colon = w->p + _tzcnt_u64(bit);
    uint64_t before = w->opening & (bit - 1);
    const char *open = FIELD_LIKELY(before) ? w->p + 63 - _lzcnt_u64(before) : w->key_open;
    const struct json_field_entry *e =
        careful ? careful_lookup(w, open, colon)
                : field_child(w->f, w->node, open + 1, (size_t)(colon - open - 2), (size_t)(w->limit - open - 1));
    if (!e) return;
    const char *v = colon + 1;
    enum json_type type = (enum json_type)json_field_type[(unsigned char)*v];
    if (FIELD_UNLIKELY(type == JSON_TYPE_NONE)) {
        v = json_scan_space(v, w->end);
        type = v < w->end ? (enum json_type)json_field_type[(unsigned char)*v] : JSON_TYPE_NONE;
        if (type == JSON_TYPE_NONE) return;
    }
    if (FIELD_UNLIKELY(type >= JSON_TYPE_ARRAY)) {
        enter(w, e, v);
        return;
    }
    struct json_slice *ret = &w->ret[e->slot];
    if (FIELD_UNLIKELY(e->slot == FIELD_NONE || ret->type != JSON_TYPE_NONE)) return;
    const char *behind = value_end(w, v, bit);
    if (FIELD_UNLIKELY(behind > w->end)) return;
    ret->p = v;
    ret->n = (size_t)(behind - v);
    ret->type = type;
    w->missing--;
}

/* The colons that passed the filter in a block without brackets, spaces before colons and escapes. */
FIELD_TARGET __attribute__((noinline)) static void plain_walk(struct walk *w, uint64_t events) {
    do {
        member(w, events & -events, false);
        events = _blsr_u64(events);
    } while (events);
}

/* In any block, the closing brackets too when we are below the root. */
FIELD_TARGET __attribute__((noinline)) static void block_walk(struct walk *w, uint64_t events) {
    if (w->depth - _mm_popcnt_u64(w->close) > w->level) return;
    while (events && w->missing) {
        uint64_t bit = events & -events, below = bit - 1;
        events = _blsr_u64(events);
        if (w->depth + _mm_popcnt_u64(w->open & below) - _mm_popcnt_u64(w->close & below) != w->level) continue;
        if (bit & w->close) {
            leave(w, w->p + _tzcnt_u64(bit));
            events &= ~w->close | w->below_root;
        } else {
            member(w, bit, bit & w->careful);
            events |= w->close & ~below & w->below_root;
        }
    }
}

/* The colons whose key, in compact text, has one of the lengths asked for: 1, up to 4, or 0 for any length. */
FIELD_INLINE uint64_t filter(const struct json_fields *f, uint64_t colon, uint64_t opening, uint64_t before,
                             unsigned lengths) {
    uint64_t keys = 0;
    if (lengths == 0) return colon;
    for (unsigned i = 0; i < lengths; i++) {
        unsigned shift = f->length_shift[i];
        keys |= opening << (shift & 63) | before >> (-shift & 63);
    }
    return colon & keys;
}

FIELD_INLINE unsigned find_x86(const struct json_fields *f, const char *text, size_t len, size_t slack,
                               struct json_slice *ret, unsigned lengths) {
    const char *end = text + len, *limit = end + slack;
    const char *p = fields_begin(f, text, end, ret);
    struct walk w = {.f = f, .ret = ret, .end = end, .limit = limit, .depth = 1, .level = 1, .missing = f->slots};
    uint64_t in = 0, quote = 0, opening = 0, escape = 0;
    for (; p < end; p += 64) {
        struct field_masks m = block_masks(p, (size_t)(limit - p));
        uint64_t quote_before = quote, opening_before = opening;
        uint64_t rare = m.backslash | escape;
        quote = m.quote;
        if (FIELD_UNLIKELY(rare)) quote &= ~escaped_bytes(m.backslash, &escape);
        in = prefix_xor(quote) ^ (uint64_t)((int64_t)in >> 63); /* each string from its opening quote on */
        opening = quote & in;
        uint64_t colon = m.colon & ~in, open = m.open & ~in, close = m.close & ~in;
        uint64_t careful = colon & ~(quote << 1 | quote_before >> 63);
        if (FIELD_UNLIKELY(rare)) {
            careful = colon;
            escape = (escape & 1) | (in | quote) >> 63 << 1;
        }
        uint64_t events = filter(f, colon, opening, opening_before, lengths) | careful | (close & w.below_root);
        if (FIELD_UNLIKELY(end - p <= 64)) { /* nothing at the last byte, so that each colon has one behind it */
            close &= _bzhi_u64(UINT64_MAX, (unsigned)(end - p - 1));
            events &= _bzhi_u64(UINT64_MAX, (unsigned)(end - p - 1));
        }
        if (events) {
            w.p = p;
            w.quote = quote;
            w.opening = opening;
            if (FIELD_LIKELY((open | close | careful) == 0)) {
                if (w.depth == w.level) plain_walk(&w, events);
            } else {
                w.open = open;
                w.close = close;
                w.careful = careful;
                block_walk(&w, events);
            }
            if (w.missing == 0) return f->slots;
        }
        w.depth += _mm_popcnt_u64(open) - _mm_popcnt_u64(close);
        if (FIELD_LIKELY(opening)) w.key_open = p + 63 - _lzcnt_u64(opening);
    }
    return fields_end(f, f->slots - w.missing, ret);
}

/* What json/fields.c calls. */
FIELD_TARGET static unsigned fields_find(const struct json_fields *f, const char *text, size_t len, size_t slack,
                                         struct json_slice *ret) {
    if (f->slots >= FIELD_MANY) return json_fields_find_many(f, text, len, slack, ret);
    if (f->lengths == 1) return find_x86(f, text, len, slack, ret, 1);
    if (f->lengths == 0) return find_x86(f, text, len, slack, ret, 0);
    return find_x86(f, text, len, slack, ret, 4);
}

#endif
