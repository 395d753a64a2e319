/* SPDX-License-Identifier: Apache-2.0 */
/* One record after the other, each at its moment: see replay.h. The order is that of state/order.h. */
#include "cli/diag.h"
#include "replay.h"
#include "sys/pipes.h"
#include "sys/signals.h"
#include "sys/sys.h"

#define KEYS_SLEEP_NS (5 * NS_PER_MS) /* the last part of a wait is slept, as poll() is not exact */
#define KEYS_LOOK_NS (20 * NS_PER_MS) /* how often keys are looked for where nothing waits */
#define ORIGINAL_TIME "leat.original_time"

/* ---- waiting ---- */

/* Whatever stands still, the end of --duration does so, too. */
static void stand(struct replay *p, int64_t ns) {
    if (p->end_ns < INT64_MAX) p->end_ns += ns;
}

static void turn_pause(struct replay *p) {
    int64_t since = p->pace.paused_ns;
    if (since) {
        pace_resume(&p->pace);
        stand(p, sys.steady_ns() - since);
    } else {
        pace_pause(&p->pace);
    }
    if (p->progress->shown) diag_status(since ? NULL : "paused; Space goes on");
}

/* True: it lets a record of --step go. */
static bool heed_key(struct replay *p, enum key key) {
    if (key == KEY_NONE) return false;
    if (p->step) return true;
    if (key == KEY_SPACE) turn_pause(p);
    if (key == KEY_FASTER && p->pace.factor < 1e9) pace_change(&p->pace, p->pace.factor * 2);
    if (key == KEY_SLOWER && p->pace.factor > 1e-9) pace_change(&p->pace, p->pace.factor / 2);
    return false;
}

/* A part of the wait. True: go on at once. */
static bool rest(struct replay *p, int64_t now, int64_t until) {
    bool go = false;
    if (p->keys.fd >= 0 && !p->keys.gone && until - now > KEYS_SLEEP_NS) {
        int64_t longest = until - now - KEYS_SLEEP_NS + NS_PER_MS;
        go = heed_key(p, keys_wait(&p->keys, longest < NS_PER_S ? longest : NS_PER_S));
    } else {
        (void)sys.sleep_until(until);
    }
    int64_t stood = keys_stood();
    if (stood > 0 && !p->pace.paused_ns) {
        pace_stood(&p->pace, stood);
        stand(p, stood);
    }
    return go;
}

static int look_around(const struct replay *p, const struct stage *s, struct err *e) {
    if (signals_stop()) return err_set(e, G_STOPPED, "stopped");
    if (p->keys.gone && (p->step || p->pace.paused_ns))
        return err_set(e, G_IO, "the terminal that keys were to come from went away");
    if (!p->to && pipe_abandoned(s->output.writer.fd))
        return err_set(e, G_PIPE, "the reader of standard output went away");
    return 0;
}

static void look_for_keys(struct replay *p, int64_t now) {
    if (p->keys.fd < 0 || p->keys.gone || p->step || now - p->keys_looked_ns < KEYS_LOOK_NS) return;
    p->keys_looked_ns = now;
    (void)heed_key(p, keys_wait(&p->keys, 0));
}

/* Until the record is due, with nothing left behind. */
static int wait_due(struct replay *p, struct stage *s, struct err *e) {
    int64_t now = sys.steady_ns();
    bool flushed = false, go = false;
    int g = 0;
    look_for_keys(p, now);
    for (;; now = sys.steady_ns()) {
        int64_t due = p->step ? INT64_MAX : pace_moved(&p->pace), until = due < p->end_ns ? due : p->end_ns;
        bool waits = p->pace.paused_ns || now < until;
        if (!p->pace.paused_ns) watch_tick(p, now, waits);
        if (go || !waits) break;
        if (!flushed) {
            g = stage_flush(s, e);
            flushed = true;
        } else {
            g = look_around(p, s, e);
            int64_t next = p->pace.paused_ns ? now + NS_PER_S : watch_next(p, now);
            if (g == 0) go = rest(p, now, p->pace.paused_ns || next < until ? next : until);
        }
        if (g < 0) return g;
    }
    if (now >= p->end_ns) s->enough = p->finished = true;
    if (p->step) p->pace.due_ns = now;
    return 0;
}

/* ---- a record ---- */

/* It is no longer the record of its source. */
static bool is_derived(const struct replay *p) {
    return p->shift || p->round > 0;
}

/* The moment at which it is due, and its own time into a header. */
static int move_time(struct replay *p, struct record *r, struct err *e) {
    char text[TIME_TEXT_MAX];
    if (r->time == NO_TIME) return 0;
    if (!p->has_shift) {
        int64_t due = sys.wall_ns() - (sys.steady_ns() - p->pace.due_ns);
        if (__builtin_sub_overflow(due, r->time, &p->shift_ns)) p->shift_ns = INT64_MAX;
        p->has_shift = true;
    }
    size_t n = time_format_rfc3339(r->time, text);
    if (__builtin_add_overflow(r->time, p->shift_ns, &r->time) || r->time < TIME_MIN)
        return err_set(e, G_DATA, "its time cannot be moved so far");
    buf_clear(&p->headers);
    if (buf_append(&p->headers, r->headers, r->headers_size) < 0) return err_nomem(e);
    int g = record_header_append(&p->headers, ORIGINAL_TIME, sizeof ORIGINAL_TIME - 1, text, n, e);
    r->headers = p->headers.data;
    r->headers_size = p->headers.len;
    return g;
}

