/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The SIMD validator, but for the few functions that differ between AVX2 and AVX-512. Included by validate_avx2.c and
 * validate_avx512.c behind their definitions of JSON_TARGET (the target attribute), struct block, and
 *   block_load(p)                     64 bytes
 *   block_tail(text, len, n)          the last n bytes of a text, n from 1 to 63
 *   block_masks(b)                    see struct json_masks
 *   block_emit(b, bits, at, t, n)     append a token for each bit; may write up to 64 tokens
 *   sigs_repeat(sig, n)               are two of 2 to 16 signatures equal; may load JSON_KEYS_SLACK more
 *
 * Stage one turns 64 bytes at a time into bit masks (after Langdale and Lemire, "Parsing Gigabytes of JSON per Second",
 * 2019) and from them into tokens: position and character. Stage two walks the tokens; it looks at the text only to
 * check scalars and to hash keys. A token list ends in zero characters, which fit no rule, so stage two needs no bounds
 * check a token. Text longer than a chunk is refilled at places where few tokens are left.
 */
#ifndef LEAT_JSON_VALIDATE_X86_H
#define LEAT_JSON_VALIDATE_X86_H

#include <immintrin.h>

#include "base/utf8.h"
#include "json/keys.h"
#include "json/unescape.h"

/* What one block tells the next. Small and apart, so that it stays in registers. */
struct flow {
    uint64_t in_string; /* all ones when the next block begins inside a string */
    uint64_t scalar;    /* 1 when the byte before it belongs to a scalar */
    uint64_t control;   /* nonzero after a control character in a string */
    uint64_t high;      /* nonzero after a byte that is not ASCII */
};

struct escapes {
    uint64_t carry;   /* 1 when the first byte of the next block is escaped */
    uint32_t pair_at; /* where the escape of a low surrogate belongs to the pair before it */
    bool seen;        /* a backslash was there */
    bool bad;         /* an invalid escape was there */
};

struct scan {
    const char *text;
    uint32_t len;
    uint32_t next; /* the first byte not yet scanned */
    struct flow flow;
    struct escapes escapes;
    bool final;     /* the tokens reach to the end of the text */
    uint32_t n;     /* tokens */
    uint32_t limit; /* refill when stage two is beyond this token */
};

/* Which bytes of the block are behind a backslash that is not itself escaped. */
JSON_COLD uint64_t escaped_bytes(struct escapes *e, uint64_t backslash) {
    uint64_t escaped = e->carry;
    e->seen = true;
    backslash &= ~escaped;
    e->carry = 0;
    while (backslash) {
        uint64_t one = backslash & -backslash;
        e->carry = one >> 63;
        escaped |= one << 1;
        backslash &= ~(one | one << 1);
    }
    return escaped;
}

/* Look at each escape whose second byte is in `bits`. */
JSON_COLD void escapes_check(struct scan *s, uint64_t bits, uint32_t at) {
    struct escapes *e = &s->escapes;
    for (; bits; bits &= bits - 1) {
        uint32_t p = at + (uint32_t)_tzcnt_u64(bits) - 1; /* the backslash */
        uint32_t cp;
        if (p == e->pair_at) continue;
        unsigned n = json_escape_read(s->text + p, s->len - p, &cp);
        if (n == 0) e->bad = true;
        if (n == 12) e->pair_at = p + 6;
    }
}

