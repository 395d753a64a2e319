/* SPDX-License-Identifier: Apache-2.0 */
/* Length-prefixed records: u32 little-endian length, then as many bytes. See text_in.h. */
#include "base/endian.h"
#include "stream/text_in_impl.h"

#define LENGTH_BYTES 4u

/* At least `want` bytes at in->at: 0, G_EOF when the input ends before, or what reading said. */
static int fill(struct text_in *t, size_t want, struct err *e) {
    while (inbuf_left(t->in) < want) {
        int g = text_in_more(t, e);
        if (g != 0) return g;
    }
    return 0;
}

/* The input ends where more was promised. What there is of the record becomes its raw bytes. */
static int cut_off(struct text_in *t, struct err *e) {
    size_t left = inbuf_left(t->in);
    size_t head = left < LENGTH_BYTES ? left : LENGTH_BYTES;
    text_in_take(t, head, left - head, left, 1);
    return err_set(e, G_TRUNCATED, "the input ends inside this record");
}

static int skip(struct text_in *t, struct err *e) {
    while (t->skip_left > 0) {
        size_t left = inbuf_left(t->in);
        size_t n = left < t->skip_left ? left : (size_t)t->skip_left;
        t->in->at += n;
        t->skip_left -= n;
        if (t->skip_left == 0) break;
        int g = text_in_more(t, e);
        if (g == G_EOF) return err_set(e, G_TRUNCATED, "the input ends inside this record");
        if (g != 0) return g;
    }
    return 0;
}

int text_in_next_lp(struct text_in *t, struct record *r, struct err *e) {
    int g = skip(t, e);
    if (g != 0) return g;
    g = fill(t, LENGTH_BYTES, e);
    if (g == G_EOF) return inbuf_left(t->in) == 0 ? G_EOF : cut_off(t, e);
    if (g != 0) return g;
    size_t size = get_u32_le(inbuf_here(t->in));
    bool over = size > t->line_limit;
    size_t kept = over && size > KEPT_BYTES ? KEPT_BYTES : size;
    g = fill(t, LENGTH_BYTES + kept, e);
    if (g == G_EOF) return cut_off(t, e);
    if (g != 0) return g;
    text_in_take(t, LENGTH_BYTES, kept, LENGTH_BYTES + kept, 1);
    t->skip_left = size - kept;
    if (over)
        return err_set(e, G_DATA, "%zu bytes are over the limit of %zu; --max-record raises it", size, t->line_limit);
    return text_in_value(t, t->config.kind, r, e);
}
