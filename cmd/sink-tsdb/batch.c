/* SPDX-License-Identifier: Apache-2.0 */
/* Points and their records. See batch.h. */
#include "batch.h"

#include <stdlib.h>

struct kept {
    size_t encoded_at, encoded_size;
    size_t memory_at;     /* of `memory`: key, headers, value, where and its NUL */
    size_t like;          /* of `likes` */
    int64_t time;         /* of the point */
    struct record record; /* its pointers count for nothing */
};

static const struct kept *kept_at(const struct batch *b, size_t i) {
    return (const struct kept *)(const void *)b->kept.data + i;
}

/* The index of this header among `likes`: most often that of the record before. */
static int find_like(struct batch *b, const struct block_header *like, size_t *ret) {
    size_t count = b->likes.len / sizeof *like;
    if (count == 0 || memcmp(b->likes.data + b->likes.len - sizeof *like, like, sizeof *like) != 0) {
        if (buf_append(&b->likes, like, sizeof *like) < 0) return G_NOMEM;
        count++;
    }
    *ret = count - 1;
    return 0;
}

static size_t encoded_end(const struct batch *b, size_t n) {
    return n ? kept_at(b, n - 1)->encoded_at + kept_at(b, n - 1)->encoded_size : 0;
}

int batch_keep(struct batch *b, const struct block_header *like, const struct record *r, const char *where,
               int64_t time, struct err *e) {
    size_t at = encoded_end(b, b->count);
    struct kept k = {
        .encoded_at = at, .encoded_size = b->encoded.len - at, .memory_at = b->memory.len, .time = time, .record = *r};
    size_t key_size = r->has_key ? r->key_size : 0, where_size = strlen(where) + 1;
    k.record.key_size = key_size;
    if (find_like(b, like, &k.like) < 0 || buf_reserve(&b->kept, sizeof k) < 0 ||
        buf_reserve(&b->memory, key_size + r->headers_size + r->value_size + where_size) < 0)
        return err_nomem(e);
    if (key_size) buf_append_fast(&b->memory, r->key, key_size);
    if (r->headers_size) buf_append_fast(&b->memory, r->headers, r->headers_size);
    if (r->value_size) buf_append_fast(&b->memory, r->value, r->value_size);
    buf_append_fast(&b->memory, where, where_size);
    buf_append_fast(&b->kept, &k, sizeof k);
    b->count++;
    return 0;
}

struct text batch_encoded(const struct batch *b, size_t from, size_t n) {
    size_t begin = encoded_end(b, from);
    return (struct text){b->encoded.data + begin, encoded_end(b, from + n) - begin};
}

static int by_time(const void *x, const void *y) {
    const struct kept *a = x, *b = y;
    if (a->time != b->time) return a->time < b->time ? -1 : 1;
    return (a->encoded_at > b->encoded_at) - (a->encoded_at < b->encoded_at);
}

int batch_sort(struct batch *b, struct err *e) {
    struct kept *k = (struct kept *)(void *)b->kept.data;
    struct buf sorted = {0};
    if (buf_reserve(&sorted, b->encoded.len) < 0) return err_nomem(e);
    qsort(k, b->count, sizeof *k, by_time);
    for (size_t i = 0; i < b->count; i++) {
        const char *from = b->encoded.data + k[i].encoded_at;
        k[i].encoded_at = sorted.len;
        buf_append_fast(&sorted, from, k[i].encoded_size);
    }
    buf_release(&b->encoded);
    b->encoded = sorted;
    return 0;
}

void batch_record(const struct batch *b, size_t point, const struct block_header **like, struct record *r,
                  const char **where) {
    const struct kept *k = kept_at(b, point);
    *like = (const struct block_header *)(const void *)b->likes.data + k->like;
    *r = k->record;
    r->key = b->memory.data + k->memory_at;
    r->headers = r->key + r->key_size;
    r->value = r->headers + r->headers_size;
    *where = r->value + r->value_size;
}

void batch_clear(struct batch *b) {
    buf_clear(&b->encoded);
    buf_clear(&b->kept);
    buf_clear(&b->likes);
    buf_clear(&b->memory);
    b->count = 0;
}

void batch_release(struct batch *b) {
    buf_release(&b->encoded);
    buf_release(&b->kept);
    buf_release(&b->likes);
    buf_release(&b->memory);
}