/* The tokens of the block at `at` as bits; `valid` are the bits that are in the text. */
JSON_INLINE uint64_t block_tokens(struct scan *s, struct flow *f, const struct json_masks *m, uint32_t at,
                                  uint64_t valid) {
    bool escapes = JSON_UNLIKELY((m->backslash | s->escapes.carry) != 0);
    uint64_t escaped = escapes ? escaped_bytes(&s->escapes, m->backslash) : 0;
    uint64_t quote = m->quote & ~escaped;
    /* A carry-less product with all ones: bit i is the parity of the quotes up to i. */
    __m128i ones = _mm_set1_epi8((char)0xFF);
    uint64_t in = (uint64_t)_mm_cvtsi128_si64(_mm_clmulepi64_si128(_mm_cvtsi64_si128((int64_t)quote), ones, 0));
    in ^= f->in_string; /* from each opening quote to before its closing quote */
    if (escapes) escapes_check(s, escaped & in & valid, at);
    uint64_t scalar = ~(m->op | m->space | quote | in);
    uint64_t begins = scalar & ~(scalar << 1 | f->scalar);
    f->in_string = (uint64_t)((int64_t)in >> 63);
    f->control |= m->control & in;
    f->high |= m->high;
    f->scalar = scalar >> 63;
    return (quote | (m->op & ~in) | begins) & valid;
}

/* Scan a chunk. Tokens from `keep` on stay, moved to the front. */
JSON_INLINE void scan_fill(struct json_validator *v, struct scan *s, uint32_t keep) {
    struct json_tokens *t = v->tokens;
    uint32_t n = s->n - keep;
    if (keep) {
        memmove(t->pos, t->pos + keep, n * sizeof(*t->pos));
        memmove(t->chr, t->chr + keep, n);
    }
    uint32_t end = s->len - s->next > JSON_CHUNK ? s->next + JSON_CHUNK : s->len;
    uint32_t at = s->next;
    struct flow f = s->flow;
    for (; end - at >= 64; at += 64) {
        struct block b = block_load(s->text + at);
        struct json_masks m = block_masks(&b);
        uint64_t bits = block_tokens(s, &f, &m, at, UINT64_MAX);
        block_emit(&b, bits, at, t, n);
        n += (uint32_t)_mm_popcnt_u64(bits);
    }
    if (at < end) { /* only at the end of the text, since a chunk is whole blocks */
        struct block b = block_tail(s->text, s->len, end - at);
        struct json_masks m = block_masks(&b);
        uint64_t bits = block_tokens(s, &f, &m, at, _bzhi_u64(UINT64_MAX, end - at));
        block_emit(&b, bits, at, t, n);
        n += (uint32_t)_mm_popcnt_u64(bits);
    }
    s->flow = f;
    memset(t->chr + n, 0, 2 * JSON_LOOKAHEAD);
    s->n = n;
    s->next = end;
    s->final = end == s->len;
    s->limit = s->final ? UINT32_MAX : (n > JSON_LOOKAHEAD ? n - JSON_LOOKAHEAD : 0);
}

/* Keep the tokens from `i` on and scan until enough are there again, or the text ends. */
JSON_COLD void scan_refill(struct json_validator *v, struct scan *s, uint32_t i) {
    while (!s->final && s->n - i < JSON_LOOKAHEAD) {
        scan_fill(v, s, i);
        i = 0;
    }
}

/* A bit for each of the 32 bytes at `at` that is a digit, lowest first; zeros behind the end of the text. */
JSON_INLINE uint64_t digits_at(const char *text, uint32_t len, uint32_t at) {
    __m256i b;
    uint32_t shift = 0;
    if (JSON_LIKELY(len - at >= 32)) {
        b = _mm256_loadu_si256((const __m256i *)(const void *)(text + at));
    } else if (len >= 32) {
        b = _mm256_loadu_si256((const __m256i *)(const void *)(text + len - 32));
        shift = 32 - (len - at);
    } else {
        char copy[32] = {0};
        memcpy(copy, text + at, len - at);
        b = _mm256_loadu_si256((const __m256i *)(const void *)copy);
    }
    b = _mm256_sub_epi8(b, _mm256_set1_epi8('0'));
    __m256i digit = _mm256_cmpeq_epi8(_mm256_min_epu8(b, _mm256_set1_epi8(9)), b);
    return (uint64_t)(uint32_t)_mm256_movemask_epi8(digit) >> shift;
}

/* May this character follow a scalar? */
static const bool ends_scalar[256] = {
    [' '] = true, ['\t'] = true, ['\n'] = true, ['\r'] = true, [','] = true, ['}'] = true, [']'] = true};

