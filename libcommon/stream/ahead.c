/* SPDX-License-Identifier: Apache-2.0 */
/* Validating ahead. See ahead.h. */
#include "stream/ahead.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "sys/signals.h"

/* The caller has more to do for each line than to validate it, so its part is the smaller one. */
#define CALLERS_SHARE(n) ((n) / 8 * 3)

struct ahead {
    pthread_t thread;
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    struct json_validator json;
    const char *from, *end; /* what to look at; the caller's while not busy */
    bool busy, quit;
    atomic_bool stop;         /* leave the rest */
    _Atomic uintptr_t passed; /* every line in [from, passed) is valid */
};

static void look(struct ahead *a) {
    const char *p = a->from;
    while (p < a->end && !atomic_load_explicit(&a->stop, memory_order_relaxed)) {
        const char *lf = memchr(p, '\n', (size_t)(a->end - p));
        const char *next = lf ? lf + 1 : a->end;
        if (json_validate(&a->json, p, (size_t)(next - p), NULL) != 0) break; /* the reader finds out what is wrong */
        p = next;
        atomic_store_explicit(&a->passed, (uintptr_t)p, memory_order_release);
    }
}

static void *ahead_main(void *arg) {
    struct ahead *a = arg;
    pthread_mutex_lock(&a->mutex);
    while (!a->quit) {
        if (!a->busy) {
            pthread_cond_wait(&a->changed, &a->mutex);
            continue;
        }
        pthread_mutex_unlock(&a->mutex);
        look(a);
        pthread_mutex_lock(&a->mutex);
        a->busy = false;
        pthread_cond_broadcast(&a->changed);
    }
    pthread_mutex_unlock(&a->mutex);
    return NULL;
}

static bool has_processors(void) {
    cpu_set_t set;
    return sched_getaffinity(0, sizeof set, &set) == 0 && CPU_COUNT(&set) > 1;
}

struct ahead *ahead_start(const struct json_limits *limits) {
    struct ahead *a = has_processors() ? calloc(1, sizeof *a) : NULL;
    if (!a) return NULL;
    if (json_validator_init(&a->json, limits) < 0) {
        free(a);
        return NULL;
    }
    pthread_mutex_init(&a->mutex, NULL);
    pthread_cond_init(&a->changed, NULL);
    signals_block(true); /* the reader's thread is the one to be interrupted */
    int failed = pthread_create(&a->thread, NULL, ahead_main, a);
    signals_block(false);
    if (!failed) return a;
    json_validator_release(&a->json);
    free(a);
    return NULL;
}

void ahead_free(struct ahead *a) {
    if (!a) return;
    ahead_rest(a);
    pthread_mutex_lock(&a->mutex);
    a->quit = true;
    pthread_cond_broadcast(&a->changed);
    pthread_mutex_unlock(&a->mutex);
    pthread_join(a->thread, NULL);
    pthread_cond_destroy(&a->changed);
    pthread_mutex_destroy(&a->mutex);
    json_validator_release(&a->json);
    free(a);
}

void ahead_look(struct ahead *a, const char *p, size_t n) {
    const char *lf = memchr(p + CALLERS_SHARE(n), '\n', n - CALLERS_SHARE(n));
    if (!lf) return;
    pthread_mutex_lock(&a->mutex);
    a->from = lf + 1;
    a->end = p + n;
    atomic_store(&a->passed, (uintptr_t)a->from);
    atomic_store(&a->stop, false);
    a->busy = true;
    pthread_cond_broadcast(&a->changed);
    pthread_mutex_unlock(&a->mutex);
}

bool ahead_passed(const struct ahead *a, const char *line, size_t n) {
    if (line < a->from) return false;
    return (uintptr_t)line + n <= atomic_load_explicit(&a->passed, memory_order_acquire);
}

void ahead_rest(struct ahead *a) {
    if (!a) return;
    atomic_store(&a->stop, true);
    pthread_mutex_lock(&a->mutex);
    while (a->busy) pthread_cond_wait(&a->changed, &a->mutex);
    a->from = a->end = NULL;
    atomic_store(&a->passed, 0);
    pthread_mutex_unlock(&a->mutex);
}
