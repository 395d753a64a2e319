/* SPDX-License-Identifier: Apache-2.0 */
/* The queues of feeds, between the threads that read and the main thread. See feed.h. */
#include "stream/feed.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "stream/feed_impl.h"
#include "sys/futex.h"
#include "sys/signals.h"
#include "sys/sys.h"

#define QUEUE_BYTES (8u << 20)
#define QUEUES_BYTES (128u << 20) /* of all feeds together, where each can have QUEUE_LEAST_BYTES */
#define QUEUE_LEAST_BYTES (512u << 10)
#define LOOK_NS 200000000 /* a signal that came just before the main thread slept is seen after this */
#define GRACE_NS 10000000 /* the main thread has waited this long before anything is spilled */

static int64_t now_ns(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

/* ---- items ---- */

/* Rounded up to where a pointer may lie. */
static size_t aligned(size_t n) {
    return (n + 7) & ~(size_t)7;
}

/* The parts of an item lie behind it: words, lines, body. */
static void place_parts(struct feed_item *item, size_t lines, bool why) {
    char *p = (char *)(item + 1);
    item->why = why ? (struct err *)(void *)p : NULL;
    if (why) p += aligned(sizeof *item->why);
    item->lines = lines ? (const uint32_t *)(const void *)p : NULL;
    p += aligned(lines * sizeof *item->lines);
    item->body = p;
}

struct feed_item *feed_item_new(enum feed_kind kind, size_t size, size_t lines, bool why) {
    size_t parts = (why ? aligned(sizeof(struct err)) : 0) + aligned(lines * sizeof(uint32_t));
    size_t memory = sizeof(struct feed_item) + parts + size + FEED_SLACK;
    struct feed_item *item = malloc(memory);
    if (!item) return NULL;
    *item = (struct feed_item){.kind = kind, .size = size, .slack = FEED_SLACK, .memory = memory};
    place_parts(item, lines, why);
    if (item->why) *item->why = (struct err){0};
    memset(item->body + size, 0, FEED_SLACK);
    return item;
}

void feed_item_free(struct feed_item *item) {
    if (item) free(item->note);
    free(item);
}

static size_t memory_of(const struct feed_item *item) {
    return item->memory + item->note_size;
}

/* ---- the queue; all of this under the lock ---- */

static bool has_room(const struct feed *f, size_t more) {
    return spill_size(&f->spill) == 0 && (f->bytes == 0 || f->bytes + more <= f->all->queue_bytes);
}

/* Somebody writes this input and perhaps that which the main thread waits for, too. A short wait is no reason to spill,
 * but once there is something in the file, all that follows must go there or wait. */
static bool must_spill(const struct feed *f) {
    int64_t since = f->all->waits_since_ns;
    if (!f->special || since == 0) return false;
    return spill_size(&f->spill) > 0 || now_ns() - since >= GRACE_NS;
}

/* Until something changes, or until it is time to spill. */
static void wait_for_room(struct feed *f) {
    struct feeds *all = f->all;
    f->waiting = true;
    if (f->special && all->waits_since_ns) {
        int64_t until = all->waits_since_ns + GRACE_NS;
        const struct timespec t = {.tv_sec = until / 1000000000, .tv_nsec = until % 1000000000};
        (void)pthread_cond_timedwait(&all->changed, &all->lock, &t);
    } else {
        (void)pthread_cond_wait(&all->changed, &all->lock);
    }
    f->waiting = false;
}

static void append(struct feed *f, struct feed_item *item) {
    item->next = NULL;
    if (f->last)
        f->last->next = item;
    else
        f->first = item;
    f->last = item;
    f->bytes += memory_of(item);
}

static void drop_items(struct feed *f) {
    while (f->first) {
        struct feed_item *next = f->first->next;
        feed_item_free(f->first);
        f->first = next;
    }
    f->last = NULL;
    f->bytes = 0;
    spill_release(&f->spill);
}

static bool has_failed(const struct feed *f) {
    return f->ended && f->end_grade < 0 && !f->enough;
}

/* It is awake as soon as there is something for it, though it may take a while to know. */
void feed_tell_main(struct feed *f) {
    struct feeds *all = f->all;
    bool wanted = feed_set_has(&all->wanted, f->index);
    if (all->waits_since_ns == 0 || (!wanted && !has_failed(f))) return;
    all->waits_since_ns = 0;
    atomic_fetch_add((_Atomic uint32_t *)&all->news, 1);
    futex_wake_all(&all->news);
}

/* In the file there is one piece of memory for each item. */
static void drop_note(struct feed_item *item) {
    free(item->note);
    item->note = NULL;
    item->note_size = 0;
}

int feed_put(struct feed *f, struct feed_item *item, struct err *e) {
    struct feeds *all = f->all;
    int g = 0;
    pthread_mutex_lock(&all->lock);
    while (!all->stop && !f->enough && !has_room(f, memory_of(item)) && !must_spill(f)) wait_for_room(f);
    if (all->stop || f->enough) {
        g = err_set(e, G_STOPPED, "stopped while reading '%s'", f->name);
    } else if (has_room(f, memory_of(item))) {
        append(f, item);
        item = NULL;
    } else {
        drop_note(item);
        g = spill_append(&f->spill, item, item->memory, e);
    }
    feed_tell_main(f);
    pthread_mutex_unlock(&all->lock);
    feed_item_free(item);
    return g;
}

/* The item at the front of the file, which was written as it lay in memory. */
static int unspill(struct feed *f, struct feed_item **ret, struct err *e) {
    struct feed_item head;
    int g = spill_peek(&f->spill, &head, sizeof head, e);
    if (g < 0) return g;
    struct feed_item *item = malloc(head.memory);
    if (!item) return err_nomem(e);
    g = spill_read(&f->spill, item, head.memory, e);
    if (g < 0) {
        free(item);
        return g;
    }
    size_t behind = (size_t)((char *)item + item->memory - (char *)(item + 1)) - item->size - FEED_SLACK;
    if (item->why) behind -= aligned(sizeof *item->why);
    place_parts(item, item->lines ? behind / sizeof *item->lines : 0, item->why != NULL);
    *ret = item;
    return 0;
}

static int take_end(struct feed *f, struct feed_item **ret, struct err *e) {
    if (!f->ended || f->end_taken) return G_WAIT;
    struct feed_item *item = feed_item_new(FEED_END, 0, 0, f->end_grade < 0);
    if (!item) return err_nomem(e);
    item->grade = f->end_grade;
    if (item->why) *item->why = f->end_why;
    f->end_taken = true;
    *ret = item;
    return 0;
}

static int take(struct feed *f, struct feed_item **ret, struct err *e) {
    if (f->first) {
        struct feed_item *item = f->first;
        f->first = item->next;
        if (!f->first) f->last = NULL;
        f->bytes -= memory_of(item);
        item->next = NULL;
        *ret = item;
        return 0;
    }
    return spill_size(&f->spill) ? unspill(f, ret, e) : take_end(f, ret, e);
}

int feeds_take(struct feeds *all, size_t i, struct feed_item **ret, struct err *e) {
    struct feed *f = &all->feed[i];
    pthread_mutex_lock(&all->lock);
    int g = take(f, ret, e);
    if (f->waiting) pthread_cond_broadcast(&all->changed);
    pthread_mutex_unlock(&all->lock);
    return g;
}

void feed_enough(struct feeds *all, size_t i) {
    struct feed *f = &all->feed[i];
    pthread_mutex_lock(&all->lock);
    f->enough = true;
    drop_items(f);
    pthread_cond_broadcast(&all->changed);
    pthread_mutex_unlock(&all->lock);
}

static bool is_ready(const struct feed *f) {
    return f->first || spill_size(&f->spill) || (f->ended && !f->end_taken);
}

bool feed_ready(struct feeds *all, size_t i) {
    pthread_mutex_lock(&all->lock);
    bool ready = is_ready(&all->feed[i]);
    pthread_mutex_unlock(&all->lock);
    return ready;
}

/* ---- waiting ---- */

/* 0: one of them is ready; G_WAIT: none; an error: one that is not wanted has failed. Its pipe is not read any more,
 * and those that are wanted may come from the same writer. */
static int look(struct feeds *all, const struct feed_set *wanted, struct err *e) {
    for (size_t i = 0; i < all->count; i++)
        if (feed_set_has(wanted, i) && is_ready(&all->feed[i])) return 0;
    for (size_t i = 0; i < all->count; i++) {
        const struct feed *f = &all->feed[i];
        if (!has_failed(f)) continue;
        *e = f->end_why;
        return f->end_grade;
    }
    return G_WAIT;
}

/* One sleep, with the lock given up meanwhile. */
static void sleep_on_news(struct feeds *all, int64_t ns) {
    uint32_t seen = atomic_load((_Atomic uint32_t *)&all->news);
    pthread_mutex_unlock(&all->lock);
    futex_wait(&all->news, seen, ns);
    pthread_mutex_lock(&all->lock);
}

static void begin_waiting(struct feeds *all, const struct feed_set *wanted) {
    if (all->waits_since_ns) return;
    all->wanted = *wanted;
    all->waits_since_ns = now_ns();
    pthread_cond_broadcast(&all->changed);
}

int feeds_wait(struct feeds *all, const struct feed_set *wanted, int64_t timeout_ns, struct err *e) {
    int64_t start = now_ns();
    int g;
    pthread_mutex_lock(&all->lock);
    while ((g = look(all, wanted, e)) == G_WAIT) {
        int64_t left = timeout_ns < 0 ? LOOK_NS : timeout_ns - (now_ns() - start);
        if (signals_stop()) g = err_set(e, G_STOPPED, "stopped while waiting for input");
        if (g < 0 || left <= 0) break;
        begin_waiting(all, wanted);
        sleep_on_news(all, left < LOOK_NS ? left : LOOK_NS);
    }
    all->waits_since_ns = 0;
    pthread_mutex_unlock(&all->lock);
    return g;
}

/* ---- from the beginning to the end ---- */

static void init_feed(struct feeds *all, size_t i) {
    const struct feeds_config *c = &all->config;
    struct feed *f = &all->feed[i];
    const char *operand = c->names[i];
    bool standard = strcmp(operand, "-") == 0;
    const char *standard_input = c->standard_input ? c->standard_input : "standard input";
    *f = (struct feed){.all = all, .index = i, .operand = operand, .name = standard ? standard_input : operand};
    f->fd = -1;
    struct stat st;
    bool there = standard ? sys.fstat(STDIN_FILENO, &st) == 0 : stat(operand, &st) == 0;
    f->topic = !c->read && !standard && !strchr(operand, '/') && (!there || S_ISDIR(st.st_mode));
    f->special = f->topic || (!there && !c->read) || (there && !S_ISREG(st.st_mode));
    spill_init(&f->spill, &all->budget, f->name);
}

static int check_names(const struct feeds_config *c, struct err *e) {
    size_t standard = 0;
    if (c->count > FEEDS_MAX) return err_set(e, G_USAGE, "%zu inputs; at most %d are possible", c->count, FEEDS_MAX);
    for (size_t i = 0; i < c->count; i++) standard += strcmp(c->names[i], "-") == 0;
    return standard > 1 ? err_set(e, G_USAGE, "'-' can be an input only once") : 0;
}

static int init_locks(struct feeds *all, struct err *e) {
    pthread_condattr_t attributes;
    pthread_mutex_init(&all->lock, NULL);
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&all->changed, &attributes);
    pthread_condattr_destroy(&attributes);
    all->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    return all->wake < 0 ? err_sys(e, errno, "cannot make an eventfd") : 0;
}