static const bool begins_number[256] = {
    ['-'] = true, ['0'] = true, ['1'] = true, ['2'] = true, ['3'] = true, ['4'] = true,
    ['5'] = true, ['6'] = true, ['7'] = true, ['8'] = true, ['9'] = true};

JSON_INLINE bool scalar_ends_at(const char *text, uint32_t len, uint32_t at) {
    return at >= len || ends_scalar[(unsigned char)text[at]];
}

/* Numbers with an exponent, and those that are too long for the masks. */
JSON_COLD bool number_good_slow(const struct json_validator *v, const char *text, uint32_t len, uint32_t at) {
    uint32_t p = at + (text[at] == '-');
    uint32_t from = p;
    while (p < len && (unsigned char)(text[p] - '0') < 10) p++;
    if (p == from || (text[from] == '0' && p - from > 1)) return false;
    if (p < len && text[p] == '.') {
        from = ++p;
        while (p < len && (unsigned char)(text[p] - '0') < 10) p++;
        if (p == from) return false;
    }
    if (p < len && (text[p] | 0x20) == 'e') {
        p++;
        if (p < len && (text[p] == '+' || text[p] == '-')) p++;
        from = p;
        while (p < len && (unsigned char)(text[p] - '0') < 10) p++;
        if (p == from) return false;
    }
    return p - at <= v->limits.max_number_bytes && scalar_ends_at(text, len, p);
}

JSON_INLINE bool number_good(const struct json_validator *v, const char *text, uint32_t len, uint32_t at) {
    uint32_t minus = text[at] == '-';
    uint64_t digits = digits_at(text, len, at) >> minus;
    uint32_t n = (uint32_t)_tzcnt_u64(~digits);
    uint32_t p = at + minus + n; /* behind the integer part, so p - at <= 32 and p <= len */
    if (n == 0 || ((n > 1) & (text[p - n] == '0'))) return false;
    if (p < len && text[p] == '.') {
        if (n >= 31) return number_good_slow(v, text, len, at);
        uint32_t fraction = (uint32_t)_tzcnt_u64(~(digits >> (n + 1)));
        p += 1 + fraction;
        if (fraction == 0) return p - at >= 32 && number_good_slow(v, text, len, at);
    }
    if (JSON_LIKELY(scalar_ends_at(text, len, p)) && p - at <= v->limits.max_number_bytes) return true;
    return number_good_slow(v, text, len, at);
}

JSON_INLINE bool scalar_good(const struct json_validator *v, const char *text, uint32_t len, uint32_t at) {
    if (begins_number[(unsigned char)text[at]]) return number_good(v, text, len, at);
    char word[8] = {0};
    if (JSON_LIKELY(len - at >= 5)) {
        memcpy(word, text + at, 5);
    } else {
        memcpy(word, text + at, len - at);
    }
    uint32_t w;
    uint32_t t;
    uint32_t f;
    uint32_t nul;
    memcpy(&w, word, 4);
    memcpy(&t, "true", 4);
    memcpy(&f, "fals", 4);
    memcpy(&nul, "null", 4);
    bool is_false = (w == f) & (word[4] == 'e');
    /* Without branches between the three words: a column of them is hard to predict. */
    bool good = (w == t) | (w == nul) | is_false;
    return good && scalar_ends_at(text, len, at + 4 + is_false);
}

/* 0 no duplicate in the innermost object (or not sure: 1), or G_NOMEM. */
JSON_INLINE int object_keys_check(struct json_keys *k, const char *text, uint32_t base) {
    uint32_t n = k->n - base;
    uint32_t at;
    if (n < 2) return 0;
    if (n == 2 && !k->escaped && k->sig[base] != k->sig[base + 1]) return 0;
    if (JSON_LIKELY(n <= 16 && !k->escaped)) {
        if (JSON_LIKELY(!sigs_repeat(k->sig + base, n))) return 0;
        return json_keys_check_exact(k, text, base, &at);
    }
    return json_keys_check(k, text, base, &at);
}

