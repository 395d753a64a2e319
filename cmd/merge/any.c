/* SPDX-License-Identifier: Apache-2.0 */
/* `leat merge --any`: blocks as they come, whole where nothing has to be looked at. See merge.h. */
#include "merge.h"

void any_want(void *ctx, struct stage *s, struct feed_set *ret) {
    struct merge *m = ctx;
    (void)s;
    for (size_t i = 0; i < m->count; i++) feed_set_add(ret, i);
}

static int emit_each(struct merge *m, struct stage *s, const struct feed_item *item, struct err *e) {
    struct record_walk w;
    struct record r;
    int g = 0;
    record_walk_init(&w, &item->h, item->body, SIZE_MAX);
    for (uint32_t i = 0; g == 0 && record_next_checked(&w, &r); i++) {
        stage_at_record(s, item, i);
        g = stage_check(s, &r, e);
        if (g == 0) g = merge_emit(m, s, &r, e);
        if (g == G_DATA) g = stage_bad(s, &r, e);
    }
    return g;
}

/* Records without a source are counted anew; the others keep their block. */
static int emit_whole(struct merge *m, struct stage *s, const struct feed_item *item, struct err *e) {
    uint8_t header[BLOCK_HEADER_SIZE];
    const struct record_run run = {.records = item->body,
                                   .size = item->size,
                                   .count = item->h.records,
                                   .last_delta = item->h.records - 1,
                                   .min_time = item->h.min_time,
                                   .max_time = item->h.max_time};
    m->emitted += item->h.records;
    m->bytes += item->size;
    if (item->h.topic_id == 0) return stage_emit_run(s, &run, e);
    block_header_encode(&item->h, header);
    int g = stage_start(s, e);
    return g < 0 ? g : output_block(&s->output, header, item->body, &item->h, e);
}

/* Deltas of a run without a source count from 0 without gaps. */
static bool counts_on(const struct feed_item *item) {
    struct record_walk w;
    struct record r;
    int64_t delta = 0;
    if (item->h.topic_id != 0) return true;
    record_walk_init(&w, &item->h, item->body, SIZE_MAX);
    while (record_next_checked(&w, &r))
        if (w.last_delta != delta++) return false;
    return true;
}

int any_feed(void *ctx, struct stage *s, size_t which, struct feed_item **from, struct err *e) {
    struct merge *m = ctx;
    const struct feed_item *item = *from;
    if (item->kind == FEED_END || item->h.records == 0) return 0;
    stage_at(s, which, item);
    bool whole = output_is_blocks(&s->output) && item->checked && counts_on(item);
    return whole ? emit_whole(m, s, item, e) : emit_each(m, s, item, e);
}

/* What one input says of the whole of its stream is not true of ours. */
int any_control(void *ctx, struct stage *s, const struct block *b, struct err *e) {
    (void)ctx;
    bool whole = b->h.topic_id == 0 && (b->control.type == CONTROL_WATERMARK || b->control.type == CONTROL_IDLE);
    return whole ? 0 : stage_pass(s, b, e);
}
