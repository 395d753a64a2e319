/* SPDX-License-Identifier: Apache-2.0 */
/* The run loop over several inputs at once: items are taken from those that the tool wants. See feed.h. */
#include <errno.h>
#include <stdlib.h>

#include "stream/stage_impl.h"
#include "sys/sys.h"

#define TOGETHER_NS 1000000000 /* how long it waits for the first words of all feeds */

struct fed {
    struct feed_item *first; /* taken already, not handled yet */
    json_t *history;         /* its start's, or NULL */
    bool ended;
};

struct feeding {
    struct stage *s;
    struct feeds *feeds;
    struct fed *fed;
    size_t count, live; /* live: not ended yet */
    size_t turn;        /* whose turn it is among those that are wanted and ready */
};

/* ---- what came before ---- */

static bool has_step(const json_t *history, const json_t *step) {
    size_t i;
    json_t *known;
    json_array_foreach(history, i, known) if (json_equal(known, step)) return true;
    return false;
}

/* The histories of all starts in the order of the operands; steps that inputs share are told once. */
static int merge_histories(struct feeding *f, struct err *e) {
    json_t *all = json_array(), *step;
    if (!all) return err_nomem(e);
    for (size_t i = 0; i < f->count; i++) {
        size_t k;
        json_array_foreach(f->fed[i].history, k, step) {
            if (has_step(all, step) || json_array_append(all, step) == 0) continue;
            json_decref(all);
            return err_nomem(e);
        }
    }
    json_decref(f->s->history);
    f->s->history = all;
    return 0;
}

/* ---- items ---- */

void stage_at(struct stage *s, size_t which, const struct feed_item *item) {
    s->which = which;
    s->input_name = feed_name(s->config->feeds, which);
    s->format = item->format;
    s->line = item->line;
    s->like = &item->h;
    s->origin = (struct record_origin){0};
    s->memory = s->memory_end = NULL;
    if (item->kind != FEED_BLOCK) return;
    if (!item->text)
        s->origin = (struct record_origin){.topic = sources_find(&s->sources, item->h.topic_id),
                                           .partition = item->h.partition};
    s->checked = item->checked;
    s->memory = item->body;
    s->memory_end = item->body + item->size + item->slack;
}

static int take_start(struct feeding *f, size_t which, const struct control *c, struct err *e) {
    struct fed *fed = &f->fed[which];
    if (!fed->history) fed->history = json_incref(json_object_get(c->json, "history")); /* of the first one */
    return f->s->started ? 0 : merge_histories(f, e);
}

static int handle_control(struct feeding *f, size_t which, const struct feed_item *item, struct err *e) {
    struct stage *s = f->s;
    uint8_t header[BLOCK_HEADER_SIZE];
    struct block b = {.h = item->h, .header = header, .stored = item->body, .body = item->body};
    block_header_encode(&item->h, header);
    int g = control_parse(item->body, item->size, &b.control, e);
    if (g < 0) return g;
    switch (b.control.type) {
    case CONTROL_START: g = take_start(f, which, &b.control, e); break;
    case CONTROL_BARRIER:
        if (s->config->feeds_have_barriers) break;
        g = err_set(e, G_DATA, "'%s' has a barrier: those of several inputs cannot be brought together yet",
                    s->input_name);
        break;
    case CONTROL_SOURCE: g = sources_add(&s->sources, b.h.topic_id, b.control.topic, e); break;
    default: break;
    }
    if (g == 0 && b.control.type != CONTROL_START)
        g = s->ops->control ? s->ops->control(s->ctx, s, &b, e) : stage_pass(s, &b, e);
    control_release(&b.control);
    return g;
}

static int handle_bad(struct stage *s, const struct feed_item *item, struct err *e) {
    const struct record line = {
        .time = NO_TIME, .value = item->body, .value_size = item->size, .value_type = VALUE_BYTES};
    s->counts.records_in++;
    s->counts.bytes_in += item->size;
    *e = *item->why;
    return stage_refuse(s, &line, "record", stage_where(s, &line), e);
}

static int handle_block(struct stage *s, size_t which, struct feed_item **item, struct err *e) {
    const struct feed_item *b = *item;
    s->counts.records_in += b->h.records;
    s->counts.bytes_in += b->size + (b->text ? 0 : BLOCK_HEADER_SIZE);
    if (b->h.max_time > s->counts.max_time) s->counts.max_time = b->h.max_time;
    stage_tick(s);
    return s->ops->feed(s->ctx, s, which, item, e);
}

/* An end that is none fails the run: nothing unfinished goes out as if it were whole. */
static int handle_end(struct feeding *f, size_t which, struct feed_item **item, struct err *e) {
    f->fed[which].ended = true;
    f->live--;
    if ((*item)->grade >= 0) return f->s->ops->feed(f->s->ctx, f->s, which, item, e);
    *e = *(*item)->why;
    return e->grade;
}

