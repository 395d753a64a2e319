/* SPDX-License-Identifier: Apache-2.0 */
/* What goes to which destination, and what becomes of the run when one of them fails. See tee.h. */
#include <inttypes.h>
#include <stdio.h>

#include "tee.h"

#include "base/random.h"
#include "sys/signals.h"
#include "sys/sys.h"

static void tell(const struct tee *t, const struct err *what) {
    if (t->config->notice) t->config->notice(t->config->hook_ctx, what);
}

/* One destination less. It is told at once where the others go on, and at the end, as the reason of the run's exit
 * status, if it was no reader's free will. */
static void lose(struct tee *t, struct branch *d, const struct err *why) {
    struct err words = *why;
    if (!d->alive) return;
    d->alive = false;
    t->alive--;
    if (why->grade != G_PIPE && t->failed.grade == 0) t->failed = *why;
    if (t->alive == 0 && (why->grade != G_PIPE || d->standard)) return;
    if (t->alive > 0)
        (void)err_set(&words, why->grade, "%s; the other%s on", why->text, t->alive > 1 ? "s go" : " goes");
    tell(t, &words);
}

/* What relays learned while nobody looked. G_PIPE or the first failure once nobody is left. */
static int settle(struct tee *t, struct err *e) {
    for (size_t i = 0; i < t->count; i++) {
        struct branch *d = &t->branch[i];
        if (d->kind == BRANCH_STREAM && (d->relay.state == RELAY_GONE || d->relay.state == RELAY_FAILED))
            lose(t, d, &d->relay.why);
    }
    if (t->alive > 0) return 0;
    if (t->failed.grade == 0) return err_set(e, G_PIPE, "all readers went away");
    *e = t->failed;
    return e->grade;
}

/* Is it the destination's own failure? Then it is told, and the run goes on. */
static int outcome(struct tee *t, struct branch *d, int g, const struct err *e) {
    if (g >= 0 || g == G_DATA || g == G_NOMEM || g == G_STOPPED || g == G_BUG) return g;
    lose(t, d, e);
    return 0;
}

/* All that block have room again. */
static int make_room(struct tee *t, struct err *e) {
    int g = settle(t, e);
    for (size_t i = 0; g == 0 && i < t->relay_count; i++) {
        while (g == 0 && t->relays[i]->slow == RELAY_BLOCK && relay_full(t->relays[i])) {
            g = relays_pump(t->relays, t->relay_count, -1, -1, e);
            if (g == 0) g = settle(t, e);
        }
    }
    return g;
}

/* Every destination begins with the same bytes. */
static int start(struct tee *t, const json_t *history, struct err *e) {
    if (t->started) return 0;
    int g = random_bytes(&t->lineage.run, sizeof t->lineage.run, e);
    t->lineage.history = history;
    t->lineage.time_ns = sys.wall_ns();
    for (size_t i = 0; g == 0 && i < t->count; i++) {
        struct branch *d = &t->branch[i];
        if (d->alive) g = outcome(t, d, branch_start(d, &t->lineage, e), e);
    }
    t->lineage.history = NULL;
    t->started = g == 0;
    return g;
}

int tee_inspect(void *ctx, struct stage *s, const struct block *b, struct err *e) {
    (void)s;
    if (b->h.kind != BLOCK_CONTROL || b->control.type != CONTROL_START) return 0;
    return start(ctx, json_object_get(b->control.json, "history"), e);
}

/* To all that take records one by one; one that cannot hold it makes it a bad record, which the others have. */
static int put_record(struct tee *t, struct stage *s, const struct record *r, bool all, struct err *e) {
    struct err why, bad = {0};
    int g = 0;
    for (size_t i = 0; g == 0 && i < t->count; i++) {
        struct branch *d = &t->branch[i];
        if (!d->alive || (!all && branch_takes_blocks(d))) continue;
        if (branch_drops(d)) {
            d->dropped++;
            continue;
        }
        g = outcome(t, d, branch_record(d, s, r, &why), &why);
        if (g == G_DATA) {
            bad = why;
            g = 0;
        }
    }
    if (g == 0 && bad.grade == 0) return 0;
    *e = g < 0 ? why : bad;
    return e->grade;
}

int tee_record(void *ctx, struct stage *s, const struct record *in, struct err *e) {
    struct tee *t = ctx;
    struct record r = *in;
    int g = start(t, NULL, e);
    if (g == 0 && t->time.used) {
        record_begin(t->run, s, &r);
        g = time_field_get(&t->time, t->run, &r.time, e);
    }
    if (g == 0) g = put_record(t, s, &r, true, e);
    if (g < 0) return g;
    return make_room(t, e);
}

