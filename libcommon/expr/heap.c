/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The arena of one evaluation. See heap.h.
 *
 * Chunks come from malloc, each with as much free space behind the first allocation as all chunks before it together,
 * within bounds; so there are few of them however much is needed, and little is wasted by a small record.
 */
#include "expr/heap.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/utf8.h"
#include "json/validate.h"

enum { CHUNK_MIN = 32 << 10, CHUNK_MAX = 1 << 20, CHUNK_KEEP = 2 << 20 };

struct heap_chunk {
    struct heap_chunk *older;
    size_t size; /* of the whole, this header included */
    _Alignas(16) char bytes[];
};

#ifdef HEAP_ASAN
#define POISON(p, n) ASAN_POISON_MEMORY_REGION(p, n)
#define UNPOISON(p, n) ASAN_UNPOISON_MEMORY_REGION(p, n)
#else
#define POISON(p, n) ((void)(p), (void)(n))
#define UNPOISON(p, n) ((void)(p), (void)(n))
#endif

void heap_init(struct heap *h, size_t limit) {
    *h = (struct heap){.limit = limit ? limit : HEAP_LIMIT_DEFAULT};
}

static void chunk_free(struct heap_chunk *c) {
    if (!c) return;
    UNPOISON(c->bytes, c->size - sizeof(*c));
    free(c);
}

/* Begin to allocate from the start of a chunk. */
static void chunk_enter(struct heap *h, struct heap_chunk *c) {
    h->chunk = c;
    h->next = c ? c->bytes : NULL;
    h->end = c ? (char *)c + c->size : NULL;
    if (c) POISON(c->bytes, c->size - sizeof(*c));
}

void heap_release(struct heap *h) {
    if (!h) return;
    for (struct heap_chunk *c = h->chunk; c;) {
        struct heap_chunk *older = c->older;
        chunk_free(c);
        c = older;
    }
    chunk_free(h->spare);
    if (h->regexes) h->regexes_free(h->regexes);
    json_validator_release(h->validator);
    free(h->validator);
    *h = (struct heap){.limit = h->limit};
}

void heap_reset(struct heap *h) {
    struct heap_chunk *keep = NULL;
    for (struct heap_chunk *c = h->chunk; c;) {
        struct heap_chunk *older = c->older;
        if (!keep && c->size <= CHUNK_KEEP) {
            keep = c;
        } else {
            chunk_free(c);
        }
        c = older;
    }
    if (keep) keep->older = NULL;
    chunk_enter(h, keep);
    h->total = keep ? keep->size : 0;
    h->text_end = h->text_cap = NULL;
    h->thrown = value_null();
    h->exhausted = false;
}

void heap_rewind_slow(struct heap *h, struct heap_mark m) {
    while (h->chunk != m.chunk) {
        struct heap_chunk *c = h->chunk;
        h->chunk = c->older;
        h->total -= c->size;
        if (c->size <= CHUNK_KEEP) {
            chunk_free(h->spare);
            h->spare = c;
        } else {
            chunk_free(c);
        }
    }
    h->next = m.next;
    h->end = m.chunk ? (char *)m.chunk + m.chunk->size : NULL;
    if (m.chunk) POISON(h->next, (size_t)(h->end - h->next));
}

/* A chunk that has `need` bytes at least, as large as the limit allows; NULL when that is too much. */
static struct heap_chunk *chunk_get(struct heap *h, size_t need) {
    struct heap_chunk *c = h->spare;
    if (c && c->size - sizeof(*c) >= need && c->size <= h->limit - h->total) {
        h->spare = NULL;
        return c;
    }
    size_t left = h->limit - h->total;
    if (left < sizeof(*c) || need > left - sizeof(*c)) {
        h->exhausted = true;
        return NULL;
    }
    size_t more = h->total < CHUNK_MIN ? CHUNK_MIN : h->total > CHUNK_MAX ? CHUNK_MAX : h->total;
    size_t size = need + sizeof(*c);
    size = more > left - size ? left : size + more;
    c = malloc(size);
    if (c) c->size = size;
    return c;
}

void *heap_alloc_slow(struct heap *h, size_t n) {
    size_t rounded = ((n + 15) & ~(size_t)15) + HEAP_GAP;
    if (rounded < n) {
        h->exhausted = true;
        return NULL;
    }
    struct heap_chunk *c = chunk_get(h, rounded);
    if (!c) return NULL;
    c->older = h->chunk;
    h->total += c->size;
    chunk_enter(h, c);
    void *p = h->next;
    h->next += rounded;
    UNPOISON(p, n);
    return p;
}

int heap_throw(struct heap *h, const char *fmt, ...) {
    char text[600];
    va_list ap;
    va_start(ap, fmt);
    int n = vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    size_t size = n < 0 ? 0 : (size_t)n < sizeof(text) ? (size_t)n : sizeof(text) - 1;
    for (size_t at = utf8_validate(text, size); at < size; at += utf8_validate(text + at, size - at)) text[at] = '?';
    if (value_copy_text(h, text, size, &h->thrown) < 0) return G_NOMEM;
    return G_DATA;
}

int heap_throw_value(struct heap *h, struct value v) {
    h->thrown = v;
    return G_DATA;
}
