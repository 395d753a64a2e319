/* SPDX-License-Identifier: Apache-2.0 */
/* What a partition holds. See stock.h. */
#include "stock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>

#include "sys/sys.h"

static int64_t earlier(int64_t a, int64_t b) {
    return a == NO_TIME ? b : b == NO_TIME || a < b ? a : b;
}

static int count_blocks(struct stock *s, struct segment_walk *w, bool *ret_compressed, struct err *e) {
    int g = 0;
    while (w->next_offset < s->end && (g = segment_walk_next(w, e)) == 0) {
        const struct block_header *h = &w->h;
        if (h->codec != CODEC_NONE) *ret_compressed = true;
        if (w->next_offset <= s->start) continue;
        uint64_t before = h->base_offset < s->start ? s->start - h->base_offset : 0;
        s->blocks++;
        s->records += h->records > before ? h->records - before : 0;
        s->raw_bytes += h->raw_size;
        s->min_time = earlier(s->min_time, h->min_time);
        if (h->max_time > s->max_time) s->max_time = h->max_time;
    }
    return g == G_EOF || g == G_TRUNCATED ? 0 : g; /* what is torn at the end is not counted */
}

static int look_into(struct cursor *c, struct stock *s, int fd, uint64_t base, uint64_t size, bool whole,
                     struct err *e) {
    struct segment_info info = {0};
    struct segment_walk w;
    bool compressed = false;
    int g = segment_read_info(fd, &c->part.id, base, &info, e);
    if (g < 0) return g;
    if (info.epoch > s->epoch) s->epoch = info.epoch;
    segment_walk_init(&w, fd, &c->part.id, &info, size, info.head_bytes, info.base);
    if (whole)
        g = count_blocks(s, &w, &compressed, e);
    else if (segment_walk_next(&w, NULL) == 0)
        compressed = w.h.codec != CODEC_NONE;
    s->compressed += compressed;
    segment_walk_release(&w);
    segment_info_release(&info);
    return g;
}

static int add_segment(struct cursor *c, struct stock *s, uint64_t base, bool whole, struct err *e) {
    char name[SEGMENT_NAME_BYTES];
    struct stat st;
    segment_name(name, base, ".leat");
    int fd = sys.open_beneath(c->part.dir, name, O_RDONLY, 0);
    if (fd < 0) return errno == ENOENT ? 0 : err_sys(e, errno, "cannot open segment '%s'", name);
    int g = sys.fstat(fd, &st) < 0 ? err_sys(e, errno, "cannot look at segment '%s'", name) : 0;
    if (g == 0) {
        s->segments++;
        s->bytes += (uint64_t)st.st_size;
        g = look_into(c, s, fd, base, (uint64_t)st.st_size, whole, e);
        if (g < 0) err_prefix(e, "'%s/%u', segment '%s': ", c->part.topic->name, c->part.number, name);
    }
    sys.close(fd);
    return g;
}

int stock_take(struct topic *t, uint32_t partition, bool whole, struct stock *ret, struct err *e) {
    struct cursor c;
    uint64_t *bases = NULL;
    size_t count = 0;
    *ret = (struct stock){.min_time = NO_TIME, .max_time = NO_TIME};
    int g = cursor_open(&c, t, partition, false, e);
    if (g < 0) return g;
    ret->start = cursor_start(&c);
    ret->end = cursor_end(&c);
    ret->durable = atomic_load(&c.part.tail->synced_offset);
    g = segment_list(c.part.dir, &bases, &count, e);
    if (g == 0 && count && ret->start < bases[0]) ret->start = bases[0];
    for (size_t i = 0; g == 0 && i < count; i++) g = add_segment(&c, ret, bases[i], whole, e);
    free(bases);
    cursor_close(&c);
    return g;
}