static int each_record(struct tee *t, struct stage *s, const struct block *b, struct err *e) {
    struct record_walk w;
    struct record r;
    record_walk_init(&w, &b->h, b->body, s->config->input.record_limit);
    int g;
    while ((g = record_next(&w, &r, e)) > 0) {
        g = stage_check(s, &r, e);
        if (g == 0) g = put_record(t, s, &r, false, e);
        if (g == G_DATA) g = stage_bad(s, &r, e);
        if (g == 0) g = make_room(t, e);
        if (g < 0) break;
    }
    return g;
}

/* A watermark or an idle mark is superseded by the next one: a reader that does not keep up is spared them. */
static bool is_passing(const struct block *b) {
    return b->h.kind == BLOCK_CONTROL && (b->control.type == CONTROL_WATERMARK || b->control.type == CONTROL_IDLE);
}

static int whole_block(struct tee *t, const struct block *b, bool *ret_others, struct err *e) {
    int g = start(t, NULL, e);
    *ret_others = false;
    for (size_t i = 0; g == 0 && i < t->count; i++) {
        struct branch *d = &t->branch[i];
        if (!d->alive) continue;
        if (!branch_takes_blocks(d))
            *ret_others = true;
        else if (branch_drops(d) && (b->h.kind == BLOCK_DATA || is_passing(b)))
            d->dropped += b->h.kind == BLOCK_DATA ? b->h.records : 0;
        else
            g = outcome(t, d, branch_block(d, b, e), e);
    }
    return g == 0 ? make_room(t, e) : g;
}

int tee_block(void *ctx, struct stage *s, const struct block *b, struct err *e) {
    bool others;
    int g = whole_block(ctx, b, &others, e);
    return g == 0 && others ? each_record(ctx, s, b, e) : g;
}

int tee_control(void *ctx, struct stage *s, const struct block *b, struct err *e) {
    bool others;
    (void)s;
    return whole_block(ctx, b, &others, e);
}

static int flush_all(struct tee *t, struct err *e) {
    int g = 0;
    for (size_t i = 0; g == 0 && i < t->count; i++) {
        struct branch *d = &t->branch[i];
        if (d->alive) g = outcome(t, d, branch_flush(d, e), e);
    }
    return g == 0 ? settle(t, e) : g;
}

/* Wait for the input by ourselves: what is held for readers goes on meanwhile. */
int tee_idle(void *ctx, struct stage *s, struct err *e) {
    struct tee *t = ctx;
    int g = flush_all(t, e);
    while (g == 0 && t->relay_count && s->input_fd >= 0) {
        int readable = relays_pump(t->relays, t->relay_count, s->input_fd, -1, e);
        g = readable < 0 ? readable : settle(t, e);
        if (readable > 0) break;
    }
    return g;
}

static void tell_dropped(const struct tee *t) {
    struct err words;
    for (size_t i = 0; i < t->count; i++) {
        const struct branch *d = &t->branch[i];
        if (d->dropped == 0) continue;
        (void)err_set(&words, 0,
                      "%" PRIu64 " of %" PRIu64 " records were dropped for '%s', whose reader did not keep up",
                      d->dropped, d->dropped + d->records, d->name);
        tell(t, &words);
    }
}

static int end_all(struct tee *t, int status, const char *why, struct err *e) {
    int g = start(t, NULL, e);
    for (size_t i = 0; g == 0 && i < t->count; i++) {
        struct branch *d = &t->branch[i];
        if (d->alive) g = outcome(t, d, branch_end(d, status, why, e), e);
    }
    return g;
}

/* The run's own failure counts; then that a destination failed; then that all readers went away. */
int tee_finish(struct tee *t, int g, struct err *e) {
    struct err late = {0}, why = *e;
    int status = g == G_STOPPED ? 128 + signals_stop() : grade_exit_code(g);
    int ended = end_all(t, status, why.text, &late);
    if (ended == 0) ended = relays_finish(t->relays, t->relay_count, g < 0, &late);
    for (size_t i = 0; i < t->count; i++) {
        if (t->branch[i].kind == BRANCH_STREAM) t->branch[i].bytes = t->branch[i].relay.written;
    }
    struct err lost;
    int settled = settle(t, &lost);
    tell_dropped(t);
    if (g < 0) return g;
    if (ended == 0 && settled < 0) {
        late = lost;
        ended = settled;
    } else if (ended == 0 && t->failed.grade != 0) {
        late = t->failed;
        ended = late.grade;
    }
    if (ended < 0) *e = late;
    return ended;
}
