/* SPDX-License-Identifier: Apache-2.0 */
/* A segment looked at while its bytes pass. See survey_passing.h. */
#include "log/survey_passing.h"

#include <stdlib.h>

#define WINDOW_BYTES (1u << 20) /* what was looked at is dropped when it is so much, to move little of the rest */

void passing_begin(struct passing *x, const struct segment_identity *id, uint64_t base, uint64_t bound,
                   struct json_validator *json) {
    *x = (struct passing){.id = *id, .s = {.base = base, .bound = bound, .min_time = NO_TIME, .max_time = NO_TIME}};
    x->s.end_offset = base;
    x->look = (struct look){.s = &x->s, .id = &x->id, .fd = -1, .json = json};
}

/* False: it is not whole yet, or nothing that can be used. */
static bool begin_walk(struct passing *x) {
    struct buf window = x->walk.window;
    int g = segment_decode_info(window.data, window.len, &x->id, x->s.base, &x->s.info, NULL);
    x->given_up = g < 0 && g != G_TRUNCATED;
    x->walking = g == 0;
    if (!x->walking) return false;
    x->s.head_ok = x->s.chain_ok = true;
    x->s.first_data = x->s.info.head_bytes;
    x->s.last_crc32c = get_u32_le(window.data + 12);
    segment_walk_init(&x->walk, -1, &x->id, &x->s.info, 0, x->s.first_data, x->s.base);
    x->walk.check_bodies = true;
    x->walk.window = window;
    return true;
}

/* The window has all there is of the file, so the walk reads none: what is not there yet cuts a block off. */
static void look_at_blocks(struct passing *x) {
    struct segment_walk *w = &x->walk;
    int g = 0;
    w->limit = w->window_at + w->window.len;
    while (g == 0 && x->s.fault_count == 0) {
        uint64_t expected = w->next_offset;
        g = segment_walk_next(w, NULL);
        if (g == 0) g = look_at_block(&x->look, w, expected, NULL);
    }
    x->given_up = x->s.fault_count > 0 || (g < 0 && g != G_TRUNCATED);
    if (w->next_at - w->window_at >= WINDOW_BYTES) {
        buf_consume(&w->window, w->next_at - w->window_at);
        w->window_at = w->next_at;
    }
}

void passing_put(struct passing *x, const char *p, size_t n) {
    if (x->given_up) return;
    x->s.file_size += n;
    x->given_up = buf_append(&x->walk.window, p, n) < 0;
    if (!x->given_up && (x->walking || begin_walk(x))) look_at_blocks(x);
}

void passing_end(struct passing *x, struct surveyed_segment *ret) {
    bool whole = x->walking && !x->given_up && x->walk.next_at == x->s.file_size;
    x->s.limit = x->s.file_size;
    if (whole) whole = look_at_end(&x->look, x->walk.next_offset, NULL) == 0 && x->s.fault_count == 0;
    if (!whole) {
        segment_info_release(&x->s.info);
        free(x->s.faults);
        x->s = (struct surveyed_segment){0};
    }
    *ret = x->s;
    buf_release(&x->walk.window);
    buf_release(&x->look.raw);
}
