/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A growable run of bytes. `data[0..len)` is content; `cap` bytes are allocated.
 *
 * Zero-initialised (`struct buf b = {0}`) is a valid empty buffer. A buffer owns its memory until buf_release.
 * Functions that may allocate return 0 or G_NOMEM and leave the content as it was when they fail. On a hot path reserve
 * once, then use the `_fast` forms, which do not check.
 */
#ifndef LEAT_BASE_BUF_H
#define LEAT_BASE_BUF_H

#include <stdint.h>
#include <string.h>

#include "base/err.h"

struct buf {
    char *data;
    size_t len;
    size_t cap;
};

void buf_release(struct buf *b); /* frees and leaves an empty buffer; takes NULL */

/* Make room for `more` bytes behind `len`. Grows at least by half, so that appending is amortised O(1). */
int buf_reserve(struct buf *b, size_t more) NODISCARD;
int buf_append(struct buf *b, const void *p, size_t n) NODISCARD;
int buf_puts(struct buf *b, const char *s) NODISCARD;
int buf_putc(struct buf *b, char c) NODISCARD;
int buf_printf(struct buf *b, const char *fmt, ...) NODISCARD PRINTF_LIKE(2, 3);

static inline void buf_clear(struct buf *b) {
    b->len = 0;
}

/* Without a check: the caller has reserved. */
static inline void buf_append_fast(struct buf *b, const void *p, size_t n) {
    memcpy(b->data + b->len, p, n);
    b->len += n;
}
static inline void buf_putc_fast(struct buf *b, char c) {
    b->data[b->len++] = c;
}

/* Drop the first n bytes and move the rest to the front. */
void buf_consume(struct buf *b, size_t n);

/* A NUL behind the content (not counted in len), so that `data` is a C string. NULL when out of memory. */
const char *buf_cstr(struct buf *b);

#endif
