/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The memory in which one record is evaluated: an arena that is emptied between records and never freed value by
 * value, the error that an expression raised, and the regular expressions compiled so far. It serves one thread.
 *
 * Values are immutable once somebody else can see them; what was allocated lives until heap_reset. A mark gives back
 * what was allocated since, for loops whose intermediate values nobody kept.
 */
#ifndef LEAT_EXPR_HEAP_H
#define LEAT_EXPR_HEAP_H

#include <stdint.h>

#include "base/err.h"
#include "expr/value.h"

#define HEAP_LIMIT_DEFAULT ((size_t)256 << 20) /* bytes that the evaluation of one record may take */
#define VALUE_DEPTH_MAX 10000u                 /* containers in containers that may be compared or written */

/* Under AddressSanitizer what is not handed out is poisoned, and every allocation has a gap behind it. */
#if defined(__SANITIZE_ADDRESS__)
#define HEAP_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define HEAP_ASAN 1
#endif
#endif
#ifdef HEAP_ASAN
#include <sanitizer/asan_interface.h>
enum { HEAP_GAP = 16 };
#else
enum { HEAP_GAP = 0 };
#endif

struct heap_chunk;
struct regex_cache;    /* func_regex.c */
struct json_validator; /* json/validate.h */

struct heap {
    struct heap_chunk *chunk;    /* the one allocated from; older ones behind it */
    char *next, *end;            /* free space in it */
    struct heap_chunk *spare;    /* the last one given back by heap_rewind, for the next turn of the loop; or NULL */
    size_t total, limit;         /* bytes in all chunks, without the spare one */
    char *text_end, *text_cap;   /* of the string that + made last: it grows in place */
    struct value thrown;         /* what was raised, when a function returned G_DATA */
    struct regex_cache *regexes; /* stays over heap_reset */
    void (*regexes_free)(struct regex_cache *); /* what frees them in heap_release; set by who sets `regexes` */
    struct json_validator *validator;           /* of value_parse; made at its first call */
    uint64_t seed[2]; /* of the hash of member names; drawn when the first large object is built */
    bool seeded;
    bool exhausted; /* G_NOMEM came from `limit`, not from the machine */
};

void heap_init(struct heap *h, size_t limit); /* 0: HEAP_LIMIT_DEFAULT */
void heap_release(struct heap *h);

/* Empty; keeps one chunk of moderate size, so that an ordinary record allocates nothing. */
void heap_reset(struct heap *h);

/* n bytes, aligned to 16; NULL when the limit or the machine says no (then return G_NOMEM). */
void *heap_alloc_slow(struct heap *h, size_t n);
static inline void *heap_alloc(struct heap *h, size_t n) {
    n += n == 0;
    size_t rounded = ((n + 15) & ~(size_t)15) + HEAP_GAP;
    if (rounded < n || rounded > (size_t)(h->end - h->next)) return heap_alloc_slow(h, n);
    void *p = h->next;
    h->next += rounded;
#ifdef HEAP_ASAN
    ASAN_UNPOISON_MEMORY_REGION(p, n);
#endif
    return p;
}

/*
 * Give back what was allocated since the mark, for loops and tests whose intermediate values nobody keeps: no value
 * made since may be used any more. Marks nest like brackets. Arrays and objects older than the mark stay as they are,
 * whatever was appended to newer versions of them.
 */
struct heap_mark {
    struct heap_chunk *chunk;
    char *next;
};
static inline struct heap_mark heap_mark(const struct heap *h) {
    return (struct heap_mark){h->chunk, h->next};
}
void heap_rewind_slow(struct heap *h, struct heap_mark m);
static inline void heap_rewind(struct heap *h, struct heap_mark m) {
    h->text_end = h->text_cap = NULL;
    if (m.chunk != h->chunk) {
        heap_rewind_slow(h, m);
        return;
    }
#ifdef HEAP_ASAN
    ASAN_POISON_MEMORY_REGION(m.next, (size_t)(h->next - m.next));
#endif
    h->next = m.next;
}

/* Raise an error with a text, as jq's error("…") does; or any value. Both return G_DATA; heap_throw returns G_NOMEM
 * when there is no room for the text. Bytes of the text that are not UTF-8 (a name cut short) become '?'. */
int heap_throw(struct heap *h, const char *fmt, ...) PRINTF_LIKE(2, 3);
int heap_throw_value(struct heap *h, struct value v);

#endif