/* `"":` as the three low bytes of a little-endian word. */
#define KEY_TOKENS 0x3A2222U

/*
 * Stage two. The labels are the places in the grammar. Between a check for a refill and the next at most JSON_LOOKAHEAD
 * tokens are looked at: `{`, a key's three, a string's two, and one more. `unique` refuses duplicate keys.
 */
JSON_INLINE int walk_tokens(struct json_validator *v, struct scan *s, bool unique) {
    struct json_keys *k = &v->keys;
    const char *chr = v->tokens->chr;
    const uint32_t *pos = v->tokens->pos;
    uint32_t i = 0, depth = 0, base = 0, w;
    bool object = false;

value:
    if (chr[i] == '"') {
        if (JSON_UNLIKELY(chr[i + 1] != '"')) return JSON_UNSURE;
        i += 2;
        goto after;
    }
    if (chr[i] == '{' || chr[i] == '[') {
        if (JSON_UNLIKELY(depth >= v->limits.max_depth)) return JSON_UNSURE;
        if (JSON_UNLIKELY(depth == v->stack_cap) && json_stack_grow(v) < 0) return G_NOMEM;
        v->stack[depth++] = base << 1 | object;
        object = chr[i] == '{';
        base = k->n;
        i++;
        if (JSON_UNLIKELY(i > s->limit)) {
            scan_refill(v, s, i);
            i = 0;
        }
        if (object) {
            if (chr[i] != '}') goto key;
            goto close;
        }
        if (chr[i] != ']') goto value;
        goto close;
    }
    if (i >= s->n || !scalar_good(v, s->text, s->len, pos[i])) return JSON_UNSURE;
    i++;

after:
    if (JSON_UNLIKELY(i > s->limit)) {
        scan_refill(v, s, i);
        i = 0;
    }
    if (chr[i] == ',') {
        i++;
        if (object) goto key;
        if (depth > 0) goto value;
        return JSON_UNSURE;
    }
    if (depth == 0) return i == s->n ? JSON_GOOD : JSON_UNSURE;
    if (JSON_UNLIKELY(chr[i] != (object ? '}' : ']'))) return JSON_UNSURE;

close:
    if (object && unique) {
        int rc = object_keys_check(k, s->text, base);
        if (JSON_UNLIKELY(rc != 0)) return rc < 0 ? rc : JSON_UNSURE;
        k->n = base;
    }
    depth--;
    object = v->stack[depth] & 1;
    base = v->stack[depth] >> 1;
    i++;
    goto after;

key:
    memcpy(&w, chr + i, sizeof(w));
    if (JSON_UNLIKELY((w & 0xFFFFFFU) != KEY_TOKENS)) return JSON_UNSURE;
    if (unique) {
        if (json_keys_push(k, s->text, s->len, pos[i] + 1, pos[i + 1] - pos[i] - 1) < 0) return G_NOMEM;
        if (JSON_UNLIKELY(s->escapes.seen) && memchr(s->text + pos[i] + 1, '\\', pos[i + 1] - pos[i] - 1))
            k->escaped = true;
    }
    i += 3;
    goto value;
}

/* A text of one byte or more. */
JSON_INLINE int validate_x86(struct json_validator *v, const char *text, uint32_t len) {
    struct scan s = {.text = text, .len = len, .escapes.pair_at = UINT32_MAX};
    v->keys.n = 0;
    v->keys.escaped = false;
    scan_fill(v, &s, 0);
    if (!s.final) scan_refill(v, &s, 0);
    int rc = v->limits.allow_duplicate_keys ? walk_tokens(v, &s, false) : walk_tokens(v, &s, true);
    if (rc != JSON_GOOD) return rc;
    if (s.flow.control || s.escapes.bad) return JSON_UNSURE;
    if (s.flow.high && utf8_validate(text, len) != len) return JSON_UNSURE;
    return JSON_GOOD;
}

#endif
