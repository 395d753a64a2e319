/* SPDX-License-Identifier: Apache-2.0 */
/*
 * State from one run to the next (--state): windows that are not complete, records that wait for their turn, and how
 * far event time has come, in one snapshot. leat-state(5) has the form, leat-window(1) what it is good for.
 */
#include "window.h"

#include <inttypes.h>

static int put(void *ctx, int64_t space, const char *key, size_t key_size, const char *value, size_t n, struct err *e) {
    struct window *w = ctx;
    if (space == PENDING_SPACE) return pending_load(w, value, n, e);
    return w->kind->load(w, space, key, key_size, value, n, e);
}

static int take_away(void *ctx, int64_t space, const char *key, size_t key_size, struct err *e) {
    struct window *w = ctx;
    return w->kind->remove(w, space, key, key_size, e);
}

static int drop(void *ctx, int64_t space, struct err *e) {
    struct window *w = ctx;
    return w->kind->drop(w, space, e);
}

/* --all */
static int load_seen(struct window *w, const json_t *meta, struct err *e) {
    json_int_t start, end, untimed;
    if (json_unpack((json_t *)(uintptr_t)meta, "{s:[I,I,I]}", "seen", &start, &end, &untimed) || untimed < 0 ||
        untimed > TIME_MIN - NO_TIME)
        return err_set(e, G_CORRUPT, "state does not say which times it has seen");
    w->seen = (struct span){start, end};
    w->untimed = untimed;
    return 0;
}

static int load_meta(struct window *w, const json_t *meta, struct err *e) {
    json_int_t fired, early;
    const json_t *marks = json_object_get(meta, "watermarks");
    if (!json_is_object(marks) ||
        json_unpack((json_t *)(uintptr_t)meta, "{s:I, s:I}", "fired", &fired, "early", &early))
        return err_set(e, G_CORRUPT, "state does not say how far it has come");
    if (json_is_true(json_object_get(meta, "drained")))
        return err_set(e, G_USAGE, "the state was drained: all windows are complete; to begin anew, remove it");
    w->panes.fired = fired;
    const json_t *every = json_object_get(meta, "early_every");
    if (json_integer_value(every) == w->early_ns) w->early_at = early; /* else the first record finds where it is */
    int g = window_is_all(w) ? load_seen(w, meta, e) : 0;
    return g < 0 ? g : watermarks_load(&w->marks, marks, e);
}

int resume_open(struct window *w, const char *dir, const char *identity, bool force_fs, struct err *e) {
    static const struct snapshot_ops ops = {put, take_away, drop};
    json_t *meta = NULL;
    int g = snapshot_open(dir, "window", identity, force_fs, &w->state, e);
    if (g == 0) g = snapshot_restore(w->state, &ops, w, &meta, e);
    if (g == 0 && meta) g = load_meta(w, meta, e);
    if (g == G_USAGE && meta) (void)err_prefix(e, "'%s': ", dir);
    json_decref(meta);
    w->due = INT64_MIN; /* the first record finds out what is due */
    return g;
}

static json_t *make_meta(const struct window *w, int64_t checkpoint) {
    json_t *meta = json_object(), *marks = watermarks_save(&w->marks);
    json_t *seen = json_pack("[I,I,I]", (json_int_t)w->seen.start, (json_int_t)w->seen.end, (json_int_t)w->untimed);
    int bad = !meta || !marks || (window_is_all(w) && json_object_set(meta, "seen", seen) < 0) ||
              json_object_set_new(meta, "fired", json_integer(w->panes.fired)) < 0 ||
              json_object_set_new(meta, "early", json_integer(w->early_at)) < 0 ||
              json_object_set_new(meta, "early_every", json_integer(w->early_ns)) < 0 ||
              json_object_set_new(meta, "checkpoint", checkpoint < 0 ? json_null() : json_integer(checkpoint)) < 0 ||
              json_object_set_new(meta, "drained", json_boolean(w->marks.now == WATERMARK_END)) < 0 ||
              json_object_set(meta, "watermarks", marks) < 0;
    json_decref(marks);
    json_decref(seen);
    if (!bad) return meta;
    json_decref(meta);
    return NULL;
}

int resume_save(struct window *w, int64_t checkpoint, struct err *e) {
    bool whole;
    json_t *meta = make_meta(w, checkpoint);
    int g = meta ? snapshot_begin(w->state, false, &whole, e) : err_nomem(e);
    if (g == 0) g = w->kind->save(w, w->state, whole, e);
    if (g == 0 && w->pending.used) g = pending_save(w, w->state, e);
    if (g == 0) g = snapshot_commit(w->state, meta, e);
    json_decref(meta);
    return g;
}