static size_t queue_bytes(const struct feeds_config *c) {
    if (c->queue_bytes) return c->queue_bytes;
    size_t n = QUEUES_BYTES / (c->count ? c->count : 1);
    return n > QUEUE_BYTES ? QUEUE_BYTES : n < QUEUE_LEAST_BYTES ? QUEUE_LEAST_BYTES : n;
}

int feeds_open(struct feeds **ret, const struct feeds_config *config, struct err *e) {
    int g = check_names(config, e);
    if (g < 0) return g;
    struct feeds *all = calloc(1, sizeof *all);
    if (!all) return err_nomem(e);
    all->config = *config;
    all->budget.limit = config->spill_limit;
    all->queue_bytes = queue_bytes(config);
    g = init_locks(all, e);
    if (g == 0 && !(all->feed = calloc(config->count ? config->count : 1, sizeof *all->feed))) g = err_nomem(e);
    for (; g == 0 && all->count < config->count; all->count++) {
        struct feed *f = &all->feed[all->count];
        init_feed(all, all->count);
        if (f->special && config->spill_limit) spill_open(&f->spill);
        if (f->topic) g = feed_topic_start(f, e);
    }
    if (g < 0) {
        feeds_close(all);
        return g;
    }
    *ret = all;
    return 0;
}