static int handle(struct feeding *f, size_t which, struct feed_item **item, struct err *e) {
    stage_at(f->s, which, *item);
    switch ((*item)->kind) {
    case FEED_BLOCK: return handle_block(f->s, which, item, e);
    case FEED_CONTROL: return handle_control(f, which, *item, e);
    case FEED_BAD: return handle_bad(f->s, *item, e);
    case FEED_END: break;
    }
    return handle_end(f, which, item, e);
}

static int take(struct feeding *f, size_t which, struct feed_item **ret, struct err *e) {
    struct fed *fed = &f->fed[which];
    if (!fed->first) return feeds_take(f->feeds, which, ret, e);
    *ret = fed->first;
    fed->first = NULL;
    return 0;
}

static int take_and_handle(struct feeding *f, size_t which, struct err *e) {
    struct feed_item *item;
    int g = take(f, which, &item, e);
    if (g != 0) return g == G_WAIT ? 0 : g;
    g = handle(f, which, &item, e);
    feed_item_free(item);
    return g;
}

/* ---- the loop ---- */

/* Their first words, as far as they come in time. */
static int await_starts(struct feeding *f, struct err *e) {
    const struct stage_config *c = f->s->config;
    int64_t within = c->feeds_begin_together ? c->feeds_begin_within_ns : TOGETHER_NS, start = sys.boot_ns();
    int g = 0;
    for (size_t i = 0; g >= 0 && i < f->count; i++) {
        struct feed_set one = {0};
        feed_set_add(&one, i);
        int64_t left = within - (sys.boot_ns() - start);
        g = feeds_wait(f->feeds, &one, within == 0 ? -1 : left > 0 ? left : 0, e);
        if (g == 0) g = feeds_take(f->feeds, i, &f->fed[i].first, e);
    }
    return g < 0 ? g : 0;
}

/* All starts come before anything that could make us write ours. */
static int take_starts(struct feeding *f, struct err *e) {
    int g = await_starts(f, e);
    for (size_t i = 0; g == 0 && i < f->count; i++) {
        struct feed_item *item = f->fed[i].first;
        struct control c = {0};
        if (!item || item->kind != FEED_CONTROL) continue;
        g = control_parse(item->body, item->size, &c, e);
        if (g == 0 && c.type == CONTROL_START) {
            f->fed[i].first = NULL;
            g = take_start(f, i, &c, e);
            feed_item_free(item);
        }
        control_release(&c);
    }
    return g;
}

/* The next of those that are wanted and have something; count if there is none. */
static size_t choose(struct feeding *f, const struct feed_set *wanted) {
    for (size_t k = 0; k < f->count; k++) {
        size_t i = (f->turn + k) % f->count;
        if (!feed_set_has(wanted, i) || (!f->fed[i].first && !feed_ready(f->feeds, i))) continue;
        f->turn = i + 1;
        return i;
    }
    return f->count;
}

static void ask(struct feeding *f, struct feed_set *ret) {
    *ret = (struct feed_set){0};
    f->s->ops->want(f->s->ctx, f->s, ret);
    for (size_t i = 0; i < f->count; i++)
        if (f->fed[i].ended) ret->bits[i / 64] &= ~(1ull << (i % 64));
}

static int loop(struct feeding *f, struct err *e) {
    struct stage *s = f->s;
    struct feed_set wanted;
    bool shown = false; /* nothing is held back: it may wait */
    int g = 0;
    while (g == 0 && f->live && !s->enough) {
        ask(f, &wanted);
        size_t i = choose(f, &wanted);
        if (i < f->count) {
            g = take_and_handle(f, i, e);
            shown = false;
        } else if (!shown) {
            g = stage_idle(s, e);
            shown = true;
        } else {
            g = feeds_wait(f->feeds, &wanted, s->wake_ns, e);
            if (g == G_WAIT) g = 0;
            shown = false;
        }
    }
    return g;
}

static void release(struct feeding *f) {
    static const struct block_header nothing = {.flags = BLOCK_JSON_VALID};
    for (size_t i = 0; f->fed && i < f->count; i++) {
        feed_item_free(f->fed[i].first);
        json_decref(f->fed[i].history);
    }
    free(f->fed);
    f->s->line = 0;
    f->s->like = &nothing; /* items are gone */
    f->s->origin = (struct record_origin){0};
}

static int run_once(struct stage *s, struct err *e) {
    size_t n = feeds_count(s->config->feeds);
    struct feeding f = {.s = s, .feeds = s->config->feeds, .count = n, .live = n};
    if (!(f.fed = calloc(n ? n : 1, sizeof *f.fed))) return err_nomem(e);
    s->input_fd = -1;
    int g = feeds_start(f.feeds, e);
    if (g == 0) g = take_starts(&f, e);
    if (g == 0) g = loop(&f, e);
    release(&f);
    return g;
}

int stage_run_feeds(struct stage *s, struct err *e) {
    int g;
    do {
        s->enough = false;
        g = run_once(s, e);
        if (g == 0 && s->ops->again) g = s->ops->again(s->ctx, s, e);
    } while (g > 0);
    return g;
}
