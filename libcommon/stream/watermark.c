/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Watermarks. See watermark.h.
 *
 * The least mark is searched for only when its holder passes `others`, a bound that no other source is below: a source
 * that runs ahead of the rest, or behind it, costs two comparisons a record.
 */
#include "stream/watermark.h"

#include <stdlib.h>

#include "json/tree.h"

void watermarks_init(struct watermarks *w, int64_t out_of_order_ns, int64_t idle_timeout_ns) {
    *w = (struct watermarks){.out_of_order_ns = out_of_order_ns,
                             .idle_timeout_ns = idle_timeout_ns,
                             .others = WATERMARK_END,
                             .whole = WATERMARK_NONE,
                             .now = WATERMARK_NONE};
}

static void free_sources(struct watermark_source *sources, size_t count) {
    for (size_t i = 0; i < count; i++) free(sources[i].topic);
    free(sources);
}

void watermarks_release(struct watermarks *w) {
    free_sources(w->sources, w->count);
    w->sources = NULL;
    w->count = w->cap = w->holder = 0;
}

/* The least mark, the one behind it, and the stream's. */
static void settle(struct watermarks *w) {
    int64_t least = WATERMARK_END, second = WATERMARK_END, most = w->whole;
    size_t holder = w->count;
    for (size_t i = 0; i < w->count; i++) {
        const struct watermark_source *s = &w->sources[i];
        if (s->mark > most) most = s->mark;
        if (s->idle) continue;
        if (holder == w->count || s->mark < least) {
            second = least;
            least = s->mark;
            holder = i;
        } else if (s->mark < second) {
            second = s->mark;
        }
    }
    w->holder = holder;
    w->others = second;
    int64_t mark = holder < w->count ? least : most;
    if (mark > w->now) w->now = mark;
}

/* --- Sources ----------------------------------------------------------------------------------------------------- */

static bool is_source(const struct watermark_source *s, uint64_t topic_id, uint32_t partition) {
    return s->topic_id == topic_id && s->partition == partition;
}

/* Blocks of a source come in runs, and sources in turns. */
static size_t find_source(const struct watermarks *w, uint64_t topic_id, uint32_t partition) {
    for (size_t i = w->found; i < w->count; i++)
        if (is_source(&w->sources[i], topic_id, partition)) return i;
    for (size_t i = 0; i < w->found; i++)
        if (is_source(&w->sources[i], topic_id, partition)) return i;
    return w->count;
}

static int add_source(struct watermarks *w, uint64_t topic_id, uint32_t partition, struct err *e) {
    if (w->count == w->cap) {
        size_t cap = w->cap ? w->cap * 2 : 8;
        struct watermark_source *sources = realloc(w->sources, cap * sizeof *sources);
        if (!sources) return err_nomem(e);
        w->sources = sources;
        w->cap = cap;
    }
    w->sources[w->count++] = (struct watermark_source){.topic_id = topic_id,
                                                       .partition = partition,
                                                       .max_time = WATERMARK_NONE,
                                                       .mark = w->whole,
                                                       .fresh = true,
                                                       .told = w->whole != WATERMARK_NONE};
    settle(w);
    return 0;
}

int watermarks_source(struct watermarks *w, uint64_t topic_id, uint32_t partition, const char *topic, size_t *ret,
                      struct err *e) {
    if (topic_id == 0) partition = 0;
    size_t i = find_source(w, topic_id, partition);
    if (i == w->count) {
        int g = add_source(w, topic_id, partition, e);
        if (g < 0) return g;
    }
    if (topic && !w->sources[i].topic && !(w->sources[i].topic = strdup(topic))) return err_nomem(e);
    w->sources[i].awaited = false;
    *ret = w->found = i;
    return 0;
}

/* The sources of a stream are announced before its first record: what was not, is not of this run. */
static void await_no_longer(struct watermarks *w) {
    for (size_t i = 0; i < w->count; i++) w->sources[i].idle |= w->sources[i].awaited;
    w->awaiting = false;
    settle(w);
}

/* --- What moves them --------------------------------------------------------------------------------------------- */

/* What the records alone say. */
static int64_t mark_of_records(const struct watermarks *w, const struct watermark_source *s) {
    int64_t mark;
    if (s->told && w->out_of_order_ns < 0) return WATERMARK_NONE;
    if (__builtin_sub_overflow(s->max_time, w->out_of_order_ns < 0 ? 0 : w->out_of_order_ns, &mark))
        return WATERMARK_NONE;
    return mark < WATERMARK_END ? mark : WATERMARK_END - 1;
}

void watermarks_raise(struct watermarks *w, size_t source, int64_t time) {
    struct watermark_source *s = &w->sources[source];
    bool was_idle = s->idle;
    s->idle = s->awaited = false;
    if (time > s->max_time) s->max_time = time;
    int64_t mark = mark_of_records(w, s);
    if (mark > s->mark) s->mark = mark;
    if (w->awaiting) await_no_longer(w);
    if (was_idle || (source == w->holder && s->mark > w->others))
        settle(w);
    else if (source == w->holder && s->mark > w->now)
        w->now = s->mark;
}

static void promise(struct watermark_source *s, int64_t time) {
    s->told = true;
    if (time > s->mark) s->mark = time;
}

/* `whole` is where a source begins that comes later; if it says nothing yet, that there will be watermarks is told of
 * those that are there. */
static void control_whole(struct watermarks *w, const struct control *c) {
    if (c->type == CONTROL_WATERMARK && c->time > w->whole) w->whole = c->time;
    for (size_t i = 0; i < w->count; i++) {
        /* Who promises something for the whole has what belongs to no topic. */
        if (c->type == CONTROL_WATERMARK && w->sources[i].topic_id == 0) w->sources[i].awaited = false;
        if (c->type == CONTROL_WATERMARK) promise(&w->sources[i], c->time);
        if (c->type == CONTROL_IDLE) w->sources[i].idle = true;
    }
}