int feeds_start(struct feeds *all, struct err *e) {
    int rc = 0;
    signals_block(true); /* the threads inherit it */
    for (size_t i = 0; rc == 0 && i < all->count; i++) {
        rc = pthread_create(&all->feed[i].thread, NULL, feed_read_thread, &all->feed[i]);
        all->feed[i].running = rc == 0;
    }
    signals_block(false);
    return rc ? err_sys(e, rc, "cannot start a thread") : 0;
}

static void stop_threads(struct feeds *all) {
    uint64_t one = 1;
    pthread_mutex_lock(&all->lock);
    all->stop = true;
    pthread_cond_broadcast(&all->changed);
    pthread_mutex_unlock(&all->lock);
    ssize_t n = sys.write(all->wake, &one, sizeof one);
    (void)n; /* it is empty: there is room */
    for (size_t i = 0; i < all->count; i++)
        if (all->feed[i].running) pthread_join(all->feed[i].thread, NULL);
}

void feeds_close(struct feeds *all) {
    if (!all) return;
    if (all->wake >= 0) stop_threads(all);
    for (size_t i = 0; i < all->count; i++) {
        struct feed *f = &all->feed[i];
        feed_topic_stop(f);
        drop_items(f);
    }
    if (all->wake >= 0) sys.close(all->wake);
    pthread_cond_destroy(&all->changed);
    pthread_mutex_destroy(&all->lock);
    free(all->feed);
    free(all);
}

size_t feeds_count(const struct feeds *all) {
    return all->count;
}

const char *feed_name(const struct feeds *all, size_t i) {
    return all->feed[i].name;
}

uint64_t feeds_spilled(const struct feeds *all) {
    return atomic_load((const _Atomic uint64_t *)&all->budget.most);
}
