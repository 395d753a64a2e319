/* SPDX-License-Identifier: Apache-2.0 */
/* Growable bytes. See buf.h. */
#include "base/buf.h"

#include <stdio.h>
#include <stdlib.h>

void buf_release(struct buf *b) {
    if (!b) return;
    free(b->data);
    *b = (struct buf){0};
}

int buf_reserve(struct buf *b, size_t more) {
    if (b->cap - b->len >= more) return 0;
    if (more > SIZE_MAX / 2 - b->len) return G_NOMEM;
    size_t need = b->len + more;
    size_t cap = b->cap + b->cap / 2;
    if (cap < need) cap = need;
    if (cap < 64) cap = 64;
    char *p = realloc(b->data, cap);
    if (!p) return G_NOMEM;
    b->data = p;
    b->cap = cap;
    return 0;
}

int buf_append(struct buf *b, const void *p, size_t n) {
    if (n == 0) return 0;
    if (buf_reserve(b, n) < 0) return G_NOMEM;
    buf_append_fast(b, p, n);
    return 0;
}

int buf_puts(struct buf *b, const char *s) {
    return buf_append(b, s, strlen(s));
}

int buf_putc(struct buf *b, char c) {
    return buf_append(b, &c, 1);
}

int buf_printf(struct buf *b, const char *fmt, ...) {
    va_list ap;
    va_start(ap, fmt);
    int n = vsnprintf(NULL, 0, fmt, ap);
    va_end(ap);
    if (n < 0 || buf_reserve(b, (size_t)n + 1) < 0) return G_NOMEM;
    va_start(ap, fmt);
    (void)vsnprintf(b->data + b->len, (size_t)n + 1, fmt, ap);
    va_end(ap);
    b->len += (size_t)n;
    return 0;
}

void buf_consume(struct buf *b, size_t n) {
    if (n == 0) return;
    memmove(b->data, b->data + n, b->len - n);
    b->len -= n;
}

const char *buf_cstr(struct buf *b) {
    if (buf_reserve(b, 1) < 0) return NULL;
    b->data[b->len] = '\0';
    return b->data;
}