/* 1: it was a bad one, and left out. */
static int put(struct replay *p, struct stage *s, const struct record *r, struct err *e) {
    static const struct block_header nothing = {.flags = BLOCK_JSON_VALID};
    bool derived = is_derived(p);
    struct record moved = *r;
    int g = p->shift ? move_time(p, &moved, e) : 0;
    if (g == 0 && p->to)
        g = sink_put(p->to, derived ? &nothing : s->like, &moved, e);
    else if (g == 0)
        g = derived ? stage_emit_derived(s, &moved, e) : stage_emit(s, &moved, e);
    if (g != G_DATA) return g;
    g = stage_bad(s, r, e);
    s->failed |= g == G_DATA; /* the policy has been asked */
    return g < 0 ? g : 1;
}

void play_end_at(struct replay *p, int64_t start_ns) {
    if (p->duration_ns < 0 || __builtin_add_overflow(start_ns, p->duration_ns, &p->end_ns)) p->end_ns = INT64_MAX;
}

/* The next one, in its turn. */
static int play(void *ctx, struct stage *s, const struct record *r, struct err *e) {
    struct replay *p = ctx;
    if (s->enough) return 0;
    if (signals_stop()) return err_set(e, G_STOPPED, "stopped");
    (void)pace_due(&p->pace, r->time);
    if (!p->playing) play_end_at(p, p->pace.start_ns);
    p->playing = true;
    int g = wait_due(p, s, e);
    if (g < 0 || s->enough) return g;
    p->recordings.recording[s->which].done++;
    if (r->time > p->latest) p->latest = r->time;
    g = put(p, s, r, e);
    if (g != 0) return g < 0 ? g : 0;
    pace_left(&p->pace);
    watch_lag(p);
    p->bytes += r->value_size;
    if (++p->played == p->limit) s->enough = p->finished = true;
    return 0;
}

/* One that was late in the recording already is no news where its order is kept. */
static int play_behind(void *ctx, struct stage *s, const struct record *r, struct err *e) {
    struct replay *p = ctx;
    if (p->by_time && ++p->late <= 3)
        diag_warn("record '%s' is earlier than what was played before it", stage_where(s, r));
    return play(ctx, s, r, e);
}

/* ---- callbacks ---- */

static enum turn_admits admit(void *ctx, struct stage *s, size_t which, const struct record *r) {
    struct replay *p = ((struct order *)ctx)->ctx;
    (void)s;
    return recording_admit(&p->recordings, which, r);
}

int play_prepare(struct replay *p, struct err *e) {
    int64_t out_of_order_ns = p->by_time ? p->out_of_order_ns : 0;
    int g = order_init(&p->order, p->recordings.count, out_of_order_ns, -1, &p->budget, e);
    p->order.quiet = true;
    p->order.take = play;
    p->order.behind = play_behind;
    p->order.ctx = p;
    p->order.turns.as_written = !p->by_time;
    p->order.turns.admit = admit;
    p->latest = NO_TIME;
    return g;
}

void play_want(void *ctx, struct stage *s, struct feed_set *ret) {
    (void)s;
    order_want(&((struct replay *)ctx)->order, ret);
}

/* Every input can have come to the end of the range while its feed has more. */
static bool all_ended(const struct turns *t) {
    for (size_t i = 0; i < t->count; i++)
        if (!t->inputs[i].ended) return false;
    return true;
}

int play_feed(void *ctx, struct stage *s, size_t which, struct feed_item **item, struct err *e) {
    struct replay *p = ctx;
    if ((*item)->kind == FEED_BLOCK) {
        if (!p->playing) play_end_at(p, sys.steady_ns());
        p->recordings.recording[which].at = (*item)->position;
        p->recordings.recording[which].taken += (*item)->h.records;
    }
    int g = order_feed(&p->order, s, which, item, e);
    s->enough |= all_ended(&p->order.turns);
    return g;
}

/* In the order in which they were written, what a source says of itself stands where it stood. */
int play_control(void *ctx, struct stage *s, const struct block *b, struct err *e) {
    struct replay *p = ctx;
    bool passes = true;
    switch (b->control.type) {
    case CONTROL_SOURCE: passes = !is_derived(p); break;
    case CONTROL_BARRIER:
        p->barriers++;
        passes = false;
        break;
    case CONTROL_WATERMARK:
    case CONTROL_IDLE:
        passes = !is_derived(p) && !p->by_time && (b->h.topic_id != 0 || p->recordings.count == 1);
        break;
    default: break;
    }
    return passes ? stage_pass(s, b, e) : 0;
}

/* The sources have nothing for now: a duration ends all the same. */
int play_idle(void *ctx, struct stage *s, struct err *e) {
    struct replay *p = ctx;
    (void)e;
    int64_t now = sys.steady_ns();
    watch_tick(p, now, false);
    if (now >= p->end_ns) s->enough = p->finished = true;
    int64_t next = watch_next(p, now);
    s->wake_ns = (next < p->end_ns ? next : p->end_ns) - now;
    return 0;
}

int play_again(void *ctx, struct stage *s, struct err *e) {
    struct replay *p = ctx;
    (void)s;
    bool over = p->finished || (p->rounds && p->round + 1 >= p->rounds) || p->played == p->played_before;
    if (over) return 0;
    p->round++;
    p->played_before = p->played;
    p->has_shift = false;
    recordings_rewind(&p->recordings);
    order_release(&p->order);
    feeds_close(p->config->feeds);
    p->config->feeds = NULL;
    pace_restart(&p->pace, p->loop_delay_ns);
    if (p->pace.kind != PACE_RATE) p->last_place = 0;
    int g = play_prepare(p, e);
    if (g == 0) g = feeds_open(&p->config->feeds, &p->feeds, e);
    return g < 0 ? g : 1;
}
