/* SPDX-License-Identifier: Apache-2.0 */
/* The block reader. See reader.h. */
#include "stream/reader.h"

#include <inttypes.h>
#include <string.h>

void reader_init(struct reader *r, struct inbuf *in, size_t record_limit) {
    *r = (struct reader){.in = in, .record_limit = record_limit, .verified = true};
}

void reader_release(struct reader *r, struct block *b) {
    if (b) control_release(&b->control);
    if (r) buf_release(&r->raw);
}

/* Every fault says where: the input's name and the byte at which the block begins. */
static int at_block(const struct reader *r, struct err *e) {
    return err_prefix(e, "'%s' at byte %" PRIu64 ": ", r->in->name, inbuf_position(r->in));
}

static int input_ended(const struct reader *r, struct err *e) {
    if (inbuf_left(r->in) > 0) {
        err_set(e, G_TRUNCATED, "the input ends inside a block");
        return at_block(r, e);
    }
    if (r->live)
        return err_set(e, G_TRUNCATED, "'%s' ends without an end block: what wrote it failed or was stopped",
                       r->in->name);
    return r->ended ? G_END : G_EOF;
}

static int need(struct reader *r, size_t n, struct err *e) {
    int g = inbuf_need(r->in, n, e);
    return g == G_EOF ? input_ended(r, e) : g;
}

/* Whoever sent a run's name chose its bytes: here they become fit for a message. */
static void run_name(char out[RUN_NAME_MAX], const char *run) {
    size_t n = strnlen(run, RUN_NAME_MAX - 1);
    for (size_t i = 0; i < n; i++) out[i] = run[i] > ' ' && run[i] < 0x7f ? run[i] : '?';
    out[n] = '\0';
}

static int follow_life(struct reader *r, const struct control *c, struct err *e) {
    if (c->type == CONTROL_START) {
        char run[RUN_NAME_MAX];
        run_name(run, c->run);
        if (r->live)
            return err_set(e, G_CORRUPT, "stream %s starts inside stream %s: two programs write to one pipe", run,
                           r->run);
        r->live = true;
        memcpy(r->run, run, sizeof run);
    } else if (c->type == CONTROL_END) {
        if (!r->live) return err_set(e, G_CORRUPT, "an end block where no stream is live");
        r->live = false;
    }
    r->ended = c->type == CONTROL_END;
    return 0;
}

static int open_block(struct reader *r, struct block *b, struct err *e) {
    if (r->checked && b->h.kind == BLOCK_DATA && r->checked(r->checked_ctx, b->position)) {
        r->ended = false;
        b->body = b->stored;
        return 0;
    }
    int g = r->verified ? block_check_crc(b->header, b->stored, b->h.stored_size, e) : 0;
    if (g < 0) return g;
    if (b->h.kind == BLOCK_DATA) {
        r->ended = false;
        g = block_open_body(&b->h, b->stored, &r->raw, &b->body, e);
        return g < 0 ? g : block_check_records(&b->h, b->body, r->record_limit, e);
    }
    b->body = b->stored;
    g = control_parse(b->body, b->h.raw_size, &b->control, e);
    return g < 0 ? g : follow_life(r, &b->control, e);
}

int reader_next(struct reader *r, struct block *b, struct err *e) {
    control_release(&b->control);
    r->in->at += r->current;
    r->current = 0;
    int g = need(r, 1, e);
    if (g == 0) g = need(r, BLOCK_HEADER_SIZE, e);
    if (g != 0) return g;
    int verdict = block_header_decode((const uint8_t *)inbuf_here(r->in), r->record_limit, &b->h, e);
    if (verdict < 0) return at_block(r, e);
    size_t size = BLOCK_HEADER_SIZE + (size_t)b->h.stored_size;
    g = need(r, size, e);
    if (g != 0) return g;
    b->header = (const uint8_t *)inbuf_here(r->in);
    b->stored = inbuf_here(r->in) + BLOCK_HEADER_SIZE;
    b->position = inbuf_position(r->in);
    g = open_block(r, b, e);
    if (g < 0) return at_block(r, e);
    r->current = size;
    return 0;
}