int watermarks_control(struct watermarks *w, const struct block *b, struct err *e) {
    const struct control *c = &b->control;
    size_t i;
    if (c->type != CONTROL_SOURCE && c->type != CONTROL_WATERMARK && c->type != CONTROL_IDLE) return 0;
    if (b->h.topic_id == 0) {
        control_whole(w, c);
    } else {
        int g = watermarks_source(w, b->h.topic_id, b->h.partition, c->topic, &i, e);
        if (g < 0) return g;
        struct watermark_source *s = &w->sources[i];
        s->idle = c->type == CONTROL_IDLE;
        s->fresh = true;
        if (c->type == CONTROL_WATERMARK) promise(s, c->time);
    }
    if (w->awaiting && c->type != CONTROL_SOURCE) await_no_longer(w);
    settle(w);
    return 0;
}

int64_t watermarks_tick(struct watermarks *w, int64_t now_ns) {
    int64_t next = -1;
    bool changed = false;
    if (w->idle_timeout_ns < 0) return -1;
    for (size_t i = 0; i < w->count; i++) {
        struct watermark_source *s = &w->sources[i];
        if (s->fresh) s->seen_ns = now_ns;
        s->fresh = false;
        if (s->idle) continue;
        int64_t left = w->idle_timeout_ns - (now_ns - s->seen_ns);
        if (left <= 0 && now_ns > s->seen_ns) {
            s->idle = changed = true;
        } else if (next < 0 || left < next) {
            next = left;
        }
    }
    if (changed) settle(w);
    return next;
}

const struct watermark_source *watermarks_holder(const struct watermarks *w, int64_t *ret_behind_ns) {
    int64_t most = WATERMARK_NONE, behind;
    for (size_t i = 0; i < w->count; i++) {
        const struct watermark_source *s = &w->sources[i];
        if (!s->idle && s->mark > most && s->mark < WATERMARK_END) most = s->mark;
    }
    if (w->holder == w->count || most <= w->sources[w->holder].mark) return NULL;
    int64_t mark = w->sources[w->holder].mark;
    if (mark == WATERMARK_NONE)
        behind = -1;
    else if (__builtin_sub_overflow(most, mark, &behind))
        behind = INT64_MAX;
    *ret_behind_ns = behind;
    return &w->sources[w->holder];
}

/* --- Snapshots --------------------------------------------------------------------------------------------------- */

static json_t *source_save(const struct watermark_source *s) {
    return json_pack("{s:o, s:I, s:s?, s:I, s:I, s:b, s:b}", "topic_id", tree_hex(s->topic_id, 16), "partition",
                     (json_int_t)s->partition, "topic", s->topic, "max_time", (json_int_t)s->max_time, "mark",
                     (json_int_t)s->mark, "told", (int)s->told, "idle", (int)s->idle);
}

json_t *watermarks_save(const struct watermarks *w) {
    json_t *sources = json_array();
    for (size_t i = 0; i < w->count; i++)
        if (json_array_append_new(sources, source_save(&w->sources[i])) < 0) {
            json_decref(sources);
            return NULL;
        }
    return json_pack("{s:I, s:I, s:o}", "now", (json_int_t)w->now, "whole", (json_int_t)w->whole, "sources", sources);
}

static bool load_integer(const json_t *o, const char *name, int64_t *ret) {
    const json_t *v = json_object_get(o, name);
    if (!json_is_integer(v)) return false;
    *ret = json_integer_value(v);
    return true;
}

/* Into the empty `into`. */
static int source_load(struct watermarks *into, const json_t *o, struct err *e) {
    const json_t *topic = json_object_get(o, "topic"), *told = json_object_get(o, "told"),
                 *idle = json_object_get(o, "idle");
    struct watermark_source s;
    uint64_t partition;
    size_t at, before = into->count;
    if (!tree_get_hex(json_object_get(o, "topic_id"), 16, &s.topic_id) ||
        !tree_get_whole(json_object_get(o, "partition"), UINT32_MAX, &partition) ||
        !load_integer(o, "max_time", &s.max_time) || !load_integer(o, "mark", &s.mark) || !json_is_boolean(told) ||
        !json_is_boolean(idle) || (!json_is_string(topic) && !json_is_null(topic)))
        return err_set(e, G_CORRUPT, "a source of the watermark is not what it should be");
    int g = watermarks_source(into, s.topic_id, (uint32_t)partition, json_string_value(topic), &at, e);
    if (g < 0) return g;
    if (at < before) return err_set(e, G_CORRUPT, "a source of the watermark is there twice");
    into->sources[at].max_time = s.max_time;
    into->sources[at].mark = s.mark;
    into->sources[at].told = json_is_true(told);
    into->sources[at].idle = json_is_true(idle);
    into->sources[at].awaited = into->awaiting = true;
    return 0;
}

int watermarks_load(struct watermarks *w, const json_t *saved, struct err *e) {
    const json_t *sources = json_object_get(saved, "sources");
    struct watermarks into;
    int g = 0;
    watermarks_init(&into, w->out_of_order_ns, w->idle_timeout_ns);
    if (!load_integer(saved, "now", &into.now) || !load_integer(saved, "whole", &into.whole) || !json_is_array(sources))
        return err_set(e, G_CORRUPT, "the saved watermark is not what it should be");
    for (size_t i = 0; g == 0 && i < json_array_size(sources); i++)
        g = source_load(&into, json_array_get(sources, i), e);
    if (g < 0) {
        watermarks_release(&into);
        return g;
    }
    settle(&into);
    watermarks_release(w);
    *w = into;
    return 0;
}
